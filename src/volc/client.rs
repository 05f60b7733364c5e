//! Signed calls to the control plane: endpoint and keys found, request signed, answer read, reachability kept.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroize;

use super::call::{Action, Call};
use super::endpoint::Endpoints;
use super::envelope::{self, Accepted, CallError, Class};
use super::keys::Keys;
use super::keys::chain::Chain;
use crate::base::error::{Code, Error, Result};
use crate::base::json;
use crate::base::log;
use crate::base::time::{Clock, Timestamp};
use crate::base::url::Url;
use crate::net::exchange::{Exchange, Repeat, TOLERATED_SKEW};
use crate::net::transport::Limits;

/// Calls the `id` service.
#[derive(Debug)]
pub struct Client {
    endpoints: Endpoints,
    chain: Arc<Chain>,
    exchange: Arc<Exchange>,
    clock: Arc<dyn Clock>,
    limits: Limits,
    state: Mutex<Reachability>,
}

/// How calls have fared lately, for `/status`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reachability {
    /// Since when no call has had an answer; `None` while they have.
    pub unreachable_since: Option<Timestamp>,
    /// When a call last had an answer.
    pub last_answer_at: Option<Timestamp>,
    /// The message of the last call's error; `None` after a success.
    pub last_error: Option<String>,
    /// The cloud's clock minus ours, in seconds.
    pub skew_seconds: Option<i64>,
}

impl Client {
    /// A client that finds its way by these parts. `exchange` must be the one of the cloud.
    #[must_use]
    pub fn new(
        endpoints: Endpoints,
        chain: Arc<Chain>,
        exchange: Arc<Exchange>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { endpoints, chain, exchange, clock, limits: Limits::default(), state: Mutex::default() }
    }

    /// The same client with other limits for each call.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Calls an action with a JSON body and returns its `Result`. With `Repeat::Safe` passing troubles are retried.
    ///
    /// # Errors
    /// What the key chain fails with; `CloudUnreachable` without an answer; the cloud's refusal; `CloudInvalid` for an
    /// answer that cannot be read.
    pub fn call<T: DeserializeOwned>(
        &self,
        action: Action,
        body: &impl Serialize,
        repeat: Repeat,
    ) -> Result<T, CallError> {
        let body = json::text(body).map_err(|_| {
            Error::new(Code::Internal, format!("{}: the parameters are not JSON", action.name))
        })?;
        let result = self.answer(action, body.filled(), repeat)?.result(action.name);
        self.note(action, result.as_ref().err().map(CallError::as_error));
        result
    }

    /// The answer to a call, which is a success. Apart from [`Client::call`], of which the program holds one for each
    /// form of answer.
    fn answer(&self, action: Action, body: &[u8], repeat: Repeat) -> Result<Accepted, CallError> {
        // First of all: an endpoint that must not be called is no reason to fetch keys.
        let endpoint = self.endpoints.current();
        let to = (action, action.url(&endpoint.url)?, endpoint.region.as_str());
        let keys = self.keys(action)?;
        let outcome = self.call_with(to.clone(), body, &keys, repeat);
        if !is_stale(&outcome, &keys) {
            return outcome;
        }
        // Temporary keys can be withdrawn before their end; their source may have newer ones.
        self.chain.forget(&keys);
        let newer = self.keys(action)?;
        if newer.access_key_id == keys.access_key_id {
            return outcome;
        }
        self.call_with(to, body, &newer, repeat)
    }

    /// How calls have fared.
    #[must_use]
    pub fn reachability(&self) -> Reachability {
        Reachability { skew_seconds: self.exchange.skew(), ..self.lock().clone() }
    }

    /// Where calls go now.
    #[must_use]
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Where the keys come from.
    #[must_use]
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Keys may cost a call to STS, which fares like any other.
    fn keys(&self, action: Action) -> Result<Arc<Keys>> {
        let keys = self.chain.keys();
        if let Err(error) = &keys {
            self.note(action, Some(error));
        }
        keys
    }

