//! What the two ways of running a server, stand-alone and for a host, have in common: from its first moment to its last.

use std::path::Path;
use std::sync::Arc;

use crate::action::Services;
use crate::base::error::{Code, Error, Result};
use crate::base::log;
use crate::config::load::Loaded;
use crate::config::problem::Severity;
use crate::http::limits::STOP_GRACE;
use crate::http::{Limits, Server};
use crate::peer::policy::Policy;
use crate::surface::cli::commands::Context;
use crate::surface::socket::gate::Gate;
use crate::surface::socket::service::IdentityService;
use crate::sys::harden;
use crate::sys::socket::{self, BoundSocket, SocketError};

use super::build::App;

/// Protects the process, before there is any secret in its memory.
pub(super) fn protect() {
    log::silence_panics();
    for unprotected in harden::harden() {
        log::warn(
            "this process could not be protected fully",
            &[("what", &unprotected.what), ("error", &unprotected.error)],
        );
    }
}

/// Logs what is wrong with a configuration that can be used all the same.
pub(super) fn report(loaded: &Loaded) {
    for problem in loaded.problems.all().iter().filter(|problem| problem.severity != Severity::Note) {
        let hint = problem.hint.as_deref().unwrap_or_default();
        log::warn("configuration", &[("problem", &problem.sentence()), ("hint", &hint)]);
    }
}

/// Logs that the process serves, and what it cannot do.
pub(super) fn announce(app: &App) {
    if let Err(problem) = &app.services.login {
        let hint = problem.hint().unwrap_or_default();
        log::warn("people cannot log in", &[("problem", problem), ("hint", &hint)]);
    }
    let sessions = app.services.store.known().len();
    log::info("serving", &[("version", &env!("CARGO_PKG_VERSION")), ("sessions", &sessions)]);
}

/// Ends what runs, in an order in which nothing is lost. `then` ends what only some have.
pub(super) fn finish(app: &App, server: Option<LocalServer>, then: impl FnOnce()) {
    app.pool.close();
    app.services.credentials.close();
    then();
    if server.is_some_and(|server| !server.stop()) {
        log::warn("requests were cut off after the time they have to finish", &[]);
    }
    if !app.pool.wait(STOP_GRACE) {
        log::warn("a renewal was cut off after the time it has to finish", &[]);
    }
    // What a failing disk or engine kept in memory gets its last chance.
    if let Some(error) = app.services.store.flush().problem() {
        log::error("logins that are in memory only end with this process", &[("reason", error)]);
    }
}

/// The identity server on its socket.
pub(super) struct LocalServer {
    socket: BoundSocket,
    server: Server,
}

impl LocalServer {
    /// Takes the socket and serves on it.
    ///
    /// # Errors
    /// `SocketUnusable`, or when the system gives no threads.
    pub(super) fn start(
        context: &Context<'_>,
        services: &Arc<Services>,
        policy: Policy,
        path: &Path,
    ) -> Result<Self> {
        let socket = open_socket(context, path)?;
        let server = start_server(services, policy, &socket)?;
        Ok(Self { socket, server })
    }

    /// Where it listens; `None` for a socket that the service manager passed.
    pub(super) fn path(&self) -> Option<&Path> {
        self.socket.path()
    }

    /// Stops; false when requests had to be cut off.
    fn stop(self) -> bool {
        self.server.stop()
    }
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

fn start_server(services: &Arc<Services>, policy: Policy, socket: &BoundSocket) -> Result<Server> {
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

/// A failure of the system that has no mend of ours.
pub(super) fn internal(what: &str, error: &std::io::Error) -> Error {
    Error::new(Code::Internal, format!("{what}: {error}"))
}
