//! What people and agents are told when something has come about that they did not wait for.

use std::sync::Arc;

use crate::credential::notice::{Ending, Notifier};
use crate::message::post::Post;
use crate::message::target::ReplyTarget;
use crate::message::text::Notice;
use crate::session::key::SessionKey;

/// Tells the chat that asked for a credential, and wakes its agent.
#[derive(Clone, Debug)]
pub struct FollowUp(Post);

impl FollowUp {
    /// Tells by this post.
    #[must_use]
    pub fn new(post: Post) -> Self {
        Self(post)
    }
}

impl Notifier for FollowUp {
    fn consent_ended(
        &self,
        _: &SessionKey,
        provider: &str,
        chat: Option<&Arc<ReplyTarget>>,
        ending: &Ending,
    ) {
        let Some(chat) = chat else { return };
        match ending {
            Ending::Granted => {
                self.0.send(chat, Notice::CredentialAdded { provider });
                let event = format!(
                    "[agent-identity] The person has consented: the credential of {provider:?} is stored for this \
                     session. Go on with what needed it."
                );
                self.0.wake(chat, &event);
            }
            Ending::Failed(_) => self.0.send(chat, Notice::CredentialRefused { provider }),
            // Whoever did not consent in ten minutes did not want to; the next fetch says where it stands.
            Ending::TimedOut => {}
        }
    }
}
