//! The host's configuration: every field that may hold a secret, and the references among them.

use std::collections::HashSet;

use super::finding::{Code, Finding, Resolution};
use super::plan::Proposal;
use super::surface::{Generation, SCOPE, Surface, Target, is_secret_header};
use super::walk::{self, Found};
use super::{Assignment, Ledger};
use crate::config::fields::{FIELDS, Kind};
use crate::config::host::HostFile;
use crate::config::node::Node;
use crate::config::problem::Fault;
use crate::config::secretref::form::{is_placeholder, is_retired_marker};
use crate::config::secretref::machine::Access;
use crate::config::secretref::resolve::Resolved;
use crate::config::secretref::{SecretRef, Source};

/// Where our own settings are.
const OURS: &str = "plugins.entries.agent-identity.config";
const API_KEY: &str = "models.providers.*.apiKey";
const HEADERS: &str = "models.providers.*.headers.*";
/// Fields that the host resolves although its list does not name them.
const RESOLVED_UNLISTED: [&str; 8] = [
    "agents.defaults.memorySearch.remote.headers.*",
    "agents.list[].memorySearch.remote.headers.*",
    "memory.search.remote.headers.*",
    "agents.entries.*.memory.search.remote.headers.*",
    "agents.defaults.sandbox.ssh.*",
    "agents.entries.*.sandbox.ssh.*",
    "gateway.controlUi.github.token",
    "tools.media.*.request.*",
];
/// Search providers that are named otherwise than their plugin.
const SEARCH_PLUGINS: [(&str, &str); 3] = [("gemini", "google"), ("grok", "xai"), ("kimi", "moonshot")];

/// Looks at every field of the list, and at our own.
pub(super) fn collect(ledger: &mut Ledger, surface: &Surface, host: &HostFile) {
    let file = host.path().display().to_string();
    let mut known: HashSet<String> = HashSet::new();
    let ours = FIELDS.iter().filter(|field| matches!(field.kind, Kind::KeyId | Kind::Secret)).map(|field| {
        let path = format!("{OURS}.{}", field.path);
        Target {
            path,
            file: None,
            only: None,
            expected: None,
            sibling: None,
            kind: None,
            replaced_by: None,
            profile_type: None,
        }
    });
    let targets: Vec<Target> =
        surface.supported.iter().filter(|target| target.file.is_none()).cloned().chain(ours).collect();
    for target in &targets {
        for found in walk::places(host.root(), &target.path, target.sibling.as_deref()) {
            known.insert(found.path.clone());
            if let Some(sibling) = &target.sibling {
                let beside =
                    walk::join(found.path.rsplit_once('.').map_or("", |(parent, _)| parent), sibling);
                known.insert(beside);
            }
            Field { ledger, surface, host, file: &file, target, found }.look();
        }
    }
    for field in &surface.refused {
        for found in walk::places(host.root(), &field.path, None) {
            known.insert(found.path.clone());
            if SecretRef::parse(found.node).is_ok() {
                let message = format!("{} holds a SecretRef, which it does not take.", found.path);
                let finding = Finding::unresolved(&file, &found.path, message);
                ledger.findings.push(finding.with_hint(SCOPE));
            }
        }
    }
    let unlisted = RESOLVED_UNLISTED.iter().flat_map(|path| walk::places(host.root(), path, None));
    known.extend(unlisted.map(|found| found.path));
    for path in walk::references(host.root()).into_iter().filter(|path| !known.contains(path)) {
        ledger.notes.push(format!(
            "{path} holds a SecretRef and is no field of the host: it has a value only where a plugin declares it"
        ));
    }
}

/// One place of a field.
struct Field<'a, 'b> {
    ledger: &'a mut Ledger,
    surface: &'a Surface,
    host: &'a HostFile,
    file: &'a str,
    target: &'a Target,
    found: Found<'b>,
}

impl Field<'_, '_> {
    fn look(self) {
        let Self { ledger, surface, host, file, target, found } = self;
        let path = &found.path;
        let default_env = host.providers().default_env();
        // Of a reference beside the field and one in it, the one beside it counts.
        let beside = target.sibling.as_deref().and_then(|key| found.parent.get(key));
        let is_object = matches!(found.node, Node::Object(_));
        let wrong_form = |node: &Node| match SecretRef::parse(node) {
            Err(fault) if node.get("source").is_some() => Some(fault),
            _ => None,
        };
        let reference = [beside, Some(found.node)].into_iter().flatten().find_map(|node| match node {
            Node::Text(text) => SecretRef::of_shorthand(text.expose(), default_env),
            node => SecretRef::parse(node).ok(),
        });
        let provider = target.path.starts_with("models.providers.").then(|| found.segments[2].clone());
        moved(ledger, target, path);
        if let Some(reference) = reference {
            if target.path == API_KEY
                && let Some(provider) = &provider
            {
                ledger.provider_paths.entry(provider.to_lowercase()).or_default().push(path.clone());
            }
            return ledger.references.push(Assignment {
                file: file.to_owned(),
                path: path.clone(),
                reference,
                takes_object: target.takes_object(),
                provider,
                profile: None,
                inactive: found.off.as_ref().map(|off| format!("{off} is switched off")),
                search: search_plugin(&found.segments),
            });
        }
        if let Some(fault) = [beside, Some(found.node)].into_iter().flatten().find_map(wrong_form) {
            let message = format!("{path} {}.", fault.message);
            return ledger
                .findings
                .push(Finding::unresolved(file, path, message).of(provider.as_deref(), None));
        }
        let text = found.node.text().filter(|text| !text.trim().is_empty());
        let is_plaintext =
            text.is_some() || (target.takes_object() && is_object && !found.node.entries().is_empty());
        let last = found.segments.last().map(String::as_str).unwrap_or_default();
        let is_marker = text.is_some_and(|text| target.path == API_KEY && surface.is_api_key_marker(text));
        if !is_plaintext || is_marker || (target.path == HEADERS && !is_secret_header(last)) {
            return;
        }
        let finding = match text {
            Some(text) if is_placeholder(text) => {
                let message = format!("{path} holds a redaction placeholder, not a secret.");
                Finding::new(Code::PlaceholderValue, file, path, message).with_hint("enter the secret again")
            }
            Some(text) if is_retired_marker(text) => {
                let message = format!("{path} holds a retired secret marker, which is read as plaintext.");
                Finding::new(Code::PlaintextFound, file, path, message)
                    .with_hint("run `openclaw doctor --fix`, or write a SecretRef with source env")
            }
            _ => {
                ledger.proposals.push(Proposal {
                    kind: target.kind().to_owned(),
                    path: path.clone(),
                    segments: found.segments.clone(),
                    agent: None,
                    provider: provider.clone(),
                    profile_provider: None,
                });
                Finding::new(Code::PlaintextFound, file, path, format!("{path} is stored as plaintext."))
            }
        };
        ledger.findings.push(finding.of(provider.as_deref(), None));
    }
}

