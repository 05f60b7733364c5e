//! `identity.store`: where the state of several instances is, as an address.
//!
//! ```text
//! redis://[user[:password]@]host[:port][/database][?option=value&…]      rediss:// for TLS
//! unix:///path/to/socket[?database=n&user=name]                          redis+unix:// is the same
//! ```
//!
//! Invariant: neither `Display` nor `Debug` nor an error shows a password.

use std::fmt;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;

use crate::base::error::{Code, Error, Result};
use crate::base::secret::Secret;

/// What the keys of an engine begin with unless `prefix=` says otherwise.
pub const DEFAULT_PREFIX: &str = "agent-identity";
/// The port of an engine (IANA).
pub const DEFAULT_PORT: u16 = 6379;
/// The port of a sentinel.
pub const DEFAULT_SENTINEL_PORT: u16 = 26379;
/// Characters that a prefix may have.
pub const MAX_PREFIX: usize = 32;
/// Nodes that an address may name.
pub const MAX_NODES: usize = 16;
/// The largest database number; engines have 16 unless configured otherwise.
pub const MAX_DATABASE: u32 = 65_535;

/// The options, for hints.
const OPTIONS: &str = "prefix, ca, cert and key, mode (single, cluster, sentinel), node (host:port, repeatable), \
                       master; and for unix: database, user";

/// What `identity.store` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Store {
    /// The files of the data folder.
    File,
    /// An engine that several instances share.
    Shared(Location),
}

/// The address of an engine.
#[derive(Clone)]
pub struct Location {
    /// How its servers are reached.
    pub servers: Servers,
    /// The ACL user; the engine's default user without one.
    pub user: Option<String>,
    /// The password that the address itself holds.
    pub password: Option<Secret>,
    /// The database number.
    pub database: u32,
    /// What its keys begin with.
    pub prefix: String,
}

/// The servers of an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Servers {
    /// A socket on this machine.
    Socket(PathBuf),
    /// Servers on the network.
    Network {
        /// What the nodes are.
        mode: Mode,
        /// At least one.
        nodes: Vec<Node>,
        /// How TLS is spoken; `None` for plain text.
        tls: Option<Tls>,
    },
}

/// What the named nodes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The one server.
    Single,
    /// Some nodes of a cluster, which names the others.
    Cluster,
    /// Sentinels, which know where the master of this name is.
    Sentinel(String),
}

/// A host and its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// A name or an address, IPv6 without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Whom TLS trusts, and what it shows of us.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Tls {
    /// A file of PEM certificates; else the roots that all of this program's connections trust.
    pub ca: Option<PathBuf>,
    /// Our certificate and its key, for engines that ask for one (`tls-auth-clients yes`).
    pub own: Option<Own>,
}

/// A certificate of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// The file of the certificate and its chain, PEM.
    pub certificate: PathBuf,
    /// The file of its private key, PEM, mode 0600.
    pub key: PathBuf,
}

impl Store {
    /// Reads the setting.
    ///
    /// # Errors
    /// `ConfigInvalid` with what is wrong, never with the text itself: it may hold a password.
    pub fn parse(text: &str) -> Result<Self> {
        match text.trim() {
            "file" => Ok(Self::File),
            address => Location::parse(address).map(Self::Shared),
        }
    }
}

impl Location {
    /// Reads an address.
    ///
    /// # Errors
    /// As [`Store::parse`].
    pub fn parse(text: &str) -> Result<Self> {
        let (scheme, rest) = text.split_once("://").ok_or_else(|| {
            invalid(
                "is neither file nor an address",
                "write file, or redis://host:6379/0, or rediss://… for TLS",
            )
        })?;
        if rest.contains('#') {
            return Err(invalid("has a fragment (#…)", "write %23 for a # in a user name or password"));
        }
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let options = Options::parse(query)?;
        match scheme {
            "redis" => options.network(place, false),
            "rediss" => options.network(place, true),
            "unix" | "redis+unix" => options.socket(place),
            _ => {
                Err(invalid("has a scheme that is not known", "the schemes are redis, rediss (TLS) and unix"))
            }
        }
    }

    /// The first server, as people write it.
    #[must_use]
    pub fn first(&self) -> String {
        match &self.servers {
            Servers::Socket(path) => path.display().to_string(),
            Servers::Network { nodes, .. } => nodes.first().map_or_else(String::new, ToString::to_string),
        }
    }

    /// The password to log in with: the one of the separate setting, else that of the address.
    #[must_use]
    pub fn password_or<'a>(&'a self, separate: Option<&'a Secret>) -> Option<&'a Secret> {
        separate.or(self.password.as_ref())
    }
}

