//! A client of a gateway: what the web chat, the control page or a back end is to it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use agent_identity::base::codec::{base64url, hex};
use agent_identity::base::crypto::sha256;
use agent_identity::base::entropy::{OsEntropy, random_token};
use agent_identity::base::time::{Clock, SystemClock};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

use super::websocket::{self, Receiver, Sender};

/// How long one answer may take: the first turn of a new host compiles for a quarter of a minute.
const PATIENCE: Duration = Duration::from_secs(120);
/// What a person at the web chat may do.
const SCOPES: [&str; 4] = ["operator.admin", "operator.approvals", "operator.read", "operator.write"];

/// Who connects.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// The kind of client; on the web chat, also the sender that plugins see.
    pub id: &'static str,
    pub mode: &'static str,
}

/// The web chat of a product.
pub const WEBCHAT: Identity = Identity { id: "webchat-ui", mode: "webchat" };
/// Another person's.
pub const OTHER_WEBCHAT: Identity = Identity { id: "webchat", mode: "webchat" };
/// The gateway's own page, a web chat as well; new hosts tell plugins of no sender there.
pub const CONTROL_PAGE: Identity = Identity { id: "openclaw-control-ui", mode: "webchat" };
/// A program that is no chat.
pub const BACKEND: Identity = Identity { id: "gateway-client", mode: "backend" };

/// A connected client; dropping it hangs up.
pub struct Client {
    sender: Mutex<Sender>,
    inbox: Arc<Inbox>,
    reader: Option<JoinHandle<()>>,
}

/// The end of a turn.
#[derive(Debug)]
pub struct Reply {
    /// `final`, `error` or `aborted`.
    pub state: String,
    pub text: String,
}

#[derive(Default)]
struct Inbox {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    messages: Vec<Value>,
    requests: u64,
    closed: bool,
}

impl Client {
    /// Connects with every right of an operator. A gateway that is still starting is asked again.
    pub fn connect(port: u16, token: &str, identity: Identity) -> Self {
        let (deadline, mut build) = (SystemClock.monotonic() + PATIENCE, None);
        loop {
            match Self::try_connect(port, token, identity, build.as_deref()) {
                Ok(client) => return client,
                // New hosts want to hear from their own page which build it is of, and tell which one they mean.
                Err(error) if build.is_none() && error["details"]["gatewayBuildId"].is_string() => {
                    build = error["details"]["gatewayBuildId"].as_str().map(str::to_owned);
                }
                Err(error) if error["retryable"] == true && SystemClock.monotonic() < deadline => {
                    SystemClock.sleep(Duration::from_millis(250));
                }
                Err(error) => panic!("the gateway refused {identity:?}: {error}"),
            }
        }
    }

