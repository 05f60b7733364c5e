//! The machine and its defences.

use super::{Rule, Text};
use crate::risk::Level::{High, Medium};
use crate::risk::lookup::lines;

/// The rules, the graver first.
pub const RULES: &[Rule] = &[
    Rule {
        id: "network-device",
        level: High,
        reason: Text {
            en: "resets or changes a device of the network or a plant",
            zh: "重置或更改网络或工控设备",
        },
        patterns: lines!(
            "snmpset
             write erase
             erase startup-config|nvram:|flash:
             ssh|sshpass|plink|telnet|expect|clogin|cmdset ~write␣erase*|*erase␣startup-config*|*erase␣nvram*
               |*system␣zeroize*|*reset-configuration*|*reset␣saved-configuration*|*restore␣factory*|*factory-reset*
               |*factoryreset*|*load␣factory-default*|*delete␣flash:*|*format␣flash:*|*format␣bootflash:*
               |*execute␣format*|*system-reset*|*no␣access-list*|*set␣security␣policies*permit*|firstboot*
               |mca-ctrl*reset*|reload
             curl|http|https|xh|wget ~*/services/lock/*|*/services/alarm_control_panel/*|*/services/cover/open*
               |*/services/valve/* ~post|-xpost|-d*|--data*|--json*
             hass-cli|homeassistant-cli|ha|openhab-cli|mosquitto_pub ~*unlock*|*disarm*|*open_cover*|*garage*|*/lock/*|*/alarm/*|*/door/*|*/valve/*|-r
             vtysh|birdc|birdc6|bgpctl|gobgp ~*no␣router*|*no␣neighbor*|disable*|*down|*shutdown*|del|clear|*no␣ip␣route*|*conf␣t*
             cansend|cangen|canplayer|isotpsend !--help
             ros2|rostopic|rosservice|rosparam|gz pub|call|delete|set
             asterisk|rasterisk|fs_cli|kamcmd|opensips-cli -rx|-x|~core.kill ~*stop*|*shutdown*|*restart*|*kill*|*unload*
             rcon-cli|mcrcon|rcon ~op␣*|op|stop|ban*|whitelist*|deop*|kick*
             fastboot oem|flashing|erase|flash|format|-w
             avrdude|stm32flash|esptool*|openocd|dfu-util|st-flash -e|-w|-o|-D|erase_flash|erase|~*flash␣erase*|erase_region
             mbpoll|modbus-cli|modpoll|modbus|plcscan|s7-cli|bacwp|bacrd-write|cpppo|enip_client ~-w|write|write_*|-1|*=*
             restconf|netconf-console|gnmic|gnmi_set|napalm|ncclient ~set|--edit-config*|--delete*|delete|configure|copy-config|--db=*
             tftp|atftp ~put|-p|-c␣put ~*startup*|*running-config*|*.bin"
        ),
        examples: lines!(
            "snmpset -v2c -c private 192.0.2.1 1.3.6.1.2.1.2.2.1.7.1 i 2
             ssh admin@192.0.2.2 'write erase'"
        ),
        harmless: lines!(
            "snmpwalk -v2c -c public 192.0.2.1
             ssh admin@192.0.2.2 'show version'"
        ),
    },
    Rule {
        id: "defences",
        level: High,
        reason: Text {
            en: "weakens or switches off the defences of the machine", zh: "削弱或关闭系统防护"
        },
        patterns: lines!(
            "iptables|ip6tables|iptables-legacy|iptables-nft -F|-X|-P|--flush|--policy|-D|-I|-A|--delete|--append|--insert|-Z|-R|-t
             ebtables|arptables -X|-D|-A|-I
             iptables-restore|ip6tables-restore|aa-disable|aa-teardown|aa-complain|apparmor_parser|aa-remove-unknown
               |set-mppreference|add-mppreference|remove-mppreference|set-netfirewallprofile|new-netfirewallrule
               |disable-netfirewallrule|remove-netfirewallrule|disable-windowsoptionalfeature|uninstall-windowsfeature
               |stop-service|set-service|clear-eventlog|remove-eventlog|limit-eventlog
             amtool silence add ~*=~.[+*]*
             curl|http|xh|wget ~*/api/v2/silences* ~*\".*\"*|*\".+\"*
             ipset destroy|flush|del
             nft -f|flush|delete|add|insert
             ufw disable|reset|delete|default
             ufw ~reset|disable
             ufw allow ~any
             socketfilterfw ~--setglobalstate|--setblockall ~off
             systemctl kill|stop|mask|restart systemd-*|dbus*|polkit*|init*
             firewall-cmd --remove-*|--panic-off|--add-*|--set-*|--permanent|--zone|~--remove-*|~--add-*|~--set-*|~--panic-*
             setenforce|setsebool|semanage|semodule|chcon|fixfiles !--help|-l
             systemctl|rc-service stop|disable|mask|kill auditd*|rsyslog*|firewalld*|ufw*|apparmor*|fail2ban*
               |osqueryd*|clamav*|crowdstrike*|wazuh*|syslog*|systemd-journald*|sysmon*|iptables*|nftables*|falco*
               |mdatp*|sshguard*|aide*|ossec*|auditbeat*|filebeat*|packetbeat*|elastic-agent*|splunk*|samhain*|snort*
               |suricata*|cbdaemon*|cylancesvc*|ds_agent*|sav-protect*|sentinelone*|sentinelagent*|tripwire*|selinux*
               |sysdig*|datadog*|newrelic*|aegis*|cloudmonitor*|qualys*|nessus*|unattended-upgrades*|chronyd*|ntpd*
               |crowdsec*|zabbix*|prometheus*|lacework*|aliyun*|cloudwatch*|amazon-cloudwatch*|amazon-ssm*
               |google-fluentd*|td-agent*|fluent*|vector*|logrotate*|fapolicyd*|usbguard*
             service auditd|rsyslog|firewalld|ufw|apparmor|fail2ban|iptables|falco|syslog|clamav-daemon|wazuh-agent
               |osqueryd|falcon-sensor|cbdaemon|nftables|ip6tables|ossec|aegis|syslog-ng stop|disable|off|remove|del
               |delete
             launchctl unload|bootout|disable|remove ~*falcon*|*crowdstrike*|*osquery*|*santa*|*carbon*|*mdatp*|*littlesnitch*|*blockblock*|*sentinel*
             spctl|csrutil --master-disable|--global-disable|disable
             csrutil disable|authenticated-root|netboot
             spctl --add|--remove|--disable|--enable-assessment|kext-consent|~--add*
             tccutil reset
             mdatp|falconctl|cbcloud|wazuh-control|osqueryctl|sentinelctl|twistcli|csagent !--version|--help|health|status
             fail2ban-client stop|unban|unload
             ulimit -c ~unlimited
             xhost +
             setfattr|getfattr -x|-n ~security.*
             systemctl|service stop|disable|mask sshd|ssh|crond|networking|networkmanager|systemd-networkd|dbus|systemd-logind|polkit
             apt|apt-get|yum|dnf|apk|zypper|pacman|dpkg|rpm -R|-e|--purge|-r|-P|remove|purge|erase|del auditd|rsyslog
               |ufw|firewalld|fail2ban|apparmor|clamav*|falco|osquery|wazuh*|falcon-sensor|iptables|selinux*|aide
               |libselinux*
             git config ~http.sslverify ~false
             npm config set strict-ssl false
             networksetup|scutil -setwebproxy|-setdnsservers|--dns|-setsecurewebproxy
             defaults write ~*globalstate*|*alf*|*screensaver*|*loginwindow*|*lsquarantine*
             auditctl ~never*|*,never
             trust anchor
             security add-trusted-cert|authorizationdb|remove-trusted-cert|delete-certificate|set-key-partition-list
             update-crypto-policies --set
             fips-mode-setup --disable
             keytool ~-importcert|-import|-delete ~*cacerts*
             systemctl stop|disable|mask ssh.service|sshd.service|crond.service|cron.service|cron|networkmanager*|systemd-*|polkit*|firewall*
             service|rc-service sshd|ssh|networking|cron|crond stop
             systemctl mask ssh*|docker*|network*|cron*|kubelet*|containerd*|audit*|*.target|postgres*|mysql*|nginx*
             systemctl disable --now ssh*|docker*|network*|cron*|kubelet*|containerd*|audit*
             netsh advfirewall|firewall|interface set|delete|reset|add
             set-executionpolicy ~bypass|unrestricted
             sc stop|delete|failure
             net stop
             wmic ~delete|call
             fltmc unload
             auditpol ~/clear|/set|/remove*
             mpcmdrun ~-removedefinitions*
             chkrootkit|rkhunter --propupd
             launchctl disable|unload|bootout|remove|kill ~*xprotect*|*com.apple.mrt*|*com.apple.alf*
               |*endpointsecurity*|*defender*|*sophos*|*jamf*|*syslogd*|*auditd*
             xattr -d|-dr|-rd|-cr ~*com.apple.quarantine*
             csf|shorewall|ferm|apf -x|-f|--flush|clear|stop
             wevtutil sl|clear-log
             fsutil usn deletejournal
             kubectl|oc label|annotate|patch ~*pod-security*=privileged*|*enforce=privileged*|*inject=false*
               |*istio-injection=disabled*|*unconfined*|*openshift.io/scc*
             kubectl|oc delete networkpolicies*|validatingwebhookconfiguration*|mutatingwebhookconfiguration*
               |podsecuritypolic*|psp|constrainttemplate*|clusterpolic*
             git config --global|--system ~*sslverify ~false|0
             npm|yarn|pnpm config|set ~strict-ssl=false
             pip|pip3 config set ~*trusted-host*
             conda config --set ~ssl_verify ~false
             ipfw|npfctl|ipset|arptables|ebtables|pfctl|fwcutter|ip6fw -F|-d|flush|delete|disable|stop|destroy|~flush|~-d|~disable|reload|zero|set
             rc-service|sv|rcctl|initctl|s6-rc|dinitctl|svcadm|service|invoke-rc.d|launchctl ~auditd|rsyslog*|syslog*
               |firewalld|ufw|nftables|iptables|fail2ban|apparmor|selinux*|falco*|clamav*|clamd|wazuh*|ossec*|osquery*
               |crowdsec|sshguard|aide|snort|suricata|mdatp|pf|ipfw|npf|auditbeat|filebeat|*crowdstrike* ~stop|disable
               |down|remove|del|off|force-stop|exit|kill|unload|-d|destroy|onestop|delete
             pkill|killall|kill|skill|pgrep|xkill|kill_all ~*crowdstrike*|*wazuh*|*osquery*|*sentinel*|*carbonblack*
               |*cbagent*|*defender*|*mdatp*|*sophos*|*clamd*|*clamav*|*falco*|*auditd*|*auditbeat*|*syslog*|*sysmon*
               |*suricata*|*snort*|*fail2ban*|*firewalld*|*apparmor*|*ossec*|*tripwire*|*aide*|*filebeat*|*fluentd*
               |*fluent-bit*|*datadog*|*tanium*|*qualys*|*rapid7*|*cylance*|*esets*|*ds_agent*|*xagt*|*elastic-agent*
               |*elastic-endpoint*|*journald*|*santa*|*littlesnitch*|*blockblock*|*aegis*|*aliyundun*|*cloudmonitor*
               |*hids*|*yunsuo*|*safedog* !~-0|-l
             aide|tripwire|samhain|afick|integrit|osiris|stealth|mtree ~--update|--init|-u|-i|--update-policy|-m|update|-t␣update
             fail2ban-client|cscli|sshguard|denyhosts ~unban|unbanip|delete|--all|decisions␣delete|remove|addignoreip
               |stop|reload ~unban|unbanip|addignoreip|stop|delete|--all
             curl|wget|http ~*/api/*agent*uninstall*
             systemctl|service|sc|net --now|stop|disable|mask|kill ~*falcon*|*wazuh*|*osquery*|*sentinel*|*mdatp*
               |*sophos*|*auditbeat*|*elastic-agent*|*filebeat*|*tanium*|*crowdstrike*|*windefend*|*xagt*
               |*cloudmonitor*|*aegis*
             auditctl -w|-W|-d|-e|-b|-f|-r|-R !-l|-s
             npm|yarn|pnpm config|set ~cafile|ca|cafile=*|ca=* ~/tmp/*|*=/tmp/*|/dev/shm/*|null|''
             kubectl|oc label|annotate ~pod-security*-|*enforce-|*seccomp*-|*apparmor*-
             profiles -I|-R|-i|-D|install|remove
             softwareupdate --ignore|--schedule ~*
             export|set|declare|env ~git_ssl_no_verify=1|git_ssl_no_verify=true|node_tls_reject_unauthorized=0
               |pythonhttpsverify=0|ssl_cert_file=/tmp/*|requests_ca_bundle=/tmp/*|node_extra_ca_certs=/tmp/*
               |curl_ca_bundle=/tmp/*|git_ssl_cainfo=/tmp/*|aws_ca_bundle=/tmp/* !~localhost
             launchctl setenv|config|unsetenv ~dyld_*|*path*|ld_*|user|system
             fdesetup disable|removerecovery|changerecovery|remove|authrestart|add|sync
             codesign --remove-signature
             codesign --force|-f|-fs ~/applications/*|/system/*|/library/*
             pmset ~disablesleep|destroyfvkeyonstandby|autorestart ~1|0
             security delete-keychain|set-keychain-settings|set-keychain-password|create-keychain|default-keychain
               |list-keychains|authorize|import|delete-generic-password|delete-internet-password|trust-settings-import
               |add-certificates ~-s|-d|-t|-u|/library/keychains/*|*.keychain*|-k|-a|-l|/tmp/*|*.p12|*.cer|*.crt
             defaults import|write ~com.apple.loginitems*|com.apple.loginwindow*|com.apple.screensaver*
               |com.apple.security*|com.apple.alf*|com.apple.softwareupdate*|com.apple.commerce*
               |com.apple.crashreporter*|com.apple.tcc*|com.apple.systempolicy*|com.apple.remotemanagement*
               |*com.apple.backgroundtaskmanagement*|com.apple.timemachine*|/library/preferences/*
             curl|http|https|xh ~*xpack.security.enabled*false*|*plugins.security.disabled*true*
             kill|pkill|launchctl ~*littlesnitch*|*santad*|*xprotect*|*mrt*|*tccd*|*securityd*|*blockblock* !~-0|-l|list|print
             chflags ~nouchg|noschg|norestricted|nohidden|uchg|schg ~/system*|/library*|/usr*|/etc*|/var*|/applications*
             pkgutil --forget
             jamf removeframework|removemdmprofile|policy|recon|manage
             plutil|plistbuddy ~*launchagents*|*launchdaemons*|*com.apple.loginitems*|*tcc.db* !~-lint|-p|print
             xattr -cr|-rc|-c|-dr|-rd ~/applications/*|*.app|*.app/
             open ~*.command|*.terminal|*.workflow|*.scpt ~/tmp/*|/private/tmp/*|~~/downloads/*|/users/*/downloads/*|/var/tmp/*
             installer -pkg ~/tmp/*|/private/tmp/*|*/downloads/*|/var/tmp/*|/volumes/*"
        ),
        examples: lines!(
            "iptables -F
             setenforce 0
             ufw disable
             systemctl stop auditd
             rc-service fail2ban stop
             ipfw -q flush"
        ),
        harmless: lines!(
            "iptables -L
             ufw status"
        ),
    },
    Rule {
        id: "traces",
        level: High,
        reason: Text { en: "removes traces of what happened", zh: "清除操作痕迹" },
        patterns: lines!(
            "history -c|-w|-d|-cw|-r|-p|--clear|clear|delete
             fc -p
             journalctl --vacuum-time|--vacuum-size|--vacuum-files ~*=1s|*=1|*=0|1s|*=1k|*=1h|*=1m|*=1us|*=1ms|1|0
               |*=0s|*=1b|*=[0-9]s|*=[0-9]m|*=[0-9]k|[0-9]s|[0-9]k|[0-9]m|*=[0-9]
             journalctl --rotate|--flush --vacuum-time|--vacuum-size|--vacuum-files
             wevtutil cl
             touch -r|-t|-d|--reference|--date|-acmr|-amr ~/*|~~/.*
             chattr|wtmpclean|zap|logcleaner*|clearlogs|bleachbit|logtamper|moonwalk|wzap|zap2|cloak2|timestomp|setfile|clear-history
             lastlog -C|--clear|-S
             dmesg -C|-c|--clear|--read-clear|-D|--console-off
             unset ~histfile|history|histsize|histfilesize|prompt_command|savehist
             export|set|declare|typeset ~histfile=|histfile=/dev/null|histsize=0|histfilesize=0|+o␣history
               |histcontrol=ignorespace|histcontrol=ignoreboth:*|histignore=*
             set +o ~history
             shopt -u|-ou ~histappend|cmdhist|history
             auditctl -D
             logrotate -f|--force
             utmpdump -r
             faillock --reset
             debugfs -w|-R
             sed|gsed -i ~*auth.log|*/secure
             ln -sf|-s ~/dev/null ~*history|*.log|*/wtmp|*/utmp|*/btmp|*/lastlog
             find ~/var/log*|/var/audit* -delete|-exec ~-delete|rm|truncate|shred
             sed|gsed|perl -i|-pi ~*/.*history|/var/log/*|*/wtmp|*/lastlog|*/utmp
             set-psreadlineoption ~*savenothing*
             atuin history|store|account prune|purge|delete
             sqlite3 ~*history*|*places.sqlite* ~*delete␣from*
             cp|dd|cat ~/dev/null|if=/dev/null ~/var/log/*|*_history|of=/var/log/*
             log|logrotate|savelog --all|erase ~--all|-f"
        ),
        examples: lines!(
            "history -c
             journalctl --vacuum-time=1s"
        ),
        harmless: lines!(
            "history
             journalctl -u x"
        ),
    },
    Rule {
        id: "kernel",
        level: High,
        reason: Text { en: "changes the kernel or how it runs", zh: "修改内核或其运行方式" },
        patterns: lines!(
            "insmod|rmmod|kexec|depmod|bpftool|grub-install|update-grub|grub2-install|grub2-mkconfig|grub-mkconfig
               |efibootmgr|efivar|bcdedit|nvram|kmod|mokutil|flashrom|fwupdmgr|fwupdtool|setpci|cpupower|kexec-tools
               |kpatch|livepatch !--version|--help|-l|--list|--sb-state|-v|list|get-updates|get-devices|show|prog
             modprobe !-n|--show-depends|-c|--dry-run|--version
             sysctl -w|--write|~*=* !-n|~vm.max_map_count*|~fs.inotify*|~net.core.somaxconn*|~vm.overcommit_memory*|~vm.swappiness*|~fs.file-max*
             dkms install|remove|build|add
             update-initramfs|mkinitcpio|dracut|mkinitramfs -d|-p|-k
             mount -o|--bind|-t|--rbind|--move|-a|--make-shared|--options !~nfs|tmpfs
             mount ~/*
             umount -a|-l|-f|--lazy|--force|--all|~/|~/boot*|~/home|~/var*|~/usr*|~/etc*|~/proc*|~/sys*
             swapoff|swapon -a|--all|~/*
             losetup -d|-D|-f
             pivot_root|switch_root|ifdown|ifup|ifenslave|hostapd|create_ap|wihotspot|linux-wifi-hotspot|cgdelete
               |cgcreate|cgset|debootstrap|pacstrap|rpm-ostree|ostree|grub-set-default|grub-reboot|grub-editenv
               |grub2-set-default|grub2-editenv|kernel-install|update-bootloader|zipl|lilo|wrmsr|memtool|devmem
               |devmem2|i2cset|tpm2_clear|tpm2_changeauth|efi-updatevar|intel_reg
             date -s|--set
             hwclock -w|--systohc|--set
             timedatectl set-time
             ip link|addr|address|route|rule|neigh|netns|tuntap|a|r|l add|del|set|flush|delete|change|replace
             ifconfig * up|down|promisc|hw
             route add|del|delete|flush
             arp -s|-d
             tc qdisc|filter|class add|del|replace
             netplan apply|set
             resolvectl|resolvconf -a|-d|dns|domain
             networksetup -set*
             scutil --set
             iwconfig|airmon-ng|macchanger|ethtool -s|-r|-m|-K|start|mode
             nmcli dev|device|d wifi hotspot
             launchctl unload|bootout|disable|remove ~/library/launchdaemons/*|system/*
             brctl|bridge addbr|delbr|addif|add|del
             ulimit|prlimit -u ~0|1
             dpkg-divert --add|--rename ~/bin/*|/usr/bin/*|/sbin/*|/usr/sbin/*|/lib*
             dpkg-divert|update-alternatives --add|--install|--set|--remove ~/tmp*|/dev/shm*|/var/tmp*|/home*|~~/*
             kernelstub|bootctl install|update|remove|set-default
             semctl|ipcrm -a|--all
             ldconfig -f|-C|~/tmp*
             alternatives --install ~/tmp*|/dev/shm*|/home*
             chrt|renice -f|-n ~-20
             bpftool prog|map|net|cgroup|link|struct_ops load|loadall|attach|pin|update|detach|delete|register
             grubby --update-kernel|--remove-kernel|--set-default|--args|--remove-args|--add-kernel
             hostnamectl set-hostname|hostname
             hostname !-f|-s|-i|-I|-d|-A|--fqdn|--short|-a|-y|--help|--version ~?*
             timedatectl set-ntp ~false|0|no
             chronyc|ntpdate makestep|settime
             kpartx -d|remove|remove_all|wipe_table
             conntrack -F|--flush|-D
             ovs-vsctl|ovs-ofctl del-br|add-flow|del-flows|del-port
             nvidia-smi ~--gpu-reset
             xdp-loader|xdp-filter|bpfman|xdp_loader|bpfd load|unload|attach|detach|add|remove
             kexec ~-l|-e|-p|-u|--load|--exec|--load-panic|-s|-f
             tc|ip ~*.o|xdp*|bpf ~*.o
             nmcli c|con|connection|d|dev|device|g|general|r|radio|n|networking mod|m|modify|add|a|down|del|delete|d|disconnect|off|edit|load|reload|import
             dracut|mkinitcpio|update-initramfs|mkinitramfs|genkernel|booster|ukify|dracut-install --force|-f|-o|-P|-u|-c|-g|--add*|build|all|initramfs|~--omit*
             kextload|kextutil|kextunload|kmutil|bless|nvflash|nvramtool|amdvbflash|setserial|mcelog|irdma|kldunload
               |kldload|modload|modunload|dmsetup|sysdumpdev|bosboot !--version|--help|-V|showloaded|list|print|status
               |ls|info|table
             dhclient|dhcpcd|udhcpc|pump -r|-x|-k|--release|--exit
             hciconfig|bluetoothctl|rfkill|iw|iwctl|connmanctl ~down|block|power␣off|disable|del|disconnect|reset
             loadkeys|setxkbmap|xmodmap|dumpkeys ~/tmp/*|/dev/shm/*|*/xmodmap
             wg|wg-quick|ip set|setconf|addconf|syncconf|up|xfrm ~peer|/tmp/*|allowed-ips|state
             sysctl -p|--load ~/tmp/*|/dev/shm/*|./*|/var/tmp/*|~~/*
             mdutil|mdfind -i|-E|-X ~off|/
             systemctl set-environment|import-environment ~ld_preload=*|ld_library_path=*|path=/tmp*|bash_env=*|ld_audit=*|python*=*
             pmset|systemsetup|kickstart|softwareupdate ~-setremotelogin|-activate|-configure|--ignore|-setremoteappleevents|-access|sleepnow|shutdown|restart
             hdiutil attach|mount ~http:*|https:*
             nscurl|softwareupdate|startosinstall ~--eraseinstall|--allowuntrusted|-l␣http*|--ignore
             ioreg ~load|unload|install"
        ),
        examples: lines!(
            "insmod x.ko
             sysctl -w a=1
             mount /dev/sda1 /mnt
             xdp-loader load -m skb eth0 x.o"
        ),
        harmless: lines!(
            "sysctl -n kernel.x
             ip addr
             mount -l
             mount"
        ),
    },
    Rule {
        id: "settings",
        level: Medium,
        reason: Text { en: "changes a setting of the machine", zh: "更改系统设置" },
        patterns: lines!(
            "sysctl -w|-p|--write|--system
             umount|ldconfig|locale-gen|dpkg-reconfigure|updatedb|pmset|systemsetup
             mount ~*
             timedatectl|hostnamectl|localectl set-*
             ufw allow|enable|limit|deny|reject|route|insert
             journalctl --vacuum-time|--vacuum-size|--vacuum-files|--rotate
             hwclock|renice|ionice -w|-p|-n
             defaults write|delete
             xattr -d|-c|-cr
             update-alternatives|alternatives --install|--set|--config
             xdg-settings|gsettings|dconf set|reset|write"
        ),
        examples: "ufw allow 80/tcp",
        harmless: lines!(
            "ufw status
             git config --global --list"
        ),
    },
    Rule {
        id: "services",
        level: Medium,
        reason: Text { en: "starts, stops or changes a service", zh: "启动、停止或修改服务" },
        patterns: lines!(
            "systemctl stop|start|restart|disable|mask|reload|kill|daemon-reload|try-restart|reset-failed|unmask
             service * stop|start|restart|reload
             supervisorctl stop|restart|start|update|reload
             brew services
             pm2 stop|delete|kill|restart|reload|start|save
             initctl|stop|start|restart|rc-service
             nginx -s
             apachectl|apache2ctl restart|stop|graceful|start
             launchctl unload|bootout|remove|kickstart|stop|start"
        ),
        examples: "systemctl restart nginx",
        harmless: "systemctl status nginx",
    },
    Rule {
        id: "search-path",
        level: High,
        reason: Text {
            en: "has another program or library take the place of a trusted one",
            zh: "用其他程序或库替换可信程序",
        },
        patterns: "update-alternatives|alternatives --install|--set ~sudo|su|ssh|sshd|login|passwd|bash|sh|ls|ps|cat|git|gpg|systemctl|crontab|curl|find|grep",
        examples: lines!(
            "PATH=/tmp:$PATH ls
             LD_PRELOAD=/tmp/x.so ls
             sudo update-alternatives --install /usr/bin/sudo sudo /opt/x/sudo-wrap 999"
        ),
        harmless: lines!(
            "PATH=$PATH:/opt/bin ls
             RUST_LOG=debug cargo run
             update-alternatives --install /usr/bin/python3 python3 /usr/bin/python3.12 1"
        ),
    },
    Rule {
        id: "look-alike",
        level: High,
        reason: Text {
            en: "writes the name of a program so that it is not recognised",
            zh: "使用形似字符、不可见字符或通配符伪装程序名",
        },
        patterns: "",
        examples: lines!(
            "rм -rf x
             r\u{200b}m x
             /???/?s"
        ),
        harmless: "echo да",
    },
    Rule {
        id: "too-long",
        level: Medium,
        reason: Text { en: "is too long to be judged", zh: "命令过长，无法判断" },
        patterns: "",
        examples: "",
        harmless: "ls",
    },
    Rule {
        id: "padded",
        level: High,
        reason: Text {
            en: "is so long that what it does cannot be told, and does harm or hides what it does",
            zh: "命令过长，无法判断其作用，且其中含有危险或隐藏的操作",
        },
        patterns: "",
        examples: "",
        harmless: "ls",
    },
    Rule {
        id: "not-understood",
        level: Medium,
        reason: Text { en: "could not be understood wholly", zh: "命令无法完全解析" },
        patterns: "",
        examples: "echo 'a",
        harmless: "echo a",
    },
    Rule {
        id: "unknown-program",
        level: Medium,
        reason: Text {
            en: "runs a program that is known only when it runs", zh: "运行的程序在运行时才确定"
        },
        patterns: "",
        examples: "$x a",
        harmless: "ls a",
    },
    Rule {
        id: "debug",
        level: High,
        reason: Text {
            en: "looks into or changes another running program",
            zh: "读取或修改其他正在运行的程序",
        },
        patterns: lines!(
            "gdb|lldb|ltrace|dlv|rr|sysdig|py-spy|dtrace -p|--pid|--attach-pid|--attach|-n|-k
             strace|perf -p|--pid|--attach !-c|top|stat
             bpftrace|frida|frida-trace|reptyr|injectso|linux-inject|procdump|dumpproc|memdump|avml|injector|neercs
             osascript ~*keystroke*|*key␣code*|*click␣*
             xdotool|ydotool|wtype|cliclick type|key|click|~t:*|kp:*|c:*"
        ),
        examples: "gdb -p 1",
        harmless: "gdb ./a",
    },
    Rule {
        id: "elevated",
        level: High,
        reason: Text { en: "asks to run with raised rights", zh: "请求以提升的权限运行" },
        patterns: "",
        examples: "",
        harmless: "ls",
    },
];
