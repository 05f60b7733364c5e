//! What an engine sees: keyed hashes for names, and sealed values.
//!
//! ```text
//! <prefix>:<family>:{<32 hex>}   etag 16 | format 1 | key id 8 | nonce 12 | ciphertext | tag 16
//! <prefix>:lease:{<32 hex>}      a fence, while the record of the same hash tag is reserved
//! <prefix>:meta                  format 1 | key id 8 | nonce 12 | ciphertext | tag 16
//! ```
//!
//! The hash is an HMAC under the names key, which is random for each store and sealed in its meta record: whoever reads
//! the engine learns no name and cannot test a guess, and names stay the same when the sealing key is rotated.
//!
//! Invariant: a value opens only under the key it was sealed for, in the store it was sealed for, with its etag. Every
//! etag has its own sealing key, so random nonces never meet, however many writes there are.

use std::fmt;

use crate::base::codec::hex;
use crate::base::crypto::{self, KEY_BYTES, SealingKey, hmac_sha256};
use crate::base::entropy::Entropy;
use crate::base::error::{Code, Error, Result};
use crate::base::secret::Secret;
use crate::session::keyring::{KeyId, Keyring, NamedKey};

/// Bytes of an etag or a fence.
pub(super) const TAG: usize = 16;
/// Random for each write.
pub(super) type Etag = [u8; TAG];
/// Bytes that a sealed value may have.
pub(super) const MAX_VALUE_BYTES: usize = 1 << 20;

const RECORD_PURPOSE: &str = "agent-identity/shared/record";
const META_PURPOSE: &str = "agent-identity/shared/meta";
/// The one format that this program writes and reads.
const FORMAT: u8 = 1;
const STORE_BYTES: usize = 16;

/// The two keys of a record in the engine, of one hash tag and so in one slot of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Keys {
    pub(super) record: String,
    pub(super) lease: String,
}

/// How a store names its records.
#[derive(Clone)]
pub(super) struct Names {
    prefix: String,
    key: Secret<[u8; KEY_BYTES]>,
    store: [u8; STORE_BYTES],
}

impl Names {
    /// Those of a new store.
    pub(super) fn generate(prefix: &str, entropy: &dyn Entropy) -> Result<Self> {
        let (mut key, mut store) = ([0; KEY_BYTES], [0; STORE_BYTES]);
        entropy.fill(&mut key)?;
        entropy.fill(&mut store)?;
        Ok(Self { prefix: prefix.to_owned(), key: Secret::new(key), store })
    }

    /// The keys of a record.
    pub(super) fn keys(&self, family: &str, name: &str) -> Keys {
        let label = [family.as_bytes(), &[0], name.as_bytes()].concat();
        let hash = hex(&hmac_sha256(self.key.expose(), &label)[..16]);
        let prefix = &self.prefix;
        Keys { record: format!("{prefix}:{family}:{{{hash}}}"), lease: format!("{prefix}:lease:{{{hash}}}") }
    }

    /// What matches the keys of all records of a family, and no others: neither prefix nor family has a wildcard.
    pub(super) fn pattern(&self, family: &str) -> String {
        format!("{}:{family}:*", self.prefix)
    }

    /// The store that they are of.
    pub(super) fn store(&self) -> [u8; STORE_BYTES] {
        self.store
    }

    /// The meta record.
    pub(super) fn seal(&self, key: &NamedKey, entropy: &dyn Entropy) -> Result<Vec<u8>> {
        let plain = Secret::new([self.key.expose().as_slice(), &self.store].concat());
        let sealed = crypto::seal(
            &key.for_file(META_PURPOSE, &[]),
            entropy,
            &associated(META_PURPOSE, &meta_key(&self.prefix), &[]),
            plain.expose(),
        )?;
        Ok([&[FORMAT], key.id().0.as_slice(), &sealed].concat())
    }

    /// Reads a meta record.
    pub(super) fn open(prefix: &str, ring: &Keyring, value: &[u8]) -> Result<Self, Unreadable> {
        let (key, sealed) = header(ring, value)?;
        let key = key.for_file(META_PURPOSE, &[]);
        let plain =
            crypto::open(&key, &associated(META_PURPOSE, &meta_key(prefix), &[]), sealed).map(Secret::new);
        let plain = plain.ok_or(Unreadable::Altered)?;
        let (names, store) = plain.expose().split_first_chunk::<KEY_BYTES>().ok_or(Unreadable::Altered)?;
        let store = store.try_into().map_err(|_| Unreadable::Altered)?;
        Ok(Self { prefix: prefix.to_owned(), key: Secret::new(*names), store })
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Names({}, {})", self.prefix, hex(&self.store))
    }
}

/// The key of the meta record.
pub(super) fn meta_key(prefix: &str) -> String {
    format!("{prefix}:meta")
}

