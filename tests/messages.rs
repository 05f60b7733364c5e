//! What people are told in their chats: the whole of our program in this process, the emulator as cloud and user pool, and
//! a Feishu that is as strict as the real one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test file, helpers included")]
#![cfg(feature = "emulator")]

mod support;

use std::fs;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use agent_identity::action::{Action, Outcome, fetch, login};
use agent_identity::app::build::{App, build};
use agent_identity::base::lang::Lang;
use agent_identity::base::log::{self, Level};
use agent_identity::config::load;
use agent_identity::config::paths::Paths;
use agent_identity::credential::desk::Order;
use agent_identity::message::post::{Courier, Delivery, Host, Unsent, Waker};
use agent_identity::message::target::ReplyTarget;
use agent_identity::oidc::pending::Origin;
use agent_identity::session::key::SessionKey;
use agent_identity::surface::callback::listener::CallbackListener;
use serde_json::{Value, json};
use support::browser::Browser;
use support::feishu::{APP, Feishu, Message};
use support::{Home, PATIENCE, free_port, text};

/// The program as the host runs it, with a Feishu channel.
struct Gateway {
    _home: Home,
    app: App,
    _listener: CallbackListener,
}

impl Gateway {
    fn start(feishu: &Value) -> Self {
        log::set_level(Level::Debug);
        let home = Home::new();
        let config = json!({
            "channels": { "feishu": feishu },
            "plugins": { "entries": { "agent-identity": { "config": home.config() } } },
        });
        fs::write(home.state().join("openclaw.json"), config.to_string()).unwrap();
        let state = home.state().to_str().unwrap();
        let env = [("HOME", state), ("OPENCLAW_STATE_DIR", state)].into_iter().collect();
        let paths = Paths::of_machine(&env).unwrap();
        let loaded = load::load(&paths, None, &env).unwrap();
        let app = build(&loaded, &paths.data_dir).unwrap();
        let callback = app.callback.clone().unwrap();
        let listener = CallbackListener::start(callback, None, app.services.clock.clone()).unwrap();
        Self { _home: home, app, _listener: listener }
    }

    /// Somebody asks for a login in a chat, and goes through the pages.
    fn log_in(&self, session: &str, person: &str, chat: Option<ReplyTarget>) {
        let origin = Origin {
            channel: Some("feishu".into()),
            sender: Some(person.into()),
            reply_target: chat.map(Arc::new),
        };
        let input = login::Input { session: Some(key(session)), origin };
        let Outcome::Login(asked) = self.app.services.perform(Action::Login(input)).unwrap() else {
            panic!()
        };
        Browser::new().log_in(&asked.auth_url.unwrap(), person);
    }

    fn is_logged_in(&self, session: &str) -> bool {
        matches!(self.app.services.perform(Action::Token(Some(key(session)))), Ok(Outcome::Token(_)))
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.app.pool.close();
        self.app.services.credentials.close();
    }
}

/// The host, which sends to the channels that are not ours, and wakes agents.
#[derive(Debug)]
struct Outbound(Mutex<Sender<String>>);

impl Outbound {
    fn attach_to(app: &App) -> Receiver<String> {
        let (sender, seen) = channel();
        let host = Arc::new(Self(Mutex::new(sender)));
        app.post.attach(Host { courier: host.clone(), waker: host });
        seen
    }
}

impl Courier for Outbound {
    fn deliver(&self, to: &ReplyTarget, text: &str) -> Result<Delivery, Unsent> {
        self.0.lock().unwrap().send(format!("{} {}: {text}", to.channel, to.to.clone().unwrap())).unwrap();
        Ok(Delivery::Sent)
    }
}

impl Waker for Outbound {
    fn wake(&self, session: &SessionKey, _: &str) -> Result<(), Unsent> {
        self.0.lock().unwrap().send(format!("wake {session}")).unwrap();
        Ok(())
    }
}

fn key(text: &str) -> SessionKey {
    SessionKey::parse(text).unwrap()
}

fn chat(channel: &str, to: &str) -> ReplyTarget {
    ReplyTarget { channel: channel.into(), to: Some(to.into()), ..ReplyTarget::default() }
}

#[test]
fn a_login_is_told_in_the_feishu_chat_that_asked_for_it() {
    let feishu = Feishu::start();
    let gateway = Gateway::start(&feishu.config());
    gateway.log_in("agent:main:feishu:group:oc_1:user:ou_a", "alice", Some(chat("feishu", "chat:oc_1")));
    let Message { id_type, to, text } = feishu.message();
    assert_eq!((id_type.as_str(), to.as_str()), ("chat_id", "oc_1"));
    assert!(text.starts_with("✓ Logged in as "), "{text}");

    let in_chinese = ReplyTarget { lang: Lang::Zh, ..chat("feishu", "user:ou_b") };
    gateway.log_in("agent:main:feishu:direct:ou_b", "bob", Some(in_chinese.clone()));
    let Message { id_type, to, text } = feishu.message();
    assert_eq!((id_type.as_str(), to.as_str()), ("open_id", "ou_b"));
    assert!(text.starts_with("✓ 已登录："), "{text}");
    assert_eq!(feishu.issued(), 1, "one access token for both");

    feishu.revoke_tokens();
    gateway.log_in("agent:main:feishu:direct:ou_c", "alice", Some(chat("feishu", "user:ou_c")));
    assert_eq!(feishu.message().to, "ou_c", "with a new one, after the old was refused");
    assert_eq!((feishu.issued(), feishu.refused()), (2, vec!["invalid access token".to_owned()]));
}

