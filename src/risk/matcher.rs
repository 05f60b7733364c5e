//! The patterns of the rule tables, matched against a command's words.
//!
//! `git push -f|--force !--dry-run`: program, words in their order, options anywhere, `!` for what must not be there,
//! `~` before a wildcard that any word may match (`␣` is a run of blanks). Alternatives are separated by `|`.

use super::paths::wild;

/// Options of programs that take the next word, so that it is not mistaken for a subcommand.
const VALUED: &[(&str, &[&str])] = &[
    ("git", &["-C", "-c", "--git-dir", "--work-tree", "--namespace"]),
    ("docker", &["-H", "--host", "--context", "-c", "--config", "-l", "--log-level"]),
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
    ("helm", &["-n", "--namespace", "--kube-context", "--kubeconfig"]),
    ("aws", &["--profile", "--region", "--endpoint-url", "--output"]),
    ("gcloud", &["--project", "--account", "--configuration"]),
    ("systemctl", &["-H", "-M", "--host"]),
    ("npm", &["--prefix", "-w", "--workspace"]),
    ("yarn", &["--cwd"]),
    ("pnpm", &["-C", "--dir", "--filter", "-F"]),
    ("cargo", &["--manifest-path", "--config"]),
];

/// Whether one of the patterns matches. `words` begins with the program's bare name.
pub(super) fn matches(pattern: &str, words: &[&str]) -> bool {
    let mut tokens = pattern.split(' ');
    let Some((program, args)) = words.split_first() else { return false };
    if !tokens.next().unwrap_or_default().split('|').any(|name| wild(name.as_bytes(), program.as_bytes())) {
        return false;
    }
    let valued = VALUED.iter().find(|(name, _)| name == program).map_or(&[][..], |(_, valued)| valued);
    let mut positionals = args.iter().enumerate().filter(|(at, word)| {
        (!word.starts_with(['-', '+']) || word.len() < 2)
            && !at.checked_sub(1).is_some_and(|before| valued.contains(&args[before]))
    });
    let mut is_first = true;
    tokens.all(|token| match token.strip_prefix('!') {
        Some(absent) => !present(absent, args),
        None if token.starts_with(['-', '~', '+']) => present(token, args),
        None => {
            let fits = |word: &str| {
                token.split('|').any(|option| wild(option.as_bytes(), word.to_ascii_lowercase().as_bytes()))
            };
            let found = if is_first {
                positionals.next().is_some_and(|(_, word)| fits(word))
            } else {
                positionals.any(|(_, word)| fits(word))
            };
            is_first = false;
            found
        }
    })
}

/// Whether one of the alternatives stands among the words.
fn present(token: &str, args: &[&str]) -> bool {
    if let Some(options) = token.strip_prefix('~') {
        let words: Vec<String> = args.iter().map(|word| folded(word)).collect();
        return options.split('|').any(|option| words.iter().any(|word| contains(word, option)));
    }
    token.split('|').any(|option| {
        args.iter().any(|word| {
            if *word == option {
                return true;
            }
            match option.strip_prefix("--") {
                Some(_) => word.strip_prefix(option).is_some_and(|rest| rest.starts_with('=')),
                // -rf has -r and -f.
                None if option.len() == 2 && option.starts_with('-') => {
                    word.len() > 2
                        && word.starts_with('-')
                        && !word.starts_with("--")
                        && word[1..]
                            .bytes()
                            .take_while(u8::is_ascii_alphabetic)
                            .any(|b| b == option.as_bytes()[1])
                }
                None => !option.starts_with('-') && *word == option,
            }
        })
    })
}

/// A word in lower case, every run of blanks as the `␣` of the tables.
fn folded(word: &str) -> String {
    let mut folded = String::with_capacity(word.len());
    for letter in word.chars() {
        match letter.is_whitespace() {
            true if folded.ends_with('␣') => {}
            true => folded.push('␣'),
            false => folded.push(letter.to_ascii_lowercase()),
        }
    }
    folded
}

/// `*` and `?` here match slashes and blanks too.
fn contains(word: &str, pattern: &str) -> bool {
    let (word, pattern) = (word.as_bytes(), pattern.as_bytes());
    let (mut p, mut w, mut back) = (0, 0, None);
    while w < word.len() {
        match pattern.get(p) {
            Some(b'*') => {
                back = Some((p, w));
                p += 1;
            }
            Some(byte) if *byte == word[w] || *byte == b'?' => {
                p += 1;
                w += 1;
            }
            _ => match back {
                Some((star, from)) => {
                    back = Some((star, from + 1));
                    p = star + 1;
                    w = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

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
        ] {
            assert_eq!(matches(pattern, &line.split(' ').collect::<Vec<_>>()), expected, "{pattern}: {line}");
        }
    }
}
