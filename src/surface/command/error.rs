//! Failures for people in a chat: what went wrong in one sentence, and what to do next in another.

use serde_json::Value;

use super::reply::first_upper;
use super::table::{COMMANDS, Does};
use super::text::{Both, Lang, code, prose};

/// Failures that a chat tells in its own words: what happened in Chinese, and the next step. The rest of the message
/// and hint come from the failure itself, which is in English.
struct Words {
    code: &'static str,
    what: &'static str,
    next: Option<Both>,
}

const LOG_IN: Both = ("Log in with `/identity login`.", "请发送 `/identity login` 登录。");
const LATER: Both = ("Try again in a minute.", "请稍后重试。");
const OPERATOR: Both = ("Ask whoever runs this gateway.", "请联系网关管理员。");

const TABLE: [Words; 20] = [
    words("not_logged_in", "尚未登录", Some(LOG_IN)),
    words("session_unknown", "尚未登录", Some(LOG_IN)),
    words("login_expired", "登录已过期", Some(LOG_IN)),
    words("login_link_expired", "登录链接已失效", Some(LOG_IN)),
    words("session_ambiguous", "有多个登录，无法确定是哪一个", Some(LOG_IN)),
    words("cloud_unreachable", "无法连接云服务", Some(LATER)),
    words("idp_unreachable", "无法连接用户池", Some(LATER)),
    words("store_unavailable", "无法访问状态存储", Some(LATER)),
    words("timeout", "处理超时", Some(LATER)),
    words("busy", "服务繁忙", Some(LATER)),
    words("cloud_refused", "云服务拒绝了请求", None),
    words("idp_refused", "用户池拒绝了请求", None),
    words("forbidden", "没有权限", None),
    words("invalid_request", "请求有误", None),
    words("not_found", "未找到", None),
    words("keys_missing", "未找到平台密钥（AK/SK）", None),
    words("config_missing", "缺少配置", None),
    words("config_invalid", "配置有误", None),
    words("workload_missing", "工作负载身份不存在", None),
    words("internal", "内部错误", Some(OPERATOR)),
];

const fn words(code: &'static str, what: &'static str, next: Option<Both>) -> Words {
    Words { code, what, next }
}

/// A failure in its JSON shape, as one or two lines.
pub(super) fn explained(lang: Lang, failure: &Value) -> String {
    format!("⚠️ {}", problem(lang, &failure["error"]))
}

/// The same of the inner object, without a mark in front.
pub(super) fn problem(lang: Lang, problem: &Value) -> String {
    let known = problem["code"].as_str().and_then(|code| TABLE.iter().find(|words| words.code == code));
    let message = prose(problem["message"].as_str().unwrap_or_default());
    // Parameters are the agents' word; in a chat they are simply what was typed.
    let message = message.trim_start_matches("params.").to_owned();
    let what = match (lang, known) {
        // The session's key says nothing to a person in a chat.
        (Lang::En, Some(words)) if words.code == "session_unknown" => "Nobody is logged in here.".to_owned(),
        (Lang::Zh, Some(words)) if words.next == Some(LOG_IN) => format!("{}。", words.what),
        (Lang::En, _) if message.is_empty() => "It failed, and no reason was given.".to_owned(),
        (Lang::Zh, _) if message.is_empty() => "操作失败，原因不明。".to_owned(),
        (Lang::En, _) => sentence(&message),
        (Lang::Zh, Some(words)) => format!("{}：{message}", words.what),
        (Lang::Zh, None) => format!("操作失败：{message}"),
    };
    let hint = problem["hint"].as_str().map(|hint| sentence(&hinted(hint)));
    match known.and_then(|words| words.next).map(|next| lang.pick(next).to_owned()).or(hint) {
        Some(next) => format!("{what}\n{next}"),
        None => what,
    }
}

/// The text as a sentence.
pub(super) fn sentence(text: &str) -> String {
    let text = first_upper(text.trim());
    let is_chinese = |c| matches!(c, '\u{4e00}'..='\u{9fff}');
    match text.chars().next_back() {
        Some('.' | '!' | '?' | '。' | '！' | '？' | ')' | '）') => text,
        Some(last) if is_chinese(last) => format!("{text}。"),
        _ => format!("{text}."),
    }
}

/// A hint; a command line at its end is set as code, and a tool is named by its command.
fn hinted(hint: &str) -> String {
    match hint.split_once("agent-identity ") {
        Some((before, command)) if !command.contains(['\n', ';']) => {
            format!("{}{}", prose(before), code(&format!("agent-identity {command}")))
        }
        _ => by_command(&prose(hint)),
    }
}

/// The text with the names of tools, which agents know, replaced by those of commands, which people know.
fn by_command(text: &str) -> String {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut shown = String::new();
    for part in text.split_inclusive(|c| !is_of_name(c)) {
        let name = part.trim_end_matches(|c| !is_of_name(c));
        let command =
            COMMANDS.iter().find(|command| matches!(command.does, Does::Tool(tool) if tool == name));
        match command {
            Some(command) => shown += &format!("`/identity {}`{}", command.name, &part[name.len()..]),
            None => shown += part,
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_chat_has_its_own_next_step_and_else_the_hint() {
        for (problem_, en, zh) in [
            (
                json!({"code": "not_logged_in", "message": "nobody is logged in", "hint": "agent-identity login"}),
                "Nobody is logged in.\nLog in with `/identity login`.",
                "尚未登录。\n请发送 `/identity login` 登录。",
            ),
            (
                json!({"code": "cloud_refused", "message": "the cloud said no", "hint": "see https://id.example/x"}),
                "The cloud said no.\nSee [id.example](https://id.example/x)",
                "云服务拒绝了请求：the cloud said no\nSee [id.example](https://id.example/x)",
            ),
            (
                json!({"code": "not_found", "message": "no credential", "hint": "fetch it first, with identity_fetch"}),
                "No credential.\nFetch it first, with `/identity fetch`.",
                "未找到：no credential\nFetch it first, with `/identity fetch`.",
            ),
            (
                json!({"code": "invalid_request", "message": "params.type must be one of api_key, oauth2"}),
                "Type must be one of api_key, oauth2.",
                "请求有误：type must be one of api_key, oauth2",
            ),
            (json!({"code": "new", "message": "odd"}), "Odd.", "操作失败：odd"),
            (json!("odd"), "It failed, and no reason was given.", "操作失败，原因不明。"),
            (
                json!({"code": "keys_missing", "message": "no keys", "hint": "see: agent-identity status"}),
                "No keys.\nSee: `agent-identity status`.",
                "未找到平台密钥（AK/SK）：no keys\nSee: `agent-identity status`.",
            ),
        ] {
            assert_eq!(problem(Lang::En, &problem_), en);
            assert_eq!(problem(Lang::Zh, &problem_), zh);
        }
    }

    #[test]
    fn codes_are_those_of_the_program() {
        use crate::base::error::Code;
        let known = [
            Code::NotLoggedIn,
            Code::SessionUnknown,
            Code::LoginExpired,
            Code::LoginLinkExpired,
            Code::SessionAmbiguous,
            Code::CloudUnreachable,
            Code::IdpUnreachable,
            Code::StoreUnavailable,
            Code::Timeout,
            Code::Busy,
            Code::CloudRefused,
            Code::IdpRefused,
            Code::Forbidden,
            Code::InvalidRequest,
            Code::NotFound,
            Code::KeysMissing,
            Code::ConfigMissing,
            Code::ConfigInvalid,
            Code::WorkloadMissing,
            Code::Internal,
        ];
        assert_eq!(TABLE.map(|words| words.code), known.map(Code::as_str));
    }
}
