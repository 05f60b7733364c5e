//! A user pool and a client that are known by name: found through the control plane, created where they are absent and
//! that is allowed, with our callback among the client's.
//!
//! Several processes may do this at once. Whoever comes second to create something finds what the first created, and
//! whoever loses a callback to another's update writes it again.

use std::sync::Arc;

use super::client::Client;
use super::source::{Registration, some_secret};
use crate::base::error::{Code, Error, Result};
use crate::base::log;
use crate::base::url::Url;
use crate::config::userpool::DynamicPool;
use crate::volc::client::Client as Cloud;
use crate::volc::envelope::{CallError, Class};
use crate::volc::userpool::{Listed, Pool, PoolClient};

/// How often our callback is written before we leave it to the operator.
const MAX_REGISTRATIONS: usize = 2;

/// A pool and client by name.
#[derive(Debug)]
pub struct NamedPool {
    pool: DynamicPool,
    cloud: Arc<Cloud>,
}

impl NamedPool {
    /// The configured names, and the control plane to ask.
    #[must_use]
    pub fn new(pool: DynamicPool, cloud: Arc<Cloud>) -> Self {
        Self { pool, cloud }
    }

    /// Finds or creates both (OIDC-11, OIDC-12, OIDC-13).
    ///
    /// # Errors
    /// `ConfigMissing` naming what is absent where nothing may be created; `CloudInvalid` when the pool's address cannot
    /// be used; else as [`Cloud::call`].
    pub fn resolve(&self) -> Result<Registration> {
        let pool = self.pool()?;
        let base = self.issuer(&pool)?;
        let client = self.client(&pool.uid)?;
        let client = Client { id: client.uid, secret: some_secret(client.client_secret) };
        log::info("user pool found", &[("pool", &pool.uid), ("issuer", &base), ("client", &client.id)]);
        Ok(Registration { base, client, pool_uid: Some(pool.uid) })
    }

    fn pool(&self) -> Result<Pool> {
        let name = &self.pool.user_pool_name;
        if let Some(found) = self.cloud.find_user_pool(name)? {
            return Ok(self.cloud.get_user_pool(&found.uid)?);
        }
        if !self.pool.auto_create {
            return Err(absent("user pool", name, "userpool.userPoolName"));
        }
        match self.cloud.create_user_pool(name) {
            Ok(created) => {
                log::info("user pool created", &[("name", name), ("pool", &created.uid)]);
                Ok(created)
            }
            Err(error) => {
                let found = taken(error, "user pool", name, || self.cloud.find_user_pool(name))?;
                Ok(self.cloud.get_user_pool(&found.uid)?)
            }
        }
    }

    /// The client, with our callback registered where we may.
    fn client(&self, pool: &str) -> Result<PoolClient> {
        let (name, callback) = (&self.pool.client_name, self.callback());
        if let Some(found) = self.cloud.find_user_pool_client(pool, name)? {
            return self.existing(pool, &found);
        }
        if !self.pool.auto_create {
            return Err(absent("client", name, "userpool.clientName"));
        }
        match self.cloud.create_user_pool_client(pool, name, &callback) {
            Ok(created) => {
                log::info("user pool client created", &[("name", name), ("client", &created.uid)]);
                // We asked for a type that has a secret.
                if created.client_secret.expose().is_empty() {
                    return Ok(self.cloud.get_user_pool_client(pool, &created.uid)?);
                }
                Ok(created)
            }
            Err(error) => {
                let find = || self.cloud.find_user_pool_client(pool, name);
                self.existing(pool, &taken(error, "client", name, find)?)
            }
        }
    }

    fn existing(&self, pool: &str, found: &Listed) -> Result<PoolClient> {
        let client = self.cloud.get_user_pool_client(pool, &found.uid)?;
        if let Err(error) = self.register(pool, &client) {
            log::warn(
                "the callback is not registered with the user pool's client, logins will be refused",
                &[("client", &self.pool.client_name), ("error", &error)],
            );
        }
        Ok(client)
    }

    /// Adds our callback to the client's. The service has no conditional update, so what was written is read again:
    /// another writer who had read before us takes our callback out without knowing.
    fn register(&self, pool: &str, client: &PoolClient) -> Result<()> {
        let callback = self.callback();
        let mut client = client.clone();
        for _ in 0..MAX_REGISTRATIONS {
            if client.allowed_callback_urls.contains(&callback) {
                return Ok(());
            }
            if !self.pool.auto_create {
                break;
            }
            client.allowed_callback_urls.push(callback.clone());
            self.cloud.update_user_pool_client(pool, &client)?;
            log::info("callback registered", &[("client", &client.uid), ("callback", &callback)]);
            client = self.cloud.get_user_pool_client(pool, &client.uid)?;
        }
        if client.allowed_callback_urls.contains(&callback) {
            return Ok(());
        }
        Err(Error::new(Code::ConfigMissing, format!("{callback} is not among the client's callbacks"))
            .with_hint("register userpool.callbackUrl with the client in the console"))
    }

