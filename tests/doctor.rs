//! `agent-identity doctor`, as an operator runs it: what it says about a machine that works, about each thing that may be
//! wrong, and that it changes nothing and gives no secret away.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test file, helpers included")]
#![cfg(feature = "emulator")]

mod support;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};

use agent_identity::emulator::{Effect, Fault, Options};
use serde_json::{Value, json};
use support::feishu::{APP, Feishu};
use support::{Home, text};

/// What no output of the command may hold.
const CANARIES: [&str; 3] = ["emulator-secret-access-key", "emulator-client-secret", "canary"];

/// Where nobody listens: the port is reserved.
const NOBODY: &str = "http://127.0.0.1:1";

/// A home whose callback is at an address that no other test listens on.
fn home_at(address: &str) -> Home {
    Home::with(Options::default(), |config| {
        config["userpool"]["callbackUrl"] = json!(format!("http://{address}/callback"));
    })
}

fn doctor(command: &mut Command) -> (i32, String) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let Output { status, stdout, stderr } = output;
    let (shown, log) = (text(&stdout), text(&stderr));
    for canary in CANARIES {
        assert!(!shown.contains(canary) && !log.contains(canary), "{canary} in {shown}{log}");
    }
    assert_eq!(log, "", "everything is said in the report");
    (status.code().unwrap(), shown)
}

/// The report with what differs from run to run replaced.
fn golden(home: &Home, shown: &str) -> String {
    let shown = shown.replace(home.state().to_str().unwrap(), "STATE");
    shown.replace(home.emulator.base_url(), "EMULATOR").replace(&home.callback, "CALLBACK")
}

/// The findings of one check, each as level and message.
fn findings(home: &Home, check: &str, change: impl FnOnce(&mut Command)) -> (i32, Vec<(String, String)>) {
    let mut command = home.command(&["doctor", "--json"]);
    change(&mut command);
    let (code, shown) = doctor(&mut command);
    let report: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(report["ok"], code == 0);
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    let of_check = report["checks"].as_array().unwrap().iter().filter(|finding| finding["check"] == check);
    let found = of_check.map(|finding| {
        let hint = text(finding, "hint");
        (text(finding, "level"), format!("{} -> {hint}", text(finding, "message")))
    });
    (code, found.collect())
}

#[test]
fn the_feishu_app_that_would_tell_of_logins_is_tried() {
    let feishu = Feishu::start();
    let home = home_at("127.0.0.78:18789");
    let tried = |app_secret: &Value| {
        let mut channel = feishu.config();
        channel["appSecret"] = app_secret.clone();
        let config = json!({
            "channels": { "feishu": channel },
            "plugins": { "entries": { "agent-identity": { "config": home.config() } } },
        });
        fs::write(home.state().join("openclaw.json"), config.to_string()).unwrap();
        let (code, found) = findings(&home, "messages", |_| {});
        assert_eq!(code, 0, "messages are an extra");
        found.into_iter().map(|(level, text)| format!("{level}: {text}")).collect::<Vec<_>>()
    };
    assert_eq!(tried(&APP.1.into()), [format!("ok: Feishu app {} at {} -> ", APP.0, feishu.address())]);
    assert!(tried(&"another-canary".into())[0].starts_with("warn: Feishu does not know the app"));
    let unset = json!({ "source": "env", "provider": "default", "id": "NOT_THERE" });
    assert!(tried(&unset)[0].contains("NOT_THERE is not set"));
    assert!(tried(&Value::Null).is_empty(), "no channel, no word");
}

#[test]
fn a_machine_before_its_first_start_is_described_line_by_line() {
    let home = home_at("127.0.0.77:18789");
    let nowhere = home.state().join("credential");
    let (code, shown) = doctor(home.command(&["doctor"]).env("VOLCENGINE_CREDENTIALS_FILE", &nowhere));
    assert_eq!(
        golden(&home, &shown),
        "\
ok    config         STATE/openclaw.json
warn  server         no server: there is no socket STATE/plugins/identity/identity.sock -> start it with: agent-identity serve
-     data folder    STATE/plugins/identity does not exist yet: the server creates it
-     sealing key    STATE/plugins/identity/sessions.key does not exist yet: it is made with the first login
-     stored logins  none
-     socket peers   processes that cannot be identified are let in (same user only) -> set identity.localServerFailOpen to false to refuse them
ok    endpoint       EMULATOR, region cn-beijing (identity.endpoint)
ok    network        no proxy, the bundled root certificates
ok    platform keys  config: …; used
-     platform keys  environment: passed over, VOLCENGINE_ACCESS_KEY and VOLCENGINE_SECRET_KEY are not set
-     platform keys  metadata: passed over, identity.credentialsMetadataUrl is not set
-     platform keys  file: passed over, STATE/credential does not exist
ok    cloud          answers, and knows the workload pool default
ok    clock          within 60 seconds of the cloud's
ok    user pool      issuer EMULATOR/userpool/up-local
ok    callback       http://127.0.0.77:18789/callback, 127.0.0.77:18789 is free
0 to mend, 1 to look at
"
    );
    assert_eq!(code, 0, "a warning is no failure");
    assert!(!home.data().exists(), "nothing was created");
}

