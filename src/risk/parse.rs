//! Shell text → structure: the grammar of POSIX.1-2024, chapter 2, with the bash forms that scripts use.
//!
//! Total: any text has a structure. What is not understood is passed over and noted in [`Script::odd`], so that a
//! caller can refuse to call such a text harmless. Depth is bounded by [`MAX_DEPTH`].

use super::lex::Lexer;

/// How deep substitutions, subshells and compound commands may nest before the text counts as not understood.
pub const MAX_DEPTH: usize = 40;

/// Bytes from `start` up to `end` of the text that was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// A list of pipelines.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// In the order of the text; `&&`, `||`, `;` and `&` all only separate, for each side may run.
    pub pipelines: Vec<Pipeline>,
    /// Why the text was not wholly understood.
    pub odd: Option<&'static str>,
}

/// Commands joined by `|`.
#[derive(Clone, Debug, Default)]
pub struct Pipeline {
    /// From left to right.
    pub commands: Vec<Command>,
}

/// A command.
#[derive(Clone, Debug)]
pub enum Command {
    /// Words with assignments and redirections.
    Simple(Simple),
    /// A subshell, group, loop or branch, as the list of everything inside it.
    Group {
        /// What runs.
        body: Script,
        /// Redirections of the whole.
        redirects: Vec<Redirect>,
        /// Variable and words of a `for` loop.
        each: Option<(String, Vec<Word>)>,
    },
    /// A function definition.
    Function {
        /// Its name.
        name: String,
        /// Its body.
        body: Script,
    },
}

/// A simple command.
#[derive(Clone, Debug, Default)]
pub struct Simple {
    /// `NAME=value` before the first word.
    pub assignments: Vec<(String, Word)>,
    /// The words.
    pub words: Vec<Word>,
    /// Redirections.
    pub redirects: Vec<Redirect>,
    /// Where it stands.
    pub span: Span,
}

/// A redirection.
#[derive(Clone, Debug)]
pub struct Redirect {
    /// Which.
    pub kind: RedirectKind,
    /// File, here-string or here-document.
    pub target: Word,
}

/// What a redirection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectKind {
    /// `<`
    Read,
    /// `>`, `>|`, `&>`, `<>`
    Write,
    /// `>>`, `&>>`
    Append,
    /// `<<` and `<<<`: the target is the text itself.
    Here,
    /// `>&2` and the like.
    Duplicate,
}

/// A word before expansion.
#[derive(Clone, Debug, Default)]
pub struct Word {
    /// Its parts.
    pub parts: Vec<Part>,
    /// Where it stands.
    pub span: Span,
}

/// A part of a word.
#[derive(Clone, Debug)]
pub enum Part {
    /// Text, quotes removed.
    Text {
        /// The text.
        text: String,
        /// Whether it was quoted, so neither split nor matched against files.
        quoted: bool,
    },
    /// `$NAME` or `${NAME…}`.
    Variable {
        /// The name.
        name: String,
        /// The text after `:-`, `-`, `:=` or `=`.
        fallback: Option<String>,
        /// Whether the value is changed on the way (`%`, `#`, `/`, `:`), or is not the plain value.
        altered: bool,
        /// Whether it was quoted.
        quoted: bool,
    },
    /// `$(…)` or backquotes.
    Command {
        /// What runs.
        script: Script,
        /// Whether it was quoted.
        quoted: bool,
    },
    /// `<(…)` or `>(…)`.
    Process {
        /// What runs.
        script: Script,
    },
}

impl Word {
    /// The text of a word that has nothing to expand.
    #[must_use]
    pub fn literal(&self) -> Option<String> {
        let mut whole = String::new();
        for part in &self.parts {
            match part {
                Part::Text { text, .. } => whole.push_str(text),
                _ => return None,
            }
        }
        Some(whole)
    }

    /// The text of a word without any quotes, as reserved words and operators are.
    fn bare(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Text { text, quoted: false }] => Some(text),
            _ => None,
        }
    }
}

