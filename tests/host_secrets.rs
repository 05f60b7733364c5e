//! The host itself asks our provider: its own audit, and a gateway whose channel and model have no other secrets than those
//! that are hosted. Both generations of the host, from npm.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test file, helpers included")]
#![cfg(feature = "emulator")]

#[path = "support/openclaw/mod.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    missing_debug_implementations,
    reason = "each test file uses its own part"
)]
mod openclaw;
mod support;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use agent_identity::emulator::{CredentialProvider, Effect, Fault, ProviderKind};
use openclaw::client::WEBCHAT;
use openclaw::gateway::Home;
use openclaw::host::{Host, NEW, OLD};
use serde_json::{Value, json};
use support::browser::Browser;
use support::{PATIENCE, Server as OwnServer, skipped, text};
use tiny_http::{Header, Response, Server};

const BOT_TOKEN: &str = "123456:canary-telegram-token-that-is-hosted";
const MODEL_KEY: &str = "canary-model-key-that-is-hosted";
/// A name that the host's ids cannot hold as it is, and one with an underscore, which they can.
const BOT: &str = "apikey/telegram::20bot";
const MODEL: &str = "apikey/my_model";

/// As much of Telegram's API as a bot needs to start; tells which tokens were used.
struct Telegram {
    server: Arc<Server>,
    tokens: Arc<Mutex<mpsc::Receiver<String>>>,
    worker: Option<JoinHandle<()>>,
}

impl Telegram {
    fn start() -> Self {
        let server = Arc::new(Server::http("127.0.0.1:0").unwrap());
        let (sender, tokens) = mpsc::channel();
        let worker = std::thread::spawn({
            let server = server.clone();
            move || {
                while let Ok(request) = server.recv() {
                    let mut parts = request.url().trim_start_matches("/bot").splitn(2, '/');
                    let _ = sender.send(parts.next().unwrap_or_default().to_owned());
                    let result = match parts.next().unwrap_or_default().split('?').next() {
                        Some("getMe") => {
                            json!({ "id": 123_456, "is_bot": true, "first_name": "bot", "username": "bot" })
                        }
                        Some("getUpdates") => json!([]),
                        _ => json!(true),
                    };
                    let body = json!({ "ok": true, "result": result }).to_string();
                    let header = Header::from_bytes("content-type", "application/json").unwrap();
                    let _ = request.respond(Response::from_string(body).with_header(header));
                }
            }
        });
        Self { server, tokens: Arc::new(Mutex::new(tokens)), worker: Some(worker) }
    }

    fn url(&self) -> String {
        format!("http://{}", self.server.server_addr().to_ip().unwrap())
    }

    /// The token of the next request.
    fn token(&self) -> String {
        let tokens = self.tokens.lock().unwrap();
        tokens.recv_timeout(4 * PATIENCE).expect("the channel asks Telegram")
    }
}

impl Drop for Telegram {
    fn drop(&mut self) {
        self.server.unblock();
        let _ = self.worker.take().map(JoinHandle::join);
    }
}

/// Plays a story in both hosts, one story at a time: a gateway needs more than a gigabyte and a core.
fn in_both_hosts(test: &str, story: impl Fn(Host)) {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    for version in [OLD, NEW] {
        match Host::install(version) {
            Ok(host) => story(host),
            Err(why) => skipped(test, &why),
        }
    }
}

fn program(home: &Home) -> PathBuf {
    home.path().join("ours/agent-identity")
}

