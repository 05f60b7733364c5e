//! The strict reading of a request head (RFC 9112 sections 2 to 6): bytes in, a [`Head`] or a [`Refusal`] out.
//!
//! Invariant: whatever two HTTP implementations are known to read differently is refused, never guessed. httparse
//! is lenient by design (it takes bare line feeds and any number of empty lines), so [`head_end`] goes over the bytes
//! first, and [`head`] judges what httparse has split.

use std::mem::MaybeUninit;

use httparse::Header;

use super::limits::{Limits, MAX_HEADERS};
use super::refusal::{self, Refusal};
use super::request::{Headers, Method};
use crate::base::words::Specials;

/// What a request line has besides its target, at most: `OPTIONS  HTTP/1.1`.
const LINE_BESIDES_TARGET: usize = 17;

/// What may not be in a line, but for the tab.
const CONTROLS: Specials = Specials::new(0, 0x20, 0x7f);

/// Where the body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is none: no length was given, or zero.
    Empty,
    /// After so many bytes.
    Length(usize),
    /// Where the chunks say.
    Chunked,
}

/// A request head that passed every check.
#[derive(Debug)]
pub struct Head<'a> {
    /// The method.
    pub method: Method,
    /// The path, still percent-encoded; starts with `/`.
    pub path: &'a str,
    /// What follows the `?`.
    pub query: Option<&'a str>,
    /// The header fields.
    pub headers: Headers<'a>,
    /// Where the body ends.
    pub framing: Framing,
    /// Whether another request may follow on the connection.
    pub persistent: bool,
    /// Whether the sender waits for `100 Continue` before it sends the body.
    pub expects_continue: bool,
}

/// Finds the end of the head that starts at the first byte; `None` when it has not arrived completely.
///
/// One empty line before the request line is skipped, as RFC 9112 section 2.2 advises.
///
/// # Errors
/// 400 for a bare CR or LF, a control character or a folded line (section 5.2), 414 and 431 for too many bytes.
pub fn head_end(bytes: &[u8], limits: &Limits) -> Result<Option<usize>, Refusal> {
    let head = bytes.get(..limits.head_bytes).unwrap_or(bytes);
    let mut line = if bytes.starts_with(b"\r\n") { 2 } else { 0 };
    let mut in_request_line = true;
    while let Some(rest) = head.get(line..) {
        let length = line_length(rest);
        let is_long = length > limits.target_bytes + LINE_BESIDES_TARGET;
        match rest.get(length..).unwrap_or_default() {
            _ if in_request_line && is_long => return Err(refusal::LONG_TARGET),
            _ if length > 0 && matches!(rest, [b' ' | b'\t', ..]) => {
                return Err(Refusal::malformed("a line starts with a blank"));
            }
            [] | [b'\r'] => break,
            [b'\r', b'\n', ..] if length == 0 && in_request_line => {
                return Err(Refusal::malformed("the request line is empty"));
            }
            [b'\r', b'\n', ..] if length == 0 => return Ok(Some(line + 2)),
            [b'\r', b'\n', ..] => {}
            [b'\r', ..] => return Err(Refusal::malformed("a carriage return does not end a line")),
            [b'\n', ..] => return Err(Refusal::malformed("a line ends without a carriage return")),
            _ => return Err(Refusal::malformed("the request head has a control character")),
        }
        line += length + 2;
        in_request_line = false;
    }
    match bytes.len() < limits.head_bytes {
        true => Ok(None),
        false if in_request_line => Err(refusal::LONG_TARGET),
        false => Err(refusal::LONG_HEAD),
    }
}

/// How many bytes at the start may be in a line: no control characters but the tab.
fn line_length(bytes: &[u8]) -> usize {
    let mut length = 0;
    loop {
        let rest = bytes.get(length..).unwrap_or_default();
        length += CONTROLS.prefix(rest);
        match bytes.get(length) {
            Some(b'\t') => length += 1,
            _ => return length,
        }
    }
}

/// Storage for the header fields of a head. Nothing is written to what a head does not fill.
pub type Fields<'a> = [MaybeUninit<Header<'a>>; MAX_HEADERS];

