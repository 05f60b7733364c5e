//! Families of records in real engines.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use super::location::Location;
use super::pool::{MAX_CONNECTIONS, MAX_REST};
use super::records::Shared;
use super::testing::{self, Instance, Proxy, Server, Trick, instance, instance_at, skipped, until};
use crate::base::env::Env;
use crate::base::error::{Code, Error};
use crate::base::time::Clock as _;
use crate::records::testing::{Note, Place, Sample as _, all};
use crate::records::{Found, Health, Records as _, Reserved, Saved, Swap};
use crate::session::keyring;

const LIMIT: Duration = Duration::from_secs(60);

/// Runs a test on every engine that is installed.
fn each(test: &str, run: impl Fn(&'static str)) {
    let programs = testing::programs();
    if programs.is_empty() {
        skipped(test, "neither redis-server nor valkey-server is installed");
    }
    programs.into_iter().for_each(run);
}

fn notes(instance: &Instance) -> Shared<Note> {
    instance.engine.shared()
}

fn put(records: &Shared<Note>, name: &str, text: &str) {
    assert!(records.put(&name.into(), Note::sample(text, None)).unwrap().problem().is_none());
}

fn text(records: &Shared<Note>, name: &str) -> Option<String> {
    records.get(&name.into()).unwrap().map(|found| found.value.text.clone())
}

fn seen(records: &Shared<Note>, name: &str) -> Found<Note> {
    records.get(&name.into()).unwrap().unwrap()
}

fn reserve(records: &Shared<Note>, name: &str) -> Found<Note> {
    match records.reserve(&name.into(), &seen(records, name), LIMIT).unwrap() {
        Reserved::Mine(found) => found,
        other => panic!("{other:?}"),
    }
}

fn failure(records: &Shared<Note>, name: &str) -> Error {
    records.put(&name.into(), Note::sample("x", None)).unwrap_err()
}

#[test]
fn two_instances_do_what_all_records_do() {
    each("two_instances_do_what_all_records_do", |program| {
        let server = Server::start(program, &[]);
        let one = instance(&server.unix(""), 1);
        let other = instance_at(&server.unix(""), 1, one.clock.clone());
        let (now, pass) = (|| one.clock.now(), |by| one.clock.advance(by));
        all(&Place { one: &notes(&one), other: &notes(&other), now: &now, pass: &pass });
    });
}

#[test]
fn the_engine_learns_no_name_and_no_value() {
    each("the_engine_learns_no_name_and_no_value", |program| {
        let server = Server::start(program, &[]);
        let one = instance(&server.unix("?prefix=mine"), 1);
        put(&notes(&one), "alice", "canary");
        let all = server.everything();
        assert_eq!(all.len(), 2, "the record and the meta record");
        for (key, value) in &all {
            assert!(key.starts_with("mine:"), "{key}");
            for word in ["alice", "canary", "text"] {
                assert!(!key.contains(word) && !String::from_utf8_lossy(value).contains(word), "{key}");
            }
        }
        // Two services on one engine do not meet.
        let theirs = instance(&server.unix("?prefix=theirs"), 2);
        assert_eq!(text(&notes(&theirs), "alice"), None);
    });
}

#[test]
fn another_key_is_a_clear_error_and_changes_nothing() {
    each("another_key_is_a_clear_error_and_changes_nothing", |program| {
        let server = Server::start(program, &[]);
        put(&notes(&instance(&server.unix(""), 1)), "alice", "one");
        let before = server.everything();
        let other = instance(&server.unix(""), 2);
        let records = notes(&other);
        for error in [
            records.get(&"alice".into()).unwrap_err(),
            failure(&records, "alice"),
            other.engine.check().unwrap_err(),
        ] {
            assert_eq!(error.code(), Code::StoreUnreadable, "{error:?}");
            assert!(error.message().contains("is sealed with the key") && error.hint().is_some());
            other.clock.advance(Duration::from_secs(10));
        }
        assert!(
            matches!(other.engine.health(), Health::Unreachable { error, .. } if error.code() == Code::StoreUnreadable)
        );
        assert_eq!(server.everything(), before);
    });
}

#[test]
fn a_record_under_another_name_does_not_open() {
    each("a_record_under_another_name_does_not_open", |program| {
        let server = Server::start(program, &[]);
        let one = instance(&server.unix(""), 1);
        let records = notes(&one);
        put(&records, "alice", "hers");
        let hers = server.everything().into_iter().find(|(key, _)| key.contains(":note:")).unwrap().0;
        put(&records, "bob", "his");
        let his = server
            .everything()
            .into_iter()
            .find(|(key, _)| key.contains(":note:") && *key != hers)
            .unwrap()
            .0;
        let _: i64 = server.tell(&["COPY", &hers, &his, "REPLACE"]);
        let error = records.get(&"bob".into()).unwrap_err();
        assert_eq!(error.code(), Code::StoreUnreadable);
        assert!(error.message().contains("does not open"), "{error:?}");
        assert_eq!(text(&records, "alice").as_deref(), Some("hers"));
        // A new login puts it right.
        put(&records, "bob", "new");
        assert_eq!(text(&records, "bob").as_deref(), Some("new"));
    });
}

#[test]
fn the_engine_itself_drops_what_has_ended() {
    each("the_engine_itself_drops_what_has_ended", |program| {
        let server = Server::start(program, &[]);
        let one = instance(&server.unix(""), 1);
        let ends = one.clock.now() + Duration::from_secs(90);
        let _ = notes(&one).put(&"n".into(), Note::sample("x", Some(ends))).unwrap();
        let key = server.everything().into_iter().find(|(key, _)| key.contains(":note:")).unwrap().0;
        let left: i64 = server.tell(&["PTTL", &key]);
        assert!((80_000..=90_000).contains(&left), "{left}");
    });
}

#[test]
fn what_was_seen_is_served_while_the_engine_is_away() {
    each("what_was_seen_is_served_while_the_engine_is_away", |program| {
        let mut server = Server::start(program, &["--appendonly", "yes", "--appendfsync", "always"]);
        let one = instance(&server.unix(""), 1);
        let records = notes(&one);
        put(&records, "seen", "text");
        put(&notes(&instance(&server.unix(""), 1)), "unseen", "text");
        server.kill();
        assert_eq!(text(&records, "seen").as_deref(), Some("text"));
        for error in [records.get(&"unseen".into()).unwrap_err(), failure(&records, "seen")] {
            assert_eq!(error.code(), Code::StoreUnavailable);
            assert!(error.message().contains("refuses connections"), "{error:?}");
        }
        let since = one.clock.now();
        one.clock.advance(Duration::from_secs(60));
        assert!(records.get(&"unseen".into()).is_err());
        assert!(matches!(records.health(), Health::Unreachable { since: at, .. } if at == since));
        server.run();
        one.clock.advance(Duration::from_secs(60));
        assert_eq!(text(&records, "unseen").as_deref(), Some("text"));
        assert_eq!(text(&records, "seen").as_deref(), Some("text"));
        assert!(matches!(records.health(), Health::Ok));
    });
}

#[test]
fn a_dead_engine_is_not_asked_again_and_again() {
    each("a_dead_engine_is_not_asked_again_and_again", |program| {
        let server = Server::start(program, &[]);
        let proxy = Proxy::to(&server);
        let one = instance(&proxy.address(), 1);
        let records = notes(&one);
        put(&records, "n", "text");
        proxy.play(Trick::HangUp);
        let before = proxy.came();
        for _ in 0..100 {
            assert_eq!(text(&records, "n").as_deref(), Some("text"));
        }
        // The connection at hand broke off, and so did two new ones at most.
        assert!(proxy.came() - before <= 2, "{}", proxy.came() - before);
        let before = proxy.came();
        one.clock.advance(Duration::from_secs(5));
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| assert_eq!(text(&records, "n").as_deref(), Some("text")));
            }
        });
        assert!((1..=2).contains(&(proxy.came() - before)), "{}", proxy.came() - before);
        proxy.play(Trick::None);
        one.clock.advance(Duration::from_secs(5));
        put(&records, "n", "more");
    });
}

