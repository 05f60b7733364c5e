//! `agent-identity secrets provider` and `secrets setup`, run as the host runs them: the real binary, a pipe, an environment
//! with nothing in it but what is passed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test file, helpers included")]
#![cfg(feature = "emulator")]

mod support;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;

use agent_identity::emulator::{Effect, Fault};
use serde_json::{Value, json};
use support::{Home, text};

/// Answers one request, given on standard input.
fn provider(mut command: Command, request: &str) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It may refuse before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(request.as_bytes());
    child.wait_with_output().unwrap()
}

fn request(ids: &[&str]) -> String {
    json!({ "protocolVersion": 1, "provider": "agent-identity", "ids": ids }).to_string()
}

/// The answer to some ids; there must be one, on one line, and nothing beside it.
fn answer(home: &Home, ids: &[&str]) -> Value {
    let output = provider(home.command(&["secrets", "provider"]), &request(ids));
    assert!(output.status.success(), "{}", text(&output.stderr));
    let out = text(&output.stdout);
    assert_eq!(out.trim_end().lines().count(), 1, "{out}");
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(answer["protocolVersion"], 1);
    assert!(answer["values"].is_object() && answer["errors"].is_object(), "{answer}");
    answer
}

fn code<'a>(answer: &'a Value, id: &str) -> &'a str {
    assert!(answer["values"].get(id).is_none(), "{answer}");
    answer["errors"][id]["code"].as_str().unwrap_or_else(|| panic!("no error for {id}: {answer}"))
}

fn message<'a>(answer: &'a Value, id: &str) -> &'a str {
    answer["errors"][id]["message"].as_str().unwrap()
}

#[test]
fn without_a_server_the_workloads_own_credentials_are_had_with_platform_keys_alone() {
    let home = Home::new();
    let ids = [
        "apikey/openai",
        "oauth2/billing",
        "role/tos-agent/accessKeyId",
        "role/tos-agent/secretAccessKey",
        "role/tos-agent/sessionToken",
        "apikey/gone",
        "oauth2/google",
        "session/main/apikey/openai",
        "openai",
    ];
    let answer = answer(&home, &ids);
    assert_eq!(answer["values"]["apikey/openai"], "sk-emulator-openai");
    for id in &ids[1..5] {
        assert!(answer["values"][*id].as_str().unwrap().len() > 8, "{id}: {answer}");
    }
    assert_eq!((code(&answer, "apikey/gone"), code(&answer, "openai")), ("NOT_FOUND", "NOT_FOUND"));
    assert_eq!(code(&answer, "session/main/apikey/openai"), "SERVER_UNREACHABLE");
    assert!(message(&answer, "session/main/apikey/openai").contains("agent-identity serve"));
    assert!(answer["errors"]["oauth2/google"]["code"].is_string());
    // A role's three keys are of one set, and one token of the workload is enough for everything.
    let requests = home.emulator.requests();
    assert_eq!(requests.to("GetRoleCredentials").len(), 1);
    assert_eq!(requests.to("GetWorkloadAccessToken").iter().filter(|one| one.status == Some(200)).count(), 1);
    // The platform keys themselves are in nobody's answer.
    let all = answer.to_string();
    assert!(!all.contains(&home.emulator.options().access_keys[0].secret), "{all}");
    assert!(!home.data().exists(), "it leaves nothing behind");
}

