//! The plain `sessions.json` of old versions, read once.
//!
//! An entry is a token, or an object with any of `userToken`, `idToken`, `refreshToken`, `sub`, `loginAt` and
//! `expiresAt`; what it lacks comes from the token's claims. An entry from which no usable login can be made (no
//! person, or neither an end nor a way to renew) has nothing that could be kept: it is dropped, and reported by key.
//! A file in which no entry is usable was not ours, and is not touched.

use std::sync::Arc;

use serde_json::{Map, Value};
use zeroize::Zeroize;

use super::fault::Fault;
use super::key::SessionKey;
use super::model::Session;
use super::record::Sessions;
use crate::base::codec::unbase64url;
use crate::base::secret::Secret;
use crate::base::time::Timestamp;

/// Numbers from here on are milliseconds: in seconds this is the year 5138, in milliseconds 1973.
const FIRST_MILLISECONDS: i64 = 100_000_000_000;

/// The logins of a plain file.
#[derive(Debug)]
pub struct Migrated {
    /// What was usable.
    pub sessions: Sessions,
    /// The keys of what was not.
    pub dropped: Vec<String>,
}

/// Reads a plain file's entries and wipes them.
///
/// # Errors
/// [`Fault::SnapshotForeign`] when there are entries and none is usable.
pub fn read(mut entries: Map<String, Value>, now: Timestamp) -> Result<Migrated, Fault> {
    let mut migrated = Migrated { sessions: Sessions::default(), dropped: Vec::new() };
    for (name, value) in &entries {
        match (SessionKey::parse(name), session(value, now)) {
            (Ok(key), Some(session)) => keep_the_longer(&mut migrated.sessions, key, session),
            _ => migrated.dropped.push(name.clone()),
        }
    }
    let foreign = migrated.sessions.is_empty() && !entries.is_empty();
    entries.values_mut().for_each(wipe);
    if foreign { Err(Fault::SnapshotForeign) } else { Ok(migrated) }
}

/// `main` and `agent:main:main` are one key.
fn keep_the_longer(sessions: &mut Sessions, key: SessionKey, session: Session) {
    if sessions.get(&key).is_none_or(|known| known.expires_at < session.expires_at) {
        sessions.insert(key, Arc::new(session));
    }
}

fn session(value: &Value, now: Timestamp) -> Option<Session> {
    let empty = Map::new();
    let (token, fields) = match value {
        Value::String(token) => (token.as_str(), &empty),
        Value::Object(fields) => {
            (text(fields, "userToken").or_else(|| text(fields, "idToken")).unwrap_or(""), fields)
        }
        _ => return None,
    };
    let refresh_token = text(fields, "refreshToken").map(Secret::from);
    if token.is_empty() && refresh_token.is_none() {
        return None;
    }
    let claims = claims(token).unwrap_or_default();
    // A login that can be renewed but has no known end is renewed at its first use.
    let expires_at = moment(fields.get("expiresAt"))
        .or_else(|| moment(claims.get("exp")))
        .or_else(|| refresh_token.as_ref().map(|_| Timestamp::default()))?;
    Some(Session {
        sub: text(fields, "sub").or_else(|| text(&claims, "sub"))?.to_owned(),
        user_token: token.into(),
        refresh_token,
        login_at: moment(fields.get("loginAt")).or_else(|| moment(claims.get("iat"))).unwrap_or(now),
        expires_at,
    })
}

