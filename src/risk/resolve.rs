//! What would run: walks the structure with the variables, functions, folder and input that commands see, unwraps what
//! runs something else, and asks the rules about every command. The work is bounded by [`FUEL`].

use std::collections::HashMap;

use base64::Engine as _;

use super::code::{self, Does};
use super::effects::{self, Effect};
use super::parse::{self, Command, Part, Pipeline, Redirect, RedirectKind, Script, Simple, Word};
use super::paths::{self, Place, UNKNOWN};
use super::rules::{self, rule};
use super::wrappers::{self, is_name};
use super::{Context, MAX_BYTES, Span, Verdict, matcher};

/// Values of a loop that its body is judged with; with more, the rest counts as not understood.
const MAX_VALUES: usize = 8;
/// Folders that `find` starts in and that its `-exec` is judged with.
const MAX_STARTS: usize = 4;
/// Words from standard input that become arguments of what `xargs` runs.
const MAX_ARGUMENTS: usize = 32;

/// Commands that are looked at in one text, those inside of others included.
const FUEL: usize = 4000;

/// Bytes that expansions may make in one text.
const MAX_EXPANDED: usize = 256 * 1024;

/// How deep commands may be given to other commands.
const MAX_NESTING: usize = 24;

/// Words that braces may make of one.
const MAX_BRACES: usize = 64;

/// What a command's output, or a word, may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Flow {
    /// Nothing of interest.
    Nothing,
    /// This text.
    Text(String),
    /// Something not known.
    Unknown,
    /// Something that was decoded.
    Decoded,
    /// Something secret.
    Secret,
    /// Something from the network.
    Network,
}

impl Flow {
    const fn weight(&self) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::Text(_) => 1,
            Self::Unknown => 2,
            Self::Decoded => 3,
            Self::Secret => 4,
            Self::Network => 5,
        }
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) if a.len() + b.len() < MAX_BYTES => Self::Text(a + &b),
            (a, b) if a.weight() >= b.weight() => a,
            (_, b) => b,
        }
    }
}

/// A word after expansion.
#[derive(Clone, Debug)]
struct Arg {
    text: String,
    flow: Flow,
}

/// Judges a command line.
#[must_use]
pub fn judge_command(command: &str, context: &Context<'_>) -> Verdict {
    let whole = Span { start: 0, end: command.len() };
    let (text, is_cut) = match command.char_indices().find(|(at, _)| *at >= MAX_BYTES) {
        Some((at, _)) => (&command[..at], true),
        None => (command, false),
    };
    let mut judge = Judge {
        context,
        best: Verdict::low(),
        variables: HashMap::new(),
        functions: HashMap::new(),
        downloaded: Vec::new(),
        folder: String::new(),
        fuel: FUEL,
        expanded: 0,
        nesting: 0,
        span: whole,
        is_inner: false,
        trail: Vec::new(),
    };
    if is_cut {
        judge.find("too-long", "");
    }
    judge.fork_bomb(text);
    let script = parse::parse(text);
    judge.script(&script, Flow::Nothing);
    if script.odd.is_some() {
        judge.span = whole;
        judge.find("not-understood", "");
    }
    judge.best
}

struct Judge<'a> {
    context: &'a Context<'a>,
    best: Verdict,
    variables: HashMap<String, Flow>,
    functions: HashMap<String, Script>,
    downloaded: Vec<String>,
    folder: String,
    fuel: usize,
    expanded: usize,
    nesting: usize,
    span: Span,
    /// Whether the text that is walked is not the one that was given, so that its places mean nothing there.
    is_inner: bool,
    trail: Vec<String>,
}

const SHELLS: &[&str] =
    &["sh", "bash", "zsh", "dash", "ksh", "ash", "fish", "rbash", "mksh", "csh", "tcsh", "pwsh"];
const INTERPRETERS: &[&str] = &[
    "python",
    "perl",
    "ruby",
    "node",
    "nodejs",
    "php",
    "lua",
    "deno",
    "bun",
    "awk",
    "gawk",
    "mawk",
    "nawk",
    "tclsh",
    "osascript",
    "Rscript",
    "julia",
    "groovy",
    "jshell",
    "ipython",
    "pypy",
    "pypy3",
    "irb",
    "expect",
];
const FETCHERS: &[&str] = &[
    "curl",
    "wget",
    "fetch",
    "aria2c",
    "http",
    "https",
    "lynx",
    "w3m",
    "nc",
    "ncat",
    "netcat",
    "ftp",
    "tftp",
    "telnet",
    "socat",
    "links",
    "axel",
    "lwp-request",
    "GET",
    "dig",
    "nslookup",
    "scp",
    "sftp",
    "xh",
    "host",
];
const SENDERS: &[&str] = &[
    "curl", "wget", "nc", "ncat", "netcat", "socat", "ssh", "scp", "rsync", "ftp", "sftp", "telnet", "mail",
    "mailx", "sendmail", "openssl", "http", "https", "dig", "nslookup", "host", "aws", "gsutil", "rclone",
    "xh", "tftp", "ping", "mutt", "s3cmd", "gh",
];
const SECRET_PRINTERS: &[&str] = &["env", "printenv", "history", "set", "declare", "export"];
const ROUTINE_WITH_SUDO: &[&str] = &[
    "apt",
    "apt-get",
    "dnf",
    "yum",
    "apk",
    "pacman",
    "brew",
    "zypper",
    "snap",
    "systemctl",
    "service",
    "docker",
    "docker-compose",
    "ls",
    "cat",
    "less",
    "head",
    "tail",
    "grep",
    "du",
    "df",
    "lsof",
    "ss",
    "netstat",
    "journalctl",
    "dmesg",
    "ps",
    "nginx",
    "npm",
    "pip",
    "pip3",
    "make",
    "gem",
    "port",
    "softwareupdate",
    "mkdir",
    "certbot",
    "find",
    "stat",
    "lsblk",
    "whoami",
    "id",
    "ip",
    "iptables",
    "fdisk",
    "kill",
    "echo",
    "apachectl",
    "supervisorctl",
    "cp",
    "mv",
    "ln",
    "touch",
    "apt-cache",
    "updatedb",
    "ldconfig",
    "htop",
    "top",
    "tcpdump",
    "test",
    "true",
    "date",
    "wc",
    "file",
    "-n",
];

