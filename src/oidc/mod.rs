//! OpenID Connect: discovery, login, callback, token exchange and renewal.
//!
//! A login goes [`provider`] (the link) → the person's browser → [`callback`] (the answer) → [`provider`] (code for
//! tokens) → [`id_token`] (who it is) → whoever holds sessions, through [`callback::LoginSink`]. What waits in between
//! is in [`pending`]; [`login`] begins one, and [`renewal`] keeps finished ones alive.
//!
//! Which provider it is, and as which [`client`] we speak to it, comes from [`source`]: out of the configuration, or from the
//! control plane by name ([`named`]). What the provider publishes comes from [`discovery`] and [`keys`], whom it sends
//! people on to from [`identity_providers`], and [`relay`] takes the answers of those.

pub mod callback;
pub mod client;
pub mod discovery;
pub mod id_token;
pub mod identity_providers;
pub mod keys;
pub mod login;
pub mod named;
pub mod pending;
pub mod provider;
pub mod relay;
pub mod renewal;
pub mod source;

mod cached;
mod exchange;
mod fields;
mod token_answer;

#[cfg(test)]
pub(crate) mod testing;
