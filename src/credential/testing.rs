//! People who log in and out, and a scripted credential hosting that tells what it was asked.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::hosted::{
    Grant, Hosted, IdentitySource, Listing, Oauth2Answer, Oauth2Request, PAGE_SIZE, Provider, ProviderFilter,
    RoleKeys, RoleProvider, Speaker,
};
use super::notice::{Ending, Notifier};
use crate::base::error::{Code, Error, Result};
use crate::base::secret::Secret;
use crate::base::time::Timestamp;
use crate::message::target::ReplyTarget;
use crate::session::key::SessionKey;
use crate::session::model::Session;
use crate::session::users::{Users, not_logged_in};

/// How long a test waits for another thread before it counts as stuck.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn key(text: &str) -> SessionKey {
    SessionKey::parse(text).unwrap()
}

/// Logins in memory.
#[derive(Debug, Default)]
pub(crate) struct People(Mutex<HashMap<SessionKey, Arc<Session>>>);

impl People {
    pub(crate) fn log_in(&self, key: &SessionKey, sub: &str, at: Timestamp) {
        let session = Session {
            sub: sub.into(),
            user_token: format!("user-token-of-{sub}").as_str().into(),
            refresh_token: None,
            login_at: at,
            expires_at: at + Duration::from_secs(86_400),
        };
        self.0.lock().unwrap().insert(key.clone(), Arc::new(session));
    }

    pub(crate) fn log_out(&self, key: &SessionKey) {
        self.0.lock().unwrap().remove(key);
    }
}

impl Users for People {
    fn current(&self, key: &SessionKey) -> Result<Option<Arc<Session>>> {
        Ok(self.0.lock().unwrap().get(key).cloned())
    }
    fn fresh(&self, key: &SessionKey) -> Result<Arc<Session>> {
        self.current(key)?.ok_or_else(not_logged_in)
    }
}

/// Speaks as `tip:<sub>`.
impl Speaker for People {
    fn workload_token(&self, key: &SessionKey) -> Result<Secret> {
        Ok(format!("tip:{}", self.fresh(key)?.sub).as_str().into())
    }
}

type Meanwhile = Box<dyn Fn(&str) -> Result<()> + Send + Sync>;

/// Gives `<provider>-of-<identity>-<n>`. Providers: `google` and `drive` (consent), `robot` (M2M), `openai` (API key), and
/// as many more API keys as a test wants; `person`, which is not listed, wants consent whatever it is asked with.
pub(crate) struct FakeHosted {
    state: Mutex<State>,
    meanwhile: Mutex<Option<Arc<Meanwhile>>>,
}

#[derive(Default)]
struct State {
    consented: Vec<String>,
    asked: Vec<String>,
    issued: usize,
    expires_in: Option<u64>,
    extra: usize,
    failure: Option<Error>,
    watcher: Option<Sender<String>>,
}

impl std::fmt::Debug for FakeHosted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FakeHosted")
    }
}

impl Default for FakeHosted {
    fn default() -> Self {
        let state = State { expires_in: Some(3600), ..State::default() };
        Self { state: Mutex::new(state), meanwhile: Mutex::new(None) }
    }
}

impl FakeHosted {
    pub(crate) fn consent(&self, provider: &str) {
        self.state.lock().unwrap().consented.push(provider.to_owned());
    }

    pub(crate) fn withdraw(&self) {
        self.state.lock().unwrap().consented.clear();
    }

    pub(crate) fn add_providers(&self, count: usize) {
        self.state.lock().unwrap().extra = count;
    }

    pub(crate) fn fail_with(&self, failure: Option<Error>) {
        self.state.lock().unwrap().failure = failure;
    }

    /// Does something in the middle of each request for a credential.
    pub(crate) fn meanwhile(&self, act: impl Fn(&str) -> Result<()> + Send + Sync + 'static) {
        *self.meanwhile.lock().unwrap() = Some(Arc::new(Box::new(act)));
    }

    /// Everything that was asked, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.state.lock().unwrap().asked.clone()
    }

    /// Hears of each request for a credential once it has been answered.
    pub(crate) fn watch(&self) -> Receiver<String> {
        let (sender, receiver) = channel();
        self.state.lock().unwrap().watcher = Some(sender);
        receiver
    }

    fn note(&self, what: String) -> Result<()> {
        let mut state = self.state.lock().unwrap();
        state.asked.push(what);
        state.failure.clone().map_or(Ok(()), Err)
    }

    fn issue(&self, identity: &Secret, provider: &str) -> Result<Secret> {
        let act = self.meanwhile.lock().unwrap().clone();
        if let Some(act) = act {
            act(provider)?;
        }
        let mut state = self.state.lock().unwrap();
        state.issued += 1;
        let sub = identity.expose().trim_start_matches("tip:").to_owned();
        Ok(format!("{provider}-of-{sub}-{}", state.issued).as_str().into())
    }

    fn answered(&self, provider: &str) {
        if let Some(watcher) = &self.state.lock().unwrap().watcher {
            let _ = watcher.send(provider.to_owned());
        }
    }

    fn all(&self) -> Vec<Provider> {
        let entry = |name: &str, kind: &str, flow: Option<&str>| Provider {
            name: name.into(),
            kind: Some(kind.into()),
            flow: flow.map(Into::into),
        };
        let mut all = vec![
            entry("drive", "oauth2", Some("USER_FEDERATION")),
            entry("google", "OAuth2", Some("USER_FEDERATION")),
            entry("openai", "api_key", None),
            entry("robot", "oauth2", Some("M2M")),
        ];
        let extra = self.state.lock().unwrap().extra;
        all.extend((0..extra).map(|n| entry(&format!("key-{n:03}"), "api_key", None)));
        all
    }
}

