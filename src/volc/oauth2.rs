//! OAuth2 tokens of users and agents for other services, and the users' consent to them.
//!
//! Tokens, states and addresses to consent at are secrets; nothing here keeps any.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::call::Action;
use super::client::Client;
use super::envelope::CallError;
use super::resource::Caller;
use super::wire;
use crate::base::error::{Code, Error};
use crate::base::secret::Secret;
use crate::net::exchange::Repeat;

const GET_OAUTH2: Action = Action::id("GetResourceOauth2Token");
const CALLBACK: Action = Action::id("Oauth2Callback");
const COMPLETE: Action = Action::id("CompleteResourceTokenAuth");

/// How an OAuth2 provider gives tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// The user consents in a browser.
    UserFederation,
    /// The provider's own client credentials; nobody is asked.
    M2m,
}

impl Flow {
    /// Its name in requests and lists.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UserFederation => "USER_FEDERATION",
            Self::M2m => "M2M",
        }
    }

    /// Reads its name, in whatever letter case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::UserFederation, Self::M2m].into_iter().find(|flow| flow.as_str().eq_ignore_ascii_case(text))
    }
}

/// What an OAuth2 token is asked for with. Polling for consent repeats the same request, without `force`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Oauth2Request<'a> {
    /// The credential provider.
    pub provider: &'a str,
    /// The flow; without one, the provider's.
    pub flow: Option<Flow>,
    /// The scopes; without any, the provider's.
    pub scopes: Option<&'a [String]>,
    /// Must be registered with the provider.
    pub redirect_url: Option<&'a str>,
    /// Whether a token that the service has is passed over.
    pub force: bool,
    /// Further parameters of the authorization request.
    pub custom_parameters: &'a [(String, String)],
    /// Comes back to `return_url`.
    pub custom_state: Option<&'a str>,
    /// Where the browser ends up.
    pub return_url: Option<&'a str>,
    /// The handle of an earlier answer.
    pub session_uri: Option<&'a Secret>,
}

/// What comes of it.
#[derive(Clone, Debug)]
pub enum Oauth2Answer {
    /// The token.
    Token {
        /// The access token.
        access_token: Secret,
        /// Its lifetime in seconds, if the service says so.
        expires_in: Option<u64>,
    },
    /// The user has to consent first.
    Consent {
        /// Where. For that user only: the address holds the state of the authorization.
        authorization_url: Secret,
        /// The handle of the authorization.
        session_uri: Option<Secret>,
    },
}

