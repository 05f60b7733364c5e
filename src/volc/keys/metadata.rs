//! Third source: temporary keys from the platform's metadata service, good only for assuming `identity.roleTrn`.

use serde::Deserialize;
use zeroize::Zeroize;

use super::{Finding, Keys};
use crate::base::error::{Code, Error};
use crate::base::secret::Secret;
use crate::base::time::Timestamp;
use crate::base::tree::Tree;
use crate::base::url::Url;
use crate::net::exchange::{Exchange, Repeat};
use crate::net::transport::{HttpRequest, HttpResponse, Limits, Method};

/// The name under which reports list it.
pub(super) const NAME: &str = "metadata";

/// Bytes of an answer; keys and a session token have a few thousand.
const MAX_ANSWER_BYTES: u64 = 64 << 10;

/// Fetches the URL as it is configured. 404 means that this machine has no such keys.
pub(super) fn fetch(exchange: &Exchange, url: &Url, role_trn: &str, now: Timestamp) -> Finding {
    if !url.is_confidential() && !url.is_metadata_host() {
        return failed(Code::ConfigInvalid, "plain http is for this machine and link-local addresses only");
    }
    let request = || {
        let limits = Limits { body_bytes: MAX_ANSWER_BYTES, ..Limits::default() };
        let headers = vec![("Accept".to_owned(), "application/json".to_owned())];
        HttpRequest { method: Method::Get, url: url.clone(), headers, body: Vec::new(), limits }
    };
    match exchange.send(Repeat::Safe, request) {
        Err(failure) => failed(Code::CloudUnreachable, &failure.to_string()),
        Ok(response) if response.status == 404 => Finding::Absent("status 404".to_owned()),
        Ok(mut response) => {
            let finding = read(&response, role_trn, now);
            response.body.zeroize();
            finding
        }
    }
}

fn failed(code: Code, reason: &str) -> Finding {
    let error = Error::new(code, format!("no keys from identity.credentialsMetadataUrl: {reason}"));
    Finding::Failed(error.with_hint("check the URL and that this machine or container has a role"))
}

fn read(response: &HttpResponse, role_trn: &str, now: Timestamp) -> Finding {
    if !response.is_success() {
        let code = if response.status >= 500 { Code::CloudUnreachable } else { Code::CloudRefused };
        return failed(code, &format!("status {}", response.status));
    }
    let Ok(answer) = Tree::read::<Answer>(&response.body) else {
        return failed(Code::CloudInvalid, "the answer is not the documented JSON");
    };
    match answer.into_keys(now) {
        Ok(keys) => Finding::Found { keys, role_trn: Some(role_trn.to_owned()) },
        Err(reason) => failed(Code::CloudInvalid, &reason),
    }
}

/// The keys, bare or in one of the wrappers that services put around them.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    access_key_id: Option<String>,
    secret_access_key: Option<Secret>,
    session_token: Option<Secret>,
    expired_time: Option<String>,
    expiration: Option<String>,
    result: Option<Box<Self>>,
    credentials: Option<Box<Self>>,
}

