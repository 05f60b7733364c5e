//! What the words of a command line say that no table knows: `tool resource verb --flags`.
//!
//! Only single words count, and only those before the first that merely looks: what is quoted, searched or described is
//! no verb.

use super::rules::unlisted::{
    CREDENTIALS, DESTROYS, EVERYBODY, FORCES, GRANTS, HARMLESS, ISSUES, LOCAL, OPENS, REMOVES, REVEALS,
    RULERS, SENTENCES, SHARED,
};
use crate::risk::lookup::{Names, list};

/// Words of a command that are looked at.
const MAX_WORDS: usize = 48;
/// Plain words among which a verb may stand.
const MAX_PLACE: usize = 4;
/// Bytes of a word that may be a verb or a thing.
const MAX_LENGTH: usize = 40;

/// The rule for a command of a program that no table judges; `words` begins with its bare name.
pub(super) fn guess(words: &[&str]) -> Option<&'static str> {
    let (program, args) = words.split_first()?;
    let program = program.trim_end_matches(".sh").to_ascii_lowercase();
    if LOCAL.contains(&program)
        || SENTENCES.contains(&program)
        || super::effects::only_mentions(&program)
        || !program.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    {
        return None;
    }
    let args: Vec<String> = args.iter().take(MAX_WORDS).map(|word| word.to_ascii_lowercase()).collect();
    let rehearses = |word: &String| {
        matches!(word.as_str(), "-n" | "-h" | "--help" | "-help" | "--check" | "--whatif")
            || word.starts_with("--dry")
            || word.starts_with("--list")
    };
    if args.iter().any(rehearses) {
        return None;
    }
    let line = Line { program, args };
    line.grants().or_else(|| line.reveals()).or_else(|| line.destroys())
}

/// A command's words in lower case.
struct Line {
    program: String,
    args: Vec<String>,
}

impl Line {
    /// The plain words that may be verbs and things, in their order, up to the first that only looks.
    fn verbs(&self) -> impl Iterator<Item = &str> {
        self.plain().take_while(|word| !parts(word).any(|part| HARMLESS.contains(part)))
    }

    fn plain(&self) -> impl Iterator<Item = &str> {
        self.args.iter().map(String::as_str).filter(|word| is_word(word)).take(MAX_PLACE)
    }

