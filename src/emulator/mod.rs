//! A faithful local stand-in for the cloud: the `id` and `sts` APIs, UserPools, the external identity providers and
//! OAuth2 services behind them, and the metadata of a machine, on one loopback address.
//!
//! It is written from the services' published behaviour and shares no code with the client beside the base layer: two
//! readings of the same facts check each other. It verifies what the services verify, refuses what they refuse, and
//! does wrong only what it is told to ([`Faults`]). Everything is in memory and ends with the process.
//!
//! Layers, downwards: [`cli`] and [`Emulator`] → server → route → {api, userpool, consent, control} → world → {fault, record,
//! jws, message}. An action is a function in the file of its family under `api/` and a line in its table.

mod api;
pub mod cli;
mod consent;
mod control;
mod fault;
mod issuer;
mod jws;
mod message;
mod metadata;
mod options;
mod record;
mod route;
mod seed;
mod server;
mod signature;
mod userpool;
mod world;

use std::net::TcpListener;
use std::sync::Arc;

pub use fault::{ANY, Effect, Fault, Faults, MAX_DELAY, MAX_FAULTS};
pub use jws::{Algorithm, Rotation};
pub use options::{AccessKey, Options};
pub use record::{MAX_RECORDED, MAX_REFRESH_USES, Recorded, RefreshUse, Requests};
pub use seed::{
    ApiKeyPlace, ClaimRule, CredentialProvider, DenyRule, Entity, Flow, IdentityProvider, IdentitySource,
    MatchType, ProviderKind, RoleMapping, RoleProvider, UserCredential,
};

use self::server::Server;
use self::world::World;
use crate::base::error::{Code, Error, Result};

/// A running emulator; dropping it stops it, with all connections.
pub struct Emulator {
    world: Arc<World>,
    _server: Server,
}

