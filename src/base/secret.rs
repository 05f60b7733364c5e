//! Values that must not leak: no Display, no Serialize, a marker as Debug, wiped on drop.

use std::fmt;
use std::io::{self, Write};

use serde::{Deserialize, Deserializer, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use super::error::{Code, Error, Result};

/// What every surface shows in place of a secret.
pub const REDACTED: &str = "[redacted]";

/// A secret value. The only way to the inside is [`Secret::expose`], which is easy to search for.
#[derive(Clone, Default)]
pub struct Secret<T: Zeroize = String>(T);

impl<T: Zeroize> Secret<T> {
    /// Wraps a value; the caller gives up the plain copy.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize + AsRef<[u8]>> Secret<T> {
    /// Whether both hold the same bytes, in time that depends on their length only.
    pub fn same_as(&self, other: &[u8]) -> bool {
        self.0.as_ref().ct_eq(other).into()
    }
}

impl Secret<Vec<u8>> {
    /// A value with secrets in it as JSON. It is measured beforehand, for what grows leaves copies behind.
    ///
    /// # Errors
    /// `Internal` when JSON cannot say it.
    pub fn json(value: &impl Serialize) -> Result<Self> {
        let mut length = Length(0);
        let written = serde_json::to_writer(&mut length, value).and_then(|()| {
            let mut bytes = Vec::with_capacity(length.0);
            serde_json::to_writer(&mut bytes, value).map(|()| Self(bytes))
        });
        written.map_err(|_| Error::new(Code::Internal, "a record cannot be written as JSON"))
    }
}

/// Counts what is written.
struct Length(usize);

impl Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl From<&str> for Secret<String> {
    fn from(value: &str) -> Self {
        Self(value.to_owned())
    }
}

impl<'de, T: Zeroize + Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_marker_only() {
        let secret = Secret::from("hunter2");
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "[redacted] Some([redacted])");
    }

    #[test]
    fn json_is_as_long_as_was_measured() {
        let json =
            Secret::json(&serde_json::json!({ "a": "quote \" and \u{1f511}", "n": [1, null] })).unwrap();
        assert_eq!(json.expose(), "{\"a\":\"quote \\\" and \u{1f511}\",\"n\":[1,null]}".as_bytes());
        assert_eq!(json.expose().capacity(), json.expose().len(), "it never grew");
        let no_json = std::collections::HashMap::from([(vec![1], 2)]);
        assert_eq!(Secret::json(&no_json).unwrap_err().code(), Code::Internal);
    }

    #[test]
    fn comparison_looks_at_every_byte() {
        let secret = Secret::from("abc");
        assert!(secret.same_as(b"abc"));
        assert!(!secret.same_as(b"abd") && !secret.same_as(b"ab") && !secret.same_as(b""));
    }
}
