//! One family's talk with the engine: what is asked, what is believed, what waits.
//!
//! Invariant: no lock is held while the engine is asked, and what the engine answers is opened before it is believed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::engine::{Engine, Intent, MAY_BE_DONE, Stop, Talk};
use super::late::{Change, Late};
use super::memory::{MAX_SEEN, Memory, Moment};
use super::script::{self, Answer};
use super::seal::{self, Etag, Keys, Unreadable};
use crate::base::error::{Code, Error, Result};
use crate::base::log;
use crate::base::time::Timestamp;
use crate::records::{Found, Name as _, Record, Saved, Version};
use crate::session::keyring::Keyring;

/// Attempts to get past a record that has ended by our clock and not yet by the engine's.
const MAX_PASSES: usize = 3;

/// A family of records, as this process works with it.
pub(super) struct Family<T: Record> {
    pub(super) engine: Arc<Engine>,
    memory: Mutex<Memory<T>>,
    late: Mutex<Late<T>>,
}

/// What came of a change.
pub(super) enum Outcome<T> {
    Done,
    Changed {
        /// What the engine calls it.
        etag: Etag,
        /// `None` when it has ended by our clock.
        found: Option<Found<T>>,
    },
    Gone,
}

impl<T: Record> Family<T> {
    pub(super) fn new(engine: Arc<Engine>) -> Self {
        let (memory, late) = (Mutex::new(Memory::new(MAX_SEEN)), Mutex::new(Late::default()));
        Self { engine, memory, late }
    }

    pub(super) fn get(&self, name: &T::Name) -> Result<Option<Found<T>>> {
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

    pub(super) fn put(&self, name: &T::Name, value: T) -> Result<Saved> {
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
            let message =
                format!("{MAY_BE_DONE}: the connection to the engine at {} broke off", self.engine.place());
            return Err(Error::new(Code::StoreUnavailable, message).with_hint("try again"));
        }
        self.remember(name, &change, mark, asked);
        self.late().forget(name);
        Ok(Saved::Durable)
    }

    /// Makes a change that is compared.
    pub(super) fn make(&self, name: &T::Name, mut change: Change<T>) -> Result<Outcome<T>> {
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
    pub(super) fn settle(&self, name: &T::Name) -> Result<()> {
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

    /// Brings all changes that wait to their end, and gives the error of what goes on waiting.
    pub(super) fn settle_all(&self) -> Result<()> {
        let mut result = Ok(());
        let names = self.late().names();
        for name in names {
            if let Err(error) = self.settle(&name) {
                let is_away = error.code() == Code::StoreUnavailable;
                result = Err(error);
                if is_away {
                    break; // What one meets the others meet too.
                }
            }
        }
        result
    }

    /// Has a conversation about a record.
    pub(super) fn converse<R>(
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
    pub(super) fn take_in(
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

    pub(super) fn random(&self) -> Result<Etag> {
        let mut etag = Etag::default();
        self.engine.entropy.fill(&mut etag)?;
        Ok(etag)
    }

    pub(super) fn has_ended(&self, value: &T) -> bool {
        value.ends().is_some_and(|end: Timestamp| end.is_past(self.engine.clock.now()))
    }

    pub(super) fn unreadable(&self, reason: Unreadable) -> Error {
        self.engine.unreadable(reason, &format!("a record of {}", T::FAMILY))
    }

    pub(super) fn memory(&self) -> MutexGuard<'_, Memory<T>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn late(&self) -> MutexGuard<'_, Late<T>> {
        self.late.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens the record at a key.
pub(super) fn open<T: Record>(
    ring: &Keyring,
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
pub(super) fn is_outage(error: &Error) -> bool {
    matches!(error.code(), Code::StoreUnavailable | Code::StoreUnreadable)
}
