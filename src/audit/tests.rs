use serde_json::{Map, Value, json};

use super::files::{Document, Files};
use super::finding::Code;
use super::plan::{Means, make};
use super::surface::{Surface, Target};
use super::{plan, run};
use crate::base::env::Env;
use crate::config::host::HostFile;
use crate::config::node::parse;
use crate::config::secretref::machine::Nowhere;

const CANARY: &str = "canary-secret";

fn document(agent: Option<&str>, content: &Value) -> Document {
    let text = content.as_str().map_or_else(|| content.to_string(), str::to_owned);
    Document { shown: "the-file".into(), agent: agent.map(str::to_owned), content: Ok(text.as_str().into()) }
}

fn files(config: &Value) -> Files {
    let env: Env = [("SET", "value"), ("STARS", "***"), ("BLANK", " ")].into_iter().collect();
    Files {
        config: Ok(HostFile::of(parse(&config.to_string()).unwrap(), &env)),
        config_path: "openclaw.json".into(),
        profiles: Vec::new(),
        models: Vec::new(),
        dotenv: Vec::new(),
        retired_keys: Vec::new(),
        left_behind: Vec::new(),
        notes: Vec::new(),
    }
}

/// Code and path of each finding.
fn findings(files: &Files) -> Vec<(Code, String)> {
    let (report, _) = run(files, &Nowhere, false).unwrap();
    assert!(!report.to_json().to_string().contains(CANARY) && !report.to_string().contains(CANARY));
    report.findings.into_iter().map(|finding| (finding.code, finding.path)).collect()
}

fn notes(config: &Value) -> Vec<String> {
    run(&files(config), &Nowhere, false).unwrap().0.notes
}

fn env_ref(name: &str) -> Value {
    json!({ "source": "env", "provider": "default", "id": name })
}

/// A tree with one value, and the path of that value as it is printed.
fn tree(path: &str, value: &Value) -> (Value, String) {
    let mut tree = value.clone();
    let mut shown = Vec::new();
    for step in path.split('.').rev() {
        if let Some(name) = step.strip_suffix("[]") {
            tree = json!({ name: [tree] });
            shown.push(format!("{name}[0]"));
        } else {
            let name = if step == "*" { "Authorization" } else { step };
            tree = Value::Object(Map::from_iter([(name.to_owned(), tree)]));
            shown.push(name.to_owned());
        }
    }
    shown.reverse();
    (tree, shown.join("."))
}

fn of_config() -> Vec<Target> {
    Surface::built_in().unwrap().supported.into_iter().filter(|target| target.file.is_none()).collect()
}

#[test]
fn every_field_of_the_list_is_seen_as_text_and_as_reference() {
    for target in of_config() {
        let (config, path) = tree(&target.path, &json!(CANARY));
        assert_eq!(findings(&files(&config)), [(Code::PlaintextFound, path.clone())], "{}", target.path);
        let (config, _) = tree(&target.path, &env_ref("GONE"));
        assert_eq!(findings(&files(&config)), [(Code::RefUnresolved, path.clone())], "{}", target.path);
        for good in [env_ref("SET"), json!("${SET}"), json!(" ")] {
            let (config, _) = tree(&target.path, &good);
            assert!(findings(&files(&config)).is_empty(), "{} {good}", target.path);
        }
        let (config, _) = tree(&target.path, &env_ref("STARS"));
        assert_eq!(findings(&files(&config)), [(Code::PlaceholderValue, path.clone())], "{}", target.path);
        let (config, _) = tree(&target.path, &json!({ "source": "env", "id": "SET" }));
        assert_eq!(findings(&files(&config)), [(Code::RefUnresolved, path)], "{}", target.path);
    }
}

#[test]
fn our_own_secrets_are_fields_like_any_other() {
    let config = |secret: Value| {
        json!({ "plugins": { "entries": { "agent-identity": { "config": {
            "identity": { "accessKeyId": secret, "secretAccessKey": secret, "sessionToken": secret },
            "userpool": { "clientSecret": secret }, "authz": { "llmRiskCheck": { "apiKey": secret } },
        }}}}})
    };
    let plain = findings(&files(&config(json!(CANARY))));
    assert_eq!(plain.len(), 5);
    assert!(
        plain.iter().all(|(code, path)| *code == Code::PlaintextFound && path.contains("agent-identity"))
    );
    assert!(findings(&files(&config(env_ref("SET")))).is_empty());
}

