//! What a shell text consists of.

use std::sync::Arc;

/// Bytes from `start` up to `end` of the text that was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// A list of pipelines.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// In the order of the text.
    pub pipelines: Vec<Pipeline>,
    /// Why the text was not wholly understood.
    pub odd: Option<&'static str>,
}

/// Commands joined by `|`.
#[derive(Clone, Debug, Default)]
pub struct Pipeline {
    /// From left to right.
    pub commands: Vec<Command>,
    /// Whether `&` stands behind it.
    pub background: bool,
    /// When it runs.
    pub when: When,
}

/// When a pipeline runs, by what stands before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// After the one before it.
    #[default]
    Next,
    /// `&&`: when the one before it succeeds.
    And,
    /// `||`: when the one before it fails.
    Or,
    /// `then`, or a pattern of `case`: instead of the other branches.
    Branch,
    /// `else`, or the pattern `*`: when no other branch runs.
    Otherwise,
    /// A pattern of `case` behind `;&`: instead of the other branches, or after the one before it.
    Falls,
    /// A pattern of `case` behind `;;&`: like that, where it fits.
    Retried,
    /// `elif`: when the conditions before it fail.
    Condition,
    /// `do`: when the condition before it succeeds.
    Body,
}

/// A command.
#[derive(Clone, Debug)]
pub enum Command {
    /// Words with assignments and redirections.
    Simple(Simple),
    /// A subshell, group, loop or branch.
    Compound(Compound),
    /// A function definition.
    Function {
        /// Its name.
        name: String,
        /// Its body.
        body: Arc<Script>,
    },
}

/// A subshell, group, loop or branch, as the list of everything inside it.
#[derive(Clone, Debug, Default)]
pub struct Compound {
    /// Which.
    pub kind: Kind,
    /// What may run.
    pub body: Script,
    /// Variable of a `for` loop.
    pub variable: Option<String>,
    /// Words of a `for` loop; subject and patterns of a `case`; expansions of an arithmetic command.
    pub words: Vec<Word>,
    /// Redirections of the whole.
    pub redirects: Vec<Redirect>,
}

/// How a compound command runs its body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// `{ … }`: here.
    #[default]
    Group,
    /// `if`, `case`: one branch of them.
    Branches,
    /// `( … )`: in a copy of the shell.
    Subshell,
    /// `coproc`: in a copy of the shell, beside it.
    Coprocess,
    /// `for`, `while`, `until`, `select`: any number of times.
    Loop,
    /// `(( … ))` and `[[ … ]]`: nothing but its expansions runs.
    Test,
}

/// A simple command.
#[derive(Clone, Debug, Default)]
pub struct Simple {
    /// `NAME=value` before the first word.
    pub assignments: Vec<Assignment>,
    /// The words.
    pub words: Vec<Word>,
    /// Redirections.
    pub redirects: Vec<Redirect>,
    /// Where it stands.
    pub span: Span,
}

/// `NAME=value`, `NAME+=value`, `NAME[index]=value` or `NAME=(values)`.
#[derive(Clone, Debug, Default)]
pub struct Assignment {
    /// The name.
    pub name: String,
    /// Whether the value is added to what is there: `+=`.
    pub adds: bool,
    /// What stands in brackets behind the name.
    pub index: Option<Word>,
    /// The value.
    pub value: Value,
}

/// What a name is given.
#[derive(Clone, Debug)]
pub enum Value {
    /// A text.
    Text(Word),
    /// `(word [index]=word)`: the items of an array, with what stands in brackets before them.
    Array(Vec<(Option<Word>, Word)>),
}

impl Default for Value {
    fn default() -> Self {
        Self::Text(Word::default())
    }
}

/// A redirection.
#[derive(Clone, Debug)]
pub struct Redirect {
    /// Which.
    pub kind: RedirectKind,
    /// The descriptor, when one was written.
    pub descriptor: Option<u32>,
    /// File, here-string or here-document.
    pub target: Word,
}

