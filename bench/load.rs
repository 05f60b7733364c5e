//! A small load generator for HTTP over Unix sockets: closed loop, a thread for each client, bounded in time.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Barrier, Mutex};
use std::time::{Duration, Instant};

use super::Outcome;
use super::process::cpu_micros;

/// How the clients come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A connection for each request, closed by the server.
    New,
    /// One connection for all requests.
    Keep,
}

/// What one round showed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) rate: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) cpu_us: f64,
}

/// Has `clients` ask for `target` for so long; `server` is the process whose time is counted. Any answer but 200 is an
/// error.
///
/// Connections that are kept are opened and used one after the other before the time begins: how a crowd gets through the door
/// is what [`Mode::New`] measures.
pub(crate) fn run(
    socket: &Path,
    target: &str,
    mode: Mode,
    clients: usize,
    duration: Duration,
    server: u32,
) -> Outcome<Sample> {
    let (turn, begun) = (Mutex::new(()), Barrier::new(clients + 1));
    let (elapsed, cpu, latencies) = std::thread::scope(|scope| {
        let client = || {
            let ready = {
                let _turn = turn.lock();
                Client::ready(socket, target, mode)
            };
            begun.wait();
            ready?.ask_for(duration)
        };
        let threads: Vec<_> = (0..clients).map(|_| scope.spawn(client)).collect();
        begun.wait();
        let (start, cpu) = (Instant::now(), cpu_micros(server)?);
        let mut all = Vec::new();
        for thread in threads {
            all.push(thread.join().map_err(|_| "a client failed")??);
        }
        Outcome::Ok((start.elapsed().as_secs_f64(), cpu_micros(server)? - cpu, all))
    })?;
    let mut all = latencies.concat();
    all.sort_unstable();
    let count = all.len().max(1);
    let percentile = |p: usize| f64::from(all.get(count * p / 100).copied().unwrap_or_default()) / 1e3;
    Ok(Sample {
        rate: count as f64 / elapsed,
        p50_us: percentile(50),
        p99_us: percentile(99),
        cpu_us: cpu as f64 / count as f64,
    })
}

/// Requests on a kept connection before the time begins.
const FIRST_REQUESTS: usize = 300;

/// One that asks, and waits for the answer before it asks again.
struct Client<'a> {
    socket: &'a Path,
    request: String,
    mode: Mode,
    open: Option<UnixStream>,
    usual: Usual,
    buffer: Vec<u8>,
}

impl<'a> Client<'a> {
    fn ready(socket: &'a Path, target: &str, mode: Mode) -> Outcome<Self> {
        let request = request(target, mode);
        let mut client =
            Self { socket, request, mode, open: None, usual: Usual::default(), buffer: vec![0; 64 * 1024] };
        if mode == Mode::Keep {
            (0..FIRST_REQUESTS).try_for_each(|_| client.ask())?;
        }
        Ok(client)
    }

    /// Nanoseconds of each request until `duration` is over.
    fn ask_for(mut self, duration: Duration) -> Outcome<Vec<u32>> {
        let mut latencies = Vec::new();
        let mut begin = Instant::now();
        let end = begin + duration;
        while begin < end {
            self.ask()?;
            // The end of one is the beginning of the next: one look at the clock for each.
            let now = Instant::now();
            latencies.push(u32::try_from((now - begin).as_nanos())?);
            begin = now;
        }
        Ok(latencies)
    }

    fn ask(&mut self) -> Outcome<()> {
        let mut stream = match self.open.take() {
            Some(stream) => stream,
            None => UnixStream::connect(self.socket)?,
        };
        stream.write_all(self.request.as_bytes())?;
        let status = self.usual.answer(&mut stream, &mut self.buffer)?;
        if status != 200 {
            return Err(format!("status {status} for {:?}", self.request).into());
        }
        if self.mode == Mode::Keep {
            self.open = Some(stream);
        }
        Ok(())
    }
}

pub(crate) fn request(target: &str, mode: Mode) -> String {
    let close = if mode == Mode::New { "Connection: close\r\n" } else { "" };
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{close}\r\n")
}

/// One request on a connection of its own: status and body.
pub(crate) fn get(socket: &Path, target: &str) -> Outcome<(u16, String)> {
    let mut stream = UnixStream::connect(socket)?;
    stream.write_all(request(target, Mode::New).as_bytes())?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or("no answer")?;
    Ok((status(head)?, body.to_owned()))
}

/// The answer that most are like: one as long as that with the same status need not be read anew. The loader shares the cores with
/// the servers, so what it saves is not measured as theirs.
#[derive(Default)]
struct Usual {
    length: usize,
}

impl Usual {
    /// As [`answer`], for answers of 200 that come whole.
    fn answer(&mut self, stream: &mut UnixStream, buffer: &mut [u8]) -> Outcome<u16> {
        let read = stream.read(buffer)?;
        if read == self.length && buffer.starts_with(b"HTTP/1.1 200 ") {
            return Ok(200);
        }
        let (status, length) = rest(stream, buffer, read)?;
        if status == 200 {
            self.length = length;
        }
        Ok(status)
    }
}

/// Reads one whole answer, its head and as many bytes as that announces, and returns its status.
pub(crate) fn answer(stream: &mut UnixStream, buffer: &mut [u8]) -> Outcome<u16> {
    let read = stream.read(buffer)?;
    Ok(rest(stream, buffer, read)?.0)
}

/// Reads on after the first bytes of an answer: its status and its length.
fn rest(stream: &mut UnixStream, buffer: &mut [u8], mut read: usize) -> Outcome<(u16, usize)> {
    let mut filled = 0;
    loop {
        if read == 0 {
            return Err("the server closed before the end of its answer".into());
        }
        filled += read;
        if let Some(end) = buffer[..filled].windows(4).position(|window| window == b"\r\n\r\n") {
            let head = std::str::from_utf8(&buffer[..end])?;
            let length = head
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
            let length = end + 4 + length.ok_or("no content-length")?.1.trim().parse::<usize>()?;
            if filled >= length {
                return Ok((status(head)?, length));
            }
        }
        read = stream.read(&mut buffer[filled..])?;
    }
}

fn status(head: &str) -> Outcome<u16> {
    Ok(head.get(9..12).ok_or("a short answer")?.parse()?)
}
