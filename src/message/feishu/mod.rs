//! Messages to Feishu and Lark chats, as the bot of the host's own Feishu channel.

mod api;
mod recipient;
mod token;

use std::sync::Arc;

use serde_json::json;

pub use recipient::{MAX_ID_CHARS, Recipient, chat_of};
pub use token::{MARGIN, MAX_APPS};

use self::api::App;
use self::token::Tokens;
use super::post::{Courier, Delivery, Unsent};
use super::target::ReplyTarget;
use crate::base::entropy::{Entropy, random_token};
use crate::base::env::Env;
use crate::base::opaque::opaque;
use crate::base::secret::Secret;
use crate::base::time::Clock;
use crate::config::feishu::{Account, Channel};
use crate::config::problem::Fault;
use crate::config::secretref::machine::Machine;
use crate::config::secretref::{Providers, Resolver, SecretInput};
use crate::net::exchange::Exchange;

/// The host's names of the channel.
const CHANNELS: [&str; 2] = ["feishu", "lark"];

/// Whether a channel (in lower case) is Feishu or Lark.
#[must_use]
pub fn serves(channel: &str) -> bool {
    CHANNELS.contains(&channel)
}

/// Where the values of secrets come from that the configuration names. Called from background threads; may block.
pub trait SecretSource: Send + Sync {
    /// The secret.
    ///
    /// # Errors
    /// Why it is not available.
    fn value(&self, input: &SecretInput) -> Result<Secret, Fault>;
}

opaque!(SecretSource);

/// Secrets that are written in the configuration, or that it refers to. None of our credentials rests on them, so our own
/// provider may serve them.
#[derive(Clone, Debug)]
pub struct Configured {
    /// The providers of the configuration.
    pub providers: Providers,
    /// The environment.
    pub env: Env,
}

impl SecretSource for Configured {
    fn value(&self, input: &SecretInput) -> Result<Secret, Fault> {
        let access = Machine::for_other_secrets(&self.env);
        input.resolve(&Resolver::new(&self.providers, &self.env, &access))
    }
}

/// Sends as the bots of a channel's accounts.
#[derive(Debug)]
pub struct Feishu {
    channel: Channel,
    secrets: Arc<dyn SecretSource>,
    exchange: Exchange,
    entropy: Arc<dyn Entropy>,
    tokens: Tokens,
}

impl Feishu {
    /// A courier for that channel. Reaches out to nobody before the first message.
    #[must_use]
    pub fn new(
        channel: Channel,
        secrets: Arc<dyn SecretSource>,
        exchange: Exchange,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { channel, secrets, exchange, entropy, tokens: Tokens::new(clock) }
    }

    /// Whether the default account could send: asks for an access token, and says as which app and where. `None` without
    /// an account.
    ///
    /// # Errors
    /// Why it could not.
    pub fn check(&self) -> Result<Option<String>, Unsent> {
        let Some(account) = self.account(None)? else { return Ok(None) };
        let app = self.app(&account)?;
        self.tokens.get(&self.exchange, &app, &|| self.secret(&account, "appSecret", &account.app_secret))?;
        Ok(Some(format!("app {} at {}", app.id, app.api.origin())))
    }

    fn account(&self, name: Option<&str>) -> Result<Option<Account>, Unsent> {
        self.channel.account(name).map_err(|fault| Unsent(fault.message))
    }

    fn app(&self, account: &Account) -> Result<App, Unsent> {
        let id = self.secret(account, "appId", &account.app_id)?.expose().clone();
        Ok(App { api: account.api.clone(), id })
    }

    fn secret(&self, account: &Account, key: &str, input: &SecretInput) -> Result<Secret, Unsent> {
        self.secrets.value(input).map_err(|fault| {
            Unsent(format!("{key} of the Feishu account {}: {}", account.name, fault.message))
        })
    }
}

