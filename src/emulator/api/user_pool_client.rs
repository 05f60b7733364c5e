//! The OIDC clients of a UserPool.

use serde_json::{Map, Value, json};

use super::super::userpool::pool::{Client, MAX_CLIENTS};
use super::super::world::{random_id, random_uuid};
use super::fields::Fields;
use super::paging::{Order, Page, contains};
use super::user_pool::{SORTABLE, find, take_name};
use super::{Call, Refusal};
use crate::base::url::Url;

/// The kinds of client; only the first has a secret.
const KINDS: [&str; 3] = ["WEB_APPLICATION", "SINGLE_PAGE_APPLICATION", "MOBILE_APPLICATION"];
/// Addresses of one kind at most.
const MAX_URLS: usize = 100;

/// `ListUserPoolClients`.
pub(super) fn list(call: &Call<'_>, fields: &mut Fields) -> Result<Value, Refusal> {
    let uid = fields.required_text("UserPoolUid")?;
    let page = Page::take(fields)?;
    let order = Order::take_with_direction(fields, &SORTABLE)?;
    let mut filter = fields.object_or_empty("Filter")?;
    fields.finish()?;
    let (name, description) = (filter.text("Name")?, filter.text("Description")?);
    let kinds = filter.texts("ClientTypes")?;
    filter.finish()?;
    let pool = find(call, &uid)?;
    let mut items: Vec<Value> = pool
        .state()
        .clients
        .iter()
        .filter(|client| {
            contains(name.as_ref(), &client.name)
                && contains(description.as_ref(), text(client, "Description"))
                && kinds.as_ref().is_none_or(|kinds| kinds.contains(&client.kind))
        })
        .map(summary)
        .collect();
    order.sort(&mut items);
    Ok(page.of("Data", items))
}

/// `GetUserPoolClient`.
pub(super) fn get(call: &Call<'_>, fields: &mut Fields) -> Result<Value, Refusal> {
    let (pool, client) = (fields.required_text("UserPoolUid")?, fields.required_text("ClientUid")?);
    fields.finish()?;
    let client = find(call, &pool)?.client(&client).ok_or_else(missing)?;
    Ok(render(call, &client))
}

/// `CreateUserPoolClient`.
pub(super) fn create(call: &Call<'_>, fields: &mut Fields) -> Result<Value, Refusal> {
    let pool = fields.required_text("UserPoolUid")?;
    let name = take_name(fields)?;
    let kind = fields.required_text("ClientType")?;
    if !KINDS.contains(&kind.as_str()) {
        return Err(fields.invalid("ClientType", "there is no such type"));
    }
    let secret = if kind == KINDS[0] { Some(random_id("", 32)?) } else { None };
    let mut client = Client { kind, ..Client::new(&random_uuid()?, &name, secret, call.now) };
    if let Some(urls) = take_urls(fields, "AllowedCallbackUrls")? {
        client.callbacks = urls;
    }
    take_texts(fields, &mut client.settings)?;
    take_switches(fields, &mut client.settings)?;
    take_switch(fields, &mut client.settings, "DeviceFlowEnabled")?;
    fields.finish()?;
    let pool = find(call, &pool)?;
    let mut state = pool.state();
    if state.clients.iter().any(|known| known.name == client.name) {
        return Err(Refusal::duplicated("the client exists already"));
    }
    if state.clients.len() >= MAX_CLIENTS {
        return Err(Refusal::new(400, "InvalidRequest", "the user pool has too many clients"));
    }
    state.clients.push(client.clone());
    Ok(render(call, &client))
}

/// `UpdateUserPoolClient`: replaces exactly what is given. The lifetime of id_tokens is `LifeTimeSeconds` here and
/// `LifetimeSeconds` in answers.
pub(super) fn update(call: &Call<'_>, fields: &mut Fields) -> Result<Value, Refusal> {
    let (pool, uid) = (fields.required_text("UserPoolUid")?, fields.required_text("ClientUid")?);
    let pool = find(call, &pool)?;
    let mut client = pool.client(&uid).ok_or_else(missing)?;
    if let Some(name) = fields.text("Name")? {
        client.name = name;
    }
    if let Some(urls) = take_urls(fields, "AllowedCallbackUrls")? {
        client.callbacks = urls;
    }
    if let Some(urls) = take_urls(fields, "AllowedLogoutUrls")? {
        client.logout_urls = urls;
    }
    for name in ["AllowedWebOrigins", "AllowedCors"] {
        if let Some(urls) = take_urls(fields, name)? {
            client.settings.insert(name.to_owned(), urls.into());
        }
    }
    take_texts(fields, &mut client.settings)?;
    take_switches(fields, &mut client.settings)?;
    if let Some(mut token) = fields.object("IdToken")? {
        client.id_token_seconds = match take_seconds(&mut token, "LifeTimeSeconds")? {
            Some(0) => return Err(token.invalid("LifeTimeSeconds", "a token needs a lifetime")),
            given => given.or(client.id_token_seconds),
        };
        token.finish()?;
    }
    if let Some(token) = fields.object("RefreshToken")? {
        let refresh = refresh_settings(call, &client);
        client.settings.insert("RefreshToken".to_owned(), take_refresh(token, refresh)?);
    }
    fields.finish()?;
    client.updated = call.now;
    let mut state = pool.state();
    if state.clients.iter().any(|known| known.name == client.name && known.uid != uid) {
        return Err(Refusal::duplicated("another client has that name"));
    }
    let known = state.clients.iter_mut().find(|known| known.uid == uid).ok_or_else(missing)?;
    *known = client.clone();
    drop(state);
    Ok(render(call, &client))
}

