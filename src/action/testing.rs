//! Services on a real store in a folder of their own, with a scripted OpenID provider and a cloud that numbers what it
//! issues.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;

use super::Services;
use super::services::{Counters, Imports};
use crate::authz::testing::Bench as GateBench;
use crate::base::entropy::OsEntropy;
use crate::base::env::Env;
use crate::base::error::{Error, Result};
use crate::base::pool::Pool;
use crate::base::secret::Secret;
use crate::base::time::{Clock, ManualClock, Timestamp};
use crate::credential::binding::Bindings;
use crate::credential::desk::{Desk, Parts};
use crate::credential::inject::Calls;
use crate::credential::notice::Silent;
use crate::credential::own::{Own, OwnSpeaker};
use crate::credential::polls::Pace;
use crate::credential::testing::FakeHosted;
use crate::net::exchange::Exchange;
use crate::net::testing::Script;
use crate::oidc::login::LoginDesk;
use crate::oidc::renewal::Renewal;
use crate::oidc::testing::{NOW, World};
use crate::peer::stats::PeerStats;
use crate::records::Records;
use crate::session::group_senders::GroupSenders;
use crate::session::key::SessionKey;
use crate::session::model::Session;
use crate::session::store::{Store, StoreOptions};
use crate::tip::broker::{Broker, Issuer};
use crate::tip::delegation::Delegations;
use crate::tip::token::Tip;
use crate::volc::client::Client;
use crate::volc::endpoint::Endpoints;
use crate::volc::keys::KeySettings;
use crate::volc::keys::chain::{Chain, Reach};

/// Seconds that a user token and a workload token last in these tests.
pub(crate) const LIFE: u64 = 3600;

/// Issues `tip-1`, `tip-2`, …; or fails as told.
#[derive(Debug)]
pub(crate) struct NumberingCloud {
    clock: Arc<ManualClock>,
    issued: AtomicUsize,
    failure: Mutex<Option<Error>>,
}

impl NumberingCloud {
    pub(crate) fn issued(&self) -> usize {
        self.issued.load(Ordering::SeqCst)
    }

    pub(crate) fn fail_with(&self, error: Error) {
        *self.failure.lock().unwrap() = Some(error);
    }
}

impl Issuer for NumberingCloud {
    fn issue(&self, key: &SessionKey, session: &Session) -> Result<Tip> {
        if let Some(error) = self.failure.lock().unwrap().clone() {
            return Err(error);
        }
        let number = self.issued.fetch_add(1, Ordering::SeqCst) + 1;
        let (token, now) = (format!("tip-{number}").as_str().into(), self.clock.now());
        Tip::new(token, session.sub.clone(), vec![key.to_string()], now, now + Duration::from_secs(LIFE))
    }
}

/// Speaks for itself as `own`.
#[derive(Debug)]
struct Workload(Arc<ManualClock>);

impl OwnSpeaker for Workload {
    fn own_token(&self) -> Result<(Secret, Timestamp)> {
        Ok(("own".into(), self.0.now() + Duration::from_secs(LIFE)))
    }
}

/// The services, and the ends by which a test holds them.
pub(crate) struct Bench {
    pub(crate) services: Services,
    pub(crate) cloud: Arc<NumberingCloud>,
    pub(crate) hosted: Arc<FakeHosted>,
    pub(crate) provider: World,
    pub(crate) clock: Arc<ManualClock>,
    _dir: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(ManualClock::at(*NOW));
        let dir = TempDir::new().unwrap();
        let store = Arc::new(
            Store::open(StoreOptions {
                dir: dir.path().join("identity"),
                env: Env::default(),
                clock: clock.clone(),
                entropy: Arc::new(OsEntropy),
            })
            .unwrap(),
        );
        let provider = World::new();
        let renewal = Renewal::new(store.clone(), None, clock.clone());
        let delegations = Arc::new(Delegations::new(Arc::new(renewal), clock.clone()));
        let users = delegations.clone();
        let cloud = Arc::new(NumberingCloud {
            clock: clock.clone(),
            issued: AtomicUsize::new(0),
            failure: Mutex::default(),
        });
        let broker =
            Broker::new(users.clone(), cloud.clone(), clock.clone(), Arc::new(OsEntropy), Pool::default());
        let hosted = Arc::new(FakeHosted::default());
        let credentials = Desk::new(Parts {
            users: users.clone(),
            speaker: Arc::new(broker.clone()),
            hosted: hosted.clone(),
            notifier: Arc::new(Silent),
            clock: clock.clone(),
            entropy: Arc::new(OsEntropy),
            pace: Pace::default(),
        });
        let services = Services {
            store,
            users,
            delegations,
            broker,
            credentials,
            own: Own::new(Arc::new(Workload(clock.clone())), hosted.clone(), clock.clone()),
            bindings: Bindings::open(&dir.path().join("identity"), clock.clone()),
            senders: Arc::new(GroupSenders::new(clock.clone())),
            calls: Calls::default(),
            imports: Imports::default(),
            gate: GateBench::default().gate(),
            login: Ok(Arc::new(LoginDesk::new(provider.provider.clone(), provider.pending.clone()))),
            cloud: Arc::new(unreachable_cloud(&clock)),
            peers: Arc::new(PeerStats::default()),
            counters: Counters::default(),
            config: serde_json::Value::Null,
            personal_session_mode: false,
            webchat_session_exchange: true,
            clock: clock.clone(),
            started: Duration::ZERO,
        };
        Self { services, cloud, hosted, provider, clock, _dir: dir }
    }

    /// With `identity.personalSessionMode`.
    pub(crate) fn personal() -> Self {
        let mut bench = Self::new();
        bench.services.personal_session_mode = true;
        bench
    }

    /// Puts a login of `sub` under a key, as a confirmed login does.
    pub(crate) fn log_in(&self, session: &str, sub: &str) {
        self.log_in_to(&*self.services.store, session, sub);
    }

    /// The same where the services have been given away.
    pub(crate) fn log_in_to(&self, store: &dyn Records<Session>, session: &str, sub: &str) {
        let login = Session {
            sub: sub.to_owned(),
            user_token: format!("user-token-of-{sub}").as_str().into(),
            refresh_token: None,
            login_at: self.clock.now(),
            expires_at: self.clock.now() + Duration::from_secs(LIFE),
        };
        assert!(store.put(&key(session), login).unwrap().problem().is_none());
    }
}

pub(crate) fn key(text: &str) -> SessionKey {
    SessionKey::parse(text).unwrap()
}

fn unreachable_cloud(clock: &Arc<ManualClock>) -> Client {
    let transport = Arc::new(Script::default());
    let exchange = Arc::new(Exchange::new(transport.clone(), clock.clone(), Arc::new(OsEntropy)));
    let reach = Reach { cloud: exchange.clone(), metadata: exchange.clone() };
    let chain = Arc::new(Chain::new(KeySettings::default(), Env::default(), reach, clock.clone()));
    let endpoints = Endpoints::new(None, None, transport, clock.clone()).unwrap();
    Client::new(endpoints, chain, exchange, clock.clone())
}
