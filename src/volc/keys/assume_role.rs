//! STS `AssumeRole`: temporary keys of a role for the keys at hand.

use std::sync::Arc;

use serde::Deserialize;
use zeroize::Zeroize;

use super::{Keys, shown_id};
use crate::base::error::{Code, Error, Result};
use crate::base::log;
use crate::base::secret::REDACTED;
use crate::base::time::Clock;
use crate::base::url::Url;
use crate::net::exchange::{Exchange, Repeat, TOLERATED_SKEW};
use crate::net::transport::{HttpResponse, Limits};
use crate::volc::call::{Action, Call};
use crate::volc::endpoint::DEFAULT_REGION;
use crate::volc::envelope::{self, Class};
use crate::volc::temporary::TemporaryKeys;

/// The public address of STS.
pub const STS_ENDPOINT: &str = "https://sts.volcengineapi.com";
/// The name of our sessions in the cloud's audit log: 2 to 64 of letters, digits and `.-_@`.
pub const SESSION_NAME: &str = "agent_identity";
/// The lifetime that is asked for, in seconds; the cloud's default, too.
pub const DURATION_SECONDS: u32 = 3600;

const ASSUME_ROLE: Action = Action::sts("AssumeRole");

/// Assumes roles.
#[derive(Debug)]
pub(super) struct Sts {
    pub(super) exchange: Arc<Exchange>,
    pub(super) clock: Arc<dyn Clock>,
    /// `None` for the public address.
    pub(super) endpoint: Option<Url>,
    /// Whether `IDENTITY_STS_DEBUG` is `1`.
    pub(super) debug: bool,
}

impl Sts {
    /// Temporary keys of the role, named after the source of the keys that assume it.
    ///
    /// # Errors
    /// As every call; `CloudInvalid` as well when the answer's keys have ended already.
    pub(super) fn assume(&self, base: &Keys, role_trn: &str) -> Result<Keys> {
        let endpoint = match &self.endpoint {
            Some(endpoint) => endpoint.clone(),
            None => Url::parse(STS_ENDPOINT).map_err(|reason| Error::new(Code::Internal, reason))?,
        };
        let url = ASSUME_ROLE.url(&endpoint)?;
        let body = form(role_trn);
        let call = Call {
            action: ASSUME_ROLE,
            url,
            region: DEFAULT_REGION,
            content_type: "application/x-www-form-urlencoded; charset=utf-8",
            body: body.as_bytes(),
            limits: Limits::default(),
        };
        if self.debug {
            write("sts request", &request_fields(&call.url, role_trn, &base.access_key_id));
        }
        let sent = call.send(&self.exchange, base, Repeat::Safe);
        let mut response = sent.map_err(|failure| call.unanswered(&failure))?;
        let answer = envelope::read::<Answer>(ASSUME_ROLE.name, &response);
        if self.debug {
            write("sts answer", &answer_fields(&response, answer.as_ref().ok()));
        }
        response.body.zeroize();
        let credentials = answer.map_err(|error| self.explained(error))?.credentials;
        if credentials.expires_at.is_past(self.clock.now()) {
            let message = format!("AssumeRole: the keys in the answer ended at {}", credentials.expires_at);
            return Err(Error::new(Code::CloudInvalid, message).with_hint("set this machine's clock"));
        }
        Ok(Keys {
            access_key_id: credentials.access_key_id,
            secret: credentials.secret,
            session_token: Some(credentials.session_token),
            expires_at: Some(credentials.expires_at),
            source: base.source,
        })
    }

    /// Adds the measured skew to a refusal for the date.
    fn explained(&self, error: envelope::CallError) -> Error {
        let refused = error.class() == Some(Class::ClockSkew);
        let error = Error::from(error);
        let skew =
            self.exchange.skew().filter(|skew| refused && skew.unsigned_abs() > TOLERATED_SKEW.as_secs());
        match skew {
            Some(skew) => error.with_hint(envelope::skew_hint(skew)),
            None => error,
        }
    }
}

