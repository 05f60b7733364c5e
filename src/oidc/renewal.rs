//! Keeps logins alive: a user token that has ended is renewed silently with its refresh token, exactly once.

use std::sync::Arc;
use std::time::Duration;

use crate::base::error::{Code, Error, Result};
use crate::base::flight::Flight;
use crate::base::log;
use crate::base::time::Clock;
use crate::records::{Found, Records, Reserved, Swap};
use crate::session::key::SessionKey;
use crate::session::model::Session;
use crate::session::users::{Users, login_expired, not_logged_in};

use super::provider::{Provider, RefreshError};

/// A user token is renewed from its last minute on.
pub const MARGIN: Duration = Duration::from_secs(60);

/// How long one process may have a login to itself while it renews it: as long as the provider may take for its
/// documents, keys and token. Who dies in the middle keeps others waiting for no longer.
pub const RESERVED_FOR: Duration = Duration::from_secs(45);
/// How often a process looks whether another one has renewed a login that has ended.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Logins from the store, renewed at the OpenID provider when they have to be.
#[derive(Debug)]
pub struct Renewal {
    store: Arc<dyn Records<Session>>,
    provider: Option<Arc<Provider>>,
    clock: Arc<dyn Clock>,
    flight: Flight<SessionKey, Arc<Session>>,
}

/// Whether a login may be renewed by us, and what is left to do if not.
enum Turn {
    Ours(Found<Session>),
    Over(Result<Arc<Session>>),
}

impl Renewal {
    /// Renewal for the logins of `store`; without a provider, tokens are used until they end.
    pub fn new(
        store: Arc<dyn Records<Session>>,
        provider: Option<Arc<Provider>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { store, provider, clock, flight: Flight::default() }
    }

    fn renew(&self, key: &SessionKey, provider: &Provider) -> Result<Arc<Session>> {
        let ours = match self.turn(key)? {
            Turn::Ours(ours) => ours,
            Turn::Over(outcome) => return outcome,
        };
        let session = ours.value.clone();
        let refreshed = match &session.refresh_token {
            Some(refresh_token) => provider.refresh(refresh_token, &session.sub),
            None => return self.usable(session),
        };
        let (renewed, problem) = match refreshed {
            Ok(tokens) => (tokens.into_session(session.login_at), None),
            Err(RefreshError::Unverified { refresh_token, error }) => {
                (Session { refresh_token: Some(refresh_token), ..Session::clone(&session) }, Some(error))
            }
            Err(RefreshError::InvalidGrant) => return self.refused(key, &ours),
            Err(RefreshError::Temporary(error) | RefreshError::Other(error)) => {
                self.store.release(key, &ours);
                return self.not_renewed(key, error);
            }
        };
        match (self.store.swap(key, Some(&ours), Some(renewed))?, problem) {
            // A login that could not be saved is in memory; the store itself says what it could not do.
            (Swap::Done(_), None) => self.stored(key),
            (Swap::Done(_), Some(error)) => self.not_renewed(key, error),
            (Swap::Changed(found), _) => self.usable(found.value),
            (Swap::Gone, _) => Err(not_logged_in()),
        }
    }

    /// Reserves the login, so that of all processes and threads one renews it. Whoever comes while another does so goes on
    /// with the token that still lasts, or waits for the new one.
    fn turn(&self, key: &SessionKey) -> Result<Turn> {
        let start = self.clock.monotonic();
        loop {
            // What is current now, not what the caller saw: another flight may have landed in between.
            let found = self.store.get(key)?.ok_or_else(not_logged_in)?;
            if found.value.refresh_token.is_none() || !self.is_due(&found.value) {
                return Ok(Turn::Over(self.usable(found.value)));
            }
            match self.store.reserve(key, &found, RESERVED_FOR)? {
                Reserved::Mine(ours) => return Ok(Turn::Ours(ours)),
                Reserved::Gone => return Err(not_logged_in()),
                Reserved::Changed(_) => {}
                Reserved::Others(_) if !self.is_over(&found.value) => return Ok(Turn::Over(Ok(found.value))),
                Reserved::Others(left) => self.clock.sleep(left.min(LOOK_EVERY)),
            }
            if self.clock.monotonic().saturating_sub(start) > RESERVED_FOR + LOOK_EVERY {
                let message =
                    "the login has ended, and another instance that renews it does not come to an end";
                return Err(Error::new(Code::Timeout, message).with_hint("try again in a moment"));
            }
        }
    }

    /// What is left when a renewal failed: the login as it is stored, while its token lasts.
    fn not_renewed(&self, key: &SessionKey, error: Error) -> Result<Arc<Session>> {
        let session = self.store.get(key)?.ok_or_else(not_logged_in)?.value;
        if self.is_over(&session) {
            return Err(error.context("the login has ended and could not be renewed"));
        }
        log::warn(
            "a login could not be renewed ahead of its end",
            &[("session", key), ("code", &error.code().as_str()), ("error", &error)],
        );
        Ok(session)
    }

