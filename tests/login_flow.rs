//! The story that everything else serves: a person logs in through a browser, and curl gets a workload token that
//! names the person and the agent. Real binary, real socket, real curl; the emulator plays cloud and user pool.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test file, helpers included")]
#![cfg(feature = "emulator")]

mod support;

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Duration;

use agent_identity::base::time::{Clock as _, SystemClock};
use agent_identity::emulator::Options;
use agent_identity::http::limits::STOP_GRACE;
use serde_json::{Value, json};
use support::browser::Browser;
use support::{Home, contains, text};

#[test]
fn a_person_logs_in_and_curl_gets_a_token() {
    let home = Home::new();
    let server = home.serve();

    let (status, body) = home.curl(&["http://localhost/token"]);
    assert_eq!((status, &body["error"]["code"]), (401, &json!("not_logged_in")));
    assert!(body["error"]["hint"].as_str().unwrap().contains("agent-identity login"));

    home.log_in("alice", None);

    let (status, token) = home.curl(&["http://localhost/token"]);
    assert_eq!(status, 200, "{token}");
    assert_eq!(token["sessionKey"], "agent:main:main");
    assert_eq!(token["chain"], json!(["main"]));
    assert!(token["expiresInSeconds"].as_u64().unwrap() > 60);
    assert_eq!(claims(&token["token"])["sub"], token["sub"]);
    assert_eq!(claims(&token["token"])["act"]["sub"], "main");

    let (status, session) = home.curl(&["http://localhost/session"]);
    assert_eq!((status, &session["sub"]), (200, &token["sub"]));
    assert_eq!(claims(&session["userToken"])["sub"], token["sub"]);
    assert!(session.get("refreshToken").is_none());

    let (status, health) = home.curl(&["http://localhost/healthz"]);
    assert_eq!((status, &health["ok"]), (200, &json!(true)));

    let (status, whoami) = home.curl(&[
        "-X",
        "POST",
        "http://localhost/tool/identity_whoami",
        "-H",
        "Content-Type: application/json",
        "-d",
        r#"{"params": {}, "session": ""}"#,
    ]);
    assert_eq!(
        (status, &whoami["result"]["loggedIn"], &whoami["result"]["hasTip"]),
        (200, &json!(true), &json!(true))
    );
    assert_eq!(whoami["result"]["sub"], token["sub"]);

    let log = server.stop();
    assert!(!home.socket().exists(), "the socket is removed on stop");
    for secret in [&token["token"], &session["userToken"]] {
        assert!(!log.contains(secret.as_str().unwrap()), "a token is in the log");
    }
}

#[test]
fn a_login_outlives_a_restart_and_its_token_does_not() {
    let home = Home::new();
    let server = home.serve();
    home.log_in("alice", None);
    let first = home.json(&["token", "--json"]);
    server.kill();
    let server = home.serve();
    assert_eq!(home.json(&["whoami", "--json"])["hasTip"], false);
    let second = home.json(&["token", "--json"]);
    assert_eq!(second["sub"], first["sub"]);
    let fetched = home.emulator.requests().to("GetWorkloadAccessTokenForJWT").len();
    assert_eq!(fetched, 3, "not found, found after creation, and once more after the restart");
    for secret in [&first["token"], &second["token"]] {
        assert!(!contains(&home.bytes_on_disk(), secret.as_str().unwrap()), "a workload token is on disk");
    }
    server.stop();
}

#[test]
fn a_new_key_seals_the_stored_logins() {
    let home = Home::new();
    let server = home.serve();
    home.log_in("alice", None);
    let held = home.run(&["key", "rotate"]);
    assert_eq!(held.status.code(), Some(8), "not while the server has the folder");
    server.stop();
    let old = std::fs::read(home.data().join("sessions.key")).unwrap();
    assert_eq!(home.json(&["key", "rotate", "--json"])["sessions"], 1);
    assert_ne!(std::fs::read(home.data().join("sessions.key")).unwrap(), old);
    let server = home.serve();
    assert_eq!(home.json(&["whoami", "--json"])["loggedIn"], true);
    server.stop();
}

#[test]
fn a_socket_that_the_service_manager_opened_is_served() {
    let home = Home::new();
    std::fs::create_dir_all(home.data()).unwrap();
    let listener = std::os::unix::net::UnixListener::bind(home.socket()).unwrap();
    let mut command = std::process::Command::new("bash");
    let serve = format!(
        "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec {} serve",
        env!("CARGO_BIN_EXE_agent-identity")
    );
    command
        .args(["-c", &serve])
        .env_clear()
        .env("PATH", support::path())
        .env("OPENCLAW_STATE_DIR", home.state());
    let passed = std::os::fd::OwnedFd::from(listener.try_clone().unwrap());
    let server = support::Server::start_with(command, passed.into()).unwrap();
    assert_eq!(home.curl(&["http://localhost/healthz"]).0, 200);
    let asked_to_stop = SystemClock.monotonic();
    server.stop();
    assert!(SystemClock.monotonic() - asked_to_stop < STOP_GRACE, "nothing was under way");
    assert!(home.socket().exists(), "it is the service manager's to remove");
    // And still open: whoever connects now waits for the next start.
    assert!(std::os::unix::net::UnixStream::connect(home.socket()).is_ok());
    drop(listener);
}

