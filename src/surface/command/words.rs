//! A chat line as words, the way people type on phones and Chinese keyboards: any quotes, any spaces, any dashes.
//! Pure and total: every text has words.

/// One word of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// A plain word, without its quotes.
    Text(String),
    /// `--name` or `--name=value`.
    Flag {
        /// As typed, full-width letters folded.
        name: String,
        /// What follows the equals sign.
        value: Option<String>,
    },
}

/// Splits off the first word, which is taken as it stands: names of commands are not quoted.
#[must_use]
pub fn first(line: &str) -> (&str, &str) {
    let line = line.trim_start_matches(is_gap);
    let end = line.find(is_gap).unwrap_or(line.len());
    let (word, rest) = line.split_at(end);
    (word, rest.trim_matches(is_gap))
}

/// A name as it was meant: lower case, full-width letters and any dash or underscore folded, without quotes and the
/// punctuation that ends a Chinese sentence.
#[must_use]
pub fn name(word: &str) -> String {
    let word = word.trim_end_matches(is_final).trim_matches(|c| is_gap(c) || Quote::of(c).is_some());
    ascii(word)
        .chars()
        .map(|c| if is_dash(c) || c == '_' { '-' } else { c })
        .collect::<String>()
        .to_lowercase()
}

/// A text with full-width forms of ASCII characters (U+FF01 to U+FF5E) folded.
#[must_use]
pub fn ascii(text: &str) -> String {
    let fold = |c: char| match u32::from(c) {
        code @ 0xFF01..=0xFF5E => char::from_u32(code - 0xFEE0).unwrap_or(c),
        _ => c,
    };
    text.chars().map(fold).collect()
}

/// The words of a line. A quote opens at the start of a word or after a flag's equals sign, and one that is not closed
/// reaches to the end; a backslash takes a space, a quote or a backslash literally and is itself otherwise; after `--`
/// nothing is a flag; punctuation that ends a Chinese sentence does not belong to the last word.
#[must_use]
pub fn words(text: &str) -> Vec<Word> {
    let mut scan = Scan(text);
    let mut found = Vec::new();
    let (mut flags_may_come, mut open_end) = (true, false);
    while scan.skip_gap() {
        if flags_may_come && scan.take_terminator() {
            flags_may_come = false;
            continue;
        }
        let flag = if flags_may_come { scan.take_flag() } else { None };
        if let Some(name) = flag {
            let value = scan.take_if(is_equals).then(|| scan.take_value());
            open_end = value.as_ref().is_none_or(|(_, open)| *open);
            found.push(Word::Flag { name, value: value.map(|(text, _)| text) });
        } else {
            let (text, open) = scan.take_value();
            open_end = open;
            found.push(Word::Text(text));
        }
    }
    if open_end {
        trim_final(&mut found);
    }
    found
}

/// What a text says when it is one quoted word and nothing else; otherwise the text itself.
#[must_use]
pub fn unquoted(text: &str) -> String {
    let mut scan = Scan(text);
    let is_quoted = scan.skip_gap() && scan.peek().and_then(Quote::of).is_some();
    let (inner, _) = scan.take_value();
    if is_quoted && !scan.skip_gap() { inner } else { text.to_owned() }
}

/// The word as it has to be typed to be read as one.
#[must_use]
pub fn quoted(word: &str) -> String {
    if words(word) == [Word::Text(word.to_owned())] {
        return word.to_owned();
    }
    let must_be_escaped = |c| c == '\\' || Quote::of(c) == Some(Quote::Double);
    let escaped = word.chars().flat_map(|c| must_be_escaped(c).then_some('\\').into_iter().chain([c]));
    format!("\"{}\"", escaped.collect::<String>())
}

fn trim_final(words: &mut Vec<Word>) {
    let Some(last) = words.last_mut() else { return };
    let text = match last {
        Word::Text(text) | Word::Flag { value: Some(text), .. } | Word::Flag { name: text, value: None } => {
            text
        }
    };
    text.truncate(text.trim_end_matches(is_final).len());
    if *last == Word::Text(String::new()) {
        words.pop();
    }
}

/// What is left of a line.
#[derive(Clone, Copy)]
struct Scan<'a>(&'a str);

