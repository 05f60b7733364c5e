//! The state of the store on the disk: read once, then a journal record for each save and now and then a snapshot.
//!
//! ```text
//! snapshot N (sessions.json)  ◀── continues ── journal N (sessions.journal)
//!     │ folding: write snapshot N', which says "journal N is folded in"; remove the journal
//! ```
//!
//! Invariants: a journal is appended to only while it is known to be whole and to continue the snapshot; after any
//! failure the next save writes a snapshot. Files that cannot be read are never written, until they are gone.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::disk::{Disk, unwritable};
use super::envelope::{self, Content, Generation};
use super::fault::{Fault, JOURNAL_FILE, SESSIONS_FILE};
use super::journal;
use super::keyring::{GENERATED_FILE, KeySource, Keyring};
use super::migrate;
use super::record::{Batch, Sessions};
use crate::base::codec::hex;
use crate::base::entropy::Entropy;
use crate::base::error::{Code, Error, Result};
use crate::base::log;
use crate::base::secret::Secret;
use crate::base::time::Timestamp;

/// A journal up to this size is never folded while the service runs.
pub(super) const MIN_FOLD_BYTES: u64 = 64 * 1024;

#[derive(Debug)]
pub(super) struct Archive {
    disk: Box<dyn Disk>,
    folder: PathBuf,
    source: KeySource,
    entropy: Arc<dyn Entropy>,
    ring: Option<Keyring>,
    /// Where the next record goes; `None` when only a snapshot can be written.
    tail: Option<Tail>,
    /// The generation of the journal that may be on the disk.
    journal_on_disk: Option<Generation>,
    /// Why the files are left alone.
    refused: Option<Error>,
}

#[derive(Debug)]
struct Tail {
    writer: journal::Writer,
    journal_bytes: u64,
    snapshot_bytes: u64,
}

/// What is on the disk at the start.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    pub(super) sessions: Sessions,
    /// Whether a snapshot must be written before the disk is as it should be.
    pub(super) fold: bool,
}

impl Archive {
    pub(super) fn new(
        disk: Box<dyn Disk>,
        folder: PathBuf,
        source: KeySource,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { disk, folder, source, entropy, ring: None, tail: None, journal_on_disk: None, refused: None }
    }

    /// Reads what is there. When that cannot be used it is refused: left alone from now on ([`Archive::refused`]).
    pub(super) fn load(&mut self, now: Timestamp) -> Loaded {
        for name in [SESSIONS_FILE, GENERATED_FILE] {
            // A folder that cannot be written shows at the first save.
            let _ = self.disk.remove_temporary(name);
        }
        self.try_load(now).unwrap_or_else(|error| {
            self.refused = Some(error);
            Loaded::default()
        })
    }

    /// Why the files are left alone, if they are.
    pub(super) fn refused(&self) -> Option<&Error> {
        self.refused.as_ref()
    }

    /// Takes the store up again when the operator has moved the refused files away.
    pub(super) fn reconsider(&mut self) -> Result<()> {
        let Some(error) = self.refused.clone() else { return Ok(()) };
        let gone =
            [SESSIONS_FILE, JOURNAL_FILE].iter().all(|name| matches!(self.disk.holds(name), Ok(false)));
        if !gone {
            return Err(error);
        }
        self.ring = self.source.load(&*self.disk)?;
        self.refused = None;
        log::info(
            "the unreadable sessions were moved away; saving again",
            &[("folder", &self.folder.display())],
        );
        Ok(())
    }

    /// Adds a record to the journal. False when it takes a snapshot instead: the journal is not usable, the journal
    /// is long enough to be folded, or the record is too large for it.
    pub(super) fn append(&mut self, batch: &Batch) -> Result<bool> {
        let Some(mut tail) = self.tail.take() else { return Ok(false) };
        let Some(bytes) = tail.writer.seal(batch, &*self.entropy)? else { return Ok(false) };
        let after = tail.journal_bytes.saturating_add(length(&bytes));
        if after > tail.snapshot_bytes.max(MIN_FOLD_BYTES) {
            return Ok(false);
        }
        let written = match tail.journal_bytes {
            0 => {
                self.journal_on_disk = Some(tail.writer.generation());
                self.disk.create(JOURNAL_FILE, &bytes)
            }
            _ => self.disk.append(JOURNAL_FILE, &bytes),
        };
        written.map_err(|error| self.unwritable(JOURNAL_FILE, &error))?;
        tail.writer.advance();
        tail.journal_bytes = after;
        self.tail = Some(tail);
        Ok(true)
    }

    /// Writes everything as a new snapshot and removes the journal, which is then folded in.
    pub(super) fn write_snapshot(&mut self, sessions: &Sessions) -> Result<()> {
        self.tail = None;
        let ring = match self.ring.take() {
            Some(ring) => ring,
            None => self.source.load_or_generate(&mut *self.disk, &*self.entropy)?,
        };
        let ring = self.ring.insert(ring);
        let generation = Generation::random(&*self.entropy)?;
        let bytes = envelope::seal(sessions, generation, self.journal_on_disk, ring.first(), &*self.entropy)?;
        let writer = journal::Writer::new(generation, ring.first());
        self.disk.replace(SESSIONS_FILE, &bytes).map_err(|error| self.unwritable(SESSIONS_FILE, &error))?;
        self.disk.remove(JOURNAL_FILE).map_err(|error| self.unwritable(JOURNAL_FILE, &error))?;
        self.journal_on_disk = None;
        self.tail = Some(Tail { writer, journal_bytes: 0, snapshot_bytes: length(&bytes) });
        // Only now is nothing sealed with an older key.
        if let Some(ring) = &mut self.ring
            && let Err(error) = self.source.forget_old(&mut *self.disk, ring)
        {
            log::warn("the old key stays in the key file until the next snapshot", &[("reason", &error)]);
        }
        Ok(())
    }

