//! Which calls people were asked about and what they said. In memory only, bounded.
//!
//! Two ways of asking: the host asks by itself (the answer is told here, so that what runs can be held against it), or,
//! where hosts cannot, the call is blocked with an id, a person answers by that id, and the identical call passes once.
//! Invariant: an answer counts for one digest, once, for a limited time, and only the person's side can give one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::approval::Digest;
use crate::base::bounded::BoundedMap;
use crate::base::entropy::Entropy;
use crate::base::error::{Code, Error, Result};
use crate::base::time::Clock;
use crate::credential::inject::CallId;
use crate::session::key::SessionKey;

/// Calls that are remembered, of each kind; beyond that the oldest is forgotten, which denies it.
pub const MAX_ASKED: usize = 1024;
/// Calls of one session that may wait for a person by id.
pub const MAX_WAITING: usize = 16;
/// Bytes of an approval's id before encoding.
const ID_BYTES: usize = 5;
/// Letters and digits that are not taken for one another (Crockford's base32).
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// What a person said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// This call may run, this once.
    Approve,
    /// It may not.
    Reject,
}

impl Word {
    /// Of a host's decision. `allow-always` counts once: hosts do not remember it for plugins, and a silent permanent
    /// grant is nothing a person means. Everything else is no.
    #[must_use]
    pub fn of_host(decision: &str) -> Self {
        match decision {
            "allow-once" | "allow-always" => Self::Approve,
            _ => Self::Reject,
        }
    }
}

/// How a call that has run stands to what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody was asked: it needed no approval.
    NotAsked,
    /// It is the call that a person approved.
    Approved,
    /// A person was asked and has not approved.
    NotApproved,
    /// A person approved another call than this one.
    Changed,
}

/// How a blocked call stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// It was approved and may run now; the approval is used up.
    Passes,
    /// A person rejected it.
    Rejected,
    /// It waits for a person.
    Waits {
        /// The approval's id.
        id: String,
        /// How much longer, in seconds.
        seconds: u64,
    },
}

/// The memory of questions and answers.
#[derive(Debug)]
pub struct Approvals {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// How long a question stands.
    ttl: Duration,
    by_host: Mutex<BoundedMap<CallId, Asked>>,
    by_id: Mutex<BoundedMap<String, Waiting>>,
}

#[derive(Debug)]
struct Asked {
    digest: Digest,
    word: Option<Word>,
}

#[derive(Debug)]
struct Waiting {
    session: SessionKey,
    digest: Digest,
    word: Option<Word>,
    /// On the monotonic clock.
    until: Duration,
}

impl Approvals {
    /// Nobody was asked yet. A question by id stands for `ttl`.
    #[must_use]
    pub fn new(ttl: Duration, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        let (by_host, by_id) = (BoundedMap::new(MAX_ASKED), BoundedMap::new(MAX_ASKED));
        Self { clock, entropy, ttl, by_host: Mutex::new(by_host), by_id: Mutex::new(by_id) }
    }

    /// The host asks a person about this call.
    pub fn asked(&self, call: CallId, digest: Digest) {
        lock(&self.by_host).insert(call, Asked { digest, word: None });
    }

    /// The host tells what the person said. False for a call that nobody was asked about.
    pub fn answered(&self, call: &CallId, word: Word) -> bool {
        let mut by_host = lock(&self.by_host);
        let Some(asked) = by_host.get_mut(call) else { return false };
        // The first word counts: an answer that is told twice cannot turn a no into a yes.
        asked.word.get_or_insert(word);
        true
    }

    /// Holds a call that runs, or has run, against what was approved, and forgets it.
    pub fn settle(&self, call: &CallId, digest: &Digest) -> Standing {
        let asked = lock(&self.by_host).remove(call);
        match asked {
            None => Standing::NotAsked,
            Some(Asked { word: Some(Word::Approve), digest: approved }) if approved == *digest => {
                Standing::Approved
            }
            Some(Asked { word: Some(Word::Approve), .. }) => Standing::Changed,
            Some(_) => Standing::NotApproved,
        }
    }

    /// How a call stands on a host that cannot ask by itself; an unknown one begins to wait.
    ///
    /// # Errors
    /// `Busy` when too many calls of the session wait, `Internal` without random bytes.
    pub fn hold(&self, session: &SessionKey, digest: &Digest) -> Result<Held> {
        let now = self.clock.monotonic();
        let mut by_id = lock(&self.by_id);
        by_id.retain(|_, waiting| now < waiting.until);
        let found =
            by_id.iter().find(|(_, waiting)| waiting.digest == *digest && waiting.session == *session);
        if let Some((id, waiting)) = found.map(|(id, waiting)| (id.clone(), waiting)) {
            let seconds = (waiting.until - now).as_secs().max(1);
            return Ok(match waiting.word {
                None => Held::Waits { id, seconds },
                Some(Word::Approve) => {
                    by_id.remove(&id);
                    Held::Passes
                }
                // Kept until it ends, so that the agent cannot ask again and again until somebody says yes.
                Some(Word::Reject) => Held::Rejected,
            });
        }
        if by_id.iter().filter(|(_, waiting)| waiting.session == *session).count() >= MAX_WAITING {
            return Err(Error::new(Code::Busy, format!("{MAX_WAITING} calls wait for approval already"))
                .with_hint("approve or reject those first"));
        }
        let id = self.new_id()?;
        let waiting =
            Waiting { session: session.clone(), digest: *digest, word: None, until: now + self.ttl };
        by_id.insert(id.clone(), waiting);
        Ok(Held::Waits { id, seconds: self.ttl.as_secs() })
    }

