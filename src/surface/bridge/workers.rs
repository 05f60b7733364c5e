//! The threads that do what the host asks for.
//!
//! A thread that is started when work is there already waits for the scheduler first, so a few stay parked. Calls may
//! wait for the cloud, so more are started when all are taken, up to a cap; those end when they have been idle.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::log;

/// Threads that stay.
pub(super) const PARKED: usize = 2;
/// Threads at most.
pub(super) const MAX_THREADS: usize = 32;
/// Jobs that may wait for a thread.
pub(super) const MAX_WAITING: usize = 256;
/// How long a surplus thread waits for work.
const IDLE: Duration = Duration::from_secs(10);
/// Stack of a thread: a TLS handshake needs some 100 KiB in a debug build.
const STACK_BYTES: usize = 512 * 1024;

type Job = Box<dyn FnOnce() + Send>;

/// A pool that keeps a few threads ready.
#[derive(Clone, Default)]
pub(super) struct Workers(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    work: Condvar,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    threads: usize,
    idle: usize,
    closed: bool,
}

impl Workers {
    /// Has a job done. Returns whether it was taken.
    pub(super) fn submit(&self, job: impl FnOnce() + Send + 'static) -> bool {
        let mut state = self.state();
        if state.closed || state.queue.len() >= MAX_WAITING {
            return false;
        }
        state.queue.push_back(Box::new(job));
        if state.idle < state.queue.len() && state.threads < MAX_THREADS {
            let workers = self.clone();
            let spawned = std::thread::Builder::new()
                .name("bridge".to_owned())
                .stack_size(STACK_BYTES)
                .spawn(move || workers.work());
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

    /// Takes no more jobs, forgets those that have not begun, and waits for the others; false when that took too long.
    #[must_use]
    pub(super) fn close(&self, at_most: Duration) -> bool {
        let mut state = self.state();
        state.closed = true;
        state.queue.clear();
        self.0.work.notify_all();
        let waited = self.0.ended.wait_timeout_while(state, at_most, |state| state.threads > 0);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    fn work(&self) {
        while let Some(job) = self.next() {
            if catch_unwind(AssertUnwindSafe(job)).is_err() {
                log::error("a request of the host ended in a defect", &[]);
            }
        }
    }

    /// The next job; without one the calling thread is counted out, under the same lock.
    fn next(&self) -> Option<Job> {
        let mut state = self.state();
        loop {
            if let Some(job) = state.queue.pop_front() {
                return Some(job);
            }
            let mut surplus = state.closed;
            if !surplus {
                state.idle += 1;
                let (back, waited) =
                    self.0.work.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
                state = back;
                state.idle -= 1;
                surplus = waited.timed_out() && state.threads > PARKED && state.queue.is_empty();
            }
            if surplus {
                state.threads -= 1;
                self.0.ended.notify_all();
                return None;
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Workers")
            .field("waiting", &state.queue.len())
            .field("threads", &state.threads)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[test]
    fn a_slow_job_keeps_no_other_waiting_and_a_defect_ends_nothing() {
        let workers = Workers::default();
        let (release, held) = mpsc::channel::<()>();
        let (done, results) = mpsc::channel();
        assert!(workers.submit(move || {
            let _ = held.recv();
        }));
        assert!(workers.submit(|| panic!("defect")));
        for n in 0..10 {
            let done = done.clone();
            assert!(workers.submit(move || done.send(n).unwrap()));
        }
        let mut seen: Vec<i32> = (0..10).map(|_| results.recv_timeout(PATIENCE).unwrap()).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..10).collect::<Vec<_>>());
        release.send(()).unwrap();
        assert!(workers.close(PATIENCE));
        assert!(!workers.submit(|| ()), "closed");
    }

    #[test]
    fn threads_and_waiting_jobs_are_bounded() {
        let workers = Workers::default();
        let (release, held) = mpsc::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        let (begun, begins) = mpsc::channel();
        for _ in 0..MAX_THREADS {
            let (held, begun) = (held.clone(), begun.clone());
            assert!(workers.submit(move || {
                begun.send(()).unwrap();
                let _ = held.lock().unwrap().recv();
            }));
        }
        for _ in 0..MAX_THREADS {
            begins.recv_timeout(PATIENCE).unwrap();
        }
        for _ in 0..MAX_WAITING {
            assert!(workers.submit(|| ()));
        }
        assert!(!workers.submit(|| ()));
        assert_eq!(
            format!("{workers:?}"),
            format!("Workers {{ waiting: {MAX_WAITING}, threads: {MAX_THREADS} }}")
        );
        drop(release);
        assert!(workers.close(PATIENCE));
    }
}
