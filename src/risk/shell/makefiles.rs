//! What makefiles run: recipes, and commands that stand for values.

use super::call::Call;
use super::{Judge, Stream, quoted};

/// Variables of a makefile that are put into one line, and bytes of that line.
const MAX_HELD: usize = 16;

const MAX_FILLED: usize = 2048;

/// Lines of a makefile that are looked at for what they assign.
const MAX_LINES: usize = 256;

impl Judge<'_> {
    /// The commands of a makefile that is known, or of what stands on the command line.
    pub(super) fn make(&mut self, call: &Call<'_>, input: &Stream, lines: &mut Vec<String>) {
        let content = match makefile(call) {
            Some("-" | "/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0") => input.clone(),
            Some(path) => self.content(path),
            None => ["Makefile", "makefile", "GNUmakefile"]
                .iter()
                .find_map(|path| self.files.get(&self.resolve(path)).map(str::to_owned)),
        };
        if let Some(content) = content {
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
            let assigned = content.lines().filter(|line| !line.starts_with('\t')).take(MAX_LINES);
            lines.extend(
                assigned.filter_map(|line| line.split_once("!=")).map(|(_, command)| as_in_shell(command)),
            );
            // $(file >path,text)
            let written = content.split("$(file ").skip(1).take(8);
            lines.extend(written.filter_map(|text| text.split_once(')')).filter_map(|(text, _)| {
                let (path, text) = text.split_once(',')?;
                Some(format!("echo {} {path}", quoted(text)))
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

    /// What a script for `cmake -P`, or the list of a project, runs and deletes; `cmake -E` is a program of its own.
    pub(super) fn cmake(&mut self, call: &Call<'_>, lines: &mut Vec<String>) {
        if let Some(at) = call.rest().iter().position(|word| *word == "-E") {
            let words = call.rest().get(at + 1..).unwrap_or_default();
            let program = match words.first().copied() {
                Some("remove_directory" | "rm" | "remove") => "rm -rf",
                Some("env" | "time") => "env",
                Some("copy" | "copy_directory") => "cp -r",
                Some("rename") => "mv",
                _ => return,
            };
            let given = words[1..].iter().map(|word| quoted(word));
            lines.push(std::iter::once(program.to_owned()).chain(given).collect::<Vec<_>>().join(" "));
            return;
        }
        let script = call.after(&["-P"]).unwrap_or("CMakeLists.txt");
        let Some(content) = self.content(script) else { return };
        for call in content.split(')').take(MAX_LINES) {
            let Some((name, given)) = call.rsplit_once('(') else { continue };
            let mut words = given.split_whitespace();
            let name = name.trim_end().rsplit([' ', '\n']).next().unwrap_or_default();
            let starts = match name.to_ascii_lowercase().as_str() {
                "execute_process" | "exec_program" => {
                    words.any(|word| matches!(word, "COMMAND")).then_some("")
                }
                "file" => words.next().filter(|word| word.starts_with("REMOVE")).map(|_| "rm -rf "),
                _ => None,
            };
            lines.extend(starts.map(|start| start.to_owned() + &words.collect::<Vec<_>>().join(" ")));
        }
    }
}

/// The makefile that is named: `-f FILE`, `-sf FILE`, `-fFILE`, `--file=FILE`.
fn makefile<'c>(call: &'c Call<'_>) -> Option<&'c str> {
    let joined = |word: &&'c str| {
        let path = word.strip_prefix("-f").filter(|path| !path.is_empty());
        path.or_else(|| word.strip_prefix("--file=")).or_else(|| word.strip_prefix("--makefile="))
    };
    let cluster = |pair: &&[&'c str]| {
        let letters = pair[0].strip_prefix('-').and_then(|letters| letters.strip_suffix('f'));
        letters.is_some_and(|letters| letters.bytes().all(|b| b.is_ascii_alphabetic()))
            || matches!(pair[0], "--file" | "--makefile")
    };
    let rest = call.rest();
    rest.windows(2)
        .find(cluster)
        .map(|pair| pair[1])
        .or_else(|| rest.iter().copied().find_map(|word| joined(&word)))
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
