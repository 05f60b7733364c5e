//! What putting and getting a web chat's session have in common: who may, whose session it is, and how errors are named
//! there.
//!
//! Both actions are made by the bridge from the gateway's methods `identity.session.put` and `.get`, and by nobody else:
//! they are no tools and have no route on the identity socket.

use serde_json::{Map, Value};

use crate::base::error::{Code, Error, Result};
use crate::session::derive;
use crate::session::key::SessionKey;

use super::Services;

/// Who writes in the host's own web chat, when the client names nobody.
pub const DEFAULT_SENDER: &str = "openclaw-control-ui";
/// Bytes of a token; an id token of that length is refused as well.
pub const MAX_TOKEN_BYTES: usize = 64 * 1024;

/// Whose session is meant, in the client's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chat {
    /// Whether the host takes the connection for one of its web chat (`isWebchatConnect`).
    pub is_webchat: bool,
    /// The host's key of the chat.
    pub session: SessionKey,
    /// Who writes there; [`DEFAULT_SENDER`] when not given.
    pub sender: String,
    /// The channel that the session came from, for sessions of a chat that can be sent to.
    pub channel: Option<String>,
}

impl Chat {
    fn read(params: &Params<'_>, is_webchat: bool) -> Result<Self> {
        let session = SessionKey::parse(params.required("sessionKey")?)?;
        let sender = params.text("senderId")?.unwrap_or(DEFAULT_SENDER).to_owned();
        let channel = params.text("channel")?.map(str::to_owned);
        Ok(Self { is_webchat, session, sender, channel })
    }

    /// The key under which the person's login is kept: the same as in hooks and commands.
    ///
    /// # Errors
    /// `Forbidden` for another client than the web chat's, when the exchange is off, and for another sender's session;
    /// `InvalidRequest` for ids that cannot be part of a key.
    pub(super) fn effective_key(&self, services: &Services) -> Result<SessionKey> {
        if !services.webchat_session_exchange {
            return Err(Error::new(Code::Forbidden, "sessions are not exchanged with web chats")
                .with_hint("set identity.webchatSessionExchange to true"));
        }
        if !self.is_webchat {
            return Err(Error::new(Code::Forbidden, "sessions are exchanged with web chat clients only"));
        }
        let personal = services.personal_session_mode;
        derive::effective(&self.session, Some(&self.sender), self.channel.as_deref(), personal)
    }
}

/// The gateway's name of an error (its protocol knows only few).
#[must_use]
pub fn gateway_code(error: &Error) -> &'static str {
    match error.code() {
        Code::Forbidden => "FORBIDDEN",
        Code::InvalidRequest | Code::TokenInvalid => "INVALID_REQUEST",
        Code::NotFound | Code::NotLoggedIn | Code::LoginExpired => "NOT_FOUND",
        _ => "UNAVAILABLE",
    }
}

/// The parameters of a method. A name that is not known is refused: with a mistyped `senderId` the login would be
/// another's.
pub(super) struct Params<'a> {
    method: &'static str,
    params: &'a Map<String, Value>,
}

impl<'a> Params<'a> {
    pub(super) fn of(
        method: &'static str,
        known: &[&str],
        params: &'a Map<String, Value>,
        is_webchat: bool,
    ) -> Result<(Self, Chat)> {
        let this = Self { method, params };
        if let Some(name) = params.keys().find(|name| !known.contains(&name.as_str())) {
            let name: String = name.chars().take(64).collect();
            return Err(this.invalid(&format!("has no parameter {name:?}")));
        }
        let chat = Chat::read(&this, is_webchat)?;
        Ok((this, chat))
    }

    /// A text, trimmed. Blank and `null` count as not given.
    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>> {
        match self.params.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.len() > MAX_TOKEN_BYTES => {
                Err(self.invalid(&format!("takes at most {MAX_TOKEN_BYTES} bytes as {name}")))
            }
            Some(Value::String(text)) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
            Some(_) => Err(self.invalid(&format!("takes a text as {name}"))),
        }
    }

    pub(super) fn required(&self, name: &str) -> Result<&'a str> {
        self.text(name)?.ok_or_else(|| self.invalid(&format!("needs {name}")))
    }

    fn invalid(&self, what: &str) -> Error {
        Error::new(Code::InvalidRequest, format!("{} {what}", self.method))
    }
}

#[cfg(test)]
mod tests {
    use super::super::registry::TOOLS;
    use super::super::{session_get, session_put};
    use super::*;

    #[test]
    fn errors_have_the_gateways_names() {
        for (code, name) in [
            (Code::InvalidRequest, "INVALID_REQUEST"),
            (Code::Forbidden, "FORBIDDEN"),
            (Code::NotFound, "NOT_FOUND"),
            (Code::IdpUnreachable, "UNAVAILABLE"),
            (Code::ConfigMissing, "UNAVAILABLE"),
        ] {
            assert_eq!(gateway_code(&Error::new(code, "x")), name);
        }
    }

    #[test]
    fn no_tool_exchanges_sessions() {
        assert!(!TOOLS.iter().any(|tool| [session_put::METHOD, session_get::METHOD].contains(&tool.name)));
        assert!(!TOOLS.iter().any(|tool| tool.name.contains("put")));
    }
}
