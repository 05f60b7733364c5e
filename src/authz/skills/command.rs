//! Skill files in a command line or a program. Not a shell: words with their quotes taken off, simple assignments, `cd`
//! and globs, which is how an agent reads a file that it was told of.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finder, Lead, Places, SKILL_FILE, absolute};

/// Bytes of a command that are looked at.
const MAX_BYTES: usize = 64 << 10;
/// Folders that a command may change to; relative paths are tried from each of them.
const MAX_FOLDERS: usize = 16;
/// Variables whose value is followed.
const MAX_VARIABLES: usize = 64;
/// Stands in a word for a value that is not known.
const UNKNOWN: char = '\u{fffc}';
/// What makes a word more than one path.
const IS_PATTERN: [char; 5] = ['*', '?', '[', '{', UNKNOWN];
/// How programs of newer hosts read a skill by its name.
const READ_BY_NAME: &str = "skills.read(";

/// Adds the skills that a command reads which starts in a folder.
pub(super) fn look(text: &str, folder: Option<&str>, finder: &mut Finder<'_>) {
    let mut end = text.len().min(MAX_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = &text[..end];
    by_name(text, finder);
    let mut folders = vec![folder.map(str::to_owned)];
    let mut variables = BTreeMap::new();
    for words in commands(text) {
        let words: Vec<String> = words.iter().map(|word| expanded(word, &variables)).collect();
        for (at, word) in words.iter().enumerate() {
            let value = word.split_once('=');
            if let Some((name, value)) = value.filter(|(name, _)| is_name(name))
                && variables.len() < MAX_VARIABLES
            {
                variables.insert(name.to_owned(), value.to_owned());
            }
            for path in [Some(word.as_str()), value.map(|(_, value)| value)].into_iter().flatten() {
                of_word(path, &folders, finder);
            }
            let changes = at > 0 && matches!(words[at - 1].as_str(), "cd" | "pushd" | "-C" | "--chdir");
            if changes && folders.len() < MAX_FOLDERS {
                let last = folders.last().cloned().flatten();
                folders.push(Some(absolute(word, &Places { folder: last.as_deref(), ..finder.places })));
            }
        }
    }
}

/// `skills.read("name")`; a name that is not written out may be any.
fn by_name(text: &str, finder: &mut Finder<'_>) {
    for (at, _) in text.match_indices(READ_BY_NAME) {
        let argument = text[at + READ_BY_NAME.len()..].trim_start();
        let quote = argument.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'));
        let name = quote.and_then(|quote| argument[1..].split_once(quote)).map(|(name, _)| name);
        match name.filter(|name| !name.is_empty() && !name.contains(['$', '\\'])) {
            Some(name) => drop(finder.names.insert(name.to_owned())),
            None => finder.any(),
        }
    }
}

/// Adds the skills that a word leads to, as a path or as a pattern of paths, from each of the folders.
fn of_word(word: &str, folders: &[Option<String>], finder: &mut Finder<'_>) {
    let file = word.rsplit('/').next().unwrap_or_default();
    let lower = file.to_lowercase();
    if !word.contains(IS_PATTERN) {
        // For a link with another name there is a look at the disk, which is not worth it for words that are no paths.
        if word.contains('/') || lower.contains("skill") || lower.ends_with(".md") {
            let leads: Vec<_> = folders.iter().map(|folder| finder.listed(word, folder.as_deref())).collect();
            // It is one file: of a listed skill, or else most likely in the last folder.
            let is_listed = leads.iter().any(|lead| matches!(lead, Lead::Listed));
            let unlisted = leads.into_iter().rev().find_map(|lead| match lead {
                Lead::Unlisted(name) => Some(name),
                Lead::Elsewhere | Lead::Listed => None,
            });
            finder.names.extend(unlisted.filter(|_| !is_listed));
        }
        return;
    }
    let is_anything = file.chars().all(|c| c == UNKNOWN);
    if is_anything || !fits(&pattern(file), &SKILL_FILE.to_lowercase()) {
        return;
    }
    let mut found = BTreeSet::new();
    for folder in folders {
        if !finder.takes_one() {
            return;
        }
        // What begins with an unknown value may begin with a folder.
        let wanted = match word.starts_with(UNKNOWN) {
            true => pattern(word),
            false => pattern(&absolute(word, &Places { folder: folder.as_deref(), ..finder.places })),
        };
        let fitting = finder.located().iter().filter(|(form, _)| fits(&wanted, form));
        found.extend(fitting.flat_map(|(_, names)| names.iter().map(|name| (*name).to_owned())));
    }
    if found.is_empty() && lower == SKILL_FILE.to_lowercase() {
        // It is a skill's file all the same: of the folder that it names, or of any.
        match word.rsplit('/').nth(1).filter(|folder| !folder.is_empty() && !folder.contains(IS_PATTERN)) {
            Some(folder) => drop(found.insert(folder.to_owned())),
            None => finder.any(),
        }
    }
    finder.names.extend(found);
}

/// The words of each command, without quotes.
fn commands(text: &str) -> Vec<Vec<String>> {
    let (mut commands, mut words, mut word) = (Vec::new(), Vec::new(), String::new());
    let (mut quote, mut characters) = (None, text.chars().peekable());
    while let Some(c) = characters.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None | Some('"'), '\\') => {
                if let Some(next) = characters.next()
                    && next != '\n'
                {
                    word.push(next);
                }
            }
            (None, '{') if word.ends_with('$') => {
                word.push(c);
                word.extend(std::iter::from_fn(|| characters.next_if(|c| *c != '}' && !c.is_whitespace())));
            }
            // Quotes of a program within the quotes of a shell do not hide its words either.
            (_, c)
                if c.is_whitespace()
                    || matches!(c, '(' | ')' | '<' | '>' | '`' | '"' | '\'' | ',') && !is_brace(&word) =>
            {
                if c == '(' && word.ends_with('$') {
                    word.push(UNKNOWN);
                }
                words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()));
                if c == '\n' && quote.is_none() {
                    commands.push(std::mem::take(&mut words));
                }
            }
            (_, ';' | '|' | '&') => {
                words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()));
                commands.push(std::mem::take(&mut words));
            }
            (_, c) => word.push(c),
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    commands.push(words);
    commands
}

