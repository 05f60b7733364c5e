//! JSON that is read as a whole before anything is taken out of it.
//!
//! serde_json makes a reader for each type, with its parser in it: 200 bytes and more of code for a field. Here one parser
//! reads all texts, and types take their fields out of the tree by name, in their own order: less than half of that.
//! An object with a field that comes twice is refused: which of the two counts, readers of JSON do not agree on (RFC 8259
//! section 4). For types that pass over what they do not know, since nothing here looks at what is not asked for.
//!
//! Invariant: texts of a tree are wiped when it goes, as there may be secrets among them.

use std::fmt;

use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, SeqAccess,
    Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};
use zeroize::Zeroize;

/// A text that was read.
#[derive(Debug, Deserialize)]
pub struct Tree(Value);

impl Tree {
    /// Reads a text; nothing when it is not JSON, or says something twice.
    #[must_use]
    pub fn parse(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok().map(|Whole(value)| Self(value))
    }

    /// What a text says.
    ///
    /// # Errors
    /// [`Misfit`] when it is not JSON, or not of the type's form.
    pub fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, Misfit> {
        Self::parse(json).ok_or(Misfit::Other)?.take()
    }

    /// As [`take`], of the whole.
    ///
    /// # Errors
    /// As [`take`].
    pub fn take<'t, T: Deserialize<'t>>(&'t self) -> Result<T, Misfit> {
        take(&self.0)
    }

    /// The whole.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.0
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// A value whose objects have no field twice.
struct Whole(Value);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Whole(item)) = items.next_element()? {
            all.push(item);
        }
        Ok(all.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            let Whole(value) = fields.next_value()?;
            if all.insert(name, value).is_some() {
                return Err(A::Error::custom("a field comes twice"));
            }
        }
        Ok(all.into())
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What a part of a tree says.
///
/// # Errors
/// [`Misfit`] when it is not of the type's form.
pub fn take<'de, T: Deserialize<'de>>(part: &'de Value) -> Result<T, Misfit> {
    T::deserialize(Part(Some(part)))
}

/// Why a part of a tree is not what it is taken for. Says nothing of what is there instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// A field is not there.
    Missing(&'static str),
    /// A field is of another type.
    Wrong(&'static str),
    /// Nothing is there at all.
    Absent,
    /// The whole is of another type, or no JSON.
    Other,
}

impl Misfit {
    /// The same for whoever reads from something else.
    #[must_use]
    pub fn restated<E: serde::de::Error>(self) -> E {
        match self {
            Self::Missing(field) => E::missing_field(field),
            Self::Wrong(_) | Self::Absent | Self::Other => E::custom(self),
        }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(field) => write!(f, "it has no {field}"),
            Self::Wrong(field) => write!(f, "its {field} is of another form"),
            Self::Absent | Self::Other => f.write_str("it is of another form"),
        }
    }
}

impl std::error::Error for Misfit {}

impl serde::de::Error for Misfit {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Other
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }
}

/// A part of a tree, or one that is not there, which only an [`Option`] can be read from.
#[derive(Clone, Copy)]
struct Part<'de>(Option<&'de Value>);

impl<'de> Deserializer<'de> for Part<'de> {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0.ok_or(Misfit::Absent)? {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), ..) => visitor.visit_u64(number),
                (_, Some(number), _) => visitor.visit_i64(number),
                (.., number) => visitor.visit_f64(number.unwrap_or_default()),
            },
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(items) => visitor.visit_seq(Items(items.iter())),
            Value::Object(fields) => visitor.visit_map(Members(fields.iter(), None)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            None | Some(Value::Null) => visitor.visit_none(),
            Some(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        let Value::Object(fields) = self.0.ok_or(Misfit::Absent)? else { return Err(Misfit::Other) };
        let mut fields = Fields { fields, names: names.iter(), missing: None };
        let read = visitor.visit_seq(&mut fields);
        read.map_err(|error| fields.missing.map_or(error, Misfit::Missing))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        let name = self.0.ok_or(Misfit::Absent)?.as_str().ok_or(Misfit::Other)?;
        visitor.visit_enum(IntoDeserializer::<Misfit>::into_deserializer(name))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

/// The fields that a type asks for, in its order. serde takes the end of a sequence for a default, or for an error where
/// there is none; so the end is where a field is missing that has to be there.
struct Fields<'de> {
    fields: &'de Map<String, Value>,
    names: std::slice::Iter<'static, &'static str>,
    /// The field that was asked for last, when it is not there.
    missing: Option<&'static str>,
}

impl<'de> SeqAccess<'de> for &mut Fields<'de> {
    type Error = Misfit;

    #[inline(never)] // one for each type of a field, instead of one for each field
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misfit> {
        self.missing = None;
        let Some(name) = self.names.next() else { return Ok(None) };
        match seed.deserialize(Part(self.fields.get(*name))) {
            Err(Misfit::Absent) => {
                self.missing = Some(name);
                Ok(None)
            }
            Err(Misfit::Other) => Err(Misfit::Wrong(name)),
            read => read.map(Some),
        }
    }
}

