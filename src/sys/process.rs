//! Running a program that answers on its standard output, within limits: of time, of silence, of bytes.
//!
//! The program gets exactly the environment it is given, in a process group of its own. Whatever ends the run early ends
//! the whole group, so that nothing it started goes on without us.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, Signal, kill_process_group};

use super::clock::monotonic;

/// How often a program is looked at that has closed its output and goes on.
const LAST_BREATH: Duration = Duration::from_millis(5);

/// What to run, and how long and how much it may.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// The program's absolute path.
    pub program: &'a Path,
    /// Its arguments.
    pub arguments: &'a [String],
    /// Its working directory.
    pub folder: &'a Path,
    /// Its whole environment.
    pub environment: &'a [(String, String)],
    /// What it reads on its standard input, which then ends.
    pub input: &'a [u8],
    /// How long it may take in all.
    pub timeout: Duration,
    /// How long it may be silent.
    pub silence: Duration,
    /// How many bytes it may write to standard output and standard error together.
    pub max_output: usize,
}

/// How a run ended.
#[derive(Debug)]
pub enum Ended {
    /// By itself; with what it wrote to standard output. Standard error is read and dropped.
    Exited(ExitStatus, Vec<u8>),
    /// It took too long.
    TimedOut,
    /// It wrote nothing for too long.
    Silent,
    /// It wrote too much.
    TooMuch,
}

/// Runs a program to its end.
///
/// # Errors
/// When it cannot be started, or its pipes fail.
pub fn run(run: &Run<'_>) -> io::Result<Ended> {
    let mut child = Command::new(run.program)
        .args(run.arguments)
        .current_dir(run.folder)
        .env_clear()
        .envs(run.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    let talked = Talk::new(&mut child, run).and_then(|talk| talk.finish(&mut child));
    if !matches!(talked, Ok(Ended::Exited(..))) {
        end_group(&child);
        let _ = child.wait();
    }
    talked
}

/// The three pipes of a running program.
struct Talk<'a> {
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    input: &'a [u8],
    output: Vec<u8>,
    left: usize,
    end: Duration,
    silence: Duration,
    silent_end: Duration,
}

impl<'a> Talk<'a> {
    fn new(child: &mut Child, run: &Run<'a>) -> io::Result<Self> {
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        stdin.as_ref().map(AsFd::as_fd).map(never_wait).transpose()?;
        stdout.as_ref().map(AsFd::as_fd).map(never_wait).transpose()?;
        stderr.as_ref().map(AsFd::as_fd).map(never_wait).transpose()?;
        let now = monotonic();
        Ok(Self {
            stdin,
            stdout,
            stderr,
            input: run.input,
            output: Vec::new(),
            left: run.max_output,
            end: now + run.timeout,
            silence: run.silence,
            silent_end: now + run.silence,
        })
    }

    fn finish(mut self, child: &mut Child) -> io::Result<Ended> {
        loop {
            let now = monotonic();
            if now >= self.end {
                return Ok(Ended::TimedOut);
            }
            if now >= self.silent_end {
                return Ok(Ended::Silent);
            }
            let mut wait = self.end.min(self.silent_end).saturating_sub(now);
            if self.stdout.is_none() && self.stderr.is_none() {
                if let Some(status) = child.try_wait()? {
                    return Ok(Ended::Exited(status, self.output));
                }
                wait = wait.min(LAST_BREATH);
            }
            self.wait(wait)?;
            self.write()?;
            if !self.read()? {
                return Ok(Ended::TooMuch);
            }
        }
    }

