//! Lists of names and how they are looked up in them: programs mostly, and nearly always in vain.
//!
//! A list is one text in the source and in the program: an address for each name would be larger than most names are.

/// Names that are looked for; made by [`list!`].
#[derive(Clone, Copy, Debug)]
pub struct Names(&'static List);

#[derive(Debug)]
pub(super) struct List {
    /// One behind the other: short ones first, those of a length by their bytes.
    text: &'static str,
    /// Where each begins, and where the last ends.
    bounds: &'static [u16],
    /// The [`mark`] of each: most of what is looked for has one that none of them has.
    marks: u128,
}

impl Names {
    pub(super) const fn of(list: &'static List) -> Self {
        Self(list)
    }

    /// Whether this is one of them.
    pub fn contains(self, name: &str) -> bool {
        self.0.marks & mark(name.as_bytes()) != 0 && self.finds(name)
    }

    fn finds(self, name: &str) -> bool {
        let (mut low, mut high) = (0, self.0.bounds.len() - 1);
        while low < high {
            let middle = low.midpoint(high);
            let known = self.0.text.as_bytes().get(self.range(middle)).unwrap_or_default();
            match (known.len(), known).cmp(&(name.len(), name.as_bytes())) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return true,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        false
    }

    /// All of them, short ones first.
    pub fn iter(self) -> impl Iterator<Item = &'static str> + Clone {
        (1..self.0.bounds.len()).map(move |at| self.0.text.get(self.range(at - 1)).unwrap_or_default())
    }

    fn range(self, at: usize) -> std::ops::Range<usize> {
        usize::from(self.0.bounds[at])..usize::from(self.0.bounds[at + 1])
    }
}

/// One of 128 bits by the length, the first and the last letter of a name.
const fn mark(name: &[u8]) -> u128 {
    match (name, name) {
        ([first, ..], [.., last]) => 1 << ((name.len() + 5 * *first as usize + 11 * *last as usize) % 128),
        _ => 1,
    }
}

/// The names that a text has, between blanks and ends of lines; a `␣` is a blank within one.
macro_rules! list {
    ($text:expr) => {{
        const TEXT: &str = $text;
        const SIZE: (usize, usize) = $crate::risk::lookup::size(TEXT);
        const FILED: &$crate::risk::lookup::Filed<{ SIZE.0 + 1 }, { SIZE.1 }> =
            &$crate::risk::lookup::Filed::new(TEXT);
        static LIST: $crate::risk::lookup::List = FILED.list();
        $crate::risk::lookup::Names::of(&LIST)
    }};
}
pub(super) use list;

/// What [`Names`] refers to: the bounds of the names, and their bytes.
pub(super) struct Filed<const BOUNDS: usize, const BYTES: usize> {
    bounds: [u16; BOUNDS],
    text: [u8; BYTES],
}

/// How many names a text has, and how many bytes they have.
pub(super) const fn size(text: &str) -> (usize, usize) {
    let (text, mut names, mut bytes, mut at) = (text.as_bytes(), 0, 0, 0);
    while let Some((begin, end)) = next(text, at) {
        names += 1;
        at = begin;
        while at < end {
            at += letter(text, at).1;
            bytes += 1;
        }
    }
    (names, bytes)
}

/// The bounds of the next name in a text.
const fn next(text: &[u8], mut at: usize) -> Option<(usize, usize)> {
    while at < text.len() && text[at].is_ascii_whitespace() {
        at += 1;
    }
    let begin = at;
    while at < text.len() && !text[at].is_ascii_whitespace() {
        at += 1;
    }
    if begin < at { Some((begin, at)) } else { None }
}

/// The byte that stands at a place of a text, and how many of the text's it takes.
const fn letter(text: &[u8], at: usize) -> (u8, usize) {
    match text.split_at(at).1 {
        [0xe2, 0x90, 0xa3, ..] => (b' ', "␣".len()),
        _ => (text[at], 1),
    }
}

impl<const BOUNDS: usize, const BYTES: usize> Filed<BOUNDS, BYTES> {
    /// Those of a text, in the order in which [`Names`] looks for them.
    #[allow(clippy::cast_possible_truncation, reason = "asserted when this is compiled")]
    pub(super) const fn new(text: &str) -> Self {
        assert!(BYTES <= u16::MAX as usize);
        let (text, mut plain, mut spans) = (text.as_bytes(), [0; BYTES], [(0, 0); BOUNDS]);
        let (mut at, mut filled, mut count) = (0, 0, 0);
        while let Some((begin, end)) = next(text, at) {
            let start = filled;
            at = begin;
            while at < end {
                let (byte, length) = letter(text, at);
                plain[filled] = byte;
                at += length;
                filled += 1;
            }
            let mut to = count;
            while to > 0 && is_before(&plain, (start, filled), spans[to - 1]) {
                spans[to] = spans[to - 1];
                to -= 1;
            }
            spans[to] = (start, filled);
            count += 1;
        }
        let mut made = Self { bounds: [0; BOUNDS], text: [0; BYTES] };
        (filled, count) = (0, 0);
        while count + 1 < BOUNDS {
            let (mut from, end) = spans[count];
            while from < end {
                made.text[filled] = plain[from];
                from += 1;
                filled += 1;
            }
            count += 1;
            made.bounds[count] = filled as u16;
        }
        made
    }

    pub(super) const fn list(&'static self) -> List {
        let (mut marks, mut at) = (0, 1);
        while at < BOUNDS {
            let (begin, end) = (self.bounds[at - 1] as usize, self.bounds[at] as usize);
            marks |= mark(self.text.split_at(end).0.split_at(begin).1);
            at += 1;
        }
        List { text: text(&self.text), bounds: &self.bounds, marks }
    }
}

/// The text of bytes that were put together when this is compiled.
#[allow(clippy::panic, reason = "ends the compilation")]
pub(super) const fn text(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => panic!("texts are put together of whole letters"),
    }
}

