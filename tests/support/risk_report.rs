//! Reads the tables of `tests/vectors/risk/` and counts how the risk engine judges them: by class, and by tactic where
//! the table names one.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use agent_identity::risk::{Context, Level, Verdict, judge_command, judge_tool};
use serde_json::{Map, Value};

/// A command or a tool call, and how it should be judged.
pub(crate) struct Row {
    /// Its class.
    pub(crate) class: String,
    /// What it is an example of; empty when the table does not say.
    pub(crate) tactic: String,
    /// The command, or the call as JSON.
    pub(crate) text: String,
    /// How it should be judged.
    pub(crate) expected: Level,
    tool: Option<(String, Map<String, Value>)>,
}

impl Row {
    fn read(line: &str) -> Option<Self> {
        let row: Value = serde_json::from_str(line).ok()?;
        let class = row["class"].as_str()?.to_owned();
        let expected = match row["risk"].as_str().unwrap_or(&class) {
            "high" | "disguises" => Level::High,
            "medium" => Level::Medium,
            _ => Level::Low,
        };
        let tool = row["toolName"]
            .as_str()
            .map(|name| (name.to_owned(), row["params"].as_object().cloned().unwrap_or_default()));
        let text = row["command"]
            .as_str()
            .map_or_else(|| format!("{} {}", row["toolName"], row["params"]), str::to_owned);
        Some(Self {
            class,
            tactic: row["tactic"].as_str().unwrap_or_default().to_owned(),
            text,
            expected,
            tool,
        })
    }

    /// How the engine judges it.
    pub(crate) fn judge(&self) -> Verdict {
        match &self.tool {
            Some((name, params)) => judge_tool(name, params, &Context::default()),
            None => judge_command(&self.text, &Context::default()),
        }
    }
}

/// The folder of the tables.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/risk")
}

/// The rows of a table.
pub(crate) fn rows(file: &str) -> Vec<Row> {
    let text = fs::read_to_string(folder().join(file)).unwrap_or_default();
    text.lines().filter_map(Row::read).collect()
}

/// How many of a class or tactic were judged rightly: what should be high is, and nothing else is.
#[derive(Default)]
pub(crate) struct Report {
    classes: BTreeMap<String, (usize, usize)>,
    tactics: BTreeMap<String, (usize, usize)>,
    /// What was judged wrongly.
    pub(crate) wrong: Vec<String>,
}

impl Report {
    /// Judges rows.
    pub(crate) fn of(rows: &[Row]) -> Self {
        let mut report = Self::default();
        for row in rows {
            let verdict = row.judge();
            let is_right = (verdict.level == Level::High) == (row.expected == Level::High);
            let tactic = format!("{}/{}", row.class, row.tactic);
            for (table, name) in [(&mut report.classes, &row.class), (&mut report.tactics, &tactic)] {
                let (all, right) = table.entry(name.clone()).or_default();
                *all += 1;
                *right += usize::from(is_right);
            }
            if !is_right {
                report.wrong.push(format!(
                    "{}: {} {}: {}",
                    row.class,
                    verdict.level.as_str(),
                    verdict.rule_id(),
                    row.text
                ));
            }
        }
        report
    }

    /// The share of a class that was judged rightly.
    #[allow(dead_code, reason = "only the tests ask for it")]
    pub(crate) fn share(&self, class: &str) -> f64 {
        self.classes.get(class).map_or(0.0, |(all, right)| share(*all, *right))
    }

    /// The tactics of which some were judged wrongly, the worst first.
    #[allow(dead_code, reason = "only the report shows them")]
    pub(crate) fn weak_tactics(&self) -> Vec<(&str, usize, usize)> {
        let mut weak: Vec<_> = self
            .tactics
            .iter()
            .filter(|(name, (all, right))| right < all && !name.ends_with('/'))
            .map(|(name, (all, right))| (name.as_str(), *all, *right))
            .collect();
        weak.sort_by_key(|(_, all, right)| std::cmp::Reverse(all - right));
        weak
    }
}

fn share(all: usize, right: usize) -> f64 {
    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    number(right) / number(all.max(1))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (class, (all, right)) in &self.classes {
            writeln!(f, "  {class:<14} {right:>5} of {all:>5}  {:6.2} %", 100.0 * share(*all, *right))?;
        }
        Ok(())
    }
}
