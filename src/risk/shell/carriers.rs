//! Programs that are not wrappers but can be told to run something: on another machine, in a container, as an editor,
//! pager, filter or hook.

use super::carrying::{MAY_BE_SHELLS, REST, TEXTS, VALUED};
use super::particulars::says_production;
use super::run::Call;
use super::{Judge, Stream, quoted};
use crate::base::json;
use crate::risk::effects::Effect;
use crate::risk::lookup::{Names, list, rows};
use crate::risk::value::has_hole;

impl Judge<'_> {
    /// Judges what a program carries elsewhere, or runs on the side.
    pub(super) fn carried(&mut self, call: &Call<'_>, input: &Stream) {
        let mut lines: Vec<String> = Vec::new();
        match call.name {
            "ssh" | "mosh" | "autossh" | "slogin" => return self.secure_shell(call, input),
            "pssh" | "pdsh" | "clush" | "parallel-ssh" | "dsh" | "rgang" | "mssh" => {
                lines.extend(call.plain().filter(|word| word.contains(' ')).map(str::to_owned));
            }
            "git" => self.git(call, &mut lines),
            // The lines of the input are commands when none is given.
            "parallel" | "script" | "batch" if call.plain().all(|word| word == "/dev/null") => {
                lines.extend(
                    input
                        .iter()
                        .filter(|text| !has_hole(text))
                        .flat_map(|text| text.lines())
                        .take(16)
                        .map(str::to_owned),
                );
            }
            // What reads every file before it is searched.
            "rg" | "ripgrep" => {
                if let Some(program) = call.after(&["--pre"]) {
                    let paths = call.plain().filter(|word| *word != program).skip(1).take(4);
                    lines.extend(paths.map(|path| format!("{program} {}", quoted(path))));
                    if lines.is_empty() {
                        lines.push(program.to_owned());
                    }
                }
            }
            "entr" => lines.extend(call.after(&["-s"]).map(str::to_owned)),
            "gcc" | "g++" | "cc" | "clang" => {
                lines.extend(
                    call.after(&["-wrapper"])
                        .map(|words| words.split(',').map(quoted).collect::<Vec<_>>().join(" ")),
                );
            }
            "tar" | "bsdtar" | "gtar" => {
                let transform = call.after(&["--transform", "--xform", "-s"]).unwrap_or_default();
                if transform.contains("../") || transform.contains("#/") || transform.contains(",/") {
                    self.find("overwrite-system", &call.line());
                }
            }
            "curl" => {
                let reads =
                    |word: &&str| word.starts_with('-') && !word.starts_with("--") && word.contains('K');
                let at = call.rest().iter().position(|word| reads(word) || *word == "--config");
                let path = at.and_then(|at| call.rest().get(at + 1)).copied().unwrap_or_default();
                let told = if path == "-" { input.clone() } else { self.content(path) };
                if let Some(told) = told.filter(|_| at.is_some()) {
                    let options = told.lines().take(16).filter_map(|line| line.split_once(['=', ' ', ':']));
                    let options = options.map(|(name, value)| {
                        let value = value.trim_matches(['=', ' ', '"', ':']);
                        format!("--{} {}", name.trim().trim_start_matches('-'), quoted(value))
                    });
                    lines.push(format!(
                        "curl {}",
                        options.collect::<Vec<_>>().join(" ").replace("--url ", "")
                    ));
                }
            }
            "emacs" => {
                for code in call.rest().iter().filter(|word| word.contains('(')).take(4) {
                    self.scan(code, "emacs");
                }
            }
            "socat" => lines.extend(call.rest().iter().filter_map(|word| {
                let (kind, command) = word.split_once(':')?;
                matches!(kind.to_ascii_lowercase().as_str(), "exec" | "system" | "shell")
                    .then(|| command.to_owned())
            })),
            "concurrently" | "wireit" | "npm-run-all" => lines.extend(call.plain().map(str::to_owned)),
            "sed" | "gsed" => {
                // The command `e` alone runs the line itself.
                let runs_line = |script: &&str| {
                    script.split([';', '\n', '{', '}']).any(|command| {
                        command
                            .trim()
                            .trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '$' | ','))
                            == "e"
                    })
                };
                let runs_changed =
                    |script: &str| script.starts_with('s') && executed_by_sed(script).is_some();
                if let Some(text) = input.as_deref().filter(|text| !has_hole(text))
                    && call.plain().take(2).any(runs_changed)
                {
                    match super::texts::substituted(call, text) {
                        Some(line) => lines.push(line),
                        // What becomes of a text that stands here is run.
                        None => self.find("decoded-and-run", &call.line()),
                    }
                }
                if call.plain().take(2).any(|script| runs_line(&script)) {
                    lines.extend(input.clone());
                }
                if call.rest().iter().any(|word| word.starts_with("-i")) {
                    let added = call.plain().next().and_then(added_by_sed).unwrap_or_default().to_owned();
                    for path in call.plain().skip(1).take(4).map(str::to_owned).collect::<Vec<_>>() {
                        self.poisons(&path, &added);
                    }
                }
                let file =
                    call.after(&["-f", "--file"]).and_then(|path| self.content(path)).unwrap_or_default();
                let scripts = call.rest().iter().copied().take(16).chain([file.as_str()]);
                lines
                    .extend(scripts.flat_map(|script| script.split([';', '\n'])).filter_map(executed_by_sed));
            }
            "npm" | "yarn" | "pnpm" | "bun" => self.package_scripts(call, &mut lines),
            "m4" => {
                for text in call.rest().iter().copied().chain(input.as_deref()) {
                    let texts = ["syscmd("].iter().flat_map(|mark| text.split(mark).skip(1));
                    lines.extend(
                        texts
                            .filter_map(|text| text.split(')').next())
                            .map(|text| text.trim_matches(['`', '\'']).to_owned()),
                    );
                }
            }
            "vim" | "vi" | "nvim" | "view" | "rvim" | "less" | "ex" => {
                for word in call.rest().iter().take(16) {
                    let told = word.trim_start_matches(['+', ':', ' ']);
                    for (start, effect) in [
                        ("w! ", Effect::Write),
                        ("w ", Effect::Write),
                        ("wq! ", Effect::Write),
                        ("saveas! ", Effect::Write),
                        ("sav ", Effect::Write),
                        ("r ", Effect::Read),
                        ("read ", Effect::Read),
                        ("e ", Effect::Read),
                    ] {
                        let path = told.strip_prefix(start).filter(|path| path.starts_with(['/', '~', '.']));
                        if let Some(path) = path {
                            self.effect(effect, path, call.name);
                        }
                    }
                }
                lines.extend(call.rest().iter().filter_map(|word| word.strip_prefix('+')).map(str::to_owned));
                // The lines that are edited are given to a shell.
                if call.rest().iter().any(|word| word.ends_with("w !sh") || word.ends_with("w !bash")) {
                    lines.extend(input.clone());
                }
            }
            "make" | "gmake" | "bmake" => self.make(call, input, &mut lines),
            "tmux" | "screen" if call.has(&["send-keys", "send", "-X"]) => {
                let keys = call.plain().filter(|word| word.contains(' ') || word.len() > 2);
                lines.extend(keys.map(|keys| keys.trim_end_matches(['\n', '\r']).replace("^M", "")));
            }
            "at" | "batch" | "crontab" => lines.extend(input.clone()),
            "sftp" | "ftp" | "lftp" | "mail" | "mailx" | "telnet" => {
                lines.extend(input.iter().flat_map(|text| escapes(text)))
            }
            "ed" => lines.extend(
                input
                    .iter()
                    .flat_map(|text| text.lines())
                    .filter_map(|line| line.trim_start_matches(['r', 'w', 'e', 'W', ' ']).strip_prefix('!'))
                    .map(str::to_owned),
            ),
            "cargo" => lines.extend(call.rest().iter().filter_map(|word| {
                let (_, text) = word.split_once("runner=").or_else(|| word.split_once("linker="))?;
                Some(text.trim_matches(['"', '\'', '[', ']']).replace("\",\"", " "))
            })),
            "aws" if call.has(&["send-command"]) => {
                lines.extend(
                    call.after(&["--parameters"])
                        .and_then(|text| text.split_once("commands="))
                        .map(|(_, text)| text.trim_matches(['[', ']', '"', '\'']).to_owned()),
                );
            }
            _ => {}
        }
        if let Some((_, options)) = rows!(TEXTS, call.name).next() {
            // -qc: the last of joined letters takes the word.
            let takes = |word: &str| {
                options.contains(&word)
                    || options.contains(&"-c")
                        && matches!(call.name, "script" | "su" | "runuser" | "sg")
                        && word.starts_with('-')
                        && !word.starts_with("--")
                        && word.ends_with('c')
            };
            lines.extend(call.rest().windows(2).filter(|pair| takes(pair[0])).map(|pair| pair[1].to_owned()));
            let joined = |word: &&str| {
                options
                    .iter()
                    .find_map(|option| word.strip_prefix(option)?.strip_prefix('='))
                    .map(str::to_owned)
            };
            lines.extend(call.rest().iter().filter_map(joined));
        }
        lines.extend(
            call.rest()
                .iter()
                .filter_map(|word| word.strip_prefix("--checkpoint-action=exec="))
                .map(str::to_owned),
        );
        for line in lines {
            let line = line.trim().trim_start_matches("exec=");
            if let Some((language, code)) = in_language(call.name, line) {
                self.scan(code, language);
                continue;
            }
            let line = for_editor(call.name, line);
            let first = line
                .split_whitespace()
                .find(|word| !word.starts_with(';'))
                .unwrap_or_default()
                .trim_start_matches(';');
            let is_shell = super::interpreters::is_shell(super::names::base(first))
                && !line.contains("-c")
                && !line.contains('|');
            if is_shell && !MAY_BE_SHELLS.contains(call.name) {
                self.find("shell-escape", &call.line());
            }
            self.elsewhere(&line, call.name);
        }
        self.rest_of(call, input);
        self.guessed(call, input);
    }

    /// A command line that runs with another folder.
    pub(super) fn elsewhere(&mut self, line: &str, how: &str) {
        if line.is_empty() || !line.contains(|c: char| c.is_alphabetic() || crate::risk::value::is_hole(c)) {
            return;
        }
        self.elsewhere_with(line, how, None);
    }

    fn elsewhere_with(&mut self, line: &str, how: &str, input: Stream) {
        self.in_folder("", line, how, input);
    }

    fn in_folder(&mut self, folder: &str, line: &str, how: &str, input: Stream) {
        let positional = self.scope.positional().map(<[String]>::to_vec);
        self.inside_child(positional, |judge| {
            folder.clone_into(&mut judge.folder);
            judge.text(line, how, input)
        });
    }

    fn rest_of(&mut self, call: &Call<'_>, input: &Stream) {
        let Some((_, word, plain)) = rows!(REST, call.name).find(|(_, word, _)| call.has(&[word])) else {
            return;
        };
        let rest = call.rest();
        let start = rest.iter().position(|found| found == word).unwrap_or(0) + 1;
        // A fresh container's own files are nobody's loss, unless it is given some of the machine.
        let is_fresh = *word == "run"
            && matches!(call.name, "docker" | "podman" | "nerdctl" | "docker-compose")
            && !call.has(&["-v", "--volume", "--mount", "--privileged"]);
        let (mut at, mut left) = (start, *plain);
        if let Some(behind) = rest.get(start..).and_then(|rest| rest.iter().position(|word| *word == "--")) {
            at = start + behind;
        }
        while let Some(word) = rest.get(at) {
            match *word {
                "--" => {
                    at += 1;
                    break;
                }
                option if option.starts_with('-') && option != "-" => {
                    at += 1 + usize::from(VALUED.contains(option))
                }
                _ if left > 0 => {
                    left -= 1;
                    at += 1;
                }
                _ => break,
            }
        }
        if let Some(entry) = call.after(&["--entrypoint"]).map(str::to_owned) {
            let line = format!("{} {}", quoted(&entry), joined(rest.get(at..).unwrap_or_default()));
            if !is_fresh {
                self.elsewhere(&line, call.name);
            }
            return;
        }
        let inner = rest.get(at..).unwrap_or_default();
        if inner.is_empty() {
            return;
        }
        // The variables of a container or of another machine are its credentials too.
        let tells = matches!(inner, ["env" | "printenv"]) && !is_fresh && *word != "run";
        if tells && self.captured == 0 {
            self.find("print-credential", &call.line());
        }
        self.is_heard |= tells;
        let before = is_fresh.then(|| self.best.clone());
        // What is no program there is a script: `uv run -`, `poetry run x.py`.
        let script = match inner[0] {
            "-" => "python3 ",
            path if path.ends_with(".py") && !path.contains(' ') => "python3 ",
            _ => "",
        };
        let line = match inner {
            [text] if text.contains(' ') => (*text).to_owned(),
            _ => script.to_owned() + &joined(inner),
        };
        self.elsewhere_with(&line, call.name, input.clone());
        if let Some(before) = before
            && !self.best.rule.is_some_and(|rule| {
                ["remote-shell", "attack", "tunnel", "metadata", "send-secret"].contains(&rule.id)
            })
        {
            self.best = before;
        }
    }

    fn secure_shell(&mut self, call: &Call<'_>, input: &Stream) {
        const WITH_VALUE: Names =
            list!("-p -i -l -o -F -L -R -D -J -b -c -E -W -w -m -S -Q -I -B -e -M -h -H");
        let rest = call.rest();
        let by_option = matches!(call.name, "pssh" | "pdsh" | "parallel-ssh" | "clush" | "dsh")
            && call.has(&["-h", "-H", "-w", "-g", "-m", "-a"]);
        let mut at = 0;
        while at < rest.len() && rest[at].starts_with('-') {
            at += 1 + usize::from(WITH_VALUE.contains(rest[at]));
        }
        for word in rest {
            let lower = word.to_ascii_lowercase();
            if ["proxycommand", "localcommand", "knownhostscommand"]
                .iter()
                .any(|option| lower.contains(option))
            {
                let command = word.split_once(['=', ' ']).map_or("", |(_, command)| command).to_owned();
                if command.trim_start().starts_with(';')
                    || super::interpreters::is_shell(super::names::base(
                        command.split(' ').next().unwrap_or_default(),
                    ))
                {
                    self.find("shell-escape", &call.line());
                }
                self.elsewhere(&command, "ssh -o ProxyCommand");
            }
        }
        let mut command = rest.get(at + usize::from(!by_option)..).unwrap_or_default();
        if command.first() == Some(&"--") {
            command = &command[1..];
        }
        let host = rest.get(at).copied().unwrap_or_default();
        let was_production = std::mem::replace(&mut self.is_production, says_production(host));
        if command.is_empty() {
            // The other side's shell reads what is piped to it.
            if let Some(text) = input.as_deref().filter(|text| !crate::risk::value::has_hole(text)) {
                self.elsewhere(text, call.name);
            }
        } else {
            let line = command.join(" ");
            let address = host.rsplit('@').next().unwrap_or_default();
            let folder = if matches!(address, "localhost" | "127.0.0.1" | "::1") { "~" } else { "" };
            if line.contains(char::is_alphabetic) {
                self.in_folder(folder, &line, call.name, input.clone());
            }
        }
        self.is_production = was_production;
    }

    /// The scripts of a package, when these commands wrote or set them.
    fn package_scripts(&mut self, call: &Call<'_>, lines: &mut Vec<String>) {
        if call.has(&["pkg"]) && call.has(&["set"]) {
            lines.extend(
                call.rest()
                    .iter()
                    .filter_map(|word| word.strip_prefix("scripts.")?.split_once('='))
                    .map(|(_, line)| line.to_owned()),
            );
        }
        let manifest = self
            .files
            .get(&self.resolve("package.json"))
            .and_then(|text| json::read::<serde_json::Value>(text).ok());
        if let Some(scripts) = manifest.as_ref().and_then(|manifest| manifest["scripts"].as_object()) {
            lines.extend(scripts.values().take(64).filter_map(|script| script.as_str()).map(str::to_owned));
        }
    }

    fn git(&mut self, call: &Call<'_>, lines: &mut Vec<String>) {
        let is_command = |name: &str, value: &str| {
            let name = name.to_ascii_lowercase();
            super::settings::names_program(&name)
                || value.starts_with('!')
                || ["filter.", "pager.", "difftool.", "mergetool.", "alias.", "merge.", "gpg.", "sendemail."]
                    .iter()
                    .any(|start| name.starts_with(start))
        };
        let mut given: Vec<(String, String)> = call
            .rest()
            .windows(2)
            .filter(|pair| matches!(pair[0], "-c" | "--config"))
            .filter_map(|pair| pair[1].split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        if call.has(&["config"]) && !call.has(&["--unset", "--get", "--get-all", "--list", "-l"]) {
            let plain: Vec<&str> = call.plain().skip_while(|word| *word != "config").skip(1).collect();
            if let [name, value, ..] = plain.as_slice() {
                self.keep(&format!("/dev/fd/git/{name}"), value, false);
                given.push(((*name).to_owned(), (*value).to_owned()));
            }
        }
        for (name, value) in given {
            let runs = match value.strip_prefix('!') {
                // What it prints is read by git.
                Some(command) if name.starts_with("credential.") => format!(": \"$({command})\""),
                Some(command) => command.to_owned(),
                None if name.to_ascii_lowercase().starts_with("alias.") && call.has(&["config"]) => continue,
                None if name.to_ascii_lowercase().starts_with("alias.") => format!("git {value}"),
                None => value.clone(),
            };
            if name.eq_ignore_ascii_case("core.hookspath")
                && (value.starts_with("/tmp")
                    || value.starts_with("/dev/shm")
                    || value.starts_with("/var/tmp"))
            {
                self.find("hook", &call.line());
            }
            if is_command(&name, &value) && (!name.starts_with("credential.") || value.starts_with('!')) {
                if value.starts_with("/tmp/")
                    || value.starts_with("/dev/shm/")
                    || value.starts_with("/var/tmp/")
                {
                    self.find("hook", &call.line());
                }
                lines.push(runs);
            }
        }
        if call.has(&["clone", "fetch", "pull", "ls-remote", "push"]) {
            let option = call.after(&["-u", "--upload-pack", "--receive-pack", "--exec"]);
            lines.extend(option.filter(|text| text.contains(' ')).map(str::to_owned));
        }
        let url = call.plain().find(|word| word.starts_with("ext::"));
        lines.extend(url.map(|url| {
            // `% ` is a blank inside of a word.
            let words = url["ext::".len()..].replace("% ", "\u{1}");
            words.split(' ').map(|word| quoted(&word.replace('\u{1}', " "))).collect::<Vec<_>>().join(" ")
        }));
        let opened =
            call.rest().iter().filter_map(|word| word.strip_prefix("-O")).filter(|text| text.contains(' '));
        lines.extend(opened.map(str::to_owned));
    }

    fn make(&mut self, call: &Call<'_>, input: &Stream, lines: &mut Vec<String>) {
        if call.has(&["-f", "--file"]) && call.has(&["-", "/dev/stdin"]) {
            lines.extend(input.iter().flat_map(|text| text.lines()).filter_map(recipe));
        }
        let default = ["Makefile", "makefile", "GNUmakefile"]
            .iter()
            .find_map(|path| self.files.get(&self.resolve(path)).map(str::to_owned));
        if let Some(content) =
            call.after(&["-f", "--file", "--makefile"]).and_then(|path| self.content(path)).or(default)
        {
            let held = held_by_make(&content, call.rest());
            let filled = |line: String| {
                held.iter().fold(line, |line, (name, value)| match line.len() + value.len() {
                    0..MAX_FILLED => line.replace(&format!("${{{name}}}"), value),
                    _ => line,
                })
            };
            lines.extend(content.lines().filter_map(recipe).map(filled));
            lines.extend(content.lines().filter(|line| line.contains("$(shell ")).take(8).map(|line| {
                let command = line.split_once("$(shell ").map_or("", |(_, command)| command);
                command.rsplit_once(')').map_or(command, |(command, _)| command).to_owned()
            }));
        }
        if let Some(text) = call.after(&["--eval", "-E"]) {
            lines.extend(text.lines().filter_map(recipe));
        }
        for word in call.rest() {
            lines.extend(
                word.split("$(shell ").skip(1).take(4).map(|text| text.trim_end_matches(')').to_owned()),
            );
            let held = word.split_once('=').map(|(name, text)| (name.to_owned(), text.to_owned()));
            self.held_commands(held.as_slice());
            // NAME!=command
            lines.extend(word.split_once("!=").map(|(_, command)| command.trim().to_owned()));
        }
    }
}

