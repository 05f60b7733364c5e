//! Texts that code puts together: joined, reversed, decoded, named by a variable.

use std::cell::Cell;
use std::collections::HashMap;

use super::WINDOW;
use super::calls::{CHANGES, DELETES, RUNS, SPELLS};
use super::tokens::Token;
use crate::risk::value::Origin;

/// Tokens of code that is no more than a line.
const ONE_LINE: usize = 120;
/// How deep calls are looked into.
const MAX_DEPTH: usize = 12;
/// How often code in code is looked into.
const MAX_NESTED: usize = 8;
/// Tokens that are looked at in one text, each as often as it is; a text that is put together counts for its length.
const MAX_STEPS: usize = 256 * 1024;
/// Bytes of a text that cost as much as a token.
const STEP_BYTES: usize = 16;

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

    pub(super) fn step(&self, steps: usize) {
        self.steps.set(self.steps.get() + steps);
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

    /// The text that is written to what the call opens whose arguments begin at `start`.
    pub(super) fn written(&self, start: usize) -> Option<String> {
        let close = self.closing(start)?;
        let writes = self.is(close + 1, '.')
            && matches!(self.name(close + 2), Some("write" | "write_text" | "writelines" | "puts" | "print"));
        writes.then(|| self.arguments(close + 3).first().cloned().flatten()).flatten()
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
        (items.len() > 1 && !self.is(close + 1, '.')).then_some(items)
    }

    /// Whether all that the first argument says stands in the code, in pieces that are only put together.
    pub(super) fn is_pieced(&self, start: usize) -> bool {
        let end = self.end_of(start);
        let begin = start + usize::from(self.is(start, '('));
        // A plain list is no text.
        let is_list = self.is(begin, '[')
            && self.closing(begin).is_some_and(|close| !self.is(close + 1, '.'))
            || self.is(begin, '{')
            || self.is(begin, '*');
        let known = |name: &str| {
            SPELLS.contains(name)
                || CHANGES.contains(name)
                || name.len() == 1
                || self.texts.contains_key(name)
                || self.lists.contains_key(name)
        };
        let mut is_text = false;
        for at in begin..end {
            match self.token(at) {
                // A field of what is read.
                Some(Token::Sign('$')) if matches!(self.token(at + 1), Some(Token::Number(_))) => {
                    return false;
                }
                Some(Token::Name(name)) if !known(name) => return false,
                Some(Token::Name(name))
                    if self.texts.contains_key(name.as_str()) || self.lists.contains_key(name.as_str()) =>
                {
                    is_text = true;
                }
                Some(Token::Text(_) | Token::Number(_)) => is_text = true,
                _ => {}
            }
        }
        is_text && !is_list && end > begin + 1
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

    /// The name of the call that begins at a token: the name itself, what it stands for, or a text in brackets.
    pub(super) fn called(&self, at: usize) -> Option<String> {
        match self.token(at)? {
            Token::Name(name) if name == "getattr" && self.is(at + 1, '(') => {
                let (_, comma) =
                    (0..WINDOW).map(|step| (step, at + 2 + step)).find(|(_, at)| self.is(*at, ','))?;
                self.value(comma + 1, 0).map(|(text, _)| text)
            }
            Token::Name(name) => Some(match (self.names.get(name.as_str()), self.texts.get(name.as_str())) {
                (Some(other), _) => other.clone(),
                // PHP: $f = 'system'; $f('id')
                (None, Some(text)) if self.is(at + 1, '(') => text.clone(),
                _ => name.clone(),
            }),
            // o["rm" + "Sync"](…)
            Token::Text(_) if at > 0 && self.is(at - 1, '[') => {
                let (text, end) = self.value(at, 0)?;
                (self.is(end, ']') && self.is(end + 1, '(')).then_some(text)
            }
            // "cmd".execute()
            Token::Text(_) => None,
            _ => None,
        }
    }

    /// Where the arguments of the call begin whose name stands at `at`.
    pub(super) fn arguments_at(&self, at: usize) -> Option<usize> {
        match self.token(at)? {
            Token::Name(name) if name == "getattr" => {
                let close = self.closing(at + 1)?;
                self.is(close + 1, '(').then_some(close + 1)
            }
            Token::Text(_) => self.value(at, 0).map(|(_, end)| end + 1),
            Token::Name(_) if self.is(at + 1, '(') => Some(at + 1),
            // File.rm_rf!("x")
            Token::Name(_) if self.is(at + 1, '!') && self.is(at + 2, '(') => Some(at + 2),
            // system "cmd", unlink $file
            Token::Name(_) if matches!(self.token(at + 1), Some(Token::Text(_))) => Some(at + 1),
            Token::Name(_)
                if self.is(at + 1, '$') || self.is(at + 1, '{') && self.language.starts_with("perl") =>
            {
                Some(at + 1)
            }
            Token::Name(name)
                if matches!(
                    name.as_str(),
                    "unlink" | "rmtree" | "remove_tree" | "system" | "exec" | "eval"
                ) && matches!(self.token(at + 1), Some(Token::Name(_))) =>
            {
                Some(at + 1)
            }
            Token::Name(_)
                if self.is(at + 1, '[')
                    && matches!(self.token(at + 2), Some(Token::Text(_) | Token::Number(_)))
                    && self.language.starts_with("ruby") =>
            {
                Some(at + 1)
            }
            Token::Name(name)
                if matches!(name.as_str(), "delete" | "rm_rf" | "rm_r")
                    && matches!(self.token(at + 1), Some(Token::Name(_)))
                    && self.language.starts_with("ruby") =>
            {
                Some(at + 1)
            }
            Token::Name(name)
                if matches!(name.as_str(), "open" | "unlink" | "system" | "exec")
                    && matches!(self.token(at + 1), Some(Token::Name(_)))
                    && self.is(at + 2, ',') =>
            {
                Some(at + 1)
            }
            _ => None,
        }
    }

    /// The bracket that closes the one at `at`.
    pub(super) fn closing(&self, at: usize) -> Option<usize> {
        let mut depth = 0usize;
        for place in at..at + WINDOW {
            match self.token(place)? {
                Token::Sign('(' | '[' | '{') => depth += 1,
                Token::Sign(')' | ']' | '}') => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        return Some(place);
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// The end of the arguments that begin at `start`.
    pub(super) fn end_of(&self, start: usize) -> usize {
        if self.is(start, '(') {
            return self.closing(start).unwrap_or_else(|| self.tokens.len().min(start + WINDOW));
        }
        (start..self.tokens.len().min(start + WINDOW))
            .find(|at| matches!(self.token(*at), Some(Token::Sign(';' | '}' | ')'))))
            .unwrap_or_else(|| self.tokens.len().min(start + WINDOW))
    }

    /// The arguments that begin at `start`, each with its text when that is known.
    pub(super) fn arguments(&self, start: usize) -> Vec<Option<String>> {
        let end = self.end_of(start);
        self.arguments_between(start + usize::from(self.is(start, '(')), end)
    }

    pub(super) fn arguments_between(&self, mut at: usize, end: usize) -> Vec<Option<String>> {
        let mut found = Vec::new();
        while at < end && found.len() < 16 {
            let value = self.value(at, 0);
            let stop = value.as_ref().map_or(at, |(_, stop)| *stop);
            let is_whole = stop >= end || self.is(stop, ',');
            found.push(value.filter(|_| is_whole).map(|(text, _)| text));
            at = self.next_argument(stop.max(at), end);
        }
        found
    }

    fn next_argument(&self, mut at: usize, end: usize) -> usize {
        let mut depth = 0usize;
        while at < end {
            match self.token(at) {
                Some(Token::Sign('(' | '[' | '{')) => depth += 1,
                Some(Token::Sign(')' | ']' | '}')) => depth = depth.saturating_sub(1),
                Some(Token::Sign(',')) if depth == 0 => return at + 1,
                _ => {}
            }
            at += 1;
        }
        end
    }

    /// All texts among the arguments that begin at `start`, in lists too, without those of named options.
    pub(super) fn texts(&self, start: usize) -> Vec<String> {
        let end = self.end_of(start);
        let (mut at, mut found) = (start, Vec::new());
        while at < end && found.len() < 64 {
            // ruby writes symbols like that.
            let is_symbol = at == start + 2 && self.language.starts_with("ruby");
            let is_option = at > 0
                && (self.is(at - 1, '=')
                    || self.is(at - 1, ':') && !self.is(at.saturating_sub(2), ':') && !is_symbol);
            match self.token(at) {
                Some(Token::Text(_)) if is_option => at += 1,
                Some(Token::Text(_) | Token::Name(_)) => match self.value(at, 0) {
                    Some((text, stop)) => {
                        found.push(text);
                        at = stop.max(at + 1);
                    }
                    None => at += 1,
                },
                _ => at += 1,
            }
        }
        found
    }

    /// The texts among the arguments that begin at `start`, those of lists that are named there too.
    pub(super) fn all_texts(&self, start: usize) -> Vec<String> {
        let mut found = Vec::new();
        for at in start..self.end_of(start) {
            match self.token(at) {
                Some(Token::Text(text)) => found.push(text.clone()),
                Some(Token::Name(name)) => {
                    match (self.texts.get(name.as_str()), self.lists.get(name.as_str())) {
                        (Some(text), _) => found.push(text.clone()),
                        (None, Some(items)) => found.extend(items.iter().cloned()),
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        found
    }

    /// The name of the method that is called on the result of the call whose arguments begin at `start`.
    pub(super) fn follows(&self, start: usize) -> Option<String> {
        let close = self.closing(start)?;
        self.is(close + 1, '.').then(|| self.name(close + 2).map(str::to_owned)).flatten()
    }

    /// The text of the expression that begins here, and where it ends.
    pub(super) fn value(&self, at: usize, depth: usize) -> Option<(String, usize)> {
        if depth > MAX_DEPTH {
            return None;
        }
        let (mut text, mut end) = match self.operand(at, depth) {
            Some(operand) => operand,
            // A variable that is not known, and what is joined to it.
            None if self.name(at).is_some()
                && (self.is(at + 1, '+')
                    || matches!(self.token(at + 1), Some(Token::Text(_)))
                        && self.language.ends_with("awk")) =>
            {
                (Origin::UNKNOWN.text(), at + 1)
            }
            None => return None,
        };
        for _ in 0..WINDOW {
            let Some(token) = self.token(end) else { return Some((text, end)) };
            let joins = match token {
                Token::Sign('+') => 1,
                // '%s x' % 'y'
                Token::Sign('%') if text.contains("%s") && self.is(end + 1, '(') => {
                    for item in self.arguments(end + 1) {
                        text = text.replacen("%s", &item.unwrap_or_else(|| Origin::UNKNOWN.text()), 1);
                    }
                    end = self.closing(end + 1)? + 1;
                    continue;
                }
                Token::Sign('%') if text.contains("%s") => {
                    let (item, stop) = self.operand(end + 1, depth)?;
                    text = text.replacen("%s", &item, 1);
                    end = stop;
                    continue;
                }
                // '%c%c x' % (114, 109)
                Token::Sign('%') if text.contains("%c") => {
                    let start = end + 1 + usize::from(self.is(end + 1, '('));
                    let mut stop = start;
                    while let Some(Token::Number(code)) = self.token(stop) {
                        let letter = u32::try_from(*code).ok().and_then(char::from_u32)?;
                        text = text.replacen("%c", &letter.to_string(), 1);
                        stop += 1 + usize::from(self.is(stop + 1, ','));
                    }
                    end = stop + usize::from(start > end + 1);
                    continue;
                }
                // Path.home() / '.ssh'
                Token::Sign('/') if text.starts_with(['~', '/']) => {
                    text.push('/');
                    1
                }
                // Perl and PHP join with a dot, Lua with two.
                Token::Sign('.') if self.is(end + 1, '.') => 2,
                Token::Sign('.') if !matches!(self.token(end + 1), Some(Token::Name(_))) => 1,
                Token::Sign('.')
                    if ["perl", "php", "vim"].iter().any(|name| self.language.starts_with(name)) =>
                {
                    1
                }
                // "a" "b"
                Token::Text(_) => 0,
                Token::Name(name)
                    if self.language.ends_with("awk") && self.texts.contains_key(name.as_str()) =>
                {
                    0
                }
                _ => return Some((text, end)),
            };
            let Some((more, stop)) = self.operand(end + joins, depth) else {
                text.push(Origin::UNKNOWN.hole());
                // Behind what is not known in brackets it may go on.
                match self.closing(end + joins).filter(|_| self.is(end + joins, '(')) {
                    Some(close) => end = close + 1,
                    None => return Some((text, end + joins)),
                }
                continue;
            };
            text.push_str(&more);
            end = stop;
            if text.len() > 65_536 || end >= self.tokens.len() {
                break;
            }
        }
        Some((text, end))
    }

    pub(super) fn operand(&self, mut at: usize, depth: usize) -> Option<(String, usize)> {
        while self.is(at, '$')
            || self.is(at, '@')
            || self.is(at, '&')
            || matches!(self.name(at), Some("new" | "scalar"))
        {
            at += 1;
        }
        let (text, end) = match self.token(at)? {
            Token::Text(text) => (text.clone(), at + 1),
            Token::Sign('(') => {
                let (text, end) = self.value(at + 1, depth + 1)?;
                (text, end + usize::from(self.is(end, ')')))
            }
            Token::Sign('[') => match self.joined_list(at, depth) {
                Some(joined) => joined,
                None if self.language.starts_with("ruby") => {
                    let (text, end) = self.value(at + 1, depth + 1)?;
                    (text, end + usize::from(self.is(end, ']')))
                }
                None => return None,
            },
            Token::Name(_) => self.named(at, depth)?,
            _ => return None,
        };
        self.step(text.len() / STEP_BYTES);
        self.methods(text, end)
    }

    /// Where the call of what is in the brackets at `at` has its arguments: `(strrev('x'))('y')`.
    pub(super) fn called_behind(&self, at: usize) -> Option<usize> {
        self.closing(at).map(|close| close + 1).filter(|behind| self.is(*behind, '('))
    }

    /// Whether the first argument that begins at `start` is spelt: decoded, turned round or put together of letters.
    pub(super) fn is_spelt(&self, start: usize) -> bool {
        let end = self.end_of(start);
        let spells = |name: &str| SPELLS.contains(name);
        let turns = |at: usize| self.is(at, ':') && self.is(at + 1, ':') && self.is(at + 2, '-');
        if (start..end).any(|at| self.name(at).is_some_and(spells) || turns(at)) {
            return true;
        }
        // In one line of code, what a variable holds that is run.
        let builds = |name: &str| {
            spells(name) || self.language.ends_with("awk") && matches!(name, "substr" | "sprintf")
        };
        self.tokens.len() < ONE_LINE
            && (start..end).any(|at| self.name(at).is_some())
            && (0..self.tokens.len()).any(|at| self.name(at).is_some_and(builds))
    }
}
