//! What goes wrong around us: each fault gives a clear message with what to do next, and nothing is lost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test file, helpers included")]
#![cfg(feature = "emulator")]

mod support;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::time::Duration;

use agent_identity::emulator::{AccessKey, Effect, Fault, Options};
use serde_json::json;
use support::{Home, Server, contains, text};

/// A server that must not start: its log.
fn refusal(home: &Home, args: &[&str]) -> (Option<i32>, String) {
    let output = home.run(args);
    (output.status.code(), text(&output.stderr))
}

fn assert_says(log: &str, parts: &[&str]) {
    for part in parts {
        assert!(log.contains(part), "{part:?} is missing in:\n{log}");
    }
}

#[test]
fn an_unknown_key_names_the_nearest_one() {
    let home = Home::with(Options::default(), |config| config["identity"]["localServr"] = json!(true));
    let (code, log) = refusal(&home, &["serve"]);
    assert_eq!(code, Some(6));
    assert_says(&log, &["identity.localServr", "identity.localServer"]);
    let (code, log) = refusal(&home, &["config", "check"]);
    assert_eq!(code, Some(6), "{log}");
}

#[test]
fn a_star_in_the_middle_of_an_allowed_name_is_an_error_for_the_check_and_the_server_alike() {
    let home = Home::with(Options::default(), |config| {
        config["identity"]["localServerAllowlist"] = json!(["node", "*thon"]);
    });
    for args in [&["config", "check"][..], &["serve"]] {
        let (code, log) = refusal(&home, args);
        assert_eq!(code, Some(6), "{args:?}: {log}");
        assert_says(&log, &["identity.localServerAllowlist[1]", "*thon", "hint: "]);
    }
}

#[test]
fn a_configuration_that_is_not_json5_says_where() {
    let home = Home::new();
    fs::write(home.state().join("openclaw.json"), "{\n  plugins: {\n    entries: [,]\n").unwrap();
    let (code, log) = refusal(&home, &["serve"]);
    assert_eq!(code, Some(6));
    assert_says(&log, &["openclaw.json:3:"]);
}

#[test]
fn a_missing_client_id_is_told_at_login() {
    let home = Home::with(Options::default(), |config| {
        config["userpool"].as_object_mut().unwrap().remove("clientId");
    });
    let server = home.serve();
    let output = home.run(&["login", "--no-wait"]);
    assert_eq!(output.status.code(), Some(6));
    assert_says(&text(&output.stderr), &["userpool.clientId"]);
    assert_says(&server.stop(), &["people cannot log in", "userpool.clientId", "hint="]);
}

#[test]
fn a_socket_path_that_is_too_long_is_refused() {
    let home = Home::new();
    let long = home.state().join("x".repeat(120)).join("identity.sock");
    let (code, log) = refusal(&home, &["serve", "--socket", long.to_str().unwrap()]);
    assert_ne!(code, Some(0));
    assert_says(&log, &["107", "shorter path"]);
}

#[test]
fn a_second_server_names_the_first() {
    let home = Home::new();
    let server = home.serve();
    let (code, log) = refusal(&home, &["serve"]);
    assert_eq!(code, Some(8), "{log}");
    assert_says(&log, &[&server.pid().to_string()]);
    assert_eq!(home.curl(&["http://localhost/healthz"]).0, 200, "the first server goes on");
    server.stop();
}

#[test]
fn a_callback_port_in_use_is_named() {
    let home = Home::new();
    let address = home.callback.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    let taken = TcpListener::bind(&address).unwrap();
    let (code, log) = refusal(&home, &["serve"]);
    assert_ne!(code, Some(0));
    assert_says(&log, &[&address, "userpool.callbackUrl"]);
    assert!(!home.socket().exists());
    drop(taken);
    home.serve().stop();
}

#[test]
fn a_wrong_key_leaves_the_sessions_alone() {
    let home = logged_in_home();
    let before = fs::read(home.data().join("sessions.json")).unwrap();
    let key = home.data().join("sessions.key");
    let good = fs::read(&key).unwrap();
    fs::write(&key, format!("{}\n", agent_identity::base::codec::base64(&[7; 32]))).unwrap();
    let server = home.serve();
    let status = home.json(&["status", "--json"]);
    assert_says(&status["store"].to_string(), &["store_unreadable"]);
    // Logins work, in memory only; what is on disk stays as it is.
    home.log_in("bob", None);
    assert_eq!(home.json(&["whoami", "--json"])["loggedIn"], true);
    assert_says(&server.stop(), &["sessions.json"]);
    assert_eq!(fs::read(home.data().join("sessions.json")).unwrap(), before);
    fs::write(&key, good).unwrap();
    let server = home.serve();
    assert_eq!(home.json(&["whoami", "--json"])["loggedIn"], true, "the right key opens them again");
    server.stop();
}

