//! Permission checks: their shape, and what is denied.

use agent_identity::emulator::{DenyRule, Emulator, Entity};
use serde_json::{Value, json};

use super::client::*;

fn question() -> Value {
    json!({
        "NamespaceName": "default",
        "Principal": { "Type": "user", "Id": "u-1" },
        "Operation": { "Type": "Action", "Id": "invoke" },
        "Resource": { "Type": "tool", "Id": "exec" },
        "OriginalCallers": [{ "Type": "agent", "Id": "agent1" }, { "Type": "agent", "Id": "agent2" }],
        "Extra": { "runID": "r", "sessionID": "s" },
    })
}

fn check(emulator: &Emulator, change: impl FnOnce(&mut Value)) -> Answer {
    let mut body = question();
    change(&mut body);
    call(emulator, "CheckPermission", &body)
}

#[test]
fn what_no_rule_denies_is_allowed_and_every_part_of_a_rule_counts() {
    let rule = |change: fn(&mut DenyRule)| {
        let mut rule = DenyRule::default();
        change(&mut rule);
        rule
    };
    for (rule, denied) in [
        (rule(|r| r.principal = Some(Entity::new("user", "u-1"))), true),
        (rule(|r| r.principal = Some(Entity::new("user", "u-2"))), false),
        (rule(|r| r.operation = Some(Entity::new("Action", "invoke"))), true),
        (rule(|r| r.operation = Some(Entity::new("action", "invoke"))), false),
        (rule(|r| r.resource = Some(Entity::new("tool", "exec"))), true),
        (rule(|r| r.resource = Some(Entity::new("skill", "exec"))), false),
        (rule(|r| r.original_caller = Some(Entity::new("agent", "agent2"))), true),
        (rule(|r| r.original_caller = Some(Entity::new("agent", "agent3"))), false),
        (rule(|r| r.namespace = Some("default".into())), true),
        (rule(|r| r.namespace = Some("prod".into())), false),
    ] {
        let emulator = start(|options| options.namespaces.push("prod".into()));
        assert_eq!(check(&emulator, |_| ()).result(), json!({ "Allowed": true, "Message": "" }));
        emulator.deny(rule.clone()).unwrap();
        let result = check(&emulator, |_| ()).result();
        assert_eq!(result["Allowed"], !denied, "{rule:?}");
        assert_eq!(result["Message"], if denied { "denied by policy" } else { "" });
    }
}

#[test]
fn the_original_callers_are_recorded_in_their_order() {
    let emulator = start(|_| ());
    check(&emulator, |_| ()).result();
    let recorded = &emulator.requests().to("CheckPermission")[0];
    assert_eq!(recorded.body["OriginalCallers"], question()["OriginalCallers"]);
}

#[test]
fn malformed_questions_are_refused_by_name() {
    let emulator = start(|_| ());
    type Change = fn(&mut Value);
    let cases: [(Change, (u16, &str)); 9] = [
        (|q| q["NamespaceName"] = "other".into(), (404, "NotFound")),
        (|q| q["NamespaceName"] = "".into(), (400, "MissingParameter.NamespaceName")),
        (|q| q["Principal"] = json!({ "Type": "user" }), (400, "MissingParameter.Principal.Id")),
        (|q| q["Principal"] = "u-1".into(), (400, "InvalidParameter.Principal")),
        (|q| q["Resource"]["Name"] = "x".into(), (400, "InvalidParameter.Resource.Name")),
        (|q| q["OriginalCallers"] = json!([{ "Id": "a" }]), (400, "MissingParameter.OriginalCallers.1.Type")),
        (|q| q["References"] = json!([{ "Parents": [] }]), (400, "MissingParameter.References.1.Entity")),
        (|q| q["Extra"] = json!({ "RunID": "r" }), (400, "InvalidParameter.Extra.RunID")),
        (|q| drop(q.as_object_mut().unwrap().remove("Operation")), (400, "MissingParameter.Operation")),
    ];
    for (change, (status, code)) in cases {
        assert_eq!(check(&emulator, change).refusal(), (status, code.to_owned()));
    }
}

#[test]
fn rules_can_be_changed_over_http() {
    let emulator = start(|_| ());
    let url = format!("{}/_emulator/deny-rules", emulator.base_url());
    let rule = json!({ "resource": { "type": "tool", "id": "exec" }, "originalCaller": { "type": "agent", "id": "agent1" } });
    assert_eq!(post_json(&url, &rule).status, 200);
    assert_eq!(check(&emulator, |_| ()).result()["Allowed"], false);
    assert_eq!(send("DELETE", &url, &[], b"").status, 200);
    assert_eq!(check(&emulator, |_| ()).result()["Allowed"], true);
    assert_eq!(post_json(&url, &json!({ "ressource": {} })).status, 400);
}
