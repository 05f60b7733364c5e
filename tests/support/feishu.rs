//! A Feishu Open Platform on loopback, as strict as the real one about what a bot may send: apps and their secrets, access
//! tokens that end, id types, and contents that are texts which hold JSON.

use std::collections::{HashMap, HashSet};
use std::io::Read as _;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::{Value, json};
use tiny_http::{Header, Method, Request, Response, Server};

use super::PATIENCE;

/// The app and its secret.
pub const APP: (&str, &str) = ("cli_emulated", "feishu-app-secret-canary");

pub struct Feishu {
    server: Arc<Server>,
    thread: Option<JoinHandle<()>>,
    pub messages: Receiver<Message>,
    world: Arc<Mutex<World>>,
}

/// A message that somebody was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub id_type: String,
    pub to: String,
    pub text: String,
}

#[derive(Default)]
struct World {
    /// Tokens that count, by their app.
    tokens: HashMap<String, String>,
    issued: usize,
    seen: HashSet<String>,
    refused: Vec<String>,
}

impl Feishu {
    pub fn start() -> Self {
        let server = Arc::new(Server::http("127.0.0.1:0").unwrap());
        let (sender, messages) = channel();
        let world = Arc::new(Mutex::new(World::default()));
        let thread = std::thread::spawn({
            let (server, world) = (server.clone(), world.clone());
            move || {
                for request in server.incoming_requests() {
                    serve(request, &world, &sender);
                }
            }
        });
        Self { server, thread: Some(thread), messages, world }
    }

    /// What stands in `channels.feishu`.
    pub fn config(&self) -> Value {
        json!({ "enabled": true, "appId": APP.0, "appSecret": APP.1, "domain": self.address() })
    }

    pub fn address(&self) -> String {
        format!("http://{}", self.server.server_addr().to_ip().unwrap())
    }

    /// The next message.
    pub fn message(&self) -> Message {
        self.messages
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|_| panic!("no message; refused: {:?}", self.refused()))
    }

    /// Ends every access token before its time.
    pub fn revoke_tokens(&self) {
        self.world.lock().unwrap().tokens.clear();
    }

    /// How many access tokens were given.
    pub fn issued(&self) -> usize {
        self.world.lock().unwrap().issued
    }

    /// Why requests were refused.
    pub fn refused(&self) -> Vec<String> {
        self.world.lock().unwrap().refused.clone()
    }
}

impl Drop for Feishu {
    fn drop(&mut self) {
        self.server.unblock();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(mut request: Request, world: &Mutex<World>, messages: &Sender<Message>) {
    let mut body = String::new();
    let _ = request.as_reader().take(1 << 20).read_to_string(&mut body);
    let outcome = answer(&request, &body, &mut world.lock().unwrap(), messages);
    let (status, answer) = outcome.unwrap_or_else(|(code, why)| {
        world.lock().unwrap().refused.push(why.to_owned());
        (400, json!({ "code": code, "msg": why }))
    });
    let json = Header::from_bytes("Content-Type", "application/json").unwrap();
    let response = Response::from_string(answer.to_string()).with_status_code(status).with_header(json);
    let _ = request.respond(response);
}

type Refused = (i64, &'static str);

fn answer(
    request: &Request,
    body: &str,
    world: &mut World,
    messages: &Sender<Message>,
) -> Result<(u16, Value), Refused> {
    let url = request.url();
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let header = |name: &'static str| {
        request.headers().iter().find(|h| h.field.equiv(name)).map(|h| h.value.as_str().to_owned())
    };
    let is_json = header("Content-Type").is_some_and(|kind| kind.starts_with("application/json"));
    let body: Value = serde_json::from_str(body).map_err(|_| (9_499, "the body is no JSON"))?;
    if *request.method() != Method::Post || !is_json {
        return Err((99_991_400, "not a POST of JSON"));
    }
    match path {
        "/open-apis/auth/v3/tenant_access_token/internal" => {
            if body["app_id"] != APP.0 {
                return Err((10_003, "invalid app_id"));
            }
            if body["app_secret"] != APP.1 {
                return Err((10_014, "app secret invalid"));
            }
            let app = APP.0.to_owned();
            // The same one again, while it has time left.
            if !world.tokens.contains_key(&app) {
                world.issued += 1;
                let token = format!("t-feishu-token-canary-{}", world.issued);
                world.tokens.insert(app.clone(), token);
            }
            let token = &world.tokens[&app];
            Ok((200, json!({ "code": 0, "msg": "ok", "tenant_access_token": token, "expire": 7200 })))
        }
        "/open-apis/im/v1/messages" => {
            let bearer = header("Authorization").ok_or((99_991_661, "no access token"))?;
            let token = bearer.strip_prefix("Bearer ").ok_or((99_991_671, "no bearer token"))?;
            if !world.tokens.values().any(|known| known == token) {
                return Err((99_991_663, "invalid access token"));
            }
            let text = |name: &str| body[name].as_str().ok_or((230_001, "a field is no text"));
            let id_type = query.strip_prefix("receive_id_type=").ok_or((99_992_402, "no id type"))?;
            let to = text("receive_id")?;
            let prefix = match id_type {
                "chat_id" => "oc_",
                "open_id" => "ou_",
                _ => return Err((99_992_402, "an unknown id type")),
            };
            if !to.starts_with(prefix) {
                return Err((230_001, "the id is of another type"));
            }
            let content: Value =
                serde_json::from_str(text("content")?).map_err(|_| (230_001, "the content is no JSON"))?;
            let said = content["text"].as_str().ok_or((230_001, "the content has no text"))?;
            if text("msg_type")? != "text" || said.is_empty() {
                return Err((230_001, "no text message"));
            }
            let uuid = text("uuid")?;
            if uuid.is_empty() || uuid.len() > 50 {
                return Err((230_001, "a uuid has at most 50 characters"));
            }
            if world.seen.insert(uuid.to_owned()) {
                let message = Message { id_type: id_type.into(), to: to.into(), text: said.into() };
                let _ = messages.send(message);
            }
            Ok((200, json!({ "code": 0, "msg": "success", "data": { "message_id": "om_1" } })))
        }
        _ => Err((404, "no such call")),
    }
}
