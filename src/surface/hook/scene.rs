//! Where something happens in the host, as its hooks, tools and commands tell it. The hosts spell the same fact in many
//! ways, on the event or on the context beside it; here it is read once.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::action::session_exchange::DEFAULT_SENDER;
use crate::base::error::{Code, Error, Result};
use crate::base::lang::Lang;
use crate::base::tree::take;
use crate::message::target::ReplyTarget;
use crate::oidc::pending::Origin;
use crate::session::derive::{self, DmScope, Message};
use crate::session::key::SessionKey;

/// What the host says of a session, a run, and who is behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scene {
    /// The host's session key.
    pub session_key: Option<String>,
    /// The agent.
    pub agent_id: Option<String>,
    /// The run.
    pub run_id: Option<String>,
    /// The call, whose id is unique within its run only.
    pub tool_call_id: Option<String>,
    /// The channel of the person.
    pub channel: Option<String>,
    /// The channel's id of the person.
    pub sender_id: Option<String>,
    /// Which of several accounts of the channel.
    pub account_id: Option<String>,
    /// The raw origin of a command.
    pub from: Option<String>,
    /// The raw destination.
    pub to: Option<String>,
    /// The thread.
    pub thread_id: Option<String>,
    /// The channel that brought the run's message; command lines, whose `channelId` may say `webchat`, have none.
    pub message_provider: Option<String>,
    /// What began the run, e.g. `user` or `heartbeat`.
    pub trigger: Option<String>,
    /// Whether the person owns the gateway.
    pub sender_is_owner: bool,
    /// Whether the run tells a session what another one did, and nobody wrote.
    pub is_announcement: bool,
    /// The agent's folder.
    pub workspace_dir: Option<String>,
}

