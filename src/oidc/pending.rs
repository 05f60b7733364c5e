//! Logins that were begun and not finished: single use, for five minutes, and never more than fit.
//!
//! A login is found by its `state`, which only the person who got the link has. Seeing the callback does not use it up;
//! [`PendingLogins::take`] and [`PendingLogins::take_confirmed`] do, at most once between them, whichever of several
//! processes the callback comes to.

use std::sync::Arc;
use std::time::Duration;

use crate::base::codec::base64url;
use crate::base::crypto::sha256;
use crate::base::entropy::{Entropy, random_token};
use crate::base::error::Result;
use crate::base::log;
use crate::base::secret::Secret;
use crate::base::time::{Clock, Timestamp};
use crate::records::local::Local;
use crate::records::{Change, Records, update};
use crate::session::key::SessionKey;

mod record;

pub use record::{Answer, Issuer, Kept, Links, Origin, PendingLogin};
use record::{Link, Parked};

/// How long a link is good.
pub const TTL: Duration = Duration::from_secs(300);
/// Links of one session that are good at a time: a person may click login twice.
pub const MAX_PER_SESSION: usize = 5;
/// Links of all sessions that are good at a time, where this process keeps them.
pub const MAX_TOTAL: usize = 1000;

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
#[derive(Debug)]
pub struct PendingLogins {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    logins: Arc<dyn Records<Kept>>,
    /// Which logins are a session's: only for [`MAX_PER_SESSION`].
    links: Arc<dyn Records<Links>>,
}

impl PendingLogins {
    /// None yet, kept in the memory of this process.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        let logins = Arc::new(Local::new(MAX_TOTAL, clock.clone()));
        let links = Arc::new(Local::new(MAX_TOTAL, clock.clone()));
        Self::on(logins, links, clock, entropy)
    }

    /// Those that are kept there.
    #[must_use]
    pub fn on(
        logins: Arc<dyn Records<Kept>>,
        links: Arc<dyn Records<Links>>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { clock, entropy, logins, links }
    }

    /// Begins a login. The session's oldest goes when it has [`MAX_PER_SESSION`] already, the oldest of all when there
    /// are [`MAX_TOTAL`].
    ///
    /// # Errors
    /// When the system gives no random bytes; `StoreUnavailable` when the login is kept nowhere.
    pub fn open(&self, session: SessionKey, origin: Origin, issuer: Issuer) -> Result<Opened> {
        let [state, nonce, verifier] = [self.random()?, self.random()?, self.random()?];
        let challenge = base64url(&sha256(verifier.expose().as_bytes()));
        let created_at = self.clock.now();
        let login = PendingLogin {
            session: session.clone(),
            origin,
            issuer,
            nonce: nonce.clone(),
            verifier,
            created_at,
        };
        let link = Link { state_hash: hash(state.expose()), ends: created_at + TTL };
        // First the login: nobody has its state before this returns.
        let kept = Kept { login: Arc::new(login), parked: None };
        let _ = self.logins.put(&link.state_hash, kept)?;
        let (too_old, _) = update(&*self.links, &session, |links| {
            let mut links: Vec<_> = links.map_or_else(Vec::new, |links| links.0.clone());
            links.retain(|link| !link.ends.is_past(created_at));
            links.push(link.clone());
            let too_many = links.len().saturating_sub(MAX_PER_SESSION);
            let too_old: Vec<_> = links.drain(..too_many).collect();
            Ok((Change::Put(Links(links)), too_old))
        })?;
        for link in too_old {
            // One that stays for now ends by itself.
            let _ = update(&*self.logins, &link.state_hash, |_| Ok((Change::Remove, ())));
        }
        Ok(Opened { state, nonce, challenge, expires_at: created_at + TTL })
    }

    /// The login of a state, which stays.
    ///
    /// # Errors
    /// `StoreUnavailable` when that cannot be known.
    pub fn find(&self, state: &str) -> Result<Option<Arc<PendingLogin>>> {
        Ok(self.logins.get(&hash(state))?.map(|found| found.value.login.clone()))
    }

    /// Keeps the answer until the person confirms, and returns the token to confirm with; it stands for this answer only.
    /// A later answer of the same login (the page was loaded again) replaces both. `None` when the login is gone.
    ///
    /// # Errors
    /// When the system gives no random bytes; `StoreUnavailable` when the answer is kept nowhere.
    pub fn park(&self, state: &str, answer: Answer) -> Result<Option<Secret>> {
        let token = self.random()?;
        let (parked, _) = update(&*self.logins, &hash(state), |kept| {
            let Some(kept) = kept else { return Ok((Change::Keep, None)) };
            let parked = Parked { answer: answer.clone(), token: token.clone() };
            let kept = Kept { login: kept.login.clone(), parked: Some(parked) };
            Ok((Change::Put(kept), Some(token.clone())))
        })?;
        Ok(parked)
    }

    /// Uses up the login of a state.
    ///
    /// # Errors
    /// `StoreUnavailable`: then it is not used up, as far as can be known.
    pub fn take(&self, state: &str) -> Result<Option<Arc<PendingLogin>>> {
        self.take_if(state, |kept| Some(kept.login.clone()))
    }

    /// Uses up the login of a state whose answer was confirmed with its token; with any other token nothing changes.
    ///
    /// # Errors
    /// As [`PendingLogins::take`].
    pub fn take_confirmed(&self, state: &str, token: &str) -> Result<Option<(Arc<PendingLogin>, Answer)>> {
        self.take_if(state, |kept| {
            let parked = kept.parked.as_ref().filter(|parked| parked.token.same_as(token.as_bytes()))?;
            Some((kept.login.clone(), parked.answer.clone()))
        })
    }

    /// Uses up the login of a state if something is to be had of it.
    fn take_if<R>(&self, state: &str, of: impl Fn(&Kept) -> Option<R>) -> Result<Option<R>> {
        let name = hash(state);
        let (taken, _) = update(&*self.logins, &name, |kept| {
            Ok(match kept.and_then(|kept| Some((kept.login.session.clone(), of(kept)?))) {
                Some(taken) => (Change::Remove, Some(taken)),
                None => (Change::Keep, None),
            })
        })?;
        let Some((session, taken)) = taken else { return Ok(None) };
        self.unlink(&session, &name);
        Ok(Some(taken))
    }

    /// Frees the place of a link that was used. Where that fails, the place is free when the link would have ended.
    fn unlink(&self, session: &SessionKey, name: &Arc<str>) {
        let unlinked = update(&*self.links, session, |links| {
            let Some(links) = links else { return Ok((Change::Keep, ())) };
            let left: Vec<_> = links.0.iter().filter(|link| link.state_hash != *name).cloned().collect();
            Ok((if left.is_empty() { Change::Remove } else { Change::Put(Links(left)) }, ()))
        });
        if let Err(error) = unlinked {
            log::warn("a used link still counts for its session", &[("session", session), ("error", &error)]);
        }
    }

    fn random(&self) -> Result<Secret> {
        random_token(&*self.entropy).map(Secret::new)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.logins.known().len()
    }
}

