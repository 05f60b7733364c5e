//! Faults, records and the other controls, in process and over HTTP; and the command.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use agent_identity::emulator::{Effect, Emulator, Fault};
use serde_json::json;

use super::client::*;

fn pool(emulator: &Emulator) -> Option<Answer> {
    Signed::new(emulator, "GetWorkloadPool", &json!({})).try_send(emulator)
}

fn control(emulator: &Emulator, what: &str) -> String {
    format!("{}/_emulator/{what}", emulator.base_url())
}

#[test]
fn each_fault_shows_as_ordered_and_then_is_over() {
    let emulator = start(|_| ());
    let order = |effect| emulator.faults().add(Fault::times("GetWorkloadPool", 1, effect)).unwrap();
    order(Effect::Error { status: 200, code: "Throttled".into(), message: "slow down".into() });
    assert_eq!(pool(&emulator).unwrap().refusal(), (200, "Throttled".into()));
    order(Effect::FlatError { status: 429, code: "FlowLimit".into(), message: "slow down".into() });
    let flat = pool(&emulator).unwrap();
    assert_eq!(
        (flat.status, &flat.json()["errorcode"], &flat.json()["HTTPCode"]),
        (429, &"FlowLimit".into(), &429.into())
    );
    order(Effect::Respond {
        status: 502,
        content_type: "text/html".into(),
        body: "<h1>Bad gateway</h1>".into(),
    });
    let page = pool(&emulator).unwrap();
    assert_eq!((page.status, page.text.as_str()), (502, "<h1>Bad gateway</h1>"));
    order(Effect::MissingResult);
    let bare = pool(&emulator).unwrap();
    assert_eq!((bare.status, bare.json().get("Result")), (200, None));
    for broken in [Effect::HangUp, Effect::Truncate { bytes: 10 }] {
        order(broken);
        assert!(pool(&emulator).is_none());
    }
    assert!(pool(&emulator).unwrap().result()["DiscoveryUrl"].is_string());
    emulator
        .faults()
        .add(Fault::always("token", Effect::OauthError { status: 400, error: "invalid_grant".into() }))
        .unwrap();
    for _ in 0..2 {
        assert_eq!(refresh(&emulator, "any").oauth_error(), (400, "invalid_grant".into()));
    }
}

#[test]
fn faults_can_be_ordered_and_cancelled_over_http() {
    let emulator = start(|_| ());
    let url = control(&emulator, "faults");
    let effect = json!({ "type": "respond", "status": 503, "contentType": "text/plain", "body": "" });
    let ordered = post_json(&url, &json!({ "target": "discovery", "effect": effect }));
    assert_eq!(ordered.status, 200, "{ordered:?}");
    assert_eq!((get(&emulator.discovery_url()).status, get(&emulator.discovery_url()).status), (503, 503));
    assert_eq!(send("DELETE", &url, &[], b"").status, 200);
    assert_eq!(get(&emulator.discovery_url()).status, 200);
    for bad in [
        json!({ "target": "nowhere", "effect": { "type": "hangUp" } }),
        json!({ "target": "token", "effect": { "type": "explode" } }),
        json!({ "target": "token", "effect": { "type": "hangUp" }, "time": 1 }),
        json!({}),
    ] {
        let answer = post_json(&url, &bad);
        assert_eq!(
            (answer.status, answer.json()["error"]["code"].as_str()),
            (400, Some("invalid_request")),
            "{bad}"
        );
    }
}

#[test]
fn requests_are_recorded_whole() {
    let emulator = start(|_| ());
    call(&emulator, "CreateWorkloadIdentity", &json!({ "Name": "a" }));
    let recorded = &emulator.requests().to("CreateWorkloadIdentity")[0];
    assert_eq!((recorded.method.as_str(), recorded.status), ("POST", Some(200)));
    assert_eq!((&recorded.body, recorded.query["Version"].as_str()), (&json!({ "Name": "a" }), "2025-10-30"));
    assert!(recorded.header("authorization").unwrap().starts_with("HMAC-SHA256 "));
    let over_http = get(&control(&emulator, "requests")).json();
    assert_eq!(over_http[0]["target"], "CreateWorkloadIdentity");
    assert_eq!(send("DELETE", &control(&emulator, "requests"), &[], b"").status, 200);
    assert!(emulator.requests().all().is_empty());
}

#[test]
fn clock_keys_and_callbacks_can_be_changed_over_http() {
    let emulator = start(|_| ());
    assert_eq!(post_json(&control(&emulator, "clock"), &json!({ "offsetSeconds": 3600 })).status, 200);
    assert_eq!(pool(&emulator).unwrap().refusal().1, "InvalidTimestamp");
    assert_eq!(post_json(&control(&emulator, "clock"), &json!({ "offsetSeconds": 0 })).status, 200);
    let jwks = endpoint(&emulator, "jwks_uri");
    let before = get(&jwks).json()["keys"][0]["kid"].clone();
    assert_eq!(post_json(&control(&emulator, "rotate"), &json!({ "dropOld": true })).status, 200);
    let keys = get(&jwks).json()["keys"].clone();
    assert!(keys.as_array().unwrap().len() == 1 && keys[0]["kid"] != before);
    let callback = "http://127.0.0.1:4/cb";
    assert_eq!(post_json(&control(&emulator, "callbacks"), &json!({ "url": callback })).status, 200);
    let mut params = authorization(&emulator);
    params.iter_mut().filter(|(n, _)| *n == "redirect_uri").for_each(|(_, v)| *v = callback.into());
    assert_eq!(authorize(&emulator, &params).status, 200);
}

#[test]
fn a_hundred_callbacks_can_be_registered() {
    let emulator = start(|_| ());
    let url = |i: usize| format!("http://127.0.0.1:{i}/cb");
    // One is there from the start; one that is known already takes no room.
    for i in (1..100).chain([1]) {
        emulator.register_callback(&url(i)).unwrap();
    }
    assert!(emulator.register_callback(&url(100)).is_err());
    assert!(start(|_| ()).register_callback("not a URL").is_err());
}

#[test]
fn browsers_cannot_use_the_controls() {
    let emulator = start(|_| ());
    for header in [("origin", "http://evil.example"), ("origin", "null"), ("host", "evil.example")] {
        let answer = send("POST", &control(&emulator, "rotate"), &[header], b"{}");
        assert_eq!(answer.status, 403, "{header:?}");
    }
}

#[test]
fn unknown_paths_and_methods_are_refused() {
    let emulator = start(|_| ());
    assert_eq!(get(&format!("{}/nothing", emulator.base_url())).status, 404);
    assert_eq!(get(&control(&emulator, "nothing")).status, 404);
    assert_eq!(get(&endpoint(&emulator, "token_endpoint")).status, 405);
}

#[test]
fn the_command_serves_until_its_standard_input_ends() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_agent-identity-emulator"))
        .args(["--listen", "127.0.0.1:0", "--users", "carol"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdin = child.stdin.take();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let discovery = lines.find_map(|line| line.strip_prefix("discovery: ").map(str::to_owned)).unwrap();
    assert_eq!(get(&discovery).status, 200);
    drop(stdin);
    assert!(child.wait().unwrap().success());
    assert!(try_send("GET", &discovery, &[], b"").is_none());
}

#[test]
fn the_command_refuses_an_address_that_others_can_reach() {
    let output = Command::new(env!("CARGO_BIN_EXE_agent-identity-emulator"))
        .args(["--listen", "0.0.0.0:0"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && message.contains("loopback only"), "{message}");
}
