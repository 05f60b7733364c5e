//! Where a path leads, judged from its text alone: dots, `~`, `$HOME`, doubled slashes and `/proc/self/root` resolved.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::Context;
use super::rules::paths::{
    BUILD_OUTPUT, CACHES, DEFENCES, DOTENV, LOCAL, MADE, PERSISTENT, PROFILES, PUBLIC, SECRETS, SYSTEM,
};
use super::value::{has_hole, is_hole};

/// What a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Discards or shows what is written: `/dev/null`, the terminal.
    Harmless,
    /// A temporary folder's content.
    Temporary,
    /// Output of a build inside the project.
    BuildOutput,
    /// The whole project, or its history.
    ProjectWhole,
    /// Something inside the project.
    Project,
    /// An environment file, which often has secrets.
    Dotenv,
    /// A cache, or output of a build outside the project.
    Cache,
    /// A profile that shells read.
    Profile,
    /// A place from which programs are started by themselves.
    Persistent,
    /// Credentials and keys.
    Secret,
    /// What protects the machine or records what happened.
    Defence,
    /// The home folder, or something in it.
    Home,
    /// A device of storage, or memory.
    Device,
    /// The system's own.
    System,
    /// A socket of the shell: `/dev/tcp/HOST/PORT`.
    Socket,
    /// What the administrator of this machine added: `/usr/local`, `/opt`.
    Local,
    /// Outside of project, home and system.
    Outside,
    /// Not known before it runs.
    Unknown,
}

/// Resolves a path: absolute, or beginning with `~`, or relative to the project (empty is the project itself).
#[must_use]
pub fn resolve(path: &str, folder: &str, context: &Context<'_>) -> String {
    let path = path.strip_prefix("file://").unwrap_or(path);
    let joined = if path.starts_with(['/', '~']) || path.starts_with(is_hole) || folder.is_empty() {
        path.to_owned()
    } else {
        format!("{folder}/{path}")
    };
    let mut absolute = joined.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    let mut above = 0usize;
    for part in joined.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&"~") => {
                    // The folder above a home is /home.
                    parts.clear();
                    parts.push("home");
                    absolute = true;
                }
                Some(_) => {
                    parts.pop();
                }
                None if !absolute => above += 1,
                None => {}
            },
            part => parts.push(part),
        }
        if absolute && matches!(parts.as_slice(), ["proc", _, "root"]) {
            parts.clear();
        }
    }
    let tail = parts.join("/");
    if !absolute
        && above > 1
        && ROOTS.contains(&parts.first().copied().unwrap_or_default())
        && context.workspace.is_none()
    {
        // So far up that it is the root.
        return resolve(&format!("/{tail}"), "", context);
    }
    if !absolute {
        return match above {
            0 => under_home(tail),
            _ => under_project(&format!("{}{tail}", "../".repeat(above)), context),
        };
    }
    let whole = format!("/{tail}");
    if let Some(inner) = context.workspace.and_then(|root| inside(&whole, root)) {
        return inner.to_owned();
    }
    if let Some(inner) = context.home.and_then(|root| inside(&whole, root)) {
        return format!("~/{inner}").trim_end_matches('/').to_owned();
    }
    match whole.strip_prefix("/home/").or_else(|| whole.strip_prefix("/Users/")) {
        Some(rest) => match rest.split_once('/') {
            Some((_, inner)) => format!("~/{inner}"),
            None => "~".to_owned(),
        },
        None => match whole.strip_prefix("/root/") {
            Some(inner) => format!("~/{inner}"),
            None if whole == "/root" || whole == "/home" || whole == "/Users" => "~".to_owned(),
            None => whole,
        },
    }
}

/// Folders of the root that a path leading far up is taken to mean.
const ROOTS: [&str; 14] =
    ["etc", "usr", "bin", "sbin", "lib", "root", "home", "var", "boot", "dev", "proc", "sys", "opt", "srv"];

