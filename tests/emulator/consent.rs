//! OAuth2 tokens: the consent page, what comes before and after it, and machines that need none.

use agent_identity::emulator::{CredentialProvider, Emulator, Flow, ProviderKind};
use serde_json::{Value, json};

use super::client::*;

const APP: &str = "http://127.0.0.1:18789/app/callback";

fn get_token(emulator: &Emulator, provider: &str, tip: &str, more: &Value) -> Answer {
    let mut body = json!({ "ProviderName": provider, "IdentityToken": tip, "PoolName": "default" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    call(emulator, "GetResourceOauth2Token", &body)
}

fn url(result: &Value) -> &str {
    result["AuthorizationUrl"].as_str().unwrap()
}

fn decide(url: &str, decision: &str) -> Answer {
    let page = get(url);
    assert_eq!(page.status, 200, "{page:?}");
    submit_form(url, &page, &[("decision", decision)])
}

/// Follows the browser to the service's callback.
fn return_home(answer: &Answer) -> Answer {
    get(&answer.headers["location"])
}

#[test]
fn a_user_token_comes_after_consent_and_belongs_to_user_agent_and_scopes() {
    let emulator = start(|_| ());
    let alice = tip(&emulator, "agent1");
    let first = get_token(&emulator, "google", &alice, &json!({ "Flow": "USER_FEDERATION" })).result();
    assert!(first.get("AccessToken").is_none() && first["SessionUri"].is_string());
    assert!(url(&first).contains("scope=email+profile") || url(&first).contains("scope=email%20profile"));
    let poll = get_token(&emulator, "google", &alice, &json!({ "ForceAuthentication": false })).result();
    assert_eq!(poll, first, "asking again changes nothing");
    let page = return_home(&decide(url(&first), "approve"));
    assert_eq!(page.status, 200);
    let echo = json!({ "SessionUri": first["SessionUri"] });
    let token = get_token(&emulator, "google", &alice, &echo).result();
    assert!(token["AccessToken"].is_string() && token.get("AuthorizationUrl").is_none());
    assert_eq!(token["ExpiresIn"], 3600);
    assert_eq!(
        get_token(&emulator, "google", &alice, &json!({})).result()["AccessToken"],
        token["AccessToken"]
    );
    for (provider, tip, more) in [
        ("google", &tip(&emulator, "agent2"), json!({})),
        ("google", &alice, json!({ "Scopes": ["email"] })),
        ("github", &alice, json!({})),
    ] {
        assert!(get_token(&emulator, provider, tip, &more).result()["AuthorizationUrl"].is_string());
    }
}

#[test]
fn forced_authentication_forgets_the_token_until_the_user_agrees_again() {
    let emulator = start(|_| ());
    let alice = tip(&emulator, "agent1");
    let first = get_token(&emulator, "google", &alice, &json!({})).result();
    return_home(&decide(url(&first), "approve"));
    let old = get_token(&emulator, "google", &alice, &json!({})).result();
    let forced = get_token(&emulator, "google", &alice, &json!({ "ForceAuthentication": true })).result();
    assert_ne!(url(&forced), url(&first));
    let poll = get_token(&emulator, "google", &alice, &json!({})).result();
    assert_eq!(url(&poll), url(&forced));
    return_home(&decide(url(&forced), "approve"));
    let new = get_token(&emulator, "google", &alice, &json!({})).result();
    assert!(new["AccessToken"].is_string() && new["AccessToken"] != old["AccessToken"]);
}

#[test]
fn a_denial_is_told_once_and_then_the_user_can_be_asked_anew() {
    let emulator = start(|_| ());
    let alice = tip(&emulator, "agent1");
    let first = get_token(&emulator, "google", &alice, &json!({})).result();
    let page = return_home(&decide(url(&first), "deny"));
    assert!(page.text.contains("denied"), "{page:?}");
    assert_eq!(get_token(&emulator, "google", &alice, &json!({})).refusal(), (400, "InvalidRequest".into()));
    let second = get_token(&emulator, "google", &alice, &json!({})).result();
    assert_ne!(url(&second), url(&first));
    assert_eq!(get(url(&first)).status, 400, "the old link is dead");
}

#[test]
fn an_answered_or_expired_page_cannot_be_answered_again() {
    let emulator = start(|_| ());
    let alice = tip(&emulator, "agent1");
    let first = get_token(&emulator, "google", &alice, &json!({})).result();
    let page = get(url(&first));
    let back = submit_form(url(&first), &page, &[("decision", "approve")]);
    assert_eq!(submit_form(url(&first), &page, &[("decision", "deny")]).status, 400);
    assert_eq!(return_home(&back).status, 200);
    assert_eq!(return_home(&back).status, 400);
    let second = get_token(&emulator, "github", &alice, &json!({})).result();
    emulator.set_clock_offset(601);
    assert_eq!(get(url(&second)).status, 400);
}

#[test]
fn machines_get_their_token_at_once_and_keep_it_until_it_ends() {
    let emulator = start(|_| ());
    let alice = tip(&emulator, "agent1");
    let ask = |more: Value| get_token(&emulator, "billing", &alice, &more).result()["AccessToken"].clone();
    let first = ask(json!({ "Flow": "M2M" }));
    assert!(first.is_string());
    assert_eq!(ask(json!({})), first);
    assert_ne!(ask(json!({ "ForceAuthentication": true })), first);
}

#[test]
fn a_caller_can_take_the_code_at_its_own_registered_address() {
    let emulator = start(|_| ());
    emulator
        .put_credential_provider(CredentialProvider {
            name: "own".into(),
            vendor: 0,
            bindings: 0,
            kind: ProviderKind::Oauth2 {
                flow: Flow::UserFederation,
                scopes: vec![],
                redirect_urls: vec![APP.into()],
            },
        })
        .unwrap();
    let alice = tip(&emulator, "agent1");
    let refused = get_token(&emulator, "google", &alice, &json!({ "RedirectUrl": APP }));
    assert_eq!(refused.refusal(), (400, "InvalidParameter.RedirectUrl".into()));
    let asked = get_token(&emulator, "own", &alice, &json!({ "RedirectUrl": APP })).result();
    let (target, back) = location(&decide(url(&asked), "approve"));
    assert_eq!(target, APP);
    let finish = |tip: &str, code: &str| {
        let body = json!({ "IdentityToken": tip, "State": back["state"], "Code": code });
        call(&emulator, "Oauth2Callback", &body)
    };
    assert_eq!(finish(&tip(&emulator, "agent2"), &back["code"]).status, 404, "another agent's");
    assert_eq!(finish(&alice, "x").refusal(), (400, "InvalidParameter.Code".into()));
    let token = finish(&alice, &back["code"]).result()["AccessToken"].clone();
    assert_eq!(get_token(&emulator, "own", &alice, &json!({})).result()["AccessToken"], token);
    assert_eq!(finish(&alice, &back["code"]).status, 404, "used");
}

#[test]
fn a_return_address_needs_the_user_confirmed_before_there_is_a_token() {
    let emulator = start(|_| ());
    let body = json!({ "Name": "agent1", "AllowedResourceOauth2ReturnUrls": [APP] });
    call(&emulator, "CreateWorkloadIdentity", &body).result();
    let alice = tip(&emulator, "agent1");
    let other = json!({ "ResourceOauth2ReturnUrl": "http://127.0.0.1:1/" });
    let refused = get_token(&emulator, "google", &alice, &other).refusal();
    assert_eq!(refused, (400, "InvalidParameter.ResourceOauth2ReturnUrl".into()));
    let wish = json!({ "ResourceOauth2ReturnUrl": APP, "CustomState": "mine" });
    let asked = get_token(&emulator, "google", &alice, &wish).result();
    let complete = |user: Value| {
        let body = json!({ "SessionUri": asked["SessionUri"], "UserIdentifier": user });
        call(&emulator, "CompleteResourceTokenAuth", &body)
    };
    let identity = json!({ "IdentityToken": alice });
    assert_eq!(complete(identity.clone()).refusal(), (400, "InvalidRequest".into()), "not agreed yet");
    let (target, back) = location(&return_home(&decide(url(&asked), "approve")));
    assert_eq!((target.as_str(), back["state"].as_str()), (APP, "mine"));
    assert_eq!(asked["SessionUri"], back["session_id"]);
    assert!(get_token(&emulator, "google", &alice, &json!({})).result().get("AccessToken").is_none());
    assert_eq!(complete(json!({ "UserID": "u-2" })).status, 404, "somebody else's");
    let two = json!({ "UserID": "u", "IdentityToken": alice });
    assert_eq!(complete(two).refusal(), (400, "InvalidParameter.UserIdentifier".into()));
    assert_eq!(complete(identity).result(), json!({}));
    assert!(get_token(&emulator, "google", &alice, &json!({})).result()["AccessToken"].is_string());
}

#[test]
fn custom_parameters_come_in_two_forms_and_cannot_replace_the_services_own() {
    let emulator = start(|_| ());
    let entry = json!({ "Key": "access_type", "Value": "offline" });
    for (scope, form) in [("a", json!({ "Entries": [entry] })), ("b", json!([entry]))] {
        let wish = json!({ "CustomParameters": form, "Scopes": [scope] });
        let asked = get_token(&emulator, "google", &tip(&emulator, "agent1"), &wish).result();
        assert!(url(&asked).contains("access_type=offline"), "{asked}");
        assert_eq!(get(url(&asked)).status, 200);
    }
    for bad in [
        json!([{ "Key": "state", "Value": "x" }]),
        json!({ "entries": [] }),
        json!([{ "Key": "a" }]),
        json!("a"),
    ] {
        let wish = json!({ "CustomParameters": bad });
        let refusal = get_token(&emulator, "google", &tip(&emulator, "agent1"), &wish).refusal();
        assert_eq!(refusal, (400, "InvalidParameter.CustomParameters".into()), "{bad}");
    }
}

#[test]
fn wrong_requests_for_a_token_are_refused_by_name() {
    let emulator = start(|_| ());
    let (alice, user) = (tip(&emulator, "agent1"), id_token(&emulator));
    for (provider, token, more, refusal) in [
        ("none", &alice, json!({}), (404, "NotFound")),
        ("openai", &alice, json!({}), (400, "InvalidParameter.ProviderName")),
        ("google", &alice, json!({ "Flow": "M2M" }), (400, "InvalidParameter.Flow")),
        ("google", &alice, json!({ "SessionUri": "urn:x" }), (400, "InvalidParameter.SessionUri")),
        ("google", &alice, json!({ "Scopes": ["a b"] }), (400, "InvalidParameter.Scopes")),
        (
            "google",
            &alice,
            json!({ "WorkloadPoolName": "default" }),
            (400, "InvalidParameter.WorkloadPoolName"),
        ),
        ("google", &alice, json!({ "PoolName": "other" }), (404, "NotFound")),
        ("google", &user, json!({}), (400, "InvalidParameter.IdentityToken")),
        (
            "google",
            &forge(&alice, "sub", json!("mallory")),
            json!({}),
            (400, "InvalidParameter.IdentityToken"),
        ),
    ] {
        let answer = get_token(&emulator, provider, token, &more);
        assert_eq!(answer.refusal(), (refusal.0, refusal.1.to_owned()), "{provider} {more}");
    }
    emulator.set_clock_offset(3601);
    let late = Signed {
        date: agent_identity::base::time::Timestamp::from_unix(now().unix() + 3601),
        ..Signed::new(
            &emulator,
            "GetResourceOauth2Token",
            &json!({ "ProviderName": "google", "IdentityToken": alice }),
        )
    };
    assert_eq!(late.send(&emulator).refusal(), (400, "InvalidParameter.IdentityToken".into()), "expired");
}
