//! Help texts, one per command. The names here are the commands that exist.

/// Of `agent-identity --help`.
pub const OVERVIEW: &str = "\
The identity of AI agents on one machine.

Usage: agent-identity COMMAND [OPTIONS]

Commands:
  serve           run the server: identity socket and login callback
  bridge          the same for OpenClaw's plugin, which starts it: JSON-RPC on standard input and output
  login           log a person in through the browser
  logout          end a login
  whoami          who is logged in
  token           print the workload token (TIP)
  status          what the server does, and why something does not work
  doctor          check everything that the server needs, and say what to do next
  tools           list the tools that agents have
  call            call a tool and print its result
  exec            run a program with the session's bound credentials in its environment
  id              carry out a chat command, such as: id 'fetch github'
  authz explain   whether a tool call, agent or skill would be allowed, and why
  risk            how risky a shell command is, without running it
  config check    read the configuration and say what is wrong with it
  config show     the effective configuration, without secrets
  secrets audit   secrets in plain text, and references without a value, in OpenClaw's own files
  openclaw setup  what OpenClaw's configuration lacks for the plugin; --write puts it there
  openclaw doctor whether the plugin can work in the installed OpenClaw, and what is open where not
  secrets setup   how OpenClaw has its own secrets answered from hosted credentials
  key rotate      replace the key that seals the stored sessions
  store migrate   copy logins and bindings from files to a shared engine, or back
  version         print the version

Options of all commands:
  --config FILE   configuration: an openclaw.json, or a file with the plugin's object alone
                  (default: OPENCLAW_CONFIG_PATH, else openclaw.json in the state folder)
  --socket PATH   the server's socket
                  (default: plugins/identity/identity.sock in the state folder, ~/.openclaw)
  --json          print one JSON object instead of text
  --log LEVEL     error, warn, info or debug, on standard error (default: info for serve and
                  bridge, else warn)
  -h, --help      help; with a command, help for that command
  -V, --version   print the version

Exit codes:
  0  done                             5  refused: peer not allowed, or by the cloud
  1  failed for another reason        6  the configuration is unusable
  2  the command line is wrong        7  a remote side is unreachable; try again later
  3  nobody is logged in              8  stored sessions are unreadable, or held by another process
  4  the server does not answer
";

