//! Which endpoint a request is for, what befalls it on the way, and its record.

use std::sync::Arc;

use serde_json::{Value, json};

use super::fault::Effects;
use super::message::{Reply, Request, http_date};
use super::userpool::pool::Pool;
use super::userpool::{self, authorize, external};
use super::world::World;
use super::{api, consent, control, metadata};

/// Endpoints besides the API's actions, by the names that faults and records use.
const ENDPOINTS: [&str; 17] = [
    "discovery",
    "jwks",
    "authorize",
    "login",
    "token",
    "userinfo",
    "logout",
    "workload-discovery",
    "workload-jwks",
    "idp-authorize",
    "idp-login",
    "idp-callback",
    "consent",
    "consent-decision",
    "consent-callback",
    "region-metadata",
    "credentials-metadata",
];

/// What a request is for when nothing matches.
const UNKNOWN: &str = "unknown";

/// Whether faults can be ordered for a name: an endpoint's or an action's.
pub(super) fn is_target(name: &str) -> bool {
    ENDPOINTS.contains(&name) || api::ACTIONS.iter().any(|(action, ..)| *action == name)
}

/// Answers a request; the `Date` of the answer is the emulator's, so a client can see how far it is off.
pub(super) fn answer(world: &World, request: &Request) -> Reply {
    respond(world, request).with("date", http_date(world.now()))
}

fn respond(world: &World, request: &Request) -> Reply {
    if request.path.starts_with(control::PREFIX) {
        return control::answer(world, request);
    }
    let place = Place::of(world, request);
    let number = world.requests.add(&place.target, request);
    let effects = world.faults.take(&place.target, page_number(request));
    if !effects.delay.is_zero() {
        world.stop.wait(effects.delay);
    }
    let reply = match &effects.instead {
        Some(effect) => effect.reply(api::metadata(world, request)),
        None => dispatch(world, request, &place, &effects),
    };
    let reply = effects.spoil(reply);
    world.requests.answered(number, reply.status);
    reply
}

/// Which page of a list a request asks for.
fn page_number(request: &Request) -> Option<i64> {
    let body: Value = serde_json::from_slice(&request.body).ok()?;
    body["PageNumber"].as_i64()
}

/// Where a request goes.
struct Place {
    /// The action's or endpoint's name.
    target: String,
    /// The UserPool whose address it is.
    pool: Option<Arc<Pool>>,
}

impl Place {
    fn of(world: &World, request: &Request) -> Self {
        let at = |target: &str, pool| Self { target: target.to_owned(), pool };
        let path = request.path.as_str();
        if path == "/" {
            let action = request.param("Action").filter(|action| is_target(action));
            return at(action.as_deref().unwrap_or(UNKNOWN), None);
        }
        let in_pool = path.strip_prefix("/userpool/").and_then(|rest| {
            let (uid, _) = rest.split_once('/')?;
            Some((world.state().pools.by_uid(uid)?, rest.get(uid.len()..)?))
        });
        if let Some((pool, rest)) = in_pool {
            let target = match rest {
                "/.well-known/openid-configuration" => "discovery",
                "/keys" => "jwks",
                "/authorize" => "authorize",
                "/login" => "login",
                "/oauth/token" => "token",
                "/userinfo" => "userinfo",
                "/logout" => "logout",
                _ if hosted_callback(rest).is_some() => "idp-callback",
                _ => UNKNOWN,
            };
            return at(target, Some(pool));
        }
        let workload_pool = format!("/workloadpool/{}", world.options.workload_pool_id());
        let target = match path {
            "/idp/authorize" => "idp-authorize",
            "/idp/login" => "idp-login",
            "/oauth2/authorize" => "consent",
            "/oauth2/decide" => "consent-decision",
            consent::CALLBACK_PATH => "consent-callback",
            "/latest/region_id" => "region-metadata",
            "/metadata/credentials" => "credentials-metadata",
            _ if hosted_callback(path).is_some() => "idp-callback",
            _ => match path.strip_prefix(&workload_pool) {
                Some("/.well-known/openid-configuration") => "workload-discovery",
                Some("/keys") => "workload-jwks",
                _ => UNKNOWN,
            },
        };
        at(target, None)
    }
}

/// The kind of identity provider whose callback a path ends in. A pool in the cloud has an origin of its own; here all
/// share one, so the callbacks are at the root, too.
fn hosted_callback(path: &str) -> Option<&str> {
    let kind = path.strip_prefix("/login/")?.strip_suffix("/callback")?;
    ["generic_oauth", "generic_oidc"].contains(&kind).then_some(kind)
}

fn dispatch(world: &World, request: &Request, place: &Place, effects: &Effects) -> Reply {
    if request.path == "/" {
        return api::answer(world, request, effects);
    }
    match (request.method.as_str(), place.target.as_str(), &place.pool) {
        (_, UNKNOWN, _) => Reply::text(404, "there is nothing here"),
        ("GET", "discovery", Some(pool)) => userpool::discovery(pool),
        ("GET", "jwks", Some(pool)) => userpool::jwks(pool),
        ("GET", "authorize", Some(pool)) => authorize::show(world, pool, request),
        ("POST", "login", Some(pool)) => authorize::log_in(world, pool, request),
        ("POST", "token", Some(pool)) => {
            userpool::token::answer(world, pool, request, effects.wrong_signature)
        }
        ("GET" | "POST", "userinfo", Some(pool)) => userpool::userinfo(world, pool, request),
        ("GET", "logout", Some(pool)) => userpool::logout(pool, request),
        ("GET", "idp-authorize", _) => external::show(world, request),
        ("POST", "idp-login", _) => external::log_in(world, request),
        ("GET", "idp-callback", pool) => {
            let path = pool.as_ref().map_or("", |pool| pool.uid.as_str());
            let path = request.path.strip_prefix(&format!("/userpool/{path}")).unwrap_or(&request.path);
            external::come_back(world, pool.as_deref(), hosted_callback(path).unwrap_or_default(), request)
        }
        ("GET", "consent", _) => consent::show(world, request),
        ("POST", "consent-decision", _) => consent::decide(world, request),
        ("GET", "consent-callback", _) => consent::come_back(world, request),
        ("GET", "region-metadata", _) => metadata::region(world),
        ("GET", "credentials-metadata", _) => metadata::credentials(world),
        ("GET", "workload-discovery", _) => workload_discovery(world),
        ("GET", "workload-jwks", _) => Reply::json(200, &world.state().workload_keys.jwks()),
        _ => Reply::text(405, "the method is not supported here"),
    }
}

fn workload_discovery(world: &World) -> Reply {
    let issuer = world.workload_issuer();
    let algorithm = world.state().workload_keys.algorithm().name();
    Reply::json(
        200,
        &json!({
            "issuer": issuer,
            "jwks_uri": format!("{issuer}/keys"),
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [algorithm],
        }),
    )
}
