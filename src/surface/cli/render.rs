//! Outcomes as text for people. Pure; what it reads is the JSON that `--json` prints.

use std::fmt::Write as _;

use serde_json::Value;

/// `error: …` and `hint: …`, as lines without a final line end.
#[must_use]
pub fn error(failure: &Value) -> String {
    let error = &failure["error"];
    let mut text =
        format!("error: {}", error["message"].as_str().unwrap_or("the server's answer has no message"));
    if let Some(hint) = error["hint"].as_str() {
        let _ = write!(text, "\nhint: {hint}");
    }
    text
}

/// Of `login` with somebody logged in, and of `logout`.
#[must_use]
pub fn message(outcome: &Value) -> String {
    outcome["message"].as_str().unwrap_or_default().to_owned()
}

/// Of `whoami`.
#[must_use]
pub fn whoami(outcome: &Value) -> String {
    let mut lines = Lines::default();
    if outcome["loggedIn"] == true {
        lines.row("user", &outcome["sub"]);
        lines.row("session", &outcome["sessionKey"]);
        lines.row("logged in", &outcome["sessionLoginAt"]);
        lines.row("login ends", &outcome["sessionExpiresAt"]);
        if outcome["hasTip"] == true {
            lines.row("token ends", &outcome["tipExpiresAt"]);
            lines.text("acting agent", &chain(&outcome["tipChain"]));
        } else {
            lines.text("token", "none at hand; it is fetched when first asked for");
        }
    } else {
        lines.text("user", "nobody is logged in");
        if outcome["sub"].is_string() {
            lines.row("last user", &outcome["sub"]);
            lines.row("login ended", &outcome["sessionExpiresAt"]);
        }
    }
    lines.problem(&outcome["problem"]);
    lines.0
}

/// Of `token --decode`.
#[must_use]
pub fn token(outcome: &Value) -> String {
    let mut lines = Lines::default();
    lines.row("user", &outcome["sub"]);
    lines.text("chain", &chain(&outcome["chain"]));
    lines.row("session", &outcome["sessionKey"]);
    lines.row("issued", &outcome["issuedAt"]);
    lines.row("ends", &outcome["expiresAt"]);
    lines.0
}

/// Of `status`.
#[must_use]
pub fn status(outcome: &Value) -> String {
    let mut lines = Lines::default();
    lines
        .text("version", &format!("{}, up {} s", text(&outcome["version"]), text(&outcome["uptimeSeconds"])));
    lines.section("login", &outcome["login"]);
    lines.section("cloud", &outcome["cloud"]);
    lines.section("store", &outcome["store"]);
    lines.section("peers", &outcome["peers"]);
    lines.section("authz", &outcome["authz"]);
    lines.section("raw tokens", &outcome["rawTokensServed"]);
    lines.text("sessions", &text(&outcome["sessionCount"]));
    for session in outcome["sessions"].as_array().into_iter().flatten() {
        let tip = if session["hasTip"] == true {
            "token until ".to_owned() + &text(&session["tipExpiresAt"])
        } else {
            "no token".to_owned()
        };
        let _ = writeln!(
            lines.0,
            "  {}: {}, login until {}, {tip}",
            text(&session["sessionKey"]),
            text(&session["sub"]),
            text(&session["expiresAt"])
        );
        if let Some(message) = session["problem"]["message"].as_str() {
            let _ = writeln!(lines.0, "    {message}");
        }
    }
    lines.problem(&outcome["problem"]);
    lines.0
}

/// Of `doctor`: a line for each finding, and a last one that sums up.
#[must_use]
pub fn doctor(outcome: &Value) -> String {
    let mut lines = String::new();
    let mut count = [0; 2];
    for finding in outcome["checks"].as_array().into_iter().flatten() {
        let level = match finding["level"].as_str() {
            Some("fail") => {
                count[0] += 1;
                "FAIL"
            }
            Some("warn") => {
                count[1] += 1;
                "warn"
            }
            Some("note") => "-",
            _ => "ok",
        };
        let check = text(&finding["check"]);
        let _ = write!(lines, "{level:<5} {check:<COLUMN$} {}", text(&finding["message"]));
        if !finding["hint"].is_null() {
            let _ = write!(lines, " -> {}", text(&finding["hint"]));
        }
        lines.push('\n');
    }
    let _ = writeln!(lines, "{} to mend, {} to look at", count[0], count[1]);
    lines
}

