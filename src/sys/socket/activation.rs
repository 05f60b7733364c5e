//! Taking over a listening socket that systemd opened for us, `sd_listen_fds(3)`.

use std::os::fd::{AsFd as _, BorrowedFd, FromRawFd as _, OwnedFd};
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::net::sockopt::{socket_acceptconn, socket_domain, socket_type};
use rustix::net::{AddressFamily, SocketType};

use super::SocketError;

/// The first descriptor that systemd passes, `SD_LISTEN_FDS_START`.
const FIRST_PASSED: i32 = 3;

/// Takes the one socket that the service manager passed to this process, if it did: the values are those of
/// `LISTEN_PID` and `LISTEN_FDS`. Works once; a second call finds nothing.
///
/// # Errors
/// [`SocketError::Activation`] when there is more than one descriptor, or it is not a listening Unix stream socket.
pub fn adopt_activated(
    listen_pid: Option<&str>,
    listen_fds: Option<&str>,
) -> Result<Option<UnixListener>, SocketError> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if !is_passed(listen_pid, listen_fds, std::process::id())? {
        return Ok(None);
    }
    // SAFETY: reads the flags of a descriptor, if there is one of that number.
    if unsafe { libc::fcntl(FIRST_PASSED, libc::F_GETFD) } < 0 {
        return Err(SocketError::Activation { reason: "is not open" });
    }
    // SAFETY: it is open, as just seen, and nobody in this process but us knows of it.
    check(unsafe { BorrowedFd::borrow_raw(FIRST_PASSED) })?;
    if TAKEN.swap(true, Ordering::SeqCst) {
        return Ok(None);
    }
    // SAFETY: by the protocol that LISTEN_PID addressed to this very process the descriptor is ours, and the flag above
    // lets it be taken once only.
    let owned = unsafe { OwnedFd::from_raw_fd(FIRST_PASSED) };
    fcntl_setfd(owned.as_fd(), FdFlags::CLOEXEC)
        .map_err(|_| SocketError::Activation { reason: "cannot be kept from our children" })?;
    Ok(Some(UnixListener::from(owned)))
}

/// Whether the variables speak of one descriptor for this process. Those meant for another one were inherited.
fn is_passed(listen_pid: Option<&str>, listen_fds: Option<&str>, own_pid: u32) -> Result<bool, SocketError> {
    let (Some(pid), Some(count)) = (listen_pid, listen_fds) else {
        return Ok(false);
    };
    if pid.parse() != Ok(own_pid) {
        return Ok(false);
    }
    match count.parse::<u32>() {
        Ok(0) => Ok(false),
        Ok(1) => Ok(true),
        Ok(_) => Err(SocketError::Activation { reason: "is not the only one" }),
        Err(_) => Err(SocketError::Activation { reason: "has an unreadable LISTEN_FDS" }),
    }
}

fn check(passed: BorrowedFd<'_>) -> Result<(), SocketError> {
    let is_unix_listener = socket_domain(passed) == Ok(AddressFamily::UNIX)
        && socket_type(passed) == Ok(SocketType::STREAM)
        && socket_acceptconn(passed) == Ok(true);
    is_unix_listener
        .then_some(())
        .ok_or(SocketError::Activation { reason: "is not a listening Unix stream socket" })
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixDatagram, UnixStream};

    use super::*;

    #[test]
    fn only_one_descriptor_meant_for_us_is_taken() {
        for (pid, fds, expected) in [
            (Some("7"), Some("1"), Some(true)),
            (Some("7"), Some("0"), Some(false)),
            (Some("7"), Some("2"), None),
            (Some("7"), Some("x"), None),
            (Some("7"), None, Some(false)),
            (None, Some("1"), Some(false)),
            (Some("8"), Some("1"), Some(false)),
            (Some("8"), Some("2"), Some(false)),
            (Some("x"), Some("1"), Some(false)),
        ] {
            assert_eq!(is_passed(pid, fds, 7).ok(), expected, "{pid:?} {fds:?}");
        }
    }

    #[test]
    fn only_a_listening_unix_stream_socket_will_do() {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("s")).unwrap();
        assert!(check(listener.as_fd()).is_ok());
        let (connected, _other_end) = UnixStream::pair().unwrap();
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        for other in [
            connected.as_fd(),
            UnixDatagram::unbound().unwrap().as_fd(),
            tcp.as_fd(),
            std::fs::File::open("/dev/null").unwrap().as_fd(),
        ] {
            assert!(check(other).is_err());
        }
    }
}
