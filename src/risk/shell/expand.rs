//! Words → arguments: substitutions run, braces spelt out, fields split.

use super::braces::{self, Letter};
use super::{Arg, Judge, MAX_EXPANDED, MAX_NESTING, arithmetic};
use crate::risk::paths::{MAX_PATH, has_star};
use crate::risk::syntax::ast::{Part, Script, Word};
use crate::risk::value::{Origin, has_hole};

/// What an expansion costs beside what it makes.
const PART_BYTES: usize = 32;

impl Judge<'_> {
    /// A word as it would be given to a program.
    pub(super) fn expand(&mut self, word: &Word) -> Vec<Arg> {
        if let [Part::Text { text, quoted }] = word.parts.as_slice() {
            if *quoted {
                // A quoted tilde is a name.
                let text = if text.starts_with('~') { format!("./{text}") } else { text.clone() };
                return vec![Arg { text, is_pattern: false }];
            }
            if !text.contains('{') {
                let is_pattern = has_star(text);
                if is_pattern && text.len() > MAX_PATH {
                    self.find("not-understood", "");
                }
                return vec![Arg { text: text.clone(), is_pattern }];
            }
        }
        let letters = self.letters(word, true);
        let was_quoted = word.parts.iter().any(|part| {
            matches!(
                part,
                Part::Text { quoted: true, .. }
                    | Part::Parameter { quoted: true, .. }
                    | Part::Command { quoted: true, .. }
                    | Part::Process { .. }
            )
        });
        if letters.is_empty() {
            let is_list = |part: &Part| match part {
                Part::Parameter { parameter, .. } => {
                    parameter.name == "@"
                        || parameter.index.as_ref().and_then(Word::literal).is_some_and(|index| index == "@")
                }
                _ => false,
            };
            let is_hollow = |part: &Part| matches!(part, Part::Text { text, .. } if text.is_empty());
            // "$@" of nothing is nothing.
            let is_nothing = word.parts.iter().any(is_list)
                && word.parts.iter().all(|part| is_list(part) || is_hollow(part));
            let is_word = was_quoted && !is_nothing;
            return if is_word { vec![Arg::from(String::new())] } else { Vec::new() };
        }
        let splits = |letter: &Letter| !letter.1 && letter.0.is_whitespace();
        let mut args = Vec::new();
        let fields: Vec<Vec<Letter>> = if letters.iter().any(splits) {
            letters.split(splits).filter(|field| !field.is_empty()).map(<[Letter]>::to_vec).collect()
        } else {
            vec![letters]
        };
        for field in fields {
            let (words, is_all) = braces::expand(field);
            if !is_all {
                self.cut("not-understood");
            }
            // An empty alternative is no word: `{sh,}`.
            for word in words.into_iter().filter(|word| was_quoted || !word.is_empty()) {
                args.push(Arg {
                    is_pattern: word.iter().any(|letter| matches!(letter, ('*' | '?' | '[', false))),
                    text: word.into_iter().map(|(letter, _)| letter).collect(),
                });
            }
        }
        // The shell looks for files by patterns of any length, but these are not followed.
        if args.iter().any(|arg| arg.is_pattern && arg.text.len() > MAX_PATH) {
            self.find("not-understood", "");
        }
        args
    }

    /// A word as one text, as in assignments, here-documents and patterns.
    pub(super) fn text_of(&mut self, word: &Word) -> String {
        match word.parts.as_slice() {
            [] => String::new(),
            [Part::Text { text, .. }] => text.clone(),
            _ => self.letters(word, false).into_iter().map(|(letter, _)| letter).collect(),
        }
    }

    /// Takes so many bytes from what expansions may make.
    pub(super) fn spend(&mut self, bytes: usize) -> bool {
        self.expanded += bytes;
        if self.expanded > MAX_EXPANDED {
            self.cut("not-understood");
        }
        self.expanded <= MAX_EXPANDED
    }

    /// The letters of a word and whether each is quoted; `splits`: what is not quoted is parted into fields later.
    fn letters(&mut self, word: &Word, splits: bool) -> Vec<Letter> {
        let mut letters: Vec<Letter> = Vec::new();
        for part in &word.parts {
            if !matches!(part, Part::Text { .. }) && !self.spend(PART_BYTES) {
                letters.push((Origin::UNKNOWN.hole(), true));
                break;
            }
            match part {
                Part::Text { text, quoted } => letters.extend(text.chars().map(|c| (c, *quoted))),
                Part::Parameter { parameter, quoted } => {
                    let items = self.parameter(parameter, *quoted);
                    let is_joined = parameter.name == "*"
                        || parameter.index.as_ref().and_then(Word::literal).is_some_and(|index| index == "*");
                    let quoted = *quoted || !splits;
                    let between = self.separators().map_or(Some(' '), |ifs| ifs.chars().next());
                    for (at, item) in items.iter().enumerate() {
                        match between.filter(|_| is_joined && quoted) {
                            _ if at == 0 => {}
                            Some(between) => letters.push((between, true)),
                            None if is_joined && quoted => {}
                            None => letters.push((' ', false)),
                        }
                        self.add(&mut letters, item, quoted);
                    }
                }
                Part::Command { script, quoted } => {
                    let output = self.substitute(script);
                    self.add(&mut letters, &output, *quoted || !splits);
                }
                Part::Process { script, is_sink } => {
                    let path = self.process(script, *is_sink);
                    letters.extend(path.chars().map(|c| (c, true)));
                }
                Part::Arithmetic { expression } => {
                    let text = self.arithmetic(expression);
                    letters.extend(text.chars().map(|c| (c, true)));
                }
            }
        }
        letters
    }

    /// Adds a value, split at `IFS` unless it is quoted.
    fn add(&mut self, letters: &mut Vec<Letter>, value: &str, quoted: bool) {
        if !self.spend(value.len()) {
            letters.push((Origin::UNKNOWN.hole(), true));
            return;
        }
        if quoted {
            letters.extend(value.chars().map(|c| (c, true)));
            return;
        }
        let separators = self.separators();
        letters.extend(value.chars().map(|letter| match &separators {
            Some(ifs) if ifs.contains(letter) => (' ', false),
            Some(_) => (letter, letter.is_whitespace() || matches!(letter, '{' | '}')),
            None if letter.is_whitespace() => (' ', false),
            // Braces are spelt out before values are put in.
            None => (letter, matches!(letter, '{' | '}' | ',')),
        }));
    }

    /// `IFS`, where it was set to what is known.
    pub(super) fn separators(&self) -> Option<String> {
        self.scope.get("IFS").and_then(|items| items.texts().first()).filter(|ifs| !has_hole(ifs)).cloned()
    }

    /// What `$(…)` gives.
    fn substitute(&mut self, script: &Script) -> String {
        if self.nesting >= MAX_NESTING {
            self.cut("not-understood");
            return Origin::UNKNOWN.text();
        }
        self.nesting += 1;
        if self.captured == 0 {
            self.said.clear();
        }
        self.captured += 1;
        let mark = self.scope.mark();
        let folder = self.folder.clone();
        let output = self.script(script, None).unwrap_or_default();
        self.folder = folder;
        self.scope.back_to(mark);
        self.captured -= 1;
        self.nesting -= 1;
        let (output, _) = crate::risk::value::unmarked(&output);
        let output = output.trim_end_matches(['\n', '\0']);
        crate::risk::value::as_output(output).into_owned()
    }

    /// `<(…)` and `>(…)`: a file of the kernel's.
    fn process(&mut self, script: &Script, is_sink: bool) -> String {
        let path = format!("/dev/fd/{}", 63 + self.sinks.len() + self.files.len());
        let mark = self.scope.mark();
        self.captured += 1;
        if is_sink {
            self.script(script, Some(Origin::UNKNOWN.text()));
            self.sinks.push((path.clone(), script.clone()));
        } else {
            let output = self.script(script, None).unwrap_or_default();
            self.files.write(path.clone(), &output, false);
        }
        self.captured -= 1;
        self.scope.back_to(mark);
        path
    }

    /// What `$((…))` gives.
    pub(super) fn arithmetic(&mut self, expression: &Word) -> String {
        let text = self.text_of(expression);
        let value = self.reckoned(&text);
        self.calculated(&text);
        value
    }

    /// The value of an expression.
    pub(super) fn reckoned(&self, text: &str) -> String {
        let mut spelt = String::new();
        let mut rest = text;
        // Names stand for their values without a `$`.
        while let Some(start) = rest.find(|c: char| c.is_ascii_alphanumeric() || c == '_') {
            let (before, word) = rest.split_at(start);
            spelt.push_str(before);
            let length = word.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '#');
            let (word, behind) = word.split_at(length.unwrap_or(word.len()));
            match self.scope.get(word).and_then(|items| items.texts().first()) {
                Some(value) => spelt.push_str(value),
                None => spelt.push_str(word),
            }
            rest = behind;
        }
        spelt.push_str(rest);
        arithmetic::value(&spelt).map_or_else(|| Origin::UNKNOWN.text(), |value| value.to_string())
    }
}
