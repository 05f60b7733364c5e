use std::collections::BTreeMap;
use std::sync::Barrier;
use std::sync::mpsc::Receiver;

use super::super::polls::{MAX_REFUSALS, MAX_WAITS};
use super::super::testing::{Ears, FakeHosted, PATIENCE, People, key};
use super::*;
use crate::base::entropy::OsEntropy;
use crate::base::time::{ManualClock, Timestamp};

struct Bench {
    desk: Desk,
    people: Arc<People>,
    hosted: Arc<FakeHosted>,
    clock: Arc<ManualClock>,
    heard: Receiver<String>,
}

const ANN: &str = "agent:main:telegram:direct:ann";
const BOB: &str = "agent:main:telegram:direct:bob";

/// Longer than any interval between two questions.
const STEP: Duration = Duration::from_secs(20);

fn bench() -> Bench {
    let clock = Arc::new(ManualClock::at(Timestamp::from_unix(1_000_000)));
    let (people, hosted) = (Arc::new(People::default()), Arc::new(FakeHosted::default()));
    let (ears, heard) = Ears::new();
    let desk = Desk::new(Parts {
        users: people.clone(),
        speaker: people.clone(),
        hosted: hosted.clone(),
        notifier: ears,
        clock: clock.clone(),
        entropy: Arc::new(OsEntropy),
        pace: Pace::default(),
    });
    for (session, sub) in [(ANN, "ann"), (BOB, "bob")] {
        people.log_in(&key(session), sub, clock.now());
    }
    Bench { desk, people, hosted, clock, heard }
}

impl Bench {
    fn fetch(&self, session: &str, provider: &str, flow: Option<Flow>) -> Result<Fetched> {
        let order = Order { provider: provider.into(), flow, ..Order::default() };
        self.desk.fetch(&key(session), order)
    }

    fn stored(&self, session: &str, provider: &str) -> Result<String> {
        match self.fetch(session, provider, None)? {
            Fetched::Stored(credential) => Ok(credential.value.expose().clone()),
            Fetched::Consent { .. } => Err(consent_missing(provider)),
        }
    }

    fn link(&self, session: &str, provider: &str) -> String {
        match self.fetch(session, provider, Some(Flow::Oauth2User)).unwrap() {
            Fetched::Consent { url, waiting } if waiting => url.expose().clone(),
            other => panic!("{other:?}"),
        }
    }

    fn env(&self, session: &str, provider: &str) -> Vec<String> {
        let bindings = BTreeMap::from([(provider.to_owned(), "NAME".to_owned())]);
        let injection = self.desk.injection(&key(session), &bindings, false).unwrap();
        injection.expose().map(|(_, value)| value.to_owned()).collect()
    }

    fn log_out(&self, session: &str) {
        self.people.log_out(&key(session));
        self.desk.forget(&key(session));
    }

    /// Moves the clock so that every wait asks once, and waits until it has.
    fn step(&self) {
        let answered = self.hosted.watch();
        let waits = self.desk.polls().len();
        self.clock.advance(STEP);
        self.desk.polls().nudge();
        for _ in 0..waits {
            answered.recv_timeout(PATIENCE).unwrap();
        }
        while !self.desk.polls().are_resting() {
            std::thread::yield_now();
        }
    }

    fn hear(&self) -> String {
        self.heard.recv_timeout(PATIENCE).unwrap()
    }
}

#[test]
fn flows_are_found_from_the_list_and_an_explicit_one_wins() {
    let bench = bench();
    assert_eq!(bench.stored(ANN, "openai").unwrap(), "openai-of-ann-1");
    assert_eq!(bench.stored(ANN, "robot").unwrap(), "robot-of-ann-2");
    bench.hosted.consent("google");
    assert_eq!(bench.stored(ANN, "google").unwrap(), "google-of-ann-3");
    bench.fetch(ANN, "openai", Some(Flow::Oauth2M2m)).unwrap();
    let asked =
        ["find openai", "key openai", "find robot", "M2m robot", "find google", "UserFederation google"];
    assert_eq!(bench.hosted.asked(), [&asked[..], &["M2m openai"]].concat());
    let unknown = bench.fetch(ANN, "nobody", None).unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    assert!(unknown.hint().unwrap().contains("identity_list_credentials"));
    // A token that was there at once needs no wait.
    assert!(bench.desk.polls().is_empty());
}

