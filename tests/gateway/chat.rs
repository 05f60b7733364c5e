//! One person's way through the web chat, with another one beside: refused, logged in, served, logged out.

use std::fs;

use agent_identity::base::codec::hex;
use agent_identity::base::crypto::sha256;
use serde_json::json;

use crate::openclaw::client::{Client, OTHER_WEBCHAT, WEBCHAT, order};
use crate::openclaw::gateway::{Gateway, Home, link_in};
use crate::openclaw::host::Host;
use crate::support::{send_signal, text};

/// What the emulator's provider `openai` hands out.
const SECRET: &str = "sk-emulator-openai";
/// Prints a fingerprint of the bound variable, so that the value itself stands in no transcript.
const FINGERPRINT: &str = "printf %s \"$OPENAI_API_KEY\" | sha256sum | cut -c 1-16";
const SIDE: &str = "agent:main:side";

pub fn story(host: Host) {
    let home = Home::new(host, |home, config| home.load_ours(config, home.identity()));
    let gateway = home.start();
    let (alice, bob) = (gateway.connect(WEBCHAT), gateway.connect(OTHER_WEBCHAT));

    nobody_reaches_the_model_without_a_login(&home, &alice);
    home.log_in(&alice, "main", "alice");
    assert_eq!(who(&alice, "main"), "agent:main:main:user:webchat-ui");
    bob_is_asked_to_log_in_himself(&home, &bob);
    a_credential_reaches_its_persons_program_only(&alice, &bob);
    a_subagent_has_no_identity_of_its_own(&home, &alice);
    a_dead_program_is_a_denial_and_comes_back(&home, &gateway, &alice);
    logging_out_ends_it(&home, &alice);

    let socket = home.state().join("plugins/identity/identity.sock");
    assert!(socket.exists());
    drop((alice, bob));
    gateway.stop();
    assert!(!socket.exists(), "the socket went with the gateway");
    assert_eq!(home.holds(SECRET), None, "no file of the host's holds the credential");
}

fn nobody_reaches_the_model_without_a_login(home: &Home, alice: &Client) {
    let refused = alice.say("main", "when is high tide at Qingdao?");
    assert_eq!(refused.state, "final", "{refused:?}");
    assert!(refused.text.contains("[agent-identity]"), "{refused:?}");
    assert!(link_in(&refused.text).contains("/authorize"), "{refused:?}");
    let shell =
        home.run(&["agent", "--agent", "main", "--message", &order("exec", json!({"command": "echo ran"}))]);
    assert!(!text(&shell.stdout).contains("ran\n"), "no tool of an unattended run: {shell:?}");
    assert!(!home.model.was_shown("Qingdao"));
    if home.host.is_new() {
        assert!(home.model.requests().is_empty(), "{:?}", home.model.requests());
    }
    let status = alice.say("main", "/identity status");
    assert!(status.state == "final" && !status.text.is_empty(), "commands pass: {status:?}");
}

fn bob_is_asked_to_log_in_himself(home: &Home, bob: &Client) {
    for session in ["main", SIDE] {
        let refused = bob.say(session, "I am the other one");
        assert!(link_in(&refused.text).contains("/authorize"), "{refused:?}");
    }
    assert!(!home.model.was_shown("I am the other one"));
    home.log_in(bob, SIDE, "bob");
    assert_eq!(who(bob, SIDE), "agent:main:side:user:webchat");
}

fn a_credential_reaches_its_persons_program_only(alice: &Client, bob: &Client) {
    let fetched = alice.call("main", "identity_fetch", json!({ "provider": "openai" }));
    assert_eq!(fetched["success"], true, "{fetched}");
    let binding = json!({ "provider": "openai", "envVar": "OPENAI_API_KEY" });
    let bound = alice.call("main", "identity_set_binding", binding);
    assert_eq!(bound["success"], true, "{bound}");

    // Each waits in the shell for the other, so both calls run at the same time.
    let met = |own: &str, other: &str| {
        let wait = format!("until [ -e {other} ]; do sleep 0.02; done");
        order("exec", json!({ "command": format!("touch {own}; {wait}; {FINGERPRINT}") }))
    };
    let hers = alice.start("main", &met("alice", "bob"));
    let his = bob.start(SIDE, &met("bob", "alice"));
    assert_eq!(alice.end_of(&hers).text.trim(), fingerprint(SECRET));
    assert_eq!(bob.end_of(&his).text.trim(), fingerprint(""), "the other person's program");
}

fn a_subagent_has_no_identity_of_its_own(home: &Home, alice: &Client) {
    let task = format!("▶ identity_whoami {{}}\n{}", order("exec", json!({ "command": FINGERPRINT })));
    let since = alice.received();
    let spawned = alice.call("main", "sessions_spawn", json!({ "task": task }));
    assert_eq!(spawned["status"], "accepted", "{spawned}");
    alice.announcement(since);
    let results = home.model.results("[Subagent Task]");
    assert!(results.iter().any(|result| result.contains("\"loggedIn\": false")), "{results:?}");
    assert!(results.iter().any(|result| result.trim() == fingerprint("")), "{results:?}");
}

fn a_dead_program_is_a_denial_and_comes_back(home: &Home, gateway: &Gateway<'_>, alice: &Client) {
    let program = |gateway: &Gateway<'_>| {
        gateway.children().into_iter().find(|(_, name)| name == "agent-identity").map(|(pid, _)| pid)
    };
    let pid = program(gateway).expect("the program runs as a child of the gateway");
    fs::remove_file(home.program()).unwrap();
    send_signal(pid, libc::SIGKILL);
    let refused = alice.say("main", "are you there?");
    assert!(refused.text.contains("[agent-identity]"), "{refused:?}");
    assert!(!home.model.was_shown("are you there?"));
    home.link_program();
    gateway.until("started again", |gateway| program(gateway).is_some_and(|new| new != pid));
    let reply = alice.say("main", "and now?");
    assert!(reply.text.contains("and now?"), "the login is still there: {reply:?}");
}

fn logging_out_ends_it(home: &Home, alice: &Client) {
    let out = alice.say("main", "/identity logout");
    assert_eq!(out.state, "final", "{out:?}");
    let refused = alice.say("main", "one more thing");
    assert!(link_in(&refused.text).contains("/authorize"), "{refused:?}");
    assert!(!home.model.was_shown("one more thing"));
}

/// The key under which the person who is logged in here is known.
fn who(chat: &Client, session: &str) -> String {
    let who = chat.call(session, "identity_whoami", json!({}));
    assert_eq!(who["loggedIn"], true, "{who}");
    who["sessionKey"].as_str().unwrap().to_owned()
}

fn fingerprint(value: &str) -> String {
    hex(&sha256(value.as_bytes())[..8])
}
