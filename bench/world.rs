//! A state folder, a configuration and a cloud for the server under measurement.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};

use agent_identity::base::time::{Clock, SystemClock};
use agent_identity::emulator::{Emulator, Options};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::Outcome;
use super::browser::Browser;
use super::process::Process;

/// How many worlds there have been: each has a loopback address of its own for its login callback.
static WORLDS: AtomicU8 = AtomicU8::new(1);
/// Bytes of a user token in the sessions that are only there to be many: what the emulator's tokens have.
const TOKEN_BYTES: usize = 800;

pub(crate) struct World {
    folder: TempDir,
    pub(crate) emulator: Emulator,
}

impl World {
    /// A fresh folder below `target/`, so that saving is measured on a disk.
    pub(crate) fn new() -> Outcome<Self> {
        let number = WORLDS.fetch_add(1, Ordering::Relaxed);
        let callback = format!("http://127.86.4.{number}:18789/identity/oauth/callback");
        let options = Options { callback_urls: vec![callback.clone()], ..Options::default() };
        let emulator = Emulator::start(options)?;
        let world = Self { folder: scratch()?, emulator };
        let key = &world.emulator.options().access_keys[0];
        let config = json!({
            "identity": {
                "endpoint": world.emulator.endpoint(),
                "accessKeyId": key.id,
                "secretAccessKey": key.secret,
                "workloadName": "openclaw-agent",
                "localServer": true,
                "localServerAllowlist": ["bench"],
            },
            "userpool": {
                "discoveryUrl": world.emulator.discovery_url(),
                "clientId": world.emulator.client_id(),
                "clientSecret": world.emulator.client_secret(),
                "callbackUrl": callback,
                "scope": "openid profile email offline_access",
            },
        });
        let whole = json!({ "plugins": { "entries": { "agent-identity": { "config": config } } } });
        fs::write(world.state().join("openclaw.json"), whole.to_string())?;
        Ok(world)
    }

    /// The same with alice logged in and her workload token fetched once, so that the workload exists.
    pub(crate) fn with_login(binary: &Path) -> Outcome<Self> {
        let world = Self::new()?;
        let server = world.serve(binary)?;
        let answer = world.command(binary, &["login", "--no-wait", "--json"]).output()?;
        let answer: Value = serde_json::from_slice(&answer.stdout)?;
        Browser::new().log_in(answer["authUrl"].as_str().ok_or("no link")?, "alice");
        let token = world.command(binary, &["token"]).output()?;
        if !token.status.success() {
            return Err(String::from_utf8_lossy(&token.stderr).into_owned().into());
        }
        server.stop()?;
        Ok(world)
    }

    pub(crate) fn state(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.state().join("plugins/identity")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.data().join("identity.sock")
    }

    pub(crate) fn command(&self, binary: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(binary);
        command.args(args).env_clear().env("HOME", self.state()).env("OPENCLAW_STATE_DIR", self.state());
        command
    }

    pub(crate) fn serve(&self, binary: &Path) -> Outcome<Process> {
        Process::until_ready(&mut self.command(binary, &["serve"]))
    }

    /// Puts so many sessions in the place of all others, as the older plugin kept them; the next start seals them.
    pub(crate) fn fill(&self, count: usize) -> Outcome<()> {
        fill(&self.data(), count)
    }
}

/// The same for any data folder.
pub(crate) fn fill(data: &Path, count: usize) -> Outcome<()> {
    let sessions: Map<String, Value> = (0..count).map(|n| (session_key(n), session(n))).collect();
    fs::create_dir_all(data)?;
    for entry in fs::read_dir(data)? {
        fs::remove_file(entry?.path())?;
    }
    let path = data.join("sessions.json");
    fs::write(&path, serde_json::to_vec(&sessions)?)?;
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    fs::set_permissions(data, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(())
}

/// A folder on the disk that the project is on.
pub(crate) fn scratch() -> Outcome<TempDir> {
    let parent = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
    fs::create_dir_all(&parent)?;
    Ok(tempfile::tempdir_in(parent)?)
}

/// The key of the `n`th made-up session: that of a person in a web chat.
pub(crate) fn session_key(n: usize) -> String {
    format!("agent:main:main:user:{}", sender(n))
}

pub(crate) fn sender(n: usize) -> String {
    format!("ou_{n:08}")
}

fn session(n: usize) -> Value {
    let now = SystemClock.now().unix();
    // No two alike, as with real ones.
    let token: String = format!("{n:x}.").chars().cycle().take(TOKEN_BYTES).collect();
    json!({
        "sub": sender(n),
        "userToken": token,
        "refreshToken": format!("refresh-{n:032x}"),
        "loginAt": now - 60,
        "expiresAt": now + 3_600,
    })
}
