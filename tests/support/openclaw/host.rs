//! The hosts as npm has them, installed once for a machine: 800 MB each, so they outlive checkouts and target folders.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use agent_identity::base::codec::hex;
use agent_identity::base::crypto::sha256;
use rustix::fs::{FlockOperation, flock};

use crate::support::{has, text};

/// The oldest host that the plugin is for.
pub const OLD: &str = "2026.3.28";
/// The newest one.
pub const NEW: &str = "2026.9.6";

/// An installed host.
#[derive(Clone, Debug)]
pub struct Host {
    pub version: &'static str,
    folder: PathBuf,
}

impl Host {
    /// The host of `tests/openclaw/<version>`, installed if it is not there yet. `Err` says why that did not work,
    /// which is mostly the lack of a network.
    pub fn install(version: &'static str) -> Result<Self, String> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openclaw").join(version);
        let lock = fs::read(source.join("package-lock.json")).unwrap();
        let hash = hex(&sha256(&lock)[..6]);
        let (cache, name) = (cache(), format!("openclaw-{version}-{hash}"));
        let host = Self { version, folder: cache.join(&name) };
        fs::create_dir_all(&cache).map_err(|error| format!("{}: {error}", cache.display()))?;
        // One installs, others wait; the kernel releases the lock of a process that was killed meanwhile.
        let guard = fs::File::create(cache.join(format!("{name}.lock"))).unwrap();
        flock(&guard, FlockOperation::LockExclusive).unwrap();
        if host.folder.is_dir() {
            return Ok(host);
        }
        if !has("npm") {
            return Err("npm is not installed".to_owned());
        }
        let half = cache.join(format!("{name}.half"));
        let _ = fs::remove_dir_all(&half);
        fs::create_dir_all(&half).unwrap();
        for file in ["package.json", "package-lock.json"] {
            fs::copy(source.join(file), half.join(file)).unwrap();
        }
        let output = Command::new("npm")
            .args([
                "ci",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--loglevel=error",
                "--fetch-retries=1",
            ])
            .current_dir(&half)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        if !output.status.success() {
            let _ = fs::remove_dir_all(&half);
            return Err(format!(
                "npm could not install OpenClaw {version}: {}",
                text(&output.stderr).lines().next().unwrap_or_default()
            ));
        }
        // The folder gets its name when it is whole.
        fs::rename(&half, &host.folder).unwrap();
        Ok(host)
    }

    pub fn is_new(&self) -> bool {
        self.version == NEW
    }

    /// The folder of the Node program that this host runs on.
    pub fn node_folder(&self) -> PathBuf {
        let platform = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
        self.folder.join(format!("node_modules/node-linux-{platform}/bin"))
    }

    /// What `openclaw` on a PATH is a link to.
    pub fn script(&self) -> PathBuf {
        self.folder.join("node_modules/openclaw/openclaw.mjs")
    }

    /// `openclaw …`.
    pub fn command(&self) -> Command {
        let mut command = Command::new(self.node_folder().join("node"));
        command.arg(self.script());
        // Compiled once for all runs: half of the time to start.
        command.env_clear().env("NODE_COMPILE_CACHE", self.folder.join("compiled"));
        command
    }
}

/// `$AGENT_IDENTITY_TEST_CACHE`, or a folder in the user's cache.
#[allow(
    clippy::disallowed_methods,
    reason = "where a test may keep what it downloads is the machine's business"
)]
fn cache() -> PathBuf {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    folder("AGENT_IDENTITY_TEST_CACHE")
        .or_else(|| folder("XDG_CACHE_HOME").map(|cache| cache.join("agent-identity-tests")))
        .or_else(|| folder("HOME").map(|home| home.join(".cache/agent-identity-tests")))
        .unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).to_owned())
}
