//! Who is logged in where: session keys, records, and the encrypted store.

mod archive;
mod disk;
pub mod envelope;
pub mod fault;
pub mod journal;
pub mod key;
pub mod keyring;
mod memory;
pub mod migrate;
pub mod model;
pub mod record;
pub mod store;
#[cfg(test)]
mod testing;
pub mod users;
