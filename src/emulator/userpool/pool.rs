//! The UserPools: what each is called, its clients, its external identity providers, and its keys and grants.
//!
//! The invariant: names are unique, of pools, of the clients of a pool, and of its identity providers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};

use super::super::jws::{Algorithm, KeyRing};
use super::super::seed::IdentityProvider;
use super::grants::Grants;
use crate::base::error::Result;
use crate::base::time::Timestamp;

/// Pools at most.
pub(in super::super) const MAX_POOLS: usize = 100;
/// Clients of a pool at most.
pub(in super::super) const MAX_CLIENTS: usize = 300;
/// External identity providers of a pool at most.
pub(in super::super) const MAX_IDENTITY_PROVIDERS: usize = 1000;

/// A UserPool. Its uid, name and address never change; the rest is behind a lock of its own.
#[derive(Debug)]
pub(in super::super) struct Pool {
    /// The identifier, part of its address.
    pub uid: String,
    /// The name, as the control plane knows it.
    pub name: String,
    /// The issuer, and the start of every address of the pool.
    pub issuer: String,
    /// Settings that the control plane keeps and shows.
    pub settings: Map<String, Value>,
    /// When it was made.
    pub created: Timestamp,
    state: Mutex<PoolState>,
}

/// The part of a pool that requests change.
#[derive(Debug)]
pub(in super::super) struct PoolState {
    /// The signing keys.
    pub keys: KeyRing,
    /// Codes and tokens.
    pub grants: Grants,
    /// The clients, in the order in which they were made.
    pub clients: Vec<Client>,
    /// The external identity providers, in the order in which they were made, each with its date.
    pub identity_providers: Vec<(IdentityProvider, Timestamp)>,
}

impl Pool {
    /// A pool without clients.
    ///
    /// # Errors
    /// When its key cannot be made.
    pub(in super::super) fn new(
        uid: String,
        name: String,
        issuer: String,
        settings: Map<String, Value>,
        algorithm: Algorithm,
        created: Timestamp,
    ) -> Result<Self> {
        let state = Mutex::new(PoolState {
            keys: KeyRing::new(&uid, algorithm)?,
            grants: Grants::default(),
            clients: Vec::new(),
            identity_providers: Vec::new(),
        });
        Ok(Self { uid, name, issuer, settings, created, state })
    }

    /// What changes, locked.
    pub(in super::super) fn state(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client of an identifier.
    pub(in super::super) fn client(&self, uid: &str) -> Option<Client> {
        self.state().clients.iter().find(|client| client.uid == uid).cloned()
    }
}

/// All pools, in the order in which they were made.
#[derive(Debug, Default)]
pub(in super::super) struct Pools(Vec<Arc<Pool>>);

impl Pools {
    /// Adds a pool.
    pub(in super::super) fn add(&mut self, pool: Arc<Pool>) {
        self.0.push(pool);
    }

    /// The pool of an identifier.
    pub(in super::super) fn by_uid(&self, uid: &str) -> Option<Arc<Pool>> {
        self.0.iter().find(|pool| pool.uid == uid).cloned()
    }

    /// The pool of a name.
    pub(in super::super) fn by_name(&self, name: &str) -> Option<Arc<Pool>> {
        self.0.iter().find(|pool| pool.name == name).cloned()
    }

    /// The pool of an issuer.
    pub(in super::super) fn by_issuer(&self, issuer: &str) -> Option<Arc<Pool>> {
        self.0.iter().find(|pool| pool.issuer == issuer).cloned()
    }

    /// The pool that was there from the start.
    pub(in super::super) fn first(&self) -> Option<Arc<Pool>> {
        self.0.first().cloned()
    }

    /// All of them.
    pub(in super::super) fn all(&self) -> Vec<Arc<Pool>> {
        self.0.clone()
    }
}

/// An OIDC client of a pool.
#[derive(Debug, Clone)]
pub(in super::super) struct Client {
    /// The identifier: the OIDC `client_id`.
    pub uid: String,
    /// The name, as the control plane knows it.
    pub name: String,
    /// `WEB_APPLICATION`, or a kind without a secret.
    pub kind: String,
    /// The secret; a client without one has to use PKCE.
    pub secret: Option<String>,
    /// Callback addresses, compared exactly.
    pub callbacks: Vec<String>,
    /// Addresses to go to after logging out, besides the callbacks.
    pub logout_urls: Vec<String>,
    /// The lifetime of id_tokens in seconds; the emulator's setting when absent.
    pub id_token_seconds: Option<u64>,
    /// Settings that the control plane keeps and shows.
    pub settings: Map<String, Value>,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
}

impl Client {
    /// A client with no settings beside its addresses.
    pub(in super::super) fn new(uid: &str, name: &str, secret: Option<String>, created: Timestamp) -> Self {
        let kind = if secret.is_some() { "WEB_APPLICATION" } else { "SINGLE_PAGE_APPLICATION" };
        Self {
            uid: uid.to_owned(),
            name: name.to_owned(),
            kind: kind.to_owned(),
            secret,
            callbacks: Vec::new(),
            logout_urls: Vec::new(),
            id_token_seconds: None,
            settings: Map::new(),
            created,
            updated: created,
        }
    }

    /// Whether refreshing brings a new refresh token; `None` where the control plane has no word on it.
    pub(in super::super) fn rotation(&self) -> Option<bool> {
        self.settings.get("RefreshToken").and_then(|refresh| refresh["Rotation"].as_bool())
    }
}

/// The settings of a pool that its creator said nothing about.
pub(in super::super) fn default_settings() -> Map<String, Value> {
    let defaults = json!({
        "Description": "",
        "ProjectName": "default",
        "PasswordSignInEnabled": true,
        "SelfSignUpEnabled": false,
        "SelfAccountRecoveryEnabled": false,
        "SignInAttributes": ["username"],
    });
    defaults.as_object().cloned().unwrap_or_default()
}
