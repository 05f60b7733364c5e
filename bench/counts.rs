//! Instructions, counted by callgrind: they say the same on a busy machine.
//!
//! Each figure is the difference between a run that does it often and one that does it less often, so that start, login
//! and end are not in it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};

use super::Outcome;
use super::load::{Mode, answer, request};
use super::process::has;
use super::report::Report;
use super::world::World;

/// Few and many requests, and few and many verdicts: a verdict takes some hundred times as long.
const REQUESTS: [usize; 2] = [500, 1_500];
const VERDICTS: [usize; 2] = [5, 25];
/// One that the parser has some work with, and that the rules do not stop at early.
const COMMAND: &str = "cd /srv/app && git fetch --all | tail -n 3; for f in *.log; do gzip -9 \"$f\"; done";

pub(crate) fn report(binary: &Path, report: &mut Report) -> Outcome<()> {
    report.heading("Where the time goes");
    if !has("valgrind") {
        report.skipped("instruction counts", "valgrind is not installed");
        return Ok(());
    }
    let world = World::with_login(binary)?;
    let token = each(REQUESTS, |count| tokens(&world, binary, count))?;
    let verdict = each(VERDICTS, |count| verdicts(&world, binary, count))?;
    report.paragraph(
        "Instructions in the process, counted by callgrind in the static binary: the difference between many times and few, for \
         each. They do not depend on how busy the machine is, so a regression shows here first.",
    );
    let rows = [
        ("`GET /token` with a cached token, on an open connection".to_owned(), token),
        (format!("a verdict of the risk engine: `{}`", COMMAND.replace('|', "\\|")), verdict),
    ];
    let rows: Vec<_> = rows.into_iter().map(|(what, count)| vec![what, format!("{count:.0}")]).collect();
    report.table(&["", "instructions"], &rows);
    Ok(())
}

fn each([few, many]: [usize; 2], run: impl Fn(usize) -> Outcome<u64>) -> Outcome<f64> {
    Ok((run(many)? as f64 - run(few)? as f64) / (many - few) as f64)
}

/// The program below callgrind.
fn counted(world: &World, binary: &Path, args: &[&str]) -> Command {
    let mut command = world.command(Path::new("valgrind"), &["--tool=callgrind"]);
    command.arg("--callgrind-out-file=/dev/null").arg(binary).args(args);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn tokens(world: &World, binary: &Path, count: usize) -> Outcome<u64> {
    let mut server = counted(world, binary, &["serve"]).spawn()?;
    let output = server.stdout.take().ok_or("no standard output")?;
    let ready = std::io::BufRead::lines(std::io::BufReader::new(output))
        .any(|line| line.is_ok_and(|it| it == "ready"));
    let ask = || -> Outcome<()> {
        let mut stream = UnixStream::connect(world.socket())?;
        for _ in 0..count {
            stream.write_all(request("/token", Mode::Keep).as_bytes())?;
            match answer(&mut stream, &mut [0; 8192])? {
                200 => {}
                status => return Err(format!("status {status}").into()),
            }
        }
        Ok(())
    };
    let asked = if ready { ask() } else { Err("the server did not start".into()) };
    Command::new("kill").args(["-TERM", &server.id().to_string()]).status()?;
    let log = server.wait_with_output()?.stderr;
    asked?;
    collected(&log)
}

fn verdicts(world: &World, binary: &Path, count: usize) -> Outcome<u64> {
    let mut program = counted(world, binary, &["risk", "--batch"]).spawn()?;
    let mut lines = String::new();
    for id in 0..count {
        writeln!(lines, "{}", serde_json::json!({ "id": id, "command": COMMAND }))?;
    }
    let mut input = program.stdin.take().ok_or("no standard input")?;
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = program.wait_with_output()?;
    writer.join().map_err(|_| "the writer failed")??;
    collected(&output.stderr)
}

/// `==1== Collected : 12345`
fn collected(log: &[u8]) -> Outcome<u64> {
    let log = String::from_utf8_lossy(log);
    let count = log.lines().find_map(|line| line.split_once("Collected : "));
    Ok(count.ok_or_else(|| format!("callgrind has not counted: {log}"))?.1.trim().parse()?)
}
