//! Whether a person, through these agents, may use an agent, a tool or a skill: asked at the cloud, remembered briefly.
//!
//! Invariant: only a plain yes allows. A failed question is never remembered, so the next call asks again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use crate::base::bounded::BoundedMap;
use crate::base::error::{Error, Result};
use crate::base::flight::Flight;
use crate::base::opaque::opaque;
use crate::base::time::Clock;
use crate::tip::token::Tip;
use crate::volc::client::Client;
use crate::volc::permission::{Check, Decision, Entity, Origin, kind};

/// How long a yes is remembered; a permission that is taken away counts that much later.
pub const ALLOWED_FOR: Duration = Duration::from_secs(30);
/// How long a no is remembered: shorter, since somebody who was just given the permission is waiting for it.
pub const DENIED_FOR: Duration = Duration::from_secs(5);
/// Answers that are remembered; a new one beyond that pushes out the oldest.
pub const MAX_ANSWERS: usize = 4096;
/// Bytes that the name of a tool, a skill or an agent may have to be asked about.
pub const MAX_NAME_BYTES: usize = 512;

/// What policies speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An agent; the id is its workload's name.
    Agent,
    /// A tool; the id is its name.
    Tool,
    /// A skill; the id is its name.
    Skill,
}

impl Kind {
    /// The name that policies have for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => kind::AGENT,
            Self::Tool => kind::TOOL,
            Self::Skill => kind::SKILL,
        }
    }
}

/// Who would use what, through whom. Answers are remembered by it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// The person: the subject of the workload token.
    pub person: String,
    /// What kind of thing it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// The agents that act for the person, the outermost first.
    pub callers: Vec<String>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The decision, or why there is none, which denies as well.
    pub decision: Result<Decision>,
    /// Whether it was remembered from before.
    pub is_remembered: bool,
}

/// Who decides.
pub trait Decider: Send + Sync {
    /// Asks once. `from` is for the cloud's records and no part of the question.
    ///
    /// # Errors
    /// When there is no decision.
    fn decide(&self, namespace: &str, question: &Question, from: Origin<'_>) -> Result<Decision>;
}

opaque!(Decider);

impl Question {
    /// Whether the token's person may use the agent that acts outermost; the agents behind it are the callers. `None` for
    /// a token without a person or an agent: nobody needs to be asked about that.
    #[must_use]
    pub fn agent(tip: &Tip) -> Option<Self> {
        let (outermost, behind) = tip.chain.split_first()?;
        Self::new(tip, Kind::Agent, outermost, behind)
    }

    /// Whether the token's person may use a tool through all the token's agents. `None` as for [`Question::agent`], and
    /// for a name that is none.
    #[must_use]
    pub fn tool(tip: &Tip, name: &str) -> Option<Self> {
        Self::new(tip, Kind::Tool, name, &tip.chain)
    }

    /// The same for a skill.
    #[must_use]
    pub fn skill(tip: &Tip, name: &str) -> Option<Self> {
        Self::new(tip, Kind::Skill, name, &tip.chain)
    }

    fn new(tip: &Tip, kind: Kind, name: &str, callers: &[String]) -> Option<Self> {
        let is_name = |text: &str| !text.trim().is_empty() && text.len() <= MAX_NAME_BYTES;
        let is_known =
            is_name(&tip.sub) && !tip.chain.is_empty() && tip.chain.iter().all(|actor| is_name(actor));
        (is_known && is_name(name)).then(|| Self {
            person: tip.sub.clone(),
            kind,
            name: name.to_owned(),
            callers: callers.to_vec(),
        })
    }
}

impl Question {
    /// What is sent for it, as it stands in the body of `CheckPermission`.
    #[must_use]
    pub fn sent(&self, namespace: &str, from: Origin<'_>) -> Value {
        self.check(namespace, from, |check| json!(check))
    }

