//! Where this process keeps what must outlive a message: the files of its data folder, or an engine that it shares with
//! other instances. The only place that knows which.

use std::path::Path;
use std::sync::Arc;

use crate::base::entropy::Entropy;
use crate::base::env::Env;
use crate::base::error::{Code, Error, Result};
use crate::base::secret::Secret;
use crate::base::time::Clock;
use crate::config::load::Loaded;
use crate::credential::binding::{Bindings, Bound};
use crate::oidc::pending::PendingLogins;
use crate::records::Records;
use crate::session::group_senders::GroupSenders;
use crate::session::model::Session;
use crate::session::store::{Store, StoreOptions};
use crate::shared::location::{self, Location};

/// The setting.
const SETTING: &str = "identity.store";

/// Everything that is kept.
pub(super) struct Keeping {
    pub(super) sessions: Arc<dyn Records<Session>>,
    pub(super) pending: PendingLogins,
    pub(super) senders: GroupSenders,
    pub(super) bindings: Bindings,
}

/// What is kept for longer than minutes.
pub(super) struct Lasting {
    pub(super) sessions: Arc<dyn Records<Session>>,
    pub(super) bindings: Arc<dyn Records<Bound>>,
}

/// Where the configuration says that it is kept.
///
/// # Errors
/// `ConfigInvalid` for what is no address, `ConfigMissing` for one that cannot be read: to keep logins elsewhere than was
/// meant would lose them.
pub(super) fn place(loaded: &Loaded) -> Result<location::Store> {
    for path in [SETTING, "identity.storePassword"] {
        if loaded.pending.iter().any(|pending| pending.path == path) {
            return Err(Error::new(Code::ConfigMissing, format!("{path} is a secret that cannot be read"))
                .with_hint("agent-identity doctor says why"));
        }
    }
    match &loaded.config.identity.store {
        None => Ok(location::Store::File),
        Some(text) => location::Store::parse(text.expose()),
    }
}

/// Opens what the configuration names. An engine is not asked anything yet.
///
/// # Errors
/// Those of [`place`]; when the data folder cannot be used, or is held by another process; when an engine's settings lack
/// something, or this build has none.
pub(super) fn open(
    loaded: &Loaded,
    data_dir: &Path,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> Result<Keeping> {
    match place(loaded)? {
        location::Store::File => files(&loaded.env, data_dir, clock, entropy),
        location::Store::Shared(location) => shared(loaded, location, clock, entropy),
    }
}

fn files(env: &Env, data_dir: &Path, clock: &Arc<dyn Clock>, entropy: &Arc<dyn Entropy>) -> Result<Keeping> {
    let store = Store::open(StoreOptions {
        dir: data_dir.to_owned(),
        env: env.clone(),
        clock: clock.clone(),
        entropy: entropy.clone(),
    })?;
    Ok(Keeping {
        sessions: Arc::new(store),
        pending: PendingLogins::new(clock.clone(), entropy.clone()),
        senders: GroupSenders::new(clock.clone()),
        bindings: Bindings::open(data_dir, clock.clone()),
    })
}

#[cfg(feature = "redis")]
fn shared(
    loaded: &Loaded,
    location: Location,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> Result<Keeping> {
    let password = loaded.config.identity.store_password.clone();
    let engine = engine(&loaded.env, location, password, clock, entropy)?;
    let (logins, links) = (Arc::new(engine.shared()), Arc::new(engine.shared()));
    let (writers, runs) = (Arc::new(engine.shared()), Arc::new(engine.shared()));
    Ok(Keeping {
        sessions: Arc::new(engine.shared::<Session>()),
        pending: PendingLogins::on(logins, links, clock.clone(), entropy.clone()),
        senders: GroupSenders::on(writers, runs, clock.clone()),
        bindings: Bindings::on(Arc::new(engine.shared())),
    })
}

/// What lasts in an engine that answers.
///
/// # Errors
/// Those of [`engine`]; `StoreUnavailable`; `StoreUnreadable` when it is sealed with another key.
#[cfg(feature = "redis")]
pub(super) fn lasting(
    env: &Env,
    location: Location,
    password: Option<Secret>,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> Result<Lasting> {
    let engine = engine(env, location, password, clock, entropy)?;
    engine.check()?;
    Ok(Lasting { sessions: Arc::new(engine.shared()), bindings: Arc::new(engine.shared()) })
}

/// An engine. `password` comes before the one in the address.
///
/// # Errors
/// `ConfigMissing` without a key that all instances have, `StoreUnreadable` when its file cannot be used.
#[cfg(feature = "redis")]
pub(super) fn engine(
    env: &Env,
    location: Location,
    password: Option<Secret>,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> Result<Arc<crate::shared::engine::Engine>> {
    use crate::shared::engine::{Engine, EngineOptions};
    Engine::open(EngineOptions {
        location,
        password,
        keys: crate::session::keyring::named(env)?,
        env: env.clone(),
        clock: clock.clone(),
        entropy: entropy.clone(),
    })
}

#[cfg(not(feature = "redis"))]
fn shared(_: &Loaded, location: Location, _: &Arc<dyn Clock>, _: &Arc<dyn Entropy>) -> Result<Keeping> {
    Err(files_only(&location))
}

#[cfg(not(feature = "redis"))]
pub(super) fn lasting(
    _: &Env,
    location: Location,
    _: Option<Secret>,
    _: &Arc<dyn Clock>,
    _: &Arc<dyn Entropy>,
) -> Result<Lasting> {
    Err(files_only(&location))
}

/// The error of an engine's address in a build without engines.
#[cfg(not(feature = "redis"))]
pub(super) fn files_only(location: &Location) -> Error {
    Error::new(Code::ConfigInvalid, format!("this build keeps logins in files only, not at {location}"))
        .with_hint("use the build with shared state, agent-identity-shared, or set identity.store to file")
}
