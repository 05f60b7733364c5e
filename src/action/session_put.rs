//! Takes over a login that a web chat's own backend made: `identity.session.put` of the gateway.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::base::error::{Code, Error, Result};
use crate::base::log;
use crate::base::secret::Secret;
use crate::base::time::Timestamp;
use crate::session::key::SessionKey;

use super::Services;
use super::session_exchange::{Chat, Params};
use super::sign_in::admit;

/// The gateway's method.
pub const METHOD: &str = "identity.session.put";

/// Who is logged in where.
#[derive(Clone)]
pub struct Input {
    /// Whose session.
    pub chat: Chat,
    /// The OIDC id token of the person, for our client.
    pub id_token: Secret,
    /// For silent renewal; without it the login ends with the token.
    pub refresh_token: Option<Secret>,
}

impl Input {
    /// Reads the method's parameters; `is_webchat` is the host's judgement of the connection.
    ///
    /// # Errors
    /// `InvalidRequest` with the parameter that is missing, unknown or of the wrong kind.
    pub fn read(params: &Map<String, Value>, is_webchat: bool) -> Result<Self> {
        let known = ["sessionKey", "idToken", "refreshToken", "senderId", "channel"];
        let (params, chat) = Params::of(METHOD, &known, params, is_webchat)?;
        let id_token = params.required("idToken")?.into();
        Ok(Self { chat, id_token, refresh_token: params.text("refreshToken")?.map(Secret::from) })
    }
}

impl PartialEq for Input {
    fn eq(&self, other: &Self) -> bool {
        let refresh_tokens = match (&self.refresh_token, &other.refresh_token) {
            (Some(one), Some(other)) => one.same_as(other.expose().as_bytes()),
            (one, other) => one.is_none() && other.is_none(),
        };
        self.chat == other.chat && self.id_token.same_as(other.id_token.expose().as_bytes()) && refresh_tokens
    }
}

impl Eq for Input {}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("chat", &self.chat).finish_non_exhaustive()
    }
}

/// The login as it is kept now.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// The person.
    pub sub: String,
    /// When the id token ends.
    pub expires_at: Timestamp,
    /// The key under which the login is kept.
    pub effective_session_key: SessionKey,
    /// Whether there is a workload token; without one it is fetched when it is first needed.
    pub has_tip: bool,
}

pub(super) fn run(services: &Services, input: Input) -> Result<Outcome> {
    let key = input.chat.effective_key(services)?;
    let tokens = services.login_desk()?.admit(input.id_token, input.refresh_token).map_err(bad_token)?;
    let now = services.clock.now();
    // The leeway of verification is for clocks that disagree; a login that has ended on ours would be none.
    if tokens.identity.expires_at.is_past(now) {
        return Err(bad_token(Error::new(Code::TokenInvalid, "the id token has expired")));
    }
    let (sub, expires_at) = (tokens.identity.sub.clone(), tokens.identity.expires_at);
    let earlier = services.users.current(&key)?.filter(|login| login.sub == sub && !login.is_over(now));
    // A client that puts the same person's next token renews the login: what it holds is that person's.
    let renewed = earlier.is_some();
    let session = tokens.into_session(earlier.map_or(now, |login| login.login_at));
    admit(&*services.store, &services.broker, &services.credentials, &key, session, !renewed)?;
    if !renewed {
        services.calls.forget(&key);
    }
    log::info("signed in by a web chat's backend", &[("session", &key), ("sub", &sub)]);
    let has_tip = services.broker.peek(&key).is_some();
    Ok(Outcome { sub, expires_at, effective_session_key: key, has_tip })
}