    fn check<T>(&self, namespace: &str, from: Origin<'_>, then: impl FnOnce(&Check<'_>) -> T) -> T {
        let callers: Vec<_> = self.callers.iter().map(|id| Entity { kind: kind::AGENT, id }).collect();
        let person = Entity { kind: kind::USER, id: &self.person };
        let resource = Entity { kind: self.kind.as_str(), id: &self.name };
        let is_known = from.run_id.is_some() || from.session_id.is_some();
        let check = Check::invoke(namespace, person, resource, &callers);
        then(&Check { origin: is_known.then_some(from), ..check })
    }
}

impl Decider for Client {
    fn decide(&self, namespace: &str, question: &Question, from: Origin<'_>) -> Result<Decision> {
        question.check(namespace, from, |check| Ok(self.check_permission(check)?))
    }
}

/// Asks, and remembers the answers.
#[derive(Debug)]
pub struct Permissions {
    namespace: String,
    decider: Arc<dyn Decider>,
    clock: Arc<dyn Clock>,
    answers: Mutex<BoundedMap<Question, Remembered>>,
    flight: Flight<Question, Decision>,
}

#[derive(Clone, Debug)]
struct Remembered {
    decision: Decision,
    /// On the monotonic clock.
    until: Duration,
}

impl Permissions {
    /// Nothing is remembered yet. `namespace` is where the policies stand.
    #[must_use]
    pub fn new(namespace: String, decider: Arc<dyn Decider>, clock: Arc<dyn Clock>) -> Self {
        let answers = Mutex::new(BoundedMap::new(MAX_ANSWERS));
        Self { namespace, decider, clock, answers, flight: Flight::default() }
    }

    /// Where the policies stand.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The answer: a remembered one, or the cloud's. Parallel callers with one question share its request. Blocks for as
    /// long as the cloud takes.
    pub fn ask(&self, question: &Question, from: Origin<'_>) -> Answer {
        if let Some(decision) = self.remembered(question) {
            return Answer { decision: Ok(decision), is_remembered: true };
        }
        let decision = self.flight.run(question, || {
            // The request of others may have ended between the look above and this one.
            if let Some(decision) = self.remembered(question) {
                return Ok(decision);
            }
            let decision = self.decider.decide(&self.namespace, question, from)?;
            let kept_for = if decision.allowed { ALLOWED_FOR } else { DENIED_FOR };
            let until = self.clock.monotonic() + kept_for;
            let mut answers = self.answers();
            // Taken out first, so that it counts as the newest one.
            answers.remove(question);
            answers.insert(question.clone(), Remembered { decision: decision.clone(), until });
            Ok(decision)
        });
        Answer { decision, is_remembered: false }
    }

    fn remembered(&self, question: &Question) -> Option<Decision> {
        let now = self.clock.monotonic();
        let answers = self.answers();
        answers.get(question).filter(|kept| now < kept.until).map(|kept| kept.decision.clone())
    }

    fn answers(&self) -> MutexGuard<'_, BoundedMap<Question, Remembered>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answer {
    /// Whether it is a plain yes.
    #[must_use]
    pub fn is_yes(&self) -> bool {
        self.decision.as_ref().is_ok_and(|decision| decision.allowed)
    }

    /// Why there is no decision.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.decision.as_ref().err()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::testing::{Bench, tip};
    use super::*;
    use crate::base::error::Code;

    fn question(tool: &str) -> Question {
        Question::tool(&tip("ann", &["shop", "desk"]), tool).unwrap()
    }

    #[test]
    fn a_yes_is_remembered_longer_than_a_no() {
        const { assert!(DENIED_FOR.as_secs() < ALLOWED_FOR.as_secs()) };
        let just_short = Duration::from_millis(1);
        for (is_allowed, kept_for) in [(true, ALLOWED_FOR), (false, DENIED_FOR)] {
            let bench = Bench::default();
            let permissions = bench.permissions();
            let ask = || permissions.ask(&question("exec"), Origin::default());
            if !is_allowed {
                bench.cloud.deny(Kind::Tool, "exec");
            }
            assert_eq!((ask().is_yes(), bench.cloud.take().len()), (is_allowed, 1));
            // What the cloud thinks now counts only when the time has come.
            if is_allowed {
                bench.cloud.deny(Kind::Tool, "exec")
            } else {
                bench.cloud.allow_all()
            }
            bench.clock.advance(kept_for - just_short);
            let answer = ask();
            assert_eq!((answer.is_yes(), answer.is_remembered), (is_allowed, true));
            bench.clock.advance(just_short);
            let answer = ask();
            assert_eq!((answer.is_yes(), answer.is_remembered), (!is_allowed, false));
        }
    }

