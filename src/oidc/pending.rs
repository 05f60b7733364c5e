//! Logins that were begun and not finished: in memory only, single use, for five minutes, and never more than fit.
//!
//! A login is found by its `state`, which only the person who got the link has. Seeing the callback does not use it up;
//! [`PendingLogins::take`] and [`PendingLogins::take_confirmed`] do, at most once between them.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::relay::RelayState;
use crate::base::bounded::BoundedMap;
use crate::base::codec::base64url;
use crate::base::crypto::sha256;
use crate::base::entropy::{Entropy, random_token};
use crate::base::error::Result;
use crate::base::secret::Secret;
use crate::base::time::{Clock, Timestamp};
use crate::message::target::ReplyTarget;
use crate::session::key::SessionKey;

/// How long a link is good.
pub const TTL: Duration = Duration::from_secs(300);
/// Links of one session that are good at a time: a person may click login twice.
pub const MAX_PER_SESSION: usize = 5;
/// Links of all sessions that are good at a time.
pub const MAX_TOTAL: usize = 1000;

/// Where in the chat world a login was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The channel, e.g. `telegram`.
    pub channel: Option<String>,
    /// The person there, as the channel names them.
    pub sender: Option<String>,
    /// Where the outcome is told.
    pub reply_target: Option<Arc<ReplyTarget>>,
}

/// The provider that a login was sent to: its answer must come from there (RFC 9207).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// Its exact name.
    pub name: String,
    /// Whether the callback must carry it.
    pub must_be_named: bool,
}

/// A login that was begun.
#[derive(Clone, Debug)]
pub struct PendingLogin {
    /// Who will be signed in where.
    pub session: SessionKey,
    /// Where it was asked for.
    pub origin: Origin,
    /// The provider it was sent to.
    pub issuer: Issuer,
    /// Ties the id token to this login (OpenID Connect Core section 15.5.2).
    pub nonce: Secret,
    /// Ties the code to us (RFC 7636).
    pub verifier: Secret,
    /// When the link was made.
    pub created_at: Timestamp,
}

/// What came back through the person's browser.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The code.
    pub code: Secret,
    /// Set when the code is that of an identity provider behind the pool, which the pool has to get first.
    pub relay: Option<RelayState>,
}

/// What goes into the authorize URL.
#[derive(Debug)]
pub struct Opened {
    /// The `state`.
    pub state: Secret,
    /// The `nonce`.
    pub nonce: Secret,
    /// The `code_challenge` of method S256.
    pub challenge: String,
    /// When the link ends.
    pub expires_at: Timestamp,
}

/// All pending logins.
pub struct PendingLogins {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    logins: Mutex<BoundedMap<StateHash, Entry>>,
}

/// Logins are filed under a hash, so that how long a look-up takes says nothing about a state.
type StateHash = [u8; 32];

struct Entry {
    login: Arc<PendingLogin>,
    ends: Duration,
    parked: Option<Parked>,
}

/// An answer that waits for the person's confirmation, and the token that confirms this very answer.
struct Parked {
    answer: Answer,
    token: Secret,
}

impl PendingLogins {
    /// None yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { clock, entropy, logins: Mutex::new(BoundedMap::new(MAX_TOTAL)) }
    }

    /// Begins a login. The session's oldest goes when it has [`MAX_PER_SESSION`] already, the oldest of all when there
    /// are [`MAX_TOTAL`].
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn open(&self, session: SessionKey, origin: Origin, issuer: Issuer) -> Result<Opened> {
        let [state, nonce, verifier] = [self.random()?, self.random()?, self.random()?];
        let challenge = base64url(&sha256(verifier.expose().as_bytes()));
        let (now, created_at) = (self.clock.monotonic(), self.clock.now());
        let login = PendingLogin { session, origin, issuer, nonce: nonce.clone(), verifier, created_at };
        let mut logins = self.lock();
        logins.retain(|_, entry| now < entry.ends);
        let mut own = logins.iter().filter(|(_, entry)| entry.login.session == login.session);
        let oldest = own.next().map(|(hash, _)| *hash);
        if 1 + own.count() >= MAX_PER_SESSION
            && let Some(oldest) = oldest
        {
            logins.remove(&oldest);
        }
        logins.insert(hash(state.expose()), Entry { login: Arc::new(login), ends: now + TTL, parked: None });
        Ok(Opened { state, nonce, challenge, expires_at: created_at + TTL })
    }

    /// The login of a state, which stays.
    #[must_use]
    pub fn find(&self, state: &str) -> Option<Arc<PendingLogin>> {
        let now = self.clock.monotonic();
        self.lock().get(&hash(state)).filter(|entry| now < entry.ends).map(|entry| entry.login.clone())
    }

    /// Keeps the answer until the person confirms, and returns the token to confirm with; it stands for this answer only.
    /// A later answer of the same login (the page was loaded again) replaces both. `None` when the login is gone.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn park(&self, state: &str, answer: Answer) -> Result<Option<Secret>> {
        let (token, now) = (self.random()?, self.clock.monotonic());
        let mut logins = self.lock();
        let Some(entry) = logins.get_mut(&hash(state)).filter(|entry| now < entry.ends) else {
            return Ok(None);
        };
        entry.parked = Some(Parked { answer, token: token.clone() });
        Ok(Some(token))
    }

    /// Uses up the login of a state.
    #[must_use]
    pub fn take(&self, state: &str) -> Option<Arc<PendingLogin>> {
        let now = self.clock.monotonic();
        self.lock().remove(&hash(state)).filter(|entry| now < entry.ends).map(|entry| entry.login)
    }

    /// Uses up the login of a state whose answer was confirmed with its token; with any other token nothing changes.
    #[must_use]
    pub fn take_confirmed(&self, state: &str, token: &str) -> Option<(Arc<PendingLogin>, Answer)> {
        let (hash, now) = (hash(state), self.clock.monotonic());
        let mut logins = self.lock();
        let parked = logins.get(&hash)?.parked.as_ref()?;
        if !parked.token.same_as(token.as_bytes()) {
            return None;
        }
        let entry = logins.remove(&hash).filter(|entry| now < entry.ends)?;
        Some((entry.login, entry.parked?.answer))
    }

    /// How many there are, ended ones that were not cleared yet included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn random(&self) -> Result<Secret> {
        random_token(&*self.entropy).map(Secret::new)
    }

    fn lock(&self) -> MutexGuard<'_, BoundedMap<StateHash, Entry>> {
        self.logins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for PendingLogins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingLogins").field("len", &self.len()).finish_non_exhaustive()
    }
}

