//! What editors, debuggers and clients run when they are told so in their own language.

use super::call::Call;
use super::{Judge, Stream, quoted};
use crate::risk::effects::Effect;
use crate::risk::lookup::list;
use crate::risk::value::has_hole;

impl Judge<'_> {
    /// The commands that `sed` is told to run, or runs of what it reads; and what it puts into files.
    pub(super) fn stream_editor(&mut self, call: &Call<'_>, input: &Stream, lines: &mut Vec<String>) {
        // The command `e` alone runs the line itself.
        let runs_line = |script: &&str| {
            script.split([';', '\n', '{', '}']).any(|command| {
                command.trim().trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '$' | ','))
                    == "e"
            })
        };
        let runs_changed = |script: &str| script.starts_with('s') && executed_by_sed(script).is_some();
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
        let file = call.after(&["-f", "--file"]).and_then(|path| self.content(path)).unwrap_or_default();
        let scripts = call.rest().iter().copied().take(16).chain([file.as_str()]);
        lines.extend(scripts.flat_map(|script| script.split([';', '\n'])).filter_map(executed_by_sed));
    }

    /// The commands that `ed` is told to run, and the lines that it is told to add to a file.
    pub(super) fn line_editor(&mut self, call: &Call<'_>, input: &Stream, lines: &mut Vec<String>) {
        let (mut added, mut is_text) = (String::new(), false);
        for line in input.iter().flat_map(|text| text.lines()) {
            if is_text {
                is_text = line != ".";
                if is_text {
                    added.extend([line, "\n"]);
                }
                continue;
            }
            is_text = line.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '$' | ',')).len()
                == 1
                && line.ends_with(['a', 'i', 'c']);
            let command = line.trim_start_matches(['r', 'w', 'e', 'W', ' ']);
            lines.extend(command.strip_prefix('!').map(str::to_owned));
            if let Some(path) = line.trim_start_matches(',').strip_prefix(['w', 'W']) {
                let path = path.trim_start_matches('q').trim();
                let path = Some(path).filter(|path| !path.is_empty()).or_else(|| call.plain().last());
                if let Some(path) = path.map(str::to_owned) {
                    self.effect(Effect::Write, &path, call.name);
                    self.poisons(&path, &added);
                    self.keep(&path, &added, true);
                }
            }
        }
    }

    /// The commands that an editor is told to run, and the files that it reads and writes.
    pub(super) fn editor(&mut self, call: &Call<'_>, input: &Stream, lines: &mut Vec<String>) {
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
pub(super) fn in_language<'l>(name: &str, line: &'l str) -> Option<(&'static str, &'l str)> {
    pub(super) const EMBEDDED: &[(&str, &str)] = &[
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
    if !list!("vim vi nvim vimdiff view ex gdb lldb").contains(name) {
        return None;
    }
    let line = line.trim_start_matches([':', ' ']);
    EMBEDDED.iter().find_map(|(start, language)| Some((*language, line.strip_prefix(start)?)))
}

/// What an editor or debugger is told, as a command line; empty when it runs none.
pub(super) fn for_editor(name: &str, line: &str) -> String {
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
