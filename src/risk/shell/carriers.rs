//! Programs that are not wrappers but can be told to run something: on another machine, in a container, as an editor,
//! pager, filter or hook.

use super::call::Call;
use super::carrying::{MAY_BE_SHELLS, REST, TEXTS, VALUED};
use super::editors::{escapes, for_editor, in_language};
use super::particulars::says_production;
use super::{Judge, Stream, quoted};
use crate::base::json;
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
            "sed" | "gsed" => self.stream_editor(call, input, &mut lines),
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
            "vim" | "vi" | "nvim" | "view" | "rvim" | "less" | "ex" => self.editor(call, input, &mut lines),
            "cmake" => self.cmake(call, &mut lines),
            "make" | "gmake" | "bmake" => self.make(call, input, &mut lines),
            "tmux" | "screen" if call.has(&["send-keys", "send", "-X"]) => {
                let keys = call.plain().filter(|word| word.contains(' ') || word.len() > 2);
                lines.extend(keys.map(|keys| keys.trim_end_matches(['\n', '\r']).replace("^M", "")));
            }
            "at" | "batch" | "crontab" => lines.extend(input.clone()),
            "sftp" | "ftp" | "lftp" | "mail" | "mailx" | "telnet" => {
                lines.extend(input.iter().flat_map(|text| escapes(text)))
            }
            "ed" => self.line_editor(call, input, &mut lines),
            "cargo" => {
                // What compiles, or stands before what does.
                let compilers = ["rustc-wrapper=", "rustc-workspace-wrapper=", "build.rustc=", "linker="];
                let named = call.rest().iter().filter(|word| word.contains('=')).find_map(|word| {
                    compilers.iter().find_map(|name| word.split_once(name)).map(|(_, program)| program)
                });
                if let Some(program) = named {
                    self.assigned("RUSTC_WRAPPER", program.trim_matches(['"', '\'']));
                }
                lines.extend(call.rest().iter().filter_map(|word| {
                    let (_, text) = word.split_once("runner=").or_else(|| word.split_once("linker="))?;
                    Some(text.trim_matches(['"', '\'', '[', ']']).replace("\",\"", " "))
                }));
            }
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
}

pub(super) fn joined(words: &[&str]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}