/// Storage with nothing in it.
#[must_use]
pub const fn no_fields<'a>() -> Fields<'a> {
    [const { MaybeUninit::uninit() }; MAX_HEADERS]
}

/// Reads a whole head, as [`head_end`] has delimited it; `fields` is storage for its header fields.
///
/// # Errors
/// The refusal to answer with.
pub fn head<'a>(bytes: &'a [u8], fields: &'a mut Fields<'a>, limits: &Limits) -> Result<Head<'a>, Refusal> {
    let most = limits.headers.min(fields.len());
    let mut parsed = httparse::Request::new(&mut []);
    match parsed.parse_with_uninit_headers(bytes, fields.get_mut(..most).unwrap_or_default()) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Err(Refusal::malformed("the request head is incomplete")),
        Err(error) => return Err(syntax(error, bytes)),
    }
    let (Some(method), Some(target), Some(minor)) = (parsed.method, parsed.path, parsed.version) else {
        return Err(Refusal::malformed("the request head is incomplete"));
    };
    if target.len() > limits.target_bytes {
        return Err(refusal::LONG_TARGET);
    }
    let headers = Headers::new(parsed.headers);
    let known = Known::of(headers);
    check_host(known.host, minor)?;
    let (path, query) = split_target(target)?;
    if known.is_from_a_page {
        return Err(refusal::BROWSER);
    }
    let method = Method::parse(method).ok_or(refusal::UNKNOWN_METHOD)?;
    let framing = framing(&known, method, minor, limits)?;
    // HTTP/1.0 has no expectations, and what looks like one is ignored (RFC 9110 section 10.1.1).
    if known.expects_more && minor >= 1 {
        return Err(refusal::EXPECTATION);
    }
    let (persistent, expects_continue) = (minor >= 1 && !known.closes, minor >= 1 && known.expects_continue);
    Ok(Head { method, path, query, headers, framing, persistent, expects_continue })
}

/// A field that there may be one of.
#[derive(Clone, Copy, Default)]
enum Once<'a> {
    #[default]
    Absent,
    One(&'a [u8]),
    Repeated,
}

impl<'a> Once<'a> {
    fn add(&mut self, value: &'a [u8]) {
        *self = match self {
            Self::Absent => Self::One(value),
            Self::One(_) | Self::Repeated => Self::Repeated,
        };
    }
}

/// The fields that the reading of a request depends on, found in one pass.
#[derive(Default)]
struct Known<'a> {
    host: Once<'a>,
    content_length: Once<'a>,
    transfer_encoding: Once<'a>,
    /// `Origin` or `Referer`.
    is_from_a_page: bool,
    /// `Connection` lists `close`.
    closes: bool,
    expects_continue: bool,
    /// `Expect` names something else.
    expects_more: bool,
}

impl<'a> Known<'a> {
    fn of(headers: Headers<'a>) -> Self {
        let mut known = Self::default();
        for (name, value) in headers.iter() {
            let is = |known: &str| is_named(name.as_bytes(), known.as_bytes());
            match name.len() {
                4 if is("Host") => known.host.add(value),
                6 if is("Origin") => known.is_from_a_page = true,
                6 if is("Expect") && value.eq_ignore_ascii_case(b"100-continue") => {
                    known.expects_continue = true
                }
                6 if is("Expect") => known.expects_more = true,
                7 if is("Referer") => known.is_from_a_page = true,
                10 if is("Connection") => known.closes |= lists_close(value),
                14 if is("Content-Length") => known.content_length.add(value),
                17 if is("Transfer-Encoding") => known.transfer_encoding.add(value),
                _ => {}
            }
        }
        known
    }
}

/// Whether two names are the same, whatever their case. Mostly they are written alike, which is seen at once.
#[inline(always)]
fn is_named(name: &[u8], known: &[u8]) -> bool {
    name == known || name.eq_ignore_ascii_case(known)
}

fn lists_close(value: &[u8]) -> bool {
    value.split(|b| *b == b',').any(|token| token.trim_ascii().eq_ignore_ascii_case(b"close"))
}

