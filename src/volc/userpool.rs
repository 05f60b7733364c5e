//! User pools, their clients and their identity providers, as the control plane knows them.
//!
//! The service's filters may be fuzzy, so names are compared exactly on our side. Its own spelling varies: the pool is
//! `UserPoolUid` except in `ListIdentityProviders` (`UserPoolUID`), and an id token's lifetime is `LifetimeSeconds`
//! in answers and `LifeTimeSeconds` in the update.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::call::Action;
use super::client::Client;
use super::envelope::CallError;
use super::paging::{self, PAGE_SIZE, Page};
use crate::base::secret::Secret;
use crate::base::tree::{Misfit, Tree};
use crate::net::exchange::Repeat;

const LIST_POOLS: Action = Action::id("ListUserPools");
const GET_POOL: Action = Action::id("GetUserPool");
const CREATE_POOL: Action = Action::id("CreateUserPool");
const LIST_CLIENTS: Action = Action::id("ListUserPoolClients");
const GET_CLIENT: Action = Action::id("GetUserPoolClient");
const CREATE_CLIENT: Action = Action::id("CreateUserPoolClient");
const UPDATE_CLIENT: Action = Action::id("UpdateUserPoolClient");
const LIST_IDENTITY_PROVIDERS: Action = Action::id("ListIdentityProviders");
const LIST_ENDPOINTS: Action = Action::id("ListUserPoolWellKnownEndpoints");

/// The client type of a server that keeps a secret.
const WEB_APPLICATION: &str = "WEB_APPLICATION";

/// A pool or a client in a list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Listed {
    /// The id.
    pub uid: String,
    /// The name.
    pub name: String,
}

/// A user pool.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Pool {
    /// The id.
    pub uid: String,
    /// The exact issuer of its tokens; empty where the service does not say.
    #[serde(default, deserialize_with = "nullable")]
    pub issuer_url: String,
    /// The customer's own host, empty without one.
    #[serde(default, deserialize_with = "nullable")]
    pub custom_domain: String,
    /// The vendor's host of the pool, bare or as a URL.
    #[serde(default, deserialize_with = "nullable")]
    pub domain: String,
}

/// A client of a user pool with everything that an update must write back.
#[derive(Clone, Debug)]
pub struct PoolClient {
    /// The id, which is also the OIDC `client_id`.
    pub uid: String,
    /// The secret; empty for the public client types.
    pub client_secret: Secret,
    /// Where people may be sent back to.
    pub allowed_callback_urls: Vec<String>,
    /// What an update writes back as it was read.
    pub rest: ClientSettings,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OwnSettings {
    uid: String,
    #[serde(default = "no_secret", deserialize_with = "nullable_secret")]
    client_secret: Secret,
    #[serde(default, deserialize_with = "nullable")]
    allowed_callback_urls: Vec<String>,
}

/// Out of one object twice: serde's `flatten` would read it into a form of its own first.
impl<'de> Deserialize<'de> for PoolClient {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let tree = Tree::deserialize(from)?;
        let OwnSettings { uid, client_secret, allowed_callback_urls } =
            tree.take().map_err(Misfit::restated)?;
        Ok(Self { uid, client_secret, allowed_callback_urls, rest: tree.take().map_err(Misfit::restated)? })
    }
}

/// Settings of a client that are none of our business and must survive our updates.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ClientSettings {
    #[serde(deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
    logo_uri: String,
    #[serde(deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    allowed_logout_urls: Vec<String>,
    #[serde(deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    allowed_web_origins: Vec<String>,
    #[serde(deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    allowed_cors: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<IdTokenSettings>,
    #[serde(deserialize_with = "without_nulls", skip_serializing_if = "Map::is_empty")]
    refresh_token: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    development_mode_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dismiss_login_page_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skip_consent_enabled: Option<bool>,
}

/// Read in one spelling and written in the other.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
struct IdTokenSettings {
    #[serde(
        rename(serialize = "LifeTimeSeconds", deserialize = "LifetimeSeconds"),
        skip_serializing_if = "Option::is_none"
    )]
    lifetime_seconds: Option<u64>,
}