#[test]
fn damaged_and_truncated_sessions_are_kept_for_the_operator() {
    let home = logged_in_home();
    let file = home.data().join("sessions.json");
    let good = fs::read(&file).unwrap();
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] = if flipped[middle] == b'A' { b'B' } else { b'A' };
    for bad in [
        flipped,
        good[..good.len() / 2].to_vec(),
        b"{\"iv\":\"00\",\"data\":\"ff\"}".to_vec(),
        b"garbage".to_vec(),
    ] {
        fs::write(&file, &bad).unwrap();
        let server = home.serve();
        assert_says(&home.json(&["status", "--json"])["store"].to_string(), &["store_unreadable", "hint"]);
        server.stop();
        assert_eq!(fs::read(&file).unwrap(), bad, "left untouched");
    }
    fs::write(&file, good).unwrap();
    let server = home.serve();
    assert_eq!(home.json(&["whoami", "--json"])["loggedIn"], true);
    server.stop();
}

#[test]
fn a_dead_control_plane_is_told_and_recovers_without_a_restart() {
    let home = logged_in_home();
    let server = home.serve();
    let page =
        |status, body: &str| Effect::Respond { status, content_type: "text/html".into(), body: body.into() };
    let refused = |status, code: &str| Effect::Error { status, code: code.into(), message: "told to".into() };
    for (effect, code) in [
        (refused(503, "ServiceUnavailable"), "cloud_unreachable"),
        (refused(200, "InternalError"), "cloud_unreachable"),
        (refused(200, "InvalidParameter"), "cloud_refused"),
        (refused(403, "LackPolicy"), "cloud_refused"),
        (page(502, "<html>proxy</html>"), "cloud_"),
        (page(200, "<html>captive portal</html>"), "cloud_invalid"),
        (Effect::HangUp, "cloud_unreachable"),
        (Effect::Truncate { bytes: 40 }, "cloud_"),
        (Effect::MissingResult, "cloud_invalid"),
    ] {
        home.emulator.faults().add(Fault::always("GetWorkloadAccessTokenForJWT", effect.clone())).unwrap();
        let (status, body) = home.curl(&["http://localhost/token"]);
        assert!(status == 502 || status == 503, "{effect:?}: {status} {body}");
        assert_says(&body["error"].to_string(), &[code, "GetWorkloadAccessTokenForJWT"]);
        assert!(body["error"]["hint"].is_string(), "{effect:?}: {body}");
        let seen = home.json(&["status", "--json"]);
        assert_eq!(seen["sessions"][0]["problem"]["code"], body["error"]["code"], "{effect:?}");
        home.emulator.faults().clear();
    }
    let (status, _) = home.curl(&["http://localhost/token"]);
    assert_eq!(status, 200, "recovered");
    server.stop();
}

#[test]
fn an_unreachable_cloud_says_since_when() {
    let home = logged_in_home();
    let mut config = home.config();
    config["identity"]["endpoint"] = json!(format!("http://127.0.0.1:{}", support::free_port()));
    home.write_config(&config);
    let server = home.serve();
    let (status, body) = home.curl(&["http://localhost/token"]);
    assert_eq!((status, &body["error"]["code"]), (503, &json!("cloud_unreachable")));
    assert!(home.json(&["status", "--json"])["cloud"]["unreachableSince"].is_string());
    let token = home.run(&["token"]);
    assert_eq!(token.status.code(), Some(7));
    server.stop();
}

#[test]
fn missing_platform_keys_list_the_sources() {
    let home = logged_in_home();
    let mut config = home.config();
    config["identity"].as_object_mut().unwrap().remove("accessKeyId");
    config["identity"].as_object_mut().unwrap().remove("secretAccessKey");
    config["identity"]["credentialsFile"] = json!(home.state().join("absent"));
    home.write_config(&config);
    let server = home.serve();
    let (status, body) = home.curl(&["http://localhost/token"]);
    assert_eq!((status, &body["error"]["code"]), (503, &json!("keys_missing")));
    assert_says(&body.to_string(), &["VOLCENGINE_ACCESS_KEY", "absent"]);
    server.stop();
}

