//! A gateway in a home of its own: folders, configuration, emulator, model, and the process with all its children.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use agent_identity::base::time::{Clock, SystemClock};
use agent_identity::emulator::{Emulator, Options};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::{Client, Identity};
use super::host::Host;
use super::model::Model;
use super::process::{descendants, finish, kill, program};
use crate::support::browser::Browser;
use crate::support::{contains, path, send_signal, text};

/// The token of every gateway here; each is on loopback for one test.
const TOKEN: &str = "gateway-token";
/// How long a gateway may take to start or to end: a new host on a busy machine takes half a minute.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often something that cannot be waited for is looked at.
const PAUSE: Duration = Duration::from_millis(50);

/// A home for a gateway, with the cloud and the model that it talks to.
pub struct Home {
    pub host: Host,
    pub emulator: Emulator,
    pub model: Model,
    pub port: u16,
    /// Whether its gateways start the channels that the configuration has.
    pub channels: bool,
    dir: TempDir,
}

impl Home {
    /// A home whose configuration the test has changed.
    pub fn new(host: Host, change: impl FnOnce(&Self, &mut Value)) -> Self {
        let port = own_port();
        let options = Options { callback_urls: vec![callback(port)], ..Options::default() };
        let home = Self {
            host,
            emulator: Emulator::start(options).unwrap(),
            model: Model::start(),
            port,
            channels: false,
            dir: TempDir::new().unwrap(),
        };
        for folder in [home.state(), home.workspace(), home.programs()] {
            fs::create_dir_all(folder).unwrap();
        }
        home.link_program();
        symlink(home.host.script(), home.programs().join("openclaw")).unwrap();
        let mut config = home.config();
        change(&home, &mut config);
        home.write_config(&config);
        home
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn state(&self) -> PathBuf {
        self.path().join("state")
    }

    pub fn workspace(&self) -> PathBuf {
        self.path().join("workspace")
    }

    /// The program, where this home's PATH has it.
    pub fn program(&self) -> PathBuf {
        self.programs().join("agent-identity")
    }

    pub fn link_program(&self) {
        symlink(env!("CARGO_BIN_EXE_agent-identity"), self.program()).unwrap();
    }

    fn programs(&self) -> PathBuf {
        self.path().join("bin")
    }

    pub fn config_file(&self) -> PathBuf {
        self.state().join("openclaw.json")
    }

    pub fn write_config(&self, config: &Value) {
        fs::write(self.config_file(), serde_json::to_string_pretty(config).unwrap()).unwrap();
    }

    /// A host with one model and an `exec` tool that asks nobody, without any plugin of ours.
    fn config(&self) -> Value {
        let model = json!({
            "id": "obedient", "name": "obedient", "reasoning": false, "input": ["text"],
            "cost": { "input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0 },
            "contextWindow": 200_000, "maxTokens": 8192,
        });
        let mut config = json!({
            "gateway": { "mode": "local", "port": self.port, "auth": { "mode": "token", "token": TOKEN } },
            "models": { "mode": "replace", "providers": { "test": {
                "baseUrl": self.model.url(), "apiKey": "none", "api": "openai-completions", "models": [model],
            } } },
            "agents": { "defaults": {
                "model": { "primary": "test/obedient" },
                "workspace": self.workspace(),
                "skipBootstrap": true,
                // Never by itself in a test; but where it is switched off, nobody can wake an agent.
                "heartbeat": { "every": "24h" },
            } },
            "tools": { "exec": { "host": "gateway", "security": "full", "ask": "off" } },
            "plugins": { "load": { "paths": [] }, "allow": [], "entries": {} },
            "update": { "checkOnStart": false },
            "logging": { "file": self.path().join("openclaw.log") },
        });
        if self.host.is_new() {
            // Plugin tools stand in the model's list and are not searched for.
            config["tools"]["toolSearch"] = json!(false);
        }
        config
    }

    /// Has the host load a plugin from its folder, with everything that this host asks of its operator for that.
    pub fn load(&self, config: &mut Value, id: &str, folder: &str, settings: Value) {
        let plugins = &mut config["plugins"];
        plugins["load"]["paths"].as_array_mut().unwrap().push(json!(folder));
        plugins["allow"].as_array_mut().unwrap().push(json!(id));
        plugins["entries"][id] = json!({ "enabled": true, "config": settings });
        if self.host.is_new() {
            plugins["entries"][id]["hooks"] = json!({ "allowConversationAccess": true });
        }
    }

    /// Our plugin as its package has it, loaded from a folder of this home, with these settings. New hosts copy a plugin's
    /// whole folder at each start, which in a checkout is the build's as well.
    pub fn load_ours(&self, config: &mut Value, settings: Value) {
        let (source, folder) = (Path::new(env!("CARGO_MANIFEST_DIR")), self.path().join("agent-identity"));
        let package = fs::read_to_string(source.join("package.json")).unwrap();
        let files = serde_json::from_str::<Value>(&package).unwrap()["files"].take();
        for file in
            files.as_array().unwrap().iter().map(|file| file.as_str().unwrap()).chain(["package.json"])
        {
            copy(&source.join(file), &folder.join(file));
        }
        self.load(config, "agent-identity", folder.to_str().unwrap(), settings);
    }

    /// The plugin's configuration for this home's emulator, with the callback at the gateway.
    pub fn identity(&self) -> Value {
        let key = &self.emulator.options().access_keys[0];
        json!({
            "identity": {
                "endpoint": self.emulator.endpoint(),
                "accessKeyId": key.id,
                "secretAccessKey": key.secret,
                "localServer": true,
            },
            "userpool": {
                "discoveryUrl": self.emulator.discovery_url(),
                "clientId": self.emulator.client_id(),
                "clientSecret": self.emulator.client_secret(),
                "callbackUrl": callback(self.port),
                "scope": "openid profile email offline_access",
            },
        })
    }

    /// Logs a person in through a chat: the link that is answered to a message, the pages, the gateway's own callback.
    pub fn log_in(&self, chat: &Client, session: &str, person: &str) {
        let answer = chat.say(session, "hello");
        let done = Browser::new().log_in(&link_in(&answer.text), person);
        assert!(done.url.to_string().starts_with(&callback(self.port)), "{done:?}");
    }

    /// Whether any file of this home holds a text: configuration, logs, transcripts, stores.
    pub fn holds(&self, text: &str) -> Option<PathBuf> {
        let mut folders = vec![self.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if fs::read(&path).is_ok_and(|content| contains(&content, text)) {
                    return Some(path);
                }
            }
        }
        None
    }

    /// `openclaw …` in this home.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.host.command();
        command.args(args);
        self.at_home(command)
    }

