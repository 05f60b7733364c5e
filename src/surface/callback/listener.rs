//! Our own HTTP listener for the callback, where no gateway serves it: one path on this machine, a few workers.
//!
//! A fixed number of workers answers requests, so that many callbacks cannot start many exchanges. Only bodies that
//! `tiny_http` has read whole before a worker sees the request are taken: a worker never waits for a slow sender.
//!
//! What `tiny_http` cannot do is limit connections: it has no read deadline, keeps a thread for each open one, and lets a
//! connection wait when several idle ones arrived at once. So this belongs on a loopback address; a public callback
//! goes through the gateway or a reverse proxy.

use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tiny_http::{Header, Request, Response, Server};

use super::page::Page;
use super::respond;
use super::text::Language;
use crate::base::error::{Code, Error, Result};
use crate::base::log;
use crate::base::time::Clock;
use crate::base::url::Url;
use crate::oidc::callback::{Callback, CallbackRequest};

/// Requests that are answered at a time.
pub const WORKERS: usize = 4;
/// Bytes of a body that is taken. `tiny_http` buffers up to this much itself; a confirmation has a tenth of it.
pub const MAX_BUFFERED_BODY: usize = 1024;

/// Bytes of a refused body that are read and thrown away, so that the sender gets to read the answer.
const MAX_DRAINED_BODY: usize = 8 << 20;
/// Connections with still larger bodies that are given up (see [`refuse_body`]) before the listener closes.
const MAX_ABANDONED: usize = 32;
/// Between the failure of a listener (no descriptors left, say) and the next attempt.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// A running listener; dropping it stops it.
#[derive(Debug)]
pub struct CallbackListener {
    address: SocketAddr,
    shared: Arc<Shared>,
    supervisor: Option<JoinHandle<()>>,
}

struct Shared {
    callback: Arc<Callback>,
    clock: Arc<dyn Clock>,
    workers: usize,
    stopping: AtomicBool,
    abandoned: AtomicUsize,
    server: Mutex<Option<Arc<Server>>>,
}

impl CallbackListener {
    /// Listens at `address`, or without one at the callback URL's own host and port, and serves the URL's path.
    ///
    /// # Errors
    /// `ConfigInvalid` when the URL is not an `http` address of this machine and no address is given;
    /// `SocketUnusable` when the address cannot be had.
    pub fn start(
        callback: Arc<Callback>,
        address: Option<SocketAddr>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        Self::start_with(callback, address, clock, WORKERS)
    }

    fn start_with(
        callback: Arc<Callback>,
        address: Option<SocketAddr>,
        clock: Arc<dyn Clock>,
        workers: usize,
    ) -> Result<Self> {
        let address = match address {
            Some(address) => address,
            None => own_address(callback.url())?,
        };
        let unusable = |error: &dyn std::fmt::Display| {
            Error::new(Code::SocketUnusable, format!("cannot listen at {address} for the login callback: {error}"))
                .with_hint(
                    "another program may use the port: stop it, or choose another in userpool.callbackUrl and at the provider",
                )
        };
        let listener = TcpListener::bind(address).map_err(|error| unusable(&error))?;
        let address = listener.local_addr().map_err(|error| unusable(&error))?;
        let shared = Arc::new(Shared {
            callback,
            clock,
            workers,
            stopping: AtomicBool::new(false),
            abandoned: AtomicUsize::new(0),
            server: Mutex::new(None),
        });
        let supervisor = thread::Builder::new()
            .name("callback".into())
            .spawn({
                let shared = shared.clone();
                move || supervise(&shared, &listener)
            })
            .map_err(|error| unusable(&error))?;
        Ok(Self { address, shared, supervisor: Some(supervisor) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening, lets requests under way finish, and waits for its workers.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.shared.stop();
        if let Some(supervisor) = self.supervisor.take() {
            let _ = supervisor.join();
        }
    }
}

impl Drop for CallbackListener {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        if let Some(server) = self.server().as_ref() {
            server.unblock();
        }
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    fn server(&self) -> MutexGuard<'_, Option<Arc<Server>>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("stopping", &self.stopping).finish_non_exhaustive()
    }
}

/// The address of a callback URL that names this machine.
fn own_address(url: &Url) -> Result<SocketAddr> {
    let invalid = |rule: &str| {
        Error::new(Code::ConfigInvalid, format!("userpool.callbackUrl {rule}")).with_hint(
            "give an address to listen at, and let the gateway or a reverse proxy forward the callback to it",
        )
    };
    if url.is_https() {
        return Err(invalid("is https, which this process does not serve"));
    }
    if !url.is_loopback() {
        return Err(invalid("does not name this machine"));
    }
    // `localhost` is 127.0.0.1: browsers try both families.
    Ok(SocketAddr::new(url.ip().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)), url.port()))
}

