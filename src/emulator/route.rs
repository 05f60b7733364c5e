//! Which endpoint a request is for, what befalls it on the way, and its record.

use serde_json::json;

use super::fault::Effects;
use super::message::{Reply, Request, http_date};
use super::userpool::{self, authorize};
use super::world::World;
use super::{api, control};

/// Endpoints besides the API's actions, by the names that faults and records use.
const ENDPOINTS: [&str; 9] = [
    "discovery",
    "jwks",
    "authorize",
    "login",
    "token",
    "userinfo",
    "logout",
    "workload-discovery",
    "workload-jwks",
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
    let target = target(world, request);
    let number = world.requests.add(&target, request);
    let effects = world.faults.take(&target);
    if !effects.delay.is_zero() {
        world.stop.wait(effects.delay);
    }
    let reply = match &effects.instead {
        Some(effect) => effect.reply(api::metadata(world, request)),
        None => dispatch(world, request, &target, &effects),
    };
    world.requests.answered(number, reply.status);
    effects.spoil(reply)
}

fn target(world: &World, request: &Request) -> String {
    if request.path == "/" {
        let action = request.param("Action").filter(|action| is_target(action));
        return action.unwrap_or_else(|| UNKNOWN.to_owned());
    }
    let user_pool = format!("/userpool/{}", world.options.user_pool);
    let workload_pool = format!("/workloadpool/{}", world.options.workload_pool_id());
    let name = if let Some(rest) = request.path.strip_prefix(&user_pool) {
        match rest {
            "/.well-known/openid-configuration" => "discovery",
            "/keys" => "jwks",
            "/authorize" => "authorize",
            "/login" => "login",
            "/oauth/token" => "token",
            "/userinfo" => "userinfo",
            "/logout" => "logout",
            _ => UNKNOWN,
        }
    } else {
        match request.path.strip_prefix(&workload_pool) {
            Some("/.well-known/openid-configuration") => "workload-discovery",
            Some("/keys") => "workload-jwks",
            _ => UNKNOWN,
        }
    };
    name.to_owned()
}

fn dispatch(world: &World, request: &Request, target: &str, effects: &Effects) -> Reply {
    match (request.method.as_str(), target) {
        _ if request.path == "/" => api::answer(world, request, effects),
        (_, UNKNOWN) => Reply::text(404, "there is nothing here"),
        ("GET", "discovery") => userpool::discovery(world),
        ("GET", "jwks") => userpool::jwks(world),
        ("GET", "authorize") => authorize::show(world, request),
        ("POST", "login") => authorize::log_in(world, request),
        ("POST", "token") => userpool::token::answer(world, request, effects.wrong_signature),
        ("GET" | "POST", "userinfo") => userpool::userinfo(world, request),
        ("GET", "logout") => userpool::logout(world, request),
        ("GET", "workload-discovery") => workload_discovery(world),
        ("GET", "workload-jwks") => Reply::json(200, &world.state().workload_keys.jwks()),
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
