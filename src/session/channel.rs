//! What the chat channels write into `from` and `to`: one table that tells a group's id from a person's.
//!
//! Only explicit markers count. Whatever else follows `<channel>:` is a person, so that nobody's direct chat is ever
//! taken for a group. Prefixes compare without regard to case, ids keep theirs, and an empty id is no match.

use Field::{From, To};
use Kind::{Channel, Group};
use Marker::{Negative, Prefix, Suffix};

/// Channels from which people write but to which nothing can be sent later: their main session is not promoted.
const INTERNAL: [&str; 6] = ["webchat", "tui", "cli", "heartbeat", "cron", "hook"];

/// The kind segment of a shared chat's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `group`
    Group,
    /// `channel`
    Channel,
}

impl Kind {
    /// The segment as it stands in a session key.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Group => "group",
            Channel => "channel",
        }
    }
}

/// The shared chat that a message came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedChat<'a> {
    /// How its key names it.
    pub kind: Kind,
    /// The channel's own id of it, in its own case.
    pub id: &'a str,
}

#[derive(Clone, Copy)]
enum Field {
    From,
    To,
}

#[derive(Clone, Copy)]
enum Marker {
    /// The id is what follows.
    Prefix(&'static str),
    /// The id is what follows, if it is negative.
    Negative(&'static str),
    /// The id is the whole value.
    Suffix(&'static str),
}

type Rule = (Field, Marker, Kind);

/// The rules of each channel, in the order in which they are tried.
const CHANNELS: [(&str, &[Rule]); 10] = [
    ("discord", &[(From, Prefix("discord:channel:"), Channel), (To, Prefix("channel:"), Channel)]),
    ("feishu", &[(To, Prefix("chat:"), Group)]),
    ("imessage", &[(From, Prefix("imessage:group:"), Group), (To, Prefix("chat_id:"), Group)]),
    (
        "line",
        &[
            (From, Prefix("line:group:"), Group),
            (From, Prefix("line:room:"), Group),
            (To, Prefix("line:group:"), Group),
            (To, Prefix("line:room:"), Group),
        ],
    ),
    ("matrix", &[(From, Prefix("matrix:channel:"), Channel)]),
    (
        "msteams",
        &[
            (From, Prefix("msteams:channel:"), Channel),
            (From, Prefix("msteams:group:"), Group),
            (To, Prefix("conversation:"), Channel),
        ],
    ),
    ("signal", &[(From, Prefix("group:"), Group), (To, Prefix("group:"), Group)]),
    (
        "slack",
        &[
            (From, Prefix("slack:channel:"), Channel),
            (From, Prefix("slack:group:"), Group),
            (To, Prefix("channel:"), Channel),
        ],
    ),
    (
        "telegram",
        &[
            (From, Prefix("telegram:group:"), Group),
            (To, Prefix("telegram:group:"), Group),
            (From, Negative("telegram:"), Group),
            (To, Negative("telegram:"), Group),
        ],
    ),
    ("whatsapp", &[(From, Suffix("@g.us"), Group)]),
];

/// A channel's name as keys have it: trimmed, in lower case; `None` for a blank one.
#[must_use]
pub fn normalized(channel: &str) -> Option<String> {
    let channel = channel.trim();
    (!channel.is_empty()).then(|| channel.to_lowercase())
}

/// Whether a reply can be sent through a channel (given as [`normalized`] gives it) at any later time.
#[must_use]
pub fn is_sendable(channel: &str) -> bool {
    !INTERNAL.contains(&channel)
}

/// The shared chat that a message came from, if it came from one. `channel` is as [`normalized`] gives it.
#[must_use]
pub fn shared_chat<'a>(channel: &str, from: &'a str, to: &'a str) -> Option<SharedChat<'a>> {
    let (from, to) = (from.trim(), to.trim());
    if let Some((_, rules)) = CHANNELS.iter().find(|(name, _)| *name == channel) {
        return rules.iter().find_map(|(field, marker, kind)| {
            let value = match field {
                From => from,
                To => to,
            };
            Some(SharedChat { kind: *kind, id: marker.id(value)? })
        });
    }
    [(from, Group), (from, Channel), (to, Group), (to, Channel)].into_iter().find_map(|(value, kind)| {
        let id = after(after(after(value, channel)?, ":")?, kind.as_str())?;
        Some(SharedChat { kind, id: present(after(id, ":")?)? })
    })
}

impl Marker {
    fn id(self, value: &str) -> Option<&str> {
        match self {
            Prefix(prefix) => present(after(value, prefix)?),
            Negative(prefix) => {
                let id = present(after(value, prefix)?)?;
                id.strip_prefix('-').and_then(present).map(|_| id)
            }
            Suffix(suffix) => {
                let cut = value.len().checked_sub(suffix.len()).filter(|cut| *cut > 0)?;
                value.get(cut..)?.eq_ignore_ascii_case(suffix).then_some(value)
            }
        }
    }
}

/// What follows a prefix, whose case does not matter.
fn after<'a>(value: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = value.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn present(id: &str) -> Option<&str> {
    Some(id.trim()).filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_in_any_field_is_taken_without_harm() {
        for value in
            ["", ":", "-", "é", "telegram:", "telegram:-", "telegram:- ", "@g.us", "ß@G.US", "chat: "]
        {
            for (channel, _) in CHANNELS {
                let found = shared_chat(channel, value, value);
                let expected =
                    (channel == "whatsapp" && value.len() > 5 && value.contains('@')).then_some(value);
                assert_eq!(found.map(|chat| chat.id), expected, "{channel} {value:?}");
            }
        }
    }

    #[test]
    fn nothing_can_be_sent_to_a_web_page_or_a_terminal() {
        let sendable = |name: &str| is_sendable(&normalized(name).unwrap());
        assert!(["feishu", " Telegram ", "a-plugins-own"].into_iter().all(sendable));
        assert!(!["webchat", "TUI", " heartbeat"].into_iter().any(sendable));
        assert_eq!(normalized("  "), None);
    }
}
