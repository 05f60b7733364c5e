//! Logging in at an external identity provider, with the relay and without.

use agent_identity::base::codec::{base64url, unbase64url};
use agent_identity::emulator::{Emulator, IdentityProvider};
use serde_json::{Value, json};

use super::client::*;

fn with_providers() -> Emulator {
    start(|options| {
        options.identity_providers = vec![
            IdentityProvider { enabled: false, ..IdentityProvider::new("off", "lark", "OAuth") },
            IdentityProvider::new("saml", "adfs", "SAML"),
            IdentityProvider::new("corp", "okta", "oidc"),
            IdentityProvider::new("feishu", "lark", "OAuth"),
        ];
    })
}

/// Sends the browser to the provider and logs alice in there; where the provider sends it then.
fn log_in_there(emulator: &Emulator, more: &[(&'static str, &str)]) -> Answer {
    let mut params = authorization(emulator);
    params.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let left = authorize(emulator, &params);
    let url = left.headers["location"].clone();
    assert!(url.starts_with(&format!("{}/idp/authorize?", emulator.base_url())), "{url}");
    let page = get(&url);
    assert_eq!(submit_form(&url, &page, &[("username", "alice"), ("password", "x")]).status, 403);
    submit_form(&url, &page, &[("username", "alice"), ("password", "password")])
}

fn outer(state: &str) -> Value {
    serde_json::from_slice(&unbase64url(state).unwrap()).unwrap()
}

#[test]
fn without_a_relay_the_browser_comes_back_by_the_pools_own_callback() {
    let emulator = with_providers();
    for (name, kind) in [("feishu", "generic_oauth"), ("corp", "generic_oidc")] {
        let there = log_in_there(&emulator, &[("identity_provider", name)]);
        let (target, _) = location(&there);
        assert_eq!(target, format!("{}/login/{kind}/callback", emulator.issuer()));
        let home = get(&there.headers["location"]);
        assert_eq!(home.status, 302);
        let (target, back) = location(&home);
        assert_eq!((target.as_str(), back["state"].as_str()), (CALLBACK, "state \"1\"&"));
        assert!(redeem(&emulator, &back["code"]).json()["id_token"].is_string());
    }
}

#[test]
fn with_a_relay_the_app_gets_the_providers_code_and_the_outer_state_first() {
    let emulator = with_providers();
    let relay = [("redirect_relay_uri", CALLBACK), ("identity_provider", "feishu")];
    let (target, there) = location(&log_in_there(&emulator, &relay));
    assert_eq!(target, CALLBACK);
    let state = outer(&there["state"]);
    assert_eq!(
        (&state["provider_id"], &state["request_state"]),
        (&"idp-feishu".into(), &"state \"1\"&".into())
    );
    assert!(!there["state"].contains('=') && !state["request_id"].as_str().unwrap().is_empty());
    assert_eq!(
        redeem(&emulator, &there["code"]).oauth_error(),
        (400, "invalid_grant".into()),
        "not the pool's code"
    );
    let callback = |base: &str, kind: &str, code: &str, state: &str| {
        get(&format!("{base}/login/{kind}/callback?{}", form(&[("code", code), ("state", state)])))
    };
    let other = base64url(
        json!({ "request_id": "x", "provider_id": "y", "request_state": "z" }).to_string().as_bytes(),
    );
    let mut changed = state.clone();
    changed["request_state"] = "another".into();
    let changed = base64url(changed.to_string().as_bytes());
    for (kind, code, state) in [
        ("generic_oidc", &there["code"], &there["state"]),
        ("generic_oauth", &"x".to_owned(), &there["state"]),
        ("generic_oauth", &there["code"], &other),
        ("generic_oauth", &there["code"], &changed),
        ("generic_oauth", &there["code"], &"state".to_owned()),
    ] {
        assert_eq!(callback(emulator.base_url(), kind, code, state).status, 400, "{kind} {code} {state}");
    }
    let home = callback(emulator.base_url(), "generic_oauth", &there["code"], &there["state"]);
    assert_eq!(home.status, 302);
    let (target, back) = location(&home);
    assert_eq!((target.as_str(), back["state"].as_str()), (CALLBACK, "state \"1\"&"));
    assert!(redeem(&emulator, &back["code"]).json()["id_token"].is_string());
    let again = callback(&emulator.issuer(), "generic_oauth", &there["code"], &there["state"]);
    assert_eq!(again.status, 400, "used");
}

#[test]
fn a_relay_without_a_name_takes_the_first_provider_that_can() {
    let emulator = with_providers();
    let (_, there) = location(&log_in_there(&emulator, &[("redirect_relay_uri", CALLBACK)]));
    assert_eq!(outer(&there["state"])["provider_id"], "idp-corp");
    let none = start(|options| options.identity_providers.clear());
    let mut params = authorization(&none);
    params.push(("redirect_relay_uri", CALLBACK.into()));
    assert_eq!(authorize(&none, &params).status, 200, "the pool's own form");
}

#[test]
fn unusable_providers_and_relay_addresses_are_told_to_the_client() {
    let emulator = with_providers();
    for (name, value) in [
        ("identity_provider", "none"),
        ("identity_provider", "off"),
        ("identity_provider", "saml"),
        ("identity_provider", ""),
        ("redirect_relay_uri", "http://127.0.0.1:1/"),
    ] {
        let mut params = authorization(&emulator);
        params.push((name, value.into()));
        assert_eq!(authorize(&emulator, &params).back()["error"], "invalid_request", "{name}={value}");
    }
    let mut params = authorization(&emulator);
    params.retain(|(name, _)| *name != "state");
    params.push(("redirect_relay_uri", CALLBACK.into()));
    assert_eq!(authorize(&emulator, &params).back()["error"], "invalid_request");
}

#[test]
fn a_login_that_takes_too_long_elsewhere_is_over() {
    let emulator = with_providers();
    let there = log_in_there(&emulator, &[("identity_provider", "feishu")]);
    emulator.set_clock_offset(601);
    assert_eq!(get(&there.headers["location"]).status, 400);
}

#[test]
fn providers_can_be_added_over_http() {
    let emulator = start(|options| options.identity_providers.clear());
    let url = format!("{}/_emulator/identity-providers", emulator.base_url());
    let provider = json!({
        "uid": "idp-1", "name": "corp", "provider": "okta", "connectionType": "OIDC", "enabled": true,
    });
    assert_eq!(post_json(&url, &json!({ "provider": provider })).status, 200);
    assert_eq!(post_json(&url, &json!({ "userPoolUid": "up-none", "provider": provider })).status, 404);
    let body = json!({
        "UserPoolUID": emulator.user_pool_uid(), "PageNumber": 1, "PageSize": 10,
        "Filter": { "ConnectionType": "OIDC" },
    });
    let data = call(&emulator, "ListIdentityProviders", &body).result()["Data"].clone();
    assert_eq!((&data[0]["Uid"], &data[0]["Enabled"]), (&"idp-1".into(), &true.into()));
}
