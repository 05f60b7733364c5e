//! API keys that are kept for agents.

use serde_json::{Value, json};

use super::super::seed::ProviderKind;
use super::fields::Fields;
use super::identity::Identity;
use super::workload::take_pool_as;
use super::{Call, Refusal};

/// `GetResourceApiKey`.
pub(super) fn get_api_key(call: &Call<'_>, fields: &mut Fields) -> Result<Value, Refusal> {
    let name = fields.required_text("ProviderName")?;
    take_pool_as(call, fields, "PoolName")?;
    let _agent = Identity::take_tip(call, fields)?;
    fields.finish()?;
    let ProviderKind::ApiKey { key, places } = call.world.state().providers.credential(&name)?.kind else {
        return Err(Refusal::invalid("ProviderName", "the provider has no API key"));
    };
    let places: Vec<Value> = places
        .iter()
        .map(|place| {
            json!({ "Location": place.location, "ParameterName": place.parameter_name, "Prefix": place.prefix })
        })
        .collect();
    Ok(json!({ "ApiKey": key, "ApiKeyMetadata": places }))
}
