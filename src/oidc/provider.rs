//! One OpenID provider and our client there: the login link, the exchange of a code, and silent renewal.
//!
//! No token leaves here unverified: every id token went through signature, issuer, audience, lifetime and, for a
//! login, nonce.

use std::fmt;
use std::sync::Arc;

use super::client::LoginSettings;
use super::discovery::Metadata;
use super::id_token::{self, Expected, Identity};
use super::identity_providers::IdentityProviders;
use super::pending::{Issuer, Origin, PendingLogin, PendingLogins};
use super::relay::RelayState;
use super::source::{Site, Source};
use super::token_answer::{self, Granted, Refused};
use super::{exchange, relay};
use crate::base::error::{Code, Error, Result};
use crate::base::secret::Secret;
use crate::base::time::{Clock, Timestamp};
use crate::base::url::Url;
use crate::jwt::decode::Token;
use crate::net::transport::Transport;
use crate::session::key::SessionKey;
use crate::session::model::Session;

/// The link that a person logs in by. It carries the state, so it goes to that person only; Debug leaves it out.
pub struct AuthorizeLink {
    /// The whole URL.
    pub url: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What a login or a renewal yields.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Who it is, from the verified id token.
    pub identity: Identity,
    /// The id token: the user token that the cloud exchanges.
    pub id_token: Secret,
    /// For renewal, where the provider gave one.
    pub refresh_token: Option<Secret>,
}

/// Why a renewal failed, by what is to be done.
#[derive(Clone, Debug)]
pub enum RefreshError {
    /// The provider does not know the refresh token (any more): rotated by somebody else, revoked, or expired.
    InvalidGrant,
    /// The provider cannot be reached; the login stays as it is.
    Temporary(Error),
    /// The provider took the refresh token and gave another, but no id token that can be verified now. The old refresh
    /// token may be used up, so the new one has to be kept.
    Unverified {
        /// The refresh token to go on with.
        refresh_token: Secret,
        /// What is wrong with the id token.
        error: Error,
    },
    /// Something is wrong that waiting does not mend.
    Other(Error),
}

/// The provider as this process uses it, wherever it and our client there come from.
#[derive(Debug)]
pub struct Provider {
    settings: LoginSettings,
    source: Source,
    identity_providers: Option<IdentityProviders>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
}

impl Provider {
    /// The provider of that source; nothing is looked up or fetched before it is needed. Without `identity_providers`
    /// a login names only a configured one.
    #[must_use]
    pub fn new(
        settings: LoginSettings,
        source: Source,
        identity_providers: Option<IdentityProviders>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { settings, source, identity_providers, transport, clock }
    }

    /// Where people come back to.
    #[must_use]
    pub fn redirect_uri(&self) -> &Url {
        &self.settings.redirect_uri
    }

    /// Whether states may be relay states.
    #[must_use]
    pub fn relays(&self) -> bool {
        self.settings.relay
    }

