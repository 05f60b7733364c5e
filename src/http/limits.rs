//! Every bound of the server, with its reason.

use std::time::Duration;

/// Connections served at once. With the thread that always waits at the door that makes 128 threads; a busy one
/// costs about 41 KB (touched stack, kernel stack, socket), so the whole server stays near 5 MB.
pub const MAX_CONNECTIONS: usize = 127;
/// Threads that stay parked in `accept` when there is nothing to do. A parked thread takes a connection at once, a
/// fresh one only after a scheduler slice.
pub const SPARE_THREADS: usize = 8;
/// Bytes of a request head, from the method to the empty line: room for a bearer token of several kilobytes.
pub const MAX_HEAD_BYTES: usize = 16 * 1024;
/// Bytes of a request target. Paths are short; the longest query holds one percent-encoded session key.
pub const MAX_TARGET_BYTES: usize = 4 * 1024;
/// Header fields of a request.
pub const MAX_HEADERS: usize = 64;
/// Bytes of a request body. `curl` announces longer ones with `Expect: 100-continue`, so they are refused unsent.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;
/// From the first byte of a head to its last.
pub const HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// From the end of a head to the end of its body.
pub const BODY_DEADLINE: Duration = Duration::from_secs(30);
/// Silence between requests.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// From the first byte of a response to its last.
pub const WRITE_DEADLINE: Duration = Duration::from_secs(10);
/// Silence after which a connection may have to make room for a new one. A connection that has only just arrived is
/// about to send its request; under a burst it is better to ask the newcomer to come back than to cut that one off.
pub const EVICTABLE_AFTER: Duration = Duration::from_millis(100);
/// How long a refused sender may still send what nobody reads, so that it gets to see its answer.
pub const LINGER: Duration = Duration::from_secs(1);
/// How long [`super::Server::stop`] waits for running requests.
pub const STOP_GRACE: Duration = Duration::from_secs(10);

/// The bounds of one server; the default is the constants above.
#[derive(Clone, Debug)]
pub struct Limits {
    /// See [`MAX_CONNECTIONS`]; at least one.
    pub connections: usize,
    /// See [`SPARE_THREADS`]; at least one.
    pub spare_threads: usize,
    /// See [`MAX_HEAD_BYTES`].
    pub head_bytes: usize,
    /// See [`MAX_TARGET_BYTES`].
    pub target_bytes: usize,
    /// See [`MAX_HEADERS`], which it cannot exceed.
    pub headers: usize,
    /// See [`MAX_BODY_BYTES`].
    pub body_bytes: usize,
    /// See [`HEAD_DEADLINE`].
    pub head_deadline: Duration,
    /// See [`BODY_DEADLINE`].
    pub body_deadline: Duration,
    /// See [`IDLE_TIMEOUT`].
    pub idle_timeout: Duration,
    /// See [`WRITE_DEADLINE`].
    pub write_deadline: Duration,
    /// See [`EVICTABLE_AFTER`].
    pub evictable_after: Duration,
    /// See [`LINGER`].
    pub linger: Duration,
    /// See [`STOP_GRACE`].
    pub stop_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: MAX_CONNECTIONS,
            spare_threads: SPARE_THREADS,
            head_bytes: MAX_HEAD_BYTES,
            target_bytes: MAX_TARGET_BYTES,
            headers: MAX_HEADERS,
            body_bytes: MAX_BODY_BYTES,
            head_deadline: HEAD_DEADLINE,
            body_deadline: BODY_DEADLINE,
            idle_timeout: IDLE_TIMEOUT,
            write_deadline: WRITE_DEADLINE,
            evictable_after: EVICTABLE_AFTER,
            linger: LINGER,
            stop_grace: STOP_GRACE,
        }
    }
}
