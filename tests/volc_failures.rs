//! Every way in which the control plane can fail, over real sockets with the real transport: what is said, what is kept,
//! and that the next call works without a restart.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test file, helpers included")]

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_identity::base::entropy::OsEntropy;
use agent_identity::base::env::Env;
use agent_identity::base::error::{Code, Error};
use agent_identity::base::secret::Secret;
use agent_identity::base::time::{Clock, SystemClock, Timestamp};
use agent_identity::base::url::Url;
use agent_identity::net::exchange::{Exchange, RETRY_AFTER_CAP};
use agent_identity::net::transport::Limits;
use agent_identity::net::ureq::UreqTransport;
use agent_identity::volc::client::Client;
use agent_identity::volc::endpoint::Endpoints;
use agent_identity::volc::keys::KeySettings;
use agent_identity::volc::keys::chain::{Chain, Reach};
use agent_identity::volc::pool::PoolId;
use serde_json::json;

const CANARY: &str = "canarysecretkey";
/// Long enough for a loaded machine, short enough for a test that waits it out.
const TOTAL: Duration = Duration::from_secs(2);
/// A date that is far from every test machine's.
const FAR_DATE: &str = "Thu, 15 Jan 2099 08:00:00 GMT";

/// What the server does with one request.
#[derive(Clone, Debug)]
enum Reaction {
    /// Says this, and keeps the connection.
    Say(String),
    /// Says this, and hangs up.
    Cut(&'static str),
    /// Says nothing until the client has gone.
    Hang,
    /// Goes on for ever, a byte at a time.
    Drip,
}

use Reaction::{Cut, Drip, Hang, Say};

/// Reacts to requests in order and keeps their actions; a role's keys are always given.
struct Server {
    address: SocketAddr,
    reactions: Arc<Mutex<VecDeque<Reaction>>>,
    actions: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    fn on(listener: TcpListener) -> Self {
        let address = listener.local_addr().unwrap();
        let (reactions, actions) = (Arc::default(), Arc::default());
        let server = Self { address, reactions, actions };
        let (reactions, actions) = (server.reactions.clone(), server.actions.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (reactions, actions) = (reactions.clone(), actions.clone());
                std::thread::spawn(move || serve(&stream.unwrap(), &reactions, &actions));
            }
        });
        server
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn then(&self, reactions: impl IntoIterator<Item = Reaction>) {
        self.reactions.lock().unwrap().extend(reactions);
    }

    /// The actions called so far, forgotten with the call.
    fn actions(&self) -> Vec<String> {
        std::mem::take(&mut *self.actions.lock().unwrap())
    }
}

fn serve(stream: &TcpStream, reactions: &Mutex<VecDeque<Reaction>>, actions: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream);
    while let Some(action) = receive(&mut reader) {
        let is_sts = action == "AssumeRole";
        actions.lock().unwrap().push(action);
        let next = if is_sts { Some(assumed()) } else { reactions.lock().unwrap().pop_front() };
        let mut stream = stream;
        match next {
            Some(Say(answer)) => stream.write_all(answer.as_bytes()).unwrap(),
            Some(Cut(answer)) => {
                let _ = stream.write_all(answer.as_bytes());
                return;
            }
            Some(Hang) => drop(stream.read(&mut [0])),
            Some(Drip) => {
                let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
                let mut alive = stream.write_all(head.as_bytes()).is_ok();
                while alive {
                    SystemClock.sleep(Duration::from_millis(20));
                    alive = stream.write_all(b" ").is_ok();
                }
                return;
            }
            None => return,
        }
    }
}

/// Reads a request and returns its action.
fn receive(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap();
        }
    }
    reader.read_exact(&mut vec![0; length]).ok()?;
    Some(line.split("Action=").nth(1)?.split('&').next()?.to_owned())
}

fn say(status: u16, headers: &[(&str, &str)], body: &str) -> Reaction {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    Say(format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()))
}

fn good() -> Reaction {
    let result = json!({ "WorkloadPoolName": "default" });
    say(200, &[], &json!({ "ResponseMetadata": { "RequestId": "R1" }, "Result": result }).to_string())
}

fn refusal(status: u16, headers: &[(&str, &str)], code: &str) -> Reaction {
    let error = json!({ "Code": code, "CodeN": status, "Message": "said the cloud" });
    say(status, headers, &json!({ "ResponseMetadata": { "RequestId": "R2", "Error": error } }).to_string())
}