impl Judge<'_> {
    fn find(&mut self, id: &str, words: &str) {
        let Some(found) = rule(id) else { return };
        if found.level > self.best.level || self.best.rule.is_none() {
            self.best = Verdict {
                level: found.level,
                rule: Some(found),
                words: words.chars().take(200).collect(),
                span: self.span,
                unwrapped: self.trail.clone(),
            };
        }
    }

    /// `f() { f | f & }`: a function that runs itself in a pipeline and in the background.
    fn fork_bomb(&mut self, text: &str) {
        let tight: String = text.chars().take(4096).filter(|c| !c.is_whitespace()).collect();
        for (at, _) in tight.match_indices("(){").take(16) {
            let start = tight[..at].rfind([';', '&', '|', '}', '\'', '"']).map_or(0, |at| at + 1);
            let name = tight[start..at].trim_start_matches("function");
            if !name.is_empty() && tight[at + 3..].starts_with(&format!("{name}|{name}&")) {
                self.find("fork-bomb", name);
            }
        }
    }

    fn script(&mut self, script: &Script, input: Flow) -> Flow {
        let mut output = Flow::Nothing;
        for pipeline in &script.pipelines {
            let flow = self.pipeline(pipeline, input.clone());
            output = output.or(flow);
        }
        output
    }

    fn pipeline(&mut self, pipeline: &Pipeline, input: Flow) -> Flow {
        let mut flow = input;
        for command in &pipeline.commands {
            if self.fuel == 0 {
                self.find("not-understood", "");
                return Flow::Unknown;
            }
            self.fuel -= 1;
            flow = self.command(command, flow);
        }
        flow
    }

    fn command(&mut self, command: &Command, input: Flow) -> Flow {
        match command {
            Command::Simple(simple) => self.simple(simple, input),
            Command::Function { name, body } => {
                // Judged when defined, for it may be called in ways that cannot be seen.
                self.script(body, Flow::Nothing);
                self.functions.insert(name.clone(), body.clone());
                Flow::Nothing
            }
            Command::Group { body, redirects, each } => {
                let input = self.redirects(redirects, input, "").0;
                if let Some((name, words)) = each {
                    let values: Vec<Arg> = words.iter().flat_map(|word| self.expand(word)).collect();
                    let mut output = Flow::Nothing;
                    if values.len() > MAX_VALUES {
                        // Every value may matter, so those that are not looked at must not pass for harmless.
                        self.find("not-understood", "");
                    }
                    for value in values.iter().take(MAX_VALUES) {
                        let value = if value.text.contains(UNKNOWN) {
                            value.flow.clone().or(Flow::Unknown)
                        } else {
                            Flow::Text(value.text.clone())
                        };
                        self.variables.insert(name.clone(), value);
                        output = output.or(self.script(body, input.clone()));
                    }
                    if values.is_empty() {
                        self.variables.insert(name.clone(), Flow::Unknown);
                        output = self.script(body, input);
                    }
                    return output;
                }
                let folder = self.folder.clone();
                let output = self.script(body, input);
                self.folder = folder;
                output
            }
        }
    }

    fn redirects(&mut self, redirects: &[Redirect], mut input: Flow, name: &str) -> (Flow, bool) {
        let mut leaves = true;
        for redirect in redirects {
            let words = self.expand(&redirect.target);
            match redirect.kind {
                RedirectKind::Here => {
                    let flow = words.iter().fold(Flow::Nothing, |flow, word| flow.or(word.flow.clone()));
                    let whole: Vec<_> = words.iter().map(|word| word.text.as_str()).collect();
                    let text = redirect.target.literal().unwrap_or_else(|| whole.join(" "));
                    input = if flow.weight() > 1 { flow } else { Flow::Text(text) };
                }
                RedirectKind::Duplicate => {}
                kind => {
                    for word in &words {
                        let effect = match kind {
                            RedirectKind::Read => Effect::Read,
                            RedirectKind::Append => Effect::Append,
                            _ => Effect::Write,
                        };
                        let place = self.effect(effect, &word.text, name);
                        if kind == RedirectKind::Read {
                            input = match (place, &word.flow) {
                                (Place::Secret, _) => Flow::Secret,
                                (Place::Socket, _) => Flow::Network,
                                (_, Flow::Nothing | Flow::Text(_)) if self.is_downloaded(&word.text) => {
                                    Flow::Network
                                }
                                (_, Flow::Nothing | Flow::Text(_)) => Flow::Unknown,
                                (_, flow) => flow.clone(),
                            };
                        } else {
                            leaves = false;
                            if FETCHERS.contains(&name) || input == Flow::Network {
                                self.downloaded.push(word.text.clone());
                            }
                        }
                    }
                }
            }
        }
        (input, leaves)
    }

    /// Judges what is done with a path.
    fn effect(&mut self, effect: Effect, path: &str, name: &str) -> Place {
        let resolved = paths::resolve(path, &self.folder, self.context);
        let mut place = paths::place(&resolved);
        if path.starts_with("/dev/")
            && matches!(effect, Effect::Delete | Effect::DeleteTree)
            && place == Place::Harmless
        {
            place = Place::System;
        }
        if let Some(id) = effects::rule(effect, place) {
            let quiet = name == "touch" || name == "mkdir";
            if !quiet || matches!(place, Place::Persistent | Place::Secret) {
                self.find(id, &format!("{name} {}", path.replace(UNKNOWN, "…")));
            }
        }
        place
    }

    fn is_downloaded(&self, path: &str) -> bool {
        let base = base_name(path);
        !base.is_empty() && self.downloaded.iter().any(|known| base_name(known) == base)
    }

    fn simple(&mut self, simple: &Simple, input: Flow) -> Flow {
        let outer = self.span;
        if !self.is_inner {
            self.span = simple.span;
        }
        let mut values = Vec::new();
        for (name, word) in &simple.assignments {
            let words = self.expand(word);
            let flow = words.iter().fold(Flow::Nothing, |flow, arg| {
                flow.or(if matches!(arg.flow, Flow::Text(_)) { Flow::Nothing } else { arg.flow.clone() })
            });
            let text = words.iter().map(|arg| arg.text.as_str()).collect::<Vec<_>>().join(" ");
            let flow = if name == "PATH" {
                Flow::Text(text)
            } else if flow.weight() > 1 {
                flow
            } else if text.contains(UNKNOWN) {
                Flow::Unknown
            } else {
                Flow::Text(text)
            };
            values.push((name.clone(), flow));
        }
        for (name, value) in &values {
            self.assigned(name, value);
        }
        let args: Vec<Arg> = simple.words.iter().flat_map(|word| self.expand(word)).collect();
        let name = args.first().map(|arg| base_name(&arg.text).to_owned()).unwrap_or_default();
        // bash has an inline variable set for the command only; the last value is the likely one for the rest.
        if args.is_empty() || name == "eval" {
            self.variables.extend(values);
        }
        let (input, leaves) = self.redirects(&simple.redirects, input, &name);
        let output = if args.is_empty() { input } else { self.run(&args, input) };
        if !leaves && output == Flow::Network {
            for redirect in &simple.redirects {
                self.downloaded.extend(redirect.target.literal());
            }
        }
        self.span = outer;
        if leaves { output } else { Flow::Nothing }
    }

    fn assigned(&mut self, name: &str, value: &Flow) {
        let text = if let Flow::Text(text) = value { text.as_str() } else { "" };
        let odd = match name {
            "LD_PRELOAD"
            | "LD_AUDIT"
            | "DYLD_INSERT_LIBRARIES"
            | "BASH_ENV"
            | "PROMPT_COMMAND"
            | "GIT_SSH_COMMAND"
            | "PYTHONSTARTUP"
            | "PERL5OPT" => !text.is_empty() || value.weight() > 1,
            "LD_LIBRARY_PATH" | "PATH" => {
                let first = text.split(':').next().unwrap_or_default();
                let first = paths::resolve(first, &self.folder, self.context);
                ["/tmp", "/dev/shm", "/var/tmp"].iter().any(|root| first.starts_with(root))
                    || text == "."
                    || text.starts_with(".:")
            }
            "NODE_OPTIONS" | "RUBYOPT" | "PYTHONPATH" | "PERL5LIB" => {
                text.contains("/tmp/") && text.contains("-r") || text.starts_with("/tmp/")
            }
            _ => false,
        };
        if odd {
            let id = if name == "PROMPT_COMMAND" { "hook" } else { "search-path" };
            self.find(id, &format!("{name}={text}"));
        }
        if matches!(name, "HISTFILE" | "HISTSIZE" | "HISTFILESIZE") && matches!(text, "" | "0" | "/dev/null")
        {
            self.find("traces", name);
        }
    }

    /// A text that is run as a command line, by `how`.
    fn text(&mut self, text: &str, how: &str, input: Flow) -> Flow {
        if self.nesting >= MAX_NESTING || self.expanded + text.len() > MAX_EXPANDED {
            self.find("not-understood", "");
            return Flow::Unknown;
        }
        self.expanded += text.len();
        self.nesting += 1;
        let was_inner = std::mem::replace(&mut self.is_inner, true);
        self.trail.push(format!("{how} → {}", text.trim().chars().take(120).collect::<String>()));
        let script = parse::parse(text);
        let output = self.script(&script, input);
        if script.odd.is_some() {
            self.find("not-understood", text);
        }
        self.trail.pop();
        self.is_inner = was_inner;
        self.nesting -= 1;
        output
    }

    /// Code from somewhere that an interpreter or shell is given.
    fn code_from(&mut self, flow: &Flow, how: &str) {
        match flow {
            Flow::Network => self.find("fetch-and-run", how),
            Flow::Decoded => self.find("decoded-and-run", how),
            Flow::Unknown | Flow::Secret => self.find("generated-and-run", how),
            Flow::Nothing | Flow::Text(_) => {}
        }
    }

    fn run(&mut self, args: &[Arg], input: Flow) -> Flow {
        let Some(first) = args.first() else { return input };
        if self.fuel == 0 || self.nesting >= MAX_NESTING {
            self.find("not-understood", "");
            return Flow::Unknown;
        }
        self.fuel -= 1;
        self.nesting += 1;
        let output = self.run_named(first, args, input);
        self.nesting -= 1;
        output
    }

    fn run_named(&mut self, first: &Arg, args: &[Arg], input: Flow) -> Flow {
        let name = plain_name(&first.text);
        let shown =
            || args.iter().map(|arg| arg.text.as_str()).collect::<Vec<_>>().join(" ").replace(UNKNOWN, "…");
        if is_disguised(&first.text) {
            self.find("look-alike", &shown());
        }
        if first.text.contains(UNKNOWN) && base_name(&first.text).contains(UNKNOWN) {
            match first.flow {
                Flow::Network | Flow::Decoded => self.code_from(&first.flow.clone(), &shown()),
                _ => self.find("unknown-program", &shown()),
            }
        }
        let mut words: Vec<&str> = args.iter().map(|arg| arg.text.as_str()).collect();
        words[0] = &name;
        let flows = args.iter().skip(1).fold(Flow::Nothing, |flow, arg| flow.or(arg.flow.clone()));
        if let Some(body) = self.functions.get(&first.text).cloned() {
            for (at, arg) in args.iter().enumerate().skip(1).take(9) {
                self.variables.insert(at.to_string(), Flow::Text(arg.text.clone()));
            }
            let all = words[1..].join(" ");
            self.variables.insert("@".into(), Flow::Text(all.clone()));
            self.variables.insert("*".into(), Flow::Text(all));
            // Once: a function that calls itself does nothing new.
            let removed = self.functions.remove(&first.text);
            let output = self.script(&body, input);
            if let Some(body) = removed {
                self.functions.insert(first.text.clone(), body);
            }
            return output;
        }
        self.tables(&words);
        for (effect, path) in effects::effects(&name, &words[1..]) {
            if !path.is_empty() {
                self.effect(effect, path, &name);
            }
        }
        self.special(&name, args, &words, input, &flows)
    }

    /// The rule tables.
    fn tables(&mut self, words: &[&str]) {
        let mut found: Option<&'static rules::Rule> = None;
        for rule in rules::all() {
            if found.is_none_or(|best| rule.level > best.level)
                && rule.patterns.iter().any(|pattern| matcher::matches(pattern, words))
            {
                if rule.id == "sudo" && words.len() > 1 {
                    // Judged with what it runs.
                    continue;
                }
                found = Some(rule);
            }
        }
        if let Some(rule) = found {
            self.find(rule.id, &words.join(" ").replace(UNKNOWN, "…"));
        }
        if words.iter().any(|word| word.len() > 12 && deletes_all_rows(word))
            && rules::databases::RULES[0].patterns[0]
                .split(' ')
                .next()
                .is_some_and(|names| names.split('|').any(|name| name == words[0]))
        {
            self.find("sql-delete-all", &words.join(" "));
        }
    }

    #[allow(clippy::too_many_lines, reason = "one arm for each way of running something else")]
    fn special(&mut self, name: &str, args: &[Arg], words: &[&str], input: Flow, flows: &Flow) -> Flow {
        let rest = &words[1..];
        let reads_secret = |judge: &Self, words: &[&str]| {
            words.iter().any(|word| {
                paths::place(&paths::resolve(word.trim_start_matches('@'), &judge.folder, judge.context))
                    == Place::Secret
            })
        };
        match name {
            "cd" | "pushd" => {
                if let Some(folder) = rest.iter().find(|word| !word.starts_with('-')) {
                    self.folder = paths::resolve(folder, &self.folder, self.context);
                } else if rest.is_empty() {
                    "~".clone_into(&mut self.folder);
                }
                return Flow::Nothing;
            }
            "echo" | "printf" | "print" => {
                if flows.weight() > 1 {
                    return flows.clone();
                }
                let text = rest
                    .iter()
                    .skip_while(|word| word.starts_with('-') && word.len() < 4)
                    .copied()
                    .collect::<Vec<_>>()
                    .join(" ");
                if text.contains(UNKNOWN) {
                    return Flow::Unknown;
                }
                let escaped =
                    name == "printf" || rest.iter().any(|word| word.starts_with("-e") || *word == "-ne");
                return Flow::Text(if escaped { unescape(&text, name == "printf") } else { text + "\n" });
            }
            "export" | "declare" | "local" | "readonly" | "typeset" => {
                for arg in &args[1..] {
                    if let Some((variable, value)) = arg.text.split_once('=') {
                        let value = if arg.flow.weight() > 1 {
                            arg.flow.clone()
                        } else {
                            Flow::Text(value.to_owned())
                        };
                        self.assigned(variable, &value);
                        self.variables.insert(variable.to_owned(), value);
                    }
                }
                return if rest.is_empty() { Flow::Secret } else { Flow::Nothing };
            }
            "read" | "mapfile" | "readarray" => {
                for variable in rest.iter().filter(|word| is_name(word)) {
                    let value = match &input {
                        Flow::Nothing => Flow::Unknown,
                        Flow::Text(text) => Flow::Text(text.trim_end().to_owned()),
                        flow => flow.clone(),
                    };
                    self.variables.insert((*variable).to_owned(), value);
                }
                return Flow::Nothing;
            }
            "alias" => {
                for (variable, value) in rest.iter().filter_map(|word| word.split_once('=')) {
                    let script = parse::parse(value);
                    self.script(&script, Flow::Nothing);
                    self.functions.insert(variable.to_owned(), script);
                }
                return Flow::Nothing;
            }
            "eval" => {
                self.code_from(flows, "eval");
                return self.text(&rest.join(" "), "eval", input);
            }
            "trap" => {
                if let Some(text) = rest.first().filter(|word| !word.starts_with('-')) {
                    self.text(text, "trap", Flow::Nothing);
                }
                return Flow::Nothing;
            }
            "source" | "." => {
                self.code_from(flows, name);
                if rest.first().is_some_and(|path| self.is_downloaded(path))
                    || input == Flow::Network && rest.first().is_some_and(|path| path.starts_with("/dev/"))
                {
                    self.find("fetch-and-run", &words.join(" "));
                }
                return Flow::Unknown;
            }
            "base64" | "base32" | "xxd" | "gunzip" | "zcat" | "openssl" | "uudecode" | "rev" | "tr"
            | "basenc" | "gpg" | "gzip" | "bzip2" | "xz" | "hex2bin" | "iconv" => {
                return decoded(name, rest, &input);
            }
            "find" | "fd" | "fdfind" => return self.search(words, args),
            "ssh" | "docker" | "podman" | "kubectl" | "nerdctl" | "su" | "script" | "runuser" | "adb"
            | "vagrant" | "lxc" | "multipass" | "wsl" | "tmux" | "screen" | "machinectl" | "gcloud"
            | "heroku" | "mosh" | "git" | "pct" | "oc" | "flatpak-spawn" | "docker-compose" => {
                self.remote(name, words, flows)
            }
            _ => {}
        }
        if SHELLS.contains(&name)
            || INTERPRETERS.contains(&name)
            || name.starts_with("python")
            || name.starts_with("perl5")
        {
            return self.interpreter(name, args, words, input);
        }
        if let Some(at) = wrappers::inner(words) {
            return self.unwrap(name, args, words, at, input);
        }
        if self.is_downloaded(words[0]) && args[0].text.contains('/') {
            self.find("download-run-file", &args[0].text);
        }
        let secret = input == Flow::Secret || *flows == Flow::Secret || reads_secret(self, rest);
        if SENDERS.contains(&name)
            && !(matches!(name, "ssh" | "aws" | "gh") && input != Flow::Secret)
            && secret
        {
            self.find("send-secret", &words.join(" ").replace(UNKNOWN, "…"));
        }
        if FETCHERS.contains(&name) {
            for pair in rest.windows(2) {
                if matches!(pair[0], "-o" | "--output" | "-O" | "--output-document") {
                    self.downloaded.push(pair[1].to_owned());
                }
            }
            for word in rest.iter().filter(|word| word.contains("://") || word.contains('/')) {
                self.downloaded.push((*word).split('?').next().unwrap_or_default().to_owned());
            }
            return Flow::Network;
        }
        if matches!(name, "tee") && input == Flow::Network {
            self.downloaded.extend(rest.iter().map(|word| (*word).to_owned()));
        }
        if matches!(name, "mv" | "cp") && rest.iter().any(|word| self.is_downloaded(word)) {
            self.downloaded.extend(rest.last().map(|word| (*word).to_owned()));
        }
        if matches!(name, "mkfifo" | "mknod") {
            for word in rest.iter().filter(|word| !word.starts_with('-')) {
                self.downloaded.push((*word).to_owned());
            }
        }
        if SECRET_PRINTERS.contains(&name) && rest.is_empty()
            || reads_secret(self, rest) && !matches!(name, "ls" | "stat")
        {
            return Flow::Secret;
        }
        if matches!(name, "cat" | "head" | "tail") && rest.iter().any(|word| self.is_downloaded(word)) {
            return Flow::Network;
        }
        match name {
            "cat" | "tee" | "sort" | "head" | "tail" | "grep" | "uniq"
                if rest.iter().all(|word| word.starts_with('-')) || name == "tee" =>
            {
                input
            }
            _ if input.weight() > 2 => input,
            ":" | "true" | "test" | "[" | "sleep" => Flow::Nothing,
            _ => Flow::Unknown,
        }
    }

    /// `find`
    fn search(&mut self, words: &[&str], args: &[Arg]) -> Flow {
        let starts: Vec<&str> =
            words[1..].iter().take_while(|word| !word.starts_with(['-', '(', '!'])).copied().collect();
        let starts = if starts.is_empty() { vec!["."] } else { starts };
        if words.contains(&"-delete") {
            for start in &starts {
                // A part of the tree: in the project that is an ordinary cleaning.
                let place = paths::place(&paths::resolve(start, &self.folder, self.context));
                let narrowed = words.iter().any(|word| {
                    matches!(*word, "-name" | "-iname" | "-path" | "-regex" | "-mtime" | "-empty")
                });
                let is_own = matches!(place, Place::Project | Place::ProjectWhole | Place::BuildOutput)
                    || *start == "/tmp";
                if !(is_own && narrowed) {
                    self.effect(Effect::DeleteTree, start, "find");
                }
            }
        }
        let mut at = 1;
        while at < args.len() {
            if matches!(words[at], "-exec" | "-execdir" | "-ok" | "-okdir" | "-x" | "--exec" | "-X") {
                let end = words[at + 1..]
                    .iter()
                    .position(|word| matches!(*word, ";" | "+"))
                    .map_or(words.len(), |end| at + 1 + end);
                if starts.len() > MAX_STARTS {
                    self.find("not-understood", "");
                }
                for start in starts.iter().take(MAX_STARTS) {
                    let found = |text: &str| Arg {
                        text: text.replace("{}", if *start == "." { "./found" } else { start }),
                        flow: Flow::Nothing,
                    };
                    let inner: Vec<Arg> = args[at + 1..end].iter().map(|arg| found(&arg.text)).collect();
                    self.trail.push("find -exec".to_owned());
                    self.run(&inner, Flow::Nothing);
                    self.trail.pop();
                }
                at = end;
            }
            at += 1;
        }
        if starts
            .iter()
            .any(|start| paths::place(&paths::resolve(start, &self.folder, self.context)) == Place::Secret)
        {
            return Flow::Secret;
        }
        // Paths, one of which is where the search began.
        Flow::Text(starts.join("\n"))
    }

    /// Programs that carry a command elsewhere, or into a container.
    fn remote(&mut self, name: &str, words: &[&str], flows: &Flow) {
        let rest = &words[1..];
        let after = |options: &[&str]| {
            rest.iter().position(|word| options.contains(word)).and_then(|at| rest.get(at + 1))
        };
        let command: Option<String> = match name {
            "ssh" => {
                let valued = [
                    "-p", "-i", "-l", "-o", "-F", "-L", "-R", "-D", "-J", "-b", "-c", "-E", "-W", "-w", "-m",
                    "-S", "-Q",
                ];
                let mut at = 0;
                while at < rest.len() && rest[at].starts_with('-') {
                    at += 1 + usize::from(valued.contains(&rest[at]));
                }
                if rest.iter().any(|word| {
                    word.to_ascii_lowercase().contains("proxycommand=")
                        || word.to_ascii_lowercase().contains("localcommand=")
                }) {
                    let command = rest
                        .iter()
                        .find_map(|word| word.split_once("ommand="))
                        .map(|(_, command)| command.to_owned());
                    if let Some(command) = command {
                        self.text(&command, "ssh -o ProxyCommand", Flow::Nothing);
                    }
                }
                let plain: Vec<_> = rest.iter().skip(at + 1).copied().collect();
                (!plain.is_empty()).then(|| plain.join(" "))
            }
            "su" | "script" | "runuser" => after(&["-c", "--command"]).map(|command| (*command).to_owned()),
            "git" => match rest.iter().position(|word| {
                matches!(*word, "foreach" | "--exec" | "-x" | "--tree-filter" | "--index-filter")
            }) {
                Some(at) => rest.get(at + 1).map(|command| (*command).to_owned()),
                None => rest
                    .iter()
                    .position(|word| *word == "run")
                    .filter(|_| rest.first() == Some(&"bisect"))
                    .map(|at| rest[at + 1..].join(" ")),
            },
            "gcloud" => after(&["--command"]).map(|command| (*command).to_owned()),
            "tmux" | "screen" => {
                rest.last().filter(|word| word.contains(' ')).map(|command| (*command).to_owned())
            }
            _ => {
                let runs = rest
                    .iter()
                    .position(|word| matches!(*word, "exec" | "run" | "shell" | "ssh" | "-e" | "--host"));
                match (runs, rest.iter().position(|word| *word == "--")) {
                    (Some(run), Some(at)) if at > run => Some(joined(&rest[at + 1..])),
                    (Some(run), _) => {
                        let valued = [
                            "-v",
                            "-e",
                            "-w",
                            "-u",
                            "-p",
                            "--name",
                            "--volume",
                            "--env",
                            "--user",
                            "--workdir",
                            "--network",
                            "--entrypoint",
                            "-n",
                            "-c",
                            "--mount",
                            "--env-file",
                            "-f",
                            "-l",
                            "--label",
                            "-m",
                            "--memory",
                            "--cpus",
                            "--platform",
                        ];
                        let mut at = run + 1;
                        while at < rest.len() && rest[at].starts_with('-') {
                            at += 1 + usize::from(valued.contains(&rest[at]));
                        }
                        // A fresh container's own files are nobody's loss, unless the rules on its rights say otherwise.
                        let fresh = matches!(rest[run], "run")
                            && !rest
                                .iter()
                                .any(|word| matches!(*word, "-v" | "--volume" | "--mount" | "--privileged"));
                        (!fresh && at + 1 < rest.len()).then(|| joined(&rest[at + 1..]))
                    }
                    _ => None,
                }
            }
        };
        if let Some(command) = command {
            if flows.weight() > 2 && name != "ssh" {
                self.code_from(flows, name);
            }
            let (folder, outer) = (std::mem::take(&mut self.folder), self.nesting);
            self.text(&command, name, Flow::Nothing);
            self.folder = folder;
            self.nesting = outer;
        }
    }

    fn interpreter(&mut self, name: &str, args: &[Arg], words: &[&str], input: Flow) -> Flow {
        let is_shell = SHELLS.contains(&name);
        let language = if name.starts_with("python") || name.starts_with("pypy") || name == "ipython" {
            "python"
        } else {
            name
        };
        let mut at = 1;
        let mut script = None;
        while at < words.len() {
            let word = words[at];
            if !word.starts_with(['-', '+']) || word == "-" {
                script = Some(at);
                break;
            }
            let letters = |set: &[char]| !word.starts_with("--") && word[1..].contains(set);
            let is_code = if is_shell {
                letters(&['c']) || word == "-Command"
            } else {
                match language {
                    "python" => letters(&['c']),
                    "perl" | "ruby" | "lua" | "julia" | "Rscript" | "groovy" | "osascript" | "irb" => {
                        letters(&['e', 'E'])
                    }
                    "node" | "nodejs" | "bun" => matches!(word, "-e" | "-p" | "-pe" | "--eval" | "--print"),
                    "php" => matches!(word, "-r" | "-R" | "-B"),
                    "expect" => word == "-c",
                    _ => false,
                }
            };
            if is_code {
                let Some(given) = args.get(at + 1) else { break };
                self.code_from(&given.flow, name);
                if is_shell {
                    for (position, arg) in args.iter().skip(at + 2).enumerate().take(9) {
                        self.variables.insert(position.to_string(), Flow::Text(arg.text.clone()));
                    }
                    return self.text(&given.text, &format!("{name} {word}"), input);
                }
                self.scan(&given.text, name);
                if language == "perl" && letters(&['n', 'p', 'i'])
                    || language == "ruby"
                    || !input.eq(&Flow::Nothing)
                {
                    let evaluates = given.text.contains("exec") || given.text.contains("eval");
                    if evaluates {
                        self.code_from(&input, name);
                    }
                }
                return if input.weight() > 2 { input } else { Flow::Unknown };
            }
            if matches!(word, "-i") && is_shell {
                // Interactive with a socket as its input is found by the redirection.
            }
            at += 1 + usize::from(
                matches!(word, "-o" | "-O" | "-m" | "-W" | "-r" | "--rcfile" | "--init-file" | "-X")
                    && !(is_shell && word == "-r"),
            );
            if word == "-m" && language == "python" {
                return Flow::Unknown;
            }
        }
        if matches!(name, "awk" | "gawk" | "mawk" | "nawk") {
            if let Some(program) = script {
                let text = words[program];
                if text.contains("system(")
                    || text.contains("| getline")
                    || text.contains("|getline")
                    || text.contains("/inet/")
                    || text.contains("| \"")
                {
                    self.scan(text, name);
                }
            }
            return if input.weight() > 1 { input } else { Flow::Unknown };
        }
        if matches!(language, "deno") {
            let eval = words.iter().position(|word| *word == "eval").and_then(|at| words.get(at + 1));
            if let Some(code) = eval {
                self.scan(code, name);
            }
        }
        match script.filter(|at| {
            words[*at] != "-" && words[*at] != "/dev/stdin" && !(is_shell && words.contains(&"-s"))
        }) {
            Some(at) => {
                let given = &args[at];
                if self.is_downloaded(&given.text) || given.text.contains("://") {
                    self.find("fetch-and-run", &words.join(" "));
                }
                self.code_from(&given.flow, name);
                if let Flow::Text(text) = &given.flow
                    && given.text.starts_with("/dev/fd/")
                {
                    let text = text.clone();
                    if is_shell {
                        self.text(&text, name, Flow::Nothing);
                    } else {
                        self.scan(&text, name);
                    }
                }
                Flow::Unknown
            }
            None => {
                if input != Flow::Unknown || is_shell {
                    self.code_from(&input, &format!("… | {name}"));
                }
                if let Flow::Text(text) = &input {
                    if is_shell {
                        return self.text(text, &format!("… | {name}"), Flow::Nothing);
                    }
                    self.scan(text, name);
                }
                Flow::Unknown
            }
        }
    }

    /// Code in another language.
    fn scan(&mut self, text: &str, name: &str) {
        for does in code::scan(text) {
            match does {
                Does::Runs(command) => drop(self.text(&command, &format!("{name} code"), Flow::Nothing)),
                Does::Deletes(path) => drop(self.effect(Effect::DeleteTree, &path, name)),
                Does::Reads(path) => drop(self.effect(Effect::Read, &path, name)),
                Does::Writes(path) => drop(self.effect(Effect::Write, &path, name)),
                Does::RemoteShell => self.find("remote-shell", name),
                Does::Fetched => self.find("fetch-and-run", name),
                Does::Decoded => self.find("decoded-and-run", name),
            }
        }
    }

    fn unwrap(&mut self, name: &str, args: &[Arg], words: &[&str], at: usize, input: Flow) -> Flow {
        for word in &words[1..at] {
            if let Some((variable, value)) = word.split_once('=').filter(|(variable, _)| is_name(variable)) {
                self.assigned(variable, &Flow::Text(value.to_owned()));
            }
        }
        let mut inner: Vec<Arg> = args[at..].to_vec();
        // env -S 'command line', flock FILE -c 'command line'.
        if let Some(position) = words.iter().position(|word| {
            matches!(*word, "-S" | "--split-string") || *word == "-c" && matches!(name, "flock" | "npx")
        }) && let Some(text) = words.get(position + 1)
        {
            return self.text(text, name, input);
        }
        if matches!(name, "watch" | "parallel") && inner.len() == 1 {
            return self.text(&inner[0].text.clone(), name, input);
        }
        if matches!(name, "sudo" | "doas" | "pkexec" | "run0" | "gosu" | "su-exec") {
            let target = inner.first().map(|arg| base_name(&arg.text).to_owned()).unwrap_or_default();
            let flags_only = target.is_empty()
                && words[1..].iter().all(|word| {
                    matches!(
                        *word,
                        "-l" | "-v" | "-k" | "-K" | "-V" | "-n" | "--version" | "--list" | "--help"
                    )
                });
            if ROUTINE_WITH_SUDO.contains(&target.as_str()) {
                self.find("sudo-routine", &words.join(" "));
            } else if !flags_only || words.len() == 1 {
                self.find("sudo", &words.join(" ").replace(UNKNOWN, "…"));
            }
        }
        if inner.is_empty() {
            return match name {
                "env" => Flow::Secret,
                _ => input,
            };
        }
        if matches!(name, "xargs" | "parallel") {
            if matches!(&input, Flow::Text(text) if text.split_whitespace().count() > MAX_ARGUMENTS) {
                self.find("not-understood", "");
            }
            let given = match &input {
                Flow::Text(text) => text
                    .split_whitespace()
                    .take(MAX_ARGUMENTS)
                    .map(|word| Arg { text: word.to_owned(), flow: Flow::Nothing })
                    .collect(),
                flow => vec![Arg { text: UNKNOWN.to_string(), flow: flow.clone() }],
            };
            let marker = words.windows(2).find(|pair| matches!(pair[0], "-I" | "--replace")).map_or_else(
                || words.iter().find_map(|word| word.strip_prefix("-I")).unwrap_or("{}"),
                |pair| pair[1],
            );
            if !marker.is_empty() && inner.iter().any(|arg| arg.text.contains(marker)) {
                for arg in &mut inner {
                    if let (Some(value), true) = (given.first(), arg.text.contains(marker)) {
                        arg.text = arg.text.replace(marker, &value.text);
                        arg.flow = value.flow.clone();
                    }
                }
            } else {
                inner.extend(given);
            }
        }
        self.trail.push(name.to_owned());
        let output = self.run(&inner, if name == "xargs" { Flow::Nothing } else { input });
        self.trail.pop();
        output
    }

    /// Expands a word into words.
    fn expand(&mut self, word: &Word) -> Vec<Arg> {
        let mut letters: Vec<(char, bool)> = Vec::new();
        let mut flow = Flow::Nothing;
        let mut was_quoted = false;
        for (index, part) in word.parts.iter().enumerate() {
            match part {
                Part::Text { text, quoted } => {
                    was_quoted |= quoted;
                    // A quoted tilde is a name.
                    if index == 0 && *quoted && text.starts_with('~') && word.parts.len() == 1 {
                        letters.extend("./".chars().map(|c| (c, true)));
                    }
                    letters.extend(text.chars().map(|c| (c, *quoted)));
                }
                Part::Variable { name, fallback, altered, quoted } => {
                    was_quoted |= quoted;
                    let value = self.variable(name, fallback.as_deref());
                    match value {
                        Flow::Text(text) if !altered => {
                            if self.expanded + text.len() > MAX_EXPANDED {
                                letters.push((UNKNOWN, true));
                            } else {
                                self.expanded += text.len();
                                letters.extend(
                                    text.chars().map(|c| {
                                        (if !quoted && c.is_whitespace() { ' ' } else { c }, *quoted)
                                    }),
                                );
                            }
                        }
                        value => {
                            letters.push((UNKNOWN, true));
                            flow =
                                flow.or(if matches!(value, Flow::Text(_)) { Flow::Unknown } else { value });
                        }
                    }
                }
                Part::Command { script, quoted } => {
                    was_quoted |= quoted;
                    let was_nested = self.nesting;
                    self.nesting += 1;
                    let output = if self.nesting < MAX_NESTING {
                        self.script(script, Flow::Nothing)
                    } else {
                        Flow::Unknown
                    };
                    self.nesting = was_nested;
                    match output {
                        Flow::Text(text) => letters.extend(text.trim_end().chars().map(|c| (c, *quoted))),
                        Flow::Nothing => {}
                        output => {
                            letters.push((UNKNOWN, true));
                            flow = flow.or(output);
                        }
                    }
                }
                Part::Process { script } => {
                    let output = self.script(script, Flow::Nothing);
                    letters.extend("/dev/fd/63".chars().map(|c| (c, true)));
                    flow = flow.or(output);
                }
            }
        }
        let mut fields = Vec::new();
        for field in letters.split(|(letter, quoted)| !quoted && letter.is_whitespace()) {
            if !field.is_empty() || was_quoted && fields.is_empty() && letters.is_empty() {
                fields.push(field.to_vec());
            }
        }
        let mut args = Vec::new();
        for field in fields {
            for text in braces(&field) {
                args.push(Arg { text, flow: flow.clone() });
            }
        }
        args
    }

    fn variable(&self, name: &str, fallback: Option<&str>) -> Flow {
        if let Some(value) = self.variables.get(name) {
            return value.clone();
        }
        let known = match name {
            "HOME" => "~",
            "PWD" | "OLDPWD" | "GITHUB_WORKSPACE" | "CI_PROJECT_DIR" => "./",
            "TMPDIR" | "TMP" | "TEMP" | "RUNNER_TEMP" => "/tmp/tmp",
            "IFS" => " ",
            "SHELL" | "BASH" => "/bin/bash",
            "USER" | "LOGNAME" | "UID" | "EUID" | "HOSTNAME" | "#" | "?" | "$" | "!" | "-" | "RANDOM"
            | "LINENO" | "SECONDS" => "1",
            _ => {
                let upper = name.to_ascii_uppercase();
                let named = |part: &str| upper.contains(part);
                return match fallback {
                    Some(text) => Flow::Text(text.to_owned()),
                    None if named("TOKEN")
                        || named("SECRET")
                        || named("PASSWORD")
                        || named("API_KEY")
                        || named("ACCESS_KEY") =>
                    {
                        Flow::Unknown
                    }
                    None => Flow::Unknown,
                };
            }
        };
        Flow::Text(known.to_owned())
    }
}

