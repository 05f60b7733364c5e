//! One module for each thing that a user can ask for: typed input, typed outcome.
//!
//! Socket routes, tools and command line are renderings: they turn bytes into an [`Action`], have it performed by
//! [`Services::perform`], and turn the [`Outcome`] into bytes. So a rule lives in one place and no two surfaces can
//! disagree.

use serde::Serialize;

use crate::base::error::Result;
use crate::session::key::SessionKey;

pub mod health;
pub mod login;
pub mod logout;
pub mod server_status;
pub mod services;
pub mod sign_in;
pub mod target;
pub mod token;
pub mod user_token;
pub mod whoami;

pub use services::Services;

/// Everything that can be asked for. A session of `None` means the main one, see [`target`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Does the process work?
    Health,
    /// Start a login, or refresh the workload token of an existing one.
    Login(login::Input),
    /// End a login.
    Logout(Option<SessionKey>),
    /// What is going on in this process?
    ServerStatus,
    /// The workload token.
    Token(Option<SessionKey>),
    /// The OIDC user token.
    UserToken(Option<SessionKey>),
    /// Who is logged in?
    Whoami(Option<SessionKey>),
}

/// What came of it. Serialises as the plain object of the action.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Outcome {
    /// Of [`Action::Health`].
    Health(health::Outcome),
    /// Of [`Action::Login`].
    Login(login::Outcome),
    /// Of [`Action::Logout`].
    Logout(logout::Outcome),
    /// Of [`Action::ServerStatus`].
    ServerStatus(Box<server_status::Outcome>),
    /// Of [`Action::Token`].
    Token(token::Outcome),
    /// Of [`Action::UserToken`].
    UserToken(user_token::Outcome),
    /// Of [`Action::Whoami`].
    Whoami(whoami::Outcome),
}

impl Services {
    /// Performs an action. Blocks for as long as the cloud or the OpenID provider takes.
    ///
    /// # Errors
    /// What failed, on what, and what to do next.
    pub fn perform(&self, action: Action) -> Result<Outcome> {
        Ok(match action {
            Action::Health => Outcome::Health(health::run(self)),
            Action::Login(input) => Outcome::Login(login::run(self, input)?),
            Action::Logout(session) => Outcome::Logout(logout::run(self, session)?),
            Action::ServerStatus => Outcome::ServerStatus(Box::new(server_status::run(self))),
            Action::Token(session) => Outcome::Token(token::run(self, session)?),
            Action::UserToken(session) => Outcome::UserToken(user_token::run(self, session)?),
            Action::Whoami(session) => Outcome::Whoami(whoami::run(self, session)?),
        })
    }
}
