//! A local stand-in for the cloud, for development and tests.

use std::io::Write as _;
use std::process::ExitCode;

use agent_identity::emulator::cli;

fn main() -> ExitCode {
    let outcome =
        cli::run(std::env::args_os().skip(1), &mut std::io::stdin().lock(), &mut std::io::stdout().lock());
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let hint = error.hint().map(|hint| format!("\n  {hint}")).unwrap_or_default();
            let _written = writeln!(std::io::stderr(), "agent-identity-emulator: {error}{hint}");
            ExitCode::FAILURE
        }
    }
}
