//! A small load generator for HTTP over Unix sockets, for `make bench`.
//!
//! `load SOCKET TARGET MODE CLIENTS SECONDS [PID]` with MODE `new` (a connection per request) or `keep` (keep-alive).
//! Prints one line of `name=value` pairs: requests per second, latency percentiles in microseconds, and, for the server
//! process PID, CPU microseconds per request and resident memory in KiB. Bounded in count and time; any answer but a
//! 200 ends it.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "it measures time and reports on standard output"
)]

use std::error::Error;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [socket, target, mode, clients, seconds, rest @ ..] = args.as_slice() else {
        return Err("usage: load SOCKET TARGET new|keep CLIENTS SECONDS [PID]".into());
    };
    let (clients, seconds): (usize, u64) = (clients.parse()?, seconds.parse()?);
    if !(1..=64).contains(&clients)
        || !(1..=60).contains(&seconds)
        || !matches!(mode.as_str(), "new" | "keep")
    {
        return Err("CLIENTS from 1 to 64, SECONDS from 1 to 60, MODE new or keep".into());
    }
    let pid = rest.first();
    let cpu_before = pid.map(|pid| cpu_micros(pid)).transpose()?;
    let start = Instant::now();
    let end = start + Duration::from_secs(seconds);
    let mut latencies = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..clients).map(|_| scope.spawn(|| run(socket, target, mode == "new", end))).collect();
        let mut all = Vec::new();
        for thread in threads {
            all.extend(thread.join().map_err(|_| "a client failed")??);
        }
        Outcome::Ok(all)
    })?;
    let elapsed = start.elapsed();
    latencies.sort_unstable();
    let count = latencies.len().max(1);
    let percentile =
        |p: usize| latencies.get(count * p / 100).or_else(|| latencies.last()).copied().unwrap_or_default();
    let rate = count as f64 / elapsed.as_secs_f64();
    print!("requests={count} rate={rate:.0} p50_us={} p99_us={}", percentile(50), percentile(99));
    if let (Some(pid), Some(before)) = (pid, cpu_before) {
        let cpu = (cpu_micros(pid)? - before) as f64 / count as f64;
        print!(" cpu_us={cpu:.1} rss_kib={}", rss_kib(pid)?);
    }
    println!();
    Ok(())
}

fn run(socket: &str, target: &str, new_connections: bool, end: Instant) -> Outcome<Vec<u32>> {
    let close = if new_connections { "Connection: close\r\n" } else { "" };
    let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{close}\r\n");
    let (mut latencies, mut buffer, mut open) = (Vec::new(), vec![0; 64 * 1024], None);
    loop {
        let begin = Instant::now();
        if begin >= end {
            return Ok(latencies);
        }
        let mut stream = match open.take() {
            Some(stream) => stream,
            None => UnixStream::connect(socket)?,
        };
        stream.write_all(request.as_bytes())?;
        answer(&mut stream, &mut buffer)?;
        latencies.push(u32::try_from(begin.elapsed().as_micros())?);
        if !new_connections {
            open = Some(stream);
        }
    }
}

/// Reads one whole answer: head, then as many bytes as it announces.
fn answer(stream: &mut UnixStream, buffer: &mut [u8]) -> Outcome<()> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..])?;
        if read == 0 {
            return Err("the server closed in the middle of an answer".into());
        }
        filled += read;
        let Some(head_end) = buffer[..filled].windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        let head = std::str::from_utf8(&buffer[..head_end])?;
        if !head.starts_with("HTTP/1.1 200") {
            return Err(head.lines().next().unwrap_or_default().to_owned().into());
        }
        let length = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length: usize = length.ok_or("no content-length")?.1.trim().parse()?;
        if filled >= head_end + 4 + length {
            return Ok(());
        }
    }
}

/// User and system time of a process; the kernel counts in ticks of 10 ms.
fn cpu_micros(pid: &str) -> Outcome<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<_> = stat.rsplit_once(')').ok_or("stat")?.1.split_whitespace().collect();
    Ok((fields[11].parse::<u64>()? + fields[12].parse::<u64>()?) * 10_000)
}

fn rss_kib(pid: &str) -> Outcome<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
