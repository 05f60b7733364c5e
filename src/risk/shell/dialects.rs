//! What other shells write in their own way, as the text for `sh` that means the same: `fish`, `csh`, `nu` and
//! PowerShell. Only what decides which command runs is written anew.

use crate::risk::lookup::{Names, list};
use std::borrow::Cow;

use super::code;
use super::quoted;
use crate::risk::value::Origin;

/// Bytes of a text that is written anew.
const MAX_BYTES: usize = 16 * 1024;

/// How deep functions and loops of `zsh` are written anew.
const MAX_RESTATED: usize = 4;
/// Bytes of the names of one loop.
const MAX_NAMES: usize = 64;

/// What in an expression says that a text is put together so that it cannot be read.
const BUILDS: Names = list!("+ ␣-f␣ -join [char] -replace base64 .replace( reverse * split");

/// A text for one of these shells as one for `sh`.
pub(super) fn as_sh<'t>(shell: &str, text: &'t str) -> Cow<'t, str> {
    if shell == "zsh" {
        return zsh(text);
    }
    let restate: fn(&str) -> Option<String> = match shell {
        "fish" => fish,
        "csh" | "tcsh" => csh,
        "nu" | "xonsh" | "elvish" => nu,
        "pwsh" | "powershell" => powershell,
        _ => return text.into(),
    };
    if text.len() > MAX_BYTES {
        return text.into();
    }
    let text = match shell {
        "csh" | "tcsh" => Cow::Owned(restated(text, 0).unwrap_or_else(|| text.to_owned())),
        _ => Cow::Borrowed(text),
    };
    let mut made = String::new();
    for piece in statements(&text) {
        let start = piece.len() - piece.trim_start_matches([' ', '\t', ';', '\n', '|']).len();
        let (before, statement) = piece.split_at(start);
        made.push_str(before);
        made.push_str(&restate(statement).unwrap_or_else(|| statement.to_owned()));
    }
    if shell == "fish" { substituted(&made).into() } else { made.into() }
}

/// What `zsh` alone understands: `{ command }`, `{ … } always { … }`, `alias -g NAME='| sh'`, `file(e:'command':)`.
fn zsh(text: &str) -> Cow<'_, str> {
    let is_own = ["}", "alias -g ", "(e", "(+", "=(", "for", "${="].iter().any(|mark| text.contains(mark));
    if !is_own || text.len() > MAX_BYTES {
        return text.into();
    }
    let text = restated(text, 0)
        .unwrap_or_else(|| text.to_owned())
        .replace("} always {", "}; {")
        .replace("${=", "${");
    let (mut made, mut behind) = (String::new(), String::new());
    let (mut quote, mut open, mut skipped) = (None, Vec::new(), 0);
    for (at, letter) in text.char_indices() {
        if at < skipped {
            continue;
        }
        match (quote, letter) {
            (Some(mark), _) if mark == letter => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(letter),
            (None, '{') => open.push(made.ends_with('$')),
            (None, '}') => {
                let ends_group = open.pop() == Some(false) && made.ends_with(' ');
                if ends_group && !made.trim_end().ends_with([';', '&', '{', '\n']) {
                    made.push(';');
                }
            }
            // A command that is asked about each file.
            (None, '(') if !made.ends_with(['$', ' ', ';', '\n', '(']) => {
                let rest = &text[at + 1..];
                let asked = rest
                    .strip_prefix("e:")
                    .map(|rest| (rest, ":)"))
                    .or_else(|| rest.strip_prefix('+').map(|rest| (rest, ")")));
                if let Some((command, end)) =
                    asked.and_then(|(rest, end)| Some((&rest[..rest.find(end)?], end)))
                {
                    let file = made.rsplit([' ', '\n', ';']).next().unwrap_or_default();
                    let command = command.trim_matches(['"', '\'']).replace('\\', "");
                    behind.push_str(&format!("\nREPLY={file}; {command} "));
                    skipped = at + 1 + (rest.find(end).unwrap_or(0)) + end.len();
                    continue;
                }
            }
            _ => {}
        }
        made.push(letter);
    }
    made.push_str(&behind);
    // `$name` is all of an array there.
    for (at, _) in text.match_indices("=(").take(4) {
        let name =
            text[..at].rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
        if !name.is_empty() {
            made = made.replace(&format!("${name} "), &format!("${{{name}[@]}} "));
            if let Some(before) = made.strip_suffix(&format!("${name}")) {
                made = format!("{before}${{{name}[@]}}");
            }
        }
    }
    for line in text.split(['\n', ';']).filter_map(|line| line.trim().strip_prefix("alias -g ")).take(4) {
        let Some((name, value)) = line.split_once('=').filter(|(name, _)| !name.is_empty()) else { continue };
        made = made.replace(&format!(" {name}"), &format!(" {}", value.trim_matches(['"', '\''])));
    }
    made.into()
}

