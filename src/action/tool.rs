//! What a tool is: a name, what it is for, its parameters, and how they become an action.
//!
//! The definitions stand with their actions; [`super::registry`] lists them. Names, descriptions and schemas of every
//! surface come from here.

use serde_json::{Map, Value, json};

use super::Action;
use crate::base::error::{Code, Error, Result};
use crate::session::key::SessionKey;

/// A tool that agents and programs can call.
#[derive(Debug)]
pub struct Tool {
    /// Its name, `identity_…`.
    pub name: &'static str,
    /// What it does and returns, for the model that chooses it.
    pub about: &'static str,
    /// What a person says when it is meant, in English and Chinese.
    pub call_when: &'static [&'static str],
    /// Its parameters.
    pub params: &'static [Param],
    /// Whether somebody must be logged in.
    pub needs_login: bool,
    /// Makes the action of checked parameters.
    pub read: fn(&Params<'_>, Option<SessionKey>) -> Result<Action>,
}

/// A parameter of a tool.
#[derive(Debug)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// Whether it must be given.
    pub required: bool,
    /// What it means.
    pub about: &'static str,
}

/// What values a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Flag,
    /// An object of any form.
    Object,
    /// One of some words.
    OneOf(&'static [&'static str]),
    /// Text that is not blank.
    Text,
    /// A list of texts.
    Texts,
    /// A whole number from 1 on.
    Whole,
}

impl Tool {
    /// The description with its phrases, as the model sees it.
    #[must_use]
    pub fn description(&self) -> String {
        if self.call_when.is_empty() {
            return self.about.to_owned();
        }
        let phrases: Vec<_> = self.call_when.iter().map(|phrase| format!("\"{phrase}\"")).collect();
        format!("{} Call when: {}.", self.about, phrases.join(", "))
    }

    /// The JSON schema of its parameters.
    #[must_use]
    pub fn schema(&self) -> Value {
        let properties: Map<String, Value> =
            self.params.iter().map(|param| (param.name.to_owned(), param.schema())).collect();
        let required: Vec<_> =
            self.params.iter().filter(|param| param.required).map(|param| param.name).collect();
        let mut schema = json!({ "type": "object", "properties": properties });
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        schema
    }

    /// Checks parameters and makes the action; unknown parameters are ignored.
    ///
    /// # Errors
    /// `InvalidRequest` with every fault, each with its path.
    pub fn action(&self, params: &Map<String, Value>, session: Option<SessionKey>) -> Result<Action> {
        let faults: Vec<_> =
            self.params.iter().filter_map(|param| param.fault(params.get(param.name))).collect();
        if faults.is_empty() {
            (self.read)(&Params(params), session)
        } else {
            Err(self.invalid(&faults.join("; ")))
        }
    }

    fn invalid(&self, faults: &str) -> Error {
        let names: Vec<_> =
            self.params
                .iter()
                .map(|param| {
                    if param.required { format!("{} (required)", param.name) } else { param.name.to_owned() }
                })
                .collect();
        let takes = if names.is_empty() { "no parameters".to_owned() } else { names.join(", ") };
        Error::new(Code::InvalidRequest, format!("{}: {faults}", self.name))
            .with_hint(format!("{} takes {takes}", self.name))
    }
}

impl Param {
    fn schema(&self) -> Value {
        let mut schema = match self.kind {
            Kind::Flag => json!({ "type": "boolean" }),
            Kind::Object => json!({ "type": "object" }),
            Kind::OneOf(words) => json!({ "type": "string", "enum": words }),
            Kind::Text => json!({ "type": "string" }),
            Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
            Kind::Whole => json!({ "type": "integer", "minimum": 1 }),
        };
        schema["description"] = self.about.into();
        schema
    }

    /// What is wrong with a value; `null` counts as not given.
    fn fault(&self, value: Option<&Value>) -> Option<String> {
        let name = self.name;
        let expected = |what: &str, at: String, found: &Value| {
            Some(format!("params.{at} must be {what}, not {}", kind_of(found)))
        };
        match (value, self.kind) {
            (None | Some(Value::Null), _) => self.required.then(|| format!("params.{name} is missing")),
            (Some(Value::Bool(_)), Kind::Flag) | (Some(Value::Object(_)), Kind::Object) => None,
            (Some(Value::String(text)), Kind::Text) if !text.trim().is_empty() => None,
            (Some(Value::String(text)), Kind::OneOf(words)) if words.contains(&text.as_str()) => None,
            (Some(Value::Number(number)), Kind::Whole) if number.as_u64().is_some_and(|n| n > 0) => None,
            (Some(Value::Array(items)), Kind::Texts) => {
                let (at, odd) = items.iter().enumerate().find(|(_, item)| !item.is_string())?;
                expected("text", format!("{name}[{at}]"), odd)
            }
            (Some(value), Kind::Flag) => expected("true or false", name.to_owned(), value),
            (Some(value), Kind::Object) => expected("an object", name.to_owned(), value),
            (Some(value), Kind::Text) => expected("text that is not blank", name.to_owned(), value),
            (Some(value), Kind::Texts) => expected("a list of texts", name.to_owned(), value),
            (Some(value), Kind::Whole) => expected("a whole number from 1 on", name.to_owned(), value),
            (Some(value), Kind::OneOf(words)) => {
                expected(&format!("one of {}", words.join(", ")), name.to_owned(), value)
            }
        }
    }
}

