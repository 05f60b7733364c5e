//! The UserPools of the account.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::super::userpool::pool::{MAX_POOLS, Pool, default_settings};
use super::super::world::random_uuid;
use super::fields::Fields;
use super::paging::{Order, Page, contains, equals};
use super::{Call, Refusal};

/// What lists of pools and clients can be sorted by.
pub(super) const SORTABLE: [&str; 3] = ["Name", "CreateTime", "UpdateTime"];
/// Characters of a name at most.
pub(super) const MAX_NAME: usize = 128;
/// Characters of a project's name at most.
const MAX_PROJECT: usize = 255;

const SWITCHES: [&str; 9] = [
    "PasswordSignInEnabled",
    "SelfSignUpEnabled",
    "SelfAccountRecoveryEnabled",
    "EmailPasswordlessSignInEnabled",
    "SmsPasswordlessSignInEnabled",
    "SignUpAutoVerificationEnabled",
    "UnconfirmedUserSignInEnabled",
    "EmailAnonymousSignUpEnabled",
    "SmsAnonymousSignUpEnabled",
];
const LISTS: [&str; 4] = [
    "SignInAttributes",
    "RequiredSignUpAttributes",
    "AuthenticationMethodOrder",
    "SelfAccountRecoveryVerificationAttributes",
];

/// `ListUserPools`.
pub(super) fn list(call: &Call<'_>, fields: &mut Fields) -> Result<Value, Refusal> {
    let page = Page::take(fields)?;
    let project = take_project(fields)?;
    let order = Order::take_with_direction(fields, &SORTABLE)?;
    let _tags = fields.objects("TagFilters", &["Key", "Values"])?;
    let mut filter = fields.object_or_empty("Filter")?;
    fields.finish()?;
    let (name, uid) = (filter.text("Name")?, filter.text("Uid")?);
    let (trn, description) = (filter.text("Trn")?, filter.text("Description")?);
    let _tags = filter.objects("TagFilters", &["Key", "Values"])?;
    filter.finish()?;
    let pools = call.world.state().pools.all();
    let text = |pool: &Pool, name: &str| {
        pool.settings.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let mut items: Vec<Value> = pools
        .iter()
        .filter(|pool| {
            contains(name.as_ref(), &pool.name)
                && equals(uid.as_ref(), &pool.uid)
                && equals(trn.as_ref(), &pool_trn(call, pool))
                && contains(description.as_ref(), &text(pool, "Description"))
                && equals(project.as_ref(), &text(pool, "ProjectName"))
        })
        .map(|pool| {
            let mut item = summary(call, pool);
            for name in ["Description", "ProjectName", "Tags"] {
                if let Some(value) = pool.settings.get(name) {
                    item[name] = value.clone();
                }
            }
            item
        })
        .collect();
    order.sort(&mut items);
    Ok(page.of("Data", items))
}

/// `GetUserPool`.
pub(super) fn get(call: &Call<'_>, fields: &mut Fields) -> Result<Value, Refusal> {
    let uid = fields.required_text("UserPoolUid")?;
    fields.finish()?;
    let pool = find(call, &uid)?;
    Ok(render(call, &pool))
}

/// `CreateUserPool`.
pub(super) fn create(call: &Call<'_>, fields: &mut Fields) -> Result<Value, Refusal> {
    let name = take_name(fields)?;
    let mut settings = default_settings();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            settings.insert(name.to_owned(), value);
        }
    };
    set("ProjectName", take_project(fields)?.map(Value::from));
    set("Description", fields.text("Description")?.map(Value::from));
    for name in SWITCHES {
        set(name, fields.boolean(name)?.map(Value::from));
    }
    for name in LISTS {
        set(name, fields.texts(name)?.map(Value::from));
    }
    set("Tags", fields.objects("Tags", &["Key", "Value"])?);
    if let Some(mut brand) = fields.object("Brand")? {
        let (name, logo) = (brand.text("Name")?, brand.text("LogoUri")?);
        brand.finish()?;
        set("Brand", Some(json!({ "Name": name.unwrap_or_default(), "LogoUri": logo.unwrap_or_default() })));
    }
    fields.finish()?;
    let pool = Arc::new(call.world.new_pool(random_uuid()?, name, settings)?);
    {
        let mut state = call.world.state();
        if state.pools.by_name(&pool.name).is_some() {
            return Err(Refusal::duplicated("the user pool exists already"));
        }
        if state.pools.all().len() >= MAX_POOLS {
            return Err(Refusal::new(400, "InvalidRequest", "there are too many user pools"));
        }
        state.pools.add(Arc::clone(&pool));
    }
    Ok(render(call, &pool))
}

