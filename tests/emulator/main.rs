//! Drives the emulator from outside, over its sockets, with a signer and a token check of the tests' own.

#![cfg(feature = "emulator")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod api;
mod client;
mod consent;
mod control;
mod credentials;
mod external;
mod metadata;
mod paging;
mod permission;
mod pools;
mod sts;
mod tip;
mod userpool;
