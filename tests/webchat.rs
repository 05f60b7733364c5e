//! A web chat's backend logs a person in and puts the login into a session: from the provider's pages to a workload token,
//! without a login link. The emulator plays cloud and user pool, the test the backend.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test file, helpers included")]
#![cfg(feature = "emulator")]

mod support;

use agent_identity::action::{Action, session_get, session_put};
use agent_identity::app::build::{App, build};
use agent_identity::base::codec::base64;
use agent_identity::base::error::{Code, Result};
use agent_identity::base::json;
use agent_identity::base::url::Url;
use agent_identity::config::load;
use agent_identity::config::paths::Paths;
use agent_identity::emulator::{Effect, Fault, Options};
use agent_identity::session::key::SessionKey;
use serde_json::{Value, json};
use support::browser::Browser;
use support::{Home, contains};

const KEY: &str = "agent:main:main:user:openclaw-control-ui";
/// Of RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn home() -> Home {
    Home::with(Options::default(), |config| config["identity"]["webchatSessionExchange"] = true.into())
}

fn app(home: &Home) -> App {
    let state = home.state().to_str().unwrap();
    let env = [("HOME", state), ("OPENCLAW_STATE_DIR", state)].into_iter().collect();
    let paths = Paths::of_machine(&env).unwrap();
    build(&load::load(&paths, None, &env).unwrap(), &paths.data_dir).unwrap()
}

/// A web chat's backend, with a callback of its own.
struct Backend<'a> {
    home: &'a Home,
    callback: tiny_http::Server,
}

/// What it has after the login of a person.
struct Login {
    id_token: String,
    refresh_token: String,
}

impl<'a> Backend<'a> {
    fn of(home: &'a Home) -> Self {
        let callback = Url::parse(&home.callback).unwrap();
        Self { home, callback: tiny_http::Server::http(callback.authority()).unwrap() }
    }

