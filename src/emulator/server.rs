//! HTTP/1.1 over loopback TCP: reads requests, writes replies, and stops without leaving a connection behind.
//!
//! The invariant is control of the connection: a reply may be cut short or left out, and stopping closes idle
//! keep-alive connections at once. `tiny_http` offers neither, hence the few lines of our own.

use std::collections::HashMap;
use std::io::{self, BufReader, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::message::{Ending, ReadError, Reply, Request, read_request};
use crate::base::error::{Code, Error, Result};

/// Connections served at once; one more is closed unanswered.
pub(super) const MAX_CONNECTIONS: usize = 128;
/// How long a connection may stay silent.
const IDLE: Duration = Duration::from_secs(30);
/// How long the client may leave a reply unread.
const WRITE: Duration = Duration::from_secs(10);

/// What turns requests into replies.
pub(super) type Handler = Arc<dyn Fn(&Request) -> Reply + Send + Sync>;

/// A running server; dropping it stops it.
pub(super) struct Server {
    addr: SocketAddr,
    connections: Arc<Connections>,
    acceptor: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves a listener with a handler.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn start(listener: TcpListener, addr: SocketAddr, handler: Handler) -> Result<Self> {
        let connections = Arc::new(Connections::default());
        let acceptor = std::thread::Builder::new()
            .name("emulator-accept".to_owned())
            .spawn({
                let connections = Arc::clone(&connections);
                move || accept(&listener, &connections, &handler)
            })
            .map_err(|error| {
                Error::new(Code::Internal, format!("the emulator's thread does not start: {error}"))
            })?;
        Ok(Self { addr, connections, acceptor: Some(acceptor) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.connections.close_all();
        // Accepting blocks; a connection that nobody serves wakes it up to see that it is over.
        let _woken = TcpStream::connect_timeout(&self.addr, Duration::from_secs(1));
        if let Some(acceptor) = self.acceptor.take() {
            let _ended = acceptor.join();
        }
        self.connections.wait_until_none();
    }
}

/// The open connections, so that stopping can end them.
#[derive(Default)]
struct Connections {
    inner: Mutex<Open>,
    closed: Condvar,
}

#[derive(Default)]
struct Open {
    stopping: bool,
    next: u64,
    streams: HashMap<u64, TcpStream>,
}

impl Connections {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a connection in; `None` when it must not be served.
    fn enter(self: &Arc<Self>, stream: &TcpStream) -> Option<Entry> {
        let copy = stream.try_clone().ok()?;
        let mut open = self.lock();
        if open.stopping || open.streams.len() >= MAX_CONNECTIONS {
            return None;
        }
        let id = open.next;
        open.next += 1;
        open.streams.insert(id, copy);
        Some(Entry { id, connections: Arc::clone(self) })
    }

    fn close_all(&self) {
        let mut open = self.lock();
        open.stopping = true;
        for stream in open.streams.values() {
            let _closed = stream.shutdown(Shutdown::Both);
        }
    }

    fn wait_until_none(&self) {
        let mut open = self.lock();
        while !open.streams.is_empty() {
            open = self.closed.wait(open).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A connection's place among the open ones, given back on drop.
struct Entry {
    id: u64,
    connections: Arc<Connections>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.connections.lock().streams.remove(&self.id);
        self.connections.closed.notify_all();
    }
}

fn accept(listener: &TcpListener, connections: &Arc<Connections>, handler: &Handler) {
    for stream in listener.incoming() {
        if connections.lock().stopping {
            return;
        }
        let Ok(stream) = stream else { continue };
        let Some(entry) = connections.enter(&stream) else { continue };
        let handler = Arc::clone(handler);
        // Without a thread the connection closes with the closure that owned it.
        let _started = std::thread::Builder::new().name("emulator-conn".to_owned()).spawn(move || {
            let _broken_off = converse(&stream, &handler);
            let _closed = stream.shutdown(Shutdown::Both);
            drop(entry);
        });
    }
}

/// Answers one request after the other until either side has enough.
fn converse(stream: &TcpStream, handler: &Handler) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_write_timeout(Some(WRITE))?;
    let mut reader = BufReader::new(stream);
    loop {
        let (reply, keep) = match read_request(&mut reader, &mut { stream }) {
            Ok(None) => return Ok(()),
            Ok(Some(request)) => (handler(&request), request.keep_alive),
            Err(ReadError::Malformed(status, what)) => (Reply::text(status, what), false),
            Err(ReadError::Io(error)) => return Err(error),
        };
        let keep = keep && reply.ending == Ending::Whole;
        { stream }.write_all(&reply.to_bytes(keep))?;
        if !keep {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (Server, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        (Server::start(listener, addr, Arc::new(handler)).unwrap(), addr)
    }

    #[test]
    fn stopping_ends_idle_connections_and_frees_the_port() {
        let (server, addr) = start(|_| Reply::text(200, "ok"));
        let mut idle = TcpStream::connect(addr).unwrap();
        idle.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let mut first = [0; 12];
        idle.read_exact(&mut first).unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        drop(server);
        let mut rest = Vec::new();
        idle.read_to_end(&mut rest).unwrap();
        assert!(rest.ends_with(b"ok"));
        assert!(TcpStream::connect(addr).is_err());
    }

    #[test]
    fn a_reply_can_be_cut_short_or_left_out() {
        let (_server, addr) = start(|request| {
            let mut reply = Reply::text(200, "0123456789");
            reply.ending = if request.path == "/cut" { Ending::Truncated(4) } else { Ending::HungUp };
            reply
        });
        for (path, expected) in
            [("/cut", "content-length: 10\r\nconnection: close\r\n\r\n0123"), ("/none", "")]
        {
            let mut stream = TcpStream::connect(addr).unwrap();
            write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert!(answer.ends_with(expected) && answer.is_empty() == expected.is_empty(), "{answer}");
        }
    }

    #[test]
    fn one_connection_beyond_the_cap_is_closed_unanswered() {
        let (_server, addr) = start(|_| Reply::text(200, "ok"));
        let ask = |stream: &mut TcpStream| {
            let _sent = stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            let mut byte = [0; 1];
            stream.read(&mut byte).unwrap_or(0)
        };
        let mut held: Vec<_> = (0..MAX_CONNECTIONS).map(|_| TcpStream::connect(addr).unwrap()).collect();
        assert!(held.iter_mut().all(|stream| ask(stream) == 1));
        assert_eq!(ask(&mut TcpStream::connect(addr).unwrap()), 0);
    }
}
