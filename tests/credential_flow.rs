//! Hosted credentials from end to end: fetched with and without a person's consent, bound, and found in the environment of
//! the one program that they are for. Real binary, real socket, the emulator as cloud.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test file, helpers included")]
#![cfg(feature = "emulator")]

mod support;

use serde_json::{Value, json};
use support::browser::Browser;
use support::{Home, contains, text};

const ALICE: &str = "agent:main:main:user:alice";
const BOB: &str = "agent:main:main:user:bob";

/// Calls a tool for a session; it must succeed.
fn call(home: &Home, session: &str, tool: &str, params: Value) -> Value {
    home.json(&["call", tool, &params.to_string(), "--session", session, "--json"])
}

fn exec(home: &Home, session: &str, script: &str) -> std::process::Output {
    home.run(&["exec", "--session", session, "--", "sh", "-c", script])
}

#[test]
fn a_bound_credential_reaches_its_persons_program_and_nobody_elses() {
    let home = Home::new();
    let server = home.serve();
    home.log_in("alice", Some(ALICE));
    home.log_in("bob", Some(BOB));

    let fetched = call(&home, ALICE, "identity_fetch", json!({"provider": "openai"}));
    assert_eq!((&fetched["success"], fetched.get("value")), (&json!(true), None), "{fetched}");
    let bound =
        call(&home, ALICE, "identity_set_binding", json!({"provider": "openai", "envVar": "OPENAI_API_KEY"}));
    assert_eq!(bound["success"], true, "{bound}");

    let print = "printf %s \"$OPENAI_API_KEY\"";
    assert_eq!(text(&exec(&home, ALICE, print).stdout), "sk-emulator-openai");
    assert_eq!(text(&exec(&home, BOB, print).stdout), "");
    assert_eq!(exec(&home, ALICE, "exit 7").status.code(), Some(7), "the exit code is the program's");
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&exec(&home, ALICE, "kill -TERM $$").status),
        Some(15)
    );
    let absent = home.run(&["exec", "--session", ALICE, "--", "no-such-program"]);
    assert!(!absent.status.success() && text(&absent.stderr).contains("no-such-program"));

    let status = call(&home, ALICE, "identity_status", json!({}));
    assert!(status.to_string().contains("OPENAI_API_KEY"), "{status}");
    assert!(!status.to_string().contains("sk-emulator"), "names only: {status}");
    assert!(!contains(&home.bytes_on_disk(), "sk-emulator-openai"), "credentials stay in memory");

    // After a restart the binding is there, and what needs no person is fetched again.
    let log = server.stop();
    assert!(!log.contains("sk-emulator-openai"));
    let server = home.serve();
    assert_eq!(text(&exec(&home, ALICE, print).stdout), "sk-emulator-openai");
    assert!(home.run(&["logout", "--session", ALICE]).status.success());
    assert_eq!(exec(&home, ALICE, print).status.code(), Some(3), "no login, no credential");
    server.stop();
}

#[test]
fn a_persons_consent_is_waited_for() {
    let home = Home::new();
    let server = home.serve();
    home.log_in("alice", Some(ALICE));
    let asked = call(&home, ALICE, "identity_fetch", json!({"provider": "google"}));
    let link = asked["authUrl"].as_str().unwrap_or_else(|| panic!("{asked}"));
    let again = call(&home, ALICE, "identity_fetch", json!({"provider": "google"}));
    assert_eq!(again["authUrl"], asked["authUrl"], "the same consent");
    let mut browser = Browser::new();
    let page = browser.get(link);
    browser.submit(&page, &[("decision", "approve")]);
    let done = call(&home, ALICE, "identity_fetch", json!({"provider": "google", "returnValue": true}));
    assert_eq!(done["success"], true, "{done}");
    assert!(done["value"].as_str().is_some_and(|value| !value.is_empty()), "{done}");
    server.stop();
}

#[test]
fn providers_and_roles_are_listed_and_role_keys_are_masked() {
    let home = Home::new();
    let server = home.serve();
    home.log_in("alice", Some(ALICE));
    let listed = call(&home, ALICE, "identity_list_credentials", json!({"name": "goo"}));
    assert_eq!(listed["providers"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!((&listed["page"], &listed["hasMore"]), (&json!(1), &json!(false)));
    let roles = call(&home, ALICE, "identity_list_roles", json!({}));
    assert!(roles.to_string().contains("tos-agent"), "{roles}");
    let masked = call(&home, ALICE, "identity_get_role_credentials", json!({"providerName": "tos-agent"}));
    let shown = call(
        &home,
        ALICE,
        "identity_get_role_credentials",
        json!({"providerName": "tos-agent", "showSecrets": true}),
    );
    let secret = |outcome: &Value| {
        outcome["secretAccessKey"].as_str().unwrap_or_else(|| panic!("{outcome}")).to_owned()
    };
    assert_ne!(secret(&masked), secret(&shown), "{masked}");
    assert!(secret(&masked).len() < secret(&shown).len());

    let chat = text(&home.run(&["id", "list", "--session", ALICE]).stdout);
    assert!(chat.contains("google") && chat.contains("openai"), "{chat}");
    let fetch = text(&home.run(&["id", "fetch google", "--session", ALICE]).stdout);
    assert!(fetch.contains("](http://127.0.0.1:"), "a link is a Markdown link: {fetch}");
    server.stop();
}
