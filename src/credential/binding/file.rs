//! The bindings of all sessions in one file of the data folder: `credential-env-bindings.json`.
//!
//! The file may be edited by hand: entries that make no sense are kept, and a file that cannot be read at all is left
//! alone, with the bindings in memory until it can. It is read at the start and before each change; readers never wait
//! for the disk. Invariant: a session's record keeps its allocation for as long as its entry stays the same, in memory
//! and in the file, so that it tells the states apart.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use serde_json::{Map, Value};

use super::bound::Bound;
use super::{FILE, MAX_FILE_BYTES};
use crate::base::error::{Code, Error, Result};
use crate::base::time::{Clock, Timestamp};
use crate::records::{Found, Health, Name, Records, Saved, Swap};
use crate::session::key::SessionKey;
use crate::sys::fs::Dir;

/// Entries by session; a key that is none is kept as well.
type Sessions = BTreeMap<String, Arc<Bound>>;

/// The file, and what is in it.
#[derive(Debug)]
pub struct BindingsFile {
    clock: Arc<dyn Clock>,
    dir: Option<Dir>,
    /// Held by whoever changes the file, disk included; readers do not take it.
    writing: Mutex<()>,
    state: RwLock<State>,
}

#[derive(Clone, Debug, Default)]
struct State {
    sessions: Arc<Sessions>,
    fault: Option<Fault>,
}

#[derive(Clone, Debug)]
enum Fault {
    /// The file is there and cannot be read: it must not be replaced.
    Unreadable(Error),
    /// The last change is not on the disk, and since when the disk is behind.
    Unwritten(Error, Timestamp),
}

impl BindingsFile {
    /// Reads the file of a data folder. Never fails: see [`BindingsFile::health`].
    #[must_use]
    pub fn open(folder: &Path, clock: Arc<dyn Clock>) -> Self {
        let opened = Dir::open_private(folder);
        let state = match &opened {
            Ok(dir) => match read(dir) {
                Ok(file) => {
                    let bound = |(session, value)| (session, Arc::new(Bound(value)));
                    State { sessions: Arc::new(file.into_iter().map(bound).collect()), fault: None }
                }
                Err(error) => State { fault: Some(Fault::Unreadable(error)), ..State::default() },
            },
            Err(error) => {
                let fault = Some(Fault::Unwritten(unwritable(error), clock.now()));
                State { fault, ..State::default() }
            }
        };
        Self { clock, dir: opened.ok(), writing: Mutex::new(()), state: RwLock::new(state) }
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.state().sessions.is_empty()
    }

    /// Looks at the file again: what was edited there counts, and what could not be written is tried again.
    pub fn refresh(&self) {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let (sessions, writable) = self.latest();
        if writable.is_ok() && self.state().fault.is_none() {
            self.publish(State { sessions: Arc::new(sessions), fault: None });
        } else {
            // Where it fails, the fault stays and says why.
            let _ = self.save(sessions, writable);
        }
    }

