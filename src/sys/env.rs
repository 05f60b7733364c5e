//! The only read of the process environment.

use std::ffi::OsString;

/// All variables of this process.
#[allow(clippy::disallowed_methods, reason = "this is the place that the lint points to")]
#[must_use]
pub fn vars() -> Vec<(OsString, OsString)> {
    std::env::vars_os().collect()
}
