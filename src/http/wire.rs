//! Reads and writes under deadlines.
//!
//! A deadline is a reading of the clock, and the socket's timeout only wakes the thread to look at it, so dripping
//! bytes extends nothing. The fast path pays no system call for this: the socket's timeout stands at the idle time
//! and is changed only for a request that arrives in pieces.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::limits::Limits;
use crate::base::buffer::Buffer;
use crate::base::time::Clock;

/// Bytes of one write: what the kernel takes as one packet, so that no write waits longer than the socket's timeout.
const WRITE_PIECE: usize = 32 * 1024;
/// Bytes of one read into the void.
const DISCARD_PIECE: usize = 4 * 1024;

/// Why nothing was read or written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// The deadline has passed.
    Late,
    /// The other side is gone.
    Gone,
}

/// A connection's stream with its deadlines.
#[derive(Debug)]
pub(super) struct Wire<'a> {
    stream: &'a UnixStream,
    clock: &'a dyn Clock,
    idle: Duration,
    write: Duration,
    /// The receive timeout that the socket has.
    armed: Duration,
    /// Whether the send timeout is not the full one.
    write_shortened: bool,
}

impl<'a> Wire<'a> {
    /// Sets the timeouts of a fresh stream.
    pub(super) fn open(stream: &'a UnixStream, clock: &'a dyn Clock, limits: &Limits) -> io::Result<Self> {
        stream.set_read_timeout(Some(limits.idle_timeout))?;
        stream.set_write_timeout(Some(limits.write_deadline))?;
        Ok(Self {
            stream,
            clock,
            idle: limits.idle_timeout,
            write: limits.write_deadline,
            armed: limits.idle_timeout,
            write_shortened: false,
        })
    }

    pub(super) fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Waits for the first bytes of a request. Zero is the end.
    pub(super) fn read_idle(&mut self, room: &mut [u8]) -> Result<usize, Failed> {
        self.arm(self.idle)?;
        loop {
            match self.stream.read(room) {
                Ok(count) => return Ok(count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(&error)),
            }
        }
    }

    /// Waits for further bytes until a deadline. Zero is the end.
    pub(super) fn read_by(&mut self, room: &mut [u8], deadline: Duration) -> Result<usize, Failed> {
        loop {
            let left = deadline.saturating_sub(self.now());
            if left.is_zero() {
                return Err(Failed::Late);
            }
            self.arm(left)?;
            match self.stream.read(room) {
                Ok(count) => return Ok(count),
                // Only the clock says when it is over.
                Err(error) if failed(&error) == Failed::Late || error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(Failed::Gone),
            }
        }
    }

    /// Writes everything, within the write deadline from `started` on.
    pub(super) fn write(&mut self, bytes: &[u8], started: Duration) -> Result<(), Failed> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let piece = rest.get(..WRITE_PIECE).unwrap_or(rest);
            match self.stream.write(piece) {
                Ok(0) => return Err(Failed::Gone),
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(&error)),
            }
            if !rest.is_empty() {
                let left = (started + self.write).saturating_sub(self.now());
                if left.is_zero() {
                    return Err(Failed::Late);
                }
                self.stream.set_write_timeout(Some(left)).map_err(|_| Failed::Gone)?;
                self.write_shortened = true;
            }
        }
        if std::mem::take(&mut self.write_shortened) {
            self.stream.set_write_timeout(Some(self.write)).map_err(|_| Failed::Gone)?;
        }
        Ok(())
    }

    /// Ends the sending side and throws away what still comes, so that the sender reads its answer instead of
    /// failing in the middle of its own writing (RFC 9112 section 9.6).
    pub(super) fn linger(&mut self, scratch: &mut Buffer, at_most: Duration) {
        if self.stream.shutdown(Shutdown::Write).is_err() {
            return;
        }
        let deadline = self.now() + at_most;
        scratch.clear();
        while matches!(self.read_by(scratch.room(DISCARD_PIECE), deadline), Ok(1..)) {}
    }

    fn arm(&mut self, timeout: Duration) -> Result<(), Failed> {
        if self.armed != timeout {
            self.stream.set_read_timeout(Some(timeout)).map_err(|_| Failed::Gone)?;
            self.armed = timeout;
        }
        Ok(())
    }
}

fn failed(error: &io::Error) -> Failed {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Failed::Late,
        _ => Failed::Gone,
    }
}