impl Hosted for FakeHosted {
    fn list_providers(&self, page: u32, filter: &ProviderFilter) -> Result<Listing> {
        self.note(format!("list page {page}"))?;
        let all: Vec<_> = self.all().into_iter().filter(|provider| filter.admits(provider)).collect();
        let (skip, size) = ((page as usize - 1) * PAGE_SIZE as usize, PAGE_SIZE as usize);
        let total = Some(all.len() as u64);
        Ok(Listing { providers: all.into_iter().skip(skip).take(size).collect(), total })
    }

    fn find_provider(&self, name: &str) -> Result<Option<Provider>> {
        self.note(format!("find {name}"))?;
        Ok(self.all().into_iter().find(|provider| provider.name == name))
    }

    fn oauth2_token(&self, identity: &Secret, request: &Oauth2Request) -> Result<Oauth2Answer> {
        let Oauth2Request { provider, grant, scopes, redirect_url } = request;
        let asked = match (scopes, redirect_url) {
            (None, None) => format!("{grant:?} {provider}"),
            _ => format!("{grant:?} {provider} {scopes:?} {redirect_url:?}"),
        };
        let outcome = self.note(asked).and_then(|()| {
            let value = self.issue(identity, provider)?;
            let state = self.state.lock().unwrap();
            let free = *grant == Grant::M2m && provider != "person";
            if free || state.consented.contains(provider) {
                return Ok(Oauth2Answer::Token { access_token: value, expires_in: state.expires_in });
            }
            let url = format!("https://consent.example/{provider}?n={}", state.issued);
            Ok(Oauth2Answer::Consent { url: url.as_str().into() })
        });
        self.answered(provider);
        outcome
    }

    fn api_key(&self, identity: &Secret, provider: &str) -> Result<Secret> {
        let outcome = self.note(format!("key {provider}")).and_then(|()| self.issue(identity, provider));
        self.answered(provider);
        outcome
    }

    fn user_credential(&self, identity: &Secret, id: &str) -> Result<Secret> {
        self.note(format!("user credential {id}"))?;
        self.issue(identity, id)
    }

    fn role_providers(&self, prefix: Option<&str>) -> Result<Vec<RoleProvider>> {
        self.note(format!("roles {prefix:?}"))?;
        let all = [
            ("agents-role", Some(IdentitySource::AgentPool)),
            ("ecs-readonly", Some(IdentitySource::UserPool)),
            ("plain", None),
        ];
        let begins = |name: &str| name.starts_with(prefix.unwrap_or_default());
        Ok(all
            .into_iter()
            .filter(|(name, _)| begins(name))
            .map(|(name, identity_source)| RoleProvider { name: name.into(), identity_source })
            .collect())
    }

    fn role_credentials(&self, identity: &Secret, provider: &str) -> Result<RoleKeys> {
        self.note(format!("role {provider} as {}", identity.expose()))?;
        if provider == "nobodys" {
            return Err(Error::new(Code::CloudRefused, "no such role provider"));
        }
        Ok(RoleKeys {
            access_key_id: "AKTPexample".into(),
            secret_access_key: "role-secret-canary".into(),
            session_token: "role-session-canary".into(),
            expires_at: Timestamp::from_unix(1_768_467_600),
        })
    }
}

/// Hears how consents end.
#[derive(Debug)]
pub(crate) struct Ears(Mutex<Sender<String>>);

impl Ears {
    pub(crate) fn new() -> (Arc<Self>, Receiver<String>) {
        let (sender, receiver) = channel();
        (Arc::new(Self(Mutex::new(sender))), receiver)
    }
}

impl Notifier for Ears {
    fn consent_ended(
        &self,
        session: &SessionKey,
        provider: &str,
        asked_in: Option<&Arc<ReplyTarget>>,
        ending: &Ending,
    ) {
        let chat = asked_in.and_then(|chat| chat.to.as_ref()).map(|to| format!(" in {to}"));
        let ending = match ending {
            Ending::Granted => "granted".to_owned(),
            Ending::TimedOut => "timed out".to_owned(),
            Ending::Failed(error) => error.code().as_str().to_owned(),
        };
        let _ =
            self.0.lock().unwrap().send(format!("{session} {provider} {ending}{}", chat.unwrap_or_default()));
    }
}
