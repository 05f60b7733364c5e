//! What names mean at a place of a script: variables, functions and positional parameters. Subshells are undone.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::risk::syntax::Script;
use crate::risk::syntax::ast::Pipeline;
use crate::risk::value::Origin;

/// Values that a variable may have at a place; what lies beyond counts as unknown.
const MAX_OTHERS: usize = 8;
/// Commands of a function's possible bodies together; of more, only the last body counts.
const MAX_BODIES: usize = 64;

/// What a variable holds; an array has several items.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Variable {
    items: Vec<String>,
    /// What it holds instead when another branch was taken.
    others: Vec<Vec<String>>,
}

impl Variable {
    /// Adds what it may hold as well.
    fn or(mut self, other: Self) -> Self {
        for items in std::iter::once(other.items).chain(other.others) {
            if self.items == items || self.others.contains(&items) {
                continue;
            }
            match self.others.len() {
                0..MAX_OTHERS => self.others.push(items),
                _ => self.others[MAX_OTHERS - 1] = vec![Origin::UNKNOWN.text()],
            }
        }
        self
    }
}

/// What was set on one way through a script.
#[derive(Debug, Default)]
pub(super) struct Way {
    variables: BTreeMap<String, Option<Variable>>,
    functions: BTreeMap<String, Option<Arc<Script>>>,
}

/// Variables, functions and positional parameters.
#[derive(Debug, Default)]
pub(super) struct Scope {
    variables: HashMap<String, Variable>,
    /// Names that were asked for and may hold one of several values.
    asked: RefCell<BTreeSet<String>>,
    /// Whether some name ever may have held one of several values.
    has_several: bool,
    functions: HashMap<String, Arc<Script>>,
    /// `$1`, `$2`, …
    pub(super) positional: Vec<String>,
    /// Names that stand for other variables.
    references: Vec<(String, String)>,
    undo: Vec<Undo>,
}