/// `~name` is a home folder too.
fn under_home(path: String) -> String {
    match path.strip_prefix('~') {
        Some(rest) if !rest.starts_with('/') && rest.contains('/') => {
            format!("~/{}", rest.split_once('/').map_or("", |(_, inner)| inner))
        }
        Some(rest)
            if !rest.is_empty() && !rest.starts_with('/') && rest.bytes().all(|b| b.is_ascii_lowercase()) =>
        {
            "~".to_owned()
        }
        _ => path,
    }
}

/// A path above the project: with a known project folder it is resolved, else it stays as it is.
fn under_project(path: &str, context: &Context<'_>) -> String {
    match context.workspace {
        Some(root) => resolve(&format!("{root}/{path}"), "", &Context { workspace: None, ..*context }),
        None => path.to_owned(),
    }
}

fn inside<'a>(path: &'a str, root: &str) -> Option<&'a str> {
    let root = root.trim_end_matches('/');
    let rest = path.strip_prefix(root).filter(|_| !root.is_empty())?;
    if rest.is_empty() { Some("") } else { rest.strip_prefix('/') }
}

/// Bytes of a path that the kernel takes (`PATH_MAX`); nothing can be done with a longer one.
pub(super) const MAX_PATH: usize = 4096;

/// What it costs to look at a path, in short paths without wildcards.
pub(super) fn cost(path: &str) -> usize {
    let length = path.len().min(MAX_PATH);
    match has_wildcard(path) {
        // Compared with all patterns, not only with those filed under its first part.
        true if path.starts_with(['*', '?', '[']) => 16 + length / 4,
        true => 2 + length / 4,
        false => 1 + length / 64,
    }
}

/// What a resolved path is.
#[must_use]
pub fn place(path: &str) -> Place {
    if path.len() > MAX_PATH {
        return Place::Unknown;
    }
    if path.starts_with("/dev/") && !matches!(path, "/dev/mem" | "/dev/kmem" | "/dev/core") {
        return device(path);
    }
    let lower = if path.bytes().any(|b| b.is_ascii_uppercase()) { &path.to_ascii_lowercase() } else { path };
    let tables = &*TABLES;
    let subject = &Subject::new(lower);
    if tables.secrets.has(subject) && !tables.public.is_surely(subject) || below_a_home(lower) {
        return Place::Secret;
    }
    if tables.dotenv.has(subject)
        && ![".example", ".sample", ".template", ".dist"].iter().any(|end| lower.ends_with(end))
    {
        return Place::Dotenv;
    }
    if tables.persistent.has(subject) {
        return Place::Persistent;
    }
    if tables.profiles.has(subject) {
        return Place::Profile;
    }
    if tables.defences.has(subject) {
        return Place::Defence;
    }
    if path.starts_with(is_hole) {
        return Place::Unknown;
    }
    if ["/tmp/", "/var/tmp/", "/private/tmp/", "/var/folders/"].iter().any(|root| path.starts_with(root)) {
        return Place::Temporary;
    }
    let mut parts = path.split('/');
    let is_made = path.bytes().filter(|b| *b == b'/').count() > 1 && parts.any(|part| MADE.contains(&part));
    if tables.caches.has(subject) || is_made && path.starts_with(['~', '/']) && !tables.system.has(subject) {
        return Place::Cache;
    }
    if path.starts_with('~') {
        return Place::Home;
    }
    if ["/workspace/", "/workspaces/", "/github/workspace/", "/builds/", "/repo/"]
        .iter()
        .any(|root| path.starts_with(root))
    {
        return Place::Project;
    }
    if tables.local.has(subject) && !subject.is_wild {
        return Place::Local;
    }
    let is_any = |path: &str| path.starts_with(['*', '[', '?']) && !path.contains('/');
    if path.starts_with("/*")
        || path.strip_prefix('/').is_some_and(is_any)
        || path == "/"
        || tables.system.has(subject)
    {
        return Place::System;
    }
    if let Some(below) = path.strip_prefix('/') {
        // /⌷/…: below the root, and nothing is known of where.
        return if below.starts_with(is_hole) && !below.contains('/') && below.chars().count() == 1 {
            Place::System
        } else if below.starts_with(is_hole) {
            Place::Unknown
        } else {
            Place::Outside
        };
    }
    if path.starts_with("..") {
        return Place::Outside;
    }
    if path.is_empty()
        || matches!(path, "*" | ".*" | ".git" | "*.*" | ".[!.]*" | "{*,.*}")
        || path.starts_with(".git/")
    {
        return Place::ProjectWhole;
    }
    if path.split('/').any(|part| BUILD_OUTPUT.contains(&part))
        || [".o", ".pyc", ".log", ".tmp", ".bak", ".class", ".swp"].iter().any(|end| path.ends_with(end))
    {
        return Place::BuildOutput;
    }
    Place::Project
}

