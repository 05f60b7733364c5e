//! The provider's answer as it comes through the person's browser, from request to typed reply. Served alike by our own
//! listener and by the host's route; rendering is for whoever serves it.
//!
//! Order of judgement: the state before anything else, then the provider's identity (RFC 9207), its error, the code,
//! and last the relay (see [`super::relay`]) and the exchange. With confirmation on, a GET neither exchanges the code nor uses up the state (a link preview
//! or a foreign page can cause GETs), and a POST of the page's one-time token does both.

use std::fmt;
use std::sync::Arc;

use super::fields::Fields;
use super::pending::{Answer, Issuer, PendingLogin, PendingLogins};
use super::provider::{Provider, Tokens};
use super::relay::RelayState;
use crate::base::error::{Code, Error, Result};
use crate::base::log;
use crate::base::opaque::opaque;
use crate::base::secret::Secret;
use crate::base::url::Url;

/// Bytes of a query or a form that are looked at; a relay's state alone may have 16 KiB.
pub const MAX_QUERY_BYTES: usize = 32 * 1024;
/// Bytes of the confirmation form.
pub const MAX_BODY_BYTES: usize = 4 * 1024;
/// Characters of the provider's own error texts that are shown.
pub const MAX_ERROR_CHARS: usize = 200;

/// The form field that brings back the state.
pub const STATE_FIELD: &str = "state";
/// The form field of the one-time token.
pub const TOKEN_FIELD: &str = "confirm";

/// A request to the callback path. Header values are as received, `None` when absent.
#[derive(Clone, Copy)]
pub struct CallbackRequest<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// The raw query without `?`.
    pub query: &'a str,
    /// The whole body.
    pub body: &'a [u8],
    /// The `Origin` header.
    pub origin: Option<&'a str>,
    /// The `Sec-Fetch-Site` header.
    pub sec_fetch_site: Option<&'a str>,
    /// The `Accept-Language` header; matters to the rendering only.
    pub accept_language: Option<&'a str>,
}

/// What the person is to see.
#[derive(Debug)]
pub enum CallbackReply {
    /// The question whether this login is theirs.
    Confirm(Confirm),
    /// The login is done.
    SignedIn {
        /// Which login.
        login: Arc<PendingLogin>,
        /// Who signed in.
        sub: String,
    },
    /// The login failed.
    Failed(CallbackFailure),
    /// Neither GET nor the POST of a confirmation: 405 with `Allow`.
    MethodNotAllowed {
        /// The value of `Allow`.
        allow: &'static str,
    },
}

/// The question to the person, and what the form sends back.
#[derive(Debug)]
pub struct Confirm {
    /// Which login.
    pub login: Arc<PendingLogin>,
    /// Path that the form posts to.
    pub action: String,
    /// Value of [`STATE_FIELD`].
    pub state: Secret,
    /// Value of [`TOKEN_FIELD`].
    pub token: Secret,
}

/// Why a login failed.
#[derive(Clone, Debug)]
pub enum CallbackFailure {
    /// The state (or the one-time token) is unknown, used, or too old; or the process was restarted.
    LinkExpired,
    /// A parameter is repeated, or query or body is over its limit.
    Malformed,
    /// The answer names another provider than the one that was asked, or none where it must.
    WrongIssuer,
    /// The provider says no: `error` and `error_description`, cut to [`MAX_ERROR_CHARS`], otherwise as received.
    Refused {
        /// The error code.
        error: String,
        /// The provider's words.
        description: Option<String>,
    },
    /// The provider's answer has no code.
    CodeMissing,
    /// The confirmation does not come from our own page.
    ForeignPage,
    /// It cannot be known just now whether the link is good. The link is not used up.
    Undecided(Error),
    /// The exchange failed, or what follows a login did.
    NotSignedIn(Error),
}

/// What happens with a login that succeeded: the session is stored and a workload token fetched.
pub trait LoginSink: Send + Sync {
    /// Takes the login over; the person sees success only when this succeeds.
    ///
    /// # Errors
    /// Whatever kept the login from counting.
    fn signed_in(&self, login: &PendingLogin, tokens: Tokens) -> Result<()>;
}

