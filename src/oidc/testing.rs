//! A scripted provider for the tests of this layer and of the pages above it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, LazyLock, Mutex};

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::client::{Client, LoginSettings};
use super::pending::{Origin, PendingLogin, PendingLogins};
use super::provider::{AuthorizeLink, Provider};
use super::source::{Registration, Source};
use crate::base::codec::base64url;
use crate::base::entropy::OsEntropy;
use crate::base::secret::Secret;
use crate::base::time::{ManualClock, Timestamp};
use crate::base::url::Url;
use crate::message::target::ReplyTarget;
use crate::net::transport::{Failure, FailureKind, HttpRequest, HttpResponse, Transport};
use crate::session::key::SessionKey;

/// When the tests take place: 2026-01-15T08:00:00Z.
pub(crate) static NOW: LazyLock<Timestamp> = LazyLock::new(|| Timestamp::from_unix(1_768_464_000));

/// Answers each path from a queue of its own, and fails where none is left.
#[derive(Debug, Default)]
pub(crate) struct FakeTransport {
    answers: Mutex<HashMap<String, VecDeque<Result<HttpResponse, Failure>>>>,
    sent: Mutex<Vec<HttpRequest>>,
}

impl FakeTransport {
    /// Queues an answer.
    pub(crate) fn answer(&self, path: &str, status: u16, body: impl Into<String>) {
        let body = body.into().into_bytes();
        self.queue(path, Ok(HttpResponse { status, headers: Vec::new(), body }));
    }

    /// Queues a redirect.
    pub(crate) fn redirect(&self, path: &str, location: &str) {
        let headers = vec![("location".to_owned(), location.to_owned())];
        self.queue(path, Ok(HttpResponse { status: 302, headers, body: Vec::new() }));
    }

    /// Queues a failure.
    pub(crate) fn fail(&self, path: &str, failure: Failure) {
        self.queue(path, Err(failure));
    }

    /// All requests so far.
    pub(crate) fn sent(&self) -> Vec<HttpRequest> {
        self.sent.lock().unwrap().clone()
    }

    /// The last request to a path.
    pub(crate) fn last_to(&self, path: &str) -> HttpRequest {
        self.sent().into_iter().rfind(|request| request.url.path() == path).unwrap()
    }

    fn queue(&self, path: &str, outcome: Result<HttpResponse, Failure>) {
        self.answers.lock().unwrap().entry(path.to_owned()).or_default().push_back(outcome);
    }
}

impl Transport for FakeTransport {
    fn send(&self, request: &HttpRequest) -> Result<HttpResponse, Failure> {
        self.sent.lock().unwrap().push(request.clone());
        let unscripted = || Err(Failure { kind: FailureKind::Connect, detail: "nothing scripted".into() });
        let mut answers = self.answers.lock().unwrap();
        let Some(queue) = answers.get_mut(request.url.path()) else { return unscripted() };
        queue.pop_front().unwrap_or_else(unscripted)
    }
}

/// A provider's ES256 key.
pub(crate) struct Signer {
    kid: &'static str,
    pair: EcdsaKeyPair,
}

impl Signer {
    /// A fresh key of that name.
    pub(crate) fn new(kid: &'static str) -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
        Self { kid, pair }
    }

    /// The key set that it publishes.
    pub(crate) fn jwks(&self) -> String {
        let point = self.pair.public_key().as_ref();
        let (x, y) = (base64url(&point[1..33]), base64url(&point[33..]));
        json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": self.kid, "x": x, "y": y}]}).to_string()
    }

    /// A token of these claims.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let header = json!({"alg": "ES256", "kid": self.kid}).to_string();
        let signed = format!("{}.{}", base64url(header.as_bytes()), base64url(claims.to_string().as_bytes()));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", base64url(signature.as_ref()))
    }
}

/// Claims of a good id token.
pub(crate) fn claims(nonce: &str) -> Value {
    json!({
        "iss": "https://pool.example.com", "sub": "u-1", "aud": "client-1",
        "iat": NOW.unix(), "exp": NOW.unix() + 3600, "nonce": nonce
    })
}

