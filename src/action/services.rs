//! What actions work with.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::authz::gate::Gate;
use crate::base::env::Env;
use crate::base::error::{Error, Result};
use crate::base::secret::Secret;
use crate::base::time::{Clock, Timestamp};
use crate::credential::binding::Bindings;
use crate::credential::desk::Desk;
use crate::credential::hosted::Speaker;
use crate::credential::inject::{Calls, Injection};
use crate::credential::own::{Own, OwnSpeaker};
use crate::oidc::login::LoginDesk;
use crate::peer::stats::PeerStats;
use crate::records::Records;
use crate::session::group_senders::GroupSenders;
use crate::session::key::SessionKey;
use crate::session::model::Session;
use crate::session::users::Users;
use crate::tip::broker::Broker;
use crate::tip::delegation::Delegations;
use crate::tip::issuer::CloudIssuer;
use crate::volc::client::Client;

/// The program's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The services of one process. Everything in it may be used from many threads at once.
#[derive(Debug)]
pub struct Services {
    /// Logins on disk and in memory.
    pub store: Arc<dyn Records<Session>>,
    /// Logins, renewed; also those that sessions were given by others.
    pub users: Arc<dyn Users>,
    /// Who was given a login by another session.
    pub delegations: Arc<Delegations>,
    /// Workload tokens.
    pub broker: Broker,
    /// Hosted credentials.
    pub credentials: Desk,
    /// Hosted credentials of the workload itself.
    pub own: Own,
    /// Environment names of credentials.
    pub bindings: Bindings,
    /// Who wrote where, for hosts that do not tell with each call.
    pub senders: Arc<GroupSenders>,
    /// Whose calls are running.
    pub calls: Calls,
    /// What may be imported from this process's own environment.
    pub imports: Imports,
    /// Whether calls may run.
    pub gate: Gate,
    /// Where people log in; without a usable configuration, what it lacks.
    pub login: Result<Arc<LoginDesk>>,
    /// The control plane.
    pub cloud: Arc<Client>,
    /// Who used the socket.
    pub peers: Arc<PeerStats>,
    /// Raw tokens handed out.
    pub counters: Counters,
    /// The effective configuration, without secrets.
    pub config: Value,
    /// `identity.personalSessionMode`
    pub personal_session_mode: bool,
    /// `identity.webchatSessionExchange`
    pub webchat_session_exchange: bool,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// When the process started, on the monotonic clock.
    pub started: Duration,
}

impl Services {
    /// Where people log in.
    ///
    /// # Errors
    /// `ConfigMissing` with the settings that a login needs.
    pub fn login_desk(&self) -> Result<&LoginDesk, Error> {
        self.login.as_deref().map_err(Clone::clone)
    }

    /// The environment of one call of a session, which is the effective one. Blocks while credentials that need no person
    /// are fetched again.
    ///
    /// # Errors
    /// `StoreUnavailable` when it cannot be known whose session it is, or what is bound.
    pub fn injection(&self, session: &SessionKey, host_blocks: bool) -> Result<Injection, Error> {
        self.credentials.injection(session, &self.bindings.of(session)?, host_blocks)
    }

    /// Drops what a session holds besides its login: tokens, credentials, waits for consents, and what its calls were given.
    pub fn forget(&self, session: &SessionKey) {
        self.delegations.revoke(session);
        self.broker.forget(session);
        self.credentials.forget(session);
        self.calls.forget(session);
        self.gate.forget(session);
    }
}

/// This process's own environment, and which of its variables are nobody's to import.
#[derive(Debug, Default)]
pub struct Imports {
    /// The environment.
    pub env: Env,
    /// `identity.bindingImportAllow`
    pub allowed: Vec<String>,
    /// Variables that the gateway's own configuration names.
    pub referred: Vec<String>,
}

impl Imports {
    /// Takes for referred to whatever the configuration has a word of: a variable too many can be allowed by its name.
    #[must_use]
    pub fn new(env: Env, allowed: Vec<String>, configuration: &str) -> Self {
        let mut referred: Vec<_> = configuration
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .filter(|word| env.get(word).is_some())
            .map(str::to_owned)
            .collect();
        referred.sort_unstable();
        referred.dedup();
        Self { env, allowed, referred }
    }
}

/// Credentials are asked for with the workload token.
impl Speaker for Broker {
    fn workload_token(&self, key: &SessionKey) -> Result<Secret> {
        Ok(self.get(key)?.token.clone())
    }
}

/// The workload itself asks for credentials with its own token.
impl OwnSpeaker for CloudIssuer {
    fn own_token(&self) -> Result<(Secret, Timestamp)> {
        Self::own_token(self)
    }
}

/// How often raw tokens left the process; shown in `/status`, so that an unexpected reader shows.
#[derive(Debug, Default)]
pub struct Counters {
    tips: AtomicU64,
    user_tokens: AtomicU64,
    environments: AtomicU64,
    credentials: AtomicU64,
}

impl Counters {
    pub(super) fn count_tip(&self) {
        self.tips.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_credential(&self) {
        self.count_credentials(1);
    }

    pub(super) fn count_credentials(&self, count: usize) {
        self.credentials.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(super) fn credentials(&self) -> u64 {
        self.credentials.load(Ordering::Relaxed)
    }

    pub(super) fn count_environment(&self) {
        self.environments.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn environments(&self) -> u64 {
        self.environments.load(Ordering::Relaxed)
    }

    pub(super) fn count_user_token(&self) {
        self.user_tokens.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn tips(&self) -> u64 {
        self.tips.load(Ordering::Relaxed)
    }

    pub(super) fn user_tokens(&self) -> u64 {
        self.user_tokens.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_variable_the_configuration_names_is_referred_to() {
        let env: Env = ["MODEL_KEY", "OTHER_KEY", "SLACK_TOKEN", "MODEL_KEY_2"]
            .map(|name| (name, "x"))
            .into_iter()
            .collect();
        let text = r#"{ models: { a: { apiKey: "${MODEL_KEY}" }, b: { source: 'env', id: "OTHER_KEY" }, c: "MODEL_KEY" } }"#;
        assert_eq!(Imports::new(env, Vec::new(), text).referred, ["MODEL_KEY", "OTHER_KEY"]);
    }
}
