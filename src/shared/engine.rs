//! The engine as this process sees it: one conversation after the other, and what is wrong since when.
//!
//! A conversation has a connection whose store is known to be ours: its meta record is read when a connection is new,
//! has rested, and every few seconds, so that an engine that was emptied, replaced or taken over by somebody else's key
//! is noticed before it is believed.
//!
//! Invariant: what is done in a conversation is sent a second time, at most, and only when the connection broke off.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use redis::{ConnectionLike, RedisError};

use super::breaker::{Admission, Breaker};
use super::connect::Connector;
use super::fault::{Failure, Kind, Phase, judge};
use super::location::Location;
use super::pool::{Link, Pool};
use super::records::Shared;
use super::script;
use super::seal::{self, Names, Unreadable};
use crate::base::entropy::Entropy;
use crate::base::env::Env;
use crate::base::error::{Code, Error, Result};
use crate::base::log;
use crate::base::secret::Secret;
use crate::base::time::{Clock, Timestamp};
use crate::records::{Health, Record};
use crate::session::keyring::{KeyId, Keyring};

/// How long a connection may rest before it is looked at again.
const VERIFY_AFTER_REST: Duration = Duration::from_secs(1);
/// How long the store behind a busy connection is believed in.
const VERIFY_EVERY: Duration = Duration::from_secs(10);
/// What is said of a change that the engine was sent and has not answered.
pub(super) const MAY_BE_DONE: &str = "nobody knows whether the change was made";
/// How often a new store is looked for and made before giving up.
const MAX_META_TRIES: u32 = 3;

/// What an engine needs.
#[derive(Debug)]
pub struct EngineOptions {
    /// Where it is.
    pub location: Location,
    /// The password of the separate setting, before the one in the address.
    pub password: Option<Secret>,
    /// The keys that all instances have: see [`crate::session::keyring::named`].
    pub keys: Keyring,
    /// For `SSL_CERT_FILE`.
    pub env: Env,
    /// For the ends of records and the time between attempts.
    pub clock: Arc<dyn Clock>,
    /// For keys, nonces, etags and jitter.
    pub entropy: Arc<dyn Entropy>,
}

/// An engine that keeps the records of several instances.
pub struct Engine {
    /// The address as people may see it.
    place: String,
    prefix: String,
    connector: Connector,
    pool: Pool,
    breaker: Breaker,
    keys: RwLock<Arc<Keyring>>,
    store: Mutex<Option<Arc<Store>>>,
    /// What is refused although the engine answers, why, since when.
    refusal: Mutex<Option<Refusal>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
}

#[derive(Clone)]
struct Refusal {
    intent: Intent,
    error: Error,
    since: Timestamp,
}

/// The store that was found in the engine.
struct Store {
    names: Names,
    /// Its meta record, as it is there.
    meta: Vec<u8>,
}

/// Whether a conversation changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Intent {
    Read,
    Write,
}

/// What ends a conversation early.
pub(super) enum Stop {
    /// The engine's side.
    Engine(RedisError),
    /// Ours.
    Ours(Error),
}

