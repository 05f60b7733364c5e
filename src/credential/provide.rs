//! Answers to many ids at once, each a secret or why there is none: what an exec provider of the host gives.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use crate::base::error::{Code, Error, Result};
use crate::base::secret::Secret;
use crate::session::key::SessionKey;

use super::hosted::RoleKeys;
use super::own::Own;
use super::reference::{Reference, RoleField, What};

/// Ids of one request; the host's own limit.
pub const MAX_IDS: usize = 512;
/// Credentials that are asked for at the same time.
const MAX_PARALLEL: usize = 8;

/// Where sessions' credentials come from.
pub trait Sessions: Sync {
    /// The API key of a provider.
    ///
    /// # Errors
    /// Why there is none.
    fn api_key(&self, session: &SessionKey, provider: &str) -> Result<Secret>;

    /// An OAuth2 token of a provider.
    ///
    /// # Errors
    /// Why there is none.
    fn oauth2(&self, session: &SessionKey, provider: &str) -> Result<Secret>;

    /// The temporary keys of a role provider.
    ///
    /// # Errors
    /// Why there are none.
    fn role_keys(&self, session: &SessionKey, provider: &str) -> Result<RoleKeys>;
}

/// The answer to each id. Serialises as the response of the exec provider protocol, version 1.
#[derive(Debug, Default)]
pub struct Provided(BTreeMap<String, Result<Secret>>);

/// Answers each id; each credential is asked for once, however many ids name a part of it.
pub fn provide(ids: &[String], own: &Own, sessions: &dyn Sessions) -> Provided {
    provide_with(ids, |wanted| match (&wanted.session, &wanted.what) {
        (None, What::ApiKey(name)) => own.api_key(name).map(Given::Text),
        (None, What::Oauth2(name)) => own.oauth2(name).map(Given::Text),
        (None, What::Role(name, _)) => own.role_keys(name).map(Given::Keys),
        (Some(session), What::ApiKey(name)) => sessions.api_key(session, name).map(Given::Text),
        (Some(session), What::Oauth2(name)) => sessions.oauth2(session, name).map(Given::Text),
        (Some(session), What::Role(name, _)) => sessions.role_keys(session, name).map(Given::Keys),
    })
}

/// The same failure for every id.
#[must_use]
pub fn failed(ids: &[String], error: &Error) -> Provided {
    Provided(ids.iter().map(|id| (id.clone(), Err(error.clone()))).collect())
}

#[derive(Clone)]
enum Given {
    Text(Secret),
    Keys(RoleKeys),
}

fn provide_with(ids: &[String], ask: impl Fn(&Reference) -> Result<Given> + Sync) -> Provided {
    let read: Vec<(&String, Result<Reference>)> = ids.iter().map(|id| (id, Reference::parse(id))).collect();
    let mut wanted: Vec<Reference> =
        read.iter().filter_map(|(_, read)| read.as_ref().ok().map(whole)).collect();
    let mut seen = std::collections::HashSet::new();
    wanted.retain(|reference| seen.insert(reference.clone()));

    let (next, given) = (AtomicUsize::new(0), Mutex::new(HashMap::new()));
    let work = || {
        while let Some(reference) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
            let answer = ask(reference);
            given.lock().unwrap_or_else(PoisonError::into_inner).insert(reference.clone(), answer);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..wanted.len().min(MAX_PARALLEL) {
            // Where there are no more threads, those that there are do the work.
            let _ = std::thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    let given = given.into_inner().unwrap_or_else(PoisonError::into_inner);
    let answer = |read: Result<Reference>| {
        let reference = read?;
        let missing = || Err(Error::new(Code::Internal, "the attempt ended in a defect"));
        let given = given.get(&whole(&reference)).cloned().unwrap_or_else(missing)?;
        usable(part(given, &reference.what))
    };
    Provided(read.into_iter().map(|(id, read)| (id.clone(), answer(read))).collect())
}

/// The credential that a reference names a part of.
fn whole(reference: &Reference) -> Reference {
    match &reference.what {
        What::Role(name, _) => {
            let what = What::Role(name.clone(), RoleField::AccessKeyId);
            Reference { what, session: reference.session.clone() }
        }
        _ => reference.clone(),
    }
}

fn part(given: Given, what: &What) -> Secret {
    match (given, what) {
        (Given::Keys(keys), What::Role(_, RoleField::SecretAccessKey)) => keys.secret_access_key,
        (Given::Keys(keys), What::Role(_, RoleField::SessionToken)) => keys.session_token,
        (Given::Keys(keys), _) => Secret::new(keys.access_key_id),
        (Given::Text(secret), _) => secret,
    }
}

/// The host takes no blank value, and would only say that it is none.
fn usable(secret: Secret) -> Result<Secret> {
    match secret.expose().trim().is_empty() {
        true => Err(Error::new(Code::CloudInvalid, "the hosted credential is blank")
            .with_hint("enter it again in the provider's settings")),
        false => Ok(secret),
    }
}

impl Provided {
    /// The ids that have no secret, and why.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &Error)> {
        self.0.iter().filter_map(|(id, answer)| Some((id.as_str(), answer.as_ref().err()?)))
    }

    /// How many secrets there are.
    #[must_use]
    pub fn secrets(&self) -> usize {
        self.0.values().filter(|answer| answer.is_ok()).count()
    }
}

/// The one place where these secrets are written out: it is what the program is asked for. Newer hosts read the code of an
/// error, older ones its message.
impl Serialize for Provided {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Failure {
            code: String,
            message: String,
        }
        let values: BTreeMap<&str, &str> = self
            .0
            .iter()
            .filter_map(|(id, answer)| Some((id.as_str(), answer.as_ref().ok()?.expose().as_str())))
            .collect();
        let failure = |error: &Error| Failure { code: code(error), message: sentence(error) };
        let errors: BTreeMap<&str, Failure> =
            self.failures().map(|(id, error)| (id, failure(error))).collect();
        let mut answer = serializer.serialize_map(Some(3))?;
        answer.serialize_entry("protocolVersion", &1)?;
        answer.serialize_entry("values", &values)?;
        answer.serialize_entry("errors", &errors)?;
        answer.end()
    }
}

