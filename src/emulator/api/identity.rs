//! Whose token a request brings: a user's of a UserPool or a trusted issuer, or a TIP of the workload pool.

use std::sync::Arc;

use serde_json::Value;

use super::super::issuer;
use super::super::jws::{unverified_claims, verified_claims};
use super::super::userpool::pool::Pool;
use super::fields::Fields;
use super::{Call, Refusal};
use crate::base::time::Timestamp;
use crate::base::url::Url;

/// Who signed a token.
#[derive(Debug, Clone)]
pub(super) enum Issuer {
    /// The workload pool.
    Workload,
    /// A UserPool.
    UserPool(Arc<Pool>),
    /// One of the issuers that the options trust.
    Trusted,
}

/// A token whose signature and dates were right.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    /// The user, or the workload that acts for none.
    pub subject: String,
    /// When the token ends.
    pub until: Timestamp,
    /// Who signed it.
    pub issuer: Issuer,
    /// All that it says.
    pub claims: Value,
}

impl Identity {
    /// Verifies the token of a parameter.
    pub(super) fn of_token(call: &Call<'_>, field: &str, token: &str) -> Result<Self, Refusal> {
        let refuse = |message: &str| Refusal::invalid(field, message);
        let claims = unverified_claims(token).ok_or_else(|| refuse("the token is not a JWT"))?;
        let named = claims["iss"].as_str().unwrap_or_default();
        let world = call.world;
        let pool = world.state().pools.by_issuer(named);
        let (issuer, jwks) = if named == world.workload_issuer() {
            (Issuer::Workload, world.state().workload_keys.jwks())
        } else if let Some(pool) = pool {
            let jwks = pool.state().keys.jwks();
            (Issuer::UserPool(pool), jwks)
        } else if let Some(trusted) = world.options.trusted_issuers.iter().find(|url| is_same(url, named)) {
            let jwks = issuer::fetch_jwks(trusted, named)
                .map_err(|error| Refusal::gateway(500, "InternalError", error.message()))?;
            (Issuer::Trusted, jwks)
        } else {
            return Err(refuse("the issuer of the token is not trusted"));
        };
        let claims =
            verified_claims(token, &jwks).ok_or_else(|| refuse("no key of its issuer signed the token"))?;
        let until = claims["exp"].as_i64().map(Timestamp::from_unix);
        let until = until.filter(|until| !until.is_past(call.now));
        let until = until.ok_or_else(|| refuse("the token has expired"))?;
        let subject = claims["sub"].as_str().filter(|subject| !subject.is_empty());
        let subject = subject.ok_or_else(|| refuse("the token has no subject"))?.to_owned();
        Ok(Self { subject, until, issuer, claims })
    }

    /// Takes `IdentityToken`, which must be a TIP.
    pub(super) fn take_tip(call: &Call<'_>, fields: &mut Fields) -> Result<Self, Refusal> {
        let token = fields.required_text("IdentityToken")?;
        let identity = Self::of_token(call, "IdentityToken", &token)?;
        if identity.is_tip() {
            return Ok(identity);
        }
        Err(Refusal::invalid("IdentityToken", "the token is not one of a workload"))
    }

    /// Whether it is a TIP.
    pub(super) fn is_tip(&self) -> bool {
        matches!(self.issuer, Issuer::Workload)
    }

    /// The workload that a TIP is of; empty for other tokens.
    pub(super) fn agent(&self) -> &str {
        self.claims["act"]["sub"].as_str().unwrap_or_default()
    }

    /// Whom the token is for.
    pub(super) fn audience(&self) -> Vec<&str> {
        match &self.claims["aud"] {
            Value::String(one) => vec![one],
            Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }
}

/// A URL without a path and one with `/` are the same to [`Url`], but not to an issuer.
fn is_same(trusted: &Url, issuer: &str) -> bool {
    let text = trusted.to_string();
    text == issuer || text.strip_suffix('/') == Some(issuer)
}
