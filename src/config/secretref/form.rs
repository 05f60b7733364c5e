//! The form of a reference: exactly three keys, and for each source its own grammar of ids.
//!
//! Pure. The grammar is that of the host's code (2026.9.6), which takes every id that older hosts take. Ids of exec
//! providers may hold underscores in both; `#` is newer than 2026.3.28.

use std::fmt;

use super::resolve::{Resolved, Resolver};
use crate::base::secret::{REDACTED, Secret};
use crate::config::node::Node;
use crate::config::problem::Fault;
use crate::config::substitute::{substitute, whole_reference};

/// Retired markers; the host refuses them as well.
const RETIRED_MARKERS: [&str; 2] = ["secretref-env:", "__env__:"];
/// What the host and this program show in place of secrets; such a text is a copy from a redacted view.
const PLACEHOLDERS: [&str; 10] = [
    REDACTED,
    "__OPENCLAW_REDACTED__",
    "REDACTED",
    "***",
    "<redacted>",
    "[REDACTED]",
    "xoxb-REDACTED",
    "xapp-REDACTED",
    "[REDACTED_PRIVATE_KEY]",
    "[REDACTED CREDENTIAL]",
];

/// Where a secret is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

    /// The source of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretRef {
    /// Where the secret is kept.
    pub source: Source,
    /// The alias of the provider, from `secrets.providers`.
    pub provider: String,
    /// Which secret of that provider.
    pub id: String,
}

impl SecretRef {
    /// Reads a SecretRef object.
    ///
    /// # Errors
    /// What is wrong with its form, to be read after the setting's path.
    pub fn parse(node: &Node) -> Result<Self, Fault> {
        const FORM: &str = "must be a SecretRef with exactly the keys source, provider and id";
        let text = |key: &str| node.get(key).and_then(Node::text);
        let (Some(source), Some(provider), Some(id)) = (text("source"), text("provider"), text("id")) else {
            return Err(format!("{FORM}, each a string").into());
        };
        let keys = node.entries().len();
        if keys != 3 {
            return Err(format!("{FORM}, found {keys} keys").into());
        }
        let source = Source::parse(source).ok_or(
            "is a SecretRef of an unknown source: it must be \"env\", \"file\", \"exec\" or \"store\"",
        )?;
        if !is_alias(provider) {
            return Err(
                "is a SecretRef whose provider is not an alias (a-z, then a-z 0-9 _ -, at most 64)".into()
            );
        }
        if !source.accepts_id(id) {
            return Err(format!("is a SecretRef whose id does not fit source {}", source.as_str()).into());
        }
        Ok(Self { source, provider: provider.to_owned(), id: id.to_owned() })
    }

    /// The reference that a whole text stands for: `${NAME}`, and `$NAME` on newer hosts.
    #[must_use]
    pub fn of_shorthand(text: &str, default_env: &str) -> Option<Self> {
        let name = whole_reference(text).or_else(|| text.trim().strip_prefix('$'))?;
        let provider = default_env.to_owned();
        is_env_id(name).then(|| Self { source: Source::Env, provider, id: name.to_owned() })
    }
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
    /// Reads a text, a text that is one `${NAME}` (an env reference), or a SecretRef object. `default_env` is the alias
    /// that such a text means.
    ///
    /// # Errors
    /// What is wrong with its form, to be read after the setting's path.
    pub fn parse(node: &Node, default_env: &str) -> Result<Self, Fault> {
        match node {
            Node::Text(text) => Self::of_text(text, default_env),
            Node::Object(_) => SecretRef::parse(node).map(Self::Ref),
            other => Err(format!("must be a string or a SecretRef, found {}", other.kind()).into()),
        }
    }

