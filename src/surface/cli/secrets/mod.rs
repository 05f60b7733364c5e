//! `secrets`: how the host and this program serve each other with secrets.

pub(super) mod audit;
pub(super) mod setup;