    /// Any other program in this home; ours and `openclaw` are on its PATH.
    pub fn program_command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new("env");
        command.arg(program).args(args).env_clear();
        self.at_home(command)
    }

    fn at_home(&self, mut command: Command) -> Command {
        let (ours, path) = ([self.host.node_folder(), self.programs()], path());
        let folders = ours.into_iter().chain(std::env::split_paths(&path));
        command
            .current_dir(self.path())
            .env("PATH", std::env::join_paths(folders).unwrap())
            .env("HOME", self.path())
            .env("TMPDIR", self.path())
            .env("OPENCLAW_HOME", self.path())
            .env("OPENCLAW_STATE_DIR", self.state())
            .env("OPENCLAW_CONFIG_PATH", self.config_file())
            .env("OPENCLAW_GATEWAY_TOKEN", TOKEN)
            .env("OPENCLAW_DISABLE_BONJOUR", "1")
            .env("OPENCLAW_NO_RESPAWN", "1")
            .stdin(Stdio::null());
        if !self.channels {
            command.env("OPENCLAW_SKIP_CHANNELS", "1");
        }
        command
    }

    /// A command of the host that is waited for.
    pub fn run(&self, args: &[&str]) -> Output {
        finish(&mut self.command(args))
    }

    /// Starts the gateway and waits until it is healthy.
    pub fn start(&self) -> Gateway<'_> {
        let port = self.port.to_string();
        let args =
            ["gateway", "run", "--port", &port, "--bind", "loopback", "--auth", "token", "--token", TOKEN];
        let log = File::create(self.path().join("gateway.log")).unwrap();
        let child = self.command(&args).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let mut gateway = Gateway { home: self, child, ended: false };
        gateway.wait_for("healthy", |gateway| {
            assert!(gateway.child.try_wait().unwrap().is_none(), "the gateway ended:\n{}", gateway.log());
            gateway.try_get("/health").is_some_and(|(status, _)| status == 200)
        });
        gateway
    }
}

/// A running gateway. Dropping it kills it and all that it started.
pub struct Gateway<'h> {
    pub home: &'h Home,
    child: Child,
    ended: bool,
}

