//! What programs do with the paths they are given.

use super::paths::Place;
use super::value::has_hole;
use crate::risk::lookup::{Names, list, rows};

/// What is done with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// It is deleted with everything below.
    DeleteTree,
    /// It is deleted.
    Delete,
    /// It is put somewhere else.
    Move,
    /// It is written.
    Write,
    /// Nothing is left in it.
    Empty,
    /// Something is added to it.
    Append,
    /// It is read, and what it says goes somewhere.
    Read,
}

/// The rule for an effect on a place; `None` when it is harmless.
pub(super) const fn rule(effect: Effect, place: Place) -> Option<&'static str> {
    use Effect::{Append, Delete, DeleteTree, Empty, Move, Read, Write};
    match (effect, place) {
        (_, Place::Harmless) | (Delete | DeleteTree | Move, Place::Temporary | Place::BuildOutput) => None,
        (Delete | DeleteTree, Place::Unknown) => Some("delete-unknown"),
        (DeleteTree, Place::Project | Place::ProjectWhole | Place::Dotenv | Place::Cache) => {
            Some("delete-project")
        }
        (Delete, Place::ProjectWhole | Place::Dotenv | Place::Cache) => Some("delete-project"),
        (Delete, Place::Project) => None,
        (Delete | DeleteTree, _) => Some("delete-outside"),
        (Move, Place::Secret) => Some("read-secret"),
        (Move, Place::System | Place::Defence | Place::Persistent | Place::Device) => {
            Some("overwrite-system")
        }
        (Move, Place::Home | Place::Outside | Place::Profile | Place::Local) => Some("write-outside"),
        (Move, _) => None,
        (Read, Place::Secret) => Some("read-secret"),
        (Read, Place::Dotenv) => Some("read-dotenv"),
        (Read, _) => None,
        // What every shell was told to begin with is gone.
        (Empty, Place::Profile) => Some("delete-outside"),
        (Write | Empty | Append, Place::Socket) => Some("remote-shell"),
        (Write | Empty | Append, Place::Device) => Some("overwrite-device"),
        (Write | Empty | Append, Place::Persistent) => Some("write-persistent"),
        (Write | Empty | Append, Place::Secret | Place::Defence | Place::System) => Some("overwrite-system"),
        (Write | Append, Place::Profile) => Some("write-profile"),
        (Write | Empty | Append, Place::Dotenv) => Some("read-dotenv"),
        (Write | Empty | Append, Place::Outside | Place::Home | Place::Local) => Some("write-outside"),
        (Write | Empty | Append, _) => None,
    }
}

/// Programs whose words are only shown, searched by name, or used without their content leaving.
const MENTIONS: Names = list!(
    "echo printf print ls ll stat test [ [[ file man ssh ssh-keygen ssh-add ssh-copy-id which type git gh
     mkdir touch chmod chown chgrp rm rmdir unlink cd pushd du df basename dirname realpath readlink exit
     return true false : export set unset local declare typeset readonly alias kubectl helm ansible-playbook
     ansible mosh tree find fd locate whereis say notify-send logger glab info tldr apropos whatis help read
     wait trap ln sleep shred truncate npm yarn pnpm cargo make jira slack ssh-keyscan let expr seq watch
     kill pkill pgrep sftp autossh setfacl getfacl chattr lsattr command wall write figlet cowsay banner
     toilet lolcat dialog zenity whiptail osascript terraform keytool jarsigner apksigner mutagen certbot
     gcloud tmux screen crontab sudo env xargs timeout nohup time nice exec eval source . test-path mount
     umount ps systemctl gpgconf inotifywait fuser lsof getent hash history popd dirs ulimit umask ast-grep
     semgrep opengrep comby weggli shellcheck cheat"
);