    /// Begins a login and returns its link (OIDC-03).
    ///
    /// # Errors
    /// When provider or client cannot be found, or the provider cannot be discovered.
    pub fn authorize(
        &self,
        pending: &PendingLogins,
        session: SessionKey,
        origin: Origin,
    ) -> Result<AuthorizeLink> {
        let site = self.source.site()?;
        let metadata = site.discovery.metadata()?;
        let identity_provider = self.identity_provider(&site);
        let issuer =
            Issuer { name: metadata.issuer.clone(), must_be_named: metadata.names_itself_in_callbacks };
        let opened = pending.open(session, origin, issuer)?;
        let redirect_uri = self.settings.redirect_uri.to_string();
        let mut params = vec![
            ("response_type", "code"),
            ("client_id", site.client.id.as_str()),
            ("redirect_uri", redirect_uri.as_str()),
            ("scope", self.settings.scope.as_str()),
            ("state", opened.state.expose().as_str()),
            ("nonce", opened.nonce.expose().as_str()),
            ("code_challenge", opened.challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        if let Some(name) = &identity_provider {
            params.push(("identity_provider", name));
        }
        if self.settings.relay {
            params.push(("redirect_relay_uri", &redirect_uri));
        }
        // OpenID Connect Core section 11: without consent the provider must ignore `offline_access`.
        if self.settings.asks_for("offline_access") {
            params.push(("prompt", "consent"));
        }
        let url = metadata.authorization_endpoint.with_params(&params);
        Ok(AuthorizeLink { url, expires_at: opened.expires_at })
    }

    /// Exchanges the code of a login for tokens (OIDC-08, OIDC-09).
    ///
    /// # Errors
    /// `IdpRefused`, `IdpUnreachable`, `IdpInvalid`, or `TokenInvalid` when the id token is not good.
    pub fn exchange(&self, code: &Secret, login: &PendingLogin) -> Result<Tokens> {
        let redirect_uri = self.settings.redirect_uri.to_string();
        let granted = self.ask(&[
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", &redirect_uri),
            ("code_verifier", login.verifier.expose()),
        ]);
        let (granted, site, metadata) = granted.map_err(|refused| match refused {
            Refused::InvalidGrant => {
                Error::new(Code::IdpRefused, "the provider refused the code of this login")
                    .with_hint("ask for a new login link")
            }
            Refused::InvalidClient(error) | Refused::Other(error) => error,
        })?;
        let id_token = granted.id_token.ok_or_else(|| no_id_token(self.settings.asks_for("openid")))?;
        let identity = self.verify(&id_token, Some(&login.nonce), &site, &metadata)?;
        Ok(Tokens { identity, id_token, refresh_token: granted.refresh_token })
    }

    /// Renews the login of `sub`. The answer's refresh token counts from now on; where it has none, the old one stays.
    ///
    /// # Errors
    /// See [`RefreshError`]. A new id token for another person is refused.
    pub fn refresh(&self, refresh_token: &Secret, sub: &str) -> Result<Tokens, RefreshError> {
        let (granted, site, metadata) = self
            .ask(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose())])
            .map_err(|refused| match refused {
                Refused::InvalidGrant => RefreshError::InvalidGrant,
                Refused::InvalidClient(error) | Refused::Other(error) => error.into(),
            })?;
        let verified = granted
            .id_token
            .ok_or_else(|| no_id_token(self.settings.asks_for("openid")))
            .and_then(|id_token| Ok((self.verify(&id_token, None, &site, &metadata)?, id_token)));
        let (identity, id_token) = match (verified, granted.refresh_token.clone()) {
            (Ok(verified), _) => verified,
            (Err(error), Some(refresh_token)) => {
                return Err(RefreshError::Unverified { refresh_token, error });
            }
            (Err(error), None) => return Err(error.into()),
        };
        // OpenID Connect Core section 12.2.
        if identity.sub != sub {
            return Err(Error::new(Code::TokenInvalid, "the renewed id token is of another person").into());
        }
        let refresh_token = granted.refresh_token.unwrap_or_else(|| refresh_token.clone());
        Ok(Tokens { identity, id_token, refresh_token: Some(refresh_token) })
    }

    /// Verifies an id token that somebody else obtained for our client (OIDC-09). No nonce is known, so whoever brings the
    /// token must be trusted to have logged the person in.
    ///
    /// # Errors
    /// `TokenInvalid` when the id token is not good, or why the provider's keys cannot be had.
    pub fn admit(&self, id_token: Secret, refresh_token: Option<Secret>) -> Result<Tokens> {
        // Before anything is asked of the provider: what is no token at all costs nothing.
        Token::parse(id_token.expose())?;
        let site = self.source.site()?;
        let metadata = site.discovery.metadata()?;
        let identity = self.verify(&id_token, None, &site, &metadata)?;
        Ok(Tokens { identity, id_token, refresh_token })
    }

