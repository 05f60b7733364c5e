//! Turns of a conversation against services on a real store, with a scripted provider and cloud.

use serde_json::{Map, Value, json};

use super::*;
use crate::action::fetch;
use crate::action::testing::{Bench, key};
use crate::authz::gate::Flags;
use crate::authz::permission::Kind;
use crate::authz::testing::{Bench as GateBench, Cloud};
use crate::base::entropy::OsEntropy;
use crate::base::time::{ManualClock, Timestamp};
use crate::credential::binding::Bindings;
use crate::credential::desk::Order;
use crate::credential::flow::Flow;
use crate::credential::inject::HANDLE_VARIABLE;
use crate::oidc::pending::Origin;
use crate::records::testing::Cut;
use crate::session::group_senders::GroupSenders;
use call::Verdict;

const ANN: &str = "agent:main:main:user:ann";

/// What a test changes of the settings.
struct Setting {
    settings: Settings,
    flags: Flags,
}

impl Setting {
    fn new() -> Self {
        Self {
            settings: Settings {
                login_required: true,
                propagate: false,
                injection: InjectionMode::Env,
                handles: true,
                host: Host {
                    dm_scope: DmScope::Main,
                    names_senders: true,
                    blocks_names: true,
                    has_own_id: false,
                },
            },
            flags: GateBench::default().flags,
        }
    }
}

struct World {
    hooks: Hooks,
    bench: Bench,
    permissions: Arc<Cloud>,
}

fn world(change: impl FnOnce(&mut Setting)) -> World {
    let mut setting = Setting::new();
    change(&mut setting);
    let mut bench = Bench::new();
    let gate = GateBench { flags: setting.flags, clock: bench.clock.clone(), ..GateBench::default() };
    bench.services.gate = gate.gate();
    let services = Arc::new(std::mem::replace(&mut bench.services, Bench::new().services));
    let hooks = Hooks::new(services, setting.settings, Arc::new(OsEntropy));
    World { hooks, bench, permissions: gate.cloud }
}

impl World {
    fn services(&self) -> &Services {
        &self.hooks.services
    }

    fn log_in(&self, session: &str, sub: &str) {
        self.bench.log_in_to(&*self.hooks.services.store, session, sub);
    }

    /// Fetches an API key and binds it.
    fn bind(&self, session: &str, provider: &str, name: &str) {
        let order = Order { provider: provider.to_owned(), flow: Some(Flow::ApiKey), ..Order::default() };
        let origin = Origin::default();
        let input = fetch::Input { session: Some(key(session)), origin, order, return_value: false };
        self.services().perform(Action::Fetch(Box::new(input))).unwrap();
        self.services().bindings.set(&key(session), provider, name).unwrap();
    }

    fn call(&self, scene: &Scene, tool: &str, params: Value) -> Verdict {
        let Value::Object(params) = params else { unreachable!() };
        self.hooks.before_tool_call(scene, tool, &params)
    }
}

fn web(sender: &str) -> Scene {
    Scene {
        session_key: Some("agent:main:main".into()),
        sender_id: Some(sender.into()),
        channel: Some("webchat".into()),
        message_provider: Some("webchat".into()),
        ..Scene::default()
    }
}

fn call_of(sender: &str, call: &str) -> Scene {
    Scene { run_id: Some(format!("run-of-{sender}")), tool_call_id: Some(call.into()), ..web(sender) }
}

fn answer(dispatch: Dispatch) -> String {
    match dispatch {
        Dispatch::Answer(text) => text,
        Dispatch::Pass => panic!("it passed"),
    }
}

fn env(verdict: &Verdict) -> Map<String, Value> {
    match verdict {
        Verdict::With(params) => params["env"].as_object().cloned().unwrap_or_default(),
        Verdict::Pass => Map::new(),
        other => panic!("{other:?}"),
    }
}

