//! Languages that are read by what is their own: awk, Lisp and Tcl, and lists of codes and digits in any of them.

use super::tokens::{self, Token};
use super::values::Values;
use super::{Does, is_one};
use crate::risk::effects::Effect;
use crate::risk::lookup::{Names, list};
use crate::risk::shell::{decode, interpreters, names};

/// Tokens of what is printed or run that are looked back at.
const MAX_PIECES: usize = 16;

/// Variables of a script of Tcl that are looked at.
const MAX_VALUES: usize = 16;

/// Lists of character codes, and hexadecimal or base64 texts, in code that runs something: what they spell may be what
/// is run, in whichever way it is put together.
pub(super) fn hidden(tokens: &[Token], lower: &str, found: &mut Vec<Does>) {
    const RUN: Names = list!("system exec spawn popen subprocess eval shell_exec passthru command cmd");
    if !is_one(lower, RUN) {
        return;
    }
    let is_line = |text: &str| {
        text.len() > 3 && text.contains(' ') && text.bytes().all(|b| (b' '..=b'~').contains(&b) || b == b'\n')
    };
    let mut codes = String::new();
    for token in tokens.iter().chain(std::iter::once(&Token::Sign('\n'))) {
        match token {
            Token::Number(code @ 9..=126) => codes.extend(u32::try_from(*code).ok().and_then(char::from_u32)),
            Token::Sign(',' | '+' | '(' | ')' | '.' | '&') => {}
            Token::Name(name) if matches!(name.to_ascii_lowercase().as_str(), "chr" | "char" | "chrw") => {}
            _ => {
                if is_line(&codes) {
                    found.push(Does::Runs(std::mem::take(&mut codes)));
                }
                codes.clear();
            }
        }
        if let Token::Text(text) = token
            && (8..4096).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=_-".contains(&b))
        {
            let is_hex = text.bytes().all(|b| b.is_ascii_hexdigit());
            let spelt = decode::hexadecimal(text).filter(|spelt| is_hex && is_line(spelt));
            let spelt = spelt.or_else(|| decode::base64(text)).filter(|spelt| is_line(spelt));
            found.extend(spelt.map(Does::Runs));
        }
    }
}

/// `print | "cmd"`, `"cmd" | getline`, `print > "file"`
pub(super) fn awk(code: &str, found: &mut Vec<Does>) {
    let tokens = tokens::read(code, "awk");
    let mut values = Values::new(&tokens, "awk");
    let mut written: Vec<(String, String)> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        values.note(at);
        let text = match token {
            Token::Text(text) => text,
            // ("a" "b") | getline
            Token::Sign(')')
                if tokens.get(at + 1) == Some(&Token::Sign('|'))
                    && matches!(tokens.get(at + 2), Some(Token::Name(name)) if name == "getline") =>
            {
                let open =
                    (at.saturating_sub(MAX_PIECES)..at).rev().find(|at| tokens[*at] == Token::Sign('('));
                found.extend(open.and_then(|open| values.from(open + 1)).map(Does::Runs));
                continue;
            }
            Token::Name(name) if at > 0 && tokens[at - 1] == Token::Sign('<') => {
                found.extend(values.text_of(name).map(|path| Does::Acts(Effect::Read, path.to_owned())));
                continue;
            }
            // cmd | getline
            Token::Name(name) if tokens.get(at + 1) == Some(&Token::Sign('|')) => {
                found.extend(values.text_of(name).map(|line| Does::Runs(line.to_owned())));
                continue;
            }
            _ => continue,
        };
        let before = at.checked_sub(1).and_then(|at| tokens.get(at));
        let behind = (tokens.get(at + 1), tokens.get(at + 2));
        match (before, behind) {
            (Some(Token::Sign('|' | '&')), _) => {
                found.push(Does::Runs(text.clone()));
                if interpreters::is_shell(names::base(text)) {
                    // What is printed to a shell runs.
                    let printed = tokens[..at].iter().rev().take(16).find_map(|token| match token {
                        Token::Text(text) => Some(Does::Runs(text.clone())),
                        Token::Name(name) if name == "print" => Some(Does::RunsInput),
                        _ => None,
                    });
                    found.extend(printed);
                }
            }
            (_, (Some(Token::Sign('|')), Some(Token::Name(name)))) if name == "getline" => {
                found.push(Does::Runs(text.clone()));
            }
            (_, (Some(Token::Sign('|')), Some(Token::Sign('&')))) => found.push(Does::Runs(text.clone())),
            (Some(Token::Sign('>')), _) => {
                let path = values.from(at).unwrap_or_else(|| text.clone());
                let print = (at.saturating_sub(MAX_PIECES)..at).rev();
                let mut print =
                    print.filter(|at| matches!(&tokens[*at], Token::Name(name) if name.starts_with("print")));
                if let Some(content) = print.next().and_then(|print| values.from(print + 1)) {
                    match written.iter_mut().find(|(known, _)| *known == path) {
                        Some((_, text)) => *text = format!("{text}\n{content}"),
                        None => written.push((path.clone(), content)),
                    }
                }
                found.push(Does::Acts(Effect::Write, path));
            }
            // print > (folder "/name")
            (Some(Token::Sign('(')), _) if at > 1 && tokens[at - 2] == Token::Sign('>') => {
                let pieces = tokens[at..].iter().take(8).map_while(|token| match token {
                    Token::Text(text) => Some(text.as_str()),
                    _ => None,
                });
                found.push(Does::Acts(Effect::Write, pieces.collect()));
            }
            (Some(Token::Sign('<')), _) => found.push(Does::Acts(Effect::Read, text.clone())),
            _ => {}
        }
    }
    found.extend(written.into_iter().take(MAX_PIECES).map(|(path, text)| Does::Wrote(path, text)));
}

