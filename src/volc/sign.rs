//! Request signatures, HMAC-SHA256 version 4 of the vendor: pure functions of request, keys and date.

use zeroize::Zeroizing;

use super::canonical::{self, Parts};
use super::keys::Keys;
use crate::base::codec::hex;
use crate::base::crypto::hmac_sha256;
use crate::base::time::Timestamp;

/// The algorithm's name, first word of every `Authorization`.
pub const ALGORITHM: &str = "HMAC-SHA256";

/// What a `POST` without a content type is signed and sent with.
const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

/// Where a signature is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope<'a> {
    /// The region, e.g. `cn-beijing`.
    pub region: &'a str,
    /// The service code: `id`, `sts`.
    pub service: &'a str,
}

/// A request to be signed. Headers and body may be secret: it does not print them.
#[derive(Clone, Copy)]
pub struct Unsigned<'a> {
    /// `GET` or `POST`.
    pub method: &'a str,
    /// Host with the port when the URL names one, as on the wire.
    pub host: &'a str,
    /// The path as on the wire.
    pub path: &'a str,
    /// The query, not yet encoded.
    pub query: &'a [(String, String)],
    /// The sender's headers, `Host` not among them.
    pub headers: &'a [(String, String)],
    /// The exact body.
    pub body: &'a [u8],
}

impl std::fmt::Debug for Unsigned<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}{} ({} body bytes)", self.method, self.host, self.path, self.body.len())
    }
}

/// Signs a request: returns all headers to send, those of `request` first. `Host` is among them.
#[must_use]
pub fn headers(
    request: &Unsigned<'_>,
    keys: &Keys,
    scope: Scope<'_>,
    date: Timestamp,
) -> Vec<(String, String)> {
    let date = date.compact();
    let body_hash = canonical::hash(request.body);
    let mut headers = complete(request, keys, &date, &body_hash);
    let parts = Parts { method: request.method, path: request.path, query: request.query, headers: &headers };
    let (canonical_request, signed_headers) = canonical::request(&parts, &body_hash);
    // A session token is among the canonical headers.
    let canonical_request = Zeroizing::new(canonical_request);
    let key = signing_key(keys.secret.expose(), scope, &date);
    let signature = hex(&hmac_sha256(&*key, string_to_sign(&canonical_request, scope, &date).as_bytes()));
    let credential = format!("{}/{}", keys.access_key_id, scope.text(&date));
    let authorization =
        format!("{ALGORITHM} Credential={credential}, SignedHeaders={signed_headers}, Signature={signature}");
    headers.push(("Authorization".to_owned(), authorization));
    headers
}

fn string_to_sign(canonical_request: &str, scope: Scope<'_>, date: &str) -> String {
    format!("{ALGORITHM}\n{date}\n{}\n{}", scope.text(date), canonical::hash(canonical_request.as_bytes()))
}

/// The sender's headers with those that the signature adds.
fn complete(request: &Unsigned<'_>, keys: &Keys, date: &str, body_hash: &str) -> Vec<(String, String)> {
    let mut headers: Vec<_> =
        request.headers.iter().map(|(name, value)| (name.clone(), value.trim().to_owned())).collect();
    let mut add = |name: &str, value: &str| headers.push((name.to_owned(), value.to_owned()));
    add("Host", request.host);
    if request.method != "GET"
        && !request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
    {
        add("Content-Type", FORM);
    }
    add("X-Date", date);
    add("X-Content-Sha256", body_hash);
    if let Some(token) = &keys.session_token {
        add("X-Security-Token", token.expose());
    }
    headers
}

impl Scope<'_> {
    /// `day/region/service/request`, where `day` is the first eight characters of the date.
    fn text(self, date: &str) -> String {
        format!("{}/{}/{}/request", day(date), self.region, self.service)
    }
}

fn day(date: &str) -> &str {
    date.get(..8).unwrap_or(date)
}

