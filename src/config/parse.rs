//! A tree becomes a [`Config`]: every key known, every value of its type and within its limits.
//!
//! Unknown keys are errors at every level, also inside the sections: a misspelt `localServerFailOpen` must not quietly
//! leave the default in force. All problems are collected, in the order of the file, and no message repeats a value.

use std::collections::HashMap;

use super::fields::{ALIASES, FIELDS, Field, Kind, SECTIONS, UrlRule, field, keys_of, section};
use super::model::Config;
use super::node::Node;
use super::problem::{Fault, Problem, Problems, Severity};
use super::secretref::{Resolver, SecretInput, SecretRef, form};
use super::slot::Setting;
use super::substitute::substitute;
use crate::base::nearest::{MAX_NAME, nearest};
use crate::base::url::Url;

/// What a tree came to. With an error among the problems, `config` is not to be used.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    /// The configuration.
    pub config: Config,
    /// Secrets that are configured but not available.
    pub pending: Vec<Pending>,
    /// What is wrong.
    pub problems: Problems,
}

/// A secret that is configured but could not be read: its setting is unset, and it must not be taken for absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The setting.
    pub path: &'static str,
    /// The reference, when it is one.
    pub reference: Option<SecretRef>,
}

/// Whether a tree's texts are as a person wrote them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Texts {
    /// They are: `${NAME}` stands for a variable.
    Written,
    /// The host has put its own values in place already: each text is what it says, secrets included.
    Final,
}

/// Reads the configuration object.
#[must_use]
pub fn parse(root: &Node, texts: Texts, resolver: &Resolver<'_>) -> Parsed {
    resolver.ask(&references(root, resolver));
    let mut reader = Reader { root, texts, resolver, parsed: Parsed::default() };
    reader.object("", root);
    let mut parsed = reader.parsed;
    super::userpool::take_note_of_pending(&mut parsed);
    super::keys::leave_out_unusable(&mut parsed);
    relate(&mut parsed);
    parsed
}

/// Every reference at a place of a secret, so that no provider is asked twice.
fn references(root: &Node, resolver: &Resolver<'_>) -> Vec<SecretRef> {
    let secrets = FIELDS.iter().filter(|field| matches!(field.kind, Kind::KeyId | Kind::Secret));
    let nodes = secrets.filter_map(|field| root.at(&field.path.split('.').collect::<Vec<_>>()));
    let inputs = nodes.filter_map(|node| SecretInput::parse(node, resolver.default_env()).ok());
    inputs.filter_map(|input| input.reference().cloned()).collect()
}

struct Reader<'a, 'r> {
    root: &'a Node,
    texts: Texts,
    resolver: &'a Resolver<'r>,
    parsed: Parsed,
}

impl Reader<'_, '_> {
    fn object(&mut self, path: &str, node: &Node) {
        let Node::Object(entries) = node else {
            let message = expected("an object", node);
            return match path {
                "" => self.error("", format!("the configuration {message}").into()),
                path => self.error(path, message.into()),
            };
        };
        let last: HashMap<&str, usize> =
            entries.iter().enumerate().map(|(index, (key, _))| (key.as_str(), index)).collect();
        for (index, (key, value)) in entries.iter().enumerate() {
            let inner = join(path, key);
            if last.get(key.as_str()).is_some_and(|last| *last != index) {
                self.note(&shown(path, key), "is there more than once; the last one counts");
            } else if key.contains('.') {
                // Or a dotted key would pass for a path.
                self.unknown(path, key);
            } else if let Some(section) = section(&inner) {
                if matches!(value, Node::Object(_)) {
                    (section.open)(&mut self.parsed.config);
                }
                self.object(&inner, value);
            } else if let Some(field) = field(&inner) {
                self.field(field, field.path, value);
            } else if let Some((alias, target)) = ALIASES.iter().find(|(alias, _)| inner == *alias) {
                self.alias(alias, target, value);
            } else {
                self.unknown(path, key);
            }
        }
    }

