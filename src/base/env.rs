//! The process environment as a value, read once by the binary and handed down.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// A snapshot of environment variables. Values that are not UTF-8 are left out: no setting of ours may hold them.
#[derive(Clone, Default)]
pub struct Env(BTreeMap<String, String>);

impl Env {
    /// The environment of this process.
    #[must_use]
    pub fn of_process() -> Self {
        crate::sys::env::vars()
            .into_iter()
            .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
            .collect()
    }

    /// The value of a variable; an empty one counts as unset.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The value of a variable as a path.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from)
    }

    /// Adds variables where this environment has none of that name, or only a blank one.
    #[must_use]
    pub fn or(mut self, fallback: impl IntoIterator<Item = (String, String)>) -> Self {
        for (name, value) in fallback {
            if self.get(&name).is_none_or(|own| own.trim().is_empty()) {
                self.0.insert(name, value);
            }
        }
        self
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Env {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect())
    }
}

/// Names only: values may be secret.
impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fallback_variables_fill_gaps_only() {
        let own: Env = [("SET", "own"), ("EMPTY", ""), ("BLANK", " ")].into_iter().collect();
        let env =
            own.or(["SET", "EMPTY", "BLANK", "NEW"].map(|name| (name.to_owned(), "fallback".to_owned())));
        assert_eq!(env.get("SET"), Some("own"));
        for name in ["EMPTY", "BLANK", "NEW"] {
            assert_eq!(env.get(name), Some("fallback"), "{name}");
        }
        assert!(!format!("{env:?}").contains("own"), "values may be secret");
    }
}
