//! Which messages never reach the model, because the host carries them out itself. Pure.
//!
//! A gate before the model must let them through, or nobody could log in; but nothing else that begins with a slash, or
//! the slash would open the gate: hosts send on what they do not know, and what follows many of their commands.

use Takes::{Anything, Nothing, Settings, Word};

/// What may follow a command without being sent to the model.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// Whatever follows is the command's own.
    Anything,
    /// `name=value` words.
    Settings,
    /// One word; what follows it is sent to the model.
    Word,
    /// Nothing; what follows is sent to the model.
    Nothing,
}

/// The commands of OpenClaw 2026.3.28 and 2026.9.6, and ours. Those are left out that ask the model (`btw`, `compact`,
/// `skill`), speak to a running agent (`steer`) or start one (`acp`, `subagents`), and those that name a skill.
const COMMANDS: [(&str, Takes); 57] = [
    ("activation", Word),
    ("agents", Anything),
    ("allowlist", Anything),
    ("approve", Anything),
    ("bash", Anything),
    ("commands", Nothing),
    ("config", Anything),
    ("context", Anything),
    ("debug", Anything),
    ("elev", Word),
    ("elevated", Word),
    ("exec", Settings),
    ("export", Anything),
    ("export-session", Anything),
    ("export-trajectory", Anything),
    ("fast", Word),
    ("focus", Anything),
    ("help", Nothing),
    ("id", Anything),
    ("identity", Anything),
    ("kill", Anything),
    ("mcp", Anything),
    ("model", Word),
    ("models", Anything),
    ("new", Nothing),
    ("plugin", Anything),
    ("plugins", Anything),
    ("queue", Settings),
    ("reason", Word),
    ("reasoning", Word),
    ("reset", Nothing),
    ("restart", Anything),
    ("send", Word),
    ("session", Anything),
    ("status", Nothing),
    ("stop", Anything),
    ("t", Word),
    ("tasks", Anything),
    ("think", Word),
    ("thinking", Word),
    ("tools", Anything),
    ("trajectory", Anything),
    ("tts", Anything),
    ("unfocus", Anything),
    ("usage", Anything),
    ("v", Word),
    ("verbose", Word),
    ("whoami", Nothing),
    // What the bots' menus of chat channels add.
    ("dock-discord", Nothing),
    ("dock-slack", Nothing),
    ("dock-telegram", Nothing),
    ("dock-feishu", Nothing),
    ("dock_discord", Nothing),
    ("dock_slack", Nothing),
    ("dock_telegram", Nothing),
    ("dock_feishu", Nothing),
    ("start", Nothing),
];

/// The arguments of a message that is our command by its short name, which newer hosts have given to another of theirs.
#[must_use]
pub(super) fn short_command(message: &str) -> Option<&str> {
    let rest = message.trim().strip_prefix("/")?;
    let (name, rest) = rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
    name.split('@').next()?.eq_ignore_ascii_case("id").then(|| rest.trim())
}

/// Whether a message is a command that the host carries out without the model.
#[must_use]
pub(super) fn is_command(message: &str) -> bool {
    let Some(rest) = message.trim().strip_prefix('/') else { return false };
    let end = rest.find(|c: char| c.is_whitespace() || c == ':').unwrap_or(rest.len());
    let (name, rest) = rest.split_at(end);
    // In groups Telegram writes /status@name-of-the-bot.
    let name = name.split('@').next().unwrap_or_default().to_ascii_lowercase();
    let Some((_, takes)) = COMMANDS.iter().find(|(known, _)| *known == name) else { return false };
    let rest = rest.strip_prefix(':').unwrap_or(rest).trim();
    let mut words = rest.split_whitespace();
    match takes {
        Anything => true,
        Nothing => rest.is_empty(),
        Word => words.nth(1).is_none(),
        Settings => words.enumerate().all(|(at, word)| at == 0 || word.contains([':', '='])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_host_does_itself_passes() {
        for message in [
            "/identity login",
            " /id fetch github --scopes=\"a b\" ",
            "/IDENTITY@my_bot login",
            "/approve plugin:1 allow-once",
            "/new",
            "/reset ",
            "/status",
            "/think high",
            "/think:high",
            "/t",
            "/model openai/gpt-4o",
            "/exec host=gateway security=full",
            "/queue collect debounce:2s",
            "/help",
            "/whoami",
        ] {
            assert!(is_command(message), "{message:?}");
        }
    }

    #[test]
    fn our_short_name_is_told_from_others() {
        for (message, arguments) in [
            ("/id", Some("")),
            (" /ID  fetch  github ", Some("fetch  github")),
            ("/id@my_bot login", Some("login")),
            ("/identity login", None),
            ("/idle", None),
            ("id login", None),
        ] {
            assert_eq!(short_command(message), arguments, "{message:?}");
        }
    }

    #[test]
    fn what_reaches_the_model_does_not_however_it_begins() {
        for message in [
            "",
            "/",
            "hello",
            "hello /identity login",
            "/new write a poem",
            "/reset\nwrite a poem",
            // Hosts answer these wherever they stand in a message, and send on what is left of it.
            "/status write a poem",
            "/help write a poem",
            "/commands write a poem",
            "/whoami write a poem",
            "/think high write a poem",
            "/think: high write",
            "/model x and then write",
            "/exec host=gateway then write",
            "/unheard of",
            "/btw who am I",
            "/skill weather Berlin",
            "/steer do that",
            "/compact everything",
            "/subagents spawn x",
            "/identityx login",
            "//identity login",
            "/ identity",
        ] {
            assert!(!is_command(message), "{message:?}");
        }
    }
}
