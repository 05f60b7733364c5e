//! Who gains rights.

use super::{Rule, Text};
use crate::risk::Level::{High, Medium};

/// The rules, the graver first.
pub const RULES: &[Rule] = &[
    Rule {
        id: "sudo",
        level: High,
        reason: Text { en: "runs with the rights of the administrator", zh: "以管理员权限运行" },
        patterns: &["sudo|doas|pkexec|run0|gosu|su-exec|runas !-l|-v|-k|-K|-V|--list|--version|--help"],
        examples: &["sudo rm -rf x", "sudo -i", "sudo bash"],
        harmless: &["sudo -l"],
    },
    Rule {
        id: "sudo-routine",
        level: Medium,
        reason: Text {
            en: "does something routine with the rights of the administrator",
            zh: "以管理员权限执行常规操作",
        },
        patterns: &[],
        examples: &["sudo apt-get install -y jq"],
        harmless: &["apt-get --version"],
    },
    Rule {
        id: "su",
        level: High,
        reason: Text { en: "becomes another user", zh: "切换为其他用户" },
        patterns: &["su|machinectl", "login -f", "newgrp", "sg"],
        examples: &["su -", "su root"],
        harmless: &[],
    },
    Rule {
        id: "setuid",
        level: High,
        reason: Text {
            en: "lets a program run with the rights of its owner", zh: "让程序以属主权限运行"
        },
        patterns: &[
            "chmod ~u+s|u=*s*|g+s|+s|ug+s|u+xs|4???|2???|6???|04???|06???|02???|a+s",
            "install -m ~4???|u+s",
            "setcap !-v|-h",
            "setfacl -m ~*rwx*",
        ],
        examples: &["chmod u+s /bin/bash", "chmod 4755 x"],
        harmless: &["chmod 755 x", "chmod +x x"],
    },
    Rule {
        id: "open-permissions",
        level: High,
        reason: Text {
            en: "opens files of the system to everybody", zh: "向所有人开放系统文件的权限"
        },
        patterns: &["chmod -R ~777|0777|a+rwx|o+w /|~/|~*|/etc|/usr|/var|/home"],
        examples: &["chmod -R 777 /"],
        harmless: &["chmod 755 a"],
    },
    Rule {
        id: "users",
        level: High,
        reason: Text { en: "changes users, groups or passwords", zh: "修改用户、用户组或密码" },
        patterns: &[
            "useradd|adduser|usermod|userdel|deluser|groupadd|groupmod|groupdel|addgroup|delgroup|gpasswd|chpasswd|newusers|vipw|vigr|visudo|chage|chsh|passwd|dscl !--help|--version|-c|-S|--status",
        ],
        examples: &["useradd -m bob", "passwd root"],
        harmless: &["groups"],
    },
    Rule {
        id: "namespace",
        level: High,
        reason: Text {
            en: "enters the machine from inside, or leaves its confinement",
            zh: "进入主机命名空间或脱离隔离环境",
        },
        patterns: &["nsenter|capsh|unshare -t|--target|-r|-U|--map-root-user|--gid", "capsh"],
        examples: &["nsenter -t 1 -m sh"],
        harmless: &[],
    },
];
