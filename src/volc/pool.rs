//! Workload pools and the identities in them, as they are read.

use serde::{Deserialize, Serialize};

use super::call::Action;
use super::client::Client;
use super::envelope::CallError;
use super::wire;
use crate::base::time::Timestamp;
use crate::net::exchange::Repeat;

const GET_IDENTITY: Action = Action::id("GetWorkloadIdentity");
const GET_POOL: Action = Action::id("GetWorkloadPool");

/// A workload identity.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct WorkloadIdentity {
    /// Its name, unique in the pool.
    pub name: String,
    /// The pool.
    #[serde(default, deserialize_with = "wire::text")]
    pub workload_pool_name: Option<String>,
    /// What it is, e.g. `Agent`.
    #[serde(default, deserialize_with = "wire::text")]
    pub category: Option<String>,
    /// In words.
    #[serde(default, deserialize_with = "wire::text")]
    pub description: Option<String>,
    /// Who made it; opaque.
    #[serde(default, deserialize_with = "wire::text")]
    pub source: Option<String>,
    /// Its resource name; opaque.
    #[serde(default, deserialize_with = "wire::text")]
    pub trn: Option<String>,
    /// Where browsers may end up after a user's consent.
    #[serde(default, deserialize_with = "wire::list")]
    pub allowed_resource_oauth2_return_urls: Vec<String>,
    /// When it was made.
    #[serde(default, deserialize_with = "wire::date")]
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    #[serde(default, deserialize_with = "wire::date")]
    pub updated_at: Option<Timestamp>,
}

/// Which pool: by name, by id or, with neither, the account's default one.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct PoolId<'a> {
    /// Its name.
    #[serde(rename = "WorkloadPoolName", skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// Its id.
    #[serde(rename = "WorkloadPoolId", skip_serializing_if = "Option::is_none")]
    pub id: Option<&'a str>,
}

/// A workload pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct WorkloadPool {
    /// Its id.
    #[serde(deserialize_with = "wire::text")]
    pub workload_pool_id: Option<String>,
    /// Its name.
    #[serde(deserialize_with = "wire::text")]
    pub workload_pool_name: Option<String>,
    /// Whether asking for the token of an unknown workload makes it.
    pub allow_auto_create_identity: Option<bool>,
    /// The discovery document by which workload tokens are verified.
    #[serde(deserialize_with = "wire::text")]
    pub discovery_url: Option<String>,
    /// The issuer of workload tokens.
    #[serde(deserialize_with = "wire::text")]
    pub url: Option<String>,
    /// Its resource name; opaque.
    #[serde(deserialize_with = "wire::text")]
    pub trn: Option<String>,
    /// The project.
    #[serde(deserialize_with = "wire::text")]
    pub project_name: Option<String>,
    /// How many workload identities it has.
    pub total_workloads: Option<u64>,
    /// How many credential providers it has.
    pub total_credentials: Option<u64>,
}

impl Client {
    /// `GetWorkloadIdentity`.
    ///
    /// # Errors
    /// As [`Client::call`]; an unknown name is [`super::envelope::Class::NotFound`].
    pub fn get_workload_identity(
        &self,
        name: &str,
        pool: Option<&str>,
    ) -> Result<WorkloadIdentity, CallError> {
        self.call(GET_IDENTITY, &IdentityBody { name, workload_pool_name: pool }, Repeat::Safe)
    }

    /// `GetWorkloadPool`.
    ///
    /// # Errors
    /// As [`Client::call`]; an unknown pool is [`super::envelope::Class::NotFound`].
    pub fn get_workload_pool(&self, pool: PoolId<'_>) -> Result<WorkloadPool, CallError> {
        self.call(GET_POOL, &pool, Repeat::Safe)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct IdentityBody<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    workload_pool_name: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base::error::{Code, Error};
    use crate::volc::envelope::Class;
    use crate::volc::testing::{exchanged, golden, refusal, result};

    #[test]
    fn an_identity_is_read_by_name_and_pool() {
        let answer = json!({
            "Name": "w", "WorkloadPoolName": "default", "Category": "Agent", "Description": "", "Trn": "trn:x",
            "Source": "custom", "AllowedResourceOauth2ReturnUrls": ["https://a.example"], "MetaData": [],
            "CreatedAt": "2026-01-15T15:00:00+08:00", "UpdatedAt": "",
        });
        let body = json!({ "Name": "w", "WorkloadPoolName": "default" });
        let identity = golden("GetWorkloadIdentity", &body, &answer, |client| {
            client.get_workload_identity("w", Some("default"))
        })
        .unwrap();
        assert_eq!((identity.category.as_deref(), identity.description), (Some("Agent"), None));
        assert_eq!(identity.created_at.unwrap().to_string(), "2026-01-15T07:00:00Z");
        assert_eq!(identity.allowed_resource_oauth2_return_urls, ["https://a.example"]);
        golden("GetWorkloadIdentity", &json!({ "Name": "w" }), &json!({ "Name": "w" }), |client| {
            client.get_workload_identity("w", None)
        })
        .unwrap();
    }

    #[test]
    fn an_unknown_identity_is_not_found_and_one_without_a_name_invalid() {
        let (outcome, _) =
            exchanged([refusal(404, "NotFound")], |client| client.get_workload_identity("w", None));
        assert_eq!(outcome.unwrap_err().class(), Some(Class::NotFound));
        let (outcome, _) = exchanged([result(&json!({}))], |client| client.get_workload_identity("w", None));
        assert_eq!(Error::from(outcome.unwrap_err()).code(), Code::CloudInvalid);
    }

    #[test]
    fn a_pool_is_read_by_name_by_id_or_by_neither() {
        for (pool, body) in [
            (PoolId { name: Some("default"), id: None }, json!({ "WorkloadPoolName": "default" })),
            (PoolId { name: None, id: Some("wp-1") }, json!({ "WorkloadPoolId": "wp-1" })),
            (PoolId::default(), json!({})),
        ] {
            let answer = json!({
                "WorkloadPoolId": "wp-1", "WorkloadPoolName": "default", "AllowAutoCreateIdentity": false,
                "DiscoveryUrl": "https://a.example/.well-known/openid-configuration", "TotalWorkloads": 3, "Tags": null,
            });
            let pool =
                golden("GetWorkloadPool", &body, &answer, |client| client.get_workload_pool(pool)).unwrap();
            assert_eq!((pool.workload_pool_id.as_deref(), pool.total_workloads), (Some("wp-1"), Some(3)));
        }
    }
}
