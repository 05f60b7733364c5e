//! The command line's side of the socket: an action out, its outcome or error as JSON back.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use crate::base::error::{Code, Error};
use crate::base::secret::Secret;
use crate::http::client;
use crate::session::key::SessionKey;
use crate::surface::socket::routes::CALL_HEADER;

/// How long an answer may take; the server's own calls to the cloud end earlier.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What a tool's name does not have.
const NOT_IN_NAMES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-');

/// A running server.
#[derive(Debug)]
pub struct Remote {
    socket: PathBuf,
    call: Option<Secret>,
}

/// A failure that the server reported, in its JSON shape, or one on the way to it.
pub type Failure = Value;

impl Remote {
    /// The server behind a socket.
    #[must_use]
    pub fn at(socket: &Path) -> Self {
        Self { socket: socket.to_owned(), call: None }
    }

    /// The same for a program that a tool call runs: its handle stands for the call's session.
    #[must_use]
    pub fn in_call(self, handle: Option<&str>) -> Self {
        Self { call: handle.map(str::trim).filter(|handle| !handle.is_empty()).map(Secret::from), ..self }
    }

    /// Reads a resource.
    ///
    /// # Errors
    /// The error object.
    pub fn get(&self, path: &str, session: Option<&SessionKey>) -> Result<Value, Failure> {
        let query =
            session.map(|key| format!("?session={}", utf8_percent_encode(key.as_str(), NON_ALPHANUMERIC)));
        self.exchange("GET", &format!("{path}{}", query.unwrap_or_default()), b"")
    }

    /// Calls a tool that needs no parameters and unwraps its result.
    ///
    /// # Errors
    /// The error object.
    pub fn call(&self, tool: &str, session: Option<&SessionKey>) -> Result<Value, Failure> {
        self.call_with(tool, &Map::new(), session)
    }

    /// Calls a tool and unwraps its result.
    ///
    /// # Errors
    /// The error object.
    pub fn call_with(
        &self,
        tool: &str,
        params: &Map<String, Value>,
        session: Option<&SessionKey>,
    ) -> Result<Value, Failure> {
        let body = json!({ "params": params, "session": session.map_or("", SessionKey::as_str) }).to_string();
        // A name that is none must not become another path.
        let tool = utf8_percent_encode(tool, NOT_IN_NAMES);
        let mut answer = self.exchange("POST", &format!("/tool/{tool}"), body.as_bytes())?;
        Ok(answer["result"].take())
    }

    /// Asks for secrets by their ids; the answer is the response of the exec provider protocol.
    ///
    /// # Errors
    /// The error object, when the request as a whole failed.
    pub fn secrets(&self, ids: &[String]) -> Result<Value, Failure> {
        self.exchange("POST", "/secrets", json!({ "ids": ids }).to_string().as_bytes())
    }

    /// Asks what would be ruled on a call.
    ///
    /// # Errors
    /// The error object.
    pub fn explain(&self, question: &Value) -> Result<Value, Failure> {
        self.exchange("POST", "/authz/explain", question.to_string().as_bytes())
    }

    fn exchange(&self, method: &str, target: &str, body: &[u8]) -> Result<Value, Failure> {
        let call = self.call.as_ref().map(|handle| (CALL_HEADER, handle.expose().as_str()));
        let headers = call.as_slice();
        let answer = client::request(&self.socket, method, target, headers, body, TIMEOUT)
            .map_err(|error| self.unreachable(&error).to_json())?;
        let value: Value = serde_json::from_slice(&answer.body).map_err(|_| {
            Error::new(
                Code::ServerUnreachable,
                format!("{} is not an identity server", self.socket.display()),
            )
            .to_json()
        })?;
        if (200..300).contains(&answer.status) { Ok(value) } else { Err(value) }
    }

    fn unreachable(&self, error: &io::Error) -> Error {
        let socket = self.socket.display();
        let error_at = |what: &str, hint: &str| {
            Error::new(Code::ServerUnreachable, format!("{what} {socket}")).with_hint(hint)
        };
        match error.kind() {
            io::ErrorKind::NotFound => {
                error_at("no server: there is no socket", "start it with: agent-identity serve")
            }
            io::ErrorKind::ConnectionRefused => {
                error_at("no server: nobody listens on", "start it with: agent-identity serve")
            }
            io::ErrorKind::PermissionDenied => error_at(
                "no access to",
                "run this as the user who runs the server; the socket is private to that user",
            ),
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                error_at("the server took too long to answer on", "see its log, and: agent-identity status")
            }
            _ => error_at(&format!("no answer ({error}) from"), "see the server's log"),
        }
    }
}
