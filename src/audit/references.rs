//! Which of the references have a value, and whose lack of one matters.

use super::Ledger;
use super::finding::{Code, Finding, Resolution};
use crate::config::host::HostFile;
use crate::config::node::Node;
use crate::config::problem::Fault;
use crate::config::secretref::Source;
use crate::config::secretref::form::is_placeholder;
use crate::config::secretref::machine::Access;
use crate::config::secretref::resolve::Resolved;

/// Search providers that are named otherwise than their plugin.
const SEARCH_PLUGINS: [(&str, &str); 3] = [("gemini", "google"), ("grok", "xai"), ("kimi", "moonshot")];

/// The plugin whose web search key this is.
pub(super) fn search_plugin(segments: &[String]) -> Option<String> {
    let keys: Vec<&str> = segments.iter().map(String::as_str).collect();
    match keys.as_slice() {
        ["plugins", "entries", plugin, "config", "webSearch", ..] => Some((*plugin).to_owned()),
        _ => None,
    }
}

/// Asks for the references' values. What fails is a finding where somebody would ask for it, else a note.
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
