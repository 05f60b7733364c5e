//! Private folders and files: made with their final mode, never reached through a symlink, replaced atomically.
//!
//! All work is relative to an open folder handle ([`Dir`]), so that a folder swapped under its path changes nothing.
//! A file counts as ours when it is regular and its owner is the effective user of this process.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, FileType, FlockOperation, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;
use rustix::process::geteuid;

const DIR_MODE: Mode = Mode::RWXU;
const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);
/// Bits by which a group or everybody may do something.
const SHARED_BITS: u32 = 0o077;
/// Bits by which a group may write or everybody may do something.
const SHARED_BEYOND_GROUP_READ_BITS: u32 = 0o037;
/// Bits by which a group or everybody may write.
const WRITABLE_BY_OTHERS_BITS: u32 = 0o022;
/// Digits that a process id may have in a lock file.
const MAX_PID_BYTES: u64 = 20;

/// An open folder of ours with mode 0700.
#[derive(Debug)]
pub struct Dir {
    fd: OwnedFd,
    path: PathBuf,
}

/// What came of trying to take a lock.
#[derive(Debug)]
pub enum Locking {
    /// The lock is ours until the value is dropped.
    Taken(Lock),
    /// Another process holds it, the one with this id when it has written one.
    Held(Option<u32>),
}

/// An exclusive advisory lock (`flock`). The kernel lets go of it when the holder ends, however it ends.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held for its drop")] File);

impl Dir {
    /// Opens a private folder, creating it and its missing parents with mode 0700. A wider mode is narrowed.
    ///
    /// # Errors
    /// When it is a symlink, no folder, somebody else's, or cannot be made.
    pub fn open_private(path: &Path) -> io::Result<Self> {
        // A trailing slash would make the kernel follow a symlink in the last place.
        let path: PathBuf = path.components().collect();
        create_missing(&path)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = fs::open(&path, flags, Mode::empty()).map_err(|errno| match errno {
            Errno::LOOP | Errno::NOTDIR => refusal("is not a folder but a symlink or file"),
            other => other.into(),
        })?;
        let stat = fs::fstat(&fd)?;
        if stat.st_uid != geteuid().as_raw() {
            return Err(refusal("belongs to another user"));
        }
        if stat.st_mode & 0o777 != DIR_MODE.bits() {
            fs::fchmod(&fd, DIR_MODE)?;
        }
        Ok(Self { fd, path })
    }

    /// Where the folder was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads a file of ours of at most `max` bytes; `None` when there is none. A wider mode than 0600 is narrowed.
    ///
    /// # Errors
    /// When it is no regular file, a symlink, somebody else's, larger, or unreadable.
    pub fn read(&self, name: &str, max: u64) -> io::Result<Option<Vec<u8>>> {
        let Some((file, stat)) = self.open_own(name)? else { return Ok(None) };
        if stat.st_mode & SHARED_BITS != 0 {
            // Fails on a read-only file system, where nothing can be mended and reading is still right.
            let _ = fs::fchmod(&file, FILE_MODE);
        }
        read_at_most(file, max).map(Some)
    }

    /// As [`Dir::read`] for a key: a mode wider than 0600 is refused, because others may have read it already.
    ///
    /// # Errors
    /// As [`Dir::read`], and when the mode is too wide.
    pub fn read_key(&self, name: &str, max: u64) -> io::Result<Option<Vec<u8>>> {
        let Some((file, stat)) = self.open_own(name)? else { return Ok(None) };
        if stat.st_mode & SHARED_BITS != 0 {
            return Err(refusal("can be read or written by other users; its mode must be 0600"));
        }
        read_at_most(file, max).map(Some)
    }

