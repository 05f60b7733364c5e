//! The manifest and the package: what hosts rely on, and that configurations made for the plugin so far still fit.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test file, helpers included")]
#![cfg(feature = "emulator")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use agent_identity::action::registry;
use agent_identity::config::fields::{FIELDS, SECTIONS};
use serde_json::{Value, json};
use support::schema::faults;
use support::{Home, text};

/// The plugin's tools, in the order in which hosts have known them.
const TOOLS: [&str; 17] = [
    "identity_whoami",
    "identity_logout",
    "identity_status",
    "identity_login",
    "identity_list_credentials",
    "identity_list_roles",
    "identity_list_tips",
    "identity_config",
    "identity_config_suggest",
    "identity_fetch",
    "identity_get_role_credentials",
    "identity_get_tip_token",
    "identity_get_session_token",
    "identity_set_binding",
    "identity_unset_binding",
    "identity_risk_check",
    "identity_list_risk_patterns",
];

#[test]
fn the_plugin_has_the_id_and_name_that_configurations_use() {
    let manifest = manifest();
    assert_eq!((&manifest["id"], &manifest["name"]), (&json!("agent-identity"), &json!("Agent Identity")));
    let description = manifest["description"].as_str().unwrap();
    for term in ["用户池", "工作负载令牌", "凭据托管", "权限管控", "user pool", "workload token", "TIP"]
    {
        assert!(description.contains(term), "{term}");
    }
}

#[test]
fn skills_are_folders_with_a_skill_file() {
    let manifest = manifest();
    assert_eq!(manifest["skills"], json!(["./identity"]));
    for skill in manifest["skills"].as_array().unwrap() {
        assert!(repository().join(skill.as_str().unwrap()).join("SKILL.md").is_file());
    }
}

#[test]
fn the_plugin_is_loaded_when_the_host_starts() {
    assert_eq!(manifest()["activation"], json!({ "onStartup": true }));
}

