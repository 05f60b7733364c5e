//! Tokens of OAuth2 services: at once for machines, after a user's consent for users.

use serde_json::{Value, json};

use super::super::consent::{Authorization, CALLBACK_PATH, Grant, Stage};
use super::super::seed::{Flow, ProviderKind};
use super::super::world::random_id;
use super::fields::Fields;
use super::identity::Identity;
use super::workload::take_pool_as;
use super::{Call, Refusal};
use crate::base::url::Url;

/// Parameters of the authorization address that a caller cannot set.
const RESERVED: [&str; 5] = ["client_id", "redirect_uri", "response_type", "scope", "state"];

/// `GetResourceOauth2Token`.
pub(super) fn get_token(call: &Call<'_>, fields: &mut Fields) -> Result<Value, Refusal> {
    let name = fields.required_text("ProviderName")?;
    take_pool_as(call, fields, "PoolName")?;
    let identity = Identity::take_tip(call, fields)?;
    let asked_flow = fields.text("Flow")?;
    let asked_scopes = fields.texts("Scopes")?;
    let force = fields.boolean("ForceAuthentication")?.unwrap_or(false);
    let wish = Wish {
        redirect_url: fields.text("RedirectUrl")?,
        return_url: fields.text("ResourceOauth2ReturnUrl")?,
        custom_state: fields.text("CustomState")?,
        uri: fields.text("SessionUri")?,
        parameters: custom_parameters(fields)?,
    };
    fields.finish()?;
    let provider = call.world.state().providers.credential(&name)?.kind;
    let ProviderKind::Oauth2 { flow, scopes, redirect_urls } = provider else {
        return Err(Refusal::invalid("ProviderName", "the provider has no OAuth2 tokens"));
    };
    if asked_flow.is_some_and(|asked| asked != flow.name()) {
        return Err(Refusal::invalid("Flow", "the provider has no such flow"));
    }
    let mut scopes = asked_scopes.unwrap_or(scopes);
    if scopes.iter().any(|scope| scope.is_empty() || scope.contains(char::is_whitespace)) {
        return Err(Refusal::invalid("Scopes", "a scope is empty or has spaces"));
    }
    scopes.sort();
    let agent = identity.agent().to_owned();
    let grant = Grant { provider: name, subject: identity.subject, agent, scopes };
    wish.check(call, &grant, &redirect_urls)?;

    let mut state = call.world.state();
    let consents = &mut state.consents;
    if force {
        consents.forget(&grant);
    }
    let lifetime = call.world.options.oauth2_token_lifetime;
    if let Some((token, seconds)) = consents.token(&grant, call.now) {
        return Ok(json!({ "AccessToken": token, "ExpiresIn": seconds }));
    }
    if flow == Flow::M2m {
        let token = consents.issue(&grant, call.now, lifetime)?;
        return Ok(json!({ "AccessToken": token, "ExpiresIn": lifetime.as_secs() }));
    }
    let authorization = match consents.under_way(&grant, call.now) {
        Some(denied) if denied.stage == Stage::Denied => {
            consents.forget(&grant);
            return Err(Refusal::new(400, "InvalidRequest", "the user has denied access"));
        }
        Some(under_way) => under_way,
        None => {
            let (state, authorization) = wish.begin(call, grant)?;
            consents.begin(state, authorization.clone());
            authorization
        }
    };
    Ok(json!({ "AuthorizationUrl": authorization.url, "SessionUri": authorization.uri }))
}

/// `Oauth2Callback`: what a caller does that lets the browser come back to itself.
pub(super) fn callback(call: &Call<'_>, fields: &mut Fields) -> Result<Value, Refusal> {
    let identity = Identity::take_tip(call, fields)?;
    let state = fields.required_text("State")?;
    let (code, error) = (fields.text("Code")?, fields.text("Error")?);
    fields.finish()?;
    let mut shared = call.world.state();
    let known = shared.consents.of_state(&state, call.now);
    let authorization = known
        .filter(|a| a.grant.subject == identity.subject && a.grant.agent == identity.agent())
        .ok_or_else(|| Refusal::not_found("authorization not found"))?;
    match (code, error) {
        (Some(code), None) if authorization.stage == Stage::Coded(code.clone()) => {
            let lifetime = call.world.options.oauth2_token_lifetime;
            let token = shared.consents.issue(&authorization.grant, call.now, lifetime)?;
            shared.consents.set_stage(&state, Stage::Done);
            Ok(json!({ "AccessToken": token }))
        }
        (Some(_), None) => Err(Refusal::invalid("Code", "the code is not that of the authorization")),
        (None, Some(_)) => {
            shared.consents.set_stage(&state, Stage::Denied);
            Err(Refusal::new(400, "InvalidRequest", "the user has denied access"))
        }
        (None, None) => Err(fields.missing("Code")),
        (Some(_), Some(_)) => Err(Refusal::invalid("Error", "a callback has a code or an error")),
    }
}

