//! API keys and stored credentials of users and agents for other services.
//!
//! All of them are secrets and nothing here keeps any. The pool of a workload is `PoolName` in these actions.

use serde::{Deserialize, Serialize};

use super::call::Action;
use super::client::Client;
use super::envelope::{CallError, empty};
use super::wire;
use crate::base::secret::Secret;
use crate::base::time::Timestamp;
use crate::net::exchange::Repeat;

const GET_API_KEY: Action = Action::id("GetResourceApiKey");
const GET_USER_CREDENTIAL: Action = Action::id("GetUserCredential");

/// For whom a credential is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// A workload token (TIP), or the user's own token where a provider wants that.
    pub identity_token: &'a Secret,
    /// The workload pool.
    pub pool: Option<&'a str>,
}

/// An API key and where it goes.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// The key.
    pub key: Secret,
    /// Places in a request that it may be put in; often none is given.
    pub placements: Vec<Placement>,
}

/// A place for an API key in a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Placement {
    /// The part of the request, e.g. `header`.
    #[serde(deserialize_with = "wire::text")]
    pub location: Option<String>,
    /// The name there, e.g. `Authorization`.
    #[serde(deserialize_with = "wire::text")]
    pub parameter_name: Option<String>,
    /// What stands before the key, e.g. `Bearer ` with its space.
    #[serde(deserialize_with = "wire::text")]
    pub prefix: Option<String>,
}

/// A credential that a user has stored.
#[derive(Clone, Debug)]
pub struct UserCredential {
    /// Its id.
    pub id: String,
    /// The credential, in whatever form it was stored.
    pub data: Secret,
    /// When it was stored.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

impl Client {
    /// `GetResourceApiKey`.
    ///
    /// # Errors
    /// As [`Client::call`]; `CloudInvalid` when the answer has no key.
    pub fn get_resource_api_key(&self, caller: Caller<'_>, provider: &str) -> Result<ApiKey, CallError> {
        let body = ApiKeyBody {
            provider_name: provider,
            identity_token: caller.identity_token.expose(),
            pool_name: caller.pool,
        };
        let answer: ApiKeyAnswer = self.call(GET_API_KEY, &body, Repeat::Safe)?;
        let key = answer.api_key.ok_or_else(|| empty(GET_API_KEY.name, "ApiKey"))?;
        Ok(ApiKey { key, placements: answer.api_key_metadata })
    }

    /// `GetUserCredential`.
    ///
    /// # Errors
    /// As [`Client::call`]; `CloudInvalid` when the answer has no data.
    pub fn get_user_credential(&self, caller: Caller<'_>, id: &str) -> Result<UserCredential, CallError> {
        let body = UserCredentialBody {
            credential_id: id,
            identity_token: caller.identity_token.expose(),
            pool_name: caller.pool,
        };
        let answer: UserCredentialAnswer = self.call(GET_USER_CREDENTIAL, &body, Repeat::Safe)?;
        let data = answer.credential_data.ok_or_else(|| empty(GET_USER_CREDENTIAL.name, "CredentialData"))?;
        Ok(UserCredential {
            id: answer.credential_id.unwrap_or_else(|| id.to_owned()),
            data,
            created_at: answer.created_at,
            updated_at: answer.updated_at,
        })
    }
}

// Bodies borrow what is secret and are written into a buffer that is wiped.

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ApiKeyBody<'a> {
    provider_name: &'a str,
    identity_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pool_name: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ApiKeyAnswer {
    #[serde(default, deserialize_with = "wire::secret")]
    api_key: Option<Secret>,
    #[serde(default, deserialize_with = "wire::list")]
    api_key_metadata: Vec<Placement>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct UserCredentialBody<'a> {
    credential_id: &'a str,
    identity_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pool_name: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UserCredentialAnswer {
    #[serde(default, deserialize_with = "wire::text")]
    credential_id: Option<String>,
    #[serde(default, deserialize_with = "wire::secret")]
    credential_data: Option<Secret>,
    #[serde(default, deserialize_with = "wire::date")]
    created_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "wire::date")]
    updated_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base::error::{Code, Error};
    use crate::volc::testing::{exchanged, golden, refusal, result};

    fn tip() -> Secret {
        Secret::from("tip.jwt")
    }

    fn caller(token: &Secret) -> Caller<'_> {
        Caller { identity_token: token, pool: Some("default") }
    }

    #[test]
    fn an_api_key_comes_with_its_places_in_any_form() {
        let tip = tip();
        let body = json!({ "ProviderName": "openai", "IdentityToken": "tip.jwt", "PoolName": "default" });
        let place = json!({ "Location": "header", "ParameterName": "Authorization", "Prefix": "Bearer " });
        for (metadata, places) in [
            (json!([place]), 1),
            (place.clone(), 1),
            (json!([place, { "Location": "query", "ParameterName": "key", "Prefix": null }]), 2),
            (json!([]), 0),
            (json!(null), 0),
        ] {
            let answer = json!({ "ApiKey": "sk-example", "ApiKeyMetadata": metadata });
            let key = golden("GetResourceApiKey", &body, &answer, |client| {
                client.get_resource_api_key(caller(&tip), "openai")
            })
            .unwrap();
            assert_eq!((key.key.expose().as_str(), key.placements.len()), ("sk-example", places), "{answer}");
            assert!(key.placements.first().is_none_or(|place| place.prefix.as_deref() == Some("Bearer ")));
        }
        for answer in [json!({}), json!({ "ApiKey": "" }), json!({ "ApiKey": null })] {
            let (outcome, _) =
                exchanged([result(&answer)], |client| client.get_resource_api_key(caller(&tip), "openai"));
            assert_eq!(Error::from(outcome.unwrap_err()).code(), Code::CloudInvalid, "{answer}");
        }
    }

    #[test]
    fn a_user_credential_is_opaque_and_its_dates_do_not_matter() {
        let tip = tip();
        let body = json!({ "CredentialId": "cred-1", "IdentityToken": "tip.jwt", "PoolName": "default" });
        for (created, read) in [
            ("2026-01-15T07:00:00Z", Some("2026-01-15T07:00:00Z")),
            ("2026-01-15T15:00:00+08:00", Some("2026-01-15T07:00:00Z")),
            ("yesterday", None),
        ] {
            let answer = json!({ "CredentialId": "cred-1", "CredentialData": "{\"token\":\"x\"}", "CreatedAt": created });
            let credential = golden("GetUserCredential", &body, &answer, |client| {
                client.get_user_credential(caller(&tip), "cred-1")
            })
            .unwrap();
            assert_eq!(credential.data.expose(), "{\"token\":\"x\"}");
            assert_eq!(credential.created_at.map(|date| date.to_string()).as_deref(), read);
        }
        let (outcome, _) = exchanged([result(&json!({ "CredentialId": "cred-1" }))], |client| {
            client.get_user_credential(caller(&tip), "cred-1")
        });
        assert_eq!(Error::from(outcome.unwrap_err()).code(), Code::CloudInvalid);
        let (outcome, _) = exchanged([refusal(404, "NotFound")], |client| {
            client.get_user_credential(caller(&tip), "cred-1")
        });
        assert_eq!(outcome.unwrap_err().class(), Some(crate::volc::envelope::Class::NotFound));
    }
}
