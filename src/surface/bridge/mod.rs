//! The host's plugin at the other end of standard input and output: JSON-RPC 2.0, a line each, both ways.
//!
//! The plugin has no logic: it forwards what the host asks, and denies when no answer comes. A request runs on a thread
//! of its own pool, so a slow one keeps no other waiting; the end of the input is the end of the process.

pub mod host;
pub mod link;
mod methods;
pub mod rpc;

use std::collections::HashMap;
use std::io::{self, BufRead};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::action::Services;
use crate::base::error::{Code, Error, Result};
use crate::base::pool::{Pool, Shape};
use crate::oidc::callback::Callback;
use crate::surface::hook::Hooks;

use link::{Line, Link};
use rpc::Incoming;

/// The threads that answer; a request may wait for the cloud.
const WORKERS: Shape = Shape { name: "bridge", parked: 2, max_threads: 32, max_queued: 256 };

/// What requests work with.
#[derive(Debug)]
pub struct Bridge {
    /// The hooks, tools and commands.
    pub hooks: Hooks,
    /// What actions work with.
    pub services: Arc<Services>,
    /// The callback of logins, where people can log in.
    pub callback: Option<Arc<Callback>>,
    /// Whether the host was last told that there may be bindings.
    pub told_bindings: AtomicBool,
}

/// Requests under way, by id; a raised flag says that the answer is not wanted any more.
type Running = Arc<Mutex<HashMap<String, Arc<AtomicBool>>>>;

/// Reads the first message, which must be `initialize`: its id and parameters.
///
/// # Errors
/// When nothing comes, or something else; that was answered.
pub fn greeting(input: &mut impl BufRead, link: &Link) -> io::Result<(Value, Map<String, Value>)> {
    let ended =
        || io::Error::new(io::ErrorKind::UnexpectedEof, "the host ended the line before it said anything");
    loop {
        let line = match link::read(input)? {
            Line::Whole(line) => line,
            Line::TooLong => continue,
            Line::End => return Err(ended()),
        };
        match rpc::read(&line) {
            Ok(Incoming { id: Some(id), method, params }) if method == "initialize" => {
                return Ok((id, params));
            }
            Ok(Incoming { id: Some(id), .. }) => {
                link.send(&rpc::failure(
                    &id,
                    rpc::INVALID_REQUEST,
                    "the first request must be initialize",
                    None,
                ));
            }
            Ok(_) => {}
            Err(answer) => link.send(&answer),
        }
    }
}

impl Bridge {
    /// Tells the host whether any call may need a credential: it is to deny calls when this process does not answer.
    pub fn tell_state(&self, link: &Link) {
        let bindings = self.services.bindings.may_have_any();
        if self.told_bindings.swap(bindings, Ordering::Relaxed) != bindings {
            link.notify("state", &json!({ "bindings": bindings }));
        }
    }
}

/// Serves requests until the input ends.
pub fn serve(input: &mut impl BufRead, link: &Arc<Link>, bridge: &Arc<Bridge>, grace: Duration) {
    let workers = Pool::new(WORKERS);
    let running = Running::default();
    loop {
        match link::read(input) {
            Ok(Line::Whole(line)) if line.iter().all(u8::is_ascii_whitespace) => {}
            Ok(Line::Whole(line)) => take(&line, link, bridge, &workers, &running),
            Ok(Line::TooLong) => {
                link.send(&rpc::failure(&Value::Null, rpc::INVALID_REQUEST, "the line is too long", None));
            }
            Ok(Line::End) | Err(_) => break,
        }
    }
    // Nobody hears the answers, but what they do is finished.
    workers.close();
    let _ = workers.wait(grace);
}

fn take(line: &[u8], link: &Arc<Link>, bridge: &Arc<Bridge>, workers: &Pool, running: &Running) {
    let incoming = match rpc::read(line) {
        Ok(incoming) => incoming,
        Err(answer) => return link.send(&answer),
    };
    if incoming.method == "cancel" {
        if let Some(id) = incoming.params.get("id")
            && let Some(flag) = flags(running).get(&id.to_string())
        {
            flag.store(true, Ordering::Relaxed);
        }
        return;
    }
    let id = incoming.id.clone();
    let flag = Arc::new(AtomicBool::new(false));
    if let Some(id) = &id {
        flags(running).insert(id.to_string(), flag.clone());
    }
    let job = {
        let (link, bridge, running) = (link.clone(), bridge.clone(), running.clone());
        move || answer(incoming, &link, &bridge, &running, &flag)
    };
    if !workers.submit(job)
        && let Some(id) = id
    {
        flags(running).remove(&id.to_string());
        let busy = Error::new(Code::Busy, "too many requests at once").with_hint("try again in a moment");
        link.send(&rpc::failed(&id, &busy));
    }
}

fn answer(incoming: Incoming, link: &Link, bridge: &Bridge, running: &Running, cancelled: &AtomicBool) {
    let Incoming { id, method, params } = incoming;
    // A defect is answered too: the host waits, and a call that nobody answers is denied late.
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| bridge.call(&method, &params)))
        .unwrap_or_else(|_| Some(Err(Error::new(Code::Internal, format!("{method} ended in a defect")))));
    bridge.tell_state(link);
    let Some(id) = id else { return };
    flags(running).remove(&id.to_string());
    if cancelled.load(Ordering::Relaxed) {
        bridge.undo(&method, &params);
        return link.send(&rpc::failure(&id, rpc::CANCELLED, "cancelled", None));
    }
    link.send(&match outcome {
        Some(Ok(result)) => rpc::success(&id, &result),
        Some(Err(error)) => rpc::failed(&id, &error),
        None => rpc::failure(&id, rpc::METHOD_NOT_FOUND, &format!("no method {method:?}"), None),
    });
}

fn flags(running: &Running) -> MutexGuard<'_, HashMap<String, Arc<AtomicBool>>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a method gives; `None` where there is no such method.
type Answer = Option<Result<Value>>;
