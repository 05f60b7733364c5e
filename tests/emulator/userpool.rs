//! The UserPool: logging in through its pages, and everything it refuses.

use std::time::Duration;

use agent_identity::emulator::{Algorithm, Effect, Fault, Rotation};

use super::client::*;

#[test]
fn a_login_through_the_pages_gives_tokens_that_verify() {
    for algorithm in [Algorithm::Rs256, Algorithm::Es256] {
        let emulator = start(|options| options.id_token_algorithm = algorithm);
        let document = discovery(&emulator);
        assert_eq!(document["issuer"], emulator.issuer());
        let page = authorize(&emulator, &authorization(&emulator));
        assert_eq!(page.status, 200);
        assert!(!page.text.contains("<script"));
        let back = submit(&emulator, &page, "alice", "password").back();
        assert_eq!(
            (back["state"].as_str(), back["iss"].as_str()),
            ("state \"1\"&", emulator.issuer().as_str())
        );
        let tokens = redeem(&emulator, &back["code"]);
        assert_eq!(tokens.headers["cache-control"], "no-store");
        let tokens = tokens.json();
        assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&"Bearer".into(), &3600.into()));
        assert!(tokens["refresh_token"].is_string());
        let claims =
            verify(tokens["id_token"].as_str().unwrap(), document["jwks_uri"].as_str().unwrap()).unwrap();
        assert_eq!((&claims["iss"], &claims["aud"]), (&document["issuer"], &emulator.client_id().into()));
        assert_eq!((&claims["nonce"], &claims["email"]), (&"nonce-1".into(), &"alice@example.com".into()));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
        assert!((claims["iat"].as_i64().unwrap() - now().unix()).abs() < 60);
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        let userinfo = document["userinfo_endpoint"].as_str().unwrap();
        let user = send("GET", userinfo, &[("authorization", &bearer)], b"").json();
        assert_eq!((&user["sub"], &user["name"]), (&claims["sub"], &"Alice".into()));
        assert_eq!(get(userinfo).status, 401);
    }
}

#[test]
fn a_wrong_password_shows_the_form_again_and_it_still_works() {
    let emulator = start(|_| ());
    let page = authorize(&emulator, &authorization(&emulator));
    for (user, password) in [("alice", "wrong"), ("mallory", "password"), ("", "")] {
        let again = submit(&emulator, &page, user, password);
        assert_eq!(again.status, 403, "{user}");
        assert!(submit(&emulator, &again, "bob", "password").back().contains_key("code"), "{user}");
    }
}

#[test]
fn an_unknown_client_or_redirect_address_is_never_redirected_to() {
    let emulator = start(|_| ());
    for (name, value) in [
        ("client_id", "other"),
        ("redirect_uri", "http://127.0.0.1:18789/identity/oauth/callback/"),
        ("redirect_uri", "http://127.0.0.1:18790/identity/oauth/callback"),
        ("redirect_uri", ""),
    ] {
        let mut params = authorization(&emulator);
        params.iter_mut().filter(|(n, _)| *n == name).for_each(|(_, v)| *v = value.into());
        let answer = authorize(&emulator, &params);
        assert_eq!((answer.status, answer.headers.get("location")), (400, None), "{name}={value}");
    }
    let mut twice = authorization(&emulator);
    twice.push(("state", "2".into()));
    assert_eq!(authorize(&emulator, &twice).status, 400);
}

#[test]
fn other_mistakes_of_a_request_go_back_to_the_client() {
    let emulator = start(|_| ());
    let public = emulator.options().public_client_id.clone();
    /// Parameters with another value or none, and the error that follows.
    type Case<'a> = (&'a [(&'static str, Option<&'a str>)], &'static str);
    let cases: [Case<'_>; 9] = [
        (&[("response_type", Some("token"))], "unsupported_response_type"),
        (&[("response_type", None)], "invalid_request"),
        (&[("scope", Some("profile"))], "invalid_scope"),
        (&[("code_challenge_method", Some("plain"))], "invalid_request"),
        (&[("code_challenge_method", None)], "invalid_request"),
        (&[("code_challenge", None)], "invalid_request"),
        (&[("code_challenge", Some("short"))], "invalid_request"),
        (
            &[("client_id", Some(&public)), ("code_challenge", None), ("code_challenge_method", None)],
            "invalid_request",
        ),
        (&[("nonce", Some("n")), ("identity_provider", None), ("prompt", Some("none"))], "login_required"),
    ];
    for (changes, error) in cases {
        let mut params = authorization(&emulator);
        for (name, value) in changes {
            params.retain(|(n, _)| n != name);
            params.extend(value.map(|value| (*name, value.to_owned())));
        }
        let back = authorize(&emulator, &params).back();
        assert_eq!((back["error"].as_str(), back["state"].as_str()), (error, "state \"1\"&"), "{changes:?}");
        assert_eq!(back["iss"], emulator.issuer(), "{changes:?}");
    }
}

