//! What the words of programs that send and fetch say: addresses, texts and files that go out, files that are written.

use super::call::Call;
use crate::risk::lookup::{Names, list};
use crate::risk::value::{Origin, comes_from, has_hole};

/// What leaves with a request, or a copy.
#[derive(Default)]
pub(super) struct Transfer<'c> {
    /// Addresses.
    pub(super) urls: Vec<&'c str>,
    /// Texts that are sent.
    pub(super) data: Vec<&'c str>,
    /// Files that are sent.
    pub(super) files: Vec<&'c str>,
    /// Files that are written.
    pub(super) outputs: Vec<&'c str>,
    /// Whether the answer is kept under the name that the address ends with.
    pub(super) keeps_name: bool,
    /// Whether standard input is sent.
    pub(super) sends_input: bool,
}

/// Options of `curl` and `wget` whose word is none of the above.
const VALUED: Names = list!(
    "-H --header -u --user -A --user-agent -e --referer -x --proxy -m --max-time -w --write-out -b --cookie
     -c --cookie-jar --connect-timeout --retry --retry-delay -X --request --cacert --cert --key -E -U -t
     --tries -T --timeout --resolve --interface -r --range --limit-rate -C --oauth2-bearer --ciphers
     --socks5 -l --level -a --auth --session --method"
);

