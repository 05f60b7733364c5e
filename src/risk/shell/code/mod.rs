//! Code in other languages: what of it runs programs, deletes, reads or writes files, or connects a shell.
//!
//! Not a parser of any of them: calls are recognised by their names, and texts are put together where they are joined,
//! reversed or decoded by what the languages have in common. Linear in the text: each call looks at no more than
//! [`WINDOW`] tokens.

mod arguments;
mod calls;
mod expressions;
mod literals;
mod meaning;
mod others;
mod plainly;
mod printed;
mod spelt;
mod tokens;
mod values;
mod whole;

use calls::RUNS;
use literals::{literals, opened};
use meaning::call;
use others::{awk, hidden, lisp, tcl};
use plainly::{homed, spelt_plainly};
use tokens::Token;
use values::Values;
use whole::overall;

use printed::decodes;
pub(super) use printed::{is_closed, printed, spells};

use crate::risk::effects::Effect;
use crate::risk::lookup::{Names, list};

/// Tokens that a call is looked at with.
const WINDOW: usize = 256;

/// Findings of one text after which the rest counts as not understood.
const MAX_FOUND: usize = 512;

/// Something that code does.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Does {
    /// Runs this command line.
    Runs(String),
    /// Does this to a path.
    Acts(Effect, String),
    /// Writes this text to a file.
    Wrote(String, String),
    /// Sends a file.
    Sends(String),
    /// What this rule says.
    Is(&'static str),
    /// Runs what it reads.
    RunsInput,
}

/// What a text of code does.
pub(super) fn scan(code: &str, language: &str) -> Vec<Does> {
    let code = &*spelt_plainly(code, language);
    let code = &*homed(code);
    let lower = code.to_ascii_lowercase();
    let mut found = overall(&lower, language);
    if language.ends_with("awk") {
        awk(code, &mut found);
    }
    if matches!(
        language,
        "emacs" | "sbcl" | "clisp" | "guile" | "racket" | "clojure" | "bb" | "ecl" | "emacsclient"
    ) {
        lisp(code, &mut found);
    }
    if language == "osascript" {
        let script = code.split("do shell script").nth(1).map(|rest| rest.replace('&', "+"));
        let script = script.and_then(|script| {
            let tokens = tokens::read(&script, language);
            Values::new(&tokens, language).from(0)
        });
        found.extend(script.map(Does::Runs));
    }
    // (delete-directory "/srv" t)
    for start in
        ["(delete-directory ", "(delete-file ", "(delete-directory-tree ", "(delete-directory-recursively "]
    {
        let paths = code.split(start).skip(1).take(8).filter_map(|rest| rest.split('"').nth(1));
        found.extend(paths.map(|path| Does::Acts(Effect::DeleteTree, path.to_owned())));
    }
    // removeItem(atPath: "/srv")
    let labelled =
        code.split("removeItem(at").skip(1).take(8).filter_map(|rest| rest.split(['"', '\'']).nth(1));
    found.extend(labelled.map(|path| Does::Acts(Effect::DeleteTree, path.to_owned())));
    let runs_something = code.contains('`')
        || is_one(&lower, list!("exec system run process spawn popen command( command:: shell .! call cmd("));
    if matches!(language, "tclsh" | "wish" | "expect") {
        tcl(code, &mut found);
    }
    let tokens = tokens::read(code, language);
    hidden(&tokens, &lower, &mut found);
    let mut values = Values::new(&tokens, language);
    let sends = is_one(
        &lower,
        list!(
            "requests.post requests.put urlopen( sendall( .send( ftplib smtplib fetch( http.request
         https.request net::http.post axios.post curl_exec http.post lwp httpx."
        ),
    );
    let mut at = 0;
    while at < tokens.len() {
        if values.is_spent() || found.len() > MAX_FOUND {
            break;
        }
        match &tokens[at] {
            Token::Shell(line) => found.push(Does::Runs(values.filled(line))),
            // Bun.$`command`
            Token::Text(line)
                if at > 0
                    && tokens[at - 1] == Token::Sign('$')
                    && matches!(language, "bun" | "node" | "deno" | "tsx") =>
            {
                found.push(Does::Runs(line.clone()));
            }
            // $f('…') of what another place says: 'system'
            Token::Sign('(')
                if at > 1
                    && tokens[at - 2] == Token::Sign('$')
                    && tokens
                        .iter()
                        .any(|token| matches!(token, Token::Text(name) if RUNS.contains(name.as_str()))) =>
            {
                found.extend(values.texts(at).first().map(|line| Does::Runs(line.clone())));
            }
            Token::Sign('(') => on_value(&values, at, &mut found),
            Token::Name(_) | Token::Text(_) => call(&tokens, at, &mut values, language, sends, &mut found),
            _ => {}
        }
        at += 1;
    }
    opened(&values, &mut found);
    if at < tokens.len() || tokens.len() >= tokens::MAX_TOKENS || values.is_spent() {
        found.push(Does::Is("not-understood"));
    }
    if runs_something {
        for line in literals(&tokens).map(Does::Runs) {
            if !found.contains(&line) {
                found.push(line);
            }
        }
    }
    found
}

/// A method of a path in parentheses: `(home / '.ssh' / 'id_rsa').read_text()`.
fn on_value(values: &Values<'_>, at: usize, found: &mut Vec<Does>) {
    // (strrev("metsys"))("…")
    if let Some(start) = values.called_behind(at)
        && let Some(Some(name)) = values.arguments(at).first()
        && RUNS.contains(name.as_str())
    {
        found.extend(values.texts(start).first().map(|line| Does::Runs(line.clone())));
    }
    let Some(method) = values.follows(at) else { return };
    let effect = match method.as_str() {
        "read_text" | "read_bytes" | "open" | "readText" | "readBytes" | "readLines" | "text" | "read" => {
            Effect::Read
        }
        "write_text" | "write_bytes" | "touch" | "chmod" | "writeText" | "write" => Effect::Write,
        method if is_deletion(method) => Effect::DeleteTree,
        _ => return,
    };
    let path = values.arguments(at).into_iter().next().flatten();
    found.extend(path.filter(|path| path.starts_with(['/', '~', '.'])).map(|path| Does::Acts(effect, path)));
}