    /// Whether there is something under that name.
    ///
    /// # Errors
    /// When the folder cannot be searched.
    pub fn holds(&self, name: &str) -> io::Result<bool> {
        match fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Replaces a file: whoever reads it, even after a crash, finds the old bytes or the new ones. Durable on return.
    ///
    /// One writer at a time for each name: the temporary file has a fixed name ([`temporary_name`]), so a crash
    /// leaves at most one, which the next write replaces.
    ///
    /// # Errors
    /// When the disk refuses; the old file is then intact, unless only the last step, making the new name durable,
    /// failed.
    pub fn write_atomic(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let temporary = temporary_name(name);
        self.remove_quietly(&temporary)?;
        let written = self.create(&temporary).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        let renamed = written.and_then(|()| Ok(fs::renameat(&self.fd, &temporary, &self.fd, name)?));
        if let Err(error) = renamed {
            let _ = self.remove_quietly(&temporary);
            return Err(error);
        }
        self.sync()
    }

    /// Creates a file that does not exist, for writing, mode 0600.
    ///
    /// # Errors
    /// When something of that name exists or the folder cannot be written.
    pub fn create(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(fs::openat(&self.fd, name, flags, FILE_MODE)?.into())
    }

    /// Removes a file; one that is not there is fine. Durable on return.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        self.remove_quietly(name)?;
        self.sync()
    }

    /// Removes what a crash in [`Dir::write_atomic`] of `name` left behind.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn remove_temporary(&self, name: &str) -> io::Result<()> {
        self.remove_quietly(&temporary_name(name))
    }

    /// Renames a file to a name that is not taken. Durable on return.
    ///
    /// # Errors
    /// When `to` exists or the folder cannot be written.
    pub fn rename_new(&self, from: &str, to: &str) -> io::Result<()> {
        fs::renameat_with(&self.fd, from, &self.fd, to, RenameFlags::NOREPLACE)?;
        self.sync()
    }

    /// Makes names that were created or removed durable.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn sync(&self) -> io::Result<()> {
        Ok(fs::fsync(&self.fd)?)
    }

    /// Tries to take the lock file `name`, without waiting, and writes our process id into it.
    ///
    /// # Errors
    /// When the file cannot be made, or the file system has no locks.
    pub fn lock(&self, name: &str) -> io::Result<Locking> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let mut file: File = fs::openat(&self.fd, name, flags, FILE_MODE)?.into();
        check_own(&fs::fstat(&file)?)?;
        match fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let mut text = String::new();
                let _ = file.take(MAX_PID_BYTES).read_to_string(&mut text);
                return Ok(Locking::Held(text.trim().parse().ok()));
            }
            Err(errno) => return Err(errno.into()),
        }
        // The id only serves a message of whoever comes second: a full disk must not keep the first from starting.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Locking::Taken(Lock(file)))
    }

    fn open_own(&self, name: &str) -> io::Result<Option<(File, Stat)>> {
        // NONBLOCK: a pipe put in the file's place must not hang us.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file: File = match fs::openat(&self.fd, name, flags, Mode::empty()) {
            Ok(fd) => fd.into(),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(refusal("is a symlink")),
            Err(errno) => return Err(errno.into()),
        };
        let stat = fs::fstat(&file)?;
        check_own(&stat)?;
        Ok(Some((file, stat)))
    }

    fn remove_quietly(&self, name: &str) -> io::Result<()> {
        match fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

/// The name under which [`Dir::write_atomic`] prepares a file.
#[must_use]
pub fn temporary_name(name: &str) -> String {
    format!(".{name}.tmp")
}

/// Reads a key file that an operator named, of at most `max` bytes; `None` when there is none.
///
/// Symlinks are followed (Kubernetes mounts secrets as such). Ours must be closed to everybody else; root's may be
/// readable by a group, which is how service managers hand a credential to a user.
///
/// # Errors
/// When it is no regular file, has another owner or too wide a mode, is larger, or unreadable.
pub fn read_named_key(path: &Path, max: u64) -> io::Result<Option<Vec<u8>>> {
    let file: File = match fs::open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())
    {
        Ok(fd) => fd.into(),
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(errno.into()),
    };
    let stat = fs::fstat(&file)?;
    check_key_access(stat.st_uid, stat.st_mode, geteuid().as_raw())?;
    check_regular(&stat)?;
    read_at_most(file, max).map(Some)
}

/// Reads a file that holds secrets, of at most `max` bytes, by the host's rules for its file providers: a regular file of
/// ours under one name, not a symlink, closed to everybody else.
///
/// # Errors
/// What is wrong with it, or why it cannot be read.
pub fn read_secrets(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    // NONBLOCK: a pipe put in the file's place must not hang us.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file: File = match fs::open(path, flags, Mode::empty()) {
        Ok(fd) => fd.into(),
        Err(Errno::LOOP) => return Err(refusal("is a symlink")),
        Err(errno) => return Err(errno.into()),
    };
    let stat = fs::fstat(&file)?;
    check_own(&stat)?;
    if stat.st_nlink != 1 {
        return Err(refusal("has further hard links"));
    }
    if stat.st_mode & SHARED_BITS != 0 {
        return Err(refusal("can be read or written by other users; its mode must be 0600 or 0400"));
    }
    read_at_most(file, max)
}

