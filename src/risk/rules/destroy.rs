//! What is lost for good: files, disks, machines.

use super::{Rule, Text};
use crate::risk::Level::{High, Medium};
use crate::risk::lookup::lines;

/// The rules, the graver first.
pub const RULES: &[Rule] = &[
    Rule {
        id: "delete-outside",
        level: High,
        reason: Text {
            en: "deletes outside the project and temporary folders",
            zh: "删除项目与临时目录之外的内容",
        },
        patterns: lines!(
            "remove-item|ri|del|erase|rd|clear-content|clear-item ~?:|?:*|*:userprofile*|*:systemroot*|*:windir*|*:programfiles*|*:appdata*|%*|*users*|*$home*
             robocopy ~/mir|/purge
             trash-empty
             gio trash --empty
             osascript ~*empty*trash*|*delete*every*
             docker|podman run|exec ~rm ~/host*|/mnt*|/rootfs*
             7z|7za|7zr|7zz|rar|arj|zoo a|m|u ~-sdel|-df|-dw ~/*|~~/*
             zip|jar ~-m|-rm|-mr|--move|-mrq|-rmq|-mqr ~/home*|/srv*|/var*|/etc*|/opt*|~~/*|/root*|/usr*
             gzip|bzip2|xz|zstd|lzma|lz4|pigz|pbzip2|lzop|compress -r|--recursive|~--rm ~/|/etc*|/home*|/srv*|/var*
               |/usr*|/opt*|~~|~~/*|/root* !-c|--stdout|-k|--keep|-l|-t"
        ),
        examples: lines!(
            "rm -rf /
             rm -rf ~/Documents
             find /var -delete
             cd / && rm -rf *"
        ),
        harmless: lines!(
            "rm -rf target
             rm -rf /tmp/x
             rm --help"
        ),
    },
    Rule {
        id: "delete-project",
        level: Medium,
        reason: Text { en: "deletes a folder of the project", zh: "删除项目中的目录" },
        patterns: "",
        examples: lines!(
            "rm -rf src
             rm -rf ."
        ),
        harmless: "rm -rf dist",
    },
    Rule {
        id: "delete-unknown",
        level: Medium,
        reason: Text {
            en: "deletes what is known only when it runs", zh: "删除的目标在运行时才确定"
        },
        patterns: "",
        examples: r#"rm -rf "$dir""#,
        harmless: "rm -rf build",
    },
    Rule {
        id: "overwrite-system",
        level: High,
        reason: Text { en: "overwrites or changes files of the system", zh: "覆盖或修改系统文件" },
        patterns: "",
        examples: lines!(
            "echo x > /etc/passwd
             cp a /usr/bin/ls
             mv /etc/passwd /tmp/"
        ),
        harmless: lines!(
            "cp a b
             echo x > /tmp/a"
        ),
    },
    Rule {
        id: "overwrite-device",
        level: High,
        reason: Text { en: "writes to a disk or to memory", zh: "直接写入磁盘或内存设备" },
        patterns: "",
        examples: lines!(
            "dd if=/dev/zero of=/dev/sda
             cat x > /dev/nvme0n1"
        ),
        harmless: "echo x > /dev/null",
    },
    Rule {
        id: "write-outside",
        level: Medium,
        reason: Text { en: "writes outside the project", zh: "写入项目之外的位置" },
        patterns: "",
        examples: "cp a /data/b",
        harmless: "cp a b",
    },
    Rule {
        id: "disk",
        level: High,
        reason: Text { en: "formats, partitions or erases a disk", zh: "格式化、分区或擦除磁盘" },
        patterns: lines!(
            "mkfs|mkfs.*|newfs|newfs_*|xfs_repair|btrfsck|mke2fs|mkswap|wipefs|blkdiscard|sgdisk|sfdisk|parted|cfdisk
               |gdisk|cryptsetup|lvremove|vgremove|pvremove|hdparm|mkntfs|mkdosfs|nwipe|dban|scrub|badblocks|e2image
               |debugfs|tune2fs|resize2fs|partx|fstrim|lvreduce|zerofree|sg_format|ddrescue !-l|--list|--version
               |--help|-I|-i|-p|--print|-V|print|status|luksdump|islu*|~*.img|~*.iso|~*.qcow2|~*.raw|~*.vhd
             fdisk !-l|--list|--version|--help|-x
             zpool destroy|labelclear|offline|detach|create|export|split|remove
             zfs destroy|rollback
             btrfs subvolume|device delete|remove
             diskutil erasedisk|erasevolume|partitiondisk|reformat|zerodisk|randomdisk|secureerase|apfs
             mdadm --zero-superblock|--stop|--remove|--fail|--create|--grow|-S|-f|-r
             nvme format|sanitize|delete-ns
             smartctl -t ~*secure*
             format ~c:*|/*
             fsck|fsck.*|e2fsck -y|-f|-p
             crypt|ccencrypt|ccrypt -e|~/*
             format|format.com ~?:|?:*
             cipher ~/w:*
             diskpart|format-volume|clear-disk|initialize-disk|remove-partition|vgreduce|vgcfgrestore|pvmove
               |sg_sanitize|sg_unmap|flash_erase|flash_eraseall|nandwrite|ubiformat|fw_setenv
             diskutil unmountdisk force|deletevolume|deletecontainer
             gpart destroy|delete|create|bootcode|recover|undo
             geli kill|init|delkey|clear
             ntfsfix|zerofree|partimage|ddrescue|dd_rescue|safecopy ~/dev/*
             bcachefs|mkfs.bcachefs format|~/dev/*
             fscrypt|fscryptctl|e4crypt purge|encrypt|remove_key|destroy
             drbdadm|drbdsetup wipe-md|create-md|invalidate|invalidate-remote|down|disconnect|detach|secondary|new-current-uuid
             ceph-volume|ceph-bluestore-tool|ceph-objectstore-tool zap|prepare|~--op=remove|remove
             megacli|megacli64|perccli|perccli64|storcli|storcli64 ~-cfglddel|-cfgforeign|delete|del|init|erase|-ldinit|start|-pdclear|-cfgclr*|foreign
             ssacli|hpssacli|hpacucli|arcconf|mdadm|tw_cli ~delete|uninit|erase*|deletearray|drop|remove|--zero-superblock|clear
             multipath -F|-W|-w
             iscsiadm -o|--op -u|--logout|delete|~delete
             targetcli ~clearconfig|delete|/*
             vdo|lvm|stratis|stratisd|lvconvert --merge|--uncache|remove|destroy|pool|filesystem|lvremove|vgremove
               |pvremove ~remove|destroy|lvremove|vgremove|pvremove|--merge|--uncache
             multipathd|dmraid|cryptsetup-reencrypt|veritysetup|integritysetup -r|-x|format|luksformat|erase|reencrypt|del
             qemu-img|qemu-nbd|raw2nbd -c|convert|dd|resize|commit ~/dev/sd*|/dev/nvme*|/dev/vd*|/dev/mapper/*|/dev/mmcblk*"
        ),
        examples: lines!(
            "mkfs.ext4 /dev/sdb1
             wipefs -a /dev/sda
             gpart destroy -F ada0
             drbdadm --force wipe-md r0"
        ),
        harmless: "fdisk -l",
    },
    Rule {
        id: "shred",
        level: High,
        reason: Text { en: "erases files beyond recovery", zh: "彻底擦除文件，无法恢复" },
        patterns: lines!(
            "shred|srm|sdelete|wipe|scrub -u|-z|-n|--remove|-f|-r|-v|-R ~~*|*/* !~/tmp/*
             sdelete64|eraser"
        ),
        examples: "shred -u /var/log/x",
        harmless: "shred --help",
    },
    Rule {
        id: "encrypt-files",
        level: High,
        reason: Text {
            en: "encrypts or hides files so that their owner loses them",
            zh: "加密或隐藏文件，使所有者无法访问",
        },
        patterns: lines!(
            "openssl enc ~/home*|/var/*|/etc*|/srv*|~~/*
             gpg|gpg2|age|7z|zip|ccrypt|rar -c|--symmetric|-e|-P|--encrypt|~-p* ~/home*|/var/*|/etc*|/srv*|~~/*
             find ~/|~~*|/home*|/var*|/srv*|/etc* -exec ~openssl|gpg|ccrypt|7z|gpg2|zip|age
             manage-bde -on|-lock
             zip -P|--password|-e|--encrypt ~~~/|/srv*|/var*|/home*
             gocryptfs|ecryptfs-migrate-home
             find ~. -exec ~openssl|ccrypt|gpg ~enc|-e|-c|--symmetric"
        ),
        examples: r#"find /home -type f -exec gpg --batch -c {} \;"#,
        harmless: "gpg -c notes.txt",
    },
    Rule {
        id: "fork-bomb",
        level: High,
        reason: Text { en: "starts processes without end", zh: "无限创建进程" },
        patterns: "",
        examples: lines!(
            ":(){ :|:& };:
             bomb() { bomb | bomb & }; bomb
             perl -e 'fork while fork'"
        ),
        harmless: "f() { ls; }; f",
    },
    Rule {
        id: "halt",
        level: High,
        reason: Text { en: "stops or restarts the machine", zh: "关闭或重启机器" },
        patterns: lines!(
            "shutdown|reboot|halt|poweroff !--help|-c|--version|--show
             init|telinit 0|6|1|s
             systemctl start|set-default reboot.target|poweroff.target|halt.target|rescue.target|emergency.target|kexec.target|shutdown.target
             systemctl reboot|poweroff|halt|kexec|rescue|emergency|isolate|suspend|hibernate|soft-reboot|exit
             loginctl reboot|poweroff|terminate-user|kill-user|terminate-session|kill-session
             rtcwake|pm-suspend|pm-hibernate|stop-computer|restart-computer
             busctl|dbus-send|gdbus ~*poweroff*|*reboot*
             osascript ~*shut␣down*|*to␣restart*|*log␣out*
             rundll32 ~*setsuspendstate*
             openrc-shutdown|openrc-init|runit-init|s6-linux-init-hpr|s6-svscanctl|shepherd|dinitctl|halt.sh ~-p|-r|-h
               |0|6|shutdown|--reboot|--poweroff|--halt|now
             stress|stress-ng|stressapptest|memtester|sysbench|cpuburn|mprime|y-cruncher|burnp6 !--version|--help
             ansible|ansible-playbook|clush|pdsh|pssh|salt|knife|fab|bolt|mco|dsh ~reboot|shutdown|poweroff
               |*system.reboot*|*system.shutdown*|*system.poweroff*|*system.halt*|*sudo␣reboot*|*shutdown␣*
             ipmitool|racadm|redfishtool|ilorest|bmc-*|ipmipower|ipmiconfig|hponcfg ~power|chassis|serveraction
               |systems|reboot|--off|--cycle|--reset|mc|user|sel|raw|racreset|reset !~status|get|list|show|info
             stonith_admin|crm|pcs|crm_node|crm_attribute|corosync-cmapctl|fence_*|cibadmin ~-f|--fence|-b|--reboot
               |standby|cluster|node|resource|-d|--erase|-e|-r|--off|-o !~status|show|list|config
             stonith_admin|fence_*|cibadmin ~-f|--fence|-b|--erase|-e|*off*|*reboot*
             dd ~if=/dev/zero|if=/dev/urandom|if=/dev/random ~of=* !~count=*|of=/dev/null|of=-|of=/dev/stdout
             fallocate -l|--length ~[0-9]*t|[0-9]*tb|[0-9]*tib
             tail|cat|sort|head|xxd|base64|wc|tac ~/dev/zero|/dev/full
             virsh|govc|vim-cmd ~shutdown|reset|vmsvc/power.off|vm.power"
        ),
        examples: lines!(
            "reboot
             shutdown -h now
             stress-ng --vm 8 --timeout 0"
        ),
        harmless: lines!(
            "systemctl status x
             shutdown -c"
        ),
    },
    Rule {
        id: "kill-all",
        level: High,
        reason: Text {
            en: "ends processes that are not its own", zh: "结束大量不属于自己的进程"
        },
        patterns: lines!(
            "kill ~-1 -9|-KILL|-s|-SIGKILL|-TERM|-15|-SIGTERM
             kill -- -1
             killall5
             pkill|killall -u|--user|-U|-v|--inverse|~systemd|~init|~sshd|~dockerd|~containerd|~rsyslogd|~auditd
               |~falco|~kubelet|~systemd-journald|~osqueryd|~clamd|~.*|~falcon-sensor|~wazuh-agentd|~auditbeat
               |~filebeat|~splunkd
             kill 1
             kill ~systemd*|rsyslogd*|auditd*|falco*|sshd*|dockerd*|containerd*|kubelet*|cron*|init*|osqueryd*|syslog*
               |clamd*|wazuh*|fail2ban*|ssh-agent*|dbus*|journald*
             skill|slay -KILL|-9
             fuser -k ~/|/home|/var*|/usr*|/etc*
             taskkill ~*
             systemctl kill user.slice|system.slice|init.scope|user@*
             launchctl|initctl|esxcli kill|reboot|vm ~system/*|userspace|*process*
             geli|kill ~-9|-kill|-s ~-1|1|--1"
        ),
        examples: "kill -9 -1",
        harmless: "kill 4711",
    },
    Rule {
        id: "kill",
        level: Medium,
        reason: Text { en: "ends processes", zh: "结束进程" },
        patterns: lines!(
            "kill|pkill|killall|skill|xkill !-l|-0
             fuser -k
             npx kill-port"
        ),
        examples: "kill -9 4711",
        harmless: "kill -l",
    },
];
