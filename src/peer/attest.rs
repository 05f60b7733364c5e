//! From a connected socket to a [`Peer`].
//!
//! The ladder is pidfd, then `/proc` directory with start time, then the user alone. On every rung the question "is it
//! still that process" comes *after* the reading, because before it would prove nothing about what was read.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::num::NonZeroU32;
use std::os::fd::BorrowedFd;

use super::{KnownProcess, Level, Peer, Process, Program, Unresolvable};
use crate::base::error::{Code, Error, Result};
use crate::sys::peer::{self, Credentials, PeerPidFd, PidFd};
use crate::sys::procfs::{self, Executable, Mount, ProcessDir};

/// Finds out who connected. Holds what does not change between connections: what we are, and what `/proc` is good for.
#[derive(Debug)]
pub struct Attestor {
    procfs: io::Result<Mount>,
    ourselves: Option<Executable>,
}

impl Attestor {
    /// Looks at ourselves and at `/proc`, once.
    #[must_use]
    pub fn new() -> Self {
        let ourselves = ProcessDir::open_own().and_then(|dir| dir.executable()).ok();
        Self { procfs: procfs::mount(), ourselves }
    }

    /// Who is on the other end of a connected Unix socket.
    ///
    /// # Errors
    /// `Internal` when the kernel does not tell even the user: close the connection.
    pub fn attest(&self, socket: BorrowedFd<'_>) -> Result<Peer> {
        let credentials = peer::credentials(socket)
            .map_err(|e| Error::new(Code::Internal, "the peer's credentials are unknown").with_detail(e))?;
        let process = self.process(credentials, || peer::pidfd(socket));
        Ok(Peer { uid: credentials.uid, gid: credentials.gid, process })
    }

    fn process(&self, credentials: Credentials, pidfd: impl FnOnce() -> io::Result<PeerPidFd>) -> Process {
        let Some(pid) = credentials.pid else {
            return Process::Unresolvable(Unresolvable::OutsidePidNamespace);
        };
        match &self.procfs {
            Ok(Mount::Ours) => {}
            Ok(Mount::Absent) => return Process::Unresolvable(Unresolvable::NoProcfs),
            Ok(Mount::OfAnotherNamespace) => {
                return Process::Unchecked("/proc was mounted from another pid namespace".to_owned());
            }
            Err(error) => return unchecked("/proc", error),
        }
        match pidfd() {
            Ok(PeerPidFd::Held(handle)) => self.held_by_pidfd(pid, &handle),
            Ok(PeerPidFd::Unsupported) => self.held_by_directory(pid, credentials.uid),
            Ok(PeerPidFd::Gone) => gone(pid),
            Err(error) => unchecked("SO_PEERPIDFD", &error),
        }
    }

    /// Reads by pid, then asks the handle: had the process exited before, the pid might have been another's; had it
    /// not, the pid was its own all along.
    fn held_by_pidfd(&self, pid: NonZeroU32, handle: &PidFd) -> Process {
        let facts = ProcessDir::open(pid).and_then(|dir| Facts::read(&dir));
        match (handle.has_exited(), facts) {
            (Err(error), _) => unchecked("pidfd", &error),
            (Ok(true), _) => gone(pid),
            (Ok(false), Ok(facts)) => self.known(pid, Level::Pidfd, facts),
            // Alive, and yet nothing to read: hidden from us (hidepid), or its first thread has ended.
            (Ok(false), Err(error)) => unchecked(&format_args!("/proc/{pid}"), &error),
        }
    }

    fn held_by_directory(&self, pid: NonZeroU32, uid: u32) -> Process {
        let dir = match ProcessDir::open(pid) {
            Ok(dir) => dir,
            Err(error) if procfs::is_vanished(&error) => {
                return match peer::pid_is_taken(pid) {
                    Ok(false) => Process::Unresolvable(Unresolvable::Gone),
                    Ok(true) => unchecked(&format_args!("/proc/{pid}"), &error),
                    Err(error) => unchecked("kill", &error),
                };
            }
            Err(error) => return unchecked(&format_args!("/proc/{pid}"), &error),
        };
        let read = || -> io::Result<_> {
            let (owner, before) = (dir.owner()?, dir.stat()?);
            let facts = Facts::read(&dir)?;
            Ok((owner, facts, before, dir.stat()?))
        };
        match read() {
            Ok((_, _, _, after)) if after.is_dead() => Process::Unresolvable(Unresolvable::Gone),
            Ok((owner, facts, before, after)) if before.start_time == after.start_time && owner == uid => {
                self.known(pid, Level::ProcHandle, facts)
            }
            Ok(_) => Process::Replaced(pid),
            Err(error) if procfs::is_vanished(&error) => gone(pid),
            Err(error) => unchecked(&format_args!("/proc/{pid}"), &error),
        }
    }

