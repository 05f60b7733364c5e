//! `openclaw doctor`: whether the plugin can work in the installed host, and what is open where it cannot.

use crate::base::error::{Code, Error, Result};
use crate::config::host::HostFile;
use crate::config::load::{self, Loaded};
use crate::config::model::{Config, InjectionMode};
use crate::config::node::Node;
use crate::surface::cli::commands::Context;
use crate::surface::cli::{exit, render};

use super::super::doctor::report::Report;
use super::host::{Access, Host, Version, plugin_folders, read_json};
use super::plan::{self, ID};
use super::{Found, find, no_host};

/// The port of a gateway whose configuration names none.
const GATEWAY_PORT: u16 = 18_789;

/// Checks everything and prints the findings. The exit code is that of the first failure, or 0 without one.
///
/// # Errors
/// When the host's file cannot be read.
pub(in super::super) fn run(context: &Context<'_>, version: Option<&str>) -> Result<u8> {
    let found = find(context, version)?;
    let mut report = Report::default();
    host(&mut report, &found);
    entries(&mut report, &found);
    installed(&mut report, &found);
    let loaded = load::read(&found.paths, context.options.config.as_deref(), context.env);
    match loaded.and_then(Loaded::accepted) {
        Ok(loaded) => settings(&mut report, &loaded.config, found.file.as_ref()),
        Err(error) => report.fail("settings", &error),
    }
    context.print(&report.to_json(), render::doctor);
    Ok(report.failure().map_or(exit::OK, |code| exit::of(code.as_str())))
}

fn host(report: &mut Report, found: &Found) {
    let Some(host) = &found.host else { return report.fail("host", &no_host()) };
    let Host { version, known_by } = host;
    if *version < Version::OLDEST {
        let error = Error::new(Code::NotFound, format!("OpenClaw {version} is too old for the plugin"));
        return report.fail("host", &error.with_hint(format!("install {} or later", Version::OLDEST)));
    }
    report.ok("host", format!("OpenClaw {version} ({known_by})"));
    match host.access() {
        Access::Refused => report.note(
            "model gate",
            "this version can stop a message before the model, but not a run from the command line, a timer or another \
             session; their tool calls are refused instead",
            None,
        ),
        Access::Unclear => report.warn(
            "model gate",
            "this version's treatment of hooks.allowConversationAccess is not settled",
            "use 2026.5.7 or later",
        ),
        Access::Needed => {}
    }
}

fn entries(report: &mut Report, found: &Found) {
    let Some(file) = &found.file else {
        let error =
            Error::new(Code::ConfigMissing, format!("there is no {}", found.paths.config_file.display()));
        return report
            .fail("configuration", &error.with_hint("agent-identity openclaw setup --write makes one"));
    };
    if file.root().at(&["plugins", "deny"]).is_some_and(plan::names_us) {
        let error = Error::new(Code::ConfigInvalid, "plugins.deny has the plugin, so it is not loaded");
        report.fail("configuration", &error.with_hint("take it off that list"));
    }
    let Some(host) = &found.host else { return };
    let lacking = plan::lacking(host, file.root());
    for entry in &lacking {
        let error = Error::new(Code::ConfigInvalid, format!("{}: {}", entry.line(), entry.why));
        report.fail("configuration", &error.with_hint("agent-identity openclaw setup --write"));
    }
    if lacking.is_empty() {
        report.ok("configuration", format!("{} has what the plugin needs", file.path().display()));
    }
}

/// Whether the plugin's folder is where the host looks, and of this program's version.
fn installed(report: &mut Report, found: &Found) {
    let state = &found.paths.state_dir;
    let folders = plugin_folders(found.file.as_ref(), state, ID);
    let ours = |folder: &std::path::PathBuf| {
        let manifest = read_json(&folder.join("openclaw.plugin.json"))?;
        (manifest["id"] == ID)
            .then(|| (folder.clone(), manifest["version"].as_str().unwrap_or("?").to_owned()))
    };
    let version = env!("CARGO_PKG_VERSION");
    match folders.iter().find_map(ours) {
        Some((folder, installed)) if installed == version => {
            report.ok("plugin", format!("{} ({installed})", folder.display()));
        }
        Some((folder, installed)) => {
            let message = format!("{} is version {installed}, this program is {version}", folder.display());
            let error = Error::new(Code::ConfigInvalid, message);
            report.fail("plugin", &error.with_hint("install plugin and program of one version"));
        }
        None => report.warn(
            "plugin",
            format!("not found in {}", state.join("extensions").join(ID).display()),
            "openclaw plugins install, as the README says; a newer host may keep it elsewhere",
        ),
    }
}

fn settings(report: &mut Report, config: &Config, file: Option<&HostFile>) {
    let identity = &config.identity;
    let pool = &config.userpool;
    match config.userpool.mode() {
        Ok(_) => report.ok("login", "people have to log in before the model is called"),
        Err(error) if pool.discovery_url.is_none() && pool.user_pool_name.is_none() => report.warn(
            "login",
            "no user pool: nobody has to log in, and nobody can",
            error.hint().unwrap_or("see: agent-identity config check"),
        ),
        Err(error) => report.fail("login", &error),
    }
    if let Some(callback) = &pool.callback_url
        && callback.is_loopback()
    {
        let port = gateway_port(file.map(HostFile::root));
        if callback.port() == port {
            report.ok("callback", "taken by the gateway's own port");
        } else {
            report.warn(
                "callback",
                format!("userpool.callbackUrl is at port {}, the gateway at {port}", callback.port()),
                "use the gateway's port, or a proxy that leads there",
            );
        }
    }
    match (identity.local_server == Some(true), identity.injection) {
        (true, _) => report.ok("handle", "tool calls get a handle for agent-identity exec"),
        (false, InjectionMode::Env) => report.note(
            "handle",
            "identity.localServer is off: variables that newer hosts refuse (GITHUB_TOKEN, AWS_…) reach no call",
            Some("set identity.localServer to true"),
        ),
        (false, InjectionMode::Handle) => {
            let error = Error::new(
                Code::ConfigInvalid,
                "identity.injection is handle and identity.localServer is off: no call gets any credential",
            );
            report.fail("handle", &error.with_hint("set identity.localServer to true"));
        }
    }
}

fn gateway_port(root: Option<&Node>) -> u16 {
    let port = root.and_then(|root| root.at(&["gateway", "port"]));
    match port {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
        Some(Node::Number(port)) if (1.0..=65_535.0).contains(port) => *port as u16,
        _ => GATEWAY_PORT,
    }
}