/// Programs that otherwise take texts: with which of their words they read files. None: always.
const SHOWS: &[(&str, &[&str])] = &[
    ("logger", &["-f", "--file"]),
    ("wall", &[]),
    ("tmux", &["load-buffer", "loadb", "source-file"]),
    ("screen", &["readbuf", "readreg"]),
    ("zenity", &["--text-info", "--filename"]),
    ("dialog", &["--textbox", "--tailbox", "--editbox"]),
    ("whiptail", &["--textbox"]),
    ("gh", &["gist", "-F", "--body-file", "upload", "--input"]),
    ("glab", &["snippet", "upload", "--input", "-F"]),
    ("git", &["hash-object", "--no-index", "-F", "--file", "send-email", "bundle"]),
    ("kubectl", &["cp", "--from-file", "--from-env-file", "configmap", "cm", "secret"]),
    ("helm", &["--set-file"]),
    ("gcloud", &["scp", "cp", "rsync", "--data-file", "--file"]),
    ("ansible", &["copy", "fetch", "-m"]),
    ("slack", &["upload", "file"]),
    ("jira", &["attach", "attachment"]),
    ("npm", &["pack", "publish"]),
    ("figlet", &["-p"]),
    ("ssh-keygen", &["-p"]),
    ("sftp", &["-b"]),
    ("command", &["-v"]),
    ("crontab", &[]),
    ("osascript", &["-l"]),
];

/// Programs whose first plain word is a pattern or a program text, not a file.
const PATTERN_FIRST: Names =
    list!("grep egrep fgrep zgrep rg ag ack sed awk gawk mawk jq perl ruby tr sd yq gsed nawk");

/// Programs that write their last word.
const WRITES_LAST: Names = list!("cp mv install ln rsync scp gcp gmv ditto rcp gln ginstall");

/// Modes that only take rights from others: what the owner of a key should do.
const TIGHTENS: Names =
    list!("600 400 700 0600 0400 0700 go-rwx go= og-rwx u=rw,go= u=rwx,go= 500 0500 go-w o-rwx");

/// Whether a program only shows, searches or names what it is given.
pub(super) fn only_mentions(name: &str) -> bool {
    mentions(name) || PATTERN_FIRST.contains(name) || list!("cat tee less head tail diff wc").contains(name)
}

fn mentions(name: &str) -> bool {
    MENTIONS.contains(name)
}

