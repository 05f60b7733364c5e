//! The only reads of the machine's clocks.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Seconds since the Unix epoch; zero on a machine whose clock stands before it.
#[allow(clippy::disallowed_methods, reason = "this is the place that the lint points to")]
#[must_use]
pub fn unix_seconds() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX))
}

/// Time since the first call in this process.
#[allow(clippy::disallowed_methods, reason = "this is the place that the lint points to")]
#[must_use]
pub fn monotonic() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

/// Puts the thread to sleep.
#[allow(clippy::disallowed_methods, reason = "this is the place that the lint points to")]
pub fn sleep(duration: Duration) {
    std::thread::sleep(duration);
}
