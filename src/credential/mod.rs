//! Credentials for other services, which the cloud keeps and a session may use: OAuth2 tokens, API keys, role keys.
//!
//! Invariant: a credential belongs to one login of one session. It lives in memory only, leaves when that login does,
//! and reaches nothing but the calls of that session whose environment names it.

pub mod binding;
pub mod cloud;
pub mod custody;
pub mod desk;
pub mod flow;
pub mod hosted;
pub mod inject;
pub mod name;
pub mod notice;
pub mod own;
pub mod polls;
pub mod provide;
pub mod reference;
#[cfg(test)]
pub(crate) mod testing;
