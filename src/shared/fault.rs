//! What the engine's refusals and the network's failures mean, and what to do about each.
//!
//! Invariant: no text of the engine goes into a message or a hint, only into the log's detail; and nothing of it holds a
//! password, because none is ever sent but with AUTH.

use std::error::Error as _;
use std::io;
use std::sync::Arc;

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::base::error::{Code, Error};

/// What it means for the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The connection broke: the last command may have been done.
    Cut,
    /// The engine took too long: the last command may still be done.
    Slow,
    /// There is no talking to it, for now.
    Unreachable,
    /// It is not the one that takes writes.
    ReadOnly,
    /// It understood, and does not do it; the connection is as good as before.
    Refused,
}

/// A failed conversation.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) kind: Kind,
    pub(super) error: Error,
}

/// What was going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Connecting, logging in, choosing the database.
    Connect,
    /// A command.
    Command,
}

/// Judges a failure; `location` is the address as people may see it.
pub(super) fn judge(error: &RedisError, phase: Phase, location: &str) -> Failure {
    let (kind, reason, hint) = match error.kind() {
        ErrorKind::AuthenticationFailed => AUTH,
        ErrorKind::Server(kind) => of_server(Some(kind), "ERR", error.detail().unwrap_or_default()),
        ErrorKind::Extension => {
            of_server(None, error.code().unwrap_or_default(), error.detail().unwrap_or_default())
        }
        ErrorKind::Io => of_io(error, phase),
        ErrorKind::ClusterConnectionNotFound => {
            (Kind::Unreachable, "no node of the cluster answers", "see whether the cluster's nodes are up")
        }
        ErrorKind::MasterNameNotFoundBySentinel => (
            Kind::Unreachable,
            "the sentinels know no master of that name, or one that is none",
            "correct master= in identity.store, or wait until they have elected one",
        ),
        _ if phase == Phase::Connect => (Kind::Unreachable, "the connection cannot be set up", LOOK),
        _ => (
            Kind::Cut,
            "its answer cannot be understood",
            "see whether an engine is at that address and port",
        ),
    };
    let error = Error::new(Code::StoreUnavailable, format!("the engine at {location}: {reason}"))
        .with_hint(hint)
        .with_detail(error);
    Failure { kind, error }
}

type Judgement = (Kind, &'static str, &'static str);

const LOOK: &str = "see whether the engine runs and identity.store has its address";
const AUTH: Judgement = (
    Kind::Unreachable,
    "it refuses the login (AUTH)",
    "see whether the user exists there and is on, and whether the password is right (identity.storePassword)",
);

fn of_server(kind: Option<ServerErrorKind>, code: &str, detail: &str) -> Judgement {
    use ServerErrorKind as Server;
    // Engines before version 7 put the refusal of a command inside a script behind their own words.
    let says = |word: &str| code == word || detail.contains(&format!("-{word} "));
    match kind {
        Some(Server::ReadOnly) => READ_ONLY,
        Some(Server::NoPerm) => NO_PERMISSION,
        Some(Server::BusyLoading) => {
            (Kind::Unreachable, "it is still loading its data", "wait until it has loaded")
        }
        Some(Server::MasterDown) => (
            Kind::Unreachable,
            "it is a replica that has lost its master",
            "see to the master, or let one be elected",
        ),
        Some(Server::ClusterDown | Server::TryAgain) => (
            Kind::Unreachable,
            "the cluster is not whole",
            "see to the nodes that are down or moving their slots",
        ),
        Some(Server::Moved | Server::Ask | Server::CrossSlot) => {
            (Kind::Refused, "it is a node of a cluster", "add mode=cluster to identity.store")
        }
        _ if says("READONLY") => READ_ONLY,
        _ if detail.contains("ACL failure in script") || detail.contains("user executing the script") => {
            NO_PERMISSION
        }
        _ if says("OOM") => (
            Kind::Refused,
            "it is full (OOM) and takes no writes",
            "give it more memory (maxmemory), or see what else fills it; reads go on meanwhile",
        ),
        _ if says("MISCONF") => (
            Kind::Refused,
            "it takes no writes because it cannot save to its disk",
            "see to the disk of the engine; reads go on meanwhile",
        ),
        _ if says("NOREPLICAS") => (
            Kind::Refused,
            "it takes no writes because it has too few replicas",
            "see to its replicas (min-replicas-to-write); reads go on meanwhile",
        ),
        _ if says("NOAUTH") || says("WRONGPASS") => AUTH,
        _ if says("BUSY") => {
            (Kind::Unreachable, "a script of somebody else keeps it busy", "SCRIPT KILL ends it")
        }
        _ if says("DENIED") => (
            Kind::Unreachable,
            "it takes no connections from other machines",
            "set a password there, or bind it rightly",
        ),
        _ if detail.contains("max number of clients") => {
            (Kind::Unreachable, "it has too many connections", "raise its maxclients")
        }
        _ if detail.contains("DB index") || detail.contains("SELECT is not allowed") => (
            Kind::Unreachable,
            "it has no such database",
            "correct the number behind the host in identity.store",
        ),
        _ => (
            Kind::Refused,
            "it refuses the command",
            "the log has its words; it must be Redis 6 or Valkey at least",
        ),
    }
}

