//! The relay: a user pool that was given `redirect_relay_uri` lets the identity provider behind it answer to our
//! callback. That answer has the provider's code and a state of the pool's making, with our own state inside; we pass both on
//! to the pool, whose redirect back to us carries the pool's code.
//!
//! Only the pool's own origin is ever called, the redirect is read and not followed, and the caller has found the login
//! of [`RelayState::request_state()`] before.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use super::exchange;
use crate::base::codec::unbase64_any;
use crate::base::error::{Code, Error, Result};
use crate::base::secret::Secret;
use crate::base::url::Url;
use crate::net::transport::{HttpRequest, Limits, Method, Transport};

/// Bytes that a relay state may have; longer ones are ordinary states, and unknown ones.
pub const MAX_STATE_BYTES: usize = 16 * 1024;
/// The whole of passing an answer on.
pub const FORWARD_TIME: Duration = Duration::from_secs(10);
/// Bytes of the pool's answer, which is a redirect.
pub const MAX_ANSWER_BYTES: u64 = 64 * 1024;

/// A state of the pool's making.
#[derive(Clone)]
pub struct RelayState {
    /// The state as it came, to be passed on unchanged.
    whole: Secret,
    /// The id of the identity provider that answered.
    provider_id: String,
    /// The state that we gave to the authorize request.
    request_state: String,
}

#[derive(Deserialize)]
struct Content {
    request_id: String,
    provider_id: String,
    request_state: String,
}

impl RelayState {
    /// Reads a state: base64url or base64, padded or not, of a JSON object with three non-empty strings. `None` for
    /// everything else, which is an ordinary state (OIDC-16).
    #[must_use]
    pub fn parse(state: &str) -> Option<Self> {
        if state.len() > MAX_STATE_BYTES {
            return None;
        }
        let json = unbase64_any(state)?;
        // A list of three strings would be read as well.
        if !json.trim_ascii_start().starts_with(b"{") {
            return None;
        }
        let Content { request_id, provider_id, request_state } = serde_json::from_slice(&json).ok()?;
        let filled = [&request_id, &provider_id, &request_state].iter().all(|text| !text.is_empty());
        filled.then(|| Self { whole: Secret::from(state), provider_id, request_state })
    }

    /// The state as it came.
    pub(super) fn whole(&self) -> &Secret {
        &self.whole
    }

    /// The id of the identity provider that answered.
    #[must_use]
    pub fn provider_id(&self) -> &str {
        &self.provider_id
    }

    /// The state that we gave to the authorize request.
    #[must_use]
    pub fn request_state(&self) -> &str {
        &self.request_state
    }
}

/// Passes an answer on to the pool of that issuer and returns where the pool redirects to, if it does (OIDC-17).
///
/// # Errors
/// `IdpInvalid` when the issuer is neither https nor loopback, or its answer is too long; `IdpUnreachable`; `IdpRefused`
/// when the pool does not take the answer.
pub(super) fn forward(
    transport: &dyn Transport,
    issuer: &str,
    is_oidc: bool,
    state: &RelayState,
    code: &Secret,
) -> Result<Option<String>> {
    const WHAT: &str = "the relayed answer";
    let path = if is_oidc { "/login/generic_oidc/callback" } else { "/login/generic_oauth/callback" };
    let url = Url::parse(issuer).ok().filter(Url::is_confidential);
    let url = url.and_then(|issuer| issuer.with_path_and_query(path)).and_then(|hosted| {
        Url::parse(&hosted.with_params(&[("code", code.expose()), ("state", state.whole.expose())])).ok()
    });
    let url =
        url.ok_or_else(|| Error::new(Code::IdpInvalid, format!("{WHAT} cannot be passed on to the pool")))?;
    let request = HttpRequest {
        method: Method::Get,
        url,
        headers: Vec::new(),
        body: Vec::new(),
        limits: Limits { total: FORWARD_TIME, body_bytes: MAX_ANSWER_BYTES, ..Limits::default() },
    };
    let response = exchange::send(transport, WHAT, &request)?;
    match response.status {
        300..400 => Ok(response.header("location").map(str::to_owned)),
        400.. => {
            let message = format!("{WHAT} at {:?}: the user pool answered {}", request.url, response.status);
            Err(Error::new(Code::IdpRefused, message).with_hint("ask for a new login link"))
        }
        _ => Ok(None),
    }
}

