//! Threads for work that another thread must not wait for: refreshing a token ahead of its end, answering a host.
//!
//! A thread that is started when work is there already waits for the scheduler first, so a pool may keep some parked;
//! more are started when all are taken, up to a cap, and end when there is nothing more to do.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::log;

/// How long a thread beyond the parked ones waits for more work, in a pool that parks any.
const SURPLUS_WAITS: Duration = Duration::from_secs(10);
/// Stack of a thread: a TLS handshake needs some 100 KiB in a debug build.
const STACK_BYTES: usize = 512 * 1024;

/// How many threads a pool has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Their name.
    pub name: &'static str,
    /// Threads that stay, once there was work for them.
    pub parked: usize,
    /// Threads at most.
    pub max_threads: usize,
    /// Jobs that may wait; one more is turned away.
    pub max_queued: usize,
}

/// Work that nobody waits for: no thread while there is none, and few, since the machine may have one core.
pub const BACKGROUND: Shape = Shape { name: "background", parked: 0, max_threads: 2, max_queued: 256 };

type Job = Box<dyn FnOnce() + Send>;

/// A pool of threads. Clones are the same pool.
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

struct Shared {
    shape: Shape,
    state: Mutex<State>,
    work: Condvar,
    idle: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    threads: usize,
    waiting: usize,
    closed: bool,
}

impl Default for Pool {
    fn default() -> Self {
        Self::new(BACKGROUND)
    }
}

impl Pool {
    /// A pool without any thread yet.
    #[must_use]
    pub fn new(shape: Shape) -> Self {
        let (work, idle) = (Condvar::new(), Condvar::new());
        Self(Arc::new(Shared { shape, state: Mutex::default(), work, idle }))
    }

    /// Runs a job soon. Returns whether it was taken: a full or closed pool, or a system without threads, takes none.
    pub fn submit(&self, job: impl FnOnce() + Send + 'static) -> bool {
        let shape = self.0.shape;
        let mut state = self.state();
        if state.closed || state.queue.len() >= shape.max_queued {
            return false;
        }
        state.queue.push_back(Box::new(job));
        if state.waiting < state.queue.len() && state.threads < shape.max_threads {
            let pool = self.clone();
            let spawned = std::thread::Builder::new()
                .name(shape.name.to_owned())
                .stack_size(STACK_BYTES)
                .spawn(move || pool.work());
            match spawned {
                Ok(_) => state.threads += 1,
                Err(_) if state.threads == 0 => {
                    state.queue.pop_back();
                    return false;
                }
                Err(_) => {}
            }
        }
        self.0.work.notify_one();
        true
    }

    /// Takes no more jobs and forgets those that have not begun.
    pub fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.queue.clear();
        self.0.work.notify_all();
    }

    /// Waits until no job runs; false when that took too long. A renewal under way at the end must reach the store: its
    /// refresh token may be used up already.
    #[must_use]
    pub fn wait(&self, at_most: Duration) -> bool {
        let busy = |state: &mut State| state.threads > state.waiting || !state.queue.is_empty();
        let waited = self.0.idle.wait_timeout_while(self.state(), at_most, busy);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    fn work(&self) {
        while let Some(job) = self.next() {
            if catch_unwind(AssertUnwindSafe(job)).is_err() {
                log::error("a job ended in a defect", &[("pool", &self.0.shape.name)]);
            }
        }
    }

    /// The next job; without one the calling thread is counted out, under the same lock.
    fn next(&self) -> Option<Job> {
        let Shape { parked, .. } = self.0.shape;
        let mut state = self.state();
        loop {
            if let Some(job) = state.queue.pop_front() {
                return Some(job);
            }
            let mut is_surplus = state.closed || parked == 0;
            if !is_surplus {
                state.waiting += 1;
                self.0.idle.notify_all();
                let waited = self.0.work.wait_timeout(state, SURPLUS_WAITS);
                let (back, waited) = waited.unwrap_or_else(PoisonError::into_inner);
                state = back;
                state.waiting -= 1;
                is_surplus = waited.timed_out() && state.threads > parked && state.queue.is_empty();
            }
            if is_surplus {
                state.threads -= 1;
                self.0.idle.notify_all();
                return None;
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Pool").field("queued", &state.queue.len()).field("threads", &state.threads).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);
    const PARKING: Shape = Shape { name: "parking", parked: 2, max_threads: 8, max_queued: 16 };

    #[test]
    fn a_slow_job_keeps_no_other_waiting_and_a_defect_ends_nothing() {
        for shape in [BACKGROUND, PARKING] {
            let pool = Pool::new(shape);
            let ((release, held), (done, results)) = (mpsc::channel::<()>(), mpsc::channel());
            assert!(pool.submit(move || assert!(held.recv().is_ok())));
            assert!(pool.submit(|| panic!("defect")));
            for n in 0..10 {
                let done = done.clone();
                assert!(pool.submit(move || done.send(n).unwrap()));
            }
            let mut seen: Vec<i32> = (0..10).map(|_| results.recv_timeout(PATIENCE).unwrap()).collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..10).collect::<Vec<_>>());
            assert!(!pool.wait(Duration::ZERO), "the slow one runs");
            release.send(()).unwrap();
            assert!(pool.wait(PATIENCE));
        }
    }

    #[test]
    fn threads_and_queue_are_bounded_and_a_closed_pool_takes_nothing() {
        for shape in [BACKGROUND, PARKING] {
            let pool = Pool::new(shape);
            let ((release, held), (begun, begins)) = (mpsc::channel::<()>(), mpsc::channel());
            let held = Arc::new(Mutex::new(held));
            for _ in 0..shape.max_threads {
                let (held, begun) = (held.clone(), begun.clone());
                assert!(pool.submit(move || {
                    begun.send(()).unwrap();
                    assert!(held.lock().unwrap().recv().is_err());
                }));
                begins.recv_timeout(PATIENCE).unwrap();
            }
            assert_eq!((0..=shape.max_queued).filter(|_| pool.submit(|| {})).count(), shape.max_queued);
            assert_eq!(pool.state().threads, shape.max_threads);
            pool.close();
            assert!(!pool.submit(|| {}));
            drop(release);
            assert!(pool.wait(PATIENCE));
        }
    }

    #[test]
    fn threads_stay_where_they_are_parked_and_go_where_they_are_not() {
        for (shape, stay) in [(BACKGROUND, 0), (PARKING, 1)] {
            let pool = Pool::new(shape);
            assert!(pool.wait(Duration::ZERO), "nothing runs yet");
            let (done, results) = mpsc::channel();
            for _ in 0..3 {
                let done = done.clone();
                assert!(pool.submit(move || done.send(()).unwrap()));
                results.recv_timeout(PATIENCE).unwrap();
                assert!(pool.wait(PATIENCE));
            }
            assert_eq!(pool.state().threads, stay, "one thread was enough for one job at a time");
            pool.close();
        }
    }
}
