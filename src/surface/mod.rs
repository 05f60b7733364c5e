//! The renderings of actions: socket routes, callback pages, chat commands, command line.

pub mod callback;
pub mod cli;
pub mod command;
pub mod socket;
