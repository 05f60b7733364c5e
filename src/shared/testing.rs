//! What the tests of this module share: real servers in folders of their own, and a proxy that misbehaves on demand.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use redis::Client;

use super::engine::{Engine, EngineOptions};
use super::location::Location;
use crate::base::entropy::OsEntropy;
use crate::base::env::Env;
use crate::base::time::{ManualClock, Timestamp};
use crate::session::keyring;

/// A server that ends with the value.
pub(super) struct Server {
    process: Option<Child>,
    program: &'static str,
    options: Vec<String>,
    folder: tempfile::TempDir,
    pub(super) port: u16,
}

/// The programs that are installed, Redis first.
pub(super) fn programs() -> Vec<&'static str> {
    let installed = |program: &str| {
        let found =
            Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        found.is_ok_and(|status| status.success())
    };
    ["redis-server", "valkey-server"].into_iter().filter(|program| installed(program)).collect()
}

/// Says on the terminal that a test could not run.
pub(super) fn skipped(test: &str, reason: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {reason}");
}

impl Server {
    /// One on a socket only.
    pub(super) fn start(program: &'static str, options: &[&str]) -> Self {
        Self::with(program, |_, _| ["--port", "0"].iter().chain(options).map(ToString::to_string).collect())
    }

    /// One on a port of loopback as well.
    pub(super) fn on_port(program: &'static str, options: &[&str]) -> Self {
        Self::with(program, |_, port| {
            let own = ["--port".to_owned(), port.to_string()];
            own.into_iter().chain(options.iter().map(ToString::to_string)).collect()
        })
    }

    /// One with options that need the folder and a free port. Another process may take the port before the server does:
    /// then it gets another.
    pub(super) fn with(program: &'static str, options: impl Fn(&Path, u16) -> Vec<String>) -> Self {
        for _ in 0..5 {
            let folder = tempfile::Builder::new().prefix("e").tempdir().unwrap();
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let options = options(folder.path(), port);
            let mut server = Self { process: None, program, options, folder, port };
            if server.try_run().is_ok() {
                return server;
            }
        }
        panic!("{program} does not start");
    }

    /// Starts it again after [`Server::kill`], with what it had saved.
    pub(super) fn run(&mut self) {
        self.try_run().unwrap();
    }

    fn try_run(&mut self) -> Result<(), String> {
        let mut command = Command::new(self.program);
        if self.options.iter().any(|option| option == "--sentinel") {
            command.args(&self.options);
        } else {
            let _ = fs::remove_file(self.socket());
            command.args(["--dir".as_ref(), self.folder.path().as_os_str()]);
            command.args(["--unixsocket".as_ref(), self.socket().as_os_str()]);
            command.args(["--bind", "127.0.0.1", "--save", "", "--loglevel", "notice", "--logfile", ""]);
            command.args(&self.options);
        }
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        self.process = Some(process);
        let mut said = String::new();
        while !said.contains("eady to accept connections at") && !said.contains("+monitor master") {
            if output.read_line(&mut said).unwrap() == 0 {
                self.kill();
                return Err(said);
            }
        }
        // It must not stop over a full pipe.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        Ok(())
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.folder.path().join("s")
    }

    /// Its address, with options.
    pub(super) fn unix(&self, options: &str) -> String {
        format!("unix://{}{options}", self.socket().display())
    }

    /// Has it done at once what a person would type.
    pub(super) fn tell<R: redis::FromRedisValue>(&self, command: &[&str]) -> R {
        self.try_tell(command).unwrap()
    }

    pub(super) fn try_tell<R: redis::FromRedisValue>(&self, command: &[&str]) -> redis::RedisResult<R> {
        let address = redis::ConnectionAddr::Unix(self.socket());
        let mut connection = Client::open(address).unwrap().get_connection().unwrap();
        redis::cmd(command[0]).arg(&command[1..]).query(&mut connection)
    }

    /// Every key and value that it has.
    pub(super) fn everything(&self) -> Vec<(String, Vec<u8>)> {
        let mut keys: Vec<String> = self.tell(&["KEYS", "*"]);
        keys.sort_unstable();
        keys.into_iter().map(|key| (key.clone(), self.tell(&["GET", &key]))).collect()
    }

