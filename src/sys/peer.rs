//! What the kernel says about the other end of a Unix socket.
//!
//! `SO_PEERCRED` gives numbers as they were at `connect`; the pid among them may since belong to somebody else. Only a
//! pidfd (`SO_PEERPIDFD`, Linux 6.5) names the process itself, so whoever reads more about a peer by its pid has to
//! ask [`PidFd::has_exited`] afterwards: a pid is not given out again before its process has exited.

use std::io;
use std::mem::{MaybeUninit, size_of};
use std::num::NonZeroU32;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

/// Who connected, as `SO_PEERCRED` recorded it at `connect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The process; `None` when it lives outside our pid namespace (the kernel then reports 0).
    pub pid: Option<NonZeroU32>,
    /// Its effective user.
    pub uid: u32,
    /// Its effective group.
    pub gid: u32,
}

/// What the kernel had to say when asked for a peer's pidfd.
#[derive(Debug)]
pub enum PeerPidFd {
    /// A handle on the process, dead or alive.
    Held(PidFd),
    /// The process is gone and the kernel kept no handle on it.
    Gone,
    /// This kernel has no `SO_PEERPIDFD`.
    Unsupported,
}

/// A handle on one process, which no other process can ever take over.
#[derive(Debug)]
pub struct PidFd(OwnedFd);

impl PidFd {
    /// Whether the process has exited, reaped or not.
    ///
    /// # Errors
    /// When the kernel cannot be asked.
    pub fn has_exited(&self) -> io::Result<bool> {
        // pidfd_open(2): a pidfd turns readable when the process has terminated, all threads of it.
        let mut fds = [PollFd::new(&self.0, PollFlags::IN)];
        let ready = retry(|| poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })))?;
        Ok(ready > 0)
    }
}

/// The credentials of a connected socket's other end.
///
/// # Errors
/// When the descriptor is no connected Unix socket.
pub fn credentials(socket: BorrowedFd<'_>) -> io::Result<Credentials> {
    // Not rustix: its credential type cannot hold the pid 0 of a peer outside our pid namespace.
    let raw: libc::ucred = socket_option(socket, libc::SO_PEERCRED)?;
    let pid = u32::try_from(raw.pid).ok().and_then(NonZeroU32::new);
    Ok(Credentials { pid, uid: raw.uid, gid: raw.gid })
}

/// A handle on the process at a connected socket's other end.
///
/// # Errors
/// When we are at fault, out of descriptors or memory for instance; never because of the peer.
pub fn pidfd(socket: BorrowedFd<'_>) -> io::Result<PeerPidFd> {
    match peer_pidfd(socket) {
        Ok(fd) => Ok(PeerPidFd::Held(PidFd(fd))),
        Err(error) => match error.raw_os_error() {
            Some(libc::ENOPROTOOPT | libc::EOPNOTSUPP | libc::ENOSYS | libc::ENODATA) => {
                Ok(PeerPidFd::Unsupported)
            }
            // From 6.5 up to the kernels that keep a handle on reaped peers (6.16), both mean that the peer is gone;
            // elsewhere EINVAL may be how a sandbox rejects options it does not know, so ask about a live peer: us.
            Some(libc::ESRCH | libc::EINVAL) => {
                let (ours, _other_end) = UnixStream::pair()?;
                match peer_pidfd(ours.as_fd()) {
                    Ok(_) => Ok(PeerPidFd::Gone),
                    Err(own) if own.raw_os_error() == error.raw_os_error() => Ok(PeerPidFd::Unsupported),
                    Err(own) => Err(own),
                }
            }
            _ => Err(error),
        },
    }
}

/// Whether any process, dead or alive, has that pid now. Says nothing about which.
///
/// # Errors
/// When the kernel cannot be asked.
pub fn pid_is_taken(pid: NonZeroU32) -> io::Result<bool> {
    let Some(pid) = i32::try_from(pid.get()).ok().and_then(Pid::from_raw) else {
        return Ok(false);
    };
    match test_kill_process(pid) {
        Ok(()) | Err(Errno::PERM) => Ok(true),
        Err(Errno::SRCH) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Our own effective user, the one that `SO_PEERCRED` shows to others.
#[must_use]
pub fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Our own process id, in our own pid namespace.
#[must_use]
pub fn own_pid() -> u32 {
    std::process::id()
}

fn peer_pidfd(socket: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let raw: RawFd = socket_option(socket, libc::SO_PEERPIDFD)?;
    if raw < 0 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    // SAFETY: the call succeeded, so the kernel has just installed this descriptor for us, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}

/// A `getsockopt` at level `SOL_SOCKET`. `T` is one of the option's plain C types, for which every bit pattern is
/// valid.
fn socket_option<T: Plain>(socket: BorrowedFd<'_>, option: libc::c_int) -> io::Result<T> {
    let mut value = MaybeUninit::<T>::zeroed();
    let size = libc::socklen_t::try_from(size_of::<T>()).map_err(io::Error::other)?;
    let mut length = size;
    // SAFETY: the descriptor is open for the borrow's duration; `value` has room for the `length` bytes given.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            option,
            value.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    if length != size {
        return Err(io::ErrorKind::InvalidData.into());
    }
    // SAFETY: zeroed first, then filled by the kernel, and `Plain` types are valid for every bit pattern.
    Ok(unsafe { value.assume_init() })
}

/// Integers and structures of integers.
trait Plain {}
impl Plain for libc::ucred {}
impl Plain for libc::c_int {}

fn retry<T>(mut call: impl FnMut() -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn our_own_end_is_us() {
        let (ours, _other_end) = UnixStream::pair().unwrap();
        let found = credentials(ours.as_fd()).unwrap();
        assert_eq!((found.pid.map(NonZeroU32::get), found.uid), (Some(own_pid()), own_uid()));
    }

    #[test]
    fn a_live_peer_has_not_exited() {
        let (ours, _other_end) = UnixStream::pair().unwrap();
        match pidfd(ours.as_fd()).unwrap() {
            PeerPidFd::Held(handle) => assert!(!handle.has_exited().unwrap()),
            PeerPidFd::Gone => panic!("we are alive"),
            PeerPidFd::Unsupported => {
                let _ = writeln!(
                    io::stderr(),
                    "skipped: a_live_peer_has_not_exited: this kernel has no SO_PEERPIDFD"
                );
            }
        }
    }

    #[test]
    fn a_descriptor_that_is_no_socket_is_an_error() {
        let file = std::fs::File::open("/dev/null").unwrap();
        assert_eq!(credentials(file.as_fd()).unwrap_err().raw_os_error(), Some(libc::ENOTSOCK));
        assert_eq!(pidfd(file.as_fd()).unwrap_err().raw_os_error(), Some(libc::ENOTSOCK));
    }

    #[test]
    fn a_pid_is_taken_until_its_process_is_reaped() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let pid = NonZeroU32::new(child.id()).unwrap();
        assert!(pid_is_taken(pid).unwrap());
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(!pid_is_taken(pid).unwrap());
        assert!(!pid_is_taken(NonZeroU32::MAX).unwrap());
    }
}
