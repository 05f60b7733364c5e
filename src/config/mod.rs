//! The configuration: typed, with defaults, and with errors that name the key.

pub mod model;
