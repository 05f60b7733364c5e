//! What programs give that look at the machine, pack what is on it, or run in a container of others.

use super::arrivals::is_fetched;
use super::call::Call;
use super::{Judge, Stream};
use crate::risk::lookup::{Names, list};
use crate::risk::paths::Place;
use crate::risk::value::Origin;

/// Folders with the things of everybody or everything.
const WHOLE: Names = list!("~ / ~/* /* /home /Users /root /var /srv /opt /etc ~/Documents");

/// Programs that show what was put aside for another program.
const CLIPBOARDS: Names = list!("xclip xsel pbpaste wl-paste clipcat termux-clipboard-get");

/// Programs that give all that a database holds.
const DUMPERS: Names = list!("pg_dump pg_dumpall mysqldump mariadb-dump mongodump mongoexport slapcat");

impl Judge<'_> {
    /// What a program gives that looks at the machine, or at a container of others; `None` for all others.
    pub(super) fn yields(&self, call: &Call<'_>, input: Option<&str>) -> Option<Stream> {
        let is_whole = |path: &str| WHOLE.contains(self.resolve(path).as_str());
        let private = match call.name {
            "tcpdump" | "tshark" | "dumpcap" | "ngrep" => call.has(&["-", "-A", "-X", "-w"]),
            "tar" | "bsdtar" | "gtar" | "zip" | "7z" | "cpio" | "pax" => {
                let packs = !call.has(&["-x", "--extract", "-t", "x", "t", "xf", "tf"]);
                let is_foreign = |path: &str| {
                    matches!(
                        self.place(&self.resolve(path)),
                        Place::Home | Place::Secret | Place::System | Place::Outside
                    )
                };
                packs && call.plain().any(|path| is_whole(path) || is_foreign(path))
            }
            "docker" | "podman" | "nerdctl" | "kubectl" | "oc" | "docker-compose" => {
                call.has(&["save", "export"]) && !call.has(&["-o", "--output"])
                    || call.has(&["logs", "inspect"])
                    || call.has(&["exec"]) && call.rest().iter().any(|word| DUMPERS.contains(word))
                    || call.has(&["exec"])
                        && call.rest().last().is_some_and(|word| matches!(*word, "env" | "printenv"))
            }
            "parec" | "arecord" | "pw-record" | "xwd" | "rec" | "grim" | "import" => true,
            "osascript" => call.rest().iter().any(|word| word.contains("the clipboard")),
            name if CLIPBOARDS.contains(name) => {
                !call.has(&["-i", "-in", "--input", "-c", "--clear"])
                    && (call.has(&["-o", "-out", "--output", "-b", "-p"])
                        || matches!(name, "pbpaste" | "wl-paste"))
            }
            _ => false,
        };
        if private {
            return Some(Some(Origin::PRIVATE.text()));
        }
        let is_work = match call.name {
            "tar" | "bsdtar" | "gtar" | "zip" => {
                !crate::risk::effects::extracts(call.rest())
                    && call.plain().any(|path| matches!(path, "." | "./" | "*" | ".." | ".git"))
            }
            "git" => {
                call.has(&["archive"]) && call.after(&["-o", "--output"]).is_none()
                    || call.has(&["bundle"]) && call.has(&["-"])
            }
            _ => false,
        };
        if is_work && !call.rest().iter().any(|word| word.starts_with("--remote")) {
            return Some(Some(Origin::WORK.text()));
        }
        let foreign = matches!(call.name, "docker" | "podman" | "nerdctl") && call.has(&["run"])
            || call.name == "git"
                && call.has(&["archive"])
                && call.rest().iter().any(|word| word.starts_with("--remote"));
        // What is unpacked onto the output is what was packed.
        let passes = matches!(call.name, "tar" | "bsdtar" | "gtar" | "unzip" | "cpio")
            && (call.has(&["--to-stdout", "-p"])
                || call.rest().first().is_some_and(|word| word.contains('O')));
        let foreign = foreign || passes && input.is_some_and(is_fetched);
        foreign.then(|| Some((Origin::NETWORK | Origin::UNKNOWN).text()))
    }
}
