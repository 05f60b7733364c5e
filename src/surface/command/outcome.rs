//! Outcomes of tools as chat text. Reads the JSON that agents get too; what a command must not show is not read.

use serde_json::Value;

use super::error::{problem, sentence};
use super::lists;
use super::read::Call;
use super::text::{Lang, code, link, prose, say, time};
use super::words;
use crate::risk::rules::rule;

/// The outcome of a call.
pub(super) fn shown(lang: Lang, call: &Call, outcome: &Value) -> String {
    match call.tool {
        "identity_whoami" => whoami(lang, outcome),
        "identity_login" => login(lang, outcome),
        "identity_logout" => logout(lang, outcome),
        "identity_status" => status(lang, outcome),
        "identity_config" => config(lang, outcome),
        "identity_list_tips" => lists::tips(lang, call, outcome),
        "identity_list_credentials" => lists::credentials(lang, call, outcome),
        "identity_list_roles" => lists::roles(lang, call, outcome),
        "identity_list_risk_patterns" => lists::risk_patterns(lang, call, outcome),
        "identity_get_role_credentials" => role_keys(lang, call, outcome),
        "identity_fetch" => fetch(lang, call, outcome),
        "identity_set_binding" => set(lang, call, outcome),
        "identity_unset_binding" => unset(lang, call, outcome),
        "identity_risk_check" => risk(lang, outcome),
        _ => message(lang, outcome),
    }
}

/// One line about the login, above the help.
pub(super) fn headline(lang: Lang, whoami: &Value) -> String {
    if whoami["loggedIn"] != true {
        return lang
            .pick((
                "Nobody is logged in. Log in with `/identity login`.",
                "尚未登录。请发送 `/identity login` 登录。",
            ))
            .to_owned();
    }
    let sub = code(&text(&whoami["sub"]));
    match whoami["sessionExpiresAt"].as_str().map(time) {
        Some(end) => say!(lang, "Logged in as {sub} until {end}.", "已登录：{sub}，有效期至 {end}。"),
        None => say!(lang, "Logged in as {sub}.", "已登录：{sub}。"),
    }
}

fn whoami(lang: Lang, outcome: &Value) -> String {
    if outcome["loggedIn"] != true {
        return match (outcome["sub"].as_str(), outcome["sessionExpiresAt"].as_str().map(time)) {
            (Some(sub), Some(end)) => ended(lang, &code(sub), &end),
            _ => nobody(lang, &outcome["problem"]),
        };
    }
    let tip = token(lang, outcome["hasTip"] == true, &outcome["tipExpiresAt"], &outcome["tipChain"]);
    with_problem(lang, format!("{}\n{tip}", headline(lang, outcome)), &outcome["problem"])
}

fn status(lang: Lang, outcome: &Value) -> String {
    let session = &outcome["session"];
    let mut lines = Vec::new();
    if outcome["loggedIn"] == true {
        let whoami = serde_json::json!({
            "loggedIn": true, "sub": outcome["sub"], "sessionExpiresAt": session["expiresAt"]
        });
        lines.push(headline(lang, &whoami));
        let tip = &outcome["tip"];
        lines.push(token(lang, outcome["hasTip"] == true, &tip["expiresAt"], &tip["chain"]));
    } else {
        lines.push(nobody(lang, &outcome["problem"]));
    }
    let credentials = outcome["credentialProviders"].as_array().into_iter().flatten().map(|credential| {
        let ended =
            if credential["expired"] == true { lang.pick((" (ended)", "（已过期）")) } else { "" };
        format!("{}{ended}", code(&lists::name_of(credential)))
    });
    let credentials = joined(lang, credentials);
    lines.push(say!(lang, "Credentials: {credentials}", "凭据：{credentials}"));
    let bindings = joined(
        lang,
        lists::bindings(&outcome["bindings"])
            .map(|(provider, env)| format!("{} → {}", code(provider), code(&env))),
    );
    lines.push(say!(lang, "Bindings: {bindings}", "绑定：{bindings}"));
    let text = lines.join("\n") + &warnings(outcome);
    if outcome["loggedIn"] == true { with_problem(lang, text, &outcome["problem"]) } else { text }
}

fn login(lang: Lang, outcome: &Value) -> String {
    if let Some(url) = outcome["authUrl"].as_str() {
        let link = link(lang.pick(("Log in here", "点此登录")), url);
        let until = outcome["expiresAt"].as_str().map(time).map_or_else(String::new, |end| {
            say!(lang, " The link is good until {end}.", "链接有效期至 {end}。")
        });
        return say!(lang, "{link} and confirm in the browser.{until}", "{link}，并在浏览器中确认。{until}");
    }
    let sub = code(&text(&outcome["sub"]));
    say!(lang, "Logged in as {sub}; the workload token is fresh.", "已登录：{sub}；工作负载令牌已刷新。")
}

