//! Skill files in a command line or a program. Not a shell: words with their quotes taken off, simple assignments, `cd`
//! and globs, which is how an agent reads a file that it was told of.

use std::collections::{BTreeMap, BTreeSet};

use super::finder::{Finder, Lead};
use super::{MAX_PATH_BYTES, Places, SKILL_FILE, absolute};

/// Bytes of a command that are looked at.
const MAX_BYTES: usize = 64 << 10;
/// Folders that a command may change to; relative paths are tried from each of them.
const MAX_FOLDERS: usize = 16;
/// What a pattern costs of [`super::MAX_NAMED`]: it is held against every location.
const PATTERN_COST: usize = 16;
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
    let mut place = Place { folders: vec![folder.map(str::to_owned)], before: String::new() };
    let mut variables = BTreeMap::new();
    for words in commands(text) {
        place.before.clear();
        for Word { whole, parts } in words {
            if let Some(whole) = whole.map(|whole| expanded(&whole, &variables))
                && (place.changed_to(&whole, finder) || is_listed(&whole, &place.folders, finder))
            {
                continue;
            }
            for part in parts {
                let word = expanded(&part, &variables);
                let value = word.split_once('=');
                if let Some((name, value)) = value.filter(|(name, _)| is_name(name))
                    && variables.len() < MAX_VARIABLES
                {
                    variables.insert(name.to_owned(), value.to_owned());
                }
                for path in [Some(word.as_str()), value.map(|(_, value)| value)].into_iter().flatten() {
                    of_word(path, &place.folders, finder);
                }
                place.changed_to(&word, finder);
                place.before = word;
            }
        }
    }
}

/// Where a command may be.
struct Place {
    /// The folders that it has been in, the last one last.
    folders: Vec<Option<String>>,
    /// The word before.
    before: String,
}

impl Place {
    /// Goes where a word leads, if the word before says so.
    fn changed_to(&mut self, word: &str, finder: &Finder<'_>) -> bool {
        let changes = matches!(self.before.as_str(), "cd" | "pushd" | "-C" | "--chdir");
        if changes && self.folders.len() < MAX_FOLDERS {
            let last = self.folders.last().cloned().flatten();
            let places = Places { folder: last.as_deref(), ..finder.places };
            self.folders.push(Some(absolute(word, &places)));
        }
        changes
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
        if !finder.takes(PATTERN_COST) {
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

/// Whether a quoted text with spaces in it is the path of a listed skill.
fn is_listed(path: &str, folders: &[Option<String>], finder: &mut Finder<'_>) -> bool {
    let mut leads = folders.iter().map(|folder| finder.listed(path, folder.as_deref()));
    leads.any(|lead| matches!(lead, Lead::Listed))
}

/// A word without its quotes.
struct Word {
    /// As it is, if it has separators in its quotes.
    whole: Option<String>,
    /// Its own words, since it may be a program's text; a plain word is its only one.
    parts: Vec<String>,
}

/// The words of each command.
fn commands(text: &str) -> Vec<Vec<Word>> {
    let mut reader = Reader::default();
    let (mut quote, mut characters) = (None, text.chars().peekable());
    while let Some(c) = characters.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None | Some('"'), '\\') => {
                characters.next().filter(|next| *next != '\n').into_iter().for_each(|next| reader.push(next));
            }
            (None, '{') if reader.word.ends_with('$') => {
                reader.push(c);
                while let Some(c) = characters.next_if(|c| *c != '}' && !c.is_whitespace()) {
                    reader.push(c);
                }
            }
            (quote, c) if is_separator(c) || c == ',' && !is_brace(&reader.word) => {
                if c == '(' && reader.word.ends_with('$') {
                    reader.push(UNKNOWN);
                }
                match quote {
                    Some(_) => reader.split(c),
                    None => reader.end_word(),
                }
                if quote.is_none() && matches!(c, '\n' | ';' | '|' | '&') {
                    reader.end_command();
                }
            }
            (_, c) => reader.push(c),
        }
    }
    reader.end_word();
    reader.end_command();
    reader.commands
}

/// Collects words.
#[derive(Default)]
struct Reader {
    commands: Vec<Vec<Word>>,
    words: Vec<Word>,
    /// The word that is being read, its finished parts, and its last one.
    whole: String,
    parts: Vec<String>,
    word: String,
    is_split: bool,
}

impl Reader {
    fn push(&mut self, c: char) {
        self.word.push(c);
        self.whole.push(c);
    }

    /// Ends a word within the quotes of a larger one.
    fn split(&mut self, separator: char) {
        self.end_part();
        self.whole.push(separator);
        self.is_split = true;
    }

    fn end_part(&mut self) {
        self.parts.extend(Some(std::mem::take(&mut self.word)).filter(|word| !word.is_empty()));
    }

    fn end_word(&mut self) {
        self.end_part();
        let whole = Some(std::mem::take(&mut self.whole)).filter(|_| std::mem::take(&mut self.is_split));
        let parts = std::mem::take(&mut self.parts);
        if !parts.is_empty() {
            self.words.push(Word { whole, parts });
        }
    }

    fn end_command(&mut self) {
        self.commands.push(std::mem::take(&mut self.words));
    }
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | '<' | '>' | '`' | '"' | '\'' | ';' | '|' | '&')
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
        if shown.len() > MAX_PATH_BYTES {
            // No path can be that long.
            return shown;
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
