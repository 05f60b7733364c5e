//! Where a path leads, judged from its text alone: dots, `~`, `$HOME`, doubled slashes and `/proc/self/root` resolved.

use super::Context;
use super::rules::paths::{BUILD_OUTPUT, DEFENCES, DOTENV, PERSISTENT, PROFILES, SECRETS, SYSTEM};

/// Stands in resolved words for what only the shell will know.
pub(super) const UNKNOWN: char = '\u{fffc}';

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
    /// A cache of the home folder.
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
    /// Outside of project, home and system.
    Outside,
    /// Not known before it runs.
    Unknown,
}

/// Resolves a path: absolute, or beginning with `~`, or relative to the project (empty is the project itself).
#[must_use]
pub fn resolve(path: &str, folder: &str, context: &Context<'_>) -> String {
    let path = if let Some(rest) = path.strip_prefix("file://") { rest } else { path };
    let joined = if path.starts_with(['/', '~', UNKNOWN]) || folder.is_empty() {
        path.to_owned()
    } else {
        format!("{folder}/{path}")
    };
    let absolute = joined.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    let mut above = 0usize;
    for part in joined.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&"~") => {
                    parts.clear();
                    parts.extend(["", "home"]);
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

/// What a resolved path is.
#[must_use]
pub fn place(path: &str) -> Place {
    let lower = path.to_ascii_lowercase();
    let has = |table: &[&str]| table.iter().any(|pattern| matches_path(pattern, &lower));
    if path.starts_with("/dev/") {
        return match path {
            "/dev/null" | "/dev/stdout" | "/dev/stderr" | "/dev/stdin" | "/dev/tty" | "/dev/zero"
            | "/dev/random" | "/dev/urandom" | "/dev/full" => Place::Harmless,
            _ if path.starts_with("/dev/fd/") || path.starts_with("/dev/pts/") => Place::Harmless,
            _ if path.starts_with("/dev/shm/") => Place::Temporary,
            _ if path.starts_with("/dev/tcp/") || path.starts_with("/dev/udp/") => Place::Socket,
            _ => Place::Device,
        };
    }
    let bare_unknown = path.starts_with(UNKNOWN);
    if has(SECRETS) {
        return Place::Secret;
    }
    if has(DOTENV)
        && !lower.ends_with(".example")
        && !lower.ends_with(".sample")
        && !lower.ends_with(".template")
    {
        return Place::Dotenv;
    }
    if has(PERSISTENT) {
        return Place::Persistent;
    }
    if has(PROFILES) {
        return Place::Profile;
    }
    if has(DEFENCES) {
        return Place::Defence;
    }
    if bare_unknown {
        return Place::Unknown;
    }
    if ["/tmp/", "/var/tmp/", "/private/tmp/", "/var/folders/"].iter().any(|root| path.starts_with(root)) {
        return Place::Temporary;
    }
    if path.starts_with("~/.cache/")
        || path.starts_with("~/Library/Caches/")
        || path.starts_with("~/.npm/_cacache")
    {
        return Place::Cache;
    }
    if path.starts_with('~') {
        return Place::Home;
    }
    if path.starts_with("/*") || path == "/" || has(SYSTEM) {
        return Place::System;
    }
    if path.starts_with('/') || path.starts_with("..") {
        return Place::Outside;
    }
    if path.is_empty() || matches!(path, "*" | ".*" | ".git" | "*.*") || path.starts_with(".git/") {
        return Place::ProjectWhole;
    }
    let first = path.split('/').any(|part| BUILD_OUTPUT.contains(&part));
    if first || [".o", ".pyc", ".log", ".tmp", ".bak", ".class", ".swp"].iter().any(|end| path.ends_with(end))
    {
        return Place::BuildOutput;
    }
    Place::Project
}

/// A table's pattern against a path in lower case. `…/` at the end means everything below; a pattern without a leading
/// `/` or `~` may stand anywhere behind a slash. The path may have `*` and `?`, which match what they would match.
fn matches_path(pattern: &str, path: &str) -> bool {
    let (names, is_folder) = match pattern.strip_suffix('/') {
        Some(folder) => (folder, true),
        None => (pattern, false),
    };
    let depth = names.split('/').count();
    let begins = |path: &str| {
        let end = path.match_indices('/').nth(depth - 1).map_or(path.len(), |(at, _)| at);
        (is_folder || end == path.len()) && globs(&path[..end], names)
    };
    if pattern.starts_with(['/', '~']) {
        return begins(path);
    }
    let mut starts = std::iter::once(0).chain(path.match_indices('/').map(|(at, _)| at + 1));
    starts.any(|at| begins(&path[at..]))
}

/// Whether two patterns can match the same name: `*` and `?` on either side, but `*` alone stands for no hidden file and
/// not for everything.
fn globs(path: &str, pattern: &str) -> bool {
    if path.split('/').any(|part| part == "*") && !pattern.contains('*') {
        let same =
            path.split('/').zip(pattern.split('/')).all(|(a, b)| a == b || a == "*" && !b.starts_with('.'));
        return path.split('/').count() == pattern.split('/').count() && same && path.contains("/.");
    }
    if path.contains(['*', '?'])
        && path
            .split('/')
            .filter(|part| !part.is_empty())
            .all(|part| part.bytes().filter(u8::is_ascii_alphanumeric).count() > 0)
    {
        return wild(path.as_bytes(), pattern.as_bytes());
    }
    wild(pattern.as_bytes(), path.as_bytes())
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
