//! What the checks have found.

use serde_json::{Value, json};

use crate::base::error::{Code, Error};

/// How good a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) enum Level {
    /// As it should be.
    Ok,
    /// Worth knowing; nothing to do.
    Note,
    /// It works, but not as well as it could, or not for long.
    Warn,
    /// It does not work.
    Fail(Code),
}

impl Level {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warn => "warn",
            Self::Fail(_) => "fail",
        }
    }
}

/// The findings, in the order in which they build on each other.
#[derive(Debug, Default)]
pub(in crate::app) struct Report(Vec<Finding>);

#[derive(Debug)]
struct Finding {
    check: &'static str,
    level: Level,
    text: String,
    hint: Option<String>,
}

impl Report {
    pub(in crate::app) fn ok(&mut self, check: &'static str, text: impl Into<String>) {
        self.push(check, Level::Ok, text.into(), None);
    }

    pub(in crate::app) fn note(&mut self, check: &'static str, text: impl Into<String>, hint: Option<&str>) {
        self.push(check, Level::Note, text.into(), hint.map(str::to_owned));
    }

    pub(in crate::app) fn warn(
        &mut self,
        check: &'static str,
        text: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.push(check, Level::Warn, text.into(), Some(hint.into()));
    }

    pub(in crate::app) fn fail(&mut self, check: &'static str, error: &Error) {
        self.error(check, Level::Fail(error.code()), error);
    }

    /// An error at a level of the check's own choice.
    pub(in crate::app) fn error(&mut self, check: &'static str, level: Level, error: &Error) {
        self.push(check, level, error.to_string(), error.hint().map(str::to_owned));
    }

    fn push(&mut self, check: &'static str, level: Level, text: String, hint: Option<String>) {
        self.0.push(Finding { check, level, text, hint });
    }

    /// The code of the first failure: what comes later often follows from it.
    pub(in crate::app) fn failure(&self) -> Option<Code> {
        self.0.iter().find_map(|finding| match finding.level {
            Level::Fail(code) => Some(code),
            _ => None,
        })
    }

    /// `{"ok","checks":[{"check","level","message"}]}`, with `hint` and, of a failure, `code`.
    pub(in crate::app) fn to_json(&self) -> Value {
        let finding = |finding: &Finding| {
            let mut json = json!({
                "check": finding.check,
                "level": finding.level.as_str(),
                "message": finding.text,
            });
            if let Some(hint) = &finding.hint {
                json["hint"] = hint.as_str().into();
            }
            if let Level::Fail(code) = finding.level {
                json["code"] = code.as_str().into();
            }
            json
        };
        json!({ "ok": self.failure().is_none(), "checks": self.0.iter().map(finding).collect::<Vec<_>>() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_counts_and_lesser_findings_do_not() {
        let mut report = Report::default();
        report.ok("a", "fine");
        report.warn("b", "hm", "do that");
        assert_eq!(report.failure(), None);
        assert_eq!(report.to_json()["ok"], true);
        report.fail("c", &Error::new(Code::KeysMissing, "none").with_hint("set some"));
        report.fail("d", &Error::new(Code::CloudRefused, "no"));
        assert_eq!(report.failure(), Some(Code::KeysMissing));
        let json = report.to_json();
        assert_eq!(json["ok"], false);
        let failed = json!({
            "check": "c", "level": "fail", "message": "none", "hint": "set some", "code": "keys_missing"
        });
        assert_eq!(json["checks"][2], failed);
    }
}
