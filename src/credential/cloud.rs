//! Credential hosting over the control plane's client.
//!
//! Pure translation: every name of the wire stays in `volc`.

use std::sync::Arc;

use crate::base::error::{Code, Error, Result};
use crate::base::secret::Secret;
use crate::volc::client::Client;
use crate::volc::envelope::{CallError, Class};
use crate::volc::oauth2;
use crate::volc::provider::{self, Filter, Query};
use crate::volc::resource::Caller;
use crate::volc::role::{self, RoleRequest};

use super::hosted::{
    Grant, Hosted, IdentitySource, Listing, Oauth2Answer, Oauth2Request, PAGE_SIZE, Provider, ProviderFilter,
    RoleKeys, RoleProvider,
};

/// The credential hosting of one workload pool.
#[derive(Debug)]
pub struct Cloud {
    client: Arc<Client>,
    pool: String,
    user_pool: Option<String>,
}

impl Cloud {
    /// Of this workload pool, for people of this user pool; without one, of any.
    #[must_use]
    pub fn new(client: Arc<Client>, pool: String, user_pool: Option<String>) -> Self {
        Self { client, pool, user_pool }
    }

    fn caller<'a>(&'a self, identity_token: &'a Secret) -> Caller<'a> {
        Caller { identity_token, pool: Some(&self.pool) }
    }
}

impl Hosted for Cloud {
    fn list_providers(&self, page: u32, filter: &ProviderFilter) -> Result<Listing> {
        let filter = Filter {
            name: filter.name.as_deref(),
            kind: filter.kind.as_deref(),
            flow: filter.flow.as_deref(),
            ..Filter::default()
        };
        let query = Query { pool: Some(&self.pool), filter, ..Query::default() };
        let listed = self.client.list_credential_providers(&query, page, PAGE_SIZE)?;
        Ok(Listing { providers: listed.items.into_iter().map(Into::into).collect(), total: listed.total })
    }

    fn find_provider(&self, name: &str) -> Result<Option<Provider>> {
        Ok(self.client.find_credential_provider(Some(&self.pool), name)?.map(Into::into))
    }

    fn oauth2_token(&self, identity: &Secret, request: &Oauth2Request) -> Result<Oauth2Answer> {
        let flow = match request.grant {
            Grant::UserFederation => oauth2::Flow::UserFederation,
            Grant::M2m => oauth2::Flow::M2m,
        };
        let request = oauth2::Oauth2Request {
            provider: &request.provider,
            flow: Some(flow),
            scopes: request.scopes.as_deref(),
            redirect_url: request.redirect_url.as_deref(),
            ..oauth2::Oauth2Request::default()
        };
        let answer = self.client.get_resource_oauth2_token(self.caller(identity), &request);
        Ok(match answer.map_err(|error| refused(request.provider, error))? {
            oauth2::Oauth2Answer::Token { access_token, expires_in } => {
                Oauth2Answer::Token { access_token, expires_in }
            }
            oauth2::Oauth2Answer::Consent { authorization_url, .. } => {
                Oauth2Answer::Consent { url: authorization_url }
            }
        })
    }

    fn api_key(&self, identity: &Secret, provider: &str) -> Result<Secret> {
        let answer = self.client.get_resource_api_key(self.caller(identity), provider);
        Ok(answer.map_err(|error| refused(provider, error))?.key)
    }

    fn user_credential(&self, identity: &Secret, id: &str) -> Result<Secret> {
        Ok(self.client.get_user_credential(self.caller(identity), id)?.data)
    }

    fn role_providers(&self, prefix: Option<&str>) -> Result<Vec<RoleProvider>> {
        let all = self.client.role_providers(Some(&self.pool), prefix, self.user_pool.as_deref())?;
        Ok(all.into_iter().map(Into::into).collect())
    }

    fn role_credentials(&self, identity: &Secret, provider: &str) -> Result<RoleKeys> {
        let request = RoleRequest { provider, ..RoleRequest::default() };
        let answer = self.client.get_role_credentials(self.caller(identity), &request);
        let keys = answer.map_err(|error| refused(provider, error))?.keys;
        Ok(RoleKeys {
            access_key_id: keys.access_key_id,
            secret_access_key: keys.secret,
            session_token: keys.session_token,
            expires_at: keys.expires_at,
        })
    }
}

/// What the service does not know is told from what it does not give.
fn refused(provider: &str, error: CallError) -> Error {
    let is_unknown = error.class() == Some(Class::NotFound);
    let error = Error::from(error);
    match is_unknown {
        true => Error::new(Code::NotFound, format!("no credential provider {provider:?}: {error}"))
            .with_hint("list the providers with identity_list_credentials and identity_list_roles"),
        false => error,
    }
}

