//! The generated files and what belongs in them. Nothing here writes.
//!
//! A file is either generated as a whole, or has a region between two marks that is, in prose that is not.

mod bridge;
mod docs;
mod manifest;

use std::path::Path;
use std::{fs, io};

use serde::Serialize;

/// Every generated file: its name from the repository's root, and its content.
///
/// # Errors
/// When a file with a region cannot be read or has no such region, or a value cannot be written as JSON.
pub(crate) fn all(root: &Path) -> io::Result<Vec<(&'static str, String)>> {
    Ok(vec![
        ("openclaw.plugin.json", json(&manifest::manifest())?),
        ("bridge/static.json", json(&bridge::registrations())?),
        with_region(root, "docs/configuration.md", &docs::settings())?,
        with_region(root, "docs/tools.md", &docs::tools())?,
    ])
}

const BEGIN: &str = "<!-- from here to the next mark: written by `make generate` -->\n";
const END: &str = "<!-- end of what `make generate` writes -->\n";

fn with_region(root: &Path, name: &'static str, content: &str) -> io::Result<(&'static str, String)> {
    let text = fs::read_to_string(root.join(name))?;
    let parts = text.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) =
        parts.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("{name}: no marks")))?;
    Ok((name, format!("{before}{BEGIN}\n{content}\n{END}{after}")))
}

fn json(value: &impl Serialize) -> io::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}
