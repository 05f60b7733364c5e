//! Exchanges with retries, and the clock skew that the answers' dates show.
//!
//! A request is repeated only when its sender says that repeating is safe, only after an answer that asks for it or a
//! connection that never delivered one, a bounded number of times and within a deadline. One `Exchange` talks to one
//! party, so that the measured skew is that party's.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::transport::{Failure, FailureKind, HttpRequest, HttpResponse, Transport};
use crate::base::entropy::Entropy;
use crate::base::time::{Clock, Timestamp};

/// How often a request is sent at most.
pub const MAX_ATTEMPTS: u32 = 3;
/// The longest wait before the first repetition; doubles with each further one.
pub const BACKOFF_BASE: Duration = Duration::from_millis(200);
/// The longest wait that we choose ourselves.
pub const BACKOFF_CAP: Duration = Duration::from_secs(2);
/// The longest wait that a server may ask for (`Retry-After`); whoever wants more gets no repetition.
pub const RETRY_AFTER_CAP: Duration = Duration::from_secs(5);
/// Clocks that differ by no more than this are taken to agree.
pub const TOLERATED_SKEW: Duration = Duration::from_secs(60);

/// Whether sending a request twice is the same as sending it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// It may be sent again.
    Safe,
    /// It must not be sent again.
    Never,
}

/// Sends requests to one party.
#[derive(Debug)]
pub struct Exchange {
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    skew: AtomicI64,
}

/// In place of a skew that was never measured.
const UNKNOWN: i64 = i64::MIN;

impl Exchange {
    /// Exchanges over this transport.
    #[must_use]
    pub fn new(transport: Arc<dyn Transport>, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { transport, clock, entropy, skew: AtomicI64::new(UNKNOWN) }
    }

    /// Sends a request, repeatedly if need be. `build` makes each attempt's request anew, since a signature has a
    /// date. The total limit of the first attempt is the deadline of all of them.
    ///
    /// # Errors
    /// The last attempt's failure. A last answer of whatever status is not one.
    pub fn send(
        &self,
        repeat: Repeat,
        mut build: impl FnMut() -> HttpRequest,
    ) -> Result<HttpResponse, Failure> {
        let start = self.clock.monotonic();
        let mut deadline = None;
        let mut attempt = 1;
        loop {
            let mut request = build();
            let deadline = *deadline.get_or_insert(start + request.limits.total);
            request.limits.total = deadline.saturating_sub(self.clock.monotonic());
            let outcome = self.attempt(&request);
            if repeat == Repeat::Never || attempt >= MAX_ATTEMPTS {
                return outcome;
            }
            let Some(wait) = wait_after(&outcome, attempt, self.random(), self.clock.now()) else {
                return outcome;
            };
            if self.clock.monotonic() + wait >= deadline {
                return outcome;
            }
            self.clock.sleep(wait);
            attempt += 1;
        }
    }

    /// The party's clock minus ours in seconds, as of the last dated answer.
    #[must_use]
    pub fn skew(&self) -> Option<i64> {
        Some(self.skew.load(Ordering::Relaxed)).filter(|skew| *skew != UNKNOWN)
    }

    /// Our clock's time, or the party's when ours is off by more than [`TOLERATED_SKEW`].
    #[must_use]
    pub fn party_now(&self) -> Timestamp {
        let now = self.clock.now();
        match self.skew() {
            Some(skew) if skew.unsigned_abs() > TOLERATED_SKEW.as_secs() => {
                Timestamp::from_unix(now.unix().saturating_add(skew))
            }
            _ => now,
        }
    }

    fn attempt(&self, request: &HttpRequest) -> Result<HttpResponse, Failure> {
        let response = self.transport.send(request)?;
        if let Some(skew) = measured_skew(&response, self.clock.now()) {
            self.skew.store(skew, Ordering::Relaxed);
        }
        Ok(response)
    }

    /// Jitter needs no secrecy: without random bytes the wait is merely the longest.
    fn random(&self) -> u32 {
        let mut bytes = [u8::MAX; 4];
        let _ = self.entropy.fill(&mut bytes);
        u32::from_le_bytes(bytes)
    }
}

