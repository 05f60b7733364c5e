//! Suggests configuration to merge into `openclaw.json`: placeholders instead of secrets, and what to do with it. Writes
//! nothing, and needs neither login nor cloud.

use serde::Serialize;
use serde_json::{Value, json};

use super::Action;
use super::tool::{Kind, Param, Tool};
use crate::base::lang::{Both, Lang};

/// Where in `openclaw.json` it belongs.
pub const CONFIG_PATH: &str = "plugins.entries.agent-identity.config";

/// The tool.
pub const TOOL: Tool = Tool {
    name: "identity_config_suggest",
    about: "Suggests plugin configuration to merge into openclaw.json, with instructions. Returns configPath, config, \
            instructions, nextSteps. The person must put it in place and restart; nothing is written.",
    call_when: &["如何配置 identity 插件", "帮我配置登录", "怎么开启权限检查", "how do I configure identity"],
    params: &[
        Param {
            name: "intent",
            kind: Kind::OneOf(&["identity", "userpool", "authz", "llm_risk", "full"]),
            required: false,
            about: "Which part to suggest; full, the default, is all of it.",
        },
        Param {
            name: "lang",
            kind: Kind::OneOf(&["en", "zh"]),
            required: false,
            about: "Language of the instructions; en is the default.",
        },
    ],
    needs_login: false,
    read: |params, _| {
        Ok(Action::ConfigSuggest(Input {
            intent: params.text("intent").map_or(Intent::Full, Intent::of),
            lang: if params.text("lang") == Some("zh") { Lang::Zh } else { Lang::En },
        }))
    },
};

/// What is to be configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    /// Which part.
    pub intent: Intent,
    /// In which language it is explained.
    pub lang: Lang,
}

/// The parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Platform keys and workload.
    Identity,
    /// Login.
    Userpool,
    /// Permission checks and approval.
    Authz,
    /// The second opinion of a model.
    LlmRisk,
    /// Everything.
    Full,
}

impl Intent {
    fn of(word: &str) -> Self {
        match word {
            "identity" => Self::Identity,
            "userpool" => Self::Userpool,
            "authz" => Self::Authz,
            "llm_risk" => Self::LlmRisk,
            _ => Self::Full,
        }
    }
}

/// A suggestion.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Where it belongs.
    pub config_path: &'static str,
    /// What to merge there.
    pub config: Value,
    /// What the settings mean.
    pub instructions: Vec<&'static str>,
    /// What to do, in order.
    pub next_steps: Vec<&'static str>,
    /// Names, order and defaults that the identity part rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_defaults: Option<Value>,
}

const KEYS: Both = (
    "identity: leave the keys out to take them from VOLCENGINE_ACCESS_KEY and VOLCENGINE_SECRET_KEY, or from the credential file; as here they come from the environment by reference.",
    "identity：不写密钥时，从 VOLCENGINE_ACCESS_KEY 和 VOLCENGINE_SECRET_KEY 或凭据文件读取；此处以引用方式取自环境变量。",
);
const POOL: Both = (
    "userpool: discoveryUrl, clientId and clientSecret are in the user pool's console; callbackUrl must be registered with the client. offline_access gives a login that renews itself.",
    "userpool（用户池，inbound authorization）：discoveryUrl、clientId、clientSecret 见用户池控制台；callbackUrl 须在客户端中登记。offline_access 让登录可自动续期。",
);
const CHECKS: Both = (
    "authz: each check works by itself; the policies are Cedar policies in the named namespace. High-risk calls ask a person.",
    "authz（权限管控）：每项检查相互独立；策略是所指命名空间中的 Cedar 策略。高风险调用会请人审批。",
);
const MODEL: Both = (
    "llmRiskCheck: a model judges again what the rules call medium. With an OpenAI-compatible service set api to openai-completions and add apiKey.",
    "llmRiskCheck：规则判为 medium 的调用由模型复核。使用 OpenAI 兼容服务时，将 api 设为 openai-completions 并添加 apiKey。",
);
const MERGE: Both = (
    "Merge the object into openclaw.json at plugins.entries.agent-identity.config and replace the placeholders.",
    "把该对象合并到 openclaw.json 的 plugins.entries.agent-identity.config，并替换占位符。",
);
const CHECK: Both = ("Check it: agent-identity config check", "检查配置：agent-identity config check");
const RESTART: Both = ("Restart the gateway.", "重启网关。");
const LOG_IN: Both = ("Log in: /identity login", "登录：/identity login");

