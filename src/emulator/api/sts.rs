//! STS: temporary access keys of a role.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::options::AccessKey;
use super::super::world::random_id;
use super::fields::Fields;
use super::{Call, Refusal};
use crate::base::bounded::BoundedMap;
use crate::base::time::Timestamp;

/// Temporary keys remembered at most.
const MAX_SESSIONS: usize = 1000;

/// Temporary access keys by id.
#[derive(Debug)]
pub(in super::super) struct Sessions(BoundedMap<String, Session>);

/// A temporary access key and when it ends.
#[derive(Debug, Clone)]
pub(in super::super) struct Session {
    /// The key.
    pub key: AccessKey,
    /// When it ends.
    pub expires: Timestamp,
}

impl Sessions {
    /// The session of an access key id.
    pub(in super::super) fn get(&self, id: &str) -> Option<&Session> {
        self.0.get(id)
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Self(BoundedMap::new(MAX_SESSIONS))
    }
}

/// `AssumeRole`.
pub(super) fn assume_role(call: &Call<'_>, fields: &mut Fields) -> Result<Value, Refusal> {
    let role_trn = fields.required_text("RoleTrn")?;
    let session_name = fields.required_text("RoleSessionName")?;
    let duration = duration(fields.integer("DurationSeconds")?);
    let _policy = fields.text("Policy")?;
    let _tags = fields.objects("Tags", &["Key", "Value"])?;
    fields.skip_prefixed("Tags.");
    fields.finish()?;
    if !is_session_name(&session_name) {
        return Err(Refusal::invalid("RoleSessionName", "not 2 to 64 of letters, digits and .-_@"));
    }
    let (account, role) =
        parse_role(&role_trn).ok_or_else(|| Refusal::invalid("RoleTrn", "not trn:iam::ACCOUNT:role/NAME"))?;
    let roles = &call.world.options.roles;
    if !roles.is_empty() && !roles.contains(&role_trn) {
        return Err(Refusal::gateway(403, "AccessDenied", "the caller may not assume this role"));
    }
    let mut result = issue(call, account, role, &session_name, duration)?;
    swap_expiry(&mut result);
    Ok(result)
}

/// Makes temporary keys of a role: `Credentials`, with `Expiration`, and `AssumedRoleUser`.
pub(super) fn issue(
    call: &Call<'_>,
    account: &str,
    role: &str,
    session_name: &str,
    duration: Duration,
) -> Result<Value, Refusal> {
    let expires = call.now + duration;
    let session_token = random_id("STS", 48)?;
    let key = AccessKey {
        id: random_id("AKTP", 16)?,
        secret: random_id("", 32)?,
        session_token: Some(session_token.clone()),
        role: Some(role.to_owned()),
    };
    let result = json!({
        "Credentials": {
            "AccessKeyId": key.id,
            "SecretAccessKey": key.secret,
            "SessionToken": session_token,
            "CurrentTime": in_beijing(call.now),
            "Expiration": in_beijing(expires),
        },
        "AssumedRoleUser": {
            "Trn": format!("trn:sts::{account}:assumed-role/{role}/{session_name}"),
            "AssumedRoleId": format!("1000:{session_name}"),
        },
    });
    call.world.state().sessions.0.insert(key.id.clone(), Session { key, expires });
    Ok(result)
}

/// STS calls the expiry `ExpiredTime`.
fn swap_expiry(result: &mut Value) {
    if let Some(credentials) = result["Credentials"].as_object_mut()
        && let Some(expires) = credentials.remove("Expiration")
    {
        credentials.insert("ExpiredTime".to_owned(), expires);
    }
}

/// Below 900 seconds counts as 3600, above 43200 as 43200.
pub(super) fn duration(asked: Option<i64>) -> Duration {
    let seconds = match asked.unwrap_or(3600) {
        ..900 => 3600,
        asked => asked.min(43_200),
    };
    Duration::from_secs(u64::try_from(seconds).unwrap_or(3600))
}

/// Whether a session can be called so.
pub(super) fn is_session_name(name: &str) -> bool {
    (2..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_@".contains(&b))
}

/// Account and name of `trn:iam::{account}:role/{name}`.
pub(super) fn parse_role(trn: &str) -> Option<(&str, &str)> {
    let (account, name) = trn.strip_prefix("trn:iam::")?.split_once(":role/")?;
    (!account.is_empty()
        && account.bytes().all(|b| b.is_ascii_digit())
        && !name.is_empty()
        && !name.contains('/'))
    .then_some((account, name))
}

/// RFC 3339 with the offset that STS uses.
fn in_beijing(moment: Timestamp) -> String {
    let shifted = (moment + Duration::from_secs(8 * 3600)).to_string();
    format!("{}+08:00", shifted.trim_end_matches('Z'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_brought_into_the_documented_range() {
        for (asked, seconds) in
            [(None, 3600), (Some(-1), 3600), (Some(899), 3600), (Some(900), 900), (Some(43_201), 43_200)]
        {
            assert_eq!(duration(asked).as_secs(), seconds, "{asked:?}");
        }
    }

    #[test]
    fn times_carry_the_offset() {
        let text = in_beijing(Timestamp::from_unix(1_768_464_000));
        assert_eq!(text, "2026-01-15T16:00:00+08:00");
        assert_eq!(Timestamp::parse_rfc3339(&text), Some(Timestamp::from_unix(1_768_464_000)));
    }

    #[test]
    fn role_and_session_names_are_checked() {
        assert_eq!(parse_role("trn:iam::1:role/R"), Some(("1", "R")));
        for bad in ["trn:iam::1:role/", "trn:iam::x:role/R", "trn:iam:::role/R", "trn:iam::1:user/R", "R"] {
            assert_eq!(parse_role(bad), None, "{bad}");
        }
        for (name, good) in [("ab", true), ("a", false), ("a b", false), ("a.-_@9", true)] {
            assert_eq!(is_session_name(name), good, "{name}");
        }
        assert!(is_session_name(&"a".repeat(64)) && !is_session_name(&"a".repeat(65)));
    }
}
