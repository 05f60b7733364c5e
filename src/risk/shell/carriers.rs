//! Programs that are not wrappers but can be told to run something: on another machine, in a container, as an editor,
//! pager, filter or hook.

use super::items::Items;
use super::run::Call;
use super::{Judge, Stream, quoted};
use crate::risk::effects::Effect;
use crate::risk::paths::Place;

/// Options whose word is a command line: program, options.
const TEXTS: &[(&str, &[&str])] = &[
    ("su", &["-c", "--command", "--session-command"]),
    ("runuser", &["-c", "--command"]),
    ("script", &["-c", "--command"]),
    ("sg", &["-c"]),
    ("vagrant", &["-c", "--command"]),
    ("gcloud", &["--command"]),
    ("fly", &["-C", "--command"]),
    ("flyctl", &["-C", "--command"]),
    ("ansible", &["-a", "--args"]),
    (
        "tar",
        &[
            "--to-command",
            "-I",
            "--use-compress-program",
            "--rsh-command",
            "-F",
            "--info-script",
            "--new-volume-script",
        ],
    ),
    ("bsdtar", &["--use-compress-program"]),
    ("rsync", &["-e", "--rsh", "--rsync-path"]),
    ("split", &["--filter"]),
    ("sort", &["--compress-program"]),
    ("man", &["-P", "--pager", "-H"]),
    (
        "git",
        &[
            "--exec",
            "-x",
            "--extcmd",
            "--tree-filter",
            "--index-filter",
            "--msg-filter",
            "--env-filter",
            "--upload-pack",
            "--receive-pack",
        ],
    ),
    ("xterm", &["-e"]),
    ("gnome-terminal", &["-e", "--command"]),
    ("konsole", &["-e"]),
    ("tcpdump", &["-z"]),
    ("wget", &["--use-askpass"]),
    ("npm", &["-c", "--call"]),
    ("zip", &["-TT", "--unzip-command"]),
    ("nix-shell", &["--run", "--command"]),
    ("nix", &["-c", "--command"]),
    ("vim", &["-c", "--cmd"]),
    ("ex", &["-c", "--cmd"]),
    ("scp", &["-S"]),
    ("sftp", &["-S", "-D"]),
    ("nano", &["-s", "--speller"]),
    ("svn", &["--editor-cmd", "--diff-cmd"]),
    ("lftp", &["-e", "-c"]),
    ("dc", &["-e"]),
    ("r2", &["-c"]),
    ("vi", &["-c", "--cmd"]),
    ("vimdiff", &["-c"]),
    ("rvim", &["-c"]),
    ("view", &["-c"]),
    ("nvim", &["-c", "--cmd"]),
    ("gdb", &["-ex", "--eval-command", "-iex"]),
    ("lldb", &["-o", "-O", "--one-line"]),
    ("pry", &["-e"]),
    ("sqlite3", &["-cmd"]),
    ("make", &["--eval"]),
    ("smbclient", &["-c"]),
    ("emacs", &["--eval", "-eval"]),
    ("mail", &["-E"]),
    ("dpkg", &["--pre-invoke", "--post-invoke"]),
    ("rpm", &["--eval", "-E", "--pipe"]),
    ("apt-get", &["-o", "--option"]),
    ("apt", &["-o", "--option"]),
    ("cobc", &["-x"]),
];

