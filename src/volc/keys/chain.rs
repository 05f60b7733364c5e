//! The chain: config, environment, metadata, file; then `AssumeRole` where a role is to be assumed; then a cache.
//!
//! The first source that has keys wins and no later one is touched. Callers share one attempt. Keys that still hold
//! outlive a failing source.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::assume_role::Sts;
use super::file::{self, Stamp};
use super::{Finding, KeySettings, Keys, env, explicit, metadata};
use crate::base::env::Env;
use crate::base::error::{Code, Error, Result};
use crate::base::flight::Flight;
use crate::base::log;
use crate::base::time::{Clock, Timestamp};
use crate::net::exchange::Exchange;

/// How long before their end temporary keys are replaced.
pub const MARGIN: Duration = Duration::from_secs(300);
/// How long keys that still hold are used before a failed renewal is tried again.
pub const RETRY_FAILED_AFTER: Duration = Duration::from_secs(30);

/// How the chain reaches others.
#[derive(Clone, Debug)]
pub struct Reach {
    /// For STS.
    pub cloud: Arc<Exchange>,
    /// For the metadata service, whose dates are not the cloud's.
    pub metadata: Arc<Exchange>,
}

/// Finds keys and keeps them while they hold.
#[derive(Debug)]
pub struct Chain {
    settings: KeySettings,
    env: Env,
    file: PathBuf,
    reach: Reach,
    sts: Sts,
    clock: Arc<dyn Clock>,
    cached: Mutex<Option<Cached>>,
    flight: Flight<(), Arc<Keys>>,
    warned: AtomicBool,
}

/// What one source says of itself, for a report. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceReport {
    /// `config`, `environment`, `metadata` or `file`.
    pub source: &'static str,
    /// Whether it has keys.
    pub has_keys: bool,
    /// The shortened access key and the role to assume, or the reason why there is nothing.
    pub text: String,
}

#[derive(Clone, Debug)]
struct Cached {
    keys: Arc<Keys>,
    /// What the keys were made from: they are good for this only.
    origin: Origin,
    /// When renewal is due; `None` for keys without an end.
    renew_at: Option<Timestamp>,
    /// The credential file's stamp when the keys were made; `None` for other sources.
    stamp: Option<Stamp>,
    /// After a failed renewal: until when (monotonic) not to try again.
    hold_until: Option<Duration>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    source: &'static str,
    access_key_id: String,
    role_trn: Option<String>,
}

impl Chain {
    /// A chain over these settings and this environment.
    #[must_use]
    pub fn new(settings: KeySettings, env: Env, reach: Reach, clock: Arc<dyn Clock>) -> Self {
        let sts = Sts {
            exchange: reach.cloud.clone(),
            clock: clock.clone(),
            endpoint: settings.sts_endpoint.clone(),
            debug: env.get("IDENTITY_STS_DEBUG") == Some("1"),
        };
        let (file, warned) = (file::path(&settings, &env), AtomicBool::new(false));
        let (cached, flight) = (Mutex::default(), Flight::default());
        Self { settings, env, file, reach, sts, clock, cached, flight, warned }
    }

    /// Keys to sign with now.
    ///
    /// # Errors
    /// `KeysMissing` with the reason of every source; the error of the source that should have keys; the error of
    /// `AssumeRole`.
    pub fn keys(&self) -> Result<Arc<Keys>> {
        if let Some(keys) = self.fresh() {
            return Ok(keys);
        }
        // Whoever came just after another's landing finds its keys.
        self.flight.run(&(), || self.fresh().map_or_else(|| self.renew(), Ok))
    }

    /// Forgets keys that the cloud no longer accepts; others stay.
    pub fn forget(&self, refused: &Keys) {
        let mut cached = self.lock();
        if cached.as_ref().is_some_and(|cached| cached.keys.access_key_id == refused.access_key_id) {
            *cached = None;
        }
    }

    /// Asks every source, as if no earlier one had keys. No role is assumed.
    #[must_use]
    pub fn diagnose(&self) -> Vec<SourceReport> {
        let report = |(source, finding)| match finding {
            Finding::Found { keys, role_trn } => {
                let role = role_trn.map(|role| format!(", assumes {role}")).unwrap_or_default();
                SourceReport { source, has_keys: true, text: format!("{}{role}", keys.shown_id()) }
            }
            Finding::Absent(text) => SourceReport { source, has_keys: false, text },
            Finding::Failed(error) => SourceReport { source, has_keys: false, text: error.to_string() },
        };
        self.sources().map(report).collect()
    }

