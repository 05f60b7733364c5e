//! Where things are: the same state directory, configuration file and data folder as the host (OpenClaw) takes.
//!
//! Pure over the environment: the working directory and the look at the disk are parameters. The rules are the host's:
//! `OPENCLAW_STATE_DIR`, else `~/.openclaw`, else an existing folder of an older name; `OPENCLAW_CONFIG_PATH`, else
//! `openclaw.json` (or an existing file of an older name) in the state directory; `OPENCLAW_HOME` before `HOME`; values
//! are trimmed, and `~` at their start is the home directory.

use std::path::{Component, Path, PathBuf};

use crate::base::env::Env;
use crate::base::error::{Code, Error, Result};

const STATE_DIR: &str = ".openclaw";
const OLDER_STATE_DIRS: [&str; 2] = [".clawdbot", ".moldbot"];
const CONFIG_FILE: &str = "openclaw.json";
const OLDER_CONFIG_FILES: [&str; 2] = ["clawdbot.json", "moldbot.json"];
/// Our folder inside the state directory.
const DATA_DIR: &str = "plugins/identity";
const SOCKET: &str = "identity.sock";

/// The places of one installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The host's state directory.
    pub state_dir: PathBuf,
    /// The host's configuration file; need not exist.
    pub config_file: PathBuf,
    /// Whether `OPENCLAW_CONFIG_PATH` names that file.
    pub config_file_is_named: bool,
    /// Our data folder.
    pub data_dir: PathBuf,
    /// The socket of the identity server.
    pub socket: PathBuf,
}

/// What path resolution sees of the machine.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The environment.
    pub env: &'a Env,
    /// The working directory, for relative paths.
    pub working_dir: &'a Path,
    /// Whether there is something at a path.
    pub exists: &'a dyn Fn(&Path) -> bool,
}

impl std::fmt::Debug for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Place").field("working_dir", &self.working_dir).finish_non_exhaustive()
    }
}

impl Paths {
    /// The places on this machine.
    ///
    /// # Errors
    /// [`Code::ConfigMissing`] when the home directory is needed and unknown.
    pub fn of_machine(env: &Env) -> Result<Self> {
        let working_dir = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        Self::resolve(Place { env, working_dir: &working_dir, exists: &|path| path.exists() })
    }

    /// The places, seen from `place`.
    ///
    /// # Errors
    /// [`Code::ConfigMissing`] when the home directory is needed and unknown.
    pub fn resolve(place: Place<'_>) -> Result<Self> {
        let state_dir = place.state_dir()?;
        let (config_file, config_file_is_named) = place.config_file(&state_dir)?;
        let data_dir = state_dir.join(DATA_DIR);
        let socket = data_dir.join(SOCKET);
        Ok(Self { state_dir, config_file, config_file_is_named, data_dir, socket })
    }
}

impl Place<'_> {
    fn state_dir(&self) -> Result<PathBuf> {
        if let Some(named) = self.setting("OPENCLAW_STATE_DIR") {
            return self.expand(named);
        }
        let home = self.home()?;
        let present = home.join(STATE_DIR);
        if (self.exists)(&present) {
            return Ok(present);
        }
        let older = OLDER_STATE_DIRS.iter().map(|name| home.join(name)).find(|dir| (self.exists)(dir));
        Ok(older.unwrap_or(present))
    }

    fn config_file(&self, state_dir: &Path) -> Result<(PathBuf, bool)> {
        if let Some(named) = self.setting("OPENCLAW_CONFIG_PATH") {
            return Ok((self.expand(named)?, true));
        }
        let mut dirs = vec![state_dir.to_owned()];
        if self.setting("OPENCLAW_STATE_DIR").is_none() {
            let home = self.home()?;
            dirs.push(home.join(STATE_DIR));
            dirs.extend(OLDER_STATE_DIRS.iter().map(|name| home.join(name)));
        }
        let names = || std::iter::once(CONFIG_FILE).chain(OLDER_CONFIG_FILES);
        let mut candidates = dirs.iter().flat_map(|dir| names().map(|name| dir.join(name)));
        let found = candidates.find(|file| (self.exists)(file));
        Ok((found.unwrap_or_else(|| state_dir.join(CONFIG_FILE)), false))
    }

    /// A path as people write it: trimmed, `~` expanded, absolute, without `.` and `..`.
    ///
    /// # Errors
    /// [`Code::ConfigMissing`] when it starts with `~` and the home directory is unknown.
    pub fn expand(&self, text: &str) -> Result<PathBuf> {
        let text = text.trim();
        Ok(match after_tilde(text) {
            Some(rest) => normal(&self.home()?.join(rest)),
            None => normal(&self.working_dir.join(text)),
        })
    }

    /// The home directory: `OPENCLAW_HOME` (which may start with `~`), then `HOME`, then `USERPROFILE`.
    fn home(&self) -> Result<PathBuf> {
        let system = || self.home_setting("HOME").or_else(|| self.home_setting("USERPROFILE"));
        let home = match self.home_setting("OPENCLAW_HOME") {
            Some(named) => match after_tilde(named) {
                Some(rest) => system().map(|system| Path::new(system).join(rest)),
                None => Some(PathBuf::from(named)),
            },
            None => system().map(PathBuf::from),
        };
        home.map(|home| normal(&self.working_dir.join(home))).ok_or_else(|| {
            Error::new(Code::ConfigMissing, "the home directory is unknown: HOME is not set")
                .with_hint("set HOME, or OPENCLAW_STATE_DIR to an absolute path")
        })
    }

    fn setting(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// The host takes `undefined` and `null` for unset where it looks for a home directory.
    fn home_setting(&self, name: &str) -> Option<&str> {
        self.setting(name).filter(|value| !matches!(*value, "undefined" | "null"))
    }
}

