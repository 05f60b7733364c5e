//! A foreign OpenID provider works too: panva's `oidc-provider` from npm, on loopback, through its own pages.
//! Skipped, visibly, where Node or npm is missing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test file, helpers included")]
#![cfg(feature = "emulator")]

mod support;

use std::io::{BufRead, BufReader, Lines};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use agent_identity::base::url::Url;
use agent_identity::emulator::Options;
use serde_json::json;
use support::browser::Browser;
use support::{Home, free_port, has, npm, send_signal, skipped};

#[test]
fn a_person_logs_in_at_a_foreign_provider_and_is_renewed_there() {
    let name = "a_person_logs_in_at_a_foreign_provider_and_is_renewed_there";
    if !has("node") || !has("npm") {
        return skipped(name, "node and npm are not installed");
    }
    let folder = match npm::install("openid-provider", &["server.mjs"]) {
        Ok(folder) => folder,
        Err(reason) => return skipped(name, &reason),
    };
    let port = free_port();
    let issuer = format!("http://127.0.0.1:{port}");
    let home = Home::with(
        Options { trusted_issuers: vec![Url::parse(&issuer).unwrap()], ..Options::default() },
        |config| {
            config["userpool"]["discoveryUrl"] = json!(issuer);
            config["userpool"]["clientId"] = json!("agent identity");
            config["userpool"]["clientSecret"] = json!("s3cret: with + and %");
        },
    );
    let _provider = Provider::start(&folder, port, &home.callback);
    let server = home.serve();

    let link = home.json(&["login", "--no-wait", "--json"])["authUrl"].as_str().unwrap().to_owned();
    let mut browser = Browser::new();
    let sign_in = browser.get(&link);
    let consent = browser.submit(&sign_in, &[("login", "carol"), ("password", "anything")]);
    let question = browser.submit(&consent, &[]);
    assert!(question.text().contains("agent:main:main"), "{}", question.html);
    let done = browser.submit(&question, &[]);
    assert_eq!(done.status, 200, "{}", done.html);

    let token = home.json(&["token", "--json"]);
    assert_eq!((&token["sub"], &token["chain"]), (&json!("carol"), &json!(["main"])));
    let status = home.json(&["status", "--json"]);
    assert_eq!(
        status["sessions"][0]["hasRefreshToken"], true,
        "offline_access with prompt=consent gives a refresh token"
    );
    let renewed = home.session_after(&status["sessions"][0]["expiresAt"]);
    assert_eq!((&renewed["sub"], &renewed["loginAt"]), (&json!("carol"), &status["sessions"][0]["loginAt"]));
    server.stop();
}

/// The process, and the end of its standard output, which it must be able to write to.
struct Provider {
    child: Child,
    _stdout: Lines<BufReader<ChildStdout>>,
}

impl Provider {
    fn start(folder: &PathBuf, port: u16, callback: &str) -> Self {
        let mut child = Command::new("node")
            // Two seconds more than the margin in which a user token is renewed.
            .args(["server.mjs", &port.to_string(), callback, "62"])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(
            lines.any(|line| line.is_ok_and(|line| line.starts_with("ready"))),
            "the provider did not start"
        );
        Self { child, _stdout: lines }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        send_signal(self.child.id(), libc::SIGTERM);
        let _ = self.child.wait();
    }
}
