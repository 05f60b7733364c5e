//! What the plugin adds to a tool call, measured inside the gateway's process beside a plugin that does nothing.

use serde_json::{Value, json};

use crate::openclaw::client::{Client, WEBCHAT};
use crate::openclaw::gateway::Home;
use crate::openclaw::host::Host;

/// Calls in one turn; a turn of hundreds would be compacted by the host.
const CALLS: usize = 25;
/// Turns that are measured, after one that fills the caches.
const TURNS: usize = 12;

/// Prints medians and 99th percentiles for a tool of another plugin and for `exec` with a bound credential.
#[allow(clippy::print_stdout, reason = "this is its result")]
pub fn measure(host: Host) {
    let version = host.version;
    let home = Home::new(host, |home, config| {
        home.load(config, "idle", &super::plugin("idle"), json!({}));
        home.load(config, "meter", &super::plugin("meter"), json!({}));
        home.load_ours(config, home.identity());
    });
    let gateway = home.start();
    let chat = gateway.connect(WEBCHAT);
    home.log_in(&chat, "main", "alice");
    chat.call("main", "identity_fetch", json!({ "provider": "openai" }));
    chat.call("main", "identity_set_binding", json!({ "provider": "openai", "envVar": "OPENAI_API_KEY" }));

    println!("before_tool_call in OpenClaw {version}, microseconds    median      p99");
    let tick = |n: usize| format!("▶ meter_tick {}", json!({ "n": n }));
    let exec =
        |n: usize| format!("▶ exec {}", json!({ "command": format!("test -n \"$OPENAI_API_KEY\" # {n}") }));
    let ticks = sampled(&chat, &tick);
    print("a plugin that does nothing", &ticks, "idle");
    print("this plugin, any tool", &ticks, "others");
    print("this plugin, exec with a credential", &sampled(&chat, &exec), "others");
    drop(chat);
    gateway.stop();
}

fn sampled(chat: &Client, call: &dyn Fn(usize) -> String) -> Vec<Value> {
    let mut samples = Vec::new();
    for turn in 0..=TURNS {
        let calls: Vec<_> = (turn * CALLS..(turn + 1) * CALLS).map(call).collect();
        chat.say("main", &calls.join("\n"));
        let taken = chat.request("meter.samples", json!({})).unwrap();
        if turn > 0 {
            samples.extend(taken.as_array().unwrap().iter().cloned());
        }
    }
    assert_eq!(samples.len(), TURNS * CALLS, "every call was let through");
    samples
}

#[allow(
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole microseconds, for people"
)]
fn print(what: &str, samples: &[Value], field: &str) {
    let mut micros: Vec<_> =
        samples.iter().map(|sample| (sample[field].as_f64().unwrap() * 1000.0) as u64).collect();
    micros.sort_unstable();
    println!("  {what:<54}{:>8} {:>8}", micros[micros.len() / 2], micros[micros.len() * 99 / 100]);
}
