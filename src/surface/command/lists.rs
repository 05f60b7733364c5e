//! Lists as chat text, a page at a time.

use serde_json::Value;

use super::outcome::text;
use super::read::Call;
use super::table::{PREFIXES, To};
use crate::risk::rules::rule;

use super::text::{Both, Lang, code, prose, say, time};
use super::words;

/// Entries of a page, where the tool gives the list as a whole: about a screen of a phone.
pub(super) const PAGE: usize = 20;

pub(super) fn tips(lang: Lang, call: &Call, outcome: &Value) -> String {
    let entries: Vec<_> = items(&outcome["tips"])
        .map(|tip| {
            let (session, sub) = (code(&text(&tip["sessionKey"])), code(&text(&tip["sub"])));
            let (chain, end) = (chain(&tip["chain"]), time(&text(&tip["expiresAt"])));
            let bound: String = bindings(&tip["bindings"])
                .map(|(provider, env)| format!(" · {} → {}", code(provider), code(&env)))
                .collect();
            say!(
                lang,
                "- {sub} in {session}: until {end}, for {chain}{bound}",
                "- {sub}，会话 {session}：有效期至 {end}，代理链 {chain}{bound}"
            )
        })
        .collect();
    page(lang, call, ("Valid workload tokens", "有效的工作负载令牌"), &entries)
}

pub(super) fn roles(lang: Lang, call: &Call, outcome: &Value) -> String {
    let entries: Vec<_> = items(&outcome["providers"])
        .map(|role| {
            let source = lang.pick(match role["identitySource"].as_str() {
                Some("agent_pool") => (" — takes the workload token", " — 使用工作负载令牌"),
                Some("user_pool") => (" — takes your own login", " — 使用您本人的登录"),
                _ => ("", ""),
            });
            format!("- {}{source}", code(&name_of(role)))
        })
        .collect();
    page(lang, call, ("Role credential providers", "角色凭据提供方"), &entries)
}

pub(super) fn risk_patterns(lang: Lang, call: &Call, outcome: &Value) -> String {
    let mut entries = Vec::new();
    for (group, list) in outcome.as_object().into_iter().flatten() {
        let group = lang.pick(match group.as_str() {
            "commandPatterns" | "patterns" => ("command", "命令"),
            "sensitivePaths" | "paths" => ("path", "路径"),
            _ => ("other", "其他"),
        });
        entries.extend(items(list).map(|item| {
            let what = ["reason", "description", "about"].iter().find_map(|name| item[*name].as_str());
            let rule = item["name"].as_str().and_then(rule).filter(|_| lang == Lang::Zh);
            let what = rule.map_or(what, |rule| Some(rule.reason.zh));
            let what = what.map_or_else(String::new, |what| format!(" — {}", prose(what)));
            format!("- {group}: {}{what}", code(&name_of(item)))
        }));
    }
    page(lang, call, ("What counts as risky", "内置的风险模式"), &entries)
}

/// This list the cloud pages.
pub(super) fn credentials(lang: Lang, call: &Call, outcome: &Value) -> String {
    let entry = |provider: &Value| {
        let kind: String = ["type", "flow"]
            .iter()
            .filter_map(|field| provider[*field].as_str())
            .map(|part| format!(" · {}", prose(part)))
            .collect();
        let end = provider["expiresAt"].as_str().map(time);
        let fetched = match (provider["stored"] == true, end) {
            (true, Some(end)) => say!(lang, " · fetched, good until {end}", " · 已获取，有效期至 {end}"),
            (true, None) => lang.pick((" · fetched", " · 已获取")).to_owned(),
            (false, Some(_)) => lang.pick((" · ended", " · 已过期")).to_owned(),
            (false, None) => String::new(),
        };
        let bound = provider["envVar"].as_str().map_or_else(String::new, |env| format!(" → {}", code(env)));
        format!("- {}{kind}{fetched}{bound}", code(&name_of(provider)))
    };
    let number = outcome["page"].as_u64().unwrap_or(1);
    let mut lines = vec![say!(lang, "Credential providers, page {number}:", "凭据提供方，第 {number} 页：")];
    let before = lines.len();
    lines.extend(items(&outcome["providers"]).map(entry));
    if lines.len() == before {
        lines.push(lang.pick(("- none", "- 无")).to_owned());
    }
    let stored: Vec<_> = items(&outcome["storedOnly"]).map(entry).collect();
    if !stored.is_empty() {
        lines.push(lang.pick(("Yours besides these:", "您的其他凭据：")).to_owned());
        lines.extend(stored);
    }
    if outcome["hasMore"] == true {
        lines.push(more(lang, &again(call, "list", &number.saturating_add(1).to_string())));
    }
    lines.join("\n")
}

/// One page of a list, and how to get the next one.
fn page(lang: Lang, call: &Call, title: Both, entries: &[String]) -> String {
    let title = lang.pick(title);
    if entries.is_empty() {
        return say!(lang, "{title}: none.", "{title}：无。");
    }
    let pages = entries.len().div_ceil(PAGE);
    let number = call.page.min(pages);
    let mut lines = vec![match pages {
        1 => say!(lang, "{title}:", "{title}："),
        _ => say!(lang, "{title}, page {number} of {pages}:", "{title}，第 {number}/{pages} 页："),
    }];
    lines.extend(entries.iter().skip((number - 1) * PAGE).take(PAGE).cloned());
    if number < pages {
        let next = (number + 1).to_string();
        lines.push(more(lang, &again(call, call.command.name, &next)));
    }
    lines.join("\n")
}

fn more(lang: Lang, command: &str) -> String {
    let command = code(command);
    say!(lang, "More with {command}", "下一页：{command}")
}

/// The same command for another page.
fn again(call: &Call, name: &str, page: &str) -> String {
    let mut line = format!("/{} {name}", PREFIXES[0]);
    for slot in call.command.args {
        match slot.to {
            _ if is_page(slot.to) => line += &format!(" {page}"),
            To::Param(param) => {
                line += &given(call, param).map_or_else(String::new, |value| format!(" {value}"))
            }
            To::Nothing | To::Page | To::Rest(_) => {}
        }
    }
    for slot in call.command.flags {
        match slot.to {
            _ if is_page(slot.to) => line += &format!(" --{}={page}", slot.name),
            To::Param(param) => {
                line +=
                    &given(call, param).map_or_else(String::new, |value| format!(" --{}={value}", slot.name));
            }
            To::Nothing | To::Page | To::Rest(_) => {}
        }
    }
    line
}

fn is_page(to: To) -> bool {
    matches!(to, To::Page | To::Param("page"))
}

fn given(call: &Call, param: &str) -> Option<String> {
    let value = call.params.get(param)?.as_str()?;
    Some(words::quoted(value))
}

/// What an entry is called: itself, or its name.
pub(super) fn name_of(item: &Value) -> String {
    let names = ["name", "provider", "pattern", "path"];
    names.iter().find_map(|name| item[*name].as_str()).map_or_else(|| text(item), str::to_owned)
}

/// Bindings as provider and variable.
pub(super) fn bindings(value: &Value) -> impl Iterator<Item = (&String, String)> {
    value.as_object().into_iter().flatten().map(|(provider, env)| (provider, text(env)))
}

/// The acting agents, newest first.
pub(super) fn chain(agents: &Value) -> String {
    let names: Vec<_> = items(agents).map(|agent| code(&text(agent))).collect();
    if names.is_empty() { "-".to_owned() } else { names.join(" ← ") }
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
