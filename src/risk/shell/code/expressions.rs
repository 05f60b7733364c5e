//! The text that an expression stands for, and whether it was put together to hide it.

use super::WINDOW;
use super::calls::{CHANGES, SPELLS};
use super::tokens::Token;
use super::values::Values;
use crate::risk::value::Origin;

/// Tokens of code that is no more than a line.
const ONE_LINE: usize = 120;
/// How deep calls are looked into.
const MAX_DEPTH: usize = 12;

impl Values<'_> {
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
        self.put_together(&text);
        self.methods(text, end)
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