/// What the lexer finds next.
#[derive(Debug)]
pub(super) enum Token {
    Word(Word),
    /// `|`, `||`, `&&`, `;`, `;;`, `&`, `(`, `)` or a line end.
    Operator(&'static str),
    Redirect(Redirect),
    End,
}

/// Parses a text.
#[must_use]
pub fn parse(text: &str) -> Script {
    parse_at(text, 0, 0)
}

/// Parses a text that stands at `base` of the whole, inside `depth` others.
pub(super) fn parse_at(text: &str, base: usize, depth: usize) -> Script {
    let mut parser = Parser { lexer: Lexer::new(text, base, depth), depth, odd: None, next: None };
    let mut script = parser.list(&[]);
    while !parser.ended() {
        // A closing word without its opening one.
        parser.odd = Some("a closing word or bracket without its opening one");
        parser.take();
        script.pipelines.extend(parser.list(&[]).pipelines);
    }
    script.odd = parser.odd.or(parser.lexer.odd);
    script
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    depth: usize,
    odd: Option<&'static str>,
    next: Option<Token>,
}

const CLOSERS: [&str; 4] = ["}", "done", "fi", "esac"];
const PASSED_OVER: [&str; 7] = ["then", "else", "elif", "do", "!", "coproc", "in"];

impl Parser<'_> {
    fn peek(&mut self) -> &Token {
        if self.next.is_none() {
            self.next = Some(self.lexer.next());
        }
        self.next.as_ref().unwrap_or(&Token::End)
    }

    fn take(&mut self) -> Token {
        self.peek();
        self.next.take().unwrap_or(Token::End)
    }

    fn ended(&mut self) -> bool {
        matches!(self.peek(), Token::End)
    }