/// What a command tells a program to send and to fetch.
pub(super) fn transfer<'c>(call: &Call<'c>) -> Transfer<'c> {
    let rest = &call.words[1..];
    let mut found = Transfer::default();
    let (mut at, name) = (0, call.name);
    let is_curl = matches!(name, "curl" | "curlie");
    let is_wget = matches!(name, "wget" | "wget2");
    while let Some(word) = rest.get(at).copied() {
        let next = rest.get(at + 1).copied().unwrap_or_default();
        let (option, joined) = match word.split_once('=').filter(|_| word.starts_with("--")) {
            Some((option, value)) => (option, Some(value)),
            None if is_curl && word.len() > 2 && word.starts_with('-') && !word.starts_with("--") => {
                // -dtext, -XPOST, -sSLo file
                let letters = &word[1..];
                let taking = letters.char_indices().find(|(_, letter)| "dFToHuXAbcemxwKEU".contains(*letter));
                match taking {
                    Some((place, letter)) => {
                        if letters[..place].contains('O') {
                            found.keeps_name = true;
                        }
                        let value = &letters[place + 1..];
                        let option = SHORT
                            .iter()
                            .find(|short| short[1..].starts_with(letter))
                            .copied()
                            .unwrap_or("-s");
                        (option, (!value.is_empty()).then_some(value))
                    }
                    None => {
                        found.keeps_name |= letters.contains('O');
                        ("-s", None)
                    }
                }
            }
            None if is_wget && word.len() > 2 && word.starts_with('-') && !word.starts_with("--") => {
                match word[1..].char_indices().find(|(_, letter)| "OP".contains(*letter)) {
                    Some((place, letter)) => {
                        let value = &word[place + 2..];
                        (if letter == 'O' { "-O" } else { "-P" }, (!value.is_empty()).then_some(value))
                    }
                    None => ("-q", None),
                }
            }
            None => (word, None),
        };
        let value = joined.unwrap_or(next);
        let takes = usize::from(joined.is_none());
        at += 1;
        match option {
            "-d" | "--data" | "--data-raw" | "--data-binary" | "--data-ascii" | "--data-urlencode"
            | "--json"
                if is_curl =>
            {
                at += takes;
                match value
                    .split_once('@')
                    .filter(|(before, _)| option != "--data-raw" && !before.contains(['{', ' ', '.']))
                {
                    Some((_, "-" | "/dev/stdin")) => found.sends_input = true,
                    Some((before, path)) if before.is_empty() || option == "--data-urlencode" => {
                        found.files.push(path)
                    }
                    _ => found.data.push(value),
                }
            }
            "-F" | "--form" | "--form-string" if is_curl => {
                at += takes;
                match value.split_once("=@").or_else(|| value.split_once("=<")) {
                    Some((_, path)) if path.starts_with('-') => found.sends_input = true,
                    Some((_, path)) => found.files.push(path.split(';').next().unwrap_or_default()),
                    None => found.data.push(value),
                }
            }
            "-T" | "--upload-file" if is_curl => {
                at += takes;
                if matches!(value, "-" | "." | "/dev/stdin") {
                    found.sends_input = true
                } else {
                    found.files.push(value)
                }
            }
            "--post-data" | "--body-data" => {
                at += takes;
                found.data.push(value);
            }
            "--post-file" | "--body-file" => {
                at += takes;
                if matches!(value, "-" | "/dev/stdin") {
                    found.sends_input = true
                } else {
                    found.files.push(value)
                }
            }
            "-o" | "--output" if !matches!(name, "ssh" | "scp" | "nc" | "rsync") => {
                at += takes;
                found.outputs.push(value);
            }
            "-O" | "--output-document" if !is_curl => {
                at += takes;
                found.outputs.push(value);
            }
            "-O" | "--remote-name" | "-J" | "--remote-header-name" | "--remote-name-all" if is_curl => {
                found.keeps_name = true
            }
            "-P" | "--directory-prefix" if is_wget => at += takes,
            "--url" => {
                at += takes;
                found.urls.push(value);
            }
            "-T" if is_wget => at += takes,
            "-A" | "--user-agent" | "-b" | "--cookie" | "-e" | "--referer" if is_curl || is_wget => {
                at += takes;
                if comes_from(value, Origin::PRIVATE | Origin::FILE) && comes_from(value, Origin::OUTPUT) {
                    found.data.push(value);
                }
            }
            "-H" | "--header" if is_curl || is_wget => {
                at += takes;
                // Keys belong there; what else is known of the machine does not.
                if comes_from(value, Origin::PRIVATE)
                    && !comes_from(value, Origin::SECRET | Origin::CREDENTIAL)
                {
                    found.data.push(value);
                }
            }
            option if (is_curl || is_wget) && VALUED.contains(option) => at += takes,
            option if option.starts_with('-') && option.len() > 1 => {}
            _ => positional(name, word, &mut found),
        }
    }
    if is_curl && found.keeps_name && !found.outputs.is_empty() {
        found.keeps_name = false;
    }
    if matches!(name, "http" | "https" | "xh" | "httpie") {
        found.sends_input = true;
    }
    if matches!(name, "scp" | "rsync" | "sftp") {
        let plain: Vec<&str> = rest.iter().filter(|word| !word.starts_with('-')).copied().collect();
        let (target, sources) =
            plain.split_last().map_or(("", &[][..]), |(target, sources)| (*target, sources));
        found.urls.clear();
        if crate::risk::effects::is_remote(target) || has_hole(target) {
            found.files.extend(sources);
        }
    }
    if list!("aws gsutil rclone s3cmd mc az gcloud azcopy tosutil ossutil").contains(name) {
        let copies = call.has(&["cp", "sync", "mv", "put", "copy", "move", "upload", "rsync", "copyto"]);
        found.urls.clear();
        if copies {
            let plain: Vec<&str> = rest.iter().filter(|word| !word.starts_with('-')).copied().collect();
            let skip = plain.iter().position(|word| {
                matches!(
                    *word,
                    "cp" | "sync" | "mv" | "put" | "copy" | "move" | "upload" | "rsync" | "copyto"
                )
            });
            found.files.extend(
                plain.get(skip.unwrap_or(0) + 1).filter(|word| !word.contains("://") && **word != "-"),
            );
            found.sends_input = plain.contains(&"-");
        }
    }
    found
}

/// The options of `curl` that take a word.
const SHORT: &[&str] =
    &["-d", "-F", "-T", "-o", "-H", "-u", "-X", "-A", "-b", "-c", "-e", "-m", "-x", "-w", "-K", "-E", "-U"];

fn positional<'c>(name: &str, word: &'c str, found: &mut Transfer<'c>) {
    match name {
        "http" | "https" | "xh" | "httpie" => match word.split_once('@') {
            Some((_, path)) if !word.contains("://") => found.files.push(path),
            _ if word.contains(":=") || word.contains('=') && !word.contains("://") => found.data.push(word),
            _ => found.urls.push(word),
        },
        "gh" if word == "gist" => found.sends_input = true,
        "gh" if found.sends_input && word != "create" => found.files.push(word),
        _ => found.urls.push(word),
    }
}