/// The gateway's clients know a bad token as a bad request.
fn bad_token(error: Error) -> Error {
    match error.code() {
        Code::TokenInvalid => Error::new(Code::InvalidRequest, error.message())
            .with_hint("log the person in again with userpool.clientId as the client, and put that id token"),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::super::testing::{Bench, key};
    use super::super::{Action, session_get};
    use super::*;
    use crate::oidc::testing::{NOW, Signer, claims};
    use crate::session::key::MAIN;

    const ANN: &str = "agent:main:main:user:openclaw-control-ui";

    fn input(params: &Value) -> Result<Input> {
        Input::read(params.as_object().unwrap(), true)
    }

    fn put(bench: &Bench, params: &Value) -> Result<Value> {
        let outcome = bench.services.perform(Action::SessionPut(Box::new(input(params)?)))?;
        Ok(serde_json::to_value(outcome).unwrap())
    }

    fn stored(bench: &Bench, session: &str) -> Option<String> {
        bench.services.users.current(&key(session)).unwrap().map(|login| login.user_token.expose().clone())
    }

    #[test]
    fn a_good_token_is_stored_for_its_sender_and_a_workload_token_is_there() {
        let bench = Bench::new();
        let token = bench.provider.sign(&claims("whatever nonce the backend had"));
        let outcome = put(&bench, &json!({ "sessionKey": "main", "idToken": token })).unwrap();
        assert_eq!(
            outcome,
            json!({ "sub": "u-1", "expiresAt": "2026-01-15T09:00:00Z", "effectiveSessionKey": ANN, "hasTip": true })
        );
        assert_eq!(stored(&bench, ANN).unwrap(), token);
        assert!(stored(&bench, MAIN).is_none(), "nobody else is logged in by it");
        assert_eq!(bench.cloud.issued(), 1);
    }

    #[test]
    fn the_key_is_that_of_hooks_and_commands() {
        for (params, expected) in [
            (json!({ "sessionKey": "agent:main:main", "senderId": "ann" }), "agent:main:main:user:ann"),
            (json!({ "sessionKey": "agent:main:main", "senderId": " " }), ANN),
            (
                json!({ "sessionKey": "agent:main:main", "senderId": "ou_1", "channel": "Feishu" }),
                "agent:main:feishu:direct:ou_1",
            ),
            (
                json!({ "sessionKey": "agent:main:main", "senderId": "ann", "channel": "webchat" }),
                "agent:main:main:user:ann",
            ),
            (
                json!({ "sessionKey": "agent:main:feishu:group:oc_1", "senderId": "ou_1", "channel": "feishu" }),
                "agent:main:feishu:group:oc_1:user:ou_1",
            ),
        ] {
            let bench = Bench::new();
            let mut params = params;
            params["idToken"] = bench.provider.sign(&claims("")).into();
            let outcome = put(&bench, &params).unwrap();
            assert_eq!(outcome["effectiveSessionKey"], expected, "{params}");
            assert!(stored(&bench, expected).is_some());
        }
        let bench = Bench::personal();
        let token = bench.provider.sign(&claims(""));
        assert_eq!(
            put(&bench, &json!({ "sessionKey": "agent:main:x", "idToken": token })).unwrap()["effectiveSessionKey"],
            MAIN
        );
    }

    #[test]
    fn a_bad_token_is_an_invalid_request_and_changes_nothing() {
        let bench = Bench::new();
        bench.log_in(ANN, "ann");
        let now = NOW.unix();
        let mut good = claims("");
        good["iat"] = json!(now - 7200);
        let with = |name: &str, value: Value| {
            let mut claims = good.clone();
            claims[name] = value;
            bench.provider.sign(&claims)
        };
        for (why, token) in [
            ("signature", Signer::new("k1").sign(&good)),
            ("issuer", with("iss", json!("https://evil.example.com"))),
            ("audience", with("aud", json!("another-client"))),
            ("long expired", with("exp", json!(now - 3600))),
            ("expired within the leeway", with("exp", json!(now - 1))),
            ("ends now", with("exp", json!(now))),
            ("no subject", with("sub", json!(""))),
            ("no token", "not.a.jwt".to_owned()),
            ("text", "hello".to_owned()),
        ] {
            let error = put(&bench, &json!({ "sessionKey": "main", "idToken": token })).unwrap_err();
            assert_eq!(error.code(), Code::InvalidRequest, "{why}: {error}");
            assert!(!error.to_json().to_string().contains(&token), "{why}");
            assert_eq!(stored(&bench, ANN).unwrap(), "user-token-of-ann", "{why}");
        }
        assert_eq!(bench.cloud.issued(), 0);
        assert!(
            put(&bench, &json!({ "sessionKey": "main", "idToken": with("exp", json!(now + 1)) })).is_ok()
        );
    }

    #[test]
    fn without_a_workload_token_the_login_stands() {
        let bench = Bench::new();
        bench.cloud.fail_with(Error::new(Code::CloudRefused, "no"));
        let token = bench.provider.sign(&claims(""));
        let outcome = put(&bench, &json!({ "sessionKey": "main", "idToken": token })).unwrap();
        assert_eq!((&outcome["hasTip"], &outcome["sub"]), (&json!(false), &json!("u-1")));
        assert!(stored(&bench, ANN).is_some());
    }

    #[test]
    fn what_somebody_else_had_under_the_key_is_dropped_and_what_the_same_person_has_stays() {
        let bench = Bench::new();
        bench.log_in(ANN, "u-1");
        let at = bench.services.users.current(&key(ANN)).unwrap().unwrap().login_at;
        bench.clock.advance(Duration::from_secs(60));
        let token = bench.provider.sign(&claims(""));
        let put = |params: &Value| put(&bench, params).unwrap();
        put(&json!({ "sessionKey": "main", "idToken": token }));
        assert_eq!(
            bench.services.users.current(&key(ANN)).unwrap().unwrap().login_at,
            at,
            "the same login, renewed"
        );
        bench.log_in(ANN, "bob");
        put(&json!({ "sessionKey": "main", "idToken": token }));
        let login = bench.services.users.current(&key(ANN)).unwrap().unwrap();
        assert_eq!((login.sub.as_str(), login.login_at > at), ("u-1", true), "another login");
    }

    #[test]
    fn parameters_are_checked_by_name_and_kind() {
        for (params, part) in [
            (json!({ "idToken": "t" }), "needs sessionKey"),
            (json!({ "sessionKey": "main" }), "needs idToken"),
            (json!({ "sessionKey": "main", "idToken": " " }), "needs idToken"),
            (json!({ "sessionKey": "main", "idToken": 7 }), "takes a text as idToken"),
            (json!({ "sessionKey": "main", "idToken": "t", "senderID": "x" }), "no parameter \"senderID\""),
            (json!({ "sessionKey": "a\nb", "idToken": "t" }), "control character"),
            (
                json!({ "sessionKey": "main", "idToken": "t", "refreshToken": "r".repeat(64 * 1024 + 1) }),
                "at most 65536 bytes as refreshToken",
            ),
        ] {
            let error = input(&params).unwrap_err();
            assert_eq!(error.code(), Code::InvalidRequest);
            assert!(error.message().contains(part), "{error}");
        }
        let longest = json!({ "sessionKey": "main", "idToken": "t", "refreshToken": "r".repeat(64 * 1024), "channel": null });
        let read = input(&longest).unwrap();
        assert_eq!(read.refresh_token.as_ref().unwrap().expose().len(), 64 * 1024);
        assert!(!format!("{read:?}").contains("rr"));
        assert!(
            input(&json!({ "sessionKey": "main", "idToken": "t", "refreshToken": "" }))
                .unwrap()
                .refresh_token
                .is_none()
        );
    }

    #[test]
    fn only_a_web_chat_may_and_only_when_it_is_switched_on() {
        let mut bench = Bench::new();
        bench.log_in(ANN, "ann");
        let token = bench.provider.sign(&claims(""));
        let put = json!({ "sessionKey": "main", "idToken": token });
        let get = json!({ "sessionKey": "main" });
        let actions = |is_webchat| {
            [
                Action::SessionPut(Box::new(Input::read(put.as_object().unwrap(), is_webchat).unwrap())),
                Action::SessionGet(session_get::Input::read(get.as_object().unwrap(), is_webchat).unwrap()),
            ]
        };
        for action in actions(false) {
            assert_eq!(bench.services.perform(action).unwrap_err().code(), Code::Forbidden);
        }
        bench.services.webchat_session_exchange = false;
        for action in actions(true) {
            assert_eq!(bench.services.perform(action).unwrap_err().code(), Code::Forbidden);
        }
        assert_eq!(stored(&bench, ANN).unwrap(), "user-token-of-ann");
    }

    #[test]
    fn another_senders_session_is_refused() {
        let bench = Bench::new();
        let token = bench.provider.sign(&claims(""));
        let params = json!({ "sessionKey": "agent:main:main:user:bob", "idToken": token, "senderId": "ann" });
        assert_eq!(put(&bench, &params).unwrap_err().code(), Code::Forbidden);
    }

    #[test]
    fn without_a_user_pool_no_token_can_be_judged() {
        let mut bench = Bench::new();
        let token = bench.provider.sign(&claims(""));
        bench.services.login = Err(Error::new(Code::ConfigMissing, "userpool.clientId is missing"));
        let error = put(&bench, &json!({ "sessionKey": "main", "idToken": token })).unwrap_err();
        assert_eq!(error.code(), Code::ConfigMissing);
        assert!(stored(&bench, ANN).is_none());
    }
}
