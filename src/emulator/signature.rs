//! Verifies request signatures (HMAC-SHA256, "V4") with the headers that each request itself says it signed.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};

use super::api::Refusal;
use super::message::Request;
use crate::base::codec::hex;
use crate::base::crypto::{hmac_sha256, sha256};
use crate::base::time::Timestamp;

/// How far `X-Date` may be from the server's clock, in seconds.
pub(super) const MAX_SKEW: u64 = 900;

const ALGORITHM: &str = "HMAC-SHA256";
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What a request says about its signature; nothing of it is proven yet.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Claim {
    /// Who signs.
    pub access_key: String,
    /// The scope's region.
    pub region: String,
    /// The scope's service.
    pub service: String,
    day: String,
    signed_headers: Vec<String>,
    signature: String,
}

impl Claim {
    /// Reads the `Authorization` header.
    ///
    /// # Errors
    /// The gateway's refusals of an absent, incomplete or malformed one.
    pub(super) fn of(request: &Request) -> Result<Self, Refusal> {
        let header = request.header("authorization").ok_or_else(|| {
            Refusal::gateway(401, "MissingAuthenticationToken", "the request has no Authorization header")
        })?;
        let malformed = || Refusal::new(400, "InvalidAuthorization", "the Authorization header is malformed");
        let rest = header.strip_prefix(ALGORITHM).and_then(|r| r.strip_prefix(' ')).ok_or_else(malformed)?;
        let (mut credential, mut signed, mut signature) = (None, None, None);
        for part in rest.split(',') {
            let (name, value) = part.trim().split_once('=').ok_or_else(malformed)?;
            let slot = match name {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut signed,
                "Signature" => &mut signature,
                _ => return Err(malformed()),
            };
            if slot.replace(value).is_some() {
                return Err(malformed());
            }
        }
        let signature = signature.filter(|s| !s.is_empty()).ok_or_else(|| {
            Refusal::gateway(401, "MissingSignature", "the Authorization header has no Signature")
        })?;
        let parts: Vec<&str> = credential.ok_or_else(malformed)?.split('/').collect();
        let [access_key, day, region, service, "request"] = parts[..] else {
            return Err(Refusal::new(400, "InvalidCredential", "the credential scope is malformed"));
        };
        if [access_key, region, service].contains(&"") {
            return Err(Refusal::gateway(
                400,
                "MissingRequestInfo",
                "the credential lacks access key, region or service",
            ));
        }
        Ok(Self {
            access_key: access_key.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            day: day.to_owned(),
            signed_headers: signed.ok_or_else(malformed)?.split(';').map(str::to_owned).collect(),
            signature: signature.to_owned(),
        })
    }

    /// Checks that the request was signed within [`MAX_SKEW`] of `now`.
    ///
    /// # Errors
    /// `InvalidTimestamp`.
    pub(super) fn check_date(&self, request: &Request, now: Timestamp) -> Result<(), Refusal> {
        let refuse = |message: &str| Err(Refusal::gateway(403, "InvalidTimestamp", message));
        let Some(date) = request.header("x-date").and_then(parse_compact) else {
            return refuse("X-Date is absent or malformed");
        };
        if date.seconds_after(now).max(now.seconds_after(date)) > MAX_SKEW {
            return refuse("X-Date is too far from the server's time");
        }
        Ok(())
    }

