//! One HTTP request over a Unix socket: what the command line needs to talk to the server.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use zeroize::Zeroizing;

/// Bytes of an answer; more than any of ours has.
const MAX_ANSWER_BYTES: u64 = 4 << 20;
/// Headers of an answer.
const MAX_HEADERS: usize = 32;

/// An answer of the server.
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: Zeroizing<Vec<u8>>,
}

/// Bodies carry tokens.
impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} body bytes)", self.status, self.body.len())
    }
}

/// Sends one request and reads the answer until the server closes. `target` is a path with an encoded query, `headers`
/// are names and values without line ends.
///
/// # Errors
/// Whatever the socket says; `InvalidData` when the answer is not HTTP.
pub fn request(
    socket: &Path,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    timeout: Duration,
) -> io::Result<Answer> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    let length = body.len();
    let mut head = format!(
        "{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n"
    );
    for (name, value) in headers {
        if value.chars().any(char::is_control) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a header has a control character"));
        }
        head += &format!("{name}: {value}\r\n");
    }
    head += "\r\n";
    // A server that refuses the peer answers and closes without reading; its answer counts, not our broken pipe.
    let sent = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
    let mut bytes = Zeroizing::new(Vec::new());
    let received = stream.take(MAX_ANSWER_BYTES).read_to_end(&mut bytes);
    match parse(&bytes) {
        Some(answer) => Ok(answer),
        None => {
            sent.and(received).and(Err(io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP")))
        }
    }
}

/// A whole answer with a `Content-Length`, as our server writes it.
fn parse(bytes: &[u8]) -> Option<Answer> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head_bytes) = response.parse(bytes).ok()? else { return None };
    let length = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"))?;
    let length: usize = std::str::from_utf8(length.value).ok()?.trim().parse().ok()?;
    let body = bytes.get(head_bytes..head_bytes.checked_add(length)?)?;
    Some(Answer { status: response.code?, body: Zeroizing::new(body.to_vec()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_answers_only() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        let parsed = parse(answer).unwrap();
        assert_eq!((parsed.status, parsed.body.as_slice()), (200, &b"ok"[..]));
        for end in 0..answer.len() {
            assert!(parse(&answer[..end]).is_none(), "{end}");
        }
        assert!(parse(b"HTTP/1.1 200 OK\r\n\r\nok").is_none());
        assert!(parse(b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\nok").is_none());
    }
}
