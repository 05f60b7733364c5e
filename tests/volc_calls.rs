//! The control plane client over real sockets: what is on the wire is what was signed, and each way in which a server
//! can fail has its own error.
//!
//! The server here checks signatures by its own reading of the vendor's algorithm, from the bytes that it received.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use agent_identity::base::entropy::OsEntropy;
use agent_identity::base::env::Env;
use agent_identity::base::error::{Code, Error};
use agent_identity::base::secret::Secret;
use agent_identity::base::time::{Clock, SystemClock, Timestamp};
use agent_identity::base::url::Url;
use agent_identity::net::exchange::{Exchange, Repeat};
use agent_identity::net::ureq::UreqTransport;
use agent_identity::volc::call::Action;
use agent_identity::volc::client::Client;
use agent_identity::volc::endpoint::Endpoints;
use agent_identity::volc::keys::KeySettings;
use agent_identity::volc::keys::chain::{Chain, Reach};
use agent_identity::volc::workload::TokenRequest;
use ring::{digest, hmac};
use serde_json::{Value, json};

const CANARY: &str = "canarysecretkey";

/// A request as it came in.
#[derive(Debug)]
struct Received {
    line: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// Gives raw answers in order; after one without a `Content-Type` it hangs up.
struct Server {
    base: Url,
    received: Receiver<Received>,
}

impl Server {
    fn start(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let (sender, received) = channel();
        let answers = Arc::new(Mutex::new(VecDeque::from(answers)));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (answers, sender) = (answers.clone(), sender.clone());
                std::thread::spawn(move || serve(&stream.unwrap(), &answers, &sender));
            }
        });
        Self { base, received }
    }

    fn client(&self) -> Client {
        self.client_with(KeySettings {
            access_key_id: Some(Secret::from("AKLTexampleAccessKeyId0001")),
            secret_access_key: Some(Secret::from(CANARY)),
            ..KeySettings::default()
        })
    }

    fn client_with(&self, settings: KeySettings) -> Client {
        let (transport, clock) =
            (Arc::new(UreqTransport::new(&Env::default()).unwrap()), Arc::new(SystemClock));
        let exchange = || Arc::new(Exchange::new(transport.clone(), clock.clone(), Arc::new(OsEntropy)));
        let cloud = exchange();
        let reach = Reach { cloud: cloud.clone(), metadata: exchange() };
        let settings = KeySettings { sts_endpoint: Some(self.base.clone()), ..settings };
        let chain = Arc::new(Chain::new(settings, Env::default(), reach, clock.clone()));
        let endpoints = Endpoints::new(Some(self.base.clone()), None, transport, clock.clone()).unwrap();
        Client::new(endpoints, chain, cloud, clock)
    }
}

fn serve(stream: &TcpStream, answers: &Mutex<VecDeque<String>>, sender: &Sender<Received>) {
    let mut reader = BufReader::new(stream);
    while let Some(received) = receive(&mut reader) {
        sender.send(received).unwrap();
        let Some(answer) = answers.lock().unwrap().pop_front() else { break };
        let mut stream = stream;
        let _ = stream.write_all(answer.as_bytes());
        if !answer.contains("Content-Type") {
            break;
        }
    }
    let _ = stream.shutdown(Shutdown::Write);
}

fn receive(reader: &mut impl BufRead) -> Option<Received> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Received { line: line.trim_end().to_owned(), headers, body })
}

