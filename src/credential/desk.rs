//! Where sessions get their credentials.
//!
//! A fetch asks the service; a parallel one for the same thing shares its outcome. A person's consent is waited for in
//! the background. Invariant: every request, wait and credential belongs to one login, and ends with it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::bounded::BoundedMap;
use crate::base::entropy::Entropy;
use crate::base::error::{Code, Error, Result};
use crate::base::flight::Flight;
use crate::base::secret::Secret;
use crate::base::time::Clock;
use crate::base::url::Url;
use crate::message::target::ReplyTarget;
use crate::session::key::SessionKey;
use crate::session::users::{Users, not_logged_in};

use super::custody::{Ask, Credential, Custody, Holder};
use super::flow::{Flow, unknown_provider};
use super::hosted::{Hosted, Login, Oauth2Answer, Oauth2Request, Speaker};
use super::inject::Injection;
use super::notice::Notifier;
use super::polls::{Asker, Finding, Pace, Polls, Wait};

/// After a failed attempt to have a credential for a call, calls do without it for so long: an agent makes many calls.
pub const RETRY_AFTER: Duration = Duration::from_secs(60);
/// Failed attempts that are remembered.
const MAX_FAILURES: usize = 1024;

/// What to fetch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// The provider.
    pub provider: String,
    /// How; `None` finds it from the provider's entry in the list.
    pub flow: Option<Flow>,
    /// What for; `None` leaves it to the provider's settings.
    pub scopes: Option<Vec<String>>,
    /// Where the browser goes; `None` leaves it to the provider's settings.
    pub redirect_url: Option<String>,
    /// The chat that asked; the end of a consent is told there.
    pub asked_in: Option<Arc<ReplyTarget>>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum Fetched {
    /// The credential is stored.
    Stored(Arc<Credential>),
    /// The person has to consent first.
    Consent {
        /// Where.
        url: Secret,
        /// Whether somebody waits for it in the background; if not, fetching again finishes it.
        waiting: bool,
    },
}

/// Where the desk's parts come from.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Logins.
    pub users: Arc<dyn Users>,
    /// Workload tokens.
    pub speaker: Arc<dyn Speaker>,
    /// The cloud.
    pub hosted: Arc<dyn Hosted>,
    /// Who hears how consents end.
    pub notifier: Arc<dyn Notifier>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// How often consents are asked about.
    pub pace: Pace,
}

/// The desk. Clones are the same desk.
#[derive(Clone, Debug)]
pub struct Desk(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    users: Arc<dyn Users>,
    speaker: Arc<dyn Speaker>,
    hosted: Arc<dyn Hosted>,
    clock: Arc<dyn Clock>,
    custody: Custody,
    polls: Polls,
    flight: Flight<(SessionKey, Login, Ask), Obtained>,
    failures: Mutex<BoundedMap<(SessionKey, String), Failure>>,
}

#[derive(Clone, Debug)]
enum Obtained {
    Held(Arc<Credential>),
    Consent(Secret),
}

#[derive(Clone, Debug)]
struct Failure {
    login: Login,
    until: Duration,
    error: Error,
}

