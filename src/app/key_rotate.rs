//! `agent-identity key rotate`: a new key for the stored sessions, with no server running.

use serde_json::json;

use crate::base::entropy::OsEntropy;
use crate::base::error::Result;
use crate::base::time::SystemClock;
use crate::session::store::{Store, StoreOptions};
use crate::surface::cli::commands::{Context, paths};

use std::sync::Arc;

/// Rotates the key of the data folder.
///
/// # Errors
/// When a server holds the folder, the sessions cannot be read, or the key is the operator's own.
pub(super) fn run(context: &Context<'_>) -> Result<()> {
    let (paths, _) = paths(context.options, context.env)?;
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
    Ok(())
}