    fn known(&self, pid: NonZeroU32, level: Level, facts: Facts) -> Process {
        let is_ourselves = match (&self.ourselves, &facts.executable) {
            // The same path counts too, so that a server started before an upgrade still knows its upgraded clients.
            (Some(ours), Some(theirs)) => {
                ours.file == theirs.file || (ours.path == theirs.path && !theirs.deleted)
            }
            _ => false,
        };
        let executable = facts.executable.map(|found| Program { path: found.path, deleted: found.deleted });
        Process::Known(KnownProcess { pid, level, executable, name: facts.name, is_ourselves })
    }
}

impl Default for Attestor {
    fn default() -> Self {
        Self::new()
    }
}

/// What is read about a process.
struct Facts {
    name: OsString,
    executable: Option<Executable>,
}

impl Facts {
    fn read(dir: &ProcessDir) -> io::Result<Self> {
        let name = dir.name()?;
        let executable = match dir.executable() {
            Ok(executable) => Some(executable),
            // The process is not dumpable or has rights that we lack: its own doing, not trouble of ours.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => None,
            Err(error) => return Err(error),
        };
        Ok(Self { name, executable })
    }
}

/// The peer has exited: whoever lives under its pid now is somebody else.
fn gone(pid: NonZeroU32) -> Process {
    match ProcessDir::open(pid).and_then(|dir| dir.stat()) {
        Ok(stat) if !stat.is_dead() => Process::Replaced(pid),
        // Nobody there, or its own remains (another's are as dead).
        Ok(_) => Process::Unresolvable(Unresolvable::Gone),
        Err(error) if procfs::is_vanished(&error) => Process::Unresolvable(Unresolvable::Gone),
        Err(error) => unchecked(&format_args!("/proc/{pid}"), &error),
    }
}

