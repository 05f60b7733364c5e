//! `secrets setup`: the provider block for the host's configuration, and whether the host would accept it and us.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::super::commands::{Context, failure, paths};
use super::super::exit;
use super::super::remote::Failure;
use crate::base::error::{Code, Error, Result};
use crate::config::host::HostFile;
use crate::config::problem::Fault;
use crate::config::secretref::form::is_alias;
use crate::config::secretref::machine::{Access, Machine, check};
use crate::config::secretref::provider::{ExecProvider, Provider};
use crate::config::secretref::{SecretRef, Source, exec};

/// The alias unless another is asked for.
pub(super) const ALIAS: &str = "agent-identity";
/// The words after the program's name.
const ARGUMENTS: [&str; 2] = ["secrets", "provider"];
/// Milliseconds: room for a workload token and a credential, one after the other, with a retry.
const TIMEOUT_MS: u64 = 15_000;
/// What the program needs of the gateway's environment; what is not set there is not passed.
const PASSED: [&str; 14] = [
    "HOME",
    "OPENCLAW_HOME",
    "OPENCLAW_STATE_DIR",
    "OPENCLAW_CONFIG_PATH",
    "VOLCENGINE_ACCESS_KEY",
    "VOLCENGINE_SECRET_KEY",
    "VOLCENGINE_SESSION_TOKEN",
    "VOLCENGINE_CREDENTIALS_FILE",
    "RUNTIME_IAM_ROLE_TRN",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// One thing that was looked at.
struct Finding {
    check: &'static str,
    outcome: Result<String, Error>,
}

pub(in super::super) fn run(context: &Context<'_>, alias: Option<&str>) -> Result<u8, Failure> {
    let alias = alias.unwrap_or(ALIAS);
    check_alias(alias).map_err(failure)?;
    let program = own_path().map_err(failure)?;
    let (paths, _) = paths(context.options, context.env).map_err(failure)?;
    let host = HostFile::read(&paths, context.options.config.as_deref(), context.env).map_err(failure)?;

    let block = json!({ "secrets": { "providers": { alias: entry(&program) } } });
    let mut findings = vec![Finding { check: "program", outcome: acceptable(&program) }];
    let configured = host.as_ref().map(|host| look_up(host, alias));
    let place = host.as_ref().map_or(&*paths.config_file, HostFile::path);
    let (outcome, to_try) = match configured {
        Some(Ok(Some(provider))) => {
            let same = same(&provider, &program, place);
            // What is not ours to run may do anything.
            let to_try = same.is_ok().then_some(provider);
            (same, to_try)
        }
        Some(Err(error)) => (Err(error), None),
        Some(Ok(None)) | None => {
            (Ok(format!("not in {} yet: merge the block into it", place.display())), None)
        }
    };
    findings.push(Finding { check: "configuration", outcome });
    if let Some(provider) = to_try {
        findings.push(Finding { check: "trial", outcome: try_out(context, alias, &provider) });
    }
    Ok(report(context, &block, &findings))
}

/// Whether the host takes the alias.
pub(super) fn check_alias(alias: &str) -> Result<()> {
    match is_alias(alias) {
        true => Ok(()),
        false => Err(Error::new(Code::InvalidRequest, "--alias: not an alias that the host takes")
            .with_hint("use a-z, then a-z, 0-9, _ and -, at most 64 characters")),
    }
}

/// The entry of our provider in `secrets.providers`.
pub(super) fn entry(program: &Path) -> Value {
    json!({
        "source": "exec",
        "command": program,
        "args": ARGUMENTS,
        "passEnv": PASSED,
        "trustedDirs": [program.parent()],
        "timeoutMs": TIMEOUT_MS,
        "noOutputTimeoutMs": TIMEOUT_MS,
    })
}

/// Where we are, with no symbolic link on the way.
pub(super) fn own_path() -> Result<PathBuf> {
    let unknown = |why: &str| Error::new(Code::Internal, format!("cannot say where this program is: {why}"));
    let path = std::env::current_exe().and_then(|path| path.canonicalize());
    let path = path.map_err(|error| unknown(&error.to_string()))?;
    match path.to_str() {
        Some(_) => Ok(path),
        None => Err(unknown("its path is not UTF-8").with_hint("copy it to a folder with a plain name")),
    }
}

/// Whether the host would start us from where we are.
fn acceptable(program: &Path) -> Result<String> {
    let shown = program.display();
    let copy = "~/.openclaw/bin/agent-identity";
    let refused = |why: String| {
        Error::new(Code::Forbidden, format!("{shown} {why}: the host would not start it"))
            .with_hint(format!("install -D -m 0755 {shown} {copy}, and run: {copy} secrets setup"))
    };
    check(program, &[]).map_err(refused)?;
    Ok(format!("{shown} is this user's, and nobody else can write it"))
}

fn look_up(host: &HostFile, alias: &str) -> Result<Option<ExecProvider>> {
    let is_there = host.root().at(&["secrets", "providers", alias]).is_some();
    let reference = SecretRef { source: Source::Exec, provider: alias.to_owned(), id: "x".to_owned() };
    match host.providers().find(&reference) {
        Ok(Provider::Exec(provider)) => Ok(Some(provider)),
        Err(fault) if is_there => {
            let error = Error::new(Code::ConfigInvalid, fault.message);
            Err(error.with_hint("replace the entry with the block"))
        }
        _ => Ok(None),
    }
}

fn same(provider: &ExecProvider, program: &Path, place: &Path) -> Result<String> {
    let invalid = |what: &str| {
        Error::new(Code::ConfigInvalid, format!("{}: the entry {what}", place.display()))
            .with_hint("replace the entry with the block")
    };
    if provider.command != program {
        return Err(invalid("runs another file than this one"));
    }
    // Options may follow, such as a configuration of our own.
    if !provider.args.iter().map(String::as_str).take(ARGUMENTS.len()).eq(ARGUMENTS) {
        return Err(invalid("runs this program with other words than `secrets provider`"));
    }
    if !provider.json_only {
        return Err(invalid("has jsonOnly false, with which a failure could pass for a secret"));
    }
    check(&provider.command, &provider.trusted_dirs)
        .map_err(|why| invalid(&format!("names a program that {why}")))?;
    Ok(format!("{} names this program", place.display()))
}

/// Runs the configured entry as the host does, for no id at all.
fn try_out(context: &Context<'_>, alias: &str, provider: &ExecProvider) -> Result<String> {
    let failed = |fault: Fault| {
        let error = Error::new(Code::ConfigInvalid, fault.message);
        match fault.hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    };
    let request = exec::request(alias, &[]).map_err(failed)?;
    let output = Machine::for_other_secrets(context.env).run(alias, provider, &request).map_err(failed)?;
    exec::answers(alias, &[], output.expose(), provider.json_only).map_err(failed)?;
    Ok("it starts and speaks the protocol".to_owned())
}

/// The block on standard output, so that it can be piped on; what was found on standard error.
fn report(context: &Context<'_>, block: &Value, findings: &[Finding]) -> u8 {
    let is_ok = findings.iter().all(|finding| finding.outcome.is_ok());
    if context.options.json {
        let shown = findings.iter().map(|finding| match &finding.outcome {
            Ok(text) => json!({ "check": finding.check, "level": "ok", "message": text }),
            Err(error) => json!({
                "check": finding.check, "level": "fail", "message": error.message(), "hint": error.hint(),
            }),
        });
        let checks: Vec<_> = shown.collect();
        context.output.text(&json!({ "ok": is_ok, "block": block, "checks": checks }).to_string());
    } else {
        context.output.text(&serde_json::to_string_pretty(block).unwrap_or_default());
        for Finding { check, outcome } in findings {
            context.output.error(&match outcome {
                Ok(text) => format!("ok    {check}: {text}"),
                Err(error) => {
                    format!("fail  {check}: {error}\n      -> {}", error.hint().unwrap_or_default())
                }
            });
        }
    }
    if is_ok { exit::OK } else { exit::FAILED }
}
