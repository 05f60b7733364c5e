//! Reading about another process under `/proc`, through a handle that can never come to mean a different process.
//!
//! A descriptor of the directory `/proc/<pid>` stays with the process it was opened for: once that has been reaped
//! every look-up through it fails, whoever has the pid by then. The parsers are total functions of bytes.

use std::ffi::{OsStr, OsString};
use std::io;
use std::num::NonZeroU32;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat, fstat, openat, readlinkat, statat};
use rustix::io::Errno;

/// Longest `stat` line that is read, in bytes; the real ones stay under 1 KiB.
const STAT_LIMIT: usize = 4096;
/// How much of `status` is read, in bytes; `NSpid` stands behind the list of groups, which seldom are many.
const STATUS_LIMIT: usize = 16 * 1024;
/// Longest `comm` that is read, in bytes; the kernel gives 15 and a line feed (`TASK_COMM_LEN`).
const COMM_LIMIT: usize = 64;
/// What the kernel puts behind the path of an executable that has been unlinked.
const DELETED: &[u8] = b" (deleted)";

/// A handle on the directory of one process.
#[derive(Debug)]
pub struct ProcessDir(OwnedFd);

/// What stands at `/proc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mount {
    /// The processes, under the pids that we know them by.
    Ours,
    /// The processes, under the pids of another pid namespace: the same number is a different process there.
    OfAnotherNamespace,
    /// Nothing.
    Absent,
}

/// One file, wherever it is linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileId {
    /// Device.
    pub dev: u64,
    /// Inode on it.
    pub ino: u64,
}

/// The executable of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executable {
    /// The path it was started from, as seen from our root.
    pub path: PathBuf,
    /// Whether that path no longer leads to it: removed, or replaced by an upgrade.
    pub deleted: bool,
    /// The file itself.
    pub file: FileId,
}

/// What a `stat` line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessStat {
    /// One letter; `Z` and `X` are dead.
    pub state: u8,
    /// When the process started, in clock ticks after boot.
    pub start_time: u64,
}

impl ProcessStat {
    /// Whether the process has exited and only waits to be reaped.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }
}

impl ProcessDir {
    /// Opens `/proc/<pid>`.
    ///
    /// # Errors
    /// `NotFound` when no process has that pid, when `/proc` is not mounted, or when it hides other processes.
    pub fn open(pid: NonZeroU32) -> io::Result<Self> {
        Self::open_at(&format!("/proc/{pid}"))
    }

    /// Opens our own directory.
    ///
    /// # Errors
    /// `NotFound` when `/proc` is not mounted or belongs to a pid namespace that we are not in.
    pub fn open_own() -> io::Result<Self> {
        Self::open_at("/proc/self")
    }

    fn open_at(path: &str) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(openat(CWD, path, flags, Mode::empty())?))
    }

    /// The process's effective user, to whom the directory belongs (what is in it may belong to root instead, when the
    /// process is not dumpable).
    ///
    /// # Errors
    /// When the kernel cannot be asked.
    pub fn owner(&self) -> io::Result<u32> {
        Ok(fstat(&self.0)?.st_uid)
    }

    /// The name that the kernel has for the process: 15 bytes, which it may change itself.
    ///
    /// # Errors
    /// `NotFound` or `ESRCH` when the process is gone.
    pub fn name(&self) -> io::Result<OsString> {
        let mut buffer = [0; COMM_LIMIT];
        Ok(parse_comm(self.read("comm", &mut buffer)?).to_os_string())
    }

    /// State and start time.
    ///
    /// # Errors
    /// `NotFound` or `ESRCH` when the process is gone; `InvalidData` when the line is not a `stat` line.
    pub fn stat(&self) -> io::Result<ProcessStat> {
        let mut buffer = [0; STAT_LIMIT];
        parse_stat(self.read("stat", &mut buffer)?).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// The executable.
    ///
    /// # Errors
    /// `NotFound` or `ESRCH` when the process is gone or has none (a kernel thread); `PermissionDenied` when the
    /// process is not dumpable or has rights that we lack (`ptrace(2)`, "ptrace access mode checking").
    pub fn executable(&self) -> io::Result<Executable> {
        let link = readlinkat(&self.0, "exe", Vec::new())?;
        let stat = statat(&self.0, "exe", AtFlags::empty())?;
        let (path, deleted) = parse_exe(link.as_bytes(), stat.st_nlink == 0);
        Ok(Executable {
            path: PathBuf::from(OsString::from_vec(path.to_vec())),
            deleted,
            file: FileId::of(&stat),
        })
    }

    /// Reads a file up to the buffer's end.
    fn read<'b>(&self, name: &str, buffer: &'b mut [u8]) -> io::Result<&'b [u8]> {
        let file = openat(&self.0, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match rustix::io::read(&file, rest) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(buffer.get(..filled).unwrap_or_default())
    }
}

