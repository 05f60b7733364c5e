//! Requests and replies as values, and their HTTP/1.1 form.
//!
//! The reader is strict: anything ambiguous is refused with a status, never guessed at.

use std::io::{self, BufRead, Read as _, Write};

use serde_json::Value;

use crate::base::time::Timestamp;

/// Bytes of a request's first line and headers.
pub(super) const MAX_HEAD: usize = 64 * 1024;
/// Bytes of a request's body.
pub(super) const MAX_BODY: usize = 1024 * 1024;

/// Headers of which two would be ambiguous.
const SINGLE: [&str; 6] =
    ["authorization", "content-length", "content-type", "host", "x-date", "x-security-token"];

/// One request as it came in.
#[derive(Debug, Clone, Default)]
pub(super) struct Request {
    /// The method, as sent.
    pub method: String,
    /// The path, as sent and at least `/`.
    pub path: String,
    /// What follows `?`, still encoded; empty when nothing does.
    pub query: String,
    /// Headers, names in lower case, values trimmed.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
    /// Whether the client wants to go on with this connection.
    pub keep_alive: bool,
}

impl Request {
    /// The first header of a (lower-case) name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The media type of the body, in lower case and without parameters.
    pub(super) fn media_type(&self) -> String {
        let value = self.header("content-type").unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// The first query parameter of a name, decoded.
    pub(super) fn param(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.query.as_bytes()).find(|(n, _)| n == name).map(|(_, v)| v.into_owned())
    }
}

/// How a reply ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// As promised.
    Whole,
    /// The connection closes after so many bytes of the body.
    Truncated(usize),
    /// The connection closes before the first byte.
    HungUp,
}

/// One reply.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    /// The status code.
    pub status: u16,
    /// Headers besides length and connection, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How it ends.
    pub ending: Ending,
}

impl Reply {
    /// A reply with a body of some media type.
    pub(super) fn new(status: u16, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type", media_type.to_owned())];
        Self { status, headers, body: body.into(), ending: Ending::Whole }
    }

    /// A plain text.
    pub(super) fn text(status: u16, body: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", body)
    }

    /// A JSON document.
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    /// A redirect that turns a form POST into a GET.
    pub(super) fn see_other(location: String) -> Self {
        Self::text(303, "").with("location", location)
    }

    /// Adds a header.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The bytes to send.
    pub(super) fn to_bytes(&self, keep_alive: bool) -> Vec<u8> {
        let sent = match self.ending {
            Ending::HungUp => return Vec::new(),
            Ending::Truncated(bytes) => self.body.get(..bytes).unwrap_or(&self.body),
            Ending::Whole => &self.body,
        };
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            // A value may repeat what a client sent; it cannot end the line.
            let value: String = value.chars().filter(|c| !c.is_control()).collect();
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let connection = if keep_alive { "keep-alive" } else { "close" };
        head.push_str(&format!("content-length: {}\r\nconnection: {connection}\r\n\r\n", self.body.len()));
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(sent);
        bytes
    }
}