fn assumed() -> Reaction {
    let end = SystemClock.now() + Duration::from_secs(3600);
    let keys = json!({ "AccessKeyId": "AKTP", "SecretAccessKey": CANARY, "SessionToken": CANARY, "ExpiredTime": end });
    say(200, &[], &json!({ "ResponseMetadata": {}, "Result": { "Credentials": keys } }).to_string())
}

/// The machine's clock, but waits are only written down.
#[derive(Debug, Default)]
struct Impatient(Mutex<Vec<Duration>>);

impl Clock for Impatient {
    fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }

    fn sleep(&self, duration: Duration) {
        self.0.lock().unwrap().push(duration);
    }
}

struct Caller {
    client: Client,
    clock: Arc<Impatient>,
}

impl Caller {
    /// Calls with the keys of a role, so that something can get lost.
    fn of(endpoint: &str, env: &Env, total: Duration) -> Self {
        let transport = Arc::new(UreqTransport::new(env).unwrap());
        let clock = Arc::new(Impatient::default());
        let exchange = || Arc::new(Exchange::new(transport.clone(), clock.clone(), Arc::new(OsEntropy)));
        let reach = Reach { cloud: exchange(), metadata: exchange() };
        let endpoint = Url::parse(endpoint).unwrap();
        let has_sts = !endpoint.is_https();
        let settings = KeySettings {
            access_key_id: Some(Secret::from("AKLTexampleAccessKeyId0001")),
            secret_access_key: Some(Secret::from(CANARY)),
            role_trn: has_sts.then(|| "trn:iam::1:role/R".to_owned()),
            sts_endpoint: Some(endpoint.clone()),
            ..KeySettings::default()
        };
        let chain = Arc::new(Chain::new(settings, Env::default(), reach.clone(), clock.clone()));
        let endpoints = Endpoints::new(Some(endpoint), None, transport, clock.clone()).unwrap();
        let limits = Limits { total, connect: total, ..Limits::default() };
        let client = Client::new(endpoints, chain, reach.cloud, clock.clone()).with_limits(limits);
        Self { client, clock }
    }

    fn call(&self) -> Result<(), Error> {
        let outcome = self.client.get_workload_pool(PoolId { name: Some("default"), id: None });
        outcome.map(drop).map_err(Error::from)
    }

    /// The waits so far, forgotten with the call.
    fn waits(&self) -> Vec<Duration> {
        std::mem::take(&mut *self.clock.0.lock().unwrap())
    }
}

/// A server and a caller with the keys of its role, after one good call.
fn pair() -> (Server, Caller) {
    let server = Server::start();
    let caller = Caller::of(&server.url(), &Env::default(), TOTAL);
    server.then([good()]);
    caller.call().unwrap();
    assert_eq!(server.actions(), ["AssumeRole", "GetWorkloadPool"]);
    (server, caller)
}

/// One way to fail: what the server does, how often it is asked, and what is said.
struct Row {
    name: &'static str,
    reactions: Vec<Reaction>,
    code: Code,
    says: &'static [&'static str],
    hint: &'static str,
}

