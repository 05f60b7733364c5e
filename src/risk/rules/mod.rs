//! The rules, one table for each family. A rule without patterns is found by what a command does with paths, input and
//! other commands; [`rule`] looks it up by its id.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::Level;
use super::lookup::Names;

pub mod clouds;
pub mod containers;
pub mod databases;
pub mod destroy;
pub mod git;
pub mod network;
pub mod packages;
pub mod paths;
pub mod persistence;
pub mod privilege;
pub mod secrets;
pub mod system;
pub mod unlisted;

/// A text in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    /// English.
    pub en: &'static str,
    /// Chinese.
    pub zh: &'static str,
}

/// A rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its stable id.
    pub id: &'static str,
    /// How risky what it finds is.
    pub level: Level,
    /// Why, in a few words.
    pub reason: Text,
    /// The commands that it finds, one in a line: program, words and options (`|` alternatives, `!` not, `~` any word like
    /// this, `@` a set of programs).
    pub patterns: &'static str,
    /// Commands that it must find, one in a line.
    pub examples: &'static str,
    /// Commands that it must not find, one in a line.
    pub harmless: &'static str,
}

/// All families.
pub const FAMILIES: &[(&str, &[Rule])] = &[
    ("destroy", destroy::RULES),
    ("privilege", privilege::RULES),
    ("network", network::RULES),
    ("secrets", secrets::RULES),
    ("persistence", persistence::RULES),
    ("system", system::RULES),
    ("git", git::RULES),
    ("databases", databases::RULES),
    ("containers", containers::RULES),
    ("clouds", clouds::RULES),
    ("packages", packages::RULES),
    ("unlisted", unlisted::RULES),
];

/// Sets of programs that more than one pattern is for, by what stands behind the `@`.
const SETS: &[(&str, Names)] =
    &[("agents", persistence::AGENTS), ("other-clouds", clouds::OTHER_CLOUDS), ("sql", databases::CLIENTS)];

/// The programs that a pattern is for, and what follows them.
pub fn parted(pattern: &'static str) -> (impl Iterator<Item = &'static str>, &'static str) {
    let (programs, rest) = pattern.split_once(' ').unwrap_or((pattern, ""));
    let programs = programs.split('|').flat_map(|program| {
        let set = program.strip_prefix('@').and_then(|name| SETS.iter().find(|(set, _)| *set == name));
        let names = set.map(|(_, names)| names.iter());
        names.into_iter().flatten().chain(set.is_none().then_some(program))
    });
    (programs, rest)
}

/// All rules.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    FAMILIES.iter().flat_map(|(_, rules)| rules.iter())
}

/// The rule with this id.
#[must_use]
pub fn rule(id: &str) -> Option<&'static Rule> {
    static BY_ID: LazyLock<HashMap<&'static str, &'static Rule>> =
        LazyLock::new(|| all().map(|rule| (rule.id, rule)).collect());
    BY_ID.get(id).copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{Context, Level, judge_command};
    use super::*;

    #[test]
    fn ids_are_unique_and_reasons_are_there_in_both_languages() {
        let ids: BTreeSet<_> = all().map(|rule| rule.id).collect();
        assert_eq!(ids.len(), all().count());
        for rule in all() {
            assert!(!rule.reason.en.is_empty() && !rule.reason.zh.is_ascii(), "{}", rule.id);
        }
    }

    #[test]
    fn patterns_name_sets_that_there_are() {
        for pattern in all().flat_map(|rule| rule.patterns.lines()) {
            assert!(
                parted(pattern).0.all(|program| !program.is_empty() && !program.starts_with('@')),
                "{pattern}"
            );
        }
        assert!(parted("x|@sql a").0.any(|program| program == "psql"));
    }

    #[test]
    fn every_rule_finds_its_examples_and_not_its_counterexamples() {
        let mut wrong = Vec::new();
        for rule in all() {
            for example in rule.examples.lines() {
                let verdict = judge_command(example, &Context::default());
                if verdict.level < rule.level {
                    wrong.push(format!(
                        "{}: {example}: {} {}",
                        rule.id,
                        verdict.level.as_str(),
                        verdict.rule_id()
                    ));
                }
            }
            for harmless in rule.harmless.lines() {
                let verdict = judge_command(harmless, &Context::default());
                if verdict.rule_id() == rule.id || verdict.level == Level::High {
                    wrong.push(format!("{}: not {harmless}: {}", rule.id, verdict.rule_id()));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
