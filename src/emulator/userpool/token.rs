//! The token endpoint: codes and refresh tokens for tokens (RFC 6749 sections 4.1.3 and 6, RFC 7636 section 4.6).

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::message::{Reply, Request};
use super::super::record::RefreshUse;
use super::super::world::World;
use super::grants::{CodeGrant, Login};
use super::pool::{Client, Pool};
use super::{add_profile, subject};
use crate::base::codec::{base64url, unbase64};
use crate::base::crypto::sha256;
use crate::base::error::{Error, Result};

/// A refusal in the terms of RFC 6749 section 5.2.
struct Refusal {
    status: u16,
    error: &'static str,
    description: &'static str,
}

impl From<Error> for Refusal {
    fn from(_: Error) -> Self {
        Self { status: 500, error: "server_error", description: "the emulator has a defect" }
    }
}

fn refuse(error: &'static str, description: &'static str) -> Refusal {
    Refusal { status: if error == "invalid_client" { 401 } else { 400 }, error, description }
}

/// Answers a token request; `rogue` signs the id_token with the unpublished key.
pub(in super::super) fn answer(world: &World, pool: &Pool, request: &Request, rogue: bool) -> Reply {
    let reply = match grant(world, pool, request, rogue) {
        Ok(tokens) => Reply::json(200, &tokens),
        Err(refusal) => {
            let body = json!({ "error": refusal.error, "error_description": refusal.description });
            let reply = Reply::json(refusal.status, &body);
            match refusal.status {
                401 => reply.with("www-authenticate", "Basic realm=\"userpool\""),
                _ => reply,
            }
        }
    };
    reply.with("cache-control", "no-store").with("pragma", "no-cache")
}

type Form = BTreeMap<String, String>;

fn grant(world: &World, pool: &Pool, request: &Request, rogue: bool) -> Result<Value, Refusal> {
    if request.media_type() != "application/x-www-form-urlencoded" {
        return Err(refuse("invalid_request", "the body is not a form"));
    }
    let mut form = Form::new();
    for (name, value) in form_urlencoded::parse(&request.body) {
        if form.insert(name.into_owned(), value.into_owned()).is_some() {
            return Err(refuse("invalid_request", "a parameter comes twice"));
        }
    }
    let desk = Desk { world, pool, client: authenticate(pool, request, &form)?, rogue };
    match form.get("grant_type").map(String::as_str) {
        Some("authorization_code") => desk.redeem(&form),
        Some("refresh_token") => desk.refresh(&form),
        Some(_) => Err(refuse("unsupported_grant_type", "the grant type is not supported")),
        None => Err(refuse("invalid_request", "grant_type is missing")),
    }
}

/// The client: by HTTP Basic when it has a secret, by `client_id` alone when it has none, never both ways.
fn authenticate(pool: &Pool, request: &Request, form: &Form) -> Result<Client, Refusal> {
    let wrong = || refuse("invalid_client", "client authentication failed");
    if form.contains_key("client_secret") {
        return Err(refuse("invalid_request", "the client secret belongs into the Authorization header"));
    }
    let (id, secret) = match (request.header("authorization"), form.get("client_id")) {
        (Some(_), Some(_)) => {
            return Err(refuse("invalid_request", "the client identifies itself in two ways"));
        }
        (Some(header), None) => basic(header).map(|(id, secret)| (id, Some(secret))).ok_or_else(wrong)?,
        (None, Some(id)) => (id.clone(), None),
        (None, None) => return Err(wrong()),
    };
    pool.client(&id).filter(|client| client.secret == secret).ok_or_else(wrong)
}

/// Id and secret of a Basic header, both form-encoded inside it (RFC 6749 section 2.3.1).
fn basic(header: &str) -> Option<(String, String)> {
    let text = String::from_utf8(unbase64(header.strip_prefix("Basic ")?)?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decode = |part: &str| {
        let spaced = part.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
    };
    Some((decode(id)?, decode(secret)?))
}

/// The token endpoint of a pool with a client that has shown who it is.
struct Desk<'a> {
    world: &'a World,
    pool: &'a Pool,
    client: Client,
    rogue: bool,
}