fn logout(lang: Lang, outcome: &Value) -> String {
    let message = prose(&text(&outcome["message"]));
    let is_plain = message == "nobody was logged in"
        || message.starts_with("logged out of ") && !message.contains(" until ");
    match lang {
        Lang::En => sentence(&message),
        Lang::Zh if is_plain => "本会话现在没有登录。".to_owned(),
        // Something about it was not as usual; that sentence is there in English only.
        Lang::Zh => format!("本会话现在没有登录。\n⚠️ {message}"),
    }
}

fn config(lang: Lang, outcome: &Value) -> String {
    let shown = serde_json::to_string_pretty(&outcome["config"]).unwrap_or_default().replace("```", "'''");
    let head =
        lang.pick(("The configuration in effect, secrets replaced:", "当前生效的配置（密钥已隐去）："));
    format!("{head}\n```json\n{shown}\n```")
}

/// Keys are shown only to one who asked for them, whatever the tool sent along.
fn role_keys(lang: Lang, call: &Call, outcome: &Value) -> String {
    let provider = asked(call, "providerName");
    let mut lines = vec![say!(lang, "Temporary keys of {provider}:", "{provider} 的临时密钥：")];
    let hidden = lang.pick(("hidden; `--show-secrets` shows it", "已隐藏；加 `--show-secrets` 显示"));
    let show = call.params.get("showSecrets").and_then(Value::as_bool) == Some(true);
    for (label, field, is_secret) in [
        (("Access key ID", "Access Key ID"), "accessKeyId", false),
        (("Secret access key", "Secret Access Key"), "secretAccessKey", true),
        (("Session token", "Session Token"), "sessionToken", true),
    ] {
        let value = if is_secret && !show { hidden.to_owned() } else { code(&text(&outcome[field])) };
        let label = lang.pick(label);
        lines.push(say!(lang, "- {label}: {value}", "- {label}：{value}"));
    }
    let end = ["expiration", "expiresAt"].iter().find_map(|name| outcome[*name].as_str()).map(time);
    lines.extend(end.map(|end| say!(lang, "- Good until {end}", "- 有效期至 {end}")));
    lines.join("\n")
}

/// The credential itself is never read here.
fn fetch(lang: Lang, call: &Call, outcome: &Value) -> String {
    let provider = asked(call, "provider");
    let url = outcome["authUrl"].as_str().filter(|url| !url.is_empty());
    if let Some(url) = url.filter(|_| outcome["needsLogin"] == true) {
        let link = link(lang.pick(("Log in here", "点此登录")), url);
        return say!(
            lang,
            "{provider} needs your login first. {link}, then fetch it again.",
            "获取 {provider} 之前需要登录。{link}，然后重新获取。"
        );
    }
    if let Some(url) = url {
        let link = link(lang.pick(("Authorize it here", "点此授权")), url);
        let again = code(&format!("/identity fetch {}", words::quoted(&given(call, "provider"))));
        return say!(
            lang,
            "{provider} needs your consent. {link}; should the credential not arrive by itself, send {again} again.",
            "{provider} 需要您的授权。{link}；若授权后未自动取得凭据，请再次发送 {again}。"
        );
    }
    if outcome["success"] != true {
        return message(lang, outcome);
    }
    let head = match outcome["expiresAt"].as_str().map(time) {
        Some(end) => say!(
            lang,
            "Fetched the credential of {provider}; it is good until {end}.",
            "已取得 {provider} 的凭据，有效期至 {end}。"
        ),
        None => say!(lang, "Fetched the credential of {provider}.", "已取得 {provider} 的凭据。"),
    };
    let next = lang.pick((
        "Give it to commands with `/identity set <provider> <envVar>`.",
        "可用 `/identity set <provider> <envVar>` 将其绑定到环境变量。",
    ));
    format!("{head}\n{next}")
}

fn set(lang: Lang, call: &Call, outcome: &Value) -> String {
    if outcome["success"] != true {
        return message(lang, outcome);
    }
    let (provider, env) = (asked(call, "provider"), asked(call, "envVar"));
    let mut shown = say!(
        lang,
        "{provider} is bound to {env}: commands of this session get it there.",
        "已将 {provider} 绑定到 {env}：本会话的命令可从中读取。"
    );
    if outcome["imported"] == true {
        shown += &say!(
            lang,
            "\nIts value was taken from the gateway's own {env}.",
            "\n其值取自网关自身的环境变量 {env}。"
        );
    }
    shown + &warnings(outcome)
}

