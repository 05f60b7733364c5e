//! A map that can never grow past its bound.

use std::borrow::Borrow;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// At most `capacity` entries; a new one beyond that pushes out the oldest.
#[derive(Debug)]
pub struct BoundedMap<K, V> {
    entries: HashMap<K, V>,
    oldest_first: VecDeque<K>,
    capacity: usize,
}

impl<K: Clone + Eq + Hash, V> BoundedMap<K, V> {
    /// An empty map for at most `capacity` (at least one) entries.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { entries: HashMap::new(), oldest_first: VecDeque::new(), capacity: capacity.max(1) }
    }

    /// Adds or replaces an entry; a replaced one keeps its age. Returns what had to go, replaced or pushed out.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        if let Some(old) = self.entries.insert(key.clone(), value) {
            return Some(old);
        }
        self.oldest_first.push_back(key);
        if self.entries.len() <= self.capacity {
            return None;
        }
        self.oldest_first.pop_front().and_then(|oldest| self.entries.remove(&oldest))
    }

    /// The entry of a key.
    pub fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.entries.get(key)
    }

    /// The entry of a key, to change.
    pub fn get_mut<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.entries.get_mut(key)
    }

    /// Takes an entry out.
    pub fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let value = self.entries.remove(key)?;
        self.oldest_first.retain(|k| k.borrow() != key);
        Some(value)
    }

    /// Keeps the entries that `keep` approves of.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        self.entries.retain(|k, v| keep(k, v));
        self.oldest_first.retain(|k| self.entries.contains_key(k));
    }

    /// All entries, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.oldest_first.iter().filter_map(|k| Some((k, self.entries.get(k)?)))
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_first_and_the_bound_holds() {
        let mut map = BoundedMap::new(2);
        assert_eq!((map.insert("a", 1), map.insert("b", 2), map.insert("a", 3)), (None, None, Some(1)));
        assert_eq!(map.insert("c", 4), Some(3));
        assert_eq!(map.iter().map(|(k, v)| (*k, *v)).collect::<Vec<_>>(), [("b", 2), ("c", 4)]);
        assert_eq!((map.remove("b"), map.remove("b"), map.len()), (Some(2), None, 1));
        map.retain(|_, v| *v > 4);
        assert!(map.is_empty() && map.iter().next().is_none());
    }
}
