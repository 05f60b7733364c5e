//! Everything that the endpoints share: settings, clock, keys, and the state of both services.

use std::fmt::Display;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};

use super::api::provider::Providers;
use super::api::sts::Sessions;
use super::api::user_credential::UserCredentials;
use super::api::workload::Workloads;
use super::consent::Consents;
use super::fault::Faults;
use super::jws::{KeyRing, Rotation};
use super::options::Options;
use super::record::{RefreshUses, Requests};
use super::seed::DenyRule;
use super::userpool::external::External;
use super::userpool::pool::{Client, Pool, Pools, default_settings};
use crate::base::codec::hex;
use crate::base::entropy::{Entropy as _, OsEntropy};
use crate::base::error::Result;
use crate::base::time::Timestamp;

/// The shared state. Every lock is held for a few map operations, never while answering.
#[derive(Debug)]
pub(super) struct World {
    /// The settings.
    pub options: Options,
    /// `http://address:port`, the start of every URL handed out.
    pub base_url: String,
    /// The faults on order.
    pub faults: Faults,
    /// What came in.
    pub requests: Requests,
    /// What became of refresh tokens.
    pub refresh_uses: RefreshUses,
    /// Ends waiting.
    pub stop: Stop,
    offset: AtomicI64,
    state: Mutex<State>,
}

/// The part of the world that requests change.
#[derive(Debug)]
pub(super) struct State {
    /// The UserPools.
    pub pools: Pools,
    /// Users who are away at an external identity provider.
    pub external: External,
    /// The workload pool's signing keys.
    pub workload_keys: KeyRing,
    /// The workload identities.
    pub workloads: Workloads,
    /// Temporary access keys.
    pub sessions: Sessions,
    /// The credential providers.
    pub providers: Providers,
    /// What users agree to at OAuth2 services.
    pub consents: Consents,
    /// What users have stored.
    pub user_credentials: UserCredentials,
    /// What is denied.
    pub deny_rules: Vec<DenyRule>,
}

impl World {
    /// The state at the start.
    ///
    /// # Errors
    /// When a key cannot be made.
    pub(super) fn new(options: Options, base_url: String) -> Result<Self> {
        let state = State {
            pools: Pools::default(),
            external: External::default(),
            workload_keys: KeyRing::new("workload", options.tip_algorithm)?,
            workloads: Workloads::default(),
            sessions: Sessions::default(),
            providers: Providers::default(),
            consents: Consents::default(),
            user_credentials: UserCredentials::default(),
            deny_rules: options.deny_rules.clone(),
        };
        let world = Self {
            options,
            base_url,
            faults: Faults::default(),
            requests: Requests::default(),
            refresh_uses: RefreshUses::default(),
            stop: Stop::default(),
            offset: AtomicI64::new(0),
            state: Mutex::new(state),
        };
        world.populate()?;
        Ok(world)
    }

    /// Makes what the options say is there from the start.
    fn populate(&self) -> Result<()> {
        let (options, now) = (&self.options, self.now());
        let pool = self.new_pool(options.user_pool_id(), options.user_pool.clone(), default_settings())?;
        {
            let mut state = pool.state();
            let secret = Some(options.client_secret.clone());
            for (id, secret) in [(&options.client_id, secret), (&options.public_client_id, None)] {
                state.clients.push(Client::new(id, id, secret, now));
            }
            for provider in &options.identity_providers {
                state.identity_providers.push((provider.clone(), now));
            }
        }
        let mut state = self.state();
        state.pools.add(Arc::new(pool));
        for name in &options.workloads {
            state.workloads.add(name, now);
        }
        for provider in &options.credential_providers {
            state.providers.put_credential(provider.clone(), now);
        }
        for provider in &options.role_providers {
            state.providers.put_role(provider.clone(), now);
        }
        for credential in &options.user_credentials {
            state.user_credentials.seed(credential, now);
        }
        Ok(())
    }

    /// A UserPool at its address, not yet among the others.
    ///
    /// # Errors
    /// When its key cannot be made.
    pub(super) fn new_pool(&self, uid: String, name: String, settings: Map<String, Value>) -> Result<Pool> {
        let issuer = format!("{}/userpool/{uid}", self.base_url);
        Pool::new(uid, name, issuer, settings, self.options.id_token_algorithm, self.now())
    }

    /// Whether a user has that password.
    pub(super) fn knows(&self, user: &str, password: &str) -> bool {
        self.options.users.iter().any(|known| known == user) && password == self.options.password
    }

    /// The emulator's time.
    pub(super) fn now(&self) -> Timestamp {
        let now = self.options.clock.now().unix();
        Timestamp::from_unix(now.saturating_add(self.offset.load(Ordering::Relaxed)))
    }

    /// Puts the emulator's time ahead of (or behind) the machine's.
    pub(super) fn set_offset(&self, seconds: i64) {
        self.offset.store(seconds, Ordering::Relaxed);
    }

    /// The state, locked.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Signs from now on with new keys, in every UserPool and the workload pool.
    ///
    /// # Errors
    /// When a key cannot be made.
    pub(super) fn rotate(&self, rotation: Rotation) -> Result<()> {
        let mut state = self.state();
        for pool in state.pools.all() {
            pool.state().keys.rotate(rotation)?;
        }
        state.workload_keys.rotate(rotation)
    }

    /// The issuer of the UserPool that was there from the start.
    pub(super) fn user_issuer(&self) -> String {
        format!("{}/userpool/{}", self.base_url, self.options.user_pool_id())
    }

    /// The workload pool's issuer.
    pub(super) fn workload_issuer(&self) -> String {
        format!("{}/workloadpool/{}", self.base_url, self.options.workload_pool_id())
    }
}

/// Random lower-case hexadecimal digits, two for every byte, after a prefix that tells what it is.
///
/// # Errors
/// When the system has no random bytes.
pub(super) fn random_id(prefix: impl Display, bytes: usize) -> Result<String> {
    let mut random = vec![0; bytes];
    OsEntropy.fill(&mut random)?;
    Ok(format!("{prefix}{}", hex(&random)))
}

/// A random identifier in the form of a UUID.
///
/// # Errors
/// When the system has no random bytes.
pub(super) fn random_uuid() -> Result<String> {
    let digits = random_id("", 16)?;
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    Ok([part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-"))
}

/// Lets a wait end early.
#[derive(Debug, Default)]
pub(super) struct Stop {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    /// Waits, or until the emulator stops.
    pub(super) fn wait(&self, duration: Duration) {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_timeout_while(stopped, duration, |stopped| !*stopped));
    }

    /// Ends all waits, now and later.
    pub(super) fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }
}
