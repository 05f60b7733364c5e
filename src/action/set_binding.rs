//! Binds a provider's credential to an environment name, for the calls of this session.

use serde::Serialize;

use crate::base::error::{Code, Error, Result};
use crate::credential::custody::Credential;
use crate::credential::name;
use crate::session::key::SessionKey;

use super::tool::{Kind, Param, Tool};
use super::{Action, Services, target};

/// The tool.
pub const TOOL: Tool = Tool {
    name: "identity_set_binding",
    about: "Binds a fetched credential to an environment name: later exec calls of this session have it there. Without a fetched credential the gateway's own variable of that name is imported, where that is allowed. Never shows values.",
    call_when: &["bind my credential for tools", "inject my key for API calls", "让工具能用我的凭据"],
    params: &[
        Param {
            name: "provider",
            kind: Kind::Text,
            required: true,
            about: "Name of the credential provider.",
        },
        Param {
            name: "envVar",
            kind: Kind::Text,
            required: true,
            about: "Environment name, for example GOOGLE_ACCESS_TOKEN.",
        },
    ],
    needs_login: true,
    read: |params, session| {
        let (provider, env_var) =
            (params.required("provider").to_owned(), params.required("envVar").to_owned());
        Ok(Action::SetBinding(Input { session, provider, env_var }))
    },
};

/// What to bind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// For whom.
    pub session: Option<SessionKey>,
    /// The provider.
    pub provider: String,
    /// The environment name.
    pub env_var: String,
}

/// What was done.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// `true`; a failure is an error.
    pub success: bool,
    /// In words.
    pub message: String,
    /// Whether the value came from this process's own environment.
    pub imported: bool,
    /// What to know about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

pub(super) fn run(services: &Services, input: Input) -> Result<Outcome> {
    let Input { session, provider, env_var } = input;
    name::check(&env_var)?;
    let session = target::logged_in_or_not(services, session)?;
    let custody = services.credentials.custody();
    let holder = custody.holder(&session)?;
    let stored = custody.any(&session, &holder, &provider).is_some();
    let import = if stored { None } else { Some(importable(services, &provider, &env_var)?) };
    let changed = services.bindings.set(&session, &provider, &env_var)?;
    let imported = import.is_some();
    if let Some(value) = import {
        let credential = Credential { value: value.into(), ask: None, expires_at: None };
        custody.keep(&session, &holder, &provider, credential)?;
    }

    let source = if imported { ", with the value of the gateway's own variable" } else { "" };
    let instead = match changed.before {
        Some(before) if before != env_var => format!(", in place of {before}"),
        _ => String::new(),
    };
    let mut warnings: Vec<_> = changed.problem.iter().map(ToString::to_string).collect();
    if name::is_host_blocked(&env_var) {
        warnings
            .push(format!("newer OpenClaw hosts refuse exec calls that set {env_var}; there it is left out"));
    }
    let message = format!("{provider} is bound to {env_var}{instead}{source}");
    Ok(Outcome { success: true, message, imported, warnings })
}

/// The value of this process's own variable, if it may be imported and there is one.
fn importable<'a>(services: &'a Services, provider: &str, env_var: &str) -> Result<&'a str> {
    let imports = &services.imports;
    name::check_import(env_var, &imports.allowed, &imports.referred)?;
    imports.env.get(env_var).ok_or_else(|| {
        let message = format!(
            "this session has no credential of {provider:?}, and the gateway has no variable {env_var}"
        );
        Error::new(Code::NotFound, message).with_hint("fetch the credential first, with identity_fetch")
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, key};
    use super::*;
    use crate::credential::desk::Order;
    use crate::credential::flow::Flow;
    use crate::session::key::MAIN;

    fn bind(bench: &Bench, provider: &str, env_var: &str) -> Result<Outcome> {
        run(&bench.services, Input { session: None, provider: provider.into(), env_var: env_var.into() })
    }

    fn env(bench: &Bench) -> Vec<(String, String)> {
        let injection = bench.services.injection(&key(MAIN), false).unwrap();
        injection.expose().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn a_fetched_credential_is_bound_and_another_name_replaces_the_first() {
        let bench = Bench::new();
        bench.log_in(MAIN, "ann");
        let order = Order { provider: "openai".into(), flow: Some(Flow::ApiKey), ..Order::default() };
        bench.services.credentials.fetch(&key(MAIN), order).unwrap();
        // A hosted credential may have a model's name, only imports of it are fenced.
        let outcome = bind(&bench, "openai", "OPENAI_API_KEY").unwrap();
        assert!(outcome.success && !outcome.imported && outcome.warnings.is_empty());
        let outcome = bind(&bench, "openai", "GITHUB_TOKEN").unwrap();
        assert_eq!(outcome.message, "openai is bound to GITHUB_TOKEN, in place of OPENAI_API_KEY");
        assert!(outcome.warnings[0].contains("hosts refuse"));
        assert!(!serde_json::to_string(&outcome).unwrap().contains("openai-of"));
        assert_eq!(env(&bench), [("GITHUB_TOKEN".into(), "openai-of-tip-1-1".into())]);
    }

    #[test]
    fn without_a_credential_the_gateways_variable_is_imported_within_the_fences() {
        for logged_in in [false, true] {
            let mut bench = Bench::new();
            bench.services.imports.env =
                [("SLACK_TOKEN", "slack-canary"), ("OPENAI_API_KEY", "model-canary"), ("MY_KEY", "k")]
                    .into_iter()
                    .collect();
            bench.services.imports.referred = vec!["MY_KEY".into()];
            if logged_in {
                bench.log_in(MAIN, "ann");
            }
            let outcome = bind(&bench, "slack", "SLACK_TOKEN").unwrap();
            assert!(outcome.imported);
            assert!(!serde_json::to_string(&outcome).unwrap().contains("canary"));
            assert_eq!(env(&bench), [("SLACK_TOKEN".into(), "slack-canary".into())]);
            for name in ["OPENAI_API_KEY", "MY_KEY"] {
                assert_eq!(bind(&bench, "p", name).unwrap_err().code(), Code::Forbidden, "{name}");
            }
            bench.services.imports.allowed = vec!["OPENAI_API_KEY".into()];
            assert!(bind(&bench, "p", "OPENAI_API_KEY").unwrap().imported);
            let unset = bind(&bench, "q", "UNSET").unwrap_err();
            assert!(unset.hint().unwrap().contains("fetch the credential first"));
            // What came in goes with the logout, whoever was logged in or not.
            super::super::logout::run(&bench.services, None).unwrap();
            assert!(env(&bench).is_empty());
        }
    }

    #[test]
    fn a_refused_name_changes_nothing() {
        let bench = Bench::new();
        for name in ["LD_PRELOAD", "path", "a-b", "1"] {
            assert_eq!(bind(&bench, "p", name).unwrap_err().code(), Code::InvalidRequest, "{name}");
        }
        assert!(bench.services.bindings.of(&key(MAIN)).unwrap().is_empty());
    }
}
