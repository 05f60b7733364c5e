//! What the parameters of a tool call say: code, statements, addresses, and what is put into files.

use crate::risk::lookup::{Names, list};
use serde_json::{Map, Value};

use super::words::{
    CELLS, CODE, COMMANDS, CONTENTS, CREDENTIALS, DELETES, NAMED, PROGRAMS, SHARED, STATEMENTS, TEXTS,
};
use super::{MAX_DEPTH, by_rule, path_word};
use crate::risk::paths::{Place, place, resolve};
use crate::risk::{Context, Verdict, judge_command, shell};

/// Judges code, statements and addresses, and what is put into a profile.
pub(super) fn by_content(
    lower: &str,
    parts: &[&str],
    params: &Map<String, Value>,
    context: &Context<'_>,
    keep: &mut dyn FnMut(Verdict),
) {
    let text = |keys: &[&str]| keys.iter().find_map(|key| params.get(*key)?.as_str()).map(str::to_owned);
    let quote = shell::quoted;
    if let Some(code) = text(CODE) {
        let language = text(&["language", "lang", "runtime"]).unwrap_or_else(|| lower.to_owned());
        let language = language.to_ascii_lowercase();
        let line = if language.contains("sh") || language.contains("terminal") {
            code
        } else if language.contains("js")
            || language.contains("javascript")
            || language.contains("node")
            || language.contains("typescript")
        {
            format!("node -e {}", quote(&code))
        } else {
            format!("python3 -c {}", quote(&code))
        };
        keep(judge_command(&line, context));
    }
    let is_database = ["sql", "postgres", "mysql", "database", "db", "sqlite", "query"]
        .iter()
        .any(|name| parts.contains(name))
        || lower.contains("sql");
    if let Some(statement) = text(STATEMENTS).filter(|_| is_database) {
        keep(judge_command(&format!("psql -c {}", quote(&statement)), context));
    }
    // What is typed into a session: a statement is for the client that runs there.
    if let Some(typed) = text(&["data", "input", "text", "keys"]).filter(|typed| is_statement(typed)) {
        keep(judge_command(&format!("psql -c {}", quote(&typed)), context));
        keep(judge_command(&format!("redis-cli {}", typed.trim()), context));
    }
    // Where there are keys only, a line that is ended may be for a shell.
    let has_keys =
        parts.iter().any(|part| matches!(*part, "computer" | "keyboard" | "type" | "typing" | "desktop"));
    let is_prose = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_uppercase()) || text.ends_with(['.', '?', '!', ','])
    };
    let typed =
        text(&["text", "keys"]).filter(|typed| has_keys && typed.ends_with('\n') && !is_prose(typed.trim()));
    if let Some(typed) = typed {
        keep(judge_command(&typed, context));
    }
    // A line of code is for the interpreter that runs there.
    if let Some(typed) = text(&["data", "input", "text", "keys"]).filter(|_| parts.contains(&"process")) {
        for (program, starts) in TYPED {
            if typed.lines().any(|line| starts.iter().any(|start| line.trim_start().starts_with(start))) {
                keep(judge_command(&format!("{program} {}", quote(&typed)), context));
            }
        }
    }
    let tells = [
        "message", "send", "mail", "email", "slack", "discord", "telegram", "post", "comment", "sms", "chat",
        "tweet", "reply", "notify", "webhook", "teams", "publish", "fetch", "http", "request",
    ]
    .iter()
    .any(|name| parts.contains(name));
    if tells
        && TEXTS
            .iter()
            .chain(&["data", "payload", "json"])
            .filter_map(|key| params.get(*key)?.as_str())
            .any(holds_key)
    {
        keep(by_rule("send-secret", lower));
    }
    if let Some(url) = text(&["url", "uri", "endpoint"]) {
        let uploads = text(&["path", "file", "file_path"])
            .map_or_else(String::new, |path| format!(" -T {}", path_word(&path)));
        let method = text(&["method"]).map_or_else(String::new, |method| format!(" -X {}", quote(&method)));
        keep(judge_command(&format!("curl{method}{uploads} {}", quote(&url)), context));
        let lower = url.to_ascii_lowercase();
        if tells_key(&url) {
            keep(by_rule("send-secret", &url));
        }
        let sends = text(&["body", "data", "payload", "json", "content"]).is_some_and(|body| body.len() > 2)
            || params.get("body").or_else(|| params.get("json")).is_some_and(Value::is_object);
        if sends && crate::risk::rules::network::DROPS.iter().any(|host| lower.contains(host)) {
            keep(by_rule("send-secret", &url));
        }
    }
    if let Some(path) = text(&["path", "file_path", "filepath", "filePath", "target_file", "filename"]) {
        let edits =
            params.get("edits").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
        for fields in std::iter::once(params).chain(edits.take(16)) {
            for content in CONTENTS.iter().filter_map(|key| fields.get(*key)?.as_str()) {
                added(&path, content, context, keep);
            }
        }
    }
    // A notebook passes these lines to a shell.
    for cell in CELLS.iter().filter_map(|key| params.get(*key)?.as_str()) {
        let is_notebook = parts
            .iter()
            .any(|part| matches!(*part, "notebook" | "jupyter" | "cell" | "ipython" | "colab" | "kernel"));
        let is_shell = cell.starts_with("%%bash") || cell.starts_with("%%sh");
        let lines: Vec<&str> =
            cell.lines().filter_map(|line| line.trim_start().strip_prefix('!')).take(64).collect();
        if is_notebook && is_shell {
            keep(judge_command(cell.split_once('\n').map_or("", |(_, rest)| rest), context));
        } else if is_notebook && !lines.is_empty() {
            keep(judge_command(&lines.join("\n"), context));
        }
    }
    // What a page knows of its reader, sent elsewhere.
    for code in ["script", "code", "fn", "function", "expression", "javascript"]
        .iter()
        .filter_map(|key| params.get(*key)?.as_str())
    {
        let lower = code.to_ascii_lowercase();
        let has = |words: Names| words.iter().any(|word| lower.contains(word));
        if has(list!("document.cookie localstorage sessionstorage"))
            && has(list!("fetch( xmlhttprequest sendbeacon new␣image .src axios location"))
            && lower.contains("://")
        {
            keep(by_rule("send-secret", code));
        }
    }
    let is_env = parts.contains(&"env") || parts.contains(&"environment") || parts.contains(&"setenv");
    if let (true, Some(name), Some(value)) = (is_env, text(&["name", "key", "variable"]), text(&["value"])) {
        keep(judge_command(&format!("export {name}={}", quote(&value)), context));
    }
}

