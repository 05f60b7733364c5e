//! `make run`, as a newcomer types it: what it prints, what works then, and what it leaves behind.
#![cfg(feature = "emulator")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test file")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use support::{has, send_signal, skipped, text};

#[test]
fn the_demo_logs_alice_in_and_cleans_up() {
    let name = "the_demo_logs_alice_in_and_cleans_up";
    if !has("bash") || !has("curl") {
        return skipped(name, "bash and curl are not installed");
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let binaries = Path::new(env!("CARGO_BIN_EXE_agent-identity")).parent().unwrap();
    let mut run = Command::new("bash")
        .arg(root.join("scripts/run.sh"))
        .arg(binaries)
        .env("DEMO", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(run.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut value = |name: &str| {
        let found = lines.find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned));
        found.unwrap_or_else(|| panic!("no line {name:?}")).trim().to_owned()
    };
    let socket = value("socket");
    assert!(value("login").starts_with("http://127.0.0.1:"));
    let curl = value("curl");
    assert_eq!(value("chain"), "openclaw-agent");
    value("ends");
    let answer = Command::new("bash").args(["-c", &format!("{curl} -sS --max-time 20")]).output().unwrap();
    assert!(
        text(&answer.stdout).contains("\"token\""),
        "the printed curl line works: {}",
        text(&answer.stdout)
    );

    send_signal(run.id(), libc::SIGINT);
    assert!(run.wait().unwrap().success(), "Ctrl-C is a clean end");
    let folder = Path::new(&socket).ancestors().nth(4).unwrap();
    assert!(fs::metadata(folder).is_err(), "{folder:?} is left behind");
}
