//! Stand-ins for the network and the clock in this crate's unit tests.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::transport::{Failure, FailureKind, HttpRequest, HttpResponse, Transport};
use crate::base::entropy::Entropy;
use crate::base::error::Result;
use crate::base::time::{Clock, ManualClock, Timestamp};

/// A clock whose sleepers do not wait: sleeping moves it. Keeps what was slept.
#[derive(Debug)]
pub(crate) struct StepClock {
    clock: ManualClock,
    slept: Mutex<Vec<Duration>>,
}

impl StepClock {
    pub(crate) fn at(unix: i64) -> Self {
        Self { clock: ManualClock::at(Timestamp::from_unix(unix)), slept: Mutex::default() }
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    pub(crate) fn slept(&self) -> Vec<Duration> {
        self.slept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Clock for StepClock {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    fn sleep(&self, duration: Duration) {
        self.slept.lock().unwrap_or_else(PoisonError::into_inner).push(duration);
        self.clock.advance(duration);
    }
}

/// The same byte for ever.
#[derive(Debug)]
pub(crate) struct Constant(pub(crate) u8);

impl Entropy for Constant {
    fn fill(&self, buffer: &mut [u8]) -> Result<()> {
        buffer.fill(self.0);
        Ok(())
    }
}

/// Answers in the order they were given and keeps the requests; with nothing left to say, refuses the connection.
#[derive(Debug, Default)]
pub(crate) struct Script {
    answers: Mutex<VecDeque<Result<HttpResponse, Failure>>>,
    requests: Mutex<Vec<HttpRequest>>,
}

impl Script {
    pub(crate) fn new(answers: impl IntoIterator<Item = Result<HttpResponse, Failure>>) -> Self {
        Self { answers: Mutex::new(answers.into_iter().collect()), requests: Mutex::default() }
    }

    pub(crate) fn push(&self, answer: Result<HttpResponse, Failure>) {
        self.answers.lock().unwrap().push_back(answer);
    }

    /// The requests so far, forgotten with the call.
    pub(crate) fn take(&self) -> Vec<HttpRequest> {
        std::mem::take(&mut *self.requests.lock().unwrap())
    }
}

impl Transport for Script {
    fn send(&self, request: &HttpRequest) -> Result<HttpResponse, Failure> {
        self.requests.lock().unwrap().push(request.clone());
        self.answers.lock().unwrap().pop_front().unwrap_or_else(|| failed(FailureKind::Connect))
    }
}

pub(crate) fn answer(status: u16, body: &str) -> Result<HttpResponse, Failure> {
    answer_with(status, &[], body)
}

pub(crate) fn answer_with(
    status: u16,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<HttpResponse, Failure> {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Ok(HttpResponse { status, headers, body: body.as_bytes().to_vec() })
}

pub(crate) fn failed(kind: FailureKind) -> Result<HttpResponse, Failure> {
    Err(Failure { kind, detail: format!("scripted {kind:?}") })
}
