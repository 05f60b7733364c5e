//! Standard output and standard error of the command line. Nobody reading them is no failure of ours.

use std::io::{IsTerminal, Write, stderr, stdout};

/// Where the command line writes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Output;

impl Output {
    /// What was asked for, on standard output, ended by a line end.
    pub fn text(self, text: &str) {
        let _ = writeln!(stdout().lock(), "{}", text.trim_end()).and_then(|()| stdout().flush());
    }

    /// Whether a person reads standard output.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        stdout().is_terminal()
    }

    /// What went wrong, on standard error.
    pub fn error(self, text: &str) {
        let _ = writeln!(stderr().lock(), "{}", text.trim_end());
    }

    /// A note for somebody who sits at a terminal; scripts do not get it.
    pub fn progress(self, text: &str) {
        if stderr().is_terminal() {
            self.error(text);
        }
    }
}
