//! `${…}`: values and what is cut from them.

use super::ambient::{ambient, unknown};
use super::items::Items;
use super::names::is_variable;
use super::scope::POSITIONAL;
use super::{Judge, arithmetic};
use crate::risk::matcher::like;
use crate::risk::syntax::ast::{Operation, Parameter, Word};
use crate::risk::value::{Origin, comes_from, has_hole, is_hole};

/// Letters of a value in which patterns are looked for; the work grows with their square.
const MAX_LETTERS: usize = 96;

impl Judge<'_> {
    /// The items that a parameter expansion gives.
    pub(super) fn parameter(&mut self, parameter: &Parameter, quoted: bool) -> Vec<String> {
        let index = parameter.index.as_ref().map(|word| self.key(&parameter.name, word));
        let Some((name, index)) = self.aimed_at(parameter, index) else {
            // What stands inside runs, whatever it belongs to.
            self.operands(&parameter.operation);
            // One variable after the other, of all that there are.
            let is_any = comes_from(&self.items(&parameter.name, None, false).concat(), Origin::CREDENTIAL);
            let from = if is_any { Origin::PRIVATE | Origin::CREDENTIAL } else { Origin::UNKNOWN };
            return vec![from.text()];
        };
        let (name, index) = (name.as_str(), index.as_deref());
        let is_all = matches!(index, Some("@" | "*"));
        match &parameter.operation {
            Operation::Plain => self.items(name, index, true),
            Operation::Names => self.scope.names(name),
            Operation::Keys => self.scope.get(name).map_or_else(|| vec![unknown(name).text()], Items::keys),
            Operation::Length => {
                let items = self.items(name, index, false);
                let value = match items.as_slice() {
                    _ if is_all || name == "@" || name == "*" => items.len().to_string(),
                    [item] if !has_hole(item) => item.chars().count().to_string(),
                    _ => Origin::UNKNOWN.text(),
                };
                vec![value]
            }
            Operation::Default { word, assigns, colon } => {
                // What most shells do not have set is what the default says.
                let is_rare =
                    |name: &str| name.starts_with("XDG_") || matches!(name, "TMPDIR" | "TMP" | "TEMP");
                let is_left_out = is_rare(name) && self.scope.get(name).is_none();
                if !is_left_out && self.is_set(name, index, *colon, false) {
                    return self.items(name, index, true);
                }
                let word = if quoted || *assigns { vec![self.text_of(word)] } else { self.texts(word) };
                if *assigns && is_variable(name) {
                    self.give(name, index, word.concat());
                }
                word
            }
            Operation::Alternative { word, colon } => match self.is_set(name, index, *colon, true) {
                false => vec![String::new()],
                true if quoted => vec![self.text_of(word)],
                true => self.texts(word),
            },
            Operation::Other(word) => {
                let operation = self.text_of(word);
                if let Some((flags, value)) = operation
                    .strip_prefix('(')
                    .filter(|_| name.is_empty())
                    .and_then(|rest| rest.split_once(')'))
                {
                    return self.flagged(flags, value, word.literal().is_some());
                }
                let items = self.items(name, index, true);
                match operation.as_str() {
                    "@U" => items.iter().map(|item| item.to_uppercase()).collect(),
                    "@L" => items.iter().map(|item| item.to_lowercase()).collect(),
                    "@u" => items.iter().map(|item| capitalized(item)).collect(),
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
                let items = self.items(name, index, false);
                let start = self.number(start).unwrap_or(0).unsigned_abs();
                let start = usize::try_from(start).unwrap_or(0).saturating_sub(usize::from(name == "@"));
                let length = length.as_ref().and_then(|word| self.number(word)).map(i64::unsigned_abs);
                let length = length.and_then(|length| usize::try_from(length).ok()).unwrap_or(usize::MAX);
                items.into_iter().skip(start).take(length).collect()
            }
            operation => {
                let items = self.items(name, index, false);
                items.into_iter().map(|item| self.changed(item, operation)).collect()
            }
        }
    }

    /// `${(L)name}` of zsh; `is_name`: what follows the flags is a name and no text.
    fn flagged(&mut self, flags: &str, value: &str, is_name: bool) -> Vec<String> {
        let items = if is_name { self.items(value, None, false) } else { vec![value.to_owned()] };
        let is_one = |letters: &str| !flags.is_empty() && flags.chars().all(|flag| letters.contains(flag));
        match () {
            () if is_one("L") => items.iter().map(|item| item.to_lowercase()).collect(),
            () if is_one("U") => items.iter().map(|item| item.to_uppercase()).collect(),
            () if is_one("P") => self.items(&items.concat(), None, true),
            () if is_one("Q") => items.iter().map(|item| item.replace(['\'', '"', '\\'], "")).collect(),
            // Substitutions in the value run.
            () if flags.contains('e') && items.iter().any(|item| item.contains(['$', '`'])) => {
                let text = format!("echo {}", items.join(" "));
                vec![self.text(&text, "(e)", None).unwrap_or_default().trim_end().to_owned()]
            }
            // Joined, split into letters, turned round, or read from numbers.
            () if flags.contains("::") || flags.contains(['O', '#', 'e']) => vec![Origin::DECODED.text()],
            () => items,
        }
    }

    fn texts(&mut self, word: &Word) -> Vec<String> {
        self.expand(word).into_iter().map(|arg| arg.text).collect()
    }

    /// Whether a variable counts as set. Where that cannot be told, both are looked at one after the other; of what
    /// the environment says, a default is taken for what is meant.
    fn is_set(&self, name: &str, index: Option<&str>, colon: bool, is_asked: bool) -> bool {
        let variable = if is_positional(name) { POSITIONAL } else { name };
        if !is_positional(name) && self.scope.get(name).is_none() && self.is_ambient(name) {
            return true;
        }
        if self.scope.get(variable).is_none() {
            if is_asked {
                self.scope.ask(variable);
            }
            return false;
        }
        let items = self.items(name, index, true);
        let is_hollow = |text: &String| !text.is_empty() && text.chars().all(is_hole);
        if colon && items.iter().all(|item| item.is_empty() || is_hollow(item)) && items.iter().any(is_hollow)
        {
            self.scope.ask(variable);
        }
        let exists = match name.parse::<usize>() {
            _ if matches!(name, "@" | "*") => !items.is_empty(),
            Ok(number) => number == 0 || self.scope.positional().is_none_or(|given| number <= given.len()),
            Err(_) => self.scope.get(name).is_none_or(|known| match index {
                Some("@" | "*") => !known.texts().is_empty(),
                index => known.at(index.unwrap_or("0")).is_some(),
            }),
        };
        exists && (!colon || items.iter().any(|item| !item.is_empty()))
    }

    /// Whether the environment of any shell has a variable.
    fn is_ambient(&self, name: &str) -> bool {
        ambient(name).is_some() || likely(name).is_some()
    }

    /// The variable that an expansion is about: itself, or the one that it names; `None` when that is not known.
    fn aimed_at(&mut self, parameter: &Parameter, index: Option<String>) -> Option<(String, Option<String>)> {
        if !parameter.is_indirect {
            return Some((parameter.name.clone(), index));
        }
        let named = self.items(&parameter.name, index.as_deref(), false).concat();
        let (name, index) = match named.split_once('[') {
            Some((name, index)) => (name, Some(index.trim_end_matches(']').to_owned())),
            None => (named.as_str(), None),
        };
        // What names no variable is an error, at which the shell leaves the command.
        let is_name = is_variable(name) || is_positional(name) || name == "0";
        if !is_name && !has_hole(name) && !index.as_deref().is_some_and(has_hole) {
            // What stands behind it in the line is left out as well.
            self.is_open = true;
            self.find("not-understood", name);
        }
        is_name.then(|| (name.to_owned(), index))
    }

    /// What stands in brackets behind a name, as the key that it is: a number, unless the array has names for keys.
    pub(super) fn key(&mut self, name: &str, word: &Word) -> String {
        if matches!(word.literal().as_deref(), Some("@" | "*")) {
            return "@".to_owned();
        }
        if self.scope.get(name).is_some_and(Items::is_named) {
            return self.text_of(word);
        }
        self.arithmetic(word)
    }

    /// Expands the words of an operation for what runs in them.
    fn operands(&mut self, operation: &Operation) {
        match operation {
            Operation::Default { word, .. }
            | Operation::Alternative { word, .. }
            | Operation::RemovePrefix(word, _)
            | Operation::RemoveSuffix(word, _)
            | Operation::Other(word) => drop(self.text_of(word)),
            Operation::Replace { pattern, with, .. } => {
                self.text_of(pattern);
                self.text_of(with);
            }
            Operation::Slice(start, length) => {
                self.arithmetic(start);
                if let Some(length) = length {
                    self.arithmetic(length);
                }
            }
            _ => {}
        }
    }

    /// Gives a variable, or an item of it, a text.
    pub(super) fn give(&mut self, name: &str, index: Option<&str>, text: String) {
        let Some(index) = index else { return self.scope.set_text(name, text) };
        let mut items = self.scope.get(name).cloned().unwrap_or_default();
        items.put(index, text);
        self.scope.set(name, items);
    }

    /// The items of a variable. Where the value is only cut up, a likely one serves for what is not known.
    fn items(&self, name: &str, index: Option<&str>, is_whole: bool) -> Vec<String> {
        if (is_positional(name) || name == "#")
            && let Some(given) = self.scope.get(POSITIONAL)
        {
            return match name.parse::<usize>() {
                Ok(number) => vec![given.at(&(number - 1).to_string()).unwrap_or_default()],
                Err(_) if name == "#" => vec![given.texts().len().to_string()],
                Err(_) => given.texts().to_vec(),
            };
        }
        if let Some(items) = self.scope.get(name) {
            return match index {
                Some("@" | "*") => items.texts().to_vec(),
                index => vec![items.at(index.unwrap_or("0")).unwrap_or_default()],
            };
        }
        if name == "_" && !self.last_word.is_empty() {
            return vec![self.last_word.clone()];
        }
        let likely = likely(name).filter(|_| !is_whole).map(str::to_owned);
        let value = likely.or_else(|| ambient(name));
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
        if has_hole(&first) && second == "1" && matches!(operation, Operation::Slice(..)) {
            return (crate::risk::value::origin(&text).unwrap_or_default() | Origin::DECODED).text();
        }
        if has_hole(&text) || has_hole(&first) || is_costly {
            return crate::risk::value::origin(&text).unwrap_or(Origin::UNKNOWN).text();
        }
        match operation {
            Operation::Slice(..) => {
                let (Some(start), Some(length)) = (arithmetic::value(&first), arithmetic::value(&second))
                else {
                    // Single letters are picked to spell something.
                    return if second == "1" { Origin::DECODED } else { Origin::UNKNOWN }.text();
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
            Operation::Case { sign, all } => {
                let change = |c: &char| match sign {
                    b'^' => c.to_ascii_uppercase(),
                    b'~' if c.is_ascii_lowercase() => c.to_ascii_uppercase(),
                    _ => c.to_ascii_lowercase(),
                };
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

/// What a variable of the environment most often holds, letter by letter.
fn likely(name: &str) -> Option<&'static str> {
    Some(match name {
        "HOME" => "/home/user",
        "PWD" | "OLDPWD" => "/home/user/project",
        "PATH" => "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "TMPDIR" => "/tmp",
        "USER" | "LOGNAME" => "user",
        "LANG" => "en_US.UTF-8",
        "TERM" => "xterm-256color",
        _ => return None,
    })
}

/// A text with its first letter in upper case.
fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

/// `$1`, `$@`, `$*`
fn is_positional(name: &str) -> bool {
    matches!(name, "@" | "*")
        || name.starts_with(|c: char| c.is_ascii_digit())
            && name.parse::<usize>().is_ok_and(|number| number > 0)
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
