//! What is told to servers: requests whose bodies or addresses are statements, lines sent over a raw connection, and what
//! clients take for commands of their own.

use super::Judge;
use super::call::Call;
use crate::risk::lookup::{Names, list};
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
        let escapes = list!("less more man journalctl systemctl ftp ed gdb mysql psql nmap irb telnet sftp smbclient dmesg git").contains(call.name);
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
