//! Whom the host's sessions act for: from a [`Scene`] to the session key that one person's identity is kept under.
//!
//! Invariant: nobody's identity is used on a guess. Where the host names no person, the run must have been bound to one
//! before, or nobody can be meant but the last one who wrote in a chat of two.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::base::bounded::BoundedMap;
use crate::base::error::{Code, Error, Result};
use crate::base::log;
use crate::session::channel::{is_sendable, normalized};
use crate::session::derive::{DmScope, effective};
use crate::session::group_senders::{Cause, GroupSenders, Only, Sender, Whom};
use crate::session::key::SessionKey;

use super::scene::Scene;

/// Running tool calls whose person is remembered.
const MAX_CALLS: usize = 1024;

/// What does not change while the host runs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rules {
    /// `identity.personalSessionMode`
    pub(super) personal: bool,
    /// The host's `session.dmScope`.
    pub(super) dm_scope: DmScope,
    /// Whether the host names the sender of every run that a message began.
    pub(super) host_names_senders: bool,
}

/// Who is behind the host's sessions, runs and calls.
#[derive(Debug)]
pub(super) struct People {
    rules: Rules,
    senders: Arc<GroupSenders>,
    /// By the host's session key and the call's id.
    calls: Mutex<BoundedMap<(String, String), SessionKey>>,
    /// The session in which a person of an internal channel sent the command that is about to be carried out; some
    /// hosts name it to the hook before the command, and not to the command.
    commanding: Mutex<BoundedMap<(String, String), String>>,
}

impl People {
    /// Nobody has written yet.
    #[must_use]
    pub(super) fn new(rules: Rules, senders: Arc<GroupSenders>) -> Self {
        Self {
            rules,
            senders,
            calls: Mutex::new(BoundedMap::new(MAX_CALLS)),
            commanding: Mutex::new(BoundedMap::new(MAX_CALLS)),
        }
    }

    /// Notes that a command is about to be carried out.
    pub(super) fn commands(&self, scene: &Scene) {
        if let (Some(writer), Some(session)) = (internal_writer(scene), scene.session_key.clone()) {
            self.commanding().insert(writer, session);
        }
    }

    /// The scene of a command, with the session that the host named just before it.
    #[must_use]
    pub(super) fn command(&self, scene: Scene) -> Scene {
        let noted = internal_writer(&scene).and_then(|writer| self.commanding().remove(&writer));
        Scene { session_key: scene.session_key.clone().or(noted), ..scene }
    }

    /// The key of the person who wrote a message or a command.
    ///
    /// # Errors
    /// As [`effective`]; also when the host does not say in which chat.
    pub(super) fn writer(&self, scene: &Scene) -> Result<SessionKey> {
        let chat = scene.chat(self.rules.dm_scope)?;
        effective(&chat, scene.sender_id.as_deref(), scene.channel.as_deref(), self.rules.personal)
    }

    /// Notes that a message goes on to the model.
    ///
    /// # Errors
    /// `StoreUnavailable`: it is not known later who wrote it, so it must not go on.
    pub(super) fn wrote(&self, scene: &Scene) -> Result<()> {
        let Ok(chat) = scene.chat(self.rules.dm_scope) else { return Ok(()) };
        let noted = self.senders.wrote(&chat, sender(scene));
        // Such a host names the writer again when it matters, and where it does not, nobody is taken for them.
        self.unless_told(noted, self.rules.personal || self.rules.host_names_senders)
    }

    /// Notes that a run begins, and for whom. To be called before its first tool call.
    ///
    /// # Errors
    /// `StoreUnavailable`: it is not known for whom the run acts.
    pub(super) fn began(&self, scene: &Scene) -> Result<()> {
        let (Ok(chat), Some(run)) = (self.host_key(scene), scene.run_id.as_deref()) else { return Ok(()) };
        let noted = self.senders.began(&chat, run, cause(scene));
        self.unless_told(noted, self.needs_no_sender(&chat) || sender(scene).is_some())
    }

