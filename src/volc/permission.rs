//! Permission checks: whether a user, through these agents, may do this to that.

use serde::{Deserialize, Serialize};

use super::call::Action;
use super::client::Client;
use super::envelope::{self, CallError, MAX_MESSAGE_CHARS};
use crate::net::exchange::Repeat;

const CHECK_PERMISSION: Action = Action::id("CheckPermission");

/// Entity types of principals, resources and callers. The letter case is the services' own.
pub mod kind {
    /// A person; the id is the subject of the workload token.
    pub const USER: &str = "user";
    /// A workload; the id is its name.
    pub const AGENT: &str = "agent";
    /// A tool; the id is its name.
    pub const TOOL: &str = "tool";
    /// A skill; the id is its name.
    pub const SKILL: &str = "skill";
}

/// The one operation that is checked, of agents, tools and skills alike.
pub const INVOKE: Entity<'static> = Entity { kind: "Action", id: "invoke" };

/// Something that policies speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Entity<'a> {
    /// Its type, one of [`kind`].
    #[serde(rename = "Type")]
    pub kind: &'a str,
    /// Its name within the type.
    pub id: &'a str,
}

/// An entity with those that it belongs to.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Reference<'a> {
    /// The entity.
    pub entity: Entity<'a>,
    /// What it belongs to.
    pub parents: Vec<Entity<'a>>,
}

/// Where a check comes from. These two names begin in lower case on the wire.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Origin<'a> {
    /// The run.
    #[serde(rename = "runID", skip_serializing_if = "Option::is_none")]
    pub run_id: Option<&'a str>,
    /// The session.
    #[serde(rename = "sessionID", skip_serializing_if = "Option::is_none")]
    pub session_id: Option<&'a str>,
}

/// The question.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Check<'a> {
    /// The space of the policies; sent as `NamespaceName`.
    #[serde(rename = "NamespaceName")]
    pub namespace: &'a str,
    /// Who.
    pub principal: Entity<'a>,
    /// Does what.
    pub operation: Entity<'a>,
    /// To what.
    pub resource: Entity<'a>,
    /// Through whom, the outermost agent first.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub original_callers: &'a [Entity<'a>],
    /// What belongs to what.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub references: &'a [Reference<'a>],
    /// The point of the product that asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission_point_id: Option<&'a str>,
    /// Run and session.
    #[serde(rename = "Extra", skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin<'a>>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether it is allowed; an answer that does not say so denies.
    pub allowed: bool,
    /// The policy's words, fit to be shown.
    pub message: Option<String>,
}

impl<'a> Check<'a> {
    /// Whether `principal` may invoke `resource` through `original_callers`.
    #[must_use]
    pub fn invoke(
        namespace: &'a str,
        principal: Entity<'a>,
        resource: Entity<'a>,
        original_callers: &'a [Entity<'a>],
    ) -> Self {
        Self {
            namespace,
            principal,
            operation: INVOKE,
            resource,
            original_callers,
            references: &[],
            permission_point_id: None,
            origin: None,
        }
    }
}

impl Client {
    /// `CheckPermission`. A denial is an answer, not an error.
    ///
    /// # Errors
    /// As [`Client::call`]; the caller must take every error as a denial.
    pub fn check_permission(&self, check: &Check<'_>) -> Result<Decision, CallError> {
        let answer: Answer = self.call(CHECK_PERMISSION, check, Repeat::Safe)?;
        let message = answer.message.filter(|message| !message.is_empty());
        Ok(Decision {
            allowed: answer.allowed.unwrap_or(false),
            message: message.map(|message| envelope::safe(&message, MAX_MESSAGE_CHARS)),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    allowed: Option<bool>,
    message: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::base::error::{Code, Error};
    use crate::volc::testing::{exchanged, golden, refusal, result};

    const USER: Entity<'static> = Entity { kind: kind::USER, id: "u-1" };
    const TOOL: Entity<'static> = Entity { kind: kind::TOOL, id: "exec" };
    const AGENT: Entity<'static> = Entity { kind: kind::AGENT, id: "openclaw-agent" };

    fn decided(answer: &Value) -> Result<Decision, CallError> {
        let check = Check::invoke("default", USER, TOOL, &[]);
        exchanged([result(answer)], |client| client.check_permission(&check)).0
    }

    #[test]
    fn the_check_has_the_documented_names() {
        let body = json!({
            "NamespaceName": "default",
            "Principal": { "Type": "user", "Id": "u-1" },
            "Operation": { "Type": "Action", "Id": "invoke" },
            "Resource": { "Type": "tool", "Id": "exec" },
            "OriginalCallers": [{ "Type": "agent", "Id": "openclaw-agent" }],
        });
        let check = Check::invoke("default", USER, TOOL, &[AGENT]);
        let allowed = json!({ "Allowed": true, "Message": "" });
        let decision =
            golden("CheckPermission", &body, &allowed, |client| client.check_permission(&check)).unwrap();
        assert_eq!(decision, Decision { allowed: true, message: None });
    }

    #[test]
    fn run_and_session_begin_in_lower_case_and_absent_parts_are_omitted() {
        let body = json!({
            "NamespaceName": "n",
            "Principal": { "Type": "user", "Id": "u-1" },
            "Operation": { "Type": "Action", "Id": "invoke" },
            "Resource": { "Type": "agent", "Id": "openclaw-agent" },
            "References": [{
                "Entity": { "Type": "tool", "Id": "exec" },
                "Parents": [{ "Type": "agent", "Id": "openclaw-agent" }],
            }],
            "PermissionPointId": "p",
            "Extra": { "runID": "r", "sessionID": "s" },
        });
        let references = [Reference { entity: TOOL, parents: vec![AGENT] }];
        let check = Check {
            references: &references,
            permission_point_id: Some("p"),
            origin: Some(Origin { run_id: Some("r"), session_id: Some("s") }),
            ..Check::invoke("n", USER, AGENT, &[])
        };
        golden("CheckPermission", &body, &json!({}), |client| client.check_permission(&check)).unwrap();
    }

    #[test]
    fn only_a_plain_yes_allows() {
        for answer in [
            json!({}),
            json!(null),
            json!({ "Allowed": false }),
            json!({ "Allowed": null }),
            json!({ "allowed": true }),
        ] {
            assert!(!decided(&answer).unwrap().allowed, "{answer}");
        }
        for answer in [json!({ "Allowed": "true" }), json!({ "Allowed": 1 })] {
            assert_eq!(Error::from(decided(&answer).unwrap_err()).code(), Code::CloudInvalid, "{answer}");
        }
        let denied = json!({ "Allowed": false, "Message": "denied\nby policy" });
        assert_eq!(decided(&denied).unwrap().message.as_deref(), Some("denied by policy"));
    }

    #[test]
    fn a_refused_check_is_an_error_and_no_decision() {
        let check = Check::invoke("default", USER, TOOL, &[]);
        let (outcome, _) = exchanged([refusal(403, "LackPolicy")], |client| client.check_permission(&check));
        assert!(Error::from(outcome.unwrap_err()).hint().unwrap().contains("id:CheckPermission"));
    }
}
