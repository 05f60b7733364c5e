//! The store of sessions: read from memory, saved to the disk before the caller goes on.
//!
//! Two locks: readers and changes take the memory for moments; whoever saves holds the writer through the disk's work.
//! Savers that queue up behind one write are saved by the next one together. Invariant: the disk sees the changes of
//! memory in their order, because only the holder of the writer takes them out.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::archive::Archive;
use super::disk::{Disk, Folder};
use super::key::SessionKey;
use super::keyring::KeySource;
use super::memory::{Memory, Version};
use super::model::Session;
use crate::base::entropy::Entropy;
use crate::base::env::Env;
use crate::base::error::{Code, Error, Result};
use crate::base::log;
use crate::base::time::{Clock, Timestamp};
use crate::records::{Found, Health, Record, Records, Saved, Swap};
use crate::sys::fs::{Dir, Locking};

/// The lock that keeps a second process out of the data folder.
pub const LOCK_FILE: &str = "identity.lock";

/// What a store needs.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// The data folder, created if need be.
    pub dir: PathBuf,
    /// Where the key file may be named.
    pub env: Env,
    /// For pruning what has ended.
    pub clock: Arc<dyn Clock>,
    /// For keys and nonces.
    pub entropy: Arc<dyn Entropy>,
}

/// All sessions of the machine. The only one in its data folder.
#[derive(Debug)]
pub struct Store {
    clock: Arc<dyn Clock>,
    memory: RwLock<Memory>,
    writer: Mutex<Writer>,
    health: Mutex<Health>,
}

#[derive(Debug)]
struct Writer {
    archive: Archive,
    saved: Version,
    failed: Option<(Version, Error)>,
}

impl Store {
    /// Opens the store of a data folder and reads its sessions.
    ///
    /// Sessions that cannot be read (another key, damage, somebody else's file) are no error here: the store then
    /// works in memory, [`Store::health`] says why, and the files are left alone.
    ///
    /// # Errors
    /// `StoreLocked` when another process has the folder, `StoreUnwritable` when the folder cannot be used.
    pub fn open(options: StoreOptions) -> Result<Self> {
        let shown = options.dir.display();
        let unusable = |error: std::io::Error| {
            Error::new(Code::StoreUnwritable, format!("cannot use the data folder {shown}: {error}"))
                .with_hint("it must be a folder of this user, not a symlink, on a file system with locks")
        };
        let dir = Dir::open_private(&options.dir).map_err(unusable)?;
        let lock = match dir.lock(LOCK_FILE).map_err(unusable)? {
            Locking::Taken(lock) => lock,
            Locking::Held(pid) => {
                let holder = pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
                let message = format!("the data folder {shown} is in use by {holder}");
                let hint = "only one service may use it: stop that process, or name another data folder";
                return Err(Error::new(Code::StoreLocked, message).with_hint(hint));
            }
        };
        Ok(Self::on(Box::new(Folder::new(dir, lock)), options))
    }

    /// Opens the store on a disk that nobody else uses.
    pub(super) fn on(disk: Box<dyn Disk>, options: StoreOptions) -> Self {
        let StoreOptions { dir, env, clock, entropy } = options;
        let source = KeySource::choose(&env, &dir);
        let mut archive = Archive::new(disk, dir, source, entropy);
        let loaded = archive.load(clock.now());
        let refused = archive.refused().cloned();
        let mut memory = Memory::of(loaded.sessions);
        let pruned = memory.prune(clock.now());
        let store = Self {
            clock,
            memory: RwLock::new(memory),
            writer: Mutex::new(Writer { archive, saved: 0, failed: None }),
            health: Mutex::new(Health::Ok),
        };
        let mut writer = store.writer();
        if let Some(error) = refused {
            let _ = store.note_refused(&mut writer, error);
        } else if loaded.fold || pruned > 0 {
            let _ = store.write(&mut writer);
        }
        drop(writer);
        store
    }

    /// How many sessions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.read_memory().all().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Seals everything with a new key. A generated key file gets a new key; a named one is read again, and its first
    /// line counts. A crash at any point leaves files that open.
    ///
    /// # Errors
    /// `StoreUnreadable` when the key file cannot be used or the store works in memory only, `InvalidRequest` when a
    /// named key file no longer has the key in use, `StoreUnwritable` when the disk refuses: the old key still opens
    /// everything then.
    pub fn rotate_key(&self) -> Result<()> {
        let mut writer = self.writer();
        writer.archive.renew_key()?;
        match self.write(&mut writer) {
            Saved::Durable => Ok(()),
            Saved::MemoryOnly(error) => Err(error),
        }
    }

    /// Changes the memory, drops what has ended, and tells up to where must be saved.
    fn change<T>(&self, change: impl FnOnce(&mut Memory) -> T) -> (T, Version) {
        let now = self.clock.now();
        let mut memory = self.write_memory();
        memory.prune(now);
        let result = change(&mut memory);
        memory.prune(now);
        (result, memory.version())
    }

    fn save(&self, version: Version) -> Saved {
        self.save_with(&mut self.writer(), version)
    }

