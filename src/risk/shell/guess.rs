//! Programs that are not known: what of their words may well be run. Nobody lists all wrappers, so a word that is the
//! name of a program that does harm, and what follows it, is judged as a command; so is a text behind an option that is
//! named like one for commands, and code of some language.

use super::call::Call;
use super::visible::{SAYS, is_operand};
use super::{Arg, Judge, Stream, interpreters, names, wrappers};
use crate::risk::effects::only_mentions;
use crate::risk::letters::{Letters, Part, has_part, parts};
use crate::risk::lookup::{Names, list};
use crate::risk::rules::databases::is_client;
use crate::risk::value::{Origin, comes_from};

/// Programs with which a command begins that is given to another program.
const BEGINS: Names =
    list!("rm dd shred mkfs mkfs.ext4 wipefs chmod chown mv cp cat find sh bash zsh dash truncate tee kill");

/// Options that take a command line in many programs.
const OPTIONS: Names = list!(
    "-c -e -x --command --exec --execute --eval --run --shell --call --script --on-change --pager --editor
     --hook --pre --post --filter --post-command --pre-command --postrun --prerun --rsh"
);

/// Programs that pick tests by their names.
const TESTERS: Names = list!(
    "rspec jest vitest mocha pytest minitest playwright cypress ava tap phpunit pest behat cucumber busted
     ctest gtest karma jasmine bats nose2 tox nox"
);

/// Programs that install or manage others by name.
const NAMES_OTHERS: Names = list!(
    "apt apt-get aptitude apk brew dnf yum zypper pacman pip pip3 npm yarn pnpm snap port conda gem cargo
     dpkg rpm docker podman nix-env pkg emerge curl wget tar zip rsync scp"
);

/// What in code says that something is run.
const RUNS_CODE: &[&str] = &[
    "system(",
    "os.system",
    "subprocess",
    "popen(",
    "exec(",
    "syscmd(",
    "callCommand",
    "shell(",
    "child_process",
    "rmtree(",
    "(system ",
    "shell-command",
    "delete-directory",
    "delete-file",
    "Directory.Delete",
    "File.Delete",
    "Directory.delete",
    "File.delete",
    "run-program",
    "Process.Start",
    "os.execute",
    "Sys.command",
    ".execute(",
    "exec.Command",
    "rm_rf",
    "shell/sh",
    "process._",
    "call-process",
    "getRuntime",
    "ProcessBuilder",
    "fs.rm",
    "removeItem(",
    "removeDir(",
    "FileUtils.",
    "execSync",
    "(\"rm\"",
    "rmSync(",
    "RemoveAll(",
    "remove_dir_all",
    "delete-tree",
    "dir_delete",
    "rmdir_all",
    "deleteDir(",
    "sh \"",
    "exec{",
    "execute \"",
    "Command(",
];

/// Parts of the names of programs that look at a command and do not run it.
const CHECKS: Names = list!(
    "risk risks guard guards classify classifier explain lint linter judge policy audit detect analyze
     analyzer parse parser scan scanner check checker verdict tokenize quote"
);

/// Last parts of the names of options that take a command line.
const TAKES: Names = list!("exec command cmd run runner preview toolexec vettool hook script wrapper arg");

/// Last parts of the names of variables that hold a text to be shown, tried or compared.
const HOLDS_TEXT: Names = list!(
    "SAMPLE EXAMPLE FIXTURE CASE EXPECTED TEXT TITLE MESSAGE MSG SUBJECT NOTE COMMENT DESCRIPTION QUESTION
     PATTERN"
);

/// Whether an option has the name of a program behind it.
pub(super) fn takes_program(option: &str) -> bool {
    const PROGRAMS: Names = list!("renderer pager editor helper program plugin filter shell");
    option.split('-').any(|part| TAKES.contains(part) || PROGRAMS.contains(part))
}

