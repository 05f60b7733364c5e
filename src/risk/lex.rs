//! Shell text → tokens: quoting, substitutions and here-documents. Each byte is looked at once for each level of nesting.

use super::parse::{MAX_DEPTH, Part, Redirect, RedirectKind, Script, Span, Token, Word, parse_at};

/// Reads tokens from a text.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// Where the text stands in the whole.
    base: usize,
    depth: usize,
    /// Why the text was not understood.
    pub(super) odd: Option<&'static str>,
    /// Here-documents whose bodies begin at the next line end: delimiter, whether tabs are stripped, whether it expands.
    pending: Vec<(String, bool, bool)>,
    /// Where the bodies that were read already end, so that the line end skips them.
    skip_to: Option<usize>,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str, base: usize, depth: usize) -> Self {
        let odd = (depth > MAX_DEPTH).then_some("nested too deeply");
        let at = if odd.is_some() { text.len() } else { 0 };
        Self { text, at, base, depth, odd, pending: Vec::new(), skip_to: None }
    }

    pub(super) fn skip_rest(&mut self) {
        self.at = self.text.len();
    }

    /// Whether `byte` stands at a place of the whole text.
    pub(super) fn follows(&self, place: usize, byte: u8) -> bool {
        place.checked_sub(self.base).and_then(|at| self.text.as_bytes().get(at)) == Some(&byte)
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn next(&mut self) -> Token {
        self.blanks();
        if self.at >= self.text.len() {
            return Token::End;
        }
        let rest = self.rest();
        if let Some(token) = self.redirect(rest) {
            return token;
        }
        for operator in [";;&", ";;", ";&", "&&", "||", "|&", "|", "&", ";", "(", ")", "\n"] {
            if rest.starts_with(operator) {
                self.at += operator.len();
                return Token::Operator(match operator {
                    "\n" => {
                        if let Some(end) = self.skip_to.take() {
                            self.at = end;
                        }
                        "\n"
                    }
                    ";;&" | ";&" => ";;",
                    "|&" => "|",
                    other => other,
                });
            }
        }
        Token::Word(self.word())
    }

    fn blanks(&mut self) {
        loop {
            match self.byte(0) {
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\\' if self.byte(1) == b'\n' => self.at += 2,
                b'#' => {
                    self.at += self.rest().find('\n').unwrap_or_else(|| self.rest().len());
                }
                _ => return,
            }
        }
    }

    fn redirect(&mut self, rest: &str) -> Option<Token> {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let operator = &rest[digits..];
        let (kind, length) = match operator.as_bytes() {
            [b'<' | b'>', b'(', ..] => return None,
            [b'&', b'>', b'>', ..] if digits == 0 => (RedirectKind::Append, 3),
            [b'&', b'>', ..] if digits == 0 => (RedirectKind::Write, 2),
            [b'<', b'<', b'<', ..] => (RedirectKind::Here, 3),
            [b'<', b'<', ..] => return Some(self.here(digits)),
            [b'<', b'>', ..] | [b'>', b'|', ..] => (RedirectKind::Write, 2),
            [b'>', b'&', ..] => (RedirectKind::Duplicate, 2),
            [b'<', b'&', ..] => (RedirectKind::Duplicate, 2),
            [b'>', b'>', ..] => (RedirectKind::Append, 2),
            [b'<', ..] => (RedirectKind::Read, 1),
            [b'>', ..] => (RedirectKind::Write, 1),
            _ => return None,
        };
        self.at += digits + length;
        self.blanks();
        let target = self.word();
        // `>& file` writes a file, `>&2` only names a descriptor.
        let kind = match (kind, target.literal()) {
            (RedirectKind::Duplicate, Some(text))
                if !text.is_empty() && !text.bytes().all(|b| b.is_ascii_digit() || b == b'-') =>
            {
                RedirectKind::Write
            }
            (kind, _) => kind,
        };
        Some(Token::Redirect(Redirect { kind, target }))
    }

    /// `<<` and `<<-`: the body is read ahead and its lines are skipped when they come.
    fn here(&mut self, digits: usize) -> Token {
        self.at += digits + 2;
        let strips = self.byte(0) == b'-';
        self.at += usize::from(strips);
        self.blanks();
        let start = self.at;
        let word = self.word();
        let quoted = self.text.get(start..self.at).is_some_and(|raw| raw.contains(['\'', '"', '\\']));
        let delimiter = word.literal().unwrap_or_default();
        self.pending.push((delimiter.clone(), strips, !quoted));
        let body_start = self.skip_to.unwrap_or_else(|| {
            self.rest().find('\n').map_or(self.text.len(), |line_end| self.at + line_end + 1)
        });
        let (mut at, mut body_end, mut closed) = (body_start, body_start, false);
        while at < self.text.len() {
            let line_end = self.text[at..].find('\n').map_or(self.text.len(), |end| at + end);
            let line = &self.text[at..line_end];
            at = (line_end + 1).min(self.text.len());
            let line = if strips { line.trim_start_matches('\t') } else { line };
            if line == delimiter {
                closed = true;
                break;
            }
            body_end = at;
        }
        if !closed && !delimiter.is_empty() {
            self.odd = Some("a here-document without its end");
        }
        self.skip_to = Some(at);
        let body = self.text.get(body_start..body_end).unwrap_or_default();
        let span = Span { start: self.base + body_start, end: self.base + body_end };
        let target = if quoted {
            Word { parts: vec![Part::Text { text: body.to_owned(), quoted: true }], span }
        } else {
            let mut inner = Lexer::new(body, self.base + body_start, self.depth + 1);
            let mut parts = Parts::default();
            inner.double_quoted(&mut parts, None);
            self.odd = self.odd.or(inner.odd);
            Word { parts: parts.done(), span }
        };
        Token::Redirect(Redirect { kind: RedirectKind::Here, target })
    }

    fn word(&mut self) -> Word {
        let start = self.at;
        let mut parts = Parts::default();
        while self.at < self.text.len() {
            match self.byte(0) {
                b' ' | b'\t' | b'\n' | b'\r' | b';' | b'&' | b'|' | b')' => break,
                // An extended pattern such as *.@(a|b) belongs to the word.
                b'(' if self.at > start
                    && matches!(self.text.as_bytes()[self.at - 1], b'@' | b'!' | b'?' | b'+' | b'*') =>
                {
                    let end = self.rest().find(')').map_or_else(|| self.rest().len(), |end| end + 1);
                    parts.text(&self.rest()[..end], false);
                    self.at += end;
                }
                b'(' => break,
                b'<' | b'>' if self.byte(1) == b'(' && self.at == start => {
                    self.at += 2;
                    let script = self.nested();
                    parts.push(Part::Process { script });
                }
                b'<' | b'>' => break,
                b'\\' if self.byte(1) == b'\n' => self.at += 2,
                b'\\' => {
                    self.at += 1;
                    match self.rest().chars().next() {
                        Some(letter) => {
                            parts.letter(letter, true);
                            self.at += letter.len_utf8();
                        }
                        None => parts.letter('\\', true),
                    }
                }
                b'\'' => {
                    self.at += 1;
                    self.single_quoted(&mut parts);
                }
                b'"' => {
                    self.at += 1;
                    parts.text("", true);
                    self.double_quoted(&mut parts, Some('"'));
                }
                b'$' if self.byte(1) == b'\'' => {
                    self.at += 2;
                    self.ansi_quoted(&mut parts);
                }
                b'$' if self.byte(1) == b'"' => self.at += 1,
                b'$' | b'`' => self.expansion(&mut parts, false),
                _ => {
                    let end = self.rest().find(ENDS_TEXT).unwrap_or_else(|| self.rest().len()).max(1);
                    let end = (end..=self.rest().len())
                        .find(|end| self.rest().is_char_boundary(*end))
                        .unwrap_or(end);
                    parts.text(&self.rest()[..end], false);
                    self.at += end;
                }
            }
        }
        if self.at == start && self.at < self.text.len() && self.byte(0) != b'\n' {
            // Nothing that begins a word stands where one is due, as in `> ;`.
            self.odd = Some("a word is missing");
        }
        Word { parts: parts.done(), span: Span { start: self.base + start, end: self.base + self.at } }
    }

    fn single_quoted(&mut self, parts: &mut Parts) {
        let rest = self.rest();
        match rest.find('\'') {
            Some(end) => {
                parts.text(&rest[..end], true);
                self.at += end + 1;
            }
            None => {
                parts.text(rest, true);
                self.odd = Some("a quote is not closed");
                self.skip_rest();
            }
        }
    }

    /// Text in which only `$`, backquotes and some escapes mean something, up to `end` or the end of all.
    fn double_quoted(&mut self, parts: &mut Parts, end: Option<char>) {
        loop {
            let Some(letter) = self.rest().chars().next() else {
                if end.is_some() {
                    self.odd = Some("a quote is not closed");
                }
                return;
            };
            match letter {
                _ if Some(letter) == end => {
                    self.at += 1;
                    return;
                }
                '\\' => {
                    self.at += 1;
                    let Some(next) = self.rest().chars().next() else { continue };
                    self.at += next.len_utf8();
                    match next {
                        '\n' => {}
                        '$' | '`' | '"' | '\\' => parts.letter(next, true),
                        _ => {
                            parts.letter('\\', true);
                            parts.letter(next, true);
                        }
                    }
                }
                '$' | '`' => self.expansion(parts, true),
                _ => {
                    let length = self.rest().find(['\\', '$', '`', '"']).unwrap_or_else(|| self.rest().len());
                    let length = length.max(letter.len_utf8());
                    parts.text(&self.rest()[..length], true);
                    self.at += length;
                }
            }
        }
    }

    /// `$'…'`
    fn ansi_quoted(&mut self, parts: &mut Parts) {
        let mut bytes = Vec::new();
        loop {
            match self.byte(0) {
                _ if self.at >= self.text.len() => {
                    self.odd = Some("a quote is not closed");
                    break;
                }
                b'\'' => {
                    self.at += 1;
                    break;
                }
                b'\\' => {
                    let (used, decoded) = escape(&self.rest()[1..]);
                    bytes.extend(decoded);
                    self.at += 1 + used;
                }
                byte => {
                    bytes.push(byte);
                    self.at += 1;
                }
            }
        }
        parts.text(&String::from_utf8_lossy(&bytes), true);
    }

    fn expansion(&mut self, parts: &mut Parts, quoted: bool) {
        if self.byte(0) == b'`' {
            return self.backquoted(parts, quoted);
        }
        self.at += 1;
        match self.byte(0) {
            b'(' if self.byte(1) == b'(' => {
                // Arithmetic gives a number; or it is a subshell at the start of a substitution.
                self.at += 1;
                let start = self.at;
                let script = self.nested();
                let inner = self.text.get(start..self.at).unwrap_or_default();
                if inner.ends_with("))") && !inner.contains(['$', '`', ' ', '/']) {
                    parts.push(Part::Text { text: "0".into(), quoted: true });
                } else {
                    parts.push(Part::Command { script, quoted });
                }
            }
            b'(' => {
                self.at += 1;
                let script = self.nested();
                parts.push(Part::Command { script, quoted });
            }
            b'{' => self.braced(parts, quoted),
            byte if byte.is_ascii_alphabetic() || byte == b'_' => {
                let length =
                    self.rest().bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
                let name = self.rest()[..length].to_owned();
                self.at += length;
                parts.push(Part::Variable { name, fallback: None, altered: false, quoted });
            }
            byte @ (b'0'..=b'9' | b'@' | b'*' | b'#' | b'?' | b'$' | b'!' | b'-') => {
                self.at += 1;
                let name = char::from(byte).to_string();
                parts.push(Part::Variable { name, fallback: None, altered: false, quoted });
            }
            _ => parts.letter('$', quoted),
        }
    }

    /// `${…}`: the name, and whether the value is changed; substitutions inside run and are kept.
    fn braced(&mut self, parts: &mut Parts, quoted: bool) {
        self.at += 1;
        let start = self.at;
        if matches!(self.byte(0), b'!' | b'#') && self.byte(1) != b'}' {
            self.at += 1;
        }
        let name_start = self.at;
        let length = self.rest().bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        let length =
            if length == 0 { usize::from(matches!(self.byte(0), b'@' | b'*' | b'?' | b'#')) } else { length };
        let name = self.rest()[..length].to_owned();
        self.at += length;
        let operator_at = self.at;
        let mut inner = Parts::default();
        loop {
            match self.byte(0) {
                _ if self.at >= self.text.len() => {
                    self.odd = Some("a brace is not closed");
                    break;
                }
                b'}' => {
                    self.at += 1;
                    break;
                }
                b'\\' => self.at = (self.at + 2).min(self.text.len()),
                b'\'' if !quoted => {
                    self.at += 1;
                    self.single_quoted(&mut inner);
                }
                b'"' => {
                    self.at += 1;
                    self.double_quoted(&mut inner, Some('"'));
                }
                b'$' | b'`' => self.deeper(|lexer| lexer.expansion(&mut inner, quoted)),
                _ => self.at += 1,
            }
            while !self.text.is_char_boundary(self.at) {
                self.at += 1;
            }
        }
        let operator = self.text.get(operator_at..self.at.saturating_sub(1)).unwrap_or_default();
        let operator =
            operator.strip_prefix("[@]").or_else(|| operator.strip_prefix("[*]")).unwrap_or(operator);
        let fallback = [":-", ":=", "-", "="].iter().find_map(|prefix| operator.strip_prefix(prefix));
        parts.push(Part::Variable {
            name,
            fallback: fallback.map(|text| text.trim_matches(['"', '\'']).to_owned()),
            altered: name_start != start
                || !(operator.is_empty() || fallback.is_some() || operator.starts_with(":?")),
            quoted,
        });
        for part in inner.done() {
            if matches!(part, Part::Command { .. }) {
                parts.push(part);
            }
        }
    }

    fn deeper(&mut self, read: impl FnOnce(&mut Self)) {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            self.odd = Some("nested too deeply");
            self.skip_rest();
        } else {
            read(self);
        }
        self.depth -= 1;
    }

    /// The commands up to the bracket that closes them.
    fn nested(&mut self) -> Script {
        let start = self.at;
        let end = self.closing(start);
        let inner = self.text.get(start..end).unwrap_or_default();
        self.at = (end + 1).min(self.text.len());
        if end >= self.text.len() {
            self.odd = Some("a bracket is not closed");
        }
        let script = parse_at(inner, self.base + start, self.depth + 1);
        self.odd = self.odd.or(script.odd);
        script
    }

    /// Where the bracket closes that was opened before `at`, quotes and nested brackets passed over.
    fn closing(&self, mut at: usize) -> usize {
        let bytes = self.text.as_bytes();
        // Each entry is what closes it: a bracket or a double quote.
        let mut open = vec![b')'];
        while let Some(byte) = bytes.get(at) {
            let inner = open.last().copied();
            match (inner, byte) {
                (_, b'\\') => at += 1,
                (Some(b'"'), b'"') => drop(open.pop()),
                (Some(b'"'), b'$') if bytes.get(at + 1) == Some(&b'(') => {
                    open.push(b')');
                    at += 1;
                }
                (Some(b'"'), _) => {}
                (_, b'\'') => at += 1 + self.text[at + 1..].find('\'').unwrap_or(self.text.len() - at - 1),
                (_, b'"') => open.push(b'"'),
                (_, b'#') if at > 0 && matches!(bytes[at - 1], b' ' | b'\n' | b'\t' | b';') => {
                    at += bytes[at..].iter().position(|b| *b == b'\n').unwrap_or(bytes.len() - at);
                }
                (_, b'(') => open.push(b')'),
                (_, b')') => {
                    open.pop();
                    if open.is_empty() {
                        return at;
                    }
                }
                _ => {}
            }
            at += 1;
        }
        self.text.len()
    }

    fn backquoted(&mut self, parts: &mut Parts, quoted: bool) {
        self.at += 1;
        let start = self.at;
        let mut inner = String::new();
        loop {
            let Some(letter) = self.rest().chars().next() else {
                self.odd = Some("a backquote is not closed");
                break;
            };
            self.at += letter.len_utf8();
            match letter {
                '`' => break,
                '\\' if matches!(self.byte(0), b'`' | b'\\' | b'$') => {
                    inner.push(char::from(self.byte(0)));
                    self.at += 1;
                }
                _ => inner.push(letter),
            }
        }
        let script = parse_at(&inner, self.base + start, self.depth + 1);
        self.odd = self.odd.or(script.odd);
        parts.push(Part::Command { script, quoted });
    }
}

