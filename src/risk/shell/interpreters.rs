//! Shells and interpreters: what they are given to run, on the command line, as a file or as input.

use super::call::Call;
use super::{Judge, Stream, code, names};
use crate::risk::effects::Effect;
use crate::risk::lookup::{Names, list};
use crate::risk::value::{Origin, has_hole, is_hole, origin, unmarked};

const SHELLS: Names = list!(
    "sh bash zsh dash ksh ash fish rbash mksh csh tcsh pwsh powershell yash posh ksh93 oksh elvish nu xonsh"
);

const INTERPRETERS: Names = list!(
    "python perl ruby node nodejs php lua deno bun awk gawk mawk nawk tclsh osascript Rscript julia groovy
     jshell ipython pypy pypy3 irb expect luajit tsx ts-node R scala jrunscript guile gforth octave elixir
     erl ghci runghc sbcl clisp wish jjs rhino qjs ghc gnuplot original-awk busybox-awk cpan pry raku
     crystal dart swift kotlinc sqlite3-shell"
);

/// Commands of the shell that looking through code counts as.
const SCAN_FUEL: usize = 16;
/// Lines of input that a program of `awk` is looked at with.
const MAX_RECORDS: usize = 4;
/// Bytes of code that cost as much as a command.
const SCAN_BYTES: usize = 64;

pub(super) fn is_shell(name: &str) -> bool {
    SHELLS.contains(name)
}

pub(super) fn is_interpreter(name: &str) -> bool {
    INTERPRETERS.contains(name) || name.starts_with("python") || name.starts_with("perl5") || versioned(name)
}

/// `ruby3.2`, `lua5.4`, `php8.1`
fn versioned(name: &str) -> bool {
    let plain = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    plain.len() < name.len() && matches!(plain, "ruby" | "lua" | "php" | "node" | "tclsh" | "pypy" | "guile")
}

/// The language of a script, by its first line; `None` for the shell's.
pub(super) fn by_first_line(content: &str) -> Option<&'static str> {
    let first = content.lines().next().filter(|line| line.starts_with("#!"))?;
    ["python", "perl", "ruby", "node", "php", "lua", "awk", "deno"]
        .into_iter()
        .find(|language| first.contains(language))
}

/// Code that stands right behind its option: `ruby -e'code'`.
fn glued<'w>(name: &str, word: &'w str) -> Option<&'w str> {
    let letter = if name.starts_with("python") || is_shell(name) { 'c' } else { 'e' };
    let (before, code) = word.strip_prefix('-')?.split_once(letter)?;
    let is_code = code.contains(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-' | '_'));
    (is_code && !is_shell(name) && before.len() < 4 && before.bytes().all(|b| b.is_ascii_alphabetic()))
        .then_some(code)
}

/// The option that takes code.
fn takes_code(name: &str, word: &str) -> bool {
    let word = word.split_once('=').filter(|_| word.starts_with("--")).map_or(word, |(option, _)| option);
    if name.starts_with("perl")
        && (word.starts_with("-M") || word.starts_with("-m") || word.starts_with("-I"))
        || name.starts_with("ruby") && (word.starts_with("-r") || word.starts_with("-I"))
    {
        return false;
    }
    let letters = |set: &[char]| !word.starts_with("--") && word.len() > 1 && word[1..].contains(set);
    match name {
        name if is_shell(name) => {
            letters(&['c']) || matches!(word, "-Command" | "-EncodedCommand" | "-e" | "--command" | "-enc")
        }
        name if name.starts_with("python") || name.starts_with("pypy") || name == "ipython" => {
            letters(&['c']) && !word.starts_with("-m")
        }
        name if name.starts_with("perl") || name.starts_with("ruby") || name.starts_with("lua") => {
            letters(&['e', 'E'])
        }
        "julia" | "Rscript" | "groovy" | "osascript" | "irb" | "R" | "scala" | "elixir" | "pry" | "raku"
        | "guile" | "ghci" | "ghc" | "crystal" | "jrunscript" | "gnuplot" => {
            letters(&['e', 'E', 'c']) || word == "--eval"
        }
        "node" | "nodejs" | "bun" | "tsx" | "ts-node" | "qjs" => {
            matches!(word, "-e" | "-p" | "-pe" | "--eval" | "--print" | "-ep")
        }
        name if name.starts_with("php") => matches!(word, "-r" | "-R" | "-B" | "-E"),
        "expect" => word == "-c",
        // Nearly all others call it one of these.
        _ => matches!(word, "-e" | "-E" | "-c" | "-eval" | "--eval" | "--execute"),
    }
}