impl From<provider::Provider> for Provider {
    fn from(listed: provider::Provider) -> Self {
        Self { name: listed.name, kind: listed.kind, flow: listed.flow }
    }
}

impl From<role::RoleProvider> for RoleProvider {
    fn from(listed: role::RoleProvider) -> Self {
        let identity_source = listed.identity_source().map(|source| match source {
            role::IdentitySource::AgentPool => IdentitySource::AgentPool,
            role::IdentitySource::UserPool => IdentitySource::UserPool,
        });
        Self { name: listed.name, identity_source }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::base::env::Env;
    use crate::net::exchange::Exchange;
    use crate::net::testing::{Constant, Script, StepClock, answer};
    use crate::volc::endpoint::Endpoints;
    use crate::volc::keys::KeySettings;
    use crate::volc::keys::chain::{Chain, Reach};

    /// What `call` comes to with one answer, and the body of the one request that it sends.
    fn exchanged<T>(result: &Value, call: impl FnOnce(&Cloud) -> T) -> (T, Value) {
        let text = json!({ "ResponseMetadata": { "RequestId": "R" }, "Result": result }).to_string();
        let script = Arc::new(Script::new([answer(200, &text)]));
        let clock = Arc::new(StepClock::at(1_768_464_000));
        let exchange = Arc::new(Exchange::new(script.clone(), clock.clone(), Arc::new(Constant(0))));
        let env: Env = [("VOLCENGINE_ACCESS_KEY", "A"), ("VOLCENGINE_SECRET_KEY", "S")].into_iter().collect();
        let reach = Reach { cloud: exchange.clone(), metadata: exchange.clone() };
        let chain = Arc::new(Chain::new(KeySettings::default(), env, reach, clock.clone()));
        let endpoints = Endpoints::new(None, None, script.clone(), clock.clone()).unwrap();
        let client = Arc::new(Client::new(endpoints, chain, exchange, clock));
        let outcome = call(&Cloud::new(client, "pool-1".into(), Some("people".into())));
        let mut requests = script.take();
        assert_eq!(requests.len(), 1);
        (outcome, serde_json::from_slice(&requests.remove(0).body).unwrap())
    }

    #[test]
    fn every_call_names_the_workload_pool() {
        let tip = Secret::from("tip");
        let request = Oauth2Request {
            provider: "google".into(),
            grant: Grant::UserFederation,
            scopes: None,
            redirect_url: None,
        };
        let (token, body) =
            exchanged(&json!({ "AccessToken": "t", "ExpiresIn": 60 }), |c| c.oauth2_token(&tip, &request));
        assert!(matches!(token.unwrap(), Oauth2Answer::Token { expires_in: Some(60), .. }));
        // Unforced, and without what is the provider's to say.
        assert_eq!(
            body,
            json!({ "ProviderName": "google", "IdentityToken": "tip", "PoolName": "pool-1", "Flow": "USER_FEDERATION" })
        );
        let (key, body) = exchanged(&json!({ "ApiKey": "k" }), |c| c.api_key(&tip, "openai"));
        assert_eq!((key.unwrap().expose().as_str(), &body["PoolName"]), ("k", &json!("pool-1")));
        let (data, body) =
            exchanged(&json!({ "CredentialData": "d" }), |c| c.user_credential(&tip, "cred-1"));
        assert_eq!((data.unwrap().expose().as_str(), &body["PoolName"]), ("d", &json!("pool-1")));
        let filter = ProviderFilter { kind: Some("oauth2".into()), ..ProviderFilter::default() };
        let (_, body) = exchanged(&json!({ "TotalCount": 0 }), |c| c.list_providers(2, &filter));
        assert_eq!(
            body,
            json!({ "PageNumber": 2, "PageSize": 20, "PoolName": "pool-1", "Filter": { "Type": "oauth2" } })
        );
    }

    #[test]
    fn role_providers_are_those_of_our_user_pool_and_of_agent_pools() {
        let pool = |name: &str, pool: Value| json!({ "Name": name, "Config": { "IdentityPool": pool } });
        let listed = json!({ "TotalCount": 3, "RoleCredentialProviders": [
            pool("ours", json!({ "UserPool": { "PoolName": "people" } })),
            pool("theirs", json!({ "UserPool": { "PoolName": "others" } })),
            pool("agents", json!({ "AgentPool": { "PoolName": "pool-1" } })),
        ]});
        let (roles, body) = exchanged(&listed, |cloud| cloud.role_providers(None));
        let roles = roles.unwrap();
        let found: Vec<_> = roles.iter().map(|role| (role.name.as_str(), role.identity_source)).collect();
        assert_eq!(
            found,
            [("ours", Some(IdentitySource::UserPool)), ("agents", Some(IdentitySource::AgentPool))]
        );
        assert_eq!((&body["Filter"]["PoolName"], body.get("PoolName")), (&json!("pool-1"), None));
    }
}
