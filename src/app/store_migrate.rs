//! `agent-identity store migrate`: copies logins and bindings from the files of the data folder to a shared engine, or
//! back, with no server running.
//!
//! What has been written is read again, from a place that was opened anew, and compared before anything is said.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::keeping::{self, Lasting};
use crate::base::entropy::{Entropy, OsEntropy};
use crate::base::env::Env;
use crate::base::error::{Code, Error, Result};
use crate::base::secret::Secret;
use crate::base::time::{Clock, SystemClock};
use crate::config::load::{self, Loaded};
use crate::credential::binding::BindingsFile;
use crate::records::moving::{Compared, Copied, Plan, compare, copy};
use crate::records::{Record, Records};
use crate::session::keyring::GENERATED_FILE;
use crate::session::model::Session;
use crate::session::store::{Store, StoreOptions};
use crate::shared::location::{self, Location};
use crate::surface::cli::args::Migration;
use crate::surface::cli::commands::{Context, paths};
use crate::surface::cli::exit;

/// After how many records somebody at a terminal is told.
const TELL_EVERY: u64 = 1000;

/// Copies, compares, and says what came of it.
///
/// # Errors
/// When a place cannot be opened, read or written, or something else works with it meanwhile.
pub(super) fn run(context: &Context<'_>, migration: &Migration) -> Result<u8> {
    let (paths, _) = paths(context.options, context.env)?;
    let loaded = load::load(&paths, context.options.config.as_deref(), context.env)?;
    let mover = Mover {
        loaded: &loaded,
        data_dir: &paths.data_dir,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
    };
    let (from, to) = (mover.place("--from", &migration.from)?, mover.place("--to", &migration.to)?);
    if from.is_same(&to) {
        let message = format!("--from and --to are the same place: {}", from.shown(&paths.data_dir));
        return Err(Error::new(Code::InvalidRequest, message)
            .with_hint("one of them is file, the other the address of an engine"));
    }

    let plan = Plan { overwrite: migration.overwrite, dry_run: migration.dry_run };
    let source = mover.open(&from, Side::From)?;
    let seen = Tally::new(context, "looked at");
    let clock = &*mover.clock;
    let copied = {
        let target = mover.open(&to, Side::To)?;
        Pair {
            sessions: copy(&*source.sessions, &*target.sessions, plan, is_newer, clock, &|| seen.one())?,
            bindings: copy(&*source.bindings, &*target.bindings, plan, |_, _| false, clock, &|| seen.one())?,
        }
    };
    let mut compared = 0;
    if !plan.dry_run {
        let seen = Tally::new(context, "compared");
        let target = mover.open(&to, Side::To)?;
        compared =
            arrived(compare(&*source.sessions, &*target.sessions, clock, &|| seen.one())?, copied.sessions)?
                + arrived(
                    compare(&*source.bindings, &*target.bindings, clock, &|| seen.one())?,
                    copied.bindings,
                )?;
    }

    let left = copied.sessions.left + copied.bindings.left;
    let result = json!({
        "ok": left == 0,
        "dryRun": plan.dry_run,
        "from": from.shown(&paths.data_dir),
        "to": to.shown(&paths.data_dir),
        "sessions": counts(copied.sessions),
        "bindings": counts(copied.bindings),
        "compared": compared,
    });
    context.print(&result, text);
    Ok(if left == 0 { exit::OK } else { exit::FAILED })
}

/// Of both families.
struct Pair {
    sessions: Copied,
    bindings: Copied,
}

/// One end of the way.
enum Place {
    Files,
    Engine(Box<Location>, Option<Secret>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    From,
    To,
}

impl Place {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Files, Self::Files) => true,
            (Self::Engine(one, _), Self::Engine(other, _)) => {
                (&one.servers, one.database, &one.prefix) == (&other.servers, other.database, &other.prefix)
            }
            _ => false,
        }
    }

    fn shown(&self, data_dir: &Path) -> String {
        match self {
            Self::Files => data_dir.display().to_string(),
            Self::Engine(location, _) => location.to_string(),
        }
    }
}