/// `(delete-directory "path" t)`: calls whose names are parted by lines.
pub(super) fn lisp(code: &str, found: &mut Vec<Does>) {
    const CALLS: &[(&str, Effect)] = &[
        ("delete-directory", Effect::DeleteTree),
        ("delete-file", Effect::Delete),
        ("f-delete", Effect::DeleteTree),
        ("delete-tree", Effect::DeleteTree),
        ("rename-file", Effect::Move),
        ("write-file", Effect::Write),
        ("write-region", Effect::Write),
        ("insert-file-contents", Effect::Read),
        ("find-file", Effect::Read),
        ("with-open-file", Effect::Read),
        ("open-input-file", Effect::Read),
        ("open-output-file", Effect::Write),
        ("slurp", Effect::Read),
        ("spit", Effect::Write),
    ];
    for (name, effect) in CALLS {
        for (at, _) in code.match_indices(name).take(16) {
            let call = code[at..].split(')').next().unwrap_or_default();
            // The name of a file comes first, but for what is written of a buffer.
            let texts = call.split('"').skip(1).step_by(2);
            found.extend(
                texts
                    .filter(|text| text.starts_with(['/', '~']))
                    .map(|text| Does::Acts(*effect, text.to_owned())),
            );
        }
    }
}

/// `file delete`, `exec` and `spawn`, and what is looked for where something is deleted.
pub(super) fn tcl(code: &str, found: &mut Vec<Does>) {
    let deletes =
        code.split("file delete ").skip(1).filter_map(|rest| rest.split(['\n', ';', ']', '}']).next());
    // What is looked for is what is deleted.
    let sought = code.split("glob ").skip(1).filter_map(|rest| rest.split(['\n', ';', ']', '}']).next());
    let sought = sought.filter(|_| code.contains("file delete"));
    let words = deletes.chain(sought).flat_map(str::split_whitespace);
    let paths = words.filter(|word| !word.starts_with(['-', '$'])).take(16);
    found.extend(paths.map(|path| Does::Acts(Effect::DeleteTree, path.to_owned())));
    let mut code = code.replace('[', "$(").replace(']', ")");
    for (name, value) in values_of(&code) {
        // One word, unless it is parted again.
        for parted in ["{*}", "eval ", "exec ", "[", "$("] {
            code = code.replace(&format!("{parted}${name}"), &format!("{parted}{value}"));
        }
        code = code.replace(&format!("${name}"), &super::quoted(&value));
    }
    // A line, and what stands in brackets in it.
    let lines = code.split(['\n', ';']);
    let lines = lines.flat_map(|line| std::iter::once(line).chain(line.split("$(").skip(1).take(8)));
    let lines = lines.map(str::trim);
    let runs = lines.filter_map(|line| {
        let line = line.trim_start_matches(['{', '[', ' ']);
        let line = line.strip_prefix("eval ").unwrap_or(line);
        let line = line.strip_prefix("concat ").unwrap_or(line);
        ["exec ", "spawn ", "system "].iter().find_map(|start| line.strip_prefix(start))
    });
    found.extend(runs.map(|line| {
        let line = line.trim_start_matches("{*}").trim_matches(['{', '}', '"']);
        Does::Runs(if line.contains("$(") {
            line.to_owned()
        } else {
            line.trim_end_matches([')', '}']).to_owned()
        })
    }));
}

/// What `set name value` says.
fn values_of(code: &str) -> Vec<(String, String)> {
    let lines = code.split(['\n', ';']).map(str::trim);
    let mut values: Vec<(String, String)> = Vec::new();
    for line in lines {
        let (adds, rest) = match (line.strip_prefix("set "), line.strip_prefix("append ")) {
            (Some(rest), _) => (false, rest),
            (None, Some(rest)) => (true, rest),
            _ => continue,
        };
        let Some((name, value)) = rest.trim().split_once(' ').filter(|_| values.len() < MAX_VALUES) else {
            continue;
        };
        let value = value.trim_matches(['{', '}', '"']);
        match values.iter_mut().find(|(known, _)| adds && known == name) {
            Some((_, text)) => text.push_str(value),
            None => values.push((name.to_owned(), value.to_owned())),
        }
    }
    values
}
