//! Who is logged in where: session keys, records, and the encrypted store.
//!
//! ```text
//! store ── memory            what readers see
//!   └───── archive           what the disk has: when to append, when to fold, what to refuse
//!            ├── envelope    sessions.json: all sessions, sealed        ┐
//!            ├── journal     sessions.journal: changes since, sealed    ├ pure: bytes in, values out
//!            ├── migrate     the plain sessions.json of old versions    │
//!            ├── keyring     sessions.key or the operator's key file    ┘
//!            └── disk        the folder, over sys::fs
//! ```
//!
//! Apart from the store: `derive`, which is pure, finds the key of a message's writer with the table in `channel`, and
//! `group_senders` remembers who wrote, for hosts that do not tell; what becomes of its records is pure as well.

mod archive;
pub mod channel;
pub mod derive;
mod disk;
pub mod envelope;
pub mod fault;
pub mod group_senders;
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
