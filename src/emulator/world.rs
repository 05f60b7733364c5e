//! Everything that the endpoints share: settings, clock, keys, and the state of both services.

use std::fmt::Display;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::api::sts::Sessions;
use super::api::workload::Workloads;
use super::fault::Faults;
use super::jws::{KeyRing, Rotation};
use super::options::Options;
use super::record::Requests;
use super::userpool::grants::Grants;
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
    /// Ends waiting.
    pub stop: Stop,
    offset: AtomicI64,
    state: Mutex<State>,
}

/// The part of the world that requests change.
#[derive(Debug)]
pub(super) struct State {
    /// The UserPool's signing keys.
    pub user_keys: KeyRing,
    /// The workload pool's signing keys.
    pub workload_keys: KeyRing,
    /// The workload identities.
    pub workloads: Workloads,
    /// Temporary access keys.
    pub sessions: Sessions,
    /// Codes and tokens of the UserPool.
    pub grants: Grants,
    /// Registered callback addresses.
    pub callbacks: Vec<String>,
}

impl World {
    /// The state at the start.
    ///
    /// # Errors
    /// When a key cannot be made.
    pub(super) fn new(options: Options, base_url: String) -> Result<Self> {
        let state = State {
            user_keys: KeyRing::new("user", options.id_token_algorithm)?,
            workload_keys: KeyRing::new("workload", options.tip_algorithm)?,
            workloads: Workloads::default(),
            sessions: Sessions::default(),
            grants: Grants::default(),
            callbacks: options.callback_urls.clone(),
        };
        let world = Self {
            options,
            base_url,
            faults: Faults::default(),
            requests: Requests::default(),
            stop: Stop::default(),
            offset: AtomicI64::new(0),
            state: Mutex::new(state),
        };
        let now = world.now();
        for name in &world.options.workloads {
            world.state().workloads.add(name, now);
        }
        Ok(world)
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

    /// Signs from now on with new keys, in both services.
    ///
    /// # Errors
    /// When a key cannot be made.
    pub(super) fn rotate(&self, rotation: Rotation) -> Result<()> {
        let mut state = self.state();
        state.user_keys.rotate(rotation)?;
        state.workload_keys.rotate(rotation)
    }

    /// The UserPool's issuer.
    pub(super) fn user_issuer(&self) -> String {
        format!("{}/userpool/{}", self.base_url, self.options.user_pool)
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
