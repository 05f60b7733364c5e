//! OpenID Connect: discovery, login, callback, token exchange and renewal.
//!
//! A login goes [`provider`] (the link) → the person's browser → [`callback`] (the answer) → [`provider`] (code for
//! tokens) → [`id_token`] (who it is) → whoever holds sessions, through [`callback::LoginSink`]. What waits in between
//! is in [`pending`]; [`login`] begins one, and [`renewal`] keeps finished ones alive. What the provider publishes comes from [`discovery`] and [`keys`].

pub mod callback;
pub mod client;
pub mod discovery;
pub mod id_token;
pub mod keys;
pub mod login;
pub mod pending;
pub mod provider;
pub mod renewal;

mod cached;
mod exchange;
mod token_answer;

#[cfg(test)]
pub(crate) mod testing;
