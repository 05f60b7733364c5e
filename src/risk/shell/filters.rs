//! What programs give that read and write texts, as far as it can be said without running them.

use super::ambient::is_credential;
use super::run::Call;
use super::served::is_destructive;
use super::texts::{
    counted, cut, defined, ends, folded, formatted, numbered, picked, sorted, substituted, translated,
};
use super::{Judge, Stream, decode, names};
use crate::risk::effects::{self, Effect};
use crate::risk::lookup::{Names, list};
use crate::risk::paths::Place;
use crate::risk::rules::databases::is_client;
use crate::risk::syntax::escape;
use crate::risk::value::{Origin, comes_from, has_hole, origin};

/// Bytes of a text that is sorted.
const MAX_SORTED: usize = 4096;
/// Texts within a query that are looked at.
const MAX_LITERALS: usize = 32;

/// Programs that tell about the machine and who uses it.
const TELLS: Names = list!(
    "whoami doveadm himalaya notmuch id hostname uname ifconfig ip ps env printenv history set w who last
     netstat ss mount df lsblk crontab fc hostnamectl groups lscpu dmidecode pg_dump mysqldump pg_dumpall
     mongodump mariadb-dump mongoexport getent arp route lsof pstree systeminfo users finger"
);

/// Programs that give their input, or their files, as they are.
const COPIES: Names = list!(
    "cat nl less more bat sort uniq grep egrep fgrep rg zgrep tee pv column fold fmt strings iconv dos2unix
     expand unexpand dd buffer mbuffer ts uuencode unbuffer cpio lolcat shuf comm xclip most zless view
     batcat"
);

/// Stands for the clipboard.
const HELD: &str = "/dev/fd/clipboard";

/// Whether a program gives what the clipboard, or a buffer like it, holds; `None` when it is for something else.
fn holds(call: &Call<'_>) -> Option<bool> {
    let says = |words: &[&str]| call.has(words);
    match call.name {
        "pbcopy" | "wl-copy" | "clip" | "termux-clipboard-set" => Some(false),
        "pbpaste" | "wl-paste" | "termux-clipboard-get" => Some(true),
        "xclip" | "xsel" => Some(says(&["-o", "-out", "--output", "-bo", "-ob", "-po"])),
        "tmux" if says(&["load-buffer", "loadb", "set-buffer", "setb"]) => Some(false),
        "tmux" if says(&["show-buffer", "showb", "save-buffer", "saveb"]) => Some(true),
        _ => None,
    }
}

