//! The cloud's answers: `ResponseMetadata` with a `Result` or an `Error`, and everything else that may come instead.
//!
//! Pure. Texts of an upstream reach a message only bounded, without control characters and without anything that
//! looks like a token.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::base::error::{Code, Error, Result};
use crate::base::secret::REDACTED;
use crate::base::tree::{Misfit, Tree, take};
use crate::net::transport::HttpResponse;

/// Characters of an upstream's message that are passed on.
pub const MAX_MESSAGE_CHARS: usize = 300;
/// Characters of a foreign body that go to the log.
pub const MAX_SNIPPET_CHARS: usize = 80;
/// Characters of an error code.
const MAX_CODE_CHARS: usize = 100;
/// Characters of a request id; the cloud's have 32 to 34.
const MAX_REQUEST_ID_CHARS: usize = 64;
/// The longest run of token characters that is shown. Request ids, UUIDs and action names are shorter, keys and tokens
/// longer.
const MAX_RUN: usize = 40;

/// What kind of refusal it is, by status and code: the codes themselves are only partly published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The resource does not exist.
    NotFound,
    /// The resource exists already.
    AlreadyExists,
    /// The keys are not known, or may not do this.
    Denied,
    /// Too many requests.
    Throttled,
    /// A fault of the service.
    Unavailable,
    /// The date of the request is too far from the service's.
    ClockSkew,
    /// Anything else.
    Other,
}

/// An error that the cloud answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The cloud's code, e.g. `LackPolicy`; empty when it gave none.
    pub code: String,
    /// The HTTP status.
    pub status: u16,
    /// The cloud's message, made safe to show.
    pub message: String,
    /// What the cloud's support asks for.
    pub request_id: Option<String>,
    /// What follows from it.
    pub class: Class,
}

/// Why a call has no result.
#[derive(Clone, Debug)]
pub enum CallError {
    /// The cloud refused; `error` is the same for people.
    Refused {
        /// What the cloud said.
        refusal: Refusal,
        /// The refusal with the action's name and what to do next.
        error: Error,
    },
    /// No answer, or none that can be read.
    Failed(Error),
}

impl CallError {
    /// What kind of refusal it is; `None` when the cloud did not get to refuse.
    #[must_use]
    pub fn class(&self) -> Option<Class> {
        match self {
            Self::Refused { refusal, .. } => Some(refusal.class),
            Self::Failed(_) => None,
        }
    }

    /// The error for people.
    #[must_use]
    pub fn as_error(&self) -> &Error {
        match self {
            Self::Refused { error, .. } | Self::Failed(error) => error,
        }
    }
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused { error, .. } | CallError::Failed(error) => error,
        }
    }
}

impl From<Error> for CallError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

#[derive(Deserialize)]
struct Head {
    #[serde(rename = "ResponseMetadata")]
    metadata: Option<Metadata>,
    // The flat form, in two spellings.
    errorcode: Option<Value>,
    #[serde(rename = "ErrorCode")]
    error_code: Option<Value>,
    message: Option<Value>,
    #[serde(rename = "Message")]
    other_message: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    request_id: Option<String>,
    error: Option<Fault>,
}

impl Head {
    fn request_id(&self) -> Option<String> {
        self.metadata.as_ref()?.request_id.as_deref().map(|id| safe(id, MAX_REQUEST_ID_CHARS))
    }

