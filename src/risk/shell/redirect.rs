//! Redirections: what a command reads, and where its output goes.

use crate::risk::lookup::{Names, list};
use std::borrow::Cow;

use super::interpreters::is_shell;
use super::{Judge, Stream};
use crate::risk::effects::{self, Effect};
use crate::risk::paths::{self, Place};
use crate::risk::syntax::ast::{Redirect, RedirectKind};
use crate::risk::value::{Origin, comes_from, is_hole, shown};

/// Programs that nobody replaces by accident.
const SHADOWED: Names = list!(
    "ls cat sudo su ssh scp git ps passwd login netstat ss top bash sh curl wget gpg id who find grep rm cp
     mv crontab systemctl iptables sshd cron python python3 perl node npm npx pip pip3 docker kubectl env
     doas pkexec make gcc cc ld zsh dash tar chmod ip ping lsof gh aws terraform vim vi nano less more man"
);

/// Whether this is the name of a program that everybody trusts.
pub(in crate::risk) fn is_trusted_name(name: &str) -> bool {
    SHADOWED.contains(name)
}

/// The name of what reads the descriptor of a coprocess.
const COPROCESS: &str = "\u{0}coproc";

/// The name of what a coprocess wrote.
pub(super) const COPROCESS_OUTPUT: &str = "/dev/fd/coproc";

/// Links that are followed.
const MAX_LINKS: usize = 8;
/// Files that `exec` opens.
const MAX_OPENED: usize = 8;
/// Bytes of a pattern, and of a path, that files are looked for by.
const MAX_PATTERN: usize = 64;
/// Files that a pattern is tried on.
const MAX_MATCHED: usize = 16;

/// A file that takes the output of a command, and whether it is added to it.
type Target = (String, bool);

/// A socket of this machine's own.
fn is_loopback(path: &str) -> bool {
    ["/dev/tcp/127.0.0.1/", "/dev/tcp/localhost/", "/dev/udp/127.0.0.1/"]
        .iter()
        .any(|start| path.starts_with(start))
}

