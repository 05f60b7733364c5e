//! The line to the host: whole messages out, whole lines in.

use std::fmt;
use std::io::{self, BufRead, Read as _, Write};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::rpc;

/// The longest line that is read. A file that an agent writes is in one, twice over with its escapes.
pub const MAX_LINE_BYTES: u64 = 32 << 20;

/// Where messages to the host go; each is written whole.
pub struct Link(Mutex<Box<dyn Write + Send>>);

impl Link {
    /// Writes to that stream.
    #[must_use]
    pub fn new(out: Box<dyn Write + Send>) -> Self {
        Self(Mutex::new(out))
    }

    /// Sends a message, which ends in a line end. A host that is gone ends the process by the end of its own stream, so
    /// a failure here needs no word.
    pub fn send(&self, message: &str) {
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = out.write_all(message.as_bytes()).and_then(|()| out.flush());
    }

    /// Tells the host something.
    pub fn notify(&self, method: &str, params: &Value) {
        self.send(&rpc::notification(method, params));
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}

/// What came over the line.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// A line, without its end.
    Whole(Vec<u8>),
    /// One longer than [`MAX_LINE_BYTES`], which was skipped.
    TooLong,
    /// Nothing more will come.
    End,
}

/// Reads the next line. A last line without an end is none: it was cut off.
///
/// # Errors
/// Whatever the stream says.
pub fn read(input: &mut impl BufRead) -> io::Result<Line> {
    read_up_to(input, MAX_LINE_BYTES)
}

fn read_up_to(input: &mut impl BufRead, max: u64) -> io::Result<Line> {
    let mut line = Vec::new();
    input.by_ref().take(max + 1).read_until(b'\n', &mut line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
        return Ok(Line::Whole(line));
    }
    if line.len() as u64 <= max {
        return Ok(Line::End);
    }
    drop(line);
    loop {
        let buffer = input.fill_buf()?;
        let (used, ended) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), false),
        };
        input.consume(used);
        match (ended, used) {
            (true, _) => return Ok(Line::TooLong),
            (false, 0) => return Ok(Line::End),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_or_skipped_and_a_torn_one_is_the_end() {
        let mut input = io::BufReader::with_capacity(3, &b"abcd\n\nabcdefgh\nxy\nto"[..]);
        let mut next = || read_up_to(&mut input, 4).unwrap();
        assert_eq!(next(), Line::Whole(b"abcd".to_vec()));
        assert_eq!(next(), Line::Whole(Vec::new()));
        assert_eq!(next(), Line::TooLong);
        assert_eq!(next(), Line::Whole(b"xy".to_vec()));
        assert_eq!(next(), Line::End);
    }

    #[test]
    fn a_line_of_exactly_the_limit_passes_and_one_more_byte_does_not() {
        for (length, passes) in [(4, true), (5, false)] {
            let text = format!("{}\n", "x".repeat(length));
            let line = read_up_to(&mut text.as_bytes(), 4).unwrap();
            assert_eq!(matches!(line, Line::Whole(_)), passes, "{length}");
        }
    }
}
