//! What the host asks on its way through a conversation, and what is answered: decisions over typed events.
//!
//! The order of a turn: [`Hooks::before_dispatch`] for a message, [`Hooks::run_begins`] before the model,
//! [`Hooks::before_tool_call`] and [`Hooks::after_tool_call`] around each call. What each host does with an
//! answer: `docs/openclaw.md`. Invariant: whatever cannot be decided is refused while anything is gated.

mod admission;
mod call;
mod family;
mod passes;
mod people;
pub mod scene;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::action::{Action, Services, registry};
use crate::authz::registry::spoken;
use crate::base::bounded::BoundedMap;
use crate::base::entropy::Entropy;
use crate::base::error::{Code, Error, Result};
use crate::base::json;
use crate::base::lang::Lang;
use crate::config::model::InjectionMode;
use crate::session::derive::DmScope;
use crate::session::key::SessionKey;
use crate::surface::command::{self, Chat};

pub use admission::Refusal;
use family::Family;
use people::{People, Rules};
use scene::Scene;

/// Runs of which a refusal, for hosts that cannot stop a run, and the folder are remembered.
const MAX_RUNS: usize = 1024;

/// What does not change while the host runs.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Whether messages of people who are not logged in end before the model: where people can log in at all.
    pub login_required: bool,
    /// `identity.subagentTipPropagation`
    pub propagate: bool,
    /// `identity.injection`
    pub injection: InjectionMode,
    /// Whether calls get a handle: there is a socket to use it on.
    pub handles: bool,
    /// What the host is like.
    pub host: Host,
}

/// What the host is like.
#[derive(Clone, Copy, Debug, Default)]
pub struct Host {
    /// Its `session.dmScope`.
    pub dm_scope: DmScope,
    /// Whether it names the sender in every run that a message began.
    pub names_senders: bool,
    /// Whether it refuses a whole call that is given certain variables.
    pub blocks_names: bool,
    /// Whether `/id` is a command of its own, so that ours has to be answered before.
    pub has_own_id: bool,
}

/// Answers the host's hooks, tools and commands. Used from many threads at once.
pub struct Hooks {
    services: Arc<Services>,
    settings: Settings,
    people: People,
    family: Family,
    entropy: Arc<dyn Entropy>,
    refused: Mutex<BoundedMap<String, Refusal>>,
    /// The agent's folder in each run: hosts tell it when a run begins, and not with its calls.
    workspaces: Mutex<BoundedMap<String, String>>,
}

/// What becomes of a message.
#[derive(Debug, PartialEq, Eq)]
pub enum Dispatch {
    /// It goes on.
    Pass,
    /// It ends here, with this answer.
    Answer(String),
}

impl Hooks {
    /// Hooks over these services.
    #[must_use]
    pub fn new(services: Arc<Services>, settings: Settings, entropy: Arc<dyn Entropy>) -> Self {
        let rules = Rules {
            personal: services.personal_session_mode,
            dm_scope: settings.host.dm_scope,
            host_names_senders: settings.host.names_senders,
        };
        Self {
            people: People::new(rules, services.senders.clone()),
            family: Family::new(services.delegations.clone()),
            refused: Mutex::new(BoundedMap::new(MAX_RUNS)),
            workspaces: Mutex::new(BoundedMap::new(MAX_RUNS)),
            services,
            settings,
            entropy,
        }
    }

    /// A message arrives, before anything is done with it.
    pub fn before_dispatch(&self, scene: Scene, content: &str) -> Dispatch {
        let scene = scene.with_writer();
        if self.settings.host.has_own_id
            && let Some(line) = passes::short_command(content)
        {
            return Dispatch::Answer(self.command(scene, line));
        }
        if passes::is_command(content) {
            self.people.commands(&scene);
            return Dispatch::Pass;
        }
        let lang = language(&scene, content);
        if let Some(answer) = self.spoken_approval(&scene, content, lang) {
            return Dispatch::Answer(answer);
        }
        let admitted = self.admit(&scene, self.people.writer(&scene), lang);
        match admitted.and_then(|()| self.note_writer(&scene, lang)) {
            Ok(()) => Dispatch::Pass,
            Err(refusal) => Dispatch::Answer(refusal.for_person),
        }
    }

    /// A run begins. `prompt` is the system prompt, where the host shows it.
    ///
    /// # Errors
    /// Why the model must not be called. A host that calls it all the same finds every tool call of the run refused.
    pub fn run_begins(&self, scene: &Scene, prompt: Option<&str>, content: &str) -> Result<(), Refusal> {
        let began = self.people.began(scene);
        if let (Some(run), Some(folder)) = (&scene.run_id, &scene.workspace_dir) {
            lock(&self.workspaces).insert(run.clone(), folder.clone());
        }
        let key = began.and_then(|()| self.of_run(scene));
        if let (Ok(key), Some(prompt)) = (&key, prompt) {
            self.services.gate.skills().learn(key, prompt);
        }
        let admitted = self.admit(scene, key, language(scene, content));
        if let (Err(refusal), Some(run)) = (&admitted, &scene.run_id) {
            self.refused().insert(run.clone(), refusal.clone());
        }
        admitted
    }

