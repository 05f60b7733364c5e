//! Workload tokens from the control plane.

use std::sync::Arc;

use crate::base::error::Result;
use crate::base::secret::Secret;
use crate::base::time::{Clock, Timestamp};
use crate::session::key::SessionKey;
use crate::session::model::Session;
use crate::volc::client::Client;
use crate::volc::workload::{TokenOptions, TokenRequest};

use super::broker::Issuer;
use super::token::Tip;
use super::workload::Naming;

/// What the configuration says about workload tokens.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How the workload is named.
    pub naming: Naming,
    /// `identity.workloadPoolName`
    pub pool: String,
    /// `identity.audience`
    pub audience: Option<Vec<String>>,
    /// `identity.durationSeconds`
    pub duration_seconds: u64,
}

/// Exchanges user tokens at the control plane.
#[derive(Debug)]
pub struct CloudIssuer {
    client: Arc<Client>,
    settings: Settings,
    clock: Arc<dyn Clock>,
}

impl CloudIssuer {
    /// An issuer that asks that client.
    #[must_use]
    pub fn new(client: Arc<Client>, settings: Settings, clock: Arc<dyn Clock>) -> Self {
        Self { client, settings, clock }
    }

    /// A token of the workload itself, which speaks for no person, and when it ends.
    ///
    /// # Errors
    /// As [`Client::own_workload_token`].
    pub fn own_token(&self) -> Result<(Secret, Timestamp)> {
        let settings = &self.settings;
        let token = self.client.own_workload_token(&TokenOptions {
            name: settings.naming.own_name(),
            pool: Some(&settings.pool),
            audience: settings.audience.as_deref(),
            duration_seconds: Some(settings.duration_seconds),
        })?;
        Ok((token.token, token.expires_at))
    }
}

impl Issuer for CloudIssuer {
    fn issue(&self, key: &SessionKey, session: &Session) -> Result<Tip> {
        let answer = self.client.workload_token(&TokenRequest {
            user_token: &session.user_token,
            name: self.settings.naming.name_for(key),
            pool: Some(&self.settings.pool),
            audience: self.settings.audience.as_deref(),
            duration_seconds: Some(self.settings.duration_seconds),
        })?;
        Tip::read(answer.token, answer.expires_at, self.clock.now())
    }
}
