//! Who is told that a consent ended: the chat that asked, and the agent that waits.

use std::sync::Arc;

use crate::base::error::Error;
use crate::base::opaque::opaque;
use crate::message::target::ReplyTarget;
use crate::session::key::SessionKey;

/// How the wait for a person's consent ended.
#[derive(Clone, Debug)]
pub enum Ending {
    /// The credential is stored.
    Granted,
    /// Nobody consented in time.
    TimedOut,
    /// The service refused; asking again would not help.
    Failed(Error),
}

/// Hears how consents end. A consent that a logout or the end of the process cuts short is not reported.
pub trait Notifier: Send + Sync {
    /// The wait for this provider's consent has ended; `asked_in` is the chat that asked, where one did. Called from a
    /// background thread, holding no lock.
    fn consent_ended(
        &self,
        session: &SessionKey,
        provider: &str,
        asked_in: Option<&Arc<ReplyTarget>>,
        ending: &Ending,
    );
}

opaque!(Notifier);

/// Tells nobody: whoever asked finds out by asking again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Notifier for Silent {
    fn consent_ended(&self, _: &SessionKey, _: &str, _: Option<&Arc<ReplyTarget>>, _: &Ending) {}
}
