//! Who wrote last in a session, for hosts whose tool calls do not name a sender.
//!
//! A run acts for the one person who wrote before it began, and for nobody if there were several: a wrong identity is
//! worse than a refusal. What is bound once stays so for the run. Remembered for an hour, as records: any of several
//! processes may see the message, and any the run. What happens to the records is in `state.rs`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::bounded::BoundedMap;
use crate::base::codec::base64url;
use crate::base::crypto::sha256;
use crate::base::error::Result;
use crate::base::time::{Clock, Timestamp};
use crate::records::local::Local;
use crate::records::{Change, Found, Records, Swap, update};

use super::key::{MAX_KEY_BYTES, SessionKey};

mod state;

pub use state::{Cause, Only, Run, Sender, Whom, Writers};

/// Sessions, and as many runs, that this process remembers; a new one beyond that pushes out the oldest.
pub const MAX_ENTRIES: usize = 10_000;
/// How long a sender is remembered, and how long a run acts for them.
pub const KEPT_FOR: Duration = Duration::from_secs(60 * 60);
/// Bytes that a run's id may have; the host's are UUIDs, with two keys before them at most.
pub const MAX_RUN_ID_BYTES: usize = 2 * MAX_KEY_BYTES;

/// The senders of all sessions.
#[derive(Debug)]
pub struct GroupSenders {
    clock: Arc<dyn Clock>,
    writers: Arc<dyn Records<Writers>>,
    runs: Arc<dyn Records<Run>>,
    /// Sessions with messages that could not be noted, and how many. They are somebody unknown's once that can be noted,
    /// before which nothing is said of the session.
    missed: Mutex<BoundedMap<SessionKey, u64>>,
}

