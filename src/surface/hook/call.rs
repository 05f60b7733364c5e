//! A tool call, before and after it runs: who it acts for, whether it may, and what it is given.

use serde_json::{Map, Value, json};

use crate::authz::gate::{Call, Ruling};
use crate::authz::low_risk::{Exempt, exempt};
use crate::base::error::{Code, Error};
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
        let injected = match (&key, takes_variables) {
            (Ok(key), true) => self.names_for(key),
            _ => Vec::new(),
        };
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
        if let Ok(key) = &key {
            self.people.calls(scene, key);
            if let Some(id) = &id {
                self.services.calls.begin(id.clone(), key.clone());
            }
            if self.settings.propagate && Family::concerns(tool) {
                self.family.begins(scene, tool, params, key);
            }
        }
        let given = match (&key, takes_variables) {
            (Ok(key), true) => self.given(key, id.as_ref(), params),
            _ => None,
        };
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
            let injected = self.names_for(key);
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

    /// The names that a call of the session is given.
    fn names_for(&self, key: &SessionKey) -> Vec<String> {
        let bound = self.services.bindings.of(key);
        let mut names: Vec<String> = match self.settings.injection {
            InjectionMode::Env => bound.values().cloned().collect(),
            InjectionMode::Handle => Vec::new(),
        };
        if self.settings.handles && !bound.is_empty() {
            names.push(HANDLE_VARIABLE.to_owned());
        }
        names
    }

    /// The parameters of a call with what it is given; `None` when that is nothing.
    fn given(
        &self,
        key: &SessionKey,
        id: Option<&CallId>,
        params: &Map<String, Value>,
    ) -> Option<Map<String, Value>> {
        let bound = !self.services.bindings.of(key).is_empty();
        let injection = match self.settings.injection {
            InjectionMode::Env if bound => {
                self.services.injection(key, self.settings.host.blocks_names).unwrap_or_default()
            }
            _ => Injection::default(),
        };
        for note in injection.notes() {
            log::info("a call goes without a variable", &[("session", key), ("variable", &note)]);
        }
        let handle = id.filter(|_| self.settings.handles && bound).and_then(|id| self.handle(id));
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

/// The ids of a call; without both of them it cannot be told from others.
pub(super) fn id_of(scene: &Scene) -> Option<CallId> {
    Some(CallId { run: scene.run_id.clone()?, call: scene.tool_call_id.clone()? })
}

/// Whether a login would mend a failure.
pub(super) fn wants_login(error: &Error) -> bool {
    matches!(error.code(), Code::NotLoggedIn | Code::LoginExpired | Code::SessionUnknown)
}
