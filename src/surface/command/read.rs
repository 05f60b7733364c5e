//! A chat line as a request: which command, and its arguments as the tool's parameters. Pure.

use serde_json::{Map, Value, json};

use super::table::{self, Command, Does, PREFIXES, Slot, To};
use super::words::{self, Word};
use crate::action::tool::Kind;
use crate::authz::registry::Word as Says;
use crate::base::nearest::nearest;

/// Bytes that a line may have; a pasted shell command fits.
pub const MAX_LINE_BYTES: usize = 16 << 10;

/// What a line asks for.
#[derive(Debug)]
pub enum Request {
    /// The help, of one command or of all.
    Help(Option<&'static Command>),
    /// A person's word on a blocked call, by its approval id or the only one.
    Approval(Says, Option<String>),
    /// A tool.
    Call(Call),
}

/// A tool call.
#[derive(Debug)]
pub struct Call {
    /// The command it came from.
    pub command: &'static Command,
    /// The tool.
    pub tool: &'static str,
    /// Its parameters.
    pub params: Map<String, Value>,
    /// Which page of the answer to show, from 1 on.
    pub page: usize,
}

/// A line that cannot be carried out.
#[derive(Debug)]
pub enum Mistake {
    /// The line is longer than [`MAX_LINE_BYTES`].
    TooLong,
    /// No such command; the nearest one.
    Unknown(String, Option<&'static str>),
    /// An argument is missing, or a flag's value.
    Missing(&'static Command, &'static Slot),
    /// A word too many.
    Extra(&'static Command, String),
    /// No such flag.
    UnknownFlag(&'static Command, String),
    /// A value is not of its kind.
    BadValue(&'static Command, &'static Slot),
    /// A flag is given twice.
    Twice(&'static Command, &'static Slot),
}

/// Reads a line, with or without `/identity` or `/id` in front.
///
/// # Errors
/// The first mistake.
pub fn read(line: &str) -> Result<Request, Mistake> {
    if line.len() > MAX_LINE_BYTES {
        return Err(Mistake::TooLong);
    }
    let (head, rest) = words::first(line);
    let (word, rest) = match words::name(head).strip_prefix('/') {
        // In groups Telegram writes /identity@name-of-the-bot.
        Some(prefix) if PREFIXES.contains(&prefix.split('@').next().unwrap_or_default()) => {
            words::first(rest)
        }
        _ => (head, rest),
    };
    if word.is_empty() {
        return Ok(Request::Help(None));
    }
    let command = command(word)?;
    match command.does {
        Does::Help => {
            let topic = words::first(rest).0;
            Ok(Request::Help(if topic.is_empty() { None } else { Some(self::command(topic)?) }))
        }
        Does::Approval(word) => {
            let id = words::first(rest).0;
            Ok(Request::Approval(word, (!id.is_empty()).then(|| id.to_owned())))
        }
        Does::Tool(tool) => call(command, tool, rest).map(Request::Call),
    }
}

fn command(word: &str) -> Result<&'static Command, Mistake> {
    let name = match words::name(word) {
        // A question mark of either width asks for help; it is no punctuation here.
        name if name.is_empty() => words::ascii(word),
        name => name,
    };
    table::find(&name).ok_or_else(|| {
        let near = nearest(&name, table::names()).and_then(table::find).map(|command| command.name);
        Mistake::Unknown(word.to_owned(), near)
    })
}

fn call(command: &'static Command, tool: &'static str, rest: &str) -> Result<Call, Mistake> {
    let mut call = Call { command, tool, params: Map::new(), page: 1 };
    if let [slot @ Slot { to: To::Rest(param), .. }] = command.args {
        let text = words::unquoted(rest);
        if text.trim().is_empty() {
            return Err(Mistake::Missing(command, slot));
        }
        call.params.insert((*param).to_owned(), text.into());
        return Ok(call);
    }
    let mut slots = command.args.iter();
    let mut words = words::words(rest).into_iter().peekable();
    while let Some(word) = words.next() {
        match word {
            Word::Text(text) => match slots.next() {
                Some(slot) => call.put(slot, &text)?,
                None => return Err(Mistake::Extra(command, text)),
            },
            Word::Flag { name, value } => {
                let Some(slot) = command.flags.iter().find(|slot| fold(slot.name) == fold(&name)) else {
                    return Err(Mistake::UnknownFlag(command, name));
                };
                let value = match (value, slot.kind) {
                    (Some(value), _) => value,
                    (None, Kind::Flag) => "true".to_owned(),
                    (None, _) => match words.next_if(|word| matches!(word, Word::Text(_))) {
                        Some(Word::Text(text)) => text,
                        _ => return Err(Mistake::Missing(command, slot)),
                    },
                };
                call.put(slot, &value)?;
            }
        }
    }
    match slots.find(|slot| slot.required) {
        Some(slot) => Err(Mistake::Missing(command, slot)),
        None => Ok(call),
    }
}

impl Call {
    fn put(&mut self, slot: &'static Slot, text: &str) -> Result<(), Mistake> {
        let value = value(slot.kind, text).ok_or(Mistake::BadValue(self.command, slot))?;
        match slot.to {
            To::Nothing => {}
            To::Page => {
                self.page = value.as_u64().and_then(|page| usize::try_from(page).ok()).unwrap_or(usize::MAX);
            }
            To::Param(name) | To::Rest(name) => {
                if self.params.insert(name.to_owned(), value).is_some() {
                    return Err(Mistake::Twice(self.command, slot));
                }
            }
        }
        Ok(())
    }
}

/// The value that a text means; words and numbers may be full-width and in any letter case.
fn value(kind: Kind, text: &str) -> Option<Value> {
    let folded = || words::name(text);
    match kind {
        Kind::Flag => match folded().as_str() {
            "true" | "yes" | "on" | "1" => Some(json!(true)),
            "false" | "no" | "off" | "0" => Some(json!(false)),
            _ => None,
        },
        Kind::OneOf(known) => known.iter().find(|word| fold(word) == fold(&folded())).map(|word| json!(word)),
        Kind::Text => Some(text.trim()).filter(|text| !text.is_empty()).map(Value::from),
        Kind::Texts => {
            let parts = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '，' | '、'));
            let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
            (!parts.is_empty()).then(|| json!(parts))
        }
        Kind::Whole => folded().parse::<u64>().ok().filter(|number| *number > 0).map(Value::from),
        // Nobody types objects into a chat.
        Kind::Object => None,
    }
}

/// Letter case and dashes do not tell flags apart.
fn fold(name: &str) -> String {
    words::name(name).replace('-', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(line: &str) -> (&'static str, Value, usize) {
        match read(line) {
            Ok(Request::Call(call)) => (call.tool, Value::Object(call.params), call.page),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn lines_become_tool_calls() {
        for (line, tool, params) in [
            ("/identity whoami", "identity_whoami", json!({})),
            ("/id whoami", "identity_whoami", json!({})),
            ("／ＩＤ　ｗｈｏａｍｉ。", "identity_whoami", json!({})),
            ("/Identity@bot LOGIN", "identity_login", json!({})),
            ("whoami", "identity_whoami", json!({})),
            ("/id status", "identity_status", json!({})),
            ("/id logout", "identity_logout", json!({})),
            ("/id config", "identity_config", json!({})),
            ("/id list", "identity_list_credentials", json!({})),
            ("/id list ２", "identity_list_credentials", json!({"page": 2})),
            (
                "/id list-credentials 3 --name git",
                "identity_list_credentials",
                json!({"page": 3, "name": "git"}),
            ),
            ("/id list_roles dev", "identity_list_roles", json!({"name": "dev"})),
            ("/id get-role ops", "identity_get_role_credentials", json!({"providerName": "ops"})),
            (
                "/id get－role “my role” ——use-tip --showSecrets",
                "identity_get_role_credentials",
                json!({"providerName": "my role", "useTip": true, "showSecrets": true}),
            ),
            (
                "/id get-role ops --use-tip=no",
                "identity_get_role_credentials",
                json!({"providerName": "ops", "useTip": false}),
            ),
            ("/id fetch github", "identity_fetch", json!({"provider": "github"})),
            (
                "/id fetch --flow OAuth2-M2M github --scopes=\"a b,c\"",
                "identity_fetch",
                json!({"provider": "github", "flow": "oauth2-m2m", "scopes": ["a", "b", "c"]}),
            ),
            (
                "/id fetch github —flow＝ａｐｉｋｅｙ —redirect-url=https://a.example/cb --scopes=读，写",
                "identity_fetch",
                json!({"provider": "github", "flow": "apikey", "redirectUrl": "https://a.example/cb", "scopes": ["读", "写"]}),
            ),
            ("/id fetch -- --odd", "identity_fetch", json!({"provider": "--odd"})),
            (
                "/id set github GITHUB_TOKEN。",
                "identity_set_binding",
                json!({"provider": "github", "envVar": "GITHUB_TOKEN"}),
            ),
            ("/id unset “github”", "identity_unset_binding", json!({"provider": "github"})),
            (
                "/id risk rm  -rf --no-preserve-root /",
                "identity_risk_check",
                json!({"command": "rm  -rf --no-preserve-root /"}),
            ),
            ("/id risk “rm -rf /”", "identity_risk_check", json!({"command": "rm -rf /"})),
            ("/id risk echo \"a\" 'b'。", "identity_risk_check", json!({"command": "echo \"a\" 'b'。"})),
        ] {
            assert_eq!(called(line), (tool, params, 1), "{line}");
        }
        assert_eq!(called("/id list-tips 2").2, 2);
        assert_eq!(called("/id list-roles dev --page=3"), ("identity_list_roles", json!({"name": "dev"}), 3));
        assert_eq!(called("/id risk-patterns ４").2, 4);
    }

    #[test]
    fn help_and_approval_call_nothing() {
        for line in ["", "  ", "/identity", "/id　", "/id help", "/id ?", "/id ？", "help"] {
            assert!(matches!(read(line), Ok(Request::Help(None))), "{line}");
        }
        assert!(
            matches!(read("/id help fetch"), Ok(Request::Help(Some(command))) if command.name == "fetch")
        );
        for (line, says, of) in [
            ("/id approve", Says::Approve, None),
            ("/id approve abc", Says::Approve, Some("abc")),
            ("/identity reject abc now", Says::Reject, Some("abc")),
        ] {
            let Ok(Request::Approval(word, id)) = read(line) else { panic!("{line}") };
            assert_eq!((word, id.as_deref()), (says, of), "{line}");
        }
    }

    #[test]
    fn mistakes_are_told_apart() {
        let seen = |line: &str| match read(line).unwrap_err() {
            Mistake::TooLong => "too long".to_owned(),
            Mistake::Unknown(word, near) => format!("unknown {word} {near:?}"),
            Mistake::Missing(command, slot) => format!("{} misses {}", command.name, slot.name),
            Mistake::Extra(command, word) => format!("{} extra {word}", command.name),
            Mistake::UnknownFlag(command, flag) => format!("{} no flag {flag}", command.name),
            Mistake::BadValue(command, slot) => format!("{} bad {}", command.name, slot.name),
            Mistake::Twice(command, slot) => format!("{} twice {}", command.name, slot.name),
        };
        for (line, mistake) in [
            ("/id whoam", "unknown whoam Some(\"whoami\")"),
            ("/id lists", "unknown lists Some(\"list-credentials\")"),
            ("/id help fetc", "unknown fetc Some(\"fetch\")"),
            ("/id frobnicate now", "unknown frobnicate None"),
            ("/other whoami", "unknown /other None"),
            ("/id fetch", "fetch misses provider"),
            ("/id fetch --flow=apikey", "fetch misses provider"),
            ("/id fetch github --flow", "fetch misses flow"),
            ("/id fetch github --scopes --flow=apikey", "fetch misses scopes"),
            ("/id fetch \"\"", "fetch bad provider"),
            ("/id set github", "set misses envVar"),
            ("/id set a b c", "set extra c"),
            ("/id whoami now", "whoami extra now"),
            ("/id fetch github --nope", "fetch no flag nope"),
            ("/id fetch github --flow=x", "fetch bad flow"),
            ("/id fetch github --scopes=,", "fetch bad scopes"),
            ("/id fetch github --flow=apikey --flow=apikey", "fetch twice flow"),
            ("/id list 0", "list-credentials bad page"),
            ("/id list github", "list-credentials bad page"),
            ("/id list-tips 1.5", "list-tips bad page"),
            ("/id get-role a --use-tip=maybe", "get-role bad use-tip"),
            ("/id risk", "risk misses command"),
            ("/id risk “ ”", "risk misses command"),
        ] {
            assert_eq!(seen(line), mistake, "{line}");
        }
    }

    #[test]
    fn the_longest_line_is_read_and_a_longer_one_refused() {
        let line = |bytes: usize| format!("risk {}", "x".repeat(bytes - "risk ".len()));
        assert!(read(&line(MAX_LINE_BYTES)).is_ok());
        assert!(matches!(read(&line(MAX_LINE_BYTES + 1)), Err(Mistake::TooLong)));
    }
}