pub(super) fn run(input: Input) -> Outcome {
    let lang = |texts: &[Both]| texts.iter().map(|text| input.lang.pick(*text)).collect();
    let parts: &[Intent] = match input.intent {
        Intent::Full => &[Intent::Identity, Intent::Userpool, Intent::Authz, Intent::LlmRisk],
        _ => std::slice::from_ref(&input.intent),
    };
    let (mut config, mut explained) = (json!({}), Vec::new());
    for part in parts {
        let (section, settings, text) = suggestion(*part);
        explained.push(text);
        if let (Some(section), Value::Object(settings)) = (config[section].as_object_mut(), &settings) {
            section.extend(settings.clone());
        } else {
            config[section] = settings;
        }
    }
    let with_login = parts.contains(&Intent::Userpool);
    let steps: &[Both] = if with_login { &[MERGE, CHECK, RESTART, LOG_IN] } else { &[MERGE, CHECK, RESTART] };
    Outcome {
        config_path: CONFIG_PATH,
        config,
        instructions: lang(&explained),
        next_steps: lang(steps),
        identity_defaults: parts.contains(&Intent::Identity).then(identity_defaults),
    }
}

fn suggestion(part: Intent) -> (&'static str, Value, Both) {
    let from_env = |name: &str| json!({ "source": "env", "provider": "default", "id": name });
    match part {
        Intent::Identity | Intent::Full => (
            "identity",
            json!({
                "accessKeyId": from_env("VOLCENGINE_ACCESS_KEY"),
                "secretAccessKey": from_env("VOLCENGINE_SECRET_KEY"),
                "workloadPoolName": "default",
                "workloadName": "openclaw-agent",
            }),
            KEYS,
        ),
        Intent::Userpool => (
            "userpool",
            json!({
                "discoveryUrl": "https://userpool-YOUR-POOL.userpool.auth.id.cn-beijing.volces.com",
                "clientId": "YOUR-CLIENT-ID",
                "clientSecret": from_env("USERPOOL_CLIENT_SECRET"),
                "callbackUrl": "http://127.0.0.1:18789/identity/oauth/callback",
                "scope": "openid profile email offline_access",
            }),
            POOL,
        ),
        Intent::Authz => (
            "authz",
            json!({
                "agentCheck": true,
                "toolCheck": true,
                "skillReadCheck": true,
                "requireRiskApproval": true,
                "namespaceName": "default",
            }),
            CHECKS,
        ),
        Intent::LlmRisk => (
            "authz",
            json!({
                "enableLlmRiskCheck": true,
                "llmRiskCheck": { "endpoint": "http://localhost:11434", "api": "ollama", "model": "qwen3:8b" },
            }),
            MODEL,
        ),
    }
}

fn identity_defaults() -> Value {
    json!({
        "environment": {
            "VOLCENGINE_ACCESS_KEY": "access key",
            "VOLCENGINE_SECRET_KEY": "secret key",
            "VOLCENGINE_SESSION_TOKEN": "session token of a temporary pair",
            "VOLCENGINE_CREDENTIALS_FILE": "credential file",
            "RUNTIME_IAM_ROLE_TRN": "role to assume with the file's keys",
        },
        "keyOrder": [
            "identity.accessKeyId + identity.secretAccessKey",
            "VOLCENGINE_ACCESS_KEY + VOLCENGINE_SECRET_KEY",
            "identity.credentialsMetadataUrl + identity.roleTrn",
            "identity.credentialsFile, VOLCENGINE_CREDENTIALS_FILE, /var/run/secrets/iam/credential",
        ],
        "defaults": { "workloadPoolName": "default", "workloadName": "openclaw-agent", "durationSeconds": 3600 },
        "credentialFile": {
            "access_key_id": "…", "secret_access_key": "…", "session_token": "optional", "role_trn": "optional",
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::env::Env;
    use crate::config::load::{Form, from_text};

    #[test]
    fn every_suggestion_is_accepted_and_explained_in_its_language() {
        let env: Env = ["VOLCENGINE_ACCESS_KEY", "VOLCENGINE_SECRET_KEY", "USERPOOL_CLIENT_SECRET"]
            .map(|name| (name, "placeholder"))
            .into_iter()
            .collect();
        for intent in [Intent::Identity, Intent::Userpool, Intent::Authz, Intent::LlmRisk, Intent::Full] {
            for lang in [Lang::En, Lang::Zh] {
                let outcome = run(Input { intent, lang });
                let loaded = from_text(&outcome.config.to_string(), Form::Own, &env).unwrap().accepted();
                assert!(loaded.is_ok(), "{intent:?}: {loaded:?}");
                let is_chinese = |text: &&str| text.chars().filter(|c| !c.is_ascii()).count() > 5;
                assert_eq!(outcome.instructions.iter().all(is_chinese), lang == Lang::Zh);
                assert!(outcome.next_steps.len() >= 3);
                let with_defaults = matches!(intent, Intent::Identity | Intent::Full);
                assert_eq!(outcome.identity_defaults.is_some(), with_defaults);
            }
        }
    }
}