/// Logins are filed under a hash, so that neither how long a look-up takes nor who reads the names learns a state.
fn hash(state: &str) -> Arc<str> {
    base64url(&sha256(state.as_bytes())).into()
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::base::entropy::OsEntropy;
    use crate::base::error::Code;
    use crate::base::time::ManualClock;
    use crate::records::testing::Cut;

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
            let login = pending.find(opened.state.expose()).unwrap().unwrap();
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
        assert!(
            pending.find(&state).unwrap().is_some() && pending.find(&state).unwrap().is_some(),
            "looking is not using"
        );
        assert!(pending.take(&state).unwrap().is_some());
        assert!(pending.take(&state).unwrap().is_none() && pending.find(&state).unwrap().is_none());
        assert!(pending.find("").unwrap().is_none() && pending.find("x").unwrap().is_none());
    }

    #[test]
    fn a_link_ends_after_five_minutes() {
        let (pending, clock) = pending();
        let [a, b, c, d] = [0; 4].map(|_| open(&pending, "main"));
        let token = pending.park(&c, coded("code")).unwrap().unwrap();
        clock.advance(TTL - Duration::from_secs(1));
        assert!(pending.take(&a).unwrap().is_some());
        clock.advance(Duration::from_secs(1));
        assert!(pending.find(&b).unwrap().is_none() && pending.take(&b).unwrap().is_none());
        assert!(pending.take_confirmed(&c, token.expose()).unwrap().is_none());
        assert!(pending.park(&d, coded("code")).unwrap().is_none());
        open(&pending, "main");
        assert_eq!(pending.len(), 1, "ended ones are cleared");
    }

    #[test]
    fn the_sixth_link_of_a_session_ends_its_first_and_nobody_elses() {
        let (pending, _) = pending();
        let other = open(&pending, "agent:main:x");
        let states: Vec<_> = (0..=MAX_PER_SESSION).map(|_| open(&pending, "main")).collect();
        assert!(pending.find(&states[0]).unwrap().is_none());
        assert!(states[1..].iter().all(|state| pending.find(state).unwrap().is_some()));
        assert!(pending.find(&other).unwrap().is_some());
    }

    #[test]
    fn there_are_never_more_than_a_thousand() {
        let (pending, _) = pending();
        let states: Vec<_> = (0..=MAX_TOTAL).map(|i| open(&pending, &format!("agent:main:s{i}"))).collect();
        assert_eq!(pending.len(), MAX_TOTAL);
        assert!(pending.find(&states[0]).unwrap().is_none() && pending.find(&states[1]).unwrap().is_some());
    }

    #[test]
    fn only_the_token_of_the_last_code_confirms_and_only_once() {
        let (pending, _) = pending();
        let state = open(&pending, "main");
        assert!(pending.take_confirmed(&state, "").unwrap().is_none(), "no code yet");
        let first = pending.park(&state, coded("code-1")).unwrap().unwrap();
        let second = pending.park(&state, coded("code-2")).unwrap().unwrap();
        assert!(
            pending.take_confirmed(&state, first.expose()).unwrap().is_none(),
            "stands for the replaced code"
        );
        assert!(pending.take_confirmed("other", second.expose()).unwrap().is_none());
        let (_, answer) = pending.take_confirmed(&state, second.expose()).unwrap().unwrap();
        assert_eq!(answer.code.expose(), "code-2");
        assert!(pending.take_confirmed(&state, second.expose()).unwrap().is_none());
        assert!(pending.park("unknown", coded("c")).unwrap().is_none());
    }

    #[test]
    fn a_link_that_was_used_counts_for_its_session_no_more() {
        let (pending, _) = pending();
        let first = open(&pending, "main");
        for _ in 0..2 * MAX_PER_SESSION {
            let state = open(&pending, "main");
            assert!(pending.take(&state).unwrap().is_some());
        }
        assert!(pending.find(&first).unwrap().is_some());
        assert!(pending.take(&first).unwrap().is_some());
        assert!(pending.links.known().is_empty(), "nothing is left of a session without links");
    }

    #[test]
    fn of_many_processes_that_a_callback_reaches_one_uses_the_link() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix(1_000)));
        let (logins, links) = (Cut::new(clock.clone()), Cut::new(clock.clone()));
        let process = || PendingLogins::on(logins.clone(), links.clone(), clock.clone(), Arc::new(OsEntropy));
        for confirmed in [true, false] {
            let (begun, arrived) = (process(), process());
            let state = open(&begun, "main");
            let token = arrived.park(&state, coded("code")).unwrap().unwrap();
            let taken = thread::scope(|scope| {
                let racers: Vec<_> = (0..8)
                    .map(|_| {
                        scope.spawn(|| {
                            let process = process();
                            if confirmed {
                                process.take_confirmed(&state, token.expose()).unwrap().is_some()
                            } else {
                                process.take(&state).unwrap().is_some()
                            }
                        })
                    })
                    .collect();
                racers.into_iter().map(|racer| racer.join().unwrap()).filter(|taken| *taken).count()
            });
            assert_eq!(taken, 1);
        }
    }

    #[test]
    fn a_link_that_cannot_be_looked_up_is_neither_good_nor_used() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix(1_000)));
        let (logins, links) = (Cut::new(clock.clone()), Cut::new(clock.clone()));
        let pending = PendingLogins::on(logins.clone(), links.clone(), clock.clone(), Arc::new(OsEntropy));
        let state = open(&pending, "main");
        let token = pending.park(&state, coded("code")).unwrap().unwrap();
        let code = |failed: Option<crate::base::error::Error>| failed.map(|error| error.code());
        logins.off(true);
        for failed in [
            pending.find(&state).err(),
            pending.take(&state).err(),
            pending.take_confirmed(&state, token.expose()).err(),
            pending.park(&state, coded("other")).err(),
        ] {
            assert_eq!(code(failed), Some(Code::StoreUnavailable));
        }
        let issuer = Issuer { name: "https://p".into(), must_be_named: false };
        let refused = pending.open(SessionKey::main(), Origin::default(), issuer);
        assert_eq!(code(refused.err()), Some(Code::StoreUnavailable));
        logins.off(false);
        // Which links are the session's does not matter to a login that is finished.
        links.off(true);
        let (_, answer) = pending.take_confirmed(&state, token.expose()).unwrap().unwrap();
        assert_eq!(answer.code.expose(), "code");
    }

    #[test]
    fn debug_shows_no_secret() {
        let (pending, _) = pending();
        let state = open(&pending, "main");
        let login = pending.find(&state).unwrap().unwrap();
        let shown = format!("{login:?} {pending:?}");
        assert!(!shown.contains(login.nonce.expose()) && !shown.contains(login.verifier.expose()));
    }
}
