//! What is destroyed that was made to be: databases, namespaces, releases, volumes and tags that are plainly named for
//! development, tests or a preview. That is routine, so its rule gives way to the one for changes.

use super::Judge;
use super::call::Call;
use super::items::Items;
use crate::risk::lookup::{Names, list};

/// Parts of names of what is there to be thrown away.
const NAMES: Names = list!(
    "dev devel development test tests testing local ci scratch preview sandbox e2e tmp temp throwaway
     ephemeral playground"
);

/// Parts of names of what comes before a release.
const EARLY: Names = list!("rc alpha beta nightly canary snapshot pre");

/// What statements do that is more than to take away tables.
const GRAVER: Names = list!(
    "program drop␣user drop␣role create␣user create␣role alter␣user alter␣role alter␣system grant␣ revoke␣
     superuser xp_ outfile dumpfile load_file pg_read lo_import lo_export shutdown terminate set␣global
     master binary passwd password mysql. pg_shadow pg_authid"
);

/// Kinds of objects of a cluster that are nobody's own.
const CLUSTER_WIDE: Names = list!("node pv crd clusterrole persistentvolume webhook storageclass apiservice");

fn is_named(text: &str, names: Names) -> bool {
    let mut parts = text.split(|c: char| !c.is_ascii_alphanumeric());
    parts.any(|part| {
        let part = part.to_ascii_lowercase();
        let letters = part.trim_end_matches(|c: char| c.is_ascii_digit());
        names.contains(letters)
    })
}

impl Judge<'_> {
    /// The rule that judges instead of another, where what is destroyed is there for that.
    pub(super) fn milder(&self, call: &Call<'_>, id: &'static str) -> &'static str {
        let milder = match id {
            "sql-destroy" if empties_own_database(call) || self.is_told_of_tests(call) => "sql-change",
            "container-destroy" if removes_own_volumes(call) => "container-change",
            "cluster-destroy" if removes_own_namespace(call) => "cluster-change",
            "git-rewrite-shared" if removes_early_tags(call) => "git-discard",
            _ => return id,
        };
        if self.is_production(call) { id } else { milder }
    }

    /// Whether a framework is told to take the settings, or the database, that are there for tests:
    /// `manage.py flush --settings=app.settings.test`.
    fn is_told_of_tests(&self, call: &Call<'_>) -> bool {
        let told = call.after(&["--settings", "--database"]).into_iter();
        let joined = call
            .rest()
            .iter()
            .filter_map(|word| word.strip_prefix("--settings=").or_else(|| word.strip_prefix("--database=")));
        let set = self.scope.get("DJANGO_SETTINGS_MODULE").map(Items::texts).unwrap_or_default();
        told.chain(joined).any(|value| is_named(value, NAMES))
            || set.iter().any(|value| is_named(value, NAMES))
    }
}

fn empties_own_database(call: &Call<'_>) -> bool {
    let is_client =
        list!("psql mysql mariadb mongosh mongo dropdb sqlite3 mysqladmin cqlsh duckdb").contains(call.name);
    let is_temporary = matches!(call.name, "sqlite3" | "duckdb") && opens_temporary_files_alone(call);
    // `-U test` and `-h db.dev` say whose or where, not what.
    let mut before = "";
    let is_own = call.rest().iter().any(|word| {
        let is_value =
            matches!(before, "-U" | "-u" | "-h" | "-p" | "-W" | "--host" | "--user" | "--username");
        before = word;
        !is_value
            && !word.contains(char::is_whitespace)
            && (!word.starts_with('-') || word.starts_with("--dbname=") || word.starts_with("--database="))
            && is_named(word.rsplit('/').next().unwrap_or(word), NAMES)
    });
    let says = |word: &&str| {
        let lower = word.to_ascii_lowercase();
        GRAVER.iter().any(|graver| lower.contains(graver))
    };
    is_client && (is_own || is_temporary) && !call.rest().iter().any(says)
}

/// Whether a client of files is told of no file but temporary ones: each word that may name one does, and no statement attaches
/// another.
fn opens_temporary_files_alone(call: &Call<'_>) -> bool {
    let mut files = call.plain().filter(|word| !word.contains(char::is_whitespace)).peekable();
    let is_temporary = |word: &str| word == ":memory:" || word.starts_with("/tmp/") && !word.contains("..");
    files.peek().is_some()
        && files.all(is_temporary)
        && !call.rest().iter().any(|word| {
            let lower = word.to_ascii_lowercase();
            ["attach", ".open", ".restore", ".read"].iter().any(|other| lower.contains(other))
        })
}

