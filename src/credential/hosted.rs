//! What the cloud's credential hosting can be asked, as a seam with plain values.
//!
//! Pure. The pool and the signature are the implementation's; the person's token comes with each call.

use crate::base::error::Result;
use crate::base::opaque::opaque;
use crate::base::secret::Secret;
use crate::base::time::Timestamp;
use crate::session::key::SessionKey;
use crate::session::model::Session;

/// Items on a page of providers.
pub const PAGE_SIZE: u32 = 20;

/// A provider of credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provider {
    /// Its name, unique in the pool.
    pub name: String,
    /// `api_key` or `oauth2`, in whatever letter case.
    pub kind: Option<String>,
    /// `USER_FEDERATION` or `M2M`; absent for API keys.
    pub flow: Option<String>,
}

/// Which providers to list. Letter case does not count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderFilter {
    /// The name, or how it begins.
    pub name: Option<String>,
    /// `api_key` or `oauth2`.
    pub kind: Option<String>,
    /// `USER_FEDERATION` or `M2M`.
    pub flow: Option<String>,
}

impl ProviderFilter {
    /// Whether a provider is one that was asked for. The service's own rule is unpublished, so its answer is filtered
    /// again.
    #[must_use]
    pub fn admits(&self, provider: &Provider) -> bool {
        let same = |wanted: &Option<String>, found: &Option<String>| {
            wanted
                .as_ref()
                .is_none_or(|wanted| found.as_ref().is_some_and(|found| found.eq_ignore_ascii_case(wanted)))
        };
        let wanted = self.name.as_deref().unwrap_or_default().to_lowercase();
        provider.name.to_lowercase().starts_with(&wanted)
            && same(&self.kind, &provider.kind)
            && same(&self.flow, &provider.flow)
    }
}

/// One page of a list, as the service gives it.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The page's items.
    pub providers: Vec<Provider>,
    /// How many items all pages have, if the service says so.
    pub total: Option<u64>,
}

/// How an OAuth2 provider gives tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Grant {
    /// The person consents in a browser.
    UserFederation,
    /// The provider's own client credentials.
    M2m,
}

/// An unforced request for an OAuth2 token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Oauth2Request {
    /// The provider.
    pub provider: String,
    /// How.
    pub grant: Grant,
    /// What for; `None` leaves it to the provider's settings.
    pub scopes: Option<Vec<String>>,
    /// Where the browser goes; `None` leaves it to the provider's settings.
    pub redirect_url: Option<String>,
}

/// What comes of it.
#[derive(Clone, Debug)]
pub enum Oauth2Answer {
    /// The token.
    Token {
        /// The access token.
        access_token: Secret,
        /// Its lifetime in seconds, if the service says so.
        expires_in: Option<u64>,
    },
    /// The person has to consent first.
    Consent {
        /// Where; it holds the state of the authorization, so it is for that person only.
        url: Secret,
    },
}

/// A provider of temporary role keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleProvider {
    /// Its name.
    pub name: String,
    /// Whose tokens it takes, when it says so.
    pub identity_source: Option<IdentitySource>,
}

/// Which token a role provider takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentitySource {
    /// A workload token.
    AgentPool,
    /// The person's own token.
    UserPool,
}

impl IdentitySource {
    /// Its name in results.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AgentPool => "agent_pool",
            Self::UserPool => "user_pool",
        }
    }
}

/// A role's temporary keys.
#[derive(Clone, Debug)]
pub struct RoleKeys {
    /// The public half.
    pub access_key_id: String,
    /// The secret half.
    pub secret_access_key: Secret,
    /// Travels with each call.
    pub session_token: Secret,
    /// When they end.
    pub expires_at: Timestamp,
}

/// The cloud's credential hosting, for one pool.
pub trait Hosted: Send + Sync {
    /// One page of [`PAGE_SIZE`] providers, counted from 1; past the end an empty one.
    ///
    /// # Errors
    /// Why the list could not be had.
    fn list_providers(&self, page: u32, filter: &ProviderFilter) -> Result<Listing>;

    /// The provider of exactly that name, on whatever page.
    ///
    /// # Errors
    /// As [`Hosted::list_providers`].
    fn find_provider(&self, name: &str) -> Result<Option<Provider>>;

    /// An OAuth2 token, or where to consent. A token wins over an address.
    ///
    /// # Errors
    /// Why there is neither.
    fn oauth2_token(&self, identity: &Secret, request: &Oauth2Request) -> Result<Oauth2Answer>;

    /// The API key of a provider.
    ///
    /// # Errors
    /// Why there is none.
    fn api_key(&self, identity: &Secret, provider: &str) -> Result<Secret>;

    /// A credential that the person has stored.
    ///
    /// # Errors
    /// Why there is none.
    fn user_credential(&self, identity: &Secret, id: &str) -> Result<Secret>;

    /// All role providers whose names begin so and that serve people of our user pool.
    ///
    /// # Errors
    /// Why the list could not be had.
    fn role_providers(&self, prefix: Option<&str>) -> Result<Vec<RoleProvider>>;

    /// A role's keys.
    ///
    /// # Errors
    /// Why there are none.
    fn role_credentials(&self, identity: &Secret, provider: &str) -> Result<RoleKeys>;
}

opaque!(Hosted);

/// Where the token comes from that speaks for a session: the workload token, which the layer above has.
pub trait Speaker: Send + Sync {
    /// The session's workload token.
    ///
    /// # Errors
    /// Why there is none; `NotLoggedIn` without any request.
    fn workload_token(&self, key: &SessionKey) -> Result<Secret>;
}

opaque!(Speaker);

/// What tells one login to a session from the next; stays the same when its user token is renewed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Login {
    sub: String,
    at: Timestamp,
}

impl Login {
    /// The login of a session.
    #[must_use]
    pub fn of(session: &Session) -> Self {
        Self { sub: session.sub.clone(), at: session.login_at }
    }

    /// Whether the session is this login.
    #[must_use]
    pub fn is(&self, session: &Session) -> bool {
        self.sub == session.sub && self.at == session.login_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_ignores_letter_case_and_takes_the_beginning_of_a_name() {
        let google = Provider {
            name: "Google-Drive".into(),
            kind: Some("OAuth2".into()),
            flow: Some("user_federation".into()),
        };
        let filter = |name: Option<&str>, kind: Option<&str>, flow: Option<&str>| ProviderFilter {
            name: name.map(Into::into),
            kind: kind.map(Into::into),
            flow: flow.map(Into::into),
        };
        for (filter, admitted) in [
            (filter(None, None, None), true),
            (filter(Some("google-drive"), None, None), true),
            (filter(Some("GOO"), Some("oauth2"), Some("USER_FEDERATION")), true),
            (filter(Some("drive"), None, None), false),
            (filter(None, Some("api_key"), None), false),
            (filter(None, None, Some("M2M")), false),
        ] {
            assert_eq!(filter.admits(&google), admitted, "{filter:?}");
        }
        let key = Provider { name: "openai".into(), kind: Some("api_key".into()), flow: None };
        assert!(!filter(None, None, Some("M2M")).admits(&key));
    }
}
