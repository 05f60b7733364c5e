//! The environment of one tool call: exactly the names that its session has bound, with that session's credentials.
//!
//! Pure but for [`Calls`], which remembers whose call is running. Invariant: a snapshot is made once, for one
//! login, and nothing that happens later, to this session or any other, changes it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};

use crate::base::bounded::BoundedMap;
use crate::base::crypto::sha256;
use crate::base::entropy::{Entropy, random_token};
use crate::base::error::{Error, Result};
use crate::base::secret::Secret;
use crate::session::key::SessionKey;

use super::custody::Credential;
use super::name;

/// Calls that may run at a time; beyond that the oldest is taken for one whose end was never told.
pub const MAX_CALLS: usize = 1024;

/// What a call gets.
#[derive(Clone, Default)]
pub struct Injection {
    env: BTreeMap<String, Arc<Credential>>,
    notes: Vec<Note>,
}

/// A binding that a call does not get.
#[derive(Clone, Debug)]
pub struct Note {
    /// The provider.
    pub provider: String,
    /// The name that stays without it.
    pub name: String,
    /// Why.
    pub reason: Reason,
}

/// Why a call does not get a binding.
#[derive(Clone, Debug)]
pub enum Reason {
    /// There is no credential now.
    Missing(Error),
    /// The host would refuse the whole call.
    HostBlocked,
    /// The name may not hold a credential.
    Refused(Error),
    /// Another provider's binding has the same name.
    Taken,
    /// The value has a zero byte, which no environment can hold.
    Unfit,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): ", self.name, self.provider)?;
        match &self.reason {
            Reason::Missing(error) | Reason::Refused(error) => write!(f, "{}", error.message()),
            Reason::HostBlocked => f.write_str("this host refuses calls that set it"),
            Reason::Taken => f.write_str("another provider is bound to the same name"),
            Reason::Unfit => f.write_str("the credential has a zero byte"),
        }
    }
}

impl Injection {
    /// Makes the environment of one call. `find` gives the credential of a provider for the login that calls.
    pub fn of(
        bindings: &BTreeMap<String, String>,
        host_blocks: bool,
        mut find: impl FnMut(&str) -> Result<Arc<Credential>>,
    ) -> Self {
        let mut injection = Self::default();
        for (provider, name) in bindings {
            let taken = injection.env.keys().any(|other| other.eq_ignore_ascii_case(name));
            let found = match name::check(name) {
                Err(error) => Err(Reason::Refused(error)),
                Ok(()) if host_blocks && name::is_host_blocked(name) => Err(Reason::HostBlocked),
                Ok(()) if taken => Err(Reason::Taken),
                Ok(()) => find(provider).map_err(Reason::Missing),
            };
            match found {
                Ok(credential) if credential.value.expose().contains('\0') => {
                    injection.note(provider, name, Reason::Unfit);
                }
                Ok(credential) => drop(injection.env.insert(name.clone(), credential)),
                Err(reason) => injection.note(provider, name, reason),
            }
        }
        injection
    }

    /// The names and values that the call gets. Whoever reads them answers for where they go.
    pub fn expose(&self) -> impl Iterator<Item = (&str, &str)> {
        self.env.iter().map(|(name, credential)| (name.as_str(), credential.value.expose().as_str()))
    }

    /// The names alone.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.env.keys().map(String::as_str)
    }

    /// What the call does not get, and why.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Puts the environment over the one that the caller asked for: a binding wins over the caller's own value, or the
    /// model could swap the credential; other names stay.
    #[must_use]
    pub fn over(&self, mut own: Map<String, Value>) -> Map<String, Value> {
        own.extend(self.expose().map(|(name, value)| (name.to_owned(), value.into())));
        own
    }

    fn note(&mut self, provider: &str, name: &str, reason: Reason) {
        self.notes.push(Note { provider: provider.to_owned(), name: name.to_owned(), reason });
    }
}

/// Names only.
impl fmt::Debug for Injection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Injection").field("env", &self.env.keys()).field("notes", &self.notes).finish()
    }
}

/// A tool call: the id of the run, and the call's own, which is unique in the run only.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CallId {
    /// The run.
    pub run: String,
    /// The call.
    pub call: String,
}

/// The variable by which a call's own programs say whose call they are.
pub const HANDLE_VARIABLE: &str = "AGENT_IDENTITY_CALL";

/// Whose calls are running. What they were given is not kept: the host has it.
#[derive(Debug)]
pub struct Calls(Mutex<BoundedMap<CallId, Running>>);

#[derive(Debug)]
struct Running {
    session: SessionKey,
    /// The hash of the call's handle, if it has one.
    handle: Option<[u8; 32]>,
}

impl Default for Calls {
    fn default() -> Self {
        Self(Mutex::new(BoundedMap::new(MAX_CALLS)))
    }
}

impl Calls {
    /// Remembers whose a call is, until its end.
    pub fn begin(&self, id: CallId, session: SessionKey) {
        self.calls().insert(id, Running { session, handle: None });
    }

