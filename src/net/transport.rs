//! Requests and responses as values, and the trait that exchanges them.

use std::fmt;
use std::time::Duration;

use crate::base::opaque::opaque;
use crate::base::url::Url;

/// What an outbound request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Sends a body.
    Post,
}

/// One outbound request.
#[derive(Clone)]
pub struct HttpRequest {
    /// What it does.
    pub method: Method,
    /// Where it goes; redirects are never followed.
    pub url: Url,
    /// Headers besides `Host` and `Content-Length`. Values may be secret.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
    /// Limits of this exchange.
    pub limits: Limits,
}

/// Bounds of one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// To have a connection, TLS included.
    pub connect: Duration,
    /// For the whole exchange, connection to last byte.
    pub total: Duration,
    /// Bytes of a response body; a longer one fails.
    pub body_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), total: Duration::from_secs(15), body_bytes: 1 << 20 }
    }
}

/// One response, of whatever status.
#[derive(Clone)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// The first header of that (lower-case) name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Where an exchange broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The host name has no address.
    Resolve,
    /// No connection, or it was cut before anything was answered.
    Connect,
    /// TLS: certificate, name or protocol.
    Tls,
    /// A time limit.
    Timeout,
    /// The answer is longer than its limit.
    TooLarge,
    /// The answer is not HTTP, or ended early.
    Protocol,
}

/// Why there is no response.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Where it broke off.
    pub kind: FailureKind,
    /// In words, without secrets: `connection refused`.
    pub detail: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

/// Exchanges requests for responses. Blocking; called from many threads.
pub trait Transport: Send + Sync {
    /// Sends the request and waits for the whole response.
    ///
    /// # Errors
    /// When there is no complete response; a response of any status is not an error here.
    fn send(&self, request: &HttpRequest) -> Result<HttpResponse, Failure>;
}

opaque!(Transport);

/// Method and place only: headers and bodies carry secrets.
impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?} ({} body bytes)", self.method, self.url, self.body.len())
    }
}

/// Status and size only: bodies carry secrets.
impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} body bytes)", self.status, self.body.len())
    }
}
