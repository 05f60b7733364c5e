//! The patterns of the rule tables, matched against a command's words.
//!
//! `git push -f|--force !--dry-run`: program, words in their order, options anywhere, `!` for what must not be there,
//! `~` before a wildcard that any word may match (`␣` is a run of blanks). Alternatives are separated by `|`,
//! and `@sql` is a set of programs that has a name.
//!
//! The tables are filed by program once, so that a command is compared with the rules for its program only.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

use super::letters::Letters;
use super::lookup::rows;
use super::paths::wild;
use super::rules::{Rule, all, parted};

/// Words of a command that patterns are compared with.
const MAX_WORDS: usize = 512;

/// Options of programs that take the next word, so that it is not mistaken for a subcommand.
const VALUED: &[(&str, &[&str])] = &[
    ("git", &["-C", "-c", "--git-dir", "--work-tree", "--namespace"]),
    (
        "docker",
        &[
            "-H",
            "--host",
            "--context",
            "-c",
            "--config",
            "-l",
            "--log-level",
            "-f",
            "--file",
            "-p",
            "--project-name",
        ],
    ),
    ("docker-compose", &["-f", "--file", "-p", "--project-name", "--env-file", "--profile"]),
    ("podman", &["--url", "--connection", "-c", "--root"]),
    (
        "kubectl",
        &[
            "-n",
            "--namespace",
            "--context",
            "--kubeconfig",
            "--cluster",
            "--user",
            "-s",
            "--server",
            "--token",
            "--as",
        ],
    ),
    ("oc", &["-n", "--namespace", "--context"]),
    ("helm", &["-n", "--namespace", "--kube-context", "--kubeconfig"]),
    ("aws", &["--profile", "--region", "--endpoint-url", "--output"]),
    ("gcloud", &["--project", "--account", "--configuration"]),
    ("systemctl", &["-H", "-M", "--host"]),
    ("npm", &["--prefix", "-w", "--workspace"]),
    ("yarn", &["--cwd"]),
    ("pnpm", &["-C", "--dir", "--filter", "-F"]),
    ("cargo", &["--manifest-path", "--config"]),
    ("redis-cli", &["-h", "-p", "-a", "-n", "-u", "--user", "--pass"]),
    ("mysqladmin", &["-u", "-h", "-P", "-S", "--user", "--host"]),
    ("make", &["-C", "-f", "-j"]),
    ("vault", &["-address", "-namespace"]),
    ("gh", &["-R", "--repo"]),
    ("ip", &["-n", "-netns"]),
    ("restic", &["-r", "--repo", "-p", "--password-file", "-o", "--cache-dir"]),
    ("borg", &["--remote-path", "--rsh"]),
    ("nerdctl", &["-n", "--namespace", "-a", "--address", "-H", "--host"]),
    ("ctr", &["-n", "--namespace", "-a", "--address"]),
    ("crictl", &["-r", "--runtime-endpoint", "-i", "-c", "--config"]),
    ("heroku", &["-a", "--app", "-r", "--remote"]),
    ("fly", &["-a", "--app", "-c", "--config"]),
    ("flyctl", &["-a", "--app", "-c", "--config"]),
    ("vercel", &["--token", "-t", "--scope", "-S", "--cwd"]),
    ("wrangler", &["-c", "--config", "-e", "--env"]),
    ("firebase", &["-P", "--project", "--token", "-c", "--config"]),
    ("pulumi", &["-C", "--cwd", "-s", "--stack"]),
    ("svn", &["-m", "--username", "--password"]),
    ("hg", &["-R", "--cwd", "--config"]),
    ("influx", &["--host", "-t", "--token", "-o", "--org"]),
    ("etcdctl", &["--endpoints", "--cacert", "--cert", "--key", "--user"]),
    ("rabbitmqctl", &["-n", "--node", "-p", "--vhost"]),
    ("argocd", &["--server", "--auth-token"]),
    ("flux", &["-n", "--namespace", "--context"]),
    ("talosctl", &["-n", "--nodes", "-e", "--endpoints", "--talosconfig"]),
    ("virsh", &["-c", "--connect"]),
    ("doctl", &["-t", "--access-token", "--context", "-c", "--config"]),
    ("az", &["--subscription", "-g", "--resource-group"]),
    ("mysqldump", &["-u", "-h", "-P", "-S", "--user", "--host"]),
    ("systemd-run", &["-p", "--property", "-u", "--unit", "--uid", "--gid", "--slice", "-E", "-M"]),
    ("s3cmd", &["-c", "--config"]),
    ("rclone", &["--config"]),
    ("tailscale", &["--socket"]),
    ("wp", &["--path", "--url"]),
    ("consul", &["-http-addr", "-token"]),
    ("openstack", &["--os-cloud", "--os-project-name"]),
];

