//! The chain: config, environment, metadata, file; then `AssumeRole` where a role is to be assumed; then a cache.
//!
//! The first source that has keys wins and no later one is touched. Callers share one attempt. Keys that still hold
//! outlive a failing source, and nobody waits for their renewal: it runs in the background.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::assume_role::Sts;
use super::file::{self, Stamp};
use super::{Finding, KeySettings, Keys, env, explicit, metadata};
use crate::base::entropy::Entropy;
use crate::base::env::Env;
use crate::base::error::{Code, Error, Result};
use crate::base::flight::Flight;
use crate::base::log;
use crate::base::pool::Pool;
use crate::base::time::{Clock, Timestamp};
use crate::net::exchange::Exchange;

/// How long before their end temporary keys are replaced.
pub const MARGIN: Duration = Duration::from_secs(300);
/// How much earlier than [`MARGIN`] at most: each process's own moment lies at random in this span, so that those which
/// started together do not come to STS together.
pub const JITTER: Duration = Duration::from_secs(60);
/// Keys this close to their end count as ended: a request has yet to travel.
pub const LAST_MOMENT: Duration = Duration::from_secs(15);
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

/// Finds keys and keeps them while they hold. Clones share what they know.
#[derive(Clone, Debug)]
pub struct Chain {
    inner: Arc<Inner>,
    background: Option<(Pool, Arc<dyn Entropy>)>,
}

#[derive(Debug)]
struct Inner {
    settings: KeySettings,
    env: Env,
    file: PathBuf,
    reach: Reach,
    sts: Sts,
    clock: Arc<dyn Clock>,
    cached: Mutex<Option<Arc<Cached>>>,
    flight: Flight<(), Arc<Keys>>,
    warned: AtomicBool,
    /// Whether a renewal waits in the pool or is under way there.
    renewing: AtomicBool,
}

/// Takes the mark of a background renewal away, however that ends.
struct Ended(Arc<Inner>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.renewing.store(false, Ordering::Relaxed);
    }
}

/// What the cache has to say.
enum Look {
    Fresh(Arc<Keys>),
    /// Good for now, but their renewal is due.
    Due(Arc<Keys>),
    Nothing,
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
    /// A chain over these settings and this environment. Renewal takes place in the call that finds it due.
    #[must_use]
    pub fn new(settings: KeySettings, env: Env, reach: Reach, clock: Arc<dyn Clock>) -> Self {
        let sts = Sts {
            exchange: reach.cloud.clone(),
            clock: clock.clone(),
            endpoint: settings.sts_endpoint.clone(),
            debug: env.get("IDENTITY_STS_DEBUG") == Some("1"),
        };
        let file = file::path(&settings, &env);
        let (warned, renewing) = (AtomicBool::new(false), AtomicBool::new(false));
        let (cached, flight) = (Mutex::default(), Flight::default());
        let inner = Inner { settings, env, file, reach, sts, clock, cached, flight, warned, renewing };
        Self { inner: Arc::new(inner), background: None }
    }

    /// The same chain, whose renewals run in a pool while the keys still hold, each at its own moment.
    #[must_use]
    pub fn renewing_in(self, pool: Pool, entropy: Arc<dyn Entropy>) -> Self {
        Self { background: Some((pool, entropy)), ..self }
    }

    /// Keys to sign with now.
    ///
    /// # Errors
    /// `KeysMissing` with the reason of every source; the error of the source that should have keys; the error of
    /// `AssumeRole`.
    pub fn keys(&self) -> Result<Arc<Keys>> {
        match (self.inner.look(), &self.background) {
            (Look::Fresh(keys), _) => Ok(keys),
            (Look::Due(keys), Some((pool, _))) => {
                self.renew_in(pool);
                Ok(keys)
            }
            _ => self.renew(),
        }
    }

    fn renew_in(&self, pool: &Pool) {
        if self.inner.renewing.swap(true, Ordering::Relaxed) {
            return;
        }
        let (chain, ended) = (self.clone(), Ended(self.inner.clone()));
        // A pool that does not take the job drops it, and with it the mark.
        pool.submit(move || {
            // What went wrong is logged, and told to whoever asks once the keys have ended.
            let _ = chain.renew();
            drop(ended);
        });
    }

    fn renew(&self) -> Result<Arc<Keys>> {
        let inner = &*self.inner;
        inner.flight.run(&(), || match inner.look() {
            // Whoever came just after another's landing finds its keys.
            Look::Fresh(keys) => Ok(keys),
            _ => inner.renew(self.early()),
        })
    }