    /// The sources in their order, each asked only when its turn comes.
    fn sources(&self) -> impl Iterator<Item = (&'static str, Finding)> {
        type Ask = fn(&Chain) -> Finding;
        let sources: [(&'static str, Ask); 4] = [
            (explicit::NAME, |chain| explicit::find(&chain.settings)),
            (env::NAME, |chain| env::find(&chain.env, chain.role_trn())),
            (metadata::NAME, Chain::from_metadata),
            (file::NAME, |chain| file::find(&chain.file, chain.role_trn(), &chain.env, chain.clock.now())),
        ];
        sources.into_iter().map(|(source, ask)| (source, ask(self)))
    }

    fn role_trn(&self) -> Option<&str> {
        self.settings.role_trn.as_deref().filter(|role| !role.is_empty())
    }

    fn from_metadata(&self) -> Finding {
        let Some(url) = &self.settings.credentials_metadata_url else {
            return Finding::Absent("identity.credentialsMetadataUrl is not set".to_owned());
        };
        let Some(role_trn) = self.role_trn() else {
            let reason = "identity.credentialsMetadataUrl needs identity.roleTrn, which is not set";
            if !self.warned.swap(true, Ordering::Relaxed) {
                log::warn("a source of platform keys is skipped", &[("reason", &reason)]);
            }
            return Finding::Absent(reason.to_owned());
        };
        metadata::fetch(&self.reach.metadata, url, role_trn, self.clock.now())
    }

    /// The cached keys, unless they must be looked at again.
    fn fresh(&self) -> Option<Arc<Keys>> {
        let cached = self.lock().clone()?;
        let held =
            cached.hold_until.is_some_and(|until| self.clock.monotonic() < until) && self.holds(&cached);
        let unchanged = cached.stamp.is_none() || cached.stamp == file::stamp(&self.file);
        let due = cached.renew_at.is_some_and(|at| at.is_past(self.clock.now()));
        (held || (unchanged && !due)).then_some(cached.keys)
    }

    fn holds(&self, cached: &Cached) -> bool {
        cached.keys.expires_at.is_none_or(|end| !end.is_past(self.clock.now()))
    }

    fn renew(&self) -> Result<Arc<Keys>> {
        // Taken before reading: a change in between is then seen as one.
        let stamp = file::stamp(&self.file);
        let previous = self.lock().clone();
        let outcome = self.base().and_then(|(base, role_trn)| self.make(base, role_trn, previous.as_ref()));
        match (outcome, previous) {
            (Ok((keys, origin)), _) => {
                let renew_at = keys.expires_at.map(|end| end - MARGIN);
                let stamp = stamp.filter(|_| origin.source == file::NAME);
                *self.lock() = Some(Cached { keys: keys.clone(), origin, renew_at, stamp, hold_until: None });
                Ok(keys)
            }
            // Keys of a role hold on their own; those of a file only as long as the file says so.
            (Err(error), Some(previous)) if previous.keys.expires_at.is_some() && self.holds(&previous) => {
                log::warn(
                    "platform keys could not be renewed; the previous ones still hold",
                    &[("reason", &error)],
                );
                let hold_until = Some(self.clock.monotonic() + RETRY_FAILED_AFTER);
                let keys = previous.keys.clone();
                *self.lock() = Some(Cached { hold_until, ..previous });
                Ok(keys)
            }
            (Err(error), _) => Err(error),
        }
    }

    /// The first source's keys with the role to assume.
    fn base(&self) -> Result<(Keys, Option<String>)> {
        let mut reasons = Vec::new();
        for (source, finding) in self.sources() {
            match finding {
                Finding::Found { keys, role_trn } => {
                    return Ok((keys, role_trn.filter(|role| !role.is_empty())));
                }
                Finding::Failed(error) => return Err(error),
                Finding::Absent(reason) => reasons.push(format!("{source}: {reason}")),
            }
        }
        let message = format!("no platform keys (AK/SK) were found; {}", reasons.join("; "));
        Err(Error::new(Code::KeysMissing, message).with_hint(
            "set identity.accessKeyId and identity.secretAccessKey, or VOLCENGINE_ACCESS_KEY and VOLCENGINE_SECRET_KEY",
        ))
    }

    /// The keys that sign: the base's own, or the role's. A rewritten file that leads to the same role with the same
    /// access key does not cost a request.
    fn make(
        &self,
        base: Keys,
        role_trn: Option<String>,
        previous: Option<&Cached>,
    ) -> Result<(Arc<Keys>, Origin)> {
        let origin = Origin { source: base.source, access_key_id: base.access_key_id.clone(), role_trn };
        let Some(role_trn) = &origin.role_trn else {
            return Ok((Arc::new(base), origin));
        };
        let now = self.clock.now();
        let same = previous
            .filter(|cached| cached.origin == origin && cached.renew_at.is_some_and(|at| !at.is_past(now)));
        let keys = same
            .map_or_else(|| self.sts.assume(&base, role_trn).map(Arc::new), |same| Ok(same.keys.clone()))?;
        Ok((keys, origin))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Cached>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