/// Why there is no request.
#[derive(Debug)]
pub(super) enum ReadError {
    /// The bytes are not a request that this server takes: status and reason.
    Malformed(u16, &'static str),
    /// The connection broke.
    Io(io::Error),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads one request; `None` when the client has closed. `writer` gets the go-ahead that RFC 9110 section 10.1.1
/// lets a client wait for.
pub(super) fn read_request(
    reader: &mut impl BufRead,
    writer: &mut impl Write,
) -> Result<Option<Request>, ReadError> {
    let Some(head) = read_head(reader)? else { return Ok(None) };
    let mut request = parse_head(&head).ok_or(ReadError::Malformed(400, "the request head is malformed"))?;
    if request.header("transfer-encoding").is_some() {
        return Err(ReadError::Malformed(411, "a length is required"));
    }
    let Some(length) = request.header("content-length").map_or(Some(0), decimal) else {
        return Err(ReadError::Malformed(400, "the length is malformed"));
    };
    if length > MAX_BODY {
        return Err(ReadError::Malformed(413, "the body is too large"));
    }
    if request.header("expect").is_some_and(|e| e.eq_ignore_ascii_case("100-continue")) {
        writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    request.body = vec![0; length];
    reader.read_exact(&mut request.body)?;
    Ok(Some(request))
}

fn read_head(reader: &mut impl BufRead) -> Result<Option<String>, ReadError> {
    let mut head = Vec::new();
    let mut limited = reader.take(MAX_HEAD as u64);
    while !head.ends_with(b"\r\n\r\n") {
        if limited.read_until(b'\n', &mut head)? > 0 {
            continue;
        }
        return match (head.is_empty(), head.len() >= MAX_HEAD) {
            (true, _) => Ok(None),
            (_, true) => Err(ReadError::Malformed(431, "the request head is too large")),
            _ => Err(ReadError::Io(io::ErrorKind::UnexpectedEof.into())),
        };
    }
    String::from_utf8(head).map(Some).map_err(|_| ReadError::Malformed(400, "the request head is not UTF-8"))
}

fn parse_head(head: &str) -> Option<Request> {
    let mut lines = head.strip_suffix("\r\n\r\n")?.split("\r\n");
    let first: Vec<&str> = lines.next()?.split(' ').collect();
    let [method, target, version] = first[..] else { return None };
    if !target.starts_with('/') || !matches!(version, "HTTP/1.1" | "HTTP/1.0") || !is_token(method) {
        return None;
    }
    let headers: Vec<(String, String)> = lines.map(parse_header).collect::<Option<_>>()?;
    let count = |name: &str| headers.iter().filter(|(n, _)| n == name).count();
    if SINGLE.into_iter().any(|name| count(name) > 1) || count("host") == 0 {
        return None;
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        ..Request::default()
    };
    request.keep_alive = version == "HTTP/1.1"
        && !request.header("connection").is_some_and(|v| v.to_ascii_lowercase().contains("close"));
    Some(request)
}

fn parse_header(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    let value = value.trim_matches([' ', '\t']);
    (is_token(name) && !value.contains(|c: char| c.is_control() && c != '\t'))
        .then(|| (name.to_ascii_lowercase(), value.to_owned()))
}

/// RFC 9110 section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

fn decimal(text: &str) -> Option<usize> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

fn reason(status: u16) -> &'static str {
    http::StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason()).unwrap_or("Unknown")
}

/// A moment as an HTTP `Date` (RFC 9110 section 5.6.7).
pub(super) fn http_date(moment: Timestamp) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    // The epoch was a Thursday.
    let day = usize::try_from(moment.unix() / 86_400 % 7).unwrap_or(0);
    let text = moment.to_string();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or("00");
    let month = part(5, 7).parse::<usize>().unwrap_or(1).clamp(1, 12);
    format!("{}, {} {} {} {} GMT", DAYS[day], part(8, 10), MONTHS[month - 1], part(0, 4), part(11, 19))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Option<Request>, ReadError> {
        read_request(&mut &bytes[..], &mut Vec::new())
    }

    fn refused_with(bytes: &[u8]) -> u16 {
        match read(bytes) {
            Err(ReadError::Malformed(status, _)) => status,
            Err(ReadError::Io(_)) => 0,
            Ok(_) => 200,
        }
    }

    #[test]
    fn reads_line_headers_and_body() {
        let bytes =
            b"POST /a?b=c%20d&e=1 HTTP/1.1\r\nHost: h\r\nContent-Type: Application/JSON; charset=utf-8\r\n\
            Content-Length: 2\r\nConnection: close\r\n\r\n{}rest";
        let request = read(bytes).unwrap().unwrap();
        assert_eq!(
            (request.method.as_str(), request.path.as_str(), request.body.as_slice()),
            ("POST", "/a", &b"{}"[..])
        );
        assert_eq!(
            (request.media_type().as_str(), request.param("b").as_deref()),
            ("application/json", Some("c d"))
        );
        assert!(!request.keep_alive);
        assert!(read(b"").unwrap().is_none());
    }

    #[test]
    fn ambiguous_and_oversized_requests_are_refused() {
        for (request, status) in [
            ("GET / HTTP/1.1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
            ("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET /\r\nHost: a\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na", 400),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n", 413),
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
            ("GET / HTTP/1.1\r\nHost: a\r\n", 0),
        ] {
            assert_eq!(refused_with(request.as_bytes()), status, "{request}");
        }
        let whole = format!(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {MAX_BODY}\r\n\r\n{}",
            "x".repeat(MAX_BODY)
        );
        assert_eq!(refused_with(whole.as_bytes()), 200);
        let filled = |size: usize| {
            let start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
            format!("{start}{}\r\n\r\n", "x".repeat(size - start.len() - 4))
        };
        assert_eq!(refused_with(filled(MAX_HEAD).as_bytes()), 200);
        assert_eq!(refused_with(filled(MAX_HEAD + 1).as_bytes()), 431);
    }

    #[test]
    fn a_header_value_cannot_add_a_line() {
        let bytes = Reply::text(200, "").with("location", "/\r\nset-cookie: a").to_bytes(true);
        assert!(!String::from_utf8(bytes).unwrap().contains("\r\nset-cookie"));
    }

    #[test]
    fn dates_are_in_the_preferred_form() {
        let moment = Timestamp::from_unix(1_768_464_000);
        assert_eq!(http_date(moment), "Thu, 15 Jan 2026 08:00:00 GMT");
        for seconds in [0, 951_782_400, 4_102_444_799] {
            let moment = Timestamp::from_unix(seconds);
            assert_eq!(Timestamp::parse_http_date(&http_date(moment)), Some(moment));
        }
    }
}
