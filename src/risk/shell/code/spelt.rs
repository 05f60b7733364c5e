//! What calls and methods make of texts: joined, decoded, turned round, cut out of others.

use super::WINDOW;
use super::tokens::Token;
use super::values::Values;
use crate::risk::shell::{decode, texts};
use crate::risk::value::Origin;

/// How deep in an expression a module that is named in it is looked into.
const MAX_IMPORTS: usize = 12;

impl Values<'_> {
    /// `['a', 'b'].join('')`, also backwards.
    pub(super) fn joined_list(&self, at: usize, depth: usize) -> Option<(String, usize)> {
        let close = self.closing(at)?;
        let mut end = close + 1;
        let is_reversed = self.is(end, '.') && self.name(end + 1) == Some("reverse");
        if is_reversed {
            end += if self.is(end + 2, '(') { 4 } else { 2 };
        }
        if !self.is(end, '.') || self.name(end + 1) != Some("join") {
            return None;
        }
        let (mut items, mut place) = (Vec::new(), at + 1);
        while place < close && items.len() < WINDOW {
            match self.value(place, depth + 1) {
                Some((text, stop)) => {
                    items.push(text);
                    place = stop.max(place + 1);
                }
                None => place += 1,
            }
        }
        if is_reversed {
            items.reverse();
            // [...'text'].reverse()
            if self.is(at + 1, '.') {
                items = items.iter().map(|item| item.chars().rev().collect()).collect();
            }
        }
        let is_bare = !self.is(end + 2, '(');
        let between = if is_bare { None } else { self.arguments(end + 2).into_iter().next().flatten() };
        let stop = if is_bare { end + 2 } else { self.closing(end + 2)? + 1 };
        let between = between.unwrap_or_else(|| if is_bare { String::new() } else { ",".to_owned() });
        (!items.is_empty()).then(|| (items.join(&between), stop))
    }

    /// `sprintf("%c%s", 114, "m")`: the arguments behind the format.
    pub(super) fn formatted(&self, start: usize) -> Option<String> {
        let close = self.closing(start)?;
        let (format, mut place) = self.value(start + 1, 1)?;
        let mut kinds =
            format.split('%').skip(1).map(|spec| spec.trim_start_matches(|c: char| !c.is_ascii_alphabetic()));
        let mut words = vec![format.clone()];
        while place < close && words.len() < 64 {
            let (word, stop) = match self.token(place)? {
                Token::Number(number) => (number.to_string(), place + 1),
                Token::Sign(_) => {
                    place += 1;
                    continue;
                }
                _ => self.value(place, 1)?,
            };
            let is_letter = kinds.next().is_some_and(|kind| kind.starts_with('c'));
            let letter = word.parse().ok().and_then(char::from_u32).filter(|_| is_letter);
            words.push(letter.map_or(word, String::from));
            place = stop.max(place + 1);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        Some(texts::printf(&words))
    }

    /// A variable, or a call that gives a text.
    pub(super) fn named(&self, at: usize, depth: usize) -> Option<(String, usize)> {
        let mut place = at;
        // The last name of a chain: base64.b64decode
        while self.is(place + 1, '.') && self.name(place + 2).is_some() && self.tokens.len() > place + 3 {
            if self.texts.contains_key(self.name(place)?) {
                break;
            }
            place += 2;
        }
        let name = self.name(place)?;
        // __import__('os').path.expanduser('~')
        if matches!(name, "__import__" | "import_module" | "require")
            && let Some(close) = self.closing(place + 1).filter(|_| depth < MAX_IMPORTS)
            && self.is(close + 1, '.')
        {
            return self.named(close + 2, depth + 1);
        }
        if name == "reverse" && !self.is(place + 1, '(') {
            let (text, end) = self.value(place + 1, depth + 1)?;
            return Some((text.chars().rev().collect(), end));
        }
        if let Some(list) = self.lists.get(name)
            && self.is(place + 1, '[')
            && self.is(place + 3, ']')
        {
            let at = usize::try_from(self.number(place + 2)?).ok()?;
            return Some((list.get(at)?.clone(), place + 4));
        }
        if !self.is(place + 1, '(') {
            let text = self.texts.get(name)?;
            return Some((text.clone(), place + 1));
        }
        let name = self.names.get(name).map_or(name, String::as_str);
        let start = place + 1;
        let end = self.closing(start)? + 1;
        let reckons = (start..end).any(|at| {
            matches!(self.token(at), Some(Token::Sign('^' | '-' | '+' | '*'))) || self.name(at) == Some("int")
        });
        let numbers = || -> Option<String> {
            if reckons {
                return None;
            }
            let codes = (start + 1..end - 1).filter_map(|at| match self.token(at) {
                Some(Token::Number(code)) => u32::try_from(*code).ok().and_then(char::from_u32),
                _ => None,
            });
            let text: String = codes.collect();
            (!text.is_empty()).then_some(text)
        };
        let inner = || self.value(start + 1, depth + 1).map(|(text, _)| text);
        let text = match name {
            "chr" | "fromCharCode" | "fromCodePoint" | "bytes" | "bytearray" | "char" => {
                numbers().or_else(inner)?
            }
            "b64decode" | "atob" | "base64_decode" | "decode64" | "urlsafe_b64decode"
            | "standard_b64decode" | "decode_base64" | "strict_decode64" => decode::base64(&inner()?)?,
            "fromhex" | "unhexlify" | "hex2bin" | "a2b_hex" => decode::hexadecimal(&inner()?)?,
            "from" | "decode" => {
                let args = self.arguments(start);
                match args.get(1).cloned().flatten().as_deref() {
                    Some("hex") => decode::hexadecimal(args.first()?.as_deref()?)?,
                    Some("base64") => decode::base64(args.first()?.as_deref()?)?,
                    Some(kind) if kind.starts_with("rot") => rot13(args.first()?.as_deref()?),
                    _ => args.first()?.clone()?,
                }
            }
            "pack" => {
                let args = self.arguments(start);
                match args.first()?.as_deref()? {
                    "H*" => decode::hexadecimal(args.get(1)?.as_deref()?)?,
                    _ => return None,
                }
            }
            "str_rot13" => rot13(&inner()?),
            "sprintf" | "vsprintf" | "format" => self.formatted(start)?,
            "unquote" | "unquote_plus" | "decodeURIComponent" | "unescape" | "urldecode" | "rawurldecode" => {
                decode::percent(&inner()?)?
            }
            "strrev" | "reverse" => inner()?.chars().rev().collect(),
            "join" | "implode" if !self.language.starts_with("py") && !self.language.starts_with("node") => {
                let mut items = self.all_texts(start);
                let between = if items.is_empty() { None } else { Some(items.remove(0)) };
                items.join(&between?)
            }
            "paste0" | "concat" => self.all_texts(start).concat(),
            "str_replace" => {
                let args = self.arguments(start);
                let arg = |at: usize| args.get(at).cloned().flatten();
                arg(2)?.replace(&arg(0)?, &arg(1)?)
            }
            "substr" => {
                // There letters count from 1.
                let first = i64::from(self.language.ends_with("awk"));
                let from = usize::try_from(self.number(start + 3)? - first).ok()?;
                let count = self.number(start + 5).and_then(|count| usize::try_from(count).ok());
                inner()?.chars().skip(from).take(count.unwrap_or(usize::MAX)).collect()
            }
            "strtolower" | "lc" => inner()?.to_lowercase(),
            "strtoupper" | "uc" => inner()?.to_uppercase(),
            "join" | "resolve" | "joinpath" => {
                let items = self.texts(start);
                if items.len() > 1 { items.join("/") } else { items.into_iter().next().or_else(numbers)? }
            }
            "expanduser" | "expand" | "Path" | "abspath" | "PurePath" | "realpath" => inner()?,
            "str" | "String" | "string" | "trim" | "map" | "list" => inner().or_else(numbers)?,
            _ => return None,
        };
        Some((text, end))
    }

    /// `[3]` or `[2:4]` of a text, and where that ends.
    pub(super) fn picked(&self, text: &str, at: usize) -> Option<(String, usize)> {
        let close = self.closing(at)?;
        let number = |at| self.number(at).and_then(|number| usize::try_from(number).ok());
        let (from, to) = match (close - at, self.is(at + 1, ':'), self.is(at + 2, ':')) {
            (2, ..) => (number(at + 1)?, number(at + 1)? + 1),
            (3, true, _) => (0, number(at + 2)?),
            (3, _, true) => (number(at + 1)?, usize::MAX),
            (4, _, true) => (number(at + 1)?, number(at + 3)?),
            _ => return None,
        };
        Some((text.chars().take(to).skip(from).collect(), close + 1))
    }

    pub(super) fn number(&self, at: usize) -> Option<i64> {
        match self.token(at) {
            Some(Token::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// Methods that are called on a text: `'x'.decode()`, `'x'[::-1]`, `''.join([…])`
    pub(super) fn methods(&self, mut text: String, mut end: usize) -> Option<(String, usize)> {
        for _ in 0..8 {
            // [::-1]
            if self.is(end, '[') && self.is(end + 1, ':') && self.is(end + 2, ':') && self.is(end + 3, '-') {
                text = text.chars().rev().collect();
                end += 6;
                continue;
            }
            // 'text'[3], 'text'[2:4]
            if self.is(end, '[')
                && let Some((picked, stop)) = self.picked(&text, end)
            {
                (text, end) = (picked, stop);
                continue;
            }
            // There a dot joins texts.
            let joins = ["perl", "php", "vim"].iter().any(|name| self.language.starts_with(name));
            let has_method =
                self.is(end, '.') && !joins || self.language.starts_with("lua") && self.is(end, ':');
            let (Some(name), true) = (self.name(end + 1), has_method) else {
                return Some((text, end));
            };
            if !self.is(end + 2, '(') {
                match name {
                    "reverse" => text = text.chars().rev().collect(),
                    "downcase" => text = text.to_lowercase(),
                    "upcase" => text = text.to_uppercase(),
                    "join" if self.language.starts_with("ruby") => text.retain(|c| !c.is_whitespace()),
                    "strip" | "chomp" | "to_s" | "to_sym" | "freeze" | "dup" => {}
                    _ => return None,
                }
                end += 2;
                continue;
            }
            let start = end + 2;
            let close = self.closing(start)? + 1;
            match name {
                "lower" | "toLowerCase" | "casefold" | "downcase" => text = text.to_lowercase(),
                "upper" | "toUpperCase" => text = text.to_uppercase(),
                "slice" | "substring" | "substr" | "sub" if self.number(start + 1).is_some() => {
                    let from = self.number(start + 1)?.checked_sub(i64::from(name == "sub"))?;
                    let from = usize::try_from(from).ok()?;
                    let to = match self.number(start + 3) {
                        Some(to) if name == "substr" => from + usize::try_from(to).ok()?,
                        Some(to) => usize::try_from(to).ok()?,
                        None => usize::MAX,
                    };
                    text = text.chars().take(to).skip(from).collect();
                }
                "tr" => {
                    let args = self.arguments(start);
                    let (from, to) = (args.first()?.as_deref()?, args.get(1)?.as_deref()?);
                    text = texts::translated(&[from, to], &text)?;
                }
                "decode" | "encode" | "strip" | "toString" | "trim" | "split" | "rstrip" | "text" => {
                    let argument = self.arguments(start).first().cloned().flatten();
                    match argument.as_deref() {
                        Some("hex") if name == "decode" => text = decode::hexadecimal(&text)?,
                        Some("base64") if name == "decode" => text = decode::base64(&text)?,
                        Some(kind) if kind.starts_with("rot") => text = rot13(&text),
                        _ => {}
                    }
                }
                "reverse" => text = text.chars().rev().collect(),
                "replace" | "replaceAll" | "gsub" => {
                    let args = self.arguments(start);
                    let (from, to) = (args.first()?.clone()?, args.get(1)?.clone()?);
                    text = text.replace(&from, &to);
                }
                // %w[a b].join(" ")
                "join" if self.language.starts_with("ruby") => {
                    let between = self.arguments(start).first().cloned().flatten().unwrap_or_default();
                    text = text.split_whitespace().collect::<Vec<_>>().join(&between);
                }
                "join" => {
                    let mut items = self.texts(start);
                    if let Some(list) = self.name(start + 1).and_then(|name| self.lists.get(name)) {
                        items.clone_from(list);
                    }
                    // map(chr, [105, 100])
                    let is_plain = |at| {
                        matches!(
                            self.token(at),
                            Some(Token::Number(_) | Token::Sign(',' | '[' | ']' | '(' | ')'))
                        )
                    };
                    let maps = self.name(start + 1) == Some("map")
                        && self.name(start + 3) == Some("chr")
                        && (start + 4..close).all(is_plain);
                    if maps {
                        items.clear();
                    }
                    let spells = |at| matches!(self.name(at), Some("chr" | "ord" | "int"));
                    if !items.is_empty() && (start..close).any(spells) {
                        return None;
                    }
                    let reckons = |at| matches!(self.token(at), Some(Token::Sign('^' | '-' | '+' | '*')));
                    if items.is_empty() && (start..close).any(reckons) {
                        return None;
                    }
                    let codes: Vec<String> = if items.is_empty() {
                        (start..close)
                            .filter_map(|at| match self.token(at) {
                                Some(Token::Number(code)) => {
                                    u32::try_from(*code).ok().and_then(char::from_u32).map(String::from)
                                }
                                _ => None,
                            })
                            .collect()
                    } else {
                        items
                    };
                    // After a split and a reversal the text is whole already.
                    if codes.iter().any(|item| !item.is_empty()) {
                        text = codes.join(&text);
                    }
                }
                "pack" => text = decode::hexadecimal(&text)?,
                "unpack" | "unpack1" => {
                    text = decode::base64(&text)?;
                }
                "format" => {
                    for (at, item) in self.arguments(start).into_iter().enumerate() {
                        let item = item.unwrap_or_else(|| Origin::UNKNOWN.text());
                        text = text.replacen("{}", &item, 1).replace(&format!("{{{at}}}"), &item);
                    }
                }
                "concat" => text.push_str(&self.texts(start).concat()),
                _ => return None,
            }
            end = close;
        }
        Some((text, end))
    }
}

fn rot13(text: &str) -> String {
    let turn = |letter: char| match letter {
        'a'..='m' | 'A'..='M' => char::from_u32(letter as u32 + 13),
        'n'..='z' | 'N'..='Z' => char::from_u32(letter as u32 - 13),
        _ => Some(letter),
    };
    text.chars().filter_map(turn).collect()
}