    fn alias(&mut self, alias: &'static str, target: &'static str, value: &Node) {
        let nested: Vec<&str> = target.split('.').collect();
        if self.root.at(&nested).is_some() {
            return self.note(alias, format!("is ignored, because {target} is set as well"));
        }
        self.note(alias, format!("is deprecated at the root: write {target}"));
        if let Some(field) = field(target) {
            self.field(field, alias, value);
        }
    }

    fn unknown(&mut self, section: &str, key: &str) {
        let problem = Problem::new(Severity::Error, shown(section, key), "is not a setting");
        self.parsed.problems.push(match suggestion(section, key) {
            Some(meant) => problem.with_hint(format!("did you mean {meant}?")),
            None if section.is_empty() => problem.with_hint("the sections are identity, userpool and authz"),
            None => problem.with_hint("remove it, or look the name up in the table of settings"),
        });
    }

    /// Reads one setting; `path` is where it stands, which an alias differs in.
    fn field(&mut self, field: &'static Field, path: &str, node: &Node) {
        let setting = match field.kind {
            Kind::KeyId | Kind::Secret => self.secret(field, path, node),
            Kind::Flag => match node {
                Node::Flag(flag) => Ok(Some(Setting::Flag(*flag))),
                other => Err(expected("true or false", other).into()),
            },
            Kind::Count(min, max) => count(node, min, max).map(|count| Some(Setting::Count(count))),
            Kind::List => self.list(node).map(|list| Some(Setting::List(list))),
            Kind::Text => self.text(path, node).map(|text| text.map(Setting::Text)),
            Kind::Choice(words) => self.text(path, node).and_then(|text| choice(text, words)),
            Kind::Url(rule) => self.text(path, node).and_then(|text| self.url(path, text, rule)),
        };
        match setting {
            Err(fault) => self.error(path, fault),
            Ok(None) => {}
            Ok(Some(setting)) => drop(field.slot(&mut self.parsed.config).put(setting)),
        }
    }

    /// A text with its `${NAME}`s replaced; nothing when it is blank, which counts as unset.
    fn text(&mut self, path: &str, node: &Node) -> Result<Option<String>, Fault> {
        let text = node.text().ok_or_else(|| expected("a string", node))?;
        let text = self.plain(text)?;
        if text.trim().is_empty() {
            self.note(path, "is empty and counts as unset");
            return Ok(None);
        }
        Ok(Some(text))
    }

    fn plain(&self, text: &str) -> Result<String, Fault> {
        let text = match self.texts {
            Texts::Final => text.to_owned(),
            Texts::Written => substitute(text, self.resolver.env()).map_err(|name| Fault {
                message: format!("needs environment variable {name}, which is not set"),
                ..Fault::unset_variable(&name)
            })?,
        };
        if text.chars().any(char::is_control) {
            return Err("must not hold control characters".into());
        }
        Ok(text)
    }

    fn list(&self, node: &Node) -> Result<Vec<String>, Fault> {
        let Node::List(elements) = node else { return Err(expected("a list of strings", node).into()) };
        let element = |(index, element): (usize, &Node)| {
            let wrong =
                |what: &str| format!("must be a list of non-empty strings: element {} {what}", index + 1);
            let text = element.text().ok_or_else(|| wrong(&format!("is {}", element.kind())))?;
            let text = self
                .plain(text)
                .map_err(|fault| Fault { message: wrong(&fault.message), hint: fault.hint })?;
            if text.trim().is_empty() { Err(wrong("is empty").into()) } else { Ok(text) }
        };
        elements.iter().enumerate().map(element).collect()
    }

    fn url(&mut self, path: &str, text: Option<String>, rule: UrlRule) -> Result<Option<Setting>, Fault> {
        let Some(text) = text else { return Ok(None) };
        let url = Url::parse(&text).map_err(|why| format!("is not a usable URL: {why}"))?;
        match rule {
            UrlRule::Confidential if !url.is_confidential() => {
                return Err(Fault::with_hint(
                    "must be https (http only to this machine)",
                    "use https: secrets travel to it",
                ));
            }
            UrlRule::Metadata if !url.is_confidential() && !url.is_metadata_host() => {
                const WRONG: &str =
                    "must be https, or http to this machine, a link-local address or 100.64.0.0/10";
                return Err(Fault::with_hint(WRONG, "use https: what it answers is trusted"));
            }
            UrlRule::Callback => self.callback(path, &text, &url),
            _ => {}
        }
        Ok(Some(Setting::Url(url)))
    }