    fn destroys(&self) -> Option<&'static str> {
        let forces = self.args.iter().any(|word| {
            FORCES.contains(word)
                || word.starts_with("--yes")
                || word.starts_with("--really")
                || word.starts_with("--i-")
        });
        let is_cache = self.args.iter().any(|word| word.contains("cache"));
        let names =
            |table: Names| self.verbs().any(|word| ends(word).iter().any(|part| table.contains(part)));
        let mut name = self.program.split(['-', '_', '.']);
        let is_named =
            |part: &str| matches!(part, "delete" | "destroy" | "purge" | "wipe" | "erase" | "deluser");
        let is_option = |word: &String| {
            word.strip_prefix("--").is_some_and(|option| {
                [
                    "delete-",
                    "destroy",
                    "wipe",
                    "erase",
                    "zap",
                    "remove-all",
                    "remove-older",
                    "purge-",
                    "drop-all",
                ]
                .iter()
                .any(|verb| option.starts_with(verb))
                    && !option.contains("cache")
                    && !option.ends_with("=false")
            })
        };
        let shared = || {
            self.args
                .iter()
                .filter(|word| is_word(word))
                .take(MAX_PLACE + 1)
                .any(|word| parts(word).any(|part| SHARED.contains(part)))
        };
        if is_cache {
            return None;
        }
        if names(DESTROYS)
            || self.program.contains(['-', '_']) && name.any(is_named) && !self.args.is_empty()
            || self.args.iter().any(is_option)
        {
            return Some("named-destroy");
        }
        let removes =
            names(REMOVES) || self.program.split(['-', '_']).skip(1).any(|part| REMOVES.contains(part));
        let removes = removes
            || self.args.iter().any(|word| matches!(word.as_str(), "--delete" | "--remove" | "--uninstall"));
        let graver = |word: &str| {
            ends(word)
                .iter()
                .any(|part| matches!(*part, "delete" | "del" | "remove" | "rm" | "uninstall" | "revoke"))
        };
        match removes {
            true if forces || self.verbs().any(graver) && shared() => Some("named-destroy"),
            true => Some("named-remove"),
            false => None,
        }
    }

    /// Whether something is opened to whoever comes.
    fn opens(&self) -> bool {
        self.plain().any(|word| parts(word).any(|part| OPENS.contains(part)))
            && self.args.iter().any(|word| {
                let value = word.rsplit(['=', ':']).next().unwrap_or_default().trim_start_matches('-');
                EVERYBODY.contains(value)
            })
    }

    fn grants(&self) -> Option<&'static str> {
        if self.opens() {
            return Some("named-grant");
        }
        // `reset-admin-password`
        let resets = |word: &str| {
            parts(word).any(|part| matches!(part, "reset" | "set" | "change"))
                && parts(word).any(|part| matches!(part, "password" | "passwd" | "mfa" | "2fa" | "otp"))
        };
        if self.plain().any(resets) {
            return Some("users");
        }
        let verbs = self.plain().any(|word| parts(word).any(|part| GRANTS.contains(part)));
        let rules = self.args.iter().enumerate().skip(1).any(|(at, word)| {
            let value = word.rsplit(['=', ':']).next().unwrap_or_default();
            let is_login = at > 0
                && matches!(
                    self.args[at - 1].as_str(),
                    "-u" | "-U"
                        | "--user"
                        | "--username"
                        | "--owner"
                        | "--assignee"
                        | "-l"
                        | "--login"
                        | "--as"
                )
                || ["--user=", "--username=", "--owner=", "--as="]
                    .iter()
                    .any(|start| word.starts_with(start));
            !is_login && (RULERS.contains(value) || word.len() < 200 && word.contains("manage all-resources"))
        });
        (verbs && rules).then_some("named-grant")
    }

    fn reveals(&self) -> Option<&'static str> {
        let things: Vec<&str> = self.plain().collect();
        let is_thing = |word: &str| {
            CREDENTIALS.contains(word)
                || parts(word).any(|part| CREDENTIALS.contains(part))
                || ["access-key", "api-key", "private-key", "connection-string"]
                    .iter()
                    .any(|thing| word.contains(thing))
        };
        let is_program = self.program.split(['-', '_']).skip(1).any(|part| CREDENTIALS.contains(part));
        if !is_program && !things.iter().any(|word| is_thing(word)) {
            return None;
        }
        let has = |table: Names| things.iter().any(|word| parts(word).any(|part| table.contains(part)));
        let lists = has(list!("list ls status help metadata verify check scan lint delete"));
        let makes = has(ISSUES)
            && things.iter().any(|word| {
                parts(word).any(|part| {
                    matches!(part, "token" | "apikey" | "credential" | "credentials" | "accesskey")
                }) || ["access-key", "api-key", "service-key"].iter().any(|thing| word.contains(thing))
            });
        // `auth token`, and nothing more, prints it.
        let shows = matches!(things.as_slice(), ["auth" | "account" | "session", "token" | "access-token"]);
        (!lists && (has(REVEALS) || makes || shows)).then_some("named-secret")
    }
}

/// Whether a word may be a verb or a thing: no option, path, address, text or file.
fn is_word(word: &str) -> bool {
    !word.is_empty()
        && word.len() <= MAX_LENGTH
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_:.".contains(&b))
        && word.as_bytes()[0].is_ascii_alphabetic()
        && !word
            .rsplit_once('.')
            .is_some_and(|(_, end)| end.len() < 5 && !REMOVES.contains(end) && end != "wipe")
}

/// The parts of a word like `storage:bucket:delete`.
fn parts(word: &str) -> impl Iterator<Item = &str> {
    word.split(['-', '_', ':', '.'])
}

/// The whole of a word, and its first and last part.
fn ends(word: &str) -> [&str; 3] {
    let is_between = |c: char| matches!(c, '-' | '_' | ':' | '.');
    [
        word,
        word.split(is_between).next().unwrap_or_default(),
        word.rsplit(is_between).next().unwrap_or_default(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_unlisted_programs_are_understood() {
        for (line, expected) in [
            ("sometool cluster destroy c1", Some("named-destroy")),
            ("sometool backup delete b1", Some("named-destroy")),
            ("sometool widget delete w1 --force", Some("named-destroy")),
            ("sometool widget delete w1", Some("named-remove")),
            ("sometool widget list destroy", None),
            ("sometool cluster destroy c1 --dry-run", None),
            ("sometool cache purge", None),
            ("sometool users create --role=Admin", Some("named-grant")),
            ("sometool users create -u admin", None),
            ("sometool secrets reveal db", Some("named-secret")),
            ("sometool secrets list", None),
            ("sometool auth token", Some("named-secret")),
            ("sometool file share a --type anyone", Some("named-grant")),
            ("sometool file share a --type user", None),
            ("why is this destroy so slow", None),
            ("npm remove x --force", None),
            ("sometool run clean.sh", None),
            ("sometool", None),
        ] {
            let words: Vec<&str> = line.split(' ').collect();
            assert_eq!(guess(&words), expected, "{line}");
        }
    }
}
