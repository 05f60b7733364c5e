//! What one variable holds on one way: a text, or the items of an array with their keys.

use super::arithmetic;
use crate::risk::value::{Origin, has_hole, origin};

/// The highest index that is kept apart from the others; an array with a higher one is not known.
const MAX_INDEX: i64 = 4096;

/// The items of a variable. A plain variable has one, an unset one none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Items {
    texts: Vec<String>,
    /// The keys of an array that has names for keys, or gaps; else they count from 0.
    keys: Option<Vec<String>>,
    /// `declare -A`: whether keys are names, not numbers.
    is_named: bool,
}

impl From<Vec<String>> for Items {
    fn from(texts: Vec<String>) -> Self {
        Self { texts, ..Self::default() }
    }
}

impl Items {
    /// Items of which nothing is known.
    pub(super) fn unknown() -> Self {
        vec![Origin::UNKNOWN.text()].into()
    }

    /// An array with names for keys, without items.
    pub(super) fn named() -> Self {
        Self { keys: Some(Vec::new()), is_named: true, ..Self::default() }
    }

    /// Whether keys are names, not numbers.
    pub(super) const fn is_named(&self) -> bool {
        self.is_named
    }

    /// Their texts, in the order in which the shell gives them as far as it is known.
    pub(super) fn texts(&self) -> &[String] {
        &self.texts
    }

    /// Lets every text be another.
    pub(super) fn changed(mut self, change: impl Fn(String) -> String) -> Self {
        self.texts = self.texts.into_iter().map(change).collect();
        self
    }

    /// The keys, as `${!a[@]}` gives them.
    pub(super) fn keys(&self) -> Vec<String> {
        self.keys.clone().unwrap_or_else(|| (0..self.texts.len()).map(|at| at.to_string()).collect())
    }

    /// The item with this key: `None` when there is none, what is not known when that cannot be told.
    pub(super) fn at(&self, key: &str) -> Option<String> {
        if has_hole(key) || self.is_unknown() {
            // One of them; which, nobody can tell.
            return match self.texts.as_slice() {
                [] => None,
                [only] => Some(only.clone()),
                _ => Some(Origin::UNKNOWN.text()),
            };
        }
        let key = if self.is_named { None } else { self.number(key) }
            .map_or_else(|| key.to_owned(), |number| number.to_string());
        if let Some(keys) = &self.keys {
            return keys.iter().position(|known| *known == key).and_then(|at| self.texts.get(at).cloned());
        }
        let at = key.parse::<usize>().ok()?;
        // What is not known may be several items, or none.
        let before = self.texts.iter().take(at + 1).filter_map(|text| origin(text));
        match before.reduce(|all, more| all | more).filter(|_| self.texts.len() > 1) {
            Some(loose) => Some(loose.text()),
            None => self.texts.get(at).cloned(),
        }
    }

    /// Sets the item with this key.
    pub(super) fn put(&mut self, key: &str, text: String) {
        if has_hole(key) || self.is_unknown() {
            *self = Self::unknown();
            return;
        }
        if !self.is_named && self.number(key).is_none() {
            *self = Self::unknown();
            return;
        }
        if let Some(at) = self.keys.as_ref().and_then(|keys| keys.iter().position(|known| known == key)) {
            self.texts[at] = text;
            return;
        }
        let number = if self.is_named { None } else { self.number(key) };
        let at = number.and_then(|number| usize::try_from(number).ok());
        match (at, &mut self.keys) {
            (Some(at), None) if at < self.texts.len() => self.texts[at] = text,
            (Some(at), None) if at == self.texts.len() => self.texts.push(text),
            (Some(at), None) if i64::try_from(at).is_ok_and(|at| at > MAX_INDEX) => *self = Self::unknown(),
            (_, keys) => {
                let count = self.texts.len();
                let keys = keys.get_or_insert_with(|| (0..count).map(|at| at.to_string()).collect());
                // Indexes stay in their order, names in that of the text.
                let place = at.map(|at| {
                    keys.iter()
                        .position(|known| known.parse::<usize>().is_ok_and(|known| known > at))
                        .unwrap_or(keys.len())
                });
                let place = place.unwrap_or(keys.len());
                keys.insert(place, at.map_or_else(|| key.to_owned(), |at| at.to_string()));
                self.texts.insert(place, text);
            }
        }
    }

