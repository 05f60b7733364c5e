//! What a host's files hold of secrets: plaintext, references that do not resolve, and what hides or outlives them.
//!
//! The same report as `openclaw secrets audit` gives, with its codes and exit codes, and more: it knows the fields of two
//! generations of hosts, sees channels whose plugin is not installed, and needs no host. Nothing is written, and no value
//! of a file is in a report.

mod config;
pub mod files;
pub mod finding;
pub mod plan;
mod references;
mod stores;
pub mod surface;
mod walk;

use std::collections::BTreeMap;

use self::files::Files;
use self::finding::{Finding, Report};
use self::surface::Surface;
use crate::base::error::Result;
use crate::config::secretref::SecretRef;
use crate::config::secretref::machine::Access;

/// What is found on the way through the files.
#[derive(Debug, Default)]
struct Ledger {
    findings: Vec<Finding>,
    notes: Vec<String>,
    references: Vec<Assignment>,
    proposals: Vec<plan::Proposal>,
    /// Paths of references by the model provider that they are for.
    provider_paths: BTreeMap<String, Vec<String>>,
    /// Kinds of credentials in auth profiles, by provider.
    profile_kinds: BTreeMap<String, Vec<&'static str>>,
}

/// A reference and where it stands.
#[derive(Clone, Debug)]
struct Assignment {
    file: String,
    path: String,
    reference: SecretRef,
    takes_object: bool,
    provider: Option<String>,
    profile: Option<String>,
    /// Why nobody asks for it now, if so.
    inactive: Option<String>,
    /// The search provider whose key it is.
    search: Option<String>,
}

/// Looks through the files. With `allow_exec` programs of exec providers are started.
///
/// # Errors
/// When the built-in list of fields cannot be read, which is a defect.
pub fn run(files: &Files, access: &dyn Access, allow_exec: bool) -> Result<(Report, Vec<plan::Proposal>)> {
    let surface = Surface::built_in()?;
    let mut ledger = Ledger::default();
    let resolution = match &files.config {
        Ok(host) => {
            config::collect(&mut ledger, &surface, host);
            for profiles in &files.profiles {
                stores::auth_profiles(&mut ledger, &surface, host, profiles);
            }
            for models in &files.models {
                stores::models(&mut ledger, &surface, models);
            }
            for retired in &files.retired_keys {
                stores::retired_keys(&mut ledger, retired);
            }
            let resolution = references::resolve(&mut ledger, host, access, allow_exec);
            stores::shadowed(&mut ledger);
            resolution
        }
        Err(why) => {
            let message = format!("Config is invalid; cannot validate secret references reliably ({why}).");
            ledger.findings.push(Finding::unresolved(&files.config_path, "<root>", message));
            finding::Resolution::default()
        }
    };
    for dotenv in &files.dotenv {
        stores::dotenv(&mut ledger, &surface, dotenv);
    }
    for file in &files.left_behind {
        stores::left_behind(&mut ledger, file);
    }
    ledger.notes.extend(files.notes.iter().cloned());
    let Ledger { findings, notes, proposals, .. } = ledger;
    Ok((Report { surface, resolution, files: files.scanned(), findings, notes }, proposals))
}

#[cfg(test)]
mod tests;
