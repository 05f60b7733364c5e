//! Waiting for the order to stop, from the operating system or from within.
//!
//! A handler notes the signal and wakes whoever waits; nothing else ever runs in it. Handlers end at `exec`, so
//! unlike blocked signals they change nothing for the programs we run. `SIGPIPE` needs nothing: Rust's start-up code
//! ignores it.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};

/// The signals that mean "stop".
const SIGNALS: [(libc::c_int, &str); 3] =
    [(libc::SIGTERM, "SIGTERM"), (libc::SIGINT, "SIGINT"), (libc::SIGHUP, "SIGHUP")];

/// Signals that arrived and were not reported yet: bit n for the nth of [`SIGNALS`].
static ARRIVED: AtomicU32 = AtomicU32::new(0);
/// Wakes the waiter. Open until the process ends, since the handler may run at any time.
static BELL: OnceLock<OwnedFd> = OnceLock::new();
/// The bell's descriptor, in the form that a handler can use.
static BELL_FD: AtomicI32 = AtomicI32::new(-1);

/// Why to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The operating system or an operator said so, by the signal of that name.
    Signal(&'static str),
    /// A [`Stopper`] said so.
    Requested,
}

/// The receiving end; one thread, as a rule the main one, waits on it.
#[derive(Debug)]
pub struct StopSignals {
    bell: &'static OwnedFd,
    requests: Arc<OwnedFd>,
}

/// The sending end, for any number of threads.
#[derive(Clone, Debug)]
pub struct Stopper(Arc<OwnedFd>);

impl StopSignals {
    /// Has `SIGTERM`, `SIGINT` and `SIGHUP` reported here instead of ending the process. One that our parent had us
    /// ignore (`nohup`, a background job) stays ignored.
    ///
    /// # Errors
    /// When descriptors or memory are exhausted.
    pub fn install() -> io::Result<Self> {
        let requests = Arc::new(new_bell()?);
        let bell = match BELL.get() {
            Some(bell) => bell,
            None => {
                let bell = new_bell()?;
                BELL.get_or_init(|| bell)
            }
        };
        BELL_FD.store(bell.as_raw_fd(), Ordering::SeqCst);
        for (signal, _) in SIGNALS {
            if !is_ignored(signal)? {
                handle(signal)?;
            }
        }
        Ok(Self { bell, requests })
    }

    /// A sending end for other threads: end of file on standard input, a failed listener, a test.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper(Arc::clone(&self.requests))
    }

    /// Waits until somebody says stop. A request stays in force; a signal is reported once, so that another one can
    /// cut a slow shutdown short.
    ///
    /// # Errors
    /// When the kernel cannot be asked, which nothing outside can cause.
    pub fn wait(&self) -> io::Result<Stop> {
        loop {
            if let Some(name) = take_arrived() {
                return Ok(Stop::Signal(name));
            }
            let mut fds =
                [PollFd::new(self.bell, PollFlags::IN), PollFd::new(self.requests.as_ref(), PollFlags::IN)];
            match poll(&mut fds, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            let [rung, requested] = fds.map(|fd| !fd.revents().is_empty());
            if rung {
                // Silenced before the next look at what arrived: a signal in between rings again and is not lost.
                let _ = rustix::io::read(self.bell, &mut [0; 8]);
            } else if requested {
                return Ok(Stop::Requested);
            }
        }
    }
}

impl Stopper {
    /// Says stop. Never blocks; saying it again changes nothing.
    pub fn stop(&self) {
        // It fails only when the counter is full, and then the request stands already.
        let _ = rustix::io::write(&*self.0, &1_u64.to_ne_bytes());
    }
}

fn new_bell() -> io::Result<OwnedFd> {
    Ok(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)
}

fn take_arrived() -> Option<&'static str> {
    SIGNALS.iter().enumerate().find_map(|(nth, (_, name))| {
        let bit = 1 << nth;
        (ARRIVED.fetch_and(!bit, Ordering::SeqCst) & bit != 0).then_some(*name)
    })
}

