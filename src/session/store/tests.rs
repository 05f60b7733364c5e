//! Behaviour of the store on a disk in memory that fails on demand.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::time::Duration;

use super::super::archive::MIN_FOLD_BYTES;
use super::super::fault::{JOURNAL_FILE, SESSIONS_FILE};
use super::super::keyring::{GENERATED_FILE, KEY_FILE_VARIABLE, MAX_KEYS};
use super::super::testing::{Extent, Failure, MemoryDisk, key, session};
use super::*;
use crate::base::codec::base64;
use crate::base::entropy::OsEntropy;
use crate::base::secret::Secret;
use crate::base::time::{ManualClock, Timestamp};
use crate::records::testing::{self as conformance, Place};
use crate::records::{self, Health};
use crate::session::model::REMEMBERED_FOR;

const START: i64 = 1_000_000;
const LATER: i64 = START + 3600;

fn options(dir: &str, env: Env) -> StoreOptions {
    let clock = Arc::new(ManualClock::at(Timestamp::from_unix(START)));
    StoreOptions { dir: dir.into(), env, clock, entropy: Arc::new(OsEntropy) }
}

fn open(disk: &MemoryDisk) -> Store {
    Store::on(Box::new(disk.clone()), options("/data", Env::default()))
}

fn reopen(files: &BTreeMap<String, Vec<u8>>) -> Store {
    open(&MemoryDisk::of(files.clone()))
}

fn reopen_at(files: &BTreeMap<String, Vec<u8>>, now: Timestamp) -> Store {
    let clock = Arc::new(ManualClock::at(now));
    Store::on(
        Box::new(MemoryDisk::of(files.clone())),
        StoreOptions { clock, ..options("/data", Env::default()) },
    )
}

fn names(store: &Store) -> Vec<String> {
    store.known().iter().map(|(key, session)| format!("{key}={}", session.sub)).collect()
}

fn durable(saved: &Saved) -> bool {
    matches!(saved, Saved::Durable)
}

fn is_ok(store: &Store) -> bool {
    matches!(store.health(), Health::Ok)
}

fn refusal(store: &Store) -> Error {
    match store.health() {
        Health::MemoryOnly { error } => error,
        other => panic!("not refused: {other:?}"),
    }
}

fn put(store: &Store, name: &str, sub: &str) -> Saved {
    store.put(&key(name), session(sub, LATER, Some("refresh"))).unwrap()
}

/// A disk with a snapshot of `a` and a journal with `b`.
fn two_saved() -> MemoryDisk {
    let disk = MemoryDisk::default();
    let store = open(&disk);
    assert!(durable(&put(&store, "a", "1")) && durable(&put(&store, "b", "2")));
    assert!(disk.files().contains_key(JOURNAL_FILE));
    disk
}

#[test]
fn what_is_saved_is_there_after_a_restart() {
    let disk = two_saved();
    let store = reopen(&disk.files());
    assert_eq!(names(&store), ["a=1", "b=2"]);
    let back = store.get(&key("b")).unwrap().unwrap();
    assert_eq!((back.value.expires_at.unix(), back.value.login_at.unix()), (LATER, 0));
    assert_eq!(back.value.user_token.expose(), "token-of-2");
    assert_eq!(back.value.refresh_token.as_ref().unwrap().expose(), "refresh");
    let (removed, saved) = records::remove(&store, &key("a")).unwrap();
    assert!(removed && durable(&saved));
    assert!(!records::remove(&store, &key("a")).unwrap().0);
    assert_eq!((store.len(), store.is_empty()), (1, false));
}

#[test]
fn a_start_without_changes_writes_nothing() {
    let disk = MemoryDisk::default();
    assert!(durable(&open(&disk).flush()));
    assert!(disk.files().is_empty());
    assert!(durable(&put(&open(&disk), "a", "1")));
    let steps = disk.state().steps;
    assert_eq!(names(&open(&disk)), ["a=1"]);
    assert_eq!(disk.state().steps, steps);
}

#[test]
fn the_journal_is_folded_in_on_load() {
    let disk = two_saved();
    assert_eq!(names(&open(&disk)), ["a=1", "b=2"]);
    assert!(!disk.files().contains_key(JOURNAL_FILE));
    assert_eq!(names(&open(&disk)), ["a=1", "b=2"]);
}