const NO_PERMISSION: Judgement = (
    Kind::Refused,
    "this user may not do that there (ACL)",
    "allow it: ACL SETUSER name ~prefix:* +get +set +del +pttl +eval +evalsha +script|load +scan +role, and for a \
     cluster +ping +cluster|slots",
);

const READ_ONLY: Judgement = (
    Kind::ReadOnly,
    "it is a replica and takes no writes (READONLY)",
    "name the master in identity.store, or its sentinels (mode=sentinel); reads go on meanwhile",
);

fn of_io(error: &RedisError, phase: Phase) -> Judgement {
    use io::ErrorKind as Io;
    // The library shows the error of the system behind a pointer of its own.
    let inner =
        error.source().and_then(|inner| inner.downcast_ref::<Arc<dyn std::error::Error + Send + Sync>>());
    let inner = inner.and_then(|inner| inner.downcast_ref::<io::Error>()).map(io::Error::kind);
    match (inner, phase) {
        (Some(Io::ConnectionRefused), _) => (Kind::Unreachable, "it refuses connections", LOOK),
        (Some(Io::NotFound), Phase::Connect) => (Kind::Unreachable, "there is no such socket", LOOK),
        (Some(Io::PermissionDenied), Phase::Connect) => (
            Kind::Unreachable,
            "this user may not use its socket",
            "allow it (unixsocketperm, or the socket's group)",
        ),
        (Some(Io::InvalidData), _) => (
            Kind::Unreachable,
            "TLS fails: its certificate is not trusted, has another name, or it speaks no TLS",
            "name the CA that signed it (ca=/path.pem) and the host by the certificate's name; rediss:// is TLS, \
             redis:// is plain",
        ),
        (Some(Io::TimedOut | Io::WouldBlock), Phase::Connect) => {
            (Kind::Unreachable, "it does not answer in time", LOOK)
        }
        (Some(Io::TimedOut | Io::WouldBlock), Phase::Command) => (
            Kind::Slow,
            "it does not answer in time",
            "see what keeps the engine busy (SLOWLOG, its disk, its memory) or the network between",
        ),
        (_, Phase::Connect) if error.to_string().contains("lookup address") => {
            (Kind::Unreachable, "the host name has no address", "correct the host in identity.store")
        }
        (_, Phase::Connect) => (
            Kind::Unreachable,
            "the connection breaks off while it is set up",
            "see whether it is the engine's port, and whether it wants TLS (rediss://)",
        ),
        (_, Phase::Command) => (Kind::Cut, "the connection breaks off", LOOK),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(line: &str) -> Failure {
        let value = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        judge(&value.extract_error().unwrap_err(), Phase::Command, "redis://h:1")
    }

    #[test]
    fn every_refusal_has_its_meaning() {
        for (line, kind, said) in [
            ("OOM command not allowed when used memory > 'maxmemory'.", Kind::Refused, "full"),
            ("ERR Error running script: @user_script:3: -OOM command not allowed", Kind::Refused, "full"),
            ("READONLY You can't write against a read only replica.", Kind::ReadOnly, "replica"),
            ("ERR Error running script: @user_script:1: -READONLY You can't", Kind::ReadOnly, "replica"),
            ("MISCONF Redis is configured to save RDB snapshots", Kind::Refused, "disk"),
            ("NOREPLICAS Not enough good replicas to write.", Kind::Refused, "replicas"),
            ("NOAUTH Authentication required.", Kind::Unreachable, "AUTH"),
            ("WRONGPASS invalid username-password pair", Kind::Unreachable, "AUTH"),
            ("NOPERM this user has no permissions to run the 'get' command", Kind::Refused, "ACL"),
            ("ERR ACL failure in script: User a has no permissions", Kind::Refused, "ACL"),
            ("ERR The user executing the script can't run this command", Kind::Refused, "ACL"),
            ("LOADING Redis is loading the dataset in memory", Kind::Unreachable, "loading"),
            ("MASTERDOWN Link with MASTER is down", Kind::Unreachable, "lost its master"),
            ("CLUSTERDOWN The cluster is down", Kind::Unreachable, "not whole"),
            ("MOVED 3999 127.0.0.1:6381", Kind::Refused, "node of a cluster"),
            ("BUSY Redis is busy running a script.", Kind::Unreachable, "busy"),
            ("DENIED Redis is running in protected mode", Kind::Unreachable, "other machines"),
            ("ERR max number of clients reached", Kind::Unreachable, "too many connections"),
            ("ERR DB index is out of range", Kind::Unreachable, "no such database"),
            ("ERR unknown command 'EVALSHA'", Kind::Refused, "refuses the command"),
        ] {
            let failure = reply(line);
            assert_eq!(failure.kind, kind, "{line}");
            let error = failure.error;
            assert_eq!(error.code(), Code::StoreUnavailable);
            assert!(error.message().contains(said) && error.message().contains("redis://h:1"), "{error:?}");
            assert!(error.hint().is_some() && error.detail().is_some());
        }
    }

    #[test]
    fn failures_of_the_network_are_told_apart() {
        use io::ErrorKind as Io;
        for (io, phase, kind, said) in [
            (Io::ConnectionRefused, Phase::Connect, Kind::Unreachable, "refuses connections"),
            (Io::NotFound, Phase::Connect, Kind::Unreachable, "no such socket"),
            (Io::PermissionDenied, Phase::Connect, Kind::Unreachable, "may not use"),
            (Io::TimedOut, Phase::Connect, Kind::Unreachable, "in time"),
            (Io::WouldBlock, Phase::Command, Kind::Slow, "in time"),
            (Io::InvalidData, Phase::Command, Kind::Unreachable, "TLS"),
            (Io::UnexpectedEof, Phase::Connect, Kind::Unreachable, "while it is set up"),
            (Io::UnexpectedEof, Phase::Command, Kind::Cut, "breaks off"),
            (Io::BrokenPipe, Phase::Command, Kind::Cut, "breaks off"),
            (Io::ConnectionReset, Phase::Command, Kind::Cut, "breaks off"),
        ] {
            let failure = judge(&io::Error::from(io).into(), phase, "redis://h:1");
            assert_eq!(failure.kind, kind, "{io:?} {phase:?}");
            assert!(failure.error.message().contains(said), "{:?}", failure.error);
        }
        let lookup = io::Error::other("failed to lookup address information: Name or service not known");
        assert!(judge(&lookup.into(), Phase::Connect, "x").error.message().contains("no address"));
    }
}