/// What stands behind the `?`.
#[derive(Default)]
struct Options {
    prefix: Option<String>,
    ca: Option<PathBuf>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    mode: Option<String>,
    nodes: Vec<String>,
    master: Option<String>,
    database: Option<String>,
    user: Option<String>,
}

impl Options {
    fn parse(query: &str) -> Result<Self> {
        let mut options = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.into_owned();
            if value.is_empty() {
                return Err(invalid("has an option without a value", OPTIONS));
            }
            let twice = match &*name {
                "node" => {
                    options.nodes.push(value);
                    false
                }
                "prefix" => options.prefix.replace(value).is_some(),
                "ca" => options.ca.replace(value.into()).is_some(),
                "cert" => options.cert.replace(value.into()).is_some(),
                "key" => options.key.replace(value.into()).is_some(),
                "mode" => options.mode.replace(value).is_some(),
                "master" => options.master.replace(value).is_some(),
                "database" => options.database.replace(value).is_some(),
                "user" => options.user.replace(value).is_some(),
                _ => {
                    return Err(invalid(
                        "has an option that is not known",
                        &format!("the options are {OPTIONS}"),
                    ));
                }
            };
            if twice {
                return Err(invalid("has an option twice", "only node may be repeated"));
            }
        }
        Ok(options)
    }

    fn network(self, place: &str, encrypted: bool) -> Result<Location> {
        let prefix = prefix(self.prefix)?;
        if self.database.is_some() || self.user.is_some() {
            return Err(invalid(
                "has the option database or user, which only unix:// has",
                "write user and database into the address: redis://user@host:6379/0",
            ));
        }
        let own = match (self.cert, self.key) {
            (Some(certificate), Some(key)) => Some(Own { certificate, key }),
            (None, None) => None,
            _ => return Err(invalid("has only one of the options cert and key", "name both files, or none")),
        };
        let tls = match encrypted {
            true => Some(Tls { ca: self.ca, own }),
            false if self.ca.is_none() && own.is_none() => None,
            false => return Err(invalid("has the option ca or cert without TLS", "write rediss:// for TLS")),
        };
        let mode = match (self.mode.as_deref(), self.master) {
            (None | Some("single"), None) => Mode::Single,
            (Some("cluster"), None) => Mode::Cluster,
            (Some("sentinel"), Some(master)) => Mode::Sentinel(master),
            (Some("sentinel"), None) => {
                return Err(invalid(
                    "has no master for its sentinels",
                    "add master=NAME, as the sentinels call it",
                ));
            }
            (None | Some("single" | "cluster"), Some(_)) => {
                return Err(invalid("has the option master without mode=sentinel", "add mode=sentinel"));
            }
            (Some(_), _) => {
                return Err(invalid("has a mode that is not known", "mode is cluster or sentinel"));
            }
        };
        let (authority, path) = place.split_once('/').unwrap_or((place, ""));
        let (login, host) =
            authority.rsplit_once('@').map_or((None, authority), |(login, host)| (Some(login), host));
        let (user, password) = login.map_or(Ok((None, None)), credentials)?;
        let port = if matches!(mode, Mode::Sentinel(_)) { DEFAULT_SENTINEL_PORT } else { DEFAULT_PORT };
        let first = node(if host.is_empty() { "localhost" } else { host }, port)?;
        let further = self.nodes.iter().map(|text| node(text, port)).collect::<Result<Vec<_>>>()?;
        if !further.is_empty() && mode == Mode::Single {
            return Err(invalid("has several nodes", "say what they are: mode=cluster or mode=sentinel"));
        }
        let nodes: Vec<_> = std::iter::once(first).chain(further).collect();
        if nodes.len() > MAX_NODES {
            return Err(invalid("names more than 16 nodes", "a few are enough: they name the others"));
        }
        let database = database(path)?;
        if mode == Mode::Cluster && database != 0 {
            return Err(invalid(
                "has a database number",
                "clusters have database 0 only: use prefix= instead",
            ));
        }
        Ok(Location { servers: Servers::Network { mode, nodes, tls }, user, password, database, prefix })
    }

    fn socket(self, place: &str) -> Result<Location> {
        let prefix = prefix(self.prefix)?;
        let tls = self.ca.is_some() || self.cert.is_some() || self.key.is_some();
        if tls || self.mode.is_some() || self.master.is_some() || !self.nodes.is_empty() {
            return Err(invalid(
                "has an option that a socket does not have",
                "the options of unix:// are prefix, database, user",
            ));
        }
        let path = decode(place)?;
        if !path.starts_with('/') {
            return Err(invalid("has no absolute path", "write three slashes: unix:///run/redis/redis.sock"));
        }
        let database = database(self.database.as_deref().unwrap_or_default())?;
        Ok(Location {
            servers: Servers::Socket(path.into()),
            user: self.user,
            password: None,
            database,
            prefix,
        })
    }
}

