//! The command line: words → command → action (over the socket, or here for what needs no server) → text or JSON.

pub mod args;
mod authz;
pub mod commands;
mod exec;
pub mod exit;
pub mod help;
pub mod output;
pub mod remote;
pub mod render;
mod risk;
mod secrets;
pub mod tools;