impl Answer {
    fn into_keys(self, now: Timestamp) -> Result<Keys, String> {
        if let Some(inner) = self.result.or(self.credentials) {
            return inner.into_keys(now);
        }
        let missing = |name: &str| format!("the answer has no {name}");
        let access_key_id = self.access_key_id.filter(|id| !id.is_empty());
        let secret = self.secret_access_key.filter(|secret| !secret.expose().is_empty());
        let expiry = self.expired_time.or(self.expiration).filter(|text| !text.is_empty());
        let expires_at = match expiry.as_deref().map(Timestamp::parse_rfc3339) {
            Some(None) => return Err("ExpiredTime is not a date".to_owned()),
            Some(Some(moment)) if moment.is_past(now) => return Err(format!("the keys expired at {moment}")),
            Some(moment) => moment,
            None => None,
        };
        Ok(Keys {
            access_key_id: access_key_id.ok_or_else(|| missing("AccessKeyId"))?,
            secret: secret.ok_or_else(|| missing("SecretAccessKey"))?,
            session_token: self.session_token.filter(|token| !token.expose().is_empty()),
            expires_at,
            source: NAME,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::net::testing::{Constant, Script, StepClock, answer, failed as broken};
    use crate::net::transport::{Failure, FailureKind};

    const NOW: i64 = 1_768_464_000;

    fn fetched(answer: Result<HttpResponse, Failure>) -> (Finding, Vec<HttpRequest>) {
        let script = Arc::new(Script::new([answer.clone(), answer.clone(), answer]));
        let exchange = Exchange::new(script.clone(), Arc::new(StepClock::at(NOW)), Arc::new(Constant(0)));
        let url = Url::parse("http://100.96.0.96/latest/iam/keys?x=1").unwrap();
        (fetch(&exchange, &url, "trn:iam::1:role/R", Timestamp::from_unix(NOW)), script.take())
    }

    #[test]
    fn the_configured_url_is_fetched_as_it_is() {
        let (finding, requests) = fetched(answer(200, r#"{"AccessKeyId":"A","SecretAccessKey":"S"}"#));
        assert!(matches!(finding, Finding::Found { .. }));
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].url.to_string(), "http://100.96.0.96/latest/iam/keys?x=1");
        assert_eq!(requests[0].method, Method::Get);
    }

    #[test]
    fn keys_are_not_fetched_in_the_clear_from_elsewhere() {
        for (url, asked) in
            [("http://keys.example/x", 0), ("https://keys.example/x", 1), ("http://[::1]/x", 1)]
        {
            let script = Arc::new(Script::new([answer(404, "")]));
            let exchange = Exchange::new(script.clone(), Arc::new(StepClock::at(NOW)), Arc::new(Constant(0)));
            fetch(&exchange, &Url::parse(url).unwrap(), "trn:iam::1:role/R", Timestamp::from_unix(NOW));
            assert_eq!(script.take().len(), asked, "{url}");
        }
    }

    #[test]
    fn bare_and_wrapped_answers_are_read() {
        let bare = r#"{"AccessKeyId":"A","SecretAccessKey":"S","SessionToken":"T","ExpiredTime":"2026-01-15T17:00:00+08:00"}"#;
        for body in [
            bare.to_owned(),
            format!(r#"{{"Result":{bare}}}"#),
            format!(r#"{{"Credentials":{bare}}}"#),
            format!(r#"{{"Code":"ok","Result":{{"Credentials":{bare}}}}}"#),
            bare.replace("ExpiredTime", "Expiration"),
        ] {
            let (Finding::Found { keys, role_trn }, _) = fetched(answer(200, &body)) else {
                panic!("{body}")
            };
            assert_eq!((keys.access_key_id.as_str(), keys.secret.expose().as_str()), ("A", "S"));
            assert_eq!(keys.session_token.unwrap().expose(), "T");
            assert_eq!(keys.expires_at, Some(Timestamp::from_unix(NOW + 3600)));
            assert_eq!(role_trn.as_deref(), Some("trn:iam::1:role/R"));
        }
    }

    #[test]
    fn only_404_is_absence() {
        assert!(matches!(fetched(answer(404, "")).0, Finding::Absent(reason) if reason == "status 404"));
        for (outcome, code, reason) in [
            (broken(FailureKind::Timeout), Code::CloudUnreachable, "Timeout"),
            (answer(500, ""), Code::CloudUnreachable, "status 500"),
            (answer(403, "s3cret"), Code::CloudRefused, "status 403"),
            (answer(200, "<html>s3cret"), Code::CloudInvalid, "not the documented JSON"),
            (answer(200, r#"{"AccessKeyId":"A"}"#), Code::CloudInvalid, "no SecretAccessKey"),
            (
                answer(200, r#"{"AccessKeyId":"","SecretAccessKey":"s3cret"}"#),
                Code::CloudInvalid,
                "no AccessKeyId",
            ),
            (
                answer(
                    200,
                    r#"{"AccessKeyId":"A","SecretAccessKey":"s3cret","ExpiredTime":"2026-01-15T16:00:00+08:00"}"#,
                ),
                Code::CloudInvalid,
                "expired at 2026-01-15T08:00:00Z",
            ),
            (
                answer(200, r#"{"AccessKeyId":"A","SecretAccessKey":"s3cret","ExpiredTime":"soon"}"#),
                Code::CloudInvalid,
                "not a date",
            ),
        ] {
            let (Finding::Failed(error), _) = fetched(outcome) else { panic!("{reason}") };
            assert_eq!(error.code(), code, "{error:?}");
            assert!(
                error.message().contains(reason) && !format!("{error:?}").contains("s3cret"),
                "{error:?}"
            );
        }
    }
}