impl GroupSenders {
    /// Knows nobody yet, and remembers in the memory of this process.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let writers = Arc::new(Local::new(MAX_ENTRIES, clock.clone()));
        let runs = Arc::new(Local::new(MAX_ENTRIES, clock.clone()));
        Self::on(writers, runs, clock)
    }

    /// Knows whom those records name.
    #[must_use]
    pub fn on(
        writers: Arc<dyn Records<Writers>>,
        runs: Arc<dyn Records<Run>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { clock, writers, runs, missed: Mutex::new(BoundedMap::new(MAX_ENTRIES)) }
    }

    /// Notes that somebody wrote a message which goes on to the model; `None` when the host does not say who. Not to be
    /// called for messages that end before the model (commands, refusals): no run will take them up.
    ///
    /// # Errors
    /// `StoreUnavailable`: it is not noted. Nothing is said of the session before it is noted that somebody wrote.
    pub fn wrote(&self, session: &SessionKey, sender: Option<Sender>) -> Result<()> {
        let noted = self.make_good(session).and_then(|()| self.note(session, sender));
        if noted.is_err() {
            let mut missed = self.missed();
            let count = missed.remove(session).unwrap_or(0);
            missed.insert(session.clone(), count + 1);
        }
        noted
    }

    /// Binds a run to whom it acts for, before its first tool call. Only the first call for a run has an effect.
    ///
    /// # Errors
    /// `StoreUnavailable`: then the run acts for nobody.
    pub fn began(&self, session: &SessionKey, run: &str, cause: Cause) -> Result<()> {
        if run.len() > MAX_RUN_ID_BYTES {
            return Ok(());
        }
        self.make_good(session)?;
        let (name, now) = (name(session, run), self.clock.now());
        let sender = match cause {
            Cause::Unattended => self.last_in(session)?,
            Cause::Message => None,
        };
        if let Swap::Changed(known) = self.runs.swap(&name, None, Some(Run::new(sender, now)))? {
            self.hear(&name, &known, now);
            return Ok(());
        }
        // Whoever made the record, and nobody else, takes the messages up: a second call finds the run bound to nobody
        // rather than to the writer of a later message.
        if cause == Cause::Message
            && let Some(sender) = self.take_up(session)?
        {
            let _ = self.runs.put(&name, Run::new(Some(sender), now))?;
        }
        Ok(())
    }

    /// Whom a run acts for.
    ///
    /// # Errors
    /// `StoreUnavailable` when that cannot be known.
    pub fn of_run(&self, session: &SessionKey, run: &str) -> Result<Whom> {
        if run.len() > MAX_RUN_ID_BYTES {
            return Ok(Whom::Unknown);
        }
        let (name, now) = (name(session, run), self.clock.now());
        let Some(known) = self.runs.get(&name)? else { return Ok(Whom::Unknown) };
        self.hear(&name, &known, now);
        Ok(known.value.whom(now))
    }

    /// The one person who wrote in a session, if nobody else did; never in a group.
    ///
    /// # Errors
    /// `StoreUnavailable` when that cannot be known.
    pub fn only(&self, session: &SessionKey) -> Result<Only> {
        if session.is_shared() {
            return Ok(Only::Several);
        }
        self.make_good(session)?;
        Ok(match self.writers.get(session)? {
            None => Only::Nobody,
            Some(found) => found.value.only().map_or(Only::Several, Only::Sender),
        })
    }

    /// Whom a session without a sender acts for: the last one who wrote in it, else in the session that started it;
    /// never in a group, where that may be anybody.
    ///
    /// # Errors
    /// `StoreUnavailable` when that cannot be known.
    pub fn last(&self, session: &SessionKey, parent: Option<&SessionKey>) -> Result<Option<Sender>> {
        match (self.last_in(session)?, parent) {
            (None, Some(parent)) if !session.is_shared() => self.last_in(parent),
            (last, _) => Ok(last),
        }
    }

    fn last_in(&self, session: &SessionKey) -> Result<Option<Sender>> {
        if session.is_shared() {
            return Ok(None);
        }
        self.make_good(session)?;
        Ok(self.writers.get(session)?.and_then(|found| found.value.last()))
    }

    /// Takes up what waits in a session, and says whose it was if that is clear.
    fn take_up(&self, session: &SessionKey) -> Result<Option<Sender>> {
        let (sender, _) = update(&*self.writers, session, |writers| {
            Ok(match writers.and_then(Writers::taken_up) {
                Some((after, sender)) => (Change::Put(after), sender),
                None => (Change::Keep, None),
            })
        })?;
        Ok(sender)
    }

    fn note(&self, session: &SessionKey, sender: Option<Sender>) -> Result<()> {
        let now = self.clock.now();
        let noted = update(&*self.writers, session, |before| {
            Ok((Change::Put(Writers::wrote(before, sender.clone(), now)), ()))
        });
        noted.map(drop)
    }

    /// Notes what could not be noted before, as somebody unknown's.
    fn make_good(&self, session: &SessionKey) -> Result<()> {
        let Some(count) = self.missed().get(session).copied() else { return Ok(()) };
        self.note(session, None)?;
        let mut missed = self.missed();
        if missed.get(session) == Some(&count) {
            missed.remove(session);
        }
        Ok(())
    }

    /// Keeps a run known while it goes on. Where that fails it is known for a while yet.
    fn hear(&self, name: &Arc<str>, known: &Found<Run>, now: Timestamp) {
        if let Some(heard) = known.value.heard(now) {
            let _ = self.runs.swap(name, Some(known), Some(heard));
        }
    }

    fn missed(&self) -> MutexGuard<'_, BoundedMap<SessionKey, u64>> {
        self.missed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ids are long, and unique within a session only; no key has a line's end in it.
fn name(session: &SessionKey, run: &str) -> Arc<str> {
    base64url(&sha256(format!("{session}\n{run}").as_bytes())).into()
}

#[cfg(test)]
mod tests {
    use super::state::RUN_KNOWN_FOR;
    use super::*;
    use crate::base::error::Code;
    use crate::base::time::ManualClock;
    use crate::records::testing::Cut;

    const GROUP: &str = "agent:main:telegram:group:-1001";
    const DIRECT: &str = "agent:main:telegram:direct:42";

    fn key(text: &str) -> SessionKey {
        SessionKey::parse(text).unwrap()
    }

    fn person(id: &str) -> Option<Sender> {
        Sender::new(id, Some("telegram"))
    }

