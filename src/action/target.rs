//! Which session a local caller means.

use crate::base::error::{Code, Error, Result};
use crate::session::key::{MAIN, SessionKey};
use crate::session::users::not_logged_in;

use super::Services;

/// Names that an ambiguity error lists.
const MAX_LISTED: usize = 10;

/// The session to read: the named one, or the main one. Where senders are kept apart there is no plain main session;
/// then the only login of the main chat is meant.
///
/// # Errors
/// `SessionUnknown` for a name that has no login, `NotLoggedIn` when there is no main login, `SessionAmbiguous` with
/// the candidates when there are several, `InvalidRequest` for a group in personal mode.
pub(super) fn existing(services: &Services, session: Option<SessionKey>) -> Result<SessionKey> {
    if let Some(key) = session {
        let key = allowed(services, key)?;
        return match services.users.current(&key) {
            Some(_) => Ok(key),
            None if key.as_str() == MAIN => existing(services, None),
            None => {
                Err(Error::new(Code::SessionUnknown, format!("no login under session {:?}", key.as_str()))
                    .with_hint("list the sessions with: agent-identity status"))
            }
        };
    }
    let main = SessionKey::main();
    if services.users.current(&main).is_some() {
        return Ok(main);
    }
    if services.personal_session_mode {
        // What senders left behind from before the mode was switched on is nobody's here.
        return Err(not_logged_in());
    }
    let mut candidates: Vec<_> = services
        .store
        .sessions()
        .into_iter()
        .map(|(key, _)| key)
        .filter(SessionKey::is_main_of_a_sender)
        .collect();
    match candidates.len() {
        0 => Err(not_logged_in()),
        1 => Ok(candidates.remove(0)),
        n => {
            candidates.sort();
            candidates.truncate(MAX_LISTED);
            let names: Vec<_> = candidates.iter().map(SessionKey::as_str).collect();
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
/// `InvalidRequest` for a group in personal mode.
pub(super) fn for_login(services: &Services, session: Option<SessionKey>) -> Result<SessionKey> {
    allowed(services, session.unwrap_or_else(SessionKey::main))
}

/// In personal mode everything but a subagent lives under the main key, and shared chats have no identity at all.
fn allowed(services: &Services, key: SessionKey) -> Result<SessionKey> {
    match services.personal_session_mode {
        true if key.is_shared() => Err(Error::new(
            Code::InvalidRequest,
            "identity.personalSessionMode is on: groups, channels and rooms have no identity",
        )
        .with_hint("use a direct chat, or switch personalSessionMode off to keep people apart")),
        true if !key.is_subagent() => Ok(SessionKey::main()),
        _ => Ok(key),
    }
}
