//! The sessions in memory: what readers see, which of them end when, and what is not on the disk yet.
//!
//! Invariant: `ends` holds exactly the sessions that have an end, so pruning costs O(log n) for each that goes.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::key::SessionKey;
use super::model::Session;
use super::record::{Batch, Sessions};
use crate::base::time::Timestamp;
use crate::records::Record;

/// Counts changes: state `n` is what there was after the `n`th.
pub(super) type Version = u64;

#[derive(Debug, Default)]
pub(super) struct Memory {
    sessions: Sessions,
    ends: BTreeSet<(Timestamp, SessionKey)>,
    pending: HashSet<SessionKey>,
    version: Version,
}

impl Memory {
    /// Takes over what was loaded, all of it on the disk.
    pub(super) fn of(sessions: Sessions) -> Self {
        let ends = sessions.iter().filter_map(|(key, session)| end_of(key, session)).collect();
        Self { sessions, ends, ..Self::default() }
    }

    pub(super) fn get(&self, key: &SessionKey) -> Option<&Arc<Session>> {
        self.sessions.get(key)
    }

    pub(super) fn all(&self) -> &Sessions {
        &self.sessions
    }

    /// The present state, to be asked for by [`Memory::take_pending`].
    pub(super) fn version(&self) -> Version {
        self.version
    }

    pub(super) fn put(&mut self, key: SessionKey, session: Session) {
        if let Some(end) = self.sessions.get(&key).and_then(|old| end_of(&key, old)) {
            self.ends.remove(&end);
        }
        self.ends.extend(end_of(&key, &session));
        self.sessions.insert(key.clone(), Arc::new(session));
        self.mark(key);
    }

    pub(super) fn remove(&mut self, key: &SessionKey) -> bool {
        let Some(old) = self.sessions.remove(key) else { return false };
        if let Some(end) = end_of(key, &old) {
            self.ends.remove(&end);
        }
        self.mark(key.clone());
        true
    }

    /// Drops the sessions of which nothing can come any more, and says how many.
    pub(super) fn prune(&mut self, now: Timestamp) -> usize {
        let mut count = 0;
        while self.ends.first().is_some_and(|(end, _)| end.is_past(now)) {
            if let Some((_, key)) = self.ends.pop_first() {
                self.sessions.remove(&key);
                self.mark(key);
                count += 1;
            }
        }
        count
    }

    /// What has changed since the last time this was asked.
    pub(super) fn take_pending(&mut self) -> Batch {
        let mut batch = Batch::default();
        for key in self.pending.drain() {
            match self.sessions.get(&key) {
                Some(session) => batch.put.push((key, Arc::clone(session))),
                None => batch.del.push(key),
            }
        }
        batch
    }

    fn mark(&mut self, key: SessionKey) {
        self.pending.insert(key);
        self.version += 1;
    }
}

fn end_of(key: &SessionKey, session: &Session) -> Option<(Timestamp, SessionKey)> {
    Some((session.ends()?, key.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::model::REMEMBERED_FOR;
    use crate::session::testing::{key, session};

    #[test]
    fn only_what_cannot_be_renewed_is_pruned_and_at_its_second() {
        let mut memory = Memory::of(Sessions::from_iter([(key("loaded"), Arc::new(session("s", 5, None)))]));
        memory.put(key("ends"), session("s", 10, None));
        memory.put(key("renews"), session("s", 1, Some("r")));
        memory.put(key("was-renewed"), session("s", 1, None));
        memory.put(key("was-renewed"), session("s", 1, Some("r")));
        memory.put(key("same-second"), session("old", 10, None));
        memory.put(key("same-second"), session("new", 10, None));
        memory.put(key("gone"), session("s", 3, None));
        assert!(memory.remove(&key("gone")) && !memory.remove(&key("gone")));
        let remembered = |end: i64| Timestamp::from_unix(end) + REMEMBERED_FOR;
        assert_eq!(memory.prune(remembered(4)), 0);
        assert_eq!(memory.prune(remembered(9)), 1);
        assert_eq!(memory.prune(remembered(10)), 2);
        assert!(memory.get(&key("renews")).is_some() && memory.get(&key("was-renewed")).is_some());
        assert_eq!((memory.all().len(), memory.ends.len()), (2, 0));
    }

    #[test]
    fn pending_is_the_last_state_of_each_changed_key() {
        let mut memory = Memory::of(Sessions::from_iter([(key("a"), Arc::new(session("s", 5, None)))]));
        assert_eq!((memory.version(), memory.take_pending().put.len()), (0, 0));
        memory.put(key("b"), session("one", 5, None));
        memory.put(key("b"), session("two", 5, None));
        memory.remove(&key("a"));
        let batch = memory.take_pending();
        assert_eq!((batch.put.len(), batch.put[0].1.sub.as_str()), (1, "two"));
        assert_eq!((batch.del, memory.version()), (vec![key("a")], 3));
        assert!(memory.take_pending().del.is_empty());
    }
}
