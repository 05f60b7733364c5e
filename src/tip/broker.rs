//! Hands out workload tokens: cached per session, fetched once for parallel callers, renewed ahead of their end.
//!
//! Invariant: a token belongs to one login. Whoever logs in to a session later, the same person included, is never
//! served a token that was fetched for the login before, nor made to wait for its request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::bounded::BoundedMap;
use crate::base::entropy::Entropy;
use crate::base::error::{Code, Error, Result};
use crate::base::flight::Flight;
use crate::base::log;
use crate::base::opaque::opaque;
use crate::base::pool::Pool;
use crate::base::time::{Clock, Timestamp};
use crate::session::key::{ByKey, SessionKey};
use crate::session::model::Session;
use crate::session::users::{Users, not_logged_in};

use super::token::Tip;

/// A token is not handed out in its last minute: whoever gets it needs time to use it.
pub const MARGIN: Duration = Duration::from_secs(60);
/// From this share of its life on, a token that is asked for is renewed in the background; each token's own moment
/// lies at random between the two, so that tokens fetched together are not renewed together.
const RENEW_FROM_PERCENT: u64 = 75;
const RENEW_TO_PERCENT: u64 = 90;
/// Entries that the cache may have before ended ones are looked for.
const FIRST_SWEEP: usize = 64;
/// Sessions whose last failure is remembered for `/status`.
const MAX_FAILURES: usize = 256;

/// Who issues workload tokens.
pub trait Issuer: Send + Sync {
    /// Exchanges the session's user token for a workload token. For a session that acts for another one, it is that
    /// session's workload token, so that the new token's chain of agents is longer by one.
    ///
    /// # Errors
    /// Why there is none: platform keys, cloud, workload.
    fn issue(&self, key: &SessionKey, session: &Session) -> Result<Tip>;
}

opaque!(Issuer);

/// A failed attempt.
#[derive(Clone, Debug)]
pub struct Failure {
    /// When it ended.
    pub at: Timestamp,
    /// Why.
    pub error: Error,
}

/// The cache of workload tokens and its rules.
#[derive(Clone, Debug)]
pub struct Broker(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    users: Arc<dyn Users>,
    issuer: Arc<dyn Issuer>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    pool: Pool,
    cache: Mutex<Cache>,
    failures: Mutex<BoundedMap<SessionKey, Failure>>,
    flight: Flight<(SessionKey, Login), Arc<Tip>>,
}

#[derive(Debug)]
struct Cache {
    entries: ByKey<Entry>,
    /// How many entries there may be before ended ones are swept out; keeps the cost of a sweep per insertion flat.
    sweep_at: usize,
    /// How often a session was forgotten.
    forgotten: u64,
}

#[derive(Clone, Debug)]
struct Entry {
    login: Login,
    tip: Arc<Tip>,
    renew_at: Timestamp,
    renewing: bool,
}

/// What tells one login to a session from the next; stays the same when its user token is renewed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Login {
    sub: String,
    at: Timestamp,
}

impl Login {
    fn of(session: &Session) -> Self {
        Self { sub: session.sub.clone(), at: session.login_at }
    }

    fn is(&self, session: &Session) -> bool {
        self.sub == session.sub && self.at == session.login_at
    }
}

impl Broker {
    /// A broker with an empty cache.
    pub fn new(
        users: Arc<dyn Users>,
        issuer: Arc<dyn Issuer>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        pool: Pool,
    ) -> Self {
        Self(Arc::new(Inner {
            users,
            issuer,
            clock,
            entropy,
            pool,
            cache: Mutex::new(Cache { entries: ByKey::default(), sweep_at: FIRST_SWEEP, forgotten: 0 }),
            failures: Mutex::new(BoundedMap::new(MAX_FAILURES)),
            flight: Flight::default(),
        }))
    }

    /// The session's token: the cached one, or a new one from the cloud.
    ///
    /// # Errors
    /// Why there is none; `NotLoggedIn` comes without any request.
    pub fn get(&self, key: &SessionKey) -> Result<Arc<Tip>> {
        self.0.get(key)
    }

    /// The same for somebody who has just looked up the session's login.
    ///
    /// # Errors
    /// As [`Broker::get`].
    pub fn get_for(&self, key: &SessionKey, login: &Session) -> Result<Arc<Tip>> {
        self.0.get_for(key, login)
    }