/// Functions without a name, and loops over a list in brackets, as `sh` has them: `() { … } word`, `for f (a b) command`.
fn restated(text: &str, depth: usize) -> Option<String> {
    let has_own = text.contains("() {") || text.contains("function {") || text.contains("for");
    if !has_own || depth >= MAX_RESTATED {
        return None;
    }
    let (mut made, mut quote, mut starts, mut skipped) = (String::new(), None, true, 0);
    for (at, letter) in text.char_indices().filter(|(_, letter)| *letter != '\r') {
        if at < skipped {
            continue;
        }
        if starts && quote.is_none() && matches!(letter, '(' | 'f') {
            let own = unnamed(&text[at..], depth).or_else(|| looped(&text[at..], depth));
            if let Some((meant, length)) = own {
                made.push_str(&meant);
                skipped = at + length;
                continue;
            }
        }
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (Some(_), _) | (None, ' ' | '\t') => {}
            (None, '\'' | '"') => quote = Some(letter),
            _ => {}
        }
        starts =
            quote.is_none() && (starts && letter == ' ' || matches!(letter, ';' | '\n' | '{' | '&' | '|'));
        made.push(letter);
    }
    Some(made)
}

/// `() { body } words`, and how long that is.
fn unnamed(text: &str, depth: usize) -> Option<(String, usize)> {
    let opening =
        ["() {", "function {", "function () {"].iter().find(|start| text.starts_with(**start))?.len();
    let close = opening - 1 + closing(&text[opening - 1..], '{', '}')?;
    let end = close + 1 + ends(&text[close + 1..]);
    let body = &text[opening..close];
    let body = restated(body, depth + 1).unwrap_or_else(|| body.to_owned());
    Some((format!("unnamed() {{ {body}; }}; unnamed {}", text[close + 1..end].trim()), end))
}

/// `for names (list) command`, `foreach name (list) … end`, and how long that is.
fn looped(text: &str, depth: usize) -> Option<(String, usize)> {
    let rest = text.strip_prefix("foreach ").or_else(|| text.strip_prefix("for "))?;
    let (names, _) = rest.split_once('(')?;
    let is_name = |name: &str| super::names::is_variable(name);
    if names.len() > MAX_NAMES || !names.split_whitespace().all(is_name) || names.trim().is_empty() {
        return None;
    }
    let open = text.len() - rest.len() + names.len();
    let close = open + closing(&text[open..], '(', ')')?;
    let list = &text[open + 1..close];
    let behind = text[close + 1..].trim_start_matches([' ', ';', '\n']);
    let start = text.len() - behind.len();
    let (body, end) = if behind.starts_with('{') {
        let close = start + closing(behind, '{', '}')?;
        (&text[start + 1..close], close + 1)
    } else if let Some(rest) = behind.strip_prefix("do") {
        let end = text.len() - rest.len() + rest.find("done")?;
        (&text[text.len() - rest.len()..end], end + "done".len())
    } else if text.starts_with("foreach") {
        let end = start + behind.find("end")?;
        (&text[start..end], end + "end".len())
    } else {
        let end = start + ends(behind);
        (&text[start..end], end)
    };
    let body = restated(body, depth + 1).unwrap_or_else(|| body.to_owned());
    let body = body.trim().trim_end_matches(';');
    // Each of several names may stand for each of the values.
    let loops: String = names.split_whitespace().map(|name| format!("for {name} in {list}; do ")).collect();
    Some((format!("{loops}{body}{}", "; done".repeat(names.split_whitespace().count())), end))
}