/// The spellings, all optional. Numbers happen where texts are meant (thread ids of Telegram).
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Told {
    session_key: Option<String>,
    agent_id: Option<String>,
    run_id: Option<String>,
    tool_call_id: Option<String>,
    channel: Option<String>,
    channel_id: Option<String>,
    message_provider: Option<String>,
    message_channel: Option<String>,
    sender_id: Option<String>,
    requester_sender_id: Option<String>,
    sender_is_owner: Option<bool>,
    requester: Option<Requester>,
    account_id: Option<String>,
    agent_account_id: Option<String>,
    from: Option<String>,
    to: Option<String>,
    message_thread_id: Option<Value>,
    delivery_context: Option<Delivery>,
    trigger: Option<String>,
    input_provenance: Option<Provenance>,
    workspace_dir: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Provenance {
    kind: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Requester {
    channel: Option<String>,
    sender_id: Option<String>,
    sender_is_owner: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Delivery {
    channel: Option<String>,
    to: Option<String>,
    account_id: Option<String>,
    thread_id: Option<Value>,
}

impl Scene {
    /// Reads the scene from an event and the context beside it; the context goes first. Blank texts are absent.
    ///
    /// # Errors
    /// `InvalidRequest` when a fact has another type than any host gives it.
    pub fn read(event: &Value, ctx: &Value) -> Result<Self> {
        let (event, ctx) = (told("event", event)?, told("ctx", ctx)?);
        let requester = ctx.requester.unwrap_or_default();
        let delivery = ctx.delivery_context.unwrap_or_default();
        let thread =
            [ctx.message_thread_id, delivery.thread_id].into_iter().flatten().find_map(|id| match id {
                Value::String(text) => Some(text),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            });
        let run_id = first([ctx.run_id, event.run_id]);
        let is_announcement = run_id.as_deref().is_some_and(|run| run.starts_with("announce:"))
            || [&ctx.input_provenance, &event.input_provenance]
                .into_iter()
                .flatten()
                .any(|provenance| provenance.kind.as_deref() == Some("inter_session"));
        Ok(Self {
            session_key: first([ctx.session_key, event.session_key]),
            agent_id: first([ctx.agent_id, event.agent_id]),
            is_announcement,
            run_id,
            tool_call_id: first([ctx.tool_call_id, event.tool_call_id]),
            // `channelId` of a heartbeat is no channel of a person, hence last.
            channel: first([
                requester.channel,
                ctx.message_provider.clone(),
                ctx.message_channel,
                ctx.channel,
                event.channel,
                delivery.channel,
                ctx.channel_id,
                event.channel_id,
            ]),
            sender_id: first([requester.sender_id, ctx.sender_id, ctx.requester_sender_id, event.sender_id]),
            account_id: first([ctx.account_id, ctx.agent_account_id, delivery.account_id, event.account_id]),
            from: first([ctx.from, event.from]),
            to: first([ctx.to, delivery.to, event.to]),
            thread_id: first([thread]),
            message_provider: first([ctx.message_provider]),
            trigger: first([ctx.trigger, event.trigger]),
            sender_is_owner: [requester.sender_is_owner, ctx.sender_is_owner, event.sender_is_owner]
                .into_iter()
                .flatten()
                .next()
                .unwrap_or_default(),
            workspace_dir: first([ctx.workspace_dir, event.workspace_dir]),
        })
    }

    /// The scene of a message or a command. The host's own web chat and terminal name no sender in newer hosts; the older
    /// ones call it what a message without one is taken for here.
    #[must_use]
    pub fn with_writer(mut self) -> Self {
        if self.sender_id.is_none() && self.channel.as_deref().is_some_and(|channel| channel == "webchat") {
            self.sender_id = Some(DEFAULT_SENDER.to_owned());
        }
        self
    }

    /// The host's key of the chat: the one that it gave, else the one that it would give.
    ///
    /// # Errors
    /// As [`derive::derive`].
    pub fn chat(&self, dm_scope: DmScope) -> Result<SessionKey> {
        let text = |text: &'_ Option<String>| text.clone().unwrap_or_default();
        let (channel, sender, from, to) =
            (text(&self.channel), text(&self.sender_id), text(&self.from), text(&self.to));
        let (account_id, agent_id) = (text(&self.account_id), text(&self.agent_id));
        derive::derive(&Message {
            channel: &channel,
            sender: &sender,
            from: &from,
            to: &to,
            account_id: &account_id,
            agent_id: &agent_id,
            host_key: self.session_key.as_deref(),
            dm_scope,
        })
    }

    /// Where something is asked for, and where its outcome is told in which language.
    #[must_use]
    pub fn origin(&self, lang: Lang) -> Origin {
        let target = self.channel.as_ref().map(|channel| ReplyTarget {
            channel: channel.clone(),
            account_id: self.account_id.clone(),
            to: self.to.clone(),
            thread_id: self.thread_id.clone(),
            session: self.session_key.as_deref().and_then(|key| SessionKey::parse(key).ok()),
            lang,
        });
        let target = target.map(|target| target.or_chat_of_session(self.sender_id.as_deref()));
        Origin {
            channel: self.channel.clone(),
            sender: self.sender_id.clone(),
            reply_target: target.map(Arc::new),
        }
    }
}

fn told(what: &str, value: &Value) -> Result<Told> {
    if value.is_null() {
        return Ok(Told::default());
    }
    take(value).map_err(|misfit| {
        Error::new(Code::InvalidRequest, format!("the host's {what} is not understood: {misfit}"))
            .with_hint("use a version of OpenClaw that the README names")
    })
}

fn first<const N: usize>(texts: [Option<String>; N]) -> Option<String> {
    texts.into_iter().flatten().find(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn what_the_two_hosts_tell_of_a_web_chat_is_read_alike() {
        let old = Scene::read(
            &json!({"content": "hello", "body": "[date] hello", "channel": "webchat", "sessionKey": "agent:main:main",
                    "senderId": "webchat-ui", "isGroup": false}),
            &json!({"channelId": "webchat", "sessionKey": "agent:main:main", "senderId": "webchat-ui"}),
        );
        let new = Scene::read(
            &json!({"toolName": "exec", "runId": "r", "toolCallId": "c"}),
            &json!({"toolName": "exec", "agentId": "main", "sessionKey": "agent:main:main", "runId": "r",
                    "toolCallId": "c", "channelId": "webchat",
                    "requester": {"channel": "webchat", "senderId": "webchat-ui", "senderIsOwner": true}}),
        );
        let expected = Scene {
            session_key: some("agent:main:main"),
            channel: some("webchat"),
            sender_id: some("webchat-ui"),
            ..Scene::default()
        };
        assert_eq!(old.unwrap(), expected);
        let of_call = Scene {
            agent_id: some("main"),
            run_id: some("r"),
            tool_call_id: some("c"),
            sender_is_owner: true,
            ..expected
        };
        assert_eq!(new.unwrap(), of_call);
    }

    #[test]
    fn tools_and_commands_name_their_person_and_place() {
        let tool = Scene::read(
            &Value::Null,
            &json!({"sessionKey": "agent:main:main", "requesterSenderId": "42", "messageChannel": "telegram",
                    "agentAccountId": "work", "deliveryContext": {"channel": "telegram", "to": "telegram:42", "threadId": 7}}),
        )
        .unwrap();
        assert_eq!((tool.sender_id, tool.channel), (some("42"), some("telegram")));
        assert_eq!(
            (tool.account_id, tool.to, tool.thread_id),
            (some("work"), some("telegram:42"), some("7"))
        );
        let command = Scene::read(
            &Value::Null,
            &json!({"channel": "slack", "senderId": "U1", "from": "slack:channel:C1", "to": " ", "sessionKey": null}),
        )
        .unwrap();
        assert_eq!(command.chat(DmScope::Main).unwrap().as_str(), "agent:main:slack:channel:C1");
        assert_eq!(command.to, None);
    }

    #[test]
    fn the_hosts_own_web_chat_is_one_writer_whether_it_is_named_or_not() {
        let new = json!({"sessionKey": "agent:main:main", "channel": "webchat"});
        let read = |event: &Value| Scene::read(event, &Value::Null).unwrap();
        assert_eq!(read(&new).with_writer().sender_id, some("openclaw-control-ui"));
        assert_eq!(read(&new).sender_id, None, "a run without a sender is not the web chat's for that");
        let named = json!({"channel": "webchat", "senderId": "webchat-ui"});
        assert_eq!(read(&named).with_writer().sender_id, some("webchat-ui"));
        assert_eq!(read(&json!({"channel": "telegram"})).with_writer().sender_id, None);
    }

    #[test]
    fn announcements_are_known_by_either_mark() {
        for told in [json!({"runId": "announce:v1:x"}), json!({"inputProvenance": {"kind": "inter_session"}})]
        {
            assert!(Scene::read(&Value::Null, &told).unwrap().is_announcement, "{told}");
        }
        assert!(!Scene::read(&Value::Null, &json!({"runId": "r"})).unwrap().is_announcement);
    }

    #[test]
    fn a_fact_of_another_type_is_an_error_and_further_facts_are_none() {
        assert!(Scene::read(&json!({"unheard": {"of": 1}}), &Value::Null).is_ok());
        let refused = Scene::read(&Value::Null, &json!({"senderId": {"id": 7}})).unwrap_err();
        assert_eq!(refused.code(), Code::InvalidRequest);
    }
}