    /// A person's word on a call of their own session; without an id, on the only one that waits there. Returns the id.
    /// Whoever calls this vouches that it was a person.
    ///
    /// # Errors
    /// `NotFound` for an id that is unknown, too old, answered, or another session's; `InvalidRequest` when several wait
    /// and none is named.
    pub fn decide(&self, session: &SessionKey, id: Option<&str>, word: Word) -> Result<String> {
        let now = self.clock.monotonic();
        let mut by_id = lock(&self.by_id);
        by_id.retain(|_, waiting| now < waiting.until);
        let mut open = by_id
            .iter()
            .filter(|(known, waiting)| {
                waiting.word.is_none()
                    && waiting.session == *session
                    && id.is_none_or(|id| known.eq_ignore_ascii_case(id.trim()))
            })
            .map(|(id, _)| id.clone());
        let (first, second) = (open.next(), open.next());
        drop(open);
        match (first, second) {
            (Some(id), None) => {
                if let Some(waiting) = by_id.get_mut(&id) {
                    waiting.word = Some(word);
                }
                Ok(id)
            }
            (None, _) => Err(Error::new(Code::NotFound, "no call waits for this approval").with_hint(
                "an approval ends after a while and counts once; let the agent try the call again",
            )),
            (Some(_), Some(_)) => Err(Error::new(Code::InvalidRequest, "several calls wait for approval")
                .with_hint("name one of them by its approval id")),
        }
    }

    /// Forgets what waits in a session.
    pub fn forget(&self, session: &SessionKey) {
        lock(&self.by_id).retain(|_, waiting| waiting.session != *session);
    }

    fn new_id(&self) -> Result<String> {
        let mut bytes = [0; ID_BYTES];
        self.entropy.fill(&mut bytes)?;
        let mut bits = bytes.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let mut id = String::new();
        for _ in 0..ID_BYTES * 8 / 5 {
            id.push(char::from(ALPHABET[(bits & 31) as usize]));
            bits >>= 5;
        }
        Ok(id)
    }
}

