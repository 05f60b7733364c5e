//! The command line of `agent-identity-emulator`.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use super::{AccessKey, Algorithm, Emulator, Options};
use crate::base::error::{Code, Error, Result};
use crate::base::url::Url;

/// Where it listens unless told otherwise.
const DEFAULT_LISTEN: &str = "127.0.0.1:8620";

const HELP: &str = "\
A local stand-in for the Volcengine id and sts APIs, UserPools, OAuth2 services and machine metadata.
Its keys and passwords are public: it is for development and tests only.

Usage: agent-identity-emulator [OPTIONS]

  --listen ADDRESS:PORT      where to listen, loopback only; port 0 picks one [127.0.0.1:8620]
  --user-pool NAME           the UserPool that exists from the start [local]
  --callback-url URL         a redirect address of the clients; repeatable
  --users NAME,...           who can log in [alice,bob]
  --password TEXT            the password of all users [password]
  --client-id TEXT           the confidential client's id
  --client-secret TEXT       its secret
  --access-key ID:SECRET     a pair that may call the API; repeatable, replaces the built-in one
  --role TRN                 a role that may be assumed; repeatable [any]
  --workload NAME            a workload identity that exists from the start; repeatable
  --trust-issuer URL         another issuer whose tokens are good for a TIP; repeatable
  --algorithm NAME           signs id_tokens and TIPs: RS256 or ES256 [RS256]
  --id-token-seconds N       lifetime of id_tokens [3600]
  --access-token-seconds N   lifetime of access tokens [3600]
  --refresh-token-seconds N  lifetime of refresh tokens [2592000]
  --tip-seconds N            longest lifetime of TIPs [3600]
  --always-refresh           give refresh tokens without the scope offline_access, too
  --no-rotation              keep refresh tokens instead of replacing them
  --ignore-stdin             go on when standard input ends
  --help                     show this text

It prints its settings, one `name: value` a line, and runs until standard input ends or a signal ends it.
Controls: POST and DELETE /_emulator/faults, /_emulator/credential-providers, /_emulator/role-providers and
/_emulator/deny-rules; GET and DELETE /_emulator/requests; POST /_emulator/clock, /_emulator/rotate,
/_emulator/callbacks and /_emulator/identity-providers.
";

/// What the command line asks for.
#[derive(Debug)]
enum Command {
    Help,
    Run { options: Box<Options>, ignore_stdin: bool },
}

/// Runs the command line to its end.
///
/// # Errors
/// When the words make no sense, the emulator does not start, or `stdout` cannot be written.
pub fn run(
    args: impl IntoIterator<Item = OsString>,
    stdin: &mut dyn Read,
    stdout: &mut dyn Write,
) -> Result<()> {
    let unwritable = |error: std::io::Error| {
        Error::new(Code::Internal, format!("cannot write to standard output: {error}"))
    };
    match parse(args)? {
        Command::Help => stdout.write_all(HELP.as_bytes()).map_err(unwritable),
        Command::Run { options, ignore_stdin } => {
            let emulator = Emulator::start(*options)?;
            stdout
                .write_all(summary(&emulator).as_bytes())
                .and_then(|()| stdout.flush())
                .map_err(unwritable)?;
            if ignore_stdin {
                loop {
                    // A signal ends the process.
                    std::thread::park();
                }
            }
            // Whatever comes is of no interest, only that it ends; an error is an end, too.
            let _ended = std::io::copy(stdin, &mut std::io::sink());
            drop(emulator);
            Ok(())
        }
    }
}

fn summary(emulator: &Emulator) -> String {
    let options = emulator.options();
    let mut lines = vec![
        ("endpoint", emulator.endpoint().to_owned()),
        ("user-pool", options.user_pool.clone()),
        ("discovery", emulator.discovery_url()),
        ("client-id", options.client_id.clone()),
        ("client-secret", options.client_secret.clone()),
        ("public-client-id", options.public_client_id.clone()),
        ("users", options.users.join(",")),
        ("password", options.password.clone()),
        ("region-metadata", emulator.region_metadata_url()),
        ("credentials-metadata", emulator.credentials_metadata_url()),
    ];
    lines.extend(options.callback_urls.iter().map(|url| ("callback-url", url.clone())));
    for key in &options.access_keys {
        lines.push(("access-key-id", key.id.clone()));
        lines.push(("secret-access-key", key.secret.clone()));
    }
    lines.iter().map(|(name, value)| format!("{name}: {value}\n")).collect()
}

fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command> {
    use lexopt::Arg::Long;

    let bad = |what: String| {
        Error::new(Code::InvalidRequest, what).with_hint("agent-identity-emulator --help lists the options")
    };
    let mut options = Options { listen: address(DEFAULT_LISTEN).map_err(bad)?, ..Options::default() };
    let mut access_keys = Vec::new();
    let mut ignore_stdin = false;
    let mut words = lexopt::Parser::from_args(args);
    while let Some(word) = words.next().map_err(|error| bad(error.to_string()))? {
        let Long(name) = word else { return Err(bad(word.unexpected().to_string())) };
        let name = name.to_owned();
        match name.as_str() {
            "help" => return Ok(Command::Help),
            "always-refresh" => options.always_refresh = true,
            "no-rotation" => options.rotate_refresh = false,
            "ignore-stdin" => ignore_stdin = true,
            _ => {
                let value = || -> Result<String> {
                    let value = words.value().map_err(|error| bad(error.to_string()))?;
                    value.into_string().map_err(|_| bad(format!("the value of --{name} is not UTF-8")))
                };
                set(&mut options, &mut access_keys, &name, value)
                    .map_err(|error| bad(format!("--{name}: {}", error.message())))?;
            }
        }
    }
    if !access_keys.is_empty() {
        options.access_keys = access_keys;
    }
    Ok(Command::Run { options: Box::new(options), ignore_stdin })
}

fn set(
    options: &mut Options,
    access_keys: &mut Vec<AccessKey>,
    name: &str,
    value: impl FnOnce() -> Result<String>,
) -> Result<()> {
    let bad = |what: &str| Error::new(Code::InvalidRequest, what);
    match name {
        "listen" => options.listen = address(&value()?).map_err(|what| bad(&what))?,
        "callback-url" => options.callback_urls.push(value()?),
        "users" => options.users = value()?.split(',').map(|user| user.trim().to_owned()).collect(),
        "user-pool" => options.user_pool = value()?,
        "password" => options.password = value()?,
        "client-id" => options.client_id = value()?,
        "client-secret" => options.client_secret = value()?,
        "access-key" => {
            let value = value()?;
            let (id, secret) = value.split_once(':').ok_or_else(|| bad("not ID:SECRET"))?;
            access_keys.push(AccessKey::new(id, secret));
        }
        "role" => options.roles.push(value()?),
        "workload" => options.workloads.push(value()?),
        "trust-issuer" => options.trusted_issuers.push(Url::parse(&value()?).map_err(bad)?),
        "algorithm" => {
            let algorithm = Algorithm::parse(&value()?).ok_or_else(|| bad("neither RS256 nor ES256"))?;
            options.id_token_algorithm = algorithm;
            options.tip_algorithm = algorithm;
        }
        "id-token-seconds" => options.id_token_lifetime = seconds(&value()?)?,
        "access-token-seconds" => options.access_lifetime = seconds(&value()?)?,
        "refresh-token-seconds" => options.refresh_lifetime = seconds(&value()?)?,
        "tip-seconds" => options.tip_lifetime = seconds(&value()?)?,
        _ => return Err(bad("there is no such option")),
    }
    Ok(())
}

fn address(text: &str) -> std::result::Result<SocketAddr, String> {
    text.parse().map_err(|_| "not ADDRESS:PORT".to_owned())
}

fn seconds(text: &str) -> Result<Duration> {
    let seconds: u32 =
        text.parse().map_err(|_| Error::new(Code::InvalidRequest, "not a whole number of seconds"))?;
    Ok(Duration::from_secs(seconds.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<OsString> {
        text.split(' ').filter(|word| !word.is_empty()).map(OsString::from).collect()
    }

    #[test]
    fn prints_its_settings_and_ends_with_standard_input() {
        let mut out = Vec::new();
        let args = "--listen 127.0.0.1:0 --users carol --callback-url http://127.0.0.1:1/cb --access-key a:b";
        run(words(args), &mut &b""[..], &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        for line in [
            "client-id: agent-identity",
            "users: carol",
            "callback-url: http://127.0.0.1:1/cb",
            "access-key-id: a",
            "secret-access-key: b",
        ] {
            assert!(out.lines().any(|l| l == line), "{line} in {out}");
        }
        assert!(out.starts_with("endpoint: http://127.0.0.1:"));
    }

    #[test]
    fn help_names_every_option() {
        let mut out = Vec::new();
        run(words("--help"), &mut &b""[..], &mut out).unwrap();
        assert_eq!(out, HELP.as_bytes());
        for line in HELP.lines().filter_map(|line| line.strip_prefix("  --")) {
            let name = line.split(' ').next().unwrap();
            // Every option listed is known: none fails as an unknown one.
            let error = parse(words(&format!("--{name}"))).err();
            let unknown = error.is_some_and(|error| error.message().contains("no such option"));
            assert!(!unknown, "{name}");
        }
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        for (text, part) in [
            ("--bogus", "--bogus"),
            ("word", "word"),
            ("--listen here", "--listen"),
            ("--algorithm HS256", "--algorithm"),
            ("--tip-seconds -1", "--tip-seconds"),
            ("--access-key only", "--access-key"),
            ("--trust-issuer ftp://a", "--trust-issuer"),
        ] {
            let error = parse(words(text)).unwrap_err();
            assert!(error.message().contains(part), "{text}: {}", error.message());
        }
    }
}