/// A method that deletes what it is called on.
fn is_deletion(method: &str) -> bool {
    matches!(
        method,
        "unlink"
            | "rmdir"
            | "rmtree"
            | "delete"
            | "deleteDir"
            | "deleteRecursively"
            | "deleteOnExit"
            | "remove_tree"
            | "removedirs"
    )
}

/// Whether code runs the words that it is given: `exec @ARGV`.
pub(super) fn passes_arguments(code: &str) -> bool {
    const GIVEN: Names = list!("ARGV argv process.argv args @_ arg[ $1");
    let lower = code.to_ascii_lowercase();
    is_one(code, GIVEN) && is_one(&lower, list!("exec system spawn popen subprocess run call passthru"))
}

/// The text that an expression stands for.
pub(super) fn text_of(expression: &str, language: &str) -> Option<String> {
    let tokens = tokens::read(expression, language);
    Values::new(&tokens, language).whole()
}

/// The texts that stand in code.
pub(super) fn texts(code: &str, language: &str) -> Vec<String> {
    let text = |token| if let Token::Text(text) = token { Some(text) } else { None };
    tokens::read(code, language).into_iter().filter_map(text).collect()
}

/// The text that vim's `execute` is given.
pub(super) fn executed(line: &str) -> Option<String> {
    if !line.contains("exe") {
        return None;
    }
    let tokens = tokens::read(line, "vim");
    let mut values = Values::new(&tokens, "vim");
    for (at, token) in tokens.iter().enumerate() {
        values.note(at);
        if matches!(token, Token::Name(name) if name == "exe" || name == "execute") {
            return values.from(at + 1);
        }
    }
    None
}

/// Whether one of these words is in a text of lower case.
fn is_one(lower: &str, words: Names) -> bool {
    words.iter().any(|word| lower.contains(word))
}

/// A word in quotes for the shell.
pub(in crate::risk) fn quoted(word: &str) -> String {
    let plain = !word.is_empty()
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./:,+@%=".contains(&b))
        && !word.contains('=');
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_run_or_delete_are_found_and_texts_are_not() {
        let runs = |line: &str| vec![Does::Runs(line.to_owned())];
        for (language, code, expected) in [
            ("python3", "import os; os.system(\"rm -rf /\")", runs("rm -rf /")),
            ("python3", "subprocess.run(['rm', '-rf', '/'], check=True)", runs("rm -rf /")),
            ("python3", "c='rm'+' -rf /'; os.system(c)", runs("rm -rf /")),
            ("python3", "getattr(os,'sys'+'tem')('id x')", runs("id x")),
            ("python3", "__import__('os').system('id')", runs("id")),
            ("python3", "from os import system as s; s('id')", runs("id")),
            ("python3", "os.system(chr(105)+chr(100))", runs("id")),
            ("python3", "os.system('di'[::-1])", runs("id")),
            ("python3", "os.execlp('rm','rm','-rf','/')", runs("rm -rf /")),
            ("perl", "system('id')", runs("id")),
            ("perl", "exec \"id\";", runs("id")),
            ("ruby", "`id`", runs("id")),
            ("ruby", "system \"id\"", runs("id")),
            ("node", "require('child_process').execSync('id')", runs("id")),
            ("node", "require('child_process')['exec']('id')", runs("id")),
            ("php", "system(strrev('di'));", runs("id")),
            ("php", "$f='system';$f('id');", runs("id")),
            ("lua", "os.execute('r'..'m x')", runs("rm x")),
            ("python3", "shutil.rmtree('/etc')", vec![Does::Acts(Effect::DeleteTree, "/etc".into())]),
            ("python3", "open('/etc/x','w').write('y')", vec![Does::Acts(Effect::Write, "/etc/x".into())]),
            ("awk", "BEGIN{print \"x\" | \"sh\"}", vec![Does::Runs("sh".into()), Does::Runs("x".into())]),
            ("python3", "print('rm -rf /')", vec![]),
            ("node", "console.log(`rm -rf ${x}`)", vec![]),
        ] {
            let mut found = scan(code, language);
            found.retain(|does| !matches!(does, Does::Is(_) | Does::Wrote(..)));
            assert!(expected.iter().all(|does| found.contains(does)), "{code}: {found:?}");
            assert!(!expected.is_empty() || found.is_empty(), "{code}: {found:?}");
        }
    }

    #[test]
    fn what_is_printed_is_known_when_it_is_fixed() {
        assert_eq!(printed("print('rm -rf /')", "python3").as_deref(), Some("rm -rf /\n"));
        assert_eq!(printed("print(\"r\" + \"m\")", "python3").as_deref(), Some("rm\n"));
        assert_eq!(printed("print(x)", "python3"), None);
    }

    #[test]
    fn code_that_is_looked_at_too_long_counts_as_not_understood() {
        for code in ["system(", "chr(", "getattr(a,", "x=x+x;", "f();"] {
            let found = scan(&code.repeat(65_536 / code.len()), "python3");
            assert!(found.contains(&Does::Is("not-understood")), "{code}");
        }
        assert!(!scan(&"x = f('a' + 'b')\n".repeat(500), "python3").contains(&Does::Is("not-understood")));
    }
}
