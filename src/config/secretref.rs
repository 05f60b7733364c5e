//! SecretRefs: a secret named instead of written, `{"source","provider","id"}` as the host defines it.
//!
//! References to the environment are resolved here. The other sources are checked for form, kept, and reported as
//! "configured, not available"; a reference never turns into text.

use std::collections::BTreeMap;
use std::fmt;

use super::node::Node;
use super::problem::Fault;
use super::substitute::{substitute, whole_reference};
use crate::base::env::Env;
use crate::base::secret::{REDACTED, Secret};

/// The provider alias that needs no entry, unless `secrets.defaults.env` names another.
const DEFAULT_ALIAS: &str = "default";
/// Retired markers; the host refuses them as well.
const RETIRED_MARKERS: [&str; 2] = ["secretref-env:", "__env__:"];
/// What the host and this program show in place of secrets; such a text is a copy from a redacted view.
const PLACEHOLDERS: [&str; 6] =
    [REDACTED, "__OPENCLAW_REDACTED__", "REDACTED", "***", "<redacted>", "[REDACTED]"];

/// Where a secret is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// An environment variable.
    Env,
    /// A file on this machine.
    File,
    /// A program that answers on its standard output.
    Exec,
    /// The host's own secret store.
    Store,
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Env, Self::File, Self::Exec, Self::Store];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Env => "env",
            Self::File => "file",
            Self::Exec => "exec",
            Self::Store => "store",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == text)
    }

    fn accepts_id(self, id: &str) -> bool {
        match self {
            Self::Env | Self::Store => is_env_id(id),
            Self::File => id == "value" || is_pointer(id),
            Self::Exec => is_exec_id(id),
        }
    }
}

/// A reference whose form is right; whether it resolves is another matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretRef {
    /// Where the secret is kept.
    pub source: Source,
    /// The alias of the provider, from `secrets.providers`.
    pub provider: String,
    /// Which secret of that provider.
    pub id: String,
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.source.as_str(), self.provider, self.id)
    }
}

/// What a secret setting holds.
#[derive(Clone, Debug)]
pub enum SecretInput {
    /// The secret itself, or a text with `${NAME}` in it.
    Plain(Secret),
    /// A reference.
    Ref(SecretRef),
}

impl SecretInput {
    /// Reads a text, a text that is one `${NAME}` (an env reference), or a SecretRef object.
    ///
    /// # Errors
    /// What is wrong with its form, to be read after the setting's path.
    pub fn parse(node: &Node, providers: &Providers) -> Result<Self, Fault> {
        match node {
            Node::Text(text) => Self::of_text(text, providers),
            Node::Object(entries) => reference(node, entries).map(Self::Ref),
            other => Err(format!("must be a string or a SecretRef, found {}", other.kind()).into()),
        }
    }

    fn of_text(text: &Secret, providers: &Providers) -> Result<Self, Fault> {
        let plain = text.expose();
        if let Some(name) = whole_reference(plain).filter(|name| is_env_id(name)) {
            let provider = providers.default_env.clone();
            return Ok(Self::Ref(SecretRef { source: Source::Env, provider, id: name.to_owned() }));
        }
        if RETIRED_MARKERS.iter().any(|marker| plain.trim().starts_with(marker)) {
            return Err(Fault::with_hint(
                "is a retired secret marker, not a secret",
                "run `openclaw doctor --fix`, or write {source: \"env\", provider: \"default\", id: \"NAME\"}",
            ));
        }
        Ok(Self::Plain(text.clone()))
    }

    /// The reference, when it is one.
    #[must_use]
    pub fn reference(&self) -> Option<&SecretRef> {
        match self {
            Self::Plain(_) => None,
            Self::Ref(reference) => Some(reference),
        }
    }

    /// The secret.
    ///
    /// # Errors
    /// Why it is not available.
    pub fn resolve(&self, providers: &Providers, env: &Env) -> Result<Secret, Fault> {
        let secret = match self {
            Self::Ref(reference) => providers.resolve(reference, env)?,
            Self::Plain(text) => {
                let text = substitute(text.expose(), env).map_err(|name| Fault::unset_variable(&name))?;
                Secret::new(text)
            }
        };
        let text = secret.expose();
        let unusable = if text.trim().is_empty() {
            Some("the secret is blank")
        } else if PLACEHOLDERS.contains(&text.trim()) {
            Some("the text is a redaction placeholder, not a secret")
        } else if text.chars().any(char::is_control) {
            Some("the secret holds a control character (a line break at its end?)")
        } else {
            None
        };
        match unusable {
            Some(why) => Err(Fault::with_hint(why, "enter the secret again")),
            None => Ok(secret),
        }
    }
}

/// The providers of the host's configuration, as far as references to the environment need them.
#[derive(Clone, Debug)]
pub struct Providers {
    default_env: String,
    entries: BTreeMap<String, Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    source: Option<Source>,
    /// The names an env provider may read; `None` allows any.
    allowlist: Option<Vec<String>>,
}

