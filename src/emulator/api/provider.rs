//! Credential providers: what there is, and the lists of it.

use serde_json::{Value, json};

use super::super::seed::{CredentialProvider, Flow, ProviderKind, RoleProvider};
use super::fields::Fields;
use super::paging::{Order, Page, contains, equals};
use super::workload::take_pool_as;
use super::{Call, Refusal};
use crate::base::time::Timestamp;

/// Providers of either kind at most.
pub(in super::super) const MAX_PROVIDERS: usize = 1000;
/// What lists of providers can be sorted by.
pub(super) const SORTABLE: [&str; 3] = ["Name", "CreatedAt", "UpdatedAt"];
/// The project of everything here.
pub(super) const PROJECT: &str = "default";
/// How every provider came to be.
const SOURCE: &str = "custom";

/// All providers, each with its date, in the order in which they were made.
#[derive(Debug, Default)]
pub(in super::super) struct Providers {
    credential: Vec<(CredentialProvider, Timestamp)>,
    role: Vec<(RoleProvider, Timestamp)>,
}

impl Providers {
    /// Adds or replaces a credential provider; `false` when there is no room.
    pub(in super::super) fn put_credential(&mut self, provider: CredentialProvider, now: Timestamp) -> bool {
        let at = self.credential.iter().position(|(known, _)| known.name == provider.name);
        put(&mut self.credential, at, provider, now)
    }

    /// Adds or replaces a role provider; `false` when there is no room.
    pub(in super::super) fn put_role(&mut self, provider: RoleProvider, now: Timestamp) -> bool {
        let at = self.role.iter().position(|(known, _)| known.name == provider.name);
        put(&mut self.role, at, provider, now)
    }

    /// Forgets all credential providers.
    pub(in super::super) fn clear_credential(&mut self) {
        self.credential.clear();
    }

    /// Forgets all role providers.
    pub(in super::super) fn clear_role(&mut self) {
        self.role.clear();
    }

    /// The credential provider of a name.
    pub(super) fn credential(&self, name: &str) -> Result<CredentialProvider, Refusal> {
        let found = self.credential.iter().find(|(known, _)| known.name == name);
        found.map(|(known, _)| known.clone()).ok_or_else(missing)
    }

    /// The role provider of a name.
    pub(super) fn role(&self, name: &str) -> Result<RoleProvider, Refusal> {
        self.role
            .iter()
            .find(|(known, _)| known.name == name)
            .map(|(known, _)| known.clone())
            .ok_or_else(missing)
    }

    /// All role providers with their dates.
    pub(super) fn roles(&self) -> Vec<(RoleProvider, Timestamp)> {
        self.role.clone()
    }
}

fn put<T>(all: &mut Vec<(T, Timestamp)>, at: Option<usize>, provider: T, now: Timestamp) -> bool {
    let has_room = all.len() < MAX_PROVIDERS;
    match at.and_then(|at| all.get_mut(at)) {
        Some(known) => known.0 = provider,
        None if has_room => all.push((provider, now)),
        None => return false,
    }
    true
}

fn missing() -> Refusal {
    Refusal::not_found("credential provider not found")
}

/// `ListCredentialProviders`.
pub(super) fn list(call: &Call<'_>, fields: &mut Fields) -> Result<Value, Refusal> {
    let page = Page::take(fields)?;
    take_pool_as(call, fields, "PoolName")?;
    let order = Order::take_with_flag(fields, &SORTABLE)?;
    let mut filter = fields.object_or_empty("Filter")?;
    fields.finish()?;
    let name = filter.text("Name")?;
    let kind = one_of(&mut filter, "Type", &["api_key", "oauth2"])?;
    let flow = one_of(&mut filter, "Flow", &[Flow::UserFederation.name(), Flow::M2m.name()])?;
    let pool = filter.text("PoolName")?;
    let project = filter.text("ProjectName")?;
    let source = filter.text("Source")?;
    let bound = filter.boolean("BindingStatus")?;
    let vendor = take_vendor(&mut filter)?;
    filter.finish()?;
    let here = equals(pool.as_ref(), &call.world.options.workload_pool)
        && equals(project.as_ref(), PROJECT)
        && equals(source.as_ref(), SOURCE);
    let fits = |provider: &CredentialProvider| {
        here && contains(name.as_ref(), &provider.name)
            && equals(kind.as_ref(), type_name(provider))
            && flow.as_ref().is_none_or(|flow| flow_name(provider) == Some(flow.as_str()))
            && bound.is_none_or(|bound| bound == (provider.bindings > 0))
            && vendor.is_none_or(|vendor| vendor == i64::from(provider.vendor))
    };
    let mut items = rendered(call, fits, |provider| {
        let mut item = json!({
            "Type": type_name(provider),
            "PoolName": call.world.options.workload_pool,
            "Vendor": provider.vendor,
            "BindingResourceNumber": provider.bindings,
        });
        if let Some(flow) = flow_name(provider) {
            item["Flow"] = flow.into();
        }
        item
    });
    order.sort(&mut items);
    Ok(page.of("CredentialProviders", items))
}

