//! Who is on the other end of the identity socket, decided once, when the connection is accepted.
//!
//! [`attest::Attestor`] finds out and makes a [`Peer`]; [`policy::Policy`] is a pure function of that value. A pid is
//! not an identity: a [`Process::Known`] was read through a handle and seen alive *afterwards*, so what it says was
//! true of the very process that connected. What a program is called proves little (any process may run `curl`), so
//! the names are a convenience on top of the one hard rule, the same user.

pub mod attest;
pub mod policy;
pub mod stats;

use std::ffi::{OsStr, OsString};
use std::num::NonZeroU32;
use std::path::PathBuf;

/// The other end of one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Effective user when it connected.
    pub uid: u32,
    /// Effective group when it connected.
    pub gid: u32,
    /// What it runs.
    pub process: Process,
}

/// What could be found out about a peer's process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Process {
    /// The process, as it was while it held the connection.
    Known(KnownProcess),
    /// There is nothing to find out; whether that is good enough is the policy's question (`localServerFailOpen`).
    Unresolvable(Unresolvable),
    /// The peer is gone, and a different process has its pid now. Never that one's rights, nor those of an unknown
    /// peer.
    Replaced(NonZeroU32),
    /// It was for us to find out, and we could not: out of descriptors, `/proc` unreadable. Never let in.
    Unchecked(String),
}

/// A process that was identified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownProcess {
    /// Its pid in our pid namespace.
    pub pid: NonZeroU32,
    /// How firmly it was held while it was read about.
    pub level: Level,
    /// What it executes; `None` when it does not let us see that, as non-dumpable processes do.
    pub executable: Option<Program>,
    /// The kernel's name for it (`comm`), cut to 15 bytes, which it may change as it likes.
    pub name: OsString,
    /// Whether it executes what we execute, or what was installed in its place since.
    pub is_ourselves: bool,
}

/// An executable file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The path that it was started from.
    pub path: PathBuf,
    /// Whether that path does not lead to it any more: removed or replaced since.
    pub deleted: bool,
}

impl Program {
    /// The last part of the path.
    #[must_use]
    pub fn base_name(&self) -> &OsStr {
        self.path.file_name().unwrap_or_default()
    }
}

/// How firmly a peer's process was held while it was looked at, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// By the handle that the kernel took when it connected: nothing can have taken its place.
    Pidfd,
    /// By its `/proc` directory and start time, opened when we accepted: a process that took over the pid between
    /// `connect` and `accept`, under the same user, would not be noticed. Linux before 6.5.
    ProcHandle,
    /// Not at all: only the user is known.
    UidOnly,
}

impl Level {
    /// The stable text form, for `/status` and the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pidfd => "pidfd",
            Self::ProcHandle => "proc_handle",
            Self::UidOnly => "uid_only",
        }
    }
}

/// Why nothing can be found out about a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unresolvable {
    /// It has exited.
    Gone,
    /// It lives outside our pid namespace, where it has no pid for us.
    OutsidePidNamespace,
    /// There is no `/proc` here.
    NoProcfs,
}

impl Unresolvable {
    /// The stable text form, for `/status` and the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::OutsidePidNamespace => "outside_pid_namespace",
            Self::NoProcfs => "no_procfs",
        }
    }
}

impl Peer {
    /// How firmly its process was held.
    #[must_use]
    pub fn level(&self) -> Level {
        match &self.process {
            Process::Known(process) => process.level,
            Process::Unresolvable(_) | Process::Replaced(_) | Process::Unchecked(_) => Level::UidOnly,
        }
    }
}
