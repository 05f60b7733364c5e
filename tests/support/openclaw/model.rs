//! A model that does what the person says. A line `▶ TOOL {…}` in the last message of the user is one turn that calls
//! this tool; when all lines have been called, the answer is what the last tool said. So a story is written where it is
//! told, and needs no script beside it. Speaks OpenAI's chat completions, streamed or whole, and keeps every request:
//! this record is the proof of what a model was shown.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use serde_json::{Value, json};
use tiny_http::{Header, Request, Response, Server};

/// Requests that are answered at a time; a gateway with all its sessions has fewer.
const WORKERS: usize = 4;
/// What starts a line that calls a tool.
const CALL: &str = "▶ ";
/// What stands in messages that the host itself writes.
const INTERNAL: &str = "<<<BEGIN_";

/// A running model server; dropping it stops it.
pub struct Model {
    server: Arc<Server>,
    requests: Arc<Mutex<Vec<Value>>>,
    keys: Arc<Mutex<Vec<String>>>,
    workers: Vec<JoinHandle<()>>,
}

impl Model {
    pub fn start() -> Self {
        let server = Arc::new(Server::http("127.0.0.1:0").unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let keys = Arc::new(Mutex::new(Vec::new()));
        let work = |_| {
            let (server, requests, keys) = (Arc::clone(&server), Arc::clone(&requests), Arc::clone(&keys));
            std::thread::spawn(move || {
                while let Ok(request) = server.recv() {
                    let key = request.headers().iter().find(|header| header.field.equiv("authorization"));
                    let key = key.map(|header| header.value.to_string()).unwrap_or_default();
                    keys.lock().unwrap_or_else(PoisonError::into_inner).push(key);
                    answer(request, &requests);
                }
            })
        };
        let workers = (0..WORKERS).map(work).collect();
        Self { server, requests, keys, workers }
    }

    /// The base URL of a provider's configuration.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.server.server_addr().to_ip().unwrap())
    }

    /// The bodies of all requests so far.
    pub fn requests(&self) -> Vec<Value> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The `Authorization` of all requests so far.
    pub fn keys(&self) -> Vec<String> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether any request held this text anywhere: messages, tools, results.
    pub fn was_shown(&self, text: &str) -> bool {
        self.requests().iter().any(|request| strings(request).iter().any(|string| string.contains(text)))
    }

    /// What tools said in turns that began with a message that holds this text.
    pub fn results(&self, order: &str) -> Vec<String> {
        let requests = self.requests();
        let turns = requests.iter().filter_map(|request| {
            let messages = request["messages"].as_array()?;
            let begins = |message: &Value| message["role"] == "user" && content(message).contains(order);
            Some(&messages[messages.iter().rposition(begins)?..])
        });
        turns.flatten().filter(|message| message["role"] == "tool").map(content).collect()
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        for _ in &self.workers {
            self.server.unblock();
        }
        self.workers.drain(..).for_each(|worker| worker.join().unwrap());
    }
}

fn answer(mut request: Request, requests: &Mutex<Vec<Value>>) {
    let mut body = String::new();
    let read = request.as_reader().read_to_string(&mut body);
    let Some(body) = read.ok().and_then(|_| serde_json::from_str::<Value>(&body).ok()) else {
        let _ = request.respond(Response::empty(400));
        return;
    };
    let message = next_message(&body);
    let streamed = body["stream"] == true;
    requests.lock().unwrap_or_else(PoisonError::into_inner).push(body);
    let (kind, body) = match streamed {
        true => ("text/event-stream", stream(message)),
        false => ("application/json", whole(message)),
    };
    let header = Header::from_bytes("content-type", kind).unwrap();
    let _ = request.respond(Response::from_string(body).with_header(header));
}

/// The assistant's next message in the conversation of a request.
fn next_message(request: &Value) -> Value {
    let messages = request["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is = |message: &Value, role: &str| message["role"] == role;
    // A turn begins after the last answer that was no call.
    let answer =
        messages.iter().rposition(|message| is(message, "assistant") && message["tool_calls"].is_null());
    let turn = &messages[answer.map_or(0, |at| at + 1)..];
    // What the host adds in the person's name (running programs, what came of a subagent) is marked, and no order.
    let by_person = |message: &Value| is(message, "user") && !content(message).contains(INTERNAL);
    let order = turn.iter().rposition(by_person);
    let (order, since) = order.map_or((String::new(), turn), |at| (content(&turn[at]), &turn[at + 1..]));
    let steps: Vec<_> = order.lines().filter_map(step).collect();
    let done = since.iter().filter(|message| is(message, "assistant")).count();
    let Some(step) = steps.get(done) else {
        let result = since.iter().rfind(|message| is(message, "tool")).map(content);
        let read = || match order.is_empty() {
            true => "read what the host had to say".to_owned(),
            false => format!("read: {order}"),
        };
        return json!({ "role": "assistant", "content": result.unwrap_or_else(read) });
    };
    let (tool, arguments) = step.split_once(' ').unwrap_or((step, "{}"));
    let id = format!("call_{}_{done}", messages.len());
    let function = json!({ "name": tool, "arguments": arguments });
    json!({
        "role": "assistant",
        "content": null,
        "tool_calls": [{ "index": 0, "id": id, "type": "function", "function": function }],
    })
}

/// What a line orders. Before it may stand what hosts put there, a date or `[Subagent Task]:`; a line like `task: ▶ …`
/// quotes an order that was given to somebody else.
fn step(line: &str) -> Option<&str> {
    let (before, step) = line.split_once(CALL)?;
    let before = before.trim_end().trim_end_matches(':');
    (before.is_empty() || before.ends_with(']')).then(|| step.trim())
}

/// The text of a message, which is a string or a list of parts.
fn content(message: &Value) -> String {
    match &message["content"] {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

fn finish_reason(message: &Value) -> &'static str {
    if message["tool_calls"].is_array() { "tool_calls" } else { "stop" }
}

fn usage() -> Value {
    json!({ "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2 })
}

fn whole(message: Value) -> String {
    let choice = json!({ "index": 0, "finish_reason": finish_reason(&message), "message": message });
    json!({
        "id": "answer", "object": "chat.completion", "created": 0, "model": "obedient",
        "choices": [choice], "usage": usage(),
    })
    .to_string()
}

/// The same as server-sent events: the message, the reason of its end, the usage, and the mark of the end.
fn stream(message: Value) -> String {
    let chunk = |choices: Value, usage: Value| {
        let chunk = json!({
            "id": "answer", "object": "chat.completion.chunk", "created": 0, "model": "obedient",
            "choices": choices, "usage": usage,
        });
        format!("data: {chunk}\n\n")
    };
    let reason = finish_reason(&message);
    let mut text = chunk(json!([{ "index": 0, "delta": message, "finish_reason": null }]), Value::Null);
    text += &chunk(json!([{ "index": 0, "delta": {}, "finish_reason": reason }]), Value::Null);
    text += &chunk(json!([]), usage());
    text + "data: [DONE]\n\n"
}

/// All strings in a value, names of members left out.
fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        Value::Object(members) => members.values().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}
