//! The strict chunked decoder (RFC 9112 section 7.1): bytes in any pieces in, body out.
//!
//! Invariant: the body never grows past its limit, and what is not body (extensions, trailers) is bounded too, read
//! for its framing and thrown away.

use super::limits::Limits;
use super::refusal::{self, Refusal};
use crate::base::buffer::Buffer;

/// Digits of a chunk size: more could not fit 64 bits.
const MAX_SIZE_DIGITS: u8 = 16;

/// Where in the grammar the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In a chunk size, after so many digits.
    Size { digits: u8 },
    /// After the `;`.
    Extension,
    /// After the CR of a size line.
    SizeEnd,
    /// In a chunk's data, which is not empty.
    Data,
    /// After the data.
    DataCr,
    /// After the CR that follows the data.
    DataEnd,
    /// At the start of a line after the last chunk.
    TrailerStart,
    /// In a trailer field.
    Trailer,
    /// After the CR of a trailer field.
    TrailerEnd,
    /// After the CR of the last, empty line.
    LastEnd,
    /// Behind the body.
    Done,
}

/// The state of decoding one body.
#[derive(Debug)]
pub struct Decoder {
    state: State,
    /// Of the current chunk, what its size line has said so far, then what is still to come.
    left: usize,
    /// Extension and trailer bytes so far.
    overhead: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { state: State::Size { digits: 0 }, left: 0, overhead: 0 }
    }
}

impl Decoder {
    /// Decodes the next piece, appending to `body`. Returns how many bytes of it belong to this request: all, unless
    /// the body ended in it.
    ///
    /// # Errors
    /// 400 for anything outside the grammar, 413 for a body and 431 for extensions and trailers over their limits.
    pub fn decode(&mut self, piece: &[u8], body: &mut Buffer, limits: &Limits) -> Result<usize, Refusal> {
        let mut at = 0;
        while let (Some(&byte), false) = (piece.get(at), self.is_done()) {
            if self.state == State::Data {
                let end = piece.len().min(at.saturating_add(self.left));
                let data = piece.get(at..end).unwrap_or_default();
                body.push(data);
                self.left -= data.len();
                at = end;
                if self.left == 0 {
                    self.state = State::DataCr;
                }
                continue;
            }
            self.state = self.step(byte, body.len(), limits)?;
            at += 1;
        }
        Ok(at)
    }

