//! The authorization endpoint and its login form (RFC 6749 section 4.1, RFC 7636, RFC 9207).
//!
//! `identity_provider` and `redirect_relay_uri` send the browser to an external identity provider in place of the form.
//!
//! Until client and redirect address are known to belong together, errors stay on a page; after that they go back to
//! the client. The form repeats the whole request, so each step is checked as if it were the first.

use std::collections::BTreeMap;

use super::super::message::{Reply, Request};
use super::super::seed::IdentityProvider;
use super::super::world::{World, random_id};
use super::external;
use super::grants::{CodeGrant, Login};
use super::page;
use super::pool::{Client, Pool};
use crate::base::url::Url;

/// Characters of a base64url SHA-256 hash.
const CHALLENGE_LENGTH: usize = 43;

/// `error` and `error_description` of RFC 6749 section 4.1.2.1.
type Problem = (&'static str, &'static str);

/// Shows the login form, sends the browser on to an external identity provider, or says why not.
pub(in super::super) fn show(world: &World, pool: &Pool, request: &Request) -> Reply {
    match Authorization::check(pool, &request.query) {
        Ok(authorization) => {
            authorization.leave(world, pool).unwrap_or_else(|| authorization.form(200, None))
        }
        Err(reply) => *reply,
    }
}

/// Takes the login form; sends the browser back with a code when the password is right.
pub(in super::super) fn log_in(world: &World, pool: &Pool, request: &Request) -> Reply {
    if request.media_type() != "application/x-www-form-urlencoded" {
        return page::message(400, "Sign in", "The form was not understood.");
    }
    let form = String::from_utf8_lossy(&request.body);
    let mut authorization = match Authorization::check(pool, &form) {
        Ok(authorization) => authorization,
        Err(reply) => return *reply,
    };
    let user = authorization.params.remove("username").unwrap_or_default();
    let password = authorization.params.remove("password").unwrap_or_default();
    if let Some(reply) = authorization.leave(world, pool) {
        return reply;
    }
    if !world.knows(&user, &password) {
        return authorization.form(403, Some("User name or password is wrong."));
    }
    authorization
        .grant(world, pool, &user)
        .unwrap_or_else(|error| page::message(500, "Sign in", error.message()))
}

/// A 303 to an address with parameters added to it.
pub(in super::super) fn redirect(target: &str, params: &[(&str, &str)]) -> Reply {
    match Url::parse(target) {
        Ok(url) if params.is_empty() => Reply::see_other(url.to_string()),
        Ok(url) => Reply::see_other(url.with_params(params)),
        Err(problem) => page::message(400, "Sign in", problem),
    }
    .with("cache-control", "no-store")
}

/// A request whose client and redirect address belong together and whose parameters make sense.
pub(super) struct Authorization {
    params: BTreeMap<String, String>,
    client: Client,
    redirect_uri: String,
    issuer: String,
    /// The external identity provider that the user is to be sent to.
    provider: Option<IdentityProvider>,
}

impl Authorization {
    /// Reads the parameters of an authorization request; the reply is what to show when they are wrong.
    pub(super) fn check(pool: &Pool, encoded: &str) -> Result<Self, Box<Reply>> {
        let page = |text: &str| Box::new(page::message(400, "This request cannot be answered", text));
        let mut params = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(encoded.as_bytes()) {
            // RFC 6749 section 3.1: none may come twice.
            if params.insert(name.to_string(), value.to_string()).is_some() {
                return Err(page("A parameter comes twice."));
            }
        }
        let client_id = params.get("client_id").cloned().unwrap_or_default();
        let client = pool.client(&client_id).ok_or_else(|| page("The client is unknown."))?;
        let redirect_uri = params.get("redirect_uri").cloned().unwrap_or_default();
        if !client.callbacks.contains(&redirect_uri) {
            return Err(page("The redirect address is not registered for this client."));
        }
        let issuer = pool.issuer.clone();
        let mut authorization = Self { params, client, redirect_uri, issuer, provider: None };
        let outcome = match authorization.problem() {
            None => authorization.choose_provider(pool),
            Some(problem) => Err(problem),
        };
        match outcome {
            Ok(provider) => {
                authorization.provider = provider;
                Ok(authorization)
            }
            Err((error, description)) => {
                Err(Box::new(authorization.back(&[("error", error), ("error_description", description)])))
            }
        }
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.params.get(name).map(String::as_str)
    }

