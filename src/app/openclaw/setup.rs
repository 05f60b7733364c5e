//! `openclaw setup`: prints the entries that the host's configuration lacks; with `--write` writes them, after a backup.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::base::error::{Code, Error, Result};
use crate::config::host::HostFile;
use crate::config::{edit, node};
use crate::surface::cli::commands::Context;

use super::host::{Access, Host, Version};
use super::plan::{self, Entry};
use super::{find, no_host};

/// Names that a backup may have before the oldest trouble is told instead.
const MAX_BACKUPS: usize = 100;

/// Prints or writes.
///
/// # Errors
/// When the host's version is not known, its file cannot be read, or cannot be written as it should.
pub(in super::super) fn run(context: &Context<'_>, version: Option<&str>, write: bool) -> Result<()> {
    let found = find(context, version)?;
    let host = found.host.ok_or_else(no_host)?;
    let empty = node::Node::Object(Vec::new());
    let root = found.file.as_ref().map_or(&empty, HostFile::root);
    let entries = plan::lacking(&host, root);
    let file = found.file.as_ref().map_or(&*found.paths.config_file, HostFile::path);
    let backup = match write && !entries.is_empty() {
        true => Some(write_to(file, &entries)?),
        false => None,
    };
    let outcome = json!({
        "host": host.version.to_string(),
        "file": file,
        "lacking": entries.iter().map(Entry::to_json).collect::<Vec<_>>(),
        "written": backup.is_some(),
        "backup": backup.flatten(),
    });
    context.print(&outcome, |outcome| shown(outcome, &host, &entries));
    Ok(())
}

fn shown(outcome: &Value, host: &Host, entries: &[Entry]) -> String {
    let file = outcome["file"].as_str().unwrap_or_default();
    let mut text = format!("OpenClaw {} ({})\n", host.version, host.known_by);
    if host.version < Version::OLDEST {
        text += &format!("older than {}: the plugin does not work in it\n", Version::OLDEST);
    }
    if host.access() == Access::Unclear {
        text += "this version's treatment of hooks.allowConversationAccess is not settled, so it is left alone; \
                 2026.5.7 and later are clear\n";
    }
    let written = outcome["written"] == true;
    text += &match (entries.is_empty(), written) {
        (true, _) => format!("{file} has all that the plugin needs\n"),
        (false, true) => format!("written to {file}:\n"),
        (false, false) => format!("{file} lacks:\n"),
    };
    for entry in entries {
        text += &format!("  {}\n    {}\n", entry.line(), entry.why);
    }
    match outcome["backup"].as_str() {
        Some(backup) => text += &format!("the file as it was: {backup}\nrestart the gateway\n"),
        None if written => text += "restart the gateway\n",
        None if !entries.is_empty() => text += "write them with: agent-identity openclaw setup --write\n",
        None => {}
    }
    text
}

/// Writes the entries into the file itself, and says where the file as it was is kept; there is none of a new file.
fn write_to(file: &Path, entries: &[Entry]) -> Result<Option<PathBuf>> {
    // A link is followed, so that the file it leads to changes and not the link.
    let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let failed = |what: &str, error: &std::io::Error| {
        Error::new(Code::StoreUnwritable, format!("{}: {what}: {error}", file.display()))
            .with_hint("nothing was changed; add the printed entries by hand")
    };
    let (text, mode) = match fs::read_to_string(&file) {
        Ok(text) => {
            let mode = fs::metadata(&file)
                .map_err(|error| failed("cannot be looked at", &error))?
                .permissions()
                .mode();
            (Some(text), mode & 0o777)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => (None, 0o600),
        Err(error) => return Err(failed("cannot be read", &error)),
    };
    let changes: Vec<_> = entries.iter().map(|entry| entry.change.clone()).collect();
    let edited = edit::apply(text.as_deref().unwrap_or("{}\n"), &changes).ok_or_else(|| {
        Error::new(
            Code::ConfigInvalid,
            format!("{}: the entries have no place in the file itself", file.display()),
        )
        .with_hint("it may include other files; add the printed entries by hand")
    })?;
    let backup = match &text {
        Some(text) => {
            Some(put_new(&file, mode, text).map_err(|error| failed("cannot be backed up", &error))?)
        }
        None => None,
    };
    replace(&file, mode, &edited).map_err(|error| failed("cannot be written", &error))?;
    Ok(backup)
}

/// Writes a copy beside the file, under the first name that is free.
fn put_new(file: &Path, mode: u32, text: &str) -> std::io::Result<PathBuf> {
    let beside = |ending: &str| {
        let mut name = file.file_name().unwrap_or_default().to_owned();
        name.push(ending);
        file.with_file_name(name)
    };
    for number in 1..=MAX_BACKUPS {
        let copy = beside(&format!(".agent-identity-{number}.bak"));
        match create(&copy, mode, text) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            outcome => return outcome.map(|()| copy),
        }
    }
    Err(std::io::Error::other("there are too many backups beside it already"))
}

fn replace(file: &Path, mode: u32, text: &str) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or_else(|| Path::new("/"));
    let temporary = folder.join(format!(".openclaw-setup-{}", std::process::id()));
    let written = create(&temporary, mode, text).and_then(|()| fs::rename(&temporary, file));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written?;
    fs::File::open(folder)?.sync_all()
}

fn create(path: &Path, mode: u32, text: &str) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
