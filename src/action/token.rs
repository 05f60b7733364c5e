//! The workload token (TIP) of a session.

use std::sync::Arc;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::base::error::Result;
use crate::session::key::SessionKey;
use crate::tip::token::Tip;

use super::tool::Tool;
use super::{Action, Services, target};

/// The tool.
pub const TOOL: Tool = Tool {
    name: "identity_get_tip_token",
    about: "Advanced: returns the raw workload token (TIP, 工作负载令牌) with its expiry.",
    call_when: &["get the TIP token", "获取 TIP 令牌"],
    params: &[],
    needs_login: true,
    read: |_, session| Ok(Action::Token(session)),
};

/// A token that is good for at least a minute.
#[derive(Debug)]
pub struct Outcome {
    /// The token, shared with the cache.
    pub tip: Arc<Tip>,
    /// The session it belongs to.
    pub session: SessionKey,
    /// Seconds until it ends.
    pub expires_in_seconds: u64,
}

/// This rendering is the purpose of the action: the one place where a TIP is written out.
impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Token", 7)?;
        object.serialize_field("token", self.tip.token.expose())?;
        object.serialize_field("sub", &self.tip.sub)?;
        object.serialize_field("sessionKey", &self.session)?;
        object.serialize_field("issuedAt", &self.tip.issued_at)?;
        object.serialize_field("expiresAt", &self.tip.expires_at)?;
        object.serialize_field("expiresInSeconds", &self.expires_in_seconds)?;
        object.serialize_field("chain", &self.tip.chain)?;
        object.end()
    }
}

pub(super) fn run(services: &Services, session: Option<SessionKey>) -> Result<Outcome> {
    let session = target::existing(services, session)?;
    let tip = services.broker.get(&session)?;
    services.counters.count_tip();
    let expires_in_seconds = tip.expires_at.seconds_after(services.clock.now());
    Ok(Outcome { tip, session, expires_in_seconds })
}
