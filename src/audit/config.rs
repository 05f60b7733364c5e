//! The host's configuration: every field that may hold a secret, and the references among them.

use std::collections::HashSet;

use super::finding::{Code, Finding};
use super::plan::Proposal;
use super::references::search_plugin;
use super::surface::{Generation, SCOPE, Surface, Target, is_secret_header};
use super::walk::{self, Found};
use super::{Assignment, Ledger};
use crate::config::fields::{FIELDS, Kind};
use crate::config::host::HostFile;
use crate::config::node::Node;
use crate::config::problem::Fault;
use crate::config::secretref::SecretRef;
use crate::config::secretref::form::{is_placeholder, is_retired_marker};

/// Where our own settings are.
const OURS: &str = "plugins.entries.agent-identity.config";
const API_KEY: &str = "models.providers.*.apiKey";
const HEADERS: &str = "models.providers.*.headers.*";
/// Fields and objects of such that the host resolves although its list does not name them.
const RESOLVED_UNLISTED: [&str; 8] = [
    "agents.defaults.memorySearch.remote.headers",
    "agents.list[].memorySearch.remote.headers",
    "memory.search.remote.headers",
    "agents.entries.*.memory.search.remote.headers",
    "agents.defaults.sandbox.ssh",
    "agents.entries.*.sandbox.ssh",
    "gateway.controlUi.github.token",
    "tools.media.*.request",
];

/// Looks at every field of the list, and at our own.
pub(super) fn collect(ledger: &mut Ledger, surface: &Surface, host: &HostFile) {
    let file = host.path().display().to_string();
    let mut known: HashSet<String> = HashSet::new();
    let secrets = FIELDS.iter().filter(|field| matches!(field.kind, Kind::KeyId | Kind::Secret));
    let ours = secrets.map(|field| Target { path: format!("{OURS}.{}", field.path), ..Target::default() });
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
    let unlisted: Vec<String> = unlisted.map(|found| found.path).collect();
    let is_known =
        |path: &String| known.contains(path) || unlisted.iter().any(|known| path.starts_with(known));
    for path in walk::references(host.root()).into_iter().filter(|path| !is_known(path)) {
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
    fn look(mut self) {
        let path = self.found.path.clone();
        let path = &path;
        moved(self.ledger, self.target, path);
        let target = self.target.path.as_str();
        let provider = target.starts_with("models.providers.").then(|| self.found.segments[2].clone());
        if let Some(reference) = self.reference() {
            if let Some(provider) = provider.as_ref().filter(|_| target == API_KEY) {
                let paths = self.ledger.provider_paths.entry(provider.to_lowercase()).or_default();
                paths.push(path.clone());
            }
            self.ledger.references.push(Assignment {
                file: self.file.to_owned(),
                path: path.clone(),
                reference,
                takes_object: self.target.takes_object(),
                provider,
                profile: None,
                inactive: self.found.off.as_ref().map(|off| format!("{off} is switched off")),
                search: search_plugin(&self.found.segments),
            });
            return;
        }
        let finding = if let Some(fault) = self.malformed() {
            Finding::unresolved(self.file, path, format!("{path} {}.", fault.message))
        } else if self.is_plaintext() {
            self.plaintext(provider.as_ref())
        } else {
            return;
        };
        self.ledger.findings.push(finding.of(provider.as_deref(), None));
    }

    /// What holds the reference: of one beside the field and one in it, the one beside it counts.
    fn nodes(&self) -> impl Iterator<Item = &Node> {
        let beside = self.target.sibling.as_deref().and_then(|key| self.found.parent.get(key));
        beside.into_iter().chain([self.found.node])
    }

    fn reference(&self) -> Option<SecretRef> {
        self.nodes().find_map(|node| match node {
            Node::Text(text) => SecretRef::of_shorthand(text.expose(), self.host.providers().default_env()),
            node => SecretRef::parse(node).ok(),
        })
    }

    /// Why what looks like a reference is none.
    fn malformed(&self) -> Option<Fault> {
        self.nodes().filter(|node| node.get("source").is_some()).find_map(|node| SecretRef::parse(node).err())
    }

    fn is_plaintext(&self) -> bool {
        let name = self.found.segments.last().map(String::as_str).unwrap_or_default();
        match self.found.node {
            Node::Text(text) if text.expose().trim().is_empty() => false,
            Node::Text(text) if self.target.path == API_KEY => !self.surface.is_api_key_marker(text.expose()),
            Node::Text(_) => self.target.path != HEADERS || is_secret_header(name),
            Node::Object(entries) => self.target.takes_object() && !entries.is_empty(),
            _ => false,
        }
    }

    /// What to say of plaintext, and what to propose in its place.
    fn plaintext(&mut self, provider: Option<&String>) -> Finding {
        let (path, text) = (&self.found.path, self.found.node.text().unwrap_or_default());
        if is_placeholder(text) {
            let message = format!("{path} holds a redaction placeholder, not a secret.");
            return Finding::new(Code::PlaceholderValue, self.file, path, message)
                .with_hint("enter the secret again");
        }
        if is_retired_marker(text) {
            let message = format!("{path} holds a retired secret marker, which is read as plaintext.");
            return Finding::new(Code::PlaintextFound, self.file, path, message)
                .with_hint("run `openclaw doctor --fix`, or write a SecretRef with source env");
        }
        self.ledger.proposals.push(Proposal {
            kind: self.target.kind().to_owned(),
            path: path.clone(),
            segments: self.found.segments.clone(),
            agent: None,
            provider: provider.cloned(),
            profile_provider: None,
        });
        Finding::new(Code::PlaintextFound, self.file, path, format!("{path} is stored as plaintext."))
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