/// The server's clock minus ours. An answer with an `Age` was dated when some cache stored it.
fn measured_skew(response: &HttpResponse, now: Timestamp) -> Option<i64> {
    let date = response.header("date").filter(|_| response.header("age").is_none())?;
    Some(Timestamp::parse_http_date(date)?.unix() - now.unix())
}

/// How long to wait before the next attempt; `None` when there shall be none.
///
/// A time-out is final: whoever waits has waited that long already.
fn wait_after(
    outcome: &Result<HttpResponse, Failure>,
    attempt: u32,
    random: u32,
    now: Timestamp,
) -> Option<Duration> {
    match outcome {
        Ok(response) if matches!(response.status, 429 | 500 | 502 | 503 | 504) => {
            match response.header("retry-after") {
                Some(text) => retry_after(text, now).filter(|asked| *asked <= RETRY_AFTER_CAP),
                None => Some(backoff(attempt, random)),
            }
        }
        Err(Failure { kind: FailureKind::Connect | FailureKind::Resolve, .. }) => {
            Some(backoff(attempt, random))
        }
        _ => None,
    }
}

/// The wait after the given attempt (counted from 1): exponential, of which a random share of up to a half is taken off
/// so that clients who failed together do not come back together.
#[must_use]
pub fn backoff(attempt: u32, random: u32) -> Duration {
    let doubled =
        BACKOFF_BASE.saturating_mul(1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX));
    let longest = doubled.min(BACKOFF_CAP);
    longest / 2 + (longest / 2).mul_f64(f64::from(random) / f64::from(u32::MAX))
}

