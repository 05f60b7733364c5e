//! The commands: names, arguments, the tool that does the work, and help. Reading, usage lines and help come from here.

use crate::action::tool::Kind;
use crate::authz::registry::Word;

use super::text::{Both, Lang};

/// A command of `/identity`.
#[derive(Debug)]
pub struct Command {
    /// Its name.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// What it takes in order.
    pub args: &'static [Slot],
    /// What it takes by name.
    pub flags: &'static [Slot],
    /// What does the work.
    pub does: Does,
    /// What it is for.
    pub about: Both,
}

/// What does a command's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    /// The help itself.
    Help,
    /// A person's word on a blocked call: the host's own command, or this one where the host has none.
    Approval(Word),
    /// A tool.
    Tool(&'static str),
}

/// An argument or a flag.
#[derive(Debug)]
pub struct Slot {
    /// As usage lines show it.
    pub name: &'static str,
    /// Where the value goes.
    pub to: To,
    /// What values it takes.
    pub kind: Kind,
    /// Whether it must be given.
    pub required: bool,
}

/// Where a value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// Nowhere: read for the sake of the usage line only.
    Nothing,
    /// Chooses the page of a list that the tool gives as a whole.
    Page,
    /// A parameter of the tool.
    Param(&'static str),
    /// A parameter of the tool that takes the rest of the line as it stands.
    Rest(&'static str),
}

/// What the commands are named after. The first one is what help shows.
pub const PREFIXES: [&str; 2] = ["identity", "id"];

/// All commands, in the order of the help.
pub const COMMANDS: [Command; 17] = [
    Command {
        aliases: &["?"],
        args: &[optional("command", To::Nothing, Kind::Text)],
        does: Does::Help,
        ..plain("help", "", ("this help", "显示本帮助"))
    },
    plain(
        "whoami",
        "identity_whoami",
        ("who is logged in, and the workload token", "当前登录身份与工作负载令牌"),
    ),
    plain(
        "login",
        "identity_login",
        ("log in, or renew the workload token", "登录；已登录时刷新工作负载令牌"),
    ),
    plain("logout", "identity_logout", ("end the login of this chat", "退出本会话的登录")),
    plain(
        "status",
        "identity_status",
        ("login, workload token, credentials and bindings", "登录、工作负载令牌、凭据与环境变量绑定"),
    ),
    Command {
        args: &[optional("page", To::Page, Kind::Whole)],
        ..plain("list-tips", "identity_list_tips", ("the valid workload tokens", "有效的工作负载令牌"))
    },
    plain("config", "identity_config", ("the configuration, without secrets", "配置（不含密钥）")),
    Command {
        aliases: &["list"],
        args: &[optional("page", To::Param("page"), Kind::Whole)],
        flags: &[
            optional("name", To::Param("name"), Kind::Text),
            optional("flow", To::Param("flow"), Kind::Text),
            optional("type", To::Param("type"), Kind::Text),
        ],
        ..plain(
            "list-credentials",
            "identity_list_credentials",
            ("credential providers, and which are fetched and bound", "凭据提供方，以及已获取和已绑定的凭据"),
        )
    },
    Command {
        args: &[optional("prefix", To::Param("name"), Kind::Text)],
        flags: &[optional("page", To::Page, Kind::Whole)],
        ..plain("list-roles", "identity_list_roles", ("providers of role credentials", "角色凭据提供方"))
    },
    Command {
        args: &[required("provider", To::Param("providerName"))],
        flags: &[
            optional("use-tip", To::Param("useTip"), Kind::Flag),
            optional("show-secrets", To::Param("showSecrets"), Kind::Flag),
        ],
        ..plain(
            "get-role",
            "identity_get_role_credentials",
            ("temporary keys of a role", "获取角色的临时密钥"),
        )
    },
    Command {
        args: &[required("provider", To::Param("provider"))],
        flags: &[
            optional("flow", To::Param("flow"), Kind::OneOf(&["oauth2-user", "oauth2-m2m", "apikey"])),
            optional("redirectUrl", To::Param("redirectUrl"), Kind::Text),
            optional("scopes", To::Param("scopes"), Kind::Texts),
        ],
        ..plain("fetch", "identity_fetch", ("fetch a credential", "获取凭据"))
    },
    Command {
        args: &[required("provider", To::Param("provider")), required("envVar", To::Param("envVar"))],
        ..plain(
            "set",
            "identity_set_binding",
            ("give a credential to commands as an environment variable", "将凭据绑定到环境变量，供命令使用"),
        )
    },
    Command {
        args: &[required("provider", To::Param("provider"))],
        ..plain("unset", "identity_unset_binding", ("remove such a binding", "解除环境变量绑定"))
    },
    Command {
        args: &[required("command", To::Rest("command"))],
        ..plain("risk", "identity_risk_check", ("how risky a shell command is", "评估一条 shell 命令的风险"))
    },
    Command {
        args: &[optional("page", To::Page, Kind::Whole)],
        ..plain(
            "risk-patterns",
            "identity_list_risk_patterns",
            ("what counts as risky", "内置的风险命令模式与敏感路径"),
        )
    },
    approval(
        "approve",
        Word::Approve,
        ("approve a blocked call: use the chat's own /approve", "批准被拦截的调用：请使用 /approve"),
    ),
    approval(
        "reject",
        Word::Reject,
        ("reject a blocked call: use the chat's own /approve", "拒绝被拦截的调用：请使用 /approve"),
    ),
];

const fn plain(name: &'static str, tool: &'static str, about: Both) -> Command {
    Command { name, aliases: &[], args: &[], flags: &[], does: Does::Tool(tool), about }
}

const APPROVAL_ID: &[Slot] = &[optional("approval_id", To::Nothing, Kind::Text)];

const fn approval(name: &'static str, word: Word, about: Both) -> Command {
    Command { name, aliases: &[], args: APPROVAL_ID, flags: &[], does: Does::Approval(word), about }
}

const fn optional(name: &'static str, to: To, kind: Kind) -> Slot {
    Slot { name, to, kind, required: false }
}

const fn required(name: &'static str, to: To) -> Slot {
    Slot { name, to, kind: Kind::Text, required: true }
}

/// The command of a folded name or alias.
#[must_use]
pub fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name || command.aliases.contains(&name))
}

