//! Second source: the pair in the environment.

use super::{Finding, Keys, pair};
use crate::base::env::Env;
use crate::base::secret::Secret;

/// The name under which reports list it.
pub(super) const NAME: &str = "environment";

const ACCESS_KEY: &str = "VOLCENGINE_ACCESS_KEY";
const SECRET_KEY: &str = "VOLCENGINE_SECRET_KEY";
const SESSION_TOKEN: &str = "VOLCENGINE_SESSION_TOKEN";

pub(super) fn find(env: &Env, role_trn: Option<&str>) -> Finding {
    match pair((ACCESS_KEY, env.get(ACCESS_KEY)), (SECRET_KEY, env.get(SECRET_KEY))) {
        Ok((access_key_id, secret)) => {
            let session_token = env.get(SESSION_TOKEN).map(Secret::from);
            let keys = Keys { access_key_id, secret, session_token, expires_at: None, source: NAME };
            Finding::Found { keys, role_trn: role_trn.map(str::to_owned) }
        }
        Err(reason) => Finding::Absent(reason),
    }
}
