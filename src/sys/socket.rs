//! The listening socket: private from birth, one server at a time, gone when the server is.
//!
//! The order of the steps is what keeps it safe: a private folder is opened and stays open, a lock in it is taken, a
//! name left behind by a crash is removed only after nobody answered on it, and nobody can connect before the new
//! socket's owner and mode have been looked at.

mod activation;
mod error;

use std::ffi::{OsStr, OsString};
use std::fs::DirBuilder;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, FileType, FlockOperation, Mode, OFlags, Stat, chmodat, fchmod, flock, fstat, openat,
    statat, unlinkat,
};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, Shutdown, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, shutdown,
    socket_with,
};

pub use activation::adopt_activated;
pub use error::SocketError;

use super::procfs::FileId;

/// Longest socket path in bytes: `sun_path` has 108 and a closing zero (`unix(7)`).
pub const PATH_LIMIT: usize = 107;
/// Connections that may wait to be accepted; `net.core.somaxconn` caps it further.
const BACKLOG: i32 = 256;
/// Mode of a folder that we create for the socket.
const PRIVATE_FOLDER: u32 = 0o700;
/// Mode of the socket and of its lock file.
const PRIVATE_FILE: Mode = Mode::RUSR.union(Mode::WUSR);
/// Group and others may not write to the folder, or they could put their own socket in the place of ours.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// A listening socket. Dropping it removes what [`bind_private`] put into the file system.
#[derive(Debug)]
pub struct BoundSocket {
    listener: UnixListener,
    place: Option<Place>,
}

/// Where a socket is in the file system, and the lock that says it is ours.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    folder: OwnedFd,
    name: OsString,
    file: FileId,
    _lock: OwnedFd,
}

/// Creates a listening socket that only our user can reach: mode 0600, in a folder that is ours alone to write to
/// (created with mode 0700 if absent). Holds a lock on `<path>.lock`; that file stays when the socket goes, for
/// removing a lock file would let two servers hold "the" lock.
///
/// # Errors
/// [`SocketError`] says what stood in the way. A socket that answers, and anything that is not a socket, is left alone.
pub fn bind_private(path: &Path) -> Result<BoundSocket, SocketError> {
    let length = path.as_os_str().len();
    if length > PATH_LIMIT {
        return Err(SocketError::PathTooLong { path: path.to_owned(), length });
    }
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(SocketError::NoFileName { path: path.to_owned() });
    };
    let failed = |step: &'static str| {
        move |source: Errno| SocketError::Failed { path: path.to_owned(), step, source: source.into() }
    };

    let folder = private_folder(if parent.as_os_str().is_empty() { Path::new(".") } else { parent })?;
    let lock = lock_file(&folder, name).map_err(failed("lock"))?.ok_or_else(|| in_use(path))?;
    remove_stale(path, &folder, name)?;

    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)
        .map_err(failed("create a socket for"))?;
    // The file gets its mode from the socket's, less the umask: set here, the file is private from its first moment. (A
    // tight umask around `bind` would do the same, but it holds for the whole process, so that a folder which another
    // thread makes meanwhile would come out unusable.) Kernels that do not do this are caught below.
    let _ = fchmod(&socket, PRIVATE_FILE);
    let address = SocketAddrUnix::new(path).map_err(failed("bind"))?;
    bind(&socket, &address).map_err(failed("bind"))?;

    let file = make_private(path, &folder, name).inspect_err(|_| {
        let _ = unlinkat(&folder, name, AtFlags::empty());
    })?;
    let place = Place { path: path.to_owned(), folder, name: name.to_owned(), file, _lock: lock };
    // From here on `place` cleans up after a failure.
    listen(&socket, BACKLOG).map_err(failed("listen on"))?;
    Ok(BoundSocket { listener: UnixListener::from(socket), place: Some(place) })
}

impl BoundSocket {
    /// A listener that somebody else made and looks after, see [`adopt_activated`].
    #[must_use]
    pub fn adopted(listener: UnixListener) -> Self {
        Self { listener, place: None }
    }

    /// To accept on; by as many threads as one likes.
    #[must_use]
    pub fn listener(&self) -> &UnixListener {
        &self.listener
    }

