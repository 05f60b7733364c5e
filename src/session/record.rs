//! Sessions as JSON, the inside of what is sealed.
//!
//! The plain bytes exist only inside a [`Buffer`], which is wiped, and sized beforehand so that it need not grow.

use std::collections::HashMap;
use std::sync::Arc;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use super::key::{ByKey, SessionKey};
use super::model::Session;
use crate::base::buffer::Buffer;
use crate::base::error::{Code, Error, Result};
use crate::base::json;
use crate::base::secret::Secret;
use crate::base::time::Timestamp;

/// All sessions by key.
pub type Sessions = ByKey<Arc<Session>>;

/// Changes that count together or not at all. No key is in both lists.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Sessions that are new or have changed.
    pub put: Vec<(SessionKey, Arc<Session>)>,
    /// Keys whose sessions are gone.
    pub del: Vec<SessionKey>,
}

impl Batch {
    /// Makes the changes.
    pub fn apply(self, sessions: &mut Sessions) {
        for key in self.del {
            sessions.remove(&key);
        }
        sessions.extend(self.put);
    }
}

/// Writes all sessions as one JSON object.
pub(super) fn write_snapshot(sessions: &Sessions) -> Result<Buffer> {
    let size = sessions.iter().map(|(key, session)| size_of_entry(key, session)).sum();
    to_json(&Entries(sessions.iter().map(|(key, session)| (key, &**session)).collect()), size)
}

/// Reads what [`write_snapshot`] wrote.
pub(super) fn read_snapshot(json: &[u8]) -> Option<Sessions> {
    let records: HashMap<SessionKey, Record> = serde_json::from_slice(json).ok()?;
    Some(records.into_iter().map(|(key, record)| (key, Arc::new(record.into()))).collect())
}

/// Writes a batch as `{"put":{…},"del":[…]}`.
pub(super) fn write_batch(batch: &Batch) -> Result<Buffer> {
    #[derive(Serialize)]
    struct Json<'a> {
        put: Entries<'a>,
        del: &'a [SessionKey],
    }
    let put: usize = batch.put.iter().map(|(key, session)| size_of_entry(key, session)).sum();
    let del: usize = batch.del.iter().map(|key| key.as_str().len() + 8).sum();
    let entries = Entries(batch.put.iter().map(|(key, session)| (key, &**session)).collect());
    to_json(&Json { put: entries, del: &batch.del }, put + del)
}

/// Reads what [`write_batch`] wrote.
pub(super) fn read_batch(json: &[u8]) -> Option<Batch> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Json {
        put: HashMap<SessionKey, Record>,
        del: Vec<SessionKey>,
    }
    let json: Json = serde_json::from_slice(json).ok()?;
    let put = json.put.into_iter().map(|(key, record)| (key, Arc::new(record.into()))).collect();
    Some(Batch { put, del: json.del })
}

fn to_json(value: &impl Serialize, size: usize) -> Result<Buffer> {
    let mut text = Buffer::with_room(size + 32);
    json::write(&mut text, value)
        .map_err(|_| Error::new(Code::Internal, "the sessions cannot be written as JSON"))?;
    Ok(text)
}

/// Bytes of an entry as long as nothing in it needs escaping, rounded up.
fn size_of_entry(key: &SessionKey, session: &Session) -> usize {
    const NAMES_AND_DATES: usize = 160;
    let refresh = session.refresh_token.as_ref().map_or(0, |token| token.expose().len());
    key.as_str().len() + session.sub.len() + session.user_token.expose().len() + refresh + NAMES_AND_DATES
}

/// Writes one session, for a seal of its own.
pub(super) fn write_session(session: &Session) -> Result<Secret<Vec<u8>>> {
    Secret::json(&RecordRef::from(session))
}

/// Reads what [`write_session`] wrote.
pub(super) fn read_session(json: &[u8]) -> Option<Session> {
    serde_json::from_slice::<Record>(json).ok().map(Session::from)
}

struct Entries<'a>(Vec<(&'a SessionKey, &'a Session)>);

impl Serialize for Entries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, session) in &self.0 {
            map.serialize_entry(key, &RecordRef::from(*session))?;
        }
        map.end()
    }
}

/// A session on its way into a seal: the only place where its secrets are serialised.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RecordRef<'a> {
    sub: &'a str,
    user_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    login_at: Timestamp,
    expires_at: Timestamp,
}

impl<'a> From<&'a Session> for RecordRef<'a> {
    fn from(session: &'a Session) -> Self {
        Self {
            sub: &session.sub,
            user_token: session.user_token.expose(),
            refresh_token: session.refresh_token.as_ref().map(|token| token.expose().as_str()),
            login_at: session.login_at,
            expires_at: session.expires_at,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    sub: String,
    user_token: Secret,
    #[serde(default)]
    refresh_token: Option<Secret>,
    login_at: Timestamp,
    expires_at: Timestamp,
}

impl From<Record> for Session {
    fn from(record: Record) -> Self {
        let Record { sub, user_token, refresh_token, login_at, expires_at } = record;
        Self { sub, user_token, refresh_token, login_at, expires_at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::testing::{key, session};

    #[test]
    fn sessions_and_batches_round_trip() {
        let mut odd = session("o\"d\u{1}d", 9, None);
        odd.user_token = "quote \" and é".into();
        let put = vec![(key("a"), Arc::new(session("a", 7, Some("r")))), (key("é:b"), Arc::new(odd))];
        let sessions: Sessions = put.iter().cloned().collect();
        let json = write_snapshot(&sessions).unwrap();
        let back = read_snapshot(json.filled()).unwrap();
        assert_eq!(format!("{:?}", back[&key("a")]), format!("{:?}", sessions[&key("a")]));
        assert_eq!(back[&key("é:b")].user_token.expose(), "quote \" and é");
        assert_eq!(back[&key("a")].refresh_token.as_ref().unwrap().expose(), "r");
        assert!(back[&key("é:b")].refresh_token.is_none());

        let batch = Batch { put, del: vec![key("gone")] };
        let back = read_batch(write_batch(&batch).unwrap().filled()).unwrap();
        let mut all = Sessions::from_iter([(key("gone"), Arc::new(session("x", 1, None)))]);
        back.apply(&mut all);
        assert_eq!(all.len(), 2);
        assert!(!all.contains_key(&key("gone")));
    }

    #[test]
    fn the_size_is_known_beforehand() {
        let sessions: Sessions =
            (0..50).map(|i| (key(&format!("k{i}")), Arc::new(session("s", 1, Some("refresh"))))).collect();
        let expected: usize = sessions.iter().map(|(k, s)| size_of_entry(k, s)).sum();
        let json = write_snapshot(&sessions).unwrap();
        assert!(json.filled().len() <= expected, "{} > {expected}", json.filled().len());
        assert_eq!(json.into_vec().capacity(), expected + 32, "it never grew");
    }

    #[test]
    fn anything_else_is_not_read() {
        for bad in ["", "[]", "{", r#"{"a":1}"#, r#"{"a":{"sub":"s"}}"#, r#"{"":{}}"#, "{}x"] {
            assert!(read_snapshot(bad.as_bytes()).is_none(), "{bad}");
        }
        for bad in ["{}", r#"{"put":{}}"#, r#"{"put":{},"del":[""]}"#, r#"{"put":{},"del":[],"x":1}"#] {
            assert!(read_batch(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