#[test]
fn without_a_login_the_service_is_asked_for_nothing() {
    let bench = bench();
    for flow in [None, Some(Flow::ApiKey), Some(Flow::Oauth2User)] {
        let error = bench.fetch("agent:main:x", "openai", flow).unwrap_err();
        assert_eq!(error.code(), Code::NotLoggedIn);
    }
    assert!(bench.env("agent:main:x", "openai").is_empty());
    assert!(bench.hosted.asked().is_empty());
}

#[test]
fn a_consent_is_waited_for_stored_and_told_once() {
    let bench = bench();
    let link = bench.link(ANN, "google");
    assert!(link.starts_with("https://consent.example/google"));
    let asked = bench.hosted.asked().len();
    for _ in 0..3 {
        bench.step();
    }
    assert_eq!(bench.hosted.asked().len(), asked + 3);
    assert!(bench.env(ANN, "google").is_empty());
    bench.hosted.consent("google");
    bench.step();
    assert_eq!(bench.hear(), format!("{ANN} google granted"));
    assert!(bench.heard.try_recv().is_err());
    assert!(bench.env(ANN, "google")[0].starts_with("google-of-ann"));
    assert!(bench.desk.custody().all(&key(BOB)).is_empty());
}

#[test]
fn a_second_fetch_checks_at_once_and_starts_no_second_wait() {
    let bench = bench();
    let link = bench.link(ANN, "google");
    assert_eq!(bench.link(ANN, "google"), link);
    assert_eq!((bench.desk.polls().len(), bench.hosted.asked().len()), (1, 2));
    bench.hosted.consent("google");
    assert!(bench.stored(ANN, "google").unwrap().starts_with("google-of-ann"));
    assert!(bench.desk.polls().is_empty());
    // Whoever fetched was told by the fetch.
    assert!(bench.heard.try_recv().is_err());
    // Another request replaces the wait for the first.
    bench.hosted.withdraw();
    bench.link(ANN, "google");
    let order = Order {
        provider: "google".into(),
        flow: Some(Flow::Oauth2User),
        scopes: Some(vec!["mail".into()]),
        ..Order::default()
    };
    bench.desk.fetch(&key(ANN), order).unwrap();
    assert_eq!(bench.desk.polls().len(), 1);
}

#[test]
fn a_wait_ends_with_its_time_and_a_later_fetch_begins_anew() {
    let bench = bench();
    let first = bench.link(ANN, "google");
    bench.clock.advance(Pace::default().limit);
    bench.desk.polls().nudge();
    assert_eq!(bench.hear(), format!("{ANN} google timed out"));
    assert!(bench.desk.polls().is_empty());
    assert_ne!(bench.link(ANN, "google"), first);
}

#[test]
fn the_end_of_a_wait_is_told_in_the_chat_that_asked_last() {
    let bench = bench();
    let chat = |to: &str| ReplyTarget { to: Some(to.to_owned()), ..ReplyTarget::default() };
    let ask = |provider: &str, asked_in: Option<ReplyTarget>| {
        let (provider, flow) = (provider.into(), Some(Flow::Oauth2User));
        let order = Order { provider, flow, asked_in: asked_in.map(Arc::new), ..Order::default() };
        assert!(matches!(
            bench.desk.fetch(&key(ANN), order).unwrap(),
            Fetched::Consent { waiting: true, .. }
        ));
    };
    ask("google", None);
    ask("google", Some(chat("oc_1")));
    ask("google", Some(chat("oc_2")));
    // A program that asks on the socket has no chat, and takes nobody's.
    ask("google", None);
    bench.hosted.consent("google");
    bench.step();
    assert_eq!(bench.hear(), format!("{ANN} google granted in oc_2"));
}

