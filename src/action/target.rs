//! Which session a local caller means.

use std::sync::Arc;

use crate::base::error::{Code, Error, Result};
use crate::session::derive;
use crate::session::key::{MAIN, SessionKey};
use crate::session::model::Session;
use crate::session::users::not_logged_in;

use super::Services;

/// Names that an ambiguity error lists.
const MAX_LISTED: usize = 10;

/// The session to read: the named one, or the main one. Where senders are kept apart there is no plain main session;
/// then the only login of the main chat is meant, where all logins are this process's own to see.
///
/// # Errors
/// `SessionUnknown` for a name that has no login, `NotLoggedIn` when there is no main login, `SessionAmbiguous` with
/// the candidates when there are several, `InvalidRequest` for a group in personal mode.
pub(super) fn existing(services: &Services, session: Option<SessionKey>) -> Result<SessionKey> {
    login(services, session).map(|(key, _)| key)
}

/// The same with the login that it has.
///
/// # Errors
/// As [`existing`].
pub(super) fn login(services: &Services, session: Option<SessionKey>) -> Result<(SessionKey, Arc<Session>)> {
    if let Some(key) = session {
        let key = allowed(services, key)?;
        return match services.users.current(&key)? {
            Some(session) => Ok((key, session)),
            None if key.as_str() == MAIN => login(services, None),
            None => {
                Err(Error::new(Code::SessionUnknown, format!("no login under session {:?}", key.as_str()))
                    .with_hint("list the sessions with: agent-identity status"))
            }
        };
    }
    let main = SessionKey::main();
    if let Some(session) = services.users.current(&main)? {
        return Ok((main, session));
    }
    if services.personal_session_mode {
        // What senders left behind from before the mode was switched on is nobody's here.
        return Err(not_logged_in());
    }
    if services.store.place().is_some() {
        // With an engine nobody sees all logins: the only one that this process has met need not be the only one.
        return Err(not_logged_in().with_hint("name the session, or log in first: agent-identity login"));
    }
    let mut candidates: Vec<_> =
        services.store.known().into_iter().filter(|(key, _)| key.is_main_of_a_sender()).collect();
    match candidates.len() {
        0 => Err(not_logged_in()),
        1 => Ok(candidates.remove(0)),
        n => {
            candidates.sort_by(|(a, _), (b, _)| a.cmp(b));
            candidates.truncate(MAX_LISTED);
            let names: Vec<_> = candidates.iter().map(|(key, _)| key.as_str()).collect();
            let more = if n > names.len() { format!(" and {} more", n - names.len()) } else { String::new() };
            Err(Error::new(
                Code::SessionAmbiguous,
                format!("{n} people are logged in: {}{more}", names.join(", ")),
            )
            .with_hint("name one of them with the parameter session"))
        }
    }
}

/// The session to log in to: the named one, or the main one.
///
/// # Errors
/// `InvalidRequest` for a group in personal mode, and for one without the member who logs in.
pub(super) fn for_login(services: &Services, session: Option<SessionKey>) -> Result<SessionKey> {
    let key = allowed(services, session.unwrap_or_else(SessionKey::main))?;
    if key.is_shared() && key.sender().is_none() {
        return Err(Error::new(
            Code::InvalidRequest,
            format!("{:?} is a group: it has no identity of its own, only its members have", key.as_str()),
        )
        .with_hint("name the member: <group key>:user:<sender id>"));
    }
    Ok(key)
}

/// The session whose state is meant, whether anybody is logged in to it or not.
///
/// # Errors
/// As [`existing`], but for the absence of a login.
pub(super) fn logged_in_or_not(services: &Services, session: Option<SessionKey>) -> Result<SessionKey> {
    match existing(services, session.clone()) {
        Err(error) if matches!(error.code(), Code::NotLoggedIn | Code::SessionUnknown) => {
            for_login(services, session)
        }
        found => found,
    }
}

