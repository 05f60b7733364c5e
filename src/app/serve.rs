//! `agent-identity serve`: identity socket and login callback until somebody says stop.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::base::error::{Code, Error, Result};
use crate::base::log;
use crate::base::url::Url;
use crate::config::load;
use crate::oidc::callback::Callback;
use crate::peer::policy::Policy;
use crate::surface::callback::listener::CallbackListener;
use crate::surface::cli::commands::{Context, paths};
use crate::sys::signal::StopSignals;

use super::build::{App, build};
use super::process::{self, LocalServer};

/// Runs until SIGTERM, SIGINT or SIGHUP. Says `socket: PATH`, `callback: URL` and `ready` on standard output when it
/// serves.
///
/// # Errors
/// What kept it from starting. Nothing is left behind then.
pub(super) fn run(context: &Context<'_>, callback_listen: Option<&str>) -> Result<()> {
    process::protect();
    let signals =
        StopSignals::install().map_err(|error| process::internal("cannot wait for signals", &error))?;
    let (paths, socket_path) = paths(context.options, context.env)?;
    let loaded = load::load(&paths, context.options.config.as_deref(), context.env)?;
    process::report(&loaded);
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
    let server = LocalServer::start(context, &app.services, policy, &socket_path)?;

    if let Some(path) = server.path() {
        context.output.text(&format!("socket: {}", path.display()));
    }
    if let Some(listener) = &listener {
        context.output.text(&format!("callback: http://{}", listener.address()));
    }
    context.output.text("ready");
    process::announce(&app);

    let reason = signals.wait().map_err(|error| process::internal("cannot wait for signals", &error))?;
    log::info("stopping", &[("reason", &format!("{reason:?}"))]);
    process::finish(&app, Some(server), || drop(listener));
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
