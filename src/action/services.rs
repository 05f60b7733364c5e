//! What actions work with.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::base::error::{Error, Result};
use crate::base::time::Clock;
use crate::oidc::login::LoginDesk;
use crate::peer::stats::PeerStats;
use crate::session::store::Store;
use crate::session::users::Users;
use crate::tip::broker::Broker;
use crate::volc::client::Client;

/// The program's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The services of one process. Everything in it may be used from many threads at once.
#[derive(Debug)]
pub struct Services {
    /// Logins on disk and in memory.
    pub store: Arc<Store>,
    /// Logins, renewed.
    pub users: Arc<dyn Users>,
    /// Workload tokens.
    pub broker: Broker,
    /// Where people log in; without a usable configuration, what it lacks.
    pub login: Result<Arc<LoginDesk>>,
    /// The control plane.
    pub cloud: Arc<Client>,
    /// Who used the socket.
    pub peers: Arc<PeerStats>,
    /// Raw tokens handed out.
    pub counters: Counters,
    /// The effective configuration, without secrets.
    pub config: Value,
    /// `identity.personalSessionMode`
    pub personal_session_mode: bool,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// When the process started, on the monotonic clock.
    pub started: Duration,
}

impl Services {
    /// Where people log in.
    ///
    /// # Errors
    /// `ConfigMissing` with the settings that a login needs.
    pub fn login_desk(&self) -> Result<&LoginDesk, Error> {
        self.login.as_deref().map_err(Clone::clone)
    }
}

/// How often raw tokens left the process; shown in `/status`, so that an unexpected reader shows.
#[derive(Debug, Default)]
pub struct Counters {
    tips: AtomicU64,
    user_tokens: AtomicU64,
}

impl Counters {
    pub(super) fn count_tip(&self) {
        self.tips.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_user_token(&self) {
        self.user_tokens.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn tips(&self) -> u64 {
        self.tips.load(Ordering::Relaxed)
    }

    pub(super) fn user_tokens(&self) -> u64 {
        self.user_tokens.load(Ordering::Relaxed)
    }
}
