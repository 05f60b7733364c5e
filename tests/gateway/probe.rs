//! The harness itself, with a plugin that shows what a host gives to plugins.

use serde_json::{Value, json};

use crate::openclaw::client::{BACKEND, CONTROL_PAGE, OTHER_WEBCHAT, WEBCHAT};
use crate::openclaw::gateway::Home;
use crate::openclaw::host::Host;
use crate::support::text;

pub fn story(host: Host) {
    let new = host.is_new();
    let home = Home::new(host, |home, config| home.load(config, "probe", &crate::plugin("probe"), json!({})));
    let gateway = home.start();
    let (chat, other) = (gateway.connect(WEBCHAT), gateway.connect(OTHER_WEBCHAT));
    let page = gateway.connect(CONTROL_PAGE);

    let reply = chat.say("main", "refuse this");
    assert_eq!((reply.state.as_str(), reply.text.as_str()), ("final", "refused by the probe"));
    assert_eq!(home.model.requests(), [] as [Value; 0], "refused before the model");

    let say = |word: &str| format!("▶ probe_say {}", json!({ "word": word }));
    assert_eq!(chat.say("main", &say("blue")).text, "blue for webchat-ui in agent:main:main");
    assert_eq!(other.say("agent:main:side", &say("red")).text, "red for webchat in agent:main:side");
    let owner = if new { "nobody" } else { "openclaw-control-ui" };
    assert_eq!(page.say("main", &say("sun")).text, format!("sun for {owner} in agent:main:main"));
    assert_eq!(chat.say("main", "/probe").text, "written down");
    let steps = "▶ exec {\"command\": \"echo one\"}\n▶ exec {\"command\": \"echo two\"}";
    assert_eq!(chat.say("main", steps).text, "two");
    assert!(home.model.was_shown("one"));

    let is_chat = |client: &crate::openclaw::client::Client| {
        client.request("probe.who", json!({})).unwrap()["webchat"] == true
    };
    assert!(is_chat(&chat) && is_chat(&page) && !is_chat(&gateway.connect(BACKEND)));
    assert_eq!(gateway.get("/probe").1, "probe");

    let task = json!({ "task": say("green") });
    let since = chat.received();
    let spawned = chat.say("main", &format!("▶ sessions_spawn {task}"));
    let spawned: Value = serde_json::from_str(&spawned.text).unwrap();
    let child = spawned["childSessionKey"].as_str().unwrap();
    let told = format!("green for nobody in {child}");
    chat.event(since, |event| {
        event["event"] == "chat" && event["payload"]["state"] == "final" && event.to_string().contains(&told)
    });

    let run = home.run(&["agent", "--agent", "main", "--message", &say("shell")]);
    assert!(text(&run.stdout).contains("shell for nobody in agent:main:main"), "{run:?}");

    let log = gateway.stop();
    assert!(log.contains("shut"), "an orderly end: {log}");
    let told = std::fs::read_to_string(home.state().join("told.jsonl")).unwrap();
    assert!(told.contains("\"gateway_stop\""), "{told}");
}