    /// The key of the person whom a run acts for.
    ///
    /// # Errors
    /// `NotLoggedIn` when that is not clear, `StoreUnavailable` when it cannot be known; else as [`effective`].
    pub(super) fn of_run(&self, scene: &Scene) -> Result<SessionKey> {
        let chat = self.host_key(scene)?;
        if self.needs_no_sender(&chat) {
            return effective(&chat, None, None, self.rules.personal);
        }
        let bound = match (sender(scene), scene.run_id.as_deref()) {
            (Some(sender), _) => Whom::Sender(sender),
            (None, Some(run)) => self.senders.of_run(&chat, run)?,
            (None, None) => Whom::Unknown,
        };
        let sender = match bound {
            Whom::Sender(sender) => Some(sender),
            // Nobody ever wrote here, so the run is the chat's own.
            Whom::Nobody if self.senders.only(&chat)? == Only::Nobody => None,
            // Such a host names who wrote, but for its own web chat.
            Whom::Unknown if self.rules.host_names_senders => match self.senders.only(&chat)? {
                Only::Sender(sender) => Some(sender),
                Only::Nobody => None,
                Only::Several => return Err(unclear()),
            },
            Whom::Nobody | Whom::Unknown => return Err(unclear()),
        };
        let (id, channel) = match &sender {
            Some(sender) => (Some(&*sender.id), sender.channel.as_deref()),
            None => (None, None),
        };
        effective(&chat, id, channel, false)
    }

    /// Remembers whom a call acts for, until [`People::ended`].
    pub(super) fn calls(&self, scene: &Scene, key: &SessionKey) {
        if let Some(id) = call_id(scene) {
            self.running().insert(id, key.clone());
        }
    }

    /// Whom a running call acts for.
    #[must_use]
    pub(super) fn of_call(&self, scene: &Scene) -> Option<SessionKey> {
        self.running().get(&call_id(scene)?).cloned()
    }

    /// Forgets a call, and says whom it acted for.
    pub(super) fn ended(&self, scene: &Scene) -> Option<SessionKey> {
        self.running().remove(&call_id(scene)?)
    }

    /// The host's key of the session that a run belongs to; one that names a sender was made up by a client.
    fn host_key(&self, scene: &Scene) -> Result<SessionKey> {
        match &scene.session_key {
            Some(_) => scene.chat(self.rules.dm_scope),
            None => Err(Error::new(Code::NotLoggedIn, "the host does not say in which session this happens")),
        }
    }

    /// Whether a session acts for the same identity whoever writes in it.
    fn needs_no_sender(&self, chat: &SessionKey) -> bool {
        self.rules.personal || chat.is_subagent()
    }

    /// What could not be noted does not matter where it is told anyway.
    fn unless_told(&self, noted: Result<()>, told: bool) -> Result<()> {
        match noted {
            Err(error) if told => {
                log::warn("it is not noted who wrote, or for whom a run acts", &[("error", &error)]);
                Ok(())
            }
            noted => noted,
        }
    }

    fn commanding(&self) -> MutexGuard<'_, BoundedMap<(String, String), String>> {
        self.commanding.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn running(&self) -> MutexGuard<'_, BoundedMap<(String, String), SessionKey>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unclear() -> Error {
    Error::new(Code::NotLoggedIn, "it is not clear for whom this run acts, so it acts for nobody")
        .with_hint("write again, when nobody else writes at the same moment")
}

fn sender(scene: &Scene) -> Option<Sender> {
    Sender::new(scene.sender_id.as_deref()?, scene.channel.as_deref())
}

/// A person's message, or something that happens by itself.
fn cause(scene: &Scene) -> Cause {
    let by_user = scene.trigger.as_deref().is_none_or(|trigger| trigger == "user");
    let from_chat = scene.message_provider.as_deref().is_some_and(|provider| provider != "heartbeat");
    if by_user && from_chat && !scene.is_announcement { Cause::Message } else { Cause::Unattended }
}

/// Who writes where no other than the session's key says in which chat.
fn internal_writer(scene: &Scene) -> Option<(String, String)> {
    let channel = normalized(scene.channel.as_deref()?).filter(|channel| !is_sendable(channel))?;
    Some((channel, scene.sender_id.clone()?))
}

