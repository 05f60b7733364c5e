//! Signed calls to the control plane: endpoint and keys found, request signed, answer read, reachability kept.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::call::{Action, Call};
use super::endpoint::Endpoints;
use super::envelope::{self, CallError, Class};
use super::keys::Keys;
use super::keys::chain::Chain;
use crate::base::error::{Code, Error, Result};
use crate::base::log;
use crate::base::time::{Clock, Timestamp};
use crate::net::exchange::{Exchange, Repeat, TOLERATED_SKEW};

/// Calls the `id` service.
#[derive(Debug)]
pub struct Client {
    endpoints: Endpoints,
    chain: Arc<Chain>,
    exchange: Arc<Exchange>,
    clock: Arc<dyn Clock>,
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
        Self { endpoints, chain, exchange, clock, state: Mutex::default() }
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
        let body = serde_json::to_vec(body).map_err(|_| {
            Error::new(Code::Internal, format!("{}: the parameters are not JSON", action.name))
        })?;
        let keys = self.chain.keys()?;
        let outcome = self.call_with(action, &body, &keys, repeat);
        if !is_stale(&outcome, &keys) {
            return outcome;
        }
        // Temporary keys can be withdrawn before their end; their source may have newer ones.
        self.chain.forget(&keys);
        let newer = self.chain.keys()?;
        if newer.access_key_id == keys.access_key_id {
            return outcome;
        }
        self.call_with(action, &body, &newer, repeat)
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

    fn call_with<T: DeserializeOwned>(
        &self,
        action: Action,
        body: &[u8],
        keys: &Keys,
        repeat: Repeat,
    ) -> Result<T, CallError> {
        let endpoint = self.endpoints.current();
        let url = action.url(&endpoint.url)?;
        let call = Call { action, url, region: &endpoint.region, content_type: "application/json", body };
        let outcome = match call.send(&self.exchange, keys, repeat) {
            Ok(response) => envelope::read(action.name, &response).map_err(|error| self.with_skew(error)),
            Err(failure) => {
                let address = endpoint.url.authority();
                let message = format!("{}: {address} cannot be reached: {failure}", action.name);
                Err(Error::new(Code::CloudUnreachable, message)
                    .with_hint("check the network and the proxy settings of this machine")
                    .into())
            }
        };
        self.note(action, &outcome);
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

    fn note<T>(&self, action: Action, outcome: &Result<T, CallError>) {
        let now = self.clock.now();
        let error = outcome.as_ref().err().map(|error| Error::from(error.clone()));
        let mut state = self.lock();
        state.last_error = error.as_ref().map(ToString::to_string);
        let before = state.unreachable_since;
        match &error {
            Some(error) if error.code() == Code::CloudUnreachable => {
                state.unreachable_since.get_or_insert(now);
            }
            _ => (state.unreachable_since, state.last_answer_at) = (None, Some(now)),
        }
        let after = state.unreachable_since;
        drop(state);
        match (before, after, error) {
            (None, Some(_), Some(error)) => log::warn("the cloud is not reachable", &[("reason", &error)]),
            (Some(since), None, _) => log::info("the cloud is reachable again", &[("since", &since)]),
            _ => {}
        }
        if let Some(detail) =
            outcome.as_ref().err().and_then(|error| Error::from(error.clone()).detail().map(str::to_owned))
        {
            log::debug("an answer could not be read", &[("action", &action.name), ("detail", &detail)]);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Reachability> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether temporary keys were refused as such.
fn is_stale<T>(outcome: &Result<T, CallError>, keys: &Keys) -> bool {
    let Err(CallError::Refused { refusal, .. }) = outcome else { return false };
    keys.session_token.is_some() && matches!(refusal.code.as_str(), "InvalidSecretToken" | "InvalidAccessKey")
}
