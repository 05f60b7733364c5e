//! `secrets audit`: the host's own audit without the host, and a plan for what it finds.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::args::Audit;
use super::super::commands::{Context, failure, paths};
use super::super::remote::Failure;
use super::setup;
use crate::audit::files::Files;
use crate::audit::plan::{Means, Plan, make};
use crate::audit::run as audit;
use crate::base::error::{Code, Error};
use crate::config::secretref::machine::Machine;
use crate::credential::reference::{Reference, What};

/// How an auth profile file is told from a configuration.
const PROFILES: &str = "auth-profiles";

pub(in super::super) fn run(context: &Context<'_>, what: &Audit) -> Result<u8, Failure> {
    let alias = what.alias.as_deref().unwrap_or(setup::ALIAS);
    setup::check_alias(alias).map_err(failure)?;
    let (paths, _) = paths(context.options, context.env).map_err(failure)?;
    let (profiles, configs): (Vec<PathBuf>, Vec<PathBuf>) = what
        .files
        .iter()
        .cloned()
        .partition(|file| file.file_name().is_some_and(|name| name.to_string_lossy().contains(PROFILES)));
    if let Some(second) = configs.get(1) {
        let error =
            Error::new(Code::InvalidRequest, format!("{} is a second configuration", second.display()));
        return Err(failure(
            error.with_hint(
                "give one openclaw.json; files of auth profiles have auth-profiles in their names",
            ),
        ));
    }
    let config = configs.first().or(context.options.config.as_ref());
    let files = Files::gather(&paths, config.map(PathBuf::as_path), &profiles, context.env);
    let access = Machine::for_other_secrets(context.env);
    let (report, proposals) = audit(&files, &access, what.allow_exec).map_err(failure)?;
    let exit = report.exit_code(what.check);
    if !what.fix {
        context.print(&report.to_json(), |_| report.to_string());
        return Ok(exit);
    }
    let is_configured =
        files.config.as_ref().is_ok_and(|host| host.root().at(&["secrets", "providers", alias]).is_some());
    let entry = if is_configured { None } else { Some(setup::entry(&setup::own_path().map_err(failure)?)) };
    let id = |name: &str| Reference { session: None, what: What::ApiKey(name.to_owned()) }.to_string();
    let plan = make(&proposals, &Means { alias, entry }, id);
    if context.options.json {
        context.output.text(
            &json!({ "report": report.to_json(), "plan": plan.plan, "before": before(&plan) }).to_string(),
        );
    } else {
        context.output.text(&serde_json::to_string_pretty(&plan.plan).unwrap_or_default());
        context.output.error(&explain(&plan));
    }
    Ok(exit)
}

fn before(plan: &Plan) -> Value {
    let pairs = |pairs: &[(String, String)]| {
        pairs.iter().map(|(name, path)| json!({ "name": name, "for": path })).collect::<Vec<_>>()
    };
    json!({ "host": pairs(&plan.to_host), "set": pairs(&plan.to_set), "leftOut": plan.left_out })
}

fn explain(plan: &Plan) -> String {
    if plan.to_host.is_empty() && plan.to_set.is_empty() && plan.left_out.is_empty() {
        return "nothing to propose, and nothing was written".to_owned();
    }
    let mut lines = vec!["nothing was written. Before the plan is applied:".to_owned()];
    lines.extend(plan.to_host.iter().map(|(name, path)| {
        format!("  host an API key named {name:?} in Agent Identity, with the value of {path}")
    }));
    lines.extend(
        plan.to_set
            .iter()
            .map(|(name, path)| format!("  set {name} in the gateway's environment to the value of {path}")),
    );
    lines.extend(plan.left_out.iter().map(|why| format!("  left out: {why}")));
    lines.push(
        "then save it as plan.json and run: openclaw secrets apply --from plan.json --dry-run --allow-exec"
            .to_owned(),
    );
    lines.join("\n")
}
