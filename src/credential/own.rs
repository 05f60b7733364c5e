//! Credentials of the workload itself, without any person: what a machine's own secrets are had with.
//!
//! What was had is kept for a moment, so that many programs that ask one after the other make one request, and the fields
//! of a role belong together; and not longer, so that a credential that was replaced in the cloud is soon the one that is
//! given.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::bounded::BoundedMap;
use crate::base::error::{Code, Error, Result};
use crate::base::flight::Flight;
use crate::base::opaque::opaque;
use crate::base::secret::Secret;
use crate::base::time::{Clock, Timestamp};

use super::hosted::{Grant, Hosted, Oauth2Answer, Oauth2Request, RoleKeys};

/// How long a credential is kept at most.
pub const KEPT_FOR: Duration = Duration::from_secs(60);
/// What ends sooner than this is not given from memory.
pub const MARGIN: Duration = Duration::from_secs(60);
/// Credentials that are kept.
const MAX_KEPT: usize = 256;

/// Where the token comes from that speaks for the workload alone.
pub trait OwnSpeaker: Send + Sync {
    /// A token of the workload, and when it ends.
    ///
    /// # Errors
    /// Why there is none.
    fn own_token(&self) -> Result<(Secret, Timestamp)>;
}

opaque!(OwnSpeaker);

