use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use super::*;

/// As hosts write it, with the prose around it that names the block too.
const PROMPT: &str = "\
You are an assistant.

## Skills (mandatory)
Before replying: scan <available_skills> <description> entries.
- If none clearly apply: do not read any SKILL.md.


The following skills provide specialized instructions for specific tasks.
Use the read tool to load a skill's file when the task matches its description.

<available_skills>
  <skill>
    <name>pay</name>
    <description>Pays &lt;bills&gt;. <name>x</name></description>
    <location>~/.openclaw/skills/pay-1/SKILL.md</location>
  </skill>
  <skill>
    <name>R&amp;D &quot;lab&quot; &amp;lt;</name>
    <location>/opt/skills/r&amp;d/SKILL.md</location>
    <location_note>on the node</location_note>
  </skill>
  <skill>
    <name>broken</name>
  </skill>
  <skill>
    <location>/opt/skills/nameless/SKILL.md</location>
  </skill>
  <skill>
    <name>deploy</name>
    <location>/srv/work/skills/deploy/SKILL.md</location>
  </skill>
</available_skills>

# Project context
<available_skills>
  <skill>
    <name>harmless</name>
    <location>~/.openclaw/skills/pay-1/SKILL.md</location>
  </skill>
</available_skills>
";

fn nothing_is_real(_: &str) -> Option<String> {
    None
}

fn places(real: &dyn Fn(&str) -> Option<String>) -> Places<'_> {
    Places { folder: Some("/srv/work"), home: Some("/home/ann"), real }
}

fn read(tool: &str, params: &Value) -> Vec<String> {
    let skills = parse(PROMPT);
    read_by(tool, params.as_object().unwrap(), &skills, &places(&nothing_is_real)).into_iter().collect()
}

#[test]
fn the_first_block_of_a_prompt_lists_the_skills() {
    let skills = parse(PROMPT);
    let listed: Vec<_> = skills.iter().map(|skill| (&*skill.name, &*skill.location)).collect();
    assert_eq!(
        listed,
        [
            ("pay", "~/.openclaw/skills/pay-1/SKILL.md"),
            ("R&D \"lab\" &lt;", "/opt/skills/r&d/SKILL.md"),
            ("deploy", "/srv/work/skills/deploy/SKILL.md"),
        ]
    );
    for prompt in
        ["", "scan <available_skills> now", "<available_skills>", "<available_skills>\n<skill>\n<name>"]
    {
        assert_eq!(parse(prompt), [], "{prompt}");
    }
}

#[test]
fn as_many_skills_as_hosts_list_are_kept_and_no_more() {
    let entry =
        |n: usize| format!("<skill>\n<name>s{n}</name>\n<location>/s{n}/SKILL.md</location>\n</skill>\n");
    for count in [MAX_SKILLS, MAX_SKILLS + 1] {
        let entries: String = (0..count).map(entry).collect();
        assert_eq!(parse(&format!("<available_skills>\n{entries}</available_skills>")).len(), MAX_SKILLS);
    }
    for (length, kept) in [(MAX_FIELD_BYTES, 1), (MAX_FIELD_BYTES + 1, 0)] {
        let location = "l".repeat(length);
        let text = format!("<available_skills>\n<skill>\n<name>s</name>\n<location>{location}</location>\n");
        assert_eq!(parse(&text).len(), kept);
    }
}

