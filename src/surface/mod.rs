//! The renderings of actions: socket routes, callback pages, chat commands, command line, and the host's plugin with its
//! hooks.

pub mod bridge;
pub mod callback;
pub mod cli;
pub mod command;
pub mod hook;
pub mod socket;
