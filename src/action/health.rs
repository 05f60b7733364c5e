//! Does the process work? For container and load balancer probes.

use serde::Serialize;

use super::Services;

/// The answer, always with status 200: whoever gets it has a working process.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// `true`
    pub ok: bool,
    /// The program's version.
    pub version: &'static str,
}

pub(super) fn run(_: &Services) -> Outcome {
    Outcome { ok: true, version: super::services::VERSION }
}
