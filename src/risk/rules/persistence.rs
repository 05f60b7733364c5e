//! What comes back by itself.

use super::{Rule, Text};
use crate::risk::Level::{High, Medium};

/// The rules, the graver first.
pub const RULES: &[Rule] = &[
    Rule {
        id: "write-persistent",
        level: High,
        reason: Text { en: "plants something that starts by itself", zh: "写入会自动启动的内容" },
        patterns: &[],
        examples: &[
            "echo x >> /etc/crontab",
            "cp a.service /etc/systemd/system/",
            "echo k >> ~/.ssh/authorized_keys",
        ],
        harmless: &["echo x > notes"],
    },
    Rule {
        id: "write-profile",
        level: Medium,
        reason: Text { en: "changes a profile that shells read", zh: "修改 Shell 配置文件" },
        patterns: &[],
        examples: &["echo 'export A=1' >> ~/.bashrc"],
        harmless: &["cat ~/.bashrc"],
    },
    Rule {
        id: "schedule",
        level: High,
        reason: Text { en: "has something run later", zh: "安排稍后自动执行" },
        patterns: &[
            "crontab !-l",
            "at|batch !-l|-V|-r",
            "atq -d",
            "systemd-run --on-calendar|--on-boot|--on-active|--timer-property",
            "launchctl load|bootstrap|submit|enable",
            "schtasks",
            "anacron",
            "update-rc.d|chkconfig|rc-update|sysv-rc-conf",
            "loginctl enable-linger",
            "systemctl enable|link|edit|preset|set-default|reenable|unmask",
        ],
        examples: &["crontab f", "systemctl enable evil"],
        harmless: &["crontab -l", "systemctl status x"],
    },
    Rule {
        id: "hook",
        level: High,
        reason: Text {
            en: "has a tool run code at every use", zh: "让工具在每次使用时执行代码"
        },
        patterns: &[
            "git config ~core.hookspath|core.sshcommand|core.fsmonitor|core.pager|core.editor|credential.helper|alias.*|filter.*|diff.external !--get|--unset|--list ~!*|/*|*;*|*.sh*|*store*",
            "git -c ~core.sshcommand=*|core.fsmonitor=*|core.pager=*|alias.*=!*|diff.external=*|core.hookspath=*",
        ],
        examples: &["git config --global core.sshCommand '/tmp/x'"],
        harmless: &["git config user.name"],
    },
];