fn device(path: &str) -> Place {
    match path {
        "/dev/null" | "/dev/stdout" | "/dev/stderr" | "/dev/stdin" | "/dev/tty" | "/dev/zero"
        | "/dev/random" | "/dev/urandom" | "/dev/full" => Place::Harmless,
        "/dev/mem" | "/dev/kmem" => Place::Device,
        // What is typed.
        _ if path.starts_with("/dev/input/") || path.starts_with("/dev/hidraw") => Place::Secret,
        _ if ["/dev/fd/", "/dev/pts/", "/dev/tty"].iter().any(|start| path.starts_with(start)) => {
            Place::Harmless
        }
        _ if path.starts_with("/dev/shm/") => Place::Temporary,
        _ if path.starts_with("/dev/tcp/") || path.starts_with("/dev/udp/") => Place::Socket,
        _ => Place::Device,
    }
}

fn has_wildcard(path: &str) -> bool {
    has_star(path) || has_hole(path)
}

fn has_star(path: &str) -> bool {
    path.bytes().any(|byte| matches!(byte, b'*' | b'?' | b'['))
}

/// Whether a path outside the project has the secrets of a home folder that is kept elsewhere: `/srv/x/.ssh/id_rsa`.
fn below_a_home(path: &str) -> bool {
    if !(path.starts_with(['/', '~', '.']) || path.starts_with(is_hole)) || path.starts_with("./") {
        return false;
    }
    path.match_indices("/.").skip_while(|(at, _)| *at < 2).take(8).any(|(at, _)| {
        let home = format!("~{}", &path[at..]);
        let home = Subject::new(&home);
        TABLES.secrets.has(&home) && !TABLES.public.is_surely(&home)
    })
}

/// The tables of `rules/paths.rs`, filed by what their patterns begin with.
struct Tables {
    secrets: Table,
    public: Table,
    dotenv: Table,
    persistent: Table,
    profiles: Table,
    defences: Table,
    caches: Table,
    local: Table,
    system: Table,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| Tables {
    secrets: Table::new(SECRETS),
    public: Table::new(PUBLIC),
    dotenv: Table::new(DOTENV),
    persistent: Table::new(PERSISTENT),
    profiles: Table::new(PROFILES),
    defences: Table::new(DEFENCES),
    caches: Table::new(CACHES),
    local: Table::new(LOCAL),
    system: Table::new(SYSTEM),
});

/// A path in lower case, and what every table asks of it.
struct Subject<'p> {
    path: &'p str,
    /// What stands before the first wildcard.
    literal: &'p str,
    /// What it is filed under, when that has no wildcard.
    key: Option<Key<'p>>,
    /// Its last part.
    name: &'p str,
    /// Whether it has wildcards, or something that is not known.
    is_wild: bool,
}

impl<'p> Subject<'p> {
    fn new(path: &'p str) -> Self {
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
}

impl Pattern {
    fn new(pattern: &'static str) -> Self {
        let names = pattern.strip_suffix('/').unwrap_or(pattern);
        Self {
            names,
            is_folder: names.len() < pattern.len(),
            is_anchored: pattern.starts_with(['/', '~']),
            depth: names.split('/').count(),
            literal: names.find(['*', '?']).map_or(names, |at| &names[..at]),
        }
    }

