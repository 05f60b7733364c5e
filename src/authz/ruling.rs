//! What is ruled on, what by, and what came of it.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use super::approval::Request;
use super::denial::Denial;
use super::judge::Judgement;
use super::low_risk::Exempt;
use super::permission::{Answer, Question};
use crate::base::error::Result;
use crate::config::model::Authz;
use crate::credential::inject::CallId;
use crate::session::key::SessionKey;
use crate::tip::token::Tip;

/// Which checks are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Flags {
    /// `authz.agentCheck`
    pub agent_check: bool,
    /// `authz.toolCheck`
    pub tool_check: bool,
    /// `authz.skillReadCheck`
    pub skill_read_check: bool,
    /// `authz.requireRiskApproval`
    pub require_risk_approval: bool,
    /// `authz.lowRiskBypass`
    pub low_risk_bypass: bool,
}

impl Flags {
    /// Of the configuration.
    #[must_use]
    pub fn of(authz: &Authz) -> Self {
        Self {
            agent_check: authz.agent_check,
            tool_check: authz.tool_check,
            skill_read_check: authz.skill_read_check,
            require_risk_approval: authz.require_risk_approval,
            low_risk_bypass: authz.low_risk_bypass,
        }
    }

    /// Whether anything is checked at all.
    #[must_use]
    pub fn any(&self) -> bool {
        self.agent_check || self.tool_check || self.skill_read_check || self.require_risk_approval
    }
}

/// A tool call that wants to run.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// The session whose identity it uses: a sender's own, where senders are kept apart.
    pub session: &'a SessionKey,
    /// The host's ids of run and call; without them an approval cannot be held against what runs.
    pub id: Option<&'a CallId>,
    /// The tool.
    pub tool: &'a str,
    /// Its parameters as the agent gave them.
    pub params: &'a Map<String, Value>,
    /// The workspace, absolute, where the host tells it.
    pub workspace: Option<&'a str>,
    /// Names of the variables that the call will be given.
    pub injected: &'a [String],
}

/// What is ruled.
#[derive(Clone, Debug)]
pub enum Ruling {
    /// It may run.
    Pass,
    /// It may not; the text says why and what to do.
    Deny(Denial),
    /// The host asks a person, and runs it if they approve.
    Ask(Request),
}

/// Gives the workload token of a call's session; asked at most once, and only when permission has to be asked for.
pub type TipOf<'a> = &'a dyn Fn() -> Result<Arc<Tip>>;

/// What happened on the way to a ruling, for whoever wants it explained.
#[derive(Clone, Debug)]
pub enum Step {
    /// The tool needs neither token nor check.
    Exempt(Exempt),
    /// The token was asked for.
    Token(Result<Arc<Tip>>),
    /// The call reads these skills.
    Reads(Vec<String>),
    /// Permission was asked for.
    Asked(Question, Answer),
    /// Risk was judged.
    Judged(Judgement),
}
