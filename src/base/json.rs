//! JSON text (RFC 8259): one writer for every answer, request and file, and one reader.
//!
//! serde_json goes over a string byte by byte, which is most of the cost of an answer that carries a token, and its code is
//! there once for each pair of a type and a destination. Here what needs no escaping is copied at once, and there is one
//! destination: a [`Buffer`], wiped when it goes.
//!
//! Invariant: the bytes are those that serde_json writes, but that keys of objects are texts and nothing else.

use std::fmt;
use std::io::Write as _;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use serde_json::{Number, Value};
use zeroize::Zeroizing;

use super::buffer::Buffer;
use super::error::{Code, Error};
use super::words::Specials;

/// The name under which [`Members`] are a newtype: the writer takes the text in it as it is.
const WRITTEN: &str = "written JSON";
/// Decimal digits of the largest `u64`.
const MAX_DIGITS: usize = 20;
/// A tenth, in units of 2⁻⁶⁷, rounded up: exact for every `u64`.
const TENTH: u128 = 0xcccc_cccc_cccc_cccd;
/// What must be escaped in a string (section 7).
const SPECIAL: Specials = Specials::new(2, 0x21, b'\\'); // `"` is 0x20 with that bit flipped

/// A value that has no JSON form: one of its keys is not a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unwritable;

/// Appends a value's JSON. After an error part of it is there.
///
/// # Errors
/// [`Unwritable`], or what the value itself fails with.
pub fn write(out: &mut Buffer, value: &(impl Serialize + ?Sized)) -> Result<(), Unwritable> {
    value.serialize(&mut Writer { out, in_key: false, is_written: false })
}

/// A value's JSON.
///
/// # Errors
/// As for [`write()`].
pub fn text(value: &(impl Serialize + ?Sized)) -> Result<Buffer, Unwritable> {
    let mut out = Buffer::new();
    write(&mut out, value).map(|()| out)
}

/// A value as a tree. Goes through the text, so that no type has a second form of its own.
///
/// # Errors
/// As for [`write()`], and for what is nested too deeply to be read.
pub fn tree(value: &(impl Serialize + ?Sized)) -> Result<Value, Unwritable> {
    serde_json::from_slice(text(value)?.filled()).map_err(|_| Unwritable)
}

/// Reads a value from text; the same code as for bytes, which serde_json would have a second time for texts.
///
/// # Errors
/// What is wrong with the text.
pub fn read<T: DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    serde_json::from_slice(text.as_bytes())
}

/// Members of an object that are written once and used in many: `"a":1,"b":2`. Wiped when they go.
#[derive(Debug, Default)]
pub struct Members(Zeroizing<String>);

impl Members {
    /// The name to give as that of the member when a struct's `Serialize` puts them among its own; only the writer here
    /// knows it, other serializers would write a member of this name.
    pub const NAME: &str = "";

    /// The members of what is an object.
    ///
    /// # Errors
    /// [`Unwritable`], also for what is not an object or has no member.
    pub fn of(object: &(impl Serialize + ?Sized)) -> Result<Self, Unwritable> {
        let text = text(object)?;
        match std::str::from_utf8(text.filled()).ok().and_then(|t| t.strip_prefix('{')?.strip_suffix('}')) {
            Some(members) if !members.is_empty() => Ok(Self(members.to_owned().into())),
            _ => Err(Unwritable),
        }
    }
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(WRITTEN, self.0.as_str())
    }
}

/// A number in decimal digits.
#[derive(Clone, Copy, Debug)]
pub struct Digits {
    digits: [u8; MAX_DIGITS],
    from: usize,
}

impl Digits {
    /// Of a number.
    #[must_use]
    pub fn of(mut number: u64) -> Self {
        let (mut digits, mut from) = ([b'0'; MAX_DIGITS], MAX_DIGITS);
        for digit in digits.iter_mut().rev() {
            // Optimised for size, a division would be one, which takes ten times as long as this.
            let tenth = u64::try_from((u128::from(number) * TENTH) >> 67).unwrap_or_default();
            *digit = b'0' + u8::try_from(number - tenth * 10).unwrap_or_default();
            from -= 1;
            number = tenth;
            if number == 0 {
                break;
            }
        }
        Self { digits, from }
    }

