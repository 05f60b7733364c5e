//! Taking a compact JWS apart (RFC 7515 section 7.1): split, base64url, JSON. Nothing here is trusted yet.
//!
//! Total over all inputs: any text gives a token or an error, never a panic, and work is linear in a bounded length.

use std::fmt;

use serde::Deserializer;
use serde::de::{Deserialize, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::claims::Claims;
use crate::base::codec::unbase64url;
use crate::base::error::{Code, Error, Result};

/// Bytes that a token may have. Tokens travel in headers, where far less is the rule.
pub const MAX_TOKEN_BYTES: usize = 64 * 1024;

/// A token taken apart; its signature has not been checked.
#[derive(Debug)]
pub struct Token<'a> {
    /// The JOSE header.
    pub header: Header,
    /// The claims.
    pub claims: Claims,
    /// What the signature covers: header and payload as they were sent.
    pub(super) signed: &'a str,
    /// The signature's bytes.
    pub(super) signature: Vec<u8>,
}

/// The members of a JOSE header that matter here (RFC 7515 section 4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The algorithm's name, whether acceptable or not.
    pub alg: String,
    /// Which key signed.
    pub kid: Option<String>,
}

impl<'a> Token<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// `TokenInvalid`, naming the rule that is broken and nothing of the token itself.
    pub fn parse(text: &'a str) -> Result<Self> {
        if text.len() > MAX_TOKEN_BYTES {
            return Err(invalid(format!("is longer than {MAX_TOKEN_BYTES} bytes")));
        }
        let mut parts = text.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(invalid("does not have three parts"));
        };
        let signed = &text[..header.len() + 1 + payload.len()];
        let header = Header::read(&object(header, "header")?)?;
        let claims = Claims::read(&object(payload, "payload")?)?;
        let signature =
            unbase64url(signature).ok_or_else(|| invalid("has a signature that is not base64url"))?;
        Ok(Self { header, claims, signed, signature })
    }
}

impl Header {
    fn read(members: &Map<String, Value>) -> Result<Self> {
        // RFC 7515 section 4.1.11: whoever does not understand a critical extension must refuse, and we know none.
        if members.contains_key("crit") {
            return Err(invalid("has critical header extensions, which are not supported"));
        }
        let Some(Value::String(alg)) = members.get("alg") else {
            return Err(invalid("has no algorithm in its header"));
        };
        let kid = match members.get("kid") {
            None => None,
            Some(Value::String(kid)) => Some(kid.clone()),
            Some(_) => return Err(invalid("has a key id that is not text")),
        };
        Ok(Self { alg: alg.clone(), kid })
    }
}

/// An error about a token; `rule` continues "the token …".
pub(super) fn invalid(rule: impl fmt::Display) -> Error {
    Error::new(Code::TokenInvalid, format!("the token {rule}"))
}

fn object(part: &str, name: &str) -> Result<Map<String, Value>> {
    let bytes = unbase64url(part).ok_or_else(|| invalid(format!("has a {name} that is not base64url")))?;
    match serde_json::from_slice::<UniqueObject>(&bytes) {
        Ok(UniqueObject(members)) => Ok(members),
        Err(_) => Err(invalid(format!("has a {name} that is not a JSON object with unique names"))),
    }
}

/// A JSON object whose names are all different: RFC 7519 section 4 lets readers refuse others, and two readers that
/// pick different twins of a claim would trust different tokens.
struct UniqueObject(Map<String, Value>);

impl<'de> Deserialize<'de> for UniqueObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = UniqueObject;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<UniqueObject, A::Error> {
                let mut members = Map::new();
                while let Some((name, value)) = access.next_entry::<String, Value>()? {
                    if members.insert(name, value).is_some() {
                        return Err(A::Error::custom("a name occurs twice"));
                    }
                }
                Ok(UniqueObject(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::codec::base64url;

    fn token(header: &str, payload: &str) -> String {
        format!("{}.{}.c2ln", base64url(header.as_bytes()), base64url(payload.as_bytes()))
    }

    #[test]
    fn takes_a_token_apart() {
        let text = token(r#"{"alg":"RS256","kid":"k1","typ":"JWT"}"#, r#"{"sub":"u-1"}"#);
        let token = Token::parse(&text).unwrap();
        assert_eq!(token.header, Header { alg: "RS256".into(), kid: Some("k1".into()) });
        assert_eq!(token.claims.sub.as_deref(), Some("u-1"));
        assert_eq!((token.signature.as_slice(), token.signed), (&b"sig"[..], &text[..text.len() - 5]));
    }

    #[test]
    fn refuses_what_is_not_a_compact_jws() {
        let header = r#"{"alg":"RS256"}"#;
        for (text, rule) in [
            (String::new(), "three parts"),
            ("a.b".into(), "three parts"),
            ("a.b.c.d.e".into(), "three parts"),
            ("é.b.c".into(), "header that is not base64url"),
            (token(header, "{}").replacen('.', "=.", 1), "header that is not base64url"),
            (token("[]", "{}"), "header that is not a JSON object"),
            (token("{}", "{}"), "no algorithm"),
            (token(r#"{"alg":1}"#, "{}"), "no algorithm"),
            (token(r#"{"alg":"RS256","kid":7}"#, "{}"), "key id that is not text"),
            (token(r#"{"alg":"RS256","crit":["b64"],"b64":false}"#, "{}"), "critical"),
            (token(header, r#"{"sub":"a","sub":"b"}"#), "unique names"),
            (token(header, "{} {}"), "payload that is not a JSON object"),
            (token(header, &"[".repeat(10_000)), "payload that is not a JSON object"),
            (token(header, &format!("{{\"a\":{}", "[".repeat(10_000))), "payload that is not a JSON object"),
        ] {
            let error = Token::parse(&text).unwrap_err();
            assert!(error.message().contains(rule), "{text:.60}: {error}");
            assert_eq!(error.code(), Code::TokenInvalid);
        }
    }

    #[test]
    fn the_length_limit_is_exact() {
        let short = token(r#"{"alg":"RS256"}"#, "{}");
        let longest = format!("{short}{}", "A".repeat(MAX_TOKEN_BYTES - short.len()));
        // Any length but 1 modulo 4 is base64url; the limit is judged before that.
        assert!(!Token::parse(&longest).is_err_and(|e| e.message().contains("longer")));
        assert!(Token::parse(&format!("{longest}A")).unwrap_err().message().contains("longer"));
    }
}
