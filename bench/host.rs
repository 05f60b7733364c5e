//! What the plugin adds to a tool call inside real gateways; `tests/gateway/latency.rs` measures it.

use std::process::{Command, Stdio};

use super::Outcome;
use super::report::Report;

/// The test, and the beginnings of the lines that it prints.
const TEST: &str = "latency_of_a_tool_call";
const LINES: [&str; 3] = ["before_tool_call", "  a plugin", "  this plugin"];

pub(crate) fn report(report: &mut Report) -> Outcome<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["test", "--quiet", "--release", "--all-features", "--test", "gateway", "--"])
        .args(["--ignored", "--exact", TEST, "--nocapture"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .output()?;
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let lines: Vec<_> =
        said.lines().filter(|line| LINES.iter().any(|start| line.starts_with(start))).collect();
    report.heading("In a real gateway");
    if !output.status.success() || lines.is_empty() {
        report.skipped("the plugin's share of a tool call", "OpenClaw could not be installed or started");
        return Ok(());
    }
    report.paragraph(&format!("```text\n{}\n```", lines.join("\n")));
    Ok(())
}
