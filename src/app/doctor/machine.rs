//! Checks of this machine: configuration, server, data folder, key, callback.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use serde_json::Value;

use crate::base::env::Env;
use crate::base::error::{Code, Error, Result};
use crate::base::url::Url;
use crate::config::load::Loaded;
use crate::config::model::{Identity, UserPool};
use crate::config::problem::Severity;
use crate::session::fault::{JOURNAL_FILE, SESSIONS_FILE};
use crate::session::keyring::{self, KeyState};
use crate::surface::cli::remote::Remote;
use crate::sys;

use super::report::{Level, Report};

/// Permission bits of anybody but the owner.
const SHARED_BITS: u32 = 0o077;

/// The file that was read, and everything that is wrong with it.
pub(super) fn config(report: &mut Report, loaded: &Result<Loaded>) {
    const CHECK: &str = "config";
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(error) => return report.fail(CHECK, error),
    };
    let file = loaded.file.as_ref().map(|file| file.display().to_string());
    if !loaded.problems.has_errors() {
        report.ok(CHECK, file.clone().unwrap_or_else(|| "no file: the defaults hold".to_owned()));
    }
    for problem in loaded.problems.all() {
        let mut error = Error::new(Code::ConfigInvalid, problem.sentence());
        if let Some(hint) = &problem.hint {
            error = error.with_hint(hint.clone());
        }
        let level = match problem.severity {
            Severity::Error => Level::Fail(Code::ConfigInvalid),
            Severity::Warning => Level::Warn,
            Severity::Note => Level::Note,
        };
        report.error(CHECK, level, &error);
    }
    let omitted = loaded.problems.omitted();
    if omitted > 0 {
        report.note(CHECK, format!("and {omitted} more"), None);
    }
}

/// Whether a server answers, and what it complains of.
pub(super) fn server(report: &mut Report, socket: &Path) -> bool {
    const CHECK: &str = "server";
    match Remote::at(socket).get("/status", None) {
        Ok(status) => {
            let text = |name: &str| status[name].as_str().unwrap_or("?").to_owned();
            report.ok(CHECK, format!("version {} answers on {}", text("version"), socket.display()));
            for problem in [&status["login"]["problem"], &status["store"]["problem"], &status["problem"]] {
                complaint(report, problem);
            }
            true
        }
        Err(failure) => {
            let error = &failure["error"];
            let text = |name: &str| error[name].as_str().unwrap_or("no answer").to_owned();
            report.warn(CHECK, text("message"), text("hint"));
            false
        }
    }
}

fn complaint(report: &mut Report, problem: &Value) {
    if let Some(message) = problem["message"].as_str() {
        let hint = problem["hint"].as_str().unwrap_or("see: agent-identity status");
        report.warn("server", message, hint);
    }
}

/// The folder of the stored logins.
pub(super) fn data_folder(report: &mut Report, folder: &Path) {
    const CHECK: &str = "data folder";
    let shown = folder.display();
    let unusable = |why: String| {
        Error::new(Code::StoreUnwritable, format!("{shown} {why}"))
            .with_hint("make it a folder of the server's user with mode 0700, not a symlink")
    };
    match std::fs::symlink_metadata(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            report.note(CHECK, format!("{shown} does not exist yet: the server creates it"), None);
        }
        Err(error) => report.fail(CHECK, &unusable(format!("cannot be looked at: {error}"))),
        Ok(about) if !about.is_dir() => report.fail(CHECK, &unusable("is not a folder".to_owned())),
        Ok(about) if about.uid() != sys::peer::own_uid() => {
            report.fail(CHECK, &unusable("belongs to another user".to_owned()));
        }
        Ok(about) if about.permissions().mode() & SHARED_BITS != 0 => {
            let mode = about.permissions().mode() & 0o777;
            report.warn(
                CHECK,
                format!("{shown} is open to other users (mode {mode:04o})"),
                "chmod 0700 it; the server does so when it starts",
            );
        }
        Ok(_) => report.ok(CHECK, format!("{shown}, private")),
    }
}

/// The key that seals the stored logins.
pub(super) fn key(report: &mut Report, env: &Env, folder: &Path) {
    const CHECK: &str = "sealing key";
    match keyring::inspect(env, folder) {
        Ok(KeyState::Usable { path, keys }) => {
            let others = if keys > 1 { format!(", {} older ones below it", keys - 1) } else { String::new() };
            report.ok(CHECK, format!("{}{others}", path.display()));
        }
        Ok(KeyState::NotYet { path }) if holds_logins(folder) => {
            let message = format!("logins are stored, but their key {} does not exist", path.display());
            let error = Error::new(Code::StoreUnreadable, message);
            report.fail(
                CHECK,
                &error.with_hint("put the key file back, or name it in AGENT_IDENTITY_KEY_FILE"),
            );
        }
        Ok(KeyState::NotYet { path }) => {
            let text = format!("{} does not exist yet: it is made with the first login", path.display());
            report.note(CHECK, text, None);
        }
        Err(error) => report.fail(CHECK, &error),
    }
}

/// Whether there are any. What is in them is the server's: reading them would mean to hold their lock.
pub(super) fn stored_logins(report: &mut Report, folder: &Path, is_served: bool) {
    const CHECK: &str = "stored logins";
    match (holds_logins(folder), is_served) {
        (false, _) => report.note(CHECK, "none", None),
        (true, true) => report.ok(CHECK, "held by the server"),
        (true, false) => report.ok(CHECK, "there are some for the next server"),
    }
}

fn holds_logins(folder: &Path) -> bool {
    [SESSIONS_FILE, JOURNAL_FILE].iter().any(|name| folder.join(name).symlink_metadata().is_ok())
}

/// How strictly the socket judges its peers.
pub(super) fn peers(report: &mut Report, identity: &Identity) {
    const CHECK: &str = "socket peers";
    if identity.local_server_fail_open {
        report.note(
            CHECK,
            "processes that cannot be identified are let in (same user only)",
            Some("set identity.localServerFailOpen to false to refuse them"),
        );
    } else {
        report.ok(CHECK, "processes that cannot be identified are refused");
    }
}

/// Whether logins can come back here.
pub(super) fn callback(report: &mut Report, userpool: &UserPool, is_served: bool) {
    const CHECK: &str = "callback";
    let Some(url) = &userpool.callback_url else { return };
    match local_address(url) {
        None => report.note(
            CHECK,
            format!("{url} comes in through a proxy"),
            Some("start the server with --callback-listen, and let the proxy pass that path on"),
        ),
        Some(_) if is_served => report.ok(CHECK, format!("{url}, taken by the server")),
        // Nobody listens now; whether anybody could is seen by trying, for a moment.
        Some(address) => match TcpListener::bind(address) {
            Ok(_) => report.ok(CHECK, format!("{url}, {address} is free")),
            Err(error) => report.warn(
                CHECK,
                format!("{url}: the server could not listen on {address}: {error}"),
                "stop what listens there, or choose another port in userpool.callbackUrl and the client",
            ),
        },
    }
}

/// Where the callback listener would be, for a callback that is taken on this machine.
fn local_address(url: &Url) -> Option<SocketAddr> {
    let local = !url.is_https() && url.is_loopback();
    let ip = url.ip().unwrap_or(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
    local.then(|| SocketAddr::new(ip, url.port()))
}