    /// Changes to a new key; the caller writes a snapshot next, which is what re-seals.
    pub(super) fn renew_key(&mut self) -> Result<()> {
        if let Some(error) = &self.refused {
            return Err(error.clone());
        }
        self.ring = Some(self.source.renew(&mut *self.disk, &*self.entropy, self.ring.as_ref())?);
        Ok(())
    }

    fn try_load(&mut self, now: Timestamp) -> Result<Loaded> {
        self.ring = self.source.load(&*self.disk)?;
        let Some(bytes) = self.read(SESSIONS_FILE, envelope::MAX_FILE_BYTES)?.map(Secret::new) else {
            self.set_orphan_aside()?;
            return Ok(Loaded::default());
        };
        match envelope::parse(bytes.expose()).map_err(|fault| fault.into_error(&self.folder))? {
            Content::Sealed(sealed) => self.load_sealed(&sealed, length(bytes.expose())),
            Content::Object(entries) => {
                let migrated = migrate::read(entries, now).map_err(|fault| fault.into_error(&self.folder))?;
                self.set_orphan_aside()?;
                for key in &migrated.dropped {
                    log::warn("an entry of the old sessions file has no usable login", &[("key", key)]);
                }
                log::info("taking over the plain sessions file", &[("sessions", &migrated.sessions.len())]);
                Ok(Loaded { sessions: migrated.sessions, fold: true })
            }
        }
    }

    fn load_sealed(&mut self, sealed: &envelope::Sealed, snapshot_bytes: u64) -> Result<Loaded> {
        let ring = self.ring.as_ref().ok_or_else(|| self.source.vanished())?;
        let header = sealed.header;
        let fault = |fault: Fault| fault.into_error(&self.folder);
        let mut sessions = sealed.open(ring).map_err(fault)?;
        let bytes = self.read(JOURNAL_FILE, journal::MAX_FILE_BYTES)?;
        let mut torn = 0;
        let mut journal_on_disk = None;
        if let Some(bytes) = &bytes {
            match journal::parse(bytes).map_err(fault)? {
                None => torn = bytes.len(),
                Some((journal, _)) if Some(journal.generation) == header.folded => {
                    journal_on_disk = header.folded;
                }
                Some((journal, body)) if journal.generation == header.generation => {
                    let key = ring.find(journal.key).filter(|_| journal.key == header.key);
                    let key = key.ok_or(Fault::JournalDamaged("its header is altered")).map_err(fault)?;
                    let replay = journal::replay(journal, key, body).map_err(fault)?;
                    torn = replay.torn;
                    replay.batches.into_iter().for_each(|batch| batch.apply(&mut sessions));
                    journal_on_disk = Some(header.generation);
                }
                Some(_) => return Err(fault(Fault::JournalOfAnotherSnapshot)),
            }
        }
        if torn > 0 {
            log::warn("dropped an unfinished save at the journal's end", &[("bytes", &torn)]);
        }
        let first = ring.first();
        let is_current = first.id() == header.key && !self.source.has_old(ring);
        self.journal_on_disk = journal_on_disk;
        if bytes.is_none() {
            let writer = journal::Writer::new(header.generation, first);
            self.tail = is_current.then_some(Tail { writer, journal_bytes: 0, snapshot_bytes });
        }
        Ok(Loaded { sessions, fold: self.tail.is_none() })
    }

    /// A journal without its snapshot cannot be read and must not be in the way of the next one.
    fn set_orphan_aside(&mut self) -> Result<()> {
        let unreadable = |error| self.unreadable(JOURNAL_FILE, &error);
        if !self.disk.holds(JOURNAL_FILE).map_err(unreadable)? {
            return Ok(());
        }
        let mut suffix = [0; 4];
        self.entropy.fill(&mut suffix)?;
        let name = format!("{JOURNAL_FILE}.orphan-{}", hex(&suffix));
        let renamed = self.disk.rename(JOURNAL_FILE, &name);
        renamed.map_err(|error| self.unwritable(JOURNAL_FILE, &error))?;
        log::warn(
            "found a session journal without sessions.json; set it aside",
            &[("folder", &self.folder.display()), ("kept_as", &name)],
        );
        Ok(())
    }

    fn read(&self, name: &str, max: u64) -> Result<Option<Vec<u8>>> {
        self.disk.read(name, max).map_err(|error| self.unreadable(name, &error))
    }

    fn unreadable(&self, name: &str, error: &io::Error) -> Error {
        let path = self.folder.join(name);
        Error::new(Code::StoreUnreadable, format!("cannot read {}: {error}", path.display())).with_hint(
            "make it a regular file of this user that can be read, and restart; until then logins last as long as \
             this process",
        )
    }

    fn unwritable(&self, name: &str, error: &io::Error) -> Error {
        unwritable(&self.folder.join(name), error)
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
