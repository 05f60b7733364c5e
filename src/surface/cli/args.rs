//! The command line as values. Pure.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use lexopt::prelude::*;

use crate::base::log::Level;
use crate::base::secret::Secret;
use crate::session::key::SessionKey;

use super::help;

/// What to do, and the options that every command takes.
#[derive(Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The command.
    pub command: Command,
    /// The common options.
    pub options: Options,
}

/// Options that every command takes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `--config FILE`
    pub config: Option<PathBuf>,
    /// `--socket PATH`
    pub socket: Option<PathBuf>,
    /// `--json`
    pub json: bool,
    /// `--log LEVEL`
    pub log: Option<Level>,
}

/// The commands.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// Runs the server.
    Serve {
        /// `--callback-listen ADDR`
        callback_listen: Option<String>,
    },
    /// Serves the host's plugin on standard input and output.
    Bridge,
    /// Prints or writes what the host's configuration lacks for the plugin.
    OpenclawSetup {
        /// `--host-version V`
        host_version: Option<String>,
        /// `--write`
        write: bool,
    },
    /// Finds out whether the plugin can work in the host.
    OpenclawDoctor {
        /// `--host-version V`
        host_version: Option<String>,
    },
    /// Logs a person in.
    Login {
        /// `--session KEY`
        session: Option<SessionKey>,
        /// `--open`
        open: bool,
        /// `--no-wait`
        wait: bool,
        /// `--timeout SECONDS`
        timeout: Duration,
    },
    /// Logs a person out.
    Logout {
        /// `--session KEY`
        session: Option<SessionKey>,
    },
    /// Shows who is logged in.
    Whoami {
        /// `--session KEY`
        session: Option<SessionKey>,
    },
    /// Shows the state of the server.
    Status,
    /// Prints the workload token.
    Token {
        /// `--session KEY`
        session: Option<SessionKey>,
        /// `--decode`
        decode: bool,
    },
    /// Lists the tools.
    Tools,
    /// Calls a tool.
    Call {
        /// Its name.
        tool: String,
        /// Its parameters as JSON, or `-` for standard input.
        params: Option<String>,
        /// `--session KEY`
        session: Option<SessionKey>,
    },
    /// Carries out a line as typed into a chat.
    Chat {
        /// The line.
        line: String,
        /// `--session KEY`
        session: Option<SessionKey>,
        /// `--lang TAG`; without it, the locale's.
        lang: Option<String>,
    },
    /// Checks the configuration file.
    ConfigCheck,
    /// Shows the effective configuration without its secrets.
    ConfigShow,
    /// Finds out why something does not work.
    Doctor,
    /// Runs a program with a session's bound credentials.
    Exec {
        /// `--session KEY`
        session: Option<SessionKey>,
        /// The program and its arguments.
        program: Vec<OsString>,
    },
    /// Explains what would be ruled on a call.
    AuthzExplain {
        /// About what.
        about: Question,
        /// `--session KEY`
        session: Option<SessionKey>,
    },
    /// Judges a command, or with `--batch` every line of standard input.
    Risk {
        /// The command; none with `--batch`.
        command: Option<String>,
    },
    /// Answers the host's references to hosted credentials.
    SecretsProvider,
    /// Shows how the host is told of that, and checks it.
    SecretsSetup {
        /// `--alias NAME`
        alias: Option<String>,
    },
    /// Looks through the host's files for secrets in plain text and references without a value.
    SecretsAudit(Audit),
    /// Replaces the key that seals the stored sessions.
    KeyRotate,
    /// Copies logins and bindings to another place.
    StoreMigrate(Migration),
    /// Prints the version.
    Version,
    /// Prints a help text.
    Help(&'static str),
}

/// What `authz explain` is about.
#[derive(Debug, PartialEq, Eq)]
pub enum Question {
    /// The agent.
    Agent,
    /// A skill.
    Skill(String),
    /// A tool call.
    Tool {
        /// The tool.
        name: String,
        /// Its parameters as JSON, or `-` for standard input.
        params: Option<String>,
        /// `--workspace DIR`
        workspace: Option<String>,
    },
}

