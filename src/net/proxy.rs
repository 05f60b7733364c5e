//! Which proxy a request takes: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, decided without any I/O.
//!
//! Requests to this machine never take a proxy: a proxy elsewhere would reach its own loopback or metadata service.

use std::net::{IpAddr, Ipv4Addr};

use crate::base::env::Env;
use crate::base::error::{Code, Error, Result};
use crate::base::secret::Secret;
use crate::base::url::Url;

/// The cloud's metadata service, an address of the machine itself.
const METADATA_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(100, 96, 0, 96));

/// The proxies of an environment.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    http: Option<Secret>,
    https: Option<Secret>,
    exempt: Vec<Exempt>,
}

/// One entry of `NO_PROXY`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Exempt {
    All,
    /// A name with everything below it.
    Domain(String),
    /// Addresses whose first bits are those of this one.
    Network(IpAddr, u32),
}

impl Proxies {
    /// Reads the variables in their lower- and upper-case forms; the lower-case one wins, as in curl.
    ///
    /// # Errors
    /// `ConfigInvalid` when a proxy is not an `http` or `https` address; names the variable, not its value.
    pub fn of(env: &Env) -> Result<Self> {
        let all = proxy(env, "all_proxy", "ALL_PROXY")?;
        let exempt = env.get("no_proxy").or_else(|| env.get("NO_PROXY")).unwrap_or_default();
        Ok(Self {
            http: proxy(env, "http_proxy", "HTTP_PROXY")?.or_else(|| all.clone()),
            https: proxy(env, "https_proxy", "HTTPS_PROXY")?.or(all),
            exempt: exempt.split([',', ' ']).filter_map(Exempt::parse).collect(),
        })
    }

    /// The proxy that a request to `url` takes; its address may hold a password.
    #[must_use]
    pub fn choose(&self, url: &Url) -> Option<&Secret> {
        let proxy = if url.is_https() { &self.https } else { &self.http };
        proxy.as_ref().filter(|_| !is_this_machine(url) && !self.exempt.iter().any(|e| e.covers(url)))
    }
}

/// The host and port of a proxy's address, as they may be shown.
#[must_use]
pub fn shown(proxy: &Secret) -> String {
    let uri: Option<http::Uri> = proxy.expose().parse().ok();
    let authority = uri.as_ref().and_then(http::Uri::authority).map(http::uri::Authority::as_str);
    authority.map_or_else(String::new, |text| text.rsplit('@').next().unwrap_or_default().to_owned())
}

fn proxy(env: &Env, lower: &str, upper: &str) -> Result<Option<Secret>> {
    let Some((name, text)) = [lower, upper].into_iter().find_map(|name| Some((name, env.get(name)?))) else {
        return Ok(None);
    };
    // `host:port` without a scheme is common; user information is allowed here only.
    let full = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let uri: Option<http::Uri> = full.parse().ok();
    let usable = uri.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
    });
    if usable {
        return Ok(Some(Secret::new(full)));
    }
    Err(Error::new(Code::ConfigInvalid, format!("{name} is not the address of an http proxy"))
        .with_hint(format!("set {name} to http://host:port, or unset it")))
}

fn is_this_machine(url: &Url) -> bool {
    url.is_loopback()
        || url.ip().is_some_and(|ip| match ip {
            IpAddr::V4(v4) => v4.is_link_local() || ip == METADATA_ADDRESS,
            IpAddr::V6(v6) => v6.is_unicast_link_local(),
        })
}

impl Exempt {
    /// `*`, `name`, `.name`, `*.name`, an address, or a network `address/bits`; a port is ignored.
    fn parse(entry: &str) -> Option<Self> {
        let entry = entry.trim();
        if entry == "*" {
            return Some(Self::All);
        }
        let (address, bits) = entry.split_once('/').map_or((entry, None), |(a, b)| (a, Some(b)));
        if let Ok(ip) = address.trim_matches(['[', ']']).parse::<IpAddr>() {
            let width = if ip.is_ipv4() { 32 } else { 128 };
            let bits = bits.map_or(Some(width), |bits| bits.parse().ok().filter(|bits| *bits <= width))?;
            return Some(Self::Network(ip, bits));
        }
        let name = entry.split(':').next()?.trim_start_matches('*').trim_start_matches('.');
        (!name.is_empty() && bits.is_none()).then(|| Self::Domain(name.to_ascii_lowercase()))
    }

