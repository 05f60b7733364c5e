//! What comes from the network and what goes there.

use crate::risk::lookup::{Names, list};
use std::cell::LazyCell;
use std::net::Ipv4Addr;

use super::call::Call;
use super::transfer::{Transfer, transfer};
use super::{Judge, Stream, names};
use crate::risk::effects::opens_machine;
use crate::risk::letters::{Part, has_part, has_part_lower, parts};
use crate::risk::paths::Place;
use crate::risk::rules::network::{DROPS, FETCHERS, METADATA, SENDERS};
use crate::risk::value::{Origin, comes_from, is_hole, origin};

/// How the keys begin that places for repositories give out.
const FORGE_KEYS: &[&str] = &[FORGE_KEY, "gho_", "ghs_", "ghu_", "github_pat_", "glpat-"];
/// How the one begins that the client of the best known prints.
pub(super) const FORGE_KEY: &str = "ghp_";

/// Parts of the names of places that are there to take what is built.
const STORES: Names = list!("artifact nexus jfrog pypi maven codecov sonar registry packages");

impl Judge<'_> {
    /// Judges what a program sends, and keeps what it writes.
    pub(super) fn network(&mut self, call: &Call<'_>, input: Option<&str>) {
        if !SENDERS.contains(call.name) && !fetches(call.name) {
            return;
        }
        let mut transfer = transfer(call);
        let told: Vec<&str> = match call.name {
            "sftp" | "ftp" | "lftp" | "smbclient" | "tftp" => {
                input.into_iter().chain(call.after(&["-e", "-c", "-b"])).collect()
            }
            _ => Vec::new(),
        };
        let mut is_where_keys_are = false;
        for line in told.iter().flat_map(|text| text.split(['\n', ';'])) {
            let mut words = line.split_whitespace();
            let verb = words.next();
            let mut paths = words.filter(|word| !word.starts_with('-'));
            match verb {
                Some("cd") => is_where_keys_are = paths.next().is_some_and(opens_machine),
                Some("put" | "mput" | "reput" | "mirror" | "send") => {
                    transfer.files.extend(paths.next());
                    if is_where_keys_are || paths.next().is_some_and(opens_machine) {
                        self.find("write-persistent", &call.line());
                    }
                }
                _ => {}
            }
        }
        static MACHINES: [Part; METADATA.len()] = parts(METADATA);
        if call.spelt().any(|(word, letters)| has_part_lower(word, letters, &MACHINES)) {
            self.find("metadata", &call.line());
        }
        for url in &transfer.urls {
            if let Some(path) = url.strip_prefix("file://") {
                self.effect(crate::risk::effects::Effect::Read, path, call.name);
            }
        }
        self.sent(call, &transfer, input);
        if !fetches(call.name) {
            return;
        }
        let config = call.after(&["-K", "--config"]).and_then(|path| match path {
            "-" => input.map(str::to_owned),
            path => self.content(path),
        });
        for line in config.iter().flat_map(|text| text.lines()).take(64) {
            let (name, value) = line.split_once(['=', ' ']).unwrap_or((line, ""));
            let value = value.trim_matches(['"', ' ', '=']);
            match name.trim().trim_start_matches('-') {
                "output" | "o" => {
                    self.effect(crate::risk::effects::Effect::Write, value, call.name);
                }
                "upload-file" | "T" => {
                    self.effect(crate::risk::effects::Effect::Read, value, call.name);
                }
                _ => {}
            }
        }
        let content = self.response(call, &transfer);
        for path in &transfer.outputs {
            self.effect(crate::risk::effects::Effect::Write, path, call.name);
            self.poisons(path, &content);
            self.keep(path, &content, false);
        }
        let saves = transfer.keeps_name
            || list!("wget aria2c axel fetch ftp sftp scp tftp").contains(call.name)
                && transfer.outputs.is_empty();
        if saves {
            let folder =
                call.after(&["-P", "--directory-prefix", "--output-dir", "-d", "--dir"]).map(str::to_owned);
            for url in &transfer.urls {
                let path = url.split(['?', '#']).next().unwrap_or_default();
                let name = names::base(path);
                match &folder {
                    Some(folder) => {
                        self.keep(&format!("{}/{name}", folder.trim_end_matches('/')), &content, false)
                    }
                    None => self.keep(name, &content, false),
                }
            }
        }
        if call.name == "ftpget" {
            let paths: Vec<String> = call.plain().map(str::to_owned).collect();
            for path in paths {
                self.keep(&path, &content, false);
            }
        }
        if matches!(call.name, "lwp-download")
            && let Some(target) = call.plain().nth(1)
        {
            self.keep(target, &content, false);
        }
        if matches!(call.name, "scp" | "sftp")
            && let Some(target) = call.plain().last().filter(|_| transfer.urls.is_empty())
            && call.plain().next().is_some_and(crate::risk::effects::is_remote)
        {
            let source = call.plain().next().map(names::base).unwrap_or_default();
            self.keep(target, &content, false);
            self.keep(&format!("{target}/{source}"), &content, false);
        }
    }

    /// The output of a program that fetches; `None` when it is none.
    pub(super) fn fetched(&mut self, call: &Call<'_>) -> Option<Stream> {
        let is_store =
            list!("gsutil aws rclone mc gcloud s3cmd ipfs az oras hdfs hadoop ossutil tosutil oci")
                .contains(call.name);
        // What others keep there for whoever asks.
        let keeps = match call.name {
            "redis-cli" => call.has(&["get", "GET", "hget", "HGET", "lpop", "LPOP", "rpop", "RPOP"]),
            "etcdctl" | "consul" => call.has(&["get"]),
            "gh" => call.has(&["gist"]) && call.has(&["view"]),
            "kubectl" | "oc" => call.has(&["get"]) && call.has(&["cm", "configmap", "configmaps"]),
            "ldapsearch" => true,
            _ => false,
        };
        if keeps {
            return Some(Some(Origin::NETWORK.text()));
        }
        let is_session = matches!(call.name, "ssh" | "slogin" | "rsh")
            || call.name == "openssl" && call.has(&["s_client"]);
        if is_session || is_store && call.has(&["cat", "-", "/dev/stdout"]) {
            let dumps = ["pg_dump", "mysqldump", "mongodump", "mariadb-dump"];
            let dumps = call.rest().iter().any(|word| dumps.iter().any(|dump| word.contains(dump)));
            let kept = if is_session && !dumps { Origin::default() } else { Origin::PRIVATE };
            return Some(Some((Origin::NETWORK | kept).text()));
        }
        if !fetches(call.name) {
            return None;
        }
        let transfer = transfer(call);
        let writes =
            transfer.outputs.iter().any(|path| *path != "-" && *path != "/dev/stdout") || transfer.keeps_name;
        let shows = matches!(call.name, "wget" | "aria2c" | "axel")
            && !transfer.outputs.iter().any(|path| matches!(*path, "-" | "/dev/stdout"));
        let content = self.response(call, &transfer);
        Some(if writes || shows { Some(String::new()) } else { Some(content) })
    }

    fn response(&self, call: &Call<'_>, transfer: &Transfer<'_>) -> String {
        match transfer.urls.first().and_then(|url| url.strip_prefix("file://")) {
            Some(path) => {
                let place = self.place(&self.resolve(path));
                self.content(path).unwrap_or_else(|| self.origin_of(place, path).text())
            }
            None => {
                let kept = call.origin.filter(|origin| origin.has(Origin::SECRET)).unwrap_or_default();
                let is_mail = |url: &&str| MESSAGES.iter().any(|part| url.contains(part));
                let private = if transfer.urls.iter().any(is_mail) { Origin::PRIVATE } else { kept };
                (Origin::NETWORK | kept | private).text()
            }
        }
    }

    fn sent(&mut self, call: &Call<'_>, transfer: &Transfer<'_>, input: Option<&str>) {
        let name = call.name;
        // A raw connection takes whatever is piped to it; a client of a protocol only what it is told to.
        let is_raw = list!(
            "nc ncat netcat nc.traditional nc.openbsd socat telnet openssl mail mailx sendmail mutt busybox
             websocat termbin msmtp swaks"
        )
        .contains(name);
        let is_local = |word: &str| {
            ["localhost", "127.0.0.1", "0.0.0.0", "[::1]", "host.docker.internal", "unix:"]
                .iter()
                .any(|host| word.contains(host))
        };
        // Nearly always nothing is sent for which these matter.
        let goes_out = LazyCell::new(|| !call.rest().iter().any(|word| is_local(word)));
        let drops = LazyCell::new(|| {
            call.rest().iter().any(|word| {
                let lower = word.to_ascii_lowercase();
                DROPS.iter().any(|host| lower.contains(host))
            })
        });
        let sends = || transfer.sends_input || is_raw || *drops;
        if let Some(from) = input
            .and_then(origin)
            .filter(|_| sends() && name != "openssl" || name == "openssl" && call.has(&["s_client"]))
        {
            let exposes = from.has(Origin::SECRET | Origin::CREDENTIAL)
                || *goes_out && from.has(Origin::PRIVATE) && (!from.is_work() || !is_delivery(call))
                || *goes_out
                    && from.has(Origin::FILE)
                    && (is_raw && !super::leaving::MAILERS.contains(name) || *drops || is_address(call))
                || is_raw && is_address(call);
            if exposes {
                self.find("send-secret", &call.line());
            }
        }
        // The shell of another machine keeps what it is given.
        if let Some(from) = input.and_then(origin).filter(|_| matches!(name, "ssh" | "mosh" | "slogin")) {
            let exposes = from.has(Origin::SECRET | Origin::PRIVATE) && (!from.is_work() || is_address(call));
            if *goes_out && exposes {
                self.find("send-secret", &call.line());
            } else if from.has(Origin::FILE) {
                self.find("send", &call.line());
            }
        }
        let leak = |text: &str, is_address: bool| {
            let Some(from) = origin(text) else { return false };
            // An address that is wholly unknown comes from a list; it is no message.
            let is_message = !is_address || !text.starts_with(is_hole);
            let is_private = from.has(Origin::PRIVATE | Origin::FILE) && from.has(Origin::OUTPUT);
            // What is in a file of variables.
            let is_dotenv = from.has(Origin::FILE) && from.has(Origin::CREDENTIAL) && is_message;
            from.has(Origin::SECRET) || is_dotenv && *goes_out || is_message && *goes_out && is_private
        };
        let leaks = transfer.urls.iter().any(|text| leak(text, true))
            || transfer.data.iter().any(|text| leak(text, false) && !comes_only_from_files(text));
        if leaks && !matches!(name, "ssh" | "git" | "gh" | "aws") {
            self.find("send-secret", &call.line());
        }
        let names_key = |text: &&&str| {
            comes_from(text, Origin::CREDENTIAL) && !text.contains("client_") && !text.contains("grant_type")
        };
        if transfer.urls.iter().chain(&transfer.data).any(|text| names_key(&text)) && *goes_out && *drops {
            self.find("send-secret", &call.line());
        }
        // A key of a place for repositories, for somebody else.
        static KEYS: [Part; FORGE_KEYS.len()] = parts(FORGE_KEYS);
        if matches!(name, "curl" | "wget" | "http" | "https" | "xh" | "curlie")
            && call.spelt().any(|(word, letters)| has_part(word, letters, &KEYS))
            && transfer.urls.iter().any(|url| url.contains("://") && super::particulars::is_foreign(url))
        {
            self.find("send-secret", &call.line());
        }
        let mut exposes = false;
        for path in &transfer.files {
            let place = self.place(&self.resolve(path));
            let content = self.content(path).and_then(|content| origin(&content));
            let is_private =
                matches!(place, Place::Secret | Place::System | Place::Defence | Place::Persistent)
                    || content.is_some_and(|from| {
                        from.has(Origin::SECRET | Origin::PRIVATE) && (!from.is_work() || !is_delivery(call))
                    })
                    || place == Place::Dotenv && *goes_out && !matches!(name, "scp" | "rsync")
                    || matches!(self.resolve(path).as_str(), "~" | "/")
                    || is_personal(&self.resolve(path)) && !matches!(name, "scp" | "rsync");
            let is_valued = is_valuable(path)
                && list!("curl wget http https xh ftp lftp tftp smbclient").contains(name)
                && *goes_out;
            // What is not of the project, all of it, or data, to a machine that has no name.
            let is_taken = matches!(name, "scp" | "rsync" | "sftp")
                && is_address(call)
                && (is_valuable(path)
                    || content.is_some_and(Origin::is_work)
                    || matches!(place, Place::Home | Place::Outside | Place::ProjectWhole)
                    || matches!(*path, "." | "./" | "*" | ".."));
            exposes |= is_private
                || is_valued
                || is_taken
                || *drops
                || is_address(call) && !matches!(name, "scp" | "rsync" | "sftp");
        }
        if exposes {
            self.find("send-secret", &call.line());
        }
        if list!("dig nslookup host ping drill resolvectl traceroute kdig").contains(name) {
            // A name that is made of a command's output is a message.
            let is_message = |word: &&&str| {
                comes_from(word, Origin::OUTPUT | Origin::SECRET | Origin::PRIVATE | Origin::FILE)
                    && word.contains('.')
                    && word.len() > 6
                    && !crate::risk::value::is_hole(word.chars().last().unwrap_or(' '))
                    || comes_from(word, Origin::SECRET | Origin::FILE)
            };
            if call.rest().iter().any(|word| is_message(&word)) {
                self.find("send-secret", &call.line());
            }
        }
    }
}

