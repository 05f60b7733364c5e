//! What tools for texts make of a text that is known: pure, each with the options that it is given.

use super::call::Call;
use crate::base::json;
use crate::risk::syntax::escape;
use crate::risk::value::{Origin, has_hole, is_hole};

/// What `jq` takes out of a known text: `.a.b`
pub(super) fn picked(call: &Call<'_>, text: &str) -> Option<String> {
    let filter = call.plain().next()?;
    let mut value: serde_json::Value = json::read(text).ok()?;
    for name in filter.trim().strip_prefix('.')?.split('.').filter(|name| !name.is_empty()) {
        let (name, index) = match name.split_once('[') {
            Some((name, index)) => (name, Some(index.trim_end_matches(']'))),
            None => (name, None),
        };
        if !name.is_empty() {
            value = value.get_mut(name.trim_matches('"'))?.take();
        }
        value = match index {
            Some("") => {
                let items =
                    value.as_array()?.iter().filter_map(|item| item.as_str()).collect::<Vec<_>>().join("\n");
                serde_json::Value::String(items)
            }
            Some(index) => value.get_mut(index.parse::<usize>().ok()?)?.take(),
            None => value,
        };
    }
    Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned) + "\n")
}

/// A format whose fields are not known.
pub(super) fn formatted(format: &str) -> String {
    let spelt = format.split('%').enumerate().map(|(at, text)| match at {
        0 => text.to_owned(),
        _ => format!("{}{}", Origin::UNKNOWN.hole(), text.get(1..).unwrap_or_default()),
    });
    escape::unescape(&spelt.collect::<String>())
}

/// What `m4` makes of a known text with `define(name,text)`.
pub(super) fn defined(text: &str) -> Option<String> {
    if has_hole(text) || text.is_empty() {
        return None;
    }
    let (mut made, mut rest) = (String::new(), text.to_owned());
    for _ in 0..16 {
        let Some((before, behind)) = rest.split_once("define(") else { break };
        let (given, behind) = behind.split_once(')')?;
        let (name, value) = given.split_once(',')?;
        let strip = |text: &str| text.trim().trim_matches(['`', '\'']).to_owned();
        made.push_str(before);
        rest = behind.replace(&strip(name), &strip(value));
    }
    let made = made + &rest;
    let calls = ["translit(", "substr(", "format(", "ifelse(", "eval(", "patsubst(", "regexp("];
    (!calls.iter().any(|call| made.contains(call))).then_some(made)
}

/// What `seq` gives, when it is not much: `seq 0 5`.
pub(super) fn counted(words: &[&str]) -> String {
    const MAX: i64 = 16;
    let numbers: Option<Vec<i64>> = words.iter().map(|word| word.parse().ok()).collect();
    let (first, step, last) = match numbers.as_deref() {
        Some([last]) => (1, 1, *last),
        Some([first, last]) => (*first, 1, *last),
        Some([first, step, last]) if *step != 0 => (*first, *step, *last),
        _ => return "1".to_owned(),
    };
    let count = last.saturating_sub(first).checked_div(step).unwrap_or(0).saturating_add(1);
    if !(1..=MAX).contains(&count) {
        return "1".to_owned();
    }
    let value = |at: i64| first.saturating_add(at.saturating_mul(step)).to_string();
    (0..count).map(value).collect::<Vec<_>>().join("\n")
}

/// A line of `seq -f`.
pub(super) fn numbered(format: &str) -> String {
    let Some((before, behind)) = format.split_once('%') else { return format.to_owned() };
    let behind = behind.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
    format!("{before}1{}", behind.get(1..).unwrap_or_default())
}

/// Whether a letter is given by a number that is not known: `\x` and what only runs tell.
fn spells_unknown(format: &str) -> bool {
    has_hole(format)
        && format
            .split('\\')
            .skip(1)
            .any(|rest| rest.trim_start_matches(['x', 'u', 'U', '0']).chars().next().is_some_and(is_hole))
}

