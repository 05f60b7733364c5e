//! The ways into a host that the README shows: a linked folder, set up by our own command, and a packed plugin.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::openclaw::client::WEBCHAT;
use crate::openclaw::gateway::{Home, link_in};
use crate::openclaw::host::Host;
use crate::openclaw::process::finish;
use crate::support::text;

pub fn story(host: Host) {
    let linked = Home::new(host.clone(), |_, _| {});
    let folder = assembled(&linked);
    install(&linked, &["--link", folder.to_str().unwrap()]);
    assert_eq!(config_of(&linked)["plugins"]["load"]["paths"], json!([folder]));
    set_up(&linked);
    nobody_finds_fault(&linked);
    answers(&linked);

    let packed = Home::new(host, |_, _| {});
    let folder = assembled(&packed);
    let mut pack = packed.program_command("npm", &["pack", "--ignore-scripts", "--silent"]);
    let npm = finish(pack.current_dir(&folder));
    assert!(npm.status.success(), "{}", both(&npm));
    install(&packed, &[folder.join(text(&npm.stdout).trim()).to_str().unwrap()]);
    std::fs::remove_dir_all(folder).unwrap();
    assert!(packed.state().join("extensions/agent-identity/bridge/index.js").is_file());
    set_up(&packed);
    answers(&packed);
}

/// What `make plugin` puts together, with the program under test.
fn assembled(home: &Home) -> PathBuf {
    let folder = home.path().join("plugin");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/plugin.sh");
    let made = Command::new("bash").arg(script).arg(home.program()).arg(&folder).output().unwrap();
    assert!(made.status.success(), "{}", both(&made));
    folder
}

fn install(home: &Home, what: &[&str]) {
    let mut args = vec!["plugins", "install"];
    args.extend(what);
    if home.host.is_new() {
        args.extend(["--force", "--accept-capabilities"]);
    }
    let output = home.run(&args);
    assert!(output.status.success(), "{}", both(&output));
}

/// As the README says, and with this home's settings.
fn set_up(home: &Home) {
    let setup = finish(&mut home.program_command("agent-identity", &["openclaw", "setup", "--write"]));
    assert!(setup.status.success(), "{}", both(&setup));
    let mut config = config_of(home);
    let entry = &mut config["plugins"]["entries"]["agent-identity"];
    assert_eq!(entry["hooks"]["allowConversationAccess"] == true, home.host.is_new(), "{entry}");
    entry["config"] = home.identity();
    home.write_config(&config);
}

fn nobody_finds_fault(home: &Home) {
    let ours = finish(&mut home.program_command("agent-identity", &["openclaw", "doctor"]));
    assert!(ours.status.success(), "{}", both(&ours));
    let doctor = home.run(&["plugins", "doctor"]);
    assert!(doctor.status.success(), "{}", both(&doctor));
    let inspected = home.run(&["plugins", "inspect", "agent-identity"]);
    assert!(inspected.status.success(), "{}", both(&inspected));
    let said = both(&doctor) + &both(&inspected);
    assert!(!said.contains("Diagnostics:") && !said.contains("unknown typed hook"), "{said}");
    // The old host has no other hook before a run that it lets us see; it calls that one legacy, and no error.
    let warnings = said.lines().filter(|line| line.to_lowercase().contains("warn"));
    assert!(
        warnings.clone().all(|line| line.contains("before_agent_start") || line.contains("Compatibility")),
        "{said}"
    );
    assert!(!home.host.is_new() || warnings.count() == 0, "{said}");
}

fn answers(home: &Home) {
    let gateway = home.start();
    let answer = gateway.connect(WEBCHAT).say("main", "hello");
    assert!(link_in(&answer.text).contains("/authorize"), "{answer:?}");
    gateway.stop();
}

fn config_of(home: &Home) -> Value {
    serde_json::from_slice(&std::fs::read(home.config_file()).unwrap()).unwrap()
}

fn both(output: &Output) -> String {
    format!("{}\n{}", text(&output.stdout), text(&output.stderr))
}
