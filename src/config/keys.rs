//! The explicit platform key pair, `identity.accessKeyId` and its companions: whole, or not there at all.
//!
//! A pair that is half there, or a temporary one whose session token cannot be read, would be completed from another
//! source or sent without its token. Signatures that then fail tell nobody why, so such a pair is left out here.

use super::parse::Parsed;
use super::problem::{Problem, Severity};

pub(super) const PATHS: [&str; 3] =
    ["identity.accessKeyId", "identity.secretAccessKey", "identity.sessionToken"];

/// Reports and removes an explicit pair that cannot be used.
pub(super) fn leave_out_unusable(parsed: &mut Parsed) {
    let identity = &mut parsed.config.identity;
    let is_pending = PATHS.map(|path| parsed.pending.iter().any(|pending| pending.path == path));
    let given = [
        identity.access_key_id.is_some(),
        identity.secret_access_key.is_some(),
        identity.session_token.is_some(),
    ];
    let configured = [0, 1, 2].map(|index| given[index] || is_pending[index]);
    let [key, secret, token] = PATHS;
    let problem = match configured {
        [true, false, _] => Some((secret, format!("is missing: {key} alone is not used"))),
        [false, true, _] => Some((key, format!("is missing: {secret} alone is not used"))),
        [false, false, true] => Some((token, format!("has no effect without {key} and {secret}"))),
        _ => None,
    };
    if problem.is_some() || is_pending.contains(&true) {
        identity.access_key_id = None;
        identity.secret_access_key = None;
        identity.session_token = None;
    }
    if let Some((path, message)) = problem {
        let hint = "set both keys, or neither: then the environment and the credential file are tried";
        parsed.problems.push(Problem::new(Severity::Warning, path, message).with_hint(hint));
    }
}