/// The claims of a JWT (RFC 7519), unverified: the cloud judges the token when it is used, this only names it.
fn claims(token: &str) -> Option<Map<String, Value>> {
    let [_, payload, _] = token.split('.').collect::<Vec<_>>().try_into().ok()?;
    serde_json::from_slice(&unbase64url(payload)?).ok()
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    fields.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// Seconds or milliseconds since the epoch, as a number or in digits, or RFC 3339.
fn moment(value: Option<&Value>) -> Option<Timestamp> {
    let number = match value? {
        // `as` saturates; what is outside the range of dates is brought into it anyway.
        #[expect(clippy::cast_possible_truncation, reason = "fractions of a second are dropped")]
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|n| n as i64))?,
        Value::String(text) => match text.trim().parse() {
            Ok(number) => number,
            Err(_) => return Timestamp::parse_rfc3339(text),
        },
        _ => return None,
    };
    let seconds = if number >= FIRST_MILLISECONDS { number / 1000 } else { number };
    (seconds > 0).then(|| Timestamp::from_unix(seconds))
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base::codec::base64url;
    use crate::session::testing::key;

    const NOW: i64 = 1_768_464_000;

    fn jwt(claims: &Value) -> String {
        format!("{}.{}.sig", base64url(b"{\"alg\":\"RS256\"}"), base64url(claims.to_string().as_bytes()))
    }

    fn migrate(value: Value) -> Result<Migrated, Fault> {
        let Value::Object(entries) = value else { panic!("an object is needed") };
        read(entries, Timestamp::from_unix(NOW))
    }

    #[test]
    fn every_old_form_is_read() {
        let token = jwt(&json!({"sub":"alice","exp":NOW + 60,"iat":NOW - 60}));
        let bare = jwt(&json!({"aud":"x"}));
        for (entry, sub, login_at, expires_at, refresh) in [
            (json!(token), "alice", NOW - 60, NOW + 60, None),
            (json!({"userToken": token}), "alice", NOW - 60, NOW + 60, None),
            (json!({"idToken": token, "refreshToken": "r"}), "alice", NOW - 60, NOW + 60, Some("r")),
            (json!({"userToken": token, "idToken": "other"}), "alice", NOW - 60, NOW + 60, None),
            (
                json!({"userToken": token, "sub": "bob", "expiresAt": (NOW + 9) * 1000}),
                "bob",
                NOW - 60,
                NOW + 9,
                None,
            ),
            (
                json!({"userToken": bare, "sub": "bob", "loginAt": "2026-01-15T08:00:00Z", "expiresAt": NOW + 9}),
                "bob",
                NOW,
                NOW + 9,
                None,
            ),
            (
                json!({"userToken": "opaque", "sub": "bob", "loginAt": "1768463000", "expiresAt": 1_768_465_000_500.5}),
                "bob",
                1_768_463_000,
                1_768_465_000,
                None,
            ),
            (json!({"refreshToken": "r", "sub": "bob"}), "bob", NOW, 0, Some("r")),
        ] {
            let shown = entry.to_string();
            let migrated = migrate(json!({ "main": entry })).unwrap();
            let session = &migrated.sessions[&SessionKey::main()];
            assert_eq!(session.sub, sub, "{shown}");
            assert_eq!(
                (session.login_at.unix(), session.expires_at.unix()),
                (login_at, expires_at),
                "{shown}"
            );
            assert_eq!(session.refresh_token.as_ref().map(|t| t.expose().as_str()), refresh, "{shown}");
        }
    }

    #[test]
    fn an_unusable_entry_is_reported_and_the_rest_kept() {
        let good = jwt(&json!({"sub":"alice","exp":NOW + 60}));
        let migrated = migrate(json!({
            "good": good, "no-sub": jwt(&json!({"exp":NOW + 60})), "no-end": jwt(&json!({"sub":"s"})),
            "number": 7, "empty": "", "": good, "no-token": {"sub":"s","expiresAt":NOW + 60},
        }))
        .unwrap();
        assert_eq!(migrated.sessions.keys().collect::<Vec<_>>(), [&key("good")]);
        let mut dropped = migrated.dropped;
        dropped.sort();
        assert_eq!(dropped, ["", "empty", "no-end", "no-sub", "no-token", "number"]);
    }

    #[test]
    fn a_file_of_somebody_else_is_not_a_plain_one() {
        for foreign in [
            json!({"iv": "00ff", "tag": "aa", "data": "c2VhbGVk"}),
            json!({"version": 1, "ciphertext": "x.y.z"}),
            json!({"version": 3, "entries": {"iv": "1", "expiresAt": NOW}}),
        ] {
            assert_eq!(migrate(foreign.clone()).unwrap_err(), Fault::SnapshotForeign, "{foreign}");
        }
        assert!(migrate(json!({})).unwrap().sessions.is_empty());
    }

    #[test]
    fn both_names_of_the_main_session_are_one_and_the_longer_stays() {
        let token = |sub: &str, exp: i64| jwt(&json!({"sub":sub,"exp":exp}));
        for (a, b, stays) in [(NOW + 9, NOW + 5, "a"), (NOW + 5, NOW + 9, "b")] {
            let entries = json!({"agent:main:main": token("a", a), "main": token("b", b)});
            assert_eq!(migrate(entries).unwrap().sessions[&SessionKey::main()].sub, stays);
        }
    }

    #[test]
    fn dates_in_seconds_milliseconds_and_text() {
        for (value, expected) in [
            (json!(FIRST_MILLISECONDS - 1), Some(FIRST_MILLISECONDS - 1)),
            (json!(FIRST_MILLISECONDS), Some(FIRST_MILLISECONDS / 1000)),
            (json!(0), None),
            (json!(-5), None),
            (json!(1e300), Timestamp::from_unix(i64::MAX / 1000).unix().into()),
            (json!("soon"), None),
            (json!(null), None),
            (json!([]), None),
        ] {
            assert_eq!(
                moment(Some(&value)).map(Timestamp::unix),
                expected.map(|s| Timestamp::from_unix(s).unix())
            );
        }
    }
}