    fn problem(&self) -> Option<Problem> {
        let is_challenge = |text: &str| {
            text.len() == CHALLENGE_LENGTH
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        };
        match self.value("response_type") {
            Some("code") => {}
            Some(_) => return Some(("unsupported_response_type", "only code is supported")),
            None => return Some(("invalid_request", "response_type is missing")),
        }
        if !self.value("scope").unwrap_or_default().split(' ').any(|scope| scope == "openid") {
            return Some(("invalid_scope", "the scope openid is required"));
        }
        match (self.value("code_challenge"), self.value("code_challenge_method")) {
            (Some(challenge), Some("S256")) if is_challenge(challenge) => {}
            (Some(_), Some("S256")) => return Some(("invalid_request", "code_challenge is malformed")),
            (Some(_), _) => return Some(("invalid_request", "code_challenge_method must be S256")),
            (None, Some(_)) => return Some(("invalid_request", "code_challenge is missing")),
            (None, None) if self.client.secret.is_none() => {
                return Some(("invalid_request", "this client must use PKCE"));
            }
            (None, None) => {}
        }
        // There is no session in the browser, so nobody is ever logged in beforehand.
        self.value("prompt")
            .is_some_and(|prompt| prompt.split(' ').any(|p| p == "none"))
            .then_some(("login_required", "the user has to log in"))
    }

    /// The provider that `identity_provider` names; with a relay address and no name, the first that can relay.
    fn choose_provider(&self, pool: &Pool) -> Result<Option<IdentityProvider>, Problem> {
        let relay = self.value("redirect_relay_uri");
        if relay.is_some_and(|relay| !self.client.callbacks.iter().any(|known| known == relay)) {
            return Err(("invalid_request", "redirect_relay_uri is not registered for this client"));
        }
        let name = self.value("identity_provider");
        if name.is_none() && relay.is_none() {
            return Ok(None);
        }
        let state = pool.state();
        let mut enabled = state.identity_providers.iter().map(|(known, _)| known).filter(|p| p.enabled);
        let provider = match name {
            Some(name) => {
                let provider = enabled.find(|provider| provider.name == name);
                let provider = provider.ok_or(("invalid_request", "there is no such identity_provider"))?;
                if external::path_name(provider).is_none() {
                    return Err((
                        "invalid_request",
                        "users cannot be sent to this kind of identity_provider",
                    ));
                }
                Some(provider)
            }
            None => enabled.find(|provider| external::path_name(provider).is_some()),
        };
        if provider.is_some() && relay.is_some() && self.value("state").unwrap_or_default().is_empty() {
            return Err(("invalid_request", "a relayed login needs a state"));
        }
        Ok(provider.cloned())
    }

    /// The way to the external identity provider, if the user is to be sent to one.
    fn leave(&self, world: &World, pool: &Pool) -> Option<Reply> {
        let provider = self.provider.as_ref()?;
        let relay = self.value("redirect_relay_uri");
        let state = self.value("state").unwrap_or_default();
        let left = external::leave(world, pool, provider, relay, state, &self.params);
        Some(left.unwrap_or_else(|error| page::message(500, "Sign in", error.message())))
    }

    fn form(&self, status: u16, problem: Option<&str>) -> Reply {
        let hidden: Vec<(String, String)> = self
            .params
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "username" | "password"))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        page::login(status, "Sign in", &self.client.name, &hidden, problem)
    }

    /// Sends the browser back with a code for the user.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub(super) fn grant(&self, world: &World, pool: &Pool, user: &str) -> crate::base::error::Result<Reply> {
        let now = world.now();
        let value = |name: &str| self.params.get(name).cloned();
        let login = Login {
            family: random_id("", 16)?,
            client_id: self.client.uid.clone(),
            user: user.to_owned(),
            scope: granted(&value("scope").unwrap_or_default()),
            at: now,
        };
        let code = pool.state().grants.add_code(CodeGrant {
            login,
            redirect_uri: self.redirect_uri.clone(),
            challenge: value("code_challenge"),
            nonce: value("nonce"),
            expires: now + world.options.code_lifetime,
        })?;
        Ok(self.back(&[("code", &code)]))
    }

    /// Sends the browser back with parameters, the client's state and our issuer.
    pub(super) fn back(&self, params: &[(&str, &str)]) -> Reply {
        let mut all = params.to_vec();
        if let Some(state) = self.params.get("state") {
            all.push(("state", state));
        }
        all.push(("iss", &self.issuer));
        redirect(&self.redirect_uri, &all)
    }
}

/// The requested scopes that mean something here, in the order asked for.
fn granted(requested: &str) -> String {
    let known: Vec<&str> = requested.split(' ').filter(|scope| super::SCOPES.contains(scope)).collect();
    known.join(" ")
}
