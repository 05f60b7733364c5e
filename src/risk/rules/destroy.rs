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
            "mkfs|mkfs.*|mke2fs|mkswap|wipefs|blkdiscard|sgdisk|sfdisk|parted|cfdisk|cryptsetup|lvremove|vgremove|pvremove|hdparm !-l|--list|--version|--help",
            "fdisk !-l|--list",
            "zpool destroy",
            "zfs destroy",
            "btrfs subvolume delete",
            "diskutil eraseDisk|erasedisk|erasevolume|partitiondisk|reformat",
            "mdadm --zero-superblock|--stop",
            "nvme format",
        ],
        examples: &["mkfs.ext4 /dev/sdb1", "wipefs -a /dev/sda"],
        harmless: &["fdisk -l"],
    },
    Rule {
        id: "shred",
        level: High,
        reason: Text { en: "erases files beyond recovery", zh: "彻底擦除文件，无法恢复" },
        patterns: &["shred|srm|sdelete|wipe -u|-z|-n|--remove ~/*|~~*"],
        examples: &["shred -u /var/log/x"],
        harmless: &["shred --help"],
    },
    Rule {
        id: "fork-bomb",
        level: High,
        reason: Text { en: "starts processes without end", zh: "无限创建进程" },
        patterns: &[],
        examples: &[":(){ :|:& };:"],
        harmless: &["f() { ls; }; f"],
    },
    Rule {
        id: "halt",
        level: High,
        reason: Text { en: "stops or restarts the machine", zh: "关闭或重启机器" },
        patterns: &[
            "shutdown|reboot|halt|poweroff !--help",
            "init|telinit 0|6",
            "systemctl reboot|poweroff|halt|kexec|rescue|emergency|isolate",
        ],
        examples: &["reboot", "shutdown -h now"],
        harmless: &["systemctl status x"],
    },
    Rule {
        id: "kill-all",
        level: High,
        reason: Text {
            en: "ends processes that are not its own", zh: "结束大量不属于自己的进程"
        },
        patterns: &[
            "kill -- -1",
            "kill ~-1 -9|-KILL|-s|-SIGKILL",
            "killall5",
            "pkill|killall -u|--user",
            "kill 1",
        ],
        examples: &["kill -9 -1"],
        harmless: &["kill 4711"],
    },
    Rule {
        id: "kill",
        level: Medium,
        reason: Text { en: "ends processes", zh: "结束进程" },
        patterns: &["kill|pkill|killall|skill|xkill !-l|-0"],
        examples: &["kill -9 4711"],
        harmless: &["kill -l"],
    },
];