/// What a redirection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectKind {
    /// `<`
    Read,
    /// `<>`
    ReadWrite,
    /// `>`, `>|`, `&>`
    Write,
    /// `>>`, `&>>`
    Append,
    /// `<<<`
    HereString,
    /// `<<`: the target is the text itself.
    HereDocument,
    /// `>&2` and the like.
    Duplicate,
}

/// A word before expansion.
#[derive(Clone, Debug, Default)]
pub struct Word {
    /// Its parts.
    pub parts: Vec<Part>,
    /// Where it stands.
    pub span: Span,
}

/// A part of a word.
#[derive(Clone, Debug)]
pub enum Part {
    /// Text, quotes removed.
    Text {
        /// The text.
        text: String,
        /// Whether it was quoted, so neither split nor matched against files.
        quoted: bool,
    },
    /// `$NAME` or `${NAME…}`.
    Parameter {
        /// Which, and what is done to its value.
        parameter: Box<Parameter>,
        /// Whether it stands in double quotes.
        quoted: bool,
    },
    /// `$(…)` or a backquoted command.
    Command {
        /// What runs.
        script: Script,
        /// Whether it stands in double quotes.
        quoted: bool,
    },
    /// `<(…)` or `>(…)`
    Process {
        /// What runs.
        script: Script,
        /// Whether it reads what is written to it.
        is_sink: bool,
    },
    /// `$((…))`
    Arithmetic {
        /// The expression, its expansions among its texts.
        expression: Word,
    },
}

/// A parameter expansion.
#[derive(Clone, Debug, Default)]
pub struct Parameter {
    /// The name, a number or one of `@*#?$!-`.
    pub name: String,
    /// What stands in brackets behind the name.
    pub index: Option<Word>,
    /// `${!x…}`: whether it is the variable that `x` names.
    pub is_indirect: bool,
    /// What is done to the value.
    pub operation: Operation,
}

/// What `${…}` does to a value.
#[derive(Clone, Debug, Default)]
pub enum Operation {
    /// Nothing.
    #[default]
    Plain,
    /// `${#x}`
    Length,
    /// `${!x*}` and `${!x@}`: the names that begin like this.
    Names,
    /// `${!x[@]}`: the keys of an array.
    Keys,
    /// `${x:-word}`, `${x:=word}` and without the colon.
    Default {
        /// What stands for a variable that is not set.
        word: Word,
        /// Whether the variable is then set to it.
        assigns: bool,
        /// Whether an empty one counts as not set.
        colon: bool,
    },
    /// `${x:+word}` and without the colon.
    Alternative {
        /// What stands for a variable that is set.
        word: Word,
        /// Whether an empty one counts as not set.
        colon: bool,
    },
    /// `${x:start:length}`
    Slice(Word, Option<Word>),
    /// `${x#pattern}`; the longest match with `##`.
    RemovePrefix(Word, bool),
    /// `${x%pattern}`; the longest match with `%%`.
    RemoveSuffix(Word, bool),
    /// `${x/pattern/with}`; every match with `//`.
    Replace {
        /// What is replaced.
        pattern: Word,
        /// By what.
        with: Word,
        /// Whether every match is.
        all: bool,
    },
    /// `${x^}`, `${x^^}`, `${x,}`, `${x,,}`, `${x~}`, `${x~~}`: to which case, and whether all of it.
    Case {
        /// `^` to upper, `,` to lower, `~` to the other case.
        sign: u8,
        /// All letters, not the first.
        all: bool,
    },
    /// `${x@Q}`, `${x:?}` and whatever else; the words that it holds.
    Other(Word),
}

impl Word {
    /// The whole word when nothing in it must be expanded.
    #[must_use]
    pub fn literal(&self) -> Option<String> {
        let mut whole = String::new();
        for part in &self.parts {
            match part {
                Part::Text { text, .. } => whole.push_str(text),
                _ => return None,
            }
        }
        Some(whole)
    }

    /// The text of a word without any quotes, as reserved words and operators are.
    pub(super) fn bare(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Text { text, quoted: false }] => Some(text),
            _ => None,
        }
    }
}