fn hash(state: &str) -> StateHash {
    sha256(state.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::entropy::OsEntropy;
    use crate::base::time::ManualClock;

    fn pending() -> (PendingLogins, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix(1_000)));
        (PendingLogins::new(clock.clone(), Arc::new(OsEntropy)), clock)
    }

    fn coded(code: &str) -> Answer {
        Answer { code: Secret::from(code), relay: None }
    }

    fn open(pending: &PendingLogins, session: &str) -> String {
        let issuer = Issuer { name: "https://p".into(), must_be_named: false };
        let opened = pending.open(SessionKey::parse(session).unwrap(), Origin::default(), issuer).unwrap();
        opened.state.expose().clone()
    }

    #[test]
    fn every_link_is_random_and_its_challenge_is_s256() {
        let (pending, _) = pending();
        let issuer = Issuer { name: "https://p".into(), must_be_named: false };
        let mut seen = std::collections::HashSet::new();
        for _ in 0..3 {
            let opened = pending.open(SessionKey::main(), Origin::default(), issuer.clone()).unwrap();
            let login = pending.find(opened.state.expose()).unwrap();
            assert!(opened.state.expose().len() == 43 && login.verifier.expose().len() == 43, "256 bits");
            assert_eq!(opened.challenge, base64url(&sha256(login.verifier.expose().as_bytes())));
            assert_eq!(opened.expires_at.unix(), 1_300);
            for value in [&opened.state, &login.nonce, &login.verifier] {
                assert!(seen.insert(value.expose().clone()), "a value occurred twice");
            }
        }
    }

    #[test]
    fn a_link_is_used_once() {
        let (pending, _) = pending();
        let state = open(&pending, "main");
        assert!(pending.find(&state).is_some() && pending.find(&state).is_some(), "looking is not using");
        assert!(pending.take(&state).is_some());
        assert!(pending.take(&state).is_none() && pending.find(&state).is_none());
        assert!(pending.find("").is_none() && pending.find("x").is_none());
    }

    #[test]
    fn a_link_ends_after_five_minutes() {
        let (pending, clock) = pending();
        let [a, b, c, d] = [0; 4].map(|_| open(&pending, "main"));
        let token = pending.park(&c, coded("code")).unwrap().unwrap();
        clock.advance(TTL - Duration::from_secs(1));
        assert!(pending.take(&a).is_some());
        clock.advance(Duration::from_secs(1));
        assert!(pending.find(&b).is_none() && pending.take(&b).is_none());
        assert!(pending.take_confirmed(&c, token.expose()).is_none());
        assert!(pending.park(&d, coded("code")).unwrap().is_none());
        open(&pending, "main");
        assert_eq!(pending.len(), 1, "ended ones are cleared");
    }

    #[test]
    fn the_sixth_link_of_a_session_ends_its_first_and_nobody_elses() {
        let (pending, _) = pending();
        let other = open(&pending, "agent:main:x");
        let states: Vec<_> = (0..=MAX_PER_SESSION).map(|_| open(&pending, "main")).collect();
        assert!(pending.find(&states[0]).is_none());
        assert!(states[1..].iter().all(|state| pending.find(state).is_some()));
        assert!(pending.find(&other).is_some());
    }

    #[test]
    fn there_are_never_more_than_a_thousand() {
        let (pending, _) = pending();
        let states: Vec<_> = (0..=MAX_TOTAL).map(|i| open(&pending, &format!("agent:main:s{i}"))).collect();
        assert_eq!(pending.len(), MAX_TOTAL);
        assert!(pending.find(&states[0]).is_none() && pending.find(&states[1]).is_some());
    }

    #[test]
    fn only_the_token_of_the_last_code_confirms_and_only_once() {
        let (pending, _) = pending();
        let state = open(&pending, "main");
        assert!(pending.take_confirmed(&state, "").is_none(), "no code yet");
        let first = pending.park(&state, coded("code-1")).unwrap().unwrap();
        let second = pending.park(&state, coded("code-2")).unwrap().unwrap();
        assert!(pending.take_confirmed(&state, first.expose()).is_none(), "stands for the replaced code");
        assert!(pending.take_confirmed("other", second.expose()).is_none());
        let (_, answer) = pending.take_confirmed(&state, second.expose()).unwrap();
        assert_eq!(answer.code.expose(), "code-2");
        assert!(pending.take_confirmed(&state, second.expose()).is_none());
        assert!(pending.park("unknown", coded("c")).unwrap().is_none());
    }

    #[test]
    fn debug_shows_no_secret() {
        let (pending, _) = pending();
        let state = open(&pending, "main");
        let login = pending.find(&state).unwrap();
        let shown = format!("{login:?} {pending:?}");
        assert!(!shown.contains(login.nonce.expose()) && !shown.contains(login.verifier.expose()));
    }
}