fn removes_own_volumes(call: &Call<'_>) -> bool {
    let mut names = call.plain().skip_while(|word| !matches!(*word, "rm" | "remove")).skip(1).peekable();
    call.has(&["volume"]) && names.peek().is_some() && names.all(|name| is_named(name, NAMES))
}

fn removes_own_namespace(call: &Call<'_>) -> bool {
    let space = call.after(&["-n", "--namespace"]).is_some_and(|space| is_named(space, NAMES));
    let everywhere = call.has(&["-A", "--all-namespaces"]);
    match call.name {
        "helm" => {
            let mut releases = call
                .plain()
                .skip_while(|word| !matches!(*word, "uninstall" | "delete" | "del" | "un"))
                .skip(1)
                .peekable();
            space || releases.peek().is_some() && releases.all(|release| is_named(release, NAMES))
        }
        "kubectl" | "oc" if call.has(&["delete"]) && !everywhere => {
            let behind: Vec<&str> = call.plain().skip_while(|word| *word != "delete").skip(1).collect();
            let is_wide = behind.iter().any(|word| {
                let kind = word.split('/').next().unwrap_or_default().to_ascii_lowercase();
                CLUSTER_WIDE
                    .iter()
                    .any(|wide| kind.starts_with(wide) || kind.ends_with("webhookconfiguration"))
                    && !kind.starts_with("persistentvolumeclaim")
            });
            let is_space = |word: &&str| matches!(*word, "ns" | "namespace" | "namespaces");
            let names_space = behind.first().is_some_and(is_space)
                && behind.len() > 1
                && behind[1..].iter().all(|name| is_named(name, NAMES));
            !is_wide && (space || names_space)
        }
        _ => false,
    }
}

fn removes_early_tags(call: &Call<'_>) -> bool {
    let is_early = |name: &str| is_named(name, EARLY) || is_named(name, NAMES);
    let forces = call.has(&["-f", "--force", "--mirror", "--all", "--prune"]);
    match call.name {
        "gh" => {
            let mut tags = call.plain().skip_while(|word| *word != "delete").skip(1).peekable();
            call.has(&["release"]) && tags.peek().is_some() && tags.all(is_early)
        }
        "git" if call.has(&["update-ref"]) => {
            call.has(&["-d"]) && call.plain().any(|word| word.starts_with("refs/heads/") && is_early(word))
        }
        "git" if call.has(&["push"]) && !forces => {
            let mut refs = call.plain().skip_while(|word| *word != "push").skip(2).peekable();
            refs.peek().is_some() && refs.all(|name| !name.starts_with('+') && is_early(name))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::risk::{Context, Level, judge_command};

    #[test]
    fn what_is_plainly_there_for_tests_may_be_thrown_away() {
        for command in [
            "dropdb app_test",
            "mysql app_dev -e 'DROP TABLE IF EXISTS tmp_x'",
            "psql -d app_dev -c 'TRUNCATE sessions'",
            "mongosh app_dev --eval 'db.tmp.drop()'",
            "docker volume rm app_dev_data",
            "helm uninstall api -n dev",
            "kubectl delete ns preview-123",
            "git push origin :v1.0.0-rc1",
            "gh release delete v0.1.0-beta -y",
        ] {
            assert_eq!(judge_command(command, &Context::default()).level, Level::Medium, "{command}");
        }
    }

    #[test]
    fn a_name_for_tests_excuses_nothing_else() {
        for command in [
            "dropdb app",
            "psql -h prod.example.com app_test -c 'drop table users'",
            "psql -U test app -c 'drop table users'",
            "psql app_test -c \"copy t from program 'id'\"",
            "docker volume rm app_dev_data pgdata",
            "kubectl delete pv data -n dev",
            "kubectl delete ns dev payments",
            "kubectl -n dev delete pvc --all -A",
            "git push origin :main",
            "git push --force origin main",
        ] {
            assert_eq!(judge_command(command, &Context::default()).level, Level::High, "{command}");
        }
    }
}
