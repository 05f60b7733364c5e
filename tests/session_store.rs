//! The session store on a real disk: killed processes, a second process, full and read-only disks, and what a thief of
//! the data folder would find.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's way to fail")]

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use agent_identity::base::entropy::OsEntropy;
use agent_identity::base::env::Env;
use agent_identity::base::error::Code;
use agent_identity::base::secret::Secret;
use agent_identity::base::time::{Clock, SystemClock, Timestamp};
use agent_identity::records::{Health, Records, Saved};
use agent_identity::session::key::SessionKey;
use agent_identity::session::model::Session;
use agent_identity::session::store::{Store, StoreOptions};

/// Names the folder to a child of this test program, and so makes it one.
const CHILD_FOLDER: &str = "AGENT_IDENTITY_TEST_CHILD_FOLDER";
/// What the child does there.
const CHILD_TASK: &str = "AGENT_IDENTITY_TEST_CHILD_TASK";

fn options(dir: &Path) -> StoreOptions {
    StoreOptions {
        dir: dir.to_owned(),
        env: Env::default(),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
    }
}

fn key(text: &str) -> SessionKey {
    SessionKey::parse(text).unwrap()
}

fn session(sub: &str, token: &str) -> Session {
    Session {
        sub: sub.to_owned(),
        user_token: token.into(),
        refresh_token: Some(Secret::new(format!("refresh-{token}"))),
        login_at: Timestamp::from_unix(1),
        expires_at: SystemClock.now(),
    }
}

fn durable(saved: &Saved) -> bool {
    matches!(saved, Saved::Durable)
}

fn skipped(test: &str, reason: &str) {
    // Not eprintln: the test harness would swallow it.
    let _ = writeln!(io::stderr(), "skipped: {test}: {reason}");
}

fn child(folder: &Path, task: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "the_child", "--nocapture", "--test-threads=1"]);
    command.env(CHILD_FOLDER, folder).env(CHILD_TASK, task);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// Waits for the child's line that begins with `word`, and gives the rest of it.
fn next_line(lines: &mut impl Iterator<Item = io::Result<String>>, word: &str) -> Option<String> {
    lines.map_while(Result::ok).find_map(|line| line.strip_prefix(word).map(|rest| rest.trim().to_owned()))
}

/// Not a test by itself: what the children of the others run.
#[test]
fn the_child() {
    let env = Env::of_process();
    let (Some(folder), Some(task)) = (env.path(CHILD_FOLDER), env.get(CHILD_TASK)) else { return };
    let mut out = io::stdout();
    writeln!(out).unwrap();
    match task {
        "fill" => return fill(&folder, &mut out),
        "read-only" => {
            let error = Store::open(options(&folder.join("data"))).unwrap_err();
            assert_eq!(error.code(), Code::StoreUnwritable);
            assert!(error.message().contains("Read-only file system"), "{error}");
            return writeln!(out, "done").unwrap();
        }
        _ => {}
    }
    let store = Store::open(options(&folder)).unwrap();
    writeln!(out, "open").unwrap();
    match task {
        "hold" => {
            let _ = io::stdin().read_line(&mut String::new());
        }
        start => {
            // Counts up in one session and in one of many, with a key rotation now and then, until it is killed.
            let start: u64 = start.parse().unwrap();
            for n in start.. {
                let token = format!("{n}-{}", "x".repeat(1500));
                assert!(durable(&store.put(&key("counter"), session(&n.to_string(), &token)).unwrap()));
                assert!(durable(
                    &store.put(&key(&format!("k{}", n % 20)), session(&n.to_string(), &token)).unwrap()
                ));
                if n % 25 == 0 {
                    store.rotate_key().unwrap();
                }
                writeln!(out, "ack {n}").unwrap();
                out.flush().unwrap();
            }
        }
    }
}

