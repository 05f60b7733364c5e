//! Which workload tokens are at hand: an operator's view, without the tokens.

use std::collections::BTreeMap;

use serde::Serialize;

use super::tool::Tool;
use super::{Action, Services};
use crate::base::error::Result;
use crate::base::time::Timestamp;
use crate::session::key::SessionKey;

/// The tool.
pub const TOOL: Tool = Tool {
    name: "identity_list_tips",
    about: "Lists the valid workload tokens (TIP) with delegation chain, expiry and bindings, never the tokens themselves.",
    call_when: &["list TIP tokens", "有哪些 TIP", "show active workload tokens"],
    params: &[],
    needs_login: false,
    read: |_, session| Ok(Action::ListTips(session)),
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
    /// Environment names that the session's calls get, by provider.
    pub bindings: BTreeMap<String, String>,
}

/// Of one session, or of all: an operator's view.
pub(super) fn run(services: &Services, session: Option<&SessionKey>) -> Result<Outcome> {
    let sessions = services.broker.sessions().into_iter();
    let lines = sessions.filter(|key| session.is_none_or(|only| only == key)).filter_map(|session_key| {
        let tip = services.broker.peek(&session_key)?;
        let line = |bindings| Line {
            bindings,
            session_key: session_key.clone(),
            sub: tip.sub.clone(),
            chain: tip.chain.clone(),
            issued_at: tip.issued_at,
            expires_at: tip.expires_at,
        };
        Some(services.bindings.of(&session_key).map(line))
    });
    Ok(Outcome { tips: lines.collect::<Result<_>>()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::testing::{Bench, key};

    #[test]
    fn tokens_at_hand_are_listed_with_their_names_and_without_themselves() {
        let bench = Bench::new();
        for person in ["agent:main:main:user:a", "agent:main:main:user:b"] {
            bench.log_in(person, person);
        }
        let with_tip = key("agent:main:main:user:a");
        let tip = bench.services.broker.get(&with_tip).unwrap();
        bench.services.bindings.set(&with_tip, "google", "GOOGLE_ACCESS_TOKEN").unwrap();
        let outcome = run(&bench.services, None).unwrap();
        let [line] = outcome.tips.as_slice() else { panic!("{outcome:?}") };
        assert_eq!((&line.session_key, &line.sub), (&with_tip, &tip.sub));
        assert_eq!(line.bindings["google"], "GOOGLE_ACCESS_TOKEN");
        assert!(!serde_json::to_string(&outcome).unwrap().contains(tip.token.expose()));
        assert_eq!(run(&bench.services, Some(&with_tip)).unwrap().tips.len(), 1);
        assert!(run(&bench.services, Some(&key("agent:main:main:user:b"))).unwrap().tips.is_empty());
    }
}
