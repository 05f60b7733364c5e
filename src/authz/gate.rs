//! The decision about one tool call, or one agent's run: which flags apply, who is asked, and what is ruled.
//!
//! Order: workload token, permission for the agent, for the tool, for the skills that the call reads, then risk. Each flag
//! works alone, and each asks for no more than it needs: a token only where permission is asked for.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value};

use super::approval::{self, Digest, Request};
use super::denial::{Denial, Waiting};
use super::judge::{Judge, Judgement};
use super::low_risk::{Exempt, exempt};
use super::permission::{Kind, Permissions, Question};
use super::registry::{Approvals, Held, Standing, Word};
pub use super::ruling::{Call, Flags, Ruling, Step, TipOf};
use super::skills::{self, Catalogue, Places};
use crate::base::error::{Code, Error, Result};
use crate::base::log;
use crate::credential::inject::CallId;
use crate::risk::{Context, Level};
use crate::session::key::SessionKey;
use crate::tip::token::Tip;
use crate::volc::permission::Origin;

/// Skills that one call may read.
pub const MAX_SKILLS_READ: usize = 32;

/// What a gate is made of.
#[derive(Debug)]
pub struct Parts {
    /// Which checks are on.
    pub flags: Flags,
    /// `authz.lowRiskTools`
    pub low_risk_tools: Vec<String>,
    /// `authz.approvalTtlSeconds`
    pub approval_ttl_seconds: u64,
    /// Who is asked for permission.
    pub permissions: Permissions,
    /// Who judges risk.
    pub judge: Judge,
    /// Who was asked for approval.
    pub approvals: Approvals,
    /// The home folder, absolute.
    pub home: Option<String>,
    /// Why calls found medium get no second opinion although one is wanted.
    pub problem: Option<Error>,
}

/// Rules on calls. Used from many threads at once.
pub struct Gate {
    parts: Parts,
    skills: Catalogue,
    host_asks: AtomicBool,
}