/// `CompleteResourceTokenAuth`: says whose browser came back to the return address.
pub(super) fn complete(call: &Call<'_>, fields: &mut Fields) -> Result<Value, Refusal> {
    let uri = fields.required_text("SessionUri")?;
    take_pool_as(call, fields, "PoolName")?;
    let mut user = fields.object("UserIdentifier")?.ok_or_else(|| fields.missing("UserIdentifier"))?;
    fields.finish()?;
    let named = [user.text("IdentityToken")?, user.text("UserToken")?, user.text("UserID")?];
    user.finish()?;
    let verified = |field, token: &str| Identity::of_token(call, field, token).map(|i| i.subject);
    let subject = match named {
        [Some(token), None, None] => verified("UserIdentifier.IdentityToken", &token)?,
        [None, Some(token), None] => verified("UserIdentifier.UserToken", &token)?,
        [None, None, Some(id)] => id,
        _ => return Err(Refusal::invalid("UserIdentifier", "exactly one member is wanted")),
    };
    let mut shared = call.world.state();
    let found = shared.consents.of_uri(&uri).filter(|(_, a)| a.grant.subject == subject);
    let (state, authorization) = found.ok_or_else(|| Refusal::not_found("session not found"))?;
    match authorization.stage {
        Stage::Done => {}
        Stage::Agreed => {
            let lifetime = call.world.options.oauth2_token_lifetime;
            shared.consents.issue(&authorization.grant, call.now, lifetime)?;
            shared.consents.set_stage(&state, Stage::Done);
        }
        _ => return Err(Refusal::new(400, "InvalidRequest", "the user has not agreed")),
    }
    Ok(json!({}))
}

/// How a caller wants the consent to go.
struct Wish {
    redirect_url: Option<String>,
    return_url: Option<String>,
    custom_state: Option<String>,
    uri: Option<String>,
    parameters: Vec<(String, String)>,
}

impl Wish {
    fn check(&self, call: &Call<'_>, grant: &Grant, registered: &[String]) -> Result<(), Refusal> {
        let own = own_callback(call);
        if self.redirect_url.as_ref().is_some_and(|url| *url != own && !registered.contains(url)) {
            return Err(Refusal::invalid("RedirectUrl", "the address is not registered with the provider"));
        }
        let state = call.world.state();
        if self.return_url.as_ref().is_some_and(|url| !state.workloads.allows_return_to(&grant.agent, url)) {
            return Err(Refusal::invalid(
                "ResourceOauth2ReturnUrl",
                "the workload does not allow the address",
            ));
        }
        let same = |a: &Authorization| {
            (&a.grant.provider, &a.grant.subject, &a.grant.agent)
                == (&grant.provider, &grant.subject, &grant.agent)
        };
        if let Some(uri) = &self.uri
            && !state.consents.of_uri(uri).is_some_and(|(_, a)| same(&a))
        {
            return Err(Refusal::invalid("SessionUri", "there is no such session"));
        }
        Ok(())
    }

    fn begin(self, call: &Call<'_>, grant: Grant) -> Result<(String, Authorization), Refusal> {
        let state = random_id("", 24)?;
        let redirect_url = self.redirect_url.unwrap_or_else(|| own_callback(call));
        let scope = grant.scopes.join(" ");
        let mut params = vec![
            ("client_id", grant.provider.as_str()),
            ("response_type", "code"),
            ("redirect_uri", redirect_url.as_str()),
            ("scope", scope.as_str()),
            ("state", state.as_str()),
        ];
        params.extend(self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let page = Url::parse(&format!("{}/oauth2/authorize", call.world.base_url))
            .map_err(|problem| Refusal::gateway(500, "InternalError", problem))?;
        let url = page.with_params(&params);
        let authorization = Authorization {
            grant,
            uri: random_id("urn:ietf:params:oauth:request_uri:", 16)?,
            url,
            redirect_url,
            return_url: self.return_url,
            custom_state: self.custom_state,
            stage: Stage::Asked,
            expires: call.now + call.world.options.consent_lifetime,
        };
        Ok((state, authorization))
    }
}

/// Where OAuth2 services send the browser unless a caller wants it otherwise.
fn own_callback(call: &Call<'_>) -> String {
    format!("{}{CALLBACK_PATH}", call.world.base_url)
}

/// Takes `CustomParameters`: `{"Entries":[{"Key","Value"}]}` or the bare list.
fn custom_parameters(fields: &mut Fields) -> Result<Vec<(String, String)>, Refusal> {
    const NAME: &str = "CustomParameters";
    let Some(value) = fields.value(NAME) else { return Ok(Vec::new()) };
    let refuse = |message: &str| Refusal::invalid(NAME, message);
    let entries = match &value {
        Value::Object(members) if members.keys().all(|name| name == "Entries") => value["Entries"].as_array(),
        other => other.as_array(),
    };
    entries
        .ok_or_else(|| refuse("neither Entries nor a list"))?
        .iter()
        .map(|entry| {
            match (
                entry.as_object().map(serde_json::Map::len),
                entry["Key"].as_str(),
                entry["Value"].as_str(),
            ) {
                (Some(2), Some(name), _) if RESERVED.contains(&name) => {
                    Err(refuse("a parameter is the service's own"))
                }
                (Some(2), Some(name), Some(value)) => Ok((name.to_owned(), value.to_owned())),
                _ => Err(refuse("an entry is not a Key and a Value")),
            }
        })
        .collect()
}
