//! Role providers: their list, and the temporary keys that they give for an identity.

use serde_json::{Value, json};

use super::super::seed::{ClaimRule, IdentitySource, MatchType, RoleMapping, RoleProvider};
use super::super::world::random_id;
use super::fields::Fields;
use super::identity::{Identity, Issuer};
use super::paging::{Order, Page, contains, equals};
use super::provider::{PROJECT, SORTABLE, take_vendor, trn};
use super::workload::take_pool_as;
use super::{Call, Refusal, sts};
use crate::base::time::Timestamp;

/// `GetRoleCredentials`.
pub(super) fn get_credentials(call: &Call<'_>, fields: &mut Fields) -> Result<Value, Refusal> {
    let name = fields.required_text("ProviderName")?;
    let token = fields.required_text("IdentityToken")?;
    take_pool_as(call, fields, "PoolName")?;
    let requested = fields.text("RequestedRoleTrn")?;
    let session_name = fields.text("RoleSessionName")?;
    let duration = sts::duration(fields.integer("DurationSeconds")?);
    let with_oidc = fields.boolean("WithOIDC")?.unwrap_or(false);
    fields.finish()?;
    let provider = call.world.state().providers.role(&name)?;
    let identity = Identity::of_token(call, "IdentityToken", &token)?;
    check_source(call, &provider.identity, &identity)?;
    let role = mapped_role(&provider.mapping, &identity, requested.as_deref())?;
    let session_name = match session_name {
        Some(name) if !sts::is_session_name(&name) => {
            return Err(Refusal::invalid("RoleSessionName", "not 2 to 64 of letters, digits and .-_@"));
        }
        Some(name) => name,
        None => random_id("", 8)?,
    };
    let mut response = sts::issue(call, &call.world.options.account, &role, &session_name, duration)?;
    if with_oidc {
        let date = |name: &str| identity.claims[name].as_i64().map(Timestamp::from_unix);
        response["OIDCTokenInfo"] = json!({
            "Issuer": identity.claims["iss"],
            "Subject": identity.subject,
            "ClientIds": identity.audience(),
            "IssuanceTime": date("iat"),
            "ExpirationTime": identity.until,
        });
    }
    Ok(json!({ "VolcEngResponse": response }))
}

/// A provider of the agent pool wants a TIP; one of a UserPool wants a token of that pool, or a TIP.
fn check_source(call: &Call<'_>, source: &IdentitySource, identity: &Identity) -> Result<(), Refusal> {
    let refuse = |message: &str| Err(Refusal::invalid("IdentityToken", message));
    match (source, &identity.issuer) {
        (_, Issuer::Workload) => Ok(()),
        (IdentitySource::AgentPool, _) => refuse("the provider wants the token of a workload"),
        (IdentitySource::UserPool { pool, client }, Issuer::UserPool(issuer)) => {
            let state = call.world.state();
            let wanted = pool.as_ref().map_or_else(|| state.pools.first(), |name| state.pools.by_name(name));
            if wanted.is_none_or(|wanted| wanted.uid != issuer.uid) {
                return refuse("the provider wants a token of another UserPool");
            }
            if client.as_deref().is_some_and(|client| !identity.audience().contains(&client)) {
                return refuse("the provider wants a token for another client");
            }
            Ok(())
        }
        (IdentitySource::UserPool { .. }, Issuer::Trusted) => {
            refuse("the provider wants a token of a UserPool")
        }
    }
}

fn mapped_role(
    mapping: &RoleMapping,
    identity: &Identity,
    requested: Option<&str>,
) -> Result<String, Refusal> {
    let requested = match requested {
        None => None,
        Some(trn) => match sts::parse_role(trn) {
            Some((_, role)) => Some(role),
            None => return Err(Refusal::invalid("RequestedRoleTrn", "not trn:iam::ACCOUNT:role/NAME")),
        },
    };
    let role = match mapping {
        RoleMapping::Role { name } => name.clone(),
        RoleMapping::Rules { default, rules } => {
            let fitting = rules.iter().find(|rule| fits(rule, &identity.claims));
            fitting.map_or(default, |rule| &rule.role).clone()
        }
        RoleMapping::Request { allowed } => {
            let role = requested.ok_or_else(|| {
                Refusal::new(400, "MissingParameter.RequestedRoleTrn", "the provider wants a role")
            })?;
            if !allowed.iter().any(|known| known == role) {
                return Err(Refusal::gateway(403, "AccessDenied", "the provider does not give this role"));
            }
            role.to_owned()
        }
    };
    if requested.is_some_and(|requested| requested != role) {
        return Err(Refusal::invalid("RequestedRoleTrn", "the provider gives another role"));
    }
    Ok(role)
}

