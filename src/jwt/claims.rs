//! The claims that identity rests on, read strictly: a claim of the wrong type is an error, not an absence.
//!
//! Serves id tokens (OpenID Connect Core section 2) and TIPs (RFC 8693 `act`) alike; which claims must be there is
//! for the reader of each kind to say.

use serde_json::{Map, Value};

use super::decode::invalid;
use crate::base::error::Result;
use crate::base::time::Timestamp;

/// Levels of `act` that are followed; deeper delegation is cut off.
pub const MAX_ACTORS: usize = 32;

/// The greatest NumericDate taken: the year 9999.
const MAX_NUMERIC_DATE: f64 = 253_402_207_200.0;

/// Registered claims (RFC 7519 section 4.1), those of id tokens, and the actor chain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// Who issued it.
    pub iss: Option<String>,
    /// Whom it is about.
    pub sub: Option<String>,
    /// Whom it is for; one text or a list in JSON.
    pub aud: Vec<String>,
    /// When it ends.
    pub exp: Option<Timestamp>,
    /// When it was issued.
    pub iat: Option<Timestamp>,
    /// Before when it does not count.
    pub nbf: Option<Timestamp>,
    /// The login request that it answers.
    pub nonce: Option<String>,
    /// The client that asked for it.
    pub azp: Option<String>,
    /// The actors of `act`, newest first; levels without a `sub` are left out.
    pub actors: Vec<String>,
}

impl Claims {
    /// Reads claims from a payload.
    ///
    /// # Errors
    /// `TokenInvalid`, naming the claim that has the wrong type or is out of range.
    pub fn read(payload: &Map<String, Value>) -> Result<Self> {
        Ok(Self {
            iss: text(payload, "iss")?,
            sub: text(payload, "sub")?,
            aud: audience(payload)?,
            exp: date(payload, "exp")?,
            iat: date(payload, "iat")?,
            nbf: date(payload, "nbf")?,
            nonce: text(payload, "nonce")?,
            azp: text(payload, "azp")?,
            actors: actors(payload),
        })
    }
}

fn text(payload: &Map<String, Value>, name: &str) -> Result<Option<String>> {
    match payload.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(invalid(format!("has a claim \"{name}\" that is not text"))),
    }
}

fn audience(payload: &Map<String, Value>) -> Result<Vec<String>> {
    let listed = match payload.get("aud") {
        None => Some(Vec::new()),
        Some(Value::String(one)) => Some(vec![one.clone()]),
        Some(Value::Array(many)) => many.iter().map(|each| Some(each.as_str()?.to_owned())).collect(),
        Some(_) => None,
    };
    listed.ok_or_else(|| invalid("has a claim \"aud\" that is neither text nor a list of texts"))
}

/// A NumericDate (RFC 7519 section 2): seconds, which some issuers write as `1768464000.0` or with a fraction; the
/// fraction is dropped.
fn date(payload: &Map<String, Value>, name: &str) -> Result<Option<Timestamp>> {
    let Some(value) = payload.get(name) else { return Ok(None) };
    let seconds =
        value.as_f64().ok_or_else(|| invalid(format!("has a claim \"{name}\" that is not a number")))?;
    if !(0.0..=MAX_NUMERIC_DATE).contains(&seconds) {
        return Err(invalid(format!("has a claim \"{name}\" that is no date of this era")));
    }
    #[allow(clippy::cast_possible_truncation, reason = "in range, and dropping the fraction is meant")]
    Ok(Some(Timestamp::from_unix(seconds as i64)))
}

/// RFC 8693 section 4.1: the outermost `act` is the current actor, those inside it the earlier ones.
fn actors(payload: &Map<String, Value>) -> Vec<String> {
    std::iter::successors(payload.get("act"), |act| act.get("act"))
        .take_while(|act| act.is_object())
        .take(MAX_ACTORS)
        .filter_map(|act| Some(act.get("sub")?.as_str()?.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(payload: &Value) -> Result<Claims> {
        Claims::read(payload.as_object().unwrap())
    }

    #[test]
    fn reads_an_id_token_and_a_tip() {
        let claims = read(&json!({
            "iss": "https://pool", "sub": "u-1", "aud": "c-1", "exp": 1_768_464_000, "iat": 1_768_460_400.0,
            "nbf": 1_768_460_400.9, "nonce": "n", "azp": "c-1", "email": "a@b"
        }))
        .unwrap();
        assert_eq!((claims.iss.as_deref(), claims.sub.as_deref()), (Some("https://pool"), Some("u-1")));
        assert_eq!(claims.aud, ["c-1"]);
        assert_eq!(claims.exp, Some(Timestamp::from_unix(1_768_464_000)));
        assert_eq!((claims.iat, claims.nbf), (claims.nbf, Some(Timestamp::from_unix(1_768_460_400))));
        assert_eq!((claims.nonce.as_deref(), claims.azp.as_deref()), (Some("n"), Some("c-1")));
        assert!(claims.actors.is_empty());

        let tip = json!({"aud": ["x", "y"], "act": {"sub": "agent2", "act": {"sub": "agent1"}}});
        assert_eq!(read(&tip).unwrap().aud, ["x", "y"]);
        assert_eq!(read(&tip).unwrap().actors, ["agent2", "agent1"]);
    }

    #[test]
    fn wrong_types_and_impossible_dates_name_the_claim() {
        for (payload, name) in [
            (json!({"iss": 1}), "iss"),
            (json!({"sub": null}), "sub"),
            (json!({"aud": {"x": 1}}), "aud"),
            (json!({"aud": ["x", 1]}), "aud"),
            (json!({"exp": "1768464000"}), "exp"),
            (json!({"exp": -1}), "exp"),
            (json!({"exp": 1e300}), "exp"),
            (json!({"exp": u64::MAX}), "exp"),
            (json!({"exp": 253_402_207_201_u64}), "exp"),
            (json!({"iat": true}), "iat"),
            (json!({"nbf": []}), "nbf"),
            (json!({"nonce": 5}), "nonce"),
            (json!({"azp": ["c"]}), "azp"),
        ] {
            let error = read(&payload).unwrap_err();
            assert!(error.message().contains(&format!("\"{name}\"")), "{payload}: {error}");
        }
        assert!(read(&json!({"exp": 253_402_207_200_u64})).is_ok());
    }

    #[test]
    fn odd_actor_chains_are_read_as_far_as_they_go() {
        for (act, expected) in [
            (json!("agent"), vec![]),
            (json!({"act": {"sub": "old"}}), vec!["old"]),
            (json!({"sub": "new", "act": {"sub": 7, "act": {"sub": "old"}}}), vec!["new", "old"]),
            (json!({"sub": "new", "act": ["old"]}), vec!["new"]),
        ] {
            assert_eq!(read(&json!({ "act": act })).unwrap().actors, expected);
        }
        let chain =
            |levels| (0..levels).fold(json!({}), |act, i| json!({"sub": format!("a{i}"), "act": act}));
        assert_eq!(read(&json!({ "act": chain(MAX_ACTORS) })).unwrap().actors.len(), MAX_ACTORS);
        assert_eq!(read(&json!({ "act": chain(MAX_ACTORS + 1) })).unwrap().actors.len(), MAX_ACTORS);
    }
}
