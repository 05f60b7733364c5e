//! What is wrong with a configuration: everything at once, in the order of the file.

use serde_json::{Value, json};

/// How many problems one reading keeps; a file with more has one cause, not that many.
pub const MAX_PROBLEMS: usize = 100;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// Something that is configured has no effect.
    Warning,
    /// Worth knowing; everything works.
    Note,
}

impl Severity {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One thing to tell the person who wrote the file. Never holds a value of the file, only its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The setting (`identity.localServer`), or empty when it is about the whole file.
    pub path: String,
    /// What is wrong with it; reads on after the path.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem without a hint.
    pub fn new(severity: Severity, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity, path: path.into(), message: message.into(), hint: None }
    }

    /// Adds what to do.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Path and message as one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        if self.path.is_empty() { self.message.clone() } else { format!("{} {}", self.path, self.message) }
    }

    /// `{"severity","path","message"}`, and `hint` when there is one.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut value =
            json!({ "severity": self.severity.as_str(), "path": self.path, "message": self.message });
        if let Some(hint) = &self.hint {
            value["hint"] = hint.as_str().into();
        }
        value
    }
}

/// What is wrong with one value, before it is known where the value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong; reads on after the setting's path.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Fault {
    /// A fault with what to do about it.
    pub fn with_hint(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()) }
    }

    /// A variable that a value needs.
    #[must_use]
    pub fn unset_variable(name: &str) -> Self {
        let message = format!("environment variable {name} is not set");
        Self::with_hint(
            message,
            format!("set {name} where this process is started, or in env.vars of openclaw.json"),
        )
    }

    /// The fault of the setting at `path`.
    #[must_use]
    pub fn at(self, severity: Severity, path: &str) -> Problem {
        Problem { severity, path: path.to_owned(), message: self.message, hint: self.hint }
    }
}

impl From<String> for Fault {
    fn from(message: String) -> Self {
        Self { message, hint: None }
    }
}

impl From<&str> for Fault {
    fn from(message: &str) -> Self {
        Self::from(message.to_owned())
    }
}

/// The problems of one reading, at most [`MAX_PROBLEMS`], errors never pushed out by lesser ones.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    kept: Vec<Problem>,
    omitted: usize,
}

impl Problems {
    /// Takes note of a problem.
    pub fn push(&mut self, problem: Problem) {
        if self.kept.len() == MAX_PROBLEMS {
            self.omitted += 1;
            let lesser = self.kept.iter().rposition(|kept| kept.severity > problem.severity);
            let Some(lesser) = lesser else { return };
            self.kept.remove(lesser);
        }
        self.kept.push(problem);
    }

    /// These problems, then those.
    #[must_use]
    pub fn followed_by(mut self, later: Self) -> Self {
        later.kept.into_iter().for_each(|problem| self.push(problem));
        self.omitted += later.omitted;
        self
    }

    /// Whether the file cannot be used.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.errors().next().is_some()
    }

    /// Only the errors.
    pub fn errors(&self) -> impl Iterator<Item = &Problem> {
        self.kept.iter().filter(|problem| problem.severity == Severity::Error)
    }

    /// All that were kept, in the order of the file.
    #[must_use]
    pub fn all(&self) -> &[Problem] {
        &self.kept
    }

    /// How many more there were.
    #[must_use]
    pub fn omitted(&self) -> usize {
        self.omitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_bounded_and_keeps_errors() {
        let mut problems = Problems::default();
        for index in 0..MAX_PROBLEMS {
            problems.push(Problem::new(Severity::Note, format!("k{index}"), "is old"));
        }
        assert_eq!((problems.all().len(), problems.omitted()), (MAX_PROBLEMS, 0));
        problems.push(Problem::new(Severity::Error, "bad", "is not a setting"));
        problems.push(Problem::new(Severity::Note, "late", "is old"));
        assert_eq!((problems.all().len(), problems.omitted()), (MAX_PROBLEMS, 2));
        assert_eq!(problems.errors().count(), 1);
    }
}
