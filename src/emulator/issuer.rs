//! Another issuer's published keys, fetched anew for each token: the emulator has no load to spare them from.

use std::time::Duration;

use serde_json::Value;

use crate::base::error::{Code, Error, Result};
use crate::base::url::Url;

/// For each of the two requests.
const TIME_LIMIT: Duration = Duration::from_secs(5);
/// Bytes of a document.
const MAX_DOCUMENT: u64 = 1024 * 1024;

/// The JWK set of an issuer, found through its discovery document.
///
/// # Errors
/// When either document cannot be had, or is not that issuer's.
pub(super) fn fetch_jwks(issuer_url: &Url, issuer: &str) -> Result<Value> {
    let invalid = |what: &str| Error::new(Code::IdpInvalid, format!("the trusted issuer's {what}"));
    let base = issuer_url.to_string();
    let discovery = get(&format!("{}/.well-known/openid-configuration", base.trim_end_matches('/')))?;
    if discovery["issuer"] != issuer {
        return Err(invalid("discovery document names another issuer"));
    }
    let jwks_uri = discovery["jwks_uri"].as_str().ok_or_else(|| invalid("discovery document has no keys"))?;
    let jwks = Url::parse(jwks_uri).map_err(invalid)?;
    if jwks.origin() != issuer_url.origin() {
        return Err(invalid("keys are at another origin"));
    }
    get(jwks_uri)
}

fn get(url: &str) -> Result<Value> {
    let unreachable = |error: &dyn std::fmt::Display| {
        Error::new(Code::IdpUnreachable, format!("cannot read {url}: {error}"))
    };
    let agent = ureq::Agent::new_with_config(
        ureq::Agent::config_builder().timeout_global(Some(TIME_LIMIT)).max_redirects(0).proxy(None).build(),
    );
    let mut response = agent.get(url).call().map_err(|error| unreachable(&error))?;
    let body = response
        .body_mut()
        .with_config()
        .limit(MAX_DOCUMENT)
        .read_to_vec()
        .map_err(|error| unreachable(&error))?;
    serde_json::from_slice(&body).map_err(|_| Error::new(Code::IdpInvalid, format!("{url} is not JSON")))
}
