//! What a host's configuration has to say for our plugin, and what it does not say yet. Pure.

use serde_json::{Value, json};

use super::host::{Access, Host};
use crate::config::edit::Change;
use crate::config::node::Node;

/// The plugin's id.
pub(super) const ID: &str = "agent-identity";

/// An entry that is missing or wrong.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// How to mend it.
    pub(super) change: Change,
    /// What it is for.
    pub(super) why: &'static str,
}

/// The entries that this host's configuration lacks.
pub(super) fn lacking(host: &Host, root: &Node) -> Vec<Entry> {
    let mut lacking = Vec::new();
    if root.at(&["plugins", "enabled"]).is_some_and(|it| it.is_flag(false)) {
        lacking.push(set(&["plugins", "enabled"], json!(true), "the gateway loads no plugin at all"));
    }
    let entry = ["plugins", "entries", ID];
    if !root.at(&[&entry[..], &["enabled"]].concat()).is_some_and(|it| it.is_flag(true)) {
        lacking.push(set(&[&entry[..], &["enabled"]].concat(), json!(true), "the gateway loads the plugin"));
    }
    if let Some(allowed) = root.at(&["plugins", "allow"])
        && !allowed.elements().is_empty()
        && !names_us(allowed)
    {
        let change = Change::Append(path(&["plugins", "allow"]), ID.into());
        lacking
            .push(Entry { change, why: "the list of allowed plugins is kept, and the plugin is not on it" });
    }
    let access = [&entry[..], &["hooks", "allowConversationAccess"]].concat();
    match (host.access(), root.at(&access)) {
        (Access::Needed, given) if !given.is_some_and(|it| it.is_flag(true)) => {
            let why = "without it runs from the command line, timers, heartbeats and other sessions reach the model \
                       without a login, and skills are not known to skillReadCheck";
            lacking.push(set(&access, json!(true), why));
        }
        (Access::Refused, Some(_)) => {
            let why = "this version refuses its whole configuration for it, and does not start";
            lacking.push(Entry { change: Change::Remove(path(&access)), why });
        }
        _ => {}
    }
    lacking
}

/// Whether a list of plugin ids has ours.
pub(super) fn names_us(list: &Node) -> bool {
    list.elements().iter().any(|id| id.text() == Some(ID))
}

impl Entry {
    /// One line: `plugins.entries.agent-identity.enabled = true`.
    pub(super) fn line(&self) -> String {
        match &self.change {
            Change::Set(path, value) => format!("{} = {value}", path.join(".")),
            Change::Append(path, value) => format!("{} += {value}", path.join(".")),
            Change::Remove(path) => format!("{}: remove it", path.join(".")),
        }
    }

    /// `{"path","action","value","why"}`
    pub(super) fn to_json(&self) -> Value {
        let (path, action, value) = match &self.change {
            Change::Set(path, value) => (path, "set", Some(value)),
            Change::Append(path, value) => (path, "append", Some(value)),
            Change::Remove(path) => (path, "remove", None),
        };
        json!({ "path": path.join("."), "action": action, "value": value, "why": self.why })
    }
}

fn set(names: &[&str], value: Value, why: &'static str) -> Entry {
    Entry { change: Change::Set(path(names), value), why }
}

fn path(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::host::Version;
    use super::*;
    use crate::config::{edit, node};

    fn lines(version: Version, text: &str) -> Vec<String> {
        let root = node::parse(text).unwrap();
        lacking(&Host::named(version), &root).iter().map(Entry::line).collect()
    }

    const OLD: Version = Version(2026, 3, 28);
    const NEW: Version = Version(2026, 9, 6);
    const ENABLED: &str = "plugins.entries.agent-identity.enabled = true";
    const ACCESS: &str = "plugins.entries.agent-identity.hooks.allowConversationAccess = true";

    #[test]
    fn each_version_gets_what_it_accepts_and_never_what_stops_it() {
        assert_eq!(lines(NEW, "{}"), [ENABLED, ACCESS]);
        assert_eq!(lines(OLD, "{}"), [ENABLED]);
        assert_eq!(lines(Version(2026, 5, 1), "{}"), [ENABLED], "where it is unclear nothing is written");
        let given =
            r#"{plugins:{entries:{"agent-identity":{enabled:true,hooks:{allowConversationAccess:true}}}}}"#;
        assert!(lines(NEW, given).is_empty());
        assert_eq!(
            lines(OLD, given),
            ["plugins.entries.agent-identity.hooks.allowConversationAccess: remove it"]
        );
    }

    #[test]
    fn lists_and_switches_that_keep_plugins_out_are_seen() {
        let found = lines(OLD, "{plugins:{enabled:false,allow:['other']}}");
        assert_eq!(found, ["plugins.enabled = true", ENABLED, "plugins.allow += \"agent-identity\""]);
        assert_eq!(lines(OLD, "{plugins:{allow:[]}}"), [ENABLED], "an empty list allows all");
    }

    #[test]
    fn a_file_that_was_mended_lacks_nothing() {
        for (version, text) in [
            (NEW, "{}"),
            (
                OLD,
                "{ plugins: { allow: ['x'], entries: { 'agent-identity': { hooks: { allowConversationAccess: true } } } } }",
            ),
        ] {
            let host = Host::named(version);
            let changes: Vec<_> =
                lacking(&host, &node::parse(text).unwrap()).into_iter().map(|entry| entry.change).collect();
            let mended = edit::apply(text, &changes).unwrap();
            assert_eq!(lacking(&host, &node::parse(&mended).unwrap()), [], "{mended}");
        }
    }
}