impl Judge<'_> {
    /// Judges redirections; gives the input, and the files that take the output when it does not go on.
    pub(super) fn redirects(
        &mut self,
        redirects: &[Redirect],
        mut input: Stream,
        name: &str,
    ) -> (Stream, Option<Vec<Target>>) {
        let mut targets: Option<Vec<Target>> = None;
        for redirect in redirects {
            if !self.pay(2) {
                break;
            }
            if matches!(redirect.kind, RedirectKind::HereDocument | RedirectKind::HereString) {
                let end = if redirect.kind == RedirectKind::HereString { "\n" } else { "" };
                let text = self.text_of(&redirect.target) + end;
                match redirect.descriptor.filter(|descriptor| *descriptor != 0) {
                    Some(descriptor) => self.keep_open(descriptor, &text),
                    None => input = Some(text),
                }
                continue;
            }
            let path =
                self.expand(&redirect.target).into_iter().map(|arg| arg.text).collect::<Vec<_>>().join(" ");
            let writes =
                matches!(redirect.kind, RedirectKind::Write | RedirectKind::Append | RedirectKind::ReadWrite);
            if name == "exec" && writes && self.opened.len() < MAX_OPENED {
                self.opened.push((redirect.descriptor.unwrap_or(1), path.clone()));
            }
            match redirect.kind {
                RedirectKind::Read => {
                    let content = self.reads(&path, name);
                    match redirect.descriptor.filter(|descriptor| *descriptor != 0) {
                        Some(descriptor) => self.keep_open(descriptor, &content),
                        None => input = Some(content),
                    }
                }
                // Whether a port of this machine is open.
                RedirectKind::ReadWrite if is_loopback(&path) => {
                    self.find("listen", &format!("{name} {path}"))
                }
                RedirectKind::ReadWrite => {
                    self.effect(Effect::Write, &path, name);
                    if path.starts_with("/dev/tcp/") || path.starts_with("/dev/udp/") {
                        self.find("remote-shell", &format!("{name} {path}"));
                    }
                }
                RedirectKind::Write | RedirectKind::Append => {
                    let adds = redirect.kind == RedirectKind::Append;
                    self.writes(&path, adds, name, input.as_deref());
                    if redirect.descriptor.is_none_or(|descriptor| descriptor == 1) {
                        targets.get_or_insert_default().push((path, adds));
                    }
                }
                // >&$file, unless it comes to a number.
                RedirectKind::Duplicate
                    if path.contains(|c: char| !c.is_ascii_digit() && !is_hole(c) && c != '-') =>
                {
                    self.writes(&path, false, name, input.as_deref());
                    targets.get_or_insert_default().push((path, false));
                }
                // >&${COPROC[1]}: a shell that runs beside.
                RedirectKind::Duplicate if redirect.target.literal().is_none() => {
                    if let Some(content) = self.content(COPROCESS_OUTPUT) {
                        if comes_from(&content, Origin::NETWORK) && is_shell(name) {
                            self.find("remote-shell", name);
                        }
                        input = Some(content);
                    }
                    targets.get_or_insert_default().push((COPROCESS.to_owned(), true));
                }
                // >&3, <&3
                _ => {
                    if let Some(opened) = path.parse().ok().and_then(|number| self.opened_as(number)) {
                        targets.get_or_insert_default().push((opened, true));
                    }
                    if let Some(content) = self.content(&format!("/dev/fd/{path}")) {
                        input = Some(content);
                    }
                }
            }
        }
        (input, targets)
    }

    /// The file that `exec` opened with this number.
    fn opened_as(&self, number: u32) -> Option<String> {
        self.opened.iter().rev().find(|(known, _)| *known == number).map(|(_, path)| path.clone())
    }

    /// Keeps what is read from a descriptor.
    fn keep_open(&mut self, descriptor: u32, content: &str) {
        for folder in ["/dev/fd", "/proc/self/fd"] {
            self.keep(&format!("{folder}/{descriptor}"), content, false);
        }
    }

    /// What a file holds that is read.
    pub(super) fn reads(&mut self, path: &str, name: &str) -> String {
        if path == "/dev/null" {
            return String::new();
        }
        let place = self.effect(Effect::Read, path, name);
        self.content(path).unwrap_or_else(|| self.origin_of(place, path).text())
    }

    /// Where the content of a file comes from that was not written by these commands.
    pub(super) fn origin_of(&self, place: Place, path: &str) -> Origin {
        let own = match place {
            Place::Secret => Origin::SECRET | Origin::PRIVATE,
            Place::Socket => Origin::NETWORK,
            Place::System | Place::Defence | Place::Persistent => Origin::PRIVATE,
            Place::Home | Place::Outside => Origin::PRIVATE | Origin::FILE,
            Place::Harmless => Origin::UNKNOWN,
            Place::Dotenv => Origin::FILE | Origin::CREDENTIAL,
            _ => Origin::FILE,
        };
        match crate::risk::value::origin(path) {
            Some(origin) if origin.has(Origin::NETWORK) => own | Origin::NETWORK,
            _ => own,
        }
    }

    /// What these commands wrote to a file.
    pub(super) fn content(&self, path: &str) -> Option<String> {
        if self.files.is_empty() {
            return None;
        }
        if let Some(content) = self.files.get(path) {
            return Some(content.to_owned());
        }
        let resolved = self.resolve(path);
        if let Some(content) = self.files.get(&resolved) {
            return Some(content.to_owned());
        }
        self.files.fetched(super::names::base(&resolved)).or_else(|| self.matching(&resolved))
    }

    /// What the files hold that a pattern stands for, one after the other.
    fn matching(&self, pattern: &str) -> Option<String> {
        if !pattern.contains(['*', '?', '[']) || pattern.len() > MAX_PATTERN || self.files.len() > MAX_MATCHED
        {
            return None;
        }
        // Counts for as many paths as it is tried on.
        self.paths.set(self.paths.get() + MAX_MATCHED);
        if self.paths.get() > super::MAX_PATHS {
            return None;
        }
        let found =
            self.files.such(|path| path.len() < MAX_PATTERN && crate::risk::matcher::like(pattern, path));
        (!found.is_empty()).then(|| found.concat())
    }

    /// Keeps what is written to a file.
    pub(super) fn keep(&mut self, path: &str, content: &str, adds: bool) {
        if path == "/dev/null" || path.is_empty() {
            return;
        }
        if let Some(at) = self.sinks.iter().position(|(sink, _)| sink == path) {
            let sink = self.sinks.remove(at);
            self.script(&sink.1, Some(content.to_owned()));
            if self.opened.iter().any(|(_, opened)| *opened == sink.0) {
                self.sinks.push(sink);
            }
            return;
        }
        let resolved = self.resolve(path);
        let kept = if self.spend(content.len()) { content } else { &Origin::UNKNOWN.text() };
        self.files.write(resolved, kept, adds);
    }

    /// Sends a command's output where it goes.
    pub(super) fn deliver(&mut self, output: Stream, targets: Option<Vec<Target>>) -> Stream {
        // What is shown goes where `exec` lets it go.
        let shown = || self.opened_as(1).filter(|_| self.captured == 0 && output.is_some());
        let Some(targets) = targets.or_else(|| shown().map(|path| vec![(path, true)])) else { return output };
        let is_nothing = output.as_deref() == Some("");
        let content = output.unwrap_or_default();
        for (path, adds) in targets {
            if path == COPROCESS {
                self.text(&content, "coproc", None);
                continue;
            }
            let is_socket = path.starts_with("/dev/tcp/") || path.starts_with("/dev/udp/");
            if is_socket && comes_from(&content, Origin::SECRET | Origin::PRIVATE | Origin::FILE) {
                self.find("send-secret", &path);
            }
            if is_socket {
                self.sent_lines(&content, &path);
            }
            if is_nothing && !adds {
                self.emptied(&path);
            }
            self.poisons(&path, &content);
            self.keep(&path, &content, adds);
        }
        None
    }

    /// A profile in which nothing is left is gone.
    pub(super) fn emptied(&mut self, path: &str) {
        if self.place(&self.resolve(path)) == Place::Profile {
            self.effect(Effect::Empty, path, ">");
        }
    }

    /// A path with letters that only look like Latin ones, or cannot be seen, is what it is read as.
    fn read_plainly(&mut self, effect: Effect, path: &str, place: Place) -> Place {
        let plain = super::names::plain_text(path);
        if plain == path || !plain.is_ascii() {
            return place;
        }
        let place = self.place(&plain);
        if effects::rule(effect, place)
            .and_then(crate::risk::rules::rule)
            .is_some_and(|rule| rule.level == crate::risk::Level::High)
        {
            self.find("look-alike", path);
        }
        place
    }

    /// What is put into a profile runs with every new shell.
    pub(super) fn poisons(&mut self, path: &str, content: &str) {
        if gives_secrets_away(path, content) {
            self.find("send-secret", path);
        }
        self.plants(path, content);
        if self.place(&self.resolve(path)) != Place::Profile {
            return;
        }
        if comes_from(content, Origin::NETWORK | Origin::DECODED)
            || content.contains("/tmp/")
            || content.contains("/dev/shm/")
            || starts_hidden(content)
            || content.contains('&') && goes_on(path, content)
        {
            return self.find("poisoned-profile", path);
        }
        let before = self.best.level;
        let (mark, files) = (self.scope.mark(), self.files.mark());
        self.text(content, path, None);
        self.profile_commands(content);
        self.scope.back_to(mark);
        self.files.back_to(files);
        if self.best.level == crate::risk::Level::High && before != crate::risk::Level::High {
            self.best.level = before;
            self.find("poisoned-profile", &shown(content));
        }
    }

    fn writes(&mut self, path: &str, adds: bool, name: &str, input: Option<&str>) {
        let is_emptied = matches!(name, "" | ":" | "true") && input.is_none();
        let effect = match adds {
            true => Effect::Append,
            // Whatever is written into all that there is, that is lost.
            false if is_emptied && self.is_looping() && super::names::base(path).chars().all(is_hole) => {
                Effect::Delete
            }
            false if is_emptied || path.ends_with("/*") || path.ends_with("/**") => effects::emptying(path),
            false => Effect::Write,
        };
        let place = self.place(&self.resolve(path));
        // A program that only says a fixed text, or nothing, tries whether a port is open.
        let is_probe = place == Place::Socket
            && matches!(name, "echo" | "printf" | ":" | "true" | "" | "cat")
            && input.is_none();
        // A program that never ends, into a file: until the disk is full.
        if name == "yes" && place != Place::Harmless {
            self.find("halt", &format!("{name} > {}", shown(path)));
        }
        if is_probe {
            self.find("send", &format!("{name} > {}", shown(path)));
        } else {
            self.effect(effect, path, name);
        }
    }

    /// Where a path leads, links that these commands made followed.
    pub(super) fn resolve(&self, path: &str) -> String {
        // `~+` is the folder one is in, `~-` the one before.
        let path = match path.get(..2).filter(|_| path.get(2..3).is_none_or(|next| next == "/")) {
            Some("~+") => Cow::Owned(format!(".{}", &path[2..])),
            Some("~-") => {
                let before = self.scope.get("OLDPWD").and_then(|items| items.at("0")).unwrap_or_default();
                Cow::Owned(before + &path[2..])
            }
            _ => Cow::Borrowed(path),
        };
        let mut resolved = paths::resolve(&path, &self.folder, self.context);
        for (link, target) in &self.links {
            let rest =
                resolved.strip_prefix(link.as_str()).filter(|rest| rest.is_empty() || rest.starts_with('/'));
            if let Some(rest) = rest {
                resolved = paths::resolve(&format!("{target}{rest}"), "", self.context);
            }
        }
        resolved
    }

    /// Notes a link, or a copy of a program.
    pub(super) fn link(&mut self, name: &str, target: &str) {
        if self.links.len() < MAX_LINKS {
            let (name, target) = (paths::resolve(name, &self.folder, self.context), self.resolve(target));
            self.links.push((name, target));
        }
    }

    /// Judges what is done with a path.
    pub(super) fn effect(&mut self, effect: Effect, path: &str, name: &str) -> Place {
        if let Some(plain) = ungrouped(path).filter(|_| path.len() < MAX_PATTERN) {
            self.effect(effect, &plain, name);
        }
        // A name may carry what is run later.
        if path.contains(' ') && self.named.len() < MAX_LINKS {
            self.named.push(path.to_owned());
        }
        let resolved = self.resolve(path);
        let mut place = self.place(&resolved);
        if !path.is_ascii() {
            place = self.read_plainly(effect, &resolved, place);
            // What parts a name in two, and that nobody set, is nothing: `/etc/sha${x}dow`.
            if parts_a_name(path) {
                self.effect(effect, &path.replace(is_hole, ""), name);
            }
        }
        // A whole home or root that is moved is gone for whoever lives there.
        let is_whole =
            matches!(resolved.as_str(), "~" | "~/*" | "~/.*" | "/" | "/*" | "/srv/*" | "/opt/*" | "/var/*");
        let effect = if effect == Effect::Move && is_whole { Effect::DeleteTree } else { effect };
        if path.starts_with("/dev/")
            && matches!(effect, Effect::Delete | Effect::DeleteTree)
            && place == Place::Harmless
        {
            place = Place::System;
        }
        let base = super::names::base(&resolved);
        if matches!(effect, Effect::Write | Effect::Empty | Effect::Append)
            && resolved.contains("/bin/")
            && is_trusted_name(base)
        {
            self.find("search-path", &format!("{name} {path}"));
        }
        // The keys of what is live, of another project, that nothing brings back.
        if place == Place::Dotenv
            && matches!(effect, Effect::Write | Effect::Delete | Effect::DeleteTree)
            && resolved.starts_with(['/', '~'])
            && super::particulars::says_production(&resolved)
        {
            self.find("overwrite-system", &format!("{name} {path}"));
        }
        // What is not known, in a folder that is not the project's.
        if place == Place::Unknown && !self.folder.is_empty() && path.starts_with(is_hole) {
            let below = self.place(&format!("{}/x", self.folder));
            let is_others = !matches!(below, Place::Home | Place::Profile);
            place = if is_others && effects::rule(effect, below) == Some("delete-outside") {
                below
            } else {
                place
            };
        }
        if let Some(id) = effects::rule(effect, place) {
            let is_quiet = name == "touch" || name == "mkdir";
            if !is_quiet || place == Place::Persistent || place == Place::Secret && name == "touch" {
                self.find(id, &format!("{name} {path}"));
            }
        }
        place
    }
}

