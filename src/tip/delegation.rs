//! Sessions that act for another session's login: subagents, and agents that a message was sent to.
//!
//! Nothing is copied. A delegated session has no login of its own, it leads to the one it was given; so its end, its
//! renewal and its logout are that login's, and nobody who logs in there later is spoken for.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::bounded::BoundedMap;
use crate::base::error::{Code, Error, Result};
use crate::base::time::{Clock, Timestamp};
use crate::session::key::SessionKey;
use crate::session::model::Session;
use crate::session::users::{Users, not_logged_in};

/// Sessions that may act for others at a time; a new one beyond that pushes out the oldest.
pub const MAX_DELEGATIONS: usize = 10_000;
/// How long an agent's main session acts for whoever wrote to it: long enough for the run that was asked for, and no longer,
/// since timers run there too. A subagent ends by itself.
pub const LENT_FOR: Duration = Duration::from_secs(600);
/// How long a line of sessions that act for each other may be.
pub const MAX_DEPTH: usize = 32;

/// Logins, with those that sessions were given by others.
pub struct Delegations {
    users: Arc<dyn Users>,
    clock: Arc<dyn Clock>,
    given: Mutex<BoundedMap<SessionKey, Grant>>,
}

/// Whose login a session was given. Not the key alone: another person may log in there later.
#[derive(Clone)]
struct Grant {
    by: SessionKey,
    sub: String,
    login_at: Timestamp,
    /// On the monotonic clock; `None` for as long as the login lasts.
    until: Option<Duration>,
}

impl Delegations {
    /// None yet, over the logins that people made.
    #[must_use]
    pub fn new(users: Arc<dyn Users>, clock: Arc<dyn Clock>) -> Self {
        Self { users, clock, given: Mutex::new(BoundedMap::new(MAX_DELEGATIONS)) }
    }

    /// Lets a session act for the login of another one, for as long as that login lasts, and, other than a subagent, for
    /// [`LENT_FOR`] at most.
    ///
    /// # Errors
    /// `NotLoggedIn` when the other has none, `Forbidden` when the session is some person's, has a login of its own or
    /// acts for another one already, or when the line of sessions would be a circle or too long.
    pub fn grant(&self, to: &SessionKey, by: &SessionKey) -> Result<()> {
        let refused =
            |why: &str| Err(Error::new(Code::Forbidden, format!("{to} cannot act for {by}: {why}")));
        if !may_be_delegated_to(to) {
            return refused("it is a person's own session");
        }
        if self.users.current(to)?.is_some() {
            return refused("somebody is logged in there");
        }
        if self.current(to)?.is_some() && self.grant_of(to).is_some_and(|grant| grant.by != *by) {
            return refused("it acts for another session");
        }
        let login = self.current(by)?.ok_or_else(not_logged_in)?;
        let mut given = self.given();
        let mut above = Some(by.clone());
        for _ in 0..=MAX_DEPTH {
            match above {
                None => {
                    let until = (!to.is_subagent()).then(|| self.clock.monotonic() + LENT_FOR);
                    let (sub, login_at) = (login.sub.clone(), login.login_at);
                    let grant = Grant { by: by.clone(), sub, login_at, until };
                    given.insert(to.clone(), grant);
                    return Ok(());
                }
                Some(key) if key == *to => return refused("it is the one that was asked for by it"),
                Some(key) => above = given.get(&key).map(|grant| grant.by.clone()),
            }
        }
        refused(&format!("more than {MAX_DEPTH} sessions would act for one another"))
    }

    /// Whether a session was given a login, whatever became of that. No I/O.
    #[must_use]
    pub fn is_given(&self, to: &SessionKey) -> bool {
        self.grant_of(to).is_some()
    }

    /// Ends what a session was given. Returns whether it was given anything.
    pub fn revoke(&self, to: &SessionKey) -> bool {
        self.given().remove(to).is_some()
    }

