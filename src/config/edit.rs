//! Changes to a JSON5 text that leave the rest of it as it was: comments, order, spelling.
//!
//! Pure. A change finds its place by walking the text; the outcome is parsed and must say what was wanted, or there is
//! none.

use serde_json::Value;

use super::node::{self, Node};

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The member gets this value, whether it is there or not.
    Set(Vec<String>, Value),
    /// The list gets this element at its end; a list that is not there is made.
    Append(Vec<String>, Value),
    /// The member goes.
    Remove(Vec<String>),
}

/// Carries changes out, one after the other. `None` when one cannot be: the text is no JSON5, something on the way is no
/// object, or the place is not in the text itself (`$include`).
#[must_use]
pub fn apply(text: &str, changes: &[Change]) -> Option<String> {
    let mut edited = text.to_owned();
    for change in changes {
        edited = apply_one(&edited, change)?;
    }
    Some(edited)
}

fn apply_one(text: &str, change: &Change) -> Option<String> {
    node::parse(text).ok()?;
    let edited = match change {
        Change::Set(path, value) => set(text, path, value)?,
        Change::Remove(path) => remove(text, path)?,
        Change::Append(path, value) => match find(text, path)? {
            Found::Value { start, end } => {
                let inner = &text[start..end];
                let body = inner.strip_prefix('[')?.strip_suffix(']')?;
                let at = start + 1 + trimmed_end(body);
                let comma = if at == start + 1 || text[..at].ends_with(',') { "" } else { "," };
                let space = if at == start + 1 { "" } else { " " };
                format!("{}{comma}{space}{value}{}", &text[..at], &text[at..])
            }
            Found::Missing { .. } => set(text, path, &Value::Array(vec![value.clone()]))?,
        },
    };
    says(&node::parse(&edited).ok()?, change).then_some(edited)
}

fn says(root: &Node, change: &Change) -> bool {
    let at = |path: &[String]| {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        root.at(&names).map(plain)
    };
    match change {
        Change::Set(path, value) => at(path).as_ref() == Some(value),
        Change::Remove(path) => at(path).is_none(),
        Change::Append(path, value) => {
            at(path).as_ref().and_then(Value::as_array).is_some_and(|it| it.contains(value))
        }
    }
}

/// A tree as plain JSON, for comparison alone.
fn plain(node: &Node) -> Value {
    match node {
        Node::Null => Value::Null,
        Node::Flag(flag) => (*flag).into(),
        Node::Number(number) => (*number).into(),
        Node::Text(text) => text.expose().as_str().into(),
        Node::List(items) => items.iter().map(plain).collect(),
        Node::Object(members) => members.iter().map(|(name, value)| (name.clone(), plain(value))).collect(),
    }
}

enum Found {
    /// The value stands here.
    Value { start: usize, end: usize },
    /// The first object on the way without the next key, the bytes of its last member's end, and what is still missing.
    Missing { object: usize, at: usize, is_empty: bool, depth: usize },
}

fn set(text: &str, path: &[String], value: &Value) -> Option<String> {
    match find(text, path)? {
        Found::Value { start, end } => Some(format!("{}{value}{}", &text[..start], &text[end..])),
        Found::Missing { object, at, is_empty, depth } => {
            let (first, rest) = path[depth..].split_first()?;
            let mut inner = value.clone();
            for name in rest.iter().rev() {
                inner = Value::Object([(name.clone(), inner)].into_iter().collect());
            }
            let indent = indent_of(text, object) + "  ";
            let member = format!("{}: {}", Value::from(first.as_str()), pretty(&inner, &indent));
            let comma = if is_empty || text[..at].ends_with(',') { "" } else { "," };
            // An empty object may have been written on one line; then its end needs a line of its own.
            let tail = &text[at..];
            let close = if tail.trim_start_matches([' ', '\t']).starts_with(['\n', '\r']) {
                String::new()
            } else {
                format!("\n{}", indent_of(text, object))
            };
            Some(format!("{}{comma}\n{indent}{member}{close}{tail}", &text[..at]))
        }
    }
}