/// Who vouches for people at a pool: Feishu, a company's own sign-in, and so on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct IdentityProvider {
    /// The id, which relay states name.
    pub uid: String,
    /// The name, which authorize requests use; empty where the service does not say.
    #[serde(default, deserialize_with = "nullable")]
    pub name: String,
    /// `OAuth`, `OIDC` or `SAML`, in any letter case.
    #[serde(default, deserialize_with = "nullable")]
    pub connection_type: String,
    /// Whether it is in use; unsaid means yes.
    #[serde(default)]
    pub enabled: Option<bool>,
}

/// The OIDC addresses of a pool; empty where the service does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct WellKnownEndpoints {
    /// The pool.
    pub user_pool_uid: String,
    /// The exact issuer.
    #[serde(deserialize_with = "nullable")]
    pub issuer_url: String,
    /// The discovery document.
    #[serde(deserialize_with = "nullable")]
    pub discovery_url: String,
    /// Where the browser goes.
    #[serde(deserialize_with = "nullable")]
    pub authorization_endpoint: String,
    /// Where codes are exchanged.
    #[serde(deserialize_with = "nullable")]
    pub token_endpoint: String,
    /// Where the keys are.
    #[serde(deserialize_with = "nullable")]
    pub jwks_uri: String,
}

impl Client {
    /// The first pool of exactly that name (`ListUserPools`, as many pages as it takes).
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn find_user_pool(&self, name: &str) -> Result<Option<Listed>, CallError> {
        let filter = Filter { name };
        paging::find(
            |page_number| {
                self.page(LIST_POOLS, &ListPools { page_number, page_size: PAGE_SIZE, filter: &filter })
            },
            |pool: Listed| (pool.name == name).then_some(pool),
        )
    }