impl Gateway<'_> {
    pub fn connect(&self, identity: Identity) -> Client {
        Client::connect(self.home.port, TOKEN, identity)
    }

    /// A page of the gateway, which no browser has asked for.
    pub fn get(&self, path: &str) -> (u16, String) {
        self.try_get(path).unwrap()
    }

    fn try_get(&self, path: &str) -> Option<(u16, String)> {
        let agent = ureq::Agent::config_builder()
            .proxy(None)
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(5)))
            .build();
        let url = format!("http://127.0.0.1:{}{path}", self.home.port);
        let mut response = ureq::Agent::from(agent).get(url).call().ok()?;
        Some((response.status().as_u16(), response.body_mut().read_to_string().ok()?))
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the gateway has printed so far.
    pub fn log(&self) -> String {
        text(&fs::read(self.home.path().join("gateway.log")).unwrap_or_default())
    }

    /// The processes that the gateway has started, and those that they have, with the names of their programs.
    pub fn children(&self) -> Vec<(u32, String)> {
        descendants(self.child.id())
    }

    /// Ends the gateway as an operator does, and returns its log; what is left of its children is a failure.
    pub fn stop(mut self) -> String {
        let children = self.children();
        send_signal(self.child.id(), libc::SIGTERM);
        self.wait_for("ended", |gateway| gateway.child.try_wait().unwrap().is_some());
        self.ended = true;
        let alive = || children.iter().filter(|(pid, name)| program(*pid).as_ref() == Some(name));
        self.wait_for("without children", |_| alive().next().is_none());
        self.log()
    }

    /// Prints, for a test that failed, the end of the log and what the model was asked last.
    #[allow(clippy::print_stdout, reason = "shown with the failure of the test")]
    fn tell(&self) {
        let (log, requests) = (self.log(), self.home.model.requests());
        let tail: Vec<_> = log.lines().rev().take(40).collect();
        tail.iter().rev().for_each(|line| println!("{line}"));
        for message in
            requests.iter().rev().take(2).rev().flat_map(|request| request["messages"].as_array()).flatten()
        {
            println!("{}", message.to_string().chars().take(600).collect::<String>());
        }
    }

    /// Waits for something that cannot be waited for but by looking.
    pub fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let deadline = SystemClock.monotonic() + PATIENCE;
        while !is_so(self) {
            assert!(SystemClock.monotonic() < deadline, "not {what}; its log:\n{}", self.log());
            SystemClock.sleep(PAUSE);
        }
    }

    fn wait_for(&mut self, what: &str, mut is_so: impl FnMut(&mut Self) -> bool) {
        let deadline = SystemClock.monotonic() + PATIENCE;
        while !is_so(self) {
            assert!(
                SystemClock.monotonic() < deadline,
                "the gateway is not {what}; its children: {:?}; its log:\n{}",
                self.children(),
                self.log(),
            );
            SystemClock.sleep(PAUSE);
        }
    }
}

impl Drop for Gateway<'_> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        if std::thread::panicking() {
            self.tell();
        }
        let children = self.children();
        let _ = self.child.kill();
        let _ = self.child.wait();
        for (pid, name) in children {
            if program(pid) == Some(name) {
                kill(pid);
            }
        }
    }
}

/// A port that nobody gets by chance: below those that the kernel hands out, where a gateway has a few to itself.
fn own_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let candidates = (0..500).map(|_| {
        let nth = std::process::id().wrapping_mul(7).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        u16::try_from(20_000 + nth % 500 * 20).unwrap()
    });
    let mut free = candidates.filter(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    free.next().expect("a port is free")
}

/// Copies a file or a folder; what is not there is left out, as npm does.
fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        for entry in fs::read_dir(from).unwrap() {
            let name = entry.unwrap().file_name();
            copy(&from.join(&name), &to.join(&name));
        }
    } else if from.is_file() {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    }
}

/// The first link to this machine in a text, which may be Markdown.
pub fn link_in(text: &str) -> String {
    let start = text.find("http://127.0.0.1:").unwrap_or_else(|| panic!("no link in {text:?}"));
    let link = text[start..].split(|c: char| c.is_whitespace() || ")>\"".contains(c)).next();
    link.unwrap().to_owned()
}

fn callback(port: u16) -> String {
    format!("http://{}:{port}/identity/oauth/callback", Ipv4Addr::LOCALHOST)
}
