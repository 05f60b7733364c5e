//! The machine and its defences.

use super::{Rule, Text};
use crate::risk::Level::{High, Medium};

/// The rules, the graver first.
pub const RULES: &[Rule] = &[
    Rule {
        id: "defences",
        level: High,
        reason: Text { en: "weakens or switches off the defences of the machine", zh: "削弱或关闭系统防护" },
        patterns: &["iptables|ip6tables -F|-X|-P|--flush|--policy|-D|-I|-A|--delete", "iptables-restore|ip6tables-restore", "nft flush|delete|add", "ufw disable|reset|allow|delete", "firewall-cmd !--list-all|--state|--get-zones", "setenforce", "aa-disable|aa-teardown|aa-complain|apparmor_parser", "auditctl -e|-D|-d", "systemctl stop|disable|mask|kill auditd*|rsyslog*|firewalld*|ufw*|apparmor*|fail2ban*|falcon-sensor*|osqueryd*|clamav*|crowdstrike*|wazuh*|syslog*|systemd-journald*|sysmon*|iptables*|nftables*|falco*|mdatp*", "service auditd|rsyslog|firewalld|ufw|apparmor|fail2ban|iptables|falco stop|disable", "spctl --master-disable", "csrutil disable", "tccutil reset", "mdatp", "setsebool", "ulimit -c ~unlimited", "swapoff -a", "xhost +"],
        examples: &["iptables -F", "setenforce 0"],
        harmless: &["iptables -L"],
    },
    Rule {
        id: "traces",
        level: High,
        reason: Text { en: "removes traces of what happened", zh: "清除操作痕迹" },
        patterns: &["history -c|-w|-d", "journalctl --vacuum-time|--vacuum-size|--vacuum-files|--rotate", "wevtutil cl", "touch -r|-t|-d|--reference ~/*", "chattr", "lastlog -C|--clear", "dmesg -C|-c|--clear", "unset ~histfile|history", "export|set|declare ~histfile=|histfile=/dev/null|histsize=0|histfilesize=0|+o", "auditctl -D", "logrotate -f", "utmpdump -r", "faillock --reset"],
        examples: &["history -c", "journalctl --vacuum-time=1s"],
        harmless: &["history", "journalctl -u x"],
    },
    Rule {
        id: "kernel",
        level: High,
        reason: Text { en: "changes the kernel or how it runs", zh: "修改内核或其运行方式" },
        patterns: &["insmod|rmmod|kexec|depmod|bpftool|grub-install|update-grub|efibootmgr|bcdedit|nvram", "modprobe !-n|--show-depends|-c", "sysctl -w|-p|--write|--system|-a !-n", "sysctl ~*=*", "dkms install|remove", "update-initramfs", "mount !-l|--help|-V", "umount", "swapon", "losetup -d|-D|-f", "pivot_root", "hostnamectl set-hostname", "timedatectl set-*", "date -s|--set", "hwclock -w|--systohc", "ip link|addr|route|rule|address add|del|set|flush|delete|change|replace", "ifconfig up|down", "route add|del", "tc qdisc add|del", "resolvectl dns", "networksetup", "scutil --set", "update-alternatives --install|--set", "ldconfig", "debugfs -w"],
        examples: &["insmod x.ko", "sysctl -w a=1", "mount /dev/sda1 /mnt"],
        harmless: &["sysctl -n kernel.x", "ip addr", "mount -l"],
    },
    Rule {
        id: "services",
        level: Medium,
        reason: Text { en: "starts, stops or changes a service", zh: "启动、停止或修改服务" },
        patterns: &["systemctl stop|start|restart|disable|mask|reload|kill|daemon-reload", "service * stop|start|restart|reload", "supervisorctl stop|restart", "brew services", "pm2 stop|delete|kill|restart", "initctl", "rc-service", "nginx -s", "launchctl unload|bootout|remove|kickstart"],
        examples: &["systemctl restart nginx"],
        harmless: &["systemctl status nginx"],
    },
    Rule {
        id: "search-path",
        level: High,
        reason: Text { en: "has another program or library take the place of a trusted one", zh: "用其他程序或库替换可信程序" },
        patterns: &[],
        examples: &["PATH=/tmp:$PATH ls", "LD_PRELOAD=/tmp/x.so ls"],
        harmless: &["PATH=$PATH:/opt/bin ls", "RUST_LOG=debug cargo run"],
    },
    Rule {
        id: "look-alike",
        level: High,
        reason: Text { en: "uses letters that look like others, or that cannot be seen", zh: "使用形似字符或不可见字符" },
        patterns: &[],
        examples: &["rм -rf x", "r\u{200b}m x"],
        harmless: &["echo да"],
    },
    Rule {
        id: "too-long",
        level: Medium,
        reason: Text { en: "is too long to be judged", zh: "命令过长，无法判断" },
        patterns: &[],
        examples: &[],
        harmless: &["ls"],
    },
    Rule {
        id: "not-understood",
        level: Medium,
        reason: Text { en: "could not be understood wholly", zh: "命令无法完全解析" },
        patterns: &[],
        examples: &["echo 'a"],
        harmless: &["echo a"],
    },
    Rule {
        id: "unknown-program",
        level: Medium,
        reason: Text { en: "runs a program that is known only when it runs", zh: "运行的程序在运行时才确定" },
        patterns: &[],
        examples: &["$x a"],
        harmless: &["ls a"],
    },
    Rule {
        id: "debug",
        level: High,
        reason: Text { en: "looks into or changes another running program", zh: "读取或修改其他正在运行的程序" },
        patterns: &["gdb|lldb|strace|ltrace -p|--pid|--attach-pid", "ptrace"],
        examples: &["gdb -p 1"],
        harmless: &["gdb ./a"],
    },
    Rule {
        id: "elevated",
        level: High,
        reason: Text { en: "asks to run with raised rights", zh: "请求以提升的权限运行" },
        patterns: &[],
        examples: &[],
        harmless: &["ls"],
    },
];
