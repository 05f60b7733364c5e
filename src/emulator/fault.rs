//! Faults on order: what an endpoint does wrong, and how often.
//!
//! An endpoint's faults take effect in the order in which they were added. Delays and changes to the real answer add up,
//! until one that answers in the endpoint's place; those behind it wait for the next request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::message::{Ending, Reply};
use super::route::is_target;
use crate::base::error::{Code, Error, Result};

/// Faults that wait at most.
pub const MAX_FAULTS: usize = 256;
/// The longest delay.
pub const MAX_DELAY: Duration = Duration::from_secs(60);
/// Matches every endpoint except the emulator's own controls.
pub const ANY: &str = "*";

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Effect {
    /// The cloud API's error envelope, with any status: a 200 with an `Error` is one, too.
    Error {
        /// The HTTP status.
        status: u16,
        /// `Error.Code`.
        code: String,
        /// `Error.Message`.
        message: String,
    },
    /// The flat error form that gateways use.
    FlatError {
        /// The HTTP status and `HTTPCode`.
        status: u16,
        /// `errorcode`.
        code: String,
        /// `message`.
        message: String,
    },
    /// The error object of OAuth endpoints (RFC 6749 section 5.2).
    OauthError {
        /// The HTTP status.
        status: u16,
        /// `error`.
        error: String,
    },
    /// Any answer, such as a proxy's page.
    Respond {
        /// The HTTP status.
        status: u16,
        /// The media type of the body.
        content_type: String,
        /// The body.
        body: String,
    },
    /// The connection closes without an answer.
    HangUp,
    /// The answer is late by so many milliseconds, [`MAX_DELAY`] at most.
    Delay {
        /// How late.
        milliseconds: u64,
    },
    /// The connection closes after so many bytes of the answer's body.
    Truncate {
        /// How many.
        bytes: usize,
    },
    /// Tokens in the answer name a published key, but another one signed them.
    WrongSignature,
    /// The answer has no `Result`.
    MissingResult,
    /// The answer uses the other spelling of fields that have two: `Expiration` and `ExpiredTime`.
    AlternativeFields,
    /// A list comes under `Data` in place of its own name.
    AlternativeListKey,
    /// A member of the answer's `Result` has this value; of the answer itself when it has no `Result`. A lie about
    /// `TotalCount` is one use of it.
    SetField {
        /// The member.
        name: String,
        /// Its value.
        value: Value,
    },
    /// A member of the answer's `Result` is left out; of the answer itself when it has no `Result`.
    RemoveField {
        /// The member.
        name: String,
    },
    /// The answer comes inside an object with this one member.
    Wrap {
        /// The member, such as `Result` around metadata credentials.
        name: String,
    },
    /// The content of a member of `Result` comes in the place of `Result`.
    Unwrap {
        /// The member, such as `VolcEngResponse`.
        name: String,
    },
    /// 429 with `Retry-After`.
    Throttle {
        /// `Retry-After`.
        retry_after_seconds: u32,
    },
}

/// An effect on an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// An action of the cloud API, an endpoint as [`super::Recorded::target`] names it, or [`ANY`].
    pub target: String,
    /// For how many requests; `None` for all until cleared.
    #[serde(default)]
    pub times: Option<u32>,
    /// Only requests with this `PageNumber`; `None` for all.
    #[serde(default)]
    pub page: Option<i64>,
    /// What goes wrong.
    pub effect: Effect,
}

impl Fault {
    /// An effect on every request until cleared.
    #[must_use]
    pub fn always(target: &str, effect: Effect) -> Self {
        Self { target: target.to_owned(), times: None, page: None, effect }
    }

    /// An effect on the next so many requests.
    #[must_use]
    pub fn times(target: &str, times: u32, effect: Effect) -> Self {
        Self { target: target.to_owned(), times: Some(times), page: None, effect }
    }

    /// The same for one page of a list only.
    #[must_use]
    pub fn on_page(self, page: i64) -> Self {
        Self { page: Some(page), ..self }
    }
}

/// The faults on order. Copies share them.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Vec<Fault>>>);

impl Faults {
    /// Orders a fault.
    ///
    /// # Errors
    /// When the target is no endpoint, the effect is out of bounds, or [`MAX_FAULTS`] wait already.
    pub fn add(&self, fault: Fault) -> Result<()> {
        let refuse = |what: String| Err(Error::new(Code::InvalidRequest, what));
        if fault.target != ANY && !is_target(&fault.target) {
            return refuse(format!("there is no endpoint or action {}", fault.target));
        }
        match fault.effect {
            Effect::Delay { milliseconds } if Duration::from_millis(milliseconds) > MAX_DELAY => {
                return refuse(format!("a delay is at most {} seconds", MAX_DELAY.as_secs()));
            }
            Effect::Error { status, .. }
            | Effect::FlatError { status, .. }
            | Effect::OauthError { status, .. }
            | Effect::Respond { status, .. }
                if !(200..600).contains(&status) =>
            {
                return refuse(format!("{status} is not the status of an answer"));
            }
            _ => {}
        }
        let mut faults = self.lock();
        if faults.len() >= MAX_FAULTS {
            return refuse(format!("at most {MAX_FAULTS} faults can wait"));
        }
        faults.push(fault);
        Ok(())
    }