struct Mover<'a> {
    loaded: &'a Loaded,
    data_dir: &'a Path,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Mover<'_> {
    /// Reads what the command line says. An address has its own password, or that of the configuration.
    fn place(&self, option: &str, text: &Secret) -> Result<Place> {
        let configured = keeping::place(self.loaded)?;
        let store = match text.expose().trim() {
            "config" => configured,
            text => location::Store::parse(text).map_err(|error| {
                let message = error.message().replacen("identity.store", option, 1);
                Error::new(error.code(), message).with_hint(error.hint().unwrap_or_default())
            })?,
        };
        let configured = self.loaded.config.identity.store_password.as_ref();
        Ok(match store {
            location::Store::File => Place::Files,
            location::Store::Shared(location) if text.expose().trim() == "config" => {
                Place::Engine(location.into(), configured.cloned())
            }
            location::Store::Shared(location) => {
                let password = location.password.as_ref().or(configured).cloned();
                Place::Engine(location.into(), password)
            }
        })
    }

    fn open(&self, place: &Place, side: Side) -> Result<Lasting> {
        match place {
            Place::Files => self.files(side),
            Place::Engine(location, password) => {
                let env = &self.loaded.env;
                keeping::lasting(env, Location::clone(location), password.clone(), &self.clock, &self.entropy)
            }
        }
    }

    fn files(&self, side: Side) -> Result<Lasting> {
        let sessions = match (self.sessions(&self.loaded.env), side) {
            // An engine needs a named key. Files that were sealed before there was one have the generated key.
            (Err(error), Side::From)
                if error.code() == Code::StoreUnreadable && self.data_dir.join(GENERATED_FILE).exists() =>
            {
                self.sessions(&Env::default()).map_err(|_| error)?
            }
            (sessions, _) => sessions?,
        };
        let bindings = BindingsFile::open(self.data_dir, self.clock.clone());
        usable(&bindings)?;
        Ok(Lasting { sessions: Arc::new(sessions), bindings: Arc::new(bindings) })
    }

    fn sessions(&self, env: &Env) -> Result<Store> {
        let store = Store::open(StoreOptions {
            dir: self.data_dir.to_owned(),
            env: env.clone(),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
        })?;
        usable(&store)?;
        Ok(store)
    }
}

/// What is kept in memory only is nothing to copy from, or to.
fn usable<T: Record>(records: &dyn Records<T>) -> Result<()> {
    records.health().problem().map_or(Ok(()), |error| Err(error.clone()))
}

fn is_newer(there: &Session, here: &Session) -> bool {
    (there.login_at, there.expires_at) > (here.login_at, here.expires_at)
}

/// How many records were found as they should be.
fn arrived(compared: Compared, copied: Copied) -> Result<u64> {
    let wrong = compared.missing + compared.different.saturating_sub(copied.left);
    match wrong {
        0 => Ok(compared.same),
        _ => Err(Error::new(Code::Busy, format!("{wrong} records have changed while they were copied"))
            .with_hint("stop every server that works with either place, and run it again")),
    }
}

fn counts(copied: Copied) -> Value {
    json!({
        "copied": copied.added,
        "same": copied.same,
        "replaced": copied.replaced,
        "left": copied.left,
        "newer": copied.newer,
    })
}

fn text(result: &Value) -> String {
    let dry = result["dryRun"] == true;
    let (verb, place) =
        (if dry { "to copy" } else { "copied" }, |name: &str| result[name].as_str().unwrap_or_default());
    let mut lines = vec![format!("from {} to {}", place("from"), place("to"))];
    let (mut left, mut newer) = (0, 0);
    for family in ["sessions", "bindings"] {
        let count = |name: &str| result[family][name].as_u64().unwrap_or_default();
        let mut line = format!("{family}: {} {verb}, {} there already", count("copied"), count("same"));
        if count("replaced") > 0 {
            line += &format!(", {} {}", count("replaced"), if dry { "to replace" } else { "replaced" });
        }
        lines.push(line);
        left += count("left");
        newer += count("newer");
    }
    if left > 0 {
        lines.push(format!(
            "{left} are different there and were left alone, {newer} of them newer; --overwrite replaces them"
        ));
    }
    if !dry {
        lines.push(format!("{} were read back and are the same", result["compared"]));
    }
    lines.join("\n")
}

/// Tells somebody at a terminal how far it is.
struct Tally<'a> {
    context: &'a Context<'a>,
    what: &'static str,
    count: AtomicU64,
}

impl<'a> Tally<'a> {
    fn new(context: &'a Context<'a>, what: &'static str) -> Self {
        Self { context, what, count: AtomicU64::new(0) }
    }

    fn one(&self) {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        if count.is_multiple_of(TELL_EVERY) {
            self.context.output.progress(&format!("{} {count} records", self.what));
        }
    }
}
