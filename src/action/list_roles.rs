//! Lists the providers of temporary role keys.

use serde::Serialize;

use crate::base::error::Result;
use crate::session::key::SessionKey;

use super::tool::{Kind, Param, Tool};
use super::{Action, Services, target};

/// The tool.
pub const TOOL: Tool = Tool {
    name: "identity_list_roles",
    about: "Lists the role providers whose temporary cloud keys can be had with identity_get_role_credentials.",
    call_when: &["role credentials", "STS providers", "IAM role 凭据", "有哪些角色凭据"],
    params: &[Param {
        name: "name",
        kind: Kind::Text,
        required: false,
        about: "How the provider's name begins.",
    }],
    needs_login: true,
    read: |params, session| {
        Ok(Action::ListRoles(Input { session, name: params.text("name").map(str::to_owned) }))
    },
};

/// What to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// For whom.
    pub session: Option<SessionKey>,
    /// How the name begins.
    pub name: Option<String>,
}

/// The role providers.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// In the service's order.
    pub providers: Vec<Entry>,
}

/// A role provider.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Whose tokens it takes: `agent_pool` (the workload token) or `user_pool` (the person's own).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_source: Option<&'static str>,
}

pub(super) fn run(services: &Services, input: Input) -> Result<Outcome> {
    target::existing(services, input.session)?;
    let providers = services.credentials.hosted().role_providers(input.name.as_deref())?;
    let entry = |provider: crate::credential::hosted::RoleProvider| Entry {
        name: provider.name,
        identity_source: provider.identity_source.map(|source| source.as_str()),
    };
    Ok(Outcome { providers: providers.into_iter().map(entry).collect() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::Bench;
    use super::*;
    use crate::base::error::Code;
    use crate::session::key::MAIN;

    #[test]
    fn roles_are_listed_by_prefix_for_whoever_is_logged_in() {
        let bench = Bench::new();
        let list = |name: Option<&str>| {
            run(&bench.services, Input { session: None, name: name.map(Into::into) })
                .map(|outcome| serde_json::to_value(outcome).unwrap())
        };
        assert_eq!(list(None).unwrap_err().code(), Code::NotLoggedIn);
        assert!(bench.hosted.asked().is_empty());
        bench.log_in(MAIN, "ann");
        assert_eq!(
            list(None).unwrap()["providers"],
            json!([
                { "name": "agents-role", "identitySource": "agent_pool" },
                { "name": "ecs-readonly", "identitySource": "user_pool" },
                { "name": "plain" },
            ])
        );
        assert_eq!(list(Some("ecs")).unwrap()["providers"].as_array().unwrap().len(), 1);
    }
}
