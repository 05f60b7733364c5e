//! Whether the engine is asked at all: after a failure not for a short, growing, jittered time.
//!
//! Invariant: while the engine does not answer, at most one caller at a time waits for it; all others are refused at
//! once with what is known.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::entropy::Entropy;
use crate::base::error::Error;
use crate::base::time::Timestamp;

/// How long the engine is left alone after its first failure.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest that it is left alone.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The pause after so many failures in a row: doubled each time, and shortened by up to half so that instances which
/// failed together do not come back together.
pub(super) fn pause(failures: u32, entropy: &dyn Entropy) -> Duration {
    let full = FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LONGEST_PAUSE);
    let mut random = [0];
    // Without random bytes the pause is a full one.
    let _ = entropy.fill(&mut random);
    full - full / 512 * u32::from(random[0])
}

#[derive(Debug, Default)]
pub(super) struct Breaker {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Counts the changes between answering and not, so that callers of one failure count it once.
    turn: u64,
    down: Option<Down>,
}

#[derive(Debug)]
struct Down {
    error: Error,
    since: Timestamp,
    failures: u32,
    again_at: Duration,
    probing: bool,
}

/// Leave to ask the engine.
#[derive(Debug)]
pub(super) struct Admission<'a> {
    breaker: &'a Breaker,
    turn: u64,
}

impl Breaker {
    /// Leave to ask, or the error of the last failure. `now` is monotonic.
    pub(super) fn admit(&self, now: Duration) -> Result<Admission<'_>, Error> {
        let mut state = self.state();
        let turn = state.turn;
        if let Some(down) = &mut state.down {
            if down.probing || now < down.again_at {
                return Err(down.error.clone());
            }
            down.probing = true;
        }
        Ok(Admission { breaker: self, turn })
    }

    /// Lets the next caller ask, whatever pause is left.
    pub(super) fn insist(&self) {
        if let Some(down) = &mut self.state().down {
            down.again_at = Duration::ZERO;
        }
    }

    /// What is wrong, since when.
    pub(super) fn trouble(&self) -> Option<(Error, Timestamp)> {
        self.state().down.as_ref().map(|down| (down.error.clone(), down.since))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admission<'_> {
    /// The engine has answered. Says since when it had not.
    pub(super) fn answered(self) -> Option<Timestamp> {
        let mut state = self.breaker.state();
        let down = state.down.take()?;
        state.turn += 1;
        Some(down.since)
    }

    /// The engine has not answered. Says whether this is news.
    pub(super) fn failed(
        self,
        error: &Error,
        now: Timestamp,
        monotonic: Duration,
        entropy: &dyn Entropy,
    ) -> bool {
        let mut state = self.breaker.state();
        if state.turn != self.turn {
            return false; // Somebody who asked at the same time has said so already.
        }
        state.turn += 1;
        let (failures, since) = state.down.as_ref().map_or((0, now), |down| (down.failures, down.since));
        let failures = failures.saturating_add(1);
        let again_at = monotonic + pause(failures, entropy);
        state.down = Some(Down { error: error.clone(), since, failures, again_at, probing: false });
        failures == 1
    }
}

/// Whoever leaves without a word (a defect) leaves the way open for the next.
impl Drop for Admission<'_> {
    fn drop(&mut self) {
        let mut state = self.breaker.state();
        if state.turn == self.turn
            && let Some(down) = &mut state.down
        {
            down.probing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::{Code, Result};

    /// The same byte for ever.
    struct Fixed(u8);

    impl Entropy for Fixed {
        fn fill(&self, buffer: &mut [u8]) -> Result<()> {
            buffer.fill(self.0);
            Ok(())
        }
    }

    fn error(text: &str) -> Error {
        Error::new(Code::StoreUnavailable, text)
    }

    fn t() -> Timestamp {
        Timestamp::from_unix(1000)
    }

    #[test]
    fn pauses_grow_to_their_limit_and_are_jittered() {
        let full: Vec<_> = (1..9).map(|n| pause(n, &Fixed(0)).as_millis()).collect();
        assert_eq!(full, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(pause(u32::MAX, &Fixed(0)), LONGEST_PAUSE);
        let short = pause(1, &Fixed(255));
        assert!(short > FIRST_PAUSE / 2 && short < FIRST_PAUSE * 51 / 100, "{short:?}");
    }

    #[test]
    fn one_asks_while_the_others_are_refused() {
        let breaker = Breaker::default();
        let ms = Duration::from_millis;
        let (a, b) = (breaker.admit(ms(0)).unwrap(), breaker.admit(ms(0)).unwrap());
        assert!(a.failed(&error("first"), t(), ms(10), &Fixed(0)));
        assert!(!b.failed(&error("second"), t(), ms(10), &Fixed(0)), "the same outage");
        assert_eq!(breaker.trouble().unwrap().0.message(), "first");
        assert_eq!(breaker.admit(ms(109)).unwrap_err().message(), "first");
        let probe = breaker.admit(ms(110)).unwrap();
        assert!(breaker.admit(ms(111)).is_err());
        assert!(!probe.failed(&error("third"), t(), ms(120), &Fixed(0)), "no news");
        assert!(breaker.admit(ms(319)).is_err(), "a longer pause");
        // Who vanishes is followed by the next.
        drop(breaker.admit(ms(320)).unwrap());
        let probe = breaker.admit(ms(320)).unwrap();
        assert_eq!(probe.answered(), Some(t()));
        assert!(breaker.trouble().is_none());
        assert_eq!(breaker.admit(ms(320)).unwrap().answered(), None);
    }

    #[test]
    fn who_insists_asks_at_once_and_still_alone() {
        let breaker = Breaker::default();
        breaker.insist();
        let now = Duration::from_secs(1);
        breaker.admit(now).unwrap().failed(&error("x"), t(), now, &Fixed(0));
        assert!(breaker.admit(now).is_err());
        breaker.insist();
        let probe = breaker.admit(now).unwrap();
        breaker.insist();
        assert!(breaker.admit(now).is_err());
        assert_eq!(probe.answered(), Some(t()));
    }

    #[test]
    fn since_is_when_it_began() {
        let breaker = Breaker::default();
        for n in 0..3u32 {
            let at = Duration::from_secs(10 * u64::from(n));
            breaker.admit(at).unwrap().failed(&error("x"), t() + at, at, &Fixed(0));
        }
        assert_eq!(breaker.trouble().unwrap().1, t());
    }
}