impl Judge<'_> {
    pub(super) fn interpreter(&mut self, call: &Call<'_>, input: Stream) -> Stream {
        let name = call.name;
        let shell = is_shell(name);
        // Only the grammar is looked at.
        let only_checks = match name {
            "node" | "nodejs" => call.has(&["--check"]),
            "php" => call.has(&["-l", "--syntax-check"]),
            _ => shell && call.words.get(1) == Some(&"-n"),
        };
        if only_checks {
            return Some(Origin::UNKNOWN.text());
        }
        let mut at = 1;
        let mut output: Stream = None;
        let mut is_done = false;
        while let Some(word) = call.words.get(at).copied() {
            if !(word.starts_with('-') || shell && word.starts_with('+')) || word == "-" {
                break;
            }
            if word == "--" {
                at += 1;
                break;
            }
            if takes_code(name, word) || matches!(name, "deno") && word == "--eval" {
                // perl -e'code', node --eval=code
                let glued = glued(name, word);
                let joined = word.split_once('=').filter(|_| word.starts_with("--")).map(|(_, code)| code);
                at += usize::from(shell && call.words.get(at + 1) == Some(&"--"));
                let Some(given) = joined.or(glued).or_else(|| call.words.get(at + 1).copied()) else { break };
                let positional = call.words.iter().skip(at + 2).map(|word| (*word).to_owned()).collect();
                output =
                    Some(self.given(call, given, shell, positional, input.as_deref()).unwrap_or_default());
                is_done = true;
                if shell {
                    return output;
                }
                at += usize::from(glued.is_none() && joined.is_none());
            } else if matches!(word, "-m" | "-M") && !shell {
                return self.module(call, at, input);
            } else if shell && matches!(word, "-o" | "-O" | "+o" | "+O" | "--rcfile" | "--init-file") {
                if let Some(path) = call.words.get(at + 1).filter(|_| word.len() > 2) {
                    self.script_file(path, call, &input);
                }
                at += 1;
            } else if matches!(
                word,
                "-r" | "-W" | "-X" | "-I" | "-F" | "-v" | "--require" | "--import" | "-d" | "-f"
            ) && !shell
                || word == "-l" && name == "osascript"
            {
                // What is loaded before the code runs.
                if matches!(word, "-r" | "--require" | "--import")
                    && let Some(path) = call.words.get(at + 1).filter(|path| path.contains('/'))
                {
                    self.script_file(path, call, &input);
                }
                if word == "-f" && call.words.get(at + 1).is_some() {
                    let path = call.words[at + 1].to_owned();
                    return self.script_file(&path, call, &input);
                }
                at += 1;
            }
            at += 1;
        }
        if is_done {
            return output;
        }
        let first = call.words.get(at).copied();
        match first {
            Some("eval") if matches!(name, "deno" | "bun") => {
                let code = call.words.iter().skip(at + 1).find(|word| !word.starts_with('-'));
                self.scan(code.copied().unwrap_or_default(), name);
                Some(Origin::UNKNOWN.text())
            }
            Some(
                "run" | "x" | "test" | "install" | "add" | "i" | "build" | "fmt" | "lint" | "task" | "repl",
            ) if matches!(name, "deno" | "bun") => {
                let path = call
                    .words
                    .get(at + 1..)
                    .into_iter()
                    .flatten()
                    .find(|word| !word.starts_with('-') || **word == "-")
                    .copied();
                if let Some(path) = path {
                    self.script_file(path, call, &input);
                }
                Some(Origin::UNKNOWN.text())
            }
            Some(program) if name.ends_with("awk") => {
                let given = call
                    .rest()
                    .windows(2)
                    .filter(|pair| pair[0] == "-v")
                    .filter_map(|pair| pair[1].split_once('='));
                let assigned: String = given.map(|(name, value)| format!("{name}={value:?};")).collect();
                let code = assigned + program;
                let known = input.as_deref().filter(|text| !has_hole(text) && code.contains("system"));
                let lines = known.map(str::lines).into_iter().flatten().take(MAX_RECORDS);
                let filled: Vec<String> = lines.map(|line| with_fields(&code, line)).collect();
                for code in &filled {
                    self.scan_with(code, "awk", None);
                }
                if filled.is_empty() {
                    self.scan_with(&code, "awk", input.as_deref());
                }
                let text = input.unwrap_or_default();
                let files = call.words.get(at + 1..).unwrap_or_default();
                if files.is_empty() && !text.is_empty() && !has_hole(&text) {
                    return Some(
                        super::texts::awk_prints(call, &text).unwrap_or_else(|| Origin::DECODED.text()),
                    );
                }
                let picked = || {
                    super::texts::awk_prints(call, &text).filter(|made| has_hole(made) && made.contains('/'))
                };
                if let Some(picked) =
                    Some(()).filter(|()| files.is_empty() && has_hole(&text)).and_then(|()| picked())
                {
                    return Some(picked);
                }
                // Pieces of texts that stand there.
                let cuts = || ["substr(", "tolower(", "toupper("].iter().any(|call| program.contains(call));
                if files.is_empty() && text.is_empty() && program.contains("BEGIN") && cuts() {
                    return Some(Origin::DECODED.text());
                }
                if let Some(text) = program.contains("BEGIN").then(|| code::printed(program, "awk")).flatten()
                {
                    return Some(text);
                }
                let is_spelt = || code::is_closed(program, "awk") || program.contains("%c");
                if files.is_empty() && text.is_empty() && is_spelt() {
                    return Some(Origin::DECODED.text());
                }
                let from =
                    origin(&text).unwrap_or(if files.is_empty() { Origin::UNKNOWN } else { Origin::FILE });
                Some(from.text())
            }
            Some("-" | "/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0") | None => {
                self.input_code(call, shell, input, at)
            }
            Some(_)
                if shell
                    && call.words[1..at].iter().any(|word| {
                        word.starts_with('-') && !word.starts_with("--") && word.contains('s')
                    }) =>
            {
                self.input_code(call, shell, input, at)
            }
            Some(path) => {
                let path = path.to_owned();
                self.script_file(&path, call, &input)
            }
        }
    }

    /// Code on the command line.
    fn given(
        &mut self,
        call: &Call<'_>,
        code: &str,
        shell: bool,
        positional: Vec<String>,
        input: Option<&str>,
    ) -> Stream {
        let starts_unknown =
            code.trim_start().starts_with(is_hole) && code.chars().filter(|c| !c.is_whitespace()).count() < 4;
        if let Some(from) = origin(code)
            && (starts_unknown
                || from.has(Origin::NETWORK | Origin::DECODED) && code.trim_start().starts_with(is_hole))
        {
            self.code_from(from, &call.line());
        }
        if !shell {
            if origin(code).is_some_and(|from| from.has(Origin::NETWORK | Origin::DECODED)) {
                self.code_from(origin(code).unwrap_or_default(), &call.line());
            }
            let given = call
                .rest()
                .iter()
                .position(|word| *word == code)
                .map_or_else(|| call.rest().len(), |at| at + 1);
            let arguments = call.rest().get(given..).unwrap_or_default();
            if code::passes_arguments(code) {
                self.elsewhere(&super::carriers::joined(arguments), call.name);
            }
            let code = &*with_arguments(code, arguments);
            self.scan_with(code, call.name, input);
            let literal = code::text_of(code, call.name).filter(|_| call.has(&["-p", "-pe", "--print"]));
            if let Some(literal) = literal {
                return Some(format!("{literal}\n"));
            }
            return Some(printed_by(code, call.name, input));
        }
        let decoded = call
            .has(&["-EncodedCommand", "-enc"])
            .then(|| super::decode::base64(code).map(|text| text.replace('\0', "")));
        let code = decoded.flatten().unwrap_or_else(|| code.to_owned());
        let mut positional = positional;
        let zero = (!positional.is_empty()).then(|| positional.remove(0));
        self.inside_child(Some(positional), |judge| {
            if let Some(zero) = zero {
                judge.scope.set_text("0", zero);
            }
            let code = super::dialects::as_sh(call.name, &code);
            judge.text(&code, &format!("{} -c", call.name), input.map(str::to_owned))
        })
    }

    /// Code that is read from standard input.
    fn input_code(&mut self, call: &Call<'_>, shell: bool, input: Stream, at: usize) -> Stream {
        let text = input.or_else(|| self.stdin.clone())?;
        let (text, is_decoded) = unmarked(&text);
        if is_decoded {
            self.find("decoded-and-run", &call.line());
        }
        let whole: String = text.chars().filter(|c| !c.is_whitespace()).take(3).collect();
        match origin(&text) {
            Some(from) if from.has(Origin::NETWORK | Origin::DECODED) => self.code_from(from, &call.line()),
            Some(from) if whole.chars().count() == 1 => {
                self.code_from(from, &call.line());
                return Some(Origin::UNKNOWN.text());
            }
            _ => {}
        }
        if shell {
            let positional = call.words.iter().skip(at).map(|word| (*word).to_owned()).collect();
            let text = super::dialects::as_sh(call.name, &text);
            return self.inside_child(Some(positional), |judge| judge.text(&text, call.name, None));
        }
        let text = with_arguments(&text, call.words.get(at + 1..).unwrap_or_default());
        self.scan(&text, call.name);
        Some(printed_by(&text, call.name, None))
    }

    /// A script that is a file, or an address for those that take one.
    fn script_file(&mut self, path: &str, call: &Call<'_>, input: &Stream) -> Stream {
        if matches!(path, "/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0" | "-") {
            return self.input_code(call, is_shell(call.name), input.clone(), 2);
        }
        if is_shell(call.name) {
            self.archive_code(path, call);
        }
        if path.contains("://") && !path.starts_with("file:") {
            self.find("fetch-and-run", &call.line());
        }
        if path.starts_with("/dev/tcp/") {
            self.find("remote-shell", &call.line());
        }
        if let Some(from) = origin(path).filter(|from| from.has(Origin::NETWORK | Origin::DECODED)) {
            self.code_from(from, &call.line());
        }
        if let Some(content) = self.content(path) {
            match origin(&content) {
                Some(from) if from.has(Origin::NETWORK) && !path.starts_with("/dev/fd/") => {
                    self.find("download-run-file", &call.line())
                }
                Some(from) if from.has(Origin::NETWORK | Origin::DECODED) => {
                    self.code_from(from, &call.line())
                }
                _ if is_shell(call.name) => {
                    let positional = call.plain().skip(1).map(str::to_owned).collect();
                    return self.inside_child(Some(positional), |judge| {
                        judge.text(&super::dialects::as_sh(call.name, &content), names::base(path), None)
                    });
                }
                _ => self.scan(&content, call.name),
            }
        }
        Some(Origin::UNKNOWN.text())
    }

    /// `python -m module`
    fn module(&mut self, call: &Call<'_>, at: usize, input: Stream) -> Stream {
        let module = call.words.get(at + 1).copied().unwrap_or_default();
        match module {
            "http.server" | "SimpleHTTPServer" | "pyftpdlib" | "uploadserver" => {
                self.find("listen", &call.line())
            }
            "timeit" | "cProfile" | "profile" | "trace" | "pdb" | "runpy" | "code" | "doctest" => {
                for code in call.words.get(at + 2..).unwrap_or_default() {
                    match *code {
                        "-" | "/dev/stdin" | "/dev/fd/0" => {
                            let text = input.clone().unwrap_or_default();
                            self.scan(&text, "python");
                        }
                        code => self.scan(code, "python"),
                    }
                }
            }
            "pip" | "pip3" | "twine" | "base64" | "pytest" | "poetry" | "ansible" => {
                return self.run(&call.args[at + 1..], input);
            }
            // A module that these commands wrote.
            _ if !self.files.is_empty() && !module.is_empty() && call.name.starts_with("py") => {
                let path = module.replace('.', "/");
                for path in [format!("{path}.py"), format!("{path}/__main__.py")] {
                    if self.content(&path).is_some() {
                        return self.script_file(&path, call, &input);
                    }
                }
            }
            _ => {}
        }
        Some(Origin::UNKNOWN.text())
    }

    /// Judges code of another language.
    pub(super) fn scan(&mut self, text: &str, language: &str) {
        self.scan_with(text, language, None);
    }

    fn scan_with(&mut self, text: &str, language: &str, input: Option<&str>) {
        if !self.spend(text.len()) || !self.pay(SCAN_FUEL + text.len() / SCAN_BYTES) {
            return;
        }
        for found in code::scan(text, language) {
            match found {
                code::Does::Runs(line) => {
                    let first = line.split_whitespace().next().unwrap_or_default();
                    let is_bare = line
                        .split_whitespace()
                        .skip(1)
                        .all(|word| matches!(word, "-i" | "-p" | "-l" | "sh" | "bash" | "-pi"));
                    if is_shell(names::base(first)) && is_bare && !line.contains(is_hole) {
                        self.find("shell-escape", &line);
                    }
                    self.text(&line, language, None);
                }
                code::Does::Acts(effect, path) => {
                    let place = self.effect(effect, &path, language);
                    // What else stands in the code may be what is written.
                    if place == crate::risk::paths::Place::Profile
                        && matches!(effect, Effect::Write | Effect::Append)
                    {
                        let texts = code::texts(text, language).join("\n");
                        self.poisons(&path, &texts);
                    }
                }
                code::Does::Sends(path) => {
                    if self.effect(Effect::Read, &path, language) == crate::risk::paths::Place::Secret {
                        self.find("send-secret", &path);
                    }
                }
                code::Does::Wrote(path, content) => {
                    self.poisons(&path, &content);
                    self.keep(&path, &content, false);
                }
                code::Does::Is(id) => self.find(id, &crate::risk::value::shown(text)),
                code::Does::RunsInput => match input.and_then(origin) {
                    Some(from) => self.code_from(from, language),
                    None => {
                        if let Some(given) = input.filter(|given| !given.is_empty()) {
                            let given = given.to_owned();
                            self.text(&given, language, None);
                            // What evaluates a text takes it for its own language.
                            if text.contains("eval") || text.contains("exec(") && language.starts_with("py") {
                                self.scan(&given, language);
                            }
                        }
                    }
                },
            }
        }
        self.idioms(text);
    }
}