/// Whether a program may be run for its answer, by the host's rules for its exec providers: a regular file of ours, not a
/// symlink, that nobody else can write.
///
/// # Errors
/// What is wrong with it.
pub fn check_program(path: &Path) -> io::Result<()> {
    let stat = fs::lstat(path)?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink {
        return Err(refusal("is a symlink"));
    }
    check_own(&stat)?;
    match stat.st_mode & WRITABLE_BY_OTHERS_BITS {
        0 => Ok(()),
        _ => Err(refusal("can be written by other users; its mode must be 0755 or narrower")),
    }
}

fn check_key_access(owner: u32, mode: u32, us: u32) -> io::Result<()> {
    let forbidden = match owner {
        owner if owner == us => SHARED_BITS,
        0 => SHARED_BEYOND_GROUP_READ_BITS,
        _ => return Err(refusal("belongs to another user")),
    };
    match mode & forbidden {
        0 => Ok(()),
        _ => Err(refusal("can be read or written by other users; its mode must be 0600 or 0400")),
    }
}

fn check_own(stat: &Stat) -> io::Result<()> {
    check_regular(stat)?;
    match stat.st_uid == geteuid().as_raw() {
        true => Ok(()),
        false => Err(refusal("belongs to another user")),
    }
}

fn check_regular(stat: &Stat) -> io::Result<()> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(()),
        _ => Err(refusal("is not a regular file")),
    }
}

fn read_at_most(file: File, max: u64) -> io::Result<Vec<u8>> {
    let length = file.metadata()?.len();
    let too_large = || io::Error::new(ErrorKind::FileTooLarge, format!("is larger than {max} bytes"));
    if length > max {
        return Err(too_large());
    }
    // The exact size, so that no half-read copies of secrets stay behind in freed memory.
    let mut bytes = Vec::with_capacity(usize::try_from(length).map_or(0, |n| n.saturating_add(1)));
    file.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    match u64::try_from(bytes.len()).is_ok_and(|n| n <= max) {
        true => Ok(bytes),
        false => Err(too_large()),
    }
}

/// Creates what is missing of a path, from the top down, each name durable before the next.
fn create_missing(path: &Path) -> io::Result<()> {
    let missing: Vec<&Path> =
        path.ancestors().take_while(|p| !p.as_os_str().is_empty() && p.symlink_metadata().is_err()).collect();
    for folder in missing.into_iter().rev() {
        match fs::mkdir(folder, DIR_MODE) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno.into()),
        }
        let parent = folder.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        File::open(parent)?.sync_all()?;
    }
    Ok(())
}

