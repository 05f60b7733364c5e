//! The gateway: signatures, envelopes, codes; and workload identities.

use agent_identity::emulator::{AccessKey, Emulator};
use serde_json::{Value, json};

use super::client::*;

fn signed(emulator: &Emulator, change: impl FnOnce(&mut Signed)) -> Answer {
    let mut request = Signed::new(emulator, "GetWorkloadPool", &json!({}));
    change(&mut request);
    request.send(emulator)
}

#[test]
fn every_refusal_of_the_gateway_has_its_status_and_code() {
    let emulator = start(|options| {
        let key = AccessKey { session_token: Some("STSx".into()), ..AccessKey::new("AKTP1", "s") };
        options.access_keys.push(key);
    });
    type Change = fn(&mut Signed);
    let cases: [(Change, (u16, &str)); 12] = [
        (|r| r.query = "Version=2025-10-30".into(), (400, "MissingParameter")),
        (|r| r.query = "Action=GetWorkloadPool".into(), (400, "MissingParameter")),
        (|r| r.query = "Action=Nothing&Version=2025-10-30".into(), (404, "InvalidActionOrVersion")),
        (|r| r.query = "Action=GetWorkloadPool&Version=2018-01-01".into(), (404, "InvalidActionOrVersion")),
        (|r| r.query = "Action=AssumeRole&Version=2018-01-01".into(), (404, "InvalidActionOrVersion")),
        (|r| r.service = "iam", (404, "ServiceNotFound")),
        (|r| r.access_key = "AKLTother".into(), (401, "InvalidAccessKey")),
        (|r| r.access_key = String::new(), (400, "MissingRequestInfo")),
        (|r| r.secret.push('x'), (401, "SignatureDoesNotMatch")),
        (|r| r.token = Some("STSy".into()), (401, "InvalidSecretToken")),
        (|r| r.access_key = "AKTP1".into(), (401, "InvalidSecretToken")),
        (|r| r.content_type = "text/plain", (400, "InvalidRequest")),
    ];
    for (change, (status, code)) in cases {
        assert_eq!(signed(&emulator, change).refusal(), (status, code.to_owned()));
    }
    let unsigned =
        post_json(&format!("{}/?Action=GetWorkloadPool&Version=2025-10-30", emulator.base_url()), &json!({}));
    assert_eq!(unsigned.refusal(), (401, "MissingAuthenticationToken".into()));
    assert_eq!(unsigned.json()["ResponseMetadata"]["Error"]["CodeN"], 100_003);
    let with_token = signed(&emulator, |r| {
        (r.access_key, r.secret, r.token) = ("AKTP1".into(), "s".into(), Some("STSx".into()));
    });
    assert_eq!(with_token.status, 200);
}

#[test]
fn a_signature_is_good_for_fifteen_minutes_of_the_emulators_time() {
    let emulator = start(|_| ());
    for (offset, good) in [(0, true), (890, true), (-890, true), (960, false), (-960, false)] {
        emulator.set_clock_offset(offset);
        let answer = signed(&emulator, |_| ());
        if good {
            assert_eq!(answer.status, 200, "{offset}");
        } else {
            assert_eq!(answer.refusal(), (403, "InvalidTimestamp".into()), "{offset}");
        }
        let date = agent_identity::base::time::Timestamp::parse_http_date(&answer.headers["date"]).unwrap();
        assert!(
            (date.unix() - now().unix() - offset).abs() < 60,
            "the Date header shows the emulator's time"
        );
    }
}

#[test]
fn a_changed_body_is_not_the_signed_one() {
    let emulator = start(|_| ());
    let request = Signed::new(&emulator, "GetWorkloadPool", &json!({}));
    let headers = request.headers(&emulator);
    let url = format!("{}/?{}", emulator.base_url(), request.query);
    for (body, without) in [("{} ", ""), ("{ }", "x-content-sha256")] {
        let headers: Vec<(&str, &str)> =
            headers.iter().filter(|(n, _)| n != without).map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let answer = send("POST", &url, &headers, body.as_bytes());
        assert_eq!(answer.refusal(), (401, "SignatureDoesNotMatch".into()));
    }
}

#[test]
fn the_envelope_names_request_and_action() {
    let emulator = start(|_| ());
    let answer = signed(&emulator, |_| ()).json();
    let metadata = &answer["ResponseMetadata"];
    assert_eq!(
        [&metadata["Action"], &metadata["Version"], &metadata["Service"], &metadata["Region"]],
        ["GetWorkloadPool", "2025-10-30", "id", "cn-beijing"]
    );
    let id = metadata["RequestId"].as_str().unwrap();
    assert_eq!(id.len(), 32);
    assert_ne!(Some(id), signed(&emulator, |_| ()).json()["ResponseMetadata"]["RequestId"].as_str());
}