/// Whether a brace expansion is open in a word.
fn is_brace(word: &str) -> bool {
    word.rfind('{').is_some_and(|open| !word[open..].contains('}') && !word[..open].ends_with('$'))
}

/// The word with its variables replaced: known ones by their value, `$HOME` left for the path, others by [`UNKNOWN`].
fn expanded(word: &str, variables: &BTreeMap<String, String>) -> String {
    let mut shown = String::new();
    let mut rest = word;
    while let Some(at) = rest.find('$') {
        shown.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let inner = after.strip_prefix('{').unwrap_or(after);
        let length = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inner.len());
        let name = &inner[..length];
        rest = &inner[length..];
        if inner.len() < after.len() {
            let close = rest.find('}').map_or(rest.len(), |close| close + 1);
            rest = &rest[close..];
        }
        match variables.get(name) {
            Some(value) => shown.push_str(value),
            None if name == "HOME" => shown.push_str("$HOME"),
            None if shown.ends_with(UNKNOWN) => {}
            None => shown.push(UNKNOWN),
        }
        if shown.len() > MAX_BYTES {
            break;
        }
    }
    shown + rest
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// One step of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// This character.
    Is(char),
    /// Any one character of a name.
    One,
    /// Any characters of a name.
    Many,
    /// Anything.
    All,
}

/// A pattern of paths, letters folded. Lists of characters and of alternatives count as anything within a name.
fn pattern(word: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut characters = word.chars().flat_map(char::to_lowercase).peekable();
    while let Some(c) = characters.next() {
        steps.push(match c {
            '*' if characters.peek() == Some(&'*') => Step::All,
            '*' => Step::Many,
            '?' => Step::One,
            UNKNOWN => Step::All,
            '[' | '{' => {
                let close = if c == '[' { ']' } else { '}' };
                while characters.next_if(|c| *c != close && *c != '/').is_some() {}
                characters.next_if_eq(&close);
                Step::Many
            }
            c => Step::Is(c),
        });
    }
    steps
}

/// Whether a text fits a pattern; in time of their lengths' product.
fn fits(pattern: &[Step], text: &str) -> bool {
    // Which beginnings of the pattern fit what was read so far.
    let mut open = vec![false; pattern.len() + 1];
    open[0] = true;
    let skip = |open: &mut Vec<bool>| {
        for (at, step) in pattern.iter().enumerate() {
            open[at + 1] |= open[at] && matches!(step, Step::Many | Step::All);
        }
    };
    skip(&mut open);
    for c in text.chars() {
        let mut next = vec![false; pattern.len() + 1];
        for (at, step) in pattern.iter().enumerate().filter(|(at, _)| open[*at]) {
            match step {
                Step::Is(is) => next[at + 1] |= *is == c,
                Step::One => next[at + 1] |= c != '/',
                Step::Many => next[at] |= c != '/',
                Step::All => next[at] = true,
            }
        }
        open = next;
        skip(&mut open);
    }
    open[pattern.len()]
}