    /// The key of a person's login that a session acts for, and that login; its own one where it has one.
    fn origin(&self, key: &SessionKey) -> Result<Option<(SessionKey, Arc<Session>)>> {
        let mut at = key.clone();
        let mut expected: Option<Grant> = None;
        for _ in 0..=MAX_DEPTH {
            if let Some(login) = self.users.current(&at)? {
                let same = expected.is_none_or(|it| it.sub == login.sub && it.login_at == login.login_at);
                return Ok(same.then_some((at, login)));
            }
            let Some(grant) = self.grant_of(&at) else { return Ok(None) };
            at = grant.by.clone();
            expected = Some(grant);
        }
        Ok(None)
    }

    fn grant_of(&self, key: &SessionKey) -> Option<Grant> {
        let now = self.clock.monotonic();
        self.given().get(key).filter(|grant| grant.until.is_none_or(|until| now < until)).cloned()
    }

    fn given(&self) -> MutexGuard<'_, BoundedMap<SessionKey, Grant>> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a session belongs to nobody, so that it may act for whoever started it: a subagent, or another agent's main
/// session. Chats are people's.
#[must_use]
pub fn may_be_delegated_to(key: &SessionKey) -> bool {
    let is_main = key.agent_id().is_some_and(|agent| key.as_str() == format!("agent:{agent}:main"));
    key.is_subagent() || is_main
}

impl Users for Delegations {
    fn current(&self, key: &SessionKey) -> Result<Option<Arc<Session>>> {
        Ok(self.origin(key)?.map(|(_, login)| login))
    }

    fn fresh(&self, key: &SessionKey) -> Result<Arc<Session>> {
        // Without any login the key's own answer tells why.
        let origin = self.origin(key)?;
        self.users.fresh(origin.as_ref().map_or(key, |(origin, _)| origin))
    }

    fn delegated_by(&self, key: &SessionKey) -> Result<Option<SessionKey>> {
        Ok(match self.users.current(key)? {
            Some(_) => None,
            None => self.grant_of(key).map(|grant| grant.by),
        })
    }
}

impl fmt::Debug for Delegations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delegations").field("given", &self.given().len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::base::time::ManualClock;

    const START: &str = "2026-01-15T08:00:00Z";

    #[derive(Debug, Default)]
    struct People(Mutex<HashMap<SessionKey, Arc<Session>>>);

    impl Users for People {
        fn current(&self, key: &SessionKey) -> Result<Option<Arc<Session>>> {
            Ok(self.0.lock().unwrap().get(key).cloned())
        }
        fn fresh(&self, key: &SessionKey) -> Result<Arc<Session>> {
            self.current(key)?.ok_or_else(not_logged_in)
        }
    }

    fn key(text: &str) -> SessionKey {
        SessionKey::parse(text).unwrap()
    }

    fn bench() -> (Arc<People>, Delegations) {
        let people = Arc::new(People::default());
        let clock = Arc::new(ManualClock::at(Timestamp::default()));
        (people.clone(), Delegations::new(people, clock))
    }

    fn log_in(people: &People, at: &str, sub: &str, seconds: u64) {
        let login_at = Timestamp::parse_rfc3339(START).unwrap() + Duration::from_secs(seconds);
        let session = Session {
            sub: sub.to_owned(),
            user_token: "token".into(),
            refresh_token: None,
            login_at,
            expires_at: login_at + Duration::from_secs(3600),
        };
        people.0.lock().unwrap().insert(key(at), Arc::new(session));
    }

    const ANN: &str = "agent:main:main:user:ann";
    const CHILD: &str = "agent:main:subagent:u1";
    const GRANDCHILD: &str = "agent:main:subagent:u1:subagent:u2";

    #[test]
    fn a_line_of_sessions_acts_for_the_login_it_began_with_and_ends_with_it() {
        let (people, delegations) = bench();
        log_in(&people, ANN, "ann", 0);
        delegations.grant(&key(CHILD), &key(ANN)).unwrap();
        delegations.grant(&key(GRANDCHILD), &key(CHILD)).unwrap();
        for session in [CHILD, GRANDCHILD] {
            assert_eq!(delegations.current(&key(session)).unwrap().unwrap().sub, "ann");
            assert_eq!(delegations.fresh(&key(session)).unwrap().sub, "ann");
        }
        assert_eq!(delegations.delegated_by(&key(GRANDCHILD)).unwrap(), Some(key(CHILD)));
        assert_eq!(delegations.delegated_by(&key(ANN)).unwrap(), None);
        people.0.lock().unwrap().clear();
        assert!(delegations.current(&key(GRANDCHILD)).unwrap().is_none());
        assert_eq!(delegations.fresh(&key(CHILD)).unwrap_err().code(), Code::NotLoggedIn);
    }

