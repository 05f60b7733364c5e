//! The control plane of UserPools, and logging in at pools and clients that it made.

use agent_identity::emulator::Emulator;
use serde_json::{Value, json};

use super::client::*;

fn new_pool(emulator: &Emulator, name: &str) -> Value {
    call(emulator, "CreateUserPool", &json!({ "Name": name, "SelfSignUpEnabled": false })).result()
}

fn new_client(emulator: &Emulator, pool: &Value, name: &str, kind: &str) -> Value {
    let body = json!({
        "UserPoolUid": pool["Uid"], "Name": name, "ClientType": kind, "AllowedCallbackUrls": [CALLBACK],
    });
    call(emulator, "CreateUserPoolClient", &body).result()
}

/// Logs alice in at a pool and redeems the code, with a secret or without.
fn log_in_at(pool: &Value, client: &Value, callback: &str) -> Answer {
    let document = get(pool["DiscoveryUrl"].as_str().unwrap()).json();
    let id = client["Uid"].as_str().unwrap();
    let params = [
        ("response_type", "code"),
        ("client_id", id),
        ("redirect_uri", callback),
        ("scope", "openid email"),
        ("state", "s"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let url = format!("{}?{}", document["authorization_endpoint"].as_str().unwrap(), form(&params));
    let page = get(&url);
    if page.status != 200 {
        return page;
    }
    let back = location(&submit_form(&url, &page, &[("username", "alice"), ("password", "password")])).1;
    let mut pairs = vec![
        ("grant_type", "authorization_code"),
        ("code", back["code"].as_str()),
        ("redirect_uri", callback),
        ("code_verifier", VERIFIER),
    ];
    let secret = client["ClientSecret"].as_str().map(|secret| basic(id, secret));
    match &secret {
        Some(basic) => {
            post_form(document["token_endpoint"].as_str().unwrap(), &[("authorization", basic)], &pairs)
        }
        None => {
            pairs.push(("client_id", id));
            post_form(document["token_endpoint"].as_str().unwrap(), &[], &pairs)
        }
    }
}

#[test]
fn a_made_pool_and_its_clients_log_people_in() {
    let emulator = start(|_| ());
    let pool = new_pool(&emulator, "my-pool");
    for (name, kind, has_secret) in
        [("web", "WEB_APPLICATION", true), ("spa", "SINGLE_PAGE_APPLICATION", false)]
    {
        let client = new_client(&emulator, &pool, name, kind);
        assert_eq!(client["ClientSecret"].is_string(), has_secret);
        let tokens = log_in_at(&pool, &client, CALLBACK).json();
        let id_token = tokens["id_token"].as_str().unwrap();
        let claims = verify(id_token, pool["TokenSigningKeyUrl"].as_str().unwrap()).unwrap();
        assert_eq!((&claims["iss"], &claims["aud"]), (&pool["IssuerUrl"], &client["Uid"]));
        let first = get(&endpoint(&emulator, "jwks_uri")).json()["keys"][0]["kid"].clone();
        let own = get(pool["TokenSigningKeyUrl"].as_str().unwrap()).json()["keys"][0]["kid"].clone();
        assert_ne!(first, own, "each pool has keys of its own");
        assert!(!tip_for(&emulator, "agent1", id_token).is_empty(), "a TIP can be had for it");
        let other = log_in_at(&pool, &client, &format!("{CALLBACK}/"));
        assert_eq!(other.status, 400, "callbacks are compared exactly");
    }
}

#[test]
fn grants_of_one_pool_mean_nothing_to_another() {
    let emulator = start(|_| ());
    let pool = new_pool(&emulator, "my-pool");
    let client = new_client(&emulator, &pool, "web", "WEB_APPLICATION");
    let tokens = log_in_at(&pool, &client, CALLBACK).json();
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let own = format!("{}/userinfo", pool["IssuerUrl"].as_str().unwrap());
    let ask = |url: &str| send("GET", url, &[("authorization", &bearer)], b"").status;
    assert_eq!((ask(&own), ask(&endpoint(&emulator, "userinfo_endpoint"))), (200, 401));
    let stranger = basic(client["Uid"].as_str().unwrap(), client["ClientSecret"].as_str().unwrap());
    let pairs = [("grant_type", "refresh_token"), ("refresh_token", "x")];
    let answer = post_form(&endpoint(&emulator, "token_endpoint"), &[("authorization", &stranger)], &pairs);
    assert_eq!(answer.oauth_error(), (401, "invalid_client".into()));
    let nowhere = pool["DiscoveryUrl"].as_str().unwrap().replace(pool["Uid"].as_str().unwrap(), "none");
    assert_eq!(get(&nowhere).status, 404);
}

#[test]
fn names_are_found_by_a_part_and_made_once() {
    let emulator = start(|_| ());
    let pool = new_pool(&emulator, "my-pool");
    new_pool(&emulator, "my-pool-2");
    let find = |name: &str| {
        let body = json!({ "PageNumber": 1, "PageSize": 50, "Filter": { "Name": name } });
        call(&emulator, "ListUserPools", &body).result()["TotalCount"].clone()
    };
    assert_eq!((find("my-pool"), find("my-pool-2"), find("none")), (json!(2), json!(1), json!(0)));
    let again = json!({ "Name": "my-pool" });
    assert_eq!(call(&emulator, "CreateUserPool", &again).refusal(), (409, "Duplicated".into()));
    new_client(&emulator, &pool, "openclaw", "WEB_APPLICATION");
    let again = json!({ "UserPoolUid": pool["Uid"], "Name": "openclaw", "ClientType": "WEB_APPLICATION" });
    assert_eq!(call(&emulator, "CreateUserPoolClient", &again).refusal(), (409, "Duplicated".into()));
    let bad = json!({ "UserPoolUid": pool["Uid"], "Name": "x", "ClientType": "web" });
    assert_eq!(call(&emulator, "CreateUserPoolClient", &bad).refusal().1, "InvalidParameter.ClientType");
    for (action, body) in [
        ("GetUserPool", json!({ "UserPoolUid": "my-pool" })),
        ("GetUserPoolClient", json!({ "UserPoolUid": pool["Uid"], "ClientUid": "openclaw" })),
        ("UpdateUserPoolClient", json!({ "UserPoolUid": pool["Uid"], "ClientUid": "openclaw" })),
    ] {
        assert_eq!(
            call(&emulator, action, &body).refusal(),
            (404, "NotFound".into()),
            "{action}: a name is no uid"
        );
    }
}

#[test]
fn of_two_that_make_the_same_pool_at_once_one_is_told_that_it_exists() {
    let emulator = start(|_| ());
    let barrier = std::sync::Barrier::new(2);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let make = || {
            barrier.wait();
            call(&emulator, "CreateUserPool", &json!({ "Name": "race" })).status
        };
        let both = [scope.spawn(make), scope.spawn(make)];
        both.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(statuses.contains(&200) && statuses.contains(&409), "{statuses:?}");
}

#[test]
fn a_list_of_clients_has_no_secret_and_reading_one_has() {
    let emulator = start(|_| ());
    let uid = emulator.user_pool_uid();
    let body = json!({ "UserPoolUid": uid, "PageNumber": 1, "PageSize": 10 });
    let listed = call(&emulator, "ListUserPoolClients", &body);
    assert!(!listed.text.contains("Secret"), "{listed:?}");
    let body = json!({ "UserPoolUid": uid, "ClientUid": emulator.client_id() });
    let client = call(&emulator, "GetUserPoolClient", &body).result();
    assert_eq!(client["ClientSecret"], emulator.client_secret());
    assert_eq!(client["AllowedCallbackUrls"], json!([CALLBACK]));
}

#[test]
fn an_update_replaces_what_it_names_and_nothing_else() {
    let emulator = start(|_| ());
    let pool = new_pool(&emulator, "my-pool");
    let client = new_client(&emulator, &pool, "web", "WEB_APPLICATION");
    let update = |more: Value| {
        let mut body = json!({ "UserPoolUid": pool["Uid"], "ClientUid": client["Uid"] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        call(&emulator, "UpdateUserPoolClient", &body)
    };
    let other = "http://127.0.0.1:1/cb";
    let changed =
        update(json!({ "AllowedCallbackUrls": [other], "IdToken": { "LifeTimeSeconds": 60 } })).result();
    assert_eq!(changed["AllowedCallbackUrls"], json!([other]), "the old one is gone");
    assert_eq!(changed["IdToken"], json!({ "LifetimeSeconds": 60 }));
    assert_eq!((&changed["Name"], &changed["ClientSecret"]), (&client["Name"], &client["ClientSecret"]));
    let kept =
        update(json!({ "RefreshToken": { "Rotation": false }, "AllowedWebOrigins": ["http://127.0.0.1:1"] }))
            .result();
    assert_eq!(kept["AllowedCallbackUrls"], json!([other]));
    assert_eq!(
        kept["RefreshToken"]["CombinedLifetimeSeconds"],
        client["RefreshToken"]["CombinedLifetimeSeconds"]
    );
    assert_eq!(kept["IdToken"], json!({ "LifetimeSeconds": 60 }));
    for (more, field) in [
        (json!({ "IdToken": { "LifetimeSeconds": 60 } }), "IdToken.LifetimeSeconds"),
        (json!({ "AllowedCallbackUrls": ["x"] }), "AllowedCallbackUrls"),
        (json!({ "ClientType": "WEB_APPLICATION" }), "ClientType"),
    ] {
        assert_eq!(update(more).refusal(), (400, format!("InvalidParameter.{field}")));
    }
    assert_eq!(log_in_at(&pool, &client, CALLBACK).status, 400);
    let tokens = log_in_at(&pool, &client, other).json();
    let claims =
        verify(tokens["id_token"].as_str().unwrap(), pool["TokenSigningKeyUrl"].as_str().unwrap()).unwrap();
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
}

#[test]
fn what_a_client_is_can_be_written_back_in_full() {
    let emulator = start(|_| ());
    let uid = emulator.user_pool_uid();
    let body = json!({ "UserPoolUid": uid, "ClientUid": emulator.client_id() });
    let read = call(&emulator, "GetUserPoolClient", &body).result();
    let mut all = body.clone();
    for (name, value) in read.as_object().unwrap() {
        match name.as_str() {
            "Uid" | "ClientType" | "ClientSecret" | "CreateTime" | "UpdateTime" => {}
            "IdToken" => all["IdToken"] = json!({ "LifeTimeSeconds": value["LifetimeSeconds"] }),
            _ => all[name] = value.clone(),
        }
    }
    let mut written = call(&emulator, "UpdateUserPoolClient", &all).result();
    written["UpdateTime"] = read["UpdateTime"].clone();
    assert_eq!(written, read);
    for (seconds, refused) in
        [(0, true), (1, false), (i64::from(u32::MAX), false), (i64::from(u32::MAX) + 1, true)]
    {
        let mut body = body.clone();
        body["IdToken"] = json!({ "LifeTimeSeconds": seconds });
        assert_eq!(call(&emulator, "UpdateUserPoolClient", &body).status == 400, refused, "{seconds}");
    }
}

#[test]
fn the_well_known_endpoints_are_those_of_discovery() {
    let emulator = start(|_| ());
    let pool = new_pool(&emulator, "my-pool");
    let body = json!({ "UserPoolUids": [pool["Uid"]] });
    let data = call(&emulator, "ListUserPoolWellKnownEndpoints", &body).result()["Data"].clone();
    assert_eq!(data.as_array().unwrap().len(), 1);
    let document = get(data[0]["DiscoveryUrl"].as_str().unwrap()).json();
    for (listed, known) in [
        ("IssuerUrl", "issuer"),
        ("AuthorizationEndpoint", "authorization_endpoint"),
        ("TokenEndpoint", "token_endpoint"),
        ("JwksUri", "jwks_uri"),
        ("UserinfoEndpoint", "userinfo_endpoint"),
        ("EndSessionEndpoint", "end_session_endpoint"),
    ] {
        assert_eq!(data[0][listed], document[known], "{listed}");
    }
}

#[test]
fn there_is_room_for_a_hundred_pools() {
    let emulator = start(|_| ());
    for i in 1..100 {
        new_pool(&emulator, &format!("p{i}"));
    }
    let answer = call(&emulator, "CreateUserPool", &json!({ "Name": "one-more" }));
    assert_eq!(answer.refusal(), (400, "InvalidRequest".into()));
}

#[test]
fn a_pool_has_room_for_three_hundred_clients_with_a_hundred_addresses_each() {
    let emulator = start(|_| ());
    let pool = new_pool(&emulator, "my-pool");
    for i in 1..300 {
        new_client(&emulator, &pool, &format!("c{i}"), "WEB_APPLICATION");
    }
    let create = |name: String, addresses: u32| {
        let urls: Vec<String> = (0..addresses).map(|i| format!("http://127.0.0.1/{i}")).collect();
        let body = json!({
            "UserPoolUid": pool["Uid"], "Name": name, "ClientType": "WEB_APPLICATION", "AllowedCallbackUrls": urls,
        });
        call(&emulator, "CreateUserPoolClient", &body)
    };
    assert_eq!(create("c300".into(), 101).refusal().1, "InvalidParameter.AllowedCallbackUrls");
    assert_eq!(create("x".repeat(129), 1).refusal().1, "InvalidParameter.Name");
    assert_eq!(create("x".repeat(128), 100).status, 200);
    assert_eq!(create("c301".into(), 1).refusal(), (400, "InvalidRequest".into()));
}
