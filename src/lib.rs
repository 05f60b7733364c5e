//! agent-identity: the identity of AI agents on one machine.
//!
//! The way of every request is the same: bytes → request → action → outcome → rendering. `ARCHITECTURE.md` has the map.

#[allow(unsafe_code)]
pub mod sys;

pub mod base;

pub mod config;
pub mod http;
pub mod jwt;
pub mod net;
pub mod peer;
pub mod risk;

pub mod records;

pub mod audit;
pub mod credential;
pub mod message;
pub mod oidc;
pub mod session;
pub mod shared;
pub mod tip;
pub mod volc;

pub mod authz;

pub mod action;
pub mod surface;

pub mod app;
#[doc(hidden)]
pub mod fuzzing;

#[cfg(feature = "emulator")]
pub mod emulator;
