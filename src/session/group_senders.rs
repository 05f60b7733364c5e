//! Who wrote last in a session, for hosts whose tool calls do not name a sender.
//!
//! A run acts for the one person who wrote before it began, and for nobody if there were several: a wrong identity is
//! worse than a refusal. What is bound once stays so for the run. Kept in memory only, bounded, for an hour.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::bounded::BoundedMap;
use crate::base::time::Clock;

use super::key::{MAX_KEY_BYTES, SessionKey};

/// Sessions, and as many runs, that are remembered; a new one beyond that pushes out the oldest.
pub const MAX_ENTRIES: usize = 10_000;
/// How long a sender or a run is remembered.
pub const KEPT_FOR: Duration = Duration::from_secs(60 * 60);
/// Bytes that a run's id may have; the host's are UUIDs, with two keys before them at most.
pub const MAX_RUN_ID_BYTES: usize = 2 * MAX_KEY_BYTES;

/// A person, as one channel knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The channel's id of the person.
    pub id: Arc<str>,
    /// The channel, if the host named it.
    pub channel: Option<Arc<str>>,
}

impl Sender {
    /// A sender from what the host says, trimmed; `None` for a blank or an overlong one.
    #[must_use]
    pub fn new(id: &str, channel: Option<&str>) -> Option<Self> {
        let usable = |text: &str| !text.is_empty() && text.len() <= MAX_KEY_BYTES;
        let id = Some(id.trim()).filter(|id| usable(id))?;
        let channel = channel.map(str::trim).filter(|channel| usable(channel));
        Some(Self { id: id.into(), channel: channel.map(|channel| channel.to_lowercase().into()) })
    }
}

/// Why a run began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Somebody wrote.
    Message,
    /// Nobody did: a command line, a heartbeat, a timer, a subagent's announcement.
    Unattended,
}

/// Who wrote in a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Only {
    /// Nobody within [`KEPT_FOR`].
    Nobody,
    /// One person.
    Sender(Sender),
    /// More than one, or somebody unknown.
    Several,
}

/// The senders of all sessions.
#[derive(Debug)]
pub struct GroupSenders {
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    sessions: BoundedMap<SessionKey, Session>,
    /// A run that is too old stays as one of nobody's until it is pushed out, so that it cannot be bound anew.
    runs: BoundedMap<(SessionKey, Arc<str>), Run>,
}

#[derive(Debug)]
struct Session {
    waiting: Waiting,
    last: Option<Sender>,
    /// Whether nobody but the last sender wrote since the session was forgotten last.
    alone: bool,
    at: Duration,
}

/// Whose messages no run has taken up yet.
#[derive(Debug)]
enum Waiting {
    Nobodys,
    Of(Sender),
    /// Of several people, or of somebody unknown.
    Unclear,
}

#[derive(Debug)]
struct Run {
    sender: Option<Sender>,
    at: Duration,
}

