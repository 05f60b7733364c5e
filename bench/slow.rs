//! Clients that are slow, and more of them than there is room for.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use agent_identity::http::limits::MAX_CONNECTIONS;

use super::Outcome;
use super::load::{self, Mode, Sample, answer, request};
use super::process::Process;
use super::report::{Goal, Report, median};
use super::world::World;

const DRIPPING: usize = 64;
/// Between two bytes of one slow client.
const DRIP: Duration = Duration::from_millis(100);
const CLIENTS: usize = 4;
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_secs(1);
/// Newcomers that find everything taken.
const NEWCOMERS: usize = 200;
const BURST: usize = 400;
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn report(binary: &Path, report: &mut Report) -> Outcome<()> {
    let world = World::with_login(binary)?;
    let server = world.serve(binary)?;
    let socket = world.socket();
    load::run(&socket, "/token", Mode::Keep, CLIENTS, ROUND, server.id())?;
    report.heading("Slow clients, and too many");
    dripping(&socket, &server, report)?;
    beyond_the_cap(&socket, report)?;
    burst(&socket, report)?;
    server.stop()
}

fn dripping(socket: &Path, server: &Process, report: &mut Report) -> Outcome<()> {
    let mut rows = Vec::new();
    for (mode, title) in [(Mode::New, "a connection for each request"), (Mode::Keep, "keep-alive")] {
        let (mut alone, mut among) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let round = || load::run(socket, "/token", mode, CLIENTS, ROUND, server.id());
            alone.push(round()?);
            among.push(with_dripping(socket, round)?);
        }
        let p50 = |samples: &[Sample]| median(samples.iter().map(|sample| sample.p50_us).collect());
        let p99 = |samples: &[Sample]| median(samples.iter().map(|sample| sample.p99_us).collect());
        let ratio = p50(&among) / p50(&alone);
        let [goal, met] = report.judge(ratio, Goal::AtMost(1.3), " ×");
        let cells = [p50(&alone), p50(&among), p99(&alone), p99(&among)].map(|us| format!("{us:.0}"));
        let mut row = vec![title.to_owned()];
        row.extend(cells);
        row.extend([format!("{ratio:.2} ×"), goal, met]);
        rows.push(row);
    }
    report.paragraph(&format!(
        "{CLIENTS} clients alone, and beside {DRIPPING} that send a byte of a request every {} ms; medians of {ROUNDS} \
         interleaved rounds.",
        DRIP.as_millis()
    ));
    report.table(&["", "p50 µs", "among slow", "p99 µs", "among slow", "p50 ratio", "goal", ""], &rows);
    Ok(())
}

/// Runs something while slow clients hold connections.
fn with_dripping<T>(socket: &Path, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    let done = AtomicBool::new(false);
    let head = request("/token", Mode::Keep);
    let connect = || -> Outcome<UnixStream> {
        let mut stream = UnixStream::connect(socket)?;
        stream.write_all(&head.as_bytes()[..1])?;
        Ok(stream)
    };
    let mut slow: Vec<UnixStream> = (0..DRIPPING).map(|_| connect()).collect::<Outcome<_>>()?;
    std::thread::sleep(DRIP);
    std::thread::scope(|scope| {
        let drip = scope.spawn(|| -> Outcome<()> {
            for byte in head.as_bytes()[1..].iter().cycle() {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                // A round is shorter than the deadline of a head, and so nobody is sent away.
                slow.iter_mut().try_for_each(|stream| stream.write_all(&[*byte]))?;
                std::thread::sleep(DRIP);
            }
            Ok(())
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        drip.join().map_err(|_| "the slow clients failed")??;
        result
    })
}

fn beyond_the_cap(socket: &Path, report: &mut Report) -> Outcome<()> {
    // Every connection is in the middle of a request, so that none can be asked to make room.
    let head = "POST /tool/identity_whoami HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                Content-Length: 14\r\n\r\n{\"params\": ";
    let begun = (0..MAX_CONNECTIONS).map(|_| {
        let mut stream = UnixStream::connect(socket)?;
        stream.write_all(head.as_bytes())?;
        Ok(stream)
    });
    let begun: Vec<UnixStream> = begun.collect::<Outcome<_>>()?;
    let newcomer = || -> Outcome<(u16, f64)> {
        let begin = Instant::now();
        let mut stream = UnixStream::connect(socket)?;
        stream.write_all(request("/healthz", Mode::New).as_bytes())?;
        let status = answer(&mut stream, &mut [0; 4096])?;
        Ok((status, begin.elapsed().as_secs_f64() * 1e6))
    };
    let end = Instant::now() + PATIENCE;
    while newcomer()?.0 != 503 {
        if Instant::now() > end {
            return Err("the connections are never all in use".into());
        }
    }
    let mut times = Vec::new();
    for _ in 0..NEWCOMERS {
        match newcomer()? {
            (503, micros) => times.push(micros),
            (status, _) => return Err(format!("a newcomer got {status}").into()),
        }
    }
    let answered = begun.into_iter().map(|mut stream| {
        stream.write_all(b"{}}")?;
        answer(&mut stream, &mut [0; 4096])
    });
    let answered = answered.collect::<Outcome<Vec<u16>>>()?.iter().filter(|status| **status == 200).count();
    let worst = times.iter().copied().fold(0.0, f64::max);
    report.paragraph(&format!(
        "With all {MAX_CONNECTIONS} connections in the middle of a request, {NEWCOMERS} newcomers all got 503, after {:.0} µs \
         (median; the slowest {worst:.0} µs); then {answered} of the {MAX_CONNECTIONS} requests ended and were answered with \
         200.",
        median(times),
    ));
    if answered == MAX_CONNECTIONS { Ok(()) } else { Err("requests were lost".into()) }
}

/// Far more clients than connections, all at once and again and again.
fn burst(socket: &Path, report: &mut Report) -> Outcome<()> {
    let (served, refused, lost) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let end = Instant::now() + 2 * ROUND;
    std::thread::scope(|scope| {
        for _ in 0..BURST {
            let client = || {
                while Instant::now() < end {
                    let ask = || -> Outcome<u16> {
                        let mut stream = UnixStream::connect(socket)?;
                        stream.write_all(request("/token", Mode::New).as_bytes())?;
                        answer(&mut stream, &mut [0; 8192])
                    };
                    let count = match ask() {
                        Ok(200) => &served,
                        Ok(503) => &refused,
                        _ => &lost,
                    };
                    count.fetch_add(1, Ordering::Relaxed);
                }
            };
            let _ = std::thread::Builder::new().stack_size(256 * 1024).spawn_scoped(scope, client);
        }
    });
    let lost = lost.into_inner();
    let [goal, met] = report.judge(lost as f64, Goal::AtMost(0.0), "");
    report.paragraph(&format!(
        "{BURST} clients at once, each on new connections for {} s: {} answers 200, {} answers 503, {lost} without an answer \
         (goal {goal}: {met}).",
        2 * ROUND.as_secs(),
        served.into_inner(),
        refused.into_inner(),
    ));
    Ok(())
}
