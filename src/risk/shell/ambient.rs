//! What variables hold that the text does not set, and which of them are named like credentials.

use super::particulars::says_production;
use crate::risk::lookup::{Names, list};
use crate::risk::value::Origin;

/// What a variable holds that the text does not set; `None` when nothing is known of it.
pub(super) fn ambient(name: &str) -> Option<String> {
    Some(
        match name {
            "HOME" => "~",
            "PWD" | "OLDPWD" | "GITHUB_WORKSPACE" | "CI_PROJECT_DIR" | "INIT_CWD" => "./",
            "TMPDIR" | "TMP" | "TEMP" | "RUNNER_TEMP" | "XDG_RUNTIME_DIR" => "/tmp/tmp",
            "XDG_CONFIG_HOME" => "~/.config",
            "XDG_CACHE_HOME" => "~/.cache",
            "IFS" => " \t\n",
            "SHELL" | "BASH" => "/bin/bash",
            "!" | "$" | "PPID" | "BASHPID" => "4711",
            "#" | "?" | "RANDOM" | "LINENO" | "SECONDS" | "SHLVL" => "0",
            "UID" | "EUID" => "1000",
            "-" => "hB",
            "0" | "BASH_SOURCE" => "./scripts/bash",
            "OSTYPE" => "linux-gnu",
            _ => return None,
        }
        .to_owned(),
    )
}

/// What an unknown variable of this name may hold.
pub(super) fn unknown(name: &str) -> Origin {
    let kept = if STRONG.contains(name) {
        Origin::CREDENTIAL | Origin::SECRET
    } else if is_credential(name) {
        Origin::CREDENTIAL
    } else {
        Origin::UNKNOWN
    };
    if says_production(name) { kept | Origin::LIVE } else { kept }
}

/// Variables that hold the keys to a whole account.
const STRONG: Names = list!(
    "AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN GITHUB_TOKEN GH_TOKEN GITLAB_TOKEN NPM_TOKEN NODE_AUTH_TOKEN
     VAULT_TOKEN SSH_PRIVATE_KEY OPENAI_API_KEY ANTHROPIC_API_KEY VOLCENGINE_SECRET_KEY VOLC_SECRETKEY
     AZURE_CLIENT_SECRET GOOGLE_APPLICATION_CREDENTIALS_JSON DIGITALOCEAN_TOKEN CLOUDFLARE_API_TOKEN
     PYPI_TOKEN CARGO_REGISTRY_TOKEN DOCKER_PASSWORD DB_PASSWORD DATABASE_PASSWORD
     ALIBABA_CLOUD_ACCESS_KEY_SECRET"
);

/// Whether a variable is named like a credential.
pub(in crate::risk) fn is_credential(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let ends =
        ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "API_KEY", "APIKEY", "ACCESS_KEY", "PRIVATE_KEY", "_PAT"];
    ends.iter().any(|end| upper.ends_with(end))
        || ["SECRET_", "SECRETS", "CREDENTIAL", "PASSPHRASE", "PRIVATE_KEY", "CREDS"]
            .iter()
            .any(|part| upper.contains(part))
}
