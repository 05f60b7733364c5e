//! Where the `id` service is: the configured endpoint, or the region's, or the default region's.
//!
//! The region comes from the machine's metadata service and becomes part of a host name, hence the strict grammar.
//! A failed look-up is never an error to the caller: the default host serves, and the look-up is repeated later.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::error::{Code, Error, Result};
use crate::base::flight::Flight;
use crate::base::log;
use crate::base::time::Clock;
use crate::base::url::Url;
use crate::net::transport::{HttpRequest, Limits, Method, Transport};

/// The region when nothing else is known, and of every signature to a host that names none.
pub const DEFAULT_REGION: &str = "cn-beijing";
/// How long the metadata service may take.
pub const METADATA_LIMIT: Duration = Duration::from_secs(10);
/// How long the default host serves before a failed look-up is repeated.
pub const RETRY_FAILED_AFTER: Duration = Duration::from_secs(60);
/// Characters of a region.
pub const MAX_REGION_CHARS: usize = 63;

/// Bytes of a metadata answer; a region has at most 63 characters.
const MAX_ANSWER_BYTES: u64 = 1024;

/// Where calls go and for which region they are signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Base URL of the `id` service.
    pub url: Url,
    /// Region of the signature.
    pub region: String,
}

impl Endpoint {
    /// The endpoint at a URL, signed for the region in a host `id.{region}.volcengineapi.com` and for the default
    /// region at every other host.
    #[must_use]
    pub fn at(url: Url) -> Self {
        let host = url.host().to_ascii_lowercase();
        let region = host.strip_prefix("id.").and_then(|rest| rest.strip_suffix(".volcengineapi.com"));
        let region = region.filter(|region| is_region(region)).unwrap_or(DEFAULT_REGION).to_owned();
        Self { url, region }
    }

    /// The public endpoint of a region; `None` when the text is not one.
    #[must_use]
    pub fn of_region(region: &str) -> Option<Self> {
        let url =
            is_region(region).then(|| Url::parse(&format!("https://id.{region}.volcengineapi.com")))?.ok()?;
        Some(Self { url, region: region.to_owned() })
    }
}

/// Whether a text is a region: `[a-z0-9][a-z0-9-]{0,62}`, and thereby one label of a host name.
#[must_use]
pub fn is_region(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    text.len() <= MAX_REGION_CHARS
        && text.bytes().next().is_some_and(plain)
        && text.bytes().all(|b| plain(b) || b == b'-')
}

/// Why calls go where they go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `identity.endpoint` says so.
    Configured,
    /// The metadata service named the region.
    Metadata,
    /// The metadata service named none that can be used.
    Fallback,
    /// Nothing is configured.
    Default,
}

/// Finds the endpoint and remembers it.
#[derive(Debug)]
pub struct Endpoints {
    choice: Choice,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
    flight: Flight<(), Arc<Endpoint>>,
}

#[derive(Debug)]
enum Choice {
    Fixed(Arc<Endpoint>, Origin),
    Metadata { url: Url, default: Arc<Endpoint> },
}

#[derive(Debug, Default)]
struct Known {
    found: Option<Arc<Endpoint>>,
    /// When (monotonic) the next look-up is due after a failed one.
    retry_at: Option<Duration>,
}

impl Endpoints {
    /// The configured endpoint, or the one of the region that the metadata URL answers, or the default.
    ///
    /// # Errors
    /// None in practice: `Internal` if the default were not a URL.
    pub fn new(
        endpoint: Option<Url>,
        region_metadata_url: Option<Url>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let default = || {
            let endpoint = Endpoint::of_region(DEFAULT_REGION).map(Arc::new);
            endpoint.ok_or_else(|| Error::new(Code::Internal, "the default region is not a region"))
        };
        let choice = match (endpoint, region_metadata_url) {
            (Some(url), _) => Choice::Fixed(Arc::new(Endpoint::at(url)), Origin::Configured),
            (None, Some(url)) => Choice::Metadata { url, default: default()? },
            (None, None) => Choice::Fixed(default()?, Origin::Default),
        };
        Ok(Self { choice, transport, clock, known: Mutex::default(), flight: Flight::default() })
    }