/// Words behind which the rest is a command: program, word, and how many plain words stand between.
const REST: &[(&str, &str, usize)] = &[
    ("bundle", "exec", 0),
    ("poetry", "run", 0),
    ("pipenv", "run", 0),
    ("uv", "run", 0),
    ("pdm", "run", 0),
    ("rye", "run", 0),
    ("hatch", "run", 0),
    ("npm", "exec", 0),
    ("npm", "x", 0),
    ("yarn", "exec", 0),
    ("yarn", "dlx", 0),
    ("pnpm", "exec", 0),
    ("pnpm", "dlx", 0),
    ("conda", "run", 0),
    ("mamba", "run", 0),
    ("heroku", "run", 0),
    ("rbenv", "exec", 0),
    ("pyenv", "exec", 0),
    ("asdf", "exec", 0),
    ("mise", "exec", 0),
    ("direnv", "exec", 1),
    ("pueue", "add", 0),
    ("zellij", "run", 0),
    ("nomad", "exec", 1),
    ("buildah", "run", 1),
    ("schroot", "--", 0),
    ("kubectl", "run", 1),
    ("just", "--command", 0),
    ("docker", "exec", 1),
    ("podman", "exec", 1),
    ("nerdctl", "exec", 1),
    ("docker-compose", "exec", 1),
    ("docker", "run", 1),
    ("podman", "run", 1),
    ("nerdctl", "run", 1),
    ("docker-compose", "run", 1),
    ("kubectl", "exec", 1),
    ("oc", "exec", 1),
    ("oc", "rsh", 1),
    ("lxc", "exec", 1),
    ("incus", "exec", 1),
    ("lxc-attach", "-n", 1),
    ("multipass", "exec", 1),
    ("adb", "shell", 0),
    ("git", "run", 0),
    ("git", "foreach", 0),
    ("aws-vault", "exec", 1),
    ("chamber", "exec", 1),
    ("doppler", "run", 0),
    ("op", "run", 0),
    ("infisical", "run", 0),
    ("teller", "run", 0),
    ("sops", "exec-env", 1),
    ("distrobox", "enter", 0),
    ("toolbox", "run", 0),
    ("flatpak-spawn", "--host", 0),
    ("machinectl", "shell", 1),
    ("pct", "exec", 1),
    ("tmux", "new", 0),
    ("tmux", "new-session", 0),
    ("tmux", "new-window", 0),
    ("tmux", "neww", 0),
    ("tmux", "split-window", 0),
    ("tmux", "run-shell", 0),
    ("tmux", "run", 0),
    ("tmux", "respawn-pane", 0),
    ("screen", "-dm", 0),
    ("screen", "-dmS", 1),
    ("screen", "-m", 0),
    ("wsl", "-e", 0),
    ("salt", "cmd.run", 0),
    ("crictl", "exec", 1),
    ("ctr", "exec", 1),
    ("xterm", "-e", 0),
    ("gnome-terminal", "--", 0),
    ("kitty", "--", 0),
    ("alacritty", "-e", 0),
    ("pm2", "start", 0),
    ("forever", "start", 0),
    ("mosh", "--", 0),
];

/// Options of these programs that take the next word.
const VALUED: &[&str] = &[
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
    "--net",
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
    "-h",
    "--hostname",
    "--publish",
    "--container",
    "--namespace",
    "-s",
    "-t",
    "-a",
    "--app",
    "--cap-add",
    "--device",
    "--add-host",
    "--restart",
    "--gpus",
    "--ulimit",
    "--tmpfs",
    "--shm-size",
    "--pid",
    "--ipc",
    "--cap-drop",
    "--security-opt",
    "--with",
    "--python",
    "--index",
    "--log-driver",
    "--dns",
    "--link",
    "--expose",
    "--profile",
    "--duration",
];

