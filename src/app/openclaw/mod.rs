//! `agent-identity openclaw …`: what the host's configuration needs for the plugin, and what its lack leaves open.

mod doctor;
mod host;
mod plan;
mod setup;

use crate::base::error::{Code, Error, Result};
use crate::config::host::HostFile;
use crate::config::paths::Paths;
use crate::surface::cli::commands::{Context, paths};

use host::{Host, Version};

pub(super) use doctor::run as doctor;
pub(super) use setup::run as setup;

/// The host's file, and the host.
struct Found {
    paths: Paths,
    file: Option<HostFile>,
    host: Option<Host>,
}

fn find(context: &Context<'_>, version: Option<&str>) -> Result<Found> {
    let (paths, _) = paths(context.options, context.env)?;
    let file = HostFile::read(&paths, context.options.config.as_deref(), context.env)?;
    let host = match version {
        None => Host::find(context.env, file.as_ref()),
        Some(text) => Some(Host::named(Version::parse(text).ok_or_else(|| {
            Error::new(Code::InvalidRequest, format!("--host-version {text}: not a version of OpenClaw"))
                .with_hint("give it as in: 2026.9.6")
        })?)),
    };
    Ok(Found { paths, file, host })
}

fn no_host() -> Error {
    Error::new(
        Code::NotFound,
        "which OpenClaw is installed cannot be found out: there is no openclaw on the PATH",
    )
    .with_hint("name its version, as openclaw --version prints it: --host-version 2026.9.6")
}
