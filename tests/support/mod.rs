//! What black-box tests share: a fresh state folder, the real binary as a process, curl, and a browser without a screen.
#![allow(
    dead_code,
    unreachable_pub,
    missing_debug_implementations,
    reason = "each test file uses its own part"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code, shared by test files")]

pub mod browser;
#[cfg(feature = "redis")]
pub mod engine;
pub mod feishu;
#[cfg(feature = "redis")]
pub mod fleet;
pub mod model;
pub mod npm;
pub mod schema;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use agent_identity::base::time::{Clock, SystemClock};
use agent_identity::emulator::{Emulator, Options};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long anything in a test may take before it counts as stuck.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A state folder with a configuration that points to an emulator of its own.
pub struct Home {
    dir: TempDir,
    pub emulator: Arc<Emulator>,
    pub callback: String,
    /// What else the binary's environment has.
    pub variables: Vec<(&'static str, OsString)>,
}

impl Home {
    pub fn new() -> Self {
        Self::with(Options::default(), |_| {})
    }

    /// A home whose emulator and configuration the test has changed.
    pub fn with(mut options: Options, change: impl FnOnce(&mut Value)) -> Self {
        let callback = format!("http://{}:18789/identity/oauth/callback", own_address());
        options.callback_urls = vec![callback.clone()];
        Self::at(Arc::new(Emulator::start(options).unwrap()), callback, change)
    }

    /// Another home with the same emulator and the same public address of the callback.
    pub fn beside(&self, change: impl FnOnce(&mut Value)) -> Self {
        Self::at(self.emulator.clone(), self.callback.clone(), change)
    }

    fn at(emulator: Arc<Emulator>, callback: String, change: impl FnOnce(&mut Value)) -> Self {
        let home = Self { dir: TempDir::new().unwrap(), emulator, callback, variables: Vec::new() };
        let mut config = home.config();
        change(&mut config);
        home.write_config(&config);
        home
    }

    /// The plugin's configuration for this home's emulator.
    pub fn config(&self) -> Value {
        json!({
            "identity": {
                "endpoint": self.emulator.endpoint(),
                "accessKeyId": self.emulator.options().access_keys[0].id,
                "secretAccessKey": self.emulator.options().access_keys[0].secret,
                "localServer": true,
            },
            "userpool": {
                "discoveryUrl": self.emulator.discovery_url(),
                "clientId": self.emulator.client_id(),
                "clientSecret": self.emulator.client_secret(),
                "callbackUrl": self.callback,
                "scope": "openid profile email offline_access",
            },
        })
    }

    pub fn write_config(&self, config: &Value) {
        let whole = json!({ "plugins": { "entries": { "agent-identity": { "config": config } } } });
        fs::write(self.state().join("openclaw.json"), whole.to_string()).unwrap();
    }

    pub fn state(&self) -> &Path {
        self.dir.path()
    }

    pub fn data(&self) -> PathBuf {
        self.state().join("plugins/identity")
    }

    pub fn socket(&self) -> PathBuf {
        self.data().join("identity.sock")
    }

