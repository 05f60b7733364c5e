//! The external identity providers of a UserPool.

use serde_json::{Value, json};

use super::fields::Fields;
use super::paging::{Page, contains, equals};
use super::user_pool::find;
use super::{Call, Refusal};

/// `ListIdentityProviders`: the one action that spells `UserPoolUID` so.
pub(super) fn list(call: &Call<'_>, fields: &mut Fields) -> Result<Value, Refusal> {
    let uid = fields.required_text("UserPoolUID")?;
    let page = Page::take(fields)?;
    let mut filter = fields.object_or_empty("Filter")?;
    fields.finish()?;
    let name = filter.text("Name")?;
    let kind = filter.text("ConnectionType")?;
    let other_kind = filter.text("ExcludeConnectionType")?;
    let _eip = filter.text("EipId")?;
    filter.finish()?;
    let pool = find(call, &uid)?;
    let items: Vec<Value> = pool
        .state()
        .identity_providers
        .iter()
        .filter(|(provider, _)| {
            contains(name.as_ref(), &provider.name)
                && equals(kind.as_ref(), &provider.connection_type)
                && other_kind.as_ref().is_none_or(|other| *other != provider.connection_type)
        })
        .map(|(provider, created)| {
            json!({
                "Uid": provider.uid,
                "Name": provider.name,
                "Provider": provider.provider,
                "ConnectionType": provider.connection_type,
                "Enabled": provider.enabled,
                "AttributeMappings": [],
                "CreateTime": created,
                "UpdateTime": created,
            })
        })
        .collect();
    Ok(page.of("Data", items))
}
