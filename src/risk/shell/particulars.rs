//! What only some programs do, beside the tables: git and its places, services, searches for credentials, statements
//! of databases, and what is told to work on what is live.

use super::Judge;
use super::call::Call;
use super::editors::escapes;
use super::items::Items;
use crate::risk::letters::{Part, has_part, parts};
use crate::risk::lookup::{Names, list};
use crate::risk::paths::Place;
use crate::risk::value::{Origin, comes_from};

impl Judge<'_> {
    /// What only some programs do, beside the tables.
    pub(super) fn extra(&mut self, call: &Call<'_>) {
        if call.name == "tar"
            && let Some(folder) = call.after(&["-C", "--directory"])
        {
            for path in call.plain().filter(|path| *path != folder).take(16) {
                let inside = format!("{folder}/{path}");
                if self.place(&self.resolve(&inside)) == Place::Secret {
                    self.find("read-secret", &call.line());
                }
            }
        }
        if call.name == "git" {
            self.git_places(call);
        }
        // Modules that nobody vouches for.
        let says = |(name, part): &(&str, &str)| {
            self.scope.get(name).is_some_and(|items| items.texts().iter().any(|value| value.contains(part)))
        };
        let unchecked =
            [("GOFLAGS", "-insecure"), ("GOINSECURE", "*"), ("GONOSUMDB", "*"), ("GOPROXY", "http://")];
        if call.name == "go" && call.has(&["get", "install", "run"]) && unchecked.iter().any(says) {
            self.find("odd-source", &call.line());
        }
        // A variable that nobody set is empty, and leaves the root.
        let is_rooted = |word: &str| {
            word.strip_suffix("/*").is_some_and(|before| {
                before.chars().count() == 1 && crate::risk::value::origin(before) == Some(Origin::UNKNOWN)
            })
        };
        let recurses = |word: &&str| {
            *word == "--recursive"
                || word.starts_with('-') && !word.starts_with("--") && word.contains(['r', 'R'])
        };
        if call.name == "rm" && call.rest().iter().any(recurses) && call.plain().any(is_rooted) {
            self.find("delete-outside", &call.line());
        }
        if list!("grep egrep fgrep rg ag zgrep ack ugrep").contains(call.name) {
            self.seeks_secrets(call);
        }
        if crate::risk::rules::databases::is_client(call.name) {
            for word in call.rest().iter().filter(|word| word.len() > 2) {
                if deletes_all_rows(word) {
                    self.find("sql-delete-all", &call.line());
                }
                for line in escapes(word) {
                    let first = line.split_whitespace().next().unwrap_or_default();
                    if super::interpreters::is_shell(super::names::base(first)) {
                        self.find("shell-escape", &call.line());
                    }
                    self.elsewhere(&line, call.name);
                }
            }
        }
        let forces = call.name == "git" && call.has(&["push"]) && call.has(&["-f", "--force", "-uf", "-fu"]);
        if forces && !call.has(&["--dry-run", "-n"]) {
            // Without a branch it is the current one, and nothing says that it is nobody else's.
            let named = call.plain().skip_while(|word| *word != "push").skip(2).count();
            if named == 0 {
                self.find("git-rewrite-shared", &call.line());
            }
        }
        static PARTS: [Part; RESETS.len()] = parts(RESETS);
        // A task may stand in a namespace: `app:db:drop`.
        let resets = |word: &str| {
            RESETS.iter().any(|reset| {
                word.strip_suffix(reset).is_some_and(|before| before.is_empty() || before.ends_with(':'))
            })
        };
        let is_file = list!("rm git find echo npm yarn pnpm grep ls").contains(call.name)
            || crate::risk::effects::only_mentions(call.name)
                && call.name != "kubectl"
                && call.name != "helm"
                && call.name != "make";
        let mut plain = call.plain();
        let asks = call.name == "kubectl" && (plain.next(), plain.next()) == (Some("auth"), Some("can-i"));
        if !is_file
            && call.spelt().any(|(word, letters)| has_part(word, letters, &PARTS))
            && call.plain().take(6).any(resets)
            && self.is_production(call)
            && !call.rehearses()
            && !super::help::only_helps(call.words)
            && !asks
        {
            self.find("production-reset", &call.line());
        }
        if matches!(call.name, "systemctl" | "update-rc.d" | "chkconfig") {
            self.services(call);
        }
    }

    /// Whether a command is told to work on what is live.
    pub(super) fn is_production(&self, call: &Call<'_>) -> bool {
        let says = |text: &str| says_production(text) || comes_from(text, Origin::LIVE);
        let variables = [
            "RAILS_ENV",
            "NODE_ENV",
            "APP_ENV",
            "DJANGO_SETTINGS_MODULE",
            "ENV",
            "ENVIRONMENT",
            "MIX_ENV",
            "DATABASE_URL",
            "APP_ENVIRONMENT",
            "SYMFONY_ENV",
            "FLASK_ENV",
            "RACK_ENV",
            "DB_HOST",
            "PGHOST",
            "MYSQL_HOST",
            "STAGE",
        ];
        let set = variables
            .iter()
            .filter_map(|name| self.scope.get(name))
            .flat_map(Items::texts)
            .any(|value| says(value));
        set || self.is_production || call.rest().iter().any(|word| says(word))
    }

    /// A search for credentials outside of the project.
    fn seeks_secrets(&mut self, call: &Call<'_>) {
        let given = call.after(&["-e", "--regexp"]);
        let mut plain = call.plain();
        let Some(pattern) = given.or_else(|| plain.next()).map(str::to_ascii_lowercase) else { return };
        let seeks = crate::risk::rules::secrets::SOUGHT.iter().any(|word| pattern.contains(word))
            // `https://[^:]+:[^@]+@`
            || pattern.split_once("://").is_some_and(|(_, rest)| rest.contains(':') && rest.contains('@'));
        let recurses = matches!(call.name, "rg" | "ag" | "ack" | "ugrep")
            || call.rest().iter().any(|word| {
                *word == "--recursive"
                    || word.starts_with('-') && !word.starts_with("--") && word.contains(['r', 'R'])
            });
        let is_wide = |path: &str| {
            let resolved = self.resolve(path);
            matches!(resolved.as_str(), "~" | "/" | "/*" | "/var/www" | "/opt" | "/srv" | "/var/lib" | "/mnt")
                || ["/etc", "/proc", "/home", "/root", "/var/www/", "/opt/", "/srv/"]
                    .iter()
                    .any(|root| resolved.starts_with(root))
                || resolved.starts_with("~/.")
                || resolved.starts_with("~/*")
        };
        if seeks
            && (recurses || pattern.len() > 3)
            && plain
                .any(|path| is_wide(path) && (recurses || path.contains('*') && !path.starts_with("/etc")))
        {
            self.find("search-secrets", &call.line());
        }
    }

    /// What git sends where.
    fn pushes(&mut self, call: &Call<'_>) {
        if !call.has(&["push"]) {
            return;
        }
        // A name of a branch or tag that tells a key to whoever reads the repository.
        let tells = |word: &&str| {
            !word.contains("://")
                && word.contains(':')
                && comes_from(word, Origin::CREDENTIAL | Origin::SECRET)
        };
        let url = call.plain().skip_while(|word| *word != "push").nth(1).unwrap_or_default();
        if is_foreign(url) || call.rest().iter().any(tells) {
            self.find("send-secret", &call.line());
        }
        let lists = call.rest().iter().any(|word| comes_from(word, Origin::OUTPUT));
        if call.has(&["--delete", "-d"]) && lists {
            self.find("git-rewrite-shared", &call.line());
        }
    }

    /// What git takes in, and what it throws away where.
    fn git_places(&mut self, call: &Call<'_>) {
        self.pushes(call);
        if call.has(&["add"]) {
            for path in call.plain().skip_while(|word| *word != "add").skip(1).take(64) {
                if self.place(&self.resolve(path)) == Place::Secret {
                    self.find("read-secret", &call.line());
                }
            }
        }
        let discards = call.has(&["clean"])
            && call.rest().iter().any(|word| word.starts_with('-') && word.contains('f'))
            || call.has(&["checkout"]) && call.has(&["-f", "--force"])
            || call.has(&["reset"]) && call.has(&["--hard"]);
        let folder = call
            .after(&["--work-tree", "-C"])
            .map_or_else(|| self.folder.clone(), |folder| self.resolve(folder));
        let matters = matches!(self.place(&folder), Place::System | Place::Persistent | Place::Secret | Place::Defence)
                || folder == "~"
                || folder == "/"
                // One repository of somebody after the other.
                || folder.starts_with(['~', '/']) && folder.contains('*');
        let places = call.plain().skip(1).any(|path| {
            matches!(self.place(&self.resolve(path)), Place::System | Place::Home) && call.has(&["clean"])
        });
        if discards && places {
            self.find("delete-outside", &call.line());
        }
        if discards && !folder.is_empty() && matters && !call.has(&["-n", "--dry-run"]) {
            self.find("delete-outside", &call.line());
        }
    }

    /// A service that is made to start with the machine: routine for well-known ones.
    fn services(&mut self, call: &Call<'_>) {
        let starts = call.has(&[
            "enable",
            "reenable",
            "link",
            "preset",
            "edit",
            "set-default",
            "unmask",
            "defaults",
            "on",
        ]);
        let known = |word: &str| {
            let name =
                word.trim_end_matches(".service").trim_end_matches(".timer").trim_end_matches(".socket");
            crate::risk::rules::persistence::KNOWN_SERVICES.contains(name)
        };
        let skipped = usize::from(call.name == "systemctl");
        let mut services = call
            .plain()
            .skip(skipped)
            .filter(|word| !matches!(*word, "defaults" | "on" | "enable"))
            .peekable();
        if starts && services.peek().is_some() {
            let id = if services.all(known) { "services" } else { "schedule" };
            self.find(id, &call.line());
        }
    }
}