    /// The binary with an environment that knows this home only.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_agent-identity"));
        command
            .args(args)
            .env_clear()
            .env("PATH", path())
            .env("HOME", self.state())
            .env("OPENCLAW_STATE_DIR", self.state())
            .envs(self.variables.iter().cloned());
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).stdin(Stdio::null()).output().unwrap()
    }

    /// Runs a command that must succeed and returns its JSON.
    pub fn json(&self, args: &[&str]) -> Value {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub fn serve(&self) -> Server {
        Server::start(self.command(&["serve"]))
            .unwrap_or_else(|log| panic!("the server did not start:\n{log}"))
    }

    /// Logs a person in through the pages, to the main session or another.
    pub fn log_in(&self, person: &str, session: Option<&str>) {
        let mut args = vec!["login", "--no-wait", "--json"];
        args.extend(session.map(|key| ["--session", key]).into_iter().flatten());
        let link = self.json(&args)["authUrl"].as_str().unwrap().to_owned();
        browser::Browser::new().log_in(&link, person);
    }

    /// A request with the real curl; status and body.
    pub fn curl(&self, args: &[&str]) -> (u16, Value) {
        let (status, body) = self.curl_text(args);
        let json = serde_json::from_str(&body).unwrap_or_else(|_| panic!("not JSON: {body:?}"));
        (status, json)
    }

    pub fn curl_text(&self, args: &[&str]) -> (u16, String) {
        let output = Command::new("curl")
            .args(["-sS", "--max-time", "20", "-w", "\n%{http_code}", "--unix-socket"])
            .arg(self.socket())
            .args(args)
            .output()
            .expect("curl is installed");
        let out = text(&output.stdout);
        let (body, status) =
            out.rsplit_once('\n').unwrap_or_else(|| panic!("curl: {}", text(&output.stderr)));
        (status.parse().unwrap(), body.to_owned())
    }

    /// The session once its user token has been renewed, that is, ends at another time than `expires_at`.
    pub fn session_after(&self, expires_at: &Value) -> Value {
        let end = SystemClock.monotonic() + PATIENCE;
        while SystemClock.monotonic() < end {
            let (status, session) = self.curl(&["http://localhost/session"]);
            assert_eq!(status, 200, "{session}");
            if session["expiresAt"] != *expires_at {
                return session;
            }
            SystemClock.sleep(Duration::from_millis(200));
        }
        panic!("never renewed");
    }

    /// Every byte of every file below the state folder.
    pub fn bytes_on_disk(&self) -> Vec<u8> {
        self.bytes_on_disk_below(self.state())
    }

    /// Every byte of every file below a folder.
    pub fn bytes_on_disk_below(&self, folder: &Path) -> Vec<u8> {
        let (mut bytes, mut folders) = (Vec::new(), vec![folder.to_owned()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(content) = fs::read(&path) {
                    bytes.extend(content);
                }
            }
        }
        bytes
    }
}

/// A running server process.
pub struct Server {
    child: Child,
    log: Option<JoinHandle<String>>,
    lines: mpsc::Receiver<String>,
}

impl Server {
    /// Starts the process and waits until it says that it listens; `Err` is its log when it ends instead.
    pub fn start(command: Command) -> Result<Self, String> {
        Self::start_with(command, Stdio::null())
    }

    /// The same with something on its standard input.
    pub fn start_with(mut command: Command, stdin: Stdio) -> Result<Self, String> {
        let mut child = command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut stderr = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut log = Vec::new();
            let _ = stderr.read_to_end(&mut log);
            text(&log)
        });
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).for_each(|line| drop(sender.send(line)))
        });
        let server = Self { child, log: Some(log), lines };
        loop {
            match server.lines.recv_timeout(PATIENCE) {
                Ok(line) if line.starts_with("ready") => return Ok(server),
                Ok(_) => {}
                Err(_) => return Err(server.end(libc::SIGKILL)),
            }
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends the server as an operator does, and returns its log.
    pub fn stop(self) -> String {
        self.end(libc::SIGTERM)
    }

    /// Ends the server as a power cut does.
    pub fn kill(self) -> String {
        self.end(libc::SIGKILL)
    }

    fn end(mut self, signal: i32) -> String {
        send_signal(self.child.id(), signal);
        let status = self.child.wait().unwrap();
        let log = self.log.take().map(|log| log.join().unwrap()).unwrap_or_default();
        assert!(signal == libc::SIGKILL || status.success(), "the server ended with {status}:\n{log}");
        log
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[allow(unsafe_code)]
pub fn send_signal(pid: u32, signal: i32) {
    // SAFETY: kill(2) takes two integers; the process is our own child, which has not been waited for yet.
    let sent = unsafe { libc::kill(i32::try_from(pid).unwrap(), signal) };
    assert_eq!(sent, 0);
}

/// A loopback address that no other home has, in this process or another: so its ports are its own.
pub fn own_address() -> Ipv4Addr {
    static HOMES: AtomicU32 = AtomicU32::new(0);
    let [.., high, low] = std::process::id().to_be_bytes();
    let home = HOMES.fetch_add(1, Ordering::Relaxed);
    Ipv4Addr::new(127, high.max(1), low, u8::try_from(home % 254 + 1).unwrap())
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Says that a test cannot show its point here; visible although the test passes.
pub fn skipped(test: &str, reason: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {reason}");
}

pub fn has(program: &str) -> bool {
    path().to_string_lossy().split(':').any(|folder| Path::new(folder).join(program).is_file())
}

#[allow(clippy::disallowed_methods, reason = "tests pass their own PATH on")]
pub fn path() -> OsString {
    std::env::var_os("PATH").unwrap_or_else(|| OsStr::new("/usr/bin:/bin").to_owned())
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub fn contains(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}
