//! Which environment name each session wants a provider's credential under. Names only, never values.
//!
//! A session's bindings are one record, [`Bound`]; on one machine all of them are in one file that people may edit,
//! [`BindingsFile`].

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::base::error::{Error, Result};
use crate::base::time::Clock;
use crate::records::{Change, Records, update};
use crate::session::key::SessionKey;

use super::name;

mod bound;
mod file;

pub use bound::Bound;
pub use file::BindingsFile;

/// The file's name in the data folder.
pub const FILE: &str = "credential-env-bindings.json";
/// Bytes that the file may have.
pub const MAX_FILE_BYTES: u64 = 1024 * 1024;
/// Bindings that one session may have.
pub const MAX_PER_SESSION: usize = 128;
/// Bytes that a provider's name may have.
pub const MAX_PROVIDER_BYTES: usize = 256;

/// The bindings of all sessions.
#[derive(Debug)]
pub struct Bindings {
    records: Arc<dyn Records<Bound>>,
    /// The same records, where they are in the file.
    file: Option<Arc<BindingsFile>>,
}

/// What a change did.
#[derive(Debug)]
pub struct Changed {
    /// The name that the provider was bound to before.
    pub before: Option<String>,
    /// Why the change will not outlive this process, if so.
    pub problem: Option<Error>,
}

impl Bindings {
    /// Those in the file of a data folder. Never fails: see [`Bindings::problems`].
    #[must_use]
    pub fn open(folder: &Path, clock: Arc<dyn Clock>) -> Self {
        let file = Arc::new(BindingsFile::open(folder, clock));
        Self { records: file.clone(), file: Some(file) }
    }

    /// Those that are kept there.
    #[must_use]
    pub fn on(records: Arc<dyn Records<Bound>>) -> Self {
        Self { records, file: None }
    }

    /// Whether anything may be bound in any session. Where others keep bindings too, nobody knows that nothing is.
    #[must_use]
    pub fn may_have_any(&self) -> bool {
        self.file.as_ref().is_none_or(|file| !file.is_empty())
    }

    /// The session's bindings that make sense, by provider.
    ///
    /// # Errors
    /// `StoreUnavailable` when they cannot be known. The file always knows, as far as it could be read.
    pub fn of(&self, key: &SessionKey) -> Result<BTreeMap<String, String>> {
        Ok(self.records.get(key)?.map_or_else(BTreeMap::new, |found| found.value.names()))
    }

    /// Binds a provider to a name for a session, in place of an earlier name.
    ///
    /// # Errors
    /// `InvalidRequest` for a name that is refused or another provider's, `TooLarge` beyond the limits,
    /// `StoreUnavailable` when it is kept nowhere.
    pub fn set(&self, key: &SessionKey, provider: &str, name: &str) -> Result<Changed> {
        bound::check(provider, name)?;
        self.change(key, |bound| bound.with(key, provider, name))
    }

    /// Removes a provider's binding of a session, one that makes no sense included.
    ///
    /// # Errors
    /// `TooLarge` when the file has outgrown its limit, `StoreUnavailable` when it stays.
    pub fn unset(&self, key: &SessionKey, provider: &str) -> Result<Changed> {
        self.change(key, |bound| bound.without(key, provider))
    }

    /// Everything that a person should look at: how the keeping goes, and this session's entries that are left out.
    #[must_use]
    pub fn problems(&self, key: &SessionKey) -> Vec<String> {
        let mut problems: Vec<_> =
            self.records.health().problem().map(ToString::to_string).into_iter().collect();
        match self.records.get(key) {
            Ok(None) => {}
            Ok(Some(found)) => problems.extend(found.value.problems()),
            Err(error) => problems.push(format!("the bindings cannot be read: {error}")),
        }
        problems
    }