fn kind_of(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "true or false".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.trim().is_empty() => "blank text".to_owned(),
        // The value itself may be a secret that was put into the wrong place.
        Value::String(_) => "this text".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// Checked parameters: every value has its kind, every required one is there.
#[derive(Clone, Copy, Debug)]
pub struct Params<'a>(&'a Map<String, Value>);

impl<'a> Params<'a> {
    /// A text, trimmed.
    #[must_use]
    pub fn text(self, name: &str) -> Option<&'a str> {
        self.0.get(name)?.as_str().map(str::trim)
    }

    /// A required text.
    #[must_use]
    pub fn required(self, name: &str) -> &'a str {
        self.text(name).unwrap_or_default()
    }

    /// A list of texts.
    #[must_use]
    pub fn texts(self, name: &str) -> Option<Vec<String>> {
        let items = self.0.get(name)?.as_array()?;
        Some(items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// A flag; not given is `false`.
    #[must_use]
    pub fn flag(self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A whole number.
    #[must_use]
    pub fn whole(self, name: &str) -> Option<u64> {
        self.0.get(name)?.as_u64()
    }

    /// An object.
    #[must_use]
    pub fn object(self, name: &str) -> Option<&'a Map<String, Value>> {
        self.0.get(name)?.as_object()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: Tool = Tool {
        name: "identity_sample",
        about: "Does something.",
        call_when: &["do it", "做"],
        params: &[
            Param { name: "name", kind: Kind::Text, required: true, about: "whom" },
            Param { name: "page", kind: Kind::Whole, required: false, about: "which page" },
            Param { name: "scopes", kind: Kind::Texts, required: false, about: "what for" },
            Param { name: "lang", kind: Kind::OneOf(&["en", "zh"]), required: false, about: "language" },
            Param { name: "deep", kind: Kind::Flag, required: false, about: "how" },
            Param { name: "extra", kind: Kind::Object, required: false, about: "more" },
        ],
        needs_login: true,
        read: |_, session| Ok(Action::Whoami(session)),
    };

    #[test]
    fn the_schema_and_description_come_from_the_definition() {
        assert_eq!(SAMPLE.description(), "Does something. Call when: \"do it\", \"做\".");
        let schema = SAMPLE.schema();
        assert_eq!(schema["required"], json!(["name"]));
        assert_eq!(schema["properties"]["lang"]["enum"], json!(["en", "zh"]));
        assert_eq!(schema["properties"]["scopes"]["items"]["type"], "string");
    }

    #[test]
    fn every_fault_is_named_with_its_path() {
        let check = |params: Value| {
            SAMPLE.action(params.as_object().unwrap(), None).map_err(|error| error.message().to_owned())
        };
        assert!(check(json!({"name": "x", "page": 2, "scopes": ["a"], "lang": "zh", "deep": true, "extra": {}, "other": 1})).is_ok());
        assert!(check(json!({"name": "x", "page": null})).is_ok());
        for (params, part) in [
            (json!({}), "params.name is missing"),
            (json!({"name": " "}), "params.name must be text that is not blank, not blank text"),
            (json!({"name": 1}), "params.name must be text that is not blank, not 1"),
            (json!({"name": "x", "page": 0}), "params.page must be a whole number from 1 on, not 0"),
            (json!({"name": "x", "page": 1.5}), "params.page must be a whole number"),
            (json!({"name": "x", "scopes": ["a", 1]}), "params.scopes[1] must be text, not 1"),
            (json!({"name": "x", "lang": "fr"}), "params.lang must be one of en, zh"),
            (json!({"name": "x", "deep": "yes"}), "params.deep must be true or false, not this text"),
            (json!({"name": "x", "extra": []}), "params.extra must be an object, not a list"),
            (json!({"page": "x"}), "params.name is missing; params.page"),
        ] {
            let message = check(params.clone()).unwrap_err();
            assert!(message.contains(part), "{params}: {message}");
        }
    }
}