#[test]
fn a_running_server_is_left_alone() {
    let home = Home::new();
    let server = home.serve();
    home.log_in("alice", None);
    let (code, shown) = doctor(&mut home.command(&["doctor"]));
    let shown = golden(&home, &shown);
    for line in [
        "ok    server         version",
        "ok    data folder    STATE/plugins/identity, private\n",
        "ok    sealing key    STATE/plugins/identity/sessions.key\n",
        "ok    stored logins  held by the server\n",
        "ok    callback       CALLBACK, taken by the server\n",
        "0 to mend, 0 to look at\n",
    ] {
        assert!(shown.contains(line), "{line:?} is not in\n{shown}");
    }
    assert_eq!(code, 0);
    assert_eq!(home.json(&["whoami", "--json"])["loggedIn"], true);
    server.stop();
}

#[test]
fn an_unusable_configuration_is_the_first_thing_to_mend() {
    let home = Home::with(Options::default(), |config| {
        config["identity"]["endpoint"] = json!("http://id.example");
        config["identity"]["localServer"] = json!("canary");
    });
    let (code, found) = findings(&home, "config", |_| {});
    assert_eq!(code, 6);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|(level, _)| level == "fail"));
    assert!(found[0].1.contains("identity.endpoint must be https"), "{found:?}");
    let (_, found) = findings(&home, "cloud", |_| {});
    assert!(found.is_empty(), "nothing is sent anywhere");
    assert!(home.emulator.requests().all().is_empty());
}