    /// Puts an entry in place of the one there, if that is what was seen.
    fn change(
        &self,
        key: &SessionKey,
        is_seen: impl FnOnce(Option<&Arc<Bound>>) -> bool,
        value: Option<Bound>,
    ) -> Result<Swap<Bound>> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut sessions, writable) = self.latest();
        let current = sessions.get(key.as_str()).cloned();
        let is_seen = is_seen(current.as_ref());
        let fault = self.state().fault;
        let is_same = current.as_deref() == value.as_ref() && fault.is_none() && writable.is_ok();
        if !is_seen || is_same {
            self.publish(State { sessions: Arc::new(sessions), fault });
            return Ok(match current {
                _ if is_seen => Swap::Done(Saved::Durable),
                Some(current) => Swap::Changed(Found::here(current)),
                None => Swap::Gone,
            });
        }
        match value {
            Some(value) => sessions.insert(key.as_str().to_owned(), Arc::new(value)),
            None => sessions.remove(key.as_str()),
        };
        self.save(sessions, writable).map(Swap::Done)
    }

    /// What to change: the file as it is now, or the memory when that is ahead of it; and whether the file may be
    /// replaced.
    fn latest(&self) -> (Sessions, Result<()>) {
        let State { sessions, fault } = self.state();
        let (Some(dir), false) = (&self.dir, matches!(fault, Some(Fault::Unwritten(..)))) else {
            return (Sessions::clone(&sessions), Ok(()));
        };
        let mut file = match read(dir) {
            Ok(file) => file,
            Err(error) => return (Sessions::clone(&sessions), Err(error)),
        };
        if fault.is_some() {
            // Mended: what was bound meanwhile goes on top of what it has.
            for (session, bound) in &*sessions {
                match (file.get_mut(session), &bound.0) {
                    (Some(Value::Object(own)), Value::Object(new)) => own.extend(new.clone()),
                    (Some(_), _) => {}
                    (None, entries) => drop(file.insert(session.clone(), entries.clone())),
                }
            }
        }
        let bound = |(session, value)| {
            let known = sessions.get(&session).filter(|known| known.0 == value).cloned();
            (session, known.unwrap_or_else(|| Arc::new(Bound(value))))
        };
        (file.into_iter().map(bound).collect(), Ok(()))
    }

    /// Takes these entries over, and writes them if the file may be replaced.
    fn save(&self, sessions: Sessions, writable: Result<()>) -> Result<Saved> {
        let document: BTreeMap<_, _> = sessions.iter().map(|(session, bound)| (session, &bound.0)).collect();
        let bytes = serde_json::to_vec_pretty(&document)
            .map_err(|error| Error::new(Code::Internal, format!("cannot write {FILE}: {error}")))?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(Error::new(Code::TooLarge, format!("{FILE} may have {MAX_FILE_BYTES} bytes"))
                .with_hint("remove the entries of sessions that are no longer in use"));
        }
        let before = self.state().fault;
        let fault = match (writable, &self.dir) {
            (Err(error), _) => Some(Fault::Unreadable(error)),
            (Ok(()), None) => before,
            (Ok(()), Some(dir)) => dir.write_atomic(FILE, &bytes).err().map(|error| {
                let since = match before {
                    Some(Fault::Unwritten(_, since)) => since,
                    _ => self.clock.now(),
                };
                Fault::Unwritten(unwritable(&error), since)
            }),
        };
        self.publish(State { sessions: Arc::new(sessions), fault });
        Ok(match self.health().problem() {
            Some(error) => Saved::MemoryOnly(error.clone()),
            None => Saved::Durable,
        })
    }

    fn publish(&self, state: State) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = state;
    }

    fn state(&self) -> State {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Records<Bound> for BindingsFile {
    fn get(&self, key: &SessionKey) -> Result<Option<Found<Bound>>> {
        Ok(self.state().sessions.get(key.as_str()).cloned().map(Found::here))
    }

    fn put(&self, key: &SessionKey, value: Bound) -> Result<Saved> {
        match self.change(key, |_| true, Some(value))? {
            Swap::Done(saved) => Ok(saved),
            Swap::Changed(_) | Swap::Gone => Ok(Saved::Durable),
        }
    }

    fn swap(
        &self,
        key: &SessionKey,
        seen: Option<&Found<Bound>>,
        value: Option<Bound>,
    ) -> Result<Swap<Bound>> {
        let is_seen = |current: Option<&Arc<Bound>>| match (current, seen) {
            (Some(current), Some(seen)) => Arc::ptr_eq(current, &seen.value),
            (current, seen) => current.is_none() && seen.is_none(),
        };
        self.change(key, is_seen, value)
    }

    fn known(&self) -> Vec<(SessionKey, Arc<Bound>)> {
        let sessions = self.state().sessions;
        let known =
            |(session, bound): (&String, &Arc<Bound>)| Some((SessionKey::from_name(session)?, bound.clone()));
        sessions.iter().filter_map(known).collect()
    }

    fn health(&self) -> Health {
        match self.state().fault {
            None => Health::Ok,
            Some(Fault::Unreadable(error)) => Health::MemoryOnly { error },
            Some(Fault::Unwritten(error, since)) => Health::Unsaved { error, since },
        }
    }
}

fn read(dir: &Dir) -> Result<Map<String, Value>> {
    let damaged = |what: String| {
        Error::new(Code::StoreUnreadable, format!("{FILE} {what}; bindings are kept in memory only"))
            .with_hint(format!("mend or remove {}", dir.path().join(FILE).display()))
    };
    match dir.read(FILE, MAX_FILE_BYTES) {
        Ok(None) => Ok(Map::new()),
        Ok(Some(bytes)) if bytes.trim_ascii().is_empty() => Ok(Map::new()),
        Ok(Some(bytes)) => serde_json::from_slice(&bytes)
            .map_err(|error| damaged(format!("is not a JSON object (line {})", error.line()))),
        Err(error) => Err(damaged(format!("cannot be read: {error}"))),
    }
}

fn unwritable(error: &std::io::Error) -> Error {
    Error::new(Code::StoreUnwritable, format!("{FILE} cannot be written: {error}"))
        .with_hint("the bindings last until the service ends; free or mend the data folder")
}