/// The paths of a command's words (without its name) and what is done with each.
pub(super) fn effects<'a>(name: &str, args: &[&'a str]) -> Vec<(Effect, &'a str)> {
    let has = |options: &[&str]| args.iter().any(|arg| options.contains(arg));
    if matches!(args, ["--help" | "--version"]) {
        return Vec::new();
    }
    let cluster = |letter: char| {
        args.iter().any(|arg| arg.starts_with('-') && !arg.starts_with("--") && arg.contains(letter))
    };
    let after =
        |options: &[&str]| args.windows(2).find(|pair| options.contains(&pair[0])).map(|pair| pair[1]);
    let ended = args.iter().position(|arg| *arg == "--");
    let plain: Vec<&'a str> = args
        .iter()
        .enumerate()
        .filter(|(at, arg)| ended.is_some_and(|end| *at > end) || !arg.starts_with('-') || **arg == "-")
        .map(|(_, arg)| *arg)
        .collect();
    let mut found = Vec::new();
    let all = |effect: Effect, found: &mut Vec<(Effect, &'a str)>| {
        found.extend(plain.iter().map(|path| (effect, *path)));
    };
    match name {
        "rm" | "zf_rm" | "trash" | "srm" | "grm" | "trash-put" | "rip" => {
            let tree = cluster('r') || cluster('R') || has(&["--recursive"]);
            all(if tree { Effect::DeleteTree } else { Effect::Delete }, &mut found);
        }
        "rmdir" | "unlink" | "shred" | "wipe" | "scrub" | "erase" | "del" => all(Effect::Delete, &mut found),
        "rimraf" | "del-cli" | "deltree" | "Remove-Item" | "remove-item" | "ri" | "rd" => {
            all(Effect::DeleteTree, &mut found)
        }
        // Of many files nothing is left.
        "truncate" if plain.iter().any(|path| path.contains('*') || has_hole(path)) => {
            all(Effect::Delete, &mut found);
        }
        "truncate" if has(&["0", "-s0", "--size=0"]) => {
            found.extend(plain.iter().filter(|path| **path != "0").map(|path| (emptying(path), *path)));
        }
        "truncate" | "tee" | "sponge" | "touch" | "mkdir" | "chattr" | "mkfifo" | "nano" | "vi" | "vim"
        | "nvim" | "ed" | "emacs" | "pico" | "joe" | "micro" | "ex" | "fallocate" | "visudo" | "vipw" => {
            all(if cluster('a') && name == "tee" { Effect::Append } else { Effect::Write }, &mut found);
        }
        "chmod" if args.iter().any(|arg| is_mode(arg)) => all(Effect::Write, &mut found),
        "chmod" if plain.first().is_some_and(|mode| TIGHTENS.contains(mode)) => {}
        "chmod" | "chown" | "chgrp" | "setfacl" => {
            found.extend(plain.iter().skip(1).map(|path| (Effect::Write, *path)));
        }
        name if WRITES_LAST.contains(name) => copies(name, args, &plain, &mut found),
        "dd" => {
            for arg in args {
                if let Some(path) = arg.strip_prefix("of=") {
                    found.push((Effect::Write, path));
                } else if let Some(path) = arg.strip_prefix("if=") {
                    found.push((Effect::Read, path));
                }
            }
        }
        "sed" | "gsed" => {
            let scripts = usize::from(!has(&["-e", "-f", "--expression", "--file"]));
            if cluster('i') || args.iter().any(|arg| arg.starts_with("--in-place")) {
                let is_all =
                    scripts == 1 && plain.first().is_some_and(|script| matches!(*script, "d" | "1,$d"));
                let effect = |path: &str| if is_all { emptying(path) } else { Effect::Write };
                found.extend(plain.iter().skip(scripts).map(|path| (effect(path), *path)));
            }
            // The commands r and w of a script.
            for script in args.iter().filter(|arg| arg.len() < 256) {
                for (mark, effect) in [
                    ("w /", Effect::Write),
                    ("r /", Effect::Read),
                    ("w ~", Effect::Write),
                    ("r ~", Effect::Read),
                ] {
                    if let Some(at) = script
                        .find(mark)
                        .filter(|at| *at == 0 || !script.as_bytes()[at - 1].is_ascii_alphabetic())
                    {
                        found.push((effect, &script[at + 2..]));
                    }
                }
            }
        }
        "awk" | "gawk" if has(&["inplace"]) => {
            found.extend(plain.iter().skip(2).map(|path| (Effect::Write, *path)))
        }
        "perl" | "ruby" if cluster('i') => {
            found.extend(plain.iter().skip(1).map(|path| (Effect::Write, *path)))
        }
        "wget" => found.extend(after(&["-P", "--directory-prefix"]).map(|path| (Effect::Write, path))),
        "tar" | "bsdtar" | "gtar" => {
            let extracts = extracts(args);
            if has(&["--remove-files"]) {
                all(Effect::DeleteTree, &mut found);
            }
            if let Some(folder) = after(&["-C", "--directory", "--one-top-level"]) {
                found.push((if extracts { Effect::Write } else { Effect::Read }, folder));
            }
        }
        "pax" if cluster('r') => found.extend(plain.last().map(|path| (Effect::Write, *path))),
        "cpio" if cluster('p') => all(Effect::Write, &mut found),
        "file" => found.extend(after(&["-f", "--files-from"]).map(|path| (Effect::Read, path))),
        "uniq" if plain.len() > 1 => found.extend(plain.last().map(|path| (Effect::Write, *path))),
        "cpio" | "pax" => found.extend(after(&["-D", "--directory"]).map(|path| (Effect::Write, path))),
        // What is put into the archive is taken from where it was.
        "zip" if cluster('m') || has(&["--move"]) => {
            found.extend(plain.iter().skip(1).map(|path| (Effect::DeleteTree, *path)));
        }
        "unzip" | "7z" | "bsdunzip" => found.extend(after(&["-d"]).map(|path| (Effect::Write, path))),
        "xxd" | "patch" | "split" | "csplit" if plain.len() > 1 => {
            found.extend(plain.last().map(|path| (Effect::Write, *path)))
        }
        "patch" => all(Effect::Write, &mut found),
        _ => {}
    }
    for arg in args.iter().filter(|arg| arg.starts_with("-o/") || arg.starts_with("-o~")) {
        found.push((Effect::Write, &arg[2..]));
    }
    let writes = ["-o", "--output", "--out", "-out", "--output-file", "--outfile", "--output-document", "-O"];
    if let Some(path) = after(&writes).filter(|path| {
        *path != "-"
            && (!matches!(name, "curl" | "mount" | "ssh" | "ps" | "set")
                || path.contains('/') && !has(&["-O"]))
    }) {
        found.push((Effect::Write, path));
    }
    for arg in args.iter().filter(|arg| arg.starts_with("--")) {
        if let Some((_, path)) = arg.split_once('=').filter(|(option, _)| writes.contains(option)) {
            found.push((Effect::Write, path));
        }
    }
    let shows = |(_, words): &(&str, &[&str])| {
        let is_one = |arg: &&str| words.iter().any(|word| arg == word || arg.split('=').next() == Some(word));
        words.is_empty() || args.iter().any(is_one)
    };
    if !mentions(name) || name == "ln" || rows!(SHOWS, name).any(shows) {
        reads(name, args, &plain, &mut found);
    }
    found
}

