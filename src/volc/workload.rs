//! Workload identities and their access tokens (TIP).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::call::Action;
use super::client::Client;
use super::envelope::{CallError, Class};
use crate::base::error::{Code, Error, Result};
use crate::base::log;
use crate::base::secret::Secret;
use crate::base::time::Timestamp;
use crate::net::exchange::Repeat;

/// The workload's name where neither the configuration, nor a role, nor an agent id gives one.
pub const DEFAULT_NAME: &str = "openclaw-agent";

const GET_FOR_JWT: Action = Action::id("GetWorkloadAccessTokenForJWT");
const CREATE: Action = Action::id("CreateWorkloadIdentity");

/// What a workload token is asked for with.
#[derive(Clone, Copy, Debug)]
pub struct TokenRequest<'a> {
    /// The user's id token, or an upstream workload token whose chain is to grow.
    pub user_token: &'a Secret,
    /// The workload; without one the cloud takes the role of the keys.
    pub name: Option<&'a str>,
    /// The workload pool.
    pub pool: Option<&'a str>,
    /// Whom the token is for.
    pub audience: Option<&'a [String]>,
    /// Lifetime to ask for, in seconds; sent as it is.
    pub duration_seconds: Option<u64>,
}

/// A workload token.
#[derive(Clone, Debug, Deserialize)]
pub struct Token {
    /// The token, a JWT.
    #[serde(rename = "WorkloadAccessToken")]
    pub token: Secret,
    /// When it ends.
    #[serde(rename = "ExpiresAt")]
    pub expires_at: Timestamp,
}

/// The workload name to send: the configured one; none with a role, whose name the cloud takes; the agent's id;
/// [`DEFAULT_NAME`].
#[must_use]
pub fn name(configured: Option<&str>, role_trn: Option<&str>, agent_id: Option<&str>) -> Option<String> {
    let set = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    match (set(configured), set(role_trn)) {
        (Some(name), _) => Some(name),
        (None, Some(_)) => None,
        (None, None) => set(agent_id).or_else(|| Some(DEFAULT_NAME.to_owned())),
    }
}

impl Client {
    /// `GetWorkloadAccessTokenForJWT`, once.
    ///
    /// # Errors
    /// As [`Client::call`]; `CloudInvalid` as well when the answer has an empty token.
    pub fn get_workload_access_token_for_jwt(&self, request: &TokenRequest<'_>) -> Result<Token, CallError> {
        let token: Token = self.call(GET_FOR_JWT, &Body::from(request), Repeat::Safe)?;
        if token.token.expose().is_empty() {
            let message = format!("{}: the answer's WorkloadAccessToken is empty", GET_FOR_JWT.name);
            return Err(Error::new(Code::CloudInvalid, message).into());
        }
        Ok(token)
    }

    /// `CreateWorkloadIdentity` with the category `Agent`. It may be repeated: a second creation is refused as such.
    ///
    /// # Errors
    /// As [`Client::call`]; a workload that exists already is [`Class::AlreadyExists`].
    pub fn create_workload_identity(&self, name: &str, pool: Option<&str>) -> Result<(), CallError> {
        let body = CreateBody { name, workload_pool_name: pool, category: "Agent" };
        self.call::<Value>(CREATE, &body, Repeat::Safe).map(drop)
    }

    /// A workload token. Where the named workload does not exist it is created, or found created by another, and the
    /// token is asked for exactly once more.
    ///
    /// # Errors
    /// As [`Client::call`]; `WorkloadMissing` when the workload does not exist and cannot be created, or still does not
    /// exist after that, or belongs to a role.
    pub fn workload_token(&self, request: &TokenRequest<'_>) -> Result<Token> {
        let first = match self.get_workload_access_token_for_jwt(request) {
            Err(error) if error.class() == Some(Class::NotFound) => Error::from(error),
            outcome => return Ok(outcome?),
        };
        let Some(name) = request.name else {
            return Err(missing("of the keys' role", &first).with_hint(
                "set identity.workloadName, or create a workload identity that is named like the role",
            ));
        };
        match self.create_workload_identity(name, request.pool) {
            Ok(()) => log::info("workload identity created", &[("name", &name)]),
            Err(error) if error.class() == Some(Class::AlreadyExists) => {}
            Err(error) => return Err(not_created(name, error)),
        }
        self.get_workload_access_token_for_jwt(request).map_err(|error| match error.class() {
            Some(Class::NotFound) => missing(name, &Error::from(error))
                .with_hint("it may take a moment to appear; if it does not, check identity.workloadPoolName"),
            _ => error.into(),
        })
    }
}

fn missing(name: &str, cause: &Error) -> Error {
    Error::new(Code::WorkloadMissing, format!("the workload identity {name} does not exist: {cause}"))
}

/// A passing trouble stays one; a refusal means that the workload is and stays missing.
fn not_created(name: &str, error: CallError) -> Error {
    let refused = error.class().is_some_and(|class| !matches!(class, Class::Unavailable | Class::Throttled));
    let error = Error::from(error);
    if !refused {
        return error;
    }
    let message = format!("the workload identity {name} does not exist and could not be created: {error}");
    Error::new(Code::WorkloadMissing, message)
        .with_hint(error.hint().map_or_else(|| format!("create {name} in the workload pool"), str::to_owned))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    user_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workload_pool_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audience: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_seconds: Option<u64>,
}

impl<'a> From<&TokenRequest<'a>> for Body<'a> {
    fn from(request: &TokenRequest<'a>) -> Self {
        Self {
            user_token: request.user_token.expose(),
            name: request.name,
            workload_pool_name: request.pool,
            audience: request.audience,
            duration_seconds: request.duration_seconds,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CreateBody<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    workload_pool_name: Option<&'a str>,
    category: &'static str,
}
