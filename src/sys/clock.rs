//! The only reads of the machine's clocks.
//!
//! They are the coarse clocks, which the kernel sets at each of its ticks: late by some milliseconds at most, as its own timeouts
//! are, and read in a quarter of the time.

use std::time::Duration;

/// Seconds since the Unix epoch; zero on a machine whose clock stands before it.
#[must_use]
pub fn unix_seconds() -> i64 {
    read(libc::CLOCK_REALTIME_COARSE).tv_sec.max(0)
}

/// Time since the machine started; not counted while it sleeps.
#[must_use]
pub fn monotonic() -> Duration {
    let now = read(libc::CLOCK_MONOTONIC_COARSE);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// Straight from the vDSO: a request reads clocks four times, and the standard library's types cost more than the reading.
fn read(clock: libc::clockid_t) -> libc::timespec {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a timespec that may be written; both clocks exist since Linux 2.6.32, so that the call cannot fail.
    let _ = unsafe { libc::clock_gettime(clock, &raw mut now) };
    now
}

/// Puts the thread to sleep.
#[allow(clippy::disallowed_methods, reason = "this is the place that the lint points to")]
pub fn sleep(duration: Duration) {
    std::thread::sleep(duration);
}
