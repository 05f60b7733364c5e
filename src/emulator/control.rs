//! The controls over HTTP, under [`PREFIX`]: what tests in other processes use in place of the Rust interface.
//!
//! Only programs may use them: requests that a browser sends for a page are refused.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::fault::Fault;
use super::jws::Rotation;
use super::message::{Reply, Request};
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
        _ => return Err(Error::new(Code::NotFound, "there is no such control")),
    }
    Ok(Reply::json(200, &json!({})))
}

/// Callback addresses registered at most.
pub(super) const MAX_CALLBACKS: usize = 100;

/// Registers a callback address for both clients.
///
/// # Errors
/// When it is no URL, or there are [`MAX_CALLBACKS`] already.
pub(super) fn register_callback(world: &World, url: &str) -> Result<()> {
    Url::parse(url)
        .map_err(|problem| Error::new(Code::InvalidRequest, format!("callback URL: {problem}")))?;
    let mut state = world.state();
    if state.callbacks.iter().any(|known| known == url) {
        return Ok(());
    }
    if state.callbacks.len() >= MAX_CALLBACKS {
        return Err(Error::new(Code::InvalidRequest, "too many callback URLs"));
    }
    state.callbacks.push(url.to_owned());
    Ok(())
}

fn body<T: DeserializeOwned>(request: &Request) -> Result<T> {
    let body = if request.body.is_empty() { b"{}" } else { request.body.as_slice() };
    serde_json::from_slice(body)
        .map_err(|error| Error::new(Code::InvalidRequest, format!("the body: {error}")))
}
