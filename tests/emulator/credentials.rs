//! API keys, credentials that users store, and temporary keys of roles.

use agent_identity::base::time::Timestamp;
use agent_identity::emulator::{
    ClaimRule, Effect, Emulator, Fault, IdentitySource, MatchType, RoleMapping, RoleProvider, UserCredential,
};
use serde_json::{Value, json};

use super::client::*;

#[test]
fn an_api_key_comes_with_its_place_for_a_workload_only() {
    let emulator = start(|_| ());
    let alice = tip(&emulator, "agent1");
    let ask = |provider: &str, token: &str| {
        let body = json!({ "ProviderName": provider, "IdentityToken": token, "PoolName": "default" });
        call(&emulator, "GetResourceApiKey", &body)
    };
    let result = ask("openai", &alice).result();
    assert_eq!(result["ApiKey"], "sk-emulator-openai");
    let place = json!([{ "Location": "header", "ParameterName": "Authorization", "Prefix": "Bearer " }]);
    assert_eq!(result["ApiKeyMetadata"], place);
    assert_eq!(ask("google", &alice).refusal(), (400, "InvalidParameter.ProviderName".into()));
    assert_eq!(ask("none", &alice).refusal(), (404, "NotFound".into()));
    let refused = (400, "InvalidParameter.IdentityToken".to_owned());
    assert_eq!(ask("openai", &id_token(&emulator)).refusal(), refused);
    let fault = Effect::RemoveField { name: "ApiKeyMetadata".into() };
    emulator.faults().add(Fault::times("GetResourceApiKey", 1, fault)).unwrap();
    assert_eq!(ask("openai", &alice).result(), json!({ "ApiKey": "sk-emulator-openai" }));
}

#[test]
fn a_stored_credential_is_its_users_alone() {
    let emulator = start(|options| {
        let seeded = UserCredential { id: "seeded".into(), user: "alice".into(), data: "{}".into() };
        options.user_credentials.push(seeded);
    });
    let alice = tip(&emulator, "agent1");
    let page = authorize(&emulator, &authorization(&emulator));
    let code = submit(&emulator, &page, "bob", "password").back()["code"].clone();
    let bob = redeem(&emulator, &code).json()["id_token"].as_str().unwrap().to_owned();
    let bob = tip_for(&emulator, "agent1", &bob);
    let ask = |verb: &str, tip: &str, id: &str, data: Option<&str>| {
        let mut body = json!({ "CredentialId": id, "IdentityToken": tip, "PoolName": "default" });
        if let Some(data) = data {
            body["CredentialData"] = data.into();
        }
        call(&emulator, &format!("{verb}UserCredential"), &body)
    };
    assert_eq!(ask("Get", &alice, "seeded", None).result()["CredentialData"], "{}");
    let missing = (404, "NotFound".to_owned());
    for verb in ["Get", "Update", "Delete"] {
        assert_eq!(ask(verb, &bob, "seeded", None).refusal(), missing, "{verb}");
    }
    assert_eq!(ask("Create", &alice, "c1", Some("one")).result(), json!({ "CredentialId": "c1" }));
    assert_eq!(ask("Create", &alice, "c1", Some("two")).refusal(), (409, "Duplicated".into()));
    assert_eq!(ask("Update", &alice, "c1", Some("two")).result()["CredentialId"], "c1");
    assert_eq!(ask("Get", &alice, "c1", None).result()["CredentialData"], "two");
    assert_eq!(ask("Delete", &alice, "c1", None).result(), json!({}));
    assert_eq!(ask("Get", &alice, "c1", None).refusal(), missing);
    let body = json!({ "CredentialData": "x", "IdentityToken": alice });
    assert!(call(&emulator, "CreateUserCredential", &body).result()["CredentialId"].is_string());
}

