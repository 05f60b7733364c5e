//! Temporary keys: three ways to ask for them, and what they may do until when.

use agent_identity::base::time::Timestamp;
use agent_identity::emulator::{Effect, Emulator, Fault};
use serde_json::{Value, json};

use super::client::*;

const ROLE: &str = "trn:iam::2100000000:role/AgentRole";
const ACTION: &str = "Action=AssumeRole&Version=2018-01-01";

fn assume(emulator: &Emulator, change: impl FnOnce(&mut Signed)) -> Answer {
    let mut request = Signed::new(emulator, "", &json!({}));
    request.service = "sts";
    request.query = ACTION.into();
    request.content_type = "application/x-www-form-urlencoded; charset=utf-8";
    request.body =
        form(&[("RoleTrn", ROLE), ("RoleSessionName", "agent_identity"), ("DurationSeconds", "900")]);
    change(&mut request);
    request.send(emulator)
}

fn with_keys(emulator: &Emulator, credentials: &Value, action: &str, body: &Value) -> Signed {
    let text = |name: &str| credentials[name].as_str().unwrap().to_owned();
    let mut request = Signed::new(emulator, action, body);
    request.access_key = text("AccessKeyId");
    request.secret = text("SecretAccessKey");
    request.token = Some(text("SessionToken"));
    request
}

#[test]
fn a_role_can_be_assumed_by_form_query_and_json() {
    let emulator = start(|_| ());
    let role = ROLE.replace(':', "%3A").replace('/', "%2F");
    let by_form = assume(&emulator, |_| ());
    let by_query = assume(&emulator, |r| {
        r.method = "GET";
        r.body = String::new();
        r.content_type = "text/plain";
        r.query = format!(
            "Action=AssumeRole&DurationSeconds=900&RoleSessionName=s1&RoleTrn={role}&Version=2018-01-01"
        );
    });
    let by_json = assume(&emulator, |r| {
        r.content_type = "application/json";
        r.body = json!({ "RoleTrn": ROLE, "RoleSessionName": "s1", "DurationSeconds": 900 }).to_string();
    });
    for answer in [by_form, by_query, by_json] {
        let result = answer.result();
        let credentials = &result["Credentials"];
        let time = |name: &str| {
            let text = credentials[name].as_str().unwrap();
            assert!(text.ends_with("+08:00"), "{text}");
            Timestamp::parse_rfc3339(text).unwrap().unix()
        };
        assert_eq!(time("ExpiredTime") - time("CurrentTime"), 900);
        let role = result["AssumedRoleUser"]["Trn"].as_str().unwrap();
        assert!(role.starts_with("trn:sts::2100000000:assumed-role/AgentRole/"), "{role}");
    }
}

#[test]
fn temporary_keys_work_with_their_token_until_they_end() {
    let emulator = start(|_| ());
    let credentials = assume(&emulator, |_| ()).result()["Credentials"].clone();
    let request = with_keys(&emulator, &credentials, "GetWorkloadPool", &json!({}));
    assert_eq!(request.send(&emulator).status, 200);
    let refused = (401, "InvalidSecretToken".to_owned());
    for token in [None, Some("STSother".to_owned())] {
        assert_eq!(Signed { token, ..request.clone() }.send(&emulator).refusal(), refused);
    }
    let wrong = Signed { secret: "x".into(), ..request.clone() };
    assert_eq!(wrong.send(&emulator).refusal(), (401, "SignatureDoesNotMatch".into()));
    emulator.set_clock_offset(901);
    let late = Signed { date: Timestamp::from_unix(now().unix() + 901), ..request };
    assert_eq!(late.send(&emulator).refusal(), refused);
}

#[test]
fn a_role_without_a_workload_name_is_its_own_workload() {
    let emulator = start(|_| ());
    let credentials = assume(&emulator, |_| ()).result()["Credentials"].clone();
    let body = json!({ "UserToken": id_token(&emulator) });
    let answer =
        with_keys(&emulator, &credentials, "GetWorkloadAccessTokenForJWT", &body).send(&emulator).result();
    let jwks = format!("{}/keys", emulator.workload_issuer());
    let tip = verify(answer["WorkloadAccessToken"].as_str().unwrap(), &jwks).unwrap();
    assert_eq!(tip["act"], json!({ "sub": "AgentRole" }));
}

#[test]
fn bad_requests_and_roles_that_may_not_be_assumed_are_refused() {
    let emulator = start(|options| options.roles = vec![ROLE.into()]);
    let other = "trn:iam::2100000000:role/Other";
    for (pairs, refusal) in [
        (vec![("RoleTrn", other), ("RoleSessionName", "s1")], (403, "AccessDenied")),
        (vec![("RoleTrn", ROLE)], (400, "MissingParameter.RoleSessionName")),
        (vec![("RoleSessionName", "s1")], (400, "MissingParameter.RoleTrn")),
        (vec![("RoleTrn", "AgentRole"), ("RoleSessionName", "s1")], (400, "InvalidParameter.RoleTrn")),
        (vec![("RoleTrn", ROLE), ("RoleSessionName", "s")], (400, "InvalidParameter.RoleSessionName")),
        (vec![("RoleTrn", ROLE), ("RoleSessionName", "s1"), ("Foo", "1")], (400, "InvalidParameter.Foo")),
        (
            vec![("RoleTrn", ROLE), ("RoleTrn", ROLE), ("RoleSessionName", "s1")],
            (400, "InvalidParameter.RoleTrn"),
        ),
        (
            vec![("RoleTrn", ROLE), ("RoleSessionName", "s1"), ("DurationSeconds", "1h")],
            (400, "InvalidParameter.DurationSeconds"),
        ),
    ] {
        let answer = assume(&emulator, |r| r.body = form(&pairs));
        assert_eq!(answer.refusal(), (refusal.0, refusal.1.to_owned()), "{pairs:?}");
    }
    let tagged = [("RoleTrn", ROLE), ("RoleSessionName", "s1"), ("Tags.1.Key", "k"), ("Tags.1.Value", "v")];
    assert_eq!(assume(&emulator, |r| r.body = form(&tagged)).status, 200);
}

#[test]
fn the_expiry_can_come_under_its_other_name() {
    let emulator = start(|_| ());
    emulator.faults().add(Fault::times("AssumeRole", 1, Effect::AlternativeFields)).unwrap();
    let credentials = assume(&emulator, |_| ()).result()["Credentials"].clone();
    assert!(credentials["Expiration"].is_string() && credentials.get("ExpiredTime").is_none());
}