    /// `GetUserPool`.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn get_user_pool(&self, pool: &str) -> Result<Pool, CallError> {
        self.call(GET_POOL, &OfPool { user_pool_uid: pool }, Repeat::Safe)
    }

    /// `CreateUserPool`: nobody can sign up, everybody can recover their account. Sent once: whoever gets no answer
    /// looks the pool up first next time.
    ///
    /// # Errors
    /// As [`Client::call`]; a name that is taken is [`Class::AlreadyExists`](super::envelope::Class::AlreadyExists).
    pub fn create_user_pool(&self, name: &str) -> Result<Pool, CallError> {
        let body = CreatePool { name, self_sign_up_enabled: false, self_account_recovery_enabled: true };
        self.call(CREATE_POOL, &body, Repeat::Never)
    }

    /// The first client of exactly that name in a pool (`ListUserPoolClients`). Lists have no secrets.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn find_user_pool_client(&self, pool: &str, name: &str) -> Result<Option<Listed>, CallError> {
        let filter = Filter { name };
        paging::find(
            |page_number| {
                let body =
                    ListClients { user_pool_uid: pool, page_number, page_size: PAGE_SIZE, filter: &filter };
                self.page(LIST_CLIENTS, &body)
            },
            |client: Listed| (client.name == name).then_some(client),
        )
    }

    /// `GetUserPoolClient`, secret included.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn get_user_pool_client(&self, pool: &str, client: &str) -> Result<PoolClient, CallError> {
        self.call(GET_CLIENT, &OfClient { user_pool_uid: pool, client_uid: client }, Repeat::Safe)
    }

    /// `CreateUserPoolClient` of the type `WEB_APPLICATION` with one callback. Sent once, as
    /// [`Client::create_user_pool`].
    ///
    /// # Errors
    /// As [`Client::call`]; a name that is taken is [`Class::AlreadyExists`](super::envelope::Class::AlreadyExists).
    pub fn create_user_pool_client(
        &self,
        pool: &str,
        name: &str,
        callback_url: &str,
    ) -> Result<PoolClient, CallError> {
        let body = CreateClient {
            user_pool_uid: pool,
            name,
            client_type: WEB_APPLICATION,
            allowed_callback_urls: [callback_url],
        };
        self.call(CREATE_CLIENT, &body, Repeat::Never)
    }

    /// `UpdateUserPoolClient`: writes all settings of a client that was read before and changed. An empty setting is
    /// left out, which leaves it empty whichever way the service reads a missing one.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn update_user_pool_client(&self, pool: &str, client: &PoolClient) -> Result<(), CallError> {
        let body = UpdateClient {
            user_pool_uid: pool,
            client_uid: &client.uid,
            allowed_callback_urls: &client.allowed_callback_urls,
            rest: &client.rest,
        };
        self.call::<Value>(UPDATE_CLIENT, &body, Repeat::Safe).map(drop)
    }

    /// All identity providers of a pool, in the service's order (`ListIdentityProviders`).
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn list_identity_providers(&self, pool: &str) -> Result<Vec<IdentityProvider>, CallError> {
        paging::all(|page_number| {
            let body = ListIdentityProviders { user_pool_uid: pool, page_number, page_size: PAGE_SIZE };
            self.page(LIST_IDENTITY_PROVIDERS, &body)
        })
    }

    /// The addresses of these pools (`ListUserPoolWellKnownEndpoints`, which has no pages).
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn list_user_pool_well_known_endpoints(
        &self,
        pools: &[&str],
    ) -> Result<Vec<WellKnownEndpoints>, CallError> {
        let body = ListEndpoints { user_pool_uids: pools };
        let answer: Answer<WellKnownEndpoints> = self.call(LIST_ENDPOINTS, &body, Repeat::Safe)?;
        Ok(answer.data)
    }

    fn page<T: DeserializeOwned>(&self, action: Action, body: &impl Serialize) -> Result<Page<T>, CallError> {
        let Answer { data, total_count } = self.call(action, body, Repeat::Safe)?;
        Ok(Page { items: data, total: total_count })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", bound = "T: DeserializeOwned")]
struct Answer<T> {
    #[serde(default, deserialize_with = "nullable")]
    data: Vec<T>,
    #[serde(default)]
    total_count: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Filter<'a> {
    name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListPools<'a> {
    page_number: u32,
    page_size: u32,
    filter: &'a Filter<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct OfPool<'a> {
    user_pool_uid: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CreatePool<'a> {
    name: &'a str,
    self_sign_up_enabled: bool,
    self_account_recovery_enabled: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListClients<'a> {
    user_pool_uid: &'a str,
    page_number: u32,
    page_size: u32,
    filter: &'a Filter<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct OfClient<'a> {
    user_pool_uid: &'a str,
    client_uid: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CreateClient<'a> {
    user_pool_uid: &'a str,
    name: &'a str,
    client_type: &'static str,
    allowed_callback_urls: [&'a str; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateClient<'a> {
    user_pool_uid: &'a str,
    client_uid: &'a str,
    allowed_callback_urls: &'a [String],
    #[serde(flatten)]
    rest: &'a ClientSettings,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListIdentityProviders<'a> {
    #[serde(rename = "UserPoolUID")]
    user_pool_uid: &'a str,
    page_number: u32,
    page_size: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListEndpoints<'a> {
    user_pool_uids: &'a [&'a str],
}

/// A `null` is read as what a missing field is.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

fn nullable_secret<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
    Option::deserialize(from).map(|secret| secret.unwrap_or_else(no_secret))
}

fn no_secret() -> Secret {
    Secret::new(String::new())
}

/// Requests have no `null`s, so what is to be written back keeps none.
fn without_nulls<'de, D: Deserializer<'de>>(from: D) -> Result<Map<String, Value>, D::Error> {
    let mut map: Map<String, Value> = nullable(from)?;
    map.retain(|_, value| !value.is_null());
    Ok(map)
}

#[cfg(test)]
pub(crate) mod testing {
    //! A control plane that answers from a script.

    use std::sync::Arc;

    use serde_json::{Value, json};

    use crate::base::env::Env;
    use crate::net::exchange::Exchange;
    use crate::net::testing::{Constant, Script, StepClock, answer};
    use crate::net::transport::{Failure, HttpResponse};
    use crate::volc::client::Client;
    use crate::volc::endpoint::Endpoints;
    use crate::volc::keys::KeySettings;
    use crate::volc::keys::chain::{Chain, Reach};

    pub(crate) type Answer = Result<HttpResponse, Failure>;

    /// What was asked, as action and body.
    pub(crate) type Seen = Vec<(String, Value)>;

    pub(crate) struct Cloud {
        pub(crate) client: Arc<Client>,
        pub(crate) clock: Arc<StepClock>,
        script: Arc<Script>,
    }

    impl Cloud {
        pub(crate) fn new(answers: Vec<Answer>) -> Self {
            let (script, clock) = (Arc::new(Script::new(answers)), Arc::new(StepClock::at(1_768_464_000)));
            let exchange = Arc::new(Exchange::new(script.clone(), clock.clone(), Arc::new(Constant(0))));
            let env: Env =
                [("VOLCENGINE_ACCESS_KEY", "A"), ("VOLCENGINE_SECRET_KEY", "S")].into_iter().collect();
            let reach = Reach { cloud: exchange.clone(), metadata: exchange.clone() };
            let chain = Arc::new(Chain::new(KeySettings::default(), env, reach, clock.clone()));
            let endpoints = Endpoints::new(None, None, script.clone(), clock.clone()).unwrap();
            let client = Arc::new(Client::new(endpoints, chain, exchange, clock.clone()));
            Self { client, clock, script }
        }

        pub(crate) fn push(&self, answer: Answer) {
            self.script.push(answer);
        }

        /// What was asked since the last call of this.
        pub(crate) fn seen(&self) -> Seen {
            let read = |request: crate::net::transport::HttpRequest| {
                let query = request.url.query().unwrap().to_owned();
                let action = query.strip_prefix("Action=").unwrap().split('&').next().unwrap().to_owned();
                (action, serde_json::from_slice(&request.body).unwrap())
            };
            self.script.take().into_iter().map(read).collect()
        }

        /// The actions of [`Cloud::seen`].
        pub(crate) fn actions(&self) -> Vec<String> {
            self.seen().into_iter().map(|(action, _)| action).collect()
        }
    }

    pub(crate) fn result(result: &Value) -> Answer {
        let envelope = json!({ "ResponseMetadata": { "RequestId": "R" }, "Result": result });
        answer(200, &envelope.to_string())
    }

    pub(crate) fn refusal(status: u16, code: &str) -> Answer {
        let error = json!({ "Code": code, "Message": "m" });
        answer(status, &json!({ "ResponseMetadata": { "RequestId": "R", "Error": error } }).to_string())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::testing::{Cloud, refusal, result};
    use super::*;
    use crate::base::error::{Code, Error};
    use crate::net::testing::failed;
    use crate::net::transport::FailureKind;
    use crate::volc::envelope::Class;

    #[test]
    fn pools_are_found_by_exact_name_over_all_pages() {
        let first: Vec<_> =
            (0..100).map(|i| json!({ "Uid": format!("u{i}"), "Name": "my-pool-2" })).collect();
        let second =
            json!([{ "Uid": "A", "Name": "My-Pool" }, { "Uid": "p-1", "Name": "my-pool", "TotalUsers": 3 }]);
        let cloud = Cloud::new(vec![
            result(&json!({ "PageNumber": 1, "PageSize": 100, "TotalCount": 300, "Data": first })),
            result(&json!({ "PageNumber": 2, "PageSize": 100, "TotalCount": 300, "Data": second })),
        ]);
        let found = cloud.client.find_user_pool("my-pool").unwrap().unwrap();
        assert_eq!(found, Listed { uid: "p-1".into(), name: "my-pool".into() });
        let body = |page| json!({ "PageNumber": page, "PageSize": 100, "Filter": { "Name": "my-pool" } });
        assert_eq!(
            cloud.seen(),
            [("ListUserPools".to_owned(), body(1)), ("ListUserPools".to_owned(), body(2))]
        );

        cloud.push(result(&json!({ "TotalCount": 1, "Data": [{ "Uid": "A", "Name": "my-pool2" }] })));
        assert!(cloud.client.find_user_pool("my-pool").unwrap().is_none());
        cloud.push(result(&json!({ "TotalCount": 0, "Data": null })));
        assert!(cloud.client.find_user_pool("my-pool").unwrap().is_none());
    }

    #[test]
    fn a_pool_is_read_with_what_it_says_of_its_issuer() {
        let cloud = Cloud::new(vec![result(&json!({
            "Uid": "p-1", "Name": "my-pool", "Enabled": true, "Domain": "d.example",
            "CustomDomain": null, "IssuerUrl": "https://i.example"
        }))]);
        let pool = cloud.client.get_user_pool("p-1").unwrap();
        assert_eq!(
            (pool.uid.as_str(), pool.issuer_url.as_str(), pool.custom_domain.as_str(), pool.domain.as_str()),
            ("p-1", "https://i.example", "", "d.example")
        );
        assert_eq!(cloud.seen(), [("GetUserPool".to_owned(), json!({ "UserPoolUid": "p-1" }))]);
    }

    #[test]
    fn pools_and_clients_are_created_as_documented_and_never_twice() {
        let cloud = Cloud::new(vec![
            result(&json!({ "Uid": "p-1", "Name": "my-pool" })),
            result(&json!({ "Uid": "c-1", "ClientSecret": "s" })),
        ]);
        assert_eq!(cloud.client.create_user_pool("my-pool").unwrap().uid, "p-1");
        let callback = "http://127.0.0.1:18789/identity/oauth/callback";
        let client = cloud.client.create_user_pool_client("p-1", "openclaw", callback).unwrap();
        assert_eq!((client.uid.as_str(), client.client_secret.expose().as_str()), ("c-1", "s"));
        assert_eq!(
            cloud.seen(),
            [
                (
                    "CreateUserPool".to_owned(),
                    json!({ "Name": "my-pool", "SelfSignUpEnabled": false, "SelfAccountRecoveryEnabled": true })
                ),
                (
                    "CreateUserPoolClient".to_owned(),
                    json!({ "UserPoolUid": "p-1", "Name": "openclaw", "ClientType": "WEB_APPLICATION",
                        "AllowedCallbackUrls": [callback] })
                ),
            ]
        );

        cloud.push(failed(FailureKind::Timeout));
        cloud.push(refusal(409, "Duplicated"));
        assert!(cloud.client.create_user_pool("my-pool").unwrap_err().class().is_none());
        let taken = cloud.client.create_user_pool_client("p-1", "openclaw", callback).unwrap_err();
        assert_eq!(taken.class(), Some(Class::AlreadyExists));
        assert_eq!(cloud.seen().len(), 2, "neither was sent again");
    }

    #[test]
    fn an_update_writes_back_all_that_was_read_in_the_spelling_of_requests() {
        let read = json!({
            "Uid": "c-1", "ClientSecret": "s", "ClientType": "WEB_APPLICATION", "Name": "openclaw",
            "Description": "d", "LogoUri": "", "LoginPageUrl": "https://x.example", "CreateTime": "2026-01-15T07:00:00Z",
            "AllowedCallbackUrls": ["https://a.example/cb"], "AllowedLogoutUrls": ["https://a.example/out"],
            "AllowedWebOrigins": ["https://a.example"], "AllowedCors": null,
            "IdToken": { "LifetimeSeconds": 3600 },
            "RefreshToken": { "Rotation": true, "IdleLifetimeSeconds": 604_800, "CombinedLifetimeSeconds": null },
            "DevelopmentModeEnabled": false, "SkipConsentEnabled": true
        });
        let cloud = Cloud::new(vec![result(&read), result(&json!(null))]);
        let mut client = cloud.client.get_user_pool_client("p-1", "c-1").unwrap();
        client.allowed_callback_urls.push("http://127.0.0.1:1/cb".into());
        cloud.client.update_user_pool_client("p-1", &client).unwrap();
        assert_eq!(
            cloud.seen(),
            [
                ("GetUserPoolClient".to_owned(), json!({ "UserPoolUid": "p-1", "ClientUid": "c-1" })),
                (
                    "UpdateUserPoolClient".to_owned(),
                    json!({
                        "UserPoolUid": "p-1", "ClientUid": "c-1", "Name": "openclaw", "Description": "d",
                        "AllowedCallbackUrls": ["https://a.example/cb", "http://127.0.0.1:1/cb"],
                        "AllowedLogoutUrls": ["https://a.example/out"],
                        "AllowedWebOrigins": ["https://a.example"],
                        "IdToken": { "LifeTimeSeconds": 3600 },
                        "RefreshToken": { "Rotation": true, "IdleLifetimeSeconds": 604_800 },
                        "DevelopmentModeEnabled": false, "SkipConsentEnabled": true
                    })
                ),
            ]
        );
        assert!(!format!("{client:?}").contains("\"s\""));
    }

    #[test]
    fn clients_are_found_in_their_pool_and_a_public_one_has_no_secret() {
        let cloud = Cloud::new(vec![
            result(&json!({ "TotalCount": 1, "Data": [{ "Uid": "c-1", "Name": "openclaw" }] })),
            result(&json!({ "Uid": "c-1", "ClientSecret": null })),
        ]);
        assert_eq!(cloud.client.find_user_pool_client("p-1", "openclaw").unwrap().unwrap().uid, "c-1");
        let client = cloud.client.get_user_pool_client("p-1", "c-1").unwrap();
        assert!(client.client_secret.expose().is_empty() && client.allowed_callback_urls.is_empty());
        let body = json!({ "UserPoolUid": "p-1", "PageNumber": 1, "PageSize": 100, "Filter": { "Name": "openclaw" } });
        assert_eq!(cloud.seen()[0], ("ListUserPoolClients".to_owned(), body));
    }

    #[test]
    fn identity_providers_are_listed_with_the_other_spelling_of_the_pool() {
        let cloud = Cloud::new(vec![
            result(&json!({ "TotalCount": 2, "Data": [{ "Uid": "i-1", "Name": "feishu", "Provider": "lark",
                "ConnectionType": "OAuth", "Enabled": false, "AttributeMappings": [] }] })),
            result(
                &json!({ "TotalCount": 2, "Data": [{ "Uid": "i-2", "Name": null, "ConnectionType": null }] }),
            ),
        ]);
        let listed = cloud.client.list_identity_providers("p-1").unwrap();
        let of = |uid: &str, name: &str, kind: &str, enabled| IdentityProvider {
            uid: uid.into(),
            name: name.into(),
            connection_type: kind.into(),
            enabled,
        };
        assert_eq!(listed, [of("i-1", "feishu", "OAuth", Some(false)), of("i-2", "", "", None)]);
        let body = |page| json!({ "UserPoolUID": "p-1", "PageNumber": page, "PageSize": 100 });
        assert_eq!(cloud.seen().into_iter().map(|(_, body)| body).collect::<Vec<_>>(), [body(1), body(2)]);
    }

    #[test]
    fn well_known_endpoints_are_asked_for_by_pool() {
        let cloud = Cloud::new(vec![result(&json!({ "Data": [{ "UserPoolUid": "p-1", "CustomDomain": null,
            "IssuerUrl": "https://i.example", "JwksUri": "https://i.example/keys", "TokenEndpoint": null }] }))]);
        let listed = cloud.client.list_user_pool_well_known_endpoints(&["p-1"]).unwrap();
        assert_eq!(
            listed,
            [WellKnownEndpoints {
                user_pool_uid: "p-1".into(),
                issuer_url: "https://i.example".into(),
                jwks_uri: "https://i.example/keys".into(),
                ..WellKnownEndpoints::default()
            }]
        );
        let body = json!({ "UserPoolUids": ["p-1"] });
        assert_eq!(cloud.seen(), [("ListUserPoolWellKnownEndpoints".to_owned(), body)]);
    }

    #[test]
    fn an_answer_without_its_id_is_invalid() {
        let cloud =
            Cloud::new(vec![result(&json!({ "Name": "x" })), result(&json!({ "Data": [{ "Name": "x" }] }))]);
        let error = Error::from(cloud.client.get_user_pool("p-1").unwrap_err());
        assert_eq!(error.code(), Code::CloudInvalid);
        let error = Error::from(cloud.client.find_user_pool("x").unwrap_err());
        assert_eq!(error.code(), Code::CloudInvalid);
    }
}
