//! Shared values in records: written as what they hold, read into their own allocation.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `#[serde(serialize_with)]` of an [`Arc`].
///
/// # Errors
/// Those of the serializer.
pub fn serialize<T: Serialize + ?Sized, S: Serializer>(
    value: &Arc<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    value.as_ref().serialize(serializer)
}

/// `#[serde(deserialize_with)]` of an [`Arc`].
///
/// # Errors
/// Those of the deserializer.
pub fn deserialize<'de, T: ?Sized, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<T>, D::Error>
where
    Box<T>: Deserialize<'de>,
{
    Box::deserialize(deserializer).map(Arc::from)
}

/// The same for one that may be missing; the field wants `#[serde(default)]` too.
pub mod option {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// `#[serde(serialize_with)]` of an [`Option`] of an [`Arc`].
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<T: Serialize + ?Sized, S: Serializer>(
        value: &Option<Arc<T>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_deref().serialize(serializer)
    }

    /// `#[serde(deserialize_with)]` of an [`Option`] of an [`Arc`].
    ///
    /// # Errors
    /// Those of the deserializer.
    pub fn deserialize<'de, T: ?Sized, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Arc<T>>, D::Error>
    where
        Box<T>: Deserialize<'de>,
    {
        Ok(Option::<Box<T>>::deserialize(deserializer)?.map(Arc::from))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Texts {
        #[serde(with = "super")]
        one: Arc<str>,
        #[serde(with = "super::option", default, skip_serializing_if = "Option::is_none")]
        other: Option<Arc<str>>,
    }

    #[test]
    fn shared_texts_are_texts() {
        for (other, json) in
            [(None, json!({"one": "1"})), (Some("2".into()), json!({"one": "1", "other": "2"}))]
        {
            let texts = Texts { one: "1".into(), other };
            assert_eq!(serde_json::to_value(&texts).unwrap(), json);
            assert_eq!(serde_json::from_value::<Texts>(json).unwrap(), texts);
        }
    }
}