const COMMANDS: &[(&str, &str)] = &[
    (
        "serve",
        "\
Runs the server until SIGTERM, SIGINT or SIGHUP: HTTP on the identity socket for local processes, and the
login callback when userpool.callbackUrl is an http address of this machine.

Usage: agent-identity serve [--callback-listen ADDR] [--config FILE] [--socket PATH] [--log LEVEL]

  --callback-listen ADDR   where to take the login callback, as host:port on the loopback interface; for a
                           public callbackUrl that a reverse proxy passes on

A socket passed by systemd (LISTEN_FDS=1) becomes the identity socket; more than one is an error.
",
    ),
    (
        "bridge",
        "\
Serves OpenClaw's plugin, which starts it and speaks JSON-RPC 2.0 with it, one message a line, on standard
input and output. Not for people: it says nothing to a terminal, and ends with its input. The identity socket
is served too where identity.localServer is true.

Usage: agent-identity bridge [--config FILE] [--socket PATH] [--log LEVEL]
",
    ),
    (
        "login",
        "\
Logs a person in: prints the link to open, and waits until the person has confirmed in the browser.

Usage: agent-identity login [--session KEY] [--open] [--no-wait] [--timeout SECONDS] [--json]

  --session KEY       the session to log in to (default: the main one)
  --open              open the link with xdg-open (or $BROWSER)
  --no-wait           print the link and end
  --timeout SECONDS   how long to wait, 1 to 3600 (default: 300, the life of the link)

With a login already there, only the workload token is fetched anew.
",
    ),
    (
        "logout",
        "\
Ends a login on this machine: its session and workload token.

Usage: agent-identity logout [--session KEY] [--json]
",
    ),
    (
        "whoami",
        "\
Shows who is logged in, until when, and for which agents the workload token speaks.

Usage: agent-identity whoami [--session KEY] [--json]

Exit code 3 when nobody is logged in.
",
    ),
    (
        "status",
        "\
Shows the server's state: logins, platform keys, cloud, store, socket peers, and what is wrong since when.

Usage: agent-identity status [--json]
",
    ),
    (
        "token",
        "\
Prints the workload token (TIP) and nothing else, for use in scripts.

Usage: agent-identity token [--session KEY] [--decode] [--json]

  --session KEY   the session (default: the main one)
  --decode        print what the token says instead of the token
  --json          print token, subject, chain and dates as JSON
",
    ),
    (
        "doctor",
        "\
Checks everything that the server needs, with or without one running: configuration, data folder and key,
every source of platform keys, role, endpoint and region, clock, cloud, user pool, callback, proxy and
certificates. It changes nothing. One line for each finding, with the next step where there is one.

Usage: agent-identity doctor [--config FILE] [--socket PATH] [--json]

Exit code 0 without a failure (warnings do not count), else the code of the first failure.
",
    ),
    (
        "tools",
        "\
Lists the tools: a name and a line each. With --json, their descriptions and parameters as GET /tools gives them.

Usage: agent-identity tools [--json]
",
    ),
    (
        "call",
        "\
Calls a tool and prints its result as JSON: indented on a terminal, else on one line.

Usage: agent-identity call NAME ['{\"…\": …}' | -] [--session KEY] [--json]

  NAME            the tool; list them with: agent-identity tools
  '{…}'           its parameters as a JSON object (default: none)
  -               read the parameters from standard input
  --session KEY   the session to call it for (default: the main one)
  --json          on one line even on a terminal, and failures as JSON too
",
    ),
    (
        "exec",
        "\
Runs a program that has the session's bound credentials in its environment, and nobody else. Signals and the exit code
are the program's own. A binding that cannot be had now is named on standard error and left out.

Usage: agent-identity exec [--session KEY] -- PROGRAM [ARGUMENT…]

  --session KEY   the session whose bindings count (default: the main one)
",
    ),
    (
        "id",
        "\
Carries out a line as a person types it into a chat after /identity or /id, and prints the answer as Markdown.

Usage: agent-identity id 'LINE' [--session KEY] [--lang en|zh]

  --session KEY   the session to speak for (default: the main one)
  --lang TAG      the language of the answer (default: from LC_ALL, LC_MESSAGES or LANG)

agent-identity id help lists the commands. With --json, one object with the member text.
",
    ),
    (
        "authz",
        "\
  authz explain   what would be ruled on a tool call, an agent or a skill: which checks are on, what is sent to the
                  cloud, what comes back. Nothing is run, and nobody is asked for approval.

Usage: agent-identity authz explain tool NAME ['{\"…\": …}' | -] [--workspace DIR] [--session KEY] [--json]
       agent-identity authz explain skill NAME [--session KEY] [--json]
       agent-identity authz explain agent [--session KEY] [--json]

  NAME              the tool, or the skill
  '{…}'             the call's parameters as a JSON object (default: none); - reads them from standard input
  --workspace DIR   the folder that relative paths start from
  --session KEY     the session whose identity the call uses (default: the main one)

Exit code 5 when it would be denied.
",
    ),
    (
        "openclaw",
        "\
What OpenClaw needs for the plugin, by the version that is installed.

  openclaw setup    print the entries that openclaw.json lacks: those that this version accepts, and no others
  openclaw doctor   check host, entries, plugin and settings, and say what is open where something is missing

Usage: agent-identity openclaw setup [--write] [--host-version V] [--config FILE] [--json]
       agent-identity openclaw doctor [--host-version V] [--config FILE] [--json]

  --write            put the entries into the file, which keeps its comments; the file as it was is kept beside it
  --host-version V   the version, such as 2026.9.6 (default: of the openclaw on the PATH, else the one that wrote the
                     file last)

The gateway reads the file when it starts.
",
    ),
    (
        "risk",
        "\
Judges a shell command by the rules, without running it and without a server.

Usage: agent-identity risk 'COMMAND' [--json]
       agent-identity risk --batch

  --batch   read JSON Lines from standard input, {\"id\", \"command\"} or {\"id\", \"toolName\", \"params\"},
            and answer each with {\"id\", \"risk\", \"reason\", \"rule\"}
",
    ),
    (
        "config",
        "\
  config check    read the configuration and say what is wrong with it, key by key
  config show     the effective configuration: defaults included, secrets replaced

Usage: agent-identity config check|show [--config FILE] [--json]

Exit code 6 when the configuration is unusable.
",
    ),
    (
        "key",
        "\
  key rotate      seal what is stored with a new key

Usage: agent-identity key rotate [--config FILE] [--json]

Files: makes a new key, seals the stored sessions with it and forgets the old one. The server must not run meanwhile. With
AGENT_IDENTITY_KEY_FILE, put the new key in the first line of that file and leave the old one below it; the next start
seals with the new one.

A shared engine (identity.store): seals every record there with the first key of the key file. Instances may run
meanwhile if they know both keys. It says which keys are still in use, exit code 1 while there is more than the first; run
it again then. docs/scale.md has the order of steps.
",
    ),
    (
        "secrets",
        "\
  secrets setup      print the provider block for openclaw.json, and check it and this program by the host's rules
  secrets audit      what OpenClaw's files hold in plain text, and which references have no value
  secrets provider   what that block runs: answers a request on standard input, {\"protocolVersion\":1,\"ids\":[…]}

Usage: agent-identity secrets setup [--alias NAME] [--config FILE] [--json]
       agent-identity secrets audit [openclaw.json] [auth-profiles.json …] [--check] [--allow-exec] [--fix]
                      [--alias NAME] [--json]
       agent-identity secrets provider < REQUEST

  --alias NAME   the provider's name in SecretRefs (default: agent-identity)
  --check        exit code 1 with any finding
  --allow-exec   start the programs of exec providers; without it their references are only looked at
  --fix          print a plan for `openclaw secrets apply` that puts references in place of plain text; write nothing

The audit has the findings, codes and exit codes of `openclaw secrets audit`: 2 with an unresolved reference, 1 with
--check and other findings, else 0. It knows the fields of older and newer OpenClaw releases.

Ids of SecretRefs: apikey/NAME, oauth2/NAME, role/NAME/accessKeyId (secretAccessKey, sessionToken), each for the
workload itself, or with session/KEY/ in front for a session. Other bytes than letters, digits and . _ : - are
written :: and two hexadecimal digits: a space is ::20. Sessions are the running server's; the rest also works
without one, with platform keys alone.
",
    ),
    (
        "store",
        "\
  store migrate   copy logins and bindings from one place to another, read everything back and compare it

Usage: agent-identity store migrate --from PLACE --to PLACE [--overwrite] [--dry-run] [--config FILE] [--json]

  PLACE         file (the data folder), config (what identity.store names), or an address as identity.store takes it;
                addresses on a command line are seen in process lists: leave the password to identity.storePassword
  --overwrite   replace what is there and different; without it, that is left alone, counted, and exit code 1
  --dry-run     say what would be done; no login or binding is written

No server may run meanwhile, on either side. Nothing is removed where it comes from. After an interruption both places can
be used; run it again, and what has arrived is skipped. Pending logins, and who wrote last in a group, live for minutes and
are left behind. An engine needs AGENT_IDENTITY_KEY_FILE; files that a generated key has sealed are read with that one.
",
    ),
    ("version", "Prints the version.\n\nUsage: agent-identity version [--json]\n"),
];

/// The help of a command.
#[must_use]
pub fn of(command: &str) -> Option<&'static str> {
    COMMANDS.iter().find(|(name, _)| *name == command).map(|(_, text)| *text)
}

/// The command that somebody may have meant.
#[must_use]
pub fn nearest(word: &str) -> Option<&'static str> {
    crate::base::nearest::nearest(word, COMMANDS.iter().map(|(name, _)| *name))
}