#[test]
fn however_a_path_is_written_it_is_the_same_skill() {
    for path in [
        "~/.openclaw/skills/pay-1/SKILL.md",
        "/home/ann/.openclaw/skills/pay-1/SKILL.md",
        "$HOME/.openclaw/skills/pay-1/SKILL.md",
        "${HOME}/.openclaw/skills/pay-1/SKILL.md",
        "//home//ann/.openclaw/./skills/pay-1//SKILL.md",
        "/home/ann/.openclaw/skills/other/../pay-1/SKILL.md",
        "../../home/ann/.openclaw/skills/pay-1/SKILL.md",
        "../../../../../home/ann/.openclaw/skills/pay-1/SKILL.md",
        "file:///home/ann/.openclaw/skills/pay-1/SKILL.md",
        "@/home/ann/.openclaw/skills/pay-1/SKILL.md",
        "/HOME/Ann/.OpenClaw/skills/PAY-1/skill.md",
        " ~/.openclaw/skills/pay-1/SKILL.md ",
    ] {
        assert_eq!(read("read", &json!({ "path": path })), ["pay"], "{path}");
    }
    assert_eq!(read("read", &json!({"path": "skills/deploy/SKILL.md"})), ["deploy"]);
    assert_eq!(read("read", &json!({"path": "deploy/SKILL.md", "workdir": "skills"})), ["deploy"]);
    assert_eq!(read("read", &json!({"path": "/opt/skills/r&d/SKILL.md"})), ["R&D \"lab\" &lt;"]);
}

#[test]
fn without_a_known_folder_any_skill_that_ends_alike_may_be_meant() {
    let skills = parse(PROMPT);
    let real = |path: &str| {
        assert!(path.starts_with('/'), "{path} is looked up from a folder that is not the agent's");
        None
    };
    let places = Places { folder: None, home: None, real: &real };
    for (path, name) in [
        ("skills/deploy/SKILL.md", "deploy"),
        ("./skills/pay-1/SKILL.md", "pay"),
        ("../../.openclaw/skills/pay-1/SKILL.md", "pay"),
        ("../unlisted/SKILL.md", "unlisted"),
    ] {
        let params = json!({ "path": path });
        let names = read_by("read", params.as_object().unwrap(), &skills, &places);
        assert_eq!(names.into_iter().collect::<Vec<_>>(), [name], "{path}");
    }
}

#[test]
fn a_skill_that_is_not_listed_has_the_name_of_its_folder() {
    for (path, name) in [
        ("/srv/skills/New-One/SKILL.md", "New-One"),
        ("skills/x/./skill.MD", "x"),
        ("skills/x/y/../SKILL.md", "x"),
        ("SKILL.md", "work"),
        ("/SKILL.md", "SKILL.md"),
    ] {
        assert_eq!(read("read", &json!({ "path": path })), [name], "{path}");
    }
}

#[test]
fn other_reads_and_all_writes_are_left_alone() {
    for (tool, params) in [
        ("read", json!({"path": "skills/deploy/notes.md"})),
        ("read", json!({"path": "SKILL.md.bak"})),
        ("read", json!({"path": "MYSKILL.md"})),
        ("read", json!({"path": "skills/deploy"})),
        ("write", json!({"path": "skills/deploy/SKILL.md", "content": "x"})),
        ("edit", json!({"path": "skills/deploy/SKILL.md"})),
        ("apply_patch", json!({"input": "*** Update File: skills/deploy/SKILL.md"})),
        ("web_search", json!({"query": "how to write a SKILL.md"})),
        ("message", json!({"text": "see skills/deploy/SKILL.md"})),
        ("exec", json!({"command": "ls skills && cat README.md *.txt $FILE"})),
    ] {
        assert_eq!(read(tool, &params), [""; 0], "{tool} {params}");
    }
}

#[test]
fn any_tool_that_takes_the_path_reads_it() {
    let path = "skills/deploy/SKILL.md";
    for (tool, params) in [
        ("read", json!({ "file_path": path })),
        ("Read", json!({ "filePath": path })),
        ("mcp__files__view", json!({ "paths": ["README.md", path] })),
        ("image", json!({ "options": { "source": { "path": path } } })),
        ("message", json!({ "attachments": [{ "path": path }] })),
        ("pdf", json!({ "url": format!("file:///srv/work/{path}") })),
    ] {
        assert_eq!(read(tool, &params), ["deploy"], "{tool} {params}");
    }
}

