//! The real transport: HTTP/1.1 over TCP and TLS by `ureq`.
//!
//! Every exchange has explicit limits of time and size, redirects are answers like any other, and trust comes from
//! the bundled roots or, where `SSL_CERT_FILE` names a bundle, from that bundle alone.

use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;

use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, AsSendBody, Proxy, Timeout};

use super::proxy::Proxies;
use super::tls;
use super::transport::{Failure, FailureKind, HttpRequest, HttpResponse, Limits, Method, Transport};
use crate::base::env::Env;
use crate::base::error::{Code, Error, Result};

/// What servers see as the client.
pub const USER_AGENT: &str = concat!("agent-identity/", env!("CARGO_PKG_VERSION"));

/// Bytes of a certificate bundle; the largest in use are about 400 KB.
const MAX_BUNDLE_BYTES: u64 = 8 << 20;
/// Bytes of a response head.
const MAX_HEAD_BYTES: usize = 32 << 10;
/// Open connections kept for reuse; the services that we call are a handful.
const MAX_IDLE_CONNECTIONS: usize = 8;

/// Sends requests over the network and keeps connections for reuse. Cheap to share, not to create.
pub struct UreqTransport {
    agent: Agent,
    proxies: Proxies,
}

impl UreqTransport {
    /// A transport with the trust and the proxies that the environment asks for.
    ///
    /// # Errors
    /// `ConfigInvalid` when `SSL_CERT_FILE` cannot be used or a proxy variable is not an address.
    pub fn new(env: &Env) -> Result<Self> {
        let roots = env.path("SSL_CERT_FILE").map_or(Ok(RootCerts::WebPki), |path| roots_in(&path))?;
        let algorithms = tls::provider();
        let tls =
            TlsConfig::builder().root_certs(roots).unversioned_rustls_crypto_provider(algorithms).build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            // The proxy is chosen for each request: the library would read the process environment.
            .proxy(None)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(USER_AGENT)
            .max_response_header_size(MAX_HEAD_BYTES)
            .max_idle_connections(MAX_IDLE_CONNECTIONS)
            .build()
            .new_agent();
        Ok(Self { agent, proxies: Proxies::of(env)? })
    }

    fn run(
        &self,
        request: http::Request<impl AsSendBody>,
        proxy: Option<Proxy>,
        limits: Limits,
    ) -> Result<HttpResponse, Failure> {
        let request = self
            .agent
            .configure_request(request)
            .proxy(proxy)
            .timeout_global(Some(limits.total))
            .timeout_resolve(Some(limits.connect))
            .timeout_connect(Some(limits.connect))
            .build();
        let mut response = self.agent.run(request).map_err(|error| describe(error, limits, Phase::Head))?;
        let headers = response.headers().iter().map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        Ok(HttpResponse {
            status: response.status().as_u16(),
            headers: headers.collect(),
            body: response
                .body_mut()
                .with_config()
                // The library's limit is exclusive: it fails on a body of exactly this length.
                .limit(limits.body_bytes.saturating_add(1))
                .read_to_vec()
                .map_err(|error| describe(error, limits, Phase::Body))?,
        })
    }
}

impl Transport for UreqTransport {
    fn send(&self, request: &HttpRequest) -> Result<HttpResponse, Failure> {
        let invalid = |detail: &str| Failure { kind: FailureKind::Protocol, detail: detail.to_owned() };
        let proxy = self.proxies.choose(&request.url).map(|proxy| Proxy::new(proxy.expose())).transpose();
        let proxy = proxy.map_err(|_| invalid("the proxy's address is not usable"))?;
        let mut head = http::Request::builder().uri(request.url.to_string());
        for (name, value) in &request.headers {
            head = head.header(name, value);
        }
        let malformed = |_| invalid("a request header has forbidden characters");
        match request.method {
            Method::Get => self.run(head.method("GET").body(()).map_err(malformed)?, proxy, request.limits),
            Method::Post => {
                let sent = head.method("POST").body(request.body.as_slice()).map_err(malformed)?;
                self.run(sent, proxy, request.limits)
            }
        }
    }
}

