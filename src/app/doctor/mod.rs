//! `agent-identity doctor`: looks at everything that the server needs, without a server, and says what to do next.
//!
//! It changes nothing: no folder, key, login, workload or pool is created, and what a running server holds is left alone.
//! Each check stands alone, so that one trouble does not hide the next.

mod cloud;
mod machine;
pub(super) mod report;

use crate::base::error::Result;
use crate::config::load;
use crate::surface::cli::commands::{Context, paths};
use crate::surface::cli::{exit, render};

use self::report::Report;

/// Checks everything and prints the findings. The exit code is that of the first failure, or 0 without one.
///
/// # Errors
/// `ConfigMissing` without a home folder.
pub(super) fn run(context: &Context<'_>) -> Result<u8> {
    let (paths, socket) = paths(context.options, context.env)?;
    let mut report = Report::default();
    let loaded = load::read(&paths, context.options.config.as_deref(), context.env);
    machine::config(&mut report, &loaded);
    let is_served = machine::server(&mut report, &socket);
    machine::data_folder(&mut report, &paths.data_dir);
    machine::key(&mut report, context.env, &paths.data_dir);
    machine::stored_logins(&mut report, &paths.data_dir, is_served);
    // With settings that cannot be used, the rest would look at something that nobody has asked for.
    if let Ok(loaded) = loaded.and_then(load::Loaded::accepted) {
        machine::peers(&mut report, &loaded.config.identity);
        cloud::look(&mut report, &loaded);
        machine::callback(&mut report, &loaded.config.userpool, is_served);
    }
    context.print(&report.to_json(), render::doctor);
    Ok(report.failure().map_or(exit::OK, |code| exit::of(code.as_str())))
}