/// What `secrets audit` is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// The host's configuration and auth profiles, in place of the usual ones.
    pub files: Vec<PathBuf>,
    /// `--check`
    pub check: bool,
    /// `--allow-exec`
    pub allow_exec: bool,
    /// `--fix`
    pub fix: bool,
    /// `--alias NAME`
    pub alias: Option<String>,
}

/// What `store migrate` is told.
#[derive(Clone)]
pub struct Migration {
    /// `--from PLACE`
    pub from: Secret,
    /// `--to PLACE`
    pub to: Secret,
    /// `--overwrite`
    pub overwrite: bool,
    /// `--dry-run`
    pub dry_run: bool,
}

impl PartialEq for Migration {
    fn eq(&self, other: &Self) -> bool {
        let parts = |of: &Self| (of.from.expose().clone(), of.to.expose().clone(), of.overwrite, of.dry_run);
        parts(self) == parts(other)
    }
}

impl Eq for Migration {}

/// Addresses may hold a password.
impl fmt::Debug for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Migration(overwrite: {}, dry_run: {})", self.overwrite, self.dry_run)
    }
}

/// How long `login` waits for the person unless told otherwise: as long as its link lives.
pub const LOGIN_TIMEOUT: Duration = Duration::from_secs(300);

/// Reads the arguments after the program's name.
///
/// # Errors
/// One sentence that says what is wrong and where the help is.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Invocation, String> {
    let mut words = lexopt::Parser::from_args(args);
    let (mut options, mut flags, mut names) = (Options::default(), Flags::default(), Vec::new());
    let mut program = Vec::new();
    while let Some(word) = words.next().map_err(|error| error.to_string())? {
        match word {
            Short('h') | Long("help") => flags.help = true,
            Short('V') | Long("version") => flags.version = true,
            Long("json") => options.json = true,
            Long("config") => options.config = Some(value(&mut words)?.into()),
            Long("socket") => options.socket = Some(value(&mut words)?.into()),
            Long("log") => {
                let text = text(&mut words)?;
                let level = Level::parse(&text);
                options.log =
                    Some(level.ok_or_else(|| {
                        format!("--log {text}: the levels are error, warn, info and debug")
                    })?);
            }
            Long("session") => flags.put("session", text(&mut words)?),
            Long("timeout") => flags.put("timeout", text(&mut words)?),
            Long("lang") => flags.put("lang", text(&mut words)?),
            Long("check") => flags.put("check", String::new()),
            Long("allow-exec") => flags.put("allow-exec", String::new()),
            Long("fix") => flags.put("fix", String::new()),
            Long("host-version") => flags.put("host-version", text(&mut words)?),
            Long("write") => flags.put("write", String::new()),
            Long("from") => flags.put("from", text(&mut words)?),
            Long("to") => flags.put("to", text(&mut words)?),
            Long("overwrite") => flags.put("overwrite", String::new()),
            Long("dry-run") => flags.put("dry-run", String::new()),
            Long("alias") => flags.put("alias", text(&mut words)?),
            Long("callback-listen") => flags.put("callback-listen", text(&mut words)?),
            Long("workspace") => flags.put("workspace", text(&mut words)?),
            Long("open") => flags.put("open", String::new()),
            Long("no-wait") => flags.put("no-wait", String::new()),
            Long("batch") => flags.put("batch", String::new()),
            Long("decode") => flags.put("decode", String::new()),
            Value(name) if names == ["exec"] => {
                // From here on everything is the program's own.
                program.push(name);
                program.extend(words.raw_args().map_err(|error| error.to_string())?);
            }
            Value(name) => names.push(name.string().map_err(|error| error.to_string())?),
            other => return Err(unknown_option(&other.unexpected().to_string())),
        }
    }
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    if flags.version {
        return Ok(Invocation { command: Command::Version, options });
    }
    if flags.help || names.is_empty() || names[0] == "help" {
        let topic = names.iter().find(|name| **name != "help").copied();
        let text = topic
            .map_or(Some(help::OVERVIEW), help::of)
            .ok_or_else(|| unknown_command(topic.unwrap_or_default()))?;
        return Ok(Invocation { command: Command::Help(text), options });
    }
    let command = match names.as_slice() {
        ["serve"] => Command::Serve { callback_listen: flags.take("callback-listen") },
        ["login"] => Command::Login {
            session: flags.session()?,
            open: flags.take("open").is_some(),
            wait: flags.take("no-wait").is_none(),
            timeout: flags.timeout()?,
        },
        ["bridge"] => Command::Bridge,
        ["logout"] => Command::Logout { session: flags.session()? },
        ["whoami"] => Command::Whoami { session: flags.session()? },
        ["status"] => Command::Status,
        ["token"] => Command::Token { session: flags.session()?, decode: flags.take("decode").is_some() },
        ["doctor"] => Command::Doctor,
        ["exec"] => Command::Exec { session: flags.session()?, program },
        ["tools"] => Command::Tools,
        ["call", tool, params @ ..] if params.len() < 2 => Command::Call {
            tool: (*tool).to_owned(),
            params: params.first().map(|text| (*text).to_owned()),
            session: flags.session()?,
        },
        ["id", line] => {
            Command::Chat { line: (*line).to_owned(), session: flags.session()?, lang: flags.take("lang") }
        }
        ["risk"] if flags.take("batch").is_some() => Command::Risk { command: None },
        ["risk", command] => Command::Risk { command: Some((*command).to_owned()) },
        ["risk", ..] => {
            return Err(
                "risk takes one command in quotes, or --batch; see: agent-identity risk --help".to_owned()
            );
        }
        ["authz", "explain", about @ ..] => Command::AuthzExplain {
            about: match about {
                ["agent"] => Question::Agent,
                ["skill", name] => Question::Skill((*name).to_owned()),
                ["tool", name, params @ ..] if params.len() < 2 => Question::Tool {
                    name: (*name).to_owned(),
                    params: params.first().map(|text| (*text).to_owned()),
                    workspace: flags.take("workspace"),
                },
                _ => {
                    return Err(
                        "authz explain takes: agent, skill NAME, or tool NAME and its parameters in \
                                quotes; see: agent-identity authz --help"
                            .to_owned(),
                    );
                }
            },
            session: flags.session()?,
        },
        ["config", "check"] => Command::ConfigCheck,
        ["config", "show"] => Command::ConfigShow,
        ["key", "rotate"] => Command::KeyRotate,
        ["store", "migrate"] => Command::StoreMigrate(Migration {
            from: flags.place("from")?,
            to: flags.place("to")?,
            overwrite: flags.take("overwrite").is_some(),
            dry_run: flags.take("dry-run").is_some(),
        }),
        ["secrets", "provider"] => Command::SecretsProvider,
        ["secrets", "audit", files @ ..] => Command::SecretsAudit(Audit {
            files: files.iter().map(PathBuf::from).collect(),
            check: flags.take("check").is_some(),
            allow_exec: flags.take("allow-exec").is_some(),
            fix: flags.take("fix").is_some(),
            alias: flags.take("alias"),
        }),
        ["openclaw", "setup"] => Command::OpenclawSetup {
            host_version: flags.take("host-version"),
            write: flags.take("write").is_some(),
        },
        ["openclaw", "doctor"] => Command::OpenclawDoctor { host_version: flags.take("host-version") },
        ["secrets", "setup"] => Command::SecretsSetup { alias: flags.take("alias") },
        ["version"] => Command::Version,
        ["id", ..] => {
            return Err("id takes one line in quotes, e.g.: agent-identity id 'fetch github'".to_owned());
        }
        ["call", ..] => {
            return Err("call takes a tool and its parameters as one JSON object in quotes; \
                        see: agent-identity call --help"
                .to_owned());
        }
        ["authz" | "config" | "key" | "openclaw" | "secrets" | "store"] => {
            return Err(format!(
                "{} needs a further word; see: agent-identity {} --help",
                names[0], names[0]
            ));
        }
        [name, rest @ ..] => {
            return Err(match help::of(name) {
                Some(_) => {
                    format!("{name} does not take {:?}; see: agent-identity {name} --help", rest.join(" "))
                }
                None => unknown_command(name),
            });
        }
        [] => Command::Help(help::OVERVIEW),
    };
    match flags.given.first() {
        Some((option, _)) => {
            Err(format!("{} does not take --{option}; see: agent-identity {} --help", names[0], names[0]))
        }
        None => Ok(Invocation { command, options }),
    }
}

