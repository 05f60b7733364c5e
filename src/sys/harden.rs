//! Keeping the secrets in our memory out of core dumps and away from debuggers.
//!
//! For the server only. What `/proc/<pid>` holds of a process that is not dumpable belongs to root, and others of its
//! own user may no longer read its `exe` link: were a client hardened too, an unprivileged server could not recognise
//! it.

use std::io;

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// A protection that could not be put in place.
#[derive(Debug)]
pub struct Unprotected {
    /// Which one.
    pub what: &'static str,
    /// Why not.
    pub error: io::Error,
}

/// Forbids core dumps and tracing by other processes of our user (`PR_SET_DUMPABLE`, `RLIMIT_CORE`; `ssh-agent` does
/// the same). Children that run a new program are dumpable again, but inherit the limit. Best effort: returns what
/// failed.
#[must_use]
pub fn harden() -> Vec<Unprotected> {
    let no_core = Rlimit { current: Some(0), maximum: Some(0) };
    [
        ("PR_SET_DUMPABLE", set_dumpable_behavior(DumpableBehavior::NotDumpable)),
        ("RLIMIT_CORE", setrlimit(Resource::Core, no_core)),
    ]
    .into_iter()
    .filter_map(|(what, result)| result.err().map(|error| Unprotected { what, error: error.into() }))
    .collect()
}