/// `ListApiKeyCredentialProviders`.
pub(super) fn list_api_key(call: &Call<'_>, fields: &mut Fields) -> Result<Value, Refusal> {
    let page = Page::take(fields)?;
    take_pool_as(call, fields, "PoolName")?;
    fields.finish()?;
    let items = rendered(call, |provider| type_name(provider) == "api_key", |_| json!({}));
    Ok(page.of("ApiKeyCredentialProviders", items))
}

/// `ListOauth2CredentialProviders`.
pub(super) fn list_oauth2(call: &Call<'_>, fields: &mut Fields) -> Result<Value, Refusal> {
    let page = Page::take(fields)?;
    take_pool_as(call, fields, "PoolName")?;
    fields.finish()?;
    let is_oauth2 = |provider: &CredentialProvider| type_name(provider) == "oauth2";
    let items = rendered(call, is_oauth2, |provider| json!({ "Vendor": provider.vendor }));
    Ok(page.of("Oauth2CredentialProviders", items))
}

/// The providers that fit: what every list shows of them, and what this list adds.
fn rendered(
    call: &Call<'_>,
    fits: impl Fn(&CredentialProvider) -> bool,
    more: impl Fn(&CredentialProvider) -> Value,
) -> Vec<Value> {
    let state = call.world.state();
    let fitting = state.providers.credential.iter().filter(|(provider, _)| fits(provider));
    fitting
        .map(|(provider, created)| {
            let mut item = more(provider);
            item["Name"] = provider.name.as_str().into();
            item["CredentialProviderTrn"] = trn(call, &provider.name).into();
            item["ProjectName"] = PROJECT.into();
            item["CreatedAt"] = json!(created);
            item["UpdatedAt"] = json!(created);
            item
        })
        .collect()
}

/// The resource name of a provider.
pub(super) fn trn(call: &Call<'_>, name: &str) -> String {
    let options = &call.world.options;
    format!("trn:id:{}:{}:credentialprovider/{name}", options.region, options.account)
}

/// Takes the filter `Vendor`, a number from 0.
pub(super) fn take_vendor(filter: &mut Fields) -> Result<Option<i64>, Refusal> {
    let vendor = filter.integer("Vendor")?;
    if vendor.is_some_and(|vendor| vendor < 0) {
        return Err(filter.invalid("Vendor", "the number is negative"));
    }
    Ok(vendor)
}

fn one_of(filter: &mut Fields, name: &str, known: &[&str]) -> Result<Option<String>, Refusal> {
    let value = filter.text(name)?;
    if value.as_deref().is_some_and(|value| !known.contains(&value)) {
        return Err(filter.invalid(name, "there is no such value"));
    }
    Ok(value)
}

fn type_name(provider: &CredentialProvider) -> &'static str {
    match provider.kind {
        ProviderKind::Oauth2 { .. } => "oauth2",
        ProviderKind::ApiKey { .. } => "api_key",
    }
}

fn flow_name(provider: &CredentialProvider) -> Option<&'static str> {
    match provider.kind {
        ProviderKind::Oauth2 { flow, .. } => Some(flow.name()),
        ProviderKind::ApiKey { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_up_to_the_bound_and_a_known_name_takes_none() {
        let mut providers = Providers::default();
        let provider = |name: usize| CredentialProvider {
            name: name.to_string(),
            vendor: 0,
            bindings: 0,
            kind: ProviderKind::ApiKey { key: String::new(), places: Vec::new() },
        };
        let now = Timestamp::from_unix(0);
        assert!((0..MAX_PROVIDERS).all(|name| providers.put_credential(provider(name), now)));
        assert!(!providers.put_credential(provider(MAX_PROVIDERS), now));
        assert!(providers.put_credential(provider(0), now));
    }
}
