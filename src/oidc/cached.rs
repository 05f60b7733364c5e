//! A published document kept for a while: fetched once for all callers, kept over an outage, refetched on demand but
//! not at anybody's pace.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::error::{Code, Result};
use crate::base::flight::Flight;
use crate::base::log;
use crate::base::time::Clock;

/// How long a document counts as fresh.
pub(super) const FRESH: Duration = Duration::from_secs(300);
/// How long a stale document is used after a failed attempt before the next one.
pub(super) const RETRY: Duration = Duration::from_secs(30);
/// Between two refetches that a caller asked for: tokens with invented key ids must not make us hammer the provider.
pub(super) const COOL_DOWN: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Why {
    Stale,
    Asked,
}

/// The document and its state.
pub(super) struct Cached<T> {
    what: &'static str,
    clock: Arc<dyn Clock>,
    held: Mutex<Held<T>>,
    flight: Flight<Why, Arc<T>>,
}

struct Held<T> {
    value: Option<Arc<T>>,
    fresh_until: Duration,
    asked_at: Option<Duration>,
}

impl<T> Cached<T> {
    /// An empty cache; `what` names the document in the log.
    pub(super) fn new(what: &'static str, clock: Arc<dyn Clock>) -> Self {
        let held = Held { value: None, fresh_until: Duration::ZERO, asked_at: None };
        Self { what, clock, held: Mutex::new(held), flight: Flight::default() }
    }

    /// The document, fetched when there is none or a stale one. A stale one is kept while the provider is unreachable,
    /// but not when it answers something wrong.
    pub(super) fn get(&self, fetch: impl FnOnce() -> Result<T>) -> Result<Arc<T>> {
        if let Some(value) = self.fresh() {
            return Ok(value);
        }
        self.flight.run(&Why::Stale, || {
            if let Some(value) = self.fresh() {
                return Ok(value);
            }
            match fetch() {
                Ok(value) => Ok(self.keep(value)),
                Err(error) if error.code() == Code::IdpUnreachable => {
                    let mut held = self.lock();
                    let value = held.value.clone().ok_or_else(|| error.clone())?;
                    held.fresh_until = self.clock.monotonic() + RETRY;
                    drop(held);
                    log::warn(
                        "provider unreachable, using the last copy",
                        &[("document", &self.what), ("error", &error)],
                    );
                    Ok(value)
                }
                Err(error) => Err(error),
            }
        })
    }

    /// A newer document than `seen`, which lacked something; `seen` itself when it was asked for within [`COOL_DOWN`].
    pub(super) fn newer(&self, seen: &Arc<T>, fetch: impl FnOnce() -> Result<T>) -> Result<Arc<T>> {
        self.flight.run(&Why::Asked, || {
            let now = self.clock.monotonic();
            {
                let mut held = self.lock();
                match &held.value {
                    Some(value) if !Arc::ptr_eq(value, seen) => return Ok(value.clone()),
                    _ if held.asked_at.is_some_and(|at| now < at + COOL_DOWN) => return Ok(seen.clone()),
                    _ => held.asked_at = Some(now),
                }
            }
            fetch().map(|value| self.keep(value))
        })
    }

    fn fresh(&self) -> Option<Arc<T>> {
        let held = self.lock();
        held.value.clone().filter(|_| self.clock.monotonic() < held.fresh_until)
    }

    fn keep(&self, value: T) -> Arc<T> {
        let value = Arc::new(value);
        let mut held = self.lock();
        held.value = Some(value.clone());
        held.fresh_until = self.clock.monotonic() + FRESH;
        value
    }

    fn lock(&self) -> MutexGuard<'_, Held<T>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> fmt::Debug for Cached<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached").field("what", &self.what).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;
    use crate::base::error::Error;
    use crate::base::time::{ManualClock, Timestamp};

    fn cache() -> (Cached<u8>, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix(0)));
        (Cached::new("document", clock.clone()), clock)
    }

    #[test]
    fn a_document_is_fresh_for_its_time_and_no_longer() {
        let (cache, clock) = cache();
        assert_eq!(*cache.get(|| Ok(1)).unwrap(), 1);
        clock.advance(FRESH - Duration::from_secs(1));
        assert_eq!(*cache.get(|| Ok(2)).unwrap(), 1);
        clock.advance(Duration::from_secs(1));
        assert_eq!(*cache.get(|| Ok(2)).unwrap(), 2);
    }

    #[test]
    fn an_outage_keeps_the_last_copy_and_a_wrong_answer_does_not() {
        let (cache, clock) = cache();
        let unreachable = || Err(Error::new(Code::IdpUnreachable, "down"));
        assert!(cache.get(unreachable).is_err(), "nothing to fall back to");
        cache.get(|| Ok(1)).unwrap();
        clock.advance(FRESH);
        assert_eq!(*cache.get(unreachable).unwrap(), 1);
        assert_eq!(*cache.get(|| panic!("asked again too soon")).unwrap(), 1);
        clock.advance(RETRY);
        assert_eq!(
            cache.get(|| Err(Error::new(Code::IdpInvalid, "x"))).unwrap_err().code(),
            Code::IdpInvalid
        );
        assert_eq!(*cache.get(|| Ok(2)).unwrap(), 2);
    }

    #[test]
    fn concurrent_callers_fetch_once() {
        let (cache, _) = cache();
        let (fetches, fetching) = (AtomicU8::new(0), Barrier::new(2));
        let fetch = || Ok(fetches.fetch_add(1, Ordering::SeqCst));
        std::thread::scope(|scope| {
            let first = scope.spawn(|| {
                cache.get(|| {
                    fetching.wait();
                    fetch()
                })
            });
            fetching.wait();
            // Whether they come during the fetch or after it, it is the only one.
            let others = [0; 4].map(|_| scope.spawn(|| cache.get(fetch)));
            assert_eq!(*first.join().unwrap().unwrap(), 0);
            assert!(others.into_iter().all(|other| *other.join().unwrap().unwrap() == 0));
        });
        assert_eq!(fetches.into_inner(), 1);
    }

    #[test]
    fn asking_for_a_newer_one_is_cooled_down() {
        let (cache, clock) = cache();
        let first = cache.get(|| Ok(1)).unwrap();
        let second = cache.newer(&first, || Ok(2)).unwrap();
        assert_eq!(*second, 2, "the first ask is answered at once");
        assert_eq!(*cache.newer(&first, || panic!("there is a newer one already")).unwrap(), 2);
        assert_eq!(*cache.newer(&second, || panic!("too soon")).unwrap(), 2);
        clock.advance(COOL_DOWN);
        assert_eq!(*cache.newer(&second, || Ok(3)).unwrap(), 3);
    }
}
