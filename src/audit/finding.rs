//! Findings and the report, in the host's own form (version 1) and codes.

use std::fmt;

use serde_json::{Value, json};

use super::surface::Surface;

/// What is wrong; the host's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// A secret is written where a reference could stand.
    PlaintextFound,
    /// A reference has no value, or stands where none may.
    RefUnresolved,
    /// A value is what some view showed in place of a secret.
    PlaceholderValue,
    /// A credential elsewhere takes precedence over a reference.
    RefShadowed,
    /// Credentials of another kind, which references do not replace.
    LegacyResidue,
}

impl Code {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PlaintextFound => "PLAINTEXT_FOUND",
            Self::RefUnresolved => "REF_UNRESOLVED",
            Self::PlaceholderValue => "PLACEHOLDER_VALUE",
            Self::RefShadowed => "REF_SHADOWED",
            Self::LegacyResidue => "LEGACY_RESIDUE",
        }
    }

    fn severity(self) -> &'static str {
        match self {
            Self::RefUnresolved | Self::PlaceholderValue => "error",
            Self::PlaintextFound | Self::RefShadowed | Self::LegacyResidue => "warn",
        }
    }
}

/// One finding. Holds names and places, never a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub code: Code,
    /// How bad it is: the host's `error`, `warn` or `info`.
    pub severity: &'static str,
    /// The file.
    pub file: String,
    /// Where in it.
    pub path: String,
    /// In words, as the host says it.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// The model provider that it is about.
    pub provider: Option<String>,
    /// The auth profile that it is about.
    pub profile: Option<String>,
}

impl Finding {
    /// A finding without what only some have.
    #[must_use]
    pub fn new(code: Code, file: &str, path: &str, message: impl Into<String>) -> Self {
        let (file, path) = (file.to_owned(), path.to_owned());
        let severity = code.severity();
        Self {
            code,
            severity,
            file,
            path,
            message: message.into(),
            hint: None,
            provider: None,
            profile: None,
        }
    }

    /// A reference that does not resolve.
    #[must_use]
    pub fn unresolved(file: &str, path: &str, message: impl Into<String>) -> Self {
        Self::new(Code::RefUnresolved, file, path, message)
    }

    /// Adds what to do.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Makes it one that nobody has to do anything about.
    #[must_use]
    pub fn as_info(mut self) -> Self {
        self.severity = "info";
        self
    }

    /// Adds whose it is.
    #[must_use]
    pub fn of(mut self, provider: Option<&str>, profile: Option<&str>) -> Self {
        self.provider = provider.map(str::to_owned);
        self.profile = profile.map(str::to_owned);
        self
    }

    fn to_json(&self) -> Value {
        let mut shown = json!({
            "code": self.code.as_str(),
            "severity": self.severity,
            "file": self.file,
            "jsonPath": self.path,
            "message": self.message,
        });
        let more = [("hint", &self.hint), ("provider", &self.provider), ("profileId", &self.profile)];
        for (name, value) in more {
            if let Some(value) = value {
                shown[name] = value.as_str().into();
            }
        }
        shown
    }
}

/// How references were looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resolution {
    /// References whose value was asked for.
    pub checked: usize,
    /// References whose program was not started.
    pub skipped_exec: usize,
}

/// The whole report.
#[derive(Debug)]
pub struct Report {
    /// The list of fields that was gone by.
    pub surface: Surface,
    /// How references were looked at.
    pub resolution: Resolution,
    /// The files that were read.
    pub files: Vec<String>,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What is worth knowing and not wrong.
    pub notes: Vec<String>,
}

impl Report {
    /// `clean`, `findings` or `unresolved`.
    #[must_use]
    pub fn status(&self) -> &'static str {
        match (self.unresolved(), self.findings.is_empty()) {
            (1.., _) => "unresolved",
            (0, false) => "findings",
            (0, true) => "clean",
        }
    }

    /// The host's exit code: 2 with anything unresolved, 1 with other findings when `check` was asked for, else 0.
    #[must_use]
    pub fn exit_code(&self, check: bool) -> u8 {
        match self.status() {
            "unresolved" => 2,
            "findings" if check => 1,
            _ => 0,
        }
    }

    fn count(&self, code: Code) -> usize {
        self.findings.iter().filter(|finding| finding.code == code).count()
    }

    fn unresolved(&self) -> usize {
        self.count(Code::RefUnresolved) + self.count(Code::PlaceholderValue)
    }

    /// The host's report, with the versions of the list of fields, hints and notes added.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "version": 1,
            "status": self.status(),
            "resolution": {
                "refsChecked": self.resolution.checked,
                "skippedExecRefs": self.resolution.skipped_exec,
                "resolvabilityComplete": self.resolution.skipped_exec == 0,
            },
            "filesScanned": self.files,
            "summary": {
                "plaintextCount": self.count(Code::PlaintextFound),
                "unresolvedRefCount": self.unresolved(),
                "shadowedRefCount": self.count(Code::RefShadowed),
                "storeResidueCount": 0,
                "legacyResidueCount": self.count(Code::LegacyResidue),
            },
            "findings": self.findings.iter().map(Finding::to_json).collect::<Vec<_>>(),
            "surface": { "newer": self.surface.newer, "older": self.surface.older },
            "notes": self.notes,
        })
    }
}

/// For a person: a line for each finding, its hint below, and a last line that sums up.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            let (code, severity) = (finding.code.as_str(), finding.severity);
            writeln!(f, "{severity:5} {code}  {}: {}", finding.file, finding.message)?;
            if let Some(hint) = &finding.hint {
                writeln!(f, "      -> {hint}")?;
            }
        }
        for note in &self.notes {
            writeln!(f, "note  {note}")?;
        }
        let Resolution { checked, skipped_exec } = self.resolution;
        write!(
            f,
            "{}: {} plaintext, {} unresolved, {} shadowed, {} legacy; {checked} references checked",
            self.status(),
            self.count(Code::PlaintextFound),
            self.unresolved(),
            self.count(Code::RefShadowed),
            self.count(Code::LegacyResidue),
        )?;
        match skipped_exec {
            0 => writeln!(f),
            count => writeln!(f, ", {count} of programs not (--allow-exec runs them)"),
        }
    }
}
