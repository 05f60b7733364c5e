//! The provider's signing keys: kept for 300 s, refetched at once for a key id that is not among them (rotation), but
//! on demand no more than once in 60 s.

use std::sync::Arc;

use super::cached::Cached;
use super::exchange;
use crate::base::error::{Code, Error, Result};
use crate::base::time::Clock;
use crate::base::url::Url;
use crate::jwt::decode::Token;
use crate::jwt::jwks::KeySet;
use crate::net::transport::Transport;

/// Bytes that a key set may have.
pub const MAX_KEY_SET_BYTES: u64 = 4 << 20;

/// The key set of one provider, kept fresh.
#[derive(Debug)]
pub struct Keys {
    transport: Arc<dyn Transport>,
    set: Cached<KeySet>,
}

impl Keys {
    /// An empty cache.
    #[must_use]
    pub fn new(transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        Self { transport, set: Cached::new("keys", clock) }
    }

    /// Checks the token's signature with the keys at `jwks_uri`.
    ///
    /// # Errors
    /// `TokenInvalid` when no key or a wrong one signed it; `IdpUnreachable` or `IdpInvalid` when the keys cannot be
    /// had.
    pub fn verify(&self, token: &Token<'_>, jwks_uri: &Url) -> Result<()> {
        let fetch = || {
            let json = exchange::document(&*self.transport, jwks_uri, "the key set", MAX_KEY_SET_BYTES)?;
            KeySet::parse(&json)
        };
        let set = self.set.get(fetch)?;
        if let Some(key) = set.key_for(token)? {
            return key.verify(token);
        }
        let newer = self.set.newer(&set, fetch)?;
        match newer.key_for(token)? {
            Some(key) => key.verify(token),
            None => Err(Error::new(
                Code::TokenInvalid,
                "the provider has no key that the token can be checked with",
            )
            .with_hint("if the provider changed its keys just now, try again in a minute")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::time::ManualClock;
    use crate::oidc::testing::{self, FakeTransport, Signer};

    #[test]
    fn rotation_is_followed_at_once_but_not_at_anybodys_pace() {
        let clock = Arc::new(ManualClock::at(*testing::NOW));
        let transport = Arc::new(FakeTransport::default());
        let keys = Keys::new(transport.clone(), clock.clone());
        let uri = Url::parse("https://pool.example.com/keys").unwrap();
        let (old, new, forged) = (Signer::new("old"), Signer::new("new"), Signer::new("forged"));
        let check = |signer: &Signer| {
            let text = signer.sign(&testing::claims("n"));
            keys.verify(&Token::parse(&text).unwrap(), &uri)
        };
        transport.answer("/keys", 200, old.jwks());
        check(&old).unwrap();
        check(&old).unwrap();
        assert_eq!(transport.sent().len(), 1, "cached");

        transport.answer("/keys", 200, new.jwks());
        check(&new).unwrap();
        assert_eq!(transport.sent().len(), 2, "an unknown key id fetches");
        for _ in 0..10 {
            assert_eq!(check(&forged).unwrap_err().code(), Code::TokenInvalid);
        }
        assert_eq!(transport.sent().len(), 2, "cool-down");
        clock.advance(Duration::from_secs(60));
        transport.answer("/keys", 200, new.jwks());
        assert!(check(&forged).is_err());
        assert_eq!(transport.sent().len(), 3);
        assert_eq!(transport.sent()[2].limits.body_bytes, MAX_KEY_SET_BYTES);
    }

    #[test]
    fn a_key_id_is_no_signature() {
        let transport = Arc::new(FakeTransport::default());
        let keys = Keys::new(transport.clone(), Arc::new(ManualClock::at(*testing::NOW)));
        transport.answer("/keys", 200, Signer::new("k").jwks());
        let text = Signer::new("k").sign(&testing::claims("n"));
        let uri = Url::parse("https://pool.example.com/keys").unwrap();
        let error = keys.verify(&Token::parse(&text).unwrap(), &uri).unwrap_err();
        assert!(error.message().contains("wrong signature"), "{error}");
        assert_eq!(transport.sent().len(), 1, "a wrong signature is no reason to fetch");
    }
}
