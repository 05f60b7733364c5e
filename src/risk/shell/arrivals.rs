//! What comes here from the network: repositories of others, archives, copies from other machines and stores.

use std::cell::LazyCell;

use super::call::Call;
use super::{Judge, Stream, names};
use crate::risk::effects::is_remote;
use crate::risk::value::{Origin, comes_from, is_hole};

/// What stands before the names of files that were sent to another machine.
const SENT: &str = "/\u{0}sent/";

impl Judge<'_> {
    /// Repositories of others: what is run of them is from the network too.
    pub(super) fn cloned(&mut self, call: &Call<'_>) {
        let verb = match call.name {
            "git" | "hg" | "fossil" => "clone",
            "gh" | "glab" | "tea" if call.has(&["repo", "repos"]) => "clone",
            "svn" if call.has(&["export"]) => "export",
            "svn" if call.has(&["co"]) => "co",
            "svn" => "checkout",
            "bzr" | "brz" => "branch",
            "degit" | "tiged" => call.name,
            _ => return,
        };
        if !call.has(&[verb]) && verb != call.name {
            return;
        }
        let plain: Vec<String> = match verb {
            verb if verb == call.name => call.plain().map(str::to_owned).collect(),
            verb => call.plain().skip_while(|word| *word != verb).skip(1).map(str::to_owned).collect(),
        };
        // What one logs in to is hardly somebody else's.
        let is_address = |word: &&String| {
            word.contains("://") && !word.starts_with("ssh://")
                || call.name != "git" && word.contains('/') && !word.starts_with(['.', '/', '~'])
        };
        let Some(url) = plain.iter().find(is_address) else { return };
        let folder = plain.last().filter(|last| *last != url).cloned();
        let base = names::base(url.trim_end_matches('/')).trim_end_matches(".git").to_owned();
        let folder = folder.unwrap_or(base);
        if call.name == "svn" && folder.contains('.') {
            self.keep(&folder, &Origin::NETWORK.text(), false);
        }
        let folder = self.resolve(&folder);
        self.fetched_folders.push(folder);
    }

    /// Archives from the network: what comes out of them is from there too.
    pub(super) fn unpacked(&mut self, call: &Call<'_>, input: &Stream) {
        let unpacks = match call.name {
            "tar" | "bsdtar" | "gtar" => crate::risk::effects::extracts(call.rest()),
            "unzip" | "7z" | "7za" | "cpio" | "unar" | "unrar" | "bsdunzip" | "dpkg-deb" | "rpm2cpio"
            | "ar" => true,
            _ => false,
        };
        let archive = || call.plain().find_map(|path| self.content(path)).as_deref().is_some_and(is_fetched);
        if unpacks && (input.as_deref().is_some_and(is_fetched) || archive()) {
            let folder = call.after(&["-C", "--directory", "-d"]).unwrap_or(".").to_owned();
            let folder = self.resolve(&folder);
            self.fetched_folders.push(folder);
        }
    }

    /// Copies from other machines and stores: the file that they leave here.
    pub(super) fn brought(&mut self, call: &Call<'_>, input: Option<&str>) {
        let fetched = LazyCell::new(|| Origin::NETWORK.text());
        let plain = LazyCell::new(|| call.plain().map(str::to_owned).collect::<Vec<String>>());
        let is_address = |word: &String| word.contains("://") || is_remote(word);
        match call.name {
            "scp" | "rsync" | "sftp" | "rcp" | "pscp" => {
                let Some(source) = plain.iter().find(|word| is_address(word)) else { return };
                // To another machine: nothing comes here, but it may be run there.
                if plain.last().is_some_and(is_address) && plain.len() > 1 {
                    for path in plain.iter().rev().skip(1) {
                        self.keep(&format!("{SENT}{}", names::base(path)), "", false);
                    }
                    if let Some(target) = plain.last() {
                        self.keep(
                            &format!("{SENT}{}", target.rsplit(['/', ':']).next().unwrap_or_default()),
                            "",
                            false,
                        );
                    }
                    return;
                }
                self.arrives(source, plain.last().filter(|last| *last != source), &fetched);
            }
            "aws" | "gsutil" | "gcloud" | "s3cmd" | "s5cmd" | "mc" | "rclone" | "ossutil" | "tosutil"
            | "coscmd" | "az" | "azcopy" | "oci" | "b2" | "hdfs" | "hadoop" | "kubectl" | "docker"
            | "ipfs" => {
                if !call.has(&[
                    "cp", "sync", "copy", "copyto", "get", "download", "-get", "rsync", "mirror", "mv",
                ]) {
                    return;
                }
                if let Some(path) =
                    call.after(&["-f", "--file", "--dest", "--destination"]).map(str::to_owned)
                    && call.name == "az"
                {
                    return self.keep(&path, &fetched, false);
                }
                let Some(at) = plain.iter().position(is_address) else { return };
                if matches!(call.name, "kubectl" | "docker") && plain[at].contains("://") {
                    return;
                }
                let target = plain.get(at + 1).filter(|target| !is_address(target)).cloned();
                self.arrives(&plain[at].clone(), target.as_ref(), &fetched);
            }
            "ssh" if !self.files.is_empty() => {
                let line = plain.iter().skip(1).cloned().collect::<Vec<_>>().join(" ");
                let sent = |word: &str| {
                    let base = names::base(word);
                    !base.is_empty() && self.files.get(&format!("{SENT}{base}")).is_some()
                };
                let mut words = line.split([' ', ';', '&', '|', '\n']).filter(|word| !word.is_empty());
                let mut before = "";
                let runs = words.any(|word| {
                    let starts = before.is_empty()
                        || super::interpreters::is_shell(names::base(before))
                        || super::interpreters::is_interpreter(names::base(before))
                        || matches!(before, "sudo" | "nohup" | "exec" | "source" | "." | "+x" | "-i" | "-x")
                        || word.contains('/')
                            && !matches!(
                                before,
                                "cat" | "ls" | "rm" | "xf" | "xzf" | "-xzf" | "-C" | "mv" | "cp"
                            );
                    before = word;
                    starts && sent(word)
                });
                if runs {
                    self.find("download-run-file", &call.line());
                }
            }
            "smbclient" | "tftp" | "ftp" | "lftp" | "atftp" => {
                let told = call.after(&["-c", "-e"]).into_iter().chain(input);
                let lines: Vec<String> = told
                    .flat_map(|text| text.split([';', '\n']))
                    .map(|line| line.trim().to_owned())
                    .collect();
                for line in lines.iter().take(16) {
                    let mut words = line.split_whitespace();
                    if matches!(words.next(), Some("get" | "mget" | "pget" | "reget" | "recv"))
                        && let Some(path) = words.next_back()
                    {
                        self.keep(names::base(path), &fetched, false);
                    }
                }
                if let Some(path) = call.after(&["-r", "-l"]).filter(|_| call.has(&["-g"])).map(str::to_owned)
                {
                    self.keep(names::base(&path), &fetched, false);
                }
            }
            "gh" | "glab" if call.has(&["release"]) && call.has(&["download"]) => {
                let folder = call.after(&["-D", "--dir"]).unwrap_or(".").to_owned();
                let folder = self.resolve(&folder);
                self.fetched_folders.push(folder);
            }
            "sshfs" | "mount" | "mount.nfs" | "mount.cifs" | "mount_smbfs" | "curlftpfs" | "s3fs"
            | "gcsfuse" | "davfs2" => {
                if let (Some(true), Some(folder)) = (plain.iter().rev().nth(1).map(is_address), plain.last())
                {
                    let folder = self.resolve(folder);
                    self.fetched_folders.push(folder);
                }
            }
            _ => {}
        }
    }

    /// A file of elsewhere, under its own name or the one that is asked for.
    fn arrives(&mut self, source: &str, target: Option<&String>, content: &str) {
        let name = source.rsplit(['/', ':']).next().unwrap_or_default();
        if name.is_empty() || name.contains(is_hole) {
            return;
        }
        match target.map(String::as_str) {
            None | Some("." | "./") => self.keep(name, content, false),
            Some(target) => {
                self.keep(target, content, false);
                self.keep(&format!("{}/{name}", target.trim_end_matches('/')), content, false);
            }
        }
    }
}

pub(super) fn is_fetched(text: &str) -> bool {
    comes_from(text, Origin::NETWORK)
}
