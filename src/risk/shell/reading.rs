//! What programs read that give it on: the files among their words, or else their input.

use super::call::Call;
use super::{Judge, Stream, names};
use crate::risk::lookup::{Names, list};
use crate::risk::paths::Place;
use crate::risk::value::{Origin, origin};

/// Programs that give their input, or their files, as they are.
pub(super) const COPIES: Names = list!(
    "cat nl less more bat sort uniq grep egrep fgrep rg zgrep tee pv column fold fmt strings iconv dos2unix
     expand unexpand dd buffer mbuffer ts uuencode unbuffer cpio lolcat shuf comm xclip most zless view
     batcat"
);

impl Judge<'_> {
    /// What a program reads: the files among its words, or else its input.
    pub(super) fn gathered(&mut self, call: &Call<'_>, input: Stream) -> String {
        let takes_pattern = list!("grep egrep fgrep rg zgrep sed gsed awk gawk mawk nawk jq sqlite3 tr yq")
            .contains(call.name);
        let is_reader = COPIES.contains(call.name)
            || list!(
                "head tail cut rev base64 xxd base32 sed gsed awk gawk paste jq zcat gunzip yq od hexdump
                 openssl gpg tar zip gzip xz"
            )
            .contains(call.name);
        let skipped = usize::from(takes_pattern);
        let mut whole: Option<String> = None;
        if !matches!(call.name, "tee" | "tr" | "sponge") {
            let rest = call.rest();
            let takes_word = list!("head tail cut sort paste fold nl grep od").contains(call.name);
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
                if path == "/dev/null" {
                    whole.get_or_insert_default();
                    continue;
                }
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
    pub(super) fn passed(&self, call: &Call<'_>, text: &str) -> String {
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
}

/// Whether a path is that of a program that a command may begin with which does harm.
fn is_program(path: &str) -> bool {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let name = names::base(path);
    matches!(folder, "/bin" | "/usr/bin" | "/sbin" | "/usr/sbin")
        && (super::guess::begins(name) || super::interpreters::is_shell(name))
}
