//! What the plugin says of its host at the start, and what the host can do for us.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::link::Link;
use crate::base::error::{Code, Error, Result};
use crate::message::post::{Courier, Delivery, Unsent, Waker};
use crate::message::target::ReplyTarget;
use crate::session::derive::DmScope;
use crate::session::key::SessionKey;
use crate::surface::hook;

/// The parameters of `initialize`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Greeting {
    /// The version of the plugin, which must be ours.
    pub plugin_version: String,
    /// The version of the host, as it says.
    #[serde(default)]
    pub host_version: Option<String>,
    /// The plugin's settings, as the host has read them.
    #[serde(default)]
    pub config: Option<Map<String, Value>>,
    /// The host's `session` settings.
    #[serde(default)]
    pub session: Map<String, Value>,
    /// Whether the host is of the generation that names senders and refuses variables.
    #[serde(default)]
    pub modern: bool,
    /// Whether the host asks for approvals by itself.
    #[serde(default = "yes")]
    pub approvals: bool,
}

fn yes() -> bool {
    true
}

impl Greeting {
    /// Reads the parameters.
    ///
    /// # Errors
    /// `InvalidRequest`, also for a plugin of another version: the two are one program in two files.
    pub fn read(params: Map<String, Value>) -> Result<Self> {
        let greeting: Self = serde_json::from_value(params.into()).map_err(|error| {
            Error::new(Code::InvalidRequest, format!("the plugin's greeting is not understood: {error}"))
        })?;
        let ours = crate::action::services::VERSION;
        if greeting.plugin_version == ours {
            return Ok(greeting);
        }
        let theirs: String = greeting.plugin_version.chars().take(32).collect();
        Err(Error::new(
            Code::InvalidRequest,
            format!("the plugin is version {theirs}, this program is {ours}"),
        )
        .with_hint("install plugin and program of one version, and restart the gateway"))
    }

    /// What the host is like.
    ///
    /// # Errors
    /// `InvalidRequest` for an unknown `session.dmScope`.
    pub fn host(&self) -> Result<hook::Host> {
        let scope = self.session.get("dmScope").and_then(Value::as_str).unwrap_or_default();
        Ok(hook::Host {
            dm_scope: DmScope::parse(scope)?,
            names_senders: self.modern,
            blocks_names: self.modern,
            has_own_id: self.modern,
        })
    }
}

/// Sends through the host's own channels, and wakes its agents.
#[derive(Debug)]
pub struct HostPost(pub Arc<Link>);

impl Courier for HostPost {
    /// The host sends what it can, and says in its own log what it cannot.
    fn deliver(&self, to: &ReplyTarget, text: &str) -> Result<Delivery, Unsent> {
        let Some((channel, address)) = to.address() else { return Ok(Delivery::NotServed) };
        let params = json!({
            "channel": channel,
            "to": address,
            "accountId": to.account_id,
            "threadId": to.thread_id,
            "text": text,
        });
        self.0.notify("send", &params);
        Ok(Delivery::Sent)
    }
}

impl Waker for HostPost {
    fn wake(&self, session: &SessionKey, event: &str) -> Result<(), Unsent> {
        let params = json!({ "sessionKey": session, "agentId": session.agent_id(), "text": event });
        self.0.notify("wake", &params);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: Value) -> Result<Greeting> {
        let Value::Object(params) = value else { unreachable!() };
        Greeting::read(params)
    }

    #[test]
    fn a_plugin_of_another_version_is_refused_with_both_named() {
        let error = read(json!({"pluginVersion": "0.0.9"})).unwrap_err();
        assert!(error.message().contains("0.0.9") && error.message().contains(env!("CARGO_PKG_VERSION")));
        assert_eq!(read(json!({})).unwrap_err().code(), Code::InvalidRequest);
    }

    #[test]
    fn what_the_host_is_like_decides_how_senders_are_known() {
        let greeting = |session: Value| {
            read(json!({"pluginVersion": env!("CARGO_PKG_VERSION"), "session": session, "modern": true}))
        };
        let host = greeting(json!({"dmScope": "per-peer"})).unwrap().host().unwrap();
        assert_eq!((host.dm_scope, host.names_senders, host.blocks_names), (DmScope::PerPeer, true, true));
        assert_eq!(greeting(json!({})).unwrap().host().unwrap().dm_scope, DmScope::Main);
        assert!(greeting(json!({"dmScope": "per-guild"})).unwrap().host().is_err());
    }
}
