//! The one table of settings. Known keys, types, defaults, hints, the redacted view and the JSON schema all come from
//! it, so they cannot disagree.

use serde_json::{Map, Value, json};

use super::model::{Config, InjectionMode, LlmApi};
use super::secretref::Source;
use super::slot::Slot;
use crate::base::json;

/// What a setting may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text without control characters.
    Text,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of non-empty texts.
    List,
    /// `true` or `false`.
    Flag,
    /// A whole number within these limits, both included.
    Count(u64, u64),
    /// An address.
    Url(UrlRule),
    /// A text or a SecretRef that is shown shortened.
    KeyId,
    /// A text or a SecretRef that is never shown.
    Secret,
}

impl Kind {
    /// The type in words.
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            Self::Text => "string".to_owned(),
            Self::Choice(words) => format!("`{}`", words.join("` or `")),
            Self::List => "list of strings".to_owned(),
            Self::Flag => "boolean".to_owned(),
            Self::Count(min, _) => format!("whole number from {min}"),
            Self::Url(UrlRule::Callback) => "URL".to_owned(),
            Self::Url(UrlRule::Confidential) => "URL (https, or http to this machine)".to_owned(),
            Self::Url(UrlRule::Metadata) => "URL (https, or http to a metadata address)".to_owned(),
            Self::KeyId | Self::Secret => "string or SecretRef".to_owned(),
        }
    }
}

/// Where an address may point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlRule {
    /// Secrets travel to it: https, or http within this machine.
    Confidential,
    /// A metadata service: https, or http to this machine, a link-local address (169.254.0.0/16, fe80::/10), or the
    /// shared address space (100.64.0.0/10, RFC 6598) where the vendor has its own.
    Metadata,
    /// A browser goes there: any, with a warning for http beyond this machine.
    Callback,
}

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Keys from the root, joined with dots.
    pub path: &'static str,
    /// What it may hold.
    pub kind: Kind,
    /// The default as JSON text; empty when there is none.
    pub default: &'static str,
    /// What it does.
    pub about: &'static str,
    slot: for<'a> fn(&'a mut Config) -> &'a mut dyn Slot,
    read: for<'a> fn(&'a Config) -> Option<&'a dyn Slot>,
}

/// An object that holds settings.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// Keys from the root, joined with dots.
    pub path: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// Makes the object exist in the configuration, for the one that is absent by default.
    pub open: fn(&mut Config),
}

impl Field {
    /// The place of the setting; an absent optional section is created.
    pub fn slot<'a>(&self, config: &'a mut Config) -> &'a mut dyn Slot {
        (self.slot)(config)
    }

    /// The setting, unless it is in an optional section that is absent.
    #[must_use]
    pub fn read<'a>(&self, config: &'a Config) -> Option<&'a dyn Slot> {
        (self.read)(config)
    }

    /// The default as a value.
    #[must_use]
    pub fn default_value(&self) -> Option<Value> {
        json::read(self.default).ok()
    }

    /// The setting's key within its section.
    #[must_use]
    pub fn key(&self) -> &'static str {
        self.path.rsplit('.').next().unwrap_or(self.path)
    }
}

/// The longest duration that makes sense anywhere: ten years, in seconds.
pub const MAX_SECONDS: u64 = 10 * 366 * 24 * 3600;

const SECONDS: Kind = Kind::Count(1, MAX_SECONDS);
const MILLISECONDS: Kind = Kind::Count(1, MAX_SECONDS * 1000);
const MILLISECONDS_OR_OFF: Kind = Kind::Count(0, MAX_SECONDS * 1000);
const API_URL: Kind = Kind::Url(UrlRule::Confidential);
const METADATA_URL: Kind = Kind::Url(UrlRule::Metadata);

macro_rules! field {
    ($path:literal, $kind:expr, $default:literal, llm $member:ident, $about:literal) => {
        Field {
            path: $path,
            kind: $kind,
            default: $default,
            about: $about,
            slot: |config| &mut config.authz.llm_risk_check.get_or_insert_default().$member,
            read: |config| config.authz.llm_risk_check.as_ref().map(|llm| &llm.$member as &dyn Slot),
        }
    };
    ($path:literal, $kind:expr, $default:literal, $section:ident $member:ident, $about:literal) => {
        Field {
            path: $path,
            kind: $kind,
            default: $default,
            about: $about,
            slot: |config| &mut config.$section.$member,
            read: |config| Some(&config.$section.$member),
        }
    };
}