    /// The digits.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.digits.get(self.from..).unwrap_or_default()
    }
}

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value has no JSON form")
    }
}

impl std::error::Error for Unwritable {}

impl serde::ser::Error for Unwritable {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl From<Unwritable> for Error {
    fn from(unwritable: Unwritable) -> Self {
        Self::new(Code::Internal, unwritable.to_string())
    }
}

struct Writer<'a> {
    out: &'a mut Buffer,
    /// Whether what comes next is a key, which must be a text.
    in_key: bool,
    /// Whether the text that comes next is JSON already.
    is_written: bool,
}

impl Writer<'_> {
    /// What may not be a key: all but texts.
    fn value(&mut self, bytes: &[u8]) -> Result<(), Unwritable> {
        if self.in_key {
            return Err(Unwritable);
        }
        self.out.push(bytes);
        Ok(())
    }

    fn string(&mut self, text: &str) {
        if std::mem::take(&mut self.is_written) {
            return self.out.push(text.as_bytes());
        }
        let mut begin: &[u8] = b"\"";
        let mut rest = text.as_bytes();
        while let Some((plain, [special, tail @ ..])) = rest.split_at_checked(SPECIAL.prefix(rest)) {
            self.out.push_all(&[begin, plain]);
            self.escape(*special);
            (begin, rest) = (b"", tail);
        }
        self.out.push_all(&[begin, rest, b"\""]);
    }

    /// Section 7: the short form where there is one.
    fn escape(&mut self, byte: u8) {
        let short = match byte {
            b'"' | b'\\' => byte,
            8 => b'b',
            9 => b't',
            10 => b'n',
            12 => b'f',
            13 => b'r',
            _ => {
                let _ = write!(self.out, "\\u{byte:04x}"); // a Buffer takes everything
                return;
            }
        };
        self.out.push(&[b'\\', short]);
    }

    /// A member's name in an enum's object: `{"name":`.
    fn variant(&mut self, name: &str) -> Result<(), Unwritable> {
        self.value(b"{")?;
        self.string(name);
        self.out.push_byte(b':');
        Ok(())
    }
}

/// The elements of an array or the members of an object, and what ends it.
struct Items<'a, 'b> {
    writer: &'a mut Writer<'b>,
    end: &'static [u8],
    is_first: bool,
}

impl<'a, 'b> Items<'a, 'b> {
    fn begin(writer: &'a mut Writer<'b>, begin: &[u8], end: &'static [u8]) -> Result<Self, Unwritable> {
        writer.value(begin)?;
        Ok(Self { writer, end, is_first: true })
    }

    fn next(&mut self) {
        if !std::mem::take(&mut self.is_first) {
            self.writer.out.push_byte(b',');
        }
    }

    fn element(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Unwritable> {
        self.next();
        value.serialize(&mut *self.writer)
    }

    fn member(&mut self, name: &'static str, value: &(impl Serialize + ?Sized)) -> Result<(), Unwritable> {
        debug_assert_eq!(SPECIAL.prefix(name.as_bytes()), name.len(), "names in the code are plain");
        if name == Members::NAME {
            return self.element(value);
        }
        let begin: &[u8] = if std::mem::take(&mut self.is_first) { b"\"" } else { b",\"" };
        self.writer.out.push_all(&[begin, name.as_bytes(), b"\":"]);
        value.serialize(&mut *self.writer)
    }

    fn finish(self) -> Result<(), Unwritable> {
        self.writer.out.push(self.end);
        Ok(())
    }
}

macro_rules! items {
    ($($trait:ident $method:ident $by:ident($($name:ident)?);)*) => {$(
        impl $trait for Items<'_, '_> {
            type Ok = ();
            type Error = Unwritable;

            fn $method<T: Serialize + ?Sized>(&mut self, $($name: &'static str,)? value: &T) -> Result<(), Unwritable> {
                self.$by($($name,)? value)
            }

            fn end(self) -> Result<(), Unwritable> {
                self.finish()
            }
        }
    )*};
}

items! {
    SerializeSeq serialize_element element();
    SerializeTuple serialize_element element();
    SerializeTupleStruct serialize_field element();
    SerializeTupleVariant serialize_field element();
    SerializeStruct serialize_field member(name);
    SerializeStructVariant serialize_field member(name);
}

impl SerializeMap for Items<'_, '_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritable> {
        self.next();
        self.writer.in_key = true;
        let written = key.serialize(&mut *self.writer);
        self.writer.in_key = false;
        written
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.writer.out.push_byte(b':');
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), Unwritable> {
        self.finish()
    }
}

macro_rules! numbers {
    ($($method:ident $type:ty, $wide:ident;)*) => {$(
        fn $method(self, value: $type) -> Result<(), Unwritable> {
            self.$wide(value.into())
        }
    )*};
}

impl<'a, 'b> Serializer for &'a mut Writer<'b> {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = Items<'a, 'b>;
    type SerializeTuple = Items<'a, 'b>;
    type SerializeTupleStruct = Items<'a, 'b>;
    type SerializeTupleVariant = Items<'a, 'b>;
    type SerializeMap = Items<'a, 'b>;
    type SerializeStruct = Items<'a, 'b>;
    type SerializeStructVariant = Items<'a, 'b>;

