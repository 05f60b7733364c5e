//! Which workload asks for a token.

use crate::session::key::SessionKey;

/// The workload's name when nothing else gives one.
pub const DEFAULT_NAME: &str = "openclaw-agent";

/// What the configuration says about the workload.
#[derive(Clone, Debug, Default)]
pub struct Naming {
    /// `identity.workloadName`
    pub workload_name: Option<String>,
    /// Whether `identity.roleTrn` is set: the cloud then names the workload by the role.
    pub has_role: bool,
}

impl Naming {
    /// The name to send for a session, `None` to let the cloud take the caller's role (rows TIP-08 and TIP-09).
    #[must_use]
    pub fn name_for<'a>(&'a self, session: &'a SessionKey) -> Option<&'a str> {
        match &self.workload_name {
            Some(name) => Some(name),
            None if self.has_role => None,
            None => Some(session.subagent_id().or_else(|| session.agent_id()).unwrap_or(DEFAULT_NAME)),
        }
    }

    /// The name to send for the workload itself, when no session is meant.
    #[must_use]
    pub fn own_name(&self) -> Option<&str> {
        match &self.workload_name {
            Some(name) => Some(name),
            None => (!self.has_role).then_some(DEFAULT_NAME),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_precedence() {
        let named =
            |name: Option<&str>, has_role| Naming { workload_name: name.map(str::to_owned), has_role };
        for (naming, key, expected) in [
            (named(Some("fixed"), true), "agent:shop:main", Some("fixed")),
            (named(Some("fixed"), false), "agent:shop:subagent:u1", Some("fixed")),
            (named(None, true), "agent:shop:main", None),
            (named(None, true), "agent:shop:subagent:u1", None),
            (named(None, false), "agent:shop:main", Some("shop")),
            (named(None, false), "agent:shop:subagent:u1", Some("u1")),
            (named(None, false), "agent:shop:subagent:u1:subagent:u2", Some("u2")),
            (named(None, false), "telegram:12345", Some(DEFAULT_NAME)),
        ] {
            assert_eq!(naming.name_for(&SessionKey::parse(key).unwrap()), expected, "{naming:?} {key}");
        }
        assert_eq!(named(Some("fixed"), true).own_name(), Some("fixed"));
        assert_eq!(named(None, true).own_name(), None);
        assert_eq!(named(None, false).own_name(), Some(DEFAULT_NAME));
    }
}