/// Every section, outer before inner.
#[rustfmt::skip]
pub static SECTIONS: [Section; 4] = [
    Section { path: "identity", about: "The cloud side and this machine's server.", open: |_| {} },
    Section { path: "userpool", about: "Where people log in: explicit (discoveryUrl, clientId) or dynamic (userPoolName, clientName).", open: |_| {} },
    Section { path: "authz", about: "What is checked and asked; each flag works alone.", open: |_| {} },
    Section { path: "authz.llmRiskCheck", about: "The model that judges medium verdicts again.", open: |config| { config.authz.llm_risk_check.get_or_insert_default(); } },
];

/// Every setting, in the order of the documentation.
#[rustfmt::skip]
pub static FIELDS: [Field; 49] = [
    field!("identity.endpoint", API_URL, "", identity endpoint, "Base URL of the identity API. When set, the region is not looked up."),
    field!("identity.regionMetadataUrl", METADATA_URL, "", identity region_metadata_url, "Where the region id is read from (plain text) when endpoint is unset."),
    field!("identity.accessKeyId", Kind::KeyId, "", identity access_key_id, "Access key; only together with secretAccessKey. Unset: VOLCENGINE_ACCESS_KEY, then the credential file."),
    field!("identity.secretAccessKey", Kind::Secret, "", identity secret_access_key, "Secret key of accessKeyId."),
    field!("identity.sessionToken", Kind::Secret, "", identity session_token, "Session token of a temporary key pair."),
    field!("identity.credentialsFile", Kind::Text, "", identity credentials_file, "Credential file (JSON). Unset: VOLCENGINE_CREDENTIALS_FILE, then /var/run/secrets/iam/credential."),
    field!("identity.credentialsMetadataUrl", METADATA_URL, "", identity credentials_metadata_url, "Where temporary keys are fetched from; only together with roleTrn."),
    field!("identity.roleTrn", Kind::Text, "", identity role_trn, "Role to assume for the caller's keys. Without workloadName, no workload name is sent then."),
    field!("identity.workloadName", Kind::Text, "", identity workload_name, "Workload name to send. Unset, and no roleTrn: the session's agent id, else openclaw-agent."),
    field!("identity.workloadPoolName", Kind::Text, "\"default\"", identity workload_pool_name, "Workload pool."),
    field!("identity.audience", Kind::List, "", identity audience, "Audience of workload tokens."),
    field!("identity.durationSeconds", SECONDS, "3600", identity duration_seconds, "Lifetime of workload tokens to ask for, in seconds."),
    field!("identity.subagentTipPropagation", Kind::Flag, "false", identity subagent_tip_propagation, "Give subagents a workload token and session of their own."),
    field!("identity.webchatSessionExchange", Kind::Flag, "false", identity webchat_session_exchange, "Offer the identity.session.put and identity.session.get gateway methods to webchat clients."),
    field!("identity.personalSessionMode", Kind::Flag, "false", identity personal_session_mode, "Single-user mode: everything is kept under agent:main:main. Not for several users or shared groups."),
    field!("identity.localServer", Kind::Flag, "false", identity local_server, "Start the HTTP server on the Unix socket."),
    field!("identity.localServerAllowlist", Kind::List, "[]", identity local_server_allowlist, "Further process names or paths that may use the socket; a trailing * matches the rest."),
    field!("identity.localServerFailOpen", Kind::Flag, "true", identity local_server_fail_open, "Let a peer of the same user in when its process cannot be resolved. False: refuse it."),
    field!("identity.bindingImportAllow", Kind::List, "[]", identity binding_import_allow, "Environment names of refused families that may be imported all the same."),
    field!("identity.injection", Kind::Choice(&InjectionMode::NAMES), "\"env\"", identity injection, "What tool calls are given: env, the bound variables and a handle; handle, the handle alone, with which agent-identity exec gets the variables. Other plugins of the host see a call's parameters."),
    field!("identity.binaryPath", Kind::Text, "", identity binary_path, "The agent-identity program that the plugin starts. Unset: AGENT_IDENTITY_BIN, the plugin's own folder, its platform package, then PATH."),
    field!("identity.store", Kind::Secret, "", identity store, "Where logins and what belongs to them are kept. Unset or file: the data folder; a redis:// or rediss:// URL: an engine that several instances share (docs/scale.md has its options)."),
    field!("identity.storePassword", Kind::Secret, "", identity store_password, "Password of that engine, instead of one in the URL."),
    field!("userpool.discoveryUrl", API_URL, "", userpool discovery_url, "OIDC discovery base; its presence chooses the explicit mode."),
    field!("userpool.clientId", Kind::Text, "", userpool client_id, "OIDC client (explicit mode)."),
    field!("userpool.clientSecret", Kind::Secret, "", userpool client_secret, "Its secret (explicit mode). Unset: a public client with PKCE."),
    field!("userpool.callbackUrl", Kind::Url(UrlRule::Callback), "", userpool callback_url, "The public callback URL registered with the client, sent as redirect_uri."),
    field!("userpool.scope", Kind::Text, "\"openid profile email\"", userpool scope, "Scopes to ask for. Some providers give refresh tokens only for offline_access."),
    field!("userpool.userPoolName", Kind::Text, "", userpool user_pool_name, "Name of the user pool (dynamic mode)."),
    field!("userpool.clientName", Kind::Text, "", userpool client_name, "Name of the client in that pool (dynamic mode)."),
    field!("userpool.autoCreate", Kind::Flag, "true", userpool auto_create, "Create the pool or client when absent (dynamic mode)."),
    field!("userpool.identityProvider", Kind::Text, "", userpool identity_provider, "Value of the identity_provider parameter. Unset: the first one the pool lists."),
    field!("userpool.useRelayCallback", Kind::Flag, "false", userpool use_relay_callback, "Log in through the pool's relay (redirect_relay_uri)."),
    field!("userpool.confirmLogin", Kind::Flag, "true", userpool confirm_login, "Ask the person on the callback page before signing in."),
    field!("authz.agentCheck", Kind::Flag, "false", authz agent_check, "Check that the user may use the agent."),
    field!("authz.toolCheck", Kind::Flag, "false", authz tool_check, "Check each tool call."),
    field!("authz.skillReadCheck", Kind::Flag, "false", authz skill_read_check, "Check reads of SKILL.md files."),
    field!("authz.requireRiskApproval", Kind::Flag, "false", authz require_risk_approval, "Ask a person about high-risk tool calls."),
    field!("authz.namespaceName", Kind::Text, "\"default\"", authz namespace_name, "Cedar policy namespace of the checks."),
    field!("authz.lowRiskBypass", Kind::Flag, "true", authz low_risk_bypass, "Low-risk tools need no workload token and no check."),
    field!("authz.lowRiskTools", Kind::List, "[]", authz low_risk_tools, "Further low-risk tools, added to the built-in ones."),
    field!("authz.enableLlmRiskCheck", Kind::Flag, "false", authz enable_llm_risk_check, "Let a model judge medium verdicts again; needs llmRiskCheck."),
    field!("authz.llmRiskCheck.endpoint", API_URL, "", llm endpoint, "Base URL of the model service."),
    field!("authz.llmRiskCheck.api", Kind::Choice(&LlmApi::NAMES), "\"ollama\"", llm api, "The protocol it speaks."),
    field!("authz.llmRiskCheck.model", Kind::Text, "", llm model, "Name of the model."),
    field!("authz.llmRiskCheck.apiKey", Kind::Secret, "", llm api_key, "Bearer key, where the service wants one."),
    field!("authz.llmRiskCheck.timeoutMs", MILLISECONDS, "10000", llm timeout_ms, "Limit of one judgement, in milliseconds."),
    field!("authz.llmRiskCheck.cacheTtlMs", MILLISECONDS_OR_OFF, "300000", llm cache_ttl_ms, "How long a judgement is kept, in milliseconds; 0 switches the cache off."),
    field!("authz.approvalTtlSeconds", SECONDS, "300", authz approval_ttl_seconds, "How long an approval may take, in seconds."),
];

