//! What a confirmed login does: the session is stored, its first workload token fetched, and the chat told that asked.

use std::sync::Arc;

use crate::base::error::Result;
use crate::base::log;
use crate::base::time::Clock;
use crate::credential::desk::Desk;
use crate::message::post::Post;
use crate::message::text::Notice;
use crate::oidc::callback::LoginSink;
use crate::oidc::pending::PendingLogin;
use crate::oidc::provider::Tokens;
use crate::records::Records;
use crate::session::key::SessionKey;
use crate::session::model::Session;
use crate::tip::broker::Broker;

/// The end of every login, wherever its callback arrived.
#[derive(Debug)]
pub struct SignIn {
    store: Arc<dyn Records<Session>>,
    broker: Broker,
    credentials: Desk,
    post: Post,
    clock: Arc<dyn Clock>,
}

impl SignIn {
    /// Signs people in to this store, and tells them by that post.
    #[must_use]
    pub fn new(
        store: Arc<dyn Records<Session>>,
        broker: Broker,
        credentials: Desk,
        post: Post,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { store, broker, credentials, post, clock }
    }
}

impl LoginSink for SignIn {
    fn signed_in(&self, login: &PendingLogin, tokens: Tokens) -> Result<()> {
        let sub = tokens.identity.sub.clone();
        let session = tokens.into_session(self.clock.now());
        admit(&*self.store, &self.broker, &self.credentials, &login.session, session, true)?;
        if let Some(chat) = &login.origin.reply_target {
            self.post.send(chat, Notice::LoggedIn { sub: &sub });
        }
        Ok(())
    }
}

/// Stores a login and fetches its first workload token. With `anew`, what whoever was logged in under the key before had
/// is dropped first.
///
/// # Errors
/// `StoreUnavailable`: nobody was logged in.
pub(super) fn admit(
    store: &dyn Records<Session>,
    broker: &Broker,
    credentials: &Desk,
    key: &SessionKey,
    session: Session,
    anew: bool,
) -> Result<()> {
    // A login that could not be saved works until the next start, and `/status` says so.
    let _ = store.put(key, session)?;
    if anew {
        // It must not serve the newcomer.
        broker.forget(key);
        credentials.forget(key);
    }
    if let Err(error) = broker.renew(key) {
        // The login stands; the token is fetched again when it is asked for, and `/status` tells why not yet.
        log::warn(
            "the first workload token could not be fetched",
            &[("session", key), ("code", &error.code().as_str()), ("error", &error)],
        );
    }
    Ok(())
}
