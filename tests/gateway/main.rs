//! The plugin in real OpenClaw gateways, the oldest and the newest that it is for.
//! Skipped, visibly, where npm cannot install them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test file, helpers included")]
#![allow(
    unreachable_pub,
    dead_code,
    missing_debug_implementations,
    reason = "the benchmark shares the harness"
)]
#![cfg(feature = "emulator")]

#[path = "../support/openclaw/mod.rs"]
mod openclaw;
#[path = "../support/mod.rs"]
mod support;

mod probe;

use openclaw::host::{Host, NEW, OLD};
use support::skipped;

/// Plays a story in both hosts, one after the other: two at once would need three gigabytes and more than two cores.
fn in_both_hosts(test: &str, story: impl Fn(Host)) {
    for version in [OLD, NEW] {
        match Host::install(version) {
            Ok(host) => story(host),
            Err(reason) => skipped(test, &reason),
        }
    }
}