/// What it is to leave nothing in a file: what people made is gone; what programs say will be said again.
pub(super) fn emptying(path: &str) -> Effect {
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_record =
        [".log", ".out", ".err", ".tmp", ".lock", ".pid", ".txt"].iter().any(|end| name.ends_with(end));
    // Whatever lies in a folder.
    let is_all = name.bytes().all(|byte| byte == b'*') && path.contains('/');
    let is_made = name.trim_start_matches('.').contains('.') && !is_record;
    if is_made || is_all { Effect::Delete } else { Effect::Empty }
}

/// A mode that looks like an option: `-x`.
fn is_mode(arg: &str) -> bool {
    arg.len() > 1 && arg.starts_with('-') && arg[1..].bytes().all(|b| b"rwxst".contains(&b))
}

/// Where it is written who may come in.
const AUTHORIZED: &str = "~/.ssh/authorized_keys";

/// Whether a path of another machine says who may come in there, or what starts by itself.
pub(super) fn opens_machine(path: &str) -> bool {
    path.ends_with("authorized_keys")
        || ["/etc/sudoers", "/etc/cron", "/var/spool/cron"].iter().any(|place| path.contains(place))
}

fn is_key_folder(path: &str) -> bool {
    path.trim_end_matches('/').ends_with(".ssh")
}

