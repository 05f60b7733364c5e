//! `store migrate` and `key rotate` with a real engine: over and back, killed in the middle, and what must not be lost.
#![cfg(feature = "redis")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's way to fail")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write, stderr};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use agent_identity::base::entropy::OsEntropy;
use agent_identity::base::env::Env;
use agent_identity::base::secret::Secret;
use agent_identity::base::time::{SystemClock, Timestamp};
use agent_identity::credential::binding::Bindings;
use agent_identity::records::Records;
use agent_identity::session::key::SessionKey;
use agent_identity::session::keyring;
use agent_identity::session::model::Session;
use agent_identity::session::store::{Store, StoreOptions};
use agent_identity::shared::engine::{Engine, EngineOptions};
use agent_identity::shared::location::Location;
use serde_json::{Value, json};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(30);
/// Logins that are moved.
const SESSIONS: usize = 200;

/// A server on a socket, ended with the value.
struct Server {
    process: Child,
    folder: TempDir,
}

impl Server {
    /// The servers that are installed; says so where none is.
    fn each(test: &str, run: impl Fn(Self)) {
        let installed = |program: &&str| {
            let version =
                Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
            version.is_ok_and(|status| status.success())
        };
        let programs: Vec<_> = ["redis-server", "valkey-server"].into_iter().filter(installed).collect();
        if programs.is_empty() {
            let _ =
                writeln!(stderr(), "skipped: {test}: neither redis-server nor valkey-server is installed");
        }
        programs.into_iter().for_each(|program| run(Self::start(program)));
    }

    fn start(program: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let mut command = Command::new(program);
        command.args(["--port", "0", "--save", "", "--logfile", "", "--unixsocket"]);
        command.arg(folder.path().join("s")).arg("--dir").arg(folder.path());
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains("eady to accept connections at") {
            assert_ne!(output.read_line(&mut said).unwrap(), 0, "{program} has ended: {said}");
        }
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        Self { process, folder }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("s")
    }

    fn address(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// What it has, as it would lie in its files.
    fn dump(&self) -> Vec<u8> {
        let mut stream = UnixStream::connect(self.socket()).unwrap();
        let script = "local all = {} for _, key in ipairs(redis.call('KEYS', '*')) do \
                      table.insert(all, key) table.insert(all, redis.call('GET', key)) end return all";
        write!(
            stream,
            "*3\r\n$4\r\nEVAL\r\n${}\r\n{script}\r\n$1\r\n0\r\n*1\r\n$4\r\nQUIT\r\n",
            script.len()
        )
        .unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        bytes
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A door to a server that stops passing messages on after some that name a word, and then says so.
struct Door {
    port: u16,
    shut: Receiver<()>,
}

impl Door {
    fn to(server: &Server, word: &'static str, passes: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (say, shut) = channel();
        let (socket, passed) = (server.socket(), Arc::new(AtomicUsize::new(0)));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (socket, passed, say) = (socket.clone(), passed.clone(), say.clone());
                std::thread::spawn(move || {
                    Self::serve(stream.unwrap(), &socket, word, passes, &passed, &say)
                });
            }
        });
        Self { port, shut }
    }

    fn serve(
        mut stream: TcpStream,
        socket: &Path,
        word: &str,
        passes: usize,
        passed: &AtomicUsize,
        say: &Sender<()>,
    ) {
        let mut server = UnixStream::connect(socket).unwrap();
        let mut buffer = vec![0; 1 << 16];
        while let Ok(length @ 1..) = stream.read(&mut buffer) {
            let names = buffer[..length].windows(word.len()).any(|window| window == word.as_bytes());
            if names && passed.fetch_add(1, Ordering::SeqCst) >= passes {
                let _ = say.send(());
                // Until whoever asks has gone.
                let _ = stream.read(&mut buffer);
                return;
            }
            server.write_all(&buffer[..length]).unwrap();
            let Ok(length @ 1..) = server.read(&mut buffer) else { return };
            if stream.write_all(&buffer[..length]).is_err() {
                return;
            }
        }
    }

