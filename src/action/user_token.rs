//! The OIDC user token (id token) of a session; never the refresh token.

use std::sync::Arc;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::base::error::Result;
use crate::session::key::SessionKey;
use crate::session::model::Session;

use super::{Services, target};

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
