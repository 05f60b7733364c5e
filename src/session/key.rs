//! Session keys: the names under which identities are kept.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::error::{Code, Error, Result};
use crate::records::Name;

/// Bytes that a session key may have; longer than any key a channel produces, short enough to keep in memory.
pub const MAX_KEY_BYTES: usize = 512;

/// The key of the gateway's main chat, and the only one in personal mode.
pub const MAIN: &str = "agent:main:main";

/// A session key as OpenClaw writes it, e.g. `agent:main:telegram:direct:12345`. Cheap to clone, and to look up: its hash is
/// worked out once.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionKey {
    /// Of the text, with a key of this process's own, since people choose their parts of it.
    hash: u64,
    text: Arc<str>,
}

/// A map by session keys that takes their own hashes.
pub type ByKey<V> = HashMap<SessionKey, V, BuildHasherDefault<Hashed>>;

/// Hashes nothing: a session key gives its hash.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, bytes: &[u8]) {
        debug_assert!(bytes.is_empty(), "only session keys are hashed with this");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Hash for SessionKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// In the order of their texts.
impl Ord for SessionKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl PartialOrd for SessionKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl SessionKey {
    /// Reads a key: trimmed, not empty, at most [`MAX_KEY_BYTES`] long, no control characters. A bare `main` is the
    /// main session.
    ///
    /// # Errors
    /// `InvalidRequest`, naming the rule that is broken.
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = |rule: &str| {
            Error::new(Code::InvalidRequest, format!("the session key {rule}"))
                .with_hint("agent-identity status lists the sessions by their keys")
        };
        let text = text.trim();
        match text {
            "" => Err(invalid("is empty")),
            "main" => Ok(Self::main()),
            _ if text.len() > MAX_KEY_BYTES => Err(invalid(&format!("is longer than {MAX_KEY_BYTES} bytes"))),
            _ if text.chars().any(char::is_control) => Err(invalid("has a control character")),
            _ => Ok(Self::new(text)),
        }
    }

    fn new(text: &str) -> Self {
        static STATE: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        Self { hash: STATE.hash_one(text), text: text.into() }
    }

    /// The main session.
    #[must_use]
    pub fn main() -> Self {
        /// Asked for by every request that names no session.
        static KEY: LazyLock<SessionKey> = LazyLock::new(|| SessionKey::new(MAIN));
        KEY.clone()
    }

    /// The key's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The agent that the key belongs to: `X` of `agent:X:…`.
    #[must_use]
    pub fn agent_id(&self) -> Option<&str> {
        self.text.strip_prefix("agent:")?.split(':').next().filter(|id| !id.is_empty())
    }

    /// Whether the key belongs to a subagent: it begins with `subagent:` or has `:subagent:` anywhere.
    #[must_use]
    pub fn is_subagent(&self) -> bool {
        self.text.starts_with("subagent:") || self.text.contains(":subagent:")
    }

    /// The last segment of a subagent's key, by which its workload is named.
    #[must_use]
    pub fn subagent_id(&self) -> Option<&str> {
        self.is_subagent().then(|| self.text.rsplit(':').next()).flatten().filter(|id| !id.is_empty())
    }

    /// Whether several people may stand behind the key: a group, a channel or a room, in any letter case.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        let lower = self.text.to_ascii_lowercase();
        [":group:", ":channel:", ":room:"].iter().any(|marker| lower.contains(marker))
    }

    /// The sender that a key of the form `…:user:<sender>` belongs to.
    #[must_use]
    pub fn sender(&self) -> Option<&str> {
        self.text.rsplit_once(":user:").map(|(_, sender)| sender).filter(|sender| !sender.is_empty())
    }

    /// Whether the key is a sender's own form of the main session, `agent:main:main:user:<sender>`.
    #[must_use]
    pub fn is_main_of_a_sender(&self) -> bool {
        self.text
            .strip_prefix(MAIN)
            .and_then(|rest| rest.strip_prefix(":user:"))
            .is_some_and(|sender| !sender.is_empty())
    }
}

impl fmt::Display for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.text, f)
    }
}

impl Serialize for SessionKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for SessionKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl Name for SessionKey {
    fn as_name(&self) -> &str {
        &self.text
    }

    fn from_name(text: &str) -> Option<Self> {
        Self::parse(text).ok().filter(|key| key.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_keys_are_found_wherever_they_come_from() {
        let texts = [MAIN, "agent:main:telegram:direct:1", "Ä"];
        let map: ByKey<usize> =
            texts.iter().enumerate().map(|(n, text)| (SessionKey::parse(text).unwrap(), n)).collect();
        for (n, text) in texts.into_iter().enumerate() {
            let read: SessionKey = serde_json::from_value(text.into()).unwrap();
            assert_eq!((map.get(&read), map.get(&read.clone())), (Some(&n), Some(&n)), "{text}");
        }
        assert_eq!(map.get(&SessionKey::main()), Some(&0));
        assert_eq!(map.get(&SessionKey::parse("agent:main:telegram:direct:2").unwrap()), None);
    }

    #[test]
    fn grammar_at_its_edges() {
        assert_eq!(SessionKey::parse(" main ").unwrap(), SessionKey::main());
        assert_eq!(SessionKey::parse(&"k".repeat(MAX_KEY_BYTES)).unwrap().as_str().len(), MAX_KEY_BYTES);
        for bad in ["", "  ", "a\nb", "a\u{7f}", &"k".repeat(MAX_KEY_BYTES + 1)] {
            assert_eq!(SessionKey::parse(bad).unwrap_err().code(), Code::InvalidRequest, "{bad:?}");
        }
    }

    #[test]
    fn only_a_keys_own_text_is_its_name() {
        assert_eq!(SessionKey::from_name(MAIN), Some(SessionKey::main()));
        assert!(["main", " agent:main:main", ""].iter().all(|text| SessionKey::from_name(text).is_none()));
    }

    #[test]
    fn reads_the_parts_that_matter() {
        let key = |text: &str| SessionKey::parse(text).unwrap();
        assert_eq!(key("agent:shop:telegram:direct:1").agent_id(), Some("shop"));
        assert_eq!(key("agent::x").agent_id(), None);
        assert_eq!(key("telegram:1").agent_id(), None);
        for (text, id) in [
            ("subagent:u1", Some("u1")),
            ("agent:main:subagent:u1", Some("u1")),
            ("agent:main:subagent:u1:subagent:u2", Some("u2")),
            ("agent:main:main", None),
            ("agent:main:subagents:x", None),
        ] {
            assert_eq!(key(text).subagent_id(), id, "{text}");
        }
        for (text, shared) in [
            ("agent:main:telegram:group:-1001", true),
            ("agent:main:slack:CHANNEL:C123456", true),
            ("agent:main:line:room:r", true),
            ("agent:main:feishu:direct:ou_1", false),
        ] {
            assert_eq!(key(text).is_shared(), shared, "{text}");
        }
        assert_eq!(key("agent:main:telegram:group:-1:user:42").sender(), Some("42"));
        assert_eq!((key("agent:main:telegram:group:-1").sender(), key("a:user:").sender()), (None, None));
        assert!(key("agent:main:main:user:bob").is_main_of_a_sender());
        assert!(
            !key("agent:main:main:user:").is_main_of_a_sender()
                && !key("agent:main:main").is_main_of_a_sender()
        );
    }
}
