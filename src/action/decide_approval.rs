//! A person's word on a call that waits for approval, on hosts that do not ask by themselves.
//!
//! Invariant: no tool call and no socket request becomes this action; only a person's line in a chat does. An agent that
//! could approve its own calls would need no approval.

use serde::Serialize;

use crate::authz::registry::Word;
use crate::base::error::{Code, Error, Result};
use crate::session::key::SessionKey;

use super::{Services, target};

/// The tool that older versions had for it. It is not in the registry, and whoever calls it is refused.
pub const TOOL_NAME: &str = "identity_approve_tool";

/// Whose word it is, and on what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The session of the chat that the person writes in.
    pub session: Option<SessionKey>,
    /// The approval's id; without it, the only one that waits in the session.
    pub approval_id: Option<String>,
    /// What the person says.
    pub word: Word,
}

/// What came of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// The approval's id.
    pub approval_id: String,
    /// Whether the call may run now, once.
    pub approved: bool,
}

pub(super) fn run(services: &Services, input: Input) -> Result<Outcome> {
    let session = target::for_login(services, input.session)?;
    let approvals = services.gate.approvals();
    let approval_id = approvals.decide(&session, input.approval_id.as_deref(), input.word)?;
    Ok(Outcome { approval_id, approved: input.word == Word::Approve })
}

/// Of the tool.
pub(super) fn refused() -> Error {
    Error::new(Code::Forbidden, format!("{TOOL_NAME}: an approval is a person's act, not an agent's"))
        .with_hint(
            "show the person what waits, and let them answer the host's prompt or send /identity approve",
        )
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::super::testing::{Bench, key};
    use super::super::{Action, registry};
    use super::*;
    use crate::authz::approval::{Call, Digest};
    use crate::authz::registry::Held;

    #[test]
    fn a_person_approves_in_the_calls_own_session() {
        let bench = Bench::new();
        let approvals = bench.services.gate.approvals();
        let (session, params) = (key("agent:main:telegram:direct:1"), Map::new());
        let call = Call { session: &session, tool: "exec", params: &params, folder: None, injected: &[] };
        let Held::Waits { id, .. } = approvals.hold(&session, &Digest::of(&call)).unwrap() else { panic!() };
        let decide = |session: Option<SessionKey>| {
            let input = Input { session, approval_id: Some(id.clone()), word: Word::Approve };
            bench.services.perform(Action::DecideApproval(input)).map(|outcome| json!(outcome))
        };
        assert_eq!(decide(None).unwrap_err().code(), Code::NotFound);
        assert_eq!(decide(Some(session.clone())).unwrap(), json!({ "approvalId": id, "approved": true }));
        assert_eq!(approvals.hold(&session, &Digest::of(&call)).unwrap(), Held::Passes);
    }

    #[test]
    fn an_agent_cannot_approve() {
        let params = json!({"approval_id": "1a2b3c4d"});
        let refused = registry::action(TOOL_NAME, params.as_object().unwrap(), None).unwrap_err();
        assert_eq!(refused.code(), Code::Forbidden);
        assert!(registry::TOOLS.iter().all(|tool| tool.name != TOOL_NAME));
    }
}
