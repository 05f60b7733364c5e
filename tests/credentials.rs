//! No credential where it does not belong: many sessions log in and out, fetch, bind, unbind and call at once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test file, helpers included")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_identity::base::entropy::OsEntropy;
use agent_identity::base::error::Result;
use agent_identity::base::secret::Secret;
use agent_identity::base::time::{ManualClock, Timestamp};
use agent_identity::credential::binding::Bindings;
use agent_identity::credential::desk::{Desk, Order, Parts};
use agent_identity::credential::flow::Flow;
use agent_identity::credential::hosted::{
    Hosted, Listing, Oauth2Answer, Oauth2Request, Provider, ProviderFilter, RoleKeys, RoleProvider, Speaker,
};
use agent_identity::credential::inject::{CallId, Calls, Injection};
use agent_identity::credential::notice::Silent;
use agent_identity::credential::polls::Pace;
use agent_identity::session::key::SessionKey;
use agent_identity::session::model::Session;
use agent_identity::session::users::{Users, not_logged_in};

const SESSIONS: usize = 5;
const PROVIDERS: [&str; 3] = ["key", "robot", "consent"];
const THREADS: u64 = 8;
const STEPS: usize = 1500;

/// Logins, counted: each login and each logout of a session is an epoch, and the epoch of a login is in its `sub`.
#[derive(Debug, Default)]
struct People(Mutex<HashMap<SessionKey, Epoch>>);

type Epoch = (u64, Option<Arc<Session>>);

/// A call that has not ended, and what it was given.
type Running = (CallId, Arc<Injection>, Vec<(String, String)>);

impl People {
    fn log_in(&self, key: &SessionKey) {
        let mut people = self.0.lock().unwrap();
        let (epoch, session) = people.entry(key.clone()).or_default();
        *epoch += 1;
        let now = Timestamp::from_unix(1_000_000);
        *session = Some(Arc::new(Session {
            sub: format!("{key}#{epoch}"),
            user_token: "user".into(),
            refresh_token: None,
            login_at: now,
            expires_at: now + Duration::from_secs(86_400),
        }));
    }

    fn log_out(&self, key: &SessionKey) {
        let mut people = self.0.lock().unwrap();
        let (epoch, session) = people.entry(key.clone()).or_default();
        *epoch += 1;
        *session = None;
    }

    fn epoch(&self, key: &SessionKey) -> u64 {
        self.0.lock().unwrap().get(key).map_or(0, |(epoch, _)| *epoch)
    }
}

impl Users for People {
    fn current(&self, key: &SessionKey) -> Result<Option<Arc<Session>>> {
        Ok(self.0.lock().unwrap().get(key).and_then(|(_, session)| session.clone()))
    }
    fn fresh(&self, key: &SessionKey) -> Result<Arc<Session>> {
        self.current(key)?.ok_or_else(not_logged_in)
    }
}

impl Speaker for People {
    fn workload_token(&self, key: &SessionKey) -> Result<Secret> {
        Ok(self.fresh(key)?.sub.as_str().into())
    }
}

/// Every credential says of which provider and for whom it is.
#[derive(Debug)]
struct Cloud;

impl Hosted for Cloud {
    fn list_providers(&self, _: u32, _: &ProviderFilter) -> Result<Listing> {
        Ok(Listing::default())
    }
    fn find_provider(&self, name: &str) -> Result<Option<Provider>> {
        let (kind, flow) = match name {
            "key" => ("api_key", None),
            "robot" => ("oauth2", Some("M2M")),
            _ => ("oauth2", Some("USER_FEDERATION")),
        };
        Ok(Some(Provider { name: name.into(), kind: Some(kind.into()), flow: flow.map(Into::into) }))
    }
    fn oauth2_token(&self, identity: &Secret, request: &Oauth2Request) -> Result<Oauth2Answer> {
        // Every third login has consented.
        let sub = identity.expose();
        std::thread::yield_now();
        if request.provider == "consent" && sub.bytes().last().is_some_and(|byte| byte % 3 != 0) {
            return Ok(Oauth2Answer::Consent { url: "https://consent.example/".into() });
        }
        let value = format!("{}|{sub}", request.provider);
        Ok(Oauth2Answer::Token { access_token: value.as_str().into(), expires_in: Some(3600) })
    }
    fn api_key(&self, identity: &Secret, provider: &str) -> Result<Secret> {
        std::thread::yield_now();
        Ok(format!("{provider}|{}", identity.expose()).as_str().into())
    }
    fn user_credential(&self, _: &Secret, _: &str) -> Result<Secret> {
        Err(not_logged_in())
    }
    fn role_providers(&self, _: Option<&str>) -> Result<Vec<RoleProvider>> {
        Ok(Vec::new())
    }
    fn role_credentials(&self, _: &Secret, _: &str) -> Result<RoleKeys> {
        Err(not_logged_in())
    }
}

struct World {
    people: Arc<People>,
    desk: Desk,
    bindings: Bindings,
    calls: Calls,
    sessions: Vec<SessionKey>,
}