fn joined(words: &[&str]) -> String {
    words.iter().map(|word| code::quoted(word)).collect::<Vec<_>>().join(" ")
}

fn base_name(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

/// The bare name of a program, with letters that only look like Latin ones replaced and invisible ones dropped.
fn plain_name(text: &str) -> String {
    let base = base_name(text);
    let name: String = base.chars().filter(|c| !is_invisible(*c)).map(latin).collect();
    if name.is_empty() { text.to_owned() } else { name }
}

fn is_disguised(text: &str) -> bool {
    let base = base_name(text);
    base.chars().any(is_invisible)
        || base.chars().any(|c| latin(c) != c) && base.chars().any(|c| c.is_ascii_alphabetic())
        || base.chars().all(|c| latin(c) != c) && base.chars().count() > 1
}

const fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{180e}' | '\u{e0000}'..='\u{e007f}' | '\u{115f}' | '\u{3164}')
}

/// The Latin letter that another looks like (Unicode Technical Standard 39, the common part).
fn latin(letter: char) -> char {
    const ALIKE: [(char, char); 34] = [
        ('а', 'a'),
        ('е', 'e'),
        ('о', 'o'),
        ('р', 'p'),
        ('с', 'c'),
        ('у', 'y'),
        ('х', 'x'),
        ('і', 'i'),
        ('ј', 'j'),
        ('ѕ', 's'),
        ('һ', 'h'),
        ('ԁ', 'd'),
        ('ԛ', 'q'),
        ('ԝ', 'w'),
        ('м', 'm'),
        ('т', 't'),
        ('к', 'k'),
        ('г', 'r'),
        ('п', 'n'),
        ('ь', 'b'),
        ('ο', 'o'),
        ('α', 'a'),
        ('ν', 'v'),
        ('ρ', 'p'),
        ('υ', 'u'),
        ('ι', 'i'),
        ('κ', 'k'),
        ('τ', 't'),
        ('ѵ', 'v'),
        ('ɡ', 'g'),
        ('ı', 'i'),
        ('ⅿ', 'm'),
        ('ⅼ', 'l'),
        ('ⅽ', 'c'),
    ];
    match letter {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(letter as u32 - 0xfee0).unwrap_or(letter),
        '\u{1d400}'..='\u{1d6a3}' => {
            let place = (letter as u32 - 0x1d400) % 52;
            char::from_u32(if place < 26 { 0x41 + place } else { 0x61 + place - 26 }).unwrap_or(letter)
        }
        _ => ALIKE.iter().find(|(alike, _)| *alike == letter).map_or(letter, |(_, latin)| *latin),
    }
}