#[test]
fn parameters_are_checked_by_name_and_type() {
    let emulator = start(|_| ());
    let user_token = "GetWorkloadAccessTokenForJWT";
    for (action, body, code) in [
        (user_token, json!({}), "MissingParameter.UserToken"),
        (user_token, json!({ "UserToken": "" }), "MissingParameter.UserToken"),
        (user_token, json!({ "UserToken": 1 }), "InvalidParameter.UserToken"),
        (user_token, json!({ "userToken": "x" }), "MissingParameter.UserToken"),
        (user_token, json!({ "UserToken": "x", "PoolName": "default" }), "InvalidParameter.PoolName"),
        (user_token, json!({ "UserToken": "x", "Name": null }), "InvalidParameter.Name"),
        (user_token, json!({ "UserToken": "x", "Audience": "a" }), "InvalidParameter.Audience"),
        (
            user_token,
            json!({ "UserToken": "x", "DurationSeconds": "3600" }),
            "InvalidParameter.DurationSeconds",
        ),
        ("GetWorkloadAccessTokenForUserId", json!({ "Name": "a" }), "MissingParameter.UserId"),
        ("CreateWorkloadIdentity", json!({ "Category": "Agent" }), "MissingParameter.Name"),
        ("CreateWorkloadIdentity", json!({ "Name": "a".repeat(129) }), "InvalidParameter.Name"),
        (
            "CreateWorkloadIdentity",
            json!({ "Name": "a", "MetaData": [{ "Kay": "k" }] }),
            "InvalidParameter.MetaData",
        ),
        ("GetWorkloadIdentity", json!({ "Name": "a", "Category": "Agent" }), "InvalidParameter.Category"),
        ("GetWorkloadPool", json!({ "Name": "default" }), "InvalidParameter.Name"),
        ("GetWorkloadPool", json!([]), "InvalidRequest"),
    ] {
        assert_eq!(call(&emulator, action, &body).refusal(), (400, code.into()), "{action} {body}");
    }
}

#[test]
fn a_workload_is_missing_then_created_then_there_then_a_duplicate() {
    let emulator = start(|_| ());
    let named = json!({ "WorkloadPoolName": "default", "Name": "openclaw-agent" });
    for action in ["GetWorkloadIdentity", "GetWorkloadAccessToken"] {
        assert_eq!(call(&emulator, action, &named).refusal(), (404, "NotFound".into()), "{action}");
    }
    let create = json!({ "WorkloadPoolName": "default", "Name": "openclaw-agent", "Category": "Agent" });
    let created = call(&emulator, "CreateWorkloadIdentity", &create).result();
    assert_eq!(
        (&created["Category"], &created["AllowedResourceOauth2ReturnUrls"]),
        (&"Agent".into(), &json!([]))
    );
    assert_eq!(call(&emulator, "GetWorkloadIdentity", &named).result(), created);
    assert!(call(&emulator, "GetWorkloadAccessToken", &named).result()["WorkloadAccessToken"].is_string());
    assert_eq!(call(&emulator, "CreateWorkloadIdentity", &create).refusal(), (409, "Duplicated".into()));
}

#[test]
fn the_pool_leads_to_the_keys_that_verify_its_tokens() {
    let emulator = start(|_| ());
    let pool = call(&emulator, "GetWorkloadPool", &json!({ "WorkloadPoolName": "default" })).result();
    let document: Value = get(pool["DiscoveryUrl"].as_str().unwrap()).json();
    assert_eq!(document["issuer"], emulator.workload_issuer());
    assert!(get(document["jwks_uri"].as_str().unwrap()).json()["keys"][0]["kid"].is_string());
    for other in [json!({ "WorkloadPoolName": "other" }), json!({ "WorkloadPoolId": "wp-other" })] {
        assert_eq!(call(&emulator, "GetWorkloadPool", &other).refusal(), (404, "NotFound".into()));
    }
}

#[test]
fn a_pool_holds_a_thousand_workloads_with_names_of_128_characters() {
    let emulator = start(|options| options.workloads = (1..1000).map(|i| format!("w{i}")).collect());
    let create = |name: &str| call(&emulator, "CreateWorkloadIdentity", &json!({ "Name": name }));
    assert_eq!(create(&"a".repeat(128)).status, 200);
    assert_eq!(create("one-more").refusal(), (400, "InvalidRequest".into()));
}