    /// The pool's issuer: what it says, else its host, else the vendor's rule.
    fn issuer(&self, pool: &Pool) -> Result<Url> {
        let host = [&pool.custom_domain, &pool.domain].into_iter().find(|host| !host.is_empty());
        let text = if !pool.issuer_url.is_empty() {
            pool.issuer_url.clone()
        } else if let Some(host) = host {
            // Documented as a bare host.
            if host.contains("://") { host.clone() } else { format!("https://{host}") }
        } else {
            let region = &self.cloud.endpoints().current().region;
            format!("https://userpool-{}.userpool.auth.id.{region}.volces.com", pool.uid)
        };
        Url::parse(&text).ok().filter(Url::is_confidential).ok_or_else(|| {
            Error::new(Code::CloudInvalid, "the user pool's address is not an https URL")
                .with_hint("set userpool.discoveryUrl, clientId and clientSecret instead")
        })
    }

    fn callback(&self) -> String {
        self.pool.callback_url.to_string()
    }
}

/// What another created under our name just now, or before where lists did not show it.
fn taken(
    error: CallError,
    what: &str,
    name: &str,
    find: impl FnOnce() -> Result<Option<Listed>, CallError>,
) -> Result<Listed> {
    if error.class() != Some(Class::AlreadyExists) {
        return Err(Error::from(error).context(format!("the {what} {name} could not be created")));
    }
    find()?.ok_or_else(|| {
        let message = format!("the {what} {name} exists, but the cloud does not list it");
        Error::new(Code::CloudInvalid, message)
            .with_hint("it may take a moment to appear; if it does not, check the keys' project and policies")
    })
}

