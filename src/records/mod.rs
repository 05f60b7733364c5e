//! The one interface between what must outlive a message and where it is kept: records, found by name.
//!
//! Logins, pending logins, bindings and senders are each a family of records. A family is kept by this process (in
//! memory, or in files of the data folder) or in an engine that many processes share; whoever works with it cannot tell
//! which. `testing.rs` holds what both have to do, as tests.
//!
//! Invariant: a record changes by [`Records::swap`] only if it still is what the caller saw, so two writers, threads or
//! machines, never undo each other.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use crate::base::error::{Code, Error, Result};
use crate::base::secret::Secret;
use crate::base::time::Timestamp;

pub mod arc;
pub mod local;
pub mod moving;
#[cfg(test)]
pub mod testing;

/// How often a change is tried again because somebody else was faster.
const MAX_TRIES: usize = 64;

/// What can be kept as a record.
pub trait Record: fmt::Debug + Send + Sync + Sized + 'static {
    /// What its records are found by.
    type Name: Name;

    /// The family's name, the same for ever: seals are bound to it.
    const FAMILY: &'static str;

    /// How long an engine keeps a record without an end that nobody puts again; `None` for as long as it lives.
    const IDLE: Option<Duration> = None;

    /// From when on the record is of no use; `None` for one that is kept until it is removed.
    fn ends(&self) -> Option<Timestamp>;

    /// Its bytes, on their way into a seal.
    ///
    /// # Errors
    /// `Internal` when it cannot be written.
    fn to_bytes(&self) -> Result<Secret<Vec<u8>>>;

    /// What [`Record::to_bytes`] wrote; `None` for anything else.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

/// The name of a record.
pub trait Name: Clone + Eq + Hash + Ord + fmt::Debug + Send + Sync + 'static {
    /// Its text, at most a few hundred bytes.
    fn as_name(&self) -> &str;

    /// The name that has this text; `None` where none has.
    fn from_name(text: &str) -> Option<Self>;
}

impl Name for Arc<str> {
    fn as_name(&self) -> &str {
        self
    }

    fn from_name(text: &str) -> Option<Self> {
        Some(text.into())
    }
}

/// A record as it was seen. [`Records::swap`] compares with it, so it stands for one state and not for one value.
#[derive(Debug)]
pub struct Found<T> {
    /// The record.
    pub value: Arc<T>,
    /// What an engine calls this state; within a process `value` itself is enough.
    pub version: Version,
}

impl<T> Found<T> {
    /// A record that this process keeps: the allocation of `value` tells its states apart, for as long as this lives.
    #[must_use]
    pub fn here(value: Arc<T>) -> Self {
        Self { value, version: Version::default() }
    }
}

impl<T> Clone for Found<T> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), version: self.version }
    }
}

/// How an engine names one state of a record, and the reservation under which it may be changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Version {
    /// Random for each write.
    pub etag: [u8; 16],
    /// Random for each reservation: the engine refuses a write under one that has ended.
    pub fence: Option<[u8; 16]>,
}

/// How well a change is kept. It counts in this process in any case.
#[derive(Clone, Debug)]
#[must_use]
pub enum Saved {
    /// Where it belongs: it survives this process.
    Durable,
    /// In memory only, for this reason; what is kept elsewhere is an earlier state. It is tried again.
    MemoryOnly(Error),
}

impl Saved {
    /// Why the change is in memory only.
    #[must_use]
    pub fn problem(&self) -> Option<&Error> {
        match self {
            Self::Durable => None,
            Self::MemoryOnly(error) => Some(error),
        }
    }
}

/// What came of [`Records::swap`].
#[derive(Clone, Debug)]
#[must_use]
pub enum Swap<T> {
    /// It is done.
    Done(Saved),
    /// Somebody else was faster: this is what they put there.
    Changed(Found<T>),
    /// There is no such record any more.
    Gone,
}

/// What came of [`Records::reserve`].
#[derive(Clone, Debug)]
#[must_use]
pub enum Reserved<T> {
    /// Nobody else may change the record for now; the swap is to be made with this.
    Mine(Found<T>),
    /// Another process has it; it is worth looking again after this time.
    Others(Duration),
    /// The record is another one by now.
    Changed(Found<T>),
    /// There is no such record any more.
    Gone,
}

/// How the keeping goes.
#[derive(Clone, Debug)]
pub enum Health {
    /// Everything is where it belongs.
    Ok,
    /// What is kept on the disk cannot be used and is left alone.
    MemoryOnly {
        /// Why, and what to do.
        error: Error,
    },
    /// Saving fails; it is tried again.
    Unsaved {
        /// Why, and what to do.
        error: Error,
        /// Since when.
        since: Timestamp,
    },
    /// The engine does not answer: what this process knows goes on being served, and nothing else.
    Unreachable {
        /// Why, and what to do.
        error: Error,
        /// Since when.
        since: Timestamp,
    },
}

