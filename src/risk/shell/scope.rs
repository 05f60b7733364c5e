//! What names mean at a place of a script: variables, functions and positional parameters. Subshells are undone.

use std::collections::HashMap;
use std::sync::Arc;

use crate::risk::syntax::Script;
use crate::risk::value::Origin;

/// Variables, functions and positional parameters.
#[derive(Debug, Default)]
pub(super) struct Scope {
    variables: HashMap<String, Vec<String>>,
    functions: HashMap<String, Arc<Script>>,
    /// `$1`, `$2`, …
    pub(super) positional: Vec<String>,
    undo: Vec<Undo>,
}

#[derive(Debug)]
enum Undo {
    Variable(String, Option<Vec<String>>),
    Function(String, Option<Arc<Script>>),
}

impl Scope {
    /// A point to which [`Scope::back_to`] leads back.
    pub(super) fn mark(&self) -> usize {
        self.undo.len()
    }

    /// Forgets everything that was set since.
    pub(super) fn back_to(&mut self, mark: usize) {
        while self.undo.len() > mark {
            match self.undo.pop() {
                Some(Undo::Variable(name, Some(old))) => drop(self.variables.insert(name, old)),
                Some(Undo::Variable(name, None)) => drop(self.variables.remove(&name)),
                Some(Undo::Function(name, Some(old))) => drop(self.functions.insert(name, old)),
                Some(Undo::Function(name, None)) => drop(self.functions.remove(&name)),
                None => return,
            }
        }
    }

    /// Sets a variable; an array has several items.
    pub(super) fn set(&mut self, name: &str, items: Vec<String>) {
        let old = self.variables.insert(name.to_owned(), items);
        self.undo.push(Undo::Variable(name.to_owned(), old));
    }

    /// Sets a variable to one text.
    pub(super) fn set_text(&mut self, name: &str, text: impl Into<String>) {
        self.set(name, vec![text.into()]);
    }

    /// Forgets a variable.
    pub(super) fn unset(&mut self, name: &str) {
        let old = self.variables.remove(name);
        self.undo.push(Undo::Variable(name.to_owned(), old));
    }

    /// The items of a variable that was set.
    pub(super) fn get(&self, name: &str) -> Option<&[String]> {
        self.variables.get(name).map(Vec::as_slice)
    }

    /// The names that were set and begin like this.
    pub(super) fn names(&self, start: &str) -> Vec<String> {
        let mut names: Vec<_> =
            self.variables.keys().filter(|name| name.starts_with(start)).cloned().collect();
        names.sort();
        names
    }

    /// Defines a function, or an alias.
    pub(super) fn define(&mut self, name: &str, body: Option<Arc<Script>>) {
        let old = match body {
            Some(body) => self.functions.insert(name.to_owned(), body),
            None => self.functions.remove(name),
        };
        self.undo.push(Undo::Function(name.to_owned(), old));
    }

    /// A function's body.
    pub(super) fn function(&self, name: &str) -> Option<Arc<Script>> {
        self.functions.get(name).cloned()
    }
}

/// What a variable holds that the text does not set; `None` when nothing is known of it.
pub(super) fn ambient(name: &str) -> Option<String> {
    Some(
        match name {
            "HOME" => "~",
            "PWD" | "OLDPWD" | "GITHUB_WORKSPACE" | "CI_PROJECT_DIR" | "INIT_CWD" => "./",
            "TMPDIR" | "TMP" | "TEMP" | "RUNNER_TEMP" | "XDG_RUNTIME_DIR" => "/tmp/tmp",
            "XDG_CONFIG_HOME" => "~/.config",
            "XDG_CACHE_HOME" => "~/.cache",
            "IFS" => " \t\n",
            "SHELL" | "BASH" => "/bin/bash",
            "!" | "$" | "PPID" | "BASHPID" => "4711",
            "#" | "?" | "RANDOM" | "LINENO" | "SECONDS" | "SHLVL" => "0",
            "UID" | "EUID" => "1000",
            "-" => "hB",
            "0" | "BASH_SOURCE" => "bash",
            "OSTYPE" => "linux-gnu",
            _ => return None,
        }
        .to_owned(),
    )
}

/// What an unknown variable of this name may hold.
pub(super) fn unknown(name: &str) -> Origin {
    if STRONG.contains(&name) {
        Origin::CREDENTIAL | Origin::SECRET
    } else if is_credential(name) {
        Origin::CREDENTIAL
    } else {
        Origin::UNKNOWN
    }
}

/// Variables that hold the keys to a whole account.
const STRONG: &[&str] = &[
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "GITLAB_TOKEN",
    "NPM_TOKEN",
    "NODE_AUTH_TOKEN",
    "VAULT_TOKEN",
    "SSH_PRIVATE_KEY",
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "VOLCENGINE_SECRET_KEY",
    "VOLC_SECRETKEY",
    "AZURE_CLIENT_SECRET",
    "GOOGLE_APPLICATION_CREDENTIALS_JSON",
    "DIGITALOCEAN_TOKEN",
    "CLOUDFLARE_API_TOKEN",
    "PYPI_TOKEN",
    "CARGO_REGISTRY_TOKEN",
    "DOCKER_PASSWORD",
    "DB_PASSWORD",
    "DATABASE_PASSWORD",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
];

/// Whether a variable is named like a credential.
pub(super) fn is_credential(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let ends =
        ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "API_KEY", "APIKEY", "ACCESS_KEY", "PRIVATE_KEY", "_PAT"];
    ends.iter().any(|end| upper.ends_with(end))
        || ["SECRET_", "CREDENTIAL", "PASSPHRASE"].iter().any(|part| upper.contains(part))
}