impl Default for Providers {
    fn default() -> Self {
        Self { default_env: DEFAULT_ALIAS.to_owned(), entries: BTreeMap::new() }
    }
}

impl Providers {
    /// Reads the host's `secrets` object.
    #[must_use]
    pub fn of(secrets: &Node) -> Self {
        let default_env = secrets.at(&["defaults", "env"]).and_then(Node::text).unwrap_or(DEFAULT_ALIAS);
        let entry = |node: &Node| Entry {
            source: node.get("source").and_then(Node::text).and_then(Source::parse),
            allowlist: node
                .get("allowlist")
                .map(|list| list.elements().iter().filter_map(Node::text).map(str::to_owned).collect()),
        };
        let providers = secrets.get("providers").map(Node::entries).unwrap_or_default();
        Self {
            default_env: default_env.to_owned(),
            entries: providers.iter().map(|(alias, node)| (alias.clone(), entry(node))).collect(),
        }
    }

    fn resolve(&self, reference: &SecretRef, env: &Env) -> Result<Secret, Fault> {
        let SecretRef { source, provider: alias, id } = reference;
        let entry = self.entries.get(alias);
        let own = entry.filter(|entry| entry.source == Some(*source));
        let is_built_in = match source {
            Source::Env => *alias == self.default_env,
            Source::Store => true,
            Source::File | Source::Exec => false,
        };
        if own.is_none() && !is_built_in {
            let message = match entry {
                None => format!("secrets.providers has no provider {alias}"),
                Some(_) => {
                    format!("secrets.providers.{alias} is not a provider of source {}", source.as_str())
                }
            };
            return Err(Fault::with_hint(message, "name a provider of that source in openclaw.json"));
        }
        if *source != Source::Env {
            let message = format!("references of source {} are not resolved here", source.as_str());
            return Err(Fault::with_hint(message, "use a reference of source env"));
        }
        if own.and_then(|entry| entry.allowlist.as_ref()).is_some_and(|names| !names.contains(id)) {
            let message = format!("the allowlist of secrets.providers.{alias} does not name {id}");
            return Err(Fault::with_hint(message, "add the name to that list"));
        }
        env.get(id).map(Secret::from).ok_or_else(|| Fault::unset_variable(id))
    }
}

fn reference(node: &Node, entries: &[(String, Node)]) -> Result<SecretRef, Fault> {
    const FORM: &str = "must be a SecretRef with exactly the keys source, provider and id";
    let text = |key: &str| node.get(key).and_then(Node::text);
    let (Some(source), Some(provider), Some(id)) = (text("source"), text("provider"), text("id")) else {
        return Err(format!("{FORM}, each a string").into());
    };
    if entries.len() != 3 {
        return Err(format!("{FORM}, found {} keys", entries.len()).into());
    }
    let source = Source::parse(source)
        .ok_or("is a SecretRef of an unknown source: it must be \"env\", \"file\", \"exec\" or \"store\"")?;
    if !is_alias(provider) {
        return Err(
            "is a SecretRef whose provider is not an alias (a-z, then a-z 0-9 _ -, at most 64)".into()
        );
    }
    if !source.accepts_id(id) {
        return Err(format!("is a SecretRef whose id does not fit source {}", source.as_str()).into());
    }
    Ok(SecretRef { source, provider: provider.to_owned(), id: id.to_owned() })
}

/// `^[a-z][a-z0-9_-]{0,63}$`
fn is_alias(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'))
}

