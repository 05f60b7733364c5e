//! A client over scripted answers, for the tests of the typed calls.

use std::sync::Arc;

use serde_json::{Value, json};

use super::client::Client;
use super::endpoint::Endpoints;
use super::keys::KeySettings;
use super::keys::chain::{Chain, Reach};
use crate::base::env::Env;
use crate::net::exchange::Exchange;
use crate::net::testing::{Constant, Script, StepClock, answer};
use crate::net::transport::{Failure, HttpResponse};

/// What a scripted transport answers.
pub(super) type Answer = Result<HttpResponse, Failure>;

/// The moment of the client's clock: 2026-01-15T08:00:00Z.
pub(super) const NOW: i64 = 1_768_464_000;

/// A success with this `Result`.
pub(super) fn result(result: &Value) -> Answer {
    answer(200, &json!({ "ResponseMetadata": { "RequestId": "R" }, "Result": result }).to_string())
}

/// A refusal.
pub(super) fn refusal(status: u16, code: &str) -> Answer {
    let error = json!({ "Code": code, "Message": "m" });
    answer(status, &json!({ "ResponseMetadata": { "RequestId": "R", "Error": error } }).to_string())
}

/// What `call` comes to with these answers and, of each request, the action with the body.
pub(super) fn exchanged<T>(
    answers: impl IntoIterator<Item = Answer>,
    call: impl FnOnce(&Client) -> T,
) -> (T, Vec<(String, Value)>) {
    let (script, clock) = (Arc::new(Script::new(answers)), Arc::new(StepClock::at(NOW)));
    let exchange = Arc::new(Exchange::new(script.clone(), clock.clone(), Arc::new(Constant(0))));
    let env: Env = [("VOLCENGINE_ACCESS_KEY", "A"), ("VOLCENGINE_SECRET_KEY", "S")].into_iter().collect();
    let reach = Reach { cloud: exchange.clone(), metadata: exchange.clone() };
    let chain = Arc::new(Chain::new(KeySettings::default(), env, reach, clock.clone()));
    let endpoints = Endpoints::new(None, None, script.clone(), clock.clone()).unwrap();
    let outcome = call(&Client::new(endpoints, chain, exchange, clock));
    let seen = script.take().into_iter().map(|request| {
        let query = request.url.query().unwrap().to_owned();
        let action = query.strip_prefix("Action=").unwrap().strip_suffix("&Version=2025-10-30").unwrap();
        (action.to_owned(), serde_json::from_slice(&request.body).unwrap())
    });
    (outcome, seen.collect())
}

/// What `call` comes to with one answer, after a look at the one request that it sends.
pub(super) fn golden<T>(action: &str, body: &Value, answer: &Value, call: impl FnOnce(&Client) -> T) -> T {
    let (outcome, seen) = exchanged([result(answer)], call);
    assert_eq!(seen, [(action.to_owned(), body.clone())]);
    outcome
}