    /// Recomputes the signature with the signer's secret.
    ///
    /// # Errors
    /// `SignatureDoesNotMatch`; the message says which stage differs.
    pub(super) fn check(&self, request: &Request, secret: &str) -> Result<(), Refusal> {
        let refuse = |message: &str| Err(Refusal::gateway(401, "SignatureDoesNotMatch", message));
        for name in ["host", "x-date"] {
            if !self.signed_headers.iter().any(|n| n == name) {
                return refuse(&format!("the header {name} is not signed"));
            }
        }
        if !self.signed_headers.is_sorted_by(|a, b| a < b) {
            return refuse("the signed headers are not in order");
        }
        let body = hex(&sha256(&request.body));
        if request.header("x-content-sha256").is_some_and(|claimed| claimed != body) {
            return refuse("X-Content-Sha256 is not the hash of the body");
        }
        let date = request.header("x-date").unwrap_or_default();
        if !date.starts_with(&self.day) || self.day.len() != 8 {
            return refuse("the day of the credential scope is not that of X-Date");
        }
        let Some(canonical) = self.canonical_request(request, &body) else {
            return refuse("a signed header is absent");
        };
        let scope = format!("{}/{}/{}/request", self.day, self.region, self.service);
        let text = format!("{ALGORITHM}\n{date}\n{scope}\n{}", hex(&sha256(canonical.as_bytes())));
        let key = [&self.day, &self.region, &self.service, "request"]
            .into_iter()
            .fold(secret.as_bytes().to_vec(), |key, part| hmac_sha256(&key, part.as_bytes()).to_vec());
        if hex(&hmac_sha256(&key, text.as_bytes())) != self.signature {
            return refuse("the signature is not that of this request");
        }
        Ok(())
    }

    fn canonical_request(&self, request: &Request, body_hash: &str) -> Option<String> {
        let mut headers = String::new();
        for name in &self.signed_headers {
            let value = request.header(name)?;
            let value = if name == "host" { without_implied_port(value) } else { value };
            headers.push_str(&format!("{name}:{value}\n"));
        }
        Some(format!(
            "{}\n{}\n{}\n{headers}\n{}\n{body_hash}",
            request.method,
            request.path,
            canonical_query(&request.query),
            self.signed_headers.join(";"),
        ))
    }
}

fn without_implied_port(host: &str) -> &str {
    host.strip_suffix(":80").or_else(|| host.strip_suffix(":443")).unwrap_or(host)
}

