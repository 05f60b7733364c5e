//! The way of a message: queued, then handed to the first courier that serves its channel.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use super::target::ReplyTarget;
use super::text::Notice;
use crate::base::log;
use crate::base::pool::Pool;
use crate::session::key::SessionKey;

/// What a courier did with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It is on its way to the person.
    Sent,
    /// Nothing: this courier does not serve the channel.
    NotServed,
}

/// Why a message was not sent, in words that may be logged: no token, secret or text of another party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsent(pub String);

impl fmt::Display for Unsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Takes messages to people. May block for as long as the network takes; called from background threads with no lock
/// held.
pub trait Courier: Send + Sync + fmt::Debug {
    /// Sends a text to a chat, or leaves it to the next courier.
    ///
    /// # Errors
    /// When this courier serves the channel and could not send; no other is tried then, so that nobody is told twice.
    fn deliver(&self, to: &ReplyTarget, text: &str) -> Result<Delivery, Unsent>;
}

/// Lets agents go on with what waited. As [`Courier`], called from background threads.
pub trait Waker: Send + Sync + fmt::Debug {
    /// Wakes the agent of a session (by the host's key) with an event in its own words.
    ///
    /// # Errors
    /// Why it could not be woken.
    fn wake(&self, session: &SessionKey, event: &str) -> Result<(), Unsent>;
}

/// Sends messages in the background. Clones are the same post.
#[derive(Clone, Debug)]
pub struct Post(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    own: Vec<Arc<dyn Courier>>,
    host: RwLock<Option<Host>>,
    pool: Pool,
}

/// The host that this process serves.
#[derive(Clone, Debug)]
pub struct Host {
    /// Sends through the host's own channels.
    pub courier: Arc<dyn Courier>,
    /// Wakes the host's agents.
    pub waker: Arc<dyn Waker>,
}

impl Post {
    /// A post with these couriers, asked in that order and before the host's; they work on `pool`.
    #[must_use]
    pub fn new(own: Vec<Arc<dyn Courier>>, pool: Pool) -> Self {
        Self(Arc::new(Inner { own, host: RwLock::default(), pool }))
    }

    /// From now on what our own couriers do not serve goes to this host, and its agents are woken.
    pub fn attach(&self, host: Host) {
        *self.0.host.write().unwrap_or_else(PoisonError::into_inner) = Some(host);
    }

    /// Sends a message to the chat, if anything can be sent there.
    pub fn send(&self, to: &Arc<ReplyTarget>, notice: Notice<'_>) {
        if to.address().is_none() {
            return;
        }
        let (inner, target, text) = (self.0.clone(), to.clone(), notice.text(to.lang));
        if !self.0.pool.submit(move || inner.deliver(&target, &text)) {
            log::warn("a message was not sent", &[("channel", &to.channel), ("reason", &"too much to do")]);
        }
    }

    /// Wakes the agent of the chat, if there is a host to do it.
    pub fn wake(&self, chat: &ReplyTarget, event: &str) {
        let (Some(host), Some(session)) = (self.0.host(), chat.session.clone()) else { return };
        let event = event.to_owned();
        let submitted = self.0.pool.submit(move || {
            if let Err(unsent) = host.waker.wake(&session, &event) {
                log::warn("an agent was not woken", &[("session", &session), ("reason", &unsent)]);
            }
        });
        if !submitted {
            log::warn("an agent was not woken", &[("reason", &"too much to do")]);
        }
    }
}

impl Inner {
    fn deliver(&self, to: &ReplyTarget, text: &str) {
        let host = self.host().map(|host| host.courier);
        for courier in self.own.iter().chain(&host) {
            match courier.deliver(to, text) {
                Ok(Delivery::NotServed) => {}
                Ok(Delivery::Sent) => return log::debug("message sent", &[("channel", &to.channel)]),
                Err(unsent) => {
                    return log::warn(
                        "a message was not sent",
                        &[("channel", &to.channel), ("reason", &unsent)],
                    );
                }
            }
        }
        log::debug("nothing can be sent there", &[("channel", &to.channel)]);
    }

    fn host(&self) -> Option<Host> {
        self.host.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
