//! Many instances with one engine, as people and programs see them: whatever step goes to whichever instance, it is one
//! service. Real binaries, real engine, real sockets; the emulator plays cloud and user pool.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test file, helpers included")]
#![cfg(all(feature = "emulator", feature = "redis"))]

mod support;

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use agent_identity::base::time::{Clock as _, SystemClock};
use agent_identity::emulator::{Effect, Fault, Options};
use agent_identity::http::limits::STOP_GRACE;
use serde_json::{Value, json};
use support::browser::Browser;
use support::fleet::{Fleet, Instance};
use support::{PATIENCE, engine, skipped};

/// The session of a person in a chat.
const SESSION: &str = "agent:main:main:user:a";
/// User tokens end so long after they are issued when this is the emulator's offset: in their last minute, and ten
/// seconds ago, which the check of a new id token still tolerates.
const LAST_MINUTE: i64 = -3570;
const ENDED: i64 = -3610;

/// Has a test done with each engine that is installed.
fn with_engines(test: &str, run: impl Fn(&'static str)) {
    let programs = engine::programs();
    if programs.is_empty() {
        skipped(test, "neither redis-server nor valkey-server is installed");
    }
    programs.into_iter().for_each(run);
}

fn target(what: &str, session: &str) -> String {
    format!("/{what}?session={session}")
}

fn code((status, body): &(u16, Value)) -> (u16, &str) {
    (*status, body["error"]["code"].as_str().unwrap_or_default())
}

fn people() -> Options {
    Options { users: ["alice", "bob", "carol"].map(str::to_owned).to_vec(), ..Options::default() }
}

/// The link of a login that is begun at an instance.
fn begin(instance: &Instance, session: &str) -> String {
    let (status, begun) = instance.tool("identity_login", session, &json!({}));
    assert_eq!(status, 200, "{begun}");
    begun["authUrl"].as_str().unwrap_or_else(|| panic!("{begun}")).to_owned()
}

/// A whole login, each step of which goes to the next instance.
fn log_in(fleet: &Fleet, person: &str, session: &str) {
    Browser::new().log_in(&begin(fleet.next(), session), person);
}

/// Waits until something holds, looking again and again.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = SystemClock.monotonic() + PATIENCE;
    while !holds() {
        assert!(SystemClock.monotonic() < end, "{what}: not in time");
        SystemClock.sleep(Duration::from_millis(20));
    }
}

#[test]
fn each_step_of_a_login_may_come_to_another_instance() {
    with_engines("each_step_of_a_login_may_come_to_another_instance", |program| {
        for count in [2, 5] {
            let fleet = Fleet::start(program, count, people());
            let mut subs = Vec::new();
            for person in ["alice", "bob"] {
                // Begun, called back, confirmed, and used: five instances at most, none of which had a step before.
                let turns = fleet.turns();
                log_in(&fleet, person, SESSION);
                assert_eq!(fleet.turns() - turns, 3, "a login has three steps");
                let (status, token) = fleet.next().get(&target("token", SESSION));
                assert_eq!(status, 200, "{token}");
                let (status, whoami) = fleet.next().tool("identity_whoami", SESSION, &json!({}));
                assert_eq!((status, &whoami["loggedIn"], &whoami["sub"]), (200, &json!(true), &token["sub"]));
                // Everywhere the same person, whom an instance may have met as somebody else before.
                for instance in &fleet.instances {
                    let (status, token) = instance.get(&target("token", SESSION));
                    assert_eq!((status, &token["sub"]), (200, &whoami["sub"]), "{token}");
                    let (status, session) = instance.get(&target("session", SESSION));
                    assert_eq!((status, &session["sub"]), (200, &whoami["sub"]), "{session}");
                }
                subs.push(whoami["sub"].clone());
                let (status, done) = fleet.next().tool("identity_logout", SESSION, &json!({}));
                assert_eq!((status, &done["ok"]), (200, &json!(true)), "{done}");
                for instance in &fleet.instances {
                    for what in ["token", "session"] {
                        let answer = instance.get(&target(what, SESSION));
                        assert!(answer.0 >= 400, "logged out, and served: {}", answer.1);
                    }
                    let (_, whoami) = instance.tool("identity_whoami", SESSION, &json!({}));
                    assert_eq!(whoami["loggedIn"], false, "{whoami}");
                }
            }
            assert_ne!(subs[0], subs[1]);
        }
    });
}

