//! The host's Feishu channel, as far as it takes to send a message through it: `channels.feishu`.
//!
//! Read by the host's own rules: an account inherits what it does not set, and what is not read here is not judged. The
//! channel's secrets for incoming events are never looked at.

use super::node::Node;
use super::problem::Fault;
use super::secretref::{Providers, SecretInput};
use crate::base::url::Url;

/// Feishu, for China; and Lark, for everywhere else.
const DOMAINS: [(&str, &str); 2] =
    [("feishu", "https://open.feishu.cn"), ("lark", "https://open.larksuite.com")];
/// The account of a channel that has only one.
const DEFAULT_ACCOUNT: &str = "default";

/// The channel. Without any setting it serves nobody.
#[derive(Clone, Debug, Default)]
pub struct Channel {
    settings: Settings,
    default_account: Option<String>,
    accounts: Vec<(String, Settings)>,
    providers: Providers,
}

#[derive(Clone, Debug, Default)]
struct Settings {
    enabled: Option<bool>,
    app_id: Option<Node>,
    app_secret: Option<Node>,
    domain: Option<String>,
}

/// An account that can send.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its name in the configuration.
    pub name: String,
    /// The app.
    pub app_id: SecretInput,
    /// Its secret.
    pub app_secret: SecretInput,
    /// Where its API is.
    pub api: Url,
}

impl Channel {
    /// Reads `channels.feishu`.
    #[must_use]
    pub fn of(node: &Node, providers: Providers) -> Self {
        let accounts = node.get("accounts").map(Node::entries).unwrap_or_default();
        Self {
            settings: Settings::of(node),
            default_account: text(node, "defaultAccount"),
            accounts: accounts.iter().map(|(name, node)| (name.clone(), Settings::of(node))).collect(),
            providers,
        }
    }

    /// The providers that secrets may refer to.
    #[must_use]
    pub fn providers(&self) -> &Providers {
        &self.providers
    }

    /// The account of that name, or else the default one. `None` when it is switched off or has no app.
    ///
    /// # Errors
    /// What is wrong with its settings.
    pub fn account(&self, name: Option<&str>) -> Result<Option<Account>, Fault> {
        let name = name.map(str::trim).filter(|name| !name.is_empty());
        let name = name.map_or_else(|| self.default_name(), str::to_owned);
        // As the host: the exact name first, then in any letter case; an unknown one has the channel's own settings.
        let own = self.accounts.iter().find(|(known, _)| *known == name);
        let own = own.or_else(|| self.accounts.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name)));
        let of = |pick: fn(&Settings) -> Option<&Node>| {
            own.and_then(|(_, own)| pick(own)).or_else(|| pick(&self.settings))
        };
        if [Some(&self.settings), own.map(|(_, own)| own)].into_iter().flatten().any(Settings::is_off) {
            return Ok(None);
        }
        let (Some(app_id), Some(app_secret)) = (of(|s| s.app_id.as_ref()), of(|s| s.app_secret.as_ref()))
        else {
            return Ok(None);
        };
        let at = |key: &'static str, fault: Fault| Fault {
            message: format!("channels.feishu, account {name}: {key} {}", fault.message),
            ..fault
        };
        let secret = |key, node| {
            SecretInput::parse(node, self.providers.default_env()).map_err(|fault| at(key, fault))
        };
        let (app_id, app_secret) = (secret("appId", app_id)?, secret("appSecret", app_secret)?);
        let domain = own.and_then(|(_, own)| own.domain.as_deref()).or(self.settings.domain.as_deref());
        let api = api(domain).map_err(|fault| at("domain", fault))?;
        Ok(Some(Account { name, app_id, app_secret, api }))
    }

    fn default_name(&self) -> String {
        if let Some(name) = &self.default_account {
            return name.clone();
        }
        let mut names: Vec<_> = self.accounts.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        match names.as_slice() {
            [] => DEFAULT_ACCOUNT.to_owned(),
            names if names.contains(&DEFAULT_ACCOUNT) => DEFAULT_ACCOUNT.to_owned(),
            // The channel's own app is the default account where it has one.
            _ if self.settings.has_app() => DEFAULT_ACCOUNT.to_owned(),
            [first, ..] => (*first).to_owned(),
        }
    }
}

impl Settings {
    fn of(node: &Node) -> Self {
        let filled = |key: &str| {
            node.get(key)
                .filter(|value| !matches!(value, Node::Null))
                .filter(|value| value.text().is_none_or(|text| !text.trim().is_empty()))
                .cloned()
        };
        Self {
            enabled: match node.get("enabled") {
                Some(Node::Flag(flag)) => Some(*flag),
                _ => None,
            },
            app_id: filled("appId"),
            app_secret: filled("appSecret"),
            domain: text(node, "domain"),
        }
    }

