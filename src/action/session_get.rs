//! The login of a web chat's session: `identity.session.get` of the gateway. Never the refresh token.

use std::sync::Arc;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::base::error::{Code, Error, Result};
use crate::session::key::SessionKey;
use crate::session::model::Session;

use super::Services;
use super::session_exchange::{Chat, Params};

/// The gateway's method.
pub const METHOD: &str = "identity.session.get";

/// Whose login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Whose session.
    pub chat: Chat,
}

impl Input {
    /// Reads the method's parameters; `is_webchat` is the host's judgement of the connection.
    ///
    /// # Errors
    /// `InvalidRequest` with the parameter that is missing, unknown or of the wrong kind.
    pub fn read(params: &Map<String, Value>, is_webchat: bool) -> Result<Self> {
        let (_, chat) = Params::of(METHOD, &["sessionKey", "senderId", "channel"], params, is_webchat)?;
        Ok(Self { chat })
    }
}

/// A user token that is valid now.
#[derive(Debug)]
pub struct Outcome {
    /// The login.
    pub login: Arc<Session>,
    /// The key under which it is kept.
    pub session: SessionKey,
}

/// This rendering is the purpose of the action: the web chat's backend put the token there itself.
impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("SessionGet", 5)?;
        object.serialize_field("userToken", self.login.user_token.expose())?;
        object.serialize_field("sub", &self.login.sub)?;
        object.serialize_field("expiresAt", &self.login.expires_at)?;
        object.serialize_field("effectiveSessionKey", &self.session)?;
        object.serialize_field("hasRefreshToken", &self.login.refresh_token.is_some())?;
        object.end()
    }
}

pub(super) fn run(services: &Services, input: Input) -> Result<Outcome> {
    let session = input.chat.effective_key(services)?;
    let login = services.users.fresh(&session).map_err(|error| match error.code() {
        Code::NotLoggedIn | Code::LoginExpired => Error::new(Code::NotFound, error.message())
            .with_hint("put the id token of a login with identity.session.put"),
        _ => error,
    })?;
    services.counters.count_user_token();
    Ok(Outcome { login, session })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::super::Action;
    use super::super::testing::{Bench, LIFE};
    use super::*;
    use crate::action::session_exchange::gateway_code;

    fn get(bench: &Bench, params: &Value) -> Result<Value> {
        let input = Input::read(params.as_object().unwrap(), true)?;
        let outcome = bench.services.perform(Action::SessionGet(input))?;
        Ok(serde_json::to_value(outcome).unwrap())
    }

    #[test]
    fn the_user_token_is_given_and_the_refresh_token_only_told_of() {
        let bench = Bench::new();
        bench.log_in("agent:main:main:user:ann", "ann");
        let params = json!({ "sessionKey": "main", "senderId": "ann" });
        let outcome = get(&bench, &params).unwrap();
        assert_eq!(
            outcome,
            json!({
                "userToken": "user-token-of-ann", "sub": "ann", "expiresAt": "2026-01-15T09:00:00Z",
                "effectiveSessionKey": "agent:main:main:user:ann", "hasRefreshToken": false,
            })
        );
        assert_eq!(bench.services.counters.user_tokens(), 1);
    }

    #[test]
    fn without_a_session_or_after_its_end_it_is_not_found() {
        let bench = Bench::new();
        bench.log_in("agent:main:main:user:ann", "ann");
        let nobody = get(&bench, &json!({ "sessionKey": "main" })).unwrap_err();
        assert_eq!((nobody.code(), gateway_code(&nobody)), (Code::NotFound, "NOT_FOUND"));
        bench.clock.advance(Duration::from_secs(LIFE));
        let ended = get(&bench, &json!({ "sessionKey": "main", "senderId": "ann" })).unwrap_err();
        assert_eq!(ended.code(), Code::NotFound);
        assert_eq!(bench.services.counters.user_tokens(), 0);
        let unknown = get(&bench, &json!({ "sessionKey": "main", "idToken": "t" })).unwrap_err();
        assert_eq!(unknown.code(), Code::InvalidRequest);
    }
}
