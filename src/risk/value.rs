//! Text of which some is known only when it runs: a *hole* is a private-use character whose number says where its
//! content comes from, so that origin survives quoting, joining, splitting and being parsed again.

use std::borrow::Cow;
use std::ops::BitOr;

/// The first hole; the others follow, one for each set of origins.
const FIRST: u32 = 0xf_0000;

/// Where something comes from: a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Origin(u8);

impl Origin {
    /// Not known.
    pub(super) const UNKNOWN: Self = Self(0);
    /// The network.
    pub(super) const NETWORK: Self = Self(1);
    /// A secret's file or store.
    pub(super) const SECRET: Self = Self(2);
    /// A decoder.
    pub(super) const DECODED: Self = Self(4);
    /// A variable that is named like a credential.
    pub(super) const CREDENTIAL: Self = Self(8);
    /// The machine or what is outside of the project.
    pub(super) const PRIVATE: Self = Self(16);
    /// A file of the project.
    pub(super) const FILE: Self = Self(32);
    /// A command's output, put into a word.
    pub(super) const OUTPUT: Self = Self(64);

    /// A variable that is named like something of production.
    pub(super) const LIVE: Self = Self(128);

    /// A whole folder of somebody's work in one piece.
    pub(super) const WORK: Self = Self(16 | 32 | 128);

    const ALL: u8 = 255;

    /// Whether it is a whole folder of work, and no more than that.
    pub(super) fn is_work(self) -> bool {
        self == Self::WORK
    }

    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// A character that stands for content from here.
    pub(super) fn hole(self) -> char {
        char::from_u32(FIRST + u32::from(self.0)).unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    /// Text of which nothing else is known.
    pub(super) fn text(self) -> String {
        self.hole().to_string()
    }
}

impl BitOr for Origin {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Whether a character stands for what is not known.
pub(super) fn is_hole(letter: char) -> bool {
    (FIRST..=FIRST + u32::from(Origin::ALL)).contains(&(letter as u32))
}

/// A text whose holes are marked as a command's output.
pub(super) fn as_output(text: &str) -> Cow<'_, str> {
    if !has_hole(text) {
        return Cow::Borrowed(text);
    }
    let mark = |letter: char| match origin(letter.encode_utf8(&mut [0; 4])) {
        Some(origin) => (origin | Origin::OUTPUT).hole(),
        None => letter,
    };
    Cow::Owned(text.chars().map(mark).collect())
}

/// Whether some of a text is not known.
pub(super) fn has_hole(text: &str) -> bool {
    may_have_hole(text) && text.contains(is_hole)
}

/// Whether a text has the byte with which all holes and marks begin.
fn may_have_hole(text: &str) -> bool {
    text.as_bytes().contains(&0xf3)
}

/// Where the holes of a text come from; `None` when all of it is known.
pub(super) fn origin(text: &str) -> Option<Origin> {
    if !has_hole(text) {
        return None;
    }
    let bits = |letter: char| u8::try_from(letter as u32 - FIRST).unwrap_or(0);
    Some(Origin(text.chars().filter(|c| is_hole(*c)).fold(0, |all, letter| all | bits(letter))))
}

/// Whether a text has a hole of one of these origins.
pub(super) fn comes_from(text: &str, which: Origin) -> bool {
    origin(text).is_some_and(|origin| origin.has(which))
}

/// A text from outside, without the characters that mean something here; as long as before.
pub(super) fn cleaned(text: &str) -> Cow<'_, str> {
    let is_own = |letter: char| is_hole(letter) || letter == DECODED_MARK;
    if may_have_hole(text) && text.contains(is_own) {
        Cow::Owned(text.replace(is_own, "\u{10fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Stands behind a text that a decoder made, so that running it counts as hiding it, whatever it says.
pub(super) const DECODED_MARK: char = '\u{f0080}';

/// A text without its marks, and whether it had one.
pub(super) fn unmarked(text: &str) -> (Cow<'_, str>, bool) {
    if may_have_hole(text) && text.contains(DECODED_MARK) {
        (Cow::Owned(text.replace(DECODED_MARK, "")), true)
    } else {
        (Cow::Borrowed(text), false)
    }
}

/// A text for people.
pub(super) fn shown(text: &str) -> String {
    let shown = match may_have_hole(text) {
        true => &*text.replace(is_hole, "…").replace(DECODED_MARK, ""),
        false => text,
    };
    shown.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_survive_in_text() {
        let text = format!("a{}b{}", Origin::NETWORK.hole(), (Origin::SECRET | Origin::FILE).hole());
        let found = origin(&text).unwrap();
        assert!(found.has(Origin::NETWORK) && found.has(Origin::SECRET) && !found.has(Origin::DECODED));
        assert_eq!(shown(&text), "a…b…");
        assert_eq!(origin("abc"), None);
    }

    #[test]
    fn a_text_from_outside_has_no_holes() {
        let text = format!("x{}", Origin::UNKNOWN.hole());
        assert!(!has_hole(&cleaned(&text)) && cleaned(&text).len() == text.len());
    }
}
