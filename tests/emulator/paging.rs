//! Lists: pages, filters, order, and what can be wrong with them.

use agent_identity::emulator::{CredentialProvider, Effect, Emulator, Fault, ProviderKind};
use serde_json::{Value, json};

use super::client::*;

/// Every list, what it needs besides the page, and the name of its items.
const LISTS: [(&str, &str, &str); 7] = [
    ("ListCredentialProviders", "", "CredentialProviders"),
    ("ListApiKeyCredentialProviders", "", "ApiKeyCredentialProviders"),
    ("ListOauth2CredentialProviders", "", "Oauth2CredentialProviders"),
    ("ListRoleCredentialProviders", "", "RoleCredentialProviders"),
    ("ListUserPools", "", "Data"),
    ("ListUserPoolClients", "UserPoolUid", "Data"),
    ("ListIdentityProviders", "UserPoolUID", "Data"),
];

fn list(emulator: &Emulator, action: &str, more: &Value) -> Answer {
    let mut body = json!({ "PageNumber": 1, "PageSize": 100 });
    let needed = LISTS.iter().find(|(name, ..)| *name == action).unwrap().1;
    if !needed.is_empty() {
        body[needed] = emulator.user_pool_uid().into();
    }
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
        if value.is_null() {
            body.as_object_mut().unwrap().remove(name);
        }
    }
    call(emulator, action, &body)
}

