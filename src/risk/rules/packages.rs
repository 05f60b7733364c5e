//! Packages that are installed or published.

use super::{Rule, Text};
use crate::risk::Level::{High, Medium};

/// The rules, the graver first.
pub const RULES: &[Rule] = &[
    Rule {
        id: "publish",
        level: High,
        reason: Text { en: "publishes under the name of the owner", zh: "以所有者名义发布" },
        patterns: &["npm|yarn|pnpm publish|unpublish|deprecate|owner|access !--dry-run", "npm|yarn|pnpm npm publish", "cargo publish|yank|owner !--dry-run", "twine upload", "poetry|flit|hatch|uv|pdm publish", "gem push|yank", "mvn|mvnw|gradle|gradlew deploy|publish|release:perform", "nuget push", "dotnet nuget push", "pod trunk push", "goreleaser release !--snapshot", "vsce publish", "docker trust"],
        examples: &["npm publish", "cargo publish"],
        harmless: &["npm publish --dry-run"],
    },
    Rule {
        id: "odd-source",
        level: High,
        reason: Text { en: "installs from a source that is not the usual one", zh: "从非常规来源安装" },
        patterns: &["pip|pip3|pipx|uv install|pip --index-url|-i|--extra-index-url|--trusted-host", "pip|pip3|pipx install ~http:*|git+http:*", "npm|yarn|pnpm install|i|add --registry|~http:*", "gem install --source|-s", "cargo install --index", "apt-key add|adv", "add-apt-repository", "apt|apt-get|aptitude install --allow-unauthenticated|--force-yes", "rpm --import", "rpm --nosignature", "dpkg --force-all", "npm config set registry", "pip config set global.*", "go install ~*--insecure*"],
        examples: &["pip install --index-url http://x.example y"],
        harmless: &["pip install requests"],
    },
    Rule {
        id: "remove-system",
        level: High,
        reason: Text { en: "removes packages of the system", zh: "卸载系统软件包" },
        patterns: &["apt|apt-get|aptitude|dnf|yum|zypper remove|purge|autoremove|erase !-s|--dry-run", "dpkg|rpm -r|-P|-e|--purge|--erase|--remove", "pacman -R|-Rs|-Rns|-Rdd", "apk del", "snap remove"],
        examples: &["apt-get purge openssl"],
        harmless: &["apt-get update"],
    },
    Rule {
        id: "install",
        level: Medium,
        reason: Text { en: "installs software", zh: "安装软件" },
        patterns: &["npm|pnpm install|i|add -g|--global", "yarn global add", "apt|apt-get|aptitude|dnf|yum|zypper install|upgrade|dist-upgrade|full-upgrade|update !-s|--dry-run", "apk add|upgrade", "pacman -S|-U|-Sy|-Syu", "brew install|uninstall|upgrade|remove|tap", "snap|flatpak install", "dpkg|rpm -i|-U|--install", "gem install", "cargo install", "go install", "pipx install", "pip|pip3 install|uninstall --user|--break-system-packages|-y", "port install", "nix-env -i", "npm uninstall -g|--global", "helm repo add", "code --install-extension"],
        examples: &["npm install -g typescript"],
        harmless: &["npm ci"],
    },
];