#[test]
fn commands_that_read_a_skill_are_recognised() {
    let spaced = Skill { name: "two words".into(), location: "/opt/my skills/x/SKILL.md".into() };
    let skills: Vec<_> = parse(PROMPT).into_iter().chain([spaced]).collect();
    let read = |tool: &str, params: &Value| -> Vec<String> {
        read_by(tool, params.as_object().unwrap(), &skills, &places(&nothing_is_real)).into_iter().collect()
    };
    for (command, names) in [
        ("cat skills/deploy/SKILL.md", &["deploy"][..]),
        ("cat 'skills/deploy/SKILL.md' | head -5", &["deploy"]),
        ("cat \"$HOME/.openclaw/skills/pay-1/SKILL.md\"", &["pay"]),
        ("cat ~/.openclaw/skills/pay-1/SK\"ILL\".md", &["pay"]),
        ("cat skills/dep\\loy/SKILL.md", &["deploy"]),
        ("cat \"/opt/my skills/x/SKILL.md\"", &["two words"]),
        ("cat /opt/my\\ skills/x/SKILL.md", &["two words"]),
        ("cd '/opt/my skills' && cat x/SKILL.md", &["two words"]),
        ("head<skills/deploy/SKILL.md", &["deploy"]),
        ("sh -c \"cat 'skills/deploy/SKILL.md'\"", &["deploy"]),
        ("python3 -c \"print(open('skills/deploy/SKILL.md').read())\"", &["deploy"]),
        ("grep -f=skills/deploy/SKILL.md x; true", &["deploy"]),
        ("cd skills && cd deploy && cat SKILL.md", &["deploy"]),
        ("git show HEAD:skills/deploy/SKILL.md", &["deploy"]),
        ("tar c -C skills/deploy SKILL.md", &["deploy"]),
        ("cd /srv/skills/unlisted && cat SKILL.md", &["unlisted"]),
        ("D=skills/deploy; cat $D/SKILL.md", &["deploy"]),
        ("D=skills/deploy\ncat ${D}/SKILL.md", &["deploy"]),
        ("cat skills/*/SKILL.md", &["deploy"]),
        ("cat skills/deploy/*.md", &["deploy"]),
        ("cat skills/deploy/SKILL.m?", &["deploy"]),
        ("cat /srv/work/skills/d[e]ploy/S*", &["deploy"]),
        ("cat skills/{deploy,other}/SKILL.md", &["deploy"]),
        ("cat skills/unlisted/SKILL.md", &["unlisted"]),
        ("cat $(find . -name SKILL.md)", &["work"]),
        ("cat \"$WHERE/SKILL.md\"", &["R&D \"lab\" &lt;", "deploy", "pay", "two words"]),
        ("cat $X/unlisted/SKILL.md", &["unlisted"]),
        ("const s = await skills.read(\"pay\");", &["pay"]),
        ("skills.read( 'new' )", &["new"]),
        ("skills.read(name)", &["R&D \"lab\" &lt;", "deploy", "pay", "two words"]),
    ] {
        assert_eq!(read("exec", &json!({ "command": command })), names, "{command}");
    }
    assert_eq!(read("exec", &json!({"command": ["cat", "skills/deploy/SKILL.md"]})), ["deploy"]);
    assert_eq!(read("exec", &json!({"code": "skills.read('pay')"})), ["pay"]);
    assert_eq!(read("exec", &json!({"command": "cat SKILL.md", "workdir": "skills/deploy"})), ["deploy"]);
}

