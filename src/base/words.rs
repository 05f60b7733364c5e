//! Looking for special bytes in a text sixteen at a time.

/// Each byte one.
const EACH: u64 = u64::MAX / 0xff;
/// Each byte's highest bit.
const HIGHEST: u64 = EACH * 0x80;

/// No special one: the first byte of a longer character.
const ORDINARY: u8 = 0xc3;

/// A set of ASCII characters that end a run of ordinary ones: all below some character, with or without bits flipped, and
/// one more.
#[derive(Clone, Copy, Debug)]
pub struct Specials {
    /// Each in all eight bytes.
    flip: u64,
    limit: u64,
    other: u64,
}

impl Specials {
    /// The characters that are below `limit`, which is at most 0x80, once the bits of `flip` are flipped, and another one.
    /// So a character next to a range belongs to it: `"` with the second bit flipped is 0x20, and the 32 before stay before.
    #[must_use]
    pub const fn new(flip: u8, limit: u8, other: u8) -> Self {
        Self { flip: EACH * flip as u64, limit: EACH * limit as u64, other: EACH * other as u64 }
    }

    /// How many bytes at the start are before the first special one.
    #[must_use]
    pub fn prefix(&self, bytes: &[u8]) -> usize {
        let mut length = 0;
        for [one, other] in bytes.as_chunks::<8>().0.as_chunks::<2>().0 {
            let marks = [self.marks(*one), self.marks(*other)];
            if marks[0] | marks[1] != 0 {
                return length + first(marks[0]).unwrap_or_else(|| 8 + first(marks[1]).unwrap_or(8));
            }
            length += 16;
        }
        let tail = bytes.get(length..).unwrap_or_default();
        if let Some(at) = tail.first_chunk().and_then(|word| first(self.marks(*word))) {
            return length + at;
        }
        // What is left is looked at as a whole, together with bytes that have been looked at before it.
        if let Some(last) = bytes.last_chunk() {
            return first(self.marks(*last)).map_or(bytes.len(), |at| bytes.len() - 8 + at);
        }
        let mut word = [ORDINARY; 8];
        word.iter_mut().zip(tail).for_each(|(to, byte)| *to = *byte);
        first(self.marks(word)).unwrap_or(bytes.len())
    }

    /// Has the highest bit of the first special one of eight bytes set, and none of a byte before it.
    ///
    /// Subtracting `n` borrows into the highest bit of a byte that is smaller and has not that bit itself, as the bytes of
    /// longer characters have. A borrow goes on into the next byte, but only from one that is special itself. What is equal to
    /// a character is smaller than one after both have been combined by exclusive or.
    #[inline(always)]
    const fn marks(&self, word: [u8; 8]) -> u64 {
        let word = u64::from_le_bytes(word);
        let smaller = (word ^ self.flip).wrapping_sub(self.limit);
        let same = (word ^ self.other).wrapping_sub(EACH);
        (smaller | same) & !word & HIGHEST
    }
}

/// The place of the first byte that is marked.
#[inline(always)]
fn first(marks: u64) -> Option<usize> {
    (marks != 0).then(|| marks.trailing_zeros() as usize / 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_special_byte_is_found_wherever_it_is() {
        let specials = Specials::new(2, 0x21, 0x7f);
        for byte in 0..=255 {
            for length in 0..36 {
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
