//! Signing keys, the sets in which they are published, and JWTs signed and checked with them (RFC 7515, 7517, 7519).

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    self, ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RsaKeyPair,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde_json::{Value, json};

use crate::base::codec::{base64url, unbase64url};
use crate::base::error::{Code, Error, Result};

/// Keys that a set publishes at most: the signing one and those before it.
pub(super) const MAX_PUBLISHED: usize = 4;

const RSA_TURNS: [&[u8]; 2] = [include_bytes!("keys/one.pk8"), include_bytes!("keys/two.pk8")];
const RSA_ROGUE: &[u8] = include_bytes!("keys/rogue.pk8");

/// A signature algorithm of RFC 7518.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA with P-256 and SHA-256.
    Es256,
}

impl Algorithm {
    /// The name in a JOSE header.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }

    /// Reads the name in a JOSE header.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Rs256, Self::Es256].into_iter().find(|a| a.name() == name)
    }
}

/// What happens to the keys before the new one when keys rotate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// They stay published, so tokens signed with them still verify.
    KeepOld,
    /// They are withdrawn at once.
    DropOld,
}

/// A key pair with the identifier under which it is published.
struct SigningKey {
    id: String,
    pair: Pair,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ec(Box<EcdsaKeyPair>),
}

impl SigningKey {
    fn rsa(id: String, pkcs8: &[u8]) -> Result<Self> {
        let pair = RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| unusable())?;
        Ok(Self { id, pair: Pair::Rsa(Box::new(pair)) })
    }

    fn ec(id: String) -> Result<Self> {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(|_| unusable())?;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).map_err(|_| unusable())?;
        Ok(Self { id, pair: Pair::Ec(Box::new(pair)) })
    }

    fn jwk(&self) -> Value {
        match &self.pair {
            Pair::Rsa(pair) => {
                let public = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({
                    "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.id,
                    "n": base64url(&public.n), "e": base64url(&public.e),
                })
            }
            Pair::Ec(pair) => {
                // An uncompressed point: 0x04, then both coordinates.
                let (x, y) = pair.public_key().as_ref().get(1..).unwrap_or_default().split_at(32);
                json!({
                    "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id,
                    "x": base64url(x), "y": base64url(y),
                })
            }
        }
    }

    fn sign(&self, key_id: &str, claims: &Value) -> Result<String> {
        let algorithm = match self.pair {
            Pair::Rsa(_) => Algorithm::Rs256,
            Pair::Ec(_) => Algorithm::Es256,
        };
        let header = json!({ "alg": algorithm.name(), "typ": "JWT", "kid": key_id });
        let input = format!(
            "{}.{}",
            base64url(header.to_string().as_bytes()),
            base64url(claims.to_string().as_bytes())
        );
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&signature::RSA_PKCS1_SHA256, &random, input.as_bytes(), &mut signature)
                    .map_err(|_| unusable())?;
                signature
            }
            Pair::Ec(pair) => pair.sign(&random, input.as_bytes()).map_err(|_| unusable())?.as_ref().to_vec(),
        };
        Ok(format!("{input}.{}", base64url(&signature)))
    }
}

fn unusable() -> Error {
    Error::new(Code::Internal, "a signing key of the emulator is unusable")
}

/// The keys of one issuer: the first signs, all are published. Copies share the keys.
#[derive(Clone)]
pub(super) struct KeyRing {
    prefix: String,
    algorithm: Algorithm,
    made: usize,
    published: VecDeque<Arc<SigningKey>>,
    rogue: Arc<SigningKey>,
}

impl KeyRing {
    /// A ring with one key, whose identifiers start with `prefix`.
    ///
    /// # Errors
    /// When a key cannot be made.
    pub(super) fn new(prefix: &str, algorithm: Algorithm) -> Result<Self> {
        let rogue = match algorithm {
            Algorithm::Rs256 => SigningKey::rsa(String::new(), RSA_ROGUE)?,
            Algorithm::Es256 => SigningKey::ec(String::new())?,
        };
        let mut ring = Self {
            prefix: prefix.to_owned(),
            algorithm,
            made: 0,
            published: VecDeque::new(),
            rogue: Arc::new(rogue),
        };
        ring.rotate(Rotation::KeepOld)?;
        Ok(ring)
    }

