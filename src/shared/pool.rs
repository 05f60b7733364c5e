//! Connections at rest, and how many there may be at once.
//!
//! Invariant: only a connection whose last conversation came to its end is kept.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::connect::Connection;

/// Connections that one process has at most.
pub(super) const MAX_CONNECTIONS: usize = 8;
/// How long a connection rests before it is closed, at the next use of any.
pub(super) const MAX_REST: Duration = Duration::from_secs(60);

/// A connection and what is known of it; moments are monotonic.
pub(super) struct Link {
    pub(super) connection: Connection,
    pub(super) used: Duration,
    /// When the store behind it was last seen to be ours.
    pub(super) verified: Option<Duration>,
}

#[derive(Default)]
pub(super) struct Pool {
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    resting: Vec<Link>,
    busy: usize,
}

/// Leave to use one connection.
pub(super) struct Slot<'a>(&'a Pool);

impl Pool {
    /// Waits for its turn. Whoever is before it is bounded by the limits of a conversation.
    pub(super) fn slot(&self) -> Slot<'_> {
        let mut state = self.state();
        while state.busy >= MAX_CONNECTIONS {
            state = self.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.busy += 1;
        Slot(self)
    }

    /// Closes all connections at rest: they have probably met the same fate as one of them.
    pub(super) fn clear(&self) {
        let closed = std::mem::take(&mut self.state().resting);
        drop(closed);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot<'_> {
    /// The connection that was used last, so that those beyond need grow old.
    pub(super) fn take(&self, now: Duration) -> Option<Link> {
        let mut state = self.0.state();
        let (old, mut young): (Vec<_>, Vec<_>) =
            state.resting.drain(..).partition(|link| now.saturating_sub(link.used) >= MAX_REST);
        let link = young.pop();
        state.resting = young;
        drop(state);
        drop(old); // Closing may take its time.
        link
    }

    /// Keeps a connection for the next.
    pub(super) fn give_back(&self, link: Link) {
        self.0.state().resting.push(link);
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.state().busy -= 1;
        self.0.freed.notify_one();
    }
}
