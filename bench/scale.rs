//! Several instances on one engine: what they answer together, what that costs the engine, and how much of its memory a
//! login takes.
//!
//! Everything is on one machine, the loader, the emulated cloud and the engine too: that many instances share few cores
//! shows what sharing the state costs, not what more machines would bring.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use agent_identity::emulator::{Emulator, Options};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Outcome;
use super::browser::Browser;
use super::load::{self, Mode, Sample};
use super::process::{self, Process};
use super::report::{Report, median};
use super::world::{fill, scratch};

const INSTANCES: [usize; 4] = [1, 2, 4, 8];
/// Clients of all instances together.
const CLIENTS: usize = 8;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);
const LOGIN_CLIENTS: usize = 4;
const LOGIN_ROUND: Duration = Duration::from_secs(8);
const SESSIONS: usize = 10_000;

/// The chapter.
pub(crate) fn report(binary: &Path, report: &mut Report) -> Outcome<()> {
    let Some(program) = ["redis-server", "valkey-server"].into_iter().find(|program| process::has(program))
    else {
        report.skipped("instances on one engine", "neither redis-server nor valkey-server is installed");
        return Ok(());
    };
    requests(binary, program, report)?;
    memory(binary, program, report)
}

fn requests(binary: &Path, program: &str, report: &mut Report) -> Outcome<()> {
    report.heading("Instances on one engine");
    report.paragraph(&format!(
        "{program} on a Unix socket with `appendonly yes`, `appendfsync everysec`; {CLIENTS} clients on open connections, spread \
         over the instances; medians of {ROUNDS} rounds of {} s. Engine: what `INFO` counts for each request, commands within \
         scripts included.",
        ROUND.as_secs()
    ));
    let (mut rows, mut logins) = (Vec::new(), Vec::new());
    for count in INSTANCES {
        let engine = Engine::start(program)?;
        let fleet = Fleet::new(binary, &engine, count)?;
        let servers = fleet.serve()?;
        fleet.log_in(0, None)?;
        for target in ["/token", "/session"] {
            for place in &fleet.places {
                load::get(&place.socket(), target)?; // each instance has its own workload token
            }
            let before = engine.used()?;
            let rounds = (0..ROUNDS).map(|_| fleet.load(target, &servers)).collect::<Outcome<Vec<_>>>()?;
            let (used, asked) = (engine.used()?, rounds.iter().map(|round| round.rate).sum::<f64>());
            let asked = asked * ROUND.as_secs_f64();
            let middle = |of: fn(&Sample) -> f64| median(rounds.iter().map(of).collect());
            let rss = servers.iter().map(|server| process::rss_kib(server.id())).sum::<Outcome<u64>>()?;
            rows.push(vec![
                count.to_string(),
                format!("`{target}`"),
                format!("{:.0}", middle(|s| s.rate)),
                format!("{:.0}", middle(|s| s.p50_us)),
                format!("{:.0}", middle(|s| s.p99_us)),
                format!("{:.1}", middle(|s| s.cpu_us)),
                format!("{:.2}", (used.commands - before.commands) / asked),
                format!("{:.1}", (used.cpu_us - before.cpu_us) / asked),
                format!("{}", rss / u64::try_from(count)?),
            ]);
        }
        let before = engine.used()?;
        let (done, seconds) = fleet.logins()?;
        let commands = engine.used()?.commands - before.commands;
        logins.push(vec![
            count.to_string(),
            format!("{:.1}", done as f64 / seconds),
            format!("{:.1}", commands / done.max(1) as f64),
        ]);
        servers.into_iter().try_for_each(Process::stop)?;
    }
    report.table(
        &[
            "instances",
            "asked for",
            "requests/s",
            "p50 µs",
            "p99 µs",
            "CPU µs",
            "engine commands",
            "engine CPU µs",
            "KiB an instance",
        ],
        &rows,
    );
    report.paragraph(&format!(
        "Whole logins, {LOGIN_CLIENTS} people at a time: link by the command line, the provider's page, callback, confirmation, the \
         first workload token. Most of it is the emulated provider's work and ours as the browser."
    ));
    report.table(&["instances", "logins/s", "engine commands for each"], &logins);
    Ok(())
}