fn reason(verdict: Verdict) -> String {
    match verdict {
        Verdict::Block(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn whoever_is_not_logged_in_gets_a_link_and_commands_pass() {
    let world = world(|_| ());
    let text = answer(world.hooks.before_dispatch(web("ann"), "hello"));
    assert!(text.starts_with("[agent-identity] Log in first") && text.contains("](https://"), "{text}");
    let chinese = answer(world.hooks.before_dispatch(web("ann"), "你好"));
    assert!(chinese.contains("请先登录"), "{chinese}");
    assert_eq!(world.hooks.before_dispatch(web("ann"), "/identity login"), Dispatch::Pass);
    assert!(world.bench.cloud.issued() == 0, "nothing was asked of the cloud");
    world.log_in(ANN, "ann");
    assert_eq!(world.hooks.before_dispatch(web("ann"), "hello"), Dispatch::Pass);
    answer(world.hooks.before_dispatch(web("bob"), "hello"));
    world.services().perform(Action::Logout(Some(key(ANN)))).unwrap();
    answer(world.hooks.before_dispatch(web("ann"), "hello"));
}

#[test]
fn the_short_command_is_answered_before_a_host_that_has_one_of_its_own() {
    for has_own_id in [true, false] {
        let world = world(|setting| setting.settings.host.has_own_id = has_own_id);
        let answered = world.hooks.before_dispatch(web("ann"), "/id whoami");
        assert_eq!(
            matches!(&answered, Dispatch::Answer(text) if text.contains("Nobody is logged in")),
            has_own_id
        );
        assert_eq!(answered == Dispatch::Pass, !has_own_id);
    }
}

#[test]
fn without_a_user_pool_and_checks_everybody_passes_and_nobody_is_asked() {
    let world = world(|setting| setting.settings.login_required = false);
    assert_eq!(world.hooks.before_dispatch(web("ann"), "hello"), Dispatch::Pass);
    assert!(world.hooks.run_begins(&call_of("ann", "c"), None, "hello").is_ok());
    let run = Scene::default();
    assert!(matches!(world.call(&run, "exec", json!({"command": "rm -rf /"})), Verdict::Pass));
    assert!(world.permissions.asked().is_empty() && world.bench.cloud.issued() == 0);
}

#[test]
fn a_run_that_no_message_began_needs_an_identity_too_but_a_subagent_was_let_in_with_its_parent() {
    let world = world(|_| ());
    let cron = Scene {
        session_key: Some("agent:main:cron:job".into()),
        run_id: Some("r".into()),
        trigger: Some("cron".into()),
        ..Scene::default()
    };
    let refusal = world.hooks.run_begins(&cron, None, "").unwrap_err();
    assert!(refusal.for_person.contains("agent-identity login --session"), "{refusal:?}");
    assert!(refusal.for_agent.contains("TIP token required"), "{refusal:?}");
    // Hosts that cannot stop the run find its tools refused, but for those that lead out of it.
    let call = Scene { tool_call_id: Some("c".into()), ..cron };
    assert!(reason(world.call(&call, "exec", json!({}))).contains("session has no valid identity"));
    assert!(matches!(world.call(&call, "identity_login", json!({})), Verdict::Pass));
    let child = Scene { session_key: Some("agent:main:subagent:u1".into()), ..Scene::default() };
    assert!(world.hooks.run_begins(&child, None, "").is_ok());
}

#[test]
fn the_agent_check_keeps_messages_from_the_model() {
    let world = world(|setting| setting.flags.agent_check = true);
    world.log_in(ANN, "ann");
    assert_eq!(world.hooks.before_dispatch(web("ann"), "hello"), Dispatch::Pass);
    world.permissions.deny(Kind::Agent, ANN);
    // The answer from before is still good.
    assert_eq!(world.hooks.before_dispatch(web("ann"), "hello"), Dispatch::Pass);
    world.bench.clock.advance(std::time::Duration::from_secs(600));
    let text = answer(world.hooks.before_dispatch(web("ann"), "hello"));
    assert!(text.contains("CheckPermission denied for agent"), "{text}");
    let child = Scene { session_key: Some("agent:main:subagent:u1".into()), ..Scene::default() };
    assert!(world.hooks.run_begins(&child, None, "").is_err(), "no identity, no permission");
}

#[test]
fn the_skills_of_the_prompt_are_checked_when_they_are_read() {
    let world = world(|setting| setting.flags.skill_read_check = true);
    world.log_in(ANN, "ann");
    let prompt = "Scan these.\n<available_skills>\n  <skill>\n    <name>weather</name>\n    <description>d</description>\n    \
                  <location>/skills/w/SKILL.md</location>\n  </skill>\n</available_skills>\n";
    world.hooks.prompt_shown(&call_of("ann", "1"), prompt);
    let read = || world.call(&call_of("ann", "1"), "read", json!({"path": "/skills//w/../w/SKILL.md"}));
    assert!(matches!(read(), Verdict::Pass));
    assert_eq!(world.permissions.asked(), ["skill weather"], "by its name, not by its folder's");
    world.permissions.deny(Kind::Skill, "weather");
    world.bench.clock.advance(std::time::Duration::from_secs(600));
    assert!(reason(read()).contains("CheckPermission denied for skill weather"));
    let other = json!({"path": "/skills/w/README.md"});
    assert!(matches!(world.call(&call_of("ann", "2"), "read", other), Verdict::Pass));
}

#[test]
fn raw_tokens_and_the_configuration_are_had_by_their_tools() {
    let world = world(|_| ());
    let config = world.hooks.tool(&call_of("bob", "1"), "identity_config", &json!({}));
    assert!(config.get("error").is_none(), "without a login: {config}");
    let token = |sender| world.hooks.tool(&call_of(sender, "2"), "identity_get_session_token", &json!({}));
    assert_eq!(token("ann")["error"]["code"], "session_unknown");
    world.log_in(ANN, "ann");
    assert_eq!(token("ann")["userToken"], "user-token-of-ann");
    let status = serde_json::to_value(world.services().perform(Action::ServerStatus).unwrap()).unwrap();
    assert_eq!(status["rawTokensServed"]["userToken"], 1);
}

#[test]
fn each_call_gets_its_own_persons_variables_and_a_handle() {
    let world = world(|_| ());
    for (session, sender) in [(ANN, "ann"), ("agent:main:main:user:bob", "bob")] {
        world.log_in(session, sender);
        world.bind(session, "openai", "SOME_KEY");
    }
    let own = json!({"command": "env", "env": {"SOME_KEY": "the model's", "LANG": "C"}});
    let ann = env(&world.call(&call_of("ann", "1"), "exec", own.clone()));
    let bob = env(&world.call(&call_of("bob", "1"), "exec", own.clone()));
    assert_eq!((&ann["LANG"], ann.len()), (&json!("C"), 3));
    assert_ne!(ann["SOME_KEY"], bob["SOME_KEY"]);
    assert_ne!(ann["SOME_KEY"], json!("the model's"));
    let session = |env: &Map<String, Value>| {
        world.services().calls.session_of(env[HANDLE_VARIABLE].as_str().unwrap()).map(|key| key.to_string())
    };
    assert_eq!(session(&ann).as_deref(), Some(ANN));
    assert_eq!(session(&bob).as_deref(), Some("agent:main:main:user:bob"));
    // Other tools take no variables, and nobody's calls get none.
    assert!(matches!(world.call(&call_of("ann", "2"), "write", json!({"path": "x"})), Verdict::Pass));
    assert!(env(&world.call(&call_of("cleo", "1"), "exec", own)).is_empty());
    world.hooks.after_tool_call(&call_of("ann", "1"), "exec", None, &Value::Null);
    assert_eq!(session(&ann), None, "the call has ended");
    assert!(session(&bob).is_some());
}

#[test]
fn names_that_the_host_refuses_are_left_out_and_with_the_handle_alone_all_are() {
    for (blocks, injection, names) in [
        (true, InjectionMode::Env, &[HANDLE_VARIABLE][..]),
        (false, InjectionMode::Env, &[HANDLE_VARIABLE, "GITHUB_TOKEN"]),
        (false, InjectionMode::Handle, &[HANDLE_VARIABLE]),
    ] {
        let world = world(|setting| {
            setting.settings.host.blocks_names = blocks;
            setting.settings.injection = injection;
        });
        world.log_in(ANN, "ann");
        world.bind(ANN, "openai", "GITHUB_TOKEN");
        let given = env(&world.call(&call_of("ann", "1"), "exec", json!({"command": "gh"})));
        assert_eq!(given.keys().collect::<Vec<_>>(), names, "{blocks} {injection:?}");
    }
    let world = world(|setting| setting.settings.handles = false);
    world.log_in(ANN, "ann");
    assert!(matches!(world.call(&call_of("ann", "1"), "exec", json!({"command": "gh"})), Verdict::Pass));
}

#[test]
fn a_risky_call_asks_and_runs_with_the_parameters_that_were_approved() {
    let world = world(|setting| setting.flags.require_risk_approval = true);
    world.log_in(ANN, "ann");
    let Verdict::Ask { question, params } =
        world.call(&call_of("ann", "1"), "exec", json!({"command": "sudo rm -rf /"}))
    else {
        panic!("it was not asked for")
    };
    assert_eq!((&question["timeoutMs"], &question["timeoutBehavior"]), (&json!(300_000), &json!("deny")));
    assert!(question["description"].as_str().unwrap().contains("sudo rm -rf /"));
    assert_eq!(Value::Object(params), json!({"command": "sudo rm -rf /"}));
    let harmless = json!({"command": "ls"});
    assert!(matches!(world.call(&call_of("ann", "2"), "exec", harmless), Verdict::With(_)));
}

#[test]
fn what_is_told_of_the_folder_when_a_run_begins_counts_for_its_calls() {
    let world = world(|setting| setting.flags.require_risk_approval = true);
    world.log_in(ANN, "ann");
    let clean = || world.call(&call_of("ann", "1"), "exec", json!({"command": "rm -rf /srv/shop/src"}));
    assert!(matches!(clean(), Verdict::Ask { .. }), "somewhere on the machine");
    let begun = Scene { workspace_dir: Some("/srv/shop".into()), ..call_of("ann", "1") };
    world.hooks.run_begins(&begun, None, "").unwrap();
    assert!(matches!(clean(), Verdict::With(_)), "in the agent's own folder");
}

#[test]
fn a_tool_acts_for_the_person_whose_call_it_is() {
    let world = world(|_| ());
    world.log_in(ANN, "ann");
    let scene = call_of("ann", "1");
    assert!(matches!(world.call(&scene, "identity_whoami", json!({})), Verdict::Pass));
    // The tool itself is told neither run nor sender.
    let tool = Scene { sender_id: None, run_id: None, ..scene };
    assert_eq!(world.hooks.tool(&tool, "identity_whoami", &json!({}))["sub"], "ann");
    let nobody = world.hooks.tool(&call_of("bob", "2"), "identity_get_tip_token", &json!({}));
    assert_eq!(nobody["error"]["code"], "session_unknown", "{nobody}");
    assert!(nobody["authUrl"].as_str().unwrap().starts_with("https://"), "{nobody}");
    let bad = world.hooks.tool(&call_of("ann", "3"), "identity_fetch", &json!({}));
    assert_eq!((&bad["error"]["code"], bad.get("authUrl")), (&json!("invalid_request"), None));
}

#[test]
fn an_owner_sees_all_tokens_and_everybody_else_their_own() {
    let world = world(|_| ());
    for (session, sub) in [(ANN, "ann"), ("agent:main:main:user:bob", "bob")] {
        world.log_in(session, sub);
        world.services().broker.get(&key(session)).unwrap();
    }
    for (sender_is_owner, count) in [(false, 1), (true, 2)] {
        let scene = Scene { sender_is_owner, ..call_of("ann", "1") };
        let listed = world.hooks.tool(&scene, "identity_list_tips", &Value::Null);
        assert_eq!(listed["tips"].as_array().unwrap().len(), count);
    }
}

#[test]
fn a_subagent_acts_for_its_parents_person_only_with_propagation_and_until_it_ends() {
    let child = "agent:main:subagent:u1";
    for propagate in [true, false] {
        let world = world(|setting| {
            setting.settings.propagate = propagate;
            setting.flags.tool_check = true;
        });
        world.log_in(ANN, "ann");
        let spawn = call_of("ann", "1");
        assert!(matches!(world.call(&spawn, "sessions_spawn", json!({"task": "t"})), Verdict::Pass));
        world.hooks.subagent_spawned("agent:main:main", child);
        let details = json!({"status": "accepted", "childSessionKey": child});
        world.hooks.after_tool_call(&spawn, "sessions_spawn", None, &details);
        let of_child = Scene {
            session_key: Some(child.into()),
            run_id: Some("r".into()),
            tool_call_id: Some("1".into()),
            ..Scene::default()
        };
        let verdict = world.call(&of_child, "exec", json!({"command": "ls"}));
        if !propagate {
            assert!(reason(verdict).contains("TIP token required"));
            continue;
        }
        assert!(matches!(verdict, Verdict::Pass), "{verdict:?}");
        assert_eq!(world.services().users.current(&key(child)).unwrap().unwrap().sub, "ann");
        world.hooks.subagent_ended(child);
        assert!(world.services().users.current(&key(child)).unwrap().is_none());
        assert!(world.services().broker.peek(&key(child)).is_none());
    }
}

#[test]
fn in_personal_mode_a_group_has_no_identity_and_says_why() {
    let mut bench = Bench::personal();
    let services = Arc::new(std::mem::replace(&mut bench.services, Bench::new().services));
    let hooks = Hooks::new(services, Setting::new().settings, Arc::new(OsEntropy));
    let group = Scene { session_key: Some("agent:main:telegram:group:-1".into()), ..web("ann") };
    let text = answer(hooks.before_dispatch(group, "hello"));
    assert!(text.contains("personalSessionMode"), "{text}");
}

#[test]
fn a_call_whose_variables_cannot_be_known_does_not_run_without_them() {
    let records = Cut::new(Arc::new(ManualClock::at(Timestamp::default())));
    let mut bench = Bench::new();
    bench.services.bindings = Bindings::on(records.clone());
    bench.log_in(ANN, "ann");
    let services = Arc::new(std::mem::replace(&mut bench.services, Bench::new().services));
    let hooks = Hooks::new(services, Setting::new().settings, Arc::new(OsEntropy));
    let call = |tool: &str, params: Value| {
        hooks.before_tool_call(&call_of("ann", "c1"), tool, params.as_object().unwrap())
    };
    let command = || json!({ "command": "ls" });
    assert!(!matches!(call("exec", command()), Verdict::Block(_)));
    records.off(true);
    let refused = reason(call("exec", command()));
    assert!(
        refused.starts_with("[agent-identity]") && refused.contains("the engine does not answer"),
        "{refused}"
    );
    assert!(!matches!(call("web_search", json!({ "query": "x" })), Verdict::Block(_)), "it has no variables");
    let status = hooks.tool(&call_of("ann", "c2"), "identity_status", &Value::Null);
    assert_eq!((&status["loggedIn"], &status["bindings"]), (&json!(true), &json!({})));
    assert!(status["warnings"].to_string().contains("the engine does not answer"), "{status}");
}

#[test]
fn a_message_whose_writer_cannot_be_noted_ends_before_the_model() {
    let clock = Arc::new(ManualClock::at(Timestamp::default()));
    let (writers, runs) = (Cut::new(clock.clone()), Cut::new(clock.clone()));
    for names_senders in [true, false] {
        let mut bench = Bench::new();
        bench.services.senders = Arc::new(GroupSenders::on(writers.clone(), runs.clone(), clock.clone()));
        bench.log_in(ANN, "ann");
        let services = Arc::new(std::mem::replace(&mut bench.services, Bench::new().services));
        let mut settings = Setting::new().settings;
        settings.host.names_senders = names_senders;
        let hooks = Hooks::new(services, settings, Arc::new(OsEntropy));
        writers.off(true);
        let dispatch = hooks.before_dispatch(web("ann"), "hello");
        if names_senders {
            assert_eq!(dispatch, Dispatch::Pass, "the host names the writer of the run as well");
        } else {
            let text = answer(dispatch);
            assert!(text.contains("The engine does not answer"), "{text}");
            let run = Scene { sender_id: None, ..call_of("ann", "c1") };
            let refusal = hooks.run_begins(&run, None, "hello").unwrap_err();
            assert!(refusal.for_agent.contains("the engine does not answer"), "{refusal:?}");
        }
        writers.off(false);
    }
}
