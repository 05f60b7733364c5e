//! What is known about one logged-in person.

use crate::base::secret::Secret;
use crate::base::time::Timestamp;

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