/// Runs one server after the other on the same listening socket until told to stop: `tiny_http` gives up for good when
/// one accept fails.
fn supervise(shared: &Arc<Shared>, listener: &TcpListener) {
    while !shared.is_stopping() {
        let outcome =
            listener.try_clone().map_err(Into::into).and_then(|own| Server::from_listener(own, None));
        match outcome {
            Ok(server) => serve(shared, Arc::new(server)),
            Err(error) => log::error("callback listener failed", &[("error", &error)]),
        }
        if !shared.is_stopping() {
            shared.clock.sleep(RESTART_PAUSE);
        }
    }
}

fn serve(shared: &Arc<Shared>, server: Arc<Server>) {
    *shared.server() = Some(server.clone());
    // Whoever stops sets the flag first and then looks for a server; here it is the other way round. One of the two
    // sees the other.
    if shared.is_stopping() {
        server.unblock();
    }
    let work = || {
        while let Ok(request) = server.recv() {
            answer(shared, request);
        }
        // An unblocked or failed `recv` ends one worker only; pass it on.
        server.unblock();
    };
    thread::scope(|scope| {
        for _ in 1..shared.workers {
            if let Err(error) =
                thread::Builder::new().name("callback-worker".into()).spawn_scoped(scope, work)
            {
                log::warn("fewer callback workers", &[("error", &error)]);
            }
        }
        work();
    });
    *shared.server() = None;
}

fn answer(shared: &Arc<Shared>, mut request: Request) {
    let target = request.url().to_owned();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let language = Language::preferred(header(&request, "Accept-Language").unwrap_or_default());
    if !has_whole_body(&request) {
        return refuse_body(shared, request, Page::too_large(language));
    }
    let mut body = Vec::new();
    // In memory already: cannot fail, and cannot be longer than announced.
    let _ = request.as_reader().take(MAX_BUFFERED_BODY as u64).read_to_end(&mut body);
    let page = if path == shared.callback.url().path() {
        let method = request.method().to_string();
        let callback_request = CallbackRequest {
            method: &method,
            query,
            body: &body,
            origin: header(&request, "Origin"),
            sec_fetch_site: header(&request, "Sec-Fetch-Site"),
            accept_language: header(&request, "Accept-Language"),
        };
        catch_unwind(AssertUnwindSafe(|| respond(&shared.callback, &callback_request))).unwrap_or_else(|_| {
            log::error("defect while answering a login callback", &[]);
            Page::internal(language)
        })
    } else {
        Page::not_found(language)
    };
    send(request, page);
}

/// Whether the body, if there is one, has been read by `tiny_http` before it gave us the request. Where the client
/// announced more, wants a go-ahead first, sends chunks, or wants another protocol, reading would wait for the client.
fn has_whole_body(request: &Request) -> bool {
    let upgrades =
        header(request, "Connection").is_some_and(|it| it.to_ascii_lowercase().contains("upgrade"));
    let waits = header(request, "Expect").is_some() || header(request, "Transfer-Encoding").is_some();
    !upgrades && !waits && request.body_length().is_none_or(|length| length <= MAX_BUFFERED_BODY)
}

/// Answers a request whose body is not wanted. When such a request is dropped, `tiny_http` reads the rest of the body,
/// in one buffer of its announced size: so it is dropped on a thread of its own, and one that announces an absurd size
/// is not dropped at all. That costs the connection; only a hostile local program does it, and not often, since
/// the listener closes before the process runs out of descriptors.
fn refuse_body(shared: &Arc<Shared>, request: Request, page: Page) {
    if request.body_length().is_some_and(|length| length > MAX_DRAINED_BODY) {
        std::mem::forget(request);
        if shared.abandoned.fetch_add(1, Ordering::Relaxed) + 1 >= MAX_ABANDONED {
            log::error("callback listener closed after too many oversized requests", &[]);
            shared.stop();
        }
        return;
    }
    if let Err(error) =
        thread::Builder::new().name("callback-drain".into()).spawn(move || send(request, page))
    {
        log::warn("callback request dropped", &[("error", &error)]);
    }
}

