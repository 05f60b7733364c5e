//! A tool call, before and after it runs: who it acts for, whether it may, and what it is given.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::authz::denial::PREFIX;
use crate::authz::gate::{Call, Ruling};
use crate::authz::low_risk::{Exempt, exempt};
use crate::base::error::{Code, Error, Result};
use crate::base::log;
use crate::config::model::InjectionMode;
use crate::credential::inject::{CallId, HANDLE_VARIABLE, Injection};
use crate::session::key::SessionKey;

use super::Hooks;
use super::family::Family;
use super::scene::Scene;

/// Tools that take variables for the program that they run.
const TAKE_VARIABLES: [&str; 1] = ["exec"];
/// The parameter that holds them.
const ENV: &str = "env";

/// What becomes of a call. As JSON it is what the host's `before_tool_call` takes.
#[derive(Debug)]
pub enum Verdict {
    /// It runs as it is.
    Pass,
    /// It runs with these parameters.
    With(Map<String, Value>),
    /// It does not run.
    Block(String),
    /// A person is asked; if they approve, it runs with these parameters.
    Ask {
        /// The question, as the host takes it.
        question: Value,
        /// The parameters.
        params: Map<String, Value>,
    },
}

impl Verdict {
    /// As the host takes it.
    #[must_use]
    pub fn into_json(self) -> Value {
        match self {
            Self::Pass => json!({}),
            Self::With(params) => json!({ "params": params }),
            Self::Block(reason) => json!({ "block": true, "blockReason": reason }),
            Self::Ask { question, params } => json!({ "requireApproval": question, "params": params }),
        }
    }
}

impl Hooks {
    /// A call wants to run.
    pub fn before_tool_call(&self, scene: &Scene, tool: &str, params: &Map<String, Value>) -> Verdict {
        let without_login = matches!(exempt(tool, false, &[]), Some(Exempt::WithoutLogin | Exempt::Wrapper));
        if let Some(refusal) = scene.run_id.as_ref().and_then(|run| self.refused().get(run).cloned())
            && !without_login
        {
            return Verdict::Block(refusal.for_agent);
        }
        let key = self.of_run(scene);
        let id = id_of(scene);
        let session = match &key {
            Ok(key) => key.clone(),
            // Nobody's: what is checked is then checked for a session that nobody is logged in to.
            Err(_) => match scene.session_key.as_deref().map(SessionKey::parse) {
                Some(Ok(chat)) => chat,
                _ => SessionKey::main(),
            },
        };
        let takes_variables = TAKE_VARIABLES.contains(&tool);
        let workspace = self.workspace(scene);
        let bound = match (&key, takes_variables) {
            (Ok(key), true) => self.services.bindings.of(key),
            // Whoever it is may have bound something.
            (Err(error), true) if matches!(error.code(), Code::StoreUnavailable | Code::StoreUnreadable) => {
                Err(error.clone())
            }
            _ => Ok(BTreeMap::new()),
        };
        let bound = match bound {
            Ok(bound) => bound,
            Err(error) => return Verdict::Block(unbound(&error)),
        };
        let injected = self.names_for(&bound);
        let call = Call {
            session: &session,
            id: id.as_ref(),
            tool,
            params,
            workspace: workspace.as_deref(),
            injected: &injected,
        };
        let tip = || self.tip(key.as_ref().map_err(Clone::clone)?);
        let ruling = self.services.gate.tool(&call, &tip);
        if let Ruling::Deny(denial) = ruling {
            return Verdict::Block(denial.to_string());
        }
        let injection = match &key {
            Ok(key) => self.injection(key, &bound),
            Err(_) => Ok(Injection::default()),
        };
        let injection = match injection {
            Ok(injection) => injection,
            Err(error) => return Verdict::Block(unbound(&error)),
        };
        if let Ok(key) = &key {
            self.people.calls(scene, key);
            if let Some(id) = &id {
                self.services.calls.begin(id.clone(), key.clone());
            }
            if self.settings.propagate && Family::concerns(tool) {
                self.family.begins(scene, tool, params, key);
            }
        }
        let handle = id.as_ref().filter(|_| self.settings.handles && !bound.is_empty());
        let given = given(params, &injection, handle.and_then(|id| self.handle(id)));
        match ruling {
            // Given back as it was judged, so that it runs as it was approved.
            Ruling::Ask(request) => Verdict::Ask {
                question: json!({
                    "title": request.title,
                    "description": request.description,
                    "severity": request.severity,
                    "timeoutMs": request.timeout_ms,
                    "timeoutBehavior": "deny",
                }),
                params: given.unwrap_or_else(|| params.clone()),
            },
            _ => match given {
                Some(params) => Verdict::With(params),
                // What was judged is what runs, whatever other plugins would make of it.
                None if self.services.gate.flags().require_risk_approval => Verdict::With(params.clone()),
                None => Verdict::Pass,
            },
        }
    }