    fn log_in(&self, person: &str) -> Login {
        let home = self.home;
        let document: Value =
            serde_json::from_str(&Browser::new().get(&home.emulator.discovery_url()).html).unwrap();
        let endpoint = |name: &str| Url::parse(document[name].as_str().unwrap()).unwrap();
        let link = endpoint("authorization_endpoint").with_params(&[
            ("response_type", "code"),
            ("client_id", home.emulator.client_id()),
            ("redirect_uri", &home.callback),
            ("scope", "openid profile offline_access"),
            ("prompt", "consent"),
            ("state", "of-the-backend"),
            ("nonce", "of-the-backend"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        let back = std::thread::scope(|scope| {
            scope.spawn(|| self.callback.recv().unwrap().respond(tiny_http::Response::empty(200)).unwrap());
            let mut browser = Browser::new();
            let page = browser.get(&link);
            browser.submit(&page, &[("username", person), ("password", "password")])
        });
        let query = back.url.query().unwrap();
        let code = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "code").unwrap().1;
        let basic = format!("{}:{}", home.emulator.client_id(), home.emulator.client_secret());
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", &home.callback),
            ("code_verifier", VERIFIER),
        ];
        let request = ureq::post(endpoint("token_endpoint").to_string())
            .header("authorization", format!("Basic {}", base64(basic.as_bytes())));
        let answer = request.send_form(form).unwrap().body_mut().read_to_string().unwrap();
        let tokens: Value = serde_json::from_str(&answer).unwrap();
        let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
        Login { id_token: text("id_token"), refresh_token: text("refresh_token") }
    }
}

fn put(app: &App, params: &Value) -> Result<Value> {
    let input = session_put::Input::read(params.as_object().unwrap(), true)?;
    Ok(json::tree(&app.services.perform(Action::SessionPut(Box::new(input)))?).unwrap())
}

fn get(app: &App, params: &Value) -> Result<Value> {
    let input = session_get::Input::read(params.as_object().unwrap(), true)?;
    Ok(json::tree(&app.services.perform(Action::SessionGet(input))?).unwrap())
}

fn token(app: &App) -> Result<Value> {
    let session = Some(SessionKey::parse(KEY).unwrap());
    Ok(json::tree(&app.services.perform(Action::Token(session))?).unwrap())
}

#[test]
fn a_backends_login_gives_the_session_an_identity_without_a_link() {
    let home = home();
    let login = Backend::of(&home).log_in("alice");
    let app = app(&home);
    assert_eq!(token(&app).unwrap_err().code(), Code::SessionUnknown);
    let stored = put(&app, &json!({ "sessionKey": "main", "idToken": login.id_token })).unwrap();
    assert_eq!((&stored["effectiveSessionKey"], &stored["hasTip"]), (&json!(KEY), &json!(true)), "{stored}");
    let tip = token(&app).unwrap();
    assert_eq!((&tip["sub"], &tip["sessionKey"]), (&stored["sub"], &json!(KEY)));
    let got = get(&app, &json!({ "sessionKey": "agent:main:main" })).unwrap();
    assert_eq!((&got["userToken"], &got["sub"]), (&json!(login.id_token), &stored["sub"]));
    assert_eq!((&got["expiresAt"], &got["hasRefreshToken"]), (&stored["expiresAt"], &json!(false)));
    let other = get(&app, &json!({ "sessionKey": "main", "senderId": "somebody-else" })).unwrap_err();
    assert_eq!(other.code(), Code::NotFound);
}

#[test]
fn a_refresh_token_renews_the_login_and_is_on_disk_only_sealed() {
    let home = home();
    // A user token that ends within the minute in which logins are renewed.
    home.emulator.set_clock_offset(-3_560);
    let login = Backend::of(&home).log_in("alice");
    home.emulator.set_clock_offset(0);
    let app = app(&home);
    let params =
        json!({ "sessionKey": "main", "idToken": login.id_token, "refreshToken": login.refresh_token });
    let stored = put(&app, &params).unwrap();
    assert_eq!(stored["hasTip"], true, "{stored}");
    let got = get(&app, &json!({ "sessionKey": "main" })).unwrap();
    assert_ne!(got["userToken"], json!(login.id_token), "renewed");
    assert_eq!((&got["sub"], &got["hasRefreshToken"]), (&stored["sub"], &json!(true)));
    assert!(!got.to_string().contains(&login.refresh_token));
    let disk = home.bytes_on_disk();
    for secret in [&login.refresh_token, &login.id_token, got["userToken"].as_str().unwrap()] {
        assert!(!contains(&disk, secret), "a token is on disk");
    }
}

#[test]
fn a_bad_token_leaves_the_earlier_login_and_a_failing_cloud_the_new_one() {
    let home = home();
    let backend = Backend::of(&home);
    let (alice, bob) = (backend.log_in("alice"), backend.log_in("bob"));
    let app = app(&home);
    let first = put(&app, &json!({ "sessionKey": "main", "idToken": alice.id_token })).unwrap();
    let mut forged = bob.id_token.clone();
    let signature = forged.rfind('.').unwrap() + 1;
    let flipped = if forged[signature..].starts_with('A') { "B" } else { "A" };
    forged.replace_range(signature..=signature, flipped);
    let refused = put(&app, &json!({ "sessionKey": "main", "idToken": forged })).unwrap_err();
    assert_eq!(refused.code(), Code::InvalidRequest);
    assert_eq!(get(&app, &json!({ "sessionKey": "main" })).unwrap()["sub"], first["sub"]);

    let broken = Fault::always("GetWorkloadAccessTokenForJWT", Effect::HangUp);
    home.emulator.faults().add(broken).unwrap();
    let second = put(&app, &json!({ "sessionKey": "main", "idToken": bob.id_token })).unwrap();
    assert_eq!(second["hasTip"], false, "{second}");
    assert_ne!(second["sub"], first["sub"]);
    assert_eq!(get(&app, &json!({ "sessionKey": "main" })).unwrap()["sub"], second["sub"]);
    assert!(token(&app).is_err(), "the first person's token is not the second's");
}

#[test]
fn nothing_on_the_socket_exchanges_sessions() {
    let home = home();
    let server = home.serve();
    for name in [session_put::METHOD, session_get::METHOD, "identity_session_put", "session_put"] {
        let (status, body) = home.curl(&[
            "-X",
            "POST",
            &format!("http://localhost/tool/{name}"),
            "-d",
            r#"{"params": {"sessionKey": "main", "idToken": "t"}}"#,
        ]);
        assert_eq!((status, &body["error"]["code"]), (404, &json!("not_found")), "{name}");
    }
    let (status, _) = home.curl(&["-X", "POST", "http://localhost/session", "-d", "{}"]);
    assert_eq!(status, 405);
    server.stop();
}