#[test]
fn a_person_who_takes_over_a_session_is_never_served_the_others_token() {
    with_engines("a_person_who_takes_over_a_session_is_never_served_the_others_token", |program| {
        let fleet = Fleet::start(program, 3, people());
        let mut before = Value::Null;
        for person in ["alice", "bob", "alice"] {
            // Both links are good; the second login replaces the first one without a logout.
            let link = begin_anew(&fleet);
            Browser::new().log_in(&link, person);
            for instance in &fleet.instances {
                let (status, token) = instance.get(&target("token", SESSION));
                assert_eq!(status, 200, "{token}");
                assert_ne!(token["sub"], before, "the token of whoever was there before");
            }
            before = fleet.next().get(&target("token", SESSION)).1["sub"].clone();
        }
        // One instance had the token of each; none has more than the last one's now.
        let (_, tips) = fleet.next().tool("identity_list_tips", SESSION, &json!({}));
        assert!(tips.to_string().matches("\"sub\"").count() <= 1, "{tips}");
    });
}

/// A link for the session, whoever is logged in there: links outlast a login that was made with another one.
fn begin_anew(fleet: &Fleet) -> String {
    let _ = fleet.next().tool("identity_logout", SESSION, &json!({}));
    let (first, second) = (begin(fleet.next(), SESSION), begin(fleet.next(), SESSION));
    Browser::new().log_in(&first, "carol");
    for instance in &fleet.instances {
        assert_eq!(instance.get(&target("token", SESSION)).0, 200);
    }
    second
}

#[test]
fn who_is_meant_without_a_name_does_not_depend_on_whom_an_instance_has_met() {
    with_engines("who_is_meant_without_a_name_does_not_depend_on_whom_an_instance_has_met", |program| {
        let fleet = Fleet::start(program, 2, Options::default());
        let [first, second] = &fleet.instances[..] else { panic!() };
        log_in(&fleet, "alice", "agent:main:main:user:a");
        log_in(&fleet, "bob", "agent:main:main:user:b");
        assert_eq!(first.get(&target("token", "agent:main:main:user:a")).0, 200);
        assert_eq!(second.get(&target("token", "agent:main:main:user:b")).0, 200);
        for instance in [first, second] {
            let answer = instance.get("/token");
            assert_eq!(code(&answer), (401, "not_logged_in"), "{}", answer.1);
            assert!(answer.1["error"]["hint"].as_str().unwrap().contains("name the session"), "{}", answer.1);
        }
        // The main session itself is everybody's to see.
        log_in(&fleet, "alice", "agent:main:main");
        for instance in [first, second] {
            let (status, token) = instance.get("/token");
            assert_eq!((status, &token["sessionKey"]), (200, &json!("agent:main:main")), "{token}");
        }
    });
}

#[test]
fn a_link_works_once_among_all() {
    with_engines("a_link_works_once_among_all", |program| {
        let fleet = Fleet::start(program, 5, Options::default());
        let mut browser = Browser::new();
        let question = browser.sign_in(&begin(fleet.next(), SESSION), "alice");
        let target = &question[question.find("/identity/").unwrap()..];
        // Seeing the question uses nothing up, wherever it is seen. The last one's answer is the one that counts.
        let pages: Vec<_> = fleet
            .instances
            .iter()
            .map(|instance| instance.try_callback("GET", target, "").unwrap())
            .inspect(|(status, page)| assert_eq!(*status, 200, "{page}"))
            .collect();
        let field = |name: &str| {
            let (_, rest) = pages[4].1.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
            rest.split('"').next().unwrap().to_owned()
        };
        let form = format!("state={}&confirm={}", field("state"), field("confirm"));
        let start = Barrier::new(10);
        let mut statuses: Vec<_> = thread::scope(|scope| {
            let racers: Vec<_> = (0..10)
                .map(|n| {
                    let (instance, form, start) = (&fleet.instances[n % 5], &form, &start);
                    scope.spawn(move || {
                        start.wait();
                        instance.try_callback("POST", "/identity/oauth/callback", form).unwrap().0
                    })
                })
                .collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).collect()
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400, 400, 400, 400, 400, 400, 400, 400, 400]);
        let codes = fleet.home.emulator.requests().to("token");
        assert_eq!(codes.len(), 1, "one exchange");
        assert_eq!(fleet.next().get(&self::target("token", SESSION)).0, 200);
    });
}

