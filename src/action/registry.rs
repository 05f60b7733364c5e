//! All tools: the one source of names, descriptions and schemas.

use serde::Serialize;
use serde_json::{Map, Value};

use super::tool::Tool;
use super::{
    Action, config_suggest, decide_approval, fetch, list_credentials, list_risk_patterns, list_roles,
    list_tips, login, logout, risk_check, role_credentials, set_binding, show_config, status, token,
    unset_binding, user_token, whoami,
};
use crate::base::error::{Code, Error, Result};
use crate::base::nearest::nearest;
use crate::session::key::SessionKey;

/// The tools, in the order of the manifest.
pub const TOOLS: [&Tool; 17] = [
    &whoami::TOOL,
    &logout::TOOL,
    &status::TOOL,
    &login::TOOL,
    &list_credentials::TOOL,
    &list_roles::TOOL,
    &list_tips::TOOL,
    &show_config::TOOL,
    &config_suggest::TOOL,
    &fetch::TOOL,
    &role_credentials::TOOL,
    &token::TOOL,
    &user_token::TOOL,
    &set_binding::TOOL,
    &unset_binding::TOOL,
    &risk_check::TOOL,
    &list_risk_patterns::TOOL,
];

/// The tool with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().copied().find(|tool| tool.name == name)
}

/// Makes the action of a tool call.
///
/// # Errors
/// `NotFound` with the nearest tool, `Forbidden` for what only a person may do, or `InvalidRequest` with every fault of the parameters.
pub fn action(tool: &str, params: &Map<String, Value>, session: Option<SessionKey>) -> Result<Action> {
    match find(tool) {
        Some(known) => known.action(params, session),
        None if tool == decide_approval::TOOL_NAME => Err(decide_approval::refused()),
        None => Err(unknown(tool)),
    }
}

fn unknown(tool: &str) -> Error {
    let error = Error::new(Code::NotFound, format!("no tool {tool:?}"));
    match nearest(tool, TOOLS.iter().map(|tool| tool.name)) {
        Some(near) => error.with_hint(format!("did you mean {near}?")),
        None => error.with_hint("list the tools with GET /tools, or: agent-identity tools"),
    }
}

/// The answer to "which tools are there".
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// The tools, in the order of the manifest.
    pub tools: Vec<Listed>,
}

/// One tool, as callers see it.
#[derive(Debug, Serialize)]
pub struct Listed {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub description: String,
    /// The JSON schema of its parameters.
    pub parameters: Value,
}

pub(super) fn run() -> Outcome {
    let listed =
        |tool: &&Tool| Listed { name: tool.name, description: tool.description(), parameters: tool.schema() };
    Outcome { tools: TOOLS.iter().map(listed).collect() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_every_tool_explains_itself() {
        let names: BTreeSet<_> = TOOLS.iter().map(|tool| tool.name).collect();
        assert_eq!(names.len(), TOOLS.len());
        for tool in TOOLS {
            assert!(tool.name.starts_with("identity_") && tool.about.ends_with('.'), "{}", tool.name);
            assert!(tool.params.iter().all(|param| !param.about.is_empty()), "{}", tool.name);
        }
    }

    #[test]
    fn these_tools_work_without_a_login() {
        let free: BTreeSet<_> = TOOLS.iter().filter(|tool| !tool.needs_login).map(|tool| tool.name).collect();
        let expected = [
            "identity_config",
            "identity_config_suggest",
            "identity_list_risk_patterns",
            "identity_list_tips",
            "identity_login",
            "identity_logout",
            "identity_risk_check",
            "identity_status",
            "identity_unset_binding",
            "identity_whoami",
        ];
        assert_eq!(free, expected.into());
    }

    #[test]
    fn an_unknown_tool_suggests_the_nearest() {
        let error = action("identity_whoam", &Map::new(), None).unwrap_err();
        assert_eq!((error.code(), error.hint()), (Code::NotFound, Some("did you mean identity_whoami?")));
        assert!(action("exec", &Map::new(), None).unwrap_err().hint().unwrap().contains("/tools"));
    }
}