impl GroupSenders {
    /// Knows nobody yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let known = Known { sessions: BoundedMap::new(MAX_ENTRIES), runs: BoundedMap::new(MAX_ENTRIES) };
        Self { clock, known: Mutex::new(known) }
    }

    /// Notes that somebody wrote a message which goes on to the model; `None` when the host does not say who. Not to be
    /// called for messages that end before the model (commands, refusals): no run will take them up.
    pub fn wrote(&self, session: &SessionKey, sender: Option<Sender>) {
        let at = self.clock.monotonic();
        let mut known = self.lock();
        // Taken out and put back, for to be pushed out last is what an active session deserves.
        let before = known.sessions.remove(session).filter(|entry| is_fresh(entry.at, at));
        let alone =
            before.as_ref().is_none_or(|entry| entry.alone && entry.last == sender) && sender.is_some();
        let waiting = match (before.map(|entry| entry.waiting), &sender) {
            (None | Some(Waiting::Nobodys), Some(sender)) => Waiting::Of(sender.clone()),
            (Some(Waiting::Of(first)), Some(sender)) if first == *sender => Waiting::Of(first),
            _ => Waiting::Unclear,
        };
        known.sessions.insert(session.clone(), Session { waiting, last: sender, alone, at });
    }

    /// Binds a run to whom it acts for, before its first tool call. Only the first call for a run has an effect.
    pub fn began(&self, session: &SessionKey, run: &str, cause: Cause) {
        if run.len() > MAX_RUN_ID_BYTES {
            return;
        }
        let at = self.clock.monotonic();
        let mut known = self.lock();
        let id = (session.clone(), Arc::from(run));
        if known.runs.get(&id).is_some() {
            return;
        }
        let sender = match cause {
            Cause::Unattended => known.last(session, at),
            Cause::Message => known.take_waiting(session, at),
        };
        known.runs.insert(id, Run { sender, at });
    }

    /// Whom a run acts for; `None` for one that never began here, that began more than [`KEPT_FOR`] ago, or that is not
    /// clear about it.
    #[must_use]
    pub fn of_run(&self, session: &SessionKey, run: &str) -> Option<Sender> {
        if run.len() > MAX_RUN_ID_BYTES {
            return None;
        }
        let now = self.clock.monotonic();
        let known = self.lock();
        let run = known.runs.get(&(session.clone(), Arc::from(run)))?;
        run.sender.clone().filter(|_| is_fresh(run.at, now))
    }

    /// Whether a run began here, whoever it acts for.
    #[must_use]
    pub fn knows_run(&self, session: &SessionKey, run: &str) -> bool {
        run.len() <= MAX_RUN_ID_BYTES && self.lock().runs.get(&(session.clone(), Arc::from(run))).is_some()
    }

    /// The one person who wrote in a session, if nobody else did; never in a group.
    #[must_use]
    pub fn only(&self, session: &SessionKey) -> Only {
        let now = self.clock.monotonic();
        match self.lock().sessions.get(session).filter(|entry| is_fresh(entry.at, now)) {
            _ if session.is_shared() => Only::Several,
            None => Only::Nobody,
            Some(entry) => match entry.last.clone().filter(|_| entry.alone) {
                Some(sender) => Only::Sender(sender),
                None => Only::Several,
            },
        }
    }

    /// Whom a session without a sender acts for: the last one who wrote in it, else in the session that started it;
    /// never in a group, where that may be anybody.
    #[must_use]
    pub fn last(&self, session: &SessionKey, parent: Option<&SessionKey>) -> Option<Sender> {
        let now = self.clock.monotonic();
        let known = self.lock();
        if session.is_shared() {
            return None;
        }
        known.last(session, now).or_else(|| known.last(parent?, now))
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn last(&self, session: &SessionKey, now: Duration) -> Option<Sender> {
        let entry = self.sessions.get(session).filter(|entry| is_fresh(entry.at, now))?;
        entry.last.clone().filter(|_| !session.is_shared())
    }

    fn take_waiting(&mut self, session: &SessionKey, now: Duration) -> Option<Sender> {
        let entry = self.sessions.get_mut(session).filter(|entry| is_fresh(entry.at, now))?;
        match std::mem::replace(&mut entry.waiting, Waiting::Nobodys) {
            Waiting::Of(sender) => Some(sender),
            Waiting::Nobodys | Waiting::Unclear => None,
        }
    }
}

