//! The few things that the store asks of a disk, and the real one.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use crate::base::error::{Code, Error};
use crate::base::opaque::opaque;
use crate::sys::fs::{Dir, Lock};

/// A folder of files by name. Everything that returns `Ok` is durable; what fails may have happened in part, but
/// [`Disk::replace`] leaves the whole old file or the whole new one.
pub(super) trait Disk: Send {
    /// The bytes of a file, at most `max`; `None` when there is none.
    fn read(&self, name: &str, max: u64) -> io::Result<Option<Vec<u8>>>;
    /// As [`Disk::read`]; a file that others could read is refused.
    fn read_key(&self, name: &str, max: u64) -> io::Result<Option<Vec<u8>>>;
    /// Whether a file is there.
    fn holds(&self, name: &str) -> io::Result<bool>;
    /// Puts a file in the place of an old one, if any.
    fn replace(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;
    /// Creates a file that is not there.
    fn create(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;
    /// Adds to the file that was last created.
    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;
    /// Removes a file; one that is not there is fine.
    fn remove(&mut self, name: &str) -> io::Result<()>;
    /// Gives a file a name that is not taken.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;
    /// Removes what a crash in [`Disk::replace`] left behind.
    fn remove_temporary(&mut self, name: &str) -> io::Result<()>;
}

opaque!(Disk);

/// A private folder, locked for as long as this lives.
#[derive(Debug)]
pub(super) struct Folder {
    dir: Dir,
    open: Option<File>,
    _lock: Lock,
}

impl Folder {
    pub(super) fn new(dir: Dir, lock: Lock) -> Self {
        Self { dir, open: None, _lock: lock }
    }
}

impl Disk for Folder {
    fn read(&self, name: &str, max: u64) -> io::Result<Option<Vec<u8>>> {
        self.dir.read(name, max)
    }

    fn read_key(&self, name: &str, max: u64) -> io::Result<Option<Vec<u8>>> {
        self.dir.read_key(name, max)
    }

    fn holds(&self, name: &str) -> io::Result<bool> {
        self.dir.holds(name)
    }

    fn replace(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.dir.write_atomic(name, bytes)
    }

    fn create(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.open = None;
        let mut file = self.dir.create(name)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        self.dir.sync()?;
        self.open = Some(file);
        Ok(())
    }

    fn append(&mut self, _name: &str, bytes: &[u8]) -> io::Result<()> {
        // The handle stays at the end: nobody else writes, and after a failure the file is given up.
        let mut file = self.open.take().ok_or_else(|| io::Error::other("the file is not open"))?;
        file.write_all(bytes)?;
        file.sync_data()?;
        self.open = Some(file);
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.open = None;
        self.dir.remove(name)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.dir.rename_new(from, to)
    }

    fn remove_temporary(&mut self, name: &str) -> io::Result<()> {
        self.dir.remove_temporary(name)
    }
}

/// The error of a write that failed, with what to do about its cause.
pub(super) fn unwritable(path: &Path, error: &io::Error) -> Error {
    use io::ErrorKind as Kind;
    let then = "memory is right meanwhile, and the next save writes everything";
    let hint = match error.kind() {
        Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => {
            format!("free space on that disk; {then}")
        }
        Kind::ReadOnlyFilesystem => format!("mount the file system writable; {then}"),
        Kind::PermissionDenied => format!("give this user write access to the folder; {then}"),
        Kind::NotFound => "the folder was removed or replaced: restart the service".to_owned(),
        _ => format!("see to the disk; {then}"),
    };
    Error::new(Code::StoreUnwritable, format!("cannot write {}: {error}", path.display())).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_has_its_own_advice() {
        for (kind, advice) in [
            (io::ErrorKind::StorageFull, "free space"),
            (io::ErrorKind::QuotaExceeded, "free space"),
            (io::ErrorKind::ReadOnlyFilesystem, "mount the file system writable"),
            (io::ErrorKind::PermissionDenied, "write access"),
            (io::ErrorKind::NotFound, "restart"),
            (io::ErrorKind::Other, "see to the disk"),
        ] {
            let error = unwritable(Path::new("/data/x"), &kind.into());
            assert_eq!(error.code(), Code::StoreUnwritable);
            assert!(error.message().starts_with("cannot write /data/x: "), "{error}");
            assert!(error.hint().is_some_and(|hint| hint.contains(advice)), "{kind:?}");
        }
    }
}
