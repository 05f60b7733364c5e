//! Which workload tokens are at hand: an operator's view, without the tokens.

use serde::Serialize;

use super::tool::Tool;
use super::{Action, Services};
use crate::base::time::Timestamp;
use crate::session::key::SessionKey;

/// The tool.
pub const TOOL: Tool = Tool {
    name: "identity_list_tips",
    about: "Lists the valid workload tokens (TIP) with delegation chain and expiry, never the tokens themselves.",
    call_when: &["list TIP tokens", "有哪些 TIP", "show active workload tokens"],
    params: &[],
    needs_login: false,
    read: |_, _| Ok(Action::ListTips),
};

/// The valid tokens.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// One line each, by session key.
    pub tips: Vec<Line>,
}

/// One token.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// The session it belongs to.
    pub session_key: SessionKey,
    /// The person.
    pub sub: String,
    /// The agents acting for the person, newest first.
    pub chain: Vec<String>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

pub(super) fn run(services: &Services) -> Outcome {
    let tips = services.store.sessions().into_iter().filter_map(|(session_key, _)| {
        let tip = services.broker.peek(&session_key)?;
        Some(Line {
            session_key,
            sub: tip.sub.clone(),
            chain: tip.chain.clone(),
            issued_at: tip.issued_at,
            expires_at: tip.expires_at,
        })
    });
    Outcome { tips: tips.collect() }
}
