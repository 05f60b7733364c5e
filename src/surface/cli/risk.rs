//! `risk`: judges commands here, without a server.

use std::io::{BufRead as _, Read as _, stdin};

use serde_json::{Value, json};

use super::commands::{Context, failure};
use super::exit;
use super::remote::Failure;
use crate::action::risk_check::{self, Input};
use crate::base::error::{Code, Error};
use crate::base::json;
use crate::risk::{self, MAX_BYTES, judge_command};

/// Bytes of a line of standard input; a command may be escaped in it.
const MAX_LINE_BYTES: u64 = 8 * MAX_BYTES as u64;

/// `risk 'COMMAND'`
pub(super) fn one(context: &Context<'_>, command: &str) -> u8 {
    let verdict = judge_command(command, &risk::Context::default());
    let shown = json!({
        "risk": verdict.level.as_str(),
        "reason": verdict.reason(),
        "source": "rules",
        "rule": verdict.rule_id(),
        "words": verdict.words,
        "span": [verdict.span.start, verdict.span.end],
        "unwrapped": verdict.unwrapped,
    });
    context.print(&shown, |_| {
        let mut lines = vec![format!("{}: {}", verdict.level.as_str(), verdict.reason())];
        if verdict.rule.is_some() {
            lines.push(format!("rule      {}", verdict.rule_id()));
            lines.push(format!(
                "in        {}",
                command.get(verdict.span.start..verdict.span.end).unwrap_or(command)
            ));
            lines.push(format!("does      {}", verdict.words));
        }
        lines.extend(verdict.unwrapped.iter().map(|step| format!("inside    {step}")));
        lines.iter().map(|line| line.replace(char::is_control, " ")).collect::<Vec<_>>().join("\n")
    });
    exit::OK
}

/// `risk --batch`
pub(super) fn batch(context: &Context<'_>) -> Result<u8, Failure> {
    let mut input = stdin().lock();
    loop {
        let mut line = String::new();
        let read = input.by_ref().take(MAX_LINE_BYTES).read_line(&mut line);
        match read {
            Ok(0) => return Ok(exit::OK),
            Ok(_) if line.trim().is_empty() => {}
            Ok(_) => context.output.text(&answer(&line).map_err(failure)?.to_string()),
            Err(error) => {
                let why = format!("standard input cannot be read: {error}");
                return Err(failure(Error::new(Code::InvalidRequest, why)));
            }
        }
    }
}

fn answer(line: &str) -> Result<Value, Error> {
    let invalid = |why: String| {
        Error::new(Code::InvalidRequest, format!("a line of standard input is no call: {why}"))
            .with_hint(r#"write {"id": …, "command": "…"} on each line"#)
    };
    let call: Value = json::read(line).map_err(|error| invalid(error.to_string()))?;
    let text = |name: &str| call[name].as_str().map(str::to_owned);
    let input = Input {
        command: text("command"),
        tool_name: text("toolName"),
        params: call["params"].as_object().cloned().unwrap_or_default(),
    };
    if input.command.is_none() && input.tool_name.is_none() {
        return Err(invalid("command and toolName are missing".to_owned()));
    }
    let outcome = risk_check::by_rules(&input);
    Ok(json!({ "id": call["id"], "risk": outcome.risk, "reason": outcome.reason, "rule": outcome.rule }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_answered_with_its_id() {
        let high = answer(r#"{"id": 7, "command": "sudo su"}"#).unwrap();
        assert_eq!((&high["id"], &high["risk"]), (&json!(7), &json!("high")));
        let low = answer(r#"{"id": "a", "toolName": "write", "params": {"path": "a.md"}}"#).unwrap();
        assert_eq!((&low["id"], &low["risk"], &low["rule"]), (&json!("a"), &json!("low"), &json!("none")));
        assert!(answer("{}").is_err() && answer("x").is_err());
    }
}
