//! Looking for special bytes in a text eight at a time.

/// Each byte one.
const EACH: u64 = u64::MAX / 0xff;
/// Each byte's highest bit.
const HIGHEST: u64 = EACH * 0x80;

/// A set of ASCII characters that end a run of ordinary ones: all below some character, and two more.
#[derive(Clone, Copy, Debug)]
pub struct Specials {
    /// Each in all eight bytes.
    limit: u64,
    others: [u64; 2],
}

impl Specials {
    /// The characters below `limit`, which is at most 0x80, and two others.
    #[must_use]
    pub const fn new(limit: u8, others: [u8; 2]) -> Self {
        let [one, other] = others;
        Self { limit: EACH * limit as u64, others: [EACH * one as u64, EACH * other as u64] }
    }

    /// How many bytes at the start are before the first special one.
    #[must_use]
    pub fn prefix(&self, bytes: &[u8]) -> usize {
        let (words, _) = bytes.as_chunks::<8>();
        let whole = words.iter().take_while(|word| !self.are_in(u64::from_ne_bytes(**word))).count() * 8;
        let tail = bytes.get(whole..).unwrap_or_default();
        whole + tail.iter().take_while(|byte| !self.are_in(EACH * u64::from(**byte))).count()
    }

    /// Whether one of eight bytes is special.
    ///
    /// Subtracting `n` borrows into the highest bit of a byte that is smaller and has not that bit itself, as the bytes of
    /// longer characters have. A borrow goes on into the next byte, but only when the answer is yes already. What is equal to
    /// a character is smaller than one after both have been combined by exclusive or.
    #[inline(always)]
    fn are_in(&self, word: u64) -> bool {
        let [one, other] = self.others;
        let smaller = word.wrapping_sub(self.limit);
        let same = (word ^ one).wrapping_sub(EACH) | (word ^ other).wrapping_sub(EACH);
        (smaller | same) & !word & HIGHEST != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_special_byte_is_found_wherever_it_is() {
        let specials = Specials::new(0x20, [b'"', 0x7f]);
        for byte in 0..=255 {
            for length in 0..20 {
                for at in 0..length {
                    for filler in [b' ', b'~', 0x80, 0xff] {
                        let mut bytes = vec![filler; length];
                        bytes[at] = byte;
                        let is_special = matches!(byte, 0..0x20 | b'"' | 0x7f);
                        let expected = if is_special { at } else { length };
                        assert_eq!(specials.prefix(&bytes), expected, "{byte:#x} at {at} among {filler:#x}");
                    }
                }
            }
        }
        assert_eq!(specials.prefix(b""), 0);
    }
}