    fn change(
        &self,
        key: &SessionKey,
        edit: impl Fn(&Bound) -> Result<(Bound, Option<Value>)>,
    ) -> Result<Changed> {
        // What people wrote into the file since is what is changed.
        if let Some(file) = &self.file {
            file.refresh();
        }
        let (before, saved) = update(&*self.records, key, |bound| {
            let (after, before) = match bound {
                Some(bound) => edit(bound)?,
                None => edit(&Bound::default())?,
            };
            let change = match bound {
                Some(bound) if *bound == after => Change::Keep,
                _ if after.is_empty() => Change::Remove,
                _ => Change::Put(after),
            };
            Ok((change, before))
        })?;
        let problem = saved.problem().cloned().or_else(|| self.records.health().problem().cloned());
        Ok(Changed { before: before.map(text), problem })
    }
}

/// A binding as it stands, whatever it is.
fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use serde_json::json;
    use tempfile::TempDir;

    use super::super::testing::key;
    use super::*;
    use crate::base::error::Code;
    use crate::base::time::{ManualClock, SystemClock, Timestamp};
    use crate::records::testing::{self, Cut, Place, Sample};
    use crate::records::{Health, Record};

    struct Disk(TempDir);

    impl Disk {
        fn new() -> Self {
            Self(TempDir::new().unwrap())
        }
        fn open(&self) -> Bindings {
            Bindings::open(&self.0.path().join("identity"), Arc::new(SystemClock))
        }
        fn path(&self) -> std::path::PathBuf {
            self.0.path().join("identity").join(FILE)
        }
        fn write(&self, text: &str) {
            self.open();
            fs::write(self.path(), text).unwrap();
        }
        fn json(&self) -> Value {
            serde_json::from_slice(&fs::read(self.path()).unwrap()).unwrap()
        }
    }

    fn pairs(bindings: &Bindings, session: &str) -> Vec<(String, String)> {
        bindings.of(&key(session)).unwrap().into_iter().collect()
    }

    fn pair(provider: &str, name: &str) -> (String, String) {
        (provider.to_owned(), name.to_owned())
    }

    #[test]
    fn bindings_survive_a_restart_in_a_private_file_of_names() {
        let disk = Disk::new();
        let bindings = disk.open();
        let (ann, bob) = ("agent:main:main:user:ann", "agent:main:main:user:bob");
        assert!(bindings.set(&key(ann), "google", "OLD").unwrap().before.is_none());
        let changed = bindings.set(&key(ann), "google", "GOOGLE_ACCESS_TOKEN").unwrap();
        assert_eq!((changed.before.as_deref(), changed.problem.is_none()), (Some("OLD"), true));
        bindings.set(&key(bob), "google", "GOOGLE_ACCESS_TOKEN").unwrap();
        assert_eq!(
            disk.json(),
            json!({ ann: { "google": "GOOGLE_ACCESS_TOKEN" }, bob: { "google": "GOOGLE_ACCESS_TOKEN" } })
        );
        assert_eq!(fs::metadata(disk.path()).unwrap().permissions().mode() & 0o777, 0o600);
        let again = disk.open();
        assert_eq!(pairs(&again, ann), [pair("google", "GOOGLE_ACCESS_TOKEN")]);
        // The last one of a session takes the session's entry along.
        assert_eq!(again.unset(&key(ann), "google").unwrap().before.as_deref(), Some("GOOGLE_ACCESS_TOKEN"));
        assert!(again.unset(&key(ann), "google").unwrap().before.is_none());
        assert_eq!(disk.json(), json!({ bob: { "google": "GOOGLE_ACCESS_TOKEN" } }));
    }

    #[test]
    fn odd_entries_are_reported_left_out_and_kept() {
        let disk = Disk::new();
        let odd = json!({
            "agent:main:main": { "google": "G", "evil": "LD_PRELOAD", "typo": "a-b", "number": 7 },
            "agent:main:x": ["what?"],
        });
        disk.write(&odd.to_string());
        let bindings = disk.open();
        assert_eq!(pairs(&bindings, "main"), [pair("google", "G")]);
        let problems = bindings.problems(&SessionKey::main()).join("\n");
        for provider in ["evil", "typo", "number"] {
            assert!(problems.contains(provider), "{problems}");
        }
        assert_eq!(bindings.problems(&key("agent:main:x")).len(), 1);
        assert_eq!(bindings.set(&key("agent:main:x"), "p", "P").unwrap_err().code(), Code::ConfigInvalid);
        bindings.set(&SessionKey::main(), "slack", "S").unwrap();
        let mut kept = odd;
        kept["agent:main:main"]["slack"] = "S".into();
        assert_eq!(disk.json(), kept);
    }

    #[test]
    fn an_edit_by_hand_is_not_overwritten() {
        let disk = Disk::new();
        let bindings = disk.open();
        bindings.set(&SessionKey::main(), "google", "G").unwrap();
        disk.write(r#"{ "agent:main:main": { "google": "BY_HAND" }, "agent:main:x": { "p": "P" } }"#);
        bindings.set(&SessionKey::main(), "slack", "S").unwrap();
        assert_eq!(pairs(&bindings, "main"), [pair("google", "BY_HAND"), pair("slack", "S")]);
        assert_eq!(pairs(&bindings, "agent:main:x"), [pair("p", "P")]);
    }

    #[test]
    fn a_damaged_file_is_reported_and_left_alone_until_it_is_mended() {
        for damage in ["{ \"agent:main:main\": {", "[]", "\u{0}\u{1}", "null"] {
            let disk = Disk::new();
            disk.write(damage);
            let bindings = disk.open();
            assert!(bindings.problems(&SessionKey::main())[0].contains(FILE), "{damage}");
            let changed = bindings.set(&SessionKey::main(), "google", "G").unwrap();
            assert_eq!(changed.problem.unwrap().code(), Code::StoreUnreadable);
            assert_eq!(pairs(&bindings, "main"), [pair("google", "G")]);
            assert_eq!(fs::read_to_string(disk.path()).unwrap(), damage);
            disk.write(r#"{ "agent:main:main": { "old": "OLD" } }"#);
            assert!(bindings.set(&SessionKey::main(), "slack", "S").unwrap().problem.is_none());
            assert_eq!(disk.json()["agent:main:main"], json!({ "google": "G", "old": "OLD", "slack": "S" }));
            assert!(bindings.problems(&SessionKey::main()).is_empty());
        }
    }

    #[test]
    fn one_name_is_not_bound_twice_and_limits_hold() {
        let (disk, main) = (Disk::new(), SessionKey::main());
        let bindings = disk.open();
        bindings.set(&main, "google", "TOKEN").unwrap();
        let twice = bindings.set(&main, "slack", "token").unwrap_err();
        assert!(twice.message().contains("\"google\""));
        for n in 1..MAX_PER_SESSION {
            bindings.set(&main, &format!("p{n}"), &format!("P{n}")).unwrap();
        }
        assert_eq!(bindings.set(&main, "more", "MORE").unwrap_err().code(), Code::TooLarge);
        assert!(bindings.set(&main, "p1", "ANOTHER").is_ok());
        assert!(bindings.set(&key("agent:main:x"), &"p".repeat(MAX_PROVIDER_BYTES), "P").is_ok());
        for provider in ["", "a\nb", &"p".repeat(MAX_PROVIDER_BYTES + 1)] {
            assert_eq!(bindings.set(&main, provider, "X").unwrap_err().code(), Code::InvalidRequest);
        }
        assert_eq!(bindings.set(&main, "p", "LD_PRELOAD").unwrap_err().code(), Code::InvalidRequest);
    }

    impl Sample for Bound {
        fn sample(text: &str, _: Option<Timestamp>) -> Self {
            Self(json!({ "text": text }))
        }
        fn text(&self) -> &str {
            self.0["text"].as_str().unwrap()
        }
        fn name(text: &str) -> SessionKey {
            key(text)
        }
    }

    #[test]
    fn the_file_does_what_all_records_do() {
        let disk = Disk::new();
        let clock = Arc::new(ManualClock::at(Timestamp::default()));
        let file = BindingsFile::open(&disk.0.path().join("identity"), clock.clone());
        let (now, pass) = (|| clock.now(), |by| clock.advance(by));
        testing::all(&Place { one: &file, other: &file, now: &now, pass: &pass });
    }

    #[test]
    fn whatever_stands_for_a_session_comes_back_as_it_was() {
        for value in [json!({}), json!({ "google": "G", "evil": "LD_PRELOAD", "n": 7 }), json!(["what?"])] {
            let bound = Bound(value);
            assert_eq!(Bound::from_bytes(bound.to_bytes().unwrap().expose()), Some(bound));
        }
        assert_eq!(Bound::from_bytes(b"{"), None);
    }

    #[test]
    fn a_change_made_by_hand_meanwhile_is_seen_by_a_swap() {
        let disk = Disk::new();
        disk.write(r#"{ "agent:main:main": { "google": "G" } }"#);
        let file = BindingsFile::open(&disk.0.path().join("identity"), Arc::new(SystemClock));
        let seen = file.get(&SessionKey::main()).unwrap().unwrap();
        let mine = || Some(Bound(json!({ "google": "MINE" })));
        disk.write(r#"{ "agent:main:main": { "google": "BY_HAND" } }"#);
        let crate::records::Swap::Changed(theirs) =
            file.swap(&SessionKey::main(), Some(&seen), mine()).unwrap()
        else {
            panic!("an edit was overwritten")
        };
        assert_eq!(theirs.value.names()["google"], "BY_HAND");
        // Nor does an edit elsewhere in the file make this entry another one.
        disk.write(r#"{ "agent:main:main": { "google": "BY_HAND" }, "agent:main:x": { "p": "P" } }"#);
        let done = file.swap(&SessionKey::main(), Some(&theirs), mine()).unwrap();
        assert!(matches!(done, crate::records::Swap::Done(saved) if saved.problem().is_none()));
        assert_eq!(
            disk.json(),
            json!({ "agent:main:main": { "google": "MINE" }, "agent:main:x": { "p": "P" } })
        );
    }

    #[test]
    fn a_file_that_cannot_be_written_says_since_when() {
        let disk = Disk::new();
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix(1_000)));
        let folder = disk.0.path().join("identity");
        fs::write(&folder, "no folder").unwrap();
        let bindings = Bindings::open(&folder, clock.clone());
        clock.advance(std::time::Duration::from_secs(60));
        let changed = bindings.set(&SessionKey::main(), "google", "G").unwrap();
        assert_eq!(changed.problem.unwrap().code(), Code::StoreUnwritable);
        assert_eq!(pairs(&bindings, "main"), [pair("google", "G")]);
        let health = bindings.records.health();
        assert!(matches!(health, Health::Unsaved { since, .. } if since.unix() == 1_000), "{health:?}");
    }

    #[test]
    fn elsewhere_than_in_the_file_there_may_always_be_bindings_and_they_may_be_unknown() {
        let records = Cut::new(Arc::new(ManualClock::at(Timestamp::default())));
        let (one, other) = (Bindings::on(records.clone()), Bindings::on(records.clone()));
        assert!(one.may_have_any());
        assert!(one.set(&SessionKey::main(), "google", "G").unwrap().problem.is_none());
        assert_eq!(pairs(&other, "main"), [pair("google", "G")]);
        records.off(true);
        assert_eq!(other.of(&SessionKey::main()).unwrap_err().code(), Code::StoreUnavailable);
        assert!(other.set(&SessionKey::main(), "slack", "S").is_err());
        assert_eq!(other.problems(&SessionKey::main()).len(), 2);
        records.off(false);
        assert_eq!(other.unset(&SessionKey::main(), "google").unwrap().before.as_deref(), Some("G"));
        assert!(one.of(&SessionKey::main()).unwrap().is_empty());
        let file = Disk::new().open();
        assert!(!file.may_have_any());
    }
}
