//! What people are told, in their language.

use crate::base::lang::Lang;

/// Characters of a name that are shown; names come from the cloud and the provider.
pub const MAX_NAME_CHARS: usize = 128;

/// Something that a person asked for has come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice<'a> {
    /// Somebody logged in.
    LoggedIn {
        /// Who, as the user pool names them.
        sub: &'a str,
    },
    /// A credential was consented to and is stored.
    CredentialAdded {
        /// Whose credential.
        provider: &'a str,
    },
    /// A consent was waited for, and the service refuses it.
    CredentialRefused {
        /// Whose credential.
        provider: &'a str,
    },
}

impl Notice<'_> {
    /// The message.
    #[must_use]
    pub fn text(&self, lang: Lang) -> String {
        match (self, lang) {
            (Self::LoggedIn { sub }, Lang::En) => format!("✓ Logged in as {}.", shown(sub)),
            (Self::LoggedIn { sub }, Lang::Zh) => format!("✓ 已登录：{}。", shown(sub)),
            (Self::CredentialAdded { provider }, Lang::En) => {
                format!("✓ Credential for {} added.", shown(provider))
            }
            (Self::CredentialAdded { provider }, Lang::Zh) => {
                format!("✓ 已添加 {} 的凭据。", shown(provider))
            }
            (Self::CredentialRefused { provider }, Lang::En) => format!(
                "✗ No credential for {0}: the service refused it. Try again with /identity fetch {0}.",
                shown(provider)
            ),
            (Self::CredentialRefused { provider }, Lang::Zh) => {
                format!(
                    "✗ 未能获取 {0} 的凭据：服务拒绝了请求。请发送 /identity fetch {0} 重试。",
                    shown(provider)
                )
            }
        }
    }
}

/// A name that keeps the message on its line. Angle brackets would be markup to Feishu, where `<at …>` calls people.
fn shown(name: &str) -> String {
    let plain = |c: char| if c.is_control() || matches!(c, '<' | '>') { ' ' } else { c };
    name.chars().take(MAX_NAME_CHARS).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_notice_is_said_in_both_languages() {
        for (notice, en, zh) in [
            (Notice::LoggedIn { sub: "u-1" }, "✓ Logged in as u-1.", "✓ 已登录：u-1。"),
            (
                Notice::CredentialAdded { provider: "google" },
                "✓ Credential for google added.",
                "✓ 已添加 google 的凭据。",
            ),
        ] {
            assert_eq!((notice.text(Lang::En).as_str(), notice.text(Lang::Zh).as_str()), (en, zh));
        }
        let refused = Notice::CredentialRefused { provider: "google" };
        assert!(refused.text(Lang::En).contains("/identity fetch google"));
        assert!(refused.text(Lang::Zh).contains("/identity fetch google"));
    }

    #[test]
    fn a_name_neither_calls_people_nor_breaks_the_line_nor_goes_on_for_ever() {
        let notice = Notice::CredentialAdded { provider: "<at user_id=\"all\"></at>\nx" };
        let text = notice.text(Lang::En);
        assert!(!text.contains(['<', '>', '\n']), "{text}");
        let long = "n".repeat(MAX_NAME_CHARS + 1);
        let text = Notice::LoggedIn { sub: &long }.text(Lang::En);
        assert_eq!(text.matches('n').count(), MAX_NAME_CHARS + "in".matches('n').count());
    }
}
