//! Who gains rights.

use super::{Rule, Text};
use crate::risk::Level::{High, Medium};
use crate::risk::lookup::{Names, lines, list};

/// Options with which `sudo` only tells something.
pub const SUDO_QUERIES: Names =
    list!("-l -ll -v -k -K -V -n -S -h --version --list --help --validate --non-interactive");

/// Programs that are routinely run by the administrator; what they do is judged by itself.
const ROUTINE: Names = list!(
    "apt apt-get aptitude dnf yum apk pacman brew zypper snap flatpak systemctl service docker
     docker-compose podman ls cat less more head tail grep zgrep egrep du df lsof ss netstat journalctl
     dmesg ps nginx npm pip pip3 make gem port softwareupdate mkdir certbot stat lsblk blkid whoami id ip
     iptables ip6tables fdisk parted kill killall pkill echo apachectl apache2ctl supervisorctl cp mv ln
     touch apt-cache updatedb ldconfig htop top iotop iftop tcpdump test true date wc file timedatectl
     hostnamectl localectl update-alternatives dpkg rpm apt-file apt-mark add-apt-repository
     dpkg-reconfigure needrestart lshw lspci lsusb dmidecode smartctl nmap ufw firewall-cmd locale-gen
     a2ensite a2enmod a2dissite crictl ctr microk8s k3s minikube kubectl helm snapper vnstat nethogs fuser
     rabbitmqctl logrotate npx yarn pnpm n corepack conda update-ca-certificates update-ca-trust
     xcode-select purge dscacheutil killall5 powermetrics sysctl launchctl ethtool iwconfig nmcli netplan
     resolvectl find tree realpath which install unattended-upgrade modinfo lsmod hwclock swapon strings
     md5sum sha256sum diff chmod chown tee rsync tar unzip rmdir setfacl getfacl journald fail2ban-client
     virsh smbstatus pvs vgs lvs zpool zfs usermod gpg wget curl psql mysql"
);

/// Whether it is routine to run this as the administrator: a program that is, on what is not the system's heart.
#[must_use]
pub fn is_routine(program: &str, args: &[&str]) -> bool {
    let is_bare =
        args.is_empty() || args.iter().all(|arg| matches!(*arg, "-h" | "--help" | "--version" | "-V"));
    // A shell among its words may well be what it is run for.
    let names_shell = |arg: &&str| {
        ["/bin/sh", "/bin/bash", "/bin/zsh", "/bin/dash"].iter().any(|shell| arg.contains(shell))
    };
    if !list!("docker podman kubectl crictl ctr usermod ls cat ln dpkg rpm").contains(program)
        && args.iter().any(names_shell)
    {
        return false;
    }
    match program {
        // What a folder of anybody's has set up runs then, and all that there is may be what goes.
        "pip" | "pip3" => !args.iter().any(|arg| {
            arg.starts_with("/tmp/")
                || args.contains(&"uninstall") && (!arg.is_ascii() || arg.starts_with("/dev/fd"))
        }),
        "find" => !args.iter().any(|arg| {
            matches!(*arg, "-exec" | "-execdir" | "-delete" | "-ok" | "-fls" | "-fprintf" | "-fprint")
        }),
        // With the group of docker one is root, but that is how docker is set up.
        "usermod" => args.contains(&"docker"),
        "gpg" => args.contains(&"--dearmor"),
        "chmod" => !args.iter().any(|arg| {
            arg.contains('s')
                || arg.contains("777")
                || arg.len() == 4 && arg.starts_with(['2', '4', '6'])
                || matches!(*arg, "-R" | "--recursive")
        }),
        "chown" => args.iter().any(|arg| {
            arg.contains("USER")
                || arg.contains(|c: char| !c.is_ascii())
                || arg.contains("whoami")
                || *arg == "1"
                || arg.starts_with("1:")
                || arg.contains("www-data")
        }),
        "tar" => !args
            .iter()
            .any(|arg| arg.starts_with("--checkpoint") || arg.starts_with("--to-command") || *arg == "-I"),
        "make" => {
            let elsewhere = |arg: &&str| arg.starts_with(['/', '~']) || arg.contains("..");
            (args.contains(&"install") || args.contains(&"uninstall"))
                && !args.iter().skip_while(|arg| !matches!(**arg, "-C" | "-f")).any(elsewhere)
        }
        // Its pager takes commands.
        "apt-get" | "apt" => !args.contains(&"changelog"),
        // Writes its state where it is told.
        "logrotate" => !args.iter().any(|arg| arg.starts_with("-l") || arg.starts_with("-s")),
        "docker" | "podman" | "ip" | "mysql" | "psql" | "tcpdump" => {
            !args.iter().any(|arg| matches!(*arg, "netns" | "--privileged" | "-z"))
        }
        program => ROUTINE.contains(program) || is_bare && !program.is_empty() && program.ends_with("ctl"),
    }
}

