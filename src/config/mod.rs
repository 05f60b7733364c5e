//! The configuration: typed, with defaults, and with errors that name the key.
//!
//! The way of a file: [`paths`] finds it, [`load`] reads it, [`node`] parses JSON5, [`mod@include`] merges the files
//! it names, [`parse`] turns the tree into a [`model::Config`] by the one table of settings in [`fields`], and
//! [`view`] shows it without secrets.

pub mod edit;
pub mod feishu;
pub mod fields;
pub mod host;
pub mod include;
mod keys;
pub mod load;
pub mod model;
pub mod node;
pub mod parse;
pub mod paths;
pub mod problem;
pub mod secretref;
pub mod slot;
pub mod substitute;
pub mod userpool;
pub mod view;
