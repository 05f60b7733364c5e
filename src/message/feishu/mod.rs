//! Messages to Feishu and Lark chats, as the bot of the host's own Feishu channel.

mod api;
mod recipient;
mod token;

use std::fmt;
use std::sync::Arc;

use serde_json::json;

pub use recipient::{MAX_ID_CHARS, Recipient};
pub use token::{MARGIN, MAX_APPS};

use self::api::App;
use self::token::Tokens;
use super::post::{Courier, Delivery, Unsent};
use super::target::ReplyTarget;
use crate::base::entropy::{Entropy, random_token};
use crate::base::env::Env;
use crate::base::secret::Secret;
use crate::base::time::Clock;
use crate::config::feishu::Channel;
use crate::config::problem::Fault;
use crate::config::secretref::machine::Machine;
use crate::config::secretref::{Providers, Resolver, SecretInput};
use crate::net::exchange::Exchange;

/// The host's names of the channel.
const CHANNELS: [&str; 2] = ["feishu", "lark"];

/// Where the values of secrets come from that the configuration names. Called from background threads; may block.
pub trait SecretSource: Send + Sync + fmt::Debug {
    /// The secret.
    ///
    /// # Errors
    /// Why it is not available.
    fn value(&self, input: &SecretInput) -> Result<Secret, Fault>;
}

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

    /// The account's app; `None` where the channel has none.
    fn app(&self, account: Option<&str>) -> Result<Option<App>, Unsent> {
        let Some(account) = self.channel.account(account).map_err(|fault| Unsent(fault.message))? else {
            return Ok(None);
        };
        let secret = |key: &str, input: &SecretInput| {
            let why = |fault: Fault| {
                Unsent(format!("{key} of the Feishu account {}: {}", account.name, fault.message))
            };
            self.secrets.value(input).map_err(why)
        };
        let id = secret("appId", &account.app_id)?.expose().clone();
        Ok(Some(App { api: account.api.clone(), id, secret: secret("appSecret", &account.app_secret)? }))
    }
}

impl Courier for Feishu {
    fn deliver(&self, to: &ReplyTarget, text: &str) -> Result<Delivery, Unsent> {
        let Some((channel, chat)) = to.address() else { return Ok(Delivery::NotServed) };
        if !CHANNELS.contains(&channel.as_str()) {
            return Ok(Delivery::NotServed);
        }
        let Some(app) = self.app(to.account_id.as_deref())? else { return Ok(Delivery::NotServed) };
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
        let send = |token: &Secret| api::post(&self.exchange, &app.api, &path, Some(token), &body);
        let token = self.tokens.get(&self.exchange, &app)?;
        let mut sent = send(&token);
        if sent.as_ref().is_err_and(api::Refusal::is_about_the_token) {
            self.tokens.reject(&app, &token);
            sent = send(&self.tokens.get(&self.exchange, &app)?);
        }
        sent.map(|_| Delivery::Sent).map_err(|refusal| refusal.unsent("the message to Feishu"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::node::parse;

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
