//! Credentials in memory, per session.
//!
//! Invariant: what is kept was fetched for the login that holds the session now. Whatever comes for an earlier login is
//! turned away under the lock that [`Custody::forget`] takes, and nothing that an earlier login left can be read.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::error::{Code, Error, Result};
use crate::base::secret::Secret;
use crate::base::time::{Clock, Timestamp};
use crate::session::key::SessionKey;
use crate::session::users::{Users, not_logged_in};

use super::flow::Flow;
use super::hosted::Login;

/// Providers of which one session may hold credentials.
pub const MAX_PER_SESSION: usize = 128;
/// A credential is not handed out in its last minute: whoever gets it needs time to use it.
pub const MARGIN: Duration = Duration::from_secs(60);
/// Sessions that there may be before those without their login are looked for.
const FIRST_SWEEP: usize = 64;

/// What a credential was asked for with; asking again repeats it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ask {
    /// The provider.
    pub provider: String,
    /// How.
    pub flow: Flow,
    /// What for; `None` leaves it to the provider's settings.
    pub scopes: Option<Vec<String>>,
    /// Where the browser goes; `None` leaves it to the provider's settings.
    pub redirect_url: Option<String>,
}

/// A credential. Its value shows in no output.
#[derive(Debug)]
pub struct Credential {
    /// The token or key.
    pub value: Secret,
    /// What it was asked for with; `None` for one that was imported.
    pub ask: Option<Ask>,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
}

impl Credential {
    /// `oauth2` or `api_key`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.ask.as_ref().map_or(Flow::ApiKey, |ask| ask.flow).credential_type()
    }

    /// Whether it may still be used.
    #[must_use]
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| !end.is_past(now + MARGIN))
    }
}

/// Who holds a session: the login, or nobody.
pub type Holder = Option<Login>;

/// All credentials of this process.
#[derive(Debug)]
pub struct Custody {
    users: Arc<dyn Users>,
    clock: Arc<dyn Clock>,
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    sessions: HashMap<SessionKey, Kept>,
    sweep_at: usize,
    /// How often a session was forgotten.
    forgotten: u64,
}

#[derive(Debug)]
struct Kept {
    holder: Holder,
    credentials: BTreeMap<String, Arc<Credential>>,
}

impl Custody {
    /// An empty one.
    #[must_use]
    pub fn new(users: Arc<dyn Users>, clock: Arc<dyn Clock>) -> Self {
        let held = Mutex::new(Held { sessions: HashMap::new(), sweep_at: FIRST_SWEEP, forgotten: 0 });
        Self { users, clock, held }
    }

    /// Who holds a session now.
    ///
    /// # Errors
    /// `StoreUnavailable` when that cannot be known.
    pub fn holder(&self, key: &SessionKey) -> Result<Holder> {
        Ok(self.users.current(key)?.map(|session| Login::of(&session)))
    }

    /// Keeps a credential for a holder, in place of an earlier one of that provider.
    ///
    /// # Errors
    /// `NotLoggedIn` when the session has another holder by now, `TooLarge` when it holds too many.
    pub fn keep(
        &self,
        key: &SessionKey,
        holder: &Holder,
        provider: &str,
        credential: Credential,
    ) -> Result<Arc<Credential>> {
        let credential = Arc::new(credential);
        self.sweep();
        let mut held = self.held();
        loop {
            let forgotten = held.forgotten;
            drop(held);
            if self.holder(key)? != *holder {
                return Err(not_logged_in());
            }
            held = self.held();
            // A logout in between may be that of this holder.
            if held.forgotten == forgotten {
                break;
            }
        }
        let kept = held
            .sessions
            .entry(key.clone())
            .or_insert_with(|| Kept { holder: holder.clone(), credentials: BTreeMap::new() });
        if kept.holder != *holder {
            *kept = Kept { holder: holder.clone(), credentials: BTreeMap::new() };
        }
        if kept.credentials.len() >= MAX_PER_SESSION && !kept.credentials.contains_key(provider) {
            let message = format!("the session holds credentials of {MAX_PER_SESSION} providers already");
            return Err(Error::new(Code::TooLarge, message).with_hint("log out to drop them all"));
        }
        kept.credentials.insert(provider.to_owned(), credential.clone());
        Ok(credential)
    }

    /// A provider's credential that this holder may use now.
    #[must_use]
    pub fn usable(&self, key: &SessionKey, holder: &Holder, provider: &str) -> Option<Arc<Credential>> {
        self.any(key, holder, provider).filter(|credential| credential.is_usable(self.clock.now()))
    }

    /// As [`Custody::usable`], ended ones included.
    #[must_use]
    pub fn any(&self, key: &SessionKey, holder: &Holder, provider: &str) -> Option<Arc<Credential>> {
        let present = self.holder(key).ok()?;
        self.held().of(key, holder, &present)?.get(provider).cloned()
    }

    /// Everything that the present holder of a session has, by provider.
    #[must_use]
    pub fn all(&self, key: &SessionKey) -> BTreeMap<String, Arc<Credential>> {
        let Ok(holder) = self.holder(key) else { return BTreeMap::new() };
        self.held().of(key, &holder, &holder).cloned().unwrap_or_default()
    }

    /// Drops everything of a session.
    pub fn forget(&self, key: &SessionKey) {
        let mut held = self.held();
        held.sessions.remove(key);
        held.forgotten += 1;
    }

