//! Why stored sessions cannot be used, and what an operator does about it.
//!
//! The parsers of this module's files return a [`Fault`], which knows no path; [`Fault::into_error`] adds the folder.

use std::path::Path;

use super::keyring::KeyId;
use crate::base::error::{Code, Error};

/// The snapshot of all sessions.
pub const SESSIONS_FILE: &str = "sessions.json";
/// The changes since the snapshot.
pub const JOURNAL_FILE: &str = "sessions.journal";

/// What is wrong with a file of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The snapshot has our format, but something in it does not hold.
    SnapshotDamaged(&'static str),
    /// The snapshot is of a version that this program does not know.
    SnapshotVersion(u64),
    /// The snapshot was not written by this program, nor is it the plain layout of old versions.
    SnapshotForeign,
    /// The snapshot is sealed with a key that we do not have.
    KeyUnknown(KeyId),
    /// The journal does not hold together before its end.
    JournalDamaged(&'static str),
    /// The journal is of a version that this program does not know.
    JournalVersion(u16),
    /// The journal continues another snapshot than the one beside it.
    JournalOfAnotherSnapshot,
}

impl Fault {
    /// The error for an operator, naming the files in `folder`.
    #[must_use]
    pub fn into_error(self, folder: &Path) -> Error {
        let sessions = folder.join(SESSIONS_FILE);
        let (sessions, journal) = (sessions.display(), folder.join(JOURNAL_FILE));
        let journal = journal.display();
        let start_over = format!(
            "restore both files from one backup, or move {SESSIONS_FILE} and {JOURNAL_FILE} out of the folder to start \
             without them; until then logins last as long as this process"
        );
        let (message, hint) = match self {
            Self::SnapshotDamaged(what) => (format!("{sessions} is damaged: {what}"), start_over),
            Self::SnapshotVersion(version) => (
                format!("{sessions} has version {version}, which this program does not know"),
                format!("use the newer program that wrote it, or {start_over}"),
            ),
            Self::SnapshotForeign => (
                format!("{sessions} was not written by this program"),
                "it may be the encrypted file of the earlier plugin, which nothing else can read: move it out of the \
                 folder and log in again; until then logins last as long as this process"
                    .to_owned(),
            ),
            Self::KeyUnknown(id) => (
                format!("{sessions} is sealed with the key {id}, which is not among the keys at hand"),
                format!("put that key back on a further line of the key file and restart, or {start_over}"),
            ),
            Self::JournalDamaged(what) => (format!("{journal} is damaged: {what}"), start_over),
            Self::JournalVersion(version) => (
                format!("{journal} has version {version}, which this program does not know"),
                format!("use the newer program that wrote it, or {start_over}"),
            ),
            Self::JournalOfAnotherSnapshot => (
                format!("{journal} does not continue {sessions}"),
                format!(
                    "restore both files from one backup, or move {JOURNAL_FILE} out of the folder to go on without \
                     its changes, and restart"
                ),
            ),
        };
        Error::new(Code::StoreUnreadable, message).with_hint(hint)
    }
}