    fn operator(&mut self) -> Option<&'static str> {
        match self.peek() {
            Token::Operator(operator) => Some(operator),
            _ => None,
        }
    }

    fn at_word(&mut self, words: &[&str]) -> bool {
        matches!(self.peek(), Token::Word(word) if word.bare().is_some_and(|text| words.contains(&text)))
    }

    /// A list up to one of the closing words, a closing bracket or the end; the closer is left.
    fn list(&mut self, closers: &[&str]) -> Script {
        let mut script = Script::default();
        loop {
            match self.operator() {
                Some(")") => break,
                Some("(") => {}
                Some(_) => {
                    self.take();
                    continue;
                }
                None => {}
            }
            if self.ended() || self.at_word(closers) || self.at_word(&CLOSERS) {
                break;
            }
            script.pipelines.push(self.pipeline());
        }
        script
    }

    fn pipeline(&mut self) -> Pipeline {
        let mut pipeline = Pipeline::default();
        loop {
            if let Some(command) = self.command() {
                pipeline.commands.push(command);
            }
            if self.operator() != Some("|") {
                return pipeline;
            }
            self.take();
            while self.operator() == Some("\n") {
                self.take();
            }
        }
    }

    fn command(&mut self) -> Option<Command> {
        while self.at_word(&PASSED_OVER) {
            self.take();
        }
        if self.operator() == Some("(") {
            self.take();
            return Some(self.group(")", None));
        }
        for (opener, closer) in [("{", "}"), ("if", "fi"), ("while", "done"), ("until", "done")] {
            if self.at_word(&[opener]) {
                self.take();
                return Some(self.group(closer, None));
            }
        }
        if self.at_word(&["for", "select"]) {
            self.take();
            return Some(self.each());
        }
        if self.at_word(&["case"]) {
            self.take();
            return Some(self.case());
        }
        if self.at_word(&["function"]) {
            self.take();
            let Token::Word(name) = self.take() else { return None };
            if self.operator() == Some("(") {
                self.take();
                self.take();
            }
            return Some(self.function(name.literal().unwrap_or_default()));
        }
        self.simple()
    }

    /// What stands up to `closer`, and the redirections behind it.
    fn group(&mut self, closer: &str, each: Option<(String, Vec<Word>)>) -> Command {
        let mut body = Script::default();
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            self.odd = Some("nested too deeply");
            self.lexer.skip_rest();
            self.next = None;
        } else {
            body = self.list(&[closer]);
            let closed = if closer == ")" { self.operator() == Some(")") } else { self.at_word(&[closer]) };
            if closed {
                self.take();
            } else {
                self.odd = Some("something is not closed");
            }
        }
        self.depth -= 1;
        let mut redirects = Vec::new();
        while matches!(self.peek(), Token::Redirect(_)) {
            if let Token::Redirect(redirect) = self.take() {
                redirects.push(redirect);
            }
        }
        Command::Group { body, redirects, each }
    }

    fn each(&mut self) -> Command {
        let mut words = Vec::new();
        let mut name = String::new();
        if let Token::Word(word) = self.peek() {
            name = word.literal().unwrap_or_default();
            self.take();
        }
        if self.at_word(&["in"]) {
            self.take();
            while matches!(self.peek(), Token::Word(_)) {
                if let Token::Word(word) = self.take() {
                    words.push(word);
                }
            }
        } else if self.operator() == Some("(") {
            // for ((…;…;…)): numbers only.
            while !self.ended() && !self.at_word(&["do", "{"]) {
                self.take();
            }
        }
        while matches!(self.operator(), Some(";" | "\n")) {
            self.take();
        }
        let closer = if self.at_word(&["{"]) { "}" } else { "done" };
        if closer == "}" {
            self.take();
        }
        self.group(closer, Some((name, words)))
    }

    fn case(&mut self) -> Command {
        self.take();
        let mut body = Script::default();
        while self.operator() == Some("\n") {
            self.take();
        }
        if self.at_word(&["in"]) {
            self.take();
        }
        self.depth += 1;
        let too_deep = self.depth > MAX_DEPTH;
        if too_deep {
            self.odd = Some("nested too deeply");
            self.lexer.skip_rest();
            self.next = None;
        }
        while !self.ended() && !self.at_word(&["esac"]) {
            // The pattern.
            while !self.ended() && self.operator() != Some(")") && !self.at_word(&["esac"]) {
                self.take();
            }
            if self.operator() != Some(")") {
                break;
            }
            self.take();
            while !self.ended() && !matches!(self.operator(), Some(";;" | ")")) && !self.at_word(&CLOSERS) {
                if matches!(self.operator(), Some(operator) if operator != "(") {
                    self.take();
                } else {
                    body.pipelines.push(self.pipeline());
                }
            }
            if !self.at_word(&["esac"]) {
                self.take();
            }
        }
        self.depth -= 1;
        if self.at_word(&["esac"]) {
            self.take();
        } else {
            self.odd = Some("something is not closed");
        }
        Command::Group { body, redirects: Vec::new(), each: None }
    }

    fn function(&mut self, name: String) -> Command {
        while self.operator() == Some("\n") {
            self.take();
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            self.odd = Some("nested too deeply");
            self.lexer.skip_rest();
            self.next = None;
        }
        let command = self.command();
        self.depth -= 1;
        let body = match command {
            Some(Command::Group { body, .. }) => body,
            Some(command) => Script { pipelines: vec![Pipeline { commands: vec![command] }], odd: None },
            None => Script::default(),
        };
        Command::Function { name, body }
    }

    fn simple(&mut self) -> Option<Command> {
        let mut simple = Simple::default();
        let mut span: Option<Span> = None;
        loop {
            match self.peek() {
                Token::Word(_) => {
                    let Token::Word(word) = self.take() else { break };
                    let seen = span.get_or_insert(word.span);
                    seen.end = word.span.end;
                    match (simple.words.is_empty(), assignment(&word)) {
                        (true, Some((name, value))) => {
                            // NAME=(…): the items are values like any other.
                            if value.parts.is_empty()
                                && self.lexer.follows(word.span.end, b'(')
                                && self.operator() == Some("(")
                            {
                                self.take();
                                let mut items = Word::default();
                                while matches!(self.peek(), Token::Word(_) | Token::Operator("\n")) {
                                    if let Token::Word(item) = self.take() {
                                        if !items.parts.is_empty() {
                                            items.parts.push(Part::Text { text: " ".into(), quoted: false });
                                        }
                                        items.parts.extend(item.parts);
                                    }
                                }
                                if self.operator() == Some(")") {
                                    self.take();
                                }
                                simple.assignments.push((name, items));
                            } else {
                                simple.assignments.push((name, value));
                            }
                        }
                        _ => simple.words.push(word),
                    }
                }
                Token::Redirect(_) => {
                    if let Token::Redirect(redirect) = self.take() {
                        simple.redirects.push(redirect);
                    }
                }
                Token::Operator("(") if simple.words.len() == 1 && simple.redirects.is_empty() => {
                    self.take();
                    if self.operator() == Some(")") {
                        self.take();
                        let name = simple.words[0].literal().unwrap_or_default();
                        return Some(self.function(name));
                    }
                    self.odd = Some("a bracket that is out of place");
                    return Some(self.group(")", None));
                }
                Token::Operator("(") => {
                    self.odd = Some("a bracket that is out of place");
                    break;
                }
                _ => break,
            }
        }
        simple.span = span.unwrap_or_default();
        let empty = simple.words.is_empty() && simple.assignments.is_empty() && simple.redirects.is_empty();
        (!empty).then_some(Command::Simple(simple))
    }
}