#[test]
fn a_full_engine_says_so_and_goes_on_reading() {
    each("a_full_engine_says_so_and_goes_on_reading", |program| {
        let server = Server::start(program, &[]);
        let one = instance(&server.unix(""), 1);
        let records = notes(&one);
        put(&records, "n", "text");
        put(&records, "gone", "text");
        let _: () = server.tell(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
        let _: () = server.tell(&["CONFIG", "SET", "maxmemory", "1"]);
        let error = failure(&records, "n");
        assert!(error.code() == Code::StoreUnavailable && error.message().contains("full"), "{error:?}");
        assert!(
            matches!(records.health(), Health::Unsaved { error, .. } if error.message().contains("full"))
        );
        assert_eq!(text(&notes(&instance(&server.unix(""), 1)), "n").as_deref(), Some("text"));
        // What makes room is still taken.
        let found = seen(&records, "gone");
        assert!(matches!(
            records.swap(&"gone".into(), Some(&found), None).unwrap(),
            Swap::Done(Saved::Durable)
        ));
        let _: () = server.tell(&["CONFIG", "SET", "maxmemory", "0"]);
        put(&records, "n", "more");
        assert!(matches!(records.health(), Health::Ok));
    });
}

#[test]
fn a_replica_is_read_and_refuses_writes() {
    each("a_replica_is_read_and_refuses_writes", |program| {
        let server = Server::start(program, &[]);
        let one = instance(&server.unix(""), 1);
        let records = notes(&one);
        put(&records, "n", "text");
        let _: () = server.tell(&["REPLICAOF", "127.0.0.1", "1"]);
        let error = failure(&records, "n");
        assert!(error.code() == Code::StoreUnavailable && error.message().contains("READONLY"), "{error:?}");
        assert_eq!(text(&notes(&instance(&server.unix(""), 1)), "n").as_deref(), Some("text"));
        let _: () = server.tell(&["REPLICAOF", "NO", "ONE"]);
        put(&records, "n", "more");
    });
}

#[test]
fn a_revoked_user_is_told_and_comes_back() {
    each("a_revoked_user_is_told_and_comes_back", |program| {
        let server = Server::start(program, &[]);
        let proxy = Proxy::to(&server);
        let allow = ["ACL", "SETUSER", "agent", "reset", "on", ">canary", "~agent-identity:*"];
        let rights = ["+get", "+set", "+del", "+pttl", "+eval", "+evalsha", "+script|load", "+scan"];
        let _: () = server.tell(&[&allow[..], &rights].concat());
        let one = instance(&format!("redis://agent:canary@127.0.0.1:{}", proxy.port), 1);
        let records = notes(&one);
        put(&records, "n", "text");
        let found = reserve(&records, "n");
        records.release(&"n".into(), &found);
        let mut shown = 0;
        records
            .scan(|_, _| {
                shown += 1;
                Ok(())
            })
            .unwrap();
        assert_eq!(shown, 1, "the rights of the hint are enough");

        let _: i64 = server.tell(&["ACL", "DELUSER", "agent"]);
        assert_eq!(text(&records, "n").as_deref(), Some("text"), "as it was seen");
        let error = failure(&records, "n");
        assert!(error.code() == Code::StoreUnavailable && error.message().contains("AUTH"), "{error:?}");
        assert!(!format!("{error:?} {:?}", records.health()).contains("canary"));
        assert!(matches!(records.health(), Health::Unreachable { .. }));

        // Fewer rights than it takes.
        let _: () = server.tell(&[&allow[..], &["+get", "+evalsha", "+eval"]].concat());
        one.clock.advance(Duration::from_secs(5));
        assert_eq!(text(&records, "n").as_deref(), Some("text"));
        let error = failure(&records, "n");
        assert!(error.message().contains("ACL"), "{error:?}");
        let _: () = server.tell(&[&allow[..], &rights].concat());
        put(&records, "n", "more");
    });
}

#[test]
fn a_change_whose_answer_is_lost_is_known_by_its_etag() {
    each("a_change_whose_answer_is_lost_is_known_by_its_etag", |program| {
        let server = Server::start(program, &[]);
        let proxy = Proxy::to(&server);
        let one = instance(&proxy.address(), 1);
        let records = notes(&one);
        put(&records, "n", "0");
        put(&records, "used-up", "0");
        for (round, trick) in
            [Trick::SwallowAnswer("EVALSHA"), Trick::SwallowMessage("EVALSHA")].into_iter().enumerate()
        {
            let said = |what: &str| format!("{round} {what}");
            proxy.play(trick);
            put(&records, "n", &said("put"));
            assert!(proxy.has_played());

            let found = seen(&records, "n");
            proxy.play(trick);
            let swapped =
                records.swap(&"n".into(), Some(&found), Some(Note::sample(&said("swap"), None))).unwrap();
            assert!(proxy.has_played() && matches!(swapped, Swap::Done(Saved::Durable)), "{swapped:?}");
            assert_eq!(text(&records, "n"), Some(said("swap")));

            proxy.play(trick);
            let mine = reserve(&records, "n");
            assert!(proxy.has_played());
            proxy.play(trick);
            let swapped =
                records.swap(&"n".into(), Some(&mine), Some(Note::sample(&said("fenced"), None))).unwrap();
            assert!(proxy.has_played() && matches!(swapped, Swap::Done(Saved::Durable)), "{swapped:?}");

            let name = format!("new {round}");
            proxy.play(trick);
            let made = records.swap(&name.as_str().into(), None, Some(Note::sample("made", None))).unwrap();
            assert!(proxy.has_played() && matches!(made, Swap::Done(Saved::Durable)), "{made:?}");
            let found = seen(&records, &name);
            proxy.play(trick);
            let removed = records.swap(&name.as_str().into(), Some(&found), None).unwrap();
            assert!(proxy.has_played() && matches!(removed, Swap::Done(Saved::Durable)), "{removed:?}");
            assert!(matches!(records.swap(&name.as_str().into(), Some(&found), None).unwrap(), Swap::Gone));
        }
        assert!(matches!(records.health(), Health::Ok));
    });
}

#[test]
fn a_put_whose_fate_is_unknown_undoes_nothing() {
    each("a_put_whose_fate_is_unknown_undoes_nothing", |program| {
        let server = Server::start(program, &[]);
        let proxy = Proxy::to(&server);
        let (one, other) = (instance(&proxy.address(), 1), instance(&server.unix(""), 1));
        let records = notes(&one);
        put(&records, "n", "old");
        put(&notes(&other), "n", "theirs");
        proxy.play(Trick::SwallowMessage("EVALSHA"));
        let error = failure(&records, "n");
        assert!(error.message().contains("nobody knows"), "{error:?}");
        assert_eq!(text(&records, "n").as_deref(), Some("theirs"));
    });
}

#[test]
fn a_reserved_change_outlives_an_outage() {
    each("a_reserved_change_outlives_an_outage", |program| {
        let mut server = Server::start(program, &["--appendonly", "yes", "--appendfsync", "always"]);
        let one = instance(&server.unix(""), 1);
        let records = notes(&one);
        put(&records, "n", "old");
        let mine = reserve(&records, "n");
        server.kill();
        let swapped = records.swap(&"n".into(), Some(&mine), Some(Note::sample("rotated", None))).unwrap();
        assert!(
            matches!(swapped, Swap::Done(Saved::MemoryOnly(error)) if error.code() == Code::StoreUnavailable)
        );
        assert_eq!(text(&records, "n").as_deref(), Some("rotated"));
        assert_eq!(records.known().len(), 1);
        assert_eq!(records.known()[0].1.text, "rotated");
        assert!(matches!(records.health(), Health::Unsaved { .. }));
        // It may not be reserved again: nobody knows whether it was.
        assert!(records.reserve(&"n".into(), &seen(&records, "n"), LIMIT).is_err());
        thread::scope(|scope| {
            let flushing = scope.spawn(|| records.flush());
            until("the last attempt", || {
                one.clock.advance(Duration::from_millis(200));
                flushing.is_finished()
            });
            assert!(flushing.join().unwrap().problem().is_some(), "not while it is away");
        });
        server.run();
        until("the change arrives", || {
            one.clock.advance(Duration::from_secs(5));
            records.waiting() == 0
        });
        assert!(matches!(records.health(), Health::Ok));
        assert_eq!(text(&notes(&instance(&server.unix(""), 1)), "n").as_deref(), Some("rotated"));
        let mine = reserve(&records, "n");
        assert_eq!(mine.value.text, "rotated");
    });
}

#[test]
fn a_change_that_waits_gives_way_to_a_newer_one() {
    each("a_change_that_waits_gives_way_to_a_newer_one", |program| {
        let server = Server::start(program, &[]);
        let proxy = Proxy::to(&server);
        let (one, other) = (instance(&proxy.address(), 1), instance(&server.unix(""), 1));
        let (records, theirs) = (notes(&one), notes(&other));
        for (name, newer) in [("changed", Some("login")), ("gone", None)] {
            put(&records, name, "old");
            let mine = reserve(&records, name);
            proxy.play(Trick::HangUp);
            let _ = records.swap(&name.into(), Some(&mine), Some(Note::sample("mine", None))).unwrap();
            match newer {
                Some(newer) => put(&theirs, name, newer),
                None => {
                    let found = seen(&theirs, name);
                    assert!(matches!(theirs.swap(&name.into(), Some(&found), None).unwrap(), Swap::Done(_)));
                }
            }
            assert_eq!(text(&records, name).as_deref(), Some("mine"));
            proxy.play(Trick::None);
            until("it gives way", || {
                one.clock.advance(Duration::from_secs(5));
                records.waiting() == 0
            });
            assert_eq!(text(&records, name).as_deref(), newer);
        }
    });
}

#[test]
fn nobody_removes_under_a_lease_that_has_ended() {
    each("nobody_removes_under_a_lease_that_has_ended", |program| {
        let server = Server::start(program, &[]);
        let (one, other) = (instance(&server.unix(""), 1), instance(&server.unix(""), 1));
        let (records, theirs) = (notes(&one), notes(&other));
        put(&records, "n", "old");
        let mine = reserve(&records, "n");
        let found = seen(&theirs, "n");
        let Reserved::Others(left) = theirs.reserve(&"n".into(), &found, LIMIT).unwrap() else {
            panic!("not reserved")
        };
        assert!(left <= LIMIT && left > LIMIT / 2, "{left:?}");
        let lease = server.everything().into_iter().find(|(key, _)| key.contains(":lease:")).unwrap().0;
        let _: i64 = server.tell(&["DEL", &lease]);
        let fresh = reserve(&theirs, "n");
        // The first holder's provider said that its token was used up: by the second.
        let refused = records.swap(&"n".into(), Some(&mine), None).unwrap();
        assert!(matches!(refused, Swap::Changed(found) if found.value.text == "old"));
        let swapped = theirs.swap(&"n".into(), Some(&fresh), Some(Note::sample("new", None))).unwrap();
        assert!(matches!(swapped, Swap::Done(Saved::Durable)));
        assert!(matches!(records.swap(&"n".into(), Some(&mine), None).unwrap(), Swap::Changed(_)));
        assert!(!server.everything().iter().any(|(key, _)| key.contains(":lease:")));
    });
}

#[test]
fn an_emptied_engine_goes_on_with_the_same_names() {
    each("an_emptied_engine_goes_on_with_the_same_names", |program| {
        let server = Server::start(program, &[]);
        let (one, other) = (instance(&server.unix(""), 1), instance(&server.unix(""), 1));
        let (records, theirs) = (notes(&one), notes(&other));
        put(&records, "n", "x");
        assert!(text(&theirs, "n").is_some());
        let _: () = server.tell(&["FLUSHALL"]);
        one.clock.advance(Duration::from_secs(10));
        assert_eq!(text(&records, "n"), None);
        put(&records, "n", "again");
        other.clock.advance(Duration::from_secs(10));
        assert_eq!(text(&theirs, "n").as_deref(), Some("again"));
        assert_eq!(text(&notes(&instance(&server.unix(""), 1)), "n").as_deref(), Some("again"));
        assert!(records.known().len() == 1);
    });
}

#[test]
fn another_store_in_the_same_place_is_noticed() {
    each("another_store_in_the_same_place_is_noticed", |program| {
        let server = Server::start(program, &[]);
        let one = instance(&server.unix(""), 1);
        let records = notes(&one);
        put(&records, "n", "x");
        let _: () = server.tell(&["FLUSHALL"]);
        put(&notes(&instance(&server.unix(""), 1)), "m", "theirs");
        one.clock.advance(Duration::from_secs(10));
        assert_eq!(text(&records, "m").as_deref(), Some("theirs"));
        assert_eq!(text(&records, "n"), None);
    });
}

#[test]
fn everything_is_found_and_resealed_under_a_new_key() {
    each("everything_is_found_and_resealed_under_a_new_key", |program| {
        let server = Server::start(program, &[]);
        let one = instance(&server.unix(""), 1);
        let records = notes(&one);
        let ends = one.clock.now() + Duration::from_secs(90);
        for n in 0..1200 {
            let ends = (n % 2 == 0).then_some(ends);
            let _ =
                records.put(&format!("n{n}").as_str().into(), Note::sample(&n.to_string(), ends)).unwrap();
        }
        let mine = reserve(&records, "n7");
        let both = keyring::parse(format!("{}\n{}\n", "02".repeat(32), "01".repeat(32)).as_bytes());
        one.engine.use_keys(both.unwrap());
        one.engine.reseal().unwrap();
        assert_eq!(records.reseal().unwrap(), 1200);
        assert_eq!(records.reseal().unwrap(), 0, "all of them are");
        // Whoever was changing one goes on as if nothing had happened.
        let swapped = records.swap(&"n7".into(), Some(&mine), Some(Note::sample("7", None))).unwrap();
        assert!(matches!(swapped, Swap::Done(Saved::Durable)));

        let new = instance_at(&server.unix(""), 2, one.clock.clone());
        let mut found = std::collections::BTreeMap::new();
        notes(&new)
            .scan(|name, note| {
                found.insert(name, note.value.text.clone());
                Ok(())
            })
            .unwrap();
        assert_eq!(found.len(), 1200);
        assert!(found.iter().all(|(name, text)| **name == *format!("n{text}")));
        let old = instance(&server.unix(""), 1);
        assert_eq!(notes(&old).get(&"n1".into()).unwrap_err().code(), Code::StoreUnreadable);
        let lasting =
            server.everything().into_iter().filter(|(key, _)| server.tell::<i64>(&["PTTL", key]) > 0).count();
        assert_eq!(lasting, 600);
    });
}

#[test]
fn databases_are_apart_and_a_missing_one_is_named() {
    each("databases_are_apart_and_a_missing_one_is_named", |program| {
        let server = Server::start(program, &[]);
        put(&notes(&instance(&server.unix("?database=3"), 1)), "n", "third");
        assert_eq!(text(&notes(&instance(&server.unix("?database=3"), 1)), "n").as_deref(), Some("third"));
        assert_eq!(text(&notes(&instance(&server.unix(""), 1)), "n"), None);
        let error = failure(&notes(&instance(&server.unix("?database=99"), 1)), "n");
        assert!(error.message().contains("no such database"), "{error:?}");
    });
}

#[test]
fn silence_is_waited_for_once() {
    each("silence_is_waited_for_once", |program| {
        let server = Server::start(program, &[]);
        let proxy = Proxy::to(&server);
        let one = instance(&proxy.address(), 1);
        let records = notes(&one);
        put(&records, "n", "text");
        proxy.play(Trick::Silence);
        let before = proxy.came();
        assert_eq!(text(&records, "n").as_deref(), Some("text"));
        let error = failure(&records, "n");
        assert!(error.message().contains("in time"), "{error:?}");
        assert_eq!(proxy.came(), before, "nothing was tried again");
        proxy.play(Trick::None);
        one.clock.advance(Duration::from_secs(5));
        put(&records, "n", "more");
        // A change that was sent may still be made.
        proxy.play(Trick::Silence);
        assert!(failure(&records, "n").message().starts_with("nobody knows whether the change was made: "));
    });
}

/// A certificate authority with a certificate for loopback, made by `openssl`: files `ca.pem`, `cert.pem`, `key.pem`.
fn authority(folder: &Path) -> bool {
    let openssl = |arguments: &str| {
        let status = Command::new("openssl")
            .current_dir(folder)
            .args(arguments.split(' '))
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1").unwrap();
    openssl(&format!("req -x509 {key} -days 2 -subj /CN=ca -keyout ca.key -out ca.pem"))
        && openssl(&format!("req {key} -subj /CN=engine -keyout key.pem -out request.pem"))
        && openssl(
            "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out cert.pem",
        )
}

#[test]
fn tls_trusts_the_named_authority_only() {
    const NAME: &str = "tls_trusts_the_named_authority_only";
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    if !authority(ours.path()) || !authority(theirs.path()) {
        return skipped(NAME, "no usable openssl");
    }
    each(NAME, |program| {
        let server = tls_server(program, ours.path(), "no");
        let at = |host: &str, ca: &Path| {
            let ca = ca.join("ca.pem");
            instance(&format!("rediss://{host}:{}?ca={}", server.port, ca.display()), 1)
        };
        let trusting = at("localhost", ours.path());
        put(&notes(&trusting), "n", "text");
        assert_eq!(text(&notes(&at("127.0.0.1", ours.path())), "n").as_deref(), Some("text"));
        let wrong = [
            at("localhost", theirs.path()),
            // The bundled roots do not know it, and another name for it is not the certificate's.
            instance(&format!("rediss://localhost:{}", server.port), 1),
            at("127.0.0.2", ours.path()),
        ];
        for wrong in &wrong {
            let error = wrong.engine.check().unwrap_err();
            assert_eq!(error.code(), Code::StoreUnavailable);
            assert!(error.message().contains("TLS") || error.message().contains("refuses"), "{error:?}");
        }
        let plain = instance(&format!("redis://localhost:{}", server.port), 1).engine.check().unwrap_err();
        assert!(plain.hint().unwrap().contains("rediss://"), "{plain:?}");
    });
}

/// A server on a port with TLS only.
fn tls_server(program: &'static str, authority: &Path, asks_for_ours: &str) -> Server {
    let [certificate, key, ca] =
        ["cert.pem", "key.pem", "ca.pem"].map(|name| authority.join(name).display().to_string());
    Server::with(program, |_, port| {
        let port = port.to_string();
        [
            "--port",
            "0",
            "--tls-port",
            &port,
            "--tls-auth-clients",
            asks_for_ours,
            "--tls-cert-file",
            &certificate,
        ]
        .into_iter()
        .chain(["--tls-key-file", &key, "--tls-ca-cert-file", &ca])
        .map(ToString::to_string)
        .collect()
    })
}

#[test]
fn an_engine_that_asks_for_a_certificate_gets_ours() {
    const NAME: &str = "an_engine_that_asks_for_a_certificate_gets_ours";
    let folder = tempfile::tempdir().unwrap();
    if !authority(folder.path()) {
        return skipped(NAME, "no usable openssl");
    }
    let allow = |mode| {
        let key = folder.path().join("key.pem");
        std::fs::set_permissions(key, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    each(NAME, |program| {
        allow(0o600);
        let server = tls_server(program, folder.path(), "yes");
        let at = |options: &str| {
            let address = format!("rediss://localhost:{}?ca={{}}/ca.pem{options}", server.port);
            address.replace("{}", &folder.path().display().to_string())
        };
        let ours = at("&cert={}/cert.pem&key={}/key.pem");
        put(&notes(&instance(&ours, 1)), "n", "text");
        let error = instance(&at(""), 1).engine.check().unwrap_err();
        assert_eq!(error.code(), Code::StoreUnavailable);
        assert!(error.hint().is_some());
        allow(0o644);
        let error = super::connect::Connector::new(&Location::parse(&ours).unwrap(), None, &Env::default())
            .err()
            .unwrap();
        assert!(error.code() == Code::ConfigInvalid && error.message().contains("0600"), "{error:?}");
    });
}

#[test]
fn there_are_never_more_connections_than_allowed_and_old_ones_are_closed() {
    each("there_are_never_more_connections_than_allowed_and_old_ones_are_closed", |program| {
        let server = Server::start(program, &[]);
        let proxy = Proxy::to(&server);
        let one = instance(&proxy.address(), 1);
        let records = notes(&one);
        put(&records, "n", "text");
        let open = || server.tell::<String>(&["CLIENT", "LIST"]).lines().count() - 1;
        let at_once = std::sync::Barrier::new(40);
        std::thread::scope(|scope| {
            for _ in 0..40 {
                scope.spawn(|| {
                    at_once.wait();
                    (0..20).for_each(|_| assert!(text(&records, "n").is_some()));
                });
            }
        });
        assert!(open() <= MAX_CONNECTIONS, "{}", open());
        assert!(proxy.came() <= MAX_CONNECTIONS, "{}", proxy.came());
        one.clock.advance(MAX_REST - Duration::from_millis(1));
        assert!(text(&records, "n").is_some());
        assert_eq!(open(), proxy.came(), "none is old yet");
        one.clock.advance(Duration::from_millis(1));
        assert!(text(&records, "n").is_some());
        until("the others are closed", || open() == 1);
    });
}

#[test]
fn a_cluster_keeps_what_one_server_keeps() {
    each("a_cluster_keeps_what_one_server_keeps", |program| {
        let nodes: Vec<_> = (0..3)
            .map(|_| {
                Server::on_port(program, &["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"])
            })
            .collect();
        for (node, range) in nodes.iter().zip(["0 5460", "5461 10922", "10923 16383"]) {
            let (first, last) = range.split_once(' ').unwrap();
            let slots: Vec<_> =
                (first.parse::<u16>().unwrap()..=last.parse().unwrap()).map(|n| n.to_string()).collect();
            let slots: Vec<_> = slots.iter().map(String::as_str).collect();
            let _: () = node.tell(&[&["CLUSTER", "ADDSLOTS"], &slots[..]].concat());
            let _: () = node.tell(&["CLUSTER", "MEET", "127.0.0.1", &nodes[0].port.to_string()]);
        }
        until("the cluster is whole", || {
            nodes.iter().all(|node| {
                let state: String = node.tell(&["CLUSTER", "INFO"]);
                state.contains("cluster_state:ok") && state.contains("cluster_known_nodes:3")
            })
        });
        let ports: Vec<_> = nodes.iter().map(|node| node.port).collect();
        let address = format!("redis://127.0.0.1:{}?mode=cluster&node=127.0.0.1:{}", ports[0], ports[1]);
        let one = instance(&address, 1);
        let other =
            instance_at(&format!("redis://127.0.0.1:{}?mode=cluster", ports[2]), 1, one.clock.clone());
        let (now, pass) = (|| one.clock.now(), |by| one.clock.advance(by));
        all(&Place { one: &notes(&one), other: &notes(&other), now: &now, pass: &pass });

        // All of it is found on all nodes, and resealed.
        let fresh = instance(&format!("{address}&prefix=fresh"), 1);
        let records = notes(&fresh);
        (0..300).for_each(|n| put(&records, &format!("n{n}"), "x"));
        assert!(
            nodes.iter().all(|node| node.everything().iter().any(|(key, _)| key.starts_with("fresh:note:")))
        );
        let mut found = std::collections::BTreeSet::new();
        records
            .scan(|name, _| {
                found.insert(name);
                Ok(())
            })
            .unwrap();
        assert_eq!(found.len(), 300);
        let both = keyring::parse(format!("{}\n{}\n", "02".repeat(32), "01".repeat(32)).as_bytes()).unwrap();
        fresh.engine.use_keys(both);
        assert_eq!((fresh.engine.reseal().is_ok(), records.reseal().unwrap()), (true, 300));

        // Asked as if it were one server, it says what it is.
        let single = instance(&format!("redis://127.0.0.1:{}", ports[0]), 1);
        let hints: Vec<_> =
            (0..9).filter_map(|n| notes(&single).get(&n.to_string().as_str().into()).err()).collect();
        assert!(hints.iter().any(|error| error.hint().unwrap().contains("mode=cluster")), "{hints:?}");
    });
}

#[test]
fn sentinels_name_the_master_and_its_successor() {
    each("sentinels_name_the_master_and_its_successor", |program| {
        let mut master = Server::on_port(program, &[]);
        let replica = Server::on_port(program, &["--replicaof", "127.0.0.1", &master.port.to_string()]);
        until("the replica follows", || {
            replica.tell::<String>(&["INFO", "replication"]).contains("master_link_status:up")
        });
        let watched = master.port;
        let sentinel = Server::with(program, |folder, port| {
            let settings = format!(
                "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor mine 127.0.0.1 {watched} 1\n\
                 sentinel down-after-milliseconds mine 300\nsentinel failover-timeout mine 3000\n",
                folder.display()
            );
            let file = folder.join("sentinel.conf");
            std::fs::write(&file, settings).unwrap();
            vec![file.display().to_string(), "--sentinel".to_owned()]
        });
        // The first of them is not there at all.
        let address = |name: &str| {
            format!("redis://127.0.0.1:1?mode=sentinel&master={name}&node=127.0.0.1:{}", sentinel.port)
        };
        let one = instance(&address("mine"), 1);
        let records = notes(&one);
        put(&records, "n", "text");
        let wrong = instance(&address("other"), 1).engine.check().unwrap_err();
        assert_eq!(wrong.code(), Code::StoreUnavailable);
        assert!(wrong.message().contains("no master of that name"), "{wrong:?}");
        until("the replica has it", || replica.tell::<i64>(&["DBSIZE"]) == 2);
        let found = reserve(&records, "n");
        master.kill();
        assert_eq!(text(&records, "n").as_deref(), Some("text"));
        // What was changed meanwhile arrives at the successor.
        let swapped = records.swap(&"n".into(), Some(&found), Some(Note::sample("rotated", None))).unwrap();
        assert!(matches!(swapped, Swap::Done(Saved::MemoryOnly(_))));
        until("the successor is named", || {
            one.clock.advance(Duration::from_secs(5));
            records.waiting() == 0
        });
        put(&records, "m", "more");
        assert_eq!(text(&notes(&instance(&replica.unix(""), 1)), "n").as_deref(), Some("rotated"));
    });
}
