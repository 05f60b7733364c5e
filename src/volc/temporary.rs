//! Temporary keys as STS and the role providers write them: the same object, but for the name of its end.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::base::secret::Secret;
use crate::base::time::Timestamp;

/// Temporary keys of an answer, complete.
#[derive(Clone, Debug)]
pub struct TemporaryKeys {
    /// The public half.
    pub access_key_id: String,
    /// The secret half.
    pub secret: Secret,
    /// Travels with each call.
    pub session_token: Secret,
    /// When they end: `ExpiredTime` of STS, `Expiration` of the role providers, with whatever offset.
    pub expires_at: Timestamp,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Raw {
    access_key_id: Option<String>,
    secret_access_key: Option<Secret>,
    session_token: Option<Secret>,
    expired_time: Option<Timestamp>,
    expiration: Option<Timestamp>,
}

impl<'de> Deserialize<'de> for TemporaryKeys {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let raw = Raw::deserialize(from)?;
        let missing = D::Error::missing_field;
        let filled = |secret: &Secret| !secret.expose().is_empty();
        let access_key_id = raw.access_key_id.filter(|id| !id.is_empty());
        Ok(Self {
            access_key_id: access_key_id.ok_or_else(|| missing("AccessKeyId"))?,
            secret: raw.secret_access_key.filter(filled).ok_or_else(|| missing("SecretAccessKey"))?,
            session_token: raw.session_token.filter(filled).ok_or_else(|| missing("SessionToken"))?,
            expires_at: raw.expired_time.or(raw.expiration).ok_or_else(|| missing("ExpiredTime"))?,
        })
    }
}