fn call_id(scene: &Scene) -> Option<(String, String)> {
    Some((scene.session_key.clone()?, scene.tool_call_id.clone()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::{ManualClock, Timestamp};
    use crate::records::testing::Cut;
    use crate::session::group_senders::Writers;

    const GROUP: &str = "agent:main:telegram:group:-1001";

    fn people(host_names_senders: bool, personal: bool) -> People {
        let rules = Rules { personal, dm_scope: DmScope::Main, host_names_senders };
        People::new(rules, Arc::new(GroupSenders::new(Arc::new(ManualClock::at(Timestamp::default())))))
    }

    /// People whose writers are kept where they can be cut off.
    fn people_apart(host_names_senders: bool, personal: bool) -> (Arc<Cut<Writers>>, People) {
        let clock = Arc::new(ManualClock::at(Timestamp::default()));
        let (writers, runs) = (Cut::new(clock.clone()), Cut::new(clock.clone()));
        let rules = Rules { personal, dm_scope: DmScope::Main, host_names_senders };
        (writers.clone(), People::new(rules, Arc::new(GroupSenders::on(writers, runs, clock))))
    }

    #[test]
    fn without_the_store_only_whoever_is_named_is_somebody() {
        let direct = "agent:main:main";
        for host_names_senders in [false, true] {
            let (writers, people) = people_apart(host_names_senders, false);
            people.wrote(&message(direct, "7")).unwrap();
            writers.off(true);
            let noted = people.wrote(&message(direct, "8")).map_err(|error| error.code());
            let expected = if host_names_senders { Ok(()) } else { Err(Code::StoreUnavailable) };
            assert_eq!(noted, expected, "the next run must not act for 7");
            assert!(people.began(&run(direct, "r")).is_err());
            let named = Scene { run_id: Some("r".into()), ..message(direct, "8") };
            people.began(&named).unwrap();
            assert_eq!(key(people.of_run(&named)), Ok("agent:main:telegram:direct:8".into()));
            if host_names_senders {
                assert_eq!(key(people.of_run(&run(direct, "r"))), Err(Code::StoreUnavailable));
            }
            writers.off(false);
            begin(&people, direct, "r2");
            assert_eq!(key(people.of_run(&run(direct, "r2"))), Err(Code::NotLoggedIn));
        }
        let (writers, personal) = people_apart(false, true);
        writers.off(true);
        personal.wrote(&message(direct, "7")).unwrap();
        personal.began(&run(direct, "r")).unwrap();
        assert_eq!(key(personal.of_run(&run(direct, "r"))), Ok(direct.into()));
    }

    fn message(session: &str, sender: &str) -> Scene {
        Scene {
            session_key: Some(session.into()),
            sender_id: Some(sender.into()),
            channel: Some("telegram".into()),
            ..Scene::default()
        }
    }

    fn run(session: &str, run: &str) -> Scene {
        Scene { session_key: Some(session.into()), run_id: Some(run.into()), ..Scene::default() }
    }

    fn begin(people: &People, session: &str, id: &str) {
        people.began(&Scene { message_provider: Some("telegram".into()), ..run(session, id) }).unwrap();
    }

    fn key(found: Result<SessionKey>) -> Result<String, Code> {
        found.map(|key| key.to_string()).map_err(|error| error.code())
    }

    #[test]
    fn an_old_host_names_senders_in_messages_only_and_runs_are_bound_to_them() {
        let people = people(false, false);
        for session in [GROUP, "agent:main:main"] {
            people.wrote(&message(session, "7")).unwrap();
            begin(&people, session, "r1");
            people.wrote(&message(session, "8")).unwrap();
            let of_7 = people.writer(&message(session, "7")).unwrap().to_string();
            assert_eq!(key(people.of_run(&run(session, "r1"))), Ok(of_7));
            // Two wrote before the next run began.
            people.wrote(&message(session, "7")).unwrap();
            begin(&people, session, "r2");
            assert_eq!(key(people.of_run(&run(session, "r2"))), Err(Code::NotLoggedIn));
            // A run that began before this process did.
            assert_eq!(key(people.of_run(&run(session, "r3"))), Err(Code::NotLoggedIn));
        }
    }

    #[test]
    fn a_new_host_names_the_sender_of_every_call() {
        let people = people(true, false);
        let call = Scene { run_id: Some("r".into()), ..message(GROUP, "7") };
        assert_eq!(key(people.of_run(&call)), Ok(format!("{GROUP}:user:7")));
        // Without one: the only person who wrote in a direct chat, and nobody in a group.
        assert_eq!(key(people.of_run(&run(GROUP, "r"))), Err(Code::NotLoggedIn));
        assert_eq!(key(people.of_run(&run("agent:main:main", "r"))), Ok("agent:main:main".into()));
        people.wrote(&message("agent:main:main", "7")).unwrap();
        assert_eq!(
            key(people.of_run(&run("agent:main:main", "r"))),
            Ok("agent:main:telegram:direct:7".into())
        );
        people.wrote(&message("agent:main:main", "8")).unwrap();
        assert_eq!(key(people.of_run(&run("agent:main:main", "r"))), Err(Code::NotLoggedIn));
    }

    #[test]
    fn a_command_of_the_web_chat_belongs_to_the_session_named_just_before_it() {
        let people = people(false, false);
        let web = |session: Option<&str>, sender: &str| Scene {
            session_key: session.map(str::to_owned),
            sender_id: Some(sender.into()),
            channel: Some("webchat".into()),
            ..Scene::default()
        };
        people.commands(&web(Some("agent:main:second"), "ann"));
        let session = |scene: Scene| people.command(scene).session_key;
        assert_eq!(session(web(None, "bob")), None);
        assert_eq!(session(web(None, "ann")).as_deref(), Some("agent:main:second"));
        assert_eq!(session(web(None, "ann")), None, "it was that command's only");
        people.commands(&message("agent:main:main", "7"));
        assert_eq!(
            session(Scene { session_key: None, ..message("", "7") }),
            None,
            "other channels tell more"
        );
    }

    #[test]
    fn a_run_that_nobody_wrote_for_takes_no_message_and_acts_for_the_last_person() {
        let people = people(false, false);
        people.wrote(&message("agent:main:main", "7")).unwrap();
        let mut heartbeat =
            Scene { message_provider: Some("heartbeat".into()), ..run("agent:main:main", "h") };
        heartbeat.trigger = Some("heartbeat".into());
        people.began(&heartbeat).unwrap();
        begin(&people, "agent:main:main", "turn");
        for id in ["h", "turn"] {
            let found = key(people.of_run(&run("agent:main:main", id)));
            assert_eq!(found, Ok("agent:main:telegram:direct:7".into()), "{id}");
        }
    }

    #[test]
    fn a_session_key_that_names_a_sender_is_nobodys() {
        for sender in [None, Some("7"), Some("bob")] {
            let made_up = Scene {
                session_key: Some("agent:main:main:user:bob".into()),
                sender_id: sender.map(str::to_owned),
                channel: Some("webchat".into()),
                run_id: Some("r".into()),
                ..Scene::default()
            };
            let people = people(true, false);
            people.began(&made_up).unwrap();
            assert_eq!(key(people.of_run(&made_up)), Err(Code::InvalidRequest), "{sender:?}");
            assert_eq!(key(people.writer(&made_up)), Err(Code::InvalidRequest), "{sender:?}");
        }
    }

    #[test]
    fn a_subagent_is_itself_and_in_personal_mode_all_else_is_the_main_session() {
        let child = "agent:main:subagent:u1";
        assert_eq!(key(people(false, false).of_run(&run(child, "r"))), Ok(child.into()));
        let people = people(false, true);
        assert_eq!(key(people.of_run(&run(child, "r"))), Ok(child.into()));
        assert_eq!(
            key(people.of_run(&run("agent:main:telegram:direct:7", "r"))),
            Ok("agent:main:main".into())
        );
        assert_eq!(key(people.of_run(&run(GROUP, "r"))), Err(Code::InvalidRequest));
    }

    #[test]
    fn a_call_is_remembered_until_its_end() {
        let people = people(true, false);
        let call = Scene { tool_call_id: Some("c".into()), ..run(GROUP, "r") };
        let ann = SessionKey::parse("agent:main:main:user:ann").unwrap();
        people.calls(&call, &ann);
        assert_eq!(people.of_call(&call), Some(ann.clone()));
        assert_eq!(people.of_call(&run(GROUP, "r")), None);
        assert_eq!((people.ended(&call), people.ended(&call)), (Some(ann), None));
    }
}
