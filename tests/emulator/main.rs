//! Drives the emulator from outside, over its sockets, with a signer and a token check of the tests' own.

#![cfg(feature = "emulator")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod api;
mod client;
mod control;
mod sts;
mod tip;
mod userpool;