fn remove(text: &str, path: &[String]) -> Option<String> {
    let (name, parents) = path.split_last()?;
    let Found::Value { start, .. } = find(text, parents)? else { return Some(text.to_owned()) };
    let members = members(text, start)?;
    let Some(index) = members.iter().position(|member| member.name == *name) else {
        return Some(text.to_owned());
    };
    let member = &members[index];
    // With its comma: the one behind it, or, of the last one, that of the member before.
    let after = text[member.end..].trim_start();
    let (from, to) = if after.starts_with(',') {
        (member.start, member.end + (text[member.end..].len() - after.len()) + 1)
    } else {
        (index.checked_sub(1).map_or(member.start, |before| members[before].end), member.end)
    };
    let from = text[..from].trim_end_matches([' ', '\t']).len();
    let from = if text[..from].ends_with('\n') { from - 1 } else { from };
    Some(format!("{}{}", &text[..from], &text[to..]))
}

/// Walks down a path from the root.
fn find(text: &str, path: &[String]) -> Option<Found> {
    let mut at = skip_blank(text, 0);
    for (depth, name) in path.iter().enumerate() {
        let members = members(text, at)?;
        // Of a name that stands twice the last one counts.
        match members.iter().rev().find(|member| member.name == *name) {
            Some(member) => at = member.value,
            None => {
                let last = members.last();
                let end = last.map_or(at + 1, |last| {
                    let after = skip_blank(text, last.end);
                    if text[after..].starts_with(',') { after + 1 } else { last.end }
                });
                return Some(Found::Missing { object: at, at: end, is_empty: last.is_none(), depth });
            }
        }
    }
    Some(Found::Value { start: at, end: skip_value(text, at)? })
}

struct Member {
    name: String,
    /// Where its name begins.
    start: usize,
    value: usize,
    end: usize,
}

/// The members of the object that begins at `at`.
fn members(text: &str, at: usize) -> Option<Vec<Member>> {
    let mut at = skip_blank(text, at + text[at..].strip_prefix('{').map(|_| 1)?);
    let mut found = Vec::new();
    while !text.get(at..)?.starts_with('}') {
        let start = at;
        let end = match text[at..].chars().next()? {
            '"' | '\'' => skip_string(text, at)?,
            _ => at + text[at..].find(|c: char| c == ':' || c.is_whitespace() || c == '/')?,
        };
        let raw = &text[start..end];
        let name = if raw.starts_with(['"', '\'']) {
            node::parse(raw).ok()?.text()?.to_owned()
        } else {
            raw.to_owned()
        };
        let colon = skip_blank(text, end);
        let value = skip_blank(text, colon + text[colon..].strip_prefix(':').map(|_| 1)?);
        let end = skip_value(text, value)?;
        found.push(Member { name, start, value, end });
        at = skip_blank(text, end);
        if text[at..].starts_with(',') {
            at = skip_blank(text, at + 1);
        }
    }
    Some(found)
}

/// The end of the value that begins at `at`.
fn skip_value(text: &str, at: usize) -> Option<usize> {
    match text[at..].chars().next()? {
        '"' | '\'' => skip_string(text, at),
        '{' | '[' => {
            let mut depth = 0_usize;
            let mut at = at;
            loop {
                at = skip_blank(text, at);
                match text.get(at..)?.chars().next()? {
                    '"' | '\'' => at = skip_string(text, at)?,
                    '{' | '[' => (depth, at) = (depth + 1, at + 1),
                    '}' | ']' => {
                        (depth, at) = (depth - 1, at + 1);
                        if depth == 0 {
                            return Some(at);
                        }
                    }
                    other => at += other.len_utf8(),
                }
            }
        }
        _ => {
            let end = text[at..].find(|c: char| matches!(c, ',' | '}' | ']' | '/') || c.is_whitespace());
            Some(end.map_or(text.len(), |end| at + end))
        }
    }
}

fn skip_string(text: &str, at: usize) -> Option<usize> {
    let quote = text[at..].chars().next()?;
    let mut escaped = false;
    for (offset, c) in text[at + 1..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(at + 1 + offset + 1),
            _ => {}
        }
    }
    None
}