#[test]
fn every_source_of_keys_is_told_with_the_one_in_use() {
    let home = Home::with(Options::default(), |config| {
        config["identity"]["roleTrn"] = json!("trn:iam::2100000000:role/AgentRole");
    });
    let file = home.state().join("credential");
    fs::write(&file, r#"{"access_key_id":"AKLTexample00000001","secret_access_key":"canary"}"#).unwrap();
    let environment = |command: &mut Command| {
        command.env("VOLCENGINE_CREDENTIALS_FILE", &file).env("VOLCENGINE_ACCESS_KEY", "AKLThalf");
    };
    let (code, found) = findings(&home, "platform keys", environment);
    let expected = [
        ("ok", "config: …, assumes trn:iam::2100000000:role/AgentRole; used"),
        ("note", "environment: passed over, incomplete, VOLCENGINE_SECRET_KEY is not set"),
        ("note", "metadata: passed over, identity.credentialsMetadataUrl is not set"),
        ("note", "file: AKLT…0001, assumes trn:iam::2100000000:role/AgentRole; passed over for config"),
    ];
    for ((level, message), (expected_level, expected)) in found.iter().zip(expected) {
        assert_eq!((level.as_str(), message.strip_suffix(" -> ").unwrap()), (expected_level, expected));
    }
    assert_eq!((code, found.len()), (0, 4));
    let (_, role) = findings(&home, "role", environment);
    assert!(role[0].1.starts_with("trn:iam::2100000000:role/AgentRole assumed until 20"), "{role:?}");
}

#[test]
fn missing_keys_fail_without_a_call() {
    let home = Home::with(Options::default(), |config| {
        let identity = config["identity"].as_object_mut().unwrap();
        identity.remove("accessKeyId");
        identity.remove("secretAccessKey");
    });
    let (code, found) = findings(&home, "platform keys", |_| {});
    let (level, message) = found.last().unwrap();
    assert_eq!((code, level.as_str()), (6, "fail"));
    assert!(message.contains("no platform keys") && message.contains("-> set identity.accessKeyId"));
    assert!(findings(&home, "cloud", |_| {}).1.is_empty());
}

#[test]
fn what_the_cloud_refuses_is_told_with_the_next_step() {
    let home = Home::with(Options::default(), |config| {
        config["identity"]["secretAccessKey"] = json!("canary");
    });
    let (code, found) = findings(&home, "cloud", |_| {});
    assert_eq!((code, found[0].0.as_str()), (5, "fail"));
    assert!(found[0].1.contains("SignatureDoesNotMatch") && found[0].1.contains("-> check the secret key"));

    let home = Home::with(Options::default(), |config| {
        config["identity"]["workloadPoolName"] = json!("elsewhere");
    });
    let (code, found) = findings(&home, "cloud", |_| {});
    assert_eq!(code, 5);
    assert!(found[0].1.contains("-> create the workload pool elsewhere"), "{found:?}");
}

#[test]
fn a_permission_that_only_this_command_needs_is_no_failure() {
    let home = Home::new();
    let effect = Effect::Error { status: 403, code: "LackPolicy".to_owned(), message: "no".to_owned() };
    home.emulator.faults().add(Fault::always("GetWorkloadPool", effect)).unwrap();
    let (code, found) = findings(&home, "cloud", |_| {});
    assert_eq!((code, found[0].0.as_str()), (0, "note"));
    assert!(found[0].1.contains("LackPolicy") && found[0].1.contains("id:GetWorkloadPool"), "{found:?}");
}

#[test]
fn a_wrong_clock_is_measured() {
    let home = Home::new();
    home.emulator.set_clock_offset(7200);
    let (code, found) = findings(&home, "clock", |_| {});
    assert_eq!((code, found[0].0.as_str()), (0, "warn"));
    let (_, hint) = found[0].1.split_once("this machine's clock is ").unwrap();
    let seconds: u64 = hint.split(' ').next().unwrap().parse().unwrap();
    assert!(seconds.abs_diff(7200) < 60 && hint.ends_with("seconds behind the cloud's: set the clock"));
    assert_eq!(findings(&home, "cloud", |_| {}).1[0].0, "ok", "the call itself is corrected");
}

#[test]
fn a_region_that_nobody_names_falls_back_with_a_warning() {
    let home = Home::with(Options::default(), |config| {
        let identity = config["identity"].as_object_mut().unwrap();
        identity.remove("endpoint");
        // Without keys nothing is sent to the default endpoint.
        identity.remove("accessKeyId");
        identity.insert("regionMetadataUrl".to_owned(), json!(NOBODY));
    });
    let (_, found) = findings(&home, "endpoint", |_| {});
    assert_eq!(found[0].0, "warn");
    assert!(found[0].1.contains("https://id.cn-beijing.volcengineapi.com, region cn-beijing"), "{found:?}");
}

#[test]
fn what_cannot_be_reached_is_told_apart_from_what_refuses() {
    let home = Home::with(Options::default(), |config| {
        config["identity"]["endpoint"] = json!(NOBODY);
        config["userpool"]["discoveryUrl"] = json!(NOBODY);
    });
    let (code, found) = findings(&home, "cloud", |_| {});
    assert_eq!((code, found[0].0.as_str()), (7, "fail"));
    assert!(found[0].1.contains("connection refused"), "{found:?}");
    let (_, found) = findings(&home, "user pool", |_| {});
    assert_eq!(found[0].0, "fail");
}

#[test]
fn a_taken_port_and_an_open_folder_are_warnings() {
    let taken = TcpListener::bind("127.0.0.78:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let home = home_at(&address);
    let (code, found) = findings(&home, "callback", |_| {});
    assert_eq!((code, found[0].0.as_str()), (0, "warn"));
    assert!(found[0].1.contains(&address) && found[0].1.contains("-> stop what listens there"));

    fs::create_dir_all(home.data()).unwrap();
    fs::set_permissions(home.data(), fs::Permissions::from_mode(0o755)).unwrap();
    let (code, found) = findings(&home, "data folder", |_| {});
    assert_eq!((code, found[0].0.as_str()), (0, "warn"));
    assert!(found[0].1.contains("mode 0755"), "{found:?}");
    let mode = fs::metadata(home.data()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755, "it only looks");
}

#[test]
fn stored_logins_without_their_key_are_a_failure() {
    let home = Home::new();
    let server = home.serve();
    home.log_in("alice", None);
    server.stop();
    let (code, found) = findings(&home, "stored logins", |_| {});
    assert_eq!((code, found[0].1.as_str()), (0, "there are some for the next server -> "));
    fs::remove_file(home.data().join("sessions.key")).unwrap();
    let (code, found) = findings(&home, "sealing key", |_| {});
    assert_eq!((code, found[0].0.as_str()), (8, "fail"));
    let (_, found) = findings(&home, "sealing key", |command| {
        command.env("AGENT_IDENTITY_KEY_FILE", home.state().join("absent"));
    });
    assert!(found[0].1.contains("absent does not exist"), "{found:?}");
}

#[test]
fn proxy_and_certificates_in_effect_are_named_without_the_proxys_password() {
    let home = Home::with(Options::default(), |config| {
        config["identity"]["endpoint"] = json!("https://id.invalid");
    });
    let proxy = "http://user:canary@127.0.0.1:1";
    let (code, found) = findings(&home, "network", |command| {
        command.env("HTTPS_PROXY", proxy);
    });
    assert!(found[0].1.starts_with("through the proxy 127.0.0.1:1,"), "{found:?}");
    assert_eq!(code, 7);
    let (code, found) = findings(&home, "network", |command| {
        command.env("SSL_CERT_FILE", "/nonexistent/roots.pem");
    });
    assert_eq!((code, found[0].0.as_str()), (6, "fail"));
    assert!(found[0].1.contains("/nonexistent/roots.pem"), "{found:?}");
}