/// The provider's discovery document.
pub(crate) fn metadata(names_itself: bool) -> String {
    json!({
        "issuer": "https://pool.example.com",
        "authorization_endpoint": "https://pool.example.com/oauth/authorize",
        "token_endpoint": "https://pool.example.com/oauth/token",
        "jwks_uri": "https://pool.example.com/keys",
        "authorization_response_iss_parameter_supported": names_itself,
    })
    .to_string()
}

/// A provider, our client there, and the pending logins.
pub(crate) struct World {
    pub(crate) client: Client,
    pub(crate) settings: LoginSettings,
    pub(crate) transport: Arc<FakeTransport>,
    pub(crate) pending: Arc<PendingLogins>,
    pub(crate) provider: Arc<Provider>,
    signer: Signer,
}

impl World {
    pub(crate) fn new() -> Self {
        let client = Client { id: "client-1".into(), secret: Some(Secret::from("secret-1")) };
        let settings = LoginSettings {
            redirect_uri: Url::parse("http://127.0.0.1:18789/identity/oauth/callback").unwrap(),
            scope: "openid profile email".into(),
            identity_provider: None,
            relay: false,
        };
        Self::of(client, settings, false)
    }

    /// The same with what was changed in `client` and `settings`.
    pub(crate) fn rebuilt(self) -> Self {
        Self::of(self.client, self.settings, false)
    }

    /// A provider that says it names itself in callbacks (RFC 9207).
    pub(crate) fn naming_itself() -> Self {
        let Self { client, settings, .. } = Self::new();
        Self::of(client, settings, true)
    }

    /// A pool that relays.
    pub(crate) fn relaying(names_itself: bool) -> Self {
        let Self { client, settings, .. } = Self::new();
        Self::of(client, LoginSettings { relay: true, ..settings }, names_itself)
    }

    fn of(client: Client, settings: LoginSettings, names_itself: bool) -> Self {
        let (transport, signer) = (Arc::new(FakeTransport::default()), Signer::new("k1"));
        let clock = Arc::new(ManualClock::at(*NOW));
        transport.answer("/.well-known/openid-configuration", 200, metadata(names_itself));
        transport.answer("/keys", 200, signer.jwks());
        let base = Url::parse("https://pool.example.com").unwrap();
        let registration = Registration { base, client: client.clone(), pool_uid: None };
        let source = Source::known(registration, transport.clone(), clock.clone());
        let provider = Provider::new(settings.clone(), source, None, transport.clone(), clock.clone());
        let pending = Arc::new(PendingLogins::new(clock.clone(), Arc::new(OsEntropy)));
        Self { client, settings, transport, pending, provider: Arc::new(provider), signer }
    }

    pub(crate) fn authorize(&self) -> AuthorizeLink {
        let origin = Origin {
            channel: Some("telegram".into()),
            sender: Some("Ann <b>".into()),
            reply_target: Some(Arc::new(ReplyTarget {
                channel: "telegram".into(),
                to: Some("chat:1".into()),
                ..ReplyTarget::default()
            })),
        };
        let session = SessionKey::parse("agent:main:telegram:direct:1").unwrap();
        self.provider.authorize(&self.pending, session, origin).unwrap()
    }

    /// A begun login: its state, and what is pending.
    pub(crate) fn login(&self) -> (String, Arc<PendingLogin>) {
        let link = self.authorize();
        let query = link.url.split_once('?').unwrap().1;
        let state = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "state").unwrap().1;
        (state.to_string(), self.pending.find(&state).unwrap().unwrap())
    }

    /// An id token of these claims, signed by the provider.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.signer.sign(claims)
    }

    /// Queues a good token answer.
    pub(crate) fn grant(&self, claims: &Value, refresh_token: Option<&str>) {
        let answer = json!({"access_token": "at", "token_type": "Bearer", "id_token": self.signer.sign(claims),
            "refresh_token": refresh_token});
        self.transport.answer("/oauth/token", 200, answer.to_string());
    }
}