    fn address(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

/// A machine: its state folder and key file.
struct Machine {
    folder: TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { folder: TempDir::new().unwrap() };
        machine.keys(&["11"]);
        machine
    }

    /// Writes the key file: keys of one byte each, in hexadecimal.
    fn keys(&self, bytes: &[&str]) {
        let lines: String = bytes.iter().map(|byte| format!("{}\n", byte.repeat(32))).collect();
        fs::write(self.key_file(), lines).unwrap();
        fs::set_permissions(self.key_file(), PermissionsExt::from_mode(0o600)).unwrap();
    }

    fn key_file(&self) -> PathBuf {
        self.folder.path().join("key")
    }

    fn configure(&self, identity: &Value) {
        let config =
            json!({ "plugins": { "entries": { "agent-identity": { "config": { "identity": identity } } } } });
        fs::write(self.folder.path().join("openclaw.json"), config.to_string()).unwrap();
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("plugins/identity")
    }

    /// The stored sessions; sealed with a generated key unless `named`.
    fn store(&self, named: bool) -> Store {
        let key = named.then(|| ("AGENT_IDENTITY_KEY_FILE", self.key_file().to_str().unwrap().to_owned()));
        let options = StoreOptions {
            dir: self.data(),
            env: key.into_iter().collect(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
        };
        let store = Store::open(options).unwrap();
        assert!(store.health().is_ok(), "{:?}", store.health());
        store
    }

    fn bindings(&self) -> Bindings {
        Bindings::open(&self.data(), Arc::new(SystemClock))
    }

    /// One with logins and bindings, as a server without a named key leaves them.
    fn filled() -> Self {
        let machine = Self::new();
        let (store, bindings) = (machine.store(false), machine.bindings());
        for n in 0..SESSIONS {
            assert!(store.put(&key(n), session(n, 0)).unwrap().problem().is_none());
        }
        for n in 0..10 {
            assert!(bindings.set(&key(n), "github", "GITHUB_TOKEN").unwrap().problem.is_none());
        }
        machine
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_agent-identity"));
        command.env_clear().env("HOME", self.folder.path()).env("OPENCLAW_STATE_DIR", self.folder.path());
        command.env("AGENT_IDENTITY_KEY_FILE", self.key_file()).args(words).stdin(Stdio::null());
        command
    }

    fn run(&self, words: &[&str]) -> (i32, Value) {
        let Output { status, stdout, stderr } = self.command(words).arg("--json").output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        let result = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{words:?}: {out}\n{err}"));
        (status.code().unwrap(), result)
    }

    fn migrate(&self, from: &str, to: &str, more: &[&str]) -> (i32, Value) {
        self.run(&[&["store", "migrate", "--from", from, "--to", to], more].concat())
    }
}

fn key(n: usize) -> SessionKey {
    SessionKey::parse(&format!("agent:main:direct:p{n}")).unwrap()
}

fn session(n: usize, login_at: i64) -> Session {
    Session {
        sub: format!("person-{n}"),
        user_token: Secret::new(format!("token-{n}-{}", "x".repeat(500))),
        refresh_token: Some(Secret::new(format!("refresh-{n}"))),
        login_at: Timestamp::from_unix(1_700_000_000 + login_at),
        expires_at: Timestamp::from_unix(4_000_000_000),
    }
}

/// Everything that is known of a login.
fn facts(session: &Session) -> (String, String, Option<String>, Timestamp, Timestamp) {
    let secret = |secret: &Secret| secret.expose().clone();
    let refresh = session.refresh_token.as_ref().map(secret);
    (session.sub.clone(), secret(&session.user_token), refresh, session.login_at, session.expires_at)
}

fn assert_all(store: &Store) {
    let known = store.known();
    assert_eq!(known.len(), SESSIONS);
    for n in 0..SESSIONS {
        let found = store.get(&key(n)).unwrap().unwrap();
        assert_eq!(facts(&found.value), facts(&session(n, 0)));
    }
}

fn engine(address: &str, keys: &str) -> Arc<Engine> {
    Engine::open(EngineOptions {
        location: Location::parse(address).unwrap(),
        password: None,
        keys: keyring::parse(keys.as_bytes()).unwrap(),
        env: Env::default(),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
    })
    .unwrap()
}

fn contains(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|window| window == word.as_bytes())
}

#[test]
fn logins_and_bindings_move_to_an_engine_and_back() {
    Server::each("logins_and_bindings_move_to_an_engine_and_back", |server| {
        let here = Machine::filled();
        let (code, result) = here.migrate("file", &server.address(), &["--dry-run"]);
        assert_eq!((code, &result["sessions"]["copied"]), (0, &json!(SESSIONS)));
        assert!(!contains(&server.dump(), ":session:"), "a dry run has written");

        let (code, result) = here.migrate("file", &server.address(), &[]);
        assert_eq!((code, &result["ok"]), (0, &json!(true)), "{result}");
        assert_eq!(result["compared"], SESSIONS + 10);
        let dump = server.dump();
        assert!(contains(&dump, ":session:") && contains(&dump, ":bindings:"));
        for word in ["person-7", "token-7", "refresh-7", "direct", "GITHUB_TOKEN"] {
            assert!(!contains(&dump, word), "{word}");
        }
        assert_all(&here.store(false));

        // On another machine, with `config` for the address.
        let there = Machine::new();
        there.configure(&json!({ "store": server.address() }));
        let (code, result) = there.migrate("config", "file", &[]);
        assert_eq!((code, &result["ok"]), (0, &json!(true)), "{result}");
        assert_all(&there.store(true));
        assert_eq!(there.bindings().of(&key(7)).unwrap()["github"], "GITHUB_TOKEN");
        assert!(there.bindings().of(&key(10)).unwrap().is_empty());
        let (code, result) = there.migrate("file", "config", &[]);
        assert_eq!((code, &result["sessions"]["same"]), (0, &json!(SESSIONS)));
    });
}

#[test]
fn a_copy_that_was_killed_goes_on_where_it_was() {
    Server::each("a_copy_that_was_killed_goes_on_where_it_was", |server| {
        let here = Machine::filled();
        let killed = |machine: &Machine, door: &Door, from: &str, to: &str| {
            let mut command = machine.command(&["store", "migrate", "--from", from, "--to", to]);
            let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            door.shut.recv_timeout(PATIENCE).unwrap();
            process.kill().unwrap();
            assert_eq!(process.wait().unwrap().code(), None, "it was killed");
        };
        let counted = |result: &Value| {
            let count = |name: &str| match result["sessions"][name].as_u64() {
                Some(count) => usize::try_from(count).unwrap(),
                None => panic!("{result}"),
            };
            (count("copied"), count("same"))
        };

        let door = Door::to(&server, "EVALSHA", SESSIONS / 2);
        killed(&here, &door, "file", &door.address());
        assert_all(&here.store(false));
        let (code, result) = here.migrate("file", &server.address(), &[]);
        let (copied, same) = counted(&result);
        assert!(code == 0 && copied > 0 && same > 0 && copied + same == SESSIONS, "{result}");

        let there = Machine::new();
        let door = Door::to(&server, "GET", SESSIONS / 2);
        killed(&there, &door, &door.address(), "file");
        assert!(there.store(true).len() < SESSIONS);
        let (code, result) = there.migrate(&server.address(), "file", &[]);
        let (copied, same) = counted(&result);
        assert!(code == 0 && copied > 0 && copied + same == SESSIONS, "{result}");
        assert_all(&there.store(true));
    });
}

#[test]
fn what_is_different_there_is_replaced_only_if_that_is_wanted() {
    Server::each("what_is_different_there_is_replaced_only_if_that_is_wanted", |server| {
        let here = Machine::filled();
        assert_eq!(here.migrate("file", &server.address(), &[]).0, 0);
        let store = here.store(false);
        // Since then: one has logged in anew here, one there.
        let _ = store.put(&key(1), session(1, 60)).unwrap();
        drop(store);
        let engine = engine(&server.address(), &"11".repeat(32));
        let shared = engine.shared::<Session>();
        let _ = shared.put(&key(2), session(2, 60)).unwrap();

        let (code, result) = here.migrate("file", &server.address(), &[]);
        assert_eq!((code, &result["ok"]), (1, &json!(false)), "{result}");
        assert_eq!((&result["sessions"]["left"], &result["sessions"]["newer"]), (&json!(2), &json!(1)));
        let there = |n: usize| shared.get(&key(n)).unwrap().unwrap().value.login_at;
        assert_eq!((there(1), there(2)), (session(1, 0).login_at, session(2, 60).login_at));

        let (code, result) = here.migrate("file", &server.address(), &["--overwrite"]);
        assert_eq!((code, &result["sessions"]["replaced"]), (0, &json!(2)), "{result}");
        assert_eq!((there(1), there(2)), (session(1, 60).login_at, session(2, 0).login_at));
    });
}

#[test]
fn what_cannot_be_copied_is_said_and_leaves_everything() {
    Server::each("what_cannot_be_copied_is_said_and_leaves_everything", |server| {
        let here = Machine::filled();
        let refused = |from: &str, to: &str, exit: i32, code: &str| {
            let (status, result) = here.migrate(from, to, &[]);
            assert_eq!((status, result["error"]["code"].as_str()), (exit, Some(code)), "{result}");
            assert!(result["error"]["hint"].is_string(), "{result}");
            result["error"]["message"].as_str().unwrap().to_owned()
        };
        assert!(refused("file", "config", 2, "invalid_request").contains("the same place"));
        assert!(refused("file", "redis://h/x", 6, "config_invalid").starts_with("--to has a database"));
        refused("file", "redis://127.0.0.1:1", 7, "store_unavailable");
        // A server has the folder.
        let store = here.store(false);
        refused("file", &server.address(), 8, "store_locked");
        drop(store);
        // The engine is another service's.
        engine(&server.address(), &"22".repeat(32)).check().unwrap();
        let before = server.dump();
        assert!(refused("file", &server.address(), 8, "store_unreadable").contains("is sealed with the key"));
        assert_eq!(server.dump(), before);
        assert_all(&here.store(false));
        let output = here.command(&["store", "migrate", "--from", "file"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("needs --to"));
    });
}

#[test]
fn a_key_is_rotated_under_instances_that_know_both() {
    Server::each("a_key_is_rotated_under_instances_that_know_both", |server| {
        let (old, new) = ("11".repeat(32), "22".repeat(32));
        let here = Machine::filled();
        here.configure(&json!({ "store": server.address() }));
        assert_eq!(here.migrate("file", "config", &[]).0, 0);
        let running = engine(&server.address(), &format!("{old}\n{new}\n"));
        let sessions = running.shared::<Session>();
        let seen = sessions.get(&key(3)).unwrap().unwrap();

        here.keys(&["22", "11"]);
        let (code, result) = here.run(&["key", "rotate"]);
        assert_eq!((code, &result["ok"]), (0, &json!(true)), "{result}");
        assert_eq!(
            (&result["sealedAnew"], &result["records"]),
            (&json!(SESSIONS + 10), &json!(SESSIONS + 10))
        );
        assert_eq!(result["otherKeys"], json!({}));
        // What an instance has seen before still is what is there.
        let changed = sessions.swap(&key(3), Some(&seen), Some(session(3, 60))).unwrap();
        assert!(matches!(changed, agent_identity::records::Swap::Done(_)), "{changed:?}");
        // It seals with the old key, which so is in use again, until the next rotation.
        let old_id = running.key().to_string();
        assert_eq!(sessions.keys().unwrap()[&old_id], 1);
        assert_eq!(here.run(&["key", "rotate"]).1["sealedAnew"], 1);
        assert_eq!(here.run(&["key", "rotate"]).1["sealedAnew"], 0);

        // The old key is of no use any more, the new one is enough.
        let alone = engine(&server.address(), &new).shared::<Session>();
        assert_eq!(alone.get(&key(3)).unwrap().unwrap().value.login_at, session(3, 60).login_at);
        here.keys(&["11"]);
        let (code, result) = here.run(&["key", "rotate"]);
        assert_eq!((code, result["error"]["code"].as_str()), (8, Some("store_unreadable")), "{result}");
    });
}
