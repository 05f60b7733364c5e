//! Which files an audit reads, and the reading of them.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::base::env::Env;
use crate::base::error::Code;
use crate::base::secret::Secret;
use crate::config::host::HostFile;
use crate::config::node::Node;
use crate::config::paths::Paths;

/// The largest of the host's other files that is read, in bytes; its own limit.
pub const MAX_BYTES: u64 = 5 * 1024 * 1024;
/// Agents whose files are looked for.
pub const MAX_AGENTS: usize = 1000;

const PROFILES: &str = "auth-profiles.json";
const RETIRED_KEYS: &str = "auth.json";
/// What archives of taken-over files are called: how they begin, and how they go on.
const TAKEN_OVER: [&str; 3] = [PROFILES, "auth-state.json", RETIRED_KEYS];
const ARCHIVED: [&str; 2] = [".migrated-", ".sqlite-import."];
/// Where newer hosts keep auth profiles.
const NEWER_STORE: &str = "openclaw-agent.sqlite";

/// What was read.
#[derive(Debug)]
pub struct Files {
    /// The host's configuration, or why it cannot be used.
    pub config: Result<HostFile, String>,
    /// Where it is.
    pub config_path: String,
    /// Auth profiles of agents.
    pub profiles: Vec<Document>,
    /// Generated model lists of agents.
    pub models: Vec<Document>,
    /// `.env` files.
    pub dotenv: Vec<Document>,
    /// Stores of keys that no host uses any more.
    pub retired_keys: Vec<Document>,
    /// Files that a newer host has taken over, and archives of them.
    pub left_behind: Vec<String>,
    /// What was not read, and why.
    pub notes: Vec<String>,
}

/// One file.
#[derive(Debug)]
pub struct Document {
    /// Its path.
    pub shown: String,
    /// The agent that it belongs to, if its place says so.
    pub agent: Option<String>,
    /// Its text, or why it cannot be read.
    pub content: Result<Secret, String>,
}

impl Files {
    /// Reads the configuration, given or the usual one, the `.env` files beside it and in the state folder, and the agents'
    /// files there; of auth profiles only the given ones, if any are.
    #[must_use]
    pub fn gather(paths: &Paths, config: Option<&Path>, profiles: &[PathBuf], env: &Env) -> Self {
        let place = std::path::absolute(config.unwrap_or(&paths.config_file))
            .unwrap_or_else(|_| paths.config_file.clone());
        let mut notes = Vec::new();
        let read = match HostFile::read(paths, Some(&place), env) {
            // A host without a file has the defaults, and in them no secret.
            Err(error) if error.code() == Code::NotFound && config.is_none() => {
                notes.push(format!("{}: the agents' files alone were looked at", error.message()));
                Ok(HostFile::of(Node::Object(Vec::new()), env))
            }
            Ok(host) => host.ok_or_else(|| "there is no such file".to_owned()),
            Err(error) => Err(error.message().to_owned()),
        };
        let read = read.and_then(|host| match host.root() {
            Node::Object(_) => Ok(host),
            other => Err(format!("it must hold an object, found {}", other.kind())),
        });
        let mut left_behind = Vec::new();
        let agents = agents(&paths.state_dir);
        let of_agents = |name: &str| {
            let one = |agent: &String| {
                let path = paths.state_dir.join("agents").join(agent).join("agent").join(name);
                read_if_there(&path, Some(agent.clone()))
            };
            agents.iter().filter_map(one).collect::<Vec<_>>()
        };
        for agent in &agents {
            let folder = paths.state_dir.join("agents").join(agent).join("agent");
            let store = folder.join(NEWER_STORE);
            if store.exists() {
                notes.push(format!(
                    "{} is a newer host's store of auth profiles and is not read here: run `openclaw secrets audit`",
                    store.display()
                ));
                let old = folder.join(PROFILES);
                left_behind.extend(old.exists().then(|| old.display().to_string()));
            }
            left_behind.extend(archives(&folder));
        }
        let given = profiles.iter().map(|path| read_one(path, agent_of(path)));
        let profiles = if profiles.is_empty() { of_agents(PROFILES) } else { given.collect() };
        let folders: BTreeSet<&Path> =
            [Some(&*paths.state_dir), place.parent()].into_iter().flatten().collect();
        let dotenv = folders.into_iter().filter_map(|folder| read_if_there(&folder.join(".env"), None));
        Self {
            config: read,
            config_path: place.display().to_string(),
            profiles,
            models: of_agents("models.json"),
            dotenv: dotenv.collect(),
            retired_keys: of_agents(RETIRED_KEYS),
            left_behind,
            notes,
        }
    }

