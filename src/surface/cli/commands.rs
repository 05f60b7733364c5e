//! Commands that ask the running server, or need none.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command as Process, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::base::env::Env;
use crate::base::error::{Code, Error, Result};
use crate::base::time::Clock;
use crate::config::load;
use crate::config::paths::Paths;
use crate::credential::inject::HANDLE_VARIABLE;
use crate::peer::policy::Policy;
use crate::session::key::SessionKey;

use super::args::{Command, Options};
use super::output::Output;
use super::remote::{Failure, Remote};
use super::{authz, exec, exit, render, risk, secrets, tools};

/// How often `login` asks whether the person has confirmed.
const LOGIN_POLL: Duration = Duration::from_millis(500);

/// What commands work with.
#[derive(Debug)]
pub struct Context<'a> {
    /// The environment.
    pub env: &'a Env,
    /// For waiting.
    pub clock: &'a dyn Clock,
    /// The common options.
    pub options: &'a Options,
    /// Standard output and standard error.
    pub output: Output,
}

/// Runs a command and returns the exit code. `Serve`, `Doctor`, `KeyRotate`,
/// `SecretsProvider` and `StoreMigrate` are the application's own.
#[must_use]
pub fn run(command: &Command, context: &Context<'_>) -> u8 {
    let outcome = match command {
        Command::Help(text) => {
            context.output.text(text);
            Ok(exit::OK)
        }
        Command::Version => {
            let version = env!("CARGO_PKG_VERSION");
            context.print(&json!({ "version": version }), |_| format!("agent-identity {version}"));
            Ok(exit::OK)
        }
        Command::ConfigCheck => context.config_check(),
        Command::ConfigShow => context.config_show(),
        Command::Login { session, open, wait, timeout } => {
            context.login(session.as_ref(), *open, *wait, *timeout)
        }
        Command::Logout { session } => context.logout(session.as_ref()),
        Command::Whoami { session } => context.whoami(session.as_ref()),
        Command::Status => context.status(),
        Command::Token { session, decode } => context.token(session.as_ref(), *decode),
        Command::Exec { session, program } => exec::run(context, program, session.as_ref()),
        Command::Risk { command: Some(command) } => Ok(risk::one(context, command)),
        Command::Risk { command: None } => risk::batch(context),
        Command::AuthzExplain { about, session } => authz::explain(context, about, session.as_ref()),
        Command::Tools => tools::list(context),
        Command::Call { tool, params, session } => {
            tools::call(context, tool, params.as_deref(), session.as_ref())
        }
        Command::Chat { line, session, lang } => {
            tools::chat(context, line, session.as_ref(), lang.as_deref())
        }
        Command::SecretsAudit(what) => secrets::audit::run(context, what),
        Command::SecretsSetup { alias } => secrets::setup::run(context, alias.as_deref()),
        Command::Serve { .. }
        | Command::Bridge
        | Command::Doctor
        | Command::KeyRotate
        | Command::OpenclawDoctor { .. }
        | Command::OpenclawSetup { .. }
        | Command::SecretsProvider
        | Command::StoreMigrate(_) => Ok(exit::USAGE),
    };
    outcome.unwrap_or_else(|failure| context.fail(&failure))
}

/// The paths that options and environment give.
///
/// # Errors
/// `ConfigMissing` without a home folder.
pub fn paths(options: &Options, env: &Env) -> Result<(Paths, PathBuf)> {
    let paths = Paths::of_machine(env)?;
    let socket = options.socket.clone().unwrap_or_else(|| paths.socket.clone());
    Ok((paths, socket))
}

