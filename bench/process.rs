//! Processes under measurement, and what `/proc` says of them.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::Outcome;

/// The kernel counts processor time in ticks of this many microseconds (USER_HZ is 100 everywhere).
const TICK_MICROS: u64 = 10_000;

/// A child process with lines in and out; ended when dropped.
pub(crate) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts a program. What it complains of is seen on our standard error only with `BENCH_LOG` set.
    pub(crate) fn start(command: &mut Command) -> Outcome<Self> {
        let log = if std::env::var_os("BENCH_LOG").is_some_and(|value| !value.is_empty()) {
            Stdio::inherit()
        } else {
            Stdio::null()
        };
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).spawn()?;
        let output = child.stdout.take().ok_or("no standard output")?;
        Ok(Self { input: child.stdin.take(), lines: BufReader::new(output).lines(), child })
    }

    /// Starts a program and waits for its line that begins with `ready`.
    pub(crate) fn until_ready(command: &mut Command) -> Outcome<Self> {
        let mut process = Self::start(command)?;
        while !process.line()?.starts_with("ready") {}
        Ok(process)
    }

    pub(crate) fn line(&mut self) -> Outcome<String> {
        Ok(self.lines.next().ok_or("the program has ended; BENCH_LOG=1 shows its log")??)
    }

    pub(crate) fn say(&mut self, line: &str) -> Outcome<()> {
        let input = self.input.as_mut().ok_or("its input is closed")?;
        Ok(input.write_all(line.as_bytes())?)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as an operator does.
    pub(crate) fn stop(mut self) -> Outcome<()> {
        self.terminate()
    }

    fn terminate(&mut self) -> Outcome<()> {
        drop(self.input.take());
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).stderr(Stdio::null()).status()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            let _ = self.terminate();
        }
    }
}

/// User and system time of a process and its children, in microseconds.
pub(crate) fn cpu_micros(id: u32) -> Outcome<u64> {
    family(id)?.into_iter().map(own_cpu_micros).sum()
}

fn own_cpu_micros(id: u32) -> Outcome<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The name before it may hold anything; proc(5) counts utime as field 14, the third is the first behind the name.
    let fields: Vec<_> = stat.rsplit_once(')').ok_or("stat")?.1.split_whitespace().collect();
    Ok((fields[11].parse::<u64>()? + fields[12].parse::<u64>()?) * TICK_MICROS)
}

/// Resident memory of a process and its children, in KiB.
pub(crate) fn rss_kib(id: u32) -> Outcome<u64> {
    family(id)?.into_iter().map(own_rss_kib).sum()
}

fn own_rss_kib(id: u32) -> Outcome<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

fn family(id: u32) -> Outcome<Vec<u32>> {
    let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"))?;
    let mut all = vec![id];
    for child in children.split_whitespace() {
        all.push(child.parse()?);
    }
    Ok(all)
}

/// Whether a program can be found.
pub(crate) fn has(program: &str) -> bool {
    let path = std::env::var("PATH").unwrap_or_default();
    path.split(':').any(|folder| std::path::Path::new(folder).join(program).is_file())
}