impl FileId {
    #[allow(clippy::useless_conversion, reason = "the fields' widths differ between targets")]
    pub(super) fn of(stat: &Stat) -> Self {
        Self { dev: stat.st_dev.into(), ino: stat.st_ino.into() }
    }
}

/// Looks at what stands at `/proc`.
///
/// # Errors
/// When there is something and it cannot be read.
pub fn mount() -> io::Result<Mount> {
    // `self` is there in every mount, but leads nowhere for a process outside the mount's pid namespace.
    let link = match readlinkat(CWD, "/proc/self", Vec::new()) {
        Ok(link) => link,
        Err(Errno::NOENT) => {
            let is_there = statat(CWD, "/proc/self", AtFlags::SYMLINK_NOFOLLOW).is_ok();
            return Ok(if is_there { Mount::OfAnotherNamespace } else { Mount::Absent });
        }
        Err(error) => return Err(error.into()),
    };
    // Another namespace may by chance know us by the same number, but then lists more than that one.
    let own_pid = std::process::id();
    let mut buffer = [0; STATUS_LIMIT];
    let pids = parse_namespaced_pids(ProcessDir::open_own()?.read("status", &mut buffer)?);
    let ours =
        parse_number(link.as_bytes()) == Some(own_pid.into()) && pids.is_none_or(|pids| pids == [own_pid]);
    Ok(if ours { Mount::Ours } else { Mount::OfAnotherNamespace })
}

/// Whether an error from [`ProcessDir`] says that the process is gone.
#[must_use]
pub fn is_vanished(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH))
}

/// A `stat` line's state and start time, fields 3 and 22 of `proc_pid_stat(5)`. The name before them may hold spaces
/// and parentheses, so the line is split at its last `)`.
#[must_use]
pub fn parse_stat(line: &[u8]) -> Option<ProcessStat> {
    let close = line.iter().rposition(|&b| b == b')')?;
    let mut fields = line.get(close + 1..)?.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
    let &[state] = fields.next()? else {
        return None;
    };
    let start_time = fields.nth(18)?;
    Some(ProcessStat { state, start_time: parse_number(start_time)? })
}

/// The name in a `comm` file, which ends in one line feed; a line feed before that belongs to the name.
#[must_use]
pub fn parse_comm(content: &[u8]) -> &OsStr {
    OsStr::from_bytes(content.strip_suffix(b"\n").unwrap_or(content))
}

/// The path in an `exe` link, and whether it is that of a file no longer there. Only a file without a link left can be
/// the one meant by ` (deleted)`; the name of any other may end so by itself.
#[must_use]
pub fn parse_exe(link: &[u8], is_unlinked: bool) -> (&[u8], bool) {
    match link.strip_suffix(DELETED) {
        Some(path) if is_unlinked => (path, true),
        _ => (link, is_unlinked),
    }
}

/// The `NSpid` line of a `status` file: the pid in the mount's pid namespace and in each one further in. `None` on
/// kernels without it (before 4.1), or when it is malformed.
#[must_use]
pub fn parse_namespaced_pids(status: &[u8]) -> Option<Vec<u32>> {
    let line = status.split(|&b| b == b'\n').find_map(|line| line.strip_prefix(b"NSpid:"))?;
    line.split(u8::is_ascii_whitespace)
        .filter(|field| !field.is_empty())
        .map(|field| parse_number(field).and_then(|pid| u32::try_from(pid).ok()))
        .collect()
}