#[test]
fn every_acknowledged_save_survives_kill_nine() {
    const ROUNDS: u64 = 40;
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    let mut last_acknowledged = 0;
    for round in 0..ROUNDS {
        let mut process = child(&folder, &(last_acknowledged + 1).to_string()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        // Another number of acknowledged saves in each round, then a moment that nobody chooses.
        for _ in 0..=(round * 7 % 11) {
            let Some(n) = next_line(&mut lines, "ack ") else { break };
            last_acknowledged = n.parse().unwrap();
        }
        for _ in 0..round * 997 {
            std::hint::spin_loop();
        }
        process.kill().unwrap();
        // What it acknowledged before the blow fell is still in the pipe.
        while let Some(n) = next_line(&mut lines, "ack ") {
            last_acknowledged = n.parse().unwrap();
        }
        process.wait().unwrap();

        let store = Store::open(options(&folder)).unwrap();
        assert!(matches!(store.health(), Health::Ok), "round {round}: {:?}", store.health());
        let found = |name: &str| {
            let session = store.get(&key(name)).unwrap()?.value;
            assert!(session.user_token.expose().starts_with(&format!("{}-", session.sub)), "round {round}");
            session.sub.parse::<u64>().ok()
        };
        let counter = found("counter").unwrap_or(0);
        assert!(
            counter == last_acknowledged || counter == last_acknowledged + 1,
            "round {round}: acknowledged {last_acknowledged}, found {counter}"
        );
        for n in last_acknowledged.saturating_sub(19).max(1)..=last_acknowledged {
            // The one unacknowledged save may have come to the same place 20 later.
            let other = found(&format!("k{}", n % 20)).unwrap();
            assert!(other == n || other == n + 20 && other == counter, "round {round}: {other} for {n}");
        }
    }
    assert!(last_acknowledged >= ROUNDS, "every round saved something");
}

#[test]
fn a_second_process_is_kept_out_until_the_first_ends() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    let mut holder = child(&folder, "hold").stdin(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    next_line(&mut lines, "open").unwrap();
    let error = Store::open(options(&folder)).unwrap_err();
    assert_eq!(error.code(), Code::StoreLocked);
    assert!(error.message().contains(&format!("process {}", holder.id())), "{error}");
    assert!(error.message().contains(folder.to_str().unwrap()), "{error}");
    end(&mut holder);
    Store::open(options(&folder)).unwrap();
}

fn end(process: &mut Child) {
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn no_file_holds_a_token_in_the_clear_and_all_are_private() {
    const CANARY: &str = "canary-4f1d";
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    let check = |moment: &str| {
        assert_eq!(mode(&folder), 0o700, "{moment}");
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
            assert!(!found, "{moment}: {}", path.display());
            assert_eq!(mode(&path), 0o600, "{moment}: {}", path.display());
        }
    };
    fs::create_dir(&folder).unwrap();
    let plain = serde_json::json!({ "old": { "userToken": CANARY, "sub": "s", "refreshToken": CANARY, "expiresAt": 1 } });
    fs::write(folder.join("sessions.json"), plain.to_string()).unwrap();

    let store = Store::open(options(&folder)).unwrap();
    check("migrated");
    assert_eq!(store.get(&key("old")).unwrap().unwrap().value.user_token.expose(), CANARY);
    assert!(durable(&store.put(&key("new"), session(CANARY, CANARY)).unwrap()));
    assert!(folder.join("sessions.journal").exists());
    check("saved");
    store.rotate_key().unwrap();
    check("rotated");
    drop(store);
    let store = Store::open(options(&folder)).unwrap();
    assert_eq!(store.len(), 2);
    check("opened again");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_key_that_others_could_read_is_refused_and_data_left_alone() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    let store = Store::open(options(&folder)).unwrap();
    assert!(durable(&store.put(&key("a"), session("s", "t")).unwrap()));
    drop(store);
    let before = fs::read(folder.join("sessions.json")).unwrap();
    fs::set_permissions(folder.join("sessions.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let store = Store::open(options(&folder)).unwrap();
    let Health::MemoryOnly { error } = store.health() else { panic!("{:?}", store.health()) };
    assert!(error.message().contains("sessions.key can be read or written by other users"), "{error}");
    assert!(!durable(&store.put(&key("b"), session("s", "t")).unwrap()));
    assert_eq!(fs::read(folder.join("sessions.json")).unwrap(), before);
}

/// Fills a small disk, frees it, and reports; runs in a child inside its own mount namespace.
fn fill(folder: &Path, out: &mut impl Write) {
    let data = folder.join("data");
    let store = Store::open(options(&data)).unwrap();
    assert!(durable(&store.put(&key("first"), session("first", "t")).unwrap()));
    let room = folder.join("room");
    fs::write(&room, [0; 400 * 1024]).unwrap();
    let error = (0..100)
        .find_map(|i| match store.put(&key(&format!("k{i}")), session("s", &"x".repeat(4000))).unwrap() {
            Saved::Durable => None,
            Saved::MemoryOnly(error) => Some(error),
        })
        .unwrap();
    assert_eq!(error.code(), Code::StoreUnwritable);
    assert!(error.message().contains("No space left") && error.hint().unwrap().contains("free space"));
    assert!(matches!(store.health(), Health::Unsaved { .. }));
    assert_eq!(store.get(&key("first")).unwrap().unwrap().value.sub, "first");
    let count = store.len();
    fs::remove_file(room).unwrap();
    assert!(durable(&store.flush()));
    drop(store);
    assert_eq!(Store::open(options(&data)).unwrap().len(), count);
    writeln!(out, "done").unwrap();
}

/// Runs the child on a small disk of its own, prepared by `setup`; says so where that is impossible.
fn on_a_small_disk(test: &str, task: &str, setup: &str) {
    let folder = tempfile::tempdir().unwrap();
    let inner = child(folder.path(), task);
    let script = format!("mount -t tmpfs -o size=512k none \"$0\" && {setup} && echo mounted && exec \"$@\"");
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &script]);
    command.arg(folder.path()).arg(inner.get_program()).args(inner.get_args());
    command.env(CHILD_FOLDER, folder.path()).env(CHILD_TASK, task).stdin(Stdio::null());
    let Ok(output) = command.output() else { return skipped(test, "there is no unshare") };
    let text = String::from_utf8_lossy(&output.stdout);
    if !text.contains("mounted") {
        return skipped(test, "mounting a small disk needs root");
    }
    assert!(text.contains("\ndone"), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_full_disk_leaves_memory_right_and_is_made_up_for() {
    on_a_small_disk("a_full_disk_leaves_memory_right_and_is_made_up_for", "fill", "true");
}

#[test]
fn a_read_only_folder_is_said_so_at_the_start() {
    let setup = "mkdir -m 700 \"$0/data\" && mount -o remount,ro \"$0\"";
    on_a_small_disk("a_read_only_folder_is_said_so_at_the_start", "read-only", setup);
}

/// The format is for good: the first version wrote these files. In the snapshot are the main session and `c`; in the
/// journal a change of the main session, the removal of `c`, and `b:é`.
#[test]
fn files_of_version_one_open() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    fs::create_dir(&folder).unwrap();
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/store/v1");
    for name in ["sessions.json", "sessions.journal", "sessions.key"] {
        fs::copy(vectors.join(name), folder.join(name)).unwrap();
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let store = Store::open(options(&folder)).unwrap();
    assert!(matches!(store.health(), Health::Ok), "{:?}", store.health());
    let found: Vec<_> = store
        .known()
        .into_iter()
        .map(|(key, session)| {
            let refresh = session.refresh_token.as_ref().map(|token| token.expose().clone());
            let dates = (session.login_at.unix(), session.expires_at.unix());
            (key.to_string(), session.sub.clone(), session.user_token.expose().clone(), refresh, dates)
        })
        .collect();
    let expected = |key: &str, sub: &str, refresh: Option<&str>| {
        let refresh = refresh.map(str::to_owned);
        (key.to_owned(), sub.to_owned(), format!("token-of-{sub}"), refresh, (1_768_464_000, 4_102_444_800))
    };
    let main = "agent:main:main";
    assert_eq!(found, [expected(main, "alice-2", Some("refresh-2")), expected("b:é", "bob", None)]);
}

#[test]
fn a_folder_that_cannot_be_used_is_said_so() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "").unwrap();
    let link = parent.path().join("link");
    std::os::unix::fs::symlink(parent.path(), &link).unwrap();
    for path in [file, link] {
        let error = Store::open(options(&path)).unwrap_err();
        assert_eq!(error.code(), Code::StoreUnwritable);
        assert!(error.message().contains(path.to_str().unwrap()) && error.hint().is_some(), "{error}");
    }
}

#[test]
fn a_folder_removed_under_the_store_is_reported_and_nothing_panics() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    let store = Store::open(options(&folder)).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    let Saved::MemoryOnly(error) = store.put(&key("a"), session("s", "t")).unwrap() else {
        panic!("nowhere to save")
    };
    assert_eq!(error.code(), Code::StoreUnwritable);
    assert!(error.hint().unwrap().contains("restart"), "{error:?}");
    assert_eq!(store.get(&key("a")).unwrap().unwrap().value.sub, "s");
}
