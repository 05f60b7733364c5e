//! `${…}`: values and what is cut from them.

use super::scope::{ambient, unknown};
use super::{Judge, arithmetic};
use crate::risk::matcher::like;
use crate::risk::syntax::ast::{Operation, Parameter, Word};
use crate::risk::value::{Origin, has_hole};

/// Letters of a value in which patterns are looked for; the work grows with their square.
const MAX_LETTERS: usize = 96;

impl Judge<'_> {
    /// The items that a parameter expansion gives.
    pub(super) fn parameter(&mut self, parameter: &Parameter, quoted: bool) -> Vec<String> {
        let name = parameter.name.as_str();
        let index = parameter.index.as_ref().map(|word| self.text_of(word));
        let is_all = matches!(index.as_deref(), Some("@" | "*"));
        match &parameter.operation {
            Operation::Plain => self.items(name, index.as_deref(), true),
            Operation::Length => {
                let items = self.items(name, index.as_deref(), false);
                let value = match items.as_slice() {
                    _ if is_all => items.len().to_string(),
                    [item] if !has_hole(item) => item.chars().count().to_string(),
                    _ => Origin::UNKNOWN.text(),
                };
                vec![value]
            }
            Operation::Indirect => {
                let named = self.items(name, index.as_deref(), false).concat();
                if has_hole(&named) { vec![Origin::UNKNOWN.text()] } else { self.items(&named, None, true) }
            }
            Operation::Default(word, assigns) => {
                let known = self.is_set(name);
                let word = if quoted { vec![self.text_of(word)] } else { self.texts(word) };
                if *assigns && !known {
                    self.scope.set(name, word.clone());
                }
                if known { self.items(name, index.as_deref(), true) } else { word }
            }
            Operation::Alternative(word) => {
                if quoted {
                    vec![self.text_of(word)]
                } else {
                    self.texts(word)
                }
            }
            Operation::Other(word) => {
                let operation = self.text_of(word);
                let items = match name {
                    // ${!start*}
                    _ if operation == "*" || operation == "@" => self.scope.names(name),
                    _ => self.items(name, index.as_deref(), true),
                };
                match operation.as_str() {
                    "@U" => items.iter().map(|item| item.to_uppercase()).collect(),
                    "@L" => items.iter().map(|item| item.to_lowercase()).collect(),
                    "@P" => {
                        for item in &items {
                            let mut rest = item.as_str();
                            while let Some((_, inner)) = rest.split_once("$(") {
                                let end = inner.rfind(')').unwrap_or(inner.len());
                                self.text(&inner[..end], "@P", None);
                                rest = inner.get(end..).unwrap_or_default();
                            }
                        }
                        items
                    }
                    "@E" => items.iter().map(|item| crate::risk::syntax::escape::unescape(item)).collect(),
                    _ => items,
                }
            }
            Operation::Slice(start, length) if is_all || name == "@" => {
                let items = self.items(name, index.as_deref(), false);
                let start = self.number(start).unwrap_or(0).unsigned_abs();
                let start = usize::try_from(start).unwrap_or(0).saturating_sub(usize::from(name == "@"));
                let length = length.as_ref().and_then(|word| self.number(word)).map(i64::unsigned_abs);
                let length = length.and_then(|length| usize::try_from(length).ok()).unwrap_or(usize::MAX);
                items.into_iter().skip(start).take(length).collect()
            }
            operation => {
                let items = self.items(name, index.as_deref(), false);
                items.into_iter().map(|item| self.changed(item, operation)).collect()
            }
        }
    }

    fn texts(&mut self, word: &Word) -> Vec<String> {
        self.expand(word).into_iter().map(|arg| arg.text).collect()
    }

    fn is_set(&self, name: &str) -> bool {
        match self.scope.get(name) {
            Some(items) => items.iter().any(|item| !item.is_empty()),
            None => ambient(name).is_some() || !self.positional(name).is_empty(),
        }
    }

    fn positional(&self, name: &str) -> Vec<String> {
        match (name, name.parse::<usize>()) {
            ("@" | "*", _) => self.scope.positional.clone(),
            (_, Ok(number)) => number
                .checked_sub(1)
                .and_then(|at| self.scope.positional.get(at))
                .cloned()
                .into_iter()
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The items of a variable. Where the value is only cut up, a likely one serves for what is not known.
    fn items(&self, name: &str, index: Option<&str>, is_whole: bool) -> Vec<String> {
        let found = self.positional(name);
        if !found.is_empty() {
            return found;
        }
        if let Some(items) = self.scope.get(name) {
            return match index {
                Some("@" | "*") => items.to_vec(),
                Some(index) => match arithmetic::value(index) {
                    Some(at) => {
                        let last = i64::try_from(items.len()).unwrap_or(0);
                        let at = if at < 0 { last + at } else { at };
                        let item = usize::try_from(at).ok().and_then(|at| items.get(at));
                        vec![item.cloned().unwrap_or_default()]
                    }
                    // An associative array keeps its keys: `[key]=value`.
                    None if items.iter().any(|item| item.starts_with(&format!("[{index}]="))) => items
                        .iter()
                        .filter_map(|item| item.strip_prefix(&format!("[{index}]=")))
                        .map(str::to_owned)
                        .collect(),
                    // An unknown one of them.
                    None if items.len() == 1 => items.to_vec(),
                    None => vec![Origin::UNKNOWN.text()],
                },
                None => vec![items.first().cloned().unwrap_or_default()],
            };
        }
        let likely = match name {
            _ if is_whole => None,
            "HOME" => Some("/home/user"),
            "PWD" | "OLDPWD" => Some("/home/user/project"),
            "PATH" => Some("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            "TMPDIR" => Some("/tmp"),
            "USER" | "LOGNAME" => Some("user"),
            "LANG" => Some("en_US.UTF-8"),
            "TERM" => Some("xterm-256color"),
            _ => None,
        };
        let value = likely.map(str::to_owned).or_else(|| ambient(name));
        vec![value.unwrap_or_else(|| unknown(name).text())]
    }

    fn number(&mut self, word: &Word) -> Option<i64> {
        let text = self.arithmetic(word);
        arithmetic::value(&text)
    }

    fn changed(&mut self, text: String, operation: &Operation) -> String {
        // What stands inside runs, whatever comes of it.
        let (first, second) = match operation {
            Operation::RemovePrefix(word, _) | Operation::RemoveSuffix(word, _) => {
                (self.text_of(word), String::new())
            }
            Operation::Replace { pattern, with, .. } => (self.text_of(pattern), self.text_of(with)),
            Operation::Slice(start, length) => {
                let start = self.arithmetic(start);
                let length =
                    length.as_ref().map_or_else(|| i64::MAX.to_string(), |word| self.arithmetic(word));
                (start, length)
            }
            _ => (String::new(), String::new()),
        };
        let letters: Vec<char> = text.chars().collect();
        let is_costly = !matches!(operation, Operation::Slice(..) | Operation::Case { .. })
            && (letters.len() > MAX_LETTERS || !self.spend(letters.len() * letters.len()));
        if has_hole(&text) || has_hole(&first) || is_costly {
            return crate::risk::value::origin(&text).unwrap_or(Origin::UNKNOWN).text();
        }
        match operation {
            Operation::Slice(..) => {
                let (Some(start), Some(length)) = (arithmetic::value(&first), arithmetic::value(&second))
                else {
                    return Origin::UNKNOWN.text();
                };
                let count = i64::try_from(letters.len()).unwrap_or(0);
                let from = if start < 0 { (count + start).max(0) } else { start.min(count) };
                let to = if length < 0 { count + length } else { from.saturating_add(length).min(count) };
                let range = usize::try_from(from).unwrap_or(0)..usize::try_from(to.max(from)).unwrap_or(0);
                letters.get(range).unwrap_or_default().iter().collect()
            }
            Operation::RemovePrefix(_, longest) => {
                let cut = fitting(letters.len(), *longest, |at| {
                    like(&first, &letters[..at].iter().collect::<String>())
                });
                letters[cut.unwrap_or(0)..].iter().collect()
            }
            Operation::RemoveSuffix(_, longest) => {
                let count = letters.len();
                let cut = fitting(count, *longest, |at| {
                    like(&first, &letters[count - at..].iter().collect::<String>())
                });
                letters[..count - cut.unwrap_or(0)].iter().collect()
            }
            Operation::Replace { all, .. } => replaced(&letters, &first, &second, *all),
            Operation::Case { upper, all } => {
                let change = |c: &char| if *upper { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
                letters
                    .iter()
                    .enumerate()
                    .map(|(at, c)| if *all || at == 0 { change(c) } else { *c })
                    .collect()
            }
            _ => text,
        }
    }
}

/// The shortest or longest length that fits.
fn fitting(count: usize, longest: bool, fits: impl Fn(usize) -> bool) -> Option<usize> {
    if longest { (0..=count).rev().find(|at| fits(*at)) } else { (0..=count).find(|at| fits(*at)) }
}

fn replaced(letters: &[char], pattern: &str, with: &str, all: bool) -> String {
    let text: String = letters.iter().collect();
    let (pattern, anchor) = match pattern.chars().next() {
        Some(sign @ ('#' | '%')) if !all && pattern.len() > 1 => (&pattern[1..], Some(sign)),
        _ => (pattern, None),
    };
    if pattern.is_empty() {
        return text;
    }
    if !pattern.contains(['*', '?', '[']) {
        return match anchor {
            Some('#') => {
                text.strip_prefix(pattern).map_or_else(|| text.clone(), |rest| format!("{with}{rest}"))
            }
            Some(_) => {
                text.strip_suffix(pattern).map_or_else(|| text.clone(), |rest| format!("{rest}{with}"))
            }
            None if all => text.replace(pattern, with),
            None => text.replacen(pattern, with, 1),
        };
    }
    let (mut made, mut at, mut done) = (String::new(), 0, false);
    while at < letters.len() {
        let longest = if done && !all {
            None
        } else {
            (at + 1..=letters.len())
                .rev()
                .find(|end| like(pattern, &letters[at..*end].iter().collect::<String>()))
        };
        match longest {
            Some(end) => {
                made.push_str(with);
                at = end;
                done = true;
            }
            None => {
                made.push(letters[at]);
                at += 1;
            }
        }
    }
    made
}
