//! The whole: command line in, services put together, exit code out.

mod bridge;
pub mod build;
mod doctor;
mod keeping;
mod key_rotate;
mod openclaw;
mod process;
mod secrets_provider;
mod serve;
mod store_migrate;

use std::process::ExitCode;

use crate::base::env::Env;
use crate::base::log::{self, Level};
use crate::base::time::SystemClock;
use crate::surface::cli::args::{self, Command};
use crate::surface::cli::commands::{self, Context};
use crate::surface::cli::exit;
use crate::surface::cli::output::Output;

/// The program.
#[must_use]
pub fn main() -> ExitCode {
    ExitCode::from(run())
}

fn run() -> u8 {
    let invocation = match args::parse(std::env::args_os().skip(1)) {
        Ok(invocation) => invocation,
        Err(message) => {
            Output.error(&format!("error: {message}"));
            return exit::USAGE;
        }
    };
    let quiet = match invocation.command {
        Command::Serve { .. } | Command::Bridge => Level::Info,
        // They say themselves what the log would, and more.
        Command::Doctor
        | Command::OpenclawDoctor { .. }
        | Command::OpenclawSetup { .. }
        | Command::SecretsProvider => Level::Error,
        _ => Level::Warn,
    };
    log::set_level(invocation.options.log.unwrap_or(quiet));
    let env = Env::of_process();
    let context = Context { env: &env, clock: &SystemClock, options: &invocation.options, output: Output };
    let outcome = match &invocation.command {
        Command::Serve { callback_listen } => {
            serve::run(&context, callback_listen.as_deref()).map(|()| exit::OK)
        }
        Command::Bridge => bridge::run(&context).map(|()| exit::OK),
        Command::KeyRotate => key_rotate::run(&context),
        Command::StoreMigrate(migration) => store_migrate::run(&context, migration),
        Command::SecretsProvider => secrets_provider::run(&context).map(|()| exit::OK),
        Command::OpenclawSetup { host_version, write } => {
            openclaw::setup(&context, host_version.as_deref(), *write).map(|()| exit::OK)
        }
        Command::OpenclawDoctor { host_version } => openclaw::doctor(&context, host_version.as_deref()),
        Command::Doctor => doctor::run(&context),
        command => return commands::run(command, &context),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => context.fail(&error.to_json()),
    }
}
