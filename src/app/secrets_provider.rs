//! `agent-identity secrets provider`: one batch of the host's references, answered on standard output.
//!
//! The running server answers, which has the sessions and what was fetched already. Without one the workload's own
//! credentials are fetched here. Nothing but the answer is written to standard output; what fails for one id, or for all,
//! is an error in that answer, because the host hides why a program failed.

use std::io::{IsTerminal, Read as _, stdin};

use serde_json::{Map, Value, json};

use crate::base::error::{Code, Error, Result};
use crate::base::json;
use crate::base::secret::Secret;
use crate::config::load;
use crate::config::secretref::exec::{MAX_REQUEST_BYTES, ids_of};
use crate::credential::hosted::RoleKeys;
use crate::credential::provide::{Provided, Sessions, failed, provide};
use crate::session::key::SessionKey;
use crate::surface::cli::commands::{Context, paths};
use crate::surface::cli::remote::Remote;

use super::build;

/// Answers one request.
///
/// # Errors
/// `InvalidRequest` when standard input holds none.
pub(super) fn run(context: &Context<'_>) -> Result<()> {
    let ids = request()?;
    let answer = answer(context, &ids)?;
    context.output.text(&answer);
    Ok(())
}

fn request() -> Result<Vec<String>> {
    let invalid = |why: &str| {
        Error::new(Code::InvalidRequest, format!("standard input holds no request for secrets: {why}"))
            .with_hint(r#"the host writes {"protocolVersion":1,"provider":"…","ids":["…"]}; see: agent-identity secrets --help"#)
    };
    if stdin().is_terminal() {
        return Err(invalid("it is a terminal"));
    }
    let mut request = Vec::new();
    let most = MAX_REQUEST_BYTES as u64;
    stdin().lock().take(most + 1).read_to_end(&mut request).map_err(|error| invalid(&error.to_string()))?;
    if request.len() > MAX_REQUEST_BYTES {
        return Err(invalid(&format!("more than {MAX_REQUEST_BYTES} bytes")));
    }
    ids_of(&request).map_err(|why| invalid(&why))
}

fn answer(context: &Context<'_>, ids: &[String]) -> Result<String> {
    if ids.is_empty() {
        return written(&Provided::default());
    }
    let (_, socket) = paths(context.options, context.env)?;
    match Remote::at(&socket).secrets(ids) {
        Ok(answer) => Ok(answer.to_string()),
        Err(failure) if failure["error"]["code"] == Code::ServerUnreachable.as_str() => {
            let alone = alone(context, ids);
            written(&alone.unwrap_or_else(|error| failed(ids, &error)))
        }
        Err(failure) => Ok(refused(ids, &failure["error"]).to_string()),
    }
}

/// Without a server: the platform keys of the configuration or the environment are enough for the workload's own.
fn alone(context: &Context<'_>, ids: &[String]) -> Result<Provided> {
    let (paths, _) = paths(context.options, context.env)?;
    let loaded = load::load(&paths, context.options.config.as_deref(), context.env)?;
    Ok(provide(ids, &build::own(&loaded)?, &NoSessions))
}

fn written(provided: &Provided) -> Result<String> {
    let text = json::text(provided)?;
    Ok(String::from_utf8_lossy(text.filled()).into_owned())
}

/// The server's refusal of the whole request, for each id.
fn refused(ids: &[String], error: &Value) -> Value {
    let code = error["code"].as_str().unwrap_or_default().to_uppercase();
    let entry = json!({ "code": code, "message": error["message"] });
    let errors: Map<String, Value> = ids.iter().map(|id| (id.clone(), entry.clone())).collect();
    json!({ "protocolVersion": 1, "values": {}, "errors": errors })
}

/// Where no server runs.
struct NoSessions;

impl NoSessions {
    fn error(session: &SessionKey) -> Error {
        let message = format!("session {:?} lives in the server, and none is running", session.as_str());
        Error::new(Code::ServerUnreachable, message)
            .with_hint("start it with `agent-identity serve`, then run `openclaw secrets reload`")
    }
}

impl Sessions for NoSessions {
    fn api_key(&self, session: &SessionKey, _: &str) -> Result<Secret> {
        Err(Self::error(session))
    }

    fn oauth2(&self, session: &SessionKey, _: &str) -> Result<Secret> {
        Err(Self::error(session))
    }

    fn role_keys(&self, session: &SessionKey, _: &str) -> Result<RoleKeys> {
        Err(Self::error(session))
    }
}
