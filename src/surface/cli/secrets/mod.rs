//! `secrets`: how the host and this program serve each other with secrets.

pub(super) mod setup;
