//! Starts a login, or refreshes the workload token of an existing one.

use serde::Serialize;

use crate::base::error::Result;
use crate::base::time::Timestamp;
use crate::oidc::pending::Origin;
use crate::session::key::SessionKey;

use super::tool::Tool;
use super::{Action, Services, target};

/// The tool.
pub const TOOL: Tool = Tool {
    name: "identity_login",
    about: "Logs a person in: returns authUrl to show as a Markdown link, or refreshes the workload token when somebody is logged in already.",
    call_when: &["login", "登录", "sign in", "我需要先登录"],
    params: &[],
    needs_login: false,
    read: |_, session| Ok(Action::Login(Input { session, origin: Origin::default() })),
};

/// Who logs in where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The session to log in to.
    pub session: Option<SessionKey>,
    /// Where the login was asked for; shown on the page that asks the person to confirm.
    pub origin: Origin,
}

/// Either `ok: true` with the person, or `ok: false` with a link to open.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Whether somebody is logged in already.
    pub ok: bool,
    /// The session.
    pub session_key: SessionKey,
    /// The person, when logged in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// Where the person logs in, when not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_url: Option<String>,
    /// When that link ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// In words.
    pub message: String,
}

pub(super) fn run(services: &Services, input: Input) -> Result<Outcome> {
    let session = target::for_login(services, input.session)?;
    if let Ok(login) = services.users.fresh(&session) {
        // A link would not help against what the cloud refuses now, so the failure is told instead.
        services.broker.renew(&session)?;
        let message = format!("logged in as {}; the workload token is fresh", login.sub);
        return Ok(Outcome {
            ok: true,
            session_key: session,
            sub: Some(login.sub.clone()),
            auth_url: None,
            expires_at: None,
            message,
        });
    }
    let link = services.login_desk()?.authorize(&session, input.origin)?;
    Ok(Outcome {
        ok: false,
        session_key: session,
        sub: None,
        auth_url: Some(link.url),
        expires_at: Some(link.expires_at),
        message: "open the link in a browser to log in".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::testing::{Bench, LIFE, key};
    use super::*;
    use crate::base::error::{Code, Error};
    use crate::oidc::pending::PendingLogin;
    use crate::session::key::MAIN;

    fn input(session: Option<&str>) -> Input {
        let origin =
            Origin { channel: Some("telegram".into()), sender: Some("Ann".into()), reply_target: None };
        Input { session: session.map(key), origin }
    }

    /// The pending login that a link leads to.
    fn pending(bench: &Bench, outcome: &Outcome) -> std::sync::Arc<PendingLogin> {
        let url = outcome.auth_url.as_deref().unwrap();
        let query = url.split_once('?').unwrap().1;
        let state = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "state").unwrap().1;
        bench.provider.pending.find(&state).unwrap().unwrap()
    }

    #[test]
    fn somebody_logged_in_gets_a_fresh_token_and_no_link() {
        let bench = Bench::new();
        bench.log_in(MAIN, "ann");
        bench.services.broker.get(&SessionKey::main()).unwrap();
        let outcome = run(&bench.services, input(None)).unwrap();
        assert!(outcome.ok && outcome.auth_url.is_none() && outcome.expires_at.is_none());
        assert_eq!(outcome.sub.as_deref(), Some("ann"));
        assert_eq!(bench.cloud.issued(), 2);
        assert!(bench.provider.transport.sent().is_empty());
    }

    #[test]
    fn nobody_or_an_ended_login_gets_a_link_for_that_session() {
        let bench = Bench::new();
        bench.log_in("agent:main:telegram:direct:1", "ann");
        bench.clock.advance(Duration::from_secs(LIFE));
        for session in [None, Some("agent:main:telegram:direct:1"), Some("agent:main:telegram:direct:2")] {
            let outcome = run(&bench.services, input(session)).unwrap();
            assert!(!outcome.ok && outcome.sub.is_none() && outcome.expires_at.is_some());
            let pending = pending(&bench, &outcome);
            assert_eq!(pending.session, key(session.unwrap_or(MAIN)));
            assert_eq!(pending.origin, input(None).origin);
        }
        assert_eq!(bench.cloud.issued(), 0);
    }

    #[test]
    fn what_the_cloud_refuses_is_told_instead_of_a_link() {
        let bench = Bench::new();
        bench.log_in(MAIN, "ann");
        bench.cloud.fail_with(Error::new(Code::CloudRefused, "no"));
        assert_eq!(run(&bench.services, input(None)).unwrap_err().code(), Code::CloudRefused);
        assert_eq!(bench.provider.pending.len(), 0);
    }

    #[test]
    fn without_a_user_pool_the_error_is_what_its_configuration_lacks() {
        let mut bench = Bench::new();
        bench.services.login = Err(Error::new(Code::ConfigMissing, "userpool.clientId is missing"));
        assert_eq!(run(&bench.services, input(None)).unwrap_err().code(), Code::ConfigMissing);
    }

    #[test]
    fn in_personal_mode_a_login_is_for_the_main_session_and_never_for_a_group() {
        let bench = Bench::personal();
        let group = run(&bench.services, input(Some("agent:main:telegram:group:-1001"))).unwrap_err();
        assert_eq!(group.code(), Code::InvalidRequest);
        assert_eq!(bench.provider.pending.len(), 0);
        let outcome = run(&bench.services, input(Some("agent:main:telegram:direct:1"))).unwrap();
        assert_eq!(pending(&bench, &outcome).session, SessionKey::main());
        assert_eq!(outcome.session_key, SessionKey::main());
    }
}