impl Gate {
    /// A gate of a host that asks for approvals by itself.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self { parts, skills: Catalogue::default(), host_asks: AtomicBool::new(true) }
    }

    /// Tells whether the host asks for approvals by itself (`requireApproval`). Where it does not, calls are blocked with an
    /// id by which a person answers.
    pub fn set_host_asks(&self, asks: bool) {
        self.host_asks.store(asks, Ordering::Relaxed);
    }

    /// Whether the host asks for approvals by itself.
    #[must_use]
    pub fn host_asks(&self) -> bool {
        self.host_asks.load(Ordering::Relaxed)
    }

    /// Which checks are on.
    #[must_use]
    pub fn flags(&self) -> Flags {
        self.parts.flags
    }

    /// `authz.lowRiskTools`
    #[must_use]
    pub fn low_risk_tools(&self) -> &[String] {
        &self.parts.low_risk_tools
    }

    /// Where the policies stand.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.parts.permissions.namespace()
    }

    /// The skills of each session.
    #[must_use]
    pub fn skills(&self) -> &Catalogue {
        &self.skills
    }

    /// Who was asked for approval.
    #[must_use]
    pub fn approvals(&self) -> &Approvals {
        &self.parts.approvals
    }

    /// Why calls found medium get no second opinion although one is wanted.
    #[must_use]
    pub fn problem(&self) -> Option<&Error> {
        self.parts.problem.as_ref()
    }

    /// Judges a shell command that somebody asks about. Blocks while the model is asked.
    #[must_use]
    pub fn judge_command(&self, command: &str) -> Judgement {
        self.parts.judge.command(command, &self.context(None))
    }

    /// Judges a tool call that somebody asks about. Blocks while the model is asked.
    #[must_use]
    pub fn judge_tool(&self, tool: &str, params: &Map<String, Value>) -> Judgement {
        self.parts.judge.tool(tool, params, &self.context(None))
    }

    fn context<'a>(&'a self, workspace: Option<&'a str>) -> Context<'a> {
        Context { workspace, home: self.parts.home.as_deref() }
    }

    /// Rules on a tool call. Blocks while the cloud and the model are asked.
    #[must_use]
    pub fn tool(&self, call: &Call<'_>, tip: TipOf<'_>) -> Ruling {
        let ruling = match self.permitted(call, tip, &mut |_| ()).and_then(|()| self.risky(call, &mut |_| ()))
        {
            Err(denial) => Ruling::Deny(denial),
            Ok(None) => Ruling::Pass,
            Ok(Some(judgement)) => self.approval(call, &judgement),
        };
        if let Ruling::Deny(denial) = &ruling {
            log::info(
                "call denied",
                &[("session", call.session), ("tool", &call.tool), ("why", &denial.code())],
            );
        }
        ruling
    }

    /// Rules on an agent's run, before the model is called. Blocks while the cloud is asked.
    ///
    /// # Errors
    /// The denial.
    pub fn agent(&self, session: &SessionKey, run: Option<&str>, tip: TipOf<'_>) -> Result<(), Denial> {
        self.invoked(session, run, tip, &mut |_| ())
    }

    /// What would be ruled on a tool call, and how that came about. Nobody is asked for approval.
    pub fn explain(&self, call: &Call<'_>, tip: TipOf<'_>) -> (Ruling, Vec<Step>) {
        let mut steps = Vec::new();
        let mut note = |step| steps.push(step);
        let ruling = match self.permitted(call, tip, &mut note).and_then(|()| self.risky(call, &mut note)) {
            Err(denial) => Ruling::Deny(denial),
            Ok(None) => Ruling::Pass,
            Ok(Some(judgement)) => Ruling::Ask(self.request(call, &judgement)),
        };
        (ruling, steps)
    }

    /// The same of the use of a skill.
    pub fn explain_skill(&self, session: &SessionKey, name: &str, tip: TipOf<'_>) -> (Ruling, Vec<Step>) {
        let mut steps = Vec::new();
        let mut note = |step| steps.push(step);
        let mut decide = || {
            if !self.flags().skill_read_check {
                return Ok(());
            }
            let tip = token(tip, &mut note)?;
            let from = Origin { run_id: None, session_id: Some(session.as_str()) };
            self.ask(Question::skill(&tip, name), from, &mut note)
        };
        let outcome = decide();
        (outcome.map_or_else(Ruling::Deny, |()| Ruling::Pass), steps)
    }

    /// The same of an agent's run.
    pub fn explain_agent(&self, session: &SessionKey, tip: TipOf<'_>) -> (Ruling, Vec<Step>) {
        let mut steps = Vec::new();
        let outcome = self.invoked(session, None, tip, &mut |step| steps.push(step));
        (outcome.map_or_else(Ruling::Deny, |()| Ruling::Pass), steps)
    }

    /// Holds a call that has run against what a person approved. `params` may hold the injected variables.
    pub fn settle(&self, call: &Call<'_>) -> Standing {
        let Some(id) = call.id else { return Standing::NotAsked };
        let standing = self.approvals().settle(id, &Digest::of(&to_approve(call)));
        if standing == Standing::Changed {
            log::warn(
                "a call was changed after a person had approved it",
                &[("session", call.session), ("tool", &call.tool), ("call", &id.call)],
            );
        }
        standing
    }

    /// What a person said about a call, as the host reports it: `allow-once`, `deny`, `timeout`, ….
    pub fn answered(&self, call: &CallId, decision: &str) -> bool {
        self.approvals().answered(call, Word::of_host(decision))
    }

    /// Forgets what a session's calls wait for.
    pub fn forget(&self, session: &SessionKey) {
        self.approvals().forget(session);
    }

    /// Token and permissions.
    fn permitted(&self, call: &Call<'_>, tip: TipOf<'_>, note: &mut dyn FnMut(Step)) -> Result<(), Denial> {
        let flags = self.flags();
        if !(flags.agent_check || flags.tool_check || flags.skill_read_check) {
            return Ok(());
        }
        let exempt = exempt(call.tool, flags.low_risk_bypass, &self.parts.low_risk_tools);
        if let Some(why) = exempt {
            note(Step::Exempt(why));
        }
        let is_checked = exempt.is_none();
        // A tool's harmlessness says nothing about the skill that it reads.
        let reads = flags.skill_read_check && exempt != Some(Exempt::Wrapper);
        let skills = if reads { self.read_by(call) } else { Vec::new() };
        if !skills.is_empty() {
            note(Step::Reads(skills.clone()));
        }
        let (agent, tool) = (flags.agent_check && is_checked, flags.tool_check && is_checked);
        if !agent && !tool && skills.is_empty() {
            return Ok(());
        }
        too_many(&skills)?;
        let tip = token(tip, note)?;
        let from =
            Origin { run_id: call.id.map(|id| id.run.as_str()), session_id: Some(call.session.as_str()) };
        let mut ask = |question: Option<Question>| self.ask(question, from, note);
        if agent {
            ask(Question::agent(&tip))?;
        }
        if tool {
            ask(Question::tool(&tip, call.tool))?;
        }
        skills.iter().try_for_each(|skill| ask(Question::skill(&tip, skill)))
    }

    fn invoked(
        &self,
        session: &SessionKey,
        run: Option<&str>,
        tip: TipOf<'_>,
        note: &mut dyn FnMut(Step),
    ) -> Result<(), Denial> {
        if !self.flags().agent_check {
            return Ok(());
        }
        let tip = token(tip, note)?;
        let from = Origin { run_id: run, session_id: Some(session.as_str()) };
        self.ask(Question::agent(&tip), from, note)
    }

    fn ask(
        &self,
        question: Option<Question>,
        from: Origin<'_>,
        note: &mut dyn FnMut(Step),
    ) -> Result<(), Denial> {
        let question = question.ok_or(Denial::Anonymous)?;
        let answer = self.parts.permissions.ask(&question, from);
        note(Step::Asked(question.clone(), answer.clone()));
        let Question { kind, name, .. } = question;
        match answer.decision {
            Ok(decision) if decision.allowed => Ok(()),
            Ok(decision) => Err(Denial::Permission { kind, name, message: decision.message }),
            Err(error) => Err(Denial::Unverified { kind, name, error }),
        }
    }

    fn read_by(&self, call: &Call<'_>) -> Vec<String> {
        let real = |path: &str| Some(Path::new(path).canonicalize().ok()?.to_str()?.to_owned());
        let places = Places { folder: call.workspace, home: self.parts.home.as_deref(), real: &real };
        let known = self.skills.of(call.session);
        skills::read_by(call.tool, call.params, &known, &places).into_iter().collect()
    }

    /// The judgement, if it is one that a person has to approve.
    fn risky(&self, call: &Call<'_>, note: &mut dyn FnMut(Step)) -> Result<Option<Judgement>, Denial> {
        // Tools that run nothing of what they are given, and calls that come again under their own name.
        let runs_nothing =
            matches!(exempt(call.tool, false, &[]), Some(Exempt::WithoutLogin | Exempt::Wrapper));
        if !self.flags().require_risk_approval || runs_nothing {
            return Ok(None);
        }
        let judgement = self.parts.judge.tool(call.tool, call.params, &self.context(call.workspace));
        note(Step::Judged(judgement.clone()));
        Ok(Some(judgement).filter(|judgement| judgement.level == Level::High))
    }

    fn request(&self, call: &Call<'_>, judgement: &Judgement) -> Request {
        Request::new(&to_approve(call), judgement, self.parts.approval_ttl_seconds)
    }

    /// Asks through the host, or by an id where it cannot.
    fn approval(&self, call: &Call<'_>, judgement: &Judgement) -> Ruling {
        if self.host_asks() {
            let request = self.request(call, judgement);
            if let Some(id) = call.id {
                self.approvals().asked(id.clone(), request.digest);
            }
            return Ruling::Ask(request);
        }
        let state = match self.approvals().hold(call.session, &Digest::of(&to_approve(call))) {
            Ok(Held::Passes) => return Ruling::Pass,
            Ok(Held::Rejected) => Waiting::Rejected,
            Ok(Held::Waits { id, seconds }) => Waiting::Asked { id, seconds },
            Err(error) => Waiting::Impossible(error.message().to_owned()),
        };
        Ruling::Deny(Denial::Approval { reason: judgement.reason.clone(), state })
    }
}

/// The token, or why the call may not run without one.
fn token(tip: TipOf<'_>, note: &mut dyn FnMut(Step)) -> Result<Arc<Tip>, Denial> {
    let tip = tip();
    note(Step::Token(tip.clone()));
    tip.map_err(Denial::NoToken)
}

/// Each skill is a request to the cloud, and the agent waits for all of them.
fn too_many(skills: &[String]) -> Result<(), Denial> {
    match skills {
        [first, ..] if skills.len() > MAX_SKILLS_READ => {
            let what =
                format!("and {} more skills that this call may read: too many at once", skills.len() - 1);
            let error = Error::new(Code::TooLarge, what).with_hint("read one skill at a time");
            Err(Denial::Unverified { kind: Kind::Skill, name: first.clone(), error })
        }
        _ => Ok(()),
    }
}

fn to_approve<'a>(call: &Call<'a>) -> approval::Call<'a> {
    approval::Call {
        session: call.session,
        tool: call.tool,
        params: call.params,
        folder: call.workspace,
        injected: call.injected,
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("flags", &self.parts.flags).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
