//! Which skills an agent has, and which of them a tool call reads.
//!
//! Pure: what a path leads to is asked of a function. Letters are folded when paths are compared, since a file system
//! may fold them too, and a check too many does less harm than one too few. Invariant: a call that may read a `SKILL.md` names at least one
//! skill, however the path is written; where several could be meant, all of them.

mod command;
mod finder;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::{Map, Value};

use finder::Finder;

use crate::base::bounded::BoundedMap;
use crate::session::key::SessionKey;

/// The file that a skill is.
pub const SKILL_FILE: &str = "SKILL.md";
/// Skills that a block may list; hosts list fewer.
pub const MAX_SKILLS: usize = 1000;
/// Bytes that a name or a location may have.
pub const MAX_FIELD_BYTES: usize = 1024;
/// Bytes that a path may have (Linux's `PATH_MAX`); no file can be opened by a longer one.
pub const MAX_PATH_BYTES: usize = 4096;
/// Paths of one call, not named like a skill's file, that are followed through links to see whether they lead to one.
pub const MAX_LOOKS: usize = 256;
/// Paths and patterns of one call that are named like a skill's file; with more, any skill may be meant.
pub const MAX_NAMED: usize = 512;
/// Sessions whose skills are remembered; a new one beyond that pushes out the oldest.
pub const MAX_SESSIONS: usize = 1024;

/// The marks of the block; each stands alone on its line, while the prose around it names them within sentences.
const BLOCK: (&str, &str) = ("<available_skills>", "</available_skills>");
/// Parameters that hold paths, without regard to case, `_` and `-`.
const PATHS: [&str; 16] = [
    "attachment",
    "attachments",
    "file",
    "filename",
    "filepath",
    "filepaths",
    "files",
    "image",
    "location",
    "media",
    "path",
    "paths",
    "source",
    "src",
    "uri",
    "url",
];
/// Parameters that hold command lines or programs.
const COMMANDS: [&str; 8] = ["args", "argv", "cmd", "code", "command", "data", "input", "script"];
/// Parameters that hold the folder of relative paths.
const FOLDERS: [&str; 3] = ["cwd", "workdir", "workingdirectory"];
/// Tools that only write what they name.
const WRITERS: [&str; 4] = ["apply_patch", "edit", "multi_edit", "write"];
/// Levels of nested parameters that are looked at.
const MAX_DEPTH: usize = 8;

/// A skill as the prompt lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skill {
    /// Its name, by which permissions are given.
    pub name: String,
    /// Where its file is, as the agent is told.
    pub location: String,
}

/// Where relative and home paths lead, and what is behind links.
#[derive(Clone, Copy)]
pub struct Places<'a> {
    /// The folder of relative paths, absolute.
    pub folder: Option<&'a str>,
    /// The home folder, absolute.
    pub home: Option<&'a str>,
    /// The path without links, of a file that exists.
    pub real: &'a dyn Fn(&str) -> Option<String>,
}

impl std::fmt::Debug for Places<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Places")
            .field("folder", &self.folder)
            .field("home", &self.home)
            .finish_non_exhaustive()
    }
}

/// The skills of the first block of a system prompt; later ones stand in files that others may write. Entries that are
/// not whole are left out.
#[must_use]
pub fn parse(prompt: &str) -> Vec<Skill> {
    let block = prompt
        .lines()
        .skip_while(|line| line.trim() != BLOCK.0)
        .skip(1)
        .take_while(|line| line.trim() != BLOCK.1);
    let (mut skills, mut name) = (Vec::new(), None);
    for line in block {
        if line.trim() == "<skill>" {
            name = None;
        } else if let Some(text) = field(line, "name") {
            name.get_or_insert(text);
        } else if let Some(location) = field(line, "location")
            && let Some(name) = name.take()
            && skills.len() < MAX_SKILLS
        {
            skills.push(Skill { name, location });
        }
    }
    skills
}

/// The text of `<tag>…</tag>` on a line of its own.
fn field(line: &str, tag: &str) -> Option<String> {
    let text = line.trim().strip_prefix('<')?.strip_prefix(tag)?.strip_prefix('>')?;
    let text = text.strip_suffix('>')?.strip_suffix(tag)?.strip_suffix("</")?;
    // The ampersand last: what it escapes is no escape.
    let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    let plain = plain.replace("&amp;", "&").trim().to_owned();
    (!plain.is_empty() && plain.len() <= MAX_FIELD_BYTES).then_some(plain)
}