    numbers! {
        serialize_i8 i8, serialize_i64;
        serialize_i16 i16, serialize_i64;
        serialize_i32 i32, serialize_i64;
        serialize_u8 u8, serialize_u64;
        serialize_u16 u16, serialize_u64;
        serialize_u32 u32, serialize_u64;
    }

    fn serialize_bool(self, value: bool) -> Result<(), Unwritable> {
        self.value(if value { b"true" } else { b"false" })
    }

    fn serialize_i64(self, value: i64) -> Result<(), Unwritable> {
        self.value(if value < 0 { b"-" } else { b"" })?;
        self.out.push(Digits::of(value.unsigned_abs()).as_bytes());
        Ok(())
    }

    fn serialize_u64(self, value: u64) -> Result<(), Unwritable> {
        self.value(b"")?;
        self.out.push(Digits::of(value).as_bytes());
        Ok(())
    }

    /// By way of its own shortest digits, of which the wider type would have more.
    fn serialize_f32(self, value: f32) -> Result<(), Unwritable> {
        self.serialize_f64(value.to_string().parse().unwrap_or(f64::NAN))
    }

    /// The shortest digits that read back as the same number; what is no number has none.
    fn serialize_f64(self, value: f64) -> Result<(), Unwritable> {
        let number = Number::from_f64(value).map(|number| number.to_string());
        self.value(number.as_deref().unwrap_or("null").as_bytes())
    }