fn send(request: Request, page: Page) {
    let headers = page
        .headers
        .iter()
        .filter_map(|(name, value)| Header::from_bytes(name.as_bytes(), value.as_bytes()).ok());
    let response = headers.fold(
        Response::from_data(page.html.into_bytes()).with_status_code(page.status),
        Response::with_header,
    );
    if let Err(error) = request.respond(response) {
        log::debug("callback answer not delivered", &[("error", &error)]);
    }
}

fn header<'a>(request: &'a Request, name: &'static str) -> Option<&'a str> {
    request.headers().iter().find(|header| header.field.equiv(name)).map(|header| header.value.as_str())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::TcpStream;

    use super::*;
    use crate::base::time::SystemClock;
    use crate::oidc::callback::LoginSink;
    use crate::oidc::pending::PendingLogin;
    use crate::oidc::provider::Tokens;
    use crate::oidc::testing::{self, World};

    #[derive(Debug)]
    struct Sink {
        broken: bool,
    }

    impl LoginSink for Sink {
        fn signed_in(&self, _: &PendingLogin, _: Tokens) -> Result<()> {
            assert!(!self.broken, "a defect");
            Ok(())
        }
    }

    /// With one worker, so that whatever holds it up is noticed.
    fn listen(world: &World, broken: bool) -> CallbackListener {
        let sink = Arc::new(Sink { broken });
        let callback = Callback::new(world.provider.clone(), world.pending.clone(), sink, true);
        let anywhere = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        CallbackListener::start_with(Arc::new(callback), anywhere, Arc::new(SystemClock), 1).unwrap()
    }

    fn wait_until(condition: impl Fn() -> bool) {
        let deadline = SystemClock.monotonic() + Duration::from_secs(30);
        while !condition() {
            assert!(SystemClock.monotonic() < deadline, "waited too long");
            SystemClock.sleep(Duration::from_millis(5));
        }
    }

    fn is_closed(address: SocketAddr) -> bool {
        TcpStream::connect(address).is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused)
    }

    /// Sends the bytes and reads the answer to its end.
    fn exchange(address: SocketAddr, bytes: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(bytes.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    }

    fn get(address: SocketAddr, target: &str) -> String {
        exchange(address, &format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
    }

    fn post(address: SocketAddr, body: &str, more: &str) -> String {
        let length = body.len();
        let path = "/identity/oauth/callback";
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n");
        exchange(address, &format!("{head}{more}\r\n{body}"))
    }

    fn field<'a>(html: &'a str, name: &str) -> &'a str {
        let start = html.split_once(&format!("name=\"{name}\" value=\"")).unwrap().1;
        start.split_once('"').unwrap().0
    }

    #[test]
    fn a_login_goes_through_over_a_real_socket() {
        let world = World::new();
        let listener = listen(&world, false);
        let (state, login) = world.login();
        world.grant(&testing::claims(login.nonce.expose()), None);
        let page = get(listener.address(), &format!("/identity/oauth/callback?state={state}&code=c"));
        assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
        let head = page.split_once("\r\n\r\n").unwrap().0.to_ascii_lowercase();
        for name in [
            "content-security-policy: default-src 'none'; ",
            "x-frame-options: deny",
            "cache-control: no-store",
        ] {
            assert!(head.contains(name), "{name}: {head}");
        }
        let body = format!("state={}&confirm={}", field(&page, "state"), field(&page, "confirm"));
        let foreign = post(listener.address(), &body, "Origin: https://evil.example.com\r\n");
        assert!(foreign.starts_with("HTTP/1.1 403 "), "{foreign}");
        let done =
            post(listener.address(), &body, "Origin: http://127.0.0.1:18789\r\nAccept-Language: zh\r\n");
        assert!(done.starts_with("HTTP/1.1 200 ") && done.contains("登录成功"), "{done}");
        assert!(post(listener.address(), &body, "").starts_with("HTTP/1.1 400 "), "used up");
        listener.stop();
    }

    #[test]
    fn only_the_callback_path_and_its_methods_are_served() {
        let world = World::new();
        let listener = listen(&world, false);
        for target in [
            "/",
            "/identity",
            "/identity/oauth/callback/",
            "/favicon.ico",
            "http://x/identity/oauth/callback",
        ] {
            assert!(get(listener.address(), target).starts_with("HTTP/1.1 404 "), "{target}");
        }
        for method in ["PUT", "DELETE", "OPTIONS", "HEAD", "BREW"] {
            let bytes =
                format!("{method} /identity/oauth/callback HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            let answer = exchange(listener.address(), &bytes);
            assert!(answer.starts_with("HTTP/1.1 405 ") && answer.contains("Allow: GET, POST"), "{answer}");
        }
        assert!(exchange(listener.address(), "nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));
    }

    #[test]
    fn bodies_have_a_limit_and_nobody_waits_for_a_slow_one() {
        let world = World::new();
        let listener = listen(&world, false);
        let address = listener.address();
        let status = |body: &str, more: &str| post(address, body, more)[..12].to_owned();
        assert_eq!(status(&"x".repeat(MAX_BUFFERED_BODY), ""), "HTTP/1.1 400");
        assert_eq!(status(&"x".repeat(MAX_BUFFERED_BODY + 1), ""), "HTTP/1.1 413");
        assert_eq!(status("x", "Expect: 100-continue\r\n"), "HTTP/1.1 413");
        listener.stop();
        // Announced bodies that never come, some of absurd sizes; few enough at a time for `tiny_http` itself.
        for lengths in [["1", "1024", "1025"], ["8000000", "8388609", "18446744073709551615"]] {
            let listener = listen(&world, false);
            let address = listener.address();
            let mut stuck = Vec::new();
            for length in lengths {
                let mut stream = TcpStream::connect(address).unwrap();
                write!(stream, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n").unwrap();
                stuck.push(stream);
                assert!(get(address, "/").starts_with("HTTP/1.1 404 "), "still served after {length}");
            }
            drop(stuck);
            listener.stop();
        }
    }

    #[test]
    fn too_many_absurd_announcements_close_the_listener_and_not_the_process() {
        let world = World::new();
        let listener = listen(&world, false);
        let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n";
        let mut kept = Vec::new();
        for count in 1..=MAX_ABANDONED {
            assert!(!listener.shared.is_stopping(), "closed before request {count}");
            let mut stream = TcpStream::connect(listener.address()).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            kept.push(stream);
            wait_until(|| listener.shared.abandoned.load(Ordering::Relaxed) == count);
        }
        wait_until(|| is_closed(listener.address()));
        listener.stop();
    }

    #[test]
    fn a_defect_costs_one_answer() {
        let world = World::new();
        let listener = listen(&world, true);
        for _ in 0..=WORKERS {
            let (state, login) = world.login();
            world.grant(&testing::claims(login.nonce.expose()), None);
            let page = get(listener.address(), &format!("/identity/oauth/callback?state={state}&code=c"));
            let body = format!("state={}&confirm={}", field(&page, "state"), field(&page, "confirm"));
            assert!(post(listener.address(), &body, "").starts_with("HTTP/1.1 500 "));
        }
    }

    #[test]
    fn a_used_port_is_an_error_that_names_the_setting() {
        let world = World::new();
        let first = listen(&world, false);
        let callback = Callback::new(
            world.provider.clone(),
            world.pending.clone(),
            Arc::new(Sink { broken: false }),
            true,
        );
        let second =
            CallbackListener::start(Arc::new(callback), Some(first.address()), Arc::new(SystemClock));
        let error = second.unwrap_err();
        assert_eq!(error.code(), Code::SocketUnusable);
        assert!(error.message().contains(&first.address().to_string()), "{error}");
        assert!(error.hint().unwrap().contains("userpool.callbackUrl"));
    }

    #[test]
    fn stopping_frees_the_port() {
        let world = World::new();
        let listener = listen(&world, false);
        let address = listener.address();
        let _idle = TcpStream::connect(address).unwrap();
        listener.stop();
        // The accepting thread lets go of the socket in its own time.
        wait_until(|| is_closed(address));
    }

    #[test]
    fn the_address_comes_from_the_callback_url() {
        let address = |url: &str| own_address(&Url::parse(url).unwrap());
        for (url, expected) in [
            ("http://127.0.0.1:18789/cb", "127.0.0.1:18789"),
            ("http://localhost/cb", "127.0.0.1:80"),
            ("http://[::1]:9/cb", "[::1]:9"),
        ] {
            assert_eq!(address(url).unwrap().to_string(), expected);
        }
        for url in ["https://127.0.0.1:1/cb", "http://gateway.example/cb", "http://10.0.0.1:80/cb"] {
            assert_eq!(address(url).unwrap_err().code(), Code::ConfigInvalid, "{url}");
        }
    }
}
