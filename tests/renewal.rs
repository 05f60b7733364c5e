//! Silent renewal as people and programs see it: an ended login is renewed once for everybody who asks, survives what
//! passes, and ends where the provider says so. Real binary, real socket, real curl.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test file, helpers included")]
#![cfg(feature = "emulator")]

mod support;

use std::thread;

use agent_identity::emulator::{Effect, Fault};
use serde_json::{Value, json};
use support::{Home, PATIENCE, Server};

const TOKEN: &str = "http://localhost/token";
const SESSION: &str = "http://localhost/session";
/// An hour and ten seconds: user tokens end ten seconds before they are issued, which the check of a new id token
/// still tolerates.
const ENDED: i64 = -3610;

/// Alice, whose user token has ended; no request of her login is recorded any more.
fn ended() -> (Home, Server) {
    let home = Home::new();
    home.emulator.set_clock_offset(ENDED);
    let server = home.serve();
    home.log_in("alice", None);
    home.emulator.set_clock_offset(0);
    home.emulator.requests().clear();
    (home, server)
}

fn code(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["error"]["code"].as_str().unwrap_or_default())
}

#[test]
fn an_ended_login_is_renewed_once_for_all_who_ask_and_before_the_cloud_is_asked() {
    let (home, server) = ended();
    // Long enough for every caller to be there.
    home.emulator.faults().add(Fault::always("token", Effect::Delay { milliseconds: 1000 })).unwrap();
    let answers: Vec<_> = thread::scope(|scope| {
        let callers: Vec<_> = (0..8).map(|_| scope.spawn(|| home.curl(&[TOKEN]))).collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    for (status, body) in &answers {
        assert_eq!((*status, &body["token"]), (200, &answers[0].1["token"]), "{body}");
    }
    let targets: Vec<_> = home.emulator.requests().all().into_iter().map(|request| request.target).collect();
    let first = |name: &str| targets.iter().position(|target| target == name).unwrap();
    assert_eq!(targets.iter().filter(|target| *target == "token").count(), 1, "{targets:?}");
    assert!(first("token") < first("GetWorkloadAccessTokenForJWT"), "{targets:?}");
    server.stop();
}

#[test]
fn a_rotated_refresh_token_outlives_a_power_cut() {
    let (home, server) = ended();
    // Renewed, but ended again: the next to ask must renew with the new refresh token, for the old one is used up.
    home.emulator.set_clock_offset(ENDED);
    home.curl(&[SESSION]);
    assert_eq!(home.emulator.requests().to("token").len(), 1);
    server.kill();
    let server = home.serve();
    home.emulator.set_clock_offset(0);
    let (status, session) = home.curl(&[SESSION]);
    assert_eq!(status, 200, "{session}");
    let renewals = home.emulator.requests().to("token");
    assert_eq!(renewals.len(), 2);
    assert_ne!(renewals[0].body["refresh_token"], renewals[1].body["refresh_token"]);
    server.stop();
}

#[test]
fn a_refused_renewal_is_a_logout_and_offers_a_login() {
    let (home, server) = ended();
    let refusal = Effect::OauthError { status: 400, error: "invalid_grant".into() };
    home.emulator.faults().add(Fault::times("token", 1, refusal)).unwrap();
    let answer = home.curl(&[TOKEN]);
    assert_eq!(code(&answer), (401, "login_expired"));
    assert!(answer.1["error"]["hint"].as_str().unwrap().contains("agent-identity login"));
    assert_eq!(code(&home.curl(&[TOKEN])), (401, "not_logged_in"));
    assert_eq!(home.emulator.requests().to("token").len(), 1);
    let login = home.json(&["login", "--no-wait", "--json"]);
    assert!(login["ok"] == false && login["authUrl"].is_string(), "{login}");
    server.stop();
}

#[test]
fn a_provider_out_of_reach_keeps_the_login_until_it_is_back() {
    let (home, server) = ended();
    let busy = Effect::Respond { status: 503, content_type: "text/html".into(), body: "<html>".into() };
    for effect in [Effect::HangUp, busy] {
        home.emulator.faults().add(Fault::always("token", effect)).unwrap();
        assert_eq!(code(&home.curl(&[TOKEN])), (503, "idp_unreachable"));
        assert_eq!(home.json(&["status", "--json"])["sessions"][0]["hasRefreshToken"], true);
        home.emulator.faults().clear();
    }
    let (status, token) = home.curl(&[TOKEN]);
    assert_eq!(status, 200, "{token}");
    server.stop();
}

#[test]
fn a_logout_during_a_renewal_leaves_nothing() {
    let (home, server) = ended();
    home.emulator.faults().add(Fault::always("token", Effect::Delay { milliseconds: 2000 })).unwrap();
    let answer = thread::scope(|scope| {
        let caller = scope.spawn(|| home.curl(&[TOKEN]));
        assert!(home.emulator.requests().wait_for("token", 1, PATIENCE));
        assert!(home.run(&["logout"]).status.success());
        caller.join().unwrap()
    });
    assert_eq!(code(&answer), (401, "not_logged_in"));
    assert_eq!(home.json(&["status", "--json"])["sessions"], json!([]));
    assert!(home.emulator.requests().to("GetWorkloadAccessTokenForJWT").is_empty());
    server.stop();
}