fn refusal(reason: &str) -> io::Error {
    io::Error::new(ErrorKind::PermissionDenied, reason)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn folder() -> (tempfile::TempDir, Dir) {
        let parent = tempfile::tempdir().unwrap();
        let dir = Dir::open_private(&parent.path().join("a/b")).unwrap();
        (parent, dir)
    }

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o7777
    }

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn folders_are_private_from_birth_and_narrowed_again() {
        let (parent, dir) = folder();
        assert_eq!((mode(&parent.path().join("a")), mode(dir.path())), (0o700, 0o700));
        set_mode(dir.path(), 0o755);
        Dir::open_private(dir.path()).unwrap();
        assert_eq!(mode(dir.path()), 0o700);
    }

    #[test]
    fn a_symlink_or_file_in_the_folders_place_is_refused() {
        let (parent, dir) = folder();
        let link = parent.path().join("link");
        symlink(dir.path(), &link).unwrap();
        let file = parent.path().join("file");
        std::fs::write(&file, "").unwrap();
        for path in [link.clone(), PathBuf::from(format!("{}/", link.display())), file] {
            let error = Dir::open_private(&path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{}: {error}", path.display());
        }
        symlink(parent.path().join("nowhere"), parent.path().join("dangling")).unwrap();
        assert!(Dir::open_private(&parent.path().join("dangling")).is_err());
    }

    #[test]
    fn files_are_private_replaced_whole_and_leave_no_temporary() {
        let (_parent, dir) = folder();
        assert_eq!(dir.read("x", 9).unwrap(), None);
        dir.write_atomic("x", b"one").unwrap();
        std::fs::write(dir.path().join(temporary_name("x")), "left by a crash").unwrap();
        dir.write_atomic("x", b"two").unwrap();
        assert_eq!(dir.read("x", 3).unwrap().as_deref(), Some(&b"two"[..]));
        assert_eq!(mode(&dir.path().join("x")), 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        // A folder in the file's place makes the rename fail.
        std::fs::create_dir(dir.path().join("folder")).unwrap();
        assert!(dir.write_atomic("folder", b"bytes").is_err());
        assert!(!dir.holds(&temporary_name("folder")).unwrap());
    }

    #[test]
    fn reading_stops_at_the_limit_and_at_what_is_not_ours() {
        let (_parent, dir) = folder();
        dir.write_atomic("x", b"four").unwrap();
        assert!(dir.read("x", 4).unwrap().is_some());
        assert_eq!(dir.read("x", 3).unwrap_err().kind(), ErrorKind::FileTooLarge);
        symlink("x", dir.path().join("link")).unwrap();
        std::fs::create_dir(dir.path().join("folder")).unwrap();
        fs::mknodat(&dir.fd, "pipe", FileType::Fifo, FILE_MODE, 0).unwrap();
        for name in ["link", "folder", "pipe"] {
            let error = dir.read(name, 9).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{name}: {error}");
        }
    }

    #[test]
    fn a_wide_mode_is_narrowed_for_data_and_refused_for_keys() {
        let (_parent, dir) = folder();
        dir.write_atomic("x", b"x").unwrap();
        let path = dir.path().join("x");
        for wide in [0o640, 0o604, 0o620] {
            set_mode(&path, wide);
            assert_eq!(dir.read_key("x", 9).unwrap_err().kind(), ErrorKind::PermissionDenied, "{wide:o}");
            assert!(read_named_key(&path, 9).is_err(), "{wide:o}");
            dir.read("x", 9).unwrap();
            assert_eq!(mode(&path), 0o600);
            assert!(dir.read_key("x", 9).unwrap().is_some() && read_named_key(&path, 9).unwrap().is_some());
        }
        assert!(read_named_key(&dir.path().join("absent"), 9).unwrap().is_none());
    }

    #[test]
    fn key_access_by_owner_and_mode() {
        for (owner, mode, us, good) in [
            (1000, 0o100_600, 1000, true),
            (1000, 0o100_400, 1000, true),
            (1000, 0o100_440, 1000, false),
            (0, 0o100_440, 1000, true),
            (0, 0o100_460, 1000, false),
            (0, 0o100_444, 1000, false),
            (0, 0o100_440, 0, false),
            (1001, 0o100_400, 1000, false),
            (1000, 0o100_400, 0, false),
        ] {
            assert_eq!(check_key_access(owner, mode, us).is_ok(), good, "{owner} {mode:o} {us}");
        }
    }

    #[test]
    fn a_lock_is_held_by_one_and_names_its_holder() {
        let (_parent, dir) = folder();
        let Locking::Taken(lock) = dir.lock("lock").unwrap() else { panic!("the lock is free") };
        let Locking::Held(pid) = dir.lock("lock").unwrap() else { panic!("the lock is taken") };
        assert_eq!(pid, Some(std::process::id()));
        drop(lock);
        assert!(matches!(dir.lock("lock").unwrap(), Locking::Taken(_)));
    }

    #[test]
    fn renaming_never_overwrites() {
        let (_parent, dir) = folder();
        dir.write_atomic("x", b"x").unwrap();
        dir.write_atomic("y", b"y").unwrap();
        assert_eq!(dir.rename_new("x", "y").unwrap_err().kind(), ErrorKind::AlreadyExists);
        dir.rename_new("x", "z").unwrap();
        dir.remove("y").unwrap();
        dir.remove("y").unwrap();
        assert!(dir.holds("z").unwrap() && !dir.holds("x").unwrap() && !dir.holds("y").unwrap());
    }
}
