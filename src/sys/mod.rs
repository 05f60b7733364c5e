//! The wall: system calls, and with them every `unsafe` block, live here and nowhere else.
//!
//! Functions return [`std::io::Result`] or plain values and know nothing of the rest of the crate. This is also the
//! only place that imports `libc`, `rustix` and `getrandom`, and that reads the clock or the environment.

pub mod clock;
pub mod env;
pub mod fs;
pub mod harden;
pub mod peer;
pub mod process;
pub mod procfs;
pub mod rand;
pub mod signal;
pub mod socket;
