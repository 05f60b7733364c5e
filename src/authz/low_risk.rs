//! Tools that need no permission check: by their own harmlessness, or because a person could not log in without them.

/// Tools that work without a login and are never held back for the lack of one.
pub const WITHOUT_LOGIN: [&str; 10] = [
    "identity_login",
    "identity_logout",
    "identity_whoami",
    "identity_status",
    "identity_config",
    "identity_config_suggest",
    "identity_list_tips",
    "identity_list_risk_patterns",
    "identity_risk_check",
    "identity_unset_binding",
];

/// Built-in low-risk tools besides those: they tell what there is, and change and hand out nothing.
pub const LOW_RISK: [&str; 4] =
    ["agents_list", "identity_list_credentials", "identity_list_roles", "session_status"];

/// Tools of newer hosts that only carry another call, for which the host asks again under its own name.
pub const WRAPPERS: [&str; 3] = ["tool_call", "tool_describe", "tool_search"];

/// Why a tool needs no check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exempt {
    /// Logging in needs it.
    WithoutLogin,
    /// It is low-risk by nature.
    BuiltIn,
    /// The configuration says so.
    Configured,
    /// The call that it carries is checked.
    Wrapper,
}

impl Exempt {
    /// In words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WithoutLogin => "it works without a login",
            Self::BuiltIn => "it is a built-in low-risk tool",
            Self::Configured => "authz.lowRiskTools names it",
            Self::Wrapper => "the call that it carries is checked by itself",
        }
    }
}

/// Whether and why a tool needs no token and no check. Names count exactly as they are.
#[must_use]
pub fn exempt(tool: &str, bypass: bool, configured: &[String]) -> Option<Exempt> {
    if WITHOUT_LOGIN.contains(&tool) {
        Some(Exempt::WithoutLogin)
    } else if WRAPPERS.contains(&tool) {
        Some(Exempt::Wrapper)
    } else if !bypass {
        None
    } else if LOW_RISK.contains(&tool) {
        Some(Exempt::BuiltIn)
    } else {
        configured.iter().any(|name| name == tool).then_some(Exempt::Configured)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_count_exactly_and_only_with_the_bypass() {
        let configured = ["web_search".to_owned()];
        for (tool, with, without) in [
            ("identity_login", Some(Exempt::WithoutLogin), Some(Exempt::WithoutLogin)),
            ("identity_unset_binding", Some(Exempt::WithoutLogin), Some(Exempt::WithoutLogin)),
            ("tool_call", Some(Exempt::Wrapper), Some(Exempt::Wrapper)),
            ("session_status", Some(Exempt::BuiltIn), None),
            ("identity_list_credentials", Some(Exempt::BuiltIn), None),
            ("web_search", Some(Exempt::Configured), None),
            ("Web_search", None, None),
            ("web_search ", None, None),
            ("IDENTITY_LOGIN", None, None),
            ("identity_fetch", None, None),
            ("identity_set_binding", None, None),
            ("identity_get_role_credentials", None, None),
            ("identity_get_tip_token", None, None),
            ("identity_get_session_token", None, None),
            ("identity_approve_tool", None, None),
            ("read", None, None),
            ("", None, None),
        ] {
            assert_eq!(exempt(tool, true, &configured), with, "{tool}");
            assert_eq!(exempt(tool, false, &configured), without, "{tool}");
        }
    }
}
