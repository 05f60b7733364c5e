//! The same load on our server and on others, interleaved.
//!
//! nginx answers with a constant and checks nobody: it is what the machine can do. The Node and Go servers do what a
//! careful author would do in those languages: they look at the peer in `/proc`, once per connection.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::Outcome;
use super::load::{self, Mode, Sample, get};
use super::process::{Process, has, rss_kib};
use super::report::{Goal, Report, median};
use super::world::{World, scratch};

const CLIENTS: usize = 4;
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_secs(2);

struct Contestant {
    name: &'static str,
    process: Process,
    socket: std::path::PathBuf,
    new: Vec<Sample>,
    keep: Vec<Sample>,
    rss_kib: u64,
}

impl Contestant {
    fn new(name: &'static str, process: Process, socket: std::path::PathBuf) -> Outcome<Self> {
        // Some print nothing when they are ready.
        for _ in 0..500 {
            if get(&socket, "/token").is_ok() {
                return Ok(Self { name, process, socket, new: Vec::new(), keep: Vec::new(), rss_kib: 0 });
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err(format!("{name} does not answer; BENCH_LOG=1 shows its log").into())
    }

    fn samples(&self, mode: Mode) -> &[Sample] {
        if mode == Mode::New { &self.new } else { &self.keep }
    }

    fn median(&self, mode: Mode, of: fn(&Sample) -> f64) -> f64 {
        median(self.samples(mode).iter().map(of).collect())
    }

    fn round(&mut self, mode: Mode) -> Outcome<()> {
        let sample = load::run(&self.socket, "/token", mode, CLIENTS, ROUND, self.process.id())
            .map_err(|error| format!("{}: {error}", self.name))?;
        if mode == Mode::New {
            self.new.push(sample)
        } else {
            self.keep.push(sample)
        }
        self.rss_kib = self.rss_kib.max(rss_kib(self.process.id())?);
        Ok(())
    }
}

pub(crate) fn report(binary: &Path, dynamic: &Path, report: &mut Report) -> Outcome<()> {
    let (world, other) = (World::with_login(binary)?, World::with_login(dynamic)?);
    let folder = scratch()?;
    let ours = Contestant::new("ours", world.serve(binary)?, world.socket())?;
    let (_, body) = get(&ours.socket, "/token")?;
    let mut all = vec![ours, Contestant::new("ours, glibc", other.serve(dynamic)?, other.socket())?];
    report.heading("Beside other servers");
    for (name, program, start) in [
        ("nginx", "nginx", nginx as fn(&TempDir, &str) -> Outcome<Process>),
        ("Node", "node", node),
        ("Go", "go", go),
    ] {
        if has(program) || Path::new("/usr/sbin").join(program).is_file() {
            all.push(Contestant::new(name, start(&folder, &body)?, socket(&folder, program))?);
        } else {
            report.skipped(name, &format!("{program} is not installed"));
        }
    }
    // Not in turn: a crowd of new connections leaves threads on other cores than their clients' for seconds.
    for mode in [Mode::Keep, Mode::New] {
        for _ in 0..ROUNDS {
            all.iter_mut().try_for_each(|contestant| contestant.round(mode))?;
        }
    }
    report.paragraph(&format!(
        "`GET /token` with a cached token, {} bytes of body, {CLIENTS} clients, medians of {ROUNDS} interleaved rounds of \
         {} s. nginx answers with a constant and checks nobody; Node and Go look at the peer in `/proc` as we do. The \
         loader shares the cores with the servers, so ratios mean more than rates.",
        body.len(),
        ROUND.as_secs(),
    ));
    for (mode, title) in [(Mode::New, "a connection for each request"), (Mode::Keep, "keep-alive")] {
        let rows: Vec<_> = all.iter().map(|contestant| row(contestant, &all[0], mode)).collect();
        report.table(&[title, "requests/s", "ours is", "p50 µs", "p99 µs", "CPU µs", "memory KiB"], &rows);
    }
    goals(&all, report);
    all.into_iter().try_for_each(|contestant| contestant.process.stop())
}

fn row(contestant: &Contestant, ours: &Contestant, mode: Mode) -> Vec<String> {
    let rate = contestant.median(mode, |sample| sample.rate);
    vec![
        contestant.name.to_owned(),
        format!("{rate:.0}"),
        format!("{:.2} ×", ours.median(mode, |sample| sample.rate) / rate),
        format!("{:.0}", contestant.median(mode, |sample| sample.p50_us)),
        format!("{:.0}", contestant.median(mode, |sample| sample.p99_us)),
        format!("{:.1}", contestant.median(mode, |sample| sample.cpu_us)),
        contestant.rss_kib.to_string(),
    ]
}

fn goals(all: &[Contestant], report: &mut Report) {
    use Goal::{AtLeast, AtMost};
    type Of = fn(&Sample) -> f64;
    let (rate, cpu): (Of, Of) = (|sample| sample.rate, |sample| sample.cpu_us);
    let goals = [
        ("new connections, requests/s", Mode::New, rate, [AtLeast(0.55), AtLeast(3.3), AtLeast(2.1)]),
        ("keep-alive, requests/s", Mode::Keep, rate, [AtLeast(1.1), AtLeast(2.5), AtLeast(1.7)]),
    ];
    let of_nginx = [
        ("new connections, CPU per request", Mode::New, cpu, AtMost(2.5)),
        ("keep-alive, CPU per request", Mode::Keep, cpu, AtMost(1.0)),
    ];
    let goals = goals.into_iter().flat_map(|(what, mode, of, goals)| {
        ["nginx", "Node", "Go"].into_iter().zip(goals).map(move |(other, goal)| (what, mode, of, other, goal))
    });
    let of_nginx = of_nginx.into_iter().map(|(what, mode, of, goal)| (what, mode, of, "nginx", goal));
    let mut rows = Vec::new();
    for (what, mode, of, other, goal) in goals.chain(of_nginx) {
        let Some(contestant) = all.iter().find(|contestant| contestant.name == other) else { continue };
        let ratio = all[0].median(mode, of) / contestant.median(mode, of);
        let [goal, met] = report.judge(ratio, goal, " ×");
        rows.push(vec![what.to_owned(), other.to_owned(), format!("{ratio:.2} ×"), goal, met]);
    }
    report.table(&["ours to others", "", "ratio", "goal", ""], &rows);
}

fn socket(folder: &TempDir, program: &str) -> std::path::PathBuf {
    folder.path().join(program).with_extension("sock")
}

/// A worker for each core, as packaged.
fn nginx(folder: &TempDir, body: &str) -> Outcome<Process> {
    let (path, socket) = (folder.path(), socket(folder, "nginx"));
    let config = format!(
        "daemon off; worker_processes auto; pid {0}/nginx.pid; error_log stderr; events {{ worker_connections 1024; }}\n\
         http {{ access_log off; keepalive_requests 1000000000; client_body_temp_path {0}; proxy_temp_path {0};\n\
         fastcgi_temp_path {0}; uwsgi_temp_path {0}; scgi_temp_path {0};\n\
         server {{ listen unix:{1}; default_type application/json; location / {{ return 200 '{body}'; }} }} }}\n",
        path.display(),
        socket.display(),
    );
    let file = path.join("nginx.conf");
    fs::write(&file, config)?;
    Process::start(Command::new("nginx").arg("-e").arg("stderr").arg("-c").arg(file).env("PATH", PATH))
}

/// Where packages put servers.
const PATH: &str = "/usr/sbin:/usr/local/sbin:/usr/bin:/bin:/usr/local/bin";

fn node(folder: &TempDir, body: &str) -> Outcome<Process> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/node-server.mjs");
    Process::start(Command::new("node").arg(script).arg(socket(folder, "node")).arg(body))
}

fn go(folder: &TempDir, body: &str) -> Outcome<Process> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/go-server.go");
    let program = folder.path().join("go-server");
    let built = Command::new("go").arg("build").arg("-o").arg(&program).arg(source).status()?;
    if !built.success() {
        return Err("bench/go-server.go does not build".into());
    }
    Process::start(Command::new(program).arg(socket(folder, "go")).arg(body))
}
