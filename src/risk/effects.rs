//! What programs do with the paths they are given.

use super::paths::Place;

/// What is done with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// It is deleted with everything below.
    DeleteTree,
    /// It is deleted.
    Delete,
    /// It is written.
    Write,
    /// Something is added to it.
    Append,
    /// It is read, and what it says goes somewhere.
    Read,
}

/// The rule for an effect on a place; `None` when it is harmless.
pub(super) const fn rule(effect: Effect, place: Place) -> Option<&'static str> {
    use Effect::{Append, Delete, DeleteTree, Read, Write};
    match (effect, place) {
        (_, Place::Harmless) | (Delete | DeleteTree, Place::Temporary | Place::BuildOutput) => None,
        (Delete | DeleteTree, Place::Unknown) => Some("delete-unknown"),
        (DeleteTree, Place::Project | Place::ProjectWhole | Place::Dotenv | Place::Cache) => {
            Some("delete-project")
        }
        (Delete, Place::ProjectWhole | Place::Dotenv | Place::Cache) => Some("delete-project"),
        (Delete, Place::Project) => None,
        (Delete | DeleteTree, Place::Defence) => Some("delete-outside"),
        (Delete | DeleteTree, _) => Some("delete-outside"),
        (Read, Place::Secret) => Some("read-secret"),
        (Read, Place::Dotenv) => Some("read-dotenv"),
        (Read, _) => None,
        (Write | Append, Place::Socket) => Some("remote-shell"),
        (Write | Append, Place::Device) => Some("overwrite-device"),
        (Write | Append, Place::Persistent) => Some("write-persistent"),
        (Write | Append, Place::Secret) => Some("overwrite-system"),
        (Write | Append, Place::Defence) => Some("overwrite-system"),
        (Write | Append, Place::System) => Some("overwrite-system"),
        (Write | Append, Place::Profile) => Some("write-profile"),
        (Write | Append, Place::Dotenv) => Some("read-dotenv"),
        (Write | Append, Place::Outside) => Some("write-outside"),
        (Write | Append, _) => None,
    }
}

/// Programs whose words are only shown, searched by name, or used without their content leaving.
const MENTIONS: &[&str] = &[
    "echo",
    "printf",
    "ls",
    "stat",
    "test",
    "[",
    "[[",
    "file",
    "man",
    "ssh",
    "ssh-keygen",
    "ssh-add",
    "ssh-copy-id",
    "which",
    "type",
    "git",
    "gh",
    "mkdir",
    "touch",
    "chmod",
    "chown",
    "chgrp",
    "rm",
    "rmdir",
    "unlink",
    "cd",
    "pushd",
    "du",
    "df",
    "basename",
    "dirname",
    "realpath",
    "readlink",
    "exit",
    "return",
    "true",
    "false",
    ":",
    "export",
    "set",
    "unset",
    "local",
    "declare",
    "alias",
    "kubectl",
    "helm",
    "ansible-playbook",
    "mosh",
    "tree",
    "find",
    "fd",
    "locate",
    "whereis",
    "say",
    "notify-send",
    "logger",
    "glab",
    "info",
    "tldr",
    "apropos",
    "whatis",
    "help",
    "read",
    "wait",
    "trap",
    "ln",
    "sleep",
    "shred",
    "truncate",
    "npm",
    "yarn",
    "pnpm",
    "cargo",
    "make",
    "jira",
    "slack",
    "ssh-keyscan",
    "let",
    "expr",
    "seq",
    "watch",
    "yq",
    "kill",
    "pkill",
    "pgrep",
];

/// Programs whose first plain word is a pattern or a program text, not a file.
const PATTERN_FIRST: &[&str] = &[
    "grep", "egrep", "fgrep", "zgrep", "rg", "ag", "ack", "sed", "awk", "gawk", "mawk", "jq", "perl",
    "python", "python3", "ruby", "node", "tr", "sd",
];

