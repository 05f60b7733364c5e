//! The fields of a query or form. RFC 6749 section 3.1: none may occur twice; only those asked for are looked at.

use std::borrow::Cow;

use super::callback::CallbackFailure;

/// Names and values, decoded.
pub(super) struct Fields<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Fields<'a> {
    /// Reads at most `max_bytes` of `application/x-www-form-urlencoded` text.
    pub(super) fn parse(text: &'a [u8], max_bytes: usize) -> Result<Self, CallbackFailure> {
        if text.len() > max_bytes {
            return Err(CallbackFailure::Malformed);
        }
        Ok(Self(form_urlencoded::parse(text).collect()))
    }

    /// The field of that name.
    pub(super) fn get(&self, name: &str) -> Result<Option<Cow<'a, str>>, CallbackFailure> {
        let mut found = self.0.iter().filter(|(each, _)| each == name).map(|(_, value)| value);
        let first = found.next();
        if found.next().is_some() {
            return Err(CallbackFailure::Malformed);
        }
        Ok(first.cloned())
    }

    /// The field of that name, unless it is empty.
    pub(super) fn get_filled(&self, name: &str) -> Result<Option<Cow<'a, str>>, CallbackFailure> {
        self.get(name).map(|value| value.filter(|value| !value.is_empty()))
    }
}
