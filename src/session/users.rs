//! The question that everything above sessions asks: who is logged in here, with a token that is valid now?

use std::sync::Arc;

use crate::base::error::{Code, Error, Result};
use crate::base::opaque::opaque;

use super::key::SessionKey;
use super::model::Session;

/// Where a person's current login comes from.
pub trait Users: Send + Sync {
    /// The login under a key as it stands: it may have ended, and nobody is asked to renew it.
    ///
    /// # Errors
    /// `StoreUnavailable` when whoever keeps the logins does not answer.
    fn current(&self, key: &SessionKey) -> Result<Option<Arc<Session>>>;

    /// The login with a user token that is valid now, renewed if need be.
    ///
    /// # Errors
    /// `NotLoggedIn`, `LoginExpired`, or why the renewal failed.
    fn fresh(&self, key: &SessionKey) -> Result<Arc<Session>>;

    /// The session that let this one act for its login; `None` where the login is a person's own.
    ///
    /// # Errors
    /// As [`Users::current`].
    fn delegated_by(&self, _: &SessionKey) -> Result<Option<SessionKey>> {
        Ok(None)
    }
}

opaque!(Users);

/// The one answer for a session without a login.
#[must_use]
pub fn not_logged_in() -> Error {
    Error::new(Code::NotLoggedIn, "nobody is logged in to this session")
        .with_hint("log in first: agent-identity login")
}

/// The one answer for a login that has ended for good.
#[must_use]
pub fn login_expired() -> Error {
    Error::new(Code::LoginExpired, "the login has ended and cannot be renewed")
        .with_hint("log in again: agent-identity login")
}