/// Nothing but the provider: the rest is what a login is finished with.
impl fmt::Debug for RelayState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RelayState").field("provider_id", &self.provider_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base::codec::{base64, base64url};
    use crate::net::testing::{Script, answer, answer_with, failed};
    use crate::net::transport::FailureKind;

    fn content(request_state: &str) -> Vec<u8> {
        json!({ "request_id": "r", "provider_id": "idp-1", "request_state": request_state })
            .to_string()
            .into()
    }

    #[test]
    fn every_base64_form_of_the_three_strings_is_a_relay_state() {
        // A state whose encodings differ in alphabet and padding.
        let content = content("s?~>é");
        let (url, standard) = (base64url(&content), base64(&content));
        assert!(standard.contains(['+', '/']) && standard.ends_with('='));
        let padded_url = standard.replace('+', "-").replace('/', "_");
        for state in [url.as_str(), &padded_url, &standard, standard.trim_end_matches('=')] {
            let read = RelayState::parse(state).unwrap();
            assert_eq!((read.provider_id(), read.request_state()), ("idp-1", "s?~>é"));
            assert!(read.whole.same_as(state.as_bytes()), "unchanged");
            assert!(!format!("{read:?}").contains(state));
        }
    }

    #[test]
    fn anything_else_is_an_ordinary_state() {
        for json in [
            r#"["r","idp-1","s"]"#,
            r#" ["r","idp-1","s"]"#,
            r#"{"request_id":"r","provider_id":"i"}"#,
            r#"{"request_id":"","provider_id":"i","request_state":"s"}"#,
            r#"{"request_id":"r","provider_id":"","request_state":"s"}"#,
            r#"{"request_id":"r","provider_id":"i","request_state":""}"#,
            r#"{"request_id":"r","provider_id":1,"request_state":"s"}"#,
            r#"{"request_id":"r","provider_id":"i","request_state":null}"#,
            r#"{"request_id":"r","provider_id":"i","request_state":"s","request_state":"t"}"#,
            r#"{"request_id":"r","provider_id":"i","request_state":"s"} x"#,
            "\"s\"",
            "",
        ] {
            assert!(RelayState::parse(&base64url(json.as_bytes())).is_none(), "{json}");
            assert!(RelayState::parse(json).is_none(), "{json} itself");
        }
        assert!(RelayState::parse(&base64url(b"{\"request_id\":\"\xff\"}")).is_none());
        let with_more = r#"{"request_id":"r","provider_id":"i","request_state":"s","more":[1]}"#;
        assert!(RelayState::parse(&base64url(with_more.as_bytes())).is_some());
    }

    #[test]
    fn the_size_limit_is_exact() {
        // Three bytes become four letters.
        let frame = content("").len();
        let state = |bytes: usize| base64url(&content(&"s".repeat(bytes - frame)));
        let longest = state(MAX_STATE_BYTES / 4 * 3);
        assert_eq!(longest.len(), MAX_STATE_BYTES);
        assert!(RelayState::parse(&longest).is_some());
        assert!(RelayState::parse(&state(MAX_STATE_BYTES / 4 * 3 + 1)).is_none());
    }

    fn pass_on(issuer: &str, is_oidc: bool, script: &Script) -> Result<Option<String>> {
        let state = RelayState::parse(&base64(&content("s?~>é"))).unwrap();
        forward(script, issuer, is_oidc, &state, &Secret::from("c&1"))
    }

    #[test]
    fn the_answer_goes_to_the_pools_own_origin_within_limits() {
        let script = Script::new([answer(200, ""), answer(200, ""), answer(200, "")]);
        for (issuer, is_oidc, start) in [
            ("https://p.example/x/", false, "https://p.example/login/generic_oauth/callback?"),
            ("https://p.example", true, "https://p.example/login/generic_oidc/callback?"),
            ("http://127.0.0.1:9/userpool/1", false, "http://127.0.0.1:9/login/generic_oauth/callback?"),
        ] {
            assert_eq!(pass_on(issuer, is_oidc, &script).unwrap(), None);
            let request = script.take().remove(0);
            assert!(request.url.to_string().starts_with(start), "{}", request.url);
            let query: Vec<_> = form_urlencoded::parse(request.url.query().unwrap().as_bytes()).collect();
            assert_eq!(query[0], ("code".into(), "c&1".into()));
            assert_eq!(query[1], ("state".into(), base64(&content("s?~>é")).into()));
            assert_eq!((request.method, query.len()), (Method::Get, 2));
            assert_eq!((request.limits.total, request.limits.body_bytes), (FORWARD_TIME, MAX_ANSWER_BYTES));
        }
        for issuer in ["http://p.example", "p.example", ""] {
            assert_eq!(pass_on(issuer, false, &script).unwrap_err().code(), Code::IdpInvalid, "{issuer}");
        }
        assert!(script.take().is_empty(), "nothing leaves in the clear");
    }

    #[test]
    fn a_redirect_is_read_and_not_followed() {
        let to = "https://me.example/cb?code=pool&state=s";
        for status in [301, 302, 303, 307] {
            let script = Script::new([answer_with(status, &[("location", to)], "")]);
            assert_eq!(pass_on("https://p.example", false, &script).unwrap().unwrap(), to);
            assert_eq!(script.take().len(), 1);
        }
        let silent = Script::new([answer(302, "")]);
        assert_eq!(pass_on("https://p.example", false, &silent).unwrap(), None);
    }

    #[test]
    fn a_refusal_says_what_to_do_and_shows_no_code() {
        for (outcome, code) in [
            (answer_with(400, &[("location", "https://x.example/?code=z")], "c&1"), Code::IdpRefused),
            (answer(503, ""), Code::IdpUnreachable),
            (answer(429, ""), Code::IdpUnreachable),
            (failed(FailureKind::Timeout), Code::IdpUnreachable),
            (failed(FailureKind::TooLarge), Code::IdpInvalid),
        ] {
            let error = pass_on("https://p.example", false, &Script::new([outcome])).unwrap_err();
            assert_eq!(error.code(), code);
            assert!(error.hint().is_some());
            let shown = format!("{error:?}");
            assert!(
                !shown.contains("c&1") && !shown.contains("c%261") && !shown.contains("state="),
                "{shown}"
            );
        }
    }
}
