//! Readings of answer fields that are looser than the documents, because the services are.
//!
//! Pure. An empty text is an absent one, a date that is none does not spoil the rest, and a list may be `null`.

use serde::{Deserialize, Deserializer};

use super::paging::Page;
use crate::base::secret::Secret;
use crate::base::time::Timestamp;

/// A text; `""` and `null` are none.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty()))
}

/// A secret text; `""` and `null` are none.
pub(super) fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<Secret>::deserialize(deserializer)?.filter(|secret| !secret.expose().is_empty()))
}

/// A date for people to look at, with any offset; one that cannot be read is none.
pub(super) fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(text(deserializer)?.and_then(|text| Timestamp::parse_rfc3339(&text)))
}

/// An array, one object in place of an array of one, or nothing.
pub(super) fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form<T> {
        Many(Vec<T>),
        One(T),
    }
    Ok(match Option::deserialize(deserializer)? {
        Some(Form::Many(items)) => items,
        Some(Form::One(item)) => vec![item],
        None => Vec::new(),
    })
}

/// The page of a list that comes under its own key, or under `Data` as in some of the documents' examples.
pub(super) fn page<T>(own: Option<Vec<T>>, data: Option<Vec<T>>, total: Option<u64>) -> Page<T> {
    Page { items: own.or(data).unwrap_or_default(), total }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Answer {
        #[serde(deserialize_with = "text")]
        text: Option<String>,
        #[serde(deserialize_with = "secret")]
        secret: Option<Secret>,
        #[serde(deserialize_with = "date")]
        date: Option<Timestamp>,
        #[serde(deserialize_with = "list")]
        list: Vec<u32>,
    }

    #[test]
    fn empty_null_and_absent_are_the_same() {
        for answer in [
            json!({}),
            json!({ "text": "", "secret": "", "date": "", "list": [] }),
            json!({ "text": null, "secret": null, "date": null, "list": null }),
            json!({ "date": "yesterday" }),
        ] {
            let read: Answer = serde_json::from_value(answer).unwrap();
            assert!(
                read.text.is_none() && read.secret.is_none() && read.date.is_none() && read.list.is_empty()
            );
        }
    }

    #[test]
    fn dates_have_offsets_and_a_list_of_one_may_come_bare() {
        let answer = json!({ "text": "t", "secret": "s", "date": "2026-01-15T16:00:00+08:00", "list": 7 });
        let read: Answer = serde_json::from_value(answer).unwrap();
        assert_eq!(read.date.unwrap().to_string(), "2026-01-15T08:00:00Z");
        assert_eq!((read.text.as_deref(), read.list.as_slice()), (Some("t"), [7].as_slice()));
        assert_eq!(read.secret.unwrap().expose(), "s");
    }

    #[test]
    fn the_lists_own_key_wins_over_data() {
        assert_eq!(page(Some(vec![1]), Some(vec![2]), Some(1)).items, [1]);
        assert_eq!(page(None, Some(vec![2]), None).items, [2]);
        assert!(page::<u32>(None, None, Some(5)).items.is_empty());
    }
}
