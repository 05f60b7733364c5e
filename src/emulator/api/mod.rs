//! The cloud's gateway: who calls, whether the signature is theirs, which action, and the envelope around its result.
//!
//! One file per family of actions; [`ACTIONS`] is the one table of them.

pub(super) mod fields;
mod identity;
mod identity_provider;
mod oauth2;
mod paging;
mod permission;
pub(super) mod provider;
mod resource;
mod role;
pub(super) mod sts;
pub(super) mod token;
pub(super) mod user_credential;
mod user_pool;
mod user_pool_client;
pub(super) mod workload;

use serde_json::{Value, json};

use self::fields::Fields;
use super::fault::Effects;
use super::message::{Reply, Request};
use super::signature::Claim;
use super::world::{World, random_id};
use crate::base::error::Error;
use crate::base::time::Timestamp;

const ID: (&str, &str) = ("id", "2025-10-30");
const STS: (&str, &str) = ("sts", "2018-01-01");

type Action = fn(&Call<'_>, &mut Fields) -> Result<Value, Refusal>;

/// Every action: its name, service and version, and what does it.
pub(super) const ACTIONS: [(&str, (&str, &str), Action); 30] = [
    ("GetWorkloadAccessToken", ID, token::for_workload),
    ("GetWorkloadAccessTokenForJWT", ID, token::for_jwt),
    ("GetWorkloadAccessTokenForUserId", ID, token::for_user_id),
    ("CreateWorkloadIdentity", ID, workload::create),
    ("GetWorkloadIdentity", ID, workload::get),
    ("GetWorkloadPool", ID, workload::get_pool),
    ("GetResourceOauth2Token", ID, oauth2::get_token),
    ("Oauth2Callback", ID, oauth2::callback),
    ("CompleteResourceTokenAuth", ID, oauth2::complete),
    ("GetResourceApiKey", ID, resource::get_api_key),
    ("CreateUserCredential", ID, user_credential::create),
    ("GetUserCredential", ID, user_credential::get),
    ("UpdateUserCredential", ID, user_credential::update),
    ("DeleteUserCredential", ID, user_credential::delete),
    ("GetRoleCredentials", ID, role::get_credentials),
    ("ListCredentialProviders", ID, provider::list),
    ("ListApiKeyCredentialProviders", ID, provider::list_api_key),
    ("ListOauth2CredentialProviders", ID, provider::list_oauth2),
    ("ListRoleCredentialProviders", ID, role::list),
    ("CheckPermission", ID, permission::check),
    ("ListUserPools", ID, user_pool::list),
    ("GetUserPool", ID, user_pool::get),
    ("CreateUserPool", ID, user_pool::create),
    ("ListUserPoolWellKnownEndpoints", ID, user_pool::endpoints),
    ("ListUserPoolClients", ID, user_pool_client::list),
    ("GetUserPoolClient", ID, user_pool_client::get),
    ("CreateUserPoolClient", ID, user_pool_client::create),
    ("UpdateUserPoolClient", ID, user_pool_client::update),
    ("ListIdentityProviders", ID, identity_provider::list),
    ("AssumeRole", STS, sts::assume_role),
];

/// The gateway's codes with the number that goes with each.
const NUMBERS: [(&str, u32); 11] = [
    ("MissingParameter", 100_002),
    ("MissingAuthenticationToken", 100_003),
    ("MissingRequestInfo", 100_004),
    ("MissingSignature", 100_005),
    ("InvalidTimestamp", 100_006),
    ("ServiceNotFound", 100_007),
    ("InvalidActionOrVersion", 100_008),
    ("InvalidAccessKey", 100_009),
    ("SignatureDoesNotMatch", 100_010),
    ("AccessDenied", 100_013),
    ("InternalError", 100_014),
];

/// Why a request is refused, in the terms of the error envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// `Error.Code`.
    pub code: String,
    /// `Error.CodeN`.
    pub number: Option<u32>,
    /// `Error.Message`.
    pub message: String,
}

impl Refusal {
    /// A refusal of a service, or one of the gateway's that has no number.
    pub(super) fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), number: None, message: message.into() }
    }

    /// A refusal of the gateway.
    pub(super) fn gateway(status: u16, code: &str, message: &str) -> Self {
        let number = NUMBERS.iter().find(|(c, _)| *c == code).map(|(_, number)| *number);
        Self { number, ..Self::new(status, code, message) }
    }

    /// A parameter that is there, but not as it must be.
    pub(super) fn invalid(name: &str, message: &str) -> Self {
        Self::new(400, format!("InvalidParameter.{name}"), message)
    }

    /// Something that exists already.
    pub(super) fn duplicated(message: &str) -> Self {
        Self { number: Some(409), ..Self::new(409, "Duplicated", message) }
    }

    /// Something that does not exist.
    pub(super) fn not_found(message: &str) -> Self {
        Self { number: Some(404), ..Self::new(404, "NotFound", message) }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::gateway(500, "InternalError", error.message())
    }
}