/// Where a simple command ends.
fn ends(text: &str) -> usize {
    let mut quote = None;
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(letter),
            (None, ';' | '\n' | '}') => return at,
            _ => {}
        }
    }
    text.len()
}

/// The statements of a text, each with what parts it from the one before.
fn statements(text: &str) -> Vec<&str> {
    let (mut found, mut start, mut quote, mut depth) = (Vec::new(), 0, None, 0_usize);
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(letter),
            (None, '(') => depth += 1,
            (None, ')') => depth = depth.saturating_sub(1),
            (None, ';' | '\n' | '|') if depth == 0 => {
                found.push(&text[start..at]);
                start = at;
            }
            _ => {}
        }
    }
    found.push(&text[start..]);
    found
}

/// `set c rm`
fn fish(statement: &str) -> Option<String> {
    let mut words = statement.strip_prefix("set ")?.trim_start();
    while let Some((option, rest)) = words.split_once(' ').filter(|(word, _)| word.starts_with('-')) {
        words = rest.trim_start_matches(|_| option.is_empty()).trim_start();
    }
    let (name, value) = words.split_once(' ')?;
    let value = value.trim();
    let is_plain = !value.contains(['"', '\'', '(', '\\']);
    Some(if is_plain && value.contains(' ') {
        format!("{name}=\"{value}\"")
    } else {
        format!("{name}={value}")
    })
}

/// `(command)` → `$(command)`, outside of quotes.
fn substituted(text: &str) -> String {
    let (mut made, mut quote, mut before) = (String::new(), None, ' ');
    for letter in text.chars() {
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (None, '\'' | '"') => quote = Some(letter),
            (None, '(') if before != '$' => made.push('$'),
            _ => {}
        }
        made.push(letter);
        before = letter;
    }
    made
}

/// `set c=rm`, `setenv c rm`, `alias x rm`
fn csh(statement: &str) -> Option<String> {
    if let Some(rest) = statement.strip_prefix("set ") {
        let set = rest.replacen(" = ", "=", 1);
        // `$name` is all of a list there.
        return Some(
            match set.split_once("=(").and_then(|(name, list)| Some((name, list.strip_suffix(')')?))) {
                Some((name, list)) => format!("{name}=\"{list}\""),
                None => set,
            },
        );
    }
    let (sets, rest) = match statement.strip_prefix("setenv ") {
        Some(rest) => ("export ", rest),
        None => ("alias ", statement.strip_prefix("alias ")?),
    };
    let (name, value) = rest.split_once(' ')?;
    Some(format!("{sets}{name}={}", quoted(value.trim().trim_matches(['"', '\'']))))
}

/// `let c = "rm"`, `^rm`, `$[rm]`
fn nu(statement: &str) -> Option<String> {
    if let Some(inner) = statement.strip_prefix("$[").or_else(|| statement.strip_prefix("$(")) {
        return Some(inner.trim_end_matches([']', ')']).to_owned());
    }
    let set = ["let ", "mut ", "var "].iter().find_map(|word| statement.strip_prefix(word));
    set.map(|rest| rest.replacen(" = ", "=", 1)).or_else(|| statement.strip_prefix('^').map(str::to_owned))
}