/// `^[A-Z][A-Z0-9_]{0,127}$`
fn is_env_id(text: &str) -> bool {
    text.len() <= 128
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// An absolute JSON pointer (RFC 6901).
fn is_pointer(text: &str) -> bool {
    text.starts_with('/') && text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']))
}

/// `^[A-Za-z0-9][A-Za-z0-9._:/#-]{0,255}$` without `.` and `..` as path segments.
fn is_exec_id(text: &str) -> bool {
    text.len() <= 256
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._:/#-".contains(c))
        && text.split('/').all(|segment| segment != "." && segment != "..")
}

#[cfg(test)]
mod tests {
    use super::super::node::parse;
    use super::*;

    fn input(text: &str) -> Result<SecretInput, Fault> {
        SecretInput::parse(&parse(text).unwrap(), &Providers::default())
    }

    #[test]
    fn a_ref_has_exactly_three_keys_of_the_right_form() {
        for good in [
            "{source:'env',provider:'default',id:'DISCORD_BOT_TOKEN'}",
            "{source:'file',provider:'vault',id:'value'}",
            "{source:'file',provider:'vault',id:'/a/b~0c~1'}",
            "{source:'exec',provider:'agentid',id:'feishu/app_secret#1'}",
            "{source:'store',provider:'default',id:'A'}",
        ] {
            assert!(input(good).unwrap().reference().is_some(), "{good}");
        }
        for (bad, expected) in [
            ("{}", "exactly the keys"),
            ("{source:'env',id:'A'}", "exactly the keys"),
            ("{source:'env',provider:'default',id:'A',x:1}", "found 4 keys"),
            ("{source:'env',provider:'default',id:7}", "each a string"),
            ("{source:'vault',provider:'default',id:'A'}", "unknown source"),
            ("{source:'env',provider:'Default',id:'A'}", "not an alias"),
            ("{source:'env',provider:'default',id:'lower'}", "does not fit source env"),
            ("{source:'file',provider:'f',id:'a/b'}", "does not fit source file"),
            ("{source:'file',provider:'f',id:'/a~2'}", "does not fit source file"),
            ("{source:'file',provider:'f',id:'/a~'}", "does not fit source file"),
            ("{source:'exec',provider:'e',id:'a/../b'}", "does not fit source exec"),
            ("{source:'exec',provider:'e',id:'a b'}", "does not fit source exec"),
            ("7", "must be a string or a SecretRef, found a number"),
            ("'secretref-env:NAME'", "retired"),
            ("'__env__:NAME'", "retired"),
        ] {
            let error = input(bad).unwrap_err();
            assert!(error.message.contains(expected), "{bad}: {error:?}");
        }
        let hint = input("'secretref-env:NAME'").unwrap_err().hint.unwrap();
        assert!(hint.contains("openclaw doctor --fix"));
    }

    #[test]
    fn id_lengths_end_where_the_host_ends_them() {
        let name = |length: usize| format!("A{}", "B".repeat(length - 1));
        assert!(is_env_id(&name(128)) && !is_env_id(&name(129)) && !is_env_id(""));
        assert!(is_exec_id(&name(256)) && !is_exec_id(&name(257)) && !is_exec_id(""));
        let alias = |length: usize| "a".repeat(length);
        assert!(is_alias(&alias(64)) && !is_alias(&alias(65)) && !is_alias(""));
    }

    #[test]
    fn env_references_respect_provider_and_allowlist() {
        let env: Env = [("A", "alpha"), ("B", "beta"), ("BLANK", " "), ("LINE", "x\n"), ("STARS", "***")]
            .into_iter()
            .collect();
        let secrets = "{defaults: {env: 'mine'}, providers: {
            some: {source: 'env', allowlist: ['A']}, none: {source: 'env', allowlist: []},
            any: {source: 'env'}, disk: {source: 'file', path: '/x'} }}";
        let providers = Providers::of(&parse(secrets).unwrap());
        let resolve = |source: &str, provider: &str, id: &str| {
            let node = parse(&format!("{{source:'{source}',provider:'{provider}',id:'{id}'}}")).unwrap();
            let secret = SecretInput::parse(&node, &providers).unwrap().resolve(&providers, &env);
            secret.map(|secret| secret.expose().clone())
        };
        assert_eq!(resolve("env", "mine", "A").unwrap(), "alpha");
        assert_eq!(resolve("env", "some", "A").unwrap(), "alpha");
        assert_eq!(resolve("env", "any", "B").unwrap(), "beta");
        for (source, provider, id, expected) in [
            ("env", "some", "B", "allowlist"),
            ("env", "none", "A", "allowlist"),
            ("env", "default", "A", "no provider default"),
            ("env", "disk", "A", "not a provider of source env"),
            ("env", "mine", "UNSET", "UNSET is not set"),
            ("env", "mine", "BLANK", "blank"),
            ("env", "mine", "LINE", "control character"),
            ("env", "mine", "STARS", "placeholder"),
            ("file", "disk", "value", "not resolved here"),
            ("file", "gone", "value", "no provider gone"),
            ("exec", "disk", "a", "not a provider of source exec"),
            ("store", "mine", "A", "source store are not resolved here"),
        ] {
            let error = resolve(source, provider, id).unwrap_err();
            assert!(error.message.contains(expected), "{source} {provider} {id}: {error:?}");
            assert!(error.hint.is_some());
        }
    }

    #[test]
    fn an_alias_entry_of_another_source_does_not_block_the_built_in_reader() {
        let providers = Providers::of(&parse("{providers: {default: {source: 'exec'}}}").unwrap());
        let env: Env = [("A", "alpha")].into_iter().collect();
        let secret = SecretInput::parse(&parse("'${A}'").unwrap(), &providers).unwrap();
        assert_eq!(secret.resolve(&providers, &env).unwrap().expose(), "alpha");
    }

    #[test]
    fn texts_are_substituted() {
        let env: Env = [("A", "alpha"), ("_LOW", "under")].into_iter().collect();
        let resolve = |text: &str| {
            let secret = input(text).unwrap().resolve(&Providers::default(), &env);
            secret.map(|secret| secret.expose().clone())
        };
        assert_eq!(resolve("'plain'").unwrap(), "plain");
        assert_eq!(resolve("'${A}'").unwrap(), "alpha");
        assert_eq!(resolve("'${_LOW}'").unwrap(), "under");
        assert_eq!(resolve("'x-${A}'").unwrap(), "x-alpha");
        assert_eq!(resolve("'$${A}'").unwrap(), "${A}");
        assert_eq!(resolve("'${UNSET}'").unwrap_err(), Fault::unset_variable("UNSET"));
    }
}