    /// Cancels all of them.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Uses up what is due for a request to an endpoint, of a page if it is for a list.
    pub(super) fn take(&self, target: &str, page: Option<i64>) -> Effects {
        let mut effects = Effects::default();
        for fault in self.lock().iter_mut().filter(|f| f.target == ANY || f.target == target) {
            if fault.times == Some(0) || fault.page.is_some_and(|wanted| page != Some(wanted)) {
                continue;
            }
            fault.times = fault.times.map(|left| left - 1);
            effects.add(&fault.effect);
            if effects.instead.is_some() {
                break;
            }
        }
        self.lock().retain(|fault| fault.times != Some(0));
        effects
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What befalls one request.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// To wait before anything else.
    pub delay: Duration,
    /// To answer in place of the endpoint.
    pub instead: Option<Effect>,
    /// To sign with the unpublished key.
    pub wrong_signature: bool,
    truncate: Option<usize>,
    /// What to do to the answer's body, in order.
    changes: Vec<Effect>,
}

impl Effects {
    fn add(&mut self, effect: &Effect) {
        match effect {
            Effect::Delay { milliseconds } => {
                self.delay = (self.delay + Duration::from_millis(*milliseconds)).min(MAX_DELAY);
            }
            Effect::Truncate { bytes } => self.truncate = Some(*bytes),
            Effect::WrongSignature => self.wrong_signature = true,
            Effect::MissingResult
            | Effect::AlternativeFields
            | Effect::AlternativeListKey
            | Effect::SetField { .. }
            | Effect::RemoveField { .. }
            | Effect::Wrap { .. }
            | Effect::Unwrap { .. } => self.changes.push(effect.clone()),
            other => self.instead = Some(other.clone()),
        }
    }

    /// Changes the endpoint's answer as ordered.
    pub(super) fn spoil(&self, mut reply: Reply) -> Reply {
        if !self.changes.is_empty()
            && let Ok(mut body) = serde_json::from_slice::<Value>(&reply.body)
        {
            self.changes.iter().for_each(|change| change.apply(&mut body));
            reply.body = body.to_string().into_bytes();
        }
        if let Some(bytes) = self.truncate {
            reply.ending = Ending::Truncated(bytes);
        }
        reply
    }
}

impl Effect {
    /// Changes the body of an answer.
    fn apply(&self, body: &mut Value) {
        match self {
            Self::MissingResult => remove(body, "Result"),
            Self::AlternativeFields => swap_names(body, "ExpiredTime", "Expiration"),
            Self::AlternativeListKey => {
                if let Some(members) = body.get_mut("Result").and_then(Value::as_object_mut)
                    && let Some(name) =
                        members.iter().find(|(_, v)| v.is_array()).map(|(name, _)| name.clone())
                    && let Some(list) = members.remove(&name)
                {
                    members.insert("Data".to_owned(), list);
                }
            }
            Self::SetField { name, value } => {
                if let Some(members) = content(body).as_object_mut() {
                    members.insert(name.clone(), value.clone());
                }
            }
            Self::RemoveField { name } => remove(content(body), name),
            Self::Wrap { name } => *body = json!({ name: body.take() }),
            Self::Unwrap { name } => {
                if let Some(inner) =
                    body.get_mut("Result").and_then(|result| result.get_mut(name)).map(Value::take)
                    && let Some(members) = body.as_object_mut()
                {
                    members.insert("Result".to_owned(), inner);
                }
            }
            _ => {}
        }
    }