    /// A new token from the cloud, whatever is cached.
    ///
    /// # Errors
    /// As [`Broker::get`]; the cached token stays when the new one fails.
    pub fn renew(&self, key: &SessionKey) -> Result<Arc<Tip>> {
        self.0.fetch(key)
    }

    /// The cached token as it stands, if it has not ended; no I/O.
    #[must_use]
    pub fn peek(&self, key: &SessionKey) -> Option<Arc<Tip>> {
        let (login, now) = (self.0.users.current(key).ok().flatten()?, self.0.clock.now());
        let cache = self.0.cache();
        let entry = cache.entries.get(key).filter(|entry| entry.login.is(&login))?;
        Some(entry.tip.clone()).filter(|tip| !tip.expires_at.is_past(now))
    }

    /// The sessions that have a token, in order; it may have ended.
    #[must_use]
    pub fn sessions(&self) -> Vec<SessionKey> {
        let mut keys: Vec<_> = self.0.cache().entries.keys().cloned().collect();
        keys.sort_unstable();
        keys
    }

    /// Why the session's last attempt to get a token failed, and when; `None` once one succeeded.
    #[must_use]
    pub fn last_failure(&self, key: &SessionKey) -> Option<Failure> {
        self.0.failures().get(key).cloned()
    }

    /// Drops a session's token, which is of no use once its login was removed or replaced.
    pub fn forget(&self, key: &SessionKey) {
        let mut cache = self.0.cache();
        cache.entries.remove(key);
        cache.forgotten += 1;
        drop(cache);
        self.0.failures().remove(key);
    }
}

impl Inner {
    fn get(self: &Arc<Self>, key: &SessionKey) -> Result<Arc<Tip>> {
        let login = self.users.current(key)?.ok_or_else(not_logged_in)?;
        self.get_for(key, &login)
    }

    fn get_for(self: &Arc<Self>, key: &SessionKey, login: &Session) -> Result<Arc<Tip>> {
        match self.cached(key, login) {
            Some((tip, false)) => Ok(tip),
            Some((tip, true)) => {
                self.renew_in_background(key);
                Ok(tip)
            }
            None => self.fetch(key),
        }
    }

    fn renew_in_background(self: &Arc<Self>, key: &SessionKey) {
        let (inner, job_key) = (self.clone(), key.clone());
        let taken = self.pool.submit(move || {
            if let Err(error) = inner.fetch(&job_key) {
                // The cached token still serves; the next request after the margin will report the error itself.
                log::warn(
                    "a workload token could not be renewed ahead of time",
                    &[("session", &job_key), ("code", &error.code().as_str()), ("error", &error)],
                );
            }
            inner.settle(&job_key);
        });
        if !taken {
            self.settle(key);
        }
    }

    /// The login's cached token if it may be handed out, and whether the caller is the one to start its renewal.
    fn cached(&self, key: &SessionKey, login: &Session) -> Option<(Arc<Tip>, bool)> {
        let now = self.clock.now();
        let mut cache = self.cache();
        let entry = cache.entries.get_mut(key).filter(|entry| entry.login.is(login))?;
        if entry.tip.expires_at.is_past(now + MARGIN) {
            return None;
        }
        let due = entry.renew_at.is_past(now) && !entry.renewing;
        entry.renewing |= due;
        Some((entry.tip.clone(), due))
    }

    fn fetch(self: &Arc<Self>, key: &SessionKey) -> Result<Arc<Tip>> {
        let outcome = self.fetch_once(key);
        match &outcome {
            Ok(_) => drop(self.failures().remove(key)),
            // Nobody's failure: the login is gone, or another one has come in its place.
            Err(error) if error.code() == Code::NotLoggedIn => {}
            Err(error) => drop(
                self.failures().insert(key.clone(), Failure { at: self.clock.now(), error: error.clone() }),
            ),
        }
        outcome
    }

