//! Who is logged in where: session keys, records, and the encrypted store.

pub mod key;
pub mod model;