/// Brace expansion of one field, bounded.
fn braces(field: &[(char, bool)]) -> Vec<String> {
    let mut done = Vec::new();
    let mut open = vec![field.to_vec()];
    while let Some(field) = open.pop() {
        if done.len() + open.len() >= MAX_BRACES {
            done.push(field.iter().map(|(c, _)| c).collect());
            continue;
        }
        match alternatives(&field) {
            Some(more) => open.extend(more.into_iter().rev()),
            None => done.push(field.iter().map(|(c, _)| c).collect()),
        }
    }
    done
}

/// The first `{a,b}` of a field spelt out.
fn alternatives(field: &[(char, bool)]) -> Option<Vec<Vec<(char, bool)>>> {
    let start = field.iter().position(|(c, quoted)| *c == '{' && !quoted)?;
    let (mut depth, mut commas, mut end) = (0usize, vec![start], None);
    for (at, (letter, quoted)) in field.iter().enumerate().skip(start).take(4096) {
        match letter {
            '{' if !quoted => depth += 1,
            '}' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    end = Some(at);
                    break;
                }
            }
            ',' if !quoted && depth == 1 => commas.push(at),
            _ => {}
        }
    }
    let end = end.filter(|_| commas.len() > 1)?;
    commas.push(end);
    let spelt = |pair: &[usize]| {
        let mut whole = field[..start].to_vec();
        whole.extend_from_slice(&field[pair[0] + 1..pair[1]]);
        whole.extend_from_slice(&field[end + 1..]);
        whole
    };
    Some(commas.windows(2).take(MAX_BRACES).map(spelt).collect())
}