impl Desk {
    /// A desk that holds nothing yet.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new_cyclic(|weak: &std::sync::Weak<Inner>| {
            let Parts { users, speaker, hosted, notifier, clock, entropy, pace } = parts;
            Inner {
                custody: Custody::new(users.clone(), clock.clone()),
                polls: Polls::new(weak.clone(), notifier, clock.clone(), entropy, pace),
                flight: Flight::default(),
                failures: Mutex::new(BoundedMap::new(MAX_FAILURES)),
                users,
                speaker,
                hosted,
                clock,
            }
        }))
    }

    /// The cloud.
    #[must_use]
    pub fn hosted(&self) -> &dyn Hosted {
        &*self.0.hosted
    }

    /// The credentials in memory.
    #[must_use]
    pub fn custody(&self) -> &Custody {
        &self.0.custody
    }

    /// The waits for consents.
    #[must_use]
    pub fn polls(&self) -> &Polls {
        &self.0.polls
    }

    /// Fetches a credential, or says where the person has to consent, which is then waited for.
    ///
    /// # Errors
    /// `NotLoggedIn` before the service is asked for anything, `NotFound` for a provider that is not listed, or why the
    /// service gave nothing.
    pub fn fetch(&self, key: &SessionKey, order: Order) -> Result<Fetched> {
        let inner = &*self.0;
        let login = inner.login(key)?;
        // Who cannot speak for the session need not look for the provider.
        let _ = inner.speaker.workload_token(key)?;
        let flow = match order.flow {
            Some(flow) => flow,
            None => inner.infer(&order.provider)?,
        };
        let Order { provider, scopes, redirect_url, asked_in, .. } = order;
        let ask = Ask { provider, flow, scopes, redirect_url };
        match inner.obtain(key, &login, &ask)? {
            Obtained::Held(credential) => {
                inner.polls.end(key, &ask.provider);
                inner.failures().remove(&(key.clone(), ask.provider));
                Ok(Fetched::Stored(credential))
            }
            Obtained::Consent(url) => {
                let wait = Wait { login: login.clone(), ask, url, asked_in };
                let (url, waiting) = inner.polls.begin(key, wait, || inner.holds(key, &login));
                Ok(Fetched::Consent { url, waiting })
            }
        }
    }

    /// The environment of one call of a session: its bindings, with the credentials of the login it has now.
    ///
    /// What is not in memory, or has ended, is fetched again when that needs no person.
    ///
    /// # Errors
    /// `StoreUnavailable` when it cannot be known whose session it is.
    pub fn injection(
        &self,
        key: &SessionKey,
        bindings: &std::collections::BTreeMap<String, String>,
        host_blocks: bool,
    ) -> Result<Injection> {
        let holder = self.0.custody.holder(key)?;
        Ok(Injection::of(bindings, host_blocks, |provider| self.0.at_hand(key, &holder, provider)))
    }

    /// A session's credential, if it is in memory or can be had without a person.
    ///
    /// # Errors
    /// `NotLoggedIn`, `NotFound` where a person's consent is missing, or why the service gave nothing.
    pub fn at_hand(&self, key: &SessionKey, provider: &str) -> Result<Arc<Credential>> {
        self.0.at_hand(key, &self.0.custody.holder(key)?, provider)
    }

    /// Drops everything of a session, after its login was removed or replaced.
    pub fn forget(&self, key: &SessionKey) {
        self.0.custody.forget(key);
        self.0.polls.forget(key);
        self.0.failures().retain(|(of, _), _| of != key);
    }

    /// Ends all waits, for the end of the process.
    pub fn close(&self) {
        self.0.polls.close();
    }
}

impl Inner {
    fn login(&self, key: &SessionKey) -> Result<Login> {
        self.users.current(key)?.map(|session| Login::of(&session)).ok_or_else(not_logged_in)
    }

    fn holds(&self, key: &SessionKey, login: &Login) -> bool {
        self.users.current(key).is_ok_and(|session| session.is_some_and(|session| login.is(&session)))
    }

    fn infer(&self, provider: &str) -> Result<Flow> {
        Flow::of(&self.hosted.find_provider(provider)?.ok_or_else(|| unknown_provider(provider))?)
    }

    /// Asks the service, once for all who ask for the same at the same time, and stores what it gives.
    fn obtain(&self, key: &SessionKey, login: &Login, ask: &Ask) -> Result<Obtained> {
        self.flight.run(&(key.clone(), login.clone(), ask.clone()), || {
            let identity = self.speaker.workload_token(key)?;
            let (value, expires_in) = match ask.flow.grant() {
                None => (self.hosted.api_key(&identity, &ask.provider)?, None),
                Some(grant) => {
                    let request = Oauth2Request {
                        provider: ask.provider.clone(),
                        grant,
                        scopes: ask.scopes.clone(),
                        redirect_url: ask.redirect_url.clone(),
                    };
                    match self.hosted.oauth2_token(&identity, &request)? {
                        Oauth2Answer::Token { access_token, expires_in } => (access_token, expires_in),
                        Oauth2Answer::Consent { url } if ask.flow == Flow::Oauth2User => {
                            return consent(&ask.provider, url);
                        }
                        Oauth2Answer::Consent { .. } => return Err(wants_a_person(&ask.provider)),
                    }
                }
            };
            let expires_at = expires_in.map(|seconds| self.clock.now() + Duration::from_secs(seconds));
            let credential = Credential { value, ask: Some(ask.clone()), expires_at };
            // Turned away when the login is gone: a token that comes after a logout is kept nowhere.
            self.custody.keep(key, &Some(login.clone()), &ask.provider, credential).map(Obtained::Held)
        })
    }

