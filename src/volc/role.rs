//! Role providers: temporary keys of cloud roles for users and agents.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::call::Action;
use super::client::Client;
use super::envelope::CallError;
use super::paging::{self, PAGE_SIZE, Page};
use super::resource::Caller;
use super::temporary::TemporaryKeys;
use super::wire;
use crate::base::time::Timestamp;
use crate::net::exchange::Repeat;

const GET: Action = Action::id("GetRoleCredentials");
const LIST: Action = Action::id("ListRoleCredentialProviders");

/// What keys are asked for with.
#[derive(Clone, Copy, Debug, Default)]
pub struct RoleRequest<'a> {
    /// The role provider.
    pub provider: &'a str,
    /// The role, for providers whose role comes from the request.
    pub role_trn: Option<&'a str>,
    /// The name of the session in the cloud's audit log.
    pub session_name: Option<&'a str>,
    /// Lifetime to ask for, in seconds; sent as it is.
    pub duration_seconds: Option<u64>,
    /// Whether to say whose token was accepted ([`OidcToken`]).
    pub with_oidc: bool,
}

/// A role's keys.
#[derive(Clone, Debug)]
pub struct RoleCredentials {
    /// The keys.
    pub keys: TemporaryKeys,
    /// The role's session.
    pub assumed: Option<AssumedRole>,
    /// Whose token was accepted, where that was asked for.
    pub oidc: Option<OidcToken>,
}

/// The session of an assumed role.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AssumedRole {
    /// Its resource name.
    #[serde(default, deserialize_with = "wire::text")]
    pub trn: Option<String>,
    /// Its id, which ends in the session's name.
    #[serde(rename = "AssumedRoleId", default, deserialize_with = "wire::text")]
    pub id: Option<String>,
}

/// The token that the keys were given for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct OidcToken {
    /// Who issued it.
    #[serde(default, deserialize_with = "wire::text")]
    pub issuer: Option<String>,
    /// Whom it names.
    #[serde(default, deserialize_with = "wire::text")]
    pub subject: Option<String>,
    /// Its audience.
    #[serde(default, deserialize_with = "wire::list")]
    pub client_ids: Vec<String>,
    /// When it was issued.
    #[serde(rename = "IssuanceTime", default, deserialize_with = "wire::date")]
    pub issued_at: Option<Timestamp>,
    /// When it ends.
    #[serde(rename = "ExpirationTime", default, deserialize_with = "wire::date")]
    pub expires_at: Option<Timestamp>,
}

/// A role provider.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RoleProvider {
    /// Its name.
    pub name: String,
    /// Its id.
    #[serde(rename = "CredentialProviderId", default, deserialize_with = "wire::text")]
    pub id: Option<String>,
    /// Its resource name.
    #[serde(rename = "CredentialProviderTrn", default, deserialize_with = "wire::text")]
    pub trn: Option<String>,
    /// The workload pool.
    #[serde(default, deserialize_with = "wire::text")]
    pub pool_name: Option<String>,
    /// The project.
    #[serde(default, deserialize_with = "wire::text")]
    pub project_name: Option<String>,
    /// The preset that it was made from.
    pub vendor: Option<u64>,
    /// Whom it serves and which roles it has.
    #[serde(default)]
    pub config: Option<RoleConfig>,
    /// When it was made.
    #[serde(default, deserialize_with = "wire::date")]
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    #[serde(default, deserialize_with = "wire::date")]
    pub updated_at: Option<Timestamp>,
}

/// How a role provider is set up.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RoleConfig {
    /// A remark.
    #[serde(deserialize_with = "wire::text")]
    pub metadata: Option<String>,
    /// Whose tokens it takes.
    pub identity_pool: Option<IdentityPool>,
    /// Which role it gives: `FromRole`, `FromRequest` or `FromRule`, as the service writes it.
    pub role_mapping: Option<Value>,
}

/// Whose tokens a role provider takes: one of the two.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct IdentityPool {
    /// Workload tokens of this pool.
    pub agent_pool: Option<AgentPool>,
    /// User tokens of this pool.
    pub user_pool: Option<UserPool>,
}

/// A workload pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AgentPool {
    /// Its name.
    #[serde(deserialize_with = "wire::text")]
    pub pool_name: Option<String>,
}

/// A user pool and the client whose tokens count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct UserPool {
    /// The pool's uid.
    #[serde(deserialize_with = "wire::text")]
    pub pool_id: Option<String>,
    /// The pool's name.
    #[serde(deserialize_with = "wire::text")]
    pub pool_name: Option<String>,
    /// The client's uid.
    #[serde(deserialize_with = "wire::text")]
    pub client_id: Option<String>,
    /// The client's name.
    #[serde(deserialize_with = "wire::text")]
    pub client_name: Option<String>,
}

