//! What is put elsewhere and taken from there: copies, links, clipboards.

use super::call::Call;
use super::{Judge, Stream, names};
use crate::risk::effects::{self, Effect};
use crate::risk::paths::Place;
use crate::risk::value::has_hole;

/// Names of one list that are looked at.
const MAX_NAMED: usize = 32;

/// Stands for the clipboard.
const HELD: &str = "/dev/fd/clipboard";

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
        for name in names.lines().filter(|name| !has_hole(name)).take(MAX_NAMED) {
            let path = format!("{}/{name}", target.trim_end_matches('/'));
            self.effect(Effect::Write, &path, call.name);
        }
    }

    /// What is copied or moved is what it was.
    pub(super) fn copied(&mut self, call: &Call<'_>, input: &Stream) {
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