/// The rules, the graver first.
pub const RULES: &[Rule] = &[
    Rule {
        id: "sudo",
        level: High,
        reason: Text { en: "runs with the rights of the administrator", zh: "以管理员权限运行" },
        patterns: lines!(
            "sudoedit !-l|-v|-k|-K|-V|--list|--version|--help|-ll
             gsudo|nsudo|psexec|psexec64"
        ),
        examples: lines!(
            "sudo rm -rf x
             sudo -i
             sudo bash
             doas sh
             sudo make -C /srv/boot install
             sudo apt-get changelog apt
             sudo logrotate -l /etc/bash_completion.d/x /dev/null"
        ),
        harmless: lines!(
            "sudo -l
             sudo make install
             sudo apt-get install -y jq"
        ),
    },
    Rule {
        id: "sudo-routine",
        level: Medium,
        reason: Text {
            en: "does something routine with the rights of the administrator",
            zh: "以管理员权限执行常规操作",
        },
        patterns: "",
        examples: lines!(
            "sudo apt-get install -y jq
             sudo -u postgres psql -l"
        ),
        harmless: "apt-get --version",
    },
    Rule {
        id: "su",
        level: High,
        reason: Text { en: "becomes another user", zh: "切换为其他用户" },
        // sg is also the name of ast-grep.
        patterns: lines!(
            "su|ksu !--help|--version|-h
             machinectl shell|login
             systemd-run ~--uid=0|--uid=root
             systemd-run --uid ~0|root
             systemd-run -t|--pty|-S|--shell !--user
             login -f
             newgrp !docker
             sg !docker|run|scan|test|new|lsp|-p|--pattern
             pfsh|pfbash|pfksh"
        ),
        examples: lines!(
            "su -
             su root
             pfexec bash"
        ),
        harmless: "",
    },
    Rule {
        id: "setuid",
        level: High,
        reason: Text {
            en: "lets a program run with the rights of its owner", zh: "让程序以属主权限运行"
        },
        patterns: lines!(
            "chmod ~u+s|u=*s*|g+s|+s|u+xs|u+sx|u+rxs|4???|2???|6???|04???|06???|02???|a+s|+xs|+sx|*,u+s|*,g+s|u+s,*|g+s,*|=4???|+4000|+2000|+6000|ug+s*
             install -m|--mode ~4???|--mode=4???|-m4???|[4267][0-7][0-7][0-7]|0[4267][0-7][0-7][0-7]|*+s*|u=*s*
               |-m[4267][0-7][0-7][0-7]|--mode=[4267][0-7][0-7][0-7]|--mode=*s*
             setcap !-v|-h
             chmod --reference ~*/bin/su|*/bin/sudo|*/passwd|--reference=*/su
             setfacl -m ~u:*:rw*|o::rw*|other:*w* ~/etc*|/root*|/usr*|/home|/var"
        ),
        examples: lines!(
            "chmod u+s /bin/bash
             chmod 4755 x"
        ),
        harmless: lines!(
            "chmod 755 x
             chmod +x x"
        ),
    },
    Rule {
        id: "open-permissions",
        level: High,
        reason: Text {
            en: "opens files of the system to everybody", zh: "向所有人开放系统文件的权限"
        },
        patterns: lines!(
            "chmod -R|--recursive ~777|0777|a+rwx|o+w|go+w|o+rwx|go+rwx|a+w|ugo+w|+w|666|ugo+rwx|a=rwx|000|-rwx|a-rwx
               |0000 ~~|~~/|/etc*|/usr*|/var*|/home*|/root*|/opt*|/srv*|/bin*|/lib*|/boot*
             chmod ~666|777|o+w|a+w|o+rw|a+rw|0666 ~*docker.sock|*containerd.sock|/etc/*|/dev/sd*
             chown|chgrp -R|--recursive ~/*
             icacls|cacls ~?:|?:*|*everyone*
             takeown ~/f
             chmod ~000|0000|a-rwx|-x|a-x|-rwx ~/bin/*|/usr/*|/etc*|/lib*|/sbin/*|/home|/
             chmod -R|--recursive ~/|/etc|/usr|/bin|/sbin|/lib|/boot|/root|/var|/home
             setfacl ~-b|-k|--remove-all|--remove-default|-rb|-br|-rbk ~/|/etc*|/usr*|/var*|/home*|/srv*|/opt*|/bin*|/lib*|~~*
             restorecon|setfiles -R|-r|-F|restore|relabel|onboot ~/|/etc*|/usr*|/var*|/home*|onboot|relabel|restore
             chmod|chown|chgrp --reference|~--reference=* ~/etc/*|/usr/*|/bin/*"
        ),
        examples: lines!(
            "chmod -R 777 /
             setfacl -R -b -k /etc"
        ),
        harmless: lines!(
            "chmod 755 a
             chmod -R 777 storage"
        ),
    },
    Rule {
        id: "users",
        level: High,
        reason: Text { en: "changes users, groups or passwords", zh: "修改用户、用户组或密码" },
        patterns: lines!(
            "useradd|adduser|usermod|userdel|deluser|groupadd|groupmod|groupdel|addgroup|delgroup|gpasswd|chpasswd
               |chgpasswd|newusers|vipw|vigr|visudo|chage|chsh|chfn|sysadminctl|dseditgroup|dsenableroot|pwpolicy
               |pwconv|pwunconv|grpconv|smbpasswd|htdigest|kpasswd|ldapmodify|ldapadd|ldappasswd|authconfig
               |pam-auth-update !--help|--version|-c|-S|--status|-l
             ansible -m|--module-name ~user|group|authorized_key|*.user|*.authorized_key
             dscl ~-create|-append|-delete|-passwd|-change|create|append|delete|passwd
             dbus-send|busctl|gdbus ~*createuser*|*setpassword*|*deleteuser*|*setaccounttype*
             passwd !--help|--version|-S|--status
             homectl|userdbctl create|remove|passwd|update
             realm join|leave
             authselect select|apply-changes|create-profile|enable-feature|disable-feature
             net ~user|localgroup ~/add|/delete|/active:*
             new-localuser|add-localgroupmember|set-localuser|remove-localuser|enable-localuser|lpasswd|luseradd|lusermod|lgroupadd
             ipa user-add|user-del|group-add-member|passwd|sudorule-add*|hbacrule*|user-mod|role-add*
             pw useradd|usermod|userdel|groupadd|groupmod
             pam_tally2 --reset
             net rpc|ads|sam|groupmap|user|group user|group|rights|password|addmem|delmem|add|delete|grant
               |renamed ~add|addmem|delete|delmem|grant|password|create
             dsmod|dsadd ~-f|-x|*cn=*|*ou=*|*uid=*
             ipa|ipa-* ~*-del|*-add-member|*-mod|*-disable|*passwd*|*-add ~*-del|*-add-member|*-mod|*-disable|passwd
             sqlplus|sqlcl|psql|mysql|mariadb|sqlcmd|mongosh|mongo|clickhouse-client|cqlsh
               |cockroach ~*disable␣row␣level␣security*|*drop␣policy*|*disable␣trigger*|*delete␣from␣audit*
               |*grant␣dba*|*grant␣all*|*superuser*|*with␣grant␣option*|*sysadmin*|*create␣user*identified*
               |*alter␣user*identified*|*grant␣role*|*sp_addsrvrolemember*|*alter␣server␣role*|*set␣password*
               |*alter␣user*password*
             wp user create|set-role|add-role|update|reset-password|add-cap ~--role=administrator|administrator|--user_pass=*|*@*
             wp plugin|theme install ~http:*|https:*
             java|jenkins-cli|groovy ~*jenkins-cli*|groovy|groovysh|create-user|create-job|*security-realm* ~groovy
               |groovysh|create-user-by-xml|create-credentials-by-xml|get-credentials-as-xml|delete-*|safe-restart
               |restart|shutdown|quiet-down
             jenkins-cli groovy|groovysh|delete-job|delete-node|shutdown|restart|create-credentials-by-xml|get-credentials-as-xml
             dscl ~. ~-merge"
        ),
        examples: lines!(
            "useradd -m bob
             passwd root
             net rpc group addmem 'Domain Admins' bob -U a -S dc"
        ),
        harmless: lines!(
            "groups
             passwd -S"
        ),
    },
    Rule {
        id: "namespace",
        level: High,
        reason: Text {
            en: "enters the machine from inside, or leaves its confinement",
            zh: "进入主机命名空间或脱离隔离环境",
        },
        patterns: lines!(
            "nsenter|chroot !--help|--version
             unshare -t|--target|-r|-U|--map-root-user|--gid|-Ur|-rm
             capsh !--print|--help
             setpriv --reuid|--inh-caps|--ambient-caps
             systemd-nspawn|ptrace|aa-exec|runcon"
        ),
        examples: lines!(
            "nsenter -t 1 -m sh
             chroot /host sh"
        ),
        harmless: "",
    },
    Rule {
        id: "exploit",
        level: High,
        reason: Text {
            en: "looks for or uses a weakness to gain rights", zh: "寻找或利用漏洞提升权限"
        },
        patterns: lines!(
            r#"linpeas*|linenum*|les.sh|linux-exploit-suggester*|lse.sh|pspy*|dirtycow|dirty_cow|pwnkit|dirtypipe
                 |unix-privesc-check|beroot|traitor|gtfonow|deepce.sh|amicontained|peirates|botb !--version
               find / -perm ~-4000|/4000|-u=s|/u=s|-6000|+4000|/6000|-04000|-2000|/2000|-u+s|-g=s|/g=s|-4755|-o=w
               getcap -r ~/
               find ~/|/usr*|/bin*|/etc*|/var*|/home* -perm ~-4000|/4000|-u=s|/u=s|-6000|/6000|-2000|-g=s|/u+s|/g+s|-0002|-222|-002|-o+w|-o=w|/o+w|-u+s|-2|+6000
               find ~/|/etc*|/usr*|/var* -writable
               winpeas*|seatbelt*|powerup*|sharpup*|juicypotato*|printspoofer*|godpotato*|sharphound*|certipy*
                 |kubeletctl|kube-hunter|suid3num*|sudo_killer*|pacu|msfdb|msfrpcd|cdk-team*
               searchsploit -m|--mirror
               sudoedit -s ~*\\*
               osascript ~*do␣script*|*keystroke*␣return*|*with␣administrator␣privileges*"#
        ),
        examples: "find / -perm -4000 -type f",
        harmless: "find . -perm 644",
    },
];