/// xorshift64*: the same steps in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % limit
    }
}

/// The name under which a session binds a provider; every session has its own, and a common one for `key`.
fn name_of(session: usize, provider: &str) -> String {
    if provider == "key" { "TOKEN".to_owned() } else { format!("S{session}_{}", provider.to_uppercase()) }
}

fn pairs(injection: &Injection) -> Vec<(String, String)> {
    injection.expose().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

impl World {
    fn new(folder: &std::path::Path) -> Self {
        let people = Arc::new(People::default());
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix(1_000_000)));
        let desk = Desk::new(Parts {
            users: people.clone(),
            speaker: people.clone(),
            hosted: Arc::new(Cloud),
            notifier: Arc::new(Silent),
            clock: clock.clone(),
            entropy: Arc::new(OsEntropy),
            pace: Pace::default(),
        });
        let sessions =
            (0..SESSIONS).map(|n| SessionKey::parse(&format!("agent:main:main:user:{n}")).unwrap()).collect();
        Self { people, desk, bindings: Bindings::open(folder, clock), calls: Calls::default(), sessions }
    }

    /// Makes a call's environment and checks that everything in it is of this session, bound under that name, and of a
    /// login that the session had while it was made. Returns the number of credentials.
    fn call(&self, n: usize, id: CallId) -> (Arc<Injection>, Vec<(String, String)>) {
        let session = &self.sessions[n];
        let before = self.people.epoch(session);
        let injection = self.desk.injection(session, &self.bindings.of(session).unwrap(), false).unwrap();
        let after = self.people.epoch(session);
        let given = pairs(&injection);
        let mut subs = Vec::new();
        for (name, value) in &given {
            let (provider, sub) = value.split_once('|').unwrap();
            assert_eq!(*name, name_of(n, provider), "{value} under {name} in {session}");
            let (of, epoch) = sub.rsplit_once('#').unwrap();
            assert_eq!(of, session.as_str(), "{name} in {session}");
            let epoch: u64 = epoch.parse().unwrap();
            assert!((before..=after).contains(&epoch), "{value}: {session} was at {before} to {after}");
            subs.push(sub);
        }
        subs.dedup();
        assert!(subs.len() <= 1, "one call, two people: {given:?}");
        self.calls.begin(id, session.clone());
        (Arc::new(injection), given)
    }

    fn run(&self, seed: u64) -> usize {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let mut running: Vec<Running> = Vec::new();
        let mut seen = 0;
        for step in 0..STEPS {
            let (n, provider) = (random.below(SESSIONS), PROVIDERS[random.below(PROVIDERS.len())]);
            let session = &self.sessions[n];
            match random.below(20) {
                0 => {
                    self.people.log_in(session);
                    self.desk.forget(session);
                }
                1 => {
                    self.people.log_out(session);
                    self.desk.forget(session);
                }
                2..=6 => {
                    let flow = match provider {
                        "key" => Flow::ApiKey,
                        "robot" => Flow::Oauth2M2m,
                        _ => Flow::Oauth2User,
                    };
                    let order = Order { provider: provider.into(), flow: Some(flow), ..Order::default() };
                    let _ = self.desk.fetch(session, order);
                }
                7 if step % 4 == 0 => drop(self.bindings.unset(session, provider).unwrap()),
                8 if step % 2 == 0 => {
                    drop(self.bindings.set(session, provider, &name_of(n, provider)).unwrap());
                }
                9 | 10 => {
                    if let Some((id, injection, given)) = running.pop() {
                        // Whatever happened meanwhile, the call's environment is what it was.
                        assert_eq!(pairs(&injection), given);
                        self.calls.end(&id);
                    }
                }
                _ => {
                    let id = CallId { run: seed.to_string(), call: step.to_string() };
                    let (injection, given) = self.call(n, id.clone());
                    seen += given.len();
                    running.push((id, injection, given));
                }
            }
        }
        for (id, injection, given) in running {
            assert_eq!(pairs(&injection), given);
            self.calls.end(&id);
        }
        seen
    }
}

#[test]
fn no_credential_is_found_where_it_does_not_belong() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(&folder.path().join("identity"));
    for (n, session) in world.sessions.iter().enumerate() {
        for provider in PROVIDERS {
            world.bindings.set(session, provider, &name_of(n, provider)).unwrap();
        }
    }
    let seen: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (1..=THREADS)
            .map(|seed| {
                scope.spawn({
                    let world = &world;
                    move || world.run(seed)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert!(seen > 1000, "only {seen} credentials were looked at");
    assert!(world.calls.is_empty());
    for session in &world.sessions {
        world.people.log_out(session);
        world.desk.forget(session);
        assert!(world.desk.custody().all(session).is_empty());
        let injection = world.desk.injection(session, &world.bindings.of(session).unwrap(), false).unwrap();
        assert_eq!(injection.expose().count(), 0);
    }
    assert!(world.desk.polls().is_empty());
}