#[test]
fn a_full_disk_keeps_the_login_in_memory_and_says_so() {
    let home = Home::new();
    // A file size limit of nothing is what a full disk looks like to a write.
    let limited = format!("trap '' XFSZ; ulimit -f 0; exec {} serve", env!("CARGO_BIN_EXE_agent-identity"));
    home.serve().stop();
    let mut command = std::process::Command::new("bash");
    command
        .args(["-c", &limited])
        .env_clear()
        .env("PATH", support::path())
        .env("OPENCLAW_STATE_DIR", home.state());
    let server = Server::start(command).unwrap();
    home.log_in("alice", None);
    assert_eq!(
        home.json(&["token", "--json"])["chain"],
        json!(["main"]),
        "the login works until the next start"
    );
    let store = home.json(&["status", "--json"])["store"].to_string();
    assert_says(&store, &["store_unwritable"]);
    server.stop();
    let server = home.serve();
    assert_eq!(home.run(&["whoami"]).status.code(), Some(3), "the disk has the state of before, whole");
    server.stop();
}

#[test]
fn secrets_appear_nowhere() {
    let canaries = ["CANARY-client-secret", "CANARY-secret-key"];
    let options = Options {
        client_secret: canaries[0].to_owned(),
        access_keys: vec![AccessKey::new("AKLTemulator", canaries[1])],
        // As long as the renewal margin: every use renews, so refresh tokens travel too.
        id_token_lifetime: Duration::from_secs(60),
        ..Options::default()
    };
    let home = Home::with(options, |_| {});
    let mut command = home.command(&["serve", "--log", "debug"]);
    command.env("IDENTITY_STS_DEBUG", "1").env("VOLCENGINE_SESSION_TOKEN", "CANARY-session-token");
    let server = Server::start(command).unwrap();
    home.log_in("alice", None);
    let token = home.json(&["token", "--json"])["token"].as_str().unwrap().to_owned();
    let (_, session) = home.curl(&["http://localhost/session"]);
    let user_token = session["userToken"].as_str().unwrap().to_owned();
    let mut seen = vec![home.curl_text(&["http://localhost/status"]).1];
    for args in [
        &["status"][..],
        &["whoami"],
        &["whoami", "--json"],
        &["config", "show"],
        &["config", "check"],
        &["login"],
    ] {
        let output = home.run(args);
        seen.push(text(&output.stdout) + &text(&output.stderr));
    }
    // Make the cloud and the provider angry, so that errors are made of what they were sent.
    for target in ["GetWorkloadAccessTokenForJWT", "token"] {
        let effect = Effect::Respond { status: 400, content_type: "text/plain".into(), body: "no".into() };
        home.emulator.faults().add(Fault::always(target, effect)).unwrap();
        seen.push(text(&home.run(&["login"]).stderr));
        home.emulator.faults().clear();
    }
    seen.push(home.curl_text(&["http://localhost/token?session=CANARY"]).1.replace("CANARY", ""));
    seen.push(server.stop());
    // What went to the provider's token endpoint: codes, verifiers, refresh tokens.
    let sent = home.emulator.requests().to("token").into_iter().flat_map(|request| {
        let body = request.body.as_object().cloned().unwrap_or_default();
        let secret = body
            .into_iter()
            .filter(|(name, _)| matches!(&**name, "code" | "code_verifier" | "refresh_token"));
        secret.map(|(_, value)| value.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    });
    let sent: Vec<_> = sent.collect();
    assert!(sent.len() >= 3, "a login and a renewal: {sent:?}");
    let given = canaries.map(str::to_owned).into_iter();
    let secrets: Vec<_> =
        given.chain([token, user_token, "CANARY-session-token".to_owned()]).chain(sent).collect();
    let on_disk = home.bytes_on_disk_below(&home.data());
    for secret in secrets {
        for text in &seen {
            assert!(!text.contains(&secret), "{secret} is in:\n{text}");
        }
        assert!(!contains(&on_disk, &secret), "{secret} is on disk");
    }
}

fn logged_in_home() -> Home {
    let home = Home::new();
    let server = home.serve();
    home.log_in("alice", None);
    server.stop();
    home
}

#[test]
fn a_read_only_folder_is_named() {
    let home = Home::new();
    // Root writes where it likes, so the server runs as nobody then; as anybody else it runs as ourselves.
    let nobody = 65534;
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let closed = home.state().join("plugins");
    fs::create_dir(&closed).unwrap();
    for folder in [home.state(), &closed] {
        if is_root {
            std::os::unix::fs::chown(folder, Some(nobody), Some(nobody)).unwrap();
        }
    }
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o500)).unwrap();
    let mut command = home.command(&["serve"]);
    if is_root {
        command.uid(nobody).gid(nobody);
    }
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            return support::skipped(
                "a_read_only_folder_is_named",
                &format!("nobody cannot start it: {error}"),
            );
        }
    };
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(output.status.code(), Some(8));
    assert_says(&text(&output.stderr), &["plugins/identity", "hint:"]);
}
