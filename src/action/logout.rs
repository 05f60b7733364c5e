//! Ends a login on this machine.

use serde::Serialize;

use crate::base::error::{Code, Result};
use crate::session::key::SessionKey;

use super::tool::Tool;
use super::{Action, Services, target};

/// The tool.
pub const TOOL: Tool = Tool {
    name: "identity_logout",
    about: "Ends the login of this session and drops its workload token.",
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
    let session = match target::existing(services, session) {
        Ok(session) => session,
        Err(error) if matches!(error.code(), Code::NotLoggedIn | Code::SessionUnknown) => {
            return Ok(Outcome { ok: true, message: "nobody was logged in".to_owned() });
        }
        Err(error) => return Err(error),
    };
    // In this order: a token that arrives in between finds no login and is not kept.
    let (was_there, saved) = services.store.remove(&session);
    services.broker.forget(&session);
    let message = match (was_there, saved.problem()) {
        (false, _) => "nobody was logged in".to_owned(),
        (true, None) => format!("logged out of {session}"),
        (true, Some(error)) => format!("logged out of {session} until the next start: {error}"),
    };
    Ok(Outcome { ok: true, message })
}
