//! Takes over a login that a web chat's own backend made: `identity.session.put` of the gateway.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::base::error::{Code, Error, Result};
use crate::base::log;
use crate::base::secret::Secret;
use crate::base::time::Timestamp;
use crate::session::key::SessionKey;

use super::Services;
use super::session_exchange::{Chat, Params};
use super::sign_in::admit;

/// The gateway's method.
pub const METHOD: &str = "identity.session.put";

/// Who is logged in where.
#[derive(Clone)]
pub struct Input {
    /// Whose session.
    pub chat: Chat,
    /// The OIDC id token of the person, for our client.
    pub id_token: Secret,
    /// For silent renewal; without it the login ends with the token.
    pub refresh_token: Option<Secret>,
}

impl Input {
    /// Reads the method's parameters; `is_webchat` is the host's judgement of the connection.
    ///
    /// # Errors
    /// `InvalidRequest` with the parameter that is missing, unknown or of the wrong kind.
    pub fn read(params: &Map<String, Value>, is_webchat: bool) -> Result<Self> {
        let known = ["sessionKey", "idToken", "refreshToken", "senderId", "channel"];
        let (params, chat) = Params::of(METHOD, &known, params, is_webchat)?;
        let id_token = params.required("idToken")?.into();
        Ok(Self { chat, id_token, refresh_token: params.text("refreshToken")?.map(Secret::from) })
    }
}

impl PartialEq for Input {
    fn eq(&self, other: &Self) -> bool {
        let refresh_tokens = match (&self.refresh_token, &other.refresh_token) {
            (Some(one), Some(other)) => one.same_as(other.expose().as_bytes()),
            (one, other) => one.is_none() && other.is_none(),
        };
        self.chat == other.chat && self.id_token.same_as(other.id_token.expose().as_bytes()) && refresh_tokens
    }
}

impl Eq for Input {}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("chat", &self.chat).finish_non_exhaustive()
    }
}

/// The login as it is kept now.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// The person.
    pub sub: String,
    /// When the id token ends.
    pub expires_at: Timestamp,
    /// The key under which the login is kept.
    pub effective_session_key: SessionKey,
    /// Whether there is a workload token; without one it is fetched when it is first needed.
    pub has_tip: bool,
}

pub(super) fn run(services: &Services, input: Input) -> Result<Outcome> {
    let key = input.chat.effective_key(services)?;
    let tokens = services.login_desk()?.admit(input.id_token, input.refresh_token).map_err(bad_token)?;
    let now = services.clock.now();
    // The leeway of verification is for clocks that disagree; a login that has ended on ours would be none.
    if tokens.identity.expires_at.is_past(now) {
        return Err(bad_token(Error::new(Code::TokenInvalid, "the id token has expired")));
    }
    let (sub, expires_at) = (tokens.identity.sub.clone(), tokens.identity.expires_at);
    let earlier = services.users.current(&key).filter(|login| login.sub == sub && !login.is_over(now));
    // A client that puts the same person's next token renews the login: what it holds is that person's.
    let renewed = earlier.is_some();
    let session = tokens.into_session(earlier.map_or(now, |login| login.login_at));
    admit(&services.store, &services.broker, &services.credentials, &key, session, !renewed);
    if !renewed {
        services.calls.forget(&key);
    }
    log::info("signed in by a web chat's backend", &[("session", &key), ("sub", &sub)]);
    let has_tip = services.broker.peek(&key).is_some();
    Ok(Outcome { sub, expires_at, effective_session_key: key, has_tip })
}

/// The gateway's clients know a bad token as a bad request.
fn bad_token(error: Error) -> Error {
    match error.code() {
        Code::TokenInvalid => Error::new(Code::InvalidRequest, error.message())
            .with_hint("log the person in again with userpool.clientId as the client, and put that id token"),
        _ => error,
    }
}