fn is_fresh(at: Duration, now: Duration) -> bool {
    now.saturating_sub(at) < KEPT_FOR
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::{ManualClock, Timestamp};

    const GROUP: &str = "agent:main:telegram:group:-1001";
    const DIRECT: &str = "agent:main:telegram:direct:42";

    fn key(text: &str) -> SessionKey {
        SessionKey::parse(text).unwrap()
    }

    fn person(id: &str) -> Option<Sender> {
        Sender::new(id, Some("telegram"))
    }

    fn bench() -> (Arc<ManualClock>, GroupSenders) {
        let clock = Arc::new(ManualClock::at(Timestamp::default()));
        (clock.clone(), GroupSenders::new(clock))
    }

    #[test]
    fn a_run_acts_for_who_wrote_before_it_whatever_is_written_later() {
        let (_, senders) = bench();
        for session in [key(GROUP), key(DIRECT)] {
            senders.wrote(&session, person("ann"));
            senders.wrote(&session, person(" ann "));
            senders.began(&session, "r1", Cause::Message);
            senders.wrote(&session, person("bob"));
            senders.began(&session, "r1", Cause::Message);
            assert_eq!(senders.of_run(&session, "r1"), person("ann"));
            senders.began(&session, "r2", Cause::Message);
            assert_eq!(
                (senders.of_run(&session, "r2"), senders.of_run(&session, "r1")),
                (person("bob"), person("ann"))
            );
            assert_eq!(senders.of_run(&key("agent:main:other"), "r1"), None, "a run belongs to its session");
            assert!(senders.knows_run(&session, "r1") && !senders.knows_run(&session, "r0"));
        }
    }

    #[test]
    fn a_second_writer_before_the_run_leaves_it_without_identity() {
        for second in [person("bob"), None, Sender::new("ann", Some("slack"))] {
            for (one, two) in [(person("ann"), second.clone()), (second, person("ann"))] {
                let (_, senders) = bench();
                let group = key(GROUP);
                senders.wrote(&group, one);
                senders.wrote(&group, two.clone());
                senders.wrote(&group, two.clone());
                senders.began(&group, "r1", Cause::Message);
                senders.began(&group, "r2", Cause::Message);
                assert_eq!((senders.of_run(&group, "r1"), senders.of_run(&group, "r2")), (None, None));
                senders.wrote(&group, person("ann"));
                senders.began(&group, "r3", Cause::Message);
                assert_eq!(senders.of_run(&group, "r3"), person("ann"), "the next message is clear again");
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
            senders.began(&session, "early", Cause::Unattended);
            senders.wrote(&session, person("ann"));
            senders.began(&session, "heartbeat", Cause::Unattended);
            assert_eq!(senders.of_run(&session, "early"), None);
            assert_eq!(senders.of_run(&session, "heartbeat"), expected);
            assert_eq!(senders.last(&session, None), expected);
            let child = key("agent:main:subagent:u1");
            assert_eq!((senders.last(&child, Some(&session)), senders.last(&child, None)), (expected, None));
            // It took nobody's message away.
            senders.began(&session, "turn", Cause::Message);
            assert_eq!(senders.of_run(&session, "turn"), person("ann"));
        }
        assert_eq!(
            senders.last(&key(GROUP), Some(&key(DIRECT))),
            None,
            "nor does a group act for its parent's"
        );
    }

    #[test]
    fn an_hour_later_nobody_is_known() {
        let (clock, senders) = bench();
        let direct = key(DIRECT);
        senders.wrote(&direct, person("ann"));
        senders.began(&direct, "r1", Cause::Message);
        clock.advance(KEPT_FOR - Duration::from_secs(1));
        assert_eq!(
            (senders.of_run(&direct, "r1"), senders.last(&direct, None)),
            (person("ann"), person("ann"))
        );
        clock.advance(Duration::from_secs(1));
        assert_eq!((senders.of_run(&direct, "r1"), senders.last(&direct, None)), (None, None));
        // What another person writes now is not the old run's.
        senders.wrote(&direct, person("bob"));
        senders.began(&direct, "r1", Cause::Message);
        assert_eq!((senders.of_run(&direct, "r1"), senders.last(&direct, None)), (None, person("bob")));
        clock.advance(KEPT_FOR);
        senders.began(&direct, "r2", Cause::Message);
        assert_eq!(senders.of_run(&direct, "r2"), None, "a message that waited for an hour is no run's");
    }

    #[test]
    fn the_bound_holds_and_the_longest_silent_goes_first() {
        let (_, senders) = bench();
        let session = |n: usize| key(&format!("agent:main:telegram:direct:{n}"));
        (0..MAX_ENTRIES).for_each(|n| senders.wrote(&session(n), person("ann")));
        senders.wrote(&session(0), person("ann"));
        senders.wrote(&session(MAX_ENTRIES), person("ann"));
        let known = [0, 1, 2, MAX_ENTRIES].map(|n| senders.last(&session(n), None).is_some());
        assert_eq!(known, [true, false, true, true]);
        (0..=MAX_ENTRIES).for_each(|n| senders.began(&session(0), &n.to_string(), Cause::Unattended));
        assert_eq!(senders.lock().sessions.len(), MAX_ENTRIES);
        assert_eq!(senders.lock().runs.len(), MAX_ENTRIES);
        assert_eq!(
            (senders.of_run(&session(0), "0"), senders.of_run(&session(0), "1")),
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
            senders.wrote(&key(GROUP), person("ann"));
            senders.began(&key(GROUP), &"r".repeat(length), Cause::Message);
            assert_eq!(senders.of_run(&key(GROUP), &"r".repeat(length)), expected);
        }
    }

    #[test]
    fn the_only_one_who_wrote_is_known_until_somebody_else_writes() {
        let (clock, senders) = bench();
        let direct = key(DIRECT);
        assert_eq!(senders.only(&direct), Only::Nobody);
        senders.wrote(&direct, person("ann"));
        senders.wrote(&direct, person("ann"));
        assert_eq!(senders.only(&direct), Only::Sender(person("ann").unwrap()));
        for next in [person("bob"), person("ann"), None, person("ann")] {
            senders.wrote(&direct, next);
            assert_eq!(senders.only(&direct), Only::Several);
        }
        clock.advance(KEPT_FOR);
        assert_eq!(senders.only(&direct), Only::Nobody);
        senders.wrote(&direct, person("ann"));
        assert_eq!(senders.only(&direct), Only::Sender(person("ann").unwrap()));
        senders.wrote(&key(GROUP), person("ann"));
        assert_eq!(senders.only(&key(GROUP)), Only::Several);
    }
}
