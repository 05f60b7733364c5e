//! Who is logged in to a session, and what token there is.

use serde::Serialize;
use serde_json::Value;

use crate::base::error::{Code, Error, Result};
use crate::base::time::Timestamp;
use crate::session::key::SessionKey;
use crate::session::users::login_expired;
use crate::tip::token::Tip;

use super::tool::Tool;
use super::{Action, Services, target};

/// The tool.
pub const TOOL: Tool = Tool {
    name: "identity_whoami",
    about: "Tells who is logged in to this session, until when, and for which agents the workload token speaks.",
    call_when: &["who am I", "查身份", "am I logged in", "当前登录状态"],
    params: &[],
    needs_login: false,
    read: |_, session| Ok(Action::Whoami(session)),
};

/// The identity of a session. Fields that do not apply are `null`.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Whether somebody is logged in.
    pub logged_in: bool,
    /// The person.
    pub sub: Option<String>,
    /// The session that was looked at.
    pub session_key: Option<SessionKey>,
    /// Whether a workload token is at hand.
    pub has_tip: bool,
    /// When the person logged in.
    pub session_login_at: Option<Timestamp>,
    /// When the user token ends.
    pub session_expires_at: Option<Timestamp>,
    /// When the workload token was issued.
    pub tip_issued_at: Option<Timestamp>,
    /// When it ends.
    pub tip_expires_at: Option<Timestamp>,
    /// Seconds until it ends.
    pub tip_expires_in_seconds: Option<u64>,
    /// The agents acting for the person, newest first.
    pub tip_chain: Vec<String>,
    /// Why there is no login or no token: `{code, message, hint}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Value>,
}

pub(super) fn run(services: &Services, session: Option<SessionKey>) -> Result<Outcome> {
    let session = match target::existing(services, session) {
        Ok(session) => session,
        // Not being logged in is an answer here, not a failure.
        Err(error) if matches!(error.code(), Code::NotLoggedIn | Code::SessionUnknown) => {
            return Ok(Outcome { problem: Some(problem(&error)), ..Outcome::default() });
        }
        Err(error) => return Err(error),
    };
    let Some(login) = services.users.current(&session)? else {
        return Ok(Outcome::default());
    };
    let now = services.clock.now();
    let tip = services.broker.peek(&session);
    let over = login.is_over(now);
    let reason = services
        .broker
        .last_failure(&session)
        .filter(|_| tip.is_none())
        .map(|failure| problem(&failure.error))
        .or_else(|| over.then(|| problem(&login_expired())));
    let of_tip = |read: fn(&Tip) -> Timestamp| tip.as_deref().map(read);
    Ok(Outcome {
        logged_in: !over,
        sub: Some(login.sub.clone()),
        has_tip: tip.is_some(),
        session_login_at: Some(login.login_at),
        session_expires_at: Some(login.expires_at),
        tip_issued_at: of_tip(|tip| tip.issued_at),
        tip_expires_at: of_tip(|tip| tip.expires_at),
        tip_expires_in_seconds: tip.as_deref().map(|tip| tip.expires_at.seconds_after(now)),
        tip_chain: tip.as_deref().map(|tip| tip.chain.clone()).unwrap_or_default(),
        session_key: Some(session),
        problem: reason,
    })
}

/// The inner object of the error's JSON shape.
pub(super) fn problem(error: &Error) -> Value {
    error.to_json()["error"].take()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::super::testing::{Bench, LIFE, key};
    use super::*;

    fn shown(bench: &Bench, session: Option<&str>) -> Value {
        serde_json::to_value(run(&bench.services, session.map(key)).unwrap()).unwrap()
    }

    #[test]
    fn nobody_is_an_answer_with_its_reason() {
        let bench = Bench::new();
        for (session, code) in [(None, "not_logged_in"), (Some("agent:shop:main"), "session_unknown")] {
            let shown = shown(&bench, session);
            assert_eq!((&shown["loggedIn"], &shown["hasTip"]), (&json!(false), &json!(false)));
            assert_eq!((&shown["sub"], &shown["problem"]["code"]), (&Value::Null, &json!(code)));
        }
        bench.log_in("agent:main:main:user:ann", "ann");
        bench.log_in("agent:main:main:user:bob", "bob");
        assert_eq!(run(&bench.services, None).unwrap_err().code(), Code::SessionAmbiguous);
    }

    #[test]
    fn a_login_is_told_with_its_token_and_without_any_secret() {
        let bench = Bench::new();
        bench.log_in("main", "ann");
        assert_eq!(shown(&bench, None)["hasTip"], false);
        bench.services.broker.get(&SessionKey::main()).unwrap();
        bench.clock.advance(Duration::from_secs(10));
        let shown = shown(&bench, None);
        assert_eq!(
            shown,
            json!({
                "loggedIn": true, "sub": "ann", "sessionKey": "agent:main:main", "hasTip": true,
                "sessionLoginAt": "2026-01-15T08:00:00Z", "sessionExpiresAt": "2026-01-15T09:00:00Z",
                "tipIssuedAt": "2026-01-15T08:00:00Z", "tipExpiresAt": "2026-01-15T09:00:00Z",
                "tipExpiresInSeconds": LIFE - 10, "tipChain": ["agent:main:main"],
            })
        );
    }

    #[test]
    fn a_token_that_cannot_be_had_is_explained_and_an_ended_login_is_none() {
        let bench = Bench::new();
        bench.log_in("main", "ann");
        bench.cloud.fail_with(Error::new(Code::KeysMissing, "no keys"));
        bench.services.broker.get(&SessionKey::main()).unwrap_err();
        let shown_now = shown(&bench, None);
        assert_eq!(
            (&shown_now["loggedIn"], &shown_now["problem"]["code"]),
            (&json!(true), &json!("keys_missing"))
        );
        bench.clock.advance(Duration::from_secs(LIFE));
        assert_eq!(shown(&bench, None)["loggedIn"], false);
    }
}