#[test]
fn a_code_is_bound_to_verifier_redirect_address_and_client() {
    let emulator = start(|_| ());
    let right = [("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
    let wrong_verifier = VERIFIER.replace('d', "e");
    for (name, value) in [
        ("redirect_uri", Some("http://127.0.0.1:1/")),
        ("redirect_uri", None),
        ("code_verifier", Some(wrong_verifier.as_str())),
        ("code_verifier", Some(CHALLENGE)),
        ("code_verifier", None),
    ] {
        let code = code(&emulator);
        let mut pairs = vec![("grant_type", "authorization_code"), ("code", code.as_str())];
        pairs.extend(right.into_iter().filter(|(n, _)| *n != name));
        pairs.extend(value.map(|value| (name, value)));
        assert_eq!(token(&emulator, &pairs).oauth_error(), (400, "invalid_grant".into()), "{name} {value:?}");
    }
    let (code, public) = (code(&emulator), emulator.options().public_client_id.clone());
    let mut pairs =
        vec![("grant_type", "authorization_code"), ("code", code.as_str()), ("client_id", &public)];
    pairs.extend(right);
    let other = post_form(&endpoint(&emulator, "token_endpoint"), &[], &pairs);
    assert_eq!(other.oauth_error(), (400, "invalid_grant".into()));
}

#[test]
fn a_code_used_twice_revokes_what_it_gave() {
    let emulator = start(|_| ());
    let code = code(&emulator);
    let tokens = redeem(&emulator, &code).json();
    assert_eq!(redeem(&emulator, &code).oauth_error(), (400, "invalid_grant".into()));
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let userinfo = endpoint(&emulator, "userinfo_endpoint");
    assert_eq!(send("GET", &userinfo, &[("authorization", &bearer)], b"").status, 401);
    let refreshed = refresh(&emulator, tokens["refresh_token"].as_str().unwrap());
    assert_eq!(refreshed.oauth_error(), (400, "invalid_grant".into()));
}

#[test]
fn codes_and_tokens_end_with_their_lifetime() {
    let emulator = start(|options| {
        options.access_lifetime = Duration::from_secs(100);
        options.refresh_lifetime = Duration::from_secs(1000);
    });
    let code = code(&emulator);
    emulator.set_clock_offset(61);
    assert_eq!(redeem(&emulator, &code).oauth_error(), (400, "invalid_grant".into()));
    emulator.set_clock_offset(0);
    let tokens = log_in(&emulator);
    emulator.set_clock_offset(101);
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let userinfo = endpoint(&emulator, "userinfo_endpoint");
    assert_eq!(send("GET", &userinfo, &[("authorization", &bearer)], b"").status, 401);
    emulator.set_clock_offset(1001);
    let refreshed = refresh(&emulator, tokens["refresh_token"].as_str().unwrap());
    assert_eq!(refreshed.oauth_error(), (400, "invalid_grant".into()));
}

#[test]
fn clients_authenticate_in_their_one_way() {
    let emulator = start(|_| ());
    let url = endpoint(&emulator, "token_endpoint");
    let (id, public) = (emulator.client_id(), emulator.options().public_client_id.as_str());
    let good = basic(id, emulator.client_secret());
    /// The Authorization header, what else the form has, and the outcome.
    type Case<'a> = (Option<String>, &'a [(&'a str, &'a str)], (u16, &'static str));
    let cases: [Case<'_>; 8] = [
        (None, &[], (401, "invalid_client")),
        (None, &[("client_id", id)], (401, "invalid_client")),
        (Some(basic(id, "wrong")), &[], (401, "invalid_client")),
        (Some(basic("other", emulator.client_secret())), &[], (401, "invalid_client")),
        (Some(basic(public, "")), &[], (401, "invalid_client")),
        (Some(good.clone()), &[("client_id", id)], (400, "invalid_request")),
        (None, &[("client_id", id), ("client_secret", emulator.client_secret())], (400, "invalid_request")),
        (Some(good), &[], (400, "invalid_grant")),
    ];
    for (header, extra, (status, error)) in cases {
        let headers: Vec<(&str, &str)> =
            header.iter().map(|value| ("authorization", value.as_str())).collect();
        let mut pairs = vec![("grant_type", "refresh_token"), ("refresh_token", "none")];
        pairs.extend(extra);
        let answer = post_form(&url, &headers, &pairs);
        assert_eq!(answer.oauth_error(), (status, error.to_owned()), "{header:?} {extra:?}");
        assert_eq!(answer.headers.contains_key("www-authenticate"), status == 401);
    }
}

#[test]
fn a_public_client_logs_in_with_pkce_alone() {
    let emulator = start(|_| ());
    let public = emulator.options().public_client_id.clone();
    let mut params = authorization(&emulator);
    params.iter_mut().filter(|(n, _)| *n == "client_id").for_each(|(_, v)| v.clone_from(&public));
    let back = submit(&emulator, &authorize(&emulator, &params), "bob", "password").back();
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", back["code"].as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
        ("client_id", &public),
    ];
    let tokens = post_form(&endpoint(&emulator, "token_endpoint"), &[], &pairs).json();
    let claims = verify(tokens["id_token"].as_str().unwrap(), &endpoint(&emulator, "jwks_uri")).unwrap();
    assert_eq!(claims["aud"], public);
}

#[test]
fn refresh_tokens_rotate_and_the_reuse_of_an_old_one_ends_the_login() {
    let emulator = start(|_| ());
    let first = log_in(&emulator);
    let old = first["refresh_token"].as_str().unwrap();
    let second = refresh(&emulator, old).json();
    let new = second["refresh_token"].as_str().unwrap();
    assert_ne!(old, new);
    let jwks = endpoint(&emulator, "jwks_uri");
    let claims = |tokens: &serde_json::Value| verify(tokens["id_token"].as_str().unwrap(), &jwks).unwrap();
    let (before, after) = (claims(&first), claims(&second));
    assert_eq!((&before["sub"], &before["auth_time"]), (&after["sub"], &after["auth_time"]));
    assert!(after.get("nonce").is_none());
    assert_eq!(refresh(&emulator, old).oauth_error(), (400, "invalid_grant".into()));
    assert_eq!(refresh(&emulator, new).oauth_error(), (400, "invalid_grant".into()));
}

#[test]
fn without_rotation_the_answer_has_no_refresh_token_and_the_old_one_stays_good() {
    let emulator = start(|options| options.rotate_refresh = false);
    let tokens = log_in(&emulator);
    for _ in 0..2 {
        let answer = refresh(&emulator, tokens["refresh_token"].as_str().unwrap());
        assert_eq!((answer.status, answer.json().get("refresh_token")), (200, None));
    }
}

#[test]
fn refresh_tokens_need_the_scope_or_the_option() {
    for (always, expected) in [(false, false), (true, true)] {
        let emulator = start(|options| options.always_refresh = always);
        let mut params = authorization(&emulator);
        params.iter_mut().filter(|(n, _)| *n == "scope").for_each(|(_, v)| *v = "openid email".into());
        let back = submit(&emulator, &authorize(&emulator, &params), "alice", "password").back();
        let tokens = redeem(&emulator, &back["code"]).json();
        assert_eq!(tokens["refresh_token"].is_string(), expected);
        assert_eq!(tokens["scope"], "openid email");
    }
}

#[test]
fn keys_rotate_with_or_without_the_old_ones() {
    let emulator = start(|_| ());
    let jwks = endpoint(&emulator, "jwks_uri");
    let first = id_token(&emulator);
    emulator.rotate_keys(Rotation::KeepOld).unwrap();
    let second = id_token(&emulator);
    assert!(verify(&first, &jwks).is_some() && verify(&second, &jwks).is_some());
    emulator.rotate_keys(Rotation::DropOld).unwrap();
    assert!(verify(&first, &jwks).is_none() && verify(&second, &jwks).is_none());
    assert!(verify(&id_token(&emulator), &jwks).is_some());
}

#[test]
fn a_token_signed_by_an_unpublished_key_names_a_published_one() {
    let emulator = start(|_| ());
    emulator.faults().add(Fault::times("token", 1, Effect::WrongSignature)).unwrap();
    let jwks = endpoint(&emulator, "jwks_uri");
    let token = id_token(&emulator);
    // `verify` looks the key up by its identifier first, and finds it: rotation has not happened.
    assert!(verify(&token, &jwks).is_none());
    assert_eq!(get(&jwks).json()["keys"].as_array().unwrap().len(), 1);
    assert!(verify(&id_token(&emulator), &jwks).is_some());
}

#[test]
fn logging_out_goes_back_to_registered_addresses_only() {
    let emulator = start(|_| ());
    let url = endpoint(&emulator, "end_session_endpoint");
    assert_eq!(get(&url).status, 200);
    let to = |target: &str| {
        get(&format!("{url}?{}", form(&[("post_logout_redirect_uri", target), ("state", "s")])))
    };
    assert_eq!(to(CALLBACK).back()["state"], "s");
    let refused = to("http://127.0.0.1:1/");
    assert_eq!((refused.status, refused.headers.get("location")), (400, None));
}