/// The command of a makefile's line: behind a tab, or behind `target:;`.
pub(super) fn recipe(line: &str) -> Option<String> {
    let command = line.strip_prefix('\t').or_else(|| line.split_once(';').map(|(_, command)| command))?;
    let command = command.trim_start_matches(['@', '-', '+', ' ']);
    if command.is_empty() {
        return None;
    }
    Some(as_in_shell(command))
}

/// Variables of a makefile that are put into one line, and bytes of that line.
const MAX_HELD: usize = 16;
const MAX_FILLED: usize = 2048;

/// What the variables of a makefile hold, the last first: `NAME := value`; what the command line says goes before.
fn held_by_make(content: &str, given: &[&str]) -> Vec<(String, String)> {
    let held = |line: &str| {
        let (name, value) = line.split_once('=')?;
        let name = name.trim_end_matches([':', '?', ' ', '\t']);
        (super::names::is_variable(name) && value.len() < MAX_FILLED)
            .then(|| (name.to_owned(), as_in_shell(value.split(" #").next().unwrap_or_default().trim())))
    };
    let lines = content.lines().filter(|line| !line.starts_with('\t')).filter_map(held);
    let mut all: Vec<_> = given.iter().filter_map(|word| held(word)).collect();
    let written: Vec<_> = lines.take(MAX_HELD).collect();
    all.extend(written.into_iter().rev());
    all
}