    /// Passes an identity provider's answer on to the pool of a login, and returns where the pool redirects to.
    ///
    /// # Errors
    /// As [`relay::forward`], and when the pool cannot be found any more.
    pub(super) fn forward(
        &self,
        state: &RelayState,
        code: &Secret,
        login: &PendingLogin,
    ) -> Result<Option<String>> {
        let site = self.source.site()?;
        let is_oidc = match (&self.identity_providers, &site.pool_uid) {
            (Some(listed), Some(pool)) => listed.is_oidc(pool, state.provider_id()),
            _ => false,
        };
        relay::forward(&*self.transport, &login.issuer.name, is_oidc, state, code)
    }

    /// The configured identity provider, else the pool's first one.
    fn identity_provider(&self, site: &Site) -> Option<String> {
        self.settings.identity_provider.clone().or_else(|| {
            let (listed, pool) = self.identity_providers.as_ref().zip(site.pool_uid.as_deref())?;
            listed.first_enabled(pool)
        })
    }

    fn ask(&self, form: &[(&str, &str)]) -> Result<(Granted, Arc<Site>, Arc<Metadata>), Refused> {
        let site = self.source.site().map_err(Refused::Other)?;
        let metadata = site.discovery.metadata().map_err(Refused::Other)?;
        let authorization = site.client.authorization();
        let mut form = form.to_vec();
        // RFC 6749 section 2.3: one way of authentication a request.
        if authorization.is_none() {
            form.push(("client_id", &site.client.id));
        }
        let url = &metadata.token_endpoint;
        let response = exchange::post_form(&*self.transport, url, "the token request", authorization, &form)
            .map_err(Refused::Other)?;
        let outcome = token_answer::read(&response);
        if let Err(Refused::InvalidClient(_)) = outcome {
            self.source.distrust(&site);
        }
        outcome.map(|granted| (granted, site, metadata))
    }

    fn verify(
        &self,
        id_token: &Secret,
        nonce: Option<&Secret>,
        site: &Site,
        metadata: &Metadata,
    ) -> Result<Identity> {
        let token = Token::parse(id_token.expose())?;
        site.keys.verify(&token, &metadata.jwks_uri)?;
        let expected =
            Expected { issuer: &metadata.issuer, client_id: &site.client.id, nonce, now: self.clock.now() };
        id_token::check(&token.claims, &expected)
    }
}

impl Tokens {
    /// The session that these tokens make for a person who logged in at `login_at`.
    #[must_use]
    pub fn into_session(self, login_at: Timestamp) -> Session {
        Session {
            sub: self.identity.sub,
            user_token: self.id_token,
            refresh_token: self.refresh_token,
            login_at,
            expires_at: self.identity.expires_at,
        }
    }
}

impl From<Error> for RefreshError {
    fn from(error: Error) -> Self {
        if error.code().is_temporary() { Self::Temporary(error) } else { Self::Other(error) }
    }
}

impl fmt::Debug for AuthorizeLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizeLink").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

