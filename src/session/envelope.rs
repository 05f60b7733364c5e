//! `sessions.json`: a JSON envelope around all sessions, sealed.
//!
//! Invariant: every field outside the seal is bound to it as associated data, so that no part of one file can be put
//! into another.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fault::Fault;
use super::keyring::{KeyId, Keyring, NamedKey};
use super::record::{self, Sessions};
use crate::base::buffer::Buffer;
use crate::base::codec::{base64, hex, unbase64, unhex};
use crate::base::crypto;
use crate::base::entropy::Entropy;
use crate::base::error::{Code, Error, Result};
use crate::base::json;
use crate::base::secret::Secret;

/// The envelope's `format`, and the purpose that its seal is bound to.
pub const FORMAT: &str = "agent-identity/sessions";
/// The version that this program writes and reads.
pub const VERSION: u64 = 1;
/// Bytes that the file may have: some hundred thousand sessions.
pub const MAX_FILE_BYTES: u64 = 512 * 1024 * 1024;
/// What an envelope has beside what is sealed, at most: names and hexadecimal identifiers.
const ROOM_BESIDE: usize = 512;

/// The random name of one snapshot, by which a journal says what it continues.
///
/// Random and not counted, so that the files of a restored backup and of the history it replaced never look related.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Generation(pub(super) [u8; 16]);

