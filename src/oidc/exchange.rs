//! One exchange with the provider: a document read, or a form posted, with failures sorted into "try later" and
//! "something is wrong".

use std::time::Duration;

use crate::base::error::{Code, Error, Result};
use crate::base::url::Url;
use crate::net::transport::{Failure, FailureKind, HttpRequest, HttpResponse, Limits, Method, Transport};

/// The whole of reading a published document.
const DOCUMENT_TIME: Duration = Duration::from_secs(10);

/// Reads a published document of at most `max_bytes`.
///
/// # Errors
/// `IdpUnreachable` when it may work later, else `IdpInvalid`; `what` names the document.
pub(super) fn document(transport: &dyn Transport, url: &Url, what: &str, max_bytes: u64) -> Result<Vec<u8>> {
    let response = send(
        transport,
        what,
        &HttpRequest {
            method: Method::Get,
            url: url.clone(),
            headers: vec![("Accept".into(), "application/json".into())],
            body: Vec::new(),
            limits: Limits { total: DOCUMENT_TIME, body_bytes: max_bytes, ..Limits::default() },
        },
    )?;
    if response.is_success() {
        return Ok(response.body);
    }
    let message = format!("{what} at {url:?}: the provider answered {}", response.status);
    Err(Error::new(Code::IdpInvalid, message)
        .with_hint("check userpool.discoveryUrl; redirects are not followed"))
}

/// Posts a form and returns the response of whatever status below 500.
///
/// # Errors
/// As [`document`].
pub(super) fn post_form(
    transport: &dyn Transport,
    url: &Url,
    what: &str,
    authorization: Option<String>,
    form: &[(&str, &str)],
) -> Result<HttpResponse> {
    let mut headers = vec![
        ("Accept".to_owned(), "application/json".to_owned()),
        ("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
    ];
    headers.extend(authorization.map(|value| ("Authorization".to_owned(), value)));
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish().into_bytes();
    let request =
        HttpRequest { method: Method::Post, url: url.clone(), headers, body, limits: Limits::default() };
    send(transport, what, &request)
}

/// Sends a request and returns the response of whatever status below 500 but 429; redirects are not followed.
///
/// # Errors
/// As [`document`].
pub(super) fn send(transport: &dyn Transport, what: &str, request: &HttpRequest) -> Result<HttpResponse> {
    let response = transport.send(request).map_err(|failure| failed(&failure, what, &request.url))?;
    if response.status >= 500 || response.status == 429 {
        let message = format!("{what} at {:?}: the provider answered {}", request.url, response.status);
        return Err(Error::new(Code::IdpUnreachable, message).with_hint("try again in a moment"));
    }
    Ok(response)
}

fn failed(failure: &Failure, what: &str, url: &Url) -> Error {
    let (code, hint) = match failure.kind {
        FailureKind::TooLarge | FailureKind::Protocol => (Code::IdpInvalid, "check userpool.discoveryUrl"),
        FailureKind::Tls => (
            Code::IdpUnreachable,
            "check the provider's certificate; SSL_CERT_FILE names further certificate authorities",
        ),
        FailureKind::Resolve | FailureKind::Connect | FailureKind::Timeout => {
            (Code::IdpUnreachable, "check the network and userpool.discoveryUrl, then try again")
        }
    };
    Error::new(code, format!("{what} at {url:?}: {failure}")).with_hint(hint)
}
