//! `make risk-report`: how the risk engine judges the tables of `tests/vectors/risk/`, by class and tactic. With
//! `SHOW=train` also what it judges wrongly, for tables that rules may be written from: never for those whose name says
//! that they are held out.
#![allow(clippy::print_stdout, reason = "a tool that prints")]

#[path = "../../tests/support/risk_report.rs"]
mod risk_report;

use risk_report::{Report, folder, rows};

fn main() {
    let show = std::env::args().nth(1).as_deref() == Some("train");
    let mut files: Vec<String> = std::fs::read_dir(folder())
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".jsonl"))
        .collect();
    files.sort();
    for file in files {
        let report = Report::of(&rows(&file));
        println!("{file}\n{report}");
        if file.contains("held") {
            continue;
        }
        for (tactic, all, right) in report.weak_tactics() {
            println!("    {tactic}: {right} of {all}");
        }
        if show {
            for wrong in &report.wrong {
                println!("    {wrong}");
            }
        }
    }
}