    /// Where it is, unless it was adopted.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.place.as_ref().map(|place| place.path.as_path())
    }

    /// Ends accepting: threads that wait in `accept` return with an error, and so does every later call.
    ///
    /// # Errors
    /// When the socket is not listening any more.
    pub fn stop_accepting(&self) -> io::Result<()> {
        Ok(shutdown(&self.listener, Shutdown::Both)?)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Whatever has taken the name meanwhile is not ours to remove. No other server of ours can: we hold the lock.
        let ours = statat(&self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|stat| FileId::of(&stat) == self.file);
        if ours {
            let _ = unlinkat(&self.folder, &self.name, AtFlags::empty());
        }
    }
}

/// Opens the folder, creating it and those above it when absent, and makes sure that nobody else can change what is
/// in it.
fn private_folder(path: &Path) -> Result<OwnedFd, SocketError> {
    let bad = |reason| SocketError::Folder { path: path.to_owned(), reason };
    let open = || openat(CWD, path, OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty());
    let opened = match open() {
        Err(Errno::NOENT) => {
            DirBuilder::new().recursive(true).mode(PRIVATE_FOLDER).create(path).map_err(|source| {
                SocketError::Failed { path: path.to_owned(), step: "create the folder", source }
            })?;
            open()
        }
        opened => opened,
    };
    let folder = opened.map_err(|error| match error {
        // Linux answers ENOTDIR to both flags together when the last part is a symbolic link.
        Errno::NOTDIR | Errno::LOOP => bad("is not a folder, or is a symbolic link"),
        error => SocketError::Failed { path: path.to_owned(), step: "open the folder", source: error.into() },
    })?;
    let stat = fstat(&folder).map_err(|error| SocketError::Failed {
        path: path.to_owned(),
        step: "look at the folder",
        source: error.into(),
    })?;
    if stat.st_uid != super::peer::own_uid() {
        return Err(bad("belongs to another user"));
    }
    if stat.st_mode & WRITABLE_BY_OTHERS != 0 {
        return Err(bad("can be written to by other users"));
    }
    Ok(folder)
}

/// Takes the lock beside the socket, or returns `None` when another process has it. It ends with the descriptor.
fn lock_file(folder: &OwnedFd, name: &OsStr) -> rustix::io::Result<Option<OwnedFd>> {
    let mut lock_name = name.to_owned();
    lock_name.push(".lock");
    let flags = OFlags::CREATE | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(folder, &lock_name, flags, PRIVATE_FILE)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes the socket that a crashed server left behind. Between the probe and the removal a server that knows
/// nothing of our lock could take the name; one that does cannot.
fn remove_stale(path: &Path, folder: &OwnedFd, name: &OsStr) -> Result<(), SocketError> {
    let failed = |step| {
        move |source: Errno| SocketError::Failed { path: path.to_owned(), step, source: source.into() }
    };
    match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(()),
        Err(error) => return Err(failed("look at")(error)),
        Ok(stat) if file_type(&stat) != FileType::Socket => {
            return Err(SocketError::NotASocket { path: path.to_owned() });
        }
        Ok(_) => {}
    }
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let probe = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).map_err(failed("probe"))?;
    let address = SocketAddrUnix::new(path).map_err(failed("probe"))?;
    match connect(&probe, &address) {
        Err(Errno::CONNREFUSED) => {
            unlinkat(folder, name, AtFlags::empty()).map_err(failed("remove the stale"))
        }
        Err(Errno::NOENT) => Ok(()),
        // Without blocking, a full backlog answers EAGAIN: somebody is listening, only slowly. A datagram socket
        // answers EPROTOTYPE: somebody's as well.
        Ok(()) | Err(Errno::AGAIN | Errno::PROTOTYPE) => Err(in_use(path)),
        Err(error) => Err(failed("probe")(error)),
    }
}

