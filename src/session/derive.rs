//! From a message to the key under which its writer's identity is kept, in two pure steps: [`derive()`] gives the host's
//! key of the chat, [`effective`] the one of the person in it. Hooks, commands, tools and the web chat all ask here.
//!
//! No id can change what a key means: an id with a segment that keys give a meaning to (`user`, `subagent`, …) is
//! refused, never cut or escaped. Where it is unclear who writes, the answer is a key of its own or an error.

use crate::base::error::{Code, Error, Result};

use super::channel::{is_sendable, normalized, shared_chat};
use super::key::SessionKey;

/// The agent of a host that names none.
const DEFAULT_AGENT: &str = "main";
/// The account of a channel that has only one.
const DEFAULT_ACCOUNT: &str = "default";
/// How the host names an absent channel in a key.
const UNKNOWN_CHANNEL: &str = "unknown";

/// Segments that decide whose a key is; no id may have one.
const OWNERS: [&str; 2] = ["user", "subagent"];
/// Segments that tell what chat a key is of; no person, account, agent or channel may be called so.
const PLACES: [&str; 7] = ["group", "channel", "room", "direct", "dm", "thread", "topic"];

/// How the host keeps direct chats apart, `session.dmScope`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DmScope {
    /// All in the main session.
    #[default]
    Main,
    /// `direct:<peer>`
    PerPeer,
    /// `<channel>:direct:<peer>`
    PerChannelPeer,
    /// `<channel>:<account>:direct:<peer>`
    PerAccountChannelPeer,
}

impl DmScope {
    /// Reads the setting; blank means `main`, the host's default.
    ///
    /// # Errors
    /// `InvalidRequest` for an unknown one.
    pub fn parse(text: &str) -> Result<Self> {
        match text.trim() {
            "" | "main" => Ok(Self::Main),
            "per-peer" => Ok(Self::PerPeer),
            "per-channel-peer" => Ok(Self::PerChannelPeer),
            "per-account-channel-peer" => Ok(Self::PerAccountChannelPeer),
            other => Err(Error::new(Code::InvalidRequest, format!("session.dmScope {other:?} is unknown"))
                .with_hint("use main, per-peer, per-channel-peer or per-account-channel-peer")),
        }
    }
}

/// What the host tells of a message; blank means absent, everywhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct Message<'a> {
    /// The channel, in any case.
    pub channel: &'a str,
    /// The channel's id of the person who wrote.
    pub sender: &'a str,
    /// The raw origin, as the command context has it.
    pub from: &'a str,
    /// The raw destination.
    pub to: &'a str,
    /// Which of several accounts of the channel.
    pub account_id: &'a str,
    /// The agent written to.
    pub agent_id: &'a str,
    /// The session key, from hosts that give one.
    pub host_key: Option<&'a str>,
    /// How the host keeps direct chats apart.
    pub dm_scope: DmScope,
}

/// The host's key of the chat that a message belongs to: the one that it gave, or else the one it would give.
///
/// # Errors
/// `InvalidRequest` when the given key is no key or names a sender (which no host does, so a client made it up), or
/// when an id would change the meaning of the key.
pub fn derive(message: &Message<'_>) -> Result<SessionKey> {
    let given = message.host_key.unwrap_or_default().trim();
    let slash = slash_command(given);
    if !given.is_empty() && slash.is_none() {
        let key = SessionKey::parse(given)?;
        return match has_segment(given, &["user"]) {
            true => Err(refused("the host's session key names a sender", given)),
            false => Ok(key),
        };
    }
    let agent = [message.agent_id, slash.flatten().unwrap_or_default()];
    let agent = agent.into_iter().map(str::trim).find(|id| !id.is_empty()).unwrap_or(DEFAULT_AGENT);
    let agent = segment("agent", &agent.to_lowercase())?.to_owned();
    let channel = normalized(message.channel);
    if let Some(channel) = &channel {
        segment("channel", channel)?;
        if let Some(chat) = shared_chat(channel, message.from, message.to) {
            if has_segment(chat.id, &OWNERS) {
                return Err(refused(
                    "the group id has a segment that session keys give a meaning to",
                    chat.id,
                ));
            }
            return SessionKey::parse(&format!("agent:{agent}:{channel}:{}:{}", chat.kind.as_str(), chat.id));
        }
    }
    let channel = channel.as_deref().unwrap_or(UNKNOWN_CHANNEL);
    let rest = match (message.dm_scope, person(message.sender)?) {
        // The host, too, falls back to the main session when it does not know who writes.
        (DmScope::Main, _) | (_, None) => "main".to_owned(),
        (DmScope::PerPeer, Some(peer)) => format!("direct:{peer}"),
        (DmScope::PerChannelPeer, Some(peer)) => format!("{channel}:direct:{peer}"),
        (DmScope::PerAccountChannelPeer, Some(peer)) => {
            let account = Some(message.account_id.trim()).filter(|id| !id.is_empty());
            let account = segment("account", account.unwrap_or(DEFAULT_ACCOUNT))?;
            format!("{channel}:{account}:direct:{peer}")
        }
    };
    SessionKey::parse(&format!("agent:{agent}:{rest}"))
}

