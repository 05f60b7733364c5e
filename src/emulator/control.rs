//! The controls over HTTP, under [`PREFIX`]: what tests in other processes use in place of the Rust interface.
//!
//! Only programs may use them: requests that a browser sends for a page are refused.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::fault::Fault;
use super::jws::Rotation;
use super::message::{Reply, Request};
use super::seed::{CredentialProvider, DenyRule, IdentityProvider, RoleProvider};
use super::userpool::pool::MAX_IDENTITY_PROVIDERS;
use super::world::World;
use crate::base::error::{Code, Error, Result};
use crate::base::url::Url;

/// Where the controls are.
pub(super) const PREFIX: &str = "/_emulator/";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ClockOffset {
    offset_seconds: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Rotate {
    #[serde(default)]
    drop_old: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Callback {
    url: String,
}

/// An identity provider and the pool it is for; the first pool when none is named.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PoolsProvider {
    #[serde(default)]
    user_pool_uid: Option<String>,
    provider: IdentityProvider,
}

/// Answers a request to the controls.
pub(super) fn answer(world: &World, request: &Request) -> Reply {
    perform(world, request).unwrap_or_else(|error| {
        let status = match error.code() {
            Code::Forbidden => 403,
            Code::NotFound => 404,
            Code::InvalidRequest => 400,
            _ => 500,
        };
        Reply::json(status, &error.to_json())
    })
}

fn perform(world: &World, request: &Request) -> Result<Reply> {
    // A page elsewhere can make a browser send requests here, under its own origin or a name that it points here.
    let host = request.header("host").and_then(|host| Url::parse(&format!("http://{host}")).ok());
    if request.header("origin").is_some() || !host.is_some_and(|host| host.is_loopback()) {
        return Err(Error::new(Code::Forbidden, "the controls are not for browsers"));
    }
    let what = request.path.strip_prefix(PREFIX).unwrap_or_default();
    match (request.method.as_str(), what) {
        ("POST", "faults") => world.faults.add(body::<Fault>(request)?)?,
        ("DELETE", "faults") => world.faults.clear(),
        ("GET", "requests") => return Ok(Reply::json(200, &json!(world.requests.all()))),
        ("DELETE", "requests") => world.requests.clear(),
        ("POST", "clock") => world.set_offset(body::<ClockOffset>(request)?.offset_seconds),
        ("POST", "callbacks") => register_callback(world, &body::<Callback>(request)?.url)?,
        ("POST", "rotate") => {
            let drop_old = body::<Rotate>(request)?.drop_old;
            world.rotate(if drop_old { Rotation::DropOld } else { Rotation::KeepOld })?;
        }
        ("POST", "credential-providers") => {
            put_credential_provider(world, body::<CredentialProvider>(request)?)?;
        }
        ("DELETE", "credential-providers") => world.state().providers.clear_credential(),
        ("POST", "role-providers") => put_role_provider(world, body::<RoleProvider>(request)?)?,
        ("DELETE", "role-providers") => world.state().providers.clear_role(),
        ("POST", "deny-rules") => add_deny_rule(world, body::<DenyRule>(request)?)?,
        ("DELETE", "deny-rules") => world.state().deny_rules.clear(),
        ("POST", "identity-providers") => {
            let PoolsProvider { user_pool_uid, provider } = body(request)?;
            put_identity_provider(world, user_pool_uid.as_deref(), provider)?;
        }
        _ => return Err(Error::new(Code::NotFound, "there is no such control")),
    }
    Ok(Reply::json(200, &json!({})))
}

/// Callback addresses registered at most.
pub(super) const MAX_CALLBACKS: usize = 100;

/// Registers a callback address for both clients of the first pool.
///
/// # Errors
/// When it is no URL, or there are [`MAX_CALLBACKS`] already.
pub(super) fn register_callback(world: &World, url: &str) -> Result<()> {
    Url::parse(url).map_err(|problem| bad(format!("callback URL: {problem}")))?;
    let options = &world.options;
    let Some(pool) = world.state().pools.first() else { return Ok(()) };
    let mut state = pool.state();
    let ours = |uid: &str| uid == options.client_id || uid == options.public_client_id;
    for client in state.clients.iter_mut().filter(|client| ours(&client.uid)) {
        if client.callbacks.iter().any(|known| known == url) {
            continue;
        }
        if client.callbacks.len() >= MAX_CALLBACKS {
            return Err(bad("too many callback URLs".to_owned()));
        }
        client.callbacks.push(url.to_owned());
    }
    Ok(())
}

/// Deny rules at most.
pub(super) const MAX_DENY_RULES: usize = 1000;

/// Adds a credential provider, or replaces the one of its name.
///
/// # Errors
/// When there are [`MAX_PROVIDERS`](super::api::provider::MAX_PROVIDERS) already.
pub(super) fn put_credential_provider(world: &World, provider: CredentialProvider) -> Result<()> {
    let now = world.now();
    fits(world.state().providers.put_credential(provider, now))
}

/// Adds a role provider, or replaces the one of its name.
///
/// # Errors
/// When there are [`MAX_PROVIDERS`](super::api::provider::MAX_PROVIDERS) already.
pub(super) fn put_role_provider(world: &World, provider: RoleProvider) -> Result<()> {
    let now = world.now();
    fits(world.state().providers.put_role(provider, now))
}

/// Denies something from now on.
///
/// # Errors
/// When there are [`MAX_DENY_RULES`] already.
pub(super) fn add_deny_rule(world: &World, rule: DenyRule) -> Result<()> {
    let rules = &mut world.state().deny_rules;
    if rules.len() < MAX_DENY_RULES {
        rules.push(rule);
        return Ok(());
    }
    fits(false)
}

/// Adds an external identity provider to a pool, the first when none is named, or replaces the one of its name.
///
/// # Errors
/// When there is no such pool, or it has [`MAX_IDENTITY_PROVIDERS`] already.
pub(super) fn put_identity_provider(
    world: &World,
    pool: Option<&str>,
    provider: IdentityProvider,
) -> Result<()> {
    let found = {
        let state = world.state();
        pool.map_or_else(|| state.pools.first(), |uid| state.pools.by_uid(uid))
    };
    let Some(found) = found else { return Err(Error::new(Code::NotFound, "there is no such UserPool")) };
    let now = world.now();
    let known = &mut found.state().identity_providers;
    let has_room = known.len() < MAX_IDENTITY_PROVIDERS;
    match known.iter_mut().find(|(old, _)| old.name == provider.name) {
        Some(old) => old.0 = provider,
        None if has_room => known.push((provider, now)),
        None => return fits(false),
    }
    Ok(())
}

fn fits(fits: bool) -> Result<()> {
    if fits { Ok(()) } else { Err(bad("there are too many already".to_owned())) }
}

fn bad(what: String) -> Error {
    Error::new(Code::InvalidRequest, what)
}

fn body<T: DeserializeOwned>(request: &Request) -> Result<T> {
    let body = if request.body.is_empty() { b"{}" } else { request.body.as_slice() };
    serde_json::from_slice(body).map_err(|error| bad(format!("the body: {error}")))
}
