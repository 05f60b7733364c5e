//! Every setting, as rows CFG-01 to CFG-58 of `docs/features.md` list them.

use crate::base::secret::Secret;
use crate::base::url::Url;

/// The whole configuration: `plugins.entries.agent-identity.config` of `openclaw.json`, or a file of its own.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The cloud side and this machine's server.
    pub identity: Identity,
    /// Where people log in.
    pub userpool: UserPool,
    /// What is checked and asked.
    pub authz: Authz,
}

/// `identity.*`
#[derive(Clone, Debug)]
pub struct Identity {
    /// Base URL of the `id` API; when set, the region is not looked up.
    pub endpoint: Option<Url>,
    /// Where a plain-text region id is read from when `endpoint` is unset.
    pub region_metadata_url: Option<Url>,
    /// Access key, only together with the secret key.
    pub access_key_id: Option<Secret>,
    /// Secret key.
    pub secret_access_key: Option<Secret>,
    /// Session token of a temporary key pair.
    pub session_token: Option<Secret>,
    /// Credential file; `None` leaves the choice to the environment and the platform's default path.
    pub credentials_file: Option<String>,
    /// Where temporary keys are fetched from, only together with `roleTrn`.
    pub credentials_metadata_url: Option<Url>,
    /// The role to assume for the caller's keys.
    pub role_trn: Option<String>,
    /// The workload name to send, whatever else is set.
    pub workload_name: Option<String>,
    /// The workload pool.
    pub workload_pool_name: String,
    /// Audience of workload tokens; `None` omits the field.
    pub audience: Option<Vec<String>>,
    /// Lifetime to ask for, in seconds.
    pub duration_seconds: u64,
    /// Whether subagents get their own token.
    pub subagent_tip_propagation: bool,
    /// Whether webchat may put and get sessions.
    pub webchat_session_exchange: bool,
    /// Single-user mode.
    pub personal_session_mode: bool,
    /// Whether the socket server runs; `None` when the file does not say (the plugin then does not start it).
    pub local_server: Option<bool>,
    /// Names and paths that may use the socket besides the built-in ones.
    pub local_server_allowlist: Vec<String>,
    /// Whether a peer whose process cannot be resolved is let in.
    pub local_server_fail_open: bool,
    /// Environment names of refused families that may be imported all the same.
    pub binding_import_allow: Vec<String>,
    /// What tool calls are given.
    pub injection: InjectionMode,
    /// The program that the host's plugin starts.
    pub binary_path: Option<String>,
    /// Where logins are kept: `file`, or the URL of an engine; `None` is `file`.
    pub store: Option<Secret>,
    /// The engine's password, instead of one in the URL.
    pub store_password: Option<Secret>,
}

/// `userpool.*`
#[derive(Clone, Debug)]
pub struct UserPool {
    /// OIDC discovery base; its presence chooses the explicit mode.
    pub discovery_url: Option<Url>,
    /// The OIDC client.
    pub client_id: Option<String>,
    /// Its secret; without one it is a public client with PKCE.
    pub client_secret: Option<Secret>,
    /// Whether a client secret is configured but could not be read: the client must then not pass for a public one.
    pub client_secret_unavailable: bool,
    /// The registered callback, sent verbatim as `redirect_uri`.
    pub callback_url: Option<Url>,
    /// What to ask for.
    pub scope: String,
    /// Dynamic mode: the pool's name.
    pub user_pool_name: Option<String>,
    /// Dynamic mode: the client's name.
    pub client_name: Option<String>,
    /// Dynamic mode: whether absent ones are created.
    pub auto_create: bool,
    /// Value of the `identity_provider` parameter.
    pub identity_provider: Option<String>,
    /// Whether the login goes through the pool's relay.
    pub use_relay_callback: bool,
    /// Whether the callback asks the person before it signs in.
    pub confirm_login: bool,
}

