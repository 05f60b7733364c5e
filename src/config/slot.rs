//! One setting inside the typed configuration: a place that a checked value is put into and shown from.

use serde_json::Value;

use super::model::{InjectionMode, LlmApi};
use crate::base::secret::{REDACTED, Secret};
use crate::base::url::Url;

/// A value that has passed the checks of its setting.
#[derive(Clone, Debug)]
pub enum Setting {
    /// Text, or one of a fixed set of words.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
    /// On or off.
    Flag(bool),
    /// A whole number.
    Count(u64),
    /// An address.
    Url(Url),
    /// A secret.
    Secret(Secret),
}

/// A place for a [`Setting`].
pub trait Slot {
    /// Stores the setting; false when this place holds another type.
    fn put(&mut self, setting: Setting) -> bool;

    /// The stored value as it may be shown: secrets replaced, URLs without query. Nothing when unset.
    fn show(&self) -> Option<Value>;

    /// The secret itself, for the few that are shown in part.
    fn secret(&self) -> Option<&Secret> {
        None
    }
}

macro_rules! slot {
    ($type:ty, $variant:ident, |$value:ident| $show:expr) => {
        impl Slot for $type {
            fn put(&mut self, setting: Setting) -> bool {
                let Setting::$variant(value) = setting else { return false };
                *self = value.into();
                true
            }

            fn show(&self) -> Option<Value> {
                let $value = self;
                $show
            }
        }
    };
}

slot!(String, Text, |text| Some(text.as_str().into()));
slot!(Option<String>, Text, |text| text.as_deref().map(Value::from));
slot!(Vec<String>, List, |list| Some(list.as_slice().into()));
slot!(Option<Vec<String>>, List, |list| list.as_deref().map(Value::from));
slot!(bool, Flag, |flag| Some((*flag).into()));
slot!(Option<bool>, Flag, |flag| flag.map(Value::from));
slot!(u64, Count, |count| Some((*count).into()));
slot!(Option<Url>, Url, |url| url.as_ref().map(|url| show_url(url).into()));

impl Slot for Option<Secret> {
    fn put(&mut self, setting: Setting) -> bool {
        let Setting::Secret(secret) = setting else { return false };
        *self = Some(secret);
        true
    }

    fn show(&self) -> Option<Value> {
        self.as_ref().map(|_| REDACTED.into())
    }

    fn secret(&self) -> Option<&Secret> {
        self.as_ref()
    }
}

/// For a type with `ALL` its values and `as_str` their words.
macro_rules! choice {
    ($type:ty) => {
        impl Slot for $type {
            fn put(&mut self, setting: Setting) -> bool {
                let Setting::Text(word) = setting else { return false };
                let known = Self::ALL.into_iter().find(|choice| choice.as_str() == word);
                *self = known.unwrap_or(*self);
                known.is_some()
            }

            fn show(&self) -> Option<Value> {
                Some(self.as_str().into())
            }
        }
    };
}

choice!(LlmApi);
choice!(InjectionMode);

/// The address without its query, which may hold a key. (User information is refused when it is read.)
fn show_url(url: &Url) -> String {
    match url.query() {
        Some(_) => format!("{url:?}?{REDACTED}"),
        None => format!("{url:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_type_is_not_stored() {
        let mut text = String::from("kept");
        assert!(!text.put(Setting::Flag(true)) && text == "kept");
        let mut api = LlmApi::OpenaiCompletions;
        assert!(!api.put(Setting::Text("grpc".into())) && api == LlmApi::OpenaiCompletions);
    }

    #[test]
    fn secrets_and_queries_are_not_shown() {
        let url = Some(Url::parse("https://a.example/p?key=hunter2").unwrap());
        assert_eq!(url.show().unwrap(), "https://a.example/p?[redacted]");
        assert_eq!(Some(Secret::from("hunter2")).show().unwrap(), REDACTED);
        assert_eq!(None::<Secret>.show(), None);
    }
}