/// The key of one day, region and service. The secret goes in as it is, without a prefix.
fn signing_key(secret: &str, scope: Scope<'_>, date: &str) -> Zeroizing<[u8; 32]> {
    let of_day = Zeroizing::new(hmac_sha256(secret.as_bytes(), day(date).as_bytes()));
    let of_region = Zeroizing::new(hmac_sha256(&*of_day, scope.region.as_bytes()));
    let of_service = Zeroizing::new(hmac_sha256(&*of_region, scope.service.as_bytes()));
    Zeroizing::new(hmac_sha256(&*of_service, b"request"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;
    use crate::base::secret::Secret;

    #[derive(Deserialize)]
    struct Vectors {
        vectors: Vec<Vector>,
    }

    #[derive(Deserialize)]
    struct Vector {
        name: String,
        method: String,
        host: String,
        path: String,
        query: Vec<(String, String)>,
        headers: Vec<(String, String)>,
        body: String,
        access_key_id: String,
        secret_access_key: Secret,
        session_token: Option<Secret>,
        region: String,
        service: String,
        date: String,
        expected: Expected,
    }

    #[derive(Deserialize)]
    struct Expected {
        canonical_query: String,
        canonical_request: String,
        string_to_sign: String,
        signed_headers: String,
        credential_scope: String,
        signing_key_hex: String,
        signature: String,
        authorization: String,
        x_content_sha256: String,
        request_headers: BTreeMap<String, String>,
    }

    fn vectors() -> Vec<Vector> {
        let text =
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/signing/volcengine-v4.json"));
        serde_json::from_str::<Vectors>(text).unwrap().vectors
    }

    #[test]
    fn every_stage_equals_every_vector() {
        let vectors = vectors();
        assert_eq!(vectors.len(), 32);
        for v in vectors {
            let keys = Keys {
                access_key_id: v.access_key_id,
                secret: v.secret_access_key,
                session_token: v.session_token,
                expires_at: None,
                source: "vector",
            };
            let scope = Scope { region: &v.region, service: &v.service };
            let request = Unsigned {
                method: &v.method,
                host: &v.host,
                path: &v.path,
                query: &v.query,
                headers: &v.headers,
                body: v.body.as_bytes(),
            };
            let (name, expected) = (&v.name, v.expected);
            assert_eq!(canonical::query(&v.query), expected.canonical_query, "{name}");
            let body_hash = canonical::hash(v.body.as_bytes());
            assert_eq!(body_hash, expected.x_content_sha256, "{name}");
            let headers = complete(&request, &keys, &v.date, &body_hash);
            let parts = Parts { method: &v.method, path: &v.path, query: &v.query, headers: &headers };
            let (canonical_request, signed_headers) = canonical::request(&parts, &body_hash);
            assert_eq!(canonical_request, expected.canonical_request, "{name}");
            assert_eq!(signed_headers, expected.signed_headers, "{name}");
            assert_eq!(scope.text(&v.date), expected.credential_scope, "{name}");
            assert_eq!(string_to_sign(&canonical_request, scope, &v.date), expected.string_to_sign, "{name}");
            assert_eq!(
                hex(&*signing_key(keys.secret.expose(), scope, &v.date)),
                expected.signing_key_hex,
                "{name}"
            );

            let date = Timestamp::parse_rfc3339(&extended(&v.date)).unwrap();
            let sent: BTreeMap<_, _> = super::headers(&request, &keys, scope, date).into_iter().collect();
            assert_eq!(sent["Authorization"], expected.authorization, "{name}");
            assert!(sent["Authorization"].ends_with(&format!("Signature={}", expected.signature)), "{name}");
            assert_eq!(sent, expected.request_headers, "{name}");
        }
    }

    /// `20251127T022939Z` as `2025-11-27T02:29:39Z`.
    fn extended(d: &str) -> String {
        format!("{}-{}-{}T{}:{}:{}Z", &d[..4], &d[4..6], &d[6..8], &d[9..11], &d[11..13], &d[13..15])
    }

    #[test]
    fn values_are_signed_as_they_are_sent_without_surrounding_spaces() {
        let v = vectors().swap_remove(0);
        let spaced = [("content-type".to_owned(), " application/json\t".to_owned())];
        let keys = Keys {
            access_key_id: v.access_key_id,
            secret: v.secret_access_key,
            session_token: None,
            expires_at: None,
            source: "vector",
        };
        let request = Unsigned {
            method: "POST",
            host: &v.host,
            path: "/",
            query: &v.query,
            headers: &spaced,
            body: v.body.as_bytes(),
        };
        let scope = Scope { region: &v.region, service: &v.service };
        let date = Timestamp::parse_rfc3339(&extended(&v.date)).unwrap();
        let sent = headers(&request, &keys, scope, date);
        assert_eq!(sent[0].1, "application/json");
        assert_eq!(sent.last().unwrap().1, v.expected.authorization);
    }
}
