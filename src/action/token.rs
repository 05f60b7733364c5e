//! The workload token (TIP) of a session.

use std::sync::Arc;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::base::error::Result;
use crate::base::json::Members;
use crate::session::key::SessionKey;
use crate::tip::token::Tip;

use super::tool::Tool;
use super::{Action, Services, target};

/// The tool.
pub const TOOL: Tool = Tool {
    name: "identity_get_tip_token",
    about: "Advanced: returns the raw workload token (TIP, 工作负载令牌) with its expiry.",
    call_when: &["get the TIP token", "获取 TIP 令牌"],
    params: &[],
    needs_login: true,
    read: |_, session| Ok(Action::Token(session)),
};

/// A token that is good for at least a minute.
#[derive(Debug)]
pub struct Outcome {
    /// The token, shared with the cache.
    pub tip: Arc<Tip>,
    /// The session it belongs to.
    pub session: SessionKey,
    /// Seconds until it ends.
    pub expires_in_seconds: u64,
}

/// This rendering is the purpose of the action: the one place where a TIP is written out.
impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Token", 3)?;
        object.serialize_field(Members::NAME, self.tip.members())?;
        object.serialize_field("sessionKey", &self.session)?;
        object.serialize_field("expiresInSeconds", &self.expires_in_seconds)?;
        object.end()
    }
}

pub(super) fn run(services: &Services, session: Option<SessionKey>) -> Result<Outcome> {
    let (session, login) = target::login(services, session)?;
    let tip = services.broker.get_for(&session, &login)?;
    services.counters.count_tip();
    let expires_in_seconds = tip.expires_at.seconds_after(services.clock.now());
    Ok(Outcome { tip, session, expires_in_seconds })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::super::testing::{Bench, LIFE, key};
    use super::*;
    use crate::base::error::Code;
    use crate::base::json;

    fn token(bench: &Bench, session: &str) -> Result<(String, String), Code> {
        run(&bench.services, Some(key(session)))
            .map(|outcome| (outcome.tip.token.expose().clone(), outcome.tip.sub.clone()))
            .map_err(|error| error.code())
    }

    #[test]
    fn two_people_never_share_a_token_wherever_they_write() {
        for (one, other) in [
            ("agent:main:main:user:ann", "agent:main:main:user:bob"),
            ("agent:main:telegram:group:-1:user:ann", "agent:main:telegram:group:-1:user:bob"),
            ("agent:main:telegram:direct:1", "agent:main:feishu:direct:1"),
            ("agent:main:telegram:direct:1", "agent:shop:telegram:direct:1"),
            ("agent:main:main:user:ann", "agent:main:main:user:ANN"),
        ] {
            let bench = Bench::new();
            bench.log_in(one, "ann");
            let of = |token: &str, sub: &str| Ok((token.to_owned(), sub.to_owned()));
            assert_eq!(token(&bench, one), of("tip-1", "ann"));
            assert_eq!(token(&bench, other), Err(Code::SessionUnknown), "{other}");
            bench.log_in(other, "bob");
            assert_eq!(token(&bench, other), of("tip-2", "bob"));
            assert_eq!(token(&bench, one), of("tip-1", "ann"));
            super::super::logout::run(&bench.services, Some(key(one))).unwrap();
            assert_eq!(token(&bench, one), Err(Code::SessionUnknown));
            assert_eq!(token(&bench, other), of("tip-2", "bob"));
        }
    }

    #[test]
    fn in_personal_mode_all_direct_chats_share_the_one_token_and_groups_get_none() {
        let bench = Bench::personal();
        bench.log_in("main", "ann");
        for session in ["main", "agent:main:telegram:direct:1", "agent:main:main:user:bob"] {
            assert_eq!(token(&bench, session).unwrap().0, "tip-1", "{session}");
        }
        assert_eq!(token(&bench, "agent:main:telegram:group:-1:user:ann"), Err(Code::InvalidRequest));
        assert_eq!(token(&bench, "agent:main:subagent:s1"), Err(Code::SessionUnknown));
    }

    #[test]
    fn a_token_is_shown_with_what_it_says_and_counted() {
        let bench = Bench::new();
        bench.log_in("main", "ann");
        run(&bench.services, None).unwrap();
        bench.clock.advance(Duration::from_secs(30));
        let shown = json::tree(&run(&bench.services, None).unwrap()).unwrap();
        assert_eq!(
            shown,
            json!({
                "token": "tip-1", "sub": "ann", "sessionKey": "agent:main:main",
                "issuedAt": "2026-01-15T08:00:00Z", "expiresAt": "2026-01-15T09:00:00Z",
                "expiresInSeconds": LIFE - 30, "chain": ["agent:main:main"],
            })
        );
        assert_eq!(bench.services.counters.tips(), 2);
    }

    #[test]
    fn after_its_end_a_login_gives_no_token() {
        let bench = Bench::new();
        bench.log_in("main", "ann");
        bench.clock.advance(Duration::from_secs(LIFE));
        assert_eq!(run(&bench.services, None).unwrap_err().code(), Code::LoginExpired);
        assert_eq!((bench.cloud.issued(), bench.services.counters.tips()), (0, 0));
    }
}