    fn of_run(senders: &GroupSenders, session: &SessionKey, run: &str) -> Option<Sender> {
        match senders.of_run(session, run).unwrap() {
            Whom::Sender(sender) => Some(sender),
            Whom::Nobody | Whom::Unknown => None,
        }
    }

    fn bench() -> (Arc<ManualClock>, GroupSenders) {
        let clock = Arc::new(ManualClock::at(Timestamp::default()));
        (clock.clone(), GroupSenders::new(clock))
    }

    #[test]
    fn a_run_acts_for_who_wrote_before_it_whatever_is_written_later() {
        let (_, senders) = bench();
        for session in [key(GROUP), key(DIRECT)] {
            senders.wrote(&session, person("ann")).unwrap();
            senders.wrote(&session, person(" ann ")).unwrap();
            senders.began(&session, "r1", Cause::Message).unwrap();
            senders.wrote(&session, person("bob")).unwrap();
            senders.began(&session, "r1", Cause::Message).unwrap();
            assert_eq!(of_run(&senders, &session, "r1"), person("ann"));
            senders.began(&session, "r2", Cause::Message).unwrap();
            assert_eq!(
                (of_run(&senders, &session, "r2"), of_run(&senders, &session, "r1")),
                (person("bob"), person("ann"))
            );
            let knows =
                |session: &SessionKey, run: &str| senders.of_run(session, run).unwrap() != Whom::Unknown;
            assert_eq!(
                of_run(&senders, &key("agent:main:other"), "r1"),
                None,
                "a run belongs to its session"
            );
            assert!(knows(&session, "r1") && !knows(&session, "r0"));
        }
    }

    #[test]
    fn a_second_writer_before_the_run_leaves_it_without_identity() {
        for second in [person("bob"), None, Sender::new("ann", Some("slack"))] {
            for (one, two) in [(person("ann"), second.clone()), (second, person("ann"))] {
                let (_, senders) = bench();
                let group = key(GROUP);
                senders.wrote(&group, one).unwrap();
                senders.wrote(&group, two.clone()).unwrap();
                senders.wrote(&group, two.clone()).unwrap();
                senders.began(&group, "r1", Cause::Message).unwrap();
                senders.began(&group, "r2", Cause::Message).unwrap();
                assert_eq!((of_run(&senders, &group, "r1"), of_run(&senders, &group, "r2")), (None, None));
                senders.wrote(&group, person("ann")).unwrap();
                senders.began(&group, "r3", Cause::Message).unwrap();
                assert_eq!(of_run(&senders, &group, "r3"), person("ann"), "the next message is clear again");
            }
        }
    }

    #[test]
    fn an_unattended_run_acts_for_the_last_sender_but_for_nobody_in_a_group() {
        let (_, senders) = bench();
        for (session, expected) in
            [(GROUP, None), (DIRECT, person("ann")), ("agent:main:main", person("ann"))]
        {
            let session = key(session);
            senders.began(&session, "early", Cause::Unattended).unwrap();
            senders.wrote(&session, person("ann")).unwrap();
            senders.began(&session, "heartbeat", Cause::Unattended).unwrap();
            assert_eq!(of_run(&senders, &session, "early"), None);
            assert_eq!(of_run(&senders, &session, "heartbeat"), expected);
            assert_eq!(senders.last(&session, None).unwrap(), expected);
            let child = key("agent:main:subagent:u1");
            assert_eq!(
                (senders.last(&child, Some(&session)).unwrap(), senders.last(&child, None).unwrap()),
                (expected, None)
            );
            // It took nobody's message away.
            senders.began(&session, "turn", Cause::Message).unwrap();
            assert_eq!(of_run(&senders, &session, "turn"), person("ann"));
        }
        assert_eq!(
            senders.last(&key(GROUP), Some(&key(DIRECT))).unwrap(),
            None,
            "nor does a group act for its parent's"
        );
    }