/// Of `tools`: a name and the first sentence of its description a line.
#[must_use]
pub fn tools(outcome: &Value) -> String {
    let listed: Vec<_> = outcome["tools"].as_array().into_iter().flatten().collect();
    let name = |tool: &Value| text(&tool["name"]);
    let width = listed.iter().map(|tool| name(tool).len()).max().unwrap_or_default();
    let lines = listed.iter().map(|tool| {
        let about = text(&tool["description"]);
        let first = about.split_once(". ").map_or(about.as_str(), |(first, _)| first).trim_end_matches('.');
        format!("{:<width$}  {first}", name(tool))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Width of the names' column.
const COLUMN: usize = 14;

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn text(&mut self, name: &str, value: &str) {
        let _ = writeln!(self.0, "{:<COLUMN$}{value}", format!("{name}:"));
    }

    fn row(&mut self, name: &str, value: &Value) {
        self.text(name, &text(value));
    }

    /// An object on one line: `name: key value, key value`; nested ones in parentheses.
    fn section(&mut self, name: &str, value: &Value) {
        self.text(name, &inline(value));
    }

    fn problem(&mut self, problem: &Value) {
        if let Some(message) = problem["message"].as_str() {
            self.text("problem", message);
        }
        if let Some(hint) = problem["hint"].as_str() {
            self.text("hint", hint);
        }
    }
}

fn inline(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let parts = fields.iter().filter(|(_, v)| !v.is_null()).map(|(name, v)| match v {
                Value::Object(_) => format!("{name} ({})", inline(v)),
                v => format!("{name} {}", inline(v)),
            });
            parts.collect::<Vec<_>>().join(", ")
        }
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(inline).collect::<Vec<_>>().join("; "),
        value => text(value),
    }
}

fn chain(agents: &Value) -> String {
    let names: Vec<_> = agents.as_array().into_iter().flatten().map(text).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(" <- ") }
}

/// A scalar without quotes; control characters, which a terminal would act on, are escaped.
fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text
            .chars()
            .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
            .collect(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn errors_say_what_and_what_next() {
        let failure = json!({"error": {"code": "x", "message": "nobody is logged in", "hint": "log in"}});
        assert_eq!(error(&failure), "error: nobody is logged in\nhint: log in");
        assert_eq!(error(&json!({"error": {"message": "m"}})), "error: m");
        assert_eq!(error(&json!("odd")), "error: the server's answer has no message");
    }

    #[test]
    fn whoami_with_and_without_a_login() {
        let outcome = json!({
            "loggedIn": true, "sub": "u-1", "sessionKey": "agent:main:main", "hasTip": true,
            "sessionLoginAt": "2026-01-15T08:00:00Z", "sessionExpiresAt": "2026-01-15T09:00:00Z",
            "tipExpiresAt": "2026-01-15T08:30:00Z", "tipChain": ["agent2", "agent1"]
        });
        let expected = "\
user:         u-1
session:      agent:main:main
logged in:    2026-01-15T08:00:00Z
login ends:   2026-01-15T09:00:00Z
token ends:   2026-01-15T08:30:00Z
acting agent: agent2 <- agent1
";
        assert_eq!(whoami(&outcome), expected);
        let nobody = json!({"loggedIn": false, "problem": {"message": "m", "hint": "h"}});
        assert_eq!(whoami(&nobody), "user:         nobody is logged in\nproblem:      m\nhint:         h\n");
        let ended = json!({"loggedIn": false, "sub": "u-1", "sessionExpiresAt": "E"});
        assert_eq!(whoami(&ended), "user:         nobody is logged in\nlast user:    u-1\nlogin ended:  E\n");
    }

    #[test]
    fn tools_have_a_line_each() {
        let outcome = json!({"tools": [
            {"name": "identity_b", "description": "Does b. And more. Call when: \"b\"."},
            {"name": "identity_long", "description": "Does it."},
        ]});
        assert_eq!(tools(&outcome), "identity_b     Does b\nidentity_long  Does it");
    }

    #[test]
    fn a_terminal_gets_no_control_characters() {
        let shown = whoami(&json!({"loggedIn": true, "sub": "u\u{1b}[31m\n"}));
        assert!(shown.starts_with("user:         u\\u{1b}[31m\\n\n"), "{shown}");
    }

    #[test]
    fn status_is_one_line_a_part() {
        let outcome = json!({
            "version": "0.1.0", "uptimeSeconds": 5, "login": {"configured": true}, "sessionCount": 1,
            "cloud": {"endpoint": "id.example", "unreachableSince": null}, "store": {"state": "ok"},
            "peers": {"allowed": 2, "lastDenied": {"reason": "not_listed"}}, "authz": {"toolCheck": true}, "rawTokensServed": {"tip": 3},
            "sessions": [{"sessionKey": "agent:main:main", "sub": "u", "expiresAt": "E", "hasTip": false, "problem": {"message": "cloud is down"}}],
            "problem": {"message": "cloud is down", "hint": "wait"}
        });
        let expected = "\
version:      0.1.0, up 5 s
login:        configured true
cloud:        endpoint id.example
store:        state ok
peers:        allowed 2, lastDenied (reason not_listed)
authz:        toolCheck true
raw tokens:   tip 3
sessions:     1
  agent:main:main: u, login until E, no token
    cloud is down
problem:      cloud is down
hint:         wait
";
        assert_eq!(status(&outcome), expected);
    }
}
