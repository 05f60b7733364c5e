//! What the shell does itself: folders, variables, `eval`, `trap`, `source`.

use super::call::Call;
use super::scope::{Function, POSITIONAL};
use super::{Judge, Stream, names};
use crate::risk::lookup::{Names, list};
use crate::risk::syntax::{self, escape};
use crate::risk::value::{Origin, has_hole, origin};

/// Variables by which programs run something or load code.
const LOADS: Names = list!(
    "LD_PRELOAD LD_AUDIT DYLD_INSERT_LIBRARIES BASH_ENV ENV PYTHONSTARTUP PERL5OPT PERL5DB GCONV_PATH
     PYTHONHOME"
);
/// Libraries that are there to be loaded before others: sanitizers, allocators, clocks for tests.
const TOOLS: Names = list!(
    "libasan.so libtsan.so libubsan.so liblsan.so libjemalloc.so libtcmalloc.so libtcmalloc_minimal.so
     libmimalloc.so libfaketime.so libeatmydata.so"
);
/// Variables whose value is a command line.
const COMMANDS: Names = list!(
    "PROMPT_COMMAND GIT_SSH_COMMAND GIT_SSH GIT_PAGER GIT_EDITOR GIT_EXTERNAL_DIFF GIT_ASKPASS PAGER EDITOR
     VISUAL MANPAGER LESSOPEN LESSCLOSE BROWSER PS4 SSH_ASKPASS SUDO_ASKPASS RSYNC_RSH CVS_RSH PS0 PS1 PS2
     SUDO_EDITOR SYSTEMD_EDITOR KUBE_EDITOR TAR_OPTIONS"
);

/// Ends of the names of others of such.
const COMMAND_ENDS: Names = list!(
    "_RUNNER _WRAPPER _COMMAND _EDITOR _PAGER _LINKER RUSTC RUSTDOC _ASKPASS script_shell SCRIPT_SHELL"
);

/// Lines of a text that `read` takes one by one.
const MAX_LINES: usize = 7;