/// Who has consented, for [`Client::complete_resource_token_auth`].
#[derive(Clone, Copy, Debug)]
pub enum UserIdentifier<'a> {
    /// By a workload token.
    IdentityToken(&'a Secret),
    /// By the user's own token.
    UserToken(&'a Secret),
    /// By name.
    UserId(&'a str),
}

/// How an authorization ended, for [`Client::oauth2_callback`].
#[derive(Clone, Copy, Debug)]
pub enum Callback<'a> {
    /// With a code to redeem.
    Code(&'a Secret),
    /// With the provider's error.
    Error(&'a str),
}

impl Client {
    /// `GetResourceOauth2Token`. A token wins over an address to consent at.
    ///
    /// # Errors
    /// As [`Client::call`]; `CloudInvalid` when the answer has neither.
    pub fn get_resource_oauth2_token(
        &self,
        caller: Caller<'_>,
        request: &Oauth2Request<'_>,
    ) -> Result<Oauth2Answer, CallError> {
        // A forced authorization begins anew with each request.
        let repeat = if request.force { Repeat::Never } else { Repeat::Safe };
        let body = Oauth2Body {
            provider_name: request.provider,
            identity_token: caller.identity_token.expose(),
            pool_name: caller.pool,
            flow: request.flow.map(Flow::as_str),
            scopes: request.scopes,
            redirect_url: request.redirect_url,
            force_authentication: request.force.then_some(true),
            custom_parameters: Entries::of(request.custom_parameters),
            custom_state: request.custom_state,
            resource_oauth2_return_url: request.return_url,
            session_uri: request.session_uri.map(|uri| uri.expose().as_str()),
        };
        let answer: RawOauth2Answer = self.call(GET_OAUTH2, &body, repeat)?;
        match (answer.access_token, answer.authorization_url) {
            (Some(access_token), _) => {
                Ok(Oauth2Answer::Token { access_token, expires_in: answer.expires_in })
            }
            (None, Some(authorization_url)) => {
                Ok(Oauth2Answer::Consent { authorization_url, session_uri: answer.session_uri })
            }
            (None, None) => {
                let message =
                    format!("{}: the answer has neither AccessToken nor AuthorizationUrl", GET_OAUTH2.name);
                Err(Error::new(Code::CloudInvalid, message).into())
            }
        }
    }

    /// `Oauth2Callback`, once: a code is good for one use. The service takes the callbacks of its providers itself; this is
    /// for providers that send the browser here. Returns the token that a code was redeemed for.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn oauth2_callback(
        &self,
        identity_token: &Secret,
        state: &Secret,
        callback: Callback<'_>,
    ) -> Result<Option<Secret>, CallError> {
        let (code, error) = match callback {
            Callback::Code(code) => (Some(code.expose().as_str()), None),
            Callback::Error(error) => (None, Some(error)),
        };
        let body =
            CallbackBody { identity_token: identity_token.expose(), state: state.expose(), code, error };
        let answer: CallbackAnswer = self.call(CALLBACK, &body, Repeat::Never)?;
        Ok(answer.access_token)
    }

    /// `CompleteResourceTokenAuth`, once: tells the service who consented in the authorization of that handle.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn complete_resource_token_auth(
        &self,
        session_uri: &Secret,
        pool: Option<&str>,
        user: UserIdentifier<'_>,
    ) -> Result<(), CallError> {
        let body =
            CompleteBody { session_uri: session_uri.expose(), pool_name: pool, user_identifier: user.into() };
        self.call::<Value>(COMPLETE, &body, Repeat::Never).map(drop)
    }
}

// Bodies borrow what is secret and are written into a buffer that is wiped.

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Oauth2Body<'a> {
    provider_name: &'a str,
    identity_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pool_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    force_authentication: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_parameters: Option<Entries<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_state: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_oauth2_return_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_uri: Option<&'a str>,
}

/// `{"Entries":[{"Key","Value"}]}`, as the SDK writes pairs.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entries<'a> {
    entries: Vec<Entry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    key: &'a str,
    value: &'a str,
}

impl<'a> Entries<'a> {
    fn of(pairs: &'a [(String, String)]) -> Option<Self> {
        let entries: Vec<_> = pairs.iter().map(|(key, value)| Entry { key, value }).collect();
        (!entries.is_empty()).then_some(Self { entries })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawOauth2Answer {
    #[serde(default, deserialize_with = "wire::secret")]
    access_token: Option<Secret>,
    #[serde(default, deserialize_with = "wire::secret")]
    authorization_url: Option<Secret>,
    expires_in: Option<u64>,
    #[serde(default, deserialize_with = "wire::secret")]
    session_uri: Option<Secret>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CallbackBody<'a> {
    identity_token: &'a str,
    state: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CallbackAnswer {
    #[serde(default, deserialize_with = "wire::secret")]
    access_token: Option<Secret>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CompleteBody<'a> {
    session_uri: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pool_name: Option<&'a str>,
    user_identifier: Identifier<'a>,
}

/// An object with one of three names; `UserID` ends in capitals.
struct Identifier<'a>(&'static str, &'a str);

impl<'a> From<UserIdentifier<'a>> for Identifier<'a> {
    fn from(user: UserIdentifier<'a>) -> Self {
        match user {
            UserIdentifier::IdentityToken(token) => Self("IdentityToken", token.expose()),
            UserIdentifier::UserToken(token) => Self("UserToken", token.expose()),
            UserIdentifier::UserId(id) => Self("UserID", id),
        }
    }
}

impl Serialize for Identifier<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.0, self.1)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::net::testing::{answer, failed};
    use crate::net::transport::FailureKind;
    use crate::volc::testing::{exchanged, golden, result};