#[test]
fn the_tools_are_the_registrys_in_the_known_order() {
    let manifest = manifest();
    let listed: Vec<_> = manifest["contracts"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    let registered: Vec<_> = registry::TOOLS.iter().map(|tool| tool.name).collect();
    assert_eq!(listed, registered);
    assert_eq!(listed, TOOLS, "all of the plugin's tools, in their order");
}

#[test]
fn the_bridge_registers_what_the_manifest_announces() {
    let (manifest, bridge) = (manifest(), read("bridge/static.json"));
    let names: Value = bridge["tools"].as_array().unwrap().iter().map(|tool| tool["name"].clone()).collect();
    assert_eq!(names, manifest["contracts"]["tools"]);
    for tool in bridge["tools"].as_array().unwrap() {
        assert!(
            ["label", "description"].iter().all(|key| tool[key].as_str().is_some_and(|it| !it.is_empty()))
        );
        assert_eq!(tool["parameters"]["type"], "object");
    }
    let commands: Vec<_> = bridge["commands"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(commands, ["identity", "id"]);
    assert_eq!(bridge["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn configurations_made_for_the_plugin_fit_unchanged() {
    let sample = read("tests/fixtures/config/readme-sample.json");
    let config = sample.pointer("/plugins/entries/agent-identity/config").unwrap();
    assert_eq!(faults(&schema(), config), [""; 0]);
    assert_eq!(faults(&schema(), &json!({})), [""; 0]);
    assert_eq!(faults(&schema(), &KNOWN.parse().unwrap()), [""; 0]);
}

/// Every key that the plugin's manifest has had so far, with a value of its type.
const KNOWN: &str = r#"{
    "identity": {
        "endpoint": "https://id.cn-beijing.volcengineapi.com",
        "regionMetadataUrl": "http://100.96.0.96/latest/region_id",
        "accessKeyId": "AK", "secretAccessKey": "SK", "sessionToken": "ST",
        "credentialsFile": "/var/run/secrets/iam/credential",
        "credentialsMetadataUrl": "http://100.96.0.96/keys",
        "roleTrn": "trn:iam::1:role/r", "workloadName": "openclaw-agent", "workloadPoolName": "default",
        "audience": ["a"], "durationSeconds": 3600, "subagentTipPropagation": true,
        "webchatSessionExchange": true, "personalSessionMode": true, "localServer": true,
        "localServerAllowlist": ["python*"], "localServerFailOpen": false
    },
    "userpool": {
        "discoveryUrl": "https://pool.example", "clientId": "c", "clientSecret": "s",
        "callbackUrl": "https://gateway.example.com/identity/oauth/callback", "scope": "openid profile email",
        "userPoolName": "p", "clientName": "n", "autoCreate": false, "identityProvider": "idp",
        "useRelayCallback": true
    },
    "authz": {
        "agentCheck": true, "toolCheck": true, "skillReadCheck": true, "requireRiskApproval": true,
        "namespaceName": "default", "lowRiskBypass": false, "lowRiskTools": ["read"],
        "enableLlmRiskCheck": true,
        "llmRiskCheck": {
            "endpoint": "http://localhost:11434", "api": "openai-completions", "model": "qwen3:8b",
            "apiKey": "k", "timeoutMs": 10000, "cacheTtlMs": 0
        },
        "approvalTtlSeconds": 300
    }
}"#;

#[test]
fn the_known_keys_are_settings_and_our_additions_are_these() {
    fn paths(value: &Value, at: &str, found: &mut BTreeSet<String>) {
        match value.as_object() {
            Some(object) => object.iter().for_each(|(key, value)| {
                paths(value, &if at.is_empty() { key.clone() } else { format!("{at}.{key}") }, found);
            }),
            None => drop(found.insert(at.to_owned())),
        }
    }
    let mut known = BTreeSet::new();
    paths(&KNOWN.parse().unwrap(), "", &mut known);
    let ours: BTreeSet<_> = FIELDS.iter().map(|field| field.path.to_owned()).collect();
    assert_eq!(known.difference(&ours).count(), 0);
    let added: Vec<_> = ours.difference(&known).collect();
    assert_eq!(
        added,
        [
            "identity.binaryPath",
            "identity.bindingImportAllow",
            "identity.injection",
            "identity.store",
            "identity.storePassword",
            "userpool.confirmLogin"
        ]
    );
}

#[test]
fn the_schema_refuses_strange_roots_and_wrong_types() {
    for (config, place) in [
        (json!({ "identitty": {} }), "config: additionalProperties"),
        (json!({ "identity": { "localServer": "yes" } }), "config.identity.localServer: type"),
        (json!({ "identity": { "durationSeconds": 0 } }), "config.identity.durationSeconds: minimum"),
        (json!({ "identity": { "audience": ["a", 1] } }), "config.identity.audience[1]: type"),
        (json!({ "authz": { "llmRiskCheck": { "api": "grpc" } } }), "config.authz.llmRiskCheck.api: enum"),
        (
            json!({ "userpool": { "clientSecret": { "source": "env", "id": "X" } } }),
            "config.userpool.clientSecret: anyOf",
        ),
    ] {
        let faults = faults(&schema(), &config);
        assert!(faults.len() == 1 && faults[0].starts_with(place), "{config}: {faults:?}");
    }
}

#[test]
fn defaults_are_those_that_the_plugin_has_had() {
    let schema = schema();
    for (path, default) in [
        ("identity.workloadPoolName", json!("default")),
        ("identity.durationSeconds", json!(3600)),
        ("identity.subagentTipPropagation", json!(false)),
        ("identity.webchatSessionExchange", json!(false)),
        ("identity.personalSessionMode", json!(false)),
        ("identity.localServer", json!(false)),
        ("identity.localServerFailOpen", json!(true)),
        ("userpool.autoCreate", json!(true)),
        ("userpool.useRelayCallback", json!(false)),
        ("authz.agentCheck", json!(false)),
        ("authz.toolCheck", json!(false)),
        ("authz.skillReadCheck", json!(false)),
        ("authz.requireRiskApproval", json!(false)),
        ("authz.namespaceName", json!("default")),
        ("authz.lowRiskBypass", json!(true)),
        ("authz.enableLlmRiskCheck", json!(false)),
        ("authz.llmRiskCheck.api", json!("ollama")),
        ("authz.llmRiskCheck.timeoutMs", json!(10000)),
        ("authz.llmRiskCheck.cacheTtlMs", json!(300_000)),
        ("authz.approvalTtlSeconds", json!(300)),
    ] {
        assert_eq!(at(&schema, path)["default"], default, "{path}");
    }
}

#[test]
fn secrets_take_references_are_declared_and_hidden() {
    let (manifest, schema) = (manifest(), schema());
    let secrets = [
        "identity.accessKeyId",
        "identity.secretAccessKey",
        "identity.sessionToken",
        "identity.store",
        "identity.storePassword",
        "userpool.clientSecret",
        "authz.llmRiskCheck.apiKey",
    ];
    let declared =
        secrets.map(|path| json!({ "path": path, "expected": "string", "ownerKind": "capability" }));
    assert_eq!(manifest["configContracts"]["secretInputs"]["paths"], json!(declared));
    let reference = json!({ "source": "exec", "provider": "vault", "id": "a/b" });
    for field in &FIELDS {
        let secret = secrets.contains(&field.path);
        assert_eq!(faults(at(&schema, field.path), &reference).is_empty(), secret, "{}", field.path);
        assert_eq!(manifest["uiHints"][field.path]["sensitive"] == true, secret, "{}", field.path);
    }
}

#[test]
fn every_setting_has_a_label_and_help() {
    let manifest = manifest();
    let hints = manifest["uiHints"].as_object().unwrap();
    assert_eq!(hints.len(), FIELDS.len() + SECTIONS.len());
    for (path, hint) in hints {
        assert!(
            hint["label"].as_str().is_some_and(|label| label.starts_with(|c: char| c.is_uppercase())),
            "{path}"
        );
        assert!(hint["help"].as_str().is_some_and(|help| help.ends_with('.')), "{path}");
    }
    assert_eq!(hints["authz.llmRiskCheck.timeoutMs"]["label"], "Timeout (ms)");
    assert_eq!(hints["userpool.callbackUrl"]["label"], "Callback URL");
}

#[test]
fn every_suggested_configuration_fits_the_schema() {
    let home = Home::new();
    let server = home.serve();
    for intent in ["identity", "userpool", "authz", "llm_risk", "full"] {
        for lang in ["en", "zh"] {
            let body = json!({ "params": { "intent": intent, "lang": lang } }).to_string();
            let (status, answer) =
                home.curl(&["http://localhost/tool/identity_config_suggest", "--json", &body]);
            assert_eq!(status, 200, "{answer}");
            let config = &answer["result"]["config"];
            assert!(config.as_object().is_some_and(|config| !config.is_empty()), "{answer}");
            assert_eq!(faults(&schema(), config), [""; 0], "{intent} {lang}");
        }
    }
    server.stop();
}

#[test]
fn the_documented_sample_is_accepted() {
    let docs = text(&fs::read(repository().join("docs/configuration.md")).unwrap());
    let sample = docs.split_once("```json5\n").and_then(|(_, rest)| rest.split_once("```")).unwrap().0;
    let home = Home::new();
    let file = home.state().join("sample.json5");
    fs::write(&file, sample).unwrap();
    let mut check = home.command(&["config", "check", "--config"]);
    let output = check.arg(file).env("USERPOOL_CLIENT_SECRET", "secret").output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
}

#[test]
fn the_package_says_what_hosts_and_registries_ask() {
    let package = read("package.json");
    assert_eq!(package["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&package["type"], &package["license"]), (&json!("module"), &json!("Apache-2.0")));
    assert_eq!(
        package["keywords"],
        json!(["openclaw", "identity", "volcengine", "userpool", "credential", "TIP", "auth", "agent"])
    );
    assert_eq!(
        package["openclaw"],
        json!({
            "extensions": ["./bridge/index.js"],
            "compat": { "pluginApi": ">=2026.3.24", "minGatewayVersion": "2026.3.24" },
            "build": { "openclawVersion": "2026.3.28", "pluginSdkVersion": "2026.3.28" },
        })
    );
    assert_eq!(package["peerDependencies"], json!({ "openclaw": ">=2026.3.24" }));
    assert_eq!(package["peerDependenciesMeta"]["openclaw"]["optional"], true);
}

#[test]
fn the_package_contains_its_parts() {
    let package = read("package.json");
    let files: Vec<_> =
        package["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()).collect();
    let (built, kept) = files.split_first().unwrap();
    assert_eq!(*built, "bin", "made by `make plugin`");
    assert_eq!(kept, ["bridge", "identity/SKILL.md", "openclaw.plugin.json", "README.md", "README-cn.md"]);
    assert!(kept.iter().all(|file| repository().join(file).exists()), "{files:?}");
}

#[test]
fn installing_runs_nothing_and_builds_nothing() {
    let package = read("package.json");
    for key in ["dependencies", "optionalDependencies", "scripts", "bundleDependencies", "gypfile"] {
        assert_eq!(package.get(key), None, "{key}");
    }
}

#[test]
fn the_readmes_link_the_vendors_page() {
    for name in ["README.md", "README-cn.md"] {
        let readme = text(&fs::read(repository().join(name)).unwrap());
        assert!(readme.contains("https://www.volcengine.com/docs/86848"), "{name}");
    }
}

fn manifest() -> Value {
    read("openclaw.plugin.json")
}

fn schema() -> Value {
    manifest()["configSchema"].take()
}

fn at<'a>(schema: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(schema, |schema, key| &schema["properties"][key])
}

fn read(name: &str) -> Value {
    serde_json::from_slice(&fs::read(repository().join(name)).unwrap()).unwrap()
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