fn unset(lang: Lang, call: &Call, outcome: &Value) -> String {
    if outcome["success"] != true {
        return message(lang, outcome);
    }
    let provider = asked(call, "provider");
    let shown = say!(lang, "{provider} is bound to no variable now.", "{provider} 现在没有绑定环境变量。");
    shown + &warnings(outcome)
}

/// What a person should know besides, a line each.
fn warnings(outcome: &Value) -> String {
    let warnings = outcome["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str);
    warnings.map(|warning| format!("\n⚠️ {}", sentence(&prose(warning)))).collect()
}

fn risk(lang: Lang, outcome: &Value) -> String {
    let level = outcome["risk"].as_str().unwrap_or_default();
    let level = lang.pick(match level {
        "low" => ("low", "低"),
        "medium" => ("medium", "中"),
        "high" => ("high", "高"),
        "critical" => ("critical", "严重"),
        _ => ("unknown", "未知"),
    });
    let source = lang.pick(match outcome["source"].as_str() {
        Some("llm") => ("judged by a model", "由模型判断"),
        _ => ("judged by rules", "由规则判断"),
    });
    let head = say!(lang, "Risk: **{level}** ({source})", "风险：**{level}**（{source}）");
    match reason(lang, outcome).filter(|reason| !reason.trim().is_empty()) {
        Some(reason) => format!("{head}\n{}", sentence(&prose(&reason))),
        None => head,
    }
}

/// The reason in the reader's language where it is a rule's; a model's is in the model's.
fn reason(lang: Lang, outcome: &Value) -> Option<String> {
    let reason = outcome["reason"].as_str()?;
    let rule = outcome["rule"].as_str().and_then(rule).filter(|_| outcome["source"] == "rules");
    Some(match (lang, rule, outcome["note"].as_str()) {
        (Lang::Zh, Some(rule), Some(note)) => format!("{}（模型未给出判断：{note}）", rule.reason.zh),
        (Lang::Zh, Some(rule), None) => rule.reason.zh.to_owned(),
        _ => reason.to_owned(),
    })
}

/// What the tool says itself.
fn message(lang: Lang, outcome: &Value) -> String {
    let failed = outcome["success"] == false;
    let message = outcome["message"].as_str().map(prose);
    match (lang, message, failed) {
        (Lang::En, Some(message), true) => format!("⚠️ {}", sentence(&message)),
        (Lang::Zh, Some(message), true) => format!("⚠️ 操作未完成：{message}"),
        (_, Some(message), false) => sentence(&message),
        (_, None, true) => {
            lang.pick(("⚠️ It failed, and no reason was given.", "⚠️ 操作失败，原因不明。")).to_owned()
        }
        (_, None, false) => lang.pick(("Done.", "已完成。")).to_owned(),
    }
}

fn nobody(lang: Lang, why: &Value) -> String {
    let expected = ["not_logged_in", "session_unknown"].iter().any(|code| why["code"] == *code);
    let head = headline(lang, &Value::Null);
    if why.is_null() || expected { head } else { problem(lang, why) }
}

fn ended(lang: Lang, sub: &str, end: &str) -> String {
    say!(
        lang,
        "The login of {sub} ended at {end}. Log in with `/identity login`.",
        "{sub} 的登录已于 {end} 过期。请发送 `/identity login` 登录。"
    )
}

fn token(lang: Lang, there: bool, end: &Value, chain: &Value) -> String {
    if !there {
        return lang
            .pick((
                "Workload token: none at hand; it is fetched when needed.",
                "工作负载令牌：暂无，需要时自动获取。",
            ))
            .to_owned();
    }
    let end = time(&text(end));
    let chain = lists::chain(chain);
    say!(lang, "Workload token: until {end}, for {chain}.", "工作负载令牌：有效期至 {end}，代理链 {chain}。")
}

fn with_problem(lang: Lang, shown: String, why: &Value) -> String {
    if why.is_object() { format!("{shown}\n⚠️ {}", problem(lang, why)) } else { shown }
}

fn joined(lang: Lang, parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<_> = parts.collect();
    if parts.is_empty() {
        return lang.pick(("none", "无")).to_owned();
    }
    parts.join(lang.pick((", ", "、")))
}

/// A parameter as it was asked for, as code.
fn asked(call: &Call, param: &str) -> String {
    code(&given(call, param))
}

fn given(call: &Call, param: &str) -> String {
    call.params.get(param).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A scalar without quotes.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}
