//! What makefiles run: recipes, and commands that stand for values.

use super::call::Call;
use super::{Judge, Stream};

/// Variables of a makefile that are put into one line, and bytes of that line.
const MAX_HELD: usize = 16;

const MAX_FILLED: usize = 2048;

impl Judge<'_> {
    pub(super) fn make(&mut self, call: &Call<'_>, input: &Stream, lines: &mut Vec<String>) {
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
