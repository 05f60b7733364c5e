//! JSON-RPC 2.0, one message a line. Pure.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::base::error::{Code, Error};

/// A request cannot be read as JSON.
pub const PARSE_ERROR: i32 = -32700;
/// A message is JSON, but no request.
pub const INVALID_REQUEST: i32 = -32600;
/// There is no such method.
pub const METHOD_NOT_FOUND: i32 = -32601;
/// The parameters are not the method's.
pub const INVALID_PARAMS: i32 = -32602;
/// The method failed; `data` has our own code, message and hint.
pub const FAILED: i32 = -32000;
/// The caller did not want the answer any more.
pub const CANCELLED: i32 = -32800;

/// A message from the other side.
#[derive(Debug, PartialEq)]
pub struct Incoming {
    /// What the answer is to be marked with; without one there is none.
    pub id: Option<Value>,
    /// What is asked for.
    pub method: String,
    /// With what.
    pub params: Map<String, Value>,
}

#[derive(Deserialize)]
struct Message {
    jsonrpc: String,
    #[serde(default)]
    id: Option<Value>,
    method: String,
    #[serde(default)]
    params: Option<Map<String, Value>>,
}

/// Reads a line.
///
/// # Errors
/// The answer to a line that is none, with the id if it has one.
pub fn read(line: &[u8]) -> Result<Incoming, String> {
    let value: Value = serde_json::from_slice(line)
        .map_err(|error| failure(&Value::Null, PARSE_ERROR, &format!("not JSON: {error}"), None))?;
    let id = value.get("id").filter(|id| id.is_number() || id.is_string()).cloned();
    let message = Message::deserialize(value).ok().filter(|message| {
        let usable = message.id.as_ref().is_none_or(|id| id.is_number() || id.is_string());
        message.jsonrpc == "2.0" && usable
    });
    let Some(Message { method, params, .. }) = message else {
        return Err(failure(&id.unwrap_or_default(), INVALID_REQUEST, "not a JSON-RPC 2.0 request", None));
    };
    Ok(Incoming { id, method, params: params.unwrap_or_default() })
}

/// The answer to a request that went well.
#[must_use]
pub fn success(id: &Value, result: &Value) -> String {
    line(&json!({ "jsonrpc": "2.0", "id": id, "result": result }))
}

/// The answer to a request that failed.
#[must_use]
pub fn failed(id: &Value, error: &Error) -> String {
    let code = if error.code() == Code::InvalidRequest { INVALID_PARAMS } else { FAILED };
    failure(id, code, error.message(), Some(error.to_json()["error"].take()))
}

/// The answer to a request that never came to its method.
#[must_use]
pub fn failure(id: &Value, code: i32, message: &str, data: Option<Value>) -> String {
    let mut error = json!({ "code": code, "message": message });
    if let Some(data) = data {
        error["data"] = data;
    }
    line(&json!({ "jsonrpc": "2.0", "id": id, "error": error }))
}

/// A message to the other side that wants no answer.
#[must_use]
pub fn notification(method: &str, params: &Value) -> String {
    line(&json!({ "jsonrpc": "2.0", "method": method, "params": params }))
}

/// JSON escapes line ends, so a message is one line whatever is in it.
fn line(message: &Value) -> String {
    let mut line = message.to_string();
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(line: &[u8]) -> (Value, i64) {
        let answer: Value = serde_json::from_str(&read(line).unwrap_err()).unwrap();
        (answer["id"].clone(), answer["error"]["code"].as_i64().unwrap())
    }

    #[test]
    fn requests_and_notifications_are_read() {
        let request = read(br#"{"jsonrpc":"2.0","id":7,"method":"tool","params":{"name":"x"}}"#).unwrap();
        assert_eq!((request.id, request.method.as_str()), (Some(json!(7)), "tool"));
        assert_eq!(Value::Object(request.params), json!({"name": "x"}));
        let notification = read(br#" {"jsonrpc":"2.0","method":"cancel"} "#).unwrap();
        assert!(notification.id.is_none() && notification.params.is_empty());
    }

    #[test]
    fn everything_else_is_answered_with_its_fault() {
        for (line, expected) in [
            (&b""[..], (Value::Null, PARSE_ERROR)),
            (b"{", (Value::Null, PARSE_ERROR)),
            (b"\xff", (Value::Null, PARSE_ERROR)),
            (b"[]", (Value::Null, INVALID_REQUEST)),
            (br#"{"id":1,"method":"x"}"#, (json!(1), INVALID_REQUEST)),
            (br#"{"jsonrpc":"1.0","id":1,"method":"x"}"#, (json!(1), INVALID_REQUEST)),
            (br#"{"jsonrpc":"2.0","id":"a"}"#, (json!("a"), INVALID_REQUEST)),
            (br#"{"jsonrpc":"2.0","id":{},"method":"x"}"#, (Value::Null, INVALID_REQUEST)),
            (br#"{"jsonrpc":"2.0","id":1,"method":"x","params":[1]}"#, (json!(1), INVALID_REQUEST)),
        ] {
            assert_eq!(code(line), (expected.0, i64::from(expected.1)), "{}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn a_message_is_one_line_whatever_is_in_it() {
        let texts = [
            success(&json!(1), &json!("a\nb\u{2028}")),
            notification("log", &json!({"text": "a\r\nb"})),
            failed(&json!(1), &Error::new(Code::NotLoggedIn, "nobody\nhere").with_hint("log in")),
        ];
        for text in &texts {
            assert_eq!(text.matches(['\n', '\r']).count(), 1, "{text}");
        }
        let answer: Value = serde_json::from_str(&texts[2]).unwrap();
        assert_eq!(answer["error"]["data"]["code"], "not_logged_in");
        assert_eq!(answer["error"]["code"], FAILED);
    }
}
