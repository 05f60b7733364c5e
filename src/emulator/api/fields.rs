//! The parameters of a request, each taken once by its exact name.
//!
//! What is left over when an action has taken its own is an error, so a misspelt name cannot pass unnoticed.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::message::Request;
use super::Refusal;

/// The parameters of a request that are not taken yet.
#[derive(Debug)]
pub(in super::super) struct Fields {
    left: BTreeMap<String, Value>,
    /// What refusals put before a name: `Filter.` for the members of `Filter`.
    path: String,
    /// Forms know texts only; numbers arrive as digits.
    texts_only: bool,
}

impl Fields {
    /// The members of a JSON object, sent by POST.
    ///
    /// # Errors
    /// When it is anything else, or a member is `null`: absent parameters are left out.
    pub(in super::super) fn of_json(request: &Request) -> Result<Self, Refusal> {
        let invalid = |message: &str| Refusal::new(400, "InvalidRequest", message);
        if request.method != "POST" || request.path != "/" {
            return Err(invalid("the request is not a POST to /"));
        }
        if request.media_type() != "application/json" {
            return Err(invalid("the body is not application/json"));
        }
        let left: BTreeMap<String, Value> =
            serde_json::from_slice(&request.body).map_err(|_| invalid("the body is not a JSON object"))?;
        if let Some((name, _)) = left.iter().find(|(_, value)| value.is_null()) {
            return Err(Refusal::invalid(name, "the parameter is null"));
        }
        let mut query = form_urlencoded::parse(request.query.as_bytes());
        if query.any(|(name, _)| !matches!(name.as_ref(), "Action" | "Version")) {
            return Err(invalid("the query has more than Action and Version"));
        }
        Ok(Self { left, path: String::new(), texts_only: false })
    }

    /// The parameters of a query, a form or a JSON object, whichever the request has.
    ///
    /// # Errors
    /// When the body is none of these, or a parameter comes twice.
    pub(in super::super) fn of_any_form(request: &Request) -> Result<Self, Refusal> {
        if request.method == "POST" && request.media_type() == "application/json" {
            return Self::of_json(request);
        }
        let encoded = match request.method.as_str() {
            "GET" => request.query.as_bytes(),
            "POST" if request.media_type() == "application/x-www-form-urlencoded" => request.body.as_slice(),
            _ => {
                return Err(Refusal::new(
                    400,
                    "InvalidRequest",
                    "the request has no parameters in a known form",
                ));
            }
        };
        let mut left = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(encoded) {
            if request.method == "GET" && matches!(name.as_ref(), "Action" | "Version") {
                continue;
            }
            if left.insert(name.to_string(), Value::from(value.into_owned())).is_some() {
                return Err(Refusal::invalid(&name, "the parameter comes twice"));
            }
        }
        Ok(Self { left, path: String::new(), texts_only: true })
    }

    /// The members of an object inside a request; `path` names it.
    fn of_object(path: String, value: Value) -> Result<Self, Refusal> {
        let Value::Object(members) = value else {
            return Err(Refusal::invalid(&path, "the parameter is not an object"));
        };
        if let Some((name, _)) = members.iter().find(|(_, value)| value.is_null()) {
            return Err(Refusal::invalid(&format!("{path}.{name}"), "the parameter is null"));
        }
        Ok(Self { left: members.into_iter().collect(), path: format!("{path}."), texts_only: false })
    }

    /// A text that must be there and not be empty.
    pub(in super::super) fn required_text(&mut self, name: &str) -> Result<String, Refusal> {
        self.text(name)?.filter(|text| !text.is_empty()).ok_or_else(|| self.missing(name))
    }

