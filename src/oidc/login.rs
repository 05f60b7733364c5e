//! Where a login begins: the provider, and the logins that wait for their callback.

use std::sync::Arc;

use crate::base::error::Result;
use crate::session::key::SessionKey;

use super::pending::{Origin, PendingLogins};
use super::provider::{AuthorizeLink, Provider};

/// Hands out login links.
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
}