    /// Ends it as a power cut would.
    pub(super) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// An instance's engine with a key of one byte.
pub(super) struct Instance {
    pub(super) clock: Arc<ManualClock>,
    pub(super) engine: Arc<Engine>,
}

/// When the clocks of instances begin.
pub(super) fn start() -> Timestamp {
    Timestamp::from_unix(1_800_000_000)
}

pub(super) fn instance(address: &str, key: u8) -> Instance {
    instance_at(address, key, Arc::new(ManualClock::at(start())))
}

pub(super) fn instance_at(address: &str, key: u8, clock: Arc<ManualClock>) -> Instance {
    let engine = Engine::open(EngineOptions {
        location: Location::parse(address).unwrap(),
        password: None,
        keys: keyring::parse(&[key; 32]).unwrap(),
        env: Env::default(),
        clock: clock.clone(),
        entropy: Arc::new(OsEntropy),
    });
    Instance { clock, engine: engine.unwrap() }
}

/// A door on loopback to a server's socket, which counts who comes and shuts on demand.
pub(super) struct Proxy {
    pub(super) port: u16,
    state: Arc<Door>,
}

struct Door {
    came: AtomicUsize,
    /// What to do with the next connection's traffic.
    trick: Mutex<Trick>,
}

/// What a proxy does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trick {
    /// Passes everything on.
    None,
    /// Hangs up on whoever comes.
    HangUp,
    /// Passes the next message on that names this word, waits for the answer, and hangs up instead of giving it.
    SwallowAnswer(&'static str),
    /// Hangs up instead of passing the next message on that names this word.
    SwallowMessage(&'static str),
    /// Takes everything and answers nothing.
    Silence,
}

impl Proxy {
    pub(super) fn to(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Door { came: AtomicUsize::new(0), trick: Mutex::new(Trick::None) });
        let (door, socket) = (state.clone(), server.socket());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, door, socket) = (stream.unwrap(), door.clone(), socket.clone());
                door.came.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || door.serve(&stream, &socket));
            }
        });
        Self { port, state }
    }

    pub(super) fn address(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// How many connections there have been.
    pub(super) fn came(&self) -> usize {
        self.state.came.load(Ordering::SeqCst)
    }

    pub(super) fn play(&self, trick: Trick) {
        *self.state.trick.lock().unwrap() = trick;
    }

    /// Whether the trick has been played.
    pub(super) fn has_played(&self) -> bool {
        *self.state.trick.lock().unwrap() == Trick::None
    }
}

impl Door {
    /// Commands are small and answers awaited one by one, so a message is what one read gives.
    fn serve(&self, mut stream: &TcpStream, socket: &Path) {
        let Ok(server) = std::os::unix::net::UnixStream::connect(socket) else { return };
        let mut server = server;
        let mut buffer = vec![0; 1 << 16];
        while let Ok(length @ 1..) = stream.read(&mut buffer) {
            let message = buffer[..length].to_vec();
            let names = |word: &str| message.windows(word.len()).any(|window| window == word.as_bytes());
            let trick = {
                let mut trick = self.trick.lock().unwrap();
                let now = *trick;
                if matches!(now, Trick::SwallowAnswer(word) | Trick::SwallowMessage(word) if names(word)) {
                    *trick = Trick::None;
                }
                now
            };
            match trick {
                Trick::HangUp => break,
                Trick::SwallowMessage(word) if names(word) => break,
                Trick::Silence => continue,
                _ => {}
            }
            let _ = server.write_all(&message);
            let Ok(length @ 1..) = server.read(&mut buffer) else { break };
            if matches!(trick, Trick::SwallowAnswer(word) if names(word)) {
                break;
            }
            let _ = stream.write_all(&buffer[..length]);
        }
        let _ = stream.shutdown(Shutdown::Both);
    }
}

/// Waits until something holds, looking again and again.
pub(super) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let (_never, pause) = std::sync::mpsc::channel::<()>();
    for _ in 0..1500 {
        if holds() {
            return;
        }
        let _ = pause.recv_timeout(Duration::from_millis(20));
    }
    panic!("{what}: not within 30 seconds");
}
