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
