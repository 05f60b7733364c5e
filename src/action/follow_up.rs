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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{Sender, channel};
    use std::time::Duration;

    use super::*;
    use crate::base::error::{Code, Error};
    use crate::base::pool::Pool;
    use crate::message::post::{Courier, Delivery, Host, Unsent, Waker};

    #[derive(Debug)]
    struct Gateway(Mutex<Sender<String>>);

    impl Courier for Gateway {
        fn deliver(&self, to: &ReplyTarget, text: &str) -> Result<Delivery, Unsent> {
            let _ = self.0.lock().unwrap().send(format!("{}: {text}", to.to.as_deref().unwrap_or_default()));
            Ok(Delivery::Sent)
        }
    }

    impl Waker for Gateway {
        fn wake(&self, session: &SessionKey, event: &str) -> Result<(), Unsent> {
            let _ = self.0.lock().unwrap().send(format!("wake {session}: {event}"));
            Ok(())
        }
    }

    /// What is told and who is woken when a consent ends like this.
    fn told(chat: Option<ReplyTarget>, ending: &Ending) -> Vec<String> {
        let (sender, seen) = channel();
        let gateway = Arc::new(Gateway(Mutex::new(sender)));
        let pool = Pool::default();
        let post = Post::new(Vec::new(), pool.clone());
        post.attach(Host { courier: gateway.clone(), waker: gateway });
        let chat = chat.map(Arc::new);
        FollowUp::new(post).consent_ended(&SessionKey::main(), "google", chat.as_ref(), ending);
        assert!(pool.wait(Duration::from_secs(20)));
        let mut seen: Vec<_> = seen.try_iter().collect();
        seen.sort();
        seen
    }

    fn chat(channel: &str) -> ReplyTarget {
        let session = Some(SessionKey::parse("agent:main:telegram:direct:1").unwrap());
        ReplyTarget { channel: channel.into(), to: Some("1".into()), session, ..ReplyTarget::default() }
    }

    #[test]
    fn after_consent_the_chat_is_told_and_its_agent_woken_by_the_hosts_key() {
        let seen = told(Some(chat("telegram")), &Ending::Granted);
        assert_eq!(seen[0], "1: ✓ Credential for google added.");
        assert!(seen[1].starts_with("wake agent:main:telegram:direct:1: [agent-identity]"), "{seen:?}");
        assert_eq!(seen.len(), 2);
        let web = told(Some(chat("webchat")), &Ending::Granted);
        assert!(web.len() == 1 && web[0].starts_with("wake "), "nothing is pushed to a page: {web:?}");
    }

    #[test]
    fn a_refusal_is_told_a_missed_consent_is_not_and_nobody_is_woken() {
        let failed = Ending::Failed(Error::new(Code::CloudRefused, "words-canary"));
        let seen = told(Some(chat("telegram")), &failed);
        assert!(seen.len() == 1 && seen[0].starts_with("1: ✗") && !seen[0].contains("canary"), "{seen:?}");
        assert!(told(Some(chat("telegram")), &Ending::TimedOut).is_empty());
        assert!(told(None, &Ending::Granted).is_empty());
    }
}