/// A person's bare reply in a chat: `approve`, `reject`, with or without an id.
#[must_use]
pub fn spoken(reply: &str) -> Option<(Word, Option<&str>)> {
    let mut words = reply.split_whitespace();
    let word = match words.next()?.to_lowercase().trim_end_matches(['.', '!', '。', '！']) {
        "approve" | "approved" | "批准" | "同意" => Word::Approve,
        "reject" | "rejected" | "deny" | "拒绝" => Word::Reject,
        _ => return None,
    };
    let id = words.next();
    let is_id = |id: &str| id.len() == ID_BYTES * 8 / 5 && id.bytes().all(|b| b.is_ascii_alphanumeric());
    (words.next().is_none() && id.is_none_or(is_id)).then_some((word, id))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value};

    use super::super::approval::Call;
    use super::super::testing::Bench;
    use super::*;

    fn digest(command: &str) -> Digest {
        let params = Map::from_iter([("command".to_owned(), Value::from(command))]);
        let session = SessionKey::main();
        Digest::of(&Call { session: &session, tool: "exec", params: &params, folder: None, injected: &[] })
    }

    fn key(text: &str) -> SessionKey {
        SessionKey::parse(text).unwrap()
    }

    fn id_of(held: Held) -> String {
        let Held::Waits { id, .. } = held else { panic!("{held:?}") };
        id
    }

    #[test]
    fn an_approval_counts_for_one_call_once() {
        let approvals = Bench::default().approvals();
        let (main, call) = (key("main"), digest("rm -rf /"));
        let id = id_of(approvals.hold(&main, &call).unwrap());
        assert_eq!(id_of(approvals.hold(&main, &call).unwrap()), id);
        assert_eq!(approvals.decide(&main, Some(&id.to_uppercase()), Word::Approve).unwrap(), id);
        for (session, other) in [(&main, digest("rm -rf /etc")), (&key("agent:main:x"), call)] {
            assert_ne!(id_of(approvals.hold(session, &other).unwrap()), id);
        }
        assert_eq!(approvals.hold(&main, &call).unwrap(), Held::Passes);
        assert_ne!(id_of(approvals.hold(&main, &call).unwrap()), id);
    }

    #[test]
    fn a_rejection_stands_until_it_ends() {
        let bench = Bench::default();
        let approvals = bench.approvals();
        let (main, call) = (key("main"), digest("sudo su"));
        let id = id_of(approvals.hold(&main, &call).unwrap());
        approvals.decide(&main, Some(&id), Word::Reject).unwrap();
        // Nor can it be turned into an approval.
        assert_eq!(approvals.decide(&main, Some(&id), Word::Approve).unwrap_err().code(), Code::NotFound);
        bench.clock.advance(Duration::from_secs(299));
        assert_eq!(approvals.hold(&main, &call).unwrap(), Held::Rejected);
        bench.clock.advance(Duration::from_secs(1));
        assert_ne!(id_of(approvals.hold(&main, &call).unwrap()), id);
    }

    #[test]
    fn ids_end_and_belong_to_their_session() {
        let bench = Bench::default();
        let approvals = bench.approvals();
        let main = key("main");
        let id = id_of(approvals.hold(&main, &digest("a")).unwrap());
        let refused = |session: &SessionKey, id: &str| {
            approvals.decide(session, Some(id), Word::Approve).unwrap_err().code()
        };
        assert_eq!(refused(&key("agent:main:x"), &id), Code::NotFound);
        assert_eq!(refused(&main, "nope"), Code::NotFound);
        bench.clock.advance(Duration::from_secs(300));
        assert_eq!(refused(&main, &id), Code::NotFound);
        let id = id_of(approvals.hold(&main, &digest("a")).unwrap());
        approvals.decide(&main, Some(&id), Word::Approve).unwrap();
        bench.clock.advance(Duration::from_secs(300));
        assert!(
            matches!(approvals.hold(&main, &digest("a")).unwrap(), Held::Waits { .. }),
            "an approval ends too"
        );
        approvals.forget(&main);
        assert_eq!(approvals.decide(&main, None, Word::Approve).unwrap_err().code(), Code::NotFound);
    }

    #[test]
    fn without_an_id_the_only_waiting_call_is_meant() {
        let approvals = Bench::default().approvals();
        let main = key("main");
        let first = id_of(approvals.hold(&main, &digest("a")).unwrap());
        approvals.hold(&key("agent:main:x"), &digest("a")).unwrap();
        assert_eq!(approvals.decide(&main, None, Word::Approve).unwrap(), first);
        approvals.hold(&main, &digest("b")).unwrap();
        approvals.hold(&main, &digest("c")).unwrap();
        assert_eq!(approvals.decide(&main, None, Word::Approve).unwrap_err().code(), Code::InvalidRequest);
    }

    #[test]
    fn only_so_many_calls_of_a_session_wait() {
        let approvals = Bench::default().approvals();
        let main = key("main");
        for n in 0..MAX_WAITING {
            approvals.hold(&main, &digest(&n.to_string())).unwrap();
        }
        assert_eq!(approvals.hold(&main, &digest("more")).unwrap_err().code(), Code::Busy);
        assert!(approvals.hold(&key("agent:main:x"), &digest("more")).is_ok());
        assert!(approvals.hold(&main, &digest("0")).is_ok());
    }

    #[test]
    fn the_hosts_first_answer_counts_and_only_for_what_was_asked() {
        let approvals = Bench::default().approvals();
        let id = |call: &str| CallId { run: "r".into(), call: call.into() };
        assert!(!approvals.answered(&id("never"), Word::Approve));
        assert_eq!(approvals.settle(&id("never"), &digest("a")), Standing::NotAsked);
        approvals.asked(id("silent"), digest("a"));
        assert_eq!(approvals.settle(&id("silent"), &digest("a")), Standing::NotApproved);
        approvals.asked(id("no"), digest("a"));
        approvals.answered(&id("no"), Word::Reject);
        approvals.answered(&id("no"), Word::Approve);
        assert_eq!(approvals.settle(&id("no"), &digest("a")), Standing::NotApproved);
        for n in 0..=MAX_ASKED {
            approvals.asked(id(&n.to_string()), digest("a"));
        }
        assert!(!approvals.answered(&id("0"), Word::Approve) && approvals.answered(&id("1"), Word::Approve));
    }

    #[test]
    fn bare_replies_are_understood_and_sentences_are_not() {
        for (reply, expected) in [
            ("approve", Some((Word::Approve, None))),
            (" Approve! ", Some((Word::Approve, None))),
            ("approve 1a2b3c4d", Some((Word::Approve, Some("1a2b3c4d")))),
            ("reject 1A2B3C4D", Some((Word::Reject, Some("1A2B3C4D")))),
            ("批准", Some((Word::Approve, None))),
            ("拒绝。", Some((Word::Reject, None))),
            ("approve the plan", None),
            ("approve it", None),
            ("I approve", None),
            ("approve 1a2b3c4d now", None),
            ("", None),
        ] {
            assert_eq!(spoken(reply), expected, "{reply}");
        }
    }

    #[test]
    fn ids_are_easy_to_type() {
        let approvals = Bench::default().approvals();
        let id = approvals.new_id().unwrap();
        assert!(id.len() == 8 && id.bytes().all(|byte| ALPHABET.contains(&byte)), "{id}");
    }
}