/// For fuzzing: reads the head that some bytes begin with, if they do.
#[doc(hidden)]
pub fn fuzz(bytes: &[u8]) {
    let limits = Limits::default();
    if let Ok(Some(end)) = head_end(bytes, &limits) {
        assert!(end <= bytes.len());
        let mut fields = no_fields();
        if let Ok(head) = head(&bytes[..end], &mut fields, &limits) {
            assert!(head.path.starts_with('/') || head.path == "*", "{:?}", head.path);
        }
    }
}

fn syntax(error: httparse::Error, head: &[u8]) -> Refusal {
    match error {
        httparse::Error::TooManyHeaders => refusal::MANY_HEADERS,
        httparse::Error::Version if names_other_version(head) => refusal::VERSION,
        httparse::Error::HeaderName => Refusal::malformed("a header field name is malformed"),
        httparse::Error::HeaderValue => Refusal::malformed("a header field value is malformed"),
        _ => Refusal::malformed("the request line is malformed"),
    }
}

/// Whether the request line has its three parts and ends in `HTTP/` digit `.` digit (section 2.3).
fn names_other_version(head: &[u8]) -> bool {
    let line = head.trim_ascii_start().split(|b| *b == b'\r').next().unwrap_or_default();
    let mut parts = line.split(|b| *b == b' ').skip(2);
    match (parts.next().and_then(|version| version.strip_prefix(b"HTTP/")), parts.next()) {
        (Some([major, b'.', minor]), None) => major.is_ascii_digit() && minor.is_ascii_digit(),
        _ => false,
    }
}

/// Exactly one `Host` in HTTP/1.1, at most one in 1.0 (section 3.2), and it names this machine: `curl
/// --unix-socket` sends `localhost`, a page that rebinds DNS sends its own name.
fn check_host(host: Once<'_>, minor: u8) -> Result<(), Refusal> {
    match host {
        Once::Repeated => Err(Refusal::malformed("the Host field is repeated")),
        Once::Absent if minor >= 1 => Err(Refusal::malformed("the Host field is missing")),
        Once::One(host) if !is_localhost(host) => Err(refusal::FOREIGN_HOST),
        Once::One(_) | Once::Absent => Ok(()),
    }
}

fn is_localhost(authority: &[u8]) -> bool {
    let Some((name, port)) = authority.split_at_checked("localhost".len()) else { return false };
    is_named(name, b"localhost")
        && match port {
            [] => true,
            [b':', digits @ ..] => matches!(digits.len(), 1..=5) && digits.iter().all(u8::is_ascii_digit),
            _ => false,
        }
}

/// Origin form, or the absolute form of this machine (section 3.2).
fn split_target(target: &str) -> Result<(&str, Option<&str>), Refusal> {
    const ODD: Refusal = Refusal::malformed("the request target is malformed");
    if !target.bytes().all(|b| b.is_ascii_graphic() && b != b'#') {
        return Err(ODD);
    }
    let local = if target.starts_with('/') {
        target
    } else {
        let (scheme, rest) = target.split_once("://").ok_or(ODD)?;
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(ODD);
        }
        let (authority, local) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if !is_localhost(authority.as_bytes()) {
            return Err(refusal::FOREIGN_HOST);
        }
        local
    };
    let question = local.bytes().position(|byte| byte == b'?').and_then(|at| local.split_at_checked(at));
    let (path, query) = question.map_or((local, None), |(path, query)| (path, query.get(1..)));
    Ok((if path.is_empty() { "/" } else { path }, query))
}

/// Section 6.3, without any of its repairs: two lengths are none. No length means no body in HTTP/1.1 (`curl -X POST`
/// sends none); in HTTP/1.0 a method with a body cannot do without (RFC 1945 section 7.2.2), so the answer is 411.
fn framing(known: &Known<'_>, method: Method, minor: u8, limits: &Limits) -> Result<Framing, Refusal> {
    match (known.content_length, known.transfer_encoding) {
        (Once::Absent, Once::Absent) if minor == 0 && method.has_body() => Err(refusal::NO_LENGTH),
        (Once::Absent, Once::Absent) => Ok(Framing::Empty),
        (Once::One(length), Once::Absent) => match content_length(length)? {
            0 => Ok(Framing::Empty),
            length if length > limits.body_bytes => Err(refusal::LONG_BODY),
            length => Ok(Framing::Length(length)),
        },
        (Once::Absent, Once::One(_)) if minor == 0 => {
            Err(Refusal::malformed("HTTP/1.0 has no transfer codings"))
        }
        (Once::Absent, Once::One(coding)) => transfer_coding(coding).map(|()| Framing::Chunked),
        (Once::Repeated, Once::Absent) => Err(Refusal::malformed("the Content-Length field is repeated")),
        (Once::Absent, Once::Repeated) => Err(Refusal::malformed("the Transfer-Encoding field is repeated")),
        _ => Err(Refusal::malformed("Content-Length and Transfer-Encoding exclude each other")),
    }
}

