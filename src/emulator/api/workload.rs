//! Workload identities and the pool they are in.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::fields::Fields;
use super::{Call, Refusal};
use crate::base::time::Timestamp;

/// Workload identities at most.
const MAX_WORKLOADS: usize = 1000;
/// Characters of a workload's name at most.
pub(in super::super) const MAX_NAME: usize = 128;

/// The workload identities by name.
#[derive(Debug, Default)]
pub(in super::super) struct Workloads(BTreeMap<String, Workload>);

#[derive(Debug, Clone, Default)]
struct Workload {
    category: String,
    description: String,
    return_urls: Vec<String>,
    meta_data: Option<Value>,
    created: Timestamp,
}

impl Workloads {
    /// Adds one, as `CreateWorkloadIdentity` with only a name would.
    pub(in super::super) fn add(&mut self, name: &str, now: Timestamp) {
        self.0.insert(name.to_owned(), Workload { created: now, ..Workload::default() });
    }

    /// Whether the workload of a name lets OAuth2 authorizations return to an address.
    pub(in super::super) fn allows_return_to(&self, name: &str, url: &str) -> bool {
        self.0.get(name).is_some_and(|workload| workload.return_urls.iter().any(|known| known == url))
    }

    /// Whether there is one of that name.
    pub(in super::super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

/// `CreateWorkloadIdentity`.
pub(super) fn create(call: &Call<'_>, fields: &mut Fields) -> Result<Value, Refusal> {
    let name = fields.required_text("Name")?;
    take_pool(call, fields)?;
    let workload = Workload {
        category: fields.text("Category")?.unwrap_or_default(),
        description: fields.text("Description")?.unwrap_or_default(),
        return_urls: fields.texts("AllowedResourceOauth2ReturnUrls")?.unwrap_or_default(),
        meta_data: fields.objects("MetaData", &["Key", "Values"])?,
        created: call.now,
    };
    fields.finish()?;
    if name.chars().count() > MAX_NAME {
        return Err(Refusal::invalid("Name", "the name is too long"));
    }
    let mut state = call.world.state();
    if state.workloads.has(&name) {
        return Err(Refusal::duplicated("the workload identity exists already"));
    }
    if state.workloads.0.len() >= MAX_WORKLOADS {
        return Err(Refusal::new(400, "InvalidRequest", "the pool is full"));
    }
    let rendered = render(call, &name, &workload);
    state.workloads.0.insert(name, workload);
    Ok(rendered)
}

/// `GetWorkloadIdentity`.
pub(super) fn get(call: &Call<'_>, fields: &mut Fields) -> Result<Value, Refusal> {
    let name = fields.required_text("Name")?;
    take_pool(call, fields)?;
    fields.finish()?;
    let workload = call.world.state().workloads.0.get(&name).cloned().ok_or_else(missing)?;
    Ok(render(call, &name, &workload))
}

/// `GetWorkloadPool`.
pub(super) fn get_pool(call: &Call<'_>, fields: &mut Fields) -> Result<Value, Refusal> {
    let options = &call.world.options;
    take_pool(call, fields)?;
    let id = fields.text("WorkloadPoolId")?;
    fields.finish()?;
    if id.is_some_and(|id| id != options.workload_pool_id()) {
        return Err(Refusal::not_found("workload pool not found"));
    }
    let issuer = call.world.workload_issuer();
    Ok(json!({
        "WorkloadPoolId": options.workload_pool_id(),
        "WorkloadPoolName": options.workload_pool,
        "AllowAutoCreateIdentity": false,
        "Url": issuer,
        "DiscoveryUrl": format!("{issuer}/.well-known/openid-configuration"),
        "Trn": format!("trn:id:{}:{}:workloadpool/{}", options.region, options.account, options.workload_pool),
        "ProjectName": "default",
        "TotalWorkloads": call.world.state().workloads.0.len(),
    }))
}

/// Takes `WorkloadPoolName`; absent means the pool `default`.
pub(super) fn take_pool(call: &Call<'_>, fields: &mut Fields) -> Result<(), Refusal> {
    take_pool_as(call, fields, "WorkloadPoolName")
}

/// Takes the pool's name where it is called otherwise: credential actions say `PoolName`.
pub(super) fn take_pool_as(call: &Call<'_>, fields: &mut Fields, field: &str) -> Result<(), Refusal> {
    let name = fields.text(field)?.unwrap_or_else(|| "default".to_owned());
    if name == call.world.options.workload_pool {
        return Ok(());
    }
    Err(Refusal::not_found("workload pool not found"))
}

/// The refusal of a name that no workload has.
pub(super) fn missing() -> Refusal {
    Refusal::not_found("workload identity not found")
}

fn render(call: &Call<'_>, name: &str, workload: &Workload) -> Value {
    let options = &call.world.options;
    let pool = &options.workload_pool;
    json!({
        "Name": name,
        "WorkloadPoolName": pool,
        "Category": workload.category,
        "Description": workload.description,
        "Trn": format!("trn:id:{}:{}:workloadpool/{pool}/workloadidentity/{name}", options.region, options.account),
        "Source": "custom",
        "AllowedResourceOauth2ReturnUrls": workload.return_urls,
        "MetaData": workload.meta_data.clone().unwrap_or_else(|| json!([])),
        "CreatedAt": workload.created,
        "UpdatedAt": workload.created,
    })
}