/// The key under which the identity of the person is kept who acts in a session.
///
/// Threads and topics share the identity of their chat. The chat's part of the key is in lower case, as hosts write it,
/// whatever the case of what it was derived from; the person's id keeps its own, since two may differ in nothing else. A
/// subagent's key is its own. In personal mode
/// (`identity.personalSessionMode`) all but subagents is the main session.
///
/// # Errors
/// `NotLoggedIn` for a group without a known sender, `Forbidden` when the key is another sender's, `InvalidRequest` for
/// a group in personal mode and for ids that would change the meaning of the key.
pub fn effective(
    key: &SessionKey,
    sender: Option<&str>,
    channel: Option<&str>,
    personal: bool,
) -> Result<SessionKey> {
    if personal && key.is_shared() {
        return Err(Error::new(
            Code::InvalidRequest,
            "identity.personalSessionMode is on: groups, channels and rooms have no identity",
        )
        .with_hint("use a direct chat, or switch personalSessionMode off to keep people apart"));
    }
    if key.agent_id().is_some_and(|agent| is_one_of(agent, &OWNERS) || is_one_of(agent, &PLACES[..3])) {
        // Every key of such an agent would read as a sender's, a subagent's or a group's.
        return Err(refused("the agent id is a word that session keys give a meaning to", key.as_str()));
    }
    if key.is_subagent() {
        return Ok(key.clone());
    }
    if personal {
        return Ok(SessionKey::main());
    }
    let sender = person(sender.unwrap_or_default())?;
    if let Some(owner) = key.sender() {
        if sender.is_some_and(|sender| sender != owner) {
            return Err(Error::new(Code::Forbidden, "the session is another sender's"));
        }
        let chat = key.as_str().strip_suffix(owner).and_then(|rest| rest.strip_suffix(":user:"));
        return owned(&without_thread(chat.unwrap_or_default()).to_lowercase(), owner);
    }
    let chat = without_thread(key.as_str());
    let Some(sender) = sender else {
        return match key.is_shared() {
            true => {
                Err(Error::new(Code::NotLoggedIn, "a group has no identity where its sender is not known")
                    .with_hint("let a member write in the group, then try again"))
            }
            false if chat == "global" => Ok(SessionKey::main()),
            false => SessionKey::parse(chat),
        };
    };
    let channel = channel.and_then(normalized);
    if let Some(channel) = &channel {
        segment("channel", channel)?;
    }
    let channel = channel.as_deref();
    if key.is_shared() {
        return owned(&chat.to_lowercase(), sender);
    }
    let agent = key.agent_id().unwrap_or(DEFAULT_AGENT);
    match (Direct::of(chat), channel) {
        // On its own channel the chat is its person's, whom the host may have given another name (identityLinks).
        (Direct::On(home, peer), Some(channel)) if home.eq_ignore_ascii_case(channel) => {
            theirs(chat, peer, sender)
        }
        // Promoted, for the key alone would be shared by all who write, or have the same id on two channels.
        (_, Some(channel)) if is_sendable(channel) => {
            SessionKey::parse(&format!("agent:{agent}:{channel}:direct:{sender}"))
        }
        (Direct::Main, _) => owned(&format!("agent:{agent}:main"), sender),
        (Direct::AnyChannel(peer), _) | (Direct::On(_, peer), None) if peer.eq_ignore_ascii_case(sender) => {
            theirs(chat, peer, sender)
        }
        // Somebody who looks into the chat from elsewhere, or a session of an unknown kind: theirs only.
        _ => owned(chat, sender),
    }
}

/// The key of a direct chat, which ends in its peer, with that id as the person's channel spells it.
fn theirs(chat: &str, peer: &str, sender: &str) -> Result<SessionKey> {
    let place = chat.strip_suffix(peer).unwrap_or_default().to_lowercase();
    SessionKey::parse(&match peer.eq_ignore_ascii_case(sender) {
        true => format!("{place}{sender}"),
        false => format!("{place}{}", peer.to_lowercase()),
    })
}

/// What a key without threads says of a chat between one person and the agent.
enum Direct<'a> {
    /// The main session of an agent.
    Main,
    /// `direct:<peer>`
    AnyChannel(&'a str),
    /// `<channel>[:<account>]:direct:<peer>`: channel and peer.
    On(&'a str, &'a str),
    /// None of these.
    Other,
}