/// Options of single commands, taken out by the command they belong to; what is left is an error.
#[derive(Default)]
struct Flags {
    help: bool,
    version: bool,
    given: Vec<(&'static str, String)>,
}

impl Flags {
    fn put(&mut self, name: &'static str, value: String) {
        self.given.push((name, value));
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let at = self.given.iter().position(|(given, _)| *given == name)?;
        Some(self.given.remove(at).1)
    }

    fn session(&mut self) -> Result<Option<SessionKey>, String> {
        let key = self.take("session").filter(|text| !text.is_empty());
        key.map(|text| SessionKey::parse(&text).map_err(|error| format!("--session: {error}"))).transpose()
    }

    fn place(&mut self, name: &str) -> Result<Secret, String> {
        let place = self.take(name).filter(|text| !text.trim().is_empty()).map(Secret::new);
        place.ok_or_else(|| {
            format!(
                "store migrate needs --{name}: file, config or an address; see: agent-identity store --help"
            )
        })
    }

    fn timeout(&mut self) -> Result<Duration, String> {
        let Some(text) = self.take("timeout") else { return Ok(LOGIN_TIMEOUT) };
        match text.parse() {
            Ok(seconds) if (1..=3600).contains(&seconds) => Ok(Duration::from_secs(seconds)),
            _ => Err(format!("--timeout {text}: seconds from 1 to 3600")),
        }
    }
}

fn value(words: &mut lexopt::Parser) -> Result<OsString, String> {
    words.value().map_err(|error| error.to_string())
}

fn text(words: &mut lexopt::Parser) -> Result<String, String> {
    value(words)?.string().map_err(|error| error.to_string())
}

fn unknown_option(message: &str) -> String {
    format!("{message}; see: agent-identity --help")
}

fn unknown_command(name: &str) -> String {
    match help::nearest(name) {
        Some(near) => format!("no command {name:?}; did you mean {near:?}?"),
        None => format!("no command {name:?}; see: agent-identity --help"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Invocation, String> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn every_command_is_read() {
        let key = || Some(SessionKey::parse("k").unwrap());
        for (line, command) in [
            ("serve", Command::Serve { callback_listen: None }),
            ("bridge", Command::Bridge),
            (
                "serve --callback-listen 127.0.0.1:1",
                Command::Serve { callback_listen: Some("127.0.0.1:1".into()) },
            ),
            ("login", Command::Login { session: None, open: false, wait: true, timeout: LOGIN_TIMEOUT }),
            (
                "login --open --no-wait --session k --timeout 5",
                Command::Login { session: key(), open: true, wait: false, timeout: Duration::from_secs(5) },
            ),
            ("logout --session=k", Command::Logout { session: key() }),
            ("whoami", Command::Whoami { session: None }),
            ("status", Command::Status),
            ("token --decode", Command::Token { session: None, decode: true }),
            ("tools", Command::Tools),
            ("call t", Command::Call { tool: "t".into(), params: None, session: None }),
            (
                "call t {} --session k",
                Command::Call { tool: "t".into(), params: Some("{}".into()), session: key() },
            ),
            ("call t -", Command::Call { tool: "t".into(), params: Some("-".into()), session: None }),
            ("id whoami", Command::Chat { line: "whoami".into(), session: None, lang: None }),
            (
                "id whoami --lang zh --session k",
                Command::Chat { line: "whoami".into(), session: key(), lang: Some("zh".into()) },
            ),
            (
                "exec --session k -- sh -c --help",
                Command::Exec {
                    session: key(),
                    program: ["sh", "-c", "--help"].map(OsString::from).to_vec(),
                },
            ),
            ("exec env", Command::Exec { session: None, program: vec!["env".into()] }),
            ("config check", Command::ConfigCheck),
            ("config show", Command::ConfigShow),
            ("key rotate", Command::KeyRotate),
            (
                "store migrate --from file --to redis://h --overwrite --dry-run",
                Command::StoreMigrate(Migration {
                    from: "file".into(),
                    to: "redis://h".into(),
                    overwrite: true,
                    dry_run: true,
                }),
            ),
            ("secrets provider", Command::SecretsProvider),
            ("secrets audit", Command::SecretsAudit(Audit::default())),
            (
                "secrets audit a.json b --check --allow-exec --fix --alias x",
                Command::SecretsAudit(Audit {
                    files: vec!["a.json".into(), "b".into()],
                    check: true,
                    allow_exec: true,
                    fix: true,
                    alias: Some("x".into()),
                }),
            ),
            ("secrets setup", Command::SecretsSetup { alias: None }),
            ("secrets setup --alias a", Command::SecretsSetup { alias: Some("a".into()) }),
            (
                "authz explain agent --session k",
                Command::AuthzExplain { about: Question::Agent, session: key() },
            ),
            (
                "authz explain skill pay",
                Command::AuthzExplain { about: Question::Skill("pay".into()), session: None },
            ),
            (
                "authz explain tool exec {} --workspace /w",
                Command::AuthzExplain {
                    about: Question::Tool {
                        name: "exec".into(),
                        params: Some("{}".into()),
                        workspace: Some("/w".into()),
                    },
                    session: None,
                },
            ),
            ("risk ls", Command::Risk { command: Some("ls".into()) }),
            ("risk --batch", Command::Risk { command: None }),
            ("version", Command::Version),
            ("-V", Command::Version),
            ("", Command::Help(help::OVERVIEW)),
            ("--help", Command::Help(help::OVERVIEW)),
            ("help login", Command::Help(help::of("login").unwrap())),
            ("login --help", Command::Help(help::of("login").unwrap())),
        ] {
            assert_eq!(parsed(line).map(|i| i.command), Ok(command), "{line}");
        }
    }

    #[test]
    fn common_options_go_anywhere() {
        let invocation = parsed("--json token --socket /s --config /c --log debug").unwrap();
        let expected = Options {
            config: Some("/c".into()),
            socket: Some("/s".into()),
            json: true,
            log: Some(Level::Debug),
        };
        assert_eq!(invocation.options, expected);
    }

    #[test]
    fn mistakes_say_what_is_wrong() {
        for (line, part) in [
            ("tokn", "did you mean \"token\"?"),
            ("frobnicate", "agent-identity --help"),
            ("token extra", "token does not take \"extra\""),
            ("token --open", "token does not take --open"),
            ("config", "config needs a further word"),
            ("secrets", "secrets needs a further word"),
            ("secrets provider --alias a", "secrets does not take --alias"),
            ("authz", "authz needs a further word"),
            ("authz explain", "authz explain takes"),
            ("authz explain tool a {} b", "authz explain takes"),
            ("authz explain agent --workspace /w", "authz does not take --workspace"),
            ("call", "call takes a tool"),
            ("call a {} b", "call takes a tool"),
            ("id", "id takes one line in quotes"),
            ("risk rm x", "risk takes one command in quotes"),
            ("risk ls --batch", "risk does not take --batch"),
            ("id fetch github", "id takes one line in quotes"),
            ("call t --lang zh", "call does not take --lang"),
            ("login --timeout 0", "seconds from 1 to 3600"),
            ("login --session", "--session"),
            ("--log loud status", "the levels are"),
            ("status --nope", "--nope"),
            ("status --json=yes", "--json"),
        ] {
            let message = parsed(line).unwrap_err();
            assert!(message.contains(part), "{line}: {message}");
        }
    }
}