impl Judge<'_> {
    /// Runs a builtin: `Ok` with its output, or the input again when the command is none.
    pub(super) fn builtin(&mut self, call: &Call<'_>, input: Stream) -> Result<Stream, Stream> {
        let rest = call.rest();
        match call.name {
            "cd" | "pushd" => {
                if call.name == "cd" && rest.last() == Some(&"-") {
                    self.back();
                    return Ok(None);
                }
                let before = self.folder.clone();
                if call.name == "pushd" {
                    self.pushed.push(before.clone());
                }
                match rest.iter().find(|word| !word.starts_with('-')) {
                    Some(folder) => self.folder = self.resolve(&self.looked_for(folder)),
                    None if rest.is_empty() && call.name == "cd" => "~".clone_into(&mut self.folder),
                    None => {}
                }
                if !before.is_empty() || self.scope.get("OLDPWD").is_some() {
                    self.scope.set_text("OLDPWD", if before.is_empty() { "./" } else { &before });
                }
                Ok(None)
            }
            "popd" => {
                let left = self.folder.clone();
                self.folder = self.pushed.pop().unwrap_or_default();
                self.scope.set_text("OLDPWD", if left.is_empty() { "./" } else { &left });
                Ok(None)
            }
            "pwd" => {
                Ok(Some(if self.folder.is_empty() { "./".to_owned() } else { self.folder.clone() } + "\n"))
            }
            "echo" | "print" => Ok(Some(self.echo(call))),
            "printf" => Ok(self.printf(call)),
            "export" | "declare" | "local" | "readonly" | "typeset" | "integer" => {
                if call.has(&["-i"]) || call.name == "integer" {
                    // What is assigned is not split.
                    if let Some((_, value)) = rest.join(" ").split_once('=') {
                        self.indices_in(value);
                    }
                }
                self.declared(call);
                let lists = rest.is_empty() || call.has(&["-p", "-x"]) && rest.len() == 1;
                Ok(lists.then(|| (Origin::PRIVATE | Origin::CREDENTIAL).text()))
            }
            "unset" | "unalias" => {
                self.unset(call);
                Ok(None)
            }
            "read" | "mapfile" | "readarray" => {
                self.read(call, input);
                Ok(None)
            }
            "set" if rest.iter().any(|word| *word == "--" || !word.starts_with(['-', '+'])) => {
                let options =
                    rest.iter().take_while(|word| word.starts_with(['-', '+']) && **word != "--").count();
                let is_option = options > 0 && rest[..options].iter().any(|word| word.ends_with('o'));
                if !is_option {
                    let given = rest[options..].iter().skip_while(|word| **word == "--");
                    let given: Vec<String> = given.map(|word| (*word).to_owned()).collect();
                    self.scope.set(POSITIONAL, given);
                }
                Ok(None)
            }
            "getopts" => {
                let given = rest.get(2..).unwrap_or_default();
                let last = given
                    .last()
                    .map(|word| (*word).to_owned())
                    .or_else(|| self.scope.positional().and_then(<[String]>::last).cloned());
                self.scope.set_text("OPTARG", last.unwrap_or_else(|| Origin::UNKNOWN.text()));
                if let Some(name) = rest.get(1) {
                    self.scope.set_text(name, Origin::UNKNOWN.text());
                }
                Ok(None)
            }
            "hash" if rest.first() == Some(&"-p") => {
                if let [_, path, name, ..] = rest {
                    let body = syntax::parse(&format!("{} \"$@\"", super::quoted(path)));
                    self.scope.define(name, Some(Function::alias(body)));
                }
                Ok(None)
            }
            "mkfifo" | "mknod" => {
                let paths: Vec<String> = call.plain().map(str::to_owned).collect();
                for path in paths {
                    // Whoever writes to it may be far away.
                    self.keep(&path, &Origin::NETWORK.text(), false);
                }
                Ok(None)
            }
            "shift" => {
                let count = rest.first().and_then(|count| count.parse().ok()).unwrap_or(1usize);
                if let Some(given) = self.scope.positional() {
                    let left: Vec<String> = given.iter().skip(count).cloned().collect();
                    self.scope.set(POSITIONAL, left);
                }
                Ok(None)
            }
            "alias" => {
                for (name, value) in rest.iter().filter_map(|word| word.split_once('=')) {
                    let first = value.split_whitespace().next().unwrap_or_default();
                    let is_trusted = matches!(name, "sudo" | "su" | "passwd" | "doas" | "ssh" | "gpg");
                    if is_trusted
                        && names::base(first) != name
                        && (first.contains('/') || matches!(name, "sudo" | "su"))
                    {
                        self.find("search-path", &call.line());
                    }
                    self.alias(name, value);
                }
                Ok(None)
            }
            "eval" | "iex" => {
                if let Some(origin) = call.origin.filter(|_| rest.first().is_some_and(|word| has_hole(word)))
                {
                    self.code_from(origin, &call.line());
                }
                let rest = if rest.first() == Some(&"--") { &rest[1..] } else { rest };
                Ok(self.text(&rest.join(" "), "eval", input))
            }
            "trap" => {
                self.trap(call);
                Ok(None)
            }
            "bind" | "complete" | "compgen" if call.name != "compgen" || call.has(&["-C", "-F"]) => {
                if let Some(text) = call.after(&["-C", "-x", "-F"]) {
                    self.text(text, call.name, None);
                }
                Ok(None)
            }
            "let" => {
                for word in rest {
                    self.subscripts(word);
                    self.calculated(word);
                }
                Ok(None)
            }
            "return" => {
                self.returns();
                Ok(None)
            }
            "break" | "continue" => {
                let levels = rest.first().map_or(Some(1), |levels| levels.parse().ok());
                self.leaves(levels.unwrap_or(1).max(1), call.name == "continue");
                if levels.is_none() {
                    self.leaves(usize::MAX, false);
                }
                Ok(None)
            }
            "shopt" if call.has(&["lastpipe"]) => {
                self.has_lastpipe = true;
                Ok(None)
            }
            "history" if rest.first() == Some(&"-s") => {
                self.named.push(rest[1..].join(" "));
                Ok(None)
            }
            "fc" if !call.has(&["-l", "-n", "-ln", "-nl"]) && !self.named.is_empty() => {
                self.may_run_what_was_said();
                Ok(None)
            }
            "enable" => {
                if call.has(&["-f"]) {
                    self.find("search-path", &call.line());
                }
                Ok(None)
            }
            "source" | "." => Ok(self.source(call, input)),
            "test" | "[" if call.has(&["-v", "-eq", "-ne", "-gt", "-lt", "-ge", "-le"]) => {
                for word in rest {
                    self.subscripts(word);
                }
                Ok(None)
            }
            ":" | "true" | "false" | "test" | "[" | "sleep" | "wait" | "exit" => Ok(None),
            _ => Err(input),
        }
    }

    /// Lets a name stand for a text.
    pub(super) fn alias(&mut self, name: &str, value: &str) {
        let body = syntax::parse(value);
        let mark = self.scope.mark();
        self.script(&body, None);
        self.scope.back_to(mark);
        // What follows its name follows its text.
        let body = syntax::parse(&format!("{value} \"$@\""));
        self.scope.define(name, Some(Function::alias(body)));
    }

    /// `source FILE`
    fn source(&mut self, call: &Call<'_>, input: Stream) -> Stream {
        let path = call.rest().first().copied().unwrap_or("-");
        let is_profile = matches!(names::base(path), "env" | ".envrc") || path.ends_with(".sh");
        if crate::risk::paths::place(&self.resolve(path)) == crate::risk::paths::Place::Secret && !is_profile
        {
            self.find("read-secret", &call.line());
        }
        let content = match path {
            "/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0" | "-" => input,
            _ => self.content(path),
        };
        let content = content.unwrap_or_else(|| origin(path).map_or_else(String::new, Origin::text));
        match origin(&content) {
            Some(origin)
                if content.chars().count() == 1 && !origin.has(Origin::FILE)
                    || origin.has(Origin::NETWORK | Origin::DECODED) =>
            {
                self.code_from(origin, &call.line());
                Some(Origin::UNKNOWN.text())
            }
            _ => {
                let given: Vec<String> = call.rest().iter().skip(1).map(|word| (*word).to_owned()).collect();
                self.inside_source(given, |judge| judge.text(&content, call.name, None))
            }
        }
    }

    fn echo(&mut self, call: &Call<'_>) -> String {
        let rest = call.rest();
        let options = rest
            .iter()
            .take_while(|word| {
                word.len() > 1
                    && word.starts_with('-')
                    && word[1..].bytes().all(|b| matches!(b, b'n' | b'e' | b'E'))
            })
            .count();
        let text = rest[options..].join(" ");
        self.shows(&text);
        let reads = rest[..options].iter().any(|word| word.contains('e'));
        let text = if reads { escape::unescape(&text) } else { text };
        if rest[..options].iter().any(|word| word.contains('n')) { text } else { text + "\n" }
    }

    /// The folder that `cd` goes to: a bare name is looked for in the first folder of `CDPATH`.
    fn looked_for(&self, folder: &str) -> String {
        let known = self.scope.get("CDPATH").and_then(|items| items.at("0")).unwrap_or_default();
        let first = known.split(':').next().unwrap_or_default();
        if first.is_empty() || folder.starts_with(['/', '.', '~']) {
            return folder.to_owned();
        }
        format!("{first}/{folder}")
    }

    /// What stands in the index of an array runs when a builtin is given the name.
    pub(super) fn subscripts(&mut self, name: &str) {
        if name.contains('[') && name.contains(['$', '`']) {
            let index = name.split_once('[').map_or("", |(_, index)| index).trim_end_matches(']');
            self.text(&format!(": {index}"), "index", None);
        }
    }

    /// `cd -`
    fn back(&mut self) {
        let before = self.scope.get("OLDPWD").and_then(|items| items.at("0"));
        // It is not set where only one folder was gone to.
        let before = before.filter(|folder| folder != "./").map(|folder| self.resolve(&folder));
        let left = std::mem::replace(&mut self.folder, before.unwrap_or_default());
        self.scope.set_text("OLDPWD", if left.is_empty() { "./".to_owned() } else { left });
    }

    /// A credential that is put before whoever reads the output.
    fn shows(&mut self, text: &str) {
        let is_key = |origin: Origin| {
            origin.has(Origin::CREDENTIAL) && !origin.has(Origin::OUTPUT) || origin.has(Origin::SECRET)
        };
        if self.captured == 0 && origin(text).is_some_and(is_key) {
            self.find("print-credential", text);
        }
    }

    fn printf(&mut self, call: &Call<'_>) -> Stream {
        let mut rest = call.rest();
        let mut variable = None;
        if rest.first() == Some(&"-v") {
            variable = rest.get(1).copied();
            self.subscripts(variable.unwrap_or_default());
            rest = rest.get(2..).unwrap_or_default();
        }
        if rest.first() == Some(&"--") {
            rest = &rest[1..];
        }
        let text = super::texts::printf(rest);
        match variable {
            Some(name) => {
                self.scope.set_text(name, text);
                None
            }
            None => {
                self.shows(&text);
                Some(text)
            }
        }
    }

    fn read(&mut self, call: &Call<'_>, input: Stream) {
        for word in call.rest() {
            self.subscripts(word);
        }
        // `-t` takes a word for `read` only.
        let valued: &[&str] = match call.name {
            "read" => &["-d", "-n", "-N", "-p", "-t", "-u", "-i"],
            _ => &["-d", "-n", "-O", "-s", "-u", "-C", "-c"],
        };
        let mut names: Vec<&str> = Vec::new();
        let mut at = 0;
        while let Some(word) = call.rest().get(at) {
            at += 1 + usize::from(valued.contains(word));
            if names::is_variable(word) {
                names.push(word);
            }
        }
        let descriptor = call.after(&["-u"]).map(|number| format!("/dev/fd/{number}"));
        let text = descriptor.and_then(|path| self.content(&path)).or(input);
        let text = text.unwrap_or_else(|| Origin::UNKNOWN.text());
        if call.name != "read" || call.has(&["-a", "-ra"]) {
            let callback = call.after(&["-C"]).filter(|_| call.name != "read").map(str::to_owned);
            if let Some(callback) = callback {
                // It is given the number of a line, and the line.
                for (at, line) in text.lines().take(MAX_LINES).enumerate() {
                    let line = super::code::quoted(line);
                    self.text(&format!("{callback} {at} {line}"), call.name, None);
                }
            }
            let ifs = self.separators().filter(|_| call.name == "read");
            let parts = |c: char| c.is_whitespace() || ifs.as_ref().is_some_and(|ifs| ifs.contains(c));
            let items: Vec<String> =
                text.split(parts).filter(|item| !item.is_empty()).map(str::to_owned).collect();
            self.scope.set(names.last().unwrap_or(&"MAPFILE"), items);
            return;
        }
        let reply = ["REPLY"];
        let names = if names.is_empty() { &reply[..] } else { &names[..] };
        let separators = self.scope.get("IFS").map(|items| items.texts().concat());
        let is_separator =
            |c: char| separators.as_ref().map_or_else(|| c.is_whitespace(), |ifs| ifs.contains(c));
        // A loop reads every line.
        let all: Vec<&str> = text.trim_end().lines().collect();
        let (lines, rest) = all.split_at(all.len().min(MAX_LINES));
        let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        if !rest.is_empty() {
            // Those beyond are taken together; in parts they are not followed.
            lines.push(rest.join("\n"));
            if names.len() > 1 {
                self.find("not-understood", "");
            }
        }
        if lines.is_empty() {
            lines.push(String::new());
        }
        let fields: Vec<Vec<String>> =
            lines.iter().map(|line| fields(line, names.len(), is_separator)).collect();
        // Where one name cannot be set, those behind it are not.
        let keeps = names.iter().any(|name| self.scope.is_fixed(name));
        for (at, name) in names.iter().enumerate() {
            let values = fields.iter().map(|fields| fields[at].clone()).collect();
            self.scope.set_one_of(name, values, keeps);
        }
    }

    /// A variable that is set, for a command or for all that follow.
    pub(super) fn assigned(&mut self, name: &str, text: &str) {
        let is_given = !text.is_empty();
        let shown = format!("{name}={text}");
        // A script or settings that these commands wrote, named where some program looks for them.
        if !self.files.is_empty()
            && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
            && let Some(content) = self.content(text)
        {
            match super::interpreters::by_first_line(&content) {
                Some(language) => self.scan(&content, language),
                None if content.starts_with("#!") => drop(self.text(&content, name, None)),
                None => {
                    for line in super::visible::carried_by(&content).iter().take(MAX_LINES) {
                        self.elsewhere(line, name);
                    }
                }
            }
        }
        let is_command = COMMANDS.contains(name) || COMMAND_ENDS.iter().any(|end| name.ends_with(end));
        match name {
            _ if LOADS.contains(name) && is_given && !is_tool(text) => self.find("search-path", &shown),
            // The keys of whoever else is logged in.
            "SSH_AUTH_SOCK"
                if text.contains("/tmp/ssh-")
                    || text.contains("/run/user/")
                    || text.starts_with("/tmp") && has_hole(text)
                    || comes_from_list(text) =>
            {
                self.find("read-secret", &shown);
            }
            _ if super::settings::misleads(name, text) => self.find("odd-source", &shown),
            _ if is_command && is_given => {
                self.named_program(name, text);
                if name == "PROMPT_COMMAND" {
                    self.find("hook", &shown);
                }
                if text.contains([' ', '/', ';', '$', '`']) {
                    let text = text.split_once("exec=").map_or(text, |(_, command)| command);
                    self.text(text.trim_start_matches('|'), name, None);
                }
            }
            "LD_LIBRARY_PATH" | "PATH" | "PYTHONPATH" | "PERL5LIB" | "NODE_PATH" | "RUBYLIB" => {
                let first = text.split(':').next().unwrap_or_default();
                let resolved = self.resolve(first);
                if ["/tmp", "/dev/shm", "/var/tmp"].iter().any(|root| resolved.starts_with(root))
                    || name == "PATH" && (text == "." || text.starts_with(".:"))
                {
                    self.find("search-path", &shown);
                }
            }
            "JAVA_TOOL_OPTIONS" | "_JAVA_OPTIONS" | "JDK_JAVA_OPTIONS"
                if text.contains("-agent") || text.contains("-javaagent") =>
            {
                self.find("search-path", &shown);
            }
            "ZDOTDIR" | "GIT_CONFIG_GLOBAL" | "GIT_CONFIG_SYSTEM" | "GIT_EXEC_PATH" | "XDG_CONFIG_HOME"
            | "PYTHONUSERBASE" | "GEM_HOME"
                if text.starts_with("/tmp/") || text == "/tmp" =>
            {
                self.find("search-path", &shown);
            }
            "MAKEFLAGS" | "GNUMAKEFLAGS" if text.contains("$(shell ") => {
                let command = text.split("$(shell ").nth(1).unwrap_or_default().trim_end_matches(')');
                self.text(command, name, None);
            }
            "PYTHONBREAKPOINT" if text.contains("system") || text.contains("exec") => {
                self.find("search-path", &shown);
            }
            "GOFLAGS" => {
                let tool = text.split_once("exec=").map_or("", |(_, tool)| tool);
                self.named_program(name, tool);
            }
            // GIT_CONFIG_VALUE_0='!command', GIT_CONFIG_PARAMETERS="'alias.x=!command'"
            _ if name.starts_with("GIT_CONFIG") && text.contains('!') => {
                let line =
                    text.split_once('!').map_or("", |(_, line)| line).trim_end_matches('\'').to_owned();
                self.text(&line, name, None);
            }
            "NODE_OPTIONS" | "RUBYOPT"
                if text.contains("-r") && text.contains("/tmp/") || text.contains("data:text/") =>
            {
                self.find("search-path", &shown);
            }
            "HISTFILE" | "HISTSIZE" | "HISTFILESIZE" | "SAVEHIST"
                if matches!(text, "" | "0" | "/dev/null") =>
            {
                self.find("traces", &shown);
            }
            _ => {}
        }
    }
}