    /// The paths of all files that were read.
    #[must_use]
    pub fn scanned(&self) -> Vec<String> {
        let documents =
            [&self.profiles, &self.models, &self.dotenv, &self.retired_keys].into_iter().flatten();
        let all: BTreeSet<_> = documents.map(|document| &document.shown).chain([&self.config_path]).collect();
        all.into_iter().cloned().collect()
    }
}

fn agents(state: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(state.join("agents")) else { return Vec::new() };
    let folders = entries.flatten().filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> =
        folders.filter_map(|entry| entry.file_name().into_string().ok()).take(MAX_AGENTS).collect();
    names.sort();
    names
}

/// Copies that a newer host made of the files that it took over.
fn archives(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let is_archive = |name: &str| {
        TAKEN_OVER
            .iter()
            .filter_map(|file| name.strip_prefix(file))
            .any(|rest| ARCHIVED.iter().any(|mark| rest.starts_with(mark)))
    };
    let found = entries.flatten().filter(|entry| entry.file_name().to_str().is_some_and(is_archive));
    let mut found: Vec<String> = found.map(|entry| entry.path().display().to_string()).collect();
    found.sort();
    found
}

/// `…/agents/<agent>/agent/auth-profiles.json`
fn agent_of(path: &Path) -> Option<String> {
    let folder = path.parent().filter(|folder| folder.file_name().is_some_and(|name| name == "agent"))?;
    let agent = folder.parent()?;
    let is_agents = agent.parent()?.file_name().is_some_and(|name| name == "agents");
    is_agents.then(|| agent.file_name()?.to_str().map(str::to_owned)).flatten()
}

fn read_if_there(path: &Path, agent: Option<String>) -> Option<Document> {
    path.symlink_metadata().is_ok().then(|| read_one(path, agent))
}

fn read_one(path: &Path, agent: Option<String>) -> Document {
    Document { shown: path.display().to_string(), agent, content: read_text(path) }
}

fn read_text(path: &Path) -> Result<Secret, String> {
    let failed = |error: std::io::Error| error.to_string();
    // Opening a pipe or a device could wait for ever.
    if !path.metadata().map_err(failed)?.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut text = String::new();
    let read = file.take(MAX_BYTES + 1).read_to_string(&mut text);
    // Wrapped at once: what was read may be secret, whatever comes of it.
    let text = Secret::new(text);
    match read.map_err(failed)? as u64 > MAX_BYTES {
        true => Err(format!("it is larger than {MAX_BYTES} bytes")),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::paths::Place;

    #[test]
    fn the_files_of_all_agents_are_found_and_what_newer_hosts_left_is_known() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        let agent = |name: &str| state.join("agents").join(name).join("agent");
        for name in ["main", "shop"] {
            fs::create_dir_all(agent(name)).unwrap();
            fs::write(agent(name).join("auth-profiles.json"), "{}").unwrap();
        }
        for file in [
            "openclaw-agent.sqlite",
            "auth-profiles.json.migrated-1",
            "auth.json.sqlite-import.2.bak",
            "models.json",
        ] {
            fs::write(agent("main").join(file), "{}").unwrap();
        }
        fs::write(agent("shop").join("auth.json"), "{}").unwrap();
        fs::write(state.join(".env"), "A=1").unwrap();
        let env: Env = [("OPENCLAW_STATE_DIR", state.to_str().unwrap())].into_iter().collect();
        let place = Place { env: &env, working_dir: Path::new("/"), exists: &|path| path.exists() };
        let paths = Paths::resolve(place).unwrap();
        let files = Files::gather(&paths, None, &[], &env);
        assert!(
            files.config.is_ok() && files.notes[0].contains("the agents' files alone"),
            "{:?}",
            files.notes
        );
        let agents: Vec<_> = files.profiles.iter().map(|document| document.agent.as_deref()).collect();
        assert_eq!(agents, [Some("main"), Some("shop")]);
        assert_eq!((files.models.len(), files.dotenv.len(), files.retired_keys.len()), (1, 1, 1));
        assert_eq!(files.left_behind.len(), 3, "{:?}", files.left_behind);
        assert!(files.notes.iter().any(|note| note.contains("openclaw-agent.sqlite")));

        let given = agent("shop").join("auth-profiles.json");
        let one = Files::gather(&paths, Some(Path::new("/nonexistent.json")), &[given], &env);
        assert!(one.config.is_err(), "what was asked for must exist");
        assert_eq!((one.profiles.len(), one.profiles[0].agent.as_deref()), (1, Some("shop")));
    }
}