/// Settings that older samples put at the root; the nested one is meant and wins.
pub static ALIASES: [(&str, &str); 3] = [
    ("localServer", "identity.localServer"),
    ("localServerAllowlist", "identity.localServerAllowlist"),
    ("localServerFailOpen", "identity.localServerFailOpen"),
];

/// The setting with this path.
#[must_use]
pub fn field(path: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.path == path)
}

/// The section with this path.
#[must_use]
pub fn section(path: &str) -> Option<&'static Section> {
    SECTIONS.iter().find(|section| section.path == path)
}

/// The keys that an object at `path` may have (the root is the empty path).
pub fn keys_of(path: &str) -> impl Iterator<Item = &'static str> {
    let within = move |inner: &'static str| match path {
        "" => Some(inner),
        _ => inner.strip_prefix(path)?.strip_prefix('.'),
    };
    let paths = SECTIONS.iter().map(|section| section.path).chain(FIELDS.iter().map(|field| field.path));
    paths.filter_map(within).filter(|key| !key.contains('.'))
}

/// The JSON schema of the plugin's configuration, as the manifest's `configSchema` carries it.
///
/// Unknown keys are left to our own reader inside the sections, which names the nearest one; the root is closed, with
/// the aliases in it.
#[must_use]
pub fn schema() -> Value {
    let mut root = json!({ "type": "object", "additionalProperties": false, "properties": {} });
    for section in &SECTIONS {
        let schema = json!({ "type": "object", "description": section.about, "properties": {} });
        insert(&mut root, section.path, schema);
    }
    for field in &FIELDS {
        insert(&mut root, field.path, field_schema(field, field.about.to_owned()));
    }
    for (alias, path) in ALIASES {
        if let Some(field) = field(path) {
            // No default: one here would look like a value that somebody set.
            let plain = Field { default: "", ..*field };
            insert(&mut root, alias, field_schema(&plain, format!("Deprecated: use {path}.")));
        }
    }
    root
}

