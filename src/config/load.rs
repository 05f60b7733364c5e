//! From a file, or none, to a [`Loaded`] configuration or one error with everything that is wrong.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::feishu::Channel;
use super::host::HostFile;
use super::include;
use super::model::Config;
use super::node::{Node, SyntaxError};
use super::parse::{Parsed, Pending, Texts, parse};
use super::paths::{Paths, Place};
use super::problem::{Problem, Problems, Severity};
use super::secretref::machine::{Access, Machine, Nowhere};
use super::secretref::{Providers, Resolver};
use super::view::view;
use crate::base::env::Env;
use crate::base::error::{Code, Error, Result};

const PLUGIN: &str = "agent-identity";
const IN_HOST_FILE: [&str; 4] = ["plugins", "entries", PLUGIN, "config"];
/// The names under which a file is the host's, whatever is in it.
const HOST_FILES: [&str; 3] = ["openclaw.json", "clawdbot.json", "moldbot.json"];

/// What kind of file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The host's: ours is at `plugins.entries.agent-identity.config`.
    Host,
    /// Our own: the settings are at the root.
    Own,
}

/// A configuration that was read.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration; not to be used while `problems` has errors.
    pub config: Config,
    /// The file it came from; `None` when there is none and the defaults hold.
    pub file: Option<PathBuf>,
    /// The environment, with the variables that the host's file adds (`env.vars`).
    pub env: Env,
    /// What is wrong or worth knowing.
    pub problems: Problems,
    /// Secrets that are configured but not available.
    pub pending: Vec<Pending>,
    /// The host's Feishu channel.
    pub feishu: Channel,
}

/// Loads the configuration: from `given`, else from the host's file, else the defaults.
///
/// # Errors
/// [`Code::ConfigMissing`] when `given` does not exist; [`Code::ConfigInvalid`] with the place of a syntax error, or
/// with all errors of the settings together.
pub fn load(paths: &Paths, given: Option<&Path>, env: &Env) -> Result<Loaded> {
    read(paths, given, env)?.accepted()
}

/// Reads the configuration without judging it: errors of the settings are among the problems.
///
/// # Errors
/// As [`load`], but for errors of the settings.
pub fn read(paths: &Paths, given: Option<&Path>, env: &Env) -> Result<Loaded> {
    let file = given.unwrap_or(&paths.config_file);
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let node = match include::read(&file) {
        Err(error) if error.code() == Code::NotFound && given.is_some() => {
            return Err(Error::new(Code::ConfigMissing, error.message())
                .with_hint("correct the path, or leave it out to use the host's configuration"));
        }
        Err(error) if error.code() == Code::NotFound => return Ok(absent(paths, env)),
        node => node?,
    };
    let form = match given {
        Some(given) => form_of(given, &node),
        None => Form::Host,
    };
    let mut loaded = interpret(node, form, env, &Machine::for_own_secrets(env));
    expand_home(&mut loaded, env)?;
    Ok(Loaded { file: Some(file), ..loaded })
}

/// Reads the settings as a running host hands them to its plugin: `${NAME}` replaced, and by newer hosts references too.
/// References that are left are resolved here, with the providers of the host's file.
///
/// # Errors
/// As [`read`]; [`Code::ConfigInvalid`] when `settings` is not JSON.
pub fn read_from_host(paths: &Paths, given: Option<&Path>, settings: &str, env: &Env) -> Result<Loaded> {
    let settings = super::node::parse(settings).map_err(|error| {
        Error::new(Code::ConfigInvalid, format!("the host's settings of the plugin: {error}"))
    })?;
    let host = HostFile::read(paths, given, env)?;
    let file = host.as_ref().map(|host| host.path().to_owned());
    let host = host.unwrap_or_else(|| HostFile::of(Node::Null, env));
    let access = Machine::for_own_secrets(host.env());
    let mut loaded = loaded(parse(&settings, Texts::Final, &host.resolver(&access)), host.env().clone());
    expand_home(&mut loaded, host.env())?;
    Ok(Loaded { file, feishu: host.feishu(), ..loaded })
}