/// What `printf` and `echo -e` make of a text.
fn unescape(text: &str, is_format: bool) -> String {
    let mut bytes = Vec::new();
    let text = match (is_format, text.split_once(' ')) {
        // printf '%s' 'text' and the like.
        (true, Some((format, rest))) if format.contains('%') => rest,
        _ => text,
    };
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        if *byte == b'\\' {
            let (used, decoded) = super::lex::escape(text.get(at + 1..).unwrap_or_default());
            bytes.extend(decoded);
            at += 1 + used;
        } else {
            bytes.push(*byte);
            at += 1;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What a decoder makes of its input.
fn decoded(name: &str, rest: &[&str], input: &Flow) -> Flow {
    let has = |options: &[&str]| rest.iter().any(|word| options.contains(word));
    let decodes = match name {
        "base64" | "base32" | "basenc" => has(&["-d", "-D", "--decode", "-di", "-id"]),
        "xxd" => rest.iter().any(|word| word.starts_with('-') && word.contains('r')),
        "openssl" => has(&["-d", "-decode"]),
        "gzip" | "bzip2" | "xz" | "gpg" => {
            rest.iter().any(|word| word.starts_with("-d") || *word == "--decompress" || *word == "--decrypt")
        }
        _ => true,
    };
    match (name, input) {
        (_, Flow::Network | Flow::Secret) => input.clone(),
        _ if !decodes => Flow::Unknown,
        ("base64", Flow::Text(text)) => {
            let tight: String = text.chars().filter(|c| !c.is_whitespace()).collect();
            let engine = base64::engine::GeneralPurpose::new(
                &base64::alphabet::STANDARD,
                base64::engine::GeneralPurposeConfig::new()
                    .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
            );
            engine
                .decode(tight)
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .map_or(Flow::Decoded, Flow::Text)
        }
        ("xxd", Flow::Text(text)) => {
            let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
            let bytes: Vec<u8> = digits
                .chunks(2)
                .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
                .collect();
            String::from_utf8(bytes).map_or(Flow::Decoded, Flow::Text)
        }
        ("rev", Flow::Text(text)) => {
            Flow::Text(text.lines().map(|line| line.chars().rev().collect::<String>() + "\n").collect())
        }
        _ => Flow::Decoded,
    }
}

/// `DELETE FROM t` and `UPDATE t SET …` without `WHERE`.
fn deletes_all_rows(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.split(';').any(|statement| {
        let changes = statement.contains("delete from ")
            || statement.contains("update ") && statement.contains(" set ");
        changes && !statement.contains("where") && !statement.contains("limit")
    })
}
