//! Text forms of bytes: hexadecimal, base64 and base64url.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{
    GeneralPurpose, GeneralPurposeConfig, NO_PAD, STANDARD, URL_SAFE_NO_PAD,
};

const EITHER_PADDING: GeneralPurposeConfig = NO_PAD.with_decode_padding_mode(DecodePaddingMode::Indifferent);
const LENIENT: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, EITHER_PADDING);
const LENIENT_URL: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::URL_SAFE, EITHER_PADDING);

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]])
        .map(char::from)
        .collect()
}

/// Bytes of a hexadecimal text of either case, `None` when it is anything else.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some((digit(*high)? << 4) | digit(*low)?)).collect()
}

/// Standard base64 with padding (RFC 4648 section 4).
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Bytes of standard base64 with padding.
#[must_use]
pub fn unbase64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// base64url without padding (RFC 7515 section 2).
#[must_use]
pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Bytes of base64url without padding.
#[must_use]
pub fn unbase64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Bytes of base64 or base64url, padded or not, but not of a mixture of the two alphabets.
#[must_use]
pub fn unbase64_any(text: &str) -> Option<Vec<u8>> {
    LENIENT_URL.decode(text).or_else(|_| LENIENT.decode(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_round_trips_and_refuses_the_other() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(unhex(&hex(&bytes)), Some(bytes.clone()));
        assert_eq!(unhex("Ff0a"), Some(vec![255, 10]));
        assert_eq!(unbase64(&base64(&bytes)), Some(bytes.clone()));
        assert_eq!(unbase64url(&base64url(&bytes)), Some(bytes));
        for bad in ["f", "fg", "é"] {
            assert_eq!(unhex(bad), None, "{bad}");
        }
        assert_eq!((unbase64("-_8"), unbase64url("/+8=")), (None, None));
    }

    #[test]
    fn either_alphabet_is_read_with_or_without_padding() {
        for text in ["-_8", "-_8=", "+/8", "+/8="] {
            assert_eq!(unbase64_any(text), Some(vec![0xfb, 0xff]), "{text}");
        }
        for bad in ["-/8", "-_8==", "a", "-_8 ", "é"] {
            assert_eq!(unbase64_any(bad), None, "{bad}");
        }
    }
}