struct Items<'de>(std::slice::Iter<'de, Value>);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misfit> {
        self.0.next().map(|item| seed.deserialize(Part(Some(item)))).transpose()
    }
}

/// All members of an object, and the value of the one whose name was read.
struct Members<'de>(serde_json::map::Iter<'de>, Option<&'de Value>);

impl<'de> MapAccess<'de> for Members<'de> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Misfit> {
        let Some((name, value)) = self.0.next() else { return Ok(None) };
        self.1 = Some(value);
        seed.deserialize(StrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misfit> {
        seed.deserialize(Part(Some(self.1.take().ok_or_else(|| Misfit::custom("no value"))?)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "camelCase")]
    struct Outer {
        first_name: String,
        #[serde(default)]
        count: u8,
        inner: Option<Inner>,
        #[serde(default, deserialize_with = "doubled")]
        doubled: Option<i64>,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default)]
    struct Inner {
        kind: Option<Kind>,
        list: Vec<f64>,
        map: std::collections::BTreeMap<String, bool>,
        rest: Value,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        One,
    }

    fn doubled<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
        Ok(Option::<i64>::deserialize(from)?.map(|number| number * 2))
    }

    /// Whatever this reads, serde_json reads alike.
    fn read(json: &Value) -> Result<Outer, Misfit> {
        let read = take::<Outer>(json);
        assert_eq!(read.as_ref().ok(), Outer::deserialize(json).ok().as_ref(), "{json}");
        read
    }

    #[test]
    fn fields_are_taken_by_name_whatever_stands_beside_them() {
        let read = read(&json!({
            "doubled": -7, "other": [1], "firstName": "a", "count": 3,
            "inner": { "kind": "one", "list": [1, -2, 0.5], "map": { "x": true }, "rest": { "y": [null, "z"] } },
        }));
        let read = read.unwrap();
        assert_eq!((read.first_name.as_str(), read.count, read.doubled), ("a", 3, Some(-14)));
        let inner = read.inner.unwrap();
        assert_eq!((inner.kind, inner.list), (Some(Kind::One), vec![1.0, -2.0, 0.5]));
        assert_eq!((inner.map["x"], inner.rest), (true, json!({ "y": [null, "z"] })));
    }

    #[test]
    fn what_is_absent_is_none_or_the_default_or_named() {
        assert_eq!(read(&json!({ "firstName": "a" })).unwrap().inner, None);
        assert_eq!(read(&json!({ "firstName": "a", "inner": {} })).unwrap().inner, Some(Inner::default()));
        assert_eq!(read(&json!({ "firstName": "a", "inner": null, "doubled": null })).unwrap().doubled, None);
        assert_eq!(read(&json!({ "count": 1 })), Err(Misfit::Missing("firstName")));
    }

    #[test]
    fn what_is_of_another_type_is_refused_and_named() {
        let other = |field| Misfit::Wrong(field);
        for (json, misfit) in [
            (json!({ "firstName": 1 }), other("firstName")),
            (json!({ "firstName": null }), other("firstName")),
            (json!({ "firstName": "a", "count": 256 }), other("count")),
            (json!({ "firstName": "a", "count": null }), other("count")),
            (json!({ "firstName": "a", "inner": "b" }), other("inner")),
            (json!({ "firstName": "a", "inner": { "kind": "two" } }), other("kind")),
            (json!({ "firstName": "a", "inner": { "list": [{}] } }), other("list")),
            (json!("a"), Misfit::Other),
            (json!(null), Misfit::Other),
        ] {
            assert_eq!(read(&json), Err(misfit), "{json}");
        }
    }

    #[test]
    fn a_text_is_read_as_serde_json_reads_it_unless_it_says_something_twice() {
        for json in [
            "1",
            "-1",
            "18446744073709551615",
            "1.5",
            "1e400",
            "\"\\u00e9\"",
            "[[], {}, null]",
            "[true, 1",
            "",
            "{} 1",
        ] {
            let expected = serde_json::from_str::<Value>(json).ok();
            assert_eq!(Tree::parse(json.as_bytes()).map(|tree| tree.value().clone()), expected, "{json}");
        }
        for json in [r#"{"a":1,"a":1}"#, r#"[{"b":{"a":1,"c":2,"a":3}}]"#, r#"{"a":1,"\u0061":2}"#] {
            assert!(Tree::parse(json.as_bytes()).is_none(), "{json}");
        }
    }

    #[test]
    fn texts_are_wiped() {
        let mut value = json!({ "a": ["secret", { "b": "secret" }], "c": 1 });
        wipe(&mut value);
        assert_eq!(value, json!({ "a": ["", { "b": "" }], "c": 1 }));
        assert!(Tree::parse(b"{").is_none());
    }
}
