//! `agent-identity serve`: identity socket and login callback until somebody says stop.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use crate::base::error::{Code, Error, Result};
use crate::base::log;
use crate::base::url::Url;
use crate::config::load;
use crate::config::problem::Severity;
use crate::http::limits::STOP_GRACE;
use crate::http::{Limits, Server};
use crate::oidc::callback::Callback;
use crate::peer::policy::Policy;
use crate::surface::callback::listener::CallbackListener;
use crate::surface::cli::commands::{Context, paths};
use crate::surface::socket::gate::Gate;
use crate::surface::socket::service::IdentityService;
use crate::sys::harden;
use crate::sys::signal::StopSignals;
use crate::sys::socket::{self, BoundSocket, SocketError};

use super::build::{App, build};

/// Runs until SIGTERM, SIGINT or SIGHUP. Says `socket: PATH`, `callback: URL` and `ready` on standard output when it
/// serves.
///
/// # Errors
/// What kept it from starting. Nothing is left behind then.
pub(super) fn run(context: &Context<'_>, callback_listen: Option<&str>) -> Result<()> {
    log::silence_panics();
    // Before there is any secret in memory.
    for unprotected in harden::harden() {
        log::warn(
            "this process could not be protected fully",
            &[("what", &unprotected.what), ("error", &unprotected.error)],
        );
    }
    let signals = StopSignals::install().map_err(|error| internal("cannot wait for signals", &error))?;
    let (paths, socket_path) = paths(context.options, context.env)?;
    let loaded = load::load(&paths, context.options.config.as_deref(), context.env)?;
    for problem in loaded.problems.all().iter().filter(|problem| problem.severity != Severity::Note) {
        let hint = problem.hint.as_deref().unwrap_or_default();
        log::warn("configuration", &[("problem", &problem.sentence()), ("hint", &hint)]);
    }
    let identity = &loaded.config.identity;
    if identity.local_server == Some(false) {
        return Err(Error::new(
            Code::ConfigInvalid,
            "identity.localServer is false, so there is nothing to serve",
        )
        .with_hint("set it to true, or remove it"));
    }
    let policy = Policy::new(&identity.local_server_allowlist, identity.local_server_fail_open)?;
    let listen = callback_listen.map(callback_address).transpose()?;

    let app = build(&loaded, &paths.data_dir)?;
    let listener = start_callback(&app, listen)?;
    let socket = open_socket(context, &socket_path)?;
    let server = start_server(&app, policy, &socket)?;

    if let Some(path) = socket.path() {
        context.output.text(&format!("socket: {}", path.display()));
    }
    if let Some(listener) = &listener {
        context.output.text(&format!("callback: http://{}", listener.address()));
    }
    if let Err(problem) = &app.services.login {
        let hint = problem.hint().unwrap_or_default();
        log::warn("people cannot log in", &[("problem", problem), ("hint", &hint)]);
    }
    context.output.text("ready");
    let sessions = app.services.store.len();
    log::info("serving", &[("version", &env!("CARGO_PKG_VERSION")), ("sessions", &sessions)]);

    let reason = signals.wait().map_err(|error| internal("cannot wait for signals", &error))?;
    log::info("stopping", &[("reason", &format!("{reason:?}"))]);
    app.pool.close();
    app.services.credentials.close();
    drop(listener);
    if !server.stop() {
        log::warn("requests were cut off after the time they have to finish", &[]);
    }
    if !app.pool.wait(STOP_GRACE) {
        log::warn("a renewal was cut off after the time it has to finish", &[]);
    }
    // What a failing disk kept in memory gets its last chance; the store itself reports what it cannot save.
    let _ = app.services.store.flush();
    Ok(())
}

/// The callback listener, where the callback is ours to take: an http address of this machine, or one that was named.
fn start_callback(app: &App, listen: Option<SocketAddr>) -> Result<Option<CallbackListener>> {
    let Some(callback) = &app.callback else { return Ok(None) };
    if listen.is_none() && !is_local(callback.url()) {
        let url = callback.url();
        log::warn(
            "the login callback is not taken here: give --callback-listen behind a proxy",
            &[("url", url)],
        );
        return Ok(None);
    }
    let callback: Arc<Callback> = callback.clone();
    CallbackListener::start(callback, listen, app.services.clock.clone()).map(Some)
}

fn is_local(url: &Url) -> bool {
    !url.is_https() && url.is_loopback()
}

fn callback_address(text: &str) -> Result<SocketAddr> {
    let invalid = |what: &str| {
        Error::new(Code::InvalidRequest, format!("--callback-listen {text}: {what}"))
            .with_hint("give an address of this machine, such as 127.0.0.1:18789")
    };
    let address: SocketAddr = text.parse().map_err(|_| invalid("not an address and port"))?;
    if address.ip().is_loopback() { Ok(address) } else { Err(invalid("not a loopback address")) }
}

/// The socket that systemd passed, or one of our own.
fn open_socket(context: &Context<'_>, path: &Path) -> Result<BoundSocket> {
    let (listen_pid, listen_fds) = (context.env.get("LISTEN_PID"), context.env.get("LISTEN_FDS"));
    let adopted = socket::adopt_activated(listen_pid, listen_fds).map_err(|error| unusable(&error))?;
    match adopted {
        Some(listener) => Ok(BoundSocket::adopted(listener)),
        None => socket::bind_private(path).map_err(|error| unusable(&error)),
    }
}

fn unusable(error: &SocketError) -> Error {
    let hint = match error.hint() {
        "" => "choose another place with --socket".to_owned(),
        hint => hint.to_owned(),
    };
    Error::new(Code::SocketUnusable, error.to_string()).with_hint(hint)
}

fn start_server(app: &App, policy: Policy, socket: &BoundSocket) -> Result<Server> {
    let services = &app.services;
    let gate = Gate::new(policy, services.peers.clone(), services.clock.clone());
    let service = Arc::new(IdentityService::new(services.clone(), gate));
    let listener =
        socket.listener().try_clone().map_err(|error| internal("cannot share the socket", &error))?;
    let (limits, clock) = (Limits::default(), services.clock.clone());
    let started = match socket.path() {
        Some(_) => Server::start(listener, service, limits, clock),
        None => Server::start_on_shared(listener, service, limits, clock),
    };
    started.map_err(|error| internal("cannot start the server's threads", &error))
}

fn internal(what: &str, error: &std::io::Error) -> Error {
    Error::new(Code::Internal, format!("{what}: {error}"))
}
