//! Temporary keys of a cloud role.

use serde::Serialize;

use crate::base::error::Result;
use crate::base::secret::{REDACTED, Secret};
use crate::base::time::Timestamp;
use crate::credential::hosted::{IdentitySource, RoleKeys};
use crate::session::key::SessionKey;

use super::tool::{Kind, Param, Tool};
use super::{Action, Services, target};

/// Letters of an access key id that a masked one shows: its kind.
const SHOWN_OF_ID: usize = 4;

/// The tool.
pub const TOOL: Tool = Tool {
    name: "identity_get_role_credentials",
    about: "Gets temporary cloud keys (STS) of a role provider, masked unless showSecrets is true.",
    call_when: &["get role credentials", "give me STS keys", "获取角色临时密钥"],
    params: &[
        Param {
            name: "providerName",
            kind: Kind::Text,
            required: true,
            about: "Name of the role provider, from identity_list_roles.",
        },
        Param {
            name: "useTip",
            kind: Kind::Flag,
            required: false,
            about: "Whether to ask with the workload token in place of the person's own.",
        },
        Param {
            name: "showSecrets",
            kind: Kind::Flag,
            required: false,
            about: "Whether the result holds the keys themselves. Only when the person asks for that.",
        },
    ],
    needs_login: true,
    read: |params, session| {
        Ok(Action::RoleCredentials(Input {
            session,
            provider: params.required("providerName").to_owned(),
            use_tip: params.flag("useTip"),
            show_secrets: params.flag("showSecrets"),
        }))
    },
};

/// Which keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// For whom.
    pub session: Option<SessionKey>,
    /// The role provider.
    pub provider: String,
    /// Whether to ask with the workload token even if the provider does not say that it wants one.
    pub use_tip: bool,
    /// Whether the outcome holds the keys themselves.
    pub show_secrets: bool,
}

/// The keys, masked or not.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// The role provider.
    pub provider: String,
    /// Whether the keys are masked.
    pub masked: bool,
    /// The keys.
    #[serde(flatten)]
    pub keys: Shown,
    /// When they end.
    pub expiration: Timestamp,
    /// What to do to see them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<&'static str>,
}

/// The keys as the caller sees them. Debug output is masked whatever they are.
#[derive(Debug)]
pub enum Shown {
    /// Without their secrets.
    Masked(RoleKeys),
    /// As they are.
    Raw(RoleKeys),
}

/// The one place where role keys are written out: the caller asked for `showSecrets`.
impl Serialize for Shown {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Keys<'a> {
            access_key_id: &'a str,
            secret_access_key: &'a str,
            session_token: &'a str,
        }
        let masked: String;
        match self {
            Self::Raw(keys) => Keys {
                access_key_id: &keys.access_key_id,
                secret_access_key: keys.secret_access_key.expose(),
                session_token: keys.session_token.expose(),
            },
            Self::Masked(keys) => {
                let begin: String = keys.access_key_id.chars().take(SHOWN_OF_ID).collect();
                masked = format!("{begin}…");
                Keys { access_key_id: &masked, secret_access_key: REDACTED, session_token: REDACTED }
            }
        }
        .serialize(serializer)
    }
}

pub(super) fn run(services: &Services, input: Input) -> Result<Outcome> {
    let session = target::existing(services, input.session)?;
    let provider = input.provider;
    let keys = keys(services, &session, &provider, input.use_tip)?;
    let masked = !input.show_secrets;
    let expiration = keys.expires_at;
    let keys = if masked { Shown::Masked(keys) } else { Shown::Raw(keys) };
    let hint = masked
        .then_some("the keys are masked; ask with showSecrets true (/identity: --show-secrets) to see them");
    Ok(Outcome { provider, masked, keys, expiration, hint })
}

/// The keys that a role provider gives to a session: for the workload token when `use_tip` or the provider wants it, else
/// for the person's own.
pub(super) fn keys(
    services: &Services,
    session: &SessionKey,
    provider: &str,
    use_tip: bool,
) -> Result<RoleKeys> {
    let hosted = services.credentials.hosted();
    // A provider of an agent pool takes nothing but workload tokens.
    let wants_tip = || -> Result<bool> {
        let listed = hosted.role_providers(Some(provider))?;
        let source =
            listed.into_iter().find(|role| role.name == provider).and_then(|role| role.identity_source);
        Ok(source == Some(IdentitySource::AgentPool))
    };
    let identity: Secret = if use_tip || wants_tip()? {
        services.broker.get(session)?.token.clone()
    } else {
        services.users.fresh(session)?.user_token.clone()
    };
    hosted.role_credentials(&identity, provider)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::testing::Bench;
    use super::*;
    use crate::base::error::Code;
    use crate::session::key::MAIN;

    fn keys(bench: &Bench, provider: &str, use_tip: bool, show_secrets: bool) -> Result<Value> {
        let input = Input { session: None, provider: provider.into(), use_tip, show_secrets };
        let outcome = run(&bench.services, input)?;
        assert!(!format!("{outcome:?}").contains("canary"));
        Ok(serde_json::to_value(outcome).unwrap())
    }

    #[test]
    fn keys_are_masked_unless_asked_for_and_the_result_says_how() {
        let bench = Bench::new();
        bench.log_in(MAIN, "ann");
        let masked = keys(&bench, "ecs-readonly", false, false).unwrap();
        assert!(!masked.to_string().contains("canary") && !masked.to_string().contains("AKTPexample"));
        assert_eq!((&masked["accessKeyId"], &masked["masked"]), (&"AKTP…".into(), &true.into()));
        assert!(masked["hint"].as_str().unwrap().contains("showSecrets"));
        assert_eq!(masked["expiration"], "2026-01-15T09:00:00Z");
        let raw = keys(&bench, "ecs-readonly", false, true).unwrap();
        assert_eq!(raw["secretAccessKey"], "role-secret-canary");
        assert_eq!(raw["sessionToken"], "role-session-canary");
        assert!(raw.get("hint").is_none());
    }

    #[test]
    fn the_identity_is_the_persons_unless_the_provider_or_the_caller_wants_the_agents() {
        let bench = Bench::new();
        assert_eq!(keys(&bench, "plain", true, false).unwrap_err().code(), Code::NotLoggedIn);
        assert!(bench.hosted.asked().is_empty());
        bench.log_in(MAIN, "ann");
        for (provider, use_tip, identity) in [
            ("ecs-readonly", false, "user-token-of-ann"),
            ("plain", false, "user-token-of-ann"),
            ("unlisted", false, "user-token-of-ann"),
            ("agents-role", false, "tip-1"),
            ("ecs-readonly", true, "tip-1"),
        ] {
            keys(&bench, provider, use_tip, false).unwrap();
            let asked = bench.hosted.asked().pop().unwrap();
            assert_eq!(asked, format!("role {provider} as {identity}"));
        }
        assert_eq!(keys(&bench, "nobodys", false, false).unwrap_err().code(), Code::CloudRefused);
    }
}