/// A text of a makefile as the shell would say it.
fn as_in_shell(command: &str) -> String {
    // `$(NAME)` is a variable there, `$(shell …)` a command's output.
    let mut spelt = String::new();
    let mut pieces = command.split("$(");
    spelt.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        match piece.split_once(')') {
            Some((name, behind)) if super::names::is_variable(name) => {
                spelt.push_str(&format!("${{{name}}}{behind}"));
            }
            _ => spelt.push_str(&format!("$({}", piece.strip_prefix("shell ").unwrap_or(piece))),
        }
    }
    spelt.replace("$$", "$")
}

/// The text that a script of `sed` adds: `1i text`, `$a text`.
fn added_by_sed(script: &str) -> Option<&str> {
    let command = script.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '$' | ' '));
    command.strip_prefix(['i', 'a', 'c']).map(|text| text.trim_start_matches(['\\', ' ']))
}

/// The command that a script of `sed` runs: `1e command`.
fn executed_by_sed(script: &str) -> Option<String> {
    let script =
        ["--expression=", "-e", "-n"].iter().find_map(|option| script.strip_prefix(option)).unwrap_or(script);
    let command =
        script.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '$' | ',' | ' ' | '!'));
    if let Some(body) = command.strip_prefix('s') {
        // s/a/command/e
        let delimiter = body.chars().next()?;
        let mut pieces = body[delimiter.len_utf8()..]
            .replace(&format!("\\{delimiter}"), "\u{1}")
            .split(delimiter)
            .map(|piece| piece.replace('\u{1}', &delimiter.to_string()))
            .collect::<Vec<_>>()
            .into_iter();
        let (_, with, flags) = (pieces.next()?, pieces.next()?, pieces.next()?);
        return flags.contains('e').then_some(with);
    }
    command.strip_prefix("e ").map(str::to_owned)
}