impl Emulator {
    /// Starts an emulator.
    ///
    /// # Errors
    /// When the address is not loopback or cannot be bound, or an option makes no sense.
    pub fn start(options: Options) -> Result<Self> {
        let unusable = |what: String| Error::new(Code::ConfigInvalid, what);
        if !options.listen.ip().is_loopback() {
            return Err(unusable(format!(
                "the emulator listens on loopback only, not on {}",
                options.listen.ip()
            ))
            .with_hint("use 127.0.0.1 or [::1]: its keys and passwords are public"));
        }
        let name_fits = |name: &str| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        };
        if !name_fits(&options.user_pool) || !name_fits(&options.workload_pool) {
            return Err(unusable("the name of a pool is not of letters, digits, - and _".to_owned()));
        }
        let callbacks = options.callback_urls.clone();
        let listener = TcpListener::bind(options.listen)
            .map_err(|error| unusable(format!("cannot listen on {}: {error}", options.listen)))?;
        let addr = listener
            .local_addr()
            .map_err(|error| unusable(format!("the listener has no address: {error}")))?;
        let world = Arc::new(World::new(options, format!("http://{addr}"))?);
        for url in callbacks {
            control::register_callback(&world, &url)?;
        }
        let server = Server::start(listener, addr, {
            let world = Arc::clone(&world);
            Arc::new(move |request| route::answer(&world, request))
        })?;
        Ok(Self { world, _server: server })
    }

    /// `http://address:port`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.world.base_url
    }

    /// Where the `id` and `sts` APIs are.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.base_url()
    }

    /// The issuer of the UserPool that is there from the start.
    #[must_use]
    pub fn issuer(&self) -> String {
        self.world.user_issuer()
    }

    /// The discovery document of that UserPool.
    #[must_use]
    pub fn discovery_url(&self) -> String {
        format!("{}/.well-known/openid-configuration", self.issuer())
    }

    /// The uid of the UserPool that is there from the start.
    #[must_use]
    pub fn user_pool_uid(&self) -> String {
        self.world.options.user_pool_id()
    }

    /// Where the machine's region is.
    #[must_use]
    pub fn region_metadata_url(&self) -> String {
        format!("{}/latest/region_id", self.world.base_url)
    }

    /// Where the machine's temporary keys are.
    #[must_use]
    pub fn credentials_metadata_url(&self) -> String {
        format!("{}/metadata/credentials", self.world.base_url)
    }

    /// The issuer of TIPs.
    #[must_use]
    pub fn workload_issuer(&self) -> String {
        self.world.workload_issuer()
    }

    /// The options it runs with: client ids and secrets, access keys, users.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.world.options
    }

    /// The id of the confidential client.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.world.options.client_id
    }

    /// The secret of the confidential client.
    #[must_use]
    pub fn client_secret(&self) -> &str {
        &self.world.options.client_secret
    }

    /// The first access key, if there is one.
    #[must_use]
    pub fn access_key(&self) -> Option<&AccessKey> {
        self.world.options.access_keys.first()
    }

    /// The faults, to order and cancel.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.world.faults
    }

    /// The requests that came in.
    #[must_use]
    pub fn requests(&self) -> &Requests {
        &self.world.requests
    }

    /// The uses of refresh tokens that came from a login here, oldest first: a token that is used up and used again shows.
    #[must_use]
    pub fn refresh_uses(&self) -> Vec<RefreshUse> {
        self.world.refresh_uses.all()
    }

    /// Registers a callback address for both clients of the first UserPool.
    ///
    /// # Errors
    /// When it is not a URL, or there are too many.
    pub fn register_callback(&self, url: &str) -> Result<()> {
        control::register_callback(&self.world, url)
    }

    /// Adds a credential provider, or replaces the one of its name.
    ///
    /// # Errors
    /// When there are too many.
    pub fn put_credential_provider(&self, provider: CredentialProvider) -> Result<()> {
        control::put_credential_provider(&self.world, provider)
    }

    /// Adds a role provider, or replaces the one of its name.
    ///
    /// # Errors
    /// When there are too many.
    pub fn put_role_provider(&self, provider: RoleProvider) -> Result<()> {
        control::put_role_provider(&self.world, provider)
    }

    /// Adds an external identity provider to a UserPool, the first when none is named, or replaces the one of its name.
    ///
    /// # Errors
    /// When there is no such pool, or it has too many.
    pub fn put_identity_provider(&self, pool_uid: Option<&str>, provider: IdentityProvider) -> Result<()> {
        control::put_identity_provider(&self.world, pool_uid, provider)
    }

    /// Lets `CheckPermission` deny something from now on.
    ///
    /// # Errors
    /// When there are too many rules.
    pub fn deny(&self, rule: DenyRule) -> Result<()> {
        control::add_deny_rule(&self.world, rule)
    }

    /// Puts its time so many seconds ahead of (or behind) its clock.
    pub fn set_clock_offset(&self, seconds: i64) {
        self.world.set_offset(seconds);
    }

    /// Signs id_tokens and TIPs from now on with new keys.
    ///
    /// # Errors
    /// When a key cannot be made.
    pub fn rotate_keys(&self, rotation: Rotation) -> Result<()> {
        self.world.rotate(rotation)
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // Delays first: the server waits for its connections when it goes.
        self.world.stop.stop();
    }
}

impl std::fmt::Debug for Emulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Emulator").field("base_url", &self.world.base_url).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_loopback_addresses_are_served() {
        for listen in ["0.0.0.0:0", "192.0.2.1:0", "[::]:0"] {
            let options = Options { listen: listen.parse().unwrap(), ..Options::default() };
            assert_eq!(Emulator::start(options).unwrap_err().code(), Code::ConfigInvalid, "{listen}");
        }
    }

    #[test]
    fn stopping_ends_a_delay() {
        let emulator = Emulator::start(Options::default()).unwrap();
        let delay = Effect::Delay { milliseconds: 60_000 };
        emulator.faults().add(Fault::always("discovery", delay)).unwrap();
        let url = emulator.discovery_url();
        let client = std::thread::spawn(move || ureq::get(&url).call().is_ok());
        assert!(emulator.requests().wait_for("discovery", 1, Duration::from_secs(10)));
        let clock = emulator.options().clock.clone();
        let before = clock.monotonic();
        drop(emulator);
        assert!(clock.monotonic() - before < Duration::from_secs(30));
        client.join().unwrap();
    }
}