/// Whether something that is not known stands between two letters.
fn parts_a_name(path: &str) -> bool {
    let mut before = ' ';
    let mut letters = path.chars().peekable();
    while let Some(letter) = letters.next() {
        if is_hole(letter)
            && before.is_ascii_alphanumeric()
            && letters.peek().is_some_and(char::is_ascii_alphanumeric)
        {
            return true;
        }
        before = letter;
    }
    false
}

/// Whether a profile's text starts a program that goes on by itself, or one that lies among caches, where none is
/// installed, or reads one of a hidden name among them.
fn starts_hidden(content: &str) -> bool {
    let commands = content.split(['\n', ';', '&', '|', '!', '"', '\'', '(']);
    let is_hidden = |path: &str| {
        HIDING.iter().any(|folder| {
            path.split_once(folder).is_some_and(|(_, below)| {
                below.starts_with('.') || folder != "/.config/" && below.contains("/.")
            })
        })
    };
    commands.map(str::trim_start).any(|command| {
        let mut words = command.split_whitespace();
        let program = words.next().unwrap_or_default();
        matches!(program, "nohup" | "setsid")
            || program.contains("/.cache/") && !program.contains('=')
            || is_hidden(if matches!(program, "." | "source") {
                words.next().unwrap_or_default()
            } else {
                program
            })
    }) || content.lines().any(|line| {
        // `run-shell -b 'program'`
        let in_background = line
            .trim_start()
            .strip_prefix("run-shell -b ")
            .or_else(|| line.trim_start().strip_prefix("run -b "));
        in_background.is_some_and(|rest| !rest.contains("tmux") && rest.contains(['/', '~']))
    })
}

