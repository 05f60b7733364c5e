//! What the server costs: `make size` and `make bench`.
//!
//! `bench size STATIC [DYNAMIC]` prints size, memory and start of the static binary beside the budget, and those of the
//! dynamic one for comparison; it fails when the budget is exceeded.
//! `bench contest STATIC DYNAMIC`, `bench growth STATIC` and `bench counts STATIC` print one chapter alone.
//! `bench risk` measures the risk engine alone, and fails when a goal is missed; with `VERBOSE=1` it names what is slowest.
//! `bench scale STATIC DOCUMENT` measures several instances on one engine (STATIC with the feature `redis`), and writes that
//! between the marks of the document.
//! `bench all STATIC DYNAMIC DOCUMENT` measures everything and writes it between the marks of the document.
//!
//! The emulator plays the cloud, in this process; servers run as processes of their own, with their checks on and files
//! synced: what is measured is what is shipped.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "it measures time, waits, and reports on standard output"
)]

#[path = "../tests/support/browser.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    missing_debug_implementations,
    clippy::unwrap_used,
    clippy::panic,
    reason = "shared with the tests"
)]
mod browser;
mod contest;
mod counts;
mod growth;
mod host;
mod load;
mod process;
mod report;
#[path = "../tests/support/risk_report.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod risk_report;
mod scale;
mod size;
mod slow;
mod verdicts;
mod world;

use std::error::Error;
use std::path::{Path, PathBuf};

use report::Report;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["size", binary] => fits(size::report(&program(binary)?, None)?),
        ["size", binary, dynamic] => fits(size::report(&program(binary)?, Some(&program(dynamic)?))?),
        ["all", binary, dynamic, document] => all(&program(binary)?, &program(dynamic)?, Path::new(document)),
        ["contest", binary, dynamic] => {
            contest::report(&program(binary)?, &program(dynamic)?, &mut Report::new())
        }
        ["growth", binary] => growth::report(&program(binary)?, &mut Report::new()),
        ["counts", binary] => counts::report(&program(binary)?, &mut Report::new()),
        ["scale", binary, document] => {
            let mut report = Report::new();
            report.about_the_machine("make bench-scale")?;
            scale::report(&program(binary)?, &mut report)?;
            report.write_into(Path::new(document))
        }
        ["risk"] => {
            let mut report = Report::new();
            verdicts::report(&mut report)?;
            fits(report)
        }
        _ => Err("usage: bench size STATIC [DYNAMIC] | contest STATIC DYNAMIC | growth STATIC | counts STATIC | risk | \
                  scale STATIC DOCUMENT | all STATIC DYNAMIC DOCUMENT"
            .into()),
    }
}

fn fits(report: Report) -> Outcome<()> {
    match report.misses() {
        0 => Ok(()),
        misses => Err(format!("{misses} figures miss their goal").into()),
    }
}

fn all(binary: &Path, dynamic: &Path, document: &Path) -> Outcome<()> {
    let mut report = Report::new();
    report.about_the_machine("make bench")?;
    report.append(size::report(binary, Some(dynamic))?);
    contest::report(binary, dynamic, &mut report)?;
    slow::report(binary, &mut report)?;
    growth::report(binary, &mut report)?;
    counts::report(binary, &mut report)?;
    verdicts::report(&mut report)?;
    report.write_into(document)?; // what follows takes a build and two gateways
    host::report(&mut report)?;
    report.write_into(document)
}

fn program(path: &str) -> Outcome<PathBuf> {
    Ok(std::fs::canonicalize(path).map_err(|error| format!("{path}: {error}"))?)
}