impl Health {
    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        matches!(self, Self::Ok)
    }

    /// What is not as it should be.
    #[must_use]
    pub fn problem(&self) -> Option<&Error> {
        match self {
            Self::Ok => None,
            Self::MemoryOnly { error } | Self::Unsaved { error, .. } | Self::Unreachable { error, .. } => {
                Some(error)
            }
        }
    }
}

/// A family of records.
pub trait Records<T: Record>: Send + Sync {
    /// The record of a name, unless it has ended.
    ///
    /// # Errors
    /// `StoreUnavailable` when an engine does not answer and this process has not seen the record; `StoreUnreadable`
    /// when what is there cannot be opened.
    fn get(&self, name: &T::Name) -> Result<Option<Found<T>>>;

    /// Puts a record in place of whatever there is.
    ///
    /// # Errors
    /// `StoreUnavailable`: it is kept nowhere. The files of a folder never fail: see [`Saved`].
    fn put(&self, name: &T::Name, value: T) -> Result<Saved>;

    /// Puts a record (`None`: removes it) if it still is what the caller saw; `None` for one that must not be there.
    ///
    /// # Errors
    /// `StoreUnavailable`: nothing is changed, but for a change under a reservation, which is never lost: it is
    /// [`Saved::MemoryOnly`] and goes on being tried.
    fn swap(&self, name: &T::Name, seen: Option<&Found<T>>, value: Option<T>) -> Result<Swap<T>>;

    /// Reserves a record for one change that must not be tried twice, for at most `limit`. Within one process nothing
    /// needs to be reserved.
    ///
    /// # Errors
    /// `StoreUnavailable`: nobody may go on.
    fn reserve(&self, name: &T::Name, seen: &Found<T>, limit: Duration) -> Result<Reserved<T>> {
        let _ = limit;
        Ok(match self.get(name)? {
            None => Reserved::Gone,
            Some(found) if Arc::ptr_eq(&found.value, &seen.value) => Reserved::Mine(found),
            Some(found) => Reserved::Changed(found),
        })
    }

    /// Gives up a reservation without a change.
    fn release(&self, name: &T::Name, reserved: &Found<T>) {
        let _ = (name, reserved);
    }

    /// The records that this process has at hand, in the order of their names: all of them, but with an engine.
    fn known(&self) -> Vec<(T::Name, Arc<T>)>;

    /// Shows all records, wherever they are, in no order; an engine may show one twice.
    ///
    /// # Errors
    /// Those of `show`; `StoreUnavailable`; `StoreUnreadable` when one cannot be opened, after the others were shown.
    fn each(&self, show: &mut dyn FnMut(T::Name, Arc<T>) -> Result<()>) -> Result<()> {
        self.known().into_iter().try_for_each(|(name, value)| show(name, value))
    }

    /// Gives what could not be saved yet another chance: for a calm moment, and before the end.
    fn flush(&self) -> Saved {
        Saved::Durable
    }

    /// Where they are kept, as people may see it; `None` for this process and its folder.
    fn place(&self) -> Option<&str> {
        None
    }

    /// How the keeping goes. No I/O.
    fn health(&self) -> Health {
        Health::Ok
    }
}

impl<T: Record> fmt::Debug for dyn Records<T> + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Records({})", T::FAMILY)
    }
}

/// What [`update`] does with a record.
#[derive(Debug)]
pub enum Change<T> {
    /// Leaves it as it is.
    Keep,
    /// Puts this in its place.
    Put(T),
    /// Removes it.
    Remove,
}

/// Removes a record; true when there was one.
///
/// # Errors
/// As [`update`].
pub fn remove<T: Record>(records: &dyn Records<T>, name: &T::Name) -> Result<(bool, Saved)> {
    update(records, name, |there| Ok((Change::Remove, there.is_some())))
}

/// Changes a record by what is there, trying again when somebody else was faster.
///
/// # Errors
/// Those of the records and of `change`; `Busy` when others were faster too often.
pub fn update<T: Record, R>(
    records: &dyn Records<T>,
    name: &T::Name,
    mut change: impl FnMut(Option<&T>) -> Result<(Change<T>, R)>,
) -> Result<(R, Saved)> {
    let mut seen = records.get(name)?;
    for _ in 0..MAX_TRIES {
        let (change, result) = change(seen.as_ref().map(|found| &*found.value))?;
        let value = match change {
            Change::Keep => return Ok((result, Saved::Durable)),
            Change::Remove if seen.is_none() => return Ok((result, Saved::Durable)),
            Change::Remove => None,
            Change::Put(value) => Some(value),
        };
        seen = match records.swap(name, seen.as_ref(), value)? {
            Swap::Done(saved) => return Ok((result, saved)),
            Swap::Changed(found) => Some(found),
            Swap::Gone => None,
        };
    }
    Err(Error::new(Code::Busy, format!("a record of {} is being changed by too many at once", T::FAMILY))
        .with_hint("try again in a moment"))
}