/// What `secrets setup` says to write, with a configuration of our own.
fn block(home: &Home) -> Value {
    let output = own(home, &["secrets", "setup", "--alias", "hosted", "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stdout));
    let mut block = serde_json::from_slice::<Value>(&output.stdout).unwrap()["block"]["secrets"].take();
    let arguments = block["providers"]["hosted"]["args"].as_array_mut().unwrap();
    arguments.extend([json!("--config"), json!(home.path().join("identity.json"))]);
    block
}

fn exec(id: &str) -> Value {
    json!({ "source": "exec", "provider": "hosted", "id": id })
}

/// A home whose model key and bot token are references to our provider, and the provider's credentials.
fn home(host: Host, telegram: &Telegram) -> Home {
    let mut home = Home::new(host, |home, config| {
        // What others could write, the host does not start, and a build may be such.
        fs::create_dir(home.path().join("ours")).unwrap();
        fs::copy(env!("CARGO_BIN_EXE_agent-identity"), program(home)).unwrap();
        fs::set_permissions(program(home), fs::Permissions::from_mode(0o755)).unwrap();
        config["secrets"] = block(home);
        config["models"]["providers"]["test"]["apiKey"] = exec(MODEL);
        config["channels"] = json!({ "telegram": {
            "enabled": true, "botToken": exec(BOT), "apiRoot": telegram.url(), "dmPolicy": "disabled",
        }});
        config["plugins"] =
            json!({ "load": { "paths": [] }, "entries": { "telegram": { "enabled": true } } });
    });
    home.channels = true;
    fs::write(home.path().join("identity.json"), home.identity().to_string()).unwrap();
    host_key(&home, "telegram bot", BOT_TOKEN);
    host_key(&home, "my_model", MODEL_KEY);
    home
}

/// Hosts an API key in the cloud.
fn host_key(home: &Home, name: &str, key: &str) {
    let kind = ProviderKind::ApiKey { key: key.to_owned(), places: Vec::new() };
    let provider = CredentialProvider { name: name.to_owned(), vendor: 0, bindings: 0, kind };
    home.emulator.put_credential_provider(provider).unwrap();
}

/// The host's configuration with something changed.
fn change(home: &Home, pointer: &str, value: Value) {
    let mut config: Value = serde_json::from_str(&fs::read_to_string(home.config_file()).unwrap()).unwrap();
    *config.pointer_mut(pointer).unwrap() = value;
    home.write_config(&config);
}

/// The host's configuration with one more section.
fn with(home: &Home, section: &str, value: Value) -> Value {
    let mut config: Value = serde_json::from_str(&fs::read_to_string(home.config_file()).unwrap()).unwrap();
    config[section] = value;
    config
}

/// The host's own audit: its exit code and its report.
fn audit(home: &Home) -> (i32, Value) {
    let output = home.run(&["secrets", "audit", "--allow-exec", "--json"]);
    (output.status.code().unwrap(), report(&output))
}

fn report(output: &Output) -> Value {
    let out = text(&output.stdout);
    let begin = out.find('{').unwrap_or_else(|| panic!("no report: {out}{}", text(&output.stderr)));
    let shown = serde_json::from_str(&out[begin..]).unwrap_or_else(|error| panic!("{error}: {out}"));
    assert!(!out.contains("canary") && !text(&output.stderr).contains("canary"), "{out}");
    shown
}

/// Our binary where the host is at home, with our configuration.
fn own(home: &Home, args: &[&str]) -> Command {
    let mut command = at_home(home, &program(home), args);
    if args[0] != "secrets" {
        command.arg("--config").arg(home.path().join("identity.json"));
    }
    command
}

fn at_home(home: &Home, program: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).env_clear();
    command.env("HOME", home.path()).env("OPENCLAW_HOME", home.path());
    command.env("OPENCLAW_STATE_DIR", home.state()).env("OPENCLAW_CONFIG_PATH", home.config_file());
    command.stdin(Stdio::null());
    command
}

/// Our audit of the same files.
fn own_audit(home: &Home) -> (i32, Value) {
    let output = own(home, &["secrets", "audit", "--allow-exec", "--json"]).output().unwrap();
    (output.status.code().unwrap(), report(&output))
}

/// Code and place of each finding in the configuration.
fn findings(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = report["findings"].as_array().unwrap().iter();
    let config =
        all.filter(|finding| finding["file"].as_str().is_some_and(|file| file.ends_with("openclaw.json")));
    let mut found: Vec<_> = config.map(|one| (text(&one["code"]), text(&one["jsonPath"]))).collect();
    found.sort();
    found
}

fn message<'a>(report: &'a Value, path: &str) -> &'a str {
    let finding = report["findings"].as_array().unwrap().iter().find(|one| one["jsonPath"] == path);
    finding.unwrap_or_else(|| panic!("nothing at {path}: {report}"))["message"].as_str().unwrap()
}