    #[test]
    fn answers_belong_to_person_chain_and_resource() {
        let bench = Bench::default();
        let permissions = bench.permissions();
        let questions = [
            Question::tool(&tip("ann", &["shop", "desk"]), "exec"),
            Question::tool(&tip("bob", &["shop", "desk"]), "exec"),
            Question::tool(&tip("ann", &["desk", "shop"]), "exec"),
            Question::tool(&tip("ann", &["shop"]), "exec"),
            Question::tool(&tip("ann", &["shop", "desk"]), "Exec"),
            Question::skill(&tip("ann", &["shop", "desk"]), "exec"),
            Question::agent(&tip("ann", &["exec", "shop", "desk"])),
        ];
        for question in questions.iter().flatten() {
            assert!(!permissions.ask(question, Origin::default()).is_remembered, "{question:?}");
        }
        assert_eq!(bench.cloud.take().len(), questions.len());
    }

    #[test]
    fn a_failure_is_not_remembered() {
        let bench = Bench::default();
        let permissions = bench.permissions();
        bench.cloud.fail_once();
        let failed = permissions.ask(&question("exec"), Origin::default());
        assert_eq!((failed.is_yes(), failed.error().unwrap().code()), (false, Code::CloudUnreachable));
        assert!(permissions.ask(&question("exec"), Origin::default()).is_yes());
    }

    #[test]
    fn no_more_than_so_many_answers_are_remembered() {
        let bench = Bench::default();
        let permissions = bench.permissions();
        for n in 0..=MAX_ANSWERS {
            permissions.ask(&question(&format!("tool-{n}")), Origin::default());
        }
        assert_eq!(permissions.answers().len(), MAX_ANSWERS);
        assert!(permissions.ask(&question("tool-1"), Origin::default()).is_remembered);
        assert!(!permissions.ask(&question("tool-0"), Origin::default()).is_remembered);
    }

    #[test]
    fn names_that_are_none_are_not_asked_about() {
        let (whole, long) = ("n".repeat(MAX_NAME_BYTES), "n".repeat(MAX_NAME_BYTES + 1));
        let tip = tip("ann", &["shop"]);
        assert!(Question::tool(&tip, &whole).is_some() && Question::skill(&tip, &whole).is_some());
        for name in ["", " ", &long] {
            assert!(
                Question::tool(&tip, name).is_none() && Question::skill(&tip, name).is_none(),
                "{name:?}"
            );
        }
    }

    /// Holds every question until it is let go.
    #[derive(Debug)]
    struct Slow {
        asked: AtomicUsize,
        entered: Barrier,
        go_on: Barrier,
    }

    impl Decider for Slow {
        fn decide(&self, _: &str, _: &Question, _: Origin<'_>) -> Result<Decision> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            self.entered.wait();
            self.go_on.wait();
            Ok(Decision { allowed: true, message: None })
        }
    }

    #[test]
    fn parallel_calls_share_one_question() {
        let slow =
            Arc::new(Slow { asked: AtomicUsize::new(0), entered: Barrier::new(2), go_on: Barrier::new(2) });
        let permissions = Permissions::new("default".into(), slow.clone(), Bench::default().clock);
        std::thread::scope(|scope| {
            let ask = || permissions.ask(&question("exec"), Origin::default()).is_yes();
            let first = scope.spawn(ask);
            slow.entered.wait();
            let others: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
            slow.go_on.wait();
            // Whoever came later found the answer.
            assert!(first.join().unwrap() && others.into_iter().all(|other| other.join().unwrap()));
        });
        assert_eq!(slow.asked.load(Ordering::SeqCst), 1);
    }
}