fn content_length(value: &[u8]) -> Result<usize, Refusal> {
    const ODD: Refusal = Refusal::malformed("the Content-Length is not a number of bytes");
    if value.is_empty() {
        return Err(ODD);
    }
    value.iter().try_fold(0_usize, |length, byte| {
        let digit = byte.is_ascii_digit().then(|| usize::from(byte - b'0')).ok_or(ODD)?;
        length.checked_mul(10).and_then(|length| length.checked_add(digit)).ok_or(ODD)
    })
}

/// `chunked` alone. A chain that ends in it names a coding that is not implemented (501); one that does not end in it
/// has no end at all (400).
fn transfer_coding(value: &[u8]) -> Result<(), Refusal> {
    let is_chunked = |coding: &[u8]| coding.trim_ascii().eq_ignore_ascii_case(b"chunked");
    let mut backwards = value.rsplit(|b| *b == b',');
    let last = backwards.next().unwrap_or_default();
    let others = backwards.collect::<Vec<_>>();
    match (is_chunked(last), others.iter().any(|coding| is_chunked(coding))) {
        (true, false) if others.is_empty() => Ok(()),
        (_, true) => Err(Refusal::malformed("chunked is not the last transfer coding")),
        (false, _) if last.trim_ascii().is_empty() => {
            Err(Refusal::malformed("the Transfer-Encoding is empty"))
        }
        _ => Err(refusal::UNKNOWN_CODING),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Status of a whole input, 200 when it is accepted, 0 when more is needed.
    fn status(bytes: &[u8], limits: &Limits) -> u16 {
        let mut fields = no_fields();
        let outcome = match head_end(bytes, limits) {
            Ok(Some(end)) => head(&bytes[..end], &mut fields, limits).map(|_| ()),
            Ok(None) => return 0,
            Err(refusal) => Err(refusal),
        };
        outcome.map_or_else(|refusal| refusal.status.code(), |()| 200)
    }

    fn with(line: &str) -> Vec<u8> {
        format!("POST /t HTTP/1.1\r\nHost: localhost\r\n{line}\r\n\r\n").into_bytes()
    }

    #[test]
    fn a_head_is_read_into_its_parts() {
        let bytes = b"POST /tool/x?a=1&b=/? HTTP/1.1\r\nhost: LocalHost:80\r\nContent-Length: 7\r\n\
                      Expect: 100-Continue\r\nConnection: x, Close\r\nX-Raw: \xc3\xa9\t\r\n\r\n{";
        let limits = Limits::default();
        let end = head_end(bytes, &limits).unwrap().unwrap();
        assert_eq!(end, bytes.len() - 1);
        let mut fields = no_fields();
        let head = head(&bytes[..end], &mut fields, &limits).unwrap();
        assert_eq!((head.method, head.path, head.query), (Method::Post, "/tool/x", Some("a=1&b=/?")));
        assert_eq!((head.framing, head.persistent), (Framing::Length(7), false));
        assert!(head.expects_continue && head.headers.len() == 5);
    }

    #[test]
    fn every_strict_prefix_needs_more() {
        let whole = b"\r\nPOST /a?b HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nA:\r\n\r\n";
        let limits = Limits::default();
        for end in 0..whole.len() {
            assert_eq!(head_end(&whole[..end], &limits), Ok(None), "{end}");
        }
        assert_eq!(head_end(whole, &limits), Ok(Some(whole.len())));
        assert_eq!(head_end(&[&whole[..], b"\0\n"].concat(), &limits), Ok(Some(whole.len())));
        assert_eq!(status(whole, &limits), 200);
    }

    #[test]
    fn request_lines_are_judged() {
        for (line, expected) in [
            ("GET / HTTP/1.1", 200),
            ("GET /a%20b?x=%2F HTTP/1.1", 200),
            ("GET http://localhost/x HTTP/1.1", 200),
            ("GET HTTP://LOCALHOST:8080?x HTTP/1.1", 200),
            ("GET http://localhost HTTP/1.1", 200),
            ("GET http://evil.example/x HTTP/1.1", 403),
            ("GET http://localhost.evil/x HTTP/1.1", 403),
            ("GET http://a@localhost/x HTTP/1.1", 403),
            ("GET https://localhost/x HTTP/1.1", 400),
            ("GET localhost:80 HTTP/1.1", 400),
            ("OPTIONS * HTTP/1.1", 400),
            ("GET /a#b HTTP/1.1", 400),
            ("GET /\u{e9} HTTP/1.1", 400),
            ("GET  / HTTP/1.1", 400),
            ("GET /  HTTP/1.1", 400),
            ("GET /a b HTTP/1.1", 400),
            ("GET\t/ HTTP/1.1", 400),
            ("GET /", 400),
            ("GET", 400),
            ("G{T / HTTP/1.1", 400),
            (" GET / HTTP/1.1", 400),
            ("GET / HTTP/1.1 ", 400),
            ("get / HTTP/1.1", 501),
            ("BREW / HTTP/1.1", 501),
            ("CONNECT /x HTTP/1.1", 501),
            ("GET / HTTP/2.0", 505),
            ("GET / HTTP/1.2", 505),
            ("GET / HTTP/0.9", 505),
            ("GET / HTTP/1.10", 400),
            ("GET / http/1.1", 400),
            ("GET / ICAP/1.0", 400),
        ] {
            let bytes = format!("{line}\r\nHost: localhost\r\n\r\n");
            assert_eq!(status(bytes.as_bytes(), &Limits::default()), expected, "{line}");
        }
        assert_eq!(status(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &Limits::default()), 505);
        assert_eq!(status(b"\r\n\r\nGET / HTTP/1.1\r\n\r\n", &Limits::default()), 400);
    }

    #[test]
    fn header_fields_are_judged() {
        for (line, expected) in [
            ("Accept: */*", 200),
            ("A:", 200),
            ("Content-Length: 0", 200),
            ("Content-Length:\t12 ", 200),
            ("Content-Length: 1048576", 200),
            ("Content-Length: 1048577", 413),
            ("Content-Length: 18446744073709551615", 413),
            ("Content-Length: 18446744073709551616", 400),
            ("Content-Length: 99999999999999999999999", 400),
            ("Content-Length: +1", 400),
            ("Content-Length: -1", 400),
            ("Content-Length: 0x1", 400),
            ("Content-Length: 1 1", 400),
            ("Content-Length: 1, 1", 400),
            ("Content-Length:", 400),
            ("Content-Length: \u{661}", 400),
            ("Content-Length: 1\r\nContent-Length: 1", 400),
            ("Content-Length: 1\r\ncontent-length: 2", 400),
            ("Content-Length: 1\r\nTransfer-Encoding: chunked", 400),
            ("Transfer-Encoding: chunked\r\nContent-Length: 1", 400),
            ("Transfer-Encoding: chunked", 200),
            ("Transfer-Encoding: CHUNKED", 200),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400),
            ("Transfer-Encoding: chunked, chunked", 400),
            ("Transfer-Encoding: chunked, gzip", 400),
            ("Transfer-Encoding:", 400),
            ("Transfer-Encoding: gzip", 501),
            ("Transfer-Encoding: gzip, chunked", 501),
            ("Transfer-Encoding: identity", 501),
            ("Transfer-Encoding: \u{b}chunked", 400),
            ("Transfer-Encoding : chunked", 400),
            ("Transfer-Encoding\t: chunked", 400),
            ("Expect: 100-continue", 200),
            ("Expect: 200-ok", 417),
            ("Expect: 100-continue, x", 417),
            ("Origin: null", 403),
            ("ORIGIN:", 403),
            ("Referer: http://localhost/", 403),
            ("Host: localhost", 400),
            (" folded: 1", 400),
            ("A: 1\r\n folded", 400),
            ("A: 1\r\n\tfolded", 400),
            (": nameless", 400),
            ("no colon", 400),
            ("A: \u{0}", 400),
            ("A: \u{7f}", 400),
            ("A: 1\nB: 2", 400),
            ("A: 1\rB: 2", 400),
            ("A: 1\r\r\nB: 2", 400),
            ("Na\u{e9}me: 1", 400),
        ] {
            assert_eq!(status(&with(line), &Limits::default()), expected, "{line:?}");
        }
    }

    #[test]
    fn the_host_is_one_and_local() {
        for (host, one_one, one_zero) in [
            ("Host: localhost\r\n", 200, 200),
            ("HOST: LOCALHOST:65535\r\n", 200, 200),
            ("", 400, 200),
            ("Host:\r\n", 403, 403),
            ("Host: localhost:\r\n", 403, 403),
            ("Host: localhost:123456\r\n", 403, 403),
            ("Host: localhost:8x\r\n", 403, 403),
            ("Host: localhost.\r\n", 403, 403),
            ("Host: 127.0.0.1\r\n", 403, 403),
            ("Host: evil.example\r\n", 403, 403),
            ("Host: local\r\n", 403, 403),
            ("Host: localhost\r\nHost: localhost\r\n", 400, 400),
        ] {
            for (minor, expected) in [(1, one_one), (0, one_zero)] {
                let bytes = format!("GET / HTTP/1.{minor}\r\n{host}\r\n");
                assert_eq!(status(bytes.as_bytes(), &Limits::default()), expected, "{minor} {host:?}");
            }
        }
    }

    #[test]
    fn http_1_0_has_neither_chunks_nor_expectations_nor_a_second_request() {
        let limits = Limits::default();
        assert_eq!(status(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", &limits), 400);
        assert_eq!(status(b"POST / HTTP/1.0\r\n\r\n", &limits), 411);
        assert_eq!(status(b"GET / HTTP/1.0\r\n\r\n", &limits), 200);
        let bytes =
            b"POST / HTTP/1.0\r\nContent-Length: 0\r\nExpect: coffee\r\nConnection: keep-alive\r\n\r\n";
        let mut fields = no_fields();
        let head = head(bytes, &mut fields, &limits).unwrap();
        assert!(!head.expects_continue && !head.persistent);
    }

    #[test]
    fn each_limit_holds_at_its_edge() {
        let limits =
            Limits { target_bytes: 50, head_bytes: 120, headers: 3, body_bytes: 9, ..Limits::default() };
        let target = |n: usize| format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(n - 1));
        assert_eq!(
            (status(target(50).as_bytes(), &limits), status(target(51).as_bytes(), &limits)),
            (200, 414)
        );
        let endless = format!("OPTIONS /{}", "a".repeat(58));
        assert_eq!(
            (status(endless.as_bytes(), &limits), status(format!("{endless}aa").as_bytes(), &limits)),
            (0, 414)
        );

        let head =
            |n: usize| format!("GET / HTTP/1.1\r\nHost: localhost\r\nA: {}\r\n\r\n", "a".repeat(n - 40));
        assert_eq!(head(120).len(), 120);
        assert_eq!(
            (status(head(120).as_bytes(), &limits), status(head(121).as_bytes(), &limits)),
            (200, 431)
        );
        assert_eq!(
            (status(&head(120).as_bytes()[..119], &limits), status(&head(121).as_bytes()[..120], &limits)),
            (0, 431)
        );

        let fields = |n: usize| with(&vec!["A: 1"; n - 1].join("\r\n"));
        assert_eq!((status(&fields(3), &limits), status(&fields(4), &limits)), (200, 431));
        assert_eq!(
            (status(&with("Content-Length: 9"), &limits), status(&with("Content-Length: 10"), &limits)),
            (200, 413)
        );
    }

    #[test]
    fn no_single_byte_can_break_a_head_into_a_panic() {
        let whole = with("Content-Length: 3");
        for at in 0..whole.len() {
            for byte in 0..=255 {
                let mut bytes = whole.clone();
                bytes[at] = byte;
                let _ = status(&bytes, &Limits::default());
            }
        }
    }
}
