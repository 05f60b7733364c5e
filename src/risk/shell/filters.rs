//! What programs give that read and write texts, as far as it can be said without running them.

use super::ambient::is_credential;
use super::call::Call;
use super::reading::COPIES;
use super::served::is_destructive;
use super::texts::{
    counted, cut, defined, ends, folded, formatted, numbered, picked, sorted, substituted, translated,
};
use super::{Judge, Stream, decode, names};
use crate::risk::lookup::{Names, list};
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

impl Judge<'_> {
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
        // Passwords stand among the other outputs.
        if matches!(call.name, "terraform" | "tofu" | "terragrunt" | "pulumi")
            && call.has(&["output"])
            && call.has(&["-json", "--json"])
        {
            return Some((Origin::FILE | Origin::CREDENTIAL | Origin::OUTPUT).text());
        }
        if matches!(call.name, "jq" | "yq" | "dasel" | "gron" | "fx")
            && let Some(from) = input.as_deref().and_then(origin)
            && from.has(Origin::FILE)
            && from.has(Origin::CREDENTIAL)
            && from.has(Origin::OUTPUT)
        {
            return Some(self.picked_output(call));
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
        if list!("grep egrep fgrep rg ag ack ugrep").contains(call.name)
            && self.captured == 0
            && input.as_deref().is_some_and(|text| comes_from(text, Origin::PRIVATE))
            && !call.has(&["-c", "-q", "-v", "-l"])
        {
            self.picks_secrets(call);
        }
        let text = self.gathered(call, input);
        if call.name == "cat" && rest == ["/dev/null"] {
            return Some(text);
        }
        if matches!(call.name, "tee" | "sponge") {
            let adds = call.has(&["-a", "--append"]);
            for path in call.plain() {
                if text.is_empty() && !adds {
                    self.emptied(path);
                }
                self.poisons(path, &text);
                self.keep(path, &text, adds);
            }
            return Some(text);
        }
        if let Some(path) =
            rest.iter().find_map(|word| word.strip_prefix("of=")).filter(|_| call.name == "dd")
        {
            if text.is_empty() {
                self.emptied(path);
            }
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

    /// What is picked out of the outputs of a stack: a key only where it is named like one.
    fn picked_output(&mut self, call: &Call<'_>) -> String {
        let is_key = |word: &str| {
            let mut names = word.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            names.any(is_credential)
        };
        if !call.rest().iter().any(|word| is_key(word)) {
            return Origin::UNKNOWN.text();
        }
        if self.captured == 0 {
            self.find("print-secret", &call.line());
        }
        (Origin::SECRET | Origin::CREDENTIAL).text()
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
}

/// Whether a statement makes a text of letters or of pieces.
fn spells_in_sql(statement: &str) -> bool {
    let lower = statement.to_ascii_lowercase();
    ["char(", "||", "replace(", "substr(", "unhex(", "printf(", "format(", "reverse("]
        .iter()
        .any(|call| lower.contains(call))
}

/// Where a program of this name is found.
fn found_at(name: &str) -> String {
    if name.contains('/') || name.is_empty() { name.to_owned() } else { format!("/usr/bin/{name}") }
}
