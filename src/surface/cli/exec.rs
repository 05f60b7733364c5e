//! `exec`: becomes another program, which has the session's bound credentials in its environment, and nobody else.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use serde_json::Value;

use super::commands::{Context, failure};
use super::remote::Failure;
use crate::base::error::{Code, Error};
use crate::session::key::SessionKey;

/// Replaces this process, so that signals and the exit code are the program's own. Returns only when there is no such
/// program.
pub(super) fn run(
    context: &Context<'_>,
    program: &[OsString],
    session: Option<&SessionKey>,
) -> Result<u8, Failure> {
    let Some((name, args)) = program.split_first() else {
        let usage = Error::new(Code::InvalidRequest, "exec needs a program to run");
        return Err(failure(usage.with_hint("agent-identity exec [--session KEY] -- PROGRAM [ARGUMENT…]")));
    };
    let given = context.remote()?.get("/environment", session)?;
    for note in given["notes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        context.output.error(&format!("without {note}"));
    }
    let variables = given["environment"].as_object().into_iter().flatten();
    let error = Command::new(name)
        .args(args)
        .envs(variables.filter_map(|(name, value)| Some((name, value.as_str()?))))
        .exec();
    let shown = name.to_string_lossy();
    let hint = match error.kind() {
        ErrorKind::NotFound => "check the name, and PATH",
        ErrorKind::PermissionDenied => "check that it is a program that this user may run",
        _ => "start it without agent-identity to see more",
    };
    Err(failure(Error::new(Code::NotFound, format!("cannot run {shown:?}: {error}")).with_hint(hint)))
}