/// A field that one generation of hosts has elsewhere or not at all.
fn moved(ledger: &mut Ledger, target: &Target, path: &str) {
    let note = match (target.only, &target.replaced_by) {
        (Some(Generation::Older), Some(place)) => {
            format!("{path} is at {place} on newer hosts: `openclaw doctor --fix` moves it")
        }
        (Some(Generation::Older), None) => format!("{path} is gone from newer hosts"),
        (Some(Generation::Newer), _) => format!("{path} is not known to older hosts"),
        (None, _) => return,
    };
    ledger.notes.push(note);
}

/// The plugin whose web search key this is.
fn search_plugin(segments: &[String]) -> Option<String> {
    let keys: Vec<&str> = segments.iter().map(String::as_str).collect();
    match keys.as_slice() {
        ["plugins", "entries", plugin, "config", "webSearch", ..] => Some((*plugin).to_owned()),
        _ => None,
    }
}

/// Asks for the references' values.
pub(super) fn resolve(
    ledger: &mut Ledger,
    host: &HostFile,
    access: &dyn Access,
    allow_exec: bool,
) -> Resolution {
    let all = std::mem::take(&mut ledger.references);
    let resolver = host.resolver(access);
    let (skipped, asked): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|one| one.reference.source == Source::Exec && !allow_exec);
    resolver.ask(asked.iter().map(|one| &one.reference));
    let mut failed = Vec::new();
    for one in &skipped {
        // What is wrong without a start is wrong.
        if let Err(fault) = host.providers().find(&one.reference) {
            failed.push((one, Code::RefUnresolved, fault));
        }
    }
    for one in &asked {
        if let Err((code, fault)) = usable(resolver.resolve(&one.reference), one.takes_object) {
            failed.push((one, code, fault));
        }
    }
    let chosen =
        host.root().at(&["tools", "web", "search", "provider"]).and_then(Node::text).map(|provider| {
            SEARCH_PLUGINS.iter().find(|(name, _)| *name == provider).map_or(provider, |(_, plugin)| plugin)
        });
    let does_search = asked.iter().any(|one| {
        one.search.is_some()
            && one.inactive.is_none()
            && !failed.iter().any(|(other, ..)| other.path == one.path)
    }) || has_search_plaintext(ledger);
    for (one, code, fault) in failed {
        let unselected = one.search.as_deref().and_then(|plugin| match chosen {
            Some(chosen) if chosen != plugin => Some(format!("tools.web.search.provider is {chosen}")),
            None if does_search => Some("another search provider's key is there".to_owned()),
            _ => None,
        });
        match one.inactive.clone().or(unselected) {
            Some(why) => ledger.notes.push(format!(
                "{} does not resolve ({}) and nobody asks for it: {why}",
                one.path, fault.message
            )),
            None => {
                let message = format!("Failed to resolve {} ({}).", one.reference, fault.message);
                let mut finding = Finding::new(code, &one.file, &one.path, message);
                finding.hint = fault.hint;
                ledger.findings.push(finding.of(one.provider.as_deref(), one.profile.as_deref()));
            }
        }
    }
    Resolution { checked: asked.len(), skipped_exec: skipped.len() }
}

fn has_search_plaintext(ledger: &Ledger) -> bool {
    ledger.proposals.iter().any(|proposal| search_plugin(&proposal.segments).is_some())
}

fn usable(answer: Result<Resolved, Fault>, takes_object: bool) -> Result<(), (Code, Fault)> {
    let unresolved = |fault: Fault| (Code::RefUnresolved, fault);
    match answer.map_err(unresolved)? {
        Resolved::Text(text) if is_placeholder(text.expose()) => {
            Err((Code::PlaceholderValue, "the value is a redaction placeholder".into()))
        }
        Resolved::Text(text) if text.expose().trim().is_empty() => {
            Err(unresolved("resolved value is not a non-empty string".into()))
        }
        Resolved::Text(_) => Ok(()),
        Resolved::Object { is_empty: false } if takes_object => Ok(()),
        Resolved::Object { .. } | Resolved::Other(_) if takes_object => {
            Err(unresolved("resolved value is not a string/object".into()))
        }
        Resolved::Object { .. } | Resolved::Other(_) => {
            Err(unresolved("resolved value is not a non-empty string".into()))
        }
    }
}