/// Whether a program fetches what it is told to.
pub(super) fn fetches(name: &str) -> bool {
    FETCHERS.contains(name)
}

/// Ends, and parts, of the names of files that hold what others must not have.
const VALUABLE_ENDS: Names = list!(
    ".sql .sql.gz .dump .dump.gz .db .sqlite .sqlite3 .bak .rdb .pcap .kdbx .pem .key .pfx .p12 .tfstate
     .mbox .pst .ldif"
);
const DATA_ENDS: Names = list!(".csv .tsv .json .jsonl .xlsx .xls .parquet .txt .zip .gz .tgz .tar .7z");
const VALUABLE_PARTS: Names =
    list!("customer payroll salar passw credential secret wallet patient confidential");

/// Whether a file's name says that it holds what others must not have.
pub(super) fn is_valuable(path: &str) -> bool {
    let name = names::base(path).to_ascii_lowercase();
    VALUABLE_ENDS.iter().any(|end| name.ends_with(end))
        || VALUABLE_PARTS.iter().any(|part| name.contains(part))
            && DATA_ENDS.iter().any(|end| name.ends_with(end))
}

/// Whether a folder is one in which people keep what is their own.
pub(super) fn is_personal(path: &str) -> bool {
    ["~/documents", "~/desktop", "~/pictures", "~/photos", "~/mail", "~/downloads", "~/projects"]
        .contains(&path.trim_end_matches(['/', '*']).to_ascii_lowercase().as_str())
}

