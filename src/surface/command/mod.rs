//! The chat commands `/identity` and `/id`: line → tool call → chat text. They take the same road as agents' tools, so a
//! command can do nothing that its tool cannot, and needs no rules of its own.

use serde_json::{Map, Value};

use crate::action::{Action, Outcome, Services, decide_approval, registry};
use crate::authz::registry::Word;
use crate::base::error::{Code, Error};
use crate::base::json;
use crate::oidc::pending::Origin;
use crate::session::key::SessionKey;

mod error;
mod lists;
mod outcome;
pub mod read;
mod reply;
pub mod table;
pub mod text;
pub mod words;

use read::Request;
use text::Lang;

/// Who speaks where.
#[derive(Clone, Debug)]
pub struct Chat {
    /// The session that the host has for this chat.
    pub session: Option<SessionKey>,
    /// Channel, person and where replies go. Channel and person are required: a command is a person's.
    pub origin: Origin,
    /// The language to answer in.
    pub lang: Lang,
}

impl Chat {
    /// Carries a line out and says what came of it, as Markdown. Never fails: what went wrong is said too.
    #[must_use]
    pub fn answer(&self, services: &Services, line: &str) -> String {
        if let Ok(Request::Approval(word, id)) = read::read(line)
            && !services.gate.host_asks()
            && self.is_of_a_person()
        {
            return self.decided(services, word, id);
        }
        self.answer_with(line, |tool, params| {
            let perform = || {
                let outcome = services.perform(self.action(tool, params)?)?;
                json::tree(&outcome).map_err(|error| {
                    Error::new(Code::Internal, "an outcome cannot be shown").with_detail(error)
                })
            };
            perform().map_err(|error| error.to_json())
        })
    }

    /// The same with the tools elsewhere: `perform` takes a tool and its parameters and gives the result's or the
    /// error's JSON.
    pub fn answer_with(
        &self,
        line: &str,
        perform: impl FnOnce(&str, &Map<String, Value>) -> Result<Value, Value>,
    ) -> String {
        let lang = self.lang;
        if !self.is_of_a_person() {
            return reply::no_chat(lang);
        }
        match read::read(line) {
            Err(mistake) => reply::mistake(lang, &mistake),
            Ok(Request::Approval(..)) => reply::host_approval(lang),
            Ok(Request::Help(Some(command))) => reply::help_of(lang, command),
            Ok(Request::Help(None)) => {
                let whoami = perform("identity_whoami", &Map::new());
                let head = match &whoami {
                    Ok(whoami) => outcome::headline(lang, whoami),
                    Err(failure) => error::explained(lang, failure),
                };
                format!("{head}\n\n{}", reply::help(lang))
            }
            Ok(Request::Call(call)) => match perform(call.tool, &call.params) {
                Ok(outcome) => outcome::shown(lang, &call, &outcome),
                Err(failure) => error::explained(lang, &failure),
            },
        }
    }
}

impl Chat {
    /// The action of a tool call, for the chat's session. A login remembers where it was asked for: the page that asks the person to confirm
    /// shows it, and the outcome is told there.
    ///
    /// # Errors
    /// As [`registry::action`].
    pub fn action(&self, tool: &str, params: &Map<String, Value>) -> Result<Action, Error> {
        Ok(registry::action(tool, params, self.session.clone())?.asked_in(&self.origin))
    }
}

/// What a person is told who has decided about a blocked call.
#[must_use]
pub fn decided(lang: Lang, approval_id: &str, word: Word) -> String {
    reply::decided(lang, approval_id, word == Word::Approve)
}

/// A failure as a chat is told of it.
#[must_use]
pub fn explained(lang: Lang, error: &Error) -> String {
    error::explained(lang, &error.to_json())
}

impl Chat {
    fn is_of_a_person(&self) -> bool {
        ![&self.origin.channel, &self.origin.sender].iter().any(|part| is_blank(part.as_deref()))
    }

    /// A person's word on a call that waits. Only here, with the person's own line in hand, does it become an action.
    fn decided(&self, services: &Services, word: Word, approval_id: Option<String>) -> String {
        let input = decide_approval::Input { session: self.session.clone(), approval_id, word };
        match services.perform(Action::DecideApproval(input)) {
            Ok(Outcome::DecideApproval(outcome)) => {
                reply::decided(self.lang, &outcome.approval_id, outcome.approved)
            }
            Ok(_) => reply::host_approval(self.lang),
            Err(error) => error::explained(self.lang, &error.to_json()),
        }
    }
}

fn is_blank(text: Option<&str>) -> bool {
    text.is_none_or(|text| text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::login;
    use crate::action::testing::Bench;
    use crate::authz::approval::{Call, Digest};
    use crate::authz::registry::Held;
    use crate::message::target::ReplyTarget;

    #[test]
    fn a_person_approves_only_where_the_host_does_not_ask_and_only_in_a_chat() {
        let bench = Bench::new();
        let services = &bench.services;
        let (session, params) = (SessionKey::main(), Map::new());
        let call = Call { session: &session, tool: "exec", params: &params, folder: None, injected: &[] };
        let digest = Digest::of(&call);
        let hold = || services.gate.approvals().hold(&session, &digest).unwrap();
        let Held::Waits { id, .. } = hold() else { panic!("waits") };
        let person =
            Origin { channel: Some("telegram".into()), sender: Some("ann".into()), reply_target: None };
        let say = |origin: &Origin, line: &str| {
            let chat = Chat { session: None, origin: origin.clone(), lang: Lang::En };
            chat.answer(services, line)
        };
        let line = format!("/identity approve {id}");
        assert!(say(&person, &line).contains("`/approve`"), "the host asks by itself");
        services.gate.set_host_asks(false);
        assert!(say(&Origin::default(), &line).contains("needs a chat"));
        assert!(say(&person, "/identity approve 00000000").contains("o call waits"));
        assert!(matches!(hold(), Held::Waits { .. }));
        assert!(say(&person, &line).contains(&format!("`{id}` is approved")));
        assert_eq!(hold(), Held::Passes);
        hold();
        assert!(say(&person, "/id reject").contains("is rejected"));
        assert_eq!(hold(), Held::Rejected);
    }

    #[test]
    fn a_call_is_for_the_chats_session_and_a_login_remembers_the_chat() {
        let session = Some(SessionKey::parse("agent:main:telegram:direct:1").unwrap());
        let origin = Origin {
            channel: Some("telegram".into()),
            sender: Some("ann".into()),
            reply_target: Some(ReplyTarget { to: Some("chat-1".into()), ..ReplyTarget::default() }.into()),
        };
        let chat = Chat { session: session.clone(), origin: origin.clone(), lang: Lang::En };
        let action = |tool| chat.action(tool, &Map::new()).unwrap();
        assert_eq!(action("identity_whoami"), Action::Whoami(session.clone()));
        assert_eq!(action("identity_login"), Action::Login(login::Input { session, origin: origin.clone() }));
        let fetch = chat
            .action("identity_fetch", serde_json::json!({"provider": "google"}).as_object().unwrap())
            .unwrap();
        assert!(matches!(fetch, Action::Fetch(fetch) if fetch.origin == origin));
    }
}
