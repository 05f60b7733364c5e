//! Changes that must not be lost and that the engine does not have yet: those made under a reservation, which carry a
//! refresh token that replaced another.
//!
//! Invariant: readers of this process see them in place of what the engine has; each leaves when the engine has it, or
//! somebody else's change, or no record any more.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::seal::Etag;
use crate::base::error::Error;
use crate::base::time::Timestamp;
use crate::records::{Found, Record, Version};

/// Changes of a family that may wait.
pub(super) const MAX_LATE: usize = 10_000;

/// The changes of a family that wait.
pub(super) struct Late<T: Record> {
    changes: BTreeMap<T::Name, Change<T>>,
    trouble: Option<(Error, Timestamp)>,
    /// Whether somebody tries them again.
    pub(super) at_work: bool,
}

/// One change.
pub(super) struct Change<T> {
    /// The state that it replaces.
    pub(super) expected: Option<Etag>,
    /// The reservation that it was made under.
    pub(super) fence: Option<Etag>,
    /// The state that it makes.
    pub(super) etag: Etag,
    /// The record; `None` removes it.
    pub(super) value: Option<Arc<T>>,
}

impl<T> Clone for Change<T> {
    fn clone(&self) -> Self {
        Self { expected: self.expected, fence: self.fence, etag: self.etag, value: self.value.clone() }
    }
}

impl<T> Change<T> {
    /// The record as readers see it.
    pub(super) fn found(&self) -> Option<Found<T>> {
        let version = Version { etag: self.etag, fence: None };
        self.value.as_ref().map(|value| Found { value: Arc::clone(value), version })
    }
}

impl<T: Record> Default for Late<T> {
    fn default() -> Self {
        Self { changes: BTreeMap::new(), trouble: None, at_work: false }
    }
}

impl<T: Record> Late<T> {
    /// Whether one more may wait.
    pub(super) fn has_room(&self) -> bool {
        self.changes.len() < MAX_LATE
    }

    pub(super) fn add(&mut self, name: T::Name, change: Change<T>, error: &Error, now: Timestamp) {
        let since = self.trouble.as_ref().map_or(now, |(_, since)| *since);
        self.trouble = Some((error.clone(), since));
        self.changes.insert(name, change);
    }

    pub(super) fn get(&self, name: &T::Name) -> Option<&Change<T>> {
        self.changes.get(name)
    }

    /// Takes out a change that has come to its end, unless another has taken its place.
    pub(super) fn end(&mut self, name: &T::Name, etag: &Etag) {
        if self.changes.get(name).is_some_and(|change| change.etag == *etag) {
            self.changes.remove(name);
        }
        if self.changes.is_empty() {
            self.trouble = None;
        }
    }

    /// Takes out whatever there is of a name.
    pub(super) fn forget(&mut self, name: &T::Name) {
        if let Some(etag) = self.get(name).map(|change| change.etag) {
            self.end(name, &etag);
        }
    }

    pub(super) fn names(&self) -> Vec<T::Name> {
        self.changes.keys().cloned().collect()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&T::Name, &Change<T>)> {
        self.changes.iter()
    }

    /// Why changes wait, since when.
    pub(super) fn trouble(&self) -> Option<(Error, Timestamp)> {
        self.trouble.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::Code;
    use crate::records::testing::{Note, Sample as _};

    fn change(etag: u8) -> Change<Note> {
        let value = Some(Arc::new(Note::sample("x", None)));
        Change { expected: None, fence: None, etag: [etag; 16], value }
    }

    fn error(text: &str) -> Error {
        Error::new(Code::StoreUnavailable, text)
    }

    #[test]
    fn there_is_room_for_so_many() {
        let mut late = Late::default();
        for n in 0..MAX_LATE {
            assert!(late.has_room(), "{n}");
            late.add(n.to_string().into(), change(1), &error("x"), Timestamp::default());
        }
        assert!(!late.has_room());
        late.forget(&"7".into());
        assert!(late.has_room());
    }

    #[test]
    fn each_ends_as_itself_and_the_trouble_with_the_last() {
        let mut late = Late::default();
        let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        late.add(a.clone(), change(1), &error("first"), Timestamp::from_unix(1));
        late.add(b.clone(), change(2), &error("second"), Timestamp::from_unix(2));
        let (why, since) = late.trouble().unwrap();
        assert_eq!((why.message(), since), ("second", Timestamp::from_unix(1)));
        late.end(&a, &[9; 16]);
        assert_eq!(late.names(), [a.clone(), b.clone()], "another change of that name");
        late.end(&a, &[1; 16]);
        assert!(late.trouble().is_some() && late.get(&b).is_some());
        late.end(&b, &[2; 16]);
        assert!(late.trouble().is_none());
    }
}
