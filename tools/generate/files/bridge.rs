//! `bridge/static.json`: what the bridge registers with the host, which has to happen before our process runs.

use agent_identity::action::{registry, session_get, session_put};
use serde::Serialize;
use serde_json::Value;

/// What is registered.
#[derive(Debug, Serialize)]
pub(super) struct Registrations {
    version: &'static str,
    commands: [Command; 2],
    #[serde(rename = "gatewayMethods")]
    gateway_methods: [&'static str; 2],
    tools: Vec<Tool>,
}

/// A slash command. The host knows no aliases: each name is a command of its own.
#[derive(Debug, Serialize)]
struct Command {
    name: &'static str,
    description: &'static str,
}

#[derive(Debug, Serialize)]
struct Tool {
    name: &'static str,
    label: String,
    description: String,
    parameters: Value,
}

pub(super) fn registrations() -> Registrations {
    let command =
        |name| Command { name, description: "Login, workload tokens and hosted credentials of this chat" };
    Registrations {
        version: env!("CARGO_PKG_VERSION"),
        commands: [command("identity"), command("id")],
        gateway_methods: [session_put::METHOD, session_get::METHOD],
        tools: registry::TOOLS
            .iter()
            .map(|tool| Tool {
                name: tool.name,
                label: label(tool.name),
                description: tool.description(),
                parameters: tool.schema(),
            })
            .collect(),
    }
}

/// `identity_list_tips` becomes `Identity: list tips`.
fn label(name: &str) -> String {
    format!("Identity: {}", name.trim_start_matches("identity_").replace('_', " "))
}