/// The code of another language that an editor or debugger is told to run, and that language.
fn in_language<'l>(name: &str, line: &'l str) -> Option<(&'static str, &'l str)> {
    const EMBEDDED: &[(&str, &str)] = &[
        ("py3 ", "python3"),
        ("py ", "python3"),
        ("pythonx ", "python3"),
        ("python3 ", "python3"),
        ("python ", "python3"),
        ("script ", "python3"),
        ("pi ", "python3"),
        ("lua ", "lua"),
        ("luado ", "lua"),
        ("ruby ", "ruby"),
        ("rubydo ", "ruby"),
        ("perl ", "perl"),
        ("perldo ", "perl"),
        ("tcl ", "tclsh"),
    ];
    if !matches!(name, "vim" | "vi" | "nvim" | "vimdiff" | "view" | "ex" | "gdb" | "lldb") {
        return None;
    }
    let line = line.trim_start_matches([':', ' ']);
    EMBEDDED.iter().find_map(|(start, language)| Some((*language, line.strip_prefix(start)?)))
}

/// What an editor or debugger is told, as a command line; empty when it runs none.
fn for_editor(name: &str, line: &str) -> String {
    let escaped = match name {
        "vim" | "vi" | "nvim" | "vimdiff" | "rvim" | "view" | "ex" => {
            let line = line.trim_start_matches(':');
            // exe "!r" . "m x"
            if let Some(line) = super::code::executed(line) {
                return line.trim_start_matches(['!', ':']).to_owned();
            }
            if let Some(path) =
                line.split_once("delete(").map(|(_, path)| path.trim_start_matches(['"', '\'']))
            {
                let path = path.split(['"', '\'']).next().unwrap_or_default();
                return format!("rm -rf {}", quoted(path));
            }
            ["!", "silent !", "silent! !", "terminal ", "term ", "r !", "w !sh", "call system(", "set shell="]
                .iter()
                .find_map(|start| line.strip_prefix(start))
                .map(|line| line.trim_end_matches(')').trim_matches(['\'', '"']).replace("|:!", ";"))
        }
        "gdb" | "lldb" | "sqlite3" | "pry" => {
            let line = line.trim_start_matches('.');
            let line = line
                .strip_prefix("pipe ")
                .and_then(|line| line.split_once('|'))
                .map_or(line, |(_, line)| line);
            ["!", "shell ", "system ", "platform shell ", "process launch ", " "]
                .iter()
                .find_map(|start| line.strip_prefix(start))
                .map(str::to_owned)
        }
        "emacs" => return String::new(),
        "rpm" => {
            return line
                .trim_start_matches("%(")
                .trim_start_matches("%{lua:")
                .trim_end_matches([')', '}'])
                .to_owned();
        }
        "apt" | "apt-get" => line
            .split_once("Invoke")
            .and_then(|(_, line)| line.split_once('='))
            .map(|(_, line)| line.to_owned()),
        "smbclient" | "ftp" | "lftp" | "dc" | "r2" | "less" | "more" | "most" | "bc" | "gnuplot" | "sftp"
        | "mutt" => line.strip_prefix('!').map(str::to_owned),
        _ => return line.trim_start_matches(['!', ' ']).to_owned(),
    };
    escaped.unwrap_or_default()
}

pub(super) fn joined(words: &[&str]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// Lines of input to a client that its own escapes pass to a shell.
pub(super) fn escapes(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| {
            let line = line.trim();
            ["\\!", ".shell ", ".system ", "!", "~!", ".sy ", ".pso ", "system ", "host "]
                .iter()
                .find_map(|start| line.strip_prefix(start))
        })
        .map(str::to_owned)
        .collect()
}