opaque!(LoginSink);

/// The callback of one provider.
#[derive(Debug)]
pub struct Callback {
    provider: Arc<Provider>,
    pending: Arc<PendingLogins>,
    sink: Arc<dyn LoginSink>,
    confirm: bool,
}

impl Callback {
    /// A callback that asks for confirmation when `confirm` (`userpool.confirmLogin`) says so.
    #[must_use]
    pub fn new(
        provider: Arc<Provider>,
        pending: Arc<PendingLogins>,
        sink: Arc<dyn LoginSink>,
        confirm: bool,
    ) -> Self {
        Self { provider, pending, sink, confirm }
    }

    /// Where the provider sends people: the public address of this callback.
    #[must_use]
    pub fn url(&self) -> &Url {
        self.provider.redirect_uri()
    }

    /// Judges a request. The only things that may take long are the relay and the exchange with the provider.
    #[must_use]
    pub fn handle(&self, request: &CallbackRequest<'_>) -> CallbackReply {
        let reply = match (request.method, self.confirm) {
            ("GET", _) => self.arrived(request.query),
            ("POST", true) => self.confirmed(request),
            (_, confirm) => {
                return CallbackReply::MethodNotAllowed { allow: if confirm { "GET, POST" } else { "GET" } };
            }
        };
        reply.unwrap_or_else(|failure| {
            log::warn("login failed", &[("reason", &failure)]);
            CallbackReply::Failed(failure)
        })
    }

    fn arrived(&self, query: &str) -> Result<CallbackReply, CallbackFailure> {
        let fields = Fields::parse(query.as_bytes(), MAX_QUERY_BYTES)?;
        let whole = fields.get(STATE_FIELD)?.unwrap_or_default();
        let relay = if self.provider.relays() { RelayState::parse(&whole) } else { None };
        let state = relay.as_ref().map_or(&*whole, RelayState::request_state).to_owned();
        let login = self.pending.find(&state).map_err(unjudged)?.ok_or(CallbackFailure::LinkExpired)?;
        // A relayed answer is that of a provider behind the pool, whose name is not for us to know.
        let issuer = relay.is_none().then_some(&login.issuer);
        let answer = Answer { code: code(&fields, issuer)?, relay };
        if !self.confirm {
            let login = self.pending.take(&state).map_err(unjudged)?.ok_or(CallbackFailure::LinkExpired)?;
            return self.sign_in(login, answer);
        }
        let token = self.pending.park(&state, answer).map_err(unjudged)?;
        Ok(CallbackReply::Confirm(Confirm {
            login,
            action: self.url().path().to_owned(),
            token: token.ok_or(CallbackFailure::LinkExpired)?,
            state: Secret::new(state),
        }))
    }

    fn confirmed(&self, request: &CallbackRequest<'_>) -> Result<CallbackReply, CallbackFailure> {
        let form = Fields::parse(request.body, MAX_BODY_BYTES)?;
        let state = form.get(STATE_FIELD)?.unwrap_or_default();
        if self.pending.find(&state).map_err(unjudged)?.is_none() {
            return Err(CallbackFailure::LinkExpired);
        }
        if !self.is_own_page(request) {
            return Err(CallbackFailure::ForeignPage);
        }
        let token = form.get(TOKEN_FIELD)?.unwrap_or_default();
        let taken = self.pending.take_confirmed(&state, &token).map_err(unjudged)?;
        let (login, answer) = taken.ok_or(CallbackFailure::LinkExpired)?;
        self.sign_in(login, answer)
    }

    /// The page is sent with `Referrer-Policy: same-origin`, under which browsers name the true origin on a same-origin
    /// POST; under `no-referrer` it would be `null`. Either header may be missing (`Sec-Fetch-*` is on plain HTTP outside
    /// loopback): the fence is the one-time token, and these two are in addition.
    fn is_own_page(&self, request: &CallbackRequest<'_>) -> bool {
        let own = self.url().origin();
        request.origin.is_none_or(|origin| origin.eq_ignore_ascii_case(&own))
            && request.sec_fetch_site.is_none_or(|site| matches!(site, "same-origin" | "none"))
    }

