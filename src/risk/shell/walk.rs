//! Lists, pipelines, compound and simple commands, in their order.

use super::items::Items;
use super::scope::{Asked, Function};
use super::{Arg, Judge, MAX_EXPANDED, MAX_NESTING, Stream};
use crate::risk::lookup::{Names, list};
use crate::risk::syntax::ast::{Assignment, Command, Compound, Kind, Pipeline, Simple, Value, When};
use crate::risk::syntax::{self, Script};
use crate::risk::value::{Origin, comes_from, has_hole, origin};

/// Values of a loop that its body is judged with; with more, the rest counts as not understood.
const MAX_VALUES: usize = 16;
/// Values of a loop that each are a letter or a number, as where a text is spelt out.
const MAX_SPELT: usize = 128;
/// Bytes of such a value.
const SPELT_BYTES: usize = 5;
/// Commands of the body of such a loop.
const SPELLING: usize = 3;
/// Bytes of a text whose reading costs as much as a command.
const TEXT_BYTES: usize = 256;

/// Pieces of a text that cannot be parsed which are looked at.
const MAX_PIECES: usize = 4;

/// Filters that show what they are given.
const SHOWS: Names = list!(
    "base64 base32 xxd od hexdump jq yq sed awk gawk tr cut head tail cat less more grep openssl rev fold
     sort column bat strings gunzip zcat"
);

/// Filters after which nobody sees any more what they were given.
const ENCODES: Names = list!("base64 base32 xxd od hexdump rev uuencode basenc");

