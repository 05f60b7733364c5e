//! Who does what next: the bookkeeping of threads and connections, without doing any of it.
//!
//! Invariants, under one short lock that is taken when connections come and go, never per request:
//! - `spare` threads are in `accept` or on their way there, and until the stop there is always at least one;
//! - every visitor in `waiting` has an evicted connection's thread on its way to it: `waiting.len() <= arriving`.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::limits::Limits;
use super::slot::{Slot, millis};

/// What the thread that has accepted a connection does with it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Serve it; others are in `accept`.
    Serve,
    /// Start the thread that takes over `accept`, then serve it.
    StartAndServe,
    /// Nobody else can take over `accept`: hand the connection to somebody or refuse it, and go back.
    Doorman,
}

/// What a thread does after a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<V> {
    /// Serve this visitor.
    Serve(V),
    /// Go to `accept`.
    Accept,
    /// End: enough threads are parked, or the server stops.
    End,
}

/// What an evicted connection's thread does for the visitor that waits for it, when it has one more request to serve.
#[derive(Debug)]
pub(super) enum Relief<V> {
    /// Nothing: somebody else is coming.
    None,
    /// Hang up on this connection, whose thread comes instead.
    HangUp(Arc<Slot>),
    /// Tell this visitor that all connections are in use.
    Refuse(V),
}

/// The bookkeeping; `V` is an admitted connection that waits for a thread.
pub(super) struct Pool<V> {
    state: Mutex<State<V>>,
    changed: Condvar,
    most_threads: usize,
    most_spare: usize,
    evictable_after: u64,
}

struct State<V> {
    threads: usize,
    spare: usize,
    arriving: usize,
    open: Vec<Arc<Slot>>,
    waiting: VecDeque<V>,
    stopping: bool,
    served: u64,
    evicted: u64,
}

/// Numbers of [`Pool::counts`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) threads: usize,
    pub(super) connections: usize,
    pub(super) served: u64,
    pub(super) evicted: u64,
}

