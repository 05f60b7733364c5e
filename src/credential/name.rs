//! Which environment names may hold a credential, and which may be imported from this process's own environment.
//!
//! Pure. The deny list is checked when a binding is made and again before it is used, because the file can be edited.

use crate::base::error::{Code, Error, Result};

/// Bytes that a name may have.
pub const MAX_NAME_BYTES: usize = 128;

/// Families of names that change how programs load or start.
const DENIED_PREFIXES: [&str; 6] = ["LD_", "DYLD_", "BASH_FUNC_", "GIT_CONFIG_", "NPM_CONFIG_", "OPENCLAW_"];
/// Single names that do.
const DENIED_NAMES: [&str; 52] = [
    "JAVA_TOOL_OPTIONS",
    "_JAVA_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "MAVEN_OPTS",
    "CLASSPATH",
    "PATH",
    "HOME",
    "SHELL",
    "SHELLOPTS",
    "IFS",
    "PS4",
    "PROMPT_COMMAND",
    "ZDOTDIR",
    "NODE_OPTIONS",
    "NODE_PATH",
    "BASH_ENV",
    "ENV",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONSTARTUP",
    "PERL5OPT",
    "PERL5LIB",
    "RUBYOPT",
    "RUBYLIB",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_ASKPASS",
    "SSH_ASKPASS",
    "GIT_EXTERNAL_DIFF",
    "EDITOR",
    "VISUAL",
    "PAGER",
    "GIT_EDITOR",
    "GIT_PAGER",
    "GOFLAGS",
    "RUSTC_WRAPPER",
    "LUA_INIT",
    "PHPRC",
    "XDG_CONFIG_HOME",
    "AWS_CONFIG_FILE",
    "GCONV_PATH",
    "GLIBC_TUNABLES",
    "DOTNET_STARTUP_HOOKS",
    "LESSOPEN",
    "PYTHONBREAKPOINT",
    "GIT_PROXY_COMMAND",
    "GIT_EXEC_PATH",
    // Further names of the same kind: each is a file or command that a program runs when it starts.
    "RUSTC_WORKSPACE_WRAPPER",
    "GIT_TEMPLATE_DIR",
    "LESSCLOSE",
    "PERL5DB",
    "BASHOPTS",
];
/// Families that belong to this service, the gateway and their platform keys.
const IMPORT_DENIED_PREFIXES: [&str; 4] = ["VOLCENGINE_", "OPENCLAW_", "RUNTIME_IAM_", "AGENT_IDENTITY_"];
const IMPORT_DENIED_SUFFIX: &str = "_GATEWAY_TOKEN";
/// Keys of model providers.
const IMPORT_DENIED_NAMES: [&str; 4] =
    ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "ARK_API_KEY"];
/// Names for which newer OpenClaw hosts refuse a whole exec call.
const HOST_BLOCKED_NAMES: [&str; 25] = [
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "GITLAB_TOKEN",
    "NPM_TOKEN",
    "NODE_AUTH_TOKEN",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "DATABASE_URL",
    "REDIS_URL",
    "MONGODB_URI",
    "AMQP_URL",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "KUBECONFIG",
    "DOCKER_HOST",
    "SSH_AUTH_SOCK",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];
const HOST_BLOCKED_PREFIXES: [&str; 2] = ["CARGO_REGISTRIES_", "TF_VAR_"];

/// Checks a name for a binding.
///
/// # Errors
/// `InvalidRequest` with the rule or the reason.
pub fn check(name: &str) -> Result<()> {
    if !is_portable(name) {
        let rule = "an environment name must match ^[A-Za-z_][A-Za-z0-9_]*$";
        return Err(Error::new(
            Code::InvalidRequest,
            format!("{rule} and have at most {MAX_NAME_BYTES} bytes"),
        )
        .with_hint("use letters, digits and underscores, for example GOOGLE_ACCESS_TOKEN"));
    }
    if is_denied(name) {
        let message = format!("{name} cannot hold a credential: it changes how programs load or start");
        return Err(Error::new(Code::InvalidRequest, message)
            .with_hint("choose another name, for example GOOGLE_ACCESS_TOKEN"));
    }
    Ok(())
}

/// Whether a name's value may be imported from this process's environment. `allowed` are exact names that the operator
/// let through, `referred` those that the gateway's own configuration reads.
///
/// # Errors
/// `Forbidden` with the reason.
pub fn check_import(name: &str, allowed: &[String], referred: &[String]) -> Result<()> {
    let fenced = is_one_of(name, &IMPORT_DENIED_PREFIXES, &IMPORT_DENIED_NAMES)
        || name.to_ascii_uppercase().ends_with(IMPORT_DENIED_SUFFIX)
        || referred.iter().any(|other| other.eq_ignore_ascii_case(name));
    if !fenced || allowed.iter().any(|exact| exact == name) {
        return Ok(());
    }
    let message = format!("{name} cannot be imported: it is a key of the gateway itself or of its models");
    Err(Error::new(Code::Forbidden, message).with_hint(format!(
        "fetch the provider's credential first, or add {name:?} to identity.bindingImportAllow"
    )))
}