    fn is_off(&self) -> bool {
        self.enabled == Some(false)
    }

    fn has_app(&self) -> bool {
        self.app_id.is_some() && self.app_secret.is_some()
    }
}

fn text(node: &Node, key: &str) -> Option<String> {
    let text = node.get(key)?.text()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// `feishu`, `lark`, or the address of an installation of one's own.
fn api(domain: Option<&str>) -> Result<Url, Fault> {
    let domain = domain.unwrap_or(DOMAINS[0].0);
    let known = DOMAINS.iter().find(|(name, _)| *name == domain).map(|(_, address)| *address);
    let hint = "use feishu, lark, or an https address";
    let url = Url::parse(known.unwrap_or(domain))
        .map_err(|why| Fault::with_hint(format!("is no address: {why}"), hint))?;
    match url.is_confidential() {
        true => Ok(url),
        false => Err(Fault::with_hint("must be https: the app secret goes there", hint)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::node::parse;
    use super::super::secretref::Resolver;
    use super::*;
    use crate::base::env::Env;

    fn found(config: &str, account: Option<&str>) -> Option<(String, String, String, String)> {
        let channel = Channel::of(&parse(config).unwrap(), Providers::default());
        let account = channel.account(account).unwrap()?;
        let env: Env = [("FEISHU_SECRET", "from-env")].into_iter().collect();
        let resolver = Resolver::of_variables(channel.providers(), &env);
        let plain = |input: &SecretInput| input.resolve(&resolver).unwrap().expose().clone();
        Some((account.name.clone(), plain(&account.app_id), plain(&account.app_secret), account.api.origin()))
    }

    #[test]
    fn an_account_inherits_what_it_does_not_set_and_the_default_is_the_hosts() {
        let top = "appId: 'cli_top', appSecret: 's-top'";
        let accounts =
            "accounts: {b: {appId: 'cli_b', appSecret: 's-b'}, A: {appSecret: 's-a', domain: 'lark'}}";
        for (config, asked, expected) in [
            (format!("{{{top}}}"), None, Some("default cli_top s-top https://open.feishu.cn")),
            (format!("{{{top}}}"), Some("anything"), Some("anything cli_top s-top https://open.feishu.cn")),
            (format!("{{{top}, {accounts}}}"), Some("b"), Some("b cli_b s-b https://open.feishu.cn")),
            (format!("{{{top}, {accounts}}}"), Some(" a "), Some("a cli_top s-a https://open.larksuite.com")),
            (format!("{{{top}, {accounts}}}"), None, Some("default cli_top s-top https://open.feishu.cn")),
            (
                format!("{{{top}, domain: 'lark', defaultAccount: 'b', {accounts}}}"),
                Some(""),
                Some("b cli_b s-b https://open.larksuite.com"),
            ),
            (
                "{accounts: {z: {}, m: {appId: 'i', appSecret: 's'}}}".into(),
                None,
                Some("m i s https://open.feishu.cn"),
            ),
            (format!("{{{accounts}}}"), Some("a"), None),
            (format!("{{enabled: false, {top}}}"), None, None),
            (format!("{{{top}, accounts: {{b: {{enabled: false}}}}}}"), Some("b"), None),
            ("{appId: 'cli_top', appSecret: ' '}".into(), None, None),
            ("{}".into(), None, None),
            ("{appId: 7, accounts: []}".into(), None, None),
            (
                "{appId: 'i', appSecret: {source: 'env', provider: 'default', id: 'FEISHU_SECRET'}}".into(),
                None,
                Some("default i from-env https://open.feishu.cn"),
            ),
            (
                "{appId: 'i', appSecret: '${FEISHU_SECRET}', domain: 'https://feishu.corp.example/'}".into(),
                None,
                Some("default i from-env https://feishu.corp.example"),
            ),
        ] {
            let found =
                found(&config, asked).map(|(name, id, secret, api)| format!("{name} {id} {secret} {api}"));
            assert_eq!(found.as_deref(), expected, "{config} {asked:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_the_value() {
        for (config, expected) in [
            ("{appId: 'i', appSecret: 's-canary', domain: 'http://feishu.example'}", "domain must be https"),
            ("{appId: 'i', appSecret: 's-canary', domain: 'ftp://x'}", "domain is no address"),
            ("{appId: 'i', appSecret: 'secretref-env:CANARY'}", "appSecret is a retired secret marker"),
            ("{appId: 'i', appSecret: {source: 's-canary'}}", "appSecret must be a SecretRef"),
        ] {
            let channel = Channel::of(&parse(config).unwrap(), Providers::default());
            let fault = channel.account(None).unwrap_err();
            assert!(fault.message.contains(expected), "{config}: {fault:?}");
            assert!(!format!("{fault:?} {channel:?}").to_lowercase().contains("canary"), "{fault:?}");
        }
    }
}