/// One token of a pattern.
#[derive(Debug)]
enum Token {
    /// The next plain word is one of these, or a later one unless this is the first.
    Word(Vec<&'static str>),
    /// One of these is there.
    Present(Vec<Choice>),
    /// None of these is there.
    Absent(Vec<Choice>),
}

#[derive(Debug)]
enum Choice {
    /// Exactly this, a long option with a value, or a letter among joined options.
    Option(&'static str),
    /// Any word that looks like this, and so has these letters.
    Like(&'static str, Letters),
}

impl Choice {
    fn like(pattern: &'static str) -> Self {
        Self::Like(pattern, Letters::needed(pattern))
    }
}

/// A pattern behind its program.
#[derive(Debug)]
struct Pattern {
    rule: &'static Rule,
    text: &'static str,
    /// Read when a command is first compared with it.
    tokens: OnceLock<Vec<Token>>,
}

/// The patterns by program; those whose program is a wildcard apart, with the letters that it must have.
#[derive(Debug, Default)]
struct Index {
    named: HashMap<&'static str, Vec<Pattern>>,
    wild: Vec<(&'static str, Letters, Pattern)>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut index = Index::default();
    for rule in all() {
        for pattern in rule.patterns.lines() {
            let (programs, rest) = parted(pattern);
            for program in programs {
                let pattern = Pattern { rule, text: rest, tokens: OnceLock::new() };
                if program.contains('*') {
                    index.wild.push((program, Letters::needed(program), pattern));
                } else {
                    index.named.entry(program).or_default().push(pattern);
                }
            }
        }
    }
    for patterns in index.named.values_mut() {
        patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.rule.level));
    }
    index
});

/// Whether some pattern is about a program of this name.
pub(super) fn knows(program: &str) -> bool {
    INDEX.named.contains_key(program)
}

/// The gravest rule one of whose patterns matches. `words` begins with the program's bare name; each has no letters but
/// these.
pub(super) fn worst(words: &[&str], letters: &[Letters]) -> Option<&'static Rule> {
    let program: &str = words.first()?;
    let count = words.len().min(letters.len()).min(MAX_WORDS);
    let mut line = Line::new(&words[..count], &letters[1..count]);
    let named = INDEX
        .named
        .get(&*lower(program))
        .into_iter()
        .flatten()
        .find(|pattern| line.fits(pattern))
        .map(|found| found.rule);
    let wild = INDEX
        .wild
        .iter()
        .filter(|(name, needed, _)| letters[0].has(*needed) && wild(name.as_bytes(), program.as_bytes()))
        .find(|(_, _, pattern)| line.fits(pattern))
        .map(|(_, _, found)| found.rule);
    match (named, wild) {
        (Some(named), Some(wild)) if wild.level > named.level => Some(wild),
        (named, wild) => named.or(wild),
    }
}

fn tokens(pattern: &'static str) -> Vec<Token> {
    let choices = |text: &'static str| match text.strip_prefix('~') {
        // Behind the first, a tilde that is meant is doubled too.
        Some(words) => {
            let (first, rest) = words.split_once('|').unwrap_or((words, ""));
            let rest = rest.split('|').filter(|word| !word.is_empty());
            std::iter::once(first)
                .chain(rest.map(|word| word.strip_prefix('~').unwrap_or(word)))
                .map(Choice::like)
                .collect()
        }
        None => text
            .split('|')
            .map(|text| text.strip_prefix('~').map_or(Choice::Option(text), Choice::like))
            .collect::<Vec<_>>(),
    };
    pattern
        .split(' ')
        .filter(|token| !token.is_empty())
        .map(|token| match token.strip_prefix('!') {
            Some(absent) => Token::Absent(choices(absent)),
            None if token.starts_with(['-', '~', '+']) => Token::Present(choices(token)),
            None => Token::Word(token.split('|').collect()),
        })
        .collect()
}