    /// Drops what earlier holders left, once there is as much again as after the last time.
    fn sweep(&self) {
        let held = self.held();
        if held.sessions.len() < held.sweep_at {
            return;
        }
        let kept: Vec<_> =
            held.sessions.iter().map(|(key, kept)| (key.clone(), kept.holder.clone())).collect();
        drop(held);
        let left = |(key, holder): &(SessionKey, Holder)| self.holder(key).is_ok_and(|now| now != *holder);
        let left: Vec<_> = kept.into_iter().filter(left).collect();
        let mut held = self.held();
        for (key, holder) in left {
            if held.sessions.get(&key).is_some_and(|kept| kept.holder == holder) {
                held.sessions.remove(&key);
            }
        }
        held.sweep_at = FIRST_SWEEP.max(held.sessions.len() * 2);
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// What a session holds, if the one who asks is its present holder. What an earlier one left is dropped.
    fn of(
        &mut self,
        key: &SessionKey,
        asking: &Holder,
        present: &Holder,
    ) -> Option<&BTreeMap<String, Arc<Credential>>> {
        if self.sessions.get(key)?.holder != *present {
            self.sessions.remove(key);
            return None;
        }
        (asking == present).then(|| self.sessions.get(key).map(|kept| &kept.credentials)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{People, key};
    use super::*;
    use crate::base::time::ManualClock;

    fn custody() -> (Custody, Arc<People>, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix(1_000_000)));
        let people = Arc::new(People::default());
        (Custody::new(people.clone(), clock.clone()), people, clock)
    }

    fn credential(value: &str, expires_at: Option<Timestamp>) -> Credential {
        Credential { value: value.into(), ask: None, expires_at }
    }

    #[test]
    fn what_comes_for_an_earlier_login_is_turned_away_and_what_it_left_cannot_be_read() {
        let (custody, people, clock) = custody();
        let session = key("agent:main:telegram:direct:1");
        people.log_in(&session, "ann", clock.now());
        let ann = custody.holder(&session).unwrap();
        custody.keep(&session, &ann, "google", credential("anns", None)).unwrap();
        // The same person again is another login.
        clock.advance(Duration::from_secs(1));
        for sub in ["ann", "bob"] {
            people.log_in(&session, sub, clock.now());
            let now = custody.holder(&session).unwrap();
            assert!(custody.usable(&session, &now, "google").is_none(), "{sub}");
            assert!(custody.usable(&session, &ann, "google").is_none(), "{sub}");
            assert!(custody.all(&session).is_empty());
            let late = custody.keep(&session, &ann, "google", credential("anns", None));
            assert_eq!(late.unwrap_err().code(), Code::NotLoggedIn);
        }
        people.log_out(&session);
        assert!(custody.keep(&session, &ann, "google", credential("anns", None)).is_err());
        assert!(custody.held().sessions.is_empty());
    }

    #[test]
    fn nobody_may_hold_imported_ones_until_somebody_logs_in() {
        let (custody, people, clock) = custody();
        let session = SessionKey::main();
        custody.keep(&session, &None, "slack", credential("imported", None)).unwrap();
        assert_eq!(custody.usable(&session, &None, "slack").unwrap().value.expose(), "imported");
        people.log_in(&session, "ann", clock.now());
        assert!(custody.usable(&session, &custody.holder(&session).unwrap(), "slack").is_none());
    }

    #[test]
    fn the_last_minute_is_not_handed_out() {
        let (custody, people, clock) = custody();
        let session = SessionKey::main();
        people.log_in(&session, "ann", clock.now());
        let ann = custody.holder(&session).unwrap();
        let end = clock.now() + Duration::from_secs(100);
        custody.keep(&session, &ann, "google", credential("t", Some(end))).unwrap();
        clock.advance(Duration::from_secs(39));
        assert!(custody.usable(&session, &ann, "google").is_some());
        clock.advance(Duration::from_secs(1));
        assert!(custody.usable(&session, &ann, "google").is_none());
        assert!(custody.any(&session, &ann, "google").is_some());
    }

    #[test]
    fn a_session_holds_so_many_and_sessions_without_their_login_are_swept() {
        let (custody, people, clock) = custody();
        let full = SessionKey::main();
        people.log_in(&full, "ann", clock.now());
        let ann = custody.holder(&full).unwrap();
        for n in 0..MAX_PER_SESSION {
            custody.keep(&full, &ann, &format!("p{n}"), credential("t", None)).unwrap();
        }
        assert!(custody.keep(&full, &ann, "p0", credential("t", None)).is_ok());
        let one_more = custody.keep(&full, &ann, "one-more", credential("t", None));
        assert_eq!(one_more.unwrap_err().code(), Code::TooLarge);
        for n in 0..FIRST_SWEEP * 2 {
            let session = key(&format!("agent:main:telegram:direct:{n}"));
            people.log_in(&session, "bob", clock.now());
            custody.keep(&session, &custody.holder(&session).unwrap(), "p", credential("t", None)).unwrap();
            people.log_out(&session);
        }
        assert!(custody.held().sessions.len() <= FIRST_SWEEP);
    }

    #[test]
    fn no_value_shows_in_debug_output() {
        let (custody, _, _) = custody();
        custody.keep(&SessionKey::main(), &None, "p", credential("canary", None)).unwrap();
        assert!(!format!("{custody:?}").contains("canary"));
    }
}