    /// How much earlier than the margin the next renewal is to be.
    fn early(&self) -> Duration {
        let Some((_, entropy)) = &self.background else { return Duration::ZERO };
        // Needs no secrecy: without random bytes it is merely the earliest.
        let mut bytes = [u8::MAX; 4];
        let _ = entropy.fill(&mut bytes);
        JITTER.mul_f64(f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX))
    }

    /// The keys in use, if any have been needed so far; no I/O.
    #[must_use]
    pub fn known(&self) -> Option<Arc<Keys>> {
        self.inner.lock().as_ref().map(|cached| cached.keys.clone())
    }

    /// Forgets keys that the cloud no longer accepts; others stay.
    pub fn forget(&self, refused: &Keys) {
        let mut cached = self.inner.lock();
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
        self.inner.sources().map(report).collect()
    }
}

impl Inner {
    /// The sources in their order, each asked only when its turn comes.
    fn sources(&self) -> impl Iterator<Item = (&'static str, Finding)> {
        type Ask = fn(&Inner) -> Finding;
        let sources: [(&'static str, Ask); 4] = [
            (explicit::NAME, |chain| explicit::find(&chain.settings)),
            (env::NAME, |chain| env::find(&chain.env, chain.role_trn())),
            (metadata::NAME, Inner::ask_metadata),
            (file::NAME, |chain| file::find(&chain.file, chain.role_trn(), &chain.env, chain.clock.now())),
        ];
        sources.into_iter().map(|(source, ask)| (source, ask(self)))
    }

    fn role_trn(&self) -> Option<&str> {
        self.settings.role_trn.as_deref().filter(|role| !role.is_empty())
    }

    fn ask_metadata(&self) -> Finding {
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

    fn look(&self) -> Look {
        let Some(cached) = self.lock().clone() else { return Look::Nothing };
        let now = self.clock.now();
        // A rewritten file is read at once: that is quick, and its old keys may have been withdrawn.
        if cached.stamp.is_some() && cached.stamp != file::stamp(&self.file) {
            return Look::Nothing;
        }
        let keys = cached.keys.clone();
        let held = cached.hold_until.is_some_and(|until| self.clock.monotonic() < until);
        if !cached.renew_at.is_some_and(|at| at.is_past(now)) || (held && self.holds(&cached)) {
            Look::Fresh(keys)
        } else if keys.expires_at.is_some_and(|end| end.is_past(now + LAST_MOMENT)) {
            Look::Nothing
        } else {
            Look::Due(keys)
        }
    }

    fn holds(&self, cached: &Cached) -> bool {
        cached.keys.expires_at.is_none_or(|end| !end.is_past(self.clock.now()))
    }

    fn renew(&self, early: Duration) -> Result<Arc<Keys>> {
        // Taken before reading: a change in between is then seen as one.
        let stamp = file::stamp(&self.file);
        let previous = self.lock().clone();
        let outcome = self.base().and_then(|(base, role_trn)| self.make(base, role_trn, previous.as_deref()));
        match (outcome, previous) {
            (Ok((keys, origin)), _) => {
                let renew_at = keys.expires_at.map(|end| end - MARGIN - early);
                // A source may have no later keys yet, or only ever give short-lived ones.
                let is_due = renew_at.is_some_and(|at| at.is_past(self.clock.now()));
                let hold_until = is_due.then(|| self.clock.monotonic() + RETRY_FAILED_AFTER);
                let stamp = stamp.filter(|_| origin.source == file::NAME);
                let cached = Cached { keys: keys.clone(), origin, renew_at, stamp, hold_until };
                *self.lock() = Some(Arc::new(cached));
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
                // With the stamp of the file that was of no use, or each caller would read it again.
                let stamp = previous.stamp.and(stamp);
                *self.lock() = Some(Arc::new(Cached { hold_until, stamp, ..Cached::clone(&previous) }));
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

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<Cached>>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::base::secret::Secret;
    use crate::base::url::Url;
    use crate::net::testing::{Constant, Script, StepClock, answer, failed};
    use crate::net::transport::{Failure, FailureKind, HttpRequest, HttpResponse, Transport};

    const NOW: i64 = 1_768_464_000;
    const ROLE: &str = "trn:iam::1:role/R";

    type Answer = Result<HttpResponse, Failure>;

    struct Bench {
        chain: Chain,
        script: Arc<Script>,
        clock: Arc<StepClock>,
        folder: tempfile::TempDir,
    }

    impl Bench {
        /// The credential file is in a folder of its own and absent unless written.
        fn new(settings: KeySettings, env: &[(&str, &str)], answers: Vec<Answer>) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let credentials_file = Some(path_in(&folder).to_str().unwrap().to_owned());
            let settings = KeySettings { credentials_file, ..settings };
            let (script, clock) = (Arc::new(Script::new(answers)), Arc::new(StepClock::at(NOW)));
            let chain = chain(settings, env, script.clone(), clock.clone());
            Self { chain, script, clock, folder }
        }

        fn write(&self, text: &str) {
            // As the platform does: another file is moved into place.
            let next = self.folder.path().join("next");
            std::fs::write(&next, text).unwrap();
            std::fs::rename(next, path_in(&self.folder)).unwrap();
        }

        /// The access key and the source, or the error's code.
        fn keys(&self) -> Result<(String, &'static str), Code> {
            let keys = self.chain.keys().map_err(|error| error.code())?;
            Ok((keys.access_key_id.clone(), keys.source))
        }

        /// The hosts that were asked since the last call.
        fn asked(&self) -> Vec<String> {
            self.script.take().iter().map(|request| request.url.host().to_owned()).collect()
        }
    }

    fn chain(
        settings: KeySettings,
        env: &[(&str, &str)],
        transport: Arc<dyn Transport>,
        clock: Arc<StepClock>,
    ) -> Chain {
        let exchange = || Arc::new(Exchange::new(transport.clone(), clock.clone(), Arc::new(Constant(0))));
        let reach = Reach { cloud: exchange(), metadata: exchange() };
        Chain::new(settings, env.iter().copied().collect(), reach, clock.clone())
    }

    fn path_in(folder: &tempfile::TempDir) -> PathBuf {
        Path::new(folder.path()).join("credential")
    }

    fn explicit_pair() -> KeySettings {
        KeySettings {
            access_key_id: Some(Secret::from("CONFIG")),
            secret_access_key: Some(Secret::from("s3cret")),
            ..KeySettings::default()
        }
    }

    fn with_role(settings: KeySettings) -> KeySettings {
        KeySettings { role_trn: Some(ROLE.to_owned()), ..settings }
    }

    fn with_metadata(settings: KeySettings) -> KeySettings {
        let url = Url::parse("http://169.254.169.254/keys").unwrap();
        KeySettings { credentials_metadata_url: Some(url), ..settings }
    }

    const ENV_PAIR: [(&str, &str); 2] =
        [("VOLCENGINE_ACCESS_KEY", "ENV"), ("VOLCENGINE_SECRET_KEY", "s3cret")];

    /// Keys of a role, good for `seconds`.
    fn assumed(id: &str, seconds: i64) -> Answer {
        let end = Timestamp::from_unix(NOW + seconds);
        let keys = serde_json::json!({ "AccessKeyId": id, "SecretAccessKey": "s", "SessionToken": "t", "ExpiredTime": end });
        answer(
            200,
            &serde_json::json!({ "ResponseMetadata": {}, "Result": { "Credentials": keys } }).to_string(),
        )
    }

    fn from_metadata() -> Answer {
        answer(200, r#"{"AccessKeyId":"META","SecretAccessKey":"s3cret","SessionToken":"t"}"#)
    }

    fn file_with(id: &str, more: &str) -> String {
        format!(r#"{{"access_key_id":"{id}","secret_access_key":"s3cret"{more}}}"#)
    }

    fn found(id: &str, source: &'static str) -> Result<(String, &'static str), Code> {
        Ok((id.to_owned(), source))
    }

    #[test]
    fn the_first_source_with_a_pair_wins_and_no_later_one_is_touched() {
        let bench = Bench::new(with_metadata(explicit_pair()), &ENV_PAIR, vec![]);
        bench.write(&file_with("FILE", ""));
        assert_eq!(bench.keys(), found("CONFIG", "config"));
        let bench = Bench::new(with_metadata(KeySettings::default()), &ENV_PAIR, vec![]);
        assert_eq!(bench.keys(), found("ENV", "environment"));
        assert!(bench.asked().is_empty());
        let bench = Bench::new(
            with_role(with_metadata(KeySettings::default())),
            &[],
            vec![from_metadata(), assumed("ROLE", 3600)],
        );
        // Reading the file would fail.
        bench.write("{");
        assert_eq!(bench.keys(), found("ROLE", "metadata"));
        assert_eq!(bench.asked(), ["169.254.169.254", "sts.volcengineapi.com"]);
        let bench = Bench::new(KeySettings::default(), &[], vec![]);
        bench.write(&file_with("FILE", ""));
        assert_eq!(bench.keys(), found("FILE", "file"));
    }

    #[test]
    fn nothing_found_lists_every_source_with_its_reason_and_no_value() {
        let settings = KeySettings { secret_access_key: None, ..explicit_pair() };
        let bench = Bench::new(with_metadata(settings), &ENV_PAIR[1..], vec![]);
        bench.write(&file_with("", ""));
        let error = bench.chain.keys().unwrap_err();
        assert_eq!(error.code(), Code::KeysMissing);
        for part in [
            "config: incomplete, identity.secretAccessKey is not set",
            "environment: incomplete, VOLCENGINE_ACCESS_KEY is not set",
            "metadata: identity.credentialsMetadataUrl needs identity.roleTrn",
            "has no access_key_id",
        ] {
            assert!(error.message().contains(part), "{part} in {error:?}");
        }
        for canary in ["s3cret", "CONFIG"] {
            assert!(!format!("{error:?} {:?}", bench.chain).contains(canary));
        }
    }

    #[test]
    fn half_pairs_of_two_sources_never_make_a_pair() {
        let settings = KeySettings { secret_access_key: None, ..explicit_pair() };
        let bench = Bench::new(settings, &ENV_PAIR[1..], vec![]);
        assert_eq!(bench.keys(), Err(Code::KeysMissing));
        let bench = Bench::new(KeySettings { access_key_id: None, ..explicit_pair() }, &ENV_PAIR, vec![]);
        assert_eq!(bench.keys(), found("ENV", "environment"));
    }

    #[test]
    fn the_role_is_assumed_with_explicit_and_environment_keys() {
        for (settings, env, source) in
            [(explicit_pair(), &[][..], "config"), (KeySettings::default(), &ENV_PAIR[..], "environment")]
        {
            let bench = Bench::new(settings.clone(), env, vec![]);
            assert_eq!(bench.keys().unwrap().1, source);
            assert!(bench.asked().is_empty(), "no role, no request");
            let bench = Bench::new(with_role(settings), env, vec![assumed("ROLE", 3600)]);
            assert_eq!(bench.keys(), found("ROLE", source));
            assert_eq!(bench.asked(), ["sts.volcengineapi.com"]);
        }
        let token = KeySettings { session_token: Some(Secret::from("t")), ..explicit_pair() };
        let bench = Bench::new(token, &[], vec![]);
        assert_eq!(bench.chain.keys().unwrap().session_token.as_ref().unwrap().expose(), "t");
    }

    #[test]
    fn only_404_of_the_metadata_service_moves_on_to_the_file() {
        let settings = || with_metadata(with_role(KeySettings::default()));
        let bench = Bench::new(settings(), &[], vec![answer(404, ""), assumed("ROLE", 3600)]);
        bench.write(&file_with("FILE", ""));
        assert_eq!(bench.keys(), found("ROLE", "file"));
        for (bad, code) in [
            (failed(FailureKind::Timeout), Code::CloudUnreachable),
            (answer(403, ""), Code::CloudRefused),
            (answer(200, "{}"), Code::CloudInvalid),
        ] {
            let bench = Bench::new(settings(), &[], vec![bad]);
            bench.write(&file_with("FILE", ""));
            assert_eq!(bench.keys(), Err(code));
        }
    }

    #[test]
    fn a_roles_keys_are_kept_until_the_margin() {
        let bench =
            Bench::new(with_role(explicit_pair()), &[], vec![assumed("ONE", 3600), assumed("TWO", 7200)]);
        assert_eq!(bench.keys().unwrap().0, "ONE");
        bench.clock.advance(Duration::from_secs(3600) - MARGIN - Duration::from_secs(1));
        assert_eq!(bench.keys().unwrap().0, "ONE");
        assert_eq!(bench.asked().len(), 1);
        bench.clock.advance(Duration::from_secs(1));
        assert_eq!(bench.keys().unwrap().0, "TWO");
        assert_eq!(bench.asked().len(), 1);
    }

    #[test]
    fn renewal_runs_in_the_background_while_the_keys_hold() {
        let gate = Arc::new(Gate {
            script: Script::new([assumed("ONE", 3600), assumed("TWO", 7200), assumed("THREE", 9000)]),
            callers: std::sync::Barrier::new(2),
        });
        let clock = Arc::new(StepClock::at(NOW));
        let chain = chain(with_role(explicit_pair()), &[], gate.clone(), clock.clone());
        let chain = chain.renewing_in(Pool::default(), Arc::new(Constant(0)));
        std::thread::scope(|scope| {
            scope.spawn(|| gate.callers.wait());
            assert_eq!(chain.keys().unwrap().access_key_id, "ONE");
        });
        clock.advance(Duration::from_secs(3600) - MARGIN);
        // STS does not answer before somebody comes to the gate; callers have their keys at once.
        for _ in 0..3 {
            assert_eq!(chain.keys().unwrap().access_key_id, "ONE");
        }
        clock.advance(MARGIN - LAST_MOMENT);
        std::thread::scope(|scope| {
            let late = scope.spawn(|| chain.keys().unwrap().access_key_id.clone());
            gate.callers.wait();
            assert_eq!(late.join().unwrap(), "TWO", "in their last moment one waits for the same renewal");
        });
        assert_eq!(gate.script.take().len(), 2);
    }

    #[test]
    fn each_process_has_its_own_moment_of_renewal() {
        for (byte, early) in [(0, Duration::ZERO), (u8::MAX, JITTER)] {
            let bench = Bench::new(with_role(explicit_pair()), &[], vec![assumed("ONE", 3600)]);
            let pool = Pool::default();
            // A closed pool takes no work: what is due stays due.
            pool.close();
            let chain = bench.chain.clone().renewing_in(pool, Arc::new(Constant(byte)));
            chain.keys().unwrap();
            bench.clock.advance(Duration::from_secs(3600) - MARGIN - early - Duration::from_secs(1));
            assert!(matches!(chain.inner.look(), Look::Fresh(_)));
            bench.clock.advance(Duration::from_secs(1));
            assert!(matches!(chain.inner.look(), Look::Due(_)));
            assert_eq!(chain.keys().unwrap().access_key_id, "ONE", "the keys hold without a renewal");
            assert!(!chain.inner.renewing.load(Ordering::Relaxed));
        }
    }

    #[test]
    fn a_source_without_later_keys_is_not_hammered() {
        let bench =
            Bench::new(with_role(explicit_pair()), &[], vec![assumed("ONE", 200), assumed("TWO", 200)]);
        for _ in 0..3 {
            assert_eq!(bench.keys().unwrap().0, "ONE");
        }
        assert_eq!(bench.asked().len(), 1);
        bench.clock.advance(RETRY_FAILED_AFTER);
        assert_eq!(bench.keys().unwrap().0, "TWO");
    }

    #[test]
    fn keys_that_hold_outlive_a_failing_renewal_which_is_not_hammered() {
        let settings = with_metadata(with_role(KeySettings::default()));
        let bench = Bench::new(
            settings,
            &[],
            vec![from_metadata(), assumed("ONE", 3600), failed(FailureKind::Timeout)],
        );
        bench.keys().unwrap();
        bench.clock.advance(Duration::from_secs(3600) - MARGIN);
        bench.asked();
        for _ in 0..3 {
            assert_eq!(bench.keys().unwrap().0, "ONE");
        }
        assert_eq!(bench.asked().len(), 1);
        bench.clock.advance(RETRY_FAILED_AFTER);
        bench.script.push(failed(FailureKind::Timeout));
        assert_eq!(bench.keys().unwrap().0, "ONE");
        assert_eq!(bench.asked().len(), 1);
        bench.clock.advance(MARGIN);
        bench.script.push(failed(FailureKind::Timeout));
        assert_eq!(bench.keys(), Err(Code::CloudUnreachable));
    }

    #[test]
    fn a_rewritten_file_is_read_again() {
        let bench = Bench::new(KeySettings::default(), &[], vec![]);
        bench.write(&file_with("ONE", ""));
        assert_eq!(bench.keys().unwrap().0, "ONE");
        bench.write(&file_with("TWO", ""));
        assert_eq!(bench.keys().unwrap().0, "TWO");
        std::fs::remove_file(path_in(&bench.folder)).unwrap();
        assert_eq!(bench.keys(), Err(Code::KeysMissing));
    }

    #[test]
    fn a_file_whose_keys_are_about_to_end_is_read_again_though_its_stamp_is_the_same() {
        let bench = Bench::new(KeySettings::default(), &[], vec![]);
        bench.write(&file_with("ONE", r#","session_token":"t","expired_time":"2026-01-15T09:00:00Z""#));
        assert_eq!(bench.keys().unwrap().0, "ONE");
        let before = file::stamp(&path_in(&bench.folder));
        bench.clock.advance(Duration::from_secs(3600));
        assert_eq!(file::stamp(&path_in(&bench.folder)), before);
        assert_eq!(bench.keys(), Err(Code::KeysMissing));
    }

    #[test]
    fn a_rewritten_file_of_the_same_key_and_role_costs_no_request() {
        let bench = Bench::new(KeySettings::default(), &[], vec![assumed("ONE", 3600), assumed("TWO", 3600)]);
        bench.write(&file_with("FILE", r#","role_trn":"R1""#));
        assert_eq!(bench.keys().unwrap().0, "ONE");
        bench.write(&file_with("FILE", r#","role_trn":"R1","more":1"#));
        assert_eq!(bench.keys().unwrap().0, "ONE");
        assert_eq!(bench.asked().len(), 1);
        bench.write(&file_with("FILE", r#","role_trn":"R2""#));
        assert_eq!(bench.keys().unwrap().0, "TWO");
    }

    #[test]
    fn a_files_temporary_keys_are_used_as_they_are() {
        let more = r#","session_token":"t","role_trn":"R1""#;
        let bench = Bench::new(KeySettings::default(), &[("RUNTIME_IAM_ROLE_TRN", "R2")], vec![]);
        bench.write(&file_with("FILE", more));
        assert_eq!(bench.keys(), found("FILE", "file"));
        assert!(bench.asked().is_empty());
        let bench = Bench::new(with_role(KeySettings::default()), &[], vec![assumed("ROLE", 3600)]);
        bench.write(&file_with("FILE", more));
        assert_eq!(bench.keys(), found("ROLE", "file"));
    }

    #[test]
    fn only_1_switches_the_sts_debug_lines_on() {
        for (value, on) in [("1", true), ("", false), ("0", false), ("true", false)] {
            let bench = Bench::new(KeySettings::default(), &[("IDENTITY_STS_DEBUG", value)], vec![]);
            assert_eq!(bench.chain.inner.sts.debug, on, "{value}");
        }
    }

    /// Answers only when every caller is known to be on its way.
    #[derive(Debug)]
    struct Gate {
        script: Script,
        callers: std::sync::Barrier,
    }

    impl Transport for Gate {
        fn send(&self, request: &HttpRequest) -> Answer {
            self.callers.wait();
            self.script.send(request)
        }
    }

    #[test]
    fn parallel_callers_cause_one_request() {
        let gate = Arc::new(Gate {
            script: Script::new([assumed("ONE", 3600)]),
            callers: std::sync::Barrier::new(2),
        });
        let chain = chain(with_role(explicit_pair()), &[], gate.clone(), Arc::new(StepClock::at(NOW)));
        std::thread::scope(|scope| {
            let callers: Vec<_> =
                (0..4).map(|_| scope.spawn(|| chain.keys().unwrap().access_key_id.clone())).collect();
            gate.callers.wait();
            for caller in callers {
                assert_eq!(caller.join().unwrap(), "ONE");
            }
        });
        assert_eq!(gate.script.take().len(), 1);
    }

    #[test]
    fn the_diagnosis_asks_every_source_and_shows_no_secret() {
        let settings = with_metadata(with_role(explicit_pair()));
        let bench = Bench::new(settings, &ENV_PAIR, vec![answer(404, "")]);
        bench.write(&file_with("AKLTlongenough000001", ""));
        let reports = bench.chain.diagnose();
        let seen: Vec<_> = reports.iter().map(|report| (report.source, report.has_keys)).collect();
        assert_eq!(seen, [("config", true), ("environment", true), ("metadata", false), ("file", true)]);
        assert_eq!(reports[2].text, "status 404");
        assert_eq!(reports[3].text, format!("AKLT…0001, assumes {ROLE}"));
        assert!(!format!("{reports:?}").contains("s3cret"));
    }

    #[test]
    fn forgotten_keys_are_fetched_anew_and_others_stay() {
        let bench =
            Bench::new(with_role(explicit_pair()), &[], vec![assumed("ONE", 3600), assumed("TWO", 3600)]);
        let one = bench.chain.keys().unwrap();
        bench.chain.forget(&one);
        assert_eq!(bench.keys().unwrap().0, "TWO");
        bench.chain.forget(&one);
        assert_eq!(bench.keys().unwrap().0, "TWO");
    }
}
