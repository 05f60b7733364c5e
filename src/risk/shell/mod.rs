//! What would run: walks the structure with the variables, functions, folder, files and input that commands see,
//! unwraps what runs something else, and asks the rules about every command.
//!
//! The work is bounded: by [`FUEL`] commands, [`MAX_EXPANDED`] bytes that expansions make, [`MAX_PATHS`] words that are
//! looked at as paths and [`MAX_NESTING`] levels of commands in commands. What costs more than its kind counts for
//! several. What lies beyond a bound is never low.

mod ambient;
mod arithmetic;
mod braces;
mod builtins;
mod carriers;
mod code;
mod declare;
mod decode;
mod expand;
mod fetched;
mod files;
mod filters;
mod guess;
mod idioms;
mod interpreters;
mod items;
mod jumps;
mod manifests;
pub(super) mod names;
mod network;
mod parameter;
mod redirect;
mod run;
mod scope;
mod search;
mod settings;
mod unwrap;
mod variable;
mod walk;
mod ways;
mod wrappers;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};

use super::paths::{self, Place};
use super::rules::rule;
use super::syntax::{self, Script, Span};
use super::value::{cleaned, shown};
use super::{Context, MAX_BYTES, Verdict};
use files::Files;
use jumps::Frame;
use scope::Scope;

pub(super) use code::quoted;
pub(super) use redirect::is_trusted_name;

/// Commands that are looked at in one text, those inside of others included.
const FUEL: usize = 1500;
/// Bytes that expansions may make in one text.
const MAX_EXPANDED: usize = 256 * 1024;
/// Words of one text that are looked at as paths.
const MAX_PATHS: usize = 4096;
/// How deep commands may be given to other commands.
const MAX_NESTING: usize = 24;

/// Rules that say that something runs of which it is not known what.
const OPEN: &[&str] = &[
    "not-understood",
    "unknown-program",
    "generated-and-run",
    "decoded-and-run",
    "fetch-and-run",
    "download-run-file",
    "too-long",
];

/// A word after expansion.
#[derive(Clone, Debug)]
struct Arg {
    text: String,
    /// Whether the shell looks for files that it matches.
    is_pattern: bool,
}

impl From<String> for Arg {
    fn from(text: String) -> Self {
        Self { text, is_pattern: false }
    }
}

/// What is written to a command, or by it; `None` when nothing is connected.
type Stream = Option<String>;

/// Judges a command line.
#[must_use]
pub fn judge_command(command: &str, context: &Context<'_>) -> Verdict {
    Judge::new(context).whole(command).best
}

/// The programs that a command line would start, as far as can be told without running it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Programs {
    /// Their bare names.
    pub names: BTreeSet<String>,
    /// Whether there may be others: some name is known only when it runs, or a bound was met.
    pub is_open: bool,
}

/// The programs that a command line would start.
#[must_use]
pub fn programs(command: &str, context: &Context<'_>) -> Programs {
    let mut judge = Judge::new(context);
    judge.programs = Some(Programs::default());
    let judge = judge.whole(command);
    let mut programs = judge.programs.unwrap_or_default();
    programs.is_open |= judge.is_open;
    programs
}

struct Judge<'a> {
    context: &'a Context<'a>,
    best: Verdict,
    scope: Scope,
    /// What was written to files.
    files: Files,
    /// Commands that read what is written to a path: `>(…)`.
    sinks: Vec<(String, Script)>,
    /// Links and copies of programs: resolved path, and what it leads to.
    links: Vec<(String, String)>,
    /// Folders in which archives from the network were unpacked.
    fetched_folders: Vec<String>,
    /// What `exec <` connected to standard input.
    stdin: Stream,
    /// Whether the text works on what is live, by the machine that it was sent to.
    is_production: bool,
    /// The current folder, resolved.
    folder: String,
    fuel: usize,
    expanded: usize,
    /// What paths are that were looked at, and what that cost.
    places: RefCell<HashMap<String, Place>>,
    paths: Cell<usize>,
    nesting: usize,
    /// Loops, functions and files that are inside of each other now.
    frames: Vec<Frame>,
    /// Functions that are called inside of each other now, and their arguments.
    calls: Vec<(String, Vec<String>)>,
    /// How many conditions what is looked at stands under.
    maybe: usize,
    /// What runs when the shell ends.
    traps: Vec<String>,
    /// How many substitutions the current command's output goes to.
    captured: usize,
    span: Span,
    /// Whether the text that is walked is not the one that was given, so that its places mean nothing there.
    is_inner: bool,
    trail: Vec<String>,
    programs: Option<Programs>,
    /// Whether something could not be followed.
    is_open: bool,
}

impl<'a> Judge<'a> {
    fn new(context: &'a Context<'a>) -> Self {
        Self {
            context,
            best: Verdict::low(),
            scope: Scope::default(),
            files: Files::default(),
            sinks: Vec::new(),
            links: Vec::new(),
            fetched_folders: Vec::new(),
            stdin: None,
            is_production: false,
            folder: String::new(),
            fuel: FUEL,
            expanded: 0,
            places: RefCell::default(),
            paths: Cell::new(0),
            nesting: 0,
            frames: Vec::new(),
            calls: Vec::new(),
            maybe: 0,
            traps: Vec::new(),
            captured: 0,
            span: Span::default(),
            is_inner: false,
            trail: Vec::new(),
            programs: None,
            is_open: false,
        }
    }

    fn whole(mut self, command: &str) -> Self {
        let whole = Span { start: 0, end: command.len() };
        self.span = whole;
        let command = cleaned(command);
        let text = match command.char_indices().find(|(at, _)| *at >= MAX_BYTES) {
            Some((at, _)) => {
                self.find("too-long", "");
                &command[..at]
            }
            None => &command,
        };
        if asks_whether_set(text) {
            self.scope.expect_several();
        }
        let script = syntax::parse(text);
        self.script(&script, None);
        self.trapped(0);
        if script.odd.is_some() || self.paths.get() > MAX_PATHS || self.scope.is_vague() {
            self.span = whole;
            self.is_open = true;
            self.find("not-understood", "");
        }
        self
    }

    /// Takes so much from what the text may cost; notes when there is too little left.
    fn pay(&mut self, cost: usize) -> bool {
        if self.fuel < cost {
            self.find("not-understood", "");
            return false;
        }
        self.fuel -= cost;
        true
    }

    /// What a resolved path is. Beyond [`MAX_PATHS`] nothing is known, and the text counts as not understood.
    fn place(&self, resolved: &str) -> Place {
        if let Some(place) = self.places.borrow().get(resolved) {
            return *place;
        }
        self.paths.set(self.paths.get() + paths::cost(resolved));
        if self.paths.get() > MAX_PATHS {
            return Place::Unknown;
        }
        let place = paths::place(resolved);
        self.places.borrow_mut().insert(resolved.to_owned(), place);
        place
    }

    /// Notes that a rule applies.
    fn find(&mut self, id: &str, words: &str) {
        self.is_open |= OPEN.contains(&id);
        let Some(found) = rule(id) else { return };
        if found.level > self.best.level || self.best.rule.is_none() {
            self.best = Verdict {
                level: found.level,
                rule: Some(found),
                words: shown(words),
                span: self.span,
                unwrapped: self.trail.clone(),
            };
        }
    }
}

/// Whether it may matter in a text which variables are set: `${x+word}`.
fn asks_whether_set(text: &str) -> bool {
    text.contains("${") && text.contains('+')
}