/// The value of a record.
///
/// # Errors
/// `TooLarge`, or `Internal` when the system gives no random bytes.
pub(super) fn seal(
    key: &NamedKey,
    entropy: &dyn Entropy,
    at: &str,
    etag: &Etag,
    name: &str,
    record: &[u8],
) -> Result<Vec<u8>> {
    let too_large = || {
        Error::new(Code::TooLarge, "a record is too large for the engine")
            .with_hint("it may have 1 MiB, its name 64 KiB")
    };
    let length = u16::try_from(name.len()).map_err(|_| too_large())?;
    let mut plain = Vec::with_capacity(2 + name.len() + record.len());
    plain.extend(length.to_be_bytes());
    plain.extend(name.as_bytes());
    plain.extend(record);
    let plain = Secret::new(plain);
    let sealed = crypto::seal(
        &sealing_key(key, etag),
        entropy,
        &associated(RECORD_PURPOSE, at, etag),
        plain.expose(),
    )?;
    let value = [etag.as_slice(), &[FORMAT], &key.id().0, &sealed].concat();
    match value.len() <= MAX_VALUE_BYTES {
        true => Ok(value),
        false => Err(too_large()),
    }
}

/// A record that was opened: its name, and its bytes behind it.
pub(super) struct Opened {
    plain: Secret<Vec<u8>>,
    name: usize,
}

impl Opened {
    pub(super) fn name(&self) -> &str {
        std::str::from_utf8(&self.plain.expose()[2..2 + self.name]).unwrap_or_default()
    }

    pub(super) fn record(&self) -> &[u8] {
        &self.plain.expose()[2 + self.name..]
    }
}

/// Opens the value that is at a key.
pub(super) fn open(ring: &Keyring, at: &str, value: &[u8]) -> Result<Opened, Unreadable> {
    let (etag, rest) = value.split_first_chunk::<TAG>().ok_or(Unreadable::Altered)?;
    if value.len() > MAX_VALUE_BYTES {
        return Err(Unreadable::Altered);
    }
    let (key, sealed) = header(ring, rest)?;
    let plain =
        crypto::open(&sealing_key(key, etag), &associated(RECORD_PURPOSE, at, etag), sealed).map(Secret::new);
    let plain = plain.ok_or(Unreadable::Altered)?;
    let (length, rest) = plain.expose().split_first_chunk::<2>().ok_or(Unreadable::Altered)?;
    let name = usize::from(u16::from_be_bytes(*length));
    let text = rest.get(..name).ok_or(Unreadable::Altered)?;
    std::str::from_utf8(text).map_err(|_| Unreadable::Altered)?;
    Ok(Opened { plain, name })
}

/// The etag of a value, and the end of its seal: what tells two values apart without opening them.
pub(super) fn marks(value: &[u8]) -> Option<(Etag, Etag)> {
    Some((*value.first_chunk::<TAG>()?, *value.last_chunk::<TAG>()?))
}

/// The key that a value is sealed with.
pub(super) fn key_of(value: &[u8]) -> Option<KeyId> {
    value.get(TAG + 1..)?.first_chunk().map(|bytes| KeyId(*bytes))
}

fn header<'a, 'b>(ring: &'a Keyring, value: &'b [u8]) -> Result<(&'a NamedKey, &'b [u8]), Unreadable> {
    let (format, rest) = value.split_first().ok_or(Unreadable::Altered)?;
    if *format != FORMAT {
        return Err(Unreadable::Format(*format));
    }
    let (id, sealed) = rest.split_first_chunk::<8>().ok_or(Unreadable::Altered)?;
    let id = KeyId(*id);
    let key = ring.find(id).ok_or_else(|| Unreadable::KeyUnknown { sealed: id, ours: ring.first().id() })?;
    Ok((key, sealed))
}

fn sealing_key(key: &NamedKey, etag: &Etag) -> SealingKey {
    key.for_file(RECORD_PURPOSE, etag)
}

fn associated(purpose: &str, at: &str, etag: &[u8]) -> Vec<u8> {
    [purpose.as_bytes(), &[0, FORMAT], at.as_bytes(), &[0], etag].concat()
}

/// Why a value cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It is of a format of a newer program.
    Format(u8),
    /// It is sealed with a key that this instance does not have.
    KeyUnknown {
        /// That key.
        sealed: KeyId,
        /// The key that this instance seals with.
        ours: KeyId,
    },
    /// It is not what was sealed for its place.
    Altered,
}