#[test]
fn a_save_costs_the_same_with_few_and_with_many_sessions() {
    let cost = |count: i64| {
        let plain: Vec<String> = (0..count)
            .map(|i| {
                format!(r#""k{i}":{{"userToken":"t","sub":"s","refreshToken":"r","expiresAt":{LATER}}}"#)
            })
            .collect();
        let plain = format!("{{{}}}", plain.join(",")).into_bytes();
        let disk = MemoryDisk::of([(SESSIONS_FILE.to_owned(), plain)].into());
        let store = open(&disk);
        assert_eq!(store.len(), usize::try_from(count).unwrap());
        assert!(durable(&put(&store, "first", "x"))); // creates the journal
        let before = disk.state().written;
        assert!(durable(&put(&store, "second", "x")));
        let after = disk.state().written;
        after - before
    };
    let few = cost(10);
    assert_eq!(cost(100_000), few);
    assert!(few < 512, "{few}");
}

#[test]
fn the_journal_is_folded_in_when_it_outgrows_its_limit() {
    let disk = MemoryDisk::default();
    let store = open(&disk);
    let limit = usize::try_from(MIN_FOLD_BYTES).unwrap();
    let (mut largest, mut folds) = (0, 0);
    for round in 0..1200 {
        assert!(durable(&put(&store, "a", &round.to_string())));
        let journal = disk.files().get(JOURNAL_FILE).map_or(0, Vec::len);
        folds += usize::from(journal == 0);
        largest = largest.max(journal);
    }
    assert!(largest <= limit && largest > limit - 300, "{largest}");
    assert!((2..20).contains(&folds), "{folds}");
    assert_eq!(names(&reopen(&disk.files())), ["a=1199"]);
}

#[test]
fn prunes_expired_on_load_and_on_save_but_keeps_what_can_be_renewed() {
    let disk = MemoryDisk::default();
    let store = open(&disk);
    for (name, end, refresh) in
        [("ends", START + 10, None), ("renews", START + 10, Some("r")), ("stays", LATER, None)]
    {
        assert!(durable(&store.put(&key(name), session("s", end, refresh)).unwrap()));
    }
    let files = disk.files();
    let at = |seconds: i64| {
        let mut options = options("/data", Env::default());
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix(START + seconds) + REMEMBERED_FOR));
        options.clock = Arc::clone(&clock) as Arc<dyn Clock>;
        (Store::on(Box::new(MemoryDisk::of(files.clone())), options), clock)
    };
    assert_eq!(at(9).0.len(), 3);
    assert_eq!(names(&at(10).0), ["renews=s", "stays=s"]);
    let (store, clock) = at(0);
    clock.advance(Duration::from_secs(10));
    assert_eq!((store.len(), names(&store).len()), (3, 2), "readers do not prune, and do not see");
    assert!(durable(&put(&store, "new", "n")));
    assert_eq!(names(&store), ["new=n", "renews=s", "stays=s"]);
}

#[test]
fn it_does_what_all_records_do() {
    let disk = MemoryDisk::default();
    let clock = Arc::new(ManualClock::at(Timestamp::from_unix(START)));
    let store = Store::on(
        Box::new(disk.clone()),
        StoreOptions { clock: clock.clone(), ..options("/data", Env::default()) },
    );
    let (now, pass) = (|| clock.now(), |by| clock.advance(by));
    conformance::all(&Place { one: &store, other: &store, now: &now, pass: &pass });
    assert_eq!(names(&store), names(&reopen_at(&disk.files(), clock.now())));
}

#[test]
fn memory_and_disk_agree_after_concurrent_saves() {
    let disk = MemoryDisk::default();
    let store = open(&disk);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let store = &store;
            scope.spawn(move || {
                for round in 0..60 {
                    let name = format!("k{}", (thread + round) % 5);
                    assert!(durable(&put(store, &name, &format!("{thread}-{round}"))));
                    if round % 7 == 0 {
                        assert!(durable(&records::remove(store, &key(&name)).unwrap().1));
                    }
                }
            });
        }
    });
    assert_eq!(names(&reopen(&disk.files())), names(&store));
}

