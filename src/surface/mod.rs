//! The renderings of actions: socket routes, callback pages, command line.

pub mod callback;
pub mod cli;
pub mod socket;
