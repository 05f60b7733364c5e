//! What came in, for tests to assert on: the last requests, and what became of refresh tokens.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::message::Request;

/// Requests remembered at most; the oldest goes first.
pub const MAX_RECORDED: usize = 1000;
/// Uses of refresh tokens remembered at most; the oldest goes first.
pub const MAX_REFRESH_USES: usize = 100_000;

/// One request that came in.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recorded {
    /// The action of the cloud API, or the endpoint's name.
    pub target: String,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// Query parameters, decoded.
    pub query: BTreeMap<String, String>,
    /// Headers, names in lower case. Nothing is left out: the emulator's secrets are no secrets.
    pub headers: Vec<(String, String)>,
    /// The body: a JSON body as it is, a form as an object, anything else as a string.
    pub body: Value,
    /// The status of the answer; `None` as long as there is none.
    pub status: Option<u16>,
}

impl Recorded {
    /// The first header of a (lower-case) name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// One use of a refresh token that the provider knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshUse {
    /// The user's name.
    pub user: String,
    /// The login that the token descends from.
    pub login: String,
    /// Whether the token had been used before.
    pub again: bool,
    /// When, on the monotonic clock of the options.
    pub at: Duration,
}

/// The last [`MAX_REFRESH_USES`] uses of refresh tokens.
#[derive(Debug, Default)]
pub(super) struct RefreshUses(Mutex<VecDeque<RefreshUse>>);

impl RefreshUses {
    /// All of them, oldest first.
    pub(super) fn all(&self) -> Vec<RefreshUse> {
        self.lock().iter().cloned().collect()
    }

    /// Remembers one.
    pub(super) fn add(&self, used: RefreshUse) {
        let mut uses = self.lock();
        uses.push_back(used);
        if uses.len() > MAX_REFRESH_USES {
            uses.pop_front();
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<RefreshUse>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last [`MAX_RECORDED`] requests. Copies share them.
#[derive(Clone, Debug, Default)]
pub struct Requests(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    log: Mutex<Log>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct Log {
    first: u64,
    entries: VecDeque<Recorded>,
}

impl Requests {
    /// All of them, oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<Recorded> {
        self.lock().entries.iter().cloned().collect()
    }

    /// Those to one endpoint or action, oldest first.
    #[must_use]
    pub fn to(&self, target: &str) -> Vec<Recorded> {
        self.lock().entries.iter().filter(|r| r.target == target).cloned().collect()
    }

    /// Waits until at least `count` requests to an endpoint or action have come in, answered or not; whether they did
    /// within `limit`.
    #[must_use]
    pub fn wait_for(&self, target: &str, count: usize, limit: Duration) -> bool {
        let short = |log: &mut Log| log.entries.iter().filter(|r| r.target == target).count() < count;
        let waited = self.0.arrived.wait_timeout_while(self.lock(), limit, short);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Forgets all of them.
    pub fn clear(&self) {
        let mut log = self.lock();
        log.first += log.entries.len() as u64;
        log.entries.clear();
    }

    /// Remembers a request; the number is for [`Requests::answered`].
    pub(super) fn add(&self, target: &str, request: &Request) -> u64 {
        let recorded = Recorded {
            target: target.to_owned(),
            method: request.method.clone(),
            path: request.path.clone(),
            query: pairs(request.query.as_bytes()),
            headers: request.headers.clone(),
            body: body(request),
            status: None,
        };
        let mut log = self.lock();
        log.entries.push_back(recorded);
        if log.entries.len() > MAX_RECORDED {
            log.entries.pop_front();
            log.first += 1;
        }
        self.0.arrived.notify_all();
        log.first + log.entries.len() as u64 - 1
    }

    /// Notes the status with which a request was answered.
    pub(super) fn answered(&self, number: u64, status: u16) {
        let mut log = self.lock();
        let index = number.checked_sub(log.first).and_then(|index| usize::try_from(index).ok());
        if let Some(recorded) = index.and_then(|index| log.entries.get_mut(index)) {
            recorded.status = Some(status);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.0.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn body(request: &Request) -> Value {
    match request.media_type().as_str() {
        "application/x-www-form-urlencoded" => json!(pairs(&request.body)),
        _ => serde_json::from_slice(&request.body)
            .unwrap_or_else(|_| json!(String::from_utf8_lossy(&request.body))),
    }
}

fn pairs(encoded: &[u8]) -> BTreeMap<String, String> {
    form_urlencoded::parse(encoded).map(|(n, v)| (n.into_owned(), v.into_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_request_goes_and_answers_find_theirs() {
        let requests = Requests::default();
        let numbers: Vec<u64> =
            (0..=MAX_RECORDED).map(|i| requests.add(&i.to_string(), &Request::default())).collect();
        requests.answered(numbers[0], 200);
        requests.answered(numbers[MAX_RECORDED], 201);
        let all = requests.all();
        assert_eq!((all.len(), all[0].target.as_str(), all[0].status), (MAX_RECORDED, "1", None));
        assert_eq!(requests.to(&MAX_RECORDED.to_string())[0].status, Some(201));
        requests.clear();
        requests.answered(numbers[MAX_RECORDED], 500);
        assert!(requests.all().is_empty());
    }

    #[test]
    fn the_oldest_use_of_a_refresh_token_goes() {
        let uses = RefreshUses::default();
        let used = |n: usize| RefreshUse {
            user: "alice".into(),
            login: n.to_string(),
            again: false,
            at: Duration::ZERO,
        };
        (0..=MAX_REFRESH_USES).for_each(|n| uses.add(used(n)));
        let all = uses.all();
        assert_eq!((all.len(), &all[0]), (MAX_REFRESH_USES, &used(1)));
    }

    #[test]
    fn waiting_ends_with_the_request_or_the_limit() {
        let requests = Requests::default();
        assert!(!requests.wait_for("token", 1, Duration::from_millis(1)));
        let waiter = std::thread::spawn({
            let requests = requests.clone();
            move || requests.wait_for("token", 1, Duration::from_secs(60))
        });
        requests.add("token", &Request::default());
        assert!(waiter.join().unwrap());
    }
}