/// The table of settings for the documentation, in Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut text = String::from("| Setting | Type | Default | Meaning |\n|---|---|---|---|\n");
    for field in &FIELDS {
        let default = if field.default.is_empty() { String::new() } else { format!("`{}`", field.default) };
        text += &format!("| `{}` | {} | {default} | {} |\n", field.path, field.kind.describe(), field.about);
    }
    text
}

fn insert(root: &mut Value, path: &str, schema: Value) {
    let mut object = root;
    for key in path.split('.') {
        object = &mut object["properties"][key];
    }
    *object = schema;
}

/// A SecretRef has these three members and no other. Without this the host refuses a reference before it resolves it.
fn reference_schema() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["source", "provider", "id"],
        "properties": {
            "source": { "type": "string", "enum": Source::ALL.map(Source::as_str) },
            "provider": { "type": "string" },
            "id": { "type": "string" },
        },
    })
}

fn field_schema(field: &Field, about: String) -> Value {
    let mut schema = Map::new();
    match field.kind {
        Kind::Text | Kind::Url(_) => drop(schema.insert("type".into(), "string".into())),
        Kind::KeyId | Kind::Secret => {
            schema.insert("anyOf".into(), json!([{ "type": "string" }, reference_schema()]));
        }
        Kind::Flag => drop(schema.insert("type".into(), "boolean".into())),
        Kind::Choice(words) => {
            schema.insert("type".into(), "string".into());
            schema.insert("enum".into(), words.into());
        }
        Kind::List => {
            schema.insert("type".into(), "array".into());
            schema.insert("items".into(), json!({ "type": "string" }));
        }
        Kind::Count(min, max) => {
            schema.insert("type".into(), "integer".into());
            schema.insert("minimum".into(), min.into());
            schema.insert("maximum".into(), max.into());
        }
    }
    if let Some(default) = field.default_value() {
        schema.insert("default".into(), default);
    }
    schema.insert("description".into(), about.into());
    schema.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_and_the_models_defaults_agree() {
        let mut config = Config::default();
        SECTIONS.iter().for_each(|section| (section.open)(&mut config));
        for field in &FIELDS {
            let shown = field.read(&config).unwrap().show();
            // Unset, the socket server is the plugin's to leave off and `serve`'s to start.
            let expected = (field.path != "identity.localServer").then(|| field.default_value()).flatten();
            assert_eq!(shown, expected, "{}", field.path);
            assert_eq!(field.default.is_empty(), field.default_value().is_none(), "{}", field.path);
        }
    }

    #[test]
    fn every_setting_is_in_a_section_and_there_once() {
        for (index, field) in FIELDS.iter().enumerate() {
            let (parent, key) = field.path.rsplit_once('.').unwrap();
            assert!(section(parent).is_some() && field.key() == key, "{}", field.path);
            assert!(FIELDS[..index].iter().all(|other| other.path != field.path), "{}", field.path);
        }
        assert_eq!(keys_of("").collect::<Vec<_>>(), ["identity", "userpool", "authz"]);
        assert!(keys_of("authz").any(|key| key == "llmRiskCheck"));
        assert_eq!(keys_of("authz.llmRiskCheck").count(), 6);
        assert!(ALIASES.iter().all(|(alias, path)| field(path).is_some_and(|field| field.key() == *alias)));
    }

    #[test]
    fn schema_and_documentation_have_every_setting() {
        let schema = schema();
        assert_eq!(schema["additionalProperties"], false);
        for field in &FIELDS {
            let pointer: String = field.path.split('.').map(|key| format!("/properties/{key}")).collect();
            let found = schema.pointer(&pointer).unwrap_or_else(|| panic!("{pointer}"));
            assert_eq!(found.get("default").cloned(), field.default_value(), "{}", field.path);
            assert_eq!(found["description"], field.about);
        }
        let markdown = markdown();
        assert!(FIELDS.iter().all(|field| markdown.contains(&format!("| `{}` | ", field.path))));
        assert_eq!(markdown.lines().count(), FIELDS.len() + 2);
        assert!(markdown.lines().all(|line| line.matches('|').count() == 5), "{markdown}");
        assert_eq!(schema["properties"]["localServer"]["type"], "boolean");
        assert_eq!(
            schema.pointer("/properties/authz/properties/llmRiskCheck/properties/api/enum").unwrap(),
            &json!(["ollama", "openai-completions"])
        );
    }
}