impl Courier for Feishu {
    fn deliver(&self, to: &ReplyTarget, text: &str) -> Result<Delivery, Unsent> {
        let Some((channel, chat)) = to.address() else { return Ok(Delivery::NotServed) };
        if !serves(&channel) {
            return Ok(Delivery::NotServed);
        }
        let Some(account) = self.account(to.account_id.as_deref())? else { return Ok(Delivery::NotServed) };
        let recipient =
            Recipient::of(chat).ok_or_else(|| Unsent("the chat's name holds no Feishu id".to_owned()))?;
        // With the same id the platform sends a message at most once, for an hour.
        let once = random_token(&*self.entropy).map_err(|error| Unsent(error.message().to_owned()))?;
        let mut body = json!({
            "msg_type": "text",
            "content": json!({ "text": text }).to_string(),
            "uuid": once,
        });
        let thread = to.thread_id.as_deref().map(str::trim);
        let path = match thread.filter(|id| id.starts_with("om_") && recipient::is_id(id)) {
            Some(message) => {
                body["reply_in_thread"] = true.into();
                format!("/open-apis/im/v1/messages/{message}/reply")
            }
            None => {
                body["receive_id"] = recipient.id.into();
                format!("/open-apis/im/v1/messages?receive_id_type={}", recipient.id_type)
            }
        };
        let app = self.app(&account)?;
        // Asked for only when a token is: behind it may be a program that has to be started.
        let secret = || self.secret(&account, "appSecret", &account.app_secret);
        let send = |token: &Secret| api::post(&self.exchange, &app.api, &path, Some(token), &body);
        let token = self.tokens.get(&self.exchange, &app, &secret)?;
        let mut sent = send(&token);
        if sent.as_ref().is_err_and(api::Refusal::is_about_the_token) {
            self.tokens.reject(&app, &token);
            sent = send(&self.tokens.get(&self.exchange, &app, &secret)?);
        }
        sent.map(|_| Delivery::Sent).map_err(|refusal| refusal.unsent("the message to Feishu"))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::time::Duration;

    use serde_json::Value;

    use super::*;
    use crate::base::entropy::OsEntropy;
    use crate::config::node::parse;
    use crate::net::testing::{Script, StepClock, answer, failed};
    use crate::net::transport::{Failure, FailureKind, HttpRequest, HttpResponse, Transport};

    const SENT: &str = r#"{"code": 0, "msg": "success", "data": {"message_id": "om_9"}}"#;
    const CONFIG: &str =
        "{appId: 'cli_1', appSecret: 'secret-canary', accounts: {lark: {domain: 'lark', appId: 'cli_2'}}}";

    fn token(name: &str, expire: u64) -> Result<HttpResponse, Failure> {
        answer(
            200,
            &json!({ "code": 0, "msg": "ok", "tenant_access_token": name, "expire": expire }).to_string(),
        )
    }

    fn feishu(config: &str, transport: Arc<dyn Transport>) -> (Arc<Feishu>, Arc<StepClock>) {
        let clock = Arc::new(StepClock::at(1_768_464_000));
        let env: Env = [("FEISHU_SECRET", "from-env")].into_iter().collect();
        let channel = Channel::of(&parse(config).unwrap(), Providers::default());
        let secrets = Arc::new(Configured { providers: Providers::default(), env });
        let exchange = Exchange::new(transport, clock.clone(), Arc::new(OsEntropy));
        (Arc::new(Feishu::new(channel, secrets, exchange, clock.clone(), Arc::new(OsEntropy))), clock)
    }

    fn chat(to: &str) -> ReplyTarget {
        ReplyTarget { channel: "feishu".into(), to: Some(to.into()), ..ReplyTarget::default() }
    }

    fn body(request: &HttpRequest) -> Value {
        serde_json::from_slice(&request.body).unwrap()
    }

    #[test]
    fn a_message_is_sent_with_a_token_of_the_app() {
        let script = Arc::new(Script::new([token("t-1", 7200), answer(200, SENT)]));
        let (feishu, _) = feishu(CONFIG, script.clone());
        assert_eq!(feishu.deliver(&chat("chat:oc_1"), "✓ \"done\""), Ok(Delivery::Sent));
        let requests = script.take();
        assert_eq!(
            requests[0].url.to_string(),
            "https://open.feishu.cn/open-apis/auth/v3/tenant_access_token/internal"
        );
        assert_eq!(body(&requests[0]), json!({ "app_id": "cli_1", "app_secret": "secret-canary" }));
        assert_eq!(
            requests[1].url.to_string(),
            "https://open.feishu.cn/open-apis/im/v1/messages?receive_id_type=chat_id"
        );
        assert!(requests[1].headers.contains(&("Authorization".into(), "Bearer t-1".into())));
        let message = body(&requests[1]);
        assert_eq!((&message["receive_id"], &message["msg_type"]), (&json!("oc_1"), &json!("text")));
        assert_eq!(message["content"], r#"{"text":"✓ \"done\""}"#, "a text that holds JSON");
        assert!((1..=50).contains(&message["uuid"].as_str().unwrap().len()));
    }

    #[test]
    fn the_account_of_the_chat_says_as_which_app_and_where() {
        let script = Arc::new(Script::new([token("t-2", 7200), answer(200, SENT)]));
        let (feishu, _) = feishu(CONFIG, script.clone());
        let target = ReplyTarget { account_id: Some("lark".into()), ..chat("user:ou_1") };
        assert_eq!(feishu.deliver(&target, "x"), Ok(Delivery::Sent));
        let requests = script.take();
        assert_eq!(body(&requests[0])["app_id"], "cli_2");
        assert!(requests.iter().all(|request| request.url.host() == "open.larksuite.com"));
        assert_eq!(requests[1].url.query(), Some("receive_id_type=open_id"));
    }

    #[test]
    fn in_a_thread_the_message_is_an_answer_there() {
        let answers = [token("t-1", 7200), answer(200, SENT), answer(200, SENT)];
        let script = Arc::new(Script::new(answers));
        let (feishu, _) = feishu(CONFIG, script.clone());
        for thread in ["om_5", "om_5/../x"] {
            let target = ReplyTarget { thread_id: Some(thread.into()), ..chat("chat:oc_1") };
            feishu.deliver(&target, "x").unwrap();
        }
        let requests = script.take();
        assert_eq!(requests[1].url.path(), "/open-apis/im/v1/messages/om_5/reply");
        assert_eq!(body(&requests[1])["reply_in_thread"], true);
        assert_eq!(requests[2].url.path(), "/open-apis/im/v1/messages", "no id, no thread");
    }

    #[test]
    fn what_is_not_ours_is_left_to_others() {
        let script = Arc::new(Script::default());
        for (config, target) in [
            (CONFIG, ReplyTarget { channel: "telegram".into(), ..chat("chat:oc_1") }),
            (CONFIG, ReplyTarget { to: None, ..chat("") }),
            ("{}", chat("chat:oc_1")),
            ("{enabled: false, appId: 'i', appSecret: 's'}", chat("chat:oc_1")),
        ] {
            let (feishu, _) = feishu(config, script.clone());
            assert_eq!(feishu.deliver(&target, "x"), Ok(Delivery::NotServed), "{config}");
        }
        assert!(script.take().is_empty());
    }

    #[test]
    fn a_token_is_used_until_shortly_before_its_end() {
        let script = Arc::new(Script::default());
        let (feishu, clock) = feishu(CONFIG, script.clone());
        let mut tokens = 0;
        for (wait, fetched) in [(0, 1), (7200 - 181, 1), (1, 2), (1, 2)] {
            clock.advance(Duration::from_secs(wait));
            if fetched > tokens {
                script.push(token(&format!("t-{fetched}"), 7200));
                tokens = fetched;
            }
            script.push(answer(200, SENT));
            feishu.deliver(&chat("chat:oc_1"), "x").unwrap();
            let bearer = ("Authorization".to_owned(), format!("Bearer t-{fetched}"));
            assert!(script.take().last().unwrap().headers.contains(&bearer), "after {wait}");
        }
    }

    #[test]
    fn a_token_that_is_not_accepted_is_replaced_once() {
        let refused = || answer(400, r#"{"code": 99991663, "msg": "Invalid access token"}"#);
        let script =
            Arc::new(Script::new([token("t-1", 7200), refused(), token("t-2", 7200), answer(200, SENT)]));
        let (feishu, _) = feishu(CONFIG, script.clone());
        assert_eq!(feishu.deliver(&chat("chat:oc_1"), "x"), Ok(Delivery::Sent));
        let sent = script.take();
        assert_eq!(body(&sent[1])["uuid"], body(&sent[3])["uuid"], "the same message");
        script.push(refused());
        script.push(token("t-3", 7200));
        script.push(refused());
        assert!(feishu.deliver(&chat("chat:oc_1"), "x").is_err());
        assert_eq!(script.take().len(), 3, "no endless attempts");
    }

    #[test]
    fn failures_say_why_without_secret_token_or_the_platforms_words() {
        let gone = || failed(FailureKind::Tls);
        for (config, answers, part) in [
            (
                CONFIG,
                vec![answer(400, r#"{"code": 10014, "msg": "words-canary"}"#)],
                "check appId and appSecret",
            ),
            (CONFIG, vec![answer(502, "words-canary")], "HTTP 502"),
            (CONFIG, vec![answer(200, r#"{"code": 0}"#)], "no access token"),
            (
                CONFIG,
                vec![answer(200, r#"{"code":0,"tenant_access_token":"a b-canary","expire":1}"#)],
                "no access token",
            ),
            (CONFIG, vec![gone()], "scripted Tls"),
            (
                CONFIG,
                vec![token("t-canary", 7200), answer(400, r#"{"code": 230002, "msg": "words-canary"}"#)],
                "the bot is not in the chat",
            ),
            (
                CONFIG,
                vec![token("t-canary", 7200), answer(400, r#"{"code": 230099, "msg": "words-canary"}"#)],
                "code 230099",
            ),
            (CONFIG, vec![token("t-canary", 7200), answer(200, "[]")], "HTTP 200 and no code"),
            ("{appId: 'i', appSecret: '${UNSET}'}", vec![], "UNSET is not set"),
            ("{appId: 'i', appSecret: 's', domain: 'http://x.example'}", vec![], "must be https"),
        ] {
            // An answer that asks for it is followed by further attempts.
            let last = answers.last().cloned();
            let script = Arc::new(Script::new(answers.into_iter().chain(last.clone()).chain(last)));
            let (feishu, _) = feishu(config, script);
            let unsent = feishu.deliver(&chat("chat:oc_1"), "x").unwrap_err();
            assert!(unsent.0.contains(part), "{part}: {unsent}");
            assert!(!format!("{unsent:?} {feishu:?}").contains("canary"), "{unsent}");
        }
        let (feishu, _) = feishu(CONFIG, Arc::new(Script::default()));
        assert!(feishu.deliver(&chat("agent:main:main"), "x").unwrap_err().0.contains("no Feishu id"));
    }

    /// Holds the request for a token until every sender is there.
    #[derive(Debug)]
    struct Slow(Script, Barrier);

    impl Transport for Slow {
        fn send(&self, request: &HttpRequest) -> Result<HttpResponse, Failure> {
            if request.url.path().contains("tenant_access_token") {
                self.1.wait();
                let _ = self.0.send(request);
                return token("t-1", 7200);
            }
            answer(200, SENT)
        }
    }

    #[test]
    fn senders_at_once_share_one_request_for_a_token() {
        let slow = Arc::new(Slow(Script::default(), Barrier::new(2)));
        let (feishu, _) = feishu(CONFIG, slow.clone());
        std::thread::scope(|scope| {
            let senders: Vec<_> =
                (0..4).map(|_| scope.spawn(|| feishu.deliver(&chat("chat:oc_1"), "x"))).collect();
            slow.1.wait();
            for sender in senders {
                assert_eq!(sender.join().unwrap(), Ok(Delivery::Sent));
            }
        });
        assert_eq!(slow.0.take().len(), 1);
    }

    #[test]
    fn an_apps_secret_is_text_a_variable_or_what_a_provider_has() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("secrets.json");
        std::fs::write(&file, r#"{"feishu": {"appSecret": "from-file"}}"#).unwrap();
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let secrets = format!("{{providers: {{disk: {{source: 'file', path: '{}'}}}}}}", file.display());
        let env: Env = [("SECRET", "from-env")].into_iter().collect();
        let source = Configured { providers: Providers::of(&parse(&secrets).unwrap(), &env), env };
        for (written, expected) in [
            ("'plain'", Ok("plain")),
            ("'${SECRET}'", Ok("from-env")),
            ("{source: 'file', provider: 'disk', id: '/feishu/appSecret'}", Ok("from-file")),
            ("{source: 'file', provider: 'disk', id: '/gone'}", Err("nothing at /gone")),
            ("{source: 'env', provider: 'default', id: 'GONE'}", Err("GONE is not set")),
            ("{source: 'store', provider: 'default', id: 'GONE'}", Err("not readable here")),
        ] {
            let input = SecretInput::parse(&parse(written).unwrap(), "default").unwrap();
            match (source.value(&input), expected) {
                (Ok(secret), Ok(expected)) => assert_eq!(secret.expose(), expected, "{written}"),
                (Err(fault), Err(expected)) => assert!(fault.message.contains(expected), "{fault:?}"),
                (outcome, _) => panic!("{written}: {outcome:?}"),
            }
        }
    }
}