#[test]
fn a_reference_on_a_field_that_takes_none_is_refused_with_the_reason_and_text_there_is_not() {
    let surface = Surface::built_in().unwrap();
    for field in surface.refused.iter().filter(|field| !field.path.starts_with("auth-profiles")) {
        let (config, path) = tree(&field.path, &env_ref("SET"));
        let (report, _) = run(&files(&config), &Nowhere, false).unwrap();
        let [finding] = report.findings.as_slice() else { panic!("{}: {report}", field.path) };
        assert_eq!((finding.code, &finding.path), (Code::RefUnresolved, &path));
        assert!(finding.hint.as_deref().unwrap().contains("issued, rotated"), "{}", field.path);
        let (config, _) = tree(&field.path, &json!(CANARY));
        assert!(findings(&files(&config)).is_empty(), "{}", field.path);
    }
    let (config, _) = tree("plugins.entries.other.config.key", &env_ref("SET"));
    assert!(findings(&files(&config)).is_empty());
    assert!(notes(&config)[0].contains("plugins.entries.other.config.key holds a SecretRef"));
}

#[test]
fn a_retired_marker_is_plaintext_with_the_mend_but_for_model_keys_where_hosts_write_it() {
    let marker = json!("secretref-env:SET");
    let (config, _) = tree("channels.discord.token", &marker);
    let (report, proposals) = run(&files(&config), &Nowhere, false).unwrap();
    assert_eq!(report.findings[0].code, Code::PlaintextFound);
    assert!(report.findings[0].hint.as_deref().unwrap().contains("openclaw doctor --fix"));
    assert!(proposals.is_empty());
    let (config, _) = tree("models.providers.*.apiKey", &marker);
    assert!(findings(&files(&config)).is_empty());
}

#[test]
fn headers_count_by_their_name_and_placeholders_are_told_from_secrets() {
    let config = json!({ "models": { "providers": { "p": {
        "headers": { "X-Trace": "abc", "X-Api-Key": CANARY, "X.Secret": CANARY },
        "request": { "headers": { "X-Trace": CANARY } },
        "apiKey": "ollama-local",
    }}}, "gateway": { "auth": { "token": "__OPENCLAW_REDACTED__" } }});
    assert_eq!(
        findings(&files(&config)),
        [
            (Code::PlaceholderValue, "gateway.auth.token".into()),
            (Code::PlaintextFound, "models.providers.p.headers.X-Api-Key".into()),
            (Code::PlaintextFound, "models.providers.p.headers[\"X.Secret\"]".into()),
            (Code::PlaintextFound, "models.providers.p.request.headers.X-Trace".into()),
        ]
    );
}

#[test]
fn google_chat_takes_its_reference_beside_the_field_or_in_it_and_an_object_as_secret() {
    let config = |chat: Value| json!({ "channels": { "googlechat": chat } });
    let path = "channels.googlechat.serviceAccount";
    let account = json!({ "client_email": "x", "private_key": CANARY });
    for (chat, expected) in [
        (json!({ "serviceAccount": account }), Some(Code::PlaintextFound)),
        (json!({ "serviceAccount": {} }), None),
        (json!({ "serviceAccountRef": env_ref("SET") }), None),
        (json!({ "serviceAccountRef": env_ref("GONE") }), Some(Code::RefUnresolved)),
        (json!({ "serviceAccount": env_ref("SET") }), None),
        (json!({ "serviceAccount": account, "serviceAccountRef": env_ref("SET") }), None),
    ] {
        let expected: Vec<_> = expected.map(|code| (code, path.to_owned())).into_iter().collect();
        assert_eq!(findings(&files(&config(chat.clone()))), expected, "{chat}");
    }
    let nested = config(json!({ "accounts": { "a": { "serviceAccountRef": env_ref("GONE") } } }));
    assert_eq!(findings(&files(&nested))[0].1, "channels.googlechat.accounts.a.serviceAccount");
    assert!(notes(&nested).is_empty(), "{:?}", notes(&nested));
}