impl fmt::Debug for UreqTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UreqTransport").field("proxies", &self.proxies).finish_non_exhaustive()
    }
}

fn roots_in(path: &Path) -> Result<RootCerts> {
    let unusable = |why: &str| {
        Error::new(Code::ConfigInvalid, format!("the certificate bundle {} {why}", path.display())).with_hint(
            "point SSL_CERT_FILE at a PEM file with the trusted roots, or unset it for the bundled ones",
        )
    };
    let pem = read_bundle(path).map_err(|error| unusable(&format!("cannot be read: {error}")))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            Ok(_) => {}
            Err(_) => return Err(unusable("is not valid PEM")),
        }
    }
    if certificates.is_empty() {
        return Err(unusable("has no certificate"));
    }
    Ok(RootCerts::new_with_certs(&certificates))
}

fn read_bundle(path: &Path) -> io::Result<Vec<u8>> {
    let file = std::fs::File::open(path)?;
    let mut pem = Vec::new();
    let read = io::Read::read_to_end(&mut io::Read::take(file, MAX_BUNDLE_BYTES + 1), &mut pem)?;
    if u64::try_from(read).is_ok_and(|read| read <= MAX_BUNDLE_BYTES) {
        Ok(pem)
    } else {
        Err(io::Error::other(format!("larger than {MAX_BUNDLE_BYTES} bytes")))
    }
}

/// Which part of the answer was awaited.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Head,
    Body,
}

/// Says where an exchange broke off. Only fixed texts and the system's own: an upstream could put anything into the rest.
fn describe(error: ureq::Error, limits: Limits, phase: Phase) -> Failure {
    let (kind, detail) = match error {
        ureq::Error::HostNotFound => (FailureKind::Resolve, "the host name has no address".to_owned()),
        ureq::Error::Timeout(Timeout::Resolve) => (
            FailureKind::Timeout,
            format!("the host name was not resolved within {}", seconds(limits.connect)),
        ),
        ureq::Error::Timeout(Timeout::Connect) => {
            (FailureKind::Timeout, format!("no connection within {}", seconds(limits.connect)))
        }
        ureq::Error::Timeout(_) => {
            (FailureKind::Timeout, format!("no complete answer within {}", seconds(limits.total)))
        }
        ureq::Error::BodyExceedsLimit(_) => {
            (FailureKind::TooLarge, format!("the answer is longer than {} bytes", limits.body_bytes))
        }
        ureq::Error::LargeResponseHeader(..) => {
            (FailureKind::TooLarge, format!("the answer's headers are longer than {MAX_HEAD_BYTES} bytes"))
        }
        ureq::Error::Rustls(error) => (FailureKind::Tls, format!("TLS: {error}")),
        ureq::Error::Tls(_) | ureq::Error::TlsRequired => {
            (FailureKind::Tls, "TLS could not be set up".to_owned())
        }
        ureq::Error::ConnectProxyFailed(_) => {
            (FailureKind::Connect, "the proxy refused the connection".to_owned())
        }
        ureq::Error::ConnectionFailed => (FailureKind::Connect, "no connection".to_owned()),
        ureq::Error::Io(error) => describe_io(&error, phase),
        _ if phase == Phase::Body => {
            (FailureKind::Protocol, "the answer's body is not valid HTTP".to_owned())
        }
        _ => (FailureKind::Protocol, "the answer is not HTTP".to_owned()),
    };
    Failure { kind, detail }
}

fn seconds(limit: Duration) -> String {
    format!("{:.1} s", limit.as_secs_f64())
}

