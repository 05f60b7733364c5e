//! What is said without asking a tool: help, mistakes, pointers.

use crate::action::tool::Kind;
use crate::base::nearest::nearest;

use super::read::{MAX_LINE_BYTES, Mistake};
use super::table::{COMMANDS, Command, PREFIXES};
use super::text::{Lang, code, say};

/// The commands with what they are for.
pub(super) fn help(lang: Lang) -> String {
    let alias = format!("/{}", PREFIXES[1]);
    let mut lines = vec![say!(lang, "Commands (`{alias}` works as well):", "命令（也可写作 `{alias}`）：")];
    lines.extend(COMMANDS.iter().map(|command| {
        let aliases: String = command.aliases.iter().map(|alias| format!(", `{alias}`")).collect();
        format!("- `{}`{aliases} — {}", command.usage(), command.about(lang))
    }));
    lines.join("\n")
}

/// One command.
pub(super) fn help_of(lang: Lang, command: &Command) -> String {
    let about = first_upper(command.about(lang));
    format!("{about}{}\n{}", lang.pick((".", "。")), usage(lang, command))
}

/// What is wrong with a line, and how it is right.
pub(super) fn mistake(lang: Lang, mistake: &Mistake) -> String {
    let with_usage = |what: String, command: &Command| format!("⚠️ {what}\n{}", usage(lang, command));
    match mistake {
        Mistake::TooLong => say!(
            lang,
            "⚠️ The line is longer than {MAX_LINE_BYTES} bytes.",
            "⚠️ 输入超过 {MAX_LINE_BYTES} 字节。"
        ),
        Mistake::Unknown(word, near) => {
            let word = code(word);
            let meant = meant(lang, near.map(|near| format!("/{} {near}", PREFIXES[0])));
            let what = say!(lang, "⚠️ There is no command {word}.{meant}", "⚠️ 没有命令 {word}。{meant}");
            format!("{what}\n\n{}", help(lang))
        }
        Mistake::Missing(command, slot) => {
            let name = code(slot.name);
            with_usage(say!(lang, "{name} is missing.", "缺少 {name}。"), command)
        }
        Mistake::Extra(command, word) => {
            let word = code(word);
            with_usage(
                say!(
                    lang,
                    "{word} is one word too many; put quotes around a name with spaces.",
                    "多出了 {word}；名称含空格时请加引号。"
                ),
                command,
            )
        }
        Mistake::UnknownFlag(command, flag) => {
            let near = nearest(flag, command.flags.iter().map(|slot| slot.name));
            let meant = meant(lang, near.map(|near| format!("--{near}")));
            let flag = code(&format!("--{flag}"));
            with_usage(
                say!(lang, "There is no option {flag} here.{meant}", "此命令没有选项 {flag}。{meant}"),
                command,
            )
        }
        Mistake::BadValue(command, slot) => {
            let name = code(slot.name);
            let kind = kind(lang, slot.kind);
            with_usage(say!(lang, "{name} must be {kind}.", "{name} 必须是{kind}。"), command)
        }
        Mistake::Twice(command, slot) => {
            let name = code(&format!("--{}", slot.name));
            with_usage(say!(lang, "{name} is given twice.", "{name} 重复出现。"), command)
        }
    }
}

/// Approvals are the host's.
pub(super) fn host_approval(lang: Lang) -> String {
    lang.pick((
        "Calls are approved and rejected with the chat's own command: `/approve`. It shows what is waiting.",
        "请使用聊天自带的 `/approve` 命令批准或拒绝调用；它会列出待处理的请求。",
    ))
    .to_owned()
}

/// A person's word was taken.
pub(super) fn decided(lang: Lang, id: &str, approved: bool) -> String {
    let id = code(id);
    match approved {
        true => say!(
            lang,
            "✓ {id} is approved: the agent may run this one call, once. Tell it to go on.",
            "✓ 已批准 {id}：仅允许该调用执行一次。请让智能体继续。"
        ),
        false => say!(lang, "{id} is rejected. The call will not run.", "已拒绝 {id}，该调用不会执行。"),
    }
}

/// Without a person in a chat nothing is done.
pub(super) fn no_chat(lang: Lang) -> String {
    lang.pick((
        "⚠️ This command needs a chat: channel and sender are unknown. Nothing was done.",
        "⚠️ 此命令只能在聊天中使用：缺少渠道或发送者信息。未执行任何操作。",
    ))
    .to_owned()
}

fn meant(lang: Lang, near: Option<String>) -> String {
    let near = near.map(|near| code(&near));
    near.map_or_else(String::new, |near| say!(lang, " Did you mean {near}?", "您是不是要输入 {near}？"))
}

fn usage(lang: Lang, command: &Command) -> String {
    let usage = code(&command.usage());
    say!(lang, "Usage: {usage}", "用法：{usage}")
}

fn kind(lang: Lang, kind: Kind) -> String {
    match kind {
        Kind::Flag => lang.pick(("true or false", " true 或 false")).to_owned(),
        Kind::OneOf(words) => {
            let words = words.iter().map(|word| code(word)).collect::<Vec<_>>();
            let (en, zh) = (words.join(", "), words.join("、"));
            say!(lang, "one of {en}", "以下之一：{zh}")
        }
        Kind::Whole => lang.pick(("a whole number from 1 on", "从 1 开始的整数")).to_owned(),
        Kind::Object | Kind::Text | Kind::Texts => {
            lang.pick(("text that is not blank", "非空文本")).to_owned()
        }
    }
}

/// The text as a sentence begins.
pub(super) fn first_upper(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}