/// Looks at the socket file just made, through the folder that was checked, and sees to its mode.
fn make_private(path: &Path, folder: &OwnedFd, name: &OsStr) -> Result<FileId, SocketError> {
    let failed =
        |source: Errno| SocketError::Failed { path: path.to_owned(), step: "check", source: source.into() };
    let look = || statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).map_err(failed);
    let is_private = |stat: &Stat| Mode::from_raw_mode(stat.st_mode) == PRIVATE_FILE;
    let mut stat = look()?;
    if !is_private(&stat) {
        chmodat(folder, name, PRIVATE_FILE, AtFlags::empty()).map_err(failed)?;
        stat = look()?;
    }
    if file_type(&stat) == FileType::Socket && stat.st_uid == super::peer::own_uid() && is_private(&stat) {
        Ok(FileId::of(&stat))
    } else {
        Err(SocketError::NotPrivate { path: path.to_owned() })
    }
}

fn file_type(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

fn in_use(path: &Path) -> SocketError {
    SocketError::InUse { path: path.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{Read as _, Write as _};
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
    use std::os::unix::net::{UnixDatagram, UnixStream};

    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o700)).tempdir().unwrap()
    }

    #[test]
    fn the_socket_is_private_and_serves() {
        let folder = folder();
        let path = folder.path().join("a/b/s.sock");
        let bound = bind_private(&path).unwrap();
        let mode = |path: &Path| fs::symlink_metadata(path).unwrap().mode() & 0o7777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(&path.with_extension("sock.lock")), 0o600);
        assert_eq!((mode(&folder.path().join("a")), mode(&folder.path().join("a/b"))), (0o700, 0o700));
        assert_eq!(bound.path(), Some(path.as_path()));

        let mut client = UnixStream::connect(&path).unwrap();
        client.write_all(b"x").unwrap();
        let mut byte = [0];
        bound.listener().accept().unwrap().0.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"x");
    }

    #[test]
    fn the_file_has_its_mode_before_anybody_sets_it() {
        let folder = folder();
        let path = folder.path().join("s");
        let flags = SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).unwrap();
        fchmod(&socket, PRIVATE_FILE).unwrap();
        bind(&socket, &SocketAddrUnix::new(&path).unwrap()).unwrap();
        assert_eq!(fs::symlink_metadata(&path).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_loose_file_is_tightened() {
        let folder = folder();
        let path = folder.path().join("s");
        let _listener = UnixListener::bind(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        let handle = private_folder(folder.path()).unwrap();
        make_private(&path, &handle, OsStr::new("s")).unwrap();
        assert_eq!(fs::symlink_metadata(&path).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_path_of_107_bytes_works_and_108_is_refused() {
        let folder = folder();
        let rest = PATH_LIMIT - folder.path().as_os_str().len() - 1;
        let fits = folder.path().join("s".repeat(rest));
        drop(bind_private(&fits).unwrap());
        let long = folder.path().join("s".repeat(rest + 1));
        let error = bind_private(&long).unwrap_err();
        assert!(matches!(&error, SocketError::PathTooLong { length: 108, .. }), "{error}");
    }

    #[test]
    fn a_path_without_a_name_is_refused() {
        for path in ["", "/", "..", "/tmp/.."] {
            assert!(matches!(bind_private(Path::new(path)), Err(SocketError::NoFileName { .. })), "{path:?}");
        }
    }

    #[test]
    fn a_second_server_is_told_that_the_socket_is_in_use() {
        let folder = folder();
        let path = folder.path().join("s");
        let first = bind_private(&path).unwrap();
        assert!(matches!(bind_private(&path), Err(SocketError::InUse { .. })));
        UnixStream::connect(&path).unwrap();
        drop(first);
        assert!(!path.exists());
        bind_private(&path).unwrap();
    }

    #[test]
    fn a_server_that_has_the_lock_but_no_socket_yet_is_not_overtaken() {
        let folder = folder();
        let handle = private_folder(folder.path()).unwrap();
        let lock = lock_file(&handle, OsStr::new("s")).unwrap().unwrap();
        assert!(matches!(bind_private(&folder.path().join("s")), Err(SocketError::InUse { .. })));
        drop(lock);
        bind_private(&folder.path().join("s")).unwrap();
    }

    #[test]
    fn a_server_that_knows_no_lock_is_not_pushed_aside() {
        let folder = folder();
        let path = folder.path().join("s");
        let listener = UnixListener::bind(&path).unwrap();
        assert!(matches!(bind_private(&path), Err(SocketError::InUse { .. })));
        drop(listener);
        // It left its file behind, on which nobody answers now.
        assert!(path.exists());
        bind_private(&path).unwrap();
    }

    #[test]
    fn a_server_with_a_full_backlog_counts_as_alive() {
        let folder = folder();
        let path = folder.path().join("s");
        let address = SocketAddrUnix::new(&path).unwrap();
        let socket = || {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).unwrap()
        };
        let server = socket();
        bind(&server, &address).unwrap();
        listen(&server, 0).unwrap();
        let mut waiting = Vec::new();
        let full = loop {
            let client = socket();
            match connect(&client, &address) {
                Ok(()) => waiting.push(client),
                Err(error) => break error,
            }
        };
        assert_eq!(full, Errno::AGAIN);
        assert!(matches!(bind_private(&path), Err(SocketError::InUse { .. })));
    }

    #[test]
    fn what_is_not_a_stream_socket_is_left_alone() {
        let folder = folder();
        let (file, link, datagram) =
            (folder.path().join("f"), folder.path().join("l"), folder.path().join("d"));
        fs::write(&file, "precious").unwrap();
        symlink(&file, &link).unwrap();
        let _holder = UnixDatagram::bind(&datagram).unwrap();
        for path in [&file, &link] {
            assert!(matches!(bind_private(path), Err(SocketError::NotASocket { .. })), "{path:?}");
        }
        assert!(matches!(bind_private(&datagram), Err(SocketError::InUse { .. })));
        assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
        assert!(datagram.exists());
    }

    #[test]
    fn a_folder_that_others_can_reach_into_is_refused() {
        let folder = folder();
        let place = folder.path().join("p");
        fs::create_dir(&place).unwrap();
        for (mode, accepted) in
            [(0o700, true), (0o755, true), (0o720, false), (0o702, false), (0o1777, false)]
        {
            fs::set_permissions(&place, fs::Permissions::from_mode(mode)).unwrap();
            let result = bind_private(&place.join("s"));
            assert_eq!(result.is_ok(), accepted, "{mode:o}: {result:?}");
            if !accepted {
                assert!(matches!(result, Err(SocketError::Folder { .. })), "{mode:o}");
            }
        }
    }

    #[test]
    fn a_folder_that_is_a_link_or_a_file_is_refused() {
        let folder = folder();
        fs::create_dir(folder.path().join("real")).unwrap();
        symlink(folder.path().join("real"), folder.path().join("link")).unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        for name in ["link", "file"] {
            let error = bind_private(&folder.path().join(name).join("s")).unwrap_err();
            assert!(matches!(error, SocketError::Folder { .. }), "{name}: {error}");
        }
    }

    #[test]
    fn a_folder_of_another_user_is_refused() {
        let folder = folder();
        let place = folder.path().join("theirs");
        fs::create_dir(&place).unwrap();
        if std::os::unix::fs::chown(&place, Some(super::super::peer::own_uid() + 1), None).is_err() {
            let _ = writeln!(io::stderr(), "skipped: a_folder_of_another_user_is_refused: needs root");
            return;
        }
        let error = bind_private(&place.join("s")).unwrap_err();
        assert!(matches!(error, SocketError::Folder { reason: "belongs to another user", .. }), "{error}");
    }

    #[test]
    fn what_took_the_name_meanwhile_is_not_removed() {
        let folder = folder();
        let path = folder.path().join("s");
        let bound = bind_private(&path).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "somebody else's").unwrap();
        drop(bound);
        assert_eq!(fs::read_to_string(&path).unwrap(), "somebody else's");
    }

    #[test]
    fn threads_waiting_in_accept_return_when_accepting_ends() {
        let folder = folder();
        let bound = bind_private(&folder.path().join("s")).unwrap();
        std::thread::scope(|scope| {
            let waiting: Vec<_> =
                (0..2).map(|_| scope.spawn(|| bound.listener().accept().is_err())).collect();
            bound.stop_accepting().unwrap();
            assert!(waiting.into_iter().all(|thread| thread.join().unwrap()));
        });
        assert!(bound.listener().accept().is_err());
    }
}