    /// `…/` at the end means everything below; a pattern without a leading `/` or `~` may stand anywhere behind a slash.
    /// The path may have `*` and `?`, which match what they would match.
    fn fits(&self, subject: &Subject<'_>) -> bool {
        let path = subject.path;
        if self.is_anchored {
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
struct Table {
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
        for pattern in patterns {
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
    fn is_surely(&self, subject: &Subject<'_>) -> bool {
        if subject.is_wild {
            let all = self.anchored.values().flatten().chain(self.names.values()).chain(&self.others);
            let mut all = all.filter(|pattern| !pattern.is_folder);
            return all.any(|pattern| wild(pattern.names.as_bytes(), subject.path.as_bytes()));
        }
        self.has(subject)
    }

    fn has(&self, subject: &Subject<'_>) -> bool {
        let filed = subject.key.and_then(|key| self.anchored.get(&key)).into_iter().flatten();
        if subject.is_wild {
            let path = subject.path;
            let is_anchored = path.starts_with(['/', '~', '*', '?', '[']) || path.starts_with(is_hole);
            let mut patterns = filed.chain(&self.others);
            if !is_anchored {
                return self.others.iter().any(|pattern| pattern.fits(subject));
            }
            return patterns.any(|pattern| pattern.fits(subject))
                || self.names.values().any(|pattern| pattern.fits(subject))
                // A wildcard in the first part may be any of them.
                || subject.key.is_none()
                    && self.anchored.values().flatten().any(|pattern| pattern.fits(subject));
        }
        filed.into_iter().any(|pattern| pattern.fits(subject))
            || self.names.contains_key(subject.name)
            || self.others.iter().any(|pattern| pattern.fits(subject))
    }
}

/// Whether two patterns can match the same name: `*` and `?` on either side, but `*` alone stands for no hidden file and
/// not for everything.
fn globs(path: &str, pattern: &str, is_wild: bool) -> bool {
    if !is_wild || !has_star(path) {
        return wild(pattern.as_bytes(), path.as_bytes());
    }
    if !pattern.contains('*') && path.split('/').any(|part| part == "*") {
        let parts = || path.split('/').zip(pattern.split('/'));
        return path.contains("/.")
            && parts().all(|(a, b)| a == b || a == "*" && !b.starts_with('.'))
            && path.split('/').count() == pattern.split('/').count();
    }
    if path.split('/').filter(|part| !part.is_empty() && *part != "~").all(|part| {
        part.bytes().any(|byte| byte.is_ascii_alphanumeric())
            || part.bytes().all(|byte| byte == b'?')
                && path.bytes().filter(u8::is_ascii_alphanumeric).count() > 3
    }) && pattern.starts_with(['/', '~'])
    {
        // A wildcard stands for no hidden file.
        let hides = |(path, pattern): (&str, &str)| path.starts_with(['*', '?']) && pattern.starts_with('.');
        if path.split('/').zip(pattern.split('/')).any(hides) {
            return false;
        }
        return meets(path.as_bytes(), pattern.as_bytes());
    }
    wild(pattern.as_bytes(), path.as_bytes())
}

/// Cells of the table in which two patterns are compared.
const MAX_CELLS: usize = 8 * 1024;

/// Whether two patterns have a text in common; brackets count as `?`.
fn meets(left: &[u8], right: &[u8]) -> bool {
    let left = &bracketless(left);
    if left.len() * right.len() > MAX_CELLS {
        return wild(left, right);
    }
    // Row by row: whether the rests from here have a text in common.
    let mut below = vec![false; right.len() + 1];
    for a in (0..=left.len()).rev() {
        let mut row = vec![false; right.len() + 1];
        for b in (0..=right.len()).rev() {
            let (x, y) = (left.get(a).copied(), right.get(b).copied());
            row[b] = match (x, y) {
                (None, None) => true,
                (Some(b'*'), None) => below[b],
                (None, Some(b'*')) => row[b + 1],
                (None, Some(_)) | (Some(_), None) => false,
                (Some(b'*'), Some(y)) => below[b] || y != b'/' && !hidden(left, a, y) && row[b + 1],
                (Some(x), Some(b'*')) => row[b + 1] || x != b'/' && below[b],
                (Some(x), Some(y)) => {
                    (x == y || (x == b'?' && !hidden(left, a, y) || y == b'?') && x != b'/' && y != b'/')
                        && below[b + 1]
                }
            };
        }
        below = row;
    }
    below[0]
}

/// Whether a wildcard at this place does not match, for it would be the dot of a hidden file.
fn hidden(pattern: &[u8], at: usize, byte: u8) -> bool {
    byte == b'.' && at.checked_sub(1).is_none_or(|before| pattern[before] == b'/')
}

/// A pattern with `?` for each bracket expression.
fn bracketless(pattern: &[u8]) -> Vec<u8> {
    let (mut made, mut at) = (Vec::with_capacity(pattern.len()), 0);
    while at < pattern.len() {
        let close = pattern[at..].iter().take(64).skip(2).position(|b| *b == b']');
        match (pattern[at], close) {
            (b'[', Some(close)) => {
                made.push(b'?');
                at += close + 3;
            }
            (byte, _) => {
                made.push(byte);
                at += 1;
            }
        }
    }
    made
}

/// `*` and `?` do not cross a slash; linear in the product of the lengths at most.
pub(super) fn wild(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t, mut back) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                back = Some((p, t));
                p += 1;
            }
            Some(byte) if *byte == text[t] || *byte == b'?' && text[t] != b'/' => {
                p += 1;
                t += 1;
            }
            _ => match back {
                Some((star, from)) if text[from] != b'/' => {
                    back = Some((star, from + 1));
                    p = star + 1;
                    t = from + 1;
                }
                _ => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_where_the_kernel_would_go() {
        let context = Context { workspace: Some("/home/alice/work"), home: Some("/home/alice") };
        for (path, folder, expected) in [
            ("/tmp/../etc//passwd", "", "/etc/passwd"),
            ("/proc/self/root/etc/shadow", "", "/etc/shadow"),
            ("/home/alice/work/src", "", "src"),
            ("/home/alice/.ssh/id_rsa", "", "~/.ssh/id_rsa"),
            ("~/./.ssh/../.ssh/x", "", "~/.ssh/x"),
            // Two levels above the project is beside this home folder, so this is somebody else's.
            ("../../bob/.ssh/x", "", "~/.ssh/x"),
            ("../.ssh/x", "", "~/.ssh/x"),
            ("*", "/", "/*"),
            ("a/../b", "", "b"),
            ("/root/.ssh", "", "~/.ssh"),
        ] {
            assert_eq!(resolve(path, folder, &context), expected, "{path}");
        }
    }

    #[test]
    fn a_path_that_no_kernel_takes_is_unknown() {
        let below = |length: usize| format!("/etc/{}", "a".repeat(length - 5));
        assert_eq!(place(&below(MAX_PATH)), Place::System);
        assert_eq!(place(&below(MAX_PATH + 1)), Place::Unknown);
    }

    #[test]
    fn wildcards_in_any_part_meet_what_is_filed_by_its_first() {
        for path in ["/et?/shadow", "/etc/shad*", "~/.s?h/id_rsa", "~/.ssh/*", "/[e]tc/shadow"] {
            assert_eq!(place(path), Place::Secret, "{path}");
        }
    }

    #[test]
    fn depth_hides_nothing() {
        for path in ["a/.ssh/id_rsa", "a/wallet.dat"] {
            assert_eq!(place(&format!("/srv/{}{path}", "x/".repeat(100))), Place::Secret, "{path}");
        }
    }

    #[test]
    fn places_are_told_apart() {
        for (path, expected) in [
            ("/etc/passwd", Place::System),
            ("/etc/shadow", Place::Secret),
            ("~/.ssh/id_rsa", Place::Secret),
            ("~/.s*/id_*", Place::Secret),
            ("~/.bashrc", Place::Profile),
            ("/etc/cron.d/x", Place::Persistent),
            ("/tmp/x", Place::Temporary),
            ("/dev/sda", Place::Device),
            ("/dev/null", Place::Harmless),
            ("node_modules", Place::BuildOutput),
            ("src", Place::Project),
            ("", Place::ProjectWhole),
            (".env", Place::Dotenv),
            (".env.example", Place::Project),
            ("/srv/data", Place::Outside),
        ] {
            assert_eq!(place(path), expected, "{path}");
        }
    }
}