    fn serialize_char(self, value: char) -> Result<(), Unwritable> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Unwritable> {
        self.string(value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Unwritable> {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Result<(), Unwritable> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unwritable> {
        self.value(b"null")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unwritable> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, name: &'static str) -> Result<(), Unwritable> {
        self.serialize_str(name)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        self.is_written = name == WRITTEN;
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        self.variant(name)?;
        value.serialize(&mut *self)?;
        self.value(b"}")
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'a, 'b>, Unwritable> {
        Items::begin(self, b"[", b"]")
    }

    fn serialize_tuple(self, _: usize) -> Result<Items<'a, 'b>, Unwritable> {
        Items::begin(self, b"[", b"]")
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items<'a, 'b>, Unwritable> {
        Items::begin(self, b"[", b"]")
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Items<'a, 'b>, Unwritable> {
        self.variant(name)?;
        Items::begin(self, b"[", b"]}")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Items<'a, 'b>, Unwritable> {
        Items::begin(self, b"{", b"}")
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Items<'a, 'b>, Unwritable> {
        Items::begin(self, b"{", b"}")
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Items<'a, 'b>, Unwritable> {
        self.variant(name)?;
        Items::begin(self, b"{", b"}}")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    #[derive(Serialize)]
    struct Unit;

    #[derive(Serialize)]
    struct Wrapped(i8);

    #[derive(Serialize)]
    struct Pair(u8, f32);

    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    enum Kind {
        Plain,
        One(Option<char>),
        Two(i16, bool),
        Named { first_name: &'static str, unit: Unit },
    }

    #[derive(Serialize)]
    struct Everything {
        numbers: (u64, i64, f64, f64, f64, u32),
        texts: Vec<String>,
        kinds: [Kind; 4],
        map: BTreeMap<String, Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        absent: Option<()>,
        wrapped: Wrapped,
        pair: Pair,
        none: Option<u8>,
        empty: (Vec<u8>, BTreeMap<char, u8>),
        #[serde(flatten)]
        flat: BTreeMap<&'static str, Wrapped>,
    }

    fn written(value: &(impl Serialize + ?Sized)) -> String {
        String::from_utf8(text(value).unwrap().filled().to_vec()).unwrap()
    }

    #[test]
    fn every_kind_of_value_is_written_as_serde_json_writes_it() {
        let value = Everything {
            numbers: (u64::MAX, i64::MIN, 0.1, f64::NAN, 1e300, 0),
            texts: vec![String::new(), "a\"b".into()],
            kinds: [
                Kind::Plain,
                Kind::One(Some('\u{1f}')),
                Kind::Two(-7, true),
                Kind::Named { first_name: "x", unit: Unit },
            ],
            map: [("k\n".to_owned(), json!([null, { "a": [], "b": {} }, -1, 2.50, "é"]))].into(),
            absent: None,
            wrapped: Wrapped(-128),
            pair: Pair(255, 0.1),
            none: None,
            empty: (Vec::new(), BTreeMap::new()),
            flat: [("one", Wrapped(1)), ("two", Wrapped(2))].into(),
        };
        assert_eq!(written(&value), serde_json::to_string(&value).unwrap());
        assert_eq!(tree(&value).unwrap(), serde_json::from_str::<Value>(&written(&value)).unwrap());
    }

    #[test]
    fn every_character_is_escaped_alike_at_every_place() {
        let specials = (0..0x300).chain([0x2028, 0xfffd, 0x1f600]).filter_map(char::from_u32);
        for special in specials {
            for before in 0..10 {
                let text = format!("{}{special}{}", "a".repeat(before), "\u{7f}".repeat(9 - before));
                assert_eq!(written(&text), serde_json::to_string(&text).unwrap(), "{special:?} {before}");
            }
        }
        let all: String = (0..0x1000).filter_map(char::from_u32).collect();
        assert_eq!(written(&all), serde_json::to_string(&all).unwrap());
    }

    #[test]
    fn numbers_have_all_their_digits() {
        for number in [0, 1, 9, 10, 99, 100, 12_345, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            assert_eq!(written(&number), number.to_string());
        }
        for number in [0_i64, -1, i64::MAX, i64::MIN] {
            assert_eq!(written(&number), number.to_string());
        }
    }

    #[test]
    fn members_that_were_written_once_stand_among_others_as_if_they_were_written_there() {
        struct Around(Members, bool, bool);
        impl Serialize for Around {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut object = serializer.serialize_struct("Around", 3)?;
                if self.1 {
                    object.serialize_field("before", "\"")?;
                }
                object.serialize_field(Members::NAME, &self.0)?;
                if self.2 {
                    object.serialize_field("after", "\\")?;
                }
                object.end()
            }
        }
        let inner = json!({ "a": "\"\\\u{1}", "b": { "c": [1, "}"] } });
        for (before, after) in [(false, false), (true, false), (false, true), (true, true)] {
            let around = Around(Members::of(&inner).unwrap(), before, after);
            let mut expected = inner.clone();
            if before {
                expected["before"] = "\"".into();
            }
            if after {
                expected["after"] = "\\".into();
            }
            assert_eq!(tree(&around), Ok(expected));
        }
        for other in [json!({}), json!([1]), json!("{}"), json!(null)] {
            assert_eq!(Members::of(&other).unwrap_err(), Unwritable, "{other}");
        }
    }

    #[test]
    fn a_key_that_is_no_text_has_no_json_form() {
        assert_eq!(text(&BTreeMap::from([((1, 2), 3)])).unwrap_err(), Unwritable);
        assert_eq!(text(&BTreeMap::from([(Some(1), 3)])).unwrap_err(), Unwritable);
        assert_eq!(text(&BTreeMap::from([(true, 3)])).unwrap_err(), Unwritable);
        assert_eq!(written(&BTreeMap::from([(Some("a"), 3)])), r#"{"a":3}"#);
    }

    #[test]
    fn a_value_that_fails_by_itself_is_an_error() {
        struct Failing;
        impl Serialize for Failing {
            fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(serde::ser::Error::custom("no"))
            }
        }
        assert_eq!(text(&[Failing]).unwrap_err(), Unwritable);
    }
}
