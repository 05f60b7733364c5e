//! `agent-identity bridge`: the services for the host's plugin, which starts this process and ends it by closing its input.

use std::io::BufReader;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde_json::{Map, Value, json};

use crate::base::entropy::OsEntropy;
use crate::base::error::Result;
use crate::base::log;
use crate::config::load::{self, Loaded};
use crate::config::model::UserPool;
use crate::http::limits::STOP_GRACE;
use crate::message::post::Host;
use crate::peer::policy::Policy;
use crate::surface::bridge::host::{Greeting, HostPost};
use crate::surface::bridge::link::Link;
use crate::surface::bridge::{self, Bridge, rpc};
use crate::surface::cli::commands::{Context, paths};
use crate::surface::hook::{Hooks, Settings};
use crate::sys::signal::StopSignals;

use super::build::{App, build};
use super::process::{self, LocalServer};

/// Serves the host until the input ends or SIGTERM comes. Says nothing on standard output but messages.
///
/// # Errors
/// What kept it from starting; the host is told the same.
pub(super) fn run(context: &Context<'_>) -> Result<()> {
    process::protect();
    let link = Arc::new(Link::new(Box::new(std::io::stdout())));
    let mut input = BufReader::new(std::io::stdin());
    // A host that goes before it has said anything wants nothing.
    let Ok((id, params)) = bridge::greeting(&mut input, &link) else { return Ok(()) };
    let started = StopSignals::install()
        .map_err(|error| process::internal("cannot wait for signals", &error))
        .and_then(|signals| Ok((signals, Started::new(context, &link, params)?)));
    let (signals, started) = match started {
        Ok(started) => started,
        Err(error) => {
            link.send(&rpc::failed(&id, &error));
            return Err(error);
        }
    };
    let Started { app, bridge, server, facts } = started;
    process::announce(&app);
    link.send(&rpc::success(&id, &facts));

    let stopper = signals.stopper();
    let reader = std::thread::Builder::new().name("bridge-input".to_owned()).spawn(move || {
        bridge::serve(&mut input, &link, &bridge, STOP_GRACE);
        stopper.stop();
    });
    reader.map_err(|error| process::internal("cannot start the thread that reads", &error))?;
    let reason = signals.wait().map_err(|error| process::internal("cannot wait for signals", &error))?;
    log::info("stopping", &[("reason", &format!("{reason:?}"))]);
    process::finish(&app, server, || ());
    Ok(())
}

struct Started {
    app: App,
    bridge: Arc<Bridge>,
    server: Option<LocalServer>,
    /// What the plugin is told.
    facts: Value,
}

impl Started {
    fn new(context: &Context<'_>, link: &Arc<Link>, params: Map<String, Value>) -> Result<Self> {
        let greeting = Greeting::read(params)?;
        let host = greeting.host()?;
        let (paths, socket) = paths(context.options, context.env)?;
        let given = context.options.config.as_deref();
        let loaded = match &greeting.config {
            Some(settings) => {
                let settings = Value::Object(settings.clone()).to_string();
                load::read_from_host(&paths, given, &settings, context.env)?.accepted()?
            }
            None => load::load(&paths, given, context.env)?,
        };
        process::report(&loaded);
        let app = build(&loaded, &paths.data_dir)?;
        let identity = &loaded.config.identity;
        let post = Arc::new(HostPost(link.clone()));
        app.post.attach(Host { courier: post.clone(), waker: post });
        app.services.gate.set_host_asks(greeting.approvals);
        let server = match identity.local_server {
            Some(true) => {
                let policy = Policy::new(&identity.local_server_allowlist, identity.local_server_fail_open)?;
                Some(LocalServer::start(context, &app.services, policy, &socket)?)
            }
            _ => None,
        };
        let settings = settings(&loaded, host, server.is_some());
        let hooks = Hooks::new(app.services.clone(), settings, Arc::new(OsEntropy));
        let flags = app.services.gate.flags();
        let facts = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "gated": !hooks.admits_all() || flags.any(),
            "wantsPrompt": flags.skill_read_check,
        });
        let bridge = Bridge {
            hooks,
            services: app.services.clone(),
            callback: app.callback.clone(),
            told_bindings: AtomicBool::new(false),
        };
        bridge.tell_state(link);
        Ok(Self { app, bridge: Arc::new(bridge), server, facts })
    }
}

fn settings(loaded: &Loaded, host: crate::surface::hook::Host, has_socket: bool) -> Settings {
    let identity = &loaded.config.identity;
    Settings {
        login_required: can_log_in(&loaded.config.userpool),
        propagate: identity.subagent_tip_propagation,
        injection: identity.injection,
        handles: has_socket,
        host,
    }
}

/// Whether a user pool is meant to be there, whatever its settings still lack: without one nobody could ever pass.
fn can_log_in(pool: &UserPool) -> bool {
    pool.discovery_url.is_some()
        || [&pool.client_id, &pool.user_pool_name, &pool.client_name].iter().any(|it| it.is_some())
}