/// Every name that a command has.
pub fn names() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().flat_map(|command| std::iter::once(command.name).chain(command.aliases.iter().copied()))
}

impl Command {
    /// `/identity fetch <provider> [--flow=oauth2-user|oauth2-m2m|apikey] …`
    #[must_use]
    pub fn usage(&self) -> String {
        let args = self.args.iter().map(|slot| match slot.required {
            true => format!(" <{}>", slot.name),
            false => format!(" [{}]", slot.name),
        });
        let flags = self.flags.iter().map(|slot| match slot.kind {
            Kind::Flag => format!(" [--{}]", slot.name),
            Kind::OneOf(words) => format!(" [--{}={}]", slot.name, words.join("|")),
            Kind::Object | Kind::Text | Kind::Texts | Kind::Whole => format!(" [--{}=…]", slot.name),
        });
        let slots: String = args.chain(flags).collect();
        format!("/{} {}{slots}", PREFIXES[0], self.name)
    }

    /// What it is for.
    #[must_use]
    pub fn about(&self, lang: Lang) -> &'static str {
        lang.pick(self.about)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::action::registry::TOOLS;

    #[test]
    fn names_are_unique_and_as_the_reader_folds_them() {
        let all: Vec<_> = names().collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        for name in all.iter().filter(|name| **name != "?") {
            assert_eq!(super::super::words::name(name), *name);
        }
    }

    #[test]
    fn usage_shows_arguments_and_flags() {
        for (name, usage) in [
            ("whoami", "/identity whoami"),
            ("list", "/identity list-credentials [page] [--name=…] [--flow=…] [--type=…]"),
            ("get-role", "/identity get-role <provider> [--use-tip] [--show-secrets]"),
            (
                "fetch",
                "/identity fetch <provider> [--flow=oauth2-user|oauth2-m2m|apikey] [--redirectUrl=…] [--scopes=…]",
            ),
            ("set", "/identity set <provider> <envVar>"),
        ] {
            assert_eq!(find(name).unwrap().usage(), usage);
        }
    }

    #[test]
    fn parameters_are_those_of_the_registered_tool() {
        for command in &COMMANDS {
            let Does::Tool(name) = command.does else { continue };
            let Some(tool) = TOOLS.iter().find(|tool| tool.name == name) else { continue };
            for slot in command.args.iter().chain(command.flags) {
                let (To::Param(param) | To::Rest(param)) = slot.to else { continue };
                assert!(tool.params.iter().any(|known| known.name == param), "{}: {param}", command.name);
            }
            for param in tool.params.iter().filter(|param| param.required) {
                let given = |slot: &Slot| {
                    slot.required && (slot.to == To::Param(param.name) || slot.to == To::Rest(param.name))
                };
                assert!(command.args.iter().any(given), "{}: {}", command.name, param.name);
            }
        }
    }
}
