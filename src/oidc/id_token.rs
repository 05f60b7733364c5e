//! Who an id token speaks of (OpenID Connect Core 1.0 section 3.1.3.7). The signature is checked before, by
//! [`super::keys`]; this is about the claims.

use std::time::Duration;

use crate::base::error::{Code, Error, Result};
use crate::base::secret::Secret;
use crate::base::time::Timestamp;
use crate::jwt::claims::Claims;

/// How far the provider's clock may be off for `exp` and `nbf`.
pub const LEEWAY: Duration = Duration::from_secs(30);
/// How far in the future `iat` may lie before one of the clocks is plainly wrong.
pub const MAX_ISSUED_AHEAD: Duration = Duration::from_secs(300);
/// Bytes of a `sub` (section 2: at most 255 ASCII characters).
pub const MAX_SUB_BYTES: usize = 255;

/// What the token must agree with.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The issuer from discovery, compared exactly.
    pub issuer: &'a str,
    /// Our client.
    pub client_id: &'a str,
    /// The nonce of the login; `None` for renewals, whose tokens need not have one (section 12.2).
    pub nonce: Option<&'a Secret>,
    /// The present.
    pub now: Timestamp,
}

/// The person that an id token speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The provider's name of the person, stable and never reused.
    pub sub: String,
    /// When the token was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Checks the claims of a token whose signature is good.
///
/// # Errors
/// `TokenInvalid`, naming the rule that is broken.
pub fn check(claims: &Claims, expected: &Expected<'_>) -> Result<Identity> {
    if claims.iss.as_deref() != Some(expected.issuer) {
        return Err(invalid("is from another issuer than the configured provider"));
    }
    if !claims.aud.iter().any(|audience| audience == expected.client_id) {
        return Err(invalid("is for another audience than userpool.clientId"));
    }
    match &claims.azp {
        Some(party) if party != expected.client_id => {
            return Err(invalid("has another authorized party (azp) than userpool.clientId"));
        }
        None if claims.aud.len() > 1 => {
            return Err(invalid("is for several audiences and names no authorized party (azp)"));
        }
        _ => {}
    }
    if let Some(nonce) = expected.nonce
        && !claims.nonce.as_ref().is_some_and(|sent| nonce.same_as(sent.as_bytes()))
    {
        return Err(invalid("does not answer this login (nonce)"));
    }
    let (issued_at, expires_at) = lifetime(claims, expected.now)?;
    let sub = claims
        .sub
        .clone()
        .filter(|sub| !sub.is_empty() && sub.len() <= MAX_SUB_BYTES && !sub.chars().any(char::is_control))
        .ok_or_else(|| invalid("has no usable subject (sub)"))?;
    Ok(Identity { sub, issued_at, expires_at })
}

fn lifetime(claims: &Claims, now: Timestamp) -> Result<(Timestamp, Timestamp)> {
    let expires_at = claims.exp.ok_or_else(|| invalid("does not say when it ends (exp)"))?;
    let issued_at = claims.iat.ok_or_else(|| invalid("does not say when it was issued (iat)"))?;
    let clocks = |error: Error| error.with_hint("compare this machine's clock with the provider's");
    if expires_at <= issued_at {
        return Err(invalid("ends before it was issued"));
    }
    if (expires_at + LEEWAY).is_past(now) {
        return Err(clocks(invalid("has expired")));
    }
    if claims.nbf.is_some_and(|start| start > now + LEEWAY) {
        return Err(clocks(invalid("is not valid yet (nbf)")));
    }
    if issued_at > now + MAX_ISSUED_AHEAD {
        return Err(clocks(invalid("was issued in the future (iat)")));
    }
    Ok((issued_at, expires_at))
}

fn invalid(rule: &str) -> Error {
    Error::new(Code::TokenInvalid, format!("the id token {rule}"))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::jwt::decode::Token;

    #[derive(Deserialize)]
    struct Vectors {
        now: i64,
        issuer: String,
        client_id: String,
        nonce: Secret,
        cases: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        name: String,
        token: String,
        id_token: Option<String>,
    }

    fn vectors() -> Vectors {
        serde_json::from_slice(include_bytes!("../../tests/vectors/jwt/tokens.json")).unwrap()
    }

    #[test]
    fn every_vector_is_judged_as_it_says() {
        let vectors = vectors();
        let expected = Expected {
            issuer: &vectors.issuer,
            client_id: &vectors.client_id,
            nonce: Some(&vectors.nonce),
            now: Timestamp::from_unix(vectors.now),
        };
        for case in &vectors.cases {
            let Some(words) = &case.id_token else { continue };
            let token = Token::parse(&case.token).unwrap();
            match check(&token.claims, &expected) {
                Ok(_) => assert_eq!(words, "ok", "{}", case.name),
                Err(error) => {
                    assert!(words != "ok" && error.message().contains(words), "{}: {error}", case.name);
                }
            }
        }
    }

    #[test]
    fn the_tolerances_are_exact() {
        let now = Timestamp::from_unix(1_768_464_000);
        let claims = |iat: i64, nbf: i64, exp: i64| Claims {
            iss: Some("i".into()),
            sub: Some("s".into()),
            aud: vec!["c".into()],
            iat: Some(Timestamp::from_unix(now.unix() + iat)),
            nbf: Some(Timestamp::from_unix(now.unix() + nbf)),
            exp: Some(Timestamp::from_unix(now.unix() + exp)),
            ..Claims::default()
        };
        let good = |claims: &Claims| {
            check(claims, &Expected { issuer: "i", client_id: "c", nonce: None, now }).is_ok()
        };
        for (passes, iat, nbf, exp) in [
            (true, -100, 30, -29),
            (false, -100, 31, 100),
            (false, -100, 0, -30),
            (true, 300, 0, 400),
            (false, 301, 0, 400),
            (false, 100, 0, 100),
            (true, 99, 0, 100),
        ] {
            assert_eq!(good(&claims(iat, nbf, exp)), passes, "{iat} {nbf} {exp}");
        }
    }

    #[test]
    fn a_subject_has_its_longest_length() {
        let now = Timestamp::from_unix(1_768_464_000);
        let judge = |sub: &str| {
            let claims = Claims {
                iss: Some("i".into()),
                sub: Some(sub.into()),
                aud: vec!["c".into()],
                iat: Some(now),
                exp: Some(now + Duration::from_secs(60)),
                ..Claims::default()
            };
            check(&claims, &Expected { issuer: "i", client_id: "c", nonce: None, now }).is_ok()
        };
        assert!(judge(&"s".repeat(MAX_SUB_BYTES)));
        for bad in ["", "a\nb", &"s".repeat(MAX_SUB_BYTES + 1)] {
            assert!(!judge(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_renewal_needs_no_nonce_and_a_login_does() {
        let vectors = vectors();
        let case = vectors.cases.iter().find(|case| case.name == "nonce absent").unwrap();
        let token = Token::parse(&case.token).unwrap();
        let judge = |nonce| {
            let now = Timestamp::from_unix(vectors.now);
            check(
                &token.claims,
                &Expected { issuer: &vectors.issuer, client_id: &vectors.client_id, nonce, now },
            )
        };
        assert_eq!(judge(None).unwrap().sub, "u-1");
        assert!(judge(Some(&vectors.nonce)).is_err());
    }
}
