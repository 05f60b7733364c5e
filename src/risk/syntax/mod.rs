//! Shell text → structure: the grammar of POSIX.1-2024, chapter 2, with the bash forms that scripts use.
//!
//! Total and in one pass: any text has a structure, and each byte is read once for every text it stands in (a
//! here-document's body and a backquoted command are texts of their own). What is not understood is passed over and
//! noted in [`Script::odd`], so that a caller can refuse to call such a text harmless. Depth is bounded by
//! [`MAX_DEPTH`].

pub mod ast;
pub(super) mod escape;
mod grammar;
mod lex;
mod param;
mod word;

pub use ast::{Script, Span};

/// How deep substitutions, subshells and compound commands may nest before the text counts as not understood.
pub const MAX_DEPTH: usize = 40;

/// Words, operators and redirections of one text; what lies beyond counts as not understood.
pub const MAX_TOKENS: usize = 8 * 1024;

/// Why a text is not wholly understood that nests too deeply.
const TOO_DEEP: &str = "nested too deeply";
/// Why a text is not wholly understood that has too many words.
const TOO_MANY: &str = "too many words";

/// Whether it is for a bound that a text was not wholly understood, so that what lies behind was not read.
#[must_use]
pub fn is_bound(odd: &str) -> bool {
    odd == TOO_DEEP || odd == TOO_MANY
}

/// Parses a text.
#[must_use]
pub fn parse(text: &str) -> Script {
    grammar::whole(text, 0, 0)
}

#[cfg(test)]
mod tests {
    use super::ast::Command;
    use super::*;

    fn words(text: &str) -> Vec<Vec<String>> {
        fn walk(script: &Script, found: &mut Vec<Vec<String>>) {
            for command in script.pipelines.iter().flat_map(|pipeline| &pipeline.commands) {
                match command {
                    Command::Simple(simple) => {
                        let text = |word: &ast::Word| word.literal().unwrap_or_else(|| "?".into());
                        found.push(simple.words.iter().map(text).collect());
                    }
                    Command::Compound(compound) => walk(&compound.body, found),
                    Command::Function { body, .. } => walk(body, found),
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
            ("for ((i=0;i<3;i++)); do a; done", vec![vec!["a"]]),
            ("case $1 in a|b) c;; *) d;; esac", vec![vec!["c"], vec!["d"]]),
            ("case x in (a) c;& (b) d;;& esac; e", vec![vec!["c"], vec!["d"], vec!["e"]]),
            ("f() { a; }; f", vec![vec!["a"], vec!["f"]]),
            ("function f { a; }; f", vec![vec!["a"], vec!["f"]]),
            ("a \\\n b", vec![vec!["a", "b"]]),
            ("$'\\x72\\155' x", vec![vec!["rm", "x"]]),
            ("a > f 2>&1 b", vec![vec!["a", "b"]]),
            ("cat <<E\nrm -rf /\nE\nb", vec![vec!["cat"], vec!["b"]]),
            ("cat <<-'E' | c\n\trm -rf /\n\tE\nb", vec![vec!["cat"], vec!["c"], vec!["b"]]),
            ("while read l; do a; done < f", vec![vec!["read", "l"], vec!["a"]]),
            ("a=(b c) d=(e) f", vec![vec!["f"]]),
            ("((a > b)); c", vec![vec!["c"]]),
            ("a $((1 + (2 * 3))) b", vec![vec!["a", "?", "b"]]),
            ("[[ $a > b && ( c == d || e =~ ^(x|y)$ ) ]] && f", vec![vec!["f"]]),
            ("a --x=<(b) c", vec![vec!["a", "?", "c"]]),
            ("$(case a in b) c;; esac) d", vec![vec!["?", "d"]]),
            ("a {fd}> f 3<&- b", vec![vec!["a", "b"]]),
            ("! a; time b", vec![vec!["a"], vec!["time", "b"]]),
        ] {
            assert_eq!(words(text), expected, "{text}");
            assert_eq!(parse(text).odd, None, "{text}");
        }
    }

    #[test]
    fn a_text_of_too_many_words_is_not_understood() {
        assert_eq!(parse(&"a ".repeat(MAX_TOKENS)).odd, None);
        assert!(parse(&"a ".repeat(MAX_TOKENS + 1)).odd.is_some());
    }

    #[test]
    fn what_is_not_understood_is_noted() {
        for text in [
            "echo 'a",
            "(a",
            "a )",
            "if a; then",
            "echo \"$(a",
            "echo ${a",
            "cat <<E\nx",
            &"(".repeat(MAX_DEPTH + 2),
            &"$(".repeat(100),
        ] {
            assert!(parse(text).odd.is_some(), "{text}");
        }
    }
}