    fn refusal(self, status: u16) -> Option<Refusal> {
        let request_id = self.request_id();
        let code = self.errorcode.or(self.error_code);
        let fault = match (self.metadata.and_then(|metadata| metadata.error), code) {
            (Some(fault), _) => fault,
            (None, Some(code)) => Fault { code: Some(code), message: self.message.or(self.other_message) },
            (None, None) => return None,
        };
        let (code, message) = (text(fault.code, MAX_CODE_CHARS), text(fault.message, MAX_MESSAGE_CHARS));
        let class = classify(status, &code, &message);
        Some(Refusal { code, status, message, request_id, class })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Fault {
    code: Option<Value>,
    message: Option<Value>,
}

/// A field that is a string by the documents and a number here and there.
fn text(field: Option<Value>, max_chars: usize) -> String {
    match field {
        Some(Value::String(text)) => safe(&text, max_chars),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// Reads an answer of `action`.
///
/// # Errors
/// As [`accept`] and [`Accepted::result`].
pub fn read<T: DeserializeOwned>(action: &str, response: &HttpResponse) -> Result<T, CallError> {
    accept(action, response)?.result(action)
}

/// An answer that is a success.
#[derive(Debug)]
pub struct Accepted {
    request_id: Option<String>,
    answer: Tree,
}

impl Accepted {
    /// Its `Result`; a missing or null one is read as an empty object.
    ///
    /// # Errors
    /// `CloudInvalid` when it is not of the documented form.
    pub fn result<T: DeserializeOwned>(&self, action: &str) -> Result<T, CallError> {
        let result = self.answer.value().get("Result").filter(|result| !result.is_null());
        let read = result.map_or_else(|| take(&Value::Object(Map::new())), take);
        read.map_err(|misfit| CallError::Failed(unusable(action, self.request_id.as_deref(), misfit)))
    }
}

/// Reads what says whether an answer is a success; its `Result` can then be read.
///
/// # Errors
/// `Refused` for an error envelope under any status; `CloudUnreachable` for a gateway's own 5xx page; `CloudInvalid`
/// for everything else that is no envelope.
pub fn accept(action: &str, response: &HttpResponse) -> Result<Accepted, CallError> {
    let foreign = || CallError::Failed(foreign(action, response));
    let answer = Tree::parse(&response.body).ok_or_else(foreign)?;
    let head: Head = answer.take().map_err(|_| foreign())?;
    let request_id = head.request_id();
    let is_answer = head.metadata.is_some() && response.is_success();
    if let Some(refusal) = head.refusal(response.status) {
        let error = refusal.to_error(action);
        return Err(CallError::Refused { refusal, error });
    }
    if is_answer { Ok(Accepted { request_id, answer }) } else { Err(foreign()) }
}

/// The error that an answer of any status carries.
#[must_use]
pub fn refusal(response: &HttpResponse) -> Option<Refusal> {
    head(response)?.refusal(response.status)
}

fn head(response: &HttpResponse) -> Option<Head> {
    Tree::read(&response.body).ok()
}

/// A success whose field `name` is empty, where the product cannot go on without it.
#[must_use]
pub fn empty(action: &str, name: &str) -> CallError {
    Error::new(Code::CloudInvalid, format!("{action}: the answer's {name} is empty")).into()
}

/// What to do about a clock that is `skew` seconds from the cloud's (the cloud's minus ours).
#[must_use]
pub fn skew_hint(skew: i64) -> String {
    let side = if skew > 0 { "behind" } else { "ahead of" };
    format!("this machine's clock is {} seconds {side} the cloud's: set the clock", skew.unsigned_abs())
}

/// The request id of an answer, for the log.
#[must_use]
pub fn request_id(response: &HttpResponse) -> Option<String> {
    head(response)?.request_id()
}

/// A body that is not an envelope: a proxy's page, an empty answer, another service.
fn foreign(action: &str, response: &HttpResponse) -> Error {
    let (code, hint) = if response.status >= 500 || response.status == 429 {
        (
            Code::CloudUnreachable,
            "try again later; if it stays, check identity.endpoint and the proxy settings",
        )
    } else {
        (
            Code::CloudInvalid,
            "check that identity.endpoint is the address of the id service, and the proxy settings",
        )
    };
    let snippet = safe(&String::from_utf8_lossy(&response.body), MAX_SNIPPET_CHARS);
    Error::new(
        code,
        format!("{action}: status {} with a body that is not the cloud's answer form", response.status),
    )
    .with_hint(hint)
    .with_detail(format!("{} bytes, beginning with: {snippet}", response.body.len()))
}

/// An envelope whose `Result` is not the action's.
fn unusable(action: &str, request_id: Option<&str>, misfit: Misfit) -> Error {
    let what = match misfit {
        Misfit::Missing(field) => format!("has no {field}"),
        Misfit::Wrong(field) => format!("has a {field} that is not of the documented form"),
        Misfit::Absent | Misfit::Other => "is not of the documented form".to_owned(),
    };
    Error::new(Code::CloudInvalid, format!("{action}: the answer {what}{}", in_parentheses(request_id)))
        .with_hint("report it to the cloud's support with the request id")
}

fn in_parentheses(request_id: Option<&str>) -> String {
    request_id.map(|id| format!(" (request id {id})")).unwrap_or_default()
}

impl Refusal {
    fn to_error(&self, action: &str) -> Error {
        let code = match self.class {
            Class::Unavailable => Code::CloudUnreachable,
            _ => Code::CloudRefused,
        };
        let name = if self.code.is_empty() { format!("status {}", self.status) } else { self.code.clone() };
        let message = match (self.class, self.message.as_str()) {
            (Class::Unavailable, _) | (_, "") => String::new(),
            (_, message) => format!(": {message}"),
        };
        let request_id = in_parentheses(self.request_id.as_deref());
        let error = Error::new(code, format!("{action} was refused with {name}{request_id}{message}"));
        error.with_hint(self.hint(action))
    }

    fn hint(&self, action: &str) -> String {
        let code = self.code.as_str();
        match self.class {
            Class::ClockSkew => {
                "set this machine's clock: signatures are valid for 15 minutes around their date".to_owned()
            }
            Class::Throttled => "the cloud limits the rate of this action; try again in a minute".to_owned(),
            Class::Unavailable => "the fault is on the cloud's side; try again later".to_owned(),
            _ if code == "LackPolicy" || code == "AccessDenied" => {
                let policy = match action {
                    "AssumeRole" => "STSAssumeRoleAccess, and let the role trust it; a main account's key cannot assume roles".to_owned(),
                    _ => format!("an IAM policy that allows id:{action}"),
                };
                format!("give the key's user or role {policy}")
            }
            _ if code == "SignatureDoesNotMatch" => {
                "check the secret key: it must be the one of this access key, without spaces or quotes"
                    .to_owned()
            }
            _ if code == "InvalidAccessKey" => {
                "check the access key: the cloud does not know it, or it is disabled".to_owned()
            }
            _ if code == "InvalidSecretToken" => {
                "the session token is wrong or has expired; renew the temporary keys".to_owned()
            }
            _ => "the code and text are the cloud's own; quote the request id when you ask its support"
                .to_owned(),
        }
    }
}

/// Sorts a refusal. `InvalidActionOrVersion` and `ServiceNotFound` come with 404 and say nothing about the resource.
#[must_use]
pub fn classify(status: u16, code: &str, message: &str) -> Class {
    let lower = code.to_ascii_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
    let addressed = !matches!(code, "InvalidActionOrVersion" | "ServiceNotFound");
    // Of gateway refusals ("access key not found") the words say nothing about the resource.
    let in_words = || matches!(status, 200 | 400) && message.to_ascii_lowercase().contains("not found");
    if has(&["invalidtimestamp", "requesttimetooskewed", "signatureexpired"]) {
        Class::ClockSkew
    } else if status == 409 || has(&["duplicat", "alreadyexist", "conflict"]) {
        Class::AlreadyExists
    } else if addressed && (status == 404 || has(&["notfound", "notexist"]) || in_words()) {
        Class::NotFound
    } else if status == 429 || has(&["throttl", "flowlimit", "toomanyrequests"]) {
        Class::Throttled
    } else if matches!(status, 401 | 403)
        || has(&[
            "accessdenied",
            "lackpolicy",
            "invalidaccesskey",
            "signaturedoesnotmatch",
            "invalidsecrettoken",
        ])
    {
        Class::Denied
    } else if status >= 500 || has(&["internalerror", "internalserviceerror", "serviceunavailable"]) {
        Class::Unavailable
    } else {
        Class::Other
    }
}

/// An upstream's text, fit to be shown: one line, bounded, and long runs of token characters replaced.
#[must_use]
pub fn safe(text: &str, max_chars: usize) -> String {
    let mut shown = String::new();
    let mut run = String::new();
    let flush = |run: &mut String, shown: &mut String| {
        shown.push_str(if run.chars().count() > MAX_RUN { REDACTED } else { run });
        run.clear();
    };
    for c in text.trim().chars() {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '=' | '~') {
            run.push(c);
            continue;
        }
        flush(&mut run, &mut shown);
        shown.push(if c.is_control() || c.is_whitespace() { ' ' } else { c });
        if shown.len() > max_chars.saturating_mul(8) {
            break;
        }
    }
    flush(&mut run, &mut shown);
    match shown.char_indices().nth(max_chars) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn response(status: u16, body: &str) -> HttpResponse {
        HttpResponse { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
    }

    fn refused(status: u16, code: &str, message: &str) -> HttpResponse {
        let error = json!({ "Code": code, "CodeN": 1, "Message": message });
        response(status, &json!({ "ResponseMetadata": { "RequestId": "R1", "Error": error } }).to_string())
    }

    fn read_value(response: &HttpResponse) -> Result<Value, CallError> {
        read("DoIt", response)
    }

    #[test]
    fn a_result_is_returned_and_an_absent_one_is_empty() {
        for (body, expected) in [
            (r#"{"ResponseMetadata":{"RequestId":"R1"},"Result":{"A":1}}"#, json!({"A": 1})),
            (r#"{"ResponseMetadata":{},"Result":null}"#, json!({})),
            (r#"{"ResponseMetadata":{"Error":null}}"#, json!({})),
        ] {
            assert_eq!(read_value(&response(200, body)).unwrap(), expected, "{body}");
        }
    }

    #[test]
    fn an_error_is_an_error_under_any_status() {
        for status in [200, 400, 404] {
            let CallError::Refused { refusal, error } =
                read_value(&refused(status, "Duplicated", "there")).unwrap_err()
            else {
                panic!("{status}")
            };
            assert_eq!((refusal.class, refusal.status), (Class::AlreadyExists, status));
            assert_eq!(refusal.request_id.as_deref(), Some("R1"));
            assert_eq!(error.message(), "DoIt was refused with Duplicated (request id R1): there");
        }
        let flat = response(400, r#"{"HTTPCode":400,"errorcode":"InvalidParameter","message":"bad Name"}"#);
        let CallError::Refused { refusal, error } = read_value(&flat).unwrap_err() else { panic!() };
        assert_eq!((refusal.code.as_str(), refusal.class), ("InvalidParameter", Class::Other));
        assert_eq!(error.message(), "DoIt was refused with InvalidParameter: bad Name");
    }

    #[test]
    fn refusals_are_sorted_by_status_or_code() {
        for (status, code, message, class) in [
            (404, "NotFound", "", Class::NotFound),
            (404, "", "", Class::NotFound),
            (200, "WorkloadIdentityNotFound", "", Class::NotFound),
            (400, "ResourceNotExist", "", Class::NotFound),
            (400, "InvalidRequest", "workload identity Not Found", Class::NotFound),
            (401, "InvalidAccessKey", "access key not found", Class::Denied),
            (404, "InvalidActionOrVersion", "action not found", Class::Other),
            (404, "ServiceNotFound", "", Class::Other),
            (409, "", "", Class::AlreadyExists),
            (400, "Duplicated", "", Class::AlreadyExists),
            (200, "WorkloadAlreadyExists", "", Class::AlreadyExists),
            (403, "InvalidTimestamp", "", Class::ClockSkew),
            (400, "InvalidTimestamp", "", Class::ClockSkew),
            (403, "LackPolicy", "", Class::Denied),
            (200, "AccessDenied", "", Class::Denied),
            (401, "SignatureDoesNotMatch", "", Class::Denied),
            (429, "", "", Class::Throttled),
            (400, "FlowLimitExceeded", "", Class::Throttled),
            (500, "InternalError", "", Class::Unavailable),
            (200, "InternalServiceError", "", Class::Unavailable),
            (503, "", "", Class::Unavailable),
            (400, "InvalidParameter.Name", "", Class::Other),
        ] {
            assert_eq!(classify(status, code, message), class, "{status} {code} {message}");
        }
    }

    #[test]
    fn hints_say_what_to_do() {
        for (action, code, part) in [
            ("CheckPermission", "LackPolicy", "an IAM policy that allows id:CheckPermission"),
            ("AssumeRole", "LackPolicy", "STSAssumeRoleAccess"),
            ("CheckPermission", "SignatureDoesNotMatch", "check the secret key"),
            ("CheckPermission", "InvalidAccessKey", "check the access key"),
            ("CheckPermission", "InvalidSecretToken", "session token"),
            ("CheckPermission", "InvalidTimestamp", "clock"),
            ("CheckPermission", "InvalidParameter.Principal", "request id"),
        ] {
            let error = Error::from(read::<Value>(action, &refused(401, code, "")).unwrap_err());
            assert!(error.hint().is_some_and(|hint| hint.contains(part)), "{code}: {error:?}");
            assert_eq!(error.code(), Code::CloudRefused);
        }
        assert_eq!(
            Error::from(read_value(&refused(500, "InternalError", "stack")).unwrap_err()).code(),
            Code::CloudUnreachable
        );
    }

    #[test]
    fn foreign_bodies_are_named_by_their_status_and_stay_in_the_log() {
        let token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1LTEifQ.c2lnbmF0dXJl";
        for (status, body, code) in [
            (502, format!("<html>\n<h1>Bad Gateway</h1> {token}"), Code::CloudUnreachable),
            (200, "<html>login</html>".to_owned(), Code::CloudInvalid),
            (200, String::new(), Code::CloudInvalid),
            (200, r#"{"Result":{"A":1}}"#.to_owned(), Code::CloudInvalid),
            (403, "[]".to_owned(), Code::CloudInvalid),
            (400, r#"{"ResponseMetadata":{"RequestId":"R1"}}"#.to_owned(), Code::CloudInvalid),
        ] {
            let CallError::Failed(error) = read_value(&response(status, &body)).unwrap_err() else {
                panic!("{body}")
            };
            assert_eq!(error.code(), code, "{body}");
            assert!(error.message().contains(&format!("status {status}")), "{error:?}");
            assert!(!error.message().contains("html") && !format!("{error:?}").contains(token), "{error:?}");
        }
    }

    #[test]
    fn a_missing_or_wrong_field_is_named_and_never_quoted() {
        #[derive(Debug, Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Wanted {
            #[expect(dead_code, reason = "only its absence matters")]
            count: u8,
        }
        let of = |body: &str| {
            Error::from(read::<Wanted>("DoIt", &response(200, body)).unwrap_err()).message().to_owned()
        };
        let missing = "DoIt: the answer has no Count (request id R1)";
        assert_eq!(of(r#"{"ResponseMetadata":{"RequestId":"R1"},"Result":{}}"#), missing);
        assert_eq!(of(r#"{"ResponseMetadata":{"RequestId":"R1"}}"#), missing);
        let wrong = of(r#"{"ResponseMetadata":{},"Result":{"Count":"s3cret"}}"#);
        assert_eq!(wrong, "DoIt: the answer has a Count that is not of the documented form");
    }

    #[test]
    fn shown_texts_are_bounded_lines_without_tokens() {
        assert_eq!(safe(" a\r\nb\u{7}c ", 10), "a  b c");
        assert_eq!(safe(&"x ".repeat(200), 5), "x x x…");
        assert_eq!(safe("12345", 5), "12345");
        let run = "k".repeat(MAX_RUN);
        assert_eq!(safe(&format!("key {run}"), 100), format!("key {run}"));
        assert_eq!(safe(&format!("key {run}k, gone"), 100), "key [redacted], gone");
        assert_eq!(
            safe("trn:iam::2100000000:role/AgentRole is not allowed", 100),
            "trn:iam::2100000000:role/AgentRole is not allowed"
        );
    }
}