/// A command's words, read once for all patterns.
struct Line<'w> {
    args: &'w [&'w str],
    letters: &'w [Letters],
    /// The plain words, in lower case.
    plain: Vec<Cow<'w, str>>,
    /// All words in lower case, every run of blanks as the `␣` of the tables; made when a pattern may match.
    folded: Option<Vec<Cow<'w, str>>>,
}

impl<'w> Line<'w> {
    fn new(words: &'w [&'w str], letters: &'w [Letters]) -> Self {
        let (program, args) = words.split_first().unwrap_or((&"", &[]));
        let valued = rows!(VALUED, program).next().map_or(&[][..], |(_, valued)| valued);
        let plain = args
            .iter()
            .enumerate()
            .filter(|(at, word)| {
                (!word.starts_with(['-', '+']) || word.len() < 2)
                    && !at.checked_sub(1).is_some_and(|before| valued.contains(&args[before]))
            })
            .map(|(_, word)| lower(word))
            .collect();
        Self { args, letters, plain, folded: None }
    }

    fn fits(&mut self, pattern: &Pattern) -> bool {
        let mut next = 0;
        for (at, token) in pattern.tokens.get_or_init(|| tokens(pattern.text)).iter().enumerate() {
            let fits = match token {
                Token::Present(choices) => choices.iter().any(|choice| self.has(choice)),
                Token::Absent(choices) => !choices.iter().any(|choice| self.has(choice)),
                Token::Word(options) => {
                    let is_one = |word: &Cow<'_, str>| options.iter().any(|option| like(option, word));
                    let rest = self.plain.get(next..).unwrap_or_default();
                    let found = if at == 0 {
                        rest.first().is_some_and(is_one).then_some(0)
                    } else {
                        rest.iter().position(is_one)
                    };
                    next += found.map_or(0, |found| found + 1);
                    found.is_some()
                }
            };
            if !fits {
                return false;
            }
        }
        true
    }

    fn has(&mut self, choice: &Choice) -> bool {
        match choice {
            Choice::Like(pattern, needed) => {
                let may_fit = |at: &usize| self.letters[*at].has(*needed);
                let Some(first) = (0..self.args.len()).find(may_fit) else { return false };
                let words = self
                    .folded
                    .get_or_insert_with(|| self.args.iter().map(|word| folded(meant(word))).collect());
                words[first..].iter().any(|word| like(pattern, word))
            }
            Choice::Option(option) => self.args.iter().any(|word| is_option(word, option)),
        }
    }
}

/// A quoted `~i`, which the shell's walk writes `./~i` so that no home folder is made of it, as the program sees it.
fn meant(word: &str) -> &str {
    match word.strip_prefix("./") {
        Some(rest) if rest.starts_with('~') && !rest.starts_with("~/") && rest.len() > 1 => rest,
        _ => word,
    }
}

fn is_option(word: &str, option: &str) -> bool {
    if word == option {
        return true;
    }
    match option.strip_prefix("--") {
        Some(_) => word.strip_prefix(option).is_some_and(|rest| rest.starts_with('=')),
        // -rf has -r and -f.
        None if option.len() == 2 && option.starts_with('-') => {
            word.len() > 2
                && word.starts_with('-')
                && !word.starts_with("--")
                && word[1..].bytes().take_while(u8::is_ascii_alphabetic).any(|b| b == option.as_bytes()[1])
        }
        None => false,
    }
}

fn lower(word: &str) -> Cow<'_, str> {
    if word.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(word.to_ascii_lowercase())
    } else {
        Cow::Borrowed(word)
    }
}

