//! The configuration from real files: the samples people start from, what is refused and how, and that no secret is
//! repeated anywhere.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use agent_identity::base::env::Env;
use agent_identity::base::error::Code;
use agent_identity::config::load::{Form, Loaded, check, from_text, load, read};
use agent_identity::config::model::LlmApi;
use agent_identity::config::paths::{Paths, Place};
use agent_identity::config::problem::Severity;
use serde_json::Value;

const CANARY: &str = "canary";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config").join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(fixture(name)).unwrap()
}

fn env(more: &[(&str, &str)]) -> Env {
    [("HOME", "/home/u")].iter().chain(more).copied().collect()
}

fn paths_of(env: &Env) -> Paths {
    Paths::resolve(Place { env, working_dir: Path::new("/"), exists: &|path| path.exists() }).unwrap()
}

fn host_file(ours: &str) -> String {
    format!("{{plugins: {{entries: {{'agent-identity': {{config: {ours}}}}}}}}}")
}

/// The environment that `every-setting.json5` refers to.
fn full_env() -> Env {
    env(&[("SESSION_TOKEN", "canary-session-token"), ("LLM_API_KEY", "canary-llm-key")])
}

fn full() -> Loaded {
    load(&paths_of(&full_env()), Some(&fixture("every-setting.json5")), &full_env()).unwrap()
}

fn messages(loaded: &Loaded) -> Vec<String> {
    let line =
        |p: &agent_identity::config::problem::Problem| format!("{}: {}", p.severity.as_str(), p.sentence());
    loaded.problems.all().iter().map(line).collect()
}

#[test]
fn the_readme_sample_loads_unchanged() {
    let env = env(&[]);
    let loaded = load(&paths_of(&env), Some(&fixture("readme-sample.json")), &env).unwrap();
    let config = &loaded.config;
    assert_eq!(config.identity.workload_name.as_deref(), Some("openclaw-agent"));
    assert_eq!((config.identity.local_server, config.identity.local_server_fail_open), (Some(false), true));
    assert!(config.userpool.explicit().is_ok());
    assert_eq!(
        messages(&loaded),
        [
            "note: localServer is deprecated at the root: write identity.localServer",
            "note: localServerAllowlist is deprecated at the root: write identity.localServerAllowlist",
            "note: localServerFailOpen is deprecated at the root: write identity.localServerFailOpen",
        ]
    );
}

#[test]
fn every_setting_reaches_its_place() {
    let loaded = full();
    assert_eq!(messages(&loaded), [] as [&str; 0]);
    let identity = &loaded.config.identity;
    assert_eq!(identity.endpoint.as_ref().unwrap().host(), "id.cn-shanghai.volcengineapi.com");
    assert_eq!(identity.secret_access_key.as_ref().unwrap().expose(), "canary-secret-access-key");
    assert_eq!(identity.session_token.as_ref().unwrap().expose(), "canary-session-token");
    let llm = loaded.config.authz.llm_risk_check.as_ref().unwrap();
    assert_eq!((llm.api, llm.timeout_ms, llm.cache_ttl_ms), (LlmApi::OpenaiCompletions, 5000, 0));
    assert_eq!(llm.api_key.as_ref().unwrap().expose(), "canary-llm-key");
    // All the others are in the view, which differs from the view of the defaults at every setting.
    let expected: Value = serde_json::from_str(&text("every-setting.view.json")).unwrap();
    assert_eq!(loaded.view(), expected);
}

#[test]
fn no_secret_is_in_anything_that_is_shown() {
    let loaded = full();
    let shown = format!("{loaded:?} {} {:?}", loaded.view(), loaded.problems);
    assert!(!shown.contains(CANARY), "{shown}");

    let env = env(&[]);
    let check = check(&paths_of(&env), Some(&fixture("canaries.json5")), &env);
    assert_eq!(check.problems.errors().count(), 16, "{}", check.to_text());
    let error = load(&paths_of(&env), Some(&fixture("canaries.json5")), &env).unwrap_err();
    let own_name = fixture("canaries.json5").display().to_string();
    let shown = format!("{check:?} {} {} {error:?} {error}", check.to_text(), check.to_json());
    assert!(!shown.replace(&own_name, "").contains(CANARY), "{shown}");
}