fn names(result: &Value, key: &str) -> Vec<String> {
    result[key].as_array().unwrap().iter().map(|item| item["Name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_list_needs_its_page_and_says_how_much_there_is() {
    let emulator = start(|_| ());
    for (action, needed, key) in LISTS {
        for (more, code) in [
            (json!({ "PageNumber": null }), "MissingParameter.PageNumber"),
            (json!({ "PageSize": null }), "MissingParameter.PageSize"),
            (json!({ "PageNumber": 0 }), "InvalidParameter.PageNumber"),
            (json!({ "PageSize": 0 }), "InvalidParameter.PageSize"),
            (json!({ "PageSize": 101 }), "InvalidParameter.PageSize"),
            (json!({ "PageSize": "20" }), "InvalidParameter.PageSize"),
            (json!({ "Pagesize": 20 }), "InvalidParameter.Pagesize"),
        ] {
            assert_eq!(list(&emulator, action, &more).refusal(), (400, code.into()), "{action} {more}");
        }
        let whole = list(&emulator, action, &json!({})).result();
        let total = whole[key].as_array().unwrap().len();
        assert!(total > 0, "{action} has something to show");
        assert_eq!(whole["TotalCount"], total, "{action}");
        let one = list(&emulator, action, &json!({ "PageSize": 1, "PageNumber": total })).result();
        assert_eq!(
            (&one["TotalCount"], &one["PageNumber"], &one["PageSize"]),
            (&json!(total), &json!(total), &json!(1))
        );
        assert_eq!(one[key][0], whole[key][total - 1], "{action}");
        let past = list(&emulator, action, &json!({ "PageSize": 1, "PageNumber": total + 1 })).result();
        assert_eq!(past[key], json!([]), "{action}");
        if !needed.is_empty() {
            let code = format!("MissingParameter.{needed}");
            assert_eq!(list(&emulator, action, &json!({ needed: null })).refusal(), (400, code));
        }
    }
}

#[test]
fn the_identity_providers_pool_is_spelt_in_its_own_way() {
    let emulator = start(|_| ());
    let uid = emulator.user_pool_uid();
    for (action, wrong, right) in [
        ("ListIdentityProviders", "UserPoolUid", "UserPoolUID"),
        ("ListUserPoolClients", "UserPoolUID", "UserPoolUid"),
    ] {
        let refused = list(&emulator, action, &json!({ right: null, wrong: uid }));
        assert_eq!(refused.refusal(), (400, format!("MissingParameter.{right}")));
        assert_eq!(
            list(&emulator, action, &json!({ right: "up-other" })).refusal(),
            (404, "NotFound".into())
        );
    }
}

#[test]
fn credential_providers_are_filtered_by_every_field() {
    let emulator = start(|_| ());
    for (filter, expected) in [
        (json!({ "Name": "g" }), vec!["google", "github", "billing"]),
        (json!({ "Name": "google" }), vec!["google"]),
        (json!({ "Type": "oauth2", "Flow": "USER_FEDERATION" }), vec!["google", "github"]),
        (json!({ "Flow": "M2M" }), vec!["billing"]),
        (json!({ "Type": "api_key" }), vec!["openai"]),
        (json!({ "Vendor": 1 }), vec!["google"]),
        (json!({ "BindingStatus": true }), vec!["openai"]),
        (
            json!({ "PoolName": "default", "ProjectName": "default", "BindingStatus": false, "Vendor": 0 }),
            vec!["billing"],
        ),
        (json!({ "PoolName": "other" }), vec![]),
        (json!({ "Source": "other" }), vec![]),
    ] {
        let result = list(&emulator, "ListCredentialProviders", &json!({ "Filter": filter })).result();
        assert_eq!(names(&result, "CredentialProviders"), expected, "{filter}");
    }
    for (filter, field) in [
        (json!({ "Type": "OAuth2" }), "Filter.Type"),
        (json!({ "Flow": "m2m" }), "Filter.Flow"),
        (json!({ "Vendor": -1 }), "Filter.Vendor"),
        (json!({ "BindingStatus": "true" }), "Filter.BindingStatus"),
        (json!({ "name": "g" }), "Filter.name"),
        (json!([]), "Filter"),
    ] {
        let refusal = list(&emulator, "ListCredentialProviders", &json!({ "Filter": filter })).refusal();
        assert_eq!(refusal, (400, format!("InvalidParameter.{field}")), "{filter}");
    }
    let other = list(&emulator, "ListCredentialProviders", &json!({ "PoolName": "other" }));
    assert_eq!(other.refusal(), (404, "NotFound".into()));
    let sorted = json!({ "SortField": "Name", "SortDesc": true });
    let result = list(&emulator, "ListCredentialProviders", &sorted).result();
    assert_eq!(names(&result, "CredentialProviders"), ["openai", "google", "github", "billing"]);
}

#[test]
fn role_providers_show_whose_tokens_they_want() {
    let emulator = start(|_| ());
    let result = list(&emulator, "ListRoleCredentialProviders", &json!({})).result();
    let config = |i: usize| &result["RoleCredentialProviders"][i]["Config"];
    let pool = json!({ "PoolId": emulator.user_pool_uid(), "PoolName": "local" });
    assert_eq!(config(0)["IdentityPool"], json!({ "UserPool": pool }));
    assert_eq!(config(1)["IdentityPool"], json!({ "AgentPool": { "PoolName": "default" } }));
    assert_eq!(config(0)["RoleMapping"]["FromRole"]["RoleName"], "EcsReadonly");
    let filter = json!({ "Filter": { "Name": "ecs", "PoolName": "default", "CredentialProviderId": "rcp-ecs-readonly" } });
    let result = list(&emulator, "ListRoleCredentialProviders", &filter).result();
    assert_eq!(names(&result, "RoleCredentialProviders"), ["ecs-readonly"]);
    let top = list(&emulator, "ListRoleCredentialProviders", &json!({ "PoolName": "default" }));
    assert_eq!(top.refusal(), (400, "InvalidParameter.PoolName".into()), "there is no such parameter here");
}

#[test]
fn a_page_can_fail_alone_and_totals_and_keys_can_lie() {
    let emulator = start(|_| ());
    for i in 0..5 {
        let kind = ProviderKind::ApiKey { key: "k".into(), places: vec![] };
        let provider = CredentialProvider { name: format!("k{i}"), vendor: 0, bindings: 0, kind };
        emulator.put_credential_provider(provider).unwrap();
    }
    let action = "ListApiKeyCredentialProviders";
    let page = |number: u32| list(&emulator, action, &json!({ "PageSize": 2, "PageNumber": number }));
    let broken = Effect::Error { status: 500, code: "InternalError".into(), message: "x".into() };
    emulator.faults().add(Fault::times(action, 1, broken).on_page(2)).unwrap();
    assert_eq!((page(1).status, page(2).status, page(2).status, page(3).status), (200, 500, 200, 200));
    let order = |effect| emulator.faults().add(Fault::times(action, 1, effect)).unwrap();
    order(Effect::SetField { name: "TotalCount".into(), value: json!(99) });
    assert_eq!(page(1).result()["TotalCount"], 99);
    order(Effect::RemoveField { name: "TotalCount".into() });
    assert!(page(1).result().get("TotalCount").is_none());
    order(Effect::AlternativeListKey);
    let result = page(1).result();
    assert!(result.get("ApiKeyCredentialProviders").is_none());
    assert_eq!(names(&result, "Data"), ["openai", "k0"]);
    order(Effect::Throttle { retry_after_seconds: 7 });
    let throttled = page(1);
    assert_eq!(
        (throttled.refusal(), throttled.headers["retry-after"].as_str()),
        ((429, "Throttled".into()), "7")
    );
}

#[test]
fn providers_can_be_changed_over_http() {
    let emulator = start(|_| ());
    let control = |what: &str| format!("{}/_emulator/{what}", emulator.base_url());
    for (what, action, key, provider) in [
        (
            "credential-providers",
            "ListCredentialProviders",
            "CredentialProviders",
            json!({ "name": "new", "kind": { "type": "oauth2", "flow": "M2M", "redirectUrls": [] } }),
        ),
        (
            "role-providers",
            "ListRoleCredentialProviders",
            "RoleCredentialProviders",
            json!({ "name": "new", "identity": { "type": "userPool" },
                    "mapping": { "type": "rules", "default": "D", "rules":
                        [{ "claim": "sub", "matchType": "Equals", "value": "u", "role": "R" }] } }),
        ),
    ] {
        assert_eq!(send("DELETE", &control(what), &[], b"").status, 200);
        assert_eq!(list(&emulator, action, &json!({})).result()["TotalCount"], 0);
        let put = post_json(&control(what), &provider);
        assert_eq!(put.status, 200, "{put:?}");
        assert_eq!(names(&list(&emulator, action, &json!({})).result(), key), ["new"]);
    }
}