    /// Until a pipe has something to do, or the time is over.
    fn wait(&self, at_most: Duration) -> io::Result<()> {
        let mut pipes = Vec::with_capacity(3);
        pipes.extend(self.stdin.iter().map(|pipe| PollFd::new(pipe, PollFlags::OUT)));
        pipes.extend(self.stdout.iter().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        pipes.extend(self.stderr.iter().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        // Rounded up, or the last millisecond would be waited for in a busy loop.
        let at_most = Timespec::try_from(at_most + Duration::from_millis(1)).map_err(io::Error::other)?;
        match poll(&mut pipes, Some(&at_most)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Hands over what the program takes. One that does not read is no failure: it may not need to.
    fn write(&mut self) -> io::Result<()> {
        let Some(pipe) = &mut self.stdin else { return Ok(()) };
        while !self.input.is_empty() {
            match pipe.write(self.input) {
                Ok(0) => break,
                Ok(written) => self.input = &self.input[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::BrokenPipe => break,
                Err(error) => return Err(error),
            }
        }
        self.stdin = None;
        Ok(())
    }

    /// Takes what the program has written; false when it is too much.
    fn read(&mut self) -> io::Result<bool> {
        let mut chunk = [0; 16 * 1024];
        let mut dropped = Vec::new();
        let before = self.left;
        let goes_on = drain(&mut self.stdout, &mut chunk, &mut self.left, &mut self.output)?
            && drain(&mut self.stderr, &mut chunk, &mut self.left, &mut dropped)?;
        if self.left != before {
            self.silent_end = monotonic() + self.silence;
        }
        // What it wrote may be secret.
        zeroize::Zeroize::zeroize(&mut chunk);
        zeroize::Zeroize::zeroize(&mut dropped);
        Ok(goes_on)
    }
}

fn drain(
    pipe: &mut Option<impl Read>,
    chunk: &mut [u8],
    left: &mut usize,
    into: &mut Vec<u8>,
) -> io::Result<bool> {
    let Some(open) = pipe else { return Ok(true) };
    loop {
        match open.read(chunk) {
            Ok(0) => {
                *pipe = None;
                return Ok(true);
            }
            Ok(read) if read > *left => return Ok(false),
            Ok(read) => {
                *left -= read;
                into.extend_from_slice(&chunk[..read]);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn never_wait(pipe: BorrowedFd<'_>) -> io::Result<()> {
    Ok(fcntl_setfl(pipe, fcntl_getfl(pipe)? | OFlags::NONBLOCK)?)
}

/// The program leads its group, and has not been waited for: the id is still its own.
fn end_group(child: &Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(20);
    const SHORT: Duration = Duration::from_millis(200);

    fn shell(script: &str, input: &[u8], timeout: Duration, silence: Duration, max: usize) -> Ended {
        let arguments = ["-c".to_owned(), script.to_owned()];
        run(&Run {
            program: Path::new("/bin/sh"),
            arguments: &arguments,
            folder: Path::new("/"),
            environment: &[("GIVEN".to_owned(), "this".to_owned())],
            input,
            timeout,
            silence,
            max_output: max,
        })
        .unwrap()
    }

    fn text(ended: Ended) -> (Option<i32>, String) {
        match ended {
            Ended::Exited(status, output) => (status.code(), String::from_utf8(output).unwrap()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_program_gets_its_input_and_exactly_its_environment() {
        let big = vec![b'x'; 300_000];
        assert_eq!(text(shell("wc -c | tr -d ' \n'", &big, LONG, LONG, 99)), (Some(0), "300000".to_owned()));
        let seen = text(shell("echo \"$GIVEN$HOME\"; pwd; echo noise >&2; exit 3", b"", LONG, LONG, 99));
        assert_eq!(seen, (Some(3), "this\n/\n".to_owned()));
        // Not reading the input is its own business.
        assert_eq!(text(shell("exec <&-; echo done", &big, LONG, LONG, 99)).1, "done\n");
    }

    #[test]
    fn each_limit_ends_it_and_all_that_it_started() {
        assert!(matches!(shell("sleep 60 & sleep 60", b"", SHORT, LONG, 99), Ended::TimedOut));
        assert!(matches!(shell("echo x; sleep 60", b"", LONG, SHORT, 99), Ended::Silent));
        assert!(matches!(shell("sleep 60 >&1 & exit 0", b"", SHORT, LONG, 99), Ended::TimedOut));
        assert!(matches!(shell("exec >&- 2>&-; sleep 60", b"", SHORT, LONG, 99), Ended::TimedOut));
        assert_eq!(text(shell("printf 12345; printf 67890 >&2", b"", LONG, LONG, 10)).1, "12345");
        assert!(matches!(shell("printf 12345; printf 678901 >&2", b"", LONG, LONG, 10), Ended::TooMuch));
    }

    #[test]
    fn output_keeps_a_slow_program_from_counting_as_silent() {
        let script = "for i in 1 2 3 4; do sleep 0.1; echo $i >&2; done; echo done";
        assert_eq!(text(shell(script, b"", LONG, Duration::from_secs(1), 99)).1, "done\n");
    }
}