/// Whether what stands behind an option, or a variable that is set for a program, is a command line.
fn takes_command(option: &str, text: &str) -> bool {
    if !text.contains(' ') {
        return false;
    }
    let mut words = text.split_whitespace();
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if OPTIONS.contains(option) {
        return true;
    }
    let last = option.rsplit('-').next().unwrap_or_default();
    let is_shell = interpreters::is_shell(names::base(first)) && second == "-c";
    let is_variable = names::is_variable(option) && option.bytes().all(|b| !b.is_ascii_lowercase());
    is_shell && (option.starts_with('-') && !SAYS.contains(option) || is_variable)
        || option.starts_with('-') && TAKES.contains(last)
        || is_variable
            && !HOLDS_TEXT.contains(option.rsplit('_').next().unwrap_or_default())
            && begins(first)
            && [" /", " ~", " .", " $"].iter().any(|start| text.contains(start))
            && text.split_whitespace().skip(1).all(is_operand)
}

fn only_checks(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    stem.split(['-', '_']).any(|part| CHECKS.contains(part))
        || ["lint", "fmt", "check"].iter().any(|end| stem.ends_with(end))
}

/// Endings of the names of code that programs load.
const LOADED: Names =
    list!(".js .cjs .mjs .ts .py .rb .pl .php .swift .exs .vim .java .pm .rs .R .kt .el .lua");

/// Parts of options that have a program load code.
const LOADS: Names = list!("engine agent plugin load extension provider preload require import");

/// Whether a program looks at commands or picks tests by their names.
pub(super) fn only_looks(call: &Call<'_>) -> bool {
    only_checks(call.name)
        || TESTERS.contains(call.name)
        || call.plain().take(4).any(|word| TESTERS.contains(word) || word == "test" || only_checks(word))
}

/// Whether a command that does harm may begin with this word.
pub(super) fn begins(word: &str) -> bool {
    BEGINS.contains(names::base(word))
}