/// A word in lower case, every run of blanks as the `␣` of the tables.
fn folded(word: &str) -> Cow<'_, str> {
    if word.bytes().all(|b| b.is_ascii_graphic()) {
        return lower(word);
    }
    let mut folded = String::with_capacity(word.len());
    for letter in word.chars() {
        match letter.is_whitespace() {
            true if folded.ends_with('␣') => {}
            true => folded.push('␣'),
            false => folded.push(letter.to_ascii_lowercase()),
        }
    }
    Cow::Owned(folded)
}

/// `*`, `?` and `[…]` match slashes and blanks too.
pub(super) fn like(pattern: &str, word: &str) -> bool {
    let (word, pattern) = (word.as_bytes(), pattern.as_bytes());
    let (mut p, mut w, mut back) = (0, 0, None);
    while w < word.len() {
        match pattern.get(p) {
            Some(b'*') => {
                back = Some((p, w));
                p += 1;
                continue;
            }
            Some(b'[') => {
                if let Some((length, fits)) = class(&pattern[p..], word[w]) {
                    if fits {
                        p += length;
                        w += 1;
                        continue;
                    }
                } else if word[w] == b'[' {
                    p += 1;
                    w += 1;
                    continue;
                }
            }
            Some(byte) if *byte == word[w] || *byte == b'?' => {
                p += 1;
                w += 1;
                continue;
            }
            _ => {}
        }
        match back {
            Some((star, from)) => {
                back = Some((star, from + 1));
                p = star + 1;
                w = from + 1;
            }
            None => return false,
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

/// The length of a bracket expression at the start, and whether the byte is one of it.
fn class(pattern: &[u8], byte: u8) -> Option<(usize, bool)> {
    let end = pattern.iter().take(64).skip(2).position(|b| *b == b']')? + 2;
    let is_not = matches!(pattern[1], b'!' | b'^');
    let inside = &pattern[1 + usize::from(is_not)..end];
    let (mut at, mut found) = (0, false);
    while at < inside.len() {
        if inside.get(at + 1) == Some(&b'-') && at + 2 < inside.len() {
            found |= (inside[at]..=inside[at + 2]).contains(&byte);
            at += 3;
        } else {
            found |= inside[at] == byte;
            at += 1;
        }
    }
    Some((end + 1, found != is_not))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &'static str, line: &str) -> bool {
        let (program, rest) = pattern.split_once(' ').unwrap_or((pattern, ""));
        let words: Vec<&str> = line.split(' ').collect();
        let letters: Vec<Letters> = words.iter().map(|word| Letters::of(word)).collect();
        let rule = all().next().unwrap();
        program.split('|').any(|name| wild(name.as_bytes(), words[0].as_bytes()))
            && Line::new(&words, &letters[1..]).fits(&Pattern { rule, text: rest, tokens: OnceLock::new() })
    }

    #[test]
    fn a_pattern_is_program_words_options_and_exceptions() {
        for (pattern, line, expected) in [
            ("git push -f|--force !--dry-run", "git -C d push origin main -f", true),
            ("git push -f|--force !--dry-run", "git push -f --dry-run", false),
            ("git push -f|--force", "git commit -m push --force", false),
            ("git reset --hard", "git reset --hard HEAD", true),
            ("kubectl delete ns|namespace", "kubectl -n a delete ns b", true),
            ("kubectl delete ns|namespace", "kubectl get ns delete", false),
            ("x ~*drop*table*", "x -c DROPTABLEt", true),
            ("tar -x", "tar -zxf a", true),
            ("mkfs|mkfs.*", "mkfs.ext4 /dev/sda", true),
            ("x -a|~*b*", "x cbc", true),
        ] {
            assert_eq!(fits(pattern, line), expected, "{pattern}: {line}");
        }
    }

    #[test]
    fn wildcards_match_as_in_the_shell() {
        for (pattern, word, expected) in [
            ("*b*", "abc", true),
            ("a?c", "abc", true),
            ("[a-c]x", "bx", true),
            ("[!a]x", "ax", false),
            ("*[0-9]", "abc7", true),
            ("[", "[", true),
            ("", "", true),
            ("a", "", false),
        ] {
            assert_eq!(like(pattern, word), expected, "{pattern} {word}");
        }
    }
}