    /// Signs from now on with a new key.
    ///
    /// # Errors
    /// When a key cannot be made.
    pub(super) fn rotate(&mut self, rotation: Rotation) -> Result<()> {
        let id = format!("{}-{}", self.prefix, self.made + 1);
        let key = match self.algorithm {
            Algorithm::Rs256 => SigningKey::rsa(id, RSA_TURNS[self.made % RSA_TURNS.len()])?,
            Algorithm::Es256 => SigningKey::ec(id)?,
        };
        if rotation == Rotation::DropOld {
            self.published.clear();
        }
        self.made += 1;
        self.published.push_front(Arc::new(key));
        self.published.truncate(MAX_PUBLISHED);
        Ok(())
    }

    /// The algorithm of every key.
    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The published keys as a JWK set.
    pub(super) fn jwks(&self) -> Value {
        json!({ "keys": self.published.iter().map(|key| key.jwk()).collect::<Vec<_>>() })
    }

    /// Signs claims. A `rogue` token names the published key, but another one signed it.
    ///
    /// # Errors
    /// When signing fails.
    pub(super) fn sign(&self, claims: &Value, rogue: bool) -> Result<String> {
        let key = self.published.front().ok_or_else(unusable)?;
        if rogue { self.rogue.sign(&key.id, claims) } else { key.sign(&key.id, claims) }
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.published.iter().map(|key| &key.id)).finish()
    }
}

/// The claims of a token, unverified; `None` when it is not a JWT.
pub(super) fn unverified_claims(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_, claims, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else {
        return None;
    };
    serde_json::from_slice::<Value>(&unbase64url(claims)?).ok().filter(Value::is_object)
}

/// The claims of a token that a key of the JWK set signed; `None` otherwise. Dates are not looked at.
pub(super) fn verified_claims(token: &str, jwks: &Value) -> Option<Value> {
    let (input, signature) = token.rsplit_once('.')?;
    let signature = unbase64url(signature)?;
    let header: Value = serde_json::from_slice(&unbase64url(input.split_once('.')?.0)?).ok()?;
    let algorithm = Algorithm::parse(header["alg"].as_str()?)?;
    let key = jwks["keys"].as_array()?.iter().find(|key| key["kid"] == header["kid"])?;
    let part = |name: &str| key[name].as_str().and_then(unbase64url);
    match algorithm {
        Algorithm::Rs256 if key["kty"] == "RSA" => RsaPublicKeyComponents { n: part("n")?, e: part("e")? }
            .verify(&signature::RSA_PKCS1_2048_8192_SHA256, input.as_bytes(), &signature)
            .ok()?,
        Algorithm::Es256 if key["kty"] == "EC" => {
            let point = [vec![4], part("x")?, part("y")?].concat();
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                .verify(input.as_bytes(), &signature)
                .ok()?;
        }
        _ => return None,
    }
    unverified_claims(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_verify_with_the_published_keys_only() {
        for algorithm in [Algorithm::Rs256, Algorithm::Es256] {
            let mut ring = KeyRing::new("k", algorithm).unwrap();
            let claims = json!({ "sub": "a" });
            let token = ring.sign(&claims, false).unwrap();
            assert_eq!(verified_claims(&token, &ring.jwks()), Some(claims.clone()));
            assert_eq!(verified_claims(&ring.sign(&claims, true).unwrap(), &ring.jwks()), None);
            let (head, signature) = token.rsplit_once('.').unwrap();
            let forged =
                format!("{}.{}.{signature}", head.split_once('.').unwrap().0, base64url(b"{\"sub\":\"b\"}"));
            assert_eq!(verified_claims(&forged, &ring.jwks()), None);
            ring.rotate(Rotation::KeepOld).unwrap();
            assert!(verified_claims(&token, &ring.jwks()).is_some());
            ring.rotate(Rotation::DropOld).unwrap();
            assert!(verified_claims(&token, &ring.jwks()).is_none());
            assert!(verified_claims(&ring.sign(&claims, false).unwrap(), &ring.jwks()).is_some());
        }
    }

    #[test]
    fn no_more_keys_are_published_than_the_bound() {
        let mut ring = KeyRing::new("k", Algorithm::Es256).unwrap();
        for _ in 0..MAX_PUBLISHED + 2 {
            ring.rotate(Rotation::KeepOld).unwrap();
        }
        assert_eq!(ring.jwks()["keys"].as_array().unwrap().len(), MAX_PUBLISHED);
    }
}