/// A caller whose signature was right.
#[derive(Debug)]
pub(super) struct Caller {
    /// The role whose temporary keys signed, if they were a role's.
    pub role: Option<String>,
}

/// What an action needs to know besides its fields.
pub(super) struct Call<'a> {
    /// The shared state.
    pub world: &'a World,
    /// Who calls.
    pub caller: Caller,
    /// When.
    pub now: Timestamp,
    /// Whether tokens are to be signed with the unpublished key.
    pub rogue: bool,
}

/// Answers a request to the gateway.
pub(super) fn answer(world: &World, request: &Request, effects: &Effects) -> Reply {
    let mut metadata = metadata(world, request);
    match perform(world, request, effects) {
        Ok(result) => Reply::json(200, &json!({ "ResponseMetadata": metadata, "Result": result })),
        Err(refusal) => {
            let mut error = json!({ "Code": refusal.code, "Message": refusal.message });
            if let Some(number) = refusal.number {
                error["CodeN"] = number.into();
            }
            metadata["Error"] = error;
            Reply::json(refusal.status, &json!({ "ResponseMetadata": metadata }))
        }
    }
}

/// The head of every envelope.
pub(super) fn metadata(world: &World, request: &Request) -> Value {
    let claim = Claim::of(request).ok();
    let now: String = world.now().compact().chars().filter(char::is_ascii_digit).collect();
    json!({
        "RequestId": random_id(now, 9).unwrap_or_default().to_uppercase(),
        "Action": request.param("Action").unwrap_or_default(),
        "Version": request.param("Version").unwrap_or_default(),
        "Service": claim.as_ref().map_or("", |c| c.service.as_str()),
        "Region": claim.as_ref().map_or("", |c| c.region.as_str()),
    })
}

fn perform(world: &World, request: &Request, effects: &Effects) -> Result<Value, Refusal> {
    let missing =
        |name: &str| Refusal::gateway(400, "MissingParameter", &format!("{name} is not in the query"));
    let action = request.param("Action").ok_or_else(|| missing("Action"))?;
    let version = request.param("Version").ok_or_else(|| missing("Version"))?;
    let claim = Claim::of(request)?;
    let now = world.now();
    let caller = authenticate(world, request, &claim, now)?;
    if ![ID.0, STS.0].contains(&claim.service.as_str()) {
        return Err(Refusal::gateway(404, "ServiceNotFound", "there is no such service"));
    }
    let known = ACTIONS
        .iter()
        .find(|(name, service, _)| *name == action && service.0 == claim.service && service.1 == version);
    let Some((_, service, perform)) = known else {
        return Err(Refusal::gateway(
            404,
            "InvalidActionOrVersion",
            "the service has no such action in that version",
        ));
    };
    let mut fields = if *service == STS { Fields::of_any_form(request)? } else { Fields::of_json(request)? };
    let call = Call { world, caller, now, rogue: effects.wrong_signature };
    perform(&call, &mut fields)
}

fn authenticate(world: &World, request: &Request, claim: &Claim, now: Timestamp) -> Result<Caller, Refusal> {
    claim.check_date(request, now)?;
    let mut fixed = world.options.access_keys.iter().chain(&world.options.metadata_credentials);
    let fixed = fixed.find(|key| key.id == claim.access_key).cloned();
    let session = world.state().sessions.get(&claim.access_key).cloned();
    let (key, expires) = match (fixed, session) {
        (Some(key), _) => (key, None),
        (None, Some(session)) => (session.key, Some(session.expires)),
        (None, None) => {
            return Err(Refusal::gateway(401, "InvalidAccessKey", "there is no such access key"));
        }
    };
    if request.header("x-security-token") != key.session_token.as_deref() {
        return Err(Refusal::new(
            401,
            "InvalidSecretToken",
            "X-Security-Token is not that of the access key",
        ));
    }
    if expires.is_some_and(|expires| expires.is_past(now)) {
        return Err(Refusal::new(401, "InvalidSecretToken", "the session token has expired"));
    }
    claim.check(request, &key.secret)?;
    Ok(Caller { role: key.role })
}