impl Scan<'_> {
    fn peek(&self) -> Option<char> {
        self.0.chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.0 = &self.0[c.len_utf8()..];
        Some(c)
    }

    fn take_if(&mut self, is_it: impl Fn(char) -> bool) -> bool {
        let found = self.peek().is_some_and(is_it);
        if found {
            self.take();
        }
        found
    }

    /// Whether a word follows.
    fn skip_gap(&mut self) -> bool {
        self.0 = self.0.trim_start_matches(is_gap);
        !self.0.is_empty()
    }

    /// `--` alone, which a phone may have made one long dash of.
    fn take_terminator(&mut self) -> bool {
        let rest = self.0.trim_start_matches(is_dash);
        let dashes = &self.0[..self.0.len() - rest.len()];
        let found = !matches!(dashes, "" | "-" | "－") && rest.chars().next().is_none_or(is_gap);
        if found {
            self.0 = rest;
        }
        found
    }

    /// The name of a flag: dashes of any kind and number before a letter.
    fn take_flag(&mut self) -> Option<String> {
        let after = self.0.trim_start_matches(is_dash);
        if after.len() == self.0.len() || !after.starts_with(char::is_alphabetic) {
            return None;
        }
        let end = after.find(|c| is_gap(c) || is_equals(c)).unwrap_or(after.len());
        let (name, rest) = after.split_at(end);
        self.0 = rest;
        Some(ascii(name))
    }

    /// A word, and whether its end is outside of quotes.
    fn take_value(&mut self) -> (String, bool) {
        let (mut text, mut open) = (String::new(), true);
        if let Some(quote) = self.peek().and_then(Quote::of) {
            self.take();
            open = false;
            while let Some(c) = self.take() {
                match c {
                    '\\' if self.peek().is_some_and(|c| c == '\\' || Quote::of(c) == Some(quote)) => {
                        text.extend(self.take());
                    }
                    c if Quote::of(c) == Some(quote) => break,
                    c => text.push(c),
                }
            }
        }
        while let Some(c) = self.peek().filter(|c| !is_gap(*c)) {
            self.take();
            open = true;
            match c {
                '\\' if self.peek().is_some_and(|c| c == '\\' || is_gap(c) || Quote::of(c).is_some()) => {
                    text.extend(self.take());
                }
                c => text.push(c),
            }
        }
        (text, open)
    }
}

/// Kinds of quotes. Phones turn straight ones into curly ones, and not always into the right one, so all of a kind
/// open and close alike.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quote {
    Double,
    Single,
    Corner,
    WhiteCorner,
}

impl Quote {
    fn of(c: char) -> Option<Self> {
        Some(match c {
            '"' | '“' | '”' | '„' | '＂' => Self::Double,
            '\'' | '‘' | '’' | '‚' | '＇' => Self::Single,
            '「' | '」' => Self::Corner,
            '『' | '』' => Self::WhiteCorner,
            _ => return None,
        })
    }
}

/// Spaces of all widths, and the invisible ones that copied text has.
fn is_gap(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}')
}

fn is_dash(c: char) -> bool {
    matches!(c, '-' | '－' | '—' | '–' | '―' | '‒' | '−' | '‐' | '‑')
}

fn is_equals(c: char) -> bool {
    matches!(c, '=' | '＝')
}