    /// A text that may be absent.
    pub(in super::super) fn text(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        match self.left.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.invalid(name, "the parameter is not a string")),
        }
    }

    /// A whole number that must be there.
    pub(in super::super) fn required_integer(&mut self, name: &str) -> Result<i64, Refusal> {
        self.integer(name)?.ok_or_else(|| self.missing(name))
    }

    /// A whole number that may be absent.
    pub(in super::super) fn integer(&mut self, name: &str) -> Result<Option<i64>, Refusal> {
        let number = match self.left.remove(name) {
            None => return Ok(None),
            Some(Value::String(text)) if self.texts_only => text.parse().ok(),
            Some(value) => value.as_i64(),
        };
        number.map(Some).ok_or_else(|| self.invalid(name, "the parameter is not an integer"))
    }

    /// `true` or `false`, that may be absent.
    pub(in super::super) fn boolean(&mut self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.left.remove(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(value)),
            Some(_) => Err(self.invalid(name, "the parameter is not a boolean")),
        }
    }

    /// A list of texts that may be absent.
    pub(in super::super) fn texts(&mut self, name: &str) -> Result<Option<Vec<String>>, Refusal> {
        let refusal = || self.invalid(name, "the parameter is not a list of strings");
        let Some(value) = self.left.get(name) else { return Ok(None) };
        let items = value.as_array().ok_or_else(refusal)?;
        let texts = items
            .iter()
            .map(|item| item.as_str().map(str::to_owned).ok_or_else(refusal))
            .collect::<Result<_, _>>()?;
        self.left.remove(name);
        Ok(Some(texts))
    }

    /// The members of an object that may be absent; they have to be taken and finished like the request's own.
    pub(in super::super) fn object(&mut self, name: &str) -> Result<Option<Self>, Refusal> {
        let Some(value) = self.left.remove(name) else { return Ok(None) };
        Self::of_object(format!("{}{name}", self.path), value).map(Some)
    }

    /// The members of an object, absent or not: the absent one has none.
    pub(in super::super) fn object_or_empty(&mut self, name: &str) -> Result<Self, Refusal> {
        match self.object(name)? {
            Some(fields) => Ok(fields),
            None => Self::of_object(format!("{}{name}", self.path), Value::Object(serde_json::Map::new())),
        }
    }

    /// The objects of a list that may be absent, each to be taken and finished like the request itself.
    pub(in super::super) fn list(&mut self, name: &str) -> Result<Vec<Self>, Refusal> {
        match self.left.remove(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => {
                let path = |index| format!("{}{name}.{}", self.path, index + 1);
                items.into_iter().enumerate().map(|(i, item)| Self::of_object(path(i), item)).collect()
            }
            Some(_) => Err(self.invalid(name, "the parameter is not a list")),
        }
    }

    /// A parameter of any shape that may be absent.
    pub(in super::super) fn value(&mut self, name: &str) -> Option<Value> {
        self.left.remove(name)
    }

    /// A list of objects with exactly these members, that may be absent.
    pub(in super::super) fn objects(
        &mut self,
        name: &str,
        members: &[&str],
    ) -> Result<Option<Value>, Refusal> {
        let Some(value) = self.left.remove(name) else { return Ok(None) };
        let fits = |item: &Value| {
            item.as_object().is_some_and(|object| object.keys().all(|key| members.contains(&key.as_str())))
        };
        if value.as_array().is_some_and(|items| items.iter().all(fits)) {
            return Ok(Some(value));
        }
        Err(self.invalid(name, "the parameter is not a list of such objects"))
    }

    /// Takes every parameter that starts so: the flattened lists of forms.
    pub(in super::super) fn skip_prefixed(&mut self, prefix: &str) {
        self.left.retain(|name, _| !name.starts_with(prefix));
    }

    /// Refuses what nobody took.
    pub(in super::super) fn finish(&self) -> Result<(), Refusal> {
        match self.left.keys().next() {
            None => Ok(()),
            Some(name) => Err(self.invalid(name, "the action has no such parameter")),
        }
    }

    /// The refusal of a parameter that is there, but not as it must be.
    pub(in super::super) fn invalid(&self, name: &str, message: &str) -> Refusal {
        Refusal::invalid(&format!("{}{name}", self.path), message)
    }

    /// The refusal of a request without a parameter.
    pub(in super::super) fn missing(&self, name: &str) -> Refusal {
        let name = format!("{}{name}", self.path);
        Refusal::new(400, format!("MissingParameter.{name}"), format!("the parameter {name} is required"))
    }
}
