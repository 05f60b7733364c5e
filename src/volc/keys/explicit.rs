//! First source: the pair in the configuration.

use super::{Finding, KeySettings, Keys, pair};

/// The name under which reports list it.
pub(super) const NAME: &str = "config";

pub(super) fn find(settings: &KeySettings) -> Finding {
    let id = settings.access_key_id.as_ref().map(|id| id.expose().as_str());
    let secret = settings.secret_access_key.as_ref().map(|secret| secret.expose().as_str());
    match pair(("identity.accessKeyId", id), ("identity.secretAccessKey", secret)) {
        Ok((access_key_id, secret)) => {
            let session_token =
                settings.session_token.clone().filter(|token| !token.expose().trim().is_empty());
            let keys = Keys { access_key_id, secret, session_token, expires_at: None, source: NAME };
            Finding::Found { keys, role_trn: settings.role_trn.clone() }
        }
        Err(reason) => Finding::Absent(reason),
    }
}