#[test]
fn what_is_switched_off_or_not_selected_is_not_asked_for() {
    let off = json!({ "channels": { "discord": { "enabled": false, "token": env_ref("GONE"), "accounts": {
        "a": { "token": env_ref("GONE") } } } }});
    assert!(findings(&files(&off)).is_empty());
    assert_eq!(notes(&off).len(), 2);
    let search = |provider: Option<&str>, brave: Value, google: Value| {
        let key = |key: Value| json!({ "config": { "webSearch": { "apiKey": key } } });
        json!({
            "plugins": { "entries": { "brave": key(brave), "google": key(google) } },
            "tools": { "web": { "search": { "provider": provider } } },
        })
    };
    let (gone, set) = (env_ref("GONE"), env_ref("SET"));
    let at = |plugin: &str| format!("plugins.entries.{plugin}.config.webSearch.apiKey");
    let found =
        |config: &Value| findings(&files(config)).into_iter().map(|(_, path)| path).collect::<Vec<_>>();
    assert_eq!(found(&search(Some("brave"), gone.clone(), gone.clone())), [at("brave")]);
    assert_eq!(found(&search(Some("gemini"), gone.clone(), gone.clone())), [at("google")]);
    assert!(found(&search(Some("brave"), set.clone(), gone.clone())).is_empty());
    assert!(found(&search(None, set, gone.clone())).is_empty(), "the first that resolves is enough");
    assert_eq!(found(&search(None, gone.clone(), gone)), [at("brave"), at("google")]);
}

#[test]
fn moved_fields_are_explained_for_both_generations() {
    let (config, path) = tree("messages.tts.providers.*.apiKey", &env_ref("SET"));
    assert_eq!(
        notes(&config),
        [format!("{path} is at tts.providers.*.apiKey on newer hosts: `openclaw doctor --fix` moves it")]
    );
    let (config, path) = tree("tools.web.search.apiKey", &env_ref("SET"));
    assert!(
        notes(&config)[0]
            .starts_with(&format!("{path} is at plugins.entries.<plugin>.config.webSearch.apiKey"))
    );
    let (config, path) = tree("tts.providers.*.apiKey", &env_ref("SET"));
    assert_eq!(notes(&config), [format!("{path} is not known to older hosts")]);
    let (config, path) = tree("channels.bluebubbles.password", &env_ref("SET"));
    assert_eq!(notes(&config), [format!("{path} is gone from newer hosts")]);
}

#[test]
fn programs_are_not_started_unless_asked_and_what_is_wrong_without_is_found() {
    let exec = |provider: &str| json!({ "source": "exec", "provider": provider, "id": "a" });
    let config = json!({
        "secrets": { "providers": { "vault": { "source": "exec", "command": "/x" } } },
        "cron": { "webhookToken": exec("vault") }, "gateway": { "auth": { "token": exec("gone") } },
    });
    let (report, _) = run(&files(&config), &Nowhere, false).unwrap();
    assert_eq!((report.resolution.checked, report.resolution.skipped_exec), (0, 2));
    assert_eq!(report.findings.len(), 1);
    assert_eq!(report.findings[0].path, "gateway.auth.token");
    assert!(report.to_string().contains("--allow-exec"));
    let (report, _) = run(&files(&config), &Nowhere, true).unwrap();
    assert_eq!((report.resolution.checked, report.findings.len()), (2, 2));
}

fn with_profiles(config: &Value, agent: Option<&str>, profiles: Value) -> Files {
    let content = json!({ "version": 1, "profiles": profiles });
    Files { profiles: vec![document(agent, &content)], ..files(config) }
}

