//! Sessions that agents start or write to, and what they are given of the identity behind them
//! (`identity.subagentTipPropagation`).
//!
//! Hosts tell of a new session in two ways, of which neither is sure to come first: an event that names parent and child,
//! and the result of the call that started it. The event counts only where one person's call can be meant.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};

use crate::base::bounded::BoundedMap;
use crate::base::error::Code;
use crate::base::log;
use crate::session::key::SessionKey;
use crate::session::users::Users as _;
use crate::tip::delegation::{Delegations, may_be_delegated_to};

use super::scene::Scene;

/// The tool that starts a subagent.
const SPAWN: &str = "sessions_spawn";
/// The tool that writes to another session.
const SEND: &str = "sessions_send";
/// Calls of these tools that may run at a time.
const MAX_OPEN: usize = 1024;
/// How long a subagent's first call waits to hear who started it.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Who started whom.
#[derive(Debug)]
pub(super) struct Family {
    delegations: Arc<Delegations>,
    open: Mutex<BoundedMap<(String, String), Open>>,
    given: Condvar,
}

/// A call under way that starts a session, or writes to one.
#[derive(Debug)]
struct Open {
    spawns: bool,
    /// Whose identity it may give.
    by: SessionKey,
    /// The session that was given it already.
    to: Option<SessionKey>,
}

impl Family {
    /// Nobody has started anybody.
    #[must_use]
    pub(super) fn new(delegations: Arc<Delegations>) -> Self {
        Self { delegations, open: Mutex::new(BoundedMap::new(MAX_OPEN)), given: Condvar::new() }
    }

    /// Whether a tool starts sessions or writes to them.
    #[must_use]
    pub(super) fn concerns(tool: &str) -> bool {
        matches!(tool, SPAWN | SEND)
    }

    /// A call of such a tool begins, for the person with this key.
    pub(super) fn begins(&self, scene: &Scene, tool: &str, params: &Map<String, Value>, by: &SessionKey) {
        let Some(id) = id(scene) else { return };
        let target = params.get("sessionKey").and_then(Value::as_str).filter(|_| tool == SEND);
        let target = target.and_then(|key| SessionKey::parse(key).ok()).filter(may_be_delegated_to);
        // The session that is written to may begin to act before this call ends.
        let to = target.filter(|to| {
            self.delegations.delegated_by(to).is_ok_and(|by| by.is_none()) && self.grant(to, by)
        });
        self.open().insert(id, Open { spawns: tool == SPAWN, by: by.clone(), to });
    }

    /// The host says that a session has started another one.
    pub(super) fn spawned(&self, parent: &str, child: &str) {
        let Ok(child) = SessionKey::parse(child) else { return };
        let open = self.open();
        let mut callers: Vec<_> = open
            .iter()
            .filter(|((key, _), call)| key == parent && call.spawns)
            .map(|(_, call)| &call.by)
            .collect();
        callers.sort();
        callers.dedup();
        // Several people: the call's own result will tell.
        if let [by] = callers.as_slice() {
            let by = (*by).clone();
            drop(open);
            self.grant(&child, &by);
        }
    }

    /// A call of such a tool has ended, with the details of its result.
    pub(super) fn ended(&self, scene: &Scene, details: &Value) {
        let Some(call) = id(scene).and_then(|id| self.open().remove(&id)) else { return };
        let failed = matches!(details["status"].as_str(), None | Some("error" | "forbidden"));
        if failed {
            if let Some(to) = &call.to {
                self.delegations.revoke(to);
            }
            return;
        }
        let name = if call.spawns { "childSessionKey" } else { "sessionKey" };
        if let Some(to) = details[name].as_str().and_then(|key| SessionKey::parse(key).ok()) {
            self.grant(&to, &call.by);
        }
    }

    /// Waits until a subagent was given an identity, as long as one may be on its way.
    pub(super) fn wait_for(&self, child: &SessionKey) {
        if !child.is_subagent() || self.delegations.is_given(child) {
            return;
        }
        let waiting = |open: &mut BoundedMap<_, Open>| {
            open.iter().any(|(_, call)| call.spawns) && !self.delegations.is_given(child)
        };
        drop(self.given.wait_timeout_while(self.open(), PATIENCE, waiting));
    }

    fn grant(&self, to: &SessionKey, by: &SessionKey) -> bool {
        // The event and the result tell of the same session.
        let is_known = self.delegations.delegated_by(to).is_ok_and(|known| known.as_ref() == Some(by));
        let granted = self.delegations.grant(to, by);
        match &granted {
            Ok(()) if is_known => {}
            Ok(()) => log::info("a session acts for another's login", &[("session", to), ("by", by)]),
            // Whoever has no identity has none to give.
            Err(error) if error.code() == Code::NotLoggedIn => {}
            Err(error) => log::debug("a session was given no identity", &[("error", error)]),
        }
        // Under the lock that the waiting hold while they look.
        drop(self.open());
        self.given.notify_all();
        granted.is_ok()
    }

    fn open(&self) -> MutexGuard<'_, BoundedMap<(String, String), Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn id(scene: &Scene) -> Option<(String, String)> {
    Some((scene.session_key.clone()?, scene.tool_call_id.clone()?))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde_json::json;

    use super::*;
    use crate::base::error::Result;
    use crate::base::time::{SystemClock, Timestamp};
    use crate::session::model::Session;
    use crate::session::users::{Users, not_logged_in};

