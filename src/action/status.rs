//! The whole state of a session's identity: login, workload token, credentials, bindings.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::base::error::Result;
use crate::base::time::Timestamp;
use crate::session::key::SessionKey;
use crate::session::users::not_logged_in;

use super::tool::Tool;
use super::whoami::problem;
use super::{Action, Services, target};

/// The tool.
pub const TOOL: Tool = Tool {
    name: "identity_status",
    about: "Tells the whole state of this session's identity: login, workload token, stored credentials and environment bindings, and why something is missing. Never shows values.",
    call_when: &["status", "show my credentials and bindings", "查看完整状态", "我的凭据和绑定"],
    params: &[],
    needs_login: false,
    read: |_, session| Ok(Action::Status(session)),
};

/// The state. Parts that do not apply are `null`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Whether somebody is logged in.
    pub logged_in: bool,
    /// The person.
    pub sub: Option<String>,
    /// The session that was looked at.
    pub session_key: SessionKey,
    /// Whether there is a workload token; a missing one was asked for.
    pub has_tip: bool,
    /// The login.
    pub session: Option<Login>,
    /// The workload token.
    pub tip: Option<Tip>,
    /// The credentials that the session has.
    pub credential_providers: Vec<Stored>,
    /// Environment names by provider.
    pub bindings: BTreeMap<String, String>,
    /// Why there is no login or no token: `{code, message, hint}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Value>,
    /// What else a person should look at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// A login.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Login {
    /// When the person logged in.
    pub login_at: Timestamp,
    /// When the user token ends.
    pub expires_at: Timestamp,
}

/// A workload token, without itself.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tip {
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The agents acting for the person, newest first.
    pub chain: Vec<String>,
}

/// A stored credential, without itself.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stored {
    /// The provider.
    pub name: String,
    /// `oauth2` or `api_key`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// When it ends, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Whether it has ended.
    pub expired: bool,
}

pub(super) fn run(services: &Services, session: Option<SessionKey>) -> Result<Outcome> {
    let session = target::logged_in_or_not(services, session)?;
    let login = services.users.current(&session)?;
    // Asking is what tells whether there could be one; the cached one is answered at once.
    let tip = match &login {
        Some(_) => services.broker.get(&session),
        None => Err(not_logged_in()),
    };
    let now = services.clock.now();
    let stored = services.credentials.custody().all(&session);
    let over = login.as_ref().is_none_or(|login| login.expires_at.is_past(now) && tip.is_err());
    Ok(Outcome {
        logged_in: !over,
        sub: login.as_ref().map(|login| login.sub.clone()),
        has_tip: tip.is_ok(),
        session: login.map(|login| Login { login_at: login.login_at, expires_at: login.expires_at }),
        tip: tip.as_ref().ok().map(|tip| Tip {
            issued_at: tip.issued_at,
            expires_at: tip.expires_at,
            chain: tip.chain.clone(),
        }),
        credential_providers: stored
            .into_iter()
            .map(|(name, credential)| Stored {
                name,
                kind: credential.kind(),
                expires_at: credential.expires_at,
                expired: !credential.is_usable(now),
            })
            .collect(),
        // Why they cannot be read is among the warnings.
        bindings: services.bindings.of(&session).unwrap_or_default(),
        problem: tip.err().map(|error| problem(&error)),
        warnings: warnings(services, &session),
        session_key: session,
    })
}

/// What does not stand in the way of anything, and is not as it should be.
fn warnings(services: &Services, session: &SessionKey) -> Vec<String> {
    let mut warnings = services.bindings.problems(session);
    warnings.extend(services.gate.problem().map(|error| error.message().to_owned()));
    warnings
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::super::testing::{Bench, LIFE, key};
    use super::*;
    use crate::base::error::{Code, Error};
    use crate::credential::desk::Order;
    use crate::session::key::MAIN;

    fn status(bench: &Bench) -> Value {
        serde_json::to_value(run(&bench.services, None).unwrap()).unwrap()
    }

    #[test]
    fn everything_shows_but_no_value() {
        let bench = Bench::new();
        bench.log_in(MAIN, "ann");
        for provider in ["openai", "robot"] {
            let order = Order { provider: provider.into(), ..Order::default() };
            bench.services.credentials.fetch(&key(MAIN), order).unwrap();
        }
        bench.services.bindings.set(&key(MAIN), "openai", "OPENAI_API_KEY").unwrap();
        assert_eq!(
            status(&bench),
            json!({
                "loggedIn": true, "sub": "ann", "sessionKey": MAIN, "hasTip": true,
                "session": { "loginAt": "2026-01-15T08:00:00Z", "expiresAt": "2026-01-15T09:00:00Z" },
                "tip": { "issuedAt": "2026-01-15T08:00:00Z", "expiresAt": "2026-01-15T09:00:00Z", "chain": [MAIN] },
                "credentialProviders": [
                    { "name": "openai", "type": "api_key", "expired": false },
                    { "name": "robot", "type": "oauth2", "expiresAt": "2026-01-15T09:00:00Z", "expired": false },
                ],
                "bindings": { "openai": "OPENAI_API_KEY" },
            })
        );
    }

    #[test]
    fn what_is_missing_has_a_reason_and_a_next_step() {
        let bench = Bench::new();
        bench.services.bindings.set(&key(MAIN), "openai", "OPENAI_API_KEY").unwrap();
        let nobody = status(&bench);
        assert_eq!((&nobody["loggedIn"], &nobody["session"]), (&json!(false), &Value::Null));
        assert_eq!(nobody["problem"]["code"], "not_logged_in");
        assert!(nobody["problem"]["hint"].as_str().unwrap().contains("log in"));
        assert_eq!(nobody["bindings"]["openai"], "OPENAI_API_KEY");
        bench.log_in(MAIN, "ann");
        bench.cloud.fail_with(Error::new(Code::KeysMissing, "no platform keys").with_hint("set them"));
        let without_keys = status(&bench);
        assert_eq!((&without_keys["loggedIn"], &without_keys["hasTip"]), (&json!(true), &json!(false)));
        assert_eq!(without_keys["problem"]["code"], "keys_missing");
        bench.clock.advance(Duration::from_secs(LIFE));
        let ended = status(&bench);
        assert_eq!((&ended["loggedIn"], &ended["problem"]["code"]), (&json!(false), &json!("login_expired")));
    }

    #[test]
    fn a_missing_workload_token_is_asked_for() {
        let bench = Bench::new();
        bench.log_in(MAIN, "ann");
        assert!(bench.services.broker.peek(&key(MAIN)).is_none());
        assert_eq!(status(&bench)["hasTip"], true);
        assert_eq!(bench.cloud.issued(), 1);
    }
}
