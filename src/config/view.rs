//! The effective configuration as it may be shown: defaults included, secrets replaced.

use serde_json::{Map, Value};

use super::fields::{FIELDS, Kind};
use super::model::Config;
use super::parse::Pending;
use crate::base::secret::REDACTED;

/// What stands for a secret that is configured but could not be read.
pub const UNAVAILABLE: &str = "[configured, not available]";

/// How many characters of an access key id are shown at each end.
const SHOWN: usize = 4;

/// The whole configuration, with the same keys as the file. Settings that are unset and have no default are left out.
#[must_use]
pub fn view(config: &Config, pending: &[Pending]) -> Value {
    let mut root = Map::new();
    for field in &FIELDS {
        let Some(slot) = field.read(config) else { continue };
        let shown = match field.kind {
            _ if pending.iter().any(|pending| pending.path == field.path) => Some(UNAVAILABLE.into()),
            Kind::KeyId => slot.secret().map(|id| shortened(id.expose()).into()),
            _ => slot.show().or_else(|| field.default_value()),
        };
        if let Some(shown) = shown {
            insert(&mut root, field.path, shown);
        }
    }
    root.into()
}

/// An access key id as `AKLT…wxyz`: enough to tell two apart. Short ones are replaced as a whole.
#[must_use]
pub fn shortened(id: &str) -> String {
    let chars: Vec<char> = id.chars().collect();
    if chars.len() < 3 * SHOWN {
        return REDACTED.to_owned();
    }
    let (head, tail) = (&chars[..SHOWN], &chars[chars.len() - SHOWN..]);
    head.iter().chain(&['…']).chain(tail).collect()
}

fn insert(root: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => drop(root.insert(path.to_owned(), value)),
        Some((section, rest)) => {
            let entry = root.entry(section).or_insert_with(|| Map::new().into());
            if let Value::Object(inner) = entry {
                insert(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_ids_show_their_ends_only_when_long_enough() {
        assert_eq!(shortened("AKLTabcdefwxyz"), "AKLT…wxyz");
        assert_eq!(shortened("AKLTabcdwxyz"), "AKLT…wxyz");
        assert_eq!(shortened("AKLTabcdwxy"), REDACTED);
        assert_eq!(shortened(""), REDACTED);
        assert_eq!(shortened("ääääbbbböööö"), "ääää…öööö");
    }

    #[test]
    fn defaults_are_in_the_view_and_absent_sections_are_not() {
        let view = view(&Config::default(), &[]);
        for field in &FIELDS {
            let pointer = format!("/{}", field.path.replace('.', "/"));
            let expected = if field.path.contains("llmRiskCheck") { None } else { field.default_value() };
            assert_eq!(view.pointer(&pointer).cloned(), expected, "{}", field.path);
        }
    }
}
