//! The host's other files: auth profiles, generated model lists, `.env`.

use super::files::Document;
use super::finding::{Code, Finding};
use super::plan::Proposal;
use super::surface::{SCOPE, Surface, is_header_marker, is_secret_header};
use super::{Assignment, Ledger};
use crate::base::json;
use crate::config::host::HostFile;
use crate::config::node::Node;
use crate::config::secretref::SecretRef;

/// The credentials of an agent: keys and tokens may be references, what OAuth gives may not.
pub(super) fn auth_profiles(ledger: &mut Ledger, surface: &Surface, host: &HostFile, document: &Document) {
    let file = &document.shown;
    let root = match &document.content {
        Ok(text) => json::read::<Node>(text.expose()).map_err(|_| "it is not JSON".to_owned()),
        Err(why) => Err(why.clone()),
    };
    let root = match root {
        Ok(root) => root,
        Err(why) => {
            let message = format!("Auth profiles cannot be read: {why}.");
            return ledger.findings.push(Finding::unresolved(file, "<root>", message));
        }
    };
    for (id, profile) in root.get("profiles").map(Node::entries).unwrap_or_default() {
        let text = |key: &str| profile.get(key).and_then(Node::text).map(str::trim);
        let provider = text("provider").unwrap_or_default().to_lowercase();
        let mode = host.root().at(&["auth", "profiles", id, "mode"]).and_then(Node::text);
        let kind = text("type").unwrap_or_default();
        let is_oauth = kind == "oauth" || mode == Some("oauth");
        if is_oauth && holds_reference(profile) {
            let message = format!(
                "Auth profile {id} is of mode \"oauth\" and holds a SecretRef: the host does not start with it."
            );
            let finding = Finding::unresolved(file, &format!("profiles.{id}"), message).with_hint(SCOPE);
            ledger.findings.push(finding.of(Some(&provider), Some(id)));
            continue;
        }
        if kind == "oauth" {
            if ["access", "refresh"].iter().any(|key| text(key).is_some_and(|text| !text.is_empty())) {
                let message = "OAuth credentials are present (out of scope for static SecretRef migration).";
                let finding = Finding::new(Code::LegacyResidue, file, &format!("profiles.{id}"), message);
                ledger.findings.push(finding.as_info().of(Some(&provider), Some(id)));
                remember(ledger, &provider, "oauth");
            }
            continue;
        }
        let targets = surface.supported.iter().filter(|target| target.file.is_some());
        for target in targets.filter(|target| target.profile_type.as_deref() == Some(kind)) {
            let field = target.path.rsplit('.').next().unwrap_or_default();
            let path = format!("profiles.{id}.{field}");
            let beside = target.sibling.as_deref().and_then(|key| profile.get(key));
            let own = profile.get(field);
            let name = if kind == "token" { "token" } else { "api_key" };
            let default_env = host.providers().default_env();
            let of = |node: Option<&Node>| match node? {
                Node::Text(text) => SecretRef::of_shorthand(text.expose(), default_env),
                node => SecretRef::parse(node).ok(),
            };
            if let Some(reference) = of(beside).or_else(|| of(own)) {
                ledger.references.push(Assignment {
                    file: file.clone(),
                    path: path.clone(),
                    reference,
                    takes_object: false,
                    provider: Some(provider.clone()),
                    profile: Some(id.clone()),
                    inactive: None,
                    search: None,
                });
                remember(ledger, &provider, name);
            }
            if of(own).is_none() && text(field).is_some_and(|text| !text.is_empty()) {
                let what = if kind == "token" { "token" } else { "API key" };
                let message = format!("Auth profile {what} is stored as plaintext.");
                let finding = Finding::new(Code::PlaintextFound, file, &path, message);
                ledger.findings.push(finding.of(Some(&provider), Some(id)));
                remember(ledger, &provider, name);
                ledger.proposals.push(Proposal {
                    kind: target.kind().to_owned(),
                    path: path.clone(),
                    segments: vec!["profiles".to_owned(), id.clone(), field.to_owned()],
                    agent: Some(document.agent.clone()),
                    provider: None,
                    profile_provider: Some(provider.clone()),
                });
            }
        }
    }
}

fn holds_reference(profile: &Node) -> bool {
    profile.entries().iter().any(|(_, value)| SecretRef::parse(value).is_ok())
}

fn remember(ledger: &mut Ledger, provider: &str, kind: &'static str) {
    let kinds = ledger.profile_kinds.entry(provider.to_owned()).or_default();
    if !kinds.contains(&kind) {
        kinds.push(kind);
    }
}

