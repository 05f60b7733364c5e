//! What the token endpoint answered (RFC 6749 sections 5.1 and 5.2), as a value.

use serde::Deserialize;

use crate::base::error::{Code, Error};
use crate::base::secret::Secret;
use crate::base::tree::Tree;
use crate::net::transport::HttpResponse;

/// Letters of an OAuth error code that are repeated to people.
const MAX_ERROR_CODE: usize = 40;

/// The members of a good answer that are of use.
#[derive(Debug, Deserialize)]
pub(super) struct Granted {
    #[serde(default)]
    pub(super) id_token: Option<Secret>,
    #[serde(default)]
    pub(super) refresh_token: Option<Secret>,
}

/// Why there is no good answer.
#[derive(Debug)]
pub(super) enum Refused {
    /// The code or refresh token is invalid, expired, revoked, or already used.
    InvalidGrant,
    /// The provider does not accept us as the client.
    InvalidClient(Error),
    /// Anything else.
    Other(Error),
}

#[derive(Deserialize)]
struct ErrorBody {
    error: String,
}

/// Reads an answer of status below 500. Bodies are never repeated, only an error code that looks like one.
pub(super) fn read(response: &HttpResponse) -> Result<Granted, Refused> {
    // Some providers answer 200 with an error body.
    if let Ok(ErrorBody { error }) = Tree::read(&response.body) {
        return Err(refusal(&error));
    }
    if response.is_success() {
        return Tree::read(&response.body).map_err(|_| {
            let error =
                Error::new(Code::IdpInvalid, "the provider's token answer is not the documented JSON");
            Refused::Other(error.with_hint(CHECK_PROVIDER))
        });
    }
    let message = format!("the provider answered {} to the token request", response.status);
    Err(Refused::Other(Error::new(Code::IdpRefused, message).with_hint(CHECK_PROVIDER)))
}

/// For answers that no OpenID provider gives.
const CHECK_PROVIDER: &str =
    "check that the user pool's address leads to an OpenID provider and to no proxy's page";

fn refusal(error: &str) -> Refused {
    let hint = match error {
        "invalid_grant" => return Refused::InvalidGrant,
        "invalid_client" | "unauthorized_client" => "check userpool.clientId and userpool.clientSecret",
        "invalid_scope" => "check userpool.scope",
        "temporarily_unavailable" | "server_error" => {
            let message = format!("the provider answered {error} to the token request");
            return Refused::Other(
                Error::new(Code::IdpUnreachable, message).with_hint("try again in a moment"),
            );
        }
        _ => "check the client's registration at the provider",
    };
    let named =
        error.len() <= MAX_ERROR_CODE && error.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let name = if named { error } else { "an unknown error" };
    let message = format!("the provider refused the token request: {name}");
    let refusal = Error::new(Code::IdpRefused, message).with_hint(hint);
    if error == "invalid_client" { Refused::InvalidClient(refusal) } else { Refused::Other(refusal) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Result<Granted, Refused> {
        read(&HttpResponse { status, headers: vec![], body: body.as_bytes().to_vec() })
    }

    #[test]
    fn a_good_answer_needs_no_more_than_json() {
        let granted =
            answer(200, r#"{"access_token":"a","expires_in":"3600","id_token":"i","refresh_token":"r"}"#);
        let Granted { id_token, refresh_token } = granted.unwrap();
        assert!(id_token.unwrap().same_as(b"i") && refresh_token.unwrap().same_as(b"r"));
        assert!(answer(200, r#"{"id_token":null}"#).unwrap().id_token.is_none());
    }

    #[test]
    fn refusals_are_told_apart_and_repeat_nothing_raw() {
        assert!(matches!(answer(400, r#"{"error":"invalid_grant"}"#), Err(Refused::InvalidGrant)));
        assert!(matches!(answer(200, r#"{"error":"invalid_grant","x":1}"#), Err(Refused::InvalidGrant)));
        for (status, body, code, part) in [
            (
                401,
                r#"{"error":"invalid_client","error_description":"SECRET"}"#,
                Code::IdpRefused,
                "invalid_client",
            ),
            (400, r#"{"error":"no SECRET <b>"}"#, Code::IdpRefused, "an unknown error"),
            (400, r#"{"error":"temporarily_unavailable"}"#, Code::IdpUnreachable, "temporarily_unavailable"),
            (403, "SECRET", Code::IdpRefused, "403"),
            (302, "", Code::IdpRefused, "302"),
            (200, "SECRET", Code::IdpInvalid, "documented"),
            (200, r#"{"id_token":7,"x":"SECRET"}"#, Code::IdpInvalid, "documented"),
        ] {
            let error = match answer(status, body) {
                Err(Refused::InvalidClient(error)) if body.contains("invalid_client") => error,
                Err(Refused::Other(error)) if !body.contains("invalid_client") => error,
                other => panic!("{body}: {other:?}"),
            };
            assert_eq!(error.code(), code, "{body}");
            assert!(error.message().contains(part) && !format!("{error:?}").contains("SECRET"), "{error:?}");
        }
    }
}