impl Unreadable {
    /// The error for an operator: `what` is what cannot be read.
    pub(super) fn into_error(self, what: &str, location: &str) -> Error {
        let (reason, hint) = match self {
            Self::Format(format) => (
                format!("has format {format}, which this program does not know"),
                "use the newer program that wrote it on all instances",
            ),
            Self::KeyUnknown { sealed, ours } => (
                format!("is sealed with the key {sealed}, this instance has {ours}"),
                "give all instances the same key file: add the missing key on a further line and restart; nothing in the \
                 engine was changed",
            ),
            Self::Altered => (
                "does not open: it was altered, or put under a name that is not its own".to_owned(),
                "find out who else writes to the engine; another prefix= keeps two services apart",
            ),
        };
        Error::new(Code::StoreUnreadable, format!("{what} in the engine at {location} {reason}"))
            .with_hint(hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::entropy::OsEntropy;
    use crate::session::keyring;

    fn ring(byte: u8) -> Keyring {
        keyring::parse(&[byte; 32]).unwrap()
    }

    const ETAG: Etag = [7; TAG];

    fn sealed(at: &str) -> Vec<u8> {
        seal(ring(1).first(), &OsEntropy, at, &ETAG, "näme", b"record").unwrap()
    }

    #[test]
    fn a_value_opens_in_its_place_only() {
        let value = sealed("p:f:{1}");
        let opened = open(&ring(1), "p:f:{1}", &value).unwrap();
        assert_eq!((opened.name(), opened.record()), ("näme", &b"record"[..]));
        assert_eq!(key_of(&value), Some(ring(1).first().id()));
        for elsewhere in ["p:f:{2}", "p:g:{1}", "q:f:{1}", ""] {
            assert_eq!(open(&ring(1), elsewhere, &value).err(), Some(Unreadable::Altered), "{elsewhere}");
        }
        assert_eq!(
            open(&ring(2), "p:f:{1}", &value).err(),
            Some(Unreadable::KeyUnknown { sealed: ring(1).first().id(), ours: ring(2).first().id() })
        );
    }

    #[test]
    fn no_byte_can_be_altered_and_none_is_missing() {
        let value = sealed("p:f:{1}");
        for i in 0..value.len() {
            let mut bad = value.clone();
            bad[i] ^= 1;
            assert!(open(&ring(1), "p:f:{1}", &bad).is_err(), "byte {i}");
            assert!(open(&ring(1), "p:f:{1}", &value[..i]).is_err(), "prefix {i}");
        }
        let mut newer = value.clone();
        newer[TAG] = 2;
        assert_eq!(open(&ring(1), "p:f:{1}", &newer).err(), Some(Unreadable::Format(2)));
    }

    #[test]
    fn sizes_are_bounded_at_their_edges() {
        let plain = MAX_VALUE_BYTES - TAG - 9 - 12 - 16 - 2 - 1;
        let of = |bytes: usize| seal(ring(1).first(), &OsEntropy, "k", &ETAG, "n", &vec![0; bytes]);
        let largest = of(plain).unwrap();
        assert_eq!(largest.len(), MAX_VALUE_BYTES);
        assert_eq!(open(&ring(1), "k", &largest).unwrap().record().len(), plain);
        assert_eq!(of(plain + 1).unwrap_err().code(), Code::TooLarge);
        let named = |length: usize| seal(ring(1).first(), &OsEntropy, "k", &ETAG, &"n".repeat(length), b"");
        assert!(named(65_535).is_ok());
        assert_eq!(named(65_536).unwrap_err().code(), Code::TooLarge);
    }

    #[test]
    fn names_are_of_their_store_and_stay_when_the_key_is_rotated() {
        let names = Names::generate("p", &OsEntropy).unwrap();
        let keys = names.keys("session", "alice");
        assert!(keys.record.starts_with("p:session:{") && keys.lease.starts_with("p:lease:{"));
        assert_eq!(keys.record.len(), "p:session:{}".len() + 32);
        let tag = |text: &str| text.split_once('{').map(|(_, tag)| tag.to_owned());
        assert_eq!(tag(&keys.record), tag(&keys.lease));
        assert!(!keys.record.contains("alice"));
        assert_ne!(names.keys("session", "bob"), keys);
        assert_ne!(tag(&names.keys("login", "alice").record), tag(&keys.record));
        let other = Names::generate("p", &OsEntropy).unwrap();
        assert_ne!(other.keys("session", "alice"), keys);
        assert_ne!(names.store(), other.store());

        let meta = names.seal(ring(1).first(), &OsEntropy).unwrap();
        let back = Names::open("p", &ring(1), &meta).unwrap();
        assert_eq!(back.store(), names.store());
        assert_eq!(back.keys("session", "alice"), keys);
        let again = back.seal(ring(2).first(), &OsEntropy).unwrap();
        assert_eq!(Names::open("p", &ring(2), &again).unwrap().keys("session", "alice"), keys);
        assert_eq!(Names::open("q", &ring(1), &meta).err(), Some(Unreadable::Altered));
        assert!(matches!(Names::open("p", &ring(2), &meta), Err(Unreadable::KeyUnknown { .. })));
        for cut in [0, 1, 8, meta.len() - 1] {
            assert!(Names::open("p", &ring(1), &meta[..cut]).is_err());
        }
    }

    #[test]
    fn every_reason_says_what_to_do() {
        for reason in [
            Unreadable::Format(9),
            Unreadable::Altered,
            Unreadable::KeyUnknown { sealed: ring(1).first().id(), ours: ring(2).first().id() },
        ] {
            let error = reason.into_error("the meta record", "redis://h:1");
            assert_eq!(error.code(), Code::StoreUnreadable);
            assert!(error.message().contains("redis://h:1") && error.hint().is_some());
        }
    }
}