    fn fetch_once(self: &Arc<Self>, key: &SessionKey) -> Result<Arc<Tip>> {
        let login = Login::of(&*self.users.current(key)?.ok_or_else(not_logged_in)?);
        self.flight.run(&(key.clone(), login.clone()), || {
            let session = self.users.fresh(key)?;
            if !login.is(&session) {
                return Err(not_logged_in());
            }
            let tip = Arc::new(match self.users.delegated_by(key)? {
                None => self.issuer.issue(key, &session)?,
                Some(by) => {
                    let user_token = self.get(&by)?.token.clone();
                    self.issuer.issue(key, &Session { user_token, ..(*session).clone() })?
                }
            });
            if tip.sub != session.sub {
                return Err(Error::new(
                    Code::CloudInvalid,
                    "the cloud issued a workload token for another person",
                )
                .with_hint("log out and in again; if it stays, report it to the operator of the user pool"));
            }
            let renew_at = self.renewal_moment(&tip)?;
            let entry = Entry { login, tip: tip.clone(), renew_at, renewing: false };
            self.keep(key, entry)?;
            Ok(tip)
        })
    }

    /// Keeps a token for a login that still stands. One that comes after the logout is not kept: where something was
    /// forgotten while the login was looked for, it is looked for again.
    fn keep(&self, key: &SessionKey, entry: Entry) -> Result<()> {
        loop {
            let forgotten = self.cache().forgotten;
            if !self.users.current(key)?.is_some_and(|current| entry.login.is(&current)) {
                return Err(not_logged_in());
            }
            let mut cache = self.cache();
            if cache.forgotten == forgotten {
                cache.insert(key.clone(), entry, self.clock.now());
                return Ok(());
            }
        }
    }

    fn renewal_moment(&self, tip: &Tip) -> Result<Timestamp> {
        let life = tip.expires_at.seconds_after(self.clock.now());
        let mut random = [0; 2];
        self.entropy.fill(&mut random)?;
        let spread = life * (RENEW_TO_PERCENT - RENEW_FROM_PERCENT) / 100;
        let offset = life * RENEW_FROM_PERCENT / 100
            + spread * u64::from(u16::from_le_bytes(random)) / u64::from(u16::MAX);
        Ok(self.clock.now() + Duration::from_secs(offset))
    }

    /// Ends a renewal that left the old token in place, and lets the next try wait a margin.
    fn settle(&self, key: &SessionKey) {
        let next = self.clock.now() + MARGIN;
        if let Some(entry) = self.cache().entries.get_mut(key)
            && entry.renewing
        {
            (entry.renewing, entry.renew_at) = (false, next);
        }
    }

    fn failures(&self) -> MutexGuard<'_, BoundedMap<SessionKey, Failure>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cache {
    fn insert(&mut self, key: SessionKey, entry: Entry, now: Timestamp) {
        if self.entries.len() >= self.sweep_at {
            self.entries.retain(|_, entry| !entry.tip.expires_at.is_past(now));
            self.sweep_at = FIRST_SWEEP.max(self.entries.len() * 2);
        }
        self.entries.insert(key, entry);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::fmt;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;
    use crate::base::entropy::OsEntropy;
    use crate::base::time::ManualClock;

    /// How long a test waits for another thread before it counts as stuck.
    const PATIENCE: Duration = Duration::from_secs(10);

    #[derive(Debug, Default)]
    struct People(Mutex<HashMap<SessionKey, Arc<Session>>>);

    impl Users for People {
        fn current(&self, key: &SessionKey) -> Result<Option<Arc<Session>>> {
            Ok(self.0.lock().unwrap().get(key).cloned())
        }
        fn fresh(&self, key: &SessionKey) -> Result<Arc<Session>> {
            self.current(key)?.ok_or_else(not_logged_in)
        }
    }

    /// Issues numbered tokens that live 1000 s, after doing what the test wants done in the middle of a request.
    struct Cloud {
        clock: Arc<ManualClock>,
        issued: AtomicUsize,
        meanwhile: Box<dyn Fn(usize) -> Result<()> + Send + Sync>,
    }

    impl fmt::Debug for Cloud {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Cloud")
        }
    }

    impl Issuer for Cloud {
        fn issue(&self, _: &SessionKey, session: &Session) -> Result<Tip> {
            let n = self.issued.fetch_add(1, Ordering::SeqCst);
            (self.meanwhile)(n)?;
            let now = self.clock.now();
            let token = format!("tip-{n}").as_str().into();
            Tip::new(token, session.sub.clone(), vec!["agent".into()], now, now + Duration::from_secs(1000))
        }
    }

