//! Workload identities and their access tokens (TIP).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::call::Action;
use super::client::Client;
use super::envelope::{self, CallError, Class};
use crate::base::error::{Code, Error, Result};
use crate::base::log;
use crate::base::secret::Secret;
use crate::base::time::Timestamp;
use crate::net::exchange::Repeat;

const GET: Action = Action::id("GetWorkloadAccessToken");
const GET_FOR_USER_ID: Action = Action::id("GetWorkloadAccessTokenForUserId");
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

/// What a workload token that rests on no user token is asked for with; all of it may be left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokenOptions<'a> {
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

impl Client {
    /// `GetWorkloadAccessTokenForJWT`, once.
    ///
    /// # Errors
    /// As [`Client::call`]; `CloudInvalid` as well when the answer has an empty token.
    pub fn get_workload_access_token_for_jwt(&self, request: &TokenRequest<'_>) -> Result<Token, CallError> {
        self.token(GET_FOR_JWT, &Body::from(request))
    }

    /// `GetWorkloadAccessToken`: the workload's own token, for nobody.
    ///
    /// # Errors
    /// As [`Client::get_workload_access_token_for_jwt`].
    pub fn get_workload_access_token(&self, options: &TokenOptions<'_>) -> Result<Token, CallError> {
        self.token(GET, &Body::from(options))
    }

    /// `GetWorkloadAccessTokenForUserId`: for a user whom the caller vouches for.
    ///
    /// # Errors
    /// As [`Client::get_workload_access_token_for_jwt`].
    pub fn get_workload_access_token_for_user_id(
        &self,
        user_id: &str,
        options: &TokenOptions<'_>,
    ) -> Result<Token, CallError> {
        self.token(GET_FOR_USER_ID, &Body { user_id: Some(user_id), ..Body::from(options) })
    }

