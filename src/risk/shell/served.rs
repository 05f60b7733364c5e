//! What is told to servers: requests whose bodies or addresses are statements, lines sent over a raw connection,
//! statements that one program hands to the client of a database, and folders that are shown to everybody.

use crate::risk::lookup::{Names, list, rows};
use std::cell::LazyCell;

use super::run::Call;
use super::{Arg, Judge};
use crate::risk::letters::Letters;
use crate::risk::paths::Place;
use crate::risk::rules::databases::is_client;
use crate::risk::value::{Origin, comes_from, has_hole};

/// Bytes of a request that are looked at.
const MAX_REQUEST: usize = 16 * 1024;
/// Lines of what is sent that are looked at.
const MAX_LINES: usize = 64;

/// Programs that make requests.
const REQUESTS: Names = list!(
    "curl curlie wget http https httpie xh hurl gh glab invoke-restmethod invoke-webrequest irm iwr gql
     graphqurl gq"
);

/// Programs that send what they are given as it is.
const RAW: Names =
    list!("nc ncat netcat nc.traditional nc.openbsd telnet socat openssl busybox websocat mosquitto_pub");

/// Verbs with which the name of a GraphQL mutation begins or ends that destroys.
const MUTATIONS: Names = list!("delete destroy purge wipe drop terminate truncate erase");

/// Things whose loss is no loss, in the names of such mutations.
const TRIFLES: Names =
    list!("comment label reaction draft item todo test preview notification attachment bookmark like");

/// What stands before a statement in a request.
const MARKS: &[&str] = &[
    "q=",
    "query=",
    "sql=",
    "statement=",
    "command=",
    "\"query\":",
    "\"sql\":",
    "\"statement\":",
    "\"stmt\":",
    "\"q\":",
    "\"statements\":[",
    "\"command\":",
];

