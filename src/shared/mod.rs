//! State that many instances of one service share, in an engine: Redis, Valkey, or what speaks their protocol.
//!
//! ```text
//! records ─── Shared<T>: the interface of crate::records on an engine; sweep: all records of a family at once
//! family ──── what is asked, what is believed, what waits
//! ├── memory      what was seen, for when the engine does not answer
//! ├── late        changes that must not be lost, until the engine has them
//! └── engine ──── one conversation after the other, and what is wrong since when
//!     ├── breaker     whether it is asked at all          ┐
//!     ├── seal        names and values as it sees them    ├ pure
//!     ├── fault       what its refusals mean              │
//!     ├── location    identity.store                      ┘
//!     ├── script      what it does in one step
//!     └── pool ── connect    connections: socket, TCP, TLS, cluster, sentinels
//! ```
//!
//! The engine is the truth: a read always asks it. What this process has seen is served only while it does not answer.

pub mod location;

#[cfg(feature = "redis")]
mod breaker;
#[cfg(feature = "redis")]
mod connect;
#[cfg(feature = "redis")]
pub mod engine;
#[cfg(feature = "redis")]
mod family;
#[cfg(feature = "redis")]
mod fault;
#[cfg(feature = "redis")]
mod late;
#[cfg(feature = "redis")]
mod memory;
#[cfg(feature = "redis")]
mod pool;
#[cfg(feature = "redis")]
pub mod records;
#[cfg(feature = "redis")]
mod script;
#[cfg(feature = "redis")]
mod seal;
#[cfg(feature = "redis")]
mod sweep;
#[cfg(feature = "redis")]
#[cfg(test)]
mod testing;
#[cfg(feature = "redis")]
#[cfg(test)]
mod tests;