    /// Whether the body is complete.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    fn step(&mut self, byte: u8, decoded: usize, limits: &Limits) -> Result<State, Refusal> {
        const ODD: Refusal = Refusal::malformed("the chunked body is malformed");
        match (self.state, byte) {
            (State::Size { digits }, _) if byte.is_ascii_hexdigit() => {
                let digit = char::from(byte).to_digit(16).and_then(|d| usize::try_from(d).ok()).ok_or(ODD)?;
                if digits == MAX_SIZE_DIGITS {
                    return Err(ODD);
                }
                self.left = self.left.checked_mul(16).and_then(|n| n.checked_add(digit)).ok_or(ODD)?;
                if self.left > limits.body_bytes.saturating_sub(decoded) {
                    return Err(refusal::LONG_BODY);
                }
                Ok(State::Size { digits: digits + 1 })
            }
            (State::Size { digits: 1.. }, b';') => Ok(State::Extension),
            (State::Size { digits: 1.. } | State::Extension, b'\r') => Ok(State::SizeEnd),
            (State::SizeEnd, b'\n') if self.left == 0 => Ok(State::TrailerStart),
            (State::SizeEnd, b'\n') => Ok(State::Data),
            (State::DataCr, b'\r') => Ok(State::DataEnd),
            (State::DataEnd, b'\n') => Ok(State::Size { digits: 0 }),
            (State::TrailerStart, b'\r') => Ok(State::LastEnd),
            (State::TrailerStart, b'!'..=b'~') => self.skip(State::Trailer, limits),
            (State::Trailer, b'\r') => Ok(State::TrailerEnd),
            (State::TrailerEnd, b'\n') => Ok(State::TrailerStart),
            (State::LastEnd, b'\n') => Ok(State::Done),
            (State::Extension | State::Trailer, b'\t' | b' '..=b'~' | 0x80..) => {
                self.skip(self.state, limits)
            }
            _ => Err(ODD),
        }
    }

    fn skip(&mut self, next: State, limits: &Limits) -> Result<State, Refusal> {
        self.overhead += 1;
        if self.overhead > limits.head_bytes { Err(refusal::LONG_HEAD) } else { Ok(next) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits { body_bytes: 12, head_bytes: 20, ..Limits::default() }
    }

    type BodyAndRest = (Vec<u8>, Vec<u8>);

    /// Decodes pieces one after the other: the body with what follows it, or the status.
    fn decoded(pieces: &[&[u8]]) -> Result<Option<BodyAndRest>, u16> {
        let (mut decoder, mut body) = (Decoder::default(), Buffer::new());
        let mut rest = Vec::new();
        for piece in pieces {
            let used =
                decoder.decode(piece, &mut body, &limits()).map_err(|refusal| refusal.status.code())?;
            rest.extend(&piece[used..]);
        }
        Ok(decoder.is_done().then(|| (body.filled().to_vec(), rest)))
    }

    #[test]
    fn bodies_are_decoded_the_same_in_every_split() {
        let wire = b"3\r\nabc\r\n0005;x=\"y\"; z\r\nd\r\nef\r\n0\r\nTrailer: 1\r\n\r\nGET /";
        let expected = Ok(Some((b"abcd\r\nef".to_vec(), b"GET /".to_vec())));
        assert_eq!(decoded(&[wire]), expected);
        let bytes: Vec<&[u8]> = wire.chunks(1).collect();
        assert_eq!(decoded(&bytes), expected);
        for first in 0..wire.len() {
            for second in first..wire.len() {
                let pieces = [&wire[..first], &wire[first..second], &wire[second..]];
                assert_eq!(decoded(&pieces), expected, "{first} {second}");
            }
        }
        for end in 0..wire.len() - b"GET /".len() {
            assert_eq!(decoded(&[&wire[..end]]), Ok(None), "{end}");
        }
    }

    #[test]
    fn what_is_outside_the_grammar_is_refused() {
        for (wire, status) in [
            (&b"\r\n"[..], 400),
            (b";x\r\n", 400),
            (b"g\r\n", 400),
            (b" 1\r\n", 400),
            (b"1 \r\n", 400),
            (b"+1\r\n", 400),
            (b"-1\r\n", 400),
            (b"0x1\r\n", 400),
            (b"1\n", 400),
            (b"1\r\r\n", 400),
            (b"1\rx", 400),
            (b"1;a\nb", 400),
            (b"1;\0", 400),
            (b"1\r\nab", 400),
            (b"1\r\na\n", 400),
            (b"1\r\na\r\r", 400),
            (b"0\r\n folded\r\n", 400),
            (b"0\r\nA: 1\n", 400),
            (b"0\r\n\rx", 400),
            (b"00000000000000000\r\n", 400),
            (b"ffffffffffffffff\r\n", 413),
            (b"d\r\n", 413),
            (b"6\r\nabcdef\r\n7\r\n", 413),
            (b"1;aaaaaaaaaaaaaaaaaaaaa", 431),
            (b"1;aaaaaaaaaa\r\nb\r\n0\r\naaaaaaaaaa:", 431),
        ] {
            assert_eq!(decoded(&[wire]), Err(status), "{}", wire.escape_ascii());
        }
    }

    #[test]
    fn each_limit_holds_at_its_edge() {
        assert!(matches!(decoded(&[b"c\r\nabcdefghijkl\r\n0\r\n\r\n"]), Ok(Some(_))));
        assert!(matches!(decoded(&[b"6\r\nabcdef\r\n6\r\nabcdef\r\n0\r\n\r\n"]), Ok(Some(_))));
        assert!(matches!(
            decoded(&[b"0000000000000001;aaaaaaaaaa\r\nb\r\n0\r\naaaaaaaa:b\r\n\r\n"]),
            Ok(Some(_))
        ));
    }
}