#[test]
fn a_running_server_answers_for_sessions_too_and_parallel_starts_share_what_it_has() {
    let home = Home::new();
    let server = home.serve();
    home.log_in("alice", None);
    home.emulator.requests().clear();
    // Long enough for every program to be there.
    home.emulator
        .faults()
        .add(Fault::always("GetResourceApiKey", Effect::Delay { milliseconds: 1000 }))
        .unwrap();
    let ids = ["apikey/openai", "session/main/apikey/openai", "session/main/oauth2/billing"];
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let answer = answer(&home, &ids);
                assert_eq!(answer["errors"], json!({}));
                assert_eq!(answer["values"]["session/main/apikey/openai"], "sk-emulator-openai");
            });
        }
    });
    let asked = home.emulator.requests().to("GetResourceApiKey").len();
    assert_eq!(asked, 2, "one for the workload and one for the session");
    home.emulator.faults().clear();
    // Consent is a person's, and is not waited for.
    let google = "session/main/oauth2/google";
    assert_eq!(code(&answer(&home, &[google]), google), "NOT_FOUND");
    assert!(message(&answer(&home, &[google]), google).contains("has not consented"));
    home.run(&["logout"]);
    let gone = answer(&home, &ids);
    assert_eq!(gone["values"]["apikey/openai"], "sk-emulator-openai");
    assert_eq!(code(&gone, "session/main/apikey/openai"), "NOT_FOUND");
    assert!(message(&gone, "session/main/apikey/openai").contains("log in"), "{gone}");
    let log = server.stop();
    assert!(log.contains("a secret could not be provided") && log.contains(google), "{log}");
    assert!(!log.contains("sk-emulator-openai"));
}

#[test]
fn a_dead_cloud_or_a_broken_configuration_is_an_error_of_each_id_and_exit_0() {
    let home = Home::new();
    home.emulator.faults().add(Fault::always("GetResourceApiKey", Effect::HangUp)).unwrap();
    let both = answer(&home, &["apikey/openai", "oauth2/billing"]);
    assert_eq!(code(&both, "apikey/openai"), "CLOUD_UNREACHABLE");
    assert!(both["values"]["oauth2/billing"].is_string(), "the other one is had");
    fs::write(home.state().join("openclaw.json"), "{ broken").unwrap();
    let broken = answer(&home, &["apikey/openai"]);
    assert_eq!(code(&broken, "apikey/openai"), "CONFIG_INVALID");
    assert!(message(&broken, "apikey/openai").contains("openclaw.json:1:"), "{broken}");
}

#[test]
fn what_is_no_request_ends_with_2_and_nothing_on_standard_output() {
    let home = Home::new();
    for request in ["", "hello", "[]", r#"{"protocolVersion":2,"ids":["a"]}"#, r#"{"protocolVersion":1}"#] {
        let output = provider(home.command(&["secrets", "provider"]), request);
        assert_eq!(output.status.code(), Some(2), "{request}");
        assert!(output.stdout.is_empty(), "{request}: {}", text(&output.stdout));
        assert!(text(&output.stderr).contains("holds no request"), "{}", text(&output.stderr));
    }
    let nothing = provider(home.command(&["secrets", "provider"]), &request(&[]));
    assert_eq!(text(&nothing.stdout).trim(), r#"{"protocolVersion":1,"values":{},"errors":{}}"#);
    assert!(home.emulator.requests().all().is_empty());
}

#[test]
fn our_own_keys_are_never_asked_of_our_own_provider() {
    let home = Home::with(agent_identity::emulator::Options::default(), |config| {
        let key = json!({ "source": "exec", "provider": "agent-identity", "id": "apikey/openai" });
        config["identity"]["accessKeyId"] = key.clone();
        config["identity"]["secretAccessKey"] = key;
    });
    // A script between us and ourselves hides who we are, but not that somebody is being asked already.
    let script = home.state().join("wrapper");
    let program = env!("CARGO_BIN_EXE_agent-identity");
    fs::write(&script, format!("#!/bin/sh\nexec {program} secrets provider\n")).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
    for command in [Path::new(program), &script] {
        let mut whole: Value =
            serde_json::from_str(&fs::read_to_string(home.state().join("openclaw.json")).unwrap()).unwrap();
        whole["secrets"] = json!({ "providers": { "agent-identity": {
            "source": "exec", "command": command, "args": ["secrets", "provider"], "timeoutMs": 20_000,
            "passEnv": ["HOME", "OPENCLAW_STATE_DIR"],
        }}});
        fs::write(home.state().join("openclaw.json"), whole.to_string()).unwrap();
        let answer = answer(&home, &["apikey/openai"]);
        assert_eq!(code(&answer, "apikey/openai"), "KEYS_MISSING", "{answer}");
        let check = home.run(&["config", "check"]);
        let said = text(&check.stdout) + &text(&check.stderr);
        assert!(said.contains("configured, not available"), "{said}");
    }
    assert!(home.emulator.requests().all().is_empty());
}

/// `secrets setup --json` of some copy of the binary: its exit code, and its object.
fn setup(home: &Home, program: &Path) -> (i32, Value) {
    let mut command = Command::new(program);
    command.args(["secrets", "setup", "--json"]).env_clear();
    command.env("HOME", home.state()).env("OPENCLAW_STATE_DIR", home.state());
    let output = command.stdin(Stdio::null()).output().unwrap();
    let shown = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
    (output.status.code().unwrap(), shown)
}

fn level<'a>(shown: &'a Value, check: &str) -> (&'a str, &'a str) {
    let found = shown["checks"].as_array().unwrap().iter().find(|one| one["check"] == check);
    let found = found.unwrap_or_else(|| panic!("no check {check}: {shown}"));
    (found["level"].as_str().unwrap(), found["message"].as_str().unwrap())
}

