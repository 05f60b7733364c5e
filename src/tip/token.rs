//! What a workload token says.

use serde::Serialize;

use crate::base::error::{Code, Error, Result};
use crate::base::json::Members;
use crate::base::secret::Secret;
use crate::base::time::Timestamp;
use crate::jwt::decode::Token;

/// One workload token. The cloud signed it and sent it over TLS; it is read here, not verified.
#[derive(Debug)]
pub struct Tip {
    /// The token itself, a JWT.
    pub token: Secret,
    /// The person.
    pub sub: String,
    /// The agents that act for the person, newest first (RFC 8693 section 4.1); index 0 is the one that runs now.
    pub chain: Vec<String>,
    /// When the cloud issued it.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// All of this in JSON: written once, since it is handed out many times.
    members: Members,
}

/// The token as it is shown to those who may have it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    token: &'a str,
    sub: &'a str,
    issued_at: Timestamp,
    expires_at: Timestamp,
    chain: &'a [String],
}

impl Tip {
    /// A token of which is known what it says.
    ///
    /// # Errors
    /// `Internal` when JSON cannot say it.
    pub fn new(
        token: Secret,
        sub: String,
        chain: Vec<String>,
        issued_at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Self> {
        let members =
            Members::of(&Shown { token: token.expose(), sub: &sub, issued_at, expires_at, chain: &chain })?;
        Ok(Self { token, sub, chain, issued_at, expires_at, members })
    }

    /// The members `token`, `sub`, `issuedAt`, `expiresAt` and `chain` of whatever hands the token out.
    #[must_use]
    pub fn members(&self) -> &Members {
        &self.members
    }

    /// Reads a token that the cloud has just issued. The earlier of `expires_at` and the token's own `exp` counts.
    ///
    /// # Errors
    /// `CloudInvalid` when it is not a JWT that names a person.
    pub fn read(token: Secret, expires_at: Timestamp, now: Timestamp) -> Result<Self> {
        let invalid =
            |what: &str| Error::new(Code::CloudInvalid, format!("the cloud issued a workload token {what}"));
        let claims = Token::parse(token.expose()).map_err(|_| invalid("that is not a JWT"))?.claims;
        let sub = claims.sub.ok_or_else(|| invalid("without a subject"))?;
        let expires_at = claims.exp.map_or(expires_at, |exp| exp.min(expires_at));
        Self::new(token, sub, claims.actors, claims.iat.unwrap_or(now), expires_at)
    }
}