#[test]
fn readers_and_changes_never_wait_for_the_disk_and_queued_saves_share_a_write() {
    let disk = two_saved();
    let store = open(&disk);
    let before = disk.state().steps;
    let (arrived, at_gate) = mpsc::channel();
    let (go, gate) = mpsc::channel();
    disk.state().gate = Some((arrived, gate));
    std::thread::scope(|scope| {
        let first = scope.spawn(|| put(&store, "slow", "3"));
        at_gate.recv().unwrap();
        // The disk is busy from here until `go`.
        assert_eq!(store.get(&key("slow")).unwrap().unwrap().value.sub, "3");
        assert!(is_ok(&store) && store.len() == 3);
        let queued: Vec<_> = (0..4)
            .map(|i| {
                scope.spawn({
                    let store = &store;
                    move || put(store, &format!("q{i}"), "4")
                })
            })
            .collect();
        while store.len() < 7 {
            std::thread::yield_now();
        }
        go.send(()).unwrap();
        assert!(durable(&first.join().unwrap()));
        assert!(queued.into_iter().all(|thread| durable(&thread.join().unwrap())));
    });
    assert_eq!(disk.state().steps - before, 2, "one write for the first, one for those behind it");
    assert_eq!(names(&reopen(&disk.files())), names(&store));
}

#[test]
fn unreadable_files_are_left_alone_and_the_store_works_in_memory() {
    let saved = two_saved().files();
    let changed = |name: &str, bytes: &[u8]| {
        let mut files = saved.clone();
        files.insert(name.to_owned(), bytes.to_vec());
        files
    };
    let text = String::from_utf8(saved[SESSIONS_FILE].clone()).unwrap();
    let journal = &saved[JOURNAL_FILE];
    let mut flipped = journal.clone();
    flipped[60] ^= 1;
    let mut newer = journal.clone();
    newer[9] = 9;
    let mut without_key = saved.clone();
    without_key.remove(GENERATED_FILE);
    let other_journal = two_saved().files()[JOURNAL_FILE].clone();
    for (files, says) in [
        (changed(GENERATED_FILE, base64(&[9; 32]).as_bytes()), "is sealed with the key"),
        (changed(GENERATED_FILE, b"no key"), "has a line that is neither base64 nor hexadecimal"),
        (without_key, "the key file /data/sessions.key does not exist"),
        (changed(SESSIONS_FILE, &text.as_bytes()[..text.len() / 2]), "is damaged: it is cut off or altered"),
        (changed(SESSIONS_FILE, text.replace("\"version\":1", "\"version\":7").as_bytes()), "has version 7"),
        (changed(SESSIONS_FILE, b"{\"iv\":\"00\",\"data\":\"aa\"}"), "was not written by this program"),
        (changed(SESSIONS_FILE, b"\x00\x01binary"), "was not written by this program"),
        (changed(SESSIONS_FILE, b""), "was not written by this program"),
        (changed(JOURNAL_FILE, &flipped), "sessions.journal is damaged: a record's seal does not open"),
        (changed(JOURNAL_FILE, &newer), "has version 9"),
        (changed(JOURNAL_FILE, &other_journal), "does not continue"),
    ] {
        let disk = MemoryDisk::of(files.clone());
        let store = open(&disk);
        let error = refusal(&store);
        assert_eq!(error.code(), Code::StoreUnreadable, "{says}");
        assert!(error.message().contains(says) && error.hint().is_some(), "{says}: {error}");
        let Saved::MemoryOnly(again) = put(&store, "new", "n") else { panic!("{says}: saved") };
        assert_eq!(again.message(), error.message());
        assert_eq!(store.rotate_key().unwrap_err().message(), error.message());
        assert!(!durable(&store.flush()) && !records::remove(&store, &key("none")).unwrap().0);
        assert_eq!(names(&store), ["new=n"], "{says}");
        assert_eq!(disk.files(), files, "{says}: the files are as they were");
    }
}

#[test]
fn saving_goes_on_when_the_operator_has_moved_the_files_away() {
    let mut files = two_saved().files();
    files.insert(SESSIONS_FILE.to_owned(), b"foreign".to_vec());
    let disk = MemoryDisk::of(files);
    let store = open(&disk);
    assert!(!durable(&put(&store, "new", "n")));
    disk.state().files.remove(SESSIONS_FILE);
    assert!(!durable(&store.flush()), "the journal is still there");
    disk.state().files.remove(JOURNAL_FILE);
    assert!(durable(&store.flush()) && is_ok(&store));
    assert_eq!(names(&reopen(&disk.files())), ["new=n"]);
}