    fn call_with(
        &self,
        (action, url, region): (Action, Url, &str),
        body: &[u8],
        keys: &Keys,
        repeat: Repeat,
    ) -> Result<Accepted, CallError> {
        let call = Call { action, url, region, content_type: "application/json", body, limits: self.limits };
        let outcome = match call.send(&self.exchange, keys, repeat) {
            Ok(mut response) => {
                let accepted = envelope::accept(action.name, &response);
                // Tokens and credentials come back here.
                response.body.zeroize();
                accepted.map_err(|error| self.with_skew(error))
            }
            Err(failure) => Err(call.unanswered(&failure).into()),
        };
        if let Err(error) = &outcome {
            self.note(action, Some(error.as_error()));
        }
        outcome
    }

    /// Adds the measured skew to a refusal for the date.
    fn with_skew(&self, error: CallError) -> CallError {
        match (error, self.exchange.skew()) {
            (CallError::Refused { refusal, error }, Some(skew))
                if refusal.class == Class::ClockSkew && skew.unsigned_abs() > TOLERATED_SKEW.as_secs() =>
            {
                CallError::Refused { refusal, error: error.with_hint(envelope::skew_hint(skew)) }
            }
            (error, _) => error,
        }
    }

    fn note(&self, action: Action, error: Option<&Error>) {
        let now = self.clock.now();
        let unreachable = error.is_some_and(|error| error.code() == Code::CloudUnreachable);
        let answered =
            error.is_none_or(|error| matches!(error.code(), Code::CloudRefused | Code::CloudInvalid));
        let mut state = self.lock();
        state.last_error = error.map(ToString::to_string);
        let before = state.unreachable_since;
        if unreachable {
            state.unreachable_since.get_or_insert(now);
        } else if answered {
            (state.unreachable_since, state.last_answer_at) = (None, Some(now));
        }
        let after = state.unreachable_since;
        drop(state);
        match (before, after, error) {
            (None, Some(_), Some(error)) => log::warn("the cloud is not reachable", &[("reason", error)]),
            (Some(since), None, _) => log::info("the cloud is reachable again", &[("since", &since)]),
            _ => {}
        }
        if let Some(detail) = error.and_then(Error::detail) {
            log::debug("an answer could not be read", &[("action", &action.name), ("detail", &detail)]);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Reachability> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether temporary keys were refused as such.
fn is_stale(outcome: &Result<Accepted, CallError>, keys: &Keys) -> bool {
    let Err(CallError::Refused { refusal, .. }) = outcome else { return false };
    keys.session_token.is_some() && matches!(refusal.code.as_str(), "InvalidSecretToken" | "InvalidAccessKey")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::base::secret::Secret;
    use crate::net::testing::{Constant, Script, StepClock, answer, answer_with, failed};
    use crate::net::transport::{Failure, FailureKind, HttpRequest, HttpResponse};
    use crate::volc::keys::KeySettings;
    use crate::volc::keys::chain::Reach;

    const NOW: i64 = 1_768_464_000;
    const DO_IT: Action = Action::id("DoIt");
    const DONE: &str = r#"{"ResponseMetadata":{"RequestId":"R1"},"Result":{"A":1}}"#;

    struct Bench {
        client: Client,
        script: Arc<Script>,
        clock: Arc<StepClock>,
    }

    fn bench(settings: KeySettings, answers: Vec<Result<HttpResponse, Failure>>) -> Bench {
        let (script, clock) = (Arc::new(Script::new(answers)), Arc::new(StepClock::at(NOW)));
        let exchange = Arc::new(Exchange::new(script.clone(), clock.clone(), Arc::new(Constant(0))));
        let reach = Reach { cloud: exchange.clone(), metadata: exchange.clone() };
        let chain = Arc::new(Chain::new(settings, crate::base::env::Env::default(), reach, clock.clone()));
        let endpoint = Url::parse("https://id.cn-shanghai.volcengineapi.com").unwrap();
        let endpoints = Endpoints::new(Some(endpoint), None, script.clone(), clock.clone()).unwrap();
        Bench { client: Client::new(endpoints, chain, exchange, clock.clone()), script, clock }
    }

    fn pair() -> KeySettings {
        KeySettings {
            access_key_id: Some(Secret::from("AKLTexample")),
            secret_access_key: Some(Secret::from("example")),
            ..KeySettings::default()
        }
    }

    fn refusal(status: u16, code: &str) -> Result<HttpResponse, Failure> {
        let error = json!({ "Code": code, "Message": "m" });
        answer(status, &json!({ "ResponseMetadata": { "RequestId": "R2", "Error": error } }).to_string())
    }

    fn header<'a>(request: &'a HttpRequest, name: &str) -> &'a str {
        request.headers.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    #[test]
    fn a_call_is_a_signed_post_to_the_endpoint() {
        let bench = bench(pair(), vec![answer(200, DONE)]);
        let result: Value = bench.client.call(DO_IT, &json!({ "B": 2 }), Repeat::Safe).unwrap();
        assert_eq!(result, json!({ "A": 1 }));
        let request = &bench.script.take()[0];
        assert_eq!(
            request.url.to_string(),
            "https://id.cn-shanghai.volcengineapi.com/?Action=DoIt&Version=2025-10-30"
        );
        assert_eq!(request.body, br#"{"B":2}"#);
        assert_eq!(header(request, "Content-Type"), "application/json");
        assert_eq!(header(request, "X-Date"), "20260115T080000Z");
        assert!(header(request, "Authorization").contains("AKLTexample/20260115/cn-shanghai/id/request"));
    }

    #[test]
    fn nothing_is_sent_in_the_clear_to_another_machine() {
        let with_role = KeySettings { role_trn: Some("trn:iam::1:role/R".to_owned()), ..pair() };
        for base in ["http://id.example", "http://100.96.0.96", "http://10.0.0.1:8080"] {
            let mut bench = bench(with_role.clone(), vec![]);
            let (transport, clock) = (bench.script.clone(), bench.clock.clone());
            let endpoint = Some(Url::parse(base).unwrap());
            bench.client.endpoints = Endpoints::new(endpoint, None, transport, clock).unwrap();
            let error = bench.client.call::<Value>(DO_IT, &json!({}), Repeat::Safe).map_err(Error::from);
            let error = error.unwrap_err();
            assert_eq!(error.code(), Code::ConfigInvalid);
            assert!(error.message().contains(base) && error.hint().is_some(), "{error:?}");
            assert!(bench.script.take().is_empty(), "not even the role's keys are fetched for it");
        }
        let plain_sts = KeySettings { sts_endpoint: Url::parse("http://sts.example").ok(), ..with_role };
        let bench = bench(plain_sts, vec![]);
        bench.client.call::<Value>(DO_IT, &json!({}), Repeat::Safe).unwrap_err();
        assert!(bench.script.take().is_empty());
    }

    #[test]
    fn passing_troubles_are_retried_only_where_that_is_safe() {
        for (repeat, sends) in [(Repeat::Safe, 2), (Repeat::Never, 1)] {
            let bench = bench(pair(), vec![answer(503, ""), answer(200, DONE)]);
            assert_eq!(bench.client.call::<Value>(DO_IT, &json!({}), repeat).is_ok(), sends == 2);
            assert_eq!(bench.script.take().len(), sends);
        }
    }

    #[test]
    fn unreachability_is_kept_from_its_first_failure_to_the_next_answer() {
        let bench = bench(pair(), vec![]);
        let call = || bench.client.call::<Value>(DO_IT, &json!({}), Repeat::Never).map_err(Error::from);
        assert_eq!(bench.client.reachability(), Reachability::default());
        for _ in 0..2 {
            let error = call().unwrap_err();
            assert_eq!(error.code(), Code::CloudUnreachable);
            assert!(error.message().starts_with("DoIt: id.cn-shanghai.volcengineapi.com cannot be reached"));
            bench.clock.advance(std::time::Duration::from_secs(5));
        }
        let state = bench.client.reachability();
        assert_eq!(state.unreachable_since, Some(Timestamp::from_unix(NOW)));
        assert!(state.last_error.unwrap().contains("scripted Connect"));

        bench.script.push(refusal(403, "LackPolicy"));
        assert_eq!(call().unwrap_err().code(), Code::CloudRefused);
        let state = bench.client.reachability();
        assert_eq!(
            (state.unreachable_since, state.last_answer_at),
            (None, Some(Timestamp::from_unix(NOW + 10)))
        );
        assert!(state.last_error.unwrap().contains("LackPolicy (request id R2)"));

        bench.script.push(answer(200, DONE));
        call().unwrap();
        assert_eq!(bench.client.reachability().last_error, None);

        bench.script.push(failed(FailureKind::Timeout));
        call().unwrap_err();
        assert_eq!(bench.client.reachability().unreachable_since, Some(Timestamp::from_unix(NOW + 10)));
    }

    #[test]
    fn a_wrong_clock_is_corrected_once_the_cloud_refuses_its_date() {
        let late = [("date", "Thu, 15 Jan 2026 09:00:00 GMT")];
        let refused = refusal(403, "InvalidTimestamp").map(|mut response| {
            response.headers = late.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
            response
        });
        let bench =
            bench(pair(), vec![refused, answer_with(200, &late, DONE), answer_with(200, &late, DONE)]);
        for _ in 0..2 {
            bench.client.call::<Value>(DO_IT, &json!({}), Repeat::Never).unwrap();
        }
        let dates: Vec<_> = bench.script.take().iter().map(|r| header(r, "X-Date").to_owned()).collect();
        assert_eq!(dates, ["20260115T080000Z", "20260115T090000Z", "20260115T090000Z"]);
        assert_eq!(bench.client.reachability().skew_seconds, Some(3600));

        // A cloud that stays unhappy gets no third attempt, and the hint has the number.
        let error = bench.client.with_skew(
            envelope::read::<Value>("DoIt", &refusal(403, "InvalidTimestamp").unwrap()).unwrap_err(),
        );
        assert!(Error::from(error).hint().unwrap().contains("3600 seconds behind"));
    }

    #[test]
    fn withdrawn_temporary_keys_are_replaced_once() {
        let assumed = |id: &str| {
            let keys = json!({ "AccessKeyId": id, "SecretAccessKey": "s", "SessionToken": "t", "ExpiredTime": "2026-01-15T09:00:00Z" });
            answer(200, &json!({ "ResponseMetadata": {}, "Result": { "Credentials": keys } }).to_string())
        };
        let settings = KeySettings { role_trn: Some("trn:iam::1:role/R".to_owned()), ..pair() };
        let bench = bench(
            settings,
            vec![assumed("AKTP1"), refusal(401, "InvalidSecretToken"), assumed("AKTP2"), answer(200, DONE)],
        );
        bench.client.call::<Value>(DO_IT, &json!({}), Repeat::Safe).unwrap();
        let requests = bench.script.take();
        assert_eq!(requests.len(), 4);
        assert!(header(&requests[3], "Authorization").contains("AKTP2/"));
    }

    #[test]
    fn refused_permanent_keys_are_not_tried_again() {
        let bench = bench(pair(), vec![refusal(401, "InvalidAccessKey")]);
        bench.client.call::<Value>(DO_IT, &json!({}), Repeat::Safe).unwrap_err();
        assert_eq!(bench.script.take().len(), 1);
    }
}