    fn try_connect(port: u16, token: &str, identity: Identity, build: Option<&str>) -> Result<Self, Value> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        // A program that is no page names no origin; one that does has to be paired by hand.
        let origin = (identity.mode == "webchat").then(|| format!("http://{address}"));
        let (sender, receiver) = websocket::connect(address, origin.as_deref())
            .map_err(|error| json!({ "retryable": true, "message": error.to_string() }))?;
        let inbox = Arc::new(Inbox::default());
        let reader = std::thread::spawn({
            let inbox = Arc::clone(&inbox);
            move || read(receiver, &inbox)
        });
        let client = Self { sender: Mutex::new(sender), inbox, reader: Some(reader) };
        let challenge = client.event(0, |event| event["event"] == "connect.challenge");
        let nonce = challenge["payload"]["nonce"].as_str().unwrap();
        client.request("connect", introduction(token, identity, build, nonce)).map(|_| client)
    }

    /// Calls a method; `Err` is the gateway's error object.
    pub fn request(&self, method: &str, params: Value) -> Result<Value, Value> {
        let id = {
            let mut state = self.inbox.lock();
            state.requests += 1;
            state.requests.to_string()
        };
        let request = json!({ "type": "req", "id": id, "method": method, "params": params });
        self.lock_sender().send(&request.to_string()).unwrap();
        let answer = self.event(0, |message| message["type"] == "res" && message["id"] == id.as_str());
        match answer["ok"].as_bool() {
            Some(true) => Ok(answer["payload"].clone()),
            _ => Err(answer["error"].clone()),
        }
    }

    /// Says something in a session and waits for the end of the turn.
    pub fn say(&self, session: &str, message: &str) -> Reply {
        let run = self.start(session, message);
        self.end_of(&run)
    }

    /// Has the agent call a tool and returns what the tool said, which must be JSON.
    pub fn call(&self, session: &str, tool: &str, arguments: Value) -> Value {
        let reply = self.say(session, &order(tool, arguments));
        serde_json::from_str(&reply.text).unwrap_or_else(|_| panic!("{tool}: {reply:?}"))
    }

    /// Has the agent run a command and returns what it printed.
    pub fn exec(&self, session: &str, command: &str) -> String {
        self.say(session, &order("exec", json!({ "command": command }))).text
    }

    /// Says something, and gives the id of the turn that it starts.
    pub fn start(&self, session: &str, message: &str) -> String {
        let run = random_token(&OsEntropy).unwrap();
        let params = json!({ "sessionKey": session, "message": message, "idempotencyKey": run });
        self.request("chat.send", params).unwrap_or_else(|error| panic!("{message:?}: {error}"));
        run
    }

    /// Waits for the end of a turn.
    pub fn end_of(&self, run: &str) -> Reply {
        let event = self.event(0, |event| {
            let chat = &event["payload"];
            let over = matches!(chat["state"].as_str(), Some("final" | "error" | "aborted"));
            event["event"] == "chat" && chat["runId"] == run && over
        });
        let chat = &event["payload"];
        let text = match &chat["message"]["content"] {
            Value::String(text) => text.clone(),
            Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
            _ => chat["errorMessage"].as_str().unwrap_or_default().to_owned(),
        };
        Reply { state: chat["state"].as_str().unwrap_or_default().to_owned(), text }
    }

    /// Waits until the session has been told what came of a subagent. To speak in between confuses new hosts.
    pub fn announcement(&self, since: usize) -> Value {
        self.event(since, |event| {
            let run = event["payload"]["runId"].as_str().unwrap_or_default();
            event["event"] == "chat" && run.starts_with("announce:") && event["payload"]["state"] == "final"
        })
    }

    /// How many messages have come in; a place to wait from.
    pub fn received(&self) -> usize {
        self.inbox.lock().messages.len()
    }

    /// The first message from place `since` on that is the wanted one.
    pub fn event(&self, since: usize, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = SystemClock.monotonic() + PATIENCE;
        let (mut seen, mut state) = (since, self.inbox.lock());
        loop {
            if let Some(message) = state.messages[seen..].iter().find(|message| wanted(message)) {
                return message.clone();
            }
            seen = state.messages.len();
            assert!(!state.closed, "the gateway hung up; last: {:?}", state.messages.last());
            let left = deadline.saturating_sub(SystemClock.monotonic());
            if left.is_zero() {
                let chat = state.messages.iter().filter(|message| message["event"] == "chat");
                let last: Vec<_> = chat.rev().take(5).map(Value::to_string).collect();
                panic!("waited in vain; the last of the chat: {last:#?}");
            }
            state = self.inbox.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock_sender(&self) -> MutexGuard<'_, Sender> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.lock_sender().close();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts what comes in into the inbox until the connection ends.
fn read(mut receiver: Receiver, inbox: &Inbox) {
    while let Ok(Some(text)) = receiver.receive() {
        inbox.lock().messages.push(serde_json::from_str(&text).unwrap_or(Value::String(text)));
        inbox.changed.notify_all();
    }
    inbox.lock().closed = true;
    inbox.changed.notify_all();
}

/// What a person says to have a tool called.
pub fn order(tool: &str, arguments: Value) -> String {
    format!("▶ {tool} {arguments}")
}

/// The parameters of `connect`: versions 3 and 4 of the protocol, and a device whose key the gateway has not seen yet,
/// which it pairs by itself on loopback.
fn introduction(token: &str, identity: Identity, build: Option<&str>, nonce: &str) -> Value {
    let mut client =
        json!({ "id": identity.id, "version": "1.0.0", "platform": "linux", "mode": identity.mode });
    if let Some(build) = build {
        client["buildId"] = json!(build);
    }
    let key = Ed25519KeyPair::from_seed_unchecked(&sha256(identity.id.as_bytes())).unwrap();
    let public = key.public_key().as_ref();
    let device = hex(&sha256(public));
    let signed_at = SystemClock.now().unix() * 1000;
    let signed = format!(
        "v2|{device}|{}|{}|operator|{}|{signed_at}|{token}|{nonce}",
        identity.id,
        identity.mode,
        SCOPES.join(","),
    );
    json!({
        "minProtocol": 3,
        "maxProtocol": 4,
        "client": client,
        "role": "operator",
        "scopes": SCOPES,
        "caps": ["approvals", "plugin-approvals"],
        "auth": { "token": token },
        "device": {
            "id": device,
            "publicKey": base64url(public),
            "signature": base64url(key.sign(signed.as_bytes()).as_ref()),
            "signedAt": signed_at,
            "nonce": nonce,
        },
    })
}
