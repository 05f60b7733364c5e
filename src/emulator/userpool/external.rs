//! External identity providers: a stand-in where users log in, and the pool's callback that takes them back.
//!
//! The outer state names the pool's request, the provider and the client's own state. Without a relay the browser
//! returns to the pool by itself; with one it returns to the client's relay address, which hands code and state on. The
//! provider's code is good at the pool's callback only, once, and for the request it was given for.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::message::{Reply, Request};
use super::super::seed::IdentityProvider;
use super::super::world::{World, random_id};
use super::authorize::{Authorization, redirect};
use super::page;
use super::pool::Pool;
use crate::base::bounded::BoundedMap;
use crate::base::codec::{base64url, unbase64url};
use crate::base::error::{Code, Error, Result};
use crate::base::time::Timestamp;

/// How long a user can take at the provider.
const LIFETIME: Duration = Duration::from_secs(600);
/// Users who are away at most.
const MAX_AWAY: usize = 1000;

/// The state between pool and provider: base64url without padding of this as JSON.
#[derive(Debug, Serialize, Deserialize)]
struct OuterState {
    request_id: String,
    provider_id: String,
    request_state: String,
}

/// A user who is away at a provider.
#[derive(Debug, Clone)]
struct Away {
    pool: String,
    provider: IdentityProvider,
    /// The outer state.
    state: String,
    /// Where the provider sends the browser.
    return_to: String,
    /// The authorization request, to be answered afterwards.
    request: String,
    expires: Timestamp,
    /// The provider's code and who logged in there.
    code: Option<(String, String)>,
}

/// The users who are away, by request.
#[derive(Debug)]
pub(in super::super) struct External(BoundedMap<String, Away>);

impl Default for External {
    fn default() -> Self {
        Self(BoundedMap::new(MAX_AWAY))
    }
}

/// How a provider's kind is called in the address of the pool's callback; `None` for kinds without a stand-in.
pub(super) fn path_name(provider: &IdentityProvider) -> Option<&'static str> {
    match provider.connection_type.to_ascii_lowercase().as_str() {
        "oauth" => Some("generic_oauth"),
        "oidc" => Some("generic_oidc"),
        _ => None,
    }
}

/// Sends the browser to a provider, which sends it back to the relay address, or to the pool without one.
///
/// # Errors
/// When the system has no random bytes.
pub(super) fn leave(
    world: &World,
    pool: &Pool,
    provider: &IdentityProvider,
    relay: Option<&str>,
    client_state: &str,
    params: &BTreeMap<String, String>,
) -> Result<Reply> {
    let request_id = random_id("request-", 16)?;
    let state = OuterState {
        request_id: request_id.clone(),
        provider_id: provider.uid.clone(),
        request_state: client_state.to_owned(),
    };
    let unreadable = |_| Error::new(Code::Internal, "the outer state cannot be written");
    let state = base64url(&serde_json::to_vec(&state).map_err(unreadable)?);
    let kind = path_name(provider).unwrap_or_default();
    let own = format!("{}/login/{kind}/callback", pool.issuer);
    let away = Away {
        pool: pool.uid.clone(),
        provider: provider.clone(),
        state: state.clone(),
        return_to: relay.map_or(own, str::to_owned),
        request: form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish(),
        expires: world.now() + LIFETIME,
        code: None,
    };
    let target = format!("{}/idp/authorize", world.base_url);
    let reply = redirect(
        &target,
        &[
            ("response_type", "code"),
            ("client_id", &pool.uid),
            ("redirect_uri", &away.return_to),
            ("state", &state),
        ],
    );
    world.state().external.0.insert(request_id, away);
    Ok(reply)
}

/// Shows the provider's login form.
pub(in super::super) fn show(world: &World, request: &Request) -> Reply {
    let state = request.param("state").unwrap_or_default();
    match find(world, &state) {
        Some((_, away)) if request.param("redirect_uri") == Some(away.return_to.clone()) => {
            form(200, &away, None)
        }
        _ => unknown(),
    }
}

/// Takes the provider's login form; sends the browser back with the provider's code when the password is right.
pub(in super::super) fn log_in(world: &World, request: &Request) -> Reply {
    let form_fields: BTreeMap<String, String> = form_urlencoded::parse(&request.body).into_owned().collect();
    let field = |name: &str| form_fields.get(name).map(String::as_str).unwrap_or_default();
    let Some((id, away)) = find(world, field("state")) else { return unknown() };
    let user = field("username");
    if !world.knows(user, field("password")) {
        return form(403, &away, Some("User name or password is wrong."));
    }
    let code = match random_id("idp-code-", 24) {
        Ok(code) => code,
        Err(error) => return page::message(500, "Sign in", error.message()),
    };
    if let Some(away) = world.state().external.0.get_mut(&id) {
        away.code = Some((code.clone(), user.to_owned()));
    }
    redirect(&away.return_to, &[("code", &code), ("state", &away.state)])
}

/// The pool's callback of a kind: takes the provider's code and state, and goes on to the client with the pool's code.
/// `pool` is whose address was used, if it was one pool's.
pub(in super::super) fn come_back(
    world: &World,
    pool: Option<&Pool>,
    kind: &str,
    request: &Request,
) -> Reply {
    let (code, state) = (request.param("code"), request.param("state").unwrap_or_default());
    let Some((id, away)) = find(world, &state) else { return unknown() };
    let fits = path_name(&away.provider) == Some(kind) && pool.is_none_or(|pool| pool.uid == away.pool);
    let user = away.code.filter(|(known, _)| code.as_ref() == Some(known)).map(|(_, user)| user);
    let (true, Some(user)) = (fits, user) else { return unknown() };
    // Whoever takes the request out has used it up.
    let taken = world.state().external.0.remove(&id).is_some();
    let home = world.state().pools.by_uid(&away.pool);
    let (true, Some(home)) = (taken, home) else { return unknown() };
    let reply = match Authorization::check(&home, &away.request) {
        Ok(authorization) => authorization
            .grant(world, &home, &user)
            .unwrap_or_else(|error| page::message(500, "Sign in", error.message())),
        Err(reply) => *reply,
    };
    if reply.status == 303 { Reply { status: 302, ..reply } } else { reply }
}

fn find(world: &World, state: &str) -> Option<(String, Away)> {
    let outer: OuterState = serde_json::from_slice(&unbase64url(state)?).ok()?;
    let now = world.now();
    let shared = world.state();
    let away = shared.external.0.get(&outer.request_id)?;
    (away.state == state && !away.expires.is_past(now)).then(|| (outer.request_id, away.clone()))
}

fn form(status: u16, away: &Away, problem: Option<&str>) -> Reply {
    let hidden = [("state".to_owned(), away.state.clone())];
    page::login(status, &format!("Sign in at {}", away.provider.name), &away.pool, &hidden, problem)
}

fn unknown() -> Reply {
    page::message(400, "This request cannot be answered", "The login is unknown, used or expired.")
}