    /// The model is shown a system prompt, with the skills in it.
    pub fn prompt_shown(&self, scene: &Scene, prompt: &str) {
        if let Ok(key) = self.of_run(scene) {
            self.services.gate.skills().learn(&key, prompt);
        }
    }

    /// A session has started another one.
    pub fn subagent_spawned(&self, parent: &str, child: &str) {
        if self.settings.propagate {
            self.family.spawned(parent, child);
        }
    }

    /// A subagent has ended: nothing of its identity stays.
    pub fn subagent_ended(&self, child: &str) {
        if let Some(child) = SessionKey::parse(child).ok().filter(SessionKey::is_subagent) {
            self.services.forget(&child);
            self.services.gate.skills().forget(&child);
        }
    }

    /// A person has answered a question about a call, or nobody has.
    pub fn approval_resolved(&self, scene: &Scene, decision: &str) {
        if let Some(id) = call::id_of(scene) {
            self.services.gate.answered(&id, decision);
        }
    }

    /// A chat command: the text that follows `/identity`.
    pub fn command(&self, scene: Scene, line: &str) -> String {
        let scene = self.people.command(scene.with_writer());
        let lang = language(&scene, line);
        match self.people.writer(&scene) {
            Ok(key) => {
                let chat = Chat { session: Some(key), origin: scene.origin(lang), lang };
                chat.answer(&self.services, line)
            }
            Err(error) => crate::surface::command::explained(lang, &error),
        }
    }

    /// A tool of ours is called by an agent. What went wrong is part of the result.
    pub fn tool(&self, scene: &Scene, name: &str, params: &Value) -> Value {
        let params = params.as_object().cloned().unwrap_or_default();
        let lang = Lang::default();
        let perform = || -> Result<Value> {
            let key = match self.people.of_call(scene) {
                Some(key) => key,
                None => self.of_run(scene)?,
            };
            let chat = Chat { session: Some(key), origin: scene.origin(lang), lang };
            let action = match chat.action(name, &params)? {
                // Whoever owns the gateway sees everybody's.
                Action::ListTips(_) if scene.sender_is_owner => Action::ListTips(None),
                action => action,
            };
            json::tree(&self.services.perform(action)?)
                .map_err(|error| Error::new(Code::Internal, "an outcome cannot be shown").with_detail(error))
        };
        match perform() {
            Ok(outcome) => outcome,
            Err(error) => self.failed_tool(scene, name, &error),
        }
    }

    fn failed_tool(&self, scene: &Scene, name: &str, error: &Error) -> Value {
        let mut result = error.to_json();
        let needs_login = registry::find(name).is_some_and(|tool| tool.needs_login);
        if call::wants_login(error) && (needs_login || name == "identity_login") {
            result["authUrl"] = self.login_link(scene).map_or(Value::Null, Value::from);
        } else if name == "identity_login" {
            result["authUrl"] = Value::Null;
        }
        result
    }

    /// A link by which the person behind a call can log in.
    fn login_link(&self, scene: &Scene) -> Option<String> {
        let key = self.people.of_call(scene).or_else(|| self.of_run(scene).ok())?;
        let link = self.services.login_desk().ok()?.authorize(&key, scene.origin(Lang::default())).ok()?;
        Some(link.url)
    }

    /// The key that a run acts for. A subagent may have to hear first who started it.
    fn of_run(&self, scene: &Scene) -> Result<SessionKey> {
        let key = self.people.of_run(scene)?;
        if self.settings.propagate {
            self.family.wait_for(&key);
        }
        Ok(key)
    }

    /// A person's bare "approve" or "reject", on hosts that do not ask by themselves.
    fn spoken_approval(&self, scene: &Scene, content: &str, lang: Lang) -> Option<String> {
        if self.services.gate.host_asks() {
            return None;
        }
        let (word, id) = spoken(content)?;
        let key = self.people.writer(scene).ok()?;
        Some(match self.services.gate.approvals().decide(&key, id, word) {
            Ok(id) => command::decided(lang, &id, word),
            // With nothing to decide, the word is part of the talk.
            Err(error) if id.is_none() && error.code() == Code::NotFound => return None,
            Err(error) => command::explained(lang, &error),
        })
    }

    /// The agent's folder, absolute.
    fn workspace(&self, scene: &Scene) -> Option<String> {
        let known = || lock(&self.workspaces).get(scene.run_id.as_ref()?).cloned();
        scene.workspace_dir.clone().or_else(known)
    }

    fn refused(&self) -> MutexGuard<'_, BoundedMap<String, Refusal>> {
        lock(&self.refused)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Dispatch {
    /// As the host takes it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::Pass => json!({}),
            Self::Answer(text) => json!({ "handled": true, "text": text }),
        }
    }
}

/// The language of a message; where it does not show, that of the channel.
fn language(scene: &Scene, text: &str) -> Lang {
    let is_han = |c: char| matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}');
    let speaks_chinese =
        scene.channel.as_deref().is_some_and(|channel| channel.eq_ignore_ascii_case("feishu"));
    if text.chars().any(is_han) || speaks_chinese { Lang::Zh } else { Lang::En }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").field("settings", &self.settings).finish_non_exhaustive()
    }
}
