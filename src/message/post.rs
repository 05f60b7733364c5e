//! The way of a message: queued, then handed to the first courier that serves its channel.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use super::target::ReplyTarget;
use super::text::Notice;
use crate::base::log;
use crate::base::opaque::opaque;
use crate::base::pool::Pool;
use crate::session::key::SessionKey;

/// Why the pool takes nothing.
const BUSY: &str = "too much to do, or stopping";

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
pub trait Courier: Send + Sync {
    /// Sends a text to a chat, or leaves it to the next courier.
    ///
    /// # Errors
    /// When this courier serves the channel and could not send; no other is tried then, so that nobody is told twice.
    fn deliver(&self, to: &ReplyTarget, text: &str) -> Result<Delivery, Unsent>;
}

opaque!(Courier);

/// Lets agents go on with what waited. As [`Courier`], called from background threads.
pub trait Waker: Send + Sync {
    /// Wakes the agent of a session (by the host's key) with an event in its own words.
    ///
    /// # Errors
    /// Why it could not be woken.
    fn wake(&self, session: &SessionKey, event: &str) -> Result<(), Unsent>;
}

opaque!(Waker);

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
            log::warn("a message was not sent", &[("channel", &to.channel), ("reason", &BUSY)]);
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
            log::warn("an agent was not woken", &[("reason", &BUSY)]);
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::Duration;

    use super::*;
    use crate::base::lang::Lang;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// Serves one channel, and tells what it was given.
    #[derive(Debug)]
    struct Messenger {
        serves: &'static str,
        outcome: Result<Delivery, Unsent>,
        seen: Mutex<Sender<String>>,
    }

    impl Messenger {
        fn new(serves: &'static str, outcome: Result<Delivery, Unsent>, seen: &Sender<String>) -> Arc<Self> {
            Arc::new(Self { serves, outcome, seen: Mutex::new(seen.clone()) })
        }
    }

    impl Courier for Messenger {
        fn deliver(&self, to: &ReplyTarget, text: &str) -> Result<Delivery, Unsent> {
            let served = self.serves == to.channel;
            let word = if served { "" } else { "not " };
            let _ = self.seen.lock().unwrap().send(format!("{}: {word}{}: {text}", self.serves, to.channel));
            if served { self.outcome.clone() } else { Ok(Delivery::NotServed) }
        }
    }

    impl Waker for Messenger {
        fn wake(&self, session: &SessionKey, event: &str) -> Result<(), Unsent> {
            let _ = self.seen.lock().unwrap().send(format!("wake {session}: {event}"));
            Err(Unsent("busy".into()))
        }
    }

    fn chat(channel: &str) -> Arc<ReplyTarget> {
        let session = Some(SessionKey::parse("agent:main:telegram:direct:1").unwrap());
        let to = Some("chat:1".into());
        Arc::new(ReplyTarget {
            channel: channel.into(),
            to,
            session,
            lang: Lang::Zh,
            ..ReplyTarget::default()
        })
    }

    fn seen(seen: &Receiver<String>, number: usize) -> Vec<String> {
        (0..number).map(|_| seen.recv_timeout(PATIENCE).unwrap()).collect()
    }

    const NOTICE: Notice<'_> = Notice::CredentialAdded { provider: "google" };

    #[test]
    fn the_first_courier_that_serves_the_channel_gets_the_message_in_the_chats_language() {
        let (sender, receiver) = channel();
        let own = Messenger::new("feishu", Ok(Delivery::Sent), &sender);
        let post = Post::new(vec![own], Pool::default());
        post.send(&chat("feishu"), NOTICE);
        assert_eq!(seen(&receiver, 1), ["feishu: feishu: ✓ 已添加 google 的凭据。"]);
        post.wake(&chat("feishu"), "go on");
        post.send(&chat("telegram"), NOTICE);
        assert!(seen(&receiver, 1)[0].starts_with("feishu: not telegram"), "and nobody else is there");

        let host = Messenger::new("telegram", Ok(Delivery::Sent), &sender);
        post.attach(Host { courier: host.clone(), waker: host });
        post.send(&chat("telegram"), NOTICE);
        let both = seen(&receiver, 2);
        assert!(both[0].starts_with("feishu: not telegram") && both[1].starts_with("telegram: telegram"));
        post.wake(&chat("telegram"), "go on");
        assert_eq!(seen(&receiver, 1), ["wake agent:main:telegram:direct:1: go on"]);
    }

    #[test]
    fn after_a_failure_nobody_else_is_asked_and_nothing_else_fails() {
        let (sender, receiver) = channel();
        let own = Messenger::new("feishu", Err(Unsent("no network".into())), &sender);
        let post = Post::new(vec![own], Pool::default());
        let host = Messenger::new("feishu", Ok(Delivery::Sent), &sender);
        post.attach(Host { courier: host.clone(), waker: host });
        post.send(&chat("feishu"), NOTICE);
        seen(&receiver, 1);
        assert!(post.0.pool.wait(PATIENCE));
        assert!(receiver.try_recv().is_err(), "told twice");
    }

    #[test]
    fn nothing_is_pushed_to_a_web_page_or_a_terminal_or_nowhere() {
        let (sender, receiver) = channel();
        let all = Messenger::new("webchat", Ok(Delivery::Sent), &sender);
        let post = Post::new(vec![all.clone()], Pool::default());
        post.attach(Host { courier: all.clone(), waker: all });
        for channel in ["webchat", "tui", "cli", ""] {
            post.send(&chat(channel), NOTICE);
        }
        post.send(&Arc::new(ReplyTarget { channel: "telegram".into(), ..ReplyTarget::default() }), NOTICE);
        assert!(post.0.pool.wait(PATIENCE));
        assert!(receiver.try_recv().is_err());
        post.wake(&chat("webchat"), "go on");
        assert_eq!(seen(&receiver, 1).len(), 1, "but the agent there is woken");
    }
}
