//! Codes, access tokens and refresh tokens, and the family that ties together what came from one login.
//!
//! The invariant: a code or refresh token used twice ends its whole family (RFC 6749 section 4.1.2, RFC 9700
//! section 4.14.2).

use std::time::Duration;

use super::super::world::random_id;
use crate::base::bounded::BoundedMap;
use crate::base::error::Result;
use crate::base::time::Timestamp;

/// Codes and tokens of each kind remembered at most.
const MAX_EACH: usize = 1000;

/// What a user agreed to in one login.
#[derive(Debug, Clone)]
pub(in super::super) struct Login {
    /// Everything that came from this login carries it.
    pub family: String,
    /// The client it is for.
    pub client_id: String,
    /// The user's name.
    pub user: String,
    /// The scopes, separated by spaces.
    pub scope: String,
    /// When the user logged in.
    pub at: Timestamp,
}

impl Login {
    /// Whether a scope is among those granted.
    pub(in super::super) fn has_scope(&self, scope: &str) -> bool {
        self.scope.split(' ').any(|s| s == scope)
    }
}

/// An authorization code and what it is bound to.
#[derive(Debug, Clone)]
pub(in super::super) struct CodeGrant {
    /// The login.
    pub login: Login,
    /// The address it was sent to.
    pub redirect_uri: String,
    /// The PKCE challenge, if one was given.
    pub challenge: Option<String>,
    /// The nonce for the id_token.
    pub nonce: Option<String>,
    /// When it ends.
    pub expires: Timestamp,
}

#[derive(Debug, Clone)]
struct TokenGrant {
    login: Login,
    expires: Timestamp,
    used: Option<Timestamp>,
}

/// All of them.
#[derive(Debug)]
pub(in super::super) struct Grants {
    codes: BoundedMap<String, (CodeGrant, bool)>,
    access: BoundedMap<String, TokenGrant>,
    refresh: BoundedMap<String, TokenGrant>,
}

impl Default for Grants {
    fn default() -> Self {
        Self {
            codes: BoundedMap::new(MAX_EACH),
            access: BoundedMap::new(MAX_EACH),
            refresh: BoundedMap::new(MAX_EACH),
        }
    }
}

impl Grants {
    /// Makes a code.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub(in super::super) fn add_code(&mut self, grant: CodeGrant) -> Result<String> {
        let code = random_id("code-", 32)?;
        self.codes.insert(code.clone(), (grant, false));
        Ok(code)
    }

    /// Uses a code up; `None` when it is unknown, used, or expired.
    pub(in super::super) fn redeem_code(&mut self, code: &str, now: Timestamp) -> Option<CodeGrant> {
        let (grant, used) = self.codes.get_mut(code)?;
        let grant = grant.clone();
        if std::mem::replace(used, true) {
            self.end_family(&grant.login.family);
            return None;
        }
        (!grant.expires.is_past(now)).then_some(grant)
    }

    /// Makes an access token.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub(in super::super) fn add_access(&mut self, login: &Login, expires: Timestamp) -> Result<String> {
        let token = random_id("at-", 32)?;
        self.access.insert(token.clone(), TokenGrant { login: login.clone(), expires, used: None });
        Ok(token)
    }

    /// The login of an access token that is still good.
    pub(in super::super) fn login_of_access(&self, token: &str, now: Timestamp) -> Option<&Login> {
        self.access.get(token).filter(|grant| !grant.expires.is_past(now)).map(|grant| &grant.login)
    }

    /// Makes a refresh token.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub(in super::super) fn add_refresh(&mut self, login: &Login, expires: Timestamp) -> Result<String> {
        let token = random_id("rt-", 32)?;
        self.refresh.insert(token.clone(), TokenGrant { login: login.clone(), expires, used: None });
        Ok(token)
    }

    /// The login of a client's refresh token that is still good; `None` otherwise. With `rotation`, this use is its
    /// last but for the grace period; one after that ends the family.
    pub(in super::super) fn use_refresh(
        &mut self,
        token: &str,
        client_id: &str,
        rotation: Option<Duration>,
        now: Timestamp,
    ) -> Option<Login> {
        let grant = self.refresh.get_mut(token).filter(|grant| grant.login.client_id == client_id)?;
        let login = grant.login.clone();
        if grant.expires.is_past(now) {
            return None;
        }
        if let Some(grace) = rotation {
            match grant.used {
                None => grant.used = Some(now),
                Some(used) if now < used + grace => {}
                Some(_) => {
                    self.end_family(&login.family);
                    return None;
                }
            }
        }
        Some(login)
    }

    /// The login of a refresh token, good or not, and whether it has been used.
    pub(in super::super) fn known_refresh(&self, token: &str) -> Option<(&Login, bool)> {
        self.refresh.get(token).map(|grant| (&grant.login, grant.used.is_some()))
    }

    /// Ends every token of a login.
    pub(in super::super) fn end_family(&mut self, family: &str) {
        self.access.retain(|_, grant| grant.login.family != family);
        self.refresh.retain(|_, grant| grant.login.family != family);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_768_464_000;

    fn login() -> Login {
        Login {
            family: "f".into(),
            client_id: "c".into(),
            user: "alice".into(),
            scope: "openid email".into(),
            at: Timestamp::from_unix(NOW),
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(NOW + seconds)
    }

    fn code(grants: &mut Grants) -> String {
        let grant = CodeGrant {
            login: login(),
            redirect_uri: String::new(),
            challenge: None,
            nonce: None,
            expires: at(60),
        };
        grants.add_code(grant).unwrap()
    }

    #[test]
    fn a_code_works_once_in_time_and_its_reuse_ends_the_family() {
        let mut grants = Grants::default();
        let late = code(&mut grants);
        assert!(grants.redeem_code(&late, at(60)).is_none());
        let good = code(&mut grants);
        assert!(grants.redeem_code(&good, at(59)).is_some());
        let access = grants.add_access(&login(), at(100)).unwrap();
        assert!(grants.login_of_access(&access, at(99)).is_some());
        assert!(grants.login_of_access(&access, at(100)).is_none());
        assert!(grants.redeem_code(&good, at(59)).is_none());
        assert!(grants.login_of_access(&access, at(1)).is_none());
    }

    #[test]
    fn a_rotated_refresh_token_works_again_within_grace_only() {
        let mut grants = Grants::default();
        let old = grants.add_refresh(&login(), at(1000)).unwrap();
        let new = grants.add_refresh(&login(), at(1000)).unwrap();
        let grace = Some(Duration::from_secs(10));
        assert!(grants.use_refresh(&old, "other", grace, at(0)).is_none());
        assert_eq!(grants.known_refresh(&old).map(|(_, used)| used), Some(false));
        assert!(grants.use_refresh(&old, "c", grace, at(0)).is_some());
        assert_eq!(grants.known_refresh(&old).map(|(_, used)| used), Some(true));
        assert!(grants.use_refresh(&old, "c", grace, at(9)).is_some());
        assert!(grants.use_refresh(&old, "c", grace, at(10)).is_none());
        assert!(grants.use_refresh(&new, "c", grace, at(10)).is_none(), "the family has ended");
    }

    #[test]
    fn without_rotation_a_refresh_token_lasts_until_it_expires() {
        let mut grants = Grants::default();
        let token = grants.add_refresh(&login(), at(100)).unwrap();
        assert!([0, 0, 99].into_iter().all(|t| grants.use_refresh(&token, "c", None, at(t)).is_some()));
        assert!(grants.use_refresh(&token, "c", None, at(100)).is_none());
    }
}