#[test]
fn login_waits_for_its_own_session_and_takes_nobody_elses_for_it() {
    let home = Home::new();
    let server = home.serve();
    for (sender, person) in [("a", "alice"), ("b", "bob")] {
        home.log_in(person, Some(&format!("agent:main:main:user:{sender}")));
        let output = home.run(&["login", "--timeout", "1"]);
        assert_eq!(output.status.code(), Some(3), "{}", text(&output.stdout));
        assert!(text(&output.stderr).contains("nobody has confirmed"), "{}", text(&output.stderr));
    }
    let mut waiting = home.command(&["login", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(waiting.stdout.take().unwrap()).lines().map_while(Result::ok);
    let started: Value = serde_json::from_str(&lines.next().unwrap()).unwrap();
    Browser::new().log_in(started["authUrl"].as_str().unwrap(), "alice");
    let seen: Value = serde_json::from_str(&lines.next().unwrap()).unwrap();
    assert_eq!((&seen["loggedIn"], &seen["sessionKey"]), (&json!(true), &json!("agent:main:main")));
    assert!(waiting.wait().unwrap().success());
    server.stop();
}

#[test]
fn login_does_not_take_a_login_that_cannot_be_renewed_for_a_new_one() {
    let options = Options { id_token_lifetime: Duration::from_secs(1), ..Options::default() };
    let home = Home::with(options, |_| {});
    let server = home.serve();
    home.log_in("alice", None);
    server.stop();

    let mut config = home.config();
    config["userpool"]["clientSecret"] = json!("another secret");
    home.write_config(&config);
    let server = home.serve();
    let end = SystemClock.monotonic() + support::PATIENCE;
    while home.curl(&["http://localhost/session"]).0 == 200 && SystemClock.monotonic() < end {
        SystemClock.sleep(Duration::from_millis(100));
    }
    let output = home.run(&["login", "--timeout", "3"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stdout));
    server.stop();
}

#[test]
fn personal_mode_knows_the_main_session_alone() {
    let home = Home::new();
    let server = home.serve();
    home.log_in("bob", Some("agent:main:main:user:b"));
    assert_eq!(home.curl(&["http://localhost/token"]).0, 200, "the only sender stands for the main session");
    server.stop();

    let mut config = home.config();
    config["identity"]["personalSessionMode"] = json!(true);
    home.write_config(&config);
    let server = home.serve();
    for target in ["token", "session", "token?session=agent:main:main:user:b"] {
        let (status, body) = home.curl(&[&format!("http://localhost/{target}")]);
        assert_eq!((status, &body["error"]["code"]), (401, &json!("not_logged_in")), "{target}");
    }
    let (status, body) = home.curl(&["http://localhost/token?session=agent:main:telegram:group:-1001"]);
    assert_eq!(status, 400);
    assert!(body["error"]["message"].as_str().unwrap().contains("personalSessionMode"));
    home.log_in("alice", Some("agent:main:telegram:direct:7"));
    let (status, token) = home.curl(&["http://localhost/token"]);
    assert_eq!((status, &token["sessionKey"]), (200, &json!("agent:main:main")));
    server.stop();
}

#[test]
fn a_login_that_has_ended_says_so() {
    let options = Options { id_token_lifetime: Duration::from_secs(1), ..Options::default() };
    let home = Home::with(options, |config| config["userpool"]["scope"] = json!("openid"));
    let server = home.serve();
    home.log_in("alice", None);
    let end = SystemClock.monotonic() + support::PATIENCE;
    let whoami = || home.curl(&["-X", "POST", "http://localhost/tool/identity_whoami"]).1["result"].take();
    let mut seen = whoami();
    while seen["loggedIn"] == true && SystemClock.monotonic() < end {
        SystemClock.sleep(Duration::from_millis(100));
        seen = whoami();
    }
    assert_eq!((&seen["loggedIn"], &seen["problem"]["code"]), (&json!(false), &json!("login_expired")));
    assert!(seen["problem"]["hint"].as_str().unwrap().contains("agent-identity login"));
    server.stop();
}

#[test]
fn logout_ends_one_session_and_leaves_the_other() {
    let home = Home::new();
    let server = home.serve();
    home.log_in("alice", Some("agent:main:main:user:a"));
    home.log_in("bob", Some("agent:main:main:user:b"));
    // Without a plain main session, two senders are ambiguous and one is not.
    let (status, body) = home.curl(&["http://localhost/token"]);
    assert_eq!((status, &body["error"]["code"]), (409, &json!("session_ambiguous")));
    assert!(body["error"]["message"].as_str().unwrap().contains("agent:main:main:user:b"));
    let of = |sender: &str| {
        home.json(&["token", "--json", "--session", &format!("agent:main:main:user:{sender}")])
    };
    assert_ne!(of("a")["sub"], of("b")["sub"]);

    assert!(home.run(&["logout", "--session", "agent:main:main:user:a"]).status.success());
    let (status, body) = home.curl(&["http://localhost/token?session=agent:main:main:user:a"]);
    assert_eq!((status, &body["error"]["code"]), (404, &json!("session_unknown")));
    let (status, body) = home.curl(&["http://localhost/token"]);
    assert_eq!((status, &body["sessionKey"]), (200, &json!("agent:main:main:user:b")));
    assert!(
        home.run(&["logout", "--session", "agent:main:main:user:a"]).status.success(),
        "logging out twice is no failure"
    );
    server.stop();
}

#[test]
fn the_workload_is_created_when_it_is_missing() {
    let home =
        Home::with(Options::default(), |config| config["identity"]["workloadName"] = "fresh-agent".into());
    let server = home.serve();
    home.log_in("alice", None);
    assert_eq!(home.json(&["token", "--json"])["chain"], json!(["fresh-agent"]));
    let targets = home.emulator.requests().all().into_iter().map(|request| request.target);
    let actions: Vec<_> = targets.filter(|target| target.contains("Workload")).collect();
    assert_eq!(
        actions,
        ["GetWorkloadAccessTokenForJWT", "CreateWorkloadIdentity", "GetWorkloadAccessTokenForJWT"]
    );
    server.stop();
}

#[test]
fn an_ended_login_is_renewed_silently() {
    // Two seconds more than the margin in which a user token is renewed.
    let options = Options { id_token_lifetime: Duration::from_secs(62), ..Options::default() };
    let home = Home::with(options, |_| {});
    let server = home.serve();
    home.log_in("alice", None);
    let first = home.json(&["whoami", "--json"]);
    let renewed = home.session_after(&first["sessionExpiresAt"]);
    assert_eq!(renewed["loginAt"], first["sessionLoginAt"], "the login's date is kept");
    assert_eq!(renewed["sub"], first["sub"]);
    server.stop();
}

#[test]
fn the_link_is_good_for_one_login() {
    let home = Home::new();
    let server = home.serve();
    let link = home.json(&["login", "--no-wait", "--json"])["authUrl"].as_str().unwrap().to_owned();
    let mut browser = Browser::new();
    let login = browser.get(&link);
    let question = browser.submit(&login, &[("username", "alice"), ("password", "password")]);
    assert!(question.text().contains("agent:main:main"), "the question names the session: {}", question.html);
    // Seeing the question again does not use the link up; answering it does.
    let again = browser.get(&question.url.to_string());
    assert_eq!(again.status, 200);
    assert_eq!(browser.submit(&again, &[]).status, 200);
    assert_eq!(browser.submit(&again, &[]).status, 400);
    assert_eq!(browser.get(&question.url.to_string()).status, 400);
    server.stop();
}

#[test]
fn the_command_line_tells_what_it_sees() {
    let home = Home::new();
    let absent = home.run(&["whoami"]);
    assert_eq!(absent.status.code(), Some(4));
    assert!(text(&absent.stderr).contains("agent-identity serve"), "{}", text(&absent.stderr));

    let server = home.serve();
    let nobody = home.run(&["whoami"]);
    assert_eq!(nobody.status.code(), Some(3));
    assert!(text(&nobody.stdout).contains("nobody is logged in"));
    let token = home.run(&["token"]);
    assert_eq!((token.status.code(), token.stdout.len()), (Some(3), 0));
    assert!(text(&token.stderr).starts_with("error: nobody is logged in"), "{}", text(&token.stderr));

    let mut waiting = home.command(&["login"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut out = std::io::BufReader::new(waiting.stdout.take().unwrap());
    let mut link = String::new();
    while !link.starts_with("http") {
        link.clear();
        assert_ne!(std::io::BufRead::read_line(&mut out, &mut link).unwrap(), 0);
    }
    Browser::new().log_in(link.trim(), "alice");
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut out, &mut rest).unwrap();
    assert!(rest.contains("logged in"), "{rest}");
    assert!(waiting.wait().unwrap().success());

    let raw = text(&home.run(&["token"]).stdout);
    assert_eq!(raw.trim().split('.').count(), 3, "the token alone");
    let decoded = text(&home.run(&["token", "--decode"]).stdout);
    assert!(decoded.contains("chain:        main"), "{decoded}");
    assert!(text(&home.run(&["status"]).stdout).contains("agent:main:main"));
    let again = text(&home.run(&["login"]).stdout);
    assert!(again.contains("logged in as"), "{again}");
    server.stop();
}

fn claims(token: &Value) -> Value {
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&agent_identity::base::codec::unbase64url(payload).unwrap()).unwrap()
}