    /// The provider does not accept the refresh token: another process may have used it and stored its successor.
    fn refused(&self, key: &SessionKey, ours: &Found<Session>) -> Result<Arc<Session>> {
        if !self.is_over(&ours.value) {
            self.store.release(key, ours);
            return self.stored(key);
        }
        match self.store.swap(key, Some(ours), None)? {
            Swap::Changed(found) => self.usable(found.value),
            Swap::Done(_) => Err(login_expired()),
            Swap::Gone => Err(not_logged_in()),
        }
    }

    /// What is stored by now: while the provider was asked, somebody may have logged out or in.
    fn stored(&self, key: &SessionKey) -> Result<Arc<Session>> {
        self.store.get(key)?.ok_or_else(not_logged_in).and_then(|found| self.usable(found.value))
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
    fn current(&self, key: &SessionKey) -> Result<Option<Arc<Session>>> {
        Ok(self.store.get(key)?.map(|found| found.value))
    }

    fn fresh(&self, key: &SessionKey) -> Result<Arc<Session>> {
        let session = self.store.get(key)?.ok_or_else(not_logged_in)?.value;
        match &self.provider {
            Some(provider) if self.is_due(&session) && session.refresh_token.is_some() => {
                self.flight.run(key, || self.renew(key, provider))
            }
            _ => self.usable(session),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::fmt;
    use std::sync::{Barrier, Condvar, Mutex};
    use std::thread::{self, ThreadId};

    use tempfile::TempDir;

    use super::super::source::{Registration, Source};
    use super::super::testing::{FakeTransport, NOW, World, claims};
    use super::*;
    use crate::base::entropy::OsEntropy;
    use crate::base::env::Env;
    use crate::base::error::Code;
    use crate::base::secret::Secret;
    use crate::base::time::{ManualClock, Timestamp};
    use crate::base::url::Url;
    use crate::net::testing::failed;
    use crate::net::transport::{Failure, FailureKind, HttpRequest, HttpResponse, Transport};
    use crate::session::store::{Store, StoreOptions};

    const TOKEN: &str = "/oauth/token";

    /// Standing time that keeps which threads have asked for it.
    #[derive(Debug)]
    struct Roll {
        clock: ManualClock,
        askers: Mutex<HashSet<ThreadId>>,
        asked: Condvar,
    }

    impl Roll {
        fn wait_for(&self, threads: usize) {
            let askers = self.askers.lock().unwrap();
            let limit = Duration::from_secs(30);
            let waited = self.asked.wait_timeout_while(askers, limit, |askers| askers.len() < threads);
            assert!(!waited.unwrap().1.timed_out());
        }
    }

    impl Clock for Roll {
        fn now(&self) -> Timestamp {
            self.askers.lock().unwrap().insert(thread::current().id());
            self.asked.notify_all();
            self.clock.now()
        }

        fn monotonic(&self) -> Duration {
            self.clock.monotonic()
        }

        fn sleep(&self, duration: Duration) {
            self.clock.sleep(duration);
        }
    }

    type Act = Box<dyn FnOnce() + Send>;

    /// Lets something happen while a token request is under way.
    #[derive(Default)]
    struct Meanwhile {
        inner: Arc<FakeTransport>,
        act: Mutex<Option<Act>>,
    }

    impl Transport for Meanwhile {
        fn send(&self, request: &HttpRequest) -> Result<HttpResponse, Failure> {
            let act = self.act.lock().unwrap().take_if(|_| request.url.path() == TOKEN);
            if let Some(act) = act {
                act();
            }
            self.inner.send(request)
        }
    }

    impl fmt::Debug for Meanwhile {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Meanwhile")
        }
    }

    struct Bench {
        world: World,
        meanwhile: Arc<Meanwhile>,
        clock: Arc<Roll>,
        store: Arc<Store>,
        renewal: Renewal,
        key: SessionKey,
        _dir: TempDir,
    }

    /// A login of u-1 whose user token ends in `life` seconds, with the refresh token `r-1`.
    fn bench(life: i64) -> Bench {
        let world = World::new();
        let clock = ManualClock::at(*NOW);
        let clock = Arc::new(Roll { clock, askers: Mutex::default(), asked: Condvar::new() });
        let meanwhile = Arc::new(Meanwhile { inner: world.transport.clone(), act: Mutex::default() });
        let base = Url::parse("https://pool.example.com").unwrap();
        let registration = Registration { base, client: world.client.clone(), pool_uid: None };
        let source = Source::known(registration, meanwhile.clone(), clock.clone());
        let provider = Provider::new(world.settings.clone(), source, None, meanwhile.clone(), clock.clone());
        let dir = TempDir::new().unwrap();
        let options = StoreOptions {
            dir: dir.path().join("identity"),
            env: Env::default(),
            clock: clock.clone(),
            entropy: Arc::new(OsEntropy),
        };
        let store = Arc::new(Store::open(options).unwrap());
        let key = SessionKey::main();
        let _ = store.put(&key, login("u-1", life, Some("r-1"))).unwrap();
        let renewal = Renewal::new(store.clone(), Some(Arc::new(provider)), clock.clone());
        Bench { world, meanwhile, clock, store, renewal, key, _dir: dir }
    }

    fn login(sub: &str, life: i64, refresh_token: Option<&str>) -> Session {
        Session {
            sub: sub.to_owned(),
            user_token: Secret::new(format!("{sub} until {life}")),
            refresh_token: refresh_token.map(Secret::from),
            login_at: Timestamp::from_unix(NOW.unix() - 1000),
            expires_at: Timestamp::from_unix(NOW.unix() + life),
        }
    }

    impl Bench {
        fn fresh(&self) -> Result<Arc<Session>> {
            self.renewal.fresh(&self.key)
        }

        fn requests(&self) -> usize {
            self.world.transport.sent().iter().filter(|request| request.url.path() == TOKEN).count()
        }

        fn invalid_grant(&self) {
            self.world.transport.answer(TOKEN, 400, r#"{"error":"invalid_grant"}"#);
        }

        fn meanwhile(&self, act: impl FnOnce(&Store, &SessionKey) + Send + 'static) {
            let (store, key) = (self.store.clone(), self.key.clone());
            *self.meanwhile.act.lock().unwrap() = Some(Box::new(move || act(&store, &key)));
        }

        /// Whose login is stored, and with which refresh token.
        fn stored(&self) -> Option<(String, String)> {
            let session = self.store.get(&self.key).unwrap()?.value;
            Some((session.sub.clone(), session.refresh_token.as_ref()?.expose().clone()))
        }

        fn is_stored(&self, sub: &str, refresh_token: &str) -> bool {
            self.stored() == Some((sub.to_owned(), refresh_token.to_owned()))
        }
    }

    #[test]
    fn a_token_is_renewed_from_its_last_minute_on_and_the_rotation_is_stored() {
        for (life, requests) in [(61, 0), (60, 1), (0, 1), (-5000, 1)] {
            let bench = bench(life);
            bench.world.grant(&claims(""), Some("r-2"));
            let session = bench.fresh().unwrap();
            assert_eq!(bench.requests(), requests, "{life}");
            if requests > 0 {
                assert!(bench.is_stored("u-1", "r-2"), "{life}");
                assert_eq!(session.expires_at.unix(), NOW.unix() + 3600);
                assert_eq!(session.login_at.unix(), NOW.unix() - 1000, "the login is as old as it was");
                assert!(Arc::ptr_eq(&session, &bench.store.get(&bench.key).unwrap().unwrap().value));
            }
        }
    }

    #[test]
    fn without_a_new_refresh_token_the_old_one_stays() {
        let bench = bench(-1);
        bench.world.grant(&claims(""), None);
        assert_eq!(bench.fresh().unwrap().expires_at.unix(), NOW.unix() + 3600);
        assert!(bench.is_stored("u-1", "r-1"));
    }

    #[test]
    fn parallel_callers_cause_one_refresh() {
        const CALLERS: usize = 8;
        let bench = bench(-1);
        bench.world.grant(&claims(""), Some("r-2"));
        let (clock, start) = (bench.clock.clone(), Barrier::new(CALLERS));
        // The request is held until every caller has seen that the token is due.
        *bench.meanwhile.act.lock().unwrap() = Some(Box::new(move || clock.wait_for(CALLERS)));
        bench.clock.askers.lock().unwrap().clear();
        let ends: Vec<_> = thread::scope(|scope| {
            let call = || {
                start.wait();
                bench.fresh().unwrap().expires_at.unix()
            };
            let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(call)).collect();
            callers.into_iter().map(|caller| caller.join().unwrap()).collect()
        });
        assert_eq!(ends, [NOW.unix() + 3600; CALLERS]);
        assert_eq!(bench.requests(), 1);
    }

    #[test]
    fn a_refused_refresh_token_gives_way_to_a_newer_one_in_the_store() {
        let bench = bench(-1);
        bench.invalid_grant();
        bench.meanwhile(|store, key| drop(store.put(key, login("u-1", 3000, Some("r-9"))).unwrap()));
        assert_eq!(bench.fresh().unwrap().user_token.expose(), "u-1 until 3000");
        assert!(bench.is_stored("u-1", "r-9"));
    }

    #[test]
    fn a_refused_refresh_token_ends_the_login_once_its_token_has_ended() {
        let bench = bench(-1);
        bench.invalid_grant();
        assert_eq!(bench.fresh().unwrap_err().code(), Code::LoginExpired);
        assert_eq!(bench.stored(), None);
        assert_eq!(bench.fresh().unwrap_err().code(), Code::NotLoggedIn);
        assert_eq!(bench.requests(), 1);
    }

    #[test]
    fn a_refused_refresh_token_leaves_a_token_that_is_still_good() {
        let bench = bench(30);
        bench.invalid_grant();
        assert_eq!(bench.fresh().unwrap().user_token.expose(), "u-1 until 30");
        assert!(bench.is_stored("u-1", "r-1"));
    }

    #[test]
    fn trouble_on_the_way_keeps_the_login() {
        let unreachable = [FailureKind::Connect, FailureKind::Timeout, FailureKind::Tls];
        for fail in 0..=unreachable.len() {
            for life in [30, -1] {
                let bench = bench(life);
                match unreachable.get(fail) {
                    Some(kind) => bench.world.transport.fail(TOKEN, failed(*kind).unwrap_err()),
                    None => bench.world.transport.answer(TOKEN, 503, "<html>"),
                }
                match bench.fresh() {
                    Ok(session) => assert!(life > 0 && session.user_token.expose() == "u-1 until 30"),
                    Err(error) => {
                        assert!(life < 0 && error.code() == Code::IdpUnreachable, "{error:?}");
                        assert!(error.code().is_temporary());
                    }
                }
                assert!(bench.is_stored("u-1", "r-1"));
                // It mends by itself.
                bench.world.grant(&claims(""), Some("r-2"));
                assert_eq!(bench.fresh().unwrap().expires_at.unix(), NOW.unix() + 3600);
            }
        }
    }

    #[test]
    fn a_new_refresh_token_is_kept_although_its_id_token_cannot_be_verified() {
        for life in [30, -1] {
            let bench = bench(life);
            bench.world.transport.answer(TOKEN, 200, r#"{"access_token":"at","refresh_token":"r-2"}"#);
            assert_eq!(bench.fresh().is_ok(), life > 0);
            assert!(bench.is_stored("u-1", "r-2"), "r-1 may be used up");
            bench.world.grant(&claims(""), Some("r-3"));
            assert_eq!(bench.fresh().unwrap().expires_at.unix(), NOW.unix() + 3600);
        }
    }

    #[test]
    fn an_answer_about_somebody_else_changes_nothing() {
        let bench = bench(-1);
        let mut other = claims("");
        other["sub"] = "u-2".into();
        bench.world.grant(&other, Some("r-2"));
        assert_eq!(bench.fresh().unwrap_err().code(), Code::TokenInvalid);
        assert!(bench.is_stored("u-1", "r-1"));
    }

    #[test]
    fn a_logout_during_the_refresh_leaves_nothing() {
        for (granted, life) in [(true, -1), (true, 30), (false, -1), (false, 30)] {
            let bench = bench(life);
            match granted {
                true => bench.world.grant(&claims(""), Some("r-2")),
                false => bench.invalid_grant(),
            }
            bench.meanwhile(|store, key| drop(crate::records::remove(store, key)));
            assert_eq!(bench.fresh().unwrap_err().code(), Code::NotLoggedIn, "{granted} {life}");
            assert_eq!(bench.stored(), None);
        }
    }

    #[test]
    fn a_login_during_the_refresh_is_not_overwritten() {
        for (granted, sub) in [(true, "u-2"), (true, "u-1"), (false, "u-2")] {
            let bench = bench(-1);
            match granted {
                true => bench.world.grant(&claims(""), Some("r-2")),
                false => bench.invalid_grant(),
            }
            bench.meanwhile(move |store, key| drop(store.put(key, login(sub, 3000, Some("r-9"))).unwrap()));
            assert_eq!(bench.fresh().unwrap().sub, sub);
            assert!(bench.is_stored(sub, "r-9"));
        }
    }

    #[test]
    fn without_a_refresh_token_or_a_provider_a_login_lasts_as_long_as_its_token() {
        let bench = bench(3600);
        let alone = Renewal::new(bench.store.clone(), None, bench.clock.clone());
        let _ = bench.store.put(&bench.key, login("u-1", 30, None)).unwrap();
        assert_eq!(bench.fresh().unwrap().user_token.expose(), "u-1 until 30");
        let _ = bench.store.put(&bench.key, login("u-1", 30, Some("r-1"))).unwrap();
        assert_eq!(alone.fresh(&bench.key).unwrap().user_token.expose(), "u-1 until 30");
        bench.clock.clock.advance(Duration::from_secs(30));
        assert_eq!(alone.fresh(&bench.key).unwrap_err().code(), Code::LoginExpired);
        assert_eq!(bench.requests(), 0);
    }
}
