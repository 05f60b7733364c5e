//! What a provider publishes about itself (OpenID Connect Discovery 1.0 section 4), and the rule that it must be the
//! provider that was configured.

use std::sync::Arc;

use serde::Deserialize;

use super::cached::Cached;
use super::exchange;
use crate::base::error::{Code, Error, Result};
use crate::base::time::Clock;
use crate::base::tree::Tree;
use crate::base::url::Url;
use crate::net::transport::Transport;

/// Bytes that a discovery document may have.
pub const MAX_DOCUMENT_BYTES: u64 = 1 << 20;

const WELL_KNOWN: &str = "/.well-known/";
const DOCUMENT: &str = "/.well-known/openid-configuration";

/// The members of a discovery document that a login needs, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// The issuer, exactly as tokens must repeat it.
    pub issuer: String,
    /// Where the browser goes.
    pub authorization_endpoint: Url,
    /// Where codes and refresh tokens are exchanged.
    pub token_endpoint: Url,
    /// Where the keys are.
    pub jwks_uri: Url,
    /// Whether callbacks must carry `iss` (RFC 9207 section 3).
    pub names_itself_in_callbacks: bool,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// Where the document of a configured base is: the base itself when its path has `/.well-known/`, else that suffix
/// appended.
///
/// # Errors
/// `ConfigInvalid` when the base is neither https nor loopback.
pub fn document_url(base: &Url) -> Result<Url> {
    let invalid = |rule: &str| Error::new(Code::ConfigInvalid, format!("userpool.discoveryUrl {rule}"));
    if !base.is_confidential() {
        return Err(invalid("must be https (plain http is for this machine only)"));
    }
    if base.path().contains(WELL_KNOWN) {
        return Ok(base.clone());
    }
    let path = format!("{}{DOCUMENT}", base.path().trim_end_matches('/'));
    base.with_path_and_query(&path)
        .ok_or_else(|| invalid("cannot be extended by /.well-known/openid-configuration"))
}

impl Metadata {
    /// Reads a discovery document that was found for `base`.
    ///
    /// # Errors
    /// `IdpInvalid` when a member is missing, an endpoint is neither https nor loopback, or the issuer is another one
    /// than configured (section 4.3: the two must be identical, or tokens of one provider would pass for another's).
    pub fn parse(base: &Url, json: &[u8]) -> Result<Self> {
        let invalid = |rule: &str| Error::new(Code::IdpInvalid, format!("the discovery document {rule}"));
        let document: Document = Tree::read(json).map_err(|error| {
            invalid("is not usable").with_detail(error).with_hint("check userpool.discoveryUrl")
        })?;
        if !same_issuer(base, &document.issuer) {
            return Err(invalid("is of another issuer than the configured one")
                .with_hint("userpool.discoveryUrl must be the provider's own issuer address")
                .with_detail(format_args!("issuer {:?}, configured {base:?}", document.issuer)));
        }
        let endpoint = |name: &str, text: &str| {
            Url::parse(text)
                .ok()
                .filter(Url::is_confidential)
                .ok_or_else(|| invalid(&format!("has a {name} that is not an https URL")))
        };
        Ok(Self {
            authorization_endpoint: endpoint("authorization_endpoint", &document.authorization_endpoint)?,
            token_endpoint: endpoint("token_endpoint", &document.token_endpoint)?,
            jwks_uri: endpoint("jwks_uri", &document.jwks_uri)?,
            names_itself_in_callbacks: document.authorization_response_iss_parameter_supported,
            issuer: document.issuer,
        })
    }
}

/// Whether `issuer` is the one that `base` stands for. One trailing slash makes no difference: both forms have the
/// same document address (section 4.1 removes the slash), so a configured address cannot tell them apart.
fn same_issuer(base: &Url, issuer: &str) -> bool {
    let configured = format!("{}://{}{}", base.scheme(), base.authority(), base.path());
    let configured = configured.strip_suffix(DOCUMENT).unwrap_or(&configured);
    let bare = |text: &'_ str| text.strip_suffix('/').unwrap_or(text).to_owned();
    bare(configured) == bare(issuer)
}

/// The document of one provider, kept fresh.
#[derive(Debug)]
pub struct Discovery {
    base: Url,
    transport: Arc<dyn Transport>,
    metadata: Cached<Metadata>,
}

impl Discovery {
    /// For the provider at `base`, with or without the well-known suffix.
    #[must_use]
    pub fn new(base: Url, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        Self { base, transport, metadata: Cached::new("discovery", clock) }
    }

