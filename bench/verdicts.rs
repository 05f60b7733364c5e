//! Verdicts of the risk engine, in this process: the tables of `tests/vectors/risk/`, and texts made to be slow.
//!
//! Each text is judged several times and the fastest counts, so that a busy machine does not show.

use std::hint::black_box;
use std::time::{Duration, Instant};

use agent_identity::risk::{Context, MAX_BYTES, judge_command};

use super::Outcome;
use super::report::{Goal, Report};
use super::risk_report::{Row, folder, rows};

const TIMES: usize = 7;

/// What is repeated until it is as long as a command may be.
const HOSTILE: &[&str] = &[
    "$(",
    "((",
    "{a,",
    "{a,b}",
    "${a:-",
    "<<a ",
    "f()",
    "a&",
    "a ",
    "a;",
    "$a",
    "x=$x$x;",
    ">/etc/x",
    ">/etc/x ",
    "rm */*/*;",
    "rm a ",
    "*/",
    "?*",
    "../",
    "/.a",
    "~/.ssh/id_rsa ",
    "cat /etc/shadow;",
    "echo a|",
    "echo `",
    "for x in a b c d e f g h;do ",
    "sudo ",
    "sh -c ",
    "echo a|base64|",
    "python3 -c \"import os;os.system('id')\";",
    "node -e 'eval(a)';",
    "a=1 ",
    "a+=b;",
    "export a=b;",
    "echo a>>b;",
    "cat <b;",
    "ln -s a b;",
    "find . -exec ",
    "xargs ",
    "${a//a/b}",
    "$((1+",
];

pub(crate) fn report(report: &mut Report) -> Outcome<()> {
    report.heading("Verdicts of the risk engine");
    let mut files: Vec<String> = std::fs::read_dir(folder())?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".jsonl"))
        .collect();
    files.sort();
    // What is held out is not shown: nobody should write rules, or shortcuts, for it.
    let shown =
        |file: &str, row: &Row| if file.contains("held") { file.to_owned() } else { row.text.clone() };
    let all: Vec<(String, Row)> =
        files.iter().flat_map(|file| rows(file).into_iter().map(|row| (shown(file, &row), row))).collect();
    let mut times: Vec<(f64, &str)> =
        all.iter().map(|(name, row)| (micros(|| drop(black_box(row.judge()))), name.as_str())).collect();
    times.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let at = |of_100: usize| times.get(times.len() * of_100 / 100).map_or(f64::NAN, |time| time.0);
    let mut hostile: Vec<(f64, String)> = hostile()
        .iter()
        .map(|(name, text)| {
            let time = micros(|| drop(black_box(judge_command(text, &Context::default()))));
            (time / 1e3, name.clone())
        })
        .collect();
    hostile.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    if std::env::var_os("VERBOSE").is_some() {
        for (time, text) in times.iter().rev().take(20) {
            println!("{time:10.1} µs  {text:.100}");
        }
        for (time, text) in hostile.iter().take(30) {
            println!("{time:10.2} ms  {text}");
        }
    }
    let (slowest, name) = hostile.first().ok_or("nothing was measured")?;
    report.paragraph(&format!(
        "The {} commands and tool calls of the tables, and {} texts of {} KiB that are made to be slow (the slowest: `{}`); \
         each is judged {TIMES} times, of which the fastest counts.",
        all.len(),
        hostile.len(),
        MAX_BYTES / 1024,
        name.replace('|', "\\|").replace('`', "'"),
    ));
    let mut table = Vec::new();
    for (what, figure, goal, unit) in [
        ("a verdict of the tables, median", at(50), 20.0, " µs"),
        ("99 of 100 verdicts of the tables", at(99), 200.0, " µs"),
        ("the slowest text", *slowest, 20.0, " ms"),
    ] {
        let [goal, met] = report.judge(figure, Goal::AtMost(goal), unit);
        table.push(vec![what.to_owned(), format!("{figure:.1}{unit}"), goal, met]);
    }
    report.table(&["", "", "goal", ""], &table);
    Ok(())
}

/// The texts, each with what it is made of.
fn hostile() -> Vec<(String, String)> {
    let repeated = |part: &str| part.repeat(MAX_BYTES / part.len());
    let mut made: Vec<(String, String)> =
        HOSTILE.iter().map(|part| ((*part).to_owned(), repeated(part))).collect();
    for (start, end) in [("rm ", ""), ("echo ", ""), ("python3 -c '", "'"), ("cat ", "|sh"), ("sed '", "'")] {
        for part in ["a", "*/", "?", "/.a", "[a]", "~/.", "{a}", "system(", "a/../", "'a'+", "chr(", "\\x41"]
        {
            let end_at = MAX_BYTES - start.len() - end.len();
            let middle = part.repeat(end_at / part.len());
            made.push((format!("{start}{part}…{end}"), format!("{start}{middle}{end}")));
        }
    }
    made
}

fn micros(mut run: impl FnMut()) -> f64 {
    let mut best = Duration::MAX;
    for _ in 0..TIMES {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed());
        if best > Duration::from_millis(40) {
            break;
        }
    }
    best.as_secs_f64() * 1e6
}