/// The skills whose files a call reads: their names in the block, or the name of the folder that the file is in.
#[must_use]
pub fn read_by(
    tool: &str,
    params: &Map<String, Value>,
    skills: &[Skill],
    places: &Places<'_>,
) -> BTreeSet<String> {
    if WRITERS.contains(&tool) {
        return BTreeSet::new();
    }
    let mut finder = Finder::new(skills, *places);
    let folder =
        params.iter().find_map(|(name, value)| value.as_str().filter(|_| FOLDERS.contains(&&*folded(name))));
    // A folder that is itself relative starts from the call's own.
    let folder = folder.map(|folder| absolute(folder, places));
    let folder = folder.as_deref().or(places.folder);
    let mut open: Vec<(String, &Value, usize)> =
        params.iter().map(|(name, value)| (folded(name), value, 0)).collect();
    while let Some((name, value, depth)) = open.pop() {
        match value {
            Value::String(text) if PATHS.contains(&&*name) => finder.path(text, folder),
            Value::String(text) if COMMANDS.contains(&&*name) => command::look(text, folder, &mut finder),
            Value::Array(items) if depth < MAX_DEPTH => {
                if COMMANDS.contains(&&*name) {
                    let words: Vec<_> = items.iter().filter_map(Value::as_str).collect();
                    command::look(&words.join(" "), folder, &mut finder);
                }
                open.extend(items.iter().map(|item| (name.clone(), item, depth + 1)));
            }
            Value::Object(members) if depth < MAX_DEPTH => {
                open.extend(members.iter().map(|(name, value)| (folded(name), value, depth + 1)));
            }
            _ => {}
        }
    }
    finder.names
}

fn is_skill_file(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.eq_ignore_ascii_case(SKILL_FILE))
}

/// The name of the folder that a file is in, in the letters that the path was written in if it is the same.
fn folder_name(form: &str, path: &str) -> String {
    let folder = |path: &str| path.rsplit('/').filter(|part| !part.is_empty()).nth(1).map(str::to_owned);
    let written = folder(path).filter(|name| folder(form).as_deref() == Some(&name.to_lowercase()));
    written.or_else(|| folder(form)).unwrap_or_else(|| SKILL_FILE.to_owned())
}

/// The path with home and folder in front and nothing resolved.
fn joined(path: &str, places: &Places<'_>) -> String {
    let path = path.strip_prefix("file://").unwrap_or(path).trim_start_matches('@');
    let at_home = ["~/", "$HOME/", "${HOME}/"].iter().find_map(|start| path.strip_prefix(start));
    match (at_home, places.home, places.folder) {
        (Some(rest), Some(home), _) => format!("{home}/{rest}"),
        (None, _, Some(folder)) if !path.starts_with('/') && !has_scheme(path) => format!("{folder}/{path}"),
        _ => path.to_owned(),
    }
}

/// The path with its dots and doubled slashes resolved by their text.
fn absolute(path: &str, places: &Places<'_>) -> String {
    let path = joined(path, places);
    if has_scheme(&path) {
        return path;
    }
    let is_absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if is_absolute => {}
            part => parts.push(part),
        }
    }
    format!("{}{}", if is_absolute { "/" } else { "" }, parts.join("/"))
}

/// Whether a path says where it starts.
fn is_rooted(path: &str) -> bool {
    path.starts_with(['/', '~', '$']) || has_scheme(path)
}

fn has_scheme(path: &str) -> bool {
    path.split_once("://").is_some_and(|(scheme, _)| scheme.bytes().all(|b| b.is_ascii_alphanumeric()))
}

fn folded(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

/// The skills of each session, as its last prompt listed them.
#[derive(Debug)]
pub struct Catalogue(Mutex<BoundedMap<SessionKey, Arc<[Skill]>>>);

impl Default for Catalogue {
    fn default() -> Self {
        Self(Mutex::new(BoundedMap::new(MAX_SESSIONS)))
    }
}

impl Catalogue {
    /// Takes note of the skills that a session's prompt lists; a prompt without a block leaves what is known. Returns how
    /// many there are.
    pub fn learn(&self, session: &SessionKey, prompt: &str) -> usize {
        let skills = parse(prompt);
        let count = skills.len();
        if count > 0 {
            let mut known = self.known();
            known.remove(session);
            known.insert(session.clone(), skills.into());
        }
        count
    }

    /// The skills of a session.
    #[must_use]
    pub fn of(&self, session: &SessionKey) -> Arc<[Skill]> {
        self.known().get(session).cloned().unwrap_or_else(|| Arc::new([]))
    }

    /// Forgets a session's skills.
    pub fn forget(&self, session: &SessionKey) {
        self.known().remove(session);
    }

    fn known(&self) -> MutexGuard<'_, BoundedMap<SessionKey, Arc<[Skill]>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