impl Judge<'_> {
    /// Judges what a program may run that is none of those whose ways are known.
    pub(super) fn guessed(&mut self, call: &Call<'_>, input: &Stream) {
        if only_mentions(call.name)
            || only_checks(call.name)
            || TESTERS.contains(call.name)
            || interpreters::is_shell(call.name)
            || wrappers::inner(call.words).is_some()
        {
            return;
        }
        self.tail(call);
        self.spoken(call);
        self.told(call, input);
        self.code(call, input);
    }

    /// Variables that are set for a program and hold a command line: `CC='sh -c …' make`.
    pub(super) fn held_commands(&mut self, given: &[(String, String)]) {
        for (name, text) in given.iter().filter(|(name, text)| takes_command(name, text)).take(4) {
            self.elsewhere(text, name);
        }
    }

    /// A command among the words of another.
    fn tail(&mut self, call: &Call<'_>) {
        if NAMES_OTHERS.contains(call.name) || is_client(call.name) {
            return;
        }
        let Some(at) = call.rest().iter().take(16).position(|word| begins(word)) else { return };
        if at + 2 > call.rest().len() || at == 0 && call.name.is_empty() {
            return;
        }
        let inner: Vec<Arg> = call.args[at + 1..].to_vec();
        if inner.len() < 2 {
            return;
        }
        self.trail.push(call.name.to_owned());
        self.run(&inner, None);
        self.trail.pop();
    }

    /// Texts behind options for commands, and lines of input that begin with `!`.
    fn told(&mut self, call: &Call<'_>, input: &Stream) {
        if call.plain().take(4).any(|word| TESTERS.contains(word)) {
            return;
        }
        let is_sed = list!("sed gsed curl tar ssh docker podman").contains(call.name);
        if !is_sed && !interpreters::is_interpreter(call.name) {
            let pairs = call.rest().windows(2).map(|pair| (pair[0], pair[1]));
            let joined = call.rest().iter().filter_map(|word| word.split_once('='));
            let told = pairs.chain(joined).filter(|(option, text)| takes_command(option, text));
            let mut lines: Vec<String> = told.map(|(_, text)| text.to_owned()).collect();
            lines.extend(
                call.rest().iter().filter(|word| word.starts_with("!")).map(|word| (*word).to_owned()),
            );
            for line in lines.iter().filter(|line| line.contains(' ')).take(4) {
                let line = line.trim_start_matches([':', '!', ' ']);
                // `mysql -e 'system rm …'`
                let escape = if is_client(call.name) { super::editors::escapes(line) } else { Vec::new() };
                let line = escape.first().map_or(line, String::as_str);
                let first = line.split_whitespace().next().unwrap_or_default();
                if first.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b)) {
                    self.elsewhere(line, call.name);
                }
            }
        }
        let text = input.as_deref().filter(|text| text.len() < 4096).unwrap_or_default();
        let escapes: Vec<String> = super::editors::escapes(text);
        for line in escapes.iter().take(4) {
            self.elsewhere(line, call.name);
        }
    }

    /// Code that these commands wrote, and that a program is told to load.
    pub(super) fn loaded(&mut self, call: &Call<'_>) {
        if self.files.is_empty()
            || list!("cp mv sort comm paste join cmp").contains(call.name)
            || only_mentions(call.name)
            || interpreters::is_shell(call.name)
        {
            return;
        }
        let given = call.rest().iter().map(|word| word.split_once('=').map_or(*word, |(_, path)| path));
        let given = given.map(|word| word.find("/dev/fd/").map_or(word, |at| &word[at..]));
        let is_code =
            |path: &&str| path.starts_with("/dev/fd/") || LOADED.iter().any(|end| path.ends_with(end));
        let given = given.filter(is_code);
        let mut files: Vec<_> = given.take(4).filter_map(|path| self.content(path)).collect();
        // `import x`, `-rx`, `-MX`
        if interpreters::is_interpreter(call.name) {
            let line = call.line();
            let is_named = |path: &str| {
                let (stem, end) = names::base(path).rsplit_once('.').unwrap_or_default();
                LOADED.contains(format!(".{end}").as_str())
                    && stem.len() > 2
                    && [
                        format!("import {stem}"),
                        format!("-r{stem}"),
                        format!("-M{stem}"),
                        format!("require '{stem}"),
                    ]
                    .iter()
                    .any(|load| line.contains(load.as_str()))
            };
            files.extend(self.files.such(is_named).into_iter().take(4));
        }
        for code in files {
            self.scan(&code, call.name);
        }
        // A library from the network that a program is told to load.
        let mut before = "";
        for word in call.rest() {
            let (option, path) = word.rsplit_once(['=', ':']).unwrap_or((before, word));
            before = word;
            let is_told = option.starts_with('-') && LOADS.iter().any(|part| option.contains(part));
            if is_told && self.content(path).is_some_and(|content| comes_from(&content, Origin::NETWORK)) {
                self.find("download-run-file", &call.line());
            }
        }
    }

    /// Code of some language.
    fn code(&mut self, call: &Call<'_>, input: &Stream) {
        if interpreters::is_interpreter(call.name) {
            return;
        }
        let compiles = list!("gcc cc clang tcc g++ go rustc ocaml swift zig").contains(call.name);
        let text = input.as_deref().filter(|_| compiles).map(str::to_owned);
        let files = call.plain().filter(|_| compiles).take(4).filter_map(|path| self.content(path));
        static PARTS: [Part; RUNS_CODE.len()] = parts(RUNS_CODE);
        let runs = |text: &str, letters: Letters| has_part(text, letters, &PARTS);
        let code: Vec<String> = call
            .spelt()
            .filter(|(word, letters)| word.len() > 8 && runs(word, *letters))
            .map(|(word, _)| word.to_owned())
            .chain(text.into_iter().chain(files).filter(|text| runs(text, Letters::of(text))))
            .take(4)
            .collect();
        for code in code {
            self.scan(&code, call.name);
        }
    }
}
