//! Which OpenClaw is installed, and what of our plugin's needs it understands.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::base::env::Env;
use crate::config::host::HostFile;

/// Bytes of a `package.json` that are read.
const MAX_PACKAGE_BYTES: u64 = 1 << 20;
/// Folders above the program that are searched for its package.
const MAX_CLIMB: usize = 4;

/// A version as OpenClaw numbers them: year, month, release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(pub(super) u32, pub(super) u32, pub(super) u32);

impl Version {
    /// The oldest that the plugin works in.
    pub(super) const OLDEST: Self = Self(2026, 3, 24);
    /// From here on `hooks.allowConversationAccess` is known in part: some releases ask for it and refuse it as well.
    pub(super) const ACCESS_BEGINS: Self = Self(2026, 4, 24);
    /// From here on it is both accepted and needed.
    pub(super) const ACCESS_SETTLED: Self = Self(2026, 5, 7);

    /// Reads `2026.9.6`; what follows a `-` says nothing here.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().trim_start_matches('v').split('-').next()?.split('.');
        let mut next = || parts.next()?.parse().ok();
        let version = Self(next()?, next()?, next()?);
        parts.next().is_none().then_some(version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// An installed host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Host {
    /// Its version.
    pub(super) version: Version,
    /// How it is known.
    pub(super) known_by: String,
}

/// What the host does with `plugins.entries.<id>.hooks.allowConversationAccess`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Refuses its whole configuration for it.
    Refused,
    /// One or the other, by release.
    Unclear,
    /// Needs it for the hooks that see messages before the model.
    Needed,
}

impl Host {
    /// The host whose program is on the PATH; else the one that wrote the configuration last.
    pub(super) fn find(env: &Env, file: Option<&HostFile>) -> Option<Self> {
        let on_path = std::env::split_paths(env.get("PATH")?)
            .find_map(|folder| Self::of_program(&folder.join("openclaw")));
        on_path.or_else(|| {
            let text = file?.root().at(&["meta", "lastTouchedVersion"])?.text()?;
            Some(Self {
                version: Version::parse(text)?,
                known_by: "it wrote the configuration last".to_owned(),
            })
        })
    }

    /// Of a version that was named.
    pub(super) fn named(version: Version) -> Self {
        Self { version, known_by: "--host-version".to_owned() }
    }

    pub(super) fn access(&self) -> Access {
        match self.version {
            version if version < Version::ACCESS_BEGINS => Access::Refused,
            version if version < Version::ACCESS_SETTLED => Access::Unclear,
            _ => Access::Needed,
        }
    }

    fn of_program(program: &Path) -> Option<Self> {
        let program = program.canonicalize().ok()?;
        program.ancestors().skip(1).take(MAX_CLIMB).find_map(|folder| {
            let package = read_json(&folder.join("package.json"))?;
            if package["name"] != "openclaw" {
                return None;
            }
            let version = Version::parse(package["version"].as_str()?)?;
            Some(Self { version, known_by: folder.display().to_string() })
        })
    }
}

/// A small JSON file; `None` when there is none, or it is something else.
pub(super) fn read_json(path: &Path) -> Option<Value> {
    let is_small = path.metadata().is_ok_and(|meta| meta.is_file() && meta.len() <= MAX_PACKAGE_BYTES);
    if !is_small {
        return None;
    }
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// The folders in which the host may find our plugin: those that the configuration names, and where it installs to.
pub(super) fn plugin_folders(file: Option<&HostFile>, state: &Path, id: &str) -> Vec<PathBuf> {
    let named = file.and_then(|file| file.root().at(&["plugins", "load", "paths"]));
    let named = named.into_iter().flat_map(|paths| paths.elements()).filter_map(|path| path.text());
    named.map(PathBuf::from).chain([state.join("extensions").join(id)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared_by_their_numbers() {
        assert_eq!(Version::parse("2026.9.6"), Some(Version(2026, 9, 6)));
        assert_eq!(Version::parse("v2026.3.28-2"), Some(Version(2026, 3, 28)));
        for bad in ["", "2026", "2026.9", "2026.9.6.1", "latest"] {
            assert_eq!(Version::parse(bad), None, "{bad}");
        }
        for (version, access) in [
            ("2026.3.28", Access::Refused),
            ("2026.4.23", Access::Refused),
            ("2026.4.24", Access::Unclear),
            ("2026.5.6", Access::Unclear),
            ("2026.5.7", Access::Needed),
            ("2026.10.1", Access::Needed),
        ] {
            assert_eq!(Host::named(Version::parse(version).unwrap()).access(), access, "{version}");
        }
    }

    #[test]
    fn the_host_on_the_path_goes_before_the_one_that_wrote_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let package = folder.path().join("lib/node_modules/openclaw");
        let bin = folder.path().join("bin");
        std::fs::create_dir_all(&package).unwrap();
        std::fs::create_dir_all(&bin).unwrap();
        std::fs::write(package.join("openclaw.mjs"), "").unwrap();
        std::fs::write(package.join("package.json"), r#"{"name":"openclaw","version":"2026.9.6"}"#).unwrap();
        let file = r#"{"meta":{"lastTouchedVersion":"2026.3.28"}}"#;
        let file = HostFile::of(crate::config::node::parse(file).unwrap(), &Env::default());
        let path = bin.to_str().unwrap();
        let env: Env = [("PATH", path)].into_iter().collect();
        assert_eq!(Host::find(&env, Some(&file)).unwrap().version, Version(2026, 3, 28));
        std::os::unix::fs::symlink(package.join("openclaw.mjs"), bin.join("openclaw")).unwrap();
        assert_eq!(Host::find(&env, Some(&file)).unwrap().version, Version(2026, 9, 6));
        std::fs::remove_file(bin.join("openclaw")).unwrap();
        assert_eq!(Host::find(&env, None), None);
    }
}
