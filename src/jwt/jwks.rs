//! Key sets (RFC 7517), and choosing the one key that a token may have been signed with.
//!
//! A provider publishes keys for many purposes: what we cannot use is skipped, never an error. A token is checked with
//! exactly one key; where several would do, none is tried.

use serde_json::{Map, Value};

use super::decode::{Token, invalid};
use super::verify::{Algorithm, MIN_RSA_BITS, PublicKey};
use crate::base::codec::unbase64url;
use crate::base::error::{Code, Error, Result};

/// Keys of a set that are looked at.
pub const MAX_KEYS: usize = 128;

/// A published key that signatures can be checked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwk {
    /// Its name.
    pub kid: Option<String>,
    /// The only algorithm it may be used with, when the provider says so.
    pub alg: Option<Algorithm>,
    /// The key.
    pub key: PublicKey,
}

/// The usable keys of a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySet {
    keys: Vec<Jwk>,
}

impl KeySet {
    /// Reads a JWK set. Keys of other types, uses or algorithms, and malformed ones, are left out (RFC 7517 section 5).
    ///
    /// # Errors
    /// `IdpInvalid` when it is not a JWK set or has more than [`MAX_KEYS`] keys.
    pub fn parse(json: &[u8]) -> Result<Self> {
        let set: Value = serde_json::from_slice(json).unwrap_or_default();
        let Some(keys) = set.get("keys").and_then(Value::as_array) else {
            return Err(Error::new(Code::IdpInvalid, "the provider's key set is not a JWK set"));
        };
        if keys.len() > MAX_KEYS {
            return Err(Error::new(
                Code::IdpInvalid,
                format!("the provider's key set has more than {MAX_KEYS} keys"),
            ));
        }
        Ok(Self { keys: keys.iter().filter_map(|key| Jwk::read(key.as_object()?)).collect() })
    }

    /// The usable keys.
    #[must_use]
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// The key that the token names, or without a name the only one that fits its algorithm. `None` when there is no
    /// such key, or more than one.
    ///
    /// # Errors
    /// `TokenInvalid` when the token's algorithm is not an accepted one: no other key set would change that.
    pub fn key_for(&self, token: &Token<'_>) -> Result<Option<&Jwk>> {
        let algorithm = accepted(token)?;
        let mut fitting = self
            .keys
            .iter()
            .filter(|key| key.fits(algorithm) && (token.header.kid.is_none() || key.kid == token.header.kid));
        Ok(fitting.next().filter(|_| fitting.next().is_none()))
    }
}

impl Jwk {
    /// Checks that this key signed the token.
    ///
    /// # Errors
    /// `TokenInvalid` when it did not, or when the algorithm does not fit the key.
    pub fn verify(&self, token: &Token<'_>) -> Result<()> {
        let algorithm = accepted(token)?;
        if self.fits(algorithm) && self.key.verifies(algorithm, token.signed.as_bytes(), &token.signature) {
            Ok(())
        } else {
            Err(invalid("has a wrong signature"))
        }
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        self.key.fits(algorithm) && self.alg.is_none_or(|only| only == algorithm)
    }

    fn read(members: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        if members.contains_key("use") && text("use") != Some("sig") {
            return None;
        }
        if let Some(operations) = members.get("key_ops")
            && !operations.as_array()?.iter().any(|operation| operation == "verify")
        {
            return None;
        }
        let alg = match text("alg") {
            Some(name) => Some(Algorithm::parse(name)?),
            None => None,
        };
        let bytes = |name: &str| unbase64url(text(name)?);
        let key = match (text("kty")?, text("crv")) {
            ("RSA", _) => rsa(&bytes("n")?, &bytes("e")?)?,
            ("EC", Some("P-256")) => p256(&bytes("x")?, &bytes("y")?)?,
            ("OKP", Some("Ed25519")) => PublicKey::Ed25519(bytes("x")?.try_into().ok()?),
            _ => return None,
        };
        let kid = text("kid").map(str::to_owned);
        Some(Self { kid, alg, key })
    }
}

fn accepted(token: &Token<'_>) -> Result<Algorithm> {
    Algorithm::parse(&token.header.alg)
        .ok_or_else(|| invalid("is signed with an algorithm other than RS256, PS256, ES256 and EdDSA"))
}

fn rsa(n: &[u8], e: &[u8]) -> Option<PublicKey> {
    let (n, e) = (trimmed(n), trimmed(e));
    let bits = (n.len() * 8).checked_sub(usize::try_from(n.first()?.leading_zeros()).ok()?)?;
    (bits >= MIN_RSA_BITS && !e.is_empty()).then(|| PublicKey::Rsa { n: n.to_vec(), e: e.to_vec() })
}

/// Without leading zeros, which RFC 7518 section 6.3.1.1 forbids and some issuers send.
fn trimmed(number: &[u8]) -> &[u8] {
    &number[number.iter().take_while(|byte| **byte == 0).count()..]
}

