//! Workload access tokens: whose they are, for how long, and through whose hands they went.

use std::time::Duration;

use agent_identity::base::time::Timestamp;
use agent_identity::base::url::Url;
use agent_identity::emulator::{Effect, Emulator, Fault, Rotation};
use serde_json::{Value, json};

use super::client::*;

fn workload_jwks(emulator: &Emulator) -> String {
    format!("{}/keys", emulator.workload_issuer())
}

fn exchange(emulator: &Emulator, name: &str, user_token: &str) -> Answer {
    let body = json!({ "WorkloadPoolName": "default", "Name": name, "UserToken": user_token });
    call(emulator, "GetWorkloadAccessTokenForJWT", &body)
}

fn tip(answer: &Answer) -> String {
    answer.result()["WorkloadAccessToken"].as_str().unwrap().to_owned()
}

fn claims(emulator: &Emulator, token: &str) -> Value {
    verify(token, &workload_jwks(emulator)).unwrap()
}

fn with_workloads(change: impl FnOnce(&mut agent_identity::emulator::Options)) -> Emulator {
    start(|options| {
        options.workloads = vec!["agent1".into(), "agent2".into()];
        change(options);
    })
}

#[test]
fn a_tip_speaks_for_the_user_and_names_the_workload() {
    let emulator = with_workloads(|_| ());
    let user_token = id_token(&emulator);
    let user = verify(&user_token, &endpoint(&emulator, "jwks_uri")).unwrap();
    let body = json!({ "Name": "agent1", "UserToken": user_token, "Audience": ["openclaw"], "DurationSeconds": 600 });
    let result = call(&emulator, "GetWorkloadAccessTokenForJWT", &body).result();
    let tip = claims(&emulator, result["WorkloadAccessToken"].as_str().unwrap());
    assert_eq!((&tip["iss"], &tip["sub"]), (&emulator.workload_issuer().into(), &user["sub"]));
    assert_eq!((&tip["aud"], &tip["act"]), (&json!(["openclaw"]), &json!({ "sub": "agent1" })));
    assert_eq!(tip["exp"].as_i64().unwrap() - tip["iat"].as_i64().unwrap(), 600);
    let expires = Timestamp::parse_rfc3339(result["ExpiresAt"].as_str().unwrap()).unwrap();
    assert_eq!(Some(expires.unix()), tip["exp"].as_i64());
}

#[test]
fn a_tip_handed_on_nests_the_earlier_actor() {
    let emulator = with_workloads(|_| ());
    let first = tip(&exchange(&emulator, "agent1", &id_token(&emulator)));
    let second = claims(&emulator, &tip(&exchange(&emulator, "agent2", &first)));
    assert_eq!(second["act"], json!({ "sub": "agent2", "act": { "sub": "agent1" } }));
    assert_eq!(second["sub"], claims(&emulator, &first)["sub"]);
}

#[test]
fn a_tip_ends_with_the_users_token_at_the_latest() {
    let emulator = with_workloads(|options| options.id_token_lifetime = Duration::from_secs(100));
    let user_token = id_token(&emulator);
    let user = verify(&user_token, &endpoint(&emulator, "jwks_uri")).unwrap();
    assert_eq!(claims(&emulator, &tip(&exchange(&emulator, "agent1", &user_token)))["exp"], user["exp"]);
    emulator.set_clock_offset(101);
    assert_eq!(
        exchange(&emulator, "agent1", &user_token).refusal(),
        (400, "InvalidParameter.UserToken".into())
    );
}

#[test]
fn durations_have_limits_and_the_option_caps_them() {
    let emulator = with_workloads(|options| options.tip_lifetime = Duration::from_secs(90));
    for (seconds, lifetime) in [(59, None), (60, Some(60)), (3600, Some(90)), (3601, None)] {
        let body = json!({ "Name": "agent1", "DurationSeconds": seconds });
        let answer = call(&emulator, "GetWorkloadAccessToken", &body);
        match lifetime {
            None => {
                assert_eq!(answer.refusal(), (400, "InvalidParameter.DurationSeconds".into()), "{seconds}")
            }
            Some(lifetime) => {
                let tip = claims(&emulator, &tip(&answer));
                assert_eq!(
                    tip["exp"].as_i64().unwrap() - tip["iat"].as_i64().unwrap(),
                    lifetime,
                    "{seconds}"
                );
            }
        }
    }
}

#[test]
fn a_user_token_that_nobody_trusted_signed_is_refused() {
    let emulator = with_workloads(|_| ());
    let good = id_token(&emulator);
    emulator.faults().add(Fault::times("token", 1, Effect::WrongSignature)).unwrap();
    let rogue = id_token(&emulator);
    let stranger = id_token(&start(|_| ()));
    for bad in [forge(&good, "sub", json!("mallory")), rogue, stranger, "x".into(), "a.b.c".into()] {
        assert_eq!(exchange(&emulator, "agent1", &bad).refusal(), (400, "InvalidParameter.UserToken".into()));
    }
    emulator.rotate_keys(Rotation::DropOld).unwrap();
    assert_eq!(exchange(&emulator, "agent1", &good).status, 400);
}

#[test]
fn a_tip_is_for_a_user_id_or_for_no_user_when_so_asked() {
    let emulator = with_workloads(|_| ());
    let user = json!({ "Name": "agent1", "UserId": "u-1" });
    let user = claims(&emulator, &tip(&call(&emulator, "GetWorkloadAccessTokenForUserId", &user)));
    assert_eq!((&user["sub"], &user["act"]["sub"]), (&"u-1".into(), &"agent1".into()));
    let own =
        claims(&emulator, &tip(&call(&emulator, "GetWorkloadAccessToken", &json!({ "Name": "agent1" }))));
    assert_eq!((&own["sub"], &own["act"]["sub"]), (&"agent1".into(), &"agent1".into()));
}

#[test]
fn without_a_name_a_long_term_key_has_no_workload() {
    let emulator = with_workloads(|_| ());
    let answer = call(&emulator, "GetWorkloadAccessToken", &json!({}));
    assert_eq!(answer.refusal(), (400, "MissingParameter.Name".into()));
}

#[test]
fn another_issuer_is_trusted_when_configured() {
    let other = start(|_| ());
    let user_token = id_token(&other);
    let emulator = with_workloads(|options| {
        options.trusted_issuers = vec![Url::parse(&other.issuer()).unwrap()];
    });
    let claims = claims(&emulator, &tip(&exchange(&emulator, "agent1", &user_token)));
    assert_eq!(claims["sub"], verify(&user_token, &endpoint(&other, "jwks_uri")).unwrap()["sub"]);
    let forged = forge(&user_token, "sub", json!("mallory"));
    assert_eq!(exchange(&emulator, "agent1", &forged).refusal(), (400, "InvalidParameter.UserToken".into()));
    drop(other);
    assert_eq!(exchange(&emulator, "agent1", &user_token).refusal(), (500, "InternalError".into()));
}
