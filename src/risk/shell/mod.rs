//! What would run: walks the structure with the variables, functions, folder, files and input that commands see,
//! unwraps what runs something else, and asks the rules about every command.
//!
//! The work is bounded: by [`FUEL`] commands, [`MAX_EXPANDED`] bytes that expansions make, [`MAX_PATHS`] words that are
//! looked at as paths and [`MAX_NESTING`] levels of commands in commands. What costs more than its kind counts for
//! several. What lies beyond a bound is never low, and looked over in a simpler way (`beyond.rs`).
//!
//! - *The shell itself*: `walk.rs` (lists and commands), `ways.rs` and `jumps.rs` (branches, loops, functions),
//!   `redirect.rs`, `builtins.rs`, `declare.rs`; `expand.rs`, `parameter.rs`, `arithmetic.rs`, `braces.rs` (words);
//!   `scope.rs`, `variable.rs`, `items.rs`, `ambient.rs` (what names mean), `files.rs` (what was written).
//! - *A command*: `call.rs`, `run.rs`, `names.rs`, `help.rs`; `wrappers.rs` and `unwrap.rs`, `search.rs` (programs that run
//!   others), `carrying.rs` and `carriers.rs` (those that can be told to), with `git.rs`, `makefiles.rs`, `editors.rs`;
//!   `guess.rs`, `spoken.rs`, `visible.rs` (programs that are not known); `settings.rs`, `planted.rs`, `obeyed.rs`,
//!   `descriptions.rs`, `manifests.rs` (what programs take from settings and files).
//! - *What it gives*: `filters.rs`, `reading.rs`, `yields.rs`, `copies.rs`, `texts.rs`, `decode.rs`.
//! - *Other languages*: `interpreters.rs`, `dialects.rs`, `code/`, `idioms.rs`.
//! - *Beside the tables*: `network.rs`, `leaving.rs`, `packed.rs` (what goes out), `arrivals.rs`, `fetched.rs` (what comes
//!   in, and is run), `served.rs`, `statements.rs`, `handed.rs`, `listed.rs` (what servers and databases are told),
//!   `particulars.rs`, `passwords.rs`, `mild.rs`.

mod ambient;
mod arithmetic;
mod arrivals;
mod beyond;
mod braces;
mod builtins;
mod call;
mod carriers;
mod carrying;
mod code;
mod copies;
mod declare;
mod decode;
mod descriptions;
mod dialects;
mod editors;
mod expand;
mod fetched;
mod files;
mod filters;
mod git;
mod guess;
mod handed;
mod help;
mod idioms;
mod interpreters;
mod items;
mod jumps;
mod leaving;
mod listed;
mod makefiles;
mod manifests;
mod mild;
pub(super) mod names;
mod network;
mod obeyed;
mod packed;
mod parameter;
mod particulars;
mod passwords;
mod planted;
mod reading;
mod redirect;
mod run;
mod scope;
mod search;
mod served;
mod settings;
mod spoken;
mod statements;
mod texts;
mod transfer;
mod unwrap;
mod variable;
mod visible;
mod walk;
mod ways;
mod wrappers;
mod yields;

use crate::risk::lookup::{Names, list};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};

use super::paths::{self, Place};
use super::rules::rule;
use super::syntax::{self, Script, Span};
use super::value::{cleaned, shown};
use super::{Context, MAX_BYTES, Verdict};
use files::Files;
use items::Items;
use jumps::Frame;
use scope::{POSITIONAL, Scope};
use variable::Variable;

pub(super) use ambient::is_credential;
pub(super) use code::quoted;
pub(super) use obeyed::{is_taken, orders, pipes_to_shell, unleashes};
pub(super) use redirect::{gives_secrets_away, is_trusted_name};

/// Commands that are looked at in one text, those inside of others included.
const FUEL: usize = 1500;
/// Bytes that expansions may make in one text.
const MAX_EXPANDED: usize = 256 * 1024;
/// Words of one text that are looked at as paths.
const MAX_PATHS: usize = 4096;
/// How deep commands may be given to other commands.
const MAX_NESTING: usize = 24;

/// Rules that say that something runs of which it is not known what.
const OPEN: Names = list!(
    "not-understood unknown-program generated-and-run decoded-and-run fetch-and-run download-run-file
     too-long"
);

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
    /// Whether what goes over a line was listened to.
    is_heard: bool,
    /// Whether a package was given something to run where it is installed.
    is_poisoned: bool,
    /// The current folder, resolved.
    folder: String,
    /// Those that `popd` goes back to.
    pushed: Vec<String>,
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
    /// The last word of the last command: `$_`.
    last_word: String,
    /// What `exec` opened: descriptor, path.
    opened: Vec<(u32, String)>,
    /// Whether the last command of a pipeline runs in the shell itself.
    has_lastpipe: bool,
    /// The texts that programs of the current substitution were told whose output is not known.
    said: Vec<String>,
    /// Names of files with blanks in them.
    named: Vec<String>,
    /// How many substitutions the current command's output goes to.
    captured: usize,
    span: Span,
    /// Whether the text that is walked is not the one that was given, so that its places mean nothing there.
    is_inner: bool,
    trail: Vec<String>,
    programs: Option<Programs>,
    /// Whether something could not be followed.
    is_open: bool,
    /// Whether a bound was met behind which nothing was looked at.
    is_cut: bool,
    /// Whether this is a piece of a text that was cut short.
    is_piece: bool,
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
            is_poisoned: false,
            is_heard: false,
            folder: String::new(),
            pushed: Vec::new(),
            fuel: FUEL,
            expanded: 0,
            places: RefCell::default(),
            paths: Cell::new(0),
            nesting: 0,
            frames: Vec::new(),
            calls: Vec::new(),
            maybe: 0,
            traps: Vec::new(),
            last_word: String::new(),
            opened: Vec::new(),
            has_lastpipe: false,
            said: Vec::new(),
            named: Vec::new(),
            captured: 0,
            span: Span::default(),
            is_inner: false,
            trail: Vec::new(),
            programs: None,
            is_open: false,
            is_cut: false,
            is_piece: false,
        }
    }

    fn whole(mut self, command: &str) -> Self {
        let whole = Span { start: 0, end: command.len() };
        self.span = whole;
        let command = cleaned(command);
        let text = match (MAX_BYTES..command.len()).find(|at| command.is_char_boundary(*at)) {
            Some(at) => {
                self.cut("too-long");
                &command[..at]
            }
            None => &command,
        };
        if asks_whether_set(text) {
            self.scope.expect_several();
        }
        // A command line is most often given no arguments.
        let none = Variable::from(Items::default());
        self.scope.put(POSITIONAL, Some(none.or_ambient()));
        let script = syntax::parse(text);
        self.script(&script, None);
        self.trapped(0);
        if script.odd.is_some() || self.paths.get() > MAX_PATHS || self.scope.is_vague() {
            self.span = whole;
            self.is_open = true;
            self.find("not-understood", "");
        }
        self.is_cut |= self.paths.get() > MAX_PATHS || script.odd.is_some_and(syntax::is_bound);
        if !self.is_piece {
            self.span = whole;
            self.beyond(&command);
        }
        self
    }

    /// Notes that a bound is met and what lies behind it is not looked at.
    fn cut(&mut self, id: &str) {
        self.is_cut = true;
        self.find(id, "");
    }

    /// Takes so much from what the text may cost; notes when there is too little left.
    fn pay(&mut self, cost: usize) -> bool {
        if self.fuel < cost {
            // What is tried again and again is paid for in the end.
            self.fuel /= 2;
            self.cut("not-understood");
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
        self.is_open |= OPEN.contains(id);
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
