//! The UserPools: each an OpenID provider with a login page, at an address of its own.

pub(super) mod authorize;
pub(super) mod external;
pub(super) mod grants;
pub(super) mod page;
pub(super) mod pool;
pub(super) mod token;

use serde_json::{Value, json};

use self::pool::Pool;
use super::message::{Reply, Request};
use super::world::World;
use crate::base::codec::hex;
use crate::base::crypto::sha256;

/// The scopes that mean something here.
const SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// The discovery document (OpenID Connect Discovery section 3).
pub(super) fn discovery(pool: &Pool) -> Reply {
    let issuer = &pool.issuer;
    let algorithm = pool.state().keys.algorithm().name();
    Reply::json(
        200,
        &json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/oauth/token"),
            "userinfo_endpoint": format!("{issuer}/userinfo"),
            "jwks_uri": format!("{issuer}/keys"),
            "end_session_endpoint": format!("{issuer}/logout"),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "subject_types_supported": ["public"],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": SCOPES,
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "none"],
            "id_token_signing_alg_values_supported": [algorithm],
            "authorization_response_iss_parameter_supported": true,
        }),
    )
}

/// The published keys.
pub(super) fn jwks(pool: &Pool) -> Reply {
    Reply::json(200, &pool.state().keys.jwks())
}

/// The user's claims for an access token (OpenID Connect Core section 5.3).
pub(super) fn userinfo(world: &World, pool: &Pool, request: &Request) -> Reply {
    let token = request.header("authorization").and_then(|header| header.strip_prefix("Bearer "));
    let now = world.now();
    let login = token.and_then(|token| pool.state().grants.login_of_access(token, now).cloned());
    let Some(login) = login else {
        let error = if token.is_some() { "Bearer error=\"invalid_token\"" } else { "Bearer" };
        return Reply::json(401, &json!({ "error": "invalid_token" })).with("www-authenticate", error);
    };
    let mut claims = json!({ "sub": subject(&login.user) });
    add_profile(&mut claims, &login);
    Reply::json(200, &claims)
}

/// Ends the user's session (OpenID Connect RP-Initiated Logout). The emulator keeps none in the browser, so there is
/// only where to go next.
pub(super) fn logout(pool: &Pool, request: &Request) -> Reply {
    let Some(target) = request.param("post_logout_redirect_uri") else {
        return page::message(200, "Signed out", "You can close this page.");
    };
    let known = pool
        .state()
        .clients
        .iter()
        .any(|client| client.callbacks.contains(&target) || client.logout_urls.contains(&target));
    if !known {
        return page::message(400, "Signed out", "The address to go back to is not registered.");
    }
    let state = request.param("state");
    let params: Vec<(&str, &str)> = state.iter().map(|state| ("state", state.as_str())).collect();
    authorize::redirect(&target, &params)
}

/// A user's stable identifier, in the form of a UUID.
pub(super) fn subject(user: &str) -> String {
    let digits = hex(&sha256(format!("user:{user}").as_bytes()));
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    format!("{}-{}-4{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

/// Adds the claims that the granted scopes ask for (OpenID Connect Core section 5.4).
fn add_profile(claims: &mut Value, login: &grants::Login) {
    if login.has_scope("email") {
        claims["email"] = format!("{}@example.com", login.user).into();
        claims["email_verified"] = true.into();
    }
    if login.has_scope("profile") {
        let mut letters = login.user.chars();
        let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
        claims["name"] = format!("{first}{}", letters.as_str()).into();
        claims["preferred_username"] = login.user.clone().into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_stable_and_differ() {
        let alice = subject("alice");
        assert_eq!((alice.len(), alice.matches('-').count()), (36, 4));
        assert_eq!(alice, subject("alice"));
        assert_ne!(alice, subject("bob"));
    }
}