fn canonical_query(raw: &str) -> String {
    let normal = |text: &str| {
        let bytes: Vec<u8> = percent_decode(text.replace('+', " ").as_bytes()).collect();
        percent_encode(&bytes, RESERVED).to_string()
    };
    let mut pairs: Vec<(String, String)> = raw
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (normal(name), normal(value)))
        .collect();
    // Stable: values of a repeated name keep the order in which they came.
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// Reads `20260115T080000Z`.
fn parse_compact(text: &str) -> Option<Timestamp> {
    let part = |from: usize, to: usize| text.get(from..to);
    let long = format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0, 4)?,
        part(4, 6)?,
        part(6, 8)?,
        part(9, 11)?,
        part(11, 13)?,
        part(13, 15)?
    );
    Timestamp::parse_rfc3339(&long).filter(|moment| moment.compact() == text)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const VECTORS: &str = include_str!("../../tests/vectors/signing/volcengine-v4.json");

    type Change = fn(&mut Request);

    fn text(value: &Value) -> String {
        value.as_str().unwrap_or_default().to_owned()
    }

    fn request(vector: &Value) -> Request {
        let encode = |v: &Value| percent_encode(text(v).as_bytes(), RESERVED).to_string();
        let query: Vec<String> = vector["query"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pair| format!("{}={}", encode(&pair[0]), encode(&pair[1])))
            .collect();
        let headers = vector["expected"]["request_headers"].as_object().unwrap();
        Request {
            method: text(&vector["method"]),
            path: Some(text(&vector["path"])).filter(|p| !p.is_empty()).unwrap_or_else(|| "/".into()),
            query: query.join("&"),
            headers: headers.iter().map(|(n, v)| (n.to_ascii_lowercase(), text(v))).collect(),
            body: text(&vector["body"]).into_bytes(),
            keep_alive: true,
        }
    }

    fn accepts(request: &Request, secret: &str) -> bool {
        Claim::of(request).and_then(|claim| claim.check(request, secret)).is_ok()
    }

    #[test]
    fn accepts_every_published_vector_and_refuses_it_with_anything_changed() {
        let vectors: Value = serde_json::from_str(VECTORS).unwrap();
        let vectors = vectors["vectors"].as_array().unwrap();
        assert_eq!(vectors.len(), 32);
        for vector in vectors {
            let (name, secret) = (text(&vector["name"]), text(&vector["secret_access_key"]));
            let original = request(vector);
            assert!(accepts(&original, &secret), "{name}");
            assert!(!accepts(&original, &format!("{secret}x")), "{name}: secret");
            let claim = Claim::of(&original).unwrap();
            assert_eq!(claim.region, text(&vector["region"]), "{name}");
            let date = parse_compact(&text(&vector["date"])).unwrap();
            for (now, fresh) in [
                (date.unix() + 900, true),
                (date.unix() - 900, true),
                (date.unix() + 901, false),
                (date.unix() - 901, false),
            ] {
                assert_eq!(
                    claim.check_date(&original, Timestamp::from_unix(now)).is_ok(),
                    fresh,
                    "{name} {now}"
                );
            }
            let changes: [(&str, Change); 4] = [
                ("method", |r| r.method = "PUT".into()),
                ("path", |r| r.path.push('x')),
                ("query", |r| r.query.push_str("&x=1")),
                ("body", |r| r.body.push(b' ')),
            ];
            for (what, change) in changes {
                let mut changed = original.clone();
                change(&mut changed);
                assert!(!accepts(&changed, &secret), "{name}: {what}");
            }
            for signed in &claim.signed_headers {
                let mut changed = original.clone();
                changed.headers.iter_mut().filter(|(n, _)| n == signed).for_each(|(_, v)| v.push('1'));
                assert!(!accepts(&changed, &secret), "{name}: {signed}");
                changed.headers.retain(|(n, _)| n != signed);
                assert!(!accepts(&changed, &secret), "{name}: no {signed}");
            }
            for at in 0..claim.signature.len() {
                let mut changed = original.clone();
                let header = changed.headers.iter_mut().find(|(n, _)| n == "authorization").unwrap();
                let mut bytes = header.1.clone().into_bytes();
                let at = bytes.len() - 1 - at;
                bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
                header.1 = String::from_utf8(bytes).unwrap();
                assert!(!accepts(&changed, &secret), "{name}: signature byte {at}");
            }
        }
    }

    #[test]
    fn incomplete_authorization_is_refused_by_its_own_code() {
        for (header, code) in [
            (None, "MissingAuthenticationToken"),
            (Some("Bearer x"), "InvalidAuthorization"),
            (Some("HMAC-SHA256 Credential=a/20260115/r/id/request, SignedHeaders=host"), "MissingSignature"),
            (
                Some("HMAC-SHA256 Credential=a/r/id/request, SignedHeaders=host, Signature=0"),
                "InvalidCredential",
            ),
            (
                Some("HMAC-SHA256 Credential=/20260115/r/id/request, SignedHeaders=host, Signature=0"),
                "MissingRequestInfo",
            ),
            (Some("HMAC-SHA256 Credential=a/1/r/id/request, Signature=0"), "InvalidAuthorization"),
            (Some("HMAC-SHA256 Signature=0, Signature=1"), "InvalidAuthorization"),
        ] {
            let headers = header.map(|h| ("authorization".to_owned(), h.to_owned())).into_iter().collect();
            let refusal = Claim::of(&Request { headers, ..Request::default() }).unwrap_err();
            assert_eq!(refusal.code, code, "{header:?}");
        }
    }

    #[test]
    fn host_and_date_must_be_signed() {
        for signed in ["host", "x-date", ""] {
            let header = format!(
                "HMAC-SHA256 Credential=a/20260115/r/id/request, SignedHeaders={signed}, Signature=0"
            );
            let headers = vec![("authorization".to_owned(), header)];
            let request = Request { headers, ..Request::default() };
            let refusal = Claim::of(&request).unwrap().check(&request, "s").unwrap_err();
            assert!(refusal.message.ends_with("is not signed"), "{}", refusal.message);
        }
    }
}