/// What `printf` makes of a format and its arguments.
pub(super) fn printf(words: &[&str]) -> String {
    let Some((format, mut args)) = words.split_first() else { return String::new() };
    if spells_unknown(format) {
        return Origin::DECODED.text();
    }
    let mut made = String::new();
    loop {
        let before = args.len();
        let mut rest = *format;
        while let Some(at) = rest.find('%') {
            made.push_str(&escape::unescape(&rest[..at]));
            rest = &rest[at + 1..];
            let flags = rest.bytes().take_while(|b| b"-+ #0123456789.*".contains(b)).count();
            let mut letters = rest[flags..].chars();
            let precision = rest[..flags].split_once('.').and_then(|(_, count)| count.parse::<usize>().ok());
            let kind = letters.next().unwrap_or('%');
            rest = letters.as_str();
            if kind == '%' {
                made.push('%');
                continue;
            }
            let arg = args.first().copied().unwrap_or_default();
            args = args.get(1..).unwrap_or_default();
            let number = || super::arithmetic::value(arg.trim()).unwrap_or(0);
            match kind {
                _ if has_hole(arg) => made.push_str(arg),
                'b' => made.push_str(&escape::unescape(arg)),
                'c' => made.extend(arg.chars().next()),
                'd' | 'i' | 'u' => made.push_str(&number().to_string()),
                'x' => made.push_str(&format!("{:x}", number())),
                'X' => made.push_str(&format!("{:X}", number())),
                'o' => made.push_str(&format!("{:o}", number())),
                _ => made.extend(arg.chars().take(precision.unwrap_or(usize::MAX))),
            }
        }
        made.push_str(&escape::unescape(rest));
        if args.is_empty() || args.len() == before || made.len() > super::MAX_EXPANDED {
            return made;
        }
    }
}

