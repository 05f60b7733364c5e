//! The vectors of session keys, replayed: from what a host tells to the key under which an identity is kept.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's way to fail")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use agent_identity::base::error::Result;
use agent_identity::session::derive::{DmScope, Message, derive, effective};
use agent_identity::session::key::SessionKey;

/// Vectors of [`derive`].
const DERIVED: [&str; 3] = ["direct", "groups", "host"];
/// Vectors of [`effective`].
const EFFECTIVE: [&str; 7] =
    ["direct_effective", "groups_effective", "main", "personal", "subagents", "threads", "unattended"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File<T> {
    about: String,
    cases: Vec<T>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Derived {
    row: String,
    channel: String,
    sender: String,
    from: String,
    to: String,
    account: String,
    agent: String,
    host: Option<String>,
    scope: String,
    key: Option<String>,
    error: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Effective {
    row: String,
    base: String,
    sender: Option<String>,
    channel: Option<String>,
    personal: bool,
    key: Option<String>,
    error: Option<String>,
}

#[test]
fn messages_lead_to_the_hosts_key() {
    for name in DERIVED {
        for case in read::<Derived>(name) {
            let message = Message {
                channel: &case.channel,
                sender: &case.sender,
                from: &case.from,
                to: &case.to,
                account_id: &case.account,
                agent_id: &case.agent,
                host_key: case.host.as_deref(),
                dm_scope: DmScope::parse(&case.scope).unwrap(),
            };
            assert_eq!(text(derive(&message)), expected(&case.key, &case.error), "{name}: {case:?}");
        }
    }
}

#[test]
fn keys_and_senders_lead_to_the_persons_key() {
    for name in EFFECTIVE {
        for case in read::<Effective>(name) {
            let base = SessionKey::parse(&case.base).unwrap();
            let ask = |key: &SessionKey| {
                effective(key, case.sender.as_deref(), case.channel.as_deref(), case.personal)
            };
            let found = ask(&base);
            assert_eq!(text(found.clone()), expected(&case.key, &case.error), "{name}: {case:?}");
            if let Ok(key) = found {
                assert_eq!(ask(&key).ok().as_ref(), Some(&key), "asking again changes nothing: {case:?}");
            }
        }
    }
}

#[test]
fn no_two_people_share_a_key() {
    // The same session, the same id on two channels, and one who looks in from the web.
    let everybody =
        [("1", "telegram"), ("2", "telegram"), ("3", "webchat"), ("1", "feishu"), ("2", "feishu")];
    for (base, people) in [
        ("agent:main:main", &everybody[..]),
        ("agent:main:notes", &everybody),
        ("agent:main:direct:1", &everybody),
        ("agent:main:main:thread:1", &everybody),
        ("global", &everybody),
        // On telegram this is the first one's alone.
        ("agent:main:telegram:direct:1", &[everybody[0], everybody[2], everybody[3], everybody[4]]),
        // A group is on one channel.
        ("agent:main:telegram:group:-1", &everybody[..3]),
    ] {
        let base = SessionKey::parse(base).unwrap();
        let keys: BTreeSet<_> = people
            .iter()
            .map(|(sender, channel)| effective(&base, Some(sender), Some(channel), false).unwrap())
            .collect();
        assert_eq!(keys.len(), people.len(), "{base}: {keys:?}");
    }
}

#[test]
fn every_file_is_replayed_and_every_row_has_a_case() {
    let found: BTreeSet<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let replayed: BTreeSet<_> = DERIVED.into_iter().chain(EFFECTIVE).map(str::to_owned).collect();
    assert_eq!(found, replayed);
    let derived = DERIVED.into_iter().flat_map(read::<Derived>).map(|case| case.row);
    let effective = EFFECTIVE.into_iter().flat_map(read::<Effective>).map(|case| case.row);
    let rows: BTreeSet<_> = derived.chain(effective).collect();
    // KEY-23, who wrote, is no matter of keys alone: `session::group_senders` shows it.
    let all: BTreeSet<_> = (1..=29).filter(|n| *n != 23).map(|n| format!("KEY-{n:02}")).collect();
    assert_eq!(rows, all);
}

fn read<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let bytes = fs::read(folder().join(name).with_extension("json")).unwrap();
    let file: File<T> = serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(!file.about.is_empty() && !file.cases.is_empty(), "{name}");
    file.cases
}

fn text(key: Result<SessionKey>) -> Result<String, String> {
    key.map(|key| key.to_string()).map_err(|error| error.code().as_str().to_owned())
}

fn expected(key: &Option<String>, error: &Option<String>) -> Result<String, String> {
    match (key, error) {
        (Some(key), None) => Ok(key.clone()),
        (None, Some(code)) => Err(code.clone()),
        _ => panic!("a vector has either a key or an error"),
    }
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/session_keys"))
}