    fn covers(&self, url: &Url) -> bool {
        match self {
            Self::All => true,
            Self::Domain(name) => {
                let host = url.host().to_ascii_lowercase();
                host.strip_suffix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
            Self::Network(network, bits) => url.ip().is_some_and(|ip| same_network(ip, *network, *bits)),
        }
    }
}

fn same_network(a: IpAddr, b: IpAddr, bits: u32) -> bool {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            let differing = (a.to_bits() ^ b.to_bits()).leading_zeros();
            differing >= bits
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => {
            let differing = (a.to_bits() ^ b.to_bits()).leading_zeros();
            differing >= bits
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(env: &[(&str, &str)], url: &str) -> Option<String> {
        let proxies = Proxies::of(&env.iter().copied().collect()).unwrap();
        proxies.choose(&Url::parse(url).unwrap()).map(|proxy| proxy.expose().clone())
    }

    #[test]
    fn each_scheme_has_its_variable_and_lower_case_wins() {
        let env =
            [("HTTPS_PROXY", "http://u:p@s:1"), ("http_proxy", "h:2"), ("HTTP_PROXY", "http://other:3")];
        assert_eq!(chosen(&env, "https://a.example").as_deref(), Some("http://u:p@s:1"));
        assert_eq!(chosen(&env, "http://a.example").as_deref(), Some("http://h:2"));
        assert_eq!(
            chosen(&[("ALL_PROXY", "http://all")], "https://a.example").as_deref(),
            Some("http://all")
        );
        assert_eq!(chosen(&[], "https://a.example"), None);
    }

    #[test]
    fn this_machine_never_takes_a_proxy() {
        let env = [("ALL_PROXY", "http://p:1")];
        for url in [
            "http://127.0.0.1:9",
            "http://localhost",
            "http://[::1]:2",
            "http://100.96.0.96/latest",
            "http://169.254.1.1",
        ] {
            assert_eq!(chosen(&env, url), None, "{url}");
        }
        assert!(chosen(&env, "http://100.96.0.97").is_some());
    }

    #[test]
    fn exemptions_cover_names_below_and_networks() {
        let env = [
            ("ALL_PROXY", "http://p:1"),
            ("NO_PROXY", "a.example, .b.example,*.c.example,10.0.0.0/8,[fd00::]/16,d.example:8443,x/9"),
        ];
        for (url, direct) in [
            ("https://a.example", true),
            ("https://sub.A.example", true),
            ("https://nota.example", false),
            ("https://b.example", true),
            ("https://x.c.example", true),
            ("https://d.example:8443", true),
            ("http://10.200.0.1", true),
            ("http://11.0.0.1", false),
            ("http://[fd01::1]", false),
            ("http://[fd00::1]", true),
            ("https://x", false),
        ] {
            assert_eq!(chosen(&env, url).is_none(), direct, "{url}");
        }
        assert_eq!(chosen(&[("ALL_PROXY", "http://p:1"), ("no_proxy", "*")], "https://z.example"), None);
        assert_eq!(Exempt::parse("10.0.0.0/33"), None);
        assert_eq!(Exempt::parse("10.0.0.0/32"), Some(Exempt::Network("10.0.0.0".parse().unwrap(), 32)));
        assert_eq!(Exempt::parse(" "), None);
    }

    #[test]
    fn an_unusable_proxy_is_named_and_its_value_is_not() {
        for bad in ["socks5://secret.example:1080", "http://", "http://a b"] {
            let error = Proxies::of(&[("HTTPS_PROXY", bad)].into_iter().collect()).unwrap_err();
            assert_eq!(error.code(), Code::ConfigInvalid, "{bad}");
            assert!(
                error.message().contains("HTTPS_PROXY") && !format!("{error:?}").contains("secret"),
                "{error:?}"
            );
        }
    }
}
