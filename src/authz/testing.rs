//! A gate whose cloud and model are scripts.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::gate::{Flags, Gate, Parts};
use super::judge::Judge;
use super::permission::{Decider, Kind, Permissions, Question};
use super::registry::Approvals;
use crate::base::entropy::OsEntropy;
use crate::base::error::{Code, Error, Result};
use crate::base::time::{ManualClock, Timestamp};
use crate::tip::token::Tip;
use crate::volc::permission::{Decision, Origin};

/// Allows all but what it was told to deny; keeps the questions.
#[derive(Debug, Default)]
pub(crate) struct Cloud {
    denied: Mutex<Vec<(Kind, String)>>,
    failures: Mutex<VecDeque<Error>>,
    asked: Mutex<Vec<Question>>,
}

impl Cloud {
    pub(crate) fn deny(&self, kind: Kind, name: &str) {
        self.denied.lock().unwrap().push((kind, name.to_owned()));
    }

    pub(crate) fn allow_all(&self) {
        self.denied.lock().unwrap().clear();
    }

    /// The next question gets no answer.
    pub(crate) fn fail_once(&self) {
        let error = Error::new(Code::CloudUnreachable, "CheckPermission: no connection");
        self.failures.lock().unwrap().push_back(error);
    }

    /// The questions so far, forgotten with the call.
    pub(crate) fn take(&self) -> Vec<Question> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    /// The same in short: `tool exec`.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.take().iter().map(|question| format!("{} {}", question.kind.as_str(), question.name)).collect()
    }
}

impl Decider for Cloud {
    fn decide(&self, _: &str, question: &Question, _: Origin<'_>) -> Result<Decision> {
        self.asked.lock().unwrap().push(question.clone());
        if let Some(error) = self.failures.lock().unwrap().pop_front() {
            return Err(error);
        }
        let denied = self.denied.lock().unwrap().contains(&(question.kind, question.name.clone()));
        Ok(Decision { allowed: !denied, message: denied.then(|| "by policy 7".to_owned()) })
    }
}

/// What gates are made of in tests.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) flags: Flags,
    pub(crate) low_risk_tools: Vec<String>,
    pub(crate) cloud: Arc<Cloud>,
    pub(crate) clock: Arc<ManualClock>,
}

impl Default for Bench {
    fn default() -> Self {
        let flags = Flags {
            agent_check: false,
            tool_check: false,
            skill_read_check: false,
            require_risk_approval: false,
            low_risk_bypass: true,
        };
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix(1_768_464_000)));
        Self { flags, low_risk_tools: Vec::new(), cloud: Arc::default(), clock }
    }
}

impl Bench {
    pub(crate) fn permissions(&self) -> Permissions {
        Permissions::new("default".to_owned(), self.cloud.clone(), self.clock.clone())
    }

    pub(crate) fn approvals(&self) -> Approvals {
        Approvals::new(Duration::from_secs(300), self.clock.clone(), Arc::new(OsEntropy))
    }

    pub(crate) fn gate(&self) -> Gate {
        Gate::new(Parts {
            flags: self.flags,
            low_risk_tools: self.low_risk_tools.clone(),
            approval_ttl_seconds: 300,
            permissions: self.permissions(),
            judge: Judge::default(),
            approvals: self.approvals(),
            home: Some("/home/ann".to_owned()),
            problem: None,
        })
    }
}

/// A workload token of a person through agents, the outermost first.
pub(crate) fn tip(sub: &str, chain: &[&str]) -> Tip {
    let chain = chain.iter().map(|agent| (*agent).to_owned()).collect();
    let end = Timestamp::from_unix(i64::from(u32::MAX));
    Tip::new("token".into(), sub.to_owned(), chain, Timestamp::from_unix(0), end).unwrap()
}