/// Reads a configuration from a text, without included files; of references, those to variables are resolved. Total: for
/// tests, editors and fuzzing.
///
/// # Errors
/// The place where the text stops being JSON5.
pub fn from_text(text: &str, form: Form, env: &Env) -> std::result::Result<Loaded, SyntaxError> {
    Ok(interpret(super::node::parse(text)?, form, env, &Nowhere))
}

impl Loaded {
    /// The configuration, if it has no errors.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] with all of them.
    pub fn accepted(self) -> Result<Self> {
        let errors: Vec<&Problem> = self.problems.errors().collect();
        let message = match errors.as_slice() {
            [] => return Ok(self),
            [only] => only.sentence(),
            all => {
                let sentences: Vec<String> = all.iter().map(|problem| in_full(problem)).collect();
                format!("{} errors: {}", all.len(), sentences.join("; "))
            }
        };
        let hint = match errors.as_slice() {
            [Problem { hint: Some(hint), .. }] => hint.clone(),
            _ => "correct the file; `agent-identity config check` shows the same list".to_owned(),
        };
        let file = self.file.as_ref().map(|file| format!("{}: ", file.display())).unwrap_or_default();
        Err(Error::new(Code::ConfigInvalid, format!("{file}{message}")).with_hint(hint))
    }

    /// The effective configuration as it may be shown.
    #[must_use]
    pub fn view(&self) -> Value {
        view(&self.config, &self.pending)
    }
}

/// The outcome of `config check`.
#[derive(Clone, Debug)]
pub struct Check {
    /// The file that was read.
    pub file: Option<PathBuf>,
    /// What is wrong or worth knowing.
    pub problems: Problems,
    /// The effective configuration, when the file can be used.
    pub config: Option<Value>,
}

/// Checks a configuration as [`load`] would read it. Never fails: what is wrong is in the outcome.
#[must_use]
pub fn check(paths: &Paths, given: Option<&Path>, env: &Env) -> Check {
    check_also(paths, given, env, |_| Ok(()))
}

/// As [`check`]; settings without errors must pass `rule` as well, which a part that uses them has.
#[must_use]
pub fn check_also(
    paths: &Paths,
    given: Option<&Path>,
    env: &Env,
    rule: impl FnOnce(&Config) -> Result<()>,
) -> Check {
    match read(paths, given, env) {
        Ok(mut loaded) => {
            if !loaded.problems.has_errors()
                && let Err(error) = rule(&loaded.config)
            {
                loaded.problems.push(of_error(&error));
            }
            let config = (!loaded.problems.has_errors()).then(|| loaded.view());
            Check { file: loaded.file, problems: loaded.problems, config }
        }
        Err(error) => {
            let mut problems = Problems::default();
            problems.push(of_error(&error));
            let file = given.map_or_else(|| paths.config_file.clone(), Path::to_owned);
            Check { file: Some(file), problems, config: None }
        }
    }
}

fn of_error(error: &Error) -> Problem {
    let problem = Problem::new(Severity::Error, "", error.message());
    match error.hint() {
        Some(hint) => problem.with_hint(hint),
        None => problem,
    }
}

impl Check {
    /// Whether the file can be used.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        !self.problems.has_errors()
    }

    /// `{"ok","file","problems","omitted","config"}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "ok": self.is_ok(),
            "file": self.file.as_ref().map(|file| file.display().to_string()),
            "problems": self.problems.all().iter().map(Problem::to_json).collect::<Vec<_>>(),
            "omitted": self.problems.omitted(),
            "config": self.config,
        })
    }

    /// The outcome for a person: a line for each problem, its hint below, and a last line that sums up.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for problem in self.problems.all() {
            text += &format!("{}: {}\n", problem.severity.as_str(), problem.sentence());
            if let Some(hint) = &problem.hint {
                text += &format!("  hint: {hint}\n");
            }
        }
        if self.problems.omitted() > 0 {
            text += &format!("and {} more\n", self.problems.omitted());
        }
        let file = match &self.file {
            Some(file) => file.display().to_string(),
            None => "no file, defaults".to_owned(),
        };
        text + &format!("{file}: {}\n", if self.is_ok() { "ok" } else { "cannot be used" })
    }
}

