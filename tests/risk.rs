//! The risk engine against the tables of `tests/vectors/risk/`: recall and false alarms by class.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test file, helpers included")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use agent_identity::risk::{Context, Level, MAX_BYTES, judge_command};
use serde_json::Value;

/// Class → commands of it, commands judged as it wants, and those that were not.
type Tally = BTreeMap<String, (usize, usize, Vec<String>)>;

#[test]
fn the_tables_are_judged_as_they_say() {
    let tally = tally("commands.jsonl");
    report("commands.jsonl", &tally);
    let wrong: Vec<_> = tally.values().flat_map(|(_, _, wrong)| wrong).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_no_rule_was_written_for_is_judged_well() {
    let tally = tally("held-out.jsonl");
    report("held-out.jsonl", &tally);
    for (class, least) in [("high", 0.9), ("disguises", 0.9), ("low", 0.95), ("mentions", 0.95)] {
        let (all, right, wrong) = &tally[class];
        let share = f64::from(u32::try_from(*right).unwrap()) / f64::from(u32::try_from(*all).unwrap());
        assert!(share >= least, "{class}: {right} of {all}: {wrong:#?}");
    }
}

#[test]
fn hostile_texts_end_and_are_never_low() {
    for text in ["$(", "`", "((", "{ ", "\"$(", "<<a ", "${a:-", "f()", "a|", "if ", "case x in a) "] {
        let whole = text.repeat(MAX_BYTES / text.len());
        let verdict = judge_command(&whole, &Context::default());
        assert!(verdict.level >= Level::Medium || matches!(text, "a|" | "`"), "{text}: {verdict:?}");
    }
    assert!(judge_command(&"a ".repeat(MAX_BYTES), &Context::default()).level >= Level::Medium);
}

#[test]
fn the_span_shows_the_words_that_decided() {
    let command = "ls -l; rm -rf /etc && echo done";
    let verdict = judge_command(command, &Context::default());
    assert_eq!(&command[verdict.span.start..verdict.span.end], "rm -rf /etc");
    let verdict = judge_command("env A=1 sh -c 'rm -rf ~'", &Context::default());
    assert_eq!(verdict.unwrapped, ["env", "sh -c → rm -rf ~"]);
}

fn tally(file: &str) -> Tally {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/risk").join(file);
    let mut tally = Tally::new();
    for line in fs::read_to_string(path).unwrap().lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let (class, command) = (row["class"].as_str().unwrap(), row["command"].as_str().unwrap());
        let verdict = judge_command(command, &Context::default());
        let is_right = match class {
            "high" | "disguises" => verdict.level == Level::High,
            "medium" => verdict.level == Level::Medium,
            "low" | "mentions" => verdict.level != Level::High,
            other => panic!("no class {other}"),
        };
        let (all, right, wrong) = tally.entry(class.to_owned()).or_default();
        *all += 1;
        *right += usize::from(is_right);
        if !is_right {
            wrong.push(format!("{command}: {} {}", verdict.level.as_str(), verdict.rule_id()));
        }
    }
    tally
}

fn report(file: &str, tally: &Tally) {
    let mut text = format!("{file}\n");
    for (class, (all, right, wrong)) in tally {
        writeln!(text, "  {class:<10} {right:>4} of {all:>4}").unwrap();
        for miss in wrong {
            writeln!(text, "    {miss}").unwrap();
        }
    }
    let _ = write!(std::io::stderr(), "{text}");
}

#[test]
fn what_is_beyond_a_bound_is_never_low() {
    let many = |count: usize, last: &str| format!("{} {last}", "a ".repeat(count));
    for command in [
        format!("for x in {}; do touch $x; done", many(20, "/etc/passwd")),
        format!("echo {} | xargs touch", many(40, "/etc/passwd")),
        format!("find {} -exec touch {{}} \\;", many(9, "/etc")),
    ] {
        let verdict = judge_command(&command, &Context::default());
        assert!(verdict.level >= Level::Medium, "{command}: {:?}", verdict.level);
    }
}
