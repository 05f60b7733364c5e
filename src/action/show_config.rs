//! The effective configuration, without its secrets.

use serde::Serialize;
use serde_json::Value;

use super::tool::Tool;
use super::{Action, Services};

/// The tool.
pub const TOOL: Tool = Tool {
    name: "identity_config",
    about: "Shows the effective plugin configuration: defaults included, secrets replaced.",
    call_when: &["show identity config", "查看 identity 配置", "what is configured"],
    params: &[],
    needs_login: false,
    read: |_, _| Ok(Action::ShowConfig),
};

/// The configuration.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// As `agent-identity config show` prints it.
    pub config: Value,
}

pub(super) fn run(services: &Services) -> Outcome {
    Outcome { config: services.config.clone() }
}
