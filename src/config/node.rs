//! A JSON5 text as a tree that keeps the order of the file.
//!
//! Parsing is total: any text gives a tree or a [`SyntaxError`], and nesting is bounded, so that no file can exhaust
//! the stack. Text leaves are [`Secret`]s, because any of them may turn out to be one: nothing prints them.

use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::base::secret::Secret;

/// How deep objects and lists may nest. The deepest setting sits at 6, the host's own at about 10.
pub const MAX_DEPTH: usize = 64;

/// One value of the file.
#[derive(Clone, Debug)]
pub enum Node {
    /// `null`
    Null,
    /// `true` or `false`
    Flag(bool),
    /// Any number; JSON5 numbers are IEEE doubles.
    Number(f64),
    /// Any text.
    Text(Secret),
    /// `[...]`
    List(Vec<Node>),
    /// `{...}` in file order; a key may come twice, and then the last one counts.
    Object(Vec<(String, Node)>),
}

/// Where a text stops being JSON5, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What was expected or found.
    pub message: String,
}

/// Parses a JSON5 text (a superset of JSON: comments, trailing commas, single quotes, unquoted keys).
///
/// # Errors
/// The first place that is not JSON5, or that nests deeper than [`MAX_DEPTH`].
pub fn parse(text: &str) -> Result<Node, SyntaxError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    json5::from_str(text).map_err(|error| {
        let (line, column) = error.position().map_or((0, 0), |at| (at.line, at.column));
        let message = error.code().map_or_else(|| TOO_DEEP.to_owned(), describe);
        SyntaxError { line: line + 1, column: column + 1, message }
    })
}

const TOO_DEEP: &str = "objects and lists nest more than 64 deep";

/// The parser's codes in words that fit behind a position.
fn describe(code: json5::ErrorCode) -> String {
    let text = code.to_string();
    match text.strip_prefix("EOF parsing ") {
        Some("value") => "the file ends where a value should be".to_owned(),
        Some(what) => format!("the file ends inside this {what}"),
        None => text,
    }
}

impl Node {
    /// The value of a key, when this is an object that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The value at the end of a path of keys.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The entries of an object; nothing for any other value.
    #[must_use]
    pub fn entries(&self) -> &[(String, Self)] {
        match self {
            Self::Object(entries) => entries,
            _ => &[],
        }
    }

    /// The elements of a list; nothing for any other value.
    #[must_use]
    pub fn elements(&self) -> &[Self] {
        match self {
            Self::List(elements) => elements,
            _ => &[],
        }
    }

    /// The text of a text leaf.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text.expose()),
            _ => None,
        }
    }

    /// Whether this is the flag `value`.
    #[must_use]
    pub fn is_flag(&self, value: bool) -> bool {
        matches!(self, Self::Flag(flag) if *flag == value)
    }

    /// What it is, with its article: for "found ...".
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Flag(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Levels(MAX_DEPTH).deserialize(deserializer)
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

/// Reads a value that may nest this many levels more.
#[derive(Clone, Copy)]
struct Levels(usize);

impl Levels {
    fn below<E: serde::de::Error>(self) -> Result<Self, E> {
        self.0.checked_sub(1).map(Self).ok_or_else(|| E::custom(TOO_DEEP))
    }
}

impl<'de> DeserializeSeed<'de> for Levels {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

// Doubles are exact up to 2^53, beyond every limit of a setting.
#[allow(clippy::cast_precision_loss)]
impl<'de> Visitor<'de> for Levels {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON5 value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Node, E> {
        Ok(Node::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node, E> {
        Ok(Node::Number(number as f64))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node, E> {
        Ok(Node::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Node, E> {
        Ok(Node::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(Secret::from(text)))
    }

    fn visit_string<E>(self, text: String) -> Result<Node, E> {
        Ok(Node::Text(Secret::new(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let below = self.below()?;
        let mut elements = Vec::new();
        while let Some(element) = access.next_element_seed(below)? {
            elements.push(element);
        }
        Ok(Node::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let below = self.below()?;
        let mut entries = Vec::new();
        while let Some(key) = access.next_key::<String>()? {
            entries.push((key, access.next_value_seed(below)?));
        }
        Ok(Node::Object(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_json5_in_file_order() {
        let node =
            parse("\u{feff}// c\n{ b: 'x', \"a\": [1, +2.5, .5,], /* d */ c: null, t: true, b: 0x10, }")
                .unwrap();
        let keys: Vec<_> = node.entries().iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["b", "a", "c", "t", "b"]);
        assert!(matches!(node.get("b"), Some(Node::Number(n)) if *n == 16.0), "the last of two counts");
        assert_eq!(node.get("a").unwrap().elements().len(), 3);
        assert!(node.get("t").unwrap().is_flag(true));
    }

    #[test]
    fn syntax_errors_say_where_and_what() {
        for (text, expected) in [
            ("", "1:1: the file ends where a value should be"),
            ("{\n  a: 1\n  b: 2\n}", "3:3: expected comma"),
            ("{ a 1 }", "1:5: expected colon"),
            ("{ a: 1", "1:1: the file ends inside this object"),
            ("[1, 2", "1:1: the file ends inside this array"),
            ("{ a: \"x", "1:6: the file ends inside this string"),
            ("{} x", "1:4: trailing characters"),
            ("{ a: yes }", "1:6: expected value"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            let message = |line: &str| line.split_once(": ").map(|(_, rest)| rest.to_owned());
            assert_eq!(message(&error), message(expected), "{text}: {error}");
        }
        assert_eq!((3, 3), parse("{\n  a: 1\n  b: 2\n}").map_err(|e| (e.line, e.column)).unwrap_err());
    }

    #[test]
    fn nesting_has_a_limit_and_no_depth_overflows_the_stack() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(parse(&nested(MAX_DEPTH + 1)).unwrap_err().message, TOO_DEEP);
        assert_eq!(parse(&"[".repeat(500_000)).unwrap_err().message, TOO_DEEP);
        assert_eq!(parse(&"{a:".repeat(300_000)).unwrap_err().message, TOO_DEEP);
        assert!(TOO_DEEP.contains(&MAX_DEPTH.to_string()));
    }

    #[test]
    fn text_is_never_printed() {
        assert!(!format!("{:?}", parse("{a:['hunter2']}").unwrap()).contains("hunter2"));
    }
}