/// `& ("r" + "m") -rf x`, `$c = "rm"`, `iex (…)`, `Start-Process rm -ArgumentList "x"`
fn powershell(statement: &str) -> Option<String> {
    let called = statement.strip_prefix(['&', '.']).map(str::trim_start);
    let statement = called.unwrap_or(statement);
    let lower = statement.to_ascii_lowercase();
    if let Some((name, value)) = statement.strip_prefix('$').and_then(|rest| rest.split_once('=')) {
        let name = name.trim();
        let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        return is_name.then(|| format!("{name}={}", shown(value)));
    }
    if lower.starts_with("start-process ") {
        let words = statement["start-process ".len()..].replace("-ArgumentList", "").replace("-FilePath", "");
        return Some(words.replace(',', " "));
    }
    if let Some((_, path)) = lower.starts_with('[').then(|| lower.split_once("]::delete(")).flatten() {
        let path = path.trim_matches(|c| matches!(c, '"' | '\''));
        return Some(format!("rm -rf {}", quoted(path.split(['"', '\'']).next()?)));
    }
    let evaluated = ["iex ", "invoke-expression "].iter().find_map(|word| lower.strip_prefix(word));
    if let Some(rest) = evaluated {
        return Some(format!("eval {}", shown(&statement[statement.len() - rest.len()..])));
    }
    if let Some((_, block)) = lower.split_once("[scriptblock]::create(") {
        return Some(format!("eval {}", shown(&statement[statement.len() - block.len()..])));
    }
    if called.is_some() && statement.starts_with('(') {
        let close = closing(statement, '(', ')')?;
        return Some(format!("{}{}", shown(&statement[1..close]), &statement[close + 1..]));
    }
    called.map(str::to_owned)
}

/// Where the first bracket of such is closed.
fn closing(text: &str, opens: char, closes: char) -> Option<usize> {
    let (mut depth, mut quote) = (0_usize, None);
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(letter),
            (None, letter) if letter == opens => depth += 1,
            (None, letter) if letter == closes => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// The text that an expression stands for, quoted; a hole where it cannot be told.
fn shown(expression: &str) -> String {
    let expression = expression.trim();
    let lower = expression.to_ascii_lowercase();
    let builds = BUILDS.iter().any(|sign| lower.contains(sign)) && expression.contains(['"', '\'', '*', ']']);
    match code::text_of(expression, "pwsh") {
        Some(text) => quoted(&text),
        None if builds => Origin::DECODED.text(),
        None if expression.starts_with('(') => Origin::UNKNOWN.text(),
        None => expression.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::risk::{Context, Level, judge_command};

    #[test]
    fn other_shells_are_read() {
        for (shell, text, expected) in [
            ("fish", "set c rm; $c -rf x", "c=rm; $c -rf x"),
            ("fish", "set -l c rm -rf; $c x", "c=\"rm -rf\"; $c x"),
            ("fish", "eval (echo 'a (b)')", "eval $(echo 'a (b)')"),
            ("csh", "set c = rm; alias x rm", "c=rm; alias x=rm"),
            ("tcsh", "setenv A b", "export A=b"),
            ("nu", "let c = 'rm'; ^$c x", "c='rm'; $c x"),
            ("pwsh", "$c = 'r' + 'm'; & $c x", "c=rm; $c x"),
            ("pwsh", "& ('r'+'m') -rf x", "rm -rf x"),
            ("pwsh", "& ./build.ps1 -a | sort", "./build.ps1 -a | sort"),
            ("bash", "(a)", "(a)"),
        ] {
            assert_eq!(as_sh(shell, text), expected, "{shell} {text}");
        }
    }

    #[test]
    fn what_is_put_together_there_is_not_harmless() {
        for (command, expected) in [
            ("fish -c '(string reverse mr) -rf /srv'", Level::High),
            ("zsh -c '${(L)${:-RM}} -rf /srv'", Level::High),
            ("zsh -c '${(j::)${(s:,:)${:-r,m}}} -rf /srv'", Level::High),
            ("zsh -c '=rm -rf /srv'", Level::High),
            ("pwsh -c '& (\"{1}{0}\" -f \"m\",\"r\") -rf /srv'", Level::High),
            ("pwsh -c '&(gcm rem*e-it*) -Recurse /srv'", Level::High),
            ("pwsh -c '& \"./scripts/build.ps1\" -Config Release'", Level::Low),
            ("pwsh -c '& (Join-Path $PSScriptRoot x.ps1)'", Level::Medium),
            ("fish -c 'set x (date); echo $x'", Level::Low),
            ("zsh -c 'print -l ${(ou)path}'", Level::Low),
        ] {
            let level = judge_command(command, &Context::default()).level;
            assert!(
                if expected == Level::High { level == expected } else { level <= expected },
                "{command}: {level:?}"
            );
        }
    }
}
