//! Ends a login on this machine.

use serde::Serialize;

use crate::base::error::{Code, Result};
use crate::records;
use crate::session::key::SessionKey;

use super::tool::Tool;
use super::{Action, Services, target};

/// The tool.
pub const TOOL: Tool = Tool {
    name: "identity_logout",
    about: "Ends the login of this session and drops its workload token and credentials.",
    call_when: &["logout", "登出", "sign out"],
    params: &[],
    needs_login: false,
    read: |_, session| Ok(Action::Logout(session)),
};

/// What was done.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// `true`; without a login there is nothing to do, which is no failure.
    pub ok: bool,
    /// In words.
    pub message: String,
}

pub(super) fn run(services: &Services, session: Option<SessionKey>) -> Result<Outcome> {
    let named = session.clone();
    let session = match target::existing(services, session) {
        Ok(session) => session,
        Err(error) if matches!(error.code(), Code::NotLoggedIn | Code::SessionUnknown) => {
            // Without a login there may still be imported credentials.
            if let Ok(session) = target::for_login(services, named) {
                services.forget(&session);
            }
            return Ok(Outcome { ok: true, message: "nobody was logged in".to_owned() });
        }
        Err(error) => return Err(error),
    };
    // In this order: a token or credential that arrives in between finds no login and is not kept.
    let (was_there, saved) = records::remove(&*services.store, &session)?;
    services.forget(&session);
    let message = match (was_there, saved.problem()) {
        (false, _) => "nobody was logged in".to_owned(),
        (true, None) => format!("logged out of {session}"),
        (true, Some(error)) => format!("logged out of {session} until the next start: {error}"),
    };
    Ok(Outcome { ok: true, message })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, key};
    use super::*;
    use crate::session::key::MAIN;

    fn log_out(bench: &Bench, session: Option<&str>) -> String {
        let outcome = run(&bench.services, session.map(key)).unwrap();
        assert!(outcome.ok);
        outcome.message
    }

    #[test]
    fn without_a_session_a_logout_succeeds() {
        let bench = Bench::new();
        for session in [None, Some(MAIN), Some("agent:shop:main")] {
            assert_eq!(log_out(&bench, session), "nobody was logged in");
        }
    }

    #[test]
    fn a_logout_takes_session_and_token_and_leaves_everybody_else() {
        let bench = Bench::new();
        let (ann, bob) = ("agent:main:main:user:ann", "agent:main:main:user:bob");
        bench.log_in(ann, "ann");
        bench.log_in(bob, "bob");
        for session in [ann, bob] {
            bench.services.broker.get(&key(session)).unwrap();
        }
        // Whose logout is meant has to be said.
        assert_eq!(run(&bench.services, None).unwrap_err().code(), Code::SessionAmbiguous);
        assert_eq!(log_out(&bench, Some(ann)), format!("logged out of {ann}"));
        assert!(bench.services.store.get(&key(ann)).unwrap().is_none());
        assert!(bench.services.broker.peek(&key(ann)).is_none());
        assert!(bench.services.store.get(&key(bob)).unwrap().is_some());
        assert!(bench.services.broker.peek(&key(bob)).is_some());
        assert_eq!(log_out(&bench, Some(ann)), "nobody was logged in");
        assert_eq!(log_out(&bench, None), format!("logged out of {bob}"));
        // The provider keeps its own session: nothing is sent to it.
        assert!(bench.provider.transport.sent().is_empty());
    }

    #[test]
    fn in_personal_mode_every_direct_chat_ends_the_one_login_and_a_group_ends_none() {
        let bench = Bench::personal();
        bench.log_in(MAIN, "ann");
        let group = run(&bench.services, Some(key("agent:main:telegram:group:-1001"))).unwrap_err();
        assert_eq!(group.code(), Code::InvalidRequest);
        assert_eq!(log_out(&bench, Some("agent:main:telegram:direct:1")), "logged out of agent:main:main");
    }
}