#[test]
fn a_consent_is_told_in_the_chat_that_asked_and_its_agent_woken() {
    let feishu = Feishu::start();
    let gateway = Gateway::start(&feishu.config());
    let woken = Outbound::attach_to(&gateway.app);
    let session = "agent:main:feishu:direct:ou_a";
    gateway.log_in(session, "alice", None);
    let target = ReplyTarget { session: Some(key("agent:main:main")), ..chat("feishu", "user:ou_a") };
    let input = fetch::Input {
        session: Some(key(session)),
        origin: Origin { reply_target: Some(target.into()), ..Origin::default() },
        order: Order { provider: "google".into(), ..Order::default() },
        return_value: false,
    };
    let Outcome::Fetch(asked) = gateway.app.services.perform(Action::Fetch(Box::new(input))).unwrap() else {
        panic!()
    };
    let mut browser = Browser::new();
    let page = browser.get(asked.auth_url.unwrap().expose());
    browser.submit(&page, &[("decision", "approve")]);
    let told = feishu.message();
    assert_eq!((told.to.as_str(), told.text.as_str()), ("ou_a", "✓ Credential for google added."));
    assert_eq!(woken.recv_timeout(PATIENCE).unwrap(), "wake agent:main:main", "the host's key, not ours");
}

#[test]
fn other_channels_are_the_hosts_and_a_page_or_a_terminal_gets_nothing() {
    let feishu = Feishu::start();
    let gateway = Gateway::start(&feishu.config());
    // Without a host nothing is sent to other channels, and the login does not mind.
    gateway.log_in("agent:main:telegram:direct:1", "alice", Some(chat("telegram", "telegram:1")));
    // What is under way when a host comes would find it.
    assert!(gateway.app.pool.wait(PATIENCE));
    let sent = Outbound::attach_to(&gateway.app);
    for (session, target) in [
        ("agent:main:main:user:webchat-ui", Some(chat("webchat", "agent:main:main"))),
        ("agent:main:main:user:tui", Some(chat("tui", "x"))),
        ("agent:main:main:user:tool", None),
        ("agent:main:telegram:direct:2", Some(chat("telegram", "telegram:2"))),
    ] {
        gateway.log_in(session, "alice", target);
        assert!(gateway.is_logged_in(session));
    }
    let first = sent.recv_timeout(PATIENCE).unwrap();
    assert!(first.starts_with("telegram telegram:2: ✓ Logged in as "), "{first}");
    assert!(sent.try_recv().is_err() && feishu.messages.try_recv().is_err());
}

#[test]
fn a_login_does_not_mind_a_feishu_that_is_dead_or_refuses() {
    let live = Feishu::start();
    let mut wrong_secret = live.config();
    wrong_secret["appSecret"] = "another-app-secret-canary".into();
    let mut unresolved = live.config();
    unresolved["appSecret"] = json!({ "source": "env", "provider": "default", "id": "NOT_THERE" });
    let dead = json!({
        "appId": APP.0, "appSecret": APP.1, "domain": format!("http://127.0.0.1:{}", free_port()),
    });
    for config in [dead, wrong_secret, unresolved] {
        let gateway = Gateway::start(&config);
        let session = "agent:main:feishu:direct:ou_a";
        gateway.log_in(session, "alice", Some(chat("feishu", "user:ou_a")));
        assert!(gateway.is_logged_in(session), "{config}");
        assert!(gateway.app.pool.wait(PATIENCE), "the attempt has an end");
    }
    assert!(live.messages.try_recv().is_err());
}

#[test]
fn the_log_has_one_warning_for_each_lost_message_and_never_a_secret() {
    let lost = log_of("a_login_does_not_mind_a_feishu_that_is_dead_or_refuses");
    assert_eq!(lost.matches("a message was not sent").count(), 3, "{lost}");
    for reason in ["refused", "check appId and appSecret", "NOT_THERE"] {
        assert!(lost.contains(reason), "{reason}: {lost}");
    }
    let sent = log_of("a_login_is_told_in_the_feishu_chat_that_asked_for_it");
    assert_eq!(sent.matches("message sent").count(), 3, "{sent}");
    for log in [lost, sent] {
        assert!(!log.contains("canary"), "{log}");
    }
}

/// What another test of this file writes to the log; it must pass.
fn log_of(test: &str) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stderr)
}