    fn save_with(&self, writer: &mut Writer, version: Version) -> Saved {
        // Whoever held the writer before us may have taken our change along, with whatever came of it.
        match &writer.failed {
            None if writer.saved >= version => Saved::Durable,
            Some((tried, error)) if *tried >= version => Saved::MemoryOnly(error.clone()),
            _ => self.save_anew(writer),
        }
    }

    fn save_anew(&self, writer: &mut Writer) -> Saved {
        if let Err(error) = writer.archive.reconsider() {
            return self.note_refused(writer, error);
        }
        let (batch, taken) = {
            let mut memory = self.write_memory();
            (memory.take_pending(), memory.version())
        };
        match writer.archive.append(&batch) {
            Ok(true) => self.note(writer, taken, Ok(())),
            Ok(false) => self.write(writer),
            Err(error) => self.note(writer, taken, Err(error)),
        }
    }

    /// Writes a snapshot.
    fn write(&self, writer: &mut Writer) -> Saved {
        self.write_memory().take_pending();
        // A change in between is in the snapshot and still pending: saving it twice does no harm.
        let (sessions, taken) = {
            let memory = self.read_memory();
            (memory.all().clone(), memory.version())
        };
        let written = writer.archive.write_snapshot(&sessions);
        self.note(writer, taken, written)
    }

    fn note_refused(&self, writer: &mut Writer, error: Error) -> Saved {
        let taken = {
            let mut memory = self.write_memory();
            memory.take_pending();
            memory.version()
        };
        writer.failed = Some((taken, error.clone()));
        if !matches!(self.set_health(Health::MemoryOnly { error: error.clone() }), Health::MemoryOnly { .. })
        {
            report("sessions are kept in memory only", &error);
        }
        Saved::MemoryOnly(error)
    }

    fn note(&self, writer: &mut Writer, taken: Version, outcome: Result<()>) -> Saved {
        let Err(error) = outcome else {
            (writer.saved, writer.failed) = (taken, None);
            if !matches!(self.set_health(Health::Ok), Health::Ok) {
                log::info("sessions are on the disk again", &[]);
            }
            return Saved::Durable;
        };
        writer.failed = Some((taken, error.clone()));
        let since = match self.health() {
            Health::Unsaved { since, .. } => since,
            Health::Ok | Health::MemoryOnly { .. } | Health::Unreachable { .. } => self.clock.now(),
        };
        if !matches!(self.set_health(Health::Unsaved { error: error.clone(), since }), Health::Unsaved { .. })
        {
            report("sessions cannot be saved", &error);
        }
        Saved::MemoryOnly(error)
    }

    /// Sets the health and gives what it was. Only the holder of the writer does so.
    fn set_health(&self, health: Health) -> Health {
        std::mem::replace(&mut *self.lock_health(), health)
    }

    fn read_memory(&self) -> RwLockReadGuard<'_, Memory> {
        self.memory.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_memory(&self) -> RwLockWriteGuard<'_, Memory> {
        self.memory.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Records<Session> for Store {
    fn get(&self, key: &SessionKey) -> Result<Option<Found<Session>>> {
        let now = self.clock.now();
        let session = self.read_memory().get(key).cloned();
        Ok(session.filter(|session| !has_ended(session, now)).map(Found::here))
    }

    fn put(&self, key: &SessionKey, session: Session) -> Result<Saved> {
        let version = self.change(|memory| memory.put(key.clone(), session)).1;
        Ok(self.save(version))
    }

    fn swap(
        &self,
        key: &SessionKey,
        seen: Option<&Found<Session>>,
        session: Option<Session>,
    ) -> Result<Swap<Session>> {
        let (conflict, version) = self.change(|memory| {
            match (memory.get(key), seen) {
                (None, Some(_)) => return Some(Swap::Gone),
                (Some(current), seen) if seen.is_none_or(|seen| !Arc::ptr_eq(&seen.value, current)) => {
                    return Some(Swap::Changed(Found::here(current.clone())));
                }
                _ => {}
            }
            match session {
                Some(session) => memory.put(key.clone(), session),
                None => drop(memory.remove(key)),
            }
            None
        });
        Ok(conflict.unwrap_or_else(|| Swap::Done(self.save(version))))
    }

    fn known(&self) -> Vec<(SessionKey, Arc<Session>)> {
        let now = self.clock.now();
        let memory = self.read_memory();
        let standing = memory.all().iter().filter(|(_, session)| !has_ended(session, now));
        let mut all: Vec<_> = standing.map(|(key, session)| (key.clone(), Arc::clone(session))).collect();
        drop(memory);
        all.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        all
    }

    fn flush(&self) -> Saved {
        let version = self.change(|_| ()).1;
        let mut writer = self.writer();
        match writer.failed {
            None => self.save_with(&mut writer, version),
            Some(_) => self.save_anew(&mut writer),
        }
    }

    fn health(&self) -> Health {
        self.lock_health().clone()
    }
}

fn has_ended(session: &Session, now: Timestamp) -> bool {
    session.ends().is_some_and(|end| end.is_past(now))
}

fn report(what: &str, error: &Error) {
    log::error(what, &[("reason", error), ("hint", &error.hint().unwrap_or_default())]);
}

#[cfg(test)]
mod tests;
