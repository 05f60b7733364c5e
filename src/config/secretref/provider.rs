//! `secrets.providers` and `secrets.defaults` of the host's configuration, as values with their limits.
//!
//! A provider that is written wrongly is a fault of the references that use it, and of nothing else.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::form::{SecretRef, Source, is_env_id};
use crate::base::env::Env;
use crate::config::node::Node;
use crate::config::paths::Place;
use crate::config::problem::Fault;
use crate::config::substitute::substitute;

/// The provider alias that needs no entry, unless `secrets.defaults` names another.
pub const DEFAULT_ALIAS: &str = "default";
/// Milliseconds that any provider may take unless its entry says otherwise, and at most.
const TIMEOUT_MS: (u64, u64) = (5_000, 120_000);
/// Bytes that a file may have, or a program may write, unless the entry says otherwise, and at most.
const BYTES: (u64, u64) = (1024 * 1024, 20 * 1024 * 1024);
/// Arguments of a program.
const MAX_ARGS: usize = 128;
/// Names that are passed on to a program.
const MAX_PASSED: usize = 128;

/// A provider that can be asked.
#[derive(Clone, Debug)]
pub enum Provider {
    /// Environment variables; `None` allows any.
    Env(Option<Vec<String>>),
    /// A file.
    File(FileProvider),
    /// A program.
    Exec(ExecProvider),
}

/// A file of secrets.
#[derive(Clone, Debug)]
pub struct FileProvider {
    /// Where it is.
    pub path: PathBuf,
    /// Whether the whole file is one secret; else it is a JSON object.
    pub single_value: bool,
    /// How long reading may take.
    pub timeout: Duration,
    /// How large it may be.
    pub max_bytes: u64,
}

/// A program that answers references.
#[derive(Clone, Debug)]
pub struct ExecProvider {
    /// The program.
    pub command: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// How long it may take in all.
    pub timeout: Duration,
    /// How long it may be silent.
    pub silence: Duration,
    /// How much it may write.
    pub max_output: usize,
    /// Whether a text that is no JSON is an error; else it is the value of the one id.
    pub json_only: bool,
    /// Its environment: what is set here, and of ours what it names.
    pub environment: Vec<(String, String)>,
    /// Folders one of which must hold the program; none allows any.
    pub trusted_dirs: Vec<PathBuf>,
}

/// The providers of the host's configuration.
#[derive(Clone, Debug)]
pub struct Providers {
    default_env: String,
    entries: BTreeMap<String, Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    source: Option<Source>,
    provider: Result<Provider, Fault>,
}

impl Default for Providers {
    fn default() -> Self {
        Self { default_env: DEFAULT_ALIAS.to_owned(), entries: BTreeMap::new() }
    }
}

impl Providers {
    /// Reads the host's `secrets` object. `env` is what `${NAME}` and `passEnv` see.
    #[must_use]
    pub fn of(secrets: &Node, env: &Env) -> Self {
        let default_env = secrets.at(&["defaults", "env"]).and_then(Node::text).map(str::trim);
        let default_env = default_env.filter(|alias| !alias.is_empty()).unwrap_or(DEFAULT_ALIAS);
        let providers = secrets.get("providers").map(Node::entries).unwrap_or_default();
        let entry = |node: &Node| {
            let source = node.get("source").and_then(Node::text).and_then(Source::parse);
            Entry { source, provider: read(node, source, env) }
        };
        Self {
            default_env: default_env.to_owned(),
            entries: providers.iter().map(|(alias, node)| (alias.clone(), entry(node))).collect(),
        }
    }

    /// The alias that a bare `${NAME}` means.
    #[must_use]
    pub fn default_env(&self) -> &str {
        &self.default_env
    }

    /// The provider that a reference names.
    ///
    /// # Errors
    /// Why it cannot be asked.
    pub fn find(&self, reference: &SecretRef) -> Result<Provider, Fault> {
        let SecretRef { source, provider: alias, .. } = reference;
        let entry = self.entries.get(alias);
        let own = entry.filter(|entry| entry.source == Some(*source));
        if *source == Source::Store {
            let message =
                "references of source store are in the host's own store, which is not readable here";
            return Err(Fault::with_hint(message, "use a reference of source env, file or exec"));
        }
        // An entry of the default alias with another source does not block the built-in reader.
        if let Some(entry) = own {
            let at = |fault: Fault| Fault {
                message: format!("secrets.providers.{alias} {}", fault.message),
                ..fault
            };
            return entry.provider.clone().map_err(at);
        }
        if *source == Source::Env && *alias == self.default_env {
            return Ok(Provider::Env(None));
        }
        let message = match entry {
            None => format!("secrets.providers has no provider {alias}"),
            Some(_) => format!("secrets.providers.{alias} is not a provider of source {}", source.as_str()),
        };
        Err(Fault::with_hint(message, "name a provider of that source in openclaw.json"))
    }
}

