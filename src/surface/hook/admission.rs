//! Whether a message or a run may go on to the model: somebody must be logged in, and may use the agent.

use std::sync::Arc;

use crate::authz::denial::{Denial, PREFIX};
use crate::base::error::Result;
use crate::base::lang::Lang;
use crate::session::key::SessionKey;
use crate::surface::command::{self, Chat};
use crate::tip::token::Tip;

use super::Hooks;
use super::scene::Scene;

/// Why a message or a run may not go on, for those who hear of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// In a chat, with a link to log in by where that helps.
    pub for_person: String,
    /// To an agent that runs all the same, because its host cannot stop it.
    pub for_agent: String,
}

impl Hooks {
    /// Whether anything at all keeps messages from the model.
    #[must_use]
    pub fn admits_all(&self) -> bool {
        !self.settings.login_required && !self.services.gate.flags().agent_check
    }

    /// Admits a message or a run of the person with that key.
    pub(super) fn admit(
        &self,
        scene: &Scene,
        key: Result<SessionKey>,
        lang: Lang,
    ) -> std::result::Result<(), Refusal> {
        if self.admits_all() {
            return Ok(());
        }
        let key = key.map_err(|error| self.refusal(scene, None, lang, &Denial::NoToken(error)))?;
        let refused = |denial| self.refusal(scene, Some(&key), lang, &denial);
        // A subagent was let in with whoever started it; without an identity it has no permissions either.
        if self.settings.login_required && !key.is_subagent() {
            self.tip(&key).map_err(|error| refused(Denial::NoToken(error)))?;
        }
        self.services.gate.agent(&key, scene.run_id.as_deref(), &|| self.tip(&key)).map_err(refused)
    }

    /// Notes who wrote a message that goes on. One that cannot be noted does not: a run would act for whoever wrote before.
    pub(super) fn note_writer(&self, scene: &Scene, lang: Lang) -> std::result::Result<(), Refusal> {
        let noted = self.people.wrote(scene);
        noted.map_err(|error| self.refusal(scene, None, lang, &Denial::NoToken(error)))
    }

    pub(super) fn tip(&self, key: &SessionKey) -> Result<Arc<Tip>> {
        self.services.broker.get(key)
    }

    fn refusal(&self, scene: &Scene, key: Option<&SessionKey>, lang: Lang, denial: &Denial) -> Refusal {
        let for_agent = denial.to_string();
        let for_person = match (denial, key) {
            (denial, Some(key)) if denial.wants_login() => self.invitation(scene, key, lang),
            (Denial::NoToken(error), _) => with_prefix(&command::explained(lang, error)),
            _ => denial.for_person(lang),
        };
        Refusal { for_person, for_agent }
    }

    /// The words that a person who is not logged in gets instead of an answer, with the link.
    fn invitation(&self, scene: &Scene, key: &SessionKey, lang: Lang) -> String {
        let chat = Chat { session: Some(key.clone()), origin: scene.origin(lang), lang };
        let lead = lang.pick((
            "Log in first; your message was not passed on. Send it again afterwards.",
            "请先登录。您的消息尚未处理，登录后请重新发送。",
        ));
        // A command line or a timer: there is nobody who could open a link there.
        if scene.channel.is_none() || scene.sender_id.is_none() {
            return with_prefix(&match lang {
                Lang::En => format!(
                    "Nobody is logged in to {key}. On this machine: agent-identity login --session {key}"
                ),
                Lang::Zh => {
                    format!("会话 {key} 尚未登录。请在本机执行：agent-identity login --session {key}")
                }
            });
        }
        let link = chat.answer(&self.services, "login");
        with_prefix(&format!("{lead}\n\n{link}"))
    }
}

fn with_prefix(text: &str) -> String {
    format!("{PREFIX} {text}")
}
