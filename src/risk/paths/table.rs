//! Tables of patterns, filed by what they begin with, so that a path is compared with few of them.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::glob::{globs, has_star, has_wildcard, wild};
use crate::risk::letters::Letters;
use crate::risk::rules::paths::{
    CACHES, DEFENCES, DOTENV, HOME_SECRETS, LOCAL, PERSISTENT, PROFILES, PUBLIC, SECRET_NAMES, SECRETS,
    SYSTEM,
};
use crate::risk::value::is_hole;

/// The tables of `rules/paths`, filed by what their patterns begin with.
pub(super) struct Tables {
    pub(super) secrets: Table,
    pub(super) public: Table,
    pub(super) dotenv: Table,
    pub(super) persistent: Table,
    pub(super) profiles: Table,
    pub(super) defences: Table,
    pub(super) caches: Table,
    pub(super) local: Table,
    pub(super) system: Table,
}

pub(super) static TABLES: LazyLock<Tables> = LazyLock::new(|| Tables {
    secrets: Table::new(&[HOME_SECRETS, SECRETS, SECRET_NAMES]),
    public: Table::new(&[PUBLIC]),
    dotenv: Table::new(&[DOTENV]),
    persistent: Table::new(&[PERSISTENT]),
    profiles: Table::new(&[PROFILES]),
    defences: Table::new(&[DEFENCES]),
    caches: Table::new(&[CACHES]),
    local: Table::new(&[LOCAL]),
    system: Table::new(&[SYSTEM]),
});

/// A path in lower case, and what every table asks of it.
pub(super) struct Subject<'p> {
    path: &'p str,
    /// What stands before the first wildcard.
    literal: &'p str,
    /// What it is filed under, when that has no wildcard.
    key: Option<Key<'p>>,
    /// Its last part.
    name: &'p str,
    /// How many parts it has.
    depth: usize,
    /// Its letters.
    letters: Letters,
    /// Whether it begins neither at a known place nor with what may be one.
    is_loose: bool,
    /// Whether it has wildcards.
    has_star: bool,
    /// Whether it has wildcards, or something that is not known.
    pub(super) is_wild: bool,
}

impl<'p> Subject<'p> {
    pub(super) fn new(path: &'p str) -> Self {
        let is_wild = has_wildcard(path);
        let literal = if is_wild {
            path.find(|c| matches!(c, '*' | '?' | '[') || is_hole(c)).map_or(path, |at| &path[..at])
        } else {
            path
        };
        Self {
            path,
            literal,
            key: key(path).filter(|key| !is_wild || !has_wildcard(key.1)),
            name: path.rsplit('/').next().unwrap_or_default(),
            depth: depth(path),
            letters: Letters::of(path),
            is_loose: !path.starts_with(['/', '~', '*', '?', '[']) && !path.starts_with(is_hole),
            has_star: has_star(path),
            is_wild,
        }
    }
}

/// What an anchored path or pattern is filed under: whether it is in a home folder, and its first part.
type Key<'p> = (bool, &'p str);

fn key(path: &str) -> Option<Key<'_>> {
    let (is_home, rest) = match path.strip_prefix('/') {
        Some(rest) => (false, rest),
        None => (true, path.strip_prefix("~/").or_else(|| (path == "~").then_some(""))?),
    };
    Some((is_home, rest.split('/').next().unwrap_or_default()))
}

fn depth(path: &str) -> usize {
    1 + path.bytes().filter(|byte| *byte == b'/').count()
}

/// A pattern of a table.
struct Pattern {
    /// Without the slash that means everything below.
    names: &'static str,
    /// Whether everything below is meant.
    is_folder: bool,
    /// Whether it begins at the root or at a home folder.
    is_anchored: bool,
    /// How many parts it has.
    depth: usize,
    /// What stands before its first wildcard.
    literal: &'static str,
    /// The letters that a path without wildcards must have.
    letters: Letters,
}

