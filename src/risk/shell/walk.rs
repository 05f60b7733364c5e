//! Lists, pipelines, compound and simple commands, in their order.

use super::{Arg, Judge, MAX_EXPANDED, MAX_NESTING, Stream};
use crate::risk::syntax::ast::{Assignment, Command, Compound, Kind, Pipeline, Simple, When};
use crate::risk::syntax::{self, Script};
use crate::risk::value::{Origin, comes_from, has_hole};

/// Values of a loop that its body is judged with; with more, the rest counts as not understood.
const MAX_VALUES: usize = 16;
/// Bytes of a text whose reading costs as much as a command.
const TEXT_BYTES: usize = 256;

/// Filters that show what they are given.
const SHOWS: &[&str] = &[
    "base64", "base32", "xxd", "od", "hexdump", "jq", "yq", "sed", "awk", "gawk", "tr", "cut", "head",
    "tail", "cat", "less", "more", "grep", "openssl", "rev", "fold", "sort", "column", "bat", "strings",
    "gunzip", "zcat",
];

impl Judge<'_> {
    pub(super) fn script(&mut self, script: &Script, input: Stream) -> Stream {
        self.list(&script.pipelines, input)
    }

    pub(super) fn list(&mut self, pipelines: &[Pipeline], input: Stream) -> Stream {
        let mut output: Stream = None;
        // Where a list of `&&` and `||` may have ended before.
        let mut exits: Vec<usize> = Vec::new();
        let mut has_or = false;
        for pipeline in pipelines {
            if self.fuel == 0 {
                self.find("not-understood", "");
                output = Some(Origin::UNKNOWN.text());
                break;
            }
            if pipeline.when != When::And || has_or {
                self.scope.or_as_at(&std::mem::take(&mut exits));
                has_or = pipeline.when == When::Or || has_or && pipeline.when == When::And;
            }
            if matches!(pipeline.when, When::And | When::Or) {
                exits.push(self.scope.mark());
            }
            let more = self.pipeline(pipeline, input.clone());
            self.gather(&mut output, more);
        }
        self.scope.or_as_at(&exits);
        output
    }

    /// Adds to an output.
    pub(super) fn gather(&mut self, output: &mut Stream, more: Stream) {
        if let Some(more) = more {
            match output {
                Some(whole) if self.spend(more.len()) => whole.push_str(&more),
                Some(whole) => whole.push(Origin::UNKNOWN.hole()),
                None => *output = Some(more),
            }
        }
    }

    fn pipeline(&mut self, pipeline: &Pipeline, input: Stream) -> Stream {
        if pipeline.commands.is_empty() {
            return None;
        }
        let mut stream = input;
        let last = pipeline.commands.len().saturating_sub(1);
        for (at, command) in pipeline.commands.iter().enumerate() {
            if !self.pay(1) {
                return Some(Origin::UNKNOWN.text());
            }
            let mark = self.scope.mark();
            // What goes on to another command is not shown.
            self.captured += usize::from(at < last);
            stream = self.command(command, stream);
            self.captured -= usize::from(at < last);
            if at < last {
                stream = Some(stream.unwrap_or_default());
            }
            if last > 0 || pipeline.background {
                self.scope.back_to(mark);
            }
        }
        // What a filter makes of a secret is put before whoever reads the output.
        let shows = |command: &Command| match command {
            Command::Simple(simple) => simple
                .words
                .first()
                .and_then(|word| word.literal())
                .is_some_and(|word| SHOWS.contains(&word.as_str())),
            _ => false,
        };
        if last > 0
            && self.captured == 0
            && pipeline.commands.last().is_some_and(shows)
            && stream
                .as_deref()
                .is_some_and(|text| comes_from(text, Origin::SECRET) && !comes_from(text, Origin::NETWORK))
        {
            self.find("print-secret", "");
        }
        stream
    }

    fn command(&mut self, command: &Command, input: Stream) -> Stream {
        if self.nesting >= MAX_NESTING {
            self.find("not-understood", "");
            return Some(Origin::UNKNOWN.text());
        }
        match command {
            Command::Simple(simple) => self.simple(simple, input),
            Command::Function { name, body } => {
                self.scope.define(name, Some(body.clone()));
                if calls_itself(body, name) {
                    self.find("fork-bomb", name);
                }
                // Judged when defined, for it may be called in ways that cannot be seen.
                let mark = self.scope.mark();
                let (files, folder) = (self.files.mark(), self.folder.clone());
                self.nesting += 1;
                self.script(body, None);
                self.nesting -= 1;
                self.files.back_to(files);
                self.folder = folder;
                self.scope.back_to(mark);
                None
            }
            Command::Compound(compound) => {
                self.nesting += 1;
                let output = self.compound(compound, input);
                self.nesting -= 1;
                output
            }
        }
    }

    fn compound(&mut self, compound: &Compound, input: Stream) -> Stream {
        let mut values: Vec<String> = Vec::new();
        let mut is_known = true;
        let asked = self.scope.take_asked();
        for word in &compound.words {
            if compound.variable.is_some() {
                for arg in self.expand(word) {
                    is_known &= !arg.is_pattern && !has_hole(&arg.text);
                    values.push(arg.text);
                }
            } else {
                let text = self.text_of(word);
                if compound.kind == Kind::Test {
                    self.subscripts(&text);
                }
            }
        }
        if compound.kind == Kind::Test {
            self.scope.add_asked(asked);
            return None;
        }
        if compound.variable.is_some() {
            for choice in self.choices(&self.scope.take_asked()) {
                let mark = self.scope.mark();
                self.choose(choice);
                for word in &compound.words {
                    let more: Vec<String> = self.expand(word).into_iter().map(|arg| arg.text).collect();
                    values
                        .extend(more.into_iter().filter(|value| !values.contains(value)).collect::<Vec<_>>());
                }
                self.scope.back_to(mark);
            }
        }
        self.scope.take_asked();
        for choice in self.other_targets(&compound.redirects) {
            let mark = self.scope.mark();
            self.choose(choice);
            self.redirects(&compound.redirects, None, "");
            self.scope.back_to(mark);
        }
        self.scope.add_asked(asked);
        if compound.kind == Kind::Loop && starts_without_end(compound) {
            self.find("fork-bomb", "");
        }
        let (input, targets) = self.redirects(&compound.redirects, input, "");
        let (mark, folder) = (self.scope.mark(), self.folder.clone());
        let output = match &compound.variable {
            Some(name) => {
                let output = self.each(name, values, &compound.body, &input);
                if !is_known && compound.kind == Kind::Loop {
                    // There may be nothing to do it for.
                    self.scope.or_as_at(&[mark]);
                }
                output
            }
            None if compound.kind == Kind::Branches => self.branches(&compound.body, &input),
            None if compound.kind == Kind::Loop => self.repeated(&compound.body, &input),
            None => self.script(&compound.body, input),
        };
        if compound.kind == Kind::Subshell {
            self.scope.back_to(mark);
            self.folder = folder;
        }
        self.deliver(output, targets)
    }

    fn each(&mut self, name: &str, values: Vec<String>, body: &Script, input: &Stream) -> Stream {
        if values.is_empty() {
            // `for x; do`: the positional parameters.
            let unknown = vec![Origin::UNKNOWN.text()];
            let given =
                if self.scope.positional.is_empty() { unknown } else { self.scope.positional.clone() };
            return self.each(name, given, body, input);
        }
        if values.len() > MAX_VALUES {
            // Every value may matter, so those that are not looked at must not pass for harmless.
            self.find("not-understood", "");
        }
        let mut output: Stream = None;
        for value in values.into_iter().take(MAX_VALUES) {
            self.scope.set_text(name, value);
            if let Some(more) = self.script(body, input.clone()) {
                output.get_or_insert_default().push_str(&more);
            }
        }
        output
    }

    fn simple(&mut self, simple: &Simple, input: Stream) -> Stream {
        let outer = self.span;
        if !self.is_inner {
            self.span = simple.span;
        }
        let output = self.chosen(simple, input);
        self.span = outer;
        output
    }

    /// Runs a simple command once, and tells which names of several values it was made with.
    pub(super) fn simple_inside(
        &mut self,
        simple: &Simple,
        input: Stream,
    ) -> (Stream, std::collections::BTreeSet<String>) {
        let args: Vec<Arg> = simple.words.iter().flat_map(|word| self.expand(word)).collect();
        let values: Vec<(&Assignment, Vec<String>)> =
            simple.assignments.iter().map(|assignment| (assignment, self.values(assignment))).collect();
        let name = args.first().map(|arg| super::names::base(&arg.text).to_owned()).unwrap_or_default();
        let before: Vec<_> = values
            .iter()
            .map(|(assignment, _)| (assignment.name.as_str(), self.scope.held(&assignment.name)))
            .collect();
        for (assignment, items) in &values {
            self.assigned(&assignment.name, &items.join(" "));
            self.scope.set(&assignment.name, items.clone());
        }
        let (input, targets) = self.redirects(&simple.redirects, input, &name);
        if name == "exec" && args.len() == 1 && input.is_some() {
            self.stdin.clone_from(&input);
        }
        let asked = self.scope.take_asked();
        let output = match args.is_empty() {
            // `$(< file)`
            true if simple.assignments.is_empty() => input,
            true => None,
            false => self.run(&args, input),
        };
        let stays = args.is_empty()
            || matches!(
                name.as_str(),
                "eval" | "." | "source" | "export" | "declare" | "local" | "readonly" | "typeset"
            );
        if !stays {
            for (name, old) in before {
                self.scope.put(name, old);
            }
        }
        (self.deliver(output, targets), asked)
    }

    fn values(&mut self, assignment: &Assignment) -> Vec<String> {
        if let Some(index) = &assignment.index {
            self.text_of(index);
        }
        let mut items: Vec<String> = if assignment.is_array && assignment.values.len() != 1 {
            assignment.values.iter().flat_map(|word| self.expand(word)).map(|arg| arg.text).collect()
        } else if assignment.is_array && !assignment.adds {
            let word = assignment.values.first();
            word.map(|word| self.expand(word)).unwrap_or_default().into_iter().map(|arg| arg.text).collect()
        } else {
            assignment.values.iter().map(|word| self.text_of(word)).collect()
        };
        if assignment.adds
            && let Some(old) = self.scope.get(&assignment.name)
        {
            items = if assignment.is_array {
                old.iter().cloned().chain(items).collect()
            } else {
                vec![format!("{}{}", old.join(" "), items.concat())]
            };
        }
        if !self.spend(items.iter().map(String::len).sum()) {
            return vec![Origin::UNKNOWN.text()];
        }
        items
    }

    /// A text that is run as a command line, by `how`.
    pub(super) fn text(&mut self, text: &str, how: &str, input: Stream) -> Stream {
        if self.nesting >= MAX_NESTING || self.expanded + text.len() > MAX_EXPANDED {
            self.find("not-understood", "");
            return Some(Origin::UNKNOWN.text());
        }
        if !self.pay(text.len() / TEXT_BYTES) {
            return Some(Origin::UNKNOWN.text());
        }
        self.expanded += text.len();
        self.nesting += 1;
        let was_inner = std::mem::replace(&mut self.is_inner, true);
        self.trail.push(format!("{how} → {}", crate::risk::value::shown(text.trim())));
        let (text, _) = crate::risk::value::unmarked(text);
        let text = &*text;
        let script = syntax::parse(text);
        let output = self.script(&script, input);
        if script.odd.is_some() && !has_hole(text) {
            self.find("not-understood", text);
        }
        self.trail.pop();
        self.is_inner = was_inner;
        self.nesting -= 1;
        output
    }
}

