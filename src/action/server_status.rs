//! What is going on in this process: who is logged in, what works, what does not and since when. No token in it.

use serde::Serialize;
use serde_json::{Value, json};

use crate::base::time::Timestamp;
use crate::records::{Health, Records};
use crate::session::key::SessionKey;
use crate::session::model::Session;
use crate::session::users::{login_expired, not_logged_in};

use super::Services;
use super::whoami::problem;

/// Sessions that are listed one by one; the rest is counted.
const MAX_LISTED: usize = 100;

/// The state of the process.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// The program's version.
    pub version: &'static str,
    /// Since the start.
    pub uptime_seconds: u64,
    /// How many logins there are.
    pub session_count: usize,
    /// The logins, at most a hundred.
    pub sessions: Vec<SessionLine>,
    /// Why there is no token for anybody: `{code, message, hint}`; `null` when somebody has one.
    pub problem: Option<Value>,
    /// Whether people can log in, and what is missing if not.
    pub login: Value,
    /// The control plane: endpoint, platform keys, reachability, clock skew.
    pub cloud: Value,
    /// The session store: whether saves reach the disk.
    pub store: Value,
    /// Who used the socket: peer level, grants made by the fail-open rule, refusals.
    pub peers: Value,
    /// Which checks are on, and why a model that should judge does not: `{…, problem}`.
    pub authz: Value,
    /// Raw tokens handed out since the start.
    pub raw_tokens_served: Value,
}

/// One login.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionLine {
    /// Its key.
    pub session_key: SessionKey,
    /// The person.
    pub sub: String,
    /// When the person logged in.
    pub login_at: Timestamp,
    /// When the user token ends.
    pub expires_at: Timestamp,
    /// Whether it can be renewed silently.
    pub has_refresh_token: bool,
    /// Whether a workload token is at hand.
    pub has_tip: bool,
    /// When that ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tip_expires_at: Option<Timestamp>,
    /// Why there is no token, if an attempt failed: `{code, message, hint, at}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Value>,
}

pub(super) fn run(services: &Services) -> Outcome {
    let mut sessions = services.store.known();
    sessions.sort_by(|a, b| a.0.cmp(&b.0));
    let session_count = sessions.len();
    let now = services.clock.now();
    let lines: Vec<_> = sessions
        .into_iter()
        .take(MAX_LISTED)
        .map(|(key, login)| {
            let tip = services.broker.peek(&key);
            let failed = services.broker.last_failure(&key).filter(|_| tip.is_none());
            let ended = login.is_over(now).then(|| problem(&login_expired()));
            SessionLine {
                sub: login.sub.clone(),
                login_at: login.login_at,
                expires_at: login.expires_at,
                has_refresh_token: login.refresh_token.is_some(),
                has_tip: tip.is_some(),
                tip_expires_at: tip.map(|tip| tip.expires_at),
                problem: failed.map(|failure| with_date(problem(&failure.error), failure.at)).or(ended),
                session_key: key,
            }
        })
        .collect();
    let problem = match lines.as_slice() {
        [] => Some(problem(&not_logged_in())),
        lines if lines.iter().any(|line| line.has_tip) => None,
        lines => lines.iter().find_map(|line| line.problem.clone()),
    };
    Outcome {
        version: super::services::VERSION,
        uptime_seconds: services.clock.monotonic().saturating_sub(services.started).as_secs(),
        session_count,
        sessions: lines,
        problem,
        login: match &services.login {
            Ok(_) => json!({ "configured": true }),
            Err(error) => json!({ "configured": false, "problem": super::whoami::problem(error) }),
        },
        cloud: cloud(services),
        store: store(&*services.store),
        peers: services.peers.status(),
        authz: authz(services),
        raw_tokens_served: json!({ "tip": services.counters.tips(), "userToken": services.counters.user_tokens(), "environment": services.counters.environments(), "credential": services.counters.credentials() }),
    }
}

fn authz(services: &Services) -> Value {
    let mut authz = json!(services.gate.flags());
    if let Some(error) = services.gate.problem() {
        authz["problem"] = problem(error);
    }
    authz
}

/// How the keeping of logins goes, and where that is if not in the data folder.
pub(super) fn store(sessions: &dyn Records<Session>) -> Value {
    let mut store = match &sessions.health() {
        Health::Ok => json!({ "state": "ok" }),
        Health::MemoryOnly { error } => json!({ "state": "memory_only", "problem": problem(error) }),
        Health::Unsaved { error, since } => {
            json!({ "state": "unsaved", "since": since, "problem": problem(error) })
        }
        Health::Unreachable { error, since } => {
            json!({ "state": "unreachable", "since": since, "problem": problem(error) })
        }
    };
    if let Some(place) = sessions.place() {
        store["place"] = place.into();
    }
    store
}

fn cloud(services: &Services) -> Value {
    let mut cloud = json!(services.cloud.reachability());
    cloud["endpoint"] =
        services.cloud.endpoints().known().map(|endpoint| endpoint.url.authority().to_owned()).into();
    cloud["keys"] =
        services.cloud.chain().known().map(|keys| format!("{} from {}", keys.shown_id(), keys.source)).into();
    cloud
}

fn with_date(mut problem: Value, at: Timestamp) -> Value {
    problem["at"] = at.to_string().into();
    problem
}