    fn tip() -> Secret {
        Secret::from("tip.jwt")
    }

    fn caller(token: &Secret) -> Caller<'_> {
        Caller { identity_token: token, pool: Some("default") }
    }

    fn asked(answer: &Value) -> Result<Oauth2Answer, Error> {
        let (tip, request) = (tip(), Oauth2Request { provider: "google", ..Oauth2Request::default() });
        let (outcome, _) =
            exchanged([result(answer)], |client| client.get_resource_oauth2_token(caller(&tip), &request));
        outcome.map_err(Error::from)
    }

    #[test]
    fn an_oauth2_request_omits_what_is_absent() {
        let (tip, request) = (tip(), Oauth2Request { provider: "google", ..Oauth2Request::default() });
        let body = json!({ "ProviderName": "google", "IdentityToken": "tip.jwt" });
        let answer = json!({ "AccessToken": "ya29" });
        let caller = Caller { identity_token: &tip, pool: None };
        golden("GetResourceOauth2Token", &body, &answer, |client| {
            client.get_resource_oauth2_token(caller, &request)
        })
        .unwrap();
    }

    #[test]
    fn an_oauth2_request_has_the_documented_names() {
        let (tip, session_uri) = (tip(), Secret::from("urn:abc"));
        let scopes = ["email".to_owned(), "profile".to_owned()];
        let custom_parameters = [("prompt".to_owned(), "consent".to_owned())];
        let request = Oauth2Request {
            provider: "google",
            flow: Some(Flow::UserFederation),
            scopes: Some(&scopes),
            redirect_url: Some("https://a.example/back"),
            force: true,
            custom_parameters: &custom_parameters,
            custom_state: Some("state"),
            return_url: Some("https://a.example/done"),
            session_uri: Some(&session_uri),
        };
        let body = json!({
            "ProviderName": "google", "IdentityToken": "tip.jwt", "PoolName": "default", "Flow": "USER_FEDERATION",
            "Scopes": ["email", "profile"], "RedirectUrl": "https://a.example/back", "ForceAuthentication": true,
            "CustomParameters": { "Entries": [{ "Key": "prompt", "Value": "consent" }] }, "CustomState": "state",
            "ResourceOauth2ReturnUrl": "https://a.example/done", "SessionUri": "urn:abc",
        });
        let answer = json!({ "AuthorizationUrl": "https://accounts.example/auth", "SessionUri": "urn:abc" });
        golden("GetResourceOauth2Token", &body, &answer, |client| {
            client.get_resource_oauth2_token(caller(&tip), &request)
        })
        .unwrap();
    }

    #[test]
    fn a_token_wins_over_an_address_and_empty_is_absent() {
        for answer in [
            json!({ "AccessToken": "ya29", "ExpiresIn": 3600 }),
            json!({ "AccessToken": "ya29", "ExpiresIn": 3600, "AuthorizationUrl": "" }),
            json!({ "AccessToken": "ya29", "ExpiresIn": 3600, "AuthorizationUrl": "https://a.example" }),
        ] {
            let Oauth2Answer::Token { access_token, expires_in } = asked(&answer).unwrap() else {
                panic!("{answer}")
            };
            assert_eq!((access_token.expose().as_str(), expires_in), ("ya29", Some(3600)));
        }
        for answer in [
            json!({ "AuthorizationUrl": "https://a.example", "SessionUri": "urn:abc" }),
            json!({ "AuthorizationUrl": "https://a.example", "SessionUri": "urn:abc", "AccessToken": "", "ExpiresIn": 0 }),
            json!({ "AuthorizationUrl": "https://a.example", "SessionUri": "urn:abc", "AccessToken": null }),
        ] {
            let Oauth2Answer::Consent { authorization_url, session_uri } = asked(&answer).unwrap() else {
                panic!("{answer}")
            };
            assert_eq!(authorization_url.expose(), "https://a.example");
            assert_eq!(session_uri.unwrap().expose(), "urn:abc");
        }
        for answer in [json!({}), json!(null), json!({ "AccessToken": "", "AuthorizationUrl": "" })] {
            let error = asked(&answer).unwrap_err();
            assert_eq!(error.code(), Code::CloudInvalid, "{answer}");
            assert!(error.message().contains("neither AccessToken nor AuthorizationUrl"));
        }
    }

    #[test]
    fn only_an_unforced_request_is_repeated() {
        for (force, requests) in [(false, 2), (true, 1)] {
            let tip = tip();
            let request = Oauth2Request { provider: "p", force, ..Oauth2Request::default() };
            let answers = [answer(503, ""), result(&json!({ "AccessToken": "t" }))];
            let (_, seen) =
                exchanged(answers, |client| client.get_resource_oauth2_token(caller(&tip), &request));
            assert_eq!(seen.len(), requests);
        }
    }

    #[test]
    fn no_token_shows_in_debug_output() {
        let shown = [
            json!({ "AccessToken": "canary" }),
            json!({ "AuthorizationUrl": "https://a.example/canary", "SessionUri": "canary" }),
        ];
        for answer in shown {
            assert!(!format!("{:?}", asked(&answer).unwrap()).contains("canary"));
        }
        let canary = Secret::from("canary");
        assert!(!format!("{:?}", caller(&canary)).contains("canary"));
    }

    #[test]
    fn flows_are_read_in_any_letter_case() {
        for (text, flow) in [
            ("M2M", Some(Flow::M2m)),
            ("m2m", Some(Flow::M2m)),
            ("user_federation", Some(Flow::UserFederation)),
            ("", None),
        ] {
            assert_eq!(Flow::parse(text), flow, "{text}");
        }
    }

    #[test]
    fn a_callback_has_a_code_or_an_error_and_is_sent_once() {
        let (tip, state, code) = (tip(), Secret::from("xyz"), Secret::from("4/abc"));
        let body = json!({ "IdentityToken": "tip.jwt", "State": "xyz", "Code": "4/abc" });
        let answer = json!({ "AccessToken": "ya29" });
        let token = golden("Oauth2Callback", &body, &answer, |client| {
            client.oauth2_callback(&tip, &state, Callback::Code(&code))
        });
        assert_eq!(token.unwrap().unwrap().expose(), "ya29");
        let body = json!({ "IdentityToken": "tip.jwt", "State": "xyz", "Error": "access_denied" });
        let token = golden("Oauth2Callback", &body, &json!({ "AccessToken": "" }), |client| {
            client.oauth2_callback(&tip, &state, Callback::Error("access_denied"))
        });
        assert!(token.unwrap().is_none());
        let (_, seen) = exchanged([failed(FailureKind::Connect)], |client| {
            client.oauth2_callback(&tip, &state, Callback::Code(&code))
        });
        assert_eq!(seen.len(), 1);
    }

    #[test]
    fn a_completion_names_the_user_in_one_of_three_ways() {
        let (token, uri) = (tip(), Secret::from("urn:abc"));
        for (user, named) in [
            (UserIdentifier::IdentityToken(&token), json!({ "IdentityToken": "tip.jwt" })),
            (UserIdentifier::UserToken(&token), json!({ "UserToken": "tip.jwt" })),
            (UserIdentifier::UserId("u-1"), json!({ "UserID": "u-1" })),
        ] {
            let body = json!({ "SessionUri": "urn:abc", "PoolName": "default", "UserIdentifier": named });
            golden("CompleteResourceTokenAuth", &body, &json!({}), |client| {
                client.complete_resource_token_auth(&uri, Some("default"), user)
            })
            .unwrap();
        }
    }
}
