//! Exit codes of the command line; `agent-identity --help` documents them.

use crate::base::error::Code;

/// Done.
pub const OK: u8 = 0;
/// Failed for a reason without a code of its own.
pub const FAILED: u8 = 1;
/// The command line is wrong, or what it names does not exist.
pub const USAGE: u8 = 2;
/// Nobody is logged in.
pub const NOT_LOGGED_IN: u8 = 3;
/// The server does not answer.
pub const NO_SERVER: u8 = 4;
/// Refused: the peer is not allowed, or the cloud or the provider said no.
pub const REFUSED: u8 = 5;
/// The configuration is unusable.
pub const CONFIG: u8 = 6;
/// A remote side is unreachable.
pub const UNREACHABLE: u8 = 7;
/// Stored sessions are unreadable, or held by another process.
pub const STORE: u8 = 8;

/// The exit code of a failure, from its stable code.
#[must_use]
pub fn of(code: &str) -> u8 {
    const TABLE: [(u8, &[Code]); 7] = [
        (
            NOT_LOGGED_IN,
            &[Code::NotLoggedIn, Code::LoginExpired, Code::SessionUnknown, Code::SessionAmbiguous],
        ),
        (NO_SERVER, &[Code::ServerUnreachable]),
        (REFUSED, &[Code::Forbidden, Code::CloudRefused, Code::IdpRefused, Code::WorkloadMissing]),
        (CONFIG, &[Code::ConfigInvalid, Code::ConfigMissing, Code::KeysMissing]),
        (
            UNREACHABLE,
            &[
                Code::CloudUnreachable,
                Code::IdpUnreachable,
                Code::Timeout,
                Code::Busy,
                Code::StoreUnavailable,
            ],
        ),
        (STORE, &[Code::StoreLocked, Code::StoreUnreadable, Code::StoreUnwritable]),
        (USAGE, &[Code::InvalidRequest, Code::NotFound]),
    ];
    let row = TABLE.iter().find(|(_, codes)| codes.iter().any(|known| known.as_str() == code));
    row.map_or(FAILED, |(exit, _)| *exit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_their_exit() {
        for (code, exit) in [
            (Code::NotLoggedIn, 3),
            (Code::ServerUnreachable, 4),
            (Code::Forbidden, 5),
            (Code::ConfigInvalid, 6),
            (Code::CloudUnreachable, 7),
            (Code::StoreUnavailable, 7),
            (Code::StoreLocked, 8),
            (Code::NotFound, 2),
            (Code::Internal, 1),
        ] {
            assert_eq!(of(code.as_str()), exit);
        }
        assert_eq!(of("something else"), FAILED);
    }
}
