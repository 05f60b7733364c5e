//! How risky a call is: by the rules, and where those say medium, by a model's second opinion.

use serde::Serialize;
use serde_json::{Map, Value};

use super::opinion::Opinion;
use crate::risk::{self, Context, Level, Verdict};

/// Who judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The rules.
    Rules,
    /// A model, after the rules had said medium.
    Llm,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// How risky.
    pub level: Level,
    /// Why, in a few words of English; the model's, where that decided.
    pub reason: String,
    /// Who decided.
    pub source: Source,
    /// The id of the rule that the rules decided by, or `none`.
    pub rule: &'static str,
    /// The words that the rule applied to.
    pub words: String,
    /// Why a model that should have been asked has not decided.
    pub without_model: Option<String>,
}

/// Judges commands and tool calls.
#[derive(Debug, Default)]
pub struct Judge {
    opinion: Option<Opinion>,
}

impl Judge {
    /// With a model for a second opinion, or by the rules alone.
    #[must_use]
    pub fn new(opinion: Option<Opinion>) -> Self {
        Self { opinion }
    }

    /// Judges a shell command. Blocks while the model is asked.
    #[must_use]
    pub fn command(&self, command: &str, context: &Context<'_>) -> Judgement {
        let params = Map::from_iter([("command".to_owned(), Value::from(command))]);
        self.reconsider("exec", &params, risk::judge_command(command, context))
    }

    /// Judges a tool call. Blocks while the model is asked.
    #[must_use]
    pub fn tool(&self, name: &str, params: &Map<String, Value>, context: &Context<'_>) -> Judgement {
        self.reconsider(name, params, risk::judge_tool(name, params, context))
    }

    fn reconsider(&self, tool: &str, params: &Map<String, Value>, verdict: Verdict) -> Judgement {
        let by_rules = Judgement::by_rules(verdict);
        let Some(opinion) = self.opinion.as_ref().filter(|_| by_rules.level == Level::Medium) else {
            return by_rules;
        };
        match opinion.ask(tool, params, &by_rules.reason) {
            Ok(said) => Judgement { level: said.level, reason: said.reason, source: Source::Llm, ..by_rules },
            Err(error) => Judgement { without_model: Some(error.message().to_owned()), ..by_rules },
        }
    }
}

impl Judgement {
    /// The rules' verdict.
    #[must_use]
    pub fn by_rules(verdict: Verdict) -> Self {
        Self {
            level: verdict.level,
            reason: verdict.reason().to_owned(),
            source: Source::Rules,
            rule: verdict.rule_id(),
            words: verdict.words,
            without_model: None,
        }
    }

    /// The reason, with a note when a model should have been asked and gave no answer.
    #[must_use]
    pub fn full_reason(&self) -> String {
        match &self.without_model {
            Some(why) => format!("{} (judged by the rules alone: {why})", self.reason),
            None => self.reason.clone(),
        }
    }
}