/// Whether what stands in one span of a text comes before what stands in another.
const fn is_before(text: &[u8], left: (usize, usize), right: (usize, usize)) -> bool {
    let (length, other) = (left.1 - left.0, right.1 - right.0);
    if length != other {
        return length < other;
    }
    let mut at = 0;
    while at < length {
        if text[left.0 + at] != text[right.0 + at] {
            return text[left.0 + at] < text[right.0 + at];
        }
        at += 1;
    }
    false
}

/// The lines of a text without what they are indented by, and none that are empty: to be read by [`str::lines`], in their
/// order. One that begins with `|` goes on with the one before.
macro_rules! lines {
    ($text:expr) => {{
        const TEXT: &str = $text;
        const BYTES: &[u8] =
            &$crate::risk::lookup::unindented::<{ $crate::risk::lookup::unindented_size(TEXT) }>(TEXT);
        const LINES: &str = $crate::risk::lookup::text(BYTES);
        LINES
    }};
}
pub(super) use lines;

/// How many bytes [`unindented`] has of a text.
pub(super) const fn unindented_size(text: &str) -> usize {
    let (text, mut size, mut at) = (text.as_bytes(), 0, 0);
    while at < text.len() {
        size += is_kept(text, at, size == 0) as usize;
        at += 1;
    }
    size
}

/// The bytes of a text without indentation.
pub(super) const fn unindented<const BYTES: usize>(text: &str) -> [u8; BYTES] {
    let (text, mut made, mut size, mut at) = (text.as_bytes(), [0; BYTES], 0, 0);
    while at < text.len() {
        if is_kept(text, at, size == 0) {
            made[size] = text[at];
            size += 1;
        }
        at += 1;
    }
    made
}