    fn sign_in(&self, login: Arc<PendingLogin>, answer: Answer) -> Result<CallbackReply, CallbackFailure> {
        let code = match &answer.relay {
            Some(relay) => self.relayed(relay, &answer.code, &login)?.unwrap_or(answer.code),
            None => answer.code,
        };
        let tokens = self.provider.exchange(&code, &login).map_err(CallbackFailure::NotSignedIn)?;
        let sub = tokens.identity.sub.clone();
        self.sink.signed_in(&login, tokens).map_err(CallbackFailure::NotSignedIn)?;
        log::info("signed in", &[("session", &login.session), ("sub", &sub)]);
        Ok(CallbackReply::SignedIn { login, sub })
    }

    /// Passes an answer on to the pool and returns the code of the pool's own answer. `None` when the pool gives none,
    /// which leaves the code that we have.
    fn relayed(
        &self,
        relay: &RelayState,
        original: &Secret,
        login: &PendingLogin,
    ) -> Result<Option<Secret>, CallbackFailure> {
        let location = self.provider.forward(relay, original, login).map_err(CallbackFailure::NotSignedIn)?;
        let query = location.as_deref().and_then(|location| location.split('#').next()?.split_once('?'));
        let Some((_, query)) = query else { return Ok(None) };
        let fields = Fields::parse(query.as_bytes(), MAX_QUERY_BYTES)?;
        if fields.get_filled("code")?.is_none() && fields.get("error")?.is_none() {
            return Ok(None);
        }
        if fields.get_filled(STATE_FIELD)?.is_some_and(|state| state != relay.request_state()) {
            let error = Error::new(Code::IdpInvalid, "the user pool answered the relay for another login")
                .with_hint("ask for a new login link");
            return Err(CallbackFailure::NotSignedIn(error));
        }
        code(&fields, Some(&login.issuer)).map(Some)
    }
}

/// The code of an answer, which must come from that issuer (RFC 9207 section 2.4) and not be an error.
fn code(fields: &Fields<'_>, issuer: Option<&Issuer>) -> Result<Secret, CallbackFailure> {
    if let Some(issuer) = issuer {
        match fields.get("iss")? {
            Some(name) if name != issuer.name => return Err(CallbackFailure::WrongIssuer),
            None if issuer.must_be_named => return Err(CallbackFailure::WrongIssuer),
            _ => {}
        }
    }
    if let Some(error) = fields.get("error")? {
        let description = fields.get_filled("error_description")?;
        return Err(CallbackFailure::Refused {
            error: shortened(&error),
            description: description.as_deref().map(shortened),
        });
    }
    let code = fields.get_filled("code")?.ok_or(CallbackFailure::CodeMissing)?;
    Ok(Secret::new(code.into_owned()))
}

/// Nothing was done: the same request may do better in a moment, where the failure is one that passes.
fn unjudged(error: Error) -> CallbackFailure {
    if error.code().is_temporary() {
        CallbackFailure::Undecided(error)
    } else {
        CallbackFailure::NotSignedIn(error)
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(MAX_ERROR_CHARS).collect()
}

/// Method only: the query has the code, the body the token.
impl fmt::Debug for CallbackRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackRequest").field("method", &self.method).finish_non_exhaustive()
    }
}