    fn token(&self, action: Action, body: &Body<'_>) -> Result<Token, CallError> {
        let token: Token = self.call(action, body, Repeat::Safe)?;
        if token.token.expose().is_empty() {
            return Err(envelope::empty(action.name, "WorkloadAccessToken"));
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
        self.token_of(request.name, request.pool, || self.get_workload_access_token_for_jwt(request))
    }

    /// The workload's own token, with its workload created as [`Client::workload_token`] does.
    ///
    /// # Errors
    /// As [`Client::workload_token`].
    pub fn own_workload_token(&self, options: &TokenOptions<'_>) -> Result<Token> {
        self.token_of(options.name, options.pool, || self.get_workload_access_token(options))
    }

    fn token_of(
        &self,
        name: Option<&str>,
        pool: Option<&str>,
        get: impl Fn() -> Result<Token, CallError>,
    ) -> Result<Token> {
        let first = match get() {
            Err(error) if error.class() == Some(Class::NotFound) => Error::from(error),
            outcome => return Ok(outcome?),
        };
        let Some(name) = name else {
            return Err(missing("of the keys' role", &first).with_hint(
                "set identity.workloadName, or create a workload identity that is named like the role",
            ));
        };
        match self.create_workload_identity(name, pool) {
            Ok(()) => log::info("workload identity created", &[("name", &name)]),
            Err(error) if error.class() == Some(Class::AlreadyExists) => {}
            Err(error) => return Err(not_created(name, error)),
        }
        get().map_err(|error| match error.class() {
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
    #[serde(skip_serializing_if = "Option::is_none")]
    user_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
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
            user_token: Some(request.user_token.expose()),
            user_id: None,
            name: request.name,
            workload_pool_name: request.pool,
            audience: request.audience,
            duration_seconds: request.duration_seconds,
        }
    }
}

impl<'a> From<&TokenOptions<'a>> for Body<'a> {
    fn from(options: &TokenOptions<'a>) -> Self {
        Self {
            user_token: None,
            user_id: None,
            name: options.name,
            workload_pool_name: options.pool,
            audience: options.audience,
            duration_seconds: options.duration_seconds,
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::net::testing::{answer, failed};
    use crate::net::transport::FailureKind;
    use crate::volc::testing::{Answer, exchanged, golden, refusal};

    fn ok() -> Answer {
        let result = json!({ "WorkloadAccessToken": "tip", "ExpiresAt": "2026-01-15T09:00:00Z" });
        answer(200, &json!({ "ResponseMetadata": { "RequestId": "R" }, "Result": result }).to_string())
    }

    fn created() -> Answer {
        answer(200, r#"{"ResponseMetadata":{},"Result":{"Name":"w"}}"#)
    }

    /// The outcome and, of each request, the action with the body.
    fn run(name: Option<&str>, answers: Vec<Answer>) -> (Result<Token>, Vec<(String, Value)>) {
        let user_token = Secret::from("user.jwt");
        let request = TokenRequest {
            user_token: &user_token,
            name,
            pool: Some("default"),
            audience: None,
            duration_seconds: Some(3600),
        };
        exchanged(answers, |client| client.workload_token(&request))
    }

    fn actions(seen: &[(String, Value)]) -> Vec<&str> {
        seen.iter()
            .map(|(action, _)| {
                if action == GET_FOR_JWT.name {
                    "get"
                } else if action == CREATE.name {
                    "create"
                } else {
                    "other"
                }
            })
            .collect()
    }

    #[test]
    fn absent_parameters_are_omitted() {
        let (token, seen) = run(None, vec![ok()]);
        let token = token.unwrap();
        assert_eq!(
            (token.token.expose().as_str(), token.expires_at.to_string().as_str()),
            ("tip", "2026-01-15T09:00:00Z")
        );
        assert_eq!(
            seen[0].1,
            json!({ "UserToken": "user.jwt", "WorkloadPoolName": "default", "DurationSeconds": 3600 })
        );

        let (user_token, audience) = (Secret::from("u"), vec!["a".to_owned()]);
        let request = TokenRequest {
            user_token: &user_token,
            name: Some("w"),
            pool: None,
            audience: Some(&audience),
            duration_seconds: None,
        };
        let body = serde_json::to_value(Body::from(&request)).unwrap();
        assert_eq!(body, json!({ "UserToken": "u", "Name": "w", "Audience": ["a"] }));
    }

    #[test]
    fn an_incomplete_answer_is_invalid() {
        for result in [
            json!({ "ExpiresAt": "2026-01-15T09:00:00Z" }),
            json!({ "WorkloadAccessToken": "t" }),
            json!({ "WorkloadAccessToken": "t", "ExpiresAt": "soon" }),
            json!({ "WorkloadAccessToken": "", "ExpiresAt": "2026-01-15T09:00:00Z" }),
            json!(null),
        ] {
            let body = json!({ "ResponseMetadata": { "RequestId": "R" }, "Result": result }).to_string();
            let error = run(Some("w"), vec![answer(200, &body)]).0.unwrap_err();
            assert_eq!(error.code(), Code::CloudInvalid, "{body}");
        }
    }

    #[test]
    fn a_missing_workload_is_created_and_the_token_asked_for_once_more() {
        for not_found in
            [refusal(404, "NotFound"), refusal(200, "NotFound"), refusal(400, "WorkloadNotExist")]
        {
            let (token, seen) = run(Some("w"), vec![not_found, created(), ok()]);
            assert!(token.is_ok());
            assert_eq!(actions(&seen), ["get", "create", "get"]);
            assert_eq!(seen[1].1, json!({ "Name": "w", "WorkloadPoolName": "default", "Category": "Agent" }));
            assert_eq!(seen[0].1, seen[2].1);
        }
    }

    #[test]
    fn a_workload_that_another_created_is_as_good() {
        for exists in [refusal(409, "Duplicated"), refusal(400, "AlreadyExists"), refusal(200, "Conflict")] {
            let (token, seen) = run(Some("w"), vec![refusal(404, "NotFound"), exists, ok()]);
            assert!(token.is_ok());
            assert_eq!(actions(&seen), ["get", "create", "get"]);
        }
    }

    #[test]
    fn there_is_no_second_retry() {
        let (outcome, seen) = run(
            Some("w"),
            vec![refusal(404, "NotFound"), created(), refusal(404, "NotFound"), created(), ok()],
        );
        assert_eq!(outcome.unwrap_err().code(), Code::WorkloadMissing);
        assert_eq!(actions(&seen), ["get", "create", "get"]);
    }

    #[test]
    fn without_a_name_nothing_is_created() {
        let (outcome, seen) = run(None, vec![refusal(404, "NotFound"), created(), ok()]);
        let error = outcome.unwrap_err();
        assert_eq!(error.code(), Code::WorkloadMissing);
        assert!(error.hint().unwrap().contains("identity.workloadName"));
        assert_eq!(actions(&seen), ["get"]);
    }

    #[test]
    fn other_refusals_create_nothing() {
        for other in [
            refusal(404, "InvalidActionOrVersion"),
            refusal(404, "ServiceNotFound"),
            refusal(403, "LackPolicy"),
        ] {
            let (outcome, seen) = run(Some("w"), vec![other, created(), ok()]);
            assert_eq!(outcome.unwrap_err().code(), Code::CloudRefused);
            assert_eq!(actions(&seen), ["get"]);
        }
    }

    #[test]
    fn a_creation_that_fails_says_which_way() {
        let (outcome, seen) =
            run(Some("w"), vec![refusal(404, "NotFound"), refusal(403, "LackPolicy"), ok()]);
        let error = outcome.unwrap_err();
        assert_eq!(error.code(), Code::WorkloadMissing);
        assert!(
            error.message().contains("LackPolicy") && error.hint().unwrap().contains("IAM policy"),
            "{error:?}"
        );
        assert_eq!(actions(&seen), ["get", "create"]);

        let (outcome, _) = run(Some("w"), vec![refusal(404, "NotFound"), failed(FailureKind::Timeout)]);
        assert_eq!(outcome.unwrap_err().code(), Code::CloudUnreachable);
    }

    #[test]
    fn tokens_for_nobody_and_for_a_user_id_have_the_documented_names() {
        let answer = json!({ "WorkloadAccessToken": "tip", "ExpiresAt": "2026-01-15T17:00:00+08:00" });
        let audience = ["openclaw".to_owned()];
        let options = TokenOptions {
            name: Some("w"),
            pool: Some("default"),
            audience: Some(&audience),
            duration_seconds: Some(3600),
        };
        let body = json!({
            "Name": "w", "WorkloadPoolName": "default", "Audience": ["openclaw"], "DurationSeconds": 3600
        });
        let token = golden("GetWorkloadAccessToken", &body, &answer, |client| {
            client.get_workload_access_token(&options)
        });
        assert_eq!(token.unwrap().expires_at.to_string(), "2026-01-15T09:00:00Z");
        golden("GetWorkloadAccessToken", &json!({}), &answer, |client| {
            client.get_workload_access_token(&TokenOptions::default())
        })
        .unwrap();
        let token =
            golden("GetWorkloadAccessTokenForUserId", &json!({ "UserId": "u-1" }), &answer, |client| {
                client.get_workload_access_token_for_user_id("u-1", &TokenOptions::default())
            });
        assert_eq!(token.unwrap().token.expose(), "tip");
    }

    #[test]
    fn an_empty_token_of_any_kind_is_invalid() {
        let empty = json!({ "WorkloadAccessToken": "", "ExpiresAt": "2026-01-15T09:00:00Z" });
        let token = golden("GetWorkloadAccessToken", &json!({}), &empty, |client| {
            client.get_workload_access_token(&TokenOptions::default())
        });
        let error = Error::from(token.unwrap_err());
        assert_eq!(error.code(), Code::CloudInvalid);
        assert!(error.message().starts_with("GetWorkloadAccessToken:"), "{error:?}");
    }
}