    /// Makes a handle for a running call, which is good for that call's session until the call ends; `None` when there
    /// is no such call.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn handle(&self, id: &CallId, entropy: &dyn Entropy) -> Result<Option<Secret>> {
        let handle = Secret::new(random_token(entropy)?);
        let hash = sha256(handle.expose().as_bytes());
        Ok(self.calls().get_mut(id).map(|running| running.handle = Some(hash)).map(|()| handle))
    }

    /// The session of the running call that a handle was made for.
    #[must_use]
    pub fn session_of(&self, handle: &str) -> Option<SessionKey> {
        // Hashes are compared, so how long it takes says nothing about a handle.
        let hash = Some(sha256(handle.as_bytes()));
        self.calls()
            .iter()
            .find(|(_, running)| running.handle == hash)
            .map(|(_, running)| running.session.clone())
    }

    /// Forgets a call, however it went. Returns whether there was such a call.
    pub fn end(&self, id: &CallId) -> bool {
        self.calls().remove(id).is_some()
    }

    /// Forgets the calls of a session.
    pub fn forget(&self, session: &SessionKey) {
        self.calls().retain(|_, running| running.session != *session);
    }

    /// How many calls run.
    #[must_use]
    pub fn len(&self) -> usize {
        self.calls().len()
    }

    /// Whether none runs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn calls(&self) -> MutexGuard<'_, BoundedMap<CallId, Running>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::key;
    use super::*;
    use crate::base::entropy::OsEntropy;
    use crate::session::users::not_logged_in;

    fn credential(value: &str) -> Arc<Credential> {
        Arc::new(Credential { value: value.into(), ask: None, expires_at: None })
    }

    fn of(bindings: &[(&str, &str)], host_blocks: bool) -> Injection {
        let bindings = bindings.iter().map(|(p, n)| ((*p).to_owned(), (*n).to_owned())).collect();
        Injection::of(&bindings, host_blocks, |provider| match provider {
            "gone" => Err(not_logged_in()),
            "zero" => Ok(credential("a\0b")),
            other => Ok(credential(&format!("value-of-{other}"))),
        })
    }

    fn env(injection: &Injection) -> Vec<(&str, &str)> {
        injection.expose().collect()
    }

    #[test]
    fn a_call_gets_what_is_bound_and_a_note_for_what_it_cannot_get() {
        let injection = of(&[("google", "G"), ("gone", "X"), ("zero", "Z"), ("evil", "ld_preload")], false);
        assert_eq!(env(&injection), [("G", "value-of-google")]);
        let notes: Vec<_> = injection.notes().iter().map(ToString::to_string).collect();
        assert_eq!(notes.len(), 3);
        assert!(notes.iter().any(|note| note.starts_with("X (gone): nobody is logged in")), "{notes:?}");
        assert!(notes.iter().any(|note| note.contains("changes how programs load or start")), "{notes:?}");
        assert!(!format!("{injection:?}").contains("value-of"));
    }

    #[test]
    fn names_that_the_host_refuses_are_left_out_on_such_hosts_only() {
        let bound = [("github", "GITHUB_TOKEN"), ("google", "G")];
        assert_eq!(env(&of(&bound, false)).len(), 2);
        let injection = of(&bound, true);
        assert_eq!(env(&injection), [("G", "value-of-google")]);
        assert!(matches!(injection.notes(), [Note { reason: Reason::HostBlocked, .. }]));
    }

    #[test]
    fn one_name_goes_to_one_provider_even_if_the_file_says_otherwise() {
        let injection = of(&[("a", "TOKEN"), ("b", "TOKEN"), ("c", "token")], false);
        assert_eq!(env(&injection), [("TOKEN", "value-of-a")]);
        assert!(injection.notes().iter().all(|note| matches!(note.reason, Reason::Taken)));
    }

    #[test]
    fn a_binding_wins_over_the_callers_own_value_and_other_names_stay() {
        let Value::Object(own) = json!({ "G": "the model's", "LANG": "C" }) else { unreachable!() };
        let merged = of(&[("google", "G")], false).over(own);
        assert_eq!(Value::Object(merged), json!({ "G": "value-of-google", "LANG": "C" }));
    }

    #[test]
    fn a_handle_leads_to_its_calls_session_until_the_call_ends() {
        let calls = Calls::default();
        let id = |call: &str| CallId { run: "r".into(), call: call.into() };
        for call in ["ann", "bob"] {
            calls.begin(id(call), key(&format!("agent:main:main:user:{call}")));
        }
        let handle = |call: &str| calls.handle(&id(call), &OsEntropy).unwrap().unwrap();
        let (ann, bob) = (handle("ann"), handle("bob"));
        assert_eq!(calls.session_of(ann.expose()), Some(key("agent:main:main:user:ann")));
        assert_eq!(calls.session_of(bob.expose()), Some(key("agent:main:main:user:bob")));
        assert!(calls.handle(&id("none"), &OsEntropy).unwrap().is_none());
        for none in ["", "ann", &bob.expose()[1..]] {
            assert_eq!(calls.session_of(none), None, "{none}");
        }
        calls.end(&id("ann"));
        calls.forget(&key("agent:main:main:user:bob"));
        assert_eq!((calls.session_of(ann.expose()), calls.session_of(bob.expose())), (None, None));
    }

    #[test]
    fn a_calls_end_drops_its_state_and_no_other_and_the_table_is_bounded() {
        let calls = Calls::default();
        let id = |run: &str, call: &str| CallId { run: run.into(), call: call.into() };
        for (run, call) in [("r1", "c"), ("r2", "c")] {
            calls.begin(id(run, call), SessionKey::main());
        }
        assert!(calls.end(&id("r1", "c")) && !calls.end(&id("r1", "c")));
        assert_eq!(calls.len(), 1);
        calls.forget(&key("agent:main:x"));
        assert_eq!(calls.len(), 1);
        calls.forget(&SessionKey::main());
        assert!(calls.is_empty());
        for n in 0..=MAX_CALLS {
            calls.begin(id("r", &n.to_string()), SessionKey::main());
        }
        assert_eq!(calls.len(), MAX_CALLS);
        assert!(!calls.end(&id("r", "0")));
    }
}