#[test]
fn a_wait_outlives_an_outage_but_not_refusals_without_end() {
    let bench = bench();
    bench.link(ANN, "google");
    bench.hosted.fail_with(Some(Error::new(Code::CloudUnreachable, "down")));
    for _ in 0..MAX_REFUSALS * 2 {
        bench.step();
    }
    assert!(bench.desk.polls().is_waiting(&key(ANN), "google"));
    let before = bench.hosted.asked().len();
    bench.hosted.fail_with(Some(Error::new(Code::CloudRefused, "no")));
    for _ in 0..MAX_REFUSALS {
        assert!(bench.desk.polls().is_waiting(&key(ANN), "google"));
        bench.step();
    }
    assert_eq!(bench.hear(), format!("{ANN} google cloud_refused"));
    assert_eq!(bench.hosted.asked().len() - before, MAX_REFUSALS as usize);
}

#[test]
fn a_logout_or_the_end_of_the_process_ends_the_waits_without_a_word() {
    let bench = bench();
    bench.link(ANN, "google");
    bench.link(ANN, "drive");
    bench.link(BOB, "google");
    bench.log_out(ANN);
    assert_eq!(bench.desk.polls().len(), 1);
    // Somebody else at the same session does not get what the first consents to.
    bench.people.log_in(&key(ANN), "eve", bench.clock.now());
    assert!(!bench.desk.polls().is_waiting(&key(ANN), "google"));
    bench.desk.close();
    assert!(bench.desk.polls().is_empty());
    let Fetched::Consent { waiting, .. } = bench.fetch(ANN, "google", None).unwrap() else { panic!() };
    assert!(!waiting);
    assert!(bench.heard.try_recv().is_err());
}

#[test]
fn what_arrives_after_a_logout_or_a_new_login_is_kept_nowhere() {
    for newcomer in [None, Some("eve"), Some("ann")] {
        for flow in [Flow::ApiKey, Flow::Oauth2M2m, Flow::Oauth2User] {
            let bench = bench();
            bench.hosted.consent("any");
            let (people, clock) = (bench.people.clone(), bench.clock.clone());
            bench.hosted.meanwhile(move |_| {
                people.log_out(&key(ANN));
                clock.advance(Duration::from_secs(1));
                if let Some(sub) = newcomer {
                    people.log_in(&key(ANN), sub, clock.now());
                }
                Ok(())
            });
            let late = bench.fetch(ANN, "any", Some(flow)).unwrap_err();
            assert_eq!(late.code(), Code::NotLoggedIn);
            assert!(bench.desk.custody().all(&key(ANN)).is_empty(), "{newcomer:?} {flow:?}");
            // Nor is a consent waited for that the earlier login asked for.
            let _ = bench.fetch(ANN, "google", Some(Flow::Oauth2User));
            assert!(!bench.desk.polls().is_waiting(&key(ANN), "google"));
        }
    }
}