#[test]
fn bindings_that_are_set_at_one_instance_are_seen_at_all() {
    with_engines("bindings_that_are_set_at_one_instance_are_seen_at_all", |program| {
        let fleet = Fleet::start(program, 3, Options::default());
        log_in(&fleet, "alice", SESSION);
        let [first, second, third] = &fleet.instances[..] else { panic!() };
        let bindings = |instance: &Instance| {
            let (status, state) = instance.tool("identity_status", SESSION, &json!({}));
            assert_eq!(status, 200, "{state}");
            state["bindings"].clone()
        };
        for (instance, provider, name) in [(first, "openai", "KEY_0"), (second, "billing", "KEY_1")] {
            let (status, fetched) =
                instance.tool("identity_fetch", SESSION, &json!({ "provider": provider }));
            assert_eq!(status, 200, "{fetched}");
            let params = json!({ "provider": provider, "envVar": name });
            let (status, bound) = instance.tool("identity_set_binding", SESSION, &params);
            assert_eq!(status, 200, "{bound}");
        }
        for instance in &fleet.instances {
            assert_eq!(bindings(instance), json!({ "openai": "KEY_0", "billing": "KEY_1" }));
        }
        let (status, unbound) =
            third.tool("identity_unset_binding", SESSION, &json!({ "provider": "openai" }));
        assert_eq!(status, 200, "{unbound}");
        for instance in &fleet.instances {
            assert_eq!(bindings(instance), json!({ "billing": "KEY_1" }));
        }
    });
}

#[test]
fn an_instance_with_another_key_says_so_and_changes_nothing() {
    with_engines("an_instance_with_another_key_says_so_and_changes_nothing", |program| {
        let fleet = Fleet::start(program, 1, Options::default());
        log_in(&fleet, "alice", SESSION);
        let before = fleet.engine().everything();
        let stranger = fleet.instance(&fleet.key_file("another", 8));
        stranger.run();
        let answers = [
            stranger.get(&target("token", SESSION)),
            stranger.get(&target("session", SESSION)),
            stranger.tool("identity_login", SESSION, &json!({})),
            stranger.tool("identity_logout", SESSION, &json!({})),
        ];
        for answer in &answers {
            assert_eq!(answer.1["error"]["code"], "store_unreadable", "{}", answer.1);
            let message = answer.1["error"]["message"].as_str().unwrap();
            assert!(
                message.contains("is sealed with the key") && message.contains("this instance has"),
                "{message}"
            );
            assert!(answer.1["error"]["hint"].as_str().unwrap().contains("same key file"), "{}", answer.1);
        }
        let (_, status) = stranger.get("/status");
        assert_eq!(status["store"]["problem"]["code"], "store_unreadable", "{}", status["store"]);
        let (_, health) = stranger.get("/healthz");
        assert_eq!(health["degraded"]["store"]["problem"]["code"], "store_unreadable", "{health}");
        stranger.stop();
        assert_eq!(fleet.engine().everything(), before, "not a byte has changed");
        assert_eq!(fleet.next().get(&target("token", SESSION)).0, 200);
    });
}

#[test]
fn while_the_engine_is_away_what_is_known_is_served_and_afterwards_all_is_well() {
    with_engines("while_the_engine_is_away_what_is_known_is_served_and_afterwards_all_is_well", |program| {
        let fleet = Fleet::start(program, 3, Options::default());
        log_in(&fleet, "alice", SESSION);
        let [served, ignorant, leaving] = &fleet.instances[..] else { panic!() };
        let (status, token) = served.get(&target("token", SESSION));
        assert_eq!(status, 200, "{token}");
        let link = begin(served, "agent:main:main:user:b");
        let callback = Browser::new().sign_in(&link, "bob");
        let callback = &callback[callback.find("/identity/").unwrap()..];
        fleet.engine().kill();

        // What it has served it goes on serving.
        for _ in 0..3 {
            let (status, again) = served.get(&target("token", SESSION));
            assert_eq!((status, &again["token"]), (200, &token["token"]));
            assert_eq!(served.get(&target("session", SESSION)).0, 200);
        }
        let (_, health) = served.get("/healthz");
        let store = &health["degraded"]["store"];
        assert_eq!((&health["ok"], &store["state"]), (&json!(true), &json!("unreachable")), "{health}");
        assert!(store["since"].is_string() && store["problem"]["hint"].is_string(), "{store}");
        assert_eq!(served.get("/status").1["store"]["since"], store["since"], "the same outage");

        // Nobody is taken for logged out, and nothing is promised that is not kept.
        let login = served.tool("identity_login", "agent:main:main:user:c", &json!({}));
        assert_eq!(code(&login), (503, "store_unavailable"), "{}", login.1);
        assert!(login.1["error"]["message"].as_str().unwrap().contains(&fleet.engine().url()), "{}", login.1);
        assert_eq!(code(&served.tool("identity_logout", SESSION, &json!({}))), (503, "store_unavailable"));
        assert_eq!(
            code(&leaving.get(&target("token", "agent:main:main:user:zoe"))),
            (503, "store_unavailable")
        );
        let (status, page) = ignorant.try_callback("GET", callback, "").unwrap();
        assert_eq!(status, 503, "{page}");

        // It may be told to stop.
        let asked_to_stop = SystemClock.monotonic();
        leaving.stop();
        assert!(SystemClock.monotonic() - asked_to_stop < STOP_GRACE);

        fleet.engine().run();
        until("the engine is used again", || {
            fleet.instances[..2].iter().all(|instance| {
                instance.get(&target("token", SESSION)).0 == 200
                    && instance.get("/healthz").1.get("degraded").is_none()
            })
        });
        // The link was not used up.
        let (status, page) = ignorant.try_callback("GET", callback, "").unwrap();
        assert_eq!(status, 200, "{page}");
        assert_eq!(served.tool("identity_logout", SESSION, &json!({})).0, 200);
        assert!(ignorant.get(&target("token", SESSION)).0 >= 400);
    });
}