/// Words that tell a program to take away or start anew what it looks after.
const RESETS: &[&str] = &[
    "db:drop",
    "db:reset",
    "db:purge",
    "db:schema:load",
    "migrate:fresh",
    "db:wipe",
    "migrate:reset",
    "flush",
    "reset",
    "destroy",
    "delete",
    "drop",
    "remove",
    "terminate",
    "uninstall",
    "rm",
    "purge",
    "down",
    "wipe",
    "truncate",
    "force-reset",
    "fresh",
    "refresh",
    "undo:all",
    "ecto.reset",
    "ecto.drop",
    "fixtures:load",
    "rollback",
    "loaddata",
    "seed:replant",
];

/// Parts of the names of hosts at which repositories are kept.
const FORGES: Names = list!(
    "git ghcr.io bitbucket codeup heroku azure visualstudio amazonaws localhost 127.0.0.1 huggingface codeberg sr.ht
     volces code. source. scm repo forge gerrit"
);

/// Whether an address is at no place where repositories are kept.
pub(super) fn is_foreign(url: &str) -> bool {
    let host = url.split_once("://").map_or("", |(_, rest)| rest).split('/').next().unwrap_or_default();
    let address = url.rsplit('@').next().unwrap_or_default();
    if !url.contains("://") && super::network::is_public(address) {
        return true;
    }
    let host = host.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
    !host.is_empty() && host.is_ascii() && !FORGES.iter().any(|forge| host.contains(forge))
}

/// Whether a text names what is live.
pub(super) fn says_production(text: &str) -> bool {
    let mut parts = text.split(|c: char| !c.is_ascii_alphanumeric());
    parts.any(|part| matches!(part.to_ascii_lowercase().as_str(), "prod" | "production" | "prd"))
}

/// `DELETE FROM t` and `UPDATE t SET …` without `WHERE`.
fn deletes_all_rows(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.split(';').any(|statement| {
        let changes = statement.contains("delete from ")
            || statement.contains("update ") && statement.contains(" set ");
        let where_all = statement.contains("where 1=1")
            || statement.contains("where true")
            || statement.contains("where 1 = 1");
        changes && (where_all || !statement.contains("where") && !statement.contains("limit"))
    })
}