/// The workload's own credentials. Clones share what is kept.
#[derive(Clone, Debug)]
pub struct Own(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    speaker: Arc<dyn OwnSpeaker>,
    hosted: Arc<dyn Hosted>,
    clock: Arc<dyn Clock>,
    flight: Flight<Wanted, Value>,
    kept: Mutex<BoundedMap<Wanted, Kept>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Wanted {
    Token,
    ApiKey(String),
    Oauth2(String),
    Role(String),
}

#[derive(Clone, Debug)]
enum Value {
    Text(Secret),
    Keys(Box<RoleKeys>),
}

#[derive(Debug)]
struct Kept {
    value: Value,
    until: Timestamp,
}

impl Own {
    /// Nothing is asked before somebody wants something.
    #[must_use]
    pub fn new(speaker: Arc<dyn OwnSpeaker>, hosted: Arc<dyn Hosted>, clock: Arc<dyn Clock>) -> Self {
        let (flight, kept) = (Flight::default(), Mutex::new(BoundedMap::new(MAX_KEPT)));
        Self(Arc::new(Inner { speaker, hosted, clock, flight, kept }))
    }

    /// The API key of a provider.
    ///
    /// # Errors
    /// Why there is none; `NotFound` for a provider that does not exist.
    pub fn api_key(&self, provider: &str) -> Result<Secret> {
        self.0.text(Wanted::ApiKey(provider.to_owned()))
    }

    /// An OAuth2 token that the provider gives to its own client.
    ///
    /// # Errors
    /// As [`Own::api_key`].
    pub fn oauth2(&self, provider: &str) -> Result<Secret> {
        self.0.text(Wanted::Oauth2(provider.to_owned()))
    }

    /// The temporary keys of a role provider.
    ///
    /// # Errors
    /// As [`Own::api_key`].
    pub fn role_keys(&self, provider: &str) -> Result<RoleKeys> {
        match self.0.get(Wanted::Role(provider.to_owned()))? {
            Value::Keys(keys) => Ok(*keys),
            Value::Text(_) => Err(mixed_up()),
        }
    }
}

impl Inner {
    fn text(&self, wanted: Wanted) -> Result<Secret> {
        match self.get(wanted)? {
            Value::Text(secret) => Ok(secret),
            Value::Keys(_) => Err(mixed_up()),
        }
    }

    fn get(&self, wanted: Wanted) -> Result<Value> {
        if let Some(value) = self.known(&wanted) {
            return Ok(value);
        }
        self.flight.run(&wanted, || {
            // An attempt may have ended since.
            if let Some(value) = self.known(&wanted) {
                return Ok(value);
            }
            let (value, until) = self.ask(&wanted)?;
            self.kept().insert(wanted.clone(), Kept { value: value.clone(), until });
            Ok(value)
        })
    }

    fn known(&self, wanted: &Wanted) -> Option<Value> {
        let now = self.clock.now();
        self.kept().get(wanted).filter(|kept| !kept.until.is_past(now)).map(|kept| kept.value.clone())
    }

    /// The credential, and until when it may be kept.
    fn ask(&self, wanted: &Wanted) -> Result<(Value, Timestamp)> {
        let soon = self.clock.now() + KEPT_FOR;
        let provider = match wanted {
            Wanted::Token => {
                let (token, end) = self.speaker.own_token()?;
                return Ok((Value::Text(token), end - MARGIN));
            }
            Wanted::ApiKey(provider) | Wanted::Oauth2(provider) | Wanted::Role(provider) => provider,
        };
        let identity = self.text(Wanted::Token)?;
        Ok(match wanted {
            Wanted::Role(_) => {
                let keys = self.hosted.role_credentials(&identity, provider)?;
                let until = soon.min(keys.expires_at - MARGIN);
                (Value::Keys(Box::new(keys)), until)
            }
            Wanted::Oauth2(_) => {
                let request = Oauth2Request {
                    provider: provider.clone(),
                    grant: Grant::M2m,
                    scopes: None,
                    redirect_url: None,
                };
                match self.hosted.oauth2_token(&identity, &request)? {
                    Oauth2Answer::Token { access_token, expires_in } => {
                        let end = expires_in.map(|seconds| self.clock.now() + Duration::from_secs(seconds));
                        (Value::Text(access_token), end.map_or(soon, |end| soon.min(end - MARGIN)))
                    }
                    Oauth2Answer::Consent { .. } => return Err(wants_a_person(provider)),
                }
            }
            _ => (Value::Text(self.hosted.api_key(&identity, provider)?), soon),
        })
    }

    fn kept(&self) -> MutexGuard<'_, BoundedMap<Wanted, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wants_a_person(provider: &str) -> Error {
    let message =
        format!("provider {provider:?} wants a person's consent, and the workload itself is nobody");
    Error::new(Code::NotFound, message).with_hint("name the session of a person who has consented")
}

fn mixed_up() -> Error {
    Error::new(Code::Internal, "a credential is not of the kind that was asked for")
}

#[cfg(test)]
mod tests {
    use super::super::testing::FakeHosted;
    use super::*;
    use crate::base::time::ManualClock;

    #[derive(Debug)]
    struct Workload(Arc<ManualClock>);

    impl OwnSpeaker for Workload {
        fn own_token(&self) -> Result<(Secret, Timestamp)> {
            Ok(("own".into(), self.0.now() + Duration::from_secs(3600)))
        }
    }

    fn own() -> (Own, Arc<FakeHosted>, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix(1_768_464_000)));
        let hosted = Arc::new(FakeHosted::default());
        (Own::new(Arc::new(Workload(clock.clone())), hosted.clone(), clock.clone()), hosted, clock)
    }

    #[test]
    fn the_workload_asks_as_itself_and_what_it_got_is_kept_for_a_moment() {
        let (own, hosted, clock) = own();
        assert_eq!(own.api_key("openai").unwrap().expose(), "openai-of-own-1");
        assert_eq!(own.api_key("openai").unwrap().expose(), "openai-of-own-1");
        assert_eq!(own.oauth2("robot").unwrap().expose(), "robot-of-own-2");
        clock.advance(KEPT_FOR);
        assert_eq!(own.api_key("openai").unwrap().expose(), "openai-of-own-3");
        let keys = own.role_keys("agents-role").unwrap();
        assert_eq!(keys.access_key_id, own.role_keys("agents-role").unwrap().access_key_id);
        assert_eq!(hosted.asked(), ["key openai", "M2m robot", "key openai", "role agents-role as own"]);
    }

    #[test]
    fn a_provider_that_wants_a_person_gives_the_workload_nothing_and_a_failure_is_not_kept() {
        let (own, hosted, _) = own();
        let error = own.oauth2("person").unwrap_err();
        assert_eq!(error.code(), Code::NotFound);
        hosted.fail_with(Some(Error::new(Code::CloudUnreachable, "down")));
        assert_eq!(own.api_key("openai").unwrap_err().code(), Code::CloudUnreachable);
        hosted.fail_with(None);
        assert!(own.api_key("openai").is_ok());
        assert!(!format!("{own:?}").contains("openai-of"));
    }
}