    fn of_text(text: &Secret, default_env: &str) -> Result<Self, Fault> {
        let plain = text.expose();
        if let Some(reference) = SecretRef::of_shorthand(plain, default_env) {
            return Ok(Self::Ref(reference));
        }
        if is_retired_marker(plain) {
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

    /// The secret: one line of text.
    ///
    /// # Errors
    /// Why it is not available.
    pub fn resolve(&self, resolver: &Resolver<'_>) -> Result<Secret, Fault> {
        let secret = match self {
            Self::Ref(reference) => match resolver.resolve(reference)? {
                Resolved::Text(secret) => secret,
                Resolved::Object { .. } => {
                    return Err(unusable("the secret is an object where text is needed"));
                }
                Resolved::Other(kind) => {
                    return Err(unusable(&format!("the secret is {kind} where text is needed")));
                }
            },
            Self::Plain(text) => {
                let text =
                    substitute(text.expose(), resolver.env()).map_err(|name| Fault::unset_variable(&name))?;
                Secret::new(text)
            }
        };
        check(&secret).map(|()| secret)
    }
}

/// Whether a text can be a secret of one line.
///
/// # Errors
/// Why it cannot.
pub(in crate::config) fn check(secret: &Secret) -> Result<(), Fault> {
    let text = secret.expose();
    if text.trim().is_empty() {
        Err(unusable("the secret is blank"))
    } else if is_placeholder(text) {
        Err(unusable("the text is a redaction placeholder, not a secret"))
    } else if text.chars().any(char::is_control) {
        Err(unusable("the secret holds a control character (a line break at its end?)"))
    } else {
        Ok(())
    }
}

/// Whether a text is what some view shows in place of a secret.
#[must_use]
pub fn is_placeholder(text: &str) -> bool {
    PLACEHOLDERS.contains(&text.trim())
}

/// Whether a text is a marker that older hosts wrote in place of a reference.
#[must_use]
pub fn is_retired_marker(text: &str) -> bool {
    RETIRED_MARKERS.iter().any(|marker| text.trim().starts_with(marker))
}

fn unusable(why: &str) -> Fault {
    Fault::with_hint(why, "enter the secret again")
}

/// `^[a-z][a-z0-9_-]{0,63}$`
#[must_use]
pub fn is_alias(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'))
}

/// `^[A-Z][A-Z0-9_]{0,127}$`
#[must_use]
pub fn is_env_id(text: &str) -> bool {
    text.len() <= 128
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// An absolute JSON pointer (RFC 6901).
fn is_pointer(text: &str) -> bool {
    text.starts_with('/') && text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']))
}

/// `^[A-Za-z0-9][A-Za-z0-9._:/#-]{0,255}$` without `.` and `..` as path segments.
#[must_use]
pub fn is_exec_id(text: &str) -> bool {
    text.len() <= 256
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._:/#-".contains(c))
        && text.split('/').all(|segment| segment != "." && segment != "..")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::node::parse;

    fn input(text: &str) -> Result<SecretInput, Fault> {
        SecretInput::parse(&parse(text).unwrap(), "default")
    }

    #[test]
    fn a_ref_has_exactly_three_keys_of_the_right_form() {
        for good in [
            "{source:'env',provider:'default',id:'DISCORD_BOT_TOKEN'}",
            "{source:'file',provider:'vault',id:'value'}",
            "{source:'file',provider:'vault',id:'/a/b~0c~1'}",
            "{source:'exec',provider:'agentid',id:'feishu/app_secret#1'}",
            "{source:'exec',provider:'agentid',id:'a_b.c:d-e/f'}",
            "{source:'store',provider:'default',id:'A'}",
            "' ${A_1} '",
            "'$A_1'",
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
            ("{source:'exec',provider:'e',id:'_a'}", "does not fit source exec"),
            ("7", "must be a string or a SecretRef, found a number"),
            ("'secretref-env:NAME'", "retired"),
            ("'__env__:NAME'", "retired"),
        ] {
            let error = input(bad).unwrap_err();
            assert!(error.message.contains(expected), "{bad}: {error:?}");
        }
    }

    #[test]
    fn a_retired_marker_is_refused_with_the_mend_and_never_resolved() {
        for marker in ["'secretref-env:NAME'", "' __env__:NAME'"] {
            let fault = input(marker).unwrap_err();
            assert!(fault.message.contains("retired"), "{marker}");
            assert!(fault.hint.unwrap().contains("openclaw doctor --fix"), "{marker}");
        }
    }

    #[test]
    fn id_lengths_end_where_the_host_ends_them() {
        let name = |length: usize| format!("A{}", "B".repeat(length - 1));
        assert!(is_env_id(&name(128)) && !is_env_id(&name(129)) && !is_env_id(""));
        assert!(is_exec_id(&name(256)) && !is_exec_id(&name(257)) && !is_exec_id(""));
        let alias = |length: usize| "a".repeat(length);
        assert!(is_alias(&alias(64)) && !is_alias(&alias(65)) && !is_alias(""));
    }
}
