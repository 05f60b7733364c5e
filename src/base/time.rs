//! Wall time, monotonic time and waiting, all as parameters.

use std::fmt;
use std::ops::{Add, Sub};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

use crate::base::date;
use crate::base::opaque::opaque;
use crate::sys;

/// A moment in whole seconds since the Unix epoch, the resolution of every date in OIDC, JWT and the cloud API.
///
/// Serialises as RFC 3339 in UTC (`2026-01-15T08:00:00Z`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// The last second that every offset can write with a four-digit year: 9999-12-30T22:00:00Z.
const MAX_SECONDS: i64 = 253_402_207_200;

impl Timestamp {
    /// A moment from seconds since the epoch; values that RFC 3339 cannot write are brought into its range.
    #[must_use]
    pub fn from_unix(seconds: i64) -> Self {
        Self(seconds.clamp(0, MAX_SECONDS))
    }

    /// Seconds since the epoch.
    #[must_use]
    pub fn unix(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339 with any offset (`2026-01-15T16:00:00+08:00`); a missing zone means UTC.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        date::from_rfc3339(text.trim()).map(Self::from_unix)
    }

    /// Reads an HTTP `Date` (RFC 9110 section 5.6.7, the preferred form).
    #[must_use]
    pub fn parse_http_date(text: &str) -> Option<Self> {
        date::from_http(text.trim()).map(Self::from_unix)
    }

    /// The basic ISO 8601 form of request signatures: `20260115T080000Z`.
    #[must_use]
    pub fn compact(self) -> String {
        self.to_string().chars().filter(|c| !matches!(c, '-' | ':')).collect()
    }

    /// Whether this moment is at or before `now`.
    #[must_use]
    pub fn is_past(self, now: Self) -> bool {
        self <= now
    }

    /// Seconds from `now` until this moment, zero when it has passed.
    #[must_use]
    pub fn seconds_after(self, now: Self) -> u64 {
        u64::try_from(self.0 - now.0).unwrap_or(0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&date::to_rfc3339(self.0)).unwrap_or_default())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(str::from_utf8(&date::to_rfc3339(self.0)).unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        Self::parse_rfc3339(&text).ok_or_else(|| serde::de::Error::custom("not an RFC 3339 date"))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, duration: Duration) -> Self {
        Self::from_unix(self.0.saturating_add(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, duration: Duration) -> Self {
        Self::from_unix(self.0.saturating_sub(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)))
    }
}

/// Where time comes from.
pub trait Clock: Send + Sync {
    /// Wall time, for what is compared with dates of other machines.
    fn now(&self) -> Timestamp;
    /// Time since some fixed moment, for measuring intervals; never goes back.
    fn monotonic(&self) -> Duration;
    /// Waits.
    fn sleep(&self, duration: Duration);
}

opaque!(Clock);

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(sys::clock::unix_seconds())
    }

    fn monotonic(&self) -> Duration {
        sys::clock::monotonic()
    }

    fn sleep(&self, duration: Duration) {
        sys::clock::sleep(duration);
    }
}

/// A clock that moves only when told, for tests and simulations. Sleepers wake when it has been moved far enough.
#[derive(Debug)]
pub struct ManualClock {
    start: Timestamp,
    elapsed: Mutex<Duration>,
    moved: Condvar,
}

impl ManualClock {
    /// A clock that stands at `start`.
    #[must_use]
    pub fn at(start: Timestamp) -> Self {
        Self { start, elapsed: Mutex::new(Duration::ZERO), moved: Condvar::new() }
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        *self.elapsed.lock().unwrap_or_else(PoisonError::into_inner) += by;
        self.moved.notify_all();
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.start + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        *self.elapsed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep(&self, duration: Duration) {
        let mut elapsed = self.elapsed.lock().unwrap_or_else(PoisonError::into_inner);
        let until = *elapsed + duration;
        while *elapsed < until {
            elapsed = self.moved.wait(elapsed).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_date_form_the_cloud_and_http_use() {
        let eight = Some(Timestamp::from_unix(1_768_464_000));
        for text in [
            "2026-01-15T08:00:00Z",
            "2026-01-15T16:00:00+08:00",
            "2026-01-15T08:00:00.900Z",
            " 2026-01-15T08:00:00 ",
            "2026-01-15T02:30:00-05:30",
        ] {
            assert_eq!(Timestamp::parse_rfc3339(text), eight, "{text}");
        }
        assert_eq!(Timestamp::parse_http_date("Thu, 15 Jan 2026 08:00:00 GMT"), eight);
        for text in ["", "now", "2026-13-01T00:00:00Z", "1768464000"] {
            assert_eq!(Timestamp::parse_rfc3339(text), None, "{text}");
            assert_eq!(Timestamp::parse_http_date(text), None, "{text}");
        }
    }

    #[test]
    fn prints_rfc3339_and_the_signature_form() {
        let moment = Timestamp::from_unix(1_768_464_000);
        assert_eq!(
            (moment.to_string(), moment.compact()),
            ("2026-01-15T08:00:00Z".into(), "20260115T080000Z".into())
        );
        assert_eq!(Timestamp::from_unix(i64::MAX).to_string(), "9999-12-30T22:00:00Z");
        assert_eq!(Timestamp::from_unix(i64::MIN).to_string(), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn arithmetic_saturates() {
        let now = Timestamp::from_unix(100);
        assert_eq!((now - Duration::from_secs(1000)).unix(), 0);
        assert_eq!((now + Duration::from_secs(5)).seconds_after(now), 5);
        assert_eq!(now.seconds_after(now + Duration::from_secs(5)), 0);
        assert!(now.is_past(now));
    }

    #[test]
    fn manual_clock_wakes_sleepers() {
        let clock = std::sync::Arc::new(ManualClock::at(Timestamp::from_unix(0)));
        let sleeper = std::thread::spawn({
            let clock = clock.clone();
            move || clock.sleep(Duration::from_secs(60))
        });
        // Whenever the sleeper starts to wait, a move of its whole duration after that wakes it.
        while !sleeper.is_finished() {
            clock.advance(Duration::from_secs(60));
            std::thread::yield_now();
        }
        sleeper.join().unwrap();
        assert!(clock.monotonic() >= Duration::from_secs(60));
    }
}
