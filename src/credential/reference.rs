//! The ids by which a SecretRef names a hosted credential.
//!
//! ```text
//! apikey/<provider>                 the API key of a provider, for the workload itself
//! oauth2/<provider>                 an OAuth2 token: of the workload itself (M2M), or of a session
//! role/<provider>/<field>           temporary keys: accessKeyId, secretAccessKey or sessionToken
//! session/<session key>/<one of these>
//! ```
//!
//! The host's grammar of ids has letters, digits and `. _ : / -`. Every other byte of a name is written `::` and two
//! hexadecimal digits, as `%` and two digits in a URL; so is a `/` inside a name, a `.` or `..` that is a whole name, and a
//! colon that another colon follows. Pure.

use std::fmt::{self, Write as _};

use crate::base::error::{Code, Error, Result};
use crate::session::key::SessionKey;

/// What begins the code of a byte.
const ESCAPE: &str = "::";

/// A hosted credential and for whom.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    /// The session; `None` for the workload itself.
    pub session: Option<SessionKey>,
    /// What.
    pub what: What,
}

/// What a reference names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// The API key of a provider.
    ApiKey(String),
    /// An OAuth2 token of a provider.
    Oauth2(String),
    /// One of the temporary keys of a role provider.
    Role(String, RoleField),
}

/// Which of a role's temporary keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RoleField {
    /// The public half.
    AccessKeyId,
    /// The secret half.
    SecretAccessKey,
    /// What travels with each call.
    SessionToken,
}

impl RoleField {
    const ALL: [(Self, &'static str); 3] = [
        (Self::AccessKeyId, "accessKeyId"),
        (Self::SecretAccessKey, "secretAccessKey"),
        (Self::SessionToken, "sessionToken"),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(field, _)| *field == self).map_or("", |(_, name)| name)
    }
}

impl Reference {
    /// Reads an id.
    ///
    /// # Errors
    /// `InvalidRequest` with the forms that there are.
    pub fn parse(id: &str) -> Result<Self> {
        let segments: Vec<String> = id.split('/').map(decode).collect::<Result<_>>()?;
        let mut segments: &[String] = &segments;
        if segments.iter().any(String::is_empty) {
            return Err(invalid(id, "has an empty part"));
        }
        let mut session = None;
        if let [first, key, rest @ ..] = segments
            && first == "session"
        {
            session = Some(SessionKey::parse(key)?);
            segments = rest;
        }
        let what = match segments {
            [kind, name] if kind == "apikey" => What::ApiKey(name.clone()),
            [kind, name] if kind == "oauth2" => What::Oauth2(name.clone()),
            [kind, name, field] if kind == "role" => {
                let known = RoleField::ALL.iter().find(|(_, known)| field == known);
                What::Role(name.clone(), known.ok_or_else(|| invalid(id, "names no field of a role"))?.0)
            }
            _ => return Err(invalid(id, "has none of the known forms")),
        };
        Ok(Self { session, what })
    }
}

/// The id, as [`Reference::parse`] reads it and every host takes it.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(session) = &self.session {
            write!(f, "session/{}/", encoded(session.as_str()))?;
        }
        match &self.what {
            What::ApiKey(name) => write!(f, "apikey/{}", encoded(name)),
            What::Oauth2(name) => write!(f, "oauth2/{}", encoded(name)),
            What::Role(name, field) => write!(f, "role/{}/{}", encoded(name), field.name()),
        }
    }
}

/// A name as a part of an id.
#[must_use]
pub fn encoded(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let is_dots = matches!(name, "." | "..");
    let bytes = name.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        let is_plain = match byte {
            b':' => bytes.get(at + 1) != Some(&b':'),
            b'.' => !is_dots,
            byte => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
        };
        if is_plain {
            out.push(char::from(*byte));
        } else {
            let _ = write!(out, "{ESCAPE}{byte:02X}");
        }
    }
    out
}

fn decode(text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if let Some((byte, after)) = escaped(rest) {
            bytes.push(byte);
            rest = after;
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).map_err(|_| invalid(text, "has escapes that are not UTF-8"))
}

/// The byte that `::` and two hexadecimal digits stand for. Without such digits, colons are colons.
fn escaped(text: &[u8]) -> Option<(u8, &[u8])> {
    let digits = text.strip_prefix(ESCAPE.as_bytes())?;
    let (digits, rest) = digits.split_at_checked(2)?;
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some((digit(digits[0])? << 4 | digit(digits[1])?, rest))
}

fn invalid(id: &str, why: &str) -> Error {
    Error::new(Code::InvalidRequest, format!("the id {id:?} {why}")).with_hint(
        "write apikey/NAME, oauth2/NAME or role/NAME/FIELD, with session/KEY/ in front for a session's own",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(session: Option<&str>, what: What) -> Reference {
        Reference { session: session.map(|key| SessionKey::parse(key).unwrap()), what }
    }

    #[test]
    fn ids_name_api_keys_tokens_and_the_fields_of_roles() {
        for (id, reference) in [
            ("apikey/openai", of(None, What::ApiKey("openai".into()))),
            ("oauth2/my_robot.v2", of(None, What::Oauth2("my_robot.v2".into()))),
            ("role/ecs/sessionToken", of(None, What::Role("ecs".into(), RoleField::SessionToken))),
            ("session/main/apikey/openai", of(Some("agent:main:main"), What::ApiKey("openai".into()))),
            (
                "session/agent:main:whatsapp:direct:::2B49/oauth2/a::20b",
                of(Some("agent:main:whatsapp:direct:+49"), What::Oauth2("a b".into())),
            ),
        ] {
            assert_eq!(Reference::parse(id).unwrap(), reference, "{id}");
        }
        for id in [
            "",
            "openai",
            "apikey",
            "apikey/",
            "apikey//x",
            "apikey/a/b",
            "role/ecs",
            "role/ecs/secret",
            "session/main",
            "session/main/openai",
            "session/apikey/openai",
            "APIKEY/openai",
            "apikey/::ff",
        ] {
            let error = Reference::parse(id).unwrap_err();
            assert_eq!(error.code(), Code::InvalidRequest, "{id}");
        }
    }

    #[test]
    fn every_name_has_an_id_that_every_host_takes_and_that_means_it() {
        let odd = [
            "plain",
            "a/b",
            ".",
            "..",
            "a..b",
            "a:b",
            "a::b",
            "a:::b",
            "::41",
            ":::41",
            "a:",
            ":",
            "::",
            "@user:server.org",
            "+49 151",
            "名前",
            "my_provider",
            "%2F",
            "#1",
            "a\\b",
            "~",
            "=",
            "::4",
            ":+",
            "::+",
            "é::é",
        ];
        let all: String = (' '..='~').collect();
        for name in odd.into_iter().chain([all.as_str()]) {
            let Ok(key) = SessionKey::parse(name) else { continue };
            for session in [None, Some(key)] {
                let reference = Reference { session, what: What::Role(name.into(), RoleField::AccessKeyId) };
                let id = reference.to_string();
                assert_eq!(Reference::parse(&id).unwrap(), reference, "{name:?} as {id}");
                assert!(
                    !id.contains('#') && (id.len() > 256 || crate::config::secretref::form::is_exec_id(&id)),
                    "{id}"
                );
            }
        }
    }
}
