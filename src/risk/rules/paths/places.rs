//! The system and its defences, and what can be made or fetched again.

use crate::risk::lookup::{Names, lines, list};

/// What protects the machine, or records what happened on it.
pub const DEFENCES: &str = lines!(
    "/selinux/
     /usr/local/share/ca-certificates/
     /etc/ssl/certs/
     /etc/pki/ca-trust/
     /usr/share/ca-certificates/
     /etc/ca-certificates*
     /var/log/
     /var/log
     /etc/audit/
     /etc/selinux/
     /etc/apparmor*
     /etc/hosts.deny
     /etc/iptables/
     /etc/ufw/
     /etc/fail2ban/
     /etc/rsyslog*
     /etc/rsyslog.d/
     /etc/nftables*
     /etc/sysconfig/selinux
     /etc/sysconfig/iptables
     /etc/firewalld/
     /etc/hosts.allow
     /etc/falco/
     /etc/osquery/
     /etc/crowdsec/
     /etc/clamav/
     /var/ossec/
     /var/run/utmp
     /run/utmp
     /run/log/
     /etc/hosts
     /etc/resolv.conf
     /etc/crypto-policies/
     /etc/pki/tls/certs/
     /usr/local/etc/ssl/
     /etc/aide*
     /etc/tripwire/
     /etc/ossec*
     /var/lib/aide/
     /etc/suricata/
     /etc/snort/
     /etc/sysmon*
     /opt/crowdstrike/
     /opt/sentinelone/
     /opt/carbonblack/
     /opt/mcafee/
     /etc/opt/microsoft/mdatp/
     /opt/microsoft/mdatp/
     /etc/wazuh*
     /var/lib/falco/
     /usr/share/falco/
     /etc/fapolicyd/
     /etc/usbguard/
     /etc/logrotate*
     /etc/systemd/journald.conf*
     /etc/syslog*
     /var/adm/
     /var/audit/
     /etc/security/audit*
     /var/db/receipts/
     /etc/ipsec*
     /etc/knockd.conf
     /etc/csf/
     /etc/shorewall/
     /sys/fs/selinux/
     /sys/kernel/security/
     /sys/module/apparmor/
     /etc/subuid
     /etc/subgid"
);

/// The system's own folders.
pub const SYSTEM: &str = lines!(
    "/etc
     /etc/
     /usr
     /usr/
     /bin
     /bin/
     /sbin
     /sbin/
     /lib*
     /lib/
     /lib64/
     /boot
     /boot/
     /sys
     /sys/
     /proc
     /proc/
     /dev
     /run
     /run/
     /var
     /var/
     /opt
     /system/
     /library/
     /applications
     /snap/
     /private/
     /mnt
     /media
     /srv
     /efi/"
);

/// What the administrator of this machine added.
pub const LOCAL: &str = lines!(
    "/usr/local/bin/
     /usr/local/bin
     /usr/local/share/
     /usr/local/lib/
     /usr/local/go/
     /usr/local/go
     /opt/"
);

/// What programs fetch or make again by themselves.
pub const CACHES: &str = lines!(
    "~/.cache/
     ~/library/caches/
     ~/.npm/
     ~/.npm
     ~/.gradle/caches/
     ~/.gradle/caches
     ~/.m2/repository
     ~/.m2/repository/
     ~/.cargo/registry
     ~/.cargo/registry/
     ~/.cargo/git/
     ~/.ivy2/
     ~/.yarn/
     ~/.pnpm-store
     ~/.pnpm-store/
     ~/.local/share/pnpm/
     ~/.local/share/trash/
     ~/.bundle/cache/
     ~/.cocoapods/
     ~/library/developer/xcode/deriveddata
     ~/library/developer/xcode/deriveddata/
     ~/.cache
     ~/.electron/
     ~/.node-gyp
     ~/.nuget/packages/
     ~/go/pkg/
     ~/.terraform.d/plugin-cache/
     /var/lib/apt/lists/
     /var/cache/
     /var/cache
     /tmp
     /var/tmp
     /root/.cache/
     /usr/share/doc/
     /usr/share/man/
     /usr/share/locale/"
);

/// Folders of build output that are known as such wherever they are.
pub const MADE: Names = list!(
    "node_modules __pycache__ .pytest_cache .mypy_cache .ruff_cache .next .nuxt .turbo .parcel-cache dist
     target build .tox venv .venv .gradle coverage .svelte-kit cmake-build-debug .terraform"
);

/// Folders that a build can make again.
pub const BUILD_OUTPUT: Names = list!(
    "node_modules target dist build out coverage __pycache__ .pytest_cache .mypy_cache .ruff_cache .next
     .nuxt .cache .turbo .parcel-cache .gradle venv .venv .tox .eggs tmp temp bin obj _build .terraform
     htmlcov .nyc_output .svelte-kit cmake-build-debug CMakeFiles logs site public release debug generated
     .angular .vite storybook-static"
);
