//! A family of records in an engine.
//!
//! A change under a reservation is never lost: while the engine does not take it, this process serves it and goes on
//! trying, in a thread that lives only while there is something to try. All other changes fail and change nothing.
//!
//! Invariant: no lock is held while the engine is asked.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use super::breaker::{FIRST_PAUSE, pause};
use super::engine::{Engine, Intent};
use super::family::{Family, Outcome, is_outage};
use super::late::Change;
use super::script::{self, Answer};
use crate::base::error::{Error, Result};
use crate::base::log;
use crate::records::{Found, Health, Record, Records, Reserved, Saved, Swap, Version};

/// How long a process waits at its end for an engine that does not take what is to be saved.
const FLUSH_LIMIT: Duration = Duration::from_secs(2);

/// A family of records in an engine. Clones are the same family with the same memory; a process should have one of each.
pub struct Shared<T: Record>(pub(super) Arc<Family<T>>);

impl<T: Record> Shared<T> {
    /// The records of this type in an engine.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self(Arc::new(Family::new(engine)))
    }

    /// The changes that the engine does not have yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.late().iter().count()
    }
}

impl<T: Record> Records<T> for Shared<T> {
    fn get(&self, name: &T::Name) -> Result<Option<Found<T>>> {
        self.0.get(name)
    }

    fn put(&self, name: &T::Name, value: T) -> Result<Saved> {
        self.0.put(name, value)
    }

    fn swap(&self, name: &T::Name, seen: Option<&Found<T>>, value: Option<T>) -> Result<Swap<T>> {
        let inner = &self.0;
        inner.settle(name)?;
        if let Some(seen) = seen
            && inner.has_ended(&seen.value)
        {
            return Ok(match inner.get(name)? {
                Some(found) if found.version.etag != seen.version.etag => Swap::Changed(found),
                _ => Swap::Gone,
            });
        }
        let change = Change {
            expected: seen.map(|seen| seen.version.etag),
            fence: seen.and_then(|seen| seen.version.fence),
            etag: inner.random()?,
            value: value.map(Arc::new),
        };
        match inner.make(name, change.clone()) {
            Ok(Outcome::Done) => Ok(Swap::Done(Saved::Durable)),
            Ok(Outcome::Changed { found: Some(found), .. }) => Ok(Swap::Changed(found)),
            Ok(Outcome::Changed { found: None, .. } | Outcome::Gone) => Ok(Swap::Gone),
            Err(error) if change.fence.is_some() && is_outage(&error) => {
                self.keep_trying(name, change, error)
            }
            Err(error) => Err(error),
        }
    }

    fn reserve(&self, name: &T::Name, seen: &Found<T>, limit: Duration) -> Result<Reserved<T>> {
        let inner = &self.0;
        inner.settle(name)?;
        let fence = inner.random()?;
        let asked = inner.memory().moment();
        let (answer, keys) = inner.converse(Intent::Write, name, |talk, keys| {
            Ok(script::reserve(talk.connection, keys, &seen.version.etag, &fence, limit)?)
        })?;
        Ok(match answer {
            Answer::Done => {
                let version = Version { etag: seen.version.etag, fence: Some(fence) };
                Reserved::Mine(Found { value: Arc::clone(&seen.value), version })
            }
            Answer::Others(left) => Reserved::Others(left),
            Answer::Gone => Reserved::Gone,
            Answer::Changed(value) => match inner.take_in(name, &keys, &value, asked)?.1 {
                Some(found) => Reserved::Changed(found),
                None => Reserved::Gone,
            },
        })
    }

    fn release(&self, name: &T::Name, reserved: &Found<T>) {
        let Some(fence) = reserved.version.fence else { return };
        let released = self
            .0
            .converse(Intent::Write, name, |talk, keys| Ok(script::release(talk.connection, keys, &fence)?));
        if let Err(error) = released {
            // It ends by itself.
            log::debug("a reservation could not be given up", &[("family", &T::FAMILY), ("error", &error)]);
        }
    }

    fn known(&self) -> Vec<(T::Name, Arc<T>)> {
        let memory = self.0.memory();
        let mut all: BTreeMap<T::Name, Arc<T>> =
            memory.iter().map(|(name, value)| (name.clone(), Arc::clone(value))).collect();
        drop(memory);
        for (name, change) in self.0.late().iter() {
            match &change.value {
                Some(value) => all.insert(name.clone(), Arc::clone(value)),
                None => all.remove(name),
            };
        }
        all.into_iter().filter(|(_, value)| !self.0.has_ended(value)).collect()
    }

    fn each(&self, show: &mut dyn FnMut(T::Name, Arc<T>) -> Result<()>) -> Result<()> {
        self.scan(|name, found| show(name, found.value))
    }

    /// Tries what waits again and again for two seconds: what a process does not save before its end is lost.
    fn flush(&self) -> Saved {
        let clock = &self.0.engine.clock;
        let end = clock.monotonic() + FLUSH_LIMIT;
        loop {
            self.0.engine.insist();
            match self.0.settle_all() {
                Ok(()) => return Saved::Durable,
                Err(error) if clock.monotonic() >= end => return Saved::MemoryOnly(error),
                Err(_) => clock.sleep(FIRST_PAUSE),
            }
        }
    }

    fn place(&self) -> Option<&str> {
        Some(self.0.engine.place())
    }

    fn health(&self) -> Health {
        let waiting = self.0.late().trouble();
        waiting.map_or_else(|| self.0.engine.health(), |(error, since)| Health::Unsaved { error, since })
    }
}

impl<T: Record> Shared<T> {
    /// Serves a change that the engine does not take, and has it tried again.
    fn keep_trying(&self, name: &T::Name, change: Change<T>, error: Error) -> Result<Swap<T>> {
        let mut late = self.0.late();
        if !late.has_room() {
            return Err(error);
        }
        late.add(name.clone(), change, &error, self.0.engine.clock.now());
        let begin = !std::mem::replace(&mut late.at_work, true);
        drop(late);
        if begin {
            let inner = Arc::downgrade(&self.0);
            let engine = Arc::clone(&self.0.engine);
            let started =
                thread::Builder::new().name("store-retry".to_owned()).spawn(move || retry(&inner, &engine));
            if let Err(error) = started {
                log::error("there is no thread to save a session from", &[("error", &error)]);
                self.0.late().at_work = false;
            }
        }
        Ok(Swap::Done(Saved::MemoryOnly(error)))
    }
}

/// Tries until the engine has every change that waits, or nobody wants them any more.
fn retry<T: Record>(inner: &Weak<Family<T>>, engine: &Engine) {
    for tries in 1.. {
        engine.clock.sleep(pause(tries, &*engine.entropy));
        let Some(inner) = inner.upgrade() else { return };
        let _ = inner.settle_all();
        let mut late = inner.late();
        if late.iter().next().is_none() {
            late.at_work = false;
            return;
        }
    }
}

impl<T: Record> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Record> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shared({}, {})", T::FAMILY, self.0.engine.place())
    }
}