    /// Adds items behind the last.
    pub(super) fn extend(&mut self, more: Self) {
        match more.keys {
            Some(keys) => {
                for (key, text) in keys.iter().zip(more.texts) {
                    self.put(key, text);
                }
            }
            None if self.keys.is_none() => self.texts.extend(more.texts),
            None => {
                for text in more.texts {
                    let last = self.keys().iter().filter_map(|key| key.parse::<usize>().ok()).max();
                    self.put(&last.map_or(0, |last| last + 1).to_string(), text);
                }
            }
        }
    }

    /// Takes the item with this key away.
    pub(super) fn remove(&mut self, key: &str) {
        if has_hole(key) {
            *self = Self::unknown();
            return;
        }
        let key = if self.is_named { None } else { self.number(key) }
            .map_or_else(|| key.to_owned(), |number| number.to_string());
        let mut keys = self.keys();
        if let Some(at) = keys.iter().position(|known| *known == key) {
            keys.remove(at);
            self.texts.remove(at);
            self.keys = Some(keys);
        }
    }

    /// Whether it is one text that is not known at all, so that it may be a whole array.
    fn is_unknown(&self) -> bool {
        self.keys.is_none() && matches!(self.texts.as_slice(), [only] if *only == Origin::UNKNOWN.text())
    }

    /// A key as an index; negative ones count from behind.
    fn number(&self, key: &str) -> Option<i64> {
        let number = arithmetic::value(key)?;
        if number >= 0 {
            return Some(number);
        }
        let last = match &self.keys {
            Some(keys) => keys.iter().filter_map(|key| key.parse::<i64>().ok()).max().map(|last| last + 1),
            None => i64::try_from(self.texts.len()).ok(),
        };
        last.map(|last| last + number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(pairs: &[(&str, &str)]) -> Items {
        let mut items = Items::default();
        for (key, text) in pairs {
            items.put(key, (*text).to_owned());
        }
        items
    }

    #[test]
    fn items_are_found_by_their_keys() {
        let items = array(&[("2", "c"), ("0", "a")]);
        assert_eq!(
            (items.texts(), items.keys()),
            (&["a".to_owned(), "c".to_owned()][..], vec!["0".to_owned(), "2".to_owned()])
        );
        for (key, expected) in
            [("0", Some("a")), ("1", None), ("1+1", Some("c")), ("-1", Some("c")), ("x", None)]
        {
            assert_eq!(items.at(key).as_deref(), expected, "{key}");
        }
        let mut items = Items::named();
        items.put("1+1", "a".to_owned());
        items.put("x y", "b".to_owned());
        assert_eq!(
            (items.at("2"), items.at("1+1").as_deref(), items.at("x y").as_deref()),
            (None, Some("a"), Some("b"))
        );
    }

    #[test]
    fn what_cannot_be_told_is_not_known() {
        let mut items = array(&[("0", "a"), ("1", "b")]);
        assert!(has_hole(&items.at(&Origin::UNKNOWN.text()).unwrap()));
        items.put(&Origin::UNKNOWN.text(), "c".to_owned());
        assert!(has_hole(&items.at("0").unwrap()));
        assert!(has_hole(&array(&[("0", "a"), ("9999", "b")]).at("0").unwrap()));
        let items: Items = vec!["a".to_owned(), Origin::UNKNOWN.text(), "b".to_owned()].into();
        assert_eq!(items.at("0").as_deref(), Some("a"));
        assert!(has_hole(&items.at("2").unwrap()));
    }

    #[test]
    fn items_go_away_and_come_behind() {
        let mut items = array(&[("0", "a"), ("1", "b"), ("2", "c")]);
        items.remove("1");
        assert_eq!((items.at("1"), items.at("2").as_deref()), (None, Some("c")));
        items.extend(vec!["d".to_owned()].into());
        assert_eq!(items.keys(), ["0", "2", "3"]);
    }
}
