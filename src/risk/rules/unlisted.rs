//! What a program that no table knows would do, by the words that command lines of its shape have:
//! `tool resource verb --flags`. The words are here; `risk/verbs.rs` reads command lines by them.

use super::{Rule, Text};
use crate::risk::Level::{High, Medium};
use crate::risk::lookup::{Names, lines, list};

/// Verbs after which what was there is gone.
pub const DESTROYS: Names = list!(
    "destroy wipe erase zap nuke obliterate shred purge deleteall removeall rmr rmpool unmerge drop dropdb
     dropall truncate terminate undefine decommission expunge userdel groupdel cleanse flushall flushdb
     annihilate overwrite reformat newfs mkfs luksformat sqlflush killall poweroff powerdown poweredoff
     forceoff reboot shutdown halt seal debootstrap"
);

/// Verbs that take something away; for good when they are forced, or when it is shared.
pub const REMOVES: Names = list!(
    "delete del remove rm reset clear flush revoke unregister deregister forget expire prune uninstall
     disable drain detach evict kill cancel retire rollback restore clean cleanup abandon disconnect discard
     downgrade gc factoryreset init format overwrite trash empty unpublish yank"
);

/// What is shared, or kept for others.
pub const SHARED: Names = list!(
    "database databases db schema keyspace namespace namespaces cluster clusters volume volumes bucket
     buckets snapshot snapshots backup backups account accounts org organization organisation project
     projects repository repositories repo topic topics queue queues stream table tables collection index
     indices disk disks pool zone vm vms instance instances server servers droplet linode machine machines
     node nodes host hosts secret secrets key keys policy role tenant dataset vault domain domains recordset
     dns record partition user users group groups member members mailbox realm vhost site stack service
     services deployment registry image app apps connection connections credential credentials token
     certificate store kv fs filesystem subvolume lv vg osd vd ld array dag dags pipeline model models
     experiment artifact artifacts index-pattern variable variables object objects firewall rule rules lease
     stanza core ns board boards channel channels workspace wiki all everything"
);

/// Words and options with which nothing is asked any more, or everything is meant.
pub const FORCES: Names = list!(
    "-f -force --force -y --yes --assume-yes --assumeyes --confirm --confirmed --no-confirm --noconfirm --noinput
     --no-input --no-prompt --no-prompts --noprompt --non-interactive --auto-approve --autoapprove
     --skip-confirmation --all -A --purge --recursive --cascade --permanent --permanently --everything
     --hard --destroy -rf -fr -ff --batch --skip-trash --include-files force forced everything force=yes
     force=true confirm=true confirm=yes yes all *"
);

/// Words behind which others are only names, or nothing is changed.
pub const HARMLESS: Names = list!(
    "get list ls show describe search find help info check explain test log logs history status version lint
     validate plan diff run exec build add new create set grep query view print echo say send post comment
     open edit watch start up fmt scan analyze ask prompt chat why man tutor simulate complete cache eval
     bench install export import get-property"
);

/// Tools that work on the project, on its dependencies, or on text: what they remove can be made again.
pub const LOCAL: Names = list!(
    "npm npx yarn pnpm bun bunx node deno corepack cargo rustup rustc make gmake cmake ninja meson bazel
     bazelisk buck buck2 pants gradle gradlew mvn mvnw ant sbt lein mix rebar3 cabal stack opam dune zig go
     dotnet nuget pod flutter dart melos fvm swift xcodebuild xcrun simctl expo eas ng nx turbo lerna rush
     vite webpack rollup esbuild parcel gulp grunt jest vitest mocha cypress playwright pytest rspec phpunit
     bats ctest tox nox coverage poetry pipenv pdm hatch rye uv uvx pip pip3 pipx conda mamba micromamba
     pyenv rbenv nvm fnm volta asdf mise sdk jenv nodenv bundle bundler gem composer artisan symfony just
     task invoke fab doit pre-commit husky lefthook ruff black isort mypy prettier eslint tsc biome
     stylelint shfmt gofmt clang-format jupyter nbstripout git gh hub jj hg svn fossil sl arc kind k3d
     colima limactl tilt skaffold devspace telepresence minikube podman-compose tmux screen zellij
     goreleaser brew adb emulator avdmanager sdkmanager fastlane tput reset stty tset jq yq gojq dasel
     xmlstarlet xmllint awk sed perl python python3 ruby php lua bash sh zsh dash ksh fish psql mysql
     mariadb sqlite3 redis-cli mongosh mongo cqlsh duckdb curl wget http https xh httpie ssh scp rsync
     openclaw agent-identity claude codex gemini aider llm ollama code cursor codium vim nvim vi nano emacs
     ed expect dialog gum fzf bat delta pandoc latexmk mkdocs hugo jekyll storybook changeset release-it
     semantic-release todo.sh todo jira linear man apropos yes ccache sccache direnv stow chezmoi conan
     vcpkg spack xmake premake5 qmake protoc buf openapi-generator swag hadolint tflint checkov trivy act
     dagger earthly wasm-pack trunk rails rake mutagen watchman systemctl cat tee head tail less wc sort
     uniq tr cut paste diff cmp comm cp mv install tar zip unzip dd supabase mkdir docker-compose sleep
     explainshell sudo doas env docker podman nerdctl kubectl oc helm terraform tofu aws gcloud az"
);