fn read(node: &Node, source: Option<Source>, env: &Env) -> Result<Provider, Fault> {
    let entry = Reading { node, env };
    match source {
        Some(Source::Env) => entry.texts("allowlist", usize::MAX).map(Provider::Env),
        Some(Source::File) => entry.file().map(Provider::File),
        Some(Source::Exec) => entry.program().map(Provider::Exec),
        Some(Source::Store) | None => Err("has no source that can be asked here".into()),
    }
}

/// One entry that is being read.
struct Reading<'a> {
    node: &'a Node,
    env: &'a Env,
}

impl Reading<'_> {
    fn file(&self) -> Result<FileProvider, Fault> {
        let single_value = match self.node.get("mode").map(Node::text) {
            None | Some(Some("json")) => false,
            Some(Some("singleValue")) => true,
            Some(_) => return Err("has a mode that is neither json nor singleValue".into()),
        };
        Ok(FileProvider {
            path: self.path("path")?,
            single_value,
            timeout: Duration::from_millis(self.number("timeoutMs", TIMEOUT_MS)?),
            max_bytes: self.number("maxBytes", BYTES)?,
        })
    }

    fn program(&self) -> Result<ExecProvider, Fault> {
        if self.node.get("pluginIntegration").is_some() {
            return Err("is a plugin's own program, which only the host can ask".into());
        }
        let timeout = self.number("timeoutMs", TIMEOUT_MS)?;
        let trusted_dirs = self.texts("trustedDirs", 64)?.unwrap_or_default();
        Ok(ExecProvider {
            command: self.path("command")?,
            args: self.texts("args", MAX_ARGS)?.unwrap_or_default(),
            timeout: Duration::from_millis(timeout),
            silence: Duration::from_millis(self.number("noOutputTimeoutMs", (timeout, TIMEOUT_MS.1))?),
            max_output: usize::try_from(self.number("maxOutputBytes", BYTES)?).unwrap_or(usize::MAX),
            json_only: !self.node.get("jsonOnly").is_some_and(|flag| flag.is_flag(false)),
            environment: self.environment()?,
            trusted_dirs: trusted_dirs.iter().map(|dir| self.expand(dir)).collect::<Result<_, _>>()?,
        })
    }

    /// What is passed on of our environment, then what the entry sets, which wins.
    fn environment(&self) -> Result<Vec<(String, String)>, Fault> {
        let mut variables = BTreeMap::new();
        for name in self.texts("passEnv", MAX_PASSED)?.unwrap_or_default() {
            if !is_env_id(&name) {
                return Err("has a name in passEnv that is not of capitals, digits and underscores".into());
            }
            if let Some(value) = self.env.get(&name) {
                variables.insert(name, value.to_owned());
            }
        }
        for (name, value) in self.node.get("env").map(Node::entries).unwrap_or_default() {
            let value = value.text().ok_or("has a value in env that is not a string")?;
            if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
                return Err("has a name or value in env that no environment can hold".into());
            }
            variables.insert(name.clone(), self.plain(value)?);
        }
        Ok(variables.into_iter().collect())
    }

    fn path(&self, key: &str) -> Result<PathBuf, Fault> {
        let text = self.node.get(key).and_then(Node::text).ok_or_else(|| format!("has no {key}"))?;
        self.expand(&self.plain(text)?)
    }

    fn expand(&self, text: &str) -> Result<PathBuf, Fault> {
        let place = Place { env: self.env, working_dir: "/".as_ref(), exists: &|_| false };
        let is_absolute = text.starts_with('/') || text == "~" || text.starts_with("~/");
        match place.expand(text) {
            Ok(path) if is_absolute && !text.contains('\0') => Ok(path),
            Ok(_) => Err("has a path that is not absolute".into()),
            Err(error) => Err(error.message().into()),
        }
    }

    fn texts(&self, key: &str, max: usize) -> Result<Option<Vec<String>>, Fault> {
        let Some(list) = self.node.get(key) else { return Ok(None) };
        let wrong = || format!("has a {key} that is not a list of at most {max} strings");
        let Node::List(elements) = list else { return Err(wrong().into()) };
        if elements.len() > max {
            return Err(wrong().into());
        }
        let text = |element: &Node| {
            let text = element.text().filter(|text| !text.contains('\0')).ok_or_else(wrong)?;
            self.plain(text)
        };
        elements.iter().map(text).collect::<Result<_, Fault>>().map(Some)
    }

    fn number(&self, key: &str, (default, max): (u64, u64)) -> Result<u64, Fault> {
        let Some(node) = self.node.get(key) else { return Ok(default) };
        // The cast saturates and drops a fraction; comparing back tells whether it was exact.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let whole = match node {
            Node::Number(number) => Some(*number as u64).filter(|count| *count as f64 == *number),
            _ => None,
        };
        whole
            .filter(|count| (1..=max).contains(count))
            .ok_or_else(|| format!("has a {key} that is not a whole number from 1 to {max}").into())
    }

    fn plain(&self, text: &str) -> Result<String, Fault> {
        substitute(text, self.env).map_err(|name| Fault {
            message: format!("needs environment variable {name}, which is not set"),
            ..Fault::unset_variable(&name)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::node::parse;

    fn find(entry: &str, source: Source) -> Result<Provider, Fault> {
        let env: Env = [("HOME", "/home/u"), ("LANG", "C"), ("DIR", "/opt")].into_iter().collect();
        let secrets = parse(&format!("{{providers: {{p: {entry}}}}}")).unwrap();
        let reference = SecretRef { source, provider: "p".into(), id: "X".into() };
        Providers::of(&secrets, &env).find(&reference)
    }

    #[test]
    fn a_program_has_the_hosts_defaults_and_gets_what_is_passed_and_set() {
        let Ok(Provider::Exec(program)) = find("{source: 'exec', command: '${DIR}/x'}", Source::Exec) else {
            panic!()
        };
        assert_eq!(program.command, PathBuf::from("/opt/x"));
        assert_eq!((program.timeout.as_millis(), program.silence.as_millis()), (5000, 5000));
        assert_eq!((program.max_output, program.json_only), (1024 * 1024, true));
        assert!(program.environment.is_empty());
        let entry = "{source: 'exec', command: '~/x', timeoutMs: 9, jsonOnly: false, args: ['a'],
            passEnv: ['LANG', 'UNSET', 'HOME'], env: {LANG: 'de', lower: '${DIR}'}, trustedDirs: ['~']}";
        let Ok(Provider::Exec(program)) = find(entry, Source::Exec) else { panic!() };
        let expected = [("HOME", "/home/u"), ("LANG", "de"), ("lower", "/opt")];
        assert_eq!(program.environment, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!((program.silence.as_millis(), program.trusted_dirs), (9, vec!["/home/u".into()]));
        assert!(!program.json_only);
    }

    #[test]
    fn what_the_host_refuses_is_refused_and_named() {
        for (entry, source, expected) in [
            ("{source: 'exec'}", Source::Exec, "p has no command"),
            ("{source: 'exec', command: 'x'}", Source::Exec, "not absolute"),
            ("{source: 'exec', command: '/x', timeoutMs: 120001}", Source::Exec, "timeoutMs"),
            ("{source: 'exec', command: '/x', timeoutMs: 0}", Source::Exec, "timeoutMs"),
            ("{source: 'exec', command: '/x', passEnv: ['http_proxy']}", Source::Exec, "passEnv"),
            ("{source: 'exec', command: '/x', args: 'a'}", Source::Exec, "args"),
            ("{source: 'exec', pluginIntegration: {}}", Source::Exec, "only the host"),
            ("{source: 'file', path: '/x', mode: 'yaml'}", Source::File, "mode"),
            ("{source: 'file', path: '/x', maxBytes: 20971521}", Source::File, "maxBytes"),
            ("{source: 'file', path: '${UNSET}'}", Source::File, "UNSET"),
            ("{source: 'file', path: '/x'}", Source::Exec, "not a provider of source exec"),
            ("{source: 'store'}", Source::Store, "not readable here"),
            ("7", Source::Env, "not a provider of source env"),
        ] {
            let fault = find(entry, source).unwrap_err();
            assert!(fault.message.contains(expected), "{entry}: {fault:?}");
        }
        assert!(find("{source: 'exec', command: '/x', timeoutMs: 120000}", Source::Exec).is_ok());
        assert!(find("{source: 'file', path: '/x', maxBytes: 20971520}", Source::File).is_ok());
    }
}