/// Words by which a program hands statements to the client of a database: program, word.
const HANDS: &[(&str, &str)] = &[
    ("python", "dbshell"),
    ("python3", "dbshell"),
    ("manage.py", "dbshell"),
    ("django-admin", "dbshell"),
    ("rails", "dbconsole"),
    ("rails", "db"),
    ("wp", "db"),
    ("drush", "sqlq"),
    ("drush", "sql:query"),
    ("drush", "sql-query"),
    ("drush", "sqlc"),
    ("drush", "sql:cli"),
    ("drush", "sql-cli"),
    ("heroku", "pg:psql"),
    ("heroku", "psql"),
    ("fly", "postgres"),
    ("flyctl", "postgres"),
    ("fly", "pg"),
    ("flyctl", "pg"),
    ("fly", "mpg"),
    ("flyctl", "mpg"),
    ("railway", "connect"),
    ("supabase", "db"),
    ("prisma", "db"),
    ("npx", "prisma"),
    ("pnpm", "prisma"),
    ("yarn", "prisma"),
    ("bunx", "prisma"),
    ("php", "doctrine:query:sql"),
    ("php", "dbal:run-sql"),
    ("php", "doctrine:query:dql"),
    ("console", "doctrine:query:sql"),
    ("console", "dbal:run-sql"),
    ("symfony", "doctrine:query:sql"),
    ("symfony", "dbal:run-sql"),
    ("doctrine", "dbal:run-sql"),
    ("doctrine", "orm:run-dql"),
    ("php", "db"),
    ("artisan", "db"),
    ("sail", "mysql"),
    ("sail", "psql"),
    ("ddev", "mysql"),
    ("ddev", "psql"),
    ("lando", "mysql"),
    ("lando", "psql"),
    ("gcloud", "sql"),
    ("pscale", "shell"),
    ("turso", "db"),
    ("neonctl", "psql"),
    ("tsh", "db"),
    ("n98-magerun", "db:query"),
    ("n98-magerun2", "db:query"),
    ("wrangler", "d1"),
    ("wrangler", "execute"),
    ("dokku", "postgres:connect"),
    ("dokku", "mysql:connect"),
    ("scalingo", "psql"),
    ("clever", "psql"),
    ("zeabur", "sql"),
    ("medusa", "db"),
    ("dbmate", "exec"),
    ("usql", ""),
    ("harlequin", ""),
    ("kubectl-cnpg", "psql"),
    ("kubectl", "cnpg"),
    ("cloud_sql_proxy", ""),
    ("sqlline", ""),
    ("dbeaver-cli", ""),
    ("mssql-cli", ""),
    ("go-sqlcmd", ""),
    ("steampipe", "query"),
    ("databricks", "sql"),
    ("snow", "sql"),
];

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
    /// Judges what a program tells a server.
    pub(super) fn served(&mut self, call: &Call<'_>, input: Option<&str>) {
        if REQUESTS.contains(call.name) {
            self.requested(call, input);
        }
        if RAW.contains(call.name)
            && let Some(text) = input
        {
            self.sent_lines(text, call.name);
        }
        self.taken_out(call, input);
        self.handed(call, input);
        self.attached(call);
        self.modelled(call, input);
        self.overwritten(call, input);
        self.shown(call);
        // What a pager or client takes for a command of its own.
        let escapes = matches!(
            call.name,
            "less"
                | "more"
                | "man"
                | "journalctl"
                | "systemctl"
                | "ftp"
                | "ed"
                | "gdb"
                | "mysql"
                | "psql"
                | "nmap"
                | "irb"
                | "telnet"
                | "sftp"
                | "smbclient"
                | "dmesg"
                | "git"
        );
        if escapes && let Some(text) = input.filter(|text| text.len() < MAX_REQUEST) {
            let is_shell = |line: &str| {
                let line = line.trim();
                line.strip_prefix(['!', ':']).is_some_and(|rest| {
                    let name = super::names::base(
                        rest.trim_start_matches('!').split_whitespace().next().unwrap_or_default(),
                    );
                    super::interpreters::is_shell(name)
                })
            };
            if text.lines().take(MAX_LINES).any(is_shell) {
                self.find("shell-escape", &call.line());
            }
        }
        let is_own = |script: &str| {
            script.contains('/') || has_hole(script) || script.ends_with(".nse") || script.ends_with(".lua")
        };
        if call.name == "nmap" && call.after(&["--script"]).is_some_and(is_own) {
            self.find("shell-escape", &call.line());
        }
    }

    fn requested(&mut self, call: &Call<'_>, input: Option<&str>) {
        if matches!(call.name, "gh" | "glab") && !call.has(&["api"]) {
            return;
        }
        // One thing after the other of those that a list gave.
        let deletes = call
            .after(&["-X", "--request", "--method"])
            .is_some_and(|verb| verb.eq_ignore_ascii_case("delete"))
            || call.has(&["-XDELETE", "DELETE"]);
        let is_listed = |word: &&str| {
            comes_from(word, Origin::NETWORK | Origin::FILE)
                && !["localhost", "127.0.0.1"].iter().any(|host| word.contains(host))
        };
        if deletes && call.rest().iter().any(is_listed) {
            self.find("cloud-destroy", &call.line());
        }
        let reads_input = call
            .rest()
            .iter()
            .any(|word| matches!(*word, "-" | "@-" | "-d@-" | "--input=-") || word.ends_with("=@-"));
        let files: Vec<String> = call
            .rest()
            .iter()
            .filter_map(|word| word.strip_prefix('@').or_else(|| word.strip_prefix("-d@")))
            .take(4)
            .filter_map(|path| self.content(path))
            .collect();
        let words = call.rest().iter().map(|word| (*word).to_owned());
        let texts = words.chain(input.filter(|_| reads_input).map(str::to_owned)).chain(files);
        for text in texts.filter(|text| text.len() > 8 && text.len() <= MAX_REQUEST).collect::<Vec<_>>() {
            if mutates(&text) {
                self.find("cloud-destroy", &call.line());
            }
            if states(&text) && !text.contains("_search") {
                self.find("sql-destroy", &call.line());
            }
        }
    }

    /// Lines of a protocol that is text, as they are sent.
    pub(super) fn sent_lines(&mut self, text: &str, how: &str) {
        let destroys = text.split(['\n', '\r']).take(MAX_LINES).map(str::trim).any(|line| {
            let lower = line.to_ascii_lowercase();
            let mut words = lower.split_whitespace();
            let first = words.next().unwrap_or_default();
            matches!(
                first,
                "flush_all" | "flushall" | "flushdb" | "shutdown" | "slaveof" | "replicaof" | "swapdb"
            ) || first == "config" && words.next() == Some("set")
                || is_destructive(&lower)
        });
        if destroys {
            self.find("sql-destroy", how);
        }
    }

    /// Rows of a whole table that the console of a framework is told to delete.
    fn modelled(&mut self, call: &Call<'_>, input: Option<&str>) {
        let is_console = match call.name {
            "rails" | "bundle" | "flask" | "mix" | "iex" | "heroku" => {
                call.has(&["c", "console", "runner", "r", "shell", "exec", "run", "-S", "-e"])
            }
            "php" | "artisan" | "sail" | "psysh" => call.has(&["tinker", "-r"]),
            name if name.ends_with("manage.py") || name.starts_with("python") || name == "django-admin" => {
                call.has(&["shell", "shell_plus"])
            }
            _ => false,
        };
        if !is_console {
            return;
        }
        let destroys = |text: &str| {
            let lower = text.to_ascii_lowercase();
            let all = [
                "destroy_all",
                "delete_all",
                "objects.all().delete()",
                "drop_all(",
                "::truncate()",
                "->truncate()",
                "->delete()",
                "deletemany()",
                "truncate_tables",
                "drop_table",
                "schema::drop",
            ];
            !lower.contains("where")
                && !lower.contains("filter(")
                && all.iter().any(|word| lower.contains(word))
        };
        if call.rest().iter().copied().chain(input).any(destroys) {
            self.find("sql-destroy", &call.line());
        }
        let grants = |text: &str| {
            let plain: String = text.to_ascii_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
            let plain = plain.replace(['"', '\''], "");
            let rights = [
                "create_superuser(",
                "admin:true",
                "is_admin=true",
                "is_admin=>1",
                "is_admin=>true",
                "is_superuser=true",
                "role:admin",
                "role=>admin",
            ];
            let changes = ["update", "create", "save", "insert", "superuser("];
            rights.iter().any(|word| plain.contains(word)) && changes.iter().any(|word| plain.contains(word))
        };
        if call.rest().iter().copied().chain(input).any(grants) {
            self.find("users", &call.line());
        }
    }

    /// Files that go with a mail, and packages that go out with more than was in them.
    fn attached(&mut self, call: &Call<'_>) {
        if matches!(
            call.name,
            "mail"
                | "mailx"
                | "mutt"
                | "s-nail"
                | "swaks"
                | "mpack"
                | "neomutt"
                | "sendemail"
                | "sendEmail"
                | "blat"
        ) {
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
        let adds = matches!(
            call.name,
            "jq" | "sed" | "gsed" | "perl" | "node" | "yq" | "dasel" | "npm" | "python3" | "python"
        ) && call.rest().iter().any(|word| {
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
    fn packed(&mut self, call: &Call<'_>) {
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

    /// Statements that come to a database through another program.
    fn handed(&mut self, call: &Call<'_>, input: Option<&str>) {
        let hands =
            |(_, word): &(&str, &str)| word.is_empty() || call.plain().take(4).any(|given| given == *word);
        let name = if call.name.ends_with("manage.py") { "manage.py" } else { call.name };
        if !rows!(HANDS, name).any(hands) {
            return;
        }
        let words = call.rest().iter().filter(|word| word.contains(' ')).map(|word| (*word).to_owned());
        let file = call.after(&["-f", "--file"]).and_then(|path| self.content(path));
        let texts = words.chain(input.map(str::to_owned)).chain(file).filter(|text| text.len() > 3);
        for text in texts.take(8).collect::<Vec<_>>() {
            let words = ["psql", text.as_str()];
            let args = [Arg::from("psql".to_owned()), Arg::from(text.clone())];
            let letters = words.map(Letters::of);
            self.tables(&Call { name: "psql", args: &args, words: &words, letters: &letters, origin: None });
        }
    }

    /// A file of statements, or a dump, that goes over what is live.
    fn overwritten(&mut self, call: &Call<'_>, input: Option<&str>) {
        let takes_files = is_client(call.name)
            || matches!(
                call.name,
                "pg_restore"
                    | "mongorestore"
                    | "mysqlimport"
                    | "mongoimport"
                    | "redis-cli"
                    | "mongosh"
                    | "mongo"
            );
        if !takes_files || !self.is_production(call) {
            return;
        }
        let only_reads = call.rest().iter().any(|word| {
            let lower = word.to_ascii_lowercase();
            ["readonly", "read-only", "replica", "_ro", "-ro.", "--list", "standby"]
                .iter()
                .any(|part| lower.contains(part))
        });
        let is_file = input.is_some_and(|text| {
            has_hole(text) && comes_from(text, Origin::FILE | Origin::PRIVATE | Origin::NETWORK)
        });
        let named = call.after(&["-f", "--file", "-i", "--input"]).is_some_and(|path| {
            let lower = path.to_ascii_lowercase();
            [
                "drop", "reset", "clean", "wipe", "truncate", "schema", "init", "seed", "dump", "restore",
                "delete", "purge", "backup",
            ]
            .iter()
            .any(|part| lower.contains(part))
        });
        let restores = matches!(call.name, "pg_restore" | "mongorestore" | "mysqlimport")
            && (call.has(&["-c", "--clean", "--drop", "--delete", "--replace", "-C", "--create"]) || is_file);
        if !only_reads && (is_file || named || restores) {
            self.find("production-reset", &call.line());
        }
    }

    /// A whole home or machine that is shown to whoever asks.
    fn shown(&mut self, call: &Call<'_>) {
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

/// Whether a request asks by GraphQL for something to be destroyed.
fn mutates(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let Some(at) = lower.find("mutation") else { return false };
    let names = lower[at..].split(|c: char| !c.is_ascii_alphanumeric() && c != '_').skip(1).take(64);
    let destroys = |name: &str| {
        MUTATIONS.iter().any(|verb| name.starts_with(verb) || name.ends_with(verb))
            && !TRIFLES.iter().any(|thing| name.contains(thing))
    };
    lower[at..].contains('{') && names.into_iter().any(destroys)
}

/// Whether a request is, or carries where statements stand, a statement that destroys.
fn states(text: &str) -> bool {
    let lower = decoded(&text.to_ascii_lowercase());
    let starts =
        MARKS.iter().flat_map(|mark| lower.match_indices(mark).take(4).map(|(at, _)| at + mark.len()));
    std::iter::once(0)
        .chain(starts)
        .any(|at| is_destructive(lower[at..].trim_start_matches([' ', '"', '\'', '\\', '[', '{', '(', '\n'])))
}

/// Whether a statement in lower case takes away a whole of something.
pub(super) fn is_destructive(statement: &str) -> bool {
    let mut words = statement.split_whitespace();
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    match first {
        "drop" => matches!(
            second.trim_end_matches(';'),
            "database"
                | "table"
                | "schema"
                | "keyspace"
                | "measurement"
                | "collection"
                | "view"
                | "user"
                | "role"
                | "index"
                | "series"
                | "owned"
                | "retention"
                | "stream"
                | "tablespace"
                | "namespace"
                | "materialized"
        ),
        "truncate" => !second.is_empty(),
        "delete" => second == "from" && !statement.contains("where"),
        "alter" => {
            second == "table" && (statement.contains(" delete where 1") || statement.contains(" drop "))
        }
        "match" => statement.contains("detach delete"),
        _ => false,
    }
}

/// An address with `%20` and `+` as what they stand for, as far as letters and blanks go.
fn decoded(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['%', '+']) {
        plain.push_str(&rest[..at]);
        let behind = &rest[at + 1..];
        let code =
            behind.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(u8::is_ascii);
        match (rest.as_bytes()[at], code) {
            (b'+', _) => {
                plain.push(' ');
                rest = behind;
            }
            (_, Some(code)) => {
                plain.push(code as char);
                rest = &behind[2..];
            }
            _ => {
                plain.push('%');
                rest = behind;
            }
        }
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::risk::{Context, Level, judge_command};

    #[test]
    fn statements_are_found_wherever_a_server_is_told_them() {
        for command in [
            r#"curl -s https://api.x.example/graphql -d '{"query":"mutation { volumeDelete(volumeId: \"v\") }"}'"#,
            "gh api graphql -f query='mutation { deleteRepository(input:{id:1}) { clientMutationId } }'",
            "curl 'http://clickhouse:8123/?query=DROP%20TABLE%20events'",
            "curl -X POST http://influx:8086/query --data-urlencode 'q=DROP DATABASE metrics'",
            "echo flush_all | nc cache.example 11211",
            "printf 'FLUSHALL\\r\\n' | nc redis.example 6379",
            "echo 'DROP TABLE orders;' | python manage.py dbshell",
            "fly postgres connect -a db -c 'drop database app'",
            "mysql -h prod.example.com app < dump.sql",
            "psql \"$PROD_DATABASE_URL\" -f reset_schema.sql",
            "cd ~ && python3 -m http.server 8000",
            "cd / && npx -y http-server -p 8080",
        ] {
            assert_eq!(judge_command(command, &Context::default()).level, Level::High, "{command}");
        }
        for command in [
            r#"curl -s https://api.x.example/graphql -d '{"query":"{ viewer { login } }"}'"#,
            r#"curl -s https://api.x.example/issues -d '{"title":"drop table is refused"}'"#,
            "gh api graphql -f query='mutation { addComment(input:{body:\"x\"}) { id } }'",
            "curl 'http://clickhouse:8123/?query=SELECT%201'",
            "echo stats | nc localhost 11211",
            "echo 'select 1;' | python manage.py dbshell",
            "mysql -h dev.example.com app < dump.sql",
            "psql \"$PROD_REPLICA_URL\" -c 'select 1'",
            "cd ~/site && python3 -m http.server 8000",
            "python3 -m http.server 8000",
        ] {
            assert_ne!(judge_command(command, &Context::default()).level, Level::High, "{command}");
        }
    }

    #[test]
    fn addresses_are_decoded_as_far_as_they_are_letters() {
        for (text, plain) in
            [("a%20b+c", "a b c"), ("100%", "100%"), ("%zz%e4", "%zz%e4"), ("%4", "%4"), ("é%20", "é ")]
        {
            assert_eq!(decoded(text), plain);
        }
    }
}
