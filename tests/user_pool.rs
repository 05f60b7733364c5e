//! User pools by name and the relay, with the real binary: pool and client are found or created through the control
//! plane, two processes at once agree on one of each, and people log in there, also by way of a provider behind the pool.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test file, helpers included")]
#![cfg(feature = "emulator")]

mod support;

use agent_identity::emulator::{Effect, Emulator, Fault, Options};
use serde_json::{Value, json};
use support::browser::Browser;
use support::{Home, text};

const POOL: &str = "people";
const CLIENT: &str = "openclaw";

/// A configuration that knows pool and client by name.
fn by_name(config: &mut Value) {
    let pool = config["userpool"].as_object_mut().unwrap();
    for key in ["discoveryUrl", "clientId", "clientSecret"] {
        pool.remove(key);
    }
    pool.insert("userPoolName".to_owned(), POOL.into());
    pool.insert("clientName".to_owned(), CLIENT.into());
}

/// The actions on pools, clients and identity providers that came in.
fn actions(emulator: &Emulator) -> Vec<String> {
    let targets = emulator.requests().all().into_iter().map(|request| request.target);
    targets.filter(|target| target.contains("UserPool") || target.contains("IdentityProvider")).collect()
}

#[test]
fn a_person_logs_in_at_a_pool_that_is_known_by_name() {
    let home = Home::with(Options::default(), by_name);
    let server = home.serve();
    assert!(actions(&home.emulator).is_empty(), "nothing is looked up before it is needed");
    home.log_in("alice", None);
    assert_eq!(home.json(&["token", "--json"])["chain"], json!(["main"]));
    let first = [
        "ListUserPools",
        "CreateUserPool",
        "ListUserPoolClients",
        "CreateUserPoolClient",
        "ListIdentityProviders",
    ];
    assert_eq!(actions(&home.emulator), first);
    home.log_in("bob", Some("agent:main:main:user:b"));
    assert_eq!(actions(&home.emulator), first, "all of it is kept");
    server.stop();

    let server = home.serve();
    link(&home);
    let second =
        ["ListUserPools", "GetUserPool", "ListUserPoolClients", "GetUserPoolClient", "ListIdentityProviders"];
    assert_eq!(actions(&home.emulator)[5..], second, "a restart resolves again, and now finds everything");
    server.stop();
}

#[test]
fn two_processes_at_once_create_one_pool_and_one_client_with_both_callbacks() {
    let first = Home::with(Options::default(), by_name);
    let second = Home::with(Options::default(), |config| {
        by_name(config);
        config["identity"]["endpoint"] = first.emulator.endpoint().into();
    });
    // The first look of each finds nothing, as if both had looked before either made anything.
    let nothing = Effect::SetField { name: "Data".to_owned(), value: json!([]) };
    for action in ["ListUserPools", "ListUserPoolClients"] {
        first.emulator.faults().add(Fault::times(action, 2, nothing.clone())).unwrap();
    }
    let servers = [first.serve(), second.serve()];
    let links = std::thread::scope(|scope| {
        [&first, &second].map(|home| scope.spawn(|| link(home))).map(|caller| caller.join().unwrap())
    });
    let client =
        |link: &String| link.split("client_id=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    assert_eq!(client(&links[0]), client(&links[1]), "one client");
    let asked = actions(&first.emulator);
    let count = |name: &str| asked.iter().filter(|action| *action == name).count();
    assert_eq!((count("CreateUserPool"), count("CreateUserPoolClient")), (2, 2), "both tried: {asked:?}");
    let read = first.emulator.requests().to("UpdateUserPoolClient");
    let mut callbacks: Vec<_> = read.last().unwrap().body["AllowedCallbackUrls"].as_array().unwrap().clone();
    let mut expected = [json!(first.callback), json!(second.callback)];
    callbacks.sort_by_key(Value::to_string);
    expected.sort_by_key(Value::to_string);
    assert_eq!(callbacks, expected);
    for server in servers {
        server.stop();
    }
}

#[test]
fn without_auto_create_an_absent_pool_is_named_and_the_server_goes_on() {
    let home = Home::with(Options::default(), |config| {
        by_name(config);
        config["userpool"]["autoCreate"] = json!(false);
    });
    let server = home.serve();
    let refused = home.run(&["login", "--no-wait"]);
    let message = text(&refused.stderr);
    assert!(!refused.status.success());
    assert!(message.contains("the user pool people does not exist"), "{message}");
    assert!(message.contains("userpool.userPoolName"), "{message}");
    assert_eq!(actions(&home.emulator), ["ListUserPools"]);
    assert_eq!(home.curl(&["http://localhost/healthz"]).0, 200);
    server.stop();
}

#[test]
fn with_the_relay_a_person_logs_in_at_the_provider_behind_the_pool() {
    let home = Home::with(Options::default(), |config| {
        by_name(config);
        // The pool that has an identity provider behind it.
        config["userpool"]["userPoolName"] = Options::default().user_pool.into();
        config["userpool"]["useRelayCallback"] = json!(true);
    });
    let server = home.serve();
    let mut browser = Browser::new();
    let provider = browser.get(&link(&home));
    assert!(provider.url.path().contains("/idp/"), "{:?}", provider.url);
    let question = browser.submit(&provider, &[("username", "alice"), ("password", "password")]);
    assert!(question.text().contains("agent:main:main:user:c"), "{}", question.html);
    let forwarded = |home: &Home| home.emulator.requests().to("idp-callback").len();
    assert_eq!(forwarded(&home), 0, "nothing is passed on before the person confirmed");
    let done = browser.submit(&question, &[]);
    assert_eq!(done.status, 200, "{}", done.html);
    assert_eq!(forwarded(&home), 1);
    let session = home.curl(&["http://localhost/session?session=agent:main:main:user:c"]);
    assert_eq!((session.0, &session.1["sessionKey"]), (200, &json!("agent:main:main:user:c")));
    server.stop();
}

fn link(home: &Home) -> String {
    home.json(&["login", "--no-wait", "--json", "--session", "agent:main:main:user:c"])["authUrl"]
        .as_str()
        .unwrap()
        .to_owned()
}