/// Runs in whatever thread the signal hits, between any two instructions: nothing but what `signal-safety(7)` allows.
extern "C" fn on_signal(signal: libc::c_int) {
    let Some(nth) = SIGNALS.iter().position(|(known, _)| *known == signal) else {
        return;
    };
    ARRIVED.fetch_or(1 << nth, Ordering::SeqCst);
    let one = 1_u64.to_ne_bytes();
    // SAFETY: `errno` belongs to this thread and is put back, so that the interrupted code keeps its value; `write` is
    // async-signal-safe, and its descriptor stays open for good.
    unsafe {
        let errno = libc::__errno_location();
        let saved = *errno;
        libc::write(BELL_FD.load(Ordering::SeqCst), one.as_ptr().cast(), one.len());
        *errno = saved;
    }
}

fn handle(signal: libc::c_int) -> io::Result<()> {
    // SAFETY: a structure of integers and a null function pointer option is valid when zeroed; the mask is initialised
    // by `sigemptyset`; the handler has the signature that goes with these flags.
    let result = unsafe {
        let mut action: libc::sigaction = MaybeUninit::zeroed().assume_init();
        action.sa_sigaction = on_signal as extern "C" fn(libc::c_int) as libc::sighandler_t;
        action.sa_flags = libc::SA_RESTART;
        libc::sigemptyset(&raw mut action.sa_mask);
        libc::sigaction(signal, &raw const action, ptr::null_mut())
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn is_ignored(signal: libc::c_int) -> io::Result<bool> {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: no new action is set; the old one is written to a buffer of its type.
    if unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: zeroed first and then filled by the kernel.
    Ok(unsafe { action.assume_init() }.sa_sigaction == libc::SIG_IGN)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::sync::mpsc;

    use super::*;

    fn raise(signal: libc::c_int) {
        // SAFETY: a valid signal number, for which a handler is installed.
        assert_eq!(unsafe { libc::raise(signal) }, 0);
    }

    /// One test, since the signals belong to the whole process.
    #[test]
    fn signals_and_requests_wake_the_waiter() {
        for (signal, _) in SIGNALS {
            // Whoever runs the tests in the background may have had signals ignored for them.
            // SAFETY: sets a disposition that every process may have.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
        let signals = StopSignals::install().unwrap();
        raise(libc::SIGINT);
        assert_eq!(signals.wait().unwrap(), Stop::Signal("SIGINT"));
        // Two at once are both reported, and before a request.
        signals.stopper().stop();
        raise(libc::SIGHUP);
        raise(libc::SIGTERM);
        assert_eq!(signals.wait().unwrap(), Stop::Signal("SIGTERM"));
        assert_eq!(signals.wait().unwrap(), Stop::Signal("SIGHUP"));
        // A request stays in force.
        assert_eq!(signals.wait().unwrap(), Stop::Requested);
        assert_eq!(signals.wait().unwrap(), Stop::Requested);

        let (about_to_wait, ready) = mpsc::channel();
        for sent_by_signal in [true, false] {
            let signals = StopSignals::install().unwrap();
            let stopper = signals.stopper();
            std::thread::scope(|scope| {
                let waiter = scope.spawn(|| {
                    about_to_wait.send(()).unwrap();
                    signals.wait().unwrap()
                });
                ready.recv().unwrap();
                if sent_by_signal {
                    raise(libc::SIGTERM);
                } else {
                    stopper.stop();
                }
                let expected = if sent_by_signal { Stop::Signal("SIGTERM") } else { Stop::Requested };
                assert_eq!(waiter.join().unwrap(), expected);
            });
        }

        // What our parent had us ignore stays ignored.
        // SAFETY: valid signal numbers and dispositions, no handler of ours.
        unsafe { libc::signal(libc::SIGHUP, libc::SIG_IGN) };
        let _signals = StopSignals::install().unwrap();
        assert!(is_ignored(libc::SIGHUP).unwrap());
        // SAFETY: as above.
        unsafe { libc::signal(libc::SIGHUP, libc::SIG_DFL) };

        // A program that we run ends on the signal as it would anywhere.
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let pid = libc::pid_t::try_from(child.id()).unwrap();
        // SAFETY: our own child, not reaped yet.
        assert_eq!(unsafe { libc::kill(pid, libc::SIGTERM) }, 0);
        let status = child.wait().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(libc::SIGTERM));
    }

    #[test]
    fn ignored_signals_are_told_apart() {
        // Rust's start-up code ignores SIGPIPE; nobody ignores SIGSEGV.
        assert!(is_ignored(libc::SIGPIPE).unwrap());
        assert!(!is_ignored(libc::SIGSEGV).unwrap());
    }
}
