//! Our registration at the provider, and what a login asks for there.

use crate::base::codec::base64;
use crate::base::secret::Secret;
use crate::base::url::Url;

/// The OIDC client that we are.
#[derive(Clone, Debug)]
pub struct Client {
    /// The client id.
    pub id: String,
    /// The secret; without one we are a public client (RFC 6749 section 2.1) and PKCE alone protects the code.
    pub secret: Option<Secret>,
}

/// What is configured about logins, however provider and client are found.
#[derive(Clone, Debug)]
pub struct LoginSettings {
    /// The registered callback.
    pub redirect_uri: Url,
    /// The scope to ask for, space-separated.
    pub scope: String,
    /// Which of the provider's own identity providers the person is sent to; `None` is the first one it lists.
    pub identity_provider: Option<String>,
    /// Whether the pool may relay another provider's answer through our callback (`userpool.useRelayCallback`).
    pub relay: bool,
}

impl Client {
    /// The `Authorization` header of token requests: HTTP Basic with id and secret, each form-encoded first
    /// (RFC 6749 section 2.3.1). `None` for a public client, which names itself by `client_id` in the body instead.
    #[must_use]
    pub(super) fn authorization(&self) -> Option<String> {
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let secret = self.secret.as_ref()?;
        let pair = Secret::new(format!("{}:{}", encoded(&self.id), encoded(secret.expose())));
        Some(format!("Basic {}", base64(pair.expose().as_bytes())))
    }
}

impl LoginSettings {
    /// Whether the scope has this word.
    #[must_use]
    pub(super) fn asks_for(&self, word: &str) -> bool {
        self.scope.split_ascii_whitespace().any(|each| each == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_encodes_before_it_joins() {
        let client =
            |id: &str, secret: Option<&str>| Client { id: id.into(), secret: secret.map(Secret::from) };
        let plain = client("client-1", Some("s3cret_"));
        assert_eq!(plain.authorization().unwrap(), format!("Basic {}", base64(b"client-1:s3cret_")));
        let odd = client("a:b", Some("p@ss w/ü"));
        assert_eq!(odd.authorization().unwrap(), format!("Basic {}", base64(b"a%3Ab:p%40ss+w%2F%C3%BC")));
        assert_eq!(client("a", None).authorization(), None);
    }

    #[test]
    fn a_scope_is_asked_for_by_whole_words() {
        let settings = LoginSettings {
            redirect_uri: Url::parse("http://127.0.0.1:1/cb").unwrap(),
            scope: "openid offline_access".into(),
            identity_provider: None,
            relay: false,
        };
        assert!(settings.asks_for("openid") && !settings.asks_for("offline"));
    }
}