impl Judge<'_> {
    /// What a program puts aside for another, or gives of that; `None` when nothing is known of it.
    pub(super) fn held(&mut self, call: &Call<'_>, input: &Stream) -> Option<Stream> {
        if holds(call)? {
            return self.content(HELD).map(Some);
        }
        let given = call.plain().filter(|word| word.contains(' ')).last().map(str::to_owned);
        let text = given.or_else(|| input.clone()).unwrap_or_default();
        self.keep(HELD, &text, false);
        Some(None)
    }

    /// Files that are copied by the names that a program reads.
    pub(super) fn copies_named(&mut self, call: &Call<'_>, input: Option<&str>) {
        let copies = call.name == "rsync" && call.rest().iter().any(|word| word.starts_with("--files-from"))
            || matches!(call.name, "cpio" | "pax");
        let (Some(names), Some(target)) = (input.filter(|_| copies), call.plain().last()) else { return };
        for name in names.lines().filter(|name| !has_hole(name)).take(MAX_LITERALS) {
            let path = format!("{}/{name}", target.trim_end_matches('/'));
            self.effect(Effect::Write, &path, call.name);
        }
    }

    /// The output of a program that is nothing special.
    pub(super) fn filter(&mut self, call: &Call<'_>, input: Stream) -> Stream {
        let rest = call.rest();
        let word = |text: &str| Some(format!("{text}\n"));
        match call.name {
            "mktemp" => return word(&format!("/tmp/{}", Origin::UNKNOWN.hole())),
            "whereis" => {
                let name = call.plain().last().unwrap_or_default();
                return word(&format!("{name}: /usr/bin/{name}"));
            }
            "which" => return word(&found_at(call.plain().next().unwrap_or_default())),
            "command" | "type" | "hash" => return word(&found_at(call.plain().last().unwrap_or_default())),
            // The home of somebody.
            "getent" if rest.first() == Some(&"passwd") && rest.len() == 2 => {
                return word(&format!("{0}:x:1000:1000::/home/{0}:/bin/bash", rest[1]));
            }
            "realpath" | "readlink" => {
                return word(&self.resolve(call.plain().last().unwrap_or_default()));
            }
            "basename" => {
                let name = names::base(call.plain().next().unwrap_or_default());
                let suffix = call.plain().nth(1).unwrap_or_default();
                return word(name.strip_suffix(suffix).unwrap_or(name));
            }
            "dirname" => {
                let path = call.plain().next().unwrap_or_default();
                match path {
                    "~" => return word("/home"),
                    // What stands for the current folder, or for one above it.
                    "./" | "../" => return word(if path == "./" { "../" } else { "../../" }),
                    _ => {}
                }
                return word(path.rsplit_once('/').map_or(".", |(folder, _)| folder));
            }
            // A program that is picked out of all that there are.
            "compgen" if call.has(&["-v", "-e"]) && !call.has(&["-W"]) => {
                return word(&Origin::CREDENTIAL.text());
            }
            "compgen" if !call.has(&["-W"]) => return word(&Origin::DECODED.text()),
            "ls" => {
                let folder = call.plain().next().unwrap_or(".");
                let is_odd = folder.contains(['?', '[']) && folder.contains("/bin/");
                if is_odd
                    || matches!(folder.trim_end_matches('/'), "/bin" | "/usr/bin" | "/sbin" | "/usr/sbin")
                {
                    return word(&Origin::DECODED.text());
                }
                let names_itself = call.rest().iter().any(|word| word.starts_with('-') && word.contains('d'));
                return word(&if names_itself {
                    folder.to_owned()
                } else if call.plain().next().is_none() {
                    Origin::UNKNOWN.text()
                } else {
                    format!("{folder}/{}", Origin::UNKNOWN.hole())
                });
            }
            // A format without fields is what it says.
            "date" => {
                let format = call.rest().iter().find_map(|text| text.strip_prefix('+'));
                if let Some(format) = format.filter(|format| !format.contains('%')) {
                    return word(format);
                }
            }
            "seq" => {
                return word(&call.after(&["-f"]).map_or_else(|| counted(rest), numbered));
            }
            // A text that is put together of what stands here, and of nothing else.
            "expr"
                if call.origin.is_none()
                    && rest.iter().any(|word| matches!(*word, "substr" | "match" | ":")) =>
            {
                return word(&Origin::DECODED.text());
            }
            // Of fish and of Tcl.
            "string" | "format" if call.origin.is_none() && input.is_none() => {
                return word(&Origin::DECODED.text());
            }
            // Statements that a query puts together, for another client to run.
            name if is_client(name) && call.rest().iter().any(|query| query.contains('\'')) => {
                let texts = call.rest().iter().flat_map(|query| query.split('\'').skip(1).step_by(2));
                let destroys = |text: &&str| is_destructive(&text.trim_start().to_ascii_lowercase());
                if let Some(text) = texts.take(MAX_LITERALS).find(destroys) {
                    return word(text);
                }
            }
            "sqlite3" | "duckdb"
                if matches!(call.plain().next(), Some(":memory:" | ""))
                    && call.rest().iter().any(|word| spells_in_sql(word)) =>
            {
                return word(&Origin::DECODED.text());
            }
            "jq" if input.is_none()
                && call.has(&["-rn", "-nr", "-nj", "-jn"])
                && call.plain().count() == 1
                && !call.plain().any(|code| code.starts_with('"') || code.contains("env")) =>
            {
                return word(&Origin::DECODED.text());
            }
            // A number whose bytes are printed, or digits of another base.
            "dc" | "bc" => {
                let told = call.line() + input.as_deref().unwrap_or_default();
                if told.contains('P') || told.contains('a') && call.name == "dc" || told.contains("obase") {
                    return word(&Origin::DECODED.text());
                }
            }
            "git" if call.has(&["config"]) => {
                let plain: Vec<&str> =
                    call.plain().filter(|word| *word != "config" && *word != "get").collect();
                if let [key] = plain.as_slice()
                    && let Some(value) = self.content(&format!("/dev/fd/git/{key}"))
                {
                    return word(&value);
                }
            }
            // Sizes and names of what lies in a folder that is not the project's.
            "du" => {
                let folder = call.plain().find(|path| path.starts_with(['~', '/']));
                if let Some(folder) = folder.filter(|folder| !has_hole(folder)) {
                    let folder = folder.trim_end_matches(['*', '/']);
                    return word(&format!("1\t{folder}/{}", Origin::UNKNOWN.hole()));
                }
            }
            // Whose it is stays to be seen.
            "pidof" | "pgrep" => {
                let name = call.plain().last().unwrap_or_default();
                return word(&format!("{name}{}", Origin::UNKNOWN.hole()));
            }
            // What was hidden in a picture, a program or a history.
            "exiftool" | "zbarimg" | "tesseract" | "strings" | "identify" | "zsteg" | "outguess"
            | "getfattr" | "unhex" | "stegsnow" | "steghide"
                if input.as_deref().is_none_or(has_hole) && call.plain().next().is_some() =>
            {
                return word(&Origin::DECODED.text());
            }
            "git" if call.has(&["log", "notes"]) => return word(&Origin::DECODED.text()),
            "printenv" if self.captured > 0 => {
                let name = call.plain().next().unwrap_or_default();
                if let Some(value) = self.scope.get(name).and_then(|items| items.at("0")) {
                    return word(&value);
                }
            }
            "gpgconf" => return word("~/.gnupg/S.gpg-agent.ssh"),
            "yes" => return word(call.plain().next().unwrap_or("y")),
            "printenv" if self.captured == 0 && call.plain().any(is_credential) => {
                self.find("print-credential", &call.line());
            }
            _ => {}
        }
        // The numbers of all processes, and nothing else to pick some by.
        let lists_all = call.name == "ps"
            && call.has(&["-e", "-A", "ax", "-ax", "aux", "-eo", "-Ao", "axo", "-axo"])
            && call.rest().iter().any(|word| matches!(*word, "pid" | "pid=" | "-opid=" | "-opid"));
        if lists_all {
            return word(&format!("1 {}", Origin::PRIVATE.hole()));
        }
        if call.name == "envsubst" {
            let text = self.gathered(call, input);
            return Some(self.substituted(&text));
        }
        if call.name == "stat"
            && let Some(format) = call.after(&["-c", "--format", "--printf"])
        {
            let path = call.plain().find(|path| *path != format);
            return word(&match path.filter(|_| format.trim() == "%n") {
                Some(path) => path.to_owned(),
                None => formatted(format),
            });
        }
        if call.name == "m4" {
            let text = self.gathered(call, input);
            let from = if has_hole(&text) || text.is_empty() { Origin::UNKNOWN } else { Origin::DECODED };
            return Some(defined(&text).unwrap_or_else(|| from.text()));
        }
        if TELLS.contains(call.name) {
            let is_one =
                call.name == "printenv" && call.plain().all(|name| !is_credential(name)) && !rest.is_empty();
            let secret =
                !is_one && matches!(call.name, "env" | "printenv" | "set" | "history" | "fc" | "getent");
            return Some(if secret { Origin::PRIVATE | Origin::CREDENTIAL } else { Origin::PRIVATE }.text());
        }
        if matches!(call.name, "grep" | "egrep" | "fgrep" | "rg" | "ag" | "ack" | "ugrep")
            && self.captured == 0
            && input.as_deref().is_some_and(|text| comes_from(text, Origin::PRIVATE))
            && !call.has(&["-c", "-q", "-v", "-l"])
        {
            self.picks_secrets(call);
        }
        let text = self.gathered(call, input);
        if matches!(call.name, "tee" | "sponge") {
            for path in call.plain() {
                self.poisons(path, &text);
                self.keep(path, &text, call.has(&["-a", "--append"]));
            }
            return Some(text);
        }
        if let Some(path) =
            rest.iter().find_map(|word| word.strip_prefix("of=")).filter(|_| call.name == "dd")
        {
            self.poisons(path, &text);
            self.keep(path, &text, false);
            return None;
        }
        if matches!(call.name, "cp" | "mv" | "install" | "ln" | "rsync") {
            self.copied(call, &Some(text));
            return None;
        }
        if call.name == "jq"
            && let Some((literal, _)) =
                call.plain().find_map(|word| word.strip_prefix('"')?.split_once("\"|@base64d"))
        {
            return Some(decode::base64(literal).map_or_else(|| Origin::DECODED.text(), |text| text + "\n"));
        }
        if call.name == "jq"
            && let Some(literal) = call.plain().find_map(|word| word.strip_prefix('"')?.strip_suffix('"'))
        {
            let literal = literal.replace("\\(\"", "").replace("\")", "");
            let is_whole = !literal.contains('"');
            return Some(if is_whole { escape::unescape(&literal) + "\n" } else { Origin::DECODED.text() });
        }
        if call.name == "jq" && !has_hole(&text) && !text.is_empty() {
            return Some(picked(call, &text).unwrap_or_else(|| Origin::DECODED.text()));
        }
        if let Some(text) = decode::decoded(call, &text) {
            return Some(text);
        }
        // Nobody writes what is run in another alphabet, in the digits of its bytes or backwards.
        let is_turned = matches!(call.name, "iconv" | "rev" | "od" | "hexdump")
            || call.name == "tr" && call.plain().count() > 1 && call.plain().all(|set| set.len() > 2)
            || call.name == "dd" && rest.iter().any(|word| word.starts_with("skip="))
            || call.name.ends_with("awk")
                && call.plain().any(|code| code.contains("%c") || code.contains("substr("))
                && (has_hole(&text) || text.is_empty())
            || matches!(call.name, "jq" | "yq")
                && call.plain().any(|code| code.contains("@base64d") || code.contains("implode"))
                && (has_hole(&text) || text.is_empty());
        let is_unread = text.is_empty() && !matches!(call.name, "rev" | "tr" | "dd");
        if is_turned && (has_hole(&text) || matches!(call.name, "iconv" | "od" | "hexdump") || is_unread) {
            return Some((origin(&text).unwrap_or_default() | Origin::DECODED).text());
        }
        if has_hole(&text) || text.is_empty() {
            // What picks lines and fields may leave what is known of them.
            let picked = match call.name {
                "head" | "tail" => Some(ends(call, &text)),
                "cut" => cut(call, &text),
                _ => None,
            };
            let picked = picked.filter(|picked| has_hole(picked) && picked.chars().any(|c| c == '/'));
            return Some(picked.unwrap_or_else(|| self.passed(call, &text)));
        }
        let changed = match call.name {
            "fold" => Some(folded(rest, &text)),
            "sort" if text.len() < MAX_SORTED => Some(sorted(rest, &text)),
            "tac" => Some(text.lines().rev().map(|line| line.to_owned() + "\n").collect()),
            "rev" => Some(text.lines().map(|line| line.chars().rev().collect::<String>() + "\n").collect()),
            "tr" => translated(rest, &text),
            "head" | "tail" => Some(ends(call, &text)),
            "cut" => cut(call, &text),
            "sed" | "gsed" => {
                let changed = substituted(call, &text);
                if call.rest().iter().any(|word| word.starts_with("-i") || word.starts_with("--in-place")) {
                    let made = changed.clone().unwrap_or_else(|| Origin::DECODED.text());
                    for path in call.plain().skip(1).take(16).map(str::to_owned).collect::<Vec<_>>() {
                        self.changed_in_place(&path, &made);
                    }
                }
                changed
            }
            "awk" | "gawk" | "mawk" | "nawk" => super::texts::awk_prints(call, &text),
            "paste" => {
                let joined = call.rest().iter().find_map(|word| {
                    let (letters, delimiter) = word.strip_prefix('-')?.split_once('d')?;
                    (letters.len() < 3 && !delimiter.is_empty()).then_some(delimiter)
                });
                let delimiter = joined.or_else(|| call.after(&["-d", "-sd", "--delimiters"])).unwrap_or("\t");
                Some(text.lines().collect::<Vec<_>>().join(&escape::unescape(delimiter)) + "\n")
            }
            "xargs" => Some(text.split_whitespace().collect::<Vec<_>>().join(" ") + "\n"),
            "grep" | "rg" | "egrep"
                if call.rest().iter().any(|word| word.starts_with('-') && word.contains('o')) =>
            {
                None
            }
            "split" if rest.iter().any(|word| word.starts_with("--filter")) => Some(text.clone()),
            "split" | "csplit" => {
                // The pieces lie beside each other, in their order.
                let start = match call.name {
                    "csplit" => call.after(&["-f", "--prefix"]).unwrap_or("xx"),
                    _ => call.plain().filter(|word| *word != "-").last().unwrap_or("x"),
                };
                self.keep(&format!("{start}aa"), &text, false);
                return None;
            }
            name if COPIES.contains(name) => Some(text.clone()),
            name if is_client(name) => Some(Origin::UNKNOWN.text()),
            // Whatever it is, what it makes of a text that is written out here is meant to be read nowhere else.
            _ => None,
        };
        Some(changed.unwrap_or_else(|| Origin::DECODED.text()))
    }

    /// A file that these commands wrote and that a program writes anew.
    fn changed_in_place(&mut self, path: &str, content: &str) {
        if self.content(path).is_some() {
            self.keep(path, content, false);
        }
    }

    /// What `envsubst` makes of a text: variables that are known are put in.
    fn substituted(&self, text: &str) -> String {
        let mut pieces = text.split('$');
        let mut made = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let (name, behind) = match piece.strip_prefix('{').and_then(|piece| piece.split_once('}')) {
                Some(pair) => pair,
                None => piece
                    .split_at(piece.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count()),
            };
            match self.scope.get(name).and_then(|items| items.at("0")) {
                Some(value) => made.push_str(&value),
                None => made.push(Origin::UNKNOWN.hole()),
            }
            made.push_str(behind);
        }
        made
    }

    /// Credentials that are picked from what was heard on a line.
    fn picks_secrets(&mut self, call: &Call<'_>) {
        let pattern = call.after(&["-e", "--regexp"]).or_else(|| call.plain().next()).unwrap_or_default();
        let pattern = pattern.to_ascii_lowercase();
        let heard = [
            "pass",
            "authorization",
            "cookie",
            "login",
            "secret",
            "pwd",
            "bearer",
            "credential",
            "token",
            "key",
        ];
        let seeks = |words: &[&str]| words.iter().any(|word| pattern.contains(word));
        if self.is_heard && seeks(&heard) {
            self.find("search-secrets", &call.line());
        }
    }

    /// What a program reads: the files among its words, or else its input.
    fn gathered(&mut self, call: &Call<'_>, input: Stream) -> String {
        let takes_pattern = matches!(
            call.name,
            "grep"
                | "egrep"
                | "fgrep"
                | "rg"
                | "zgrep"
                | "sed"
                | "gsed"
                | "awk"
                | "gawk"
                | "mawk"
                | "nawk"
                | "jq"
                | "sqlite3"
                | "tr"
                | "yq"
        );
        let is_reader = COPIES.contains(call.name)
            || matches!(
                call.name,
                "head"
                    | "tail"
                    | "cut"
                    | "rev"
                    | "base64"
                    | "xxd"
                    | "base32"
                    | "sed"
                    | "gsed"
                    | "awk"
                    | "gawk"
                    | "paste"
                    | "jq"
                    | "zcat"
                    | "gunzip"
                    | "yq"
                    | "od"
                    | "hexdump"
                    | "openssl"
                    | "gpg"
                    | "tar"
                    | "zip"
                    | "gzip"
                    | "xz"
            );
        let skipped = usize::from(takes_pattern);
        let mut whole: Option<String> = None;
        if !matches!(call.name, "tee" | "tr" | "sponge") {
            let rest = call.rest();
            let takes_word = matches!(
                call.name,
                "head" | "tail" | "cut" | "sort" | "paste" | "fold" | "nl" | "grep" | "od"
            );
            let files = rest.iter().enumerate().filter(|(at, word)| {
                let behind = at.checked_sub(1).map_or("", |before| rest[before]);
                let is_value = takes_word
                    && matches!(
                        behind,
                        "-n" | "-c"
                            | "-d"
                            | "-f"
                            | "-k"
                            | "-t"
                            | "-b"
                            | "-w"
                            | "-A"
                            | "-B"
                            | "-C"
                            | "-m"
                            | "-e"
                    );
                (!word.starts_with('-') || **word == "/dev/stdin")
                    && !word.is_empty()
                    && !is_value
                    && (call.name != "dd" || !word.contains('='))
            });
            for path in files
                .map(|(_, word)| *word)
                .skip(skipped)
                .filter(|path| !matches!(*path, "/dev/stdin" | "/dev/fd/0"))
                .take(64)
            {
                let written = self.content(path);
                let place = self.place(&self.resolve(path));
                let content = match (written, place) {
                    // A copy of a program does what the program does.
                    (None, _) if is_program(path) => format!("exec {path} \"$@\"\n"),
                    (Some(content), _) => content,
                    (None, place) if is_reader || place == Place::Secret => {
                        self.origin_of(place, path).text()
                    }
                    _ => continue,
                };
                whole.get_or_insert_default().push_str(&content);
            }
            for path in call
                .rest()
                .iter()
                .filter_map(|word| word.strip_prefix("if=").or_else(|| word.strip_prefix("-in=")))
            {
                let content = self.reads(path, call.name);
                whole.get_or_insert_default().push_str(&content);
            }
        }
        whole.or(input).unwrap_or_default()
    }

    /// A text of which the program is not known to change anything but the wording.
    fn passed(&self, call: &Call<'_>, text: &str) -> String {
        if COPIES.contains(call.name) && text.len() < 4096 && !text.is_empty() {
            return text.to_owned();
        }
        let kept = call.origin.filter(|origin| {
            origin.has(
                Origin::SECRET | Origin::PRIVATE | Origin::CREDENTIAL | Origin::NETWORK | Origin::DECODED,
            )
        });
        let from = match (origin(text), kept) {
            (Some(origin), Some(more)) => origin | more,
            (Some(origin), None) | (None, Some(origin)) => origin,
            (None, None) => Origin::UNKNOWN,
        };
        from.text()
    }

    /// What is copied or moved is what it was.
    fn copied(&mut self, call: &Call<'_>, input: &Stream) {
        let plain: Vec<&str> = call.plain().collect();
        let Some((target, sources)) = plain.split_last() else { return };
        for source in sources {
            let is_program = ["/bin/", "/usr/bin/", "/sbin/", "/usr/sbin/"]
                .iter()
                .any(|folder| source.starts_with(folder))
                || !source.contains('/')
                    && call.args.iter().any(|arg| arg.text == *source && call.name == "ln")
                    && source.len() < 8;
            if call.name == "ln" || is_program {
                let into = format!("{}/{}", target.trim_end_matches('/'), names::base(source));
                self.link(target, source);
                if sources.len() > 1 || target.ends_with(['/', '.']) {
                    self.link(&into, source);
                }
            }
            // What is put among temporary files and deleted there is gone from where it was.
            let is_folder = target.ends_with('/') || matches!(*target, "/tmp" | "/var/tmp");
            let is_temporary = is_folder || self.place(&self.resolve(target)) == Place::Temporary;
            let place = self.place(&self.resolve(source));
            if call.name == "mv"
                && is_temporary
                && effects::rule(Effect::DeleteTree, place) == Some("delete-outside")
            {
                let into = format!("{target}/{}", names::base(source));
                self.link(if is_folder { &into } else { target }, source);
            }
            let piped = if *source == "/dev/stdin" { input.clone() } else { None };
            if let Some(content) = piped.or_else(|| self.content(source)) {
                self.keep(target, &content, false);
                self.keep(&format!("{target}/{}", names::base(source)), &content, false);
            }
        }
    }
}

/// Whether a statement makes a text of letters or of pieces.
fn spells_in_sql(statement: &str) -> bool {
    let lower = statement.to_ascii_lowercase();
    ["char(", "||", "replace(", "substr(", "unhex(", "printf(", "format(", "reverse("]
        .iter()
        .any(|call| lower.contains(call))
}

/// Whether a path is that of a program that a command may begin with which does harm.
fn is_program(path: &str) -> bool {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let name = names::base(path);
    matches!(folder, "/bin" | "/usr/bin" | "/sbin" | "/usr/sbin")
        && (super::guess::begins(name) || super::interpreters::is_shell(name))
}

/// Where a program of this name is found.
fn found_at(name: &str) -> String {
    if name.contains('/') || name.is_empty() { name.to_owned() } else { format!("/usr/bin/{name}") }
}