#[test]
fn a_journal_without_its_snapshot_is_set_aside() {
    let mut files = two_saved().files();
    files.remove(SESSIONS_FILE);
    let disk = MemoryDisk::of(files.clone());
    let store = open(&disk);
    assert!(is_ok(&store) && store.is_empty());
    assert!(durable(&put(&store, "new", "n")));
    let after = disk.files();
    let aside = after.keys().find(|name| name.starts_with("sessions.journal.orphan-")).unwrap();
    assert_eq!(after[aside], files[JOURNAL_FILE]);
    assert_eq!(names(&reopen(&after)), ["new=n"]);
}

#[test]
fn a_torn_last_save_is_dropped_and_the_rest_kept() {
    let mut files = two_saved().files();
    files.get_mut(JOURNAL_FILE).unwrap().pop();
    let store = reopen(&files);
    assert!(is_ok(&store));
    assert_eq!(names(&store), ["a=1"]);
}

#[test]
fn rotation_seals_everything_with_a_new_key_and_forgets_the_old() {
    let disk = two_saved();
    let before = disk.files();
    let store = open(&disk);
    store.rotate_key().unwrap();
    assert!(durable(&put(&store, "c", "3")));
    let after = disk.files();
    assert_ne!(after[GENERATED_FILE], before[GENERATED_FILE]);
    assert_eq!(after[GENERATED_FILE].len(), before[GENERATED_FILE].len(), "one key");
    assert_eq!(names(&reopen(&after)), ["a=1", "b=2", "c=3"]);
    let mut old_key = after.clone();
    old_key.insert(GENERATED_FILE.to_owned(), before[GENERATED_FILE].clone());
    assert!(refusal(&reopen(&old_key)).message().contains("is sealed with the key"));
}

#[test]
fn rotations_that_fail_do_not_pile_up_keys() {
    let disk = two_saved();
    let store = open(&disk);
    for _ in 0..=MAX_KEYS {
        let step = disk.state().steps + 1;
        disk.state().failure = Some(Failure { step, extent: Extent::Nothing, for_good: false });
        if store.rotate_key().is_ok() {
            continue;
        }
        assert_eq!(names(&reopen(&disk.files())), ["a=1", "b=2"]);
    }
    disk.state().failure = None;
    store.rotate_key().unwrap();
    assert_eq!(names(&reopen(&disk.files())), ["a=1", "b=2"]);
}