    fn callback(&mut self, path: &str, text: &str, url: &Url) {
        if !url.is_confidential() {
            let message = "is plain http beyond this machine: others on the way can read login codes";
            self.warn(path, message, "use https unless the network is trusted");
        }
        // Providers compare redirect_uri letter by letter (RFC 6749 section 3.1.2.3).
        if url.to_string() != text {
            let message = "is not in its full form, and redirect_uri must equal the registered text exactly";
            self.warn(path, message, "write and register it with its path and without spaces");
        }
    }

    fn secret(&mut self, field: &Field, path: &str, node: &Node) -> Result<Option<Setting>, Fault> {
        if node.text().is_some_and(|text| text.trim().is_empty()) {
            self.note(path, "is empty and counts as unset");
            return Ok(None);
        }
        let input = SecretInput::parse(node, self.resolver.default_env())?;
        let secret = match (&input, self.texts) {
            (SecretInput::Plain(text), Texts::Final) => form::check(text).map(|()| text.clone()),
            _ => input.resolve(self.resolver),
        };
        match secret {
            Ok(secret) => Ok(Some(Setting::Secret(secret))),
            Err(Fault { message, hint }) => {
                let message = format!("is configured, not available: {message}");
                self.parsed.problems.push(Fault { message, hint }.at(Severity::Warning, path));
                let reference = input.reference().cloned();
                self.parsed.pending.push(Pending { path: field.path, reference });
                Ok(None)
            }
        }
    }

    fn error(&mut self, path: &str, fault: Fault) {
        self.parsed.problems.push(fault.at(Severity::Error, path));
    }

    fn warn(&mut self, path: &str, message: impl Into<String>, hint: &str) {
        self.parsed.problems.push(Problem::new(Severity::Warning, path, message).with_hint(hint));
    }

    fn note(&mut self, path: &str, message: impl Into<String>) {
        self.parsed.problems.push(Problem::new(Severity::Note, path, message));
    }
}

/// Judges settings by each other: what is configured but has no effect.
fn relate(parsed: &mut Parsed) {
    let mut warn = |path: &str, message: String, hint: &str| {
        parsed.problems.push(Problem::new(Severity::Warning, path, message).with_hint(hint));
    };
    let identity = &parsed.config.identity;
    if identity.credentials_metadata_url.is_some() && identity.role_trn.is_none() {
        warn(
            "identity.credentialsMetadataUrl",
            "has no effect without identity.roleTrn".to_owned(),
            "set identity.roleTrn, or remove identity.credentialsMetadataUrl",
        );
    }
    let authz = &parsed.config.authz;
    if authz.enable_llm_risk_check {
        let missing: Vec<&str> = match &authz.llm_risk_check {
            None => vec!["authz.llmRiskCheck"],
            Some(llm) => [("endpoint", llm.endpoint.is_none()), ("model", llm.model.is_none())]
                .into_iter()
                .filter_map(|(key, missing)| missing.then_some(key))
                .collect(),
        };
        if !missing.is_empty() {
            let message = format!(
                "has no effect, because {} is missing: the rules alone decide",
                missing.join(" and ")
            );
            warn("authz.enableLlmRiskCheck", message, "set authz.llmRiskCheck.endpoint and .model");
        }
    }
}

fn count(node: &Node, min: u64, max: u64) -> Result<u64, Fault> {
    let wanted = || format!("a whole number from {min} to {max}");
    let Node::Number(number) = node else { return Err(expected(&wanted(), node).into()) };
    // The cast saturates and drops a fraction; comparing back tells whether it was exact.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let whole = Some(*number as u64).filter(|count| *count as f64 == *number);
    whole.filter(|count| (min..=max).contains(count)).ok_or_else(|| format!("must be {}", wanted()).into())
}