impl Context<'_> {
    /// Prints a failure and returns its exit code.
    #[must_use]
    pub fn fail(&self, failure: &Failure) -> u8 {
        if self.options.json {
            self.output.text(&failure.to_string());
        }
        self.output.error(&render::error(failure));
        exit::of(failure["error"]["code"].as_str().unwrap_or_default())
    }

    /// Prints an outcome, as JSON when that was asked for.
    pub fn print(&self, outcome: &Value, text: impl FnOnce(&Value) -> String) {
        self.output.text(&if self.options.json { outcome.to_string() } else { text(outcome) });
    }

    /// The running server.
    ///
    /// # Errors
    /// The error object, without a home folder.
    pub(super) fn remote(&self) -> Result<Remote, Failure> {
        let (_, socket) = paths(self.options, self.env).map_err(failure)?;
        Ok(Remote::at(&socket).in_call(self.env.get(HANDLE_VARIABLE)))
    }

    fn login(
        &self,
        session: Option<&SessionKey>,
        open: bool,
        wait: bool,
        timeout: Duration,
    ) -> Result<u8, Failure> {
        let remote = self.remote()?;
        let login_of = |seen: &Value| (seen["sessionKey"].clone(), seen["sessionLoginAt"].clone());
        // A login that is there and cannot be renewed must not count as the one that is waited for.
        let before = remote.call("identity_whoami", session).ok().as_ref().map(login_of);
        let started = remote.call("identity_login", session)?;
        let Some(link) = started["authUrl"].as_str() else {
            self.print(&started, render::message);
            return Ok(exit::OK);
        };
        // With --json: one object with the link now, one with the person when somebody has logged in.
        self.print(&started, |_| link.to_owned());
        if open {
            self.open(link);
        }
        if !wait {
            return Ok(exit::OK);
        }
        self.output.progress("waiting until you have logged in and confirmed in the browser");
        let end = self.clock.monotonic() + timeout;
        while self.clock.monotonic() < end {
            self.clock.sleep(LOGIN_POLL);
            let seen = match remote.call("identity_whoami", session) {
                // Others are logged in, and nobody to this session yet.
                Err(failure) if failure["error"]["code"] == Code::SessionAmbiguous.as_str() => continue,
                seen => seen?,
            };
            // Without a login of its own the main session may stand for a sender's.
            let is_own = seen["sessionKey"] == started["sessionKey"];
            if seen["loggedIn"] == true && is_own && Some(login_of(&seen)) != before {
                let person = seen["sub"].as_str().unwrap_or_default();
                self.print(&seen, |_| format!("logged in as {person}"));
                return Ok(exit::OK);
            }
        }
        let late = Error::new(Code::NotLoggedIn, "nobody has confirmed the login in time")
            .with_hint("ask for a new link with: agent-identity login");
        Err(failure(late))
    }

    /// Opens a link in the person's browser; when that fails, the printed link is still there.
    fn open(&self, link: &str) {
        let browser = self.env.get("BROWSER").unwrap_or("xdg-open");
        let null = Stdio::null;
        let started =
            Process::new(OsStr::new(browser)).arg(link).stdin(null()).stdout(null()).stderr(null()).spawn();
        if let Err(error) = started {
            self.output.error(&format!("could not start {browser}: {error}; open the link yourself"));
        }
    }

    fn logout(&self, session: Option<&SessionKey>) -> Result<u8, Failure> {
        let outcome = self.remote()?.call("identity_logout", session)?;
        self.print(&outcome, render::message);
        Ok(exit::OK)
    }

    fn whoami(&self, session: Option<&SessionKey>) -> Result<u8, Failure> {
        let outcome = self.remote()?.call("identity_whoami", session)?;
        self.print(&outcome, render::whoami);
        Ok(if outcome["loggedIn"] == true { exit::OK } else { exit::NOT_LOGGED_IN })
    }

    fn status(&self) -> Result<u8, Failure> {
        let outcome = self.remote()?.get("/status", None)?;
        self.print(&outcome, render::status);
        Ok(exit::OK)
    }

    fn token(&self, session: Option<&SessionKey>, decode: bool) -> Result<u8, Failure> {
        let outcome = self.remote()?.get("/token", session)?;
        let raw = |outcome: &Value| outcome["token"].as_str().unwrap_or_default().to_owned();
        if decode {
            self.print(&without_token(&outcome), render::token)
        } else {
            self.print(&outcome, raw)
        }
        Ok(exit::OK)
    }

    fn config_check(&self) -> Result<u8, Failure> {
        let (paths, _) = paths(self.options, self.env).map_err(failure)?;
        let check = load::check_also(&paths, self.options.config.as_deref(), self.env, |config| {
            let identity = &config.identity;
            Policy::new(&identity.local_server_allowlist, identity.local_server_fail_open).map(drop)
        });
        if check.is_ok() || self.options.json {
            self.print(&check.to_json(), |_| check.to_text());
        } else {
            self.output.error(&check.to_text());
        }
        Ok(if check.is_ok() { exit::OK } else { exit::CONFIG })
    }

    fn config_show(&self) -> Result<u8, Failure> {
        let (paths, _) = paths(self.options, self.env).map_err(failure)?;
        let loaded = load::load(&paths, self.options.config.as_deref(), self.env).map_err(failure)?;
        let pretty = |view: &Value| serde_json::to_string_pretty(view).unwrap_or_default();
        self.print(&loaded.view(), pretty);
        Ok(exit::OK)
    }
}

fn without_token(outcome: &Value) -> Value {
    let mut shown = outcome.clone();
    if let Some(fields) = shown.as_object_mut() {
        fields.remove("token");
    }
    shown
}

pub(super) fn failure(error: Error) -> Failure {
    error.to_json()
}