    /// The answer in the endpoint's place; `metadata` is the envelope's head with this request's identifiers.
    pub(super) fn reply(&self, mut metadata: Value) -> Reply {
        match self {
            Self::Error { status, code, message } => {
                metadata["Error"] = json!({ "Code": code, "Message": message });
                Reply::json(*status, &json!({ "ResponseMetadata": metadata }))
            }
            Self::FlatError { status, code, message } => {
                Reply::json(*status, &json!({ "HTTPCode": status, "errorcode": code, "message": message }))
            }
            Self::OauthError { status, error } => {
                Reply::json(*status, &json!({ "error": error, "error_description": "ordered by a fault" }))
            }
            Self::Throttle { retry_after_seconds } => {
                metadata["Error"] = json!({ "Code": "Throttled", "Message": "too many requests" });
                Reply::json(429, &json!({ "ResponseMetadata": metadata }))
                    .with("retry-after", retry_after_seconds.to_string())
            }
            Self::Respond { status, content_type, body } => {
                Reply::new(*status, content_type, body.as_bytes())
            }
            _ => {
                let mut reply = Reply::text(500, "");
                reply.ending = Ending::HungUp;
                reply
            }
        }
    }
}

/// What the changes to an answer's members apply to.
fn content(body: &mut Value) -> &mut Value {
    if body.get("Result").is_some_and(Value::is_object) { &mut body["Result"] } else { body }
}

fn remove(value: &mut Value, name: &str) {
    if let Some(members) = value.as_object_mut() {
        members.remove(name);
    }
}

/// Gives every member of one name the other, throughout.
fn swap_names(value: &mut Value, one: &str, other: &str) {
    match value {
        Value::Object(members) => {
            let (first, second) = (members.remove(one), members.remove(other));
            members.extend(first.map(|value| (other.to_owned(), value)));
            members.extend(second.map(|value| (one.to_owned(), value)));
            members.values_mut().for_each(|member| swap_names(member, one, other));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| swap_names(item, one, other)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn respond(status: u16) -> Effect {
        Effect::Respond { status, content_type: "text/html".into(), body: String::new() }
    }

    #[test]
    fn faults_are_used_up_in_order_and_changes_add_up() {
        let faults = Faults::default();
        faults.add(Fault::always("token", Effect::Delay { milliseconds: 5 })).unwrap();
        faults.add(Fault::times("token", 2, respond(503))).unwrap();
        faults.add(Fault::times(ANY, 1, respond(429))).unwrap();
        let next = |target: &str| {
            let effects = faults.take(target, None);
            let status = effects.instead.map(|e| e.reply(json!({})).status);
            (effects.delay.as_millis(), status)
        };
        assert_eq!(next("token"), (5, Some(503)));
        assert_eq!(next("jwks"), (0, Some(429)));
        assert_eq!(next("token"), (5, Some(503)));
        assert_eq!(next("token"), (5, None));
        faults.clear();
        assert_eq!(next("token"), (0, None));
    }

    #[test]
    fn what_could_never_take_effect_is_refused() {
        let faults = Faults::default();
        for (target, effect) in [
            ("tokens", Effect::HangUp),
            ("GetWorkloadAccessTokenForJwt", Effect::HangUp),
            ("token", respond(99)),
            ("token", respond(600)),
            ("token", Effect::Delay { milliseconds: 60_001 }),
        ] {
            assert!(faults.add(Fault::always(target, effect)).is_err(), "{target}");
        }
        faults.add(Fault::always("token", Effect::Delay { milliseconds: 60_000 })).unwrap();
        for _ in 1..MAX_FAULTS {
            faults.add(Fault::always("AssumeRole", Effect::HangUp)).unwrap();
        }
        assert!(faults.add(Fault::always("AssumeRole", Effect::HangUp)).is_err());
    }

    #[test]
    fn answers_lose_their_result_or_spell_fields_otherwise() {
        let body = json!({ "Result": { "Credentials": { "ExpiredTime": "t" } } });
        let spoil = |effect| {
            let mut effects = Effects::default();
            effects.add(&effect);
            serde_json::from_slice::<Value>(&effects.spoil(Reply::json(200, &body)).body).unwrap()
        };
        assert_eq!(spoil(Effect::MissingResult), json!({}));
        assert_eq!(spoil(Effect::AlternativeFields)["Result"]["Credentials"], json!({ "Expiration": "t" }));
    }
    #[test]
    fn members_are_set_left_out_and_moved_and_odd_bodies_stay_as_they_are() {
        let spoil = |effect: &Effect, body: &Value| {
            let mut effects = Effects::default();
            effects.add(effect);
            serde_json::from_slice::<Value>(&effects.spoil(Reply::json(200, body)).body).unwrap()
        };
        let body = json!({ "Result": { "TotalCount": 1, "Items": [1], "Inner": { "a": 1 } } });
        let name = |name: &str| name.to_owned();
        let set = Effect::SetField { name: name("TotalCount"), value: json!(9) };
        assert_eq!(spoil(&set, &body)["Result"]["TotalCount"], 9);
        let left_out = spoil(&Effect::RemoveField { name: name("TotalCount") }, &body);
        assert!(left_out["Result"].get("TotalCount").is_none());
        assert_eq!(spoil(&Effect::AlternativeListKey, &body)["Result"]["Data"], json!([1]));
        assert_eq!(spoil(&Effect::Unwrap { name: name("Inner") }, &body), json!({ "Result": { "a": 1 } }));
        assert_eq!(
            spoil(&Effect::Wrap { name: name("Result") }, &json!({ "a": 1 })),
            json!({ "Result": { "a": 1 } })
        );
        assert_eq!(spoil(&set, &json!({})), json!({ "TotalCount": 9 }), "without a Result, the body's own");
        for odd in [json!([1]), json!("text"), json!({ "Result": null })] {
            for effect in [
                Effect::RemoveField { name: name("x") },
                Effect::AlternativeListKey,
                Effect::Unwrap { name: name("x") },
                Effect::AlternativeFields,
            ] {
                assert_eq!(spoil(&effect, &odd), odd, "{effect:?}");
            }
        }
    }

    #[test]
    fn a_fault_for_a_page_waits_for_that_page() {
        let faults = Faults::default();
        faults.add(Fault::times("ListUserPools", 1, respond(500)).on_page(2)).unwrap();
        let is_hit = |page| faults.take("ListUserPools", page).instead.is_some();
        assert_eq!([None, Some(1), Some(2), Some(2)].map(is_hit), [false, false, true, false]);
    }
}