/// A generated list of models: where its configuration has references, it must have markers, and never their values.
pub(super) fn models(ledger: &mut Ledger, surface: &Surface, document: &Document) {
    let file = &document.shown;
    let root = match &document.content {
        Ok(text) => json::read::<Node>(text.expose()).map_err(|_| "it is not JSON".to_owned()),
        Err(why) => Err(why.clone()),
    };
    let root = match root {
        Ok(root) => root,
        Err(why) => {
            let message = format!("Invalid JSON in models.json: {why}.");
            return ledger.findings.push(Finding::unresolved(file, "<root>", message));
        }
    };
    for (id, provider) in root.get("providers").map(Node::entries).unwrap_or_default() {
        let mut look = |path: String, value: &Node, what: [&str; 2], is_plain: bool| {
            let finding = if SecretRef::parse(value).is_ok() {
                let message = format!(
                    "models.json contains an unresolved SecretRef object{}; regenerate models.json.",
                    what[0]
                );
                Finding::unresolved(file, &path, message)
            } else if !is_plain && value.text().is_some_and(|text| !text.trim().is_empty()) {
                let message = format!("models.json provider {} is stored as plaintext.", what[1]);
                Finding::new(Code::PlaintextFound, file, &path, message)
            } else {
                return;
            };
            ledger.findings.push(finding.of(Some(id), None));
        };
        if let Some(key) = provider.get("apiKey") {
            let is_plain = key.text().is_some_and(|text| surface.is_api_key_marker(text));
            look(format!("providers.{id}.apiKey"), key, ["", "apiKey"], is_plain);
        }
        for (name, value) in provider.get("headers").map(Node::entries).unwrap_or_default() {
            let is_plain = !is_secret_header(name) || value.text().is_some_and(is_header_marker);
            let what = [" for provider headers", "header value"];
            look(format!("providers.{id}.headers.{name}"), value, what, is_plain);
        }
    }
}

/// A store of keys that hosts of both generations have given up.
pub(super) fn retired_keys(ledger: &mut Ledger, document: &Document) {
    let file = &document.shown;
    let root = document.content.as_ref().ok().and_then(|text| json::read::<Node>(text.expose()).ok());
    let Some(root) = root else {
        let finding = Finding::unresolved(file, "<root>", "Invalid JSON in legacy auth.json.");
        return ledger.findings.push(finding);
    };
    for (provider, entry) in root.entries() {
        let has = |key: &str| entry.get(key).and_then(Node::text).is_some_and(|text| !text.trim().is_empty());
        if entry.get("type").and_then(Node::text) == Some("api_key") && has("key") {
            let message = "Legacy auth.json contains static api_key credentials.";
            let finding = Finding::new(Code::LegacyResidue, file, provider, message);
            ledger.findings.push(finding.of(Some(provider), None));
        }
    }
}

/// A file that a newer host has taken over, and may have left its credentials in.
pub(super) fn left_behind(ledger: &mut Ledger, file: &str) {
    let message = "A retired auth store is present and may hold plaintext credentials.";
    let finding = Finding::new(Code::LegacyResidue, file, "<root>", message);
    ledger.findings.push(
        finding.with_hint("run `openclaw doctor --fix`; keep archives only as long as a way back is wanted"),
    );
}

/// A `.env` file: variables that the host knows as secrets.
pub(super) fn dotenv(ledger: &mut Ledger, surface: &Surface, document: &Document) {
    let Ok(text) = &document.content else { return };
    for line in text.expose().lines() {
        let line = line.trim_start();
        let line = line.strip_prefix("export ").map_or(line, str::trim_start);
        let Some((name, value)) = line.split_once('=') else { continue };
        let (name, value) = (name.trim_end(), value.trim().trim_matches(['"', '\'']));
        if !value.is_empty() && surface.secret_variables.iter().any(|known| known == name) {
            let message = format!("Potential secret found in .env ({name}).");
            let path = format!("$env.{name}");
            ledger.findings.push(Finding::new(Code::PlaintextFound, &document.shown, &path, message));
        }
    }
}

/// References of model providers that a credential in an auth profile is used in place of.
pub(super) fn shadowed(ledger: &mut Ledger) {
    for (provider, paths) in &ledger.provider_paths {
        let Some(kinds) = ledger.profile_kinds.get(provider) else { continue };
        let kinds = kinds.join("/");
        for path in paths {
            let message = format!(
                "Auth profile credentials ({kinds}) take precedence for provider \"{provider}\", so this config ref may never be used."
            );
            let finding = Finding::new(Code::RefShadowed, "openclaw.json", path, message);
            ledger.findings.push(finding.of(Some(provider), None));
        }
    }
}
