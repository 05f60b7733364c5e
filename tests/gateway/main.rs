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

mod chat;
mod install;
mod latency;
mod probe;
mod settings;

use std::sync::{Mutex, PoisonError};

use openclaw::host::{Host, NEW, OLD};
use support::skipped;

#[test]
fn hosts_tell_plugins_who_asks_and_models_see_what_they_should() {
    in_both_hosts("hosts_tell_plugins_who_asks_and_models_see_what_they_should", probe::story);
}

#[test]
fn a_chat_logs_in_uses_a_credential_and_logs_out() {
    in_both_hosts("a_chat_logs_in_uses_a_credential_and_logs_out", chat::story);
}

#[test]
fn settings_give_subagents_an_identity_take_logins_over_and_ask_before_risky_calls() {
    in_both_hosts(
        "settings_give_subagents_an_identity_take_logins_over_and_ask_before_risky_calls",
        settings::story,
    );
}

#[test]
fn the_plugin_installs_linked_and_packed_and_hosts_find_no_fault() {
    in_both_hosts("the_plugin_installs_linked_and_packed_and_hosts_find_no_fault", install::story);
}

/// No test: `make bench` runs it.
#[test]
#[ignore = "measures"]
fn latency_of_a_tool_call() {
    in_both_hosts("latency_of_a_tool_call", latency::measure);
}

/// Plays a story in both hosts, one after the other, and no story beside another: two gateways at once would need three
/// gigabytes and more than two cores.
fn in_both_hosts(test: &str, story: impl Fn(Host)) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    for version in [OLD, NEW] {
        match Host::install(version) {
            Ok(host) => {
                let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
                story(host);
            }
            Err(reason) => skipped(test, &reason),
        }
    }
}

/// The folder of a plugin that only tests have.
fn plugin(name: &str) -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/openclaw/").to_owned() + name
}
