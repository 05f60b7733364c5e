//! A family of records in an engine.
//!
//! A change under a reservation is never lost: while the engine does not take it, this process serves it and goes on
//! trying, in a thread that lives only while there is something to try. All other changes fail and change nothing.
//!
//! Invariant: no lock is held while the engine is asked.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use super::breaker::pause;
use super::engine::{Engine, Intent, Stop, Talk};
use super::late::{Change, Late};
use super::memory::{MAX_SEEN, Memory, Moment};
use super::script::{self, Answer};
use super::seal::{self, Etag, Keys, Unreadable};
use crate::base::error::{Code, Error, Result};
use crate::base::log;
use crate::base::time::Timestamp;
use crate::records::{Found, Health, Name as _, Record, Records, Reserved, Saved, Swap, Version};

/// Attempts to get past a record that has ended by our clock and not yet by the engine's.
const MAX_PASSES: usize = 3;

/// A family of records in an engine. Clones are the same family with the same memory; a process should have one of each.
pub struct Shared<T: Record>(Arc<Inner<T>>);

struct Inner<T: Record> {
    engine: Arc<Engine>,
    memory: Mutex<Memory<T>>,
    late: Mutex<Late<T>>,
}

/// What came of a change.
enum Outcome<T> {
    Done,
    Changed {
        /// What the engine calls it.
        etag: Etag,
        /// `None` when it has ended by our clock.
        found: Option<Found<T>>,
    },
    Gone,
}