/// A given file is the host's by its name, or by holding `plugins`.
fn form_of(file: &Path, node: &Node) -> Form {
    let is_named = file.file_name().is_some_and(|name| HOST_FILES.iter().any(|host| name == *host));
    if is_named || node.get("plugins").is_some() { Form::Host } else { Form::Own }
}

fn interpret(node: Node, form: Form, env: &Env, access: &dyn Access) -> Loaded {
    if form == Form::Own {
        let providers = Providers::default();
        let resolver = Resolver::new(&providers, env, access);
        return loaded(parse(&node, Texts::Written, &resolver), env.clone());
    }
    let host = HostFile::of(node, env);
    let mut problems = Problems::default();
    if !matches!(host.root(), Node::Object(_)) {
        let message = format!("the file must hold an object, found {}", host.root().kind());
        problems.push(Problem::new(Severity::Error, "", message));
    }
    activation(host.root(), &mut problems);
    let ours = host.root().at(&IN_HOST_FILE);
    if ours.is_none() && !problems.has_errors() {
        let message = format!("the file has no {}: the defaults hold", IN_HOST_FILE.join("."));
        problems.push(Problem::new(Severity::Note, "", message));
    }
    let resolver = host.resolver(access);
    let parsed = ours.map(|ours| parse(ours, Texts::Written, &resolver)).unwrap_or_default();
    let mut loaded = loaded(parsed, host.env().clone());
    loaded.problems = problems.followed_by(loaded.problems);
    loaded.feishu = host.feishu();
    loaded
}

fn loaded(parsed: Parsed, env: Env) -> Loaded {
    let Parsed { config, pending, problems } = parsed;
    Loaded { config, file: None, env, problems, pending, feishu: Channel::default() }
}

fn absent(paths: &Paths, env: &Env) -> Loaded {
    let mut loaded = loaded(Parsed::default(), env.clone());
    let file = paths.config_file.display();
    loaded.problems.push(if paths.config_file_is_named {
        let message = format!("OPENCLAW_CONFIG_PATH names {file}, which does not exist: the defaults hold");
        Problem::new(Severity::Warning, "", message).with_hint("correct or unset OPENCLAW_CONFIG_PATH")
    } else {
        Problem::new(Severity::Note, "", format!("there is no {file}: the defaults hold"))
    });
    loaded
}

/// What keeps the host from loading the plugin; the settings are read all the same.
fn activation(node: &Node, problems: &mut Problems) {
    let mut warn = |path: &str, message: &str, hint: &str| {
        problems.push(Problem::new(Severity::Warning, path, message).with_hint(hint));
    };
    let names_us = |path: &[&str]| {
        let list = node.at(path)?.elements();
        Some(list.iter().any(|name| name.text() == Some(PLUGIN)))
    };
    if node.at(&["plugins", "enabled"]).is_some_and(|flag| flag.is_flag(false)) {
        warn("plugins.enabled", "is false: the host loads no plugin", "set it to true");
    }
    if node.at(&["plugins", "entries", PLUGIN, "enabled"]).is_some_and(|flag| flag.is_flag(false)) {
        let path = format!("plugins.entries.{PLUGIN}.enabled");
        warn(&path, "is false: the host does not load the plugin", "set it to true");
    }
    if names_us(&["plugins", "deny"]) == Some(true) {
        warn("plugins.deny", "names agent-identity: the host does not load it", "take it off the list");
    }
    if names_us(&["plugins", "allow"]) == Some(false) {
        warn(
            "plugins.allow",
            "does not name agent-identity: the host does not load it",
            "add it to the list",
        );
    }
}

fn expand_home(loaded: &mut Loaded, env: &Env) -> Result<()> {
    if let Some(file) = &mut loaded.config.identity.credentials_file
        && file.starts_with('~')
    {
        let place = Place { env, working_dir: Path::new("/"), exists: &|_| false };
        *file = place.expand(file)?.display().to_string();
    }
    Ok(())
}

fn in_full(problem: &Problem) -> String {
    match &problem.hint {
        Some(hint) => format!("{} ({hint})", problem.sentence()),
        None => problem.sentence(),
    }
}
