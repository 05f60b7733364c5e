//! The methods of the line: parameters → hook, tool, command or page → result.

use serde_json::{Map, Value, json};

use super::{Answer, Bridge};
use crate::action::{Action, session_exchange, session_get, session_put};
use crate::base::error::{Code, Error, Result};
use crate::base::json;
use crate::oidc::callback::CallbackRequest;
use crate::surface::callback;
use crate::surface::hook::scene::Scene;

impl Bridge {
    pub(super) fn call(&self, method: &str, params: &Map<String, Value>) -> Answer {
        Some(match method {
            "before_dispatch" => self.before_dispatch(params),
            "before_agent_start" => self.run_begins(params).map(|_| json!({})),
            "before_agent_run" => self.run_begins(params),
            "llm_input" => self.prompt_shown(params),
            "before_tool_call" => self.before_tool_call(params),
            "after_tool_call" => self.after_tool_call(params),
            "approval_resolved" => scene(params).map(|scene| {
                self.hooks.approval_resolved(&scene, text(params, "decision"));
                json!({})
            }),
            "subagent_spawned" => {
                let (event, ctx) = sides(params);
                self.hooks.subagent_spawned(of(ctx, "requesterSessionKey"), of(event, "childSessionKey"));
                Ok(json!({}))
            }
            "subagent_ended" => {
                self.hooks.subagent_ended(of(sides(params).0, "targetSessionKey"));
                Ok(json!({}))
            }
            "command" => {
                scene(params).map(|scene| json!({ "text": self.hooks.command(scene, text(params, "args")) }))
            }
            "tool" => scene(params).map(|scene| {
                self.hooks.tool(&scene, text(params, "name"), params.get("params").unwrap_or(&Value::Null))
            }),
            "http" => self.http(params),
            "gateway_method" => Ok(self.gateway_method(params)),
            "ping" => Ok(json!({})),
            _ => return None,
        })
    }

    /// Takes back what an answer that nobody wants has begun.
    pub(super) fn undo(&self, method: &str, params: &Map<String, Value>) {
        if method == "before_tool_call"
            && let Ok(scene) = scene(params)
        {
            let tool = of(sides(params).0, "toolName");
            self.hooks.after_tool_call(&scene, tool, None, &Value::Null);
        }
    }

    fn before_dispatch(&self, params: &Map<String, Value>) -> Result<Value> {
        let content = of(sides(params).0, "content");
        Ok(self.hooks.before_dispatch(scene(params)?, content).to_json())
    }

    fn run_begins(&self, params: &Map<String, Value>) -> Result<Value> {
        let (event, scene) = (sides(params).0, scene(params)?);
        let prompt = event["systemPrompt"].as_str();
        Ok(match self.hooks.run_begins(&scene, prompt, of(event, "prompt")) {
            Ok(()) => json!({ "outcome": "pass" }),
            Err(refusal) => json!({
                "outcome": "block",
                "reason": refusal.for_agent,
                "message": refusal.for_person,
            }),
        })
    }

    fn prompt_shown(&self, params: &Map<String, Value>) -> Result<Value> {
        if let Some(prompt) = sides(params).0["systemPrompt"].as_str() {
            self.hooks.prompt_shown(&scene(params)?, prompt);
        }
        Ok(json!({}))
    }

    fn before_tool_call(&self, params: &Map<String, Value>) -> Result<Value> {
        let (event, scene) = (sides(params).0, scene(params)?);
        let own = event["params"].as_object();
        let verdict = match own {
            Some(own) => self.hooks.before_tool_call(&scene, of(event, "toolName"), own),
            None => self.hooks.before_tool_call(&scene, of(event, "toolName"), &Map::new()),
        };
        Ok(verdict.into_json())
    }

    fn after_tool_call(&self, params: &Map<String, Value>) -> Result<Value> {
        let (event, scene) = (sides(params).0, scene(params)?);
        let details = event.get("details").unwrap_or(&Value::Null);
        self.hooks.after_tool_call(&scene, of(event, "toolName"), event["params"].as_object(), details);
        Ok(json!({}))
    }

    /// A request to the callback's path.
    fn http(&self, params: &Map<String, Value>) -> Result<Value> {
        let Some(callback) = &self.callback else {
            self.services.login_desk()?;
            return Err(Error::new(Code::NotFound, "nobody can log in here"));
        };
        let header = |name: &str| params.get("headers").and_then(|headers| headers.get(name)?.as_str());
        let target = text(params, "url");
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let page = callback::respond(
            callback,
            &CallbackRequest {
                method: text(params, "method"),
                query: query.split('#').next().unwrap_or_default(),
                body: text(params, "body").as_bytes(),
                origin: header("origin"),
                sec_fetch_site: header("sec-fetch-site"),
                accept_language: header("accept-language"),
            },
        );
        let headers: Map<String, Value> =
            page.headers.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        Ok(json!({ "status": page.status, "headers": headers, "body": page.html }))
    }

    /// A method of the gateway; its failures have the gateway's form.
    fn gateway_method(&self, params: &Map<String, Value>) -> Value {
        let perform = || -> Result<Value> {
            let name = text(params, "name");
            let is_webchat = params.get("isWebchat").is_some_and(|it| it == true);
            let none = Map::new();
            let own = params.get("params").and_then(Value::as_object).unwrap_or(&none);
            let action = match name {
                session_put::METHOD => {
                    Action::SessionPut(Box::new(session_put::Input::read(own, is_webchat)?))
                }
                session_get::METHOD => Action::SessionGet(session_get::Input::read(own, is_webchat)?),
                _ => return Err(Error::new(Code::NotFound, format!("no method {name:?}"))),
            };
            json::tree(&self.services.perform(action)?)
                .map_err(|error| Error::new(Code::Internal, "an outcome cannot be shown").with_detail(error))
        };
        match perform() {
            Ok(payload) => json!({ "ok": true, "payload": payload }),
            Err(error) => {
                let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
                let message = format!("{}{hint}", error.message());
                json!({ "ok": false, "error": { "code": session_exchange::gateway_code(&error), "message": message } })
            }
        }
    }
}

/// The host's event and the context beside it.
fn sides(params: &Map<String, Value>) -> (&Value, &Value) {
    let side = |name| params.get(name).unwrap_or(&Value::Null);
    (side("event"), side("ctx"))
}

fn scene(params: &Map<String, Value>) -> Result<Scene> {
    let (event, ctx) = sides(params);
    Scene::read(event, ctx)
}

fn text<'a>(params: &'a Map<String, Value>, name: &str) -> &'a str {
    params.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn of<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