fn credentials(login: &str) -> Result<(Option<String>, Option<Secret>)> {
    let (user, password) =
        login.split_once(':').map_or((login, None), |(user, password)| (user, Some(password)));
    let user = decode(user)?;
    let password = password.filter(|text| !text.is_empty()).map(decode).transpose()?;
    Ok(((!user.is_empty()).then_some(user), password.map(Secret::new)))
}

fn decode(text: &str) -> Result<String> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(String::from).map_err(|_| invalid("is not UTF-8 behind its % signs", "write it as UTF-8"))
}

fn node(text: &str, port: u16) -> Result<Node> {
    let wrong = || invalid("has a node that is no host:port", "write host, host:6379 or [::1]:6379");
    let (host, port_text) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, behind) = rest.split_once(']').ok_or_else(wrong)?;
            let _: std::net::Ipv6Addr = host.parse().map_err(|_| wrong())?;
            (host, if behind.is_empty() { None } else { Some(behind.strip_prefix(':').ok_or_else(wrong)?) })
        }
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let odd = |c: char| c.is_whitespace() || c.is_control() || "/@[],;%".contains(c);
    if host.is_empty() || host.len() > 253 || host.contains(odd) {
        return Err(wrong());
    }
    let digits =
        |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u16>().ok()).flatten();
    let port = match port_text {
        None => port,
        Some(text) => digits(text).filter(|port| *port != 0).ok_or_else(wrong)?,
    };
    Ok(Node { host: host.to_owned(), port })
}

fn database(text: &str) -> Result<u32> {
    let number = match text {
        "" => Some(0),
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok(),
        _ => None,
    };
    let number = number.filter(|number| *number <= MAX_DATABASE);
    number.ok_or_else(|| {
        invalid("has a database that is no number", "write a number such as 0 behind the host")
    })
}

fn prefix(text: Option<String>) -> Result<String> {
    let Some(text) = text else { return Ok(DEFAULT_PREFIX.to_owned()) };
    let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    match plain && !text.is_empty() && text.len() <= MAX_PREFIX {
        true => Ok(text),
        false => Err(invalid("has a prefix that cannot be used", "1 to 32 of a-z, 0-9 and -")),
    }
}

fn invalid(what: &str, hint: &str) -> Error {
    Error::new(Code::ConfigInvalid, format!("identity.store {what}")).with_hint(hint)
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// The address without its password, options that do not matter to people left out.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.user.as_ref().map_or_else(String::new, |user| format!("{user}@"));
        match &self.servers {
            Servers::Socket(path) => write!(f, "unix://{}", path.display())?,
            Servers::Network { nodes, tls, .. } => {
                write!(f, "{}://{user}", if tls.is_some() { "rediss" } else { "redis" })?;
                for (i, node) in nodes.iter().enumerate() {
                    write!(f, "{}{node}", if i == 0 { "" } else { "," })?;
                }
            }
        }
        if self.database != 0 {
            write!(f, "/{}", self.database)?;
        }
        match &self.servers {
            Servers::Network { mode: Mode::Cluster, .. } => f.write_str(" (cluster)"),
            Servers::Network { mode: Mode::Sentinel(master), .. } => write!(f, " (sentinels of {master})"),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self}, {})", self.prefix)
    }
}

impl PartialEq for Location {
    fn eq(&self, other: &Self) -> bool {
        let secret = |location: &Self| location.password.as_ref().map(|secret| secret.expose().clone());
        (&self.servers, &self.user, self.database, &self.prefix, secret(self))
            == (&other.servers, &other.user, other.database, &other.prefix, secret(other))
    }
}

