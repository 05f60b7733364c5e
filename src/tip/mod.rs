//! Workload tokens (TIP): short-lived JWTs that name the person and the chain of agents acting for him.
//!
//! They live in memory only, one per session key, and are fetched when first needed. [`broker::Broker`] is the way in.

pub mod broker;
pub mod delegation;
pub mod issuer;
pub mod token;
pub mod workload;
