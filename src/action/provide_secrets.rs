//! Secrets for the host's references: what its exec provider, our own program, asks the running server for.

use serde::Serialize;

use crate::base::error::{Code, Error, Result};
use crate::base::log;
use crate::base::secret::Secret;
use crate::credential::hosted::RoleKeys;
use crate::credential::provide::{Provided, Sessions, provide};
use crate::session::key::SessionKey;

use super::{Services, role_credentials, target};

/// Which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// At most [`crate::credential::provide::MAX_IDS`] ids, see [`crate::credential::reference`].
    pub ids: Vec<String>,
}

/// The response of the exec provider protocol.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Outcome(pub Provided);

pub(super) fn run(services: &Services, input: &Input) -> Outcome {
    let provided = provide(&input.ids, &services.own, services);
    services.counters.count_credentials(provided.secrets());
    // Newer hosts hide why, and all of them drop what the program says on standard error.
    for (id, error) in provided.failures() {
        log::warn("a secret could not be provided", &[("id", &id), ("error", error)]);
    }
    Outcome(provided)
}

impl Sessions for Services {
    fn api_key(&self, session: &SessionKey, provider: &str) -> Result<Secret> {
        self.credential(session, provider, "api_key")
    }

    fn oauth2(&self, session: &SessionKey, provider: &str) -> Result<Secret> {
        self.credential(session, provider, "oauth2")
    }

    fn role_keys(&self, session: &SessionKey, provider: &str) -> Result<RoleKeys> {
        let session = target::existing(self, Some(session.clone()))?;
        role_credentials::keys(self, &session, provider, false)
    }
}

impl Services {
    fn credential(&self, session: &SessionKey, provider: &str, kind: &str) -> Result<Secret> {
        let session = target::existing(self, Some(session.clone()))?;
        let credential = self.credentials.at_hand(&session, provider)?;
        match credential.kind() == kind {
            true => Ok(credential.value.clone()),
            false => Err(Error::new(Code::NotFound, format!("provider {provider:?} is not of type {kind}"))
                .with_hint("begin the id with apikey/ for an API key, with oauth2/ for a token")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::Bench;
    use super::*;
    use crate::session::key::MAIN;

    fn answer(bench: &Bench, ids: &[&str]) -> Value {
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        let outcome = run(&bench.services, &Input { ids });
        assert!(!format!("{outcome:?}").contains("-of-"));
        serde_json::to_value(outcome).unwrap()
    }

    fn code<'a>(answer: &'a Value, id: &str) -> &'a str {
        assert!(answer["values"].get(id).is_none(), "{answer}");
        answer["errors"][id]["code"].as_str().unwrap()
    }

    #[test]
    fn the_workloads_own_need_nobody_and_a_sessions_need_its_login() {
        let bench = Bench::new();
        let ids = ["apikey/openai", "session/main/apikey/openai", "session/agent:x:y/oauth2/google"];
        let nobody = answer(&bench, &ids);
        assert_eq!(nobody["values"], json!({ "apikey/openai": "openai-of-own-1" }));
        assert_eq!((code(&nobody, ids[1]), code(&nobody, ids[2])), ("NOT_FOUND", "NOT_FOUND"));
        bench.log_in(MAIN, "ann");
        bench.hosted.consent("google");
        let of_ann = answer(&bench, &["session/main/apikey/openai", "session/main/oauth2/google"]);
        assert_eq!(of_ann["errors"], json!({}));
        assert!(
            of_ann["values"]["session/main/oauth2/google"].as_str().unwrap().starts_with("google-of-tip-1")
        );
        assert_eq!(bench.services.counters.credentials(), 3);
    }

    #[test]
    fn a_consent_that_is_missing_or_a_wrong_kind_is_an_error_of_that_id_alone() {
        let bench = Bench::new();
        bench.log_in(MAIN, "ann");
        let ids = ["session/main/oauth2/google", "session/main/oauth2/openai", "session/main/apikey/openai"];
        let answer = answer(&bench, &ids);
        assert_eq!((code(&answer, ids[0]), code(&answer, ids[1])), ("NOT_FOUND", "NOT_FOUND"));
        assert!(answer["errors"][ids[1]]["message"].as_str().unwrap().contains("is not of type oauth2"));
        assert!(answer["values"][ids[2]].is_string());
    }

    #[test]
    fn who_is_meant_must_be_clear_where_several_are_logged_in() {
        let bench = Bench::new();
        bench.log_in("agent:main:main:user:ann", "ann");
        assert!(answer(&bench, &["session/main/apikey/openai"])["errors"] == json!({}));
        bench.log_in("agent:main:main:user:bob", "bob");
        let id = "session/main/apikey/openai";
        assert_eq!(code(&answer(&bench, &[id]), id), "AMBIGUOUS_DUPLICATE_KEY");
    }

    #[test]
    fn a_roles_keys_are_given_field_by_field() {
        let bench = Bench::new();
        bench.log_in(MAIN, "ann");
        let ids = ["role/agents-role/accessKeyId", "session/main/role/ecs-readonly/secretAccessKey"];
        let answer = answer(&bench, &ids);
        assert_eq!(answer["values"], json!({ ids[0]: "AKTPexample", ids[1]: "role-secret-canary" }));
        let asked = bench.hosted.asked();
        assert!(asked.contains(&"role agents-role as own".to_owned()), "{asked:?}");
        assert!(asked.contains(&"role ecs-readonly as user-token-of-ann".to_owned()), "{asked:?}");
    }
}