/// For the log: says why, never with codes, states or tokens.
impl fmt::Display for CallbackFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LinkExpired => f.write_str("link unknown, used or expired"),
            Self::Malformed => f.write_str("malformed request"),
            Self::WrongIssuer => f.write_str("answer of another provider"),
            Self::Refused { error, .. } => write!(f, "refused by the provider: {error}"),
            Self::CodeMissing => f.write_str("answer without a code"),
            Self::ForeignPage => f.write_str("confirmation from a foreign page"),
            Self::Undecided(error) | Self::NotSignedIn(error) => match error.detail() {
                Some(detail) => write!(f, "{error} ({detail})"),
                None => write!(f, "{error}"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::base::codec::base64url;
    use crate::base::entropy::OsEntropy;
    use crate::base::time::ManualClock;
    use crate::oidc::testing::{self, World};
    use crate::records::testing::Cut;

    #[derive(Debug, Default)]
    struct Sink {
        stored: Mutex<Vec<(String, String)>>,
        full: bool,
    }

    impl LoginSink for Sink {
        fn signed_in(&self, login: &PendingLogin, tokens: Tokens) -> Result<()> {
            if self.full {
                return Err(Error::new(Code::StoreUnwritable, "disk full"));
            }
            self.stored.lock().unwrap().push((login.session.to_string(), tokens.identity.sub));
            Ok(())
        }
    }

    fn callback(world: &World, sink: &Arc<Sink>, confirm: bool) -> Callback {
        Callback::new(world.provider.clone(), world.pending.clone(), sink.clone(), confirm)
    }

    fn get(callback: &Callback, query: &str) -> CallbackReply {
        callback.handle(&CallbackRequest { method: "GET", query, ..post("") })
    }

    fn post(body: &str) -> CallbackRequest<'_> {
        CallbackRequest {
            method: "POST",
            query: "",
            body: body.as_bytes(),
            origin: Some("http://127.0.0.1:18789"),
            sec_fetch_site: Some("same-origin"),
            accept_language: None,
        }
    }

    fn form(confirm: &Confirm) -> String {
        format!("state={}&confirm={}", confirm.state.expose(), confirm.token.expose())
    }

    fn failure(reply: CallbackReply) -> CallbackFailure {
        match reply {
            CallbackReply::Failed(failure) => failure,
            other => panic!("{other:?}"),
        }
    }

    fn asked(reply: CallbackReply) -> Confirm {
        match reply {
            CallbackReply::Confirm(confirm) => confirm,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_get_asks_and_a_post_signs_in_once() {
        let (world, sink) = (World::new(), Arc::new(Sink::default()));
        let callback = callback(&world, &sink, true);
        let (state, login) = world.login();
        world.grant(&testing::claims(login.nonce.expose()), Some("rt"));
        let calls = world.transport.sent().len();

        let query = format!("code=c-1&state={state}");
        asked(get(&callback, &query));
        let confirm = asked(get(&callback, &query));
        assert_eq!(confirm.action, "/identity/oauth/callback");
        assert_eq!(confirm.login.session.as_str(), "agent:main:telegram:direct:1");
        assert_eq!(world.transport.sent().len(), calls, "a GET calls nobody");
        assert!(world.pending.find(&state).unwrap().is_some(), "a GET uses nothing up");
        assert!(sink.stored.lock().unwrap().is_empty());

        let body = form(&confirm);
        let CallbackReply::SignedIn { sub, .. } = callback.handle(&post(&body)) else { panic!() };
        assert_eq!(sub, "u-1");
        assert_eq!(*sink.stored.lock().unwrap(), [("agent:main:telegram:direct:1".into(), "u-1".into())]);
        let sent = String::from_utf8(world.transport.last_to("/oauth/token").body).unwrap();
        assert!(sent.contains("code=c-1&"), "the parked code is exchanged");
        assert!(matches!(failure(callback.handle(&post(&body))), CallbackFailure::LinkExpired));
        assert!(matches!(failure(get(&callback, &query)), CallbackFailure::LinkExpired));
    }

    #[test]
    fn without_confirmation_a_get_signs_in_and_a_post_is_refused() {
        let (world, sink) = (World::new(), Arc::new(Sink::default()));
        let callback = callback(&world, &sink, false);
        let (state, login) = world.login();
        world.grant(&testing::claims(login.nonce.expose()), None);
        assert!(matches!(callback.handle(&post("")), CallbackReply::MethodNotAllowed { allow: "GET" }));
        let query = format!("code=c-1&state={state}");
        assert!(matches!(get(&callback, &query), CallbackReply::SignedIn { .. }));
        assert!(matches!(failure(get(&callback, &query)), CallbackFailure::LinkExpired));
    }

    #[test]
    fn other_methods_are_refused() {
        let (world, sink) = (World::new(), Arc::new(Sink::default()));
        let callback = callback(&world, &sink, true);
        for method in ["HEAD", "PUT", "DELETE", "OPTIONS", "get", ""] {
            let reply = callback.handle(&CallbackRequest { method, ..post("") });
            assert!(matches!(reply, CallbackReply::MethodNotAllowed { allow: "GET, POST" }), "{method}");
        }
    }

    #[test]
    fn the_state_is_judged_before_anything_else() {
        let (world, sink) = (World::new(), Arc::new(Sink::default()));
        let callback = callback(&world, &sink, true);
        for query in [
            "",
            "code=c",
            "error=access_denied&state=forged",
            "error=access_denied",
            "iss=https://evil.example.com&state=forged",
            "code=c&state=",
        ] {
            assert!(matches!(failure(get(&callback, query)), CallbackFailure::LinkExpired), "{query}");
        }
        for body in ["", "confirm=x", "state=forged&confirm=x"] {
            let foreign = CallbackRequest { origin: Some("https://evil.example.com"), ..post(body) };
            assert!(matches!(failure(callback.handle(&foreign)), CallbackFailure::LinkExpired), "{body}");
        }
    }

    #[test]
    fn then_the_issuer_then_the_error_then_the_code() {
        let (world, sink) = (World::new(), Arc::new(Sink::default()));
        let callback = callback(&world, &sink, true);
        let (state, _) = world.login();
        let fail = |rest: &str| failure(get(&callback, &format!("state={state}{rest}")));
        let iss = "&iss=https%3A%2F%2Fpool.example.com";
        assert!(matches!(
            fail("&error=x&iss=https%3A%2F%2Fevil.example.com&code=c"),
            CallbackFailure::WrongIssuer
        ));
        let long = "d".repeat(MAX_ERROR_CHARS + 1);
        let CallbackFailure::Refused { error, description } =
            fail(&format!("{iss}&code=c&error=access_denied&error_description={long}"))
        else {
            panic!()
        };
        assert_eq!((error.as_str(), description.unwrap().len()), ("access_denied", MAX_ERROR_CHARS));
        assert!(matches!(fail(iss), CallbackFailure::CodeMissing));
        assert!(matches!(fail("&code="), CallbackFailure::CodeMissing));
        assert!(matches!(fail("&code=a&code=b"), CallbackFailure::Malformed));
        assert!(matches!(fail(&format!("&state={state}&code=a")), CallbackFailure::Malformed));
        assert!(world.pending.find(&state).unwrap().is_some(), "none of this uses the link up");
    }

    #[test]
    fn a_provider_that_says_so_must_name_itself() {
        let (world, sink) = (World::naming_itself(), Arc::new(Sink::default()));
        let callback = callback(&world, &sink, true);
        let (state, _) = world.login();
        assert!(matches!(
            failure(get(&callback, &format!("state={state}&code=c"))),
            CallbackFailure::WrongIssuer
        ));
        asked(get(&callback, &format!("state={state}&code=c&iss=https://pool.example.com")));
    }

    #[test]
    fn a_confirmation_from_elsewhere_is_refused_and_uses_nothing_up() {
        let (world, sink) = (World::new(), Arc::new(Sink::default()));
        let callback = callback(&world, &sink, true);
        let (state, login) = world.login();
        world.grant(&testing::claims(login.nonce.expose()), None);
        let confirm = asked(get(&callback, &format!("state={state}&code=c")));
        let body = form(&confirm);
        for (origin, site) in [
            (Some("https://evil.example.com"), None),
            (Some("null"), Some("same-origin")),
            (Some("http://127.0.0.1:1878"), None),
            (Some("http://localhost:18789"), None),
            (None, Some("cross-site")),
            (Some("http://127.0.0.1:18789"), Some("same-site")),
        ] {
            let request = CallbackRequest { origin, sec_fetch_site: site, ..post(&body) };
            assert!(
                matches!(failure(callback.handle(&request)), CallbackFailure::ForeignPage),
                "{origin:?} {site:?}"
            );
        }
        let wrong = format!("state={state}&confirm=guess");
        assert!(matches!(failure(callback.handle(&post(&wrong))), CallbackFailure::LinkExpired));
        let bare = CallbackRequest { origin: None, sec_fetch_site: None, ..post(&body) };
        assert!(matches!(callback.handle(&bare), CallbackReply::SignedIn { .. }));
    }

    #[test]
    fn while_the_login_cannot_be_looked_up_the_link_stays_good() {
        let (mut world, sink) = (World::new(), Arc::new(Sink::default()));
        let clock = Arc::new(ManualClock::at(*testing::NOW));
        let (logins, links) = (Cut::new(clock.clone()), Cut::new(clock.clone()));
        let pending = PendingLogins::on(logins.clone(), links, clock, Arc::new(OsEntropy));
        world.pending = Arc::new(pending);
        for confirm in [true, false] {
            let callback = callback(&world, &sink, confirm);
            let (state, login) = world.login();
            world.grant(&testing::claims(login.nonce.expose()), None);
            let calls = world.transport.sent().len();
            let query = format!("code=c&state={state}");
            let undecided = |reply| {
                let failure = failure(reply);
                matches!(failure, CallbackFailure::Undecided(error) if error.code() == Code::StoreUnavailable)
            };
            logins.off(true);
            assert!(undecided(get(&callback, &query)));
            logins.off(false);
            let mut reply = get(&callback, &query);
            if confirm {
                let body = form(&asked(reply));
                logins.off(true);
                assert!(undecided(callback.handle(&post(&body))));
                assert_eq!(world.transport.sent().len(), calls, "no code was exchanged");
                logins.off(false);
                reply = callback.handle(&post(&body));
            }
            assert!(matches!(reply, CallbackReply::SignedIn { .. }), "{reply:?}");
        }
    }

    #[test]
    fn a_failed_exchange_or_sink_is_a_failed_login() {
        let (world, sink) = (World::new(), Arc::new(Sink { full: true, ..Sink::default() }));
        let callback = callback(&world, &sink, false);
        let (state, login) = world.login();
        world.transport.answer("/oauth/token", 400, r#"{"error":"invalid_grant"}"#);
        let refused = failure(get(&callback, &format!("state={state}&code=c")));
        assert!(matches!(refused, CallbackFailure::NotSignedIn(error) if error.code() == Code::IdpRefused));
        assert!(world.pending.take(&state).unwrap().is_none(), "an exchange uses the link up");
        drop(login);
        let (state, login) = world.login();
        world.grant(&testing::claims(login.nonce.expose()), None);
        let unstored = failure(get(&callback, &format!("state={state}&code=c")));
        assert!(
            matches!(unstored, CallbackFailure::NotSignedIn(error) if error.code() == Code::StoreUnwritable)
        );
    }

    #[test]
    fn the_size_limits_are_exact() {
        let (world, sink) = (World::new(), Arc::new(Sink::default()));
        let callback = callback(&world, &sink, true);
        for (max, method) in [(MAX_QUERY_BYTES, "GET"), (MAX_BODY_BYTES, "POST")] {
            let kind = |len: usize| {
                let text = "x".repeat(len);
                let (query, body) = if method == "GET" { (text.as_str(), "") } else { ("", text.as_str()) };
                failure(callback.handle(&CallbackRequest { method, query, ..post(body) }))
            };
            assert!(matches!(kind(max), CallbackFailure::LinkExpired), "{method}");
            assert!(matches!(kind(max + 1), CallbackFailure::Malformed), "{method}");
        }
    }

    const HOSTED: &str = "/login/generic_oauth/callback";

    fn relay_state(request_state: &str) -> String {
        let content = serde_json::json!({
            "request_id": "r-1", "provider_id": "idp-1", "request_state": request_state
        });
        base64url(content.to_string().as_bytes())
    }

    /// Requests to the pool besides discovery and keys.
    fn paths(world: &World) -> Vec<String> {
        let paths = world.transport.sent().into_iter().map(|request| request.url.path().to_owned());
        paths.filter(|path| path == HOSTED || path == "/oauth/token").collect()
    }

    fn exchanged_code(world: &World) -> String {
        let body = world.transport.last_to("/oauth/token").body;
        form_urlencoded::parse(&body).find(|(name, _)| name == "code").unwrap().1.into_owned()
    }

    #[test]
    fn a_relayed_answer_is_passed_on_and_the_pools_code_exchanged() {
        let (world, sink) = (World::relaying(false), Arc::new(Sink::default()));
        let callback = callback(&world, &sink, false);
        let (state, login) = world.login();
        world.grant(&testing::claims(login.nonce.expose()), None);
        let back = format!("http://127.0.0.1:18789/identity/oauth/callback?code=pool-code&state={state}");
        world.transport.redirect(HOSTED, &back);
        let relay = relay_state(&state);
        let reply = get(&callback, &format!("code=idp-code&state={relay}"));
        assert!(matches!(reply, CallbackReply::SignedIn { .. }), "{reply:?}");
        let forwarded = world.transport.last_to(HOSTED).url;
        assert_eq!(
            forwarded.to_string(),
            format!("https://pool.example.com{HOSTED}?code=idp-code&state={relay}")
        );
        assert_eq!(exchanged_code(&world), "pool-code");
        assert_eq!(
            paths(&world),
            [HOSTED, "/oauth/token"],
            "in this order, and the redirect is not followed"
        );
    }

    #[test]
    fn without_a_code_of_the_pool_the_original_is_exchanged() {
        let sink = Arc::new(Sink::default());
        for location in [None, Some("/login"), Some("/login?code="), Some("/login?x=1#code=z"), Some("::")] {
            let world = World::relaying(false);
            let (state, login) = world.login();
            world.grant(&testing::claims(login.nonce.expose()), None);
            match location {
                Some(location) => world.transport.redirect(HOSTED, location),
                None => world.transport.answer(HOSTED, 200, ""),
            }
            let query = format!("code=idp-code&state={}", relay_state(&state));
            let reply = get(&callback(&world, &sink, false), &query);
            assert!(matches!(reply, CallbackReply::SignedIn { .. }), "{location:?} {reply:?}");
            assert_eq!(exchanged_code(&world), "idp-code", "{location:?}");
        }
    }

    #[test]
    fn the_login_inside_a_relay_state_is_checked_before_anything_is_passed_on() {
        let (world, sink) = (World::relaying(false), Arc::new(Sink::default()));
        for confirm in [true, false] {
            let callback = callback(&world, &sink, confirm);
            let (state, _) = world.login();
            let nested = relay_state(&relay_state(&state));
            for state in [relay_state("forged"), nested] {
                let reply = get(&callback, &format!("code=c&state={state}"));
                assert!(matches!(failure(reply), CallbackFailure::LinkExpired));
            }
            let relay = relay_state(&state);
            let refused = failure(get(&callback, &format!("error=access_denied&code=c&state={relay}")));
            assert!(matches!(refused, CallbackFailure::Refused { .. }));
            let codeless = failure(get(&callback, &format!("state={relay}")));
            assert!(matches!(codeless, CallbackFailure::CodeMissing));
            assert!(world.pending.find(&state).unwrap().is_some());
        }
        assert!(paths(&world).is_empty());
    }

    #[test]
    fn nothing_is_passed_on_before_the_person_confirmed() {
        let (world, sink) = (World::relaying(false), Arc::new(Sink::default()));
        let callback = callback(&world, &sink, true);
        let (state, login) = world.login();
        let relay = relay_state(&state);
        let confirm = asked(get(&callback, &format!("code=idp-code&state={relay}")));
        assert!(paths(&world).is_empty(), "a GET calls nobody");
        assert!(confirm.state.same_as(state.as_bytes()));
        assert!(world.pending.find(&state).unwrap().is_some(), "a GET uses nothing up");

        world.grant(&testing::claims(login.nonce.expose()), None);
        world.transport.redirect(HOSTED, &format!("/x?code=pool-code&state={state}"));
        let body = form(&confirm);
        assert!(matches!(callback.handle(&post(&body)), CallbackReply::SignedIn { .. }));
        assert_eq!(exchanged_code(&world), "pool-code");
        assert!(matches!(failure(callback.handle(&post(&body))), CallbackFailure::LinkExpired));
        assert_eq!(paths(&world).len(), 2, "once");
    }

    #[test]
    fn an_answer_of_the_pool_that_is_not_for_this_login_is_refused() {
        let sink = Arc::new(Sink::default());
        let outcome = |location: &str, names_itself| {
            let world = World::relaying(names_itself);
            let (state, _) = world.login();
            world.transport.redirect(HOSTED, &location.replace("STATE", &state));
            let query = format!("code=idp-code&iss=https://idp.example&state={}", relay_state(&state));
            let failure = failure(get(&callback(&world, &sink, false), &query));
            assert_eq!(paths(&world), [HOSTED], "no code was exchanged");
            failure
        };
        for foreign in ["/x?code=c&state=other", "/x?error=e&state=other"] {
            let failure = outcome(foreign, false);
            assert!(
                matches!(failure, CallbackFailure::NotSignedIn(error) if error.code() == Code::IdpInvalid)
            );
        }
        let mixed_up = outcome("/x?code=c&state=STATE&iss=https://evil.example", false);
        assert!(matches!(mixed_up, CallbackFailure::WrongIssuer));
        assert!(matches!(outcome("/x?code=c&state=STATE", true), CallbackFailure::WrongIssuer));
        let refused = outcome("/x?error=access_denied&state=STATE", false);
        assert!(matches!(refused, CallbackFailure::Refused { error, .. } if error == "access_denied"));
        assert!(matches!(outcome("/x?code=a&code=b", false), CallbackFailure::Malformed));
    }

    #[test]
    fn a_pool_that_does_not_take_the_answer_ends_the_login() {
        let (world, sink) = (World::relaying(false), Arc::new(Sink::default()));
        let (state, _) = world.login();
        world.transport.answer(HOSTED, 400, "no");
        let query = format!("code=idp-code&state={}", relay_state(&state));
        let failed = failure(get(&callback(&world, &sink, false), &query));
        assert!(matches!(failed, CallbackFailure::NotSignedIn(error) if error.code() == Code::IdpRefused));
        assert_eq!(paths(&world), [HOSTED]);
        assert!(world.pending.find(&state).unwrap().is_none(), "the code is spent, and so is the link");
    }

    #[test]
    fn with_the_relay_off_a_relay_state_is_an_unknown_one() {
        let (world, sink) = (World::new(), Arc::new(Sink::default()));
        let (state, _) = world.login();
        let query = format!("code=c&state={}", relay_state(&state));
        let failed = failure(get(&callback(&world, &sink, false), &query));
        assert!(matches!(failed, CallbackFailure::LinkExpired));
        assert!(paths(&world).is_empty());
    }

    #[test]
    fn with_the_relay_on_an_ordinary_answer_is_taken_as_ever() {
        let (world, sink) = (World::relaying(false), Arc::new(Sink::default()));
        let (state, login) = world.login();
        world.grant(&testing::claims(login.nonce.expose()), None);
        let reply = get(&callback(&world, &sink, false), &format!("code=c-1&state={state}"));
        assert!(matches!(reply, CallbackReply::SignedIn { .. }));
        assert_eq!(paths(&world), ["/oauth/token"]);
    }
}
