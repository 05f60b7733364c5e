//! The host's configuration file as a whole: its tree, its variables, its secret providers.
//!
//! Texts in the tree are as they were written; secrets are had through a [`Resolver`].

use std::path::{Path, PathBuf};

use super::feishu::Channel;
use super::include;
use super::node::Node;
use super::paths::Paths;
use super::secretref::machine::Access;
use super::secretref::{Providers, Resolver};
use crate::base::env::Env;
use crate::base::error::{Code, Result};

/// A file of the host that was read.
#[derive(Clone, Debug)]
pub struct HostFile {
    root: Node,
    env: Env,
    providers: Providers,
    path: PathBuf,
}

impl HostFile {
    /// Reads the host's file with all that it includes; `None` when there is none.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] with the place of a syntax error; [`Code::NotFound`] when `given` does not exist.
    pub fn read(paths: &Paths, given: Option<&Path>, env: &Env) -> Result<Option<Self>> {
        let path = given.unwrap_or(&paths.config_file);
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        match include::read(&path) {
            Err(error) if error.code() == Code::NotFound && given.is_none() => Ok(None),
            root => Ok(Some(Self { path, ..Self::of(root?, env) })),
        }
    }

    /// The same from a tree.
    #[must_use]
    pub fn of(root: Node, env: &Env) -> Self {
        let env = env.clone().or(variables(&root));
        let providers = root.get("secrets").map(|secrets| Providers::of(secrets, &env)).unwrap_or_default();
        Self { root, env, providers, path: PathBuf::new() }
    }

    /// The tree.
    #[must_use]
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The environment, with the variables that the file adds (`env.vars`).
    #[must_use]
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// The secret providers.
    #[must_use]
    pub fn providers(&self) -> &Providers {
        &self.providers
    }

    /// Something to resolve many references with; it asks each provider once.
    #[must_use]
    pub fn resolver<'a>(&'a self, access: &'a dyn Access) -> Resolver<'a> {
        Resolver::new(&self.providers, &self.env, access)
    }

    /// The Feishu channel; without any setting when there is none.
    #[must_use]
    pub fn feishu(&self) -> Channel {
        let channel = self.root.at(&["channels", "feishu"]);
        channel.map(|node| Channel::of(node, self.providers.clone())).unwrap_or_default()
    }
}

/// The variables that the host's file adds to the environment: `env.vars.*` and the texts beside it. The host leaves
/// out values with references in them.
fn variables(node: &Node) -> Vec<(String, String)> {
    let Some(env) = node.get("env") else { return Vec::new() };
    let inner = env.get("vars").map(Node::entries).unwrap_or_default();
    let outer = env.entries().iter().filter(|(name, _)| !matches!(name.as_str(), "vars" | "shellEnv"));
    let portable = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let variable = |(name, value): &(String, Node)| {
        let (name, value) = (name.trim(), value.text()?);
        let is_kept = portable(name) && !value.trim().is_empty() && !value.contains("${");
        is_kept.then(|| (name.to_owned(), value.to_owned()))
    };
    outer.chain(inner).filter_map(variable).collect()
}