/// In personal mode everything but a subagent lives under the main key, and shared chats have no identity at all.
fn allowed(services: &Services, key: SessionKey) -> Result<SessionKey> {
    if services.personal_session_mode { derive::effective(&key, None, None, true) } else { Ok(key) }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, key};
    use super::*;

    fn found(services: &Services, session: Option<&str>) -> Result<String, Code> {
        existing(services, session.map(key)).map(|key| key.to_string()).map_err(|error| error.code())
    }

    #[test]
    fn the_main_session_is_the_main_login_or_else_the_only_one_of_a_sender() {
        let (ann, bob) = ("agent:main:main:user:ann", "agent:main:main:user:bob");
        for (logins, expected) in [
            (&[][..], Err(Code::NotLoggedIn)),
            (&[MAIN], Ok(MAIN)),
            (&[MAIN, ann, bob], Ok(MAIN)),
            (&[ann], Ok(ann)),
            (&[ann, "agent:shop:main:user:bob", "agent:main:telegram:direct:1"], Ok(ann)),
            (&["agent:shop:main:user:bob", "agent:main:telegram:direct:1"], Err(Code::NotLoggedIn)),
            (&[ann, bob], Err(Code::SessionAmbiguous)),
        ] {
            let bench = Bench::new();
            logins.iter().for_each(|login| bench.log_in(login, login));
            for session in [None, Some(MAIN), Some("main")] {
                assert_eq!(
                    found(&bench.services, session),
                    expected.map(str::to_owned),
                    "{logins:?} {session:?}"
                );
            }
        }
    }

    #[test]
    fn an_ambiguity_names_its_candidates_up_to_a_limit() {
        for (people, more) in [(2, ""), (MAX_LISTED, ""), (MAX_LISTED + 2, " and 2 more")] {
            let bench = Bench::new();
            let names: Vec<_> = (0..people).map(|n| format!("agent:main:main:user:p{n:02}")).collect();
            names.iter().rev().for_each(|name| bench.log_in(name, "u"));
            let error = existing(&bench.services, None).unwrap_err();
            let listed = names[..people.min(MAX_LISTED)].join(", ");
            assert_eq!(error.message(), format!("{people} people are logged in: {listed}{more}"));
        }
    }

    #[test]
    fn a_named_session_is_that_one_or_none() {
        let bench = Bench::new();
        bench.log_in(MAIN, "ann");
        bench.log_in("agent:main:telegram:direct:1", "bob");
        let (known, unknown) = ("agent:main:telegram:direct:1", "agent:main:telegram:direct:2");
        assert_eq!(found(&bench.services, Some(known)), Ok(known.to_owned()));
        assert_eq!(found(&bench.services, Some(unknown)), Err(Code::SessionUnknown));
        assert_eq!(for_login(&bench.services, Some(key(unknown))).unwrap(), key(unknown));
        assert_eq!(for_login(&bench.services, None).unwrap(), SessionKey::main());
    }

    #[test]
    fn a_group_has_no_identity_and_its_members_have() {
        let bench = Bench::new();
        let login = |text: &str| for_login(&bench.services, Some(key(text)));
        for group in ["agent:main:telegram:group:-1", "agent:main:slack:channel:c", "agent:main:line:room:r"]
        {
            assert_eq!(login(group).unwrap_err().code(), Code::InvalidRequest, "{group}");
            assert!(login(&format!("{group}:user:42")).is_ok(), "{group}");
        }
        assert!(login("agent:main:telegram:direct:42").is_ok());
    }

    #[test]
    fn in_personal_mode_everybody_is_the_main_session_and_groups_are_nobody() {
        let bench = Bench::personal();
        bench.log_in(MAIN, "ann");
        bench.log_in("agent:main:subagent:s1", "ann");
        for (session, expected) in [
            ("agent:main:main:user:ann", Ok(MAIN)),
            ("agent:main:telegram:direct:1", Ok(MAIN)),
            ("agent:shop:main", Ok(MAIN)),
            ("agent:main:subagent:s1", Ok("agent:main:subagent:s1")),
            ("agent:main:telegram:group:-1001", Err(Code::InvalidRequest)),
            ("agent:main:slack:CHANNEL:C1", Err(Code::InvalidRequest)),
            ("agent:main:line:room:r:user:ann", Err(Code::InvalidRequest)),
        ] {
            let expected = expected.map(str::to_owned);
            assert_eq!(found(&bench.services, Some(session)), expected, "{session}");
            let to_log_in = for_login(&bench.services, Some(key(session)));
            assert_eq!(
                to_log_in.map(|key| key.to_string()).map_err(|error| error.code()),
                expected,
                "{session}"
            );
        }
        let refused = existing(&bench.services, Some(key("agent:main:telegram:group:-1001"))).unwrap_err();
        assert!(refused.message().contains("personalSessionMode") && refused.hint().is_some());
    }

    #[test]
    fn in_personal_mode_an_earlier_login_of_a_sender_is_not_the_main_session() {
        let bench = Bench::personal();
        bench.log_in("agent:main:main:user:ann", "ann");
        assert_eq!(found(&bench.services, None), Err(Code::NotLoggedIn));
        assert_eq!(found(&bench.services, Some("agent:main:main:user:ann")), Err(Code::NotLoggedIn));
    }
}