/// `authz.*`
#[derive(Clone, Debug)]
pub struct Authz {
    /// Check the agent.
    pub agent_check: bool,
    /// Check each tool call.
    pub tool_check: bool,
    /// Check reads of skill files.
    pub skill_read_check: bool,
    /// Ask a person about high-risk calls.
    pub require_risk_approval: bool,
    /// Cedar policy namespace.
    pub namespace_name: String,
    /// Whether low-risk tools skip token and check.
    pub low_risk_bypass: bool,
    /// Further low-risk tools.
    pub low_risk_tools: Vec<String>,
    /// Whether a model judges medium verdicts again.
    pub enable_llm_risk_check: bool,
    /// That model.
    pub llm_risk_check: Option<LlmRiskCheck>,
    /// How long an approval may take, in seconds.
    pub approval_ttl_seconds: u64,
}

/// `authz.llmRiskCheck.*`
#[derive(Clone, Debug)]
pub struct LlmRiskCheck {
    /// Base URL.
    pub endpoint: Option<Url>,
    /// The protocol it speaks.
    pub api: LlmApi,
    /// The model's name.
    pub model: Option<String>,
    /// Bearer key, where the service wants one.
    pub api_key: Option<Secret>,
    /// Limit of one judgement, in milliseconds.
    pub timeout_ms: u64,
    /// How long a judgement is kept, in milliseconds; 0 switches the cache off.
    pub cache_ttl_ms: u64,
}

/// `authz.llmRiskCheck.api`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum LlmApi {
    /// `POST {endpoint}/api/generate`
    #[default]
    Ollama,
    /// `POST {endpoint}/chat/completions`
    OpenaiCompletions,
}

impl LlmApi {
    /// Every protocol.
    pub const ALL: [Self; 2] = [Self::Ollama, Self::OpenaiCompletions];
    /// Their names, in the same order.
    pub const NAMES: [&str; 2] = [Self::ALL[0].as_str(), Self::ALL[1].as_str()];

    /// The name in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ollama => "ollama",
            Self::OpenaiCompletions => "openai-completions",
        }
    }
}

/// `identity.injection`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum InjectionMode {
    /// The bound variables, and the call's handle.
    #[default]
    Env,
    /// The call's handle alone: the host's other plugins see a call's parameters.
    Handle,
}

impl InjectionMode {
    /// Every mode.
    pub const ALL: [Self; 2] = [Self::Env, Self::Handle];
    /// Their names, in the same order.
    pub const NAMES: [&str; 2] = [Self::ALL[0].as_str(), Self::ALL[1].as_str()];

    /// The name in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Env => "env",
            Self::Handle => "handle",
        }
    }
}

impl Default for Identity {
    fn default() -> Self {
        Self {
            endpoint: None,
            region_metadata_url: None,
            access_key_id: None,
            secret_access_key: None,
            session_token: None,
            credentials_file: None,
            credentials_metadata_url: None,
            role_trn: None,
            workload_name: None,
            workload_pool_name: "default".to_owned(),
            audience: None,
            duration_seconds: 3600,
            subagent_tip_propagation: false,
            webchat_session_exchange: false,
            personal_session_mode: false,
            local_server: None,
            local_server_allowlist: Vec::new(),
            local_server_fail_open: true,
            binding_import_allow: Vec::new(),
            injection: InjectionMode::default(),
            binary_path: None,
            store: None,
            store_password: None,
        }
    }
}

impl Default for UserPool {
    fn default() -> Self {
        Self {
            discovery_url: None,
            client_id: None,
            client_secret: None,
            client_secret_unavailable: false,
            callback_url: None,
            scope: "openid profile email".to_owned(),
            user_pool_name: None,
            client_name: None,
            auto_create: true,
            identity_provider: None,
            use_relay_callback: false,
            confirm_login: true,
        }
    }
}

impl Default for Authz {
    fn default() -> Self {
        Self {
            agent_check: false,
            tool_check: false,
            skill_read_check: false,
            require_risk_approval: false,
            namespace_name: "default".to_owned(),
            low_risk_bypass: true,
            low_risk_tools: Vec::new(),
            enable_llm_risk_check: false,
            llm_risk_check: None,
            approval_ttl_seconds: 300,
        }
    }
}

impl Default for LlmRiskCheck {
    fn default() -> Self {
        Self {
            endpoint: None,
            api: LlmApi::default(),
            model: None,
            api_key: None,
            timeout_ms: 10_000,
            cache_ttl_ms: 300_000,
        }
    }
}
