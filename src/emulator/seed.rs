//! What an emulator can be told to have from its start: providers, credentials, rules. The controls over HTTP take the
//! same values as JSON, member names in camel case.

use serde::{Deserialize, Serialize};

/// How an OAuth2 provider gives its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Flow {
    /// A user agrees in the browser.
    UserFederation,
    /// At once, to the machine.
    M2m,
}

impl Flow {
    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::UserFederation => "USER_FEDERATION",
            Self::M2m => "M2M",
        }
    }
}

/// Where an API key goes in a request to the service it is for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApiKeyPlace {
    /// `header` or `query`.
    pub location: String,
    /// The header's or parameter's name.
    pub parameter_name: String,
    /// What comes before the key.
    #[serde(default)]
    pub prefix: String,
}

/// The two kinds of credential provider.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum ProviderKind {
    /// Hands out tokens of an OAuth2 service.
    Oauth2 {
        /// How.
        flow: Flow,
        /// The scopes when none are asked for.
        #[serde(default)]
        scopes: Vec<String>,
        /// Addresses that `RedirectUrl` may name, besides the service's own.
        #[serde(default)]
        redirect_urls: Vec<String>,
    },
    /// Hands out one API key.
    ApiKey {
        /// The key.
        key: String,
        /// Where it goes.
        #[serde(default)]
        places: Vec<ApiKeyPlace>,
    },
}

/// A credential provider of the workload pool.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CredentialProvider {
    /// The name, unique among credential providers.
    pub name: String,
    /// The vendor's number; 0 for none known.
    #[serde(default)]
    pub vendor: u32,
    /// How many resources are bound to it.
    #[serde(default)]
    pub bindings: u32,
    /// What it is.
    pub kind: ProviderKind,
}

/// Whose tokens a role provider takes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum IdentitySource {
    /// TIPs of the workload pool.
    AgentPool,
    /// Id tokens of a UserPool, and TIPs.
    UserPool {
        /// The pool's name; the first pool when absent.
        #[serde(default)]
        pool: Option<String>,
        /// The id of the client that the token must be for; any when absent.
        #[serde(default)]
        client: Option<String>,
    },
}

/// How a rule compares a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MatchType {
    /// The claim is the value.
    Equals,
    /// The claim, a text or a list of texts, contains the value.
    Contains,
}

/// A role for identities with some claim.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClaimRule {
    /// The claim's name.
    pub claim: String,
    /// How it is compared.
    pub match_type: MatchType,
    /// With what.
    pub value: String,
    /// The role.
    pub role: String,
}

/// Which role a role provider's keys are of.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum RoleMapping {
    /// Always the same.
    Role {
        /// Its name.
        name: String,
    },
    /// The one that the request names, if it is among these.
    Request {
        /// Their names.
        allowed: Vec<String>,
    },
    /// The first whose claim fits, else the default.
    Rules {
        /// The name of the role that is left.
        default: String,
        /// The rules.
        rules: Vec<ClaimRule>,
    },
}

/// A role credential provider.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleProvider {
    /// The name, unique among role providers.
    pub name: String,
    /// The vendor's number.
    #[serde(default)]
    pub vendor: u32,
    /// Whose tokens it takes.
    pub identity: IdentitySource,
    /// Which role it gives.
    pub mapping: RoleMapping,
}

/// An external identity provider of a UserPool.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IdentityProvider {
    /// The identifier.
    pub uid: String,
    /// The name, as `identity_provider` gives it.
    pub name: String,
    /// The product, such as `lark`.
    pub provider: String,
    /// `OAuth`, `OIDC` or `SAML`.
    pub connection_type: String,
    /// Whether users can log in with it.
    pub enabled: bool,
}

impl IdentityProvider {
    /// An enabled provider with the identifier `idp-{name}`.
    #[must_use]
    pub fn new(name: &str, provider: &str, connection_type: &str) -> Self {
        Self {
            uid: format!("idp-{name}"),
            name: name.to_owned(),
            provider: provider.to_owned(),
            connection_type: connection_type.to_owned(),
            enabled: true,
        }
    }
}

/// A participant of a permission check.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Entity {
    /// Its type, such as `user`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its identifier.
    pub id: String,
}

impl Entity {
    /// An entity.
    #[must_use]
    pub fn new(kind: &str, id: &str) -> Self {
        Self { kind: kind.to_owned(), id: id.to_owned() }
    }
}

/// A permission that is denied. Each part that is given must fit; one that is absent fits all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DenyRule {
    /// The namespace.
    pub namespace: Option<String>,
    /// Who wants to.
    pub principal: Option<Entity>,
    /// What.
    pub operation: Option<Entity>,
    /// With what.
    pub resource: Option<Entity>,
    /// One of those through whose hands the request went.
    pub original_caller: Option<Entity>,
}

/// A credential that a user has stored.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserCredential {
    /// Its identifier.
    pub id: String,
    /// The name of the user whose it is.
    pub user: String,
    /// What is stored.
    pub data: String,
}

/// The credential providers that are there unless told otherwise: two of each flow that needs telling apart.
pub(super) fn credential_providers() -> Vec<CredentialProvider> {
    let oauth2 = |name: &str, vendor, flow, scopes: &[&str]| CredentialProvider {
        name: name.to_owned(),
        vendor,
        bindings: 0,
        kind: ProviderKind::Oauth2 {
            flow,
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            redirect_urls: Vec::new(),
        },
    };
    let bearer = ApiKeyPlace {
        location: "header".to_owned(),
        parameter_name: "Authorization".to_owned(),
        prefix: "Bearer ".to_owned(),
    };
    vec![
        oauth2("google", 1, Flow::UserFederation, &["email", "profile"]),
        oauth2("github", 2, Flow::UserFederation, &["repo"]),
        oauth2("billing", 0, Flow::M2m, &["invoices:read"]),
        CredentialProvider {
            name: "openai".to_owned(),
            vendor: 0,
            bindings: 1,
            kind: ProviderKind::ApiKey { key: "sk-emulator-openai".to_owned(), places: vec![bearer] },
        },
    ]
}

/// The role providers that are there unless told otherwise: one for each identity source.
pub(super) fn role_providers() -> Vec<RoleProvider> {
    let provider = |name: &str, identity, role: &str| RoleProvider {
        name: name.to_owned(),
        vendor: 0,
        identity,
        mapping: RoleMapping::Role { name: role.to_owned() },
    };
    vec![
        provider("ecs-readonly", IdentitySource::UserPool { pool: None, client: None }, "EcsReadonly"),
        provider("tos-agent", IdentitySource::AgentPool, "TosAgent"),
    ]
}