/// `while :; do job & done`: jobs without end, and nothing that waits for one.
fn starts_without_end(compound: &Compound) -> bool {
    let first = |pipeline: &Pipeline| match pipeline.commands.first() {
        Some(Command::Simple(simple)) => {
            simple.words.first().and_then(|word| word.literal()).map(|word| word.to_string())
        }
        _ => None,
    };
    let pipelines = &compound.body.pipelines;
    let is_endless = pipelines
        .first()
        .filter(|_| compound.variable.is_none())
        .and_then(first)
        .is_some_and(|word| matches!(word.as_str(), ":" | "true"));
    let waits = |pipeline: &Pipeline| {
        first(pipeline)
            .is_none_or(|word| matches!(word.as_str(), "sleep" | "wait" | "read" | "inotifywait" | "fg"))
            && !pipeline.background
    };
    is_endless
        && pipelines.len() > 1
        && pipelines.iter().any(|pipeline| pipeline.background)
        && !pipelines.iter().any(waits)
}

/// `f() { f | f & }`: a function that starts itself twice at a time.
fn calls_itself(body: &Script, name: &str) -> bool {
    let calls = |command: &Command| match command {
        Command::Simple(simple) => {
            simple.words.first().and_then(|word| word.literal()).is_some_and(|word| word == name)
        }
        _ => false,
    };
    !name.is_empty()
        && body.pipelines.iter().any(|pipeline| {
            let times = pipeline.commands.iter().filter(|command| calls(command)).count();
            times > 1 || times == 1 && pipeline.background
        })
}
