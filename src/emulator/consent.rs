//! What users agree to at OAuth2 services: authorizations under way, the page that asks, and the tokens that follow.
//!
//! The invariant: a token is of one user, one agent, one provider and one set of scopes, and comes from a code that the
//! page gave out for exactly that authorization.

use std::collections::BTreeMap;
use std::time::Duration;

use super::message::{Reply, Request};
use super::userpool::authorize::redirect;
use super::userpool::page;
use super::world::{World, random_id};
use crate::base::bounded::BoundedMap;
use crate::base::error::Result;
use crate::base::time::Timestamp;

/// Authorizations and tokens remembered at most, of each.
const MAX_EACH: usize = 1000;

/// Where the service itself takes the codes of OAuth2 services.
pub(super) const CALLBACK_PATH: &str = "/api/v1/oauth2callback";

/// Whose token, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Grant {
    /// The credential provider.
    pub provider: String,
    /// The user.
    pub subject: String,
    /// The workload that asks.
    pub agent: String,
    /// The scopes, sorted.
    pub scopes: Vec<String>,
}

/// How far an authorization is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stage {
    /// The user has not answered.
    Asked,
    /// The user agreed, and the browser carries this code.
    Coded(String),
    /// The code has come back; somebody has yet to say whose browser it was.
    Agreed,
    /// The token is there.
    Done,
    /// The user does not want to.
    Denied,
}

/// One authorization.
#[derive(Debug, Clone)]
pub(super) struct Authorization {
    /// What for.
    pub grant: Grant,
    /// The handle that callers echo.
    pub uri: String,
    /// The page to open.
    pub url: String,
    /// Where the page sends the browser.
    pub redirect_url: String,
    /// Where the service's own callback sends it on; then the user must be confirmed there.
    pub return_url: Option<String>,
    /// The caller's state for the return address.
    pub custom_state: Option<String>,
    /// How far it is.
    pub stage: Stage,
    /// When the user's time is up.
    pub expires: Timestamp,
}

impl Authorization {
    fn is_open(&self, now: Timestamp) -> bool {
        self.stage != Stage::Done && !self.expires.is_past(now)
    }
}

/// Authorizations by state, and tokens.
#[derive(Debug)]
pub(super) struct Consents {
    authorizations: BoundedMap<String, Authorization>,
    tokens: BoundedMap<Grant, (String, Timestamp)>,
}

impl Default for Consents {
    fn default() -> Self {
        Self { authorizations: BoundedMap::new(MAX_EACH), tokens: BoundedMap::new(MAX_EACH) }
    }
}

impl Consents {
    /// The token of a grant that is still good, and for how many seconds.
    pub(super) fn token(&self, grant: &Grant, now: Timestamp) -> Option<(String, u64)> {
        let (token, expires) = self.tokens.get(grant).filter(|(_, expires)| !expires.is_past(now))?;
        Some((token.clone(), expires.seconds_after(now)))
    }

    /// Makes a token for a grant.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub(super) fn issue(&mut self, grant: &Grant, now: Timestamp, lifetime: Duration) -> Result<String> {
        let token = random_id("oat-", 24)?;
        self.tokens.insert(grant.clone(), (token.clone(), now + lifetime));
        Ok(token)
    }

    /// Forgets the token of a grant and every authorization for it.
    pub(super) fn forget(&mut self, grant: &Grant) {
        self.tokens.remove(grant);
        self.authorizations.retain(|_, authorization| authorization.grant != *grant);
    }

    /// The authorization under way for a grant.
    pub(super) fn under_way(&self, grant: &Grant, now: Timestamp) -> Option<Authorization> {
        let mut all = self.authorizations.iter().map(|(_, authorization)| authorization);
        all.find(|authorization| authorization.grant == *grant && authorization.is_open(now)).cloned()
    }

    /// Begins an authorization under a state.
    pub(super) fn begin(&mut self, state: String, authorization: Authorization) {
        self.authorizations.insert(state, authorization);
    }

    /// The authorization of a state that is still open.
    pub(super) fn of_state(&self, state: &str, now: Timestamp) -> Option<Authorization> {
        self.authorizations.get(state).filter(|authorization| authorization.is_open(now)).cloned()
    }

    /// State and authorization of a handle, finished or not.
    pub(super) fn of_uri(&self, uri: &str) -> Option<(String, Authorization)> {
        let mut all = self.authorizations.iter();
        all.find(|(_, a)| a.uri == uri).map(|(state, a)| (state.clone(), a.clone()))
    }

    /// Moves an authorization on.
    pub(super) fn set_stage(&mut self, state: &str, stage: Stage) {
        if let Some(authorization) = self.authorizations.get_mut(state) {
            authorization.stage = stage;
        }
    }
}