    /// Where calls go now. Asks the metadata service when that is due, otherwise returns at once.
    #[must_use]
    pub fn current(&self) -> Arc<Endpoint> {
        let (url, default) = match &self.choice {
            Choice::Fixed(endpoint, _) => return endpoint.clone(),
            Choice::Metadata { url, default } => (url, default),
        };
        if let Some(endpoint) = self.remembered(default) {
            return endpoint;
        }
        let found = self.flight.run(&(), || Ok(self.look_up(url, default)));
        found.unwrap_or_else(|_| default.clone())
    }

    /// Where calls go as far as that is known without asking; no I/O.
    #[must_use]
    pub fn known(&self) -> Option<Arc<Endpoint>> {
        match &self.choice {
            Choice::Fixed(endpoint, _) => Some(endpoint.clone()),
            Choice::Metadata { default, .. } => self.remembered(default),
        }
    }

    /// Why calls go there, as of the last look-up; no I/O.
    #[must_use]
    pub fn origin(&self) -> Origin {
        match &self.choice {
            Choice::Fixed(_, origin) => *origin,
            Choice::Metadata { .. } if self.lock().found.is_some() => Origin::Metadata,
            Choice::Metadata { .. } => Origin::Fallback,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remembered(&self, default: &Arc<Endpoint>) -> Option<Arc<Endpoint>> {
        let known = self.lock();
        let waiting = known.retry_at.is_some_and(|at| self.clock.monotonic() < at);
        known.found.clone().or_else(|| waiting.then(|| default.clone()))
    }

    fn look_up(&self, url: &Url, default: &Arc<Endpoint>) -> Arc<Endpoint> {
        // Whoever came just after another's landing finds its result.
        if let Some(endpoint) = self.remembered(default) {
            return endpoint;
        }
        let outcome = self.ask(url);
        let mut known = self.lock();
        match outcome {
            Ok(endpoint) => known.found.insert(Arc::new(endpoint)).clone(),
            Err(reason) => {
                let first = known.retry_at.is_none();
                known.retry_at = Some(self.clock.monotonic() + RETRY_FAILED_AFTER);
                drop(known);
                if first {
                    log::warn(
                        "no region from the metadata service; using the default",
                        &[("region", &DEFAULT_REGION), ("reason", &reason)],
                    );
                }
                default.clone()
            }
        }
    }

    fn ask(&self, url: &Url) -> Result<Endpoint, String> {
        if !url.is_confidential() && !url.is_metadata_host() {
            return Err("plain http is for this machine and link-local addresses only".to_owned());
        }
        let limits = Limits { total: METADATA_LIMIT, body_bytes: MAX_ANSWER_BYTES, ..Limits::default() };
        let request = HttpRequest {
            method: Method::Get,
            url: url.clone(),
            headers: Vec::new(),
            body: Vec::new(),
            limits,
        };
        let response = self.transport.send(&request).map_err(|failure| failure.to_string())?;
        if !response.is_success() {
            return Err(format!("status {}", response.status));
        }
        match std::str::from_utf8(&response.body).map(str::trim) {
            Ok("") => Err("the answer is empty".to_owned()),
            Ok("unknown") => Err("the region is unknown".to_owned()),
            Ok(region) => Endpoint::of_region(region).ok_or_else(|| "the answer is not a region".to_owned()),
            Err(_) => Err("the answer is not text".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::testing::{Script, StepClock, answer, failed};
    use crate::net::transport::{Failure, FailureKind, HttpResponse};

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn endpoints(
        endpoint: Option<&str>,
        metadata: bool,
        answers: Vec<Result<HttpResponse, Failure>>,
    ) -> (Endpoints, Arc<Script>, Arc<StepClock>) {
        let (script, clock) = (Arc::new(Script::new(answers)), Arc::new(StepClock::at(0)));
        let metadata = metadata.then(|| url("http://100.96.0.96/latest/region_id"));
        (Endpoints::new(endpoint.map(url), metadata, script.clone(), clock.clone()).unwrap(), script, clock)
    }

    const DEFAULT: &str = "https://id.cn-beijing.volcengineapi.com/";

    #[test]
    fn the_configured_endpoint_wins_without_a_look_up() {
        let (with, script, _) = endpoints(Some("https://id.cn-shanghai.volcengineapi.com"), true, vec![]);
        assert_eq!(with.current().region, "cn-shanghai");
        assert!(script.take().is_empty());
        let (without, script, _) = endpoints(None, false, vec![]);
        assert_eq!(without.current().url.to_string(), DEFAULT);
        assert!(script.take().is_empty());
    }

    #[test]
    fn the_region_of_the_metadata_service_is_asked_once() {
        let (endpoints, script, clock) =
            endpoints(None, true, vec![answer(200, " ap-southeast-1\n"), answer(200, "other")]);
        for _ in 0..2 {
            let endpoint = endpoints.current();
            assert_eq!(endpoint.url.to_string(), "https://id.ap-southeast-1.volcengineapi.com/");
            assert_eq!(endpoint.region, "ap-southeast-1");
            clock.advance(RETRY_FAILED_AFTER * 100);
        }
        let requests = script.take();
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].url.to_string(), "http://100.96.0.96/latest/region_id");
        assert_eq!((requests[0].limits.total, requests[0].method), (METADATA_LIMIT, Method::Get));
    }

    #[test]
    fn the_origin_of_the_endpoint_is_told() {
        for (endpoint, metadata, answer, origin) in [
            (Some("https://id.example"), true, "cn-shanghai", Origin::Configured),
            (None, true, "cn-beijing", Origin::Metadata),
            (None, true, "unknown", Origin::Fallback),
            (None, false, "cn-shanghai", Origin::Default),
        ] {
            let (endpoints, ..) = endpoints(endpoint, metadata, vec![self::answer(200, answer)]);
            let _ = endpoints.current();
            assert_eq!(endpoints.origin(), origin);
        }
    }

    #[test]
    fn no_region_is_read_in_the_clear_from_elsewhere() {
        let script = Arc::new(Script::new([answer(200, "cn-shanghai")]));
        let metadata = Some(url("http://metadata.example/region"));
        let endpoints = Endpoints::new(None, metadata, script.clone(), Arc::new(StepClock::at(0))).unwrap();
        assert_eq!(endpoints.current().url.to_string(), DEFAULT);
        assert!(script.take().is_empty());
    }

    #[test]
    fn whatever_is_wrong_with_the_answer_the_default_serves() {
        for bad in [
            answer(200, ""),
            answer(200, "unknown"),
            answer(200, "cn-beijing.evil.example"),
            answer(200, "a/b"),
            answer(200, "x@y"),
            answer(200, "<html>"),
            answer(404, "cn-shanghai"),
            answer(302, "cn-shanghai"),
            Ok(HttpResponse { status: 200, headers: Vec::new(), body: vec![0xff, 0xfe] }),
            failed(FailureKind::Timeout),
            failed(FailureKind::Connect),
        ] {
            let label = format!("{bad:?}");
            let (endpoints, ..) = endpoints(None, true, vec![bad]);
            assert_eq!(endpoints.current().url.to_string(), DEFAULT, "{label}");
        }
    }

    #[test]
    fn a_failed_look_up_is_repeated_after_a_minute_and_not_before() {
        let (endpoints, script, clock) =
            endpoints(None, true, vec![failed(FailureKind::Timeout), answer(200, "cn-shanghai")]);
        assert_eq!(endpoints.current().region, "cn-beijing");
        clock.advance(RETRY_FAILED_AFTER - Duration::from_millis(1));
        assert_eq!(endpoints.current().region, "cn-beijing");
        assert_eq!(script.take().len(), 1);
        clock.advance(Duration::from_millis(1));
        assert_eq!(endpoints.current().region, "cn-shanghai");
        assert_eq!(script.take().len(), 1);
    }

    #[test]
    fn region_grammar_at_its_edges() {
        for (text, good) in [
            ("a", true),
            ("0-", true),
            ("cn-beijing", true),
            (&"r".repeat(63), true),
            (&"r".repeat(64), false),
            ("", false),
            ("-a", false),
            ("CN", false),
            ("a.b", false),
            ("a_b", false),
            ("é", false),
        ] {
            assert_eq!(is_region(text), good, "{text}");
        }
    }

    #[test]
    fn the_signing_region_is_the_hosts() {
        for (endpoint, region) in [
            ("https://id.cn-guangzhou.volcengineapi.com", "cn-guangzhou"),
            ("https://ID.cn-guangzhou.volcengineapi.com:443/", "cn-guangzhou"),
            ("https://id.a.b.volcengineapi.com", "cn-beijing"),
            ("https://open.volcengineapi.com", "cn-beijing"),
            ("https://id.cn-guangzhou.volcengineapi.com.evil.example", "cn-beijing"),
            ("http://127.0.0.1:8080", "cn-beijing"),
        ] {
            assert_eq!(Endpoint::at(url(endpoint)).region, region, "{endpoint}");
        }
    }
}