/// `Retry-After` in either of its forms, seconds or a date (RFC 9110 section 10.2.3). Nothing is repeated after nonsense.
fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let seconds = text.trim().parse().ok();
    let seconds = seconds.or_else(|| Timestamp::parse_http_date(text).map(|date| date.seconds_after(now)));
    seconds.map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Constant, Script, StepClock, answer, answer_with, failed};
    use super::super::transport::{Limits, Method};
    use super::*;
    use crate::base::url::Url;

    const NOW: i64 = 1_768_464_000;

    fn request() -> HttpRequest {
        let url = Url::parse("https://a.example").unwrap();
        HttpRequest {
            method: Method::Get,
            url,
            headers: Vec::new(),
            body: Vec::new(),
            limits: Limits::default(),
        }
    }

    fn exchange(answers: Vec<Result<HttpResponse, Failure>>) -> (Exchange, Arc<Script>, Arc<StepClock>) {
        let (script, clock) = (Arc::new(Script::new(answers)), Arc::new(StepClock::at(NOW)));
        (Exchange::new(script.clone(), clock.clone(), Arc::new(Constant(255))), script, clock)
    }

    #[test]
    fn backoff_doubles_to_its_cap_and_keeps_at_least_half() {
        for (attempt, longest) in [(1, 200), (2, 400), (4, 1600), (5, 2000), (40, 2000), (u32::MAX, 2000)] {
            let longest = Duration::from_millis(longest);
            assert_eq!(backoff(attempt, u32::MAX), longest, "{attempt}");
            assert_eq!(backoff(attempt, 0), longest / 2, "{attempt}");
        }
    }

    #[test]
    fn only_passing_troubles_are_retried() {
        for (first, sends) in [
            (answer(429, ""), 2),
            (answer(500, ""), 2),
            (answer(502, ""), 2),
            (answer(503, ""), 2),
            (answer(504, ""), 2),
            (failed(FailureKind::Connect), 2),
            (failed(FailureKind::Resolve), 2),
            (answer(200, ""), 1),
            (answer(400, ""), 1),
            (answer(404, ""), 1),
            (answer(501, ""), 1),
            (failed(FailureKind::Timeout), 1),
            (failed(FailureKind::Tls), 1),
            (failed(FailureKind::TooLarge), 1),
            (failed(FailureKind::Protocol), 1),
        ] {
            let label = format!("{first:?}");
            let (exchange, script, clock) = exchange(vec![first, answer(200, "")]);
            let _ = exchange.send(Repeat::Safe, request);
            assert_eq!((script.take().len(), clock.slept().len()), (sends, sends - 1), "{label}");
        }
    }

    #[test]
    fn what_must_not_be_repeated_is_sent_once() {
        let (exchange, script, _) = exchange(vec![answer(503, ""), answer(200, "")]);
        assert_eq!(exchange.send(Repeat::Never, request).unwrap().status, 503);
        assert_eq!(script.take().len(), 1);
    }

    #[test]
    fn attempts_are_bounded_and_the_last_outcome_counts() {
        let (exchange, script, clock) =
            exchange(vec![answer(503, ""), failed(FailureKind::Connect), answer(502, ""), answer(200, "")]);
        assert_eq!(exchange.send(Repeat::Safe, request).unwrap().status, 502);
        assert_eq!(script.take().len(), 3);
        assert_eq!(clock.slept(), [Duration::from_millis(200), Duration::from_millis(400)]);
    }

    #[test]
    fn the_servers_wish_is_honoured_up_to_a_bound() {
        for (wish, slept) in [
            ("3", Some(3)),
            ("5", Some(5)),
            ("6", None),
            ("Thu, 15 Jan 2026 08:00:04 GMT", Some(4)),
            ("Thu, 15 Jan 2026 07:00:00 GMT", Some(0)),
            ("Thu, 15 Jan 2026 09:00:00 GMT", None),
            ("soon", None),
        ] {
            let (exchange, _, clock) =
                exchange(vec![answer_with(429, &[("retry-after", wish)], ""), answer(200, "")]);
            let status = exchange.send(Repeat::Safe, request).unwrap().status;
            assert_eq!(
                clock.slept(),
                slept.map(Duration::from_secs).into_iter().collect::<Vec<_>>(),
                "{wish}"
            );
            assert_eq!(status, if slept.is_some() { 200 } else { 429 }, "{wish}");
        }
    }

    #[test]
    fn the_first_total_limit_bounds_all_attempts() {
        let (exchange, script, _) =
            exchange(vec![answer_with(503, &[("retry-after", "4")], ""), answer(503, ""), answer(200, "")]);
        let mut limited = request();
        limited.limits.total = Duration::from_millis(4300);
        assert_eq!(exchange.send(Repeat::Safe, || limited.clone()).unwrap().status, 503);
        let totals: Vec<_> = script.take().iter().map(|request| request.limits.total).collect();
        assert_eq!(totals, [Duration::from_millis(4300), Duration::from_millis(300)]);
    }

    #[test]
    fn skew_is_measured_from_fresh_dates_only() {
        let ahead = [("date", "Thu, 15 Jan 2026 08:10:00 GMT")];
        let stored = [("date", "Thu, 15 Jan 2026 01:00:00 GMT"), ("age", "60")];
        let (exchange, ..) =
            exchange(vec![answer(200, ""), answer_with(200, &ahead, ""), answer_with(200, &stored, "")]);
        let mut after_each = Vec::new();
        for _ in 0..3 {
            exchange.send(Repeat::Never, request).unwrap();
            after_each.push(exchange.skew());
        }
        assert_eq!(after_each, [None, Some(600), Some(600)]);
    }

    #[test]
    fn a_small_skew_is_left_alone_and_a_large_one_corrected() {
        for (date, now) in [
            ("Thu, 15 Jan 2026 08:01:00 GMT", NOW),
            ("Thu, 15 Jan 2026 08:01:01 GMT", NOW + 61),
            ("Thu, 15 Jan 2026 07:58:59 GMT", NOW - 61),
        ] {
            let (exchange, ..) = exchange(vec![answer_with(200, &[("date", date)], "")]);
            assert_eq!(exchange.party_now().unix(), NOW);
            exchange.send(Repeat::Never, request).unwrap();
            assert_eq!(exchange.party_now().unix(), now, "{date}");
        }
    }
}
