//! `agent-identity key rotate`: seals what is stored with a new key.

use std::sync::Arc;

use serde_json::json;

use super::keeping;
use crate::base::entropy::OsEntropy;
use crate::base::error::Result;
#[cfg(feature = "redis")]
use crate::base::error::{Code, Error};
use crate::base::time::SystemClock;
use crate::config::load::{self, Loaded};
use crate::session::store::{Store, StoreOptions};
use crate::shared::location::{self, Location};
use crate::surface::cli::commands::{Context, paths};
use crate::surface::cli::exit;

/// Rotates the key of what the configuration names: the files of the data folder, with no server running, or an engine,
/// with instances running that know both keys.
///
/// # Errors
/// When a server holds the folder, the sessions cannot be read, the key is the operator's own, or the engine cannot be
/// used.
pub(super) fn run(context: &Context<'_>) -> Result<u8> {
    let (paths, _) = paths(context.options, context.env)?;
    let loaded = load::load(&paths, context.options.config.as_deref(), context.env)?;
    if let location::Store::Shared(location) = keeping::place(&loaded)? {
        return shared(context, &loaded, location);
    }
    let store = Store::open(StoreOptions {
        dir: paths.data_dir.clone(),
        env: context.env.clone(),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
    })?;
    store.rotate_key()?;
    let count = store.len();
    context.print(&json!({ "ok": true, "sessions": count }), |_| {
        format!("new key; {count} sessions sealed with it")
    });
    Ok(exit::OK)
}

/// Seals everything in an engine with the first key of the key file, and counts what then has which key: an instance that
/// seals with another one may have written meanwhile.
#[cfg(feature = "redis")]
fn shared(context: &Context<'_>, loaded: &Loaded, location: Location) -> Result<u8> {
    use crate::base::entropy::Entropy;
    use crate::base::time::Clock;
    use crate::credential::binding::Bound;
    use crate::oidc::pending::{Kept, Links};
    use crate::session::group_senders::{Run, Writers};
    use crate::session::model::Session;

    let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) = (Arc::new(SystemClock), Arc::new(OsEntropy));
    let password = loaded.config.identity.store_password.clone();
    let engine = keeping::engine(&loaded.env, location, password, &clock, &entropy)?;
    engine.reseal()?;
    let mut sealed = Sealed::default();
    sealed.family::<Session>(&engine)?;
    sealed.family::<Bound>(&engine)?;
    sealed.family::<Kept>(&engine)?;
    sealed.family::<Links>(&engine)?;
    sealed.family::<Writers>(&engine)?;
    sealed.family::<Run>(&engine)?;
    if let Some(error) = sealed.unreadable {
        return Err(error);
    }
    let (key, anew) = (engine.key().to_string(), sealed.anew);
    let current = sealed.keys.remove(&key).unwrap_or_default();
    let done = sealed.keys.is_empty();
    let result = json!({
        "ok": done,
        "store": engine.place(),
        "key": key,
        "sealedAnew": anew,
        "records": current,
        "otherKeys": sealed.keys,
    });
    context.print(&result, |_| {
        let mut lines = vec![format!("{anew} records sealed anew; {current} have the key {key}")];
        lines.extend(sealed.keys.iter().map(|(key, count)| format!("{count} have the key {key}")));
        lines.push(match done {
            true => "no other key is in use: the others may go from the key file".to_owned(),
            false => {
                "an instance seals with another key: give it the new key first, and run this again".to_owned()
            }
        });
        lines.join("\n")
    });
    Ok(if done { exit::OK } else { exit::FAILED })
}

/// What came of all families.
#[cfg(feature = "redis")]
#[derive(Default)]
struct Sealed {
    anew: usize,
    keys: std::collections::BTreeMap<String, u64>,
    unreadable: Option<Error>,
}

#[cfg(feature = "redis")]
impl Sealed {
    /// One record that cannot be opened does not keep the others from being sealed.
    fn family<T: crate::records::Record>(
        &mut self,
        engine: &Arc<crate::shared::engine::Engine>,
    ) -> Result<()> {
        let records = engine.shared::<T>();
        match records.reseal() {
            Ok(count) => self.anew += count,
            Err(error) if error.code() == Code::StoreUnreadable => drop(self.unreadable.get_or_insert(error)),
            Err(error) => return Err(error),
        }
        for (key, count) in records.keys()? {
            *self.keys.entry(key).or_default() += count;
        }
        Ok(())
    }
}

#[cfg(not(feature = "redis"))]
fn shared(_: &Context<'_>, _: &Loaded, location: Location) -> Result<u8> {
    Err(keeping::files_only(&location))
}
