//! Keeps logins alive: a user token that has ended is renewed silently with its refresh token, exactly once.

use std::sync::Arc;
use std::time::Duration;

use crate::base::error::Result;
use crate::base::flight::Flight;
use crate::base::log;
use crate::base::time::Clock;
use crate::session::key::SessionKey;
use crate::session::model::Session;
use crate::session::store::{Store, Swap};
use crate::session::users::{Users, login_expired, not_logged_in};

use super::provider::{Provider, RefreshError};

/// A user token is renewed from its last minute on.
pub const MARGIN: Duration = Duration::from_secs(60);

/// Logins from the store, renewed at the OpenID provider when they have to be.
#[derive(Debug)]
pub struct Renewal {
    store: Arc<Store>,
    provider: Option<Arc<Provider>>,
    clock: Arc<dyn Clock>,
    flight: Flight<SessionKey, Arc<Session>>,
}

impl Renewal {
    /// Renewal for the logins of `store`; without a provider, tokens are used until they end.
    pub fn new(store: Arc<Store>, provider: Option<Arc<Provider>>, clock: Arc<dyn Clock>) -> Self {
        Self { store, provider, clock, flight: Flight::default() }
    }

    fn renew(&self, key: &SessionKey, provider: &Provider) -> Result<Arc<Session>> {
        // What is current now, not what the caller saw: another flight may have landed in between.
        let session = self.store.get(key).ok_or_else(not_logged_in)?;
        let Some(refresh_token) = session.refresh_token.as_ref().filter(|_| self.is_due(&session)) else {
            return self.usable(session);
        };
        match provider.refresh(refresh_token, &session.sub) {
            Ok(tokens) => {
                let mut renewed = tokens.into_session(session.login_at);
                // RFC 6749 section 6: without a new refresh token the old one stays good.
                renewed.refresh_token = renewed.refresh_token.or_else(|| session.refresh_token.clone());
                match self.store.replace_if(key, &session, renewed) {
                    // A login that could not be saved is in memory; the store itself says what it could not do.
                    Swap::Done(_) => self.stored(key),
                    Swap::Changed(session) => self.usable(session),
                    Swap::Gone => Err(not_logged_in()),
                }
            }
            Err(RefreshError::InvalidGrant) => self.refused(key, &session),
            Err(RefreshError::Temporary(error) | RefreshError::Other(error)) if self.is_over(&session) => {
                Err(error.context("the login has ended and could not be renewed"))
            }
            Err(RefreshError::Temporary(error) | RefreshError::Other(error)) => {
                log::warn(
                    "a login could not be renewed ahead of its end",
                    &[("session", key), ("code", &error.code().as_str()), ("error", &error)],
                );
                self.stored(key)
            }
        }
    }

    /// The provider does not accept the refresh token: another process may have used it and stored its successor.
    fn refused(&self, key: &SessionKey, session: &Arc<Session>) -> Result<Arc<Session>> {
        if !self.is_over(session) {
            return self.stored(key);
        }
        match self.store.remove_if(key, session) {
            Swap::Changed(stored) => self.usable(stored),
            Swap::Done(_) => Err(login_expired()),
            Swap::Gone => Err(not_logged_in()),
        }
    }

