//! `openclaw.plugin.json`: what the host knows of the plugin without running it.

use std::collections::BTreeMap;

use agent_identity::action::registry;
use agent_identity::config::fields::{self, FIELDS, Field, Kind, SECTIONS};
use serde::Serialize;
use serde_json::{Value, json};

/// The manifest, members in the order in which a person reads them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    id: &'static str,
    name: &'static str,
    version: &'static str,
    description: &'static str,
    skills: [&'static str; 1],
    activation: Value,
    contracts: Contracts,
    config_contracts: Value,
    config_schema: Value,
    ui_hints: BTreeMap<&'static str, Value>,
}

#[derive(Debug, Serialize)]
struct Contracts {
    tools: Vec<&'static str>,
}

pub(super) fn manifest() -> Manifest {
    Manifest {
        id: "agent-identity",
        name: "Agent Identity",
        version: env!("CARGO_PKG_VERSION"),
        description: "Identity for agents with Volcengine 智能体身份和权限管理: login at a user pool (用户池), workload \
                      tokens (工作负载令牌, TIP), hosted credentials (凭据托管), permission checks and approval of risky \
                      calls (权限管控).",
        skills: ["./identity"],
        // Newer hosts load a plugin at start only when it says so.
        activation: json!({ "onStartup": true }),
        // Newer hosts drop every tool that is not listed here.
        contracts: Contracts { tools: registry::TOOLS.iter().map(|tool| tool.name).collect() },
        config_contracts: json!({ "secretInputs": { "paths": secret_inputs() } }),
        config_schema: fields::schema(),
        ui_hints: hints(),
    }
}

/// Where the host resolves references. `capability`: a secret that cannot be resolved makes its part fail and never
/// be used stale, and the host's start goes on.
fn secret_inputs() -> Vec<Value> {
    let secrets = FIELDS.iter().filter(|field| is_secret(field));
    secrets
        .map(|field| json!({ "path": field.path, "expected": "string", "ownerKind": "capability" }))
        .collect()
}

/// Labels and help of the host's settings page, which also hides what is marked sensitive.
fn hints() -> BTreeMap<&'static str, Value> {
    let sections = SECTIONS.iter().map(|section| (section.path, hint(section.path, section.about)));
    let fields = FIELDS.iter().map(|field| {
        let mut hint = hint(field.path, field.about);
        if is_secret(field) {
            hint["sensitive"] = true.into();
        }
        (field.path, hint)
    });
    sections.chain(fields).collect()
}

fn hint(path: &str, about: &str) -> Value {
    json!({ "label": label(path), "help": about })
}

fn is_secret(field: &Field) -> bool {
    matches!(field.kind, Kind::KeyId | Kind::Secret)
}

/// The last key of a path as words: `authz.llmRiskCheck` becomes `LLM risk check`.
fn label(path: &str) -> String {
    let key = path.rsplit('.').next().unwrap_or(path);
    let mut words = vec![String::new()];
    for letter in key.chars() {
        match words.last_mut() {
            Some(word) if !letter.is_ascii_uppercase() => word.push(letter),
            _ => words.push(letter.to_ascii_lowercase().to_string()),
        }
    }
    let words: Vec<_> = words.iter().enumerate().map(|(at, word)| spelled(word, at == 0)).collect();
    words.join(" ")
}

fn spelled(word: &str, first: bool) -> String {
    match word {
        "api" | "id" | "llm" | "tip" | "trn" | "ttl" | "url" => word.to_uppercase(),
        "ms" => "(ms)".to_owned(),
        "seconds" => "(seconds)".to_owned(),
        "userpool" => "User pool".to_owned(),
        "authz" => "Permissions".to_owned(),
        _ if first => word[..1].to_uppercase() + &word[1..],
        _ => word.to_owned(),
    }
}
