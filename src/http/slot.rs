//! One open connection as others see it: is it idle, since when, and may it be evicted.
//!
//! Invariant: a connection is evicted by a single compare-and-swap from `idle`, and its owner starts a request by a
//! single compare-and-swap from the same value, so exactly one of them wins. Eviction shuts the receiving side down
//! only: bytes that had arrived by then can still be read, so a request that raced in is still answered.

use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A request is being read, served or answered.
const BUSY: u64 = 0;
/// Told to end: no bytes come any more.
const EVICTED: u64 = 1;
/// Idle states are this plus the milliseconds since when.
const IDLE: u64 = 2;

/// An open connection.
#[derive(Debug)]
pub(super) struct Slot {
    stream: UnixStream,
    state: AtomicU64,
    served: AtomicU64,
}

impl Slot {
    /// A connection that has just arrived: idle.
    pub(super) fn new(stream: UnixStream, now: Duration) -> Self {
        Self { stream, state: AtomicU64::new(idle_since(now)), served: AtomicU64::new(0) }
    }

    pub(super) fn stream(&self) -> &UnixStream {
        &self.stream
    }

    /// Requests answered so far.
    pub(super) fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }

    /// Since when it has been idle, in milliseconds of the clock.
    pub(super) fn idle_since(&self) -> Option<u64> {
        self.state.load(Ordering::SeqCst).checked_sub(IDLE)
    }

    pub(super) fn is_evicted(&self) -> bool {
        self.state.load(Ordering::SeqCst) == EVICTED
    }

    /// Owner: the first bytes of a request are here, which makes the connection young again; it stays evictable.
    pub(super) fn touch(&self, now: Duration) {
        let state = self.state.load(Ordering::SeqCst);
        if state >= IDLE {
            // Losing this exchange means having been evicted, which the owner sees soon enough.
            let _ = self.state.compare_exchange(state, idle_since(now), Ordering::SeqCst, Ordering::SeqCst);
        }
    }

    /// Owner: a whole head is here. False when the connection has been evicted, so that this is its last request.
    pub(super) fn begin(&self) -> bool {
        let state = self.state.load(Ordering::SeqCst);
        state != EVICTED
            && self.state.compare_exchange(state, BUSY, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Owner: a response is out.
    pub(super) fn answered(&self) {
        // Only the owner writes it, so this needs no read-modify-write.
        self.served.store(self.served() + 1, Ordering::Relaxed);
    }

    /// Owner: waiting for the next request, or for the sender to go away. Does not revive an evicted connection.
    pub(super) fn rest(&self, now: Duration) {
        let _ = self.state.compare_exchange(BUSY, idle_since(now), Ordering::SeqCst, Ordering::SeqCst);
    }

    /// Others: evicts the connection if it is still idle since `since`. The caller then calls [`Slot::hang_up`],
    /// without any lock.
    pub(super) fn evict(&self, since: u64) -> bool {
        let idle = since.saturating_add(IDLE);
        self.state.compare_exchange(idle, EVICTED, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Owner: takes no further request than one that is already here.
    pub(super) fn retire(&self) {
        self.state.store(EVICTED, Ordering::SeqCst);
        self.hang_up();
    }

    /// Ends the receiving side: the owner reads what has arrived, then the end; the sender cannot write any more.
    pub(super) fn hang_up(&self) {
        let _ = self.stream.shutdown(Shutdown::Read); // fails when the other side has gone: just as well
    }
}

/// A clock's reading in whole milliseconds.
pub(super) fn millis(now: Duration) -> u64 {
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX - IDLE)
}

fn idle_since(now: Duration) -> u64 {
    millis(now).saturating_add(IDLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Duration = Duration::from_millis(7);

    fn slot() -> Slot {
        Slot::new(UnixStream::pair().unwrap().0, AT)
    }

    #[test]
    fn a_running_request_cannot_be_evicted_and_an_evicted_connection_runs_no_second_one() {
        let slot = slot();
        assert_eq!(slot.idle_since(), Some(7));
        assert!(slot.begin() && slot.idle_since().is_none());
        assert!(!slot.evict(7));
        slot.rest(Duration::from_millis(9));
        assert!(!slot.evict(7), "it has been busy in between");
        assert!(slot.evict(9) && slot.is_evicted() && !slot.begin());
        slot.rest(AT);
        slot.touch(AT);
        assert!(slot.is_evicted() && slot.idle_since().is_none());
    }

    #[test]
    fn either_the_owner_or_the_evictor_wins() {
        for _ in 0..500 {
            let slot = slot();
            let (began, evicted) = std::thread::scope(|scope| {
                let evictor = scope.spawn(|| slot.evict(7));
                (slot.begin(), evictor.join().unwrap())
            });
            assert!(began != evicted);
        }
    }
}