/// With what the lines begin that are typed into an interpreter, and how it is given code.
const TYPED: &[(&str, &[&str])] = &[
    (
        "python3 -c",
        &["import ", "from ", "os.", "subprocess.", "shutil.", "open(", "exec(", "eval(", "__import__"],
    ),
    ("node -e", &["const ", "let ", "var ", "require(", "process.", "fs.", "await ", "child_process."]),
    (
        "ruby -e",
        &["require '", "require \"", "FileUtils.", "File.", "Dir.", "IO.", "Kernel.", "system(", "`"],
    ),
    ("mongosh --eval", &["db."]),
    ("R -e", &["unlink(", "system2(", "file.remove("]),
];

/// Whether an address tells whoever is asked what a variable holds that is named like a credential:
/// `?d=AWS_SECRET_ACCESS_KEY%3D…`.
fn tells_key(url: &str) -> bool {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    query.split('&').any(|pair| {
        let value =
            pair.split_once('=').map_or("", |(_, value)| value).replace("%3D", "=").replace("%3d", "=");
        value.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '=')).any(|part| {
            part.split_once('=').is_some_and(|(name, value)| value.len() > 3 && shell::is_credential(name))
        }) || holds_key(&value)
    })
}

/// Whether a text begins like a statement for a database.
fn is_statement(text: &str) -> bool {
    let lower = text.trim_start().to_ascii_lowercase();
    let mut words = lower.split(|c: char| !c.is_ascii_alphabetic());
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    matches!(
        (first, second),
        ("drop", "database" | "table" | "schema" | "user" | "role" | "owned")
            | ("delete", "from")
            | ("alter", "user" | "role" | "system")
            | ("truncate" | "flushall" | "flushdb", _)
            | ("grant", "all")
            | ("copy", _)
    )
}

/// Whether a text holds a key itself, not only the name of one.
fn holds_key(text: &str) -> bool {
    if text.contains("-----BEGIN") && text.contains("PRIVATE KEY-----") {
        return true;
    }
    let starts: &[(&str, usize)] = &[
        ("AKIA", 16),
        ("ASIA", 16),
        ("LTAI", 12),
        ("AKLT", 20),
        ("ghp_", 20),
        ("gho_", 20),
        ("ghs_", 20),
        ("github_pat_", 20),
        ("glpat-", 16),
        ("xoxb-", 16),
        ("xoxp-", 16),
        ("sk_live_", 16),
        ("rk_live_", 16),
        ("npm_", 30),
        ("pypi-AgE", 16),
        ("AIza", 30),
        ("hvs.", 20),
        ("dop_v1_", 20),
        ("shpat_", 20),
    ];
    starts.iter().any(|(start, length)| {
        text.match_indices(start).take(8).any(|(at, _)| {
            let behind = &text[at + start.len()..];
            behind
                .bytes()
                .take_while(|b| b.is_ascii_alphanumeric() || b"-_".contains(b))
                .take(*length)
                .count()
                == *length
        })
    })
}

