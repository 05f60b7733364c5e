//! Who may use the identity socket: a pure function of a [`Peer`] and the configuration.
//!
//! The user must be ours, whatever else is configured. After that a process that is known must be on the list; one that
//! cannot be known is let in by `localServerFailOpen` alone; one that we failed to look at is never let in.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use super::{KnownProcess, Peer, Process, Program, Unresolvable};
use crate::base::error::{Code, Error, Result};

/// Where the list stands in the configuration.
const KEY: &str = "identity.localServerAllowlist";
/// Always on the list.
const BUILT_IN: &str = "curl";
/// What [`Decision::Allowed`] shows for our own executable, which is always let in.
const OURSELVES: &str = "(this program)";
/// How much of a name the kernel keeps, in bytes (`TASK_COMM_LEN` less the closing zero).
const KERNEL_NAME: usize = 15;

/// The list and the two modes.
#[derive(Clone, Debug)]
pub struct Policy {
    entries: Vec<Entry>,
    fail_open: bool,
}

/// What was decided about a peer, with what the log and `/status` say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision<'p> {
    /// A known process on the list.
    Allowed {
        /// The entry that let it in.
        entry: &'p str,
    },
    /// An unknown process of our user, let in by `localServerFailOpen`: to be counted and warned about.
    AllowedUnresolved {
        /// Why it is unknown.
        reason: Unresolvable,
    },
    /// Not let in.
    Denied {
        /// Why not.
        reason: Denial,
    },
}

/// Why a peer is not let in. For our log; the peer itself learns no more than that it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// It runs under another user.
    OtherUser,
    /// Nothing on the list matches it.
    NotListed,
    /// A path on the list matches, but the file that it executes is not the one at that path any more.
    ExecutableReplaced,
    /// Its process is unknown, and `localServerFailOpen` is off.
    Unresolved(Unresolvable),
    /// It is gone, and another process has its pid.
    PidReused,
    /// Its process could not be looked at.
    Unchecked,
}

impl Denial {
    /// The stable text form, for `/status` and the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OtherUser => "other_user",
            Self::NotListed => "not_listed",
            Self::ExecutableReplaced => "executable_replaced",
            Self::Unresolved(reason) => reason.as_str(),
            Self::PidReused => "pid_reused",
            Self::Unchecked => "unchecked",
        }
    }
}

impl Decision<'_> {
    /// Whether the peer may go on.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        !matches!(self, Self::Denied { .. })
    }
}

impl Policy {
    /// Reads the list. An entry is an executable's name (`deploy-tool`), its full path (`/opt/tools/deploy`), or the
    /// beginning of either with a `*` at the end (`python*`, `/opt/tools/*`). Paths are compared with the file that
    /// is executed, not with a symbolic link to it. A single `*` lets in every process of our user.
    ///
    /// # Errors
    /// `ConfigInvalid`, naming the entry, when it is empty, has a `*` elsewhere, or is a path that does not start at
    /// the root.
    pub fn new(allowlist: &[String], fail_open: bool) -> Result<Self> {
        let configured = allowlist.iter().enumerate().map(|(index, text)| {
            Entry::parse(text).map_err(|fault| {
                Error::new(Code::ConfigInvalid, format!("{KEY}[{index}]: entry {text:?} {fault}")).with_hint(
                    "use a program's name, its full path, or the beginning of one with a * at the end",
                )
            })
        });
        let entries =
            std::iter::once(Entry::parse(BUILT_IN).map_err(|fault| Error::new(Code::Internal, fault)))
                .chain(configured)
                .collect::<Result<_>>()?;
        Ok(Self { entries, fail_open })
    }

    /// Decides about a peer; `own_uid` is our effective user.
    #[must_use]
    pub fn decide(&self, own_uid: u32, peer: &Peer) -> Decision<'_> {
        if peer.uid != own_uid {
            return Decision::Denied { reason: Denial::OtherUser };
        }
        match &peer.process {
            Process::Known(process) => self.decide_known(process),
            Process::Unresolvable(reason) if self.fail_open => {
                Decision::AllowedUnresolved { reason: *reason }
            }
            Process::Unresolvable(reason) => Decision::Denied { reason: Denial::Unresolved(*reason) },
            Process::Replaced(_) => Decision::Denied { reason: Denial::PidReused },
            Process::Unchecked(_) => Decision::Denied { reason: Denial::Unchecked },
        }
    }

    fn decide_known(&self, process: &KnownProcess) -> Decision<'_> {
        if process.is_ourselves {
            return Decision::Allowed { entry: OURSELVES };
        }
        let mut reason = Denial::NotListed;
        for entry in &self.entries {
            match entry.matches(process) {
                Match::Yes => return Decision::Allowed { entry: &entry.text },
                Match::OnlyFormerly => reason = Denial::ExecutableReplaced,
                Match::No => {}
            }
        }
        Decision::Denied { reason }
    }
}

/// One line of the list.
#[derive(Clone, Debug)]
struct Entry {
    /// As it was written.
    text: String,
    /// Without the `*`.
    stem: String,
    is_prefix: bool,
    is_path: bool,
}