fn role_keys(emulator: &Emulator, provider: &str, token: &str, more: &Value) -> Answer {
    let mut body = json!({ "ProviderName": provider, "IdentityToken": token, "PoolName": "default" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    call(emulator, "GetRoleCredentials", &body)
}

#[test]
fn role_keys_follow_the_identity_source_and_work() {
    let emulator = start(|_| ());
    let (alice, user) = (tip(&emulator, "agent1"), id_token(&emulator));
    let refused = (400, "InvalidParameter.IdentityToken".to_owned());
    assert_eq!(role_keys(&emulator, "tos-agent", &user, &json!({})).refusal(), refused);
    assert_eq!(
        role_keys(&emulator, "ecs-readonly", &forge(&user, "sub", json!("x")), &json!({})).refusal(),
        refused
    );
    for (provider, token) in [("tos-agent", &alice), ("ecs-readonly", &alice), ("ecs-readonly", &user)] {
        let wish = json!({ "RoleSessionName": "openclaw", "DurationSeconds": 900, "WithOIDC": true });
        let response = role_keys(&emulator, provider, token, &wish).result()["VolcEngResponse"].clone();
        let keys = &response["Credentials"];
        let date = |name: &str| Timestamp::parse_rfc3339(keys[name].as_str().unwrap()).unwrap().unix();
        assert!(
            keys["Expiration"].as_str().unwrap().ends_with("+08:00") && keys.get("ExpiredTime").is_none()
        );
        assert_eq!(date("Expiration") - date("CurrentTime"), 900);
        assert!(response["AssumedRoleUser"]["Trn"].as_str().unwrap().ends_with("/openclaw"));
        assert!(response["OIDCTokenInfo"]["Subject"].is_string());
        let text = |name: &str| keys[name].as_str().unwrap().to_owned();
        let mut request = Signed::new(&emulator, "GetWorkloadPool", &json!({}));
        request.access_key = text("AccessKeyId");
        request.secret = text("SecretAccessKey");
        request.token = Some(text("SessionToken"));
        assert_eq!(request.send(&emulator).status, 200, "the API takes them");
    }
}

#[test]
fn a_user_pool_provider_refuses_tokens_of_other_pools_and_clients() {
    let other = json!({ "Name": "other" });
    let emulator = start(|_| ());
    call(&emulator, "CreateUserPool", &other).result();
    for (name, pool, client) in [("wrong-pool", Some("other"), None), ("wrong-client", None, Some("c"))] {
        let identity =
            IdentitySource::UserPool { pool: pool.map(Into::into), client: client.map(Into::into) };
        let mapping = RoleMapping::Role { name: "R".into() };
        emulator.put_role_provider(RoleProvider { name: name.into(), vendor: 0, identity, mapping }).unwrap();
        let answer = role_keys(&emulator, name, &id_token(&emulator), &json!({}));
        assert_eq!(answer.refusal(), (400, "InvalidParameter.IdentityToken".into()), "{name}");
    }
}

#[test]
fn the_role_is_fixed_or_asked_for_or_found_by_claim() {
    let emulator = start(|_| ());
    let rule = |claim: &str, match_type, value: &str, role: &str| ClaimRule {
        claim: claim.into(),
        match_type,
        value: value.into(),
        role: role.into(),
    };
    let rules = vec![
        rule("email", MatchType::Equals, "bob@example.com", "Bob"),
        rule("aud", MatchType::Contains, emulator.client_id(), "Client"),
    ];
    for (name, mapping) in [
        ("asked", RoleMapping::Request { allowed: vec!["A".into()] }),
        ("ruled", RoleMapping::Rules { default: "Default".into(), rules }),
    ] {
        let identity = IdentitySource::UserPool { pool: None, client: None };
        emulator.put_role_provider(RoleProvider { name: name.into(), vendor: 0, identity, mapping }).unwrap();
    }
    let (user, alice) = (id_token(&emulator), tip(&emulator, "agent1"));
    let role = |name: &str| json!({ "RequestedRoleTrn": format!("trn:iam::2100000000:role/{name}") });
    for (provider, token, more, outcome) in [
        ("asked", &user, role("A"), Ok("A")),
        ("asked", &user, role("B"), Err((403, "AccessDenied"))),
        ("asked", &user, json!({}), Err((400, "MissingParameter.RequestedRoleTrn"))),
        ("asked", &user, json!({ "RequestedRoleTrn": "A" }), Err((400, "InvalidParameter.RequestedRoleTrn"))),
        ("ruled", &user, json!({}), Ok("Client")),
        ("ruled", &alice, json!({}), Ok("Default")),
        ("ecs-readonly", &user, role("A"), Err((400, "InvalidParameter.RequestedRoleTrn"))),
        (
            "ecs-readonly",
            &user,
            json!({ "RoleSessionName": "!" }),
            Err((400, "InvalidParameter.RoleSessionName")),
        ),
        ("none", &user, json!({}), Err((404, "NotFound"))),
    ] {
        let answer = role_keys(&emulator, provider, token, &more);
        match outcome {
            Ok(role) => {
                let result = answer.result();
                let trn = result["VolcEngResponse"]["AssumedRoleUser"]["Trn"].as_str().unwrap().to_owned();
                assert!(trn.contains(&format!(":assumed-role/{role}/")), "{trn}");
            }
            Err((status, code)) => {
                assert_eq!(answer.refusal(), (status, code.to_owned()), "{provider} {more}")
            }
        }
    }
}

#[test]
fn role_keys_can_come_in_their_other_shapes() {
    let emulator = start(|_| ());
    let alice = tip(&emulator, "agent1");
    let order = |effect| emulator.faults().add(Fault::times("GetRoleCredentials", 1, effect)).unwrap();
    order(Effect::AlternativeFields);
    let result = role_keys(&emulator, "tos-agent", &alice, &json!({})).result();
    assert!(result["VolcEngResponse"]["Credentials"]["ExpiredTime"].is_string());
    order(Effect::Unwrap { name: "VolcEngResponse".into() });
    let result = role_keys(&emulator, "tos-agent", &alice, &json!({})).result();
    assert!(result["Credentials"]["Expiration"].is_string());
}
