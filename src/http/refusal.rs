//! Every answer that the server gives by itself, before or instead of the service.

use super::response::{Response, Status};
use crate::base::error::{Code, Error};

/// Why a request is not served: a fixed status, code, message and hint. Nothing of the request is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status to answer with.
    pub status: Status,
    /// The stable code of the error body.
    pub code: Code,
    /// What is wrong, lower-case.
    pub message: &'static str,
    /// What to do, where that is not obvious.
    pub hint: Option<&'static str>,
}

impl Refusal {
    const fn new(status: Status, code: Code, message: &'static str) -> Self {
        Self { status, code, message, hint: None }
    }

    const fn hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }

    /// A request that breaks the grammar or framing of HTTP (RFC 9112).
    #[must_use]
    pub const fn malformed(message: &'static str) -> Self {
        Self::new(Status::BadRequest, Code::InvalidRequest, message)
    }

    /// The answer; the connection closes after it, since nobody knows where the next request would start.
    #[must_use]
    pub fn to_response(self) -> Response {
        let mut error = Error::new(self.code, self.message);
        if let Some(hint) = self.hint {
            error = error.with_hint(hint);
        }
        let response = Response::error(self.status, &error).closing();
        if self.status == Status::ServiceUnavailable { response.header("Retry-After", "1") } else { response }
    }
}

/// A web page, or something that talks like one, knocks (design: the peer).
pub const BROWSER: Refusal =
    Refusal::new(Status::Forbidden, Code::Forbidden, "requests made by web pages are not served")
        .hint("send neither Origin nor Referer");
/// The authority is not this machine: DNS rebinding, or a proxy that forwards here.
pub const FOREIGN_HOST: Refusal =
    Refusal::new(Status::Forbidden, Code::Forbidden, "the host of the request is not localhost")
        .hint("use a URL that starts with http://localhost/");
/// The target is longer than its limit.
pub const LONG_TARGET: Refusal =
    Refusal::new(Status::UriTooLong, Code::TooLarge, "the request target is too long");
/// The head is longer than its limit.
pub const LONG_HEAD: Refusal =
    Refusal::new(Status::HeadersTooLarge, Code::TooLarge, "the request head is too long");
/// There are more header fields than the limit.
pub const MANY_HEADERS: Refusal =
    Refusal::new(Status::HeadersTooLarge, Code::TooLarge, "the request has too many header fields");
/// The body is longer than its limit.
pub const LONG_BODY: Refusal =
    Refusal::new(Status::ContentTooLarge, Code::TooLarge, "the request body is too long");
/// An expectation other than `100-continue` (RFC 9110 section 10.1.1).
pub const EXPECTATION: Refusal = Refusal::new(
    Status::ExpectationFailed,
    Code::InvalidRequest,
    "the only expectation that can be met is 100-continue",
);
/// A method outside RFC 9110 and RFC 5789.
pub const UNKNOWN_METHOD: Refusal =
    Refusal::new(Status::NotImplemented, Code::MethodNotAllowed, "the method is not known here");
/// A body in HTTP/1.0 whose end nobody announces.
pub const NO_LENGTH: Refusal = Refusal::new(
    Status::LengthRequired,
    Code::InvalidRequest,
    "an HTTP/1.0 request with a body needs a Content-Length",
);
/// A transfer coding other than `chunked` (RFC 9112 section 6.1).
pub const UNKNOWN_CODING: Refusal = Refusal::new(
    Status::NotImplemented,
    Code::InvalidRequest,
    "the only transfer coding known here is chunked",
);
/// A version other than 1.0 and 1.1.
pub const VERSION: Refusal =
    Refusal::new(Status::VersionNotSupported, Code::InvalidRequest, "the HTTP version is not supported")
        .hint("speak HTTP/1.1");
/// The head did not arrive in time.
pub const SLOW_HEAD: Refusal =
    Refusal::new(Status::RequestTimeout, Code::Timeout, "the request head did not arrive in time");
/// The body did not arrive in time.
pub const SLOW_BODY: Refusal =
    Refusal::new(Status::RequestTimeout, Code::Timeout, "the request body did not arrive in time");
/// The sender stopped in the middle of a request.
pub const CUT_SHORT: Refusal = Refusal::malformed("the request ended before it was complete");
/// Every connection is in use by a running request, or this one had to make room.
pub const BUSY: Refusal = Refusal::new(Status::ServiceUnavailable, Code::Busy, "all connections are in use")
    .hint("try again shortly");
/// A defect on our side.
pub const DEFECT: Refusal =
    Refusal::new(Status::InternalServerError, Code::Internal, "the request failed through a defect")
        .hint("look for `handler panicked` in the log");
