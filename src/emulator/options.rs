//! What an emulator can be told at its start.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::jws::Algorithm;
use super::seed::{self, CredentialProvider, DenyRule, IdentityProvider, RoleProvider, UserCredential};
use crate::base::time::{Clock, SystemClock};
use crate::base::url::Url;

/// An access key pair of the cloud API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKey {
    /// The access key id.
    pub id: String,
    /// The secret access key.
    pub secret: String,
    /// The session token, for a temporary pair.
    pub session_token: Option<String>,
    /// The name of the role whose pair it is.
    pub role: Option<String>,
}

impl AccessKey {
    /// A long-term pair.
    #[must_use]
    pub fn new(id: &str, secret: &str) -> Self {
        Self { id: id.to_owned(), secret: secret.to_owned(), session_token: None, role: None }
    }
}

/// The settings; [`Options::default`] is a working set on a free port.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; the address must be loopback.
    pub listen: SocketAddr,
    /// The clock; an offset can be put on it later.
    pub clock: Arc<dyn Clock>,
    /// The account id in resource names.
    pub account: String,
    /// The region in resource names; requests may be signed for any.
    pub region: String,
    /// Access keys that may call the API from the start, besides those of the metadata service.
    pub access_keys: Vec<AccessKey>,
    /// Roles that may be assumed, as `trn:iam::{account}:role/{name}`; empty for any.
    pub roles: Vec<String>,
    /// The name of the one workload pool.
    pub workload_pool: String,
    /// Workload identities that exist from the start.
    pub workloads: Vec<String>,
    /// The algorithm that signs TIPs.
    pub tip_algorithm: Algorithm,
    /// A TIP lives this long at most, whatever was asked for.
    pub tip_lifetime: Duration,
    /// Issuers besides the UserPools whose tokens `GetWorkloadAccessTokenForJWT` takes.
    pub trusted_issuers: Vec<Url>,
    /// The name of the UserPool that is there from the start; its uid is [`Options::user_pool_id`].
    pub user_pool: String,
    /// The external identity providers of that pool.
    pub identity_providers: Vec<IdentityProvider>,
    /// Users who can log in.
    pub users: Vec<String>,
    /// The password of all of them.
    pub password: String,
    /// The id of the confidential client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// The id of the client that has no secret and must use PKCE.
    pub public_client_id: String,
    /// Callback addresses registered for both clients of the first pool; compared exactly.
    pub callback_urls: Vec<String>,
    /// The algorithm that signs id_tokens.
    pub id_token_algorithm: Algorithm,
    /// How long a code can be redeemed.
    pub code_lifetime: Duration,
    /// How long an id_token is good.
    pub id_token_lifetime: Duration,
    /// How long an access token is good.
    pub access_lifetime: Duration,
    /// How long a refresh token is good.
    pub refresh_lifetime: Duration,
    /// Whether a refresh token comes without the scope `offline_access`, too.
    pub always_refresh: bool,
    /// Whether each refresh brings a new refresh token and ends the old one.
    pub rotate_refresh: bool,
    /// How long a used refresh token still works before its use counts as theft.
    pub refresh_grace: Duration,
    /// Providers of OAuth2 tokens and API keys.
    pub credential_providers: Vec<CredentialProvider>,
    /// Providers of temporary access keys.
    pub role_providers: Vec<RoleProvider>,
    /// Credentials that users have stored.
    pub user_credentials: Vec<UserCredential>,
    /// How long a token of an OAuth2 provider is good.
    pub oauth2_token_lifetime: Duration,
    /// How long a user can take to agree to a provider's request.
    pub consent_lifetime: Duration,
    /// The policy namespaces that there are.
    pub namespaces: Vec<String>,
    /// What `CheckPermission` denies; it allows everything else.
    pub deny_rules: Vec<DenyRule>,
    /// The keys that `GET /metadata/credentials` shows, good for the API, too; without them it answers 404.
    pub metadata_credentials: Option<AccessKey>,
}

impl Options {
    /// The uid of the UserPool.
    #[must_use]
    pub fn user_pool_id(&self) -> String {
        format!("up-{}", self.user_pool)
    }

    /// The id of the workload pool.
    #[must_use]
    pub fn workload_pool_id(&self) -> String {
        format!("wp-{}", self.workload_pool)
    }
}

impl Default for Options {
    fn default() -> Self {
        const HOUR: Duration = Duration::from_secs(3600);
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            clock: Arc::new(SystemClock),
            account: "2100000000".to_owned(),
            region: "cn-beijing".to_owned(),
            access_keys: vec![AccessKey::new("AKLTemulator", "emulator-secret-access-key")],
            roles: Vec::new(),
            workload_pool: "default".to_owned(),
            workloads: Vec::new(),
            tip_algorithm: Algorithm::Rs256,
            tip_lifetime: HOUR,
            trusted_issuers: Vec::new(),
            user_pool: "local".to_owned(),
            identity_providers: vec![IdentityProvider::new("feishu", "lark", "OAuth")],
            users: vec!["alice".to_owned(), "bob".to_owned()],
            password: "password".to_owned(),
            client_id: "agent-identity".to_owned(),
            client_secret: "emulator-client-secret".to_owned(),
            public_client_id: "agent-identity-public".to_owned(),
            callback_urls: Vec::new(),
            id_token_algorithm: Algorithm::Rs256,
            code_lifetime: Duration::from_secs(60),
            id_token_lifetime: HOUR,
            access_lifetime: HOUR,
            refresh_lifetime: 24 * 30 * HOUR,
            always_refresh: false,
            rotate_refresh: true,
            refresh_grace: Duration::ZERO,
            credential_providers: seed::credential_providers(),
            role_providers: seed::role_providers(),
            user_credentials: Vec::new(),
            oauth2_token_lifetime: HOUR,
            consent_lifetime: Duration::from_secs(600),
            namespaces: vec!["default".to_owned()],
            deny_rules: Vec::new(),
            metadata_credentials: Some(AccessKey {
                session_token: Some("STSmetadata".to_owned()),
                role: Some("MetadataRole".to_owned()),
                ..AccessKey::new("AKTPmetadata", "emulator-metadata-secret")
            }),
        }
    }
}