fn copies<'a>(name: &str, args: &[&'a str], plain: &[&'a str], found: &mut Vec<(Effect, &'a str)>) {
    let has = |options: &[&str]| args.iter().any(|arg| options.contains(arg));
    let into =
        args.windows(2).find(|pair| matches!(pair[0], "-t" | "--target-directory")).map(|pair| pair[1]);
    let into = into.or_else(|| args.iter().find_map(|arg| arg.strip_prefix("--target-directory=")));
    let (target, sources) = match (into, plain.split_last()) {
        (Some(target), _) => (Some(target), plain),
        (None, Some((target, sources))) if !sources.is_empty() => (Some(*target), sources),
        _ => (None, plain),
    };
    for source in sources.iter().filter(|source| !is_remote(source)) {
        if matches!(name, "mv" | "gmv") {
            let discards = target == Some("/dev/null");
            found.push((if discards { Effect::DeleteTree } else { Effect::Move }, source));
        }
        found.push((Effect::Read, source));
    }
    // Who may come in there is no lesser matter than who may come in here.
    let opens = target.filter(|path| is_remote(path)).and_then(|path| path.split_once(':')).is_some_and(
        |(_, path)| {
            opens_machine(path) || is_key_folder(path) && sources.iter().any(|from| opens_machine(from))
        },
    );
    if opens {
        found.push((Effect::Write, AUTHORIZED));
    }
    let Some(target) = target.filter(|path| !is_remote(path)) else { return };
    found.push((if sources == ["/dev/null"] { emptying(target) } else { Effect::Write }, target));
    if name == "rsync" && args.iter().any(|arg| arg.starts_with("--delete")) {
        found.push((Effect::DeleteTree, target));
    }
    // A copy to a folder is a file in it; only the folder's name says whether that matters.
    if has(&["--remove-source-files"]) {
        found.extend(sources.iter().map(|source| (Effect::DeleteTree, *source)));
    }
}

fn reads<'a>(name: &str, args: &[&'a str], plain: &[&'a str], found: &mut Vec<(Effect, &'a str)>) {
    let has_script =
        args.iter().any(|arg| matches!(*arg, "-e" | "-f" | "--regexp" | "--expression" | "--file"));
    let skipped = usize::from(PATTERN_FIRST.contains(name) && !has_script);
    let is_copy = WRITES_LAST.contains(name) || list!("tee dd sponge vim nano vi nvim rsync").contains(name);
    // `name=text` is no file to these, only what stands behind `@`.
    let tells_text = matches!(name, "http" | "https" | "xh" | "httpie");
    if !is_copy && !tells_text {
        // A sentence is no path.
        let is_path =
            |word: &&&str| word.split_once(' ').is_none_or(|(first, _)| first.contains(['/', '.', '~']));
        for path in plain.iter().skip(skipped).filter(is_path) {
            let path = path
                .split_once('@')
                .map_or(*path, |(before, path)| if before.contains('/') { before } else { path });
            found.push((Effect::Read, path));
        }
    }
    for arg in args.iter().filter(|arg| arg.len() < 4096 && arg.bytes().any(|b| b"@=:".contains(&b))) {
        let signs: &[char] = if tells_text { &['@'] } else { &['@', '=', ':'] };
        // A file of variables goes to where it is used.
        let is_target = is_copy && Some(arg) == plain.last() && is_remote(arg);
        if is_target && arg.rsplit('/').next().is_some_and(|name| name.starts_with(".env")) {
            continue;
        }
        let pieces = arg.split(signs).skip(1).take(16);
        found.extend(pieces.filter(|path| path.contains(['/', '.', '~'])).map(|path| (Effect::Read, path)));
        // docker run -v ~/.ssh:/x
        found.extend(
            arg.split_once(':')
                .filter(|(path, _)| path.starts_with(['~', '/', '.']))
                .map(|(path, _)| (Effect::Read, path)),
        );
    }
}

/// `host:path`
pub(super) fn is_remote(path: &str) -> bool {
    path.find(':').is_some_and(|at| at > 1 && !path[..at].contains('/'))
}

/// Whether `tar` takes files out of an archive: `x`, `-xzf`, `-C / -xzf`.
pub(super) fn extracts(args: &[&str]) -> bool {
    let is_cluster = |arg: &str| arg.starts_with('-') && !arg.starts_with("--");
    args.iter().enumerate().any(|(at, arg)| {
        matches!(*arg, "--extract" | "--get")
            || (at == 0 && !arg.starts_with("--") || is_cluster(arg))
                && arg.contains('x')
                && !arg.contains('c')
    })
}