fn memory(binary: &Path, program: &str, report: &mut Report) -> Outcome<()> {
    report.heading("Memory of the engine");
    let engine = Engine::start(program)?;
    let fleet = Fleet::new(binary, &engine, 1)?;
    fill(&fleet.places[0].data(), SESSIONS)?;
    let (before, begin) = (engine.used()?, Instant::now());
    let moved = fleet.places[0]
        .command(binary, &["store", "migrate", "--from", "file", "--to", "config", "--json"])
        .output()?;
    let seconds = begin.elapsed().as_secs_f64();
    let result: Value = serde_json::from_slice(&moved.stdout)?;
    if result["sessions"]["copied"] != SESSIONS {
        return Err(format!("not all sessions were moved: {result}").into());
    }
    let bytes = (engine.used()?.bytes - before.bytes) / SESSIONS as f64;
    report.paragraph(&format!(
        "{SESSIONS} logins with user tokens of 800 bytes take {bytes:.0} bytes each (`used_memory` of `INFO memory`, keys and their \
         tables included). `store migrate` moved them from files, and compared them, in {seconds:.1} s."
    ));
    Ok(())
}

/// An engine on a socket; ends with the value.
struct Engine {
    folder: TempDir,
    process: std::process::Child,
}

/// What it has used so far.
struct Used {
    commands: f64,
    cpu_us: f64,
    bytes: f64,
}

impl Engine {
    fn start(program: &str) -> Outcome<Self> {
        let folder = scratch()?;
        // A socket's path may have 107 bytes, so it is named from within.
        let mut command = Command::new(program);
        command.args(["--port", "0", "--unixsocket", "s", "--save", "", "--logfile", ""]);
        command.args(["--appendonly", "yes", "--appendfsync", "everysec", "--dir", "."]);
        command.current_dir(folder.path()).stdout(std::process::Stdio::piped());
        let mut process = command.stderr(std::process::Stdio::null()).spawn()?;
        let mut output = BufReader::new(process.stdout.take().ok_or("no standard output")?);
        let engine = Self { folder, process };
        let mut said = String::new();
        while !said.contains("eady to accept connections at") {
            if output.read_line(&mut said)? == 0 {
                return Err(format!("{program} has ended: {said}").into());
            }
        }
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        Ok(engine)
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("s")
    }

    fn used(&self) -> Outcome<Used> {
        let mut stream = UnixStream::connect(self.socket())?;
        stream.write_all(b"INFO\r\nQUIT\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let field = |name: &str| -> Outcome<f64> {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            Ok(value.ok_or_else(|| format!("INFO has no {name}"))?.trim().parse()?)
        };
        Ok(Used {
            commands: field("total_commands_processed")?,
            cpu_us: (field("used_cpu_user")? + field("used_cpu_sys")?) * 1e6,
            bytes: field("used_memory")?,
        })
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The folder of one instance.
struct Place {
    state: PathBuf,
    key: PathBuf,
}

impl Place {
    fn data(&self) -> PathBuf {
        self.state.join("plugins/identity")
    }

    fn socket(&self) -> PathBuf {
        self.data().join("identity.sock")
    }

    fn command(&self, binary: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(binary);
        command.args(args).env_clear().env("HOME", &self.state).env("OPENCLAW_STATE_DIR", &self.state);
        command.env("AGENT_IDENTITY_KEY_FILE", &self.key);
        command
    }
}

/// Instances of one service.
struct Fleet<'a> {
    binary: &'a Path,
    places: Vec<Place>,
    _emulator: Emulator,
    _folder: TempDir,
}

impl<'a> Fleet<'a> {
    fn new(binary: &'a Path, engine: &Engine, count: usize) -> Outcome<Self> {
        let callback = |n: usize| format!("http://127.86.6.{}:18789/identity/oauth/callback", n + 1);
        let callback_urls = (0..count).map(callback).collect();
        let emulator = Emulator::start(Options { callback_urls, ..Options::default() })?;
        let folder = scratch()?;
        let key = folder.path().join("key");
        fs::write(&key, format!("{}\n", "5a".repeat(32)))?;
        fs::set_permissions(&key, PermissionsExt::from_mode(0o600))?;
        let access = &emulator.options().access_keys[0];
        let mut places = Vec::new();
        for n in 0..count {
            let config = json!({
                "identity": {
                    "endpoint": emulator.endpoint(),
                    "accessKeyId": access.id,
                    "secretAccessKey": access.secret,
                    "workloadName": "openclaw-agent",
                    "localServer": true,
                    "localServerAllowlist": ["bench"],
                    "store": format!("unix://{}", engine.socket().display()),
                },
                "userpool": {
                    "discoveryUrl": emulator.discovery_url(),
                    "clientId": emulator.client_id(),
                    "clientSecret": emulator.client_secret(),
                    "callbackUrl": callback(n),
                    "scope": "openid profile email offline_access",
                },
            });
            let state = folder.path().join(n.to_string());
            fs::create_dir(&state)?;
            let whole = json!({ "plugins": { "entries": { "agent-identity": { "config": config } } } });
            fs::write(state.join("openclaw.json"), whole.to_string())?;
            places.push(Place { state, key: key.clone() });
        }
        Ok(Self { binary, places, _emulator: emulator, _folder: folder })
    }

