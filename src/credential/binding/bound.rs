//! One session's bindings as a record: environment names by provider, never values. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{FILE, MAX_PER_SESSION, MAX_PROVIDER_BYTES, name};
use crate::base::error::{Code, Error, Result};
use crate::base::secret::Secret;
use crate::base::time::Timestamp;
use crate::records::Record;
use crate::session::key::SessionKey;

/// An object of names by provider, or whatever somebody wrote in its place: what makes no sense is left out and kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bound(pub(super) Value);

impl Default for Bound {
    fn default() -> Self {
        Self(Value::Object(Map::new()))
    }
}

impl Record for Bound {
    type Name = SessionKey;
    const FAMILY: &'static str = "bindings";

    fn ends(&self) -> Option<Timestamp> {
        None
    }

    fn to_bytes(&self) -> Result<Secret<Vec<u8>>> {
        Secret::json(self)
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

impl Bound {
    /// The bindings that make sense.
    pub(super) fn names(&self) -> BTreeMap<String, String> {
        let sound = |(provider, name): (&String, &Value)| {
            let name = name.as_str().filter(|name| name::check(name).is_ok())?;
            Some((provider.clone(), name.to_owned()))
        };
        self.0.as_object().into_iter().flatten().filter_map(sound).collect()
    }

    /// Whether there is nothing to keep.
    pub(super) fn is_empty(&self) -> bool {
        self.0.as_object().is_some_and(Map::is_empty)
    }

    /// Why entries are left out.
    pub(super) fn problems(&self) -> Vec<String> {
        let Some(entries) = self.0.as_object() else {
            return vec!["the bindings of this session are no object; they are left out".to_owned()];
        };
        let problem = |(provider, name): (&String, &Value)| {
            let reason = match name.as_str() {
                Some(name) => name::check(name).err().map(|error| error.message().to_owned()),
                None => Some("the environment name is not text".to_owned()),
            };
            reason.map(|reason| format!("the binding of {provider:?} is left out: {reason}"))
        };
        entries.iter().filter_map(problem).collect()
    }

    /// With a provider bound to a name; and what it was bound to before, whatever that is.
    pub(super) fn with(&self, key: &SessionKey, provider: &str, name: &str) -> Result<(Self, Option<Value>)> {
        let mut entries = self.entries(key)?;
        let taken = |(other, value): &(&String, &Value)| {
            other.as_str() != provider && value.as_str().is_some_and(|value| value.eq_ignore_ascii_case(name))
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
        let before = entries.insert(provider.to_owned(), name.into());
        Ok((Self(Value::Object(entries)), before))
    }

    /// Without a provider's binding, one that makes no sense included; and what that was.
    pub(super) fn without(&self, key: &SessionKey, provider: &str) -> Result<(Self, Option<Value>)> {
        let mut entries = self.entries(key)?;
        let before = entries.remove(provider);
        Ok((Self(Value::Object(entries)), before))
    }

    fn entries(&self, key: &SessionKey) -> Result<Map<String, Value>> {
        self.0.as_object().cloned().ok_or_else(|| {
            let message = format!("the bindings of session {key} in {FILE} are no object");
            Error::new(Code::ConfigInvalid, message).with_hint(format!("mend or remove that entry of {FILE}"))
        })
    }
}

/// Checks what is to be bound.
pub(super) fn check(provider: &str, name: &str) -> Result<()> {
    name::check(name)?;
    if provider.is_empty() || provider.len() > MAX_PROVIDER_BYTES || provider.chars().any(char::is_control) {
        let rule = format!("a provider's name has 1 to {MAX_PROVIDER_BYTES} bytes and no control characters");
        return Err(Error::new(Code::InvalidRequest, rule));
    }
    Ok(())
}
