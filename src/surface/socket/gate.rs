//! The door of the identity socket: attests the peer, asks the policy, counts and logs.

use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use crate::base::error::{Code, Error};
use crate::base::log;
use crate::base::time::Clock;
use crate::http::{Response, Status};
use crate::peer::attest::Attestor;
use crate::peer::policy::{Decision, Policy};
use crate::peer::stats::PeerStats;
use crate::peer::{Peer, Process};
use crate::sys::peer::own_uid;

/// Decides about each connection once.
#[derive(Debug)]
pub struct Gate {
    attestor: Attestor,
    policy: Policy,
    stats: Arc<PeerStats>,
    clock: Arc<dyn Clock>,
}

impl Gate {
    /// A door with that policy.
    #[must_use]
    pub fn new(policy: Policy, stats: Arc<PeerStats>, clock: Arc<dyn Clock>) -> Self {
        Self { attestor: Attestor::new(), policy, stats, clock }
    }

    /// Lets the peer in, or gives the answer for it: one bland sentence, whatever the reason; the log has it.
    ///
    /// # Errors
    /// The 403 to send before anything is read.
    pub fn admit(&self, stream: &UnixStream) -> Result<Peer, Response> {
        let peer = self.attestor.attest(stream.as_fd()).map_err(|error| {
            log::error("a peer could not be looked at, so it is refused", &[("error", &error)]);
            refusal()
        })?;
        let decision = self.policy.decide(own_uid(), &peer);
        self.stats.count(&peer, &decision, self.clock.now());
        match decision {
            Decision::Allowed { .. } => Ok(peer),
            Decision::AllowedUnresolved { reason } => {
                log::warn(
                    "an unidentified peer was let in (identity.localServerFailOpen)",
                    &[("reason", &reason.as_str()), ("uid", &peer.uid)],
                );
                Ok(peer)
            }
            Decision::Denied { reason } => {
                log::warn(
                    "a peer was refused",
                    &[
                        ("reason", &reason.as_str()),
                        ("uid", &peer.uid),
                        ("process", &describe(&peer.process)),
                    ],
                );
                Err(refusal())
            }
        }
    }
}

fn refusal() -> Response {
    let error = Error::new(Code::Forbidden, "this process may not use the identity server").with_hint(
        "the operator decides with identity.localServerAllowlist; the server's log names the reason",
    );
    Response::error(Status::Forbidden, &error)
}

fn describe(process: &Process) -> String {
    match process {
        Process::Known(known) => {
            let path = known.executable.as_ref().map(|program| program.path.display().to_string());
            format!("pid {} {}", known.pid, path.unwrap_or_else(|| known.name.to_string_lossy().into_owned()))
        }
        Process::Unresolvable(reason) => reason.as_str().to_owned(),
        Process::Replaced(pid) => format!("pid {pid} is another process now"),
        Process::Unchecked(reason) => reason.clone(),
    }
}