/// Whether a profile leaves a program of somebody's home running, or a script: `~/.local/share/x &`. Desktops start what
/// they consist of like that, but not what lies among data.
fn goes_on(profile: &str, content: &str) -> bool {
    let is_desktop =
        [".xprofile", ".xinitrc", ".xsession", ".xsessionrc"].iter().any(|name| profile.ends_with(name));
    content.lines().any(|line| {
        let line = line.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ';' | ')'));
        let line = line.strip_suffix("disown").map_or(line, str::trim_end);
        let Some(line) = line.strip_suffix('&').filter(|line| !line.ends_with('&')) else { return false };
        let command = line.rsplit([';', '&', '|', '"', '\'', '(']).next().unwrap_or_default();
        let mut words = command.split_whitespace();
        let program = words.next().unwrap_or_default();
        let is_code = super::interpreters::is_shell(program) || super::interpreters::is_interpreter(program);
        let path = match is_code {
            true => words.find(|word| !word.starts_with('-')).unwrap_or_default(),
            // A tilde in quotes.
            false => program.strip_prefix("./").unwrap_or(program),
        };
        let is_own = ["~/", "$HOME/", "${HOME}/", "/home/"].iter().any(|home| path.starts_with(home));
        let is_data = ["/.local/share/", "/.cache/"].iter().any(|folder| path.contains(folder));
        is_own && !path.contains("/bin/") && (is_data || !is_desktop)
    })
}

