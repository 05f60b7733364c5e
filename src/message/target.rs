//! Where a person can be told something: the chat in which they asked.

use serde::{Deserialize, Serialize};

use super::feishu;
use crate::base::lang::Lang;
use crate::session::channel::{is_sendable, normalized};
use crate::session::key::SessionKey;

/// A chat, in its channel's own terms. Everything but the channel may be unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReplyTarget {
    /// The channel, e.g. `feishu`.
    pub channel: String,
    /// Which of several accounts of the channel.
    pub account_id: Option<String>,
    /// The chat or person, as the host's command context names it in `to`.
    pub to: Option<String>,
    /// The thread or topic in it.
    pub thread_id: Option<String>,
    /// The host's session key of the chat, by which its agent is woken.
    pub session: Option<SessionKey>,
    /// The language of the conversation.
    pub lang: Lang,
}

impl ReplyTarget {
    /// The channel in lower case and the chat, when a message can get there: never in a web page or a terminal.
    #[must_use]
    pub fn address(&self) -> Option<(String, &str)> {
        let channel = normalized(&self.channel).filter(|channel| is_sendable(channel))?;
        let to = self.to.as_deref().map(str::trim).filter(|to| !to.is_empty())?;
        Some((channel, to))
    }

    /// The same with the chat that the session key tells, where the host names none: some hooks and tools only know the
    /// key and who writes. For channels whose ids can be told apart, which is Feishu.
    #[must_use]
    pub fn or_chat_of_session(mut self, sender: Option<&str>) -> Self {
        let is_named = self.to.as_deref().is_some_and(|to| !to.trim().is_empty());
        if !is_named && normalized(&self.channel).is_some_and(|channel| feishu::serves(&channel)) {
            let key = self.session.as_ref().map(SessionKey::as_str).unwrap_or_default();
            self.to = feishu::chat_of(key, sender.unwrap_or_default());
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chat_that_is_not_named_is_told_by_the_key_on_feishu_alone() {
        let session = SessionKey::parse("agent:main:feishu:group:oc_1").ok();
        let target = |channel: &str, to: Option<&str>| {
            let (channel, to) = (channel.into(), to.map(str::to_owned));
            let target = ReplyTarget { channel, to, session: session.clone(), ..ReplyTarget::default() };
            target.or_chat_of_session(Some("ou_a")).to
        };
        assert_eq!(target("Feishu", None).as_deref(), Some("chat:oc_1"));
        assert_eq!(target("lark", Some(" ")).as_deref(), Some("chat:oc_1"));
        assert_eq!(
            target("feishu", Some("user:ou_b")).as_deref(),
            Some("user:ou_b"),
            "the host knows better"
        );
        assert_eq!(target("telegram", None), None);
    }

    #[test]
    fn only_a_chat_that_is_named_on_a_channel_that_can_be_sent_to_has_an_address() {
        for (channel, to, address) in [
            (" Feishu ", Some(" chat:oc_1 "), Some(("feishu", "chat:oc_1"))),
            ("telegram", Some("telegram:42"), Some(("telegram", "telegram:42"))),
            ("telegram", None, None),
            ("telegram", Some(" "), None),
            ("", Some("chat:oc_1"), None),
            ("webchat", Some("agent:main:main"), None),
            ("TUI", Some("x"), None),
            ("heartbeat", Some("x"), None),
        ] {
            let target =
                ReplyTarget { channel: channel.into(), to: to.map(str::to_owned), ..ReplyTarget::default() };
            let found = target.address();
            assert_eq!(found.as_ref().map(|(channel, to)| (channel.as_str(), *to)), address, "{channel:?}");
        }
    }
}
