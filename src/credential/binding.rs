//! Which environment name each session wants a provider's credential under: `credential-env-bindings.json`.
//!
//! Names only, never values. The file may be edited by hand: entries that make no sense are reported and kept, and a
//! file that cannot be read at all is left alone, with the bindings in memory until it can. It is read at the start and
//! before each change; readers never wait for the disk.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use serde_json::{Map, Value};

use crate::base::error::{Code, Error, Result};
use crate::session::key::SessionKey;
use crate::sys::fs::Dir;

use super::name;

/// The file's name in the data folder.
pub const FILE: &str = "credential-env-bindings.json";
/// Bytes that the file may have.
pub const MAX_FILE_BYTES: u64 = 1024 * 1024;
/// Bindings that one session may have.
pub const MAX_PER_SESSION: usize = 128;
/// Bytes that a provider's name may have.
pub const MAX_PROVIDER_BYTES: usize = 256;

type Document = Map<String, Value>;

/// The bindings of all sessions.
#[derive(Debug)]
pub struct Bindings {
    dir: Option<Dir>,
    /// Held by whoever changes the file, disk included; readers do not take it.
    writing: Mutex<()>,
    state: RwLock<State>,
}

#[derive(Clone, Debug)]
struct State {
    document: Arc<Document>,
    fault: Option<Fault>,
}

#[derive(Clone, Debug)]
enum Fault {
    /// The file is there and cannot be read: it must not be replaced.
    Unreadable(Error),
    /// The last change is not on the disk.
    Unwritten(Error),
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
    /// Reads the bindings of a data folder. Never fails: see [`Bindings::problems`].
    #[must_use]
    pub fn open(folder: &Path) -> Self {
        let (dir, state) = match Dir::open_private(folder) {
            Ok(dir) => {
                let state = match read(&dir) {
                    Ok(document) => State { document: Arc::new(document), fault: None },
                    Err(error) => State { document: Arc::default(), fault: Some(Fault::Unreadable(error)) },
                };
                (Some(dir), state)
            }
            Err(error) => {
                let fault = Some(Fault::Unwritten(unwritable(&error)));
                (None, State { document: Arc::default(), fault })
            }
        };
        Self { dir, writing: Mutex::new(()), state: RwLock::new(state) }
    }