fn fits(rule: &ClaimRule, claims: &Value) -> bool {
    let claim = &claims[&rule.claim];
    match rule.match_type {
        MatchType::Equals => claim.as_str() == Some(&rule.value),
        MatchType::Contains => {
            claim.as_str().is_some_and(|text| text.contains(&rule.value))
                || claim.as_array().is_some_and(|items| items.iter().any(|item| *item == rule.value))
        }
    }
}

/// `ListRoleCredentialProviders`.
pub(super) fn list(call: &Call<'_>, fields: &mut Fields) -> Result<Value, Refusal> {
    let page = Page::take(fields)?;
    let order = Order::take_with_flag(fields, &SORTABLE)?;
    let mut filter = fields.object_or_empty("Filter")?;
    fields.finish()?;
    let name = filter.text("Name")?;
    let pool = filter.text("PoolName")?;
    let project = filter.text("ProjectName")?;
    let id = filter.text("CredentialProviderId")?;
    let vendor = take_vendor(&mut filter)?;
    filter.finish()?;
    let here = equals(pool.as_ref(), &call.world.options.workload_pool) && equals(project.as_ref(), PROJECT);
    let fits = |provider: &RoleProvider| {
        here && contains(name.as_ref(), &provider.name)
            && equals(id.as_ref(), &provider_id(provider))
            && vendor.is_none_or(|vendor| vendor == i64::from(provider.vendor))
    };
    let all = call.world.state().providers.roles();
    let mut items: Vec<Value> = all
        .iter()
        .filter(|(provider, _)| fits(provider))
        .map(|(provider, created)| render(call, provider, *created))
        .collect();
    order.sort(&mut items);
    Ok(page.of("RoleCredentialProviders", items))
}

fn provider_id(provider: &RoleProvider) -> String {
    format!("rcp-{}", provider.name)
}

fn render(call: &Call<'_>, provider: &RoleProvider, created: Timestamp) -> Value {
    let options = &call.world.options;
    let identity = match &provider.identity {
        IdentitySource::AgentPool => json!({ "AgentPool": { "PoolName": options.workload_pool } }),
        IdentitySource::UserPool { pool, client } => {
            let found = {
                let state = call.world.state();
                pool.as_ref().map_or_else(|| state.pools.first(), |name| state.pools.by_name(name))
            };
            let mut rendered = json!({
                "PoolId": found.as_ref().map(|pool| pool.uid.as_str()).unwrap_or_default(),
                "PoolName": found.as_ref().map(|pool| pool.name.as_str()).or(pool.as_deref()).unwrap_or_default(),
            });
            let client = client.as_ref().and_then(|uid| found.as_ref()?.client(uid));
            if let Some(client) = client {
                rendered["ClientId"] = client.uid.into();
                rendered["ClientName"] = client.name.into();
            }
            json!({ "UserPool": rendered })
        }
    };
    let role = |name: &str| json!({ "RoleName": name, "PolicyTemplate": "" });
    let mapping = match &provider.mapping {
        RoleMapping::Role { name } => json!({ "FromRole": role(name) }),
        RoleMapping::Request { allowed } => {
            json!({ "FromRequest": { "AllowedRoles": allowed.iter().map(|name| role(name)).collect::<Vec<_>>() } })
        }
        RoleMapping::Rules { default, rules } => {
            let rules: Vec<Value> = rules
                .iter()
                .map(|rule| {
                    json!({
                        "Claim": rule.claim, "MatchType": rule.match_type,
                        "Value": rule.value, "Role": rule.role,
                    })
                })
                .collect();
            json!({ "FromRule": { "DefaultRole": default, "Rules": rules } })
        }
    };
    json!({
        "Name": provider.name,
        "CredentialProviderId": provider_id(provider),
        "CredentialProviderTrn": trn(call, &provider.name),
        "PoolName": options.workload_pool,
        "ProjectName": PROJECT,
        "Vendor": provider.vendor,
        "Config": { "Metadata": "", "IdentityPool": identity, "RoleMapping": mapping },
        "CreatedAt": created,
        "UpdatedAt": created,
    })
}
