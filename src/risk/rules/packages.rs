//! Packages that are installed or published.

use super::{Rule, Text};
use crate::risk::Level::{High, Medium};
use crate::risk::lookup::lines;

/// The rules, the graver first.
pub const RULES: &[Rule] = &[
    Rule {
        id: "publish",
        level: Medium,
        reason: Text { en: "publishes under the name of the owner", zh: "以所有者名义发布" },
        patterns: lines!(
            "npm|yarn|pnpm|bun publish|deprecate|dist-tag|version !--dry-run|ls|list
             yarn npm publish
             lerna|changeset|nx|np|semantic-release|release-it publish|release !--dry-run
             cargo publish !--dry-run|-n
             twine|conan|conda|anaconda|luarocks upload
             python* -m ~twine ~upload
             poetry|flit|hatch|uv|pdm publish !--dry-run
             gem|helm push
             mvn|mvnw deploy|release:perform|nexus-staging:release
             gradle|gradlew publish|publishplugins|uploadarchives|bintrayupload|publishtomavencentral
             sbt ~publish|publishsigned|*release*
             nuget push|delete
             dotnet nuget push|delete
             pod trunk push|delete|deprecate
             goreleaser release !--snapshot
             vsce|ovsx publish|unpublish
             docker trust
             jsr|deno|pub|clawhub publish
             composer|hex|mix hex.publish
             dart|flutter pub publish
             snapcraft|charmcraft upload|release|push"
        ),
        examples: lines!(
            "npm publish
             cargo publish"
        ),
        harmless: "npm publish --dry-run",
    },
    Rule {
        id: "unpublish",
        level: High,
        reason: Text {
            en: "takes published packages back, or changes who owns them",
            zh: "撤回已发布的软件包或更改其所有者",
        },
        patterns: lines!(
            "npm|yarn|pnpm unpublish|owner|access|hook|team|org !--dry-run|ls|list
             cargo yank|owner !--list|-l
             gem yank
             gem owner -a|-r|--add|--remove
             pod trunk delete|remove-owner|add-owner
             twine|pypi|pypi-cli delete|yank|remove
             dotnet|nuget nuget|delete delete|~*://*
             docker-hub|hub-tool tag|repo rm
             pub|dart|flutter pub|uploader uploader|remove
             hex|mix hex.retire|hex.owner|hex.publish ~--revert|*remove*|*add*|hex.retire
             vsce|ovsx unpublish|delete
             conda|anaconda --force|remove ~*/*
             snapcraft close|revoke|transfer
             jfrog|jf rt|rt:del del|delete|delete-props|rdel|gdel
             aws codeartifact delete-*|dispose-*
             helm registry|push ~--delete"
        ),
        examples: lines!(
            "npm unpublish a --force
             cargo yank --version 1.0.0"
        ),
        harmless: "npm owner ls a",
    },
    Rule {
        id: "odd-source",
        level: High,
        reason: Text {
            en: "installs from a source that is not the usual one", zh: "从非常规来源安装"
        },
        patterns: lines!(
            "pip|pip3|pip2|pipx|uv|python* -m|install|download|wheel|pip --index-url|-i|--extra-index-url
               |--trusted-host|--default-index|--index !~https://pypi.org*|https://pypi.tuna.tsinghua.edu.cn*
               |https://mirrors.*|https://download.pytorch.org*|*pypi.org/simple*|https://pypi.doubanio*
               |*mirrors.aliyun.com*|*mirrors.volces.com*|*mirrors.cloud.tencent.com*|https://test.pypi.org*
             pip|pip3|pip2|pipx|uv install|pip ~http:*|git+http:*|https:*.zip|https:*.tar.gz|https:*.whl|https:*.tgz
               |ftp:* !~https://github.com/*|https://download.pytorch.org*|*files.pythonhosted.org*
               |https://storage.googleapis.com/*
             npm|yarn|pnpm|bun install|i|add --registry|https:*.tgz|https:*.tar.gz|~http:* !~*registry.npmjs.org*
               |*registry.npmmirror.com*|*registry.yarnpkg.com*|https://github.com/*
             npm|yarn|pnpm|bun install|i|add http:*|https:* !~*registry.npmjs.org*|*registry.npmmirror.com*
               |*registry.yarnpkg.com*|https://github.com/*|https://codeload.github.com/*|https://pkg.pr.new/*
             apt|apt-get|aptitude|zypper|flatpak|snap install|in ~http:*|https:*.deb|https:*.rpm|https:*.snap !~https://dl.google.com/*|https://github.com/*
             yum|dnf localinstall ~http:*|https:*
             rscript|r -e ~*install.packages(*http:*
             gem install --source|-s !~https://rubygems.org*
             gem sources -a|--add !~https:*
             cargo install|add --index
             apt|apt-get|aptitude install --allow-unauthenticated|--force-yes
             apt-get|apt|aptitude -o ~*allow-insecure*|*allowunauthenticated*|*allow-downgrade*
             apk add --allow-untrusted
             apk add --repository|-X !~*alpinelinux.org*
             yum|dnf|zypper install --nogpgcheck|--no-gpg-checks|https:*|~http:* !~https://download.docker.com*
               |https://dl.fedoraproject.org*|https://rpm.nodesource.com*|https://dl.google.com*|https://github.com/*
               |https://mirrors.*
             yum|dnf --nogpgcheck|--no-gpg-checks
             rpm -i|-U|--install|-Uvh|-ivh ~http:*|https:*
             rpm --nosignature|--nodigest|--force|--nodeps
             dpkg ~--force-*
             npm|yarn|pnpm config|set set|registry registry|~registry=* !~*registry.npmjs.org*
               |*registry.npmmirror.com*|*registry.yarnpkg.com*|*mirrors.*|*npm.pkg.github.com*|https:*
             pip|pip3 config set global.* !~https://pypi.tuna*|https://mirrors.*|*pypi.org*|*mirrors.aliyun.com*
             go install|get ~*insecure*
             pip|pip3|pipx|uv|uvx|npm|npx|yarn|pnpm|bun|poetry|pdm|conda|mamba|bundle|gem|composer|nuget|dotnet|mvn
               |gradle|gradlew|sbt|cargo|rustup|go|nix|nix-channel|guix|cpan|cpanm|luarocks|apt|apt-get|dnf|yum|zypper
               |apk|pacman|helm|asdf|mix|pod|brew|port|opkg ~http://*|*=http://*|*::http://*|*at␣?http://* !run|test
               |exec|start|dev|serve|bench|~*localhost*|*127.0.0.1*|*//10.*|*//192.168.*|*.internal*|*.local*|*.corp*
             go env -w ~gosumdb=off|goproxy=http:*|goflags=*-insecure*|goinsecure=*|gonosumdb=[*]*|gonosumcheck=1
             argocd app set|create ~--repo|--repo=* !~*github.com*|*gitlab*
             easy_install|easy_install3|cpan|cpanm ~http*
             snap install --dangerous
             pacman -U ~http*
             brew install ~http:*|https:*
             brew tap ~http:*|https:* !~https://github.com/*
             flatpak remote-add|remote-modify ~--no-gpg-verify|http:*
             luarocks install --server|~http*
             pecl|pear|gem install ~http*|/tmp/*
             helm install|upgrade ~http:*|*--insecure-skip-tls*
             code|cursor|codium --install-extension ~http*|/tmp/*|*.vsix
             alien|makepkg ~/tmp/*
             dpkg|rpm -i|-U|--install ~/tmp/*.deb|/tmp/*.rpm|/dev/shm/*
             dnf|yum|yum-config-manager|zypper|dnf5 --add-repo|config-manager|addrepo|ar ~http:*|--add-repo=http:*
             composer|helm config|repo ~http:*
             add-apt-repository|apt-add-repository ~deb␣http:*|*trusted=yes*|http:*
             apt-get|apt|aptitude|dpkg -o|--option|~-o* ~*verify-peer=false*|*verify-host=false*|*gpgcheck=0*|*checkgpg*false*|*assumeyes*force*
             go run|install|get ~[0-9]*.[0-9]*.[0-9]*.[0-9]*/*
             kubectl|oc|docker|podman|nerdctl|helm|ctr|crictl|crane|skopeo|oras|regctl|gh|brew|add-apt-repository
               |apt-add-repository|tap|code|cursor|codium|ansible-galaxy|terraform|tofu|npx|pnpm set|run|push|upgrade
               |install|apply|create|pull|tag|copy|cp|repo|extension|tap|init|~-y|~ppa:* ~*/xmrig*|*miner:*|*/miner*
             claude|codex|gemini|cursor-agent|openclaw|opencode|goose|amp mcp|skills|skill|plugin|plugins|extension
               |extensions|channels add|install|enable|add-json ~*/xmrig*|*miner:*|*/miner*|http:*|*curl␣*|*wget␣*
             kubectl|oc set env ~ld_preload=*|*_proxy=http*|node_options=*|bash_env=*|python*=/tmp*"
        ),
        examples: "pip install --index-url http://x.example y",
        harmless: lines!(
            "pip install requests
             pip install -i https://pypi.tuna.tsinghua.edu.cn/simple x"
        ),
    },
    Rule {
        id: "poisoned-package",
        level: High,
        reason: Text {
            en: "publishes a package that was given code to run where it is installed",
            zh: "发布被加入安装时执行代码的软件包",
        },
        patterns: "",
        examples: r#"jq '.scripts.preinstall="node setup.js"' package.json > p && mv p package.json && npm publish"#,
        harmless: "jq .version package.json",
    },
    Rule {
        id: "remove-system",
        level: High,
        reason: Text { en: "removes packages of the system", zh: "卸载系统软件包" },
        patterns: lines!(
            "apt|apt-get|aptitude|dnf|yum|zypper|dpkg|rpm|apk|pacman -r|-P|-e|--purge|--erase|--remove|-R|-Rs|-Rns
               |-Rdd|remove|purge|erase|rm|del ~sudo|systemd*|libc6*|glibc*|bash|coreutils|openssl*|openssh*|kernel*
               |linux-*|apt|dpkg|login|base-files|util-linux|libssl*|init*|grub*|pam*|libpam*|network-manager|sshd
               |perl-base|dash|tar|gzip|rpm|yum|dnf|passwd|mount|e2fsprogs|ca-certificates|busybox|musl|apk-tools
               |python|python3* !-s|--dry-run|--simulate|~libreoffice*
             dpkg -P|--purge|--force-all|--force-remove-essential
             pacman -Rdd|-Rcns
             apt|apt-get remove|purge|autoremove --allow-remove-essential
             apt|apt-get|aptitude autoremove|autopurge|remove|purge ~linux-*|systemd*|libc6*|grub*|ubuntu-minimal
               |*-desktop|openssh-server|initramfs* !-s|--dry-run
             dnf|yum|zypper|tdnf|microdnf|xbps-remove|eopkg|opkg|pkg|emerge|apk ~remove|erase|rm|delete|del|-r
               |--unmerge|-c ~systemd*|glibc*|kernel*|sudo|openssh*|bash|coreutils|python3|grub2*|baselayout
               |alpine-base|busybox|musl|openssl|util-linux
             xbps-remove|pkgrm|pkg_deinstall|rmpkg|removepkg|slackpkg|prt-get|guix-system|swupd|eopkg|opkg !~-n
               |--dry-run ~*base*|*musl*|*busybox*|*libc*|*kernel*|*linux*|*openssl*|*openssh*|*bash*|*coreutils*
               |*sys*|sunwc*|os-core*|-a|--force*|--removal*|*sudo*
             emerge -C|--unmerge|--depclean|-c|-cC ~sys-*|*/glibc|*/gcc|*/openssl|*/bash|*/coreutils|*/sudo|*/openssh
               |*/portage|*/linux*|glibc|gcc|bash|coreutils|--unmerge|@world|@system
             pkg|pkgin|pkg-static|opkg|apk|swupd delete|remove|del|bundle-remove|rm -a|--all|-af|-fa|-afy|--force*
             pkg ~-a|-af|-afy|-ay|-fa
             apt|apt-get|aptitude|dpkg|dnf|yum|zypper|rpm|apk|pacman|brew|snap|flatpak|port|nix-env|conda|pkgin -e|-P
               |-r|-R|-Rns|-Rs|-Rcns|remove|purge|erase|uninstall|del|delete|rm|removal ~[*]|--all|[~]i|[~]n*
               |?installed*|.[*]|^.*
             xargs ~uninstall|remove|purge|-r|-rns|-rs|erase|-e|-p|del|rm ~apt|apt-get|dpkg|dnf|yum|rpm|pacman|brew
               |gem|snap|flatpak|apk|zypper|port ~-y|--force|-f|--yes|-rns|-r|-p|-e|uninstall|--all|-a|-x
             xargs ~npm ~rm|uninstall|remove ~-g|--global
             gem uninstall ~-a|-ax|-aix|--all
             nix-collect-garbage|nix -d|--delete-old|store
             flatpak|snap uninstall|remove --all|--purge|~--unused=false ~--all|core*|snapd|--purge
             rpm|dnf|yum|apt|apt-get|dpkg|pacman|zypper|apk -e|-P|-r|-R|-Rns|remove|purge|erase|del ~*sentinel*
               |*crowdstrike*|*carbonblack*|*wazuh*|*osquery*|*auditd*|audit|*clamav*|*falco*|*mdatp*|*sophos*|*eset*
               |*trend*|*cylance*|*qualys*|*rapid7*|*tanium*|*firewalld*|fail2ban|rsyslog*|aide|apparmor*|selinux*|ufw
               |sudo
             uninstall.sh|uninst.sh|uninstall|uninstaller|uninstall.run|remove_agent.sh|*_uninstall.sh|*-uninstall.sh
               |*-uninstall|uninstall_*.sh|uninstall-*.sh !~--help|--version|-h|--dry-run
             npm|pnpm|yarn|bun pkg|config set ~scripts.postinstall=*|scripts.preinstall=*|scripts.prepare=*
               |scripts.install=* ~*curl*|*wget*|*node␣-e*|*base64*|*eval*|*http:*|*https:*|*.aws*|*.ssh*|*env*"
        ),
        examples: lines!(
            "apt-get purge openssl
             emerge --unmerge sys-libs/glibc
             pkg delete -afy"
        ),
        harmless: lines!(
            "apt-get update
             sudo apt-get autoremove -y
             sudo apt remove nodejs"
        ),
    },
    Rule {
        id: "install",
        level: Medium,
        reason: Text { en: "installs or removes software", zh: "安装或卸载软件" },
        patterns: lines!(
            "npm|pnpm install|i|add|uninstall|rm|remove -g|--global
             yarn global add|remove
             apt|apt-get|aptitude|dnf|yum|zypper install|upgrade|dist-upgrade|full-upgrade|update|remove|purge
               |autoremove|erase|localinstall|groupinstall|reinstall|downgrade|clean|autoclean !-s|--dry-run
             apk add|upgrade|del|update
             pacman -S|-U|-Sy|-Syu|-R|-Rs|-Rns|-Sc|-Scc
             brew install|uninstall|upgrade|remove|tap|cleanup|reinstall|autoremove|link
             snap|flatpak install|remove|refresh|uninstall|update
             dpkg|rpm -i|-U|--install|-r|-e|-Uvh|-ivh|--import
             gem install|uninstall|update
             cargo install|uninstall
             go install
             go run ~*@*
             pipx|winget|choco|scoop install|uninstall|upgrade
             uv tool install
             pip|pip3|uv|python* -m|install|uninstall|pip --user|--break-system-packages|-y|~git+*
             pip|pip3 uninstall
             port|conda|mamba install|remove|update|uninstall|env
             nix-env|nix|guix -i|-e|profile|install|remove
             nix run|shell|develop ~github:*|gitlab:*|git+*
             helm repo add
             code|cursor --install-extension|--uninstall-extension
             add-apt-repository|apt-add-repository
             apt-key|apt-mark add|adv|del|hold
             rustup|nvm|volta|asdf|pyenv|rbenv|sdk|fnm|mise self|uninstall|update|default|install|global|toolchain|use
             cpan|cpanm|luarocks|pecl|pear install|~*
             softwareupdate -i|--install|-ia
             npx|bunx|pnpx -y|--yes"
        ),
        examples: lines!(
            "npm install -g typescript
             sudo apt-get remove nodejs"
        ),
        harmless: "npm ci",
    },
];
