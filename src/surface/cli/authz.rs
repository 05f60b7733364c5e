//! `authz explain`: what would be ruled on a call, step by step.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::args::Question;
use super::commands::Context;
use super::remote::Failure;
use super::{exit, tools};
use crate::session::key::SessionKey;

/// Where the texts of the steps begin.
const COLUMN: usize = 12;

/// `authz explain agent|skill|tool …`
pub(super) fn explain(
    context: &Context<'_>,
    about: &Question,
    session: Option<&SessionKey>,
) -> Result<u8, Failure> {
    let mut question = match about {
        Question::Agent => json!({ "agent": true }),
        Question::Skill(name) => json!({ "skill": name }),
        Question::Tool { name, params, workspace } => {
            let mut question = json!({ "tool": name, "params": tools::given(params.as_deref())? });
            if let Some(folder) = workspace {
                question["workspace"] = folder.as_str().into();
            }
            question
        }
    };
    question["session"] = session.map_or("", SessionKey::as_str).into();
    let outcome = context.remote()?.explain(&question)?;
    context.print(&outcome, shown);
    Ok(if outcome["ruling"] == "deny" { exit::REFUSED } else { exit::OK })
}

/// A line a step, and the ruling last.
fn shown(outcome: &Value) -> String {
    let mut lines = String::new();
    let mut line = |name: &str, value: &str| {
        let value = value.replace(char::is_control, " ");
        let _ = writeln!(lines, "{name:<COLUMN$}{value}");
    };
    line("about", &format!("{} in {}", text(&outcome["about"]), text(&outcome["sessionKey"])));
    let flags: Vec<_> = outcome["flags"].as_object().into_iter().flatten().collect();
    let on: Vec<_> = flags.iter().filter(|(_, on)| **on == true).map(|(name, _)| name.as_str()).collect();
    line("checks", &if on.is_empty() { "none".to_owned() } else { on.join(", ") });
    for step in outcome["steps"].as_array().into_iter().flatten() {
        let problem = step["problem"]["message"].as_str();
        match step["step"].as_str().unwrap_or_default() {
            "exempt" => line("exempt", &text(&step["reason"])),
            "reads" => line("reads", &format!("the skills {}", list(&step["skills"]))),
            "token" => line(
                "token",
                &problem.map_or_else(
                    || format!("of {}, through {}", text(&step["sub"]), list(&step["chain"])),
                    |problem| format!("none: {problem}"),
                ),
            ),
            "permission" => {
                let sent = &step["sent"];
                let entity =
                    |name: &str| format!("{} {}", text(&sent[name]["Type"]), text(&sent[name]["Id"]));
                let callers = sent["OriginalCallers"].as_array().map_or_else(String::new, |callers| {
                    let names: Vec<_> = callers.iter().map(|caller| text(&caller["Id"])).collect();
                    format!(" through {}", names.join(", "))
                });
                line(
                    "asked",
                    &format!(
                        "may {} {} {}{callers}? (namespace {})",
                        entity("Principal"),
                        text(&sent["Operation"]["Id"]),
                        entity("Resource"),
                        text(&sent["NamespaceName"])
                    ),
                );
                let answer = match (problem, step["allowed"] == true) {
                    (Some(problem), _) => format!("none: {problem}"),
                    (None, true) => "yes".to_owned(),
                    (None, false) => "no".to_owned(),
                };
                let message = step["message"].as_str().map_or_else(String::new, |text| format!(": {text}"));
                let remembered = if step["remembered"] == true { " (remembered)" } else { "" };
                line("answer", &format!("{answer}{message}{remembered}"));
            }
            "risk" => line(
                "risk",
                &format!(
                    "{}: {} ({} {})",
                    text(&step["risk"]),
                    text(&step["reason"]),
                    text(&step["source"]),
                    text(&step["rule"])
                ),
            ),
            _ => {}
        }
    }
    line("ruling", &text(&outcome["ruling"]));
    if let Some(told) = outcome["text"].as_str() {
        line("told", told);
    }
    if let Some(asked) = outcome["approval"]["description"].as_str() {
        line("question", asked);
    }
    lines
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn list(value: &Value) -> String {
    value.as_array().into_iter().flatten().map(text).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_a_line_or_two() {
        let outcome = json!({
            "sessionKey": "agent:main:main", "about": "tool exec", "namespace": "default",
            "flags": { "agentCheck": false, "toolCheck": true, "skillReadCheck": true },
            "steps": [
                { "step": "reads", "skills": ["pay", "deploy"] },
                { "step": "token", "sub": "ann", "chain": ["shop", "desk"], "expiresAt": "2026-01-15T09:00:00Z" },
                {
                    "step": "permission", "remembered": true, "allowed": false, "message": "by\npolicy",
                    "sent": {
                        "NamespaceName": "default",
                        "Principal": { "Type": "user", "Id": "ann" },
                        "Operation": { "Type": "Action", "Id": "invoke" },
                        "Resource": { "Type": "tool", "Id": "exec" },
                        "OriginalCallers": [{ "Type": "agent", "Id": "shop" }, { "Type": "agent", "Id": "desk" }],
                    },
                },
            ],
            "ruling": "deny", "text": "[agent-identity] CheckPermission denied for tool exec",
        });
        assert_eq!(
            shown(&outcome),
            "\
about       tool exec in agent:main:main
checks      skillReadCheck, toolCheck
reads       the skills pay, deploy
token       of ann, through shop, desk
asked       may user ann invoke tool exec through shop, desk? (namespace default)
answer      no: by policy (remembered)
ruling      deny
told        [agent-identity] CheckPermission denied for tool exec
"
        );
    }
}