#[derive(Debug)]
enum Undo {
    Variable(String, Option<Variable>),
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
        self.put(name, Some(Variable { items, others: Vec::new() }));
    }

    /// What a variable may hold, to be put back later.
    pub(super) fn held(&self, name: &str) -> Option<Variable> {
        self.variables.get(name).cloned()
    }

    /// Lets a variable hold this.
    pub(super) fn put(&mut self, name: &str, variable: Option<Variable>) {
        self.has_several |= variable.as_ref().is_some_and(|variable| !variable.others.is_empty());
        let old = match variable {
            Some(variable) => self.variables.insert(name.to_owned(), variable),
            None => self.variables.remove(name),
        };
        self.undo.push(Undo::Variable(name.to_owned(), old));
    }

    /// Sets a variable to one text.
    pub(super) fn set_text(&mut self, name: &str, text: impl Into<String>) {
        self.set(name, vec![text.into()]);
    }

    /// Makes one name stand for another variable: `declare -n`.
    pub(super) fn refer(&mut self, name: &str, target: &str) {
        self.references.push((name.to_owned(), target.to_owned()));
    }

    /// The items of a variable that was set.
    pub(super) fn get(&self, name: &str) -> Option<&[String]> {
        let name =
            self.references.iter().rev().find(|(from, _)| from == name).map_or(name, |(_, to)| to.as_str());
        let variable = self.variables.get(name)?;
        if !variable.others.is_empty() {
            self.asked.borrow_mut().insert(name.to_owned());
        }
        Some(&variable.items)
    }

    pub(super) const fn has_several(&self) -> bool {
        self.has_several
    }

    /// The names of several values that were asked for since the last call.
    pub(super) fn take_asked(&self) -> BTreeSet<String> {
        self.asked.take()
    }

    /// Names of several values that a command asked for.
    pub(super) fn add_asked(&self, names: BTreeSet<String>) {
        self.asked.borrow_mut().extend(names);
    }

    /// The values that a variable may hold; the first is the one that [`Scope::get`] gives.
    pub(super) fn values(&self, name: &str) -> Vec<Vec<String>> {
        let variable = self.variables.get(name).cloned().unwrap_or_default();
        std::iter::once(variable.items).chain(variable.others).collect()
    }

    /// What was set since, which is forgotten.
    pub(super) fn take(&mut self, mark: usize) -> Way {
        let mut way = Way::default();
        for undo in &self.undo[mark.min(self.undo.len())..] {
            match undo {
                Undo::Variable(name, _) => {
                    way.variables.insert(name.clone(), self.variables.get(name).cloned());
                }
                Undo::Function(name, _) => {
                    way.functions.insert(name.clone(), self.functions.get(name).cloned());
                }
            }
        }
        self.back_to(mark);
        way
    }

    /// Goes on with what each of some ways may have set; `or_none`: as well as with what holds now.
    pub(super) fn join(&mut self, ways: &[Way], or_none: bool) {
        let names: BTreeSet<&String> = ways.iter().flat_map(|way| way.variables.keys()).collect();
        for name in names {
            let now = self.variables.get(name.as_str());
            let of_way = |way: &Way| way.variables.get(name).map_or_else(|| now.cloned(), Clone::clone);
            // The last comes first: it is what a script most often goes on with.
            let all = ways.iter().rev().filter_map(of_way).chain(now.filter(|_| or_none).cloned());
            let joined = all.reduce(Variable::or);
            self.put(name, joined);
        }
        let names: BTreeSet<&String> = ways.iter().flat_map(|way| way.functions.keys()).collect();
        for name in names {
            let now = self.functions.get(name.as_str());
            let of_way = |way: &Way| way.functions.get(name).map_or_else(|| now.cloned(), Clone::clone);
            let all = ways.iter().rev().filter_map(of_way).chain(now.filter(|_| or_none).cloned());
            let joined = all.reduce(both);
            self.define(name, joined);
        }
    }

    /// Goes on with what held at each of some marks, in their order, as well as with what holds now.
    pub(super) fn or_as_at(&mut self, marks: &[usize]) {
        let Some(first) = marks.first() else { return };
        let mut held: BTreeMap<String, Vec<Variable>> = BTreeMap::new();
        let mut bodies: BTreeMap<String, Vec<Arc<Script>>> = BTreeMap::new();
        let mut seen: BTreeSet<(bool, &str)> = BTreeSet::new();
        for (at, undo) in self.undo.iter().enumerate().skip(*first) {
            if marks.contains(&at) {
                seen.clear();
            }
            match undo {
                Undo::Variable(name, old) if seen.insert((true, name)) => {
                    held.entry(name.clone()).or_default().extend(old.clone());
                }
                Undo::Function(name, old) if seen.insert((false, name)) => {
                    bodies.entry(name.clone()).or_default().extend(old.clone());
                }
                _ => {}
            }
        }
        for (name, held) in held {
            let now = self.variables.get(&name).cloned();
            let joined = now.clone().into_iter().chain(held).reduce(Variable::or);
            if joined != now {
                self.put(&name, joined);
            }
        }
        for (name, bodies) in bodies {
            let joined = self.functions.get(&name).cloned().into_iter().chain(bodies).reduce(both);
            self.define(&name, joined);
        }
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

/// A body for two that a function may have.
fn both(first: Arc<Script>, second: Arc<Script>) -> Arc<Script> {
    if Arc::ptr_eq(&first, &second) || first.pipelines.len() + second.pipelines.len() > MAX_BODIES {
        return first;
    }
    let pipelines: Vec<Pipeline> = first.pipelines.iter().chain(&second.pipelines).cloned().collect();
    Arc::new(Script { pipelines, odd: first.odd.or(second.odd) })
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
            "0" | "BASH_SOURCE" => "./scripts/bash",
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
        || ["SECRET_", "SECRETS", "CREDENTIAL", "PASSPHRASE", "PRIVATE_KEY", "CREDS"]
            .iter()
            .any(|part| upper.contains(part))
}
