//! The tables in `docs/`.

use std::fmt::Write as _;

use agent_identity::action::registry;
use agent_identity::action::tool::{Kind, Param, Tool};
use agent_identity::config::fields;

pub(super) fn settings() -> String {
    fields::markdown()
}

pub(super) fn tools() -> String {
    let mut text = String::from("| Tool | Parameters | Login needed |\n|---|---|---|\n");
    for tool in registry::TOOLS {
        let params: Vec<_> = tool.params.iter().map(short).collect();
        let params = if params.is_empty() { "—".to_owned() } else { params.join(", ") };
        let login = if tool.needs_login { "yes" } else { "no" };
        let _ = writeln!(text, "| [`{0}`](#{0}) | {1} | {login} |", tool.name, params);
    }
    registry::TOOLS.iter().for_each(|tool| text += &section(tool));
    text
}

fn section(tool: &Tool) -> String {
    let mut text = format!("\n### {}\n\n{}\n", tool.name, tool.about);
    if !tool.call_when.is_empty() {
        let _ = writeln!(text, "\nSaid by people: {}.", tool.call_when.join(" · "));
    }
    if !tool.params.is_empty() {
        text += "\n| Parameter | Type | Required | Meaning |\n|---|---|---|---|\n";
        for param in tool.params {
            let required = if param.required { "yes" } else { "no" };
            let _ =
                writeln!(text, "| `{}` | {} | {required} | {} |", param.name, kind(param.kind), param.about);
        }
    }
    text
}

fn short(param: &Param) -> String {
    if param.required { format!("`{}`", param.name) } else { format!("`{}?`", param.name) }
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::Flag => "boolean".to_owned(),
        Kind::Object => "object".to_owned(),
        Kind::OneOf(words) => format!("`{}`", words.join("`, `")),
        Kind::Text => "string".to_owned(),
        Kind::Texts => "list of strings".to_owned(),
        Kind::Whole => "whole number from 1".to_owned(),
    }
}
