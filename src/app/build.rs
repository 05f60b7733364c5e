//! Puts the services together from a configuration and the seams to the outside.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::action::Services;
use crate::action::follow_up::FollowUp;
use crate::action::services::{Counters, Imports};
use crate::action::sign_in::SignIn;
use crate::authz::gate::{Flags, Gate, Parts as GateParts};
use crate::authz::judge::Judge;
use crate::authz::opinion::{Opinion, Settings as OpinionSettings};
use crate::authz::permission::Permissions;
use crate::authz::registry::Approvals;
use crate::base::entropy::{Entropy, OsEntropy};
use crate::base::env::Env;
use crate::base::error::Result;
use crate::base::pool::Pool;
use crate::base::time::{Clock, SystemClock};
use crate::config::load::Loaded;
use crate::config::model::Config;
use crate::config::userpool::PoolMode;
use crate::credential::cloud::Cloud;
use crate::credential::desk::{Desk, Parts};
use crate::credential::inject::Calls;
use crate::credential::own::Own;
use crate::credential::polls::Pace;
use crate::message::feishu::{Configured, Feishu};
use crate::message::post::Post;
use crate::net::exchange::Exchange;
use crate::net::transport::Transport;
use crate::net::ureq::UreqTransport;
use crate::oidc::callback::Callback;
use crate::oidc::client::LoginSettings;
use crate::oidc::identity_providers::IdentityProviders;
use crate::oidc::login::LoginDesk;
use crate::oidc::named::NamedPool;
use crate::oidc::provider::Provider;
use crate::oidc::renewal::Renewal;
use crate::oidc::source::{Registration, Source};
use crate::peer::stats::PeerStats;
use crate::session::users::Users;
use crate::tip::broker::Broker;
use crate::tip::delegation::Delegations;
use crate::tip::issuer::{self, CloudIssuer};
use crate::tip::workload::Naming;
use crate::volc::client::Client;
use crate::volc::endpoint::Endpoints;
use crate::volc::keys::KeySettings;
use crate::volc::keys::chain::{Chain, Reach};

use super::keeping::{self, Keeping};

/// The services of one process, and what serves its logins.
#[derive(Debug)]
pub struct App {
    /// What actions work with.
    pub services: Arc<Services>,
    /// The callback of logins; `None` while no user pool is configured.
    pub callback: Option<Arc<Callback>>,
    /// The way of messages to people; a host that can send as well is attached here.
    pub post: Post,
    /// Work that nobody waits for; to be closed at the end.
    pub pool: Pool,
}

/// Opens the store and builds everything on it. Reaches out to nobody.
///
/// # Errors
/// When the data folder cannot be used, or is held by another process, or a TLS setting is broken.
pub fn build(loaded: &Loaded, data_dir: &Path) -> Result<App> {
    let config = &loaded.config;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
    let transport: Arc<dyn Transport> = Arc::new(UreqTransport::new(&loaded.env)?);
    let Keeping { sessions: store, pending, senders, bindings } =
        keeping::open(loaded, data_dir, &clock, &entropy)?;

    let pool = Pool::default();
    let cloud = Arc::new(cloud(config, &loaded.env, &transport, &clock, &entropy, &pool)?);
    let provider = provider(config, &cloud, &transport, &clock);
    let renewal = Renewal::new(store.clone(), provider.as_ref().ok().cloned(), clock.clone());
    let delegations = Arc::new(Delegations::new(Arc::new(renewal), clock.clone()));
    let users: Arc<dyn Users> = delegations.clone();
    let issuer = Arc::new(CloudIssuer::new(cloud.clone(), token_settings(config), clock.clone()));
    let broker = Broker::new(users.clone(), issuer.clone(), clock.clone(), entropy.clone(), pool.clone());
    let hosted = Arc::new(hosted(config, &cloud));
    let own = Own::new(issuer, hosted.clone(), clock.clone());
    let post = Post::new(vec![Arc::new(feishu(loaded, &transport, &clock, &entropy))], pool.clone());
    let credentials = Desk::new(Parts {
        users: users.clone(),
        speaker: Arc::new(broker.clone()),
        hosted,
        notifier: Arc::new(FollowUp::new(post.clone())),
        clock: clock.clone(),
        entropy: entropy.clone(),
        pace: Pace::default(),
    });

    let gate = gate(loaded, &cloud, &transport, &clock, &entropy);
    let pending = Arc::new(pending);
    let callback = provider.as_ref().ok().map(|provider| {
        let (store, broker) = (store.clone(), broker.clone());
        let sink = Arc::new(SignIn::new(store, broker, credentials.clone(), post.clone(), clock.clone()));
        Arc::new(Callback::new(provider.clone(), pending.clone(), sink, config.userpool.confirm_login))
    });
    let login = provider.map(|provider| Arc::new(LoginDesk::new(provider, pending)));
    let services = Services {
        store,
        users,
        delegations,
        broker,
        credentials,
        own,
        bindings,
        senders: Arc::new(senders),
        calls: Calls::default(),
        imports: imports(loaded),
        gate,
        login,
        cloud,
        peers: Arc::new(PeerStats::default()),
        counters: Counters::default(),
        config: loaded.view(),
        webchat_session_exchange: config.identity.webchat_session_exchange,
        personal_session_mode: config.identity.personal_session_mode,
        started: clock.monotonic(),
        clock,
    };
    Ok(App { services: Arc::new(services), callback, post, pool })
}

