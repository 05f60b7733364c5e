//! Decoders, as far as they can be run here: base64, base32 and hexadecimal.

use base64::Engine as _;

use super::call::Call;
use crate::risk::lookup::{Names, list};
use crate::risk::value::{DECODED_MARK, Origin, has_hole, origin};

/// Programs that may undo an encoding, a compression or a cipher.
const DECODERS: Names = list!(
    "base64 base32 basenc xxd openssl gunzip zcat bzcat xzcat lzcat zstdcat uudecode gpg gpg2 gzip bzip2
     bunzip2 xz unxz zstd unzstd lz4 hex2bin ascii2uni base58 brotli age rot13 qprint recode uncompress lzma
     unlzma gbase64 basez steghide"
);

/// What a decoder makes of its input; `None` when the program is none.
pub(super) fn decoded(call: &Call<'_>, input: &str) -> Option<String> {
    if !DECODERS.contains(call.name) {
        return None;
    }
    let short = |letter: char| {
        call.rest()
            .iter()
            .any(|word| word.starts_with('-') && !word.starts_with("--") && word.contains(letter))
    };
    let method = match call.name {
        "openssl" if call.rest().first() == Some(&"base64") || call.has(&["-base64", "-a"]) => "base64",
        "gbase64" => "base64",
        name => name,
    };
    let decodes = match method {
        "base64" | "base32" | "basenc" | "base58" => short('d') || short('D') || call.has(&["--decode"]),
        "xxd" => short('r'),
        "gzip" | "bzip2" | "xz" | "gpg" | "gpg2" | "zstd" | "lz4" | "brotli" | "age" | "lzma" | "openssl" => {
            short('d') || call.has(&["--decompress", "--decrypt", "--uncompress"])
        }
        _ => true,
    };
    let from = origin(input);
    if !decodes {
        return Some(from.unwrap_or_default().text());
    }
    let text = match method {
        _ if has_hole(input) => None,
        "base64" => base64(input),
        "base32" => base32(input),
        "xxd" | "hex2bin" => hexadecimal(input),
        _ => None,
    };
    Some(
        text.map(|text| text + &DECODED_MARK.to_string())
            .unwrap_or_else(|| (from.unwrap_or_default() | Origin::DECODED).text()),
    )
}

/// The text that a base64 text stands for.
pub(super) fn base64(text: &str) -> Option<String> {
    let tight: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let config = base64::engine::GeneralPurposeConfig::new()
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let alphabet =
        if tight.contains(['-', '_']) { base64::alphabet::URL_SAFE } else { base64::alphabet::STANDARD };
    let bytes = base64::engine::GeneralPurpose::new(&alphabet, config).decode(tight).ok()?;
    String::from_utf8(bytes).ok()
}

fn base32(text: &str) -> Option<String> {
    let (mut bits, mut count, mut bytes) = (0u32, 0, Vec::new());
    for letter in text.bytes().filter(|b| !b.is_ascii_whitespace() && *b != b'=') {
        let value = match letter.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' => letter - b'A',
            letter @ b'2'..=b'7' => letter - b'2' + 26,
            _ => return None,
        };
        bits = bits << 5 | u32::from(value);
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
            bits &= (1 << count) - 1;
        }
    }
    String::from_utf8(bytes).ok()
}

/// The text that an address stands for: `%72%6d`.
pub(super) fn percent(text: &str) -> Option<String> {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        match piece.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend_from_slice(&piece.as_bytes()[2..]);
            }
            None => {
                bytes.push(b'%');
                bytes.extend_from_slice(piece.as_bytes());
            }
        }
    }
    String::from_utf8(bytes).ok()
}

/// The text that hexadecimal digits stand for.
pub(super) fn hexadecimal(text: &str) -> Option<String> {
    let text = text.replace("0x", "").replace("\\x", "");
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    String::from_utf8(digits.chunks(2).filter_map(byte).collect()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_undone() {
        assert_eq!(base64("cm0gLXJm\nIC8").as_deref(), Some("rm -rf /"));
        assert_eq!(base32("OJWSALLSMYQC6===").as_deref(), Some("rm -rf /"));
        assert_eq!(hexadecimal("726d202d 7266202f").as_deref(), Some("rm -rf /"));
        assert_eq!(hexadecimal("\\x72\\x6d").as_deref(), Some("rm"));
        assert_eq!(percent("%72%6d%20-rf").as_deref(), Some("rm -rf"));
        assert_eq!(percent("100%").as_deref(), Some("100%"));
        assert_eq!(base64("!"), None);
    }
}