fn choice(text: Option<String>, words: &[&str]) -> Result<Option<Setting>, Fault> {
    match text {
        Some(text) if !words.contains(&text.as_str()) => {
            Err(format!("must be one of \"{}\"", words.join("\", \"")).into())
        }
        text => Ok(text.map(Setting::Text)),
    }
}

fn expected(what: &str, found: &Node) -> String {
    format!("must be {what}, found {}", found.kind())
}

fn join(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}

/// The path of an unknown key as it may be printed: odd keys are quoted, escaped and cut.
fn shown(section: &str, key: &str) -> String {
    let plain = key.len() <= MAX_NAME
        && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '-'));
    if plain && !key.is_empty() {
        return join(section, key);
    }
    let cut: String = key.chars().take(MAX_NAME).collect();
    format!("{section}[{cut:?}]")
}

/// The full path of what an unknown key may have meant: a near name here, else the same name elsewhere.
fn suggestion(section: &str, key: &str) -> Option<String> {
    if let Some(near) = nearest(key, keys_of(section)) {
        return Some(join(section, near));
    }
    let everywhere = FIELDS.iter().map(|field| (field.key(), field.path));
    let sections =
        SECTIONS.iter().map(|section| (section.path.rsplit('.').next().unwrap_or_default(), section.path));
    everywhere
        .chain(sections)
        .find(|(name, _)| name.eq_ignore_ascii_case(key))
        .map(|(_, path)| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::node;
    use super::super::secretref::Providers;
    use super::super::view::view;
    use super::*;
    use serde_json::Value;

    fn read(text: &str, env: &[(&str, &str)]) -> Parsed {
        let (providers, env) = (Providers::default(), env.iter().copied().collect());
        parse(&node::parse(text).unwrap(), Texts::Written, &Resolver::of_variables(&providers, &env))
    }

    fn sentences(text: &str) -> Vec<String> {
        let parsed = read(text, &[]);
        parsed.problems.all().iter().map(|p| format!("{}: {}", p.severity.as_str(), p.sentence())).collect()
    }

    /// The one problem of a text.
    fn only(text: &str) -> Problem {
        let parsed = read(text, &[]);
        assert_eq!(parsed.problems.all().len(), 1, "{text}: {:?}", parsed.problems.all());
        parsed.problems.all()[0].clone()
    }

    /// A file with one setting.
    fn file_with(path: &str, value: &str) -> String {
        let keys: Vec<&str> = path.split('.').collect();
        let open: String = keys.iter().map(|key| format!("{{{key}: ")).collect();
        format!("{open}{value}{}", "}".repeat(keys.len()))
    }

    /// A value that is not the default, and values of every other type.
    fn samples(kind: Kind) -> (&'static str, &'static [&'static str]) {
        match kind {
            Kind::Text => ("'some-text'", &["7", "true", "null", "[]", "{}"]),
            Kind::Choice(words) if words.contains(&"handle") => ("'handle'", &["7", "'none'"]),
            Kind::Choice(_) => ("'openai-completions'", &["7", "true", "null", "['ollama']", "{}", "'grpc'"]),
            Kind::List => ("['a', 'b']", &["'a'", "7", "null", "{}", "['a', 7]", "['']", "['a\\nb']"]),
            Kind::Flag => ("true", &["'true'", "1", "null", "[]", "{}"]),
            Kind::Count(..) => {
                ("77", &["'77'", "true", "null", "-1", "1.5", "NaN", "Infinity", "1e300", "[]"])
            }
            Kind::Url(_) => {
                ("'https://a.example/p'", &["7", "null", "'a.example'", "'ftp://a'", "'https://u@a'", "{}"])
            }
            Kind::KeyId => ("'AKLTabcdefwxyz'", &["7", "true", "null", "[]", "{}", "'__env__:A'"]),
            Kind::Secret => ("'opensesame'", &["7", "true", "null", "[]", "{}", "'secretref-env:A'"]),
        }
    }

    #[test]
    fn every_setting_takes_its_value_and_shows_it() {
        for field in &FIELDS {
            let (good, _) = samples(field.kind);
            // The default of some flags is true already.
            let good = if field.default == "true" { "false" } else { good };
            let parsed = read(&file_with(field.path, good), &[]);
            assert!(!parsed.problems.has_errors(), "{}: {:?}", field.path, parsed.problems);
            let pointer = format!("/{}", field.path.replace('.', "/"));
            let shown = view(&parsed.config, &[]).pointer(&pointer).cloned();
            let expected = match field.kind {
                // A lone half of the key pair is reported and left out.
                Kind::KeyId => None,
                Kind::Secret if super::super::keys::PATHS.contains(&field.path) => None,
                Kind::Secret => Some(Value::from("[redacted]")),
                _ => Some(serde_json::from_str(&good.replace('\'', "\"")).unwrap()),
            };
            assert_eq!(shown, expected, "{}", field.path);
            assert_ne!(shown, field.default_value().or(Some(Value::Null)), "{}", field.path);
        }
    }

    #[test]
    fn every_setting_refuses_other_types_and_the_error_names_its_path() {
        for field in &FIELDS {
            for bad in samples(field.kind).1 {
                let parsed = read(&file_with(field.path, bad), &[]);
                let errors: Vec<_> = parsed.problems.errors().collect();
                assert_eq!(errors.len(), 1, "{} = {bad}", field.path);
                assert_eq!(errors[0].path, field.path, "{bad}");
                let shown = field.read(&parsed.config).and_then(|slot| slot.show());
                let untouched = field.read(&Config::default()).and_then(|slot| slot.show());
                let default = untouched.or_else(|| field.default_value());
                assert!(shown.is_none() || shown == default, "{} = {bad} left {shown:?}", field.path);
            }
        }
    }

    #[test]
    fn type_errors_say_what_is_wanted_and_what_was_found() {
        for (text, expected) in [
            ("[]", "the configuration must be an object, found a list"),
            ("{identity: 7}", "identity must be an object, found a number"),
            ("{authz: {llmRiskCheck: 'x'}}", "authz.llmRiskCheck must be an object, found a string"),
            (
                "{identity: {localServer: 'yes'}}",
                "identity.localServer must be true or false, found a string",
            ),
            ("{identity: {audience: 'a'}}", "identity.audience must be a list of strings, found a string"),
            (
                "{identity: {audience: ['a', 7]}}",
                "identity.audience must be a list of non-empty strings: element 2 is a number",
            ),
            (
                "{identity: {durationSeconds: '60'}}",
                "identity.durationSeconds must be a whole number from 1 to 316224000, found a string",
            ),
            (
                "{authz: {llmRiskCheck: {api: 'grpc'}}}",
                "authz.llmRiskCheck.api must be one of \"ollama\", \"openai-completions\"",
            ),
            ("{localServer: 1}", "localServer must be true or false, found a number"),
        ] {
            let parsed = read(text, &[]);
            let errors: Vec<_> = parsed.problems.errors().map(Problem::sentence).collect();
            assert_eq!(errors, [expected], "{text}");
        }
    }

    #[test]
    fn numbers_end_at_their_limits() {
        for field in &FIELDS {
            let Kind::Count(min, max) = field.kind else { continue };
            let is_taken = |number: &str| !read(&file_with(field.path, number), &[]).problems.has_errors();
            assert!(is_taken(&min.to_string()) && is_taken(&max.to_string()), "{}", field.path);
            assert!(!is_taken(&(max + 1).to_string()), "{}", field.path);
            assert_eq!(is_taken("0"), field.path == "authz.llmRiskCheck.cacheTtlMs", "{}", field.path);
        }
        assert_eq!(read("{identity: {durationSeconds: 60.0}}", &[]).config.identity.duration_seconds, 60);
    }

    #[test]
    fn unknown_keys_are_errors_with_the_nearest_name() {
        for (text, path, hint) in [
            ("{identity: {localServr: true}}", "identity.localServr", "did you mean identity.localServer?"),
            (
                "{identity: {workload_name: 'x'}}",
                "identity.workload_name",
                "did you mean identity.workloadName?",
            ),
            ("{userPool: {}}", "userPool", "did you mean userpool?"),
            ("{durationSeconds: 7}", "durationSeconds", "did you mean identity.durationSeconds?"),
            ("{identity: {clientId: 'x'}}", "identity.clientId", "did you mean userpool.clientId?"),
            ("{llmRiskCheck: {}}", "llmRiskCheck", "did you mean authz.llmRiskCheck?"),
            (
                "{authz: {llmRiskCheck: {modle: 'x'}}}",
                "authz.llmRiskCheck.modle",
                "did you mean authz.llmRiskCheck.model?",
            ),
            ("{colour: 1}", "colour", "the sections are identity, userpool and authz"),
            (
                "{authz: {colour: 1}}",
                "authz.colour",
                "remove it, or look the name up in the table of settings",
            ),
            (
                "{authz: {'a\\nb c': 1}}",
                "authz[\"a\\nb c\"]",
                "remove it, or look the name up in the table of settings",
            ),
            (
                "{'identity.localServer': true}",
                "[\"identity.localServer\"]",
                "the sections are identity, userpool and authz",
            ),
        ] {
            let problem = only(text);
            assert_eq!(problem.severity, Severity::Error, "{text}");
            assert_eq!((problem.path.as_str(), problem.hint.as_deref()), (path, Some(hint)), "{text}");
        }
        let long = only(&format!("{{authz: {{{}: 1}}}}", "k".repeat(5000)));
        assert!(long.path.len() < 100);
    }

    #[test]
    fn all_problems_come_at_once_in_file_order() {
        assert_eq!(
            sentences(
                "{authz: {toolChek: 1, agentCheck: 0}, localServer: true, identity: {durationSeconds: 0, audience: ''}}"
            ),
            [
                "error: authz.toolChek is not a setting",
                "error: authz.agentCheck must be true or false, found a number",
                "note: localServer is deprecated at the root: write identity.localServer",
                "error: identity.durationSeconds must be a whole number from 1 to 316224000",
                "error: identity.audience must be a list of strings, found a string",
            ]
        );
    }

    #[test]
    fn aliases_at_the_root_count_unless_the_nested_setting_is_there() {
        let parsed =
            read("{localServer: true, localServerAllowlist: ['a'], localServerFailOpen: false}", &[]);
        let identity = &parsed.config.identity;
        assert_eq!((identity.local_server, identity.local_server_fail_open), (Some(true), false));
        assert_eq!(identity.local_server_allowlist, ["a"]);
        assert_eq!(parsed.problems.all().len(), 3);
        for text in [
            "{localServer: true, identity: {localServer: false}}",
            "{identity: {localServer: false}, localServer: true}",
        ] {
            let parsed = read(text, &[]);
            assert_eq!(parsed.config.identity.local_server, Some(false), "{text}");
            let message = parsed.problems.all()[0].sentence();
            assert_eq!(message, "localServer is ignored, because identity.localServer is set as well");
        }
    }

    #[test]
    fn of_a_repeated_key_the_last_counts() {
        let parsed = read("{identity: {roleTrn: 'a', roleTrn: 'b'}}", &[]);
        assert_eq!(parsed.config.identity.role_trn.as_deref(), Some("b"));
        assert_eq!(
            sentences("{identity: {roleTrn: 'a', roleTrn: 'b'}}"),
            ["note: identity.roleTrn is there more than once; the last one counts"]
        );
    }

    #[test]
    fn urls_go_only_where_they_may() {
        for (path, url, is_taken) in [
            ("identity.endpoint", "https://id.cn-beijing.volcengineapi.com", true),
            ("identity.endpoint", "http://127.0.0.1:9000", true),
            ("identity.endpoint", "http://id.example", false),
            ("identity.endpoint", "http://100.96.0.96", false),
            ("userpool.discoveryUrl", "http://pool.example", false),
            ("authz.llmRiskCheck.endpoint", "http://localhost:11434", true),
            ("authz.llmRiskCheck.endpoint", "http://10.0.0.1:11434", false),
            ("identity.regionMetadataUrl", "http://100.96.0.96/latest/region_id", true),
            ("identity.regionMetadataUrl", "http://100.64.0.0/", true),
            ("identity.regionMetadataUrl", "http://100.127.255.255/", true),
            ("identity.regionMetadataUrl", "http://100.63.255.255/", false),
            ("identity.regionMetadataUrl", "http://100.128.0.0/", false),
            ("identity.credentialsMetadataUrl", "http://169.254.169.254/x", true),
            ("identity.credentialsMetadataUrl", "http://[fe80::1]/x", true),
            ("identity.credentialsMetadataUrl", "http://[::1]/x", true),
            ("identity.credentialsMetadataUrl", "http://[2001:db8::1]/x", false),
            ("identity.credentialsMetadataUrl", "http://metadata.example/x", false),
            ("identity.credentialsMetadataUrl", "https://metadata.example/x", true),
            ("identity.credentialsMetadataUrl", "http://192.168.1.1/x", false),
        ] {
            let parsed = read(&file_with(path, &format!("'{url}'")), &[]);
            assert_eq!(!parsed.problems.has_errors(), is_taken, "{path} {url}");
        }
    }

    #[test]
    fn a_callback_that_is_in_the_clear_or_not_in_full_form_is_a_warning() {
        for (url, warns) in [
            ("http://127.0.0.1:18789/cb", false),
            ("https://g.example/cb", false),
            ("http://10.0.0.2/cb", true),
        ] {
            let parsed = read(&file_with("userpool.callbackUrl", &format!("'{url}'")), &[]);
            assert_eq!(parsed.problems.all().len(), usize::from(warns), "{url}");
            assert!(parsed.config.userpool.callback_url.is_some());
        }
    }

    #[test]
    fn variables_are_put_in_and_a_missing_one_is_named() {
        let env = [("HOST", "id.example"), ("ROLE", "reader")];
        let text =
            "{identity: {endpoint: 'https://${HOST}/', roleTrn: '${ROLE}-$${ROLE}', audience: ['${ROLE}']}}";
        let parsed = read(text, &env);
        assert_eq!(parsed.problems.all(), []);
        assert_eq!(parsed.config.identity.endpoint.unwrap().host(), "id.example");
        assert_eq!(parsed.config.identity.role_trn.unwrap(), "reader-${ROLE}");
        assert_eq!(parsed.config.identity.audience.unwrap(), ["reader"]);
        assert_eq!(
            sentences(text)[0],
            "error: identity.endpoint needs environment variable HOST, which is not set"
        );
    }

    #[test]
    fn blank_texts_count_as_unset() {
        let parsed =
            read("{identity: {workloadPoolName: '', roleTrn: ' ', endpoint: '', secretAccessKey: ''}}", &[]);
        assert_eq!(parsed.config.identity.workload_pool_name, "default");
        assert!(parsed.config.identity.role_trn.is_none() && parsed.config.identity.endpoint.is_none());
        assert!(parsed.problems.all().iter().all(|problem| problem.severity == Severity::Note));
        assert_eq!(parsed.problems.all().len(), 4);
    }

    #[test]
    fn half_a_key_pair_is_reported_and_left_out() {
        let both = "accessKeyId: 'AKLTexample', secretAccessKey: 'sk'";
        for (text, expected) in [
            (
                "accessKeyId: 'AK', sessionToken: 't'",
                Some("identity.secretAccessKey is missing: identity.accessKeyId alone is not used"),
            ),
            (
                "secretAccessKey: 'SK'",
                Some("identity.accessKeyId is missing: identity.secretAccessKey alone is not used"),
            ),
            (
                "sessionToken: 'T'",
                Some(
                    "identity.sessionToken has no effect without identity.accessKeyId and identity.secretAccessKey",
                ),
            ),
            (both, None),
            ("", None),
        ] {
            let parsed = read(&format!("{{identity: {{{text}}}}}"), &[]);
            let messages: Vec<_> = parsed.problems.all().iter().map(Problem::sentence).collect();
            assert_eq!(messages, expected.into_iter().collect::<Vec<_>>(), "{text}");
            assert!(!parsed.problems.has_errors(), "not fatal: {text}");
            let identity = parsed.config.identity;
            assert_eq!(identity.access_key_id.is_some(), text == both);
            assert!(identity.session_token.is_none());
        }
    }

    #[test]
    fn an_unreadable_secret_is_unset_reported_and_not_taken_for_absent() {
        let text = "{identity: {accessKeyId: 'AKLTexample', secretAccessKey: 'sk', sessionToken: '${GONE}'},
            userpool: {clientSecret: {source: 'file', provider: 'vault', id: '/client'}},
            authz: {llmRiskCheck: {apiKey: {source: 'env', provider: 'default', id: 'LLM_KEY'}}}}";
        let parsed = read(text, &[("LLM_KEY", "llm")]);
        assert!(!parsed.problems.has_errors());
        let messages: Vec<_> = parsed.problems.all().iter().map(Problem::sentence).collect();
        assert_eq!(
            messages,
            [
                "identity.sessionToken is configured, not available: environment variable GONE is not set",
                "userpool.clientSecret is configured, not available: secrets.providers has no provider vault",
            ]
        );
        let config = &parsed.config;
        assert!(config.identity.access_key_id.is_none(), "a pair without its token is left out");
        assert!(config.userpool.client_secret.is_none() && config.userpool.client_secret_unavailable);
        assert_eq!(config.authz.llm_risk_check.as_ref().unwrap().api_key.as_ref().unwrap().expose(), "llm");
        let paths: Vec<_> = parsed.pending.iter().map(|pending| pending.path).collect();
        assert_eq!(paths, ["identity.sessionToken", "userpool.clientSecret"]);
        assert_eq!(parsed.pending[1].reference.as_ref().unwrap().to_string(), "file:vault:/client");
        assert_eq!(view(config, &parsed.pending)["userpool"]["clientSecret"], "[configured, not available]");
    }

    #[test]
    fn a_model_check_without_a_model_is_reported_and_not_fatal() {
        for (authz, expected) in [
            ("enableLlmRiskCheck: true", Some("authz.llmRiskCheck is missing")),
            ("enableLlmRiskCheck: true, llmRiskCheck: {}", Some("endpoint and model is missing")),
            ("enableLlmRiskCheck: true, llmRiskCheck: {endpoint: 'http://localhost:1', model: 'm'}", None),
            ("llmRiskCheck: {}", None),
        ] {
            let parsed = read(&format!("{{authz: {{{authz}}}}}"), &[]);
            assert!(!parsed.problems.has_errors());
            let message = parsed.problems.all().first().map(Problem::sentence);
            match expected {
                None => assert_eq!(message, None, "{authz}"),
                Some(part) => assert!(message.unwrap().contains(part), "{authz}"),
            }
        }
    }

    #[test]
    fn a_metadata_url_without_a_role_is_reported() {
        let problem = only("{identity: {credentialsMetadataUrl: 'https://m.example'}}");
        assert_eq!(
            problem.sentence(),
            "identity.credentialsMetadataUrl has no effect without identity.roleTrn"
        );
    }

    #[test]
    fn the_four_checks_are_independent() {
        const FLAGS: [&str; 4] = ["agentCheck", "toolCheck", "skillReadCheck", "requireRiskApproval"];
        for bits in 0..16_u8 {
            let is_on = |index: usize| bits & (1 << index) != 0;
            let text: String =
                FLAGS.iter().enumerate().map(|(i, flag)| format!("{flag}: {},", is_on(i))).collect();
            let authz = read(&format!("{{authz: {{{text}}}}}"), &[]).config.authz;
            let got =
                [authz.agent_check, authz.tool_check, authz.skill_read_check, authz.require_risk_approval];
            assert_eq!(got, [is_on(0), is_on(1), is_on(2), is_on(3)]);
        }
    }

    #[test]
    fn an_object_with_very_many_keys_is_read_in_reasonable_time_and_reported_in_part() {
        let keys: String = (0..50_000).map(|index| format!("k{index}:1,")).collect();
        let parsed = read(&format!("{{{keys}}}"), &[]);
        assert_eq!(parsed.problems.all().len(), super::super::problem::MAX_PROBLEMS);
        assert_eq!(parsed.problems.all().len() + parsed.problems.omitted(), 50_000);
    }
}