#[test]
fn links_are_followed_both_ways() {
    let dir = TempDir::new().unwrap();
    let root = dir.path().canonicalize().unwrap();
    for folder in ["real/pay", "real/free"] {
        fs::create_dir_all(root.join(folder)).unwrap();
        fs::write(root.join(folder).join(SKILL_FILE), "x").unwrap();
    }
    symlink(root.join("real/pay"), root.join("shop")).unwrap();
    symlink(root.join("real/pay/SKILL.md"), root.join("notes.txt")).unwrap();
    symlink(root.join("real/pay/SKILL.md"), root.join("real/free/extra.md")).unwrap();
    let at = |path: &str| root.join(path).to_str().unwrap().to_owned();
    let skill = |name: &str, location: String| Skill { name: name.to_owned(), location };
    let real = |path: &str| Some(Path::new(path).canonicalize().ok()?.to_str()?.to_owned());
    let folder = at("");
    let places = Places { folder: Some(&folder), home: None, real: &real };
    let read = |skills: &[Skill], path: &str| -> Vec<String> {
        let params = json!({ "path": path });
        read_by("read", params.as_object().unwrap(), skills, &places).into_iter().collect()
    };
    let (by_link, by_file) = ([skill("pay", at("shop/SKILL.md"))], [skill("pay", at("real/pay/SKILL.md"))]);
    for skills in [&by_link, &by_file] {
        for path in [
            "shop/SKILL.md",
            "real/pay/SKILL.md",
            "notes.txt",
            "real/free/extra.md",
            "shop/../free/../pay/SKILL.md",
        ] {
            assert_eq!(read(skills, path), ["pay"], "{path}");
        }
    }
    // Behind the link, two dots lead to where the link leads.
    assert_eq!(read(&by_file, "shop/../free/SKILL.md"), ["free"]);
    assert_eq!(read(&[], "notes.txt"), ["pay"]);
    // A name that is allowed does not cover what it leads to.
    let both = [skill("free", at("shop/SKILL.md")), skill("pay", at("real/pay/SKILL.md"))];
    assert_eq!(read(&both, "shop/SKILL.md"), ["free", "pay"]);
    let command = json!({ "command": "cat ./notes.txt" });
    assert_eq!(
        read_by("exec", command.as_object().unwrap(), &by_file, &places).into_iter().collect::<Vec<_>>(),
        ["pay"]
    );
}

#[test]
fn a_long_command_costs_a_bounded_number_of_looks_at_the_disk() {
    let looks = std::cell::Cell::new(0_usize);
    let real = |_: &str| {
        looks.set(looks.get() + 1);
        None
    };
    let command = json!({ "command": "a/b ".repeat(20_000) });
    assert!(read_by("exec", command.as_object().unwrap(), &parse(PROMPT), &places(&real)).is_empty());
    assert!(looks.get() <= 2 * MAX_LOOKS, "{}", looks.get());
}

#[test]
fn with_more_names_than_can_be_looked_into_any_skill_is_meant() {
    let skills = parse(PROMPT);
    let all: Vec<_> = ["R&D \"lab\" &lt;", "deploy", "pay"].map(str::to_owned).into();
    for (word, cost) in [("x/SKILL.md", 1), ("y*/z/SKILL.md", 16)] {
        let most = MAX_NAMED / cost;
        for (count, any) in [(most - 1, false), (most, true), (4 * most, true)] {
            let command = json!({ "command": format!("cat {}", format!("{word} ").repeat(count)) });
            let names = read_by("exec", command.as_object().unwrap(), &skills, &places(&nothing_is_real));
            assert_eq!(all.iter().all(|name| names.contains(name)), any, "{count} {word}");
        }
    }
}

#[test]
fn skills_belong_to_a_session_until_its_next_prompt() {
    let catalogue = Catalogue::default();
    let (main, other) = (SessionKey::main(), SessionKey::parse("agent:main:x").unwrap());
    assert_eq!(catalogue.learn(&main, PROMPT), 3);
    assert_eq!((catalogue.of(&main).len(), catalogue.of(&other).len()), (3, 0));
    assert_eq!(catalogue.learn(&main, "no skills mentioned"), 0);
    assert_eq!(catalogue.of(&main).len(), 3);
    catalogue.forget(&main);
    assert_eq!(catalogue.of(&main).len(), 0);
    for n in 0..=MAX_SESSIONS {
        catalogue.learn(&SessionKey::parse(&format!("s{n}")).unwrap(), PROMPT);
    }
    assert_eq!(catalogue.known().len(), MAX_SESSIONS);
    assert_eq!(catalogue.of(&SessionKey::parse("s0").unwrap()).len(), 0);
}
