//! The canonical form of a request: the text whose hash is signed.
//!
//! Pure: the same parts give the same text. The forms are those of the vendor's signer version 4.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::base::codec::hex;
use crate::base::crypto::sha256;

/// Everything but the unreserved characters of RFC 3986 section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The parts of a request that are signed, as they are sent.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// `GET` or `POST`.
    pub method: &'a str,
    /// The path as it is on the wire; empty means `/`.
    pub path: &'a str,
    /// Names and values of the query, not yet encoded.
    pub query: &'a [(String, String)],
    /// All headers, `Host` among them, without surrounding spaces in the values.
    pub headers: &'a [(String, String)],
}

/// The query with names and values escaped, in the byte order of the pairs. It is also the form to send.
#[must_use]
pub fn query(pairs: &[(String, String)]) -> String {
    let mut encoded: Vec<_> = pairs.iter().map(|(name, value)| (escape(name), escape(value))).collect();
    // By name, then by value: the order among values of one name is open, and this one is the same for every sender.
    encoded.sort_unstable();
    encoded.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// The headers that are signed, sorted: one `name:value` line each, and the names joined by `;`.
#[must_use]
pub fn headers(headers: &[(String, String)]) -> (String, String) {
    let mut signed: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
        .filter(|(name, _)| is_signed(name))
        .map(|(name, value)| if name == "host" { (name, without_usual_port(value)) } else { (name, value) })
        .collect();
    signed.sort_unstable();
    let lines = signed.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let names = signed.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";");
    (lines, names)
}

/// The canonical request with the list of signed headers. `body_hash` is lower-case hexadecimal SHA-256.
#[must_use]
pub fn request(parts: &Parts<'_>, body_hash: &str) -> (String, String) {
    let path = if parts.path.is_empty() { "/" } else { parts.path };
    let (lines, names) = headers(parts.headers);
    let text = format!("{}\n{path}\n{}\n{lines}\n{names}\n{body_hash}", parts.method, query(parts.query));
    (text, names)
}

/// Lower-case hexadecimal SHA-256.
#[must_use]
pub fn hash(bytes: &[u8]) -> String {
    hex(&sha256(bytes))
}

fn escape(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

fn is_signed(lower_name: &str) -> bool {
    matches!(lower_name, "host" | "content-type" | "content-md5") || lower_name.starts_with("x-")
}

/// The usual ports are left out of the signed value whatever the scheme, though not on the wire.
fn without_usual_port(host: &str) -> &str {
    host.strip_suffix(":80").or_else(|| host.strip_suffix(":443")).unwrap_or(host)
}