/// Which token a role provider wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentitySource {
    /// A workload token.
    AgentPool,
    /// The user's own token.
    UserPool,
}

/// What to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RoleFilter<'a> {
    /// The name, or how it begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// The workload pool; this action has it here and nowhere else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool_name: Option<&'a str>,
    /// The project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_name: Option<&'a str>,
    /// The provider's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_provider_id: Option<&'a str>,
    /// The preset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<u64>,
}

impl RoleProvider {
    /// Which token it wants; `None` when it does not say.
    #[must_use]
    pub fn identity_source(&self) -> Option<IdentitySource> {
        let pool = self.config.as_ref()?.identity_pool.as_ref()?;
        match (&pool.agent_pool, &pool.user_pool) {
            (Some(_), _) => Some(IdentitySource::AgentPool),
            (None, Some(_)) => Some(IdentitySource::UserPool),
            (None, None) => None,
        }
    }

    /// Whether people of that user pool can use it. Providers of a workload pool serve the people of every user pool. The
    /// service has no such filter.
    #[must_use]
    pub fn serves_user_pool(&self, name: &str) -> bool {
        let pool = self.config.as_ref().and_then(|config| config.identity_pool.as_ref());
        let user_pool =
            pool.filter(|pool| pool.agent_pool.is_none()).and_then(|pool| pool.user_pool.as_ref());
        user_pool.is_none_or(|pool| pool.pool_name.as_deref() == Some(name))
    }
}

impl Client {
    /// `GetRoleCredentials`.
    ///
    /// # Errors
    /// As [`Client::call`]; `CloudInvalid` when a part of the keys is missing.
    pub fn get_role_credentials(
        &self,
        caller: Caller<'_>,
        request: &RoleRequest<'_>,
    ) -> Result<RoleCredentials, CallError> {
        let body = Body {
            provider_name: request.provider,
            identity_token: caller.identity_token.expose(),
            pool_name: caller.pool,
            requested_role_trn: request.role_trn,
            role_session_name: request.session_name,
            duration_seconds: request.duration_seconds,
            with_oidc: request.with_oidc.then_some(true),
        };
        let answer: Answer = self.call(GET, &body, Repeat::Safe)?;
        let Inner { credentials, assumed_role_user, oidc_token_info } = answer.0;
        Ok(RoleCredentials { keys: credentials, assumed: assumed_role_user, oidc: oidc_token_info })
    }

    /// One page of `ListRoleCredentialProviders`, of `size` items, counted from 1, as the service gives it.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn list_role_credential_providers(
        &self,
        filter: &RoleFilter<'_>,
        page: u32,
        size: u32,
    ) -> Result<Page<RoleProvider>, CallError> {
        let filter = Some(*filter).filter(|filter| *filter != RoleFilter::default());
        let body = ListBody { page_number: page, page_size: size, filter };
        let answer: ListAnswer = self.call(LIST, &body, Repeat::Safe)?;
        Ok(wire::page(answer.role_credential_providers, answer.data, answer.total_count))
    }

    /// All role providers of a workload pool whose names begin with `prefix` and that serve the people of the user pool.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn role_providers(
        &self,
        pool: Option<&str>,
        prefix: Option<&str>,
        user_pool: Option<&str>,
    ) -> Result<Vec<RoleProvider>, CallError> {
        let filter = RoleFilter { name: prefix, pool_name: pool, ..RoleFilter::default() };
        let mut all = paging::all(|page| self.list_role_credential_providers(&filter, page, PAGE_SIZE))?;
        all.retain(|provider| {
            provider.name.starts_with(prefix.unwrap_or_default())
                && user_pool.is_none_or(|name| provider.serves_user_pool(name))
        });
        Ok(all)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    provider_name: &'a str,
    identity_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pool_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requested_role_trn: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_session_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_seconds: Option<u64>,
    #[serde(rename = "WithOIDC", skip_serializing_if = "Option::is_none")]
    with_oidc: Option<bool>,
}

/// The keys, bare or in the `VolcEngResponse` that the documents put around them.
struct Answer(Inner);

