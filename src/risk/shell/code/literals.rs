//! Texts of code that count wherever they stand: paths, and command lines where something is run.

use super::tokens::Token;
use super::values::Values;
use super::{Does, quoted};
use crate::risk::effects::Effect;
use crate::risk::lookup::{Names, list};

/// Bytes of a literal that is taken for a path.
const MAX_PATH: usize = 200;

/// Calls that only show what they are given.
const SHOWS: Names = list!("print puts echo log printf println write say info error warn assert display p");

/// Programs that a text must begin with to count as a command wherever it stands in code that runs something.
const COMMANDS: Names = list!("rm dd shred mkfs.ext4 sudo chmod /bin/rm /usr/bin/rm mv chown");

/// The path of a file that stands in code is there to be opened.
pub(super) fn opened(values: &Values<'_>, found: &mut Vec<Does>) {
    let is_shown = |at: usize| match at.checked_sub(2).and_then(|at| values.tokens.get(at)) {
        Some(Token::Name(name)) => SHOWS.contains(name),
        _ => false,
    };
    let opened = values.tokens.iter().enumerate().filter(|(at, token)| match token {
        Token::Text(path) => {
            path.starts_with(['/', '~'])
                && path.len() < MAX_PATH
                && !path.contains(char::is_whitespace)
                && !is_shown(*at)
        }
        _ => false,
    });
    let opened: Vec<String> = opened.take(8).filter_map(|(at, _)| values.from(at)).collect();
    for path in opened {
        let reads = Does::Acts(Effect::Read, path);
        if !found.contains(&reads) {
            found.push(reads);
        }
    }
}

/// Texts that are command lines, or the words of one, and are not only shown.
pub(super) fn literals(tokens: &[Token]) -> impl Iterator<Item = String> {
    let (mut found, mut is_shown, mut at) = (Vec::new(), false, 0);
    // How deep the parentheses are within those of what shows.
    let mut depth = 0_usize;
    while at < tokens.len() && found.len() < 8 {
        match &tokens[at] {
            Token::Sign('(') if is_shown => depth += 1,
            Token::Sign(')') if depth > 0 => {
                depth -= 1;
                is_shown = depth > 0;
            }
            Token::Name(_) if depth > 0 => {}
            Token::Name(name) => {
                is_shown = SHOWS.contains(name.as_str());
            }
            Token::Sign(';') if depth == 0 => is_shown = false,
            Token::Text(text) if !is_shown => {
                let first = text.split_whitespace().next().unwrap_or_default();
                if COMMANDS.contains(first) {
                    let mut words = vec![text.clone()];
                    // "rm", ["-rf", "/"]
                    while text.trim() == first && words.len() < 16 {
                        match tokens.get(at + 1) {
                            Some(Token::Sign(',' | '[' | '(' | ')' | '.') | Token::Name(_)) => {}
                            Some(Token::Text(word)) => words.push(quoted(word)),
                            _ => break,
                        }
                        at += 1;
                    }
                    if words.len() > 1 || words[0].contains(' ') {
                        found.push(words.join(" "));
                    }
                }
            }
            _ => {}
        }
        at += 1;
    }
    found.into_iter()
}
