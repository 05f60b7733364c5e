//! The budget: size, memory and start of a binary.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Instant;

use super::load::{Mode, answer, get, request};
use super::process::Process;
use super::report::{Goal, Report, median};
use super::world::World;
use super::{Outcome, process};

const REQUESTS: usize = 10_000;
const CLIENTS: usize = 4;
const IDLE_CONNECTIONS: usize = 64;
const SESSIONS: usize = 1_000;
/// Starts of which the median counts.
const STARTS: usize = 31;

/// What one binary costs.
struct Costs {
    file_mib: f64,
    idle_mib: f64,
    growth_mib: f64,
    connections_mib: f64,
    sessions_mib: f64,
    healthz_ms: f64,
    token_ms: f64,
}

/// The table; only the static binary has a budget.
pub(crate) fn report(binary: &Path, dynamic: Option<&Path>) -> Outcome<Report> {
    let costs = measure(binary)?;
    let other = dynamic.map(measure).transpose()?;
    let mut report = Report::new();
    report.heading("Size, memory, start");
    report.paragraph(&format!(
        "Memory is resident memory of the process, mapped pages of its file included. Starts are medians of {STARTS}, from \
         before the process is made to the last byte of the answer; the first token comes from a stored login and the \
         emulated cloud on loopback."
    ));
    type Row = (&'static str, fn(&Costs) -> f64, f64, &'static str);
    let rows: [Row; 7] = [
        ("binary, stripped", |c| c.file_mib, 3.5, " MiB"),
        ("memory after the start", |c| c.idle_mib, 3.0, " MiB"),
        ("more after 10,000 requests", |c| c.growth_mib, 1.0, " MiB"),
        ("memory with 64 idle connections", |c| c.connections_mib, 6.0, " MiB"),
        ("memory with 1,000 sessions", |c| c.sessions_mib, 6.0, " MiB"),
        ("start to `/healthz`", |c| c.healthz_ms, 3.0, " ms"),
        ("start to the first `/token`", |c| c.token_ms, 15.0, " ms"),
    ];
    let rows: Vec<_> = rows
        .iter()
        .map(|(what, of, limit, unit)| {
            let [goal, met] = report.judge(of(&costs), Goal::AtMost(*limit), unit);
            let dynamic = other.as_ref().map(|other| format!("{:.2}{unit}", of(other))).unwrap_or_default();
            vec![(*what).to_owned(), format!("{:.2}{unit}", of(&costs)), goal, met, dynamic]
        })
        .collect();
    report.table(&["", "static (musl)", "goal", "", "dynamic (glibc)"], &rows);
    Ok(report)
}

fn measure(binary: &Path) -> Outcome<Costs> {
    let world = World::with_login(binary)?;
    let server = world.serve(binary)?;
    get(&world.socket(), "/healthz")?;
    let idle = mib(&server)?;
    requests(&world)?;
    let busy = mib(&server)?;
    server.stop()?;

    let server = world.serve(binary)?;
    let held = (0..IDLE_CONNECTIONS).map(|_| {
        let mut stream = UnixStream::connect(world.socket())?;
        std::io::Write::write_all(&mut stream, request("/healthz", Mode::Keep).as_bytes())?;
        answer(&mut stream, &mut [0; 4096])?;
        Ok(stream)
    });
    let held: Vec<UnixStream> = held.collect::<Outcome<_>>()?;
    let connections_mib = mib(&server)?;
    drop(held);
    server.stop()?;

    let healthz_ms = start(&world, binary, "/healthz")?;
    let token_ms = start(&world, binary, "/token")?;

    world.fill(SESSIONS)?;
    world.serve(binary)?.stop()?; // seals them
    let server = world.serve(binary)?;
    let sessions_mib = mib(&server)?;
    server.stop()?;
    Ok(Costs {
        file_mib: std::fs::metadata(binary)?.len() as f64 / 1_048_576.0,
        idle_mib: idle,
        growth_mib: busy - idle,
        connections_mib,
        sessions_mib,
        healthz_ms,
        token_ms,
    })
}

fn requests(world: &World) -> Outcome<()> {
    std::thread::scope(|scope| {
        let client = || {
            for _ in 0..REQUESTS / CLIENTS {
                get(&world.socket(), "/token")?;
            }
            Outcome::Ok(())
        };
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        clients.into_iter().try_for_each(|client| client.join().map_err(|_| "a client failed")?)
    })
}

/// Milliseconds from before the process is made to its first answer.
fn start(world: &World, binary: &Path, target: &str) -> Outcome<f64> {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let begin = Instant::now();
        let server = world.serve(binary)?;
        let (status, _) = get(&world.socket(), target)?;
        times.push(begin.elapsed().as_secs_f64() * 1e3);
        if status != 200 {
            return Err(format!("{target}: status {status}").into());
        }
        server.stop()?;
    }
    Ok(median(times))
}

fn mib(server: &Process) -> Outcome<f64> {
    Ok(process::rss_kib(server.id())? as f64 / 1024.0)
}