#[test]
fn auth_profiles_hold_keys_and_tokens_or_references_beside_them() {
    let profiles = json!({
        "a": { "type": "api_key", "provider": "OpenAI", "key": CANARY },
        "b": { "type": "token", "provider": "github", "tokenRef": env_ref("GONE"), "token": CANARY },
        "c": { "type": "api_key", "provider": "x", "keyRef": env_ref("SET") },
        "d": { "type": "oauth", "provider": "google", "access": CANARY, "refresh": CANARY },
        "e": { "type": "api_key", "provider": "y", "token": CANARY },
    });
    let config = json!({ "models": { "providers": { "openai": { "apiKey": env_ref("SET") } } } });
    let found = findings(&with_profiles(&config, None, profiles));
    assert_eq!(
        found,
        [
            (Code::PlaintextFound, "profiles.a.key".to_owned()),
            (Code::PlaintextFound, "profiles.b.token".to_owned()),
            (Code::LegacyResidue, "profiles.d".to_owned()),
            (Code::RefUnresolved, "profiles.b.token".to_owned()),
            (Code::RefShadowed, "models.providers.openai.apiKey".to_owned()),
        ]
    );
}

#[test]
fn an_oauth_profile_with_a_reference_is_an_error_wherever_the_mode_is_said() {
    let keyed = json!({ "a": { "type": "api_key", "provider": "openai", "keyRef": env_ref("SET") } });
    let config = json!({ "auth": { "profiles": { "a": { "provider": "openai", "mode": "oauth" } } } });
    assert_eq!(findings(&with_profiles(&json!({}), None, keyed.clone())), []);
    let found = findings(&with_profiles(&config, None, keyed));
    assert_eq!(found, [(Code::RefUnresolved, "profiles.a".to_owned())]);
    let own = json!({ "a": { "type": "oauth", "provider": "openai", "keyRef": env_ref("SET") } });
    assert_eq!(findings(&with_profiles(&json!({}), None, own)).len(), 1);
}

#[test]
fn generated_model_lists_have_markers_and_never_values() {
    let content = json!({ "providers": {
        "a": { "apiKey": "secretref-managed", "headers": { "Authorization": "secretref-env:SET", "X-Trace": "t" } },
        "b": { "apiKey": CANARY, "headers": { "X-Api-Key": CANARY } },
        "c": { "apiKey": env_ref("SET"), "headers": { "X-Api-Key": env_ref("SET") } },
        "d": { "apiKey": "OPENAI_API_KEY" },
    }});
    let with = |content: &Value| Files { models: vec![document(None, content)], ..files(&json!({})) };
    assert_eq!(
        findings(&with(&content)),
        [
            (Code::PlaintextFound, "providers.b.apiKey".to_owned()),
            (Code::PlaintextFound, "providers.b.headers.X-Api-Key".to_owned()),
            (Code::RefUnresolved, "providers.c.apiKey".to_owned()),
            (Code::RefUnresolved, "providers.c.headers.X-Api-Key".to_owned()),
        ]
    );
    assert_eq!(findings(&with(&json!("{"))), [(Code::RefUnresolved, "<root>".to_owned())]);
}

#[test]
fn what_older_stores_left_behind_is_residue() {
    let keys =
        json!({ "openai": { "type": "api_key", "key": CANARY }, "x": { "type": "oauth", "access": CANARY } });
    let retired_keys = vec![document(None, &keys)];
    let left_behind = vec!["auth-profiles.json.migrated-1".to_owned()];
    let found = findings(&Files { retired_keys, left_behind, ..files(&json!({})) });
    assert_eq!(
        found,
        [(Code::LegacyResidue, "openai".to_owned()), (Code::LegacyResidue, "<root>".to_owned())]
    );
}

#[test]
fn variables_of_a_dotenv_file_count_by_their_name() {
    let text = "# c\nexport OPENAI_API_KEY=canary-secret\nHOME=/x\nGEMINI_API_KEY=\n XAI_API_KEY = 'canary-secret'\n";
    let dotenv = vec![document(None, &json!(text))];
    let found = findings(&Files { dotenv, ..files(&json!({})) });
    let expected = ["$env.OPENAI_API_KEY", "$env.XAI_API_KEY"];
    assert_eq!(found, expected.map(|path| (Code::PlaintextFound, path.to_owned())));
}