/// What code prints, or where that comes from.
fn printed_by(code: &str, language: &str, input: Option<&str>) -> String {
    if let Some(text) = code::printed(code, language) {
        return text;
    }
    let from = input.and_then(origin);
    let is_given = input.is_some_and(|text| !text.is_empty());
    let is_spelt = code::spells(code) || from.is_none() && (is_given || code::is_closed(code, language));
    let from = from.unwrap_or_default();
    if is_spelt { (from | Origin::DECODED).text() } else { from.text() }
}

/// Code with the arguments that it is given in the place of `sys.argv[1]` and the like.
fn with_arguments(code: &str, args: &[&str]) -> String {
    let mut whole = code.to_owned();
    if !args.is_empty() {
        let all = args.iter().take(16).map(|arg| format!("{arg:?}")).collect::<Vec<_>>().join(", ");
        for name in ["sys.argv[1:]", "process.argv.slice(1)", "process.argv.slice(2)"] {
            whole = whole.replace(name, &format!("[{all}]"));
        }
    }
    for (at, arg) in args.iter().take(4).enumerate().filter(|(_, arg)| !arg.contains(['\'', '\\'])) {
        let number = at + 1;
        for name in [
            format!("sys.argv[{number}]"),
            format!("process.argv[{}]", number + 1),
            format!("ARGV[{at}]"),
            format!("$ARGV[{at}]"),
            format!("$argv[{number}]"),
            format!("arg[{number}]"),
        ] {
            whole = whole.replace(&name, &format!("'{arg}'"));
        }
    }
    whole
}

/// A program of `awk` with the fields of a line put in: `$1`.
fn with_fields(code: &str, line: &str) -> String {
    let mut code = code.replace("$0", &format!("{line:?}"));
    for (at, field) in line.split_whitespace().enumerate().take(9) {
        code = code.replace(&format!("${}", at + 1), &format!("{field:?}"));
    }
    code
}