fn absent(what: &str, name: &str, setting: &str) -> Error {
    Error::new(
        Code::ConfigMissing,
        format!("the {what} {name} does not exist and userpool.autoCreate is off"),
    )
    .with_hint(format!("check {setting}, or create the {what}, or switch userpool.autoCreate on"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::net::testing::failed;
    use crate::net::transport::FailureKind;
    use crate::volc::userpool::testing::{Answer, Cloud as Scripted, refusal, result};

    const CALLBACK: &str = "http://127.0.0.1:18789/identity/oauth/callback";

    fn named(cloud: &Scripted, auto_create: bool) -> NamedPool {
        let pool = DynamicPool {
            user_pool_name: "people".into(),
            client_name: "openclaw".into(),
            callback_url: Url::parse(CALLBACK).unwrap(),
            scope: "openid".into(),
            auto_create,
        };
        NamedPool::new(pool, cloud.client.clone())
    }

    fn resolve(auto_create: bool, answers: Vec<Answer>) -> (Result<Registration>, Vec<(String, Value)>) {
        let cloud = Scripted::new(answers);
        let outcome = named(&cloud, auto_create).resolve();
        (outcome, cloud.seen())
    }

    fn actions(seen: &[(String, Value)]) -> Vec<&str> {
        seen.iter().map(|(action, _)| action.as_str()).collect()
    }

    /// A list with one entry.
    fn listed(uid: &str, name: &str) -> Answer {
        result(&json!({ "TotalCount": 1, "Data": [{ "Uid": uid, "Name": name }] }))
    }

    fn none_listed() -> Answer {
        result(&json!({ "TotalCount": 0, "Data": [] }))
    }

    fn pool() -> Answer {
        result(&json!({ "Uid": "p-1", "Name": "people", "IssuerUrl": "https://issuer.example" }))
    }

    fn client(callbacks: &[&str]) -> Answer {
        result(
            &json!({ "Uid": "c-1", "Name": "openclaw", "ClientSecret": "s-1", "AllowedCallbackUrls": callbacks }),
        )
    }

    const FOUND: [&str; 4] = ["ListUserPools", "GetUserPool", "ListUserPoolClients", "GetUserPoolClient"];

    #[test]
    fn what_exists_is_found_by_name_and_left_alone() {
        for auto_create in [true, false] {
            let answers = vec![
                listed("p-1", "people"),
                pool(),
                listed("c-1", "openclaw"),
                client(&["https://x.example", CALLBACK]),
            ];
            let (outcome, seen) = resolve(auto_create, answers);
            let found = outcome.unwrap();
            assert_eq!(found.base.to_string(), "https://issuer.example/");
            assert_eq!((found.client.id.as_str(), found.pool_uid.as_deref()), ("c-1", Some("p-1")));
            assert!(found.client.secret.unwrap().same_as(b"s-1"));
            assert_eq!(actions(&seen), FOUND);
        }
    }

    #[test]
    fn what_is_absent_is_created_with_our_callback() {
        let (outcome, seen) = resolve(true, vec![none_listed(), pool(), none_listed(), client(&[CALLBACK])]);
        assert_eq!(outcome.unwrap().client.id, "c-1");
        assert_eq!(
            actions(&seen),
            ["ListUserPools", "CreateUserPool", "ListUserPoolClients", "CreateUserPoolClient"]
        );
        assert_eq!(seen[1].1["Name"], "people");
        assert_eq!(
            (&seen[3].1["UserPoolUid"], &seen[3].1["AllowedCallbackUrls"]),
            (&json!("p-1"), &json!([CALLBACK]))
        );
    }

    #[test]
    fn a_created_client_without_its_secret_is_read() {
        let bare = result(&json!({ "Uid": "c-1" }));
        let (outcome, seen) =
            resolve(true, vec![listed("p-1", "people"), pool(), none_listed(), bare, client(&[CALLBACK])]);
        assert!(outcome.unwrap().client.secret.unwrap().same_as(b"s-1"));
        assert_eq!(actions(&seen)[3..], ["CreateUserPoolClient", "GetUserPoolClient"]);
    }

    #[test]
    fn where_nothing_may_be_created_the_error_names_what_is_absent() {
        let (outcome, seen) = resolve(false, vec![none_listed()]);
        let error = outcome.unwrap_err();
        assert_eq!(error.code(), Code::ConfigMissing);
        assert!(error.message().starts_with("the user pool people does not exist"), "{error}");
        assert!(error.hint().unwrap().contains("userpool.userPoolName"));
        assert_eq!(actions(&seen), ["ListUserPools"]);

        let (outcome, seen) = resolve(false, vec![listed("p-1", "people"), pool(), none_listed()]);
        let error = outcome.unwrap_err();
        assert!(error.message().starts_with("the client openclaw does not exist"), "{error}");
        assert!(error.hint().unwrap().contains("userpool.clientName"));
        assert_eq!(actions(&seen), ["ListUserPools", "GetUserPool", "ListUserPoolClients"]);
    }

    #[test]
    fn what_another_process_created_meanwhile_is_found() {
        for exists in [(409, "Duplicated"), (400, "AlreadyExists"), (200, "Conflict")] {
            let taken = || refusal(exists.0, exists.1);
            let (outcome, seen) = resolve(
                true,
                vec![
                    none_listed(),
                    taken(),
                    listed("p-1", "people"),
                    pool(),
                    none_listed(),
                    taken(),
                    listed("c-1", "openclaw"),
                    client(&[CALLBACK]),
                ],
            );
            assert_eq!(outcome.unwrap().client.id, "c-1", "{exists:?}");
            assert_eq!(
                actions(&seen),
                [
                    "ListUserPools",
                    "CreateUserPool",
                    "ListUserPools",
                    "GetUserPool",
                    "ListUserPoolClients",
                    "CreateUserPoolClient",
                    "ListUserPoolClients",
                    "GetUserPoolClient"
                ]
            );
        }
        let (outcome, _) = resolve(true, vec![none_listed(), refusal(409, "Duplicated"), none_listed()]);
        let error = outcome.unwrap_err();
        assert!(error.message().contains("people exists, but the cloud does not list it"), "{error}");
    }

    #[test]
    fn a_refused_creation_says_what_could_not_be_created() {
        let (outcome, _) = resolve(true, vec![none_listed(), refusal(403, "LackPolicy")]);
        let error = outcome.unwrap_err();
        assert_eq!(error.code(), Code::CloudRefused);
        assert!(error.message().starts_with("the user pool people could not be created: "), "{error}");
        assert!(error.message().contains("LackPolicy") && error.hint().is_some(), "{error:?}");
        let (outcome, seen) = resolve(true, vec![none_listed(), failed(FailureKind::Timeout)]);
        assert_eq!(outcome.unwrap_err().code(), Code::CloudUnreachable);
        assert_eq!(seen.len(), 2, "a creation without an answer is not repeated");
    }

    #[test]
    fn a_missing_callback_is_added_to_what_others_registered() {
        let answers = vec![
            listed("p-1", "people"),
            pool(),
            listed("c-1", "openclaw"),
            client(&["https://x.example/cb"]),
            result(&json!({})),
            client(&["https://x.example/cb", CALLBACK]),
        ];
        let (outcome, seen) = resolve(true, answers);
        assert!(outcome.is_ok());
        assert_eq!(actions(&seen)[4..], ["UpdateUserPoolClient", "GetUserPoolClient"]);
        assert_eq!(
            seen[4].1,
            json!({ "UserPoolUid": "p-1", "ClientUid": "c-1", "Name": "openclaw",
                "AllowedCallbackUrls": ["https://x.example/cb", CALLBACK] })
        );
    }

    /// The updates of a registration whose client reads as given before, after the first, and after the second update.
    fn registration(auto_create: bool, reads: Vec<Answer>) -> (Result<Registration>, Vec<Value>) {
        let mut answers = vec![listed("p-1", "people"), pool(), listed("c-1", "openclaw")];
        for (i, read) in reads.into_iter().enumerate() {
            if i > 0 {
                answers.push(result(&json!({})));
            }
            answers.push(read);
        }
        let (outcome, seen) = resolve(auto_create, answers);
        let updates = seen.into_iter().filter(|(action, _)| action == "UpdateUserPoolClient");
        (outcome, updates.map(|(_, body)| body["AllowedCallbackUrls"].clone()).collect())
    }

    #[test]
    fn a_callback_lost_to_another_writer_is_written_once_more_beside_theirs() {
        let theirs = || client(&["https://theirs.example/cb"]);
        let (outcome, updates) =
            registration(true, vec![client(&[]), theirs(), client(&["https://theirs.example/cb", CALLBACK])]);
        assert!(outcome.is_ok());
        assert_eq!(updates, [json!([CALLBACK]), json!(["https://theirs.example/cb", CALLBACK])]);
        let (outcome, updates) = registration(true, vec![client(&[]), theirs(), theirs(), theirs()]);
        assert!(outcome.is_ok(), "the login may still be tried");
        assert_eq!(updates.len(), MAX_REGISTRATIONS);
    }

    #[test]
    fn a_callback_that_cannot_be_registered_is_only_a_warning() {
        let (outcome, updates) = registration(false, vec![client(&[])]);
        assert!(outcome.is_ok() && updates.is_empty(), "nothing is changed where nothing may be");
        let answers = vec![
            listed("p-1", "people"),
            pool(),
            listed("c-1", "openclaw"),
            client(&[]),
            refusal(403, "LackPolicy"),
        ];
        let (outcome, seen) = resolve(true, answers);
        assert_eq!(outcome.unwrap().client.id, "c-1");
        assert_eq!(seen.len(), 5);
    }

    #[test]
    fn the_issuer_is_what_the_pool_says_else_its_host_else_the_vendors_rule() {
        let cloud = Scripted::new(Vec::new());
        let named = named(&cloud, true);
        let issuer = |issuer_url: &str, custom_domain: &str, domain: &str| {
            let [issuer_url, custom_domain, domain] = [issuer_url, custom_domain, domain].map(str::to_owned);
            named.issuer(&Pool { uid: "p-1".into(), issuer_url, custom_domain, domain })
        };
        for (fields, expected) in [
            (("https://i.example/x", "c.example", "d.example"), "https://i.example/x"),
            (("", "c.example", "d.example"), "https://c.example/"),
            (("", "", "d.example"), "https://d.example/"),
            (("", "", "https://d.example"), "https://d.example/"),
            (("http://127.0.0.1:9/p", "", ""), "http://127.0.0.1:9/p"),
            (("", "", ""), "https://userpool-p-1.userpool.auth.id.cn-beijing.volces.com/"),
        ] {
            assert_eq!(issuer(fields.0, fields.1, fields.2).unwrap().to_string(), expected);
        }
        for bad in [("http://i.example", ""), ("i.example", ""), ("", "http://d.example"), ("", "a b")] {
            let error = issuer(bad.0, "", bad.1).unwrap_err();
            assert_eq!(error.code(), Code::CloudInvalid, "{bad:?}");
        }
    }

    #[test]
    fn a_public_client_has_no_secret() {
        let public = result(&json!({ "Uid": "c-1", "AllowedCallbackUrls": [CALLBACK] }));
        let (outcome, _) =
            resolve(true, vec![listed("p-1", "people"), pool(), listed("c-1", "openclaw"), public]);
        assert!(outcome.unwrap().client.secret.is_none());
    }
}