#[test]
fn a_renewal_that_the_engine_cannot_take_is_kept_until_it_can() {
    with_engines("a_renewal_that_the_engine_cannot_take_is_kept_until_it_can", |program| {
        let fleet = Fleet::start(program, 2, Options::default());
        let [renewing, other] = &fleet.instances[..] else { panic!() };
        let emulator = &fleet.home.emulator;
        // The instance ends when all is saved, or is told to end before that.
        for (round, ends) in ["rested", "stopped"].into_iter().enumerate() {
            let session = format!("agent:main:main:user:{round}");
            emulator.set_clock_offset(ENDED);
            log_in(&fleet, "alice", &session);
            emulator.set_clock_offset(0);
            let (uses, asked) = (emulator.refresh_uses().len(), emulator.requests().to("token").len());
            emulator.faults().add(Fault::times("token", 1, Effect::Delay { milliseconds: 500 })).unwrap();
            let renewed = thread::scope(|scope| {
                let caller = scope.spawn(|| renewing.get(&target("session", &session)));
                assert!(emulator.requests().wait_for("token", asked + 1, PATIENCE));
                fleet.engine().kill();
                caller.join().unwrap()
            });
            assert_eq!(renewed.0, 200, "paid for with a refresh token: {}", renewed.1);
            let (_, health) = renewing.get("/healthz");
            assert_eq!(health["degraded"]["store"]["state"], "unsaved", "{health}");
            fleet.engine().run();
            if ends == "rested" {
                until("what waits is saved", || renewing.get("/healthz").1.get("degraded").is_none());
                renewing.kill();
            } else {
                renewing.stop();
            }
            fleet.engine().end_leases();
            until("the engine is used again", || other.get(&target("session", &session)).0 != 503);
            assert_eq!(other.get(&target("session", &session)), renewed, "{ends}");
            let uses = &emulator.refresh_uses()[uses..];
            assert!(uses.len() == 1 && !uses[0].again, "{ends}: {uses:?}");
            renewing.run();
        }
    });
}

#[test]
fn twenty_instances_that_ask_at_once_use_a_refresh_token_once() {
    const INSTANCES: usize = 20;
    with_engines("twenty_instances_that_ask_at_once_use_a_refresh_token_once", |program| {
        let fleet = Fleet::start(program, INSTANCES, Options::default());
        let emulator = &fleet.home.emulator;
        // Long enough for all to be there while the first one waits for its answer.
        emulator.faults().add(Fault::always("token", Effect::Delay { milliseconds: 400 })).unwrap();
        for (round, offset) in [LAST_MINUTE, ENDED, LAST_MINUTE, ENDED].into_iter().enumerate() {
            let session = format!("agent:main:main:user:{round}");
            emulator.set_clock_offset(offset);
            log_in(&fleet, "alice", &session);
            emulator.set_clock_offset(0);
            let uses = emulator.refresh_uses().len();
            let start = Barrier::new(INSTANCES);
            let answers: Vec<_> = thread::scope(|scope| {
                let callers: Vec<_> = fleet
                    .instances
                    .iter()
                    .enumerate()
                    .map(|(n, instance)| {
                        let target = target(["token", "session"][n % 2], &session);
                        let start = &start;
                        scope.spawn(move || {
                            start.wait();
                            instance.get(&target)
                        })
                    })
                    .collect();
                callers.into_iter().map(|caller| caller.join().unwrap()).collect()
            });
            for (status, body) in &answers {
                assert_eq!((*status, &body["sub"]), (200, &answers[0].1["sub"]), "round {round}: {body}");
            }
            let uses = &emulator.refresh_uses()[uses..];
            assert!(uses.len() == 1 && !uses[0].again, "round {round}: {uses:?}");
            // The login lives, at all instances, with the token that was got.
            let sessions: Vec<_> =
                fleet.instances.iter().map(|instance| instance.get(&target("session", &session))).collect();
            assert!(sessions.iter().all(|answer| *answer == sessions[0] && answer.0 == 200), "{sessions:?}");
        }
    });
}
