//! Why there is no listening socket.

use std::path::PathBuf;
use std::{fmt, io};

use super::PATH_LIMIT;

/// What stood in the way of a listening socket, on which path.
#[derive(Debug)]
#[non_exhaustive]
pub enum SocketError {
    /// The path has more bytes than a socket address can hold.
    PathTooLong {
        /// The path.
        path: PathBuf,
        /// Its length in bytes.
        length: usize,
    },
    /// The path does not end in a name.
    NoFileName {
        /// The path.
        path: PathBuf,
    },
    /// The folder of the socket is not private to us.
    Folder {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Another server holds the lock or answers on the socket.
    InUse {
        /// The socket.
        path: PathBuf,
    },
    /// Something that is not a socket has the name.
    NotASocket {
        /// The path.
        path: PathBuf,
    },
    /// The socket file is not the private one that we made: something is interfering with the folder.
    NotPrivate {
        /// The socket.
        path: PathBuf,
    },
    /// A system call failed.
    Failed {
        /// The socket or its folder.
        path: PathBuf,
        /// What was tried, a verb to put before the path.
        step: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// The socket that the service manager passed cannot be used.
    Activation {
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl SocketError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::PathTooLong { .. } => "choose a folder with a shorter path for the socket",
            Self::NoFileName { .. } => "give the path of a file, not of a folder",
            Self::Folder { .. } => "use a real folder that only this user can write to (chmod 700)",
            Self::InUse { .. } => "use the server that is running, or stop it first",
            Self::NotASocket { .. } => "move it away, or give the socket another path",
            Self::NotPrivate { .. } => {
                "use a folder that nothing else writes to, on a file system that keeps modes"
            }
            Self::Failed { .. } => "check that the folder exists, is writable and has room",
            Self::Activation { .. } => "pass exactly one ListenStream= with a path",
        }
    }
}

impl fmt::Display for SocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PathTooLong { path, length } => {
                write!(f, "socket path {} has {length} bytes, more than {PATH_LIMIT}", path.display())
            }
            Self::NoFileName { path } => write!(f, "socket path {:?} does not end in a name", path.display()),
            Self::Folder { path, reason } => write!(f, "socket folder {} {reason}", path.display()),
            Self::InUse { path } => write!(f, "socket {} is in use by another server", path.display()),
            Self::NotASocket { path } => write!(f, "{} exists and is not a socket", path.display()),
            Self::NotPrivate { path } => write!(f, "socket {} is not private to us", path.display()),
            Self::Failed { path, step, source } => write!(f, "cannot {step} {}: {source}", path.display()),
            Self::Activation { reason } => write!(f, "the socket passed by the service manager {reason}"),
        }
    }
}

impl std::error::Error for SocketError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed { source, .. } => Some(source),
            _ => None,
        }
    }
}