fn no_id_token(asked: bool) -> Error {
    let error = Error::new(Code::IdpInvalid, "the provider gave no id token");
    if asked { error } else { error.with_hint("add openid to userpool.scope") }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::base::codec::base64;
    use crate::base::entropy::OsEntropy;
    use crate::config::userpool::DynamicPool;
    use crate::net::transport::{Failure, FailureKind};
    use crate::oidc::named::NamedPool;
    use crate::oidc::source::Registration;
    use crate::oidc::testing::{self, FakeTransport, World};
    use crate::volc::userpool::testing::{Cloud, refusal, result};

    fn query(url: &str) -> HashMap<String, String> {
        let query = url.split_once('?').unwrap().1;
        form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    #[test]
    fn the_link_has_every_parameter_and_nothing_else() {
        let mut world = World::new();
        let link = world.authorize();
        let params = query(&link.url);
        assert!(link.url.starts_with("https://pool.example.com/oauth/authorize?"), "{}", link.url);
        let login = world.pending.find(&params["state"]).unwrap().unwrap();
        let expected = [
            ("response_type", "code"),
            ("client_id", "client-1"),
            ("redirect_uri", "http://127.0.0.1:18789/identity/oauth/callback"),
            ("scope", "openid profile email"),
            ("nonce", login.nonce.expose()),
            ("code_challenge_method", "S256"),
        ];
        for (name, value) in expected {
            assert_eq!(params[name], value);
        }
        assert_eq!(params.len(), expected.len() + 2, "state and code_challenge besides");
        assert_eq!(link.expires_at.unix(), testing::NOW.unix() + 300);
        assert!(!format!("{link:?}").contains(&params["state"]));

        world.settings.identity_provider = Some("Feishu 飞书".into());
        world.settings.scope = "openid offline_access".into();
        let params = query(&world.rebuilt().authorize().url);
        assert_eq!(
            (params["identity_provider"].as_str(), params["prompt"].as_str()),
            ("Feishu 飞书", "consent")
        );
    }

    #[test]
    fn a_code_becomes_a_verified_identity() {
        let world = World::new();
        let (_, login) = world.login();
        world.grant(&testing::claims(login.nonce.expose()), Some("rt-1"));
        let tokens = world.provider.exchange(&Secret::from("code-1"), &login).unwrap();
        assert_eq!(tokens.identity.sub, "u-1");
        assert!(tokens.refresh_token.as_ref().unwrap().same_as(b"rt-1"));

        let request = world.transport.last_to("/oauth/token");
        let form: HashMap<_, _> = form_urlencoded::parse(&request.body).into_owned().collect();
        assert_eq!(form["grant_type"], "authorization_code");
        assert_eq!(
            (form["code"].as_str(), form["code_verifier"].as_str()),
            ("code-1", login.verifier.expose().as_str())
        );
        assert_eq!(form["redirect_uri"], "http://127.0.0.1:18789/identity/oauth/callback");
        assert!(!form.contains_key("client_id"), "Basic says it");
        let basic = format!("Basic {}", base64(b"client-1:secret-1"));
        assert!(request.headers.contains(&("Authorization".into(), basic)));

        let session = tokens.into_session(*testing::NOW);
        assert_eq!(
            (session.login_at, session.expires_at.unix()),
            (*testing::NOW, testing::NOW.unix() + 3600)
        );
    }

    #[test]
    fn a_public_client_names_itself_in_the_body() {
        let mut world = World::new();
        world.client.secret = None;
        let world = world.rebuilt();
        let (_, login) = world.login();
        world.grant(&testing::claims(login.nonce.expose()), None);
        world.provider.exchange(&Secret::from("c"), &login).unwrap();
        let request = world.transport.last_to("/oauth/token");
        assert!(String::from_utf8_lossy(&request.body).contains("client_id=client-1"));
        assert!(!request.headers.iter().any(|(name, _)| name == "Authorization"));
    }

    #[test]
    fn tokens_that_do_not_answer_this_login_are_refused() {
        let world = World::new();
        let (_, login) = world.login();
        let mut of_other_issuer = testing::claims(login.nonce.expose());
        of_other_issuer["iss"] = json!("https://evil.example.com");
        for claims in [testing::claims("another nonce"), of_other_issuer] {
            world.grant(&claims, None);
            let error = world.provider.exchange(&Secret::from("c"), &login).unwrap_err();
            assert_eq!(error.code(), Code::TokenInvalid);
        }
        world.transport.answer("/oauth/token", 200, r#"{"access_token":"a"}"#);
        let error = world.provider.exchange(&Secret::from("c"), &login).unwrap_err();
        assert!(error.message().contains("no id token"), "{error}");
        world.transport.answer("/oauth/token", 400, r#"{"error":"invalid_grant"}"#);
        let error = world.provider.exchange(&Secret::from("c"), &login).unwrap_err();
        assert_eq!((error.code(), error.hint()), (Code::IdpRefused, Some("ask for a new login link")));
    }

    #[test]
    fn renewal_keeps_the_rotation() {
        let world = World::new();
        let mut renewed = testing::claims("");
        renewed.as_object_mut().unwrap().remove("nonce");
        for (answered, kept) in [(Some("rt-2"), "rt-2"), (None, "rt-1")] {
            world.grant(&renewed, answered);
            let tokens = world.provider.refresh(&Secret::from("rt-1"), "u-1").unwrap();
            assert!(tokens.refresh_token.unwrap().same_as(kept.as_bytes()));
        }
        let body = String::from_utf8(world.transport.last_to("/oauth/token").body).unwrap();
        assert_eq!(body, "grant_type=refresh_token&refresh_token=rt-1");
    }

    #[test]
    fn renewal_failures_say_what_is_to_be_done() {
        let world = World::new();
        world.authorize();
        let refresh = || world.provider.refresh(&Secret::from("rt-1"), "u-1").unwrap_err();
        world.transport.answer("/oauth/token", 400, r#"{"error":"invalid_grant"}"#);
        assert!(matches!(refresh(), RefreshError::InvalidGrant));
        world.transport.answer("/oauth/token", 503, "");
        assert!(matches!(refresh(), RefreshError::Temporary(_)));
        world
            .transport
            .fail("/oauth/token", Failure { kind: FailureKind::Timeout, detail: "timed out".into() });
        assert!(matches!(refresh(), RefreshError::Temporary(_)));
        world.transport.answer("/oauth/token", 401, r#"{"error":"invalid_client"}"#);
        assert!(matches!(refresh(), RefreshError::Other(_)));
        world.transport.answer("/oauth/token", 200, r#"{"access_token":"a"}"#);
        assert!(matches!(refresh(), RefreshError::Other(error) if error.message().contains("no id token")));
        let mut of_another = testing::claims("");
        of_another["sub"] = json!("u-2");
        world.grant(&of_another, None);
        assert!(
            matches!(refresh(), RefreshError::Other(error) if error.message().contains("another person"))
        );
    }

    #[test]
    fn with_the_relay_on_the_link_says_where_to_relay_to() {
        let params = query(&World::relaying(false).authorize().url);
        assert_eq!(params["redirect_relay_uri"], "http://127.0.0.1:18789/identity/oauth/callback");
        assert_eq!(params["redirect_relay_uri"], params["redirect_uri"]);
    }

    /// The pool `p-1` with these identity providers, and a configured name.
    fn pool_with(
        cloud: &Cloud,
        configured: Option<&str>,
        pool_uid: Option<&str>,
    ) -> (Provider, Arc<FakeTransport>, PendingLogins) {
        let World { client, settings, transport, .. } = World::relaying(false);
        let base = Url::parse("https://pool.example.com").unwrap();
        let registration = Registration { base, client, pool_uid: pool_uid.map(str::to_owned) };
        let settings = LoginSettings { identity_provider: configured.map(str::to_owned), ..settings };
        let source = Source::known(registration, transport.clone(), cloud.clock.clone());
        let listed = IdentityProviders::new(cloud.client.clone(), cloud.clock.clone());
        let provider = Provider::new(settings, source, Some(listed), transport.clone(), cloud.clock.clone());
        (provider, transport, PendingLogins::new(cloud.clock.clone(), Arc::new(OsEntropy)))
    }

    fn link(provider: &Provider, pending: &PendingLogins) -> HashMap<String, String> {
        query(&provider.authorize(pending, SessionKey::main(), Origin::default()).unwrap().url)
    }

    fn one_oidc_provider() -> Cloud {
        let data = json!([{ "Uid": "idp-1", "Name": "corp", "ConnectionType": "OIDC" }]);
        Cloud::new(vec![result(&json!({ "TotalCount": 1, "Data": data }))])
    }

    #[test]
    fn the_configured_identity_provider_counts_then_the_first_listed_then_none() {
        let cloud = one_oidc_provider();
        let (provider, _, pending) = pool_with(&cloud, Some("feishu"), Some("p-1"));
        assert_eq!(link(&provider, &pending)["identity_provider"], "feishu");
        let (provider, _, pending) = pool_with(&cloud, None, None);
        assert!(!link(&provider, &pending).contains_key("identity_provider"));
        assert!(cloud.seen().is_empty(), "neither had to ask");
        let (provider, _, pending) = pool_with(&cloud, None, Some("p-1"));
        assert_eq!(link(&provider, &pending)["identity_provider"], "corp");
        assert_eq!(cloud.seen()[0].1["UserPoolUID"], "p-1");

        let refusing = Cloud::new(vec![refusal(403, "LackPolicy")]);
        let (provider, _, pending) = pool_with(&refusing, None, Some("p-1"));
        assert!(!link(&provider, &pending).contains_key("identity_provider"), "and the login goes on");
    }

    #[test]
    fn a_relayed_answer_goes_where_its_identity_provider_belongs() {
        let cloud = one_oidc_provider();
        let (provider, transport, pending) = pool_with(&cloud, None, Some("p-1"));
        let params = link(&provider, &pending);
        let login = pending.find(&params["state"]).unwrap().unwrap();
        for (uid, path) in
            [("idp-1", "/login/generic_oidc/callback"), ("idp-2", "/login/generic_oauth/callback")]
        {
            let state = json!({ "request_id": "r", "provider_id": uid, "request_state": params["state"] });
            let state = RelayState::parse(&base64(state.to_string().as_bytes())).unwrap();
            transport.answer(path, 200, "");
            assert_eq!(provider.forward(&state, &Secret::from("c"), &login).unwrap(), None, "{uid}");
        }
    }

    #[test]
    fn only_a_refusal_of_the_client_itself_casts_doubt_on_a_looked_up_one() {
        let cloud = Cloud::new(Vec::new());
        let resolution = |secret: &str| {
            let listed = |uid: &str, name: &str| result(&json!({ "Data": [{ "Uid": uid, "Name": name }] }));
            cloud.push(listed("p-1", "people"));
            cloud.push(result(&json!({ "Uid": "p-1", "IssuerUrl": "https://pool.example.com" })));
            cloud.push(listed("client-1", "openclaw"));
            cloud.push(result(&json!({ "Uid": "client-1", "ClientSecret": secret })));
        };
        let World { settings, transport, .. } = World::new();
        let pool = DynamicPool {
            user_pool_name: "people".into(),
            client_name: "openclaw".into(),
            callback_url: settings.redirect_uri.clone(),
            scope: settings.scope.clone(),
            auto_create: false,
        };
        let named = NamedPool::new(pool, cloud.client.clone());
        let source = Source::named(named, transport.clone(), cloud.clock.clone());
        let provider = Provider::new(settings, source, None, transport.clone(), cloud.clock.clone());
        let refresh = |error: &str| {
            transport.answer("/oauth/token", 401, json!({ "error": error }).to_string());
            provider.refresh(&Secret::from("rt"), "u-1").unwrap_err();
            transport.last_to("/oauth/token").headers
        };
        resolution("old");
        refresh("invalid_grant");
        cloud.clock.advance(Duration::from_secs(60));
        refresh("invalid_grant");
        assert_eq!(cloud.seen().len(), 4, "looked up once");
        refresh("invalid_client");
        resolution("new");
        transport.answer("/.well-known/openid-configuration", 200, testing::metadata(false));
        let basic = format!("Basic {}", base64(b"client-1:new"));
        assert!(refresh("invalid_client").contains(&("Authorization".into(), basic)));
        assert_eq!(cloud.seen().len(), 4);
    }
}
