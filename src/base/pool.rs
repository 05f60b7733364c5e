//! A few threads for work that nobody waits for, such as refreshing a token ahead of its end.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::log;

/// Jobs that may wait; one more is turned away, because whoever submits can do without.
pub const MAX_QUEUED: usize = 256;
/// Threads that run jobs; the machine may have one core.
pub const MAX_THREADS: usize = 2;
/// Stack of a thread: a TLS handshake needs some 100 KiB in a debug build.
const STACK_BYTES: usize = 512 * 1024;

type Job = Box<dyn FnOnce() + Send>;

/// A pool that has no thread while it has no work.
#[derive(Clone, Default)]
pub struct Pool(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    idle: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    threads: usize,
    closed: bool,
}

impl Pool {
    /// Runs a job soon. Returns whether it was taken: a full or closed pool, or a system without threads, takes none.
    pub fn submit(&self, job: impl FnOnce() + Send + 'static) -> bool {
        let mut state = self.state();
        if state.closed || state.queue.len() >= MAX_QUEUED {
            return false;
        }
        state.queue.push_back(Box::new(job));
        if state.threads < MAX_THREADS {
            let pool = self.clone();
            let spawned = std::thread::Builder::new()
                .name("background".to_owned())
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
        true
    }

    /// Takes no more jobs and forgets those that have not begun.
    pub fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.queue.clear();
    }

    /// Waits until no job runs; false when that took too long. A renewal under way at the end must reach the store: its
    /// refresh token may be used up already.
    #[must_use]
    pub fn wait(&self, at_most: Duration) -> bool {
        let waited = self.0.idle.wait_timeout_while(self.state(), at_most, |state| state.threads > 0);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    fn work(&self) {
        while let Some(job) = self.next() {
            if catch_unwind(AssertUnwindSafe(job)).is_err() {
                log::error("a background job ended in a defect", &[]);
            }
        }
    }

    /// The next job; without one the calling thread is counted out, under the same lock.
    fn next(&self) -> Option<Job> {
        let mut state = self.state();
        let job = state.queue.pop_front();
        if job.is_none() {
            state.threads -= 1;
            self.0.idle.notify_all();
        }
        job
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
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

    #[test]
    fn runs_jobs_and_survives_a_panic() {
        let (pool, (done, results)) = (Pool::default(), mpsc::channel());
        assert!(pool.submit(|| panic!("defect")));
        for n in 0..10 {
            let done = done.clone();
            assert!(pool.submit(move || done.send(n).unwrap()));
        }
        let mut seen: Vec<_> = results.iter().take(10).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn the_queue_is_bounded_and_a_closed_pool_takes_nothing() {
        let (pool, (release, wait)) = (Pool::default(), mpsc::channel::<()>());
        let wait = Arc::new(Mutex::new(wait));
        for _ in 0..MAX_THREADS {
            let wait = wait.clone();
            assert!(pool.submit(move || assert!(wait.lock().unwrap().recv().is_err())));
        }
        while !pool.state().queue.is_empty() {
            std::thread::yield_now();
        }
        assert_eq!((0..=MAX_QUEUED).filter(|_| pool.submit(|| {})).count(), MAX_QUEUED);
        pool.close();
        assert!(!pool.submit(|| {}));
        drop(release);
    }

    #[test]
    fn the_end_waits_for_the_job_that_runs() {
        let (pool, (started, has_started), (go_on, may_go_on)) =
            (Pool::default(), mpsc::channel(), mpsc::channel::<()>());
        assert!(pool.wait(Duration::ZERO), "nothing runs yet");
        assert!(pool.submit(move || {
            started.send(()).unwrap();
            may_go_on.recv().unwrap();
        }));
        has_started.recv().unwrap();
        pool.close();
        assert!(!pool.wait(Duration::ZERO));
        go_on.send(()).unwrap();
        assert!(pool.wait(Duration::from_secs(10)));
    }
}