/// Blanks behind the end of a line are not kept, nor is an end of a line at the start or before a `|`.
const fn is_kept(text: &[u8], at: usize, is_first: bool) -> bool {
    if text[at] == b'\n' {
        let mut next = at + 1;
        while next < text.len() && text[next] == b' ' {
            next += 1;
        }
        return !is_first && (next == text.len() || text[next] != b'|');
    }
    let mut before = at + 1;
    while before > 0 && text[before - 1] == b' ' {
        before -= 1;
    }
    before == at + 1 || before > 0 && text[before - 1] != b'\n'
}

/// The rows of a constant table that begin with a name.
macro_rules! rows {
    ($table:ident, $name:expr) => {{
        static NAMES: [&str; $table.len()] = {
            let (mut names, mut at) = ([""; $table.len()], 0);
            while at < names.len() {
                names[at] = $table[at].0;
                at += 1;
            }
            $crate::risk::lookup::sorted(&names)
        };
        let name: &str = $name;
        let rows = if $crate::risk::lookup::among(&NAMES, name) { $table } else { &[] };
        rows.iter().filter(move |row| row.0 == name)
    }};
}
pub(super) use rows;
/// Names of rows in the order in which [`among`] looks for them; made when this is compiled.
pub(super) const fn sorted<const N: usize>(names: &[&'static str]) -> [&'static str; N] {
    assert!(names.len() == N);
    let mut made = [""; N];
    let mut at = 0;
    while at < N {
        let mut to = at;
        while to > 0 && is_shorter(names[at], made[to - 1]) {
            made[to] = made[to - 1];
            to -= 1;
        }
        made[to] = names[at];
        at += 1;
    }
    made
}

/// Short names first, since most names differ in length.
const fn is_shorter(left: &str, right: &str) -> bool {
    if left.len() != right.len() {
        return left.len() < right.len();
    }
    let (left, right, mut at) = (left.as_bytes(), right.as_bytes(), 0);
    while at < left.len() {
        if left[at] != right[at] {
            return left[at] < right[at];
        }
        at += 1;
    }
    false
}

/// Whether a name is among those that [`sorted`] made.
pub(super) fn among(sorted: &[&str], name: &str) -> bool {
    let order = |known: &&str| match known.len() == name.len() {
        true => known.as_bytes().cmp(name.as_bytes()),
        false => known.len().cmp(&name.len()),
    };
    sorted.binary_search_by(order).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_whatever_order_they_were_written() {
        const NAMES: Names = list!(
            "rm ls cat a
             rmdir\tdd rm begin␣rsa ␣y/ größe"
        );
        for name in ["rm", "ls", "cat", "a", "rmdir", "dd", "begin rsa", " y/", "größe"] {
            assert!(NAMES.contains(name), "{name}");
        }
        for name in ["", "r", "lsof", "da", "cau", "rmdis", "begin", "begin␣rsa", "y/", "größ"] {
            assert!(!NAMES.contains(name), "{name}");
        }
        let all: Vec<_> = NAMES.iter().collect();
        assert_eq!(all, ["a", "dd", "ls", "rm", "rm", " y/", "cat", "rmdir", "größe", "begin rsa"]);
        assert!(!list!("").contains("") && list!(" \n ").iter().next().is_none());
    }

    #[test]
    fn lines_keep_their_order_and_what_is_within_them() {
        const LINES: &str = lines!(
            "
            b  c ␣
            a
              |e f
            d"
        );
        assert_eq!(LINES.lines().collect::<Vec<_>>(), ["b  c ␣", "a|e f", "d"]);
        assert_eq!((lines!(""), lines!("a b")), ("", "a b"));
    }

    #[test]
    fn all_rows_of_a_name_are_found() {
        const TABLE: &[(&str, u8)] = &[("git", 1), ("cp", 2), ("git", 3)];
        let found = |name: &str| rows!(TABLE, name).map(|row| row.1).collect::<Vec<_>>();
        assert_eq!((found("git"), found("cp"), found("mv")), (vec![1, 3], vec![2], vec![]));
    }
}