impl Pattern {
    fn new(pattern: &'static str) -> Self {
        let names = pattern.strip_suffix('/').unwrap_or(pattern);
        Self {
            names,
            is_folder: names.len() < pattern.len(),
            is_anchored: pattern.starts_with(['/', '~']),
            depth: depth(names),
            literal: names.find(['*', '?']).map_or(names, |at| &names[..at]),
            letters: Letters::needed(names),
        }
    }

    /// `…/` at the end means everything below; a pattern without a leading `/` or `~` may stand anywhere behind a slash.
    /// The path may have `*` and `?`, which match what they would match.
    fn fits(&self, subject: &Subject<'_>) -> bool {
        let path = subject.path;
        if self.is_anchored {
            // Wildcards do not cross slashes.
            if subject.depth < self.depth || subject.depth > self.depth && !self.is_folder {
                return false;
            }
            // No wildcard of either side can make up for a difference before the first of them.
            let common = self.literal.len().min(subject.literal.len());
            return self.literal.as_bytes()[..common] == subject.literal.as_bytes()[..common]
                && self.begins(path, subject.is_wild);
        }
        if self.depth == 1 && !self.is_folder {
            return globs(subject.name, self.names, subject.is_wild);
        }
        let mut starts = std::iter::once(0).chain(path.match_indices('/').map(|(at, _)| at + 1));
        starts.any(|at| self.begins(&path[at..], subject.is_wild))
    }

    fn begins(&self, path: &str, is_wild: bool) -> bool {
        let mut slashes = path.bytes().enumerate().filter(|(_, byte)| *byte == b'/').map(|(at, _)| at);
        // Wildcards do not cross slashes, so there have to be as many.
        if self.depth > 1 && slashes.nth(self.depth - 2).is_none() {
            return false;
        }
        let end = slashes.next().unwrap_or(path.len());
        (self.is_folder || end == path.len()) && globs(&path[..end], self.names, is_wild)
    }
}

/// Patterns, filed so that a path is compared with few of them.
#[derive(Default)]
pub(super) struct Table {
    /// `/etc/…` under `etc`, `~/.ssh/…` under `.ssh` of a home folder.
    anchored: HashMap<Key<'static>, Vec<Pattern>>,
    /// A file's name without wildcards.
    names: HashMap<&'static str, Pattern>,
    /// Whatever else.
    others: Vec<Pattern>,
}

impl Table {
    fn new(patterns: &[&'static str]) -> Self {
        let mut table = Self::default();
        for pattern in patterns.iter().flat_map(|patterns| patterns.lines()) {
            let filed = Pattern::new(pattern);
            match key(pattern) {
                Some(key) if !key.1.contains(['*', '?']) => {
                    table.anchored.entry(key).or_default().push(filed);
                }
                None if !pattern.contains(['*', '?', '/']) => drop(table.names.insert(pattern, filed)),
                _ => table.others.push(filed),
            }
        }
        table
    }

    /// Like [`Table::has`]; a path with wildcards only when all that it may match is meant.
    pub(super) fn is_surely(&self, subject: &Subject<'_>) -> bool {
        if subject.is_wild {
            let all = self.anchored.values().flatten().chain(self.names.values()).chain(&self.others);
            let mut all = all.filter(|pattern| !pattern.is_folder);
            return all.any(|pattern| wild(pattern.names.as_bytes(), subject.path.as_bytes()));
        }
        self.has(subject)
    }

    pub(super) fn has(&self, subject: &Subject<'_>) -> bool {
        let fits = |pattern: &Pattern| {
            (subject.has_star || subject.letters.has(pattern.letters)) && pattern.fits(subject)
        };
        let filed = subject.key.and_then(|key| self.anchored.get(&key)).into_iter().flatten();
        self.others.iter().any(fits)
            || !(subject.is_wild && subject.is_loose)
                && (filed.into_iter().any(fits)
                    || self.names.contains_key(subject.name)
                    || subject.has_star
                        && (self.names.values().any(fits)
                            // A wildcard in the first part may be any of them.
                            || subject.key.is_none() && self.anchored.values().flatten().any(fits)))
    }
}