/// Programs of which a shell is what is asked for, so that it is no escape.
const MAY_BE_SHELLS: &[&str] = &[
    "su",
    "runuser",
    "script",
    "sg",
    "vagrant",
    "gcloud",
    "fly",
    "flyctl",
    "xterm",
    "gnome-terminal",
    "konsole",
    "npm",
    "nix-shell",
    "nix",
    "tmux",
    "screen",
    "crontab",
    "at",
    "batch",
    "make",
    "npx",
    "yarn",
    "pnpm",
    "bun",
];

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
                if call.plain().take(2).any(|script| runs_line(&script)) {
                    lines.extend(input.clone());
                }
                lines.extend(call.rest().iter().take(16).filter_map(|script| executed_by_sed(script)))
            }
            "npm" | "yarn" | "pnpm" | "bun" => self.package_scripts(call, &mut lines),
            "m4" => lines.extend(
                call.rest()
                    .iter()
                    .copied()
                    .chain(input.as_deref())
                    .flat_map(|text| text.split("syscmd(").skip(1))
                    .filter_map(|text| text.split(')').next())
                    .map(|text| text.trim_matches(['`', '\'']).to_owned()),
            ),
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
                lines.extend(call.rest().iter().filter_map(|word| word.strip_prefix('+')).map(str::to_owned))
            }
            "make" | "gmake" | "bmake" => self.make(call, input, &mut lines),
            "tmux" | "screen" if call.has(&["send-keys", "send", "-X"]) => {
                let keys = call.plain().filter(|word| word.contains(' ') || word.len() > 2);
                lines.extend(keys.map(|keys| keys.trim_end_matches(['\n', '\r']).replace("^M", "")));
            }
            "at" | "batch" | "crontab" => lines.extend(input.clone()),
            "ed" => lines.extend(
                input
                    .iter()
                    .flat_map(|text| text.lines())
                    .filter_map(|line| line.strip_prefix('!'))
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
        if let Some((_, options)) = TEXTS.iter().find(|(name, _)| *name == call.name) {
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
            let line = for_editor(call.name, line);
            let first = line
                .split_whitespace()
                .find(|word| !word.starts_with(';'))
                .unwrap_or_default()
                .trim_start_matches(';');
            let is_shell = super::interpreters::is_shell(super::names::base(first))
                && !line.contains("-c")
                && !line.contains('|');
            if is_shell && !MAY_BE_SHELLS.contains(&call.name) {
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
        let positional = self.scope.positional().map(<[String]>::to_vec);
        self.inside_child(positional, |judge| {
            judge.folder.clear();
            judge.text(line, how, input)
        });
    }

    fn rest_of(&mut self, call: &Call<'_>, input: &Stream) {
        let Some((_, word, plain)) =
            REST.iter().find(|(name, word, _)| *name == call.name && call.has(&[word]))
        else {
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
                option if option.starts_with('-') => at += 1 + usize::from(VALUED.contains(&option)),
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
        let before = is_fresh.then(|| self.best.clone());
        let line =
            if inner.len() == 1 && inner[0].contains(' ') { inner[0].to_owned() } else { joined(inner) };
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
        const WITH_VALUE: &[&str] = &[
            "-p", "-i", "-l", "-o", "-F", "-L", "-R", "-D", "-J", "-b", "-c", "-E", "-W", "-w", "-m", "-S",
            "-Q", "-I", "-B", "-e", "-M", "-h", "-H",
        ];
        let rest = call.rest();
        let by_option = matches!(call.name, "pssh" | "pdsh" | "parallel-ssh" | "clush" | "dsh")
            && call.has(&["-h", "-H", "-w", "-g", "-m", "-a"]);
        let mut at = 0;
        while at < rest.len() && rest[at].starts_with('-') {
            at += 1 + usize::from(WITH_VALUE.contains(&rest[at]));
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
            if line.contains(char::is_alphabetic) {
                self.elsewhere_with(&line, call.name, input.clone());
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
            .and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
        if let Some(scripts) = manifest.as_ref().and_then(|manifest| manifest["scripts"].as_object()) {
            lines.extend(scripts.values().take(64).filter_map(|script| script.as_str()).map(str::to_owned));
        }
    }

    fn git(&mut self, call: &Call<'_>, lines: &mut Vec<String>) {
        let is_command = |name: &str| {
            let name = name.to_ascii_lowercase();
            [
                "core.pager",
                "core.editor",
                "core.sshcommand",
                "core.fsmonitor",
                "diff.external",
                "core.gitproxy",
                "sequence.editor",
                "core.askpass",
            ]
            .contains(&name.as_str())
                || ["filter.", "pager.", "difftool.", "mergetool.", "alias.", "credential.", "merge.", "gpg."]
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
                given.push(((*name).to_owned(), (*value).to_owned()));
            }
        }
        for (name, value) in given {
            let runs = match value.strip_prefix('!') {
                Some(command) => command.to_owned(),
                None if name.to_ascii_lowercase().starts_with("alias.") => continue,
                None => value.clone(),
            };
            if name.eq_ignore_ascii_case("core.hookspath")
                && (value.starts_with("/tmp")
                    || value.starts_with("/dev/shm")
                    || value.starts_with("/var/tmp"))
            {
                self.find("hook", &call.line());
            }
            if is_command(&name) && (!name.starts_with("credential.") || value.starts_with('!')) {
                if value.starts_with("/tmp/")
                    || value.starts_with("/dev/shm/")
                    || value.starts_with("/var/tmp/")
                {
                    self.find("hook", &call.line());
                }
                lines.push(runs);
            }
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
            lines.extend(content.lines().filter_map(recipe));
        }
        if let Some(text) = call.after(&["--eval"]) {
            lines.extend(text.lines().filter_map(recipe));
            lines.extend(text.split("$(shell ").nth(1).map(|text| text.trim_end_matches(')').to_owned()));
        }
    }
}

/// The command of a makefile's line: behind a tab, or behind `target:;`.
fn recipe(line: &str) -> Option<String> {
    let command = line.strip_prefix('\t').or_else(|| line.split_once(';').map(|(_, command)| command))?;
    let command = command.trim_start_matches(['@', '-', '+', ' ']);
    (!command.is_empty()).then(|| command.replace("$$", "$"))
}

/// The command that a script of `sed` runs: `1e command`.
fn executed_by_sed(script: &str) -> Option<String> {
    let script =
        ["--expression=", "-e", "-n"].iter().find_map(|option| script.strip_prefix(option)).unwrap_or(script);
    if let Some(body) = script.strip_prefix('s') {
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
    let command = script.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '$' | ',' | ' '));
    command.strip_prefix("e ").map(str::to_owned)
}

/// What an editor or debugger is told, as a command line; empty when it runs none.
fn for_editor(name: &str, line: &str) -> String {
    let escaped = match name {
        "vim" | "vi" | "nvim" | "vimdiff" | "rvim" | "view" | "ex" => {
            let line = line.trim_start_matches(':');
            if let Some(code) = ["py3 ", "py ", "python3 ", "python ", "lua ", "pythonx "]
                .iter()
                .find_map(|start| line.strip_prefix(start))
            {
                return super::code::commands(code).join("\n");
            }
            ["!", "silent !", "silent! !", "terminal ", "term ", "r !", "w !sh", "call system(", "set shell="]
                .iter()
                .find_map(|start| line.strip_prefix(start))
                .map(|line| line.trim_end_matches(')').trim_matches(['\'', '"']).replace("|:!", ";"))
        }
        "gdb" | "lldb" | "sqlite3" | "pry" => {
            let line = line.trim_start_matches('.');
            if let Some(code) =
                ["python ", "script ", "pi "].iter().find_map(|start| line.strip_prefix(start))
            {
                return super::code::commands(code).join("\n");
            }
            ["!", "shell ", "system ", "platform shell ", "process launch "]
                .iter()
                .find_map(|start| line.strip_prefix(start))
                .map(str::to_owned)
        }
        "emacs" => return super::code::commands(line).join("\n"),
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

fn joined(words: &[&str]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// Lines of input to a client that its own escapes pass to a shell.
pub(super) fn escapes(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| {
            let line = line.trim();
            ["\\!", ".shell ", ".system ", "!", "\\! "].iter().find_map(|start| line.strip_prefix(start))
        })
        .map(str::to_owned)
        .collect()
}

impl Judge<'_> {
    /// What only some programs do, beside the tables.
    pub(super) fn extra(&mut self, call: &Call<'_>) {
        if call.name == "tar"
            && let Some(folder) = call.after(&["-C", "--directory"])
        {
            for path in call.plain().filter(|path| *path != folder).take(16) {
                let inside = format!("{folder}/{path}");
                if self.place(&self.resolve(&inside)) == Place::Secret {
                    self.find("read-secret", &call.line());
                }
            }
        }
        if call.name == "git" {
            self.git_places(call);
        }
        if matches!(call.name, "grep" | "egrep" | "fgrep" | "rg" | "ag" | "zgrep" | "ack" | "ugrep") {
            self.seeks_secrets(call);
        }
        if crate::risk::rules::databases::CLIENTS.contains(&call.name) {
            for word in call.rest().iter().filter(|word| word.len() > 2) {
                if deletes_all_rows(word) {
                    self.find("sql-delete-all", &call.line());
                }
                for line in escapes(word) {
                    self.elsewhere(&line, call.name);
                }
            }
        }
        let forces = call.name == "git" && call.has(&["push"]) && call.has(&["-f", "--force", "-uf", "-fu"]);
        if forces && !call.has(&["--dry-run", "-n"]) {
            // Without a branch it is the current one, and nothing says that it is nobody else's.
            let named = call.plain().skip_while(|word| *word != "push").skip(2).count();
            if named == 0 {
                self.find("git-rewrite-shared", &call.line());
            }
        }
        let resets = [
            "db:drop",
            "db:reset",
            "db:purge",
            "db:schema:load",
            "migrate:fresh",
            "db:wipe",
            "migrate:reset",
            "flush",
            "reset",
            "destroy",
            "delete",
            "drop",
            "remove",
            "terminate",
            "uninstall",
            "rm",
            "purge",
            "down",
            "wipe",
            "truncate",
            "force-reset",
        ];
        let is_reset = call
            .plain()
            .take(6)
            .any(|word| resets.iter().any(|reset| word == *reset || word.ends_with(&format!(":{reset}"))));
        let is_file =
            matches!(call.name, "rm" | "git" | "find" | "echo" | "npm" | "yarn" | "pnpm" | "grep" | "ls")
                || crate::risk::effects::only_mentions(call.name)
                    && call.name != "kubectl"
                    && call.name != "helm"
                    && call.name != "make";
        if is_reset
            && !is_file
            && self.is_production(call)
            && !call.has(&["--dry-run", "--help", "--dry-run=client"])
        {
            self.find("production-reset", &call.line());
        }
        if matches!(call.name, "systemctl" | "update-rc.d" | "chkconfig") {
            self.services(call);
        }
    }

    /// Whether a command is told to work on what is live.
    fn is_production(&self, call: &Call<'_>) -> bool {
        let says = says_production;
        let variables = [
            "RAILS_ENV",
            "NODE_ENV",
            "APP_ENV",
            "DJANGO_SETTINGS_MODULE",
            "ENV",
            "ENVIRONMENT",
            "MIX_ENV",
            "DATABASE_URL",
        ];
        let set = variables
            .iter()
            .filter_map(|name| self.scope.get(name))
            .flat_map(Items::texts)
            .any(|value| says(value));
        set || self.is_production || call.rest().iter().any(|word| says(word))
    }

    /// A search for credentials outside of the project.
    fn seeks_secrets(&mut self, call: &Call<'_>) {
        let given = call.after(&["-e", "--regexp"]);
        let mut plain = call.plain();
        let Some(pattern) = given.or_else(|| plain.next()).map(str::to_ascii_lowercase) else { return };
        let seeks = crate::risk::rules::secrets::SOUGHT.iter().any(|word| pattern.contains(word));
        let recurses = matches!(call.name, "rg" | "ag" | "ack" | "ugrep")
            || call.rest().iter().any(|word| {
                *word == "--recursive"
                    || word.starts_with('-') && !word.starts_with("--") && word.contains(['r', 'R'])
            });
        let is_wide = |path: &str| {
            let resolved = self.resolve(path);
            matches!(
                resolved.as_str(),
                "~" | "/" | "/*" | "~/*" | "/var/www" | "/opt" | "/srv" | "/var/lib" | "/mnt"
            ) || ["/etc", "/proc", "/home", "/root", "/var/www/", "/opt/", "/srv/"]
                .iter()
                .any(|root| resolved.starts_with(root))
                || resolved.starts_with("~/.")
        };
        if seeks
            && (recurses || pattern.len() > 3)
            && plain
                .any(|path| is_wide(path) && (recurses || path.contains('*') && !path.starts_with("/etc")))
        {
            self.find("search-secrets", &call.line());
        }
    }

    /// What git takes in, and what it throws away where.
    fn git_places(&mut self, call: &Call<'_>) {
        if call.has(&["add"]) {
            for path in call.plain().skip_while(|word| *word != "add").skip(1).take(64) {
                if self.place(&self.resolve(path)) == Place::Secret {
                    self.find("read-secret", &call.line());
                }
            }
        }
        let discards = call.has(&["clean"])
            && call.rest().iter().any(|word| word.starts_with('-') && word.contains('f'))
            || call.has(&["checkout"]) && call.has(&["-f", "--force"])
            || call.has(&["reset"]) && call.has(&["--hard"]);
        let folder = call
            .after(&["--work-tree", "-C"])
            .map_or_else(|| self.folder.clone(), |folder| self.resolve(folder));
        let matters =
            matches!(self.place(&folder), Place::System | Place::Persistent | Place::Secret | Place::Defence)
                || folder == "~"
                || folder == "/";
        let places = call.plain().skip(1).any(|path| {
            matches!(self.place(&self.resolve(path)), Place::System | Place::Home) && call.has(&["clean"])
        });
        if discards && places {
            self.find("delete-outside", &call.line());
        }
        if discards && !folder.is_empty() && matters && !call.has(&["-n", "--dry-run"]) {
            self.find("delete-outside", &call.line());
        }
    }

    /// A service that is made to start with the machine: routine for well-known ones.
    fn services(&mut self, call: &Call<'_>) {
        let starts = call.has(&[
            "enable",
            "reenable",
            "link",
            "preset",
            "edit",
            "set-default",
            "unmask",
            "defaults",
            "on",
        ]);
        let known = |word: &str| {
            let name =
                word.trim_end_matches(".service").trim_end_matches(".timer").trim_end_matches(".socket");
            crate::risk::rules::persistence::KNOWN_SERVICES.contains(&name)
        };
        let skipped = usize::from(call.name == "systemctl");
        let mut services = call
            .plain()
            .skip(skipped)
            .filter(|word| !matches!(*word, "defaults" | "on" | "enable"))
            .peekable();
        if starts && services.peek().is_some() {
            let id = if services.all(known) { "services" } else { "schedule" };
            self.find(id, &call.line());
        }
    }
}

/// Whether a text names what is live.
fn says_production(text: &str) -> bool {
    let mut parts = text.split(|c: char| !c.is_ascii_alphanumeric());
    parts.any(|part| matches!(part.to_ascii_lowercase().as_str(), "prod" | "production" | "prd"))
}

/// `DELETE FROM t` and `UPDATE t SET …` without `WHERE`.
fn deletes_all_rows(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.split(';').any(|statement| {
        let changes = statement.contains("delete from ")
            || statement.contains("update ") && statement.contains(" set ");
        let where_all = statement.contains("where 1=1")
            || statement.contains("where true")
            || statement.contains("where 1 = 1");
        changes && (where_all || !statement.contains("where") && !statement.contains("limit"))
    })
}