    #[derive(Debug, Default)]
    struct People(HashMap<SessionKey, Arc<Session>>);

    impl Users for People {
        fn current(&self, key: &SessionKey) -> Result<Option<Arc<Session>>> {
            Ok(self.0.get(key).cloned())
        }
        fn fresh(&self, key: &SessionKey) -> Result<Arc<Session>> {
            self.current(key)?.ok_or_else(not_logged_in)
        }
    }

    const MAIN: &str = "agent:main:main";
    const CHILD: &str = "agent:main:subagent:u1";

    fn key(text: &str) -> SessionKey {
        SessionKey::parse(text).unwrap()
    }

    fn sender(name: &str) -> SessionKey {
        key(&format!("{MAIN}:user:{name}"))
    }

    fn bench() -> (Arc<Delegations>, Family) {
        let session = |sub: &str| Session {
            sub: sub.into(),
            user_token: "t".into(),
            refresh_token: None,
            login_at: Timestamp::default(),
            expires_at: Timestamp::default(),
        };
        let people = ["ann", "bob"].map(|name| (sender(name), Arc::new(session(name))));
        let delegations = Arc::new(Delegations::new(Arc::new(People(people.into())), Arc::new(SystemClock)));
        (delegations.clone(), Family::new(delegations))
    }

    fn call(id: &str) -> Scene {
        Scene { session_key: Some(MAIN.into()), tool_call_id: Some(id.into()), ..Scene::default() }
    }

    fn acts_for(delegations: &Delegations, session: &str) -> Option<String> {
        delegations.current(&key(session)).unwrap().map(|login| login.sub.clone())
    }

    fn begin(family: &Family, id: &str, tool: &str, params: Value, by: &str) {
        let Value::Object(params) = params else { unreachable!() };
        family.begins(&call(id), tool, &params, &sender(by));
    }

    #[test]
    fn a_subagent_is_known_by_the_event_or_by_the_result_whichever_comes_first() {
        for event_first in [true, false] {
            let (delegations, family) = bench();
            begin(&family, "c", SPAWN, json!({"task": "t"}), "ann");
            if event_first {
                family.spawned(MAIN, CHILD);
                assert_eq!(acts_for(&delegations, CHILD).as_deref(), Some("ann"));
            }
            family.ended(&call("c"), &json!({"status": "accepted", "childSessionKey": CHILD}));
            assert_eq!(acts_for(&delegations, CHILD).as_deref(), Some("ann"));
        }
    }

    #[test]
    fn where_two_people_start_subagents_at_once_only_the_results_count() {
        let (delegations, family) = bench();
        begin(&family, "a", SPAWN, json!({}), "ann");
        begin(&family, "b", SPAWN, json!({}), "bob");
        family.spawned(MAIN, CHILD);
        assert_eq!(acts_for(&delegations, CHILD), None);
        family.ended(&call("b"), &json!({"status": "accepted", "childSessionKey": CHILD}));
        assert_eq!(acts_for(&delegations, CHILD).as_deref(), Some("bob"));
        family.spawned("agent:other:main", "agent:main:subagent:u2");
        assert_eq!(acts_for(&delegations, "agent:main:subagent:u2"), None, "nobody started it there");
    }

    #[test]
    fn a_session_that_is_written_to_acts_for_the_writer_unless_the_call_failed() {
        let (delegations, family) = bench();
        let ops = "agent:ops:main";
        begin(&family, "c", SEND, json!({"sessionKey": ops, "message": "m"}), "ann");
        assert_eq!(acts_for(&delegations, ops).as_deref(), Some("ann"), "before the call ends");
        family.ended(&call("c"), &json!({"status": "error"}));
        assert_eq!(acts_for(&delegations, ops), None);
        begin(&family, "d", SEND, json!({"label": "ops", "message": "m"}), "ann");
        assert_eq!(acts_for(&delegations, ops), None);
        family.ended(&call("d"), &json!({"status": "ok", "sessionKey": ops}));
        assert_eq!(acts_for(&delegations, ops).as_deref(), Some("ann"));
        // Another's failing message takes away nothing that it did not give.
        begin(&family, "e", SEND, json!({"sessionKey": ops}), "bob");
        family.ended(&call("e"), &json!({"status": "error"}));
        assert_eq!(acts_for(&delegations, ops).as_deref(), Some("ann"));
    }

    #[test]
    fn a_persons_chat_is_never_given_another_ones_identity() {
        let (delegations, family) = bench();
        for chat in
            ["agent:main:telegram:direct:1", "agent:main:telegram:group:-1", "agent:main:main:user:cleo"]
        {
            begin(&family, "c", SEND, json!({"sessionKey": chat}), "ann");
            family.ended(&call("c"), &json!({"status": "ok", "sessionKey": chat}));
            assert_eq!(acts_for(&delegations, chat), None, "{chat}");
        }
    }

    #[test]
    fn a_subagents_first_call_waits_for_the_news_of_who_started_it() {
        let (delegations, family) = bench();
        family.wait_for(&key(CHILD));
        begin(&family, "c", SPAWN, json!({}), "ann");
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                family.wait_for(&key(CHILD));
                acts_for(&delegations, CHILD)
            });
            family.ended(&call("c"), &json!({"status": "accepted", "childSessionKey": CHILD}));
            assert_eq!(waiting.join().unwrap().as_deref(), Some("ann"));
        });
    }
}
