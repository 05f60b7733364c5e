//! What is known about one logged-in person.

use std::time::Duration;

use super::key::SessionKey;
use super::record;
use crate::base::error::Result;
use crate::base::secret::Secret;
use crate::base::time::Timestamp;
use crate::records::Record;

/// How long an ended login without a refresh token is remembered, so that its person is told that it has ended.
pub const REMEMBERED_FOR: Duration = Duration::from_secs(3600);

/// A person's login under one session key.
#[derive(Clone, Debug)]
pub struct Session {
    /// The person: `sub` of the user token.
    pub sub: String,
    /// The OIDC id token; what the cloud exchanges for a TIP.
    pub user_token: Secret,
    /// For silent renewal; no surface ever returns it.
    pub refresh_token: Option<Secret>,
    /// When the person logged in; kept over renewals.
    pub login_at: Timestamp,
    /// When the user token ends.
    pub expires_at: Timestamp,
}

impl Session {
    /// Whether nothing more can come of this login: the token has ended and cannot be renewed.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.refresh_token.is_none() && self.expires_at.is_past(now)
    }
}

impl Record for Session {
    type Name = SessionKey;
    const FAMILY: &'static str = "session";
    /// Longer than providers let a refresh token lie unused; a login that is used is put again with each renewal.
    const IDLE: Option<Duration> = Some(Duration::from_secs(180 * 24 * 3600));

    fn ends(&self) -> Option<Timestamp> {
        self.refresh_token.is_none().then(|| self.expires_at + REMEMBERED_FOR)
    }

    fn to_bytes(&self) -> Result<Secret<Vec<u8>>> {
        record::write_session(self)
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        record::read_session(bytes)
    }
}