/// What follows a `~` that stands for the home directory; `~user` is an ordinary name, as it is for the host.
fn after_tilde(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('~')?;
    if rest.is_empty() { Some("") } else { rest.strip_prefix('/').map(|rest| rest.trim_start_matches('/')) }
}

/// Removes `.` and `..` by name, without a look at the disk.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(out.pop()),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(env: &[(&str, &str)], present: &[&str]) -> Result<Paths> {
        let env: Env = env.iter().copied().collect();
        let exists = |path: &Path| present.iter().any(|present| Path::new(present) == path);
        Paths::resolve(Place { env: &env, working_dir: Path::new("/cwd"), exists: &exists })
    }

    #[test]
    fn resolves_as_the_host_does() {
        const HOME: (&str, &str) = ("HOME", "/home/u");
        // Environment, what exists, state directory, configuration file.
        type Row =
            (&'static [(&'static str, &'static str)], &'static [&'static str], &'static str, &'static str);
        #[rustfmt::skip]
        let rows: &[Row] = &[
            (&[HOME], &[], "/home/u/.openclaw", "/home/u/.openclaw/openclaw.json"),
            (&[("HOME", " /home/u/ ")], &[], "/home/u/.openclaw", "/home/u/.openclaw/openclaw.json"),
            (&[("HOME", "undefined"), ("USERPROFILE", "/p")], &[], "/p/.openclaw", "/p/.openclaw/openclaw.json"),
            (&[("HOME", "rel")], &[], "/cwd/rel/.openclaw", "/cwd/rel/.openclaw/openclaw.json"),
            (&[HOME, ("OPENCLAW_HOME", "/srv/oc")], &[], "/srv/oc/.openclaw", "/srv/oc/.openclaw/openclaw.json"),
            (&[HOME, ("OPENCLAW_HOME", "~/oc")], &[], "/home/u/oc/.openclaw", "/home/u/oc/.openclaw/openclaw.json"),
            (&[HOME, ("OPENCLAW_HOME", "~")], &[], "/home/u/.openclaw", "/home/u/.openclaw/openclaw.json"),
            (&[HOME, ("OPENCLAW_HOME", "null")], &[], "/home/u/.openclaw", "/home/u/.openclaw/openclaw.json"),
            (&[("OPENCLAW_STATE_DIR", "/state")], &[], "/state", "/state/openclaw.json"),
            (&[HOME, ("OPENCLAW_STATE_DIR", " ~/s ")], &[], "/home/u/s", "/home/u/s/openclaw.json"),
            (&[HOME, ("OPENCLAW_STATE_DIR", "a/../b/.")], &[], "/cwd/b", "/cwd/b/openclaw.json"),
            (&[HOME, ("OPENCLAW_STATE_DIR", "~x")], &[], "/cwd/~x", "/cwd/~x/openclaw.json"),
            (&[HOME, ("OPENCLAW_STATE_DIR", " ")], &[], "/home/u/.openclaw", "/home/u/.openclaw/openclaw.json"),
            (&[HOME, ("OPENCLAW_CONFIG_PATH", "~/c.json")], &[], "/home/u/.openclaw", "/home/u/c.json"),
            (&[("OPENCLAW_STATE_DIR", "/s"), ("OPENCLAW_CONFIG_PATH", "/c.json5")], &[], "/s", "/c.json5"),
            (&[HOME], &["/home/u/.clawdbot"], "/home/u/.clawdbot", "/home/u/.clawdbot/openclaw.json"),
            (&[HOME], &["/home/u/.clawdbot", "/home/u/.clawdbot/clawdbot.json"], "/home/u/.clawdbot", "/home/u/.clawdbot/clawdbot.json"),
            (&[HOME], &["/home/u/.openclaw", "/home/u/.clawdbot"], "/home/u/.openclaw", "/home/u/.openclaw/openclaw.json"),
            (&[HOME], &["/home/u/.openclaw", "/home/u/.moldbot/moldbot.json"], "/home/u/.openclaw", "/home/u/.moldbot/moldbot.json"),
            (&[HOME, ("OPENCLAW_STATE_DIR", "/s")], &["/home/u/.openclaw/openclaw.json"], "/s", "/s/openclaw.json"),
            (&[("OPENCLAW_STATE_DIR", "/s")], &["/s/clawdbot.json"], "/s", "/s/clawdbot.json"),
        ];
        for (env, present, state_dir, config_file) in rows {
            let paths = resolve(env, present).unwrap();
            assert_eq!(paths.state_dir, Path::new(state_dir), "{env:?} {present:?}");
            assert_eq!(paths.config_file, Path::new(config_file), "{env:?} {present:?}");
            assert_eq!(paths.data_dir, paths.state_dir.join("plugins/identity"));
            assert_eq!(paths.socket, paths.state_dir.join("plugins/identity/identity.sock"));
            let named = env.iter().any(|(name, _)| *name == "OPENCLAW_CONFIG_PATH");
            assert_eq!(paths.config_file_is_named, named);
        }
    }

    #[test]
    fn without_a_home_directory_the_error_says_what_to_set() {
        for env in [vec![], vec![("OPENCLAW_HOME", "~/x")], vec![("OPENCLAW_STATE_DIR", "~/x")]] {
            let error = resolve(&env, &[]).unwrap_err();
            assert_eq!(error.code(), Code::ConfigMissing);
            assert_eq!(error.message(), "the home directory is unknown: HOME is not set");
            assert!(error.hint().unwrap().contains("OPENCLAW_STATE_DIR"));
        }
    }
}
