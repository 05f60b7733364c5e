//! What is lost for good: files, disks, machines.

use super::{Rule, Text};
use crate::risk::Level::{High, Medium};

/// The rules, the graver first.
pub const RULES: &[Rule] = &[
    Rule {
        id: "delete-outside",
        level: High,
        reason: Text {
            en: "deletes outside the project and temporary folders",
            zh: "删除项目与临时目录之外的内容",
        },
        patterns: &[],
        examples: &["rm -rf /", "rm -rf ~/Documents", "find /var -delete", "cd / && rm -rf *"],
        harmless: &["rm -rf target", "rm -rf /tmp/x", "rm --help"],
    },
    Rule {
        id: "delete-project",
        level: Medium,
        reason: Text { en: "deletes a folder of the project", zh: "删除项目中的目录" },
        patterns: &[],
        examples: &["rm -rf src", "rm -rf ."],
        harmless: &["rm -rf dist"],
    },
    Rule {
        id: "delete-unknown",
        level: Medium,
        reason: Text {
            en: "deletes what is known only when it runs", zh: "删除的目标在运行时才确定"
        },
        patterns: &[],
        examples: &["rm -rf \"$dir\""],
        harmless: &["rm -rf build"],
    },
    Rule {
        id: "overwrite-system",
        level: High,
        reason: Text { en: "overwrites or changes files of the system", zh: "覆盖或修改系统文件" },
        patterns: &[],
        examples: &["echo x > /etc/passwd", "cp a /usr/bin/ls", "mv /etc/passwd /tmp/"],
        harmless: &["cp a b", "echo x > /tmp/a"],
    },
    Rule {
        id: "overwrite-device",
        level: High,
        reason: Text { en: "writes to a disk or to memory", zh: "直接写入磁盘或内存设备" },
        patterns: &[],
        examples: &["dd if=/dev/zero of=/dev/sda", "cat x > /dev/nvme0n1"],
        harmless: &["echo x > /dev/null"],
    },
    Rule {
        id: "write-outside",
        level: Medium,
        reason: Text { en: "writes outside the project", zh: "写入项目之外的位置" },
        patterns: &[],
        examples: &["cp a /data/b"],
        harmless: &["cp a b"],
    },
    Rule {
        id: "disk",
        level: High,
        reason: Text { en: "formats, partitions or erases a disk", zh: "格式化、分区或擦除磁盘" },
        patterns: &[
            "mkfs|mkfs.*|newfs|newfs_*|xfs_repair|btrfsck|mke2fs|mkswap|wipefs|blkdiscard|sgdisk|sfdisk|parted|cfdisk|gdisk|cryptsetup|lvremove|vgremove|pvremove|hdparm|mkntfs|mkdosfs|nwipe|dban|scrub|badblocks|e2image|debugfs|tune2fs|resize2fs|partx|dmsetup|fstrim|lvreduce|zerofree|sg_format|ddrescue !-l|--list|--version|--help|-I|-i|-p|print|--print|status|luksdump|islu*|-V|~*.img|~*.iso|~*.qcow2|~*.raw|~*.vhd",
            "fdisk !-l|--list|--version|--help|-x",
            "zpool destroy|labelclear|offline|detach",
            "zfs destroy|rollback",
            "btrfs subvolume|device delete|remove",
            "diskutil erasedisk|erasevolume|partitiondisk|reformat|zerodisk|randomdisk|secureerase|apfs",
            "mdadm --zero-superblock|--stop|--remove|--fail",
            "nvme format|sanitize|delete-ns",
            "smartctl -t ~*secure*",
            "format|diskpart ~c:*|/*",
            "losetup -d|-D",
            "fsck|fsck.*|e2fsck -y|-f|-p",
            "crypt|ccencrypt|ccrypt -e|~/*",
        ],
        examples: &["mkfs.ext4 /dev/sdb1", "wipefs -a /dev/sda"],
        harmless: &["fdisk -l"],
    },
    Rule {
        id: "shred",
        level: High,
        reason: Text { en: "erases files beyond recovery", zh: "彻底擦除文件，无法恢复" },
        patterns: &[
            "shred|srm|sdelete|wipe|scrub -u|-z|-n|--remove|-f|-r|-v|-R ~/*|~~*|*/*",
            "shred|srm|wipe ~/*|~~*",
        ],
        examples: &["shred -u /var/log/x"],
        harmless: &["shred --help"],
    },
    Rule {
        id: "encrypt-files",
        level: High,
        reason: Text {
            en: "encrypts or hides files so that their owner loses them",
            zh: "加密或隐藏文件，使所有者无法访问",
        },
        patterns: &[
            "openssl|gpg|gpg2|age|7z|zip|ccrypt|rar enc|-c|--symmetric|-e|-p*|-P|--encrypt ~/home*|/var/*|/etc*|/srv*|~~/documents*|~~/*",
            "find ~/|~~*|/home*|/var*|/srv*|/etc* -exec ~openssl|gpg|ccrypt|7z|gpg2|zip|age",
        ],
        examples: &["find /home -type f -exec gpg --batch -c {} \\;"],
        harmless: &["gpg -c notes.txt"],
    },
    Rule {
        id: "fork-bomb",
        level: High,
        reason: Text { en: "starts processes without end", zh: "无限创建进程" },
        patterns: &[],
        examples: &[":(){ :|:& };:", "bomb() { bomb | bomb & }; bomb", "perl -e 'fork while fork'"],
        harmless: &["f() { ls; }; f"],
    },
    Rule {
        id: "halt",
        level: High,
        reason: Text { en: "stops or restarts the machine", zh: "关闭或重启机器" },
        patterns: &[
            "shutdown|reboot|halt|poweroff !--help|-c|--version|--show",
            "init|telinit 0|6|1|s",
            "systemctl start|isolate|reboot|set-default reboot.target|poweroff.target|halt.target|rescue.target|emergency.target|kexec.target|shutdown.target",
            "systemctl reboot|poweroff|halt|kexec|rescue|emergency|isolate|suspend|hibernate|soft-reboot|exit",
            "loginctl reboot|poweroff|terminate-user|kill-user|terminate-session|kill-session",
            "rtcwake|pm-suspend|pm-hibernate",
            "busctl|dbus-send|gdbus ~*poweroff*|*reboot*",
            "rfkill block",
            "ipmitool power|chassis off|cycle|reset|power",
        ],
        examples: &["reboot", "shutdown -h now"],
        harmless: &["systemctl status x", "shutdown -c"],
    },
    Rule {
        id: "kill-all",
        level: High,
        reason: Text {
            en: "ends processes that are not its own", zh: "结束大量不属于自己的进程"
        },
        patterns: &[
            "kill -- ~-1",
            "kill ~-1 -9|-KILL|-s|-SIGKILL|-TERM|-15|-SIGTERM",
            "kill -- -1",
            "killall5",
            "pkill|killall -u|--user|-U",
            "kill 1",
            "pkill|killall ~systemd|init|sshd|dockerd|containerd|rsyslogd|auditd|falco|kubelet|systemd-journald|osqueryd|clamd|.*|.|falcon-sensor|wazuh-agentd|auditbeat|filebeat|splunkd",
            "pkill|killall -9|-KILL -f|~. ~.|.*|",
            "kill ~systemd*|rsyslogd*|auditd*|falco*|sshd*|dockerd*|containerd*|kubelet*|cron*|init*|osqueryd*|syslog*|clamd*|wazuh*|fail2ban*|ssh-agent*|dbus*|journald*",
            "skill|slay -KILL|-9",
            "fuser -k ~/|/home|/var*|/usr*|/etc*",
        ],
        examples: &["kill -9 -1"],
        harmless: &["kill 4711"],
    },
    Rule {
        id: "kill",
        level: Medium,
        reason: Text { en: "ends processes", zh: "结束进程" },
        patterns: &["kill|pkill|killall|skill|xkill !-l|-0", "fuser -k", "npx kill-port"],
        examples: &["kill -9 4711"],
        harmless: &["kill -l"],
    },
];