/// The host's two codes where they fit, for it shows no others; else ours.
fn code(error: &Error) -> String {
    match error.code() {
        Code::NotFound
        | Code::InvalidRequest
        | Code::SessionUnknown
        | Code::NotLoggedIn
        | Code::LoginExpired => "NOT_FOUND".to_owned(),
        Code::SessionAmbiguous => "AMBIGUOUS_DUPLICATE_KEY".to_owned(),
        code => code.as_str().to_uppercase(),
    }
}

fn sentence(error: &Error) -> String {
    match error.hint() {
        Some(hint) => format!("{}; {hint}", error.message()),
        None => error.message().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use serde_json::json;

    use super::*;
    use crate::base::time::Timestamp;

    fn ids(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    fn ask(reference: &Reference) -> Result<Given> {
        match &reference.what {
            What::ApiKey(name) if name == "gone" => {
                Err(Error::new(Code::NotFound, "no provider").with_hint("list"))
            }
            What::ApiKey(name) if name == "down" => Err(Error::new(Code::CloudUnreachable, "no answer")),
            What::ApiKey(name) if name == "many" => Err(Error::new(Code::SessionAmbiguous, "two people")),
            What::ApiKey(name) if name == "blank" => Ok(Given::Text(" \n".into())),
            What::ApiKey(name) | What::Oauth2(name) => {
                Ok(Given::Text(format!("secret of {name}").as_str().into()))
            }
            What::Role(..) => Ok(Given::Keys(RoleKeys {
                access_key_id: "AK".into(),
                secret_access_key: "SK".into(),
                session_token: "ST".into(),
                expires_at: Timestamp::from_unix(0),
            })),
        }
    }

    #[test]
    fn each_id_has_its_secret_or_its_error_in_the_form_that_both_hosts_read() {
        let all = ids(&[
            "apikey/a",
            "oauth2/b",
            "apikey/gone",
            "apikey/down",
            "apikey/many",
            "apikey/blank",
            "odd",
        ]);
        let provided = provide_with(&all, ask);
        assert_eq!(provided.secrets(), 2);
        let shown = serde_json::to_value(&provided).unwrap();
        assert_eq!(shown["protocolVersion"], 1);
        assert_eq!(shown["values"], json!({ "apikey/a": "secret of a", "oauth2/b": "secret of b" }));
        let errors = &shown["errors"];
        assert_eq!(errors["apikey/gone"], json!({ "code": "NOT_FOUND", "message": "no provider; list" }));
        assert_eq!(errors["apikey/down"]["code"], "CLOUD_UNREACHABLE");
        assert_eq!(errors["apikey/many"]["code"], "AMBIGUOUS_DUPLICATE_KEY");
        assert_eq!(errors["apikey/blank"]["code"], "CLOUD_INVALID");
        assert_eq!(errors["odd"]["code"], "NOT_FOUND");
        assert!(!format!("{provided:?}").contains("secret of"));
        let none = serde_json::to_string(&provide_with(&[], ask)).unwrap();
        assert_eq!(none, r#"{"protocolVersion":1,"values":{},"errors":{}}"#);
    }

    #[test]
    fn a_roles_fields_come_from_one_request_and_different_credentials_are_asked_for_at_once() {
        let together = Barrier::new(2);
        let asked = AtomicUsize::new(0);
        let all = ids(&["role/r/accessKeyId", "role/r/secretAccessKey", "role/r/sessionToken", "apikey/a"]);
        let provided = provide_with(&all, |reference| {
            asked.fetch_add(1, Ordering::SeqCst);
            together.wait();
            ask(reference)
        });
        assert_eq!((provided.secrets(), asked.into_inner()), (4, 2));
        let values = &serde_json::to_value(&provided).unwrap()["values"];
        assert_eq!(values["role/r/accessKeyId"], "AK");
        assert_eq!(values["role/r/secretAccessKey"], "SK");
        assert_eq!(values["role/r/sessionToken"], "ST");
    }
}
