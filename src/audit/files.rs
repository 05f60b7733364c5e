//! Which files an audit reads, and the reading of them.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::base::env::Env;
use crate::base::secret::Secret;
use crate::config::host::HostFile;
use crate::config::node::Node;
use crate::config::paths::Paths;

/// The largest of the host's other files that is read, in bytes; its own limit.
pub const MAX_BYTES: u64 = 5 * 1024 * 1024;
/// Agents whose files are looked for.
pub const MAX_AGENTS: usize = 1000;

const PROFILES: &str = "auth-profiles.json";
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
        let read = match HostFile::read(paths, Some(&place), env) {
            Ok(host) => host.ok_or_else(|| "there is no such file".to_owned()),
            Err(error) => Err(error.message().to_owned()),
        };
        let read = read.and_then(|host| match host.root() {
            Node::Object(_) => Ok(host),
            other => Err(format!("it must hold an object, found {}", other.kind())),
        });
        let mut notes = Vec::new();
        let agents = agents(&paths.state_dir);
        let of_agents = |name: &str| {
            let one = |agent: &String| {
                let path = paths.state_dir.join("agents").join(agent).join("agent").join(name);
                read_if_there(&path, Some(agent.clone()))
            };
            agents.iter().filter_map(one).collect::<Vec<_>>()
        };
        for agent in &agents {
            let store = paths.state_dir.join("agents").join(agent).join("agent").join(NEWER_STORE);
            if store.exists() {
                notes.push(format!(
                    "{} is a newer host's store of auth profiles and is not read here: run `openclaw secrets audit`",
                    store.display()
                ));
            }
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
            notes,
        }
    }

    /// The paths of all files that were read.
    #[must_use]
    pub fn scanned(&self) -> Vec<String> {
        let documents = [&self.profiles, &self.models, &self.dotenv].into_iter().flatten();
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
