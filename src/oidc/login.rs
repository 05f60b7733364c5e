//! Where a login begins, or is taken over from elsewhere: the provider, and the logins that wait for their callback.

use std::sync::Arc;

use crate::base::error::Result;
use crate::base::secret::Secret;
use crate::session::key::SessionKey;

use super::pending::{Origin, PendingLogins};
use super::provider::{AuthorizeLink, Provider, Tokens};

/// Hands out login links, and judges logins that were made elsewhere.
#[derive(Debug)]
pub struct LoginDesk {
    provider: Arc<Provider>,
    pending: Arc<PendingLogins>,
}

impl LoginDesk {
    /// Links to that provider, remembered in `pending`.
    #[must_use]
    pub fn new(provider: Arc<Provider>, pending: Arc<PendingLogins>) -> Self {
        Self { provider, pending }
    }

    /// Begins a login for a session and returns the link to open.
    ///
    /// # Errors
    /// When the provider cannot be discovered.
    pub fn authorize(&self, session: &SessionKey, origin: Origin) -> Result<AuthorizeLink> {
        self.provider.authorize(&self.pending, session.clone(), origin)
    }

    /// Verifies the tokens of a login that went on elsewhere.
    ///
    /// # Errors
    /// As [`Provider::admit`].
    pub fn admit(&self, id_token: Secret, refresh_token: Option<Secret>) -> Result<Tokens> {
        self.provider.admit(id_token, refresh_token)
    }
}
