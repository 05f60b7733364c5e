//! What would be ruled on a tool call, an agent or a skill, and how that comes about: which checks are on, what is sent,
//! what comes back. Asks the cloud and the model, and nobody for approval. No token and no credential in it.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::authz::approval::Request;
use crate::authz::gate::{Call, Flags, Ruling, Step, TipOf};
use crate::base::error::Result;
use crate::session::key::SessionKey;
use crate::session::users::not_logged_in;
use crate::tip::token::Tip;
use crate::volc::permission::Origin;

use super::whoami::problem;
use super::{Services, target};

/// What to explain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The session.
    pub session: Option<SessionKey>,
    /// About what.
    pub about: About,
}

/// About what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// The agent that acts in the session.
    Agent,
    /// The use of a skill.
    Skill(String),
    /// A tool call.
    Tool {
        /// The tool.
        name: String,
        /// Its parameters.
        params: Map<String, Value>,
        /// The workspace, absolute.
        workspace: Option<String>,
    },
}

/// The explanation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// The session.
    pub session_key: SessionKey,
    /// What it is about: `tool exec`.
    pub about: String,
    /// Which checks are on.
    pub flags: Flags,
    /// Where the policies stand.
    pub namespace: String,
    /// What happened, in order.
    pub steps: Vec<Value>,
    /// `pass`, `deny` or `ask`.
    pub ruling: &'static str,
    /// What the agent is told when it is denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What a person is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<Request>,
}

pub(super) fn run(services: &Services, input: Input) -> Result<Outcome> {
    let session = target::logged_in_or_not(services, input.session)?;
    let gate = &services.gate;
    let tip: TipOf<'_> = &|| match services.users.current(&session)? {
        Some(_) => services.broker.get(&session),
        None => Err(not_logged_in()),
    };
    let (about, (ruling, steps)) = match &input.about {
        About::Agent => ("agent".to_owned(), gate.explain_agent(&session, tip)),
        About::Skill(name) => (format!("skill {name}"), gate.explain_skill(&session, name, tip)),
        About::Tool { name, params, workspace } => {
            let injected: Vec<_> = services.bindings.of(&session)?.into_values().collect();
            let call = Call {
                session: &session,
                id: None,
                tool: name,
                params,
                workspace: workspace.as_deref(),
                injected: &injected,
            };
            (format!("tool {name}"), gate.explain(&call, tip))
        }
    };
    let steps = steps.iter().map(|step| shown(step, gate.namespace(), &session)).collect();
    let (ruling, text, approval) = match ruling {
        Ruling::Pass => ("pass", None, None),
        Ruling::Deny(denial) => ("deny", Some(denial.to_string()), None),
        Ruling::Ask(request) => ("ask", None, Some(request)),
    };
    let (flags, namespace) = (gate.flags(), gate.namespace().to_owned());
    Ok(Outcome { session_key: session, about, flags, namespace, steps, ruling, text, approval })
}

fn shown(step: &Step, namespace: &str, session: &SessionKey) -> Value {
    match step {
        Step::Exempt(why) => json!({ "step": "exempt", "reason": why.as_str() }),
        Step::Token(Ok(tip)) => token(tip),
        Step::Token(Err(error)) => json!({ "step": "token", "problem": problem(error) }),
        Step::Reads(skills) => json!({ "step": "reads", "skills": skills }),
        Step::Asked(question, answer) => {
            let from = Origin { run_id: None, session_id: Some(session.as_str()) };
            let mut shown = json!({
                "step": "permission",
                "sent": question.sent(namespace, from),
                "remembered": answer.is_remembered,
            });
            match &answer.decision {
                Ok(decision) => {
                    shown["allowed"] = decision.allowed.into();
                    shown["message"] = json!(decision.message);
                }
                Err(error) => shown["problem"] = problem(error),
            }
            shown
        }
        Step::Judged(judgement) => json!({
            "step": "risk",
            "risk": judgement.level.as_str(),
            "reason": judgement.full_reason(),
            "source": judgement.source,
            "rule": judgement.rule,
        }),
    }
}

fn token(tip: &Arc<Tip>) -> Value {
    json!({ "step": "token", "sub": tip.sub, "chain": tip.chain, "expiresAt": tip.expires_at })
}

#[cfg(test)]
mod tests {
    use super::super::Action;
    use super::super::testing::Bench;
    use super::*;
    use crate::authz::permission::Kind;
    use crate::authz::testing::Bench as Gates;
    use crate::session::key::MAIN;

    fn explained(bench: &Bench, about: About) -> Value {
        json!(bench.services.perform(Action::AuthzExplain(Input { session: None, about })).unwrap())
    }

    fn exec(command: &str) -> About {
        let params = Map::from_iter([("command".to_owned(), Value::from(command))]);
        About::Tool { name: "exec".into(), params, workspace: None }
    }

    fn bench() -> (Bench, Gates) {
        let mut gates = Gates::default();
        gates.flags.tool_check = true;
        gates.flags.require_risk_approval = true;
        let mut bench = Bench::new();
        bench.services.gate = gates.gate();
        (bench, gates)
    }

    #[test]
    fn what_was_sent_and_what_came_back_is_shown_without_the_token() {
        let (bench, gates) = bench();
        bench.log_in(MAIN, "ann");
        let outcome = explained(&bench, exec("sudo su"));
        assert_eq!(
            (&outcome["about"], &outcome["ruling"], &outcome["namespace"]),
            (&json!("tool exec"), &json!("ask"), &json!("default"))
        );
        let [token, permission, risk] = outcome["steps"].as_array().unwrap().as_slice() else {
            panic!("{outcome}")
        };
        assert_eq!((&token["sub"], &token["chain"]), (&json!("ann"), &json!([MAIN])));
        let sent = json!({
            "NamespaceName": "default",
            "Principal": { "Type": "user", "Id": "ann" },
            "Operation": { "Type": "Action", "Id": "invoke" },
            "Resource": { "Type": "tool", "Id": "exec" },
            "OriginalCallers": [{ "Type": "agent", "Id": MAIN }],
            "Extra": { "sessionID": MAIN },
        });
        assert_eq!((&permission["sent"], &permission["allowed"]), (&sent, &json!(true)));
        assert_eq!((&risk["risk"], &risk["source"]), (&json!("high"), &json!("rules")));
        assert!(outcome["approval"]["description"].as_str().unwrap().contains("sudo su"));
        assert!(!outcome.to_string().contains("tip-1"));
        gates.cloud.deny(Kind::Tool, "exec");
        gates.clock.advance(crate::authz::permission::ALLOWED_FOR);
        let denied = explained(&bench, exec("ls"));
        assert_eq!(
            (&denied["ruling"], &denied["steps"][1]["message"]),
            (&json!("deny"), &json!("by policy 7"))
        );
        assert!(denied["text"].as_str().unwrap().contains("CheckPermission denied for tool exec"));
    }

    #[test]
    fn checks_that_are_off_and_logins_that_are_missing_show() {
        let (bench, gates) = bench();
        let outcome = explained(&bench, exec("ls"));
        assert_eq!(
            (&outcome["ruling"], &outcome["steps"][0]["problem"]["code"]),
            (&json!("deny"), &json!("not_logged_in"))
        );
        for about in [About::Agent, About::Skill("pay".into())] {
            let outcome = explained(&bench, about);
            assert_eq!((&outcome["ruling"], &outcome["steps"]), (&json!("pass"), &json!([])));
            assert_eq!(outcome["flags"]["agentCheck"], false);
        }
        assert!(gates.cloud.take().is_empty());
    }
}