/// Groups of a pattern that are known by their number.
const MAX_GROUPS: usize = 10;

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
                self.cut("not-understood");
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
            let is_maybe = matches!(pipeline.when, When::And | When::Or | When::Body);
            self.maybe += usize::from(is_maybe);
            let more = self.pipeline(pipeline, input.clone());
            self.maybe -= usize::from(is_maybe);
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
            if at > 0 && at == last && !pipeline.background && (self.has_lastpipe || reads(command)) {
                // Some shells run the last command themselves.
                self.scope.or_as_at(&[mark]);
            } else if last > 0 || pipeline.background {
                self.scope.back_to(mark);
            }
        }
        // What a filter makes of a secret is put before whoever reads the output.
        let is_last = |names| pipeline.commands.last().is_some_and(|command| begins_with(command, names));
        let all = Origin::PRIVATE | Origin::CREDENTIAL | Origin::OUTPUT;
        let is_told = |text: &str| {
            comes_from(text, Origin::SECRET) && !comes_from(text, Origin::NETWORK) && is_last(SHOWS)
                // All variables, in a form in which no filter of logs finds them.
                || origin(text).map(|from| from | Origin::OUTPUT) == Some(all) && is_last(ENCODES)
        };
        if last > 0 && self.captured == 0 && stream.as_deref().is_some_and(is_told) {
            self.find("print-secret", "");
        }
        stream
    }

    fn command(&mut self, command: &Command, input: Stream) -> Stream {
        if self.nesting >= MAX_NESTING {
            self.cut("not-understood");
            return Some(Origin::UNKNOWN.text());
        }
        match command {
            Command::Simple(simple) => self.simple(simple, input),
            Command::Function { name, body } => {
                self.scope.define(name, Some(Function::new(body.clone())));
                if calls_itself(body, name) {
                    self.find("fork-bomb", name);
                }
                // Judged when defined, for it may be called in ways that cannot be seen.
                let mark = self.scope.mark();
                let (files, folder) = (self.files.mark(), self.folder.clone());
                self.nesting += 1;
                self.inside_function(None, |judge| judge.script(body, None));
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
        let (mut values, mut tested) = (Vec::new(), Vec::new());
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
                    self.indices_in(&text);
                    tested.push(text);
                }
            }
        }
        if compound.kind == Kind::Test {
            self.matched(&tested);
            self.scope.add_asked(asked);
            return None;
        }
        if compound.variable.is_some() {
            let asked = self.scope.take_asked();
            for choice in self.choices(&asked) {
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
        let (mark, folder, traps) = (self.scope.mark(), self.folder.clone(), self.traps.len());
        let is_maybe = matches!(compound.kind, Kind::Branches | Kind::Loop);
        self.maybe += usize::from(is_maybe);
        let output = match &compound.variable {
            Some(name) => {
                if compound.words.is_empty() {
                    // `for x; do`: the positional parameters.
                    let given = self.scope.positional().map(<[String]>::to_vec);
                    is_known &= given.is_some();
                    values = given.unwrap_or_else(|| vec![Origin::UNKNOWN.text()]);
                }
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
        self.maybe -= usize::from(is_maybe);
        if compound.kind == Kind::Coprocess {
            self.keep(super::redirect::COPROCESS_OUTPUT, output.as_deref().unwrap_or_default(), false);
        }
        if matches!(compound.kind, Kind::Subshell | Kind::Coprocess) {
            self.trapped(traps);
            self.scope.back_to(mark);
            self.folder = folder;
        }
        self.deliver(output, targets)
    }

    /// What `[[ text =~ pattern ]]` finds is made of a text that stands here, for whoever has it run.
    fn matched(&mut self, words: &[String]) {
        let Some(at) = words.iter().position(|word| word.starts_with("=~")) else { return };
        let Some(text) = at.checked_sub(1).and_then(|at| words.get(at)) else { return };
        let has_words = text.as_bytes().windows(2).any(|pair| pair.iter().all(u8::is_ascii_alphabetic));
        if has_words && !has_hole(text) {
            self.scope.set("BASH_REMATCH", vec![Origin::DECODED.text(); MAX_GROUPS]);
        }
    }

    fn each(&mut self, name: &str, values: Vec<String>, body: &Script, input: &Stream) -> Stream {
        let spells =
            body.pipelines.len() <= SPELLING && values.iter().all(|value| value.len() <= SPELT_BYTES);
        let values = self.worst_of(values, if spells { MAX_SPELT } else { MAX_VALUES });
        self.for_each(name, values, &body.pipelines, input)
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
    pub(super) fn simple_inside(&mut self, simple: &Simple, input: Stream) -> (Stream, Asked) {
        let args: Vec<Arg> = simple.words.iter().flat_map(|word| self.expand(word)).collect();
        let name = args.first().map(|arg| super::names::base(&arg.text).to_owned()).unwrap_or_default();
        let before: Vec<_> = simple
            .assignments
            .iter()
            .map(|assignment| (assignment.name.as_str(), self.scope.held(&assignment.name)))
            .collect();
        for assignment in &simple.assignments {
            self.assign(assignment, &args);
        }
        let (input, targets) = self.redirects(&simple.redirects, input, &name);
        if name == "exec" && args.len() == 1 && input.is_some() {
            self.stdin.clone_from(&input);
        }
        // What is read is split at `IFS`, whatever it is.
        if args.iter().take(3).any(|arg| matches!(arg.text.as_str(), "read" | "mapfile" | "readarray")) {
            self.separators();
        }
        let asked = self.scope.take_asked();
        let output = match args.is_empty() {
            // `$(< file)`
            true if simple.assignments.is_empty() => input,
            true => None,
            false => {
                if !simple.assignments.is_empty() {
                    let held = |assignment: &Assignment| {
                        let text = self.scope.get(&assignment.name).and_then(|items| items.at("0"));
                        text.filter(|text| text.contains(' ')).map(|text| (assignment.name.clone(), text))
                    };
                    let held: Vec<_> = simple.assignments.iter().filter_map(held).collect();
                    // What tests are given is what they look at.
                    if !args.iter().take(4).any(|arg| arg.text == "test") {
                        self.held_commands(&held);
                    }
                }
                self.run(&args, input)
            }
        };
        if let Some(last) = args.last() {
            self.last_word.clone_from(&last.text);
        }
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

    /// Gives a variable what stands behind its `=`; `args` is the command that it stands before or behind.
    fn assign(&mut self, assignment: &Assignment, args: &[Arg]) {
        let name = assignment.name.as_str();
        let declares = args.first().map_or("", |arg| arg.text.as_str());
        let has =
            |option| args.iter().skip(1).any(|arg| arg.text.starts_with('-') && arg.text.contains(option));
        let declares = matches!(declares, "declare" | "local" | "typeset");
        if declares && !has('g') {
            self.scope_of(name);
        }
        let is_calculated = declares && has('i') || self.scope.is_calculated(name);
        if declares && has('A') && !self.scope.get(name).is_some_and(Items::is_named) {
            self.scope.set(name, Items::named());
        }
        let is_named = self.scope.get(name).is_some_and(Items::is_named);
        let index = assignment.index.as_ref().map(|index| self.key(name, index));
        let old = self.scope.get(name).cloned().unwrap_or_default();
        let items = match &assignment.value {
            Value::Text(word) => {
                let (mut items, text) = (old, self.text_of(word));
                if is_calculated {
                    self.indices_in(&text);
                }
                let index = index.as_deref().unwrap_or("0");
                let before = if assignment.adds { items.at(index) } else { None };
                let text = before.unwrap_or_default() + &text;
                if assignment.index.is_some() || assignment.adds && items.texts().len() > 1 {
                    items.put(index, text);
                    items
                } else {
                    vec![text].into()
                }
            }
            Value::Array(words) => {
                let mut items = match assignment.adds {
                    true => old,
                    false if is_named => Items::named(),
                    false => Items::default(),
                };
                for (key, word) in words {
                    match key {
                        Some(key) => {
                            let (key, text) = (self.key(name, key), self.text_of(word));
                            items.put(&key, text);
                        }
                        None => {
                            let texts: Vec<String> = self.expand(word).into_iter().map(found_by).collect();
                            items.extend(texts.into());
                        }
                    }
                }
                items
            }
        };
        if let (
            Some(index),
            "BASH_ALIASES" | "BASH_CMDS" | "functions" | "aliases" | "galiases",
            Value::Text(word),
        ) = (&assignment.index, name, &assignment.value)
        {
            let (index, text) = (self.text_of(index), self.text_of(word));
            self.alias(&index, &text);
        }
        let items =
            if self.spend(items.texts().iter().map(String::len).sum()) { items } else { Items::unknown() };
        self.assigned(name, &items.texts().join(" "));
        self.scope.set(name, items);
    }

    /// A text that is run as a command line, by `how`.
    pub(super) fn text(&mut self, text: &str, how: &str, input: Stream) -> Stream {
        if self.nesting >= MAX_NESTING || self.expanded + text.len() > MAX_EXPANDED {
            self.cut("not-understood");
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
        if super::asks_whether_set(text) {
            self.scope.expect_several();
        }
        let script = syntax::parse(text);
        let output = self.script(&script, input);
        self.is_cut |= script.odd.is_some_and(syntax::is_bound);
        if script.odd.is_some() && !has_hole(text) {
            self.find("not-understood", text);
            // Another shell may read it otherwise: each piece that begins as a command does.
            let pieces = text.split(['{', '}', '(', ')', ';', '\n']).map(str::trim);
            let pieces = pieces.filter(|piece| piece.split(' ').next().is_some_and(super::guess::begins));
            for piece in pieces.take(MAX_PIECES).map(str::to_owned).collect::<Vec<_>>() {
                self.text(&piece, how, None);
            }
        }
        self.trail.pop();
        self.is_inner = was_inner;
        self.nesting -= 1;
        output
    }
}

/// Whether a command is one of these programs.
fn begins_with(command: &Command, names: Names) -> bool {
    match command {
        Command::Simple(simple) => {
            let first = simple.words.first().and_then(|word| word.literal());
            first.is_some_and(|word| names.contains(word.as_str()))
        }
        _ => false,
    }
}

/// Whether a command sets variables by what it reads.
fn reads(command: &Command) -> bool {
    begins_with(command, list!("read mapfile readarray"))
}

/// A word, or the program that its pattern stands for: `p=(/???/r[m])`.
fn found_by(arg: Arg) -> String {
    let is_program = arg.is_pattern && super::names::may_be_program(&arg.text);
    let reading =
        super::names::readings(&arg.text).first().filter(|_| is_program).map(|name| (*name).to_owned());
    reading.unwrap_or(arg.text)
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