#[test]
fn status_and_exit_code_are_the_hosts() {
    let clean = json!({ "gateway": { "auth": { "token": env_ref("SET") } } });
    let plain = json!({ "gateway": { "auth": { "token": CANARY } } });
    let broken = json!({ "gateway": { "auth": { "token": env_ref("GONE"), "password": CANARY } } });
    for (config, status, exits) in
        [(&clean, "clean", (0, 0)), (&plain, "findings", (0, 1)), (&broken, "unresolved", (2, 2))]
    {
        let (report, _) = run(&files(config), &Nowhere, false).unwrap();
        assert_eq!((report.status(), (report.exit_code(false), report.exit_code(true))), (status, exits));
        let shown = report.to_json();
        assert_eq!((&shown["version"], &shown["status"]), (&json!(1), &json!(status)));
        assert_eq!(shown["resolution"]["resolvabilityComplete"], true);
    }
    let unreadable = Files { config: Err("why".into()), ..files(&clean) };
    let (report, _) = run(&unreadable, &Nowhere, false).unwrap();
    assert_eq!((report.exit_code(false), report.findings[0].path.as_str()), (2, "<root>"));
}

#[test]
fn a_plan_puts_references_in_place_of_text_and_names_agent_and_sibling() {
    let config = json!({
        "models": { "providers": { "openai": { "apiKey": CANARY }, "a.b": { "apiKey": CANARY } } },
        "channels": { "feishu": { "appSecret": CANARY, "accounts": { "x": { "appSecret": CANARY } } } },
        "plugins": { "entries": { "agent-identity": { "config": { "identity": { "secretAccessKey": CANARY } } } } },
    });
    let profiles = json!({ "p:1": { "type": "api_key", "provider": "openai", "key": CANARY } });
    let plan = |agent| {
        let (_, proposals) = run(&with_profiles(&config, agent, profiles.clone()), &Nowhere, false).unwrap();
        let means = Means { alias: "hosted", entry: Some(json!({ "source": "exec" })) };
        make(&proposals, &means, |name| format!("apikey/{name}"))
    };
    let plan::Plan { plan: shown, to_host, to_set, left_out } = plan(Some("main"));
    let targets = shown["targets"].as_array().unwrap();
    let target = |path: &str| targets.iter().find(|target| target["path"] == path).unwrap();
    let hosted = |id: &str| json!({ "source": "exec", "provider": "hosted", "id": id });
    let model = target("models.providers.openai.apiKey");
    assert_eq!(
        *model,
        json!({
            "type": "models.providers.apiKey", "path": "models.providers.openai.apiKey",
            "pathSegments": ["models", "providers", "openai", "apiKey"], "providerId": "openai",
            "ref": hosted("apikey/openai"),
        })
    );
    assert_eq!(target("channels.feishu.appSecret")["ref"], hosted("apikey/feishu-appSecret"));
    assert_eq!(target("channels.feishu.accounts.x.appSecret")["ref"], hosted("apikey/feishu-x-appSecret"));
    let profile = target("profiles.p:1.key");
    assert_eq!(
        (&profile["type"], &profile["agentId"]),
        (&json!("auth-profiles.api_key.key"), &json!("main"))
    );
    assert_eq!(profile["ref"], hosted("apikey/openai-2"));
    // Our own keys cannot come from ourselves.
    let own = target("plugins.entries.agent-identity.config.identity.secretAccessKey");
    assert_eq!(own["ref"], env_ref("VOLCENGINE_SECRET_KEY"));
    assert_eq!((to_host.len(), to_set.len(), left_out.len()), (5, 1, 0));
    assert_eq!(shown["providerUpserts"], json!({ "hosted": { "source": "exec" } }));
    assert!(!shown.to_string().contains(CANARY));
    let unnamed = plan(None);
    assert_eq!(unnamed.left_out.len(), 1);
    assert!(!unnamed.plan.to_string().contains("profiles.p:1"));
}

#[test]
fn very_many_fields_are_looked_at_in_reasonable_time() {
    const MANY: usize = 20_000;
    let provider = |n: usize| {
        let key = if n.is_multiple_of(2) { json!(CANARY) } else { env_ref("GONE") };
        (format!("p{n}"), json!({ "apiKey": key }))
    };
    let providers: Map<String, Value> = (0..MANY).map(provider).collect();
    let (report, _) = run(&files(&json!({ "models": { "providers": providers } })), &Nowhere, false).unwrap();
    assert_eq!(report.findings.len(), MANY);
}