#[test]
fn a_named_key_file_is_used_reread_and_its_first_line_counts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let write = |keys: &[u8]| {
        use std::os::unix::fs::PermissionsExt;
        let lines: Vec<String> = keys.iter().map(|byte| base64(&[*byte; 32])).collect();
        std::fs::write(&path, lines.join("\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    let disk = MemoryDisk::default();
    let env = || [(KEY_FILE_VARIABLE, path.to_str().unwrap())].into_iter().collect::<Env>();
    let open = || Store::on(Box::new(disk.clone()), options("/data", env()));
    let sealed_with = |key: u8| {
        let id = super::super::keyring::parse(&[key; 32]).unwrap().first().id().to_string();
        String::from_utf8(disk.files()[SESSIONS_FILE].clone()).unwrap().contains(&id)
    };
    assert!(refusal(&open()).message().ends_with("does not exist"));
    write(&[1]);
    let store = open();
    assert!(durable(&put(&store, "a", "1")));
    assert!(sealed_with(1) && !disk.files().contains_key(GENERATED_FILE));
    write(&[2]);
    assert_eq!(store.rotate_key().unwrap_err().code(), Code::InvalidRequest);
    assert!(sealed_with(1));
    write(&[2, 1]);
    store.rotate_key().unwrap();
    assert!(sealed_with(2));
    drop(store);
    write(&[3, 2]);
    assert_eq!(names(&open()), ["a=1"]);
    assert!(sealed_with(3), "re-sealed on load");
    write(&[4]);
    assert!(refusal(&open()).message().contains("is sealed with the key"));
}

/// Writing steps that the script takes at least.
const STEPS: usize = 15;

/// Something done to a store; true when it is on the disk.
type Act = Box<dyn Fn(&Store) -> bool>;

/// One thing after another that touches every kind of write; large tokens make the journal fold on the way.
fn script() -> Vec<(&'static str, Act)> {
    fn large(store: &Store, sub: &str) -> bool {
        let mut large = session(sub, LATER, None);
        large.user_token = Secret::new("t".repeat(22_000));
        durable(&store.put(&key("c"), large).unwrap())
    }
    vec![
        ("put a", Box::new(|store| durable(&put(store, "a", "1")))),
        ("put b", Box::new(|store| durable(&put(store, "b", "2")))),
        ("change a", Box::new(|store| durable(&put(store, "a", "3")))),
        ("remove b", Box::new(|store| durable(&records::remove(store, &key("b")).unwrap().1))),
        ("large 1", Box::new(|store| large(store, "5"))),
        ("large 2", Box::new(|store| large(store, "6"))),
        ("large 3", Box::new(|store| large(store, "7"))),
        ("rotate", Box::new(|store| store.rotate_key().is_ok())),
        ("put f", Box::new(|store| durable(&put(store, "f", "4")))),
    ]
}

#[test]
fn whenever_the_machine_stops_the_old_or_the_new_state_is_there() {
    let steps = {
        let disk = MemoryDisk::default();
        let store = open(&disk);
        assert!(script().iter().all(|(_, act)| act(&store)));
        disk.state().steps
    };
    assert!(steps >= STEPS, "{steps}");
    for step in 0..steps {
        for extent in [Extent::Nothing, Extent::Half, Extent::Everything] {
            let disk = MemoryDisk::default();
            let store = open(&disk);
            disk.state().failure = Some(Failure { step, extent, for_good: true });
            let (mut old, mut failed) = (names(&store), "nothing");
            for (name, act) in script() {
                if !act(&store) {
                    failed = name;
                    break;
                }
                old = names(&store);
            }
            let new = names(&store);
            let context = format!("step {step} {extent:?} in {failed}");
            // The first start finishes what the crash interrupted; another crash in it changes nothing.
            for second in 0..4 {
                let again = MemoryDisk::of(disk.files());
                again.state().failure = Some(Failure { step: second, extent, for_good: true });
                drop(open(&again));
                let crashed = again.state().steps > second;
                let last = MemoryDisk::of(again.files());
                let store = open(&last);
                let found = names(&store);
                assert!(is_ok(&store), "{context}, then {second}: {:?}", store.health());
                assert!(found == old || found == new, "{context}, then {second}: {found:?}");
                assert!(durable(&put(&store, "z", "9")), "{context}");
                let key_file = &last.files()[GENERATED_FILE];
                assert_eq!(key_file.len(), base64(&[0; 32]).len() + 1, "{context}: one key is left");
                if !crashed {
                    break;
                }
            }
        }
    }
}

#[test]
fn after_a_passing_failure_the_next_save_writes_everything() {
    for step in 0..STEPS {
        for extent in [Extent::Nothing, Extent::Half, Extent::Everything] {
            let disk = MemoryDisk::default();
            let store = open(&disk);
            disk.state().failure = Some(Failure { step, extent, for_good: false });
            for (name, act) in script() {
                let before = disk.files();
                let saved = act(&store);
                let found = names(&reopen(&disk.files()));
                let context = format!("step {step} {extent:?} in {name}");
                match saved {
                    true => assert_eq!(found, names(&store), "{context}"),
                    false => {
                        let Health::Unsaved { error, since } = store.health() else {
                            // A rotation that could not write its key changed nothing.
                            assert_eq!(name, "rotate", "{context}");
                            continue;
                        };
                        assert_eq!((error.code(), since.unix()), (Code::StoreUnwritable, START));
                        assert!(error.hint().unwrap().contains("free space"), "{error:?}");
                        assert!(
                            found == names(&reopen(&before)) || found == names(&store),
                            "{context}: {found:?}"
                        );
                    }
                }
            }
            assert!(durable(&store.flush()) && is_ok(&store));
            assert_eq!(names(&reopen(&disk.files())), names(&store));
        }
    }
}

#[test]
fn a_plain_file_is_sealed_at_the_first_start_whenever_the_machine_stops() {
    let ended = START - 3600;
    let plain = format!(
        r#"{{"main":{{"idToken":"canary","sub":"s","expiresAt":{LATER}}},"old":{{"userToken":"canary","sub":"t","expiresAt":{ended}}}}}"#
    );
    let journal = two_saved().files()[JOURNAL_FILE].clone();
    let files: BTreeMap<_, _> =
        [(SESSIONS_FILE.to_owned(), plain.clone().into_bytes()), (JOURNAL_FILE.to_owned(), journal)].into();
    let entries = ["agent:main:main=s"];
    let has_canary = |disk: &MemoryDisk| {
        disk.files().values().any(|bytes| bytes.windows(6).any(|window| window == b"canary"))
    };
    let steps = {
        let disk = MemoryDisk::of(files.clone());
        assert_eq!(names(&open(&disk)), entries, "the expired one is not taken over");
        assert!(!has_canary(&disk));
        disk.state().steps
    };
    assert_eq!(steps, 4, "set the journal aside, make a key, seal, remove the journal");
    for step in 0..steps {
        for extent in [Extent::Nothing, Extent::Half, Extent::Everything] {
            let disk = MemoryDisk::of(files.clone());
            disk.state().failure = Some(Failure { step, extent, for_good: true });
            drop(open(&disk));
            let untouched = disk.files()[SESSIONS_FILE] == plain.as_bytes();
            assert_eq!(untouched, has_canary(&disk), "the old file as it was, or a sealed one");
            let after = MemoryDisk::of(disk.files());
            let store = open(&after);
            assert!(is_ok(&store), "step {step} {extent:?}: {:?}", store.health());
            assert_eq!(names(&store), entries, "step {step} {extent:?}");
            assert!(!has_canary(&after));
        }
    }
}

#[test]
fn what_changes_nothing_does_not_repeat_a_failed_write_but_a_flush_does() {
    let disk = two_saved();
    let store = open(&disk);
    let step = disk.state().steps;
    disk.state().failure = Some(Failure { step, extent: Extent::Nothing, for_good: true });
    assert!(!durable(&put(&store, "c", "3")));
    let Health::Unsaved { error, .. } = store.health() else { panic!("{:?}", store.health()) };
    disk.restart();
    let steps = disk.state().steps;
    assert!(!records::remove(&store, &key("none")).unwrap().0);
    let Health::Unsaved { error: same, .. } = store.health() else { panic!("{:?}", store.health()) };
    assert_eq!((same.message(), disk.state().steps), (error.message(), steps));
    assert!(durable(&store.flush()) && is_ok(&store));
    assert_eq!(names(&reopen(&disk.files())), ["a=1", "b=2", "c=3"]);
}

#[test]
fn no_bytes_make_a_parser_panic() {
    use super::super::{envelope, journal, keyring, migrate};
    let ring = keyring::parse(&[7; 32]).unwrap();
    let judge = |bytes: &[u8]| {
        let _ = keyring::parse(bytes);
        if let Ok(Some((header, body))) = journal::parse(bytes) {
            let _ = journal::replay(header, ring.first(), body);
        }
        match envelope::parse(bytes) {
            Ok(envelope::Content::Sealed(sealed)) => drop(sealed.open(&ring)),
            Ok(envelope::Content::Object(entries)) => {
                drop(migrate::read(entries, Timestamp::from_unix(START)))
            }
            Err(_) => {}
        }
    };
    let mut seeds: Vec<Vec<u8>> = two_saved().files().into_values().collect();
    seeds.push(br#"{"main":{"idToken":"a.b.c","expiresAt":1e99,"loginAt":-1},"x":[{}],"y":"a..c"}"#.to_vec());
    let mut dice = [0; 8];
    for round in 0..4000 {
        let mut bytes = seeds[round % seeds.len()].clone();
        OsEntropy.fill(&mut dice).unwrap();
        let at = usize::from(u16::from_be_bytes([dice[0], dice[1]])) % bytes.len();
        match dice[2] % 4 {
            0 => bytes.truncate(at),
            1 => bytes[at] = dice[3],
            2 => drop(bytes.splice(at..at, dice)),
            _ => drop(bytes.drain(at..(at + usize::from(dice[3] % 9)).min(bytes.len()))),
        }
        judge(&bytes);
    }
}