    /// What is stored by now: while the provider was asked, somebody may have logged out or in.
    fn stored(&self, key: &SessionKey) -> Result<Arc<Session>> {
        self.store.get(key).ok_or_else(not_logged_in).and_then(|session| self.usable(session))
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
    fn current(&self, key: &SessionKey) -> Option<Arc<Session>> {
        self.store.get(key)
    }

    fn fresh(&self, key: &SessionKey) -> Result<Arc<Session>> {
        let session = self.store.get(key).ok_or_else(not_logged_in)?;
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
    use std::fmt;
    use std::sync::Mutex;

    use super::*;
    use crate::base::entropy::OsEntropy;
    use crate::base::env::Env;
    use crate::base::error::Code;
    use crate::base::time::ManualClock;
    use crate::base::url::Url;
    use crate::net::transport::{Failure, FailureKind, HttpRequest, HttpResponse, Transport};
    use crate::oidc::testing::{NOW, World, claims};
    use crate::session::store::StoreOptions;

    const TOKEN_PATH: &str = "/oauth/token";

    type Meanwhile = Box<dyn FnOnce(&Store) + Send>;

    /// A provider that does what the test wants done while it is asked for a token.
    struct Busy {
        world: World,
        store: Arc<Store>,
        meanwhile: Mutex<Option<Meanwhile>>,
    }

    impl fmt::Debug for Busy {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Busy")
        }
    }

    impl Transport for Busy {
        fn send(&self, request: &HttpRequest) -> Result<HttpResponse, Failure> {
            if request.url.path() == TOKEN_PATH
                && let Some(meanwhile) = self.meanwhile.lock().unwrap().take()
            {
                meanwhile(&self.store);
            }
            self.world.transport.send(request)
        }
    }

    struct Bench {
        _dir: tempfile::TempDir,
        store: Arc<Store>,
        busy: Arc<Busy>,
        renewal: Renewal,
    }

    fn session(token: &str, ends_in: i64) -> Session {
        Session {
            sub: "u-1".into(),
            user_token: token.into(),
            refresh_token: Some(format!("refresh-{token}").as_str().into()),
            login_at: *NOW,
            expires_at: crate::base::time::Timestamp::from_unix(NOW.unix() + ends_in),
        }
    }

    /// A login that ends in so many seconds; `meanwhile` happens during the first renewal.
    fn bench(ends_in: i64, meanwhile: impl FnOnce(&Store) + Send + 'static) -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(*NOW));
        let options = StoreOptions {
            dir: dir.path().join("data"),
            env: Env::default(),
            clock: clock.clone(),
            entropy: Arc::new(OsEntropy),
        };
        let store = Arc::new(Store::open(options).unwrap());
        let _ = store.put(&SessionKey::main(), session("old", ends_in));
        let busy = Arc::new(Busy {
            world: World::new(),
            store: store.clone(),
            meanwhile: Mutex::new(Some(Box::new(meanwhile))),
        });
        let base = Url::parse("https://pool.example.com").unwrap();
        let provider = Provider::new(busy.world.client.clone(), base, busy.clone(), clock.clone());
        let renewal = Renewal::new(store.clone(), Some(Arc::new(provider)), clock);
        Bench { _dir: dir, store, busy, renewal }
    }

    impl Bench {
        fn refuse(&self) {
            self.busy.world.transport.answer(TOKEN_PATH, 400, r#"{"error":"invalid_grant"}"#);
        }

        fn cut_off(&self) {
            let failure = Failure { kind: FailureKind::Timeout, detail: "timed out".into() };
            self.busy.world.transport.fail(TOKEN_PATH, failure);
        }

        /// The user token that is handed out, or the code of the reason why not.
        fn fresh(&self) -> Result<String, Code> {
            let fresh = self.renewal.fresh(&SessionKey::main());
            fresh.map(|login| login.user_token.expose().clone()).map_err(|error| error.code())
        }

        fn stored(&self) -> Option<String> {
            self.store.get(&SessionKey::main()).map(|login| login.user_token.expose().clone())
        }
    }

    fn log_in_anew(store: &Store) {
        let _ = store.put(&SessionKey::main(), session("new", 3600));
    }

    fn log_out(store: &Store) {
        let _ = store.remove(&SessionKey::main());
    }

    #[test]
    fn a_refused_refresh_token_ends_the_login() {
        let bench = bench(0, |_| {});
        bench.refuse();
        assert_eq!(bench.fresh(), Err(Code::LoginExpired));
        assert_eq!(bench.fresh(), Err(Code::NotLoggedIn));
    }

    #[test]
    fn a_login_made_during_a_refused_renewal_survives_it() {
        for ends_in in [0, 30] {
            let bench = bench(ends_in, log_in_anew);
            bench.refuse();
            assert_eq!((bench.fresh(), bench.stored()), (Ok("new".into()), Some("new".into())), "{ends_in}");
        }
    }

    #[test]
    fn a_login_made_during_a_good_renewal_survives_it() {
        let bench = bench(0, log_in_anew);
        bench.busy.world.grant(&claims(""), Some("rotated"));
        assert_eq!((bench.fresh(), bench.stored()), (Ok("new".into()), Some("new".into())));
    }

    #[test]
    fn a_logout_during_a_renewal_is_final_whatever_comes_of_it() {
        for ends_in in [0, 30] {
            let refused = bench(ends_in, log_out);
            refused.refuse();
            let renewed = bench(ends_in, log_out);
            renewed.busy.world.grant(&claims(""), None);
            for bench in [refused, renewed] {
                assert_eq!((bench.fresh(), bench.stored()), (Err(Code::NotLoggedIn), None), "{ends_in}");
            }
        }
        let unreachable = bench(30, log_out);
        unreachable.cut_off();
        assert_eq!(unreachable.fresh(), Err(Code::NotLoggedIn));
    }

    #[test]
    fn an_unreachable_provider_costs_no_login() {
        for (ends_in, outcome) in [(0, Err(Code::IdpUnreachable)), (30, Ok("old".into()))] {
            let bench = bench(ends_in, |_| {});
            bench.cut_off();
            assert_eq!((bench.fresh(), bench.stored()), (outcome, Some("old".into())), "{ends_in}");
        }
    }
}