fn describe_io(error: &io::Error, phase: Phase) -> (FailureKind, String) {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => (FailureKind::Connect, "connection refused".to_owned()),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => (FailureKind::Timeout, "timed out".to_owned()),
        // rustls reports failed handshakes this way.
        io::ErrorKind::InvalidData => (FailureKind::Tls, format!("TLS: {error}")),
        _ if phase == Phase::Body => (FailureKind::Protocol, "the answer ended early".to_owned()),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            (FailureKind::Connect, "the connection was closed before an answer".to_owned())
        }
        // The standard library has no kind of its own for a failed look-up.
        _ if error.to_string().starts_with("failed to lookup address") => {
            (FailureKind::Resolve, "the host name has no address".to_owned())
        }
        _ => (FailureKind::Connect, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::sync::mpsc::{Receiver, channel};

    use super::*;
    use crate::base::url::Url;

    /// Serves one connection after the other with `answer` and reports the head of each request.
    fn server(answer: impl Fn(&mut TcpStream) + Send + 'static) -> (String, Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (heads, received) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                while let Some(head) = read_head(&mut stream) {
                    let _ = heads.send(head);
                    answer(&mut stream);
                }
            }
        });
        (base, received)
    }

    /// Reads up to the end of a head; the tests' bodies are empty.
    fn read_head(stream: &mut TcpStream) -> Option<String> {
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read(&mut byte).ok()? == 0 {
                return None;
            }
            head.push(byte[0]);
        }
        String::from_utf8(head).ok()
    }

    fn get(url: &str) -> HttpRequest {
        let limits = Limits {
            connect: Duration::from_millis(2000),
            total: Duration::from_millis(2000),
            body_bytes: 64,
        };
        let (url, headers) = (Url::parse(url).unwrap(), vec![("X-Test".to_owned(), "1".to_owned())]);
        HttpRequest { method: Method::Get, url, headers, body: Vec::new(), limits }
    }

    fn transport() -> UreqTransport {
        UreqTransport::new(&Env::default()).unwrap()
    }

    fn failure(request: &HttpRequest) -> (FailureKind, String) {
        let failure = transport().send(request).unwrap_err();
        (failure.kind, failure.detail)
    }

    fn answering(bytes: Vec<u8>) -> String {
        server(move |stream| {
            let _ = stream.write_all(&bytes);
            let _ = stream.shutdown(std::net::Shutdown::Write);
        })
        .0
    }

    #[test]
    fn any_status_is_an_answer_and_connections_are_reused() {
        let (base, heads) = server(|stream| {
            stream.write_all(b"HTTP/1.1 503 No\r\nX-A: b\r\nContent-Length: 2\r\n\r\nno").unwrap();
        });
        let (transport, request) = (transport(), get(&format!("{base}/p?q=1")));
        for _ in 0..2 {
            let response = transport.send(&request).unwrap();
            assert_eq!(
                (response.status, response.header("x-a"), &*response.body),
                (503, Some("b"), &b"no"[..])
            );
        }
        let head = heads.recv().unwrap().to_ascii_lowercase();
        assert!(head.starts_with("get /p?q=1 http/1.1\r\n") && head.contains("x-test: 1\r\n"), "{head}");
        assert!(head.contains(&format!("user-agent: {USER_AGENT}\r\n")), "{head}");
        // The server takes one connection at a time: the second request came over the first connection.
        assert!(heads.recv().is_ok());
    }

    #[test]
    fn a_post_without_a_body_says_so() {
        let (base, heads) = server(|stream| stream.write_all(b"HTTP/1.1 204 Gone\r\n\r\n").unwrap());
        let response = transport().send(&HttpRequest { method: Method::Post, ..get(&base) }).unwrap();
        assert_eq!(response.status, 204);
        assert!(heads.recv().unwrap().to_ascii_lowercase().contains("content-length: 0\r\n"));
    }

    #[test]
    fn redirects_are_not_followed() {
        let (elsewhere, visits) =
            server(|stream| stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap());
        let base = answering(
            format!("HTTP/1.1 307 R\r\nLocation: {elsewhere}/x\r\nContent-Length: 0\r\n\r\n").into(),
        );
        for method in [Method::Get, Method::Post] {
            let response = transport().send(&HttpRequest { method, ..get(&base) }).unwrap();
            assert_eq!((response.status, response.header("location").is_some()), (307, true));
        }
        assert!(visits.try_recv().is_err());
    }

    #[test]
    fn refused_connections_and_unknown_names_are_told_apart() {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert_eq!(
            failure(&get(&format!("http://{address}"))),
            (FailureKind::Connect, "connection refused".to_owned())
        );
        let (kind, detail) = failure(&get("http://nowhere.invalid"));
        // Behind a resolver that does not answer at all, the limit strikes instead.
        assert!(matches!(kind, FailureKind::Resolve | FailureKind::Timeout), "{detail}");
        assert!(detail.contains("host name"), "{detail}");
    }

    #[test]
    fn silence_and_dripping_end_at_the_limit() {
        let total = Duration::from_millis(200);
        let limited = |base: &str| {
            let mut request = get(base);
            request.limits.total = total;
            request
        };
        // A listener that nobody accepts from completes connections and stays silent.
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let request = limited(&format!("http://{}", silent.local_addr().unwrap()));
        assert_eq!(failure(&request), (FailureKind::Timeout, "no complete answer within 0.2 s".to_owned()));

        // The rest never comes: neither the head's end nor the body's.
        for start in ["HTTP/1.1 200 OK\r\nX-", "HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\nabc"] {
            let base = server(move |stream| stream.write_all(start.as_bytes()).unwrap()).0;
            assert_eq!(failure(&limited(&base)).0, FailureKind::Timeout, "{start:?}");
        }

        // Each byte comes soon enough; all of them do not.
        let base = server(|stream| {
            let (_never, wait) = channel::<()>();
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n").unwrap();
            while stream.write_all(b"x").is_ok() {
                let _ = wait.recv_timeout(Duration::from_millis(20));
            }
        });
        assert_eq!(failure(&limited(&base.0)).0, FailureKind::Timeout);
    }

    #[test]
    fn cut_and_foreign_answers_are_protocol_failures() {
        for (answer, kind) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", FailureKind::Protocol),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", FailureKind::Protocol),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab", FailureKind::Protocol),
            ("SSH-2.0-OpenSSH_9.6\r\n\r\n", FailureKind::Protocol),
            ("HTTP/1.1 200 O", FailureKind::Connect),
            ("", FailureKind::Connect),
        ] {
            let (found, detail) = failure(&get(&answering(answer.into())));
            assert_eq!(found, kind, "{answer:?}: {detail}");
        }
    }

    #[test]
    fn the_body_limit_holds_at_its_edge() {
        for (length, chunked) in [(64, false), (64, true), (65, false), (65, true)] {
            let body = "x".repeat(length);
            let answer = if chunked {
                format!(
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"
                )
            } else {
                format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}")
            };
            let result = transport().send(&get(&answering(answer.into())));
            match (length, result) {
                (64, Ok(response)) => assert_eq!(response.body.len(), 64),
                (65, Err(failure)) => assert_eq!(failure.kind, FailureKind::TooLarge, "{failure}"),
                (_, other) => panic!("{length} {chunked}: {other:?}"),
            }
        }
    }

    #[test]
    fn an_endless_head_is_cut_off() {
        let answer = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(MAX_HEAD_BYTES + 1));
        assert_eq!(failure(&get(&answering(answer.into()))).0, FailureKind::TooLarge);
    }

    #[test]
    fn plain_text_where_tls_is_expected_is_a_tls_failure() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 16]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad\r\n\r\n");
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let (kind, detail) = failure(&get(&url));
        assert_eq!(kind, FailureKind::Tls, "{detail}");
        server.join().unwrap();
    }

    #[test]
    fn other_hosts_go_through_the_proxy() {
        let (base, heads) = server(|stream| {
            stream.write_all(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n").unwrap();
            let _ = stream.shutdown(std::net::Shutdown::Write);
        });
        let transport = UreqTransport::new(&[("HTTP_PROXY", base)].into_iter().collect()).unwrap();
        let failure = transport.send(&get("http://service.invalid/x")).unwrap_err();
        assert_eq!(
            (failure.kind, failure.detail.as_str()),
            (FailureKind::Connect, "the proxy refused the connection")
        );
        assert!(heads.recv().unwrap().starts_with("CONNECT service.invalid:80 HTTP/1.1\r\n"));
    }

    #[test]
    fn a_certificate_bundle_must_hold_certificates() {
        let folder = tempfile::tempdir().unwrap();
        let with = |path: &Path| {
            UreqTransport::new(&[("SSL_CERT_FILE", path.to_str().unwrap())].into_iter().collect()).map(|_| ())
        };
        // Any DER will do: what it holds is looked at when a server presents itself.
        let good = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        let key = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
        for (name, text, reason) in [
            ("good", format!("{key}{good}{good}"), None),
            ("empty", String::new(), Some("has no certificate")),
            ("key", key.to_owned(), Some("has no certificate")),
            ("cut", good.replace("-----END CERTIFICATE-----\n", ""), Some("is not valid PEM")),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            let outcome = with(&path).map_err(|error| (error.code(), error.message().to_owned()));
            match reason {
                None => assert!(outcome.is_ok(), "{name}"),
                Some(reason) => {
                    let (code, message) = outcome.unwrap_err();
                    assert!(code == Code::ConfigInvalid && message.ends_with(reason), "{name}: {message}");
                }
            }
        }
        let absent = with(&folder.path().join("absent")).unwrap_err();
        assert!(
            absent.message().contains("cannot be read") && absent.hint().unwrap().contains("SSL_CERT_FILE")
        );
    }

    /// `openssl s_server` with a certificate for 127.0.0.1 of its own, ended with the value.
    struct TlsServer {
        process: std::process::Child,
        base: String,
        certificate: std::path::PathBuf,
        _folder: tempfile::TempDir,
    }

    impl TlsServer {
        fn start() -> Option<Self> {
            use std::io::{BufRead, BufReader};
            use std::process::{Command, Stdio};
            let folder = tempfile::tempdir().unwrap();
            let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
            let made = Command::new("openssl")
                .args(
                    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=t"
                        .split(' '),
                )
                .args([
                    "-addext",
                    "subjectAltName=IP:127.0.0.1",
                    "-addext",
                    "basicConstraints=critical,CA:FALSE",
                ])
                .args(["-keyout".as_ref(), key.as_os_str(), "-out".as_ref(), certificate.as_os_str()])
                .stderr(Stdio::null())
                .status();
            if !made.is_ok_and(|status| status.success()) {
                return None;
            }
            let mut process = Command::new("openssl")
                .args("s_server -www -accept 127.0.0.1:0".split(' '))
                .args(["-cert".as_ref(), certificate.as_os_str(), "-key".as_ref(), key.as_os_str()])
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .ok()?;
            let output = process.stdout.take().unwrap();
            let mut server = Self { process, base: String::new(), certificate, _folder: folder };
            let mut lines = BufReader::new(output).lines().map_while(Result::ok);
            server.base =
                lines.find_map(|line| Some(format!("https://{}", line.strip_prefix("ACCEPT ")?)))?;
            Some(server)
        }
    }

    impl Drop for TlsServer {
        fn drop(&mut self) {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }

    #[test]
    fn only_the_roots_of_the_bundle_are_trusted() {
        let Some(server) = TlsServer::start() else {
            let _ = writeln!(
                io::stderr(),
                "skipped: only_the_roots_of_the_bundle_are_trusted: no usable openssl"
            );
            return;
        };
        let mut request = get(&server.base);
        request.limits.body_bytes = 1 << 20;
        // The bundled roots do not know the certificate.
        let (kind, detail) = failure(&request);
        assert_eq!(kind, FailureKind::Tls, "{detail}");
        let bundle = server.certificate.to_str().unwrap();
        let transport = UreqTransport::new(&[("SSL_CERT_FILE", bundle)].into_iter().collect()).unwrap();
        assert_eq!(transport.send(&request).unwrap().status, 200);
        // The name counts as well.
        let other_name = HttpRequest {
            url: Url::parse(&server.base.replace("127.0.0.1", "localhost")).unwrap(),
            ..request
        };
        assert_eq!(transport.send(&other_name).unwrap_err().kind, FailureKind::Tls);
    }
}