fn missing() -> Refusal {
    Refusal::not_found("user pool client not found")
}

fn take_texts(fields: &mut Fields, settings: &mut Map<String, Value>) -> Result<(), Refusal> {
    for name in ["Description", "LogoUri"] {
        if let Some(value) = fields.text(name)? {
            settings.insert(name.to_owned(), value.into());
        }
    }
    Ok(())
}

fn take_switches(fields: &mut Fields, settings: &mut Map<String, Value>) -> Result<(), Refusal> {
    for name in ["DevelopmentModeEnabled", "DismissLoginPageEnabled", "SkipConsentEnabled"] {
        take_switch(fields, settings, name)?;
    }
    Ok(())
}

fn take_switch(fields: &mut Fields, settings: &mut Map<String, Value>, name: &str) -> Result<(), Refusal> {
    if let Some(value) = fields.boolean(name)? {
        settings.insert(name.to_owned(), value.into());
    }
    Ok(())
}

fn take_urls(fields: &mut Fields, name: &str) -> Result<Option<Vec<String>>, Refusal> {
    let Some(urls) = fields.texts(name)? else { return Ok(None) };
    if urls.len() > MAX_URLS || urls.iter().any(|url| Url::parse(url).is_err()) {
        return Err(fields.invalid(name, "too many addresses, or one that is none"));
    }
    Ok(Some(urls))
}

/// Takes a lifetime; 0 stands for one that is not in use, as refresh tokens may have.
fn take_seconds(fields: &mut Fields, name: &str) -> Result<Option<u64>, Refusal> {
    let Some(seconds) = fields.integer(name)? else { return Ok(None) };
    let seconds = u64::try_from(seconds).ok().filter(|seconds| *seconds <= u64::from(u32::MAX));
    seconds.map(Some).ok_or_else(|| fields.invalid(name, "the lifetime is out of range"))
}

fn take_refresh(mut fields: Fields, mut refresh: Value) -> Result<Value, Refusal> {
    for name in ["Rotation", "HasIdleLifetime", "HasCombinedLifetime"] {
        if let Some(value) = fields.boolean(name)? {
            refresh[name] = value.into();
        }
    }
    for name in ["IdleLifetimeSeconds", "CombinedLifetimeSeconds"] {
        if let Some(value) = take_seconds(&mut fields, name)? {
            refresh[name] = value.into();
        }
    }
    fields.finish()?;
    Ok(refresh)
}

fn text<'a>(client: &'a Client, name: &str) -> &'a str {
    client.settings.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// What lists show of a client: everything but how it is set up, and no secret.
fn summary(client: &Client) -> Value {
    json!({
        "Uid": client.uid,
        "Name": client.name,
        "ClientType": client.kind,
        "Description": text(client, "Description"),
        "LogoUri": text(client, "LogoUri"),
        "CreateTime": client.created,
        "UpdateTime": client.updated,
    })
}

fn refresh_settings(call: &Call<'_>, client: &Client) -> Value {
    let options = &call.world.options;
    client.settings.get("RefreshToken").cloned().unwrap_or_else(|| {
        json!({
            "Rotation": options.rotate_refresh,
            "HasIdleLifetime": false,
            "HasCombinedLifetime": true,
            "IdleLifetimeSeconds": 0,
            "CombinedLifetimeSeconds": options.refresh_lifetime.as_secs(),
        })
    })
}

fn render(call: &Call<'_>, client: &Client) -> Value {
    let lifetime = client.id_token_seconds.unwrap_or(call.world.options.id_token_lifetime.as_secs());
    let mut rendered = summary(client);
    rendered["AllowedCallbackUrls"] = client.callbacks.clone().into();
    rendered["AllowedLogoutUrls"] = client.logout_urls.clone().into();
    rendered["IdToken"] = json!({ "LifetimeSeconds": lifetime });
    rendered["RefreshToken"] = refresh_settings(call, client);
    for name in ["AllowedWebOrigins", "AllowedCors"] {
        rendered[name] = client.settings.get(name).cloned().unwrap_or_else(|| json!([]));
    }
    for name in ["DevelopmentModeEnabled", "DismissLoginPageEnabled", "SkipConsentEnabled"] {
        rendered[name] = client.settings.get(name).cloned().unwrap_or(Value::Bool(false));
    }
    if let Some(secret) = &client.secret {
        rendered["ClientSecret"] = secret.as_str().into();
    }
    rendered
}
