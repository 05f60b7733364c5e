//! The one error of the crate: what failed, on what, what to do next, and a stable code.

use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};

/// Shorthand for a result that fails with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure it is. The text form ([`Code::as_str`]) is part of the public interface and never
/// changes meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// The control plane refused the call; the message names its code and request id.
    CloudRefused,
    /// The control plane answered something that is not its documented form.
    CloudInvalid,
    /// The control plane could not be reached in time.
    CloudUnreachable,
    /// The configuration file cannot be used; the message names the key path.
    ConfigInvalid,
    /// A setting that this operation needs is absent.
    ConfigMissing,
    /// The caller may not do this.
    Forbidden,
    /// The OpenID provider answered something that is not usable.
    IdpInvalid,
    /// The OpenID provider refused the request.
    IdpRefused,
    /// The OpenID provider could not be reached in time.
    IdpUnreachable,
    /// A defect or an exhausted resource on our side; the log has the details.
    Internal,
    /// The request is malformed.
    InvalidRequest,
    /// No platform keys (AK/SK) were found; the message lists the sources tried.
    KeysMissing,
    /// The login link is unknown, used or too old.
    LoginLinkExpired,
    /// The user's login has ended and could not be renewed.
    LoginExpired,
    /// The method does not exist on this path.
    MethodNotAllowed,
    /// The session has no logged-in user.
    NotLoggedIn,
    /// There is no such thing under that name.
    NotFound,
    /// The server of the machine's identity does not answer.
    ServerUnreachable,
    /// Several sessions match; the caller must name one.
    SessionAmbiguous,
    /// No session has that key.
    SessionUnknown,
    /// The socket cannot be created or is in use.
    SocketUnusable,
    /// Another process holds the data folder.
    StoreLocked,
    /// The engine that keeps the state of several instances does not answer, or does not take what it is given.
    StoreUnavailable,
    /// Stored sessions exist but cannot be read; they were left untouched.
    StoreUnreadable,
    /// The data folder cannot be written; the state on disk is the previous one.
    StoreUnwritable,
    /// A request took longer than it may.
    Timeout,
    /// A token failed verification.
    TokenInvalid,
    /// A request is larger than its limit.
    TooLarge,
    /// All connection slots are in use.
    Busy,
    /// The named workload identity does not exist and could not be created.
    WorkloadMissing,
}

impl Code {
    /// The stable text form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CloudRefused => "cloud_refused",
            Self::CloudInvalid => "cloud_invalid",
            Self::CloudUnreachable => "cloud_unreachable",
            Self::ConfigInvalid => "config_invalid",
            Self::ConfigMissing => "config_missing",
            Self::Forbidden => "forbidden",
            Self::IdpInvalid => "idp_invalid",
            Self::IdpRefused => "idp_refused",
            Self::IdpUnreachable => "idp_unreachable",
            Self::Internal => "internal",
            Self::InvalidRequest => "invalid_request",
            Self::KeysMissing => "keys_missing",
            Self::LoginLinkExpired => "login_link_expired",
            Self::LoginExpired => "login_expired",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::NotLoggedIn => "not_logged_in",
            Self::NotFound => "not_found",
            Self::ServerUnreachable => "server_unreachable",
            Self::SessionAmbiguous => "session_ambiguous",
            Self::SessionUnknown => "session_unknown",
            Self::SocketUnusable => "socket_unusable",
            Self::StoreLocked => "store_locked",
            Self::StoreUnavailable => "store_unavailable",
            Self::StoreUnreadable => "store_unreadable",
            Self::StoreUnwritable => "store_unwritable",
            Self::Timeout => "timeout",
            Self::TokenInvalid => "token_invalid",
            Self::TooLarge => "too_large",
            Self::Busy => "busy",
            Self::WorkloadMissing => "workload_missing",
        }
    }

    /// Whether the same request may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_temporary(self) -> bool {
        matches!(
            self,
            Self::CloudUnreachable
                | Self::IdpUnreachable
                | Self::ServerUnreachable
                | Self::StoreUnavailable
                | Self::Timeout
                | Self::Busy
        )
    }
}

/// An error that a person can act on. Cheap to clone, so that callers who shared one attempt share its outcome.
///
/// The message is lower-case without a full stop and never holds a secret; [`Error::detail`] is for the log only.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    code: Code,
    message: String,
    hint: Option<String>,
    detail: Option<String>,
}

impl Error {
    /// An error with a message that says what failed and on what.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner { code, message: message.into(), hint: None, detail: None }))
    }

    /// Adds what to do next.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        let mut inner = Arc::unwrap_or_clone(self.0);
        inner.hint = Some(hint.into());
        Self(Arc::new(inner))
    }

    /// Adds details for the log that the outside caller does not get.
    #[must_use]
    pub fn with_detail(self, detail: impl fmt::Display) -> Self {
        let mut inner = Arc::unwrap_or_clone(self.0);
        inner.detail = Some(detail.to_string());
        Self(Arc::new(inner))
    }

    /// Puts the operation in front of the message: `context: message`.
    #[must_use]
    pub fn context(self, context: impl fmt::Display) -> Self {
        let mut inner = Arc::unwrap_or_clone(self.0);
        inner.message = format!("{context}: {}", inner.message);
        Self(Arc::new(inner))
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What failed, on what.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Details for the log.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// The one JSON shape of errors: `{"error":{"code","message","hint"}}`, `hint` only when there is one.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut body = json!({ "code": self.code().as_str(), "message": self.message() });
        if let Some(hint) = self.hint() {
            body["hint"] = hint.into();
        }
        json!({ "error": body })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("code", &self.code().as_str())
            .field("message", &self.message())
            .field("hint", &self.hint())
            .field("detail", &self.detail())
            .finish()
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_one_shape_and_no_detail() {
        let error =
            Error::new(Code::NotLoggedIn, "nobody is \"logged in\"").with_hint("log in").with_detail("inner");
        assert_eq!(
            error.to_json(),
            json!({"error":{"code":"not_logged_in","message":"nobody is \"logged in\"","hint":"log in"}})
        );
        assert_eq!(
            Error::new(Code::Internal, "x").to_json(),
            json!({"error":{"code":"internal","message":"x"}})
        );
    }

    #[test]
    fn context_is_put_in_front() {
        let error = Error::new(Code::CloudInvalid, "no Result").with_hint("h").context("AssumeRole");
        assert_eq!((error.to_string(), error.hint()), ("AssumeRole: no Result".into(), Some("h")));
    }
}