fn parse_number(digits: &[u8]) -> Option<u64> {
    digits.iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(digits).ok()?.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn stat_is_split_at_the_last_parenthesis() {
        let tail = "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20 21";
        let expected = Some(ProcessStat { state: b'S', start_time: 4242 });
        for name in ["cat", "", "a b", ") R 1 2 3", "((", "x) Z 9 (y", "\n", "\u{fffd}"] {
            assert_eq!(parse_stat(format!("7 ({name}) {tail}\n").as_bytes()), expected, "{name:?}");
        }
    }

    #[test]
    fn a_line_that_is_no_stat_line_is_none() {
        for line in [
            "",
            ")",
            "7 (cat)",
            "7 (cat) S",
            "7 (cat) SS 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242",
            "7 (cat) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18",
            "7 (cat) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 -1",
            "7 (cat) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 +1",
            "7 (cat) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 18446744073709551616",
            "7 cat S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242",
        ] {
            assert_eq!(parse_stat(line.as_bytes()), None, "{line:?}");
        }
    }

    #[test]
    fn only_the_last_line_feed_of_comm_is_dropped() {
        for (content, name) in
            [("curl\n", "curl"), ("curl", "curl"), ("", ""), ("\n", ""), ("a\nb\n", "a\nb")]
        {
            assert_eq!(parse_comm(content.as_bytes()), name, "{content:?}");
        }
    }

    #[test]
    fn deleted_is_believed_of_unlinked_files_only() {
        for (link, unlinked, path, deleted) in [
            ("/bin/curl", false, "/bin/curl", false),
            ("/bin/curl (deleted)", true, "/bin/curl", true),
            ("/bin/curl (deleted) (deleted)", true, "/bin/curl (deleted)", true),
            ("/bin/curl (deleted)", false, "/bin/curl (deleted)", false),
            ("/bin/curl", true, "/bin/curl", true),
            (" (deleted)", true, "", true),
            ("", false, "", false),
        ] {
            assert_eq!(
                parse_exe(link.as_bytes(), unlinked),
                (path.as_bytes(), deleted),
                "{link:?} {unlinked}"
            );
        }
    }

    #[test]
    fn namespaced_pids_are_listed_outermost_first() {
        for (status, pids) in [
            ("Name:\tx\nNSpid:\t70\t3\nVmPeak: 1\n", Some(vec![70, 3])),
            ("NSpid:\t70", Some(vec![70])),
            ("NSpid:\n", Some(vec![])),
            ("Name:\tNSpid: 1\n", None),
            ("NSpid:\t7 x\n", None),
            ("NSpid:\t4294967296\n", None),
        ] {
            assert_eq!(parse_namespaced_pids(status.as_bytes()), pids, "{status:?}");
        }
    }

    #[test]
    fn reads_about_ourselves() {
        let dir = ProcessDir::open(NonZeroU32::new(std::process::id()).unwrap()).unwrap();
        let exe = dir.executable().unwrap();
        let file = std::fs::metadata(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(exe.path, std::env::current_exe().unwrap());
        assert_eq!((exe.deleted, exe.file), (false, FileId { dev: file.dev(), ino: file.ino() }));
        assert_eq!(dir.owner().unwrap(), super::super::peer::own_uid());
        assert_eq!(
            dir.stat().unwrap(),
            ProcessDir::open_own()
                .unwrap()
                .stat()
                .map(|s| ProcessStat { state: dir.stat().unwrap().state, ..s })
                .unwrap()
        );
        assert!(!dir.name().unwrap().is_empty());
        assert_eq!(mount().unwrap(), Mount::Ours);
    }

    #[test]
    fn a_running_program_that_was_removed_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("cat");
        // Not by us: a test that forks while our descriptor writes would make the copy "text file busy".
        assert!(Command::new("cp").arg("/bin/cat").arg(&program).status().unwrap().success());
        let mut child = Command::new(&program).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        std::fs::remove_file(&program).unwrap();
        let exe = ProcessDir::open(NonZeroU32::new(child.id()).unwrap()).unwrap().executable().unwrap();
        assert_eq!((exe.path, exe.deleted), (program, true));
        drop(child.stdin.take());
        child.wait().unwrap();
    }

    #[test]
    fn a_handle_outlives_its_process_but_shows_nobody_else() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let pid = NonZeroU32::new(child.id()).unwrap();
        let dir = ProcessDir::open(pid).unwrap();
        let born = dir.stat().unwrap();
        assert!(!born.is_dead());
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(is_vanished(&dir.stat().unwrap_err()));
        assert!(is_vanished(&dir.name().unwrap_err()));
        assert!(is_vanished(&dir.executable().unwrap_err()));
        assert!(is_vanished(&ProcessDir::open(pid).unwrap_err()));
    }
}