fn rows() -> Vec<Row> {
    let row = |name, reactions, code, says, hint| Row { name, reactions, code, says, hint };
    let far = [("Date", FAR_DATE)];
    let network = "check the network and the proxy settings";
    vec![
        row("hang", vec![Hang], Code::CloudUnreachable, &["did not answer in time", "2.0 s"], network),
        row("slow drip", vec![Drip], Code::CloudUnreachable, &["did not answer in time", "2.0 s"], network),
        row(
            "truncated head",
            vec![Cut("HTTP/1.1 200 OK\r\nContent-Le"); 3],
            Code::CloudUnreachable,
            &["the connection was closed before an answer"],
            network,
        ),
        row(
            "truncated body",
            vec![Cut("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"Resp")],
            Code::CloudUnreachable,
            &["gave no usable answer", "ended early"],
            network,
        ),
        row(
            "truncated JSON in a whole body",
            vec![say(200, &[], r#"{"ResponseMetadata":{"RequestId":"R"},"Result":{"Work"#)],
            Code::CloudInvalid,
            &["status 200", "not the cloud's answer form"],
            "identity.endpoint",
        ),
        row(
            "HTML page of a portal",
            vec![say(200, &[], "<html>canarysecretkey, please log in</html>")],
            Code::CloudInvalid,
            &["status 200", "not the cloud's answer form"],
            "identity.endpoint",
        ),
        row(
            "HTML page of a gateway",
            vec![say(502, &[], "<html>bad gateway</html>"); 3],
            Code::CloudUnreachable,
            &["status 502"],
            "try again later",
        ),
        row(
            "200 with an error inside",
            vec![refusal(200, &[], "InvalidParameter.WorkloadPoolName")],
            Code::CloudRefused,
            &["InvalidParameter.WorkloadPoolName", "request id R2", "said the cloud"],
            "quote the request id",
        ),
        row(
            "a date that stays refused, by 401",
            vec![refusal(401, &far, "InvalidTimestamp"), refusal(401, &far, "InvalidTimestamp")],
            Code::CloudRefused,
            &["InvalidTimestamp", "request id R2"],
            "seconds behind the cloud's: set the clock",
        ),
        row(
            "a date that stays refused, by 403",
            vec![refusal(403, &far, "RequestTimeTooSkewed"), refusal(403, &far, "RequestTimeTooSkewed")],
            Code::CloudRefused,
            &["RequestTimeTooSkewed"],
            "seconds behind the cloud's: set the clock",
        ),
        row(
            "a policy is missing",
            vec![refusal(403, &[], "LackPolicy")],
            Code::CloudRefused,
            &["LackPolicy", "request id R2"],
            "an IAM policy that allows id:GetWorkloadPool",
        ),
        row(
            "a rate that waiting does not mend",
            vec![refusal(429, &[("Retry-After", "1")], "Throttled"); 3],
            Code::CloudRefused,
            &["Throttled", "request id R2"],
            "limits the rate",
        ),
        row(
            "a burst of 5xx that lasts",
            vec![refusal(503, &[], "ServiceUnavailable"), say(500, &[], ""), say(504, &[], "")],
            Code::CloudUnreachable,
            &["status 504"],
            "try again later",
        ),
    ]
}

#[test]
fn each_failure_says_what_and_what_next_and_the_next_call_works() {
    for Row { name, reactions, code, says, hint } in rows() {
        let (server, caller) = pair();
        let attempts = reactions.len();
        server.then(reactions);
        let error = caller.call().expect_err(name);
        assert_eq!(error.code(), code, "{name}: {error:?}");
        assert!(error.message().starts_with("GetWorkloadPool"), "{name}: {error:?}");
        for part in says {
            assert!(error.message().contains(part), "{name}: {part:?} is not in {error:?}");
        }
        assert!(error.hint().unwrap_or_default().contains(hint), "{name}: {error:?}");
        let shown = format!("{error} {:?} {}", error.hint(), error.to_json());
        assert!(!shown.contains(CANARY) && !shown.contains("<html"), "{name}: {shown}");
        let state = caller.client.reachability();
        assert_eq!(state.last_error.as_deref(), Some(error.message()), "{name}");
        assert_eq!(state.unreachable_since.is_some(), code == Code::CloudUnreachable, "{name}");

        server.then([good()]);
        caller.call().unwrap_or_else(|error| panic!("{name}, afterwards: {error:?}"));
        let state = caller.client.reachability();
        assert_eq!((state.last_error, state.unreachable_since), (None, None), "{name}");
        // The role's keys are still the first ones.
        assert_eq!(server.actions(), vec!["GetWorkloadPool"; attempts + 1], "{name}");
    }
}

#[test]
fn a_refused_connection_is_reported_until_somebody_listens() {
    // An address of its own: nobody else takes the port meanwhile.
    let listener = TcpListener::bind("127.0.0.79:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let caller = Caller::of(&format!("http://{address}"), &Env::default(), TOTAL);
    for _ in 0..2 {
        let error = caller.call().unwrap_err();
        assert_eq!(error.code(), Code::CloudUnreachable);
        assert!(error.message().contains("cannot be reached: connection refused"), "{error:?}");
        assert!(error.hint().unwrap().contains("network"), "{error:?}");
        assert_eq!(caller.waits().len(), 2, "three attempts");
    }
    let since = caller.client.reachability().unreachable_since;
    assert!(since.is_some());
    let server = Server::on(TcpListener::bind(address).unwrap());
    server.then([good()]);
    caller.call().unwrap();
    assert_eq!(caller.client.reachability().unreachable_since, None);
}

#[test]
fn the_measured_skew_is_named_and_then_corrected() {
    let (server, caller) = pair();
    let far = [("Date", FAR_DATE)];
    server.then([refusal(403, &far, "InvalidTimestamp"), refusal(403, &far, "InvalidTimestamp")]);
    let error = caller.call().unwrap_err();
    let named: i64 =
        error.hint().unwrap().split(' ').find_map(|word| word.parse().ok()).expect("a number of seconds");
    let cloud = Timestamp::parse_rfc3339("2099-01-15T08:00:00Z").unwrap().unix();
    assert!(named.abs_diff(cloud - SystemClock.now().unix()) < 600, "{error:?}");
    assert_eq!(caller.client.reachability().skew_seconds, Some(named));
    // One refusal is what it takes to find out; the corrected repetition goes unnoticed.
    let (server, caller) = pair();
    server.then([refusal(403, &far, "InvalidTimestamp"), good()]);
    caller.call().unwrap();
    assert_eq!(server.actions().len(), 2);
}

#[test]
fn retry_after_is_honoured_within_its_bound() {
    let (server, caller) = pair();
    let throttled = |seconds: &str| refusal(429, &[("Retry-After", seconds)], "Throttled");
    server.then([throttled("1"), good()]);
    caller.call().unwrap();
    assert_eq!(caller.waits(), [Duration::from_secs(1)]);
    assert_eq!(server.actions().len(), 2);

    let too_long = (RETRY_AFTER_CAP.as_secs() + 1).to_string();
    for asked in [too_long.as_str(), "3600", "soon"] {
        server.then([throttled(asked)]);
        let error = caller.call().unwrap_err();
        assert_eq!(error.code(), Code::CloudRefused);
        assert!(error.hint().unwrap().contains("try again in a minute"), "{error:?}");
        assert_eq!((server.actions().len(), caller.waits().len()), (1, 0), "{asked}: told at once");
    }
    server.then([good()]);
    caller.call().unwrap();
}

#[test]
fn short_bursts_of_server_errors_go_unnoticed() {
    for burst in [vec![503], vec![500, 502], vec![504, 429]] {
        let (server, caller) = pair();
        server.then(burst.iter().map(|status| say(*status, &[], "<html>busy</html>")));
        server.then([good()]);
        caller.call().unwrap();
        assert_eq!(server.actions().len(), burst.len() + 1);
        assert_eq!(caller.waits().len(), burst.len());
        assert_eq!(caller.client.reachability().unreachable_since, None);
    }
}

#[test]
fn an_untrusted_certificate_is_told_as_such() {
    let name = "an_untrusted_certificate_is_told_as_such";
    let folder = tempfile::tempdir().unwrap();
    let Some((server, certificate)) = TlsServer::start(folder.path()) else {
        let mut stderr = std::io::stderr();
        return writeln!(stderr, "skipped: {name}: openssl is not installed").unwrap();
    };
    let endpoint = format!("https://localhost:{}", server.port);
    let error = Caller::of(&endpoint, &Env::default(), 5 * TOTAL).call().unwrap_err();
    assert_eq!(error.code(), Code::CloudUnreachable);
    assert!(error.message().contains("cannot be reached: TLS:"), "{error:?}");
    assert!(error.hint().unwrap().contains("SSL_CERT_FILE"), "{error:?}");

    // What the hint says is what helps; the test server then has nothing to say to a POST.
    let trusting: Env = [("SSL_CERT_FILE", certificate.to_str().unwrap())].into_iter().collect();
    let error = Caller::of(&endpoint, &trusting, TOTAL).call().unwrap_err();
    assert!(!error.message().contains("TLS"), "{error:?}");
}

/// `openssl s_server` with a self-signed certificate.
struct TlsServer {
    child: Child,
    port: u16,
}

impl TlsServer {
    fn start(folder: &Path) -> Option<(Self, PathBuf)> {
        let (key, certificate) = (folder.join("key.pem"), folder.join("certificate.pem"));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
            .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "1"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&certificate)
            .stderr(Stdio::null())
            .status()
            .ok()?;
        assert!(made.success() && fs::metadata(&certificate).is_ok());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("openssl")
            .args(["s_server", "-quiet", "-www", "-4", "-accept", &format!("127.0.0.1:{port}"), "-cert"])
            .arg(&certificate)
            .arg("-key")
            .arg(&key)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let server = Self { child, port };
        let end = SystemClock.monotonic() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(SystemClock.monotonic() < end, "openssl s_server does not listen");
            SystemClock.sleep(Duration::from_millis(50));
        }
        Some((server, certificate))
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