    /// Whether nothing is bound in any session.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.state().document.is_empty()
    }

    /// The session's bindings that make sense, by provider.
    #[must_use]
    pub fn of(&self, key: &SessionKey) -> BTreeMap<String, String> {
        let document = self.state().document;
        let Some(Value::Object(entries)) = document.get(key.as_str()) else { return BTreeMap::new() };
        let sound = |(provider, name): (&String, &Value)| {
            let name = name.as_str().filter(|name| name::check(name).is_ok())?;
            Some((provider.clone(), name.to_owned()))
        };
        entries.iter().filter_map(sound).collect()
    }

    /// Binds a provider to a name for a session, in place of an earlier name.
    ///
    /// # Errors
    /// `InvalidRequest` for a name that is refused or another provider's, `TooLarge` beyond the limits.
    pub fn set(&self, key: &SessionKey, provider: &str, name: &str) -> Result<Changed> {
        name::check(name)?;
        if provider.is_empty()
            || provider.len() > MAX_PROVIDER_BYTES
            || provider.chars().any(char::is_control)
        {
            let rule =
                format!("a provider's name has 1 to {MAX_PROVIDER_BYTES} bytes and no control characters");
            return Err(Error::new(Code::InvalidRequest, rule));
        }
        self.change(key, |entries| {
            let taken = |(other, value): &(&String, &Value)| {
                other.as_str() != provider && value.as_str().is_some_and(|v| v.eq_ignore_ascii_case(name))
            };
            if let Some((other, _)) = entries.iter().find(taken) {
                let message = format!("{name} is bound to provider {other:?} in this session already");
                return Err(Error::new(Code::InvalidRequest, message)
                    .with_hint("choose another name, or unset that binding first"));
            }
            if entries.len() >= MAX_PER_SESSION && !entries.contains_key(provider) {
                let message = format!("a session may have {MAX_PER_SESSION} bindings");
                return Err(Error::new(Code::TooLarge, message).with_hint("unset one first"));
            }
            Ok(entries.insert(provider.to_owned(), name.into()))
        })
    }

    /// Removes a provider's binding of a session, one that makes no sense included.
    ///
    /// # Errors
    /// `TooLarge` when the file has outgrown its limit.
    pub fn unset(&self, key: &SessionKey, provider: &str) -> Result<Changed> {
        self.change(key, |entries| Ok(entries.remove(provider)))
    }

    /// Everything that a person should look at: the file's state, and this session's entries that are left out.
    #[must_use]
    pub fn problems(&self, key: &SessionKey) -> Vec<String> {
        let State { document, fault } = self.state();
        let mut problems: Vec<_> = match fault {
            Some(Fault::Unreadable(error) | Fault::Unwritten(error)) => vec![error.to_string()],
            None => Vec::new(),
        };
        match document.get(key.as_str()) {
            None => {}
            Some(Value::Object(entries)) => {
                for (provider, name) in entries {
                    let reason = match name.as_str() {
                        Some(name) => name::check(name).err().map(|error| error.message().to_owned()),
                        None => Some("the environment name is not text".to_owned()),
                    };
                    problems.extend(
                        reason.map(|reason| format!("the binding of {provider:?} is left out: {reason}")),
                    );
                }
            }
            Some(_) => {
                problems.push("the bindings of this session are no object; they are left out".to_owned())
            }
        }
        problems
    }

    fn change(
        &self,
        key: &SessionKey,
        edit: impl FnOnce(&mut Document) -> Result<Option<Value>>,
    ) -> Result<Changed> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut document, writable) = self.latest();
        let mut entries = match document.remove(key.as_str()) {
            Some(Value::Object(entries)) => entries,
            None => Document::new(),
            Some(_) => {
                let message = format!("the bindings of session {key} in {FILE} are no object");
                return Err(Error::new(Code::ConfigInvalid, message)
                    .with_hint(format!("mend or remove that entry of {FILE}")));
            }
        };
        let unedited = entries.clone();
        let before = edit(&mut entries)?;
        if entries == unedited && self.state().fault.is_none() {
            // Nothing to write, and nothing to complain of.
            return Ok(Changed { before: before.map(text), problem: writable.err() });
        }
        if !entries.is_empty() {
            document.insert(key.as_str().to_owned(), Value::Object(entries));
        }
        let bytes = serde_json::to_vec_pretty(&document)
            .map_err(|error| Error::new(Code::Internal, format!("cannot write {FILE}: {error}")))?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(Error::new(Code::TooLarge, format!("{FILE} may have {MAX_FILE_BYTES} bytes"))
                .with_hint("remove the entries of sessions that are no longer in use"));
        }
        let fault = match (writable, &self.dir) {
            (Err(error), _) => Some(Fault::Unreadable(error)),
            (Ok(()), None) => self.state().fault,
            (Ok(()), Some(dir)) => {
                dir.write_atomic(FILE, &bytes).err().map(|error| Fault::Unwritten(unwritable(&error)))
            }
        };
        let problem = fault.as_ref().map(|fault| match fault {
            Fault::Unreadable(error) | Fault::Unwritten(error) => error.clone(),
        });
        *self.state.write().unwrap_or_else(PoisonError::into_inner) =
            State { document: Arc::new(document), fault };
        Ok(Changed { before: before.map(text), problem })
    }

    /// What to change: the file as it is now, or the memory when that is ahead of it; and whether the file may be
    /// replaced.
    fn latest(&self) -> (Document, Result<()>) {
        let State { document, fault } = self.state();
        let memory = Document::clone(&document);
        let (Some(dir), false) = (&self.dir, matches!(fault, Some(Fault::Unwritten(_)))) else {
            return (memory, Ok(()));
        };
        match (read(dir), fault) {
            (Ok(file), None) => (file, Ok(())),
            // Mended: what was bound meanwhile goes on top of what it has.
            (Ok(mut file), Some(_)) => {
                for (session, entries) in memory {
                    match (file.get_mut(&session), entries) {
                        (Some(Value::Object(own)), Value::Object(new)) => own.extend(new),
                        (Some(_), _) => {}
                        (None, entries) => drop(file.insert(session, entries)),
                    }
                }
                (file, Ok(()))
            }
            (Err(error), _) => (memory, Err(error)),
        }
    }

    fn state(&self) -> State {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn read(dir: &Dir) -> Result<Document> {
    let damaged = |what: String| {
        Error::new(Code::StoreUnreadable, format!("{FILE} {what}; bindings are kept in memory only"))
            .with_hint(format!("mend or remove {}", dir.path().join(FILE).display()))
    };
    match dir.read(FILE, MAX_FILE_BYTES) {
        Ok(None) => Ok(Document::new()),
        Ok(Some(bytes)) if bytes.trim_ascii().is_empty() => Ok(Document::new()),
        Ok(Some(bytes)) => serde_json::from_slice(&bytes)
            .map_err(|error| damaged(format!("is not a JSON object (line {})", error.line()))),
        Err(error) => Err(damaged(format!("cannot be read: {error}"))),
    }
}

/// A binding as it stands in the file, whatever it is.
fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn unwritable(error: &std::io::Error) -> Error {
    Error::new(Code::StoreUnwritable, format!("{FILE} cannot be written: {error}"))
        .with_hint("the bindings last until the service ends; free or mend the data folder")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use serde_json::json;
    use tempfile::TempDir;

    use super::super::testing::key;
    use super::*;

    struct Disk(TempDir);

    impl Disk {
        fn new() -> Self {
            Self(TempDir::new().unwrap())
        }
        fn open(&self) -> Bindings {
            Bindings::open(&self.0.path().join("identity"))
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
        bindings.of(&key(session)).into_iter().collect()
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
}