impl From<RedisError> for Stop {
    fn from(error: RedisError) -> Self {
        Self::Engine(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

enum Trouble {
    Engine(Failure),
    Ours(Error),
}

/// What a conversation has.
pub(super) struct Talk<'a> {
    pub(super) connection: &'a mut dyn ConnectionLike,
    pub(super) names: &'a Names,
    pub(super) keys: &'a Keyring,
    /// It is the second time: the first may have been done.
    pub(super) again: bool,
}

impl Engine {
    /// An engine that is not asked yet: that it does not answer shows later, in [`Engine::health`].
    ///
    /// # Errors
    /// `ConfigInvalid` when a certificate file or the address cannot be used.
    pub fn open(options: EngineOptions) -> Result<Arc<Self>> {
        let EngineOptions { location, password, keys, env, clock, entropy } = options;
        Ok(Arc::new(Self {
            place: location.to_string(),
            connector: Connector::new(&location, password.as_ref(), &env)?,
            prefix: location.prefix,
            pool: Pool::default(),
            breaker: Breaker::default(),
            keys: RwLock::new(Arc::new(keys)),
            store: Mutex::default(),
            refusal: Mutex::default(),
            clock,
            entropy,
        }))
    }

    /// A family of records in this engine.
    #[must_use]
    pub fn shared<T: Record>(self: &Arc<Self>) -> Shared<T> {
        Shared::new(Arc::clone(self))
    }

    /// Where it is, without a password.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// How the keeping goes, as far as the last conversations tell. No I/O.
    #[must_use]
    pub fn health(&self) -> Health {
        if let Some((error, since)) = self.breaker.trouble() {
            return Health::Unreachable { error, since };
        }
        match self.refusal().clone() {
            Some(Refusal { error, since, .. }) => Health::Unsaved { error, since },
            None => Health::Ok,
        }
    }

    /// Asks the engine whether it answers and has a store that this instance can read.
    ///
    /// # Errors
    /// `StoreUnavailable`, or `StoreUnreadable` when it is sealed with another key.
    pub fn check(&self) -> Result<()> {
        self.converse(Intent::Read, |talk| {
            let known = self.store().clone();
            self.verify(talk.connection, talk.keys, known).map(|_| ())
        })
    }

    /// Lets the next conversation ask the engine although it was left alone for a while.
    pub(super) fn insist(&self) {
        self.breaker.insist();
    }

    /// Seals with the first key of another ring from now on, and opens with all of its keys.
    pub fn use_keys(&self, keys: Keyring) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    /// The key that seals.
    #[must_use]
    pub fn key(&self) -> KeyId {
        self.keys().first().id()
    }

    /// Seals the meta record with the first key, if it is not yet. Records are resealed by [`Shared::reseal`].
    ///
    /// # Errors
    /// As [`Engine::check`].
    pub fn reseal(&self) -> Result<()> {
        let key = seal::meta_key(&self.prefix);
        self.converse(Intent::Write, |talk| {
            for _ in 0..MAX_META_TRIES {
                let known = self.store().clone();
                let store = self.verify(talk.connection, talk.keys, known)?;
                if store.meta.get(1..9) == Some(&talk.keys.first().id().0) {
                    return Ok(());
                }
                let meta = store.names.seal(talk.keys.first(), &*self.entropy)?;
                let _ = script::reseal(talk.connection, &key, &store.meta, &meta)?;
            }
            Err(self.unstable().into())
        })
    }

    /// Has a conversation: `talk` may be had twice, the second time with [`Talk::again`].
    pub(super) fn converse<R>(
        &self,
        intent: Intent,
        mut talk: impl FnMut(Talk<'_>) -> Result<R, Stop>,
    ) -> Result<R> {
        let slot = self.pool.slot();
        let admission = self.breaker.admit(self.clock.monotonic())?;
        let keys = self.keys();
        let mut again = false;
        loop {
            let trouble = match slot.take(self.clock.monotonic()).map_or_else(|| self.connect(), Ok) {
                Err(failure) => Trouble::Engine(failure),
                Ok(mut link) => {
                    let result = self.known(&mut link, &keys).and_then(|store| {
                        let connection = link.connection.like();
                        let talked = talk(Talk { connection, names: &store.names, keys: &keys, again });
                        talked.map_err(|stop| self.judge(stop, Phase::Command))
                    });
                    // After anything but an answer nobody knows what is still to come through a connection.
                    let answered = |kind| matches!(kind, Kind::Refused);
                    if matches!(&result, Ok(_) | Err(Trouble::Ours(_)))
                        || matches!(&result, Err(Trouble::Engine(failure)) if answered(failure.kind))
                    {
                        link.used = self.clock.monotonic();
                        slot.give_back(link);
                    }
                    match result {
                        Ok(result) => {
                            self.answered(admission);
                            self.refusal().take_if(|refusal| refusal.intent == intent);
                            return Ok(result);
                        }
                        Err(trouble) => trouble,
                    }
                }
            };
            let failure = match trouble {
                Trouble::Engine(failure) => failure,
                Trouble::Ours(error) if error.code() == Code::StoreUnreadable => {
                    Failure { kind: Kind::Unreachable, error }
                }
                Trouble::Ours(error) => return Err(error),
            };
            match failure.kind {
                Kind::Cut | Kind::ReadOnly if !again => {
                    self.pool.clear();
                    again = true;
                }
                Kind::Refused | Kind::ReadOnly => {
                    self.answered(admission);
                    self.refused(intent, &failure.error);
                    return Err(failure.error);
                }
                Kind::Cut | Kind::Slow | Kind::Unreachable => {
                    self.pool.clear();
                    self.failed(admission, &failure.error);
                    let unsure = intent == Intent::Write && failure.kind != Kind::Unreachable;
                    return Err(if unsure { failure.error.context(MAY_BE_DONE) } else { failure.error });
                }
            }
        }
    }

    /// The error of a value that cannot be used.
    pub(super) fn unreadable(&self, reason: Unreadable, what: &str) -> Error {
        reason.into_error(what, &self.place)
    }

    /// A connection to each master of a cluster; `None` for one server.
    pub(super) fn masters(&self) -> Result<Option<Vec<redis::Connection>>> {
        self.connector.masters().map_err(|error| judge(&error, Phase::Connect, &self.place).error)
    }

    /// The error of a command outside of a conversation.
    pub(super) fn failure(&self, error: &RedisError) -> Error {
        judge(error, Phase::Command, &self.place).error
    }

    fn connect(&self) -> Result<Link, Failure> {
        let connected = self.connector.connect();
        let connection = connected.map_err(|error| judge(&error, Phase::Connect, &self.place))?;
        Ok(Link { connection, used: self.clock.monotonic(), verified: None })
    }

    /// The store behind a connection.
    fn known(&self, link: &mut Link, keys: &Keyring) -> Result<Arc<Store>, Trouble> {
        let now = self.clock.monotonic();
        let known = self.store().clone();
        let fresh = link.verified.is_some_and(|at| now.saturating_sub(at) < VERIFY_EVERY)
            && now.saturating_sub(link.used) < VERIFY_AFTER_REST;
        if let (true, Some(store)) = (fresh, &known) {
            return Ok(Arc::clone(store));
        }
        let verified = self.verify(link.connection.like(), keys, known);
        // TLS shakes hands no earlier than this: the first answer belongs to the connecting.
        let phase = if link.verified.is_none() { Phase::Connect } else { Phase::Command };
        let store = verified.map_err(|stop| self.judge(stop, phase))?;
        link.verified = Some(now);
        Ok(store)
    }

    /// Reads the meta record. Where there is none, the engine is new, or was emptied: then it gets ours, so that all
    /// instances go on with the same names.
    fn verify(
        &self,
        connection: &mut dyn ConnectionLike,
        keys: &Keyring,
        known: Option<Arc<Store>>,
    ) -> Result<Arc<Store>, Stop> {
        let key = seal::meta_key(&self.prefix);
        for _ in 0..MAX_META_TRIES {
            match (script::get(connection, &key)?, &known) {
                (Some(meta), Some(store)) if store.meta == meta => return Ok(Arc::clone(store)),
                (Some(meta), known) => {
                    let names = Names::open(&self.prefix, keys, &meta);
                    let names = names.map_err(|reason| self.unreadable(reason, "the state"))?;
                    if known.as_ref().is_some_and(|store| store.names.store() != names.store()) {
                        log::warn("the engine has another store than before", &[("engine", &self.place)]);
                    }
                    let store = Arc::new(Store { names, meta });
                    *self.store() = Some(Arc::clone(&store));
                    return Ok(store);
                }
                (None, Some(store)) => {
                    log::warn("the engine was emptied", &[("engine", &self.place)]);
                    let meta = store.names.seal(keys.first(), &*self.entropy)?;
                    script::put_first(connection, &key, &meta)?;
                }
                (None, None) => {
                    let names = Names::generate(&self.prefix, &*self.entropy)?;
                    script::put_first(connection, &key, &names.seal(keys.first(), &*self.entropy)?)?;
                }
            }
        }
        Err(self.unstable().into())
    }

    fn unstable(&self) -> Error {
        Error::new(Code::StoreUnavailable, format!("the engine at {} loses what it is given", self.place))
            .with_hint("see to its memory policy: maxmemory-policy must be noeviction")
    }

    fn judge(&self, stop: Stop, phase: Phase) -> Trouble {
        match stop {
            Stop::Ours(error) => Trouble::Ours(error),
            Stop::Engine(error) => Trouble::Engine(judge(&error, phase, &self.place)),
        }
    }

    fn answered(&self, admission: Admission<'_>) {
        if let Some(since) = admission.answered() {
            log::info("the engine answers again", &[("engine", &self.place), ("silent_since", &since)]);
        }
    }

    fn failed(&self, admission: Admission<'_>, error: &Error) {
        let (now, monotonic) = (self.clock.now(), self.clock.monotonic());
        if admission.failed(error, now, monotonic, &*self.entropy) {
            let detail = error.detail().unwrap_or_default();
            log::warn("the engine cannot be used", &[("error", error), ("detail", &detail)]);
        }
    }

    fn refused(&self, intent: Intent, error: &Error) {
        let mut refusal = self.refusal();
        let since = refusal.as_ref().map_or_else(|| self.clock.now(), |refusal| refusal.since);
        let news = refusal.replace(Refusal { intent, error: error.clone(), since }).is_none();
        drop(refusal);
        if news {
            let detail = error.detail().unwrap_or_default();
            log::warn("the engine refuses a command", &[("error", error), ("detail", &detail)]);
        }
    }

    pub(super) fn keys(&self) -> Arc<Keyring> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn store(&self) -> MutexGuard<'_, Option<Arc<Store>>> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refusal(&self) -> MutexGuard<'_, Option<Refusal>> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Engine({})", self.place)
    }
}
