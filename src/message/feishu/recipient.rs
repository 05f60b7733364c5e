//! From the host's `to` to a Feishu id and its kind. Pure.

/// Characters of an id; Feishu's have 35.
pub const MAX_ID_CHARS: usize = 128;

/// Whom a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipient<'a> {
    /// The value of `receive_id_type`.
    pub id_type: &'static str,
    /// The id.
    pub id: &'a str,
}

impl<'a> Recipient<'a> {
    /// Reads `chat:oc_…`, `user:ou_…` and the host's other forms, by its own rules; `None` for what holds no id.
    #[must_use]
    pub fn of(to: &'a str) -> Option<Self> {
        let to = without(without(to.trim(), "feishu:"), "lark:");
        let chat = ["chat:", "group:", "channel:"].into_iter().find_map(|prefix| after(to, prefix));
        let person = ["user:", "dm:"].into_iter().find_map(|prefix| after(to, prefix));
        let (id_type, id) = match (chat, person, after(to, "open_id:")) {
            (Some(id), ..) => ("chat_id", id),
            (_, Some(id), _) => (if id.starts_with("ou_") { "open_id" } else { "user_id" }, id),
            (.., Some(id)) => ("open_id", id),
            _ if to.starts_with("oc_") => ("chat_id", to),
            _ if to.starts_with("ou_") => ("open_id", to),
            _ => ("user_id", to),
        };
        is_id(id).then_some(Self { id_type, id })
    }
}

/// The `to` of the chat that a session key of the host belongs to, when the host does not tell it: the group of the key,
/// else the person who writes. Feishu's ids say of what kind they are, so nothing is taken for another.
#[must_use]
pub fn chat_of(key: &str, sender: &str) -> Option<String> {
    let id = |text: &'_ str, prefix| {
        Some(text.trim()).filter(|id| id.starts_with(prefix) && is_id(id)).map(str::to_owned)
    };
    let group = key.split_once(":group:").map(|(_, rest)| rest.split(':').next().unwrap_or_default());
    match group {
        Some(group) => id(group, "oc_").map(|chat| format!("chat:{chat}")),
        None => id(sender, "ou_").map(|person| format!("user:{person}")),
    }
}

/// Whether a text can be an id: nothing else gets into a request.
pub(super) fn is_id(text: &str) -> bool {
    (1..=MAX_ID_CHARS).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

fn without<'a>(text: &'a str, prefix: &str) -> &'a str {
    after(text, prefix).unwrap_or(text)
}

/// What follows a prefix in any letter case, trimmed.
fn after<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| rest.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chat_is_sent_to_by_chat_id_and_a_person_by_open_id() {
        for (to, expected) in [
            ("chat:oc_1a", Some(("chat_id", "oc_1a"))),
            ("user:ou_1a", Some(("open_id", "ou_1a"))),
            (" Feishu:Chat: oc_1a ", Some(("chat_id", "oc_1a"))),
            ("lark:user:ou_1a", Some(("open_id", "ou_1a"))),
            ("group:oc_1a", Some(("chat_id", "oc_1a"))),
            ("channel:oc_1a", Some(("chat_id", "oc_1a"))),
            ("dm:ou_1a", Some(("open_id", "ou_1a"))),
            ("user:e33ggbyz", Some(("user_id", "e33ggbyz"))),
            ("open_id:ou_1a", Some(("open_id", "ou_1a"))),
            ("oc_1a", Some(("chat_id", "oc_1a"))),
            ("ou_1a", Some(("open_id", "ou_1a"))),
            ("e33ggbyz", Some(("user_id", "e33ggbyz"))),
            ("", None),
            ("chat:", None),
            ("chat: ", None),
            ("user:ou_1/../x", None),
            ("agent:main:main", None),
            ("oc_1?receive_id_type=email", None),
            ("ou_ü", None),
        ] {
            let found = Recipient::of(to).map(|recipient| (recipient.id_type, recipient.id));
            assert_eq!(found, expected, "{to:?}");
        }
    }

    #[test]
    fn the_chat_of_a_session_is_its_group_or_else_the_one_who_writes() {
        for (key, sender, expected) in [
            ("agent:main:feishu:group:oc_1", "ou_a", Some("chat:oc_1")),
            ("agent:main:feishu:group:oc_1:topic:om_2", "ou_a", Some("chat:oc_1")),
            ("agent:main:feishu:group:oc_1:sender:ou_a", "", Some("chat:oc_1")),
            ("agent:main:main", " ou_a ", Some("user:ou_a")),
            ("agent:main:feishu:direct:ou_a", "ou_a", Some("user:ou_a")),
            ("", "ou_a", Some("user:ou_a")),
            ("agent:main:feishu:group:-1001", "ou_a", None),
            ("agent:main:feishu:group:", "ou_a", None),
            ("agent:main:main", "", None),
            ("agent:main:main", "webchat-ui", None),
            ("agent:main:main", "ou_a/../b", None),
        ] {
            assert_eq!(chat_of(key, sender).as_deref(), expected, "{key} {sender:?}");
        }
    }

    #[test]
    fn an_id_has_its_longest_length() {
        let id = |length: usize| format!("oc_{}", "a".repeat(length - 3));
        assert!(Recipient::of(&id(MAX_ID_CHARS)).is_some());
        assert!(Recipient::of(&id(MAX_ID_CHARS + 1)).is_none());
    }
}