/// Punctuation that ends a Chinese sentence, and no name.
fn is_final(c: char) -> bool {
    matches!(c, '。' | '．' | '｡' | '！' | '？' | '，' | '；' | '：' | '、' | '…')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let show = |word: &Word| match word {
            Word::Text(text) => format!("<{text}>"),
            Word::Flag { name, value: None } => format!("[{name}]"),
            Word::Flag { name, value: Some(value) } => format!("[{name}|{value}]"),
        };
        words(text).iter().map(show).collect()
    }

    #[test]
    fn words_as_people_type_them() {
        for (typed, expected) in [
            ("", ""),
            (" \u{3000}\t\u{200b}", ""),
            ("a b", "<a><b>"),
            ("a\u{3000}b\u{a0}c\nd", "<a><b><c><d>"),
            // Quotes of all kinds, also when both ends are alike or the end is missing.
            (r#""a b" c"#, "<a b><c>"),
            ("“a b” ‘c d’", "<a b><c d>"),
            ("”a b” ’c d’ ＂e f＂", "<a b><c d><e f>"),
            ("「a b」 『c d』", "<a b><c d>"),
            ("\"a “b c", "<a b><c>"),
            ("\"a b", "<a b>"),
            ("“a 'b' c”", "<a 'b' c>"),
            ("it's a", "<it's><a>"),
            ("\"\" b", "<><b>"),
            ("\"a\"b", "<ab>"),
            // Backslashes.
            (r"a\ b", "<a b>"),
            (r#""a \"b\" \\ \n""#, r#"<a "b" \ \n>"#),
            (r"C:\dir\ ", r"<C:\dir >"),
            (r"a\", r"<a\>"),
            (r#"\"a b"#, r#"<"a><b>"#),
            // Flags.
            ("--flow=x", "[flow|x]"),
            ("--flow x", "[flow]<x>"),
            ("－－flow＝x", "[flow|x]"),
            ("—flow=x ——use-tip –scopes=a", "[flow|x][use-tip][scopes|a]"),
            ("−flow ‑flow", "[flow][flow]"),
            ("--ｆｌｏｗ＝x", "[flow|x]"),
            ("--scopes=\"a b\" c", "[scopes|a b]<c>"),
            ("--scopes＝“a b", "[scopes|a b]"),
            ("--a= b", "[a|]<b>"),
            ("a＝b", "<a＝b>"),
            ("\"--flow\" \\--flow", "<--flow><\\--flow>"),
            ("-1 - --1", "<-1><-><--1>"),
            ("-- --flow -- x", "<--flow><--><x>"),
            ("— --flow", "<--flow>"),
            ("--=x", "<--=x>"),
            // The end of a Chinese sentence.
            ("github。", "<github>"),
            ("a， b！？", "<a，><b>"),
            ("a 。", "<a>"),
            ("“a。”", "<a。>"),
            ("--flow=x；", "[flow|x]"),
            ("--use-tip。", "[use-tip]"),
            ("--a=“x。”", "[a|x。]"),
        ] {
            assert_eq!(shown(typed), expected, "{typed:?}");
        }
    }

    #[test]
    fn names_are_folded() {
        for (typed, meant) in [
            ("WhoAmI", "whoami"),
            ("ｗｈｏａｍｉ", "whoami"),
            ("ＬＯＧＩＮ。", "login"),
            ("list–credentials", "list-credentials"),
            ("list＿credentials", "list-credentials"),
            ("list_roles！", "list-roles"),
            ("“login”", "login"),
            ("？", ""),
            ("状态", "状态"),
        ] {
            assert_eq!(name(typed), meant, "{typed}");
        }
    }

    #[test]
    fn the_first_word_and_the_rest() {
        for (line, expected) in [
            ("", ("", "")),
            ("  a ", ("a", "")),
            ("risk  rm -rf  \"x y\" ", ("risk", "rm -rf  \"x y\"")),
            ("／id\u{3000}whoami", ("／id", "whoami")),
        ] {
            assert_eq!(first(line), expected, "{line:?}");
        }
    }

    #[test]
    fn a_text_that_is_one_quoted_word_loses_its_quotes_and_no_other_does() {
        for (text, expected) in [
            ("“rm -rf /”", "rm -rf /"),
            ("'ls'", "ls"),
            ("\"rm\" \"-rf\"", "\"rm\" \"-rf\""),
            ("echo 'x'", "echo 'x'"),
            ("", ""),
        ] {
            assert_eq!(unquoted(text), expected);
        }
    }

    #[test]
    fn every_text_has_words_and_can_be_typed_as_one() {
        // All short texts of the characters that mean something.
        let letters: Vec<char> = "a \u{3000}\"“'\\-—=＝。".chars().collect();
        let count = letters.len();
        for length in 0..=4_u32 {
            for number in 0..count.pow(length) {
                let mut rest = number;
                let text: String = (0..length)
                    .map(|_| {
                        let c = letters[rest % count];
                        rest /= count;
                        c
                    })
                    .collect();
                let _ = (first(&text), name(&text), unquoted(&text));
                let typed = quoted(&text);
                assert_eq!(words(&typed), [Word::Text(text)], "{typed}");
            }
        }
    }
}