fn unchecked(what: &(impl fmt::Display + ?Sized), error: &io::Error) -> Process {
    Process::Unchecked(format!("{what}: {error}"))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;
    use std::os::unix::net::UnixStream;
    use std::os::unix::process::CommandExt as _;
    use std::process::{Child, Command, Stdio};

    use super::*;

    fn pid(child: &Child) -> NonZeroU32 {
        NonZeroU32::new(child.id()).unwrap()
    }

    fn cat() -> Child {
        Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
    }

    fn end(mut child: Child) {
        drop(child.stdin.take());
        child.wait().unwrap();
    }

    fn credentials(pid: Option<NonZeroU32>) -> Credentials {
        Credentials { pid, uid: peer::own_uid(), gid: 0 }
    }

    fn level_and_name(process: Process) -> (Level, OsString) {
        match process {
            Process::Known(known) => (known.level, known.name),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn our_own_other_end_is_ourselves() {
        let (socket, _other_end) = UnixStream::pair().unwrap();
        let found = Attestor::new().attest(socket.as_fd()).unwrap();
        let Process::Known(process) = &found.process else { panic!("{found:?}") };
        assert_eq!((found.uid, process.pid.get()), (peer::own_uid(), std::process::id()));
        assert!(process.is_ourselves);
        assert_eq!(process.executable.as_ref().unwrap().path, std::env::current_exe().unwrap());
        assert_ne!(found.level(), Level::UidOnly);
    }

    #[test]
    fn without_a_pidfd_the_directory_handle_serves() {
        let child = cat();
        let process = Attestor::new().process(credentials(Some(pid(&child))), || Ok(PeerPidFd::Unsupported));
        assert_eq!(level_and_name(process), (Level::ProcHandle, "cat".into()));
        end(child);
    }

    #[test]
    fn a_peer_that_is_gone_is_unresolvable_on_every_rung() {
        let child = cat();
        let credentials = credentials(Some(pid(&child)));
        end(child);
        for pidfd in [PeerPidFd::Unsupported, PeerPidFd::Gone] {
            let process = Attestor::new().process(credentials, || Ok(pidfd));
            assert_eq!(process, Process::Unresolvable(Unresolvable::Gone));
        }
    }

    #[test]
    fn the_remains_of_a_peer_are_not_a_replacement() {
        let mut child = cat();
        drop(child.stdin.take());
        let dir = ProcessDir::open(pid(&child)).unwrap();
        while !dir.stat().unwrap().is_dead() {
            std::thread::yield_now();
        }
        for pidfd in [PeerPidFd::Unsupported, PeerPidFd::Gone] {
            let process = Attestor::new().process(credentials(Some(pid(&child))), || Ok(pidfd));
            assert_eq!(process, Process::Unresolvable(Unresolvable::Gone));
        }
        end(child);
    }

    #[test]
    fn who_took_a_gone_peers_pid_is_not_the_peer() {
        let child = cat();
        let process = Attestor::new().process(credentials(Some(pid(&child))), || Ok(PeerPidFd::Gone));
        assert_eq!(process, Process::Replaced(pid(&child)));
        end(child);
    }

    #[test]
    fn another_users_process_under_the_pid_is_not_the_peer() {
        // Root can start one; anybody else can only pretend to be a user that the child does not belong to.
        let mut command = Command::new("cat");
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let uid = peer::own_uid();
        let (child, peers_uid) = if uid == 0 {
            (command.uid(65534).spawn().unwrap(), 0)
        } else {
            (command.spawn().unwrap(), uid + 1)
        };
        let credentials = Credentials { pid: Some(pid(&child)), uid: peers_uid, gid: 0 };
        let process = Attestor::new().process(credentials, || Ok(PeerPidFd::Unsupported));
        assert_eq!(process, Process::Replaced(pid(&child)));
        end(child);
    }

    #[test]
    fn what_proc_is_good_for_decides_between_unresolvable_and_unchecked() {
        let us = credentials(NonZeroU32::new(std::process::id()));
        let with = |procfs| Attestor { procfs, ourselves: None }.process(us, || Ok(PeerPidFd::Unsupported));
        assert_eq!(with(Ok(Mount::Absent)), Process::Unresolvable(Unresolvable::NoProcfs));
        assert!(matches!(with(Ok(Mount::OfAnotherNamespace)), Process::Unchecked(_)));
        assert!(matches!(with(Err(io::ErrorKind::PermissionDenied.into())), Process::Unchecked(_)));
        assert!(matches!(with(Ok(Mount::Ours)), Process::Known(_)));
    }

    #[test]
    fn trouble_of_ours_is_unchecked_and_pid_zero_is_unresolvable() {
        let attestor = Attestor::new();
        let us = credentials(NonZeroU32::new(std::process::id()));
        let trouble = attestor.process(us, || Err(io::Error::other("too many open files")));
        assert_eq!(trouble, Process::Unchecked("SO_PEERPIDFD: too many open files".to_owned()));
        let outside = attestor.process(credentials(None), || Ok(PeerPidFd::Gone));
        assert_eq!(outside, Process::Unresolvable(Unresolvable::OutsidePidNamespace));
    }

    #[test]
    fn a_program_installed_in_our_place_is_still_ourselves() {
        let child = cat();
        let theirs = ProcessDir::open(pid(&child)).unwrap().executable().unwrap();
        let other_file = procfs::FileId { dev: 0, ino: 0 };
        for (ours, expected) in [
            (theirs.clone(), true),
            (Executable { path: "/elsewhere".into(), ..theirs.clone() }, true),
            (Executable { file: other_file, ..theirs.clone() }, true),
            (Executable { file: other_file, path: "/elsewhere".into(), deleted: false }, false),
        ] {
            let attestor = Attestor { procfs: Ok(Mount::Ours), ourselves: Some(ours.clone()) };
            let process = attestor.process(credentials(Some(pid(&child))), || Ok(PeerPidFd::Unsupported));
            let Process::Known(process) = process else { panic!("{process:?}") };
            assert_eq!(process.is_ourselves, expected, "{ours:?}");
        }
        end(child);
    }
}
