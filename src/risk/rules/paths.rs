//! Paths that matter, as patterns in lower case: `~` is any home folder, `/` at the end means everything below, and a
//! pattern that begins with neither `/` nor `~` stands for such a path anywhere.

/// Credentials and keys.
pub const SECRETS: &[&str] = &[
    "~/.ssh/id_*", "~/.ssh/*.pem", "~/.ssh/*_key", "~/.ssh", "~/.ssh/*", "~/.ssh/authorized_keys", "id_rsa", "id_ed25519", "id_ecdsa",
    "id_dsa", "*.pem.key", "*.p12", "*.pfx", "*.kdbx", "*.keystore", "*.jks", "~/.aws", "~/.aws/credentials",
    "~/.aws/*", "~/.config/gcloud/", "~/.azure/", "~/.kube/config", "~/.kube", "~/.docker/config.json", "~/.netrc",
    "~/_netrc", "~/.git-credentials", "~/.config/git/credentials", "~/.npmrc", "~/.pypirc", "~/.pgpass",
    "~/.my.cnf", "~/.gnupg/", "~/.password-store/", "~/.vault-token", "~/.cargo/credentials*",
    "~/.gem/credentials", "~/.config/gh/hosts.yml", "~/.config/hub", "~/.terraform.d/credentials*", "~/.volc/",
    "~/.bash_history", "~/.zsh_history", "~/.mysql_history", "~/.psql_history", "~/.python_history",
    "~/.config/google-chrome/", "~/.config/chromium/", "~/.mozilla/", "~/library/keychains/",
    "~/.local/share/keyrings/", "~/.electrum/", "~/.bitcoin/", "~/.ethereum/", "wallet.dat", "login data",
    "logins.json", "key4.db", "/etc/shadow", "/etc/shadow-", "/etc/gshadow*", "/etc/sudoers", "/etc/master.passwd",
    "/etc/krb5.keytab", "/etc/ssh/ssh_host_*", "/etc/ssl/private/", "/etc/kubernetes/admin.conf",
    "/etc/kubernetes/pki/", "/var/run/secrets/", "/run/secrets/", "/var/lib/kubelet/", "/etc/security/opasswd",
    "/proc/*/environ", "/proc/*/mem", "/proc/kcore", "/dev/mem", "service-account*.json", "credentials.json",
    "terraform.tfstate", ".vault_pass*", "~/.openclaw/", "/etc/letsencrypt/live/", "/root/.ssh",
];

/// Environment files: often secrets, as often harmless settings.
pub const DOTENV: &[&str] = &[".env", ".env.*", "*.env", ".envrc", "secrets.yml", "secrets.yaml", "secrets.json", ".htpasswd"];

/// Places from which programs are started by themselves.
pub const PERSISTENT: &[&str] = &[
    "/etc/cron*", "/etc/cron.d/", "/etc/cron.daily/", "/etc/cron.hourly/", "/var/spool/cron/", "/etc/systemd/",
    "/lib/systemd/", "/usr/lib/systemd/", "~/.config/systemd/", "/etc/init.d/", "/etc/rc.local", "/etc/rc*.d/",
    "/etc/profile", "/etc/profile.d/", "/etc/bash.bashrc", "/etc/zsh/", "/etc/environment", "/etc/ld.so.preload",
    "/etc/ld.so.conf.d/", "/etc/pam.d/", "/etc/udev/rules.d/", "/etc/xdg/autostart/", "~/.config/autostart/",
    "~/library/launchagents/", "/library/launchdaemons/", "/library/launchagents/", "/etc/update-motd.d/",
    "~/.ssh/authorized_keys*", "~/.ssh/rc", "~/.ssh/config", "/etc/sudoers.d/", "/etc/apt/apt.conf.d/",
    "/etc/modules-load.d/", "/etc/at*", "/var/spool/at/", ".git/hooks/", "/etc/ssh/sshd_config*",
];

/// Profiles that shells read.
pub const PROFILES: &[&str] = &[
    "~/.bashrc", "~/.bash_profile", "~/.bash_login", "~/.bash_logout", "~/.profile", "~/.zshrc", "~/.zprofile",
    "~/.zshenv", "~/.zlogin", "~/.config/fish/", "~/.vimrc", "~/.gitconfig", "~/.inputrc", "~/.xinitrc", "~/.xprofile", "~/.tmux.conf",
];

/// What protects the machine, or records what happened on it.
pub const DEFENCES: &[&str] = &["/var/log/", "/var/log", "/etc/audit/", "/etc/selinux/", "/etc/apparmor*", "/etc/hosts.deny", "/etc/iptables/", "/etc/ufw/"];

/// The system's own folders.
pub const SYSTEM: &[&str] = &[
    "/etc", "/etc/", "/usr", "/usr/", "/bin", "/bin/", "/sbin", "/sbin/", "/lib*", "/lib/", "/lib64/", "/boot", "/boot/", "/sys", "/sys/",
    "/proc", "/proc/", "/dev", "/run", "/run/", "/var", "/var/", "/opt", "/opt/", "/system/", "/library/", "/applications",
    "/tmp", "/snap/", "/private/", "/mnt", "/media", "/srv", "/efi/",
];

/// Folders that a build can make again.
pub const BUILD_OUTPUT: &[&str] = &[
    "node_modules", "target", "dist", "build", "out", "coverage", "__pycache__", ".pytest_cache", ".mypy_cache",
    ".ruff_cache", ".next", ".nuxt", ".cache", ".turbo", ".parcel-cache", ".gradle", "venv", ".venv", ".tox", ".eggs",
    "tmp", "temp", "bin", "obj", "_build", ".terraform", "htmlcov", ".nyc_output", ".svelte-kit", "cmake-build-debug",
    "CMakeFiles", "logs", "site", "public", "release", "debug", "generated", ".angular", ".vite", "storybook-static",
];
