//! The fields of the host's files that may hold a reference, as data with its versions: `surface.json`.
//!
//! The union of two generations of hosts. A path is keys joined with dots; `*` is any key or index, `name[]` the elements of
//! a list.

use serde::Deserialize;

use crate::base::error::{Code, Error, Result};
use crate::base::json;

const DATA: &str = include_str!("surface.json");

/// Header names that are secret by themselves or by a part of them.
const SECRET_HEADER_PARTS: [&str; 6] = ["api-key", "apikey", "token", "secret", "password", "credential"];
const SECRET_HEADERS: [&str; 3] = ["authorization", "proxy-authorization", "x-secret-key"];

/// The list.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Surface {
    /// The newer generation that it was taken from.
    pub newer: String,
    /// The older one.
    pub older: String,
    /// Fields that take references.
    pub supported: Vec<Target>,
    /// Fields with secrets that take none.
    pub refused: Vec<Refused>,
    /// Variables that hold secrets, as the host knows them.
    pub secret_variables: Vec<String>,
    /// Texts in place of an API key that are none.
    pub api_key_markers: Vec<String>,
}

/// A field that takes references.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Target {
    /// Where it is.
    pub path: String,
    /// The file, unless it is the host's configuration.
    #[serde(default)]
    pub file: Option<String>,
    /// The one generation that has it.
    #[serde(default)]
    pub only: Option<Generation>,
    /// `string-or-object` where an object is a secret as well.
    #[serde(default)]
    pub expected: Option<String>,
    /// The key beside it that holds the reference, on older hosts or in auth profiles.
    #[serde(default)]
    pub sibling: Option<String>,
    /// Its name in plans, unless that is its path.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// Where a newer host has it.
    #[serde(default)]
    pub replaced_by: Option<String>,
    /// The type of auth profile that has it.
    #[serde(default)]
    pub profile_type: Option<String>,
}

/// A field with a secret that the host issues, rotates, or keeps by itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// Where it is.
    pub path: String,
    /// The one generation that has it.
    #[serde(default)]
    pub only: Option<Generation>,
}

/// One of the two generations of hosts.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Generation {
    /// The older one.
    Older,
    /// The newer one.
    Newer,
}

/// Why some secrets are no matter of references.
pub const SCOPE: &str = "references are for credentials that the user provides; this one is issued, rotated or \
                         carries a session, so it takes plain text or ${NAME}";

impl Surface {
    /// The built-in list.
    ///
    /// # Errors
    /// `Internal` when it cannot be read.
    pub fn built_in() -> Result<Self> {
        json::read(DATA).map_err(|error| {
            Error::new(Code::Internal, format!("the built-in list of secret fields: {error}"))
        })
    }

    /// Whether a text is known to stand for a way to log in, and not to be a key.
    #[must_use]
    pub fn is_api_key_marker(&self, text: &str) -> bool {
        let text = text.trim();
        is_header_marker(text)
            || text.starts_with("oauth:")
            || self.api_key_markers.iter().chain(&self.secret_variables).any(|marker| marker == text)
    }
}

impl Target {
    /// Its name in plans.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.kind.as_deref().unwrap_or(&self.path)
    }

    /// Whether an object is a secret there as well.
    #[must_use]
    pub fn takes_object(&self) -> bool {
        self.expected.as_deref() == Some("string-or-object")
    }
}

/// Whether a text is what a newer host writes in place of a reference's value.
#[must_use]
pub fn is_header_marker(text: &str) -> bool {
    let text = text.trim();
    text == "secretref-managed" || text.starts_with("secretref-env:")
}

/// Whether a header of that name is likely to hold a secret.
#[must_use]
pub fn is_secret_header(name: &str) -> bool {
    let name = name.trim().to_lowercase();
    SECRET_HEADERS.contains(&name.as_str()) || SECRET_HEADER_PARTS.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_the_counts_of_both_generations() {
        let surface = Surface::built_in().unwrap();
        let count = |without: Generation| {
            surface.supported.iter().filter(|target| target.only != Some(without)).count()
        };
        assert_eq!(surface.supported.len(), 126);
        assert_eq!((count(Generation::Newer), count(Generation::Older)), (91, 118));
        let refused =
            |without: Generation| surface.refused.iter().filter(|field| field.only != Some(without)).count();
        assert_eq!((refused(Generation::Newer), refused(Generation::Older)), (9, 8));
        let moved = surface.supported.iter().filter(|target| target.replaced_by.is_some()).count();
        assert_eq!(moved, 6);
        let mut paths: Vec<_> = surface.supported.iter().map(|target| &target.path).collect();
        paths.sort();
        paths.dedup();
        assert_eq!(paths.len(), 126);
    }

    #[test]
    fn markers_and_header_names_are_the_hosts() {
        let surface = Surface::built_in().unwrap();
        for marker in [
            "secretref-managed",
            "secretref-env:X",
            "oauth:x",
            " ollama-local ",
            "OPENAI_API_KEY",
            "AWS_PROFILE",
        ] {
            assert!(surface.is_api_key_marker(marker), "{marker}");
        }
        assert!(!surface.is_api_key_marker("sk-1234") && !surface.is_api_key_marker(""));
        for secret in ["Authorization", "X-Api-Key", "my-token-2", "Proxy-Authorization", "x-access-token"] {
            assert!(is_secret_header(secret), "{secret}");
        }
        for plain in ["X-Trace", "Accept", "user-agent", ""] {
            assert!(!is_secret_header(plain), "{plain}");
        }
    }
}
