//! Credentials that are read or handed out.

use super::{Rule, Text};
use crate::risk::Level::{High, Medium};

/// The rules, the graver first.
pub const RULES: &[Rule] = &[
    Rule {
        id: "read-secret",
        level: High,
        reason: Text { en: "reads credentials or keys", zh: "读取凭据或密钥" },
        patterns: &[],
        examples: &["cat ~/.ssh/id_rsa", "cat /etc/shadow", "base64 < ~/.aws/credentials", "cp ~/.netrc x"],
        harmless: &["cat README.md", "ls ~/.ssh", "ssh-keygen -lf k.pub"],
    },
    Rule {
        id: "read-dotenv",
        level: Medium,
        reason: Text {
            en: "reads an environment file, which may hold secrets",
            zh: "读取可能包含密钥的环境文件",
        },
        patterns: &[],
        examples: &["cat .env"],
        harmless: &["cat .env.example"],
    },
    Rule {
        id: "print-secret",
        level: High,
        reason: Text { en: "prints credentials", zh: "输出凭据" },
        patterns: &[
            "aws sts get-session-token|assume-role|get-federation-token",
            "aws secretsmanager get-secret-value|batch-get-secret-value",
            "aws ssm get-parameter|get-parameters|get-parameters-by-path --with-decryption",
            "aws ecr get-login-password",
            "aws configure get|export-credentials",
            "aws ec2 get-password-data",
            "aws kms decrypt",
            "gcloud auth print-access-token|print-identity-token|application-default",
            "gcloud secrets versions",
            "az account get-access-token",
            "az keyvault secret show",
            "gh auth token",
            "gh auth status -t|--show-token",
            "kubectl get|describe secret|secrets|secret/* -o|--output",
            "kubectl get secret|secrets -A|--all-namespaces -o",
            "kubectl create token",
            "kubectl config view --raw",
            "vault read|kv|token",
            "security find-generic-password|find-internet-password|dump-keychain|export",
            "secret-tool lookup|search",
            "pass show",
            "op read|item",
            "bw get|export",
            "gpg|gpg2 --export-secret-keys|--export-secret-subkeys",
            "getent shadow",
            "heroku auth:token",
            "doctl auth",
            "keyring get",
            "kwallet-query",
            "npm token",
            "docker-credential-* get",
            "terraform output -json|-raw",
            "ssh-add -L !-l",
            "git credential fill",
            "git-credential-* get",
            "mimipenguin|mimikatz|lazagne|laZagne*|gitleaks|trufflehog|linpeas*|linenum*",
            "gcore",
            "unshadow",
            "openssl rsa|pkey|pkcs12 !-pubout -in",
        ],
        examples: &["aws secretsmanager get-secret-value --secret-id x", "gh auth token"],
        harmless: &["aws s3 ls", "gh auth status", "kubectl get pods"],
    },
    Rule {
        id: "search-secrets",
        level: High,
        reason: Text { en: "searches the machine for credentials", zh: "在机器上搜索凭据" },
        patterns: &[
            "find / -name|-iname|-path ~*id_rsa*|*.pem*|*password*|*credential*|*.kdbx*|*secret*|*.key|*wallet*",
            "find ~~* -name|-iname ~*id_rsa*|*.pem*|*password*|*credential*|*.kdbx*|*wallet*",
            "grep|rg|ag ~*password*|*passwd*|*secret*|*akia*|*private?key*|*begin*private* -r|-R ~/|/etc*|/home*|/var*|/root*|~~*",
        ],
        examples: &["find / -name 'id_rsa'"],
        harmless: &["grep -r password src"],
    },
    Rule {
        id: "metadata",
        level: High,
        reason: Text {
            en: "asks the cloud for the keys of this machine", zh: "向云元数据服务索取本机密钥"
        },
        patterns: &[
            "curl|wget|http|https|fetch|nc ~*169.254.169.254*|*100.96.0.96*|*metadata.google.internal*|*169.254.170.2*|*fd00:ec2::254*|*100.100.100.200*",
        ],
        examples: &["curl http://169.254.169.254/latest/meta-data/"],
        harmless: &["curl http://localhost"],
    },
];
