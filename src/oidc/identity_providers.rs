//! The identity providers behind a user pool, listed by the control plane and kept for a while. A login works without
//! them, so nothing here fails: what cannot be had is left out, and said once in the log.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::flight::Flight;
use crate::base::log;
use crate::base::time::Clock;
use crate::volc::client::Client as Cloud;
use crate::volc::userpool::IdentityProvider;

/// How long a list is used.
pub const FRESH: Duration = Duration::from_secs(300);
/// How long a failed listing is not repeated; the last list serves meanwhile.
pub const RETRY: Duration = Duration::from_secs(60);

type List = Arc<Vec<IdentityProvider>>;

/// The identity providers of the one pool that is in use.
pub struct IdentityProviders {
    cloud: Arc<Cloud>,
    clock: Arc<dyn Clock>,
    held: Mutex<Held>,
    flight: Flight<String, List>,
}

#[derive(Default)]
struct Held {
    pool: String,
    list: List,
    ends: Duration,
    /// The complaint that is in the log already.
    said: Option<Complaint>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Complaint {
    Failed,
    NoneEnabled,
}

impl IdentityProviders {
    /// Nothing is listed before it is needed.
    #[must_use]
    pub fn new(cloud: Arc<Cloud>, clock: Arc<dyn Clock>) -> Self {
        Self { cloud, clock, held: Mutex::default(), flight: Flight::default() }
    }

    /// The name of the first one that is enabled (OIDC-14).
    #[must_use]
    pub(super) fn first_enabled(&self, pool: &str) -> Option<String> {
        self.list(pool).iter().find(|provider| can_be_named(provider)).map(|provider| provider.name.clone())
    }

    /// Whether this one speaks OpenID Connect, as far as is known.
    #[must_use]
    pub(super) fn is_oidc(&self, pool: &str, uid: &str) -> bool {
        let of_uid = |provider: &&IdentityProvider| provider.uid == uid && is_enabled(provider);
        self.list(pool)
            .iter()
            .find(of_uid)
            .is_some_and(|provider| provider.connection_type.eq_ignore_ascii_case("OIDC"))
    }

    fn list(&self, pool: &str) -> List {
        if let Some(list) = self.fresh(pool) {
            return list;
        }
        let listed = self.flight.run(&pool.to_owned(), || {
            Ok(self.fresh(pool).unwrap_or_else(|| match self.cloud.list_identity_providers(pool) {
                Ok(list) => self.keep(pool, list),
                Err(error) => self.keep_last(pool, error.as_error()),
            }))
        });
        listed.unwrap_or_default()
    }

    fn fresh(&self, pool: &str) -> Option<List> {
        let held = self.lock();
        (held.pool == pool && self.clock.monotonic() < held.ends).then(|| held.list.clone())
    }

    fn keep(&self, pool: &str, list: Vec<IdentityProvider>) -> List {
        let complaint = (!list.iter().any(can_be_named)).then_some(Complaint::NoneEnabled);
        let list = Arc::new(list);
        let mut held = self.lock();
        let said = std::mem::replace(&mut held.said, complaint);
        held.pool = pool.to_owned();
        held.list = list.clone();
        held.ends = self.clock.monotonic() + FRESH;
        drop(held);
        if complaint.is_some() && complaint != said {
            log::warn("the user pool has no enabled identity provider, logins name none", &[("pool", &pool)]);
        }
        list
    }

    fn keep_last(&self, pool: &str, error: &dyn fmt::Display) -> List {
        let mut held = self.lock();
        let said = held.said.replace(Complaint::Failed);
        if held.pool != pool {
            held.pool = pool.to_owned();
            held.list = List::default();
        }
        held.ends = self.clock.monotonic() + RETRY;
        let list = held.list.clone();
        drop(held);
        if said != Some(Complaint::Failed) {
            log::warn("the identity providers cannot be listed, logins may name none", &[("error", &error)]);
        }
        list
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_enabled(provider: &IdentityProvider) -> bool {
    provider.enabled != Some(false)
}

fn can_be_named(provider: &IdentityProvider) -> bool {
    is_enabled(provider) && !provider.name.is_empty()
}

impl fmt::Debug for IdentityProviders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityProviders").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::volc::userpool::testing::{Answer, Cloud, refusal, result};

    fn listed(providers: &Value) -> Answer {
        result(&json!({ "TotalCount": providers.as_array().unwrap().len(), "Data": providers }))
    }

    fn providers(cloud: &Cloud) -> IdentityProviders {
        IdentityProviders::new(cloud.client.clone(), cloud.clock.clone())
    }

    #[test]
    fn the_first_enabled_one_counts_and_the_list_is_kept_for_a_while() {
        let cloud = Cloud::new(vec![
            listed(&json!([
                { "Uid": "i-1", "Name": "off", "Enabled": false, "ConnectionType": "OIDC" },
                { "Uid": "i-0", "Name": "", "Enabled": true },
                { "Uid": "i-2", "Name": "feishu", "Enabled": true, "ConnectionType": "OAuth" },
                { "Uid": "i-3", "Name": "corp", "ConnectionType": "oidc" },
            ])),
            listed(&json!([{ "Uid": "i-3", "Name": "corp" }])),
        ]);
        let providers = providers(&cloud);
        assert_eq!(providers.first_enabled("p").unwrap(), "feishu");
        let is_oidc = ["i-1", "i-2", "i-3", "i-4", ""].map(|uid| providers.is_oidc("p", uid));
        assert_eq!(is_oidc, [false, false, true, false, false], "disabled and unknown ones do not count");
        cloud.clock.advance(FRESH - Duration::from_secs(1));
        assert_eq!(providers.first_enabled("p").unwrap(), "feishu");
        assert_eq!(cloud.actions().len(), 1);
        cloud.clock.advance(Duration::from_secs(1));
        assert_eq!(providers.first_enabled("p").unwrap(), "corp");
        assert!(!providers.is_oidc("p", "i-3"), "the new list does not say");
        assert_eq!(cloud.actions(), ["ListIdentityProviders"]);
    }

    #[test]
    fn without_a_list_or_an_enabled_entry_the_parameter_is_left_out() {
        let cloud = Cloud::new(vec![refusal(403, "LackPolicy")]);
        let providers = providers(&cloud);
        assert_eq!(providers.first_enabled("p"), None);
        assert_eq!(providers.first_enabled("p"), None);
        assert_eq!(cloud.actions().len(), 1, "a failure is not repeated at once");
        assert!(providers.lock().said == Some(Complaint::Failed));
        cloud.clock.advance(RETRY);
        cloud.push(listed(&json!([{ "Uid": "i-1", "Name": "off", "Enabled": false }])));
        assert_eq!(providers.first_enabled("p"), None);
        assert!(providers.lock().said == Some(Complaint::NoneEnabled));
        cloud.clock.advance(FRESH);
        cloud.push(listed(&json!([])));
        assert_eq!(providers.first_enabled("p"), None);
    }

    #[test]
    fn a_failure_keeps_the_last_list_of_the_same_pool() {
        let cloud = Cloud::new(vec![listed(&json!([{ "Uid": "i-1", "Name": "feishu" }]))]);
        let providers = providers(&cloud);
        assert_eq!(providers.first_enabled("p").unwrap(), "feishu");
        cloud.clock.advance(FRESH);
        cloud.push(refusal(403, "LackPolicy"));
        assert_eq!(providers.first_enabled("p").unwrap(), "feishu");
        cloud.push(refusal(403, "LackPolicy"));
        assert_eq!(providers.first_enabled("another pool"), None);
    }
}