    #[test]
    fn whoever_logs_in_there_later_is_not_spoken_for() {
        let (people, delegations) = bench();
        log_in(&people, "agent:main:main", "ann", 0);
        delegations.grant(&key(CHILD), &SessionKey::main()).unwrap();
        for (sub, seconds) in [("bob", 0), ("ann", 5)] {
            log_in(&people, "agent:main:main", sub, seconds);
            assert!(delegations.current(&key(CHILD)).unwrap().is_none(), "{sub}");
        }
    }

    #[test]
    fn nobodys_session_is_needed_and_a_login_to_give() {
        let (people, delegations) = bench();
        assert_eq!(delegations.grant(&key(CHILD), &key(ANN)).unwrap_err().code(), Code::NotLoggedIn);
        log_in(&people, ANN, "ann", 0);
        log_in(&people, "agent:shop:main", "bob", 0);
        for to in [
            "agent:shop:main",
            "agent:main:main:user:bob",
            "agent:main:telegram:direct:1",
            "agent:main:telegram:group:-1",
            "agent:main:telegram:group:-1:user:bob",
            "global",
        ] {
            assert_eq!(delegations.grant(&key(to), &key(ANN)).unwrap_err().code(), Code::Forbidden, "{to}");
        }
        delegations.grant(&key("agent:ops:main"), &key(ANN)).unwrap();
        // Neither what is given can be taken over, nor is giving it again a fault.
        assert_eq!(
            delegations.grant(&key("agent:ops:main"), &key("agent:shop:main")).unwrap_err().code(),
            Code::Forbidden
        );
        delegations.grant(&key("agent:ops:main"), &key(ANN)).unwrap();
        assert_eq!(delegations.current(&key("agent:ops:main")).unwrap().unwrap().sub, "ann");
        // A login of its own goes before what was given.
        log_in(&people, "agent:ops:main", "cleo", 0);
        assert_eq!(delegations.current(&key("agent:ops:main")).unwrap().unwrap().sub, "cleo");
        assert_eq!(delegations.delegated_by(&key("agent:ops:main")).unwrap(), None);
    }

    #[test]
    fn what_is_lent_to_an_agents_main_session_ends_soon_and_a_subagents_does_not() {
        let people = Arc::new(People::default());
        let clock = Arc::new(ManualClock::at(Timestamp::default()));
        let delegations = Delegations::new(people.clone(), clock.clone());
        log_in(&people, ANN, "ann", 0);
        for to in ["agent:ops:main", CHILD] {
            delegations.grant(&key(to), &key(ANN)).unwrap();
        }
        clock.advance(LENT_FOR);
        assert!(delegations.current(&key("agent:ops:main")).unwrap().is_none());
        assert_eq!(delegations.delegated_by(&key("agent:ops:main")).unwrap(), None);
        assert!(delegations.current(&key(CHILD)).unwrap().is_some());
    }

    #[test]
    fn circles_and_endless_lines_are_refused() {
        let (people, delegations) = bench();
        log_in(&people, ANN, "ann", 0);
        let sub = |n: usize| if n == 0 { key(ANN) } else { key(&format!("agent:main:subagent:{n}")) };
        for n in 1..=MAX_DEPTH - 1 {
            delegations.grant(&sub(n), &sub(n - 1)).unwrap();
        }
        assert!(delegations.current(&sub(MAX_DEPTH - 1)).unwrap().is_some());
        assert_eq!(delegations.grant(&sub(1), &sub(3)).unwrap_err().code(), Code::Forbidden);
        delegations.grant(&sub(MAX_DEPTH), &sub(MAX_DEPTH - 1)).unwrap();
        assert_eq!(
            delegations.grant(&sub(MAX_DEPTH + 1), &sub(MAX_DEPTH)).unwrap_err().code(),
            Code::Forbidden
        );
        assert!(delegations.revoke(&sub(1)) && !delegations.revoke(&sub(1)));
        assert!(delegations.current(&sub(2)).unwrap().is_none());
    }
}
