//! Many instances of the server with one engine, one key file and one emulator, behind a balancer that knows nothing.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use agent_identity::base::url::Url;
use agent_identity::emulator::Options;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::engine::Engine;
use super::{Home, Server, own_address};

/// How long an answer may take: longer than an instance may have a login to itself.
const ANSWER: Duration = Duration::from_secs(60);

/// The instances. Request after request goes to the next one, whatever comes: on the socket or to the callback.
pub struct Fleet {
    pub engine: Mutex<Engine>,
    pub instances: Vec<Instance>,
    /// The home that no instance has: emulator and callback.
    pub home: Home,
    turn: Arc<AtomicUsize>,
    balancer: Option<Balancer>,
    folder: TempDir,
}

/// One instance: a home of its own and, while it runs, a process.
pub struct Instance {
    pub home: Home,
    /// Where it takes callbacks itself.
    pub door: SocketAddr,
    server: Mutex<Option<Server>>,
}

impl Fleet {
    /// So many instances that all run.
    pub fn start(program: &'static str, count: usize, options: Options) -> Self {
        let (engine, home) = (Engine::start(program), Home::with(options, |_| {}));
        let folder = TempDir::new().unwrap();
        let turn = Arc::new(AtomicUsize::new(0));
        let mut fleet =
            Self { engine: Mutex::new(engine), instances: Vec::new(), home, turn, balancer: None, folder };
        let key = fleet.key_file("key", 7);
        fleet.instances = (0..count).map(|_| fleet.instance(&key)).collect();
        thread::scope(|scope| {
            for instance in &fleet.instances {
                scope.spawn(|| instance.run());
            }
        });
        let doors = fleet.instances.iter().map(|instance| instance.door).collect();
        let public = Url::parse(&fleet.home.callback).unwrap().authority().parse().unwrap();
        fleet.balancer = Some(Balancer::start(public, doors, fleet.turn.clone()));
        fleet
    }

    /// One more instance, not running, with some key file.
    pub fn instance(&self, key: &Path) -> Instance {
        let store = self.engine().url();
        let this_test = std::env::current_exe().unwrap();
        let mut home = self.home.beside(|config| {
            config["identity"]["store"] = json!(store);
            config["identity"]["localServerAllowlist"] = json!([this_test]);
        });
        home.variables.push(("AGENT_IDENTITY_KEY_FILE", key.into()));
        let door = SocketAddr::from((own_address(), 18789));
        Instance { home, door, server: Mutex::new(None) }
    }

    /// A key file of one byte again and again.
    pub fn key_file(&self, name: &str, byte: u8) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, [byte; 32]).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        path
    }

    /// The instance whose turn it is.
    pub fn next(&self) -> &Instance {
        &self.instances[self.turn.fetch_add(1, Ordering::SeqCst) % self.instances.len()]
    }

    /// How many turns there were.
    pub fn turns(&self) -> usize {
        self.turn.load(Ordering::SeqCst)
    }

    pub fn engine(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Instance {
    /// Starts it and waits until it serves.
    pub fn run(&self) {
        let server =
            Server::start(self.home.command(&["serve", "--callback-listen", &self.door.to_string()]));
        *self.server() = Some(server.unwrap_or_else(|log| panic!("the instance did not start:\n{log}")));
    }

    /// Ends it as an operator does, and returns its log.
    pub fn stop(&self) -> String {
        self.server().take().map(Server::stop).unwrap_or_default()
    }

    /// Ends it as a power cut does.
    pub fn kill(&self) -> String {
        self.server().take().map(Server::kill).unwrap_or_default()
    }

    fn server(&self) -> MutexGuard<'_, Option<Server>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A GET on its socket.
    pub fn get(&self, target: &str) -> (u16, Value) {
        self.try_get(target).unwrap_or_else(|error| panic!("{target}: {error}"))
    }

    /// The same; the error is that of a process that is not there, or not any more.
    pub fn try_get(&self, target: &str) -> io::Result<(u16, Value)> {
        self.ask("GET", target, "")
    }

    /// Calls a tool for a session: status, and result or error.
    pub fn tool(&self, name: &str, session: &str, params: &Value) -> (u16, Value) {
        self.try_tool(name, session, params).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// As [`Instance::try_get`].
    pub fn try_tool(&self, name: &str, session: &str, params: &Value) -> io::Result<(u16, Value)> {
        let body = json!({ "params": params, "session": session }).to_string();
        let (status, mut body) = self.ask("POST", &format!("/tool/{name}"), &body)?;
        Ok((status, if status == 200 { body["result"].take() } else { body }))
    }

    fn ask(&self, method: &str, target: &str, body: &str) -> io::Result<(u16, Value)> {
        let stream = UnixStream::connect(self.home.socket())?;
        stream.set_read_timeout(Some(ANSWER))?;
        let (status, text) =
            exchange(stream, &format!("{method} {target}"), "localhost", "application/json", body)?;
        let value = serde_json::from_str(&text).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        Ok((status, value))
    }

    /// A request of a browser to its own door: status and page.
    pub fn try_callback(&self, method: &str, target: &str, body: &str) -> io::Result<(u16, String)> {
        let stream = TcpStream::connect(self.door)?;
        stream.set_read_timeout(Some(ANSWER))?;
        let form = "application/x-www-form-urlencoded";
        exchange(stream, &format!("{method} {target}"), &self.door.to_string(), form, body)
    }
}

/// One request on a connection of its own.
fn exchange(
    mut stream: impl Read + Write,
    line: &str,
    host: &str,
    media_type: &str,
    body: &str,
) -> io::Result<(u16, String)> {
    write!(
        stream,
        "{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = super::text(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    // An answer that was cut short is none.
    match (status, length) {
        (Some(status), Some(length)) if length == body.len() => Ok((status, body.to_owned())),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Passes each connection on to the next instance, whether that is well or not.
struct Balancer {
    public: SocketAddr,
    over: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl Balancer {
    fn start(public: SocketAddr, doors: Vec<SocketAddr>, turn: Arc<AtomicUsize>) -> Self {
        let listener = TcpListener::bind(public).unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let ended = over.clone();
        let acceptor = thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let door = doors[turn.fetch_add(1, Ordering::SeqCst) % doors.len()];
                thread::spawn(move || {
                    let Ok(instance) = TcpStream::connect(door) else { return };
                    thread::scope(|scope| {
                        scope.spawn(|| pass(&client, &instance));
                        pass(&instance, &client);
                    });
                });
            }
        });
        Self { public, over, acceptor: Some(acceptor) }
    }
}

fn pass(mut from: &TcpStream, mut to: &TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.public);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}
