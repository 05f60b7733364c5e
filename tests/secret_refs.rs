//! SecretRefs in our own settings: had from variables, files and programs, and when they cannot be had, "configured, not
//! available" with the reason.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use agent_identity::base::env::Env;
use agent_identity::config::load::{Loaded, check, load, read_from_host};
use agent_identity::config::paths::{Paths, Place};
use serde_json::{Value, json};

const ANSWER: &str =
    r#"{"protocolVersion":1,"values":{"ak":"AKLTfrom-program","sk":"canary-sk","llm":"canary-llm"}}"#;

/// A state folder whose host file has a program and a file of secrets among its providers.
struct Machine {
    dir: tempfile::TempDir,
}

impl Machine {
    fn new(answer: &str) -> Self {
        let machine = Self { dir: tempfile::tempdir().unwrap() };
        let script = format!("#!/bin/sh\ncat >> {}\ncat <<'END'\n{answer}\nEND\n", machine.at("requests"));
        machine.write("tool", 0o700, &script);
        machine.write("secrets.json", 0o600, r#"{"pool": {"client": "canary-client"}}"#);
        machine
    }

    fn at(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    fn write(&self, name: &str, mode: u32, text: &str) {
        let path = self.dir.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    fn env(&self) -> Env {
        [("HOME", self.at("")), ("OPENCLAW_STATE_DIR", self.at("")), ("TOKEN", "canary-token".to_owned())]
            .into_iter()
            .collect()
    }

    fn paths(&self) -> Paths {
        let place = Place { env: &self.env(), working_dir: Path::new("/"), exists: &|path| path.exists() };
        Paths::resolve(place).unwrap()
    }

    /// Settings whose five secrets are all references.
    fn settings() -> Value {
        let exec = |id: &str| json!({ "source": "exec", "provider": "vault", "id": id });
        json!({
            "identity": {
                "accessKeyId": exec("ak"), "secretAccessKey": exec("sk"),
                "sessionToken": { "source": "env", "provider": "default", "id": "TOKEN" },
            },
            "userpool": { "clientSecret": { "source": "file", "provider": "disk", "id": "/pool/client" } },
            "authz": { "llmRiskCheck": { "apiKey": exec("llm") } },
        })
    }

    fn host(&self, settings: &Value) {
        let whole = json!({
            "secrets": { "providers": {
                "vault": { "source": "exec", "command": self.at("tool") },
                "disk": { "source": "file", "path": self.at("secrets.json") },
            }},
            "plugins": { "entries": { "agent-identity": { "config": settings } } },
        });
        self.write("openclaw.json", 0o600, &whole.to_string());
    }

    fn load(&self) -> Loaded {
        load(&self.paths(), None, &self.env()).unwrap()
    }
}

fn problems(loaded: &Loaded) -> Vec<String> {
    loaded.problems.all().iter().map(|problem| problem.sentence()).collect()
}

/// The five secrets, in the order of the settings.
fn secrets(loaded: &Loaded) -> [Option<&str>; 5] {
    let config = &loaded.config;
    [
        &config.identity.access_key_id,
        &config.identity.secret_access_key,
        &config.identity.session_token,
        &config.userpool.client_secret,
        &config.authz.llm_risk_check.as_ref().unwrap().api_key,
    ]
    .map(|secret| secret.as_ref().map(|secret| secret.expose().as_str()))
}

#[test]
fn all_five_secrets_come_from_their_providers_and_the_program_is_asked_once() {
    let machine = Machine::new(ANSWER);
    machine.host(&Machine::settings());
    let loaded = machine.load();
    assert_eq!(problems(&loaded), [] as [&str; 0]);
    let expected = ["AKLTfrom-program", "canary-sk", "canary-token", "canary-client", "canary-llm"];
    assert_eq!(secrets(&loaded), expected.map(Some));
    let asked = fs::read_to_string(machine.at("requests")).unwrap();
    assert_eq!(asked, r#"{"ids":["ak","llm","sk"],"protocolVersion":1,"provider":"vault"}"#);
    assert!(!loaded.view().to_string().contains("canary"));
}

#[test]
fn a_secret_that_cannot_be_had_is_configured_and_not_available_and_the_check_says_why() {
    let machine = Machine::new(
        r#"{"protocolVersion":1,"values":{"ak":"AKLTfrom-program","llm":7},"errors":{"sk":{"code":"NOT_FOUND"}}}"#,
    );
    machine.write("secrets.json", 0o644, r#"{"pool": {"client": "canary-client"}}"#);
    machine.host(&Machine::settings());
    let loaded = machine.load();
    assert_eq!(secrets(&loaded), [None; 5], "half a key pair is no key pair");
    let view = loaded.view();
    for pointer in ["/identity/secretAccessKey", "/userpool/clientSecret", "/authz/llmRiskCheck/apiKey"] {
        let shown = view.pointer(pointer).unwrap().as_str().unwrap();
        assert!(shown.contains("not available"), "{pointer}: {shown}");
    }
    let text = check(&machine.paths(), None, &machine.env()).to_text();
    for expected in [
        "identity.secretAccessKey is configured, not available: the program of secrets.providers.vault has no value for sk (NOT_FOUND)",
        "can be read or written by other users; its mode must be 0600",
        "authz.llmRiskCheck.apiKey is configured, not available: the secret is a number",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    assert!(!text.contains("canary"));
    // The client must not pass for a public one.
    assert!(loaded.config.userpool.client_secret_unavailable);
}

#[test]
fn what_a_host_has_resolved_is_taken_as_it_is_and_the_rest_is_resolved_here() {
    let machine = Machine::new(ANSWER);
    machine.host(&json!({ "identity": { "accessKeyId": "not-this" } }));
    let mut settings = Machine::settings();
    settings["identity"]["secretAccessKey"] = "canary-${TOKEN}-$${TOKEN}".into();
    settings["identity"]["sessionToken"] = "secretref-but-not-retired".into();
    settings["identity"]["roleTrn"] = "trn:${TOKEN}".into();
    let loaded = read_from_host(&machine.paths(), None, &settings.to_string(), &machine.env()).unwrap();
    assert_eq!(problems(&loaded), [] as [&str; 0]);
    let [key, secret, token, client, llm] = secrets(&loaded);
    assert_eq!((key, secret), (Some("AKLTfrom-program"), Some("canary-${TOKEN}-$${TOKEN}")));
    assert_eq!((token, client), (Some("secretref-but-not-retired"), Some("canary-client")));
    assert_eq!(llm, Some("canary-llm"));
    assert_eq!(loaded.config.identity.role_trn.as_deref(), Some("trn:${TOKEN}"));
    // An older host leaves a variable that is not set as it was written, and knows no references.
    settings["identity"]["secretAccessKey"] = "${UNSET}".into();
    settings["userpool"]["clientSecret"] = "secretref-env:TOKEN".into();
    let loaded = read_from_host(&machine.paths(), None, &settings.to_string(), &machine.env()).unwrap();
    let problems = problems(&loaded);
    assert!(problems.iter().any(|problem| problem.contains("UNSET is not set")), "{problems:?}");
    assert!(problems.iter().any(|problem| problem.contains("retired")), "{problems:?}");
    assert!(read_from_host(&machine.paths(), None, "{", &machine.env()).is_err());
}