#[test]
fn any_prefix_of_a_file_is_an_error_and_never_a_panic() {
    for name in ["every-setting.json5", "readme-sample.json", "canaries.json5", "own-file.json5"] {
        let text = text(name);
        let whole = text.trim_end().len();
        for end in (0..whole).filter(|end| text.is_char_boundary(*end)) {
            for form in [Form::Host, Form::Own] {
                let error = from_text(&text[..end], form, &full_env()).unwrap_err();
                assert!(error.line >= 1 && error.column >= 1, "{name} {end}");
                assert!(!error.message.contains(CANARY), "{name} {end}: {error}");
            }
        }
    }
}

#[test]
fn a_damaged_byte_anywhere_is_no_panic_and_shows_no_secret() {
    let text = text("every-setting.json5");
    for at in (0..text.len()).filter(|at| text.as_bytes()[*at].is_ascii()) {
        for byte in ["\"", "}", "\0"] {
            let damaged = format!("{}{byte}{}", &text[..at], &text[at + 1..]);
            // Damage may turn the query of a URL into its path, which is shown; that one is spelt with `_`.
            match from_text(&damaged, Form::Host, &full_env()) {
                Ok(loaded) => assert!(!loaded.view().to_string().contains("canary-"), "{at} {byte:?}"),
                Err(error) => assert!(!error.message.contains(CANARY), "{at} {byte:?}"),
            }
        }
    }
}

#[test]
fn syntax_errors_name_file_line_and_column() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("openclaw.json");
    std::fs::write(&file, "{\n  plugins: {\n    entries: {}\n    allow: []\n  }\n}\n").unwrap();
    let error = load(&paths_of(&env(&[])), Some(&file), &env(&[])).unwrap_err();
    assert_eq!(error.code(), Code::ConfigInvalid);
    assert_eq!(error.message(), format!("{}:4:5: expected comma", file.display()));
}

#[test]
fn a_file_that_was_asked_for_must_exist_and_the_usual_one_need_not() {
    let dir = tempfile::tempdir().unwrap();
    let home = env(&[("HOME", dir.path().to_str().unwrap())]);
    let loaded = load(&paths_of(&home), None, &home).unwrap();
    assert!(loaded.file.is_none());
    assert_eq!(loaded.problems.all()[0].severity, Severity::Note);
    assert_eq!(loaded.config.identity.duration_seconds, 3600);

    let error = load(&paths_of(&home), Some(&dir.path().join("mine.json")), &home).unwrap_err();
    assert_eq!(error.code(), Code::ConfigMissing);
    assert!(error.message().contains("mine.json") && error.hint().is_some());

    let named = env(&[("OPENCLAW_CONFIG_PATH", "/nonexistent/openclaw.json")]);
    let loaded = load(&paths_of(&named), None, &named).unwrap();
    assert_eq!(loaded.problems.all()[0].severity, Severity::Warning);
}

#[test]
fn the_hosts_file_is_found_in_its_state_directory() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("openclaw.json");
    std::fs::write(&file, host_file("{identity: {localServer: true}}")).unwrap();
    let env = env(&[("OPENCLAW_STATE_DIR", dir.path().to_str().unwrap())]);
    let loaded = load(&paths_of(&env), None, &env).unwrap();
    assert_eq!(loaded.file.as_deref(), Some(file.as_path()));
    assert_eq!(loaded.config.identity.local_server, Some(true));
}

