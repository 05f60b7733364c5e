//! Credentials that are read or handed out.

use super::{Rule, Text};
use crate::risk::Level::{High, Medium};
use crate::risk::lookup::{Names, lines, list};

/// Words that one looks for who looks for credentials.
pub const SOUGHT: Names = list!(
    "password passwd secret akia private␣key private.key begin␣rsa begin␣openssh api_key apikey api-key
     aws_access token credential pwd= pass= passphrase sk- ghp_ xoxb private_key"
);

/// The rules, the graver first.
pub const RULES: &[Rule] = &[
    Rule {
        id: "read-secret",
        level: High,
        reason: Text { en: "reads credentials or keys", zh: "读取凭据或密钥" },
        patterns: "find ~/tmp*|/run*|/var/run* ~*agent.*|*ssh-* ~-not|!|-uid",
        examples: lines!(
            "cat ~/.ssh/id_rsa
             find /tmp -name 'agent.*' -not -user me
             cat /etc/shadow
             base64 < ~/.aws/credentials
             cp ~/.netrc x
             cat /srv/x/.aws/credentials"
        ),
        harmless: lines!(
            "cat README.md
             ls ~/.ssh
             ssh-keygen -lf k.pub
             cat ~/.ssh/id_ed25519.pub"
        ),
    },
    Rule {
        id: "read-dotenv",
        level: Medium,
        reason: Text {
            en: "reads or changes a file that may hold secrets",
            zh: "读取或修改可能包含密钥的文件",
        },
        patterns: "vercel|netlify env pull|env:list",
        examples: "cat .env",
        harmless: "cat .env.example",
    },
    Rule {
        id: "print-secret",
        level: High,
        reason: Text { en: "prints credentials", zh: "输出凭据" },
        patterns: lines!(
            r#"psql|mysql|mariadb|sqlite3|mycli|pgcli|mysqlsh|usql ~*mysql.user*|*pg_shadow*|*pg_authid*
                 |*authentication_string*|*rolpassword*|*from␣dba_users*|*sys.sql_logins*|*password_hash*
               mongo|mongosh|mongodb ~*system.users*|*db.getusers(*showcredentials*
               mvn|mvnw ~-dshowpasswords*
               aws sts get-session-token|get-federation-token|assume-role-with-*
               aws secretsmanager get-secret-value|batch-get-secret-value
               aws ssm get-parameter|get-parameters|get-parameters-by-path|get-parameter-history --with-decryption
               aws configure get ~*secret*|*key*|*token*
               aws configure export-credentials
               aws ec2 get-password-data
               aws kms decrypt
               aws iam get-credential-report|create-access-key|create-login-profile
               aws ecr get-login-password|get-authorization-token|get-login
               gcloud config config-helper
               az acr login --expose-token
               az webapp|functionapp config|keys appsettings|list|list-publishing-credentials
               az aks get-credentials --admin|-a
               pulumi config|stack --show-secrets
               terraform|tofu state pull
               consul kv get -recurse|~*secret*|~*password*|~*token*
               railway variables
               fly|flyctl ssh console ~env|printenv
               netlify env:get
               git config ~*extraheader*|*.token
               tdbdump|pdbedit|samba-tool|kwallet-query|kwallet-cli|gnome-keyring|mimipenguin*|mimikatz|lazagne*
                 |unshadow|hashdump|pypykatz|gcore|3snake|swap_digger|firefox_decrypt*|hackbrowserdata|chromepass
                 |keyctl|klist-export|secretdump*|systemd-ask-password|ssh-askpass|ksshaskpass|lxqt-openssh-askpass
                 |kadmin|kadmin.local|cmdkey|vaultcmd|logkeys|keysniffer|xspy|lkl|uberkey|ntdsutil|esentutl|diskshadow
               aws codeartifact get-authorization-token
               aws lambda get-function-configuration
               aws sso get-role-credentials
               aws rds generate-db-auth-token
               gcloud auth print-access-token|print-identity-token|application-default|print-refresh-token
               gcloud secrets versions access
               az account get-access-token
               az keyvault secret show
               az acr credential show
               az ad sp create-for-rbac
               ve|volcengine-cli kms|sts ~*getsecretvalue*|*assumerole*|*decrypt*
               gh auth token
               gh|glab auth status -t|--show-token
               kubectl|oc get|describe secret|secrets|secret/* -o|--output|--template !-owide|--output=name
                 |--output=wide|name|wide|~-oname|~custom-columns=*metadata.name*
               kubectl|oc get|describe secret|secrets|secret/* ~custom-columns=*.data*|custom-columns=*[data*|custom-columns=*"data*|custom-columns=*'data*
               kubectl|oc get secret|secrets|all -A|--all-namespaces -o
               kubectl|oc create token
               kubectl|oc config view --raw
               kubectl|oc exec|get ~*/var/run/secrets*|*serviceaccount/token*
               oc whoami -t|--show-token
               vault read
               vault kv get !metadata
               etcdctl get --prefix|--from-key|~*secret*
               npm|yarn|pnpm config get ~*authtoken*|*_auth*|*_password*
               ldapsearch ~*ms-mcs-admpwd*|*ntpassword*
               security export|unlock-keychain|cms|find-*password|find-key|dump-*
               op read|item|document !list
               bw get|export|list|unlock
               lpass show|export
               keepassxc-cli show|export|clip
               gpg|gpg2 --export-secret-keys|--export-secret-key|--export-secret-subkeys
               getent shadow|gshadow
               heroku auth:token|config|pg:credentials:url|authorizations:create
               heroku config:get ~*key*|*secret*|*token*|*pass*|*_url|*dsn*|*cred* !~node_env|rails_env|rack_env|port|lang
               doctl auth list
               keyring get
               npm token create|list
               docker-credential-* get|list
               git credential fill|approve
               git credential-* get
               terraform output -json|-raw ~*secret*|*password*|*token*|*key*
               sops -d|--decrypt|decrypt|exec-env
               ansible-vault view|decrypt
               age|rage -d
               chamber read|export|env
               doppler secrets
               infisical secrets|export
               read ~*?sudo?*password*|*password␣for␣*
               airflow connections|variables ~get|export|-o|--output*
               zenity|kdialog|yad|dialog|whiptail --password|--passwordbox|--insecure|--entry --password|--passwordbox|--hide-text
               cat|strings|xxd|hexdump|od|head|tail|cp|grep|dd|ddrescue|partclone* ~/dev/sd*|/dev/nvme*|/dev/vd*
                 |/dev/xvd*|/dev/dm-*|/dev/mapper/*|/dev/disk*|/dev/mmcblk*|if=/dev/sd*|if=/dev/nvme*|if=/dev/vd*
                 |if=/dev/xvd*|if=/dev/dm-*|if=/dev/mapper/*|if=/dev/disk*|if=/dev/mmcblk*
               sqlite3 ~*login␣data*|*logins*|*cookies.sqlite*|*key4.db*|*/cookies*
               ssh-keygen -y|-p
               wg showconf|show !interfaces|latest-handshakes
               pm2 env
               rclone config show|dump
               rclone reveal
               docker|podman inspect ~*.config.env*
               xinput test*
               tcpdump ~*port␣21*|*password*|*port␣110*
               nmcli -s|--show-secrets|~*psk*|~*wep-key*
               kubectl|oc|kubecolor get|describe secrets/*|secret,*|*,secret|*,secrets|secrets,* -o|--output|--template
               kubectl|oc view-secret|modify-secret|extract|decode-secret
               kubectl|oc get ~--raw*secrets*|*/secrets
               kubeseal --recovery-unseal
               helm secrets view|decrypt|dec
               aws cognito-identity|redshift|iot|lightsail|ecr-public get-credentials-for-identity
                 |get-cluster-credentials|create-keys-and-certificate|download-default-key-pair
                 |get-instance-access-details|get-bucket-access-keys|get-relational-database-master-user-password
               aws ec2 describe-instance-attribute ~userdata
               gcloud kms decrypt|asymmetric-decrypt
               gcloud iam service-accounts sign-jwt|sign-blob
               gcloud sql generate-login-token
               az cosmosdb|redis|servicebus|eventhubs|iot|search|cognitiveservices|batch|maps|signalr|functionapp
                 |webapp|appconfig|storage keys|list-keys|list-connection-strings|admin-key|authorization-rule
                 |show-connection-string|credential|connection-string|account|deployment ~list-keys
                 |list-connection-strings|show-connection-string|list-publishing-profiles|generate-sas|keys|key
               az keyvault secret|key|certificate backup|download
               consul acl token|bootstrap
               consul kv export
               nomad acl|operator bootstrap|keyring
               rbw get|unlock|dump
               dcl|keeper|proton-pass|pass-cli|enpass password|get|p|note|show|export
               secret-tool lookup|search|print|read|pipe|dump|show
               netsh wlan ~key=clear|export
               reg save
               reg query|export ~*sam|*winlogon*|*putty*|*\\lsa*
               get-credential|convertfrom-securestring|chainbreaker|gsecdump|pwdump*|fgdump|nanodump|dumpert|creddump*
                 |getnpusers*|getuserspns*|dploot|donpapi|hekatomb|sharpdpapi|sharpchrome|cookiemonster|firepwd*
                 |snaffler|keefarce|arecord|parecord|fswebcam|imagesnap|slapcat|dsexport|evtest|evemu-record|showkey
                 |input-events|libinput-debug-events
               glab config get ~token
               git config --get-regexp|--get ~*token*|*password*
               fly|flyctl auth|tokens token|create
               dokku config:show|config:export
               cf env|oauth-token|service-key
               eb printenv
               neonctl connection-string
               turso db|auth tokens|token
               firebase functions:config:get|login:ci|auth:export
               argocd account|admin generate-token|initial-password
               eyaml decrypt|edit
               knife vault show|decrypt
               ffmpeg ~x11grab|avfoundation|/dev/video0|/dev/fb0
               xwd|import -root
               docker|podman run|exec|cp ~/proc/1/environ|*:/run/secrets*
               gpg-connect-agent ~*export_key*|*preset*
               ps eww|auxeww|auxe|axeww|axe|e|auxewww|axeo|eaux|ewwaux|axuewww
               op|doppler|infisical|aws-vault|chamber|teller|envchain|summon|sops|berglas|fnox|envkey-source run|exec|exec-env|- ~env|printenv|set|export
               pass|gopass|passage|pass-otp !git|ls|list|find|search|grep|init|insert|generate|edit|rm|mv|cp|help
                 |version|ln|recipients|audit|config|sync|setup|clone|fsck|~--help|~--version ~[a-z0-9]*
               akeyless|conjur|berglas|knox|secrethub|vlt|kpcli|pwsafe|dcli|bws|psono|keybase|confidant|credstash
                 |unicreds|biscuit|ssm-env|torus|strongbox|kamus|keywhiz.cli|titus|passhole|ph|sunbeam|kp get|access
                 |read|getall|show|variable|secret|decrypt|get-secret-value|retrieve|list|p|fs|print|export|item
               netlify env:list --plain|--json
               ldbsearch|ldapsearch ~-l|-n|-b|-s|userpassword|*unixpwd*|-f|-a
               rails|bundle credentials:show|credentials:edit|secrets:edit|encrypted:show
               wp config|option|eval|user get|list|list-tokens ~*password*|*secret*|*auth_key*|*salt*|*db_*
               drush ~*password*|sql:conf|sql-conf|sql:connect|sql-connect|uli|user:login
               docker swarm join-token|unlock-key
               artisan|php ~*config(*|*env(* ~*dump(config*|*dd(config*|*echo␣env(*|*dump(env*|*dd(env*
               step ca|crypto|oauth|kms --bare|token|jwk|jwt|sign|export ~token|--bare|*private*
               airflow connections|variables export|get
               import|scrot|maim|grim|gnome-screenshot|xwd ~-window ~root
               helm get values|all|manifest ~--all|*secret*
               docker|podman|kubectl|oc|docker-compose|nerdctl exec|run ~*shadow|*/run/secrets/*
                 |*serviceaccount/token*|/proc/*/environ|*id_rsa*|*/.aws/*|/etc/secrets*|/vault/secrets*
               @other-clouds ~*kubeconfig*|*getsecret*|decrypt|describe*password*|getparameter* !~delete*
               osascript ~*keychain*|*password*display*dialog*|*display␣dialog*password*|*hidden*
               aws lambda list-functions|get-function|list-aliases ~*environment*
               aws ecs|batch|codebuild|apprunner|elasticbeanstalk|amplify|glue|sagemaker|apigateway
                 |appconfig describe-task-definition|describe-job-definitions|batch-get-projects|describe-service
                 |describe-configuration-settings|get-app|get-branch|get-job|get-connection*|get-api-keys
                 |describe-training-job ~*environment*|*secret*|*.env*|*connectionproperties*|--include-value*
                 |--no-hide-password
               aws glue get-connection|get-connections !--hide-password
               gcloud functions|run|app|composer describe|instances|services|versions ~*env*|--format=export*|*secret*
               aliyun|ve cs|vke ~*user_config*|*kubeconfig*|*userconfig*
               curl|http|xh|wget ~*x-vault-token* ~*/v1/secret/*|*/v1/kv/*|*/v1/database/creds/*|*/v1/aws/creds/*
                 |*/v1/ssh/*|*/v1/pki/issue/*|*/v1/auth/token/create*
               vercel|now env pull|ls ~production|--environment=production|--decrypt*|.env.production*
               cast wallet ~private-key|decrypt-keystore|pk
               bitcoin-cli|litecoin-cli|dogecoin-cli|zcash-cli|namecoin-cli ~dumpprivkey|dumpwallet|listdescriptors|z_exportkey|backupwallet|gethdkeys
               electrum|electron-cash ~getseed|getprivatekeys|getmpk
               subkey|solana-keygen|gaiad|osmosisd|tezos-client|octez-client|geth|clef|ethkey ~recover|export|inspect|--unsafe|-s|--show-secret|--private ~*
               dscl ~-read|read|-readall|readall ~*shadowhashdata*|*authenticationauthority*|*dsattrtypenative*
               plutil|defaults ~/var/db/dslocal/*|*shadowhash*|*kcpassword*
               screencapture -x|-C|-T|-v|/private/tmp/*|/var/tmp/*|~/tmp/*|~~/.*
               osascript ~*the␣clipboard*|*nspasteboard*|*document.cookie*|*keystroke*password*
                 |*get␣value␣of*password* ~*display*|*nspasteboard*|*document.cookie*|*password*
               security smartcards|item-* ~-p|token ~-a|-z
               crictl|ctr|nerdctl|docker|podman|kubectl|oc|xargs exec|run|crictl|kubectl|docker|nerdctl ~*root_token*
                 |*/vault/data*|*/vault/file*|*/.vault-token|*/etc/kubernetes/*.conf|*/admin.conf|*/pki/*.key
                 |*/tls/*.key|*/run/secrets/*|*serviceaccount/token*|*id_rsa*|*.aws/*|*/etc/shadow|*.kube/config*
               supabase|railway|render|fly|flyctl|heroku|netlify|vercel|doppler|wrangler|eas projects|variables|env
                 |secrets|config|env:list|apikeys|api-keys|service ~api-keys|--json|--kv|-s|--shell|--plain|list
                 |download|--reveal|pull|--include-sensitive* ~--kv|--plain|download|--reveal|api-keys|-s|--shell
                 |--include-sensitive*|--project-ref*
               neonctl|pscale|turso|atlas|mongocli connection-string|password|credentials|dbusers|auth ~create|show|--pooled|token|api-token*|*prod*|main
               curl|http|xh|wget ~*/api/v4/projects/*/variables*|*/api/v4/groups/*/variables*|*/npm/v1/tokens*
                 |*/v1/projects/*/api-keys*|*/v1/secrets*|*/secrets/*/versions/*:access*
                 |*/api/v1/namespaces/*/secrets*|*/config-vars* !~*localhost*|*127.0.0.1*
               glab variable export|get"#
        ),
        examples: lines!(
            "aws secretsmanager get-secret-value --secret-id x
             gh auth token
             kubectl get secret a -o yaml
             aws lambda list-functions --query 'Functions[].Environment.Variables'"
        ),
        harmless: lines!(
            r#"aws s3 ls
               gh auth status
               kubectl get pods
               echo "$(gh auth token)" | docker login --password-stdin
               aws lambda list-functions"#
        ),
    },
    Rule {
        id: "print-credential",
        level: High,
        reason: Text {
            en: "prints a variable that is named like a credential",
            zh: "输出名称疑似凭据的环境变量",
        },
        patterns: "",
        examples: lines!(
            "echo $AWS_SECRET_ACCESS_KEY
             printenv GITHUB_TOKEN"
        ),
        harmless: lines!(
            r#"echo $HOME
               echo "$TOKEN" | docker login --password-stdin"#
        ),
    },
    Rule {
        id: "search-secrets",
        level: High,
        reason: Text { en: "searches the machine for credentials", zh: "在机器上搜索凭据" },
        patterns: lines!(
            "find|fd|locate|mdfind ~/|~~*|/home*|/root*|/etc*|/var*|/opt*|/srv*|/users*|/mnt* ~*id_rsa*|*.pem|*.ppk
               |*password*|*credential*|*.kdbx*|*secret*|*.key|*wallet*|*.env|.env*|*.p12|*.pfx|.netrc|.aws|*.ovpn
               |*token*|authorized_keys|.pgpass|shadow*|*.kube*|*.ssh|.npmrc|id_*|.htpasswd|*.jks|*_history
             locate|plocate|mlocate|mdfind ~*id_rsa*|*.pem|*password*|*credential*|*.kdbx|*wallet*|*.key|.env|shadow
             find|fd ~/|~~*|/home*|/root*|/etc*|/var*|/opt*|/srv* ~*passwd*|*creds*|*backup*|*.sql|*.bak|*.kdb
               |*.keytab|*.gpg|*.asc|*vault*|*config.json|*.tfstate|*.tfvars|*keystore* -exec ~cat|cp|grep|tar|curl
               |scp|base64|xargs
             git log|grep|rev-list -S|-G|-p|--patch ~*password*|*secret*|*akia*|*token*|*private␣key* ~--all
             gitleaks|trufflehog|noseyparker|detect-secrets|ggshield|whispers|kingfisher|titus|ripsecrets ~/|/home*
               |/etc*|~~|~~/*|/root*|/srv*|/opt*|/var*|file:///*|filesystem␣/*"
        ),
        examples: lines!(
            "find / -name 'id_rsa'
             grep -ri password /etc"
        ),
        harmless: lines!(
            "grep -r password src
             find . -name '*.pem'"
        ),
    },
    Rule {
        id: "metadata",
        level: High,
        reason: Text {
            en: "asks the cloud for the keys of this machine", zh: "向云元数据服务索取本机密钥"
        },
        patterns: "ec2-metadata|ec2metadata",
        examples: lines!(
            "curl http://169.254.169.254/latest/meta-data/
             curl http://100.96.0.96/latest/"
        ),
        harmless: "curl http://localhost",
    },
];
