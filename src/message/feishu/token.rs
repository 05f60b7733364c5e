//! Access tokens of apps (`tenant_access_token`), one for each app, fetched when one is needed.
//!
//! A token lasts up to two hours, and while one has more than half an hour left the service hands out the same one again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;

use super::api::{self, App, Refusal};
use crate::base::bounded::BoundedMap;
use crate::base::error::{Code, Error};
use crate::base::flight::Flight;
use crate::base::secret::Secret;
use crate::base::time::Clock;
use crate::base::tree::Tree;
use crate::message::post::Unsent;
use crate::net::exchange::Exchange;

/// How long before its end a token is not used any more; the vendor's own client keeps the same distance.
pub const MARGIN: Duration = Duration::from_secs(180);
/// Apps whose tokens are kept.
pub const MAX_APPS: usize = 64;

const PATH: &str = "/open-apis/auth/v3/tenant_access_token/internal";

/// The tokens in memory.
#[derive(Debug)]
pub(super) struct Tokens {
    clock: Arc<dyn Clock>,
    held: Mutex<BoundedMap<Of, Held>>,
    flight: Flight<Of, Secret>,
}

/// An app at an installation.
type Of = (String, String);

#[derive(Debug)]
struct Held {
    token: Secret,
    /// On the monotonic clock.
    good_until: Duration,
}

impl Tokens {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, held: Mutex::new(BoundedMap::new(MAX_APPS)), flight: Flight::default() }
    }

    /// A token of the app, whose secret is asked for when a new one is needed; parallel callers share one request for it.
    pub(super) fn get(
        &self,
        exchange: &Exchange,
        app: &App,
        secret: &dyn Fn() -> Result<Secret, Unsent>,
    ) -> Result<Secret, Unsent> {
        let of = of(app);
        if let Some(token) = self.cached(&of) {
            return Ok(token);
        }
        let fetched = self.flight.run(&of, || {
            // Whoever came a moment too late for a flight finds what it brought.
            if let Some(token) = self.cached(&of) {
                return Ok(token);
            }
            let asked = self.clock.monotonic();
            let granted = secret().and_then(|secret| fetch(exchange, app, &secret));
            let granted = granted.map_err(|unsent| Error::new(Code::Internal, unsent.0))?;
            let lasts = Duration::from_secs(granted.expire).saturating_sub(MARGIN);
            let held = Held { token: granted.tenant_access_token.clone(), good_until: asked + lasts };
            self.held().insert(of.clone(), held);
            Ok(granted.tenant_access_token)
        });
        fetched.map_err(|error| Unsent(error.message().to_owned()))
    }

    /// Forgets a token that was not accepted, unless there is another one by now.
    pub(super) fn reject(&self, app: &App, token: &Secret) {
        let (of, mut held) = (of(app), self.held());
        if held.get(&of).is_some_and(|held| held.token.same_as(token.expose().as_bytes())) {
            held.remove(&of);
        }
    }

    fn cached(&self, of: &Of) -> Option<Secret> {
        let now = self.clock.monotonic();
        self.held().get(of).filter(|held| now < held.good_until).map(|held| held.token.clone())
    }

    fn held(&self) -> MutexGuard<'_, BoundedMap<Of, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn of(app: &App) -> Of {
    (app.api.to_string(), app.id.clone())
}

#[derive(Deserialize)]
struct Granted {
    tenant_access_token: Secret,
    /// Seconds.
    expire: u64,
}

fn fetch(exchange: &Exchange, app: &App, secret: &Secret) -> Result<Granted, Unsent> {
    let body = serde_json::json!({ "app_id": app.id, "app_secret": secret.expose() });
    let answer = api::post(exchange, &app.api, PATH, None, &body).map_err(|refusal| match refusal {
        Refusal::Code(10003 | 10014) => {
            Unsent("Feishu does not know the app: check appId and appSecret of channels.feishu".to_owned())
        }
        other => other.unsent("the request for a Feishu access token"),
    })?;
    Tree::read(&answer)
        .ok()
        .filter(|granted: &Granted| is_header_safe(granted.tenant_access_token.expose()))
        .ok_or_else(|| Unsent("Feishu gave no access token".to_owned()))
}

fn is_header_safe(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic())
}
