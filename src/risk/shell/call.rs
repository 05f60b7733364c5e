//! A command with its arguments, as everything that judges it looks at it.

use super::Arg;
use crate::risk::letters::Letters;
use crate::risk::lookup::{Names, list};
use crate::risk::value::Origin;

/// Options with which tools only say what they would do.
const DRY_RUNS: &[&str] = &[
    "--dry-run",
    "--dryrun",
    "--dry-run=client",
    "--dry-run=server",
    "--dry_run",
    "--what-if",
    "--whatif",
    "--noop",
    "--simulate",
    "--dry",
];

/// A command that is looked at.
pub(super) struct Call<'c> {
    /// The program's bare name.
    pub(super) name: &'c str,
    /// Name and arguments.
    pub(super) args: &'c [Arg],
    /// The same as texts; the first is the bare name.
    pub(super) words: &'c [&'c str],
    /// Which letters each of the words has.
    pub(super) letters: &'c [Letters],
    /// What its arguments hold that is not known.
    pub(super) origin: Option<Origin>,
}

impl Call<'_> {
    /// The arguments.
    pub(super) fn rest(&self) -> &[&str] {
        &self.words[1..]
    }

    /// The whole as one line.
    pub(super) fn line(&self) -> String {
        self.words.iter().take(64).copied().collect::<Vec<_>>().join(" ")
    }

    /// The arguments, each with its letters.
    pub(super) fn spelt(&self) -> impl Iterator<Item = (&str, Letters)> {
        self.rest().iter().copied().zip(self.letters[1..].iter().copied())
    }

    /// Whether one of these options is there.
    pub(super) fn has(&self, options: &[&str]) -> bool {
        self.rest().iter().any(|word| options.contains(word))
    }

    /// Whether the program itself is told to say only what it would do; what stands behind `--`, or is what another
    /// option says, is for somebody else.
    pub(super) fn rehearses(&self) -> bool {
        const SAYS: Names = list!("-m --message --reason --description --comment --note --title");
        // What these are told before `--` is not what their scripts are told.
        let is_runner = matches!(self.name, "npm" | "pnpm" | "yarn" | "bun" | "composer")
            && self.has(&["run", "exec", "run-script"]);
        let mut before = "";
        let mut is_own = !is_runner;
        self.rest().iter().any(|word| {
            let is_said = SAYS.contains(std::mem::replace(&mut before, word));
            if *word == "--" {
                is_own = !is_own;
            }
            is_own && !is_said && DRY_RUNS.contains(word)
        })
    }

    /// The word behind one of these options, or joined to it by `=`.
    pub(super) fn after(&self, options: &[&str]) -> Option<&str> {
        self.rest().iter().enumerate().find_map(|(at, word)| {
            if options.contains(word) {
                return self.rest().get(at + 1).copied();
            }
            options
                .iter()
                .find_map(|option| word.strip_prefix(option).filter(|_| option.len() > 2)?.strip_prefix('='))
        })
    }

    /// The arguments that are no options.
    pub(super) fn plain(&self) -> impl Iterator<Item = &str> {
        self.rest().iter().copied().filter(|word| !word.starts_with('-') || *word == "-")
    }
}