impl Generation {
    pub(super) fn random(entropy: &dyn Entropy) -> Result<Self> {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    fn parse(text: &str) -> Option<Self> {
        Some(Self(unhex(text)?.try_into().ok()?))
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The readable part of an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// This snapshot.
    pub generation: Generation,
    /// The snapshot whose journal is folded into this one. A crash may leave that journal beside this snapshot.
    pub folded: Option<Generation>,
    /// The key that seals.
    pub key: KeyId,
}

impl Header {
    fn associated_data(&self) -> Vec<u8> {
        let folded = self.folded.map_or_else(String::new, |generation| generation.to_string());
        format!("{FORMAT}\n{VERSION}\n{}\n{folded}\n{}", self.generation, self.key).into_bytes()
    }
}

/// What a `sessions.json` turned out to be.
#[derive(Debug)]
pub enum Content {
    /// Our envelope, still sealed.
    Sealed(Sealed),
    /// A JSON object of somebody else, perhaps the plain layout of old versions.
    Object(serde_json::Map<String, Value>),
}

/// An envelope that has been read but not opened.
#[derive(Debug)]
pub struct Sealed {
    /// Its readable part.
    pub header: Header,
    sealed: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Json<'a> {
    format: Cow<'a, str>,
    version: u64,
    generation: Cow<'a, str>,
    previous: Option<Cow<'a, str>>,
    key: Cow<'a, str>,
    #[serde(borrow)]
    sealed: Cow<'a, str>,
}

/// Reads a file's bytes.
///
/// # Errors
/// What is wrong with them.
pub fn parse(bytes: &[u8]) -> Result<Content, Fault> {
    #[derive(Deserialize)]
    struct Probe {
        #[serde(default)]
        format: Option<Value>,
        #[serde(default)]
        version: Option<Value>,
    }
    // No prefix of a JSON object is one, so a file of ours that was cut off is caught here.
    let Ok(probe) = serde_json::from_slice::<Probe>(bytes) else {
        return Err(match bytes.starts_with(format!("{{\"format\":\"{FORMAT}\"").as_bytes()) {
            true => Fault::SnapshotDamaged("it is cut off or altered"),
            false => Fault::SnapshotForeign,
        });
    };
    if probe.format.as_ref().and_then(Value::as_str) != Some(FORMAT) {
        return serde_json::from_slice(bytes).map(Content::Object).map_err(|_| Fault::SnapshotForeign);
    }
    match probe.version.as_ref().and_then(Value::as_u64) {
        Some(VERSION) => {}
        Some(other) => return Err(Fault::SnapshotVersion(other)),
        None => return Err(Fault::SnapshotDamaged("its version is no number")),
    }
    let damaged = || Fault::SnapshotDamaged("its envelope is altered");
    let json: Json<'_> = serde_json::from_slice(bytes).map_err(|_| damaged())?;
    let folded = json.previous.map(|text| Generation::parse(&text).ok_or_else(damaged)).transpose()?;
    let generation = Generation::parse(&json.generation).ok_or_else(damaged)?;
    let key = KeyId::parse(&json.key).ok_or_else(damaged)?;
    let sealed = unbase64(&json.sealed).ok_or_else(damaged)?;
    Ok(Content::Sealed(Sealed { header: Header { generation, folded, key }, sealed }))
}

impl Sealed {
    /// Opens the seal with whichever key of the ring made it.
    ///
    /// # Errors
    /// When the ring lacks that key, or the file was altered.
    pub fn open(&self, ring: &Keyring) -> Result<Sessions, Fault> {
        let key = ring.find(self.header.key).ok_or(Fault::KeyUnknown(self.header.key))?;
        let key = key.for_file(FORMAT, &self.header.generation.0);
        let plain = crypto::open(&key, &self.header.associated_data(), &self.sealed).map(Secret::new);
        let plain = plain.ok_or(Fault::SnapshotDamaged("its seal does not open"))?;
        record::read_snapshot(plain.expose()).ok_or(Fault::SnapshotDamaged("it holds no sessions"))
    }
}

/// Writes a file's bytes.
///
/// # Errors
/// When they would be too many to read back, or the system gives no random bytes.
pub(super) fn seal(
    sessions: &Sessions,
    generation: Generation,
    folded: Option<Generation>,
    key: &NamedKey,
    entropy: &dyn Entropy,
) -> Result<Vec<u8>> {
    let header = Header { generation, folded, key: key.id() };
    let plain = record::write_snapshot(sessions)?;
    let key = key.for_file(FORMAT, &generation.0);
    let sealed = crypto::seal(&key, entropy, &header.associated_data(), plain.filled())?;
    drop(plain);
    let json = Json {
        format: FORMAT.into(),
        version: VERSION,
        generation: header.generation.to_string().into(),
        previous: header.folded.map(|generation| generation.to_string().into()),
        key: header.key.to_string().into(),
        sealed: base64(&sealed).into(),
    };
    let mut text = Buffer::with_room(json.sealed.len() + ROOM_BESIDE);
    json::write(&mut text, &json)
        .map_err(|_| Error::new(Code::Internal, "the session envelope cannot be written"))?;
    text.push(b"\n");
    check_size(text.len())?;
    Ok(text.into_vec())
}

fn check_size(bytes: usize) -> Result<()> {
    match u64::try_from(bytes).is_ok_and(|n| n <= MAX_FILE_BYTES) {
        true => Ok(()),
        false => Err(Error::new(
            Code::TooLarge,
            format!("the sessions take {bytes} bytes, more than the {MAX_FILE_BYTES} that a file may have"),
        )
        .with_hint("log out sessions that are no longer needed")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::entropy::OsEntropy;
    use crate::session::keyring;
    use crate::session::testing::{key, session};

    fn ring(byte: u8) -> Keyring {
        keyring::parse(&[byte; 32]).unwrap()
    }

    fn file(folded: Option<Generation>) -> String {
        let sessions = Sessions::from_iter([(key("a"), Arc::new(session("sub-a", 7, Some("refresh-a"))))]);
        let bytes = seal(&sessions, Generation([1; 16]), folded, ring(7).first(), &OsEntropy).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn open(text: &str, ring: &Keyring) -> Result<Sessions, Fault> {
        match parse(text.as_bytes())? {
            Content::Sealed(sealed) => sealed.open(ring),
            Content::Object(_) => panic!("not an envelope: {text}"),
        }
    }

    #[test]
    fn what_is_sealed_opens_with_its_key_only() {
        for folded in [None, Some(Generation([2; 16]))] {
            let text = file(folded);
            assert_eq!(open(&text, &ring(7)).unwrap()[&key("a")].sub, "sub-a");
            assert_eq!(open(&text, &ring(8)).unwrap_err(), Fault::KeyUnknown(ring(7).first().id()));
        }
    }

    #[test]
    fn no_field_can_be_swapped() {
        let text = file(Some(Generation([2; 16])));
        let field = |name: &str, value: Value| {
            let mut json: Value = serde_json::from_str(&text).unwrap();
            json[name] = value;
            open(&json.to_string(), &ring(7)).unwrap_err()
        };
        let closed = Fault::SnapshotDamaged("its seal does not open");
        assert_eq!(field("generation", hex(&[9; 16]).into()), closed);
        assert_eq!(field("previous", hex(&[9; 16]).into()), closed);
        assert_eq!(field("previous", Value::Null), closed);
        assert_eq!(field("sealed", base64(&[0; 60]).into()), closed);
        assert_eq!(field("sealed", "".into()), closed);
        assert_eq!(field("version", 2.into()), Fault::SnapshotVersion(2));
        let altered = Fault::SnapshotDamaged("its envelope is altered");
        assert_eq!(field("generation", "12".into()), altered);
        assert_eq!(field("key", "zz".into()), altered);
        assert_eq!(field("sealed", "%".into()), altered);
        assert_eq!(field("extra", 1.into()), altered);
        assert_eq!(field("version", "1".into()), Fault::SnapshotDamaged("its version is no number"));
    }

    #[test]
    fn no_prefix_and_no_changed_byte_opens() {
        let text = file(None);
        for end in 1..text.len() - 1 {
            assert!(parse(&text.as_bytes()[..end]).is_err(), "prefix {end}");
        }
        let mut bytes = text.clone().into_bytes();
        for i in 0..bytes.len() - 1 {
            bytes[i] ^= 1;
            let opened = match parse(&bytes) {
                Ok(Content::Sealed(sealed)) => sealed.open(&ring(7)).is_ok(),
                Ok(Content::Object(_)) | Err(_) => false,
            };
            // The sealed bytes may have several base64 spellings only where the decoder is lax, which it is not.
            assert!(!opened, "byte {i}");
            bytes[i] ^= 1;
        }
    }

    #[test]
    fn what_is_not_ours_is_told_apart() {
        for foreign in ["", "  ", "null", "[1]", "iv:tag:data", "\u{0}\u{1}", "{\"a\":1"] {
            assert_eq!(parse(foreign.as_bytes()).unwrap_err(), Fault::SnapshotForeign, "{foreign:?}");
        }
        for object in ["{}", r#"{"a":"x.y.z"}"#, r#"{"format":"else"}"#, r#"{"format":{},"version":1}"#] {
            assert!(matches!(parse(object.as_bytes()), Ok(Content::Object(_))), "{object}");
        }
    }

    #[test]
    fn the_size_has_an_edge() {
        let edge = usize::try_from(MAX_FILE_BYTES).unwrap();
        assert!(check_size(edge).is_ok());
        assert_eq!(check_size(edge + 1).unwrap_err().code(), Code::TooLarge);
    }
}
