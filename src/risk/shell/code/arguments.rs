//! What a call is called, where its arguments are, and which texts are among them.

use super::WINDOW;
use super::tokens::Token;
use super::values::Values;

/// Tokens before what is opened among which the call stands that prints to it.
const MAX_BACK: usize = 16;

impl Values<'_> {
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
        let end = match self.is(start, '[') {
            true => self.closing(start).unwrap_or(start),
            false => self.end_of(start),
        };
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
                    None => {
                        let items = self.name(at).filter(|_| !self.is(at + 1, '.'));
                        found.extend(
                            items.and_then(|name| self.lists.get(name)).into_iter().flatten().cloned(),
                        );
                        at += 1;
                    }
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

    /// Where the call of what is in the brackets at `at` has its arguments: `(strrev('x'))('y')`.
    pub(super) fn called_behind(&self, at: usize) -> Option<usize> {
        self.closing(at).map(|close| close + 1).filter(|behind| self.is(*behind, '('))
    }

    /// The texts that are written through the name which the call at `at` gives to what it opens.
    pub(super) fn written_later(&self, at: usize, start: usize) -> Option<String> {
        let close = self.closing(start);
        let is_perl = self.language.starts_with("perl");
        let handle = match close {
            _ if is_perl => (start..start + 3).find_map(|at| self.name(at).filter(|name| *name != "my")),
            // print(…, file=open(…))
            _ if at > 1 && self.is(at - 1, '=') && self.name(at - 2) == Some("file") => {
                let print =
                    (at.saturating_sub(MAX_BACK)..at).rev().find(|at| self.name(*at) == Some("print"))?;
                return self.arguments(print + 1).first().cloned().flatten();
            }
            _ if at > 1 && self.is(at - 1, '=') => self.name(at - 2),
            // f = io.open(…)
            _ if at > 3 && self.is(at - 1, '.') && self.is(at - 3, '=') => self.name(at - 4),
            Some(close) if self.name(close + 1) == Some("as") => self.name(close + 2),
            // {|f| …}
            Some(close) if self.is(close + 2, '|') => self.name(close + 3),
            _ => None,
        }?;
        let from = close.unwrap_or(start);
        let written = (from..from + WINDOW).map_while(|at| self.token(at).map(|_| at)).filter_map(|at| {
            let name = self.name(at)?;
            if is_perl {
                let prints = matches!(name, "print" | "printf" | "say");
                let behind = (at + 1..at + 4).find(|at| self.name(*at) == Some(handle)).filter(|_| prints)?;
                return self
                    .value(behind + 1 + usize::from(self.is(behind + 1, '}')), 0)
                    .map(|(text, _)| text);
            }
            let writes = name == handle
                && (self.is(at + 1, '.') || self.is(at + 1, ':'))
                && matches!(self.name(at + 2), Some("write" | "writelines" | "puts" | "print"));
            writes.then(|| self.arguments(at + 3).first().cloned().flatten()).flatten()
        });
        let written: Vec<String> = written.take(16).collect();
        (!written.is_empty()).then(|| written.join("\n"))
    }

    /// The text that is written to what the call opens whose arguments begin at `start`.
    pub(super) fn written(&self, start: usize) -> Option<String> {
        let close = self.closing(start)?;
        let writes = self.is(close + 1, '.')
            && matches!(self.name(close + 2), Some("write" | "write_text" | "writelines" | "puts" | "print"));
        writes.then(|| self.arguments(close + 3).first().cloned().flatten()).flatten()
    }
}