enum Match {
    Yes,
    /// It was started from a path on the list, which leads to another file, or none, by now.
    OnlyFormerly,
    No,
}

impl Entry {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let (stem, is_prefix) = text.strip_suffix('*').map_or((text, false), |stem| (stem, true));
        let is_path = stem.contains('/');
        if text.trim().is_empty() {
            Err("is empty")
        } else if stem.contains('*') {
            Err("has a * that is not at its end")
        } else if is_path && !stem.starts_with('/') {
            Err("is a path that does not start with /")
        } else {
            Ok(Self { text: text.to_owned(), stem: stem.to_owned(), is_prefix, is_path })
        }
    }

    fn matches(&self, process: &KnownProcess) -> Match {
        let executable = process.executable.as_ref();
        if self.is_path {
            return match executable {
                // An entry with a path speaks of the file at that path, so one that was removed or replaced is not it.
                Some(Program { path, deleted }) if self.covers(path.as_os_str()) => {
                    if *deleted {
                        Match::OnlyFormerly
                    } else {
                        Match::Yes
                    }
                }
                _ => Match::No,
            };
        }
        let by_name = match executable {
            Some(program) => self.covers(program.base_name()) || self.covers(&process.name),
            None => self.covers(&process.name) || self.covers_cut(&process.name),
        };
        if by_name { Match::Yes } else { Match::No }
    }

    fn covers(&self, value: &OsStr) -> bool {
        let (value, stem) = (value.as_bytes(), self.stem.as_bytes());
        if self.is_prefix { value.starts_with(stem) } else { value == stem }
    }

    /// Whether a name of more than 15 bytes is on the list of which the kernel keeps just the beginning. Asked only
    /// where that beginning is all there is to go by.
    fn covers_cut(&self, kernel_name: &OsStr) -> bool {
        self.stem
            .as_bytes()
            .split_at_checked(KERNEL_NAME)
            .is_some_and(|(kept, lost)| !lost.is_empty() && kernel_name.as_bytes() == kept)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::super::Level;
    use super::*;

    const OURS: u32 = 1000;

    fn policy(entries: &[&str], fail_open: bool) -> Policy {
        Policy::new(&entries.iter().map(|&e| e.to_owned()).collect::<Vec<_>>(), fail_open).unwrap()
    }

    fn peer(process: Process) -> Peer {
        Peer { uid: OURS, gid: OURS, process }
    }

    fn process(executable: Option<(&str, bool)>, name: &str) -> KnownProcess {
        KnownProcess {
            pid: NonZeroU32::MIN,
            level: Level::Pidfd,
            executable: executable.map(|(path, deleted)| Program { path: path.into(), deleted }),
            name: name.into(),
            is_ourselves: false,
        }
    }

    fn known(executable: &str, name: &str) -> Peer {
        peer(Process::Known(process(Some((executable, false)), name)))
    }

    #[test]
    fn entries_match_name_path_or_prefix() {
        let cases: &[(&str, &str, &str, bool)] = &[
            // entry, executable, kernel name, matches
            ("tool", "/usr/bin/tool", "x", true),
            ("tool", "/usr/bin/other", "tool", true),
            ("tool", "/usr/bin/tools", "tools", false),
            ("tool", "/tool/other", "x", false),
            ("tool", "/usr/bin/Tool", "x", false),
            ("python*", "/usr/bin/python3.12", "x", true),
            ("python*", "/usr/bin/python", "x", true),
            ("python*", "/usr/bin/other", "python3", true),
            ("python*", "/python/other", "x", false),
            ("/usr/bin/tool", "/usr/bin/tool", "x", true),
            ("/usr/bin/tool", "/bin/tool", "tool", false),
            ("/usr/bin/tool", "/usr/bin/tool2", "tool", false),
            ("/usr/bin/py*", "/usr/bin/python3", "x", true),
            ("/usr/bin/*", "/usr/bin/deep/er", "x", true),
            ("/usr/bin/*", "/usr/binary", "x", false),
            ("/*", "/anything", "x", true),
            ("*", "/anything", "x", true),
            // The whole name is there, so 15 bytes of it are not enough.
            ("a-very-long-tool-name", "/opt/a-very-long-tool-name", "a-very-long-too", true),
            ("a-very-long-tool-name", "/opt/a-very-long-tool-nose", "a-very-long-too", false),
        ];
        for &(entry, executable, name, expected) in cases {
            let policy = policy(&[entry], true);
            let decision = policy.decide(OURS, &known(executable, name)).clone();
            let wanted = if expected {
                Decision::Allowed { entry }
            } else {
                Decision::Denied { reason: Denial::NotListed }
            };
            assert_eq!(decision, wanted, "{entry} {executable} {name}");
        }
    }

    #[test]
    fn without_an_executable_the_kernel_name_decides() {
        for (entry, name, expected) in [
            ("tool", "tool", true),
            ("tool", "tools", false),
            ("too*", "tool", true),
            ("sixteen-bytes-xy", "sixteen-bytes-x", true),
            ("sixteen-bytes-xy*", "sixteen-bytes-x", true),
            ("sixteen-bytes-xy", "sixteen-bytes-", false),
            ("fifteen-bytes-x", "fifteen-bytes-x", true),
            ("fifteen-bytes-x", "fifteen-bytes-", false),
            ("/usr/bin/tool", "tool", false),
            ("/usr/bin/toolab", "/usr/bin/toolab", false),
        ] {
            let hidden = peer(Process::Known(process(None, name)));
            assert_eq!(policy(&[entry], true).decide(OURS, &hidden).is_allowed(), expected, "{entry} {name}");
        }
    }

    #[test]
    fn a_replaced_executable_keeps_its_name_but_not_its_path() {
        let upgraded = peer(Process::Known(process(Some(("/usr/bin/python3", true)), "x")));
        assert!(policy(&["python*"], true).decide(OURS, &upgraded).is_allowed());
        for entry in ["/usr/bin/python3", "/usr/bin/*"] {
            assert_eq!(
                policy(&[entry], true).decide(OURS, &upgraded),
                Decision::Denied { reason: Denial::ExecutableReplaced }
            );
        }
        assert_eq!(
            policy(&["/usr/bin/perl"], true).decide(OURS, &upgraded),
            Decision::Denied { reason: Denial::NotListed }
        );
    }

    #[test]
    fn curl_and_ourselves_are_always_on_the_list() {
        for fail_open in [true, false] {
            let policy = policy(&[], fail_open);
            assert_eq!(
                policy.decide(OURS, &known("/usr/bin/curl", "curl")),
                Decision::Allowed { entry: "curl" }
            );
            let ourselves =
                KnownProcess { is_ourselves: true, ..process(Some(("/opt/agent-identity", false)), "main") };
            assert_eq!(
                policy.decide(OURS, &peer(Process::Known(ourselves))),
                Decision::Allowed { entry: "(this program)" }
            );
            assert!(!policy.decide(OURS, &known("/opt/agent-identity", "agent-identity")).is_allowed());
        }
    }

    #[test]
    fn another_user_is_refused_whatever_the_mode_and_the_process() {
        let processes = || {
            [
                Process::Known(KnownProcess {
                    is_ourselves: true,
                    ..process(Some(("/usr/bin/curl", false)), "curl")
                }),
                Process::Unresolvable(Unresolvable::Gone),
                Process::Unresolvable(Unresolvable::OutsidePidNamespace),
                Process::Unresolvable(Unresolvable::NoProcfs),
                Process::Replaced(NonZeroU32::MIN),
                Process::Unchecked(String::new()),
            ]
        };
        for fail_open in [true, false] {
            for process in processes() {
                for uid in [0, OURS - 1, OURS + 1, u32::MAX] {
                    let stranger = Peer { uid, gid: OURS, process: process.clone() };
                    let decision = Decision::Denied { reason: Denial::OtherUser };
                    assert_eq!(policy(&["*"], fail_open).decide(OURS, &stranger), decision, "{stranger:?}");
                }
            }
        }
    }

    #[test]
    fn fail_open_lets_in_the_unresolvable_and_nobody_else() {
        let (open, strict) = (policy(&[], true), policy(&[], false));
        for reason in [Unresolvable::Gone, Unresolvable::OutsidePidNamespace, Unresolvable::NoProcfs] {
            let unknown = peer(Process::Unresolvable(reason));
            assert_eq!(open.decide(OURS, &unknown), Decision::AllowedUnresolved { reason });
            assert_eq!(
                strict.decide(OURS, &unknown),
                Decision::Denied { reason: Denial::Unresolved(reason) }
            );
        }
        for (process, reason) in [
            (Process::Known(process(Some(("/bin/evil", false)), "evil")), Denial::NotListed),
            (Process::Known(process(None, "evil")), Denial::NotListed),
            (Process::Replaced(NonZeroU32::MIN), Denial::PidReused),
            (Process::Unchecked("EMFILE".to_owned()), Denial::Unchecked),
        ] {
            for policy in [&open, &strict] {
                assert_eq!(policy.decide(OURS, &peer(process.clone())), Decision::Denied { reason });
            }
        }
    }

    #[test]
    fn a_bad_entry_is_an_error_that_names_it() {
        for (entry, fault) in [
            ("", "is empty"),
            ("  ", "is empty"),
            ("py*on", "has a * that is not at its end"),
            ("*python", "has a * that is not at its end"),
            ("python**", "has a * that is not at its end"),
            ("/usr/*/python", "has a * that is not at its end"),
            ("bin/curl", "is a path that does not start with /"),
            ("~/bin/*", "is a path that does not start with /"),
        ] {
            let error = Policy::new(&["ok".to_owned(), entry.to_owned()], true).unwrap_err();
            assert_eq!(error.code(), Code::ConfigInvalid);
            assert_eq!(error.message(), format!("identity.localServerAllowlist[1]: entry {entry:?} {fault}"));
        }
    }
}