/// `sort`, by letters, backwards, without what is there twice.
pub(super) fn sorted(words: &[&str], text: &str) -> String {
    let has = |option| words.iter().any(|word| word.starts_with('-') && word.contains(option));
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    if has('u') {
        lines.dedup();
    }
    if has('r') {
        lines.reverse();
    }
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

/// `fold -w2`
pub(super) fn folded(words: &[&str], text: &str) -> String {
    let width = words.iter().find_map(|word| {
        word.trim_start_matches(['-', 'w', 'b']).trim_start_matches("width=").parse::<usize>().ok()
    });
    let width = width.filter(|width| *width > 0).unwrap_or(80);
    let mut made = String::new();
    for line in text.lines() {
        for (at, letter) in line.chars().enumerate() {
            if at > 0 && at % width == 0 {
                made.push('\n');
            }
            made.push(letter);
        }
        made.push('\n');
    }
    made
}

/// `tr`
pub(super) fn translated(words: &[&str], text: &str) -> Option<String> {
    let options: String =
        words.iter().filter(|word| word.starts_with('-') && word.len() > 1).copied().collect();
    let mut sets =
        words.iter().filter(|word| !word.starts_with('-') || word.len() == 1).map(|set| letters_of(set));
    let first = sets.next()?;
    let fits = |letter: &char| first.contains(letter) != options.contains(['c', 'C']);
    if options.contains('d') {
        return Some(text.chars().filter(|letter| !fits(letter)).collect());
    }
    let Some(second) = sets.next() else { return Some(text.to_owned()) };
    let last = second.last().copied()?;
    let change = |letter: char| match first.iter().position(|known| *known == letter) {
        Some(at) if !options.contains(['c', 'C']) => second.get(at).copied().unwrap_or(last),
        None if options.contains(['c', 'C']) => last,
        _ => letter,
    };
    Some(text.chars().map(change).collect())
}

/// The letters of a set of `tr`.
fn letters_of(set: &str) -> Vec<char> {
    let spelt = set
        .replace("[:upper:]", "A-Z")
        .replace("[:lower:]", "a-z")
        .replace("[:digit:]", "0-9")
        .replace("[:alpha:]", "A-Za-z")
        .replace("[:alnum:]", "0-9A-Za-z")
        .replace("[:space:]", " \t\n\r")
        .replace("[:blank:]", " \t")
        .replace("[:punct:]", "!-/:-@[-`{-~")
        .replace("[:graph:]", "!-~")
        .replace("[:print:]", " -~")
        .replace("[:cntrl:]", "\u{1}-\u{1f}\u{7f}")
        .replace("[:xdigit:]", "0-9A-Fa-f");
    let letters: Vec<char> = escape::unescape(&spelt).chars().collect();
    let (mut made, mut at) = (Vec::new(), 0);
    while at < letters.len() && made.len() < 1024 {
        if letters.get(at + 1) == Some(&'-') && at + 2 < letters.len() {
            made.extend((letters[at]..=letters[at + 2]).take(256));
            at += 3;
        } else {
            made.push(letters[at]);
            at += 1;
        }
    }
    made
}

/// `head` and `tail`
pub(super) fn ends(call: &Call<'_>, text: &str) -> String {
    let count = |option: &str| {
        let joined = call.rest().iter().find_map(|word| word.strip_prefix(option)?.parse::<i64>().ok());
        joined.or_else(|| call.after(&[option]).and_then(|count| count.trim_start_matches('+').parse().ok()))
    };
    let size = |count: i64| usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if let Some(bytes) = count("-c") {
        let letters: Vec<char> = text.chars().collect();
        let size = size(bytes).min(letters.len());
        return match (call.name, bytes < 0) {
            ("head", false) => letters[..size].iter().collect(),
            ("head", true) => letters[..letters.len() - size].iter().collect(),
            _ if call.rest().iter().any(|word| word.contains('+')) => {
                letters[size.saturating_sub(1)..].iter().collect()
            }
            _ => letters[letters.len() - size..].iter().collect(),
        };
    }
    let lines: Vec<&str> = text.lines().collect();
    let number = call.rest().iter().find_map(|word| word.strip_prefix('-')?.parse::<i64>().ok());
    let size = size(count("-n").or(number).unwrap_or(10)).min(lines.len());
    let kept = match call.name {
        "head" => &lines[..size],
        _ if call.rest().iter().any(|word| word.starts_with('+')) => &lines[size.saturating_sub(1)..],
        _ => &lines[lines.len() - size..],
    };
    kept.join("\n") + "\n"
}

/// `cut -c` and `cut -d -f`
pub(super) fn cut(call: &Call<'_>, text: &str) -> Option<String> {
    let option = |name: &str| {
        call.after(&[name]).or_else(|| {
            call.rest().iter().find_map(|word| word.strip_prefix(name).filter(|rest| !rest.is_empty()))
        })
    };
    let (list, delimiter) = match (option("-c").or_else(|| option("-b")), option("-f")) {
        (Some(list), _) => (list, None),
        (None, Some(list)) => (list, Some(option("-d").and_then(|text| text.chars().next()).unwrap_or('\t'))),
        _ => return None,
    };
    let ranges: Vec<(usize, usize)> = list
        .split(',')
        .take(64)
        .map(|range| match range.split_once('-') {
            Some((from, to)) => (from.parse().unwrap_or(1), to.parse().unwrap_or(usize::MAX)),
            None => (range.parse().unwrap_or(0), range.parse().unwrap_or(0)),
        })
        .collect();
    let picked = |at: usize| ranges.iter().any(|(from, to)| (*from..=*to).contains(&(at + 1)));
    let line = |line: &str| match delimiter {
        None => line
            .chars()
            .enumerate()
            .filter(|(at, _)| picked(*at))
            .map(|(_, letter)| letter)
            .collect::<String>(),
        Some(delimiter) if !line.contains(delimiter) => line.to_owned(),
        Some(delimiter) => {
            let fields =
                line.split(delimiter).enumerate().filter(|(at, _)| picked(*at)).map(|(_, field)| field);
            fields.collect::<Vec<_>>().join(&delimiter.to_string())
        }
    };
    Some(text.lines().map(|text| line(text) + "\n").collect())
}

/// `sed 's/a/b/g'` with plain texts; `None` for whatever else.
pub(super) fn substituted(call: &Call<'_>, text: &str) -> Option<String> {
    let given: Vec<&str> = call
        .rest()
        .iter()
        .enumerate()
        .filter(|(at, word)| {
            let behind = at.checked_sub(1).map(|before| call.rest()[before]);
            matches!(behind, Some("-e" | "--expression"))
                || !word.starts_with('-') && !call.has(&["-e", "--expression"])
        })
        .map(|(_, word)| *word)
        .take(if call.has(&["-e", "--expression"]) { 16 } else { 1 })
        .collect();
    let mut text = text.to_owned();
    for script in given.iter().flat_map(|script| script.split(';')) {
        let script = script.trim();
        let body = script.strip_prefix('s').or_else(|| script.strip_prefix('y'))?;
        let delimiter = body.chars().next()?;
        let mut pieces = body[delimiter.len_utf8()..].split(delimiter);
        let (pattern, with, flags) = (pieces.next()?, pieces.next()?, pieces.next().unwrap_or_default());
        if script.starts_with('y') {
            let (from, to): (Vec<char>, Vec<char>) = (pattern.chars().collect(), with.chars().collect());
            text = text
                .chars()
                .map(|c| {
                    from.iter().position(|known| *known == c).and_then(|at| to.get(at)).copied().unwrap_or(c)
                })
                .collect();
            continue;
        }
        let anchored = pattern.strip_prefix('^');
        let pattern = anchored.unwrap_or(pattern);
        if pattern.contains(['*', '.', '[', '^', '$', '\\', '+', '?', '(']) || with.contains(['&', '\\']) {
            return None;
        }
        let line = |line: &str| {
            if anchored.is_some() {
                let rest = line.strip_prefix(pattern);
                return rest.map_or_else(|| line.to_owned(), |rest| format!("{with}{rest}"));
            }
            if flags.contains('g') { line.replace(pattern, with) } else { line.replacen(pattern, with, 1) }
        };
        text = text.lines().map(|text| line(text) + "\n").collect();
    }
    Some(text)
}

/// The letters of the fields of a format: `%5d%c` has `d` and `c`.
fn kinds_of(format: &str) -> Vec<char> {
    let kind = |spec: &str| spec.chars().find(char::is_ascii_alphabetic);
    format.split('%').skip(1).filter_map(kind).collect()
}

/// `awk '{print $2 $1}'` on a known text; `None` for whatever else.
pub(super) fn awk_prints(call: &Call<'_>, text: &str) -> Option<String> {
    let program = call.plain().find(|word| word.contains('{'))?;
    let inside = program.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
    let separator = call.after(&["-F"]).or_else(|| {
        call.rest().iter().find_map(|word| word.strip_prefix("-F").filter(|rest| !rest.is_empty()))
    });
    let (is_format, items) = match (inside.strip_prefix("printf"), inside.strip_prefix("print")) {
        (Some(items), _) => (true, items),
        (None, Some(items)) => (false, items),
        _ => return None,
    };
    let items = items.trim().trim_start_matches('(').trim_end_matches([')', ';']);
    let items = if items.is_empty() && !is_format { "$0" } else { items };
    let mut made = String::new();
    for line in text.lines() {
        let fields: Vec<&str> = match separator {
            Some(separator) => line.split(separator).collect(),
            None => line.split_whitespace().collect(),
        };
        let mut shown = Vec::new();
        for item in items.split(',') {
            let mut piece = String::new();
            let mut rest = item.trim();
            while !rest.is_empty() {
                if let Some(behind) = rest.strip_prefix('"') {
                    let (literal, behind) = behind.split_once('"')?;
                    piece.push_str(&escape::unescape(literal));
                    rest = behind.trim_start();
                } else if let Some(behind) = rest.strip_prefix('$') {
                    let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
                    let number: usize = behind.get(..digits)?.parse().ok()?;
                    piece.push_str(if number == 0 {
                        line
                    } else {
                        fields.get(number - 1).copied().unwrap_or_default()
                    });
                    rest = behind[digits..].trim_start();
                } else {
                    return None;
                }
            }
            shown.push(piece);
        }
        if is_format {
            // A number stands for the letter of that number.
            let mut kinds = shown.first().map(|format| kinds_of(format)).unwrap_or_default().into_iter();
            for word in shown.iter_mut().skip(1) {
                let code = word.parse().ok().and_then(char::from_u32).filter(|_| kinds.next() == Some('c'));
                if let Some(letter) = code {
                    *word = letter.to_string();
                }
            }
            let words: Vec<&str> = shown.iter().map(String::as_str).collect();
            made.push_str(&printf(&words));
        } else {
            made.push_str(&shown.join(" "));
            made.push('\n');
        }
    }
    Some(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_filled() {
        for (words, expected) in [
            (&["rm -rf %s\\n", "/"][..], "rm -rf /\n"),
            (&["\\x72m"], "rm"),
            (&["%s%s", "r", "m"], "rm"),
            (&["%s ", "rm", "-rf", "/"], "rm -rf / "),
            (&["%b", "\\162m"], "rm"),
            (&["\\%o", "114"], "\\162"),
            (&["%.2s", "rmx"], "rm"),
            (&["100%%"], "100%"),
            (&["%c%c", "rx", "my"], "rm"),
        ] {
            assert_eq!(printf(words), expected, "{words:?}");
        }
    }

    #[test]
    fn letters_are_translated() {
        assert_eq!(translated(&["a-z", "b-za"], "ql").as_deref(), Some("rm"));
        assert_eq!(translated(&["A-Za-z", "N-ZA-Mn-za-m"], "ez -es /").as_deref(), Some("rm -rf /"));
        assert_eq!(translated(&["-d", "x"], "rxm").as_deref(), Some("rm"));
        assert_eq!(translated(&["[:upper:]", "[:lower:]"], "RM").as_deref(), Some("rm"));
    }
}