fn the_hosts_audit(host: Host) {
    let is_new = host.is_new();
    let telegram = Telegram::start();
    let home = home(host, &telegram);
    let token = "channels.telegram.botToken";
    let (exit, resolved) = audit(&home);
    assert_eq!((exit, &resolved["summary"]["unresolvedRefCount"]), (0, &json!(0)), "{resolved}");
    assert_eq!(resolved["resolution"]["refsChecked"], 2, "{resolved}");
    let (own_exit, seen) = own_audit(&home);
    assert_eq!((own_exit, findings(&seen)), (0, findings(&resolved)), "both see the same");

    let at = "/channels/telegram/botToken";
    let fails = |id: &str, expected_of_new: &str, expected_of_old: &str| {
        change(&home, at, exec(id));
        let (exit, report) = audit(&home);
        assert_eq!((exit, &report["status"]), (2, &json!("unresolved")), "{id}: {report}");
        let said = message(&report, token);
        assert!(said.contains(if is_new { expected_of_new } else { expected_of_old }), "{id}: {said}");
        let (own_exit, seen) = own_audit(&home);
        assert_eq!((own_exit, findings(&seen)), (2, findings(&report)), "both see the same");
        report
    };
    let named = |id: &str, why: &str| format!("failed for id \"{id}\"{why}");
    // Several at once, for the host takes its time: each id has its own error, and the host its own words for it.
    let places = [
        (
            "/models/providers/test/apiKey",
            "models.providers.test.apiKey",
            "nothing",
            "has none of the known forms",
        ),
        ("/cron", "cron.webhookToken", "session/main/apikey/my_model", "agent-identity serve"),
    ];
    change(&home, places[0].0, exec(places[0].2));
    change(&home, "", with(&home, "cron", json!({ "webhookToken": exec(places[1].2) })));
    let seen = fails("apikey/gone", &named("apikey/gone", " (NOT_FOUND)"), "no credential provider");
    for (_, path, id, why) in places {
        let code = if id.starts_with("session") { "" } else { " (NOT_FOUND)" };
        let (said, newer) = (message(&seen, path), named(id, code));
        assert!(said.contains(if is_new { &newer } else { why }), "{id}: {said}");
    }
    change(&home, places[0].0, exec(MODEL));
    change(&home, "/cron", json!({}));
    // A session: nobody has logged in, somebody has, and has logged out again.
    let server = OwnServer::start(own(&home, &["serve"])).unwrap_or_else(|log| panic!("{log}"));
    let of_session = "session/main/apikey/my_model";
    fails(of_session, &named(of_session, " (NOT_FOUND)"), "log in");
    let login: Value =
        serde_json::from_slice(&own(&home, &["login", "--no-wait", "--json"]).output().unwrap().stdout)
            .unwrap();
    Browser::new().log_in(login["authUrl"].as_str().unwrap(), "alice");
    assert_eq!(audit(&home).0, 0, "the session's own key is there");
    assert!(own(&home, &["logout"]).output().unwrap().status.success());
    assert_eq!(audit(&home).0, 2);
    server.stop();
    // A dead cloud: the one that is asked of it fails, and the reason is not taken for a missing secret.
    home.emulator.faults().add(Fault::always("GetResourceApiKey", Effect::HangUp)).unwrap();
    fails("apikey/telegram::20bot", "failed for id \"apikey/telegram::20bot\".", "failed for id");
    home.emulator.faults().clear();
    // What is no request at all, the program tells by its exit code.
    change(&home, "/secrets/providers/hosted/args", json!(["secrets", "provider", "--no-such-option"]));
    fails(BOT, "exited with code 2", "exited with code 2");
    let shown = own(&home, &["secrets", "setup", "--alias", "hosted", "--json"]).output().unwrap();
    assert!(!shown.status.success() && text(&shown.stdout).contains("exit status: 2"), "setup sees it, too");
    change(&home, "/secrets", json!({}));
    change(&home, "/secrets", block(&home));
    the_plan(&home);
}

/// Plain text is found by both, and the host carries out our plan: then there is none.
fn the_plan(home: &Home) {
    change(home, "/channels/telegram/botToken", BOT_TOKEN.into());
    change(home, "/models/providers/test/apiKey", MODEL_KEY.into());
    let (_, theirs) = audit(home);
    assert_eq!(theirs["summary"]["plaintextCount"], 3, "the gateway's own token is one: {theirs}");
    assert_eq!(findings(&own_audit(home).1), findings(&theirs));
    let proposed = own(home, &["secrets", "audit", "--fix", "--alias", "hosted", "--json"]).output().unwrap();
    let mut proposed: Value = serde_json::from_slice(&proposed.stdout).unwrap();
    assert!(!proposed.to_string().contains("canary"), "{proposed}");
    for credential in proposed["before"]["host"].as_array().unwrap() {
        let key = match credential["for"].as_str().unwrap() {
            "channels.telegram.botToken" => BOT_TOKEN,
            "models.providers.test.apiKey" => MODEL_KEY,
            "gateway.auth.token" => "gateway-token",
            other => panic!("{other}"),
        };
        host_key(home, credential["name"].as_str().unwrap(), key);
    }
    let plan = home.path().join("plan.json");
    fs::write(&plan, proposed["plan"].take().to_string()).unwrap();
    let plan = plan.to_str().unwrap();
    for more in [&["--dry-run"][..], &[]] {
        let output = home.run(&[&["secrets", "apply", "--from", plan, "--allow-exec"][..], more].concat());
        assert!(output.status.success(), "{more:?}: {}{}", text(&output.stdout), text(&output.stderr));
    }
    let (exit, applied) = audit(home);
    assert_eq!((exit, &applied["status"]), (0, &json!("clean")), "{applied}");
    assert_eq!(applied["resolution"]["refsChecked"], 3, "{applied}");
    assert!(!fs::read_to_string(home.config_file()).unwrap().contains("canary"));
}

