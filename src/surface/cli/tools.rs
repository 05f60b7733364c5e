//! Commands that use the tools: list them, call one, or have a chat line carried out with them.

use std::io::{Read as _, stdin};

use serde_json::{Map, Value, json};

use crate::base::env::Env;
use crate::base::error::{Code, Error, Result as Fallible};
use crate::base::json;
use crate::http::limits::MAX_BODY_BYTES;
use crate::oidc::pending::Origin;
use crate::session::key::SessionKey;
use crate::surface::command::Chat;
use crate::surface::command::read::read;
use crate::surface::command::text::Lang;

use super::commands::{Context, failure};
use super::remote::Failure;
use super::{exit, render};

/// Bytes of parameters on standard input; the server takes no larger request.
pub const MAX_PARAMS_BYTES: u64 = MAX_BODY_BYTES as u64;

/// `tools`
pub(super) fn list(context: &Context<'_>) -> Result<u8, Failure> {
    let outcome = context.remote()?.get("/tools", None)?;
    context.print(&outcome, render::tools);
    Ok(exit::OK)
}

/// `call NAME ['{…}'|-]`
pub(super) fn call(
    context: &Context<'_>,
    tool: &str,
    params: Option<&str>,
    session: Option<&SessionKey>,
) -> Result<u8, Failure> {
    let params = given(params)?;
    let outcome = context.remote()?.call_with(tool, &params, session)?;
    context.print(&outcome, |outcome| match context.output.is_terminal() {
        true => serde_json::to_string_pretty(outcome).unwrap_or_default(),
        false => outcome.to_string(),
    });
    Ok(exit::OK)
}

/// `id 'LINE'`: the terminal is the chat, and whoever may use the socket the person.
pub(super) fn chat(
    context: &Context<'_>,
    line: &str,
    session: Option<&SessionKey>,
    lang: Option<&str>,
) -> Result<u8, Failure> {
    let lang = Lang::tagged(lang.unwrap_or_else(|| locale(context.env)));
    let origin =
        Origin { channel: Some("terminal".into()), sender: Some("operator".into()), reply_target: None };
    let remote = context.remote()?;
    let mut code = if read(line).is_ok() { exit::OK } else { exit::USAGE };
    let text = Chat { session: session.cloned(), origin, lang }.answer_with(line, |tool, params| {
        remote.call_with(tool, params, session).inspect_err(|failure| {
            code = exit::of(failure["error"]["code"].as_str().unwrap_or_default());
        })
    });
    context.print(&json!({ "text": text }), |_| text.clone());
    Ok(code)
}

/// Parameters as given on the command line: as text, on standard input, or none.
pub(super) fn given(params: Option<&str>) -> Result<Map<String, Value>, Failure> {
    match params {
        None => Ok(Map::new()),
        Some("-") => parameters(&standard_input().map_err(failure)?).map_err(failure),
        Some(text) => parameters(text).map_err(failure),
    }
}

/// Parameters of a tool.
fn parameters(text: &str) -> Fallible<Map<String, Value>> {
    let refused = |why: String| {
        Error::new(Code::InvalidRequest, format!("the parameters are not a JSON object: {why}"))
            .with_hint(r#"write them as '{"name": "value"}', or give none"#)
    };
    match json::read(text) {
        Ok(Value::Object(params)) => Ok(params),
        Ok(_) => Err(refused("they begin with no {".to_owned())),
        Err(error) => Err(refused(error.to_string())),
    }
}

fn standard_input() -> Fallible<String> {
    let mut text = String::new();
    let read = stdin().lock().take(MAX_PARAMS_BYTES + 1).read_to_string(&mut text);
    let invalid = |why: String| Error::new(Code::InvalidRequest, format!("standard input {why}"));
    match read {
        Err(error) => Err(invalid(format!("cannot be read: {error}"))),
        Ok(bytes) if bytes as u64 > MAX_PARAMS_BYTES => {
            Err(invalid(format!("has more than {MAX_PARAMS_BYTES} bytes")))
        }
        Ok(_) => Ok(text),
    }
}

/// The locale of messages (POSIX.1-2024, section 8.2).
fn locale(env: &Env) -> &str {
    ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(|name| env.get(name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_an_object_or_the_place_of_the_fault_is_told() {
        assert_eq!(parameters(r#"{"a": [1]}"#).unwrap().len(), 1);
        for (text, part) in [
            (r#"{"a": }"#, "line 1 column 7"),
            ("{\n  'a': 1}", "line 2 column 3"),
            ("[]", "begin with no {"),
            ("", "EOF"),
            ("{} x", "trailing characters at line 1 column 4"),
        ] {
            let error = parameters(text).unwrap_err();
            assert_eq!(error.code(), Code::InvalidRequest);
            assert!(error.message().contains(part), "{text}: {}", error.message());
        }
    }

    #[test]
    fn the_locale_is_the_one_of_messages() {
        let of = |pairs: &[(&str, &str)]| locale(&pairs.iter().copied().collect()).to_owned();
        assert_eq!(of(&[("LANG", "zh_CN.UTF-8"), ("LC_ALL", "")]), "zh_CN.UTF-8");
        assert_eq!(of(&[("LANG", "zh_CN.UTF-8"), ("LC_MESSAGES", "en_US")]), "en_US");
        assert_eq!(of(&[("LC_MESSAGES", "en_US"), ("LC_ALL", "zh")]), "zh");
        assert_eq!(of(&[]), "");
    }
}