    fn at_hand(&self, key: &SessionKey, holder: &Holder, provider: &str) -> Result<Arc<Credential>> {
        match (self.custody.usable(key, holder, provider), holder) {
            (Some(credential), _) => Ok(credential),
            (None, Some(login)) => self.silently(key, login, provider),
            (None, None) => Err(not_logged_in()),
        }
    }

    /// A credential for a call, if it can be had without a person.
    fn silently(&self, key: &SessionKey, login: &Login, provider: &str) -> Result<Arc<Credential>> {
        if self.polls.is_waiting(key, provider) {
            return Err(consent_missing(provider));
        }
        let of = (key.clone(), provider.to_owned());
        let now = self.clock.monotonic();
        let failed = self.failures().get(&of).cloned();
        if let Some(failure) = failed.filter(|failure| failure.login == *login && failure.until > now) {
            return Err(failure.error);
        }
        let outcome = self.silently_now(key, login, provider);
        if let Err(error) = &outcome
            && self.holds(key, login)
        {
            let failure = Failure { login: login.clone(), until: now + RETRY_AFTER, error: error.clone() };
            self.failures().insert(of, failure);
        }
        outcome
    }

    fn silently_now(&self, key: &SessionKey, login: &Login, provider: &str) -> Result<Arc<Credential>> {
        let ended = self.custody.any(key, &Some(login.clone()), provider);
        let ask = match ended.and_then(|credential| credential.ask.clone()) {
            Some(ask) => ask,
            None => {
                let _ = self.speaker.workload_token(key)?;
                let flow = self.infer(provider)?;
                Ask { provider: provider.to_owned(), flow, scopes: None, redirect_url: None }
            }
        };
        match self.obtain(key, login, &ask)? {
            Obtained::Held(credential) if credential.is_usable(self.clock.now()) => Ok(credential),
            Obtained::Held(_) => Err(Error::new(
                Code::CloudInvalid,
                format!("the new token of {provider:?} has ended already"),
            )),
            Obtained::Consent(_) => Err(consent_missing(provider)),
        }
    }

    fn failures(&self) -> MutexGuard<'_, BoundedMap<(SessionKey, String), Failure>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asker for Inner {
    fn ask(&self, session: &SessionKey, login: &Login, ask: &Ask) -> Finding {
        if !self.holds(session, login) {
            return Finding::Gone;
        }
        match self.obtain(session, login, ask) {
            Ok(Obtained::Held(_)) => Finding::Granted,
            Ok(Obtained::Consent(_)) => Finding::NotYet,
            Err(error) => match error.code() {
                Code::NotLoggedIn | Code::LoginExpired => Finding::Gone,
                code if code.is_temporary() => Finding::NotYet,
                _ => Finding::Refused(error),
            },
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.polls.close();
    }
}

/// The address goes into a chat as a link: it must be one of the web.
fn consent(provider: &str, url: Secret) -> Result<Obtained> {
    if Url::parse(url.expose()).is_err() {
        let message = format!("the address to consent to provider {provider:?} is no http address");
        return Err(Error::new(Code::CloudInvalid, message).with_hint("check the provider's settings"));
    }
    Ok(Obtained::Consent(url))
}

fn wants_a_person(provider: &str) -> Error {
    let message = format!("provider {provider:?} wants a person's consent");
    Error::new(Code::CloudInvalid, message).with_hint("fetch it with the flow oauth2-user")
}

fn consent_missing(provider: &str) -> Error {
    Error::new(Code::NotFound, format!("the person has not consented to provider {provider:?}"))
        .with_hint("fetch it with identity_fetch and open the link")
}

#[cfg(test)]
mod tests;