    struct Bench {
        broker: Broker,
        people: Arc<People>,
        cloud: Arc<Cloud>,
        clock: Arc<ManualClock>,
    }

    fn bench(meanwhile: impl Fn(usize) -> Result<()> + Send + Sync + 'static) -> Bench {
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix(1_000_000)));
        let people = Arc::new(People::default());
        let cloud = Arc::new(Cloud {
            clock: clock.clone(),
            issued: AtomicUsize::new(0),
            meanwhile: Box::new(meanwhile),
        });
        let broker =
            Broker::new(people.clone(), cloud.clone(), clock.clone(), Arc::new(OsEntropy), Pool::default());
        Bench { broker, people, cloud, clock }
    }

    impl Bench {
        fn log_in(&self, key: &SessionKey, sub: &str) {
            let session = Session {
                sub: sub.into(),
                user_token: "user".into(),
                refresh_token: None,
                login_at: self.clock.now(),
                expires_at: self.clock.now() + Duration::from_secs(86_400),
            };
            self.people.0.lock().unwrap().insert(key.clone(), Arc::new(session));
        }

        fn token(&self, key: &SessionKey) -> String {
            self.broker.get(key).unwrap().token.expose().clone()
        }

        fn issued(&self) -> usize {
            self.cloud.issued.load(Ordering::SeqCst)
        }
    }

    #[test]
    fn without_a_login_nothing_is_requested() {
        let bench = bench(|_| Ok(()));
        assert_eq!(bench.broker.get(&SessionKey::main()).unwrap_err().code(), Code::NotLoggedIn);
        assert_eq!(bench.issued(), 0);
    }

    #[test]
    fn a_valid_token_is_reused_until_its_last_minute() {
        let (bench, key) =
            (bench(|n| if n == 0 { Ok(()) } else { Err(not_logged_in()) }), SessionKey::main());
        bench.log_in(&key, "u");
        for _ in 0..3 {
            assert_eq!(bench.token(&key), "tip-0");
        }
        bench.clock.advance(Duration::from_secs(1000 - 61));
        assert_eq!(bench.token(&key), "tip-0");
        bench.clock.advance(Duration::from_secs(1));
        assert!(bench.broker.get(&key).is_err());
    }

    #[test]
    fn renewal_runs_ahead_of_the_end_while_the_old_token_serves() {
        let (renewed, wait) = mpsc::channel();
        let (bench, key) = (
            bench(move |n| {
                renewed.send(n).unwrap();
                Ok(())
            }),
            SessionKey::main(),
        );
        bench.log_in(&key, "u");
        assert_eq!((bench.token(&key).as_str(), wait.recv()), ("tip-0", Ok(0)));
        bench.clock.advance(Duration::from_secs(749));
        assert_eq!(bench.token(&key), "tip-0");
        assert!(wait.try_recv().is_err());
        bench.clock.advance(Duration::from_secs(152));
        assert_eq!(bench.token(&key), "tip-0");
        assert_eq!(wait.recv(), Ok(1));
        while bench.token(&key) != "tip-1" {
            std::thread::yield_now();
        }
        assert_eq!(bench.issued(), 2);
    }

    #[test]
    fn a_failed_renewal_waits_before_the_next() {
        let (tried, wait) = mpsc::channel();
        let (bench, key) = (
            bench(move |n| {
                tried.send(n).unwrap();
                if n == 0 { Ok(()) } else { Err(Error::new(Code::CloudUnreachable, "down")) }
            }),
            SessionKey::main(),
        );
        bench.log_in(&key, "u");
        bench.token(&key);
        bench.clock.advance(Duration::from_secs(901));
        bench.token(&key);
        assert_eq!((wait.recv(), wait.recv()), (Ok(0), Ok(1)));
        while bench.broker.0.cache().entries[&key].renewing {
            std::thread::yield_now();
        }
        bench.token(&key);
        assert_eq!(bench.issued(), 2);
    }

    #[test]
    fn a_logout_during_the_request_leaves_nothing_behind() {
        let people: Arc<Mutex<Option<Arc<People>>>> = Arc::default();
        let (bench, key) = (
            bench({
                let people = people.clone();
                move |_| {
                    people.lock().unwrap().as_ref().unwrap().0.lock().unwrap().clear();
                    Ok(())
                }
            }),
            SessionKey::main(),
        );
        *people.lock().unwrap() = Some(bench.people.clone());
        bench.log_in(&key, "u");
        assert_eq!(bench.broker.get(&key).unwrap_err().code(), Code::NotLoggedIn);
        assert!(bench.broker.peek(&key).is_none());
    }

    #[test]
    fn a_new_login_is_never_served_the_token_of_the_one_before_it() {
        let (bench, key) = (bench(|_| Ok(())), SessionKey::main());
        bench.log_in(&key, "a");
        assert_eq!(bench.broker.get(&key).unwrap().sub, "a");
        // Nobody has called `forget` yet: storing a login takes its time, and requests come meanwhile.
        bench.log_in(&key, "b");
        assert!(bench.broker.peek(&key).is_none());
        assert_eq!(bench.broker.get(&key).unwrap().sub, "b");
        bench.clock.advance(Duration::from_secs(1));
        bench.log_in(&key, "b");
        assert_eq!(bench.token(&key), "tip-2", "a later login of the same person counts as another one");
    }

    #[test]
    fn a_login_does_not_share_the_request_of_the_one_before_it() {
        let (entered, in_request) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let may_go_on = Mutex::new(may_go_on);
        let (bench, key) = (
            bench(move |n| {
                if n == 0 {
                    entered.send(()).unwrap();
                    let _ = may_go_on.lock().unwrap().recv();
                }
                Ok(())
            }),
            SessionKey::main(),
        );
        bench.log_in(&key, "a");
        let get = || {
            let (broker, key, (done, outcome)) = (bench.broker.clone(), key.clone(), mpsc::channel());
            std::thread::spawn(move || done.send(broker.get(&key).map(|tip| tip.sub.clone())));
            outcome
        };
        let of_a = get();
        in_request.recv().unwrap();
        bench.log_in(&key, "b");
        assert_eq!(get().recv_timeout(PATIENCE).unwrap().unwrap(), "b");
        go_on.send(()).unwrap();
        assert_eq!(of_a.recv_timeout(PATIENCE).unwrap().unwrap_err().code(), Code::NotLoggedIn);
        assert_eq!(bench.broker.get(&key).unwrap().sub, "b");
    }

    #[test]
    fn sessions_never_share_a_token_and_forgetting_one_keeps_the_other() {
        let bench = bench(|_| Ok(()));
        let keys =
            ["agent:main:main:user:a", "agent:main:main:user:b"].map(|k| SessionKey::parse(k).unwrap());
        bench.log_in(&keys[0], "a");
        bench.log_in(&keys[1], "b");
        assert_eq!(keys.each_ref().map(|k| bench.broker.get(k).unwrap().sub.clone()), ["a", "b"]);
        bench.broker.forget(&keys[0]);
        assert!(bench.broker.peek(&keys[0]).is_none() && bench.broker.peek(&keys[1]).is_some());
    }

    #[test]
    fn failures_are_remembered_for_so_many_sessions() {
        let bench = bench(|_| Err(Error::new(Code::CloudUnreachable, "down")));
        let keys: Vec<_> = (0..=MAX_FAILURES).map(|n| SessionKey::parse(&format!("k{n}")).unwrap()).collect();
        for key in &keys {
            bench.log_in(key, "u");
            assert!(bench.broker.get(key).is_err());
        }
        let remembered: Vec<_> = keys.iter().filter(|key| bench.broker.last_failure(key).is_some()).collect();
        assert_eq!((remembered.len(), remembered[0]), (MAX_FAILURES, &keys[1]));
    }

    #[test]
    fn ended_tokens_do_not_pile_up() {
        let bench = bench(|_| Ok(()));
        for n in 0..200 {
            let key = SessionKey::parse(&format!("k{n}")).unwrap();
            bench.log_in(&key, "u");
            bench.token(&key);
            bench.clock.advance(Duration::from_secs(1000));
        }
        assert!(bench.broker.0.cache().entries.len() <= FIRST_SWEEP + 1);
    }
}
