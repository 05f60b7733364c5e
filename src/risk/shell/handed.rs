//! What comes to a database through another program: statements, the code of a framework, files of either.

use super::call::Call;
use super::{Arg, Judge};
use crate::risk::letters::Letters;
use crate::risk::lookup::{list, rows};
use crate::risk::rules::databases::is_client;
use crate::risk::value::{Origin, comes_from, has_hole};

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

impl Judge<'_> {
    /// Statements that come to a database through another program.
    pub(super) fn handed(&mut self, call: &Call<'_>, input: Option<&str>) {
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

    /// Rows of a whole table that the console of a framework is told to delete.
    pub(super) fn modelled(&mut self, call: &Call<'_>, input: Option<&str>) {
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

    /// A file of statements, or a dump, that goes over what is live.
    pub(super) fn overwritten(&mut self, call: &Call<'_>, input: Option<&str>) {
        let takes_files = is_client(call.name)
            || list!("pg_restore mongorestore mysqlimport mongoimport redis-cli mongosh mongo")
                .contains(call.name);
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
}
