//! One signed call: action and version in the query, parameters in the body, sent with a date that the cloud accepts.

use super::canonical;
use super::envelope::{self, Class};
use super::keys::Keys;
use super::sign::{self, Scope, Unsigned};
use crate::base::error::{Code, Error, Result};
use crate::base::time::Timestamp;
use crate::base::url::Url;
use crate::net::exchange::{Exchange, Repeat};
use crate::net::transport::{Failure, FailureKind, HttpRequest, HttpResponse, Limits, Method};

/// A correction of the date that is worth another attempt; less may be the time that the first one took.
const CORRECTION_SECONDS: u64 = 30;

/// An action of the control plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    /// Its name, e.g. `CheckPermission`.
    pub name: &'static str,
    /// The API version that it is called in.
    pub version: &'static str,
    /// The service code that the signature is scoped to.
    pub service: &'static str,
}

impl Action {
    /// An action of the `id` service, version 2025-10-30.
    #[must_use]
    pub const fn id(name: &'static str) -> Self {
        Self { name, version: "2025-10-30", service: "id" }
    }

    /// An action of the `sts` service, version 2018-01-01.
    #[must_use]
    pub const fn sts(name: &'static str) -> Self {
        Self { name, version: "2018-01-01", service: "sts" }
    }

    /// The URL of a call at this base: the base's path with the action's query.
    ///
    /// Every call gets its URL here, so here is where plain http beyond this machine ends, whoever chose the base:
    /// bodies hold tokens, answers hold keys.
    ///
    /// # Errors
    /// `ConfigInvalid` when the base is neither https nor this machine.
    pub fn url(self, base: &Url) -> Result<Url> {
        if !base.is_confidential() {
            let message = format!("{}: {} would be called over plain http", self.name, base.origin());
            return Err(Error::new(Code::ConfigInvalid, message)
                .with_hint("use https in identity.endpoint; plain http is for this machine only"));
        }
        let url = base.with_path_and_query(&format!("{}?{}", base.path(), canonical::query(&self.query())));
        url.ok_or_else(|| Error::new(Code::Internal, format!("{} has no URL at the endpoint", self.name)))
    }

    fn query(self) -> [(String, String); 2] {
        [("Action".to_owned(), self.name.to_owned()), ("Version".to_owned(), self.version.to_owned())]
    }
}

/// The parts of a call besides its keys and date, which differ from attempt to attempt.
pub struct Call<'a> {
    /// What is called.
    pub action: Action,
    /// [`Action::url`] of it.
    pub url: Url,
    /// Region of the signature.
    pub region: &'a str,
    /// Type of the body.
    pub content_type: &'static str,
    /// The exact body.
    pub body: &'a [u8],
    /// Of each exchange; the total one is also the deadline of all attempts.
    pub limits: Limits,
}

/// Without the body, which may hold a user's token.
impl std::fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {:?} for {}", self.action.name, self.url, self.region)
    }
}

impl Call<'_> {
    /// Sends the call, each attempt signed anew. Where the cloud refuses the date and its own shows that our clock is
    /// wrong, the call is signed once more with the cloud's time.
    ///
    /// # Errors
    /// As [`Exchange::send`].
    pub fn send(&self, exchange: &Exchange, keys: &Keys, repeat: Repeat) -> Result<HttpResponse, Failure> {
        let send = || exchange.send(repeat, || self.signed(keys, exchange.party_now()));
        let before = exchange.party_now();
        let response = send()?;
        let corrected = exchange.party_now().unix().abs_diff(before.unix()) > CORRECTION_SECONDS;
        let refused =
            || envelope::refusal(&response).is_some_and(|refusal| refusal.class == Class::ClockSkew);
        if corrected && refused() { send() } else { Ok(response) }
    }

    /// What to tell of a call that [`Call::send`] brought no answer to.
    #[must_use]
    pub fn unanswered(&self, failure: &Failure) -> Error {
        let what = match failure.kind {
            FailureKind::Protocol | FailureKind::TooLarge => "gave no usable answer",
            FailureKind::Timeout => "did not answer in time",
            FailureKind::Resolve | FailureKind::Connect | FailureKind::Tls => "cannot be reached",
        };
        let hint = match failure.kind {
            FailureKind::Tls => "check SSL_CERT_FILE and what stands between this machine and the cloud",
            _ => "check the network and the proxy settings of this machine",
        };
        let message = format!("{}: {} {what}: {failure}", self.action.name, self.url.authority());
        Error::new(Code::CloudUnreachable, message).with_hint(hint)
    }

    /// The request, signed for `date`.
    #[must_use]
    pub fn signed(&self, keys: &Keys, date: Timestamp) -> HttpRequest {
        let headers = [
            ("Accept".to_owned(), "application/json".to_owned()),
            ("Content-Type".to_owned(), self.content_type.to_owned()),
        ];
        let unsigned = Unsigned {
            method: "POST",
            host: self.url.authority(),
            path: self.url.path(),
            query: &self.action.query(),
            headers: &headers,
            body: self.body,
        };
        let scope = Scope { region: self.region, service: self.action.service };
        let mut headers = sign::headers(&unsigned, keys, scope, date);
        // The transport writes it itself, from the URL.
        headers.retain(|(name, _)| name != "Host");
        HttpRequest {
            method: Method::Post,
            url: self.url.clone(),
            headers,
            body: self.body.to_vec(),
            limits: self.limits,
        }
    }
}