#[test]
fn parallel_fetches_share_one_request_and_other_sessions_do_not() {
    let bench = bench();
    let (entered, go_on) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let first = Arc::new(std::sync::atomic::AtomicBool::new(true));
    bench.hosted.meanwhile({
        let (entered, go_on) = (entered.clone(), go_on.clone());
        move |_| {
            if first.swap(false, std::sync::atomic::Ordering::SeqCst) {
                entered.wait();
                go_on.wait();
            }
            Ok(())
        }
    });
    let desk = &bench.desk;
    let fetch = |session| {
        let order = Order { provider: "openai".into(), flow: Some(Flow::ApiKey), ..Order::default() };
        desk.fetch(&key(session), order).unwrap()
    };
    std::thread::scope(|scope| {
        let one = scope.spawn(|| fetch(ANN));
        entered.wait();
        let others: Vec<_> = (0..4).map(|_| scope.spawn(|| fetch(ANN))).collect();
        // Bob waits for nobody.
        let Fetched::Stored(bobs) = fetch(BOB) else { panic!() };
        assert!(bobs.value.expose().starts_with("openai-of-bob"));
        // While the first is on its way, nobody of that session has an answer.
        assert!(others.iter().all(|other| !other.is_finished()));
        go_on.wait();
        let Fetched::Stored(anns) = one.join().unwrap() else { panic!() };
        for other in others {
            let Fetched::Stored(other) = other.join().unwrap() else { panic!() };
            assert!(other.value.expose().starts_with("openai-of-ann"));
        }
        assert!(anns.value.expose().starts_with("openai-of-ann"));
    });
}

#[test]
fn a_call_has_what_needs_no_person_fetched_again() {
    let bench = bench();
    // As after a restart: bound, and nothing in memory.
    assert!(bench.env(ANN, "robot")[0].starts_with("robot-of-ann"));
    assert!(bench.env(ANN, "openai")[0].starts_with("openai-of-ann"));
    let tokens = bench.env(ANN, "robot");
    bench.clock.advance(Duration::from_secs(3600));
    assert_ne!(bench.env(ANN, "robot"), tokens);
    // A consent that the service remembers serves; one that it lacks is not asked for, and not time and again.
    bench.hosted.consent("drive");
    assert!(bench.env(ANN, "drive")[0].starts_with("drive-of-ann"));
    assert!(bench.env(ANN, "google").is_empty());
    let asked = bench.hosted.asked().len();
    assert!(bench.env(ANN, "google").is_empty());
    assert_eq!(bench.hosted.asked().len(), asked);
    assert!(bench.desk.polls().is_empty());
    bench.hosted.consent("google");
    bench.clock.advance(RETRY_AFTER);
    assert!(bench.env(ANN, "google")[0].starts_with("google-of-ann"));
}

#[test]
fn a_link_that_is_no_web_address_is_not_passed_on() {
    for url in ["javascript:alert(1)", "data:text/html,x", "//host", ""] {
        let error = consent("google", url.into()).unwrap_err();
        assert_eq!(error.code(), Code::CloudInvalid);
        assert!(url.is_empty() || !error.message().contains(url));
    }
    assert!(consent("google", "https://consent.example/a?b=c".into()).is_ok());
}

#[test]
fn a_provider_that_wants_a_person_is_no_m2m_provider() {
    let bench = bench();
    let error = bench.fetch(ANN, "person", Some(Flow::Oauth2M2m)).unwrap_err();
    assert_eq!(error.code(), Code::CloudInvalid);
    assert!(bench.desk.polls().is_empty());
    assert!(error.hint().unwrap().contains("oauth2-user"));
}

#[test]
fn waits_are_bounded_and_one_thread_serves_many() {
    let bench = bench();
    for n in 0..=MAX_WAITS {
        let session = key(&format!("agent:main:telegram:direct:{n}"));
        bench.people.log_in(&session, "u", bench.clock.now());
        let fetched = bench.fetch(session.as_str(), "google", Some(Flow::Oauth2User)).unwrap();
        let Fetched::Consent { waiting, .. } = fetched else { panic!() };
        assert_eq!(waiting, n < MAX_WAITS, "{n}");
    }
    bench.hosted.consent("google");
    let mut granted = 0;
    while granted < MAX_WAITS {
        // More are due than the pool takes at a time, so that some have a later moment.
        bench.clock.advance(STEP);
        bench.desk.polls().nudge();
        granted += bench.heard.try_iter().filter(|ending| ending.ends_with("granted")).count();
        std::thread::yield_now();
    }
    assert!(bench.desk.polls().is_empty());
}
