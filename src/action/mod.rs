//! One module for each thing that a user can ask for: typed input, typed outcome.
//!
//! Socket routes, tools and command line are renderings: they turn bytes into an [`Action`], have it performed by
//! [`Services::perform`], and turn the [`Outcome`] into bytes. So a rule lives in one place and no two surfaces can
//! disagree.

use serde::Serialize;

use crate::base::error::Result;
use crate::oidc::pending::Origin;
use crate::session::key::SessionKey;

pub mod authz_explain;
pub mod config_suggest;
pub mod decide_approval;
pub mod environment;
pub mod fetch;
pub mod follow_up;
pub mod health;
pub mod list_credentials;
pub mod list_risk_patterns;
pub mod list_roles;
pub mod list_tips;
pub mod login;
pub mod logout;
pub mod provide_secrets;
pub mod registry;
pub mod risk_check;
pub mod role_credentials;
pub mod server_status;
pub mod services;
pub mod session_exchange;
pub mod session_get;
pub mod session_put;
pub mod set_binding;
pub mod show_config;
pub mod sign_in;
pub mod status;
pub mod target;
#[cfg(test)]
pub(crate) mod testing;
pub mod token;
pub mod tool;
pub mod unset_binding;
pub mod user_token;
pub mod whoami;

pub use services::Services;

/// Everything that can be asked for. A session of `None` means the main one, see [`target`]. What is large is boxed, here and
/// in [`Outcome`], since every request moves one of each a few times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// What would be ruled on a call, and why?
    AuthzExplain(authz_explain::Input),
    /// What should be configured?
    ConfigSuggest(config_suggest::Input),
    /// A person's word on a blocked call.
    DecideApproval(decide_approval::Input),
    /// Fetch a hosted credential.
    Fetch(Box<fetch::Input>),
    /// Which variables does a program get that runs for the session?
    Environment(Option<SessionKey>),
    /// Does the process work?
    Health,
    /// Which credential providers are there, and what does the session have of them?
    ListCredentials(Box<list_credentials::Input>),
    /// What counts as risky?
    ListRiskPatterns,
    /// Which role providers are there?
    ListRoles(list_roles::Input),
    /// Which workload tokens are at hand, of the session or of all?
    ListTips(Option<SessionKey>),
    /// Start a login, or refresh the workload token of an existing one.
    Login(login::Input),
    /// End a login.
    Logout(Option<SessionKey>),
    /// What do the host's references to hosted credentials stand for?
    ProvideSecrets(provide_secrets::Input),
    /// How risky is a command or a tool call?
    RiskCheck(risk_check::Input),
    /// Get temporary keys of a role.
    RoleCredentials(role_credentials::Input),
    /// What is going on in this process?
    ServerStatus,
    /// What is the login of a web chat's session?
    SessionGet(session_get::Input),
    /// Take over a login that was made for a web chat.
    SessionPut(Box<session_put::Input>),
    /// Bind a credential to an environment name.
    SetBinding(set_binding::Input),
    /// What is configured?
    ShowConfig,
    /// What is the whole state of a session's identity?
    Status(Option<SessionKey>),
    /// The workload token.
    Token(Option<SessionKey>),
    /// Which tools are there?
    Tools,
    /// Remove a binding.
    UnsetBinding(unset_binding::Input),
    /// The OIDC user token.
    UserToken(Option<SessionKey>),
    /// Who is logged in?
    Whoami(Option<SessionKey>),
}