fn p256(x: &[u8], y: &[u8]) -> Option<PublicKey> {
    let coordinates: ([u8; 32], [u8; 32]) = (x.try_into().ok()?, y.try_into().ok()?);
    let mut point = [4; 65];
    point[1..33].copy_from_slice(&coordinates.0);
    point[33..].copy_from_slice(&coordinates.1);
    Some(PublicKey::P256(point))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    const JWKS: &[u8] = include_bytes!("../../tests/vectors/jwt/jwks.json");
    const TOKENS: &[u8] = include_bytes!("../../tests/vectors/jwt/tokens.json");

    #[derive(Deserialize)]
    struct Vectors {
        cases: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        name: String,
        token: String,
        decode: String,
        signature: Option<String>,
    }

    /// Success where "ok" is expected, else a failure in those words.
    fn assert_outcome<T>(result: &Result<T>, expected: &str, context: &str) {
        match result {
            Ok(_) => assert_eq!(expected, "ok", "{context}"),
            Err(error) => {
                assert!(expected != "ok" && error.message().contains(expected), "{context}: {error}");
            }
        }
    }

    fn verify(set: &KeySet, token: &Token<'_>) -> Result<()> {
        match set.key_for(token)? {
            Some(key) => key.verify(token),
            None => Err(invalid("no key")),
        }
    }

    #[test]
    fn every_vector_fails_at_its_stage_for_its_reason() {
        let set = KeySet::parse(JWKS).unwrap();
        let vectors: Vectors = serde_json::from_slice(TOKENS).unwrap();
        assert!(vectors.cases.len() > 50);
        for case in vectors.cases {
            let decoded = Token::parse(&case.token);
            assert_outcome(&decoded, &case.decode, &format!("{}: decode", case.name));
            if let (Ok(token), Some(expected)) = (decoded, case.signature) {
                assert_outcome(&verify(&set, &token), &expected, &format!("{}: signature", case.name));
            }
        }
    }

    #[test]
    fn no_prefix_of_a_token_and_no_flipped_character_passes() {
        let set = KeySet::parse(JWKS).unwrap();
        let vectors: Vectors = serde_json::from_slice(TOKENS).unwrap();
        let passes = |text: &str| Token::parse(text).is_ok_and(|token| verify(&set, &token).is_ok());
        for name in ["RS256", "PS256", "ES256", "EdDSA"] {
            let token = &vectors.cases.iter().find(|case| case.name == name).unwrap().token;
            assert!(passes(token), "{name}");
            for end in 0..token.len() {
                assert!(!passes(&token[..end]), "{name}: prefix {end}");
            }
            for at in 0..token.len() {
                let mut bytes = token.clone().into_bytes();
                bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
                assert!(!passes(&String::from_utf8(bytes).unwrap()), "{name}: character {at}");
            }
        }
    }

    #[test]
    fn only_usable_keys_are_kept() {
        let set = KeySet::parse(JWKS).unwrap();
        let names: Vec<_> = set.keys().iter().filter_map(|key| key.kid.as_deref()).collect();
        assert_eq!(names, ["rsa", "rsa-ps-only", "ec", "ed"]);
        let key = |json: &str| KeySet::parse(format!("{{\"keys\":[{json}]}}").as_bytes()).unwrap().keys.len();
        let x = "A".repeat(43);
        for (json, kept) in [
            (format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}"#), 1),
            (format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","key_ops":["verify"]}}"#), 1),
            (format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","key_ops":["encrypt"]}}"#), 0),
            (format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","key_ops":"verify"}}"#), 0),
            (format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","use":5}}"#), 0),
            (format!(r#"{{"kty":"OKP","crv":"Ed448","x":"{x}"}}"#), 0),
            (r#"{"kty":"OKP","crv":"Ed25519","x":"AA"}"#.into(), 0),
            (r#"{"kty":"RSA","n":"","e":""}"#.into(), 0),
            (r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#.into(), 0),
        ] {
            assert_eq!(key(&json), kept, "{json}");
        }
    }

    #[test]
    fn the_modulus_must_have_2048_bits_after_leading_zeros() {
        let modulus = |first: &[u8], len: usize| [first, &vec![1; len - first.len()]].concat();
        assert!(rsa(&modulus(&[0x80], 256), &[1, 0, 1]).is_some());
        assert!(rsa(&modulus(&[0, 0x80], 257), &[1, 0, 1]).is_some());
        assert!(rsa(&modulus(&[0x7f], 256), &[1, 0, 1]).is_none());
        assert!(rsa(&modulus(&[0, 0x80], 256), &[1, 0, 1]).is_none());
        assert!(rsa(&modulus(&[0x80], 256), &[0, 0]).is_none());
    }

    #[test]
    fn what_is_not_a_key_set_is_refused() {
        for json in ["", "[]", "{}", r#"{"keys":{}}"#, "<html>"] {
            assert_eq!(KeySet::parse(json.as_bytes()).unwrap_err().code(), Code::IdpInvalid, "{json}");
        }
        let set =
            |count: usize| KeySet::parse(format!("{{\"keys\":[{}]}}", vec!["1"; count].join(",")).as_bytes());
        assert!(set(MAX_KEYS).is_ok());
        assert!(set(MAX_KEYS + 1).is_err());
    }
}