#[derive(Deserialize)]
struct Wrapped {
    #[serde(rename = "VolcEngResponse")]
    response: Option<Inner>,
    #[serde(rename = "Credentials")]
    credentials: Option<TemporaryKeys>,
    #[serde(rename = "AssumedRoleUser")]
    assumed_role_user: Option<AssumedRole>,
    #[serde(rename = "OIDCTokenInfo")]
    oidc_token_info: Option<OidcToken>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inner {
    credentials: TemporaryKeys,
    assumed_role_user: Option<AssumedRole>,
    #[serde(rename = "OIDCTokenInfo")]
    oidc_token_info: Option<OidcToken>,
}

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Wrapped { response, credentials, assumed_role_user, oidc_token_info } =
            Wrapped::deserialize(from)?;
        let bare =
            || credentials.map(|credentials| Inner { credentials, assumed_role_user, oidc_token_info });
        response.or_else(bare).map(Self).ok_or_else(|| D::Error::missing_field("VolcEngResponse"))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListBody<'a> {
    page_number: u32,
    page_size: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<RoleFilter<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListAnswer {
    role_credential_providers: Option<Vec<RoleProvider>>,
    data: Option<Vec<RoleProvider>>,
    total_count: Option<u64>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base::error::{Code, Error};
    use crate::base::secret::Secret;
    use crate::volc::testing::{exchanged, golden, result};

    fn keys(end: &str) -> Value {
        json!({
            "AccessKeyId": "AKTPexample", "SecretAccessKey": "canary", "SessionToken": "canary",
            "CurrentTime": "2026-01-15T15:00:00+08:00", end: "2026-01-15T16:00:00+08:00",
        })
    }

    fn got(answer: &Value) -> Result<RoleCredentials, CallError> {
        let token = Secret::from("user.jwt");
        let caller = Caller { identity_token: &token, pool: Some("default") };
        let request = RoleRequest { provider: "ecs-readonly", ..RoleRequest::default() };
        let body =
            json!({ "ProviderName": "ecs-readonly", "IdentityToken": "user.jwt", "PoolName": "default" });
        golden("GetRoleCredentials", &body, answer, |client| client.get_role_credentials(caller, &request))
    }

    #[test]
    fn the_request_has_the_documented_names() {
        let token = Secret::from("tip.jwt");
        let caller = Caller { identity_token: &token, pool: None };
        let request = RoleRequest {
            provider: "p",
            role_trn: Some("trn:iam::1:role/R"),
            session_name: Some("openclaw"),
            duration_seconds: Some(900),
            with_oidc: true,
        };
        let body = json!({
            "ProviderName": "p", "IdentityToken": "tip.jwt", "RequestedRoleTrn": "trn:iam::1:role/R",
            "RoleSessionName": "openclaw", "DurationSeconds": 900, "WithOIDC": true,
        });
        let oidc = json!({
            "Issuer": "https://pool.example", "Subject": "u-1", "ClientIds": ["c"],
            "IssuanceTime": "2026-01-15T15:00:00+08:00", "ExpirationTime": "",
        });
        let answer =
            json!({ "VolcEngResponse": { "Credentials": keys("Expiration"), "OIDCTokenInfo": oidc } });
        let credentials = golden("GetRoleCredentials", &body, &answer, |client| {
            client.get_role_credentials(caller, &request)
        });
        let oidc = credentials.unwrap().oidc.unwrap();
        assert_eq!(
            (oidc.subject.as_deref(), oidc.client_ids.as_slice()),
            (Some("u-1"), ["c".to_owned()].as_slice())
        );
        assert_eq!(oidc.issued_at.unwrap().to_string(), "2026-01-15T07:00:00Z");
        assert_eq!(oidc.expires_at, None);
    }

    #[test]
    fn keys_come_wrapped_or_bare_with_either_name_of_their_end() {
        let assumed =
            json!({ "Trn": "trn:sts::1:assumed-role/R/openclaw", "AssumedRoleId": "1000:openclaw" });
        for end in ["Expiration", "ExpiredTime"] {
            let inner = json!({ "Credentials": keys(end), "AssumedRoleUser": assumed });
            for answer in [json!({ "VolcEngResponse": inner }), inner.clone()] {
                let credentials = got(&answer).unwrap();
                assert_eq!(credentials.keys.access_key_id, "AKTPexample");
                assert_eq!(credentials.keys.expires_at.to_string(), "2026-01-15T08:00:00Z", "{answer}");
                assert_eq!(credentials.assumed.as_ref().unwrap().id.as_deref(), Some("1000:openclaw"));
                assert!(!format!("{credentials:?}").contains("canary"));
            }
        }
    }

    #[test]
    fn an_incomplete_answer_names_what_is_missing() {
        let without = |name: &str| {
            let mut keys = keys("Expiration");
            keys.as_object_mut().unwrap().remove(name);
            json!({ "Credentials": keys })
        };
        for (answer, missing) in [
            (json!({}), "VolcEngResponse"),
            (json!({ "VolcEngResponse": null }), "VolcEngResponse"),
            (without("AccessKeyId"), "AccessKeyId"),
            (without("SecretAccessKey"), "SecretAccessKey"),
            (without("SessionToken"), "SessionToken"),
            (without("Expiration"), "ExpiredTime"),
            (json!({ "VolcEngResponse": {} }), "Credentials"),
        ] {
            let error = Error::from(got(&answer).unwrap_err());
            assert_eq!(error.code(), Code::CloudInvalid);
            assert!(
                error.message().contains(missing) && error.message().contains("request id R"),
                "{error:?}"
            );
        }
    }

    fn provider(name: &str, identity_pool: &Value) -> Value {
        json!({
            "Name": name, "CredentialProviderId": "rcp-1", "PoolName": "default", "Vendor": 0,
            "Config": {
                "IdentityPool": identity_pool,
                "RoleMapping": { "FromRole": { "RoleName": "EcsReadonly", "PolicyTemplate": "t" } },
            },
            "CreatedAt": "2026-01-15T07:00:00Z",
        })
    }

    fn of_users(pool: &str) -> Value {
        json!({ "UserPool": { "PoolId": "up-1", "PoolName": pool, "ClientId": "c", "ClientName": "openclaw" } })
    }

    #[test]
    fn providers_are_listed_with_the_pool_in_the_filter() {
        let body = json!({
            "PageNumber": 1, "PageSize": 50,
            "Filter": { "Name": "ecs", "PoolName": "default", "ProjectName": "p", "CredentialProviderId": "rcp-1",
                "Vendor": 0 },
        });
        let filter = RoleFilter {
            name: Some("ecs"),
            pool_name: Some("default"),
            project_name: Some("p"),
            credential_provider_id: Some("rcp-1"),
            vendor: Some(0),
        };
        for key in ["RoleCredentialProviders", "Data"] {
            let answer = json!({ key: [provider("ecs", &of_users("mine"))], "TotalCount": 1 });
            let page = golden("ListRoleCredentialProviders", &body, &answer, |client| {
                client.list_role_credential_providers(&filter, 1, 50)
            })
            .unwrap();
            let config = page.items[0].config.as_ref().unwrap();
            assert_eq!(config.role_mapping.as_ref().unwrap()["FromRole"]["RoleName"], "EcsReadonly");
        }
        let bare = json!({ "PageNumber": 1, "PageSize": 50 });
        golden("ListRoleCredentialProviders", &bare, &json!({}), |client| {
            client.list_role_credential_providers(&RoleFilter::default(), 1, 50)
        })
        .unwrap();
    }

    #[test]
    fn providers_of_other_user_pools_are_left_out() {
        let of_agents = json!({ "AgentPool": { "PoolName": "default" } });
        let listed = [
            provider("ecs-mine", &of_users("mine")),
            provider("ecs-theirs", &of_users("theirs")),
            provider("ecs-agents", &of_agents),
            provider("tos-mine", &of_users("mine")),
            json!({ "Name": "ecs-bare" }),
        ];
        for (prefix, user_pool, names) in [
            (Some("ecs"), Some("mine"), vec!["ecs-mine", "ecs-agents", "ecs-bare"]),
            (None, Some("theirs"), vec!["ecs-theirs", "ecs-agents", "ecs-bare"]),
            (Some("tos"), None, vec!["tos-mine"]),
        ] {
            let pages = listed.chunks(2).map(|items| {
                result(&json!({ "RoleCredentialProviders": items, "TotalCount": listed.len() }))
            });
            let (found, seen) =
                exchanged(pages, |client| client.role_providers(Some("default"), prefix, user_pool));
            let found: Vec<_> = found.unwrap().into_iter().map(|provider| provider.name).collect();
            assert_eq!(found, names);
            assert_eq!(seen.len(), 3, "every page is asked for");
            assert_eq!(seen[2].1["PageNumber"], 3);
        }
    }

    #[test]
    fn the_pool_of_a_provider_says_which_token_it_wants() {
        for (pool, source) in [
            (of_users("mine"), Some(IdentitySource::UserPool)),
            (json!({ "AgentPool": { "PoolName": "default" } }), Some(IdentitySource::AgentPool)),
            (json!({}), None),
        ] {
            let provider: RoleProvider = serde_json::from_value(provider("p", &pool)).unwrap();
            assert_eq!(provider.identity_source(), source, "{pool}");
        }
    }
}