fn form(role_trn: &str) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("RoleTrn", role_trn).append_pair("RoleSessionName", SESSION_NAME);
    form.append_pair("DurationSeconds", &DURATION_SECONDS.to_string()).finish()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    credentials: TemporaryKeys,
}

type Fields = Vec<(&'static str, String)>;

/// What `IDENTITY_STS_DEBUG` shows of a request. There is no way to have the rest.
fn request_fields(url: &Url, role_trn: &str, access_key_id: &str) -> Fields {
    vec![
        ("url", url.to_string()),
        ("role", role_trn.to_owned()),
        ("session", SESSION_NAME.to_owned()),
        ("duration", DURATION_SECONDS.to_string()),
        ("access_key_id", shown_id(access_key_id)),
        ("signature", REDACTED.to_owned()),
    ]
}

/// What `IDENTITY_STS_DEBUG` shows of an answer.
fn answer_fields(response: &HttpResponse, answer: Option<&Answer>) -> Fields {
    let mut fields = vec![
        ("status", response.status.to_string()),
        ("request_id", envelope::request_id(response).unwrap_or_default()),
    ];
    if let Some(Answer { credentials }) = answer {
        fields.extend([
            ("expires", credentials.expires_at.to_string()),
            ("access_key_id", shown_id(&credentials.access_key_id)),
            ("secret_access_key", REDACTED.to_owned()),
            ("session_token", REDACTED.to_owned()),
        ]);
    }
    fields
}

fn write(message: &str, fields: &Fields) {
    let fields: Vec<log::Field<'_>> =
        fields.iter().map(|(name, value)| (*name, value as &dyn std::fmt::Display)).collect();
    log::info(message, &fields);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::secret::Secret;
    use crate::base::time::Timestamp;
    use crate::net::testing::{Constant, Script, StepClock, answer, answer_with};
    use crate::net::transport::{Failure, HttpRequest, Method};

    const NOW: i64 = 1_768_464_000;
    const ROLE: &str = "trn:iam::2100000000:role/AgentRole";
    const GOOD: &str = r#"{"ResponseMetadata":{"RequestId":"R1"},"Result":{"Credentials":{"AccessKeyId":"AKTPtemporaryexample",
        "SecretAccessKey":"s3cret","SessionToken":"STStoken","CurrentTime":"2026-01-15T16:00:00+08:00",
        "ExpiredTime":"2026-01-15T17:00:00+08:00"},"AssumedRoleUser":{"Trn":"x"}}}"#;

    fn base() -> Keys {
        Keys {
            access_key_id: "AKLTbaseexample00001".to_owned(),
            secret: Secret::from("basesecret"),
            session_token: Some(Secret::from("basetoken")),
            expires_at: None,
            source: "config",
        }
    }

    fn assumed(answer: Result<HttpResponse, Failure>) -> (Result<Keys>, Vec<HttpRequest>) {
        assumed_after(vec![answer])
    }

    fn assumed_after(answers: Vec<Result<HttpResponse, Failure>>) -> (Result<Keys>, Vec<HttpRequest>) {
        let (script, clock) = (Arc::new(Script::new(answers)), Arc::new(StepClock::at(NOW)));
        let exchange = Arc::new(Exchange::new(script.clone(), clock.clone(), Arc::new(Constant(0))));
        let sts = Sts { exchange, clock, endpoint: None, debug: false };
        (sts.assume(&base(), ROLE), script.take())
    }

    #[test]
    fn the_request_is_a_signed_form_post() {
        let (keys, requests) = assumed(answer(200, GOOD));
        assert!(keys.is_ok());
        let request = &requests[0];
        assert_eq!(request.method, Method::Post);
        assert_eq!(
            request.url.to_string(),
            "https://sts.volcengineapi.com/?Action=AssumeRole&Version=2018-01-01"
        );
        assert_eq!(
            std::str::from_utf8(&request.body).unwrap(),
            "RoleTrn=trn%3Aiam%3A%3A2100000000%3Arole%2FAgentRole&RoleSessionName=agent_identity&DurationSeconds=3600"
        );
        let header = |name: &str| request.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        assert_eq!(header("X-Security-Token"), Some("basetoken"));
        assert_eq!(header("X-Date"), Some("20260115T080000Z"));
        assert_eq!(header("Content-Type"), Some("application/x-www-form-urlencoded; charset=utf-8"));
        assert_eq!(header("Host"), None);
        let authorization = header("Authorization").unwrap();
        assert!(authorization.contains("Credential=AKLTbaseexample00001/20260115/cn-beijing/sts/request"));
        assert!(
            authorization
                .contains("SignedHeaders=content-type;host;x-content-sha256;x-date;x-security-token")
        );
    }

    #[test]
    fn the_offset_of_the_expiry_counts() {
        for body in [GOOD.to_owned(), GOOD.replace("ExpiredTime", "Expiration")] {
            let keys = assumed(answer(200, &body)).0.unwrap();
            assert_eq!(keys.expires_at, Some(Timestamp::from_unix(NOW + 3600)));
            assert_eq!(
                (keys.access_key_id.as_str(), keys.secret.expose().as_str()),
                ("AKTPtemporaryexample", "s3cret")
            );
            assert_eq!(keys.session_token.unwrap().expose(), "STStoken");
        }
    }

    #[test]
    fn unusable_answers_name_the_request_id_and_no_secret() {
        for (body, part) in [
            (GOOD.replace("\"SecretAccessKey\"", "\"Other\""), "has no SecretAccessKey (request id R1)"),
            (GOOD.replace("\"AccessKeyId\"", "\"Other\""), "has no AccessKeyId (request id R1)"),
            (GOOD.replace("\"SessionToken\"", "\"Other\""), "has no SessionToken (request id R1)"),
            (GOOD.replace("\"ExpiredTime\"", "\"Other\""), "has no ExpiredTime (request id R1)"),
            (GOOD.replace("\"Credentials\"", "\"Other\""), "has no Credentials (request id R1)"),
            (
                GOOD.replace("2026-01-15T17:00:00+08:00", "soon"),
                "is not of the documented form (request id R1)",
            ),
            (GOOD.replace("17:00:00", "16:00:00"), "ended at 2026-01-15T08:00:00Z"),
        ] {
            let error = assumed(answer(200, &body)).0.unwrap_err();
            assert_eq!(error.code(), Code::CloudInvalid);
            assert!(error.message().contains(part), "{error:?}");
            assert!(!format!("{error:?}").contains("s3cret"));
        }
    }

    #[test]
    fn a_refusal_for_the_date_tells_the_measured_skew() {
        let body = r#"{"ResponseMetadata":{"RequestId":"R1","Error":{"Code":"InvalidTimestamp","Message":"expired"}}}"#;
        let refusal = answer_with(403, &[("date", "Thu, 15 Jan 2026 08:20:00 GMT")], body);
        let (keys, requests) = assumed_after(vec![refusal.clone(), refusal]);
        assert_eq!(requests.len(), 2);
        let error = keys.unwrap_err();
        assert!(error.hint().unwrap().contains("1200 seconds behind"), "{error:?}");
    }

    #[test]
    fn debug_lines_show_what_helps_and_hide_what_is_secret() {
        let url = Url::parse("https://sts.example/?Action=AssumeRole").unwrap();
        let response = answer(200, GOOD).unwrap();
        let parsed: Answer = envelope::read("AssumeRole", &response).unwrap_or_else(|_| panic!());
        let mut fields = request_fields(&url, ROLE, &base().access_key_id);
        fields.extend(answer_fields(&response, Some(&parsed)));
        let shown = format!("{fields:?}");
        for part in [
            ROLE,
            "agent_identity",
            "3600",
            "sts.example",
            "\"200\"",
            "R1",
            "2026-01-15T09:00:00Z",
            "AKLT…0001",
            "AKTP…mple",
        ] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
        for canary in ["s3cret", "STStoken", "basesecret", "basetoken", "baseexample", "temporary"] {
            assert!(!shown.contains(canary), "{canary} in {shown}");
        }
    }
}