    /// The provider's metadata, at most 300 s old; older only while the provider is unreachable.
    ///
    /// # Errors
    /// `IdpUnreachable`, or as [`Metadata::parse`] and [`document_url`].
    pub fn metadata(&self) -> Result<Arc<Metadata>> {
        self.metadata.get(|| {
            let url = document_url(&self.base)?;
            let json = exchange::document(&*self.transport, &url, "discovery", MAX_DOCUMENT_BYTES)?;
            Metadata::parse(&self.base, &json)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::base::time::{ManualClock, Timestamp};
    use crate::net::transport::{Failure, FailureKind};
    use crate::oidc::testing::FakeTransport;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn document(issuer: &str) -> Value {
        json!({
            "issuer": issuer,
            "authorization_endpoint": "https://pool.example.com/oauth/authorize",
            "token_endpoint": "https://pool.example.com/oauth/token",
            "jwks_uri": "https://keys.example.com/keys",
        })
    }

    #[test]
    fn the_suffix_is_appended_unless_it_is_there() {
        for (base, expected) in [
            ("https://p.example", "https://p.example/.well-known/openid-configuration"),
            ("https://p.example/", "https://p.example/.well-known/openid-configuration"),
            ("https://p.example/pool/1/", "https://p.example/pool/1/.well-known/openid-configuration"),
            ("http://127.0.0.1:9/x", "http://127.0.0.1:9/x/.well-known/openid-configuration"),
            (
                "https://p.example/.well-known/openid-configuration",
                "https://p.example/.well-known/openid-configuration",
            ),
            ("https://p.example/.well-known/other?x=1", "https://p.example/.well-known/other?x=1"),
        ] {
            assert_eq!(document_url(&url(base)).unwrap().to_string(), expected);
        }
        assert_eq!(document_url(&url("http://p.example")).unwrap_err().code(), Code::ConfigInvalid);
    }

    #[test]
    fn the_issuer_must_be_the_configured_one() {
        for (base, issuer, expected) in [
            ("https://p.example", "https://p.example", true),
            ("https://p.example/", "https://p.example", true),
            ("https://p.example", "https://p.example/", true),
            ("https://p.example/.well-known/openid-configuration", "https://p.example", true),
            ("https://p.example/a/.well-known/openid-configuration", "https://p.example/a", true),
            ("https://p.example", "https://p.example//", false),
            ("https://p.example", "https://evil.example", false),
            ("https://p.example", "http://p.example", false),
            ("https://p.example/a", "https://p.example", false),
            ("https://p.example/a", "https://p.example/A", false),
            ("https://p.example", "https://p.example:443", false),
            ("https://p.example", "", false),
        ] {
            let parsed = Metadata::parse(&url(base), document(issuer).to_string().as_bytes());
            assert_eq!(parsed.is_ok(), expected, "{base} {issuer}");
        }
    }

    #[test]
    fn unusable_documents_are_refused() {
        let base = url("https://p.example");
        for (name, value) in [
            ("issuer", Value::Null),
            ("authorization_endpoint", json!("http://pool.example.com/authorize")),
            ("token_endpoint", json!("/oauth/token")),
            ("token_endpoint", Value::Null),
            ("jwks_uri", json!("ftp://pool.example.com/keys")),
        ] {
            let mut json = document("https://p.example");
            json[name] = value;
            let error = Metadata::parse(&base, json.to_string().as_bytes()).unwrap_err();
            assert_eq!(error.code(), Code::IdpInvalid, "{name}");
        }
        assert!(Metadata::parse(&base, b"<html>").is_err());
    }

    #[test]
    fn an_outage_after_the_first_fetch_is_bridged() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix(0)));
        let transport = Arc::new(FakeTransport::default());
        let path = "/.well-known/openid-configuration";
        transport.answer(path, 200, document("https://p.example").to_string());
        transport.fail(path, Failure { kind: FailureKind::Connect, detail: "connection refused".into() });
        transport.answer(path, 404, "gone");
        let discovery = Discovery::new(url("https://p.example"), transport.clone(), clock.clone());

        let first = discovery.metadata().unwrap();
        assert!(Arc::ptr_eq(&first, &discovery.metadata().unwrap()), "cached");
        clock.advance(Duration::from_secs(300));
        assert_eq!(discovery.metadata().unwrap(), first, "kept over the outage");
        assert_eq!(transport.sent().len(), 2);
        assert_eq!(transport.sent()[0].limits.body_bytes, MAX_DOCUMENT_BYTES);
        clock.advance(Duration::from_secs(300));
        let error = discovery.metadata().unwrap_err();
        assert_eq!(error.code(), Code::IdpInvalid);
        assert!(error.message().contains("404"), "{error}");
    }
}