impl<V> Pool<V> {
    /// A pool whose first thread is about to start.
    pub(super) fn new(limits: &Limits) -> Self {
        let state = State {
            threads: 1,
            spare: 1,
            arriving: 0,
            open: Vec::new(),
            waiting: VecDeque::new(),
            stopping: false,
            served: 0,
            evicted: 0,
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            most_threads: limits.connections.max(1) + 1,
            most_spare: limits.spare_threads.max(1),
            evictable_after: millis(limits.evictable_after),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A spare thread has accepted a connection.
    pub(super) fn accepted(&self) -> Role {
        let mut state = self.lock();
        if state.spare > 1 {
            state.spare -= 1;
            Role::Serve
        } else if state.threads < self.most_threads {
            state.threads += 1; // the new thread is spare in place of this one
            Role::StartAndServe
        } else {
            Role::Doorman
        }
    }

    /// The thread of [`Role::StartAndServe`] could not be started: its place is empty again, and the caller is the
    /// doorman.
    pub(super) fn start_failed(&self) {
        self.lock().threads -= 1;
    }

    /// A connection is about to be served.
    pub(super) fn open(&self, slot: Arc<Slot>) {
        self.lock().open.push(slot);
    }

    /// Finds room for a visitor: the returned connection is to be hung up on, and its thread will serve the visitor.
    /// Gives the visitor back when no connection is idle for long enough.
    pub(super) fn make_room(&self, visitor: V, now: Duration) -> Result<Arc<Slot>, V> {
        let mut state = self.lock();
        match state.evict_longest_idle(now, self.evictable_after) {
            Some(slot) => {
                state.waiting.push_back(visitor);
                Ok(slot)
            }
            None => Err(visitor),
        }
    }

    /// Takes the longest-idle connection out of service for its descriptor's sake.
    pub(super) fn shed(&self, now: Duration) -> Option<Arc<Slot>> {
        self.lock().evict_longest_idle(now, self.evictable_after)
    }

    /// An evicted connection turns out to have one more request, so its thread will not come soon.
    pub(super) fn relieve(&self, now: Duration) -> Relief<V> {
        let mut state = self.lock();
        state.arriving = state.arriving.saturating_sub(1);
        if state.waiting.len() <= state.arriving {
            return Relief::None;
        }
        match state.evict_longest_idle(now, self.evictable_after) {
            Some(slot) => Relief::HangUp(slot),
            None => state.waiting.pop_back().map_or(Relief::None, Relief::Refuse),
        }
    }

    /// A connection has ended; `relieved` says that [`Pool::relieve`] has already counted its thread out.
    pub(super) fn closed(&self, slot: &Arc<Slot>, relieved: bool) -> Next<V> {
        let mut state = self.lock();
        state.open.retain(|other| !Arc::ptr_eq(other, slot));
        state.served += slot.served();
        // Under the lock, since until here it may still be evicted.
        if slot.is_evicted() && !relieved {
            state.arriving = state.arriving.saturating_sub(1);
        }
        state.next(self.most_spare)
    }

    /// A connection was refused at the door by a thread that is not spare.
    pub(super) fn turned_away(&self) -> Next<V> {
        self.lock().next(self.most_spare)
    }

    /// Stops: returns the visitors to refuse and all connections. The idle ones are evicted, to be hung up on.
    pub(super) fn stop(&self) -> (VecDeque<V>, Vec<Arc<Slot>>) {
        let mut state = self.lock();
        state.stopping = true;
        for slot in &state.open {
            while slot.idle_since().is_some_and(|since| !slot.evict(since)) {}
        }
        (std::mem::take(&mut state.waiting), state.open.clone())
    }

    /// A thread ends; `was_spare` when it comes out of `accept`.
    pub(super) fn ended(&self, was_spare: bool) {
        let mut state = self.lock();
        state.threads -= 1;
        if was_spare {
            state.spare -= 1;
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until all threads have ended; false when that took too long.
    pub(super) fn wait_for_all(&self, at_most: Duration) -> bool {
        self.wait_while(at_most, |state| state.threads > 0)
    }

    /// As [`Pool::wait_for_all`], for the threads that are not parked in `accept`.
    pub(super) fn wait_for_busy(&self, at_most: Duration) -> bool {
        self.wait_while(at_most, |state| state.threads > state.spare)
    }

    fn wait_while(&self, at_most: Duration, busy: impl Fn(&State<V>) -> bool) -> bool {
        let waited = self.changed.wait_timeout_while(self.lock(), at_most, |state| busy(state));
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    pub(super) fn counts(&self) -> Counts {
        let state = self.lock();
        Counts {
            threads: state.threads,
            connections: state.open.len(),
            served: state.served + state.open.iter().map(|slot| slot.served()).sum::<u64>(),
            evicted: state.evicted,
        }
    }
}

impl<V> State<V> {
    fn evict_longest_idle(&mut self, now: Duration, evictable_after: u64) -> Option<Arc<Slot>> {
        let latest = millis(now).checked_sub(evictable_after)?;
        loop {
            let idle = self.open.iter().filter_map(|slot| Some((slot.idle_since()?, slot)));
            let (since, slot) = idle.min_by_key(|(since, _)| *since)?;
            if since > latest {
                return None;
            }
            // Losing means that its owner has just begun a request: it is not among the idle in the next round.
            if slot.evict(since) {
                let slot = slot.clone();
                self.arriving += 1;
                self.evicted += 1;
                return Some(slot);
            }
        }
    }

    fn next(&mut self, most_spare: usize) -> Next<V> {
        if self.stopping {
            return Next::End;
        }
        if let Some(visitor) = self.waiting.pop_front() {
            return Next::Serve(visitor);
        }
        if self.spare >= most_spare {
            return Next::End;
        }
        self.spare += 1;
        Next::Accept
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    const NOW: Duration = Duration::from_millis(500);

    fn pool(connections: usize, spare_threads: usize) -> Pool<u32> {
        Pool::new(&Limits { connections, spare_threads, ..Limits::default() })
    }

    fn slot(since: u64) -> Arc<Slot> {
        Arc::new(Slot::new(UnixStream::pair().unwrap().0, Duration::from_millis(since)))
    }

    #[test]
    fn the_last_spare_thread_starts_the_next_one_until_the_cap() {
        let pool = pool(2, 8);
        assert_eq!(pool.accepted(), Role::StartAndServe);
        assert_eq!(pool.accepted(), Role::StartAndServe);
        assert_eq!((pool.accepted(), pool.accepted()), (Role::Doorman, Role::Doorman));
        assert_eq!(pool.turned_away(), Next::Accept);
        assert_eq!((pool.accepted(), pool.accepted()), (Role::Serve, Role::Doorman));
    }

    #[test]
    fn a_thread_that_cannot_start_leaves_its_place() {
        let pool = pool(1, 8);
        assert_eq!(pool.accepted(), Role::StartAndServe);
        pool.start_failed();
        assert_eq!((pool.counts().threads, pool.accepted()), (1, Role::StartAndServe));
    }

    #[test]
    fn surplus_threads_end() {
        let pool = pool(9, 2);
        for _ in 0..4 {
            assert_eq!(pool.accepted(), Role::StartAndServe);
        }
        assert_eq!(pool.turned_away(), Next::Accept);
        assert_eq!(pool.turned_away(), Next::End);
    }

    #[test]
    fn the_longest_idle_connection_makes_room_and_its_thread_serves_the_visitor() {
        let pool = pool(3, 8);
        let slots = [slot(300), slot(200), slot(100)];
        slots.iter().for_each(|slot| pool.open(slot.clone()));
        assert!(slots[2].begin(), "the oldest is busy");
        assert!(Arc::ptr_eq(&pool.make_room(1, NOW).unwrap(), &slots[1]));
        assert!(Arc::ptr_eq(&pool.make_room(2, NOW).unwrap(), &slots[0]));
        assert_eq!(pool.make_room(3, NOW).unwrap_err(), 3, "nobody is idle");
        assert_eq!(pool.closed(&slots[1], false), Next::Serve(1));
        assert_eq!(pool.closed(&slots[2], false), Next::Serve(2), "whoever is free comes");
        assert_eq!(pool.closed(&slots[0], false), Next::Accept);
        assert_eq!(pool.counts(), Counts { threads: 1, connections: 0, served: 0, evicted: 2 });
    }

    #[test]
    fn a_connection_that_has_just_arrived_is_left_alone() {
        let pool = pool(1, 8);
        let (edge, young) = (slot(400), slot(401));
        pool.open(young);
        assert_eq!(pool.make_room(1, NOW).unwrap_err(), 1);
        pool.open(edge.clone());
        assert!(Arc::ptr_eq(&pool.make_room(1, NOW).unwrap(), &edge));
    }

    #[test]
    fn a_visitor_is_never_left_waiting_for_a_thread_that_does_not_come() {
        let pool = pool(2, 8);
        let (first, second) = (slot(1), slot(2));
        pool.open(first.clone());
        pool.open(second.clone());
        pool.make_room(1, NOW).unwrap();
        // A request raced into the first connection: the second one goes in its place.
        assert!(matches!(pool.relieve(NOW), Relief::HangUp(slot) if Arc::ptr_eq(&slot, &second)));
        // And one into the second: now nobody is left.
        assert!(matches!(pool.relieve(NOW), Relief::Refuse(1)));
        assert!(matches!(pool.relieve(NOW), Relief::None));
        assert_eq!(pool.closed(&first, true), Next::Accept);
    }

    #[test]
    fn after_the_stop_every_thread_ends() {
        let pool = pool(2, 8);
        assert_eq!(pool.accepted(), Role::StartAndServe);
        let slot = slot(1);
        pool.open(slot.clone());
        pool.make_room(7, NOW).unwrap();
        let (visitors, open) = pool.stop();
        assert_eq!((visitors, open.len()), (VecDeque::from([7]), 1));
        drop(open);
        assert_eq!(pool.closed(&slot, false), Next::End);
        pool.ended(false);
        assert!(!pool.wait_for_all(Duration::ZERO));
        pool.ended(true);
        assert!(pool.wait_for_all(Duration::ZERO));
    }
}
