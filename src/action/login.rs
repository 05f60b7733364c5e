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
