//! Which user pool people log in at: the one described in full, or one that is looked up by name.

use super::model::UserPool;
use super::parse::Parsed;
use crate::base::error::{Code, Error, Result};
use crate::base::secret::Secret;
use crate::base::url::Url;

/// The user pool that is configured.
#[derive(Clone, Debug)]
pub enum PoolMode {
    /// Everything is in the configuration.
    Explicit(ExplicitPool),
    /// Pool and client are resolved through the control plane.
    Dynamic(DynamicPool),
}

/// A pool whose address and client are configured.
#[derive(Clone, Debug)]
pub struct ExplicitPool {
    /// OIDC discovery base.
    pub discovery_url: Url,
    /// The OIDC client.
    pub client_id: String,
    /// Its secret; `None` is a public client with PKCE.
    pub client_secret: Option<Secret>,
    /// The registered callback.
    pub callback_url: Url,
    /// What to ask for.
    pub scope: String,
}

/// A pool and client that are known by name.
#[derive(Clone, Debug)]
pub struct DynamicPool {
    /// The pool's name.
    pub user_pool_name: String,
    /// The client's name.
    pub client_name: String,
    /// The registered callback.
    pub callback_url: Url,
    /// What to ask for.
    pub scope: String,
    /// Whether absent ones are created.
    pub auto_create: bool,
}

impl UserPool {
    /// The pool that is configured; the explicit mode wins when both are, because it needs no control-plane call.
    ///
    /// # Errors
    /// [`Code::ConfigMissing`] with all settings that the mode lacks.
    pub fn mode(&self) -> Result<PoolMode> {
        if self.discovery_url.is_some() {
            return self.explicit().map(PoolMode::Explicit);
        }
        if self.user_pool_name.is_some() || self.client_name.is_some() {
            return self.dynamic().map(PoolMode::Dynamic);
        }
        Err(Error::new(Code::ConfigMissing, "no user pool is configured").with_hint(
            "set userpool.discoveryUrl, clientId and callbackUrl, or userpool.userPoolName, clientName and \
             callbackUrl",
        ))
    }

    /// The pool of the explicit mode. A missing secret makes a public client; one that is configured but cannot be
    /// read does not.
    ///
    /// # Errors
    /// [`Code::ConfigMissing`] with all settings that are missing.
    pub fn explicit(&self) -> Result<ExplicitPool> {
        let mut missing = vec![];
        if self.client_secret.is_none() && self.client_secret_unavailable {
            missing.push("clientSecret (configured, not available)");
        }
        match (&self.discovery_url, &self.client_id, &self.callback_url) {
            (Some(discovery_url), Some(client_id), Some(callback_url)) if missing.is_empty() => {
                Ok(ExplicitPool {
                    discovery_url: discovery_url.clone(),
                    client_id: client_id.clone(),
                    client_secret: self.client_secret.clone(),
                    callback_url: callback_url.clone(),
                    scope: self.scope.clone(),
                })
            }
            (discovery_url, client_id, callback_url) => {
                missing.extend(discovery_url.is_none().then_some("discoveryUrl"));
                missing.extend(client_id.is_none().then_some("clientId"));
                missing.extend(callback_url.is_none().then_some("callbackUrl"));
                Err(lacking("explicit", &missing))
            }
        }
    }

    /// The pool of the dynamic mode.
    ///
    /// # Errors
    /// [`Code::ConfigMissing`] with all settings that are missing.
    pub fn dynamic(&self) -> Result<DynamicPool> {
        match (&self.user_pool_name, &self.client_name, &self.callback_url) {
            (Some(user_pool_name), Some(client_name), Some(callback_url)) => Ok(DynamicPool {
                user_pool_name: user_pool_name.clone(),
                client_name: client_name.clone(),
                callback_url: callback_url.clone(),
                scope: self.scope.clone(),
                auto_create: self.auto_create,
            }),
            (user_pool_name, client_name, callback_url) => {
                let mut missing = vec![];
                missing.extend(user_pool_name.is_none().then_some("userPoolName"));
                missing.extend(client_name.is_none().then_some("clientName"));
                missing.extend(callback_url.is_none().then_some("callbackUrl"));
                Err(lacking("dynamic", &missing))
            }
        }
    }
}

/// Marks a client secret that is configured but could not be read.
pub(super) fn take_note_of_pending(parsed: &mut Parsed) {
    let pending = parsed.pending.iter().any(|pending| pending.path == "userpool.clientSecret");
    parsed.config.userpool.client_secret_unavailable = pending;
}

fn lacking(mode: &str, missing: &[&str]) -> Error {
    let paths: Vec<String> = missing.iter().map(|key| format!("userpool.{key}")).collect();
    let message = format!("the {mode} user pool lacks {}", paths.join(", "));
    Error::new(Code::ConfigMissing, message)
        .with_hint("set them in the configuration; `agent-identity config check` shows what is read")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Option<Url> {
        Some(Url::parse(text).unwrap())
    }

    fn explicit() -> UserPool {
        UserPool {
            discovery_url: url("https://pool.example"),
            client_id: Some("client".into()),
            callback_url: url("http://127.0.0.1:18789/identity/oauth/callback"),
            ..UserPool::default()
        }
    }

    #[test]
    fn explicit_mode_lists_everything_that_is_missing_in_one_error() {
        let error = UserPool::default().explicit().unwrap_err();
        assert_eq!(error.code(), Code::ConfigMissing);
        assert_eq!(
            error.message(),
            "the explicit user pool lacks userpool.discoveryUrl, userpool.clientId, userpool.callbackUrl"
        );
        let error = UserPool { client_id: None, ..explicit() }.mode().unwrap_err();
        assert_eq!(error.message(), "the explicit user pool lacks userpool.clientId");
    }

    #[test]
    fn without_a_secret_the_client_is_public_but_not_when_the_secret_is_unreadable() {
        assert!(explicit().explicit().unwrap().client_secret.is_none());
        let error = UserPool { client_secret_unavailable: true, ..explicit() }.explicit().unwrap_err();
        assert!(error.message().ends_with("userpool.clientSecret (configured, not available)"), "{error}");
    }

    #[test]
    fn the_mode_follows_discovery_url_and_explicit_wins() {
        let dynamic = UserPool {
            user_pool_name: Some("people".into()),
            client_name: Some("gateway".into()),
            callback_url: explicit().callback_url,
            ..UserPool::default()
        };
        assert!(matches!(dynamic.mode(), Ok(PoolMode::Dynamic(pool)) if pool.auto_create));
        let both =
            UserPool { discovery_url: explicit().discovery_url, client_id: Some("c".into()), ..dynamic };
        assert!(matches!(both.mode(), Ok(PoolMode::Explicit(_))));
        let half = UserPool { user_pool_name: Some("people".into()), ..UserPool::default() };
        assert_eq!(
            half.mode().unwrap_err().message(),
            "the dynamic user pool lacks userpool.clientName, userpool.callbackUrl"
        );
        assert_eq!(UserPool::default().mode().unwrap_err().message(), "no user pool is configured");
    }
}
