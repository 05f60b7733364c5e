//! What every other module stands on: errors, secrets, time, encoders, hashes, and a few small containers.
//!
//! Nothing here opens a file or a socket. Wall time and random bytes come in through [`time::Clock`] and
//! [`entropy::Entropy`]; their real implementations are the only uses of [`crate::sys`] in this layer.

pub mod bounded;
pub mod buffer;
pub mod codec;
pub mod crypto;
mod date;
pub mod entropy;
pub mod env;
pub mod error;
pub mod flight;
pub mod json;
pub mod lang;
pub mod log;
pub mod nearest;
pub(crate) mod opaque;
pub mod pool;
pub mod secret;
pub mod time;
pub mod tree;
pub mod url;
pub mod words;