impl<T: Record> Shared<T> {
    /// The records of this type in an engine.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        let (memory, late) = (Mutex::new(Memory::new(MAX_SEEN)), Mutex::new(Late::default()));
        Self(Arc::new(Inner { engine, memory, late }))
    }

    /// Shows every record of the family that the engine has, in no order; one may be shown twice.
    ///
    /// # Errors
    /// Those of `show`; `StoreUnavailable`; `StoreUnreadable` when one cannot be opened, after the others were shown.
    pub fn scan(&self, mut show: impl FnMut(T::Name, Found<T>) -> Result<()>) -> Result<()> {
        let mut unreadable = None;
        self.0.each(|keys, value| {
            let ring = self.0.engine.keys();
            match open(&ring, keys, value) {
                Ok((name, found)) if !self.0.has_ended(&found.value) => show(name, found),
                Ok(_) => Ok(()),
                Err(reason) => {
                    unreadable = Some(self.0.unreadable(reason));
                    Ok(())
                }
            }
        })?;
        unreadable.map_or(Ok(()), Err)
    }

    /// Seals with the first key of the ring what is sealed with another, and says how many that were. States, leases
    /// and ends stay as they are, so nobody who works with the records notices.
    ///
    /// # Errors
    /// `StoreUnavailable`; `StoreUnreadable` when one cannot be opened, after the others were sealed.
    pub fn reseal(&self) -> Result<usize> {
        let engine = &self.0.engine;
        let (mut count, mut unreadable) = (0, None);
        self.0.each(|at, value| {
            let ring = engine.keys();
            let first = ring.first();
            let Some((etag, _)) = seal::marks(value).filter(|_| seal::key_of(value) != Some(first.id()))
            else {
                return Ok(());
            };
            let opened = match seal::open(&ring, at, value) {
                Ok(opened) => opened,
                Err(reason) => {
                    unreadable = Some(self.0.unreadable(reason));
                    return Ok(());
                }
            };
            let after = seal::seal(first, &*engine.entropy, at, &etag, opened.name(), opened.record())?;
            let talk = |talk: Talk<'_>| Ok(script::reseal(talk.connection, at, value, &after)?);
            count += usize::from(engine.converse(Intent::Write, talk)? == Answer::Done);
            Ok(())
        })?;
        unreadable.map_or(Ok(count), Err)
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
fn retry<T: Record>(inner: &Weak<Inner<T>>, engine: &Engine) {
    for tries in 1.. {
        engine.clock.sleep(pause(tries, &*engine.entropy));
        let Some(inner) = inner.upgrade() else { return };
        let names = inner.late().names();
        for name in names {
            if inner.settle(&name).is_err() {
                break; // What one meets the others meet too.
            }
        }
        let mut late = inner.late();
        if late.iter().next().is_none() {
            late.at_work = false;
            return;
        }
    }
}

impl<T: Record> Inner<T> {
    fn get(&self, name: &T::Name) -> Result<Option<Found<T>>> {
        if let Some(change) = self.late().get(name) {
            return Ok(change.found().filter(|found| !self.has_ended(&found.value)));
        }
        let asked = self.memory().moment();
        let read = |talk: Talk<'_>, keys: &Keys| Ok(script::get(talk.connection, &keys.record)?);
        match self.converse(Intent::Read, name, read) {
            Ok((Some(value), keys)) => self.take_in(name, &keys, &value, asked).map(|(_, found)| found),
            Ok((None, _)) => {
                self.memory().remove(name, asked);
                Ok(None)
            }
            Err(error) => {
                let seen = self.memory().get(name).filter(|found| !self.has_ended(&found.value));
                seen.map_or(Err(error), |found| Ok(Some(found)))
            }
        }
    }

    fn put(&self, name: &T::Name, value: T) -> Result<Saved> {
        let change =
            Change { expected: None, fence: None, etag: self.random()?, value: Some(Arc::new(value)) };
        let before = self.memory().get(name).map(|found| found.version.etag);
        let asked = self.memory().moment();
        let mut mark = None;
        let (answer, _) = self.converse(Intent::Write, name, |talk, keys| {
            let sealed = self.sealed(&talk, keys, name, &change)?;
            mark = sealed.as_ref().and_then(|(value, _)| seal::marks(value));
            let value = sealed.as_ref().map(|(value, lasts)| (value.as_slice(), *lasts));
            Ok(match talk.again {
                false => script::put(talk.connection, keys, value)?,
                // The first may have been done, and others may have written since: they are not to be undone.
                true => script::swap(talk.connection, keys, before.as_ref(), None, &change.etag, value)?,
            })
        })?;
        if answer != Answer::Done && change.value.as_ref().is_some_and(|value| !self.has_ended(value)) {
            let message = format!("the connection to the engine at {} broke off", self.engine.place());
            return Err(Error::new(
                Code::StoreUnavailable,
                format!("{message}: it may have saved the change or not"),
            )
            .with_hint("try again"));
        }
        self.remember(name, &change, mark, asked);
        self.late().forget(name);
        Ok(Saved::Durable)
    }

    /// Makes a change that is compared.
    fn make(&self, name: &T::Name, mut change: Change<T>) -> Result<Outcome<T>> {
        let may_be_there = change.expected.is_none();
        for _ in 0..MAX_PASSES {
            let asked = self.memory().moment();
            let mut mark = None;
            let (answer, keys) = self.converse(Intent::Write, name, |talk, keys| {
                let sealed = self.sealed(&talk, keys, name, &change)?;
                mark = sealed.as_ref().and_then(|(value, _)| seal::marks(value));
                let value = sealed.as_ref().map(|(value, lasts)| (value.as_slice(), *lasts));
                let (expected, fence) = (change.expected.as_ref(), change.fence.as_ref());
                Ok(script::swap(talk.connection, keys, expected, fence, &change.etag, value)?)
            })?;
            match answer {
                Answer::Done => {
                    self.remember(name, &change, mark, asked);
                    return Ok(Outcome::Done);
                }
                Answer::Changed(value) => match self.take_in(name, &keys, &value, asked)? {
                    // It has ended by our clock: it counts as not there.
                    (etag, None) if may_be_there => change.expected = Some(etag),
                    (etag, found) => return Ok(Outcome::Changed { etag, found }),
                },
                Answer::Gone if may_be_there => change.expected = None,
                Answer::Gone | Answer::Others(_) => {
                    self.memory().remove(name, asked);
                    return Ok(Outcome::Gone);
                }
            }
        }
        Err(Error::new(Code::Busy, "a record is being changed by too many at once")
            .with_hint("try again in a moment"))
    }

    /// Brings a change that waits to its end, so that the engine has the state that this process shows.
    fn settle(&self, name: &T::Name) -> Result<()> {
        let Some(change) = self.late().get(name).cloned() else { return Ok(()) };
        let outcome = self.make(name, change.clone());
        match &outcome {
            Ok(Outcome::Done) => {}
            Ok(Outcome::Changed { etag, .. }) if Some(*etag) == change.expected => {
                log::info("a removal was overtaken by another instance", &[("family", &T::FAMILY)]);
            }
            Ok(Outcome::Changed { .. } | Outcome::Gone) => {
                log::info(
                    "a change that waited was overtaken by another instance",
                    &[("family", &T::FAMILY)],
                );
            }
            Err(error) if is_outage(error) => {}
            Err(error) => log::error("a change that waited cannot be saved", &[("error", error)]),
        }
        match outcome {
            Err(error) if is_outage(&error) => Err(error),
            _ => {
                self.late().end(name, &change.etag);
                Ok(())
            }
        }
    }

    /// Has a conversation about a record.
    fn converse<R>(
        &self,
        intent: Intent,
        name: &T::Name,
        mut talk: impl FnMut(Talk<'_>, &Keys) -> Result<R, Stop>,
    ) -> Result<(R, Keys)> {
        let (result, keys, store) = self.engine.converse(intent, |conversation| {
            let names = conversation.names;
            let (keys, store) = (names.keys(T::FAMILY, name.as_name()), names.store());
            talk(conversation, &keys).map(|result| (result, keys, store))
        })?;
        self.memory().belongs_to(store);
        Ok((result, keys))
    }

    /// The value of a change and how long it lasts; `None` for a removal, and for a record that has ended already.
    fn sealed(
        &self,
        talk: &Talk<'_>,
        keys: &Keys,
        name: &T::Name,
        change: &Change<T>,
    ) -> Result<Option<(Vec<u8>, Option<u64>)>> {
        let Some(value) = change.value.as_ref().filter(|value| !self.has_ended(value)) else {
            return Ok(None);
        };
        let now = self.engine.clock.now();
        let lasts =
            value.ends().map(|end| end.seconds_after(now)).or_else(|| T::IDLE.map(|idle| idle.as_secs()));
        let lasts = lasts.map(|seconds| seconds.saturating_mul(1000));
        let (key, entropy) = (talk.keys.first(), &*self.engine.entropy);
        let bytes = value.to_bytes()?;
        let sealed = seal::seal(key, entropy, &keys.record, &change.etag, name.as_name(), bytes.expose())?;
        Ok(Some((sealed, lasts)))
    }

    /// Takes in what the engine has: its state, and the record unless it has ended.
    fn take_in(
        &self,
        name: &T::Name,
        keys: &Keys,
        value: &[u8],
        asked: Moment,
    ) -> Result<(Etag, Option<Found<T>>)> {
        let marks =
            seal::marks(value).ok_or(Unreadable::Altered).map_err(|reason| self.unreadable(reason))?;
        let known = self.memory().same(name, marks);
        let found = match known {
            Some(found) => found,
            None => {
                let opened = open::<T>(&self.engine.keys(), &keys.record, value);
                let opened = opened.and_then(|(its_name, found)| match its_name == *name {
                    true => Ok(found),
                    false => Err(Unreadable::Altered),
                });
                let found = opened.map_err(|reason| self.unreadable(reason))?;
                self.memory().put(name, found.clone(), marks.1, asked, self.engine.clock.now());
                found
            }
        };
        Ok((marks.0, Some(found).filter(|found| !self.has_ended(&found.value))))
    }

    /// Takes in what the engine has been given.
    fn remember(&self, name: &T::Name, change: &Change<T>, mark: Option<(Etag, Etag)>, asked: Moment) {
        match (change.found(), mark) {
            (Some(found), Some((_, seal))) => {
                self.memory().put(name, found, seal, asked, self.engine.clock.now());
            }
            _ => self.memory().remove(name, asked),
        }
    }

    /// Shows key and value of every record that the engine has, a page at a time. In a cluster each master is asked for
    /// its own; what moves from one to another meanwhile may be missed.
    fn each(&self, mut show: impl FnMut(&str, &[u8]) -> Result<()>) -> Result<()> {
        let pattern = self.engine.converse(Intent::Read, |talk| Ok(talk.names.pattern(T::FAMILY)))?;
        let Some(masters) = self.engine.masters()? else {
            return self.pages(&mut show, |cursor| {
                self.engine
                    .converse(Intent::Read, |talk| Ok(script::page(talk.connection, cursor, &pattern)?))
            });
        };
        for mut master in masters {
            self.pages(&mut show, |cursor| {
                script::page(&mut master, cursor, &pattern).map_err(|error| self.engine.failure(&error))
            })?;
        }
        Ok(())
    }

    fn pages(
        &self,
        show: &mut impl FnMut(&str, &[u8]) -> Result<()>,
        mut page: impl FnMut(u64) -> Result<(u64, Vec<String>)>,
    ) -> Result<()> {
        let mut cursor = 0;
        loop {
            let (next, keys) = page(cursor)?;
            for key in keys {
                let read = |talk: Talk<'_>| Ok(script::get(talk.connection, &key)?);
                if let Some(value) = self.engine.converse(Intent::Read, read)? {
                    show(&key, &value)?;
                }
            }
            if next == 0 {
                return Ok(());
            }
            cursor = next;
        }
    }

    fn random(&self) -> Result<Etag> {
        let mut etag = Etag::default();
        self.engine.entropy.fill(&mut etag)?;
        Ok(etag)
    }

    fn has_ended(&self, value: &T) -> bool {
        value.ends().is_some_and(|end: Timestamp| end.is_past(self.engine.clock.now()))
    }

    fn unreadable(&self, reason: Unreadable) -> Error {
        self.engine.unreadable(reason, &format!("a record of {}", T::FAMILY))
    }

    fn memory(&self) -> MutexGuard<'_, Memory<T>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn late(&self) -> MutexGuard<'_, Late<T>> {
        self.late.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens the record at a key.
fn open<T: Record>(
    ring: &crate::session::keyring::Keyring,
    at: &str,
    value: &[u8],
) -> Result<(T::Name, Found<T>), Unreadable> {
    let opened = seal::open(ring, at, value)?;
    let name = T::Name::from_name(opened.name()).ok_or(Unreadable::Altered)?;
    let record = T::from_bytes(opened.record()).ok_or(Unreadable::Altered)?;
    let (etag, _) = seal::marks(value).ok_or(Unreadable::Altered)?;
    Ok((name, Found { value: Arc::new(record), version: Version { etag, fence: None } }))
}

/// Whether it may go better later without anybody changing the record.
fn is_outage(error: &Error) -> bool {
    matches!(error.code(), Code::StoreUnavailable | Code::StoreUnreadable)
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