/// Folders in which programs keep what is theirs, and nobody looks for a script of a hidden name.
const HIDING: Names = list!("/.cache/ /.local/ /.config/");

/// A path without the groups of its pattern: `/etc/@(shadow)`.
fn ungrouped(path: &str) -> Option<String> {
    let signs = ["@(", "+(", "?(", "*("];
    let at = signs.iter().filter(|_| path.contains('(')).find_map(|sign| path.find(sign))?;
    let (group, behind) = path[at + 2..].split_once(')')?;
    Some(format!("{}{}{behind}", &path[..at], group.split('|').next().unwrap_or_default()))
}

/// Whether a job of a service that builds would send out the secrets that it is given.
pub(in crate::risk) fn gives_secrets_away(path: &str, content: &str) -> bool {
    let is_job = [
        ".github/workflows/",
        ".github/actions/",
        ".gitlab-ci",
        ".circleci/",
        "azure-pipelines",
        "bitbucket-pipelines",
        "jenkinsfile",
        ".drone.yml",
        ".woodpecker",
        ".travis.yml",
        ".buildkite/",
        ".gitea/workflows/",
        ".forgejo/workflows/",
        "cloudbuild.",
    ];
    let path = path.to_ascii_lowercase();
    if !is_job.iter().any(|name| path.contains(name)) || content.len() > 64 * 1024 {
        return false;
    }
    let plain: String = content.to_ascii_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
    let all = plain.contains("tojson(secrets)") || plain.contains("tojson(env)");
    // Code of strangers that is run with what the job may do.
    let strangers = ["pull_request.head.sha", "pull_request.head.ref", "github.head_ref"];
    let hands_over = plain.contains("pull_request_target")
        && strangers.iter().any(|head| plain.contains(head))
        && ["secrets.", "write-all", "contents:write", "id-token:write"]
            .iter()
            .any(|given| plain.contains(given));
    // Files of credentials, under the variables that they are given in.
    let files: Vec<String> = content
        .split("ariable:")
        .skip(1)
        .filter_map(|rest| rest.split(['\'', '"']).nth(1))
        .filter(|name| !name.is_empty())
        .take(16)
        .map(|name| format!("${}", name.to_ascii_lowercase()))
        .collect();
    let sends = |line: &str| {
        let line = line.to_ascii_lowercase();
        let uploads = |file: &String| {
            ["-t ", "@", "--upload-file "].iter().any(|how| line.contains(&format!("{how}{file}")))
        };
        if line.contains("curl ") && files.iter().any(uploads) {
            return true;
        }
        let leaves = ["curl ", "wget ", "| nc ", "ncat ", "/dev/tcp/", "nslookup ", "dig "]
            .iter()
            .any(|word| line.contains(word));
        let given = [
            "| base64",
            "printenv |",
            "env |",
            "env|",
            "$(env",
            "$(printenv",
            "/proc/self/environ",
            "--data-binary @-",
            "-d @-",
        ];
        let all = [
            "env |",
            "env|",
            "printenv |",
            "printenv|",
            "$(env",
            "$(printenv",
            "/proc/self/environ",
            "set |",
        ];
        leaves && all.iter().any(|word| line.contains(word))
            || given.iter().any(|word| line.contains(word))
                && line.contains("secrets.")
                && !line.contains("base64 -d")
                && !line.contains("base64 --decode")
            || leaves
                && line.contains("secrets.")
                && crate::risk::rules::network::DROPS.iter().any(|host| line.contains(host))
    };
    all || hands_over || content.lines().any(sends)
}
