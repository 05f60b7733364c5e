//! What this process has seen of a family, for when the engine does not answer, and to open nothing twice.
//!
//! Invariant: at most so many records, and of one store only; a state that was read before another was written never
//! takes that one's place.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::seal::Etag;
use crate::base::time::Timestamp;
use crate::records::{Found, Record};

/// Records of a family that are remembered.
pub(super) const MAX_SEEN: usize = 10_000;
/// Records that there may be before ended ones are looked for.
const FIRST_SWEEP: usize = 64;

pub(super) struct Memory<T: Record> {
    store: Option<[u8; 16]>,
    seen: HashMap<T::Name, Seen<T>>,
    /// The names by when they were last used.
    by_age: BTreeMap<u64, T::Name>,
    next: u64,
    sweep_at: usize,
    capacity: usize,
}

struct Seen<T> {
    found: Found<T>,
    /// The end of the seal that was opened or made.
    seal: Etag,
    used: u64,
    put: u64,
}

/// A moment in the life of a memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(u64);

impl<T: Record> Memory<T> {
    pub(super) fn new(capacity: usize) -> Self {
        let (seen, by_age) = (HashMap::new(), BTreeMap::new());
        Self { store: None, seen, by_age, next: 0, sweep_at: FIRST_SWEEP, capacity }
    }

    /// Now; to be asked for before the engine is.
    pub(super) fn moment(&mut self) -> Moment {
        self.next += 1;
        Moment(self.next)
    }

    /// Forgets everything that is of another store.
    pub(super) fn belongs_to(&mut self, store: [u8; 16]) {
        if self.store.replace(store).is_some_and(|before| before != store) {
            self.seen.clear();
            self.by_age.clear();
        }
    }

    /// The record as it was last seen.
    pub(super) fn get(&mut self, name: &T::Name) -> Option<Found<T>> {
        let seen = self.seen.get_mut(name)?;
        self.by_age.remove(&seen.used);
        self.next += 1;
        seen.used = self.next;
        self.by_age.insert(self.next, name.clone());
        Some(seen.found.clone())
    }

    /// The record, if it is what these marks are of.
    pub(super) fn same(&mut self, name: &T::Name, (etag, seal): (Etag, Etag)) -> Option<Found<T>> {
        let seen = self.seen.get(name)?;
        (seen.found.version.etag == etag && seen.seal == seal).then(|| self.get(name))?
    }

    /// Takes in what was there at some time after `asked`.
    pub(super) fn put(&mut self, name: &T::Name, found: Found<T>, seal: Etag, asked: Moment, now: Timestamp) {
        if self.is_newer(name, asked) {
            return;
        }
        self.drop(name);
        if self.seen.len() >= self.sweep_at {
            self.sweep(now);
        }
        while self.seen.len() >= self.capacity.max(1) {
            let Some((_, oldest)) = self.by_age.pop_first() else { break };
            self.seen.remove(&oldest);
        }
        self.next += 1;
        self.by_age.insert(self.next, name.clone());
        self.seen.insert(name.clone(), Seen { found, seal, used: self.next, put: self.next });
    }

    /// Takes in that there was none at some time after `asked`.
    pub(super) fn remove(&mut self, name: &T::Name, asked: Moment) {
        if !self.is_newer(name, asked) {
            self.drop(name);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&T::Name, &Arc<T>)> {
        self.seen.iter().map(|(name, seen)| (name, &seen.found.value))
    }

    fn is_newer(&self, name: &T::Name, asked: Moment) -> bool {
        self.seen.get(name).is_some_and(|seen| seen.put > asked.0)
    }

    fn drop(&mut self, name: &T::Name) {
        if let Some(seen) = self.seen.remove(name) {
            self.by_age.remove(&seen.used);
        }
    }

    fn sweep(&mut self, now: Timestamp) {
        let ended =
            self.seen.iter().filter(|(_, seen)| seen.found.value.ends().is_some_and(|end| end.is_past(now)));
        let ended: Vec<_> = ended.map(|(name, _)| name.clone()).collect();
        ended.iter().for_each(|name| self.drop(name));
        self.sweep_at = FIRST_SWEEP.max(self.seen.len() * 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::Version;
    use crate::records::testing::{Note, Sample};

    fn found(text: &str, etag: u8) -> Found<Note> {
        Found {
            value: Arc::new(Note::sample(text, None)),
            version: Version { etag: [etag; 16], fence: None },
        }
    }

    fn text(memory: &mut Memory<Note>, name: &str) -> Option<String> {
        memory.get(&name.into()).map(|found| found.value.text.clone())
    }

    #[test]
    fn whoever_was_not_used_the_longest_goes_first() {
        let mut memory = Memory::new(2);
        for name in ["a", "b"] {
            let asked = memory.moment();
            memory.put(&name.into(), found(name, 1), [0; 16], asked, Timestamp::default());
        }
        assert!(text(&mut memory, "a").is_some());
        let asked = memory.moment();
        memory.put(&"c".into(), found("c", 1), [0; 16], asked, Timestamp::default());
        assert_eq!((text(&mut memory, "a"), text(&mut memory, "b")), (Some("a".into()), None));
        assert_eq!((memory.iter().count(), memory.by_age.len()), (2, 2));
    }

    #[test]
    fn what_was_read_before_a_write_does_not_undo_it() {
        let mut memory = Memory::new(9);
        let name = "n".into();
        let reader = memory.moment();
        let writer = memory.moment();
        memory.put(&name, found("new", 2), [2; 16], writer, Timestamp::default());
        memory.put(&name, found("old", 1), [1; 16], reader, Timestamp::default());
        memory.remove(&name, reader);
        assert_eq!(text(&mut memory, "n").as_deref(), Some("new"));
        assert!(memory.same(&name, ([2; 16], [2; 16])).is_some());
        assert!(memory.same(&name, ([2; 16], [3; 16])).is_none());
        let later = memory.moment();
        memory.remove(&name, later);
        assert_eq!(text(&mut memory, "n"), None);
    }

    #[test]
    fn another_store_is_another_memory() {
        let mut memory = Memory::new(9);
        memory.belongs_to([1; 16]);
        let asked = memory.moment();
        memory.put(&"n".into(), found("x", 1), [0; 16], asked, Timestamp::default());
        memory.belongs_to([1; 16]);
        assert!(text(&mut memory, "n").is_some());
        memory.belongs_to([2; 16]);
        assert!(text(&mut memory, "n").is_none());
    }

    #[test]
    fn what_has_ended_takes_no_room() {
        let mut memory = Memory::new(usize::MAX);
        for n in 0..1000u32 {
            let now = Timestamp::from_unix(n.into());
            let ends = Some(now + std::time::Duration::from_secs(10));
            let found = Found::here(Arc::new(Note::sample("x", ends)));
            let asked = memory.moment();
            memory.put(&n.to_string().into(), found, [0; 16], asked, now);
        }
        assert!(memory.seen.len() <= FIRST_SWEEP + 1);
        assert_eq!(memory.by_age.len(), memory.seen.len());
    }
}