#[test]
fn a_file_is_ours_unless_its_name_or_content_is_the_hosts() {
    let env = env(&[]);
    let dir = tempfile::tempdir().unwrap();
    let read = |name: &str, text: &str| {
        let file = dir.path().join(name);
        std::fs::write(&file, text).unwrap();
        read(&paths_of(&env), Some(&file), &env).unwrap()
    };
    let ours = "{identity: {localServer: true}}";
    assert_eq!(read("mine.json", ours).config.identity.local_server, Some(true));
    assert_eq!(read("mine.json", &host_file(ours)).config.identity.local_server, Some(true));
    let empty = read("openclaw.json", "{gateway: {}}");
    assert_eq!(
        messages(&empty),
        ["note: the file has no plugins.entries.agent-identity.config: the defaults hold"]
    );
    assert!(read("mine.json", "{gateway: {}}").problems.has_errors());
    assert!(read("openclaw.json", "[]").problems.has_errors());
}

#[test]
fn all_errors_are_in_one_message_with_the_file_in_front() {
    let text = "{identity: {localServr: true}, authz: {agentCheck: 'no'}}";
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("mine.json");
    std::fs::write(&file, text).unwrap();
    let env = env(&[]);
    let error = load(&paths_of(&env), Some(&file), &env).unwrap_err();
    assert_eq!(
        error.message(),
        format!(
            "{}: 2 errors: identity.localServr is not a setting (did you mean identity.localServer?); \
             authz.agentCheck must be true or false, found a string",
            file.display()
        )
    );

    let check = check(&paths_of(&env), Some(&file), &env);
    assert_eq!(
        check.to_text(),
        format!(
            "error: identity.localServr is not a setting\n  hint: did you mean identity.localServer?\n\
             error: authz.agentCheck must be true or false, found a string\n{}: cannot be used\n",
            file.display()
        )
    );
    let json = check.to_json();
    assert_eq!((&json["ok"], &json["config"]), (&Value::Bool(false), &Value::Null));
    assert_eq!(json["problems"][0]["path"], "identity.localServr");
    assert_eq!(json["problems"][0]["hint"], "did you mean identity.localServer?");
}

#[test]
fn a_switched_off_plugin_is_a_warning_and_its_settings_are_read() {
    for (plugins, path) in [
        ("enabled: false,", "plugins.enabled"),
        ("deny: ['agent-identity'],", "plugins.deny"),
        ("allow: ['other'],", "plugins.allow"),
        ("", "plugins.entries.agent-identity.enabled"),
    ] {
        let enabled = !path.ends_with("agent-identity.enabled");
        let text = format!(
            "{{plugins: {{{plugins} entries: {{'agent-identity': {{enabled: {enabled}, \
             config: {{identity: {{localServer: true}}}}}}}}}}}}"
        );
        let loaded = from_text(&text, Form::Host, &env(&[])).unwrap();
        let warnings: Vec<_> = loaded.problems.all().iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(warnings, [path]);
        assert_eq!(loaded.config.identity.local_server, Some(true));
    }
}

#[test]
fn variables_of_the_hosts_file_count_after_those_of_the_process() {
    let text = format!(
        "{{env: {{vars: {{A: 'inner', B: 'inner', C: '${{A}}', 'D-': 'x'}}, B: 'outer', shellEnv: 'x'}}, {}",
        &host_file("{identity: {roleTrn: '${A}/${B}'}}")[1..]
    );
    let loaded = from_text(&text, Form::Host, &env(&[("A", "process")])).unwrap();
    assert_eq!(loaded.config.identity.role_trn.as_deref(), Some("process/outer"));
    assert_eq!(loaded.env.get("B"), Some("outer"));
    assert_eq!((loaded.env.get("C"), loaded.env.get("D-"), loaded.env.get("shellEnv")), (None, None, None));
}

#[test]
fn our_section_may_be_in_an_included_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("openclaw.json");
    std::fs::write(&file, host_file("{$include: './identity.json5', authz: {toolCheck: true}}")).unwrap();
    std::fs::write(dir.path().join("identity.json5"), "{authz: {agentCheck: true}}").unwrap();
    let loaded = load(&paths_of(&env(&[])), Some(&file), &env(&[])).unwrap();
    assert!(loaded.config.authz.agent_check && loaded.config.authz.tool_check);
}