    #[test]
    fn an_hour_later_nobody_is_known() {
        let (clock, senders) = bench();
        let direct = key(DIRECT);
        senders.wrote(&direct, person("ann")).unwrap();
        senders.began(&direct, "r1", Cause::Message).unwrap();
        clock.advance(KEPT_FOR - Duration::from_secs(1));
        assert_eq!(
            (of_run(&senders, &direct, "r1"), senders.last(&direct, None).unwrap()),
            (person("ann"), person("ann"))
        );
        clock.advance(Duration::from_secs(1));
        assert_eq!((of_run(&senders, &direct, "r1"), senders.last(&direct, None).unwrap()), (None, None));
        // What another person writes now is not the old run's.
        senders.wrote(&direct, person("bob")).unwrap();
        senders.began(&direct, "r1", Cause::Message).unwrap();
        assert_eq!(
            (of_run(&senders, &direct, "r1"), senders.last(&direct, None).unwrap()),
            (None, person("bob"))
        );
        clock.advance(KEPT_FOR);
        senders.began(&direct, "r2", Cause::Message).unwrap();
        assert_eq!(of_run(&senders, &direct, "r2"), None, "a message that waited for an hour is no run's");
    }

    #[test]
    fn the_bound_holds_and_the_longest_silent_goes_first() {
        let (_, senders) = bench();
        let session = |n: usize| key(&format!("agent:main:telegram:direct:{n}"));
        (0..MAX_ENTRIES).for_each(|n| senders.wrote(&session(n), person("ann")).unwrap());
        senders.wrote(&session(0), person("ann")).unwrap();
        senders.wrote(&session(MAX_ENTRIES), person("ann")).unwrap();
        let known = [0, 1, 2, MAX_ENTRIES].map(|n| senders.last(&session(n), None).unwrap().is_some());
        assert_eq!(known, [true, false, true, true]);
        (0..=MAX_ENTRIES)
            .for_each(|n| senders.began(&session(0), &n.to_string(), Cause::Unattended).unwrap());
        assert_eq!(senders.writers.known().len(), MAX_ENTRIES);
        assert_eq!(senders.runs.known().len(), MAX_ENTRIES);
        assert_eq!(
            (of_run(&senders, &session(0), "0"), of_run(&senders, &session(0), "1")),
            (None, person("ann"))
        );
    }

    #[test]
    fn blank_and_overlong_names_are_nobodys() {
        assert_eq!((Sender::new(" ", None), Sender::new(&"s".repeat(MAX_KEY_BYTES + 1), None)), (None, None));
        assert!(
            Sender::new(&"s".repeat(MAX_KEY_BYTES), Some(" ")).is_some_and(|sender| sender.channel.is_none())
        );
        let (_, senders) = bench();
        for (length, expected) in [(MAX_RUN_ID_BYTES, person("ann")), (MAX_RUN_ID_BYTES + 1, None)] {
            senders.wrote(&key(GROUP), person("ann")).unwrap();
            senders.began(&key(GROUP), &"r".repeat(length), Cause::Message).unwrap();
            assert_eq!(of_run(&senders, &key(GROUP), &"r".repeat(length)), expected);
        }
    }

    #[test]
    fn the_only_one_who_wrote_is_known_until_somebody_else_writes() {
        let (clock, senders) = bench();
        let direct = key(DIRECT);
        assert_eq!(senders.only(&direct).unwrap(), Only::Nobody);
        senders.wrote(&direct, person("ann")).unwrap();
        senders.wrote(&direct, person("ann")).unwrap();
        assert_eq!(senders.only(&direct).unwrap(), Only::Sender(person("ann").unwrap()));
        for next in [person("bob"), person("ann"), None, person("ann")] {
            senders.wrote(&direct, next).unwrap();
            assert_eq!(senders.only(&direct).unwrap(), Only::Several);
        }
        clock.advance(KEPT_FOR);
        assert_eq!(senders.only(&direct).unwrap(), Only::Nobody);
        senders.wrote(&direct, person("ann")).unwrap();
        assert_eq!(senders.only(&direct).unwrap(), Only::Sender(person("ann").unwrap()));
        senders.wrote(&key(GROUP), person("ann")).unwrap();
        assert_eq!(senders.only(&key(GROUP)).unwrap(), Only::Several);
    }

