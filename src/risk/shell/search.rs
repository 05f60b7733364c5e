//! `find` and `fd`: what they delete, and what they run.

use super::call::Call;
use super::{Arg, Judge, Stream};
use crate::risk::effects::Effect;
use crate::risk::lookup::{Names, list};
use crate::risk::paths::Place;
use crate::risk::value::Origin;

/// Folders that a search starts in and that what it runs is judged with.
const MAX_STARTS: usize = 4;

/// Options that run a command for what is found.
const RUNS: Names = list!("-exec -execdir -ok -okdir -x --exec -X --exec-batch");

/// Options that say which files.
const NARROWS: Names = list!(
    "-name -iname -path -regex -mtime -empty -mmin -wholename -ipath -e -g -newer -size -atime -ctime -amin"
);

impl Judge<'_> {
    /// `None` when the command is no search.
    pub(super) fn search(&mut self, call: &Call<'_>) -> Option<Stream> {
        if !matches!(call.name, "find" | "gfind" | "fd" | "fdfind") {
            return None;
        }
        let rest = call.rest();
        let mut starts: Vec<&str> = if matches!(call.name, "find" | "gfind") {
            let options = rest.iter().take_while(|word| matches!(**word, "-L" | "-H" | "-P")).count();
            rest[options..].iter().take_while(|word| !word.starts_with(['-', '(', '!'])).copied().collect()
        } else {
            call.plain().take_while(|word| !RUNS.contains(word)).skip(1).take(1).collect()
        };
        if starts.is_empty() {
            starts.push(".");
        }
        // What is pruned is only left out.
        let pruned = rest.windows(2).rposition(|pair| pair[0] == "-prune" && matches!(pair[1], "-o" | "-or"));
        let narrows =
            rest[pruned.unwrap_or(0)..].iter().any(|word| *word != "-prune" && NARROWS.contains(word));
        let name = call.after(&["-name", "-iname"]).map(str::to_owned);
        let name = name.as_deref();
        if call.has(&["-delete"]) {
            for start in &starts {
                self.deletes(start, narrows);
            }
        }
        for option in ["-fprint", "-fls", "-fprintf", "-fprint0"] {
            if let Some(path) = call.after(&[option]).map(str::to_owned) {
                self.effect(Effect::Write, &path, "find");
            }
        }
        let mut at = 0;
        while let Some(word) = rest.get(at) {
            if RUNS.contains(word) {
                let end = rest[at + 1..].iter().position(|word| matches!(*word, ";" | "+"));
                let end = end.map_or(rest.len(), |end| at + 1 + end);
                let all = starts.iter().map(|start| (*start).to_owned()).collect();
                for start in &self.worst_of(all, MAX_STARTS) {
                    self.found(
                        &call.args[at + 2..end + 1],
                        start,
                        narrows,
                        name,
                        call.name.starts_with("fd"),
                    );
                }
                at = end;
            }
            at += 1;
        }
        if let Some(format) = call.after(&["-printf"]) {
            return Some(Some(super::texts::formatted(format)));
        }
        let is_secret = |start: &&str| self.place(&self.resolve(start)) == Place::Secret;
        if starts.iter().any(is_secret) {
            return Some(Some(Origin::SECRET.text()));
        }
        // Paths below where the search began.
        let below = name.map_or_else(|| Origin::UNKNOWN.text(), str::to_owned);
        Some(Some(starts.iter().map(|start| format!("{}/{below}\n", start.trim_end_matches('/'))).collect()))
    }

    /// What is found below a folder is deleted. Narrowed, that is a cleaning where one's own things are.
    fn deletes(&mut self, start: &str, narrows: bool) {
        let resolved = self.resolve(start);
        let place = self.place(&resolved);
        let is_own =
            matches!(place, Place::Project | Place::ProjectWhole | Place::BuildOutput | Place::Cache)
                || resolved == "/tmp"
                || resolved == "/var/tmp";
        if !(is_own && narrows) {
            self.effect(Effect::DeleteTree, start, "find");
        }
    }

    /// A command that is run for what is found below `start`.
    fn found(&mut self, command: &[Arg], start: &str, narrows: bool, name: Option<&str>, is_fd: bool) {
        if let [shell, options @ ..] = command
            && options.iter().all(|option| matches!(option.text.as_str(), "-p" | "-i" | "-l"))
            && super::interpreters::is_shell(super::names::base(&shell.text))
        {
            self.find("shell-escape", &format!("find -exec {}", shell.text));
        }
        let below = match start {
            "." if name.is_none() => "./found".to_owned(),
            "/" if name.is_none() => "/*".to_owned(),
            start if name.is_some() => {
                format!("{}/{}", start.trim_end_matches('/'), name.unwrap_or_default())
            }
            start if narrows => format!("{}/{}", start.trim_end_matches('/'), Origin::UNKNOWN.hole()),
            start => start.to_owned(),
        };
        // Of each file nothing is left.
        if command.first().is_some_and(|program| super::names::base(&program.text) == "truncate") {
            self.effect(Effect::Delete, &below, "find");
        }
        let names_place = command.iter().any(|arg| arg.text.contains("{}"));
        let inner: Vec<Arg> = command
            .iter()
            .map(|arg| Arg { text: arg.text.replace("{}", &below), is_pattern: arg.is_pattern })
            .collect();
        let mut inner = inner;
        if !names_place && is_fd {
            inner.push(Arg::from(below));
        }
        self.trail.push("find -exec".to_owned());
        self.run(&inner, Some(String::new()));
        self.trail.pop();
    }
}
