//! What names stand for at a place of code: texts, lists of texts, and other names.

use std::cell::Cell;
use std::collections::HashMap;

use super::calls::{DELETES, RUNS};
use super::tokens::Token;
use crate::risk::value::Origin;

/// How often code in code is looked into.
const MAX_NESTED: usize = 8;
/// Tokens that are looked at in one text, each as often as it is; a text that is put together counts for its length.
const MAX_STEPS: usize = 256 * 1024;
/// Bytes of a text that cost as much as a token.
const STEP_BYTES: usize = 16;

/// Texts of a list that grows.
const MAX_ITEMS: usize = 32;

/// What names stand for at a place of the code.
pub(super) struct Values<'t> {
    pub(super) tokens: &'t [Token],
    pub(super) language: &'t str,
    pub(super) texts: HashMap<&'t str, String>,
    /// Lists of texts.
    pub(super) lists: HashMap<&'t str, Vec<String>>,
    /// Names that stand for others: `from os import system as s`.
    pub(super) names: HashMap<&'t str, String>,
    nested: usize,
    steps: Cell<usize>,
}

impl<'t> Values<'t> {
    pub(super) fn new(tokens: &'t [Token], language: &'t str) -> Self {
        Self {
            tokens,
            language,
            texts: HashMap::new(),
            lists: HashMap::new(),
            names: HashMap::new(),
            nested: 0,
            steps: Cell::new(0),
        }
    }

    /// Whether so much was looked at that the rest is not.
    pub(super) fn is_spent(&self) -> bool {
        self.steps.get() > MAX_STEPS
    }

    fn step(&self, steps: usize) {
        self.steps.set(self.steps.get() + steps);
    }

    /// Counts a text that was put together.
    pub(super) fn put_together(&self, text: &str) {
        self.step(text.len() / STEP_BYTES);
    }

    /// Whether code in code may be looked into once more.
    pub(super) fn deepen(&mut self) -> bool {
        self.nested += 1;
        self.nested <= MAX_NESTED && self.tokens.len() < 4096
    }

    /// The text of all tokens together, brackets that are not opened among them aside.
    pub(super) fn whole(&self) -> Option<String> {
        let (text, end) = self.value(0, 0)?;
        self.tokens[end.min(self.tokens.len())..]
            .iter()
            .all(|token| *token == Token::Sign(')'))
            .then_some(text)
    }

    /// The text of the expression that begins here.
    pub(super) fn from(&self, at: usize) -> Option<String> {
        self.value(at, 0).map(|(text, _)| text)
    }

    /// The text of a variable.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    /// A command with the variables filled in that are known.
    pub(super) fn filled(&self, line: &str) -> String {
        let mut line = line.to_owned();
        for (name, text) in self.texts.iter().take(16) {
            line = line.replace(&format!("${name}"), text).replace(&format!("#{{{name}}}"), text);
        }
        line
    }

    pub(super) fn token(&self, at: usize) -> Option<&'t Token> {
        self.step(1);
        self.tokens.get(at).filter(|_| !self.is_spent())
    }

    pub(super) fn is(&self, at: usize, sign: char) -> bool {
        matches!(self.token(at), Some(Token::Sign(found)) if *found == sign)
    }

    pub(super) fn name(&self, at: usize) -> Option<&'t str> {
        match self.token(at) {
            Some(Token::Name(name)) => Some(name),
            _ => None,
        }
    }

    /// Notes what an assignment or an import that begins here says.
    pub(super) fn note(&mut self, at: usize) {
        let Some(name) = self.name(at) else { return };
        self.note_change(at, name);
        if self.is(at + 1, '=') && !self.is(at + 2, '=') {
            let start = at + 2;
            if let Some(items) = self.items(start) {
                self.lists.insert(name, items);
            } else if let Some((text, _)) = self.value(start, 0) {
                self.texts.insert(name, text);
            } else if let Some(other) = self.last_of_chain(start) {
                self.names.insert(name, other);
            }
        } else if let Some(start) = self.added_at(at) {
            // a += ['x'], a.append('x'), a.push('x')
            let more = self.texts(start);
            if let Some(items) = self.lists.get_mut(name).filter(|items| items.len() < MAX_ITEMS) {
                items.extend(more);
            }
        } else if self.is(at + 1, ':')
            && (self.is(at + 3, '}') || self.is(at + 3, ','))
            && (RUNS.contains(name) || DELETES.contains(name))
            && let Some(alias) = self.name(at + 2)
        {
            // const {execSync: x} = require(…)
            self.names.insert(alias, name.to_owned());
        } else if self.name(at + 1) == Some("as")
            && let Some(alias) = self.name(at + 2)
        {
            self.names.insert(alias, name.to_owned());
        }
    }

    /// Where that begins which is added to the list whose name stands at `at`.
    fn added_at(&self, at: usize) -> Option<usize> {
        if self.is(at + 1, '+') && self.is(at + 2, '=') && self.is(at + 3, '[') {
            return Some(at + 3);
        }
        let adds = self.is(at + 1, '.') && matches!(self.name(at + 2), Some("append" | "extend" | "push"));
        (adds && self.is(at + 3, '(')).then_some(at + 3)
    }

    /// `gsub("_", "", name)`: a variable that a call changes.
    fn note_change(&mut self, at: usize, call: &str) {
        let is_all = match call {
            "gsub" => true,
            "sub" => false,
            _ => return,
        };
        let Some(close) = self.closing(at + 1).filter(|_| self.language.ends_with("awk")) else { return };
        let args = self.arguments(at + 1);
        let Some(name) = self.name(close - 1) else { return };
        let Some(text) = self.texts.get(name) else { return };
        let is_plain = |from: &str| from.bytes().all(|b| !b"\\.*+?[](){}|^$".contains(&b));
        let made = match args.as_slice() {
            [Some(from), Some(to), _] if is_plain(from) && is_all => text.replace(from, to),
            [Some(from), Some(to), _] if is_plain(from) => text.replacen(from, to, 1),
            // What a pattern leaves of it cannot be read here.
            _ => Origin::DECODED.text(),
        };
        self.texts.insert(name, made);
    }

    /// The texts of a list that begins here and has several: `['a', 'b']`, `("a", "b")`.
    pub(super) fn items(&self, start: usize) -> Option<Vec<String>> {
        let close = self.closing(start).filter(|_| self.is(start, '(') || self.is(start, '['))?;
        let items: Vec<String> =
            self.arguments_between(start + 1, close).into_iter().collect::<Option<_>>()?;
        let is_list = items.len() > 1 || items.len() == 1 && self.is(start, '[');
        (is_list && !self.is(close + 1, '.')).then_some(items)
    }

    /// `os.system` → `system`, when nothing is called there.
    fn last_of_chain(&self, mut at: usize) -> Option<String> {
        let mut last = self.name(at)?;
        for _ in 0..8 {
            if self.is(at + 1, '.') && self.name(at + 2).is_some() {
                at += 2;
                last = self.name(at)?;
            } else {
                break;
            }
        }
        (!self.is(at + 1, '(')).then(|| last.to_owned())
    }
}