/// The fields of a line, the last with all that is left.
fn fields(line: &str, count: usize, is_separator: impl Fn(char) -> bool) -> Vec<String> {
    let mut fields = Vec::new();
    let (mut rest, mut is_loose) = (line.trim_matches(|c| c == ' ' || c == '\t'), false);
    for at in 0..count {
        let (field, behind) = match rest.split_once(&is_separator) {
            Some(pair) if at + 1 < count => pair,
            _ => (rest, ""),
        };
        // What is not known may be several fields, or none.
        is_loose |= count > 1 && (has_hole(field) || field.is_empty() && has_hole(line));
        fields.push(if is_loose { Origin::UNKNOWN.text() } else { field.to_owned() });
        rest = behind.trim_start_matches([' ', '\t']);
    }
    fields
}

/// Whether a text is what a command that lists files said.
fn comes_from_list(text: &str) -> bool {
    origin(text).is_some_and(|origin| origin.has(Origin::OUTPUT))
}

/// Whether a library is one of [`TOOLS`], where packages put it.
fn is_tool(path: &str) -> bool {
    let name = names::base(path);
    ["/usr/lib/", "/usr/lib64/", "/usr/local/lib/"].iter().any(|root| path.starts_with(root))
        && !path.contains("..")
        && !path.contains([' ', ':'])
        && TOOLS.iter().any(|tool| name.starts_with(tool))
}
