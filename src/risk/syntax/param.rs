//! `${…}`: name, index and operation.

use super::ast::{Operation, Parameter, Word};
use super::lex::Parser;
use super::word::{Parts, Stop};

/// Ends the last piece.
const CLOSED: Stop = Stop::Bytes(b"}");

impl Parser<'_> {
    /// What stands behind `$`, from the brace on.
    pub(super) fn braced(&mut self, parts: &mut Parts, quoted: bool) {
        self.at += 1;
        let prefix = match self.byte(0) {
            sign @ (b'!' | b'#')
                if self.byte(1) != b'}' && !(sign == b'#' && b":-+=?#%/".contains(&self.byte(1))) =>
            {
                self.at += 1;
                sign
            }
            _ => 0,
        };
        let mut name = self.name();
        if name.is_empty() && b"@*#?$!-".contains(&self.byte(0)) {
            name = char::from(self.byte(0)).to_string();
            self.at += 1;
        }
        let mut index = None;
        if self.byte(0) == b'[' {
            self.at += 1;
            index = Some(self.word_until(Stop::Bytes(b"]}"), true));
            self.at += usize::from(self.byte(0) == b']');
        }
        let operation = match prefix {
            b'#' => Operation::Length,
            b'!' if matches!(self.byte(0), b'*' | b'@') && self.byte(1) == b'}' => Operation::Names,
            b'!' if index
                .as_ref()
                .is_some_and(|index| matches!(index.literal().as_deref(), Some("@" | "*"))) =>
            {
                Operation::Keys
            }
            _ => self.operation(quoted),
        };
        // Whatever else stands here is read for what it runs.
        let rest = self.word_until(CLOSED, quoted);
        if self.byte(0) == b'}' {
            self.at += 1;
        } else {
            self.odd = Some("a brace is not closed");
        }
        let operation = match operation {
            Operation::Plain if !rest.parts.is_empty() => Operation::Other(rest),
            operation => operation,
        };
        let is_indirect = prefix == b'!' && !matches!(operation, Operation::Names | Operation::Keys);
        parts.parameter(Parameter { name, index, is_indirect, operation }, quoted);
    }

    fn operation(&mut self, quoted: bool) -> Operation {
        let (first, second) = (self.byte(0), self.byte(1));
        let doubled = first == second;
        let taken = match (first, second) {
            (b':', b'-' | b'=' | b'+' | b'?') => 2,
            (b'#' | b'%' | b'/' | b'^' | b',' | b'~', _) if doubled => 2,
            (b':' | b'-' | b'=' | b'+' | b'?' | b'#' | b'%' | b'/' | b'^' | b',' | b'~', _) => 1,
            _ => return Operation::Plain,
        };
        self.at += taken;
        let colon = first == b':';
        let meaning = if first == b':' && taken == 2 { second } else { first };
        match meaning {
            b'-' | b'=' => {
                Operation::Default { word: self.word_until(CLOSED, quoted), assigns: meaning == b'=', colon }
            }
            b'+' => Operation::Alternative { word: self.word_until(CLOSED, quoted), colon },
            b':' => {
                let start = self.word_until(Stop::Bytes(b":}"), true);
                let length = (self.byte(0) == b':').then(|| {
                    self.at += 1;
                    self.word_until(CLOSED, true)
                });
                Operation::Slice(start, length)
            }
            b'#' => Operation::RemovePrefix(self.word_until(CLOSED, false), doubled),
            b'%' => Operation::RemoveSuffix(self.word_until(CLOSED, false), doubled),
            b'/' => {
                let pattern = self.word_until(Stop::Bytes(b"/}"), false);
                let with = if self.byte(0) == b'/' {
                    self.at += 1;
                    self.word_until(CLOSED, quoted)
                } else {
                    Word::default()
                };
                Operation::Replace { pattern, with, all: doubled }
            }
            sign @ (b'^' | b',' | b'~') => Operation::Case { sign, all: doubled },
            _ => Operation::Other(self.word_until(CLOSED, quoted)),
        }
    }
}