/// `NAME=value`, `NAME+=value` and `NAME[i]=value`.
fn assignment(word: &Word) -> Option<(String, Word)> {
    let Part::Text { text, quoted: false } = word.parts.first()? else { return None };
    let (name, rest) = text.split_once('=')?;
    let plain = name.trim_end_matches('+').split('[').next()?;
    let is_name = plain.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && plain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !is_name {
        return None;
    }
    let mut value = Word { parts: Vec::new(), span: word.span };
    if !rest.is_empty() {
        value.parts.push(Part::Text { text: rest.to_owned(), quoted: false });
    }
    value.parts.extend(word.parts.iter().skip(1).cloned());
    Some((plain.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Vec<String>> {
        fn walk(script: &Script, found: &mut Vec<Vec<String>>) {
            for command in script.pipelines.iter().flat_map(|pipeline| &pipeline.commands) {
                match command {
                    Command::Simple(simple) => {
                        found.push(
                            simple
                                .words
                                .iter()
                                .map(|word| word.literal().unwrap_or_else(|| "?".into()))
                                .collect(),
                        );
                    }
                    Command::Group { body, .. } | Command::Function { body, .. } => walk(body, found),
                }
            }
        }
        let mut found = Vec::new();
        walk(&parse(text), &mut found);
        found
    }

    #[test]
    fn the_structure_is_that_of_the_shell() {
        for (text, expected) in [
            ("a b|c && d; e &", vec![vec!["a", "b"], vec!["c"], vec!["d"], vec!["e"]]),
            ("r''m -\"r\"f \\/", vec![vec!["rm", "-rf", "/"]]),
            ("echo 'a;b' # c; d", vec![vec!["echo", "a;b"]]),
            ("(a; b) | { c; }", vec![vec!["a"], vec!["b"], vec!["c"]]),
            ("if a; then b; else c; fi", vec![vec!["a"], vec!["b"], vec!["c"]]),
            ("for x in 1 2; do a $x; done", vec![vec!["a", "?"]]),
            ("case $1 in a|b) c;; *) d;; esac", vec![vec!["c"], vec!["d"]]),
            ("f() { a; }; f", vec![vec!["a"], vec!["f"]]),
            ("a \\\n b", vec![vec!["a", "b"]]),
            ("$'\\x72\\155' x", vec![vec!["rm", "x"]]),
            ("a > f 2>&1 b", vec![vec!["a", "b"]]),
            ("cat <<E\nrm -rf /\nE\nb", vec![vec!["cat"], vec!["b"]]),
            ("while read l; do a; done < f", vec![vec!["read", "l"], vec!["a"]]),
        ] {
            assert_eq!(words(text), expected, "{text}");
            assert_eq!(parse(text).odd, None, "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_noted() {
        for text in [
            "echo 'a",
            "(a",
            "a )",
            "if a; then",
            "echo \"$(a",
            &"(".repeat(MAX_DEPTH + 2),
            &"$(".repeat(100),
        ] {
            assert!(parse(text).odd.is_some(), "{text}");
        }
    }
}
