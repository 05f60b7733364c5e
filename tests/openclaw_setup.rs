//! `agent-identity openclaw setup` and `doctor`, as an operator runs them beside hosts of both generations.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test file, helpers included")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const NEW: &str = "2026.9.6";
const OLD: &str = "2026.3.28";

/// A machine with an installed host, as npm lays it out, and a state folder.
struct Machine(TempDir);

impl Machine {
    fn with_host(version: Option<&str>) -> Self {
        let machine = Self(TempDir::new().unwrap());
        fs::create_dir(machine.state()).unwrap();
        fs::create_dir(machine.bin()).unwrap();
        if let Some(version) = version {
            let package = machine.0.path().join("lib/node_modules/openclaw");
            fs::create_dir_all(&package).unwrap();
            let manifest = format!(r#"{{"name":"openclaw","version":"{version}"}}"#);
            fs::write(package.join("package.json"), manifest).unwrap();
            fs::write(package.join("openclaw.mjs"), "").unwrap();
            symlink(package.join("openclaw.mjs"), machine.bin().join("openclaw")).unwrap();
        }
        machine
    }

    fn state(&self) -> PathBuf {
        self.0.path().join("state")
    }

    fn bin(&self) -> PathBuf {
        self.0.path().join("bin")
    }

    fn file(&self) -> PathBuf {
        self.state().join("openclaw.json")
    }

    fn run(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_agent-identity"))
            .args(args)
            .env_clear()
            .env("PATH", self.bin())
            .env("HOME", self.0.path())
            .env("OPENCLAW_STATE_DIR", self.state())
            .output()
            .unwrap()
    }

    fn json(&self, args: &[&str]) -> Value {
        let output = self.run(&[args, &["--json"]].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)))
    }

    fn doctor(&self) -> Vec<String> {
        let found = self.json(&["openclaw", "doctor"]);
        let line = |finding: &Value| {
            let text = |name: &str| finding[name].as_str().unwrap().to_owned();
            format!("{} {}: {}", text("level"), text("check"), text("message"))
        };
        found["checks"].as_array().unwrap().iter().map(line).collect()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

const COMMENTED: &str =
    "{\n  // the port\n  gateway: { port: 18789, },\n  plugins: { allow: ['other'] },\n}\n";

#[test]
fn what_is_lacking_is_printed_and_nothing_is_changed() {
    for (version, lacking) in [(NEW, 3), (OLD, 2)] {
        let machine = Machine::with_host(Some(version));
        fs::write(machine.file(), COMMENTED).unwrap();
        let output = machine.run(&["openclaw", "setup"]);
        let shown = text(&output.stdout);
        assert!(shown.starts_with(&format!("OpenClaw {version} (")), "{shown}");
        assert!(shown.contains("plugins.allow += \"agent-identity\""), "{shown}");
        assert_eq!(shown.contains("allowConversationAccess = true"), version == NEW, "{shown}");
        assert!(shown.ends_with("write them with: agent-identity openclaw setup --write\n"), "{shown}");
        assert_eq!(machine.json(&["openclaw", "setup"])["lacking"].as_array().unwrap().len(), lacking);
        assert_eq!(fs::read_to_string(machine.file()).unwrap(), COMMENTED);
    }
}

#[test]
fn what_is_written_keeps_comments_mode_and_a_backup_and_is_written_once() {
    let machine = Machine::with_host(Some(NEW));
    fs::write(machine.file(), COMMENTED).unwrap();
    fs::set_permissions(machine.file(), fs::Permissions::from_mode(0o640)).unwrap();
    let outcome = machine.json(&["openclaw", "setup", "--write"]);
    let backup = PathBuf::from(outcome["backup"].as_str().unwrap());
    assert_eq!(fs::read_to_string(&backup).unwrap(), COMMENTED);
    let written = fs::read_to_string(machine.file()).unwrap();
    assert!(
        written.contains("// the port") && written.contains("['other', \"agent-identity\"]"),
        "{written}"
    );
    assert_eq!((mode(&machine.file()), mode(&backup)), (0o640, 0o640));
    let again = machine.json(&["openclaw", "setup", "--write"]);
    assert_eq!((&again["written"], again["lacking"].as_array().unwrap().len()), (&Value::Bool(false), 0));
    assert_eq!(fs::read_to_string(machine.file()).unwrap(), written);
    assert_eq!(fs::read_dir(machine.state()).unwrap().count(), 2, "the file and one backup");
}

#[test]
fn what_stops_an_old_host_is_taken_out() {
    let machine = Machine::with_host(Some(NEW));
    fs::write(machine.file(), "{}").unwrap();
    machine.json(&["openclaw", "setup", "--write"]);
    let outcome = machine.json(&["openclaw", "setup", "--write", "--host-version", OLD]);
    assert_eq!(outcome["lacking"][0]["action"], "remove");
    let written = fs::read_to_string(machine.file()).unwrap();
    assert!(
        written.contains("\"enabled\": true") && !written.contains("allowConversationAccess"),
        "{written}"
    );
}

#[test]
fn a_file_is_made_where_there_is_none_and_refused_where_it_cannot_be_changed() {
    let machine = Machine::with_host(Some(OLD));
    assert_eq!(machine.json(&["openclaw", "setup", "--write"])["backup"], Value::Null);
    assert_eq!(mode(&machine.file()), 0o600);
    fs::write(machine.file(), "{ plugins: [] }").unwrap();
    let output = machine.run(&["openclaw", "setup", "--write"]);
    assert_eq!(output.status.code(), Some(6), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("by hand"), "{}", text(&output.stderr));
    assert_eq!(fs::read_to_string(machine.file()).unwrap(), "{ plugins: [] }");
}

#[test]
fn a_host_that_cannot_be_found_has_to_be_named() {
    let machine = Machine::with_host(None);
    let output = machine.run(&["openclaw", "setup"]);
    assert!(text(&output.stderr).contains("--host-version 2026.9.6"), "{}", text(&output.stderr));
    let output = machine.run(&["openclaw", "setup", "--host-version", "latest"]);
    assert!(text(&output.stderr).contains("not a version"), "{}", text(&output.stderr));
    assert_eq!(machine.json(&["openclaw", "setup", "--host-version", NEW])["host"], NEW);
}

#[test]
fn the_doctor_says_what_is_missing_and_what_that_leaves_open() {
    let machine = Machine::with_host(Some(NEW));
    let found = machine.doctor();
    assert!(found.iter().any(|line| line.starts_with("fail configuration: there is no ")), "{found:#?}");
    fs::write(machine.file(), "{ plugins: { deny: ['agent-identity'] } }").unwrap();
    let found = machine.doctor();
    for expected in [
        "ok host: OpenClaw 2026.9.6",
        "fail configuration: plugins.deny has the plugin",
        "fail configuration: plugins.entries.agent-identity.enabled = true: the gateway loads the plugin",
        "without it runs from the command line, timers, heartbeats and other sessions reach the model",
        "warn plugin: not found in",
        "warn login: no user pool",
        "note handle: identity.localServer is off",
    ] {
        assert!(found.iter().any(|line| line.contains(expected)), "{expected}: {found:#?}");
    }
    let config = r#"{ gateway: { port: 7000 }, plugins: { entries: { "agent-identity": { enabled: true,
        hooks: { allowConversationAccess: true }, config: { identity: { injection: "handle" }, userpool: {
        discoveryUrl: "https://pool.example", clientId: "c", callbackUrl: "http://127.0.0.1:7001/identity/oauth/callback" } } } } } }"#;
    fs::write(machine.file(), config).unwrap();
    let folder = machine.state().join("extensions/agent-identity");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("openclaw.plugin.json"), r#"{"id":"agent-identity","version":"0.0.1"}"#).unwrap();
    let found = machine.doctor();
    for expected in [
        "ok configuration: ",
        "is version 0.0.1, this program is",
        "warn callback: userpool.callbackUrl is at port 7001, the gateway at 7000",
        "fail handle: identity.injection is handle and identity.localServer is off",
    ] {
        assert!(found.iter().any(|line| line.contains(expected)), "{expected}: {found:#?}");
    }
}
