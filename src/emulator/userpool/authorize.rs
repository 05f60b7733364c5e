//! The authorization endpoint and its login form (RFC 6749 section 4.1, RFC 7636, RFC 9207).
//!
//! Until client and redirect address are known to belong together, errors stay on a page; after that they go back to
//! the client. The form repeats the whole request, so each step is checked as if it were the first.

use std::collections::BTreeMap;

use super::super::message::{Reply, Request};
use super::super::world::{World, random_id};
use super::grants::{CodeGrant, Login};
use super::page;
use crate::base::url::Url;

/// Characters of a base64url SHA-256 hash.
const CHALLENGE_LENGTH: usize = 43;

/// Shows the login form, or says why not.
pub(in super::super) fn show(world: &World, request: &Request) -> Reply {
    match Authorization::check(world, &request.query) {
        Ok(authorization) => authorization.form(200, None),
        Err(reply) => reply,
    }
}

/// Takes the login form; sends the browser back with a code when the password is right.
pub(in super::super) fn log_in(world: &World, request: &Request) -> Reply {
    if request.media_type() != "application/x-www-form-urlencoded" {
        return page::message(400, "Sign in", "The form was not understood.");
    }
    let form = String::from_utf8_lossy(&request.body);
    let mut authorization = match Authorization::check(world, &form) {
        Ok(authorization) => authorization,
        Err(reply) => return reply,
    };
    let user = authorization.params.remove("username").unwrap_or_default();
    let password = authorization.params.remove("password").unwrap_or_default();
    if !world.options.users.contains(&user) || password != world.options.password {
        return authorization.form(403, Some("User name or password is wrong."));
    }
    authorization.grant(world, &user).unwrap_or_else(|error| page::message(500, "Sign in", error.message()))
}

/// A 303 to an address with parameters added to it.
pub(super) fn redirect(target: &str, params: &[(&str, &str)]) -> Reply {
    match Url::parse(target) {
        Ok(url) if params.is_empty() => Reply::see_other(url.to_string()),
        Ok(url) => Reply::see_other(url.with_params(params)),
        Err(problem) => page::message(400, "Sign in", problem),
    }
    .with("cache-control", "no-store")
}

/// A request whose client and redirect address belong together and whose parameters make sense.
struct Authorization {
    params: BTreeMap<String, String>,
    client_id: String,
    redirect_uri: String,
}

impl Authorization {
    fn check(world: &World, encoded: &str) -> Result<Self, Reply> {
        let page = |text: &str| page::message(400, "This request cannot be answered", text);
        let mut params = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(encoded.as_bytes()) {
            // RFC 6749 section 3.1: none may come twice.
            if params.insert(name.to_string(), value.to_string()).is_some() {
                return Err(page("A parameter comes twice."));
            }
        }
        let options = &world.options;
        let client_id = params.get("client_id").cloned().unwrap_or_default();
        if client_id != options.client_id && client_id != options.public_client_id {
            return Err(page("The client is unknown."));
        }
        let redirect_uri = params.get("redirect_uri").cloned().unwrap_or_default();
        if !world.state().callbacks.contains(&redirect_uri) {
            return Err(page("The redirect address is not registered for this client."));
        }
        let authorization = Self { params, client_id, redirect_uri };
        match authorization.problem(world) {
            None => Ok(authorization),
            Some((error, description)) => {
                Err(authorization.back(world, &[("error", error), ("error_description", description)]))
            }
        }
    }

    fn problem(&self, world: &World) -> Option<(&'static str, &'static str)> {
        let value = |name: &str| self.params.get(name).map(String::as_str);
        let is_challenge = |text: &str| {
            text.len() == CHALLENGE_LENGTH
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        };
        match value("response_type") {
            Some("code") => {}
            Some(_) => return Some(("unsupported_response_type", "only code is supported")),
            None => return Some(("invalid_request", "response_type is missing")),
        }
        if !value("scope").unwrap_or_default().split(' ').any(|scope| scope == "openid") {
            return Some(("invalid_scope", "the scope openid is required"));
        }
        match (value("code_challenge"), value("code_challenge_method")) {
            (Some(challenge), Some("S256")) if is_challenge(challenge) => {}
            (Some(_), Some("S256")) => return Some(("invalid_request", "code_challenge is malformed")),
            (Some(_), _) => return Some(("invalid_request", "code_challenge_method must be S256")),
            (None, Some(_)) => return Some(("invalid_request", "code_challenge is missing")),
            (None, None) if self.client_id == world.options.public_client_id => {
                return Some(("invalid_request", "this client must use PKCE"));
            }
            (None, None) => {}
        }
        // There is no session in the browser, so nobody is ever logged in beforehand.
        value("prompt")
            .is_some_and(|prompt| prompt.split(' ').any(|p| p == "none"))
            .then_some(("login_required", "the user has to log in"))
    }

    fn form(&self, status: u16, problem: Option<&str>) -> Reply {
        let hidden: Vec<(String, String)> = self
            .params
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "username" | "password"))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        page::login(status, &self.client_id, &hidden, problem)
    }

    fn grant(&self, world: &World, user: &str) -> crate::base::error::Result<Reply> {
        let now = world.now();
        let value = |name: &str| self.params.get(name).cloned();
        let login = Login {
            family: random_id("", 16)?,
            client_id: self.client_id.clone(),
            user: user.to_owned(),
            scope: granted(&value("scope").unwrap_or_default()),
            at: now,
        };
        let code = world.state().grants.add_code(CodeGrant {
            login,
            redirect_uri: self.redirect_uri.clone(),
            challenge: value("code_challenge"),
            nonce: value("nonce"),
            expires: now + world.options.code_lifetime,
        })?;
        Ok(self.back(world, &[("code", &code)]))
    }

    fn back(&self, world: &World, params: &[(&str, &str)]) -> Reply {
        let issuer = world.user_issuer();
        let mut all = params.to_vec();
        if let Some(state) = self.params.get("state") {
            all.push(("state", state));
        }
        all.push(("iss", &issuer));
        redirect(&self.redirect_uri, &all)
    }
}

/// The requested scopes that mean something here, in the order asked for.
fn granted(requested: &str) -> String {
    let known: Vec<&str> = requested.split(' ').filter(|scope| super::SCOPES.contains(scope)).collect();
    known.join(" ")
}
