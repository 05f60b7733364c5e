//! Checks of what is reached over the network: proxy and certificates, platform keys, the `id` service, the user pool.

use std::sync::Arc;

use crate::app::build;
use crate::base::entropy::{Entropy, OsEntropy};
use crate::base::env::Env;
use crate::base::error::{Error, Result};
use crate::base::pool::Pool;
use crate::base::time::{Clock, SystemClock};
use crate::base::url::Url;
use crate::config::load::Loaded;
use crate::config::model::{Identity, UserPool};
use crate::config::userpool::PoolMode;
use crate::message::feishu::Feishu;
use crate::net::exchange::TOLERATED_SKEW;
use crate::net::proxy::{self, Proxies};
use crate::net::transport::Transport;
use crate::net::ureq::UreqTransport;
use crate::oidc::discovery::Discovery;
use crate::volc::client::Client;
use crate::volc::endpoint::Origin;
use crate::volc::envelope::{CallError, Class, skew_hint};
use crate::volc::pool::PoolId;

use super::report::{Level, Report};

/// Everything that needs the network, each with the server's own code.
pub(super) fn look(report: &mut Report, loaded: &Loaded) {
    let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) = (Arc::new(SystemClock), Arc::new(OsEntropy));
    let transport: Arc<dyn Transport> = match UreqTransport::new(&loaded.env) {
        Ok(transport) => Arc::new(transport),
        Err(error) => return report.fail("network", &error),
    };
    let config = &loaded.config;
    match build::cloud(config, &loaded.env, &transport, &clock, &entropy, &Pool::default()) {
        Ok(client) => {
            endpoint(report, &client, &loaded.env);
            if keys(report, &client, &config.identity) {
                service(report, &client, &config.identity);
            }
        }
        Err(error) => report.fail("endpoint", &error),
    }
    messages(report, &build::feishu(loaded, &transport, &clock, &entropy));
    user_pool(report, &config.userpool, transport, clock);
}

/// Whether Feishu chats can be told of logins and consents. Everything else works without.
fn messages(report: &mut Report, feishu: &Feishu) {
    const CHECK: &str = "messages";
    match feishu.check() {
        Ok(None) => {}
        Ok(Some(app)) => report.ok(CHECK, format!("Feishu {app}")),
        Err(unsent) => report.warn(CHECK, unsent.to_string(), "correct channels.feishu in openclaw.json"),
    }
}

/// Where calls go, why there, and through what.
fn endpoint(report: &mut Report, client: &Client, env: &Env) {
    let endpoint = client.endpoints().current();
    let text = format!("{}, region {}", endpoint.url.origin(), endpoint.region);
    match client.endpoints().origin() {
        Origin::Configured => report.ok("endpoint", format!("{text} (identity.endpoint)")),
        Origin::Metadata => report.ok("endpoint", format!("{text} (identity.regionMetadataUrl)")),
        Origin::Default => report.ok("endpoint", format!("{text} (default)")),
        Origin::Fallback => report.warn(
            "endpoint",
            format!("{text}, because identity.regionMetadataUrl gave no region"),
            "check that URL, or set identity.endpoint",
        ),
    }
    if let Err(error) = network(report, &endpoint.url, env) {
        report.fail("network", &error);
    }
}

fn network(report: &mut Report, url: &Url, env: &Env) -> Result<()> {
    let proxies = Proxies::of(env)?;
    let way = proxies.choose(url).map_or_else(
        || "no proxy".to_owned(),
        |address| format!("through the proxy {}", proxy::shown(address)),
    );
    let roots = env.get("SSL_CERT_FILE").map_or_else(
        || "the bundled root certificates".to_owned(),
        |file| format!("the root certificates of {file} (SSL_CERT_FILE)"),
    );
    report.ok("network", format!("{way}, {roots}"));
    Ok(())
}

/// Every source of platform keys, and what came of the chain. Whether there are keys to call with.
fn keys(report: &mut Report, client: &Client, identity: &Identity) -> bool {
    const CHECK: &str = "platform keys";
    let outcome = client.chain().keys();
    let used = outcome.as_ref().ok().map(|keys| keys.source);
    for source in client.chain().diagnose() {
        let (name, text) = (source.source, source.text);
        match (source.has_keys, used) {
            (true, Some(used)) if used == name => report.ok(CHECK, format!("{name}: {text}; used")),
            (true, Some(used)) => {
                report.note(CHECK, format!("{name}: {text}; passed over for {used}"), None);
            }
            (true, None) => report.note(CHECK, format!("{name}: {text}"), None),
            (false, _) => report.note(CHECK, format!("{name}: passed over, {text}"), None),
        }
    }
    match (outcome, &identity.role_trn) {
        (Ok(keys), role) => {
            if let (Some(end), Some(role)) = (keys.expires_at, role) {
                report.ok("role", format!("{role} assumed until {end}"));
            }
            true
        }
        (Err(error), _) => {
            report.fail(CHECK, &error);
            false
        }
    }
}

/// One cheap call that needs a good signature, and the clock that its answer shows.
fn service(report: &mut Report, client: &Client, identity: &Identity) {
    const CHECK: &str = "cloud";
    let pool = &identity.workload_pool_name;
    match client.get_workload_pool(PoolId { name: Some(pool), id: None }) {
        Ok(_) => report.ok(CHECK, format!("answers, and knows the workload pool {pool}")),
        // The keys and their signature are good; nothing but this command needs the permission.
        Err(CallError::Refused { refusal, error }) if is_lack_of_policy(&refusal.code) => {
            report.error(CHECK, Level::Note, &error);
        }
        Err(CallError::Refused { refusal, error }) if refusal.class == Class::NotFound => {
            let hint = format!("create the workload pool {pool}, or correct identity.workloadPoolName");
            report.fail(CHECK, &error.with_hint(hint));
        }
        Err(error) => report.fail(CHECK, &Error::from(error)),
    }
    match client.reachability().skew_seconds {
        None => report.note("clock", "not measured: the cloud gave no date", None),
        Some(skew) if skew.unsigned_abs() > TOLERATED_SKEW.as_secs() => {
            report.warn(
                "clock",
                "differs from the cloud's; calls are signed with the cloud's time",
                skew_hint(skew),
            );
        }
        Some(_) => report.ok("clock", format!("within {} seconds of the cloud's", TOLERATED_SKEW.as_secs())),
    }
}

fn is_lack_of_policy(code: &str) -> bool {
    matches!(code, "LackPolicy" | "AccessDenied")
}

/// Whether people can log in. A pool that is found by name is left alone: looking for it might create it.
fn user_pool(report: &mut Report, userpool: &UserPool, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) {
    const CHECK: &str = "user pool";
    match userpool.mode() {
        Ok(PoolMode::Explicit(pool)) => match Discovery::new(pool.discovery_url, transport, clock).metadata()
        {
            Ok(metadata) => report.ok(CHECK, format!("issuer {}", metadata.issuer)),
            Err(error) => report.fail(CHECK, &error),
        },
        Ok(PoolMode::Dynamic(pool)) => {
            let text =
                format!("{}, client {}: looked up at the first login", pool.user_pool_name, pool.client_name);
            report.note(CHECK, text, None);
        }
        Err(error) => report.fail(CHECK, &error),
    }
}