/// Shows the page of an OAuth2 service that asks the user.
pub(super) fn show(world: &World, request: &Request) -> Reply {
    let state = request.param("state").unwrap_or_default();
    let found = world.state().consents.of_state(&state, world.now());
    let fits = |a: &Authorization| {
        request.param("client_id").as_ref() == Some(&a.grant.provider)
            && request.param("redirect_uri").as_ref() == Some(&a.redirect_url)
    };
    match found.filter(|a| fits(a) && a.stage == Stage::Asked) {
        Some(a) => page::consent(&a.grant.provider, &a.grant.scopes, &[("state".to_owned(), state)]),
        None => unknown(),
    }
}

/// Takes the user's answer; sends the browser back with a code, or with the refusal.
pub(super) fn decide(world: &World, request: &Request) -> Reply {
    let form: BTreeMap<String, String> = form_urlencoded::parse(&request.body).into_owned().collect();
    let state = form.get("state").cloned().unwrap_or_default();
    let now = world.now();
    let mut shared = world.state();
    let asked = shared.consents.of_state(&state, now).filter(|a| a.stage == Stage::Asked);
    let Some(authorization) = asked else { return unknown() };
    match form.get("decision").map(String::as_str) {
        Some("approve") => {
            let code = match random_id("consent-code-", 24) {
                Ok(code) => code,
                Err(error) => return page::message(500, "Allow access", error.message()),
            };
            shared.consents.set_stage(&state, Stage::Coded(code.clone()));
            redirect(&authorization.redirect_url, &[("code", &code), ("state", &state)])
        }
        Some("deny") => {
            redirect(&authorization.redirect_url, &[("error", "access_denied"), ("state", &state)])
        }
        _ => page::message(400, "Allow access", "The answer was not understood."),
    }
}

/// The service's own callback: takes the code, and sends the browser on where the caller asked for that.
pub(super) fn come_back(world: &World, request: &Request) -> Reply {
    let (code, error) = (request.param("code"), request.param("error"));
    let state = request.param("state").unwrap_or_default();
    let now = world.now();
    let mut shared = world.state();
    let Some(authorization) = shared.consents.of_state(&state, now) else { return unknown() };
    let denied = error.is_some() && authorization.stage == Stage::Asked;
    if !denied && code.map(Stage::Coded).as_ref() != Some(&authorization.stage) {
        return unknown();
    }
    let stage = match (denied, &authorization.return_url) {
        (true, _) => Stage::Denied,
        (false, Some(_)) => Stage::Agreed,
        (false, None) => {
            let lifetime = world.options.oauth2_token_lifetime;
            if let Err(error) = shared.consents.issue(&authorization.grant, now, lifetime) {
                return page::message(500, "Allow access", error.message());
            }
            Stage::Done
        }
    };
    shared.consents.set_stage(&state, stage);
    let Some(return_url) = &authorization.return_url else {
        let text = if denied { "Access was denied." } else { "Access was allowed. You can close this page." };
        return page::message(200, "Allow access", text);
    };
    let mut params = vec![("session_id", authorization.uri.as_str())];
    params.extend(authorization.custom_state.as_deref().map(|state| ("state", state)));
    params.extend(denied.then_some(("error", "access_denied")));
    redirect(return_url, &params)
}

fn unknown() -> Reply {
    page::message(400, "Allow access", "The request is unknown, answered or expired.")
}