/// `ListUserPoolWellKnownEndpoints`.
pub(super) fn endpoints(call: &Call<'_>, fields: &mut Fields) -> Result<Value, Refusal> {
    let wanted = fields.texts("UserPoolUids")?;
    fields.finish()?;
    let pools = call.world.state().pools.all();
    let asked = |pool: &&Arc<Pool>| wanted.as_ref().is_none_or(|uids| uids.contains(&pool.uid));
    let data: Vec<Value> = pools
        .iter()
        .filter(asked)
        .map(|pool| {
            let issuer = &pool.issuer;
            json!({
                "UserPoolUid": pool.uid,
                "CustomDomain": "",
                "IssuerUrl": issuer,
                "DiscoveryUrl": format!("{issuer}/.well-known/openid-configuration"),
                "AuthorizationEndpoint": format!("{issuer}/authorize"),
                "TokenEndpoint": format!("{issuer}/oauth/token"),
                "JwksUri": format!("{issuer}/keys"),
                "UserinfoEndpoint": format!("{issuer}/userinfo"),
                "EndSessionEndpoint": format!("{issuer}/logout"),
            })
        })
        .collect();
    Ok(json!({ "Data": data }))
}

/// The pool of an identifier.
pub(super) fn find(call: &Call<'_>, uid: &str) -> Result<Arc<Pool>, Refusal> {
    call.world.state().pools.by_uid(uid).ok_or_else(|| Refusal::not_found("user pool not found"))
}

/// Takes `Name`, of 1 to [`MAX_NAME`] characters.
pub(super) fn take_name(fields: &mut Fields) -> Result<String, Refusal> {
    let name = fields.required_text("Name")?;
    if name.chars().count() > MAX_NAME {
        return Err(fields.invalid("Name", "the name is too long"));
    }
    Ok(name)
}

fn take_project(fields: &mut Fields) -> Result<Option<String>, Refusal> {
    let project = fields.text("ProjectName")?;
    if project.as_ref().is_some_and(|project| project.chars().count() > MAX_PROJECT) {
        return Err(fields.invalid("ProjectName", "the name is too long"));
    }
    Ok(project)
}

fn pool_trn(call: &Call<'_>, pool: &Pool) -> String {
    let options = &call.world.options;
    format!("trn:id:{}:{}:userpool/{}", options.region, options.account, pool.uid)
}

/// What lists show of a pool. The domain is the whole address: loopback has no TLS, so `https://` cannot be implied.
fn summary(call: &Call<'_>, pool: &Pool) -> Value {
    let state = pool.state();
    json!({
        "Uid": pool.uid,
        "Name": pool.name,
        "Domain": pool.issuer,
        "Trn": pool_trn(call, pool),
        "TotalClients": state.clients.len(),
        "TotalConnections": state.identity_providers.len(),
        "TotalUsers": call.world.options.users.len(),
        "CreateTime": pool.created,
        "UpdateTime": pool.created,
    })
}

fn render(call: &Call<'_>, pool: &Pool) -> Value {
    let issuer = &pool.issuer;
    let mut rendered = summary(call, pool);
    let more = json!({
        "CustomDomain": "",
        "IssuerUrl": issuer,
        "DiscoveryUrl": format!("{issuer}/.well-known/openid-configuration"),
        "TokenUrl": format!("{issuer}/oauth/token"),
        "TokenSigningKeyUrl": format!("{issuer}/keys"),
        "OauthLoginCallbackUrl": format!("{issuer}/login/generic_oauth/callback"),
        "OauthSignUpCallbackUrl": format!("{issuer}/signup/generic_oauth/callback"),
        "OidcLoginCallbackUrl": format!("{issuer}/login/generic_oidc/callback"),
        "OidcSignUpCallbackUrl": format!("{issuer}/signup/generic_oidc/callback"),
        "Enabled": true,
    });
    let more: Map<String, Value> = more.as_object().cloned().unwrap_or_default();
    if let Some(members) = rendered.as_object_mut() {
        members.extend(more);
        members.extend(pool.settings.clone());
    }
    rendered
}
