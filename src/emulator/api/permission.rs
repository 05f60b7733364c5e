//! Permission checks: everything is allowed that no rule denies.

use serde_json::{Value, json};

use super::super::seed::{DenyRule, Entity};
use super::fields::Fields;
use super::{Call, Refusal};

/// `CheckPermission`.
pub(super) fn check(call: &Call<'_>, fields: &mut Fields) -> Result<Value, Refusal> {
    let namespace = fields.required_text("NamespaceName")?;
    let point = fields.text("PermissionPointId")?;
    let principal = take_entity(fields, "Principal")?;
    let operation = take_entity(fields, "Operation")?;
    let resource = take_entity(fields, "Resource")?;
    let callers = take_entities(fields, "OriginalCallers")?;
    for mut reference in fields.list("References")? {
        take_entity(&mut reference, "Entity")?.ok_or_else(|| reference.missing("Entity"))?;
        take_entities(&mut reference, "Parents")?;
        reference.finish()?;
    }
    let mut extra = fields.object_or_empty("Extra")?;
    extra.text("runID")?;
    extra.text("sessionID")?;
    extra.finish()?;
    fields.finish()?;
    if !call.world.options.namespaces.contains(&namespace) {
        return Err(Refusal::not_found("namespace not found"));
    }
    // A permission point stands for an operation on a resource.
    for (name, entity, needed) in [
        ("Principal", &principal, true),
        ("Operation", &operation, point.is_none()),
        ("Resource", &resource, point.is_none()),
    ] {
        if needed && entity.is_none() {
            return Err(fields.missing(name));
        }
    }
    let denies = |rule: &DenyRule| {
        rule.namespace.as_ref().is_none_or(|wanted| *wanted == namespace)
            && [(&rule.principal, &principal), (&rule.operation, &operation), (&rule.resource, &resource)]
                .into_iter()
                .all(|(wanted, given)| wanted.is_none() || wanted == given)
            && rule.original_caller.as_ref().is_none_or(|wanted| callers.contains(wanted))
    };
    let denied = call.world.state().deny_rules.iter().any(denies);
    Ok(json!({ "Allowed": !denied, "Message": if denied { "denied by policy" } else { "" } }))
}

fn take_entity(fields: &mut Fields, name: &str) -> Result<Option<Entity>, Refusal> {
    fields.object(name)?.map(entity).transpose()
}

fn take_entities(fields: &mut Fields, name: &str) -> Result<Vec<Entity>, Refusal> {
    fields.list(name)?.into_iter().map(entity).collect()
}

fn entity(mut fields: Fields) -> Result<Entity, Refusal> {
    let (kind, id) = (fields.required_text("Type")?, fields.required_text("Id")?);
    fields.finish()?;
    Ok(Entity { kind, id })
}
