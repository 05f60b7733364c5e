//! The OIDC user token (id token) of a session; never the refresh token.

use std::sync::Arc;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::base::error::Result;
use crate::session::key::SessionKey;
use crate::session::model::Session;

use super::tool::Tool;
use super::{Action, Services, target};

/// The tool.
pub const TOOL: Tool = Tool {
    name: "identity_get_session_token",
    about: "Advanced: returns the OIDC user token of the session with its expiry, never the refresh token.",
    call_when: &["get the session token", "获取会话令牌"],
    params: &[],
    needs_login: true,
    read: |_, session| Ok(Action::UserToken(session)),
};

/// A user token that is valid now.
#[derive(Debug)]
pub struct Outcome {
    /// The login.
    pub login: Arc<Session>,
    /// The session it belongs to.
    pub session: SessionKey,
}

/// This rendering is the purpose of the action: the one place where a user token is written out.
impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("UserToken", 5)?;
        object.serialize_field("userToken", self.login.user_token.expose())?;
        object.serialize_field("sub", &self.login.sub)?;
        object.serialize_field("sessionKey", &self.session)?;
        object.serialize_field("loginAt", &self.login.login_at)?;
        object.serialize_field("expiresAt", &self.login.expires_at)?;
        object.end()
    }
}

pub(super) fn run(services: &Services, session: Option<SessionKey>) -> Result<Outcome> {
    let session = target::existing(services, session)?;
    let login = services.users.fresh(&session)?;
    services.counters.count_user_token();
    Ok(Outcome { login, session })
}
