//! Does the process work? For container and load balancer probes.

use serde::Serialize;
use serde_json::{Value, json};

use super::Services;
use super::server_status::store;

/// The answer, always with status 200: whoever gets it has a working process.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// `true`
    pub ok: bool,
    /// The program's version.
    pub version: &'static str,
    /// What works with less than it should, and since when: `{"store": …}` as in `/status`. Not there where all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub degraded: Option<Value>,
}

pub(super) fn run(services: &Services) -> Outcome {
    let is_well = services.store.health().is_ok();
    let degraded = (!is_well).then(|| json!({ "store": store(&*services.store) }));
    Outcome { ok: true, version: super::services::VERSION, degraded }
}