/// The workload's own credentials, with no store and so without any session. Reaches out to nobody before the first.
///
/// # Errors
/// When a TLS setting or an address is broken.
pub(super) fn own(loaded: &Loaded) -> Result<Own> {
    let config = &loaded.config;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
    let transport: Arc<dyn Transport> = Arc::new(UreqTransport::new(&loaded.env)?);
    let pool = Pool::default();
    let cloud = Arc::new(cloud(config, &loaded.env, &transport, &clock, &entropy, &pool)?);
    let issuer = CloudIssuer::new(cloud.clone(), token_settings(config), clock.clone());
    Ok(Own::new(Arc::new(issuer), Arc::new(hosted(config, &cloud)), clock))
}

/// The credential hosting that the configuration names.
fn hosted(config: &Config, cloud: &Arc<Client>) -> Cloud {
    let (pool, people) = (&config.identity.workload_pool_name, &config.userpool.user_pool_name);
    Cloud::new(cloud.clone(), pool.clone(), people.clone())
}

/// Our own client for the host's Feishu channel.
pub(super) fn feishu(
    loaded: &Loaded,
    transport: &Arc<dyn Transport>,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> Feishu {
    let channel = loaded.feishu.clone();
    let secrets = Configured { providers: channel.providers().clone(), env: loaded.env.clone() };
    let exchange = Exchange::new(transport.clone(), clock.clone(), entropy.clone());
    Feishu::new(channel, Arc::new(secrets), exchange, clock.clone(), entropy.clone())
}

/// What rules on calls. A second opinion that cannot be had leaves the rules to decide alone, and is told of.
fn gate(
    loaded: &Loaded,
    cloud: &Arc<Client>,
    transport: &Arc<dyn Transport>,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> Gate {
    let authz = &loaded.config.authz;
    let key_is_missing = loaded.pending.iter().any(|pending| pending.path == "authz.llmRiskCheck.apiKey");
    let (settings, problem) = match OpinionSettings::of(authz, key_is_missing) {
        Ok(settings) => (settings, None),
        Err(problem) => (None, Some(problem)),
    };
    let opinion =
        settings.map(|settings| Opinion::new(settings, transport.clone(), clock.clone(), entropy.clone()));
    let ttl = Duration::from_secs(authz.approval_ttl_seconds);
    Gate::new(GateParts {
        flags: Flags::of(authz),
        low_risk_tools: authz.low_risk_tools.clone(),
        approval_ttl_seconds: authz.approval_ttl_seconds,
        permissions: Permissions::new(authz.namespace_name.clone(), cloud.clone(), clock.clone()),
        judge: Judge::new(opinion),
        approvals: Approvals::new(ttl, clock.clone(), entropy.clone()),
        home: loaded.env.get("HOME").map(str::to_owned),
        problem,
    })
}

/// What may be imported from this process's environment. A configuration that cannot be read any more names nothing.
fn imports(loaded: &Loaded) -> Imports {
    let text = loaded.file.as_ref().and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
    Imports::new(loaded.env.clone(), loaded.config.identity.binding_import_allow.clone(), &text)
}

/// The OpenID provider, or what its configuration lacks; logins then say so, and everything else works.
fn provider(
    config: &Config,
    cloud: &Arc<Client>,
    transport: &Arc<dyn Transport>,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<Provider>> {
    let (redirect_uri, scope, source) = match config.userpool.mode()? {
        PoolMode::Explicit(pool) => {
            let source = Source::known(Registration::configured(&pool), transport.clone(), clock.clone());
            (pool.callback_url, pool.scope, source)
        }
        PoolMode::Dynamic(pool) => {
            let (redirect_uri, scope) = (pool.callback_url.clone(), pool.scope.clone());
            let named = NamedPool::new(pool, cloud.clone());
            (redirect_uri, scope, Source::named(named, transport.clone(), clock.clone()))
        }
    };
    let settings = LoginSettings {
        redirect_uri,
        scope,
        identity_provider: config.userpool.identity_provider.clone(),
        relay: config.userpool.use_relay_callback,
    };
    let listed = IdentityProviders::new(cloud.clone(), clock.clone());
    Ok(Arc::new(Provider::new(settings, source, Some(listed), transport.clone(), clock.clone())))
}

/// The control plane. Reaches out to nobody before the first call.
pub(super) fn cloud(
    config: &Config,
    env: &Env,
    transport: &Arc<dyn Transport>,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
    pool: &Pool,
) -> Result<Client> {
    let identity = &config.identity;
    let exchange = || Arc::new(Exchange::new(transport.clone(), clock.clone(), entropy.clone()));
    let (endpoint, region) = (identity.endpoint.clone(), identity.region_metadata_url.clone());
    let settings = KeySettings::from(identity);
    let reach = Reach { cloud: exchange(), metadata: exchange() };
    let endpoints = Endpoints::new(endpoint, region, transport.clone(), clock.clone())?;
    let chain = Chain::new(settings, env.clone(), reach.clone(), clock.clone());
    let chain = Arc::new(chain.renewing_in(pool.clone(), entropy.clone()));
    Ok(Client::new(endpoints, chain, reach.cloud, clock.clone()))
}

fn token_settings(config: &Config) -> issuer::Settings {
    let identity = &config.identity;
    let naming =
        Naming { workload_name: identity.workload_name.clone(), has_role: identity.role_trn.is_some() };
    issuer::Settings {
        naming,
        pool: identity.workload_pool_name.clone(),
        audience: identity.audience.clone(),
        duration_seconds: identity.duration_seconds,
    }
}