impl<'a> Direct<'a> {
    fn of(chat: &'a str) -> Self {
        let rest = &chat[rest_of(chat)..];
        // `global` is the one session of a host with `session.scope: "global"`.
        if rest == "main" || chat == "global" {
            return Self::Main;
        }
        let mut at = 0;
        for (index, part) in rest.split(':').take(3).enumerate() {
            let peer = rest.get(at + part.len() + 1..).filter(|peer| !peer.is_empty());
            // Older stores write `dm`.
            if let Some(peer) = peer.filter(|_| is_one_of(part, &["direct", "dm"])) {
                return match index {
                    0 => Self::AnyChannel(peer),
                    _ => Self::On(rest.split(':').next().unwrap_or_default(), peer),
                };
            }
            at += part.len() + 1;
        }
        Self::Other
    }
}

/// A chat's key without the suffix `:thread:<id>` or `:topic:<id>`. The words are no suffix where an id must stand, so
/// no key loses its chat by this.
fn without_thread(key: &str) -> &str {
    let start = rest_of(key);
    let mut at = start;
    let mut previous = None;
    for part in key[start..].split(':') {
        let id = key.get(at + part.len() + 1..).unwrap_or_default();
        if let Some(previous) = previous
            && is_one_of(part, &["thread", "topic"])
            && !is_one_of(previous, &PLACES[..5])
            && !id.is_empty()
        {
            return &key[..at - 1];
        }
        previous = Some(part);
        at += part.len() + 1;
    }
    key
}

/// Where the part of a key begins that follows `agent:<id>:`.
fn rest_of(key: &str) -> usize {
    let after_agent = key.strip_prefix("agent:").and_then(|rest| rest.find(':'));
    after_agent.map_or(0, |colon| "agent:".len() + colon + 1)
}

/// Whether a host's key is that of a native slash command, `<channel>:slash:<user>`, which is not the chat's; if so,
/// the agent it names.
fn slash_command(key: &str) -> Option<Option<&str>> {
    let start = rest_of(key);
    let mut parts = key[start..].split(':');
    let named = parts.next().is_some_and(|channel| !channel.is_empty());
    let slash = named && parts.next().is_some_and(|part| part.eq_ignore_ascii_case("slash"));
    let agent = key.get("agent:".len()..start.saturating_sub(1)).filter(|_| start > 0);
    (slash && parts.next().is_some_and(|user| !user.is_empty())).then_some(agent)
}

fn owned(chat: &str, sender: &str) -> Result<SessionKey> {
    let key = SessionKey::parse(&format!("{chat}:user:{sender}"))?;
    // `…:subagent` is no subagent's key, but would become one; and `agent` would become one of the agent `user`.
    match key.is_subagent() || chat == "agent" {
        true => Err(refused("the session key ends where an id must stand", chat)),
        false => Ok(key),
    }
}

/// A person's id, trimmed; `None` for a blank one.
fn person(id: &str) -> Result<Option<&str>> {
    let id = id.trim();
    match has_segment(id, &OWNERS) || has_segment(id, &PLACES) {
        true => Err(refused("the sender id has a segment that session keys give a meaning to", id)),
        false => Ok(Some(id).filter(|id| !id.is_empty())),
    }
}

/// An id that takes exactly one segment of a key.
fn segment<'a>(what: &str, id: &'a str) -> Result<&'a str> {
    match id.contains(':') || is_one_of(id, &OWNERS) || is_one_of(id, &PLACES) {
        true => Err(refused(&format!("the {what} id cannot be part of a session key"), id)),
        false => Ok(id),
    }
}

fn has_segment(id: &str, words: &[&str]) -> bool {
    id.split(':').any(|part| is_one_of(part, words))
}

fn is_one_of(part: &str, words: &[&str]) -> bool {
    words.iter().any(|word| part.eq_ignore_ascii_case(word))
}

fn refused(rule: &str, id: &str) -> Error {
    let shown: String = id.chars().take(64).collect();
    Error::new(Code::InvalidRequest, format!("{rule}: {shown:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_vectors_cannot_say_of_length() {
        let sender = "s".repeat(600);
        let message =
            Message { channel: "x", sender: &sender, dm_scope: DmScope::PerPeer, ..Message::default() };
        assert_eq!(derive(&message).unwrap_err().code(), Code::InvalidRequest);
        let main = SessionKey::main();
        let long = effective(&main, Some(&sender), None, false).unwrap_err();
        assert!(long.message().len() < 200, "an id is not echoed in full");
    }

    #[test]
    fn an_unknown_scope_is_refused_and_none_is_main() {
        assert_eq!(DmScope::parse(" ").unwrap(), DmScope::Main);
        assert_eq!(DmScope::parse("per-guild").unwrap_err().code(), Code::InvalidRequest);
    }
}