/// Whether a text holds nothing but what files of the project say, as bodies of requests do.
fn comes_only_from_files(text: &str) -> bool {
    origin(text).is_some_and(|from| !from.has(Origin::PRIVATE | Origin::SECRET | Origin::CREDENTIAL))
}

/// Parts of addresses at which services give what people wrote to each other.
const MESSAGES: Names = list!(
    "conversations.history conversations.replies search.messages im.history channels.history /me/messages
     /me/mailfolders /me/chats gmail/v1/users /getUpdates"
);

/// Whether what is built is taken to where it belongs: to a machine or store of one's own.
fn is_delivery(call: &Call<'_>) -> bool {
    let is_store = |word: &&str| {
        let host =
            word.split_once("://").map_or(*word, |(_, rest)| rest).split('/').next().unwrap_or_default();
        STORES.iter().chain(["localhost", "127.0.0.1"]).any(|store| host.contains(store))
    };
    !list!("curl wget http https xh ftp lftp tftp nc ncat").contains(call.name)
        || call.rest().iter().any(is_store)
}

/// Whether a bare public address is called, as nobody does who has a name for it.
fn is_address(call: &Call<'_>) -> bool {
    call.rest().iter().any(|word| is_public(word))
}

/// Whether an address is a bare public one.
pub(super) fn is_public(word: &str) -> bool {
    let host = match word.split_once(':') {
        Some((_, rest)) => rest.strip_prefix("//").unwrap_or(word),
        None => word,
    };
    let host = host.rsplit('@').next().unwrap_or_default();
    let end = host.bytes().position(|byte| matches!(byte, b'/' | b':')).unwrap_or(host.len());
    let is_near = |host: Ipv4Addr| {
        host.is_private() || host.is_loopback() || host.is_link_local() || host.octets()[0] == 0
    };
    host[..end].parse().is_ok_and(|host| !is_near(host))
}