const ENDS_TEXT: [char; 16] =
    [' ', '\t', '\n', '\r', ';', '&', '|', '(', ')', '<', '>', '\\', '\'', '"', '$', '`'];

/// What follows a backslash in `$'…'` and in `printf`: bytes used, and what they stand for.
pub(super) fn escape(text: &str) -> (usize, Vec<u8>) {
    let digits = |from: usize, radix: u32, most: usize| {
        let found =
            text.as_bytes().iter().skip(from).take(most).take_while(|b| char::from(**b).is_digit(radix));
        let count = found.count();
        (count, text.get(from..from + count).and_then(|digits| u32::from_str_radix(digits, radix).ok()))
    };
    let letter = |value: Option<u32>| {
        value.and_then(char::from_u32).map_or_else(Vec::new, |c| c.to_string().into_bytes())
    };
    let simple = |byte: u8| (1, vec![byte]);
    match text.as_bytes().first() {
        None => (0, vec![b'\\']),
        Some(b'n') => simple(b'\n'),
        Some(b't') => simple(b'\t'),
        Some(b'r') => simple(b'\r'),
        Some(b'a' | b'b' | b'f' | b'v') => simple(b' '),
        Some(b'e' | b'E') => simple(0x1b),
        Some(b'x') => {
            let (count, value) = digits(1, 16, 2);
            (1 + count, value.and_then(|v| u8::try_from(v).ok()).into_iter().collect())
        }
        Some(b'u') => {
            let (count, value) = digits(1, 16, 4);
            (1 + count, letter(value))
        }
        Some(b'U') => {
            let (count, value) = digits(1, 16, 8);
            (1 + count, letter(value))
        }
        Some(b'0'..=b'7') => {
            let (count, value) = digits(0, 8, 3);
            (count, value.and_then(|v| u8::try_from(v & 0xff).ok()).into_iter().collect())
        }
        Some(b'\\' | b'\'' | b'"' | b'?') => simple(text.as_bytes()[0]),
        Some(_) => (0, vec![b'\\']),
    }
}

/// Collects the parts of a word and joins neighbouring texts.
#[derive(Default)]
struct Parts(Vec<Part>);

impl Parts {
    fn text(&mut self, more: &str, is_quoted: bool) {
        match self.0.last_mut() {
            Some(Part::Text { text, quoted }) if *quoted == is_quoted => text.push_str(more),
            _ => self.0.push(Part::Text { text: more.to_owned(), quoted: is_quoted }),
        }
    }

    fn letter(&mut self, letter: char, quoted: bool) {
        self.text(letter.encode_utf8(&mut [0; 4]), quoted);
    }

    fn push(&mut self, part: Part) {
        self.0.push(part);
    }

    fn done(self) -> Vec<Part> {
        self.0
    }
}
