//! Calls of the Feishu Open Platform: JSON in, `{"code": 0, …}` out.

use serde::Deserialize;
use serde_json::Value;

use crate::base::secret::Secret;
use crate::base::tree::Tree;
use crate::base::url::Url;
use crate::message::post::Unsent;
use crate::net::exchange::{Exchange, Repeat};
use crate::net::transport::{Failure, HttpRequest, Limits, Method};

/// Bytes of an answer.
const MAX_ANSWER_BYTES: u64 = 64 * 1024;

/// An app at an installation.
#[derive(Clone, Debug)]
pub(super) struct App {
    pub(super) api: Url,
    pub(super) id: String,
}

/// Why a call did not succeed.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The platform's own code (`code`, which is not 0).
    Code(i64),
    /// The answer is not the platform's.
    Status(u16),
    /// There is no answer.
    Failed(Failure),
}

impl Refusal {
    /// In words for the log. The platform's `msg` may quote the request and is left out.
    pub(super) fn unsent(&self, what: &str) -> Unsent {
        Unsent(match self {
            Self::Code(code) => match advice(*code) {
                Some(advice) => format!("{what} was refused with code {code}: {advice}"),
                None => format!("{what} was refused with code {code}"),
            },
            Self::Status(status) => format!("{what} was answered with HTTP {status} and no code"),
            Self::Failed(failure) => format!("{what} failed: {failure}"),
        })
    }

    /// Whether a new access token may help: the old one was revoked, or ended early.
    pub(super) fn is_about_the_token(&self) -> bool {
        matches!(self, Self::Code(99_991_661 | 99_991_663 | 99_991_664 | 99_991_671) | Self::Status(401))
    }
}

/// What the commonest codes ask for.
fn advice(code: i64) -> Option<&'static str> {
    match code {
        230_002 => Some("the bot is not in the chat"),
        230_006 => Some("switch the bot ability of the app on"),
        230_013 => Some("the app is not available to the person"),
        230_018 => Some("the chat's settings do not let the bot write"),
        99_991_672 => Some("the app lacks the permission im:message:send_as_bot"),
        _ => None,
    }
}

/// Posts a body and returns the whole answer, whose code is 0. Sending it twice must be the same as once, because it is
/// repeated when the connection breaks.
pub(super) fn post(
    exchange: &Exchange,
    api: &Url,
    path_and_query: &str,
    token: Option<&Secret>,
    body: &Value,
) -> Result<Vec<u8>, Refusal> {
    #[derive(Deserialize)]
    struct Coded {
        code: i64,
    }
    let whole = format!("{}{path_and_query}", api.path().trim_end_matches('/'));
    let url = api.with_path_and_query(&whole).unwrap_or_else(|| api.clone());
    let mut headers = vec![("Content-Type".to_owned(), "application/json; charset=utf-8".to_owned())];
    headers.extend(token.map(|token| ("Authorization".to_owned(), format!("Bearer {}", token.expose()))));
    let body = body.to_string().into_bytes();
    let limits = Limits { body_bytes: MAX_ANSWER_BYTES, ..Limits::default() };
    let request = || HttpRequest {
        method: Method::Post,
        url: url.clone(),
        headers: headers.clone(),
        body: body.clone(),
        limits,
    };
    let response = exchange.send(Repeat::Safe, request).map_err(Refusal::Failed)?;
    match Tree::read(&response.body) {
        Ok(Coded { code: 0 }) if response.is_success() => Ok(response.body),
        Ok(Coded { code }) if code != 0 => Err(Refusal::Code(code)),
        _ => Err(Refusal::Status(response.status)),
    }
}