/// What came of it. Serialises as the plain object of the action.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Outcome {
    /// Of [`Action::AuthzExplain`].
    AuthzExplain(Box<authz_explain::Outcome>),
    /// Of [`Action::ConfigSuggest`].
    ConfigSuggest(Box<config_suggest::Outcome>),
    /// Of [`Action::DecideApproval`].
    DecideApproval(decide_approval::Outcome),
    /// Of [`Action::Fetch`].
    Fetch(Box<fetch::Outcome>),
    /// Of [`Action::Environment`].
    Environment(environment::Outcome),
    /// Of [`Action::Health`].
    Health(health::Outcome),
    /// Of [`Action::ListCredentials`].
    ListCredentials(list_credentials::Outcome),
    /// Of [`Action::ListRiskPatterns`].
    ListRiskPatterns(list_risk_patterns::Outcome),
    /// Of [`Action::ListRoles`].
    ListRoles(list_roles::Outcome),
    /// Of [`Action::ListTips`].
    ListTips(list_tips::Outcome),
    /// Of [`Action::Login`].
    Login(Box<login::Outcome>),
    /// Of [`Action::Logout`].
    Logout(logout::Outcome),
    /// Of [`Action::ProvideSecrets`].
    ProvideSecrets(provide_secrets::Outcome),
    /// Of [`Action::RiskCheck`].
    RiskCheck(Box<risk_check::Outcome>),
    /// Of [`Action::RoleCredentials`].
    RoleCredentials(Box<role_credentials::Outcome>),
    /// Of [`Action::ServerStatus`].
    ServerStatus(Box<server_status::Outcome>),
    /// Of [`Action::SessionGet`].
    SessionGet(session_get::Outcome),
    /// Of [`Action::SessionPut`].
    SessionPut(session_put::Outcome),
    /// Of [`Action::SetBinding`].
    SetBinding(set_binding::Outcome),
    /// Of [`Action::ShowConfig`].
    ShowConfig(show_config::Outcome),
    /// Of [`Action::Status`].
    Status(Box<status::Outcome>),
    /// Of [`Action::Token`].
    Token(token::Outcome),
    /// Of [`Action::Tools`].
    Tools(registry::Outcome),
    /// Of [`Action::UnsetBinding`].
    UnsetBinding(unset_binding::Outcome),
    /// Of [`Action::UserToken`].
    UserToken(user_token::Outcome),
    /// Of [`Action::Whoami`].
    Whoami(Box<whoami::Outcome>),
}

impl Action {
    /// The same, asked for in a chat: the page that asks a person to confirm a login shows it, and what comes of a login
    /// or a consent is told there.
    #[must_use]
    pub fn asked_in(mut self, origin: &Origin) -> Self {
        match &mut self {
            Self::Login(login) => login.origin.clone_from(origin),
            Self::Fetch(fetch) => fetch.origin.clone_from(origin),
            _ => {}
        }
        self
    }
}

impl Services {
    /// Performs an action. Blocks for as long as the cloud or the OpenID provider takes.
    ///
    /// # Errors
    /// What failed, on what, and what to do next.
    pub fn perform(&self, action: Action) -> Result<Outcome> {
        Ok(match action {
            Action::AuthzExplain(input) => Outcome::AuthzExplain(Box::new(authz_explain::run(self, input)?)),
            Action::ConfigSuggest(input) => Outcome::ConfigSuggest(Box::new(config_suggest::run(input))),
            Action::DecideApproval(input) => Outcome::DecideApproval(decide_approval::run(self, input)?),
            Action::Fetch(input) => Outcome::Fetch(Box::new(fetch::run(self, *input)?)),
            Action::Environment(session) => Outcome::Environment(environment::run(self, session)?),
            Action::Health => Outcome::Health(health::run(self)),
            Action::ListCredentials(input) => Outcome::ListCredentials(list_credentials::run(self, *input)?),
            Action::ListRiskPatterns => Outcome::ListRiskPatterns(list_risk_patterns::run()),
            Action::ListRoles(input) => Outcome::ListRoles(list_roles::run(self, input)?),
            Action::ListTips(session) => Outcome::ListTips(list_tips::run(self, session.as_ref())?),
            Action::Login(input) => Outcome::Login(Box::new(login::run(self, input)?)),
            Action::Logout(session) => Outcome::Logout(logout::run(self, session)?),
            Action::ProvideSecrets(input) => Outcome::ProvideSecrets(provide_secrets::run(self, &input)),
            Action::RiskCheck(input) => Outcome::RiskCheck(Box::new(risk_check::run(self, &input))),
            Action::RoleCredentials(input) => {
                Outcome::RoleCredentials(Box::new(role_credentials::run(self, input)?))
            }
            Action::ServerStatus => Outcome::ServerStatus(Box::new(server_status::run(self))),
            Action::SessionGet(input) => Outcome::SessionGet(session_get::run(self, input)?),
            Action::SessionPut(input) => Outcome::SessionPut(session_put::run(self, *input)?),
            Action::SetBinding(input) => Outcome::SetBinding(set_binding::run(self, input)?),
            Action::ShowConfig => Outcome::ShowConfig(show_config::run(self)),
            Action::Status(session) => Outcome::Status(Box::new(status::run(self, session)?)),
            Action::Token(session) => Outcome::Token(token::run(self, session)?),
            Action::Tools => Outcome::Tools(registry::run()),
            Action::UnsetBinding(input) => Outcome::UnsetBinding(unset_binding::run(self, input)?),
            Action::UserToken(session) => Outcome::UserToken(user_token::run(self, session)?),
            Action::Whoami(session) => Outcome::Whoami(Box::new(whoami::run(self, session)?)),
        })
    }
}