/// Skips white space and comments.
fn skip_blank(text: &str, mut at: usize) -> usize {
    loop {
        let rest = &text[at..];
        let trimmed = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        at += rest.len() - trimmed.len();
        if trimmed.starts_with("//") {
            at += trimmed.find(['\n', '\r']).unwrap_or(trimmed.len());
        } else if trimmed.starts_with("/*") {
            at += trimmed.find("*/").map_or(trimmed.len(), |end| end + 2);
        } else {
            return at;
        }
    }
}

fn trimmed_end(text: &str) -> usize {
    text.trim_end().len()
}

/// The white space that the line of a place begins with.
fn indent_of(text: &str, at: usize) -> String {
    let line = &text[text[..at].rfind('\n').map_or(0, |end| end + 1)..at];
    line.chars().take_while(|c| matches!(c, ' ' | '\t')).collect()
}

/// JSON over several lines, the further ones indented.
fn pretty(value: &Value, indent: &str) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string());
    text.replace('\n', &format!("\n{indent}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn path(text: &str) -> Vec<String> {
        text.split('.').map(str::to_owned).collect()
    }

    fn set_to(text: &str, at: &str, value: Value) -> Option<String> {
        apply(text, &[Change::Set(path(at), value)])
    }

    #[test]
    fn what_is_not_changed_stays_to_the_letter() {
        let text = "// head\n{\n  gateway: { port: 1 }, // own\n  'plugins': {\n    entries: {}, /* none */\n  },\n}\n";
        let edited = set_to(text, "plugins.entries.a-b.enabled", json!(true)).unwrap();
        assert_eq!(
            edited,
            "// head\n{\n  gateway: { port: 1 }, // own\n  'plugins': {\n    entries: {\n      \"a-b\": {\n        \"enabled\": true\n      }\n    }, /* none */\n  },\n}\n"
        );
    }

    #[test]
    fn values_are_replaced_members_added_lists_lengthened_and_members_removed() {
        for (text, change, expected) in [
            ("{}", Change::Set(path("a"), json!(1.0)), "{\n  \"a\": 1.0\n}"),
            ("{a:'x'}", Change::Set(path("a"), json!("y")), "{a:\"y\"}"),
            ("{a:{b:1}}", Change::Set(path("a.c"), json!(true)), "{a:{b:1,\n  \"c\": true\n}}"),
            ("{\n \"a\": [1, 'x'] }", Change::Append(path("a"), json!("z")), "{\n \"a\": [1, 'x', \"z\"] }"),
            ("{a:[]}", Change::Append(path("a"), json!("z")), "{a:[\"z\"]}"),
            ("{a:1, b:2, c:3}", Change::Remove(path("b")), "{a:1, c:3}"),
            ("{a:1, b:2}", Change::Remove(path("b")), "{a:1}"),
            ("{\n  a: 1,\n  b: { c: 1, },\n}", Change::Remove(path("b")), "{\n  a: 1,\n}"),
            ("{a:1}", Change::Remove(path("x.y")), "{a:1}"),
            ("{a:'}//', /* } */ b:1}", Change::Set(path("b"), json!(false)), "{a:'}//', /* } */ b:false}"),
        ] {
            assert_eq!(
                apply(text, std::slice::from_ref(&change)).as_deref(),
                Some(expected),
                "{text} {change:?}"
            );
        }
        let made = apply("{}", &[Change::Append(path("a.b"), json!("x"))]).unwrap();
        assert_eq!(plain(&node::parse(&made).unwrap()), json!({"a": {"b": ["x"]}}));
    }

    #[test]
    fn what_cannot_be_done_is_not_done() {
        for text in ["", "[]", "{", "{a:[]}", "{a:'text'}"] {
            assert_eq!(set_to(text, "a.b", json!(1.0)), None, "{text}");
        }
        assert_eq!(apply("{a:{}}", &[Change::Append(path("a"), json!(1.0))]), None);
    }

    #[test]
    fn of_a_name_that_stands_twice_the_one_that_counts_is_changed() {
        assert_eq!(set_to("{a:1,a:2}", "a", json!(true)).unwrap(), "{a:1,a:true}");
    }
}
