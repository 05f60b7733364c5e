//! Who used the socket, for `/status`: grants that rest on the fail-open rule must not go unseen.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use super::policy::Decision;
use super::{Level, Peer};
use crate::base::time::Timestamp;

/// Counters of one socket.
#[derive(Debug, Default)]
pub struct PeerStats {
    allowed: AtomicU64,
    denied: AtomicU64,
    fail_open: AtomicU64,
    last: Mutex<Last>,
}

#[derive(Debug, Default)]
struct Last {
    level: Option<Level>,
    fail_open: Option<(Timestamp, &'static str)>,
    denied: Option<(Timestamp, &'static str)>,
}

impl PeerStats {
    /// Counts one decision.
    pub fn count(&self, peer: &Peer, decision: &Decision<'_>, now: Timestamp) {
        let counter = match decision {
            Decision::Allowed { .. } => &self.allowed,
            Decision::AllowedUnresolved { .. } => &self.fail_open,
            Decision::Denied { .. } => &self.denied,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match decision {
            Decision::Allowed { .. } => last.level = Some(peer.level()),
            Decision::AllowedUnresolved { reason } => last.fail_open = Some((now, reason.as_str())),
            Decision::Denied { reason } => last.denied = Some((now, reason.as_str())),
        }
    }

    /// The numbers, and when and why it last came to a grant by the fail-open rule and to a refusal.
    #[must_use]
    pub fn status(&self) -> Value {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let event = |event: Option<(Timestamp, &str)>| {
            event.map(|(at, reason)| json!({ "at": at, "reason": reason }))
        };
        json!({
            "level": last.level.map(Level::as_str),
            "allowed": self.allowed.load(Ordering::Relaxed),
            "failOpenGrants": self.fail_open.load(Ordering::Relaxed),
            "lastFailOpenGrant": event(last.fail_open),
            "denied": self.denied.load(Ordering::Relaxed),
            "lastDenied": event(last.denied),
        })
    }
}