impl Eq for Location {}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(text: &str) -> Location {
        match Store::parse(text).unwrap() {
            Store::Shared(location) => location,
            Store::File => panic!("{text} is no engine"),
        }
    }

    #[test]
    fn every_form_is_read() {
        assert_eq!(Store::parse(" file ").unwrap(), Store::File);
        for (text, shown) in [
            ("redis://", "redis://localhost:6379"),
            ("redis://engine", "redis://engine:6379"),
            ("redis://engine/", "redis://engine:6379"),
            ("redis://engine:7000/15", "redis://engine:7000/15"),
            ("redis://:canary@engine/0?prefix=a-1", "redis://engine:6379"),
            ("rediss://us%40er:can%3Aary@engine:1?ca=/etc/ca.pem", "rediss://us@er@engine:1"),
            ("redis://canary%2F:canary@10.0.0.1", "redis://canary/@10.0.0.1:6379"),
            ("redis://[::1]", "redis://[::1]:6379"),
            ("redis://[fd00::2]:7000/2", "redis://[fd00::2]:7000/2"),
            ("redis://a?mode=cluster&node=b:1&node=c", "redis://a:6379,b:1,c:6379 (cluster)"),
            ("redis://a/3?mode=sentinel&master=m&node=b", "redis://a:26379,b:26379/3 (sentinels of m)"),
            ("redis://a?mode=single", "redis://a:6379"),
            ("unix:///run/r.sock", "unix:///run/r.sock"),
            ("redis+unix:///run/my%20r.sock?database=4&user=u", "unix:///run/my r.sock/4"),
        ] {
            assert_eq!(location(text).to_string(), shown, "{text}");
        }
        let full = location("rediss://u:p%25w@h?ca=/c.pem&prefix=x");
        assert_eq!(full.user.as_deref(), Some("u"));
        assert_eq!(full.password_or(None).unwrap().expose(), "p%w");
        assert_eq!(full.password_or(Some(&"other".into())).unwrap().expose(), "other");
        let Servers::Network { tls: Some(Tls { ca, own: None }), .. } = &full.servers else {
            panic!("no TLS")
        };
        assert_eq!((ca.as_deref(), full.prefix.as_str()), (Some("/c.pem".as_ref()), "x"));
        assert_eq!(location("redis://h").prefix, DEFAULT_PREFIX);
        assert_eq!(location("unix:///s?user=u").user.as_deref(), Some("u"));
        assert!(location("redis://u@h").password.is_none());
    }

    #[test]
    fn what_is_wrong_is_said_without_the_text() {
        for (text, reason) in [
            ("", "neither file nor an address"),
            ("File", "neither file nor an address"),
            ("canary", "neither file nor an address"),
            ("http://canary", "scheme that is not known"),
            ("redis://canary#1", "fragment"),
            ("redis://h:canary", "no host:port"),
            ("redis://h:0", "no host:port"),
            ("redis://h:65536", "no host:port"),
            ("redis://h:+1", "no host:port"),
            ("redis://[canary]", "no host:port"),
            ("redis://[::1", "no host:port"),
            ("redis://[::1]x", "no host:port"),
            ("redis://a b", "no host:port"),
            ("redis://a,b", "no host:port"),
            ("redis://h/canary", "no number"),
            ("redis://h/1/2", "no number"),
            ("redis://h/65536", "no number"),
            ("redis://%ff@h", "not UTF-8"),
            ("redis://h?canary=1", "option that is not known"),
            ("redis://h?prefix", "without a value"),
            ("redis://h?prefix=a&prefix=b", "an option twice"),
            ("redis://h?prefix=Canary", "prefix"),
            ("redis://h?prefix=a:b", "prefix"),
            ("redis://h?database=1", "only unix:// has"),
            ("redis://h?ca=/x", "without TLS"),
            ("redis://h?cert=/x&key=/y", "without TLS"),
            ("rediss://h?cert=/x", "only one of"),
            ("unix:///s?key=/y", "does not have"),
            ("redis://h?mode=canary", "mode"),
            ("redis://h?mode=sentinel", "no master"),
            ("redis://h?master=m", "without mode=sentinel"),
            ("redis://h?mode=cluster&master=m", "without mode=sentinel"),
            ("redis://h?node=b", "several nodes"),
            ("redis://h/1?mode=cluster", "database number"),
            ("unix://run/x", "no absolute path"),
            ("unix:///run/x?ca=/y", "does not have"),
        ] {
            let error = Store::parse(text).unwrap_err();
            assert_eq!(error.code(), Code::ConfigInvalid, "{text}");
            assert!(error.message().contains(reason) && error.hint().is_some(), "{text}: {error:?}");
            assert!(!format!("{error:?}").contains("anary"), "{text}: {error:?}");
        }
    }

    #[test]
    fn the_bounds_hold_at_their_edges() {
        let prefix = |length: usize| Store::parse(&format!("redis://h?prefix={}", "x".repeat(length)));
        assert!(prefix(MAX_PREFIX).is_ok() && prefix(MAX_PREFIX + 1).is_err());
        let nodes =
            |count: usize| Store::parse(&format!("redis://h?mode=cluster{}", "&node=n".repeat(count - 1)));
        assert!(nodes(MAX_NODES).is_ok() && nodes(MAX_NODES + 1).is_err());
        assert!(Store::parse("redis://h/65535").is_ok());
    }

    #[test]
    fn a_password_is_never_shown() {
        let location = location("rediss://u:canary@h:1/2?mode=single");
        assert!(!format!("{location} {location:?}").contains("canary"));
        assert_eq!(location.first(), "h:1");
    }
}
