//! What is made ready for others: archives of what is private, files that go with a mail, packages that are published, and
//! folders that are shown to whoever asks.

use std::cell::LazyCell;

use super::Judge;
use super::call::Call;
use crate::risk::lookup::{list, rows};
use crate::risk::paths::Place;
use crate::risk::value::{Origin, has_hole};

/// Programs that show a folder to whoever asks, and the options that name it.
const SHOWS: &[(&str, &[&str])] = &[
    ("http-server", &[]),
    ("serve", &[]),
    ("live-server", &[]),
    ("miniserve", &[]),
    ("dufs", &[]),
    ("darkhttpd", &[]),
    ("webfsd", &["-r"]),
    ("static-web-server", &["-d", "--root"]),
    ("caddy", &["--root", "-root"]),
    ("filebrowser", &["-r", "--root"]),
    ("sfz", &[]),
    ("simple-http-server", &[]),
    ("updog", &["-d", "--directory"]),
    ("uploadserver", &["-d", "--directory"]),
    ("rclone", &[]),
];

impl Judge<'_> {
    /// Files that go with a mail, and packages that go out with more than was in them.
    pub(super) fn attached(&mut self, call: &Call<'_>) {
        if list!("mail mailx mutt s-nail swaks mpack neomutt sendemail sendEmail blat").contains(call.name) {
            let path = call
                .after(&["-a", "-A", "--attach", "--attach-file", "-attach"])
                .map(|path| path.trim_start_matches('@'));
            let is_private = path.is_some_and(|path| {
                let lower = path.to_ascii_lowercase();
                let kept = [
                    ".sql", ".dump", ".db", ".sqlite", ".bak", ".env", ".pem", ".key", ".kdbx", ".sql.gz",
                    ".tfstate", ".pcap",
                ];
                matches!(
                    self.place(&self.resolve(path)),
                    Place::Secret | Place::System | Place::Persistent | Place::Dotenv | Place::Home
                ) || kept.iter().any(|end| lower.ends_with(end))
            });
            if is_private {
                self.find("send-secret", &call.line());
            }
        }
        self.packed(call);
        let adds = list!("jq sed gsed perl node yq dasel npm python3 python").contains(call.name)
            && call.rest().iter().any(|word| {
                let sets = word.contains("postinstall") || word.contains("preinstall");
                sets && (word.contains('=') || word.contains("s/") || word.contains("scripts"))
            });
        self.is_heard |= matches!(call.name, "tcpdump" | "tshark" | "dumpcap" | "ngrep" | "tcpflow");
        self.is_poisoned |= adds && !call.has(&["get", "run"]);
        // One package after the other, taken apart and put together again.
        self.is_poisoned |= call.name == "npm"
            && call.has(&["pack"])
            && call.plain().skip(1).any(has_hole)
            && self.is_looping();
        if self.is_poisoned
            && matches!(call.name, "npm" | "pnpm" | "yarn" | "bun" | "lerna")
            && call.has(&["publish"])
            && !call.has(&["--dry-run"])
        {
            self.find("poisoned-package", &call.line());
        }
    }

    /// A whole home, or keys, that are packed into a file.
    pub(super) fn packed(&mut self, call: &Call<'_>) {
        let plain = LazyCell::new(|| call.plain().collect::<Vec<&str>>());
        let (target, sources) = match call.name {
            "tar" | "gtar" | "bsdtar" => {
                let packs = call
                    .rest()
                    .first()
                    .is_some_and(|word| word.trim_start_matches('-').contains('c') && word.contains('f'))
                    || call.has(&["-c", "--create"]);
                let at = call.rest().iter().position(|word| {
                    *word == "-f"
                        || !word.starts_with("--")
                            && word.ends_with('f')
                            && word.len() < 8
                            && !word.contains(['/', '.'])
                });
                match at.filter(|_| packs).and_then(|at| call.rest().get(at + 1)) {
                    Some(target) => {
                        (*target, plain.iter().filter(|word| *word != target).copied().collect::<Vec<_>>())
                    }
                    None => return,
                }
            }
            "zip" => match plain.split_first() {
                Some((target, sources)) => (*target, sources.to_vec()),
                None => return,
            },
            "7z" | "7za" | "rar" if plain.first() == Some(&"a") && plain.len() > 2 => {
                (plain[1], plain[2..].to_vec())
            }
            _ => return,
        };
        let is_private = sources.iter().any(|path| {
            let resolved = self.resolve(path);
            matches!(
                resolved.as_str(),
                "~" | "~/*" | "/" | "/etc" | "/home" | "/root" | "~/Documents" | "~/.config"
            ) || self.place(&resolved) == Place::Secret
        });
        let is_work = |path: &&str| {
            let place = self.place(&self.resolve(path));
            matches!(*path, "." | "./" | ".." | "*" | "./*" | ".git" | "./.git")
                || matches!(place, Place::Home | Place::Outside | Place::ProjectWhole)
        };
        let from = match is_private {
            true => Origin::PRIVATE,
            false if sources.iter().any(is_work) => Origin::WORK,
            false => return,
        };
        if target != "-" {
            self.keep(target, &from.text(), false);
            if call.name == "zip" && !super::names::base(target).contains('.') {
                self.keep(&format!("{target}.zip"), &from.text(), false);
            }
        }
    }

    /// A whole home or machine that is shown to whoever asks.
    pub(super) fn shown(&mut self, call: &Call<'_>) {
        if !matches!(self.folder.as_str(), "~" | "/" | "/etc" | "/home" | "/root" | "/Users" | "/var") {
            return;
        }
        let words = call.rest();
        let base = |name: &str| rows!(SHOWS, name).next();
        let runs = match call.name {
            "npx" | "bunx" | "pnpx" | "pnpm" | "yarn" => call.plain().find_map(base),
            name => base(name),
        };
        let names_folder = |options: &[&str]| {
            call.after(options).is_some()
                || call
                    .plain()
                    .skip_while(|word| base(word).is_some())
                    .any(|word| word.starts_with(['.', '/', '~']) && word != "." || word.ends_with('/'))
        };
        let is_server = match call.name {
            name if name.starts_with("python") => {
                words.windows(2).any(|pair| {
                    pair[0] == "-m"
                        && matches!(
                            pair[1],
                            "http.server" | "SimpleHTTPServer" | "uploadserver" | "pyftpdlib"
                        )
                }) && call.after(&["-d", "--directory"]).is_none()
            }
            "php" => call.has(&["-S"]) && call.after(&["-t"]).is_none(),
            "ruby" => call.has(&["-run"]) && call.has(&["httpd"]),
            "busybox" => call.has(&["httpd"]) && call.after(&["-h"]).is_none(),
            _ => runs.is_some_and(|(_, options)| !names_folder(options)),
        };
        if is_server {
            self.find("send-secret", &call.line());
        }
    }
}
