//! The machine's identity server: HTTP requests of local processes become actions, outcomes become responses.

pub mod gate;
pub mod routes;
pub mod service;
