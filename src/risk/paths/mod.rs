//! Where a path leads, judged from its text alone: dots, `~`, `$HOME`, doubled slashes and `/proc/self/root` resolved.

mod glob;
mod table;

use super::Context;
use super::rules::paths::{BUILD_OUTPUT, MADE};
use super::value::is_hole;
use glob::has_wildcard;
pub(super) use glob::{has_star, wild};
use table::{Subject, TABLES};

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
    let is_plain = |pair: &[u8]| !matches!(pair, [b'/', b'/' | b'.']);
    if folder.is_empty()
        && !path.starts_with(['/', '~', '.'])
        && !path.ends_with('/')
        && path.as_bytes().windows(2).all(is_plain)
    {
        return path.to_owned();
    }
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
    let is_secret = |subject: &Subject<'_>| tables.secrets.has(subject) && !tables.public.is_surely(subject);
    if is_secret(subject) || below_a_home(lower, is_secret) {
        return Place::Secret;
    }
    if tables.dotenv.has(subject)
        && ![".example", ".sample", ".template", ".dist"].iter().any(|end| lower.ends_with(end))
    {
        return Place::Dotenv;
    }
    if tables.persistent.has(subject)
        || below_a_home(lower, |subject| tables.persistent.has(subject))
        || is_git_hook(lower)
    {
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
    let is_made = path.bytes().filter(|b| *b == b'/').count() > 1 && parts.any(|part| MADE.contains(part));
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
    if path.split('/').any(|part| BUILD_OUTPUT.contains(part))
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

/// Whether a path outside the project is a hook of a repository that is kept bare.
fn is_git_hook(path: &str) -> bool {
    let Some((folder, name)) = path.rsplit_once("/hooks/") else { return false };
    let is_named = ["pre-", "post-", "commit-msg", "prepare-commit-msg", "update", "push-to-checkout"]
        .iter()
        .any(|start| name.starts_with(start));
    folder.starts_with(['/', '~']) && folder.ends_with(".git") && is_named && !name.ends_with(".sample")
}

/// Whether a path outside the project is something in a home folder that is kept elsewhere: `/srv/x/.ssh/id_rsa`.
fn below_a_home(path: &str, is_meant: impl Fn(&Subject<'_>) -> bool) -> bool {
    if !(path.starts_with(['/', '~', '.']) || path.starts_with(is_hole)) || path.starts_with("./") {
        return false;
    }
    let mut starts = path.match_indices("/.").skip_while(|(at, _)| *at < 2).take(8);
    starts.any(|(at, _)| is_meant(&Subject::new(&format!("~{}", &path[at..]))))
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
            ("../../.ssh/authorized_keys", Place::Persistent),
            ("/srv/git/site.git/hooks/post-receive", Place::Persistent),
            ("hooks/post-receive", Place::Project),
            ("/srv/x/.config/autostart/y.desktop", Place::Persistent),
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
