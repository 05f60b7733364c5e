//! Our registration at the provider: the id, how we prove it, and what we ask for.

use crate::base::codec::base64;
use crate::base::error::{Code, Error, Result};
use crate::base::secret::Secret;
use crate::base::url::Url;
use crate::config::model::UserPool;

/// The OIDC client that we are.
#[derive(Clone, Debug)]
pub struct Client {
    /// The client id.
    pub id: String,
    /// The secret; without one we are a public client (RFC 6749 section 2.1) and PKCE alone protects the code.
    pub secret: Option<Secret>,
    /// The registered callback.
    pub redirect_uri: Url,
    /// The scope to ask for, space-separated.
    pub scope: String,
    /// Which of the provider's own identity providers the person is sent to.
    pub identity_provider: Option<String>,
}

impl Client {
    /// The client of the explicit mode (CFG-48), and the provider's base.
    ///
    /// # Errors
    /// `ConfigMissing`, listing all settings that are absent.
    pub fn from_config(pool: &UserPool) -> Result<(Self, Url)> {
        match (&pool.discovery_url, &pool.client_id, &pool.callback_url) {
            (Some(base), Some(id), Some(callback)) => Ok((
                Self {
                    id: id.clone(),
                    secret: pool.client_secret.clone(),
                    redirect_uri: callback.clone(),
                    scope: pool.scope.clone(),
                    identity_provider: pool.identity_provider.clone(),
                },
                base.clone(),
            )),
            (base, id, callback) => {
                let settings = [
                    ("userpool.discoveryUrl", base.is_some()),
                    ("userpool.clientId", id.is_some()),
                    ("userpool.callbackUrl", callback.is_some()),
                ];
                let missing: Vec<_> =
                    settings.iter().filter(|(_, set)| !set).map(|(name, _)| *name).collect();
                Err(Error::new(
                    Code::ConfigMissing,
                    format!("login is not configured: {} missing", missing.join(", ")),
                )
                .with_hint("set it in the configuration file"))
            }
        }
    }

    /// The `Authorization` header of token requests: HTTP Basic with id and secret, each form-encoded first
    /// (RFC 6749 section 2.3.1). `None` for a public client, which names itself by `client_id` in the body instead.
    #[must_use]
    pub(super) fn authorization(&self) -> Option<String> {
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let secret = self.secret.as_ref()?;
        let pair = Secret::new(format!("{}:{}", encoded(&self.id), encoded(secret.expose())));
        Some(format!("Basic {}", base64(pair.expose().as_bytes())))
    }

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
    fn missing_settings_are_listed_together() {
        let url = |text| Some(Url::parse(text).unwrap());
        let mut pool = UserPool::default();
        let error = Client::from_config(&pool).unwrap_err();
        assert_eq!(error.code(), Code::ConfigMissing);
        for name in ["userpool.discoveryUrl", "userpool.clientId", "userpool.callbackUrl"] {
            assert!(error.message().contains(name), "{error}");
        }
        pool.client_id = Some("c".into());
        pool.callback_url = url("http://127.0.0.1:1/cb");
        let error = Client::from_config(&pool).unwrap_err();
        assert!(error.message().contains("discoveryUrl") && !error.message().contains("clientId"), "{error}");
        pool.discovery_url = url("https://p.example");
        let (client, base) = Client::from_config(&pool).unwrap();
        assert_eq!((client.scope.as_str(), base.host()), ("openid profile email", "p.example"));
    }

    #[test]
    fn basic_encodes_before_it_joins() {
        let client = |id: &str, secret: Option<&str>| Client {
            id: id.into(),
            secret: secret.map(Secret::from),
            redirect_uri: Url::parse("http://127.0.0.1:1/cb").unwrap(),
            scope: "openid offline_access".into(),
            identity_provider: None,
        };
        let plain = client("client-1", Some("s3cret_"));
        assert_eq!(plain.authorization().unwrap(), format!("Basic {}", base64(b"client-1:s3cret_")));
        let odd = client("a:b", Some("p@ss w/ü"));
        assert_eq!(odd.authorization().unwrap(), format!("Basic {}", base64(b"a%3Ab:p%40ss+w%2F%C3%BC")));
        assert_eq!(client("a", None).authorization(), None);
        assert!(odd.asks_for("openid") && !odd.asks_for("offline"));
    }
}
