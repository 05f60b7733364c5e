//! The two languages in which people are spoken to.

use serde::{Deserialize, Serialize};

/// A language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// English, also for whoever speaks neither.
    #[default]
    En,
    /// Chinese.
    Zh,
}

/// A text in English and Chinese.
pub type Both = (&'static str, &'static str);

impl Lang {
    /// The text in this language.
    #[must_use]
    pub fn pick(self, text: Both) -> &'static str {
        match self {
            Self::En => text.0,
            Self::Zh => text.1,
        }
    }

    /// A language by its tag: `zh…` is Chinese, everything else English.
    #[must_use]
    pub fn tagged(tag: &str) -> Self {
        match tag.split(['-', '_', '.']).next() {
            Some(language) if language.eq_ignore_ascii_case("zh") => Self::Zh,
            _ => Self::En,
        }
    }
}