    #[test]
    fn a_run_that_goes_on_is_not_bound_anew_however_long_it_takes() {
        let (clock, senders) = bench();
        let group = key(GROUP);
        senders.wrote(&group, person("ann")).unwrap();
        senders.began(&group, "r1", Cause::Message).unwrap();
        for _ in 0..10 {
            clock.advance(RUN_KNOWN_FOR - Duration::from_secs(1));
            senders.wrote(&group, person("bob")).unwrap();
            senders.began(&group, "r1", Cause::Message).unwrap();
            assert_eq!(senders.of_run(&group, "r1").unwrap(), Whom::Nobody);
        }
        clock.advance(RUN_KNOWN_FOR);
        assert_eq!(senders.of_run(&group, "r1").unwrap(), Whom::Unknown);
    }

    /// Two processes that share their records, and the records.
    struct Shared {
        writers: Arc<Cut<Writers>>,
        runs: Arc<Cut<Run>>,
        one: GroupSenders,
        other: GroupSenders,
    }

    fn shared() -> Shared {
        let clock = Arc::new(ManualClock::at(Timestamp::default()));
        let (writers, runs) = (Cut::new(clock.clone()), Cut::new(clock.clone()));
        let process = || GroupSenders::on(writers.clone(), runs.clone(), clock.clone());
        Shared { one: process(), other: process(), writers: writers.clone(), runs: runs.clone() }
    }

    #[test]
    fn a_message_that_one_process_saw_is_taken_up_by_a_run_at_another() {
        let Shared { one, other, .. } = shared();
        let group = key(GROUP);
        one.wrote(&group, person("ann")).unwrap();
        other.began(&group, "r1", Cause::Message).unwrap();
        one.wrote(&group, person("bob")).unwrap();
        one.began(&group, "r1", Cause::Message).unwrap();
        assert_eq!(
            (of_run(&one, &group, "r1"), of_run(&other, &group, "r1")),
            (person("ann"), person("ann"))
        );
        one.wrote(&group, person("ann")).unwrap();
        other.began(&group, "r2", Cause::Message).unwrap();
        assert_eq!(of_run(&one, &group, "r2"), None, "two wrote");
    }

    #[test]
    fn a_message_that_could_not_be_noted_is_nobodys_and_no_run_acts_for_who_wrote_before_it() {
        let unavailable = |failed: Option<crate::base::error::Error>| {
            assert_eq!(failed.map(|error| error.code()), Some(Code::StoreUnavailable));
        };
        for session in [key(GROUP), key(DIRECT)] {
            let Shared { writers, one, .. } = shared();
            one.wrote(&session, person("ann")).unwrap();
            writers.off(true);
            unavailable(one.wrote(&session, person("bob")).err());
            unavailable(one.began(&session, "early", Cause::Message).err());
            if !session.is_shared() {
                unavailable(one.only(&session).err());
                unavailable(one.last(&session, None).err());
            }
            writers.off(false);
            one.began(&session, "r1", Cause::Message).unwrap();
            assert_eq!(one.of_run(&session, "r1").unwrap(), Whom::Nobody);
            assert_eq!(one.last(&session, None).unwrap(), None);
            assert_eq!(one.only(&session).unwrap(), Only::Several);
            one.wrote(&session, person("ann")).unwrap();
            one.began(&session, "r2", Cause::Message).unwrap();
            assert_eq!(of_run(&one, &session, "r2"), person("ann"), "from then on all is known again");
        }
    }

    #[test]
    fn a_run_whose_binding_broke_off_acts_for_nobody() {
        let Shared { writers, runs, one, .. } = shared();
        let group = key(GROUP);
        one.wrote(&group, person("ann")).unwrap();
        runs.off(true);
        assert!(one.began(&group, "r1", Cause::Message).is_err() && one.of_run(&group, "r1").is_err());
        runs.off(false);
        assert_eq!(one.of_run(&group, "r1").unwrap(), Whom::Unknown);
        writers.off(true);
        assert!(one.began(&group, "r1", Cause::Message).is_err());
        writers.off(false);
        one.wrote(&group, person("bob")).unwrap();
        one.began(&group, "r1", Cause::Message).unwrap();
        assert_eq!(one.of_run(&group, "r1").unwrap(), Whom::Nobody);
    }
}
