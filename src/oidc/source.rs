//! Which provider people log in at, and as which client we speak to it: known from the configuration, or found by
//! name when it is first needed. Whoever uses a [`Site`] cannot tell the two apart.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::client::Client;
use super::discovery::Discovery;
use super::keys::Keys;
use super::named::NamedPool;
use crate::base::error::{Error, Result};
use crate::base::flight::Flight;
use crate::base::log;
use crate::base::secret::Secret;
use crate::base::time::Clock;
use crate::base::url::Url;
use crate::config::userpool::ExplicitPool;
use crate::net::transport::Transport;

/// How long a failed resolution is repeated to callers before the next attempt.
pub const FAILURE_COOL_DOWN: Duration = Duration::from_secs(5);
/// A client that the provider does not know is looked up again, but not within this time after the last look-up.
pub const RENEWAL_COOL_DOWN: Duration = Duration::from_secs(60);

/// Provider and client in words.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The provider's base address, with or without the well-known suffix.
    pub base: Url,
    /// Our client there.
    pub client: Client,
    /// The control plane's id of the user pool; `None` for a provider that is none.
    pub pool_uid: Option<String>,
}

/// Provider and client as they are spoken to.
#[derive(Debug)]
pub struct Site {
    pub(super) client: Client,
    pub(super) pool_uid: Option<String>,
    pub(super) discovery: Discovery,
    pub(super) keys: Keys,
}

/// Where the [`Site`] comes from.
pub struct Source {
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    way: Way,
}

enum Way {
    Known(Arc<Site>),
    Named(Box<NamedPool>, Mutex<Held>, Flight<(), Arc<Site>>),
}

#[derive(Default)]
struct Held {
    /// The site and when (monotonic) it was resolved.
    site: Option<(Arc<Site>, Duration)>,
    /// The last failure and until when it stands.
    failure: Option<(Error, Duration)>,
}

impl Source {
    /// A provider and client that are known.
    #[must_use]
    pub fn known(registration: Registration, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        let site = Arc::new(Site::new(registration, &transport, &clock));
        Self { transport, clock, way: Way::Known(site) }
    }

    /// A pool and client that are looked up, and created where that is allowed, when they are first needed.
    #[must_use]
    pub fn named(pool: NamedPool, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        Self { transport, clock, way: Way::Named(Box::new(pool), Mutex::default(), Flight::default()) }
    }

    /// Provider and client; looked up once for all callers and then kept. A failure stands for
    /// [`FAILURE_COOL_DOWN`].
    ///
    /// # Errors
    /// As [`NamedPool::resolve`].
    pub fn site(&self) -> Result<Arc<Site>> {
        let (pool, held, flight) = match &self.way {
            Way::Known(site) => return Ok(site.clone()),
            Way::Named(pool, held, flight) => (pool, held, flight),
        };
        if let Some(outcome) = self.current(held) {
            return outcome;
        }
        flight.run(&(), || {
            if let Some(outcome) = self.current(held) {
                return outcome;
            }
            let outcome = pool
                .resolve()
                .map(|registration| Arc::new(Site::new(registration, &self.transport, &self.clock)));
            let now = self.clock.monotonic();
            let mut held = lock(held);
            match &outcome {
                Ok(site) => *held = Held { site: Some((site.clone(), now)), failure: None },
                Err(error) => held.failure = Some((error.clone(), now + FAILURE_COOL_DOWN)),
            }
            outcome
        })
    }

    /// Takes note that the provider does not accept our client: its secret was changed, or it was created anew. A client
    /// that was looked up is looked up again with the next use.
    pub(super) fn distrust(&self, site: &Arc<Site>) {
        let Way::Named(_, held, _) = &self.way else { return };
        let mut held = lock(held);
        let stale = held.site.as_ref().is_some_and(|(current, since)| {
            Arc::ptr_eq(current, site) && self.clock.monotonic() >= *since + RENEWAL_COOL_DOWN
        });
        if stale {
            held.site = None;
            drop(held);
            log::warn("the user pool does not accept our client any more, looking it up again", &[]);
        }
    }

    fn current(&self, held: &Mutex<Held>) -> Option<Result<Arc<Site>>> {
        let held = lock(held);
        match (&held.site, &held.failure) {
            (Some((site, _)), _) => Some(Ok(site.clone())),
            (None, Some((error, until))) if self.clock.monotonic() < *until => Some(Err(error.clone())),
            _ => None,
        }
    }
}

impl Site {
    fn new(registration: Registration, transport: &Arc<dyn Transport>, clock: &Arc<dyn Clock>) -> Self {
        let Registration { base, client, pool_uid } = registration;
        Self {
            client,
            pool_uid,
            discovery: Discovery::new(base, transport.clone(), clock.clone()),
            keys: Keys::new(transport.clone(), clock.clone()),
        }
    }
}

impl Registration {
    /// The provider and client of a pool that is configured in full. A user pool's own address tells its id, a customer's
    /// domain or another provider does not.
    #[must_use]
    pub fn configured(pool: &ExplicitPool) -> Self {
        Self {
            client: Client { id: pool.client_id.clone(), secret: pool.client_secret.clone() },
            pool_uid: pool_uid(pool.discovery_url.host()),
            base: pool.discovery_url.clone(),
        }
    }
}

/// A secret that is there.
pub(super) fn some_secret(secret: Secret) -> Option<Secret> {
    Some(secret).filter(|secret| !secret.expose().is_empty())
}

/// The pool's id in a host `userpool-{uid}.…`.
fn pool_uid(host: &str) -> Option<String> {
    let host = host.to_ascii_lowercase();
    let (uid, _) = host.strip_prefix("userpool-")?.split_once('.')?;
    Some(uid).filter(|uid| !uid.is_empty()).map(str::to_owned)
}

fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match &self.way {
            Way::Known(_) => "known",
            Way::Named(..) => "named",
        };
        f.debug_struct("Source").field("way", &way).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use serde_json::json;

    use super::*;
    use crate::base::error::Code;
    use crate::config::userpool::DynamicPool;
    use crate::oidc::testing::FakeTransport;
    use crate::volc::userpool::testing::{Cloud, refusal, result};

    fn named(cloud: &Cloud) -> Source {
        let pool = DynamicPool {
            user_pool_name: "people".into(),
            client_name: "openclaw".into(),
            callback_url: Url::parse("http://127.0.0.1:1/cb").unwrap(),
            scope: "openid".into(),
            auto_create: false,
        };
        let named = NamedPool::new(pool, cloud.client.clone());
        Source::named(named, Arc::new(FakeTransport::default()), cloud.clock.clone())
    }

    /// Scripts one resolution that ends well.
    fn script(cloud: &Cloud, secret: &str) {
        let listed = |uid: &str, name: &str| result(&json!({ "Data": [{ "Uid": uid, "Name": name }] }));
        cloud.push(listed("p-1", "people"));
        cloud.push(result(&json!({ "Uid": "p-1", "IssuerUrl": "https://issuer.example" })));
        cloud.push(listed("c-1", "openclaw"));
        cloud.push(result(&json!({ "Uid": "c-1", "ClientSecret": secret,
            "AllowedCallbackUrls": ["http://127.0.0.1:1/cb"] })));
    }

    fn has_secret(site: &Site, secret: &str) -> bool {
        site.client.secret.as_ref().unwrap().same_as(secret.as_bytes())
    }

    #[test]
    fn a_name_is_looked_up_when_it_is_needed_and_then_kept() {
        let cloud = Cloud::new(Vec::new());
        let source = named(&cloud);
        assert!(cloud.seen().is_empty());
        script(&cloud, "s");
        let site = source.site().unwrap();
        assert_eq!((site.client.id.as_str(), site.pool_uid.as_deref()), ("c-1", Some("p-1")));
        cloud.clock.advance(Duration::from_secs(86_400));
        assert!(Arc::ptr_eq(&site, &source.site().unwrap()));
        assert_eq!(cloud.seen().len(), 4);
    }

    #[test]
    fn a_failure_stands_for_seconds_and_no_longer() {
        let cloud = Cloud::new(vec![refusal(403, "LackPolicy")]);
        let source = named(&cloud);
        for _ in 0..3 {
            assert_eq!(source.site().unwrap_err().code(), Code::CloudRefused);
        }
        assert_eq!(cloud.seen().len(), 1, "one attempt for all");
        cloud.clock.advance(FAILURE_COOL_DOWN);
        script(&cloud, "s");
        assert!(source.site().is_ok());
    }

    #[test]
    fn callers_at_once_share_one_look_up() {
        let cloud = Cloud::new(Vec::new());
        script(&cloud, "s");
        let (source, start) = (named(&cloud), Barrier::new(4));
        let sites: Vec<_> = std::thread::scope(|scope| {
            let callers = [0; 4].map(|_| {
                scope.spawn(|| {
                    start.wait();
                    source.site().unwrap()
                })
            });
            callers.into_iter().map(|caller| caller.join().unwrap()).collect()
        });
        assert!(sites.iter().all(|site| Arc::ptr_eq(site, &sites[0])));
        assert_eq!(cloud.seen().len(), 4, "one resolution");
    }

    #[test]
    fn a_client_that_is_no_longer_accepted_is_looked_up_again_but_not_at_any_pace() {
        let cloud = Cloud::new(Vec::new());
        script(&cloud, "old");
        let source = named(&cloud);
        let first = source.site().unwrap();
        source.distrust(&first);
        assert!(Arc::ptr_eq(&first, &source.site().unwrap()), "just looked up");
        cloud.clock.advance(RENEWAL_COOL_DOWN);
        source.distrust(&first);
        script(&cloud, "new");
        let second = source.site().unwrap();
        assert!(has_secret(&first, "old") && has_secret(&second, "new"));
        cloud.clock.advance(RENEWAL_COOL_DOWN);
        source.distrust(&first);
        assert!(Arc::ptr_eq(&second, &source.site().unwrap()), "only the one in use can be distrusted");
    }

    #[test]
    fn a_configured_pool_needs_nobody() {
        let cloud = Cloud::new(Vec::new());
        let pool = ExplicitPool {
            discovery_url: Url::parse("https://issuer.example").unwrap(),
            client_id: "c-1".into(),
            client_secret: Some(Secret::from("s")),
            callback_url: Url::parse("http://127.0.0.1:1/cb").unwrap(),
            scope: "openid".into(),
        };
        let registration = Registration::configured(&pool);
        let source = Source::known(registration, Arc::new(FakeTransport::default()), cloud.clock.clone());
        let site = source.site().unwrap();
        cloud.clock.advance(RENEWAL_COOL_DOWN);
        source.distrust(&site);
        assert!(Arc::ptr_eq(&site, &source.site().unwrap()));
        assert!(has_secret(&site, "s") && cloud.seen().is_empty());
    }

    #[test]
    fn a_user_pools_own_host_tells_its_id() {
        for (host, uid) in [
            ("userpool-11111111-2222.userpool.auth.id.cn-beijing.volces.com", Some("11111111-2222")),
            ("UserPool-A1.x", Some("a1")),
            ("userpool-.x", None),
            ("userpool-1", None),
            ("x.userpool-1.example", None),
            ("127.0.0.1", None),
            ("login.example", None),
        ] {
            assert_eq!(pool_uid(host).as_deref(), uid, "{host}");
        }
    }
}
