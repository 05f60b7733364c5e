//! The whole: command line in, services put together, exit code out.

pub mod build;
mod key_rotate;
mod serve;

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
    let is_server = matches!(invocation.command, Command::Serve { .. });
    let quiet = if is_server { Level::Info } else { Level::Warn };
    log::set_level(invocation.options.log.unwrap_or(quiet));
    let env = Env::of_process();
    let context = Context { env: &env, clock: &SystemClock, options: &invocation.options, output: Output };
    let outcome = match &invocation.command {
        Command::Serve { callback_listen } => serve::run(&context, callback_listen.as_deref()),
        Command::KeyRotate => key_rotate::run(&context),
        command => return commands::run(command, &context),
    };
    match outcome {
        Ok(()) => exit::OK,
        Err(error) => context.fail(&error.to_json()),
    }
}