impl Received {
    fn action(&self) -> &str {
        self.line.split("Action=").nth(1).unwrap().split('&').next().unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Recomputes the signature from what came in, with the headers that the request itself lists.
    fn assert_signed(&self, secret: &str) {
        let authorization = &self.headers["authorization"];
        let part = |name: &str| {
            let start = authorization.find(name).unwrap() + name.len() + 1;
            authorization[start..].split(',').next().unwrap()
        };
        let (signed, signature) = (part("SignedHeaders"), part("Signature"));
        let (_, scope) = part("Credential").split_once('/').unwrap();
        let mut words = self.line.split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        let (path, query) = target.split_once('?').unwrap();
        let mut canonical = format!("{method}\n{path}\n{query}\n");
        for name in signed.split(';') {
            writeln!(canonical, "{name}:{}", self.headers[name]).unwrap();
        }
        let body_hash = hex(digest::digest(&digest::SHA256, &self.body).as_ref());
        assert_eq!(self.headers["x-content-sha256"], body_hash);
        write!(canonical, "\n{signed}\n{body_hash}").unwrap();
        let hash = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
        let to_sign = format!("HMAC-SHA256\n{}\n{scope}\n{hash}", self.headers["x-date"]);
        let mut key = secret.as_bytes().to_vec();
        for step in scope.split('/') {
            key = mac(&key, step.as_bytes());
        }
        assert_eq!(hex(&mac(&key, to_sign.as_bytes())), signature, "{canonical}");
    }
}

fn mac(key: &[u8], bytes: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), bytes).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn answer(status: u16, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn result(result: &Value) -> String {
    answer(200, &json!({ "ResponseMetadata": { "RequestId": "R1" }, "Result": result }).to_string())
}

fn refusal(status: u16, code: &str) -> String {
    let error = json!({ "Code": code, "CodeN": status, "Message": "said the cloud" });
    answer(status, &json!({ "ResponseMetadata": { "RequestId": "R2", "Error": error } }).to_string())
}

fn token() -> Value {
    json!({ "WorkloadAccessToken": "tip.jwt", "ExpiresAt": "2099-01-15T08:00:00Z" })
}

#[test]
fn a_workload_is_created_on_the_way_to_its_token_and_every_request_is_signed() {
    let server = Server::start(vec![refusal(404, "NotFound"), refusal(409, "Duplicated"), result(&token())]);
    let (client, user_token) = (server.client(), Secret::from("user.jwt"));
    let request = TokenRequest {
        user_token: &user_token,
        name: Some("ünïcode agent"),
        pool: Some("default"),
        audience: None,
        duration_seconds: Some(3600),
    };
    assert_eq!(client.workload_token(&request).unwrap().token.expose(), "tip.jwt");
    let received: Vec<_> = server.received.try_iter().collect();
    let actions: Vec<_> = received.iter().map(Received::action).collect();
    assert_eq!(
        actions,
        ["GetWorkloadAccessTokenForJWT", "CreateWorkloadIdentity", "GetWorkloadAccessTokenForJWT"]
    );
    for request in &received {
        request.assert_signed(CANARY);
        assert_eq!(request.headers["content-type"], "application/json");
        assert!(request.headers["authorization"].contains("/cn-beijing/id/request"));
    }
    assert_eq!(
        received[1].json(),
        json!({ "Name": "ünïcode agent", "WorkloadPoolName": "default", "Category": "Agent" })
    );
    assert_eq!(client.reachability().unreachable_since, None);
}

#[test]
fn a_roles_keys_sign_with_their_session_token() {
    let end = SystemClock.now() + std::time::Duration::from_secs(3600);
    let keys = json!({
        "AccessKeyId": "AKTPexample", "SecretAccessKey": "rolesecret", "SessionToken": "STS+token/==", "ExpiredTime": end
    });
    let server =
        Server::start(vec![result(&json!({ "Credentials": keys })), result(&json!({})), result(&json!({}))]);
    let client = server.client_with(KeySettings {
        access_key_id: Some(Secret::from("AKLTexample")),
        secret_access_key: Some(Secret::from(CANARY)),
        role_trn: Some("trn:iam::2100000000:role/AgentRole".to_owned()),
        ..KeySettings::default()
    });
    for _ in 0..2 {
        client.call::<Value>(Action::id("CheckPermission"), &json!({}), Repeat::Safe).unwrap();
    }
    let received: Vec<_> = server.received.try_iter().collect();
    let actions: Vec<_> = received.iter().map(Received::action).collect();
    assert_eq!(actions, ["AssumeRole", "CheckPermission", "CheckPermission"]);
    received[0].assert_signed(CANARY);
    assert!(received[0].headers["authorization"].contains("/sts/request"));
    received[1].assert_signed("rolesecret");
    assert_eq!(received[1].headers["x-security-token"], "STS+token/==");
    assert!(received[1].headers["authorization"].contains("x-security-token"));
}

#[test]
fn every_kind_of_trouble_has_its_own_error() {
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"Resp";
    for (trouble, code, parts) in [
        (
            refusal(403, "LackPolicy"),
            Code::CloudRefused,
            ["CheckPermission", "LackPolicy (request id R2): said the cloud"],
        ),
        (
            refusal(200, "InvalidParameter.Namespace"),
            Code::CloudRefused,
            ["CheckPermission", "InvalidParameter.Namespace"],
        ),
        (answer(502, "<html>gateway</html>"), Code::CloudUnreachable, ["CheckPermission", "status 502"]),
        (answer(200, "<html>portal</html>"), Code::CloudInvalid, ["CheckPermission", "status 200"]),
        (answer(302, ""), Code::CloudInvalid, ["CheckPermission", "status 302"]),
        (cut.to_owned(), Code::CloudUnreachable, ["CheckPermission", "ended early"]),
        ("nonsense\r\n\r\n".to_owned(), Code::CloudUnreachable, ["CheckPermission", "not HTTP"]),
        (String::new(), Code::CloudUnreachable, ["CheckPermission", "closed before an answer"]),
    ] {
        let server = Server::start(vec![trouble.clone()]);
        let call = server.client().call::<Value>(Action::id("CheckPermission"), &json!({}), Repeat::Never);
        let error = Error::from(call.unwrap_err());
        assert_eq!(error.code(), code, "{trouble:?}: {error:?}");
        for part in parts {
            assert!(error.message().contains(part), "{trouble:?}: {error:?}");
        }
        assert!(error.hint().is_some() || code == Code::CloudRefused, "{trouble:?}: {error:?}");
        assert!(!format!("{error:?}").contains(CANARY) && !error.message().contains("html"));
    }
}

#[test]
fn a_refused_date_is_corrected_by_the_servers_own() {
    // A moment that this test knows in words, and a machine clock that is off from it by however much.
    let date = "Date: Thu, 15 Jan 2099 08:00:00 GMT\r\n";
    let dated = |answer: String| answer.replacen("Content-Type", &format!("{date}Content-Type"), 1);
    let server = Server::start(vec![dated(refusal(403, "InvalidTimestamp")), dated(result(&json!({})))]);
    let client = server.client();
    client.call::<Value>(Action::id("CheckPermission"), &json!({}), Repeat::Safe).unwrap();
    let received: Vec<_> = server.received.try_iter().collect();
    assert_eq!(received.len(), 2);
    received[1].assert_signed(CANARY);
    assert!(received[1].headers["x-date"].starts_with("20990115T08000"), "{}", received[1].headers["x-date"]);
    let skew = client.reachability().skew_seconds.unwrap();
    let expected =
        Timestamp::parse_rfc3339("2099-01-15T08:00:00Z").unwrap().unix() - SystemClock.now().unix();
    assert!(skew.abs_diff(expected) < 600, "{skew}");
}
