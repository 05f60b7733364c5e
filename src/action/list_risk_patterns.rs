//! What counts as risky: the very tables that the risk engine uses.

use serde::Serialize;

use crate::risk::rules::{FAMILIES, parted, paths};

use super::Action;
use super::tool::Tool;

/// The tool.
pub const TOOL: Tool = Tool {
    name: "identity_list_risk_patterns",
    about: "Lists the command patterns and paths that count as risky.",
    call_when: &["what counts as risky", "list risk patterns", "哪些操作算高风险"],
    params: &[],
    needs_login: false,
    read: |_, _| Ok(Action::ListRiskPatterns),
};

/// The rules and paths.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// The rules for commands.
    pub command_patterns: Vec<Pattern>,
    /// The paths that matter.
    pub sensitive_paths: Vec<Path>,
}

/// A rule.
#[derive(Debug, Serialize)]
pub struct Pattern {
    /// Its id.
    pub name: &'static str,
    /// Its family.
    pub family: &'static str,
    /// `medium` or `high`.
    pub risk: &'static str,
    /// Why.
    pub reason: &'static str,
    /// What it matches; empty when it follows from paths, input or other commands.
    pub patterns: Vec<String>,
    /// Commands that it finds.
    pub examples: Vec<&'static str>,
}

/// A path.
#[derive(Debug, Serialize)]
pub struct Path {
    /// The pattern; `~` is any home folder.
    pub name: &'static str,
    /// What is there.
    pub reason: &'static str,
}

pub(super) fn run() -> Outcome {
    let rules = FAMILIES.iter().flat_map(|(family, rules)| rules.iter().map(move |rule| (*family, rule)));
    let command_patterns = rules
        .map(|(family, rule)| Pattern {
            name: rule.id,
            family,
            risk: rule.level.as_str(),
            reason: rule.reason.en,
            patterns: rule.patterns.lines().map(spelt_out).collect(),
            examples: rule.examples.lines().collect(),
        })
        .collect();
    let tables = [
        (paths::SECRETS, "credentials and keys"),
        (paths::HOME_SECRETS, "credentials and keys"),
        (paths::SECRET_NAMES, "credentials and keys"),
        (paths::DOTENV, "environment files"),
        (paths::PERSISTENT, "starts by itself"),
        (paths::PROFILES, "profiles of shells"),
        (paths::DEFENCES, "defences and logs"),
        (paths::SYSTEM, "the system's own"),
    ];
    let named = |(table, reason): (&'static str, _)| table.lines().map(move |name| Path { name, reason });
    Outcome { command_patterns, sensitive_paths: tables.into_iter().flat_map(named).collect() }
}

/// A pattern with the names of all programs that it is for.
fn spelt_out(pattern: &'static str) -> String {
    let (programs, rest) = parted(pattern);
    let programs: Vec<_> = programs.collect();
    format!("{} {rest}", programs.join("|")).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_and_path_of_the_engine_is_listed() {
        let outcome = run();
        assert_eq!(outcome.command_patterns.len(), crate::risk::rules::all().count());
        assert!(outcome.sensitive_paths.iter().any(|path| path.name == "~/.ssh"));
    }
}