impl Desk<'_> {
    fn redeem(&self, form: &Form) -> Result<Value, Refusal> {
        let code = form.get("code").ok_or_else(|| refuse("invalid_request", "code is missing"))?;
        let now = self.world.now();
        let grant = self
            .pool
            .state()
            .grants
            .redeem_code(code, now)
            .ok_or_else(|| refuse("invalid_grant", "the code is unknown, used or expired"))?;
        if grant.login.client_id != self.client.uid {
            return Err(refuse("invalid_grant", "the code is another client's"));
        }
        if form.get("redirect_uri") != Some(&grant.redirect_uri) {
            return Err(refuse("invalid_grant", "redirect_uri is not that of the authorization request"));
        }
        check_verifier(&grant, form.get("code_verifier"))?;
        let refreshable = self.world.options.always_refresh || grant.login.has_scope("offline_access");
        self.tokens(&grant.login, grant.nonce.as_deref(), refreshable)
    }

    fn refresh(&self, form: &Form) -> Result<Value, Refusal> {
        let token =
            form.get("refresh_token").ok_or_else(|| refuse("invalid_request", "refresh_token is missing"))?;
        let options = &self.world.options;
        let rotates = self.client.rotation().unwrap_or(options.rotate_refresh);
        let rotation = rotates.then_some(options.refresh_grace);
        let now = self.world.now();
        let (known, login) = {
            let grants = &mut self.pool.state().grants;
            let known = grants.known_refresh(token).map(|(login, used)| (login.clone(), used));
            (known, grants.use_refresh(token, &self.client.uid, rotation, now))
        };
        if let Some((Login { user, family, .. }, again)) = known {
            let at = options.clock.monotonic();
            self.world.refresh_uses.add(RefreshUse { user, login: family, again, at });
        }
        let login = login.ok_or_else(|| {
            refuse("invalid_grant", "the refresh token is unknown, used, revoked or expired")
        })?;
        if form.get("scope").is_some_and(|scope| !scope.split(' ').all(|s| login.has_scope(s))) {
            return Err(refuse("invalid_scope", "the scope is more than was granted"));
        }
        self.tokens(&login, None, rotates)
    }

    fn tokens(&self, login: &Login, nonce: Option<&str>, refreshable: bool) -> Result<Value, Refusal> {
        let (options, now) = (&self.world.options, self.world.now());
        let (access, refresh, keys) = {
            let mut state = self.pool.state();
            let access = state.grants.add_access(login, now + options.access_lifetime)?;
            let refresh = match refreshable {
                true => Some(state.grants.add_refresh(login, now + options.refresh_lifetime)?),
                false => None,
            };
            (access, refresh, state.keys.clone())
        };
        let lifetime = self.client.id_token_seconds.map_or(options.id_token_lifetime, Duration::from_secs);
        // OpenID Connect Core section 3.1.3.6: the left half of the hash.
        let hash = sha256(access.as_bytes());
        let mut claims = json!({
            "iss": self.pool.issuer,
            "sub": subject(&login.user),
            "aud": login.client_id,
            "iat": now.unix(),
            "exp": (now + lifetime).unix(),
            "auth_time": login.at.unix(),
            "at_hash": base64url(&hash[..16]),
        });
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        add_profile(&mut claims, login);
        let mut body = json!({
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": options.access_lifetime.as_secs(),
            "id_token": keys.sign(&claims, self.rogue)?,
            "scope": login.scope,
        });
        if let Some(refresh) = refresh {
            body["refresh_token"] = refresh.into();
        }
        Ok(body)
    }
}

fn check_verifier(grant: &CodeGrant, verifier: Option<&String>) -> Result<(), Refusal> {
    let matches = match (&grant.challenge, verifier) {
        (None, None) => true,
        (Some(challenge), Some(verifier)) => {
            // RFC 7636 section 4.1.
            let well_formed = (43..=128).contains(&verifier.len())
                && verifier.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
            well_formed && base64url(&sha256(verifier.as_bytes())) == *challenge
        }
        _ => false,
    };
    if matches {
        Ok(())
    } else {
        Err(refuse("invalid_grant", "code_verifier does not fit the code_challenge"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::codec::base64;

    #[test]
    fn basic_credentials_are_decoded_as_the_rfc_says() {
        let header = |text: &str| format!("Basic {}", base64(text.as_bytes()));
        assert_eq!(basic(&header("a%3Ab:c+d%2B")), Some(("a:b".into(), "c d+".into())));
        for bad in ["Basic !", "Bearer YTpi", "Basic YQ=="] {
            assert_eq!(basic(bad), None, "{bad}");
        }
    }
}
