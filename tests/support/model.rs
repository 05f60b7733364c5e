//! A model's service on loopback, in both protocols: it answers what it was told to, or as one that obeys the command.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// What it makes of a question, which is what it was sent as the user's message.
pub type Mind = fn(question: &Value) -> String;

/// A running service.
pub struct Model {
    pub url: String,
    mind: Arc<Mutex<Mind>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// A request that came in.
#[derive(Clone, Debug)]
pub struct Seen {
    pub path: String,
    pub authorization: Option<String>,
    pub body: Value,
}

impl Model {
    pub fn start(mind: Mind) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (mind, seen) = (Arc::new(Mutex::new(mind)), Arc::new(Mutex::new(Vec::new())));
        let (minds, sights) = (mind.clone(), seen.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let Some(request) = read(&mut BufReader::new(&stream)) else { continue };
                let answer = answer(&request, *minds.lock().unwrap());
                sights.lock().unwrap().push(request);
                let length = answer.len();
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{answer}"
                );
            }
        });
        Self { url, mind, seen }
    }

    pub fn set(&self, mind: Mind) {
        *self.mind.lock().unwrap() = mind;
    }

    /// What came in since the last look.
    pub fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

fn read(stream: &mut impl BufRead) -> Option<Seen> {
    let mut line = String::new();
    stream.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let (mut length, mut authorization) = (0, None);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "authorization" => authorization = Some(value.to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Seen { path, authorization, body: serde_json::from_slice(&body).ok()? })
}

fn answer(request: &Seen, mind: Mind) -> String {
    let is_ollama = request.path.ends_with("/api/generate");
    let text = match is_ollama {
        true => &request.body["prompt"],
        false => &request.body["messages"][1]["content"],
    };
    let said = mind(&serde_json::from_str(text.as_str().unwrap_or_default()).unwrap_or_default());
    match is_ollama {
        true => json!({ "response": said, "done": true }).to_string(),
        false => json!({ "choices": [{ "message": { "role": "assistant", "content": said } }] }).to_string(),
    }
}
