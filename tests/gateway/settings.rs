//! What settings add: identities for subagents, logins handed in by web chats, questions before risky calls, and an
//! agent that is woken when a person has consented.

use serde_json::{Value, json};

use crate::openclaw::client::{BACKEND, CONTROL_PAGE, Client, WEBCHAT, order};
use crate::openclaw::gateway::{Gateway, Home};
use crate::openclaw::host::Host;
use crate::support::browser::Browser;

const MAIN: &str = "agent:main:main";
/// The risk engine calls reading keys high; this home has none.
const RISKY: &str = "cat ~/.aws/credentials; echo it ran";

pub fn story(host: Host) {
    let home = Home::new(host, |home, config| {
        let mut settings = home.identity();
        settings["identity"]["subagentTipPropagation"] = json!(true);
        settings["identity"]["webchatSessionExchange"] = json!(true);
        settings["authz"] = json!({ "requireRiskApproval": true });
        home.load_ours(config, settings);
    });
    let gateway = home.start();
    let alice = gateway.connect(WEBCHAT);
    home.log_in(&alice, MAIN, "alice");

    a_subagent_speaks_for_the_person_who_started_it(&home, &gateway, &alice);
    risky_calls_are_asked_about(&alice);
    the_agent_is_woken_after_a_consent(&home, &gateway, &alice);
    a_page_hands_in_a_login(&gateway, &alice);

    drop(alice);
    gateway.stop();
}

fn a_subagent_speaks_for_the_person_who_started_it(home: &Home, gateway: &Gateway<'_>, alice: &Client) {
    let own = alice.call(MAIN, "identity_whoami", json!({}));
    let since = alice.received();
    let orders = ["identity_get_tip_token", "identity_whoami"].map(|tool| order(tool, json!({})));
    let spawn = || alice.call(MAIN, "sessions_spawn", json!({ "task": orders.join("\n") }));
    // The host gives itself ten seconds to start a session, which a busy machine may not have.
    let is_late =
        |spawned: &Value| spawned["error"].as_str().is_some_and(|it| it.contains("gateway timeout"));
    let first = spawn();
    let spawned = if is_late(&first) { spawn() } else { first };
    let child = spawned["childSessionKey"].as_str().unwrap_or_else(|| panic!("{spawned}"));
    alice.announcement(since);
    let whoami = || -> Option<Value> {
        let results = home.model.results("[Subagent Task]");
        let mut results = results.iter().filter_map(|result| serde_json::from_str::<Value>(result).ok());
        results.rfind(|result| result["loggedIn"].is_boolean())
    };
    let whoami = whoami().expect("the subagent has answered");
    assert_eq!((&whoami["loggedIn"], &whoami["sub"]), (&json!(true), &own["sub"]), "{whoami}");
    assert_eq!(whoami["sessionKey"], child, "{whoami}");
    let chain = |whoami: &Value| whoami["tipChain"].as_array().map_or(0, Vec::len);
    assert_eq!(chain(&whoami), chain(&own) + 1, "the delegation shows: {whoami}");
    gateway.until("rid of what the subagent was given", |_| {
        !alice.call(MAIN, "identity_list_tips", json!({})).to_string().contains(child)
    });
}

fn risky_calls_are_asked_about(alice: &Client) {
    for (decision, ran) in [("allow-once", true), ("deny", false)] {
        let since = alice.received();
        let run = alice.start(MAIN, &order("exec", json!({ "command": RISKY })));
        let asked = alice.event(since, |event| event["event"] == "plugin.approval.requested");
        let request = &asked["payload"]["request"];
        assert_eq!((&request["pluginId"], &request["toolName"]), (&json!("agent-identity"), &json!("exec")));
        assert!(request["title"].as_str().is_some_and(|title| title.len() <= 80), "{request}");
        let id = &asked["payload"]["id"];
        alice.request("plugin.approval.resolve", json!({ "id": id, "decision": decision })).unwrap();
        let reply = alice.end_of(&run);
        assert_eq!(reply.text.lines().any(|line| line.trim() == "it ran"), ran, "{decision}: {reply:?}");
    }
}

fn the_agent_is_woken_after_a_consent(home: &Home, gateway: &Gateway<'_>, alice: &Client) {
    let asked = alice.call(MAIN, "identity_fetch", json!({ "provider": "google" }));
    let link = asked["authUrl"].as_str().unwrap_or_else(|| panic!("{asked}"));
    let mut browser = Browser::new();
    let page = browser.get(link);
    browser.submit(&page, &[("decision", "approve")]);
    gateway.until("woken", |_| home.model.was_shown("The person has consented"));
}

fn a_page_hands_in_a_login(gateway: &Gateway<'_>, alice: &Client) {
    let held = alice
        .request("identity.session.get", json!({ "sessionKey": MAIN, "senderId": "webchat-ui" }))
        .unwrap();
    assert_eq!(held["effectiveSessionKey"], "agent:main:main:user:webchat-ui", "{held}");
    let token = &held["userToken"];
    assert!(held.get("refreshToken").is_none() && held["hasRefreshToken"] == true);

    let put = json!({ "sessionKey": MAIN, "idToken": token });
    let error = gateway.connect(BACKEND).request("identity.session.put", put.clone()).unwrap_err();
    assert_eq!(error["code"], "FORBIDDEN", "{error}");
    let page = gateway.connect(CONTROL_PAGE);
    let error =
        page.request("identity.session.put", json!({ "sessionKey": MAIN, "idToken": "no.token.atall" }));
    assert_eq!(error.unwrap_err()["code"], "INVALID_REQUEST");

    let stored = page.request("identity.session.put", put).unwrap();
    assert_eq!(stored["effectiveSessionKey"], "agent:main:main:user:openclaw-control-ui", "{stored}");
    assert_eq!((&stored["sub"], &stored["hasTip"]), (&held["sub"], &json!(true)), "{stored}");
    let reply = page.say(MAIN, "no link, please");
    assert!(reply.text.contains("no link, please"), "the next message goes on: {reply:?}");
}