/// Words for those who may do everything.
pub const RULERS: Names = list!(
    "admin admins administrator administrators owner root superuser superadmin super_admin super-admin
     sysadmin system-admin sysdba dba cluster-admin cluster_admin domain␣admins enterprise␣admins org-admin
     orgadmin wheel sudo administratoraccess poweruseraccess roles/owner roles/editor manage␣all-resources
     global␣administrator kdcadmin"
);

/// Verbs by which somebody gets rights.
pub const GRANTS: Names = list!(
    "add create grant assign attach bind put promote append addmem addmember addmembers join invite register
     useradd adduser elevate set update"
);

/// Verbs by which something is opened to others.
pub const OPENS: Names = list!("share sharing permission permissions acl visibility expose link");

/// Words for whoever comes.
pub const EVERYBODY: Names =
    list!("anyone everyone everybody anonymous public world allusers public-read public-read-write");

/// Words with which sentences begin and no command does.
pub const SENTENCES: Names = list!(
    "a an the does do did is are was how why what when where who should can could would will must may it
     this that these we you i if please explain describe write never not no"
);

/// Verbs that show what is kept.
pub const REVEALS: Names = list!(
    "get show print export dump reveal decrypt view read access fetch cat retrieve download display extract
     copy pull describe env unwrap cleartext"
);

/// Verbs that make something new.
pub const ISSUES: Names = list!("create new issue generate mint rotate add gen");

/// What opens doors.
pub const CREDENTIALS: Names = list!(
    "secret secrets token tokens password passwords passwd passphrase credential credentials creds apikey
     apikeys api-key api-keys api_key access-key access-keys accesskey access_key private-key privatekey
     service-key service-account-key connection-string kubeconfig keytab masterkey recovery-key
     recovery-codes cookies"
);

/// The rules, the graver first.
pub const RULES: &[Rule] = &[
    Rule {
        id: "named-destroy",
        level: High,
        reason: Text {
            en: "by its own words destroys something for good",
            zh: "按其命令字面会不可逆地销毁数据",
        },
        patterns: "openclaw|clawdbot|moltbot reset|uninstall",
        examples: lines!(
            "sometool cluster destroy c1
             sometool backups delete --all --yes
             sometool wipe-disk /dev/sdb
             anycli storage:bucket:delete logs -f
             anycli --delete-all
             acme-delete-records --input all.json"
        ),
        harmless: lines!(
            "sometool list --deleted
             sometool cache purge
             npm cache clean --force
             make clean
             sometool explain destroy
             sometool cluster delete c1 --dry-run"
        ),
    },
    Rule {
        id: "named-remove",
        level: Medium,
        reason: Text { en: "by its own words removes something", zh: "按其命令字面会删除内容" },
        patterns: "",
        examples: "sometool widget delete w1",
        harmless: "sometool widget list",
    },
    Rule {
        id: "named-grant",
        level: High,
        reason: Text {
            en: "by its own words opens something to everybody, or gives somebody the rights of an administrator",
            zh: "按其命令字面会向所有人开放内容或授予管理员权限",
        },
        patterns: "",
        examples: lines!(
            "sometool users create --role=Admin -u x
             sometool group add-member admins bob
             sometool drive share a --type anyone"
        ),
        harmless: lines!(
            "sometool users list --role admin
             gh issue create --assignee admin"
        ),
    },
    Rule {
        id: "named-secret",
        level: High,
        reason: Text {
            en: "by its own words prints or makes credentials",
            zh: "按其命令字面会输出或创建凭据",
        },
        patterns: "",
        examples: lines!(
            "sometool secrets get db
             sometool token create --ttl 0
             anycli get-credentials-as-xml"
        ),
        harmless: lines!(
            "sometool secrets list
             gh secret list"
        ),
    },
];