/// Whether newer hosts refuse exec calls that have this name in their environment.
#[must_use]
pub fn is_host_blocked(name: &str) -> bool {
    is_one_of(name, &HOST_BLOCKED_PREFIXES, &HOST_BLOCKED_NAMES)
}

fn is_denied(name: &str) -> bool {
    is_one_of(name, &DENIED_PREFIXES, &DENIED_NAMES)
}

fn is_portable(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= MAX_NAME_BYTES
        && bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Letter case does not count: some programs and every Windows host ignore it.
fn is_one_of(name: &str, prefixes: &[&str], names: &[&str]) -> bool {
    let upper = name.to_ascii_uppercase();
    names.contains(&upper.as_str()) || prefixes.iter().any(|prefix| upper.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_rule_holds_for_the_whole_text_and_the_error_quotes_it() {
        for name in ["A", "_", "a1", "GOOGLE_ACCESS_TOKEN", "OPENAI_API_KEY", "GITHUB_TOKEN", "my_Token2"] {
            assert!(check(name).is_ok(), "{name}");
        }
        assert!(check(&"A".repeat(MAX_NAME_BYTES)).is_ok());
        let long = "A".repeat(MAX_NAME_BYTES + 1);
        for name in ["", "1A", "A-B", "A B", " A", "A\n", "A=B", "A.B", "Ä", "名", "A\0", long.as_str()] {
            let error = check(name).unwrap_err();
            assert!(error.message().contains("^[A-Za-z_][A-Za-z0-9_]*$"), "{name:?}");
        }
    }

    #[test]
    fn names_that_change_how_programs_start_are_refused_in_every_letter_case() {
        let members = DENIED_PREFIXES.map(|prefix| format!("{prefix}X"));
        for name in DENIED_NAMES.into_iter().chain(members.iter().map(String::as_str)) {
            for name in [name.to_owned(), name.to_lowercase()] {
                let error = check(&name).unwrap_err();
                assert!(error.message().contains(&name), "{name}");
                assert!(error.message().contains("changes how programs load or start"), "{name}");
                assert!(error.hint().unwrap().contains("choose another name"), "{name}");
            }
        }
        // Near misses are names like any other.
        for name in ["LD", "MY_PATH", "PATH_TOKEN", "EDITOR_KEY", "ENVIRONMENT", "HOMEPAGE"] {
            assert!(check(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn the_gateways_own_keys_are_not_imported_unless_allowed_by_their_exact_name() {
        let referred = ["MY_MODEL_KEY".to_owned()];
        for name in [
            "VOLCENGINE_ACCESS_KEY",
            "volcengine_secret_key",
            "OPENCLAW_X",
            "RUNTIME_IAM_ROLE_TRN",
            "AGENT_IDENTITY_KEY_FILE",
            "FOO_GATEWAY_TOKEN",
            "OPENAI_API_KEY",
            "ANTHROPIC_API_KEY",
            "Gemini_Api_Key",
            "ARK_API_KEY",
            "MY_MODEL_KEY",
        ] {
            let error = check_import(name, &[], &referred).unwrap_err();
            assert_eq!(error.code(), Code::Forbidden, "{name}");
            assert!(error.hint().unwrap().contains("identity.bindingImportAllow"), "{name}");
            assert!(check_import(name, &[name.to_owned()], &referred).is_ok(), "{name}");
            assert!(check_import(name, &["OTHER".to_owned()], &referred).is_err(), "{name}");
        }
        assert!(check_import("OPENAI_API_KEY", &["openai_api_key".to_owned()], &[]).is_err());
        assert!(check_import("SLACK_TOKEN", &[], &referred).is_ok());
    }

    #[test]
    fn names_that_hosts_refuse_are_known() {
        for name in ["GITHUB_TOKEN", "gh_token", "AWS_SESSION_TOKEN", "TF_VAR_x", "CARGO_REGISTRIES_A_TOKEN"]
        {
            assert!(is_host_blocked(name) && check(name).is_ok(), "{name}");
        }
        for name in ["OPENAI_API_KEY", "GOOGLE_ACCESS_TOKEN", "MY_GITHUB_TOKEN"] {
            assert!(!is_host_blocked(name), "{name}");
        }
    }
}