    /// A call has ended, however it went. `details` are those of the result.
    pub fn after_tool_call(
        &self,
        scene: &Scene,
        tool: &str,
        params: Option<&Map<String, Value>>,
        details: &Value,
    ) {
        let key = self.people.ended(scene);
        let id = id_of(scene);
        if let (Some(key), Some(params)) = (&key, params) {
            // By now only to be known: a call that was changed after it was approved has run.
            let takes_variables = TAKE_VARIABLES.contains(&tool);
            let bound = if takes_variables { self.services.bindings.of(key) } else { Ok(BTreeMap::new()) };
            let injected = match bound {
                Ok(bound) => self.names_for(&bound),
                Err(error) => {
                    log::warn(
                        "it is not known what a call was given",
                        &[("session", key), ("error", &error)],
                    );
                    Vec::new()
                }
            };
            let workspace = self.workspace(scene);
            let call = Call {
                session: key,
                id: id.as_ref(),
                tool,
                params,
                workspace: workspace.as_deref(),
                injected: &injected,
            };
            let _ = self.services.gate.settle(&call);
        }
        if let Some(id) = id {
            self.services.calls.end(&id);
        }
        if self.settings.propagate && Family::concerns(tool) {
            self.family.ended(scene, details);
        }
    }

    /// The names that a call is given, by what is bound.
    fn names_for(&self, bound: &BTreeMap<String, String>) -> Vec<String> {
        let mut names: Vec<String> = match self.settings.injection {
            InjectionMode::Env => bound.values().cloned().collect(),
            InjectionMode::Handle => Vec::new(),
        };
        if self.settings.handles && !bound.is_empty() {
            names.push(HANDLE_VARIABLE.to_owned());
        }
        names
    }

    /// What a call is given of what is bound.
    fn injection(&self, key: &SessionKey, bound: &BTreeMap<String, String>) -> Result<Injection> {
        if bound.is_empty() || self.settings.injection == InjectionMode::Handle {
            return Ok(Injection::default());
        }
        let injection = self.services.credentials.injection(key, bound, self.settings.host.blocks_names)?;
        for note in injection.notes() {
            log::info("a call goes without a variable", &[("session", key), ("variable", &note)]);
        }
        Ok(injection)
    }

    fn handle(&self, id: &CallId) -> Option<Value> {
        match self.services.calls.handle(id, &*self.entropy) {
            Ok(handle) => handle.map(|handle| handle.expose().as_str().into()),
            Err(error) => {
                log::warn("a call has no handle", &[("error", &error)]);
                None
            }
        }
    }
}

/// The parameters of a call with what it is given; `None` when that is nothing.
fn given(
    params: &Map<String, Value>,
    injection: &Injection,
    handle: Option<Value>,
) -> Option<Map<String, Value>> {
    if injection.names().next().is_none() && handle.is_none() {
        return None;
    }
    let own = params.get(ENV).and_then(Value::as_object).cloned().unwrap_or_default();
    let mut env = injection.over(own);
    env.extend(handle.map(|handle| (HANDLE_VARIABLE.to_owned(), handle)));
    let mut params = params.clone();
    params.insert(ENV.to_owned(), env.into());
    Some(params)
}

/// Why a call does not run whose variables are not known: without them it might do something else.
fn unbound(error: &Error) -> String {
    let next = error.hint().unwrap_or("try again in a moment");
    format!(
        "{PREFIX} It is not known which variables this call is to have: {error}. Nothing was run. Next: {next}."
    )
}

/// The ids of a call; without both of them it cannot be told from others.
pub(super) fn id_of(scene: &Scene) -> Option<CallId> {
    Some(CallId { run: scene.run_id.clone()?, call: scene.tool_call_id.clone()? })
}

/// Whether a login would mend a failure.
pub(super) fn wants_login(error: &Error) -> bool {
    matches!(error.code(), Code::NotLoggedIn | Code::LoginExpired | Code::SessionUnknown)
}
