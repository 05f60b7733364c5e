//! Random bytes from the kernel.

use std::io;

/// Fills a buffer with random bytes.
///
/// # Errors
/// When the kernel has none to give.
pub fn fill(buffer: &mut [u8]) -> io::Result<()> {
    getrandom::fill(buffer).map_err(io::Error::other)
}