    fn serve(&self) -> Outcome<Vec<Process>> {
        self.places
            .iter()
            .map(|place| Process::until_ready(&mut place.command(self.binary, &["serve"])))
            .collect()
    }

    /// Logs alice in through one instance.
    fn log_in(&self, instance: usize, session: Option<&str>) -> Outcome<()> {
        let mut args = vec!["login", "--no-wait", "--json"];
        args.extend(session.iter().flat_map(|session| ["--session", session]));
        let answer = self.places[instance].command(self.binary, &args).output()?;
        let answer: Value = serde_json::from_slice(&answer.stdout)?;
        Browser::new()
            .log_in(answer["authUrl"].as_str().ok_or_else(|| format!("no link: {answer}"))?, "alice");
        Ok(())
    }

    /// One round of all clients: rates added up, the slowest instance's latencies, time on the processor for a request.
    fn load(&self, target: &str, servers: &[Process]) -> Outcome<Sample> {
        let clients = (CLIENTS / self.places.len()).max(1);
        let samples = std::thread::scope(|scope| {
            let one = |(place, server): (&Place, &Process)| {
                let (socket, id) = (place.socket(), server.id());
                scope.spawn(move || load::run(&socket, target, Mode::Keep, clients, ROUND, id))
            };
            let threads: Vec<_> = self.places.iter().zip(servers).map(one).collect();
            let joined = threads.into_iter().map(|thread| thread.join().map_err(|_| "a loader failed")?);
            joined.collect::<Outcome<Vec<_>>>()
        })?;
        let rate = samples.iter().map(|s| s.rate).sum::<f64>();
        let most = |of: fn(&Sample) -> f64| samples.iter().map(of).fold(0.0, f64::max);
        Ok(Sample {
            rate,
            p50_us: most(|s| s.p50_us),
            p99_us: most(|s| s.p99_us),
            cpu_us: samples.iter().map(|s| s.cpu_us * s.rate).sum::<f64>() / rate,
        })
    }

    /// Logins until the round has ended: how many, in how many seconds.
    fn logins(&self) -> Outcome<(usize, f64)> {
        let begin = Instant::now();
        let done = std::thread::scope(|scope| {
            let people: Vec<_> = (0..LOGIN_CLIENTS)
                .map(|person| {
                    scope.spawn(move || -> Outcome<usize> {
                        let mut done = 0;
                        while begin.elapsed() < LOGIN_ROUND {
                            let session = format!("agent:main:main:user:bench-{person}-{done}");
                            self.log_in((person + done) % self.places.len(), Some(&session))?;
                            done += 1;
                        }
                        Ok(done)
                    })
                })
                .collect();
            people
                .into_iter()
                .map(|person| person.join().map_err(|_| "a person failed")?)
                .sum::<Outcome<usize>>()
        })?;
        Ok((done, begin.elapsed().as_secs_f64()))
    }
}
