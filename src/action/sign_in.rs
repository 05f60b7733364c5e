//! What a confirmed login does: the session is stored and its first workload token fetched.

use std::sync::Arc;

use crate::base::error::Result;
use crate::base::log;
use crate::base::time::Clock;
use crate::credential::desk::Desk;
use crate::oidc::callback::LoginSink;
use crate::oidc::pending::PendingLogin;
use crate::oidc::provider::Tokens;
use crate::session::store::Store;
use crate::tip::broker::Broker;

/// The end of every login, wherever its callback arrived.
#[derive(Debug)]
pub struct SignIn {
    store: Arc<Store>,
    broker: Broker,
    credentials: Desk,
    clock: Arc<dyn Clock>,
}

impl SignIn {
    /// Signs people in to this store.
    #[must_use]
    pub fn new(store: Arc<Store>, broker: Broker, credentials: Desk, clock: Arc<dyn Clock>) -> Self {
        Self { store, broker, credentials, clock }
    }
}

impl LoginSink for SignIn {
    fn signed_in(&self, login: &PendingLogin, tokens: Tokens) -> Result<()> {
        let key = &login.session;
        // A login that could not be saved works until the next start, and `/status` says so.
        let _ = self.store.put(key, tokens.into_session(self.clock.now()));
        // What whoever was logged in here before had must not serve the newcomer.
        self.broker.forget(key);
        self.credentials.forget(key);
        if let Err(error) = self.broker.renew(key) {
            // The login stands; the token is fetched again when it is asked for, and `/status` tells why not yet.
            log::warn(
                "the first workload token could not be fetched",
                &[("session", key), ("code", &error.code().as_str()), ("error", &error)],
            );
        }
        Ok(())
    }
}