#[test]
fn the_hosts_own_audit_has_its_references_answered_and_clear_words_for_what_is_not() {
    in_both_hosts(
        "the_hosts_own_audit_has_its_references_answered_and_clear_words_for_what_is_not",
        the_hosts_audit,
    );
}

#[test]
fn a_gateway_starts_its_channel_and_asks_its_model_with_hosted_secrets() {
    in_both_hosts("a_gateway_starts_its_channel_and_asks_its_model_with_hosted_secrets", |host| {
        let telegram = Telegram::start();
        let home = home(host, &telegram);
        let gateway = home.start();
        assert_eq!(telegram.token(), BOT_TOKEN);
        let reply = gateway.connect(WEBCHAT).say("main", "hello");
        assert_eq!(reply.state, "final", "{}", gateway.log());
        assert_eq!(home.model.keys().first().unwrap(), &format!("Bearer {MODEL_KEY}"));
        let log = gateway.stop();
        assert!(!log.contains("canary"), "{log}");
        let config = fs::read_to_string(home.config_file()).unwrap();
        assert!(!config.contains("canary"), "the host has not written what it resolved");
    });
}

#[test]
fn a_secret_that_cannot_be_had_stops_an_old_gateway_and_costs_a_new_one_its_channel_alone() {
    in_both_hosts(
        "a_secret_that_cannot_be_had_stops_an_old_gateway_and_costs_a_new_one_its_channel_alone",
        |host| {
            let (is_new, telegram) = (host.is_new(), Telegram::start());
            let home = home(host, &telegram);
            change(&home, "/channels/telegram/botToken", exec("apikey/gone"));
            if is_new {
                let gateway = home.start();
                let reply = gateway.connect(WEBCHAT).say("main", "hello");
                assert_eq!(reply.state, "final", "{}", gateway.log());
                assert_eq!(home.model.keys().first().unwrap(), &format!("Bearer {MODEL_KEY}"));
                let log = gateway.stop();
                assert!(log.contains("SECRETS_") || log.contains("apikey/gone"), "{log}");
            } else {
                let port = home.port.to_string();
                let output = home.run(&["gateway", "run", "--port", &port, "--bind", "loopback"]);
                let said = text(&output.stdout) + &text(&output.stderr);
                assert!(!output.status.success() && said.contains("apikey/gone"), "{said}");
                assert!(said.contains("no credential provider"), "older hosts show our own words: {said}");
            }
        },
    );
}

#[test]
fn the_plugins_own_secrets_may_be_references_and_one_without_a_value_does_not_keep_a_gateway_from_starting() {
    in_both_hosts("the_plugins_own_secrets_may_be_references", |host| {
        let home = Home::new(host, |home, config| {
            let mut settings = home.identity();
            let keys = json!({ "ak": settings["identity"]["accessKeyId"], "sk": settings["identity"]["secretAccessKey"] });
            let file = home.path().join("keys.json");
            fs::write(&file, keys.to_string()).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
            let on_disk = |id: &str| json!({ "source": "file", "provider": "disk", "id": id });
            settings["identity"]["accessKeyId"] = on_disk("/ak");
            settings["identity"]["secretAccessKey"] = on_disk("/sk");
            settings["userpool"]["clientSecret"] =
                json!({ "source": "env", "provider": "default", "id": "GONE" });
            config["secrets"] = json!({ "providers": { "disk": { "source": "file", "path": file } } });
            home.load_ours(config, settings);
        });
        let gateway = home.start();
        let ours = Path::new(env!("CARGO_BIN_EXE_agent-identity"));
        // The plugin's server is there once the plugin has answered somebody.
        let reply = gateway.connect(WEBCHAT).say("main", "/identity status");
        assert_eq!(reply.state, "final", "{}", gateway.log());
        let status = at_home(&home, ours, &["status", "--json"]).output().unwrap();
        let status: Value =
            serde_json::from_slice(&status.stdout).unwrap_or_else(|_| panic!("{}", gateway.log()));
        let problem = status["login"].to_string();
        assert!(problem.contains("clientSecret"), "its client must not pass for a public one: {problem}");
        let mut provider = at_home(&home, ours, &["secrets", "provider"]);
        let mut child = provider.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let request = json!({ "protocolVersion": 1, "ids": ["apikey/openai"] }).to_string();
        child.stdin.take().unwrap().write_all(request.as_bytes()).unwrap();
        let answer: Value = serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap();
        assert_eq!(
            answer["values"]["apikey/openai"], "sk-emulator-openai",
            "the platform keys are there: {answer}"
        );
        gateway.stop();
    });
}
