//! The skill file: every tool in it exists with these parameters, and the rules that agents must follow are there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test file, helpers included")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use agent_identity::action::registry;

#[test]
fn the_front_matter_is_what_hosts_read() {
    let (front, _) = parts();
    // As a command of people the skill would hide the plugin's own `/identity` on new hosts.
    assert!(front.starts_with("name: identity\nuser-invocable: false\ndescription: |\n"));
    for trigger in [
        "log in",
        "credentials",
        "environment variable",
        "登录",
        "查身份",
        "获取凭据",
        "绑定环境变量",
        "配置插件",
        "风险检查",
    ] {
        assert!(front.contains(trigger), "{trigger}");
    }
    let metadata = front.split_once("metadata:").unwrap().1;
    let metadata: serde_json::Value = json5(metadata);
    let openclaw = &metadata["openclaw"];
    assert_eq!(openclaw["emoji"], "🔐");
    assert_eq!(openclaw["skillKey"], "identity");
    assert_eq!(openclaw["requires"]["config"], serde_json::json!(["plugins.entries.agent-identity.enabled"]));
}

#[test]
fn every_registered_tool_has_a_section_with_its_parameters() {
    for tool in registry::TOOLS {
        let section = section(tool.name);
        let described: BTreeSet<_> = params(&section).collect();
        let registered: BTreeSet<_> =
            tool.params.iter().map(|param| (param.name.to_owned(), param.required)).collect();
        assert_eq!(described, registered, "{}", tool.name);
        assert_eq!(described.is_empty(), section.contains("No parameters."), "{}", tool.name);
        for phrase in tool.call_when {
            assert!(section.contains(&format!("\"{phrase}\"")), "{}: {phrase} is missing", tool.name);
        }
    }
}

#[test]
fn every_tool_is_called_for_in_english_and_in_chinese() {
    let (_, text) = parts();
    let mut tools = 0;
    for section in text.split("\n### ").skip(1) {
        let (_, phrases) = section.split_once("**Call when:**").unwrap_or_else(|| panic!("{section}"));
        let phrases = phrases.split_once('.').unwrap().0;
        let phrases: Vec<_> = phrases.split('"').skip(1).step_by(2).collect();
        assert!(phrases.iter().any(|phrase| phrase.is_ascii()), "{section}");
        assert!(phrases.iter().any(|phrase| phrase.contains(is_han)), "{section}");
        tools += 1;
    }
    assert_eq!(tools, 17);
}

#[test]
fn no_other_tool_is_named() {
    let (_, text) = parts();
    let sections: BTreeSet<_> = text.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    for word in words.filter(|word| word.starts_with("identity_")) {
        assert!(sections.contains(word), "{word}");
    }
    // A person approves, never the agent: hosts ask by themselves, so the tool is not even named.
    assert!(!text.contains("approve_tool"));
}

#[test]
fn tools_without_login_are_listed_and_need_none() {
    let list = chapter("Tools without login");
    let named: Vec<_> = list.split('`').filter(|word| word.starts_with("identity_")).collect();
    assert_eq!(
        named,
        [
            "identity_login",
            "identity_logout",
            "identity_whoami",
            "identity_status",
            "identity_config_suggest",
            "identity_risk_check",
            "identity_list_risk_patterns",
        ]
    );
    for tool in registry::TOOLS.iter().filter(|tool| named.contains(&tool.name)) {
        assert!(!tool.needs_login, "{}", tool.name);
    }
}

#[test]
fn agents_call_tools_show_links_and_log_in_when_needed() {
    let rules = chapter("Rules");
    contains(&rules, &["Call the tools yourself", "Do not send the person to slash commands"]);
    contains(&rules, &["`authUrl` as a Markdown link", "[Log in](https://", "never as a bare address"]);
    contains(
        &rules,
        &[
            "`TIP token required`",
            "`session has no valid identity`",
            "call `identity_login`, show its link, wait",
            "repeat the call that failed",
            "Neither leave that call out nor look for a way around it",
        ],
    );
    let (_, text) = parts();
    assert!(!text.contains("`/identity"), "slash commands are the person's");
}

#[test]
fn agents_report_every_refusal_and_what_can_be_done() {
    let rules = chapter("Rules");
    contains(
        &rules,
        &[
            "`CheckPermission denied`",
            "`permission denied`",
            "`requires approval`",
            "`[agent-identity]`",
            "Never go on in silence",
        ],
    );
    for (error, advice) in [
        ("CheckPermission denied for skill", "no access to this skill and can ask an administrator"),
        ("CheckPermission denied for tool", "this tool is restricted"),
        ("High-risk tool requires approval", "Wait for the answer; call again"),
        ("Failed to verify permission", "try again later"),
    ] {
        let row = rules.lines().find(|line| line.starts_with(&format!("| `{error}"))).expect(error);
        assert!(row.contains(advice), "{row}");
    }
}

#[test]
fn workflows_name_their_steps_in_order() {
    for (workflow, steps) in [
        (
            "Workflow: add a credential",
            &[
                "identity_whoami",
                "identity_login",
                "identity_fetch",
                "authUrl",
                "identity_fetch",
                "identity_set_binding",
            ] as &[_],
        ),
        ("Workflow: judge a risk", &["identity_risk_check", "identity_list_risk_patterns"]),
    ] {
        let text = chapter(workflow);
        let named: Vec<_> = text.split('`').skip(1).step_by(2).collect();
        assert_eq!(named, steps, "{workflow}");
    }
    contains(
        &section("identity_list_credentials"),
        &["before a fetch, give `name` rather than going through pages"],
    );
}

#[test]
fn terms_have_both_languages() {
    let (_, text) = parts();
    for (english, chinese) in [
        ("user pool", "用户池"),
        ("inbound authorization", "入站授权"),
        ("outbound authorization", "出站授权"),
        ("workload token (TIP)", "工作负载令牌"),
        ("credential hosting", "凭据托管"),
        ("permission control", "权限管控"),
    ] {
        assert!(text.contains(&format!("| {english} | {chinese} | ")), "{english}");
    }
}

/// Front matter and the rest.
fn parts() -> (String, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("identity/SKILL.md");
    let text = fs::read_to_string(path).unwrap();
    let (front, rest) = text.strip_prefix("---\n").unwrap().split_once("---\n").unwrap();
    (front.to_owned(), rest.to_owned())
}

fn chapter(title: &str) -> String {
    between(&format!("\n## {title}\n"), &["\n## "])
}

fn section(tool: &str) -> String {
    between(&format!("\n### {tool}\n"), &["\n### ", "\n## "])
}

fn between(heading: &str, ends: &[&str]) -> String {
    let (_, text) = parts();
    let (_, rest) = text.split_once(heading).unwrap_or_else(|| panic!("no heading {heading:?}"));
    let end = ends.iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len());
    rest[..end].to_owned()
}

/// Names of the parameter table, and whether they are required.
fn params(section: &str) -> impl Iterator<Item = (String, bool)> {
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let cells: Vec<_> = row.split(" | ").collect();
        (cells[0].trim_end_matches('`').to_owned(), cells[2] == "yes")
    })
}

fn contains(text: &str, parts: &[&str]) {
    let flowing = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in parts {
        assert!(flowing.contains(part), "{part:?} is missing");
    }
}

fn is_han(letter: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&letter)
}

/// JSON with trailing commas, which is all that the front matter has beyond JSON.
fn json5(text: &str) -> serde_json::Value {
    let compact: String = text.split_whitespace().collect();
    serde_json::from_str(&compact.replace(",}", "}")).unwrap()
}