/// The paths of a command's words (without its name) and what is done with each.
pub(super) fn effects<'a>(name: &str, args: &[&'a str]) -> Vec<(Effect, &'a str)> {
    let has = |options: &[&str]| args.iter().any(|arg| options.contains(arg));
    let cluster = |letter: char| {
        args.iter().any(|arg| arg.starts_with('-') && !arg.starts_with("--") && arg.contains(letter))
    };
    let after =
        |options: &[&str]| args.windows(2).find(|pair| options.contains(&pair[0])).map(|pair| pair[1]);
    if has(&["--help", "--version"]) {
        return Vec::new();
    }
    let ended = args.iter().position(|arg| *arg == "--");
    let plain: Vec<&str> = args
        .iter()
        .enumerate()
        .filter(|(at, arg)| ended.is_some_and(|end| *at > end) || !arg.starts_with('-') || **arg == "-")
        .map(|(_, arg)| *arg)
        .collect();
    let mut found = Vec::new();
    let all = |effect: Effect, found: &mut Vec<(Effect, &'a str)>| {
        found.extend(plain.iter().map(|path| (effect, *path)))
    };
    match name {
        "rm" | "trash" | "srm" | "grm" => {
            let tree = cluster('r') || cluster('R') || has(&["--recursive"]);
            all(if tree { Effect::DeleteTree } else { Effect::Delete }, &mut found);
        }
        "rmdir" | "unlink" | "shred" | "wipe" => all(Effect::Delete, &mut found),
        "rimraf" | "del-cli" => all(Effect::DeleteTree, &mut found),
        "truncate" | "tee" | "sponge" | "touch" | "mkdir" | "chattr" | "mkfifo" | "nano" | "vi" | "vim"
        | "ed" | "emacs" => {
            all(if cluster('a') && name == "tee" { Effect::Append } else { Effect::Write }, &mut found);
        }
        "chmod" | "chown" | "chgrp" if !plain.is_empty() => {
            // Taking rights from a key is what its owner should do.
            let tightens = name == "chmod"
                && matches!(
                    plain[0],
                    "600"
                        | "400"
                        | "700"
                        | "0600"
                        | "0400"
                        | "0700"
                        | "go-rwx"
                        | "go="
                        | "og-rwx"
                        | "u=rw,go="
                );
            if !tightens {
                found.extend(plain.iter().skip(1).map(|path| (Effect::Write, *path)));
            }
        }
        "cp" | "mv" | "install" | "ln" | "rsync" | "scp" | "gcp" | "gmv" => {
            let target = after(&["-t", "--target-directory"])
                .or_else(|| plain.last().copied())
                .filter(|_| plain.len() > 1);
            let sources = &plain[..plain.len().saturating_sub(1)];
            for source in sources {
                if name == "mv" {
                    found.push((Effect::DeleteTree, source));
                }
                if name != "ln" || !source.is_empty() {
                    found.push((Effect::Read, source));
                }
            }
            found.extend(target.filter(|path| !is_remote(path)).map(|path| (Effect::Write, path)));
            if name == "rsync" && has(&["--delete", "--delete-after", "--delete-before"]) {
                found.extend(target.filter(|path| !is_remote(path)).map(|path| (Effect::DeleteTree, path)));
            }
        }
        "dd" => {
            for arg in args {
                if let Some(path) = arg.strip_prefix("of=") {
                    found.push((Effect::Write, path));
                } else if let Some(path) = arg.strip_prefix("if=") {
                    found.push((Effect::Read, path));
                }
            }
        }
        "sed" | "gsed" if cluster('i') || args.iter().any(|arg| arg.starts_with("--in-place")) => {
            let scripts = usize::from(!has(&["-e", "-f"]));
            found.extend(plain.iter().skip(scripts).map(|path| (Effect::Write, *path)));
        }
        "perl" if cluster('i') => found.extend(plain.iter().skip(1).map(|path| (Effect::Write, *path))),
        "curl" => found.extend(after(&["-o", "--output"]).map(|path| (Effect::Write, path))),
        "wget" => found.extend(
            after(&["-O", "--output-document", "-P"])
                .filter(|path| *path != "-")
                .map(|path| (Effect::Write, path)),
        ),
        "tar" | "bsdtar" => {
            if let Some(folder) = after(&["-C", "--directory"]) {
                let extracts = args
                    .first()
                    .is_some_and(|arg| arg.trim_start_matches('-').contains('x') && !arg.starts_with("--"))
                    || has(&["--extract"]);
                found.push((if extracts { Effect::Write } else { Effect::Read }, folder));
            }
        }
        "unzip" => found.extend(after(&["-d"]).map(|path| (Effect::Write, path))),
        _ => {}
    }
    if !MENTIONS.contains(&name) || name == "ln" {
        let skipped = usize::from(PATTERN_FIRST.contains(&name) && !has(&["-e", "-f", "--regexp"]));
        for path in plain.iter().skip(skipped) {
            if !matches!(name, "tee" | "dd" | "sponge" | "mv" | "cp" | "vim" | "nano" | "sqlite3") {
                found.push((
                    Effect::Read,
                    path.split_once('@')
                        .map_or(*path, |(before, path)| if before.contains('/') { before } else { path }),
                ));
            }
        }
        for arg in args.iter().filter(|arg| arg.contains(['@', '=', ':'])) {
            found.extend(
                arg.split(['@', '=', ':'])
                    .skip(1)
                    .filter(|path| path.contains(['/', '.', '~']))
                    .map(|path| (Effect::Read, path)),
            );
        }
    }
    found
}

/// `host:path`
pub(super) fn is_remote(path: &str) -> bool {
    path.find(':').is_some_and(|at| at > 1 && !path[..at].contains('/'))
}
