//! The plugin's own few lines, by Node's test runner: registrations, and failures that have to be denials.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test file, helpers included")]

use std::io::Write as _;
use std::process::{Command, Stdio};

#[test]
fn the_plugin_registers_for_each_host_and_its_failures_are_denials() {
    let version = Command::new("node").arg("--version").stdin(Stdio::null()).output();
    let Ok(version) = version else {
        writeln!(std::io::stderr(), "skipped: the plugin's own tests: there is no node").unwrap();
        return;
    };
    assert!(version.status.success());
    let output = Command::new("node")
        .args(["--test", "--test-timeout=60000", "tests/plugin/plugin.test.mjs"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("AGENT_IDENTITY_BIN", env!("CARGO_BIN_EXE_agent-identity"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{shown}{}", String::from_utf8_lossy(&output.stderr));
}