#[test]
fn setup_prints_a_block_that_it_accepts_itself_and_that_answers() {
    let home = Home::new();
    let program = home.state().join("bin/agent-identity");
    fs::create_dir(home.state().join("bin")).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_agent-identity"), &program).unwrap();
    let program = program.canonicalize().unwrap();
    let mode = |mode| fs::set_permissions(&program, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o755);
    let (exit, shown) = setup(&home, &program);
    assert_eq!((exit, &shown["ok"]), (0, &json!(true)), "{shown}");
    assert!(level(&shown, "configuration").1.contains("merge the block"));
    let entry = shown.pointer("/block/secrets/providers/agent-identity").unwrap();
    assert_eq!(entry["command"], program.to_str().unwrap());
    assert_eq!(entry["trustedDirs"], json!([program.parent().unwrap()]));
    assert!(!shown.to_string().contains(&home.emulator.options().access_keys[0].secret));

    // With the block merged in, the program is started as the host would.
    let mut whole: Value =
        serde_json::from_str(&fs::read_to_string(home.state().join("openclaw.json")).unwrap()).unwrap();
    whole["secrets"] = shown["block"]["secrets"].clone();
    let write = |whole: &Value| fs::write(home.state().join("openclaw.json"), whole.to_string()).unwrap();
    write(&whole);
    let (exit, shown) = setup(&home, &program);
    assert_eq!((exit, level(&shown, "trial").0), (0, "ok"), "{shown}");

    mode(0o775);
    let (exit, shown) = setup(&home, &program);
    assert_eq!((exit, level(&shown, "program").0, level(&shown, "configuration").0), (1, "fail", "fail"));
    assert!(level(&shown, "program").1.contains("can be written by other users"));
    mode(0o755);
    // Started through a link, it still names the file itself.
    let link = home.state().join("link");
    symlink(&program, &link).unwrap();
    assert_eq!(setup(&home, &link).0, 0);
    let at = "/secrets/providers/agent-identity";
    for (key, value, expected) in [
        ("command", json!(link), "another file"),
        ("args", json!(["serve"]), "other words"),
        ("jsonOnly", json!(false), "jsonOnly"),
        ("trustedDirs", json!(["/nowhere"]), "outside its trustedDirs"),
        ("timeoutMs", json!("soon"), "timeoutMs"),
    ] {
        let mut changed = whole.clone();
        changed.pointer_mut(at).unwrap()[key] = value;
        write(&changed);
        let (exit, shown) = setup(&home, &program);
        let (found, said) = level(&shown, "configuration");
        assert_eq!((exit, found), (1, "fail"), "{key}: {shown}");
        assert!(said.contains(expected), "{key}: {said}");
    }
}
