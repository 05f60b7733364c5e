//! The log: one line an event on standard error, `time level message key=value ...`.
//!
//! Fields are anything with a `Display`, which secrets do not have. Control characters are escaped, so no value can
//! forge a line.

use std::fmt::{self, Display, Write as _};
use std::sync::atomic::{AtomicU8, Ordering};

use super::time::{Clock, SystemClock, Timestamp};

/// How much somebody should care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Something failed that an operator must mend.
    Error,
    /// Something is off; the service goes on.
    Warn,
    /// Milestones.
    Info,
    /// For following one request.
    Debug,
}

/// A named value of a log line.
pub type Field<'a> = (&'a str, &'a dyn Display);

static LEVEL: AtomicU8 = AtomicU8::new(Level::Info as u8);

/// Sets the level up to which lines are written.
pub fn set_level(level: Level) {
    LEVEL.store(level as u8, Ordering::Relaxed);
}

impl Level {
    /// Reads a level's name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Error, Self::Warn, Self::Info, Self::Debug].into_iter().find(|l| l.to_string() == text)
    }

    /// Whether lines of this level are written.
    #[must_use]
    pub fn is_on(self) -> bool {
        self as u8 <= LEVEL.load(Ordering::Relaxed)
    }
}

impl Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        })
    }
}

/// Writes an error line.
pub fn error(message: &str, fields: &[Field<'_>]) {
    write(Level::Error, message, fields);
}

/// Writes a warning.
pub fn warn(message: &str, fields: &[Field<'_>]) {
    write(Level::Warn, message, fields);
}

/// Writes a milestone.
pub fn info(message: &str, fields: &[Field<'_>]) {
    write(Level::Info, message, fields);
}

/// Writes a line for following one request.
pub fn debug(message: &str, fields: &[Field<'_>]) {
    write(Level::Debug, message, fields);
}

/// Has panics logged by their place only: a panic's message may quote what it was handling.
pub fn silence_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "unknown".to_owned(), ToString::to_string);
        error("a defect was caught", &[("at", &place)]);
    }));
}

fn write(level: Level, message: &str, fields: &[Field<'_>]) {
    if level.is_on() {
        let line = format_line(SystemClock.now(), level, message, fields);
        #[cfg(test)]
        {
            // The way that the test harness can capture.
            #[allow(clippy::print_stderr, reason = "only in unit tests")]
            return eprint!("{line}");
        }
        // A log that cannot be written must not stop the service.
        #[cfg(not(test))]
        let _ = std::io::Write::write_all(&mut std::io::stderr().lock(), line.as_bytes());
    }
}

fn format_line(now: Timestamp, level: Level, message: &str, fields: &[Field<'_>]) -> String {
    let mut line = format!("{now} {level:<5} {message}");
    for (name, value) in fields {
        let value = value.to_string();
        let plain =
            !value.is_empty() && value.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'=');
        let _ = if plain { write!(line, " {name}={value}") } else { write!(line, " {name}={value:?}") };
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_forge_lines() {
        let line = format_line(
            Timestamp::from_unix(0),
            Level::Warn,
            "peer refused",
            &[("exe", &"/bin/x\n1970 error forged"), ("pid", &7), ("empty", &"")],
        );
        assert_eq!(
            line,
            "1970-01-01T00:00:00Z warn  peer refused exe=\"/bin/x\\n1970 error forged\" pid=7 empty=\"\"\n"
        );
    }

    #[test]
    fn levels_are_ordered_and_named() {
        assert_eq!(Level::parse("debug"), Some(Level::Debug));
        assert_eq!(Level::parse("loud"), None);
        assert!(Level::Error < Level::Debug);
    }
}
