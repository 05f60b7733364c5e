//! Keeps logins alive: a user token that has ended is renewed silently with its refresh token, exactly once.

use std::sync::Arc;
use std::time::Duration;

use crate::base::error::Result;
use crate::base::flight::Flight;
use crate::base::log;
use crate::base::time::Clock;
use crate::session::key::SessionKey;
use crate::session::model::Session;
use crate::session::store::{Store, Swap};
use crate::session::users::{Users, login_expired, not_logged_in};

use super::provider::{Provider, RefreshError};

/// A user token is renewed from its last minute on.
pub const MARGIN: Duration = Duration::from_secs(60);

/// Logins from the store, renewed at the OpenID provider when they have to be.
#[derive(Debug)]
pub struct Renewal {
    store: Arc<Store>,
    provider: Option<Arc<Provider>>,
    clock: Arc<dyn Clock>,
    flight: Flight<SessionKey, Arc<Session>>,
}

impl Renewal {
    /// Renewal for the logins of `store`; without a provider, tokens are used until they end.
    pub fn new(store: Arc<Store>, provider: Option<Arc<Provider>>, clock: Arc<dyn Clock>) -> Self {
        Self { store, provider, clock, flight: Flight::default() }
    }

    fn renew(&self, key: &SessionKey, provider: &Provider) -> Result<Arc<Session>> {
        // What is current now, not what the caller saw: another flight may have landed in between.
        let session = self.store.get(key).ok_or_else(not_logged_in)?;
        let Some(refresh_token) = session.refresh_token.as_ref().filter(|_| self.is_due(&session)) else {
            return self.usable(session);
        };
        match provider.refresh(refresh_token, &session.sub) {
            Ok(tokens) => {
                let mut renewed = tokens.into_session(session.login_at);
                // RFC 6749 section 6: without a new refresh token the old one stays good.
                renewed.refresh_token = renewed.refresh_token.or_else(|| session.refresh_token.clone());
                match self.store.replace_if(key, &session, renewed) {
                    // A login that could not be saved is in memory; the store itself says what it could not do.
                    Swap::Done(_) => self.store.get(key).ok_or_else(not_logged_in),
                    Swap::Changed(session) => self.usable(session),
                    Swap::Gone => Err(not_logged_in()),
                }
            }
            Err(RefreshError::InvalidGrant) => self.refused(key, &session),
            Err(RefreshError::Temporary(error) | RefreshError::Other(error)) if self.is_over(&session) => {
                Err(error.context("the login has ended and could not be renewed"))
            }
            Err(RefreshError::Temporary(error) | RefreshError::Other(error)) => {
                log::warn(
                    "a login could not be renewed ahead of its end",
                    &[("session", key), ("code", &error.code().as_str()), ("error", &error)],
                );
                Ok(session)
            }
        }
    }

    /// The provider does not accept the refresh token: another process may have used it and stored its successor.
    fn refused(&self, key: &SessionKey, session: &Arc<Session>) -> Result<Arc<Session>> {
        match self.store.get(key) {
            Some(stored) if !Arc::ptr_eq(&stored, session) => self.usable(stored),
            _ if !self.is_over(session) => Ok(session.clone()),
            _ => {
                let _ = self.store.remove(key);
                Err(login_expired())
            }
        }
    }

    fn usable(&self, session: Arc<Session>) -> Result<Arc<Session>> {
        if self.is_over(&session) { Err(login_expired()) } else { Ok(session) }
    }

    fn is_due(&self, session: &Session) -> bool {
        session.expires_at.is_past(self.clock.now() + MARGIN)
    }

    fn is_over(&self, session: &Session) -> bool {
        session.expires_at.is_past(self.clock.now())
    }
}

impl Users for Renewal {
    fn current(&self, key: &SessionKey) -> Option<Arc<Session>> {
        self.store.get(key)
    }

    fn fresh(&self, key: &SessionKey) -> Result<Arc<Session>> {
        let session = self.store.get(key).ok_or_else(not_logged_in)?;
        match &self.provider {
            Some(provider) if self.is_due(&session) && session.refresh_token.is_some() => {
                self.flight.run(key, || self.renew(key, provider))
            }
            _ => self.usable(session),
        }
    }
}