/// What is put into a profile, or into the description of a job that builds.
pub(super) fn added(path: &str, content: &str, context: &Context<'_>, keep: &mut dyn FnMut(Verdict)) {
    if shell::gives_secrets_away(path, content) {
        keep(by_rule("send-secret", path));
    }
    let path = &path.replace("${HOME}", "~").replace("$HOME", "~");
    // `../../.zshrc` is the home's.
    let above = path.trim_start_matches("../");
    let path = &match above.len() + 3 < path.len() && above.starts_with('.') {
        true if context.workspace.is_none() => format!("~/{above}"),
        _ => path.clone(),
    };
    if place(&resolve(path, "", context)) == Place::Profile || shell::is_taken(path) {
        keep(judge_command(&format!("printf %s {} >> {}", shell::quoted(content), path_word(path)), context));
    }
}

/// A tool that is named after a program, and is told what to do by its other parameters; and one whose name says it all.
pub(super) fn by_name(
    parts: &[&str],
    params: &Map<String, Value>,
    context: &Context<'_>,
    keep: &mut dyn FnMut(Verdict),
) {
    let program =
        NAMED.iter().find(|(name, _)| parts.contains(name)).map(|(_, program)| *program).or_else(|| {
            PROGRAMS.iter().find(|program| parts.contains(*program) && **program != "ssh").copied()
        });
    if let Some(program) = program {
        let verbs = parts
            .iter()
            .filter(|part| !program.contains(**part) && !NAMED.iter().any(|(name, _)| name == *part));
        let is_container = matches!(program, "docker" | "podman" | "kubectl");
        let mut line = program.to_owned();
        for verb in verbs.filter(|part| {
            !matches!(**part, "mcp" | "tool" | "cli" | "")
                && (is_container || !matches!(**part, "run" | "exec"))
        }) {
            line = format!("{line} {verb}");
        }
        for (key, value) in params {
            line += &option(key, value);
        }
        keep(judge_command(&line, context));
    }
    let has = |table: Names| parts.iter().any(|part| table.contains(part));
    let deletes = has(DELETES) || has(list!("drop destroy purge terminate wipe truncate"));
    if deletes && has(SHARED) {
        keep(by_rule("named-destroy", &parts.join("_")));
    }
    if has(CREDENTIALS)
        && has(list!("get read show reveal dump export fetch decrypt access"))
        && !has(list!("list names scan identity docs check"))
    {
        keep(by_rule("named-secret", &parts.join("_")));
    }
}

/// A parameter as words of a command line.
fn option(key: &str, value: &Value) -> String {
    let is_plain = list!(
        "args arguments argv command subcommand cmd action verb kind resource resourceType resource_type name
         remote branch query target bucket path"
    )
    .contains(key);
    let one = |text: &str| match (is_plain, key) {
        (true, "args" | "arguments" | "command" | "cmd" | "subcommand") if text.contains(' ') => {
            format!(" {text}")
        }
        (true, _) => format!(" {}", shell::quoted(text)),
        (false, "volumes" | "volume" | "mounts" | "binds") => format!(" -v {}", shell::quoted(text)),
        (false, _) => format!(" --{key}={}", shell::quoted(text)),
    };
    if !key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
        return String::new();
    }
    match value {
        Value::Bool(true) => format!(" --{key}"),
        Value::String(text) => one(text),
        Value::Array(items) => items.iter().filter_map(Value::as_str).take(64).map(one).collect(),
        _ => String::new(),
    }
}

/// What lies deeper: commands of jobs, and paths of what is attached or sent.
pub(super) fn inside(
    params: &Map<String, Value>,
    folder: Option<&str>,
    context: &Context<'_>,
    keep: &mut dyn FnMut(Verdict),
) {
    let mut open: Vec<(String, &Value, usize)> =
        params.iter().map(|(key, value)| (key.to_ascii_lowercase(), value, 0)).collect();
    // Variables of a command are judged with it.
    open.retain(|(key, ..)| key != "env" || !params.contains_key("command"));
    while let Some((key, value, depth)) = open.pop() {
        match value {
            Value::String(text)
                if depth > 0 && matches!(key.as_str(), "command" | "cmd" | "script" | "shell" | "run") =>
            {
                keep(judge_command(text, context));
            }
            Value::String(text)
                if !TEXTS.contains(&key.as_str())
                    && text.len() < 256
                    && !text.contains(char::is_whitespace)
                    && (text.starts_with(['/', '~'])
                        || text.starts_with("file://")
                        || text.starts_with("../")) =>
            {
                let resolved = resolve(&text.replace("$HOME", "~"), folder.unwrap_or_default(), context);
                let names_file =
                    !list!("path workdir cwd target directory dir folder").contains(key.as_str());
                if names_file && place(&resolved) == Place::Secret {
                    keep(by_rule("read-secret", text));
                }
            }
            Value::Array(items) if depth < MAX_DEPTH => {
                open.extend(items.iter().take(256).map(|item| {
                    // The words of a command line are no command lines.
                    let key = if COMMANDS.contains(&key.as_str()) { String::new() } else { key.clone() };
                    (key, item, depth + 1)
                }));
            }
            Value::Object(fields) if depth < MAX_DEPTH => {
                open.extend(fields.iter().map(|(key, value)| (key.to_ascii_lowercase(), value, depth + 1)));
            }
            _ => {}
        }
    }
}
