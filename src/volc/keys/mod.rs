//! The platform keys (AK/SK) that sign every call: where they come from and how long they are good.
//!
//! One file a source; [`chain`] asks them in order. Keys live in memory only, in types that do not print them.

pub mod assume_role;
pub mod chain;
mod env;
mod explicit;
mod file;
mod metadata;

use std::fmt;

use crate::base::error::Error;
use crate::base::secret::Secret;
use crate::base::time::Timestamp;
use crate::base::url::Url;
use crate::config::model::Identity;

/// Keys to sign with.
#[derive(Clone)]
pub struct Keys {
    /// The public half. Shown shortened only.
    pub access_key_id: String,
    /// The secret half.
    pub secret: Secret,
    /// Belongs to temporary keys and travels with each call.
    pub session_token: Option<Secret>,
    /// When temporary keys end.
    pub expires_at: Option<Timestamp>,
    /// Where they came from: `config`, `environment`, `metadata` or `file`.
    pub source: &'static str,
}

impl Keys {
    /// The access key as it may be shown: enough to recognise it, not enough to use it.
    #[must_use]
    pub fn shown_id(&self) -> String {
        shown_id(&self.access_key_id)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("access_key_id", &self.shown_id())
            .field("temporary", &self.session_token.is_some())
            .field("expires_at", &self.expires_at)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// The settings that the chain needs.
#[derive(Clone, Debug, Default)]
pub struct KeySettings {
    /// `identity.accessKeyId`
    pub access_key_id: Option<Secret>,
    /// `identity.secretAccessKey`
    pub secret_access_key: Option<Secret>,
    /// `identity.sessionToken`
    pub session_token: Option<Secret>,
    /// `identity.credentialsMetadataUrl`
    pub credentials_metadata_url: Option<Url>,
    /// `identity.credentialsFile`
    pub credentials_file: Option<String>,
    /// `identity.roleTrn`
    pub role_trn: Option<String>,
    /// Where STS is; `None` for the public address.
    pub sts_endpoint: Option<Url>,
}

impl From<&Identity> for KeySettings {
    fn from(identity: &Identity) -> Self {
        Self {
            access_key_id: identity.access_key_id.clone(),
            secret_access_key: identity.secret_access_key.clone(),
            session_token: identity.session_token.clone(),
            credentials_metadata_url: identity.credentials_metadata_url.clone(),
            credentials_file: identity.credentials_file.clone(),
            role_trn: identity.role_trn.clone(),
            // A stand-in of the cloud on this machine answers for STS, too; its keys mean nothing to the real one.
            sts_endpoint: identity.endpoint.clone().filter(Url::is_loopback),
        }
    }
}

/// What a source has.
#[derive(Debug)]
enum Finding {
    /// Keys, and the role to assume with them.
    Found { keys: Keys, role_trn: Option<String> },
    /// Nothing, for this reason; the next source is asked.
    Absent(String),
    /// It should have keys but could not give them; no other source is asked.
    Failed(Error),
}

/// A pair given as two settings: both, or none. Half a pair is never completed from elsewhere.
fn pair(id: (&str, Option<&str>), secret: (&str, Option<&str>)) -> Result<(String, Secret), String> {
    let set = |value: Option<&str>| value.filter(|value| !value.trim().is_empty()).map(str::to_owned);
    match (set(id.1), set(secret.1)) {
        (Some(id), Some(secret)) => Ok((id, Secret::new(secret))),
        (None, None) => Err(format!("{} and {} are not set", id.0, secret.0)),
        (Some(_), None) => Err(format!("incomplete, {} is not set", secret.0)),
        (None, Some(_)) => Err(format!("incomplete, {} is not set", id.0)),
    }
}

/// `AKLT…0001`; nothing of an id too short to hide most of it.
fn shown_id(id: &str) -> String {
    let chars: Vec<char> = id.chars().collect();
    match chars.as_slice() {
        [a, b, c, d, middle @ .., w, x, y, z] if middle.len() >= 8 => {
            [a, b, c, d, &'…', w, x, y, z].into_iter().collect()
        }
        _ => "…".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_print_shortened() {
        let keys = Keys {
            access_key_id: "AKLTsecretmiddle0001".to_owned(),
            secret: Secret::from("hunter2"),
            session_token: Some(Secret::from("STStoken")),
            expires_at: None,
            source: "config",
        };
        let shown = format!("{keys:?}");
        assert!(shown.contains("AKLT…0001"), "{shown}");
        for canary in ["middle", "hunter2", "STStoken"] {
            assert!(!shown.contains(canary), "{shown}");
        }
        assert_eq!(shown_id("AKLT12345670001"), "…");
        assert_eq!(shown_id("AKLT123456780001"), "AKLT…0001");
    }

    #[test]
    fn a_stand_in_on_this_machine_serves_sts_too() {
        for (endpoint, same) in
            [("http://127.0.0.1:8080", true), ("https://id.cn-shanghai.volcengineapi.com", false)]
        {
            let identity = Identity { endpoint: Url::parse(endpoint).ok(), ..Identity::default() };
            assert_eq!(KeySettings::from(&identity).sts_endpoint.is_some(), same, "{endpoint}");
        }
    }

    #[test]
    fn half_a_pair_is_no_pair() {
        assert_eq!(pair(("A", Some("a")), ("B", None)).unwrap_err(), "incomplete, B is not set");
        assert_eq!(pair(("A", Some(" ")), ("B", Some("b"))).unwrap_err(), "incomplete, A is not set");
        assert_eq!(pair(("A", None), ("B", Some(""))).unwrap_err(), "A and B are not set");
        assert_eq!(pair(("A", Some("a")), ("B", Some("b"))).unwrap().0, "a");
    }
}
