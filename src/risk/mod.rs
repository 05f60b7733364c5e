//! How risky a command or a tool call is: pure, total, in time linear in the text.
//!
//! Text → structure (`syntax/`) → what would run, with variables, quotes and wrappers resolved (`shell/`) → rules,
//! which are tables (`rules/`). What cannot be understood is never low.
//!
//! Tables are searched by `matcher.rs`, `lookup.rs` and `letters.rs`; `effects.rs` and `paths/` say what is done to
//! which files, `verbs.rs` what a program does that no table knows, `tool/` what a tool call would do; `value.rs` keeps
//! where a text comes from.

mod effects;
mod letters;
mod lookup;
mod matcher;
pub mod paths;
pub mod rules;
mod shell;
pub mod syntax;
mod tool;
mod value;
mod verbs;

pub use rules::{Rule, Text};
pub use shell::{Programs, judge_command, programs};
pub use syntax::Span;
pub use tool::judge_tool;

/// Bytes of a command that are judged; a longer one is at least medium.
pub const MAX_BYTES: usize = 64 * 1024;

/// How risky something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Reading, building, ordinary edits.
    Low,
    /// Bounded or routine changes.
    Medium,
    /// Should not run without a person's consent.
    High,
}

impl Level {
    /// `low`, `medium` or `high`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// Where a command would run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'a> {
    /// The project's folder, absolute; relative paths lead below it.
    pub workspace: Option<&'a str>,
    /// The home folder, absolute.
    pub home: Option<&'a str>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How risky.
    pub level: Level,
    /// The rule that decided; `None` when none applied.
    pub rule: Option<&'static Rule>,
    /// What was judged: the program, as it would run, and those of its words that decided.
    pub words: String,
    /// Where they stand in the text that was given.
    pub span: Span,
    /// What was unwrapped on the way, from outside to inside.
    pub unwrapped: Vec<String>,
}

impl Verdict {
    /// Nothing was found.
    #[must_use]
    pub const fn low() -> Self {
        Self {
            level: Level::Low,
            rule: None,
            words: String::new(),
            span: Span { start: 0, end: 0 },
            unwrapped: Vec::new(),
        }
    }

    /// The rule's id, or `none`.
    #[must_use]
    pub fn rule_id(&self) -> &'static str {
        self.rule.map_or("none", |rule| rule.id)
    }

    /// The reason in English.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        self.rule.map_or("no rule applies", |rule| rule.reason.en)
    }
}
